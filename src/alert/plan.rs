//! What a policy would do if nobody ever acknowledged: who is notified how, and when at the latest.

use jiff::{SignedDuration, Timestamp};

use super::{Channel, Policy};
use crate::oncall::{ContactId, GroupId, Roster};

/// One row of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// How long after the alert opened, when every attempt before it waits its full time.
    pub after: SignedDuration,
    /// The round, from 0.
    pub round: u32,
    /// The step, from 0.
    pub step: u32,
    /// The attempt of the step, from 0, and how many there are.
    pub attempt: (u32, u32),
    /// Whom.
    pub contact: ContactId,
    /// How.
    pub channel: Channel,
}

/// The rows of a policy from `now` on. A step that has nobody to notify, or does not count at its time, has no row, and
/// takes no time. An attempt that fails is over sooner than its wait, and the next one then waits for `redial` only.
pub fn plan(policy: &Policy, group: &GroupId, roster: &Roster, now: Timestamp) -> Vec<Planned> {
    let mut rows = Vec::new();
    let mut after = SignedDuration::ZERO;
    for round in 0..=policy.repeat {
        for (step, row) in (0..).zip(&policy.steps) {
            if !policy.counts(row, group, roster, now + after) {
                continue;
            }
            for attempt in 0..row.attempts {
                let contacts = row.notify.contacts(group, roster, now + after);
                if contacts.is_empty() {
                    continue;
                }
                for contact in contacts {
                    for channel in &row.by {
                        rows.push(Planned {
                            after,
                            round,
                            step,
                            attempt: (attempt, row.attempts),
                            contact: contact.clone(),
                            channel: *channel,
                        });
                    }
                }
                after += row.wait;
            }
        }
    }
    rows
}
