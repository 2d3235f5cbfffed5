//! Texts from people: which alert they mean, and what becomes of it.

pub mod grammar;
pub mod mail;
mod note;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Desk;
use crate::alert::{Actor, Alert, AlertId, Code, Digest, EntryKind, Event, Purpose, State, Through};
use crate::notify::phrase::{About, Phrase};
use crate::oncall::{ContactId, Phone};
use crate::provider::Text;
use crate::store::{self, Store, Tally, Told};
use grammar::{COMMANDS, Wish, is_machine, is_opt_out, looks_like_code, wish, words};

/// Codes are not given again for so long, so a late reply means the alert that it names.
const CODES_HOLD: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A reply without a code means an alert of which its sender was told within so long.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// At most so many answers go to a number within [`ANSWERS_WITHIN`].
const ANSWERS: u32 = 5;
const ANSWERS_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// At most so many alerts are named to somebody whose text may mean any of them.
const LISTED: usize = 5;

/// How far the provider's clock may be behind ours: a text that seems to be older than what it answers by more than
/// this answers something else.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// A text that came in.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// The provider's id.
    pub id: &'a str,
    /// Who sent it.
    pub from: &'a str,
    /// What it says.
    pub body: &'a str,
    /// When it was sent: what its sender was told of later it cannot mean.
    pub at: Timestamp,
}

/// Takes in a text, once for each id: a list of texts names the same ones again and again, and one "next" is one.
/// Returns what to answer. People whom the rule file does not know get no answer.
///
/// # Errors
/// When the store fails: then the text counts as not received.
pub fn receive(desk: &Desk, store: &mut dyn Store, reply: Reply<'_>) -> store::Result<Option<String>> {
    let Some((number, contact)) =
        reply.from.parse::<Phone>().ok().and_then(|number| desk.contact_of(&number).map(|contact| (number, contact)))
    else {
        tracing::info!("a text from a number that is no contact's is ignored");
        return Ok(None);
    };
    // Before it takes effect: a crash in between costs an acknowledgement, and the telephone rings on. The other way
    // round an old "ok" could take an alert of which nobody has heard.
    if !store.first_time(reply.id, desk.now())? {
        return Ok(None);
    }
    let answer = react(desk, store, &number, &contact, reply);
    if answer.is_err() {
        store.forget(reply.id)?;
    }
    let Some(Answer { text: answer, about }) = answer? else { return Ok(None) };
    // What the text asked for is on disk: that the answer cannot be counted is no reason to take it for not received.
    let may_answer = may_answer(store, number.as_str(), reply.id, desk.now());
    let told = match &may_answer {
        Ok(true) => format!("{number} is answered: {answer}"),
        Ok(false) | Err(_) => format!("{number} gets no answer: {ANSWERS} have gone there within an hour"),
    };
    for alert in about {
        if let Err(error) = desk.note(store, alert, EntryKind::Callback, told.clone(), None) {
            tracing::error!(%error, %contact, "the history cannot tell what this contact is answered");
        }
    }
    match may_answer {
        Ok(true) => Ok(Some(answer)),
        Ok(false) => {
            tracing::warn!(%contact, "{ANSWERS} answers went to this contact within an hour: this text is acted upon, but not answered");
            Ok(None)
        }
        Err(error) => {
            tracing::error!(%error, %contact, "the answers to this contact cannot be counted: this text is acted upon, but not answered");
            Ok(None)
        }
    }
}

/// Whether one more answer may go to a number. A machine that answers every text would else talk to us for ever, at our
/// cost: two of them have done so before. Those that were held back count, too, so it stays silent until that one stops.
fn may_answer(store: &mut dyn Store, to: &str, id: &str, now: Timestamp) -> store::Result<bool> {
    let text = Digest::of(["answer to", id]);
    let counter = Digest::of(["answers to", to]);
    let tally = Tally { counter, mail: text, arrival: text, within: ANSWERS_WITHIN, enough: ANSWERS + 1 };
    Ok(store.count(&tally, now)? <= ANSWERS)
}

/// Sends the answer to a reply that did not come by webhook.
pub fn answer(desk: &Desk, to: &str, body: String) {
    let Ok(to) = to.parse::<Phone>() else { return };
    if let Err(refusal) = desk.providers.text(desk.clock.as_ref(), &Text { to, body, status_url: None }) {
        tracing::warn!(?refusal, "an answer to a reply could not be sent");
    }
}

/// What to answer, and about which alerts.
struct Answer {
    text: String,
    about: Vec<AlertId>,
}

fn react(
    desk: &Desk,
    store: &mut dyn Store,
    number: &Phone,
    contact: &ContactId,
    reply: Reply<'_>,
) -> store::Result<Option<Answer>> {
    let words = words(reply.body);
    let now = desk.now();
    let mut told = Vec::new();
    for id in store.notified(number, now - TOLD_WITHIN)? {
        told.push(store.alert(id)?);
    }
    let open: Vec<&Alert> = told.iter().filter(|alert| alert.state == State::Open).collect();
    let note = |store: &mut dyn Store, alerts: &[&Alert], because: &str| -> store::Result<Vec<AlertId>> {
        let about: Vec<AlertId> = alerts.iter().take(LISTED).map(|alert| alert.id).collect();
        for id in &about {
            note::texted(desk, store, *id, (number, contact), reply, because)?;
        }
        Ok(about)
    };
    if words.is_empty() || is_opt_out(&words) {
        let because = if words.is_empty() { ", which says nothing" } else { ", which is a word for the provider" };
        note(store, &open, because)?;
        return Ok(None);
    }
    let named = named(store, &words, &told, now)?;
    let wish = wish(&words);
    if !named.is_empty() {
        let about = note(store, &named.iter().collect::<Vec<_>>(), "")?;
        let mut answers = Vec::new();
        for alert in named {
            answers.push(match told_together(store, &alert, number, wish)? {
                Some(told) => carry_out_all(desk, store, &told, contact, wish)?,
                None => carry_out(desk, store, &alert, number, contact, wish)?,
            });
        }
        return Ok(Some(Answer { text: answers.join(" "), about }));
    }
    if is_machine(&words) {
        note(store, &open, ", which a handset says by itself")?;
        return Ok(None);
    }
    let meant: Vec<&Alert> = open
        .iter()
        .copied()
        .filter(|alert| was_told(alert, number, reply.at.saturating_add(SKEW).unwrap_or(now)))
        .collect();
    if meant.len() > 1
        && let Some(told) = all_told_together(store, &meant, number, wish)?
    {
        let about = note(store, &meant, "")?;
        return Ok(Some(Answer { text: carry_out_all(desk, store, &told, contact, wish)?, about }));
    }
    // Where nothing is open, what somebody has is theirs to end or to give back.
    let own = || theirs(&told, contact).filter(|_| open.is_empty() && matches!(wish, Wish::Resolve | Wish::Escalate));
    let only = if let [alert] = meant.as_slice() { Some(*alert) } else { own() };
    match (only, open.as_slice()) {
        (Some(alert), _) => {
            let about = note(store, &[alert], "")?;
            Ok(Some(Answer { text: carry_out(desk, store, alert, number, contact, wish)?, about }))
        }
        // Late: nothing is open any more, so say who had it.
        (None, []) => {
            let Some(alert) = told.first() else { return Ok(None) };
            let about = note(store, &[alert], ", too late")?;
            Ok(Some(Answer { text: desk.standing(alert, contact), about }))
        }
        (None, several) => {
            let list: Vec<String> = several.iter().take(LISTED).map(|alert| brief(alert)).collect();
            let which = About { list: list.join("; "), ..About::default() };
            let about = note(store, several, ", which may mean any of several alerts")?;
            Ok(Some(Answer { text: desk.text(contact, Phrase::Which, &which), about }))
        }
    }
}

/// The alerts whose codes the words hold. That of an alert of which the sender was not told counts only where nothing
/// else is said: "back in 5m" does not mean somebody else's alert `5M`.
fn named(store: &mut dyn Store, words: &[String], told: &[Alert], now: Timestamp) -> store::Result<Vec<Alert>> {
    let bare = words.iter().all(|word| looks_like_code(word) || COMMANDS.contains(&word.as_str()));
    let mut named: Vec<Alert> = Vec::new();
    for word in words.iter().filter(|word| looks_like_code(word)) {
        let Some(id) = store.by_code(&Code(word.clone()), now - CODES_HOLD)? else { continue };
        if named.iter().any(|alert| alert.id == id) || !bare && told.iter().all(|alert| alert.id != id) {
            continue;
        }
        named.push(store.alert(id)?);
    }
    Ok(named)
}

/// Whether this number may have been told of the alert at that time.
fn was_told(alert: &Alert, number: &Phone, at: Timestamp) -> bool {
    alert
        .notifications
        .iter()
        .any(|notification| notification.to.phone() == Some(number) && notification.created_at <= at)
}

/// What the latest notification about `alert` to this number told of, when that was more than this alert and was sent in
/// the name of it: its code means all of them. Over (`7K done`) is only what is named.
fn told_together(store: &mut dyn Store, alert: &Alert, number: &Phone, wish: Wish) -> store::Result<Option<Told>> {
    if matches!(wish, Wish::Resolve | Wish::TakeOver) {
        return Ok(None);
    }
    let pages = alert.notifications.iter().rev();
    let mut own =
        pages.filter(|one| one.to.phone() == Some(number) && one.purpose == Purpose::Page && one.told_by.is_none());
    let Some(page) = own.find(|one| one.may_have_been_sent()) else { return Ok(None) };
    let told = store.told(page.id, i64::MAX)?;
    Ok(Some(told).filter(|told| !told.besides.is_empty()))
}

/// The one notification to this number that told of all of these, if there is one: then an answer without a code means
/// all that it told of.
fn all_told_together(
    store: &mut dyn Store,
    alerts: &[&Alert],
    number: &Phone,
    wish: Wish,
) -> store::Result<Option<Told>> {
    let mut tellers = BTreeSet::new();
    for alert in alerts {
        let last = alert
            .notifications
            .iter()
            .rev()
            .find(|one| one.to.phone() == Some(number) && one.purpose == Purpose::Page && one.may_have_been_sent());
        let Some(last) = last else { return Ok(None) };
        tellers.insert(last.told_by.unwrap_or(last.id));
    }
    match (tellers.first(), tellers.len(), wish) {
        (Some(teller), 1, Wish::Acknowledge | Wish::Escalate) => store.told(*teller, i64::MAX).map(Some),
        _ => Ok(None),
    }
}

/// Takes, or passes on, all that one notification told of and that is still open.
fn carry_out_all(
    desk: &Desk,
    store: &mut dyn Store,
    told: &Told,
    contact: &ContactId,
    wish: Wish,
) -> store::Result<String> {
    let call = told.alert.notifications.iter().find(|one| one.id == told.teller);
    let contact = call.map_or(contact, |call| &call.contact);
    let by = Actor { contact: Some(contact.clone()), name: desk.name_of(contact), through: Through::Reply };
    let after = desk.apply_to_told(store, told.teller, Some(told.last), &mut |alert, _| match (alert.state, wish) {
        (State::Open | State::Expired, Wish::Acknowledge) => Some(Event::Acknowledge { by: by.clone(), within: None }),
        (State::Open, Wish::Escalate) => Some(Event::Escalate { by: by.clone(), within: None }),
        (State::Open | State::Expired | State::Acknowledged | State::Resolved, _) => None,
    })?;
    let only_own = matches!(after.as_slice(), [alert] if alert.id == told.alert.id);
    let phrase = match (after.len(), wish) {
        (0, _) => return Ok(desk.standing(&told.alert, contact)),
        (1, Wish::Acknowledge) if only_own => Phrase::Yours,
        (_, Wish::Acknowledge) => Phrase::AllYours,
        (_, Wish::Escalate | Wish::Resolve | Wish::TakeOver) => Phrase::AllNextCalled,
    };
    Ok(desk.text(contact, phrase, &About { count: after.len(), ..About::of(&told.alert) }))
}

fn carry_out(
    desk: &Desk,
    store: &mut dyn Store,
    alert: &Alert,
    number: &Phone,
    contact: &ContactId,
    wish: Wish,
) -> store::Result<String> {
    // Of several who share a telephone it is the one who was told.
    let contact =
        alert.notifications.iter().rev().find(|one| one.to.phone() == Some(number)).map_or(contact, |one| &one.contact);
    act(desk, store, alert, (contact, Through::Reply), wish)
}

/// Does what a contact wants with an alert. Returns what to answer.
fn act(
    desk: &Desk,
    store: &mut dyn Store,
    alert: &Alert,
    (contact, through): (&ContactId, Through),
    wish: Wish,
) -> store::Result<String> {
    let late = match (alert.state, wish) {
        (State::Open | State::Expired, _) | (State::Acknowledged, Wish::Resolve | Wish::TakeOver) => false,
        (State::Acknowledged, Wish::Escalate) => alert.taken_by.as_ref() != Some(contact),
        (State::Acknowledged, Wish::Acknowledge) | (State::Resolved, _) => true,
    };
    if late {
        return Ok(desk.standing(alert, contact));
    }
    let by = Actor { contact: Some(contact.clone()), name: desk.name_of(contact), through };
    let name = by.name.clone();
    let event = match wish {
        Wish::Acknowledge => Event::Acknowledge { by, within: None },
        Wish::TakeOver => Event::TakeOver { by },
        Wish::Resolve => Event::Resolve { by, within: None },
        Wish::Escalate => Event::Escalate { by, within: None },
    };
    let after = desk.apply(store, alert.id, &event)?;
    let phrase = match wish {
        // Somebody else may have been a moment faster.
        Wish::Acknowledge | Wish::TakeOver if after.acknowledged_by.as_deref() == Some(name.as_str()) => Phrase::Yours,
        Wish::Resolve => Phrase::Resolved,
        Wish::Escalate if after.state == State::Open && after.progress != alert.progress => Phrase::NextCalled,
        Wish::Escalate if after.state == State::Open => Phrase::NobodyFurther,
        Wish::Acknowledge | Wish::TakeOver | Wish::Escalate => return Ok(desk.standing(&after, contact)),
    };
    Ok(desk.text(contact, phrase, &About::of(&after)))
}

/// The one alert that somebody has, of those of which they were told.
fn theirs<'a>(told: &'a [Alert], contact: &ContactId) -> Option<&'a Alert> {
    let mut theirs =
        told.iter().filter(|alert| alert.state == State::Acknowledged && alert.taken_by.as_ref() == Some(contact));
    theirs.next().filter(|_| theirs.next().is_none())
}

fn brief(alert: &Alert) -> String {
    let subject: String = alert.subject.chars().take(30).collect();
    format!("{} {}", alert.code, subject.trim())
}
