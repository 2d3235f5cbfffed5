//! What is due, and who may send it.

use std::collections::HashSet;
use std::sync::{Barrier, Mutex};

use jiff::Timestamp;

use super::Stage;
use super::build::{at, change, open_due, set_state, unlimited};
use crate::alert::limit::Limits;
use crate::alert::{AlertId, Delivery, Notification, NotificationId, Outcome, Purpose, State};
use crate::store::{Store, Throttle};

fn numbers(claimed: &[Notification]) -> Vec<(i64, u32)> {
    claimed.iter().map(|notification| (notification.id.alert.0, notification.id.number)).collect()
}

pub fn what_is_due_is_claimed_once(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[at(10), at(20)]);
    assert!(store.claim(at(9), "me", at(70), 10, None, &unlimited()).unwrap().is_empty());
    let claimed = store.claim(at(10), "me", at(70), 10, None, &unlimited()).unwrap();
    assert_eq!(numbers(&claimed), [(id.0, 1)]);
    let expected = Delivery::Claimed { by: "me".into(), since: at(10), until: at(70), unsure_since: None };
    assert_eq!(claimed[0].delivery, expected);
    assert_eq!(claimed[0].tries, 1);
    assert_eq!(store.alert(id).unwrap().notifications[0], claimed[0]);
    assert!(stage.connect().claim(at(11), "other", at(71), 10, None, &unlimited()).unwrap().is_empty());
}

pub fn racing_claims_never_share_a_notification(stage: &dyn Stage) {
    let mut store = stage.connect();
    for key in ["a", "b", "c", "d", "e"] {
        open_due(&mut *store, key, &[at(1); 8]);
    }
    let barrier = Barrier::new(8);
    let taken = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (barrier, taken) = (&barrier, &taken);
            scope.spawn(move || {
                let mut store = stage.connect();
                let owner = format!("p{n}");
                barrier.wait();
                loop {
                    let claimed = store.claim(at(5), &owner, at(65), 3, None, &unlimited()).unwrap();
                    if claimed.is_empty() {
                        break;
                    }
                    taken.lock().unwrap().extend(numbers(&claimed));
                }
            });
        }
    });
    let taken = taken.into_inner().unwrap();
    assert_eq!(taken.len(), 40);
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 40);
}

pub fn the_longest_overdue_comes_first_up_to_the_limit(stage: &dyn Stage) {
    let mut store = stage.connect();
    let a = open_due(&mut *store, "a", &[at(30), at(10)]).0;
    let b = open_due(&mut *store, "b", &[at(20), at(40)]).0;
    assert!(store.claim(at(50), "me", at(99), 0, None, &unlimited()).unwrap().is_empty());
    assert_eq!(numbers(&store.claim(at(50), "me", at(99), 3, None, &unlimited()).unwrap()), [(a, 2), (b, 1), (a, 1)]);
    assert_eq!(numbers(&store.claim(at(50), "me", at(99), 3, None, &unlimited()).unwrap()), [(b, 2)]);
}

pub fn only_the_given_alerts_are_claimed(stage: &dyn Stage) {
    let mut store = stage.connect();
    let a = open_due(&mut *store, "a", &[at(10), at(90)]);
    let b = open_due(&mut *store, "b", &[at(5), at(6)]);
    let c = open_due(&mut *store, "c", &[at(1)]);
    assert!(store.claim(at(50), "me", at(99), 9, Some(&[]), &unlimited()).unwrap().is_empty());
    let claimed = store.claim(at(50), "me", at(99), 2, Some(&[a, b, a, AlertId(77)]), &unlimited()).unwrap();
    assert_eq!(numbers(&claimed), [(b.0, 1), (b.0, 2)]);
    let claimed = store.claim(at(50), "me", at(99), 9, Some(&[a, b]), &unlimited()).unwrap();
    assert_eq!(numbers(&claimed), [(a.0, 1)]);
    assert_eq!(numbers(&store.claim(at(50), "me", at(99), 9, None, &unlimited()).unwrap()), [(c.0, 1)]);
}

pub fn a_claim_that_expired_is_claimed_again_unsure(stage: &dyn Stage) {
    let mut store = stage.connect();
    open_due(&mut *store, "disk", &[at(10)]);
    store.claim(at(10), "dead", at(70), 10, None, &unlimited()).unwrap();
    assert!(store.claim(at(69), "me", at(200), 10, None, &unlimited()).unwrap().is_empty());
    let again = store.claim(at(70), "me", at(130), 10, None, &unlimited()).unwrap();
    let expected =
        |by: &str, since, until| Delivery::Claimed { by: by.into(), since, until, unsure_since: Some(at(10)) };
    assert_eq!(again[0].delivery, expected("me", at(70), at(130)));
    assert_eq!(again[0].tries, 2);
    // The doubt is as old as the first claim that was not answered for.
    let third = store.claim(at(500), "third", at(560), 10, None, &unlimited()).unwrap();
    assert_eq!(third[0].delivery, expected("third", at(500), at(560)));
}

pub fn an_older_doubt_is_kept(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[at(10)]);
    change(&mut *store, id, |alert| {
        alert.notifications[0].delivery = Delivery::Due { at: at(10), unsure_since: Some(at(3)) };
    });
    for (now, until) in [(at(10), at(70)), (at(70), at(130))] {
        let claimed = store.claim(now, "me", until, 10, None, &unlimited()).unwrap();
        let expected = Delivery::Claimed { by: "me".into(), since: now, until, unsure_since: Some(at(3)) };
        assert_eq!(claimed[0].delivery, expected);
    }
}

pub fn a_page_of_an_alert_that_is_not_open_is_never_claimed(stage: &dyn Stage) {
    let mut store = stage.connect();
    let due = open_due(&mut *store, "a", &[at(10)]);
    let dead = open_due(&mut *store, "b", &[at(5)]);
    store.claim(at(5), "dead", at(20), 1, Some(&[dead]), &unlimited()).unwrap();
    for state in [State::Acknowledged, State::Resolved, State::Expired] {
        set_state(&mut *store, due, state);
        set_state(&mut *store, dead, state);
        assert!(store.claim(at(999), "me", at(1099), 10, None, &unlimited()).unwrap().is_empty());
        assert!(store.claim(at(999), "me", at(1099), 10, Some(&[due, dead]), &unlimited()).unwrap().is_empty());
        // Nor does it wake anybody up.
        assert_eq!(store.next_due().unwrap(), None);
    }
}

pub fn news_of_an_alert_that_is_over_is_claimed(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[at(10), at(11)]);
    change(&mut *store, id, |alert| {
        alert.state = State::Resolved;
        alert.notifications[1].purpose = Purpose::News;
    });
    assert_eq!(store.next_due().unwrap(), Some(at(11)));
    assert_eq!(numbers(&store.claim(at(50), "me", at(99), 10, None, &unlimited()).unwrap()), [(id.0, 2)]);
}

pub fn what_one_that_is_over_was_to_tell_is_told_by_another(stage: &dyn Stage) {
    let mut store = stage.connect();
    let ids = ["a", "b", "c"].map(|key| open_due(&mut *store, key, &[at(10)]));
    let first = |id| NotificationId { alert: id, number: 1 };
    let limits = Limits::usual();
    let throttle = Throttle { limits: &limits, recipient: &|_| None, webhooks: true };
    // One call to David tells of all three; its sender dies, and meanwhile somebody takes the one that it is about.
    let claimed = store.claim(at(10), "dead", at(70), 10, None, &throttle).unwrap();
    assert_eq!(numbers(&claimed), [(ids[0].0, 1)]);
    change(&mut *store, ids[0], |alert| {
        alert.state = State::Acknowledged;
        let (outcome, detail) = (Outcome::Withdrawn, String::new());
        alert.notifications[0].delivery =
            Delivery::Ended { at: at(20), outcome, detail, provider: None, provider_id: None };
    });
    assert!(store.claim(at(69), "me", at(129), 10, None, &throttle).unwrap().is_empty());
    let claimed = store.claim(at(70), "me", at(130), 10, None, &throttle).unwrap();
    assert_eq!(numbers(&claimed), [(ids[1].0, 1)], "the call is about the next one, once");
    let unsure = Delivery::Claimed { by: "me".into(), since: at(70), until: at(130), unsure_since: Some(at(10)) };
    assert_eq!((claimed[0].told_by, &claimed[0].delivery), (None, &unsure));
    assert_eq!(store.teller(first(ids[1])).unwrap(), first(ids[1]));
    assert_eq!(store.teller(first(ids[2])).unwrap(), first(ids[1]));
    let told = store.board(first(ids[1]), at(71)).unwrap();
    assert_eq!(told.besides.iter().map(|alert| alert.id).collect::<Vec<_>>(), [ids[2]]);
    // What becomes of it becomes of those alone that it told of.
    let mut changed = Vec::new();
    store
        .update_told(first(ids[1]), None, &mut |_, id| {
            changed.push(id);
            None
        })
        .unwrap();
    assert_eq!(changed, [first(ids[1]), first(ids[2])]);
}

pub fn due_alerts_are_not_over_and_due(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut with = |key, state, next_at| {
        let id = open_due(&mut *store, key, &[]);
        change(&mut *store, id, |alert| (alert.state, alert.next_at) = (state, next_at));
        id
    };
    let late = with("a", State::Open, Some(at(30)));
    let early = with("b", State::Open, Some(at(10)));
    with("c", State::Open, Some(at(51)));
    with("d", State::Open, None);
    with("e", State::Resolved, Some(at(1)));
    let reminder = with("f", State::Acknowledged, Some(at(20)));
    assert_eq!(store.due_alerts(at(50), 10).unwrap(), [early, reminder, late]);
    assert_eq!(store.due_alerts(at(50), 1).unwrap(), [early]);
    assert_eq!(store.due_alerts(at(10), 10).unwrap(), [early]);
    assert!(store.due_alerts(at(9), 10).unwrap().is_empty());
}

pub fn whoever_waits_is_found_whenever_its_time_is(stage: &dyn Stage) {
    let mut store = stage.connect();
    let with = |store: &mut dyn Store, key, state, next_at, due: &[Timestamp]| {
        let id = open_due(store, key, due);
        change(store, id, |alert| (alert.state, alert.next_at) = (state, next_at));
        id
    };
    let far = at(100 * 86_400);
    let open = with(&mut *store, "a", State::Open, Some(far), &[]);
    with(&mut *store, "b", State::Resolved, None, &[]);
    let reminder = with(&mut *store, "c", State::Acknowledged, Some(at(1)), &[]);
    with(&mut *store, "d", State::Acknowledged, None, &[]);
    assert_eq!(store.waiting_alerts().unwrap(), [open, reminder]);
    // News of an alert that is over.
    let news = with(&mut *store, "e", State::Open, Some(far), &[far]);
    change(&mut *store, news, |alert| {
        (alert.state, alert.next_at) = (State::Resolved, None);
        alert.notifications[0].purpose = Purpose::News;
    });
    assert_eq!(store.waiting_alerts().unwrap(), [open, reminder, news]);
    change(&mut *store, news, |alert| alert.notifications[0].purpose = Purpose::Page);
    assert_eq!(store.waiting_alerts().unwrap(), [open, reminder], "nobody is paged about what is over");
}

pub fn the_next_due_time_is_the_earliest_of_all(stage: &dyn Stage) {
    let mut store = stage.connect();
    assert_eq!(store.next_due().unwrap(), None);
    let id = open_due(&mut *store, "a", &[at(30)]);
    assert_eq!(store.next_due().unwrap(), Some(at(30)));
    change(&mut *store, id, |alert| alert.next_at = Some(at(20)));
    assert_eq!(store.next_due().unwrap(), Some(at(20)));
    change(&mut *store, id, |alert| alert.next_at = Some(at(40)));
    store.claim(at(30), "me", at(35), 10, None, &unlimited()).unwrap();
    assert_eq!(store.next_due().unwrap(), Some(at(35)));
    change(&mut *store, id, |alert| alert.notifications.clear());
    assert_eq!(store.next_due().unwrap(), Some(at(40)));
    set_state(&mut *store, id, State::Acknowledged);
    assert_eq!(store.next_due().unwrap(), Some(at(40)));
    set_state(&mut *store, id, State::Resolved);
    assert_eq!(store.next_due().unwrap(), None);
}
