//! One spelling for all letters that a case-insensitive regex takes for the same. Text and literals are folded alike,
//! so that one plain search serves patterns that respect case and patterns that do not.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// Folds a text: two texts that differ only by case (Unicode's *simple* case folding, which is the regex engine's
/// notion, too) become equal. Line breaks stay, so that a line has the same number before and after.
///
/// It goes beyond ASCII because the regex engine does: `k` matches the Kelvin sign `K`, and `s` matches `ſ`.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    let mut known = Known::new();
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        folded.push(if c.is_ascii() { c.to_ascii_uppercase() } else { known.fold(c) });
    }
    folded
}

/// The one that stands for all characters that differ from `c` only by case: the smallest of them, which for ASCII is
/// the capital.
pub(crate) fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    if has_no_case(c) {
        return c;
    }
    let mut same = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
    // The error says that the crate was built without case tables; then its regexes do not fold this letter either.
    if same.try_case_fold_simple().is_err() {
        return c;
    }
    same.ranges().first().map_or(c, ClassUnicodeRange::start)
}

/// The scripts of East Asia, which make up most text that is not ASCII and knows no case; a test compares this with
/// the regex engine's tables.
fn has_no_case(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{A63F}' | '\u{AC00}'..='\u{D7FF}' | '\u{1F300}'..='\u{1FAFF}' | '\u{20000}'..)
}

/// What letters fold to, remembered for the length of a text: a look into the tables costs fifty times more.
struct Known {
    slots: Box<[(char, char); SLOTS]>,
}

const SLOTS: usize = 256;

impl Known {
    fn new() -> Self {
        Self { slots: Box::new([('\0', '\0'); SLOTS]) }
    }

    fn fold(&mut self, c: char) -> char {
        let Some(slot) = self.slots.get_mut(c as usize % SLOTS) else { return fold_char(c) };
        if slot.0 != c {
            *slot = (c, fold_char(c));
        }
        slot.1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_letter_folds_to_what_all_its_cases_fold_to() {
        for c in '\0'..=char::MAX {
            let mut same = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
            same.case_fold_simple();
            let folded = fold_char(c);
            for range in same.ranges() {
                for other in range.start()..=range.end() {
                    assert_eq!(fold_char(other), folded, "{c:?} and {other:?}");
                }
            }
            assert_eq!(fold_char(folded), folded, "{c:?}");
        }
    }

    #[test]
    fn kelvin_and_long_s_fold_to_ascii() {
        assert_eq!(fold("\u{212A}ernel pa\u{17F}\u{17F}word"), "KERNEL PASSWORD");
        assert_eq!(fold("Ärger ΣΑΣ σας"), fold("ÄRGER σας ΣΑΣ"));
    }

    proptest! {
        #[test]
        fn a_text_folds_letter_by_letter(text in "\\PC{0,40}[ \n]?[a-zA-ZäÄßẞſK]{0,20}") {
            prop_assert_eq!(fold(&text), text.chars().map(fold_char).collect::<String>());
        }
    }
}
