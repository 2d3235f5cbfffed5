//! What `deliver` would do with a mail, and why, for whoever shows it: the rules' judgement, the alert that the mail would
//! meet, the plan of who is notified when, and the words. Changes nothing.

use jiff::Timestamp;

use crate::alert::Channel;
use crate::alert::limit::Window;
use crate::alert::plan::{Planned, plan};
use crate::intake::Wish;
use crate::oncall::{ContactId, Roster};
use memory::{Meeting, Memory};

pub mod forward;
pub mod json;
mod judged;
pub mod memory;
pub mod words;

pub use judged::{Judged, Mail};

/// Everything that an explanation tells.
pub struct Explanation<'a> {
    /// The mail, and what the rules make of it.
    pub judged: &'a Judged<'a>,
    /// The rule file's roster, with the overrides of the store.
    pub roster: Roster,
    /// What each wish would meet in the store, in their order.
    meetings: Vec<Meeting>,
    /// What a limit would hold back of the first attempt of each wish, in their order.
    held: Vec<Vec<Held>>,
    /// Why the store could not be looked into, if there is one.
    pub trouble: Option<String>,
}

impl<'a> Explanation<'a> {
    /// Everything about a mail that was judged, by what the store knows.
    pub fn new(judged: &'a Judged<'a>, memory: &mut Memory<'_>) -> Self {
        let mut roster = judged.config.roster.clone();
        if !judged.intake.wishes.is_empty() {
            roster.overrides = memory.overrides(judged.now);
        }
        let wishes = &judged.intake.wishes;
        let meetings = wishes.iter().map(|wish| memory.meeting(wish, judged.now)).collect();
        let held = wishes.iter().map(|wish| held(wish, &roster, memory, judged.now)).collect();
        Self { judged, roster, meetings, held, trouble: memory.trouble().map(str::to_owned) }
    }

    /// When the mail comes.
    pub fn now(&self) -> Timestamp {
        self.judged.now
    }

    /// The wishes, each with what it would meet and what of it would be held back.
    pub fn wishes(&self) -> impl Iterator<Item = (&'a Wish<'a>, &Meeting, &[Held])> {
        let held = self.held.iter().map(Vec::as_slice);
        self.judged
            .intake
            .wishes
            .iter()
            .zip(&self.meetings)
            .zip(held)
            .map(|((wish, meeting), held)| (wish, meeting, held))
    }

    /// Who would be notified when, if nobody ever acknowledged.
    pub fn plan(&self, wish: &Wish<'_>) -> Vec<Planned> {
        if !wish.notifies() {
            return Vec::new();
        }
        plan(wish.policy, &wish.arrival.group, &self.roster, self.now())
    }
}

/// A notification that a limit would hold back.
pub struct Held {
    /// To whom.
    pub contact: ContactId,
    /// By which way.
    pub channel: Channel,
    /// Until when, if nothing else is sent there before.
    pub until: Timestamp,
    /// The limit that is full.
    pub full: Window,
}

/// What the limits would hold back of the first attempt of a new alert.
fn held(wish: &Wish<'_>, roster: &Roster, memory: &mut Memory<'_>, now: Timestamp) -> Vec<Held> {
    if !wish.notifies() {
        return Vec::new();
    }
    let rows = plan(wish.policy, &wish.arrival.group, roster, now);
    let first = rows.first().map(|first| first.after);
    let rows = rows.into_iter().filter(|row| Some(row.after) == first);
    let held = rows.filter_map(|Planned { contact, channel, .. }| {
        let (until, full) = memory.held(wish, (&contact, channel), now)?;
        Some(Held { contact, channel, until, full })
    });
    held.collect()
}
