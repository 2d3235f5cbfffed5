//! How fast the server answers, with a history behind it: the TwiML of a call, and the first page, out of a store of 100,000
//! alerts of which ten are open; in the same run nginx, with the same TwiML as a file.
//!
//! ```sh
//! cargo bench --bench pages             # some minutes, most of them to fill the store
//! cargo bench --bench pages -- quick    # 5,000 alerts
//! ```
//!
//! What is compared, and why that is fair: both are asked over loopback, with a connection of its own for each request, as
//! thialfi's gate has it and as nginx asks a server behind it. nginx finds a file, has two workers, and writes no log. thialfi
//! checks a signature, asks the store who is called and why, and writes that the call has taken the document; for a page it
//! checks a cookie, and makes the page anew. nginx is no rival: it says what a connection costs on the machine.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench prints, and fails where it cannot measure"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use thialfi::alert::{Actor, AlertId, Digest, Event, Through};
use thialfi::clock::{Clock, ManualClock, SystemClock};
use thialfi::config::Config;
use thialfi::engine::Desk;
use thialfi::engine::providers::Providers;
use thialfi::notify::twiml::Templates;
use thialfi::oncall::GroupId;
use thialfi::provider::sandbox::{Behaviour, Options, Sandbox};
use thialfi::server::signature::sign;
use thialfi::store::{Arrival, Sqlite};

const SID: &str = "AC00000000000000000000000000000000";
const TOKEN: &str = "sandbox";
/// So many alerts are open in the end, each for a group and a person of its own.
const OPEN: usize = 10;
const PASSWORD: &str = "correct horse battery";
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$MsERA96y5NB/YlwOs5IGrQ$lJgM/Ziqes8oAG/4xJ4WVO8wddIyhToFnum+J9cYnaU";
/// Clients at once, where throughput is measured.
const CLIENTS: usize = 8;

fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    let (alerts, requests, span) =
        if quick { (5_000, 300, Duration::from_secs(1)) } else { (100_000, 3_000, Duration::from_secs(5)) };
    let directory = tempfile::tempdir().unwrap();
    let sandbox = network();
    let port = free_port();
    let file = directory.path().join("rules.toml");
    let store = directory.path().join("thialfi.db");
    // Filled in memory where there is some, since that is not what is measured, then put where a disk is.
    let memory =
        Some(Path::new("/dev/shm")).filter(|place| place.is_dir()).and_then(|place| tempfile::tempdir_in(place).ok());
    let nursery = memory.as_ref().map_or_else(|| store.clone(), |memory| memory.path().join("thialfi.db"));
    fs::write(&file, rules(&nursery, &sandbox.url(), port)).unwrap();
    let began = Instant::now();
    fill(&file, alerts);
    if nursery != store {
        fs::copy(&nursery, &store).unwrap();
        fs::write(&file, rules(&store, &sandbox.url(), port)).unwrap();
    }
    drop(memory);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    println!("{alerts} alerts, {OPEN} of them open, stored in {:.0?}", began.elapsed());

    let _server = serve(&file);
    let call = ringing(&sandbox);
    let ours = format!("127.0.0.1:{port}");
    let path = call.strip_prefix(&format!("http://{ours}")).unwrap();
    let twiml = signed(&ours, &call, path);
    let document = ask(&ours, &twiml);
    let document = document.split_once("\r\n\r\n").unwrap().1.to_owned();
    let cookie = sign_in(&ours);
    let page = get("/", &format!("Cookie: {cookie}\r\n"));
    let answer = ask(&ours, &page);
    let list = get("/alerts", &format!("Cookie: {cookie}\r\n"));
    println!("the first page has {} bytes, the TwiML {}", answer.len(), document.len());

    println!("\n| what | alone: median | 95 % | slowest | {CLIENTS} at once: a second | median | 95 % |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let rows = [("TwiML of a call", &twiml), ("first page", &page), ("list of a week", &list)];
    for (what, request) in rows {
        row(what, &ours, request, requests, span);
    }
    if let Some((_nginx, address)) = nginx(directory.path(), &document) {
        row("nginx, the same TwiML", &address, &get("/voice.xml", ""), requests, span);
    } else {
        println!("nginx is not installed: left out");
    }
}

/// Everybody answers, and says nothing: calls stay as they are.
fn network() -> Sandbox {
    let options = Options {
        listen: "127.0.0.1:0".to_owned(),
        clock: Arc::new(SystemClock),
        account_sid: SID.to_owned(),
        auth_token: TOKEN.to_owned(),
        pace: Duration::ZERO,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).unwrap();
    for number in 0..OPEN {
        sandbox.phone(&format!("+6421111{number:04}"), [Behaviour::Stay]);
    }
    sandbox
}

fn rules(store: &Path, provider: &str, port: u16) -> String {
    let mut text = format!(
        "[twilio]\naccount_sid = \"{SID}\"\nauth_token = \"{TOKEN}\"\nfrom = \"+6498123450\"\napi_url = \"{provider}\"\n\
         [server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n[store]\npath = \"{}\"\n\
         [users]\ndavid = {{ password = '{HASH}' }}\n\
         [policies.page]\nrepeat = 5\nsteps = [{{ notify = \"oncall\", by = \"call\", wait = \"1h\" }}]\n[contacts]\n",
        store.display()
    );
    for number in 0..OPEN {
        text += &format!("c{number} = {{ name = \"C{number}\", phone = \"+6421111{number:04}\" }}\n");
    }
    for number in 0..OPEN {
        text += &format!("[groups.g{number}]\nmembers = [\"c{number}\"]\n");
    }
    text
}

/// A month of alerts: the last ten stay open.
fn fill(file: &Path, alerts: usize) {
    let config = Arc::new(Config::load(file).unwrap());
    let policy = config.policies["page"].clone();
    let mut store = Sqlite::open(&config.store).unwrap();
    let step = SignedDuration::from_hours(29 * 24) / i32::try_from(alerts).unwrap();
    let clock = ManualClock::new(Timestamp::now() - step * i32::try_from(alerts).unwrap());
    let chance = Arc::new(|| u128::from(getrandom::u64().unwrap()) << 64 | u128::from(getrandom::u64().unwrap()));
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let templates = Arc::new(Templates::load(None).unwrap());
    let desk = Desk::with(config, shared, templates, Providers::new(Vec::new()), chance);
    for number in 0..alerts {
        let key = format!("host{number}");
        let arrival = Arrival {
            mail: Digest::of([key.as_str()]),
            digest: Digest::of(["digest", &key]),
            other_digests: Vec::new(),
            over: Vec::new(),
            sent_at: None,
            key: key.clone(),
            window: SignedDuration::from_hours(1),
            group: GroupId::new(format!("g{}", number % OPEN)),
            rule: "down".to_owned(),
            recipients: vec!["ops@example.com".to_owned()],
            subject: format!("PROBLEM: {key} of the warehouse does not answer"),
            say: format!("{key} is down."),
            text: format!("{key} is down"),
            policy: policy.clone(),
            told: None,
        };
        let receipt = desk.receive_arrival(&mut store, &arrival, None).unwrap();
        let id: AlertId = receipt.alert().id;
        if number + OPEN < alerts {
            let by = Actor { contact: None, name: "somebody".to_owned(), through: Through::Command };
            desk.apply(&mut store, id, &Event::Resolve { by, within: None }).unwrap();
        }
        clock.advance(step);
    }
}

fn serve(file: &Path) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thialfi"));
    command.env_clear().env("THIALFI_CONFIG", file).env("THIALFI_LOG", "error").arg("serve-twiml");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("serving on"), "{line}");
    Server(child)
}

/// Waits until all have been called, and returns where the first call asks what to say.
fn ringing(sandbox: &Sandbox) -> String {
    let end = Instant::now() + Duration::from_mins(2);
    loop {
        let calls = sandbox.calls();
        if calls.len() == OPEN && calls.iter().all(|call| !call.heard.is_empty()) {
            return calls[0].parameter("Url").unwrap().to_owned();
        }
        assert!(Instant::now() < end, "only {} calls", calls.len());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// nginx with a directory of its own, where it is installed: it, and where it listens.
fn nginx(directory: &Path, document: &str) -> Option<(Server, String)> {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/nginx/usr/sbin/nginx");
    let program = [unpacked, "/usr/sbin/nginx".into()].into_iter().find(|place| place.exists())?;
    let place = directory.join("nginx");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("voice.xml"), document).unwrap();
    let (port, here) = (free_port(), place.display());
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {here}/{kind};\n"))
        .concat();
    let settings = format!(
        "user root;\ndaemon off;\nworker_processes 2;\npid {here}/pid;\nerror_log {here}/error.log;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}types {{ text/xml xml; }}\n\
         server {{ listen 127.0.0.1:{port}; root {here}; }}\n}}\n"
    );
    fs::write(place.join("nginx.conf"), settings).unwrap();
    let error_log = place.join("error.log");
    let child = Command::new(program)
        .args(["-e".as_ref(), error_log.as_os_str(), "-p".as_ref(), place.as_os_str(), "-c".as_ref()])
        .arg(place.join("nginx.conf"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let address = format!("127.0.0.1:{port}");
    let end = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < end, "nginx does not listen: {}", fs::read_to_string(&error_log).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(20));
    }
    Some((Server(child), address))
}

/// A server that ends with the bench, however that ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Asked, not killed: so nginx ends its workers, too.
        if let Some(id) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Connection: close\r\n\r\n")
}

fn signed(host: &str, url: &str, path: &str) -> String {
    let form = [("CallSid".to_owned(), "CA1".to_owned())];
    let signature = sign(TOKEN, url, &form);
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nX-Twilio-Signature: {signature}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\nConnection: close\r\n\r\nCallSid=CA1"
    )
}

fn sign_in(host: &str) -> String {
    let form = format!("name=david&password={}", PASSWORD.replace(' ', "+"));
    let request = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    let answer = ask(host, &request);
    let cookie =
        answer.lines().find_map(|line| line.strip_prefix("Set-Cookie: ")).unwrap_or_else(|| panic!("{answer}"));
    cookie.split(';').next().unwrap().to_owned()
}

fn ask(host: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn timed(host: &str, request: &str) -> Duration {
    let began = Instant::now();
    let answer = ask(host, request);
    let took = began.elapsed();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    took
}

/// One after the other, then several at once.
fn row(what: &str, host: &str, request: &str, requests: usize, span: Duration) {
    for _ in 0..20 {
        timed(host, request);
    }
    let alone = sorted((0..requests).map(|_| timed(host, request)).collect());
    let over = AtomicBool::new(false);
    let crowd: Vec<Duration> = std::thread::scope(|scope| {
        let client = || {
            let mut times = Vec::new();
            while !over.load(Ordering::Relaxed) {
                times.push(timed(host, request));
            }
            times
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        std::thread::sleep(span);
        over.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let rate = crowd.len() as f64 / span.as_secs_f64();
    let crowd = sorted(crowd);
    println!(
        "| {what} | {} | {} | {} | {rate:.0} | {} | {} |",
        at(&alone, 50),
        at(&alone, 95),
        at(&alone, 100),
        at(&crowd, 50),
        at(&crowd, 95)
    );
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort();
    times
}

fn at(times: &[Duration], part: usize) -> String {
    format!("{:.2} ms", times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3)
}
