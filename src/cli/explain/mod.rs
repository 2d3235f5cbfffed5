//! `thialfi explain`: what `deliver` would do with a mail, and why. Reads the rule file, standard input, and what the
//! store knows of the alert that the mail would join; changes nothing.

use std::path::{Path, PathBuf};

use super::setup::{self, complain};
use crate::clock;
use crate::config::Moment;
use crate::exit::Exit;
use crate::explain::memory::Memory;
use crate::explain::{Explanation, Judged, Mail, json};
use crate::intake::{Wish, reply_address};
use crate::mail::message;
use anstream::{eprintln, print, println};
use clap::Args;

pub mod conditions;
mod page;
mod say;
mod then;

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
    let is_reply = !reply_address::take_out(&config, &mut mail.envelope).is_empty();
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
