//! What the store is asked, and what else it remembers.

use super::Stage;
use super::build::{arrival, at, change, line, open_due, phone, receive, set_state, token};
use crate::alert::{AlertId, Code, Delivery, Entry, EntryKind, Fact, NotificationId, Outcome, State, Token};
use crate::oncall::{ContactId, GroupId, Override};
use crate::store::{Error, Filter};

pub fn history_keeps_its_order(stage: &dyn Stage) {
    let mut store = stage.connect();
    let (a, b) = (open_due(&mut *store, "a", &[]), open_due(&mut *store, "b", &[]));
    let kinds = [
        EntryKind::Opened,
        EntryKind::Joined,
        EntryKind::Step,
        EntryKind::Sent,
        EntryKind::Status,
        EntryKind::Human,
        EntryKind::Acknowledged,
        EntryKind::Resolved,
        EntryKind::Expired,
        EntryKind::Trouble,
        EntryKind::Duplicate,
        EntryKind::Callback,
        EntryKind::Duty,
    ];
    // Written in this order, whatever their times say.
    let line_of = |(kind, n): (&EntryKind, i64)| {
        let fact = (n > 4).then_some(Fact::Notification(3));
        Entry::new(at(-n), *kind, format!("line {n}")).on(fact)
    };
    let lines: Vec<Entry> = kinds.iter().zip(0..).map(line_of).collect();
    let (first, last) = lines.split_at(3);
    store.record(a, first).unwrap();
    store.record(b, &[line("of another")]).unwrap();
    stage.connect().record(a, last).unwrap();
    assert_eq!(store.history(a).unwrap(), lines);
    assert_eq!(store.history(b).unwrap(), [line("of another")]);
}

pub fn history_of_no_alert_is_an_error(stage: &dyn Stage) {
    assert!(matches!(stage.connect().history(AlertId(3)), Err(Error::NoAlert(AlertId(3)))));
}

pub fn lists_are_filtered_and_newest_first(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut open = |n: i64, group: &str, state| {
        let key = format!("k{n}");
        let mut mail = arrival(&key, &key);
        mail.group = GroupId::new(group);
        let id = receive(&mut *store, &mail, at(n)).alert().id;
        set_state(&mut *store, id, state);
        id
    };
    let a = open(1, "dba", State::Open);
    let b = open(2, "systems", State::Acknowledged);
    let c = open(3, "dba", State::Resolved);
    let d = open(4, "dba", State::Open);
    let mut list =
        |filter: Filter| -> Vec<AlertId> { store.alerts(&filter).unwrap().iter().map(|alert| alert.id).collect() };
    let all = Filter::default;
    let dba = Some(GroupId::new("dba"));
    assert_eq!(list(all()), [d, c, b, a]);
    assert_eq!(list(Filter { limit: Some(2), ..all() }), [d, c]);
    assert_eq!(list(Filter { limit: Some(0), ..all() }), []);
    assert_eq!(list(Filter { states: vec![State::Open], ..all() }), [d, a]);
    assert_eq!(list(Filter { states: vec![State::Resolved, State::Acknowledged], ..all() }), [c, b]);
    assert_eq!(list(Filter { group: dba.clone(), ..all() }), [d, c, a]);
    assert_eq!(list(Filter { since: Some(at(3)), ..all() }), [d, c]);
    assert_eq!(list(Filter { until: Some(at(3)), ..all() }), [b, a]);
    let (since, until) = (Some(at(1)), Some(at(9)));
    let everything = Filter { states: vec![State::Open], group: dba, since, until, limit: Some(9), ..all() };
    assert_eq!(list(everything), [d, a]);
    assert_eq!(list(Filter { group: Some(GroupId::new("'; --")), ..all() }), []);
}

pub fn a_code_names_its_newest_alert(stage: &dyn Stage) {
    let mut store = stage.connect();
    let code = Code("7KKK".into());
    let mut open = |n: i64| {
        let key = format!("k{n}");
        let id = receive(&mut *store, &arrival(&key, &key), at(n)).alert().id;
        change(&mut *store, id, |alert| alert.code = code.clone());
        id
    };
    let (_, newer) = (open(10), open(20));
    assert_eq!(store.by_code(&code, at(0)).unwrap(), Some(newer));
    assert_eq!(store.by_code(&code, at(20)).unwrap(), Some(newer));
    assert_eq!(store.by_code(&code, at(21)).unwrap(), None);
    assert_eq!(store.by_code(&Code("7kkk".into()), at(0)).unwrap(), Some(newer));
    assert_eq!(store.by_code(&Code("8F".into()), at(100)).unwrap(), None);
}

pub fn a_token_names_its_notification(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[at(1), at(2)]);
    assert_eq!(store.by_token(&token(id, 2)).unwrap(), Some(NotificationId { alert: id, number: 2 }));
    assert_eq!(store.by_token(&Token::from_bits(u128::MAX)).unwrap(), None);
}

pub fn a_digest_names_its_newest_active_alert(stage: &dyn Stage) {
    let mut store = stage.connect();
    let digest = arrival("m1", "disk").digest;
    assert_eq!(store.active(digest).unwrap(), None);
    let first = receive(&mut *store, &arrival("m1", "disk"), at(0)).alert().id;
    set_state(&mut *store, first, State::Acknowledged);
    assert_eq!(store.active(digest).unwrap(), Some(first));
    let second = receive(&mut *store, &arrival("m2", "disk"), at(9999)).alert().id;
    assert_eq!(store.active(digest).unwrap(), Some(second));
    set_state(&mut *store, second, State::Resolved);
    assert_eq!(store.active(digest).unwrap(), Some(first));
    set_state(&mut *store, first, State::Expired);
    assert_eq!(store.active(digest).unwrap(), None);
}

fn accepted(id: &str) -> Delivery {
    Delivery::Accepted { at: at(5), provider: "twilio".into(), provider_id: id.into(), status: "queued".into() }
}

fn ended(outcome: Outcome, id: Option<&str>) -> Delivery {
    Delivery::Ended {
        at: at(6),
        outcome,
        detail: String::new(),
        provider: id.map(|_| "twilio".into()),
        provider_id: id.map(Into::into),
    }
}

pub fn only_numbers_that_may_have_been_reached_were_notified(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut with = |key, tries, created, delivery: Delivery| {
        let id = open_due(&mut *store, key, &[at(1)]);
        change(&mut *store, id, |alert| {
            let notification = &mut alert.notifications[0];
            (notification.tries, notification.created_at) = (tries, at(created));
            notification.delivery = delivery.clone();
        });
        id
    };
    let called = with("a", 1, 10, ended(Outcome::NoAnswer, Some("CA1")));
    let texted = with("b", 1, 20, accepted("SM1"));
    let perhaps = with("c", 1, 30, Delivery::Due { at: at(99), unsure_since: Some(at(30)) });
    with("d", 0, 40, Delivery::Due { at: at(99), unsure_since: None });
    with("e", 1, 50, ended(Outcome::Refused, None));
    with("f", 0, 60, ended(Outcome::Withdrawn, None));
    let other = with("g", 1, 70, accepted("SM2"));
    change(&mut *store, other, |alert| alert.notifications[0].to = phone(2).into());
    assert_eq!(store.notified(&phone(1), at(0)).unwrap(), [perhaps, texted, called]);
    assert_eq!(store.notified(&phone(1), at(20)).unwrap(), [perhaps, texted]);
    assert_eq!(store.notified(&phone(2), at(0)).unwrap(), [other]);
    assert!(store.notified(&phone(3), at(0)).unwrap().is_empty());
    // Twice about one alert is one alert.
    let twice = open_due(&mut *store, "h", &[at(1), at(2)]);
    change(&mut *store, twice, |alert| alert.notifications.iter_mut().for_each(|n| n.tries = 1));
    assert_eq!(store.notified(&phone(1), at(0)).unwrap(), [twice, perhaps, texted, called]);
}

pub fn provider_ids_are_those_of_the_number(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[at(1); 4]);
    change(&mut *store, id, |alert| {
        let deliveries = [accepted("CA1"), ended(Outcome::Busy, Some("CA2")), accepted("CA3")];
        for ((notification, delivery), created) in alert.notifications.iter_mut().zip(deliveries).zip([10, 20, 30]) {
            notification.delivery = delivery;
            notification.created_at = at(created);
        }
        alert.notifications[2].to = phone(2).into();
    });
    let mut ids = store.provider_ids(&phone(1).into(), at(10)).unwrap();
    ids.sort();
    assert_eq!(ids, ["CA1", "CA2"]);
    assert_eq!(store.provider_ids(&phone(1).into(), at(11)).unwrap(), ["CA2"]);
    assert_eq!(store.provider_ids(&phone(2).into(), at(0)).unwrap(), ["CA3"]);
}

pub fn what_is_under_way_was_accepted_and_has_not_ended(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[at(1); 4]);
    let after = change(&mut *store, id, |alert| {
        let deliveries = [ended(Outcome::Busy, Some("CA0")), accepted("CA1"), accepted("CA2")];
        for ((notification, mut delivery), taken) in alert.notifications.iter_mut().zip(deliveries).zip([30, 20, 10]) {
            if let Delivery::Accepted { at, .. } = &mut delivery {
                *at = self::at(taken);
            }
            notification.delivery = delivery;
        }
    });
    let [_, second, third, _] = after.notifications.as_slice() else { panic!("{after:?}") };
    assert_eq!(store.under_way(at(10)).unwrap(), [third.clone(), second.clone()]);
    assert_eq!(store.under_way(at(11)).unwrap(), std::slice::from_ref(second));
    assert!(store.under_way(at(21)).unwrap().is_empty());
}

pub fn the_oldest_alert_that_somebody_was_told_of_is_found(stage: &dyn Stage) {
    let mut store = stage.connect();
    assert_eq!(store.oldest_told(at(0)).unwrap(), None);
    for (key, opened) in [("a", 1), ("b", 2), ("c", 3)] {
        let id = open_due(&mut *store, key, &[at(9)]);
        change(&mut *store, id, |alert| alert.opened_at = at(opened));
    }
    assert_eq!(store.oldest_told(at(0)).unwrap(), Some(at(1)));
    assert_eq!(store.oldest_told(at(2)).unwrap(), Some(at(2)));
    set_state(&mut *store, AlertId(1), State::Acknowledged);
    change(&mut *store, AlertId(2), |alert| alert.notifications.clear());
    assert_eq!(store.oldest_told(at(0)).unwrap(), Some(at(3)));
}

pub fn an_outside_id_is_new_once_within_a_month(stage: &dyn Stage) {
    let mut store = stage.connect();
    assert!(store.first_time("SM1", at(0)).unwrap());
    assert!(!store.first_time("SM1", at(1)).unwrap());
    assert!(!stage.connect().first_time("SM1", at(29 * 86_400)).unwrap());
    assert!(store.first_time("SM2", at(1)).unwrap());
    assert!(store.first_time("SM1", at(31 * 86_400)).unwrap());
    store.forget("SM2").unwrap();
    assert!(store.first_time("SM2", at(2)).unwrap());
}

fn duty(group: &str, contact: &str, from: i64, until: Option<i64>) -> Override {
    Override {
        group: GroupId::new(group),
        contact: ContactId::new(contact),
        from: at(from),
        until: until.map(at),
        made_by: "cli:root".into(),
    }
}

pub fn overrides_that_are_over_or_replaced_are_left_out(stage: &dyn Stage) {
    let mut store = stage.connect();
    let past = duty("dba", "david", 0, Some(10));
    let future = duty("dba", "darren", 100, Some(200));
    let other_group = duty("systems", "simon", 0, None);
    for new in [&past, &future, &other_group] {
        store.add_override(new).unwrap();
    }
    assert_eq!(store.overrides(at(9)).unwrap(), [past, future.clone(), other_group.clone()]);
    assert_eq!(store.overrides(at(10)).unwrap(), [future.clone(), other_group.clone()]);
    // Changed every week for two years: only the last one counts.
    for week in 0..104 {
        store.add_override(&duty("dba", "david", 20 + week, None)).unwrap();
    }
    let last = duty("dba", "david", 123, None);
    assert_eq!(store.overrides(at(150)).unwrap(), [future, other_group, last]);
    // Before it begins, the one before holds.
    let held = store.overrides(at(122)).unwrap();
    assert!(held.contains(&duty("dba", "david", 122, Some(123))), "{held:?}");
}

pub fn overrides_of_a_time_that_is_past_are_remembered(stage: &dyn Stage) {
    let mut store = stage.connect();
    let (early, late) = (duty("dba", "david", 0, Some(10)), duty("dba", "darren", 20, Some(30)));
    for new in [&early, &late] {
        store.add_override(new).unwrap();
    }
    let mut between = |since, until| store.overrides_between(at(since), at(until)).unwrap();
    assert_eq!(between(5, 25), [early.clone(), late.clone()]);
    assert_eq!(between(10, 20), []);
    assert_eq!((between(9, 20), between(10, 21)), (vec![early], vec![late]));
    // What was ended before it began never held.
    store.end_overrides(&GroupId::new("dba"), at(15)).unwrap();
    assert_eq!(store.overrides_between(at(12), at(99)).unwrap(), []);
}

pub fn overrides_are_ended_for_one_group(stage: &dyn Stage) {
    let mut store = stage.connect();
    let other = duty("systems", "simon", 0, None);
    for new in [
        &duty("dba", "david", 0, Some(5)),
        &duty("dba", "david", 0, None),
        &duty("dba", "darren", 50, Some(60)),
        &other,
    ] {
        store.add_override(new).unwrap();
    }
    assert_eq!(store.end_overrides(&GroupId::new("dba"), at(10)).unwrap(), 2);
    assert_eq!(stage.connect().overrides(at(10)).unwrap(), [other]);
    assert!(!store.overrides(at(9)).unwrap().iter().any(|one| one.holds(at(55)) && one.group.as_str() == "dba"));
    assert!(store.overrides(at(9)).unwrap().contains(&duty("dba", "david", 0, Some(10))), "it is known that it held");
    assert_eq!(store.end_overrides(&GroupId::new("dba"), at(10)).unwrap(), 0);
}

pub fn a_finite_override_leaves_the_fixed_one(stage: &dyn Stage) {
    let mut store = stage.connect();
    let fixed = duty("dba", "david", 0, None);
    let tonight = duty("dba", "darren", 5, Some(10));
    store.add_override(&fixed).unwrap();
    store.add_override(&tonight).unwrap();
    assert_eq!(store.overrides(at(6)).unwrap(), [fixed.clone(), tonight]);
    assert_eq!(stage.connect().overrides(at(10)).unwrap(), [fixed]);
}

pub fn heartbeats_are_the_newest_of_all_engines(stage: &dyn Stage) {
    let mut store = stage.connect();
    assert_eq!(store.last_beat().unwrap(), None);
    store.beat("host-1", at(0)).unwrap();
    store.beat("host-1", at(10)).unwrap();
    stage.connect().beat("host-2", at(5)).unwrap();
    assert_eq!(store.last_beat().unwrap(), Some(at(10)));
    store.stop_beating("host-1").unwrap();
    assert_eq!(store.last_beat().unwrap(), Some(at(5)));
    store.stop_beating("host-2").unwrap();
    assert_eq!(store.last_beat().unwrap(), None);
}

pub fn it_is_remembered_that_nobody_reaches_us(stage: &dyn Stage) {
    let mut store = stage.connect();
    assert_eq!(store.unreachable().unwrap(), None);
    store.set_unreachable(Some(at(5))).unwrap();
    store.set_unreachable(Some(at(7))).unwrap();
    assert_eq!(stage.connect().unreachable().unwrap(), Some(at(7)));
    store.set_unreachable(None).unwrap();
    store.set_unreachable(None).unwrap();
    assert_eq!(stage.connect().unreachable().unwrap(), None);
}
