//! The rules in order, and how they judge a mail.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Condition, Judgement};
use crate::mail::Message;
use crate::oncall::GroupId;

/// What a matching rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Call who is on call, then the backup.
    Call,
    /// Text who is on call, then the backup.
    Sms,
    /// Play the policy of recipient or group.
    Page,
    /// The alert of the same key is over.
    Resolve,
    /// Somebody has the alert of the same key.
    Acknowledge,
    /// Nothing.
    Ignore,
}

/// A `[[rules]]` entry, checked. Templates are held as written; [`notify::template`](crate::notify::template) renders
/// them.
#[derive(Debug)]
pub struct Rule {
    /// Unique in the rule file.
    pub name: String,
    /// All must hold.
    pub when: Vec<Condition>,
    /// Further variables, in the order of the rule file: each is a template that sees the ones before it.
    pub set: Vec<(String, String)>,
    /// What to do.
    pub action: Action,
    /// Whose alert it is, when not the recipient's group.
    pub group: Option<GroupId>,
    /// The policy for `page`, when not the recipient's or the group's.
    pub policy: Option<String>,
    /// The template of the key.
    pub key: Option<String>,
    /// How long an acknowledged alert takes in mails of its digest; `None`: the default.
    pub window: Option<SignedDuration>,
    /// The template of what is spoken.
    pub say: Option<String>,
    /// The template of what is texted.
    pub sms: Option<String>,
    /// Go on with the next rule after a match.
    pub goes_on: bool,
}

/// What rules look at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The mail.
    pub message: &'a Message,
    /// The envelope sender (`""`: the null sender).
    pub sender: Option<&'a str>,
    /// The recipient that the mail is judged for.
    pub recipient: &'a str,
    /// When it came.
    pub now: Timestamp,
}

/// The rules in order.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// In the order of the rule file, included files where they are included.
    pub rules: Vec<Rule>,
}

impl RuleSet {
    /// Judges a mail: each rule in order until one matches that does not go on.
    pub fn judge<'r>(&'r self, view: &View<'_>) -> Judgement<'r> {
        let _ = view;
        todo!()
    }

    /// Like [`judge`](Self::judge), but reports every rule and condition, also those that `judge` needs not look at.
    pub fn explain<'r>(&'r self, view: &View<'_>) -> Judgement<'r> {
        let _ = view;
        todo!()
    }

    /// Whether some condition looks at the recipient: if not, all recipients of a mail get the same judgement.
    pub fn depends_on_recipient(&self) -> bool {
        todo!()
    }
}
