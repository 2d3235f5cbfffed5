//! Whom to notify, in what order: the escalation policy and its steps.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Channel;

/// Whom to notify in what order. An alert carries a copy of its policy, so that a rule file edited at night does not
/// change what is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The key in the rule file, or the name of a built-in policy.
    pub name: String,
    /// One after the other.
    pub steps: Vec<Step>,
    /// How many times all steps are played again when nobody acknowledged.
    pub repeat: u32,
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
}

/// Whom a step notifies. Which people that are is looked up when the step begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// `"oncall"`: who is on call in the alert's group.
    OnCall,
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
