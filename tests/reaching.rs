//! Reaching a human: who is called, what counts as an answer, and what comes next when there is none.

use crate::support::{DARREN, DAVID, PEOPLE, Phone, SIMON, Test};

#[test]
fn key_1_acknowledges_and_nobody_is_called_again() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).says("opened alert 1").done();
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID]);
    assert_eq!(test.alerts()[0]["acknowledged_by"], "David");
    assert!(test.calls()[0].heard.join(" ").contains("Host D B 1 is down."), "{:?}", test.calls());
    for _ in 0..5 {
        test.advance("30m");
        test.let_it_turn();
    }
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn no_answer_goes_to_the_backup_at_once() {
    let mut test = Test::with_people().phone(DAVID, [Phone::NoAnswer]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DARREN]);
    assert_eq!(test.alerts()[0]["acknowledged_by"], "Darren");
}

#[test]
fn busy_and_failed_go_on_at_once_too() {
    for behaviour in [Phone::Busy, Phone::Failed] {
        let mut test = Test::with_people().phone(DAVID, [behaviour]).phone(DARREN, [Phone::press(["1"])]).serve();
        let mail = test.mail("db1", "db1 is DOWN");
        test.deliver(&mail).exit(0).done();
        test.wait_for_state("acknowledged");
        assert_eq!(test.called(), [DAVID, DARREN]);
    }
}

#[test]
fn a_mailbox_is_no_acknowledgement_and_the_next_one_is_called() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Mailbox]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DARREN]);
    assert_eq!(test.alerts()[0]["acknowledged_by"], "Darren");
}

#[test]
fn whoever_hangs_up_at_once_has_not_acknowledged() {
    let mut test = Test::with_people().phone(DAVID, [Phone::HangUp]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_calls(&[DAVID, DARREN]);
    test.wait_for_state("acknowledged");
}

#[test]
fn nobody_at_all_ends_as_expired_and_says_so() {
    let mut test = Test::with_people().phone(DAVID, [Phone::NoAnswer]).phone(DARREN, [Phone::Busy]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("expired");
    assert_eq!(test.called(), [DAVID, DARREN]);
    test.advance("2h");
    test.let_it_turn();
    assert_eq!(test.called(), [DAVID, DARREN]);
}

#[test]
fn after_a_wrong_key_a_human_is_known_to_be_there_and_gets_the_full_wait() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["7"])]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(
        |test| test.story(1).contains('7') && test.calls()[0].status == "completed",
        "key 7 is not told of",
    );
    test.let_it_turn();
    assert_eq!(test.called(), [DAVID]);
    test.advance("5m 1s");
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DARREN]);
}

#[test]
fn key_2_calls_the_next_one_now() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["2"])]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DARREN]);
    assert_eq!(test.alerts()[0]["acknowledged_by"], "Darren");
}

#[test]
fn key_3_resolves() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["3"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("resolved");
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn whoever_was_called_before_is_told_that_it_is_over() {
    let mut test = Test::with_people().phone(DAVID, [Phone::NoAnswer]).phone(DARREN, [Phone::press(["3"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("resolved");
    test.wait_until(|test| test.texts().len() == 1, "he is not told");
    let text = test.texts().remove(0);
    assert_eq!(text.to, DAVID);
    assert!(text.body.contains("over, says Darren: db1"), "{text:?}");
}

#[test]
fn star_says_it_again_and_silence_repeats_it() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["*", "", "1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    let heard = test.calls()[0].heard.join(" | ");
    assert!(heard.matches("Host D B 1 is down.").count() >= 3, "{heard}");
}

#[test]
fn silence_hears_the_text_three_times_and_then_the_next_one_is_called() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Listen]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    let heard = test.calls()[0].heard.join(" | ");
    assert_eq!(heard.matches("Host D B 1 is down.").count(), 3, "{heard}");
}

#[test]
fn an_undelivered_text_goes_on_at_once() {
    let policy = r#"
[policies.page]
steps = [
  { notify = "oncall", by = "sms", wait = "10m" },
  { notify = "backup", by = "call", wait = "5m" },
]
"#;
    let mut test = Test::new()
        .rules(&format!("{PEOPLE}{policy}{}", crate::support::DOWN))
        .phone(DAVID, [Phone::Undelivered(30003)])
        .phone(DARREN, [Phone::press(["1"])])
        .serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DARREN]);
    assert!(test.texts()[0].body.contains("db1 is down"), "{:?}", test.texts());
}

#[test]
fn a_delivered_text_waits_for_its_step_and_then_a_call_follows() {
    let policy = r#"
[policies.page]
steps = [
  { notify = "oncall", by = "sms", wait = "10m" },
  { notify = "oncall", by = "call", wait = "5m" },
]
"#;
    let mut test = Test::new()
        .rules(&format!("{PEOPLE}{policy}{}", crate::support::DOWN))
        .phone(DAVID, [Phone::Deliver, Phone::press(["1"])])
        .serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.texts().len() == 1, "no text");
    test.advance("9m");
    test.let_it_turn();
    assert!(test.called().is_empty());
    test.advance("1m 1s");
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn three_500s_and_then_the_call() {
    let mut test = Test::with_people()
        .phone(DAVID, [Phone::ServerError, Phone::ServerError, Phone::ServerError, Phone::press(["1"])])
        .serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    for _ in 0..4 {
        test.let_it_turn();
        test.advance("20s");
    }
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn accepted_and_then_dropped_rings_once() {
    std::thread::scope(|scope| {
        for behaviour in [Phone::AcceptedThenDropped, Phone::ServerErrorPlaced, Phone::Unreadable] {
            scope.spawn(move || rings_once(&behaviour));
        }
    });
}

fn rings_once(behaviour: &Phone) {
    let mut test = Test::with_people().phone(DAVID, [behaviour.clone(), Phone::Stay]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    for _ in 0..6 {
        test.let_it_turn();
        test.advance("10s");
    }
    test.let_it_turn();
    assert_eq!(test.called(), [DAVID], "{behaviour:?}: {}", test.story(1));
}

#[test]
fn dropped_before_it_was_placed_is_called_after_all() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Dropped, Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    for _ in 0..3 {
        test.let_it_turn();
        test.advance("10s");
    }
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn a_number_that_twilio_refuses_goes_on_at_once() {
    let mut test =
        Test::with_people().phone(DAVID, [Phone::Refuse(21211)]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_calls(&[DARREN]);
    test.wait_for_state("acknowledged");
    assert!(test.story(1).contains("21211"), "{}", test.story(1));
}

#[test]
fn wrong_credentials_are_shouted_and_tried_again() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Unauthorized, Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.let_it_turn();
    assert!(test.story(1).contains("CREDENTIALS"), "{}", test.story(1));
    test.advance("1m");
    test.wait_for_state("acknowledged");
}

#[test]
fn the_ringing_phone_of_another_stops_once_somebody_has_it() {
    let policy = r#"
[policies.page]
steps = [{ notify = "group", by = "call", wait = "5m" }]
"#;
    let mut test = Test::new()
        .rules(&format!("{PEOPLE}{policy}{}", crate::support::DOWN))
        .phone(DAVID, [Phone::Ring])
        .phone(DARREN, [Phone::Stay])
        .phone(SIMON, [Phone::Ring])
        .serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.calls().len() == 3, "not everybody is called");
    test.run(&["alerts", "ack", "1"], b"").exit(0).says("acknowledged").done();
    test.wait_until(
        |test| test.calls().iter().all(|call| matches!(call.status, "canceled" | "completed")),
        "phones still ring",
    );
    // Whoever was called is told, though it was taken on the command line.
    test.wait_until(|test| test.texts().len() == 3, "not everybody is told who has it");
    let mut told: Vec<String> = test.texts().into_iter().map(|text| text.to).collect();
    told.sort();
    assert_eq!(told, [DAVID, DARREN, SIMON]);
    assert!(test.texts().iter().all(|text| text.body.contains("has it: db1")), "{:?}", test.texts());
}

#[test]
fn the_same_event_told_again_joins_and_does_not_ring() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["1"])]).serve();
    for _ in 0..3 {
        let mail = test.mail("db1", "db1 is DOWN");
        test.deliver(&mail).exit(0).done();
        test.wait_for_state("acknowledged");
    }
    let mail = test.mail("db2", "db2 is DOWN");
    test.deliver(&mail).exit(0).says("opened alert 2").done();
    test.wait_for_calls(&[DAVID, DAVID]);
    assert_eq!(test.alerts()[0]["mails"], 3);
}

#[test]
fn after_the_window_an_acknowledged_event_rings_again() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    test.advance("61m");
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).says("opened alert 2").done();
    test.wait_for_calls(&[DAVID, DAVID]);
}

#[test]
fn the_window_begins_when_somebody_says_that_they_have_it() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay, Phone::Stay]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).says("opened alert 1").done();
    test.wait_for_calls(&[DAVID]);
    test.advance("90s");
    test.run(&["alerts", "ack", "1"], b"").exit(0).done();
    // More than an hour after the first mail, less than one after the acknowledgement.
    test.advance("59m");
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).says("alert 1").done();
    test.advance("90s");
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).says("opened alert 2").done();
}

#[test]
fn a_recovery_resolves_and_stops_the_escalation() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["9"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_calls(&[DAVID]);
    let mail = test.mail("db1", "db1 is UP");
    test.deliver(&mail).exit(0).says("resolved").done();
    test.advance("10m");
    test.let_it_turn();
    assert_eq!(test.called(), [DAVID]);
    assert_eq!(test.state(), "resolved");
}

#[test]
fn an_engine_killed_in_the_middle_goes_on_where_it_was() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["9"])]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.calls().iter().any(|call| call.status == "completed"), "no call");
    test.kill_server();
    test.advance("6m");
    test.start_server();
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DARREN]);
}

#[test]
fn sigterm_ends_the_server_cleanly() {
    let mut test = Test::with_people().serve();
    assert_eq!(test.stop_server(), Some(0));
    // And deliver knows it: nobody follows up any more.
    let mut test = test.phone(DAVID, [Phone::NoAnswer]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("no engine").done();
}
