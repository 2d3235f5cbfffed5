//! The desk: rule file, provider, templates and clock together, and the events that they let happen to an alert.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::outbox::Incoming;
use super::providers::Providers;
use crate::alert::{
    Actor, Alert, AlertId, CallStatus, Change, Command, Context, Decision, Delivery, Entry, EntryKind, Event, Fact,
    NEWER_ALERT, NotificationId, State, Through, escalation::escalate,
};
use crate::clock::Clock;
use crate::config::Config;
use crate::intake::Wish;
use crate::notify::twiml::Templates;
use crate::oncall::{ContactId, Phone, Roster};
use crate::rules::Action;
use crate::store::{self, Arrival, Closing, MailText, Reading, Receipt, Store, Throttle};

/// Why the desk could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Rule file, provider, templates and clock. Shared by all threads; each brings its own store.
pub struct Desk {
    /// The checked rule file.
    pub config: Arc<Config>,
    /// Who carries notifications.
    pub providers: Providers,
    /// What calls say.
    pub templates: Arc<Templates>,
    /// Why the built-in templates speak in place of the rule file's.
    pub trouble: Option<String>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The latest time that any thread was told, in milliseconds.
    latest: Arc<AtomicI64>,
    /// Calls to be ended, when there is time for it: a webhook never waits for a provider.
    hang_ups: Arc<Mutex<Vec<Command>>>,
    chance: Arc<Chance>,
    /// The roster with the overrides that the store had last.
    roster: Mutex<Arc<Roster>>,
}

/// Where 128 random bits at a time come from.
pub type Chance = dyn Fn() -> u128 + Send + Sync;

impl Desk {
    /// A desk for this rule file.
    pub fn new(config: Arc<Config>, clock: Arc<dyn Clock>) -> Self {
        let (templates, trouble) = Templates::load_or_built_in(config.twiml.as_deref());
        let providers = Providers::of(&config, &clock);
        Self { trouble, ..Self::with(config, clock, Arc::new(templates), providers, Arc::new(draw)) }
    }

    /// A desk with other providers and templates than those of the rule file, and a chance that can be played again.
    pub fn with(
        config: Arc<Config>,
        clock: Arc<dyn Clock>,
        templates: Arc<Templates>,
        providers: Providers,
        chance: Arc<Chance>,
    ) -> Self {
        let roster = Mutex::new(Arc::new(config.roster.clone()));
        let latest = Arc::new(AtomicI64::new(i64::MIN));
        Self { config, providers, templates, trouble: None, clock, latest, hang_ups: Arc::default(), chance, roster }
    }

    /// The same desk with another rule file: what is to be hung up stays to be hung up.
    #[must_use]
    pub fn renewed(&self, config: Arc<Config>) -> Self {
        let fresh = Self::new(config, Arc::clone(&self.clock));
        Self { hang_ups: Arc::clone(&self.hang_ups), latest: Arc::clone(&self.latest), ..fresh }
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        let now = self.clock.now();
        self.latest.fetch_max(now.as_millisecond(), Ordering::Relaxed);
        now
    }

    /// Whether anybody at this desk was told a time that is later than `now` by more than this: the clock has been set back,
    /// or was ahead for a moment. Said once.
    pub(super) fn has_gone_back(&self, now: Timestamp, by: SignedDuration) -> bool {
        let now = now.as_millisecond();
        let latest = self.latest.load(Ordering::Relaxed);
        let has_gone_back = latest.saturating_sub(now) > i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        if has_gone_back {
            self.latest.store(now, Ordering::Relaxed);
        }
        has_gone_back
    }

    /// The roster of the rule file, with the overrides of the store. It is asked for with every change to an alert, and made
    /// anew only when the overrides are others than before.
    pub fn roster(&self, store: &mut dyn Store) -> store::Result<Arc<Roster>> {
        let overrides = store.overrides(self.now())?;
        let mut roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
        if roster.overrides != overrides {
            *roster = Arc::new(Roster { overrides, ..self.config.roster.clone() });
        }
        Ok(Arc::clone(&roster))
    }

    /// Opens or joins the alert that a wish asks for. On disk when it returns.
    pub fn receive(&self, store: &mut dyn Store, wish: &Wish<'_>, mail: Incoming<'_>) -> store::Result<Receipt> {
        self.receive_arrival(store, &wish.arrival, Some(mail))
    }

    /// The same for what no mail but the time asks for.
    pub fn receive_arrival(
        &self,
        store: &mut dyn Store,
        arrival: &Arrival,
        mail: Option<Incoming<'_>>,
    ) -> store::Result<Receipt> {
        let now = self.now();
        let roster = self.roster(store)?;
        let parcel = mail.and_then(|mail| self.parcel(mail, &arrival.group, &roster, now));
        let mut hang_ups = Vec::new();
        let read = mail.map(|mail| move || MailText::of(mail.message));
        let says = self.kept(read.as_ref().map(|read| read as Reading<'_>));
        let receipt =
            store.receive(arrival, parcel.as_ref(), says, now, &mut || self.draw(), &mut |alert, joined, random| {
                let now = self.now();
                let event = if joined {
                    Event::Joined { recipients: arrival.recipients.clone(), subject: arrival.subject.clone() }
                } else {
                    Event::Opened
                };
                let mut change = escalate(alert, event, &mut Context { now, roster: &roster, random });
                hang_ups.extend(change.commands.iter().cloned());
                let decision = if joined { Decision::Joined } else { Decision::Opened };
                let kind = if joined { EntryKind::Joined } else { EntryKind::Opened };
                if let Some(line) = change.history.iter_mut().find(|line| line.kind == kind) {
                    line.fact = arrival.fact(decision);
                }
                let forwarding = |mail| self.forwarding(mail, parcel.as_ref(), &change.alert, &roster, now);
                let line = mail.and_then(forwarding);
                change.history.extend(line);
                change
            })?;
        self.to_hang_up(store, hang_ups)?;
        Ok(receipt)
    }

    /// Ends or takes the alerts that a wish is about; of several of one key, people are told of the newest only. On disk
    /// when it returns.
    pub fn close(&self, store: &mut dyn Store, wish: &Wish<'_>, mail: Incoming<'_>) -> store::Result<Closing> {
        let now = self.now();
        let roster = self.roster(store)?;
        let mut hang_ups = Vec::new();
        let read = || MailText::of(mail.message);
        let closing = store.close(&wish.arrival, self.kept(Some(&read)), now, &mut |alert, newest| {
            let now = self.now();
            let by = Actor { contact: None, name: format!("rule {}", wish.arrival.rule), through: Through::Mail };
            let told = newest || alert.state == State::Open;
            let event = match (wish.action, told) {
                (Action::Acknowledge, true) => Event::Acknowledge { by, within: None },
                (Action::Acknowledge, false) => return None,
                (Action::Resolve | Action::Ignore | Action::Call | Action::Sms | Action::Page, true) => {
                    Event::Resolve { by, within: None }
                }
                (Action::Resolve | Action::Ignore | Action::Call | Action::Sms | Action::Page, false) => {
                    Event::ResolveQuietly { by, why: NEWER_ALERT.to_owned() }
                }
            };
            let mut context = Context { now, roster: &roster, random: &mut || self.draw() };
            let mut change = escalate(alert, event, &mut context);
            hang_ups.extend(change.commands.iter().cloned());
            if let Some(line) = change.history.iter_mut().find(|line| matches!(line.fact, Some(Fact::Person(_)))) {
                line.fact = wish.arrival.fact(Decision::Closed);
            }
            Some(change)
        })?;
        self.to_hang_up(store, hang_ups)?;
        if let Closing::Done { newer, .. } = &closing {
            for id in newer {
                let (rule, subject) = (&wish.arrival.rule, &wish.arrival.subject);
                let text = format!("a mail of rule {rule} changed nothing, a later one had come before it: {subject}");
                let line = Entry::new(now, EntryKind::Duplicate, text).on(wish.arrival.fact(Decision::Stale));
                store.record(*id, &[line])?;
            }
        }
        Ok(closing)
    }

    /// What a mail says, if the rule file wants it kept.
    fn kept<'r>(&self, says: Option<Reading<'r>>) -> Option<Reading<'r>> {
        says.filter(|_| self.config.keep_text)
    }

    /// Lets what a provider calls back about happen to the alert. A callback that changes nothing, since it came twice or
    /// late, leaves a line all the same. On disk when it returns.
    pub fn called_back(&self, store: &mut dyn Store, id: NotificationId, event: &Event) -> store::Result<Alert> {
        let roster = self.roster(store)?;
        let teller = store.teller(id)?;
        let updated = store.update_told(teller, concerned(event), &mut |alert, of| {
            let (now, event) = (self.now(), event.about(of));
            let mut context = Context { now, roster: &roster, random: &mut || self.draw() };
            let mut change = escalate(alert, event.clone(), &mut context);
            change.history.extend(unsaid(&change, &event, now));
            for line in &mut change.history {
                if let Some(Fact::Status(status)) = &mut line.fact {
                    status.callback = true;
                }
            }
            Some(change)
        })?;
        self.after(store, updated)?.into_iter().next().map_or_else(|| store.alert(teller.alert), Ok)
    }

    /// Adds a line to the history of an alert.
    pub fn note(
        &self,
        store: &mut dyn Store,
        id: AlertId,
        kind: EntryKind,
        text: impl Into<String>,
        fact: Option<Fact>,
    ) -> store::Result<()> {
        store.record(id, &[Entry::new(self.now(), kind, text).on(fact)])
    }

    /// Lets `event` happen to the alert. On disk when it returns.
    pub fn apply(&self, store: &mut dyn Store, id: AlertId, event: &Event) -> store::Result<Alert> {
        let roster = self.roster(store)?;
        let updated = store.update(id, &mut |alert| -> Change {
            // Read once the store is ours: who had to wait for it must not take what others did meanwhile for a clock
            // that has gone back, and begin their waits and claims again.
            let mut context = Context { now: self.now(), roster: &roster, random: &mut || self.draw() };
            escalate(alert, event.clone(), &mut context)
        })?;
        self.to_hang_up(store, updated.commands)?;
        Ok(updated.alert)
    }

    /// Lets `event` happen to each of these alerts. On disk, as a whole, when it returns.
    pub fn apply_each(&self, store: &mut dyn Store, ids: &[AlertId], event: &Event) -> store::Result<()> {
        let roster = self.roster(store)?;
        let updated = store.update_each(ids, &mut |alert| {
            let mut context = Context { now: self.now(), roster: &roster, random: &mut || self.draw() };
            escalate(alert, event.clone(), &mut context)
        })?;
        self.after(store, updated).map(drop)
    }

    /// Lets `event` happen to a notification, and to all that is told in it. On disk, as a whole, when it returns. The
    /// alert that the notification is about comes first.
    pub fn apply_told(&self, store: &mut dyn Store, id: NotificationId, event: &Event) -> store::Result<Alert> {
        let teller = store.teller(id)?;
        let after = self.apply_to_told(store, teller, concerned(event), &mut |_, _| Some(event.clone()))?;
        after.into_iter().next().map_or_else(|| store.alert(teller.alert), Ok)
    }

    /// The same for several notifications, one after the other. On disk, all of it, when it returns.
    pub fn apply_told_each(&self, store: &mut dyn Store, events: &[(NotificationId, Event)]) -> store::Result<()> {
        let roster = self.roster(store)?;
        let mut tellers = Vec::with_capacity(events.len());
        for (id, event) in events {
            tellers.push((store.teller(*id)?, concerned(event)));
        }
        let updated = store.update_told_each(&tellers, &mut |place, alert, id| {
            let (_, event) = events.get(place)?;
            let mut context = Context { now: self.now(), roster: &roster, random: &mut || self.draw() };
            Some(escalate(alert, event.about(id), &mut context))
        })?;
        self.after(store, updated).map(drop)
    }

    /// Lets what `which` says happen to the alert of a notification, and to each of those that it has told of up to the
    /// `last`-th. On disk, as a whole, when it returns.
    pub fn apply_to_told(
        &self,
        store: &mut dyn Store,
        teller: NotificationId,
        last: Option<i64>,
        which: &mut dyn FnMut(&Alert, NotificationId) -> Option<Event>,
    ) -> store::Result<Vec<Alert>> {
        let roster = self.roster(store)?;
        let updated = store.update_told(teller, last, &mut |alert, id| {
            let event = which(&alert, id)?.about(id);
            let mut context = Context { now: self.now(), roster: &roster, random: &mut || self.draw() };
            Some(escalate(alert, event, &mut context))
        })?;
        self.after(store, updated)
    }

    /// The alerts as they are after a change, when what it asks for has been begun.
    fn after(&self, store: &mut dyn Store, updated: Vec<store::Updated>) -> store::Result<Vec<Alert>> {
        let (mut after, mut commands) = (Vec::new(), Vec::new());
        for one in updated {
            after.push(one.alert);
            commands.extend(one.commands);
        }
        self.to_hang_up(store, commands)?;
        Ok(after)
    }

    /// 128 random bits.
    pub fn draw(&self) -> u128 {
        (self.chance)()
    }

    /// Ends the calls that nobody needs any more. Waits for the provider.
    pub fn hang_up(&self) {
        let commands = std::mem::take(&mut *self.hang_ups.lock().unwrap_or_else(PoisonError::into_inner));
        for Command::HangUp { notification, provider, provider_id } in commands {
            // A provider that cannot, or that the rule file does not have any more: the call rings out.
            let Some(entry) = self.providers.named(&provider) else { continue };
            let Some(line) = entry.provider().hangs_up() else { continue };
            if let Err(refusal) = line.hang_up(&provider_id) {
                tracing::info!(%notification, ?refusal, "a call that nobody needs any more could not be ended");
            }
        }
    }

    /// Whether there is a call to be ended.
    pub fn has_to_hang_up(&self) -> bool {
        !self.hang_ups.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// A call that tells of other alerts, too, goes on as long as one of them is to be told.
    fn to_hang_up(&self, store: &mut dyn Store, commands: Vec<Command>) -> store::Result<()> {
        for command in commands {
            let Command::HangUp { notification, provider_id, .. } = &command;
            let teller = store.teller(*notification)?;
            if store.is_needed(teller, provider_id)? {
                tracing::info!(%notification, "the call goes on: it tells of other alerts, too");
                continue;
            }
            let mut list = self.hang_ups.lock().unwrap_or_else(PoisonError::into_inner);
            let known = list.iter().any(|Command::HangUp { provider_id: known, .. }| known == provider_id);
            if !known {
                list.push(command);
            }
        }
        Ok(())
    }

    /// What a claim may send, and how often.
    pub fn throttled<T>(&self, webhooks: bool, claim: impl FnOnce(&Throttle<'_>) -> T) -> T {
        let recipient = |address: &str| self.config.recipient(address).and_then(|known| known.limit);
        claim(&Throttle { limits: &self.config.limits, recipient: &recipient, webhooks })
    }

    /// The contact who has this number.
    pub fn contact_of(&self, number: &Phone) -> Option<ContactId> {
        let contacts = self.config.roster.contacts.values();
        let mut matching =
            contacts.filter(|contact| contact.phone.as_ref() == Some(number) || contact.sms.as_ref() == Some(number));
        matching.next().map(|contact| contact.id.clone())
    }

    /// The name of a contact, or its key when the rule file does not know it any more.
    pub fn name_of(&self, contact: &ContactId) -> String {
        let known = self.config.roster.contacts.get(contact);
        known.map_or_else(|| contact.to_string(), |contact| contact.name.clone())
    }
}

/// The line for a callback of which the escalation had nothing to say.
fn unsaid(change: &Change, event: &Event, now: Timestamp) -> Option<Entry> {
    let Some(fact @ Fact::Status(status)) = &Fact::of(event) else { return None };
    if change.history.iter().any(|line| matches!(line.fact, Some(Fact::Status(_)))) {
        return None;
    }
    let about = change.alert.notifications.iter().find(|one| one.id.number == status.notification)?;
    let what = about.channel.noun();
    let old = match &about.delivery {
        Delivery::Accepted { status: known, .. } if *known == status.status => "",
        Delivery::Ended { .. } | Delivery::Accepted { .. } => ", which was known or is out of date",
        Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } => "",
    };
    let text = format!("the provider says of the {what} to {}: {}{old}", about.to, status.status);
    Some(Entry::new(now, EntryKind::Callback, text).on(fact.clone()))
}

/// Up to which place of what a notification tells of an event concerns it (`None`: all of it): the steps that a call takes
/// before it is over are of no interest to the others.
fn concerned(event: &Event) -> Option<i64> {
    match event {
        Event::CallStatus { status, human: None, .. } if status.rank() < CallStatus::Completed.rank() => Some(0),
        _ => None,
    }
}

/// 128 random bits from the system.
pub fn draw() -> u128 {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without random bits there is no token that nobody can guess: better no call by webhook than an open door.
        std::process::abort();
    }
    u128::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
    use std::sync::mpsc::channel;

    use super::*;
    use crate::engine::stage;

    /// A clock that counts how often it was read.
    #[derive(Default)]
    struct Counted {
        second: AtomicI64,
        read: AtomicU32,
    }

    impl Clock for Counted {
        fn now(&self) -> Timestamp {
            self.read.fetch_add(1, Ordering::SeqCst);
            Timestamp::from_second(1_793_584_800 + self.second.load(Ordering::SeqCst)).unwrap()
        }
    }

    #[test]
    fn who_had_to_wait_for_the_store_does_not_take_the_time_before_for_the_present() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(Counted::default());
        let desk = stage::desk(directory.path(), Arc::clone(&clock) as Arc<dyn Clock>);
        let mut store = stage::store(directory.path());
        let id = stage::opened(&desk, &mut store, "disk");
        let read = clock.read.load(Ordering::SeqCst);
        let (locked, is_locked) = channel();
        let (go_on, goes_on) = channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                store.update(id, &mut |alert| {
                    locked.send(()).unwrap();
                    goes_on.recv().unwrap();
                    Change { alert, commands: Vec::new(), history: Vec::new() }
                })
            });
            is_locked.recv().unwrap();
            let waiting = scope.spawn(|| {
                let mut store = stage::store(directory.path());
                let event = Event::Joined { recipients: Vec::new(), subject: "late".to_owned() };
                desk.apply(&mut store, id, &event).unwrap();
                store.history(id).unwrap().pop().unwrap().at
            });
            while clock.read.load(Ordering::SeqCst) == read {
                std::thread::yield_now();
            }
            clock.second.store(3600, Ordering::SeqCst);
            go_on.send(()).unwrap();
            assert_eq!(waiting.join().unwrap(), desk.now());
        });
    }
}
