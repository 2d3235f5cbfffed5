//! Whether a rule's templates can be rendered: they parse, and something fills every variable that they use. Only
//! `check` asks: at night a template that fails falls back to the subject, which is better than no call.

use std::collections::BTreeSet;

use super::reader::{Purpose, Reader};
use super::scalar::Fault;
use super::suggest::{listed, nearest};
use super::value::Value;
use super::variables::BUILT_IN_VARIABLES;
use crate::notify::template;

/// What templates offer besides variables.
const FUNCTIONS: &[&str] = &["header", "range", "dict", "namespace", "debug", "loop"];

/// The variables that a template can use.
pub(super) struct Known(BTreeSet<String>);

impl Known {
    /// Those that are always there; none when nobody will ask.
    pub fn to_begin_with(reader: &Reader<'_>) -> Self {
        let names = if reader.purpose == Purpose::Check { BUILT_IN_VARIABLES } else { &[] };
        Self(names.iter().map(|name| (*name).to_owned()).collect())
    }

    /// These, too.
    pub fn add(&mut self, names: impl IntoIterator<Item = String>) {
        self.0.extend(names);
    }

    /// Complains of a template that cannot be parsed, or uses a variable that nothing fills.
    pub fn check(&self, reader: &Reader<'_>, value: Value<'_>, source: &str) {
        if reader.purpose != Purpose::Check {
            return;
        }
        let used = match template::check(source) {
            Ok(used) => used,
            Err(error) => {
                let fault = Fault::new(format!("this template cannot be rendered: {}", error.message));
                // Of a template of several lines, point at the right one.
                let line = error.line.filter(|line| *line > 1).and_then(|line| {
                    let before: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
                    let width = source.get(before..)?.lines().next()?.len();
                    Some((before, width.max(1)))
                });
                reader.fault(value, line.map_or(fault.clone(), |(offset, width)| fault.at(offset, width)));
                return;
            }
        };
        let unknown: BTreeSet<&String> =
            used.iter().filter(|name| !self.0.contains(*name) && !FUNCTIONS.contains(&name.as_str())).collect();
        for name in unknown {
            let fault = Fault::new(format!("nothing fills the variable `{name}`"));
            let fault = match nearest(name, self.0.iter().map(String::as_str)) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint(format!(
                    "a named group `(?<{name}>…)` of this rule or its `set` would; always there are {}",
                    listed(BUILT_IN_VARIABLES.iter().copied())
                )),
            };
            reader.fault(value, word_offset(source, name).map_or(fault.clone(), |at| fault.at(at, name.len())));
        }
    }
}

/// Where `word` stands in `text` on its own, preferably within `{{` or `{%`.
pub(super) fn word_offset(text: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut alone = text.match_indices(word).map(|(offset, _)| offset).filter(|offset| {
        let before = text.get(..*offset).unwrap_or_default();
        let after = text.get(offset + word.len()..).unwrap_or_default();
        !before.ends_with(|c| is_part(c) || c == '.') && !after.starts_with(is_part)
    });
    let within = |offset: &usize| {
        let before = text.get(..*offset).unwrap_or_default();
        let opened = before.rfind("{{").max(before.rfind("{%"));
        opened > before.rfind("}}").max(before.rfind("%}"))
    };
    alone.clone().find(within).or_else(|| alone.next())
}

#[cfg(test)]
mod tests {
    use super::word_offset;

    #[test]
    fn the_caret_stands_under_the_variable() {
        assert_eq!(word_offset("who is {{ whole }} {{ x.who }} {{ who }}", "who"), Some(34));
        assert_eq!(word_offset("{% if who %}", "who"), Some(6));
        assert_eq!(word_offset("none", "who"), None);
    }
}
