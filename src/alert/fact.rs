//! What a line of the history stands on, for whoever wants more than its sentence: the mail, the provider's answer, the
//! callback, the key, the text. Stored as JSON and printed by `alerts show --json`: never change a name.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, Entry, EntryKind, Event, NotificationId, Refusal, Through};

/// The longest text of a mail or of a reply that is kept, in characters.
const LONGEST: usize = 500;

/// What a line stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fact {
    /// A mail came.
    Mail(Box<MailFact>),
    /// A notification was decided on: its number.
    Notification(u32),
    /// A provider answered.
    Answer(Answer),
    /// A status became known.
    Status(StatusFact),
    /// A call was told something, in answer to its request.
    Told(Told),
    /// Somebody did something.
    Person(Person),
    /// Somebody sent a text.
    Reply(ReplyFact),
}

/// A mail, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MailFact {
    /// `From`, decoded.
    pub from: String,
    /// `Subject`, decoded.
    pub subject: String,
    /// `Message-ID`; `None`: it has none.
    pub message_id: Option<String>,
    /// `Date`; `None`: it has none that can be read.
    pub written_at: Option<Timestamp>,
    /// The addresses at which it arrived.
    pub recipients: Vec<String>,
    /// The rule that matched; `None`: none did.
    pub rule: Option<String>,
    /// What the rule asks for: `call`, `sms`, `page`, `resolve`, `acknowledge`; or `self-test`.
    pub action: String,
    /// What the rule's patterns captured.
    #[serde(default)]
    pub captures: Vec<(String, String)>,
    /// What went wrong with the rule's templates.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What became of it.
    pub decision: Decision,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It opened the alert.
    #[default]
    Opened,
    /// It joined the alert.
    Joined,
    /// It had been received before.
    Duplicate,
    /// It acknowledged or resolved the alert.
    Closed,
    /// It would have, but the alert has had a mail that was written later.
    Stale,
}

impl Decision {
    /// The word for it: never changed, for it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Joined => "joined",
            Self::Duplicate => "duplicate",
            Self::Closed => "closed",
            Self::Stale => "stale",
        }
    }
}

/// What a provider said to a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Which notification of the alert.
    pub notification: u32,
    /// The provider's name; empty where there was none.
    pub provider: String,
    /// Its id for it, when it took it.
    pub provider_id: Option<String>,
    /// `accepted`, `permanent`, `temporary`, `ambiguous` or `credentials`.
    pub answer: String,
    /// Code and reason, when it did not take it.
    pub reason: Option<String>,
}

/// A status of a call or text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusFact {
    /// Which notification of the alert.
    pub notification: u32,
    /// The provider's word for it.
    pub status: String,
    /// `SequenceNumber` of the callback.
    pub sequence: Option<i64>,
    /// What machine detection said.
    pub human: Option<bool>,
    /// Error code or reason.
    pub detail: String,
    /// True for a callback, false for the answer to a question of ours.
    pub callback: bool,
}

/// What a call was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Which notification of the alert.
    pub notification: u32,
    /// The template: `alert`, `taken`, …
    pub page: String,
}

/// Who did something, and by which way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their name.
    pub name: String,
    /// The contact, when it is one.
    pub contact: Option<String>,
    /// `key`, `reply`, `email`, `click`, `command`, `mail` or `rule-file`.
    pub through: String,
    /// The key pressed.
    pub key: Option<char>,
    /// The call in which it was.
    pub notification: Option<u32>,
}

/// A text that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyFact {
    /// The number that sent it.
    pub from: String,
    /// Whose number that is.
    pub contact: String,
    /// What it says.
    pub text: String,
    /// The provider's id for it.
    pub provider_id: String,
    /// When it was sent.
    pub sent_at: Timestamp,
}

impl Fact {
    /// What an event stands on; `None` for what has no more to it than its sentence.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Opened | Event::Joined { .. } | Event::Tick | Event::List { .. } => return None,
            Event::Accepted { notification, provider, provider_id } => Self::Answer(Answer {
                notification: notification.number,
                provider: provider.clone(),
                provider_id: Some(provider_id.clone()),
                answer: "accepted".to_owned(),
                reason: None,
            }),
            Event::PassedOver { notification, provider, refusal }
            | Event::NotAccepted { notification, provider, refusal } => {
                let (answer, reason) = refusal_words(refusal);
                Self::Answer(Answer {
                    notification: notification.number,
                    provider: provider.clone(),
                    provider_id: None,
                    answer: answer.to_owned(),
                    reason: Some(short(reason)),
                })
            }
            Event::CallStatus { notification, sequence, status, human, detail } => Self::Status(StatusFact {
                notification: notification.number,
                status: status.word().to_owned(),
                sequence: *sequence,
                human: *human,
                detail: detail.clone(),
                callback: false,
            }),
            Event::TextStatus { notification, status, detail } => Self::Status(StatusFact {
                notification: notification.number,
                status: status.word().to_owned(),
                sequence: None,
                human: None,
                detail: detail.clone(),
                callback: false,
            }),
            Event::KeyPressed { notification, key } => Self::Person(Person {
                name: String::new(),
                contact: None,
                through: through_word(Through::Key).to_owned(),
                key: Some(*key),
                notification: Some(notification.number),
            }),
            Event::Acknowledge { by, within } => Self::person(by, *within, '1'),
            Event::TakeOver { by } => Self::person(by, None, '1'),
            Event::Escalate { by, within } => Self::person(by, *within, '2'),
            Event::Resolve { by, within } => Self::person(by, *within, '3'),
            Event::ResolveQuietly { by, why: _ } => Self::person(by, None, '3'),
        })
    }

    /// Whether a line of this kind can stand on it. An event may have nothing to say itself and yet make the policy go on:
    /// what that says stands on something else.
    pub(super) fn can_carry(&self, kind: EntryKind) -> bool {
        match self {
            Self::Mail(_) => matches!(kind, EntryKind::Opened | EntryKind::Joined | EntryKind::Duplicate),
            Self::Notification(_) => kind == EntryKind::Step,
            Self::Answer(_) => matches!(kind, EntryKind::Sent | EntryKind::Trouble | EntryKind::Status),
            Self::Status(_) | Self::Told(_) => {
                matches!(kind, EntryKind::Status | EntryKind::Callback | EntryKind::Human)
            }
            Self::Person(_) | Self::Reply(_) => {
                matches!(kind, EntryKind::Human | EntryKind::Acknowledged | EntryKind::Resolved | EntryKind::Reopened)
            }
        }
    }

    fn person(by: &Actor, within: Option<NotificationId>, key: char) -> Self {
        Self::Person(Person {
            name: by.name.clone(),
            contact: by.contact.as_ref().map(ToString::to_string),
            through: through_word(by.through).to_owned(),
            key: (by.through == Through::Key).then_some(key),
            notification: within.map(|id| id.number),
        })
    }
}

impl Entry {
    /// A line that stands on nothing but its sentence, which is brought onto one line.
    pub fn new(at: Timestamp, kind: EntryKind, text: impl Into<String>) -> Self {
        let text = text.into();
        let one_line = !text.contains(char::is_control);
        let text = if one_line { text } else { text.replace(char::is_control, " ") };
        Self { at, kind, text, fact: None }
    }

    /// The same line, standing on this.
    #[must_use]
    pub fn on(self, fact: impl Into<Option<Fact>>) -> Self {
        Self { fact: fact.into(), ..self }
    }
}

/// The first characters of something that comes from outside.
pub fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn refusal_words(refusal: &Refusal) -> (&'static str, &str) {
    match refusal {
        Refusal::Permanent { reason } => ("permanent", reason),
        Refusal::Temporary { reason, .. } => ("temporary", reason),
        Refusal::Ambiguous { reason, .. } => ("ambiguous", reason),
        Refusal::Credentials { reason } => ("credentials", reason),
    }
}

fn through_word(through: Through) -> &'static str {
    match through {
        Through::Key => "key",
        Through::Reply => "reply",
        Through::Email => "email",
        Through::Click => "click",
        Through::Command => "command",
        Through::Api => "api",
        Through::Mail => "mail",
        Through::RuleFile => "rule-file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{AlertId, CallStatus};

    #[test]
    fn facts_are_written_by_these_names_and_read_back() {
        let notification = NotificationId { alert: AlertId(7), number: 2 };
        let written = |fact: &Fact| serde_json::to_string(fact).unwrap();
        let status = Fact::of(&Event::CallStatus {
            notification,
            sequence: Some(3),
            status: CallStatus::NoAnswer,
            human: None,
            detail: String::new(),
        });
        let expected = r#"{"status":{"notification":2,"status":"no-answer","sequence":3,"human":null,"detail":"","callback":false}}"#;
        assert_eq!(written(status.as_ref().unwrap()), expected);
        let by = Actor {
            contact: Some(crate::oncall::ContactId::new("david")),
            name: "David".to_owned(),
            through: Through::Key,
        };
        let key = Fact::of(&Event::Escalate { by, within: Some(notification) }).unwrap();
        let expected = r#"{"person":{"name":"David","contact":"david","through":"key","key":"2","notification":2}}"#;
        assert_eq!(written(&key), expected);
        for fact in [status.unwrap(), key, Fact::Notification(3), Fact::Mail(Box::default())] {
            assert_eq!(serde_json::from_str::<Fact>(&written(&fact)).unwrap(), fact);
        }
    }

    #[test]
    fn what_comes_from_outside_is_kept_on_one_line_and_cut() {
        assert_eq!(Entry::new(Timestamp::UNIX_EPOCH, EntryKind::Human, "a\r\nb\x1b[2J").text, "a  b [2J");
        assert_eq!(short(&"ü".repeat(2000)).chars().count(), LONGEST);
    }
}
