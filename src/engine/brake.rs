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

    use crate::clock::{Clock as _, ManualClock};
    use crate::engine::{Engine, stage};
    use crate::store::{Filter, Store as _};

    #[test]
    fn a_turn_ends_after_the_piece_in_which_somebody_stops_it() {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::new("2026-11-02T02:00:00Z".parse().unwrap());
        let desk = stage::desk(directory.path(), Arc::new(clock.clone()));
        let mut store = stage::store(directory.path());
        for number in 0..100 {
            stage::opened(&desk, &mut store, &number.to_string());
        }
        clock.advance(SignedDuration::from_hours(1));
        let now = clock.now();
        let mut looked_at = |engine: &mut Engine| {
            engine.turn().unwrap();
            let ids: Vec<_> = store.alerts(&Filter::default()).unwrap().into_iter().map(|alert| alert.id).collect();
            ids.into_iter().filter(|id| store.history(*id).unwrap().iter().any(|line| line.at == now)).count()
        };
        let mut engine = Engine::new(Arc::clone(&desk), Box::new(stage::store(directory.path())), false);
        engine.brake().pull();
        assert_eq!(looked_at(&mut engine), 20);
        // Another engine goes on where it was.
        let mut engine = Engine::new(desk, Box::new(stage::store(directory.path())), false);
        assert_eq!(looked_at(&mut engine), 100);
    }
}
