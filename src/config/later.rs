//! What the rule file may say already but nothing acts upon yet: `forward` and `[[heartbeats]]`. It is parsed, checked and
//! kept; `check` warns that it has no effect.

use jiff::SignedDuration;

use super::value::Table;
use super::{Scope, conditions, time};
use crate::oncall::GroupId;
use crate::rules::Condition;

/// Where a group's mails go by e-mail, too. Not acted upon yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forward {
    /// `"oncall"`: to who is on call.
    OnCall,
    /// `"members"`: to everybody in the group.
    Members,
    /// To these addresses.
    Addresses(Vec<String>),
}

/// A `[[heartbeats]]` entry: a mail that must come. Not acted upon yet.
#[derive(Debug)]
pub struct Heartbeat {
    /// Unique among heartbeats.
    pub name: String,
    /// Which mail it is; all must hold.
    pub when: Vec<Condition>,
    /// How often it must come.
    pub every: SignedDuration,
    /// How late it may be; nothing when left out.
    pub grace: SignedDuration,
    /// Who is told when it does not come; `None`: `[defaults] group`.
    pub group: Option<GroupId>,
}

const HEARTBEAT_KEYS: &[&str] = &["name", "when", "every", "grace", "group"];

/// Reads `[[heartbeats]]` of all files.
pub(super) fn heartbeats(scope: &Scope<'_>) -> Vec<Heartbeat> {
    let mut heartbeats: Vec<Heartbeat> = Vec::new();
    for table in scope.reader.tables("heartbeats") {
        if let Some(heartbeat) = heartbeat(scope, table) {
            if heartbeats.iter().any(|earlier| earlier.name == heartbeat.name) {
                scope.reader.error(table.at, format!("there are two heartbeats `{}`", heartbeat.name));
            }
            heartbeats.push(heartbeat);
        }
    }
    heartbeats
}

fn heartbeat(scope: &Scope<'_>, table: Table<'_>) -> Option<Heartbeat> {
    let reader = scope.reader;
    reader.only(table, HEARTBEAT_KEYS);
    reader.warn(table.at, "heartbeats have no effect yet", "this version does not watch for mails that do not come");
    let span = |text| time::duration_within(text, SignedDuration::from_mins(1), SignedDuration::from_hours(366 * 24));
    let name = reader.need(table, "name", "\"backup\"").and_then(|value| reader.words(value));
    let when = reader.need(table, "when", "[ { subject = 'backup finished' } ]");
    let mut found = conditions::Found::default();
    let when = when.and_then(|value| conditions::read(scope, value, &mut found));
    if found.count.is_some() {
        reader.error_hint(
            table.at,
            "a heartbeat cannot count",
            "leave out `count`: `every` says how often it must come",
        );
    }
    let every = reader.need(table, "every", "\"1 day\"").and_then(|value| reader.parsed(value, span));
    let grace = table.get("grace").map_or(Some(SignedDuration::ZERO), |value| reader.parsed(value, time::duration));
    let group = table.get("group").and_then(|value| reader.parsed(value, |text| scope.names.groups.find(text)));
    Some(Heartbeat {
        name: name?.to_owned(),
        when: when?,
        every: every?,
        grace: grace?,
        group: group.map(GroupId::new),
    })
}
