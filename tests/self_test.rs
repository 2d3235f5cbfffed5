//! `thialfi test --loop`: a mail of our own through a mail server in a box, until it is a text on a telephone.

use crate::support::{DAVID, DOWN, PAGE, PEOPLE, Phone, Test};

/// A rule that would call for anything.
const ANYTHING: &str = "[[rules]]\nname = \"anything\"\nwhen = []\naction = \"call\"\ngroup = \"systems\"\n";

/// A rule file with `[self_test]`, and a mail server that does this with a mail: `$DELIVER` delivers what it reads.
fn with_server(script: &str, section: &str) -> Test {
    let test = Test::new();
    let rules = rules(&test, section);
    let test = test.rules(&rules);
    server(&test, script);
    test
}

fn rules(test: &Test, section: &str) -> String {
    let via = test.path("sendmail").display().to_string();
    format!(
        "{PEOPLE}{PAGE}{DOWN}{ANYTHING}\n[self_test]\nto = \"selftest@example.com\"\nvia = [\"{via}\", \"{{{{ to }}}}\"]\n{section}"
    )
}

/// Puts another mail server in place.
fn server(test: &Test, script: &str) {
    let path = test.path("sendmail");
    let text = format!(
        "#!/bin/sh\nexport THIALFI_CONFIG={} THIALFI_CLOCK_FILE={}\nDELIVER='{} deliver'\n{script}\n",
        test.path("rules.toml").display(),
        test.path("clock").display(),
        env!("CARGO_BIN_EXE_thialfi"),
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

/// Delivers at once, and keeps a copy.
const DELIVERS: &str =
    "cat > \"$(dirname \"$0\")/mail\"; $DELIVER \"$1\" < \"$(dirname \"$0\")/mail\" > \"$(dirname \"$0\")/log\"";
const DAVID_GETS_IT: &str = "contact = \"david\"\nwithin = \"20s\"\n";

fn mail(test: &Test) -> Vec<u8> {
    std::fs::read(test.path("mail")).unwrap()
}

#[test]
fn a_mail_goes_through_the_mail_server_and_comes_out_as_a_text() {
    let test = with_server(DELIVERS, DAVID_GETS_IT).serve();
    let ran = test.run(&["test", "--loop"], b"").exit(0);
    let ran = ran.says("Self-test 1: a mail to selftest@example.com by").says("handed over to");
    let ran = ran.says("received: it opened alert 1 (").says("twilio has taken the text to David (+64211110001): SM");
    let ran = ran.says("was delivered").says("Passed after");
    drop(ran);
    assert_eq!(test.texts().len(), 1);
    assert!(test.texts()[0].body.contains("test of thialfi"), "{:?}", test.texts());
    assert!(test.called().is_empty(), "no rule looks at it: {:?}", test.called());
    test.run(&["explain"], &mail(&test)).exit(0).says("It carries the mark of a self-test").done();
    let log = std::fs::read_to_string(test.path("log")).unwrap();
    assert!(log.contains("self-test 1"), "{log}");
    // It leaves nothing open, and tells nobody that it is over.
    test.let_it_turn();
    assert_eq!((test.state().as_str(), test.texts().len()), ("resolved", 1));
    let alert = test.alerts().remove(0);
    assert_eq!((&alert["group"], &alert["rule"]), (&"self-test".into(), &"self-test 1".into()));
    assert!(
        test.story(1).contains("resolved by self-test (on the command line), as it was passed"),
        "{}",
        test.story(1)
    );
}

#[test]
fn without_an_engine_the_test_follows_up_itself() {
    let test = with_server(DELIVERS, DAVID_GETS_IT).without_webhooks();
    test.run(&["test", "--loop"], b"").exit(0).says("twilio has taken").says("was delivered").done();
    assert_eq!((test.state().as_str(), test.texts().len()), ("resolved", 1));
}

#[test]
fn it_calls_where_it_is_told_to() {
    let section = "contact = \"david\"\nby = \"call\"\nwithin = \"20s\"\n";
    let test = with_server(DELIVERS, section).phone(DAVID, [Phone::Listen]).serve();
    test.run(&["test", "--loop"], b"").exit(0).says("twilio has taken the call to David").done();
    assert_eq!((test.called().len(), test.texts().len()), (1, 0));
}

#[test]
fn json_tells_the_same() {
    let test = with_server(DELIVERS, DAVID_GETS_IT).serve();
    let whole = test.run(&["test", "--loop", "--json"], b"").exit(0).json();
    assert_eq!((&whole["passed"], &whole["id"], &whole["alert"]), (&true.into(), &1.into(), &1.into()));
    let stages: Vec<&str> =
        whole["stages"].as_array().unwrap().iter().filter_map(|stage| stage["stage"].as_str()).collect();
    for stage in ["handed-over", "received", "accepted"] {
        assert!(stages.contains(&stage), "{whole}");
    }
}

#[test]
fn a_mail_that_is_lost_is_told_with_where_to_look() {
    let test = with_server("cat > /dev/null", "contact = \"david\"\nwithin = \"1s\"\n");
    let ran = test.run(&["test", "--loop"], b"").exit(1);
    let ran = ran.says("the mail was handed over, but has not come in within 1s").says("mailq");
    let ran = ran.says("selftest@example.com").says("<self-test.1.");
    drop(ran);
    assert!(test.texts().is_empty());
}

#[test]
fn a_mail_server_that_takes_nothing_is_told_with_what_it_said() {
    let test = with_server("cat > /dev/null; echo 'queue is full' >&2; exit 75", DAVID_GETS_IT);
    test.run(&["test", "--loop"], b"").exit(1).says("ended with 75: queue is full").says("[self_test]").done();
    let test = with_server("", "").rules(&format!(
        "{PEOPLE}{PAGE}\n[self_test]\nto = \"selftest@example.com\"\nvia = [\"/nowhere/sendmail\", \"{{{{ to }}}}\"]\n"
    ));
    test.run(&["test", "--loop"], b"").exit(1).says("`/nowhere/sendmail` cannot be started").done();
}

#[test]
fn a_mail_that_takes_its_time_is_waited_for() {
    let later = "cat > \"$0.mail\"; ( sleep 1; $DELIVER \"$1\" < \"$0.mail\" ) > /dev/null 2>&1 &";
    let test = with_server(later, DAVID_GETS_IT).serve();
    test.run(&["test", "--loop"], b"").exit(0).says("handed over").says("received").says("Passed").done();
}

#[test]
fn a_mail_that_comes_too_late_is_nothing() {
    let keeps = "cat > \"$(dirname \"$0\")/mail\"";
    let test = with_server(keeps, "contact = \"david\"\nwithin = \"1s\"\n");
    test.run(&["test", "--loop"], b"").exit(1).done();
    test.deliver_to(&["selftest@example.com"], &mail(&test)).exit(0).says("self-test 1").says("too late").done();
    assert!(test.alerts().is_empty() && test.texts().is_empty() && test.called().is_empty());
}

#[test]
fn a_mark_is_used_once() {
    let test = with_server(DELIVERS, DAVID_GETS_IT).serve();
    test.run(&["test", "--loop"], b"").exit(0).done();
    for _ in 0..2 {
        test.deliver_to(&["selftest@example.com"], &mail(&test)).exit(0).says("came again").done();
    }
    assert_eq!((test.alerts().len(), test.texts().len(), test.called().len()), (1, 1, 0));
}

#[test]
fn a_mark_that_was_never_made_tests_nothing_and_silences_nothing() {
    let keeps = "cat > \"$(dirname \"$0\")/mail\"";
    let mut test = with_server(keeps, "contact = \"david\"\nwithin = \"1s\"\n")
        .phone(DAVID, [Phone::Stay, Phone::Stay, Phone::Stay]);
    test.run(&["test", "--loop"], b"").exit(1).done();
    // A true alert with a mark that somebody has made up is an alert.
    let alert = String::from_utf8(test.mail("db1", "db1 is DOWN")).unwrap();
    for mark in ["00112233445566778899aabbccddeeff", "x", ""] {
        let id = format!("<forged-{mark}@example.com>");
        let forged = alert.replace("Subject:", &format!("X-Thialfi-Self-Test: {mark}\r\nX-Other: {id}\r\nSubject:"));
        test.deliver(forged.as_bytes()).exit(75).says("rule down").done();
    }
    assert_eq!(test.alerts().len(), 1);
    assert_eq!(test.called(), [DAVID]);
    assert!(test.texts().is_empty());
}

#[test]
fn a_mark_says_nothing_where_no_self_test_is_configured() {
    let test = with_server(DELIVERS, DAVID_GETS_IT).serve();
    test.run(&["test", "--loop"], b"").exit(0).done();
    let kept = mail(&test);
    let test = test.rules(&format!("{PEOPLE}{PAGE}{DOWN}"));
    test.deliver_to(&["selftest@example.com"], &kept).says("no rule wants it").done();
}

#[test]
fn a_test_goes_alone_whatever_the_limits_say_and_takes_no_alert_along() {
    let section = format!("{DAVID_GETS_IT}\n[limits]\ncall = \"1 per 1h\"\nsms = \"1 per 1h\"\n");
    let policy = "[policies.text]\nsteps = [{ notify = \"oncall\", by = \"sms\", wait = \"1h\" }]\n";
    let rule = "[[rules]]\nname = \"text\"\nwhen = [{ subject = '^text' }]\naction = \"page\"\npolicy = \"text\"\ngroup = \"systems\"\n";
    let test = Test::new();
    let written = rules(&test, &section).replace(ANYTHING, "");
    let mut test = test.rules(&format!("{rule}{policy}{written}"));
    server(&test, DELIVERS);
    test = test.serve();
    for n in 1..=3 {
        let mail = test.mail(&format!("text {n}"), "x");
        test.deliver(&mail).exit(0).done();
    }
    test.let_it_turn();
    let before = test.texts().len();
    test.run(&["test", "--loop"], b"").exit(0).done();
    let texts = test.texts();
    assert!(texts[before..].iter().any(|text| text.body.contains("test of thialfi. Nothing is wrong")), "{texts:?}");
    assert!(texts[before..].iter().all(|text| !text.body.contains("more")), "{texts:?}");
}

#[test]
fn a_provider_that_refuses_is_told_and_nobody_is_called_instead() {
    let test = with_server(DELIVERS, DAVID_GETS_IT).phone(DAVID, [Phone::Refuse(21211)]).serve();
    let ran = test.run(&["test", "--loop"], b"").exit(1);
    let ran = ran.says("the provider refused the notification").says("21211").says("thialfi alerts show 1");
    drop(ran);
    test.let_it_turn();
    assert!(test.called().is_empty(), "a test by text rings nobody: {:?}", test.called());
    assert_eq!(test.state(), "resolved");
}

#[test]
fn a_text_that_does_not_arrive_is_told() {
    let test = with_server(DELIVERS, DAVID_GETS_IT).phone(DAVID, [Phone::Undelivered(30003)]).serve();
    test.run(&["test", "--loop"], b"").exit(1).says("did not arrive: undelivered").says("30003").done();
    assert!(test.called().is_empty());
}

#[test]
fn a_provider_that_is_away_is_told_when_the_time_is_up() {
    let test = with_server(DELIVERS, "contact = \"david\"\nwithin = \"2s\"\n");
    let test = test.phone(DAVID, std::iter::repeat_n(Phone::RateLimited(60), 20)).serve();
    let ran = test.run(&["test", "--loop"], b"").exit(1);
    ran.says("no provider has taken the notification within 2s").done();
    assert_eq!(test.state(), "resolved", "nothing goes on trying");
}

#[test]
fn without_a_contact_nobody_is_notified() {
    let test = with_server(DELIVERS, "within = \"20s\"\n").serve();
    test.run(&["test", "--loop"], b"").exit(0).says("received; nobody is notified").says("Passed").done();
    assert!(test.alerts().is_empty() && test.texts().is_empty() && test.called().is_empty());
}

#[test]
fn a_test_that_was_killed_leaves_no_alert_for_ever() {
    let test = with_server(DELIVERS, "contact = \"david\"\nwithin = \"20s\"\n");
    let mut test = test.phone(DAVID, std::iter::repeat_n(Phone::RateLimited(60), 20)).without_webhooks();
    let mut child = test.command().args(["test", "--loop"]).spawn().unwrap();
    test.wait_until(|test| test.state() == "open", "no alert");
    child.kill().unwrap();
    child.wait().unwrap();
    test.advance("5m");
    server(&test, "cat > /dev/null; exit 1");
    test.run(&["test", "--loop"], b"").exit(1).done();
    assert_eq!(test.state(), "resolved");
    assert!(test.story(1).contains("nobody waited for it to its end"), "{}", test.story(1));
}

#[test]
fn a_test_that_was_not_passed_for_too_long_is_an_alert_that_the_next_one_ends() {
    let section = format!("{DAVID_GETS_IT}every = \"24h\"\ngrace = \"1h\"\ngroup = \"systems\"\naction = \"sms\"\n");
    let mut test = with_server(DELIVERS, &section).serve();
    test.run(&["test", "--loop"], b"").exit(0).done();
    let listed = test.run(&["heartbeats", "--json"], b"").exit(0).json();
    assert_eq!((&listed[0]["name"], &listed[0]["state"]), (&"self-test".into(), &"on-time".into()));
    test.run(&["heartbeats"], b"").exit(0).says("self-test").says("on time").done();
    test.advance("24h30m");
    test.let_it_turn();
    assert_eq!(test.texts().len(), 1, "not yet");
    test.advance("40m");
    test.wait_until(|test| test.texts().len() == 2, "nobody is told");
    let told = test.texts()[1].body.clone();
    assert!(told.contains("The self-test was due") && told.contains("the last was passed yesterday"), "{told}");
    test.run(&["heartbeats"], b"").exit(0).says("late").done();
    test.run(&["test", "--loop"], b"").exit(0).done();
    test.wait_until(|test| test.alerts()[1]["state"] == "resolved", "the alert does not end");
    test.run(&["heartbeats"], b"").exit(0).says("on time").done();
}

#[test]
fn a_test_that_fails_ends_no_lateness() {
    let section = "every = \"24h\"\ngroup = \"systems\"\nwithin = \"1s\"\n";
    let mut test = with_server("cat > /dev/null", section).phone(DAVID, [Phone::Stay]).serve();
    test.wait_until(
        |test| test.run(&["heartbeats", "--json"], b"").json()[0]["since"].is_string(),
        "nobody waits for it",
    );
    test.advance("26h");
    test.wait_for_state("open");
    test.run(&["test", "--loop"], b"").exit(1).done();
    test.let_it_turn();
    assert_eq!(test.state(), "open");
}

#[test]
fn the_section_is_checked() {
    let test = Test::with_people();
    test.run(&["test", "--loop"], b"").exit(1).says("[self_test]").done();
    test.run(&["test"], b"").exit(2).done();
    test.run(&["test", "david", "--loop"], b"").exit(2).done();
    let people = PEOPLE.replace("[contacts]", "[contacts]\nmute = { name = \"Mute\", email = \"m@example.com\" }");
    let wrong = |section: &str| {
        let test = Test::new().rules(&format!("{people}{PAGE}{DOWN}\n[self_test]\n{section}"));
        test.run(&["check", "--offline"], b"")
    };
    wrong("").exit(1).says("`to` is missing").done();
    wrong("to = \"nowhere\"").exit(1).says("is not a mail address").done();
    let to = |rest: &str| wrong(&format!("to = \"selftest@example.com\"\n{rest}"));
    to("contact = \"davdi\"").exit(1).says("there is no contact `davdi`").says("`david`").done();
    to("contact = \"mute\"").exit(1).says("`mute` has no number for texts").done();
    to("contact = \"david\"\nby = \"fax\"").exit(1).says("fax").done();
    to("via = []").exit(1).says("names no program").done();
    to("via = [\"/usr/sbin/sendmail\", \"{{ recipient }}\"]").exit(1).says("`{{ to }}` and `{{ from }}`").done();
    to("via = [\"/usr/sbin/sendmail\"]").exit(0).says("does not say that the mail goes to").done();
    to("via = [\"/nowhere/sendmail\", \"{{ to }}\"]").exit(0).says("`/nowhere/sendmail`").says("is not there").done();
    to("within = \"2 days\"").exit(1).says("2 days").done();
    to("evry = \"24h\"").exit(1).says("`every`").done();
    to("grace = \"1h\"").exit(0).says("without `every` none ever is").done();
    to("every = \"24h\"\ngroup = \"sistems\"").exit(1).says("`systems`").done();
    to("").exit(0).says("names no contact").done();
    let taken = "[[heartbeats]]\nname = \"self-test\"\nwhen = [{ subject = 'x' }]\nevery = \"1 day\"\n";
    to(taken).exit(1).says("`self-test`").done();
    to("[groups.self-test]\nmembers = [\"david\"]").exit(1).says("a group cannot be called `self-test`").done();
    to("[policies.self-test]\nsteps = []").exit(1).says("a policy cannot be called `self-test`").done();
    to("contact = \"david\"\nevery = \"24h\"\ngroup = \"systems\"").exit(0).done();
}
