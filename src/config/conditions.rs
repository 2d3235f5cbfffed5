//! The conditions of a rule: each key of a condition table is one test, and all tests of a table must hold.

use super::Scope;
use super::reader::Purpose;
use super::scalar;
use super::time;
use super::value::{Table, Value};
use crate::rules::{Condition, Pattern, Place};

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
    "any",
    "all",
    "not",
];

/// `any`, `all` and `not` nest at most so deep.
const DEPTH: usize = 16;

/// Reads the value of `when`: a list of conditions, or one. What their named groups capture is added to `captures`.
pub(super) fn read(scope: &Scope<'_>, value: Value<'_>, captures: &mut Vec<String>) -> Option<Vec<Condition>> {
    list(scope, value, 0, captures)
}

fn list(scope: &Scope<'_>, value: Value<'_>, depth: usize, captures: &mut Vec<String>) -> Option<Vec<Condition>> {
    let reader = scope.reader;
    let items = if value.is_table() { vec![value] } else { reader.list(value)? };
    let mut conditions = Vec::with_capacity(items.len());
    let mut complete = true;
    for item in items {
        match reader.table(item).and_then(|table| tests(scope, table, depth, captures)) {
            Some(tests) => conditions.extend(tests),
            None => complete = false,
        }
    }
    complete.then_some(conditions)
}

/// The tests of one condition table, in the order of the file.
fn tests(scope: &Scope<'_>, table: Table<'_>, depth: usize, captures: &mut Vec<String>) -> Option<Vec<Condition>> {
    let reader = scope.reader;
    if depth > DEPTH {
        reader.error(table.at, format!("conditions are nested more than {DEPTH} deep"));
        return None;
    }
    if table.is_empty() {
        reader.error_hint(table.at, "this condition is empty", "write for example `{ subject = 'alert' }`");
        return None;
    }
    let mut known = KEYS.to_vec();
    if let Some(count) = table.get("count") {
        // Needs the history of a key, which no condition sees yet.
        reader.error(count.at, "`count` is not supported yet");
        known.push("count");
    }
    reader.only(table, &known);
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
            "body" => Some(Place::Body),
            "quoted" => Some(Place::Quoted),
            "attachment" => Some(Place::Attachment),
            _ => None,
        };
        let test = match (place, entry.key) {
            (Some(place), _) => matches(scope, place, entry.value, captures),
            (None, "header") => header(scope, table, entry.value, captures),
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
            (None, "any") => several(scope, entry.value, depth, captures).map(Condition::Any),
            (None, "all") => several(scope, entry.value, depth, captures).map(Condition::All),
            // What a pattern captures where it must not match is never there.
            (None, "not") => list(scope, entry.value, depth + 1, &mut Vec::new()).and_then(|inner| {
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

/// The value of `any` or `all`: each table in it is one condition, whatever number of tests it has.
fn several(scope: &Scope<'_>, value: Value<'_>, depth: usize, captures: &mut Vec<String>) -> Option<Vec<Condition>> {
    let reader = scope.reader;
    let items = reader.list(value)?;
    if items.is_empty() {
        reader.error(value.at, "there is no condition in this list");
        return None;
    }
    let read: Vec<Option<Condition>> = items
        .into_iter()
        .map(|item| reader.table(item).and_then(|table| tests(scope, table, depth + 1, captures)).map(one))
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

fn header(scope: &Scope<'_>, table: Table<'_>, value: Value<'_>, captures: &mut Vec<String>) -> Option<Condition> {
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
    matches(scope, Place::Header(name.to_owned()), pattern, captures)
}

fn matches(scope: &Scope<'_>, place: Place, value: Value<'_>, captures: &mut Vec<String>) -> Option<Condition> {
    let reader = scope.reader;
    let source = reader.text(value)?;
    if source.is_empty() {
        reader.error_hint(value.at, "an empty pattern matches every mail", "to match every mail, write `when = []`");
        return None;
    }
    let pattern = pattern(scope, value, source)?;
    if reader.purpose == Purpose::Check {
        captures.extend(pattern.capture_names().iter().cloned());
    }
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
