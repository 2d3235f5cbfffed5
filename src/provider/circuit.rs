//! A circuit breaker: a provider that fails again and again is asked less and less often, until it works again. Pure;
//! the time is an argument.

use jiff::{SignedDuration, Timestamp};

/// After so many failures in a row a provider is passed over.
const FAILURES: u32 = 3;

/// For how long at first; twice as long with each further failure.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// And no longer than this.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// How a provider has done lately.
#[derive(Debug, Clone, Default)]
pub struct Circuit {
    failures: u32,
    /// Passed over until then; a probe moves it on, so that one tries and not all at once.
    until: Option<Timestamp>,
}

impl Circuit {
    /// Whether to try it now rather than after all others. Of those that ask once its pause is over only the first
    /// hears yes: that one is the probe.
    pub fn lets_through(&mut self, now: Timestamp) -> bool {
        let Some(until) = self.until else { return true };
        // A clock that was set back must not keep a provider out for ever.
        if now < until && until <= now.saturating_add(LONGEST_PAUSE).unwrap_or(Timestamp::MAX) {
            return false;
        }
        self.until = Some(now.saturating_add(self.pause()).unwrap_or(Timestamp::MAX));
        true
    }

    /// It has taken something, or refused it with good reason: it works.
    pub fn worked(&mut self) {
        *self = Self::default();
    }

    /// It has failed. True when it is passed over from now on and was not before.
    pub fn failed(&mut self, now: Timestamp) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures < FAILURES {
            return false;
        }
        self.until = Some(now.saturating_add(self.pause()).unwrap_or(Timestamp::MAX));
        self.failures == FAILURES
    }

    /// The pause after so many failures: 30 s, 60 s, 2 min … 10 min.
    fn pause(&self) -> SignedDuration {
        let doublings = self.failures.saturating_sub(FAILURES).min(10);
        (FIRST_PAUSE * (1_i32 << doublings)).min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    #[test]
    fn three_failures_in_a_row_open_it_and_one_success_closes_it() {
        let mut circuit = Circuit::default();
        assert!(!circuit.failed(at(0)));
        assert!(!circuit.failed(at(1)));
        circuit.worked();
        assert!(!circuit.failed(at(2)));
        assert!(!circuit.failed(at(3)));
        assert!(circuit.lets_through(at(3)));
        assert!(circuit.failed(at(4)), "the third in a row");
        assert!(!circuit.lets_through(at(33)));
        assert!(circuit.lets_through(at(34)), "the probe");
        circuit.worked();
        assert!(circuit.lets_through(at(34)) && circuit.lets_through(at(35)));
    }

    #[test]
    fn one_probe_at_a_time_and_the_pause_grows_to_ten_minutes() {
        let mut circuit = Circuit::default();
        let mut now = 0;
        for _ in 0..3 {
            circuit.failed(at(now));
        }
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let began = now;
            while !circuit.lets_through(at(now)) {
                now += 1;
            }
            pauses.push(now - began);
            assert!(!circuit.lets_through(at(now)), "a second probe beside the first");
            circuit.failed(at(now));
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600, 600]);
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_out() {
        let mut circuit = Circuit::default();
        for _ in 0..3 {
            circuit.failed(at(1_000_000));
        }
        assert!(circuit.lets_through(at(0)));
    }
}
