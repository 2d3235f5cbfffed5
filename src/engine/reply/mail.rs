//! Mails that answer a mail of ours: to an address with a token, which names the alert and who was told of it. Only they,
//! only a command, and nothing that a machine has written: a mail is cheap to forge and easily sent by mistake, and an
//! acknowledgement ends the ringing.

use jiff::{SignedDuration, Timestamp};

use super::grammar::{COMMANDS, Wish, looks_like_code, wish, words};
use super::{act, may_answer};
use crate::alert::{Alert, AlertId, Channel, Digest, EntryKind, Fact, ReplyFact, Through, Token, fact};
use crate::engine::Desk;
use crate::engine::send::group_name;
use crate::mail::{Message, automatic, envelope};
use crate::notify::letter::{self, Answering, Head};
use crate::notify::phrase::{About, Phrase};
use crate::oncall::{Address, ContactId, MailAddress};
use crate::store::{self, Store};

/// So long after it was sent a mail may be answered: as long as its code means its alert.
const ANSWERED_WITHIN: SignedDuration = super::CODES_HOLD;

/// What may stand beside a command in the line that gives it: `ok, on it`, `I have it, thanks`.
const BESIDE: [&str; 24] = [
    "A", "ALERT", "ALL", "AM", "BITTE", "DANKE", "DAS", "DEN", "ES", "I", "ICH", "IHN", "IM", "IS", "IST", "IT", "ITS",
    "NICHT", "NOW", "ON", "PLEASE", "THANKS", "THIS", "WILL",
];

/// What is a command besides those of texts: in a text of few words these say nothing by themselves.
const MORE: [&str; 7] = ["CANNOT", "CANT", "HABE", "HAVE", "KANN", "NO", "UNABLE"];

/// A mail that came to an address with a token.
#[derive(Debug, Clone, Copy)]
pub struct MailReply<'a> {
    /// The token.
    pub token: &'a Token,
    /// The mail.
    pub message: &'a Message,
    /// The envelope sender, as far as it is known.
    pub sender: Option<&'a str>,
    /// Which mail it is: the same delivered again has the same.
    pub identity: Digest,
}

/// What became of it.
#[derive(Debug, Clone, Default)]
pub struct Replied {
    /// What to log.
    pub line: String,
    /// The alert that it was about.
    pub alert: Option<AlertId>,
    /// What to answer, and to whom.
    pub answer: Option<Answer>,
}

/// An answer to a mail.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Who gets it.
    pub contact: ContactId,
    /// Where.
    pub to: MailAddress,
    /// What it says.
    pub text: String,
    /// The subject of the mail that it answers.
    subject: String,
    /// Its Message-ID.
    message_id: Option<String>,
    /// What it is: the same again has the same.
    identity: Digest,
    group: crate::oncall::GroupId,
}

/// Who was told of what by the mail that is answered.
struct Told {
    alert: Alert,
    contact: ContactId,
    to: MailAddress,
    at: Timestamp,
}

/// Acts upon a mail, once. Whatever it is, it is dealt with: nothing of it is answered but to who was told.
///
/// # Errors
/// When the store fails: then the mail counts as not received.
pub fn receive(desk: &Desk, store: &mut dyn Store, reply: MailReply<'_>) -> store::Result<Replied> {
    let ignored = |line: &str| Replied { line: format!("a reply by e-mail is ignored: {line}"), ..Replied::default() };
    let Some(told) = told(store, reply.token)? else {
        return Ok(ignored("its address has a token that names no mail of ours"));
    };
    let about = format!("alert {} ({})", told.alert.id, told.alert.code);
    let now = desk.now();
    if now.duration_since(told.at) > ANSWERED_WITHIN {
        return Ok(ignored(&format!("the mail that it answers, about {about}, is more than 30 days old")));
    }
    let id = format!("mail {}", reply.identity);
    if !store.first_time(&id, now)? {
        return Ok(Replied {
            alert: Some(told.alert.id),
            ..ignored(&format!("the same mail came before, about {about}"))
        });
    }
    let done = react(desk, store, reply, &told, now);
    if done.is_err() {
        store.forget(&id)?;
    }
    done
}

fn react(
    desk: &Desk,
    store: &mut dyn Store,
    reply: MailReply<'_>,
    told: &Told,
    now: Timestamp,
) -> store::Result<Replied> {
    let Told { alert, contact, to, .. } = told;
    let name = desk.name_of(contact);
    let line = reply.message.new_text().lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let note = |store: &mut dyn Store, because: &str| {
        let said = fact::short(line);
        let text = format!("{name} ({to}) mailed “{said}”{because}");
        let reply = ReplyFact {
            from: to.to_string(),
            contact: contact.to_string(),
            text: said,
            provider_id: String::new(),
            sent_at: now,
        };
        desk.note(store, alert.id, EntryKind::Human, text, Some(Fact::Reply(reply)))
    };
    let ignored = |store: &mut dyn Store, why: &str| -> store::Result<Replied> {
        let text = format!("a reply by e-mail is ignored: {why}");
        desk.note(store, alert.id, EntryKind::Callback, text.clone(), None)?;
        Ok(Replied {
            line: format!("{text}; alert {} ({})", alert.id, alert.code),
            alert: Some(alert.id),
            answer: None,
        })
    };
    if automatic::is_by_machine(reply.message, reply.sender) {
        return ignored(store, "it is an automatic answer, or a bounce");
    }
    if !is_from(desk, reply.message, contact, to) {
        let from = reply.message.header("From").unwrap_or("nobody");
        return ignored(store, &format!("it is from {}, and the mail was for {name} ({to})", fact::short(from)));
    }
    let answer = if let Some(wish) = command(line, &alert.code.0) {
        note(store, "")?;
        act(desk, store, alert, (contact, Through::Email), wish)?
    } else {
        note(store, ", which is no command: nothing was done")?;
        let unclear = desk.text(contact, Phrase::MailUnclear, &About::of(alert));
        format!("{unclear} {}", desk.standing(alert, contact))
    };
    let may_answer = may_answer(store, to.as_str(), &reply.identity.to_string(), now).unwrap_or_else(|error| {
        tracing::error!(%error, %contact, "the answers to this contact cannot be counted: this mail is not answered");
        false
    });
    let answered =
        if may_answer { format!("is answered: {answer}") } else { "gets no answer: five have gone there".into() };
    desk.note(store, alert.id, EntryKind::Callback, format!("{to} {answered}"), None)?;
    let line = format!("reply of {name} about alert {} ({}): {answer}", alert.id, alert.code);
    let answer = may_answer.then(|| Answer {
        contact: contact.clone(),
        to: to.clone(),
        text: answer,
        subject: reply.message.subject().to_owned(),
        message_id: reply.message.header("Message-ID").map(str::to_owned),
        identity: Digest::of(["answer", &reply.identity.to_string()]),
        group: alert.group.clone(),
    });
    Ok(Replied { line, alert: Some(alert.id), answer })
}

/// Sends the answer, as far as a mail server takes it now: it tells what was done, and that is done.
pub fn answer(desk: &Desk, answer: &Answer) {
    let group = group_name(&desk.config, &answer.group);
    let name = desk.name_of(&answer.contact);
    let subject = answer.subject.trim();
    let is_reply = subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    let subject = if is_reply { subject.to_owned() } else { format!("Re: {subject}") };
    let at = desk.now();
    let sent = desk.providers.mail(desk.clock.as_ref(), &|from| {
        let head = Head {
            from,
            to: (&name, &answer.to),
            reply_to: None,
            subject: &subject,
            identity: answer.identity,
            thread: None,
            at,
            list: Some((&answer.group, &group)),
            answers: Some(Answering { message_id: answer.message_id.as_deref() }),
        };
        letter::plain(&head, &format!("{}\n", answer.text))
    });
    if let Err(refusal) = sent {
        tracing::warn!(?refusal, "an answer to a mail could not be sent");
    }
}

/// Who was told of what by the mail with this token.
fn told(store: &mut dyn Store, token: &Token) -> store::Result<Option<Told>> {
    if let Some(id) = store.by_token(token)? {
        let alert = store.alert(id.alert)?;
        let one = alert.notifications.iter().find(|one| one.id == id && one.channel == Channel::Email);
        let told = one.and_then(|one| match &one.to {
            Address::Mail(to) => Some((one.contact.clone(), to.clone(), one.created_at)),
            // The token of a call is known to the provider, and says nothing of who writes a mail.
            Address::Phone(_) => None,
        });
        return Ok(told.map(|(contact, to, at)| Told { alert, contact, to, at }));
    }
    let Some(post) = store.post_of(token)? else { return Ok(None) };
    let Some(contact) = post.to.contact else { return Ok(None) };
    let alert = store.alert(post.alert)?;
    Ok(Some(Told { alert, contact, to: post.to.address, at: post.created_at }))
}

/// Whether the mail says that it is from whom the token was sent to, at the address of then or of now.
fn is_from(desk: &Desk, message: &Message, contact: &ContactId, to: &MailAddress) -> bool {
    let present = desk.config.roster.contacts.get(contact).and_then(|contact| contact.email.as_ref());
    let mut from = Vec::new();
    for field in message.header_values("From") {
        envelope::each_address(field, &mut |address| from.push(address.to_owned()));
    }
    let theirs = |address: &String| to.is(address) || present.is_some_and(|present| present.is(address));
    !from.is_empty() && from.iter().all(theirs)
}

/// What the first line of a mail asks for: a command, with nothing beside it that could mean something else.
fn command(line: &str, code: &str) -> Option<Wish> {
    let words = words(line);
    let beside = |word: &str| BESIDE.contains(&word);
    let says = |word: &str| word == code || !beside(word) && (COMMANDS.contains(&word) || MORE.contains(&word));
    // The code of another alert: whatever is meant, it is not this one.
    let other = words.iter().any(|word| looks_like_code(word) && word != code);
    let clear = words.iter().all(|word| says(word) || beside(word)) && words.iter().any(|word| says(word));
    (clear && !other).then(|| wish(&words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_line_of_its_own() {
        for line in ["ack", "ACK 7K", "7k", "ok, on it", "I have it, thanks", "yes", "ja", "ich habe es"] {
            assert_eq!(command(line, "7K"), Some(Wish::Acknowledge), "{line}");
        }
        for line in ["resolve", "done", "7K resolved", "erledigt", "it is over"] {
            assert_eq!(command(line, "7K"), Some(Wish::Resolve), "{line}");
        }
        for line in ["escalate", "next please", "I can't", "no", "nein", "kann nicht"] {
            assert_eq!(command(line, "7K"), Some(Wish::Escalate), "{line}");
        }
    }

    #[test]
    fn what_may_mean_something_else_is_none() {
        for line in [
            "",
            "I am out of office until Monday",
            "Thank you for your mail. I will answer it on 9 November.",
            "Ich bin bis Montag nicht im Büro",
            "Please do not acknowledge this",
            "ack 8M",
            "8M",
            "unsubscribe",
            "stop",
            "Hi,",
            "thanks",
            "I will",
            "Is this resolved already?",
        ] {
            let read = command(line, "7K");
            assert_eq!(read, None, "{line}");
        }
    }
}
