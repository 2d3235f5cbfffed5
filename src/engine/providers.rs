//! The providers of the rule file: in which order they are tried, which of them work, and what a refusal of one means
//! for the next.
//!
//! What was certainly not sent goes to the next provider at once. What may have been sent stays where it can be asked
//! about; where it cannot, the next provider is tried all the same: a person who gets a text twice is annoyed, one who
//! gets none sleeps on. But a provider that leaves the same notification in doubt twice is not given it again, or one
//! that answers too late would send it until the morning.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::alert::Channel;
use crate::clock::Clock;
use crate::config::{Config, Service};
use crate::notify::letter::{Letter, Sender};
use crate::provider::circuit::Circuit;
use crate::provider::command::Command;
use crate::provider::http::Http;
use crate::provider::pace::Pace;
use crate::provider::smtp::Smtp;
use crate::provider::twilio::{Account, Twilio};
use crate::provider::{Call, Provider, Refusal, Text};

/// After so long no further provider is begun with: the claim must outlive the last request.
const PATIENCE: Duration = Duration::from_secs(20);

/// So often may a provider that cannot be asked leave one notification in doubt.
const DOUBTS: usize = 2;

/// All providers of the rule file.
#[derive(Default)]
pub struct Providers {
    all: Vec<Arc<Entry>>,
    call: Vec<Arc<Entry>>,
    sms: Vec<Arc<Entry>>,
    email: Vec<Arc<Entry>>,
}

/// One provider, and how it has done lately.
pub struct Entry {
    provider: Box<dyn Provider>,
    circuit: Mutex<Circuit>,
    pace: Pace,
    /// Why it refused our credentials, when that is the last that was heard of it.
    refuses_us: Mutex<Option<String>>,
}

/// What became of something to be sent.
pub struct Carried {
    /// The providers that did not take it, the first first.
    pub passed_over: Vec<(String, Refusal)>,
    /// The provider that took it and its id for it; or the provider and refusal that matter most.
    pub outcome: Result<(String, String), (String, Refusal)>,
}

impl Providers {
    /// Those of the rule file, in its order.
    pub fn of(config: &Config, clock: &Arc<dyn Clock>) -> Self {
        let all: Vec<Arc<Entry>> =
            config.services().map(|(name, service)| Arc::new(Entry::of(name, service, clock))).collect();
        let order = |channel| {
            let named = config.delivery.providers(channel);
            let found = |name: &String| all.iter().find(|entry| entry.name() == name).cloned();
            let mut order: Vec<Arc<Entry>> = match named {
                Some(order) => order.iter().filter_map(found).collect(),
                None => all.clone(),
            };
            order.retain(|entry| entry.provider.carries(channel));
            order
        };
        let (call, sms, email) = (order(Channel::Call), order(Channel::Text), order(Channel::Email));
        Self { all, call, sms, email }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The provider of this name.
    pub fn named(&self, name: &str) -> Option<Arc<Entry>> {
        self.all.iter().find(|entry| entry.name() == name).cloned()
    }

    /// The names of all.
    pub fn names(&self) -> Vec<&str> {
        self.all.iter().map(|entry| entry.name()).collect()
    }

    /// Those that carry a channel, in the order in which they are tried.
    pub fn order(&self, channel: Channel) -> &[Arc<Entry>] {
        match channel {
            Channel::Call => &self.call,
            Channel::Text => &self.sms,
            Channel::Email => &self.email,
        }
    }

    /// Those that are used for anything.
    pub fn in_use(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.all.iter().filter(|entry| {
            let is_it = |one: &Arc<Entry>| Arc::ptr_eq(one, entry);
            [&self.call, &self.sms, &self.email].into_iter().flatten().any(is_it)
        })
    }

    /// What is to be shouted: providers that refuse our credentials.
    pub fn alarms(&self) -> Vec<String> {
        let alarm = |entry: &Arc<Entry>| {
            let reason = entry.refuses_us.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
            Some(format!("{} refuses our credentials: {reason}", entry.name()))
        };
        self.all.iter().filter_map(alarm).collect()
    }

    /// All providers by name, and whether each refuses our credentials.
    pub fn refusing(&self) -> impl Iterator<Item = (&str, bool)> {
        let refuses = |entry: &Entry| entry.refuses_us.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        self.all.iter().map(move |entry| (entry.name(), refuses(entry)))
    }

    /// Gives something to the first provider that takes it. `doubts` names those that may have it already, `without`
    /// those that are not to be tried.
    pub fn carry(
        &self,
        channel: Channel,
        clock: &dyn Clock,
        (doubts, without): (&[String], &[String]),
        send: &dyn Fn(&dyn Provider) -> Result<String, Refusal>,
    ) -> Carried {
        let began = Instant::now();
        let doubted = |entry: &Entry| doubts.iter().filter(|name| *name == entry.name()).count();
        let out = |entry: &Entry| {
            without.iter().any(|name| name == entry.name())
                || entry.provider.records().is_none() && doubted(entry) >= DOUBTS
        };
        let order: Vec<&Arc<Entry>> = self.order(channel).iter().filter(|entry| !out(entry)).collect();
        if order.is_empty() {
            let reason = self.nobody_left(channel, doubts);
            return Carried { passed_over: Vec::new(), outcome: Err((String::new(), Refusal::Permanent { reason })) };
        }
        // Whoever may have it comes after those that certainly have not. Both parts keep the order of the rule file.
        let (sure, unsure): (Vec<&Arc<Entry>>, Vec<_>) = order.into_iter().partition(|entry| doubted(entry) == 0);
        let mut refusals = Vec::new();
        // Those that fail again and again come last, but they are tried when nothing else is left.
        let mut postponed = Vec::new();
        let mut waiting = sure.into_iter().chain(unsure);
        loop {
            let entry = match waiting.next() {
                Some(entry) if entry.lets_through(clock.now()) => entry,
                Some(entry) => {
                    postponed.push(entry);
                    continue;
                }
                None if postponed.is_empty() => break,
                None => postponed.remove(0),
            };
            match entry.give(channel, clock, send) {
                Ok(id) => return Carried { passed_over: refusals, outcome: Ok((entry.name().to_owned(), id)) },
                Err(refusal) => {
                    let ends = match &refusal {
                        Refusal::Permanent { .. } => true,
                        Refusal::Ambiguous { .. } => entry.provider.records().is_some(),
                        Refusal::Temporary { .. } | Refusal::Credentials { .. } => false,
                    };
                    refusals.push((entry.name().to_owned(), refusal));
                    if ends || began.elapsed() >= PATIENCE {
                        break;
                    }
                }
            }
        }
        // Nobody took it. The one that decides when it is tried again: a doubt before a pause before what a person
        // must mend; of several the last.
        let rank = |refusal: &Refusal| match refusal {
            Refusal::Permanent { .. } => 3,
            Refusal::Ambiguous { .. } => 2,
            Refusal::Temporary { .. } => 1,
            Refusal::Credentials { .. } => 0,
        };
        let decisive = (0..refusals.len()).max_by_key(|index| refusals.get(*index).map(|(_, refusal)| rank(refusal)));
        let outcome = match decisive {
            Some(index) => Err(refusals.remove(index)),
            None => Err((String::new(), Refusal::Permanent { reason: self.nobody_left(channel, doubts) })),
        };
        Carried { passed_over: refusals, outcome }
    }

    fn nobody_left(&self, channel: Channel, doubts: &[String]) -> String {
        if self.order(channel).is_empty() {
            return format!("the rule file has no provider for {}s", channel.noun());
        }
        let mut names = doubts.to_vec();
        names.dedup();
        format!("it may have been sent by {}, which cannot be asked: not sent a third time", names.join(", "))
    }

    /// Sends a text by whoever takes it, without asking about doubts: an answer to a reply, a last resort.
    ///
    /// # Errors
    /// What the provider said that matters most.
    pub fn text(&self, clock: &dyn Clock, text: &Text) -> Result<String, Refusal> {
        let send = |provider: &dyn Provider| send_text(provider, text);
        self.carry(Channel::Text, clock, (&[], &[]), &send).outcome.map(|(_, id)| id).map_err(|(_, refusal)| refusal)
    }

    /// Places a call by whoever takes it, without asking about doubts: a last resort.
    ///
    /// # Errors
    /// What the provider said that matters most.
    pub fn call(&self, clock: &dyn Clock, call: &Call) -> Result<String, Refusal> {
        let send = |provider: &dyn Provider| place_call(provider, call);
        self.carry(Channel::Call, clock, (&[], &[]), &send).outcome.map(|(_, id)| id).map_err(|(_, refusal)| refusal)
    }

    /// Sends a mail by whoever takes it, without asking about doubts. `write` makes it for whoever it is from.
    ///
    /// # Errors
    /// What the provider said that matters most.
    pub fn mail(&self, clock: &dyn Clock, write: &dyn Fn(&Sender) -> Letter) -> Result<String, Refusal> {
        let send = |provider: &dyn Provider| send_mail(provider, write);
        self.carry(Channel::Email, clock, (&[], &[]), &send).outcome.map(|(_, id)| id).map_err(|(_, refusal)| refusal)
    }

    /// These, in this order, each for all that it carries.
    pub fn new(providers: Vec<Box<dyn Provider>>) -> Self {
        let all: Vec<Arc<Entry>> =
            providers.into_iter().map(|provider| Arc::new(Entry::new(provider, Pace::of(None)))).collect();
        let of = |channel| all.iter().filter(|entry| entry.provider.carries(channel)).cloned().collect();
        Self { call: of(Channel::Call), sms: of(Channel::Text), email: of(Channel::Email), all }
    }
}

/// Sends a text by a provider that carries texts.
///
/// # Errors
/// What the provider says.
pub fn send_text(provider: &dyn Provider, text: &Text) -> Result<String, Refusal> {
    let name = provider.name();
    let none = || Refusal::Permanent { reason: format!("{name} does not carry texts") };
    provider.texts().ok_or_else(none)?.text(text)
}

/// Places a call by a provider that carries calls.
///
/// # Errors
/// What the provider says.
pub fn place_call(provider: &dyn Provider, call: &Call) -> Result<String, Refusal> {
    let name = provider.name();
    let none = || Refusal::Permanent { reason: format!("{name} does not carry calls") };
    provider.calls().ok_or_else(none)?.call(call)
}

/// Sends a mail by a provider that sends mails.
///
/// # Errors
/// What the provider says.
pub fn send_mail(provider: &dyn Provider, write: &dyn Fn(&Sender) -> Letter) -> Result<String, Refusal> {
    let name = provider.name();
    let mails = provider.mails().ok_or_else(|| Refusal::Permanent { reason: format!("{name} sends no mails") })?;
    mails.mail(&write(mails.sender()))
}

impl Entry {
    fn new(provider: Box<dyn Provider>, pace: Pace) -> Self {
        Self { provider, circuit: Mutex::default(), pace, refuses_us: Mutex::default() }
    }

    fn of(name: &str, service: &Service, clock: &Arc<dyn Clock>) -> Self {
        match service {
            Service::Twilio(settings) => {
                let provider = Twilio::new(&account(name, settings), Arc::clone(clock));
                Self::new(Box::new(provider), Pace::of(settings.calls_per_second))
            }
            Service::Http(gateway) => {
                Self::new(Box::new(Http::new(name, Arc::clone(gateway), Arc::clone(clock))), Pace::of(None))
            }
            Service::Command(settings) => {
                Self::new(Box::new(Command::new(name, settings.clone(), Arc::clone(clock))), Pace::of(None))
            }
            Service::Smtp(settings) => {
                Self::new(Box::new(Smtp::new(name, Arc::clone(settings), Arc::clone(clock))), Pace::of(None))
            }
        }
    }

    /// The provider itself.
    pub fn provider(&self) -> &dyn Provider {
        self.provider.as_ref()
    }

    fn name(&self) -> &str {
        self.provider.name()
    }

    fn lets_through(&self, now: Timestamp) -> bool {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner).lets_through(now)
    }

    fn give(
        &self,
        channel: Channel,
        clock: &dyn Clock,
        send: &dyn Fn(&dyn Provider) -> Result<String, Refusal>,
    ) -> Result<String, Refusal> {
        if channel == Channel::Call {
            self.pace.wait();
        }
        let result = send(self.provider());
        self.note(&result, clock.now());
        result
    }

    /// Learns from the answer to a question, which is not needed to notify anybody, whether it knows us.
    pub fn note_alarm<T>(&self, result: &Result<T, Refusal>, now: Timestamp) {
        if matches!(result, Ok(_) | Err(Refusal::Credentials { .. })) {
            self.note(result, now);
        }
    }

    /// Learns from an answer.
    pub fn note<T>(&self, result: &Result<T, Refusal>, now: Timestamp) {
        let name = self.name();
        let mut circuit = self.circuit.lock().unwrap_or_else(PoisonError::into_inner);
        let refuses_us = match result {
            Ok(_) | Err(Refusal::Permanent { .. }) => {
                circuit.worked();
                None
            }
            Err(refusal @ (Refusal::Temporary { .. } | Refusal::Ambiguous { .. } | Refusal::Credentials { .. })) => {
                if circuit.failed(now) {
                    tracing::error!(
                        provider = name,
                        ?refusal,
                        "a provider fails again and again; others are tried first"
                    );
                }
                match refusal {
                    Refusal::Credentials { reason } => Some(reason.clone()),
                    Refusal::Permanent { .. } | Refusal::Temporary { .. } | Refusal::Ambiguous { .. } => return,
                }
            }
        };
        if let Some(reason) = &refuses_us {
            tracing::error!(provider = name, %reason, "OUR CREDENTIALS WERE REFUSED: mend them in the rule file");
        }
        *self.refuses_us.lock().unwrap_or_else(PoisonError::into_inner) = refuses_us;
    }
}

fn account(name: &str, settings: &crate::config::Twilio) -> Account {
    let (user, password) = match &settings.api_key {
        Some((key, secret)) => (key.clone(), secret.clone()),
        None => (settings.account_sid.clone(), settings.auth_token.clone()),
    };
    Account {
        name: name.to_owned(),
        account_sid: settings.account_sid.clone(),
        user,
        password,
        from: settings.from.clone(),
        messaging_service: settings.messaging_service.clone(),
        api_url: settings.api_url.clone(),
        machine_detection: settings.machine_detection,
    }
}

#[cfg(test)]
mod tests;
