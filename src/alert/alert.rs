//! The alert: what it is about, where it stands, who has it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Digest, Notification, Policy};
use crate::oncall::{ContactId, GroupId};

/// The number of an alert, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub i64);

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a person types to name an alert in a reply: a digit and one or more letters, `7K`. Upper case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Code(pub String);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has it yet; its policy is being played.
    Open,
    /// A human has it.
    Acknowledged,
    /// It is over.
    Resolved,
    /// The policy was played to its end and nobody took it.
    Expired,
}

impl State {
    /// The word for it: `open`, `acknowledged`, `resolved`, `expired`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Expired => "expired",
        }
    }
}

/// Who did something to an alert, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The contact, when it is one.
    pub contact: Option<ContactId>,
    /// The name to show (`David`, `root`, `rule redmine-closed`).
    pub name: String,
    /// By which way.
    pub through: Through,
}

/// By which way somebody acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Through {
    /// A key pressed in a call.
    Key,
    /// A reply to a text.
    Reply,
    /// A reply to a mail.
    Email,
    /// The web page.
    Click,
    /// The command line.
    Command,
    /// A program, over HTTP.
    Api,
    /// A mail, by a rule with `action = "acknowledge"` or `"resolve"`.
    Mail,
    /// The rule file, of which an entry was taken out.
    RuleFile,
}

/// How far an open alert's policy has been played: the attempt that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The round, from 0.
    pub round: u32,
    /// The step, from 0.
    pub step: u32,
    /// The attempt of the step, from 0.
    pub attempt: u32,
    /// When this attempt began. An attempt without notifications has not begun yet: it does so then, after a pause.
    pub began_at: Timestamp,
}

/// When an alert was opened anew: an acknowledgement timed out, or was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    /// The round of the reminder, over 0. The policy's own rounds follow.
    pub round: u32,
    /// When.
    pub at: Timestamp,
}

/// What a matching mail opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its number.
    pub id: AlertId,
    /// What replies call it.
    pub code: Code,
    /// Where it stands.
    pub state: State,
    /// Which alerts are the same: over group and key.
    pub digest: Digest,
    /// The text that the digest was made of.
    pub key: String,
    /// Whose it is.
    pub group: GroupId,
    /// The rule that matched; empty when it was opened because no rule did.
    pub rule: String,
    /// The addresses at which its mails arrived.
    pub recipients: Vec<String>,
    /// The subject of the first mail.
    pub subject: String,
    /// What is spoken, before escaping.
    pub say: String,
    /// What is texted, without the code.
    pub text: String,
    /// The policy that is played for it.
    pub policy: Policy,
    /// When its first mail came.
    pub opened_at: Timestamp,
    /// For how long after its acknowledgement a mail with the same digest joins it.
    pub window: SignedDuration,
    /// How many mails have joined it, the first included.
    pub mails: u32,
    /// When somebody took it.
    pub acknowledged_at: Option<Timestamp>,
    /// The name of who took it.
    pub acknowledged_by: Option<String>,
    /// The contact who took it last, if it was one. They keep standing here when their acknowledgement has timed out.
    pub taken_by: Option<ContactId>,
    /// When it was opened anew last; `None`: never.
    pub resumed: Option<Resumed>,
    /// When it was resolved or expired.
    pub ended_at: Option<Timestamp>,
    /// The attempt under way; `None` before the first and after the end.
    pub progress: Option<Progress>,
    /// When the escalation next wants an [`Event::Tick`](super::Event::Tick); `None`: never.
    pub next_at: Option<Timestamp>,
    /// Everything sent or to be sent about it, by number.
    pub notifications: Vec<Notification>,
}

impl Alert {
    /// Until when a mail with the same digest joins it although somebody has it; `None`: nobody does. It counts from when they
    /// took it: who says "I have it" after an hour of calls is not to be called again a minute later. No mail puts it off, so
    /// what is told again and again rings again some day.
    pub fn takes_in_until(&self) -> Option<Timestamp> {
        let since = self.acknowledged_at.unwrap_or(self.opened_at);
        (self.state == State::Acknowledged).then(|| since.checked_add(self.window).unwrap_or(Timestamp::MAX))
    }

    /// Whether no mail but the time opened it, or a self-test: then its key says what, and it came to no address.
    pub fn opens_without_rule(&self) -> bool {
        !self.rule.is_empty() && self.key == self.rule && self.recipients.is_empty()
    }
}
