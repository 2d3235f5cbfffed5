//! `[[tests]]`: a mail, and what the rules shall make of it. Read and checked by `check` alone, run by `check --mail`;
//! every other command passes over them.

use std::path::PathBuf;

use super::moment::Moment;
use super::reader::{Purpose, Reader};
use super::rule_entries;
use super::scalar::Fault;
use super::suggest::{listed, nearest};
use super::value::{At, Table, Value};
use super::{Scope, beside};
use crate::rules::{Action, Rule};

pub(super) const KEYS: &[&str] = &[
    "name",
    "mail",
    "rule",
    "action",
    "group",
    "key",
    "recipient",
    "sender",
    "at",
    "variables",
    "say",
    "say_contains",
    "sms",
    "sms_contains",
];

/// Those that say what is expected.
const EXPECTATIONS: &[&str] =
    &["rule", "action", "group", "key", "variables", "say", "say_contains", "sms", "sms_contains"];

/// The word for "no rule" and "nothing is done".
const NONE: &str = "none";

/// A `[[tests]]` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestEntry {
    /// What it is called: `name`, else the mail.
    pub name: String,
    /// Where it stands: `rules.toml:12:1`.
    pub place: String,
    /// The file of the mail, as written.
    pub mail: PathBuf,
    /// The same beside the rule file that has the entry, or in its `mail_dir`.
    pub beside: PathBuf,
    /// The envelope's recipients; empty: what the headers say.
    pub recipients: Vec<String>,
    /// The envelope's sender.
    pub sender: Option<String>,
    /// When the mail comes; `None`: when it was written.
    pub at: Option<Moment>,
    /// What is expected.
    pub expected: Expected,
}

/// What a test expects; what is `None` or empty may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The rule that decides; `Some(None)`: none does.
    #[allow(clippy::option_option)] // "nothing is expected" and "nothing shall match" are two things
    pub rule: Option<Option<String>>,
    /// What is done; `Some(None)`: nothing.
    #[allow(clippy::option_option)]
    pub action: Option<Option<Action>>,
    /// Whose alert it is.
    pub group: Option<String>,
    /// The key of the alert.
    pub key: Option<String>,
    /// Variables by name.
    pub variables: Vec<(String, String)>,
    /// What is spoken.
    pub say: Option<String>,
    /// What is spoken among other words.
    pub say_contains: Vec<String>,
    /// What is texted, without the code.
    pub sms: Option<String>,
    /// What is texted among other words.
    pub sms_contains: Vec<String>,
}

/// Reads `[[tests]]` of all files, in order, unless nobody will ask for them.
pub(super) fn read(scope: &Scope<'_>, rules: &[Rule]) -> Vec<TestEntry> {
    let reader = scope.reader;
    if reader.purpose != Purpose::Check {
        return Vec::new();
    }
    let mut entries = Vec::new();
    for root in reader.roots() {
        let Some(value) = root.get("tests") else { continue };
        let directory =
            root.get("mail_dir").and_then(|value| Some(beside(reader, value.at, reader.words(value)?.as_ref())));
        if value.is_table() {
            let hint = "write `[[tests]]`, with two brackets, before each of them";
            reader.error_hint(value.at, "`tests` is a list of tables", hint);
            continue;
        }
        for item in reader.list(value).unwrap_or_default() {
            let entry = reader.table(item).and_then(|table| entry(scope, table, directory.as_ref(), rules));
            entries.extend(entry);
        }
    }
    entries
}

fn entry(scope: &Scope<'_>, table: Table<'_>, directory: Option<&PathBuf>, rules: &[Rule]) -> Option<TestEntry> {
    let reader = scope.reader;
    reader.only(table, KEYS);
    let words = |key: &str| table.get(key).and_then(|value| reader.words(value)).map(str::to_owned);
    // What is expected to be empty may be: an empty variable, say.
    let text = |key: &str| table.get(key).and_then(|value| reader.text(value)).map(str::to_owned);
    let several = |key: &str| -> Vec<String> {
        let values = table.get(key).map(|value| reader.one_or_list(value)).unwrap_or_default();
        values.into_iter().filter_map(|value| reader.words(value)).map(str::to_owned).collect()
    };
    let mail = reader.need(table, "mail", "\"mail/disk-full.eml\"").and_then(|value| {
        let mail = PathBuf::from(reader.words(value)?);
        let beside = match directory {
            Some(directory) => directory.join(&mail),
            None => beside(reader, value.at, &mail),
        };
        Some((mail, beside))
    });
    let at = table.get("at").and_then(|value| moment(reader, value));
    let group = table.get("group").and_then(|value| reader.parsed(value, |text| scope.names.groups.find(text)));
    let expected = Expected {
        rule: table.get("rule").and_then(|value| reader.parsed(value, |text| rule(text, rules))),
        action: table.get("action").and_then(|value| reader.choice(value, &actions())),
        group: group.map(str::to_owned),
        key: text("key"),
        variables: variables(reader, table),
        say: text("say"),
        say_contains: several("say_contains"),
        sms: text("sms"),
        sms_contains: several("sms_contains"),
    };
    if EXPECTATIONS.iter().all(|key| table.get(key).is_none()) {
        reader.warn(table.at, "this test expects nothing", "say which `rule` decides, or `rule = \"none\"`");
    }
    let (mail, beside) = mail?;
    Some(TestEntry {
        name: words("name").unwrap_or_else(|| mail.display().to_string()),
        place: reader.place(table.at),
        mail,
        beside,
        recipients: several("recipient"),
        sender: text("sender"),
        at,
        expected,
    })
}

/// A moment between quotes, or a date and time of TOML's own.
fn moment(reader: &Reader<'_>, value: Value<'_>) -> Option<Moment> {
    let parse = |text: &str| {
        text.parse::<Moment>().map_err(|_| {
            Fault::new(format!("`{text}` is no time"))
                .hint("write `2026-11-02T03:00:00+13:00`, `2026-11-02 03:00`, `03:00` or `Sat 03:00`")
        })
    };
    match value.raw.as_datetime() {
        Some(written) => parse(&written.to_string()).map_err(|fault| reader.fault(value, fault)).ok(),
        None => reader.parsed(value, parse),
    }
}

fn rule(text: &str, rules: &[Rule]) -> Result<Option<String>, Fault> {
    if text == NONE || rules.iter().any(|rule| rule.name == text) {
        return Ok((text != NONE).then(|| text.to_owned()));
    }
    let names = || rules.iter().map(|rule| rule.name.as_str()).chain([NONE]);
    let fault = Fault::new(format!("there is no rule `{text}`"));
    Err(match nearest(text, names()) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None if names().count() <= 12 => fault.hint(format!("there is {}", listed(names()))),
        None => fault,
    })
}

fn actions() -> Vec<(&'static str, Option<Action>)> {
    let known = rule_entries::ACTIONS.iter().map(|(word, action)| (*word, Some(*action)));
    known.chain([(NONE, None)]).collect()
}

fn variables(reader: &Reader<'_>, table: Table<'_>) -> Vec<(String, String)> {
    let Some(value) = table.get("variables") else { return Vec::new() };
    let entries = reader.table(value).map(Table::entries).unwrap_or_default();
    let read = |value: Value<'_>| match value.scalar() {
        Some(text) => Some(text),
        None => reader.text(value).map(str::to_owned),
    };
    entries.into_iter().filter_map(|entry| Some((entry.key.to_owned(), read(entry.value)?))).collect()
}

/// Complains of `mail_dir` where it means nothing.
pub(super) fn check_at(reader: &Reader<'_>) {
    for root in reader.roots() {
        if let (Some(value), None) = (root.get("mail_dir"), root.get("tests")) {
            let at: At = value.at;
            reader.warn(at, "`mail_dir` has no effect: there are no `[[tests]]` in this file", "leave it out");
        }
    }
}
