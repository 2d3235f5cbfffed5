//! People who stand in for each other.

use std::fmt;

use serde::Serialize;

use super::{ContactId, Layer, Member, Rotation, Schedule, Turns};

/// The name of a group in the rule file (`[groups.oracle-dba]` → `oracle-dba`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct GroupId(String);

impl GroupId {
    /// The group called `name` in the rule file.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as written in the rule file.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a group decides who is called first.
#[derive(Debug, Clone, PartialEq)]
pub enum OnCall {
    /// Always this contact, until somebody overrides it.
    Fixed(ContactId),
    /// Whoever the schedule names: people who take turns, day and night apart, a calendar, other groups.
    Schedule(Schedule),
}

impl OnCall {
    /// These people take turns in this order, and nothing else.
    pub fn turns(order: &[ContactId], rotation: Rotation) -> Self {
        let turns = Turns::Rotation(order.iter().cloned().map(Member::Contact).collect(), rotation);
        Self::Schedule(Schedule { layers: vec![Layer { name: None, turns, only: None }], secondary: None })
    }
}

/// People who stand in for each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The key in the rule file.
    pub id: GroupId,
    /// The name that is spoken and shown.
    pub name: String,
    /// Everybody in it, in the order of the rule file; a rotation takes them in this order unless it has its own. All of
    /// them are called where the schedule leaves nobody on call.
    pub members: Vec<ContactId>,
    /// Who is called first.
    pub on_call: OnCall,
    /// Who is called when the first does not acknowledge.
    pub backup: Vec<ContactId>,
    /// The name of the escalation policy for `action = "page"`.
    pub policy: Option<String>,
}
