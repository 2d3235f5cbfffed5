//! A regular expression that is compiled only when a mail holds a text that it must contain.

/// A checked regular expression. Ignores case, and `^` and `$` match at lines, unless `(?-i)` or `(?-m)` say otherwise.
#[derive(Debug)]
pub struct Pattern {
    /// As written in the rule file.
    pub source: String,
}
