//! Reads plain patterns without a syntax tree, and leaves all others to `regex-syntax`. Most patterns are plain, and a
//! thousand are read anew for every mail: measured, a twelfth of the work.
//!
//! It says what [`literal::required`](super::literal::required) and the syntax tree say of the same pattern, or nothing; so
//! whatever it is not sure of is not plain. Property tests hold the two against each other.

use super::fold::fold_char;
use super::literal::{MAX_JOINED, Walk};

/// Groups nest at most so deep, far below what is refused elsewhere.
const DEPTH: usize = 10;

/// What a plain pattern tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    /// The names of its groups, in order.
    pub(crate) names: Vec<String>,
    /// Texts, folded, of which every match contains one.
    pub(crate) required: Option<Vec<String>>,
}

/// What one part of a pattern stands for.
enum Part {
    /// A character, folded.
    Character(char),
    /// One of these texts, folded.
    Texts(Vec<String>),
    /// Any of many characters.
    Gap,
    /// A place between two characters.
    Between,
}

/// Reads a pattern of characters, classes, simple repetitions and capturing groups without alternatives; `None` when there
/// is more to it, or something is wrong with it.
pub(crate) fn read(source: &str) -> Option<Plain> {
    let mut walk = Walk::new();
    let mut names: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..)?;
        let part;
        (part, rest) = match c {
            '(' => {
                let (name, inside) = group(after)?;
                if let Some(name) = name {
                    if names.iter().any(|earlier| earlier == name) {
                        return None;
                    }
                    names.push(name.to_owned());
                }
                depth += 1;
                if depth > DEPTH {
                    return None;
                }
                // What cannot begin a group is no plain part either.
                (Part::Between, inside)
            }
            ')' => {
                depth = depth.checked_sub(1)?;
                (Part::Between, after)
            }
            '^' | '$' => (Part::Between, after),
            '.' => (Part::Gap, after),
            '\\' => escape(after)?,
            '[' => class(after)?,
            '|' | '*' | '+' | '?' | '{' | '}' | ']' => return None,
            c => (Part::Character(fold_char(c)), after),
        };
        rest = add(&mut walk, part, rest)?;
    }
    (depth == 0).then(|| Plain { names, required: walk.needed() })
}

/// Adds a part with the repetition that follows it; what comes after both.
fn add<'s>(walk: &mut Walk, part: Part, rest: &'s str) -> Option<&'s str> {
    let Some(sign) = rest.chars().next().filter(|c| matches!(c, '*' | '+' | '?' | '{')) else {
        match part {
            Part::Character(c) => walk.add_char(c),
            Part::Texts(texts) => walk.add_texts(&texts),
            Part::Gap => walk.gap(),
            Part::Between => {}
        }
        return Some(rest);
    };
    let texts = match part {
        Part::Character(c) => Some(vec![c.to_string()]),
        Part::Texts(texts) => Some(texts),
        Part::Gap => None,
        // A repeated group is not plain, and a repeated `^` odd.
        Part::Between => return None,
    };
    match (sign, texts) {
        ('?', Some(mut texts)) => {
            texts.push(String::new());
            walk.add_texts(&texts);
        }
        ('+', Some(texts)) => {
            walk.add_texts(&texts);
            walk.gap();
        }
        ('*', _) | ('+' | '?', None) => walk.gap(),
        _ => return None,
    }
    let rest = rest.get(1..)?;
    // Lazy or not: what must be there is the same.
    let rest = rest.strip_prefix('?').unwrap_or(rest);
    (!rest.starts_with(['*', '+', '?', '{'])).then_some(rest)
}

/// What follows the opening parenthesis of a capturing group: its name, and what is inside.
fn group(after: &str) -> Option<(Option<&str>, &str)> {
    let Some(marked) = after.strip_prefix('?') else { return Some((None, after)) };
    let (name, inside) = marked.strip_prefix('P').unwrap_or(marked).strip_prefix('<')?.split_once('>')?;
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (begins && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).then_some((Some(name), inside))
}

/// What follows a backslash.
fn escape(after: &str) -> Option<(Part, &str)> {
    let c = after.chars().next()?;
    let rest = after.get(c.len_utf8()..)?;
    let part = match c {
        'w' | 'W' | 'd' | 'D' | 's' | 'S' => Part::Gap,
        // `\b{start}` is something else.
        'b' | 'B' if !rest.starts_with('{') => Part::Between,
        c if regex_syntax::is_meta_character(c) => Part::Character(fold_char(c)),
        _ => return None,
    };
    Some((part, rest))
}

/// What follows the opening bracket of a class: single characters and ranges of letters or digits, negated or not.
fn class(after: &str) -> Option<(Part, &str)> {
    let (negated, mut rest) = match after.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, after),
    };
    let mut texts: Option<Vec<String>> = Some(Vec::new());
    let mut empty = true;
    loop {
        let c = rest.chars().next()?;
        rest = rest.get(c.len_utf8()..)?;
        let last = match c {
            ']' if !empty => break,
            '\\' => match rest.chars().next()? {
                'w' | 'W' | 'd' | 'D' | 's' | 'S' => {
                    rest = rest.get(1..)?;
                    // Not the beginning of a range.
                    if rest.starts_with('-') {
                        return None;
                    }
                    texts = None;
                    empty = false;
                    continue;
                }
                _ => return None,
            },
            // These may begin or end something, or stand for themselves.
            ']' | '[' | '^' | '-' | '&' | '~' => return None,
            first if rest.starts_with('-') => {
                let last = rest.chars().nth(1)?;
                rest = rest.get(1 + last.len_utf8()..)?;
                let plain = first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric();
                if !plain || first > last || rest.starts_with('-') {
                    return None;
                }
                last
            }
            first => first,
        };
        empty = false;
        if last as usize - c as usize >= MAX_JOINED {
            texts = None;
        }
        if let Some(texts) = &mut texts {
            texts.extend((c..=last).map(|c| fold_char(c).to_string()));
        }
    }
    let texts = texts.filter(|_| !negated).map(|mut texts| {
        texts.sort_unstable();
        texts.dedup();
        texts
    });
    let part = texts.filter(|texts| texts.len() <= MAX_JOINED).map_or(Part::Gap, Part::Texts);
    Some((part, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pattern;
    use super::*;

    /// What the syntax tree tells of a pattern; `None` when it is wrong.
    fn by_tree(source: &str) -> Option<Plain> {
        pattern::by_tree(source).ok().map(|(names, required)| Plain { names, required })
    }

    fn agree(source: &str) -> Result<(), TestCaseError> {
        if let Some(plain) = read(source) {
            prop_assert_eq!(Some(plain), by_tree(source), "{}", source);
            prop_assert!(pattern::compile(source).is_ok(), "{}", source);
        }
        Ok(())
    }

    #[test]
    fn what_most_rules_have_is_plain() {
        for source in [
            "kernel",
            r"^service (?<service>alpha17\w*) on (?<host>\S+) is critical$",
            r"Issue #(?P<issue>\d+) has been updated by (.+)",
            "service alpha1[a-z]* on [^ ]+ is critical",
            r"\bdown\b",
            r"^Priority changed from \w+ to Emergency \(Critical\)$",
            "colou?r web[12]-down [Ee]rror .*? [^0-9]x+",
            "Größe überschritten ſK",
            "()",
            "",
        ] {
            assert!(read(source).is_some(), "{source}");
            agree(source).unwrap();
        }
    }

    #[test]
    fn the_rest_is_left_to_the_syntax_tree() {
        for source in [
            "a|b",
            "(a)+",
            "(?i)a",
            "(?:a)",
            "a{2}",
            "a**",
            "*",
            "^*",
            "(",
            ")",
            "(a",
            "[",
            "[]",
            "[]a]",
            "[z-a]",
            "[a-]",
            "[[:alpha:]]",
            "[a&&b]",
            "[a--b]",
            "[a~~b]",
            r"\p{L}",
            r"\xFF",
            r"\b{start}",
            r"\n",
            "\\",
            r"[\w-z]",
            r"[\.]",
            "(?<a>x)(?<a>y)",
            "(?<1>x)",
            "(?<>x)",
            "(?<ä>x)",
            "(?=x)",
            "{",
            "a+{2}",
            "]",
            "}",
            r"\q",
            "[a-z-9]",
        ] {
            assert_eq!(read(source), None, "{source}");
        }
        let deep = format!("{}{}", "(".repeat(11), ")".repeat(11));
        assert_eq!(read(&deep), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// Patterns out of what patterns are made of.
        #[test]
        fn it_says_what_the_syntax_tree_says(
            parts in proptest::collection::vec(prop_oneof![
                8 => "[a-cKsſßÄ ,:#/<>@%=&~\"'_-]{1,5}".prop_map(|text| text),
                4 => proptest::sample::select(vec![
                    "*", "+", "?", "??", "*?", "^", "$", ".", r"\w", r"\d", r"\S", r"\b", r"\B", r"\.", r"\(", r"\\", r"\-",
                    r"\#", r"\&", r"\~", "(", ")", "(?<n>", "(?P<m>", "(?<n1>", "(?<n_x>", "(?:", "(?i)", "|", "{2}", "{", "}",
                    "]", "[", r"\", r"\n", r"\x41", r"\p{L}", r"\<", r"\>", r"\/", r"\ ", r"\_", r"\%",
                ]).prop_map(str::to_owned),
                2 => r"\[\^?([a-cK ]|a-f|0-9|A-z|\\w|\\d|\\\]|-|&|~|\^|\[|9-0|ſ|a-z){0,4}\]".prop_map(|text| text),
                1 => Just("long and longer ".to_owned()),
                1 => Just("überlängliche Wörter ".to_owned()),
            ], 0..24)
        ) {
            agree(&parts.concat())?;
        }

        #[test]
        fn it_agrees_about_any_text(source in "\\PC{0,12}") {
            agree(&source)?;
        }

        #[test]
        fn it_agrees_about_any_signs(source in r"[a-b(){}\[\]|?*+.^$\\<>PnwWbBds0&~#\-]{0,10}") {
            agree(&source)?;
        }
    }
}
