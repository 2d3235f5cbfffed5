//! Mails that end and take alerts.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Stage;
use super::build::{arrival, at, line, only, receive, set_state};
use crate::alert::{Alert, AlertId, Change, Digest, State};
use crate::store::{Arrival, Closing, Store};

/// Resolves by the mail called `mail`; which alerts it changed, and whether each was the newest.
fn close(store: &mut dyn Store, arrival: &Arrival) -> (Vec<(AlertId, bool)>, Closing) {
    let mut seen = Vec::new();
    let closing = store
        .close(arrival, None, at(5000), &mut |alert, newest| {
            seen.push((alert.id, newest));
            let alert = Alert { state: State::Resolved, ended_at: Some(at(5000)), next_at: None, ..alert };
            Some(Change { alert, commands: Vec::new(), history: vec![line("over")] })
        })
        .unwrap();
    (seen, closing)
}

fn changed(closing: &Closing) -> Vec<AlertId> {
    match closing {
        Closing::Done { changed, .. } => changed.iter().map(|alert| alert.id).collect(),
        Closing::SameMail(_) => panic!("{closing:?}"),
    }
}

pub fn what_is_not_resolved_is_closed_and_the_newest_known(stage: &dyn Stage) {
    let mut store = stage.connect();
    let states = [State::Resolved, State::Expired, State::Acknowledged, State::Open];
    let ids: Vec<AlertId> = states
        .iter()
        .zip(0..)
        .map(|(state, n)| {
            let opened = receive(&mut *store, &arrival(&format!("m{n}"), "disk"), at(n * 4000)).alert().id;
            set_state(&mut *store, opened, *state);
            opened
        })
        .collect();
    let other = receive(&mut *store, &arrival("m9", "cpu"), at(0)).alert().id;
    let both =
        Arrival { other_digests: vec![arrival("", "cpu").digest, arrival("", "none").digest], ..arrival("up", "disk") };
    let (seen, closing) = close(&mut *store, &both);
    assert_eq!(seen, [(other, true), (ids[3], true), (ids[2], false), (ids[1], false)]);
    assert_eq!(changed(&closing), [other, ids[3], ids[2], ids[1]]);
    for id in ids {
        let alert = store.alert(id).unwrap();
        assert_eq!(alert.state, State::Resolved);
    }
    assert_eq!(store.history(other).unwrap(), [line("over")]);
    assert!(close(&mut *store, &arrival("another", "disk")).0.is_empty(), "all are resolved");
}

pub fn a_mail_closes_once(stage: &dyn Stage) {
    let mut store = stage.connect();
    let first = receive(&mut *store, &arrival("m1", "disk"), at(0)).alert().id;
    assert_eq!(changed(&close(&mut *store, &arrival("up", "disk")).1), [first]);
    let second = receive(&mut *store, &arrival("m2", "disk"), at(1)).alert().id;
    let (seen, closing) = close(&mut *store, &arrival("up", "disk"));
    assert!(matches!(&closing, Closing::SameMail(ids) if *ids == [first]), "{closing:?}");
    assert!(seen.is_empty());
    assert_eq!(store.alert(second).unwrap().state, State::Open);
}

pub fn a_mail_that_found_nothing_finds_nothing_later(stage: &dyn Stage) {
    let mut store = stage.connect();
    assert!(changed(&close(&mut *store, &arrival("up", "disk")).1).is_empty());
    let later = receive(&mut *store, &arrival("m1", "disk"), at(1)).alert().id;
    assert!(matches!(close(&mut *store, &arrival("up", "disk")).1, Closing::SameMail(ids) if ids.is_empty()));
    assert_eq!(store.alert(later).unwrap().state, State::Open);
}

pub fn what_has_had_a_later_mail_is_left_alone(stage: &dyn Stage) {
    let mut store = stage.connect();
    let written = |mail: &str, seconds: Option<i64>| Arrival { sent_at: seconds.map(at), ..arrival(mail, "disk") };
    let id = receive(&mut *store, &written("m1", Some(100)), at(0)).alert().id;
    receive(&mut *store, &written("m2", Some(200)), at(1));
    receive(&mut *store, &written("m3", None), at(2));
    let (seen, closing) = close(&mut *store, &written("up1", Some(199)));
    assert!(
        matches!(&closing, Closing::Done { changed, newer } if changed.is_empty() && *newer == [id]),
        "{closing:?}"
    );
    assert!(seen.is_empty());
    assert_eq!(changed(&close(&mut *store, &written("up2", Some(200))).1), [id], "of the same second");
    let id = receive(&mut *store, &written("m4", Some(300)), at(3)).alert().id;
    assert_eq!(changed(&close(&mut *store, &written("up3", None)).1), [id], "nobody knows when it was written");
}

pub fn what_is_left_as_it_is_is_not_changed(stage: &dyn Stage) {
    let mut store = stage.connect();
    let before = receive(&mut *store, &arrival("m1", "disk"), at(0)).alert().clone();
    let closing = store.close(&arrival("ack", "disk"), None, at(1), &mut |_, _| None).unwrap();
    assert!(changed(&closing).is_empty());
    assert_eq!(store.alert(before.id).unwrap(), before);
}

pub fn a_crash_while_closing_leaves_nothing(stage: &dyn Stage) {
    let mut store = stage.connect();
    let digests = ["a", "b"].map(|key| arrival(key, key).digest);
    let ids = ["a", "b"].map(|key| receive(&mut *store, &arrival(key, key), at(0)).alert().id);
    let both = Arrival { other_digests: vec![Digest::of(["none"]), digests[1]], ..arrival("up", "a") };
    let crash = catch_unwind(AssertUnwindSafe(|| {
        let mut first = true;
        let _ = store.close(&both, None, at(1), &mut |alert, _| {
            assert!(std::mem::take(&mut first), "on purpose");
            Some(only(Alert { state: State::Resolved, ..alert }))
        });
    }));
    assert!(crash.is_err());
    for id in ids {
        assert_eq!(stage.connect().alert(id).unwrap().state, State::Open);
    }
    assert_eq!(changed(&close(&mut *store, &both).1).len(), 2, "the mail is not remembered");
}
