//! What is said and written: templates, speech, TwiML, texts, mails.

pub(crate) mod clean;
pub mod fold;
pub mod forward;
pub mod letter;
pub mod link;
pub mod phrase;
pub mod replies;
pub mod sms;
pub mod speech;
pub mod template;
pub mod twiml;
