use proptest::prelude::*;

use super::*;

fn variables(values: &[(&str, &str)]) -> Variables {
    let own = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Variables { values: own(values), headers: own(&[("X-Redmine-Project", "systems")]), seed: 7 }
}

fn say(source: &str) -> Result<String, String> {
    render(source, &variables(&[("issue", "8658"), ("who", "Ann Smith"), ("subject", "A & <b>"), ("who", "Ann")]))
        .map_err(|error| error.message)
}

#[test]
fn the_words_of_the_two_recipes_are_said() {
    let escalated = "Issue number {{ issue | digits }} has just been escalated to Emergency by {{ who }}. \
                     Project {{ header('X-Redmine-Project') }}. {{ ['Good luck', 'Good luck'] | random }}.";
    assert_eq!(
        say(escalated).unwrap(),
        "Issue number 8 6 5 8 has just been escalated to Emergency by Ann. Project systems. Good luck."
    );
    assert_eq!(say("#{{ issue }} {{ subject }}").unwrap(), "#8658 A & <b>");
    assert_eq!(check(escalated).unwrap(), ["issue", "who"]);
}

#[test]
fn what_is_missing_is_an_error_only_when_it_is_used() {
    assert_eq!(say("by {{ nobody }}").unwrap_err(), "`nobody` is undefined");
    assert!(say("{{ nobody | digits }}").is_err());
    assert!(say("{{ 'a' ~ nobody }}").is_err());
    assert!(say("{{ header('X-Missing') }}").is_err());
    assert_eq!(say("{% if nobody %}by {{ nobody }}{% endif %}.").unwrap(), ".");
    assert_eq!(say("{{ header('X-Missing') | default('none') }}").unwrap(), "none");
    assert_eq!(say("{{ header('x-redmine-PROJECT') }}").unwrap(), "systems");
    assert_eq!(say("{% if who is defined %}{{ who | upper | spell }}{% endif %}").unwrap(), "A N N");
}

#[test]
fn check_names_the_variables_that_a_template_uses() {
    let cases: &[(&str, &[&str])] = &[
        ("plain", &[]),
        ("{{ b }}{{ a }}{{ a }}", &["a", "b"]),
        ("{% set x = a %}{{ x }}{% for y in b %}{{ y }}{{ loop.index }}{% endfor %}", &["a", "b"]),
        ("{% macro m(x) %}{{ x }}{% endmacro %}{{ m(a) }}", &["a"]),
        ("{{ header('b') }}{{ {'k': {'l': a}}.k.l }}", &["a"]),
        ("{{ a if b is not defined else (c) }}", &["a", "b", "c"]),
        ("{% raw %}{{ x | nosuch }}{% endraw %}{# {{ y | nosuch }} #}{{ a }}", &["a"]),
        ("{% filter upper %}{{ a }}{% endfilter %}", &["a"]),
        ("{{- a | replace('}}', \"it's | nosuch\") -}}", &["a"]),
        ("{% if not (a) and (b) in (c) %}{% elif (d) %}{% endif %}", &["a", "b", "c", "d"]),
        ("{{ a - (b) }}{%+ if (c) -%}{% endif %}", &["a", "b", "c"]),
        ("{{ [1, 2] | first }}{{ 'é' | upper }}", &[]),
    ];
    for (source, expected) in cases {
        assert_eq!(check(source).unwrap(), *expected, "{source}");
    }
}

#[test]
fn check_finds_what_nothing_answers_to_and_where() {
    let cases = [
        ("a\n{{ a | digit }}", "unknown filter `digit`; did you mean `digits`?", 2),
        ("{% if false %}{{ a | xyz }}{% endif %}", "unknown filter `xyz`", 1),
        ("{% filter xyz %}{% endfilter %}", "unknown filter `xyz`", 1),
        ("\n\n{{ a is nosuch }}", "unknown test `nosuch`", 3),
        ("{{ a is not definde }}", "unknown test `definde`; did you mean `defined`?", 1),
        ("{{ headers('X') }}", "unknown function `headers`; did you mean `header`?", 1),
        ("{{ 1 + xyz(1) }}", "unknown function `xyz`", 1),
        ("{{ range(9) | list }}", "unknown function `range`", 1),
        ("{% include 'x' %}", "`include`: a template of the rule file cannot use another one", 1),
        ("{%- extends 'x' %}", "`extends`: a template of the rule file cannot use another one", 1),
        ("{% raw %}{{ {% endraw %}{{ a | xyz }}", "unknown filter `xyz`", 1),
    ];
    for (source, message, line) in cases {
        assert_eq!(check(source), Err(TemplateError { message: message.to_owned(), line: Some(line) }), "{source}");
    }
    let error = check("a\n{{ a").unwrap_err();
    assert!(error.line == Some(2) && error.message.starts_with("unexpected end of input"), "{error:?}");
}

#[test]
fn every_name_that_check_knows_is_there_at_night() {
    let environment = base();
    for filter in names::FILTERS {
        let answer = environment.empty_state().apply_filter(filter, &[Value::from("1")]);
        assert!(!matches!(answer, Err(error) if error.kind() == ErrorKind::UnknownFilter), "{filter}");
    }
    for test in names::TESTS {
        let answer = environment.empty_state().perform_test(test, &[Value::from(1)]);
        assert!(!matches!(answer, Err(error) if error.kind() == ErrorKind::UnknownTest), "{test}");
    }
    assert_eq!(say("{{ dict(a=1).a }}").unwrap(), "1");
}

#[test]
fn a_template_ends_whatever_it_does() {
    let long = "{% for a in who %}x{% endfor %}";
    let bounded = |source: &str| render(source, &variables(&[("who", &"a".repeat(1_000_000))]));
    assert_eq!(bounded(long).unwrap_err().message, "it takes too long");
    assert_eq!(bounded("{{ who }}").unwrap().len(), VALUE_LIMIT);
    assert_eq!(bounded("{{ who }}{{ who }}{{ who }}{{ who }}.").unwrap_err().message, "it says more than 64 KiB");
    assert!(bounded("{{ who | replace('a', who) }}").is_err());
    assert!(bounded("{{ 'a' * 10000000000000 }}").is_err());
    assert!(bounded("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}").is_err());
    assert!(bounded(&"a".repeat(20_000)).is_err() && check(&"a".repeat(20_000)).is_err());
    // A value grows in a loop only if it outlives the turn, which it does not.
    assert_eq!(
        bounded("{% set x = 'ab' %}{% for i in 'abcdef' %}{% set x = x ~ x %}{% endfor %}{{ x }}").unwrap(),
        "ab"
    );
    assert_eq!(render("{{ x }}", &variables(&[("x", &"é".repeat(20_000))])).unwrap().len(), VALUE_LIMIT);
}

proptest! {
    #[test]
    fn no_template_makes_it_panic(source in "([{}%#|()'\"\\\\.\n-]|raw|endraw| |set|if|who|é|\\{\\{|\\}\\}|\\{%|%\\}){0,20}") {
        let _ = check(&source);
        let _ = say(&source);
    }

    #[test]
    fn what_check_passes_renders_when_its_variables_are_there(
        filter in proptest::sample::select(vec!["digits", "spell", "first_line", "upper", "truncate(5)", "length", "trim"]),
        text in "\\PC{0,20}",
    ) {
        let source = format!("{{{{ x | {filter} }}}}");
        prop_assert_eq!(check(&source), Ok(vec!["x".to_owned()]));
        prop_assert!(render(&source, &variables(&[("x", &text)])).is_ok());
    }
}
