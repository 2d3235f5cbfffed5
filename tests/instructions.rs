//! What a delivery costs, counted in instructions: times are too noisy to be held to, and valgrind's counts are not. The
//! recorded ones are those of the debug build on x86-64, which the tests have anyway; what grows in it mostly grows in the
//! release build, too.
//!
//! A count that is more than 15 % above `tests/instructions.txt` fails. To record new ones, after a change that is worth
//! its price, or one that makes it cheaper:
//!
//! ```sh
//! THIALFI_RECORD=1 cargo test --test thialfi -- instructions
//! ```

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/instructions.txt");
/// In percent of what is recorded.
const TOLERANCE: u64 = 15;
/// Number of rules, bytes of the mail, where the rules look, and whether the last one matches.
const DELIVERIES: [(usize, usize, &str, bool); 8] = [
    (1, 2_000, "subject", false),
    (1, 50_000, "body", false),
    (1, 50_000, "text", false),
    (1, 5_000_000, "body", false),
    (100, 2_000, "text", false),
    (100, 2_000, "subject", true),
    (100, 50_000, "body", true),
    (500, 2_000, "body", false),
];

#[test]
fn a_delivery_takes_no_more_instructions_than_it_did() {
    if !cfg!(all(target_arch = "x86_64", debug_assertions)) {
        return eprintln!("skipped: the recorded counts are those of a debug build on x86-64");
    }
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return eprintln!("skipped: valgrind is not installed");
    }
    let directory = tempfile::tempdir().unwrap();
    let recorded = fs::read_to_string(RECORDED).unwrap_or_default();
    let recorded = |name: &str| {
        let line = recorded.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().replace(',', "").parse::<u64>().unwrap())
    };
    let mut counts = String::new();
    let mut grown = String::new();
    for (rules, size, place, hit) in DELIVERIES {
        let name =
            format!("{rules} rules, {size} bytes, {place}, {}", if hit { "the last matches" } else { "none matches" });
        let count = instructions(directory.path(), &rule_file(rules, place), &mail(size, place, hit.then_some(rules)));
        let _ = writeln!(counts, "{name}: {}", grouped(count));
        let before = recorded(&name).unwrap_or_default();
        eprintln!("{name}: {}, recorded {}", grouped(count), grouped(before));
        if count * 100 > before * (100 + TOLERANCE) {
            let _ = writeln!(grown, "{name}: {} instead of {}", grouped(count), grouped(before));
        }
    }
    if std::env::var_os("THIALFI_RECORD").is_some() {
        fs::write(RECORDED, counts).unwrap();
        return;
    }
    assert!(grown.is_empty(), "more than {TOLERANCE} % above {RECORDED} (its test says how to renew it):\n{grown}");
}

/// How many instructions the delivery of a mail takes, which must end well.
fn instructions(directory: &Path, rules: &str, mail: &str) -> u64 {
    let [rule_file, mail_file, log] = ["rules.toml", "mail", "log"].map(|name| directory.join(name));
    fs::write(&rule_file, rules).unwrap();
    fs::write(&mail_file, mail).unwrap();
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(format!("--log-file={}", log.display()))
        .arg(env!("CARGO_BIN_EXE_thialfi"))
        .arg("--config")
        .arg(&rule_file)
        .args(["deliver", "oncall@example.com"])
        .env("TOKEN", "sandbox")
        .stdin(File::open(&mail_file).unwrap())
        .output()
        .unwrap();
    let log = fs::read_to_string(&log).unwrap();
    assert!(output.status.success(), "{}{log}", String::from_utf8_lossy(&output.stdout));
    let count = log.lines().find_map(|line| line.split_once("refs:")).map(|(_, count)| count.trim().replace(',', ""));
    count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("valgrind counts nothing: {log}"))
}

/// No secret is in it, so that nothing is said of who may read it.
fn rule_file(rules: usize, place: &str) -> String {
    let mut text = "[twilio]\naccount_sid = \"AC00000000000000000000000000000001\"\nauth_token = { env = \"TOKEN\" }\n\
                    from = \"+6498123450\"\n[contacts]\ndavid = { name = \"David\", phone = \"+64211110001\" }\n\
                    [groups.systems]\nmembers = [\"david\"]\n"
        .to_owned();
    for number in 1..=rules {
        let _ = writeln!(
            text,
            "[[rules]]\nname = \"service {number}\"\naction = \"ignore\"\nkey = \"{{{{ host }}}}\"\n\
             when = [{{ {place} = '^service alpha{number}\\w* on (?<host>\\S+) is critical$' }}]"
        );
    }
    text
}

fn mail(size: usize, place: &str, hit: Option<usize>) -> String {
    let alert =
        hit.map_or_else(|| "all is well".to_owned(), |number| format!("Service alpha{number} on web7 is CRITICAL"));
    let subject = if place == "subject" { &alert } else { "report" };
    let mut text = format!(
        "From: monitoring@example.com\nTo: oncall@example.com\nSubject: {subject}\nMessage-ID: <1@example.com>\n\
         Date: Mon, 2 Nov 2026 02:00:00 +0000\n\n{alert}\n"
    );
    while text.len() < size {
        text.push_str("the database server is well and the disk is far from full, please check the logs\n");
    }
    text
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let group = |(index, digit): (usize, char)| {
        let comma = index > 0 && (digits.len() - index).is_multiple_of(3);
        [comma.then_some(','), Some(digit)].into_iter().flatten()
    };
    digits.chars().enumerate().flat_map(group).collect()
}
