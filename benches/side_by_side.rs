//! thialfi beside the filters that everybody has, in one run on one machine: procmail, maildrop, fdm and Pigeonhole
//! (`sieve-test`). What is not installed is left out, and said so.
//!
//! ```sh
//! cargo bench --bench side_by_side             # some minutes
//! cargo bench --bench side_by_side -- quick    # less than one
//! ```
//!
//! What is compared, and why that is fair:
//!
//! - One process for one mail on standard input, as a mail server starts it, rules read anew. Pigeonhole has its script
//!   compiled beforehand, as Dovecot keeps it, and its settings in the environment, where Dovecot has put them.
//! - The same rules: one regular expression each, the same in all languages, without regard to case, in the body or in the
//!   subject. The rules differ by a number within the expression. Of a hit the last rule is the one that matches.
//! - The cheapest end that there is: nothing is stored, and no program run. thialfi ignores (`action = "ignore"`), procmail
//!   delivers to `/dev/null`, maildrop ends, fdm and Sieve drop.
//! - What matches is the first line of the body, so that nobody gains by reading less. But thialfi judges the first MiB of a
//!   mail, and the others all of it: that is what a mail of 5 MB costs with each.
//! - thialfi does what the others do not: it decodes the text, and finds what in it is new.
//!
//! The mails are read from files, since a pipe would measure the bench. Turns are taken, run by run, so that a busy moment
//! hits all. Wall time is from the start of a process to its end; processor time is that of its main thread, from
//! `/proc/PID/schedstat` once it has ended and before it is waited for (fdm works in a child besides, which is not in it).
//! The peak of the memory is asked of GNU time. The issue names hyperfine, but that of Debian 12 (1.15) gives no file to a
//! command without a shell, which costs as much as procmail does.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and fails where it cannot measure")]

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, getuid, waitid};

const SIZES: [(&str, usize); 3] = [("2 KB", 2_000), ("50 KB", 50_000), ("5 MB", 5_000_000)];
const TOOLS: [Tool; 5] = [Tool::Thialfi, Tool::Procmail, Tool::Maildrop, Tool::Fdm, Tool::Sieve];
/// The most memory for the largest mail.
const MEMORY_KB: u64 = 12_000;
/// Where `tests/run` unpacks Dovecot.
const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/mail-servers");

#[derive(Clone, Copy, PartialEq)]
enum Tool {
    Thialfi,
    Procmail,
    Maildrop,
    Fdm,
    Sieve,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Body,
    Subject,
}

/// How much is measured.
struct Extent {
    rules: &'static [usize],
    /// A cell ends after so many runs,
    runs: usize,
    /// or when a tool has taken so long in it.
    budget: Duration,
    /// What would take longer than this, going by the cells with fewer rules, is reckoned and not run.
    patience: Duration,
}

/// What one tool took in one cell.
struct Figure {
    /// In order.
    walls: Vec<Duration>,
    processor: Duration,
    /// Not run.
    reckoned: bool,
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    let extent = if quick {
        let (budget, patience) = (Duration::from_millis(100), Duration::from_millis(500));
        Extent { rules: &[1, 100, 1000], runs: 5, budget, patience }
    } else {
        Extent {
            rules: &[1, 10, 100, 1000],
            runs: 30,
            budget: Duration::from_secs(1),
            patience: Duration::from_secs(10),
        }
    };
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    // Pigeonhole refuses to run as root, so that somebody else must be able to read its files.
    fs::set_permissions(place, Permissions::from_mode(0o755)).unwrap();
    let tools: Vec<Tool> = TOOLS.into_iter().filter(|tool| tool.is_there()).collect();
    let mut missed = Vec::new();
    for (what, looks_at) in [("body", Place::Body), ("subject", Place::Subject)] {
        for hit in [false, true] {
            let outcome = if hit { "the last rule matches" } else { "no rule matches" };
            println!("\n### {what}, {outcome}: ms, min / median (processor)\n");
            println!(
                "| rules | mail |{}",
                tools.iter().fold(String::new(), |line, tool| line + &format!(" {} |", tool.name()))
            );
            println!("|---:|---:|{}", "---:|".repeat(tools.len()));
            for (size_name, size) in SIZES {
                let mut earlier = Earlier::new();
                for &rules in extent.rules {
                    let mail = place.join("mail");
                    write(&mail, &mail_of(size, hit.then_some(rules), looks_at));
                    for tool in &tools {
                        tool.prepare(place, rules, looks_at);
                    }
                    if size == SIZES[0].1 {
                        for tool in &tools {
                            tool.must_see(place, &mail, hit);
                        }
                    }
                    let figures = measure(&tools, place, &mail, rules, &earlier, &extent);
                    let cells = figures.iter().fold(String::new(), |line, figure| line + &format!(" {figure} |"));
                    println!("| {rules} | {size_name} |{cells}");
                    missed.extend(
                        miss(&tools, &figures, rules)
                            .map(|why| format!("{what}, {outcome}, {rules} rules, {size_name}: {why}")),
                    );
                    earlier.push((rules, figures));
                }
            }
        }
    }
    missed.extend(memory(&tools, place, extent.rules));
    println!(
        "\nFalls short (target: not slower than procmail; from 100 rules up at most half its time; by the least time):"
    );
    for line in &missed {
        println!("- {line}");
    }
    if missed.is_empty() {
        println!("- nothing");
    }
}

/// The cells of one mail so far: how many rules, and what each tool took.
type Earlier = Vec<(usize, Vec<Figure>)>;

/// One cell of all tools, in turns.
fn measure(tools: &[Tool], place: &Path, mail: &Path, rules: usize, earlier: &Earlier, extent: &Extent) -> Vec<Figure> {
    let mut figures: Vec<Figure> = (0..tools.len())
        .map(|tool| {
            let reckoned = reckon(earlier, tool, rules).filter(|figure| figure.least() > extent.patience);
            reckoned.unwrap_or(Figure { walls: Vec::new(), processor: Duration::MAX, reckoned: false })
        })
        .collect();
    for _ in 0..extent.runs {
        for (tool, figure) in tools.iter().zip(&mut figures) {
            if figure.reckoned || figure.walls.iter().sum::<Duration>() > extent.budget {
                continue;
            }
            let (wall, processor) = run(&mut tool.command(place), mail);
            figure.walls.push(wall);
            figure.processor = figure.processor.min(processor);
        }
    }
    for figure in &mut figures {
        figure.walls.sort();
    }
    figures
}

/// What so many rules would take, going straight on from the last two cells.
fn reckon(earlier: &Earlier, tool: usize, rules: usize) -> Option<Figure> {
    let [.., (fewer, before), (more, after)] = earlier.as_slice() else { return None };
    let (before, after) = (before.get(tool)?, after.get(tool)?);
    let factor = u32::try_from((rules - more) / (more - fewer)).ok()?;
    let further = |before: Duration, after: Duration| after + after.saturating_sub(before) * factor;
    Some(Figure {
        walls: vec![further(before.least(), after.least())],
        processor: further(before.processor, after.processor),
        reckoned: true,
    })
}

/// Why thialfi does not reach its target in this cell.
fn miss(tools: &[Tool], figures: &[Figure], rules: usize) -> Option<String> {
    let of = |wanted| tools.iter().zip(figures).find(|(tool, _)| **tool == wanted).map(|(_, figure)| figure.least());
    let (thialfi, procmail) = (of(Tool::Thialfi)?, of(Tool::Procmail)?);
    let allowed = if rules >= 100 { procmail / 2 } else { procmail };
    let share = thialfi.as_secs_f64() / procmail.as_secs_f64();
    (thialfi > allowed).then(|| format!("{} against {} ms, {share:.1} times", ms(thialfi), ms(procmail)))
}

/// Prints the peaks of memory for mails that no rule wants.
fn memory(tools: &[Tool], place: &Path, rules: &[usize]) -> Option<String> {
    if Command::new("time").args(["-f", "%M", "true"]).output().is_err() {
        println!("\nGNU time is not installed: no memory is measured");
        return None;
    }
    println!("\n### Peak memory in MB, body, no rule matches\n");
    println!(
        "| rules | mail |{}",
        tools.iter().fold(String::new(), |line, tool| line + &format!(" {} |", tool.name()))
    );
    println!("|---:|---:|{}", "---:|".repeat(tools.len()));
    let mut most = 0;
    for &rules in rules.iter().filter(|rules| [1, 100, 1000].contains(*rules)) {
        for (size_name, size) in SIZES {
            let mail = place.join("mail");
            write(&mail, &mail_of(size, None, Place::Body));
            let mut cells = String::new();
            for tool in tools {
                // The rules of some take long with a large mail; what they need for that shows with one rule.
                if *tool != Tool::Thialfi && rules > 1 && size > 100_000 {
                    cells.push_str(" – |");
                    continue;
                }
                tool.prepare(place, rules, Place::Body);
                let peak = peak(&tool.command(place), &mail);
                if *tool == Tool::Thialfi {
                    most = most.max(peak);
                }
                let _ = write!(cells, " {}.{} |", peak / 1000, peak % 1000 / 100);
            }
            println!("| {rules} | {size_name} |{cells}");
        }
    }
    (most > MEMORY_KB).then(|| format!("memory: {}.{} MB, not less than 12", most / 1000, most % 1000 / 100))
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Thialfi => "thialfi",
            Self::Procmail => "procmail",
            Self::Maildrop => "maildrop",
            Self::Fdm => "fdm",
            Self::Sieve => "sieve-test",
        }
    }

    fn program(self) -> PathBuf {
        match self {
            Self::Thialfi => env!("CARGO_BIN_EXE_thialfi").into(),
            Self::Sieve => sieve_program("sieve-test"),
            Self::Procmail | Self::Maildrop | Self::Fdm => self.name().into(),
        }
    }

    fn is_there(self) -> bool {
        let mut command = Command::new(self.program());
        let there = command.arg("-v").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        if !there {
            println!("{} is not installed: left out", self.name());
        }
        there
    }

    /// Writes its rules.
    fn prepare(self, place: &Path, rules: usize, looks_at: Place) {
        let body = looks_at == Place::Body;
        let mut text = match self {
            Self::Thialfi => {
                "[twilio]\naccount_sid = \"AC00000000000000000000000000000001\"\nauth_token = \"sandbox\"\n\
                 from = \"+6498123450\"\n[store]\npath = \"thialfi.db\"\n[contacts]\n\
                 david = { name = \"David\", phone = \"+64211110001\" }\n[groups.systems]\nmembers = [\"david\"]\n"
            }
            Self::Procmail => "SHELL=/bin/sh\nDEFAULT=/dev/null\n",
            Self::Maildrop => "",
            Self::Fdm => "set lock-types none\naccount \"stdin\" disabled stdin\naction \"drop\" drop\n",
            Self::Sieve => "require [\"body\", \"regex\"];\n",
        }
        .to_owned();
        for number in 1..=rules {
            let pattern = format!("service alpha{number}[a-z]* on [^ ]+ is critical");
            let last = number == rules;
            let _ = match self {
                Self::Thialfi => {
                    let key = if body { "body" } else { "subject" };
                    writeln!(
                        text,
                        "[[rules]]\nname = \"service-{number}\"\naction = \"ignore\"\nwhen = [{{ {key} = '{pattern}' }}]"
                    )
                }
                Self::Procmail => {
                    let (flag, field) = if body { ("B", "") } else { ("", "^Subject:.*") };
                    let end = if last { "{\nEXITCODE=7\n:0\n/dev/null\n}" } else { "/dev/null" };
                    writeln!(text, ":0{flag}\n* {field}{pattern}\n{end}")
                }
                Self::Maildrop => {
                    let (field, flag) = if body { ("", ":b") } else { ("^Subject:.*", "") };
                    let end = if last { "EXITCODE=7\nexit" } else { "exit" };
                    writeln!(text, "if (/{field}{pattern}/{flag})\n{{\n{end}\n}}")
                }
                Self::Fdm => {
                    let (field, within) = if body { ("", "body") } else { ("^Subject:.*", "headers") };
                    writeln!(text, "match \"{field}{pattern}\" in {within} action \"drop\"")
                }
                Self::Sieve => {
                    let condition = if body { "body :text :regex" } else { "header :regex \"subject\"" };
                    writeln!(text, "if {condition} \"{pattern}\" {{ discard; stop; }}")
                }
            };
        }
        text.push_str(match self {
            Self::Thialfi | Self::Procmail | Self::Sieve => "",
            Self::Maildrop => "exit\n",
            Self::Fdm => "match all action \"drop\"\n",
        });
        let file = self.rules(place);
        write(&file, &text);
        // Others may read what Pigeonhole reads; maildrop and thialfi want nobody to read theirs.
        let mode = if self == Self::Sieve { 0o644 } else { 0o600 };
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        if self == Self::Sieve {
            let mut compile = self.settled(&sieve_program("sievec"), place);
            let compiled = file.with_extension("svbin");
            assert!(compile.arg(&file).arg(&compiled).status().unwrap().success(), "the script is not compiled");
            fs::set_permissions(&compiled, Permissions::from_mode(0o644)).unwrap();
        }
    }

    fn rules(self, place: &Path) -> PathBuf {
        place.join(format!("rules.{}", if self == Self::Sieve { "sieve" } else { self.name() }))
    }

    /// The command that reads a mail on standard input.
    fn command(self, place: &Path) -> Command {
        let mut command = self.settled(&self.program(), place);
        let rules = self.rules(place);
        match self {
            Self::Thialfi => command.arg("--config").arg(rules).args(["deliver", "oncall@example.com"]),
            Self::Procmail => command.arg("-m").arg(rules),
            Self::Maildrop => command.arg(rules),
            Self::Fdm => command.arg("-l").arg("-f").arg(rules).args(["-a", "stdin", "fetch"]),
            Self::Sieve => command.arg(rules).arg("/dev/stdin"),
        };
        command
    }

    fn settled(self, program: &Path, place: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", place).stdout(Stdio::null()).stderr(Stdio::null());
        if self == Self::Sieve {
            let libraries = ["core", "sieve"].map(|part| format!("{UNPACKED}/dovecot-{part}/usr/lib/dovecot"));
            command.env("LD_LIBRARY_PATH", libraries.join(":"));
            // What Dovecot itself leaves in the environment of what it starts.
            command.env("DOVECONF_ENV", "1").env("LOG_PATH", "/dev/stderr").env("MAIL_LOCATION", "mbox:/nonexistent");
            if getuid().is_root() {
                command
                    .env("USER", "nobody")
                    .env("MAIL_UID", "65534")
                    .env("MAIL_GID", "65534")
                    .env("FIRST_VALID_UID", "1");
            }
        }
        command
    }

    /// Makes sure that the tool looks where it should, and finds what it should.
    fn must_see(self, place: &Path, mail: &Path, hit: bool) {
        let mut command = match self {
            Self::Thialfi => {
                let mut command = Command::new(self.program());
                command.arg("--config").arg(self.rules(place)).args(["explain", "--json"]);
                command
            }
            Self::Procmail | Self::Maildrop | Self::Fdm | Self::Sieve => self.command(place),
        };
        let output =
            command.stdin(File::open(mail).unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let (said, status) = (String::from_utf8_lossy(&output.stdout), output.status.code());
        let complaint = String::from_utf8_lossy(&output.stderr);
        let seen = match self {
            Self::Thialfi => said.contains("\"matched\":true"),
            Self::Procmail | Self::Maildrop => status == Some(7),
            // It says nothing of it.
            Self::Fdm => hit,
            Self::Sieve => said.contains("discard"),
        };
        assert_eq!(seen, hit, "{}: {status:?} {said} {complaint}", self.name());
    }
}

fn sieve_program(name: &str) -> PathBuf {
    let installed = Path::new("/usr/bin").join(name);
    if installed.exists() { installed } else { Path::new(UNPACKED).join("dovecot-sieve/usr/bin").join(name) }
}

/// Runs a command: wall time, and the processor time of its main thread.
fn run(command: &mut Command, mail: &Path) -> (Duration, Duration) {
    command.stdin(File::open(mail).unwrap());
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let id = child.id();
    let pid = Pid::from_raw(id.cast_signed()).unwrap();
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    let wall = began.elapsed();
    let statistics = fs::read_to_string(format!("/proc/{id}/schedstat")).unwrap_or_default();
    child.wait().unwrap();
    let processor = statistics.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default();
    (wall, Duration::from_nanos(processor))
}

/// The peak of a command's memory, in kB.
fn peak(command: &Command, mail: &Path) -> u64 {
    let mut timed = Command::new("time");
    timed.env_clear().args(["-q", "-f", "%M"]).arg(command.get_program()).args(command.get_args());
    timed.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = timed.stdin(File::open(mail).unwrap()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.lines().last().and_then(|line| line.parse().ok()).unwrap_or_else(|| panic!("GNU time: {said}"))
}

impl Figure {
    fn least(&self) -> Duration {
        self.walls.first().copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let median = self.walls.get(self.walls.len() / 2).copied().unwrap_or_default();
        let about = if self.reckoned { "≈ " } else { "" };
        write!(f, "{about}{} / {} ({})", ms(self.least()), ms(median), ms(self.processor))
    }
}

fn ms(time: Duration) -> String {
    let time = time.as_secs_f64() * 1000.0;
    if time < 20.0 { format!("{time:.1}") } else { format!("{time:.0}") }
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
}

/// A mail of this size; the rule that it is to match, if any, matches its subject or the first line of its body.
fn mail_of(size: usize, hit: Option<usize>, place: Place) -> String {
    let line = |wanted| match hit {
        Some(number) if place == wanted => format!("SERVICE Alpha{number}b on web7 is CRITICAL"),
        Some(_) | None => "all is well".to_owned(),
    };
    let mut text = format!(
        "From: monitoring@example.com\nTo: oncall@example.com\nSubject: {}\nMessage-ID: <1@example.com>\n\
         Date: Mon, 2 Nov 2026 02:00:00 +0000\n\n{}\n",
        line(Place::Subject),
        line(Place::Body)
    );
    while text.len() < size {
        text.push_str("the database server is well and the disk is far from full, please check the logs\n");
    }
    text
}
