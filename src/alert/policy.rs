//! Whom to notify, in what order: the escalation policy and its steps.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Channel;
use crate::oncall::{ContactId, GroupId, Hours, Roster};

/// Whom to notify in what order. An alert carries a copy of its policy, so that a rule file edited at night does not
/// change what is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The key in the rule file, or the name of a built-in policy.
    pub name: String,
    /// One after the other.
    pub steps: Vec<Step>,
    /// How many times all steps are played again when nobody acknowledged.
    pub repeat: u32,
    /// How long an acknowledgement holds: whoever took the alert is then asked again, and when they do not react, the
    /// policy is played anew. `None`: for ever.
    #[serde(default)]
    pub remind: Option<SignedDuration>,
    /// The last resort of the rule file, who is told that the policy has ended, too.
    #[serde(default)]
    pub last_resort: Option<Target>,
}

impl Policy {
    /// The name of the policy that a self-test plays, and of the group of its alert. No entry of the rule file may have
    /// it.
    pub const SELF_TEST: &'static str = "self-test";

    /// Whether it is that one: then nobody gets more than its steps say, no call in place of a text that was refused and
    /// no news of the end. A test by text rings nobody.
    pub fn is_self_test(&self) -> bool {
        self.name == Self::SELF_TEST
    }
}

/// One row of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Who.
    pub notify: Target,
    /// How; all of these at once.
    pub by: Vec<Channel>,
    /// How many times before the next step; at least 1.
    pub attempts: u32,
    /// How long an attempt that may have reached somebody waits for an acknowledgement before the next one.
    pub wait: SignedDuration,
    /// How long to wait before the next attempt of this step when one has failed: busy, no answer, mailbox.
    #[serde(default)]
    pub redial: SignedDuration,
    /// When it counts; `None`: always.
    #[serde(default)]
    pub only: Option<Hours>,
}

impl Default for Step {
    /// A call to who is on call.
    fn default() -> Self {
        Self {
            notify: Target::OnCall,
            by: vec![Channel::Call],
            attempts: 1,
            wait: SignedDuration::from_mins(5),
            redial: SignedDuration::ZERO,
            only: None,
        }
    }
}

impl Policy {
    /// Whether `step` is played at `now`: when its hours hold, and also when no step whose hours hold reaches anybody,
    /// since an alert must wake somebody whatever the hour.
    pub fn counts(&self, step: &Step, group: &GroupId, roster: &Roster, now: Timestamp) -> bool {
        step.holds(now) || !self.steps.iter().any(|other| other.holds(now) && other.reaches(group, roster, now))
    }
}

impl Step {
    /// Whether its hours hold at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.only.as_ref().is_none_or(|hours| hours.at(now).what)
    }

    /// Whether there is somebody with a number whom it would notify.
    fn reaches(&self, group: &GroupId, roster: &Roster, now: Timestamp) -> bool {
        let has_number = |id: &ContactId| {
            roster.contacts.get(id).is_some_and(|contact| contact.phone.is_some() || contact.text_number().is_some())
        };
        !self.by.is_empty() && self.notify.contacts(group, roster, now).iter().any(has_number)
    }
}

/// Whom a step notifies. Which people that are is looked up when the step begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// `"oncall"`: who is on call in the alert's group; where nobody is, the whole group.
    OnCall,
    /// `"secondary"`: who is second there, by the group's `secondary`; where nobody is, the group but who is on call.
    Secondary,
    /// `"backup"`: the backup contacts of the alert's group.
    Backup,
    /// `"group"`: all members of the alert's group.
    Group,
    /// `"group:NAME"`: all members of another group.
    OtherGroup(String),
    /// `"contact:NAME"`: one person.
    Contact(String),
    /// `"escalation"`: the contact or group that the rule file names for the last resort (`[defaults] escalation`).
    Escalation(Box<Target>),
}

impl Target {
    /// Whom it means for an alert of `group` at `now`: in the order of the rule file, nobody twice, without names that
    /// the roster does not know.
    pub fn contacts(&self, group: &GroupId, roster: &Roster, now: Timestamp) -> Vec<ContactId> {
        let members = |group: &GroupId| roster.groups.get(group).map(|group| group.members.clone());
        let named = match self {
            Self::OnCall => Some(roster.called(group, now)),
            Self::Secondary => Some(roster.called_second(group, now)),
            Self::Backup => roster.groups.get(group).map(|group| group.backup.clone()),
            Self::Group => members(group),
            Self::OtherGroup(name) => members(&GroupId::new(name)),
            Self::Contact(name) => Some(vec![ContactId::new(name)]),
            Self::Escalation(target) => Some(target.contacts(group, roster, now)),
        };
        let mut contacts = Vec::new();
        for contact in named.unwrap_or_default() {
            if roster.contacts.contains_key(&contact) && !contacts.contains(&contact) {
                contacts.push(contact);
            }
        }
        contacts
    }
}

/// As the rule file writes it: `oncall`, `group:NAME`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnCall => f.write_str("oncall"),
            Self::Secondary => f.write_str("secondary"),
            Self::Backup => f.write_str("backup"),
            Self::Group => f.write_str("group"),
            Self::OtherGroup(name) => write!(f, "group:{name}"),
            Self::Contact(name) => write!(f, "contact:{name}"),
            Self::Escalation(_) => f.write_str("escalation"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oncall::{Contact, Group, OnCall};

    fn roster() -> Roster {
        let mut roster = Roster::default();
        for name in ["david", "darren"] {
            let id = ContactId::new(name);
            let contact = Contact {
                id: id.clone(),
                name: name.to_owned(),
                phone: None,
                sms: None,
                email: None,
                language: None,
                voice: None,
            };
            roster.contacts.insert(id, contact);
        }
        let names = |names: &[&str]| names.iter().map(|name| ContactId::new(*name)).collect();
        for (group, members, backup) in [
            ("dba", names(&["david", "gone", "darren", "david"]), names(&["darren"])),
            ("web", names(&["darren"]), names(&[])),
        ] {
            let id = GroupId::new(group);
            let on_call = OnCall::Fixed(ContactId::new("david"));
            let group = Group { id: id.clone(), name: group.to_owned(), members, on_call, backup, policy: None };
            roster.groups.insert(id, group);
        }
        roster
    }

    #[test]
    fn each_target_means_these_people() {
        let cases = [
            (Target::OnCall, vec!["david"]),
            (Target::Backup, vec!["darren"]),
            (Target::Group, vec!["david", "darren"]),
            (Target::OtherGroup("web".to_owned()), vec!["darren"]),
            (Target::OtherGroup("nowhere".to_owned()), vec![]),
            (Target::Contact("darren".to_owned()), vec!["darren"]),
            (Target::Contact("gone".to_owned()), vec![]),
            (Target::Escalation(Box::new(Target::OtherGroup("web".to_owned()))), vec!["darren"]),
            (Target::Escalation(Box::new(Target::OnCall)), vec!["david"]),
        ];
        for (target, expected) in cases {
            let found = target.contacts(&GroupId::new("dba"), &roster(), Timestamp::UNIX_EPOCH);
            let expected: Vec<_> = expected.into_iter().map(ContactId::new).collect();
            assert_eq!(found, expected, "{target}");
        }
        assert!(Target::OnCall.contacts(&GroupId::new("gone"), &roster(), Timestamp::UNIX_EPOCH).is_empty());
    }
}
