//! What is the same for every mail server: a mail rings; what `deliver` does not deal with stays in the queue and rings
//! later; nothing is lost, nothing bounces, nothing rings twice.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use lettre::Transport as _;
use lettre::address::Envelope;
use lettre::transport::smtp::SmtpTransport;

use crate::support::{DAVID, Phone, Test, wait};

/// The user as whom thialfi runs, and their number.
pub const USER: &str = "nobody";

/// A mail server of a test's own.
pub trait Mta {
    /// The port on loopback at which it takes mail.
    fn port(&self) -> u16;
    /// The address whose mail goes to thialfi.
    fn recipient(&self) -> &'static str;
    /// Has it begin to deliver what it has just taken, where it does not by itself.
    fn begin(&self) {}
    /// How many mails wait in its queue.
    fn queued(&self) -> usize;
    /// Has it try again now what waits.
    fn run_queue(&self);
    /// Its log.
    fn log(&self) -> String;

    /// Hands a mail over by SMTP.
    fn send(&self, mail: &[u8]) {
        let envelope = Envelope::new(
            Some("monitoring@sender.example.com".parse().unwrap()),
            vec![self.recipient().parse().unwrap()],
        );
        let transport = SmtpTransport::builder_dangerous("127.0.0.1").port(self.port()).build();
        transport.send_raw(&envelope.unwrap(), mail).unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
        self.begin();
    }

    /// Waits until nothing is in the queue, trying it again and again.
    fn wait_until_empty(&self) {
        for _ in 0..200 {
            if self.queued() == 0 {
                return;
            }
            self.run_queue();
            std::thread::sleep(Duration::from_millis(300));
        }
        panic!("a mail is still in the queue\n{}", self.log());
    }

    /// Waits for these words in the log.
    fn wait_for_log(&self, words: &str) {
        wait(|| self.log().contains(words), &format!("`{words}` is not in the log"));
    }
}

/// Whether this test runs as root, which starting a mail server takes; says so when not.
pub fn may_start(what: &str, program: &str) -> bool {
    if !Path::new(program).exists() {
        eprintln!("{what} is not installed: skipped");
        return false;
    }
    let root = fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
    if !root {
        eprintln!("{what} can be started by root alone: skipped");
    }
    root
}

/// The numbers of a user and their group.
pub fn ids(user: &str) -> (u32, u32) {
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.split(':').next() == Some(user)).unwrap();
    let mut fields = line.split(':').skip(2).map(|field| field.parse().unwrap());
    (fields.next().unwrap(), fields.next().unwrap())
}

/// Gives the test's directory to the user as whom thialfi runs, with a copy of the program that they may run, and an empty
/// store of theirs. Returns the program.
pub fn prepare(test: &Test) -> PathBuf {
    let program = test.path("thialfi");
    fs::copy(env!("CARGO_BIN_EXE_thialfi"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(test.path("thialfi.db"), "").unwrap();
    let directory = test.path("");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    let (user, group) = ids(USER);
    chown(&directory, Some(user), Some(group)).unwrap();
    for entry in fs::read_dir(&directory).unwrap() {
        chown(entry.unwrap().path(), Some(user), Some(group)).unwrap();
    }
    program
}

/// The `examples/` file, which leads to this program and the test's rule file.
pub fn example(test: &Test, name: &str, program: &Path) -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).unwrap();
    assert!(text.contains("/usr/local/bin/thialfi"), "{name}");
    text.replace("/usr/local/bin/thialfi", program.to_str().unwrap())
        .replace("/etc/thialfi/rules.toml", test.path("rules.toml").to_str().unwrap())
        .replace("$HOME/.config/thialfi/rules.toml", test.path("rules.toml").to_str().unwrap())
}

/// Runs a program; its standard output.
pub fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A mail rings, and the mail server is done with it.
pub fn a_mail_rings(test: &mut Test, mta: &dyn Mta) {
    test.start_server();
    let mail = test.mail("db1", "db1 is DOWN");
    mta.send(&mail);
    test.wait_for_state("acknowledged");
    mta.wait_until_empty();
    test.wait_for_calls_only(&[DAVID]);
}

/// What cannot be dealt with stays in the queue, and rings once when it can.
pub fn what_fails_stays_and_rings_later(test: &mut Test, mta: &dyn Mta) {
    let (rules, calls) = (fs::read(test.path("rules.toml")).unwrap(), test.calls().len());
    fs::write(test.path("rules.toml"), "broken [").unwrap();
    let mail = test.mail("web1", "web1 is DOWN");
    mta.send(&mail);
    mta.wait_for_log("the rule file cannot be used");
    mta.run_queue();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(mta.queued(), 1, "{}", mta.log());
    fs::write(test.path("rules.toml"), rules).unwrap();
    mta.wait_until_empty();
    test.wait_until(|test| test.alerts().iter().any(|alert| alert["subject"] == "web1"), "no alert");
    test.wait_until(|test| test.calls().len() == calls + 1, "not one call more");
}

/// `deliver` killed while it waits for the provider: the mail stays, and rings no second time when it comes again.
pub fn what_is_killed_stays_and_rings_once(test: &mut Test, mta: &dyn Mta) {
    let calls = test.calls().len();
    // An engine would take the call over.
    test.stop_server();
    // The first call is placed, and its answer never comes.
    test.sandbox.phone(DAVID, [Phone::Slow(30), Phone::press(["1"])]);
    let mail = test.mail("db7", "db7 is DOWN");
    mta.send(&mail);
    let config = format!("--config {}", test.path("rules.toml").display());
    wait(|| !output("pgrep", &["-f", &format!("{config} deliver")]).is_empty(), "deliver does not run");
    test.wait_until(|test| test.alerts().iter().any(|alert| alert["subject"] == "db7"), "nothing is on disk");
    output("pkill", &["-KILL", "-f", &format!("{config} deliver")]);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(mta.queued(), 1, "{}", mta.log());
    // Its claim expires, and the provider is asked.
    test.start_server();
    test.advance("3m");
    mta.wait_until_empty();
    test.let_it_turn();
    assert_eq!(test.calls().len(), calls + 1, "{}", test.story(3));
}

/// A store that somebody else has locked for a while: `deliver` waits for it.
pub fn what_finds_the_store_locked_rings_once(test: &mut Test, mta: &dyn Mta) {
    test.start_server();
    let mail = test.mail("db8", "db8 is DOWN");
    let store = rusqlite::Connection::open(test.path("thialfi.db")).unwrap();
    store.execute_batch("BEGIN EXCLUSIVE").unwrap();
    mta.send(&mail);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((mta.queued(), test.calls().len()), (1, 0), "{}", mta.log());
    store.execute_batch("ROLLBACK").unwrap();
    drop(store);
    mta.wait_until_empty();
    test.wait_for_calls_only(&[DAVID]);
    test.stop_server();
}

/// A disk without room: the first person is called all the same, and the alert is on disk once there is room.
pub fn what_finds_the_disk_full_rings_and_is_on_disk_later(test: &mut Test, mta: &dyn Mta) {
    let disk = test.path("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = output("mount", &["-t", "tmpfs", "-o", "size=600k,mode=777", "tmpfs", disk.to_str().unwrap()]);
    if !mounted.is_empty() {
        eprintln!("no disk can be made here ({}): skipped", mounted.trim());
        return;
    }
    let calls = test.calls().len();
    let rules = fs::read_to_string(test.path("rules.toml")).unwrap();
    fs::write(test.path("rules.toml"), rules.replace("thialfi.db", "disk/thialfi.db")).unwrap();
    let filled = fs::write(disk.join("filling"), vec![0_u8; 1_000_000]);
    assert!(filled.is_err(), "the disk is not full");
    let mail = test.mail("db9", "db9 is DOWN");
    mta.send(&mail);
    mta.wait_for_log("the disk is full");
    mta.run_queue();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(mta.queued(), 1, "{}", mta.log());
    // Nothing can be remembered: each attempt calls.
    let attempts = mta.log().matches("all the same").count();
    test.wait_until(|test| test.calls().len() >= calls + attempts, "not called at each attempt");
    fs::remove_file(disk.join("filling")).unwrap();
    fs::write(test.path("rules.toml"), rules.replace("thialfi.db", "disk/thialfi.db")).unwrap();
    test.wait_until(
        |test| {
            mta.run_queue();
            !test.alerts().is_empty()
        },
        "not on disk",
    );
    output("umount", &["-l", disk.to_str().unwrap()]);
}
