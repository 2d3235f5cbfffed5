//! Is there an engine that follows up? It says so in the store, in the system's time: that is about a process, not
//! about a night that a test plays.

use jiff::{SignedDuration, Timestamp};

use crate::store::{self, Store};

/// How often an engine says that it is alive.
pub const BEAT: SignedDuration = SignedDuration::from_secs(2);

/// An engine that has not said so for longer than this is taken for dead or hanging.
pub const DEAD_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// Whether an engine is alive.
pub fn is_alive(store: &mut dyn Store) -> store::Result<bool> {
    let now = Timestamp::now();
    Ok(store.last_beat()?.is_some_and(|beat| now.duration_since(beat).abs() <= DEAD_AFTER))
}
