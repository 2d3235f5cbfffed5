//! When to ask the provider how something went: often where no webhook can tell, seldom where one should have.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::alert::{Channel, Delivery, Notification, NotificationId};

/// What was created longer ago is not asked about any more: a call is over by then, and a text without news has gone
/// as far as it will.
pub const ASK_FOR: SignedDuration = SignedDuration::from_mins(15);

/// How often incoming texts are asked for where they cannot come by webhook.
const INBOUND_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// When each notification under way is asked about next. In memory only: after a restart everything is asked once.
#[derive(Debug, Default)]
pub struct Schedule {
    next: HashMap<NotificationId, Timestamp>,
    inbound_at: Option<Timestamp>,
    at_once: bool,
}

impl Schedule {
    /// A schedule by which everything is asked about once, now.
    pub fn at_once() -> Self {
        Self { at_once: true, ..Self::default() }
    }

    /// Those of `under_way` that are to be asked about now.
    pub fn due(&mut self, under_way: Vec<Notification>, webhooks: bool, now: Timestamp) -> Vec<Notification> {
        self.next.retain(|id, _| under_way.iter().any(|notification| notification.id == *id));
        let mut due = Vec::new();
        for notification in under_way {
            let Delivery::Accepted { at, .. } = &notification.delivery else { continue };
            let (first, every) = pace(notification.channel, webhooks);
            let next = self.next.entry(notification.id).or_insert(*at + first);
            // A clock that was set back must not silence the asking.
            if self.at_once || *next <= now || *next > now + first + every {
                *next = now + every;
                due.push(notification);
            }
        }
        self.at_once = false;
        due
    }

    /// Whether incoming texts are to be asked for now.
    pub fn inbound_due(&mut self, now: Timestamp) -> bool {
        let due = self.inbound_at.is_none_or(|at| at <= now || at > now + INBOUND_EVERY);
        if due {
            self.inbound_at = Some(now + INBOUND_EVERY);
        }
        due
    }
}

/// How long after it was accepted a notification is first asked about, and how often then.
fn pace(channel: Channel, webhooks: bool) -> (SignedDuration, SignedDuration) {
    let (first, every) = match (channel, webhooks) {
        (Channel::Call, false) => (3, 3),
        (Channel::Text, false) => (5, 5),
        (Channel::Call, true) => (90, 30),
        (Channel::Text, true) => (60, 60),
    };
    (SignedDuration::from_secs(first), SignedDuration::from_secs(every))
}
