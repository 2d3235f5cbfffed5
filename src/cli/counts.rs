//! Mails counted in the store while rules are asked, which is opened when the first one is counted.

use jiff::Timestamp;

use super::surroundings::Surroundings;
use crate::config::Config;
use crate::intake::Memory;
use crate::rules::Recall;
use crate::store::{self, Store, Tally};

/// Counts mails.
pub struct Counts<'a> {
    config: &'a Config,
    surroundings: &'a Surroundings,
    /// The store, once it was opened.
    pub store: Option<Box<dyn Store>>,
    /// Why a mail could not be counted.
    pub failure: Option<store::Error>,
}

impl<'a> Counts<'a> {
    /// Nothing has been counted yet.
    pub fn new(config: &'a Config, surroundings: &'a Surroundings) -> Self {
        Self { config, surroundings, store: None, failure: None }
    }

    fn try_count(&mut self, tally: &Tally, now: Timestamp) -> store::Result<u32> {
        let store = match &mut self.store {
            Some(store) => store,
            None => self.store.insert(self.surroundings.store(self.config)?),
        };
        store.count(tally, now)
    }
}

impl Memory for Counts<'_> {
    fn count(&mut self, tally: &Tally, now: Timestamp) -> Recall {
        if self.failure.is_some() {
            // What failed once is not waited for again: the watchdog has no patience for that.
            return Recall::Failed;
        }
        match self.try_count(tally, now) {
            Ok(times) => Recall::Times(times),
            Err(error) => {
                self.failure = Some(error);
                Recall::Failed
            }
        }
    }
}
