//! What a matching mail opens, and what becomes of it: pure state, no I/O, no clock.

#[allow(clippy::module_inception)]
pub mod alert;
pub mod escalation;
pub mod fact;
pub mod key;
pub mod limit;
pub mod news;
pub mod notification;
pub mod plan;
pub mod policy;
pub mod subject;

pub use alert::{Actor, Alert, AlertId, Code, Progress, Resumed, State, Through};
pub use escalation::{Change, Command, Context, Entry, EntryKind, Event, Refusal};
/// Why an older alert is resolved quietly.
pub const NEWER_ALERT: &str = "with a newer alert of the same key";

pub use fact::{Decision, Fact, MailFact, ReplyFact, Told};
pub use key::{Digest, Phase};
pub use news::News;
pub use notification::{
    CallStatus, Channel, Delivery, Notification, NotificationId, Outcome, Purpose, TextStatus, Token,
};
pub use policy::{Policy, Step, Target};
