//! The test builder: a rule file, a telephone network, a clock that is moved, and the real binary.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

mod browser;
mod documented;
mod gateway;
mod mailserver;
mod ran;
mod relay;
mod server;

use jiff::{SignedDuration, Timestamp};
use thialfi::clock::FileClock;
use thialfi::provider::sandbox::{Behaviour, CallRecord, Options, Sandbox, TextRecord};

pub use browser::{Browser, Colours, Screen, axe};
pub use documented::{Company, Fate, SECRET};
pub use gateway::Gateway;
pub use mailserver::{MailServer, Turn};
pub use ran::{Ran, ran};
pub use relay::Relay;
pub use thialfi::provider::sandbox::Behaviour as Phone;

pub const SID: &str = "AC00000000000000000000000000000001";
pub const TOKEN: &str = "a-token-that-only-tests-know";
pub const FROM: &str = "+6498123450";
pub const DAVID: &str = "+64211110001";
pub const DARREN: &str = "+64211110002";
pub const SIMON: &str = "+64211110003";
/// A Monday morning.
pub const START: &str = "2026-11-02T02:00:00Z";

/// How long a test waits, in real time, for something that takes milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Contacts and groups that most tests use.
pub const PEOPLE: &str = r#"
[contacts]
david  = { name = "David",  phone = "+64211110001" }
darren = { name = "Darren", phone = "+64211110002" }
simon  = { name = "Simon",  phone = "+64211110003" }

[groups.systems]
name = "Systems"
members = ["david", "darren", "simon"]
oncall = "david"
backup = ["darren"]
"#;

/// A rule that calls for every mail whose text says DOWN, and one that resolves.
pub const DOWN: &str = r#"
[[rules]]
name = "down"
when = [{ text = '^(?<host>\w+) is DOWN' }]
action = "page"
group = "systems"
key = "host {{ host }}"
say = "Host {{ host }} is down."
sms = "{{ host }} is down"

[[rules]]
name = "up"
when = [{ text = '^(?<host>\w+) is UP' }]
action = "resolve"
group = "systems"
key = "host {{ host }}"
"#;

/// A policy with one call to the one on call, then one to the backup.
pub const PAGE: &str = r#"
[policies.page]
repeat = 0
steps = [
  { notify = "oncall", by = "call", wait = "5m" },
  { notify = "backup", by = "call", wait = "5m" },
]
"#;

#[must_use]
pub struct Test {
    directory: tempfile::TempDir,
    pub sandbox: Sandbox,
    rules: String,
    twilio: String,
    /// Where the provider is said to be; the sandbox, when empty.
    api_url: String,
    /// Where the server is said to be; where it listens, when empty.
    public_url: String,
    /// What stands under `[server]` besides its addresses.
    server_lines: String,
    store: PathBuf,
    port: u16,
    webhooks: bool,
    now: Timestamp,
    server: Option<Child>,
    mails: u32,
}

impl Test {
    /// A directory, a telephone network and a clock. No rules yet but an empty `[twilio]` that leads to the network.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now: Timestamp = START.parse().unwrap();
        write_clock(directory.path(), now);
        let sandbox = Sandbox::start(Options {
            listen: "127.0.0.1:0".to_owned(),
            clock: Arc::new(FileClock::new(directory.path().join("clock"))),
            account_sid: SID.to_owned(),
            auth_token: TOKEN.to_owned(),
            pace: Duration::ZERO,
            ..Options::default()
        })
        .unwrap();
        let port = free_port();
        let mut test = Self {
            directory,
            sandbox,
            rules: String::new(),
            twilio: String::new(),
            api_url: String::new(),
            public_url: String::new(),
            server_lines: String::new(),
            store: PathBuf::from("thialfi.db"),
            port,
            webhooks: true,
            now,
            server: None,
            mails: 0,
        };
        test = test.rules("");
        test
    }

    /// With contacts, the group `systems`, a policy of two calls and rules for DOWN and UP.
    pub fn with_people() -> Self {
        Self::new().rules(&format!("{PEOPLE}{PAGE}{DOWN}"))
    }

    /// What stands in the rule file besides `[twilio]`, `[server]` and `[store]`; its first lines may be of `[store]`.
    pub fn rules(mut self, rules: &str) -> Self {
        rules.clone_into(&mut self.rules);
        self.write_rules();
        self
    }

    /// What stands under `[twilio]` besides the account.
    pub fn twilio(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.twilio);
        self.write_rules();
        self
    }

    /// What stands for the provider's address.
    pub fn api_url(mut self, url: &str) -> Self {
        url.clone_into(&mut self.api_url);
        self.write_rules();
        self
    }

    /// What stands for the server's public address.
    pub fn public_url(mut self, url: &str) -> Self {
        url.clone_into(&mut self.public_url);
        self.write_rules();
        self
    }

    /// What stands under `[server]` besides its addresses.
    pub fn server(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.server_lines);
        self.write_rules();
        self
    }

    /// The same, with the store somewhere else.
    pub fn rules_with_store(mut self, store: &Path, rules: &str) -> Self {
        store.clone_into(&mut self.store);
        self.rules(rules)
    }

    /// Without `public_url`: everything is asked for instead of told.
    pub fn without_webhooks(mut self) -> Self {
        self.webhooks = false;
        self.write_rules();
        self
    }

    /// The same for one that serves already: it starts again.
    pub fn without_webhooks_served(mut self) -> Self {
        self.kill_server();
        self.without_webhooks().serve()
    }

    fn write_rules(&self) {
        let public = if self.webhooks { format!("public_url = \"{}\"", self.url()) } else { String::new() };
        let text = format!(
            "[twilio]\naccount_sid = \"{SID}\"\nauth_token = {{ file = \"token\" }}\nfrom = \"{FROM}\"\napi_url = \"{}\"\n{}\n\
             [server]\nlisten = \"127.0.0.1:{}\"\n{public}\n{}\n[store]\npath = \"{}\"\n{}",
            if self.api_url.is_empty() { self.sandbox.url() } else { self.api_url.clone() },
            self.twilio,
            self.port,
            self.server_lines,
            self.store.display(),
            self.rules
        );
        self.secret("token", TOKEN);
        std::fs::write(self.path("rules.toml"), text).unwrap();
    }

    /// A file that nobody else can read.
    pub fn secret(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(self.path(name), mode).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What a number does with its next calls and texts.
    pub fn phone(self, number: &str, behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        self.sandbox.phone(number, behaviours);
        self
    }

    /// The binary, with the rule file, the clock and nothing else in its environment.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thialfi"));
        command
            .env_clear()
            .env("THIALFI_CLOCK_FILE", self.path("clock"))
            .env("THIALFI_CONFIG", self.path("rules.toml"))
            // What is remembered of one test must not hold up a call of another.
            .env("RUNTIME_DIRECTORY", self.path(""))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the binary with these arguments and this standard input.
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Ran {
        fed(self.command().args(arguments), input)
    }

    /// Delivers a mail to `recipient@example.com`-like arguments.
    pub fn deliver_to(&self, recipients: &[&str], mail: &[u8]) -> Ran {
        let mut arguments = vec!["deliver"];
        arguments.extend(recipients);
        self.run(&arguments, mail).one_line()
    }

    /// Delivers a mail, as a `.forward` pipe would: no arguments.
    pub fn deliver(&self, mail: &[u8]) -> Ran {
        self.run(&[], mail).one_line()
    }

    /// A fresh mail with this subject and text.
    pub fn mail(&mut self, subject: &str, text: &str) -> Vec<u8> {
        self.mails += 1;
        mail(&format!("<{}@monitoring.example>", self.mails), subject, text)
    }

    /// The server's public address.
    pub fn url(&self) -> String {
        match self.public_url.as_str() {
            "" => format!("http://127.0.0.1:{}", self.port),
            url => url.to_owned(),
        }
    }

    /// Where the server listens.
    pub fn listens_at(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Moves the clock of every process.
    pub fn advance(&mut self, span: &str) {
        self.let_be_recorded();
        self.now += span.parse::<SignedDuration>().unwrap();
        write_clock(self.directory.path(), self.now);
    }

    /// Moves the clock of every process to a moment (`2026-11-03 09:00`) in the local time of a zone.
    pub fn move_to(&mut self, local: &str, zone: &str) {
        let local: jiff::civil::DateTime = local.parse().unwrap();
        self.let_be_recorded();
        self.now = local.in_tz(zone).unwrap().timestamp();
        write_clock(self.directory.path(), self.now);
    }

    /// Gives the engine a moment to record what it has just sent: moved in between, the clock would make of it something
    /// that was sent long ago. Who means to move it while something is being sent waits that moment in vain.
    fn let_be_recorded(&self) {
        if self.server.is_none() {
            return;
        }
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let Ok(store) = rusqlite::Connection::open_with_flags(self.path("").join(&self.store), flags) else { return };
        let claimed = || {
            let question = "SELECT count(*) FROM notifications WHERE delivery = 'claimed'";
            store.query_row(question, [], |row| row.get::<_, u32>(0)).unwrap_or(0)
        };
        let end = Instant::now() + Duration::from_millis(500);
        while claimed() > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Every call that was placed, the first first.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.sandbox.calls()
    }

    /// Every text that we sent by ourselves, the first first.
    pub fn texts(&self) -> Vec<TextRecord> {
        self.sandbox.texts().into_iter().filter(|text| text.direction == "outbound-api").collect()
    }

    /// Somebody texts us. Returns what the webhook answers.
    pub fn text_from(&self, number: &str, body: &str) -> Option<String> {
        let answers = || self.sandbox.texts().into_iter().filter(|text| text.direction == "outbound-reply");
        let before = answers().count();
        self.sandbox.send_text(number, body);
        assert!(self.sandbox.wait_idle(PATIENCE), "the text does not come through");
        answers().nth(before).map(|text| text.body)
    }

    /// The numbers called, in order.
    pub fn called(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.to).collect()
    }

    /// The alerts as `alerts --json` lists them, the first first.
    pub fn alerts(&self) -> Vec<serde_json::Value> {
        let list = self.run(&["alerts", "--json"], b"").exit(0).json();
        let mut alerts = list.as_array().unwrap().clone();
        alerts.reverse();
        alerts
    }

    /// The state of the alert opened last.
    pub fn state(&self) -> String {
        self.alerts().last().map(|alert| alert["state"].as_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// The story of an alert.
    pub fn story(&self, id: u32) -> String {
        self.run(&["alerts", "show", &id.to_string()], b"").exit(0).out
    }

    #[track_caller]
    pub fn wait_for_state(&self, state: &str) {
        self.wait_until(|test| test.state() == state, &format!("the alert is not {state}"));
    }

    #[track_caller]
    pub fn wait_for_calls(&self, numbers: &[&str]) {
        self.wait_until(|test| test.called() == numbers, &format!("not the calls {numbers:?}"));
    }

    /// The same where there is no store to ask for the story.
    #[track_caller]
    pub fn wait_for_calls_only(&self, numbers: &[&str]) {
        wait(
            || self.called() == numbers && self.calls().iter().all(|call| call.status == "completed"),
            &format!("not the calls {numbers:?}"),
        );
    }

    /// Waits, in real time, until `what` holds; tells all it knows when it never does.
    #[track_caller]
    pub fn wait_until(&self, what: impl Fn(&Self) -> bool, complaint: &str) {
        let end = Instant::now() + PATIENCE;
        while !what(self) {
            if Instant::now() > end {
                let stories: String = (1..=self.alerts().len() as u32).map(|id| self.story(id)).collect();
                let log = std::fs::read_to_string(self.path("server.log")).unwrap_or_default();
                panic!("{complaint}: called {:?}\n{stories}\n{log}", self.called());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Gives a live engine the time to do something wrong: several of its turns.
    pub fn let_it_turn(&self) {
        std::thread::sleep(Duration::from_millis(150));
    }
}

impl Drop for Test {
    fn drop(&mut self) {
        self.kill_server();
    }
}

#[track_caller]
pub fn wait(what: impl Fn() -> bool, complaint: &str) {
    let end = Instant::now() + PATIENCE;
    while !what() {
        assert!(Instant::now() <= end, "{complaint}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs a command with this standard input.
pub fn fed(command: &mut Command, input: &[u8]) -> Ran {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A program that does not read its input to the end is a fault that a test must see.
        let written = stdin.write_all(&input);
        drop(stdin);
        written
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().expect("standard input was not read to its end");
    ran(&output)
}

/// A plain mail from monitoring.
pub fn mail(id: &str, subject: &str, text: &str) -> Vec<u8> {
    format!(
        "From: Monitoring <monitoring@example.com>\r\nTo: oncall@example.com\r\nSubject: {subject}\r\n\
         Date: Mon, 2 Nov 2026 02:00:00 +0000\r\nMessage-ID: {id}\r\n\r\n{}\r\n",
        text.replace('\n', "\r\n")
    )
    .into_bytes()
}

/// One of the mails in `examples/mail`.
pub fn example(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mail").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write_clock(directory: &Path, now: Timestamp) {
    let fresh = directory.join("clock.new");
    std::fs::write(&fresh, now.to_string()).unwrap();
    std::fs::rename(fresh, directory.join("clock")).unwrap();
}

/// A port that nobody listens on at the moment.
/// A port for a server that is started later. None of those that the system gives to connections that go out: one of these
/// could be taken meanwhile.
pub fn free_port() -> u16 {
    static TURN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Another process of tests begins elsewhere.
        let turn = std::process::id().wrapping_mul(251).wrapping_add(TURN.fetch_add(1, Ordering::Relaxed));
        let port = 10_000 + u16::try_from(turn % 20_000).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
