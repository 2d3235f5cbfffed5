//! How a call that was made without a store stands, and what the next attempt of its mail makes of that. Pure.

use jiff::{SignedDuration, Timestamp};

use super::marker::Made;
use crate::alert::{CallStatus, TextStatus};
use crate::provider::Status;

/// A call that was answered is no acknowledgement: a mailbox answers, too. But a human who was told that it is over their
/// head, or is on the way, is not rung out of it every five minutes.
const ANSWERED: SignedDuration = SignedDuration::from_mins(30);

/// A step's wait counts within these bounds: nobody follows up but the mail server, in its own time.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
const LONGEST: SignedDuration = SignedDuration::from_mins(15);

/// What was made longer ago is another night's. Nobody else has such files for longer.
const OVER: SignedDuration = SignedDuration::from_hours(24);

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may still reach somebody, or nobody can say.
    Open,
    /// Somebody answered, or something did.
    Answered,
    /// It has reached nobody.
    Missed,
}

impl Standing {
    /// By what the provider says; `None`: it says nothing.
    pub fn of(status: Option<&Status>) -> Self {
        match status {
            None => Self::Open,
            Some(Status::Call { status, human }) => match status {
                CallStatus::Queued | CallStatus::Initiated | CallStatus::Ringing | CallStatus::InProgress => Self::Open,
                CallStatus::Completed if *human == Some(false) => Self::Missed,
                CallStatus::Completed => Self::Answered,
                CallStatus::Busy | CallStatus::Failed | CallStatus::NoAnswer | CallStatus::Canceled => Self::Missed,
            },
            Some(Status::Text { status, .. }) => match status {
                TextStatus::Queued | TextStatus::Sent | TextStatus::Delivered => Self::Open,
                TextStatus::Undelivered | TextStatus::Failed | TextStatus::Canceled => Self::Missed,
            },
        }
    }

    /// Until when nobody else is to be called; `None`: the next person is, now.
    pub fn wait(self, made: &Made, now: Timestamp) -> Option<Timestamp> {
        let wait = made.wait.clamp(SHORTEST, LONGEST);
        let until = match self {
            Self::Missed => return None,
            Self::Open => made.at.checked_add(wait).ok()?,
            Self::Answered => made.at.checked_add(wait.max(ANSWERED)).ok()?,
        };
        // One of the future is of a clock that has been set back since: nobody waits for that.
        (made.at <= now && now < until).then_some(until)
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Open => "may still reach them",
            Self::Answered => "was answered",
            Self::Missed => "reached nobody",
        }
    }
}

/// Whether it was made for what goes on now.
pub fn is_of_now(made: &Made, now: Timestamp) -> bool {
    made.at <= now && now.duration_since(made.at) < OVER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Channel;

    fn made(wait: SignedDuration) -> Made {
        Made {
            at: at(0),
            contact: "david".to_owned(),
            name: "David".to_owned(),
            channel: Channel::Call,
            to: "+64211110001".to_owned(),
            provider: "twilio".to_owned(),
            id: "CA1".to_owned(),
            wait,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_793_584_800 + seconds).unwrap()
    }

    #[test]
    fn what_reached_nobody_is_not_waited_for_and_what_may_is() {
        let call = made(SignedDuration::from_mins(5));
        let rings = |status| Status::Call { status, human: None };
        for missed in [CallStatus::Busy, CallStatus::Failed, CallStatus::NoAnswer, CallStatus::Canceled] {
            assert_eq!(Standing::of(Some(&rings(missed))).wait(&call, at(1)), None, "{missed:?}");
        }
        for open in [None, Some(rings(CallStatus::Queued)), Some(rings(CallStatus::InProgress))] {
            let standing = Standing::of(open.as_ref());
            assert_eq!(standing.wait(&call, at(1)), Some(at(300)), "{open:?}");
            assert_eq!(standing.wait(&call, at(300)), None, "{open:?}");
        }
        let answered = Standing::of(Some(&rings(CallStatus::Completed)));
        assert_eq!(answered.wait(&call, at(301)), Some(at(1800)));
        assert_eq!(answered.wait(&call, at(1800)), None);
        let mailbox = Status::Call { status: CallStatus::Completed, human: Some(false) };
        assert_eq!(Standing::of(Some(&mailbox)), Standing::Missed);
        let text = |status| Status::Text { status, detail: String::new() };
        assert_eq!(Standing::of(Some(&text(TextStatus::Delivered))), Standing::Open);
        assert_eq!(Standing::of(Some(&text(TextStatus::Undelivered))), Standing::Missed);
    }

    #[test]
    fn no_wait_of_a_rule_file_or_of_a_strange_clock_lets_everybody_sleep() {
        let open = Standing::Open;
        assert_eq!(open.wait(&made(SignedDuration::from_hours(100)), at(900)), None);
        assert_eq!(open.wait(&made(SignedDuration::MAX), at(899)), Some(at(900)));
        assert_eq!(open.wait(&made(SignedDuration::ZERO), at(59)), Some(at(60)));
        assert_eq!(open.wait(&made(SignedDuration::MIN), at(60)), None);
        assert_eq!(open.wait(&made(SignedDuration::from_mins(5)), at(-1)), None);
        assert!(is_of_now(&made(SignedDuration::ZERO), at(86_399)));
        assert!(!is_of_now(&made(SignedDuration::ZERO), at(86_400)));
        assert!(!is_of_now(&made(SignedDuration::ZERO), at(-1)));
    }
}
