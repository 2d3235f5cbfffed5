//! The desk: rule file, provider, templates and clock together, and the events that they let happen to an alert.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::alert::{
    Actor, Alert, AlertId, CallStatus, Change, Command, Context, Event, NotificationId, State, Through,
    escalation::escalate,
};
use crate::clock::Clock;
use crate::config::Config;
use crate::intake::Wish;
use crate::notify::twiml::Templates;
use crate::oncall::{ContactId, Phone, Roster};
use crate::provider::Provider;
use crate::rules::Action;
use crate::store::{self, Closing, Receipt, Store, Throttle};

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
    /// Who carries notifications; `None` when the rule file names nobody.
    pub provider: Option<Arc<dyn Provider>>,
    /// What calls say.
    pub templates: Arc<Templates>,
    /// Why the built-in templates speak in place of the rule file's.
    pub trouble: Option<String>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Calls to be ended, when there is time for it: a webhook never waits for a provider.
    hang_ups: Arc<Mutex<Vec<Command>>>,
}

impl Desk {
    /// A desk for this rule file.
    pub fn new(config: Arc<Config>, clock: Arc<dyn Clock>) -> Self {
        let (templates, trouble) = Templates::load_or_built_in(config.twiml.as_deref());
        let templates = Arc::new(templates);
        let provider = super::send::provider(&config, &clock);
        Self { config, provider, templates, trouble, clock, hang_ups: Arc::default() }
    }

    /// The same desk with another rule file: what is to be hung up stays to be hung up.
    #[must_use]
    pub fn renewed(&self, config: Arc<Config>) -> Self {
        let fresh = Self::new(config, Arc::clone(&self.clock));
        Self { hang_ups: Arc::clone(&self.hang_ups), ..fresh }
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The roster of the rule file, with the overrides of the store.
    pub fn roster(&self, store: &mut dyn Store) -> store::Result<Roster> {
        let mut roster = self.config.roster.clone();
        roster.overrides = store.overrides(self.now())?;
        Ok(roster)
    }

    /// Opens or joins the alert that a wish asks for. On disk when it returns.
    pub fn receive(&self, store: &mut dyn Store, wish: &Wish<'_>) -> store::Result<Receipt> {
        let now = self.now();
        let roster = self.roster(store)?;
        let arrival = &wish.arrival;
        let mut hang_ups = Vec::new();
        let receipt = store.receive(arrival, now, &mut draw, &mut |alert, joined, random| {
            let event = if joined {
                Event::Joined { recipients: arrival.recipients.clone(), subject: arrival.subject.clone() }
            } else {
                Event::Opened
            };
            let change = escalate(alert, event, &mut Context { now, roster: &roster, random });
            hang_ups.extend(change.commands.iter().cloned());
            change
        })?;
        self.to_hang_up(store, hang_ups)?;
        Ok(receipt)
    }

    /// Ends or takes the alerts that a wish is about; of several of one key, people are told of the newest only. On disk
    /// when it returns.
    pub fn close(&self, store: &mut dyn Store, wish: &Wish<'_>) -> store::Result<Closing> {
        let now = self.now();
        let roster = self.roster(store)?;
        let mut hang_ups = Vec::new();
        let closing = store.close(&wish.arrival, now, &mut |alert, newest| {
            let by = Actor { contact: None, name: format!("rule {}", wish.arrival.rule), through: Through::Mail };
            let told = newest || alert.state == State::Open;
            let event = match (wish.action, told) {
                (Action::Acknowledge, true) => Event::Acknowledge { by, within: None },
                (Action::Acknowledge, false) => return None,
                (Action::Resolve | Action::Ignore | Action::Call | Action::Sms | Action::Page, true) => {
                    Event::Resolve { by, within: None }
                }
                (Action::Resolve | Action::Ignore | Action::Call | Action::Sms | Action::Page, false) => {
                    Event::ResolveQuietly { by }
                }
            };
            let change = escalate(alert, event, &mut Context { now, roster: &roster, random: &mut draw });
            hang_ups.extend(change.commands.iter().cloned());
            Some(change)
        })?;
        self.to_hang_up(store, hang_ups)?;
        Ok(closing)
    }

    /// Lets `event` happen to the alert. On disk when it returns.
    pub fn apply(&self, store: &mut dyn Store, id: AlertId, event: &Event) -> store::Result<Alert> {
        let roster = self.roster(store)?;
        let now = self.now();
        let updated = store.update(id, &mut |alert| -> Change {
            escalate(alert, event.clone(), &mut Context { now, roster: &roster, random: &mut draw })
        })?;
        self.to_hang_up(store, updated.commands)?;
        Ok(updated.alert)
    }

    /// Lets `event` happen to a notification, and to all that is told in it. On disk, as a whole, when it returns. The
    /// alert that the notification is about comes first.
    pub fn apply_told(&self, store: &mut dyn Store, id: NotificationId, event: &Event) -> store::Result<Alert> {
        let teller = store.teller(id)?;
        if let Event::CallStatus { status, human: None, .. } = event
            && status.rank() < CallStatus::Completed.rank()
        {
            return self.apply(store, teller.alert, &event.about(teller)); // Of no interest to the others.
        }
        let after = self.apply_to_told(store, teller, None, &mut |_, _| Some(event.clone()))?;
        after.into_iter().next().map_or_else(|| store.alert(teller.alert), Ok)
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
        let now = self.now();
        let updated = store.update_told(teller, last, &mut |alert, id| {
            let event = which(&alert, id)?.about(id);
            Some(escalate(alert, event, &mut Context { now, roster: &roster, random: &mut draw }))
        })?;
        let (mut after, mut commands) = (Vec::new(), Vec::new());
        for one in updated {
            after.push(one.alert);
            commands.extend(one.commands);
        }
        self.to_hang_up(store, commands)?;
        Ok(after)
    }

    /// Ends the calls that nobody needs any more. Waits for the provider.
    pub fn hang_up(&self) {
        let commands = std::mem::take(&mut *self.hang_ups.lock().unwrap_or_else(PoisonError::into_inner));
        for Command::HangUp { notification, provider_id, .. } in commands {
            let Some(provider) = &self.provider else { continue };
            if let Err(refusal) = provider.hang_up(&provider_id) {
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

/// 128 random bits from the system.
pub fn draw() -> u128 {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without random bits there is no token that nobody can guess: better no call by webhook than an open door.
        std::process::abort();
    }
    u128::from_le_bytes(bytes)
}
