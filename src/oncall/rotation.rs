//! The members of a group taking turns.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

/// How long a turn lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// So many hours, counted in real hours from the start.
    Hours(u32),
    /// So many calendar days: a hand-off stays at its local time when the clocks change.
    Days(u32),
    /// So many calendar weeks, likewise.
    Weeks(u32),
}

/// The members of a group taking turns: `{ every = "1 week", handoff = "Mon 09:00", time_zone = …, start = … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// How long a turn lasts.
    pub every: Turn,
    /// The weekday of the hand-off, for turns in weeks.
    pub weekday: Option<Weekday>,
    /// The local time of the hand-off.
    pub time: Time,
    /// The time zone of hand-offs and start.
    pub time_zone: TimeZone,
    /// The day in which the first member's first turn begins.
    pub start: jiff::civil::Date,
}

impl Rotation {
    /// Which turn it is at `t`, counted from 0 for the first (negative before the start), and when that turn ends.
    pub fn turn_at(&self, t: Timestamp) -> (i64, Timestamp) {
        let _ = t;
        todo!()
    }
}
