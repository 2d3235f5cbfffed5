//! Lists: paging, and searching.

use super::Stage;
use super::build::{arrival, at, change, notification, open_due, receive};
use super::kept::receive_text;
use crate::alert::{AlertId, Code, State};
use crate::oncall::GroupId;
use crate::store::{Arrival, Filter, Store};

fn list(store: &mut dyn Store, filter: &Filter) -> Vec<AlertId> {
    store.alerts(filter).unwrap().iter().map(|alert| alert.id).collect()
}

pub fn pages_follow_each_other_by_number(stage: &dyn Stage) {
    let mut store = stage.connect();
    let ids: Vec<AlertId> = (0..7).map(|n| open_due(&mut *store, &format!("k{n}"), &[])).collect();
    let filters = [
        Filter::default(),
        Filter { group: Some(GroupId::new("dba")), ..Filter::default() },
        Filter { states: vec![State::Open, State::Resolved], ..Filter::default() },
        Filter { since: Some(at(0)), ..Filter::default() },
        Filter { recipient: Some("SMS".into()), ..Filter::default() },
        Filter { text: Some("tablespace".into()), ..Filter::default() },
    ];
    for filter in filters {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = list(&mut *store, &Filter { before, limit: Some(3), ..filter.clone() });
            before = page.last().copied();
            seen.extend(page);
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, ids.iter().rev().copied().collect::<Vec<_>>(), "{filter:?}");
    }
}

pub fn each_alert_of_a_list_has_its_notifications(stage: &dyn Stage) {
    let mut store = stage.connect();
    let due = [at(1), at(2), at(3)];
    let ids: Vec<AlertId> =
        [2, 0, 1, 3].iter().map(|count| open_due(&mut *store, &format!("k{count}"), &due[..*count])).collect();
    for filter in [Filter::default(), Filter { text: Some("TABLESPACE".into()), ..Filter::default() }] {
        let listed = store.alerts(&filter).unwrap();
        assert_eq!(listed.len(), 4);
        for alert in listed {
            assert_eq!(alert, store.alert(alert.id).unwrap());
        }
    }
    change(&mut *store, ids[1], |alert| alert.notifications.push(notification(alert.id, 7, at(9))));
    let last = store.alerts(&Filter { before: Some(ids[2]), limit: Some(1), ..Filter::default() }).unwrap();
    assert_eq!(last[0].notifications.len(), 1);
}

pub fn a_recipient_is_found_by_a_part_of_its_address(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut to = |name: &str, recipients: &[&str]| {
        let recipients = recipients.iter().map(ToString::to_string).collect();
        receive(&mut *store, &Arrival { recipients, ..arrival(name, name) }, at(0)).alert().id
    };
    let a = to("a", &["Cust1-DBA@sms.example.com", "web@example.com"]);
    let b = to("b", &["cust2@sms.example.com", "\"o'neil\"@example.com", "100%@example.com"]);
    let none = to("c", &[]);
    let mut find = |part: &str| list(&mut *store, &Filter { recipient: Some(part.into()), ..Filter::default() });
    assert_eq!(find("CUST1-dba"), [a]);
    assert_eq!(find("@sms."), [b, a]);
    assert_eq!(find("%"), [b], "no character has a meaning of its own");
    assert_eq!(find("_"), []);
    assert_eq!(find("\"o'neil\"@"), [b]);
    assert_eq!(find("[\""), [], "how it is stored is nobody's business");
    assert_eq!(find("com\",\"web"), []);
    assert_eq!(list(&mut *store, &Filter::default()), [none, b, a]);
}

pub fn words_are_found_wherever_they_are(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut open = |name: &str, change: &dyn Fn(&mut Arrival)| {
        let mut mail = Arrival {
            subject: "s".into(),
            say: "s".into(),
            text: "t".into(),
            rule: "r".into(),
            key: "k".into(),
            ..arrival(name, name)
        };
        change(&mut mail);
        receive(&mut *store, &mail, at(0)).alert().id
    };
    let subject = open("a", &|mail| mail.subject = "Needle in a subject, 100% full".into());
    let said = open("b", &|mail| mail.say = "a needle is spoken of".into());
    let texted = open("c", &|mail| mail.text = "NEEDLE".into());
    let key = open("d", &|mail| mail.key = "needle 7".into());
    let rule = open("e", &|mail| mail.rule = "my-needle".into());
    let other = open("f", &|_| {});
    change(&mut *store, other, |alert| alert.code = Code("ZZZZZZ".into()));
    let written = receive_text(&mut *store, &arrival("g", "g"), "there is a Needle in the hay\u{0}stack", at(0));
    let find =
        |store: &mut dyn Store, text: &str| list(store, &Filter { text: Some(text.into()), ..Filter::default() });
    assert_eq!(find(&mut *store, "nEEdle"), [written, rule, key, texted, said, subject]);
    assert_eq!(find(&mut *store, "zzzzzz"), [other]);
    assert_eq!(find(&mut *store, "hay\u{0}stack"), [written]);
    assert_eq!(find(&mut *store, "0% f"), [subject], "no character has a meaning of its own");
    assert_eq!(find(&mut *store, "needle%"), []);
    assert_eq!(find(&mut *store, "n_edle"), []);
    assert_eq!(find(&mut *store, "> before"), [], "what is quoted is not looked through");
    assert_eq!(find(&mut *store, "").len(), 7);
    let two = Filter { text: Some("needle".into()), limit: Some(2), ..Filter::default() };
    assert_eq!(list(&mut *store, &two), [written, rule]);
    let none = Filter { states: vec![State::Resolved], ..two };
    assert_eq!(list(&mut *store, &none), []);
}

pub fn a_search_stops_and_says_where(stage: &dyn Stage) {
    let mut store = stage.connect();
    let ids: Vec<AlertId> = (0..6)
        .map(|n| {
            let words = format!("{} {}", "x".repeat(2000), if n == 0 { "needle" } else { "hay" });
            receive_text(&mut *store, &arrival(&format!("m{n}"), &format!("k{n}")), &words, at(n))
        })
        .collect();
    let mut filter = Filter { text: Some("needle".into()), ..Filter::default() };
    let mut pages = Vec::new();
    for _ in 0..3 {
        let found = store.search(&filter, 3000).unwrap();
        pages.push((found.stopped_at, found.alerts.iter().map(|alert| alert.id).collect()));
        filter.before = found.stopped_at;
    }
    let stopped = |at: AlertId, found: &[AlertId]| (Some(at), found.to_vec());
    assert_eq!(pages, [stopped(ids[4], &[]), stopped(ids[2], &[]), stopped(ids[0], &[ids[0]])]);
    let found = store.search(&filter, 3000).unwrap();
    assert!(found.stopped_at.is_none() && found.alerts.is_empty());
    // Enough was found before enough was read.
    let first = Filter { text: Some("hay".into()), limit: Some(1), ..Filter::default() };
    let found = store.search(&first, 10).unwrap();
    assert_eq!((found.alerts[0].id, found.stopped_at), (ids[5], None));
    assert_eq!(store.search(&Filter::default(), 0).unwrap().alerts.len(), 6, "a list reads no more than it shows");
}
