//! Mails that answer a mail of ours: what `deliver` does with the addresses that hold a token. The other recipients of such
//! a mail are judged as those of any mail.

use std::sync::Arc;

use super::follow_up;
use super::surroundings::Surroundings;
use crate::alert::{Digest, Token};
use crate::config::Config;
use crate::engine::reply::mail::{self, MailReply};
use crate::intake;
use crate::mail::{Envelope, Message, RecipientSource};
use crate::store;

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

/// Acts upon the mail for each token, and sees to what comes of it. Returns what to log. A mail that was acted upon is dealt
/// with, whoever follows up: its alert has a mail of its own.
///
/// # Errors
/// When the store fails: the mail stays with the mail server.
pub fn act(
    config: &Arc<Config>,
    surroundings: &Surroundings,
    message: &Message,
    sender: Option<&str>,
    tokens: &[Token],
) -> store::Result<Vec<String>> {
    let desk = surroundings.desk(config);
    let mut store = surroundings.store(config)?;
    let identity = intake::identity(message);
    let (mut lines, mut alerts, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for token in tokens {
        let identity = Digest::of([identity.to_string().as_str(), token.as_str()]);
        let replied = mail::receive(&desk, store.as_mut(), MailReply { token, message, sender, identity })?;
        lines.push(replied.line);
        alerts.extend(replied.alert);
        answers.extend(replied.answer);
    }
    desk.hang_up();
    for answer in &answers {
        mail::answer(&desk, answer);
    }
    if !alerts.is_empty() {
        // News for the others, or the next person.
        lines.extend(follow_up::follow(surroundings, &desk, store, &alerts, false)?.0);
    }
    Ok(lines)
}
