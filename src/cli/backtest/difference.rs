//! `--against`: the mails that two rule files judge differently, and what that comes to.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use super::Setting;
use super::judge::{Ask, Judged};
use super::play::Played;
use super::report::{self, NO_RULE, number, plural};
use super::summary::Summary;
use crate::cli::terminal;

const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const BEFORE: Style = AnsiColor::Red.on_default();
const AFTER: Style = AnsiColor::Green.on_default();

/// What one rule file makes of the archive.
pub struct Side<'a, 'c> {
    /// Its path.
    pub name: String,
    /// The alerts.
    pub played: &'a Played<'c>,
    /// Counted.
    pub summary: &'a Summary<'c>,
}

/// One JSON object a line for each mail that is judged differently.
pub fn json_lines(setting: &Setting<'_>, mails: &[&Judged<'_>]) -> String {
    let mut text = String::new();
    for mail in mails {
        let side = |asks: &[Ask<'_>]| -> Vec<Value> {
            asks.iter()
                .map(|ask| json!({ "action": ask.action, "rule": ask.rule, "group": ask.group, "key": ask.key, "policy": ask.policy.name }))
                .collect()
        };
        let line = json!({
            "at": mail.at.to_string(),
            "file": setting.path(mail.file),
            "mail": (mail.number > 0).then_some(mail.number),
            "subject": mail.subject,
            "before": side(&mail.asks),
            "after": side(&mail.other),
            "problems_before": mail.problems,
            "problems_after": mail.other_problems,
        });
        let _ = writeln!(text, "{line}");
    }
    text
}

/// The mails, three lines each, and the sums.
pub fn page(setting: &Setting<'_>, mails: &[&Judged<'_>], before: &Side<'_, '_>, after: &Side<'_, '_>) -> String {
    let mut text = String::new();
    for mail in mails {
        let place = terminal::one_line(&setting.place(mail.file, mail.number));
        let subject = if mail.subject.is_empty() { "(no subject)" } else { &mail.subject };
        let subject = terminal::short(subject, 100);
        let _ = writeln!(text, "{HEADING}{subject}{HEADING:#}  {FAINT}{}  {place}{FAINT:#}", setting.local(mail.at));
        let (gone, come) = (words(&mail.asks, &mail.problems), words(&mail.other, &mail.other_problems));
        let _ = writeln!(text, "  {BEFORE}- {gone}{BEFORE:#}");
        let other = if gone == come { format!("{come}, in other words or by another policy") } else { come };
        let _ = writeln!(text, "  {AFTER}+ {other}{AFTER:#}");
    }
    if !mails.is_empty() {
        text.push('\n');
    }
    let (before_name, after_name) = (terminal::one_line(&before.name), terminal::one_line(&after.name));
    let _ = writeln!(text, "{BEFORE}- {before_name}{BEFORE:#}\n{AFTER}+ {after_name}{AFTER:#}");
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(text, "{FAINT}{name:<8}{FAINT:#} {value}");
    };
    fact("mails", &report::mails(setting));
    let judged = match mails.len() {
        0 => "all judged alike".to_owned(),
        count => format!("{} judged differently", plural(count as u64, "mail")),
    };
    fact("differ", &judged);
    let change = |count: fn(&Side<'_, '_>) -> u64| format!("{} → {}", number(count(before)), number(count(after)));
    fact("alerts", &change(|side| side.played.alerts.len() as u64));
    fact("calls", &change(|side| side.summary.total.calls));
    fact("texts", &change(|side| side.summary.total.texts));
    fact("at night", &change(|side| side.summary.total.night));
    fact("read in", &setting.rate());
    text
}

/// What is asked for, on one line.
fn words(asks: &[Ask<'_>], problems: &[String]) -> String {
    let asks = asks.iter().map(|ask| {
        let action = ask.action.word();
        format!("{action} {} by {}, key {}", ask.group, ask.rule.unwrap_or(NO_RULE), terminal::short(&ask.key, 60))
    });
    let all: Vec<String> = asks.chain(problems.iter().cloned()).map(|part| terminal::one_line(&part)).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join("; ") }
}
