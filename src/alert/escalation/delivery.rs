//! What the provider says of a notification: taken, not taken, its status. And that somebody pressed a key.

use jiff::{SignedDuration, Timestamp};

use super::attempt::OUTAGE;
use super::play::{LONGEST_RETRY_AFTER, Place, Play, later};
use super::{EntryKind, Refusal};
use crate::alert::{
    CallStatus, Channel, Delivery, News, Notification, NotificationId, Outcome, Purpose, State, TextStatus,
};

/// The longest pause before another try, unless the provider asks for a longer one; before jitter.
const LONGEST_BACKOFF: SignedDuration = SignedDuration::from_secs(60);

/// How long to wait when our credentials were refused: somebody must mend them.
const CREDENTIALS_BACKOFF: SignedDuration = SignedDuration::from_secs(30);

/// The shortest pause before asking about a notification that may have been sent: it takes a provider a moment to list
/// what it has taken.
const SHORTEST_DOUBT: SignedDuration = SignedDuration::from_secs(2);

/// What to do about refused credentials while another provider works.
const MEND: &str = "trying the next provider, but mend them in the rule file";

/// At most so many doubts are kept of a notification and a provider: nobody counts further.
const MOST_DOUBTS: usize = 2;

/// How often news is tried.
const NEWS_TRIES: u32 = 5;

impl Play<'_> {
    /// The provider has taken a notification.
    pub fn accepted(&mut self, id: NotificationId, provider: String, provider_id: String) {
        let Some(notification) = self.notification(id).cloned() else { return };
        let what = self.the_notification(&notification);
        match notification.delivery.clone() {
            Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } => {
                self.say(EntryKind::Sent, format!("{provider} has taken {what}: {provider_id}"));
                let at = self.now;
                let (name, id_there) = (provider.clone(), provider_id.clone());
                let status = "accepted".to_owned();
                if let Some(notification) = self.notification_mut(id) {
                    notification.delivery = Delivery::Accepted { at, provider, provider_id, status };
                }
                if self.is_taken() && notification.purpose == Purpose::Page {
                    self.hang_up(&notification, &name, &id_there);
                }
            }
            Delivery::Accepted { provider_id: known, .. } => {
                // Told twice, or sent twice by two processes: then one too many rings, and it is the later one.
                if known != provider_id {
                    self.say(EntryKind::Trouble, format!("{what} was sent a second time: {provider_id} after {known}"));
                    self.hang_up(&notification, &provider, &provider_id);
                }
            }
            Delivery::Ended { at, outcome, detail, provider_id: known, .. } => {
                if known.is_some() {
                    return;
                }
                self.say(EntryKind::Sent, format!("{provider} has taken {what}, which had ended: {provider_id}"));
                let (by, id_there) = (Some(provider.clone()), Some(provider_id.clone()));
                if let Some(notification) = self.notification_mut(id) {
                    notification.delivery =
                        Delivery::Ended { at, outcome, detail, provider: by, provider_id: id_there };
                }
                // The call of whoever has it may be told of faster than our own request.
                let theirs = notification.reached && self.alert.taken_by.as_ref() == Some(&notification.contact);
                if self.is_taken() && !theirs && matches!(outcome, Outcome::Withdrawn | Outcome::GaveUp) {
                    self.hang_up(&notification, &provider, &provider_id);
                }
            }
        }
        self.settle();
    }

    /// A provider did not take a notification, or may not have; what comes of it is told by an event of the next one.
    pub fn passed_over(&mut self, id: NotificationId, provider: &str, refusal: &Refusal) {
        // The one that took it may have called back by now: what happened before is told all the same.
        let Some(notification) = self.notification(id).cloned() else { return };
        let what = self.the_notification(&notification);
        let text = match refusal {
            Refusal::Permanent { reason } | Refusal::Temporary { reason, .. } => {
                format!("{provider} did not take {what}: {reason}; trying the next provider")
            }
            Refusal::Ambiguous { reason, .. } => format!(
                "{provider} may or may not have taken {what}: {reason}; trying the next provider, since twice is \
                 better than never"
            ),
            Refusal::Credentials { reason } => format!("{provider} REFUSES OUR CREDENTIALS: {reason}; {MEND}"),
        };
        self.say(EntryKind::Trouble, text);
        if let Refusal::Ambiguous { since, .. } = refusal {
            self.doubt(id, provider, *since);
        }
    }

    /// A provider may have a notification.
    fn doubt(&mut self, id: NotificationId, provider: &str, from: Timestamp) {
        let Some(notification) = self.notification_mut(id) else { return };
        if let Delivery::Due { unsure_since, .. } | Delivery::Claimed { unsure_since, .. } = &mut notification.delivery
        {
            *unsure_since = Some(unsure_since.map_or(from, |since| since.min(from)));
            let doubts = notification.perhaps_with.iter().filter(|name| *name == provider).count();
            if doubts < MOST_DOUBTS && !provider.is_empty() {
                notification.perhaps_with.push(provider.to_owned());
            }
        }
    }

    /// No provider took a notification, or the last one that was asked may have.
    pub fn not_accepted(&mut self, id: NotificationId, provider: &str, refusal: Refusal) {
        let Some(notification) = self.notification(id).filter(|n| n.is_unsent()).cloned() else { return };
        if notification.purpose == Purpose::Page && !self.is_current(&notification) {
            let reason = reason(&refusal);
            self.say(
                EntryKind::Status,
                format!("{} was not taken and is not needed", self.the_notification(&notification)),
            );
            self.end_notification(id, Outcome::Withdrawn, reason.to_owned());
            return;
        }
        match refusal {
            Refusal::Permanent { reason } => self.refused(&notification, &reason),
            Refusal::Temporary { reason, retry_after } => {
                let delay =
                    self.backoff(notification.tries).max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER));
                self.try_again(&notification, delay, None, &reason);
            }
            Refusal::Ambiguous { reason, since } => {
                let delay = self.backoff(notification.tries).max(SHORTEST_DOUBT);
                self.doubt(id, provider, since);
                self.try_again(&notification, delay, Some(since), &reason);
            }
            Refusal::Credentials { reason } => {
                let text = format!(
                    "{provider}: OUR CREDENTIALS WERE REFUSED, no alert can go out until they are mended: {reason}"
                );
                self.say(EntryKind::Trouble, text);
                self.try_again(&notification, CREDENTIALS_BACKOFF, None, &reason);
            }
        }
        self.settle();
    }

    /// A call's status became known.
    pub fn call_status(
        &mut self,
        id: NotificationId,
        sequence: Option<i64>,
        status: CallStatus,
        human: Option<bool>,
        detail: String,
    ) {
        let Some(call) = self.notification_mut(id) else { return };
        if call.channel != Channel::Call || matches!(call.delivery, Delivery::Ended { .. }) {
            return;
        }
        let was_reached = call.reached;
        // Somebody was there, whatever else this callback is too late for.
        call.reached |= human == Some(true);
        let reached = call.reached;
        let old = sequence.is_some_and(|sequence| sequence <= call.sequence);
        call.sequence = call.sequence.max(sequence.unwrap_or(-1));
        let mut known = "";
        if let Delivery::Accepted { status: heard, .. } = &mut call.delivery {
            let rank = rank_of_call(heard);
            if old || status.rank() < rank {
                return self.settle();
            }
            known = if heard == status.word() { status.word() } else { "" };
            status.word().clone_into(heard);
        } else if old {
            return self.settle();
        }
        let Some(call) = self.notification(id).cloned() else { return };
        let person = self.person(&call);
        let because = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        let (outcome, text) = match status {
            CallStatus::Queued | CallStatus::Initiated => (None, String::new()),
            CallStatus::Ringing => (None, format!("ringing at {person}")),
            CallStatus::InProgress => (None, format!("answered at {person}")),
            CallStatus::Completed if reached => {
                (Some(Outcome::Completed), format!("the call to {person} is over; a human was there"))
            }
            CallStatus::Completed if human == Some(false) => {
                (Some(Outcome::Machine), format!("a voice mailbox answered for {person}; next"))
            }
            CallStatus::Completed => (
                Some(Outcome::Completed),
                format!("the call to {person} was answered, but no key was pressed: perhaps a voice mailbox; next"),
            ),
            CallStatus::NoAnswer => (Some(Outcome::NoAnswer), format!("no answer from {person}{because}; next")),
            CallStatus::Busy => (Some(Outcome::Busy), format!("the line of {person} was busy{because}; next")),
            CallStatus::Failed => (Some(Outcome::Failed), format!("the call to {person} failed{because}; next")),
            CallStatus::Canceled => {
                (Some(Outcome::Canceled), format!("the call to {person} was cancelled{because}; next"))
            }
        };
        if known != status.word() && !text.is_empty() {
            // "next" is what happens only where somebody waits for this one.
            let text = if self.is_current(&call) { text } else { text.trim_end_matches("; next").to_owned() };
            self.say(EntryKind::Status, text);
        }
        if reached && !was_reached {
            self.say(EntryKind::Human, format!("a human answered at {person}"));
        }
        if let Some(outcome) = outcome {
            self.end_notification(id, outcome, detail);
        }
        self.settle();
    }

    /// A text's status became known.
    pub fn text_status(&mut self, id: NotificationId, status: TextStatus, detail: String) {
        let Some(text) = self.notification_mut(id) else { return };
        if text.channel != Channel::Text || matches!(text.delivery, Delivery::Ended { .. }) {
            return;
        }
        if let Delivery::Accepted { status: heard, .. } = &mut text.delivery {
            if heard == status.word() || status.rank() < rank_of_text(heard) {
                return;
            }
            status.word().clone_into(heard);
        }
        let Some(text) = self.notification(id).cloned() else { return };
        let what = self.the_notification(&text);
        let because = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        let next = if self.is_current(&text) { "; next" } else { "" };
        let (outcome, sentence) = match status {
            TextStatus::Queued => (None, String::new()),
            TextStatus::Sent => (None, format!("{what} was handed to the carrier")),
            TextStatus::Delivered => (Some(Outcome::Delivered), format!("{what} was delivered")),
            TextStatus::Undelivered => {
                (Some(Outcome::Undelivered), format!("{what} did not reach the handset{because}{next}"))
            }
            TextStatus::Failed => (Some(Outcome::Failed), format!("{what} failed{because}{next}")),
            TextStatus::Canceled => (Some(Outcome::Canceled), format!("{what} was cancelled{because}{next}")),
        };
        if !sentence.is_empty() {
            self.say(EntryKind::Status, sentence);
        }
        if let Some(outcome) = outcome {
            self.end_notification(id, outcome, detail);
        }
        self.settle();
    }

    /// Somebody pressed a key that decides nothing: a human is there.
    pub fn key_pressed(&mut self, id: NotificationId, key: char) {
        let Some(call) = self.notification_mut(id) else { return };
        call.reached = true;
        if let Some(call) = self.notification(id) {
            let late = match self.alert.state {
                State::Open | State::Expired => "",
                State::Acknowledged => ", but somebody has it already",
                State::Resolved => ", but it is over already",
            };
            let text = format!("{} pressed {key}{late}", self.person(call));
            self.say(EntryKind::Human, text);
        }
        self.settle();
    }

    /// Whether somebody has the alert, or it is over: then nobody needs to hear of it. An expired one is nobody's.
    fn is_taken(&self) -> bool {
        match self.alert.state {
            State::Open | State::Expired => false,
            State::Acknowledged | State::Resolved => true,
        }
    }

    /// The provider will never take it: the contact's other channel, if this attempt has not used that.
    fn refused(&mut self, refused: &Notification, reason: &str) {
        let what = self.the_notification(refused);
        self.say(EntryKind::Trouble, format!("{what} was refused: {reason}"));
        self.end_notification(refused.id, Outcome::Refused, reason.to_owned());
        if refused.purpose == Purpose::News {
            return;
        }
        let place = Place::of_notification(refused);
        let channel = refused.channel.instead();
        let used = self.pages_at(place).any(|page| page.contact == refused.contact && page.channel == channel);
        let contact = self.roster.contacts.get(&refused.contact);
        let Some((contact, to)) = contact.and_then(|contact| Some((contact, channel.address(contact)?))) else {
            return;
        };
        if !used && !self.alert.policy.is_self_test() {
            self.say(EntryKind::Step, format!("{} {} ({to}) instead", channel.doing(), contact.name));
            self.notify(Purpose::Page, place, &contact.id, (channel, to), None);
        }
    }

    /// It is due again after `delay`: a page while its attempt has time left, news a few times. A page whose next try
    /// would come too late stays due, so that an attempt that nobody could be told of is not over sooner than others.
    fn try_again(&mut self, refused: &Notification, delay: SignedDuration, since: Option<Timestamp>, reason: &str) {
        let before = match &refused.delivery {
            Delivery::Due { unsure_since, .. } | Delivery::Claimed { unsure_since, .. } => *unsure_since,
            Delivery::Held { .. } | Delivery::Accepted { .. } | Delivery::Ended { .. } => None,
        };
        let unsure_since = before.into_iter().chain(since).min();
        let over = match refused.purpose {
            Purpose::Page => self.deadline().is_none_or(|deadline| deadline <= self.now),
            // That nobody answered somebody must hear: while no provider takes it, it is all that is left of the alert.
            Purpose::News if refused.news == Some(News::Unanswered) => self.now >= later(self.alert.opened_at, OUTAGE),
            Purpose::News => refused.tries >= NEWS_TRIES,
        };
        let what = self.the_notification(refused);
        let doubt = if unsure_since.is_some() { "may or may not have been taken" } else { "was not taken" };
        if over {
            self.say(EntryKind::Trouble, format!("{what} {doubt}: {reason}; gave it up"));
            self.end_notification(refused.id, Outcome::GaveUp, reason.to_owned());
            return;
        }
        let at = later(self.now, delay);
        let seconds = delay.as_secs().max(1);
        self.say(EntryKind::Trouble, format!("{what} {doubt}: {reason}; next try in {seconds} s"));
        if let Some(notification) = self.notification_mut(refused.id) {
            notification.delivery = Delivery::Due { at, unsure_since };
            if unsure_since.is_none() {
                // What was to tell of it was certainly not sent.
                notification.told_by = None;
            }
        }
    }

    /// How long to wait after so many tries: 2 s, doubled with each, at most a minute; give or take a fifth.
    fn backoff(&mut self, tries: u32) -> SignedDuration {
        let plain = SignedDuration::from_secs(2_i64 << tries.min(5)).min(LONGEST_BACKOFF);
        // 800 to 1200 thousandths: the remainder of a division by 401 fits.
        let thousandths = 800 + i32::try_from(self.random() % 401).unwrap_or(200);
        plain * thousandths / 1000
    }
}

/// The code and reason of a refusal.
fn reason(refusal: &Refusal) -> &str {
    match refusal {
        Refusal::Permanent { reason }
        | Refusal::Temporary { reason, .. }
        | Refusal::Ambiguous { reason, .. }
        | Refusal::Credentials { reason } => reason,
    }
}

/// The rank of a call's last status by its word; of the word that stands there before the first, 0.
fn rank_of_call(word: &str) -> u8 {
    let statuses = [CallStatus::Queued, CallStatus::Initiated, CallStatus::Ringing, CallStatus::InProgress];
    statuses.into_iter().find(|status| status.word() == word).map_or(0, CallStatus::rank)
}

/// Likewise of a text's.
fn rank_of_text(word: &str) -> u8 {
    if word == TextStatus::Sent.word() { TextStatus::Sent.rank() } else { 0 }
}
