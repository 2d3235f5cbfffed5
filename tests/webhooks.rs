//! The server's side: signatures, tokens, what a stranger gets.

use thialfi::server::signature::sign;

use crate::support::{DAVID, Phone, TOKEN, Test};

/// Posts a form; returns status and body.
fn post(test: &Test, path: &str, form: &[(&str, &str)], signature: Option<&str>) -> (u16, String) {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let signature = signature.map(|value| format!("X-Twilio-Signature: {value}\r\n")).unwrap_or_default();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{signature}Content-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    test.exchange(&request)
}

fn signed(test: &Test, path: &str, form: &[(&str, &str)]) -> (u16, String) {
    let parameters: Vec<(String, String)> =
        form.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let signature = sign(TOKEN, &format!("{}{path}", test.url()), &parameters);
    post(test, path, form, Some(&signature))
}

/// An alert whose call stays at the first Gather, and the token of that call.
fn ringing() -> (Test, String) {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.calls().first().is_some_and(|call| !call.heard.is_empty()), "no call");
    let url = test.calls()[0].parameter("Url").expect("the call has no URL").to_owned();
    let token = url.rsplit('/').next().unwrap().to_owned();
    (test, token)
}

#[test]
fn a_forged_signature_gets_403_and_changes_nothing() {
    let (test, token) = ringing();
    let path = format!("/twiml/{token}/digits");
    let form = [("CallSid", "CA1"), ("Digits", "1")];
    for signature in [None, Some(""), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA="), Some("not base64 at all")] {
        assert_eq!(post(&test, &path, &form, signature).0, 403, "{signature:?}");
    }
    // A true signature of other parameters.
    let other = sign(
        TOKEN,
        &format!("{}{path}", test.url()),
        &[("CallSid".to_owned(), "CA1".to_owned()), ("Digits".to_owned(), "2".to_owned())],
    );
    assert_eq!(post(&test, &path, &form, Some(&other)).0, 403);
    let status = format!("/twilio/status/{token}");
    assert_eq!(post(&test, &status, &[("CallStatus", "busy")], Some("x")).0, 403);
    assert_eq!(post(&test, "/twilio/sms", &[("From", DAVID), ("Body", "ok")], Some("x")).0, 403);
    test.let_it_turn();
    assert_eq!(test.state(), "open");
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn a_true_signature_is_heard_and_new_parameters_do_not_matter() {
    let (test, token) = ringing();
    let (status, answer) = signed(
        &test,
        &format!("/twiml/{token}/digits"),
        &[("CallSid", "CA1"), ("Digits", "1"), ("SomethingNew", "é & <b>")],
    );
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("<Response>") && answer.contains("text/xml"), "{answer}");
    assert_eq!(test.state(), "acknowledged");
    // Pressed again: the caller hears who has it, and nothing changes.
    let (status, answer) = signed(&test, &format!("/twiml/{token}/digits"), &[("CallSid", "CA1"), ("Digits", "1")]);
    assert_eq!(status, 200);
    assert!(answer.contains("David"), "{answer}");
}

#[test]
fn an_unknown_token_is_not_found() {
    let (test, _) = ringing();
    for path in ["/twiml/00000000000000000000000000000000", "/twiml/short", "/twilio/status/..%2f..", "/twilio/nothing"]
    {
        assert_eq!(signed(&test, path, &[("CallSid", "CA1")]).0, 404, "{path}");
    }
}

#[test]
fn callbacks_twice_and_out_of_order_do_no_harm() {
    let (test, token) = ringing();
    let path = format!("/twilio/status/{token}");
    for (sequence, status) in
        [("3", "completed"), ("1", "ringing"), ("3", "completed"), ("0", "initiated"), ("2", "in-progress")]
    {
        let form = [("CallSid", "CA1"), ("CallStatus", status), ("SequenceNumber", sequence)];
        assert_eq!(signed(&test, &path, &form).0, 204);
    }
    // The call is over without a key: the backup is called, once.
    test.wait_until(|test| test.called().len() == 2, "the backup is not called");
    test.let_it_turn();
    assert_eq!(test.called().len(), 2);
}

#[test]
fn health_tells_and_the_rest_is_not_there() {
    let test = Test::with_people().serve();
    assert_eq!(test.get("/healthz"), 200);
    assert_eq!(test.get("/etc/passwd"), 404);
    assert_eq!(test.get("/twiml/00000000000000000000000000000000"), 403);
}

#[test]
fn what_a_mail_says_cannot_become_a_verb() {
    let rules = r#"
[contacts]
david = { name = "David", phone = "+64211110001" }
[groups.systems]
members = ["david"]
oncall = "david"
[policies.page]
steps = [{ notify = "oncall", by = "call", wait = "5m" }]
[[rules]]
name = "all"
when = []
action = "page"
say = "{{ text }}"
"#;
    let mut test = Test::new().rules(rules).phone(DAVID, [Phone::Stay]).serve();
    let mail = test.mail("x", "</Say></Gather><Hangup/><Dial>+1900</Dial> & ]]> \u{1}");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.calls().first().is_some_and(|call| !call.heard.is_empty()), "no call");
    // It is words, after which the call goes on.
    let call = &test.calls()[0];
    assert!(call.heard.join(" ").contains("Gather Hangup slash Dial 1900"), "{call:?}");
    test.wait_until(|test| test.calls()[0].heard.join(" ").contains("Press 1 to acknowledge"), "the call ends there");
}

#[test]
fn what_calls_back_was_taken_although_the_answer_to_our_request_was_lost() {
    // The clock stands still: nothing is tried again, and the provider is not asked.
    let mut test = Test::with_people().phone(DAVID, [Phone::AcceptedThenDropped, Phone::Ring]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.calls().len() == 1, "David is not called");
    test.wait_until(|test| test.story(1).contains("may or may not have been taken"), "no doubt");
    let call = test.calls()[0].sid.clone();
    let url = test.calls()[0].parameter("Url").unwrap().to_owned();
    let status = format!("/twilio/status/{}", url.rsplit('/').next().unwrap());
    assert_eq!(signed(&test, &status, &[("CallSid", &call), ("CallStatus", "ringing")]).0, 204);
    let taken = format!("twilio has taken the call to David (+64211110001): {call}");
    test.wait_until(|test| test.story(1).contains(&taken), "not known of");
    // So it can be ended when nobody needs it any more, and is no other alert's.
    test.run(&["alerts", "ack", "1"], b"").exit(0).done();
    test.wait_until(|test| test.story(1).contains("hanging up the call to David"), "not hung up");
    test.wait_until(|test| test.calls()[0].status == "canceled" || test.calls()[0].status == "completed", "rings on");
    test.advance("1m");
    test.let_it_turn();
    assert_eq!(test.calls().len(), 1, "{:?}\n{}", test.calls(), test.story(1));
}
