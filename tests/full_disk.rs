//! No store can be written, and the mail server tries again and again: one call for each event and wait, the next person
//! when nobody answered, and in doubt a call too many rather than none.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::PathBuf;

use crate::support::{DARREN, DAVID, DOWN, PEOPLE, Phone, SIMON, Test};

/// Three people, one after the other.
const STEPS: &str = r#"
[policies.page]
repeat = 0
steps = [
  { notify = "oncall", by = "call", wait = "5m" },
  { notify = "backup", by = "call", wait = "5m" },
  { notify = "group", by = "call", wait = "5m" },
]
"#;

/// A directory is where the store should be: unwritable for root, too.
fn without_a_store() -> Test {
    let test = Test::new().rules(&format!("{PEOPLE}{STEPS}{DOWN}"));
    std::fs::create_dir(test.path("thialfi.db")).unwrap();
    test
}

/// Where it is remembered who was called.
fn directory(test: &Test) -> PathBuf {
    test.path(&format!("thialfi-{}", std::fs::metadata(test.path("rules.toml")).unwrap().uid()))
}

fn markers(test: &Test) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory(test)) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The file of the one event of a test, once something was called for it.
fn marker(test: &Test) -> PathBuf {
    let [one] = markers(test).try_into().unwrap();
    one
}

#[test]
fn nobody_is_called_again_within_the_wait_and_the_next_one_after_it() {
    let mut test = without_a_store().phone(DAVID, [Phone::Stay]).phone(DARREN, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("called David (+64211110001) all the same").done();
    assert_eq!(test.called(), [DAVID]);
    for _ in 0..3 {
        test.advance("1m");
        test.deliver(&mail).exit(75).says("which may still reach them: nobody else before 2026-11-02T02:05:00Z").done();
    }
    // Another mail of the event is no other reason to ring; one of another event is.
    let other = test.mail("db1 again", "db1 is DOWN");
    test.deliver(&other).exit(75).says("nobody else before").done();
    assert_eq!(test.called(), [DAVID]);
    test.advance("2m");
    test.deliver(&mail).exit(75).says("called Darren (+64211110002) all the same").done();
    assert_eq!(test.called(), [DAVID, DARREN]);
    let other = test.mail("db2", "db2 is DOWN");
    test.deliver(&other).exit(75).says("called David").done();
    assert_eq!(test.called(), [DAVID, DARREN, DAVID]);
}

#[test]
fn who_did_not_answer_is_not_waited_for_and_after_the_last_comes_the_first() {
    let silent = || [Phone::NoAnswer, Phone::NoAnswer];
    let mut test = without_a_store().phone(DAVID, silent()).phone(DARREN, [Phone::Busy]).phone(SIMON, silent());
    let mail = test.mail("db1", "db1 is DOWN");
    for (called, before) in
        [("David", ""), ("Darren", "David (+64211110001) at"), ("Simon", "which reached nobody"), ("David", "Simon")]
    {
        let ran = test.deliver(&mail).exit(75);
        ran.says(&format!("called {called} (")).says(before).done();
        assert!(test.sandbox.wait_idle(std::time::Duration::from_secs(20)));
        test.advance("10s");
    }
    assert_eq!(test.called(), [DAVID, DARREN, SIMON, DAVID]);
}

#[test]
fn an_answer_is_no_acknowledgement_but_is_given_half_an_hour() {
    let mut test = without_a_store().phone(DAVID, [Phone::Listen]).phone(DARREN, [Phone::Listen]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("called David").done();
    test.wait_for_calls_only(&[DAVID]);
    test.advance("29m");
    test.deliver(&mail).exit(75).says("which was answered: nobody else before 2026-11-02T02:30:00Z").done();
    assert_eq!(test.called(), [DAVID]);
    test.advance("1m");
    test.deliver(&mail).exit(75).says("called Darren").done();
    assert_eq!(test.called(), [DAVID, DARREN]);
}

#[test]
fn a_provider_that_takes_nothing_is_tried_again_at_each_attempt() {
    let mut test = without_a_store().phone(DAVID, [Phone::Stay]);
    let url = test.sandbox.url();
    test = test.api_url("http://127.0.0.1:1");
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("nobody could be called").done();
    test = test.api_url(&url);
    test.deliver(&mail).exit(75).says("called David").done();
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn deliveries_at_once_of_one_event_make_one_call() {
    let mut test = without_a_store().phone(DAVID, [Phone::Slow(1)]);
    let mails: Vec<Vec<u8>> = (0..8).map(|_| test.mail("db1", "db1 is DOWN")).collect();
    std::thread::scope(|scope| {
        for mail in &mails {
            let test = &test;
            scope.spawn(move || test.deliver(mail).exit(75).done());
        }
    });
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn when_the_store_is_back_the_history_tells_of_the_calls_and_the_policy_begins() {
    let mut test = without_a_store().phone(DAVID, [Phone::NoAnswer, Phone::press(["1"])]).phone(DARREN, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("called David").done();
    assert!(test.sandbox.wait_idle(std::time::Duration::from_secs(20)));
    test.deliver(&mail).exit(75).says("called Darren").done();
    std::fs::remove_dir(test.path("thialfi.db")).unwrap();
    test.advance("1m");
    let test = test.serve();
    test.deliver(&mail).exit(0).says("opened alert 1").done();
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DARREN, DAVID]);
    let story = test.story(1);
    let david = "David (+64211110001) was called at 2026-11-02T02:00:00Z, when the store could not be used: twilio, CA";
    assert!(story.contains(david) && story.contains("Darren (+64211110002) was called at"), "{story}");
    assert!(markers(&test).is_empty(), "{:?}", markers(&test));
    // Told once.
    test.deliver(&mail).exit(0).done();
    assert_eq!(test.story(1).matches(david).count(), 1);
}

#[test]
fn a_directory_that_is_not_ours_alone_is_not_used() {
    type Wrong = fn(&Test, &std::path::Path);
    let elsewhere = tempfile::tempdir().unwrap();
    let wrong: [(&str, Wrong); 5] = [
        ("a link", |test, elsewhere| {
            std::fs::set_permissions(elsewhere, PermissionsExt::from_mode(0o700)).unwrap();
            symlink(elsewhere, directory(test)).unwrap();
        }),
        ("a file", |test, _| std::fs::write(directory(test), "").unwrap()),
        ("open to others", |test, _| {
            std::fs::create_dir(directory(test)).unwrap();
            std::fs::set_permissions(directory(test), PermissionsExt::from_mode(0o777)).unwrap();
        }),
        ("somebody else's", |test, _| {
            std::fs::create_dir(directory(test)).unwrap();
            std::fs::set_permissions(directory(test), PermissionsExt::from_mode(0o700)).unwrap();
            if is_root() {
                std::os::unix::fs::chown(directory(test), Some(65534), None).unwrap();
            } else {
                std::fs::set_permissions(directory(test), PermissionsExt::from_mode(0o500)).unwrap();
            }
        }),
        ("in one that all can write", |test, _| {
            std::fs::set_permissions(test.path(""), PermissionsExt::from_mode(0o777)).unwrap();
        }),
    ];
    for (what, make) in wrong {
        let mut test = without_a_store().phone(DAVID, [Phone::Stay, Phone::Stay]);
        make(&test, elsewhere.path());
        let mail = test.mail("db1", "db1 is DOWN");
        test.deliver(&mail).exit(75).says("called David").done();
        let left = std::fs::read_dir(elsewhere.path()).unwrap().count();
        assert_eq!((test.called(), left), (vec![DAVID.to_owned()], 0), "{what}");
        if directory(&test).is_dir() {
            assert_eq!(std::fs::read_dir(directory(&test)).unwrap().count(), 0, "{what}");
        }
        // Other places than the one that was given have taken its part, and are tidied up.
        std::fs::remove_dir(test.path("thialfi.db")).unwrap();
        test.deliver(&mail).exit(75).says("opened alert 1").done();
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_file_that_is_not_what_we_wrote_is_no_reason_to_let_anybody_sleep() {
    type Wrong = fn(&std::path::Path);
    let wrong: [(&str, &str, Wrong); 8] = [
        ("empty", "", |path| std::fs::write(path, "").unwrap()),
        ("garbage", "", |path| std::fs::write(path, [0xff, 0, b'[', 0x1b]).unwrap()),
        ("cut off", "", |path| {
            let text = std::fs::read(path).unwrap();
            std::fs::write(path, &text[..text.len() / 2]).unwrap();
        }),
        ("a hundred megabytes", "", |path| {
            std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(100_000_000).unwrap();
        }),
        ("a link", "is not a file that only we can write", |path| {
            std::fs::rename(path, path.with_extension("away")).unwrap();
            symlink(path.with_extension("away"), path).unwrap();
        }),
        ("one of two names", "is not a file that only we can write", |path| {
            std::fs::hard_link(path, path.with_extension("also")).unwrap();
        }),
        ("open to others", "is not a file that only we can write", |path| {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
        }),
        ("a directory", "cannot be remembered", |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        }),
    ];
    for (what, says, make) in wrong {
        let mut test = without_a_store().phone(DAVID, [Phone::Stay, Phone::Stay]);
        let mail = test.mail("db1", "db1 is DOWN");
        test.deliver(&mail).exit(75).says("called David").done();
        make(&marker(&test));
        test.deliver(&mail).exit(75).says("called David").says(says).done();
        assert_eq!(test.called(), [DAVID, DAVID], "{what}");
        // And when the store is back, it is in nobody's way.
        std::fs::remove_dir(test.path("thialfi.db")).unwrap();
        test.deliver(&mail).exit(75).says("opened alert 1").done();
    }
}

#[test]
fn a_pipe_in_its_place_is_not_waited_for() {
    let mut test = without_a_store().phone(DAVID, [Phone::Stay, Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("called David").done();
    let path = marker(&test);
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let began = std::time::Instant::now();
    test.deliver(&mail).exit(75).says("called David").done();
    assert!(began.elapsed().as_secs() < 20);
    assert_eq!(test.called(), [DAVID, DAVID]);
}

#[test]
fn what_is_a_day_old_is_removed_and_a_thousand_are_enough() {
    let mut test = without_a_store().phone(DAVID, [Phone::Stay, Phone::Stay, Phone::Stay, Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).says("called David").done();
    let old = marker(&test);
    test.advance("25h");
    let mail = test.mail("db2", "db2 is DOWN");
    test.deliver(&mail).exit(75).says("called David").done();
    assert_ne!(marker(&test), old);
    let at = std::time::SystemTime::from("2026-11-03T03:00:00Z".parse::<jiff::Timestamp>().unwrap());
    for number in 1..1000 {
        let file = std::fs::File::create(directory(&test).join(format!("{number:064}"))).unwrap();
        file.set_modified(at).unwrap();
    }
    // The others are one event: it rings, and then its policy is kept to.
    let third = test.mail("db3", "db3 is DOWN");
    test.deliver(&third).exit(75).says("too many events to remember each").says("called David").done();
    for host in ["db3", "db4", "db5"] {
        let one_more = test.mail(host, &format!("{host} is DOWN"));
        test.deliver(&one_more).exit(75).says("too many events to remember each").says("nobody else before").done();
    }
    assert_eq!(markers(&test).len(), 1001);
    // Who has one keeps it.
    test.deliver(&mail).exit(75).says("nobody else before").done();
    assert_eq!(test.called().len(), 3);
}

#[test]
fn a_storm_without_a_store_rings_no_more_often_than_the_limits_let_it() {
    // David sleeps through two calls and answers the third; the others are not needed.
    let answers = [Phone::NoAnswer, Phone::NoAnswer, Phone::Listen, Phone::Listen, Phone::Listen, Phone::Listen];
    let mut test = without_a_store().phone(DAVID, answers).phone(DARREN, [Phone::Listen]);
    let idle = std::time::Duration::from_secs(20);
    for number in 1..=4 {
        let mail = test.mail("one of many", &format!("db{number} is DOWN"));
        test.deliver(&mail).exit(75).says("called David").done();
        assert!(test.sandbox.wait_idle(idle));
        test.advance("10s");
    }
    let mails: Vec<_> = (5..=20).map(|number| test.mail("one of many", &format!("db{number} is DOWN"))).collect();
    // Fifty deliveries at once count together.
    std::thread::scope(|scope| {
        for mail in &mails {
            let test = &test;
            scope.spawn(move || {
                test.deliver(mail)
                    .exit(75)
                    .says("David has had 3 calls in 15m, which is what `limits` lets through: nobody before")
                    .done();
            });
        }
    });
    assert_eq!(test.called(), [DAVID; 4]);
    // Nothing is lost: the mail server has them, and the next attempt after that time rings.
    test.advance("15m");
    test.deliver(&mails[0]).exit(75).says("called David").done();
    assert_eq!(test.called(), [DAVID; 5]);
}

#[test]
fn who_sleeps_through_all_that_the_limits_let_through_is_passed_over() {
    let silent = || (0..8).map(|_| Phone::NoAnswer);
    let mut test = without_a_store().phone(DAVID, silent()).phone(DARREN, [Phone::Listen]).phone(SIMON, silent());
    for number in 1..=5 {
        let mail = test.mail("one of many", &format!("db{number} is DOWN"));
        let ran = test.deliver(&mail).exit(75);
        if number == 5 {
            ran.says("David has had 3 calls in 15m, and slept through the last; called Darren").done();
        }
        assert!(test.sandbox.wait_idle(std::time::Duration::from_secs(20)));
        test.advance("10s");
    }
    assert_eq!(test.called(), [DAVID, DAVID, DAVID, DAVID, DARREN]);
}

#[test]
fn however_many_sleep_the_next_one_is_called() {
    let people = "[contacts]\n".to_owned()
        + &(1..=6).map(|n| format!("c{n} = {{ name = \"C{n}\", phone = \"+6421111100{n}\" }}\n")).collect::<String>()
        + "[groups.systems]\nmembers = [\"c1\", \"c2\", \"c3\", \"c4\", \"c5\", \"c6\"]\noncall = \"c1\"\n\
           [limits]\ncall = [\"1 per 24h\"]\n[policies.page]\nsteps = [{ notify = \"group\", by = \"call\", wait = \"5m\" }]\n";
    let mut test = Test::new().rules(&format!("{people}{DOWN}"));
    for n in 1..=6 {
        test = test.phone(&format!("+6421111100{n}"), [Phone::NoAnswer, Phone::NoAnswer, Phone::NoAnswer]);
    }
    std::fs::create_dir(test.path("thialfi.db")).unwrap();
    // A limit of one lets each be called twice, by different events; then all before the last have slept through theirs.
    for number in 1..=11 {
        let mail = test.mail("one of many", &format!("db{number} is DOWN"));
        test.deliver(&mail).exit(75).says("called C").done();
        assert!(test.sandbox.wait_idle(std::time::Duration::from_secs(20)));
        test.advance("1s");
    }
    let called = test.called();
    assert_eq!(called.last().map(String::as_str), Some("+64211111006"), "{called:?}");
}
