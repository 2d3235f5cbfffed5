//! One test of a rule: where it looks, and what it wants there.
//!
//! `count = "5 in 10m"` is no condition, though it stands among them: the key of a mail is known only when all of them
//! hold. It is [`Rule::count`](super::Rule::count) and asked last.

use std::cmp::Ordering;

use jiff::Zoned;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::authentication::Results;
use super::outside::Outside;
use super::pattern::{Match, Pattern, PatternError};
use super::quantity::Quantity;
use super::ruleset::{Rule, View};
use super::sight::Sight;
use super::verdict::{Captures, ConditionReport};
use super::{excerpt, words};
use crate::mail::Message;

/// Where a pattern looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The new text.
    Text,
    /// The decoded subject.
    Subject,
    /// The `From` field.
    From,
    /// The `To` and `Cc` fields.
    To,
    /// All fields of this name; any of them may match.
    Header(String),
    /// The envelope sender.
    Sender,
    /// The envelope recipient.
    Recipient,
    /// All text, quotes included.
    Body,
    /// The quoted text.
    Quoted,
    /// The names of attachments; any of them may match.
    Attachment,
    /// The mail as it came, header and all, with LF line ends but nothing decoded: its first MiB.
    Undecoded,
}

/// How a number is to stand to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Greater.
    Above,
    /// Less.
    Below,
    /// Greater or the same.
    AtLeast,
    /// Less or the same.
    AtMost,
    /// The same.
    Equals,
}

/// A bound for a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// How the number is to stand to it.
    pub relation: Relation,
    /// The bound.
    pub bound: Quantity,
}

impl Comparison {
    /// Whether the number is within the bound; `None` when the two cannot be compared.
    pub(crate) fn holds(&self, number: &Quantity) -> Option<bool> {
        let order = number.compare(&self.bound)?;
        Some(match self.relation {
            Relation::Above => order.is_gt(),
            Relation::Below => order.is_lt(),
            Relation::AtLeast => order.is_ge(),
            Relation::AtMost => order.is_le(),
            Relation::Equals => order.is_eq(),
        })
    }
}

impl Comparison {
    /// Whether no number is within both bounds. Of a bound with a unit and one without nothing is known.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        let under = |low: &Self, high: &Self| {
            if !low.relation.is_from_below() || !high.relation.is_from_above() {
                return false;
            }
            let alike = low.bound.unit.is_empty() == high.bound.unit.is_empty();
            match low.bound.compare(&high.bound).filter(|_| alike) {
                Some(Ordering::Greater) => true,
                Some(Ordering::Equal) => !(low.relation.takes_the_bound() && high.relation.takes_the_bound()),
                Some(Ordering::Less) | None => false,
            }
        };
        under(self, other) || under(other, self)
    }
}

impl Relation {
    fn is_from_below(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast | Self::Equals)
    }

    fn is_from_above(self) -> bool {
        matches!(self, Self::Below | Self::AtMost | Self::Equals)
    }

    fn takes_the_bound(self) -> bool {
        matches!(self, Self::AtLeast | Self::AtMost | Self::Equals)
    }
}

/// One test of a rule.
#[derive(Debug)]
pub enum Condition {
    /// The pattern is found there.
    Matches {
        /// Where.
        place: Place,
        /// What.
        pattern: Pattern,
    },
    /// The mail is (or is not) an automatic answer or a bounce.
    Automatic(bool),
    /// The size in bytes lies in this range, ends included.
    Size {
        /// At least.
        min: Option<u64>,
        /// At most.
        max: Option<u64>,
    },
    /// Our own mail server's `Authentication-Results` say so: `dkim`, `pass`. Only the topmost such field counts: a
    /// server adds its own above what came with the mail, and anybody can write the rest. Of use only with a server
    /// that does add one.
    Authenticated {
        /// `dkim`, `spf`, `dmarc`, …
        method: String,
        /// `pass`, `fail`, …
        result: String,
    },
    /// The local time lies in `from..until`; over midnight when `until` is earlier, the whole day when both are the
    /// same. An hour that a change of the clock leaves out never comes; one that it repeats counts both times.
    Between {
        /// First minute.
        from: Time,
        /// First minute after.
        until: Time,
        /// Whose local time.
        time_zone: TimeZone,
    },
    /// The local day is one of these.
    On {
        /// Which days.
        days: Vec<Weekday>,
        /// Whose local day.
        time_zone: TimeZone,
    },
    /// A variable is one [number](Quantity::parse) and within all bounds: one of the rule's `set`, else one that a
    /// condition before this one captured. What is missing or no number is within none.
    Number {
        /// Its name.
        variable: String,
        /// The bounds.
        bounds: Vec<Comparison>,
    },
    /// All of them hold; also when there are none.
    All(Vec<Condition>),
    /// One of them holds; never when there are none. All that hold fill captures.
    Any(Vec<Condition>),
    /// It does not hold. Captures nothing.
    Not(Box<Condition>),
}

impl Condition {
    /// The condition in words, on one line: ``text matches `^Priority` ``.
    pub fn describe(&self) -> String {
        words::describe(self)
    }

    /// All patterns within it, also those under a `Not`.
    pub fn patterns(&self) -> Vec<&Pattern> {
        match self {
            Self::Matches { pattern, .. } => vec![pattern],
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().flat_map(Self::patterns).collect(),
            Self::Not(condition) => condition.patterns(),
            Self::Automatic(_)
            | Self::Size { .. }
            | Self::Authenticated { .. }
            | Self::Between { .. }
            | Self::On { .. }
            | Self::Number { .. } => Vec::new(),
        }
    }

    /// The names of the captures that it may fill, in order.
    pub fn capture_names(&self) -> Vec<&str> {
        match self {
            Self::Matches { pattern, .. } => pattern.capture_names().iter().map(String::as_str).collect(),
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().flat_map(Self::capture_names).collect(),
            Self::Not(_)
            | Self::Automatic(_)
            | Self::Size { .. }
            | Self::Authenticated { .. }
            | Self::Between { .. }
            | Self::On { .. }
            | Self::Number { .. } => Vec::new(),
        }
    }

    /// Whether it is, or has within it, `auto = true`.
    pub fn asks_for_automatic(&self) -> bool {
        match self {
            Self::Automatic(wanted) => *wanted,
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().any(Self::asks_for_automatic),
            Self::Not(_)
            | Self::Matches { .. }
            | Self::Size { .. }
            | Self::Authenticated { .. }
            | Self::Between { .. }
            | Self::On { .. }
            | Self::Number { .. } => false,
        }
    }

    /// Whether it, or a condition within it, looks at this place.
    pub fn looks_at(&self, wanted: &Place) -> bool {
        match self {
            Self::Matches { place, .. } => place == wanted,
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().any(|c| c.looks_at(wanted)),
            Self::Not(condition) => condition.looks_at(wanted),
            Self::Automatic(_)
            | Self::Size { .. }
            | Self::Authenticated { .. }
            | Self::Between { .. }
            | Self::On { .. }
            | Self::Number { .. } => false,
        }
    }

    /// Whether it, or a condition within it, compares a variable that `is_meant`.
    pub(crate) fn compares(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Number { variable, .. } => is_meant(variable),
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().any(|c| c.compares(is_meant)),
            Self::Not(condition) => condition.compares(is_meant),
            Self::Matches { .. }
            | Self::Automatic(_)
            | Self::Size { .. }
            | Self::Authenticated { .. }
            | Self::Between { .. }
            | Self::On { .. } => false,
        }
    }

    /// Whether it holds. What its named groups caught is added to `captures`, if it holds.
    ///
    /// # Errors
    /// When a pattern cannot be compiled.
    pub(crate) fn holds(&self, look: &Look<'_, '_>, captures: &mut Captures) -> Result<bool, PatternError> {
        let view = &look.sight.view;
        let mark = captures.mark();
        Ok(match self {
            Self::Matches { place, pattern } => match seek(place, pattern, look.sight)? {
                Some((_, found)) => {
                    captures.add(&found);
                    true
                }
                None => false,
            },
            Self::Automatic(wanted) => view.is_automatic() == *wanted,
            Self::Size { min, max } => size_lies_in(*min, *max, view.message.size),
            Self::Authenticated { method, result } => {
                authentication(view.message).is_some_and(|results| results.tell(method, result))
            }
            Self::Between { from, until, time_zone } => lies_between(*from, *until, local(view, time_zone).time()),
            Self::On { days, time_zone } => days.contains(&local(view, time_zone).weekday()),
            Self::Number { variable, bounds } => {
                let value = look.variable(variable, captures);
                let number = value.as_deref().and_then(Quantity::parse);
                number.is_some_and(|number| bounds.iter().all(|bound| bound.holds(&number) == Some(true)))
            }
            Self::All(conditions) => {
                for condition in conditions {
                    if !condition.holds(look, captures)? {
                        captures.forget(mark);
                        return Ok(false);
                    }
                }
                true
            }
            Self::Any(conditions) => {
                let mut held = false;
                for condition in conditions {
                    // One that holds is enough; the rest can only fill captures.
                    if !held || !condition.capture_names().is_empty() {
                        held |= condition.holds(look, captures)?;
                    }
                }
                held
            }
            Self::Not(condition) => {
                let held = condition.holds(look, captures)?;
                captures.forget(mark);
                !held
            }
        })
    }

    /// Like [`holds`](Self::holds), but looks at all conditions within it, and tells what each saw.
    ///
    /// # Errors
    /// When a pattern cannot be compiled.
    pub(crate) fn report(&self, look: &Look<'_, '_>, captures: &mut Captures) -> Result<ConditionReport, PatternError> {
        let view = &look.sight.view;
        let mark = captures.mark();
        let mut within = Vec::new();
        let (matched, saw) = match self {
            Self::Matches { place, pattern } => match seek(place, pattern, look.sight)? {
                Some((text, found)) => {
                    captures.add(&found);
                    (true, excerpt::around(text, &found.range))
                }
                None => (false, words::why_not(place, pattern, look.sight)),
            },
            Self::Automatic(_) => (self.holds(look, captures)?, words::automatic(view)),
            Self::Size { .. } => (self.holds(look, captures)?, format!("{} bytes", view.message.size)),
            Self::Authenticated { .. } => {
                (self.holds(look, captures)?, words::authentication(authentication(view.message).as_ref()))
            }
            Self::Between { time_zone, .. } | Self::On { time_zone, .. } => {
                (self.holds(look, captures)?, words::local_time(&local(view, time_zone)))
            }
            Self::Number { variable, bounds } => {
                let value = look.variable(variable, captures);
                (self.holds(look, captures)?, words::number(variable, value.as_deref(), bounds))
            }
            Self::All(conditions) => {
                for condition in conditions {
                    within.push(condition.report(look, captures)?);
                }
                let matched = within.iter().all(|report| report.matched);
                if !matched {
                    captures.forget(mark);
                }
                (matched, words::how_many_hold(&within))
            }
            Self::Any(conditions) => {
                for condition in conditions {
                    within.push(condition.report(look, captures)?);
                }
                (within.iter().any(|report| report.matched), words::how_many_hold(&within))
            }
            Self::Not(condition) => {
                let report = condition.report(look, captures)?;
                captures.forget(mark);
                let matched = !report.matched;
                let saw = if matched { "it does not hold" } else { "it holds" }.to_owned();
                within.push(report);
                (matched, saw)
            }
        };
        Ok(ConditionReport { describes: self.describe(), matched, saw, within })
    }
}

/// What the conditions of one rule look at.
#[derive(Clone, Copy)]
pub(crate) struct Look<'l, 'a> {
    pub(crate) sight: &'l Sight<'a>,
    pub(crate) rule: &'l Rule,
    pub(crate) outside: &'l dyn Outside,
}

impl Look<'_, '_> {
    /// The value of a variable, as a template of the rule would see it here.
    fn variable(&self, name: &str, captures: &Captures) -> Option<String> {
        if self.rule.set.iter().any(|(set, _)| set == name) {
            return self.outside.variable(self.rule, &self.sight.view, captures.as_pairs(), name);
        }
        captures.get(name).map(str::to_owned)
    }
}

/// The first text of the place that the pattern matches.
fn seek<'a, 'p>(
    place: &Place,
    pattern: &'p Pattern,
    sight: &Sight<'a>,
) -> Result<Option<(&'a str, Match<'p, 'a>)>, PatternError> {
    for haystack in sight.texts(place) {
        if let Some(found) = pattern.find(haystack)? {
            return Ok(Some((haystack.text(), found)));
        }
    }
    Ok(None)
}

fn size_lies_in(min: Option<u64>, max: Option<u64>, size: u64) -> bool {
    min.is_none_or(|min| min <= size) && max.is_none_or(|max| size <= max)
}

fn authentication(message: &Message) -> Option<Results> {
    message.header("Authentication-Results").map(Results::parse)
}

fn local(view: &View<'_>, time_zone: &TimeZone) -> Zoned {
    view.now.to_zoned(time_zone.clone())
}

fn lies_between(from: Time, until: Time, time: Time) -> bool {
    if from < until { from <= time && time < until } else { from <= time || time < until }
}

#[cfg(test)]
mod tests;
