//! What is counted, and how things stand.

use jiff::Timestamp;

use super::Stage;
use super::build::{arrival, at, change, only, open_due, receive, unlimited};
use crate::alert::{AlertId, Delivery, Digest, MailFact, Outcome, Policy, Resumed, State};
use crate::oncall::ContactId;
use crate::store::{Arrival, Awaited, Beat, Gauges, Series, Store};

/// A mail, and no heartbeat that is late.
fn mail(mail: &str, key: &str) -> Arrival {
    Arrival { told: Some(Box::default()), ..arrival(mail, key) }
}

/// What is above zero, as `series label label label value`.
fn counted(store: &mut dyn Store) -> Vec<String> {
    let counters = store.counters().unwrap();
    let above = counters.iter().filter(|counter| counter.value > 0);
    above
        .map(|counter| {
            let labels: Vec<&str> =
                counter.labels.iter().map(String::as_str).filter(|label| !label.is_empty()).collect();
            format!("{} {} {}", counter.series.word(), labels.join(" "), counter.value)
        })
        .collect()
}

fn of(store: &mut dyn Store, series: Series) -> Vec<String> {
    counted(store).into_iter().filter_map(|line| Some(line.strip_prefix(series.word())?.trim().to_owned())).collect()
}

fn to(store: &mut dyn Store, id: AlertId, state: State, now: Timestamp) {
    change(store, id, |alert| {
        alert.state = state;
        match state {
            State::Acknowledged => alert.acknowledged_at = Some(now),
            State::Open => (alert.acknowledged_at, alert.resumed) = (None, Some(Resumed { round: 1, at: now })),
            State::Resolved | State::Expired => alert.ended_at = Some(now),
        }
    });
}

pub fn mails_are_counted_by_what_became_of_them(stage: &dyn Stage) {
    let mut store = stage.connect();
    assert!(counted(&mut *store).is_empty());
    let written = |name: &str, seconds| Arrival { sent_at: Some(at(seconds)), ..mail(name, "disk") };
    receive(&mut *store, &written("m1", 10), at(0));
    receive(&mut *store, &written("m2", 20), at(1));
    receive(&mut *store, &written("m3", 30), at(2));
    receive(&mut *store, &written("m3", 30), at(3));
    let close = |store: &mut dyn Store, mail: &Arrival| {
        store.close(mail, None, at(4), &mut |mut alert, _| {
            alert.state = State::Resolved;
            Some(only(alert))
        })
    };
    close(&mut *store, &written("up1", 15)).unwrap();
    close(&mut *store, &written("up2", 40)).unwrap();
    close(&mut *store, &written("up2", 40)).unwrap();
    close(&mut *store, &mail("up3", "what nobody knows")).unwrap();
    // What the time asks for is no mail.
    receive(&mut *store, &arrival("late", "heartbeat"), at(5));
    assert_eq!(of(&mut *store, Series::Mails), ["closed 1", "duplicate 2", "joined 2", "opened 1", "stale 1"]);
    assert_eq!(of(&mut *store, Series::Alerts), ["opened 2", "resolved 1"]);
    // All of them are told, also where nothing has happened yet.
    let all = store.counters().unwrap();
    let names =
        |series| all.iter().filter(move |counter| counter.series == series).map(|counter| counter.labels[0].as_str());
    assert_eq!(
        names(Series::Alerts).collect::<Vec<_>>(),
        ["acknowledged", "expired", "opened", "reopened", "resolved"]
    );
    assert_eq!(names(Series::AcknowledgedWithin).count(), 10);
    assert_eq!(names(Series::AcknowledgedWithin).next_back(), Some("+Inf"));
}

pub fn alerts_are_counted_by_how_they_went(stage: &dyn Stage) {
    let mut store = stage.connect();
    let ids: Vec<AlertId> =
        (0..4).map(|n| receive(&mut *store, &mail(&format!("m{n}"), &format!("k{n}")), at(0)).alert().id).collect();
    to(&mut *store, ids[0], State::Acknowledged, at(30));
    to(&mut *store, ids[1], State::Acknowledged, at(31));
    to(&mut *store, ids[2], State::Acknowledged, at(99_999));
    to(&mut *store, ids[3], State::Expired, at(9));
    // Acknowledged again after it was opened again: how long that took says nothing of the first time.
    to(&mut *store, ids[0], State::Open, at(100));
    to(&mut *store, ids[0], State::Acknowledged, at(105));
    to(&mut *store, ids[0], State::Resolved, at(200));
    // A change that leaves the state counts nothing.
    change(&mut *store, ids[0], |alert| alert.mails += 1);
    let expected = ["acknowledged 4", "expired 1", "opened 4", "reopened 1", "resolved 1"];
    assert_eq!(of(&mut *store, Series::Alerts), expected);
    let within: Vec<u64> = store
        .counters()
        .unwrap()
        .iter()
        .filter(|counter| counter.series == Series::AcknowledgedWithin)
        .map(|counter| counter.value)
        .collect();
    assert_eq!(within, [1, 2, 2, 2, 2, 2, 2, 2, 2, 3]);
    assert_eq!(of(&mut *store, Series::AcknowledgedMilliseconds), ["100060000"]);
}

pub fn attempts_are_counted_at_their_end(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[at(1), at(1), at(1)]);
    let end = |store: &mut dyn Store, number: usize, outcome, provider: Option<&str>| {
        change(store, id, |alert| {
            let (detail, provider) = (String::new(), provider.map(str::to_owned));
            alert.notifications[number].delivery =
                Delivery::Ended { at: at(2), outcome, detail, provider, provider_id: None };
        });
    };
    assert!(of(&mut *store, Series::Attempts).is_empty());
    end(&mut *store, 0, Outcome::Busy, Some("twilio"));
    end(&mut *store, 1, Outcome::Withdrawn, None);
    // What becomes known of it later does not count again.
    end(&mut *store, 0, Outcome::NoAnswer, Some("twilio"));
    // What another one told of was no call.
    change(&mut *store, id, |alert| alert.notifications[2].told_by = Some(alert.notifications[0].id));
    end(&mut *store, 2, Outcome::Busy, Some("twilio"));
    let other = open_due(&mut *store, "cpu", &[at(1)]);
    change(&mut *store, other, |alert| {
        let (detail, provider) = (String::new(), Some("twilio".to_owned()));
        alert.notifications[0].delivery =
            Delivery::Ended { at: at(2), outcome: Outcome::Busy, detail, provider, provider_id: None };
    });
    assert_eq!(of(&mut *store, Series::Attempts), ["call withdrawn 1", "call twilio busy 2"]);
}

pub fn rules_are_counted_by_their_mails(stage: &dyn Stage) {
    let mut store = stage.connect();
    let by = |rule: &str, name: &str, key: &str| Arrival { rule: rule.into(), ..mail(name, key) };
    receive(&mut *store, &by("nagios", "m1", "disk"), at(1));
    receive(&mut *store, &by("nagios", "m2", "disk"), at(2));
    receive(&mut *store, &by("nagios", "m2", "disk"), at(9));
    receive(&mut *store, &by("", "m3", "cpu"), at(3));
    receive(&mut *store, &arrival("late", "backup"), at(4));
    let told = Some(Box::new(MailFact { action: Policy::SELF_TEST.to_owned(), ..MailFact::default() }));
    receive(&mut *store, &Arrival { told, ..by("self-test", "m4", "test") }, at(5));
    store.close(&by("recovered", "up", "nothing"), None, at(6), &mut |_, _| None).unwrap();
    store.close(&by("recovered", "up", "nothing"), None, at(8), &mut |_, _| None).unwrap();
    let uses = store.rule_uses().unwrap();
    let told: Vec<_> = uses.iter().map(|one| (one.rule.as_str(), one.mails, one.last_at)).collect();
    assert_eq!(told, [("nagios", 2, at(2)), ("recovered", 1, at(6))]);
}

pub fn what_is_forgotten_stays_counted(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = receive(&mut *store, &mail("m1", "disk"), at(0)).alert().id;
    to(&mut *store, id, State::Resolved, at(1));
    let (counters, uses) = (store.counters().unwrap(), store.rule_uses().unwrap());
    assert_eq!(store.gauges(at(2)).unwrap().alerts.iter().map(|(_, alerts)| alerts).sum::<u64>(), 1);
    assert_eq!(store.prune(at(9), 9).unwrap().alerts, 1);
    assert_eq!((store.counters().unwrap(), store.rule_uses().unwrap()), (counters, uses));
    assert_eq!(store.gauges(at(2)).unwrap().alerts.iter().map(|(_, alerts)| alerts).sum::<u64>(), 0);
}

pub fn a_crash_midway_counts_nothing(stage: &dyn Stage) {
    let crash = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let says = || panic!("on purpose");
        let mut apply = |alert, _, _: &mut dyn FnMut() -> u128| only(alert);
        let mut chance = super::build::chance(1);
        let _ = stage.connect().receive(&mail("m1", "disk"), None, Some(&says), at(0), &mut chance, &mut apply);
    }));
    assert!(crash.is_err());
    assert!(counted(&mut *stage.connect()).is_empty());
}

pub fn gauges_tell_how_things_stand(stage: &dyn Stage) {
    let mut store = stage.connect();
    let none = store.gauges(at(0)).unwrap();
    let states = [State::Acknowledged, State::Expired, State::Open, State::Resolved].map(|state| (state, 0));
    assert_eq!(none, Gauges { alerts: states.to_vec(), ..Gauges::default() });

    let due = open_due(&mut *store, "disk", &[at(3), at(4), at(60), at(5)]);
    change(&mut *store, due, |alert| {
        alert.next_at = Some(at(2));
        alert.notifications[3].delivery = Delivery::Held { since: at(1), until: at(90), limit: "3 per 15m".into() };
        alert.notifications[3].contact = ContactId::new("simon");
    });
    let later = open_due(&mut *store, "cpu", &[]);
    change(&mut *store, later, |alert| alert.next_at = Some(at(500)));
    let over = open_due(&mut *store, "over", &[at(1)]);
    to(&mut *store, over, State::Resolved, at(9));
    store.expect_heartbeats(&[Awaited { name: "never".into(), form: Digest::of(["x"]) }], at(0)).unwrap();
    store.heartbeats_came(&["backup"], &Beat { mail: Digest::of(["b"]), sent_at: at(6) }, at(7)).unwrap();
    store.beat("me", at(8)).unwrap();
    let expected = Gauges {
        alerts: vec![(State::Acknowledged, 0), (State::Expired, 0), (State::Open, 2), (State::Resolved, 1)],
        due_alerts: 1,
        // The page of the alert that is over is for nobody any more.
        due_notifications: 2,
        held_notifications: 1,
        claimed: 0,
        oldest_due_at: Some(at(2)),
        outbox_waiting: 0,
        last_beat: Some(at(8)),
        heartbeats: vec![("backup".into(), Some(at(7))), ("never".into(), None)],
    };
    assert_eq!(store.gauges(at(10)).unwrap(), expected);
    assert_eq!(store.claim(at(10), "me", at(20), 1, None, &unlimited()).unwrap().len(), 1);
    let claimed = store.gauges(at(10)).unwrap();
    assert_eq!((claimed.due_notifications, claimed.claimed), (1, 1));
    let expired = store.gauges(at(21)).unwrap();
    assert_eq!((expired.due_notifications, expired.claimed), (2, 0), "the claim has expired");
}
