//! Texts from people: which alert they mean, and what becomes of it.

use jiff::{SignedDuration, Timestamp};

use super::Desk;
use crate::alert::{Actor, Alert, Code, Event, State, Through};
use crate::oncall::{ContactId, Phone};
use crate::provider::Text;
use crate::store::{self, Store};

/// Codes are not given again for so long, so a late reply means the alert that it names.
const CODES_HOLD: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A reply without a code means an alert of which its sender was told within so long.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// What a reply says, apart from which alert it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Acknowledge,
    Resolve,
    Escalate,
}

/// Takes in a text that came from `from`, once for each `id`. Returns what to answer. People whom the rule file does
/// not know get no answer.
///
/// # Errors
/// When the store fails: then the text counts as not received.
pub fn receive(desk: &Desk, store: &mut dyn Store, id: &str, from: &str, body: &str) -> store::Result<Option<String>> {
    let Some((number, contact)) =
        from.parse::<Phone>().ok().and_then(|number| desk.contact_of(&number).map(|contact| (number, contact)))
    else {
        tracing::info!("a text from a number that is no contact's is ignored");
        return Ok(None);
    };
    let now = desk.now();
    let answer = react(desk, store, &number, &contact, body, now)?;
    // Remembered after it took effect: a crash in between does it twice, which an acknowledgement bears.
    let first = store.first_time(id, now)?;
    Ok(answer.filter(|_| first))
}

/// Sends the answer to a reply that did not come by webhook.
pub fn answer(desk: &Desk, to: &str, body: String) {
    let (Some(provider), Ok(to)) = (&desk.provider, to.parse::<Phone>()) else { return };
    if let Err(refusal) = provider.text(&Text { to, body, status_url: None }) {
        tracing::warn!(?refusal, "an answer to a reply could not be sent");
    }
}

fn react(
    desk: &Desk,
    store: &mut dyn Store,
    number: &Phone,
    contact: &ContactId,
    body: &str,
    now: Timestamp,
) -> store::Result<Option<String>> {
    let words: Vec<String> = body
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(50)
        .map(str::to_uppercase)
        .collect();
    if is_opt_out(&words) || is_machine(&words) || words.is_empty() {
        return Ok(None);
    }
    let mut named = Vec::new();
    for word in words.iter().filter(|word| looks_like_code(word)) {
        if let Some(id) = store.by_code(&Code(word.clone()), now - CODES_HOLD)? {
            let alert = store.alert(id)?;
            if !named.iter().any(|known: &Alert| known.id == alert.id) {
                named.push(alert);
            }
        }
    }
    let wish = wish(&words);
    if !named.is_empty() {
        let mut answers = Vec::new();
        for alert in named {
            answers.push(carry_out(desk, store, &alert, contact, wish)?);
        }
        return Ok(Some(answers.join(" ")));
    }
    let mut told = Vec::new();
    for id in store.notified(number, now - TOLD_WITHIN)? {
        told.push(store.alert(id)?);
    }
    let open: Vec<&Alert> = told.iter().filter(|alert| alert.state == State::Open).collect();
    match open.as_slice() {
        [alert] => Ok(Some(carry_out(desk, store, alert, contact, wish)?)),
        // Late: nothing is open any more, so say who had it.
        [] => Ok(told.first().map(standing)),
        several => {
            let list: Vec<String> = several.iter().take(5).map(|alert| brief(alert)).collect();
            Ok(Some(format!("Which one? Reply with its code: {}", list.join("; "))))
        }
    }
}

fn carry_out(
    desk: &Desk,
    store: &mut dyn Store,
    alert: &Alert,
    contact: &ContactId,
    wish: Wish,
) -> store::Result<String> {
    let late = match (alert.state, wish) {
        (State::Open | State::Expired, _) | (State::Acknowledged, Wish::Resolve) => false,
        (State::Acknowledged, Wish::Acknowledge | Wish::Escalate) | (State::Resolved, _) => true,
    };
    if late {
        return Ok(standing(alert));
    }
    let by = Actor { contact: Some(contact.clone()), name: desk.name_of(contact), through: Through::Reply };
    let event = match wish {
        Wish::Acknowledge => Event::Acknowledge { by, within: None },
        Wish::Resolve => Event::Resolve { by, within: None },
        Wish::Escalate => Event::Escalate { by, within: None },
    };
    let after = desk.apply(store, alert.id, &event)?;
    let code = &alert.code;
    Ok(match wish {
        Wish::Acknowledge => format!("{code} is yours."),
        Wish::Resolve => format!("{code} is over."),
        Wish::Escalate if after.state == State::Open => format!("{code}: the next one is called."),
        Wish::Escalate => standing(&after),
    })
}

/// Where an alert stands, for somebody who comes late.
fn standing(alert: &Alert) -> String {
    let who = alert.acknowledged_by.as_deref().unwrap_or("nobody");
    let code = &alert.code;
    match alert.state {
        State::Open => format!("{code} is still open."),
        State::Acknowledged => format!("{code}: {who} has it."),
        State::Resolved => format!("{code} is over; {who} had it."),
        State::Expired => format!("{code}: nobody took it. Reply {code} to take it."),
    }
}

fn brief(alert: &Alert) -> String {
    let subject: String = alert.subject.chars().take(30).collect();
    format!("{} {}", alert.code, subject.trim())
}

fn looks_like_code(word: &str) -> bool {
    (2..=6).contains(&word.len())
        && word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().skip(1).all(|c| c.is_ascii_uppercase())
}

fn wish(words: &[String]) -> Wish {
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if any(&["DONE", "RESOLVE", "RESOLVED", "OVER", "FIXED", "CLOSE", "CLOSED"]) {
        Wish::Resolve
    } else if any(&["ESCALATE", "NEXT", "PASS", "CANNOT", "CANT"]) {
        Wish::Escalate
    } else {
        Wish::Acknowledge
    }
}

/// The words by which a handset, not a human on call, ends the conversation (TWILIO "Opt-out keywords"), and the one
/// that resumes it.
fn is_opt_out(words: &[String]) -> bool {
    const OPT_OUT: [&str; 12] = [
        "STOP",
        "UNSUBSCRIBE",
        "END",
        "QUIT",
        "STOPALL",
        "REVOKE",
        "OPTOUT",
        "CANCEL",
        "START",
        "UNSTOP",
        "HELP",
        "INFO",
    ];
    matches!(words, [word] if OPT_OUT.contains(&word.as_str()))
}

/// Handsets that answer by themselves: nobody has read the text.
fn is_machine(words: &[String]) -> bool {
    let has = |word: &str| words.iter().any(|other| other == word);
    has("DRIVING") || has("AUTOREPLY") || has("AUTOMATED") || (has("AUTO") && has("REPLY")) || has("AUTOMATIC")
}
