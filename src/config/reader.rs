//! Walks the parsed files from raw to checked: typed values out, complaints aside. Nothing here stops at the first
//! error; whoever reads gets `None` for what was wrong and goes on.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::diagnostic::{Diagnostic, Severity};
use super::document::Document;
use super::scalar::Fault;
use super::suggest::{listed, nearest};
use super::text_offset;
use super::value::{At, Table, Value};
use crate::rules::Quantity;

/// At most so many complaints are kept: a file of nothing but mistakes must not take minutes to say so.
const COMPLAINTS: usize = 100;

/// What the rule file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To notify people: every secret is needed, nothing is checked that the night can do without.
    Send,
    /// To show things: secrets that cannot be had are not missed.
    Look,
    /// To find everything that is wrong or odd.
    Check,
}

/// Reads values, and keeps what is to be said of them.
pub(super) struct Reader<'a> {
    /// The rule file, then what it includes.
    pub documents: &'a [Document<'a>],
    /// What the file is read for.
    pub purpose: Purpose,
    /// Where `{ env = … }` looks.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    complaints: RefCell<Vec<Diagnostic>>,
}

impl<'a> Reader<'a> {
    /// A reader of these documents that has nothing to complain of yet.
    pub fn new(
        documents: &'a [Document<'a>],
        purpose: Purpose,
        environment: &'a dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self { documents, purpose, environment, complaints: RefCell::new(Vec::new()) }
    }

    /// The top levels in the order in which their entries count: included files stand where `include` stands, at the
    /// top of the main file.
    pub fn roots(&self) -> impl Iterator<Item = Table<'a>> {
        let main = self.documents.iter().enumerate().take(1);
        let order = self.documents.iter().enumerate().skip(1).chain(main);
        order.map(|(file, document)| Table { at: At { file, start: 0, end: 0 }, entries: &document.root })
    }

    /// The top level of the main file.
    pub fn main_root(&self) -> Option<Table<'a>> {
        self.documents.first().map(|document| Table { at: At::MAIN_FILE, entries: &document.root })
    }

    /// Everything there is to say, errors first, then in the order of the files.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut all = self.complaints.into_inner();
        let rank = |file: &std::path::Path| self.documents.iter().position(|document| document.file.path == file);
        all.sort_by_cached_key(|one| (one.severity, rank(&one.file), one.line, one.column));
        // A table that is needed twice is complained of twice.
        all.dedup();
        all
    }

    /// `rules.toml:3:1`, for a hint that names another place.
    pub fn place(&self, at: At) -> String {
        self.diagnostic(Severity::Error, at, String::new(), None).place()
    }

    /// Complains of an error.
    pub fn error(&self, at: At, message: impl Into<String>) {
        self.say(Severity::Error, at, message.into(), None);
    }

    /// Complains of an error and says what to do about it.
    pub fn error_hint(&self, at: At, message: impl Into<String>, hint: impl Into<String>) {
        self.say(Severity::Error, at, message.into(), Some(hint.into()));
    }

    /// Warns; heard by `check` alone.
    pub fn warn(&self, at: At, message: impl Into<String>, hint: impl Into<String>) {
        if self.purpose == Purpose::Check {
            self.say(Severity::Warning, at, message.into(), Some(hint.into()));
        }
    }

    /// Complains of what endangers but must not stop a call at night: an error for `check`, a warning for the others.
    pub fn danger(&self, at: At, message: impl Into<String>, hint: impl Into<String>) {
        let severity = if self.purpose == Purpose::Check { Severity::Error } else { Severity::Warning };
        self.say(severity, at, message.into(), Some(hint.into()));
    }

    /// Complains of a secret that cannot be had: an error unless the file is only looked at.
    pub fn missing_secret(&self, at: At, message: impl Into<String>, hint: impl Into<String>) {
        let severity = if self.purpose == Purpose::Look { Severity::Warning } else { Severity::Error };
        self.say(severity, at, message.into(), Some(hint.into()));
    }

    /// Complains of a text in which something at an offset is wrong.
    pub fn fault(&self, value: Value<'_>, fault: Fault) {
        let at = match fault.offset {
            Some(offset) => self.within(value, offset, fault.width),
            None => value.at,
        };
        self.say(Severity::Error, at, fault.message, fault.hint);
    }

    /// The place of `width` bytes at `offset` in a text's content.
    pub fn within(&self, value: Value<'_>, offset: usize, width: usize) -> At {
        let At { file, start, end } = value.at;
        let raw = self.documents.get(file).and_then(|document| document.file.text.get(start..end)).unwrap_or_default();
        let first = start + text_offset::in_source(raw, offset);
        let last = start + text_offset::in_source(raw, offset + width);
        At { file, start: first, end: last.max(first + 1) }
    }

    fn say(&self, severity: Severity, at: At, message: String, hint: Option<String>) {
        if self.complaints.borrow().len() < COMPLAINTS {
            let diagnostic = self.diagnostic(severity, at, message, hint);
            self.complaints.borrow_mut().push(diagnostic);
        } else if severity == Severity::Error
            && let Some(warning) =
                self.complaints.borrow_mut().iter_mut().rfind(|earlier| earlier.severity == Severity::Warning)
        {
            // A hundred warnings must not hide an error.
            *warning = self.diagnostic(severity, at, message, hint);
        }
    }

    /// A complaint about a place, which is kept by whoever asks for it.
    pub fn diagnostic(&self, severity: Severity, at: At, message: String, hint: Option<String>) -> Diagnostic {
        let Some(document) = self.documents.get(at.file) else {
            return Diagnostic { severity, hint, ..Diagnostic::about_file("", message) };
        };
        if at.start == usize::MAX {
            return Diagnostic { severity, hint, ..Diagnostic::about_file(&document.file.path, message) };
        }
        let message = document.file.without_secrets(message);
        let mut diagnostic = document.file.complaint(severity, at.start, at.end, &message);
        diagnostic.key = document.key_at(at.start, at.end);
        diagnostic.hint = hint.map(|hint| document.file.without_secrets(hint));
        diagnostic
    }

    fn wrong_kind(&self, value: Value<'_>, wanted: &str) {
        self.error(value.at, format!("this must be {wanted}, not {}", value.kind()));
    }

    /// A text.
    pub fn text(&self, value: Value<'a>) -> Option<&'a str> {
        let text = value.as_text();
        if text.is_none() {
            self.wrong_kind(value, "a text between quotes");
        }
        text
    }

    /// A text that is not blank.
    pub fn words(&self, value: Value<'a>) -> Option<&'a str> {
        let text = self.text(value)?;
        if text.trim().is_empty() {
            self.error(value.at, "this is empty");
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub fn truth(&self, value: Value<'a>) -> Option<bool> {
        let truth = value.raw.as_bool();
        if truth.is_none() {
            self.wrong_kind(value, "`true` or `false`, without quotes");
        }
        truth
    }

    /// A whole number within a range.
    pub fn number(&self, value: Value<'a>, range: &RangeInclusive<u32>) -> Option<u32> {
        let Some(integer) = value.raw.as_integer() else {
            self.wrong_kind(value, "a whole number, without quotes");
            return None;
        };
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| range.contains(n));
        if number.is_none() {
            self.error(value.at, format!("this must be from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// A number, or a text with a number and its unit.
    pub fn quantity(&self, value: Value<'a>) -> Option<Quantity> {
        let number = match value.raw {
            DeValue::Integer(integer) => {
                i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|n| n.to_string())
            }
            DeValue::Float(float) => Some(float.as_str().to_owned()),
            DeValue::String(_) => return self.parsed(value, super::scalar::quantity),
            DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                self.wrong_kind(value, "a number");
                return None;
            }
        };
        // An integer or float of TOML in plain decimals, but for `inf` and `nan`.
        let number = number.and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
        if number.is_none() {
            self.error(value.at, "this is not a number to compare with");
        }
        number.map(|number| Quantity { number, unit: String::new() })
    }

    /// A table.
    pub fn table(&self, value: Value<'a>) -> Option<Table<'a>> {
        if let DeValue::Table(entries) = value.raw {
            return Some(Table { at: value.at, entries });
        }
        self.wrong_kind(value, "a table");
        None
    }

    /// A list.
    pub fn list(&self, value: Value<'a>) -> Option<Vec<Value<'a>>> {
        let Some(items) = value.raw.as_array() else {
            self.wrong_kind(value, "a list: `[…]`");
            return None;
        };
        Some(items.iter().map(|item| Value { at: At::new(value.at.file, item.span()), raw: item.get_ref() }).collect())
    }

    /// A list, or one value that stands for a list of one.
    pub fn one_or_list(&self, value: Value<'a>) -> Vec<Value<'a>> {
        if value.is_list() { self.list(value).unwrap_or_default() } else { vec![value] }
    }

    /// The entries of `[[name]]` in all files, in order.
    pub fn tables(&self, name: &str) -> Vec<Table<'a>> {
        let mut tables = Vec::new();
        for root in self.roots() {
            let Some(value) = root.get(name) else { continue };
            if value.is_table() {
                let hint = format!("write `[[{name}]]`, with two brackets, before each of them");
                self.error_hint(value.at, format!("`{name}` is a list of tables"), hint);
                continue;
            }
            tables.extend(self.list(value).unwrap_or_default().into_iter().filter_map(|item| self.table(item)));
        }
        tables
    }

    /// The table of a key of the main file.
    pub fn section(&self, name: &str) -> Option<Table<'a>> {
        self.main_root()?.get(name).and_then(|value| self.table(value))
    }

    /// What a text means, by a function that knows.
    pub fn parsed<T>(&self, value: Value<'a>, parse: impl FnOnce(&'a str) -> Result<T, Fault>) -> Option<T> {
        let text = self.text(value)?;
        parse(text).map_err(|fault| self.fault(value, fault)).ok()
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, value: Value<'a>, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(value)?;
        if let Some((_, found)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*found);
        }
        let words = || choices.iter().map(|(word, _)| *word);
        let message = format!("`{text}` is none of {}", listed(words()));
        match nearest(text, words()) {
            Some(near) => self.error_hint(value.at, message, format!("did you mean `{near}`?")),
            None => self.error(value.at, message),
        }
        None
    }

    /// Complains of every key that is not one of `known`.
    pub fn only(&self, table: Table<'a>, known: &[&str]) {
        if table.entries.keys().all(|key| known.contains(&key.get_ref().as_ref())) {
            return;
        }
        for entry in table.entries().into_iter().filter(|entry| !known.contains(&entry.key)) {
            let message = format!("there is no key `{}` here", entry.key);
            let hint = if super::TOP_LEVEL.contains(&entry.key) {
                format!("`{}` belongs at the top of the file, before the first `[table]`", entry.key)
            } else if let Some(near) = nearest(entry.key, known.iter().copied()) {
                format!("did you mean `{near}`?")
            } else {
                format!("known here: {}", listed(known.iter().copied()))
            };
            self.error_hint(entry.key_at, message, hint);
        }
    }

    /// A key that must be there.
    pub fn need(&self, table: Table<'a>, key: &str, example: &str) -> Option<Value<'a>> {
        let value = table.get(key);
        if value.is_none() {
            self.error_hint(table.at, format!("`{key}` is missing"), format!("for example `{key} = {example}`"));
        }
        value
    }
}
