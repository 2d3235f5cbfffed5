//! Which contacts, groups and policies there are in all files, so that whatever names one can be checked at once,
//! and the answer to a name that nobody has.

use std::collections::BTreeMap;

use super::policies::BUILT_IN_POLICIES;
use super::reader::Reader;
use super::scalar::{Fault, is_name};
use super::suggest::{listed, nearest};
use super::value::Entry;

/// All names that entries refer to.
pub(super) struct Names<'a> {
    pub contacts: Section<'a>,
    pub groups: Section<'a>,
    pub policies: Section<'a>,
}

/// The entries of a table of named entries, such as `[contacts]`, of all files.
pub(super) struct Section<'a> {
    /// What one of them is called.
    kind: &'static str,
    /// Names that need no entry.
    built_in: &'static [&'static str],
    /// By name; where two files define one, the first.
    pub entries: BTreeMap<&'a str, Entry<'a>>,
}

impl<'a> Names<'a> {
    /// Gathers them, and complains of those that are defined twice or cannot be typed.
    pub fn gather(reader: &Reader<'a>) -> Self {
        Self {
            contacts: Section::gather(reader, "contacts", "contact", &[]),
            groups: Section::gather(reader, "groups", "group", &[]),
            policies: Section::gather(reader, "policies", "policy", BUILT_IN_POLICIES),
        }
    }
}

impl<'a> Section<'a> {
    /// Gathers one of them.
    pub(super) fn gather(
        reader: &Reader<'a>,
        table: &str,
        kind: &'static str,
        built_in: &'static [&'static str],
    ) -> Self {
        let mut entries: BTreeMap<&'a str, Entry<'a>> = BTreeMap::new();
        for root in reader.roots() {
            let Some(found) = root.get(table).and_then(|value| reader.table(value)) else { continue };
            for entry in found.entries() {
                if !is_name(entry.key) {
                    let message = format!("`{}` cannot be the name of a {kind}", entry.key);
                    reader.error_hint(entry.key_at, message, "use letters, digits, `-`, `_` and `.`");
                }
                if let Some(first) = entries.get(entry.key) {
                    let message = format!("there are two definitions of the {kind} `{}`", entry.key);
                    reader.error_hint(entry.key_at, message, format!("the other is at {}", reader.place(first.key_at)));
                } else {
                    entries.insert(entry.key, entry);
                }
            }
        }
        Self { kind, built_in, entries }
    }

    /// `name`, if there is one of that name.
    pub fn find<'n>(&self, name: &'n str) -> Result<&'n str, Fault> {
        if self.entries.contains_key(name) || self.built_in.contains(&name) {
            return Ok(name);
        }
        let kind = self.kind;
        let names = || self.entries.keys().copied().chain(self.built_in.iter().copied());
        let fault = Fault::new(format!("there is no {kind} `{name}`"));
        Err(match nearest(name, names()) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None if names().next().is_none() => fault.hint(format!("the rule file defines no {kind} at all")),
            None if names().count() <= 12 => fault.hint(format!("there is {}", listed(names()))),
            None => fault,
        })
    }
}
