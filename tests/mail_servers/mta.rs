//! What is the same for every mail server: a mail rings; what `deliver` does not deal with stays in the queue and rings
//! later; nothing is lost, nothing bounces, nothing rings twice, and nothing is filed twice.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lettre::Transport as _;
use lettre::address::Envelope;
use lettre::transport::smtp::SmtpTransport;

use crate::support::{DAVID, Phone, Test, free_port, wait};

/// The user as whom thialfi runs.
pub const USER: &str = "nobody";

/// A mail server of a test's own.
pub trait Mta {
    /// Where it lives.
    fn place(&self) -> &Place;
    /// The address whose mail goes to thialfi.
    fn recipient(&self) -> &'static str;
    /// The mailbox into which a mail goes, too, where there is one.
    fn mailbox(&self) -> Option<PathBuf> {
        None
    }
    /// Has it begin to deliver what it has just taken, where it does not by itself.
    fn begin(&self) {}
    /// How many mails wait in its queue.
    fn queued(&self) -> usize;
    /// Has it try again now what waits.
    fn run_queue(&self);
    /// Its log.
    fn log(&self) -> String;
    /// What its log says of a mail that it has given up.
    fn given_up(&self) -> &'static [&'static str];

    /// Hands a mail over by SMTP.
    fn send(&self, mail: &[u8]) {
        let envelope = Envelope::new(
            Some("monitoring@sender.example.com".parse().unwrap()),
            vec![self.recipient().parse().unwrap()],
        );
        let transport = SmtpTransport::builder_dangerous("127.0.0.1").port(self.place().port).build();
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

    /// Waits until one mail is in the queue; it must stay there.
    fn wait_for_one_kept(&self) {
        wait(|| self.queued() == 1, &format!("not one mail in the queue\n{}", self.log()));
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(self.queued(), 1, "{}", self.log());
    }

    /// How many attempts failed with these words of thialfi's.
    fn failures(&self, words: &str) -> usize {
        self.log().matches(words).count()
    }

    /// Waits until there are more of these than `before`.
    fn wait_for_failure(&self, words: &str, before: usize) {
        let end = Instant::now() + Duration::from_mins(1);
        while self.failures(words) <= before {
            assert!(Instant::now() < end, "no attempt fails with `{words}`\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether this test runs as root, which starting a mail server takes; says so when not.
pub fn may_start(what: &str, programs: &[&str]) -> bool {
    if programs.iter().any(|program| !Path::new(program).exists()) {
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

/// A directory for a mail server, its port, and what of the test's own it runs and fills.
pub struct Place {
    /// A copy of thialfi that its user may run.
    pub program: PathBuf,
    pub port: u16,
    // The disk is dropped before the directory of the test, in which it is.
    disk: Option<Disk>,
    directory: tempfile::TempDir,
}

impl Place {
    /// Gives the test's directory to the user as whom thialfi runs, with a copy of the program that they may run, an empty
    /// store of theirs, and a small disk.
    pub fn of(test: &Test) -> Self {
        let program = test.path("thialfi");
        fs::copy(env!("CARGO_BIN_EXE_thialfi"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(test.path("thialfi.db"), "").unwrap();
        let disk = Disk::mount(test.path("disk"));
        for entry in fs::read_dir(test.path("")).unwrap() {
            give(&entry.unwrap().path());
        }
        give(&test.path(""));
        fs::set_permissions(test.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { program, port: free_port(), disk, directory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A directory in it that belongs to the user as whom thialfi runs.
    pub fn home(&self) -> PathBuf {
        let home = self.path("home");
        fs::create_dir_all(&home).unwrap();
        give(&home);
        home
    }

    /// A file that a shell runs.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Waits until the mail server answers.
    pub fn wait_for_it(&self, what: &str, log: impl Fn() -> String) {
        let answers = || std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        let end = Instant::now() + Duration::from_mins(1);
        while !answers() {
            assert!(Instant::now() < end, "{what} does not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Gives a file to the user as whom thialfi runs.
pub fn give(path: &Path) {
    let (user, group) = ids(USER);
    chown(path, Some(user), Some(group)).unwrap();
}

/// A disk of two megabytes, unmounted when it is dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(path: PathBuf) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let said = output("mount", &["-t", "tmpfs", "-o", "size=2m,mode=777", "tmpfs", path.to_str().unwrap()]);
        if said.is_empty() {
            return Some(Self(path));
        }
        eprintln!("no disk can be made here ({})", said.trim());
        None
    }

    /// Leaves no room.
    fn fill(&self) {
        assert!(fs::write(self.0.join("filling"), vec![0_u8; 4_000_000]).is_err(), "the disk is not full");
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filling")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        output("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

/// The `examples/` file, which leads to this program and the test's rule file.
pub fn example(test: &Test, name: &str, program: &Path) -> String {
    let text = shipped(name);
    assert!(text.contains("/usr/local/bin/thialfi"), "{name}");
    text.replace("/usr/local/bin/thialfi", program.to_str().unwrap())
        .replace("/etc/thialfi/rules.toml", test.path("rules.toml").to_str().unwrap())
        .replace("$HOME/.config/thialfi/rules.toml", test.path("rules.toml").to_str().unwrap())
}

/// The `examples/` file as it is.
pub fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).unwrap()
}

/// Runs a program; what it says.
pub fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// People who take what they are called for.
pub fn test() -> Test {
    Test::with_people().phone(DAVID, [Phone::press(["1"])])
}

/// Everything below, one after the other, over one mail server.
pub fn loses_nothing(test: &mut Test, mta: &dyn Mta) {
    a_mail_rings(test, mta);
    what_fails_stays_and_rings_later(test, mta);
    what_is_killed_stays_and_rings_once(test, mta);
    what_finds_the_store_locked_rings_once(test, mta);
    what_finds_no_program_stays_and_rings_later(test, mta);
    what_finds_the_disk_full_rings_and_is_on_disk_later(test, mta);
    let log = mta.log();
    for words in mta.given_up() {
        assert!(!log.contains(words), "`{words}` is in the log:\n{log}");
    }
    let Some(mailbox) = mta.mailbox() else { return };
    let mailbox = fs::read_to_string(&mailbox).unwrap_or_else(|error| panic!("{}: {error}", mailbox.display()));
    for subject in ["db1", "web1", "db7", "db8", "db2", "db9"] {
        let filed = mailbox.matches(&format!("\nSubject: {subject}\n")).count();
        let expected = usize::from(subject != "db9" || mta.place().disk.is_some());
        assert_eq!(filed, expected, "{subject} in the mailbox:\n{mailbox}\n{log}");
    }
}

/// A mail rings, and the mail server is done with it.
fn a_mail_rings(test: &mut Test, mta: &dyn Mta) {
    test.start_server();
    let mail = test.mail("db1", "db1 is DOWN");
    mta.send(&mail);
    is_taken(test, mta, "db1", 1);
}

/// The alert of this subject is acknowledged by one call, the last of so many in all, and the mail server is done with it.
fn is_taken(test: &mut Test, mta: &dyn Mta, subject: &str, calls: usize) {
    let taken =
        |test: &Test| test.alerts().iter().any(|alert| alert["subject"] == subject && alert["state"] == "acknowledged");
    for _ in 0..200 {
        if taken(test) {
            break;
        }
        mta.run_queue();
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(taken(test), "{subject} is not acknowledged: {:?}\n{}", test.alerts(), mta.log());
    mta.wait_until_empty();
    test.let_it_turn();
    assert_eq!(test.calls().len(), calls, "{:?}\n{}", test.called(), mta.log());
    // The next one must not find a limit reached.
    test.advance("2h");
}

/// What cannot be dealt with stays in the queue, and rings once when it can.
fn what_fails_stays_and_rings_later(test: &mut Test, mta: &dyn Mta) {
    let (rules, calls) = (fs::read(test.path("rules.toml")).unwrap(), test.calls().len());
    fs::write(test.path("rules.toml"), "broken [").unwrap();
    let mail = test.mail("web1", "web1 is DOWN");
    let words = "the rule file cannot be used";
    let before = mta.failures(words);
    mta.send(&mail);
    mta.wait_for_failure(words, before);
    mta.run_queue();
    mta.wait_for_one_kept();
    fs::write(test.path("rules.toml"), rules).unwrap();
    is_taken(test, mta, "web1", calls + 1);
}

/// `deliver` killed while it waits for the provider: the mail stays, and rings no second time when it comes again.
fn what_is_killed_stays_and_rings_once(test: &mut Test, mta: &dyn Mta) {
    let calls = test.calls().len();
    // An engine would take the call over.
    test.stop_server();
    // The first call is placed, and its answer comes only when nobody waits for it any more.
    test.sandbox.phone(DAVID, [Phone::Slow(120), Phone::press(["1"])]);
    let mail = test.mail("db7", "db7 is DOWN");
    mta.send(&mail);
    let placed = || test.calls().len() == calls + 1 && !deliveries(test).is_empty();
    wait(placed, &format!("deliver places no call\n{}", mta.log()));
    for process in deliveries(test) {
        output("kill", &["-KILL", &process.to_string()]);
    }
    mta.wait_for_one_kept();
    // Its claim expires, and the provider is asked.
    test.start_server();
    test.advance("3m");
    mta.wait_until_empty();
    test.let_it_turn();
    let alerts = test.alerts();
    let alert = alerts.iter().find(|alert| alert["subject"] == "db7").unwrap_or_else(|| panic!("{alerts:?}"));
    let id = alert["id"].to_string();
    assert_eq!(test.calls().len(), calls + 1, "{}", test.story(id.parse().unwrap()));
    // Nobody was there to hear the key.
    test.run(&["alerts", "ack", &id], b"").exit(0).done();
    test.sandbox.phone(DAVID, [Phone::press(["1"])]);
    test.advance("2h");
}

/// The processes that deliver a mail of this test.
fn deliveries(test: &Test) -> Vec<u32> {
    let rules = test.path("rules.toml");
    let is_one = |process: &u32| {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let mut arguments = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        arguments.next().is_some_and(|program| program.ends_with("/thialfi"))
            && arguments.any(|argument| Path::new(&*argument) == rules)
    };
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    processes.filter(is_one).collect()
}

/// A store that somebody else has locked for a while: `deliver` waits for it.
fn what_finds_the_store_locked_rings_once(test: &mut Test, mta: &dyn Mta) {
    let calls = test.calls().len();
    let mail = test.mail("db8", "db8 is DOWN");
    let store = rusqlite::Connection::open(test.path("thialfi.db")).unwrap();
    store.busy_timeout(Duration::from_secs(30)).unwrap();
    store.execute_batch("BEGIN EXCLUSIVE").unwrap();
    mta.send(&mail);
    wait(|| !deliveries(test).is_empty(), &format!("deliver does not run\n{}", mta.log()));
    mta.wait_for_one_kept();
    assert_eq!(test.calls().len(), calls, "{}", mta.log());
    store.execute_batch("ROLLBACK").unwrap();
    drop(store);
    is_taken(test, mta, "db8", calls + 1);
}

/// No program for a moment, as while it is replaced.
fn what_finds_no_program_stays_and_rings_later(test: &mut Test, mta: &dyn Mta) {
    let (program, calls) = (&mta.place().program, test.calls().len());
    let away = program.with_extension("away");
    fs::rename(program, &away).unwrap();
    let attempts = || {
        let log = mta.log();
        ["not found", "No such file", "Failure to execute", "returned 75"].map(|words| log.matches(words).count())
    };
    let before = attempts();
    let mail = test.mail("db2", "db2 is DOWN");
    mta.send(&mail);
    wait(|| attempts() != before, "nothing tries to start thialfi");
    mta.wait_for_one_kept();
    fs::rename(&away, program).unwrap();
    is_taken(test, mta, "db2", calls + 1);
}

/// A disk without room: the first person is called all the same, and the alert is on disk once there is room.
fn what_finds_the_disk_full_rings_and_is_on_disk_later(test: &mut Test, mta: &dyn Mta) {
    let Some(disk) = &mta.place().disk else {
        eprintln!("without a disk: skipped");
        return;
    };
    test.stop_server();
    let calls = test.calls().len();
    let rules = fs::read_to_string(test.path("rules.toml")).unwrap();
    fs::write(test.path("rules.toml"), rules.replace("thialfi.db", "disk/thialfi.db")).unwrap();
    disk.fill();
    let mail = test.mail("db9", "db9 is DOWN");
    // "the disk is full; free some space, nothing else is needed; called David all the same"
    let words = "all the same";
    let before = mta.failures(words);
    mta.send(&mail);
    mta.wait_for_failure(words, before);
    // Another attempt, and no other call: who was called is remembered beside the store.
    let words = "nobody else before";
    let before = mta.failures(words);
    // Again and again: a queue run passes over a mail that another one has in hand.
    let tries_again = || {
        mta.run_queue();
        mta.failures(words) > before
    };
    wait(tries_again, &format!("no attempt fails with `{words}`"));
    mta.wait_for_one_kept();
    assert_eq!(test.calls().len(), calls + 1, "{:?}", test.called());
    disk.make_room();
    let on_disk = |test: &Test| {
        mta.run_queue();
        test.alerts().iter().any(|alert| alert["subject"] == "db9")
    };
    test.wait_until(on_disk, "not on disk");
    test.start_server();
    mta.wait_until_empty();
    test.stop_server();
}
