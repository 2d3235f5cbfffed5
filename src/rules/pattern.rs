//! A regular expression that is compiled only when a mail holds a text that it must contain.
//!
//! Most rules want nothing of most mails. Compiling costs a hundred times as much as reading (0.15 ms against 4 µs),
//! and for every mail the program starts anew; so a pattern is read when the rule file is, which finds its mistakes, and
//! compiled when it is needed.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::Input;
use regex_automata::meta::{Builder, Config, Regex};
use regex_automata::util::syntax;
use regex_syntax::ast::parse::ParserBuilder as AstParser;
use regex_syntax::ast::{Ast, Flag, GroupKind, Visitor, visit};

use super::{Haystack, literal, plain};

/// The longest pattern, in bytes; the time to read one grows with it.
const SOURCE_LIMIT: usize = 16 * 1024;
/// How deep groups may nest.
const NEST_LIMIT: u32 = 100;
/// The largest compiled pattern, in bytes.
const SIZE_LIMIT: usize = 10 * 1024 * 1024;

/// A checked regular expression. Ignores case, and `^` and `$` match at lines, unless `(?-i)` or `(?-m)` say otherwise.
/// The engine is the `regex` crate's: linear in the text, whatever the pattern.
#[derive(Debug)]
pub struct Pattern {
    /// As written in the rule file.
    pub source: String,
    names: Vec<String>,
    required: Option<Vec<String>>,
    regex: OnceLock<Result<Regex, PatternError>>,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Lower case, one line.
    pub message: String,
    /// Where in the pattern, in characters from 0; 0 also when it is about the whole.
    pub offset: usize,
    /// The pattern, as written.
    pub pattern: String,
}

/// Where a pattern matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match<'p, 'h> {
    /// In bytes of the haystack's text.
    pub range: Range<usize>,
    /// The named groups that took part, in the order of the pattern: name and text.
    pub captures: Vec<(&'p str, &'h str)>,
}

impl Pattern {
    /// Reads a pattern, without compiling it.
    ///
    /// # Errors
    /// When it is no regular expression, or longer than 16 KiB, or nested deeper than 100 groups.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        if source.len() > SOURCE_LIMIT {
            return Err(PatternError::new(source, 0, format!("a pattern of more than {} KiB", SOURCE_LIMIT / 1024)));
        }
        let (names, required) = match plain::read(source) {
            Some(plain) => (plain.names, plain.required),
            None => by_tree(source)?,
        };
        Ok(Self { source: source.to_owned(), names, required, regex: OnceLock::new() })
    }

    /// The names of its groups, in order.
    pub fn capture_names(&self) -> &[String] {
        &self.names
    }

    /// Texts, folded, of which every match contains one; empty when none is known.
    pub(crate) fn required(&self) -> &[String] {
        self.required.as_deref().unwrap_or_default()
    }

    /// Compiles it now; [`find`](Self::find) does it when it must.
    ///
    /// # Errors
    /// When it needs more than 10 MiB.
    pub fn compile(&self) -> Result<(), PatternError> {
        self.regex().map(|_| ())
    }

    /// The first match.
    ///
    /// # Errors
    /// When the pattern cannot be [compiled](Self::compile). Never take this for "no match": that would lose an alert.
    pub fn find<'p, 'h>(&'p self, haystack: &Haystack<'h>) -> Result<Option<Match<'p, 'h>>, PatternError> {
        if !self.may_match(haystack) {
            return Ok(None);
        }
        let (regex, text) = (self.regex()?, haystack.text());
        if self.names.is_empty() {
            return Ok(regex.find(text).map(|found| Match { range: found.range(), captures: Vec::new() }));
        }
        let mut groups = regex.create_captures();
        regex.search_captures(&Input::new(text), &mut groups);
        let capture = |name: &'p String| {
            let group = groups.get_group_by_name(name)?;
            Some((name.as_str(), text.get(group.range())?))
        };
        Ok(groups
            .get_match()
            .map(|whole| Match { range: whole.range(), captures: self.names.iter().filter_map(capture).collect() }))
    }

    /// Whether the text contains what the pattern cannot match without.
    fn may_match(&self, haystack: &Haystack<'_>) -> bool {
        self.required.as_ref().is_none_or(|texts| texts.iter().any(|text| haystack.contains(text)))
    }

    fn regex(&self) -> Result<&Regex, PatternError> {
        self.regex.get_or_init(|| compile(&self.source)).as_ref().map_err(Clone::clone)
    }
}

/// As written, on one line.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.source))
    }
}

impl PatternError {
    fn new(pattern: &str, offset: usize, message: String) -> Self {
        Self { message, offset, pattern: pattern.to_owned() }
    }
}

/// The names of the groups and the required texts of a pattern, by its syntax tree.
pub(super) fn by_tree(source: &str) -> Result<(Vec<String>, Option<Vec<String>>), PatternError> {
    let ast = AstParser::new().nest_limit(NEST_LIMIT).build().parse(source).map_err(|error| {
        PatternError::new(source, chars_before(source, error.span().start.offset), error.kind().to_string())
    })?;
    let Ok(outline) = visit(&ast, Outline::default());
    if outline.wants_translation {
        translate(source)?;
    }
    Ok((outline.names, literal::required(&ast)))
}

pub(super) fn compile(source: &str) -> Result<Regex, PatternError> {
    // A pattern is compiled for one mail, and its literal is known to be there: what makes a search faster but
    // compiling slower (automata built in advance, a prefilter of its own) is lost time. Measured: 0.15 ms instead of
    // 0.7 ms for a sentence with `\w+` and a capture, 0.02 ms instead of 0.15 ms for `\S`.
    let config = Config::new().dfa(false).onepass(false).auto_prefilter(false).nfa_size_limit(Some(SIZE_LIMIT));
    let syntax = syntax::Config::new().case_insensitive(true).multi_line(true).nest_limit(NEST_LIMIT);
    Builder::new().configure(config).syntax(syntax).build(source).map_err(|error| {
        if error.size_limit().is_some() {
            let message = format!("needs more than {} MiB when compiled", SIZE_LIMIT / (1024 * 1024));
            return PatternError::new(source, 0, message);
        }
        match error.syntax_error() {
            Some(error) => syntax_error(source, error),
            None => PatternError::new(source, 0, one_line(&error.to_string())),
        }
    })
}

/// Goes the second half of the way that [`compile`] goes, for the mistakes that show only there.
fn translate(source: &str) -> Result<(), PatternError> {
    let mut parser = regex_syntax::ParserBuilder::new();
    parser.case_insensitive(true).multi_line(true).nest_limit(NEST_LIMIT);
    parser.build().parse(source).map(drop).map_err(|error| syntax_error(source, &error))
}

fn syntax_error(source: &str, error: &regex_syntax::Error) -> PatternError {
    let (at, message) = match error {
        regex_syntax::Error::Parse(error) => (error.span().start.offset, error.kind().to_string()),
        regex_syntax::Error::Translate(error) => (error.span().start.offset, error.kind().to_string()),
        error => (0, one_line(&error.to_string())),
    };
    PatternError::new(source, chars_before(source, at), message)
}

fn chars_before(source: &str, offset: usize) -> usize {
    source.get(..offset).map_or(0, |before| before.chars().count())
}

/// A pattern may be written over several lines with `(?x)`.
pub(super) fn one_line(text: &str) -> String {
    if text.contains(char::is_control) {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        text.to_owned()
    }
}

/// What a look over the syntax tree tells.
#[derive(Default)]
struct Outline {
    names: Vec<String>,
    /// It uses what can be wrong although it is well formed: `\p{Nosuch}`, `(?-u:\xFF)`. Translating every pattern would
    /// cost five times as much as reading it.
    wants_translation: bool,
}

impl Visitor for Outline {
    type Output = Self;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<Self, Self::Err> {
        Ok(self)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        let bytes = |flags: &regex_syntax::ast::Flags| flags.flag_state(Flag::Unicode) == Some(false);
        match ast {
            Ast::ClassUnicode(_) => self.wants_translation = true,
            Ast::Flags(set) => self.wants_translation |= bytes(&set.flags),
            Ast::Group(group) => match &group.kind {
                GroupKind::CaptureIndex(_) => {}
                GroupKind::CaptureName { name, .. } => self.names.push(name.name.clone()),
                GroupKind::NonCapturing(flags) => self.wants_translation |= bytes(flags),
            },
            Ast::Empty(_)
            | Ast::Literal(_)
            | Ast::Dot(_)
            | Ast::Assertion(_)
            | Ast::ClassPerl(_)
            | Ast::ClassBracketed(_)
            | Ast::Repetition(_)
            | Ast::Alternation(_)
            | Ast::Concat(_) => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &regex_syntax::ast::ClassSetItem) -> Result<(), Self::Err> {
        self.wants_translation |= matches!(item, regex_syntax::ast::ClassSetItem::Unicode(_));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
