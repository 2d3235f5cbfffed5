//! Escalation: everybody at once, hours of steps, calls placed again, acknowledgements that time out, and the end.

use crate::support::{DARREN, DAVID, PEOPLE, Phone, SIMON, Test};

/// The steps, and the rest of the policy; the clock begins on a Monday at 02:00 UTC.
fn playing(steps: &str, rest: &str) -> Test {
    let policy = format!(
        "[defaults]\ntime_zone = \"UTC\"\nescalation = \"contact:simon\"\n[policies.page]\nsteps = [{steps}]\n{rest}\n"
    );
    Test::new().rules(&format!("{PEOPLE}{policy}{}", crate::support::DOWN))
}

fn open(test: &mut Test) {
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
}

fn code(test: &Test) -> String {
    test.alerts()[0]["code"].as_str().unwrap().to_owned()
}

fn texted(test: &Test, number: &str) -> Vec<String> {
    test.texts().into_iter().filter(|text| text.to == number).map(|text| text.body).collect()
}

#[test]
fn a_text_and_a_call_at_once_and_the_call_is_placed_again_without_the_text() {
    let step = r#"{ notify = "oncall", by = ["sms", "call"], attempts = 2, wait = "5m" }"#;
    let mut test = playing(step, "").phone(DAVID, [Phone::NoAnswer, Phone::press(["1"])]).serve();
    open(&mut test);
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DAVID]);
    assert_eq!(texted(&test, DAVID).len(), 1);
}

#[test]
fn the_whole_group_is_called_at_once_and_all_are_told_who_has_it() {
    let step = r#"{ notify = "group", by = "call", wait = "5m" }"#;
    let mut test = playing(step, "").phone(DAVID, [Phone::press(["1"])]).phone(DARREN, [Phone::NoAnswer]).serve();
    open(&mut test);
    test.wait_for_state("acknowledged");
    let has_it = |test: &Test, number| texted(test, number).iter().any(|body| body.contains("David has it"));
    test.wait_until(|test| has_it(test, DARREN) && has_it(test, SIMON), "the others are not told who has it");
    assert_eq!(test.called().len(), 3);
    assert!(texted(&test, DAVID).is_empty());
}

#[test]
fn another_group_is_called_at_once_when_ones_own_does_not_answer() {
    let network = "[contacts.nina]\nname = \"Nina\"\nphone = \"+64211110009\"\n[contacts.ned]\nname = \"Ned\"\n\
                   phone = \"+64211110010\"\n[groups.network]\nmembers = [\"nina\", \"ned\"]\noncall = \"nina\"\n";
    let steps = r#"{ notify = "oncall" }, { notify = "group:network" }"#;
    let test = playing(steps, network).phone(DAVID, [Phone::NoAnswer]).phone("+64211110009", [Phone::NoAnswer]);
    let mut test = test.phone("+64211110010", [Phone::press(["1"])]).serve();
    open(&mut test);
    test.wait_for_state("acknowledged");
    assert_eq!(test.alerts()[0]["acknowledged_by"], "Ned");
    let mut called = test.called();
    called.sort();
    assert_eq!(called, [DAVID, "+64211110009", "+64211110010"]);
}

#[test]
fn whoever_was_called_before_is_told_who_took_it() {
    let steps = r#"{ notify = "oncall" }, { notify = "backup" }"#;
    let mut test = playing(steps, "").phone(DAVID, [Phone::NoAnswer]).phone(DARREN, [Phone::press(["1"])]).serve();
    open(&mut test);
    test.wait_for_state("acknowledged");
    test.wait_until(|test| test.texts().len() == 1, "he is not told");
    assert!(texted(&test, DAVID)[0].contains("Darren has it: db1"), "{:?}", test.texts());
}

#[test]
fn by_day_one_is_called_and_by_night_another() {
    let steps = r#"{ notify = "contact:david", only = { between = "08:00-18:00" } },
                   { notify = "contact:darren", only = { between = "18:00-08:00" } }"#;
    let keys = || [Phone::press(["1"])];
    let mut test = playing(steps, "").phone(DAVID, keys()).phone(DARREN, keys()).serve();
    open(&mut test);
    test.wait_for_calls(&[DARREN]);
    test.wait_for_state("acknowledged");
    test.advance("7h");
    let mail = test.mail("db2", "db2 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_calls(&[DARREN, DAVID]);
    test.wait_for_state("acknowledged");
}

#[test]
fn a_step_that_does_not_count_is_skipped_and_one_that_has_not_begun_waits_for_its_hours() {
    let steps = r#"{ notify = "contact:david", only = { between = "08:00-18:00" } }, { notify = "contact:darren" }"#;
    let mut test = playing(steps, "").phone(DARREN, [Phone::press(["1"])]).serve();
    open(&mut test);
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DARREN]);
    let story = test.story(1);
    assert!(story.contains("step 1 (contact:david) skipped: it counts only 08:00-18:00 UTC"), "{story}");
}

#[test]
fn where_no_step_counts_somebody_is_called_all_the_same() {
    let steps = r#"{ notify = "contact:david", only = { on = "Sat,Sun" } }"#;
    let mut test = playing(steps, "").phone(DAVID, [Phone::press(["1"])]).serve();
    open(&mut test);
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID]);
    let check = test.run(&["check", "--offline"], b"");
    assert!(check.out.contains("no step of the policy `page` counts at some hours, first on Mon"), "{}", check.out);
}

#[test]
fn what_failed_is_called_again_at_once_where_nothing_else_is_said() {
    for first in [Phone::Busy, Phone::NoAnswer, Phone::Failed, Phone::Mailbox] {
        let steps = r#"{ notify = "oncall", attempts = 2, wait = "5m" }"#;
        let mut test = playing(steps, "").phone(DAVID, [first, Phone::press(["1"])]).serve();
        open(&mut test);
        test.wait_for_state("acknowledged");
        assert_eq!(test.called(), [DAVID, DAVID]);
    }
}

#[test]
fn a_busy_line_is_called_again_after_redial() {
    for first in [Phone::Busy, Phone::NoAnswer, Phone::Failed] {
        again_after_redial(first);
    }
}

fn again_after_redial(first: Phone) {
    let steps = r#"{ notify = "oncall", attempts = 2, redial = "30s" }"#;
    let mut test = playing(steps, "").phone(DAVID, [first, Phone::press(["1"])]).serve();
    open(&mut test);
    test.wait_until(|test| test.story(1).contains("once more in 30s"), "it does not say when it calls again");
    test.let_it_turn();
    assert_eq!(test.called(), [DAVID]);
    test.advance("31s");
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DAVID]);
}

#[test]
fn who_has_it_is_asked_again_until_it_is_resolved() {
    let steps = r#"{ notify = "oncall" }, { notify = "backup" }"#;
    let mut test = playing(steps, "remind = \"4h\"").phone(DAVID, [Phone::press(["1"])]).serve();
    open(&mut test);
    test.wait_for_state("acknowledged");
    test.advance("3h 59m");
    test.let_it_turn();
    assert!(texted(&test, DAVID).is_empty());
    test.advance("1m 1s");
    test.wait_until(|test| texted(test, DAVID).len() == 1, "he is not asked again");
    assert!(texted(&test, DAVID)[0].contains("still yours? db1"), "{:?}", test.texts());
    assert_eq!(test.state(), "open");
    let _ = test.text_from(DAVID, "yes");
    test.wait_for_state("acknowledged");
    test.advance("4h 1s");
    test.wait_until(|test| texted(test, DAVID).len() == 2, "he is not asked a second time");
    let _ = test.text_from(DAVID, "done");
    test.wait_for_state("resolved");
    for _ in 0..3 {
        test.advance("5h");
        test.let_it_turn();
    }
    assert_eq!((test.called().len(), test.texts().len()), (1, 2));
}

#[test]
fn when_who_has_it_does_not_react_the_policy_is_played_anew() {
    let steps = r#"{ notify = "oncall" }, { notify = "backup" }"#;
    let david = [Phone::press(["1"]), Phone::NoAnswer, Phone::NoAnswer, Phone::NoAnswer];
    let mut test = playing(steps, "remind = \"4h\"").phone(DAVID, david).phone(DARREN, [Phone::press(["1"])]).serve();
    open(&mut test);
    test.wait_for_state("acknowledged");
    test.advance("4h 1s");
    test.wait_until(|test| texted(test, DAVID).len() == 1, "he is not asked again");
    test.advance("5m 1s");
    test.wait_for_calls(&[DAVID, DAVID]);
    test.wait_until(|test| test.story(1).contains("once more in 1m"), "no second call is announced");
    test.advance("1m 1s");
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DAVID, DAVID, DAVID, DARREN]);
    test.wait_until(|test| texted(test, DAVID).iter().any(|t| t.contains("Darren has it")), "David is not told");
}

#[test]
fn a_reminder_outlives_the_engine_and_check_tells_where_none_runs() {
    let steps = r#"{ notify = "oncall" }"#;
    let mut test = playing(steps, "remind = \"4h\"").phone(DAVID, [Phone::press(["1"])]).serve();
    let warning = "no engine is running: who took an alert by the policy `page` is not asked again after 4h";
    open(&mut test);
    test.wait_for_state("acknowledged");
    assert!(!test.run(&["check", "--offline"], b"").out.contains(warning));
    assert_eq!(test.stop_server(), Some(0));
    test.run(&["check", "--offline"], b"").exit(0).says(warning).says("start `thialfi serve-twiml`").done();
    test.advance("5h");
    test.start_server();
    test.wait_until(|test| texted(test, DAVID).len() == 1, "he is not asked again");
}

#[test]
fn machine_detection_is_asked_for_where_it_is_wanted_and_decides_nothing() {
    let steps = r#"{ notify = "oncall", attempts = 2, wait = "5m" }, { notify = "backup" }"#;
    for (wanted, mailbox) in [
        (true, "a voice mailbox answered for David"),
        (false, "was answered, but no key was pressed: perhaps a voice mailbox"),
    ] {
        // A mailbox; then David, who listens and presses nothing; then Darren.
        let test = playing(steps, "").phone(DAVID, [Phone::Mailbox, Phone::Listen]);
        let mut test =
            test.twilio(&format!("machine_detection = {wanted}")).phone(DARREN, [Phone::press(["1"])]).serve();
        open(&mut test);
        test.wait_until(|test| test.called().starts_with(&[DAVID.to_owned(), DAVID.to_owned()]), "not called again");
        assert_eq!(test.calls()[0].parameter("MachineDetection"), wanted.then_some("Enable"));
        test.wait_until(|test| test.story(1).contains(mailbox), "the mailbox is not told of");
        if wanted {
            // A human heard it: that is no acknowledgement, but gives them the time of the step.
            test.wait_until(|test| test.story(1).contains("a human was there"), "the human is not told of");
            test.let_it_turn();
            assert_eq!((test.state().as_str(), test.called().len()), ("open", 2));
            test.advance("5m 1s");
        }
        test.wait_for_state("acknowledged");
        assert_eq!(test.called(), [DAVID, DAVID, DARREN]);
        assert_eq!(test.alerts()[0]["acknowledged_by"], "Darren");
    }
}

#[test]
fn what_was_taken_can_be_given_back_and_taken_over() {
    let steps = r#"{ notify = "oncall" }, { notify = "backup" }"#;
    let mut test = playing(steps, "").phone(DAVID, [Phone::press(["1"])]).phone(DARREN, [Phone::press(["1"])]).serve();
    open(&mut test);
    test.wait_for_state("acknowledged");
    let code = code(&test);
    let answer = test.text_from(DAVID, &format!("{code} pass")).unwrap();
    assert!(answer.contains("the next one is called"), "{answer}");
    test.wait_until(|test| test.called() == [DAVID, DARREN], "the next one is not called");
    test.wait_for_state("acknowledged");
    assert_eq!(test.alerts()[0]["acknowledged_by"], "Darren");
    let answer = test.text_from(SIMON, &format!("{code} takeover")).unwrap();
    assert!(answer.contains("is yours"), "{answer}");
    let told = |test: &Test| texted(test, DARREN).iter().any(|t| t.contains("Simon has taken it over"));
    test.wait_until(told, "who had it is not told");
}

#[test]
fn nobody_answered_is_told_to_the_group_and_a_reply_takes_it() {
    let mut test = playing(r#"{ notify = "oncall" }"#, "").phone(DAVID, [Phone::NoAnswer]).serve();
    open(&mut test);
    test.wait_for_state("expired");
    test.wait_until(|test| test.texts().len() == 3, "not everybody is told");
    for number in [DAVID, DARREN, SIMON] {
        assert!(texted(&test, number)[0].contains("nobody answered: db1"), "{:?}", test.texts());
    }
    assert!(test.story(1).contains("telling Simon"), "{}", test.story(1));
    let _ = test.text_from(SIMON, &code(&test));
    test.wait_for_state("acknowledged");
}

#[test]
fn explain_tells_of_hours_redials_and_reminders() {
    let steps = r#"{ notify = "oncall", attempts = 2, redial = "30s" }, { notify = "backup", only = { between = "08:00-18:00" } }"#;
    let mut test = playing(steps, "remind = \"4h\"");
    let mail = test.mail("db1", "db1 is DOWN");
    let told = test.run(&["explain"], &mail).out;
    for words in [
        "step 1 (oncall): 30s after busy",
        "step 2 (backup) counts only 08:00-18:00 UTC",
        "4h after somebody took it, unless it is resolved: they are asked again",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert!(!told.contains("Darren"), "the backup does not count at that hour: {told}");
    let json: serde_json::Value = serde_json::from_str(&test.run(&["explain", "--json"], &mail).out).unwrap();
    assert_eq!(json["remind"], "PT4H");
}
