//! Two groups, one engineer in both, four customer addresses: each mail reaches the right person.

use crate::support::{DARREN, DAVID, Phone, SIMON, Test};

const RULES: &str = r#"
[contacts]
david  = { name = "David",  phone = "+64211110001" }
darren = { name = "Darren", phone = "+64211110002" }
simon  = { name = "Simon",  phone = "+64211110003" }

[groups.oracle]
name = "Oracle DBA"
members = ["david", "darren"]
oncall = "david"

[groups.network]
name = "Network"
members = ["simon", "darren"]
oncall = "simon"

[policies.page]
steps = [{ notify = "oncall", by = "call", wait = "5m" }]

[recipients]
"cust1-dba@sms.example.com" = { group = "oracle" }
"cust2-dba@sms.example.com" = { group = "oracle" }
"cust1-net@sms.example.com" = { group = "network" }
"cust2-net@sms.example.com" = { group = "network" }
"#;

fn acknowledging(test: Test) -> Test {
    let one = || [Phone::press(["1"])];
    test.phone(DAVID, one()).phone(DARREN, one()).phone(SIMON, one())
}

#[test]
fn each_address_reaches_its_group() {
    let mut test = acknowledging(Test::new().rules(RULES)).serve();
    for (number, address) in [
        (DAVID, "cust1-dba@sms.example.com"),
        (DAVID, "cust2-dba@SMS.Example.com"),
        (SIMON, "cust1-net@sms.example.com"),
        (SIMON, "cust2-net@sms.example.com"),
    ] {
        let before = test.calls().len();
        let mail = test.mail(&format!("Disk of {address} is full"), "help");
        test.deliver_to(&[address], &mail).exit(0).done();
        test.wait_until(|test| test.calls().len() == before + 1, "no call");
        assert_eq!(test.called().last().unwrap(), number, "{address}");
        test.wait_for_state("acknowledged");
    }
}

#[test]
fn changing_who_is_on_call_takes_effect_on_the_next_mail() {
    let mut test = acknowledging(Test::new().rules(RULES)).serve();
    let mail = test.mail("one", "help");
    test.deliver_to(&["cust1-dba@sms.example.com"], &mail).exit(0).done();
    test.wait_for_calls(&[DAVID]);
    test.run(&["oncall", "oracle", "darren"], b"").exit(0).says("Darren").done();
    let mail = test.mail("two", "help");
    test.deliver_to(&["cust1-dba@sms.example.com"], &mail).exit(0).done();
    test.wait_for_calls(&[DAVID, DARREN]);
    // The other group is not concerned.
    let mail = test.mail("three", "help");
    test.deliver_to(&["cust1-net@sms.example.com"], &mail).exit(0).done();
    test.wait_for_calls(&[DAVID, DARREN, SIMON]);
}

#[test]
fn an_override_ends_when_it_says() {
    let mut test = acknowledging(Test::new().rules(RULES));
    test.run(&["oncall", "oracle", "simon", "--until", "2h"], b"")
        .exit(0)
        .says("Simon is on call for oracle until ")
        .done();
    let list = test.run(&["oncall", "oracle", "--json"], b"").exit(0).json();
    assert_eq!(list[0]["contact"], "simon");
    assert_eq!(list[0]["until"], "2026-11-02T04:00:00Z");
    assert_eq!(list[0]["next"], "david");
    test.advance("2h");
    let list = test.run(&["oncall", "oracle", "--json"], b"").exit(0).json();
    assert_eq!(list[0]["contact"], "david");
    assert_eq!(list[0]["phone"], DAVID);
}

#[test]
fn one_mail_to_two_addresses_of_a_group_is_one_alert_that_names_both() {
    let mut test = acknowledging(Test::new().rules(RULES)).serve();
    let mail = test.mail("both", "help");
    test.deliver_to(&["cust1-dba@sms.example.com", "cust2-dba@sms.example.com"], &mail).exit(0).done();
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID]);
    let recipients = test.alerts()[0]["recipients"].clone();
    assert_eq!(recipients.as_array().unwrap().len(), 2, "{recipients}");
    // Delivered once for each recipient, as pipe(8) may do it: the same alert.
    test.deliver_to(&["cust2-dba@sms.example.com"], &mail).exit(0).done();
    assert_eq!(test.alerts().len(), 1);
}

#[test]
fn one_mail_to_two_groups_calls_both() {
    let mut test = acknowledging(Test::new().rules(RULES)).serve();
    let mail = test.mail("both", "help");
    test.deliver_to(&["cust1-dba@sms.example.com", "cust1-net@sms.example.com"], &mail).exit(0).done();
    test.wait_until(|test| test.calls().len() == 2, "not two calls");
    let mut called = test.called();
    called.sort();
    assert_eq!(called, [DAVID, SIMON]);
}

#[test]
fn an_unknown_address_is_named_and_the_mail_stays_with_the_mail_server() {
    let mut test = Test::new().rules(RULES);
    let mail = test.mail("lost?", "help");
    test.deliver_to(&["cust9-dba@sms.example.com"], &mail).exit(75).says("cust9-dba@sms.example.com").done();
    test.run(&["deliver", "--reject-unknown", "cust9-dba@sms.example.com"], &mail)
        .exit(67)
        .says("cust9-dba@sms.example.com")
        .done();
    // One known recipient is enough for the mail to be taken, and called for.
    test.run(&["deliver", "--reject-unknown", "cust9-dba@sms.example.com", "cust1-dba@sms.example.com"], &mail)
        .exit(75)
        .says("opened alert 1")
        .done();
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn a_vacation_answer_and_a_bounce_never_page() {
    let test = Test::new().rules(RULES);
    for name in ["vacation-answer.eml", "bounce.eml"] {
        let mail = crate::support::example(name);
        test.deliver_to(&["cust1-dba@sms.example.com"], &mail).exit(0).says("no rule wants it").done();
    }
    let mut test = test;
    let mail = test.mail("null sender", "help");
    test.run(&["-f", "", "cust1-dba@sms.example.com"], &mail).exit(0).says("no rule wants it").done();
    assert!(test.calls().is_empty() && test.texts().is_empty());
}
