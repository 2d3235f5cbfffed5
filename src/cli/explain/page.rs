//! An explanation as a page for a person: who would be called and why stands at its head, everything else below it in
//! the order in which it came about.

use std::fmt::Write as _;

use super::{conditions, then};
use crate::cli::layout::{BAD, FAINT, HEADING, NOTE, PLAIN, Room, Styled, hang};
use crate::cli::terminal;
use crate::engine::self_test;
use crate::explain::Explanation;
use crate::rules::Judgement;

/// So much of the new text is shown, in lines.
const TEXT_LINES: usize = 30;
/// So many addresses that nobody knows are named.
const STRANGERS: usize = 5;
/// Names of facts stand in a column of this width.
pub const COLUMN: usize = 11;

/// The whole page.
pub fn page(explanation: &Explanation<'_>, width: usize) -> String {
    let mut page = String::new();
    headline(&mut page, explanation, width);
    mail(&mut page, explanation, width);
    new_text(&mut page, explanation, width);
    for (recipient, judgement) in &explanation.judged.judgements {
        heading(&mut page, &rules_heading(explanation, recipient), &counted(judgement));
        conditions::rules(&mut page, judgement, explanation.judged.mail.is_automatic(), width);
    }
    for (wish, meeting, held) in explanation.wishes() {
        then::wish(&mut page, explanation, wish, (meeting, held), width);
    }
    page
}

/// Adds a heading, with something faint beside it.
pub fn heading(page: &mut String, words: &str, aside: &str) {
    let aside = if aside.is_empty() { String::new() } else { format!("  {FAINT}{aside}{FAINT:#}") };
    let _ = writeln!(page, "\n{HEADING}{words}{HEADING:#}{aside}");
}

/// Adds a named fact.
pub fn fact(page: &mut String, name: &str, value: &str, width: usize) {
    let lead = format!("{FAINT}{name:<COLUMN$}{FAINT:#}");
    let value = terminal::one_line(value);
    let room = Room { width, most: 4 };
    hang(page, 2, &lead, COLUMN, &Styled { text: &value, style: PLAIN, mark: None }, room);
}

/// What happens, and why, in a line or two for each wish.
fn headline(page: &mut String, explanation: &Explanation<'_>, width: usize) {
    let judged = explanation.judged;
    for problem in &judged.intake.problems {
        let words = format!("{problem}; the mail server would keep the mail");
        line(page, " KEPT ", BAD.invert(), &terminal::one_line(&words), width);
    }
    for (wish, meeting, held) in explanation.wishes() {
        let mut headline = then::headline(explanation, wish, meeting);
        if meeting.alert().is_none() && !held.is_empty() {
            headline.because.push("a limit holds some of that back: see below".to_owned());
        }
        line(page, &headline.badge, headline.style.invert(), &headline.words, width);
        for detail in headline.because {
            let detail = Styled { text: &detail, style: PLAIN, mark: None };
            hang(page, 0, &" ".repeat(9), 9, &detail, Room { width, most: 3 });
        }
    }
    if judged.intake.wishes.is_empty() && judged.intake.problems.is_empty() {
        line(page, " NOBODY ", FAINT.invert(), &format!("Nobody would be called. {}", why_not(explanation)), width);
    }
    for heartbeat in &judged.intake.heartbeats {
        let (name, comes) = (terminal::one_line(&heartbeat.name), terminal::one_line(&heartbeat.comes()));
        let words = format!("It is the heartbeat `{name}`, which must come: {comes}.");
        line(page, " BEAT ", NOTE.invert(), &words, width);
    }
    if judged.config.self_test.is_some() && self_test::mark_of(&judged.mail.message).is_some() {
        let words = "It carries the mark of a self-test: while that is outstanding, no rule is asked.";
        line(page, " TEST ", NOTE.invert(), words, width);
    }
    if let Some(trouble) = &explanation.trouble {
        let words = format!("what is open already is not known: {}", terminal::one_line(trouble));
        line(page, " ? ", NOTE.invert(), &words, width);
    }
}

fn line(page: &mut String, badge: &str, style: anstyle::Style, words: &str, width: usize) {
    let style = style.bold();
    let lead = format!("{style}{badge}{style:#}{}", " ".repeat(9_usize.saturating_sub(badge.chars().count())));
    let text = Styled { text: words, style: HEADING, mark: None };
    hang(page, 0, &lead, 9.max(badge.chars().count()), &text, Room { width, most: 4 });
}

fn why_not(explanation: &Explanation<'_>) -> String {
    let judged = explanation.judged;
    if judged.mail.message.own {
        return "It is thialfi's own mail, and no rule asks for those.".to_owned();
    }
    if let Some(name) = judged.deciding().first() {
        return format!("The rule `{}` says `ignore`.", terminal::one_line(name));
    }
    if judged.mail.is_automatic() {
        return "It is an automatic answer or a bounce, and no rule asks for those (`auto = true`).".to_owned();
    }
    if !judged.intake.heartbeats.is_empty() {
        return "No rule matches, and it is a mail that must come.".to_owned();
    }
    if judged.intake.known.is_empty() {
        return "No rule matches.".to_owned();
    }
    "No rule matches, and `[defaults] unmatched` is `ignore`.".to_owned()
}

fn mail(page: &mut String, explanation: &Explanation<'_>, width: usize) {
    let judged = explanation.judged;
    let message = &judged.mail.message;
    heading(page, "Mail", "");
    let short = |text: &str| terminal::short(text, 300);
    fact(page, "from", &short(message.header("From").unwrap_or("-")), width);
    if let Some(sender) = &judged.mail.envelope.sender {
        fact(page, "sender", if sender.is_empty() { "<> (the null sender)" } else { sender }, width);
    }
    fact(page, "subject", &short(message.subject()), width);
    for recipient in &judged.intake.known {
        let group = judged.config.recipient(recipient).map(|known| known.group.to_string()).unwrap_or_default();
        fact(page, "to", &format!("{} (group {group})", short(recipient)), width);
    }
    for recipient in judged.intake.unknown.iter().take(STRANGERS) {
        fact(page, "to", &format!("{} (not under [recipients])", short(recipient)), width);
    }
    if judged.intake.unknown.len() > STRANGERS {
        fact(page, "", &format!("and {} more that are not", judged.intake.unknown.len() - STRANGERS), width);
    }
    fact(page, "at", &then::full_time(explanation, explanation.now()), width);
    if judged.mail.is_automatic() {
        fact(page, "automatic", "yes: only rules with `auto = true` see it", width);
    }
}

fn new_text(page: &mut String, explanation: &Explanation<'_>, width: usize) {
    let message = &explanation.judged.mail.message;
    let quoted = message.quoted().lines().filter(|line| !line.trim().is_empty()).count();
    let aside = match quoted {
        0 => String::new(),
        1 => "1 more line is quoted, and does not count".to_owned(),
        n => format!("{n} more lines are quoted, and do not count"),
    };
    heading(page, "New text", &aside);
    let text = terminal::lines(message.new_text().trim_end());
    if text.trim().is_empty() {
        let why = if quoted == 0 { "(none)" } else { "(none: everything in it is quoted)" };
        let _ = writeln!(page, "  {FAINT}{why}{FAINT:#}");
        return;
    }
    let bar = format!("{FAINT}│{FAINT:#} ");
    for line in text.lines().take(TEXT_LINES) {
        let line = Styled { text: line.trim_end(), style: PLAIN, mark: None };
        hang(page, 2, &bar, 2, &line, Room { width, most: 3 });
    }
    let more = text.lines().count().saturating_sub(TEXT_LINES);
    if more > 0 {
        let _ = writeln!(page, "  {FAINT}│ … {more} more lines{FAINT:#}");
    }
}

fn rules_heading(explanation: &Explanation<'_>, recipient: &str) -> String {
    if explanation.judged.judgements.len() > 1 {
        format!("Rules, for {}", terminal::one_line(recipient))
    } else {
        "Rules".to_owned()
    }
}

/// `1 of 5 matches`.
fn counted(judgement: &Judgement<'_>) -> String {
    let matching = judgement.matched().count();
    match (matching, judgement.verdicts.len()) {
        (_, 0) => String::new(),
        (0, 1) => "it does not match".to_owned(),
        (0, all) => format!("none of {all} matches"),
        (1, all) => format!("1 of {all} matches"),
        (some, all) => format!("{some} of {all} match"),
    }
}
