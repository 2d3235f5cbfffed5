//! Forgetting what was over long ago, a little at a time, so that nobody waits for it.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::Engine;

/// At most so many alerts are forgotten in one transaction.
pub const AT_ONCE: usize = 100;
/// While there is more.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// When there was nothing more, and before the first time.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// A clock that goes otherwise than time by more than this has been set.
const LEAP: SignedDuration = SignedDuration::from_mins(1);

/// When to forget. A machine may begin with any time, and a wrong year would have everything forgotten: nothing is until
/// the clock has gone as time does for an hour.
#[derive(Debug, Default)]
pub struct Pace {
    /// Since when the clock has gone as time does.
    since: Option<(Timestamp, Instant)>,
    next: Option<Timestamp>,
}

impl Pace {
    /// Whether it is time. `by_hand`: the clock is a test's.
    fn is_time(&mut self, now: Timestamp, instant: Instant, by_hand: bool) -> bool {
        let (began, began_at) = *self.since.get_or_insert((now, instant));
        let by_clock = now.duration_since(began);
        let passed =
            SignedDuration::try_from(instant.saturating_duration_since(began_at)).unwrap_or(SignedDuration::MAX);
        if !by_hand && (by_clock - passed).abs() > LEAP {
            *self = Self { since: Some((now, instant)), next: None };
            return false;
        }
        by_clock >= EVERY && self.next.is_none_or(|next| now >= next)
    }
}

impl Engine {
    /// Forgets some of what has been over for as long as the rule file says. What fails is tried again an hour later:
    /// nothing that is open waits for it.
    pub(super) fn forget(&mut self) {
        let now = self.desk.now();
        let by_hand = self.desk.clock.is_moved_by_hand();
        let (Some(keep), None) = (self.desk.config.keep, &self.only) else { return };
        if !self.forgets.is_time(now, Instant::now(), by_hand) {
            return;
        }
        let Ok(before) = now.checked_sub(keep) else { return };
        let mut pause = EVERY;
        match self.store.prune(before, AT_ONCE) {
            Ok(forgotten) if forgotten.alerts > 0 => {
                tracing::info!(alerts = forgotten.alerts, %before, "removed alerts that were over before");
                if forgotten.alerts >= AT_ONCE as u64 {
                    pause = PAUSE;
                }
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "old alerts could not be removed; trying again in an hour"),
        }
        self.forgets.next = now.checked_add(pause).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nothing_is_forgotten_until_the_clock_has_gone_right_for_an_hour() {
        let (start, begin) = (Timestamp::from_second(1_800_000_000).unwrap(), Instant::now());
        let mut pace = Pace::default();
        let mut at = |clock: i64, time: u64| {
            let instant = begin + Duration::from_secs(time);
            pace.is_time(start + SignedDuration::from_secs(clock), instant, false)
        };
        assert!(!at(0, 0));
        assert!(!at(3599, 3599));
        assert!(at(3600, 3600));
        // It was ten years ahead, and is set back.
        assert!(!at(3601 - 315_360_000, 3601));
        assert!(!at(7190 - 315_360_000, 7190));
        assert!(at(7201 - 315_360_000, 7201));
        // And is set ahead by two minutes.
        assert!(!at(7322 - 315_360_000, 7202));
    }

    #[test]
    fn a_clock_that_is_moved_by_hand_is_believed() {
        let (start, begin) = (Timestamp::from_second(1_800_000_000).unwrap(), Instant::now());
        let mut pace = Pace::default();
        assert!(!pace.is_time(start, begin, true));
        assert!(pace.is_time(start + SignedDuration::from_hours(9000), begin, true));
    }
}
