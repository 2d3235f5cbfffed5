//! An event that takes place again and again: RFC 5545's `RRULE` with `FREQ=DAILY` and `FREQ=WEEKLY`. Which occurrence
//! is near a moment is reckoned, not counted up to.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use crate::oncall::ContactId;
use crate::oncall::hours::moment;

/// An event that takes place again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurring {
    /// The day of the first occurrence.
    pub first: Date,
    /// The local time at which each begins.
    pub time: Time,
    /// Whose local time is meant: an occurrence keeps it when the clocks change.
    pub time_zone: TimeZone,
    /// How long each lasts.
    pub length: Length,
    /// On which days.
    pub rule: Rule,
    /// At most so many, those in `except` included.
    pub count: Option<u32>,
    /// None begins after this.
    pub until: Option<Timestamp>,
    /// The moments of occurrences that do not take place, in order.
    pub except: Vec<Timestamp>,
    /// The days of occurrences that do not take place, in order.
    pub except_days: Vec<Date>,
    /// Who is on call.
    pub contact: ContactId,
}

/// How long an occurrence lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Until a local time so many days later. What ends at 09:00 ends at 09:00 on the day on which the clocks change,
    /// too: RFC 5545 would let it end an hour off, and leave an hour uncovered.
    Until(i64, Time),
    /// So many days, and then so much time.
    For(i64, SignedDuration),
}

impl Length {
    /// When what begins on `day` at `time` ends.
    pub(super) fn end(self, time_zone: &TimeZone, day: Date, time: Time) -> Option<Timestamp> {
        let later = |days| day.checked_add(Span::new().try_days(days).ok()?).ok();
        match self {
            Self::Until(days, end) => moment(time_zone, later(days)?, end),
            Self::For(days, rest) => moment(time_zone, later(days)?, time)?.checked_add(rest).ok(),
        }
    }
}

/// On which days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Every so many days.
    Days(u32),
    /// Every so many weeks, on these days after the first of the week, in order; and on the first day in any case.
    Weeks {
        /// Every so many.
        every: u32,
        /// 0 to 6.
        days: Vec<i8>,
        /// The day on which a week begins.
        first: Weekday,
    },
}

/// The occurrences around a moment.
pub(super) struct Around {
    /// The last one that has begun.
    last: Option<(Timestamp, Timestamp)>,
    /// When the next one begins.
    next: Option<Timestamp>,
}

impl Around {
    /// The moments at which something changes.
    pub fn edges(&self) -> impl Iterator<Item = Timestamp> {
        let last = self.last.into_iter().flat_map(|(from, until)| [from, until]);
        last.chain(self.next)
    }

    /// When the occurrence began that holds at `t`.
    pub fn present(&self, t: Timestamp) -> Option<Timestamp> {
        self.last.filter(|(_, until)| t < *until).map(|(from, _)| from)
    }
}

impl Recurring {
    /// The occurrences around `t`.
    pub(super) fn around(&self, t: Timestamp) -> Around {
        let limit = self.until.map_or(t, |until| until.min(t));
        let day = limit.to_zoned(self.time_zone.clone()).date();
        let latest = self.number_by(day.tomorrow().unwrap_or(day)).min(self.last_number());
        let mut number = latest;
        let last = loop {
            match self.occurrence(number) {
                _ if number < 0 => break None,
                Some((from, until)) if from <= t && self.takes_place(number, from) => break Some((from, until)),
                Some(_) | None => number -= 1,
            }
        };
        let mut number = number.max(-1) + 1;
        let next = loop {
            match self.occurrence(number) {
                _ if number > self.last_number() => break None,
                None => break None,
                Some((from, _)) if self.until.is_some_and(|until| from > until) => break None,
                Some((from, _)) if from > t && self.takes_place(number, from) => break Some(from),
                Some(_) => number += 1,
            }
        };
        Around { last, next }
    }

    fn last_number(&self) -> i64 {
        self.count.map_or(i64::MAX - 1, |count| i64::from(count) - 1)
    }

    fn takes_place(&self, number: i64, from: Timestamp) -> bool {
        let excepted = self.except.binary_search(&from).is_ok()
            || self.day(number).is_some_and(|day| self.except_days.binary_search(&day).is_ok());
        !excepted && self.until.is_none_or(|until| from <= until)
    }

    /// From when until when an occurrence takes place, counted from 0.
    fn occurrence(&self, number: i64) -> Option<(Timestamp, Timestamp)> {
        let day = self.day(number)?;
        let from = moment(&self.time_zone, day, self.time)?;
        Some((from, self.length.end(&self.time_zone, day, self.time)?))
    }

    /// The day of an occurrence.
    fn day(&self, number: i64) -> Option<Date> {
        let days = match &self.rule {
            Rule::Days(every) => number.checked_mul(i64::from((*every).max(1)))?,
            Rule::Weeks { every, days, first } => {
                let week = self.week(*first, days);
                let number = number - i64::from(week.lone_first);
                if number < 0 {
                    return Some(self.first);
                }
                let number = number.checked_add(week.before)?;
                let length = i64::try_from(days.len()).ok()?.max(1);
                let day = days.get(usize::try_from(number.rem_euclid(length)).ok()?)?;
                let weeks = number.div_euclid(length).checked_mul(i64::from((*every).max(1)))?;
                weeks.checked_mul(7)?.checked_add(i64::from(*day) - week.offset)?
            }
        };
        self.first.checked_add(Span::new().try_days(days).ok()?).ok()
    }

    /// The number of the last occurrence on or before `day`; negative before the first.
    fn number_by(&self, day: Date) -> i64 {
        let days = day.duration_since(self.first).as_hours().div_euclid(24);
        if days < 0 {
            return -1;
        }
        match &self.rule {
            Rule::Days(every) => days.div_euclid(i64::from((*every).max(1))),
            Rule::Weeks { every, days: on, first } => {
                let week = self.week(*first, on);
                let (weeks, rest) = ((days + week.offset).div_euclid(7), (days + week.offset).rem_euclid(7));
                let every = i64::from((*every).max(1));
                let length = i64::try_from(on.len()).unwrap_or(0);
                let begun = if weeks % every == 0 {
                    i64::try_from(on.iter().filter(|day| i64::from(**day) <= rest).count()).unwrap_or(0)
                } else {
                    length
                };
                weeks.div_euclid(every) * length + begun - 1 - week.before + i64::from(week.lone_first)
            }
        }
    }

    /// How the first occurrence lies in its week.
    fn week(&self, first: Weekday, days: &[i8]) -> FirstWeek {
        let offset = first.until(self.first.weekday());
        let before = days.iter().filter(|day| **day < offset).count();
        FirstWeek {
            offset: i64::from(offset),
            before: i64::try_from(before).unwrap_or(0),
            lone_first: !days.contains(&offset),
        }
    }
}

/// How the first occurrence lies in its week.
struct FirstWeek {
    /// So many days after the first of the week.
    offset: i64,
    /// So many days of the rule are earlier in that week.
    before: i64,
    /// Whether its day is none of the rule's.
    lone_first: bool,
}
