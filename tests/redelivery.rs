//! Without an engine: the mail server's queue is the timer.

use crate::support::{DARREN, DAVID, PAGE, PEOPLE, Phone, Test};

fn test() -> Test {
    Test::with_people().without_webhooks()
}

#[test]
fn each_redelivery_takes_the_next_due_step_until_the_policy_ends() {
    let mut test = test().phone(DAVID, [Phone::Listen]).phone(DARREN, [Phone::Listen]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("no engine").done();
    test.wait_for_calls(&[DAVID]);
    test.wait_until(|test| test.calls()[0].status == "completed", "the call does not end");
    test.advance("5m 1s");
    test.deliver(&mail).exit(75).done();
    test.wait_for_calls(&[DAVID, DARREN]);
    test.wait_until(|test| test.calls()[1].status == "completed", "the call does not end");
    test.advance("5m 1s");
    test.deliver(&mail).exit(0).done();
    assert_eq!(test.called(), [DAVID, DARREN]);
    assert_eq!(test.state(), "expired");
    test.deliver(&mail).exit(0).done();
    assert_eq!(test.called(), [DAVID, DARREN]);
}

#[test]
fn a_redelivery_before_the_next_step_is_due_calls_nobody() {
    // David has the text on his handset: he gets his ten minutes.
    let policy = r#"
[policies.page]
steps = [
  { notify = "oncall", by = "sms", wait = "10m" },
  { notify = "backup", by = "call", wait = "5m" },
]
"#;
    let mut test = Test::new().rules(&format!("{PEOPLE}{policy}{}", crate::support::DOWN)).without_webhooks();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    test.wait_until(|test| test.texts().first().is_some_and(|text| text.status == "delivered"), "no text");
    for _ in 0..3 {
        test.advance("3m");
        test.deliver(&mail).exit(75).done();
    }
    assert!(test.called().is_empty());
    test.advance("3m");
    test.deliver(&mail).exit(75).done();
    assert_eq!(test.called(), [DARREN]);
    assert_eq!(test.texts().len(), 1);
}

#[test]
fn an_unanswered_call_is_found_out_by_asking_and_the_backup_called() {
    let mut test = test().phone(DAVID, [Phone::NoAnswer]).phone(DARREN, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    test.wait_until(|test| test.calls()[0].status == "no-answer", "the call does not end");
    // One second is far less than the step's five minutes.
    test.advance("1s");
    test.deliver(&mail).exit(75).done();
    assert_eq!(test.called(), [DAVID, DARREN]);
}

#[test]
fn without_webhooks_one_acknowledges_by_a_text() {
    let mut test = test().phone(DAVID, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    test.wait_until(|test| test.calls()[0].heard.join(" ").contains("text"), "the call does not say how");
    let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();
    test.sandbox.send_text(DAVID, &code);
    test.advance("10s");
    test.deliver(&mail).exit(0).done();
    assert_eq!(test.state(), "acknowledged");
    assert_eq!(test.alerts()[0]["acknowledged_by"], "David");
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn an_acknowledgement_at_the_command_line_ends_the_redeliveries() {
    let mut test = test().phone(DAVID, [Phone::NoAnswer]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    test.run(&["alerts", "ack", "1"], b"").exit(0).done();
    test.deliver(&mail).exit(0).done();
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn an_acknowledgement_at_the_command_line_is_told_by_the_command_itself() {
    let mut test = test().phone(DAVID, [Phone::NoAnswer]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    let ran = test.run(&["alerts", "ack", "1"], b"").exit(0);
    assert!(
        ran.err.contains("is acknowledged; no engine runs") && ran.err.contains("waits for the provider"),
        "{ran:?}"
    );
    // No mail comes and no engine runs that would do it.
    let texts = test.texts();
    assert!(matches!(texts.as_slice(), [text] if text.to == DAVID && text.body.contains("has it")), "{texts:?}");
    test.run(&["alerts", "resolve", "1"], b"").exit(0).done();
    assert!(test.texts().iter().any(|text| text.to == DAVID && text.body.contains("over, says")), "{:?}", test.texts());
}

#[test]
fn an_acknowledgement_at_the_command_line_waits_for_nothing_where_an_engine_runs() {
    let mut test = test().phone(DAVID, [Phone::Stay]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_calls(&[DAVID]);
    assert_eq!(test.run(&["alerts", "ack", "1"], b"").exit(0).err, "");
}

#[test]
fn news_that_a_limit_holds_back_is_waited_for() {
    let rules = r#"
[limits]
sms = "1 per 2h"
[policies.page]
repeat = 0
steps = [{ notify = "oncall", by = "sms", wait = "5m" }]
"#;
    let mut test = Test::new().rules(&format!("{PEOPLE}{rules}{}", crate::support::DOWN)).without_webhooks();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    test.wait_until(|test| test.texts().first().is_some_and(|text| text.status == "delivered"), "no text");
    test.advance("6m");
    // David has had his text for these two hours. That nobody answered he is told later, by a redelivery.
    test.deliver(&mail).exit(75).says("not everybody has been told").done();
    assert_eq!(test.run(&["alerts", "--json", "--all"], b"").json()[0]["state"], "expired");
    let told = |test: &Test| {
        test.texts().iter().filter(|text| text.to == DAVID && text.body.contains("nobody answered")).count()
    };
    assert_eq!(told(&test), 0);
    test.advance("2h");
    test.deliver(&mail).exit(0).done();
    assert_eq!(told(&test), 1);
}

#[test]
fn with_wait_it_stays_until_a_human_has_it() {
    let test = Test::new()
        .rules(&format!("{PEOPLE}{PAGE}{}", crate::support::DOWN))
        .without_webhooks()
        .phone(DAVID, [Phone::NoAnswer])
        .phone(DARREN, [Phone::Stay]);
    let mut test = test;
    let mail = test.mail("db1", "db1 is DOWN");
    let mut child = test.command().args(["deliver", "--wait"]).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &mail).unwrap();
    test.wait_until(|test| test.calls().len() == 1, "David is not called");
    // Asked after three seconds, it learns that he does not answer, and calls Darren.
    test.wait_until(|test| test.story(1).contains("taken"), "the call is not recorded");
    test.wait_until(|test| test.calls()[0].status == "no-answer", "it rings for ever");
    test.advance("4s");
    test.wait_for_calls(&[DAVID, DARREN]);
    test.run(&["alerts", "ack", "1"], b"").exit(0).done();
    let ran = crate::support::ran(&child.wait_with_output().unwrap()).exit(0);
    assert!(ran.out.lines().count() > 3, "each attempt is shown: {ran:?}");
}

#[test]
fn the_same_mail_again_while_an_engine_follows_up_changes_nothing() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_calls(&[DAVID]);
    test.deliver(&mail).exit(0).says("same mail").done();
    test.let_it_turn();
    assert_eq!(test.called(), [DAVID]);
    assert_eq!(test.alerts()[0]["mails"], 1);
}
