//! `thialfi backtest`: a history of mail against the rules. It sends nothing, opens no store, and needs no secret.
//!
//! `judge` looks at each mail on all cores; `play` goes through what was wanted in the order of the mails' own time;
//! `summary` counts; `report`, `difference` and `html` show.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::setup::{self, complain};
use crate::archive::{self, File, Found, Tally};
use crate::clock;
use crate::config::Config;
use crate::exit::Exit;

pub mod calendar;
pub mod difference;
pub mod html;
pub mod judge;
pub mod moment;
pub mod play;
pub mod report;
pub mod summary;

use judge::{Counts, Judge, Judged, Pending, settle};
use play::{Played, Stage, play};
use summary::Summary;

/// So many kinds of problem are named.
const NAMED_PROBLEMS: usize = 10;

/// What `backtest` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Maildirs, mboxes, mails, folders of any of these; `-` is standard input
    #[arg(value_name = "MAILDIR|MBOX|FILE", required = true)]
    pub archives: Vec<PathBuf>,
    /// The envelope sender [default: what the headers say]
    #[arg(short = 'f', long = "from", value_name = "SENDER", allow_hyphen_values = true)]
    pub sender: Option<String>,
    /// The envelope recipient of every mail; may be given several times [default: what the headers say]
    #[arg(long = "recipient", short = 'r', value_name = "ADDRESS")]
    pub recipients: Vec<String>,
    /// Only mails that came at or after T: `2026-11-02`, `2026-11-02 09:00`, or how long ago, `30 days`
    #[arg(long, value_name = "T")]
    pub since: Option<String>,
    /// Only mails that came before T
    #[arg(long, value_name = "T")]
    pub until: Option<String>,
    /// How long after an alert's first call somebody acknowledges it: `5m`, `1h`, `never`
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub acknowledged_after: String,
    /// Show the mails that OTHER, another rule file, judges differently
    #[arg(long, value_name = "OTHER")]
    pub against: Option<PathBuf>,
    /// End with 1 when the two rule files judge any mail differently
    #[arg(long, requires = "against")]
    pub fail: bool,
    /// Write a page with charts and tables: one file that needs no network
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    pub html: Option<PathBuf>,
    /// Print one JSON object a line: an alert, or with --against a mail
    #[arg(long)]
    pub json: bool,
    /// How many threads read and judge [default: one for each core]
    #[arg(long, short, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
}

/// What the report says of the circumstances.
pub struct Setting<'a> {
    /// The archive's files.
    pub files: &'a [File],
    /// By whose clocks times are shown: the rule file's.
    pub zone: &'a TimeZone,
    /// How long somebody takes to acknowledge; `None`: for ever.
    pub patience: Option<SignedDuration>,
    /// Mails judged.
    pub judged: u64,
    /// Mails outside of `--since` and `--until`.
    pub outside: u64,
    /// Mails without a time of their own.
    pub undated: u64,
    /// When the first and the last of the judged came.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Mails read.
    pub read: u64,
    /// Bytes read.
    pub bytes: u64,
    /// How long that took.
    pub took: Duration,
    /// By how many threads.
    pub jobs: usize,
}

/// Plays the history.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    match story(config, options) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn story(config: Option<&Path>, options: &Options) -> Result<Exit, Exit> {
    let config = setup::look_or_complain(config)?;
    let other = options.against.as_deref().map(|path| setup::look_or_complain(Some(path))).transpose()?;
    let judge = judge(options, &config, other.as_ref())?;
    let patience = moment::patience(&options.acknowledged_after).map_err(|why| usage(&why))?;
    let jobs = options.jobs.map_or_else(cores, std::num::NonZeroUsize::get);
    let found = archive::search(&options.archives);
    let begun = Instant::now();
    let (pending, tally) = read(&found, jobs, &judge);
    let took = begun.elapsed();
    if let Some(broken) = judge.broken.get() {
        complain(broken);
        return Err(Exit::No);
    }
    complain_of(&tally, &judge.counts);
    if tally.mails == 0 {
        complain("there is no mail to be read");
        return Err(Exit::No);
    }
    let mails = settle(pending);
    complain_of_problems(&mails);
    let counts = &judge.counts;
    let setting = Setting {
        files: &found.files,
        zone: &config.defaults.time_zone,
        patience,
        judged: counts.judged.load(Ordering::Relaxed),
        outside: counts.outside.load(Ordering::Relaxed),
        undated: counts.undated.load(Ordering::Relaxed),
        span: counts.span(),
        read: tally.mails,
        bytes: tally.bytes,
        took,
        jobs,
    };
    let played = on_stage(&config, patience, |stage| play(stage, &mails, |mail| &mail.asks));
    match &other {
        Some(other) => Ok(compare(options, &setting, &config, other, &mails, &played)),
        None => show(options, &setting, &played),
    }
}

/// Whom a rule file would have told, and how often.
fn on_stage<T>(config: &Config, patience: Option<SignedDuration>, play: impl FnOnce(&Stage<'_>) -> T) -> T {
    let recipient = |address: &str| config.recipient(address).and_then(|known| known.limit);
    play(&Stage {
        roster: &config.roster,
        acknowledged_after: patience,
        limits: &config.limits,
        recipient: &recipient,
        webhooks: config.server.public_url.is_some(),
    })
}

fn judge<'c>(options: &Options, config: &'c Config, other: Option<&'c Config>) -> Result<Judge<'c>, Exit> {
    let now = clock::from_environment().now();
    let moment = |text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| moment::moment(text, now, &config.defaults.time_zone)).transpose().map_err(|why| usage(&why))
    };
    Ok(Judge {
        config,
        other,
        sender: options.sender.clone(),
        recipients: options.recipients.clone(),
        since: moment(&options.since)?,
        until: moment(&options.until)?,
        now,
        counts: Counts::default(),
        broken: OnceLock::new(),
    })
}

fn usage(why: &str) -> Exit {
    complain(why);
    Exit::Usage
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Reads and judges all mails, with a bar that shows how far it is when somebody watches.
fn read<'c>(found: &Found, jobs: usize, judge: &Judge<'c>) -> (Vec<Pending<'c>>, Tally) {
    let bar = bar(found);
    let read = archive::read(found, jobs, &|mail| judge.judge(mail), &|mails, bytes| {
        bar.inc(bytes);
        // The bar counts bytes; how many mails that is stands beside it.
        bar.set_message(format!("{} mails", report::number(judge.counts.judged.load(Ordering::Relaxed))));
        let _ = mails;
    });
    bar.finish_and_clear();
    read
}

fn bar(found: &Found) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let streams = found.files.iter().any(|file| file.kind == archive::Kind::Stream);
    let (bar, template) = if streams {
        (ProgressBar::new_spinner(), "{spinner} {bytes} {msg} {binary_bytes_per_sec}")
    } else {
        let template = "[{bar:40}] {percent:>3} %  {msg}  {binary_bytes_per_sec}  {eta} left";
        (ProgressBar::new(found.bytes()), template)
    };
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    bar
}

/// Damaged files and mails are named, and stop nothing.
fn complain_of(tally: &Tally, counts: &Counts) {
    for line in report::troubles(&tally.troubles, tally.trouble_count) {
        complain(&line);
    }
    let headless = counts.headless.load(Ordering::Relaxed);
    if headless > 0 {
        complain(&format!("{} without a header, judged all the same", report::plural(headless, "mail")));
    }
}

/// What would have kept mails with the mail server: each once, with how many mails.
fn complain_of_problems(mails: &[Judged<'_>]) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for problem in mails.iter().flat_map(|mail| &mail.problems) {
        *counts.entry(problem).or_default() += 1;
    }
    // Each recipient is a problem of its own; some are enough.
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (problem, count) in counts.into_iter().take(NAMED_PROBLEMS) {
        complain(&format!("{problem}; the mail server would have kept {}", report::plural(count, "mail")));
    }
}

fn show(options: &Options, setting: &Setting<'_>, played: &Played<'_>) -> Result<Exit, Exit> {
    let summary = Summary::of(played, setting.zone);
    if options.json {
        print(&report::json_lines(setting, played));
    } else {
        print(&report::page(setting, played, &summary));
    }
    if let Some(path) = &options.html {
        std::fs::write(path, html::page(setting, played, &summary)).map_err(|error| {
            complain(&format!("`{}` could not be written: {error}", path.display()));
            Exit::No
        })?;
    }
    Ok(Exit::Success)
}

fn compare<'c>(
    options: &Options,
    setting: &Setting<'_>,
    config: &Config,
    other: &'c Config,
    mails: &[Judged<'c>],
    played: &Played<'c>,
) -> Exit {
    let other_played = on_stage(other, setting.patience, |stage| play(stage, mails, |mail| &mail.other));
    let differing: Vec<&Judged<'_>> = mails.iter().filter(|mail| mail.differs()).collect();
    if options.json {
        print(&difference::json_lines(setting, &differing));
    } else {
        let side = |config: &Config, played, summary| difference::Side {
            name: config.path.display().to_string(),
            played,
            summary,
        };
        let (before, after) = (Summary::of(played, setting.zone), Summary::of(&other_played, setting.zone));
        let (before, after) = (side(config, played, &before), side(other, &other_played, &after));
        print(&difference::page(setting, &differing, &before, &after));
    }
    if options.fail && !differing.is_empty() { Exit::No } else { Exit::Success }
}

/// A reader who has seen enough (`| head`) is no fault.
fn print(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
