//! What carries notifications: a trait and the services behind it.

pub mod circuit;
pub mod command;
pub mod exchange;
#[cfg(test)]
// The end-to-end tests use all of it.
#[allow(dead_code)]
#[path = "../../tests/support/gateway.rs"]
mod gateway;
pub mod http;
pub mod pace;
pub mod presets;
pub mod sandbox;
pub mod smtp;
pub mod twilio;

use jiff::Timestamp;

pub use crate::alert::Refusal;
use crate::alert::{CallStatus, Channel, TextStatus};
use crate::notify::letter::{Letter, Sender};
use crate::oncall::Phone;

/// A call to be placed.
#[derive(Debug, Clone)]
pub struct Call {
    /// Whom.
    pub to: Phone,
    /// What the phone says.
    pub script: Script,
    /// The same in plain words, for a provider that does not read TwiML.
    pub words: String,
    /// Where status callbacks go; `None`: statuses are asked for.
    pub status_url: Option<String>,
    /// Whether to detect answering machines, where the account is set up to.
    pub machine_detection: bool,
}

/// Where a call's TwiML comes from.
#[derive(Debug, Clone)]
pub enum Script {
    /// Fetched from this URL when the call is answered.
    Url(String),
    /// Sent along (at most 4000 characters).
    Inline(String),
}

/// A text to be sent.
#[derive(Debug, Clone)]
pub struct Text {
    /// Whom.
    pub to: Phone,
    /// The words, at most 1600 characters.
    pub body: String,
    /// Where status callbacks go; `None`: statuses are asked for.
    pub status_url: Option<String>,
}

/// The status of something sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Of a call.
    Call {
        /// The status.
        status: CallStatus,
        /// What machine detection said: true for a human.
        human: Option<bool>,
    },
    /// Of a text.
    Text {
        /// The status.
        status: TextStatus,
        /// Error code and reason.
        detail: String,
    },
}

/// A call or text that the provider knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The provider's id.
    pub id: String,
    /// When it was made, to the second.
    pub created_at: Timestamp,
    /// The body of a text; empty for a call.
    pub body: String,
}

/// A text that somebody sent to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The provider's id.
    pub id: String,
    /// Who sent it.
    pub from: String,
    /// What it says.
    pub body: String,
    /// When it came.
    pub at: Timestamp,
}

/// A service that carries notifications. What one cannot do it does not claim to: each ability is a trait of its own,
/// and a provider hands out those that it has. Blocking, with time-outs on every phase; shared between threads.
pub trait Provider: Send + Sync {
    /// Its name in the rule file and the history.
    fn name(&self) -> &str;

    /// Places calls.
    fn calls(&self) -> Option<&dyn Calls> {
        None
    }

    /// Sends texts.
    fn texts(&self) -> Option<&dyn Texts> {
        None
    }

    /// Sends mails.
    fn mails(&self) -> Option<&dyn Mails> {
        None
    }

    /// Says how far something has come. Without it, what was accepted stays *accepted*: nobody knows more.
    fn reports(&self) -> Option<&dyn Reports> {
        None
    }

    /// Lists what was sent and what came in. Without it, a try that may have got through stays a doubt.
    fn records(&self) -> Option<&dyn Records> {
        None
    }

    /// Ends calls under way.
    fn hangs_up(&self) -> Option<&dyn HangsUp> {
        None
    }

    /// Whether it reports to `status_url` by itself; else it is asked often.
    fn calls_back(&self) -> bool {
        false
    }

    /// Whether it carries notifications of this channel.
    fn carries(&self, channel: Channel) -> bool {
        match channel {
            Channel::Call => self.calls().is_some(),
            Channel::Text => self.texts().is_some(),
            Channel::Email => self.mails().is_some(),
        }
    }
}

/// Places calls.
pub trait Calls {
    /// Places a call. Returns the provider's id.
    fn call(&self, call: &Call) -> Result<String, Refusal>;
}

/// Sends texts.
pub trait Texts {
    /// Sends a text. Returns the provider's id.
    fn text(&self, text: &Text) -> Result<String, Refusal>;
}

/// Sends mails.
pub trait Mails {
    /// Who its mails are from.
    fn sender(&self) -> &Sender;

    /// Sends a mail. Returns what the mail server calls it.
    fn mail(&self, letter: &Letter) -> Result<String, Refusal>;
}

/// Says how far something has come.
pub trait Reports {
    /// The status of what was sent.
    fn status(&self, channel: Channel, id: &str) -> Result<Status, Refusal>;
}

/// Lists what was sent and what came in.
pub trait Records {
    /// Calls or texts to `to` that were made at or after `since` (truncated to the second), the newest first.
    fn find(&self, channel: Channel, to: &Phone, since: Timestamp) -> Result<Vec<Found>, Refusal>;

    /// Texts that came in at or after `since`, the oldest first.
    fn inbound(&self, since: Timestamp) -> Result<Vec<Inbound>, Refusal>;
}

/// Ends calls under way.
pub trait HangsUp {
    /// Ends a call: cancels one that has not been answered, hangs up one that has.
    fn hang_up(&self, id: &str) -> Result<(), Refusal>;
}
