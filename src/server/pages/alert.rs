//! One alert: what it says, what was sent to whom and how that ended, its mails as text, and everything that happened.

use jiff::Timestamp;
use serde::Serialize;

use super::act::number;
use super::alerts::{Card, card, contact_name};
use super::time::{At, Times};
use super::{Answer, Asked};
use crate::alert::{Alert, Decision, Delivery, Entry, EntryKind, Fact, MailFact, Notification, Purpose};
use crate::config::Config;
use crate::oncall::Override;
use crate::report::alert::carrier;
use crate::report::story::{self, gap};
use crate::server::Routes;
use crate::store::{self, KeptMail, Store};

#[derive(Serialize)]
struct Page {
    alert: Card,
    facts: Vec<(&'static str, String)>,
    attempts: Vec<Attempt>,
    mails: Vec<Mail>,
    /// How many mails came that are not kept.
    unkept: u64,
    days: Vec<Day>,
    /// What became of the button that was pressed, where that is not seen otherwise.
    said: Option<&'static str>,
}

/// One call, text or mail that was sent, or is to be.
#[derive(Debug, Serialize)]
struct Attempt {
    number: u32,
    contact: String,
    /// `call`, `sms`, `email`.
    by: &'static str,
    to: String,
    step: String,
    made: At,
    outcome: String,
    /// How it stands: `wait`, `good`, `bad`, `plain`: the class of its colour and shape.
    mood: &'static str,
    provider: String,
    provider_id: String,
    tries: u32,
}

/// A mail of the alert.
#[derive(Debug, Serialize)]
struct Mail {
    number: u32,
    from: String,
    subject: String,
    received: At,
    recipients: String,
    text: String,
    quoted: String,
    cut: bool,
}

/// What happened on a day.
#[derive(Debug, Serialize)]
struct Day {
    name: String,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    iso: String,
    clock: String,
    /// Since the line before: `+2m10s`.
    since: Option<String>,
    /// The class of its colour.
    kind: &'static str,
    text: String,
    details: Vec<String>,
}

/// What the store knows of it.
struct Known {
    alert: Alert,
    history: Vec<Entry>,
    mails: Vec<KeptMail>,
    overrides: Vec<Override>,
    end: Timestamp,
}

/// The page.
pub(super) fn page(routes: &Routes, asked: &Asked<'_>, id: &str) -> Answer {
    let config = &routes.desk.config;
    let frame = routes.frame(asked, "alerts");
    let found = match number(id) {
        Some(id) => routes.with_store(|store| known(store, id, asked.now)),
        None => Err(store::Error::NoAlert(crate::alert::AlertId(0))),
    };
    let known = match found {
        Ok(known) => known,
        Err(store::Error::NoAlert(_)) => {
            let why = "It may have been removed: what is over is kept for as long as `[store] keep` says.";
            return Ok(frame.message(404, "There is no such alert", why));
        }
        Err(error) => return Err(error),
    };
    let Known { alert, mut history, mails, overrides, end } = known;
    story::add_duties(&mut history, &alert, &overrides, &config.roster, end);
    let kept = u64::try_from(mails.len()).unwrap_or_default();
    let page = Page {
        facts: facts(&alert, &history),
        attempts: alert.notifications.iter().map(|one| attempt(one, &history, config, frame.times)).collect(),
        unkept: u64::from(alert.mails).saturating_sub(kept),
        mails: mails.into_iter().map(|mail| shown(mail, frame.times)).collect(),
        days: days(&history, frame.times),
        said: (asked.query("said").as_deref() == Some(super::act::NOBODY_FURTHER))
            .then_some("Nobody else can be called: it goes on as before."),
        alert: card(&alert, config, frame.times, &asked.visitor),
    };
    Ok(frame.page_for(asked.request, "alert.html", page))
}

fn known(store: &mut dyn Store, id: crate::alert::AlertId, now: Timestamp) -> store::Result<Known> {
    let alert = store.alert(id)?;
    let history = store.history(id)?;
    let end = story::end(&alert, &history, now);
    let overrides = store.overrides_between(alert.opened_at, end)?;
    let mails = store.mails(id)?;
    Ok(Known { alert, history, mails, overrides, end })
}

/// What it is about; what there is not is left out.
fn facts(alert: &Alert, history: &[Entry]) -> Vec<(&'static str, String)> {
    let without_rule = alert.opens_without_rule();
    let rule = match alert.rule.as_str() {
        "" => "none matched; the address is known",
        rule => rule,
    };
    let again = history.iter().filter(|line| line.kind == EntryKind::Duplicate).count();
    let mails = match (alert.mails, again) {
        (count, 0) => count.to_string(),
        (count, 1) => format!("{count}; one came again"),
        (count, again) => format!("{count}; {again} times one came again"),
    };
    let facts = [
        (if without_rule { "Opened by" } else { "Rule" }, rule.to_owned()),
        ("Key", alert.key.clone()),
        ("Address", alert.recipients.join(", ")),
        ("Mails", mails),
        ("Policy", alert.policy.name.clone()),
        ("Spoken", alert.say.clone()),
        ("Texted", alert.text.clone()),
    ];
    facts.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect()
}

fn attempt(one: &Notification, history: &[Entry], config: &Config, times: Times<'_>) -> Attempt {
    let answer = carrier(one, history);
    let with = one.told_by.map(|by| format!(" (told with alert {})", by.alert)).unwrap_or_default();
    let (outcome, mood) = match &one.delivery {
        Delivery::Due { at, .. } => (format!("to be sent {}", times.at(*at).short), "wait"),
        Delivery::Held { until, limit, .. } => {
            (format!("held until {}: the limit of {limit} is full", times.at(*until).short), "wait")
        }
        Delivery::Claimed { .. } => ("being sent".to_owned(), "wait"),
        Delivery::Accepted { status, .. } => (status.clone(), "wait"),
        Delivery::Ended { outcome, detail, .. } => {
            let words = outcome.word().replace('-', " ");
            let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
            (format!("{words}{detail}"), if outcome.may_have_reached() { "good" } else { "bad" })
        }
    };
    let mood = match (&one.delivery, one.purpose) {
        (Delivery::Ended { outcome: crate::alert::Outcome::Withdrawn, .. }, _) => "plain",
        _ => mood,
    };
    Attempt {
        number: one.id.number,
        contact: contact_name(config, &one.contact),
        by: one.channel.word(),
        to: one.to.to_string(),
        step: match one.purpose {
            Purpose::Page if one.round > 0 => format!("step {}.{} again", one.step + 1, one.attempt + 1),
            Purpose::Page => format!("step {}.{}", one.step + 1, one.attempt + 1),
            Purpose::News => "news".to_owned(),
        },
        made: times.at(one.created_at),
        outcome: outcome + &with,
        mood,
        provider: answer.map(|answer| answer.provider.clone()).unwrap_or_default(),
        provider_id: answer.and_then(|answer| answer.provider_id.clone()).unwrap_or_default(),
        tries: one.tries,
    }
}

fn shown(mail: KeptMail, times: Times<'_>) -> Mail {
    Mail {
        number: mail.number,
        from: mail.text.from,
        subject: mail.text.subject,
        received: times.at(mail.received_at),
        recipients: mail.recipients.join(", "),
        text: mail.text.new_text.trim_end().to_owned(),
        quoted: mail.text.quoted.trim_end().to_owned(),
        cut: mail.text.cut,
    }
}

/// The history, day by day.
fn days(history: &[Entry], times: Times<'_>) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    let mut before: Option<Timestamp> = None;
    for entry in history {
        let name = times.day(entry.at);
        let since = before.map(|before| entry.at.duration_since(before)).filter(|gap| gap.as_secs() > 0);
        let line = Line {
            iso: entry.at.to_string(),
            clock: times.clock(entry.at),
            since: since.map(|since| format!("+{}", gap(since))),
            kind: class(entry.kind),
            text: entry.text.clone(),
            details: match &entry.fact {
                Some(Fact::Mail(mail)) => of_mail(mail),
                _ => Vec::new(),
            },
        };
        match days.last_mut() {
            Some(day) if day.name == name => day.lines.push(line),
            _ => days.push(Day { name, lines: vec![line] }),
        }
        before = Some(before.map_or(entry.at, |before| before.max(entry.at)));
    }
    days
}

fn class(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Opened | EntryKind::Reopened => "opened",
        EntryKind::Acknowledged | EntryKind::Resolved => "good",
        EntryKind::Expired | EntryKind::Trouble => "bad",
        EntryKind::Duty => "duty",
        EntryKind::Duplicate | EntryKind::Callback => "faint",
        EntryKind::Joined | EntryKind::Step | EntryKind::Sent | EntryKind::Status | EntryKind::Human => "plain",
    }
}

/// The mail behind a line, and what decided about it.
fn of_mail(mail: &MailFact) -> Vec<String> {
    let mut letter = vec![format!("from {}", if mail.from.is_empty() { "nobody" } else { &mail.from })];
    if matches!(mail.decision, Decision::Closed | Decision::Joined) {
        letter.push(format!("subject {}", mail.subject));
    }
    letter.extend(mail.message_id.as_ref().map(|id| format!("Message-ID {id}")));
    let rule = mail.rule.as_ref().map_or("no rule matched".to_owned(), |rule| format!("rule {rule}"));
    let captures: Vec<String> = mail.captures.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let captures = if captures.is_empty() { String::new() } else { format!(": {}", captures.join(", ")) };
    let mut lines = vec![letter.join("; "), format!("{rule} ({}){captures}", mail.action)];
    lines.extend(mail.notes.iter().cloned());
    lines
}
