//! Who is on call at a moment: pure, from contacts, groups, rotations and overrides.

pub mod contact;
pub mod group;
pub mod roster;
pub mod rotation;

pub use contact::{Contact, ContactId, Phone, PhoneError};
pub use group::{Group, GroupId, OnCall};
pub use roster::{Duty, Override, Roster};
pub use rotation::Rotation;
