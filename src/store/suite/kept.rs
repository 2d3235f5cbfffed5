//! What the mails of an alert say.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;

use super::Stage;
use super::build::{arrival, at, chance, change, only, receive, set_state};
use crate::alert::{AlertId, State};
use crate::store::{Arrival, Error, MailText, Store};

fn text(words: &str) -> MailText {
    MailText {
        from: "Nagios <n\u{0}@example.com>".into(),
        subject: "disk \u{1f4a5}".into(),
        message_id: Some(format!("<{words}@x>")),
        size: 12_345,
        new_text: format!("{words}\u{1b}[2J\u{0}"),
        quoted: "> before\r\n".into(),
        cut: true,
    }
}

/// Receives a mail that says this.
pub fn receive_text(store: &mut dyn Store, arrival: &Arrival, words: &str, now: Timestamp) -> AlertId {
    let says = || text(words);
    let mut apply = |mut alert: crate::alert::Alert, joined, _: &mut dyn FnMut() -> u128| {
        alert.mails += u32::from(joined);
        only(alert)
    };
    store.receive(arrival, None, Some(&says), now, &mut chance(7), &mut apply).unwrap().alert().id
}

fn close_text(store: &mut dyn Store, arrival: &Arrival, says: &dyn Fn() -> MailText) {
    store
        .close(arrival, Some(says), at(50), &mut |mut alert, _| {
            (alert.state, alert.ended_at) = (State::Resolved, Some(at(50)));
            Some(only(alert))
        })
        .unwrap();
}

fn said(store: &mut dyn Store, id: AlertId) -> Vec<(u32, String)> {
    let words = |id: Option<String>| id.unwrap().trim_matches(['<', '>']).trim_end_matches("@x").to_owned();
    store.mails(id).unwrap().into_iter().map(|mail| (mail.number, words(mail.text.message_id))).collect()
}

pub fn what_mails_say_is_kept_as_it_is(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut first = arrival("m1", "disk");
    first.recipients = vec!["a@example.com".into(), "\"b\"@example.com".into()];
    let id = receive_text(&mut *store, &first, "one", at(1));
    assert_eq!(receive_text(&mut *store, &arrival("m2", "disk"), "two", at(2)), id);
    let kept = stage.connect().mails(id).unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!((kept[0].number, kept[0].received_at, &kept[0].recipients), (1, at(1), &first.recipients));
    assert_eq!(kept[0].text, text("one"));
    assert_eq!((kept[1].number, kept[1].received_at, &kept[1].text), (2, at(2), &text("two")));
    // Nothing is kept of what was not to be.
    receive(&mut *store, &arrival("m3", "disk"), at(3));
    let other = receive(&mut *store, &arrival("m4", "cpu"), at(3)).alert().id;
    assert_eq!(store.mails(id).unwrap().len(), 2);
    assert!(store.mails(other).unwrap().is_empty());
    assert!(matches!(store.mails(AlertId(99)), Err(Error::NoAlert(AlertId(99)))));
}

pub fn the_text_is_only_asked_for_when_it_is_kept(stage: &dyn Stage) {
    let mut store = stage.connect();
    let asked = Cell::new(0);
    let says = || {
        asked.set(asked.get() + 1);
        text("up")
    };
    close_text(&mut *store, &arrival("up1", "disk"), &says);
    assert_eq!(asked.get(), 0, "there was nothing to close");
    let ids = ["disk", "cpu"].map(|key| receive_text(&mut *store, &arrival(key, key), "down", at(0)));
    let both = Arrival { other_digests: vec![arrival("", "cpu").digest], ..arrival("up2", "disk") };
    close_text(&mut *store, &both, &says);
    assert_eq!(asked.get(), 1, "once for all alerts that it closed");
    for id in ids {
        assert_eq!(said(&mut *store, id), [(1, "down".to_owned()), (2, "up".to_owned())]);
    }
    close_text(&mut *store, &both, &says);
    let mut nothing = |_, _, _: &mut dyn FnMut() -> u128| panic!("nothing is to change");
    store.receive(&arrival("disk", "disk"), None, Some(&says), at(3), &mut chance(1), &mut nothing).unwrap();
    assert_eq!(asked.get(), 1, "the same mails again");
}

pub fn a_storm_keeps_its_beginning_and_its_end(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut id = AlertId(0);
    for n in 1..=40 {
        id = receive_text(&mut *store, &arrival(&format!("m{n}"), "disk"), &format!("mail {n}"), at(n));
        if n == 25 {
            assert_eq!(store.mails(id).unwrap().len(), 25, "nothing is between them yet");
        }
    }
    let expected: Vec<(u32, String)> = (1..=20).chain(36..=40).map(|n| (n, format!("mail {n}"))).collect();
    assert_eq!(said(&mut *store, id), expected);
    assert_eq!(store.alert(id).unwrap().mails, 40);
}

pub fn texts_go_with_their_alert(stage: &dyn Stage) {
    let mut store = stage.connect();
    let long = "x".repeat(30_000);
    for n in 0..30 {
        let key = format!("disk {n}");
        let id = receive_text(&mut *store, &arrival(&key, &key), &long, at(0));
        change(&mut *store, id, |alert| alert.ended_at = Some(at(1)));
        set_state(&mut *store, id, State::Resolved);
    }
    let full = store.size().unwrap();
    assert_eq!(store.prune(at(9), 99).unwrap().alerts, 30);
    assert!(matches!(store.mails(AlertId(1)), Err(Error::NoAlert(_))));
    let pruned = store.size().unwrap();
    assert!(pruned.free - full.free > 30 * 30_000, "{full:?} {pruned:?}");
}

pub fn a_crash_midway_keeps_no_text(stage: &dyn Stage) {
    let id = receive_text(&mut *stage.connect(), &arrival("m1", "disk"), "one", at(0));
    let crash = catch_unwind(AssertUnwindSafe(|| {
        let says = || panic!("on purpose");
        let mut store = stage.connect();
        let mut apply = |alert, _, _: &mut dyn FnMut() -> u128| only(alert);
        let _ = store.receive(&arrival("m2", "disk"), None, Some(&says), at(0), &mut chance(1), &mut apply);
    }));
    assert!(crash.is_err());
    let mut store = stage.connect();
    assert_eq!(store.alert_of_mail(arrival("m2", "").mail).unwrap(), None);
    assert_eq!(said(&mut *store, id), [(1, "one".to_owned())]);
}
