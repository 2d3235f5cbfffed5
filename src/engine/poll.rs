//! Asking the provider how something went, and what came in: often where no webhook can tell, seldom where one should
//! have.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::follow::{Engine, Message};
use super::reply;
use crate::alert::{Channel, Delivery, Event, Notification, NotificationId, State};
use crate::provider::{Inbound, Refusal, Status};
use crate::store;

/// What was created longer ago is not asked about any more: a call is over by then, and a text without news has gone
/// as far as it will.
const ASK_FOR: SignedDuration = SignedDuration::from_mins(15);

/// How often incoming texts are asked for where they cannot come by webhook.
const INBOUND_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// At most so many questions at once.
const AT_ONCE: usize = 8;

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

    /// Those of `under_way` that are to be asked about now, at most `limit`; the others stay due. `is_told`: whether a
    /// webhook should tell how it stands.
    pub fn due(
        &mut self,
        under_way: Vec<Notification>,
        is_told: &dyn Fn(&Notification) -> bool,
        now: Timestamp,
        limit: usize,
    ) -> Vec<Notification> {
        self.next.retain(|id, _| under_way.iter().any(|notification| notification.id == *id));
        let mut due = Vec::new();
        for notification in under_way {
            let Delivery::Accepted { at, .. } = &notification.delivery else { continue };
            let (first, every) = pace(notification.channel, is_told(&notification));
            let next = self.next.entry(notification.id).or_insert(*at + first);
            // A clock that was set back must not silence the asking.
            if self.at_once || *next > now + first + every {
                *next = now;
            }
            if *next <= now && due.len() < limit {
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
        (Channel::Text | Channel::Email, false) => (5, 5),
        (Channel::Call, true) => (90, 30),
        (Channel::Text | Channel::Email, true) => (60, 60),
    };
    (SignedDuration::from_secs(first), SignedDuration::from_secs(every))
}

impl Engine {
    /// Asks the provider about what the schedule says is due.
    pub fn ask(&mut self) -> store::Result<()> {
        if self.desk.providers.is_empty() {
            return Ok(());
        }
        let now = self.desk.now();
        let mut under_way = self.store.under_way(now - ASK_FOR)?;
        if let Some(only) = self.only.clone() {
            // What another notification tells of is asked about through that one.
            let mut wanted = Vec::new();
            for id in only {
                for notification in self.store.alert(id)?.notifications {
                    if matches!(notification.delivery, Delivery::Accepted { .. }) {
                        wanted.push(self.store.teller(notification.id)?);
                    }
                }
            }
            under_way.retain(|notification| wanted.contains(&notification.id));
        }
        // Each is asked about where it was accepted. Who cannot say how it stands is not asked.
        let desk = Arc::clone(&self.desk);
        let carrier = |notification: &Notification| match &notification.delivery {
            Delivery::Accepted { provider, .. } => desk.providers.named(provider),
            Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } | Delivery::Ended { .. } => None,
        };
        let oldest = under_way.iter().map(|notification| notification.created_at).min();
        under_way.retain(|one| carrier(one).is_some_and(|entry| entry.provider().reports().is_some()));
        let is_told =
            |one: &Notification| self.webhooks && carrier(one).is_some_and(|entry| entry.provider().calls_back());
        for notification in self.schedule.due(under_way, &is_told, now, AT_ONCE.saturating_sub(self.asking)) {
            let Some(entry) = carrier(&notification) else { continue };
            let Delivery::Accepted { provider_id, .. } = notification.delivery else { continue };
            let desk = Arc::clone(&desk);
            self.asking += 1;
            self.hand_over(move || {
                let status = entry.provider().reports()?.status(notification.channel, &provider_id);
                entry.note_alarm(&status, desk.now());
                Some(Message::Asked(notification.id, status))
            });
        }
        if !self.webhooks
            && self.schedule.inbound_due(now)
            && let Some(since) = [oldest, self.somebody_may_reply(now)?].into_iter().flatten().min()
        {
            for entry in desk.providers.in_use().filter(|entry| entry.provider().records().is_some()) {
                let entry = Arc::clone(entry);
                self.asking += 1;
                self.hand_over(move || Some(Message::Inbound(entry.provider().records()?.inbound(since))));
            }
        }
        Ok(())
    }

    /// Since when a reply may have come: the opening of the oldest open alert that somebody was told of.
    fn somebody_may_reply(&mut self, now: Timestamp) -> store::Result<Option<Timestamp>> {
        let alerts = if let Some(only) = self.only.clone() {
            only.into_iter().map(|id| self.store.alert(id)).collect::<store::Result<_>>()?
        } else {
            let since = Some(now - SignedDuration::from_hours(24));
            let filter = store::Filter { states: vec![State::Open], since, ..store::Filter::default() };
            self.store.alerts(&filter)?
        };
        let told = alerts.iter().filter(|alert| alert.state == State::Open && !alert.notifications.is_empty());
        Ok(told.map(|alert| alert.opened_at).min())
    }

    pub(super) fn record_status(&mut self, id: NotificationId, status: Result<Status, Refusal>) {
        let event = match status {
            Ok(Status::Call { status, human }) => {
                Event::CallStatus { notification: id, sequence: None, status, human, detail: String::new() }
            }
            Ok(Status::Text { status, detail }) => Event::TextStatus { notification: id, status, detail },
            Err(refusal) => {
                tracing::warn!(notification = %id, ?refusal, "the provider does not say how it stands; asking again later");
                return;
            }
        };
        if let Err(error) = self.desk.apply_told(self.store.as_mut(), id, &event) {
            tracing::error!(%error, notification = %id, "a status could not be recorded; asking again later");
        }
    }

    pub(super) fn record_inbound(&mut self, texts: Result<Vec<Inbound>, Refusal>) {
        let texts = match texts {
            Ok(texts) => texts,
            Err(refusal) => {
                tracing::warn!(?refusal, "the provider does not say what texts came in; asking again later");
                return;
            }
        };
        for text in texts {
            let reply = reply::Reply { id: &text.id, from: &text.from, body: &text.body, at: text.at };
            let answer = reply::receive(&self.desk, self.store.as_mut(), reply);
            let (desk, answer) = match answer {
                Ok(Some(answer)) => (Arc::clone(&self.desk), answer),
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(%error, "a reply could not be recorded; it will be asked for again");
                    continue;
                }
            };
            self.hand_over(move || {
                reply::answer(&desk, &text.from, answer);
                None
            });
        }
    }
}
