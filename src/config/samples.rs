//! A rule's templates, rendered with what its conditions are sure to capture: what is missing then, and what is too long
//! even when every name is short. Only `check` asks.

use std::collections::BTreeSet;

use super::reader::{Purpose, Reader};
use super::templates::word_offset;
use super::value::{Table, Value};
use super::variables::BUILT_IN_VARIABLES;
use crate::notify::template::{self, Variables};
use crate::notify::{sms, speech};
use crate::rules::Rule;
use crate::rules::proof::certain_captures;

/// Stands for every variable: short, a word and a number.
const SAMPLE: &str = "1";

/// Warns of templates that may miss a variable, and of words that are always cut.
pub(super) fn check(reader: &Reader<'_>, table: Table<'_>, rule: &Rule) {
    if reader.purpose != Purpose::Check {
        return;
    }
    let certain = certain_captures(&rule.when);
    let captured: BTreeSet<&str> = rule.capture_names().into_iter().collect();
    let uncertain: Vec<&str> =
        captured.iter().copied().filter(|name| !certain.iter().any(|known| known == name)).collect();
    let sample = Sample { captured: &captured, uncertain: &uncertain };
    for (key, source, without) in [
        ("key", &rule.key, "this mail would be an alert of its own"),
        ("say", &rule.say, "the subject would be said instead"),
        ("sms", &rule.sms, "the subject would be sent instead"),
    ] {
        if let (Some(source), Some(value)) = (source, table.get(key)) {
            sample.missing(reader, rule, value, source, without);
        }
    }
    let set = table.get("set").filter(|value| value.is_table()).and_then(|value| reader.table(value));
    for (name, source) in &rule.set {
        if let Some(value) = set.and_then(|set| set.get(name)) {
            sample.missing_in_set(reader, value, source, name);
        }
    }
    too_long(reader, table, rule, &sample);
}

struct Sample<'r> {
    captured: &'r BTreeSet<&'r str>,
    uncertain: &'r [&'r str],
}

impl Sample<'_> {
    /// What templates can use when all captures but one are filled.
    fn variables(&self, rule: &Rule, sources: &[&str], without: Option<&str>) -> Variables {
        let built_in = BUILT_IN_VARIABLES.iter().copied();
        let names = built_in.chain(self.captured.iter().copied()).filter(|name| Some(*name) != without);
        let headers = sources.iter().chain(&set_sources(rule)).flat_map(|source| headers(source)).collect();
        let mut variables =
            Variables { values: names.map(|name| (name.to_owned(), SAMPLE.to_owned())).collect(), headers, seed: 0 };
        for (name, source) in &rule.set {
            if let Ok(value) = template::render(source, &variables) {
                variables.values.push((name.clone(), value));
            }
        }
        variables
    }

    /// Warns of each capture without which the template fails although it can be rendered with it.
    fn missing(&self, reader: &Reader<'_>, rule: &Rule, value: Value<'_>, source: &str, so: &str) {
        if self.uncertain.is_empty() || template::render(source, &self.variables(rule, &[source], None)).is_err() {
            return;
        }
        for name in self.uncertain {
            if template::render(source, &self.variables(rule, &[source], Some(name))).is_err() {
                warn(reader, value, source, name, so);
            }
        }
    }

    fn missing_in_set(&self, reader: &Reader<'_>, value: Value<'_>, source: &str, set: &str) {
        let variables = |without: Option<&str>| {
            let names = BUILT_IN_VARIABLES.iter().copied().chain(self.captured.iter().copied());
            Variables {
                values: names
                    .filter(|name| Some(*name) != without)
                    .map(|name| (name.to_owned(), SAMPLE.to_owned()))
                    .collect(),
                headers: headers(source),
                seed: 0,
            }
        };
        if template::render(source, &variables(None)).is_err() {
            return;
        }
        for name in self.uncertain {
            if template::render(source, &variables(Some(name))).is_err() {
                warn(reader, value, source, name, &format!("`{set}` would be missing, too"));
            }
        }
    }
}

fn set_sources(rule: &Rule) -> Vec<&str> {
    rule.set.iter().map(|(_, source)| source.as_str()).collect()
}

fn warn(reader: &Reader<'_>, value: Value<'_>, source: &str, name: &str, so: &str) {
    let at = word_offset(source, name).map_or(value.at, |offset| reader.within(value, offset, name.len()));
    let message = format!("`{name}` is not filled by every match: {so}");
    let hint = format!("write `{{{{ {name} | default('…') }}}}`, or have every match fill `(?<{name}>…)`");
    reader.warn(at, message, hint);
}

/// The header fields that a template asks for, each filled.
fn headers(source: &str) -> Vec<(String, String)> {
    let calls = source.split("header(").skip(1);
    let name = |call: &str| {
        let call = call.trim_start();
        let quote = call.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        Some(call.get(1..)?.split(quote).next()?.to_owned())
    };
    calls.filter_map(name).map(|name| (name, SAMPLE.to_owned())).collect()
}

/// Warns of a text or of spoken words that are cut even when every variable is one character long.
fn too_long(reader: &Reader<'_>, table: Table<'_>, rule: &Rule, sample: &Sample<'_>) {
    let words_of = |source: &String| template::render(source, &sample.variables(rule, &[source], None)).ok();
    if let (Some(words), Some(value)) = (rule.sms.as_ref().and_then(words_of), table.get("sms")) {
        let segments = sms::length(&sms::plain(words.trim())).segments;
        if segments > sms::TEXT_SEGMENTS {
            let most = sms::TEXT_SEGMENTS;
            let message = format!("this text takes {segments} segments even with short names, and is cut to {most}");
            reader.warn(value.at, message, "say it shorter; `truncate(100)` shortens a variable");
        }
    }
    if let (Some(words), Some(value)) = (rule.say.as_ref().and_then(words_of), table.get("say")) {
        let length = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().count();
        if length > speech::SPOKEN_LIMIT {
            let most = speech::SPOKEN_LIMIT;
            let message = format!("this takes {length} characters even with short names, and is cut to {most}");
            reader.warn(value.at, message, "nobody listens so long in the night: say it shorter");
        }
    }
}
