//! `check` as a user types it, the tests that a rule file carries, and the schema.

use crate::support::{PAGE, PEOPLE, Test, mail};

const DISK: &str = r#"
[[rules]]
name = "disk"
when = [{ subject = 'disk (?<disk>/\S*) is full' }, { between = "22:00-07:00 UTC" }]
action = "call"
group = "systems"
key = "disk {{ disk }}"
say = "The disk {{ disk | spell }} is full."
sms = "{{ disk }} is full"

[[rules]]
name = "newsletter"
when = [{ from = 'news@' }]
action = "ignore"
"#;

/// A rule file with these tests, and two mails in `mail/` beside it.
fn with_tests(tests: &str) -> Test {
    let test = Test::new().rules(&format!("{PEOPLE}{PAGE}{DISK}{tests}"));
    std::fs::create_dir(test.path("mail")).unwrap();
    std::fs::write(test.path("mail/disk.eml"), mail("<1@x>", "disk /var is full", "free: 0")).unwrap();
    let news = b"From: news@example.com\r\nSubject: disk /var is full\r\n\r\nbuy one\r\n";
    std::fs::write(test.path("mail/news.eml"), news).unwrap();
    test
}

#[test]
fn a_rule_file_carries_its_own_tests() {
    let test = with_tests(
        r#"
[[tests]]
name = "a full disk at night"
mail = "mail/disk.eml"
at = "2026-11-02T23:00:00Z"
rule = "disk"
action = "call"
group = "systems"
key = "disk /var"
variables = { disk = "/var" }
say_contains = "is full"
sms = "/var is full"
[[tests]]
mail = "mail/disk.eml"
at = "12:00Z"
rule = "none"
[[tests]]
mail = "mail/news.eml"
at = "2026-11-02 12:00"
recipient = ["a@example.com", "b@example.com"]
sender = ""
rule = "newsletter"
action = "none"
"#
        .replace("12:00Z", "12:00")
        .as_str(),
    );
    // A null sender makes it an automatic answer, which no rule sees.
    let ran = test.run(&["check", "--offline", "--mail"], b"").exit(1);
    let ran = ran.says("✓ a full disk at night").says("✓ mail/disk.eml").says("✗ mail/news.eml");
    let ran = ran.says("3 tests, 1 failed").says("only rules with `auto = true` see it");
    assert!(!ran.out.contains('\x1b'), "{ran:?}");
}

#[test]
fn a_test_that_fails_tells_what_came_and_why() {
    let test = with_tests(
        r#"
[[tests]]
mail = "mail/disk.eml"
at = "12:00"
rule = "disk"
action = "page"
[[tests]]
mail = "mail/disk.eml"
at = "23:00"
rule = "disk"
key = "disk /usr"
variables = { disk = "/usr", nothing = "x" }
say = "No."
sms_contains = ["full", "empty"]
[[tests]]
mail = "mail/gone.eml"
rule = "none"
[[tests]]
mail = "mail/disk.eml"
at = "23:00"
rule = "newsletter"
"#,
    );
    let ran = test.run(&["check", "--offline", "--mail"], b"").exit(1);
    let ran = ran.says("rules.toml:").says("expected `disk`").says("found    none").says("`disk` does not match:");
    let ran = ran.says("✗ between 22:00 and 07:00 UTC").says("it is Mon 12:00 UTC");
    let ran = ran
        .says("expected `disk /usr`")
        .says("found    `disk /var`")
        .says("variable nothing")
        .says("words with `empty`");
    let ran = ran.says("mail/gone.eml").says("cannot be read").says("4 tests, 4 failed");
    ran.says("no match in: Monitoring <monitoring@example.com>").done();

    let json = test.run(&["check", "--offline", "--json", "--mail"], b"").exit(1).json();
    assert_eq!((json["failed"].as_u64(), json["tests"].as_array().unwrap().len()), (Some(4), 4));
    assert_eq!(json["tests"][0]["differences"][0]["expected"], "`disk`");
    assert_eq!(json["tests"][1]["passed"], false);
    assert!(json["tests"][0]["conditions"][0]["describes"].as_str().unwrap().starts_with("between"));
    assert!(json["diagnostics"].is_array());
}

#[test]
fn mails_are_looked_for_where_one_says() {
    let entry = "[[tests]]\nmail = \"disk.eml\"\nat = \"23:00\"\nrule = \"disk\"\n";
    let test = with_tests(entry);
    test.run(&["check", "--offline", "--mail"], b"").exit(1).done();
    let directory = test.path("mail");
    test.run(&["check", "--offline", "--mail", directory.to_str().unwrap()], b"")
        .exit(0)
        .says("1 test, all passed")
        .done();
    let test = with_tests("").rules(&format!("mail_dir = \"mail\"\n{PEOPLE}{PAGE}{DISK}{entry}"));
    // `Test` writes its tables first, so the key of the top level goes into a file that is included.
    std::fs::write(test.path("disk.toml"), format!("mail_dir = \"mail\"\n{DISK}{entry}")).unwrap();
    let main = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    let (head, _) = main.split_once("mail_dir").unwrap();
    let text = format!("include = \"disk.toml\"\n{head}{PEOPLE}{PAGE}");
    std::fs::write(test.path("rules.toml"), text).unwrap();
    test.run(&["check", "--offline", "--mail"], b"").exit(0).says("1 test, all passed").done();
}

#[test]
fn without_mail_tests_are_checked_but_not_played() {
    let test = with_tests("[[tests]]\nmail = \"mail/gone.eml\"\nrule = \"disk\"\n");
    let ran = test.run(&["check", "--offline"], b"").exit(0);
    assert!(!ran.out.contains("gone.eml"), "{ran:?}");
    let test = with_tests(
        "[[tests]]\nmail = \"x\"\nrule = \"disc\"\naction = \"phone\"\ngroup = \"sistems\"\nat = \"soon\"\nwhat = 1\n[[tests]]\nrule = \"disk\"\n[[tests]]\nmail = \"x\"\n",
    );
    let ran = test.run(&["check", "--offline"], b"").exit(1);
    let ran = ran.says("there is no rule `disc`").says("did you mean `disk`?").says("`phone` is none of");
    let ran = ran.says("there is no group `sistems`").says("`soon` is no time").says("there is no key `what` here");
    ran.says("`mail` is missing").says("this test expects nothing").done();
    // At night nobody cares.
    test.deliver(&mail("<2@x>", "nothing", "at all")).exit(0).done();
}

#[test]
fn a_test_with_a_template_that_fails_fails() {
    let rule =
        "[[rules]]\nname = \"x\"\nwhen = [{ subject = 'disk(?<gone>z)?' }]\naction = \"call\"\nkey = \"{{ gone }}\"\n";
    let test = with_tests("");
    let text = format!("{PEOPLE}{PAGE}{rule}[[tests]]\nmail = \"mail/disk.eml\"\nrule = \"x\"\n");
    let test = test.rules(&text);
    let ran = test.run(&["check", "--offline", "--mail"], b"").exit(1);
    ran.says("template `key` failed").says("`gone` is not filled by every match").done();
}

#[test]
fn no_tests_are_no_failure() {
    let test = with_tests("");
    test.run(&["check", "--offline", "--mail"], b"").exit(0).says("no tests").done();
}

#[test]
fn a_public_url_that_leads_nowhere_is_a_warning() {
    // Nobody serves yet.
    let mut test = Test::with_people();
    let ran = test.run(&["check"], b"").exit(0).says("`public_url` cannot be reached from here");
    assert!(ran.out.contains("(server.public_url)"), "{ran:?}");
    let quiet = test.run(&["check", "--offline"], b"").exit(0);
    assert!(!quiet.out.contains("reached from here"), "{quiet:?}");
    test.start_server();
    let well = test.run(&["check"], b"").exit(0);
    assert!(!well.out.contains("reached from here") && !well.out.contains("healthz"), "{well:?}");
}

#[test]
fn rules_that_can_do_nothing_are_warned_of() {
    let test = Test::new().rules(&format!(
        r#"{PEOPLE}{PAGE}
[policies.forgotten]
steps = [ {{ notify = "oncall" }} ]
[[rules]]
name = "disk"
when = [{{ subject = 'disk' }}]
action = "call"
[[rules]]
name = "disk-full"
when = [{{ subject = 'disk (?<disk>\S+) full', from = 'ops@' }}]
action = "call"
[[rules]]
name = "day"
when = [{{ between = "08:00-12:00" }}, {{ between = "13:00-18:00" }}]
action = "call"
[[rules]]
name = "price"
when = [{{ text = 'costs $100' }}]
action = "call"
[[rules]]
name = "nagios"
when = [{{ subject = '^\*\* \w+ Service Alert: (?<service>\S+)' }}]
action = "page"
sms = "{}"
"#,
        "word ".repeat(120)
    ));
    let ran = test.run(&["check", "--offline"], b"").exit(0);
    let ran = ran.says("the rule `disk-full` is never reached: `disk` matches all of its mails first");
    let ran = ran.says("the rule `day` never matches").says("exclude each other");
    let ran = ran.says("the rule `price` never matches").says("write `\\$` for the sign");
    let ran = ran.says("the rule `nagios` notifies for `** RECOVERY Service Alert");
    let ran = ran.says("the policy `forgotten` is never played").says("segments even with short names");
    let _ = ran.says("no errors, ");
}

#[test]
fn a_recovery_that_an_earlier_rule_takes_is_no_reason_to_warn() {
    let test = Test::new().rules(&format!(
        r#"{PEOPLE}{PAGE}
[[rules]]
name = "up"
when = [{{ subject = '^\*\* RECOVERY|\[(OK|RESOLVED|RECOVERY)\]' }}]
action = "resolve"
key = "x"
[[rules]]
name = "nagios"
when = [{{ subject = '^\*\* \w+ (Service|Host) Alert: (?<service>\S+)' }}]
action = "page"
key = "x"
"#
    ));
    let ran = test.run(&["check", "--offline"], b"").exit(0);
    assert!(ran.out.contains("no errors, no warnings") || !ran.out.contains("RECOVERY Service"), "{ran:?}");
}

#[test]
fn the_schema_is_printed_whole() {
    let test = Test::new();
    let schema = test.run(&["schema"], b"").exit(0).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["properties"]["rules"].is_object());
}
