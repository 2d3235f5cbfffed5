//! A text that many patterns look at: folded once, and searched for the literals of all of them in one pass.

use std::cell::OnceCell;

use super::fold::fold;
use super::prefilter::{Prefilter, Present};

/// Texts shorter than this are searched literal by literal: a pass over them is not worth the table.
const SHORT: usize = 512;

/// Who owns the literals of many patterns; a [`Prefilter`] is built of them when the first long text asks for it.
pub(crate) trait Literals {
    /// The same at every call.
    fn prefilter(&self) -> &Prefilter;
}

/// A text to search. Keeps what was learned of it, so make one for a text and show it to every pattern.
pub struct Haystack<'a> {
    text: &'a str,
    folded: OnceCell<String>,
    literals: Option<&'a dyn Literals>,
    present: OnceCell<Present>,
}

impl<'a> Haystack<'a> {
    /// A text for few patterns.
    pub fn new(text: &'a str) -> Self {
        Self { text, folded: OnceCell::new(), literals: None, present: OnceCell::new() }
    }

    /// A text for the patterns whose literals these are.
    pub(crate) fn with_literals(text: &'a str, literals: &'a dyn Literals) -> Self {
        Self { literals: Some(literals), ..Self::new(text) }
    }

    /// The text itself.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The text, [folded](super::fold::fold).
    fn folded(&self) -> &str {
        self.folded.get_or_init(|| fold(self.text))
    }

    /// Whether it contains this folded literal in any case.
    pub(crate) fn contains(&self, literal: &str) -> bool {
        let known = self.literals.filter(|_| self.text.len() >= SHORT).and_then(|literals| {
            let filter = literals.prefilter();
            filter.found(literal, self.present.get_or_init(|| filter.scan(self.folded())))
        });
        known.unwrap_or_else(|| self.folded().contains(literal))
    }

    /// The line that holds the longest beginning of one of these folded literals, but at least a third of it and four
    /// characters: where somebody who wonders why a pattern did not match should look.
    pub(crate) fn nearest_line(&self, literals: &[String]) -> Option<&'a str> {
        let folded = self.folded();
        let mut best: Option<(usize, usize)> = None;
        for literal in literals {
            let lengths: Vec<usize> =
                literal.char_indices().map(|(at, c)| at + c.len_utf8()).filter(|n| *n * 3 >= literal.len()).collect();
            // A text that contains a beginning contains all shorter ones: halve.
            let beginning = |length: &usize| literal.get(..*length).is_some_and(|part| folded.contains(part));
            let Some(length) = lengths.partition_point(beginning).checked_sub(1).and_then(|n| lengths.get(n)) else {
                continue;
            };
            if *length >= 4.min(literal.len())
                && best.is_none_or(|(longest, _)| *length > longest)
                && let Some(at) = literal.get(..*length).and_then(|part| folded.find(part))
            {
                best = Some((*length, at));
            }
        }
        let (_, at) = best?;
        // Folding keeps line breaks.
        self.text.split('\n').nth(folded.get(..at)?.matches('\n').count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literals(all: &[&str]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    struct Two(Prefilter);

    impl Literals for Two {
        fn prefilter(&self) -> &Prefilter {
            &self.0
        }
    }

    #[test]
    fn a_long_text_is_searched_for_all_literals_and_for_those_that_came_later() {
        let set = Two(Prefilter::new(["DISK FULL", "TAPE"].into_iter()));
        let text = format!("{}\nDisk full on web17\n", "quiet ".repeat(200));
        let haystack = Haystack::with_literals(&text, &set);
        assert!(haystack.contains("DISK FULL"));
        assert!(!haystack.contains("TAPE"));
        assert!(haystack.contains("WEB17"));
        assert!(!haystack.contains("WEB18"));
        assert!(haystack.contains("K"));
    }

    #[test]
    fn the_nearest_line_holds_the_longest_beginning() {
        let haystack = Haystack::new("hello\nPriorität geändert ſ\nPriority changed from Low to High\n");
        let nearest = haystack.nearest_line(&literals(&["PRIORITY CHANGED TO EMERGENCY"]));
        assert_eq!(nearest, Some("Priority changed from Low to High"));
        assert_eq!(haystack.nearest_line(&literals(&["TABLESPACE"])), None);
        assert_eq!(haystack.nearest_line(&[]), None);
    }
}
