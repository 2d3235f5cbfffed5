//! How far a pattern that does not match gets: the longest part from its beginning that is found somewhere. Only for
//! whoever asks why; a judgement never needs it.

use std::ops::Range;

use regex_syntax::ast::Ast;
use regex_syntax::ast::parse::Parser;

use super::pattern::{self, Pattern};

/// Fewer characters than this tell nothing, unless they are half of the pattern: `(` or `Stat` is found everywhere.
const LEAST: usize = 6;
/// A text longer than this is not searched a dozen times, in bytes.
const TEXT_LIMIT: usize = 256 * 1024;

/// How far it gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Nearest<'p> {
    /// The part of the pattern that is found.
    pub prefix: &'p str,
    /// What should follow.
    pub rest: &'p str,
    /// Where, in bytes of the text.
    pub range: Range<usize>,
}

/// The longest beginning of the pattern that the text contains, if it is worth a word.
pub(crate) fn nearest<'p>(pattern: &'p Pattern, text: &str) -> Option<Nearest<'p>> {
    if text.len() > TEXT_LIMIT {
        return None;
    }
    let ast = Parser::new().parse(&pattern.source).ok()?;
    branches(&ast).iter().filter_map(|ends| longest(&pattern.source, ends, text)).max_by_key(|found| found.range.len())
}

/// For each alternative at the top of the pattern: where it begins, and where each of its parts ends.
fn branches(ast: &Ast) -> Vec<(usize, Vec<usize>)> {
    match ast {
        Ast::Concat(concat) => {
            let ends = concat.asts.iter().map(|part| part.span().end.offset).collect();
            vec![(concat.span.start.offset, ends)]
        }
        Ast::Alternation(alternation) => alternation.asts.iter().flat_map(branches).collect(),
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_)
        | Ast::Repetition(_)
        | Ast::Group(_) => Vec::new(),
    }
}

fn longest<'p>(source: &'p str, (start, ends): &(usize, Vec<usize>), text: &str) -> Option<Nearest<'p>> {
    let find = |end: usize| -> Option<Nearest<'p>> {
        let prefix = source.get(*start..end)?;
        let range = pattern::compile(prefix).ok()?.find(text)?.range();
        Some(Nearest { prefix, rest: source.get(end..*ends.last()?)?, range })
    };
    // Where a beginning is found, every shorter one is: halve.
    let found = ends.partition_point(|end| find(*end).is_some());
    let nearest = find(*ends.get(found.checked_sub(1)?)?)?;
    let matched = text.get(nearest.range.clone())?;
    let found = matched.chars().filter(|c| !c.is_whitespace()).count();
    (found >= LEAST || (found > 2 && nearest.prefix.len() >= nearest.rest.len())).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(pattern: &str, text: &str) -> Option<(String, String)> {
        let pattern = Pattern::new(pattern).unwrap();
        nearest(&pattern, text).map(|found| (found.prefix.to_owned(), text[found.range].to_owned()))
    }

    #[test]
    fn it_is_told_how_far_a_pattern_gets() {
        let text = "hello\nPriority changed from Low to High\nbye";
        let (prefix, matched) = see(r"^Priority changed from \w+ to Emergency$", text).unwrap();
        assert_eq!(
            (prefix.as_str(), matched.as_str()),
            (r"^Priority changed from \w+ to ", "Priority changed from Low to ")
        );
        let (prefix, matched) = see(r"disk full|^priority (\w+) TO", text).unwrap();
        assert_eq!((prefix.as_str(), matched.as_str()), (r"^priority (\w+) ", "Priority changed "));
        assert_eq!(see("tablespace", text), None);
        let (_, matched) = see(r"(?x) ^ priority \s changed \s too", text).unwrap();
        assert_eq!(matched, "Priority changed ");
    }

    #[test]
    fn every_end_is_a_regex_or_is_passed_over() {
        for pattern in ["a(b|c)+d{2}x", "(?i)abcd(?-i)E", r"\Qab", "[a&&b]cdef", "(abc)def(?<n>ghi)jkl"] {
            if let Ok(pattern) = Pattern::new(pattern) {
                let _ = nearest(&pattern, "abcd abcdefgh abbdd");
            }
        }
    }
}
