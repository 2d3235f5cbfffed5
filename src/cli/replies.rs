//! Mails that answer a mail of ours: what `deliver` does with the addresses that hold a token. The other recipients of such
//! a mail are judged as those of any mail.

use std::sync::Arc;

use super::follow_up;
use super::surroundings::Surroundings;
use crate::alert::{Digest, Token};
use crate::config::Config;
use crate::engine::reply::mail::{self, MailReply};
use crate::intake;
use crate::mail::Message;
use crate::store;

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
