//! `thialfi heartbeats`: the mails that must come, when each last did, and when it is due.

use std::path::Path;

use anstream::{print, println};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::setup::{self, complain};
use super::table::{self, Table};
use crate::clock;
use crate::config::Config;
use crate::engine::heartbeats::{Seen, stand};
use crate::exit::Exit;
use crate::heartbeat::{Rhythm, State, moment};
use crate::store::{self, Sighting, Sqlite};

/// What `heartbeats` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Lists them. Looks into the store and changes nothing.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    let config = match setup::look_or_complain(config) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let now = clock::from_environment().now();
    let seen = match look(&config, now) {
        Ok(seen) => seen,
        Err(error) => {
            complain(&error.to_string());
            return Exit::No;
        }
    };
    if options.json {
        println!("{}", Value::Array(seen.iter().map(object).collect()));
    } else if seen.is_empty() {
        println!("The rule file has no [[heartbeats]].");
    } else {
        print!("{}", page(&seen, now));
    }
    Exit::Success
}

fn look(config: &Config, now: Timestamp) -> store::Result<Vec<Seen<'_>>> {
    if let Some(mut store) = Sqlite::look(&config.store)? {
        return stand(config, &mut store, now);
    }
    let unseen = |heartbeat| Seen { heartbeat, sighting: Sighting::default(), standing: None };
    Ok(config.heartbeats.entries.iter().map(unseen).collect())
}

fn state(seen: &Seen<'_>) -> State {
    seen.standing.map_or(State::Waiting, |standing| standing.state)
}

fn object(seen: &Seen<'_>) -> Value {
    let Seen { heartbeat, sighting, standing } = seen;
    let written = Some(&heartbeat.written);
    let (every, at, cron) = match heartbeat.rhythm {
        Rhythm::Every(_) => (written, None, None),
        Rhythm::At { .. } => (None, written, None),
        Rhythm::Cron { .. } => (None, None, written),
    };
    json!({
        "name": heartbeat.name,
        "group": heartbeat.group,
        "every": every,
        "at": at,
        "cron": cron,
        "time_zone": heartbeat.time_zone.iana_name(),
        "grace": heartbeat.grace.to_string(),
        "since": sighting.since,
        "last": sighting.sent_at,
        "arrived": sighting.arrived_at,
        "due": standing.map(|standing| standing.due),
        "state": state(seen),
        "alert": sighting.alert,
    })
}

fn page(all: &[Seen<'_>], now: Timestamp) -> String {
    let mut table = Table::new(&["NAME", "STATE", "LAST", "DUE", "GROUP", "COMES"]);
    for seen in all {
        let heartbeat = seen.heartbeat;
        let told = |at: Option<Timestamp>| {
            at.map_or_else(
                || "-".to_owned(),
                |at| moment(at, now, &heartbeat.time_zone).trim_start_matches("at ").to_owned(),
            )
        };
        table.row([
            heartbeat.name.clone(),
            state(seen).word().to_owned(),
            told(seen.sighting.sent_at),
            told(seen.standing.map(|standing| standing.due)),
            heartbeat.group.to_string(),
            heartbeat.comes(),
        ]);
    }
    table.render(table::terminal_width())
}
