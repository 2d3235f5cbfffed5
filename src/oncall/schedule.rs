//! A group's schedule: layers of members who take turns, later ones over earlier ones, and who is second.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Calendar, ContactId, GroupId, Hours, Rotation, Stretch};

/// Who is on call when: the last layer that covers a moment says it. Where none does, nobody is on call.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Later ones count before earlier ones.
    pub layers: Vec<Layer>,
    /// Who is called as `secondary`.
    pub secondary: Option<Secondary>,
}

/// One layer of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// As the rule file calls it, or by its number: `layer 2`. `None` where a schedule has but one.
    pub name: Option<String>,
    /// Whose turn it is.
    pub turns: Turns,
    /// When it counts; `None`: always.
    pub only: Option<Hours>,
}

/// Whose turn it is within a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Turns {
    /// Always this one's.
    Always(Member),
    /// These take turns, in this order.
    Rotation(Vec<Member>, Rotation),
    /// The calendar says.
    Calendar(Arc<Calendar>),
}

/// Who can take a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// A person.
    Contact(ContactId),
    /// Whoever is on call in another group then.
    Group(GroupId),
}

/// Who is called as `secondary`.
#[derive(Debug, Clone, PartialEq)]
pub enum Secondary {
    /// Who comes so many turns after the one on call, and is somebody else.
    Next(u32),
    /// Who is on call by these layers, unless that is who is on call anyway.
    Own(Vec<Layer>),
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contact(id) => write!(f, "{id}"),
            Self::Group(id) => write!(f, "group:{id}"),
        }
    }
}

impl Schedule {
    /// All layers, those of the secondary included.
    pub fn all_layers(&self) -> impl Iterator<Item = &Layer> {
        let second = match &self.secondary {
            Some(Secondary::Own(layers)) => layers.as_slice(),
            Some(Secondary::Next(_)) | None => &[],
        };
        self.layers.iter().chain(second)
    }

    /// The same, to be changed: a calendar may have been read again.
    pub fn all_layers_mut(&mut self) -> impl Iterator<Item = &mut Layer> {
        let second = match &mut self.secondary {
            Some(Secondary::Own(layers)) => layers.as_mut_slice(),
            Some(Secondary::Next(_)) | None => &mut [],
        };
        self.layers.iter_mut().chain(second)
    }
}

impl Layer {
    /// Whether it counts at `t`.
    pub(super) fn counts(&self, t: Timestamp) -> Stretch<bool> {
        self.only.as_ref().map_or(Stretch::always(true), |hours| hours.at(t))
    }

    /// Everybody whose turn it can be.
    pub(super) fn members(&self) -> Vec<Member> {
        match &self.turns {
            Turns::Always(member) => vec![member.clone()],
            Turns::Rotation(order, _) => order.clone(),
            Turns::Calendar(calendar) => calendar.contacts().cloned().map(Member::Contact).collect(),
        }
    }
}

impl Turns {
    /// Whose turn it is at `t`, and after them, in order, those whose turn comes next where one can tell.
    pub(super) fn at(&self, t: Timestamp) -> Stretch<Vec<MemberRef<'_>>> {
        match self {
            Self::Always(member) => Stretch::always(vec![MemberRef::of(member)]),
            // Turns among equals change nothing: the search for a change shall not go through all of them.
            Self::Rotation(order, _) if order.iter().skip(1).all(|member| Some(member) == order.first()) => {
                Stretch::always(order.first().map(MemberRef::of).into_iter().collect())
            }
            Self::Rotation(order, rotation) => {
                let turn = rotation.turn_at(t);
                let place = i64::try_from(order.len()).ok().and_then(|length| turn.what.checked_rem_euclid(length));
                let place = place.and_then(|place| usize::try_from(place).ok()).unwrap_or(0);
                let (before, after) = order.split_at(place.min(order.len()));
                turn.with(after.iter().chain(before).map(MemberRef::of).collect())
            }
            Self::Calendar(calendar) => {
                let found = calendar.at(t);
                found.with(found.what.map(MemberRef::Contact).into_iter().collect())
            }
        }
    }
}

/// A [`Member`] that somebody else owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MemberRef<'a> {
    Contact(&'a ContactId),
    Group(&'a GroupId),
}

impl<'a> MemberRef<'a> {
    fn of(member: &'a Member) -> Self {
        match member {
            Member::Contact(id) => Self::Contact(id),
            Member::Group(id) => Self::Group(id),
        }
    }
}
