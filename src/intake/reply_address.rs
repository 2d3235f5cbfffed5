//! Addresses that hold a token of ours: a mail to one of them answers a mail of ours.

use crate::alert::Token;
use crate::config::Config;
use crate::mail::{Envelope, RecipientSource};

/// The tokens in the envelope, which is left with the others. Where the recipients are known from the header alone, those
/// who are not ours are people who got the mail, too.
pub fn take_out(config: &Config, envelope: &mut Envelope) -> Vec<Token> {
    let Some(replies) = &config.defaults.replies else { return Vec::new() };
    let tokens: Vec<Token> = envelope.recipients.iter().filter_map(|address| replies.token(address)).collect();
    if !tokens.is_empty() {
        let named = envelope.source == RecipientSource::Headers;
        envelope
            .recipients
            .retain(|address| replies.token(address).is_none() && (!named || config.recipient(address).is_some()));
    }
    tokens
}
