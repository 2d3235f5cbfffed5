//! Forgetting what is over.

use jiff::{SignedDuration, Timestamp};

use super::Stage;
use super::build::{arrival, at, change, line, open_due, receive, set_state};
use crate::alert::{AlertId, Delivery, Digest, Outcome, State};
use crate::oncall::{ContactId, GroupId, Override};
use crate::store::{Awaited, Beat, Error, Forgotten, Store};

/// An alert that was resolved then, with one call.
fn over(store: &mut dyn Store, key: &str, ended: Timestamp) -> AlertId {
    let id = open_due(store, key, &[at(1)]);
    change(store, id, |alert| {
        (alert.state, alert.ended_at) = (State::Resolved, Some(ended));
        for one in &mut alert.notifications {
            let detail = String::new();
            one.delivery =
                Delivery::Ended { at: ended, outcome: Outcome::Completed, detail, provider: None, provider_id: None };
        }
    });
    store.record(id, &[line("one"), line("two")]).unwrap();
    id
}

fn ids(store: &mut dyn Store) -> Vec<AlertId> {
    store.alerts(&crate::store::Filter::default()).unwrap().iter().map(|alert| alert.id).collect()
}

pub fn what_was_over_before_is_forgotten_with_all_about_it(stage: &dyn Stage) {
    let mut store = stage.connect();
    let old = over(&mut *store, "disk", at(10));
    let new = over(&mut *store, "cpu", at(20));
    let told = Forgotten { alerts: 1, notifications: 1, lines: 2 };
    assert_eq!(store.prunable(at(15)).unwrap(), told);
    assert_eq!(ids(&mut *store), [new, old], "asking changes nothing");
    assert_eq!(store.prune(at(10), 9).unwrap(), Forgotten::default(), "that is not before");
    assert_eq!(store.prune(at(15), 9).unwrap(), told);
    assert_eq!(store.prune(at(15), 9).unwrap(), Forgotten::default());
    assert_eq!(ids(&mut *store), [new]);
    assert!(matches!(store.history(old), Err(Error::NoAlert(id)) if id == old));
    assert_eq!(store.alert_of_mail(Digest::of(["disk"])).unwrap(), None);
    assert_eq!(store.by_token(&super::build::token(old, 1)).unwrap(), None);
    assert_eq!(store.history(new).unwrap().len(), 2);
    // Its number is not given again.
    assert_eq!(receive(&mut *store, &arrival("m3", "disk"), at(30)).alert().id, AlertId(new.0 + 1));
}

pub fn what_is_not_over_is_kept(stage: &dyn Stage) {
    let mut store = stage.connect();
    let open = open_due(&mut *store, "open", &[]);
    let reminded = over(&mut *store, "reminded", at(2));
    change(&mut *store, reminded, |alert| {
        (alert.state, alert.ended_at, alert.next_at) = (State::Acknowledged, None, Some(at(9)));
        alert.acknowledged_at = Some(at(2));
    });
    let in_window = over(&mut *store, "in its window", at(2));
    change(&mut *store, in_window, |alert| {
        (alert.state, alert.ended_at, alert.acknowledged_at) = (State::Acknowledged, None, Some(at(2)));
        alert.window = SignedDuration::from_secs(200_000);
    });
    let unsent = over(&mut *store, "news that nobody has sent", at(2));
    change(&mut *store, unsent, |alert| {
        alert.notifications[0].delivery = Delivery::Due { at: at(1), unsure_since: None };
    });
    let late = over(&mut *store, "a mail that has not come", at(2));
    store.expect_heartbeats(&[Awaited { name: "backup".into(), form: Digest::of(["x"]) }], at(0)).unwrap();
    store.heartbeats_came(&["backup"], &Beat { mail: Digest::of(["b"]), sent_at: at(0) }, at(0)).unwrap();
    store.heartbeat_told("backup", late, None).unwrap();
    let kept = [late, unsent, in_window, reminded, open];
    // Whoever has had it for so long, and is not reminded, has it no more.
    let taken = over(&mut *store, "taken", at(2));
    change(&mut *store, taken, |alert| {
        (alert.state, alert.ended_at, alert.acknowledged_at) = (State::Acknowledged, None, Some(at(2)));
        alert.window = SignedDuration::from_secs(1);
    });
    let expired = over(&mut *store, "expired", at(2));
    set_state(&mut *store, expired, State::Expired);
    assert_eq!(store.prune(at(100_000), 99).unwrap().alerts, 2);
    assert_eq!(ids(&mut *store), kept);
}

pub fn the_oldest_goes_first_up_to_the_limit(stage: &dyn Stage) {
    let mut store = stage.connect();
    let all: Vec<AlertId> = (0..5).map(|n| over(&mut *store, &format!("disk {n}"), at(2))).collect();
    assert_eq!(store.prune(at(9), 3).unwrap().alerts, 3);
    assert_eq!(ids(&mut *store), [all[4], all[3]]);
    assert_eq!(store.prune(at(9), 3).unwrap().alerts, 2);
}

pub fn overrides_that_had_ended_are_forgotten(stage: &dyn Stage) {
    let mut store = stage.connect();
    let duty = |from, until: Option<i64>| Override {
        group: GroupId::new("dba"),
        contact: ContactId::new("david"),
        from: at(from),
        until: until.map(at),
        made_by: "cli:root".into(),
    };
    let (past, later, fixed) = (duty(0, Some(10)), duty(0, Some(20)), duty(0, None));
    for one in [&past, &later, &fixed] {
        store.add_override(one).unwrap();
    }
    assert_eq!(store.prune(at(15), 9).unwrap(), Forgotten::default());
    assert_eq!(store.overrides_between(at(0), at(99)).unwrap(), [later, fixed]);
}

pub fn a_compacted_store_is_smaller_and_holds_what_it_held(stage: &dyn Stage) {
    let mut store = stage.connect();
    for n in 0..120 {
        over(&mut *store, &format!("disk {n}"), at(2));
    }
    let kept = over(&mut *store, "kept", at(20));
    let before = store.size().unwrap();
    assert_eq!(before.alerts, 121);
    store.prune(at(9), 199).unwrap();
    let pruned = store.size().unwrap();
    assert!(pruned.alerts == 1 && pruned.bytes == before.bytes && pruned.free > before.bytes / 4, "{pruned:?}");
    store.compact().unwrap();
    let compacted = store.size().unwrap();
    assert!(compacted.free == 0 && compacted.bytes < before.bytes * 3 / 4, "{before:?} {compacted:?}");
    assert_eq!(ids(&mut *store), [kept]);
    assert_eq!(ids(&mut *stage.connect()), [kept]);
}
