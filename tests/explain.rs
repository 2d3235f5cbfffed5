//! `explain`: the page, the JSON, and what it knows of the store without touching it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{DARREN, PAGE, PEOPLE, Phone, Test, mail};

/// Size and time of every file beside the store, so that any trace shows.
fn traces(test: &Test) -> Vec<(String, u64, std::time::SystemTime)> {
    let directory = test.path("thialfi.db").parent().map(Path::to_owned).unwrap();
    let mut found: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            (entry.file_name().into_string().unwrap(), metadata.len(), metadata.modified().unwrap())
        })
        .filter(|(name, _, _)| name.starts_with("thialfi.db"))
        .collect();
    found.sort();
    found
}

#[test]
fn the_first_line_says_who_is_called_and_the_second_why() {
    let mut test = Test::with_people();
    let mail = test.mail("db1", "db1 is DOWN");
    let ran = test.run(&["explain", "--at", "2026-11-02T03:00:00Z"], &mail).exit(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with(" CALL    David at once; if nobody acknowledges, call Darren at "), "{ran:?}");
    assert!(lines[1].contains("because of the rule `down`; the group is Systems"), "{ran:?}");
    assert!(lines.iter().all(|line| line.trim_end() == *line), "white space at the end of a line: {ran:?}");
}

#[test]
fn every_rule_tells_where_it_looked_and_how_far_it_came() {
    let mut test = Test::with_people().rules(&format!(
        "{PEOPLE}{PAGE}\n[[rules]]\nname = \"full\"\nwhen = [{{ text = '^disk (?<disk>/\\w+) is full$' }}]\naction = \"call\"\n\
         [[rules]]\nname = \"other\"\nwhen = [{{ header = \"X-Host\", matches = 'db' }}, {{ subject = 'alert' }}]\naction = \"sms\"\n\
         [[rules]]\nname = \"rest\"\nwhen = []\naction = \"ignore\"\n"
    ));
    let mail = test.mail("an alert", "Hello\nDisk /var is nearly full");
    let ran = test.run(&["explain"], &mail).exit(0);
    let ran = ran.says("no line matches; nearest: «Disk /var is »nearly full, not followed by `full$`");
    let ran = ran.says("there is no header X-Host").says("an «alert»").says("no conditions: every mail");
    let ran = ran.says("Nobody would be called. The rule `rest` says `ignore`.");
    assert!(!ran.out.contains("not asked"), "nothing comes after the last rule: {ran:?}");
}

#[test]
fn what_comes_after_the_rule_that_decides_is_told_apart() {
    let mut test = Test::with_people();
    let mail = test.mail("db1", "db1 is DOWN\nweb1 is UP");
    test.run(&["explain"], &mail).exit(0).says("not asked, because `down` decides").says("up  would match").done();
    let json = test.run(&["explain", "--json"], &mail).exit(0).json();
    assert_eq!(json["rules"][1]["matched"], true);
    assert_eq!(json["rules"][1]["considered"], false);
    assert_eq!(json["rules"][0]["captures"]["host"], "db1");
}

#[test]
fn a_mail_that_would_join_an_alert_calls_nobody() {
    let mut test = Test::with_people().phone(crate::support::DAVID, [Phone::Stay]);
    let first = test.mail("db1", "db1 is DOWN");
    let before = test.run(&["explain", "--json"], &first).exit(0).json();
    assert!(before["joins"].is_null() && before["store"].is_null());
    assert_eq!(traces(&test), Vec::new(), "explain has made something");
    test.deliver(&first).exit(75).done();
    let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();

    let traces_before = traces(&test);
    let second = test.mail("db1 again", "db1 is DOWN");
    let ran = test.run(&["explain"], &second).exit(0);
    let ran = ran.says(&format!("joins alert 1 ({code}), open since Mon 2026-11-02")).says("no call");
    assert!(ran.out.starts_with(" JOINS "), "{ran:?}");
    let again = test.run(&["explain"], &first).exit(0);
    again.says("this very mail was delivered before: it is part of alert 1").done();
    let json = test.run(&["explain", "--json"], &second).exit(0).json();
    assert_eq!((&json["joins"]["id"], &json["joins"]["state"]), (&1.into(), &"open".into()));
    assert_eq!(json["joins"]["code"], code.as_str());
    assert_eq!(traces(&test), traces_before, "explain has left a trace");

    let up = test.mail("db1", "db1 is UP");
    test.run(&["explain"], &up).exit(0).says("it resolves alert 1").says("Nobody would be called").done();
    let other = test.mail("db2", "db2 is DOWN");
    let ran = test.run(&["explain"], &other).exit(0);
    assert!(ran.out.starts_with(" CALL "), "{ran:?}");
    assert_eq!(test.alerts()[0]["mails"], 1, "explain has delivered something");
}

#[test]
fn a_page_that_was_not_taken_is_tried_again_before_the_next_attempt_and_explain_says_when() {
    let mut test = Test::with_people().phone(crate::support::DAVID, [Phone::RateLimited(60)]);
    let first = test.mail("db1", "db1 is DOWN");
    let ran = test.deliver(&first).exit(75);
    assert!(ran.out.contains("next try in "), "{ran:?}");
    let second = test.mail("db1 again", "db1 is DOWN");
    let ran = test.run(&["explain"], &second).exit(0);
    ran.says("its next attempt is due Mon 2026-11-02 02:01").done();
}

#[test]
fn it_reads_while_the_engine_writes() {
    let mut test = Test::with_people().phone(crate::support::DAVID, [Phone::Stay]).serve();
    let first = test.mail("db1", "db1 is DOWN");
    test.deliver(&first).exit(0).done();
    let second = test.mail("db1 again", "db1 is DOWN");
    test.run(&["explain"], &second).exit(0).says("joins alert 1").done();
}

#[test]
fn an_acknowledged_alert_takes_mail_in_for_its_window_alone() {
    let mut test = Test::with_people().phone(crate::support::DAVID, [Phone::Stay]);
    let first = test.mail("db1", "db1 is DOWN");
    test.deliver(&first).exit(75).done();
    test.run(&["alerts", "ack", "1"], b"").exit(0).done();
    let second = test.mail("db1 again", "db1 is DOWN");
    test.run(&["explain"], &second).exit(0).says("joins alert 1").says("acknowledged by").done();
    let late = test.run(&["explain", "--at", "2026-11-02T09:00:00Z"], &second).exit(0);
    assert!(late.out.starts_with(" CALL "), "{late:?}");
}

#[test]
fn overrides_of_the_store_count() {
    let mut test = Test::with_people();
    test.run(&["oncall", "systems", "darren", "--until", "8h"], b"").exit(0).done();
    let mail = test.mail("db1", "db1 is DOWN");
    let ran = test.run(&["explain"], &mail).exit(0);
    ran.says("Darren at once").says("by an override of cli:").says(DARREN).done();
    let json = test.run(&["explain", "--json"], &mail).exit(0).json();
    assert_eq!((&json["contact"], &json["on_call"]["overridden"]), (&"darren".into(), &true.into()));
    let tomorrow = test.run(&["explain", "--json", "--at", "2026-11-03T02:00:00Z"], &mail).exit(0).json();
    assert_eq!(tomorrow["contact"], "david");
}

#[test]
fn a_store_that_is_not_one_is_told_and_nothing_else() {
    let mut test = Test::with_people();
    std::fs::write(
        test.path("thialfi.db"),
        "this is no database, but a text that is longer than a header of one has to be, I think, or so it seems to me",
    )
    .unwrap();
    let mail = test.mail("db1", "db1 is DOWN");
    let ran = test.run(&["explain"], &mail).exit(0).says("David at once").says("what is open already is not known");
    assert!(ran.out.contains(" ? "), "{ran:?}");
    assert!(test.run(&["explain", "--json"], &mail).exit(0).json()["store"].is_string());
}

#[test]
fn a_store_in_a_directory_that_nobody_may_write_is_read() {
    let mut test = Test::with_people().phone(crate::support::DAVID, [Phone::Stay]);
    let first = test.mail("db1", "db1 is DOWN");
    test.deliver(&first).exit(75).done();
    let directory = test.path("thialfi.db").parent().map(Path::to_owned).unwrap();
    let mode = |mode| std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    let second = test.mail("db1 again", "db1 is DOWN");
    let ran = test.run(&["explain"], &second);
    mode(0o755);
    ran.exit(0).says("joins alert 1").done();
}

#[test]
fn at_is_when_it_is() {
    let rules = format!(
        "{PEOPLE}{PAGE}[defaults]\ntime_zone = \"Pacific/Auckland\"\n[[rules]]\nname = \"night\"\n\
         when = [{{ between = \"22:00-07:00\", on = \"Sat,Sun\" }}]\naction = \"call\"\n"
    );
    let mut test = Test::new().rules(&rules);
    let mail = test.mail("x", "y");
    for (at, rule) in [
        ("2026-11-07 03:00", Some("night")),
        ("2026-11-06T14:00:00Z", Some("night")),
        ("Sat 03:00", Some("night")),
        ("Sat 12:00", None),
        ("03:00", None),
        ("2026-11-06 03:00", None),
    ] {
        let json = test.run(&["explain", "--json", "--at", at], &mail).exit(0).json();
        assert_eq!(json["rule"].as_str(), rule, "{at}");
    }
    // A wrong argument is told before anything is read.
    test.run(&["explain", "--at", "soon"], b"").exit(2).says("`soon` is no time").done();
    let first = test.run(&["explain", "--json", "--at", "2026-11-06T14:00:00Z"], &mail).exit(0).json();
    assert_eq!(first["attempts"][0]["at"], "2026-11-06T14:00:00Z");
    let clock = test.run(&["explain", "--at", "2026-11-06T14:00:00Z"], &mail).exit(0);
    clock.says("Sat 2026-11-07 03:00 NZDT").says("03:00  at once").done();
}

#[test]
fn a_rule_that_looks_at_the_recipient_is_explained_for_each() {
    let rules =
        format!("{PEOPLE}{PAGE}[[rules]]\nname = \"dba\"\nwhen = [{{ recipient = '^dba@' }}]\naction = \"call\"\n");
    let mut test = Test::new().rules(&rules);
    let mail = test.mail("x", "y");
    let ran = test.run(&["explain", "web@example.com", "dba@example.com"], &mail).exit(0);
    let ran = ran.says("Rules, for web@example.com").says("Rules, for dba@example.com");
    assert!(ran.out.starts_with(" CALL "), "{ran:?}");
}

#[test]
fn nothing_in_a_mail_moves_the_cursor() {
    let test = Test::with_people();
    let bytes = mail("<1@x>", "\x1b[2Jdb1\u{202e}", "db1 is DOWN\x07\n\x1b]0;title\x07");
    let ran = test.run(&["explain", "\x1b[31m@example.com"], &bytes).exit(0);
    assert!(!ran.out.contains(['\x1b', '\x07', '\u{202e}']), "{ran:?}");
}

#[test]
fn a_policy_that_goes_on_for_days_is_a_short_table() {
    let rules = format!(
        "{PEOPLE}[policies.page]\nrepeat = 20\nsteps = [ {{ notify = \"group\", by = [\"sms\", \"call\"], attempts = 20 }} ]\n{}",
        crate::support::DOWN
    );
    let mut test = Test::new().rules(&rules);
    let mail = test.mail("db1", "db1 is DOWN");
    let ran = test.run(&["explain"], &mail).exit(0).says("and all of it 20 times more");
    assert!(ran.out.lines().count() < 80, "{ran:?}");
    let attempts = test.run(&["explain", "--json"], &mail).exit(0).json()["attempts"].as_array().unwrap().len();
    assert_eq!(attempts, 21 * 20 * 6);
}
