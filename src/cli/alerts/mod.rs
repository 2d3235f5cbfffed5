//! `thialfi alerts`: what is open and what was, the story of one, and acting on it from the command line.

mod find;
mod list;
mod story;

use std::path::Path;
use std::sync::Arc;

use anstream::{print, println};
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};

use super::setup::{self, complain};
use super::surroundings::Surroundings;
use super::{follow_up, layout, terminal};
use crate::alert::{Actor, Alert, AlertId, Event, State, Through};
use crate::config::Config;
use crate::engine::{Desk, liveness};
use crate::exit::Exit;
use crate::report::{alert, story as tale};
use crate::store::{self, KeptMails as _, Sqlite, Store};

/// What `alerts` takes.
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// What to do; nothing: list.
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Only alerts that are open: short for `--state open`
    #[arg(long)]
    pub open: bool,
    /// Only alerts that are so; may be given several times
    #[arg(long, value_name = "STATE", value_delimiter = ',', value_parser = states())]
    pub state: Vec<State>,
    /// Only alerts of this group
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Only alerts with this in an address at which their mails arrived
    #[arg(long, value_name = "PART")]
    pub recipient: Option<String>,
    /// Only alerts with this in their subject, spoken or texted words, key, rule or code, or in what their mails say
    #[arg(long, value_name = "WORDS")]
    pub text: Option<String>,
    /// Only alerts opened since: a time (`2026-11-02 09:00`), a day (`2026-11-02`), or how long ago (`7d`)
    #[arg(long, value_name = "T")]
    pub since: Option<String>,
    /// Only alerts opened until: the same, and a day counts to its end
    #[arg(long, value_name = "T")]
    pub until: Option<String>,
    /// Every alert, not just the latest 50
    #[arg(long)]
    pub all: bool,
    /// Print comma-separated values: timestamp, id, status, recipient, group
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

fn states() -> impl clap::builder::TypedValueParser<Value = State> {
    const ALL: [State; 4] = [State::Open, State::Acknowledged, State::Resolved, State::Expired];
    let known = PossibleValuesParser::new(ALL.map(State::word));
    // The parser lets no other word through.
    known.map(|word| ALL.into_iter().find(|state| state.word() == word).unwrap_or(State::Open))
}

/// What to do with an alert. ID is its number, or the code that its texts begin with.
#[derive(Debug, Clone, Subcommand)]
pub enum Action {
    /// Tell the whole story of an alert
    Show {
        /// Number or code
        id: String,
    },
    /// Acknowledge: "I have it"
    Ack {
        /// Number or code
        id: String,
    },
    /// Resolve: "it is over"
    Resolve {
        /// Number or code
        id: String,
    },
}

/// Lists, shows or acts.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    match carry_out(config, options) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}

fn carry_out(config: Option<&Path>, options: &Options) -> Result<(), Exit> {
    let config = setup::look_or_complain(config)?;
    let Some(action) = &options.action else {
        let wanted = list::Wanted::of(&config, options)?;
        let mut store = if config.store.exists() { Some(setup::open_store(&config)?) } else { None };
        return list::print(&config, store.as_mut(), &wanted, options);
    };
    setup::store_or_complain(&config)?;
    let mut store = setup::open_store(&config)?;
    let (Action::Show { id } | Action::Ack { id } | Action::Resolve { id }) = action;
    let id = find::alert(&mut store, id)?;
    let by = Actor { contact: None, name: setup::user(), through: Through::Command };
    match action {
        Action::Show { .. } => show(&config, &mut store, id, options.json),
        Action::Ack { .. } => act(config, store, id, &Event::Acknowledge { by, within: None }, options.json),
        Action::Resolve { .. } => act(config, store, id, &Event::Resolve { by, within: None }, options.json),
    }
}

fn act(config: Config, store: Sqlite, id: AlertId, event: &Event, json: bool) -> Result<(), Exit> {
    let desk = setup::desk(config);
    let (alert, all_told) =
        act_in(&Surroundings::default(), &desk, Box::new(store), id, event).map_err(|error| fail(&error))?;
    if json {
        println!("{}", alert::summary(&alert));
    } else {
        let who = alert.acknowledged_by.as_deref().map(|who| format!(" by {who}")).unwrap_or_default();
        println!("Alert {} ({}) is {}{}.", alert.id, alert.code, alert.state.word(), terminal::one_line(&who));
    }
    if !all_told {
        complain("not everybody who was notified has been told, and no engine runs that would try again");
    }
    Ok(())
}

/// Lets `event` happen to an alert, and where no engine does, tells those who are to know. Whether all have been told, or
/// will be.
///
/// # Errors
/// When the store fails.
pub fn act_in(
    surroundings: &Surroundings,
    desk: &Arc<Desk>,
    mut store: Box<dyn Store>,
    id: AlertId,
    event: &Event,
) -> store::Result<(Alert, bool)> {
    let alert = desk.apply(store.as_mut(), id, event)?;
    desk.hang_up();
    if liveness::is_alive(store.as_mut())? {
        return Ok((alert, true));
    }
    let (_, all_told) = follow_up::follow(surroundings, desk, store, &[id], false)?;
    Ok((alert, all_told))
}

fn show(config: &Config, store: &mut Sqlite, id: AlertId, json: bool) -> Result<(), Exit> {
    let alert = store.alert(id).map_err(|error| fail(&error))?;
    let mut history = store.history(id).map_err(|error| fail(&error))?;
    let now = crate::clock::from_environment().now();
    let end = tale::end(&alert, &history, now);
    let overrides = store.overrides_between(alert.opened_at, end).map_err(|error| fail(&error))?;
    tale::add_duties(&mut history, &alert, &overrides, &config.roster, end);
    let mails = store.mails(id).map_err(|error| fail(&error))?;
    if json {
        println!("{}", alert::whole(&alert, &history, &mails));
    } else {
        let zone = &config.defaults.time_zone;
        let told = story::Told { alert: &alert, history: &history, newest: mails.last(), zone, now };
        print!("{}", story::page(&told, layout::page_width()));
    }
    Ok(())
}

fn fail(error: &impl ToString) -> Exit {
    complain(&error.to_string());
    Exit::No
}
