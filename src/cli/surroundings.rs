//! What a delivery finds around it: clock, store, providers, threads. The system's; or those of a simulation, which plays
//! the same delivery a hundred thousand times.

use std::path::Path;
use std::sync::Arc;

use crate::clock::{self, Clock};
use crate::config::{self, Config};
use crate::engine::hands::{Hands, Threads};
use crate::engine::{Desk, Engine};
use crate::store::{self, Sqlite, Store};

/// Opens the store at a path.
pub type Open = dyn Fn(&Path) -> store::Result<Box<dyn Store>>;

/// A variable of the environment.
pub type Variable = dyn Fn(&str) -> Option<String>;

/// Makes the desk for a rule file and a clock.
pub type MakeDesk = dyn Fn(Arc<Config>, Arc<dyn Clock>) -> Desk;

/// What a delivery finds around it.
pub struct Surroundings {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// A variable of the environment.
    pub environment: Box<Variable>,
    /// Opens the store.
    pub open: Box<Open>,
    /// The desk for a rule file.
    pub desk: Box<MakeDesk>,
    /// Who sends.
    pub hands: Box<dyn Fn() -> Box<dyn Hands>>,
    /// Whether there are directories outside the store in which to remember who was called without one.
    pub remembers: bool,
}

impl Default for Surroundings {
    /// The system's.
    fn default() -> Self {
        Self {
            clock: clock::from_environment(),
            environment: Box::new(config::process_environment),
            open: Box::new(|path| Sqlite::open(path).map(|store| Box::new(store) as Box<dyn Store>)),
            desk: Box::new(Desk::new),
            hands: Box::new(|| Box::new(Threads)),
            remembers: true,
        }
    }
}

impl Surroundings {
    /// Opens the store of a rule file.
    pub fn store(&self, config: &Config) -> store::Result<Box<dyn Store>> {
        (self.open)(&config.store)
    }

    /// The desk for a rule file, by this clock.
    pub fn desk(&self, config: &Arc<Config>) -> Arc<Desk> {
        Arc::new((self.desk)(Arc::clone(config), Arc::clone(&self.clock)))
    }

    /// An engine over a store. `webhooks`: whether a server answers at the public URL.
    pub fn engine(&self, desk: &Arc<Desk>, store: Box<dyn Store>, webhooks: bool) -> Engine {
        Engine::new(Arc::clone(desk), store, webhooks).with_hands((self.hands)())
    }
}
