//! Where a heartbeat stands: waited for, on time, due, late.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Rhythm;

/// While a mail stays away it is told again once a day, or as often as it is due where that is less often.
const TOLD_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// What is known of a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Since when somebody waits for it, by its present rhythm.
    pub since: Timestamp,
    /// When the last one was sent; `None`: it has never come.
    pub last: Option<Timestamp>,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: State,
    /// When the next one is due; when it is late: when it was due first.
    pub due: Timestamp,
    /// How often it has been due since, told once a day: 0 at first.
    pub told: i64,
    /// When to look again, if nothing comes.
    pub next: Timestamp,
}

/// In a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It has never come, and is not due yet.
    Waiting,
    /// It has come.
    OnTime,
    /// It is due, and may still be that late.
    Due,
    /// It has not come.
    Late,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::OnTime => "on time",
            Self::Due => "due",
            Self::Late => "late",
        }
    }
}

impl Standing {
    /// Where a heartbeat of this rhythm stands at `now`. Times that are still to come were noted by a clock that has
    /// been set back since, and count as now.
    pub fn at(rhythm: &Rhythm, grace: SignedDuration, times: Times, now: Timestamp) -> Self {
        let last = times.last.map(|last| last.min(now));
        let base = last.map_or(times.since.min(now), |last| last.max(times.since.min(now)));
        let due = rhythm.due_after(base, last);
        let late_at = later(due, grace);
        let state = match (now >= late_at, now >= due, last) {
            (true, _, _) => State::Late,
            (false, true, _) => State::Due,
            (false, false, None) => State::Waiting,
            (false, false, Some(_)) => State::OnTime,
        };
        if state != State::Late {
            return Self { state, due, told: 0, next: late_at };
        }
        let latest = rhythm.latest(due, now.checked_sub(grace).unwrap_or(due));
        let told = i64::try_from(latest.duration_since(due).as_millis() / TOLD_EVERY.as_millis()).unwrap_or(0);
        let days = i32::try_from(told).unwrap_or(i32::MAX).saturating_add(1);
        let next = later(late_at, TOLD_EVERY.checked_mul(days).unwrap_or(SignedDuration::MAX));
        Self { state, due, told, next }
    }
}

fn later(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    fn stands(since: i64, last: Option<i64>, now: i64) -> (State, Timestamp, i64) {
        let rhythm = Rhythm::Every(SignedDuration::from_hours(24));
        let times = Times { since: hours(since), last: last.map(hours) };
        let standing = Standing::at(&rhythm, SignedDuration::from_hours(1), times, hours(now));
        (standing.state, standing.due, standing.told)
    }

    #[test]
    fn it_is_late_when_the_grace_is_over() {
        assert_eq!(stands(0, Some(1), 24), (State::OnTime, hours(25), 0));
        assert_eq!(stands(0, Some(1), 25), (State::Due, hours(25), 0));
        assert_eq!(stands(0, Some(1), 26), (State::Late, hours(25), 0));
    }

    #[test]
    fn what_never_came_counts_from_when_it_was_first_waited_for() {
        assert_eq!(stands(5, None, 6), (State::Waiting, hours(29), 0));
        assert_eq!(stands(5, None, 30), (State::Late, hours(29), 0));
        // Its rhythm was edited at 100: it is not late for what it was never asked.
        assert_eq!(stands(100, Some(1), 101), (State::OnTime, hours(124), 0));
    }

    #[test]
    fn it_is_told_again_once_a_day() {
        assert_eq!(stands(0, Some(0), 48), (State::Late, hours(24), 0));
        assert_eq!(stands(0, Some(0), 49), (State::Late, hours(24), 1));
        assert_eq!(stands(0, Some(0), 25 + 240), (State::Late, hours(24), 10));
        let quarter = Rhythm::Every(SignedDuration::from_mins(15));
        let times = Times { since: hours(0), last: None };
        let at = |now| Standing::at(&quarter, SignedDuration::ZERO, times, now).told;
        assert_eq!((at(hours(24)), at(hours(25))), (0, 1), "not each quarter of an hour");
    }

    #[test]
    fn a_clock_that_was_set_back_hides_nothing_for_ever() {
        assert_eq!(stands(1000, Some(1000), 10), (State::OnTime, hours(34), 0));
    }

    #[test]
    fn it_is_looked_at_again_when_something_may_change() {
        let rhythm = Rhythm::Every(SignedDuration::from_hours(24));
        let times = Times { since: hours(0), last: None };
        let next = |now| Standing::at(&rhythm, SignedDuration::from_hours(1), times, hours(now)).next;
        assert_eq!((next(0), next(24), next(25), next(50)), (hours(25), hours(25), hours(49), hours(73)));
    }
}
