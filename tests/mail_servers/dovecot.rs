//! Sieve: Dovecot's LDA with Pigeonhole, run by Postfix for a local user, with the shipped script; and what Pigeonhole makes
//! of a program that it runs itself, which is why the script runs none.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::mta::{self, Place, give, output, shipped};
use super::postfix::{Filter, LOCAL, Postfix};
use crate::support::{MailServer, Ran, Test, Turn, fed, free_port};

/// Where `tests/run` unpacks the two packages.
const UNPACKED: [&str; 2] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/target/mail-servers/dovecot-core/usr"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/target/mail-servers/dovecot-sieve/usr"),
];

/// Dovecot's LDA in a place, for the user as whom thialfi runs.
struct Lda {
    command: PathBuf,
    mailbox: PathBuf,
    script: PathBuf,
}

impl Lda {
    /// With the shipped script, and a mail server at this port to which it redirects.
    fn at(place: &Place, port: u16) -> Self {
        let (home, here) = (place.home(), place.path(""));
        // Both packages in one directory, as if they were installed, where that user can read it.
        for package in UNPACKED {
            output("cp", &["-a", "-T", &format!("{package}/lib/dovecot"), place.path("lib").to_str().unwrap()]);
        }
        fs::copy(format!("{}/bin/doveconf", UNPACKED[0]), place.path("doveconf")).unwrap();
        let script = home.join("script.sieve");
        fs::write(&script, shipped("sieve")).unwrap();
        give(&script);
        fs::create_dir(place.path("bin")).unwrap();
        fs::write(
            place.path("dovecot.conf"),
            format!(
                "default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = nogroup\nssl = no\n\
                 log_path = /dev/stderr\nstats_writer_socket_path =\nhostname = mail.example.com\n\
                 mail_location = mbox:{home}/mail:INBOX={home}/mailbox\nmail_plugin_dir = {here}/lib/modules\n\
                 submission_host = 127.0.0.1:{port}\nprotocol lda {{\n  mail_plugins = sieve\n}}\nplugin {{\n  \
                 sieve = file:{script}\n  sieve_redirect_duplicate_period = 1s\n  sieve_plugins = sieve_extprograms\n  \
                 sieve_plugin_dir = {here}/lib/modules/sieve\n  sieve_pipe_bin_dir = {here}/bin\n  \
                 sieve_extensions = +vnd.dovecot.pipe\n}}\n",
                user = mta::USER,
                home = home.display(),
                here = here.display(),
                script = script.display(),
            ),
        )
        .unwrap();
        // What `dovecot-lda -c` does by itself where Dovecot is installed: doveconf reads the file, and starts it.
        let command = place.script(
            "lda",
            &format!(
                "export HOME={home} LD_LIBRARY_PATH={here}/lib; cd {home}\n\
                 exec {here}/doveconf -f service=lda -m lda -c {here}/dovecot.conf -e {here}/lib/dovecot-lda \
                 -f monitoring@sender.example.com -a {LOCAL}",
                home = home.display(),
                here = here.display()
            ),
        );
        Self { command, mailbox: home.join("mailbox"), script }
    }

    /// Delivers a mail, as a mail server would.
    fn deliver(&self, mail: &[u8]) -> Ran {
        let (user, group) = mta::ids(mta::USER);
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", &user.to_string(), "--regid", &group.to_string(), "--clear-groups"])
            .arg(&self.command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        fed(&mut command, mail)
    }

    /// How many mails are in the mailbox.
    fn filed(&self) -> usize {
        fs::read_to_string(&self.mailbox).unwrap_or_default().matches("\nSubject: ").count()
    }
}

fn may_start() -> bool {
    mta::may_start("Dovecot with Pigeonhole", &UNPACKED)
}

#[test]
fn sieve_under_postfix_loses_nothing_and_files_each_mail_once() {
    let mut test = mta::test();
    if !may_start() || !mta::may_start("Postfix", &["/usr/sbin/postfix"]) {
        return;
    }
    let place = Place::of(&test);
    let lda = Lda::at(&place, place.port);
    let filter = Filter { command: lda.command, mailbox: lda.mailbox, failure: None };
    let postfix = Postfix::start_at(place, &test, LOCAL, Some(filter));
    mta::loses_nothing(&mut test, &postfix);
}

#[test]
fn what_sieve_cannot_redirect_is_not_filed_but_kept() {
    let mut test = Test::with_people();
    if !may_start() {
        return;
    }
    let place = Place::of(&test);
    let server = MailServer::doing(&[
        Turn::Answer("greeting", "421 not now"),
        Turn::Answer("RCPT", "451 not now"),
        Turn::Drop("DATA"),
        Turn::Accept,
        Turn::Answer("RCPT", "550 no such user"),
    ]);
    let lda = Lda::at(&place, server.port);
    let mail = test.mail("db1", "db1 is DOWN");
    for _ in 0..3 {
        lda.deliver(&mail).exit(75).says("temporary failure").done();
    }
    assert_eq!(lda.filed(), 0, "filed, and filed again when it comes again");
    lda.deliver(&mail).exit(0).done();
    assert_eq!((lda.filed(), server.received().len()), (1, 1));
    // An address that the mail server does not know is no reason to keep a mail.
    lda.deliver(&test.mail("db2", "db2 is DOWN")).exit(0).says("permanent failure").done();
    assert_eq!(lda.filed(), 2);
}

#[test]
fn of_what_thialfi_sends_sieve_redirects_the_self_test_alone() {
    let mut test = Test::with_people();
    if !may_start() {
        return;
    }
    let place = Place::of(&test);
    let server = MailServer::start();
    let lda = Lda::at(&place, server.port);
    for (fields, redirected) in
        [("X-Thialfi-Loop: self-test\r\nX-Thialfi-Self-Test: 1\r\n", 1), ("X-Thialfi-Loop: alerts.example.com\r\n", 1)]
    {
        let mail = [fields.as_bytes(), &test.mail("db1", "db1 is DOWN")].concat();
        lda.deliver(&mail).exit(0).done();
        assert_eq!(server.received().len(), redirected, "{fields}");
    }
    assert_eq!(lda.filed(), 2);
}

/// What the shipped script says of Pigeonhole's memory of redirected mails.
#[test]
fn sieve_redirects_a_message_id_once_in_its_period_and_nothing_where_it_cannot_remember_it() {
    let mut test = Test::with_people();
    if !may_start() {
        return;
    }
    let place = Place::of(&test);
    let server = MailServer::start();
    let lda = Lda::at(&place, server.port);
    let mail = test.mail("db1", "db1 is DOWN");
    lda.deliver(&mail).exit(0).done();
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    lda.deliver(&mail).exit(0).done();
    assert_eq!(server.received().len(), 2, "a second is over");
    let configuration = fs::read_to_string(place.path("dovecot.conf")).unwrap();
    let usual = configuration.replace("  sieve_redirect_duplicate_period = 1s\n", "");
    assert_ne!(usual, configuration);
    fs::write(place.path("dovecot.conf"), usual).unwrap();
    let mail = test.mail("db2", "db2 is DOWN");
    lda.deliver(&mail).exit(0).done();
    std::thread::sleep(std::time::Duration::from_millis(2_500));
    lda.deliver(&mail).exit(0).says("discarded duplicate").done();
    assert_eq!(server.received().len(), 3, "twelve hours are not over");
    let command = fs::read_to_string(&lda.command).unwrap();
    fs::write(&lda.command, command.replace("export HOME=", "export HOME=/nonexistent")).unwrap();
    lda.deliver(&test.mail("db3", "db3 is DOWN")).exit(0).says("failed to check for duplicate").done();
    assert_eq!((lda.filed(), server.received().len()), (5, 3));
}

/// The reason why the shipped script runs no program. Should this fail one day, it could.
#[test]
fn what_a_program_run_by_sieve_fails_on_counts_as_delivered() {
    let mut test = Test::with_people();
    if !may_start() {
        return;
    }
    let place = Place::of(&test);
    let lda = Lda::at(&place, free_port());
    for (filed, end) in ["exit 75", "exit 1", "kill -KILL $$"].into_iter().enumerate() {
        place.script("bin/program", &format!("cat >/dev/null; {end}"));
        fs::write(&lda.script, "require [\"vnd.dovecot.pipe\", \"copy\"];\npipe :copy \"program\";\n").unwrap();
        lda.deliver(&test.mail("db1", "db1 is DOWN")).exit(0).says("implicit keep").done();
        assert_eq!(lda.filed(), filed + 1, "{end}");
    }
}
