//! Does the provider reach our public address? Where a certificate is over, a name is gone, a proxy is down, calls would find
//! no words and say that an application error has occurred. Then they carry their words, as they do without an address, and
//! texts that come in are asked for; until a webhook comes again.

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use crate::alert::{CallStatus, Delivery, EntryKind, NotificationId};
use crate::store;

/// A webhook is given so long.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// What is known of it.
#[derive(Debug, Default)]
pub struct Reach {
    /// Whether the store was asked what others know.
    has_learned: bool,
    /// Since when this engine would have heard of a webhook.
    listens_since: Option<Timestamp>,
    /// When a webhook last came.
    heard_at: Option<Timestamp>,
    /// Since when it does not reach us.
    unreachable: Option<Timestamp>,
}

impl Reach {
    /// Whether a call that was taken at `at` has gone as far as `status` says without a word to us.
    fn is_silent(&self, at: Timestamp, status: CallStatus, now: Timestamp) -> bool {
        let has_rung = match status {
            CallStatus::InProgress | CallStatus::Completed | CallStatus::Busy | CallStatus::NoAnswer => true,
            CallStatus::Queued
            | CallStatus::Initiated
            | CallStatus::Ringing
            | CallStatus::Failed
            | CallStatus::Canceled => false,
        };
        let listened = self.listens_since.is_some_and(|since| since <= at);
        let heard = self.heard_at.is_some_and(|heard| heard >= at);
        has_rung && listened && !heard && now >= at + PATIENCE
    }
}

impl Engine {
    /// Whether calls ask us for their words, and tell us what became of them.
    pub(super) fn is_asked_for_words(&self) -> bool {
        self.webhooks && self.reach.unreachable.is_none()
    }

    /// What others know, once.
    pub(super) fn learn_reach(&mut self) -> store::Result<()> {
        if self.webhooks && !self.reach.has_learned {
            self.reach.unreachable = self.store.unreachable()?;
            self.pulse.show_unreachable(self.reach.unreachable);
            self.reach.has_learned = true;
            self.reach.listens_since = Some(self.desk.now());
        }
        Ok(())
    }

    /// A webhook has come.
    pub(super) fn is_reached(&mut self) {
        self.reach.heard_at = Some(self.desk.now());
        if self.reach.unreachable.take().is_some() {
            self.pulse.show_unreachable(None);
            tracing::info!("the provider reaches the public address again");
            if let Err(error) = self.store.set_unreachable(None) {
                tracing::warn!(%error, "not recorded that the provider reaches us again");
            }
        }
    }

    /// The provider says how a call stands, since nobody has told us.
    pub(super) fn wonder_about_reach(&mut self, id: NotificationId, status: CallStatus) {
        if self.only.is_some() || !self.is_asked_for_words() {
            return;
        }
        let now = self.desk.now();
        let Ok(alert) = self.store.alert(id.alert) else { return };
        let accepted = alert.notifications.iter().find(|one| one.id == id).and_then(|one| match &one.delivery {
            Delivery::Accepted { at, .. } => Some(*at),
            Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } | Delivery::Ended { .. } => None,
        });
        if !accepted.is_some_and(|at| self.reach.is_silent(at, status, now)) {
            return;
        }
        self.reach.unreachable = Some(now);
        self.pulse.show_unreachable(Some(now));
        let address = self.desk.config.server.public_url.clone().unwrap_or_default();
        tracing::error!(%address, "THE PROVIDER DOES NOT REACH US: calls carry their words and are acknowledged by text until it does");
        let line = format!(
            "nothing has reached {address} since the call was placed, so it could say nothing of ours and take no key; until \
             that address is reached again, calls carry their words and are acknowledged by text"
        );
        let noted = self
            .store
            .set_unreachable(Some(now))
            .and_then(|()| self.desk.note(self.store.as_mut(), id.alert, EntryKind::Trouble, line, None));
        if let Err(error) = noted {
            tracing::error!(%error, "not recorded that the provider does not reach us");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_has_rung_and_of_which_nothing_was_heard_is_silent() {
        let at = |seconds: i64| Timestamp::from_second(1_790_000_000 + seconds).unwrap();
        let reach = |listens, heard: Option<i64>| Reach {
            listens_since: Some(at(listens)),
            heard_at: heard.map(at),
            ..Reach::default()
        };
        assert!(reach(0, None).is_silent(at(10), CallStatus::Completed, at(55)));
        assert!(reach(0, Some(9)).is_silent(at(10), CallStatus::NoAnswer, at(55)));
        assert!(!reach(0, Some(11)).is_silent(at(10), CallStatus::Completed, at(55)), "another webhook has come since");
        assert!(
            !reach(11, None).is_silent(at(10), CallStatus::Completed, at(55)),
            "it may have come before we listened"
        );
        assert!(!reach(0, None).is_silent(at(10), CallStatus::Completed, at(15)), "it may still come");
        for status in [CallStatus::Queued, CallStatus::Initiated, CallStatus::Ringing, CallStatus::Failed] {
            assert!(!reach(0, None).is_silent(at(10), status, at(55)), "{status:?}");
        }
    }
}
