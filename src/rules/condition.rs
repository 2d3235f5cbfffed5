//! One test of a rule: where it looks, and what it wants there.
//!
//! `count = "5 in 10m"` is no condition: how many mails of a key there were is the store's knowledge, and the key is only
//! known when all conditions hold. It belongs beside `Rule::key` and is asked after the verdict.

use jiff::Zoned;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::authentication::Results;
use super::pattern::{Match, Pattern, PatternError};
use super::ruleset::View;
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
            | Self::On { .. } => Vec::new(),
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
            | Self::On { .. } => Vec::new(),
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
            | Self::On { .. } => false,
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
            | Self::On { .. } => false,
        }
    }

    /// Whether it holds. What its named groups caught is added to `captures`, if it holds.
    ///
    /// # Errors
    /// When a pattern cannot be compiled.
    pub(crate) fn holds(&self, sight: &Sight<'_>, captures: &mut Captures) -> Result<bool, PatternError> {
        Ok(match self {
            Self::Matches { place, pattern } => match seek(place, pattern, sight)? {
                Some((_, found)) => {
                    captures.add(&found);
                    true
                }
                None => false,
            },
            Self::Automatic(wanted) => sight.view.is_automatic() == *wanted,
            Self::Size { min, max } => size_lies_in(*min, *max, sight.view.message.size),
            Self::Authenticated { method, result } => {
                authentication(sight.view.message).is_some_and(|results| results.tell(method, result))
            }
            Self::Between { from, until, time_zone } => {
                lies_between(*from, *until, local(sight.view, time_zone).time())
            }
            Self::On { days, time_zone } => days.contains(&local(sight.view, time_zone).weekday()),
            Self::All(conditions) => {
                let mut mine = Captures::default();
                for condition in conditions {
                    if !condition.holds(sight, &mut mine)? {
                        return Ok(false);
                    }
                }
                captures.absorb(mine);
                true
            }
            Self::Any(conditions) => {
                let mut held = false;
                for condition in conditions {
                    // One that holds is enough; the rest can only fill captures.
                    if !held || !condition.capture_names().is_empty() {
                        held |= condition.holds(sight, captures)?;
                    }
                }
                held
            }
            Self::Not(condition) => !condition.holds(sight, &mut Captures::default())?,
        })
    }

    /// Like [`holds`](Self::holds), but looks at all conditions within it, and tells what each saw.
    ///
    /// # Errors
    /// When a pattern cannot be compiled.
    pub(crate) fn report(&self, sight: &Sight<'_>, captures: &mut Captures) -> Result<ConditionReport, PatternError> {
        let view = sight.view;
        let mut within = Vec::new();
        let (matched, saw) = match self {
            Self::Matches { place, pattern } => match seek(place, pattern, sight)? {
                Some((text, found)) => {
                    captures.add(&found);
                    (true, excerpt::around(text, &found.range))
                }
                None => (false, words::why_not(place, pattern, sight)),
            },
            Self::Automatic(_) => (self.holds(sight, captures)?, words::automatic(view)),
            Self::Size { .. } => (self.holds(sight, captures)?, format!("{} bytes", view.message.size)),
            Self::Authenticated { .. } => {
                (self.holds(sight, captures)?, words::authentication(authentication(view.message).as_ref()))
            }
            Self::Between { time_zone, .. } | Self::On { time_zone, .. } => {
                (self.holds(sight, captures)?, words::local_time(&local(view, time_zone)))
            }
            Self::All(conditions) => {
                let mut mine = Captures::default();
                for condition in conditions {
                    within.push(condition.report(sight, &mut mine)?);
                }
                let matched = within.iter().all(|report| report.matched);
                if matched {
                    captures.absorb(mine);
                }
                (matched, words::how_many_hold(&within))
            }
            Self::Any(conditions) => {
                for condition in conditions {
                    within.push(condition.report(sight, captures)?);
                }
                (within.iter().any(|report| report.matched), words::how_many_hold(&within))
            }
            Self::Not(condition) => {
                let report = condition.report(sight, &mut Captures::default())?;
                let matched = !report.matched;
                let saw = if matched { "it does not hold" } else { "it holds" }.to_owned();
                within.push(report);
                (matched, saw)
            }
        };
        Ok(ConditionReport { describes: self.describe(), matched, saw, within })
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
