//! What a backtest prints: the alerts, the calendar, the counts; or one JSON object a line.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::play::{Alert, Notification, Played};
use super::summary::{Count, Summary};
use super::{Setting, calendar};
use crate::alert::Channel;
use crate::archive::Trouble;
use crate::cli::table::{Table, terminal_width};
use crate::cli::terminal;

const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default();

/// So many troubles are named; of the others, how many there are.
const NAMED: usize = 10;

/// The words for mails that no rule wanted.
pub const NO_RULE: &str = "(no rule, known recipient)";

/// One JSON object a line.
pub fn json_lines(setting: &Setting<'_>, played: &Played<'_>) -> String {
    let mut text = String::new();
    for alert in &played.alerts {
        let _ = writeln!(text, "{}", json_of(setting, alert));
    }
    text
}

fn json_of(setting: &Setting<'_>, alert: &Alert<'_>) -> Value {
    let value = |one: &Notification| {
        let at = alert.at.checked_add(one.after).unwrap_or(alert.at);
        json!({ "at": at.to_string(), "contact": one.contact, "by": one.channel })
    };
    let notifications: Vec<Value> = alert.notifications.iter().map(value).collect();
    let folded: Vec<Value> = alert.folded.iter().map(value).collect();
    json!({
        "at": alert.at.to_string(),
        "file": setting.path(alert.file),
        "mail": (alert.number > 0).then_some(alert.number),
        "rule": alert.rule,
        "group": alert.group,
        "key": alert.key,
        "digest": alert.digest.to_string(),
        "contact": alert.contact(),
        "action": alert.action,
        "subject": alert.subject,
        "recipients": alert.recipients,
        "mails": alert.mails,
        "state": alert.final_state().word(),
        "calls": alert.count(Channel::Call),
        "texts": alert.count(Channel::Text),
        "notifications": notifications,
        "folded": folded,
    })
}

/// The whole report for a person.
pub fn page(setting: &Setting<'_>, played: &Played<'_>, summary: &Summary<'_>) -> String {
    let mut text = String::new();
    if played.alerts.is_empty() {
        let _ = writeln!(text, "{HEADING}Nobody would have been called.{HEADING:#}");
    } else {
        text.push_str(&alerts(setting, played));
        if summary.total.all() > 0 {
            let zone = setting.zone.iana_name().unwrap_or("local time");
            let _ = writeln!(text, "\n{HEADING}Calls and texts by hour{HEADING:#} {FAINT}({zone}){FAINT:#}");
            text.push_str(&calendar::week(summary));
            text.push('\n');
            text.push_str(&calendar::bars(summary));
        }
    }
    text.push('\n');
    text.push_str(&counts(setting, played, summary));
    text
}

fn alerts(setting: &Setting<'_>, played: &Played<'_>) -> String {
    let mut table = Table::new(&["AT", "WHO", "BY", "RULE", "KEY", "FILE"]);
    for alert in &played.alerts {
        let who = alert.contact().map_or("nobody", |contact| contact.as_str());
        let more = (alert.notifications.len() + alert.folded.len()).saturating_sub(1);
        let by = match (alert.notifications.first(), alert.folded.first()) {
            (Some(first), _) => first.channel.word(),
            (None, Some(_)) => "folded",
            (None, None) => "-",
        };
        table.row([
            setting.local(alert.at),
            if more > 0 { format!("{who} +{more}") } else { who.to_owned() },
            by.to_owned(),
            alert.rule.unwrap_or(NO_RULE).to_owned(),
            terminal::short(&alert.key, 60),
            setting.place(alert.file, alert.number),
        ]);
    }
    table.render(terminal_width())
}

fn counts(setting: &Setting<'_>, played: &Played<'_>, summary: &Summary<'_>) -> String {
    let mut text = String::new();
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(text, "{FAINT}{name:<8}{FAINT:#} {value}");
    };
    fact("mails", &mails(setting));
    fact("wanted", &wanted(played));
    fact("alerts", &outcome(played, summary, setting));
    fact("calls", &total(summary.total));
    if summary.folded > 0 {
        fact("folded", &format!("{} told in another call or text, by the limits", number(summary.folded)));
    }
    let rate = setting.rate();
    fact("read in", &rate);
    if summary.rules.len() > 1 || !played.alerts.is_empty() {
        let mut table = Table::new(&["RULE", "MAILS", "ALERTS", "CALLS", "TEXTS", "AT NIGHT"]);
        for (name, rule) in summary.rules_by_noise() {
            let name = if name.is_empty() { NO_RULE } else { name };
            let Count { calls, texts, night } = rule.count;
            table.row(
                [name.to_owned()]
                    .into_iter()
                    .chain([rule.mails, rule.alerts, calls, texts, night].map(|count| count.to_string())),
            );
        }
        let _ = write!(text, "\n{}", table.render(terminal_width()));
        let mut table = Table::new(&["CONTACT", "CALLS", "TEXTS", "AT NIGHT"]);
        for (name, Count { calls, texts, night }) in summary.contacts_by_noise() {
            table.row([name.to_owned()].into_iter().chain([calls, texts, night].map(|count| count.to_string())));
        }
        if !summary.contacts.is_empty() {
            let _ = write!(text, "\n{}", table.render(terminal_width()));
        }
    }
    if summary.silent > 0 {
        let _ = writeln!(
            text,
            "\n{BAD}Of {} nobody would have been told: their groups had nobody to call.{BAD:#}",
            plural(summary.silent, "alert")
        );
    }
    text
}

/// How many mails there were, and from when.
pub fn mails(setting: &Setting<'_>) -> String {
    let mut text = number(setting.judged);
    if let Some((first, last)) = setting.span {
        let _ = write!(text, ", {} to {}", setting.local(first), setting.local(last));
    }
    if setting.outside > 0 {
        let _ = write!(text, "; {} outside of --since and --until", number(setting.outside));
    }
    if setting.undated > 0 {
        let _ = write!(text, "; {} without a date of their own", number(setting.undated));
    }
    text
}

fn wanted(played: &Played<'_>) -> String {
    let mut text = number(played.wanted_mails);
    if played.joined > 0 {
        let _ = write!(text, "; {} joined an alert that was there", number(played.joined));
    }
    if played.repeated > 0 {
        let _ = write!(text, "; {} had come before", number(played.repeated));
    }
    if played.closed + played.idle > 0 {
        let _ = write!(text, "; {} closed an alert, {} found none", number(played.closed), number(played.idle));
    }
    text
}

fn outcome(played: &Played<'_>, summary: &Summary<'_>, setting: &Setting<'_>) -> String {
    let mut text = number(played.alerts.len() as u64);
    let mut ends = Vec::new();
    if summary.acknowledged > 0 {
        ends.push(match setting.patience {
            Some(after) => format!("{} acknowledged (after {after:#}, or by mail)", number(summary.acknowledged)),
            None => format!("{} acknowledged by mail", number(summary.acknowledged)),
        });
    }
    if summary.resolved > 0 {
        ends.push(format!("{} resolved", number(summary.resolved)));
    }
    if summary.expired > 0 {
        ends.push(format!("{} played to the end", number(summary.expired)));
    }
    if !ends.is_empty() {
        let _ = write!(text, ": {}", ends.join(", "));
    }
    text
}

/// Calls and texts in words.
pub fn total(count: Count) -> String {
    let night = if count.night > 0 { format!("; {} at night (22–7)", number(count.night)) } else { String::new() };
    format!("{}, {}{night}", plural(count.calls, "call"), plural(count.texts, "text"))
}

/// What stood in the way, on standard error: one line each, and how many more.
pub fn troubles(troubles: &[Trouble], count: u64) -> Vec<String> {
    let mut lines: Vec<String> = troubles
        .iter()
        .take(NAMED)
        .map(|trouble| {
            let number = if trouble.number > 0 { format!("#{}", trouble.number) } else { String::new() };
            format!("`{}{number}`: {}", trouble.path.display(), trouble.what)
        })
        .collect();
    let more = count.saturating_sub(lines.len() as u64);
    if more > 0 {
        lines.push(format!("and {} more like these", number(more)));
    }
    lines
}

/// `1 call`, `1,234 calls`.
pub fn plural(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", number(count), if count == 1 { "" } else { "s" })
}

/// `1,234,567`.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Setting<'_> {
    /// A moment by the clocks of the rule file's time zone.
    pub fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string()
    }

    /// The path of a file of the archive.
    pub fn path(&self, file: usize) -> String {
        self.files.get(file).map(|file| file.path.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// A mail's file, and its number in an mbox.
    pub fn place(&self, file: usize, number: u64) -> String {
        let path = self.path(file);
        if number > 0 { format!("{path}#{number}") } else { path }
    }

    /// How long reading took, and how many mails a second that is.
    #[allow(clippy::cast_precision_loss)] // three digits are shown
    pub fn rate(&self) -> String {
        let seconds = self.took.as_secs_f64().max(1e-6);
        let rate = self.read as f64 / seconds;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a rate is small and positive
        let rate = rate.round() as u64;
        let megabytes = self.bytes as f64 / 1e6;
        let threads = if self.jobs == 1 { "1 thread".to_owned() } else { format!("{} threads", self.jobs) };
        format!("{seconds:.2} s: {} mails/s, {:.1} MB/s, {threads}", number(rate), megabytes / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_things_counted() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((plural(1, "call"), plural(2000, "call")), ("1 call".to_owned(), "2,000 calls".to_owned()));
    }

    #[test]
    fn troubles_beyond_ten_are_counted() {
        let trouble = |number| Trouble { path: "box".into(), number, what: "it is empty".to_owned() };
        let lines = troubles(&(1..=12).map(trouble).collect::<Vec<_>>(), 400);
        assert_eq!((lines.len(), lines[0].as_str()), (11, "`box#1`: it is empty"));
        assert_eq!(lines[10], "and 390 more like these");
    }
}
