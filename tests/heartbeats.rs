//! Mails that must come.

use crate::support::{DARREN, DAVID, PAGE, PEOPLE, Phone, Test, mail};

/// A backup that must come each day, an hour's grace.
const DAILY: &str = r#"
[recipients]
"oncall@example.com" = "systems"

[[heartbeats]]
name  = "backup"
when  = [{ text = '^backup of \w+ is complete' }]
every = "1 day"
grace = "1h"
group = "systems"
"#;

/// The test begins on Monday, 2 November 2026, at 15:00 in Auckland.
const AT: &str = r#"
[[heartbeats]]
name      = "backup"
when      = [{ subject = '^backup$' }]
at        = "Mon-Fri 06:00"
time_zone = "Pacific/Auckland"
grace     = "30m"
group     = "systems"
"#;

fn rules(heartbeats: &str) -> String {
    format!("{PEOPLE}{PAGE}{heartbeats}")
}

fn backup(test: &mut Test) -> Vec<u8> {
    undated(test.mail("Backup", "backup of db1 is complete"))
}

/// A mail that says nothing of when it was sent came now.
fn undated(mail: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(mail).unwrap();
    text.replace("Date: Mon, 2 Nov 2026 02:00:00 +0000\r\n", "").into_bytes()
}

fn listed(test: &Test) -> serde_json::Value {
    test.run(&["heartbeats", "--json"], b"").exit(0).json()[0].clone()
}

#[test]
fn a_mail_that_does_not_come_pages_its_group_and_the_next_one_ends_that() {
    let mut test = Test::new().rules(&rules(DAILY)).phone(DAVID, [Phone::Press(vec!["1".to_owned()])]).serve();
    let mail = backup(&mut test);
    let ran = test.deliver_to(&["oncall@example.com"], &mail).exit(0);
    assert!(ran.out.contains("heartbeat backup"), "{}", ran.out);
    assert!(test.called().is_empty(), "it does not page as unmatched");
    test.advance("24h 59m");
    test.let_it_turn();
    assert!(test.called().is_empty());
    test.advance("1m");
    test.wait_for_calls(&[DAVID]);
    test.wait_for_state("acknowledged");
    let alert = test.alerts()[0].clone();
    assert_eq!(
        alert["subject"],
        "The mail \"backup\" was due at 02:00 and has not come; the last came yesterday at 02:00"
    );
    assert_eq!(
        (&alert["rule"], &alert["key"], &alert["group"]),
        (&"heartbeat backup".into(), &"heartbeat backup".into(), &"systems".into())
    );
    assert!(test.calls()[0].heard.join(" ").contains("The mail backup was due at"), "{:?}", test.calls()[0].heard);
    assert_eq!(listed(&test)["state"], "late");
    test.let_it_turn();
    assert_eq!(test.alerts().len(), 1, "told once");
    let mail = backup(&mut test);
    let _ = test.deliver_to(&["oncall@example.com"], &mail).exit(0);
    test.wait_for_state("resolved");
    test.wait_until(
        |test| test.texts().iter().any(|text| text.to == DAVID && text.body.contains("over")),
        "David is not told",
    );
    assert_eq!(listed(&test)["state"], "on-time");
}

#[test]
fn a_mail_is_due_at_a_local_time() {
    let mut test = Test::new().rules(&rules(AT)).serve();
    test.wait_until(|test| listed(test)["state"] == "waiting", "nobody waits for it");
    assert_eq!(listed(&test)["due"], "2026-11-02T17:00:00Z");
    test.advance("14h 58m");
    let mail = undated(test.mail("backup", "x"));
    let _ = test.deliver(&mail).exit(0);
    assert_eq!(listed(&test)["due"], "2026-11-03T17:00:00Z", "two minutes early is that one");
    test.advance("24h 31m");
    test.let_it_turn();
    assert!(test.called().is_empty(), "half an hour of grace");
    test.advance("1m");
    test.wait_for_calls(&[DAVID]);
    let story = test.story(1);
    assert!(story.contains("was due at 06:00 and has not come; the last came yesterday at 05:58"), "{story}");
}

#[test]
fn a_mail_that_never_came_counts_from_when_its_entry_was_first_seen() {
    let mut test = Test::new().rules(&rules(DAILY)).serve();
    test.wait_until(|test| !listed(test)["since"].is_null(), "nobody waits for it");
    test.advance("24h");
    test.let_it_turn();
    assert!(test.called().is_empty());
    test.advance("1h");
    test.wait_for_calls(&[DAVID]);
    assert!(
        test.story(1).contains("none has come since yesterday at 02:00, when it was first expected"),
        "{}",
        test.story(1)
    );
}

#[test]
fn a_heartbeat_that_a_rule_wants_does_both() {
    let rule = "[[rules]]\nname = \"bad\"\nwhen = [{ text = 'with errors' }]\naction = \"call\"\ngroup = \"systems\"\n";
    let mut test = Test::new().rules(&rules(&format!("{DAILY}{rule}"))).serve();
    let mail = test.mail("Backup", "backup of db1 is complete, with errors");
    let ran = test.deliver_to(&["oncall@example.com"], &mail).exit(0);
    assert!(ran.out.contains("heartbeat backup") && ran.out.contains("rule bad"), "{}", ran.out);
    test.wait_for_calls(&[DAVID]);
    assert!(!listed(&test)["last"].is_null());
}

#[test]
fn quoted_history_is_no_heartbeat() {
    let mut test = Test::new().rules(&rules(DAILY)).serve();
    let mail = test.mail("Re: Backup", "thanks!\n\nOn Monday, Cron wrote:\n> backup of db1 is complete");
    let _ = test.deliver(&mail).exit(0);
    assert!(listed(&test)["last"].is_null());
}

#[test]
fn what_cannot_be_recorded_stays_with_the_mail_server() {
    let mut test = Test::new();
    let nowhere = test.path("missing").join("thialfi.db");
    test = test.rules_with_store(&nowhere, &rules(DAILY));
    let mail = backup(&mut test);
    let ran = test.deliver_to(&["oncall@example.com"], &mail).exit(75);
    assert!(ran.out.contains("the heartbeat could not be recorded"), "{}", ran.out);
}

#[test]
fn a_mail_that_waited_in_a_queue_is_that_of_its_time() {
    let mut test = Test::new().rules(&rules(AT)).serve();
    test.wait_until(|test| !listed(test)["since"].is_null(), "nobody waits for it");
    test.advance("15h 30m");
    test.wait_for_calls(&[DAVID]);
    // Tuesday's mail comes an hour before Wednesday's is due: it ends Tuesday's alert, and is not Wednesday's.
    test.advance("22h 30m");
    let mail = b"Received: by mx.example.com; Tue, 3 Nov 2026 05:59:00 +1300\r\nSubject: backup\r\nMessage-ID: <q@x>\r\n\r\nx\r\n";
    let _ = test.deliver(mail).exit(0);
    test.wait_for_state("resolved");
    test.advance("2h");
    test.wait_until(|test| test.alerts().len() == 2, "Wednesday's is not missed");
    assert!(
        test.story(2).contains("was due at 06:00 and has not come; the last came yesterday at 05:59"),
        "{}",
        test.story(2)
    );
}

#[test]
fn the_same_mail_again_is_no_new_one() {
    let mut test = Test::new().rules(&rules(DAILY)).serve();
    let mail = backup(&mut test);
    let _ = test.deliver(&mail).exit(0);
    test.advance("20h");
    let _ = test.deliver(&mail).exit(0);
    assert_eq!(listed(&test)["last"], "2026-11-02T02:00:00Z");
    test.advance("5h");
    test.wait_for_calls(&[DAVID]);
}

#[test]
fn what_was_taken_out_of_the_rule_file_or_renamed_alarms_nobody() {
    let mut test = Test::new().rules(&rules(DAILY)).serve();
    let mail = backup(&mut test);
    let _ = test.deliver(&mail).exit(0);
    test = test.rules(&rules(&DAILY.replace("\"backup\"", "\"nightly\"")));
    test.wait_until(
        |test| listed(test)["name"] == "nightly" && !listed(test)["since"].is_null(),
        "the new name is unknown",
    );
    test.advance("24h 30m");
    test.let_it_turn();
    assert!(test.called().is_empty());
    test = test.rules(&rules(""));
    std::thread::sleep(std::time::Duration::from_millis(1500));
    test.advance("100h");
    test.let_it_turn();
    assert!(test.called().is_empty());
}

#[test]
fn a_clock_that_jumps_hides_no_lateness() {
    let mut test = Test::new().rules(&rules(DAILY)).serve();
    test.advance("8760h");
    let mail = backup(&mut test);
    let _ = test.deliver(&mail).exit(0);
    test.wait_until(|test| test.alerts().iter().all(|alert| alert["state"] == "resolved"), "not resolved");
    let calls = test.calls().len();
    test.advance("-8760h");
    test.wait_until(|test| listed(test)["last"].as_str().is_some_and(|at| at < "2026-12"), "the time is not mended");
    test.advance("25h");
    test.wait_until(|test| test.calls().len() > calls, "nobody is called");
}

#[test]
fn what_stays_away_is_told_again_the_next_day() {
    let policy = "[policies.page]\nrepeat = 0\nsteps = [{ notify = \"oncall\", by = \"call\", wait = \"5m\" }]\n";
    let mut test = Test::new()
        .rules(&format!("{PEOPLE}{policy}{DAILY}"))
        .phone(DAVID, [Phone::Press(vec!["1".to_owned()])])
        .serve();
    test.wait_until(|test| !listed(test)["since"].is_null(), "nobody waits for it");
    test.advance("25h");
    test.wait_for_state("acknowledged");
    test.advance("23h");
    test.let_it_turn();
    assert_eq!(test.alerts().len(), 1);
    test.advance("1h");
    test.wait_until(|test| test.alerts().len() == 2, "not told again");
    let mail = backup(&mut test);
    let _ = test.deliver(&mail).exit(0);
    test.wait_until(|test| test.alerts().iter().all(|alert| alert["state"] == "resolved"), "not both are over");
}

#[test]
fn without_an_engine_the_next_mail_notices_and_its_redelivery_follows_up() {
    let patient = rules(DAILY).replace("repeat = 0", "repeat = 9").replace("\"oncall@example.com\" = \"systems\"", "");
    let mut test = Test::new().rules(&patient).without_webhooks();
    let other = test.mail("lunch", "shall we?");
    let _ = test.deliver(&other).exit(0);
    assert!(!listed(&test)["since"].is_null(), "the first mail that passes by begins to wait");
    test.advance("25h");
    let passing = test.mail("dinner", "shall we?");
    let ran = test.deliver(&passing).exit(75);
    assert!(ran.out.contains("no rule wants it") && ran.out.contains("heartbeat backup"), "{}", ran.out);
    assert_eq!(test.called(), [DAVID]);
    // Another mail passes by, and is not kept for it.
    let another = test.mail("tea", "shall we?");
    let _ = test.deliver(&another).exit(0);
    test.advance("6m");
    let _ = test.deliver(&passing).exit(75);
    assert!(test.called().contains(&DARREN.to_owned()), "{:?}", test.called());
    let mail = backup(&mut test);
    let _ = test.deliver(&mail).exit(0);
    assert_eq!(test.state(), "resolved");
    assert!(test.texts().iter().any(|text| text.to == DAVID && text.body.contains("over")));
    let _ = test.deliver(&passing).exit(0);
    assert_eq!(test.alerts().len(), 1);
}

#[test]
fn explain_tells_that_a_mail_is_a_heartbeat() {
    let test = Test::new().rules(&rules(DAILY));
    let mail = mail("<1@x>", "Backup", "backup of db1 is complete");
    let page = test.run(&["explain", "oncall@example.com"], &mail).exit(0).out;
    assert!(page.contains("It is the heartbeat `backup`, which must come: every 24h."), "{page}");
    assert!(page.contains("Nobody would be called."), "{page}");
    let json = test.run(&["explain", "--json", "oncall@example.com"], &mail).exit(0).json();
    assert_eq!(json["heartbeats"][0], "backup");
    assert!(json["action"].is_null());
}

#[test]
fn heartbeats_are_listed() {
    let test = Test::new().rules(&rules(&format!("{DAILY}{}", AT.replace("\"backup\"", "\"weekdays\""))));
    let list = test.run(&["heartbeats"], b"").exit(0).out;
    assert!(list.starts_with("NAME"), "{list}");
    assert!(list.contains("backup") && list.contains("every 24h") && list.contains("Mon-Fri 06:00"), "{list}");
    let json = test.run(&["heartbeats", "--json"], b"").exit(0).json();
    assert_eq!((&json[0]["state"], &json[1]["at"]), (&"waiting".into(), &"Mon-Fri 06:00".into()));
    assert!(json[1]["every"].is_null() && json[0]["due"].is_null());
    let none = Test::with_people().run(&["heartbeats"], b"").exit(0).out;
    assert!(none.contains("no [[heartbeats]]"), "{none}");
}

#[test]
fn check_warns_of_heartbeats_that_cannot_be_meant() {
    let check = |heartbeats: &str| Test::new().rules(&rules(heartbeats)).run(&["check", "--offline"], b"").out;
    assert!(check(&DAILY.replace("grace = \"1h\"\n", "")).contains("a second later than the one before"));
    assert!(check(&DAILY.replace("\"1h\"", "\"2 days\"")).contains("is missed only when it is due a second time"));
    assert!(
        check(&DAILY.replace("every =", "at = \"06:00\"\nevery =")).contains("`every` and `at` stand side by side")
    );
    assert!(check(&DAILY.replace("\"1 day\"", "\"1 dya\"")).contains("error"));
    assert!(check(&AT.replace("Fri 06", "Fry 06")).contains("`Fry` is not a day of the week"));
    assert!(check(DAILY).contains("noticed only when another mail comes"), "no engine has ever run: {}", check(DAILY));
    let served = Test::new().rules(&rules(DAILY)).serve();
    let out = served.run(&["check", "--offline"], b"").exit(0).out;
    assert!(!out.contains("noticed only"), "{out}");
}

/// The same as `AT`, as crontab writes it.
fn cron() -> String {
    AT.replace("at        = \"Mon-Fri 06:00\"", "cron      = \"0 6 * * 1-5\"")
}

#[test]
fn a_mail_is_due_as_crontab_says() {
    let mut test = Test::new().rules(&rules(&cron())).phone(DAVID, [Phone::press(["1"])]).serve();
    test.wait_until(|test| listed(test)["due"] == "2026-11-02T17:00:00Z", "not due on Tuesday at 06:00");
    assert_eq!((&listed(&test)["cron"], &listed(&test)["at"]), (&"0 6 * * 1-5".into(), &serde_json::Value::Null));
    test.run(&["heartbeats"], b"").exit(0).says("cron 0 6 * * 1-5").says("tomorrow at 06:00").done();
    test.advance("15h 29m");
    test.let_it_turn();
    assert!(test.called().is_empty(), "half an hour's grace");
    test.advance("1m");
    test.wait_for_calls(&[DAVID]);
    let story = test.story(1);
    assert!(story.contains("opened by heartbeat backup: The mail \"backup\" was due at 06:00"), "{story}");
    assert!(!story.contains("rule heartbeat"), "{story}");
    let mail = undated(test.mail("backup", "done"));
    let _ = test.deliver(&mail).exit(0);
    test.wait_for_state("resolved");
    test.run(&["explain"], &mail).exit(0).says("which must come: cron 0 6 * * 1-5").done();
}

#[test]
fn what_crontab_says_keeps_its_hour_when_the_clocks_change() {
    let vienna = cron().replace("0 6 * * 1-5", "30 2 * * *").replace("Pacific/Auckland", "Europe/Vienna");
    let mut test = Test::new().rules(&rules(&vienna)).phone(DAVID, [Phone::Stay]).serve();
    // 28 March 2027: 02:00 CET becomes 03:00 CEST, and there is no 02:30. 31 October 2027: there are two.
    for (wait, due) in [("3479h 31m", "2027-03-28T01:30:00Z"), ("5184h", "2027-10-30T00:30:00Z")] {
        test.advance(wait);
        let mail = undated(test.mail("backup", "done"));
        let _ = test.deliver(&mail);
        test.wait_until(|test| listed(test)["due"] == due, "another time");
    }
    test.advance("24h");
    let mail = undated(test.mail("backup", "done"));
    let _ = test.deliver(&mail);
    test.wait_until(|test| listed(test)["due"] == "2027-10-31T00:30:00Z", "the first of both");
    test.advance("24h");
    let mail = undated(test.mail("backup", "done"));
    let _ = test.deliver(&mail);
    test.wait_until(|test| listed(test)["due"] == "2027-11-01T01:30:00Z", "not the second");
}

#[test]
fn check_says_what_is_wrong_with_a_line_of_crontab() {
    let check = |line: &str| {
        let test = Test::new().rules(&rules(&cron().replace("0 6 * * 1-5", line)));
        test.run(&["check", "--offline"], b"")
    };
    check("0 6 * * 1-5").exit(0).done();
    check("0 6 * *").exit(1).says("has 4 fields, where crontab has 5").done();
    check("0 25 * * *").exit(1).says("`25` is no hour").done();
    check("0 0 30 2 *").exit(1).says("there is no day on which").done();
    check("@reboot").exit(1).says("@daily").done();
    check("* 6 * * *").exit(0).says("each minute of those hours").done();
    let both = cron().replace("grace ", "every = \"1 day\"\ngrace ");
    let test = Test::new().rules(&rules(&both));
    test.run(&["check", "--offline"], b"").exit(1).says("`every` and `cron` stand side by side").done();
}

#[test]
fn the_alert_of_an_entry_that_was_taken_out_ends_and_those_who_were_called_are_told() {
    let mut test = Test::new().rules(&rules(DAILY)).phone(DAVID, [Phone::press(["1"])]).serve();
    test.wait_until(|test| listed(test)["since"].is_string(), "nobody waits for it");
    test.advance("26h");
    test.wait_for_state("acknowledged");
    // Another delivery, by a rule file without it, ends nothing.
    let other = test.path("other.toml");
    let text = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    let without = text.split("[[heartbeats]]").next().unwrap();
    std::fs::write(&other, format!("{without}[defaults]\nunmatched = \"ignore\"\n")).unwrap();
    let mail = test.mail("hello", "hello");
    test.run(&["--config", other.to_str().unwrap(), "deliver"], &mail).exit(0).done();
    test.let_it_turn();
    assert_eq!(test.state(), "acknowledged");
    let before = test.texts().len();
    let mut test = test.rules(&rules(""));
    test.wait_for_state("resolved");
    let story = test.story(1);
    assert!(story.contains("resolved by heartbeat backup (taken out of the rule file)"), "{story}");
    test.wait_until(|test| test.texts().len() == before + 1, "David is not told");
    test.advance("48h");
    test.let_it_turn();
    assert_eq!(test.alerts().len(), 1);
}

#[test]
fn an_engine_that_starts_ends_the_alert_of_an_entry_that_is_gone() {
    let mut test = Test::new().rules(&rules(DAILY)).phone(DAVID, [Phone::press(["1"])]).serve();
    test.wait_until(|test| listed(test)["since"].is_string(), "nobody waits for it");
    test.advance("26h");
    test.wait_for_state("acknowledged");
    test.stop_server();
    let test = test.rules(&rules("")).serve();
    test.wait_for_state("resolved");
}
