//! One test of a rule: where it looks, and what it wants there. *match* and *describe* for each.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

use super::Pattern;

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
    /// Our own mail server's `Authentication-Results` say so: `dkim`, `pass`.
    Authenticated {
        /// `dkim`, `spf`, `dmarc`, …
        method: String,
        /// `pass`, `fail`, …
        result: String,
    },
    /// The local time lies in `from..until`; over midnight when `until` is earlier.
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
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}
