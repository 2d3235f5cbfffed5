//! One call, text or mail to one contact about one alert.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AlertId, News};
use crate::oncall::{Address, Contact, ContactId};

/// How a contact is notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A telephone call.
    Call,
    /// A text message.
    #[serde(rename = "sms")]
    Text,
    /// A mail.
    Email,
}

impl Channel {
    /// The word of the rule file: `call`, `sms` or `email`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Text => "sms",
            Self::Email => "email",
        }
    }

    /// What one is called: `the call to David`.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Text => "text",
            Self::Email => "mail",
        }
    }

    /// What it is to send one: `calling David`.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Call => "calling",
            Self::Text => "texting",
            Self::Email => "mailing",
        }
    }

    /// What somebody was to whom one was sent.
    pub fn done(self) -> &'static str {
        match self {
            Self::Call => "called",
            Self::Text => "texted",
            Self::Email => "mailed",
        }
    }

    /// Where it reaches a contact, if it can.
    pub fn address(self, contact: &Contact) -> Option<Address> {
        match self {
            Self::Call => contact.phone.clone().map(Address::Phone),
            Self::Text => contact.text_number().cloned().map(Address::Phone),
            Self::Email => contact.email.clone().map(Address::Mail),
        }
    }

    /// What a contact lacks whom it cannot reach.
    pub fn lacking(self) -> &'static str {
        match self {
            Self::Call => "number for calls",
            Self::Text => "number for texts",
            Self::Email => "mail address",
        }
    }

    /// The way to notify somebody whom this one does not reach. A mail wakes nobody, so it stands in for nothing.
    #[must_use]
    pub fn instead(self) -> Self {
        match self {
            Self::Call | Self::Email => Self::Text,
            Self::Text => Self::Call,
        }
    }
}

/// Which notification: the alert, and its place among that alert's notifications, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct NotificationId {
    /// The alert that it is about.
    pub alert: AlertId,
    /// 1 for the alert's first.
    pub number: u32,
}

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.alert, self.number)
    }
}

/// 128 random bits, as 32 hexadecimal digits, that name one notification in the URLs given to the provider.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(String);

impl Token {
    /// The token made of these random bits.
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    /// The token that a URL or a database row holds; `None` when it has not the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self(text.to_owned()))
    }

    /// The 32 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token lets its bearer hear an alert: it is not for logs.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why a notification is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// To make somebody acknowledge.
    Page,
    /// To tell somebody who was paged that another has it, or that it is over. Never waited for.
    News,
}

/// Where a notification stands between us and the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// To be sent at `at`.
    Due {
        /// Not before this time.
        at: Timestamp,
        /// When set, an earlier try may have reached the provider at or after this time: ask before sending again.
        unsure_since: Option<Timestamp>,
    },
    /// A limit holds it back. It counts as not having reached anybody, so the escalation goes on; it is sent, or told in
    /// another notification to the same contact, as soon as the limit lets it.
    Held {
        /// When it was last held back.
        since: Timestamp,
        /// When the limit is asked again.
        until: Timestamp,
        /// Which limit, for a person: `3 in 15m`.
        limit: String,
    },
    /// Somebody is sending it. When that somebody dies, the claim expires and the notification is due again, unsure.
    Claimed {
        /// Which process.
        by: String,
        /// When it was claimed.
        since: Timestamp,
        /// When the claim expires.
        until: Timestamp,
        /// As in `Due`, from before the claim.
        unsure_since: Option<Timestamp>,
    },
    /// The provider has taken it.
    Accepted {
        /// When.
        at: Timestamp,
        /// The name of the provider.
        provider: String,
        /// The provider's id (`CA…`, `SM…`).
        provider_id: String,
        /// The last status heard of.
        status: String,
    },
    /// Nothing more happens to it.
    Ended {
        /// When.
        at: Timestamp,
        /// How.
        outcome: Outcome,
        /// Code and reason, for the person who reads the history.
        detail: String,
        /// Who has taken it, when it got so far.
        provider: Option<String>,
        /// The provider's id, when it got so far.
        provider_id: Option<String>,
    },
}

/// How a notification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A call that was answered, by a human or by a machine, and is over.
    Completed,
    /// A call answered by a voice mailbox, per machine detection.
    Machine,
    /// Nobody took the call.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// The network could not connect the call.
    Failed,
    /// The call was cancelled before it was answered.
    Canceled,
    /// The text reached the handset.
    Delivered,
    /// The text did not reach the handset.
    Undelivered,
    /// The provider refused it for good.
    Refused,
    /// The provider could not be reached before the attempt's time was up.
    GaveUp,
    /// It was not needed any more before it was sent.
    Withdrawn,
}

impl Outcome {
    /// The word for it: `no-answer`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Machine => "machine",
            Self::NoAnswer => "no-answer",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Refused => "refused",
            Self::GaveUp => "gave-up",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether a human may have learned of the alert by it.
    pub fn may_have_reached(self) -> bool {
        match self {
            Self::Completed | Self::Delivered => true,
            Self::Machine
            | Self::NoAnswer
            | Self::Busy
            | Self::Failed
            | Self::Canceled
            | Self::Undelivered
            | Self::Refused
            | Self::GaveUp
            | Self::Withdrawn => false,
        }
    }
}

/// A call's status, as Twilio names them (TWILIO "Call resource").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallStatus {
    /// Waiting for a line.
    Queued,
    /// Being dialled; no callback of Twilio's but `initiated` says so.
    Initiated,
    /// Ringing.
    Ringing,
    /// Answered.
    InProgress,
    /// Answered, and over.
    Completed,
    /// Busy.
    Busy,
    /// Not connected.
    Failed,
    /// Not answered.
    NoAnswer,
    /// Cancelled.
    Canceled,
}

impl CallStatus {
    /// Twilio's word for it: `in-progress`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// How far a call has come, from 0: a status of a lower rank is old news.
    pub fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Initiated => 1,
            Self::Ringing => 2,
            Self::InProgress => 3,
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => 4,
        }
    }
}

/// A text's status, as Twilio names them (TWILIO "Message resource").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextStatus {
    /// Taken (`accepted`, `scheduled`, `queued`, `sending`).
    Queued,
    /// Handed to the carrier; whether it arrives is not known.
    Sent,
    /// On the handset (`delivered`, `read`).
    Delivered,
    /// The carrier could not deliver it.
    Undelivered,
    /// Not sent.
    Failed,
    /// Cancelled.
    Canceled,
}

impl TextStatus {
    /// Twilio's word for it: `undelivered`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// How far a text has come, from 0: a status of a lower rank is old news.
    pub fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Sent => 1,
            Self::Delivered | Self::Undelivered | Self::Failed | Self::Canceled => 2,
        }
    }
}

/// One call, text or mail to one contact about one alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Which.
    pub id: NotificationId,
    /// Why.
    pub purpose: Purpose,
    /// The round of the policy, from 0.
    pub round: u32,
    /// The step of the policy, from 0.
    pub step: u32,
    /// The attempt of the step, from 0.
    pub attempt: u32,
    /// Whom.
    pub contact: ContactId,
    /// How.
    pub channel: Channel,
    /// Where to: the number or the mail address.
    pub to: Address,
    /// What news tells; nothing for a page.
    pub news: Option<News>,
    /// Names it in URLs.
    pub token: Token,
    /// When it was decided on.
    pub created_at: Timestamp,
    /// Where it stands.
    pub delivery: Delivery,
    /// While it is unsure: the providers that may have it, one entry for each try of which they said nothing clear.
    /// Empty when a sender died: then it may be any.
    pub perhaps_with: Vec<String>,
    /// How often it was sent or tried to be.
    pub tries: u32,
    /// The highest `SequenceNumber` of a callback so far; -1 before the first.
    pub sequence: i64,
    /// A human was there: a key was pressed, or machine detection said so.
    pub reached: bool,
    /// The notification that tells of this alert, too, in place of this one: what becomes of that becomes of this.
    pub told_by: Option<NotificationId>,
    /// When a limit first held it back.
    pub held_since: Option<Timestamp>,
}

impl Notification {
    /// Whether it may have been sent, and nobody is there who will say so: whoever is sending it will.
    pub fn is_in_doubt(&self, now: Timestamp) -> bool {
        match &self.delivery {
            Delivery::Due { unsure_since, .. } => unsure_since.is_some(),
            Delivery::Claimed { until, unsure_since, .. } => unsure_since.is_some() || *until <= now,
            Delivery::Ended { outcome, provider_id, .. } => provider_id.is_none() && *outcome != Outcome::Refused,
            Delivery::Held { .. } | Delivery::Accepted { .. } => false,
        }
    }

    /// Whether it waits to be sent or is being sent.
    pub fn is_unsent(&self) -> bool {
        match self.delivery {
            Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } => true,
            Delivery::Accepted { .. } | Delivery::Ended { .. } => false,
        }
    }

    /// Whether a limit holds it back.
    pub fn is_held(&self) -> bool {
        matches!(self.delivery, Delivery::Held { .. })
    }

    /// Whether a provider has taken it, as far as we know.
    pub fn was_accepted(&self) -> bool {
        match &self.delivery {
            Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } => false,
            Delivery::Accepted { .. } => true,
            Delivery::Ended { outcome, provider_id, .. } => match outcome {
                Outcome::Completed
                | Outcome::Machine
                | Outcome::NoAnswer
                | Outcome::Busy
                | Outcome::Failed
                | Outcome::Canceled
                | Outcome::Delivered
                | Outcome::Undelivered => true,
                Outcome::Refused | Outcome::GaveUp | Outcome::Withdrawn => provider_id.is_some(),
            },
        }
    }

    /// Whether a provider may have it: it was accepted, is being sent, or was sent without an answer.
    pub fn may_have_been_sent(&self) -> bool {
        match &self.delivery {
            Delivery::Due { unsure_since, .. } => unsure_since.is_some(),
            Delivery::Held { .. } => false,
            Delivery::Claimed { .. } => true,
            Delivery::Accepted { .. } | Delivery::Ended { .. } => self.was_accepted(),
        }
    }

    /// Whether no human can have learned of the alert by it, as things stand: it has ended, or a limit holds it back. A call that was answered, but in which
    /// nobody pressed a key or was heard, counts: voice mailboxes answer, too.
    pub fn has_failed(&self) -> bool {
        match self.delivery {
            Delivery::Due { .. } | Delivery::Claimed { .. } | Delivery::Accepted { .. } => false,
            Delivery::Held { .. } => true,
            Delivery::Ended { outcome, .. } => !self.reached && outcome != Outcome::Delivered,
        }
    }
}
