//! From bytes to what a rule may look at. No I/O beyond reading the given stream, no clock, no rule.

pub mod automatic;
pub mod envelope;
mod flowed;
mod header;
pub mod html;
pub mod line;
pub mod message;
mod mime;
pub mod newtext;
mod text;
mod transfer;
mod utf7;

pub use envelope::{Envelope, RecipientSource};
pub use message::{Message, Raw, Text, read};
