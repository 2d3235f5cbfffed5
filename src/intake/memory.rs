//! What is remembered of earlier mails, for rules that count. `deliver` remembers in the store; here are the memories that
//! need none.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use crate::alert::Digest;
use crate::rules::Recall;
use crate::store::Tally;

/// Who remembers.
pub trait Memory {
    /// How many mails of its counter there were within its time, this one included; see
    /// [`Store::count`](crate::store::Store::count). Asked only for a mail that all other conditions of a rule hold for.
    fn count(&mut self, tally: &Tally, now: Timestamp) -> Recall;
}

/// Nobody remembers: `check --mail` plays each mail alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forgetful;

impl Memory for Forgetful {
    fn count(&mut self, _: &Tally, _: Timestamp) -> Recall {
        Recall::Unknown
    }
}

/// Remembers what it is asked, in the mails' own time: for a history of mail that is played again, the oldest first.
#[derive(Debug, Default)]
pub struct Played {
    counters: HashMap<Digest, Counter>,
}

#[derive(Debug, Default)]
struct Counter {
    /// Those that may still count, in the order in which they came.
    recent: VecDeque<Timestamp>,
    /// The answer that each mail got.
    answers: HashMap<Digest, u32>,
}

impl Memory for Played {
    fn count(&mut self, tally: &Tally, now: Timestamp) -> Recall {
        let counter = self.counters.entry(tally.counter).or_default();
        if let Some(answer) = counter.answers.get(&tally.mail) {
            return Recall::Times(*answer);
        }
        while counter.recent.front().is_some_and(|at| now.duration_since(*at) >= tally.within) {
            counter.recent.pop_front();
        }
        let others = counter.recent.iter().filter(|at| now.duration_since(**at).abs() < tally.within).count();
        let times = u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1).min(tally.enough);
        counter.recent.push_back(now);
        counter.answers.insert(tally.mail, times);
        Recall::Times(times)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn what_is_played_counts_in_its_own_time_and_each_mail_once() {
        let mut played = Played::default();
        let mut count = |key: &str, mail: &str, minutes: i64| {
            let tally = Tally {
                counter: Digest::of([key]),
                mail: Digest::of([mail]),
                arrival: Digest::of([mail]),
                within: SignedDuration::from_mins(10),
                enough: 3,
            };
            played.count(&tally, Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes))
        };
        let times = Recall::Times;
        assert_eq!(count("a", "1", 0), times(1));
        assert_eq!(count("b", "1", 0), times(1), "each key counts for itself");
        assert_eq!(count("a", "2", 5), times(2));
        assert_eq!(count("a", "2", 6), times(2), "the same mail again");
        assert_eq!(count("a", "3", 9), times(3));
        assert_eq!(count("a", "4", 9), times(3), "three are enough");
        assert_eq!(count("a", "1", 600), times(1), "the answer stays");
        assert_eq!(count("a", "5", 15), times(3), "of 5, 9, 9 and itself; that of 5 is ten minutes old");
        assert_eq!(count("a", "6", 60), times(1));
    }
}
