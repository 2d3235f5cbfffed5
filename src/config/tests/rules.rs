//! `[[rules]]`: conditions, templates, names.

use super::*;

#[test]
fn conditions_mean_what_they_say() {
    let files = with_people(
        r#"[[rules]]
name = "x"
action = "call"
when = [
  { subject = 'a', from = 'b' },
  { any = [ { text = 'c', body = 'd' }, { auto = true } ] },
  { not = { quoted = 'e', attachment = 'f' } },
  { all = [ { size = "> 1 kB" }, { auth = "dkim=pass" } ] },
  { between = "22:00-07:00 Pacific/Auckland", on = "Sat,Sun" },
  { header = 'X-A', matches = 'g', sender = 'h' },
]
"#,
    );
    let config = files.load().unwrap();
    let shown: Vec<String> = config.rules.rules[0].when.iter().map(plain).collect();
    assert_eq!(
        shown,
        [
            "Subject a",
            "From b",
            "any(all(Text c, Body d), auto true)",
            "not(all(Quoted e, Attachment f))",
            "all(size Some(1001)..None, dkim=pass)",
            "22..7 Some(\"Pacific/Auckland\")",
            "on 2",
            "Header(\"X-A\") g",
            "Sender h",
        ]
    );
    let one = with_people("[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = { subject = 'a' }\n");
    assert_eq!(one.load().unwrap().rules.rules[0].when.len(), 1, "one condition needs no list");
}

fn plain(condition: &Condition) -> String {
    let list = |all: &[Condition]| all.iter().map(plain).collect::<Vec<_>>().join(", ");
    match condition {
        Condition::Matches { place, pattern } => format!("{place:?} {}", pattern.source),
        Condition::Automatic(wanted) => format!("auto {wanted}"),
        Condition::Size { min, max } => format!("size {min:?}..{max:?}"),
        Condition::Authenticated { method, result } => format!("{method}={result}"),
        Condition::Between { from, until, time_zone } => {
            format!("{}..{} {:?}", from.hour(), until.hour(), time_zone.iana_name())
        }
        Condition::On { days, .. } => format!("on {}", days.len()),
        Condition::All(all) => format!("all({})", list(all)),
        Condition::Any(all) => format!("any({})", list(all)),
        Condition::Not(inner) => format!("not({})", plain(inner)),
    }
}

#[test]
fn conditions_that_mean_nothing_are_refused() {
    let error =
        |when: &str| only_error(&with_people(&format!("[[rules]]\nname = \"x\"\naction = \"call\"\n{when}\n"))).0;
    assert_eq!(error(""), "7:1 `when` is missing");
    assert_eq!(error("when = [ {} ]"), "10:10 this condition is empty");
    assert_eq!(error("when = [ { text = '' } ]"), "10:19 an empty pattern matches every mail");
    assert_eq!(error("when = [ { any = [] } ]"), "10:18 there is no condition in this list");
    assert_eq!(error("when = [ { not = [] } ]"), "10:18 there is no condition in `not`");
    assert_eq!(error("when = [ { matches = 'x' } ]"), "10:12 `matches` stands without `header`");
    assert_eq!(error("when = [ { header = 'X' } ]"), "10:10 `matches` is missing");
    assert_eq!(error("when = [ { header = 'X:', matches = 'y' } ]"), "10:21 `X:` is not the name of a header field");
    assert_eq!(error("when = [ { count = '5 in 10m' } ]"), "10:20 `count` is not supported yet");
    assert_eq!(error("when = [ 'x' ]"), "10:10 this must be a table, not a text");
    let deep = format!("when = [ {}{{ auto = true }}{} ]", "{ not = ".repeat(30), " }".repeat(30));
    assert!(error(&deep).ends_with("conditions are nested more than 16 deep"));
}

#[test]
fn templates_are_checked_by_check_and_left_alone_at_night() {
    let rule = |rest: &str| {
        with_people(&format!(
            "[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = [ {{ text = '#(?<issue>\\d+)' }}, {{ not = {{ text = '(?<gone>x)' }} }} ]\n{rest}\n"
        ))
    };
    let fine = rule(
        "set = { a = \"{{ issue }}\", b = \"{{ a }} {{ header('X') }}\" }\nsay = \"{{ b }} {{ subject }} {{ rule }}\"",
    );
    assert_eq!(fine.errors(), Vec::<String>::new());
    for (bad, complaint) in [
        ("say = \"{{ isue }}\"", "11:11 nothing fills the variable `isue`"),
        ("say = \"{{ gone }}\"", "11:11 nothing fills the variable `gone`"),
        ("set = { a = \"{{ b }}\", b = \"{{ a }}\" }", "11:17 nothing fills the variable `b`"),
        ("key = \"\"", "11:7 this is empty"),
    ] {
        assert_eq!(only_error(&rule(bad)).0, complaint);
    }
    for bad in ["say = \"{{ subject\"", "sms = \"{{ subject | digit }}\"", "key = \"{% if %}\""] {
        let files = rule(bad);
        assert!(only_error(&files).0.starts_with("11:7 this template cannot be rendered: "), "{bad}");
        assert!(files.load().is_ok(), "a template must not stop a call");
    }
    assert!(only_error(&rule("set = { \"a-b\" = \"x\" }")).0.contains("cannot be the name of a variable"));
}

#[test]
fn a_pattern_that_is_too_large_is_found_by_check() {
    let files = with_people("[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = [ { text = '(\\w{500}){500}' } ]\n");
    assert!(only_error(&files).0.starts_with("10:19 this is not a regular expression"));
}

#[test]
fn rules_need_a_name_of_their_own_and_somebody_to_notify() {
    let rule = "[[rules]]\nname = \"x\"\naction = \"call\"\nwhen = []\n";
    let (message, hint) = only_error(&with_people(&format!("{rule}{rule}")));
    assert_eq!(message, "12:8 there are two rules `x`");
    assert!(hint.unwrap().ends_with("rules.toml:8:8"));
    assert_eq!(only_error(&Files::of(rule)).0, "1:1 the rule `x` has no group, and nothing else says whom to notify");
    assert_eq!(with_people(rule).errors(), Vec::<String>::new(), "the only group is the default");
    let single = "[rules]\nname = \"x\"\n";
    let (message, hint) = only_error(&Files::of(single));
    assert_eq!(message, "1:1 `rules` is a list of tables");
    assert!(hint.unwrap().contains("[[rules]]"));
}
