//! One file as TOML: tables and values that know where they stand.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Severity};
use super::source::SourceFile;

/// At most so many syntax errors are shown: what follows the first is often its consequence.
const SYNTAX_ERRORS: usize = 10;

/// A rule file, parsed.
pub(super) struct Document<'a> {
    /// What it was parsed from.
    pub file: &'a SourceFile,
    /// Its top level.
    pub root: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// Parses a file.
    ///
    /// # Errors
    /// Its syntax errors, at most one a line.
    pub fn parse(file: &'a SourceFile) -> Result<Self, Vec<Diagnostic>> {
        let (root, errors) = DeTable::parse_recoverable(&file.text);
        if errors.is_empty() {
            return Ok(Self { file, root: root.into_inner() });
        }
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        for error in errors {
            let span = error.span().unwrap_or_default();
            let (message, hint) = explain(error.message(), file.text.get(span.clone()).unwrap_or_default());
            let mut diagnostic = file.complaint(Severity::Error, span.start, span.end, &message);
            diagnostic.hint = hint;
            if diagnostics.iter().all(|earlier| earlier.line != diagnostic.line) {
                diagnostics.push(diagnostic);
            }
            if diagnostics.len() == SYNTAX_ERRORS {
                break;
            }
        }
        Err(diagnostics)
    }

    /// The dotted key of what stands at `start..end`: `rules[2].when[0].matches`. Searched for only when there is
    /// something to complain of, so that reading a file without errors costs nothing for it.
    pub fn key_at(&self, start: usize, end: usize) -> String {
        let mut best = String::new();
        search_table(&self.root, &(start..end), None, &mut best);
        best
    }
}

/// What the parser says, in this program's manner.
fn explain(message: &str, found: &str) -> (String, Option<String>) {
    let mut words = message.to_owned();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    if message == "duplicate key" && found.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '"' | '.')) {
        return (format!("the key `{found}` is given twice"), Some("keep one of the two".to_owned()));
    }
    let hint = if message.contains("escape") {
        Some("write regular expressions between single quotes, `'\\d+'`: nothing is escaped there".to_owned())
    } else if message.contains("must be quoted") {
        Some("put it between quotes".to_owned())
    } else {
        None
    };
    (words, hint)
}

/// The way from the top level to a key or an item, written out only for what is complained of.
struct Way<'w> {
    before: Option<&'w Way<'w>>,
    step: Step<'w>,
}

enum Step<'w> {
    Key(&'w str),
    Item(usize),
}

impl std::fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(before) = self.before {
            before.fmt(f)?;
        }
        match self.step {
            Step::Key(key) if self.before.is_some() => write!(f, ".{}", segment(key)),
            Step::Key(key) => f.write_str(&segment(key)),
            Step::Item(index) => write!(f, "[{index}]"),
        }
    }
}

/// Looks for the deepest key or value that covers `wanted` and lengthens `best` to its name.
fn search_table(table: &DeTable<'_>, wanted: &Range<usize>, before: Option<&Way<'_>>, best: &mut String) {
    let covers = |span: Range<usize>| span.start <= wanted.start && wanted.end <= span.end;
    for (key, value) in table {
        let way = Way { before, step: Step::Key(key.get_ref()) };
        if covers(key.span()) || covers(value.span()) {
            remember(best, &way.to_string());
        }
        search_value(value.get_ref(), wanted, &way, best);
    }
}

fn search_value(value: &DeValue<'_>, wanted: &Range<usize>, way: &Way<'_>, best: &mut String) {
    match value {
        DeValue::Table(table) => search_table(table, wanted, Some(way), best),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let way = Way { before: Some(way), step: Step::Item(index) };
                if item.span().start <= wanted.start && wanted.end <= item.span().end {
                    remember(best, &way.to_string());
                }
                search_value(item.get_ref(), wanted, &way, best);
            }
        }
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

fn remember(best: &mut String, path: &str) {
    if path.len() > best.len() {
        path.clone_into(best);
    }
}

/// A key as one would write it: quoted when it must be.
fn segment(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if bare { key.to_owned() } else { format!("\"{key}\"") }
}
