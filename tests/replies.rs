//! Replies by text: what acknowledges, what does not, and what is answered.

use crate::support::{DARREN, DAVID, PEOPLE, Phone, Test};

/// One text to David, then to the backup.
fn texting() -> Test {
    let policy = r#"
[policies.page]
steps = [
  { notify = "oncall", by = "sms", wait = "10m" },
  { notify = "backup", by = "sms", wait = "10m" },
]
"#;
    Test::new().rules(&format!("{PEOPLE}{policy}{}", crate::support::DOWN)).serve()
}

fn open(test: &mut Test, host: &str) -> String {
    let before = test.texts().len();
    let mail = test.mail(host, &format!("{host} is DOWN"));
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.texts().len() == before + 1, "no text");
    test.alerts().last().unwrap()["code"].as_str().unwrap().to_owned()
}

#[test]
fn the_text_begins_with_the_code_and_the_code_acknowledges() {
    let mut test = texting();
    let code = open(&mut test, "db1");
    assert!(test.texts()[0].body.starts_with(&format!("{code} ")), "{:?}", test.texts());
    let _ = test.text_from(DAVID, &format!("ack {}", code.to_lowercase()));
    test.wait_for_state("acknowledged");
    assert_eq!(test.alerts()[0]["acknowledged_by"], "David");
}

#[test]
fn with_one_open_alert_any_word_does() {
    let mut test = texting();
    open(&mut test, "db1");
    let _ = test.text_from(DAVID, "ok, on it");
    test.wait_for_state("acknowledged");
}

#[test]
fn stop_is_no_acknowledgement() {
    let mut test = texting();
    open(&mut test, "db1");
    for word in ["STOP", "stop ", "Unsubscribe", "END", "quit", "CANCEL", "StopAll"] {
        let _ = test.text_from(DAVID, word);
    }
    test.let_it_turn();
    assert_eq!(test.state(), "open");
}

#[test]
fn a_handset_that_answers_by_itself_has_acknowledged_nothing() {
    let mut test = texting();
    open(&mut test, "db1");
    let _ = test.text_from(DAVID, "I'm driving with Do Not Disturb turned on. (This is an automated reply.)");
    test.let_it_turn();
    assert_eq!(test.state(), "open");
}

#[test]
fn done_resolves() {
    let mut test = texting();
    let code = open(&mut test, "db1");
    let _ = test.text_from(DAVID, &format!("{code} done"));
    test.wait_for_state("resolved");
}

#[test]
fn an_ambiguous_reply_is_asked_back() {
    let mut test = texting();
    let first = open(&mut test, "db1");
    let second = open(&mut test, "db2");
    let answer = test.text_from(DAVID, "ok").expect("no answer");
    assert!(answer.contains(&first) && answer.contains(&second), "{answer}");
    assert!(test.alerts().iter().all(|alert| alert["state"] == "open"));
    let _ = test.text_from(DAVID, &second);
    test.wait_for_state("acknowledged");
    assert_eq!(test.alerts()[0]["state"], "open");
}

#[test]
fn a_late_reply_is_told_who_had_it() {
    let mut test = texting();
    let code = open(&mut test, "db1");
    let _ = test.text_from(DAVID, &code);
    test.wait_for_state("acknowledged");
    let answer = test.text_from(DARREN, &code).expect("no answer");
    assert!(answer.contains("David"), "{answer}");
    assert_eq!(test.alerts()[0]["acknowledged_by"], "David");
}

#[test]
fn a_code_that_comes_four_weeks_late_is_told_who_had_it_and_closes_nothing_else() {
    let mut test = texting();
    let first = open(&mut test, "db1");
    let _ = test.text_from(DAVID, &format!("{first} done"));
    test.wait_for_state("resolved");
    test.advance("695h");
    open(&mut test, "db2");
    for late in [first.clone(), format!("ack {first}"), format!("{first} done")] {
        let answer = test.text_from(DAVID, &late).expect("no answer");
        assert!(answer.contains(&first) && answer.contains("is over"), "{answer}");
        assert_eq!(test.state(), "open", "{late}");
    }
}

#[test]
fn no_code_is_given_twice_within_thirty_days() {
    // Each mail opens an alert in nine groups. There are 80 codes of two characters: the last of 90 must be longer.
    let groups: String = (0..9)
        .map(|n| format!("[groups.g{n}]\nmembers = [\"david\"]\n[recipients.\"r{n}@example.com\"]\ngroup = \"g{n}\"\n"))
        .collect();
    let rules = crate::support::DOWN.replace("group = \"systems\"\n", "");
    let mut test = Test::new().rules(&format!("{PEOPLE}{}{groups}{rules}", crate::support::PAGE));
    let recipients: Vec<String> = (0..9).map(|n| format!("r{n}@example.com")).collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    let send = |test: &mut Test, text: &str| {
        let mail = undated(test.mail("db", text));
        test.deliver_to(&recipients, &mail).done();
    };
    for n in 0..5 {
        send(&mut test, &format!("db{n} is DOWN"));
    }
    test.advance("1h");
    for n in 0..5 {
        send(&mut test, &format!("db{n} is UP"));
    }
    test.advance("695h");
    for n in 5..10 {
        send(&mut test, &format!("db{n} is DOWN"));
    }
    let list = test.run(&["alerts", "--json", "--all"], b"").exit(0).json();
    let list = list.as_array().unwrap();
    assert_eq!(list.iter().filter(|alert| alert["state"] == "resolved").count(), 45);
    let codes: std::collections::BTreeSet<&str> = list.iter().map(|alert| alert["code"].as_str().unwrap()).collect();
    assert_eq!((list.len(), codes.len()), (90, 90));
    assert!(codes.iter().all(|code| (2..=3).contains(&code.len())), "{codes:?}");
}

/// A mail that says nothing of when it was written: it is written now.
fn undated(mail: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(mail).unwrap();
    text.replace("Date: Mon, 2 Nov 2026 02:00:00 +0000\r\n", "").into_bytes()
}

#[test]
fn a_stranger_is_neither_heard_nor_answered() {
    let mut test = texting();
    let code = open(&mut test, "db1");
    assert_eq!(test.text_from("+64219999999", &code), None);
    test.let_it_turn();
    assert_eq!(test.state(), "open");
}

#[test]
fn the_one_who_was_texted_before_is_told_who_has_it() {
    let mut test = texting().phone(DAVID, [Phone::Deliver]);
    let code = open(&mut test, "db1");
    test.advance("10m 1s");
    test.wait_until(|test| test.texts().iter().any(|text| text.to == DARREN), "Darren is not texted");
    let _ = test.text_from(DARREN, &code);
    test.wait_for_state("acknowledged");
    test.wait_until(
        |test| test.texts().iter().any(|text| text.to == DAVID && text.body.contains("Darren")),
        "David is not told",
    );
}

/// Lets an engine without webhooks ask for texts a few times.
fn let_it_ask(test: &mut Test) {
    for _ in 0..3 {
        test.advance("11s");
        test.let_it_turn();
    }
}

#[test]
fn an_old_reply_that_is_listed_again_takes_no_later_alert() {
    // Of the first text nothing more is heard: so the list that is asked for reaches back to it.
    let mut test = texting().phone(DAVID, [Phone::Sent]).without_webhooks_served();
    open(&mut test, "db1");
    let _ = test.text_from(DAVID, "ok");
    let_it_ask(&mut test);
    test.wait_for_state("acknowledged");
    open(&mut test, "db2");
    let_it_ask(&mut test);
    assert_eq!(test.state(), "open", "{}", test.story(2));
    let _ = test.text_from(DAVID, "ok");
    let_it_ask(&mut test);
    test.wait_for_state("acknowledged");
}

#[test]
fn one_next_that_is_listed_again_passes_on_once() {
    let mut test = texting().without_webhooks_served();
    open(&mut test, "db1");
    let _ = test.text_from(DAVID, "I can't");
    let_it_ask(&mut test);
    let_it_ask(&mut test);
    let story = test.story(1);
    assert_eq!(story.matches("David (by text)").count(), 1, "{story}");
    assert_eq!(test.state(), "open");
    let to_darren = test.texts().iter().filter(|text| text.to == DARREN).count();
    assert_eq!(to_darren, 1, "{story}");
}

#[test]
fn a_word_that_looks_like_a_code_does_not_mean_the_alert_of_another() {
    let mut test = texting();
    let first = open(&mut test, "db1");
    test.run(&["alerts", "resolve", "1"], b"").exit(0).done();
    let texts = test.texts().len();
    test.run(&["oncall", "systems", "darren"], b"").exit(0).done();
    let mail = test.mail("db2", "db2 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.texts().len() > texts, "no text");
    // Darren was not told of the first alert, and does not mean it.
    let _ = test.text_from(DARREN, &format!("will look in {first}"));
    test.wait_for_state("acknowledged");
}

#[test]
fn who_shares_a_telephone_is_the_one_who_was_told() {
    let shared = PEOPLE.replace(r#"phone = "+64211110003""#, r#"phone = "+64211110001""#);
    let shared = shared.replace(r#"oncall = "david""#, r#"oncall = "simon""#);
    let policy = "[policies.page]\nsteps = [{ notify = \"oncall\", by = \"sms\", wait = \"10m\" }]\n";
    let mut test = Test::new().rules(&format!("{shared}{policy}{}", crate::support::DOWN)).serve();
    open(&mut test, "db1");
    let _ = test.text_from(DAVID, "ok");
    test.wait_for_state("acknowledged");
    assert_eq!(test.alerts()[0]["acknowledged_by"], "Simon");
}

/// Two alerts are open, so that every bare "ok" is asked back. Returns what was answered to each of `times` texts.
fn ask_back(test: &Test, times: usize) -> Vec<bool> {
    (0..times).map(|_| test.text_from(DAVID, "ok").is_some()).collect()
}

#[test]
fn a_machine_at_the_other_end_gets_five_answers_an_hour() {
    let mut test = texting();
    open(&mut test, "db1");
    let code = open(&mut test, "db2");
    assert_eq!(ask_back(&test, 7), [true, true, true, true, true, false, false]);
    // What a text asks for is done all the same.
    assert_eq!(test.text_from(DAVID, &code), None);
    test.wait_for_state("acknowledged");
    // Somebody else is answered.
    assert!(test.text_from(DARREN, &code).is_some());
    // The count is on disk: a new engine knows it.
    test.kill_server();
    test.start_server();
    assert_eq!(test.text_from(DAVID, &code), None);
    test.advance("1h 1s");
    assert!(test.text_from(DAVID, &code).is_some());
}

#[test]
fn answers_that_are_not_given_by_webhook_are_capped_too() {
    let mut test = texting().without_webhooks_served();
    open(&mut test, "db1");
    open(&mut test, "db2");
    let before = test.texts().len();
    for _ in 0..8 {
        let _ = test.text_from(DAVID, "ok");
    }
    for _ in 0..6 {
        let_it_ask(&mut test);
    }
    let answers = test.texts().iter().skip(before).filter(|text| text.body.contains("db1")).count();
    assert_eq!(answers, 5, "{:?}", test.texts());
}
