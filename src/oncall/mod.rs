//! Who is on call at a moment: pure, from contacts, groups, schedules, calendars and overrides.

pub mod address;
pub mod calendar;
pub mod contact;
pub mod group;
pub mod hours;
pub mod moment;
#[cfg(test)]
mod properties;
pub mod roster;
pub mod rotation;
pub mod schedule;
pub mod shift;
mod stretch;

pub use address::{Address, MailAddress, MailAddressError};
pub use calendar::Calendar;
pub use contact::{Contact, ContactId, Phone, PhoneError};
pub use group::{Group, GroupId, OnCall};
pub use hours::{HourSpan, Hours};
pub use roster::{Override, Roster};
pub use rotation::{HandOff, Rotation};
pub use schedule::{Layer, Member, Schedule, Secondary, Turns};
pub use shift::{Duty, Shift, Why};
pub use stretch::Stretch;
