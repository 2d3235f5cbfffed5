use proptest::prelude::*;

use super::*;

fn found(pattern: &str, text: &str) -> Option<String> {
    let pattern = Pattern::new(pattern).unwrap();
    pattern.find(&Haystack::new(text)).unwrap().map(|found| text[found.range].to_owned())
}

fn refused(pattern: &str) -> (String, usize) {
    let error = Pattern::new(pattern).unwrap_err();
    assert!(!error.message.contains('\n') && error.pattern == pattern);
    (error.message, error.offset)
}

#[test]
fn case_is_ignored_and_anchors_match_at_lines() {
    assert_eq!(found("^priority CHANGED$", "x\nPriority changed\ny").as_deref(), Some("Priority changed"));
    assert_eq!(found("(?-i)^priority$", "Priority"), None);
    assert_eq!(found("(?-m)^b$", "a\nb"), None);
    assert_eq!(found("a$", "a\nb").as_deref(), Some("a"));
    assert_eq!(found("a.b", "a\nb"), None);
    assert_eq!(found("KERNEL PASS", "\u{212A}ernel pa\u{17F}s").as_deref(), Some("\u{212A}ernel pa\u{17F}s"));
    assert_eq!(found("störung", "STÖRUNG").as_deref(), Some("STÖRUNG"));
}

#[test]
fn named_groups_are_captured_in_order() {
    let pattern = Pattern::new(r"#(?<issue>\d+) (?:by (?P<who>\w+))?(?<rest>x)?").unwrap();
    assert_eq!(pattern.capture_names(), ["issue", "who", "rest"]);
    let found = pattern.find(&Haystack::new("see #12 by Ann")).unwrap().unwrap();
    assert_eq!(found.range, 4..14);
    assert_eq!(found.captures, [("issue", "12"), ("who", "Ann")]);
}

#[test]
fn a_pattern_is_compiled_only_when_its_literal_is_there() {
    let pattern = Pattern::new("tablespace .* full").unwrap();
    pattern.find(&Haystack::new("nothing of interest")).unwrap();
    assert!(pattern.regex.get().is_none());
    pattern.find(&Haystack::new("Tablespace USERS full? No.")).unwrap();
    assert!(pattern.regex.get().is_some());
}

#[test]
fn mistakes_are_told_with_their_place_in_characters() {
    assert_eq!(refused("ä(b"), ("unclosed group".to_owned(), 1));
    assert_eq!(refused(r"äö\p{Nosuch}"), ("Unicode property not found".to_owned(), 2));
    assert_eq!(refused(r"ä[\p{Nosuch}]").1, 2);
    assert_eq!(refused(r"(?-u:\xFF)"), ("pattern can match invalid UTF-8".to_owned(), 5));
    assert_eq!(refused(r"(?-u)[^a]").1, 5);
    assert_eq!(refused("(?<a>x)(?<a>y)").0, "duplicate capture group name");
    assert!(refused("a(?=b)").0.contains("look-around"));
    assert!(refused(r"(a)\1").0.contains("backreferences"));
    assert!(refused(&"(".repeat(200)).0.len() > 5);
    assert!(refused(&"a".repeat(20_000)).0.contains("16 KiB"));
}

#[test]
fn a_pattern_that_grows_too_large_is_an_error_and_never_no_match() {
    let pattern = Pattern::new(r"big (\w{200}){200}").unwrap();
    assert_eq!(pattern.find(&Haystack::new("small")), Ok(None));
    let error = pattern.find(&Haystack::new("a BIG one")).unwrap_err();
    assert!(error.message.contains("10 MiB"), "{error}");
    assert_eq!(pattern.compile(), Err(error));
}

#[test]
fn a_pattern_of_several_lines_is_shown_on_one() {
    assert_eq!(Pattern::new("(?x)\n  a  # first\n  b").unwrap().to_string(), "(?x) a # first b");
    assert_eq!(Pattern::new("a  b").unwrap().to_string(), "a  b");
}

/// The same regex, compiled at once and searched without any literal.
fn eager(pattern: &str) -> regex::Regex {
    regex::RegexBuilder::new(pattern).case_insensitive(true).multi_line(true).build().unwrap()
}

/// Small pieces of regexes and of texts share an alphabet of letters whose cases are awkward.
const LETTERS: &str = "[abkKsSſKßẞäÄσςΣ1 \n]";

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[abkKsSſKßẞäÄσςΣ1 ]{1,3}",
        1 => Just(".".to_owned()),
        1 => Just(r"\w".to_owned()),
        1 => Just(r"\S".to_owned()),
        1 => Just("^".to_owned()),
        1 => Just("$".to_owned()),
        1 => Just(r"\b".to_owned()),
        1 => Just("[a-c]".to_owned()),
        1 => Just("[^k]".to_owned()),
        1 => Just("[^kK]".to_owned()),
        1 => Just("[kſ]".to_owned()),
        1 => Just("[k&&K]".to_owned()),
        1 => Just("[a-z--[^K]]".to_owned()),
        1 => Just("[[^k][^K]]".to_owned()),
        1 => Just(r"[^\P{Lu}\P{Ll}]".to_owned()),
        1 => Just("(?-i)".to_owned()),
        1 => Just("(?-i:Ks)".to_owned()),
        1 => Just("(?-u:k)".to_owned()),
        1 => Just("(?x: a b )".to_owned()),
        1 => Just(r"\x6B".to_owned()),
    ]
}

fn regexes() -> impl Strategy<Value = String> {
    piece().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            4 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            2 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            1 => inner.clone().prop_map(|part| format!("({part})")),
            2 => (inner, "([?*+]|\\{(0|1|2|3)(,[34]?)?\\})\\??").prop_map(|(part, times)| format!("(?:{part}){times}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn waiting_for_a_literal_loses_no_match(
        source in regexes(),
        texts in proptest::collection::vec(proptest::string::string_regex(&format!("{LETTERS}{{0,12}}")).unwrap(), 1..12),
    ) {
        // Two counted repetitions one upon the other may be refused as a regex; that is not what this is about.
        let Ok(pattern) = Pattern::new(&source) else { return Ok(()) };
        let eager = eager(&source);
        for text in &texts {
            let expected = eager.find(text).map(|found| found.range());
            let found = pattern.find(&Haystack::new(text)).unwrap().map(|found| found.range);
            prop_assert_eq!(&found, &expected, "{:?} in {:?}, required {:?}", source, text, pattern.required);
        }
    }

    #[test]
    fn what_a_pattern_matches_contains_what_it_requires(
        (source, text) in regexes().prop_filter_map("a regex", |source| Pattern::new(&source).is_ok().then_some(source))
            .prop_flat_map(|source| {
                // Texts made by the regex itself, so that most match. The generator knows neither anchors nor classes
                // that are empty unless case is ignored.
                let mut plain = source.clone();
                for (piece, simple) in
                    [("[k&&K]", "k"), ("[a-z--[^K]]", "k"), (r"[^\P{Lu}\P{Ll}]", "a"), (r"\b", ""), ("(?-i)", "")]
                {
                    plain = plain.replace(piece, simple);
                }
                let plain = plain.replace("[^", "[!").replace(['^', '$'], "").replace("[!", "[^");
                let text = proptest::string::string_regex(&plain).map_or(Just(String::new()).boxed(), Strategy::boxed);
                (Just(source), text)
            }),
        swap in any::<u32>(),
    ) {
        // Any letter may come in any case.
        let text: String = text.chars().enumerate().map(|(n, c)| if swap >> (n % 32) & 1 == 1 { other_case(c) } else { c }).collect();
        let pattern = Pattern::new(&source).unwrap();
        let expected = eager(&source).is_match(&text);
        prop_assert_eq!(pattern.find(&Haystack::new(&text)).unwrap().is_some(), expected, "{:?} in {:?}", source, text);
    }

    #[test]
    fn no_pattern_makes_it_panic(source in "\\PC{0,30}", text in "\\PC{0,30}") {
        if let Ok(pattern) = Pattern::new(&source) {
            let _ = pattern.find(&Haystack::new(&text));
        }
    }
}

fn other_case(c: char) -> char {
    match c {
        'k' => '\u{212A}',
        's' => '\u{17F}',
        'ß' => 'ẞ',
        'σ' => 'ς',
        c if c.is_lowercase() => c.to_uppercase().next().unwrap(),
        c => c.to_lowercase().next().unwrap(),
    }
}
