//! Which filters, tests and functions a template names, found without rendering it: minijinja learns of an unknown one
//! only when it comes to it, which at night is too late.
//!
//! Reads only templates that minijinja has parsed already, so it need not know what is well formed.

use super::TemplateError;

/// Every filter that [`filters::add`](super::filters::add) adds.
pub(super) const FILTERS: &[&str] = &[
    "digits",
    "spell",
    "first_line",
    "truncate",
    "random",
    "replace",
    "lower",
    "upper",
    "title",
    "capitalize",
    "trim",
    "default",
    "d",
    "length",
    "count",
    "first",
    "last",
    "join",
    "split",
    "lines",
    "list",
    "sort",
    "unique",
    "reverse",
    "string",
    "int",
    "float",
    "round",
    "abs",
];

/// Every test, as in `is defined`.
pub(super) const TESTS: &[&str] = &[
    "defined",
    "undefined",
    "none",
    "number",
    "string",
    "odd",
    "even",
    "divisibleby",
    "startingwith",
    "endingwith",
    "in",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
];

/// Every function.
const FUNCTIONS: &[&str] = &["header", "dict"];

/// Words before a parenthesis that call nothing; `caller` and `loop` are minijinja's own in macros and loops.
const KEYWORDS: &[&str] = &[
    "if",
    "elif",
    "else",
    "in",
    "not",
    "and",
    "or",
    "is",
    "for",
    "set",
    "with",
    "do",
    "call",
    "filter",
    "caller",
    "loop",
    "recursive",
    "autoescape",
    "super",
];

/// Statements that need another template; there is none.
const INCLUDING: &[&str] = &["include", "import", "from", "extends"];

/// Whether it is the name of a function, not of a variable.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// Looks for names that nothing answers to.
pub(super) fn check(source: &str) -> Result<(), TemplateError> {
    let tokens = tokens(source);
    let word = |n: Option<usize>| match n.and_then(|n| tokens.get(n)) {
        Some((Token::Word(word), _)) => *word,
        _ => "",
    };
    let macros: Vec<&str> =
        (0..tokens.len()).filter(|n| word(Some(*n)) == "macro").map(|n| word(Some(n + 1))).collect();
    for (n, (token, at)) in tokens.iter().enumerate() {
        let Token::Word(name) = token else { continue };
        let before = n.checked_sub(1);
        let after_sign = |sign: char| before.and_then(|b| tokens.get(b)).is_some_and(|(t, _)| *t == Token::Sign(sign));
        let statement = before.and_then(|b| tokens.get(b)).is_some_and(|(t, _)| *t == Token::Statement);
        let filtered = word(before) == "filter"
            && n.checked_sub(2).and_then(|b| tokens.get(b)).is_some_and(|(t, _)| *t == Token::Statement);
        let tested = word(before) == "is" || word(before) == "not" && word(n.checked_sub(2)) == "is";
        let called = tokens.get(n + 1).is_some_and(|(t, _)| *t == Token::Sign('('));
        let unknown = if after_sign('.') || word(before) == "macro" {
            None
        } else if statement && INCLUDING.contains(name) {
            return Err(error(source, *at, format!("`{name}`: a template of the rule file cannot use another one")));
        } else if after_sign('|') || filtered {
            unknown("filter", name, FILTERS)
        } else if tested && *name != "not" {
            unknown("test", name, TESTS)
        } else if called && !statement && !KEYWORDS.contains(name) && !macros.contains(name) {
            unknown("function", name, FUNCTIONS)
        } else {
            None
        };
        if let Some(message) = unknown {
            return Err(error(source, *at, message));
        }
    }
    Ok(())
}

fn unknown(kind: &str, name: &str, known: &[&str]) -> Option<String> {
    if known.contains(&name) {
        return None;
    }
    let nearest = known.iter().max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
    Some(match nearest.filter(|nearest| strsim::jaro_winkler(name, nearest) > 0.75) {
        Some(nearest) => format!("unknown {kind} `{name}`; did you mean `{nearest}`?"),
        None => format!("unknown {kind} `{name}`"),
    })
}

fn error(source: &str, at: usize, message: String) -> TemplateError {
    let line = source.get(..at).map(|before| before.matches('\n').count() + 1);
    TemplateError { message, line }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'s> {
    /// The beginning of `{% … %}`.
    Statement,
    Word(&'s str),
    /// A string or a number.
    Constant,
    Sign(char),
}

/// What stands within `{{ }}` and `{% %}`, each with its place in bytes.
fn tokens(source: &str) -> Vec<(Token<'_>, usize)> {
    let mut found = Vec::new();
    let mut rest = source;
    let mut raw = false;
    while let Some(open) = rest.find('{') {
        let (kind, inside) = rest.get(open..).map_or(("", ""), |part| part.split_at_checked(2).unwrap_or((part, "")));
        match kind {
            "{#" if !raw => rest = inside.split_once("#}").map_or("", |(_, behind)| behind),
            "{{" | "{%" => {
                let begin = found.len();
                let offset = source.len() - inside.len();
                if kind == "{%" {
                    found.push((Token::Statement, offset));
                }
                let length = expression(inside, offset, &mut found);
                let name = found.get(begin + 1).map(|(token, _)| *token).filter(|_| kind == "{%");
                if raw {
                    // Within `raw` nothing counts but its end.
                    found.truncate(begin);
                    raw = name != Some(Token::Word("endraw"));
                    rest = if raw { inside } else { inside.get(length..).unwrap_or_default() };
                } else {
                    raw = name == Some(Token::Word("raw"));
                    rest = inside.get(length..).unwrap_or_default();
                }
            }
            _ => rest = rest.get(open + 1..).unwrap_or_default(),
        }
    }
    found
}

/// Reads up to the `}}` or `%}` that ends it; gives the length.
fn expression<'s>(text: &'s str, offset: usize, found: &mut Vec<(Token<'s>, usize)>) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match c {
            '}' | '%' if depth == 0 && rest.get(1..).is_some_and(|next| next.starts_with('}')) => return at + 2,
            '"' | '\'' => {
                found.push((Token::Constant, offset + at));
                quoted(rest, c)
            }
            c if is_word(c) => {
                let word = rest.find(|c| !is_word(c)).map_or(rest, |end| rest.get(..end).unwrap_or(rest));
                let token = if c.is_numeric() { Token::Constant } else { Token::Word(word) };
                found.push((token, offset + at));
                word.len()
            }
            c => {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                // The marks about space (`{%-`, `{{+`) are no part of the expression.
                if !(c.is_whitespace() || at == 0 && matches!(c, '-' | '+')) {
                    found.push((Token::Sign(c), offset + at));
                }
                c.len_utf8()
            }
        };
        at += length;
    }
    text.len()
}

/// The length of the string that begins here, quotation marks included.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == mark => return at + 1,
            _ => {}
        }
    }
    text.len()
}
