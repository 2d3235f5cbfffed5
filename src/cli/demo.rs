//! `thialfi demo`: the whole story in ten seconds, against a telephone network in a box. Everything in it is real but the
//! telephones: the mails, the rule file, `thialfi deliver` as a process of its own, the server, the signed webhooks.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anstream::{print, println};
use anstyle::{AnsiColor, Style};
use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;

use super::sandbox::sentence;
use super::setup::complain;
use super::terminal;
use crate::alert::State;
use crate::clock::SystemClock;
use crate::config::{Config, PasswordHash};
use crate::engine::Engine;
use crate::engine::desk::Desk;
use crate::engine::follow::Message as ToEngine;
use crate::exit::Exit;
use crate::mail::{Message, message};
use crate::provider::sandbox::{Behaviour, Line, Options as Network, Sandbox, What};
use crate::server::Server;
use crate::store::{Filter, Sqlite, Store};

/// What `demo` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Milliseconds between the events of a call
    #[arg(long, value_name = "MS", default_value_t = 350)]
    pub pace: u64,
    /// Stay afterwards, so that the web pages can be looked at, until Ctrl+C
    #[arg(long)]
    pub pages: bool,
}

const RULES: &str = include_str!("demo.toml");
const EMERGENCY: &[u8] = include_bytes!("../../examples/mail/redmine-emergency.eml");
const REPLY: &[u8] = include_bytes!("../../examples/mail/redmine-reply-1.eml");
const DOWN: &[u8] = include_bytes!("../../examples/mail/nagios-problem.eml");

const SID: &str = "AC00000000000000000000000000000000";
const DAVID: &str = "+64211110001";
const DARREN: &str = "+64211110002";
/// How long the story waits for its next line.
const PATIENCE: Duration = Duration::from_secs(20);

const TITLE: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Yellow.on_default();
const PHONE: Style = AnsiColor::Cyan.on_default();

/// Plays the story.
pub fn run(options: &Options) -> Exit {
    let told = Stage::build(Duration::from_millis(options.pace)).and_then(|mut stage| {
        stage.play()?;
        if options.pages { stage.show_pages() } else { Ok(()) }
    });
    match told {
        Ok(()) => Exit::Success,
        Err(why) => {
            complain(&format!("{why:#}"));
            Exit::No
        }
    }
}

/// A directory for the demo alone, removed at its end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let name = format!("thialfi-demo-{:08x}", crate::engine::desk::draw() & 0xffff_ffff);
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Telephone network, server and engine, and a rule file that ties them together.
struct Stage {
    sandbox: Sandbox,
    lines: Receiver<Line>,
    rules: PathBuf,
    /// With which one signs in.
    password: String,
    store: Sqlite,
    engine: Sender<ToEngine>,
    running: Option<JoinHandle<()>>,
    server: Option<Server>,
    directory: Directory,
}

impl Stage {
    fn build(pace: Duration) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        let clock = Arc::new(SystemClock);
        let token = format!("{:032x}", crate::engine::desk::draw());
        let network = Network {
            listen: "127.0.0.1:0".to_owned(),
            clock: clock.clone(),
            account_sid: SID.to_owned(),
            auth_token: token.clone(),
            pace,
            ..Network::default()
        };
        let sandbox = Sandbox::start(network).context("the telephone network")?;
        let lines = sandbox.subscribe();
        let listen = free_address()?;
        let rules = directory.0.join("rules.toml");
        let password = password();
        write_rules(&rules, &sandbox.url(), &listen, (&token, &password))?;
        let config = Config::load(&rules).map_err(|errors| anyhow!(errors.one_line()))?;
        let store_path = config.store.clone();
        let desk = Arc::new(Desk::new(Arc::new(config), clock));
        let open = || Sqlite::open(&store_path);
        let mut engine = Engine::new(Arc::clone(&desk), Box::new(open()?), true);
        let sender = engine.sender();
        let server = Server::start(&listen, desk, sender.clone(), engine.pulse())?;
        let (begun, begins) = channel();
        let running = std::thread::spawn(move || {
            let _ = begun.send(());
            engine.run();
        });
        let _ = begins.recv();
        let mut store = open()?;
        let end = Instant::now() + PATIENCE;
        while store.last_beat()?.is_none() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Self {
            sandbox,
            lines,
            rules,
            password,
            store,
            engine: sender,
            running: Some(running),
            server: Some(server),
            directory,
        })
    }

    fn play(&mut self) -> anyhow::Result<()> {
        println!(
            "{TITLE}thialfi{TITLE:#}  {FAINT}a mail, a rule, a telephone, a human: against a telephone network in a box{FAINT:#}"
        );

        chapter(1, "A mail arrives, and a rule wants it");
        show_mail(EMERGENCY);
        self.explain(EMERGENCY)?;

        chapter(2, "The telephone rings until somebody has it");
        self.sandbox.phone(DAVID, [Behaviour::press(["1"])]);
        self.deliver(EMERGENCY)?;
        self.listen_until(1)?;

        chapter(3, "A reply quotes the whole alert, and nobody is woken");
        show_mail(REPLY);
        let calls = self.sandbox.calls().len();
        self.deliver(REPLY)?;
        if self.sandbox.calls().len() != calls {
            bail!("a quoted alert rang: this must never happen");
        }
        println!("  {GOOD}✓{GOOD:#} quoted history never counts; no telephone rings");

        chapter(4, "Another alert; David does not answer, so his backup is called");
        show_mail(DOWN);
        self.sandbox.phone(DAVID, [Behaviour::NoAnswer]);
        self.sandbox.phone(DARREN, [Behaviour::press(["1"])]);
        self.deliver(DOWN)?;
        self.listen_until(2)?;

        println!("\n{FAINT}The web pages:{FAINT:#} thialfi demo --pages");
        println!("{FAINT}Now with your own mail:{FAINT:#} write a rule file (rules.example.toml), then");
        println!("  thialfi check   thialfi explain < mail   thialfi test CONTACT\n");
        Ok(())
    }

    /// Leaves an alert open, and lets the pages be looked at until somebody has had enough.
    fn show_pages(&mut self) -> anyhow::Result<()> {
        chapter(5, "David's telephone rings until somebody acknowledges on the web page");
        self.sandbox.phone(DAVID, [Behaviour::Ring]);
        let mail = String::from_utf8_lossy(DOWN);
        self.deliver(mail.replace("db02", "web01").replace("Message-ID: <", "Message-ID: <again.").as_bytes())?;
        let address = self.server.as_ref().map(|server| server.address().to_string()).unwrap_or_default();
        println!(
            "\n  {TITLE}http://{address}/{TITLE:#}  name {GOOD}demo{GOOD:#}, password {GOOD}{}{GOOD:#}",
            self.password
        );
        println!("  {FAINT}Ctrl+C ends it, and leaves nothing behind.{FAINT:#}");
        let mut signals =
            signal_hook::iterator::Signals::new([signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM])?;
        let _ = signals.forever().next();
        Ok(())
    }

    /// Which rule matches and why, in the words of `explain`.
    fn explain(&self, mail: &[u8]) -> anyhow::Result<()> {
        use crate::rules::ruleset::View;
        let config = Config::load(&self.rules).map_err(|errors| anyhow!(errors.one_line()))?;
        let message = parse(mail);
        let now = jiff::Timestamp::now();
        let view = View { message: &message, sender: None, recipient: "", now };
        let judgement = config.rules.explain(&view, &crate::rules::Nobody)?;
        for verdict in judgement.matched() {
            println!("  {GOOD}✓ rule {}{GOOD:#}", verdict.rule.name);
            for condition in &verdict.conditions {
                println!("      {} {FAINT}{}{FAINT:#}", terminal::short(&condition.describes, 76), "");
            }
            let captures: Vec<String> = verdict
                .captures
                .iter()
                .map(|(name, value)| format!("{name} = {}", terminal::one_line(value)))
                .collect();
            println!("      {FAINT}{}{FAINT:#}", captures.join(", "));
        }
        Ok(())
    }

    /// Runs `thialfi deliver` as the mail server does, and shows its line for the mail log.
    fn deliver(&self, mail: &[u8]) -> anyhow::Result<()> {
        let program = std::env::current_exe()?;
        let mut child = Command::new(program)
            .env_clear()
            .arg("--config")
            .arg(&self.rules)
            .arg("deliver")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(mail)?;
        }
        let output = child.wait_with_output()?;
        println!("  {FAINT}$ thialfi < mail{FAINT:#}");
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            for part in terminal::wrap(line, width().saturating_sub(6)) {
                println!("    {FAINT}{part}{FAINT:#}");
            }
        }
        ensure!(output.status.success(), "deliver ended with {}", output.status);
        Ok(())
    }

    /// Shows what the telephones do until the alert is acknowledged.
    fn listen_until(&mut self, alerts: usize) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Ok(line) = self.lines.recv_timeout(Duration::from_millis(100)) {
                show_line(&line);
                continue;
            }
            let list = self.store.alerts(&Filter::default())?;
            let newest = list.first().filter(|_| list.len() == alerts);
            if let Some(alert) = newest.filter(|alert| alert.state == State::Acknowledged) {
                // What the phone hears after the key is still on its way.
                while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(600)) {
                    show_line(&line);
                }
                let who = alert.acknowledged_by.as_deref().unwrap_or("somebody");
                println!("  {GOOD}✓ acknowledged by {who}{GOOD:#}: nobody else is called");
                return Ok(());
            }
            if Instant::now() > end {
                bail!("nobody acknowledged in time");
            }
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.engine.send(ToEngine::Stop);
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
        if let Some(server) = self.server.take() {
            server.stop();
        }
        let _ = &self.directory;
    }
}

fn chapter(number: u32, title: &str) {
    println!("\n{TITLE}{number}  {title}{TITLE:#}");
}

/// One that nobody has to remember.
fn password() -> String {
    let bits = crate::engine::desk::draw();
    // No letter that is taken for another.
    let letters = b"abcdefghjkmnpqrstuvwxyz23456789";
    (0..16)
        .filter_map(|place| letters.get(((bits >> (place * 8)) & 0xff) as usize % letters.len()))
        .map(|one| char::from(*one))
        .collect()
}

fn write_rules(path: &Path, api: &str, listen: &str, (token, password): (&str, &str)) -> anyhow::Result<()> {
    let text = format!(
        "[twilio]\naccount_sid = \"{SID}\"\nauth_token = {{ file = \"token\" }}\nfrom = \"+6498123450\"\napi_url = \"{api}\"\n\n\
         [server]\nlisten = \"{listen}\"\npublic_url = \"http://{listen}\"\n\n[store]\npath = \"thialfi.db\"\n\n\
         [users.demo]\npassword = {{ file = \"password\" }}\nrole = \"admin\"\n\n{RULES}"
    );
    let hash = PasswordHash::make(password, crate::engine::desk::draw().to_be_bytes()).context("the password")?;
    // As a secret should be kept: `deliver` would complain of it in every line.
    for (name, secret) in [("token", token), ("password", hash.expose())] {
        let beside = path.with_file_name(name);
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?.write_all(secret.as_bytes())?;
    }
    Ok(std::fs::write(path, text)?)
}

/// A port on loopback that nobody listens on at the moment.
fn free_address() -> std::io::Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn parse(mail: &[u8]) -> Message {
    match message::read(&mut &*mail) {
        Ok(raw) => Message::parse(&raw),
        Err(_) => Message::default(),
    }
}

fn show_mail(mail: &[u8]) {
    let message = parse(mail);
    println!("  {FAINT}From:{FAINT:#}    {}", terminal::short(message.header("From").unwrap_or_default(), 90));
    println!("  {FAINT}Subject:{FAINT:#} {}", terminal::short(message.subject(), 90));
    let new = terminal::lines(message.new_text().trim());
    for line in new.lines().filter(|line| line.contains(char::is_alphanumeric)).take(6) {
        println!("  {FAINT}│{FAINT:#} {}", terminal::short(line, 96));
    }
    let quoted = message.quoted().lines().filter(|line| !line.trim().is_empty()).count();
    if message.quoted().contains("Emergency (Critical)") {
        println!("  {FAINT}│ … and {quoted} quoted lines, the alert among them{FAINT:#}");
    }
}

/// As wide as the terminal, but no wider than one reads well.
fn width() -> usize {
    super::table::terminal_width().min(100)
}

fn name(number: &str) -> &str {
    match number {
        DAVID => "David",
        DARREN => "Darren",
        other => other,
    }
}

fn show_line(line: &Line) {
    let who = name(&line.number);
    let missed = matches!(line.what, What::Ended | What::NotDelivered | What::Refused) && line.text != "completed";
    let style = if missed { BAD } else { PHONE };
    let time = line.at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S");
    print!("  {FAINT}{time}{FAINT:#}  {style}☎ {who:<7}{style:#}");
    for (number, part) in terminal::wrap(&sentence(line), width().saturating_sub(24)).into_iter().enumerate() {
        if number > 0 {
            print!("{:21}", "");
        }
        println!(" {part}");
    }
}
