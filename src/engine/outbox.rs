//! Forwarding: the mail itself goes on by e-mail. It is put into the outbox with the receipt of the mail; from there it is
//! claimed, sent, and what became of it noted. What may have been sent is sent again: a mail twice is better than none,
//! and both have one Message-ID.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Desk;
use super::follow::{Engine, Message};
use super::providers::send_mail;
use super::send::{group_name, thread};
use crate::alert::{Alert, Channel, Digest, Entry, EntryKind, State};
use crate::config::ForwardTo;
use crate::mail::{self, Raw};
use crate::notify::forward::{self, Form, Original};
use crate::notify::letter::{Head, Letter, Sender};
use crate::notify::phrase::{About, Phrase};
use crate::oncall::{Contact, ContactId, GroupId, MailAddress, Roster};
use crate::provider::{Provider, Refusal};
use crate::store::outbox::FORWARDED;
use crate::store::{self, Addressee, Fate, Parcel, Post};

/// At most so many mails are being sent at once. Calls and texts do not wait for them: they are counted apart.
const AT_ONCE: usize = 4;
/// A claim outlives the longest exchange with two mail servers.
const CLAIM: SignedDuration = SignedDuration::from_mins(2);
/// The first pause before another try, doubled with each; and the longest.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(30);
/// How long a mail is tried to be forwarded: longer than a weekend, and less than a mail server keeps the mail itself
/// (Postfix: 5 days), whose redeliveries follow up where there is no engine.
const PATIENCE: SignedDuration = SignedDuration::from_hours(4 * 24);
/// So often may a mail be sent without our being told whether it was.
const DOUBTS: u32 = 3;

/// A mail that has come in, as bytes.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// As the mail server gave it to us; of a very large one the beginning.
    pub bytes: &'a [u8],
    /// The same, to be read.
    pub message: &'a mail::Message,
    /// How large all of it is.
    pub size: u64,
    /// An automatic answer, a bounce, or a mail of ours that came back: it goes nowhere from here.
    pub automatic: bool,
}

/// A claimed post, and everything that sending it needs: no store.
#[derive(Debug, Clone)]
pub struct Errand {
    /// What to send, and where.
    pub post: Post,
    /// What about.
    pub alert: Alert,
    /// The mail.
    pub bytes: Vec<u8>,
}

/// Where the mails of a group go on to at a moment, and who has no mail address.
#[derive(Debug, Clone, Default)]
pub struct Destination {
    /// Those to whom they go.
    pub to: Vec<Addressee>,
    /// The names of those who have no address.
    pub missing: Vec<String>,
}

impl Desk {
    /// Where the mails of a group go on to; `None`: the rule file forwards none of them.
    pub fn destination(&self, group: &GroupId, roster: &Roster, now: Timestamp) -> Option<Destination> {
        destination(&self.config.forwards.get(group)?.to, group, roster, now)
    }

    /// The mail as it goes on for this group; `None`: it does not.
    pub(super) fn parcel(
        &self,
        mail: Incoming<'_>,
        group: &GroupId,
        roster: &Roster,
        now: Timestamp,
    ) -> Option<Parcel> {
        if mail.automatic || self.providers.order(Channel::Email).is_empty() {
            return None;
        }
        let to = self.destination(group, roster, now)?.to;
        let form = self.config.forwards.get(group)?.form;
        Some(Parcel { bytes: mail.bytes.to_vec(), size: mail.size, form, to })
    }

    /// What the history of an alert tells of forwarding the mail that it has just had, if there is anything to tell.
    pub(super) fn forwarding(
        &self,
        mail: Incoming<'_>,
        parcel: Option<&Parcel>,
        alert: &Alert,
        roster: &Roster,
        now: Timestamp,
    ) -> Option<Entry> {
        let destination = self.destination(&alert.group, roster, now)?;
        let missing = match destination.missing.as_slice() {
            [] => String::new(),
            names => format!(" ({}: no mail address)", names.join(", ")),
        };
        let number = alert.mails;
        let not =
            |why: &str| Some(Entry::new(now, EntryKind::Trouble, format!("mail {number} is not forwarded: {why}")));
        match parcel {
            _ if number > FORWARDED.saturating_add(1) => None,
            _ if number > FORWARDED => not(&format!(
                "{FORWARDED} mails of this alert were, and a mailbox must not be flooded; nor are those after it"
            )),
            Some(parcel) if parcel.goes_on(alert) => {
                let addresses: Vec<&str> = parcel.to.iter().map(|to| to.address.as_str()).collect();
                let text = format!("forwarding mail {number} to {}{missing}", addresses.join(", "));
                Some(Entry::new(now, EntryKind::Step, text))
            }
            None if mail.automatic => not("it is an automatic answer, or a mail of ours that came back"),
            None if self.providers.order(Channel::Email).is_empty() => not("the rule file has no provider for mails"),
            None | Some(_) => not(&format!("nobody to whom it would go has a mail address{missing}")),
        }
    }

    /// Sends it: the provider and what it calls the mail, or the provider and why it was not taken.
    pub(super) fn forward(&self, errand: &Errand) -> Result<(String, String), (String, Refusal)> {
        let now = self.now();
        let write = |from: &Sender| self.forwarded(errand, from, now);
        let send = |provider: &dyn Provider| send_mail(provider, &write);
        self.providers.carry(Channel::Email, self.clock.as_ref(), (&[], &[]), &send).outcome
    }

    /// The mail that goes out, from this sender.
    fn forwarded(&self, errand: &Errand, from: &Sender, at: Timestamp) -> Letter {
        let Errand { post, alert, bytes } = errand;
        let nobody = ContactId::new("");
        let contact = post.to.contact.as_ref().unwrap_or(&nobody);
        let name = if post.to.contact.is_some() { self.name_of(contact) } else { String::new() };
        let group = group_name(&self.config, &alert.group);
        let whole = bytes.len() as u64 == post.size;
        let subject = mail::Message::parse(&Raw::from(bytes.as_slice())).subject().to_owned();
        // Only who is a contact can take an alert.
        let reply_to = post.to.contact.as_ref().and_then(|_| self.reply_to(&post.token));
        let head = Head {
            from,
            to: (&name, &post.to.address),
            reply_to: reply_to.as_ref(),
            subject: &format!("{} {subject}", alert.code),
            identity: Digest::of(["forward", post.token.as_str()]),
            thread: Some(thread(alert)),
            at,
            answers: None,
            list: Some((&alert.group, &group)),
        };
        let original = Original { bytes, whole };
        let text = self.covering(post, alert, contact, &group, whole);
        let attached = || forward::attached(&head, &text, original, post.token.as_str());
        match post.form {
            Form::Attachment => attached(),
            Form::Redirect => {
                let link = self.config.server.link_of(&alert.id);
                let about = [("X-Thialfi-Alert", Some(alert.code.0.as_str())), ("X-Thialfi-Link", link.as_deref())];
                forward::redirected(&head, &about, original, attached).unwrap_or_else(attached)
            }
        }
    }

    /// The few lines to which the mail is attached.
    fn covering(&self, post: &Post, alert: &Alert, contact: &ContactId, group: &str, whole: bool) -> String {
        let about = About {
            group: group.to_owned(),
            rule: alert.rule.clone(),
            mail: post.mail,
            size: megabytes(post.size),
            ..About::of(alert)
        };
        let standing = match alert.state {
            State::Open if post.to.contact.is_none() => Phrase::StillOpen,
            State::Open => self.how_to_take_it(),
            State::Acknowledged => Phrase::HasIt,
            State::Resolved => Phrase::HadIt,
            State::Expired => Phrase::NobodyTookIt,
        };
        let cut = (!whole).then_some(Phrase::ForwardCut);
        let phrases = [Phrase::MailAbout, Phrase::ForwardRule].into_iter().chain(cut).chain([standing]);
        let lines = phrases.map(|phrase| self.text(contact, phrase, &about));
        lines.chain(self.config.server.link_of(&alert.id)).map(|line| format!("{line}\n")).collect()
    }
}

/// Where mails go on to at a moment.
pub fn destination(to: &ForwardTo, group: &GroupId, roster: &Roster, now: Timestamp) -> Option<Destination> {
    let contacts = match to {
        ForwardTo::OnCall => roster.called(group, now),
        ForwardTo::Members => roster.groups.get(group)?.members.clone(),
        ForwardTo::Addresses(addresses) => {
            let whose = |address: &MailAddress| {
                let is = |contact: &&Contact| contact.email.as_ref().is_some_and(|email| email.is(address.as_str()));
                roster.contacts.values().find(is).map(|contact| contact.id.clone())
            };
            let to = addresses.iter().map(|address| Addressee { contact: whose(address), address: address.clone() });
            return Some(Destination { to: to.collect(), missing: Vec::new() });
        }
    };
    let mut destination = Destination::default();
    for Contact { id, name, email, .. } in contacts.iter().filter_map(|id| roster.contacts.get(id)) {
        match email {
            Some(address) if destination.to.iter().any(|other| other.address.is(address.as_str())) => {}
            Some(address) => {
                destination.to.push(Addressee { contact: Some(id.clone()), address: address.clone() });
            }
            None => destination.missing.push(name.clone()),
        }
    }
    Some(destination)
}

impl Engine {
    /// Sends what is due of the outbox. Does not wait for the mail server.
    pub(super) fn send_posts(&mut self) -> store::Result<()> {
        let free = AT_ONCE.saturating_sub(self.posting);
        // Without a mail server it stays where it is until the rule file has one again.
        if free == 0 || !self.posts || self.desk.providers.order(Channel::Email).is_empty() {
            return Ok(());
        }
        let now = self.desk.now();
        for post in self.store.claim_posts(now, now + CLAIM, free, self.only.as_deref())? {
            let alert = self.store.alert(post.alert)?;
            let bytes = self.store.mail_of(post.id)?;
            let errand = Errand { post, alert, bytes };
            let desk = Arc::clone(&self.desk);
            self.posting += 1;
            self.hand_over(move || {
                let outcome = desk.forward(&errand);
                Some(Message::Posted(Box::new(errand.post), outcome))
            });
        }
        Ok(())
    }

    /// Notes what became of a post.
    pub(super) fn record_post(&mut self, post: &Post, outcome: Result<(String, String), (String, Refusal)>) {
        let (id, to) = (post.id.0, &post.to.address);
        match &outcome {
            Ok((provider, answer)) => tracing::info!(post = id, %to, provider, answer, "forwarded"),
            Err((provider, refusal)) => tracing::warn!(post = id, %to, provider, ?refusal, "not forwarded"),
        }
        let Settled { fate, doubt, line } = settle(post, outcome, self.desk.now());
        let lines: Vec<Entry> = line.into_iter().collect();
        if let Err(error) = self.store.settle_post(post.id, fate, doubt, &lines) {
            tracing::error!(%error, post = id, "not recorded; the claim will expire and the mail be sent again");
        }
    }
}

/// What becomes of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settled {
    fate: Fate,
    doubt: bool,
    line: Option<Entry>,
}

/// What becomes of a post that was sent, or was not. The history has its first failure and its end, not each try.
fn settle(post: &Post, outcome: Result<(String, String), (String, Refusal)>, now: Timestamp) -> Settled {
    let what = format!("mail {} to {}", post.mail, post.to.address);
    let failed = |reason: &str, doubt: bool| {
        let perhaps = if doubt { "; it may have been forwarded all the same" } else { "" };
        let text = format!("{what} was not forwarded: {reason}{perhaps}");
        Settled { fate: Fate::Failed(now), doubt, line: Some(Entry::new(now, EntryKind::Trouble, text)) }
    };
    let (reason, doubt) = match outcome {
        Ok((provider, answer)) => {
            let text = format!("{provider} has taken {what}, forwarded: {answer}");
            return Settled { fate: Fate::Sent(now), doubt: false, line: Some(Entry::new(now, EntryKind::Sent, text)) };
        }
        Err((_, Refusal::Permanent { reason })) => return failed(&reason, post.doubts > 0),
        Err((_, Refusal::Temporary { reason, .. })) => (reason, false),
        Err((_, Refusal::Ambiguous { reason, .. })) => (reason, true),
        Err((provider, Refusal::Credentials { reason })) => {
            (format!("{provider} REFUSES OUR CREDENTIALS: {reason}; mend them in the rule file"), false)
        }
    };
    let doubts = post.doubts + u32::from(doubt);
    if doubts >= DOUBTS || now.duration_since(post.created_at) >= PATIENCE {
        return failed(&reason, doubts > 0);
    }
    let pause = PAUSE.saturating_mul(1 << post.tries.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    let at = now.checked_add(pause).unwrap_or(Timestamp::MAX);
    let text = format!("{what} was not forwarded yet: {reason}; it is tried again for four days");
    let line = (post.tries <= 1).then(|| Entry::new(now, EntryKind::Trouble, text));
    Settled { fate: Fate::Due(at), doubt, line }
}

fn megabytes(size: u64) -> String {
    format!("{} MB", size.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests;
