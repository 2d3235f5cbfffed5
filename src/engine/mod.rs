//! What carries out what the escalation asks for: claim, send, record, follow up. Used for one mail by `deliver`, for
//! as long as it lives by `serve-twiml`.

pub mod brake;
pub mod desk;
mod dispatch;
pub mod follow;
pub mod hands;
pub mod heartbeats;
pub mod liveness;
pub mod outbox;
mod patrol;
pub mod poll;
pub mod providers;
pub mod pulse;
pub mod reach;
pub mod reply;
pub mod retention;
pub mod self_test;
pub mod send;
#[cfg(test)]
mod stage;

pub use desk::{Desk, Error};
pub use follow::Engine;
