//! The files for mail servers, under the real programs. A program that is not installed is skipped, and the test says so;
//! `tests/run` installs them.

mod dovecot;
mod exim;
mod filters;
mod mta;
mod opensmtpd;
mod postfix;

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{DAVID, Phone, Test, ran};

/// Runs procmail with the shipped recipe, which leads to our binary and our rule file.
fn procmail(test: &Test, mail: &[u8]) -> Option<crate::support::Ran> {
    if Command::new("procmail").arg("-v").stderr(Stdio::null()).stdout(Stdio::null()).status().is_err() {
        eprintln!("procmail is not installed: skipped");
        return None;
    }
    let recipe = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/procmailrc")).unwrap();
    let recipe = recipe
        .replace("/usr/local/bin/thialfi", env!("CARGO_BIN_EXE_thialfi"))
        .replace("$HOME/.config/thialfi/rules.toml", test.path("rules.toml").to_str().unwrap());
    assert!(recipe.contains("rules.toml") && recipe.contains(":0e"));
    let clock = format!("THIALFI_CLOCK_FILE={}\n", test.path("clock").display());
    let head = format!("DEFAULT={}\nSHELL=/bin/sh\n{clock}", test.path("mailbox").display());
    std::fs::write(test.path("procmailrc"), format!("{head}{recipe}")).unwrap();
    let mut child = Command::new("procmail")
        .args(["-m", test.path("procmailrc").to_str().unwrap()])
        .env("HOME", test.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(mail).expect("procmail did not read the mail");
    drop(stdin);
    Some(ran(&child.wait_with_output().unwrap()))
}

#[test]
fn procmail_delivers_rings_and_files_the_mail() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    let Some(ran) = procmail(&test, &mail) else { return };
    ran.exit(0).done();
    test.wait_for_state("acknowledged");
    let mailbox = std::fs::read_to_string(test.path("mailbox")).unwrap();
    assert!(mailbox.contains("db1 is DOWN"), "the mail is not in the mailbox");
}

#[test]
fn procmail_passes_75_on_so_that_the_mail_server_keeps_the_mail() {
    let mut test = Test::with_people();
    std::fs::write(test.path("rules.toml"), "broken [").unwrap();
    let mail = test.mail("db1", "db1 is DOWN");
    let Some(ran) = procmail(&test, &mail) else { return };
    ran.exit(75).done();
    assert!(!test.path("mailbox").exists(), "the mail was filed although the mail server will deliver it again");
    // And a large mail that nobody reads to its end would break the pipe.
    let mut large = mail;
    large.extend(std::iter::repeat_n(b"0123456789\n", 300_000).flatten());
    let Some(ran) = procmail(&test, &large) else { return };
    ran.exit(75).done();
}

/// Runs maildrop with the shipped filter, which leads to our binary and our rule file.
fn maildrop(test: &Test, mail: &[u8]) -> Option<crate::support::Ran> {
    if Command::new("maildrop").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("maildrop is not installed: skipped");
        return None;
    }
    let filter = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/mailfilter")).unwrap();
    let filter = filter
        .replace("/usr/local/bin/thialfi", env!("CARGO_BIN_EXE_thialfi"))
        .replace("$HOME/.config/thialfi/rules.toml", test.path("rules.toml").to_str().unwrap());
    let path = test.path("mailfilter");
    std::fs::write(&path, format!("DEFAULT=\"{}\"\n{filter}", test.path("mailbox").display())).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut child = Command::new("maildrop")
        .arg(&path)
        .env("HOME", test.path(""))
        .env("THIALFI_CLOCK_FILE", test.path("clock"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(mail).expect("maildrop did not read the mail");
    drop(stdin);
    Some(ran(&child.wait_with_output().unwrap()))
}

#[test]
fn maildrop_delivers_rings_and_files_the_mail() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    let Some(ran) = maildrop(&test, &mail) else { return };
    ran.exit(0).done();
    test.wait_for_state("acknowledged");
    let mailbox = std::fs::read_to_string(test.path("mailbox")).unwrap();
    assert!(mailbox.contains("db1 is DOWN"), "the mail is not in the mailbox");
}

#[test]
fn maildrop_keeps_the_mail_in_the_queue_and_does_not_file_it_before() {
    let mut test = Test::with_people();
    std::fs::write(test.path("rules.toml"), "broken [").unwrap();
    let mail = test.mail("db1", "db1 is DOWN");
    let Some(ran) = maildrop(&test, &mail) else { return };
    ran.exit(75).done();
    assert!(!test.path("mailbox").exists(), "the mail was filed although the mail server will deliver it again");
}
