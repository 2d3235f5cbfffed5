//! What the rule file may say already but nothing acts upon yet: `forward`, `[[heartbeats]]`, `[providers.NAME]` and
//! `[delivery]`. It is parsed, checked and kept; `check` warns that it has no effect.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use secrecy::SecretString;

use super::reader::Reader;
use super::scalar::Fault;
use super::suggest::{listed, nearest};
use super::value::Table;
use super::{Scope, conditions, mask, secret, time};
use crate::alert::Channel;
use crate::oncall::GroupId;
use crate::rules::Condition;

/// Where a group's mails go by e-mail, too. Not acted upon yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forward {
    /// `"oncall"`: to who is on call.
    OnCall,
    /// `"members"`: to everybody in the group.
    Members,
    /// To these addresses.
    Addresses(Vec<String>),
}

/// A `[[heartbeats]]` entry: a mail that must come. Not acted upon yet.
#[derive(Debug)]
pub struct Heartbeat {
    /// Unique among heartbeats.
    pub name: String,
    /// Which mail it is; all must hold.
    pub when: Vec<Condition>,
    /// How often it must come.
    pub every: SignedDuration,
    /// How late it may be; nothing when left out.
    pub grace: SignedDuration,
    /// Who is told when it does not come; `None`: `[defaults] group`.
    pub group: Option<GroupId>,
}

/// What kind of service a provider is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// Twilio's API.
    Twilio,
    /// An SMS gateway over HTTP.
    Http,
    /// MessageMedia.
    MessageMedia,
    /// Clickatell.
    Clickatell,
    /// SMSGlobal.
    SmsGlobal,
    /// A command.
    Command,
    /// Mail.
    Smtp,
    /// The telephone network in a box.
    Sandbox,
}

/// A `[providers.NAME]` entry. Not acted upon yet.
#[derive(Debug)]
pub struct ProviderEntry {
    /// What it is.
    pub kind: ProviderKind,
    /// Its other keys, in text form; a list has several values. They count as secrets, since some of them are.
    pub settings: BTreeMap<String, Vec<SecretString>>,
}

/// `[delivery]`: the providers in the order in which they are tried. Not acted upon yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryOrder {
    /// For calls; empty when left out.
    pub call: Vec<String>,
    /// For texts; empty when left out.
    pub sms: Vec<String>,
}

impl DeliveryOrder {
    /// The providers for a channel.
    pub fn providers(&self, channel: Channel) -> &[String] {
        match channel {
            Channel::Call => &self.call,
            Channel::Text => &self.sms,
        }
    }
}

const HEARTBEAT_KEYS: &[&str] = &["name", "when", "every", "grace", "group"];

const KINDS: &[(&str, ProviderKind)] = &[
    ("twilio", ProviderKind::Twilio),
    ("http", ProviderKind::Http),
    ("messagemedia", ProviderKind::MessageMedia),
    ("clickatell", ProviderKind::Clickatell),
    ("smsglobal", ProviderKind::SmsGlobal),
    ("command", ProviderKind::Command),
    ("smtp", ProviderKind::Smtp),
    ("sandbox", ProviderKind::Sandbox),
];

/// Reads `[[heartbeats]]` of all files.
pub(super) fn heartbeats(scope: &Scope<'_>) -> Vec<Heartbeat> {
    let mut heartbeats: Vec<Heartbeat> = Vec::new();
    for table in scope.reader.tables("heartbeats") {
        if let Some(heartbeat) = heartbeat(scope, table) {
            if heartbeats.iter().any(|earlier| earlier.name == heartbeat.name) {
                scope.reader.error(table.at, format!("there are two heartbeats `{}`", heartbeat.name));
            }
            heartbeats.push(heartbeat);
        }
    }
    heartbeats
}

fn heartbeat(scope: &Scope<'_>, table: Table<'_>) -> Option<Heartbeat> {
    let reader = scope.reader;
    reader.only(table, HEARTBEAT_KEYS);
    reader.warn(table.at, "heartbeats have no effect yet", "this version does not watch for mails that do not come");
    let span = |text| time::duration_within(text, SignedDuration::from_mins(1), SignedDuration::from_hours(366 * 24));
    let name = reader.need(table, "name", "\"backup\"").and_then(|value| reader.words(value));
    let when = reader.need(table, "when", "[ { subject = 'backup finished' } ]");
    let mut found = conditions::Found::default();
    let when = when.and_then(|value| conditions::read(scope, value, &mut found));
    if found.count.is_some() {
        reader.error_hint(
            table.at,
            "a heartbeat cannot count",
            "leave out `count`: `every` says how often it must come",
        );
    }
    let every = reader.need(table, "every", "\"1 day\"").and_then(|value| reader.parsed(value, span));
    let grace = table.get("grace").map_or(Some(SignedDuration::ZERO), |value| reader.parsed(value, time::duration));
    let group = table.get("group").and_then(|value| reader.parsed(value, |text| scope.names.groups.find(text)));
    Some(Heartbeat {
        name: name?.to_owned(),
        when: when?,
        every: every?,
        grace: grace?,
        group: group.map(GroupId::new),
    })
}

/// Reads `[providers]`.
pub(super) fn providers(reader: &Reader<'_>) -> BTreeMap<String, ProviderEntry> {
    let mut providers = BTreeMap::new();
    let entries = reader.section("providers").map(Table::entries).unwrap_or_default();
    for entry in entries {
        let Some(table) = reader.table(entry.value) else { continue };
        reader.warn(entry.key_at, "`[providers]` has no effect yet", "this version notifies through `[twilio]` alone");
        let kind = reader.need(table, "kind", "\"http\"").and_then(|value| reader.choice(value, KINDS));
        let mut settings = BTreeMap::new();
        for setting in table.entries().into_iter().filter(|setting| setting.key != "kind") {
            let values = reader.one_or_list(setting.value);
            let read = values.into_iter().filter_map(|value| match value.scalar() {
                Some(text) => {
                    if mask::sounds_secret(setting.key) {
                        secret::warn_of_readers(reader, value.at, setting.key);
                    }
                    Some(SecretString::from(text))
                }
                None => secret::read(reader, value, setting.key),
            });
            settings.insert(setting.key.to_owned(), read.collect());
        }
        if let Some(kind) = kind {
            providers.insert(entry.key.to_owned(), ProviderEntry { kind, settings });
        }
    }
    providers
}

/// Reads `[delivery]`.
pub(super) fn delivery(reader: &Reader<'_>) -> DeliveryOrder {
    let Some(table) = reader.section("delivery") else { return DeliveryOrder::default() };
    reader.only(table, &["call", "sms"]);
    reader.warn(table.at, "`[delivery]` has no effect yet", "this version notifies through `[twilio]` alone");
    let mut known: Vec<&str> = Vec::new();
    if reader.main_root().is_some_and(|root| root.get("twilio").is_some()) {
        known.push("twilio");
    }
    known.extend(reader.section("providers").map(Table::entries).unwrap_or_default().into_iter().map(|e| e.key));
    let order = |key: &str| -> Vec<String> {
        let values = table.get(key).map(|value| reader.one_or_list(value)).unwrap_or_default();
        let name = |text: &str| {
            if known.contains(&text) {
                return Ok(text.to_owned());
            }
            let fault = Fault::new(format!("there is no provider `{text}`"));
            Err(match nearest(text, known.iter().copied()) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint(format!("there is {}", listed(known.iter().copied()))),
            })
        };
        values.into_iter().filter_map(|value| reader.parsed(value, name)).collect()
    };
    DeliveryOrder { call: order("call"), sms: order("sms") }
}
