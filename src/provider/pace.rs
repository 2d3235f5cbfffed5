//! How fast calls are placed: an account takes so many a second, and one that is asked for more puts them into a queue
//! of its own, of which nobody knows how long it is. So they wait here, in the order in which they came.
//!
//! In real time, because it is about the provider's time and not about a night that a test plays. Each process keeps a
//! pace of its own: deliveries without an engine, all at once, are queued by the provider.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Nobody waits longer than this: then the provider's own queue is the lesser evil.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The pace of one account.
#[derive(Debug)]
pub struct Pace {
    /// Between two calls; `None`: no limit.
    between: Option<Duration>,
    /// When the next may be placed.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// So many a second; `None`: no limit.
    pub fn of(per_second: Option<u32>) -> Self {
        let between = per_second.filter(|count| *count > 0).map(|count| Duration::from_secs(1) / count);
        Self { between, next: Mutex::default() }
    }

    /// Waits for its turn.
    pub fn wait(&self) {
        let wait = self.turn(Instant::now());
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
    }

    /// Takes a turn; how long it is until then.
    fn turn(&self, now: Instant) -> Duration {
        let Some(between) = self.between else { return Duration::ZERO };
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.map_or(now, |next| next.max(now));
        let wait = at.saturating_duration_since(now);
        if wait > LONGEST_WAIT {
            return LONGEST_WAIT;
        }
        *next = Some(at + between);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_and_nobody_waits_for_ever() {
        let pace = Pace::of(Some(2));
        let now = Instant::now();
        let turn = |after: u64| pace.turn(now + Duration::from_millis(after)).as_millis();
        assert_eq!([turn(0), turn(0), turn(0)], [0, 500, 1000]);
        assert_eq!(turn(1200), 300);
        assert_eq!(turn(5000), 0, "what was not used is not saved up");
        assert_eq!(turn(5000), 500);
        let waits: Vec<u128> = (0..40).map(|_| turn(5000)).collect();
        assert_eq!(*waits.iter().max().unwrap(), 10_000);
        assert_eq!(Pace::of(None).turn(now), Duration::ZERO);
    }
}
