//! How the engine is, as it shows others without a look into the store: whether it turns, whether it can write, and whether
//! the provider reaches us.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// The pulse of one engine; copies show the same. Times are the system's, in milliseconds, 0 for none.
#[derive(Debug, Default, Clone)]
pub struct Pulse {
    /// Of its last turn.
    turned_at: Arc<AtomicI64>,
    /// Since when the provider does not reach us.
    unreachable: Arc<AtomicI64>,
    /// Since when the store fails, and what it says.
    trouble: Arc<Mutex<Option<(Timestamp, String)>>>,
}

impl Pulse {
    /// The engine has turned, whatever came of it.
    pub(crate) fn beat(&self) {
        self.turned_at.store(Timestamp::now().as_millisecond(), Ordering::Relaxed);
    }

    pub(super) fn show_unreachable(&self, since: Option<Timestamp>) {
        self.unreachable.store(since.map_or(0, Timestamp::as_millisecond), Ordering::Relaxed);
    }

    /// What the store says that fails; `None`: it was read and written.
    pub(crate) fn show_store(&self, trouble: Option<String>) {
        let mut shown = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let since = shown.as_ref().map_or_else(Timestamp::now, |(since, _)| *since);
        *shown = trouble.map(|trouble| (since, trouble));
    }

    /// For how long the store has failed the engine, and what it said last; `None`: it was read and written a moment ago.
    pub fn store_fails(&self) -> Option<(SignedDuration, String)> {
        let shown = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        shown.as_ref().map(|(since, trouble)| (Timestamp::now().duration_since(*since), trouble.clone()))
    }

    /// As if the store had failed for so long.
    #[cfg(test)]
    pub(crate) fn show_store_for(&self, span: SignedDuration, trouble: &str) {
        let mut shown = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = Some((Timestamp::now() - span, trouble.to_owned()));
    }

    /// Since when the provider has not reached us; `None`: it does, as far as is known.
    pub fn unreachable(&self) -> Option<Timestamp> {
        let since = self.unreachable.load(Ordering::Relaxed);
        (since != 0).then(|| Timestamp::from_millisecond(since).unwrap_or(Timestamp::MIN))
    }

    /// How long ago the engine last turned; `None` before its first turn.
    pub fn age(&self) -> Option<SignedDuration> {
        match self.turned_at.load(Ordering::Relaxed) {
            0 => None,
            at => Some(SignedDuration::from_millis(Timestamp::now().as_millisecond().saturating_sub(at))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_fails_is_told_from_its_first_failure_on_until_it_works() {
        let pulse = Pulse::default();
        assert_eq!(pulse.store_fails(), None);
        pulse.show_store(Some("full".to_owned()));
        let first = pulse.trouble.lock().unwrap().clone().unwrap().0;
        pulse.show_store(Some("still full".to_owned()));
        assert_eq!(pulse.trouble.lock().unwrap().clone().unwrap(), (first, "still full".to_owned()));
        pulse.clone().show_store(None);
        assert_eq!(pulse.store_fails(), None);
    }

    #[test]
    fn an_engine_that_has_not_turned_has_no_age() {
        let pulse = Pulse::default();
        assert_eq!(pulse.age(), None);
        pulse.beat();
        assert!(pulse.age().is_some_and(|age| age < SignedDuration::from_secs(5)));
    }
}
