//! A regular expression that is compiled only when a mail holds a text that it must contain.

/// A checked regular expression. Ignores case, and `^` and `$` match at lines, unless `(?-i)` or `(?-m)` say otherwise.
#[derive(Debug)]
pub struct Pattern {
    /// As written in the rule file.
    pub source: String,
}

/// Stand-in for config's tests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Lower case.
    pub message: String,
    /// Bytes.
    pub offset: Option<usize>,
}

impl Pattern {
    /// Stand-in.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        regex_syntax::ast::parse::Parser::new().parse(source).map_err(|error| PatternError {
            message: error.kind().to_string(),
            offset: Some(error.span().start.offset),
        })?;
        Ok(Self { source: source.to_owned() })
    }

    /// Stand-in.
    pub fn compile(&self) -> Result<(), PatternError> {
        let built = regex::RegexBuilder::new(&self.source).case_insensitive(true).multi_line(true).build();
        built.map(|_| ()).map_err(|error| PatternError {
            message: error.to_string().lines().last().unwrap_or_default().to_owned(),
            offset: None,
        })
    }
}
