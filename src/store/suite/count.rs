//! Mails that are counted.

use std::sync::Barrier;

use jiff::SignedDuration;

use super::Stage;
use super::build::{arrival, at, receive};
use crate::alert::Digest;
use crate::store::{COUNTED_FOR, Store, Tally};

fn tally(key: &str, mail: &str, enough: u32) -> Tally {
    let within = SignedDuration::from_secs(600);
    Tally { counter: Digest::of([key]), mail: Digest::of([mail]), arrival: arrival(mail, key).mail, within, enough }
}

pub fn mails_of_a_counter_are_counted_within_their_time(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut count = |key, mail, now| store.count(&tally(key, mail, 9), at(now)).unwrap();
    assert_eq!(count("disk", "m1", 0), 1);
    assert_eq!(count("disk", "m2", 599), 2);
    assert_eq!(count("disk", "m3", 600), 2, "the first is ten minutes old");
    assert_eq!(count("cpu", "m3", 600), 1, "another key");
    assert_eq!(count("disk", "m4", 601), 3);
    assert_eq!(stage.connect().count(&tally("disk", "m5", 9), at(602)).unwrap(), 4);
}

pub fn a_mail_counts_once_and_keeps_its_answer(stage: &dyn Stage) {
    let mut store = stage.connect();
    for (mail, now) in [("m1", 0), ("m2", 1), ("m3", 2)] {
        store.count(&tally("disk", mail, 9), at(now)).unwrap();
    }
    for now in [3, 1000, 86_400 * 6] {
        assert_eq!(store.count(&tally("disk", "m3", 9), at(now)).unwrap(), 3);
        assert_eq!(store.count(&tally("disk", "m1", 9), at(now)).unwrap(), 1);
    }
    assert_eq!(store.count(&tally("disk", "m4", 9), at(4)).unwrap(), 4);
    // What no mail server tries to deliver any more is forgotten when the next mail is counted.
    let much_later = at(3) + COUNTED_FOR + SignedDuration::from_secs(601);
    assert_eq!(store.count(&tally("cpu", "m5", 9), much_later).unwrap(), 1);
    assert_eq!(store.count(&tally("disk", "m3", 9), much_later).unwrap(), 1);
}

pub fn counting_stops_at_enough(stage: &dyn Stage) {
    let mut store = stage.connect();
    let counted: Vec<u32> = (0..6).map(|n| store.count(&tally("disk", &format!("m{n}"), 3), at(n)).unwrap()).collect();
    assert_eq!(counted, [1, 2, 3, 3, 3, 3]);
}

pub fn a_mail_that_has_its_alert_is_counted_enough(stage: &dyn Stage) {
    let mut store = stage.connect();
    receive(&mut *store, &arrival("m1", "disk"), at(0));
    assert_eq!(store.count(&tally("disk", "m1", 5), at(99_999_999)).unwrap(), 5);
    assert_eq!(store.count(&tally("disk", "m2", 5), at(99_999_999)).unwrap(), 1, "it was not counted, though");
}

pub fn a_clock_that_goes_back_forgets_nothing(stage: &dyn Stage) {
    let mut store = stage.connect();
    assert_eq!(store.count(&tally("disk", "m1", 9), at(300)).unwrap(), 1);
    assert_eq!(store.count(&tally("disk", "m2", 9), at(0)).unwrap(), 2);
    assert_eq!(store.count(&tally("disk", "m3", 9), at(-300)).unwrap(), 2, "600 s ahead is too far");
}

pub fn racing_mails_are_all_counted(stage: &dyn Stage) {
    let barrier = Barrier::new(10);
    let mut counted: Vec<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..10)
            .map(|n| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    stage.connect().count(&tally("disk", &format!("m{n}"), 99), at(n)).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    counted.sort_unstable();
    assert_eq!(counted, (1..=10).collect::<Vec<u32>>());
}

pub fn who_only_asks_counts_nothing(stage: &dyn Stage) {
    let mut store = stage.connect();
    let ask = |store: &mut dyn Store, mail, now| store.would_count(&tally("disk", mail, 3), at(now)).unwrap();
    assert_eq!(ask(&mut *store, "m1", 0), 1);
    assert_eq!(ask(&mut *store, "m2", 1), 1, "the first was not counted");
    store.count(&tally("disk", "m1", 3), at(2)).unwrap();
    assert_eq!(ask(&mut *store, "m2", 3), 2);
    assert_eq!(ask(&mut *store, "m2", 602), 1, "what came ten minutes ago");
    assert_eq!(ask(&mut *store, "m1", 9999), 1, "the answer that it got");
    receive(&mut *store, &arrival("m3", "disk"), at(4));
    assert_eq!(ask(&mut *store, "m3", 5), 3, "it has its alert");
}
