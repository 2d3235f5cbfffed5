//! What is due goes out: claimed in the store, handed to who sends it, and recorded. What was sent side by side is recorded
//! in one transaction: the commit is what takes time.

use std::sync::Arc;

use jiff::SignedDuration;

use super::Engine;
use super::follow::Message;
use super::send::Job;
use crate::alert::{Delivery, Event, Notification, NotificationId};
use crate::provider::Refusal;
use crate::store;

/// At most so many notifications are being sent at once.
const AT_ONCE: usize = 8;
/// A claim outlives the longest request, question before it included.
const CLAIM: SignedDuration = SignedDuration::from_secs(60);

impl Engine {
    pub(super) fn send_due(&mut self) -> store::Result<()> {
        let free = AT_ONCE.saturating_sub(self.sending.len());
        if free == 0 {
            return Ok(());
        }
        let now = self.desk.now();
        let (webhooks, carries_words) = (self.webhooks, !self.is_asked_for_words());
        let (store, owner, only) = (&mut self.store, &self.owner, self.only.as_deref());
        let claimed = self
            .desk
            .throttled(!carries_words, |throttle| store.claim(now, owner, now + CLAIM, free, only, throttle))?;
        for notification in claimed {
            if self.sending.contains(&notification.id) {
                continue;
            }
            let known = if is_unsure(&notification) { self.known(&notification)? } else { Vec::new() };
            let alert = match self.store.alert(notification.id.alert) {
                Err(error @ (store::Error::Damaged { .. } | store::Error::NoAlert(_))) => {
                    self.complain_of(notification.id.alert, &error);
                    continue;
                }
                alert => alert?,
            };
            // What was in doubt may have called back since, and its id then be among those that are known.
            if !alert.notifications.iter().any(|one| one.id == notification.id && self.has_claimed(one)) {
                continue;
            }
            let told = self.store.told(notification.id, i64::MAX)?;
            let job = Job { notification, alert, besides: told.besides, known, webhooks, carries_words };
            let desk = Arc::clone(&self.desk);
            self.sending.insert(job.notification.id);
            self.hand_over(move || {
                let events = desk.send(&job);
                Some(Message::Sent(Box::new(job), events))
            });
            self.is_getting_on();
        }
        Ok(())
    }

    fn has_claimed(&self, notification: &Notification) -> bool {
        matches!(&notification.delivery, Delivery::Claimed { by, .. } if *by == self.owner)
    }

    /// The provider's ids of what was sent there lately.
    fn known(&mut self, notification: &Notification) -> store::Result<Vec<String>> {
        let since = notification.created_at - SignedDuration::from_hours(48);
        self.store.provider_ids(&notification.to, since)
    }

    /// Records what came of what was sent.
    pub(super) fn record_sent(&mut self) {
        let mut recorded: Vec<(NotificationId, Event)> = Vec::new();
        for (job, events) in std::mem::take(&mut self.sent) {
            let id = job.notification.id;
            // What it found at the provider may be what one before it found, too: that must be on disk when it is looked at.
            if is_unsure(&job.notification) {
                self.record(&std::mem::take(&mut recorded));
            }
            for event in events {
                match self.unless_taken(&job, event) {
                    Ok(event) => {
                        tell(&job.notification, &event);
                        recorded.push((id, event));
                    }
                    Err(error) => not_recorded(id, &error),
                }
            }
        }
        self.record(&recorded);
    }

    /// All of it at once; or, where that cannot be, what can be.
    fn record(&mut self, events: &[(NotificationId, Event)]) {
        if events.is_empty() {
            return;
        }
        match self.desk.apply_told_each(self.store.as_mut(), events) {
            Ok(()) => {}
            Err(error) if events.len() == 1 => events.iter().for_each(|(id, _)| not_recorded(*id, &error)),
            Err(_) => events.iter().for_each(|one| self.record(std::slice::from_ref(one))),
        }
    }

    /// Two notifications that were both unsure may have found the same call: only the first may have it.
    fn unless_taken(&mut self, job: &Job, event: Event) -> store::Result<Event> {
        let Event::Accepted { notification, provider, provider_id } = &event else { return Ok(event) };
        if !is_unsure(&job.notification) || !self.known(&job.notification)?.contains(provider_id) {
            return Ok(event);
        }
        let since = self.desk.now();
        let reason = "what was found had been sent for another notification".to_owned();
        let (notification, provider) = (*notification, provider.clone());
        Ok(Event::NotAccepted { notification, provider, refusal: Refusal::Ambiguous { reason, since } })
    }
}

fn tell(notification: &Notification, event: &Event) {
    let id = notification.id;
    match event {
        Event::Accepted { provider, provider_id, .. } => {
            tracing::info!(notification = %id, contact = %notification.contact, by = notification.channel.word(), provider, %provider_id, "sent");
        }
        Event::PassedOver { provider, refusal, .. } => {
            tracing::warn!(notification = %id, provider, ?refusal, "not sent; the next provider is tried");
        }
        Event::NotAccepted { provider, refusal, .. } => {
            tracing::warn!(notification = %id, provider, ?refusal, "not sent");
        }
        _ => {}
    }
}

fn not_recorded(id: NotificationId, error: &store::Error) {
    tracing::error!(%error, notification = %id, "not recorded; the claim will expire and the provider be asked");
}

fn is_unsure(notification: &Notification) -> bool {
    match &notification.delivery {
        Delivery::Due { unsure_since, .. } | Delivery::Claimed { unsure_since, .. } => unsure_since.is_some(),
        Delivery::Held { .. } | Delivery::Accepted { .. } | Delivery::Ended { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::Sender;

    use super::*;
    use crate::clock::ManualClock;
    use crate::engine::hands::{Hands, Work};
    use crate::engine::stage;

    /// Takes work, and never comes to it.
    struct Idle(Arc<AtomicUsize>);

    impl Hands for Idle {
        fn take(&self, _: Work, _: Sender<Message>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_is_being_sent_is_not_sent_again_when_the_clock_is_set_forward() {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::new("2026-11-02T02:00:00Z".parse().unwrap());
        let desk = stage::desk(directory.path(), Arc::new(clock.clone()));
        let mut store = stage::store(directory.path());
        stage::opened(&desk, &mut store, "disk");
        let taken = Arc::new(AtomicUsize::new(0));
        let engine = |desk| {
            let engine = Engine::new(desk, Box::new(stage::store(directory.path())), false);
            engine.with_hands(Box::new(Idle(Arc::clone(&taken))))
        };
        let mut first = engine(Arc::clone(&desk));
        first.turn().unwrap();
        assert_eq!(taken.load(Ordering::Relaxed), 1);
        clock.advance(SignedDuration::from_mins(2));
        first.turn().unwrap();
        first.turn().unwrap();
        assert_eq!(taken.load(Ordering::Relaxed), 1, "its own request is still under way");
        // Whoever comes after it knows nothing of that request, and must ask.
        clock.advance(SignedDuration::from_mins(2));
        engine(desk).turn().unwrap();
        assert_eq!(taken.load(Ordering::Relaxed), 2);
    }
}
