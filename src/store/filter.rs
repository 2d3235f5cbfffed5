//! Which alerts to list.

use jiff::Timestamp;

use crate::alert::{Alert, AlertId, State};
use crate::oncall::GroupId;

/// A page looks through so many bytes at most: some tenths of a second.
pub const LOOKED_THROUGH: u64 = 64 * 1024 * 1024;

/// Which alerts to list; all of the given must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only these states; empty: all.
    pub states: Vec<State>,
    /// Only this group.
    pub group: Option<GroupId>,
    /// Only those with this as part of one of their addresses, ignoring the case of ASCII letters.
    pub recipient: Option<String>,
    /// Only those with this in their subject, spoken or texted words, key, rule or code, or in the new text of a mail that
    /// was kept, ignoring the case of ASCII letters. No character has a meaning of its own.
    pub text: Option<String>,
    /// Only those opened at or after.
    pub since: Option<Timestamp>,
    /// Only those opened before.
    pub until: Option<Timestamp>,
    /// Only those whose number is lower: the last of a page gives the next page.
    pub before: Option<AlertId>,
    /// At most so many, the newest first.
    pub limit: Option<usize>,
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The alerts, the newest first.
    pub alerts: Vec<Alert>,
    /// The search stopped here because it had looked through enough, although there may be more: they are found by the same
    /// filter [`before`](Filter::before) this.
    pub stopped_at: Option<AlertId>,
}
