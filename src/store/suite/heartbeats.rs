//! Mails that must come.

use super::Stage;
use super::build::at;
use crate::alert::{AlertId, Digest};
use crate::store::{Awaited, Beat, Store};

fn awaited(name: &str, form: &str) -> Awaited {
    Awaited { name: name.to_owned(), form: Digest::of([form]) }
}

fn came(store: &mut dyn Store, name: &str, mail: &str, sent_at: i64, now: i64) {
    store.heartbeats_came(&[name], &Beat { mail: Digest::of([mail]), sent_at: at(sent_at) }, at(now)).unwrap();
}

pub fn a_heartbeat_is_waited_for_since_its_rhythm_was_first_seen(stage: &dyn Stage) {
    let mut store = stage.connect();
    let daily = [awaited("backup", "daily")];
    assert_eq!(store.heartbeats(&daily).unwrap()[0].since, None);
    store.expect_heartbeats(&daily, at(10)).unwrap();
    store.expect_heartbeats(&daily, at(20)).unwrap();
    store.expect_heartbeats(&[awaited("backup", "weekly")], at(30)).unwrap();
    let mut since = |form| store.heartbeats(&[awaited("backup", form)]).unwrap()[0].since;
    assert_eq!((since("daily"), since("weekly")), (Some(at(10)), Some(at(30))), "an edit that is taken back is none");
}

pub fn the_last_mail_that_was_sent_counts(stage: &dyn Stage) {
    let mut store = stage.connect();
    let backup = [awaited("backup", "daily")];
    came(store.as_mut(), "backup", "m1", 100, 105);
    let first = store.heartbeats(&backup).unwrap()[0];
    assert_eq!((first.sent_at, first.arrived_at), (Some(at(100)), Some(at(105))));
    came(store.as_mut(), "backup", "m0", 50, 110);
    came(store.as_mut(), "backup", "m1", 120, 120);
    assert_eq!(
        stage.connect().heartbeats(&backup).unwrap(),
        [first],
        "an older mail, and the same one, change nothing"
    );
    came(store.as_mut(), "backup", "m2", 900, 130);
    let next = store.heartbeats(&backup).unwrap()[0];
    assert_eq!(next.sent_at, Some(at(130)), "nothing was sent after it came");
    assert_eq!(store.heartbeats(&[awaited("other", "daily")]).unwrap()[0].sent_at, None);
}

pub fn a_heartbeat_remembers_its_alert(stage: &dyn Stage) {
    let mut store = stage.connect();
    let backup = [awaited("backup", "daily")];
    let carrier = Digest::of(["m"]);
    store.heartbeat_told("backup", AlertId(7), Some(carrier)).unwrap();
    came(store.as_mut(), "backup", "m1", 100, 105);
    let seen = store.heartbeats(&backup).unwrap()[0];
    assert_eq!((seen.alert, seen.carrier, seen.sent_at), (Some(AlertId(7)), Some(carrier), Some(at(100))));
}

pub fn times_that_are_still_to_come_are_mended(stage: &dyn Stage) {
    let mut store = stage.connect();
    let backup = [awaited("backup", "daily")];
    store.expect_heartbeats(&backup, at(10_000)).unwrap();
    came(store.as_mut(), "backup", "m1", 10_000, 10_000);
    store.expect_heartbeats(&backup, at(50)).unwrap();
    let seen = store.heartbeats(&backup).unwrap()[0];
    assert_eq!((seen.since, seen.sent_at, seen.arrived_at), (Some(at(50)), Some(at(50)), Some(at(50))));
    came(store.as_mut(), "backup", "m2", 60, 60);
    assert_eq!(store.heartbeats(&backup).unwrap()[0].sent_at, Some(at(60)));
}
