//! Quoted history never rings: the real-life example of procmail-twilio, where four mails made four calls.

use crate::support::{DAVID, PEOPLE, Phone, Test, example};

fn redmine() -> String {
    let pack = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/redmine.toml")).unwrap();
    let rules = pack.split("\n[[tests]]").next().unwrap_or_default();
    format!("[defaults]\ngroup = \"systems\"\n{PEOPLE}{rules}\n")
}

#[test]
fn an_emergency_and_three_replies_that_quote_it_make_one_call() {
    let test = Test::new().rules(&redmine()).phone(DAVID, [Phone::press(["1"])]).serve();
    test.deliver(&example("redmine-emergency.eml")).exit(0).says("opened alert 1").done();
    test.wait_for_state("acknowledged");
    for reply in ["redmine-reply-1.eml", "redmine-reply-2.eml", "redmine-reply-3.eml"] {
        test.deliver(&example(reply)).exit(0).says("no rule wants it").done();
    }
    test.let_it_turn();
    assert_eq!(test.called().len(), 1, "{:?}", test.calls());
    let heard = test.calls()[0].heard.join(" ");
    assert!(heard.contains("8 6 5 8"), "{heard}");
}

#[test]
fn a_new_emergency_issue_rings() {
    let test = Test::new().rules(&redmine()).phone(DAVID, [Phone::press(["1"])]).serve();
    test.deliver(&example("redmine-new-emergency.eml")).exit(0).says("opened alert 1").done();
    test.wait_for_state("acknowledged");
}
