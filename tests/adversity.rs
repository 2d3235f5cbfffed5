//! When things fail: exit 0 or 75, one clear line, never a panic, never a hang, nothing lost.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use thialfi::alert::{Alert, Delivery, State};
use thialfi::store::{Filter, Sqlite, Store as _};

use crate::support::{DARREN, DAVID, PAGE, PEOPLE, Phone, Test};

#[test]
fn a_broken_rule_file_keeps_the_mail_and_names_the_place() {
    let mut test = Test::new().rules("[defaults]\nunmached = \"page\"\n");
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("rules.toml:").says("unmached").says("unmatched").done();
    std::fs::write(test.path("rules.toml"), "this is [not TOML").unwrap();
    test.deliver(&mail).exit(75).says("rules.toml").done();
    std::fs::write(test.path("rules.toml"), [0xff, 0xfe, 0x00]).unwrap();
    test.deliver(&mail).exit(75).done();
    std::fs::remove_file(test.path("rules.toml")).unwrap();
    test.deliver(&mail).exit(75).says("rules.toml").done();
}

#[test]
fn a_missing_secret_keeps_the_mail_and_is_named() {
    let mut test = Test::with_people();
    std::fs::remove_file(test.path("token")).unwrap();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("auth_token").done();
}

#[test]
fn a_usage_error_keeps_the_mail() {
    let mut test = Test::with_people();
    let mail = test.mail("db1", "db1 is DOWN");
    test.run(&["deliver", "--no-such-option"], &mail).exit(75).done();
    test.run(&["--no-such-option"], &mail).exit(75).done();
    test.run(&["alerts", "--no-such-option"], b"").exit(2).done();
}

#[test]
fn an_empty_standard_input_is_said() {
    Test::with_people().deliver(b"").exit(75).says("no mail").done();
}

#[test]
fn with_a_store_that_cannot_be_written_the_first_person_is_called_all_the_same() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Listen]);
    // A directory where the file should be: unwritable for root, too.
    std::fs::create_dir(test.path("thialfi.db")).unwrap();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("thialfi.db").says("David").done();
    test.wait_for_calls_only(&[DAVID]);
    assert!(test.calls()[0].heard.join(" ").contains("Host D B 1 is down."), "{:?}", test.calls());
    // A mail that nobody wants needs no store.
    let mail = test.mail("fine", "all is well");
    test.deliver(&mail).exit(0).says("no rule wants it").done();
}

#[test]
fn a_store_that_is_no_database_and_one_of_a_newer_thialfi_are_said() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Listen]);
    std::fs::write(test.path("thialfi.db"), "this is no database, but long enough to be looked at: ".repeat(100))
        .unwrap();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("thialfi.db").says("called David").done();
}

#[test]
fn a_missing_store_directory_is_said() {
    let test = Test::new().phone(DAVID, [Phone::Listen]);
    let path = test.path("missing/thialfi.db");
    let mut test = test.rules_with_store(&path, &format!("{PEOPLE}{PAGE}{}", crate::support::DOWN));
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("missing").says("called David").done();
}

#[test]
fn sixty_megabytes_are_read_to_their_end() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Listen]);
    let mut mail = test.mail("db1", "db1 is DOWN");
    mail.extend(
        std::iter::repeat_n(b"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\r\n", 900_000)
            .flatten(),
    );
    assert!(mail.len() > 60_000_000);
    test.deliver(&mail).exit(75).says("opened alert 1").done();
    test.wait_for_calls_only(&[DAVID]);
}

#[test]
fn random_bytes_are_no_reason_to_fail() {
    let test = Test::with_people();
    // A linear congruential generator: the same bytes every time.
    let mut state = 1_u64;
    for size in [1, 10, 1000, 100_000] {
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(size)
        .collect();
        test.deliver(&bytes).exit(0).done();
    }
}

#[test]
fn ten_thousand_recipients_are_no_reason_to_hang() {
    let test = Test::with_people().phone(DAVID, [Phone::Listen]);
    let to: Vec<String> = (0..10_000).map(|n| format!("user{n}@example.com")).collect();
    let mail = format!("To: {}\r\nSubject: db1\r\nMessage-ID: <x@y>\r\n\r\ndb1 is DOWN\r\n", to.join(",\r\n "));
    let began = std::time::Instant::now();
    test.deliver(mail.as_bytes()).exit(75).says("opened alert 1").done();
    assert!(began.elapsed().as_secs() < 10);
    assert_eq!(test.alerts().len(), 1);
}

#[test]
fn a_mail_from_which_somebody_forges_log_lines_makes_one_line() {
    let test = Test::with_people().phone(DAVID, [Phone::Listen]);
    let mail = b"Message-ID: <a\x1b[2J\r\n b@c>\r\nSubject: =?utf-8?q?x=0D=0Athialfi:_forged?=\r\n\r\ndb1 is DOWN\r\n";
    let ran = test.deliver(mail).exit(75);
    assert!(!ran.out.contains('\x1b'), "{ran:?}");
}

#[test]
fn the_store_is_readable_by_its_owner_alone() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Listen]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    let mode = std::fs::metadata(test.path("thialfi.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[test]
fn a_provider_that_is_not_there_is_not_the_end() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["1"])]);
    let mail = test.mail("db1", "db1 is DOWN");
    let rules = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    let gone = rules.replace(&test.sandbox.url(), "http://127.0.0.1:1");
    std::fs::write(test.path("rules.toml"), gone).unwrap();
    test.deliver(&mail).exit(75).done();
    std::fs::write(test.path("rules.toml"), rules).unwrap();
    test.advance("1m");
    test.deliver(&mail).exit(75).done();
    test.wait_for_calls(&[DAVID]);
}

#[test]
fn two_deliveries_at_once_of_the_same_event_make_one_call() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]).serve();
    let mails: Vec<Vec<u8>> = (0..20).map(|_| test.mail("db1", "db1 is DOWN")).collect();
    std::thread::scope(|scope| {
        for mail in &mails {
            let test = &test;
            scope.spawn(move || test.deliver(mail).exit(0).done());
        }
    });
    test.let_it_turn();
    assert_eq!(test.called(), [DAVID]);
    assert_eq!(test.alerts()[0]["mails"], 20);
}

/// In a storm each commit of the engine waits for those of the deliveries, and one of its turns lasts for minutes.
#[test]
fn an_engine_whose_turn_lasts_is_not_taken_for_dead() {
    // Twenty are committed at once.
    const ALERTS: usize = 200;
    let groups: String = (0..ALERTS)
        .map(|n| format!("[groups.g{n}]\nmembers = [\"david\"]\n[recipients.\"r{n}@example.com\"]\ngroup = \"g{n}\"\n"))
        .collect();
    let policy = "[limits]\nsms = []\n[policies.page]\nrepeat = 0\nsteps = [{ notify = \"oncall\", by = \"sms\", wait = \"10m\" }]\n";
    let mut test = Test::new().rules(&format!("{PEOPLE}{policy}{groups}")).serve();
    let recipients: Vec<String> = (0..ALERTS).map(|n| format!("r{n}@example.com")).collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    let mail = test.mail("disk", "full");
    test.deliver_to(&recipients, &mail).exit(0).done();
    let mut store = Sqlite::open(&test.path("thialfi.db")).unwrap();
    let delivered =
        |alert: &Alert| alert.notifications.iter().all(|one| matches!(one.delivery, Delivery::Ended { .. }));
    let mut all = move || (store.alerts(&Filter::default()).unwrap(), store.last_beat().unwrap());
    while !all().0.iter().all(delivered) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let lock = std::fs::File::open(test.path("thialfi.db.lock")).unwrap();
    let is_over = AtomicBool::new(false);
    let beats = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                lock.lock().unwrap();
                std::thread::sleep(Duration::from_millis(500));
                lock.unlock().unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        test.advance("10m 1s");
        let mut beats = BTreeSet::new();
        loop {
            let (alerts, beat) = all();
            match alerts.iter().filter(|alert| alert.state == State::Expired).count() {
                0 => {}
                ALERTS => break,
                _ => drop(beats.insert(beat)),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        is_over.store(true, Ordering::SeqCst);
        beats
    });
    // One before the turn, and at least one in its course.
    assert!(beats.len() >= 2, "{beats:?}");
    assert_eq!(test.get("/healthz"), 200);
}

#[test]
fn an_alert_that_cannot_be_read_holds_up_no_other() {
    let mut test = Test::with_people().phone(DAVID, [Phone::NoAnswer, Phone::NoAnswer, Phone::NoAnswer]).serve();
    for host in ["db1", "db2", "db3"] {
        let mail = test.mail(host, &format!("{host} is DOWN"));
        test.deliver(&mail).exit(0).done();
        test.let_it_turn();
    }
    let store = rusqlite::Connection::open(test.path("thialfi.db")).unwrap();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    store.execute("UPDATE alerts SET policy = '{' WHERE id = 1", []).unwrap();
    drop(store);
    // The others are escalated to Darren, as their policy says.
    test.advance("6m");
    test.wait_until(|test| test.called().iter().any(|number| number == DARREN), "the policy goes no further");
    let ran = test.run(&["alerts", "show", "1"], b"").exit(1);
    assert!(ran.err.contains("alert 1 is damaged") && ran.err.contains("policy"), "{ran:?}");
    // And a new one is told.
    let before = test.called().len();
    let mail = test.mail("db4", "db4 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.advance("16m");
    test.wait_until(|test| test.called().len() > before, "nobody is told of the new one");
}
