//! The conditions of a rule: each key of a condition table is one test, and all tests of a table must hold.

use super::Scope;
use super::reader::Purpose;
use super::scalar;
use super::suggest::{listed, nearest};
use super::time;
use super::value::{Entry, Table, Value};
use crate::rules::{Comparison, Condition, Count, Pattern, Place, Relation};

const KEYS: &[&str] = &[
    "text",
    "subject",
    "from",
    "to",
    "header",
    "matches",
    "sender",
    "recipient",
    "body",
    "quoted",
    "attachment",
    "size",
    "auto",
    "auth",
    "between",
    "on",
    "count",
    "var",
    "above",
    "below",
    "at_least",
    "at_most",
    "equals",
    "raw",
    "any",
    "all",
    "not",
];

/// `any`, `all` and `not` nest at most so deep.
const DEPTH: usize = 16;

const RELATIONS: &[(&str, Relation)] = &[
    ("above", Relation::Above),
    ("below", Relation::Below),
    ("at_least", Relation::AtLeast),
    ("at_most", Relation::AtMost),
    ("equals", Relation::Equals),
];

/// What a rule's conditions have besides themselves.
#[derive(Default)]
pub(super) struct Found {
    /// What the named groups of their patterns capture.
    pub captures: Vec<String>,
    /// `count`.
    pub count: Option<Count>,
    /// The names that the rule's `set` makes: a `var` may name one.
    pub set: Vec<String>,
}

/// Reads the value of `when`: a list of conditions, or one.
pub(super) fn read(scope: &Scope<'_>, value: Value<'_>, found: &mut Found) -> Option<Vec<Condition>> {
    list(scope, value, 0, found)
}

fn list(scope: &Scope<'_>, value: Value<'_>, depth: usize, found: &mut Found) -> Option<Vec<Condition>> {
    let reader = scope.reader;
    let items = if value.is_table() { vec![value] } else { reader.list(value)? };
    let mut conditions = Vec::with_capacity(items.len());
    let mut complete = true;
    for item in items {
        match reader.table(item).and_then(|table| tests(scope, table, depth, found)) {
            Some(tests) => conditions.extend(tests),
            None => complete = false,
        }
    }
    complete.then_some(conditions)
}

/// The tests of one condition table, in the order of the file.
fn tests(scope: &Scope<'_>, table: Table<'_>, depth: usize, found: &mut Found) -> Option<Vec<Condition>> {
    let reader = scope.reader;
    if depth > DEPTH {
        reader.error(table.at, format!("conditions are nested more than {DEPTH} deep"));
        return None;
    }
    if table.is_empty() {
        reader.error_hint(table.at, "this condition is empty", "write for example `{ subject = 'alert' }`");
        return None;
    }
    reader.only(table, KEYS);
    let undecoded = undecoded(scope, table);
    let mut conditions = Vec::new();
    let mut complete = true;
    for entry in table.entries() {
        let place = match entry.key {
            "text" => Some(Place::Text),
            "subject" => Some(Place::Subject),
            "from" => Some(Place::From),
            "to" => Some(Place::To),
            "sender" => Some(Place::Sender),
            "recipient" => Some(Place::Recipient),
            "body" if undecoded == Some(true) => Some(Place::Undecoded),
            "body" => Some(Place::Body),
            "quoted" => Some(Place::Quoted),
            "attachment" => Some(Place::Attachment),
            _ => None,
        };
        let test = match (place, entry.key) {
            (Some(place), _) => matches(scope, place, entry.value, found),
            (None, "header") => header(scope, table, entry.value, found),
            (None, "raw") => match undecoded {
                Some(_) => continue,
                None => None,
            },
            (None, "count") => {
                if count(scope, entry, depth, found).is_none() {
                    complete = false;
                }
                continue;
            }
            (None, "var") => number(scope, table, entry.value, found),
            (None, name) if RELATIONS.iter().any(|(relation, _)| *relation == name) => {
                if table.get("var").is_some() {
                    continue;
                }
                let hint = format!("write for example `{{ var = \"load\", {name} = 20 }}`");
                reader.error_hint(entry.key_at, format!("`{name}` stands without `var`"), hint);
                None
            }
            (None, "matches") if table.get("header").is_some() => continue,
            (None, "matches") => {
                let hint = "write `{ header = \"NAME\", matches = '…' }`, or for example `{ subject = '…' }`";
                reader.error_hint(entry.key_at, "`matches` stands without `header`", hint);
                None
            }
            (None, "auto") => reader.truth(entry.value).map(Condition::Automatic),
            (None, "size") => reader.parsed(entry.value, scalar::size).map(|(min, max)| Condition::Size { min, max }),
            (None, "auth") => reader
                .parsed(entry.value, scalar::authentication)
                .map(|(method, result)| Condition::Authenticated { method, result }),
            (None, "between") => reader.parsed(entry.value, time::between).map(|(from, until, zone)| {
                Condition::Between { from, until, time_zone: zone.unwrap_or_else(|| scope.time_zone.clone()) }
            }),
            (None, "on") => reader
                .parsed(entry.value, time::days)
                .map(|(days, zone)| Condition::On { days, time_zone: zone.unwrap_or_else(|| scope.time_zone.clone()) }),
            (None, "any") => several(scope, entry.value, depth, found).map(Condition::Any),
            (None, "all") => several(scope, entry.value, depth, found).map(Condition::All),
            // What a pattern captures where it must not match is never there.
            (None, "not") => without_captures(scope, entry.value, depth + 1, found).and_then(|inner| {
                if inner.is_empty() {
                    reader.error(entry.value.at, "there is no condition in `not`");
                    return None;
                }
                Some(Condition::Not(Box::new(one(inner))))
            }),
            (None, _) => None,
        };
        match test {
            Some(test) => conditions.push(test),
            None => complete = false,
        }
    }
    complete.then_some(conditions)
}

/// The conditions under `not`, which capture nothing for others but see what was captured before.
fn without_captures(scope: &Scope<'_>, value: Value<'_>, depth: usize, found: &mut Found) -> Option<Vec<Condition>> {
    let before = found.captures.len();
    let inner = list(scope, value, depth, found);
    found.captures.truncate(before);
    inner
}

/// `raw`: whether `body` means the undecoded mail; `None` when it is wrong.
fn undecoded(scope: &Scope<'_>, table: Table<'_>) -> Option<bool> {
    let Some(value) = table.get("raw") else { return Some(false) };
    if table.get("body").is_none() {
        let hint = "write `{ body = '…', raw = true }`: it matches the mail as it came, header and all";
        scope.reader.error_hint(value.at, "`raw` stands without `body`", hint);
        return None;
    }
    scope.reader.truth(value)
}

/// `count`, which is the rule's and not the condition's that it stands in.
fn count(scope: &Scope<'_>, entry: Entry<'_>, depth: usize, found: &mut Found) -> Option<()> {
    let reader = scope.reader;
    if depth > 0 {
        let hint =
            "it counts the mails that all conditions of the rule hold for: write it beside `any`, `all` and `not`";
        reader.error_hint(entry.key_at, "`count` cannot stand within `any`, `all` or `not`", hint);
        return None;
    }
    if found.count.is_some() {
        reader.error_hint(entry.key_at, "there are two `count` in this rule", "write two rules");
        return None;
    }
    found.count = Some(reader.parsed(entry.value, scalar::count)?);
    Some(())
}

/// `var` and its bounds. What is wrong with either is said, whatever is wrong with the other.
fn number(scope: &Scope<'_>, table: Table<'_>, value: Value<'_>, found: &Found) -> Option<Condition> {
    let reader = scope.reader;
    let bounds = bounds(scope, table);
    let variable = reader.text(value)?;
    let names = || found.captures.iter().chain(&found.set).map(String::as_str);
    if !names().any(|name| name == variable) {
        let hint = match nearest(variable, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names().next().is_some() => format!("filled before it: {}", listed(names())),
            None => format!("a named group `(?<{variable}>…)` of a condition before it would, or the rule's `set`"),
        };
        reader.error_hint(value.at, format!("nothing before this condition fills the variable `{variable}`"), hint);
        return None;
    }
    let bounds = bounds?;
    if bounds.is_empty() {
        let hint = format!("write for example `{{ var = \"{variable}\", above = 20 }}`");
        reader.error_hint(table.at, format!("`{variable}` is compared with nothing"), hint);
        return None;
    }
    Some(Condition::Number { variable: variable.to_owned(), bounds })
}

/// All bounds of a condition; `None` when one of them is wrong.
fn bounds(scope: &Scope<'_>, table: Table<'_>) -> Option<Vec<Comparison>> {
    let written = RELATIONS.iter().filter_map(|(name, relation)| Some((*relation, table.get(name)?)));
    let read: Vec<Option<Comparison>> =
        written.map(|(relation, bound)| Some(Comparison { relation, bound: scope.reader.quantity(bound)? })).collect();
    read.into_iter().collect()
}

/// The value of `any` or `all`: each table in it is one condition, whatever number of tests it has.
fn several(scope: &Scope<'_>, value: Value<'_>, depth: usize, found: &mut Found) -> Option<Vec<Condition>> {
    let reader = scope.reader;
    let items = reader.list(value)?;
    if items.is_empty() {
        reader.error(value.at, "there is no condition in this list");
        return None;
    }
    let read: Vec<Option<Condition>> = items
        .into_iter()
        .map(|item| reader.table(item).and_then(|table| tests(scope, table, depth + 1, found)).map(one))
        .collect();
    read.into_iter().collect()
}

/// Several tests of one table as one condition.
fn one(mut tests: Vec<Condition>) -> Condition {
    match tests.pop() {
        Some(only) if tests.is_empty() => only,
        Some(last) => {
            tests.push(last);
            Condition::All(tests)
        }
        None => Condition::All(tests),
    }
}

fn header(scope: &Scope<'_>, table: Table<'_>, value: Value<'_>, found: &mut Found) -> Option<Condition> {
    let reader = scope.reader;
    let name = reader.text(value)?;
    // RFC 5322, 3.6.8: printable characters but the colon.
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
        let hint = "write it without the colon: `header = \"X-Priority\"`";
        reader.error_hint(value.at, format!("`{name}` is not the name of a header field"), hint);
        return None;
    }
    let Some(pattern) = table.get("matches") else {
        reader.error_hint(table.at, "`matches` is missing", "to test that the field is there, write `matches = '\\S'`");
        return None;
    };
    matches(scope, Place::Header(name.to_owned()), pattern, found)
}

fn matches(scope: &Scope<'_>, place: Place, value: Value<'_>, found: &mut Found) -> Option<Condition> {
    let reader = scope.reader;
    let source = reader.text(value)?;
    if source.is_empty() {
        reader.error_hint(value.at, "an empty pattern matches every mail", "to match every mail, write `when = []`");
        return None;
    }
    let pattern = pattern(scope, value, source)?;
    found.captures.extend(pattern.capture_names().iter().cloned());
    Some(Condition::Matches { place, pattern })
}

/// The checked pattern. `check` compiles it, too: a pattern can be right and yet too large.
fn pattern(scope: &Scope<'_>, value: Value<'_>, source: &str) -> Option<Pattern> {
    let checked = Pattern::new(source).and_then(|pattern| {
        if scope.reader.purpose == Purpose::Check {
            pattern.compile()?;
        }
        Ok(pattern)
    });
    checked
        .map_err(|error| {
            let fault = scalar::Fault::new(format!("this is not a regular expression: {error}"));
            // The offset is counted in characters; 0 may be the whole.
            let offset = source.char_indices().map(|(at, _)| at).nth(error.offset).unwrap_or(source.len());
            let fault = if offset == 0 { fault } else { fault.at(offset, 1) };
            scope.reader.fault(value, fault);
        })
        .ok()
}
