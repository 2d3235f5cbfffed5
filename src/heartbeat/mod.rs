//! A mail that must come: when it is due, when it is late, and how one says so. Pure: knows no store and no clock.

mod cron;
mod rhythm;
mod standing;
mod words;

pub use cron::{Cron, CronError};
pub use rhythm::{Rhythm, Slot};
pub use standing::{Standing, State, Times};
pub use words::{Missing, moment};
