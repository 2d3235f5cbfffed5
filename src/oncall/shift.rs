//! Duties on a line of time: until when somebody is on call, who follows, and why.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::roster::{Because, Kind, Watch};
use super::{ContactId, Group, GroupId, Roster, Stretch};

/// Who is on call for a group, and until when that is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Who is called first.
    pub contact: ContactId,
    /// When that changes; `None`: not foreseen.
    pub until: Option<Timestamp>,
    /// Who follows at `until`; `None` when not foreseen, or nobody.
    pub next: Option<ContactId>,
    /// What says so.
    pub why: Why,
}

impl Duty {
    /// True when an override, not the rule file, says so.
    pub fn overridden(&self) -> bool {
        matches!(self.why, Why::Override(_))
    }
}

/// What says who is on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Nothing: nobody is.
    Nobody,
    /// `oncall = "…"`, or the first member.
    Fixed,
    /// The one rotation of the group.
    Rotation,
    /// The one calendar of the group.
    Calendar,
    /// A layer of the schedule, by its name.
    Layer(String),
    /// An override, by who made it.
    Override(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("not covered"),
            Self::Fixed => f.write_str("fixed"),
            Self::Rotation => f.write_str("rotation"),
            Self::Calendar => f.write_str("calendar"),
            Self::Layer(name) => write!(f, "{name}"),
            Self::Override(by) => write!(f, "override by {by}"),
        }
    }
}

impl Why {
    pub(super) fn of(because: Because<'_>) -> Self {
        match because {
            Because::Nothing => Self::Nobody,
            Because::Fixed | Because::Layer(None, Kind::Always) => Self::Fixed,
            Because::Layer(None, Kind::Rotation) => Self::Rotation,
            Because::Layer(None, Kind::Calendar) => Self::Calendar,
            Because::Layer(Some(name), _) => Self::Layer(name.to_owned()),
            Because::Override(by) => Self::Override(by.to_owned()),
        }
    }
}

/// A span of time in which one contact is on call for one reason, or nobody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Its first moment; `None`: it has always been so.
    pub from: Option<Timestamp>,
    /// The first moment of the next; `None`: not foreseen.
    pub until: Option<Timestamp>,
    /// Who is on call; `None`: nobody, so the whole group is called.
    pub contact: Option<ContactId>,
    /// What says so.
    pub why: Why,
}

/// So many stretches are looked at for one change. A change that is further away is not foreseen.
const STEPS: usize = 2000;
/// So many shifts are listed.
const SHIFTS: usize = 20_000;

impl Roster {
    /// Who is on call for `group` from `from` until `until`, shift by shift without gaps. The first begins, and the last
    /// ends, when it truly does, which may be outside. Empty for an unknown group.
    pub fn shifts(&self, group: &GroupId, from: Timestamp, until: Timestamp) -> Vec<Shift> {
        let mut shifts = Vec::new();
        let Some(group) = self.groups.get(group) else { return shifts };
        let first = self.watch_now(group, from);
        let mut since = self.beginning(group, &first);
        let mut now = first;
        while shifts.len() < SHIFTS {
            let (end, next) = self.end(group, now, |a, b| a == b);
            let known = |t: Timestamp| Some(t).filter(|t| *t > Timestamp::MIN && *t < Timestamp::MAX);
            shifts.push(Shift {
                from: known(since),
                until: known(end),
                contact: now.what.contact.cloned(),
                why: Why::of(now.what.because),
            });
            match next {
                Some(next) if end < until => (since, now) = (end, next),
                Some(_) | None => break,
            }
        }
        shifts
    }

    /// When somebody else than in `now` comes on call, and who: follows hand-offs and overrides one by one. `None` when
    /// that is not foreseen.
    pub(super) fn change_after<'a>(
        &'a self,
        group: &'a Group,
        now: Stretch<Watch<'a>>,
    ) -> Option<(Timestamp, Option<ContactId>)> {
        let (end, next) = self.end(group, now, |a, b| a.contact == b.contact);
        next.map(|next| (end, next.what.contact.cloned()))
    }

    /// Follows what is `same` as in `now` to its end, and to what comes then; `None`: no end is foreseen.
    fn end<'a>(
        &'a self,
        group: &'a Group,
        now: Stretch<Watch<'a>>,
        same: impl Fn(&Watch<'a>, &Watch<'a>) -> bool,
    ) -> (Timestamp, Option<Stretch<Watch<'a>>>) {
        let mut until = now.until;
        for _ in 0..STEPS {
            if until == Timestamp::MAX {
                break;
            }
            let next = self.watch_now(group, until);
            if !same(&now.what, &next.what) {
                return (until, Some(next));
            }
            until = next.until;
        }
        (Timestamp::MAX, None)
    }

    /// When the shift began to which `now` belongs.
    fn beginning<'a>(&'a self, group: &'a Group, now: &Stretch<Watch<'a>>) -> Timestamp {
        let mut since = now.since;
        for _ in 0..STEPS {
            let Ok(before) = since.checked_sub(SignedDuration::from_nanos(1)) else { return Timestamp::MIN };
            let earlier = self.watch_now(group, before);
            if earlier.what != now.what {
                return since;
            }
            since = earlier.since;
        }
        Timestamp::MIN
    }
}
