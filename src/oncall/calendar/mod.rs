//! A calendar of turns, as other programs keep it: single events and repeated ones, each naming who is on call.
//!
//! `read` makes one of an iCalendar file, `write` makes an iCalendar file of shifts. Reading the file itself is for
//! others: here a calendar is text.

mod named;
mod read;
mod recurring;
#[cfg(test)]
mod tests;
mod when;
mod write;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use read::{LONGEST, Reading, read};
pub use recurring::{Length, Recurring, Rule};
pub use write::write;

use super::{ContactId, Stretch};

/// Who is on call when, by the events of a calendar. Where two events meet, the one that began later counts, of two that
/// began together the one further down. Where there is none, nobody is on call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calendar {
    /// What the single events say, from its moment to that of the next one; in order.
    segments: Vec<Segment>,
    recurring: Vec<(Recurring, usize)>,
}

/// An event that takes place once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Who is on call.
    pub contact: ContactId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    from: Timestamp,
    /// Who, with the beginning of the event and its place in the file.
    event: Option<(Timestamp, usize, ContactId)>,
}

impl Calendar {
    /// A calendar of these events, each with its place in the file.
    pub fn new(singles: &[(Single, usize)], recurring: Vec<(Recurring, usize)>) -> Self {
        Self { segments: segments(singles), recurring }
    }

    /// Who is on call at `t`.
    pub fn at(&self, t: Timestamp) -> Stretch<Option<&ContactId>> {
        let next = self.segments.partition_point(|segment| segment.from <= t);
        let present = next.checked_sub(1).and_then(|index| self.segments.get(index));
        let mut found = Stretch::always(None);
        found.cut(t, present.into_iter().chain(self.segments.get(next)).map(|segment| segment.from));
        let mut best =
            present.and_then(|segment| segment.event.as_ref()).map(|(began, place, contact)| (*began, *place, contact));
        for (event, place) in &self.recurring {
            let around = event.around(t);
            found.cut(t, around.edges());
            if let Some(began) = around.present(t)
                && best.is_none_or(|(other, its_place, _)| (began, *place) > (other, its_place))
            {
                best = Some((began, *place, &event.contact));
            }
        }
        found.what = best.map(|(_, _, contact)| contact);
        found
    }

    /// Everybody whom it names.
    pub fn contacts(&self) -> impl Iterator<Item = &ContactId> {
        let once = self.segments.iter().filter_map(|segment| segment.event.as_ref()).map(|(_, _, contact)| contact);
        let all: BTreeSet<_> = once.chain(self.recurring.iter().map(|(event, _)| &event.contact)).collect();
        all.into_iter()
    }

    /// Whether it has no event at all.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.recurring.is_empty()
    }
}

/// Which event counts when, where several may hold at once.
fn segments(singles: &[(Single, usize)]) -> Vec<Segment> {
    let mut edges: Vec<(Timestamp, bool, usize)> = Vec::new();
    for (index, (event, _)) in singles.iter().enumerate().filter(|(_, (event, _))| event.from < event.until) {
        edges.push((event.from, true, index));
        edges.push((event.until, false, index));
    }
    edges.sort_unstable();
    let mut held: BTreeSet<(Timestamp, usize, usize)> = BTreeSet::new();
    let mut segments: Vec<Segment> = Vec::new();
    for (at, begins, index) in edges {
        let Some((event, place)) = singles.get(index) else { continue };
        let key = (event.from, *place, index);
        if begins {
            held.insert(key);
        } else {
            held.remove(&key);
        }
        let latest = held.last().and_then(|(began, place, index)| {
            singles.get(*index).map(|(event, _)| (*began, *place, event.contact.clone()))
        });
        match segments.last_mut() {
            Some(last) if last.from == at => last.event = latest,
            Some(last) if last.event == latest => {}
            Some(_) | None => segments.push(Segment { from: at, event: latest }),
        }
    }
    segments
}
