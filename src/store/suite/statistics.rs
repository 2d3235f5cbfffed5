//! Statistics, and the key that the store keeps.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::Stage;
use super::build::{arrival, at, chance, change, notification, receive, unlimited};
use crate::alert::{Channel, Delivery, Outcome, State};
use crate::oncall::GroupId;
use crate::store::{Arrival, Figures, Store};

const DAY: i64 = 86_400;

/// An alert that was opened then, acknowledged so many seconds later, with so many texts and one call that was sent.
fn alert(store: &mut dyn Store, (group, rule): (&str, &str), opened: i64, took: Option<i64>, texts: u32) {
    let name = format!("{group} {rule} {opened}");
    let mail = Arrival { group: GroupId::new(group), rule: rule.into(), ..arrival(&name, &name) };
    let id = receive(store, &mail, at(opened)).alert().id;
    change(store, id, |alert| {
        for number in 1..=texts + 1 {
            let mut one = notification(id, number, at(opened));
            one.channel = if number > texts { Channel::Call } else { Channel::Text };
            alert.notifications.push(one);
        }
    });
    let sent = store.claim(at(opened), "me", at(opened + 60), 99, Some(&[id]), &unlimited()).unwrap();
    assert_eq!(sent.len(), usize::try_from(texts).unwrap() + 1);
    change(store, id, |alert| {
        alert.state = if took.is_some() { State::Acknowledged } else { State::Expired };
        alert.acknowledged_at = took.map(|took| at(opened + took));
        for one in &mut alert.notifications {
            let (detail, provider) = (String::new(), Some("twilio".to_owned()));
            one.delivery =
                Delivery::Ended { at: at(opened), outcome: Outcome::NoAnswer, detail, provider, provider_id: None };
        }
        // One that was never sent.
        let mut due = notification(id, 90, at(opened));
        due.delivery = Delivery::Ended {
            at: at(opened),
            outcome: Outcome::Withdrawn,
            detail: String::new(),
            provider: None,
            provider_id: None,
        };
        alert.notifications.push(due);
    });
}

pub fn statistics_are_by_day_group_and_rule(stage: &dyn Stage) {
    let mut store = stage.connect();
    alert(&mut *store, ("dba", "disk"), -1, Some(1), 0);
    alert(&mut *store, ("dba", "disk"), 0, Some(60), 2);
    alert(&mut *store, ("dba", "disk"), DAY - 1, Some(10), 0);
    alert(&mut *store, ("dba", ""), 5, None, 0);
    alert(&mut *store, ("web", "disk"), DAY, Some(600), 1);
    // The second day is longer than others: the clocks change.
    alert(&mut *store, ("web", "disk"), DAY + 25 * 3600 - 1, Some(20), 0);
    alert(&mut *store, ("web", "disk"), DAY + 25 * 3600, Some(1), 0);
    let edges = [at(0), at(DAY), at(DAY + 25 * 3600)];
    let statistics = store.statistics(&edges).unwrap();
    let cells: Vec<_> = statistics
        .cells
        .iter()
        .map(|cell| {
            let of = &cell.figures;
            let median = of.median().map(|took| took.as_secs());
            let numbers = (of.opened, of.acknowledged, of.expired, of.calls, of.texts);
            (cell.day, cell.group.as_str(), cell.rule.as_str(), numbers, median)
        })
        .collect();
    assert_eq!(
        cells,
        [
            (0, "dba", "", (1, 0, 1, 1, 0), None),
            (0, "dba", "disk", (2, 2, 0, 2, 2), Some(10)),
            (1, "web", "disk", (2, 2, 0, 2, 1), Some(20)),
        ]
    );
    let total = statistics.total();
    assert_eq!((total.opened, total.median()), (5, Some(SignedDuration::from_secs(20))));
    assert_eq!(total.percentile(90), Some(SignedDuration::from_secs(600)));
    assert_eq!(store.statistics(&[]).unwrap().total(), Figures::default());
    assert_eq!(store.statistics(&[at(0)]).unwrap().total(), Figures::default());
}

pub fn the_signing_key_is_made_once(stage: &dyn Stage) {
    let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
        let ask = |seed| move || *stage.connect().signing_key(&mut chance(seed)).unwrap().bytes();
        let threads: Vec<_> = (0..4).map(|seed| scope.spawn(ask(seed))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 1, "whoever comes first makes it");
    let key = stage.connect().signing_key(&mut || panic!("it is there")).unwrap();
    assert_eq!(key.bytes(), &keys[0]);
    assert!(key.bytes()[..16] != key.bytes()[16..] && key.bytes().iter().any(|byte| *byte != 0));
    assert_eq!(format!("{key:?}"), "SigningKey");
}

pub fn sessions_that_were_ended_stay_so_until_they_would_be_over(stage: &dyn Stage) {
    let mut store = stage.connect();
    assert_eq!(store.ended_sessions(at(0)).unwrap(), []);
    store.end_session(&[1; 16], at(100), at(0)).unwrap();
    store.end_session(&[2; 16], at(200), at(0)).unwrap();
    // Signed out twice, in two windows.
    store.end_session(&[1; 16], at(90), at(1)).unwrap();
    let ended = |store: &mut dyn Store, now| store.ended_sessions(at(now)).unwrap();
    assert_eq!(ended(&mut *stage.connect(), 50), [([1; 16], at(100)), ([2; 16], at(200))]);
    assert_eq!(ended(&mut *store, 100), [([2; 16], at(200))]);
    store.end_session(&[3; 16], at(300), at(150)).unwrap();
    assert_eq!(ended(&mut *store, 0), [([2; 16], at(200)), ([3; 16], at(300))], "what is over is not kept");
}
