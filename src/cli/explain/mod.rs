//! `thialfi explain`: what `deliver` would do with a mail, and why. Reads the rule file, standard input, and what the
//! store knows of the alert that the mail would join; changes nothing.

use std::path::{Path, PathBuf};

use anstream::{eprintln, print, println};
use clap::Args;
use jiff::Timestamp;

use super::judged::{Judged, Mail};
use super::replies;
use super::setup::{self, complain};
use crate::alert::Channel;
use crate::alert::limit::Window;
use crate::alert::plan::{Planned, plan};
use crate::clock;
use crate::config::Moment;
use crate::exit::Exit;
use crate::intake::Wish;
use crate::mail::message;
use crate::oncall::{ContactId, Roster};
use memory::{Meeting, Memory};
use words::{code_of, text_of};

pub mod conditions;
mod forward;
mod json;
mod memory;
mod page;
mod say;
mod then;
mod words;

/// What `explain` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The envelope sender
    #[arg(short = 'f', long = "from", value_name = "SENDER", allow_hyphen_values = true)]
    pub sender: Option<String>,
    /// The envelope recipients [default: what the headers say]
    #[arg(value_name = "RECIPIENT")]
    pub recipients: Vec<String>,
    /// As if the mail came then: `2026-11-02T03:00:00+13:00`, `2026-11-02 03:00`, `03:00` or `Sat 03:00`
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Write what the first to be called would hear to a sound file, read by espeak-ng
    #[arg(long, value_name = "FILE.wav")]
    pub say: Option<PathBuf>,
    /// End with 1 when nobody would be called or texted
    #[arg(long)]
    pub fail: bool,
}

/// Explains.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    match story(config, options) {
        Ok(false) if options.fail => Exit::No,
        Ok(true | false) => Exit::Success,
        Err(exit) => exit,
    }
}

fn story(config: Option<&Path>, options: &Options) -> Result<bool, Exit> {
    let at = options.at.as_deref().map(str::parse::<Moment>).transpose().map_err(|error| {
        complain(&error.to_string());
        Exit::Usage
    })?;
    let config = setup::look_or_complain(config)?;
    let raw = message::read(&mut std::io::stdin().lock()).map_err(|error| fail(&error))?;
    if raw.size == 0 {
        complain("there is no mail on standard input");
        return Err(Exit::No);
    }
    let mut mail = Mail::new(&raw, options.sender.as_deref(), &options.recipients);
    let is_reply = !replies::take_out(&config, &mut mail.envelope).is_empty();
    if is_reply && !options.json {
        println!("For the address with a token, it is a reply to a mail of ours: its first line is a command.");
    }
    if is_reply && mail.envelope.recipients.is_empty() {
        if options.json {
            println!("{}", serde_json::json!({ "reply": true, "action": null, "rules": null }));
        }
        return Ok(false);
    }
    let present = clock::from_environment().now();
    let now = at.map_or(present, |at| at.resolve(present, &config.defaults.time_zone));
    let mut memory = Memory::of(&config);
    let judged = Judged::new(&config, &mail, now, &mut memory).map_err(|error| fail(&error))?;
    let explanation = Explanation::new(&judged, &mut memory);
    if options.json {
        println!("{}", json::object(&explanation));
    } else {
        print!("{}", page::page(&explanation, super::layout::page_width()));
    }
    if let Some(file) = &options.say {
        let line = say::write(&explanation, file).map_err(|why| fail(&why))?;
        // What is printed with `--json` is one object.
        if options.json { eprintln!("{line}") } else { println!("\n{line}") }
    }
    Ok(judged.intake.wishes.iter().any(Wish::notifies))
}

fn fail(error: &impl ToString) -> Exit {
    complain(&error.to_string());
    Exit::No
}

/// Everything that an explanation tells.
struct Explanation<'a> {
    judged: &'a Judged<'a>,
    /// The rule file's roster, with the overrides of the store.
    roster: Roster,
    /// What each wish would meet in the store, in their order.
    meetings: Vec<Meeting>,
    /// What a limit would hold back of the first attempt of each wish, in their order.
    held: Vec<Vec<Held>>,
    /// Why the store could not be looked into, if there is one.
    trouble: Option<String>,
}

impl<'a> Explanation<'a> {
    fn new(judged: &'a Judged<'a>, memory: &mut Memory<'_>) -> Self {
        let mut roster = judged.config.roster.clone();
        if !judged.intake.wishes.is_empty() {
            roster.overrides = memory.overrides(judged.now);
        }
        let wishes = &judged.intake.wishes;
        let meetings = wishes.iter().map(|wish| memory.meeting(wish, judged.now)).collect();
        let held = wishes.iter().map(|wish| held(wish, &roster, memory, judged.now)).collect();
        Self { judged, roster, meetings, held, trouble: memory.trouble().map(str::to_owned) }
    }

    fn now(&self) -> Timestamp {
        self.judged.now
    }

    /// The wishes, each with what it would meet and what of it would be held back.
    fn wishes(&self) -> impl Iterator<Item = (&'a Wish<'a>, &Meeting, &[Held])> {
        let held = self.held.iter().map(Vec::as_slice);
        self.judged
            .intake
            .wishes
            .iter()
            .zip(&self.meetings)
            .zip(held)
            .map(|((wish, meeting), held)| (wish, meeting, held))
    }

    /// Who would be notified when, if nobody ever acknowledged.
    fn plan(&self, wish: &Wish<'_>) -> Vec<Planned> {
        if !wish.notifies() {
            return Vec::new();
        }
        plan(wish.policy, &wish.arrival.group, &self.roster, self.now())
    }
}

/// A notification that a limit would hold back.
struct Held {
    contact: ContactId,
    channel: Channel,
    /// Until when, if nothing else is sent there before.
    until: Timestamp,
    /// The limit that is full.
    full: Window,
}

/// What the limits would hold back of the first attempt of a new alert.
fn held(wish: &Wish<'_>, roster: &Roster, memory: &mut Memory<'_>, now: Timestamp) -> Vec<Held> {
    if !wish.notifies() {
        return Vec::new();
    }
    let rows = plan(wish.policy, &wish.arrival.group, roster, now);
    let first = rows.first().map(|first| first.after);
    let rows = rows.into_iter().filter(|row| Some(row.after) == first);
    let held = rows.filter_map(|Planned { contact, channel, .. }| {
        let (until, full) = memory.held(wish, (&contact, channel), now)?;
        Some(Held { contact, channel, until, full })
    });
    held.collect()
}
