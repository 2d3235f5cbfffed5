//! The whole story of an alert as a page for a person: how it stands, what it is about, everything that happened with
//! its times and the gaps between them, and what was sent to whom.

use std::fmt::Write as _;

use anstyle::Style;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::alert::{Alert, Decision, Delivery, Entry, EntryKind, Fact, MailFact, Notification, Policy, Purpose, State};
use crate::cli::layout::{BAD, FAINT, GOOD, HEADING, NOTE, PLAIN, Room, Styled, hang};
use crate::cli::table::Table;
use crate::cli::terminal;
use crate::report::alert::carrier;
use crate::report::story::gap;
use crate::store::KeptMail;

/// Names of facts stand in a column of this width.
const COLUMN: usize = 10;
/// Time and gap stand before each line: `15:00:01  +2m10s    `.
const TIMES: usize = 20;
/// So many lines of a mail's text are shown.
const LINES: usize = 40;
/// A line of it takes so many lines of the page at most.
const FOLDS: usize = 4;

/// What the page is made of.
#[derive(Clone, Copy)]
pub struct Told<'t> {
    /// The alert.
    pub alert: &'t Alert,
    /// Its history, with who was on call.
    pub history: &'t [Entry],
    /// The newest of its mails whose text was kept.
    pub newest: Option<&'t KeptMail>,
    /// In which times are told.
    pub zone: &'t TimeZone,
    /// The present time.
    pub now: Timestamp,
}

/// The whole page.
pub fn page(told: &Told<'_>, width: usize) -> String {
    let mut page = String::new();
    headline(&mut page, told, width);
    about(&mut page, told.alert, width);
    happened(&mut page, told, width);
    sent(&mut page, told, width);
    if let Some(mail) = told.newest {
        says(&mut page, mail, width);
    }
    page
}

/// How it stands, in two lines.
fn headline(page: &mut String, told: &Told<'_>, width: usize) {
    let alert = told.alert;
    let style = match alert.state {
        State::Acknowledged => NOTE,
        State::Resolved => GOOD,
        State::Open | State::Expired => BAD,
    };
    let lead = format!("{HEADING}Alert {} ({}){HEADING:#} is ", alert.id, alert.code);
    let lead = format!("{lead}{style}{}{style:#}: ", alert.state.word());
    let lead_width = format!("Alert {} ({}) is {}: ", alert.id, alert.code, alert.state.word()).len();
    let subject = terminal::one_line(&alert.subject);
    let subject = Styled { text: &subject, style: HEADING, mark: None };
    hang(page, 0, &lead, lead_width, &subject, Room { width, most: 4 });
    let mut parts = vec![format!("opened {}", full(alert.opened_at, told.zone))];
    if let (Some(at), Some(who)) = (alert.acknowledged_at, &alert.acknowledged_by) {
        parts.push(format!("acknowledged by {who} after {}", gap(at.duration_since(alert.opened_at))));
    }
    match (alert.state, alert.ended_at) {
        (State::Open, _) => parts.push(format!("open for {}", gap(told.now.duration_since(alert.opened_at)))),
        (State::Resolved | State::Expired, Some(at)) => {
            parts.push(format!("{} after {}", alert.state.word(), gap(at.duration_since(alert.opened_at))));
        }
        (State::Acknowledged | State::Resolved | State::Expired, _) => {}
    }
    if let Some(next) = alert.next_at {
        parts.push(format!("looked at again {}", full(next, told.zone)));
    }
    let parts = terminal::one_line(&parts.join("; "));
    hang(page, 2, "", 0, &Styled { text: &parts, style: PLAIN, mark: None }, Room { width, most: 4 });
    page.push('\n');
}

/// What it is about.
fn about(page: &mut String, alert: &Alert, width: usize) {
    let without_rule = alert.opens_without_rule();
    let rule = match alert.rule.as_str() {
        "" => "none matched; the recipient is known",
        what if without_rule => what,
        rule => rule,
    };
    let facts = [
        ("group", alert.group.to_string()),
        (if without_rule { "opened by" } else { "rule" }, rule.to_owned()),
        ("key", alert.key.clone()),
        ("to", alert.recipients.join(", ")),
        ("mails", alert.mails.to_string()),
        ("policy", alert.policy.name.clone()),
        ("spoken", alert.say.clone()),
        ("texted", alert.text.clone()),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let lead = format!("{FAINT}{name:<COLUMN$}{FAINT:#}");
        let value = Styled { text: &terminal::one_line(value), style: PLAIN, mark: None };
        hang(page, 2, &lead, COLUMN, &value, Room { width, most: 6 });
    }
}

/// Everything that happened.
fn happened(page: &mut String, told: &Told<'_>, width: usize) {
    let zone = told.zone.iana_name().unwrap_or("local time");
    let mut day = String::new();
    let mut before: Option<Timestamp> = None;
    for line in told.history {
        let local = line.at.to_zoned(told.zone.clone());
        let today = local.strftime("%a %-d %b %Y, %:z").to_string();
        if today != day {
            let place = if day.is_empty() { format!("  {FAINT}{zone}{FAINT:#}") } else { String::new() };
            let _ = writeln!(page, "\n{HEADING}{today}{HEADING:#}{place}");
            day = today;
        }
        let since = before.map(|before| line.at.duration_since(before)).filter(|gap| gap.as_secs() > 0);
        let since = since.map(|since| format!("+{}", gap(since))).unwrap_or_default();
        let lead = format!("{FAINT}{}{FAINT:#}  {since:<10}", local.strftime("%H:%M:%S"));
        let text = terminal::one_line(&format!("{}{}", line.text, key(line)));
        let text = Styled { text: &text, style: style(line.kind), mark: None };
        hang(page, 2, &lead, TIMES, &text, Room { width, most: 9 });
        if let Some(Fact::Mail(mail)) = &line.fact {
            for detail in of_mail(mail, told.zone) {
                let detail = Styled { text: &terminal::one_line(&detail), style: FAINT, mark: None };
                hang(page, 2 + TIMES, "", 0, &detail, Room { width, most: 6 });
            }
        }
        before = Some(before.map_or(line.at, |before| before.max(line.at)));
    }
}

fn style(kind: EntryKind) -> Style {
    match kind {
        EntryKind::Opened => HEADING,
        EntryKind::Acknowledged | EntryKind::Resolved => GOOD,
        EntryKind::Expired => BAD,
        EntryKind::Trouble | EntryKind::Duty | EntryKind::Reopened => NOTE,
        EntryKind::Duplicate | EntryKind::Callback => FAINT,
        EntryKind::Joined | EntryKind::Step | EntryKind::Sent | EntryKind::Status | EntryKind::Human => PLAIN,
    }
}

/// Which key did it, where the sentence does not say so.
fn key(line: &Entry) -> String {
    match &line.fact {
        Some(Fact::Person(person)) if !person.name.is_empty() => {
            person.key.map(|key| format!(" [key {key}]")).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// The mail behind a line, and what decided about it.
fn of_mail(mail: &MailFact, zone: &TimeZone) -> Vec<String> {
    let mut letter = vec![format!("from {}", if mail.from.is_empty() { "nobody" } else { &mail.from })];
    if matches!(mail.decision, Decision::Closed) {
        letter.push(format!("subject {}", mail.subject));
    }
    letter.push(mail.message_id.as_ref().map_or("no Message-ID".to_owned(), |id| format!("Message-ID {id}")));
    letter.extend(mail.written_at.map(|at| format!("written {}", full(at, zone))));
    if !mail.recipients.is_empty() {
        letter.push(format!("to {}", mail.recipients.join(", ")));
    }
    let rule = match &mail.rule {
        Some(rule) => format!("rule {rule}"),
        None if mail.action == Policy::SELF_TEST => "no rule was asked".to_owned(),
        None => "no rule matched".to_owned(),
    };
    let captures: Vec<String> = mail.captures.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let captures = if captures.is_empty() { String::new() } else { format!(": {}", captures.join(", ")) };
    let mut lines = vec![letter.join("; "), format!("{rule} ({}){captures}", mail.action)];
    lines.extend(mail.notes.iter().cloned());
    lines
}

/// What was sent, to whom, by whom, and how that ended.
fn sent(page: &mut String, told: &Told<'_>, width: usize) {
    if told.alert.notifications.is_empty() {
        return;
    }
    let _ = writeln!(page, "\n{HEADING}Notifications{HEADING:#}");
    let mut table = Table::new(&["#", "CONTACT", "BY", "TO", "STEP", "PROVIDER", "TRIES", "ENDED", "ID"]);
    for one in &told.alert.notifications {
        let answer = carrier(one, told.history);
        table.row([
            one.id.number.to_string(),
            one.contact.to_string(),
            one.channel.word().to_owned(),
            one.to.to_string(),
            step(one),
            answer.map_or("-".to_owned(), |answer| answer.provider.clone()),
            one.tries.to_string(),
            outcome(one, told.zone),
            answer.and_then(|answer| answer.provider_id.clone()).unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    for line in table.render(width.saturating_sub(2)).lines() {
        let _ = writeln!(page, "  {line}");
    }
}

/// What a mail says that is new, line by line.
fn says(page: &mut String, mail: &KeptMail, width: usize) {
    let text = mail.text.new_text.trim_end();
    if text.trim().is_empty() {
        return;
    }
    let name = terminal::short(&mail.text.subject, width.saturating_sub(20).max(20));
    let _ = writeln!(page, "\n{HEADING}The newest mail: {name}{HEADING:#}");
    let mut lines = text.lines().skip_while(|line| line.trim().is_empty());
    for line in lines.by_ref().take(LINES) {
        // What stands at the beginning of a line may mean something: it is kept, and what is folded stands under it.
        let words = line.trim();
        if words.is_empty() {
            page.push('\n');
            continue;
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        let styled = Styled { text: &terminal::one_line(words), style: PLAIN, mark: None };
        hang(page, 2 + indent.min(width / 3), "", 0, &styled, Room { width, most: FOLDS });
    }
    let left = lines.count();
    if left > 0 || mail.text.cut {
        let more = if left > 0 { format!("… {left} more lines; --json has them") } else { "… cut".to_owned() };
        let _ = writeln!(page, "  {FAINT}{more}{FAINT:#}");
    }
}

/// `2.1`: step and attempt as a person counts them; news has none.
fn step(one: &Notification) -> String {
    match one.purpose {
        Purpose::Page if one.round > 0 => format!("{}.{} again", one.step + 1, one.attempt + 1),
        Purpose::Page => format!("{}.{}", one.step + 1, one.attempt + 1),
        Purpose::News => "news".to_owned(),
    }
}

fn outcome(one: &Notification, zone: &TimeZone) -> String {
    let with = one.told_by.map(|by| format!(" (told with alert {})", by.alert)).unwrap_or_default();
    let words = match &one.delivery {
        Delivery::Due { .. } => "not sent yet".to_owned(),
        Delivery::Held { until, limit, .. } => {
            let until = until.to_zoned(zone.clone()).strftime("%H:%M:%S");
            format!("held until {until}: {limit} is full")
        }
        Delivery::Claimed { .. } => "being sent".to_owned(),
        Delivery::Accepted { status, .. } => format!("not yet: {status}"),
        Delivery::Ended { outcome, .. } => outcome.word().to_owned(),
    };
    words + &with
}

/// `Mon 2 Nov 2026 15:00:00 +13:00`.
fn full(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %-d %b %Y %H:%M:%S %:z").to_string()
}
