//! Contacts, groups and overrides together: whom a step notifies at a moment.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Contact, ContactId, Group, GroupId};

/// An exception to a group's rotation or fixed contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The group whose duty changes.
    pub group: GroupId,
    /// Who is on call instead.
    pub contact: ContactId,
    /// First moment at which it holds.
    pub from: Timestamp,
    /// First moment at which it holds no more; `None`: until another override replaces it.
    pub until: Option<Timestamp>,
    /// Who made it, for the history (`cli:root`, `web:david`).
    pub made_by: String,
}

/// Who is on call for a group, and until when that is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Who is called first.
    pub contact: ContactId,
    /// When that changes; `None`: not foreseen.
    pub until: Option<Timestamp>,
    /// Who follows at `until`; `None` when not foreseen.
    pub next: Option<ContactId>,
    /// True when an override, not the rule file, says so.
    pub overridden: bool,
}

/// Everybody who can be notified. Built from the rule file and the overrides in the store.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// By the key in the rule file.
    pub contacts: BTreeMap<ContactId, Contact>,
    /// By the key in the rule file.
    pub groups: BTreeMap<GroupId, Group>,
    /// In the order in which they were made: where two hold at once, the later one counts.
    pub overrides: Vec<Override>,
}
