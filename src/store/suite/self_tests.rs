//! Self-tests: a mark is outstanding, used once, and known for long.

use super::Stage;
use super::build::at;
use crate::alert::{AlertId, Digest};

fn mark(name: &str) -> Digest {
    Digest::of([name])
}

pub fn a_self_test_is_known_by_its_mark_alone(stage: &dyn Stage) {
    let mut store = stage.connect();
    let (one, other) = (mark("one"), mark("other"));
    let first = store.begin_self_test(one, at(0), at(300)).unwrap();
    assert!(store.begin_self_test(other, at(1), at(301)).unwrap() > first);
    assert!(store.begin_self_test(one, at(2), at(302)).is_err(), "a number is drawn once");
    assert_eq!(store.self_test(mark("forged")).unwrap(), None);
    let known = stage.connect().self_test(one).unwrap().unwrap();
    assert_eq!((known.id, known.begun_at, known.until), (first, at(0), at(300)));
    assert_eq!((known.received_at, known.alert, known.ended_at, known.passed), (None, None, None, None));
}

pub fn the_mail_of_a_self_test_counts_once_and_so_does_its_end(stage: &dyn Stage) {
    let mut store = stage.connect();
    let one = mark("one");
    let id = store.begin_self_test(one, at(0), at(300)).unwrap();
    store.self_test_came(one, Some(AlertId(7)), at(2)).unwrap();
    store.self_test_came(one, None, at(9)).unwrap();
    store.end_self_test(id, true, at(3)).unwrap();
    store.end_self_test(id, false, at(10)).unwrap();
    let known = store.self_test(one).unwrap().unwrap();
    assert_eq!((known.received_at, known.alert), (Some(at(2)), Some(AlertId(7))));
    assert_eq!((known.ended_at, known.passed), (Some(at(3)), Some(true)));
}

pub fn self_tests_that_nobody_ended_are_found(stage: &dyn Stage) {
    let mut store = stage.connect();
    let ended = store.begin_self_test(mark("ended"), at(0), at(10)).unwrap();
    let abandoned = store.begin_self_test(mark("abandoned"), at(0), at(20)).unwrap();
    store.begin_self_test(mark("under way"), at(0), at(300)).unwrap();
    store.end_self_test(ended, false, at(5)).unwrap();
    let mut found =
        |before| -> Vec<i64> { store.abandoned_self_tests(at(before)).unwrap().iter().map(|one| one.id).collect() };
    assert_eq!((found(20), found(21)), (vec![], vec![abandoned]));
}
