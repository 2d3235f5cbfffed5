//! `thialfi oncall`: who is on call, now or later, and changing it.

mod change;
mod show;

use std::io::Write as _;
use std::path::Path;

use anstream::println;
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::nearest::nearest;
use super::setup::{self, complain};
use crate::clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::oncall::moment::{self, moment};
use crate::oncall::{GroupId, Roster, calendar};
use crate::store::Store as _;

/// Overrides that have ended since are looked at, too: the turn under way began when one of them ended.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(366 * 24);
/// So far ahead a calendar is written.
const CALENDAR: &str = "13 weeks";

/// What `oncall` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Only this group
    pub group: Option<String>,
    /// Who is on call from now on
    pub contact: Option<String>,
    /// From when: a time (`2026-11-02 09:00`), a time of day (`18:00`), or how long from now (`8h`)
    #[arg(long, value_name = "T", requires = "contact")]
    pub from: Option<String>,
    /// Until when: likewise, or how long after --from
    #[arg(long, value_name = "T", requires = "contact")]
    pub until: Option<String>,
    /// End what was changed here or on the web page: the rule file says again who is on call
    #[arg(long, requires = "group", conflicts_with = "contact")]
    pub clear: bool,
    /// Who is on call at this time
    #[arg(long, value_name = "T", conflicts_with_all = ["contact", "clear"])]
    pub at: Option<String>,
    /// Every change within a span (`14d`), one a row
    #[arg(long, value_name = "SPAN", conflicts_with_all = ["contact", "clear"])]
    pub next: Option<String>,
    /// Write a calendar (iCalendar) of the group's turns, of the next 13 weeks or as --next says
    #[arg(long, requires = "group", conflicts_with_all = ["contact", "clear", "json"])]
    pub ics: bool,
    /// Print one JSON array
    #[arg(long)]
    pub json: bool,
}

/// Shows or changes who is on call.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    match story(config, options) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}

fn story(config: Option<&Path>, options: &Options) -> Result<(), Exit> {
    let config = setup::look_or_complain(config)?;
    let now = clock::from_environment().now();
    let zone = &config.defaults.time_zone;
    let group = options.group.as_deref().map(|name| known_group(&config, name)).transpose()?;
    let at = match &options.at {
        Some(text) => moment(text, now, zone).map_err(|why| refuse(&why))?,
        None => now,
    };
    let end = match (&options.next, options.ics) {
        (Some(text), _) => Some(moment::end(text, at, zone).map_err(|why| refuse(&why))?),
        (None, true) => Some(moment::end(CALENDAR, at, zone).map_err(|why| refuse(&why))?),
        (None, false) => None,
    };
    // Looking must not need the right to write: without a store there are no overrides.
    let changes = options.contact.is_some() || options.clear;
    let mut store = if changes || config.store.exists() { Some(setup::open_store(&config)?) } else { None };
    if let (Some(group), Some(store)) = (&group, &mut store) {
        let done = change::apply(&config, store, group, options, now)?;
        if let Some(done) = done.filter(|_| !options.json) {
            println!("{done}");
        }
    }
    let mut roster = config.roster.clone();
    if let Some(store) = &mut store {
        let since = at.min(now).checked_sub(REMEMBERED).unwrap_or(at);
        roster.overrides = store.overrides(since).map_err(|error| {
            complain(&error.to_string());
            Exit::No
        })?;
    }
    let groups: Vec<&GroupId> = match &group {
        Some(group) => vec![group],
        None => roster.groups.keys().collect(),
    };
    let shown = show::Shown { roster: &roster, groups: &groups, at, zone };
    match (end, options.ics, options.json) {
        (Some(end), true, _) => return write_calendar(&roster, &groups, (at, end), now),
        (Some(end), false, true) => shown.shifts_as_json(end),
        (Some(end), false, false) => shown.shifts(end),
        (None, _, true) => shown.duties_as_json(),
        (None, _, false) => shown.duties(),
    }
    Ok(())
}

/// Complains of what was typed.
fn refuse(why: &anyhow::Error) -> Exit {
    complain(&why.to_string());
    Exit::Usage
}

fn write_calendar(
    roster: &Roster,
    groups: &[&GroupId],
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<(), Exit> {
    for group in groups.iter().filter_map(|group| roster.groups.get(group)) {
        let shifts = roster.shifts(&group.id, from, until);
        let text = calendar::write(roster, group, &shifts, (from, until), now);
        // Byte for byte: a calendar has lines of its own.
        std::io::stdout().write_all(text.as_bytes()).map_err(|error| {
            complain(&error.to_string());
            Exit::No
        })?;
    }
    Ok(())
}

fn known_group(config: &Config, name: &str) -> Result<GroupId, Exit> {
    let id = GroupId::new(name);
    if config.roster.groups.contains_key(&id) {
        return Ok(id);
    }
    let names = config.roster.groups.keys().map(GroupId::as_str);
    complain(&format!("there is no group `{name}`{}", nearest(name, names)));
    Err(Exit::No)
}
