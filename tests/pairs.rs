//! Mails that end or take what other mails began.

use crate::support::{DARREN, DAVID, PAGE, PEOPLE, Phone, SIMON, Test, example, mail};

/// Rules as one would write them for monitoring, by the words of each program.
const MONITORING: &str = r#"
[[rules]]
name = "nagios"
when = [
  { subject = '^\*\* (PROBLEM|RECOVERY|ACKNOWLEDGEMENT) (Service|Host) Alert: (?<what>.+) is \w+' },
  { text = '^Notification Type: PROBLEM$' },
]
action = "page"
group = "systems"
key = "nagios {{ what }}"

[[rules]]
name = "nagios-over"
when = [ { subject = '^\*\* RECOVERY (Service|Host) Alert: (?<what>.+) is \w+' } ]
action = "resolve"
group = "systems"
key = "nagios {{ what }}"

[[rules]]
name = "nagios-taken"
when = [ { subject = '^\*\* ACKNOWLEDGEMENT (Service|Host) Alert: (?<what>.+) is \w+' } ]
action = "acknowledge"
group = "systems"
key = "nagios {{ what }}"

[[rules]]
name = "icinga"
when = [ { subject = '^\[PROBLEM\] (?<what>.+) is (DOWN|CRITICAL)' } ]
action = "page"
group = "systems"
key = "icinga {{ what }}"

[[rules]]
name = "icinga-over"
when = [ { subject = '^\[RECOVERY\] (?<what>.+) is (UP|OK)' } ]
action = "resolve"
group = "systems"
key = "icinga {{ what }}"

[[rules]]
name = "zabbix"
when = [ { subject = '^Problem: ' }, { text = '^Original problem ID: (?<id>\d+)' } ]
action = "page"
group = "systems"
key = "zabbix {{ id }}"

[[rules]]
name = "zabbix-over"
when = [ { subject = '^Resolved in ' }, { text = '^Original problem ID: (?<id>\d+)' } ]
action = "resolve"
group = "systems"
key = "zabbix {{ id }}"

[[rules]]
name = "prometheus"
when = [ { subject = '^\[FIRING:\d+\] (?<what>.+)' } ]
action = "page"
group = "systems"
key = "prometheus {{ what }}"

[[rules]]
name = "prometheus-over"
when = [ { subject = '^\[RESOLVED\] (?<what>.+)' } ]
action = "resolve"
group = "systems"
key = "prometheus {{ what }}"

[[rules]]
name = "ups"
when = [ { text = '^UPS (?<ups>\S+) on battery' } ]
action = "page"
group = "systems"
key = "ups {{ ups }}"

[[rules]]
name = "ups-over"
when = [ { text = '^UPS (?<ups>\S+) on line power' } ]
action = "resolve"
group = "systems"
key = "ups {{ ups }}"
"#;

fn monitored() -> Test {
    Test::new().rules(&format!("{PEOPLE}{PAGE}{MONITORING}"))
}

/// Mails are written when they come.
fn down(test: &mut Test) -> Vec<u8> {
    test.mail("db1", "db1 is DOWN")
}

fn up(test: &mut Test) -> Vec<u8> {
    test.mail("db1", "db1 is UP")
}

fn news(test: &Test) -> Vec<(String, String)> {
    test.texts().into_iter().map(|text| (text.to, text.body)).collect()
}

#[test]
fn what_each_program_begins_it_ends() {
    let pairs = [
        (
            "** PROBLEM Host Alert: db1 is DOWN **",
            "Notification Type: PROBLEM",
            "** RECOVERY Host Alert: db1 is UP **",
            "",
        ),
        ("[PROBLEM] Ping on db1 is CRITICAL!", "", "[RECOVERY] Ping on db1 is OK!", ""),
        ("Problem: CPU", "Original problem ID: 77", "Resolved in 5m 3s: CPU", "Original problem ID: 77"),
        ("[FIRING:1] InstanceDown (db1 node)", "", "[RESOLVED] InstanceDown (db1 node)", ""),
        ("UPS", "UPS ups1@dc on battery", "UPS", "UPS ups1@dc on line power"),
    ];
    let mut test = monitored().phone(DAVID, std::iter::repeat_n(Phone::Stay, 5)).serve();
    for ((begun, begun_text, over, over_text), id) in pairs.into_iter().zip(1..) {
        let mail = test.mail(begun, begun_text);
        test.deliver(&mail).exit(0).says(&format!("opened alert {id} ")).done();
        test.wait_until(|test| test.calls().len() == id, "nobody is called");
        let mail = test.mail(over, over_text);
        test.deliver(&mail).exit(0).says(&format!("alert {id} ")).says("is resolved").done();
        test.wait_until(|test| news(test).len() == id, "nobody is told");
    }
    assert!(test.alerts().iter().all(|alert| alert["state"] == "resolved"));
    test.wait_until(
        |test| test.calls().iter().all(|call| matches!(call.status, "completed" | "canceled")),
        "calls go on",
    );
}

#[test]
fn the_example_mails_of_nagios_are_a_pair() {
    let test = monitored().phone(DAVID, [Phone::Stay]).serve();
    test.deliver(&example("nagios-problem.eml")).exit(0).says("opened alert 1").done();
    test.wait_for_calls(&[DAVID]);
    test.deliver(&example("nagios-recovery.eml")).exit(0).says("is resolved").done();
}

#[test]
fn the_acknowledgement_of_monitoring_takes_the_alert() {
    let mut test = monitored().phone(DAVID, [Phone::Stay]).serve();
    let mail = test.mail("** PROBLEM Host Alert: db1 is DOWN **", "Notification Type: PROBLEM");
    test.deliver(&mail).exit(0).done();
    test.wait_for_calls(&[DAVID]);
    let taken = test.mail("** ACKNOWLEDGEMENT Host Alert: db1 is DOWN **", "");
    test.deliver(&taken).exit(0).says("is acknowledged").done();
    assert_eq!(test.alerts()[0]["acknowledged_by"], "rule nagios-taken");
    test.advance("6m");
    test.let_it_turn();
    assert_eq!(test.called(), [DAVID], "the backup is left alone");
    test.deliver(&taken).exit(0).says("the same mail again").done();
    let over = test.mail("** RECOVERY Host Alert: db1 is UP **", "");
    test.deliver(&over).exit(0).says("is resolved").done();
    test.deliver(&taken).exit(0).says("the same mail again").done();
    assert_eq!(test.state(), "resolved");
}

#[test]
fn what_is_over_before_anybody_was_called_calls_nobody() {
    // Twilio takes nothing for the moment.
    let mut test = Test::with_people().phone(DAVID, [Phone::RateLimited(60), Phone::Listen]).serve();
    let mail = down(&mut test);
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.story(1).contains("next try in"), "not refused");
    let mail = up(&mut test);
    test.deliver(&mail).exit(0).says("is resolved").done();
    assert!(test.story(1).contains("before anybody was notified"), "{}", test.story(1));
    for _ in 0..3 {
        test.advance("2m");
        test.let_it_turn();
    }
    assert!(test.called().is_empty() && news(&test).is_empty(), "{}", test.story(1));
}

#[test]
fn who_was_told_of_it_is_told_that_it_is_over() {
    let mut test = Test::with_people().phone(DAVID, [Phone::NoAnswer]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = down(&mut test);
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    test.wait_until(|test| news(test).len() == 1, "David is not told who has it");
    let mail = up(&mut test);
    test.deliver(&mail).exit(0).says("is resolved").done();
    test.wait_until(|test| news(test).len() == 3, "not both are told");
    let told = news(&test);
    assert!(told[0].0 == DAVID && told[0].1.contains("Darren has it"), "{told:?}");
    for (number, body) in &told[1..] {
        assert!([DAVID, DARREN].contains(&number.as_str()) && body.contains("over, says rule up: db1"), "{told:?}");
    }
}

#[test]
fn without_an_engine_the_end_is_told_by_who_delivers_it() {
    let mut test = Test::with_people().without_webhooks().phone(DAVID, [Phone::Stay]);
    let begun = down(&mut test);
    test.deliver(&begun).exit(75).done();
    test.wait_for_calls(&[DAVID]);
    // Twilio takes the text only at the second try: the mail server's queue makes it.
    let mut test = test.phone(DAVID, [Phone::RateLimited(300), Phone::Deliver]);
    let over = up(&mut test);
    test.deliver(&over).exit(75).says("is resolved").says("not everybody has been told").done();
    assert!(news(&test).is_empty());
    test.advance("6m");
    test.deliver(&over).exit(0).says("the same mail again").done();
    assert_eq!(news(&test).len(), 1, "{}", test.story(1));
    test.deliver(&over).exit(0).done();
    test.deliver(&begun).exit(0).done();
    assert_eq!((news(&test).len(), test.called().len()), (1, 1));
}

#[test]
fn a_problem_after_its_end_rings_again_within_the_window() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["1"]), Phone::press(["1"])]).serve();
    for number in 1..=2 {
        let mail = down(&mut test);
        test.deliver(&mail).exit(0).says(&format!("opened alert {number}")).done();
        test.wait_for_state("acknowledged");
        let mail = up(&mut test);
        test.deliver(&mail).exit(0).says("is resolved").done();
    }
    assert_eq!(test.called(), [DAVID, DAVID]);
}

#[test]
fn an_end_that_comes_twice_or_first_changes_nothing() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay, Phone::Stay]).serve();
    let early = up(&mut test);
    test.deliver(&early).exit(0).says("no open alert has the key `host db1`").done();
    let mail = down(&mut test);
    test.deliver(&mail).exit(0).says("opened alert 1").done();
    // Delivered again, the end that came first must not end what has begun since.
    test.deliver(&early).exit(0).says("the same mail again").done();
    test.wait_for_calls(&[DAVID]);
    assert_eq!(test.state(), "open");
    let over = up(&mut test);
    test.deliver(&over).exit(0).says("is resolved").done();
    let twice = up(&mut test);
    test.deliver(&twice).exit(0).says("no open alert").done();
    let mail = down(&mut test);
    test.deliver(&mail).exit(0).says("opened alert 2").done();
    for again in [&over, &twice, &early] {
        test.deliver(again).exit(0).says("the same mail again").done();
    }
    test.wait_for_calls(&[DAVID, DAVID]);
    assert_eq!(test.state(), "open");
}

#[test]
fn an_end_that_waited_in_a_queue_ends_nothing_newer() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]).serve();
    let written = |id: &str, minute: u32, text: &str| {
        let mail = String::from_utf8(mail(id, "db1", text)).unwrap();
        mail.replace("02:00:00 +0000", &format!("02:{minute:02}:00 +0000")).into_bytes()
    };
    test.deliver(&written("<p2@x>", 10, "db1 is DOWN")).exit(0).says("opened alert 1").done();
    test.deliver(&written("<r1@x>", 5, "db1 is UP")).exit(0).says("written later").done();
    test.wait_for_calls(&[DAVID]);
    assert_eq!(test.state(), "open");
    test.deliver(&written("<r2@x>", 15, "db1 is UP")).exit(0).says("is resolved").done();
    test.advance("1m");
}

#[test]
fn what_was_acknowledged_or_expired_can_end() {
    let mut test = Test::with_people()
        .phone(DAVID, [Phone::press(["1"]), Phone::NoAnswer])
        .phone(DARREN, [Phone::NoAnswer])
        .serve();
    let mail = down(&mut test);
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    // After the window it is news again; this time nobody takes it.
    test.advance("61m");
    let mail = down(&mut test);
    test.deliver(&mail).exit(0).says("opened alert 2").done();
    test.wait_for_calls(&[DAVID, DAVID, DARREN]);
    test.wait_for_state("expired");
    let mail = up(&mut test);
    test.deliver(&mail).exit(0).says("alert 2 ").says("alert 1 ").done();
    assert!(test.alerts().iter().all(|alert| alert["state"] == "resolved"), "{:?}", test.alerts());
    // Both are over, and each person hears of it once: Simon, too, who was told that nobody answered.
    let over = |test: &Test| news(test).into_iter().filter(|(_, body)| body.contains("over, says")).collect::<Vec<_>>();
    test.wait_until(|test| over(test).len() == 3, "not all are told");
    test.advance("1m");
    test.let_it_turn();
    let mut told: Vec<String> = over(&test).into_iter().map(|(number, _)| number).collect();
    told.sort();
    assert_eq!(told, [DAVID, DARREN, SIMON]);
}

const BOTH: &str = r#"
[[rules]]
name = "zabbix"
when = [ { subject = '^(Problem|Resolved)' } ]
action = "page"
group = "systems"
"#;

#[test]
fn a_rule_that_calls_for_both_swallows_no_problem() {
    let mut test = Test::new()
        .rules(&format!("{PEOPLE}{PAGE}{BOTH}"))
        .phone(DAVID, std::iter::repeat_n(Phone::press(["1"]), 4))
        .serve();
    for (subject, expected) in [
        ("Resolved in 5m: CPU of db1", "opened alert 1"),
        ("Problem: CPU of db1", "opened alert 2"),
        ("Problem: CPU of db1", "joined alert 2"),
        ("Resolved in 9m: CPU of db1", "joined alert 1"),
        // It was over in between: so it is news.
        ("Problem: CPU of db1", "opened alert 3"),
    ] {
        let mail = test.mail(subject, "x");
        test.deliver(&mail).exit(0).says(expected).done();
        test.wait_for_state("acknowledged");
    }
    assert_eq!(test.called(), [DAVID, DAVID, DAVID]);
}

#[test]
fn one_mail_to_two_recipients_in_two_processes_is_one_alert_and_so_is_the_next() {
    let rules = r#"
[recipients]
"ann@sms.example.com" = "systems"
"bob@sms.example.com" = "systems"
[[rules]]
name = "disk"
when = [ { subject = 'disk' } ]
action = "page"
"#;
    let mut test = Test::new().rules(&format!("{PEOPLE}{PAGE}{rules}")).phone(DAVID, [Phone::Stay]).serve();
    let first = test.mail("disk full", "x");
    test.deliver_to(&["ann@sms.example.com"], &first).exit(0).says("opened alert 1").done();
    test.deliver_to(&["bob@sms.example.com"], &first).exit(0).says("the same mail").done();
    let second = test.mail("disk full", "x");
    test.deliver_to(&["bob@sms.example.com"], &second).exit(0).says("joined alert 1").done();
    test.deliver_to(&["ann@sms.example.com"], &second).exit(0).says("the same mail").done();
    // In one process, for both at once.
    let third = test.mail("disk full", "x");
    test.deliver_to(&["bob@sms.example.com", "ann@sms.example.com"], &third).exit(0).says("joined alert 1").done();
    assert_eq!(test.alerts().len(), 1);
    assert_eq!(test.alerts()[0]["mails"], 3);
    test.wait_for_calls(&[DAVID]);
}
