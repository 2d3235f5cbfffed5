//! Asking the provider how something went, and what came in: often where no webhook can tell, seldom where one should
//! have.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::follow::{Engine, Message, SET_BACK};
use super::reply;
use crate::alert::{Alert, Channel, Delivery, Event, Notification, NotificationId, State};
use crate::provider::{Inbound, Refusal, Status};
use crate::store;

/// What was taken longer ago is not asked about any more: a call is over by then, and a text without news has gone as far
/// as it will.
const ASK_FOR: SignedDuration = SignedDuration::from_mins(15);

/// So long a transaction of another process may take from its clock to the disk.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// What was taken is not asked about for some seconds: it is enough to look for it once a second.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(1);

/// How often everything that is under way is looked at, besides what was taken since the last look.
const LOOK_AT_ALL: SignedDuration = SignedDuration::from_secs(60);

/// How often incoming texts are asked for where they cannot come by webhook.
const INBOUND_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// At most so many questions at once.
const AT_ONCE: usize = 8;

/// When each notification under way is asked about next. In memory only: after a restart everything is asked once. What
/// it costs follows what is taken and what is due, not what is under way.
#[derive(Debug, Default)]
pub struct Schedule {
    /// The earliest first.
    queue: BTreeSet<(Timestamp, NotificationId)>,
    known: HashMap<NotificationId, Entry>,
    looks: Option<Looks>,
    inbound_at: Option<Timestamp>,
    at_once: bool,
}

/// What is known of a notification.
#[derive(Debug, Clone, Copy)]
struct Entry {
    next: Timestamp,
    every: SignedDuration,
    created_at: Timestamp,
}

/// When was looked for what is under way.
#[derive(Debug, Clone, Copy)]
struct Looks {
    last: Timestamp,
    all: Timestamp,
}

impl Schedule {
    /// A schedule by which everything is asked about once, now.
    pub fn at_once() -> Self {
        Self { at_once: true, ..Self::default() }
    }

    /// Since when to look for what was taken; `None`: that was looked for just now. A clock that was set back must not silence
    /// the asking: then everything is begun again.
    fn looks_since(&mut self, now: Timestamp) -> Option<Timestamp> {
        let longest_ago = now.checked_sub(ASK_FOR).unwrap_or(Timestamp::MIN);
        if self.looks.is_some_and(|looks| now < looks.last - SET_BACK) {
            self.queue.clear();
            self.known.clear();
            self.looks = None;
        }
        if self.looks.is_some_and(|looks| now < looks.last + LOOK_EVERY) {
            return None;
        }
        let looks = self.looks.filter(|looks| now < looks.all + LOOK_AT_ALL);
        self.looks = Some(Looks { last: now, all: looks.map_or(now, |looks| looks.all) });
        Some(looks.map_or(longest_ago, |looks| looks.last.checked_sub(SLACK).unwrap_or(longest_ago).max(longest_ago)))
    }

    /// Notes what is under way. `is_told`: whether a webhook should tell how it stands.
    fn add(&mut self, notification: &Notification, is_told: bool, now: Timestamp) {
        let Delivery::Accepted { at, .. } = &notification.delivery else { return };
        let (first, every) = pace(notification.channel, is_told);
        if let Some(known) = self.known.get_mut(&notification.id) {
            known.every = every;
            return;
        }
        // What was taken by a clock that has been set back since is not waited for.
        let entry = Entry { next: (*at).min(now) + first, every, created_at: notification.created_at };
        self.known.insert(notification.id, entry);
        self.queue.insert((entry.next, notification.id));
    }

    /// What is to be asked about now, at most `limit`; the others stay due. Each is due again later, unless it is
    /// [forgotten](Self::forget).
    fn due(&mut self, now: Timestamp, limit: usize) -> Vec<NotificationId> {
        if std::mem::take(&mut self.at_once) {
            for (id, entry) in &mut self.known {
                self.queue.remove(&(entry.next, *id));
                entry.next = entry.next.min(now);
                self.queue.insert((entry.next, *id));
            }
        }
        let mut due = Vec::new();
        while due.len() < limit
            && let Some((next, id)) = self.queue.first().copied()
            && next <= now
        {
            self.queue.pop_first();
            if let Some(entry) = self.known.get_mut(&id) {
                entry.next = now + entry.every;
                self.queue.insert((entry.next, id));
                due.push(id);
            }
        }
        due
    }

    fn forget(&mut self, id: NotificationId) {
        if let Some(entry) = self.known.remove(&id) {
            self.queue.remove(&(entry.next, id));
        }
    }

    /// When the oldest of what is under way was decided on.
    fn oldest(&self) -> Option<Timestamp> {
        self.known.values().map(|entry| entry.created_at).min()
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
        (Channel::Call, true) => (45, 30),
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
        let desk = Arc::clone(&self.desk);
        // Each is asked about where it was accepted. Who cannot say how it stands is not asked.
        let carrier = |notification: &Notification| match &notification.delivery {
            Delivery::Accepted { provider, .. } => {
                desk.providers.named(provider).filter(|entry| entry.provider().reports().is_some())
            }
            Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } | Delivery::Ended { .. } => None,
        };
        for notification in self.under_way(now)? {
            if let Some(entry) = carrier(&notification) {
                self.schedule.add(&notification, self.is_asked_for_words() && entry.provider().calls_back(), now);
            }
        }
        for id in self.schedule.due(now, AT_ONCE.saturating_sub(self.asking)) {
            let found = self.notification(id)?.filter(|one| one.told_by.is_none());
            let asked = found.and_then(|found| Some((carrier(&found)?, found)));
            let Some((entry, Notification { channel, delivery, .. })) = asked else {
                self.schedule.forget(id);
                continue;
            };
            let Delivery::Accepted { at, provider_id, .. } = delivery else { continue };
            if at < now.checked_sub(ASK_FOR).unwrap_or(Timestamp::MIN) {
                self.schedule.forget(id);
                continue;
            }
            let desk = Arc::clone(&desk);
            self.asking += 1;
            self.hand_over(move || {
                let status = entry.provider().reports()?.status(channel, &provider_id);
                entry.note_alarm(&status, desk.now());
                Some(Message::Asked(id, status))
            });
        }
        if !self.is_asked_for_words()
            && self.schedule.inbound_due(now)
            && let Some(since) = [self.schedule.oldest(), self.somebody_may_reply(now)?].into_iter().flatten().min()
        {
            for entry in desk.providers.in_use().filter(|entry| entry.provider().records().is_some()) {
                let entry = Arc::clone(entry);
                self.asking += 1;
                self.hand_over(move || Some(Message::Inbound(entry.provider().records()?.inbound(since))));
            }
        }
        Ok(())
    }

    /// What a provider has taken since the last look, or all of it that is still asked about; of the engine's own alerts
    /// alone, where it has some: then what another notification tells of is asked about through that one.
    fn under_way(&mut self, now: Timestamp) -> store::Result<Vec<Notification>> {
        let Some(only) = self.only.clone() else {
            return match self.schedule.looks_since(now) {
                Some(since) => self.store.under_way(since),
                None => Ok(Vec::new()),
            };
        };
        let mut found = Vec::new();
        for id in only {
            for notification in self.store.alert(id)?.notifications {
                if matches!(notification.delivery, Delivery::Accepted { .. }) {
                    let teller = self.store.teller(notification.id)?;
                    found.extend(if teller == notification.id {
                        Some(notification)
                    } else {
                        self.notification(teller)?
                    });
                }
            }
        }
        Ok(found)
    }

    fn notification(&mut self, id: NotificationId) -> store::Result<Option<Notification>> {
        let alert = match self.store.alert(id.alert) {
            Ok(alert) => alert,
            // It was forgotten meanwhile, or cannot be read.
            Err(store::Error::NoAlert(_) | store::Error::Damaged { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(alert.notifications.into_iter().find(|notification| notification.id == id))
    }

    /// Since when a reply may have come: the opening of the oldest open alert that somebody was told of.
    fn somebody_may_reply(&mut self, now: Timestamp) -> store::Result<Option<Timestamp>> {
        let Some(only) = self.only.clone() else { return self.store.oldest_told(now - SignedDuration::from_hours(24)) };
        let alerts: Vec<Alert> = only.into_iter().map(|id| self.store.alert(id)).collect::<store::Result<_>>()?;
        let told = alerts.iter().filter(|alert| alert.state == State::Open && !alert.notifications.is_empty());
        Ok(told.map(|alert| alert.opened_at).min())
    }

    pub(super) fn record_status(&mut self, id: NotificationId, status: Result<Status, Refusal>) {
        let event = match status {
            Ok(Status::Call { status, human }) => {
                self.wonder_about_reach(id, status);
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
