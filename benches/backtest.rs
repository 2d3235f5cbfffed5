//! How many mails a second `backtest` reads and judges: `cargo bench --bench backtest`. Makes archives in a temporary
//! directory, runs the real binary over them, and prints a table; asserts nothing but that all mails were read. Besides
//! mails a second by the clock it prints what a mail costs of processor time (Linux tells it), which other programs
//! disturb less. Results stand in `docs/performance.md`.

#![allow(clippy::print_stdout, reason = "a bench prints")]
#![allow(clippy::cast_precision_loss, reason = "three digits are shown")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// An archive of mails of some size: its name, the size of a mail, and how many.
const SIZES: [(&str, usize, usize); 2] = [("2 KB", 2_000, 30_000), ("50 KB", 50_000, 2_000)];

/// One mail in so many rings.
const RINGS: usize = 100;

fn main() -> std::io::Result<()> {
    let directory = tempfile::tempdir()?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let jobs = if cores == 1 { vec![1] } else { vec![1, cores] };
    print!("{:<24} {:>6}", "archive", "rules");
    for jobs in &jobs {
        print!(" {:>34}", if *jobs == 1 { "1 thread".to_owned() } else { format!("{jobs} threads") });
    }
    println!();
    for (name, size, count) in SIZES {
        let mbox = directory.path().join(format!("{size}.mbox"));
        let maildir = directory.path().join(format!("{size}.maildir"));
        make(&mbox, &maildir, size, count)?;
        for (kind, path) in [("mbox", &mbox), ("Maildir", &maildir)] {
            for rules in [1, 10, 100, 1000] {
                let file = directory.path().join(format!("{rules}.toml"));
                fs::write(&file, rule_file(rules))?;
                print!("{:<24} {rules:>6}", format!("{kind}, {count} of {name}"));
                for jobs in &jobs {
                    print!(" {:>34}", best_of_three(&file, path, *jobs, count)?);
                }
                println!();
            }
        }
    }
    Ok(())
}

/// Mails a second by the clock, and what a mail costs of processor time: the best of three runs of each, the start of
/// the program included.
fn best_of_three(rules: &Path, archive: &Path, jobs: usize, count: usize) -> std::io::Result<String> {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thialfi"));
        command.arg("--config").arg(rules).args(["backtest", "--json", "--jobs", &jobs.to_string()]).arg(archive);
        let (begun, spent) = (Instant::now(), children_time());
        let output = command.output()?;
        best = (best.0.min(begun.elapsed()), best.1.min(children_time().saturating_sub(spent)));
        let alerts = String::from_utf8_lossy(&output.stdout).lines().count();
        assert_eq!(alerts, count.div_ceil(RINGS), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let (clock, spent) = (best.0.as_secs_f64() / count as f64, best.1.as_secs_f64() / count as f64);
    Ok(format!("{:.0}/s ({:.0} µs of processor)", 1.0 / clock, spent * 1e6))
}

/// The processor time of all programs that this one has started and seen end: in hundredths of a second, which is what
/// Linux tells (proc(5), `cutime` and `cstime`).
fn children_time() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The same mails as an mbox and as a Maildir.
fn make(mbox: &Path, maildir: &Path, size: usize, count: usize) -> std::io::Result<()> {
    for folder in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(folder))?;
    }
    let mut all = String::new();
    for number in 0..count {
        let mail = mail(number, size);
        fs::write(maildir.join(format!("cur/{}.M{number}.host:2,S", 1_793_584_800 + number)), &mail)?;
        let _ = write!(all, "From monitoring@example.com Mon Nov  2 02:00:00 2026\n{mail}\n");
    }
    fs::write(mbox, all)
}

/// A mail of monitoring that no rule wants but one in a hundred, which the first rule does; every third is a reply.
fn mail(number: usize, size: usize) -> String {
    let (minute, second) = (number / 60 % 60, number % 60);
    let mut mail = format!(
        "Return-Path: <monitoring@example.com>\nDelivered-To: ops@example.com\nReceived: from m.example.com (m.example.com [192.0.2.1])\n\
         \tby mx.example.com (Postfix) with ESMTPS id 4XhR{number:06}\n\tfor <ops@example.com>; Mon, 2 Nov 2026 02:{minute:02}:{second:02} +0000\n\
         From: Monitoring <monitoring@example.com>\nTo: ops@example.com\nSubject: Report {number} of db{}\n\
         Date: Mon, 2 Nov 2026 02:{minute:02}:{second:02} +0000\nMessage-ID: <{number}@example.com>\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n",
        number % 97
    );
    if number.is_multiple_of(RINGS) {
        let _ = writeln!(mail, "Host web0000 changed from up to Emergency (Critical) on rack{}", number % 7);
    }
    let reply = number.is_multiple_of(3);
    if reply {
        mail.push_str("I have it.\n\nOn Mon, 2 Nov 2026 at 02:00, Monitoring <m@example.com> wrote:\n");
    }
    let mut line = number;
    while mail.len() < size {
        let mark = if reply { "> " } else { "" };
        let _ =
            writeln!(mail, "{mark}Filesystem /var on db{line} is at {} percent, more than we agreed on.", line % 101);
        line += 1;
    }
    mail
}

fn rule_file(rules: usize) -> String {
    let mut text = String::from(
        "[contacts]\ndavid = { name = \"David\", phone = \"+64211110001\" }\n\n[groups.systems]\nname = \"Systems\"\n\
         members = [\"david\"]\noncall = \"david\"\n\n",
    );
    for number in 0..rules {
        let _ = writeln!(
            text,
            "[[rules]]\nname = \"rule {number}\"\nwhen = [{{ text = '^Host web{number:04} changed from \\w+ to Emergency \
             \\(Critical\\) on rack(?<rack>\\d+)$' }}]\naction = \"call\"\ngroup = \"systems\"\nkey = \"{{{{ message_id }}}}\"\n"
        );
    }
    text
}
