//! When the store fails and a mail asks for a call: when in doubt, wake someone. The first person of the policy who can
//! be reached is called, without state; the mail stays with the mail server. What was called is remembered in a file
//! outside the store, so that the mail server's next attempt goes on from there; where that cannot be, it begins anew.

mod marker;
mod pace;
mod place;
mod standing;

use anyhow::{bail, ensure};
use jiff::{SignedDuration, Timestamp};

use self::marker::{Made, Marker};
use self::pace::Remembered;
use self::place::Place;
use self::standing::Standing;
use super::surroundings::Surroundings;
use super::test::reason;
use crate::alert::limit::Verdict;
use crate::alert::{Alert, Channel, Digest, Entry, EntryKind, Step};
use crate::engine::Desk;
use crate::engine::providers::{Carried, place_call, send_mail, send_text};
use crate::engine::send::{TEXT_SEGMENTS, group_name};
use crate::intake::Wish;
use crate::notify::letter::{self, Head, Sender};
use crate::notify::{sms, speech, twiml};
use crate::oncall::{Address, Contact, MailAddress, Phone};
use crate::provider::{Call, Provider, Refusal, Script, Status, Text};
use crate::store::{self, Store};

/// So many people are tried at most: the mail server waits.
const TRIES: usize = 4;

/// Somebody whom the policy would notify, and by which way.
struct Person<'d> {
    contact: &'d Contact,
    channel: Channel,
    to: Address,
    /// How long their step waits for them.
    wait: SignedDuration,
}

/// Calls or texts the first person of the policy; or, where one was called before and that has reached nobody, the next
/// one. Says what was done: `called David (+64…) all the same`.
///
/// # Errors
/// Why nobody could be notified, in words.
pub fn notify(surroundings: &Surroundings, desk: &Desk, wish: &Wish<'_>) -> anyhow::Result<String> {
    ensure!(!desk.providers.is_empty(), "the rule file has neither [twilio] nor [providers]");
    let now = desk.now();
    let mut said: Vec<String> = Vec::new();
    let (mut marker, place) = match remembered(surroundings, desk, wish) {
        Some(Ok((marker, place))) => (Some(marker), Some(place)),
        Some(Err(marker::Error::Busy)) => return Ok(marker::Error::Busy.to_string()),
        Some(Err(error)) => {
            said.push(format!("whom it calls cannot be remembered: {error}"));
            (None, None)
        }
        None => (None, None),
    };
    if marker.as_ref().is_some_and(|marker| marker.is_shared) {
        said.push("too many events to remember each: the others count as one".to_owned());
    }
    let mut people = people(desk, wish, now);
    let last = marker.as_ref().and_then(|marker| marker.made.last()).filter(|made| standing::is_of_now(made, now));
    if let Some(made) = last {
        let standing = Standing::of(status(desk, made).as_ref());
        let before = format!("{} {} ({}) at {}", made.channel.done(), made.name, made.to, made.at);
        if let Some(until) = standing.wait(made, now) {
            said.push(format!("{before}, which {}: nobody else before {until}", standing.words()));
            return Ok(said.join("; "));
        }
        said.push(format!("{before}, which {}", standing.words()));
        // Whoever comes after them; after the last one, the first again.
        let place = people.iter().position(|person| person.contact.id.as_str() == made.contact);
        people.rotate_left(place.map_or(0, |place| place + 1));
    }
    // As long as this is there, no other delivery counts and calls.
    let turn = place.as_ref().map(Place::turn);
    if matches!(turn, Some(Ok(None))) {
        return Ok("other deliveries call somebody at this moment, about other mails".to_owned());
    }
    let all = place.as_ref().zip(marker.as_ref()).and_then(|(place, marker)| marker::all(place, marker).ok());
    let all = all.unwrap_or_default();
    let mut failed: Vec<String> = Vec::new();
    let mut tries = 0;
    for person in people {
        // Who is passed over is not tried: however many sleep, the next one is called.
        if tries == TRIES {
            break;
        }
        match limited(desk, &all, &person) {
            Limited::No => {}
            Limited::Asleep(full) => {
                failed.push(format!("{} has had {full}, and slept through the last", person.contact.name));
                continue;
            }
            Limited::Until(until, full) => {
                let name = &person.contact.name;
                said.push(format!("{name} has had {full}, which is what `limits` lets through: nobody before {until}"));
                return Ok(said.join("; "));
            }
        }
        tries += 1;
        let Person { contact, channel, to, wait } = person;
        let sent = match (channel, &to) {
            (Channel::Call, Address::Phone(number)) => call(desk, wish, contact, number),
            (_, Address::Phone(number)) => text(desk, wish, number),
            (_, Address::Mail(address)) => mail(desk, wish, contact, address),
        };
        let who = format!("{} ({to})", contact.name);
        match sent.outcome {
            Ok((provider, id)) => {
                failed.push(format!("{} {who} all the same", channel.done()));
                let (key, name, to) = (contact.id.to_string(), contact.name.clone(), to.to_string());
                let made = Made { at: desk.now(), contact: key, name, channel, to, provider, id, wait };
                if let Some(Err(error)) = marker.as_mut().map(|marker| marker.add(made)) {
                    said.push(format!("whom it calls cannot be remembered: {error}"));
                }
                said.extend(failed);
                return Ok(said.join("; "));
            }
            // It may have been placed: whoever else is called may be one too many, but is not one too few.
            Err((_, refusal)) => failed.push(format!("{who}: {}", reason(&refusal))),
        }
    }
    ensure!(!failed.is_empty(), "nobody in its policy can be reached");
    said.extend(failed);
    bail!("{}", said.join("; "))
}

/// The store is back, and the event has its alert: says in its history whom deliveries without one had called for it, and
/// forgets that. Its policy begins all the same, since nobody who was called could acknowledge anything.
pub fn hand_over(
    surroundings: &Surroundings,
    desk: &Desk,
    store: &mut dyn Store,
    wish: &Wish<'_>,
    alert: &Alert,
) -> store::Result<()> {
    if !surroundings.remembers {
        return Ok(());
    }
    let places = Place::all(&surroundings.environment, &desk.config.store);
    let (made, files) = marker::recall(&places, event(desk, wish));
    let now = desk.now();
    let lines: Vec<Entry> =
        made.iter().filter(|made| standing::is_of_now(made, now)).map(|made| line(made, now)).collect();
    if !lines.is_empty() {
        store.record(alert.id, &lines)?;
    }
    for file in files {
        // One that stays is told twice, which harms nobody.
        let _ = std::fs::remove_file(file);
    }
    Ok(())
}

fn line(made: &Made, now: Timestamp) -> Entry {
    let Made { at, name, channel, to, provider, id, .. } = made;
    let done = channel.done();
    let text = format!("{name} ({to}) was {done} at {at}, when the store could not be used: {provider}, {id}");
    Entry::new(now, EntryKind::Trouble, text)
}

/// Whether somebody has been called as often as their limits let it.
enum Limited {
    No,
    /// They have, and sleep: the next one is called. What is full, in words.
    Asleep(String),
    /// They have, and know, or may yet: nobody else is called, and they are not before then. What is full, in words.
    Until(Timestamp, String),
}

fn limited(desk: &Desk, all: &[Remembered], person: &Person<'_>) -> Limited {
    let (id, channel, now) = (&person.contact.id, person.channel, desk.now());
    let judge = |woke| pace::verdict(&desk.config.limits, all, (id, channel), woke, now);
    let (Verdict::Hold { .. }, Some(last)) = (judge(false), pace::last(all, id, channel)) else { return Limited::No };
    // The provider is asked only where it matters.
    let standing = Standing::of(status(desk, last).as_ref());
    let Verdict::Hold { until, full } = judge(standing == Standing::Answered) else { return Limited::No };
    let what = match channel {
        Channel::Call => "calls",
        Channel::Text => "texts",
        Channel::Email => "mails",
    };
    let full = format!("{} {what} in {:#}", full.count, full.within);
    if standing == Standing::Missed { Limited::Asleep(full) } else { Limited::Until(until, full) }
}

/// What is remembered of the event of a mail, and where; `None`: there is no place for it.
fn remembered(
    surroundings: &Surroundings,
    desk: &Desk,
    wish: &Wish<'_>,
) -> Option<Result<(Marker, Place), marker::Error>> {
    if !surroundings.remembers {
        return None;
    }
    let place = Place::make(&surroundings.environment, &desk.config.store)?;
    Some(Marker::of(&place, event(desk, wish), desk.now()).map(|marker| (marker, place)))
}

/// Which event a mail tells of: mails of one event are one reason to ring, as they are one alert. Our user may run
/// thialfi for several stores.
fn event(desk: &Desk, wish: &Wish<'_>) -> Digest {
    let store = desk.config.store.to_string_lossy();
    Digest::of(["without a store", &store, &wish.arrival.digest.to_string()])
}

/// How it stands, where the provider can say.
fn status(desk: &Desk, made: &Made) -> Option<Status> {
    let entry = desk.providers.named(&made.provider)?;
    entry.provider().reports()?.status(made.channel, &made.id).ok()
}

/// Everybody whom the policy would notify, in its order, each once. Without a store nothing is known of overrides.
fn people<'d>(desk: &'d Desk, wish: &Wish<'_>, now: Timestamp) -> Vec<Person<'d>> {
    let roster = &desk.config.roster;
    let mut people: Vec<Person<'_>> = Vec::new();
    let group = &wish.arrival.group;
    for step in wish.policy.steps.iter().filter(|step| wish.policy.counts(step, group, roster, now)) {
        for id in step.notify.contacts(group, roster, now) {
            let Some(contact) = roster.contacts.get(&id) else { continue };
            if people.iter().any(|known| known.contact.id == id) {
                continue;
            }
            let Step { wait, .. } = *step;
            let by = |channel: Channel| channel.address(contact).map(|to| Person { contact, channel, to, wait });
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

fn call(desk: &Desk, wish: &Wish<'_>, contact: &Contact, number: &Phone) -> Carried {
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
    carry(desk, Channel::Call, &|provider| place_call(provider, &call))
}

fn text(desk: &Desk, wish: &Wish<'_>, number: &Phone) -> Carried {
    let body = sms::compose("", &wish.arrival.text, TEXT_SEGMENTS);
    let text = Text { to: number.clone(), body, status_url: None };
    carry(desk, Channel::Text, &|provider| send_text(provider, &text))
}

fn mail(desk: &Desk, wish: &Wish<'_>, contact: &Contact, to: &MailAddress) -> Carried {
    let Wish { arrival, .. } = wish;
    let group = group_name(&desk.config, &arrival.group);
    let at = desk.now();
    let write = |from: &Sender| {
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
    };
    carry(desk, Channel::Email, &|provider| send_mail(provider, &write))
}

/// Gives it to whoever takes it.
fn carry(desk: &Desk, channel: Channel, send: &dyn Fn(&dyn Provider) -> Result<String, Refusal>) -> Carried {
    desk.providers.carry(channel, desk.clock.as_ref(), (&[], &[]), send)
}
