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
    let files = with_people(
        r#"[[rules]]
name = "x"
action = "call"
set = { twice = "{{ n }}{{ n }}" }
when = [
  { body = 'a', raw = true, count = "5 in 10m" },
  { text = '(?<n>\d+)' },
  { var = "n", above = 20, below = 1_000.5 },
  { any = [ { var = "twice", at_least = "1.5 GB" }, { var = "n", at_most = -3 }, { var = "n", equals = 0x10 } ] },
]
"#,
    );
    let config = files.load().unwrap();
    let rule = &config.rules.rules[0];
    assert_eq!(rule.count, Some(crate::rules::Count { times: 5, within: SignedDuration::from_mins(10) }));
    assert_eq!(
        rule.when.iter().map(plain).collect::<Vec<_>>(),
        [
            "Undecoded a",
            "Text (?<n>\\d+)",
            "n Above 20, Below 1000.5",
            "any(twice AtLeast 1.5 GB, n AtMost -3, n Equals 16)",
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
        Condition::Number { variable, bounds } => {
            let bound = |one: &Comparison| format!("{:?} {}", one.relation, one.bound);
            format!("{variable} {}", bounds.iter().map(bound).collect::<Vec<_>>().join(", "))
        }
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
    let within = "10:18 `count` cannot stand within `any`, `all` or `not`";
    assert_eq!(error("when = [ { not = { count = '5 in 10m' } } ]"), within.replace("18", "20"));
    assert_eq!(error("when = [ { any = [ { count = '5 in 10m' } ] } ]"), within.replace("18", "22"));
    assert_eq!(error("when = [ { count = '5' } ]"), "10:20 `5` is not a count");
    assert_eq!(
        error("when = [ { count = '5 in 10m' }, { count = '9 in 1h' } ]"),
        "10:36 there are two `count` in this rule"
    );
    assert_eq!(error("when = [ { text = 'x', raw = true } ]"), "10:30 `raw` stands without `body`");
    assert_eq!(error("when = [ { above = 20 } ]"), "10:12 `above` stands without `var`");
    let unfilled = "nothing before this condition fills the variable `n`";
    assert_eq!(error("when = [ { var = 'n', above = 20 }, { text = '(?<n>.)' } ]"), format!("10:18 {unfilled}"));
    assert_eq!(
        error("when = [ { not = { text = '(?<n>.)' } }, { var = 'n', above = 20 } ]"),
        format!("10:50 {unfilled}")
    );
    let filled = |rest: &str| error(&format!("when = [ {{ text = '(?<n>.)' }}, {{ var = 'n'{rest} }} ]"));
    assert_eq!(filled(""), "10:32 `n` is compared with nothing");
    assert_eq!(filled(", above = 'many'"), "10:53 `many` is not a number");
    assert_eq!(filled(", above = true"), "10:53 this must be a number, not `true` or `false`");
    assert_eq!(filled(", above = inf"), "10:53 this is not a number to compare with");
    assert_eq!(error("when = [ 'x' ]"), "10:10 this must be a table, not a text");
    let deep = format!("when = [ {}{{ auto = true }}{} ]", "{ not = ".repeat(30), " }".repeat(30));
    assert!(error(&deep).ends_with("conditions are nested more than 16 deep"));
}

#[test]
fn a_number_tells_all_that_is_wrong_with_it() {
    let when = "when = [ { var = 'n', above = 'much', below = 'more' } ]";
    let text = format!("[[rules]]\nname = \"x\"\naction = \"call\"\n{when}\n");
    let errors = with_people(&text).errors();
    assert_eq!(
        errors,
        [
            "rules.toml:10:18 rules[0].when[0].var: nothing before this condition fills the variable `n`",
            "rules.toml:10:31 rules[0].when[0].above: `much` is not a number",
            "rules.toml:10:47 rules[0].when[0].below: `more` is not a number",
        ]
    );
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

#[test]
fn rules_that_cannot_meet_are_warned_of() {
    let pair = |open: &str, close: &str| {
        let files = with_people(&format!(
            "[[rules]]\nname = \"down\"\nwhen = [ {{ text = '(?<host>.) down' }} ]\naction = \"call\"\n{open}\n\
             [[rules]]\nname = \"up\"\nwhen = [ {{ text = '(?<host>.) up' }} ]\naction = \"resolve\"\n{close}\n"
        ));
        let report = files.check();
        let messages = report.diagnostics.0.into_iter().map(|one| one.message);
        messages.filter(|message| message.starts_with("the rule `up`")).collect::<Vec<_>>()
    };
    assert_eq!(pair("key = \"{{ host }}\"", "key = \"{{ host }}\""), [""; 0]);
    assert_eq!(pair("key = \"host {{ host }}\"", "key = \"host {{ host }}\""), [""; 0]);
    let never = "the rule `up` finds no alert: no rule that notifies has such a key in its group";
    assert_eq!(pair("key = \"host {{ host }}\"", "key = \"hosts {{ host }}\""), [never]);
    assert_eq!(pair("", "key = \"host {{ host }}\""), [never]);
    let counting = with_people(
        "[[rules]]\nname = \"r\"\nwhen = [ { text = '(?<n>.)', count = '5 in 10m' } ]\naction = \"call\"\n",
    );
    let messages: Vec<String> = counting.check().diagnostics.0.into_iter().map(|one| one.message).collect();
    let wanted = "the rule `r` counts each set of captures for itself, for it has no `key`";
    assert!(messages.iter().any(|message| message == wanted), "{messages:?}");
}
