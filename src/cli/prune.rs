//! `thialfi prune`: removes what was over long ago. The engine does it by itself; this is for those who have none, and
//! for those who want to know, or to have the disk space back.

use std::io::IsTerminal as _;
use std::path::Path;

use anstream::println;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::setup::{self, complain};
use crate::clock;
use crate::config::{self, Config};
use crate::engine::retention::AT_ONCE;
use crate::exit::Exit;
use crate::store::{self, Forgotten, Retention as _, Size, Sqlite};

/// What `prune` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Remove what has been over for longer than this, "90 days" for example; at least 30 days [default: `keep` in
    /// [store], which is 400 days when left out]
    #[arg(long, value_name = "TIME")]
    pub older_than: Option<String>,
    /// Say what would be removed, and remove nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Give the free space back to the file system afterwards; mails wait meanwhile
    #[arg(long, conflicts_with = "dry_run")]
    pub compact: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What was done.
struct Done {
    before: Timestamp,
    forgotten: Forgotten,
    size: Size,
}

impl Done {
    /// How many alerts are left, or would be.
    fn kept(&self, options: &Options) -> u64 {
        if options.dry_run { self.size.alerts.saturating_sub(self.forgotten.alerts) } else { self.size.alerts }
    }
}

/// Removes, or says what it would remove.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    match story(config, options) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}

fn story(config: Option<&Path>, options: &Options) -> Result<(), Exit> {
    let config = setup::look_or_complain(config)?;
    let keep = keep(&config, options)?;
    let now = clock::from_environment().now();
    let before = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
    setup::store_or_complain(&config)?;
    let done = if options.dry_run { look(&config, before) } else { prune(&config, before, options.compact) };
    let done = done.map_err(|error| {
        complain(&error.to_string());
        Exit::No
    })?;
    if options.json {
        println!("{}", object(&done, options));
    } else {
        println!("{}", words(&done, &config, options));
    }
    Ok(())
}

fn keep(config: &Config, options: &Options) -> Result<SignedDuration, Exit> {
    if let Some(text) = &options.older_than {
        return config::keep_time(text).map_err(|why| {
            complain(&format!("--older-than: {why}"));
            Exit::Usage
        });
    }
    config.keep.ok_or_else(|| {
        complain(
            "the rule file keeps everything for ever (`keep` in [store]): say `--older-than TIME` to remove something",
        );
        Exit::No
    })
}

fn look(config: &Config, before: Timestamp) -> store::Result<Done> {
    let Some(mut store) = Sqlite::look(&config.store)? else {
        return Ok(Done { before, forgotten: Forgotten::default(), size: Size::default() });
    };
    Ok(Done { before, forgotten: store.prunable(before)?, size: store.size()? })
}

fn prune(config: &Config, before: Timestamp, compact: bool) -> store::Result<Done> {
    let mut store = Sqlite::open(&config.store)?;
    let bar = bar(store.prunable(before)?.alerts);
    let mut forgotten = Forgotten::default();
    loop {
        // A little at a time: mails that come meanwhile have their turn in between.
        let some = store.prune(before, AT_ONCE)?;
        forgotten += some;
        bar.inc(some.alerts);
        if some.alerts < AT_ONCE as u64 {
            break;
        }
    }
    bar.finish_and_clear();
    if compact {
        store.compact()?;
    }
    Ok(Done { before, forgotten, size: store.size()? })
}

fn bar(alerts: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(alerts);
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template("[{bar:40}] {percent:>3} %  {pos} alerts  {eta} left") {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    bar
}

fn object(done: &Done, options: &Options) -> serde_json::Value {
    let Done { before, forgotten, size } = done;
    json!({
        "before": before,
        "dry_run": options.dry_run,
        "alerts": forgotten.alerts,
        "notifications": forgotten.notifications,
        "lines": forgotten.lines,
        "kept": done.kept(options),
        "bytes": size.bytes,
        "free": size.free,
    })
}

fn words(done: &Done, config: &Config, options: &Options) -> String {
    let Done { before, forgotten, size } = done;
    let day = before.to_zoned(config.defaults.time_zone.clone()).strftime("%-d %B %Y");
    let kept = done.kept(options);
    let are = if kept == 1 { "is" } else { "are" };
    let (bytes, free) = (bytes(size.bytes), bytes(size.free));
    let store = format!("{} {are} kept, in {bytes} of which {free} are free.", alerts(kept));
    if forgotten.alerts == 0 {
        return format!("Nothing to remove: no alert was over before {day}.\n{store}");
    }
    let verb = if options.dry_run { "Would remove" } else { "Removed" };
    format!(
        "{verb} {} that had been over since before {day}, with {} calls, texts and mails and {} lines of history.\n{store}",
        alerts(forgotten.alerts),
        forgotten.notifications,
        forgotten.lines,
    )
}

fn alerts(count: u64) -> String {
    if count == 1 { "1 alert".to_owned() } else { format!("{count} alerts") }
}

fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}
