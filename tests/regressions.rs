//! Faults that somebody found: each by the way in which it showed.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::support::{DARREN, DAVID, DOWN, PAGE, PEOPLE, Phone, SIMON, Test, ran};

#[test]
fn a_clock_that_was_years_ahead_holds_no_alert_back() {
    for restart in [false, true] {
        let mut test =
            Test::with_people().phone(DAVID, [Phone::press(["9"])]).phone(DARREN, [Phone::press(["1"])]).serve();
        test.advance("87600h");
        let mail = test.mail("db1", "db1 is DOWN");
        test.deliver(&mail).exit(0).done();
        test.wait_for_calls(&[DAVID]);
        test.let_it_turn();
        if restart {
            test.kill_server();
        }
        test.advance("-87600h");
        if restart {
            test.start_server();
        }
        test.let_it_turn();
        test.advance("5m 1s");
        test.wait_for_state("acknowledged");
        assert_eq!(test.called(), [DAVID, DARREN], "restart: {restart}");
    }
}

#[test]
fn a_server_that_is_about_to_stop_is_not_counted_upon() {
    let mut test = Test::with_people()
        .phone(DAVID, [Phone::NoAnswer, Phone::NoAnswer])
        .phone(DARREN, [Phone::Slow(4), Phone::NoAnswer])
        .serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.called().len() == 2, "Darren is not called");
    test.signal_server("TERM");
    std::thread::sleep(std::time::Duration::from_millis(500));
    let mail = test.mail("db2", "db2 is DOWN");
    test.deliver(&mail).exit(75).says("no engine").done();
}

#[test]
fn without_a_store_the_policy_says_who_is_first() {
    let policy = "[policies.page]\nsteps = [{ notify = \"contact:simon\", by = \"call\", wait = \"5m\" }]\n";
    let test = Test::new().rules(&format!("{PEOPLE}{policy}{}", crate::support::DOWN)).phone(SIMON, [Phone::Listen]);
    std::fs::create_dir(test.path("thialfi.db")).unwrap();
    let mail = crate::support::mail("<1@x>", "db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("called Simon").done();
    test.wait_for_calls_only(&[SIMON]);
}

#[test]
fn without_a_store_the_next_person_is_called_when_the_first_cannot_be() {
    let test = Test::with_people().phone(DAVID, [Phone::Refuse(21211)]).phone(DARREN, [Phone::Listen]);
    std::fs::create_dir(test.path("thialfi.db")).unwrap();
    let mail = crate::support::mail("<1@x>", "db1", "db1 is DOWN");
    let ran = test.deliver(&mail).exit(75).says("called Darren").says("21211");
    assert!(!ran.out.contains("Permanent {"), "{ran:?}");
    test.wait_for_calls_only(&[DARREN]);
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_panic() {
    let mut test = Test::with_people();
    for n in 0..3 {
        let mail = test.mail(&format!("db{n}"), &format!("db{n} is DOWN"));
        test.deliver(&mail).exit(75).done();
    }
    let mail = crate::support::mail("<1@x>", "db1", "db1 is DOWN");
    for arguments in [&["alerts"][..], &["alerts", "show", "1"], &["oncall"], &["man"], &["explain"], &["check"]] {
        let mut child = test.command().args(arguments).spawn().unwrap();
        // Closed before a word is written to it: it waits for its mail, or has long to go.
        drop(child.stdout.take());
        let _ = child.stdin.take().unwrap().write_all(&mail);
        let ran = ran(&child.wait_with_output().unwrap());
        assert!(ran.status.is_some() && !ran.err.contains("panicked"), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn a_rule_that_matched_is_no_unknown_recipient() {
    let mut test = Test::new().rules(
        "[contacts]\ndavid = { phone = \"+64211110001\" }\n[groups.a]\nmembers = [\"david\"]\n[groups.b]\nmembers = [\"david\"]\n\
         [recipients]\n\"a@example.com\" = { group = \"a\" }\n[[rules]]\nname = \"down\"\nwhen = [{ text = 'DOWN' }]\naction = \"page\"\n",
    );
    let mail = test.mail("db1", "db1 is DOWN");
    test.run(&["deliver", "--reject-unknown", "b@example.com"], &mail).exit(75).says("rule `down` matched").done();
    let mail = test.mail("db1", "all is well");
    test.run(&["deliver", "--reject-unknown", "b@example.com"], &mail).exit(67).done();
}

#[test]
fn key_2_says_so_where_nobody_is_further() {
    let policy = "[policies.page]\nrepeat = 0\nsteps = [{ notify = \"oncall\", by = \"call\", wait = \"5m\" }]\n";
    let mut test = Test::new()
        .rules(&format!("{PEOPLE}{policy}{}", crate::support::DOWN))
        .phone(DAVID, [Phone::press(["2", "1"])])
        .serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    let heard = test.calls()[0].heard.join(" ");
    assert!(heard.contains("nobody further") && !heard.contains("next person is called"), "{heard}");
}

#[test]
fn an_edited_rule_file_counts_for_an_alert_that_is_open() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["9"])]).phone(SIMON, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_calls(&[DAVID]);
    let rules = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    // A broken one changes nothing, and is said.
    std::fs::write(test.path("rules.toml"), "this is [not TOML").unwrap();
    test.wait_for_log("the rule file cannot be used");
    std::fs::write(test.path("rules.toml"), rules.replace(r#"backup = ["darren"]"#, r#"backup = ["simon"]"#)).unwrap();
    test.wait_for_log("the rule file was read again");
    test.advance("5m 1s");
    test.wait_for_calls(&[DAVID, SIMON]);
    test.wait_for_state("acknowledged");
}

#[test]
fn a_hundred_texts_under_way_do_not_hold_up_a_call() {
    // What is asked about waits its turn; what is to be sent does not wait behind it. With the usual limits there would not
    // be as many calls.
    let mut test = Test::new().rules(&format!("{PEOPLE}[limits]\ncall = []\n{PAGE}{DOWN}")).without_webhooks_served();
    for n in 0..30 {
        let mail = test.mail("db", &format!("host{n} is DOWN"));
        test.deliver(&mail).exit(0).done();
    }
    test.wait_until(|test| test.calls().len() >= 30, "not all are called");
}

#[test]
fn standard_output_that_is_closed_changes_no_exit_status() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Listen]);
    let mail = test.mail("db1", "db1 is DOWN");
    let script = "exec >&- 2>&-; exec \"$0\" deliver";
    let mut child = Command::new("/bin/sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_thialfi")])
        .env_clear()
        .env("THIALFI_CLOCK_FILE", test.path("clock"))
        .env("THIALFI_CONFIG", test.path("rules.toml"))
        .current_dir("/")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&mail).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(75));
    test.wait_for_calls_only(&[DAVID]);
    // The store is whole: no descriptor of a closed standard stream was given to it.
    let mut head = [0_u8; 15];
    std::fs::File::open(test.path("thialfi.db")).unwrap().read_exact(&mut head).unwrap();
    assert_eq!(&head, b"SQLite format 3");
    assert_eq!(test.alerts().len(), 1);
}

#[test]
fn what_a_clock_that_was_years_ahead_left_behind_swallows_no_mail() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["1"])]).serve();
    test.advance("87600h");
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    test.advance("-87600h");
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).says("opened alert 2").done();
    test.wait_for_calls(&[DAVID, DAVID]);
}

#[test]
fn where_who_is_on_call_has_no_number_the_group_is_called() {
    let rules = crate::support::DOWN.replace(r#"action = "page""#, r#"action = "call""#);
    let people = PEOPLE
        .replace(r#"david  = { name = "David",  phone = "+64211110001" }"#, r#"david = { email = "d@x.example" }"#);
    let people = people.replace("backup = [\"darren\"]\n", "");
    let mut test = Test::new().rules(&format!("{people}{rules}")).phone(DARREN, [Phone::press(["1"])]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    let mut called = test.called();
    called.sort();
    assert_eq!(called, [DARREN, SIMON]);
}

#[test]
fn two_contacts_with_one_telephone_are_one_call() {
    let people = PEOPLE.replace(DARREN, DAVID);
    let policy = "[policies.page]\nsteps = [{ notify = \"group\", by = \"call\", wait = \"5m\" }]\n";
    let mut test = Test::new()
        .rules(&format!("{people}{policy}{}", crate::support::DOWN))
        .phone(DAVID, [Phone::Stay])
        .phone(SIMON, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    let mut called = test.called();
    called.sort();
    assert_eq!(called, [DAVID, SIMON]);
}

#[test]
fn a_usage_error_is_one_line() {
    let mut test = Test::with_people();
    let mail = test.mail("db1", "db1 is DOWN");
    for arguments in [&["deliver", "--nonsense"][..], &["-f"], &["--nonsense", "a@example.com"]] {
        let ran = test.run(arguments, &mail).exit(75).one_line();
        assert_eq!(ran.err, "", "{ran:?}");
        assert!(ran.out.contains("usage") && ran.out.contains("try again"), "{ran:?}");
    }
}

#[test]
fn a_secret_that_others_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut test = Test::with_people().phone(DAVID, [Phone::Listen]);
    let rules = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    let literal = rules.replace(r#"{ file = "token" }"#, &format!("\"{}\"", crate::support::TOKEN));
    std::fs::write(test.path("rules.toml"), literal).unwrap();
    std::fs::set_permissions(test.path("rules.toml"), std::fs::Permissions::from_mode(0o644)).unwrap();
    for text in ["db1 is DOWN", "all is well"] {
        let mail = test.mail("db1", text);
        let ran = test.deliver(&mail).says("everybody can read this file");
        assert!(!ran.out.contains(crate::support::TOKEN), "{ran:?}");
    }
}

#[test]
fn a_broken_template_of_a_call_stops_no_call() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Listen]);
    std::fs::create_dir(test.path("twiml")).unwrap();
    std::fs::write(test.path("twiml/inline.xml"), "<Response><Say>{{ say </Say>").unwrap();
    let rules = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    std::fs::write(test.path("rules.toml"), format!("twiml = \"twiml\"\n{rules}")).unwrap();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("opened alert 1").says("inline.xml").says("built-in").done();
    test.wait_for_calls_only(&[DAVID]);
    assert!(test.calls()[0].heard.join(" ").contains("Host D B 1 is down."), "{:?}", test.calls());
    test.run(&["check"], b"").exit(1).says("inline.xml").done();
    // A server starts, too, and shouts.
    let test = test.serve();
    test.wait_for_log("inline.xml");
}

#[test]
fn a_complaint_quotes_nothing_that_a_terminal_would_obey() {
    // Found by fuzzing: what a rule file may have between quotes, a complaint had, too.
    let test =
        Test::new().rules("[[rules]]\nname = 'a'\nwhen = [{ header = \"X\\u001b\\n\u{9b}\tY\", matches = 'x' }]\n");
    let report = thialfi::config::Config::check(&test.path("rules.toml"), &|_| None);
    let about = |diagnostic: &&thialfi::config::diagnostic::Diagnostic| diagnostic.message.contains("header field");
    let complaint = report.diagnostics.0.iter().find(about).unwrap();
    assert_eq!(complaint.message, "`X\u{fffd}\u{fffd}\u{fffd} Y` is not the name of a header field");
}
