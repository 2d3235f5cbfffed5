//! What a mail costs, measured over the real binary: one that no rule wants, and one that asks for a call, from the start
//! of the process to the provider's request.
//!
//! ```sh
//! cargo bench --bench deliver
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use thialfi::provider::sandbox::{Behaviour, Options, Sandbox};

const RUNS: usize = 40;
const SID: &str = "AC00000000000000000000000000000001";

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(Options { account_sid: SID.to_owned(), ..Options::default() }).unwrap();
    sandbox.phone("*", [Behaviour::NoAnswer]);
    println!("a mail that no rule wants: process start to end, {RUNS} runs");
    println!("{:>6} {:>7} {:>10} {:>10}", "rules", "mail", "min ms", "median ms");
    for rules in [1, 10, 100, 1000] {
        let file = directory.path().join("rules.toml");
        std::fs::write(&file, rule_file(rules, &sandbox.url())).unwrap();
        for (name, size) in [("2 KB", 2_000), ("50 KB", 50_000), ("5 MB", 5_000_000)] {
            let mail = mail("all is well", "1", size);
            let mut times: Vec<Duration> = (0..RUNS).map(|_| deliver(&file, &mail).0).collect();
            times.sort();
            println!("{rules:>6} {name:>7} {:>10.2} {:>10.2}", milliseconds(times[0]), milliseconds(times[RUNS / 2]));
        }
    }
    println!("\na mail that asks for a call: process start to the provider's request, and to the end, {RUNS} runs");
    let mut to_request = Vec::new();
    let mut to_end = Vec::new();
    for run in 0..RUNS {
        let file = directory.path().join("rules.toml");
        let mail = mail("db1 is DOWN", &format!("{run} {}", Timestamp::now()), 2_000);
        let began = Timestamp::now();
        let (took, status) = deliver(&file, &mail);
        assert_eq!(status, Some(75), "no engine follows up");
        let call = sandbox.calls().pop().unwrap();
        to_request.push(Duration::try_from(call.created_at.duration_since(began)).unwrap());
        to_end.push(took);
    }
    assert_eq!(sandbox.calls().len(), RUNS);
    for (what, times) in [("to the request", &mut to_request), ("to the end", &mut to_end)] {
        times.sort();
        let (min, median, max) = (times[0], times[RUNS / 2], times[RUNS - 1]);
        println!(
            "{what:>16}: min {:.2} ms, median {:.2} ms, max {:.2} ms",
            milliseconds(min),
            milliseconds(median),
            milliseconds(max)
        );
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Runs `thialfi deliver`; how long it took, and its exit status.
fn deliver(rules: &std::path::Path, mail: &[u8]) -> (Duration, Option<i32>) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_thialfi"))
        .env_clear()
        .arg("--config")
        .arg(rules)
        .args(["deliver", "oncall@example.com"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(mail).unwrap();
    let status = child.wait().unwrap();
    (began.elapsed(), status.code())
}

/// So many rules, of which the last wants a mail that says DOWN. Each mail is an event of its own.
fn rule_file(rules: usize, api: &str) -> String {
    let mut text = format!(
        "[twilio]\naccount_sid = \"{SID}\"\nauth_token = \"sandbox\"\nfrom = \"+6498123450\"\napi_url = \"{api}\"\n\
         [store]\npath = \"thialfi.db\"\n[contacts]\ndavid = {{ name = \"David\", phone = \"+64211110001\" }}\n\
         [groups.systems]\nmembers = [\"david\"]\n[limits]\ncall = []\n"
    );
    for number in 1..rules {
        let _ = write!(
            text,
            "[[rules]]\nname = \"service-{number}\"\naction = \"call\"\ngroup = \"systems\"\n\
             when = [{{ text = '^service (?<service>alpha{number}\\w*) on (?<host>\\S+) is critical$' }}]\n"
        );
    }
    text.push_str(
        "[[rules]]\nname = \"down\"\naction = \"call\"\ngroup = \"systems\"\nkey = \"{{ message_id }}\"\n\
         when = [{ text = '^(?<host>\\w+) is DOWN' }]\n",
    );
    text
}

fn mail(first_line: &str, id: &str, size: usize) -> Vec<u8> {
    let mut text = format!(
        "From: monitoring@example.com\nTo: oncall@example.com\nSubject: report\nMessage-ID: <{id}@example.com>\n\
         Date: Mon, 2 Nov 2026 02:00:00 +0000\n\n{first_line}\n"
    );
    while text.len() < size {
        text.push_str("the database server is well and the disk is far from full, please check the logs\n");
    }
    text.into_bytes()
}
