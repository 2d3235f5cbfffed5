//! procmail and maildrop, alone and run by Postfix for a local user: what they make of thialfi's end reaches the queue, and a
//! mail is filed once, when thialfi has it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::mta::{self, Place, example, give};
use super::postfix::{Filter, LOCAL, Postfix};
use crate::support::{DAVID, Phone, Ran, Test, fed};

/// The shipped recipe in a directory, which leads to the program and to the test's rule file.
fn procmailrc(test: &Test, directory: &Path, program: &Path) -> PathBuf {
    let path = directory.join("procmailrc");
    // procmail clears its environment.
    let head = format!(
        "HOME={home}\nDEFAULT={home}/mailbox\nSHELL=/bin/sh\nTHIALFI_CLOCK_FILE={clock}\n",
        home = directory.display(),
        clock = test.path("clock").display()
    );
    let recipe = example(test, "procmailrc", program);
    assert!(recipe.contains("rules.toml") && recipe.contains(":0e"));
    fs::write(&path, head + &recipe).unwrap();
    path
}

/// The shipped filter, the same way.
fn mailfilter(test: &Test, directory: &Path, program: &Path) -> PathBuf {
    let path = directory.join("mailfilter");
    let head = format!("DEFAULT=\"{}/mailbox\"\nSHELL=\"/bin/sh\"\n", directory.display());
    fs::write(&path, head + &example(test, "mailfilter", program)).unwrap();
    // maildrop reads no filter that others can write to.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Runs one of the two with its rules, as whoever runs the test; `None` where it is not installed.
fn run(test: &Test, name: &str, rules: fn(&Test, &Path, &Path) -> PathBuf, mail: &[u8]) -> Option<Ran> {
    if Command::new(name).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("{name} is not installed: skipped");
        return None;
    }
    let mut command = Command::new(name);
    command
        .arg(rules(test, &test.path(""), Path::new(env!("CARGO_BIN_EXE_thialfi"))))
        .env("HOME", test.path(""))
        .env("THIALFI_CLOCK_FILE", test.path("clock"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Some(fed(&mut command, mail))
}

/// A mail rings and is filed.
fn rings_and_files(name: &str, rules: fn(&Test, &Path, &Path) -> PathBuf) {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    let Some(ran) = run(&test, name, rules, &mail) else { return };
    ran.exit(0).done();
    test.wait_for_state("acknowledged");
    let mailbox = fs::read_to_string(test.path("mailbox")).unwrap();
    assert!(mailbox.contains("db1 is DOWN"), "the mail is not in the mailbox");
}

/// With a broken rule file it ends with 75 and files nothing: the mail server will deliver the mail again.
fn keeps_and_does_not_file(name: &str, rules: fn(&Test, &Path, &Path) -> PathBuf) {
    let mut test = Test::with_people();
    fs::write(test.path("rules.toml"), "broken [").unwrap();
    let mail = test.mail("db1", "db1 is DOWN");
    // A large mail that nobody reads to its end would break the pipe.
    let large = [mail.as_slice(), &b"0123456789\n".repeat(300_000)].concat();
    for mail in [mail, large] {
        let Some(ran) = run(&test, name, rules, &mail) else { return };
        ran.exit(75).done();
    }
    assert!(!test.path("mailbox").exists(), "the mail was filed although the mail server will deliver it again");
}

#[test]
fn procmail_delivers_rings_and_files_the_mail() {
    rings_and_files("procmail", procmailrc);
}

#[test]
fn procmail_keeps_the_mail_in_the_queue_and_does_not_file_it_before() {
    keeps_and_does_not_file("procmail", procmailrc);
}

#[test]
fn maildrop_delivers_rings_and_files_the_mail() {
    rings_and_files("maildrop", mailfilter);
}

#[test]
fn maildrop_keeps_the_mail_in_the_queue_and_does_not_file_it_before() {
    keeps_and_does_not_file("maildrop", mailfilter);
}

#[test]
fn procmail_under_postfix_loses_nothing_and_files_each_mail_once() {
    let programs = ["/usr/bin/procmail", "/usr/sbin/postfix"];
    if mta::may_start("procmail under Postfix", &programs) {
        // procmail swallows what the program prints.
        loses_nothing("exec /usr/bin/procmail", procmailrc, Some("Program failure (75)"));
    }
}

#[test]
fn maildrop_under_postfix_loses_nothing_and_files_each_mail_once() {
    let programs = ["/usr/bin/maildrop", "/usr/sbin/postfix"];
    if mta::may_start("maildrop under Postfix", &programs) {
        loses_nothing("HOME=$(dirname \"$0\")/home exec /usr/bin/maildrop", mailfilter, None);
    }
}

fn loses_nothing(command: &str, rules: fn(&Test, &Path, &Path) -> PathBuf, failure: Option<&'static str>) {
    let mut test = mta::test();
    let place = Place::of(&test);
    let home = place.home();
    let rules = rules(&test, &home, &place.program);
    give(&rules);
    let command = place.script("filter", &format!("{command} {}", rules.display()));
    let filter = Filter { command, mailbox: home.join("mailbox"), failure };
    let postfix = Postfix::start_at(place, &test, LOCAL, Some(filter));
    mta::loses_nothing(&mut test, &postfix);
}
