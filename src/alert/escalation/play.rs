//! An alert while an event changes it: what the parts of the escalation share.

use jiff::{SignedDuration, Timestamp};

use super::{Change, Command, Context, Entry, EntryKind};
use crate::alert::{
    Alert, Channel, Delivery, Fact, News, Notification, NotificationId, Outcome, Progress, Purpose, State, Step, Token,
};
use crate::oncall::{Address, ContactId, Roster};

/// How long after a provider has taken a call it may still be live. What is not heard of for longer is over: its
/// callbacks were lost.
pub(super) const CALL_LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// The longest time that a provider's `Retry-After` is honoured for.
pub(super) const LONGEST_RETRY_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// The longest pause between rounds while nothing can be sent.
pub(super) const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(30);

/// How far ahead a time may lie that somebody else has written: events are made at one moment and committed at another,
/// in several processes.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// One attempt of a policy: its round, step and attempt, each from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub round: u32,
    pub step: u32,
    pub attempt: u32,
}

impl Place {
    pub const FIRST: Self = Self { round: 0, step: 0, attempt: 0 };

    pub fn of_notification(notification: &Notification) -> Self {
        Self { round: notification.round, step: notification.step, attempt: notification.attempt }
    }

    pub fn of_progress(progress: &Progress) -> Self {
        Self { round: progress.round, step: progress.step, attempt: progress.attempt }
    }
}

/// An alert while an event changes it.
pub(super) struct Play<'a> {
    pub alert: Alert,
    pub now: Timestamp,
    pub roster: &'a Roster,
    random: &'a mut dyn FnMut() -> u128,
    commands: Vec<Command>,
    history: Vec<Entry>,
}

impl<'a> Play<'a> {
    pub fn new(alert: Alert, context: &'a mut Context<'_>) -> Self {
        Self {
            alert,
            now: context.now,
            roster: context.roster,
            random: context.random,
            commands: Vec::new(),
            history: Vec::new(),
        }
    }

    /// What has become of the alert.
    pub fn end(mut self) -> Change {
        match self.alert.state {
            // An open alert that nobody ticks is a lost one: none leaves here without its next time.
            State::Open => self.alert.next_at = self.alert.next_at.or(Some(self.now)),
            State::Acknowledged => self.alert.next_at = self.times_out_at(),
            State::Resolved | State::Expired => self.alert.next_at = None,
        }
        Change { alert: self.alert, commands: self.commands, history: self.history }
    }

    /// Brings times that lie further ahead than they can back to the present: the clock has gone back since.
    pub fn mend_times(&mut self) {
        let now = self.now;
        let present = later(now, SKEW);
        let mut mended = false;
        for notification in &mut self.alert.notifications {
            match &mut notification.delivery {
                // A first try is due when it is decided on, a retry after a `Retry-After` at most.
                Delivery::Due { at, unsure_since } => {
                    let delay = if notification.tries == 0 { SignedDuration::ZERO } else { LONGEST_RETRY_AFTER };
                    mended |= pull_back(at, later(present, delay), now);
                    if let Some(since) = unsure_since {
                        // When it was sent is not known any more; better ask about too long a time.
                        mended |= pull_back(since, present, earlier(now, LONGEST_RETRY_AFTER));
                    }
                }
                Delivery::Held { since, until, .. } => {
                    if pull_back(since, present, now) {
                        *until = now;
                        mended = true;
                    }
                }
                Delivery::Claimed { since, until, unsure_since, .. } => {
                    let length = until.duration_since(*since);
                    if pull_back(since, present, now) {
                        *until = later(now, length);
                        // Whoever has it may have sent it before the clock went back.
                        *unsure_since = Some(earlier(now, LONGEST_RETRY_AFTER));
                        mended = true;
                    }
                    if let Some(since) = unsure_since {
                        mended |= pull_back(since, present, earlier(now, LONGEST_RETRY_AFTER));
                    }
                }
                Delivery::Accepted { at, .. } => mended |= pull_back(at, present, now),
                Delivery::Ended { .. } => {}
            }
        }
        if let Some(mut progress) = self.alert.progress {
            let begun = self.pages_at(Place::of_progress(&progress)).next().is_some();
            let (latest, to) = if begun { (present, now) } else { (later(present, LONGEST_PAUSE), now) };
            mended |= pull_back(&mut progress.began_at, latest, to);
            self.alert.progress = Some(progress);
        }
        if let (State::Acknowledged, Some(_), Some(at)) =
            (self.alert.state, self.alert.policy.remind, &mut self.alert.acknowledged_at)
            && pull_back(at, present, now)
        {
            self.say(EntryKind::Trouble, "the clock has gone back: the acknowledgement counts from now".to_owned());
        }
        if mended && self.alert.state == State::Open {
            self.say(EntryKind::Trouble, "the clock has gone back: waits begin again".to_owned());
            self.alert.next_at = Some(now);
        }
    }

    /// Adds a line to the history.
    pub fn say(&mut self, kind: EntryKind, text: String) {
        self.history.push(Entry::new(self.now, kind, text));
    }

    /// How many lines the history has got so far.
    pub fn lines(&self) -> usize {
        self.history.len()
    }

    /// Says what the line number `line` stands on, if there is one that can, and unless it stands on something already.
    pub fn stands_on(&mut self, line: usize, fact: Option<Fact>) {
        if let Some((line, fact)) = self.history.get_mut(line).zip(fact)
            && line.fact.is_none()
            && fact.can_carry(line.kind)
        {
            line.fact = Some(fact);
        }
    }

    /// Takes back all lines but the first so many.
    pub fn unsay(&mut self, lines: usize) {
        self.history.truncate(lines);
    }

    /// 128 random bits.
    pub fn random(&mut self) -> u128 {
        (self.random)()
    }

    pub fn notification(&self, id: NotificationId) -> Option<&Notification> {
        self.alert.notifications.iter().find(|notification| notification.id == id)
    }

    pub fn notification_mut(&mut self, id: NotificationId) -> Option<&mut Notification> {
        self.alert.notifications.iter_mut().find(|notification| notification.id == id)
    }

    /// All pages, of every attempt.
    pub fn pages(&self) -> impl Iterator<Item = &Notification> {
        self.alert.notifications.iter().filter(|notification| notification.purpose == Purpose::Page)
    }

    /// The pages of one attempt.
    pub fn pages_at(&self, place: Place) -> impl Iterator<Item = &Notification> {
        self.pages().filter(move |notification| Place::of_notification(notification) == place)
    }

    /// Whether it is a page of the attempt that is under way.
    pub fn is_current(&self, notification: &Notification) -> bool {
        self.alert.state == State::Open
            && notification.purpose == Purpose::Page
            && self.alert.progress.is_some_and(|p| Place::of_progress(&p) == Place::of_notification(notification))
    }

    /// The step of this round and number: of the reminder, or of the policy.
    pub fn step(&self, place: Place) -> Option<Step> {
        let number = usize::try_from(place.step).ok()?;
        if self.is_reminder(place) {
            self.reminder().into_iter().nth(number)
        } else {
            self.alert.policy.steps.get(number).cloned()
        }
    }

    /// How long an attempt at `place` waits for somebody.
    pub fn wait(&self, place: Place) -> SignedDuration {
        self.step(place).map_or(SignedDuration::ZERO, |step| step.wait.max(SignedDuration::ZERO))
    }

    /// When the time of the attempt under way is up.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.alert.progress.map(|progress| later(progress.began_at, self.wait(Place::of_progress(&progress))))
    }

    /// Makes a notification that is due now.
    pub fn notify(
        &mut self,
        purpose: Purpose,
        place: Place,
        contact: &ContactId,
        (channel, to): (Channel, Address),
        news: Option<News>,
    ) {
        let last = self.alert.notifications.iter().map(|notification| notification.id.number).max();
        let number_of_it = last.unwrap_or(0).saturating_add(1);
        // The line that was said last tells of it.
        self.stands_on(self.history.len().saturating_sub(1), Some(Fact::Notification(number_of_it)));
        let token = Token::from_bits(self.random());
        self.alert.notifications.push(Notification {
            id: NotificationId { alert: self.alert.id, number: number_of_it },
            purpose,
            round: place.round,
            step: place.step,
            attempt: place.attempt,
            contact: contact.clone(),
            channel,
            to,
            news,
            token,
            created_at: self.now,
            delivery: Delivery::Due { at: self.now, unsure_since: None },
            perhaps_with: Vec::new(),
            tries: 0,
            sequence: -1,
            reached: false,
            told_by: None,
            held_since: None,
        });
    }

    /// Ends a notification; its provider's id stays with it.
    pub fn end_notification(&mut self, id: NotificationId, outcome: Outcome, detail: String) {
        let at = self.now;
        if let Some(notification) = self.notification_mut(id) {
            let (provider, provider_id) = match &notification.delivery {
                Delivery::Accepted { provider, provider_id, .. } => (Some(provider.clone()), Some(provider_id.clone())),
                Delivery::Ended { provider, provider_id, .. } => (provider.clone(), provider_id.clone()),
                Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } => (None, None),
            };
            notification.delivery = Delivery::Ended { at, outcome, detail, provider, provider_id };
        }
    }

    /// Ends the pages that wait to be sent or are being sent and that `which` picks. One that is being sent may still
    /// arrive: what comes of it is told by its `Accepted`.
    pub fn withdraw_pages(&mut self, why: &str, which: impl Fn(&Notification) -> bool) {
        let unsent: Vec<_> = self.pages().filter(|page| page.is_unsent() && which(page)).cloned().collect();
        for page in unsent {
            self.end_notification(page.id, Outcome::Withdrawn, why.to_owned());
            let text = format!("{} was withdrawn: {why}", self.the_notification(&page));
            self.say(EntryKind::Status, text);
        }
    }

    /// Ends all live calls but the one in which a human spoke.
    pub fn hang_up_all_but(&mut self, within: Option<NotificationId>) {
        let others: Vec<_> = self.pages().filter(|page| Some(page.id) != within).cloned().collect();
        for page in others {
            let live = match &page.delivery {
                Delivery::Accepted { provider, provider_id, .. } => Some((provider, provider_id)),
                // Its time was up while it was being placed; the provider took it all the same, and it may ring yet.
                Delivery::Ended { at, outcome: Outcome::GaveUp, provider, provider_id, .. }
                    if self.now.duration_since(*at) < CALL_LIFETIME =>
                {
                    provider.as_ref().zip(provider_id.as_ref())
                }
                _ => None,
            };
            if let Some((provider, provider_id)) = live {
                self.hang_up(&page, provider, provider_id);
            }
        }
    }

    /// Ends a call.
    pub fn hang_up(&mut self, call: &Notification, provider: &str, provider_id: &str) {
        if call.channel == Channel::Call {
            self.commands.push(Command::HangUp {
                notification: call.id,
                provider: provider.to_owned(),
                provider_id: provider_id.to_owned(),
            });
            let text = format!("hanging up {}: it is not needed any more", self.the_notification(call));
            self.say(EntryKind::Status, text);
        }
    }

    /// The name of a contact; what the rule file calls them when it has no such contact any more.
    pub fn name(&self, contact: &ContactId) -> String {
        self.roster.contacts.get(contact).map_or_else(|| contact.to_string(), |contact| contact.name.clone())
    }

    /// `David (+64211110001)`.
    pub fn person(&self, notification: &Notification) -> String {
        format!("{} ({})", self.name(&notification.contact), notification.to)
    }

    /// `the call to David (+64211110001)`.
    pub fn the_notification(&self, notification: &Notification) -> String {
        format!("the {} to {}", notification.channel.noun(), self.person(notification))
    }
}

/// `t + span`, no later than the end of time.
pub(super) fn later(t: Timestamp, span: SignedDuration) -> Timestamp {
    t.checked_add(span).unwrap_or(Timestamp::MAX)
}

fn earlier(t: Timestamp, span: SignedDuration) -> Timestamp {
    t.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// Sets `t` to `to` if it is after `latest`, and says whether it was.
fn pull_back(t: &mut Timestamp, latest: Timestamp, to: Timestamp) -> bool {
    let ahead = *t > latest;
    if ahead {
        *t = to;
    }
    ahead
}
