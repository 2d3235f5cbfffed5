//! Which texts a regex cannot match without. Walks the syntax tree, not the translated one: that costs a fifth, and a
//! thousand patterns are read anew for every mail.

use regex_syntax::ast::{
    Ast, ClassBracketed, ClassSet, ClassSetItem, GroupKind, RepetitionKind, RepetitionOp, RepetitionRange,
};

use super::fold::fold_char;

/// More alternatives than this are not worth a search: a regex that accepts so much may as well be compiled.
const MAX_ALTERNATIVES: usize = 64;
/// How many texts may come of joining alternatives: `web[12]-(prod|test)` gives four.
pub(super) const MAX_JOINED: usize = 16;
/// Bytes of one text; what is longer is no better.
const MAX_LENGTH: usize = 64;
/// How often a counted repetition is written out.
const MAX_REPEATED: u32 = 8;

/// Texts, [folded](super::fold::fold), of which every match of the regex contains at least one once it is folded
/// itself. `None` when there are no such texts, or none worth a search.
///
/// Flags do not matter: folding makes of every letter what stands for all its cases, so that a literal serves with and
/// without `(?i)`.
pub(crate) fn required(ast: &Ast) -> Option<Vec<String>> {
    let mut walk = Walk::new();
    walk.add(ast);
    walk.needed()
}

/// What is known of a part of the regex.
struct Known {
    /// All texts that it can match, when they are few; never an empty list.
    exact: Option<Vec<String>>,
    /// Texts of which it contains one; none of them is empty.
    required: Option<Vec<String>>,
}

/// Goes along a regex from left to right.
pub(super) struct Walk {
    /// All texts that can stand between the last gap and here.
    current: Vec<String>,
    /// No gap so far: `current` is all there is.
    whole: bool,
    /// The best requirement that lies behind us.
    best: Option<Vec<String>>,
}

impl Walk {
    pub(super) fn new() -> Self {
        Self { current: vec![String::new()], whole: true, best: None }
    }

    /// At the end of the regex: the texts that it cannot match without one of.
    pub(super) fn needed(mut self) -> Option<Vec<String>> {
        self.gap();
        let mut texts = self.best?;
        // A text that contains another says nothing that the other does not.
        texts.sort_by_key(String::len);
        let mut needed: Vec<String> = Vec::with_capacity(texts.len());
        for text in texts {
            if !needed.iter().any(|shorter| text.contains(shorter.as_str())) {
                needed.push(text);
            }
        }
        Some(needed)
    }

    fn finish(mut self) -> Known {
        let exact = self.whole.then(|| self.current.clone());
        self.gap();
        Known { exact, required: self.best }
    }

    fn add(&mut self, ast: &Ast) {
        match ast {
            // What stands between two characters takes no room: the texts to its left and right touch.
            Ast::Empty(_) | Ast::Flags(_) | Ast::Assertion(_) => {}
            Ast::Literal(literal) => self.add_char(fold_char(literal.c)),
            Ast::Dot(_) | Ast::ClassUnicode(_) | Ast::ClassPerl(_) => self.gap(),
            Ast::ClassBracketed(class) => match characters(class) {
                Some(texts) => self.add_texts(&texts),
                None => self.gap(),
            },
            Ast::Repetition(repetition) => self.add_repetition(&repetition.op, &repetition.ast),
            Ast::Group(group) => match group.kind {
                GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } | GroupKind::NonCapturing(_) => {
                    self.add(&group.ast);
                }
            },
            Ast::Concat(concat) => concat.asts.iter().for_each(|part| self.add(part)),
            Ast::Alternation(alternation) => self.add_known(&either(&alternation.asts)),
        }
    }

    fn add_repetition(&mut self, op: &RepetitionOp, ast: &Ast) {
        let (least, most) = match op.kind {
            RepetitionKind::ZeroOrOne => (0, Some(1)),
            RepetitionKind::ZeroOrMore => (0, None),
            RepetitionKind::OneOrMore => (1, None),
            RepetitionKind::Range(RepetitionRange::Exactly(n)) => (n, Some(n)),
            RepetitionKind::Range(RepetitionRange::AtLeast(n)) => (n, None),
            RepetitionKind::Range(RepetitionRange::Bounded(least, most)) => (least, Some(most)),
        };
        if most == Some(0) {
            return;
        }
        let mut once = Walk::new();
        once.add(ast);
        let once = once.finish();
        if (least, most) == (0, Some(1)) {
            match once.exact {
                Some(mut texts) => {
                    texts.push(String::new());
                    self.add_texts(&texts);
                }
                None => self.gap(),
            }
            return;
        }
        for _ in 0..least.min(MAX_REPEATED) {
            self.add_known(&once);
        }
        if least > MAX_REPEATED || most != Some(least) {
            self.gap();
        }
    }

    fn add_known(&mut self, known: &Known) {
        if let Some(texts) = &known.exact {
            self.add_texts(texts);
        } else {
            self.gap();
            if let Some(texts) = &known.required {
                self.offer(texts.clone());
            }
        }
    }

    /// What follows is this character.
    pub(super) fn add_char(&mut self, c: char) {
        if let [text] = self.current.as_mut_slice()
            && text.len() < MAX_LENGTH
        {
            text.push(c);
            return;
        }
        if self.current.iter().any(|text| text.len() >= MAX_LENGTH) {
            self.gap();
        }
        self.current.iter_mut().for_each(|text| text.push(c));
    }

    /// What follows is one of these texts.
    pub(super) fn add_texts(&mut self, texts: &[String]) {
        let longest = |list: &[String]| list.iter().map(String::len).max().unwrap_or_default();
        if self.current.len() * texts.len() > MAX_JOINED || longest(&self.current) + longest(texts) > MAX_LENGTH {
            self.gap();
            self.current = texts.to_vec();
            return;
        }
        let mut joined: Vec<String> =
            self.current.iter().flat_map(|left| texts.iter().map(move |right| format!("{left}{right}"))).collect();
        joined.sort_unstable();
        joined.dedup();
        self.current = joined;
    }

    /// What follows may be anything.
    pub(super) fn gap(&mut self) {
        self.whole = false;
        if self.current.iter().all(|text| !text.is_empty()) {
            let behind = std::mem::replace(&mut self.current, vec![String::new()]);
            self.offer(behind);
        } else {
            self.current.truncate(1);
            self.current.iter_mut().for_each(String::clear);
        }
    }

    /// Keeps the requirement that is seen least often in mails: that of the longest texts, then of the fewest.
    fn offer(&mut self, texts: Vec<String>) {
        let worth =
            |list: &[String]| (list.iter().map(String::len).min().unwrap_or_default(), MAX_ALTERNATIVES - list.len());
        if texts.len() > MAX_ALTERNATIVES || texts.iter().any(String::is_empty) {
            return;
        }
        if self.best.as_deref().is_none_or(|best| worth(&texts) > worth(best)) {
            self.best = Some(texts);
        }
    }
}

/// One of several regexes: of each a text is required, or none is.
fn either(branches: &[Ast]) -> Known {
    let mut known = Known { exact: Some(Vec::new()), required: Some(Vec::new()) };
    for branch in branches {
        let mut walk = Walk::new();
        walk.add(branch);
        let branch = walk.finish();
        known.exact = join(known.exact, branch.exact);
        known.required = join(known.required, branch.required);
    }
    known.exact = known.exact.filter(|texts| !texts.is_empty());
    known.required = known.required.filter(|texts| !texts.is_empty());
    known
}

fn join(all: Option<Vec<String>>, more: Option<Vec<String>>) -> Option<Vec<String>> {
    let mut all = all?;
    all.extend(more?);
    all.sort_unstable();
    all.dedup();
    (all.len() <= MAX_ALTERNATIVES).then_some(all)
}

/// The few characters that a class accepts, folded. Only lists of literals and small ranges: what is negated, nested or
/// intersected depends on when the engine folds it.
fn characters(class: &ClassBracketed) -> Option<Vec<String>> {
    fn collect(item: &ClassSetItem, found: &mut Vec<String>) -> Option<()> {
        match item {
            ClassSetItem::Literal(literal) => found.push(fold_char(literal.c).to_string()),
            ClassSetItem::Range(range) => {
                if (range.end.c as usize).checked_sub(range.start.c as usize)? >= MAX_JOINED {
                    return None;
                }
                found.extend((range.start.c..=range.end.c).map(|c| fold_char(c).to_string()));
            }
            ClassSetItem::Union(union) => {
                for item in &union.items {
                    collect(item, found)?;
                }
            }
            ClassSetItem::Empty(_)
            | ClassSetItem::Ascii(_)
            | ClassSetItem::Unicode(_)
            | ClassSetItem::Perl(_)
            | ClassSetItem::Bracketed(_) => return None,
        }
        Some(())
    }
    let (false, ClassSet::Item(item)) = (class.negated, &class.kind) else { return None };
    let mut found = Vec::new();
    collect(item, &mut found)?;
    found.sort_unstable();
    found.dedup();
    (!found.is_empty() && found.len() <= MAX_JOINED).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literals(pattern: &str) -> Option<Vec<String>> {
        required(&regex_syntax::ast::parse::Parser::new().parse(pattern).unwrap())
    }

    #[test]
    fn the_longest_text_that_cannot_be_missing_is_required() {
        let cases: &[(&str, &[&str])] = &[
            (r"^Priority changed from \w+ to Emergency \(Critical\)$", &[" TO EMERGENCY (CRITICAL)"]),
            (
                r"Issue #(?<issue>\d+) has been (updated|reported) by",
                &[" HAS BEEN UPDATED BY", " HAS BEEN REPORTED BY"],
            ),
            ("kernel", &["KERNEL"]),
            ("(?i)Straße", &["STRAßE"]),
            ("(?-i)Exact", &["EXACT"]),
            ("colou?r", &["COLOR", "COLOUR"]),
            ("web[12]-down", &["WEB1-DOWN", "WEB2-DOWN"]),
            ("[Ee]rror", &["ERROR"]),
            ("fo+bar", &["BAR"]),
            ("(ab){2}", &["ABAB"]),
            ("(ab){2,}c", &["ABAB"]),
            ("x{20}", &["XXXXXXXX"]),
            (r"\bdown\b", &["DOWN"]),
            ("critical|criticality", &["CRITICAL"]),
            ("(?:disk|tape) (?:full|gone)", &["DISK FULL", "DISK GONE", "TAPE FULL", "TAPE GONE"]),
            ("(?x) a b # c\n c", &["ABC"]),
        ];
        for (pattern, expected) in cases {
            let mut found = literals(pattern).unwrap_or_default();
            let mut expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{pattern}");
        }
    }

    #[test]
    fn nothing_is_required_of_what_may_be_anything() {
        let patterns =
            ["", ".*", r"\S", "a?", "(a|)", "(abc)*", "a{0}", "[^k]", "[k&&K]", "[[k]]", r"down|\d", "a{0,3}"];
        for pattern in patterns {
            assert_eq!(literals(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn long_and_many_alternatives_stay_bounded() {
        let many = (0..200).map(|n| format!("host{n}")).collect::<Vec<_>>().join("|");
        assert_eq!(literals(&many), None);
        for text in literals(&"long text ".repeat(50)).unwrap() {
            assert!(text.len() <= MAX_LENGTH);
        }
        for text in literals("((((a{8}){8}){8}){8}){8}").unwrap() {
            assert!(text.len() <= MAX_LENGTH);
        }
    }
}
