//! A storm over the real binary: mails of as many events, 50 deliveries at once, beside an engine with the limits of a rule
//! file that says nothing of limits; then the same number of mails of one event. What it promises is checked, not only
//! measured: no delivery fails, each mail is on disk, and each alert was told to somebody, or is held where one can see it,
//! until a human takes it. How soon the first call came is printed and not asserted: other work on the machine is no fault
//! of ours.
//!
//! ```sh
//! cargo bench --bench storm              # 10,000 mails
//! cargo bench --bench storm -- 500       # or so many
//! ```
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use thialfi::alert::{Alert, Notification, State};
use thialfi::clock::FileClock;
use thialfi::provider::sandbox::{Behaviour, Options, Sandbox};
use thialfi::store::{Filter, Sqlite, Store as _};

const MAILS: usize = 10_000;
const AT_ONCE: usize = 50;
/// The provider should be asked for the first call within this time of the first mail.
const FIRST_CALL: Duration = Duration::from_secs(1);
const SID: &str = "AC00000000000000000000000000000001";
const DAVID: &str = "+64211110001";
const DARREN: &str = "+64211110002";

fn main() {
    let mails = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(MAILS);
    println!("{mails} mails of as many events, {AT_ONCE} at once");
    let stage = Stage::open();
    let storm = stage.deliver(mails, |number| number);
    storm.tell();
    assert_eq!(storm.statuses, BTreeMap::from([(Some(0), mails)]), "each delivery ends with 0");
    stage.tell_of_the_first_calls(mails);
    stage.wake_david(mails);
    drop(stage);

    println!("\n{mails} mails of one event, {AT_ONCE} at once");
    let stage = Stage::open();
    stage.sandbox.phone(DAVID, [Behaviour::press(["1"])]);
    let storm = stage.deliver(mails, |_| 1);
    storm.tell();
    assert_eq!(storm.statuses, BTreeMap::from([(Some(0), mails)]), "each delivery ends with 0");
    let acknowledged = || stage.alerts().iter().all(|alert| alert.state == State::Acknowledged);
    wait(acknowledged, "the one alert is not taken");
    let alerts = stage.alerts();
    println!("  alerts {}, mails of it {}", alerts.len(), alerts[0].mails);
    stage.tell_of_notifications();
    assert_eq!((alerts.len(), alerts[0].mails as usize), (1, mails));
    assert_eq!(stage.sandbox.calls().len(), 1, "one event is one call");
}

/// A directory, a telephone network, a clock that can be moved, and an engine.
struct Stage {
    directory: tempfile::TempDir,
    sandbox: Sandbox,
    clock: Clock,
    engine: Child,
    complained: AtomicBool,
    /// When the first mail had been handed over.
    first_mail: OnceLock<Instant>,
}

impl Stage {
    fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::start(directory.path().join("clock"));
        let sandbox = Sandbox::start(Options {
            account_sid: SID.to_owned(),
            clock: Arc::new(FileClock::new(directory.path().join("clock"))),
            ..Options::default()
        })
        .unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(directory.path().join("token"), "sandbox").unwrap();
        std::fs::set_permissions(directory.path().join("token"), std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(directory.path().join("rules.toml"), rules(&sandbox.url(), port)).unwrap();
        let mut engine = command(directory.path());
        let mut engine = engine.arg("serve-twiml").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(engine.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("serving on"), "{line}");
        Self { directory, sandbox, clock, engine, complained: AtomicBool::new(false), first_mail: OnceLock::new() }
    }

    /// Delivers so many mails, each of the event that `event` says of its number.
    fn deliver(&self, mails: usize, event: impl Fn(usize) -> usize + Sync) -> Storm {
        let next = AtomicUsize::new(0);
        let ended = Mutex::new(Vec::with_capacity(mails));
        let first_call = OnceLock::new();
        let began = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while self.sandbox.calls().is_empty() {
                    if ended.lock().unwrap().len() >= mails {
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
                let _ = first_call.set(Instant::now());
            });
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        if number >= mails {
                            break;
                        }
                        let one = self.deliver_one(number, event(number));
                        ended.lock().unwrap().push(one);
                    }
                });
            }
        });
        let took = began.elapsed();
        let (mut times, mut statuses) = (Vec::new(), BTreeMap::new());
        for (time, status) in ended.into_inner().unwrap() {
            times.push(time);
            *statuses.entry(status).or_insert(0) += 1;
        }
        times.sort();
        let first_call = first_call.get().zip(self.first_mail.get()).map(|(call, mail)| call.duration_since(*mail));
        Storm { took, first_call, times, statuses, peak: peak(self.engine.id()) }
    }

    fn deliver_one(&self, number: usize, event: usize) -> (Duration, Option<i32>) {
        let mail = format!(
            "From: monitoring@example.com\nTo: oncall@example.com\nSubject: db{event}\nMessage-ID: <{number}@example.com>\n\
             Date: Mon, 2 Nov 2026 02:00:00 +0000\n\ndb{event} is DOWN\n"
        );
        let began = Instant::now();
        let mut child = command(self.directory.path())
            .args(["deliver", "oncall@example.com"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(mail.as_bytes()).unwrap();
        self.first_mail.get_or_init(Instant::now);
        let output = child.wait_with_output().unwrap();
        let took = began.elapsed();
        if !output.status.success() && !self.complained.swap(true, Ordering::SeqCst) {
            println!("  the first that fails says: {}", String::from_utf8_lossy(&output.stdout).trim());
        }
        (took, output.status.code())
    }

    fn alerts(&self) -> Vec<Alert> {
        let mut store = Sqlite::open(&self.directory.path().join("thialfi.db")).unwrap();
        store.alerts(&Filter::default()).unwrap()
    }

    /// The first calls ring, and nobody answers: each alert is told by them, or is held.
    fn tell_of_the_first_calls(&self, mails: usize) {
        let settled = || self.alerts().iter().all(|alert| is_told(alert) || is_held(alert));
        wait(settled, "an alert is neither told nor held");
        let alerts = self.alerts();
        let told = alerts.iter().filter(|alert| is_told(alert)).count();
        let held = alerts.iter().filter(|alert| is_held(alert) && !is_told(alert)).count();
        println!("  alerts {}; told of in calls {told}, held back where one can see it {held}", alerts.len());
        self.tell_of_notifications();
        assert_eq!(alerts.len(), mails, "each mail is an alert on disk");
    }

    /// From now on whoever is called presses 1: how many calls it takes until nothing is open.
    fn wake_david(&self, mails: usize) {
        for number in [DAVID, DARREN] {
            self.sandbox.phone(number, [Behaviour::press(["1"])]);
        }
        let open = || self.alerts().iter().filter(|alert| alert.state == State::Open).count();
        let mut minutes = 0;
        while open() > 0 {
            assert!(minutes < 120, "{} are open after two hours", open());
            minutes += 1;
            self.clock.advance(SignedDuration::from_mins(1));
            std::thread::sleep(Duration::from_millis(500));
        }
        println!("  everything is taken {minutes} minutes after that");
        self.tell_of_notifications();
        let taken = self.alerts().iter().filter(|alert| alert.state == State::Acknowledged).count();
        assert_eq!(taken, mails, "each alert was taken by somebody who was told of it");
    }

    fn tell_of_notifications(&self) {
        let texts = self.sandbox.texts().iter().filter(|text| text.direction == "outbound-api").count();
        println!("  calls so far {}, texts {texts}", self.sandbox.calls().len());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.engine.kill();
        let _ = self.engine.wait();
    }
}

/// How the deliveries went.
struct Storm {
    took: Duration,
    /// How long after the first mail was handed over the provider was asked for the first call.
    first_call: Option<Duration>,
    times: Vec<Duration>,
    statuses: BTreeMap<Option<i32>, usize>,
    /// Of the engine's memory, in KiB.
    peak: u32,
}

impl Storm {
    fn tell(&self) {
        let mails = u32::try_from(self.times.len()).unwrap();
        let rate = f64::from(mails) / self.took.as_secs_f64();
        let at = |part: usize| self.times[(self.times.len() - 1) * part / 100].as_secs_f64();
        println!("  exit statuses {:?}", self.statuses);
        println!("  {:.1} s, {rate:.0} mails/s", self.took.as_secs_f64());
        match self.first_call {
            Some(after) => {
                let verdict = if after < FIRST_CALL { "within" } else { "NOT within" };
                println!(
                    "  the first call {:.3} s after the first mail: {verdict} {FIRST_CALL:?}",
                    after.as_secs_f64()
                );
            }
            None => println!("  no call by the time all were delivered: NOT within {FIRST_CALL:?}"),
        }
        println!("  a delivery: median {:.2} s, 95 % {:.2} s, slowest {:.2} s", at(50), at(95), at(100));
        println!("  the engine's memory at its most: {:.1} MiB", f64::from(self.peak) / 1024.0);
    }
}

/// The time that all processes see: the system's, and as much more as was asked for.
struct Clock {
    ahead: Arc<Mutex<SignedDuration>>,
}

impl Clock {
    fn start(path: PathBuf) -> Self {
        let ahead = Arc::new(Mutex::new(SignedDuration::ZERO));
        let moved = Arc::downgrade(&ahead);
        write(&path, Timestamp::now());
        std::thread::spawn(move || {
            while let Some(ahead) = moved.upgrade() {
                write(&path, Timestamp::now() + *ahead.lock().unwrap());
                drop(ahead);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { ahead }
    }

    fn advance(&self, span: SignedDuration) {
        *self.ahead.lock().unwrap() += span;
    }
}

fn write(path: &Path, now: Timestamp) {
    let fresh = path.with_extension("new");
    // The directory may be gone by now.
    if std::fs::write(&fresh, now.to_string()).is_ok() {
        let _ = std::fs::rename(fresh, path);
    }
}

fn is_told(alert: &Alert) -> bool {
    alert.notifications.iter().any(Notification::may_have_been_sent)
}

fn is_held(alert: &Alert) -> bool {
    alert.notifications.iter().any(Notification::is_held)
}

fn wait(what: impl Fn() -> bool, complaint: &str) {
    let end = Instant::now() + Duration::from_mins(2);
    while !what() {
        assert!(Instant::now() < end, "{complaint}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The most memory that a process has had, in KiB; 0 where nobody tells.
fn peak(process: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse().unwrap_or_default()
}

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thialfi"));
    command
        .env_clear()
        .env("THIALFI_CLOCK_FILE", directory.join("clock"))
        .env("THIALFI_CONFIG", directory.join("rules.toml"));
    command
}

fn rules(api: &str, port: u16) -> String {
    format!(
        r#"
[twilio]
account_sid = "{SID}"
auth_token  = {{ file = "token" }}
from        = "+6498123450"
api_url     = "{api}"

[server]
listen     = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"

[store]
path = "thialfi.db"

[contacts]
david  = {{ name = "David",  phone = "{DAVID}" }}
darren = {{ name = "Darren", phone = "{DARREN}" }}

[groups.systems]
members = ["david", "darren"]
oncall  = "david"
backup  = ["darren"]

[policies.page]
steps = [
  {{ notify = "oncall", by = "call", attempts = 2, wait = "5m" }},
  {{ notify = "backup", by = "call", attempts = 2, wait = "5m" }},
]
repeat = 2

[[rules]]
name   = "down"
when   = [{{ text = '^(?<host>\w+) is DOWN' }}]
action = "page"
group  = "systems"
key    = "host {{{{ host }}}}"
say    = "Host {{{{ host }}}} is down."
sms    = "{{{{ host }}}} is down"
"#
    )
}
