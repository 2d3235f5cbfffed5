//! Alerts that are looked at though nothing of them is due: nothing that wrote down a wrong time once, be it a clock that was
//! ahead for a moment, may silence an alert for as long as that.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::follow::{BATCH, TICKS};
use crate::alert::AlertId;
use crate::store::{self, Store};

/// How long after a round began the next one does.
const EVERY: SignedDuration = SignedDuration::from_mins(5);

/// Goes round all alerts that wait for something.
#[derive(Debug, Default)]
pub struct Patrol {
    /// Those that this round has still before it.
    ahead: VecDeque<AlertId>,
    /// When it began; `None`: the first is still to come.
    began_at: Option<Timestamp>,
    /// Whether it is more than a precaution: an engine that starts does not know what happened meanwhile, and what was to
    /// happen at a time that a clock was ahead of is due by no query.
    has_haste: bool,
}

impl Patrol {
    /// Whom to look at in a turn in which so many alerts are due; those go first.
    pub fn next(
        &mut self,
        store: &mut dyn Store,
        now: Timestamp,
        is_set_back: bool,
        due: usize,
    ) -> store::Result<Vec<AlertId>> {
        let has_haste = is_set_back || self.began_at.is_none();
        let is_time = || self.began_at.is_none_or(|at| now >= at.checked_add(EVERY).unwrap_or(Timestamp::MAX));
        if has_haste || self.ahead.is_empty() && is_time() {
            self.ahead = store.waiting_alerts()?.into();
            (self.began_at, self.has_haste) = (Some(now), has_haste);
        }
        let room = match (self.has_haste, due) {
            (true, _) => BATCH.saturating_sub(due).max(TICKS),
            (false, 0..BATCH) => TICKS,
            (false, _) => 0,
        };
        Ok(self.ahead.drain(..room.min(self.ahead.len())).collect())
    }

    /// The turn has failed, and perhaps not looked at whom it was given. In haste the round begins anew; else the next one comes
    /// within minutes, and a store that fails is not asked for all of them again and again.
    pub fn has_failed(&mut self) {
        if self.has_haste {
            *self = Self::default();
        }
    }

    /// Whether the next turn is wanted at once.
    pub fn is_in_haste(&self) -> bool {
        self.has_haste && !self.ahead.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI32, Ordering};

    use super::*;
    use crate::alert::Event;
    use crate::clock::{Clock, ManualClock};
    use crate::engine::{Engine, stage};
    use crate::store::Sqlite;

    /// A clock that is hours ahead when it is asked for the so-many-th time.
    struct Stumbling {
        clock: ManualClock,
        asks_left: AtomicI32,
    }

    impl Clock for Stumbling {
        fn now(&self) -> Timestamp {
            let stumbles = self.asks_left.fetch_sub(1, Ordering::Relaxed) == 0;
            self.clock.now() + SignedDuration::from_hours(if stumbles { 6 } else { 0 })
        }
    }

    /// How far ahead the alert's next time is.
    fn ahead(store: &mut Sqlite, id: AlertId, clock: &ManualClock) -> SignedDuration {
        store.alert(id).unwrap().next_at.unwrap().duration_since(clock.now())
    }

    #[test]
    fn a_clock_that_was_ahead_for_one_moment_puts_nothing_off() {
        let mut stumbled = 0;
        for asks in 0..40 {
            let directory = tempfile::tempdir().unwrap();
            let clock = ManualClock::new("2026-11-02T02:00:00Z".parse().unwrap());
            let stumbling = Arc::new(Stumbling { clock: clock.clone(), asks_left: AtomicI32::new(i32::MAX) });
            let desk = stage::desk(directory.path(), Arc::clone(&stumbling) as Arc<dyn Clock>);
            let mut store = stage::store(directory.path());
            let id = stage::opened(&desk, &mut store, "disk");
            let mut engine = Engine::new(desk, Box::new(stage::store(directory.path())), false);
            engine.turn().unwrap();
            clock.advance(SignedDuration::from_mins(6));
            stumbling.asks_left.store(asks, Ordering::Relaxed);
            engine.turn().unwrap();
            stumbled += usize::from(ahead(&mut store, id, &clock) > SignedDuration::from_hours(1));
            engine.turn().unwrap();
            let ahead = ahead(&mut store, id, &clock);
            assert!(ahead <= SignedDuration::from_mins(5), "put off by {ahead:#}, asked {asks} times before");
        }
        assert!(stumbled > 0, "the clock was never ahead when it mattered");
    }

    #[test]
    fn what_another_process_wrote_down_by_a_wrong_clock_is_found_within_minutes() {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::new("2026-11-02T02:00:00Z".parse().unwrap());
        let desk = stage::desk(directory.path(), Arc::new(clock.clone()));
        let mut store = stage::store(directory.path());
        let id = stage::opened(&desk, &mut store, "disk");
        let mut engine = Engine::new(desk, Box::new(stage::store(directory.path())), false);
        engine.turn().unwrap();
        let wrong = ManualClock::new(clock.now() + SignedDuration::from_hours(6));
        let other = stage::desk(directory.path(), Arc::new(wrong));
        other.apply(&mut store, id, &Event::Tick).unwrap();
        assert!(ahead(&mut store, id, &clock) > SignedDuration::from_hours(5), "this test tests nothing");
        for _ in 0..5 {
            clock.advance(SignedDuration::from_mins(1));
            engine.turn().unwrap();
        }
        assert!(ahead(&mut store, id, &clock) <= SignedDuration::from_mins(5));
        let history = store.history(id).unwrap();
        assert!(history.iter().any(|line| line.text.contains("the clock has gone back")), "{history:#?}");
    }

    #[test]
    fn a_round_takes_few_at_a_time_and_leaves_a_storm_alone() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = stage::store(directory.path());
        let start: Timestamp = "2026-11-02T02:00:00Z".parse().unwrap();
        let desk = stage::desk(directory.path(), Arc::new(ManualClock::new(start)));
        let id = stage::opened(&desk, &mut store, "disk");
        let minutes = |minutes| start + SignedDuration::from_mins(minutes);
        let mut patrol = Patrol::default();
        assert_eq!(patrol.next(&mut store, start, false, 0).unwrap(), [id], "an engine that starts");
        assert!(patrol.next(&mut store, minutes(4), false, 0).unwrap().is_empty(), "not yet");
        assert_eq!(patrol.next(&mut store, minutes(4), true, BATCH).unwrap(), [id], "a clock that was set back");
        assert!(patrol.next(&mut store, minutes(9), false, BATCH).unwrap().is_empty(), "a storm");
        assert!(!patrol.is_in_haste());
        assert_eq!(patrol.next(&mut store, minutes(9), false, 0).unwrap(), [id]);
        patrol.ahead = (1..=1000).map(AlertId).collect();
        assert_eq!(patrol.next(&mut store, minutes(30), false, 0).unwrap().len(), TICKS);
        patrol.has_haste = true;
        assert_eq!(patrol.next(&mut store, minutes(30), false, 0).unwrap().len(), BATCH);
        assert_eq!(patrol.next(&mut store, minutes(30), false, BATCH).unwrap().len(), TICKS);
        assert!(patrol.is_in_haste());
        patrol.has_failed();
        assert_eq!(patrol.next(&mut store, minutes(30), false, 0).unwrap(), [id], "nobody knows whom it looked at");
        patrol.has_haste = false;
        patrol.has_failed();
        assert!(patrol.next(&mut store, minutes(30), false, 0).unwrap().is_empty());
    }
}
