use jiff::SignedDuration;
use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;

use super::super::{Action, Comparison, Quantity, Relation};
use super::*;

fn text(pattern: &str) -> Condition {
    Condition::Matches { place: Place::Text, pattern: Pattern::new(pattern).unwrap() }
}

fn subject(pattern: &str) -> Condition {
    Condition::Matches { place: Place::Subject, pattern: Pattern::new(pattern).unwrap() }
}

fn hours(from: i8, until: i8) -> Condition {
    Condition::Between { from: time(from, 0, 0, 0), until: time(until, 0, 0, 0), time_zone: TimeZone::UTC }
}

fn days(days: &[Weekday]) -> Condition {
    Condition::On { days: days.to_vec(), time_zone: TimeZone::UTC }
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

fn size(min: Option<u64>, max: Option<u64>) -> Condition {
    Condition::Size { min, max }
}

fn rule(when: Vec<Condition>) -> Rule {
    Rule {
        name: "x".to_owned(),
        when,
        count: None,
        set: Vec::new(),
        action: Action::Call,
        group: None,
        policy: None,
        key: None,
        window: Some(SignedDuration::ZERO),
        say: None,
        sms: None,
        goes_on: false,
    }
}

fn covers(earlier: Vec<Condition>, later: Vec<Condition>) -> bool {
    Prover::default().covers(&rule(earlier), &rule(later))
}

fn impossible(when: &[Condition]) -> bool {
    Prover::default().impossible(when).is_some()
}

#[test]
fn a_rule_with_fewer_conditions_covers_one_with_more() {
    assert!(covers(vec![], vec![text("a")]));
    assert!(covers(vec![text("a")], vec![text("a")]));
    assert!(covers(vec![text("a")], vec![subject("b"), text("a")]));
    assert!(!covers(vec![text("a"), subject("b")], vec![text("a")]));
    assert!(!covers(vec![text("a")], vec![subject("a")]), "another place");
    assert!(covers(vec![text("a")], vec![Condition::All(vec![text("a"), text("b")])]));
    assert!(covers(vec![Condition::Any(vec![text("a"), text("b")])], vec![text("b")]));
    assert!(covers(vec![text("disk")], vec![Condition::Any(vec![text("disk full"), text("DISK gone")])]));
    assert!(!covers(vec![text("disk")], vec![Condition::Any(vec![text("disk full"), text("tape gone")])]));
}

#[test]
fn a_text_covers_every_pattern_that_contains_it() {
    assert!(covers(vec![subject("disk")], vec![subject(r"^The DISK /\w+ is full$")]));
    assert!(covers(vec![subject("disk|tape")], vec![subject(r"tape \d+")]));
    assert!(!covers(vec![subject("disk|tape")], vec![subject(r"(tape|drum) \d+")]));
    assert!(!covers(vec![subject("^disk")], vec![subject("my disk")]));
    assert!(!covers(vec![subject("(?-i)disk")], vec![subject("my disk")]));
    assert!(covers(vec![subject(".*")], vec![text("x")]));
    assert!(covers(vec![subject("^.*$")], vec![text("x")]));
    assert!(!covers(vec![subject("^$")], vec![text("x")]));
    let from = |pattern: &str| Condition::Matches { place: Place::From, pattern: Pattern::new(pattern).unwrap() };
    assert!(!covers(vec![from(".*")], vec![text("x")]), "there may be no From");
}

#[test]
fn numbers_days_and_hours_are_compared() {
    assert!(covers(vec![size(Some(10), None)], vec![size(Some(20), Some(30))]));
    assert!(!covers(vec![size(Some(10), None)], vec![size(Some(5), None)]));
    assert!(covers(vec![hours(22, 7)], vec![hours(23, 6)]));
    assert!(!covers(vec![hours(22, 7)], vec![hours(21, 6)]));
    assert!(covers(vec![hours(8, 8)], vec![text("x")]), "the whole day");
    assert!(covers(vec![days(&[Weekday::Saturday, Weekday::Sunday])], vec![days(&[Weekday::Sunday])]));
    assert!(covers(vec![not(hours(8, 18))], vec![hours(22, 6)]));
    assert!(covers(vec![not(text("a|b"))], vec![not(text("a|b")), text("c")]));
}

#[test]
fn automatic_answers_pass_over_rules_that_do_not_ask_for_them() {
    assert!(!covers(vec![], vec![Condition::Automatic(true)]), "a catch-all does not see them");
    assert!(covers(vec![Condition::Automatic(false)], vec![text("x")]));
    assert!(!covers(vec![Condition::Automatic(true)], vec![text("x")]));
    assert!(covers(vec![Condition::Automatic(true)], vec![Condition::Automatic(true), text("x")]));
    let mut goes_on = rule(vec![]);
    goes_on.goes_on = true;
    assert!(!Prover::default().covers(&goes_on, &rule(vec![])));
}

#[test]
fn what_contradicts_itself_never_holds() {
    assert!(impossible(&[Condition::Automatic(true), Condition::Automatic(false)]));
    assert!(impossible(&[size(Some(10), None), size(None, Some(9))]));
    assert!(impossible(&[hours(8, 12), hours(12, 18)]));
    assert!(impossible(&[days(&[Weekday::Monday]), days(&[Weekday::Sunday])]));
    assert!(impossible(&[days(&[]), days(&[Weekday::Sunday])]));
    assert!(impossible(&[text("disk full"), not(text("disk"))]));
    assert!(impossible(&[not(Condition::All(vec![text("a"), subject("b")])), text("a"), subject("b")]));
    assert!(impossible(&[Condition::Any(vec![hours(8, 12), hours(13, 18)]), hours(20, 22)]));
    assert!(impossible(&[Condition::Any(vec![])]));
    assert!(impossible(&[not(subject(".*"))]));
    for fine in [
        vec![text("a"), not(text("ab"))],
        vec![hours(8, 12), hours(11, 18)],
        vec![size(Some(9), None), size(None, Some(9))],
        vec![text("a"), not(Condition::All(vec![text("a"), subject("b")]))],
        vec![Condition::Any(vec![hours(8, 12), text("x")]), hours(20, 22)],
    ] {
        assert!(!impossible(&fine), "{:?}", Prover::default().impossible(&fine));
    }
}

#[test]
fn bounds_that_no_number_is_within_are_found() {
    use Relation::{Above, AtLeast, AtMost, Below, Equals};
    let number = |bounds: &[(Relation, &str)]| {
        let bounds = bounds
            .iter()
            .map(|(relation, bound)| Comparison { relation: *relation, bound: Quantity::parse(bound).unwrap() });
        vec![Condition::Number { variable: "load".to_owned(), bounds: bounds.collect() }]
    };
    for never in [
        [(Above, "10"), (Below, "5")],
        [(Below, "5"), (Above, "5")],
        [(AtLeast, "5"), (Below, "5")],
        [(Equals, "3"), (Equals, "4")],
        [(Above, "1 GB"), (AtMost, "900 MB")],
    ] {
        assert!(impossible(&number(&never)), "{never:?}");
    }
    for fine in [
        [(Above, "5"), (Below, "10")],
        [(AtLeast, "5"), (AtMost, "5")],
        [(Above, "5"), (Above, "10")],
        [(Above, "1 GB"), (Below, "5")],
        [(Above, "1 GB"), (Below, "5 min")],
    ] {
        assert!(!impossible(&number(&fine)), "{fine:?}");
    }
}

#[test]
fn a_pattern_that_nothing_matches_is_found() {
    for dead in ["$100", "costs $100", "a^b", r"[a&&b]", r"(x$y|[a&&b])", r"\zx", "[^\\s\\S]"] {
        assert!(impossible(&[text(dead)]), "{dead}");
    }
    for alive in ["^a$", "^$", "a$\n^b", r"a$\sb", "(^|x)a", "x?^a", "(a|$)b", r"\Aa\z", "a$|b"] {
        assert!(!impossible(&[text(alive)]), "{alive}");
    }
}

#[test]
fn captures_that_every_match_fills_are_certain() {
    let certain = |conditions: Vec<Condition>| certain_captures(&conditions).join(" ");
    assert_eq!(certain(vec![text("(?<a>x)(?<b>y)?((?<c>z)|(?<d>w))(?<e>v){2}"), text("(?<f>x)")]), "a e f");
    assert_eq!(certain(vec![text("(?:(?<a>x)1|2(?<a2>x))")]), "");
    assert_eq!(certain(vec![Condition::Any(vec![text("(?<a>x)(?<b>y)"), subject("(?<a>z)")])]), "a");
    assert_eq!(certain(vec![not(text("(?<a>x)"))]), "");
}

#[test]
fn a_rule_that_counts_covers_nothing() {
    let counting = Rule {
        count: Some(crate::rules::Count { times: 2, within: SignedDuration::from_mins(10) }),
        ..rule(Vec::new())
    };
    let later = rule(Vec::new());
    assert!(!Prover::default().covers(&counting, &later) && Prover::default().covers(&later, &counting));
}
