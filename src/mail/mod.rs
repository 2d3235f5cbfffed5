//! From bytes to what a rule may look at. No I/O beyond reading the given stream, no clock, no rule.

pub mod automatic;
pub mod envelope;
pub mod html;
pub mod message;
pub mod newtext;

pub use envelope::{Envelope, RecipientSource};
pub use message::Message;
