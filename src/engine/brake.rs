//! Stops an engine in the course of a turn: with much that is due a turn lasts, and who has sent SIGTERM kills what does
//! not end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stops the engine after the piece of work that it is at. What it has begun to send it still records.
#[derive(Debug, Default, Clone)]
pub struct Brake(Arc<AtomicBool>);

impl Brake {
    /// Pulls it. Nobody lets it go again.
    pub fn pull(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has.
    pub fn is_pulled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::SignedDuration;

    use crate::alert::{Digest, Policy, Step};
    use crate::clock::{Clock, ManualClock};
    use crate::config::Config;
    use crate::engine::{Desk, Engine};
    use crate::oncall::GroupId;
    use crate::store::{Arrival, Filter, Sqlite, Store as _};

    const RULES: &str = "[contacts]\ndavid = { name = \"David\", phone = \"+64211110001\" }\n\
                         [groups.dba]\nname = \"DBA\"\nmembers = [\"david\"]\noncall = \"david\"\n";

    #[test]
    fn a_turn_ends_after_the_piece_in_which_somebody_stops_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rules.toml");
        std::fs::write(&path, RULES).unwrap();
        let clock = ManualClock::new("2026-11-02T02:00:00Z".parse().unwrap());
        let desk = Arc::new(Desk::new(Arc::new(Config::load(&path).unwrap()), Arc::new(clock.clone())));
        let database = directory.path().join("thialfi.db");
        let mut store = Sqlite::open(&database).unwrap();
        for number in 0..100 {
            let number = number.to_string();
            let arrival = Arrival {
                mail: Digest::of(["mail", &number]),
                digest: Digest::of(["key", &number]),
                other_digests: Vec::new(),
                over: Vec::new(),
                sent_at: None,
                told: None,
                key: number,
                window: SignedDuration::from_hours(1),
                group: GroupId::new("dba"),
                rule: "rule".to_owned(),
                recipients: Vec::new(),
                subject: "subject".to_owned(),
                say: "say".to_owned(),
                text: "text".to_owned(),
                policy: Policy { steps: vec![Step::default()], ..Policy::default() },
            };
            desk.receive_arrival(&mut store, &arrival, None).unwrap();
        }
        clock.advance(SignedDuration::from_hours(1));
        let now = clock.now();
        let mut looked_at = |engine: &mut Engine| {
            engine.turn().unwrap();
            let ids: Vec<_> = store.alerts(&Filter::default()).unwrap().into_iter().map(|alert| alert.id).collect();
            ids.into_iter().filter(|id| store.history(*id).unwrap().iter().any(|line| line.at == now)).count()
        };
        let mut engine = Engine::new(Arc::clone(&desk), Box::new(Sqlite::open(&database).unwrap()), false);
        engine.brake().pull();
        assert_eq!(looked_at(&mut engine), 20);
        // Another engine goes on where it was.
        let mut engine = Engine::new(desk, Box::new(Sqlite::open(&database).unwrap()), false);
        assert_eq!(looked_at(&mut engine), 100);
    }
}
