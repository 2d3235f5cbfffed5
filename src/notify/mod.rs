//! What is said and written: templates, speech, TwiML, texts, mails.

pub(crate) mod clean;
pub mod fold;
pub mod letter;
pub mod phrase;
pub mod sms;
pub mod speech;
pub mod template;
pub mod twiml;
