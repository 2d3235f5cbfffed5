//! The filters of templates: ours, which make of codes and numbers something that can be heard, and a few of minijinja's.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, filters};

/// Adds all filters; `random` must be added once more with the mail's seed.
pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_filter("digits", |text: Cow<'_, str>| digits(&text));
    environment.add_filter("spell", |text: Cow<'_, str>| spell(&text));
    environment.add_filter("first_line", |text: Cow<'_, str>| first_line(&text));
    environment.add_filter("truncate", |text: Cow<'_, str>, length: usize| truncate(&text, length));
    environment.add_filter("random", |list: &Value| random(list, 0));
    environment
        .add_filter("replace", |text: Cow<'_, str>, from: Cow<'_, str>, to: Cow<'_, str>| replace(&text, &from, &to));
    environment.add_filter("lower", filters::lower);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("title", filters::title);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("default", filters::default);
    environment.add_filter("d", filters::default);
    environment.add_filter("length", filters::length);
    environment.add_filter("count", filters::length);
    environment.add_filter("first", filters::first);
    environment.add_filter("last", filters::last);
    environment.add_filter("join", filters::join);
    environment.add_filter("split", filters::split);
    environment.add_filter("lines", filters::lines);
    environment.add_filter("list", filters::list);
    environment.add_filter("sort", filters::sort);
    environment.add_filter("unique", filters::unique);
    environment.add_filter("reverse", filters::reverse);
    environment.add_filter("string", filters::string);
    environment.add_filter("int", filters::int);
    environment.add_filter("float", filters::float);
    environment.add_filter("round", filters::round);
    environment.add_filter("abs", filters::abs);
}

/// So that a voice reads a number figure by figure: `#8658` becomes `8 6 5 8`, `web17` becomes `web 1 7`. Letters stay
/// together; all that is neither letter nor figure only separates.
fn digits(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() * 2);
    let mut together = false;
    for c in text.chars() {
        let letter = c.is_alphabetic();
        if letter || c.is_numeric() {
            if !(spaced.is_empty() || letter && together) {
                spaced.push(' ');
            }
            spaced.push(c);
        }
        together = letter;
    }
    spaced
}

/// So that a voice reads a code character by character: `AB-1.x` becomes `A B dash 1 dot x`. The words are English; in
/// another language `replace` the signs first.
fn spell(text: &str) -> String {
    let mut words: Vec<Cow<'_, str>> = Vec::new();
    for c in text.chars().filter(|c| !c.is_whitespace() && !c.is_control()) {
        words.push(match c {
            '-' => "dash".into(),
            '.' => "dot".into(),
            ',' => "comma".into(),
            ':' => "colon".into(),
            '_' => "underscore".into(),
            '/' => "slash".into(),
            '\\' => "backslash".into(),
            '@' => "at".into(),
            '#' => "hash".into(),
            '+' => "plus".into(),
            '*' => "star".into(),
            c => c.to_string().into(),
        });
    }
    words.join(" ")
}

/// The first line that is not empty, without the space around it.
fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// At most so many characters, `…` included; cut between words unless that loses more than half.
fn truncate(text: &str, length: usize) -> String {
    if text.chars().take(length.saturating_add(1)).count() <= length {
        return text.to_owned();
    }
    let Some(room) = length.checked_sub(1) else { return String::new() };
    let end = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    let (kept, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let mut cut = kept.trim_end();
    if !rest.starts_with(char::is_whitespace)
        && let Some((words, _)) = cut.rsplit_once(char::is_whitespace)
        && words.trim_end().chars().count() * 2 >= room
    {
        cut = words.trim_end();
    }
    format!("{cut}…")
}

/// One of a list: the same for the same seed and list, so that call and text wish alike, and different lists pick
/// independently.
pub(super) fn random(list: &Value, seed: u64) -> Result<Value, Error> {
    let items: Vec<Value> = list.try_iter()?.collect();
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    for item in &items {
        item.to_string().hash(&mut hasher);
    }
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let picked = hasher.finish().checked_rem(count).and_then(|n| usize::try_from(n).ok()).and_then(|n| items.get(n));
    picked.cloned().ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "`random` of an empty list"))
}

/// minijinja's would multiply a text by itself if asked to.
fn replace(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let grown = text.matches(from).count().saturating_mul(to.len());
    if from.is_empty() || grown > super::OUTPUT_LIMIT {
        return Err(Error::new(ErrorKind::InvalidOperation, "`replace` of nothing, or with too much"));
    }
    Ok(text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_heard_one_by_one() {
        let cases = [("8658", "8 6 5 8"), ("#8658", "8 6 5 8"), ("web17-b", "web 1 7 b"), ("a b", "a b"), ("#", "")];
        for (text, spoken) in cases {
            assert_eq!(digits(text), spoken);
        }
    }

    #[test]
    fn codes_are_spelled() {
        assert_eq!(spell("AB1"), "A B 1");
        assert_eq!(spell("db-1.x é"), "d b dash 1 dot x é");
    }

    #[test]
    fn the_first_line_is_the_first_that_says_something() {
        assert_eq!(first_line("\n \r\n  disk full \r\nmore"), "disk full");
        assert_eq!(first_line(" \n"), "");
    }

    #[test]
    fn a_text_is_cut_between_words() {
        let cases = [
            ("disk full on web17", 100, "disk full on web17"),
            ("disk full on web17", 18, "disk full on web17"),
            ("disk full on web17", 16, "disk full on…"),
            ("disk full on web17", 10, "disk full…"),
            ("a tablespacefull", 10, "a tablesp…"),
            ("äöüäöü", 3, "äö…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
        ];
        for (text, length, cut) in cases {
            assert_eq!(truncate(text, length), cut, "{length}");
        }
    }

    #[test]
    fn the_same_seed_picks_the_same_and_every_item_is_picked_by_some() {
        let list = Value::from(vec!["good luck", "god speed", "courage"]);
        let picks: Vec<String> = (0..50).map(|seed| random(&list, seed).unwrap().to_string()).collect();
        let again: Vec<String> = (0..50).map(|seed| random(&list, seed).unwrap().to_string()).collect();
        assert_eq!(picks, again);
        for item in ["good luck", "god speed", "courage"] {
            assert!(picks.iter().any(|pick| pick == item));
        }
        assert!(random(&Value::from(Vec::<String>::new()), 1).is_err());
    }

    #[test]
    fn a_text_cannot_be_multiplied_by_itself() {
        assert_eq!(replace("a-b", "-", " ").unwrap(), "a b");
        assert!(replace("aaa", "", "b").is_err());
        assert!(replace(&"a".repeat(10_000), "a", &"b".repeat(10_000)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_cut_fits(text in "[a ä\n]{0,30}", length in 0_usize..35) {
            let cut = truncate(&text, length);
            prop_assert!(cut.chars().count() <= length);
            prop_assert!(text.chars().count() > length || cut == text);
        }
    }
}
