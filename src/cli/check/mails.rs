//! `check --mail`: plays the `[[tests]]` of a rule file, and tells of those that fail what was expected, what came
//! instead, and why.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::explain::conditions;
use crate::cli::layout::{BAD, FAINT, GOOD, HEADING};
use crate::cli::terminal;
use crate::config::{Config, Expected, TestEntry};
use crate::explain::{Judged, Mail};
use crate::intake::{Forgetful, Wish};
use crate::notify::{sms, speech};
use crate::rules::{Action, ConditionReport, RuleVerdict};

/// How a test ended.
pub struct Played<'c> {
    /// The test.
    pub entry: &'c TestEntry,
    /// Which file its mail was.
    pub path: PathBuf,
    /// What was not as expected; nothing: it passed.
    pub differences: Vec<Difference>,
    /// Why, in sentences.
    why: Vec<String>,
    /// The conditions that explain it.
    conditions: Vec<ConditionReport>,
}

/// One thing that was not as expected.
pub struct Difference {
    /// Which: `rule`, `variable issue`.
    what: String,
    expected: String,
    found: String,
}

/// Plays all tests. Their mails are looked for in `directory`, or where the rule file says. `now` is when a mail comes
/// that does not say when it was written.
pub fn play<'c>(config: &'c Config, directory: Option<&Path>, now: Timestamp) -> Vec<Played<'c>> {
    config.tests.iter().map(|entry| play_one(config, entry, directory, now)).collect()
}

fn play_one<'c>(config: &'c Config, entry: &'c TestEntry, directory: Option<&Path>, now: Timestamp) -> Played<'c> {
    let path = directory.map_or_else(|| entry.beside.clone(), |directory| directory.join(&entry.mail));
    let mut played = Played { entry, path, differences: Vec::new(), why: Vec::new(), conditions: Vec::new() };
    let mail = match Mail::read(&played.path, entry.sender.as_deref(), &entry.recipients) {
        Ok(mail) => mail,
        Err(error) => {
            let reason = error.to_string();
            played.differ("mail", &played.path.display().to_string(), &format!("it cannot be read: {reason}"));
            return played;
        }
    };
    // A test must end tomorrow as it did today, whatever the hours that its rules look at.
    let written = mail.date().unwrap_or(now);
    let at = entry.at.as_ref().map_or(written, |at| at.resolve(written, &config.defaults.time_zone));
    // Most tests pass. Why one fails takes longer to find out than that it does.
    if let Ok(judged) = Judged::briefly(config, &mail, at, &mut Forgetful) {
        compare(&judged, &entry.expected, &mut played);
        if played.passed() {
            return played;
        }
    }
    let mut played = Played { differences: Vec::new(), why: Vec::new(), conditions: Vec::new(), ..played };
    match Judged::new(config, &mail, at, &mut Forgetful) {
        Ok(judged) => compare(&judged, &entry.expected, &mut played),
        Err(error) => played.differ("rules", "a judgement", &error.to_string()),
    }
    played
}

impl Played<'_> {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }

    /// One object; `differences` is empty when it passed.
    pub fn json(&self) -> Value {
        let differences: Vec<Value> = self
            .differences
            .iter()
            .map(|one| json!({ "what": one.what, "expected": one.expected, "found": one.found }))
            .collect();
        json!({
            "name": self.entry.name,
            "place": self.entry.place,
            "mail": self.path,
            "passed": self.passed(),
            "differences": differences,
            "why": self.why,
            "conditions": self.conditions,
        })
    }

    /// A line when it passed, else what was expected, what came, and why.
    pub fn page(&self, width: usize) -> String {
        let mut page = String::new();
        let name = terminal::one_line(&self.entry.name);
        let (sign, style) = if self.passed() { ("✓", GOOD) } else { ("✗", BAD) };
        let _ = write!(page, "{style}{sign}{style:#} {HEADING}{name}{HEADING:#}");
        if self.passed() {
            page.push('\n');
            return page;
        }
        let mail = terminal::one_line(&self.path.display().to_string());
        let _ = writeln!(page, "  {FAINT}{} with {mail}{FAINT:#}", terminal::one_line(&self.entry.place));
        let column = self.differences.iter().map(|one| one.what.chars().count()).max().unwrap_or(0);
        for one in &self.differences {
            let (expected, found) = (terminal::short(&one.expected, 300), terminal::short(&one.found, 300));
            let _ = writeln!(page, "    {:<column$}  expected {expected}", terminal::one_line(&one.what));
            let _ = writeln!(page, "    {:<column$}  {BAD}found{BAD:#}    {found}", "");
        }
        for why in &self.why {
            let _ = writeln!(page, "    {FAINT}{}{FAINT:#}", terminal::one_line(why));
        }
        for report in &self.conditions {
            conditions::condition(&mut page, report, 6, true, width);
        }
        page
    }

    fn differ(&mut self, what: &str, expected: &str, found: &str) {
        self.differences.push(Difference {
            what: what.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        });
    }

    fn same(&mut self, what: &str, expected: Option<&str>, found: Option<&str>) {
        let Some(expected) = expected else { return };
        if found != Some(expected) {
            self.differ(what, &quoted(expected), &found.map_or_else(|| "nothing".to_owned(), quoted));
        }
    }
}

fn quoted(text: &str) -> String {
    format!("`{text}`")
}

fn compare(judged: &Judged<'_>, expected: &Expected, played: &mut Played<'_>) {
    let deciding = judged.deciding();
    let named = expected.rule.as_ref().and_then(Option::as_deref);
    let wish = match named {
        Some(name) => judged.intake.wishes.iter().find(|wish| wish.rule.is_some_and(|rule| rule.name == name)),
        None => judged.intake.wishes.first(),
    };
    compare_rule(judged, expected, &deciding, played);
    compare_action(judged, expected, wish, &deciding, played);
    if named.is_some_and(|name| !deciding.contains(&name)) {
        // The rest follows from that.
        explain(judged, played);
        return;
    }
    played.same("group", expected.group.as_deref(), wish.map(|wish| wish.arrival.group.as_str()));
    played.same("key", expected.key.as_deref(), wish.map(|wish| wish.arrival.key.as_str()));
    for (name, value) in &expected.variables {
        played.same(&format!("variable {name}"), Some(value), variable(judged, wish, named, name));
    }
    compare_words(expected, wish, &judged.config.voice.language, played);
    for note in wish.into_iter().flat_map(|wish| &wish.notes) {
        played.differ("templates", "that all can be rendered", note);
    }
    explain(judged, played);
}

/// What else is to be said of a test that failed.
fn explain(judged: &Judged<'_>, played: &mut Played<'_>) {
    if !played.passed() {
        played.why.extend(judged.intake.problems.iter().map(ToString::to_string));
        if judged.mail.is_automatic() {
            played.why.push("it is an automatic answer or a bounce: only rules with `auto = true` see it".to_owned());
        }
    }
}

fn compare_rule(judged: &Judged<'_>, expected: &Expected, deciding: &[&str], played: &mut Played<'_>) {
    let Some(rule) = &expected.rule else { return };
    let found = match deciding {
        [] => "none".to_owned(),
        names => names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(" and "),
    };
    let verdicts = || judged.judgements.iter().flat_map(|(_, judgement)| &judgement.verdicts);
    match rule.as_deref() {
        None if deciding.is_empty() => {}
        None => {
            played.differ("rule", "none", &found);
            let decider = verdicts().find(|verdict| verdict.considered && verdict.matched);
            played.conditions.extend(decider.into_iter().flat_map(|verdict| verdict.conditions.clone()));
        }
        Some(name) if deciding.contains(&name) => {}
        Some(name) => {
            played.differ("rule", &quoted(name), &found);
            if let Some(verdict) = verdicts().find(|verdict| verdict.rule.name == name) {
                why_not(verdict, deciding, played);
            }
        }
    }
}

/// Why the rule that was expected did not decide.
fn why_not(verdict: &RuleVerdict<'_>, deciding: &[&str], played: &mut Played<'_>) {
    let name = quoted(&verdict.rule.name);
    if verdict.matched {
        played.why.push(match deciding.first() {
            Some(first) => format!("{name} matches, too, but `{first}` comes first and decides"),
            None => format!("{name} matches, but is passed over"),
        });
        return;
    }
    played.why.push(format!("{name} does not match:"));
    played.conditions.extend(verdict.conditions.iter().filter(|report| !report.matched).cloned());
}

fn compare_action(
    judged: &Judged<'_>,
    expected: &Expected,
    wish: Option<&Wish<'_>>,
    deciding: &[&str],
    played: &mut Played<'_>,
) {
    let Some(action) = expected.action else { return };
    let named = expected.rule.as_ref().and_then(Option::as_deref).filter(|name| deciding.contains(name));
    let decider = named.or(deciding.first().copied());
    let of_rule = decider.and_then(|name| judged.config.rules.rules.iter().find(|rule| rule.name == name));
    let found = of_rule.map(|rule| rule.action).or(wish.map(|wish| wish.action));
    let same = match (action, found) {
        (None, None | Some(Action::Ignore)) => true,
        (Some(wanted), Some(found)) => wanted == found,
        (None, Some(_)) | (Some(_), None) => false,
    };
    if !same {
        played.differ("action", word(action), word(found));
    }
}

/// The word of the rule file for an action.
fn word(action: Option<Action>) -> &'static str {
    match action {
        None => "none",
        Some(Action::Call) => "call",
        Some(Action::Sms) => "sms",
        Some(Action::Page) => "page",
        Some(Action::Resolve) => "resolve",
        Some(Action::Acknowledge) => "acknowledge",
        Some(Action::Ignore) => "ignore",
    }
}

/// A variable as templates see it; of a rule that asks for nothing, its captures.
fn variable<'j>(judged: &'j Judged<'_>, wish: Option<&'j Wish<'_>>, rule: Option<&str>, name: &str) -> Option<&'j str> {
    let of = |values: &'j [(String, String)]| values.iter().rfind(|(known, _)| known == name).map(|(_, v)| v.as_str());
    if let Some(wish) = wish {
        return of(&wish.variables.values);
    }
    let verdicts = judged.judgements.iter().flat_map(|(_, judgement)| judgement.matched());
    verdicts
        .filter(|verdict| rule.is_none_or(|rule| verdict.rule.name == rule))
        .find_map(|verdict| of(&verdict.captures))
}

fn compare_words(expected: &Expected, wish: Option<&Wish<'_>>, language: &str, played: &mut Played<'_>) {
    let said = wish.map(|wish| (wish.arrival.say.as_str(), speech::spoken(&wish.arrival.say, language)));
    let texted = wish.map(|wish| {
        let sent = sms::compose("", &wish.arrival.text, crate::engine::send::TEXT_SEGMENTS);
        (wish.arrival.text.as_str(), sent.trim().to_owned())
    });
    let spoken = |text: &str| speech::spoken(text, language);
    let sent = |text: &str| sms::compose("", text, crate::engine::send::TEXT_SEGMENTS).trim().to_owned();
    for (what, whole, parts, found, clean) in [
        ("say", &expected.say, &expected.say_contains, said, &spoken as &dyn Fn(&str) -> String),
        ("sms", &expected.sms, &expected.sms_contains, texted, &sent),
    ] {
        let (raw, cleaned) = found.unwrap_or(("", String::new()));
        // What a template says, and what becomes of it on its way to the ear or the telephone, are both right.
        if let Some(whole) = whole
            && whole.trim() != raw.trim()
            && clean(whole) != cleaned
        {
            played.differ(what, &quoted(whole), &quoted(&cleaned));
        }
        for part in parts {
            if !raw.contains(part) && !cleaned.contains(part) {
                played.differ(what, &format!("words with {}", quoted(part)), &quoted(&cleaned));
            }
        }
    }
}
