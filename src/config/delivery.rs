//! `[delivery]`: the providers in the order in which they are tried, and what of it makes no sense.

use super::providers::Service;
use super::reader::Reader;
use super::scalar::Fault;
use super::suggest::{listed, nearest};
use super::value::{Table, Value};
use super::{Config, Scope};
use crate::alert::Channel;

const CHANNELS: &[(&str, Channel)] = &[("call", Channel::Call), ("sms", Channel::Text), ("email", Channel::Email)];

/// `[delivery]`: the providers in the order in which they are tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryOrder {
    call: Option<Vec<String>>,
    sms: Option<Vec<String>>,
    email: Option<Vec<String>>,
}

impl DeliveryOrder {
    /// The providers for a channel; `None` when left out: all that can, `[twilio]` first, then as they stand.
    pub fn providers(&self, channel: Channel) -> Option<&[String]> {
        match channel {
            Channel::Call => self.call.as_deref(),
            Channel::Text => self.sms.as_deref(),
            Channel::Email => self.email.as_deref(),
        }
    }
}

/// Reads `[delivery]`.
pub(super) fn read(reader: &Reader<'_>) -> DeliveryOrder {
    let Some(table) = reader.section("delivery") else { return DeliveryOrder::default() };
    reader.only(table, &["call", "sms", "email"]);
    let mut known: Vec<&str> = Vec::new();
    if reader.main_root().is_some_and(|root| root.get("twilio").is_some()) {
        known.push("twilio");
    }
    known.extend(reader.section("providers").map(Table::entries).unwrap_or_default().into_iter().map(|e| e.key));
    let name = |text: &str| {
        if known.contains(&text) {
            return Ok(text.to_owned());
        }
        let fault = Fault::new(format!("there is no provider `{text}`"));
        Err(match nearest(text, known.iter().copied()) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None if known.is_empty() => fault.hint("add `[providers.NAME]`, or `[twilio]`"),
            None => fault.hint(format!("there is {}", listed(known.iter().copied()))),
        })
    };
    let order = |key: &str| -> Option<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        for value in reader.one_or_list(table.get(key)?) {
            let Some(name) = reader.parsed(value, name) else { continue };
            if names.contains(&name) {
                reader.warn(value.at, format!("`{name}` is named twice"), "each provider is tried once");
            } else {
                names.push(name);
            }
        }
        Some(names)
    };
    DeliveryOrder { call: order("call"), sms: order("sms"), email: order("email") }
}

/// Warns of what is never used, and of channels that nobody carries.
pub(super) fn warn(scope: &Scope<'_>, config: &Config) {
    let reader = scope.reader;
    let Some(root) = reader.main_root() else { return };
    let delivery = root.get("delivery").filter(|value| value.is_table()).and_then(|value| reader.table(value));
    let services: Vec<(&str, &Service)> = config.services().collect();
    let service = |name: &str| services.iter().find(|(known, _)| *known == name).map(|(_, service)| *service);
    let mut used: Vec<&str> = Vec::new();
    for (word, channel) in CHANNELS {
        let written = delivery.and_then(|table| table.get(word));
        let what = format!("{}s", channel.noun());
        let names: Vec<&str> = match config.delivery.providers(*channel) {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => services.iter().map(|(name, _)| *name).collect(),
        };
        let able: Vec<&str> =
            names.iter().copied().filter(|name| service(name).is_some_and(|it| it.carries(*channel))).collect();
        if let Some(written) = written {
            for name in names.iter().filter(|name| service(name).is_some() && !able.contains(name)) {
                let message = format!("`{name}` carries no {what}");
                reader.warn(place_of(reader, written, name).at, message, format!("leave it out of `{word}`"));
            }
        }
        // Where a secret is missing nothing is known.
        let all_known = config.providers.iter().all(|entry| entry.service.is_some());
        // Who never mails needs no mail server.
        let wanted = *channel != Channel::Email || written.is_some() || mails_are_wanted(config);
        if able.is_empty() && all_known && wanted && !services.is_empty() {
            let at = written
                .or_else(|| root.get("providers"))
                .or_else(|| root.get("twilio"))
                .map_or(root.at, |value| value.at);
            let message = format!("no provider carries {what}: nobody can be {}", channel.done());
            reader.warn(at, message, format!("name one in `[delivery] {word}`, or add one that can"));
        }
        if wanted {
            used.extend(able);
        }
    }
    for entry in reader.section("providers").map(Table::entries).unwrap_or_default() {
        if service(entry.key).is_some() && !used.contains(&entry.key) {
            let message = format!("the provider `{}` is never used", entry.key);
            reader.warn(entry.key_at, message, "name it in `[delivery]`, or leave it out");
        }
    }
}

/// Whether a policy mails anybody, or a group's mails are forwarded.
fn mails_are_wanted(config: &Config) -> bool {
    !config.forwards.is_empty()
        || config.policies.values().flat_map(|policy| &policy.steps).any(|step| step.by.contains(&Channel::Email))
}

fn place_of<'a>(reader: &Reader<'a>, written: Value<'a>, name: &str) -> Value<'a> {
    reader.one_or_list(written).into_iter().find(|value| value.as_text() == Some(name)).unwrap_or(written)
}
