//! When the store fails and a mail asks for a call: when in doubt, wake someone. The first person of the policy who can
//! be reached is called, once, without state; the mail stays with the mail server.

use anyhow::{bail, ensure};
use jiff::Timestamp;

use super::test::reason;
use crate::alert::{Channel, Digest};
use crate::engine::Desk;
use crate::engine::send::{TEXT_SEGMENTS, group_name};
use crate::intake::Wish;
use crate::notify::letter::{self, Head};
use crate::notify::{sms, speech, twiml};
use crate::oncall::{Address, Contact, MailAddress, Phone};
use crate::provider::{Call, Refusal, Script, Text};

/// So many people are tried at most: the mail server waits.
const TRIES: usize = 4;

/// Calls or texts the first person of the policy. Says what was done: `called David (+64…)`.
///
/// # Errors
/// Why nobody could be notified, in words.
pub fn notify(desk: &Desk, wish: &Wish<'_>) -> anyhow::Result<String> {
    ensure!(!desk.providers.is_empty(), "the rule file has neither [twilio] nor [providers]");
    let mut failed: Vec<String> = Vec::new();
    for (contact, channel, to) in people(desk, wish, desk.now()).into_iter().take(TRIES) {
        let sent = match (channel, &to) {
            (Channel::Call, Address::Phone(number)) => call(desk, wish, contact, number),
            (_, Address::Phone(number)) => text(desk, wish, number),
            (_, Address::Mail(address)) => mail(desk, wish, contact, address),
        };
        let who = format!("{} ({to})", contact.name);
        match sent {
            Ok(_) => {
                failed.push(format!("{} {who}", channel.done()));
                return Ok(failed.join("; "));
            }
            // It may have been placed: whoever else is called may be one too many, but is not one too few.
            Err(refusal) => failed.push(format!("{who}: {}", reason(&refusal))),
        }
    }
    ensure!(!failed.is_empty(), "nobody in its policy can be reached");
    bail!("{}", failed.join("; "))
}

/// Everybody whom the policy would notify, in its order, each once, and by which way. Without a store nothing is known
/// of overrides.
fn people<'d>(desk: &'d Desk, wish: &Wish<'_>, now: Timestamp) -> Vec<(&'d Contact, Channel, Address)> {
    let roster = &desk.config.roster;
    let mut people: Vec<(&Contact, Channel, Address)> = Vec::new();
    let group = &wish.arrival.group;
    for step in wish.policy.steps.iter().filter(|step| wish.policy.counts(step, group, roster, now)) {
        for id in step.notify.contacts(group, roster, now) {
            let Some(contact) = roster.contacts.get(&id) else { continue };
            if people.iter().any(|(known, _, _)| known.id == id) {
                continue;
            }
            let by = |channel: Channel| channel.address(contact).map(|to| (contact, channel, to));
            // A text may lie unread, and without a store nobody follows up: a call, unless the rule wants none. And
            // whatever it wants, a mail is the last that is thought of.
            let wants = |channel| wish.policy.steps.iter().any(|step| step.by.contains(&channel));
            let ways = match (wants(Channel::Call), wants(Channel::Text)) {
                (true, _) => [Channel::Call, Channel::Text, Channel::Email],
                (false, true) => [Channel::Text, Channel::Call, Channel::Email],
                (false, false) => [Channel::Email, Channel::Text, Channel::Call],
            };
            people.extend(ways.into_iter().find_map(by));
        }
    }
    people
}

fn call(desk: &Desk, wish: &Wish<'_>, contact: &Contact, number: &Phone) -> Result<String, Refusal> {
    let voice = desk.config.voice_of(&contact.id);
    let words = twiml::Script {
        say: speech::spoken(&wish.arrival.say, &voice.language),
        contact: contact.name.clone(),
        language: voice.language,
        voice: voice.voice.unwrap_or_default(),
        ..twiml::Script::default()
    };
    let script = Script::Inline(desk.templates.render(twiml::Page::Inline, &words));
    let call = Call { to: number.clone(), script, words: words.say, status_url: None, machine_detection: false };
    desk.providers.call(desk.clock.as_ref(), &call)
}

fn text(desk: &Desk, wish: &Wish<'_>, number: &Phone) -> Result<String, Refusal> {
    let body = sms::compose("", &wish.arrival.text, TEXT_SEGMENTS);
    desk.providers.text(desk.clock.as_ref(), &Text { to: number.clone(), body, status_url: None })
}

fn mail(desk: &Desk, wish: &Wish<'_>, contact: &Contact, to: &MailAddress) -> Result<String, Refusal> {
    let Wish { arrival, .. } = wish;
    let group = group_name(&desk.config, &arrival.group);
    let at = desk.now();
    desk.providers.mail(desk.clock.as_ref(), &|from| {
        let head = Head {
            from,
            to: (&contact.name, to),
            reply_to: None,
            subject: &arrival.subject,
            identity: Digest::of(["mail without a store", &arrival.mail.to_string(), to.as_str(), &at.to_string()]),
            thread: None,
            at,
            answers: None,
            list: Some((&arrival.group, &group)),
        };
        letter::plain(&head, &arrival.text)
    })
}
