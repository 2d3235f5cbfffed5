//! What is wrong with a rule file, and how it is shown.

use std::path::PathBuf;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but it will not do what its author expects.
    Warning,
}

/// One complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// In which file.
    pub file: PathBuf,
    /// From 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line itself, for the caret.
    pub source_line: String,
    /// How many characters the caret underlines.
    pub width: usize,
    /// The key, dotted: `rules[2].when[0].matches`.
    pub key: String,
    /// The complaint: lower case, names in backticks.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// All complaints about a rule file, errors first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);
