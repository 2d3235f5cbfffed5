//! Mails that must come, on the way of a delivery: the one that came is recorded, and where no engine watches, the
//! delivery looks whether another is missing.

use std::sync::Arc;

use jiff::Timestamp;

use super::surroundings::Surroundings;
use super::{follow_up, terminal};
use crate::alert::AlertId;
use crate::config::Config;
use crate::engine::heartbeats::{self, Watched};
use crate::engine::{Desk, liveness};
use crate::intake::Intake;
use crate::store::{self, Sqlite, Store};

/// Whether a delivery that needs no store for itself must open it to watch for heartbeats: where no engine does. Looks
/// without a trace. What cannot be looked at is for whoever can write to find out.
pub fn must_look(config: &Config, now: Timestamp) -> bool {
    if config.heartbeats.is_empty() {
        return false;
    }
    let look = |store: &mut Sqlite| -> store::Result<bool> {
        Ok(!liveness::is_alive(store)? && heartbeats::wants_a_look(config, store, now)?)
    };
    match Sqlite::look(&config.store) {
        Ok(Some(mut store)) => look(&mut store).unwrap_or(true),
        Ok(None) | Err(_) => true,
    }
}

/// Records the heartbeats that the mail is. On disk when it returns; what to log.
pub fn record(store: &mut dyn Store, intake: &Intake<'_>, now: Timestamp) -> store::Result<Option<String>> {
    let Some(beat) = intake.beat.filter(|_| !intake.heartbeats.is_empty()) else { return Ok(None) };
    let names: Vec<&str> = intake.heartbeats.iter().map(|one| one.name.as_str()).collect();
    store.heartbeats_came(&names, &beat, now)?;
    Ok(Some(format!("heartbeat {}", terminal::short(&names.join(", "), 120))))
}

/// What a delivery does about alerts of heartbeats.
#[derive(Default)]
pub struct Duty {
    /// Those that end with the mail: it is the heartbeat, or its redelivery follows them up.
    pub own: Vec<AlertId>,
    /// Those that are followed in passing.
    pub others: Vec<AlertId>,
    /// What happened.
    pub lines: Vec<String>,
}

/// Looks at all heartbeats, where no engine does or one of them has just come.
pub fn look(desk: &Desk, store: &mut dyn Store, intake: &Intake<'_>) -> store::Result<Duty> {
    let alive = liveness::is_alive(store)?;
    if desk.config.heartbeats.is_empty() || alive && intake.heartbeats.is_empty() {
        return Ok(Duty::default());
    }
    let mail = intake.beat.map(|beat| beat.mail);
    let Watched { alerts, lines, .. } = desk.watch(store, mail.filter(|_| !alive))?;
    let mut duty = Duty { lines, ..Duty::default() };
    for followed in alerts {
        let came = intake.heartbeats.iter().any(|one| one.name == followed.heartbeat);
        if came || followed.carrier.is_some() && followed.carrier == mail {
            duty.own.push(followed.alert);
        } else if !alive {
            duty.others.push(followed.alert);
        }
    }
    Ok(duty)
}

/// Takes the next due step of alerts that are not this mail's business. Returns what to log.
pub fn follow_others(surroundings: &Surroundings, desk: &Arc<Desk>, alerts: &[AlertId]) -> Vec<String> {
    if alerts.is_empty() {
        return Vec::new();
    }
    let store = surroundings.store(&desk.config);
    let followed = store.and_then(|store| follow_up::follow(surroundings, desk, store, alerts, false));
    followed.map_or_else(|error| vec![error.to_string()], |(lines, _)| lines)
}
