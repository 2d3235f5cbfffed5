//! The escalation: one pure function from what happened to what becomes of the alert.
//!
//! `play` holds what is changed while it runs; `attempt` plays the policy, `delivery` hears the provider and `human`
//! the people.

mod attempt;
#[cfg(test)]
mod chance;
mod delivery;
#[cfg(test)]
mod hours;
mod human;
#[cfg(test)]
mod night;
mod play;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reminders;
mod resume;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod troubles;

use jiff::Timestamp;

pub use self::attempt::{OUTAGE, OUTAGE_ROUNDS, pause_after};
use self::play::Play;
use super::{Actor, Alert, CallStatus, Fact, NotificationId, TextStatus};
use crate::oncall::{ContactId, Roster};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The alert has just been opened by its first mail.
    Opened,
    /// Another mail joined it.
    Joined {
        /// The address at which that mail arrived.
        recipients: Vec<String>,
        /// Its subject.
        subject: String,
    },
    /// Time has passed; `Alert::next_at` may have been reached.
    Tick,
    /// The provider took a notification.
    Accepted {
        /// Which.
        notification: NotificationId,
        /// The provider's name.
        provider: String,
        /// The provider's id for it.
        provider_id: String,
    },
    /// A provider did not take it, or may not have, and another one is asked at once.
    PassedOver {
        /// Which.
        notification: NotificationId,
        /// The provider's name.
        provider: String,
        /// Why.
        refusal: Refusal,
    },
    /// No provider took it: what the one said that matters most.
    NotAccepted {
        /// Which.
        notification: NotificationId,
        /// The provider's name; empty when there is none.
        provider: String,
        /// Why.
        refusal: Refusal,
    },
    /// A call's status became known, by callback or by asking.
    CallStatus {
        /// Which.
        notification: NotificationId,
        /// Twilio's `SequenceNumber`; `None` when it was asked for.
        sequence: Option<i64>,
        /// The status.
        status: CallStatus,
        /// What machine detection said: true for a human, false for a machine.
        human: Option<bool>,
        /// Error code or SIP answer, for the history.
        detail: String,
    },
    /// A text's status became known.
    TextStatus {
        /// Which.
        notification: NotificationId,
        /// The status.
        status: TextStatus,
        /// Error code and reason, for the history.
        detail: String,
    },
    /// A human in a call pressed a key that means none of the below (`*`, a wrong one): somebody is there.
    KeyPressed {
        /// In which call.
        notification: NotificationId,
        /// Which key.
        key: char,
    },
    /// A human says "I have it".
    Acknowledge {
        /// Who.
        by: Actor,
        /// The call in which they said so: it is not hung up.
        within: Option<NotificationId>,
    },
    /// It is over.
    Resolve {
        /// Who says so.
        by: Actor,
        /// The call in which they said so: it is not hung up.
        within: Option<NotificationId>,
    },
    /// It is over, and people are not told of it.
    ResolveQuietly {
        /// Who says so.
        by: Actor,
        /// Why quietly, for the history: `with a newer alert of the same key`.
        why: String,
    },
    /// A human takes it from whoever has it.
    TakeOver {
        /// Who.
        by: Actor,
    },
    /// Somebody who took several alerts at once is to be told which.
    List {
        /// Whom.
        to: ContactId,
        /// The words.
        words: String,
    },
    /// A human cannot take it, or gives back what they have: the next step, now.
    Escalate {
        /// Who says so.
        by: Actor,
        /// The call in which they said so: it is not hung up.
        within: Option<NotificationId>,
    },
}

impl Event {
    /// The same about another notification: what becomes of the one that tells of several alerts becomes of each.
    #[must_use]
    pub fn about(&self, id: NotificationId) -> Self {
        let mut event = self.clone();
        match &mut event {
            Self::Accepted { notification, .. }
            | Self::NotAccepted { notification, .. }
            | Self::PassedOver { notification, .. }
            | Self::CallStatus { notification, .. }
            | Self::TextStatus { notification, .. }
            | Self::KeyPressed { notification, .. } => *notification = id,
            Self::Acknowledge { within, .. } | Self::Resolve { within, .. } | Self::Escalate { within, .. } => {
                *within = within.map(|_| id);
            }
            Self::Opened
            | Self::Joined { .. }
            | Self::Tick
            | Self::TakeOver { .. }
            | Self::ResolveQuietly { .. }
            | Self::List { .. } => {}
        }
        event
    }
}

/// Why a provider did not take a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It will never take it (bad number, blocked, opted out): the contact's other channel, or the next attempt.
    Permanent {
        /// Code and reason.
        reason: String,
    },
    /// It was certainly not sent; later it may be (429, connection refused).
    Temporary {
        /// Code and reason.
        reason: String,
        /// The provider asks us to wait so long.
        retry_after: Option<jiff::SignedDuration>,
    },
    /// It may have been sent (a 5xx answer, a time-out, a dropped connection): ask before sending again.
    Ambiguous {
        /// Code and reason.
        reason: String,
        /// When the request was made.
        since: Timestamp,
    },
    /// Our credentials were refused: every alert is in danger.
    Credentials {
        /// Code and reason.
        reason: String,
    },
}

/// What the outside is to do. Notifications to be sent are not here: they are the ones that are
/// [`Due`](super::Delivery::Due).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// End a call that nobody needs any more.
    HangUp {
        /// Which.
        notification: NotificationId,
        /// The provider's name.
        provider: String,
        /// The provider's id.
        provider_id: String,
    },
}

/// What kind of thing a line of the history tells. The words are stored: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// Opened by a mail.
    Opened,
    /// Another mail joined.
    Joined,
    /// A mail came again, or one that changes nothing.
    Duplicate,
    /// An attempt began, or a step was skipped.
    Step,
    /// A notification was sent, or tried to be.
    Sent,
    /// A status came.
    Status,
    /// The provider called back, and nothing changed by it.
    Callback,
    /// A key, reply or click.
    Human,
    /// Acknowledged.
    Acknowledged,
    /// Resolved.
    Resolved,
    /// Expired.
    Expired,
    /// Open again: an acknowledgement has timed out, or was given back.
    Reopened,
    /// Something went wrong.
    Trouble,
    /// Who is on call changed.
    Duty,
}

/// One line of an alert's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub kind: EntryKind,
    /// The sentence, in the past tense, one line, for a person.
    pub text: String,
    /// What it stands on.
    pub fact: Option<Fact>,
}

/// What the function needs besides alert and event.
pub struct Context<'a> {
    /// The present time.
    pub now: Timestamp,
    /// Who can be notified.
    pub roster: &'a Roster,
    /// 128 random bits at a time, for tokens and jitter.
    pub random: &'a mut dyn FnMut() -> u128,
}

/// What becomes of the alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The alert afterwards.
    pub alert: Alert,
    /// What the outside is to do once that is on disk.
    pub commands: Vec<Command>,
    /// What the history says of it.
    pub history: Vec<Entry>,
}

/// What becomes of `alert` when `event` happens. Afterwards `next_at` is set if, and only if, the alert is open, or
/// acknowledged and its policy asks again.
///
/// Events may come late, twice, in any order and for what is long over: those change nothing but, at most, the
/// history. A clock that goes back restarts waits, but never holds an alert longer than one wait more.
pub fn escalate(alert: Alert, event: Event, context: &mut Context<'_>) -> Change {
    let mut play = Play::new(alert, context);
    play.mend_times();
    let fact = Fact::of(&event);
    let told = play.lines();
    match event {
        Event::Opened => play.opened(),
        Event::Joined { recipients, subject } => play.joined(recipients, &subject),
        Event::Tick => play.tick(),
        Event::Accepted { notification, provider, provider_id } => play.accepted(notification, provider, provider_id),
        Event::PassedOver { notification, provider, refusal } => play.passed_over(notification, &provider, &refusal),
        Event::NotAccepted { notification, provider, refusal } => play.not_accepted(notification, &provider, refusal),
        Event::CallStatus { notification, sequence, status, human, detail } => {
            play.call_status(notification, sequence, status, human, detail);
        }
        Event::TextStatus { notification, status, detail } => play.text_status(notification, status, detail),
        Event::KeyPressed { notification, key } => play.key_pressed(notification, key),
        Event::Acknowledge { by, within } => play.acknowledge(&by, within),
        Event::TakeOver { by } => play.take_over(&by),
        Event::Resolve { by, within } => play.resolve(&by, within),
        Event::ResolveQuietly { by, why } => play.resolve_quietly(&by, &why),
        Event::List { to, words } => play.list(&to, words),
        Event::Escalate { by, within } => play.pass_on(&by, within),
    }
    play.stands_on(told, fact);
    play.end()
}
