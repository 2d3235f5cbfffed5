//! `[[rules]]`: from tables to checked rules.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::reader::Purpose;
use super::templates::Known;
use super::value::{At, Table};
use super::{Scope, conditions, samples, time};
use crate::rules::{Action, Rule};

pub(super) const KEYS: &[&str] =
    &["name", "when", "set", "action", "group", "policy", "key", "window", "say", "sms", "continue"];

pub(super) const ACTIONS: &[(&str, Action)] = &[
    ("call", Action::Call),
    ("sms", Action::Sms),
    ("page", Action::Page),
    ("resolve", Action::Resolve),
    ("acknowledge", Action::Acknowledge),
    ("ignore", Action::Ignore),
];

/// The longest window: a year.
pub(super) const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Reads the rules of all files, in order, with the place of each.
pub(super) fn read(scope: &Scope<'_>) -> (Vec<Rule>, Vec<At>) {
    let reader = scope.reader;
    let (mut rules, mut places): (Vec<Rule>, Vec<At>) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, At> = HashMap::new();
    for table in reader.tables("rules") {
        if let Some(value) = table.get("name")
            && let Some(name) = value.as_text()
            && let Some(first) = seen.insert(name.trim().to_owned(), value.at)
        {
            let message = format!("there are two rules `{}`", name.trim());
            reader.error_hint(value.at, message, format!("the other is at {}", reader.place(first)));
        }
        if let Some(rule) = rule(scope, table) {
            samples::check(reader, table, &rule);
            places.push(table.at);
            rules.push(rule);
        }
    }
    (rules, places)
}

fn rule(scope: &Scope<'_>, table: Table<'_>) -> Option<Rule> {
    let reader = scope.reader;
    reader.only(table, KEYS);
    let name = reader.need(table, "name", "\"disk-full\"").and_then(|value| reader.words(value));
    let action = reader.need(table, "action", "\"call\"").and_then(|value| reader.choice(value, ACTIONS));
    let mut found = conditions::Found::default();
    if let Some(set) = table.get("set").filter(|set| set.is_table()).and_then(|set| reader.table(set)) {
        found.set = set.entries().iter().map(|entry| entry.key.to_owned()).collect();
    }
    let when = table.get("when");
    if when.is_none() {
        reader.error_hint(table.at, "`when` is missing", "to match every mail, write `when = []`");
    }
    let when = when.and_then(|value| conditions::read(scope, value, &mut found));
    let mut known = Known::to_begin_with(reader);
    if reader.purpose == Purpose::Check {
        known.add(found.captures);
    }
    let set = set(scope, table, &mut known);
    let template = |key: &str| {
        let value = table.get(key)?;
        let source = reader.words(value)?;
        known.check(reader, value, source);
        Some(source.to_owned())
    };
    let (key, say, sms) = (template("key"), template("say"), template("sms"));
    let group = table.get("group").and_then(|value| reader.parsed(value, |text| scope.names.groups.find(text)));
    let policy = table.get("policy").and_then(|value| reader.parsed(value, |text| scope.names.policies.find(text)));
    let window = table.get("window").and_then(|value| {
        reader.parsed(value, |text| time::duration_within(text, SignedDuration::ZERO, LONGEST_WINDOW))
    });
    let goes_on = table.get("continue").map_or(Some(false), |value| reader.truth(value));
    Some(Rule {
        name: name?.trim().to_owned(),
        when: when?,
        count: found.count,
        set: set?,
        action: action?,
        group: group.map(str::to_owned),
        policy: policy.map(str::to_owned),
        key,
        window,
        say,
        sms,
        goes_on: goes_on?,
    })
}

/// The variables of `set`, in the order of the file; each template may use the ones before it.
fn set(scope: &Scope<'_>, table: Table<'_>, known: &mut Known) -> Option<Vec<(String, String)>> {
    let reader = scope.reader;
    let Some(value) = table.get("set") else { return Some(Vec::new()) };
    let mut variables = Vec::new();
    for entry in reader.table(value)?.entries() {
        let first_is_fine = entry.key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !first_is_fine || !entry.key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            let message = format!("`{}` cannot be the name of a variable", entry.key);
            reader.error_hint(entry.key_at, message, "use letters, digits and `_`, and begin with a letter");
        }
        let Some(source) = reader.text(entry.value) else { continue };
        known.check(reader, entry.value, source);
        known.add([entry.key.to_owned()]);
        variables.push((entry.key.to_owned(), source.to_owned()));
    }
    Some(variables)
}
