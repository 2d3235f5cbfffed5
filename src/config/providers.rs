//! `[providers.NAME]` and `[delivery]`: who carries notifications, and in which order they are tried.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;

use super::reader::Reader;
use super::scalar::{self, Fault};
use super::value::Table;
use super::{Config, Scope, Twilio, gateway, secret, services, smtp, time};
use crate::alert::Channel;
use crate::provider::command::Settings as Command;
use crate::provider::exchange::TOTAL;
use crate::provider::http::{Gateway, Parts};
use crate::provider::presets;
use crate::provider::smtp::Settings as Smtp;

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
    /// A mail server.
    Smtp,
    /// The telephone network in a box.
    Sandbox,
}

/// What a provider is made of.
#[derive(Debug, Clone)]
pub enum Service {
    /// Twilio's API: Twilio, a service that speaks the same, or the sandbox.
    Twilio(Box<Twilio>),
    /// An SMS gateway over HTTP.
    Http(Arc<Gateway>),
    /// A program.
    Command(Command),
    /// A mail server.
    Smtp(Arc<Smtp>),
}

/// A `[providers.NAME]` entry.
#[derive(Debug)]
pub struct ProviderEntry {
    /// Unique; not `twilio` where there is a `[twilio]`.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
    /// What it is made of; `None` where a secret cannot be had and the file is only looked at.
    pub service: Option<Service>,
}

impl Config {
    /// All providers by name: `[twilio]` first, then as they stand.
    pub fn services(&self) -> impl Iterator<Item = (&str, &Service)> {
        let short = self.twilio.iter().map(|service| ("twilio", service));
        let named = self.providers.iter().filter_map(|entry| Some((entry.name.as_str(), entry.service.as_ref()?)));
        short.chain(named)
    }

    /// All accounts that speak Twilio's API.
    pub fn accounts(&self) -> impl Iterator<Item = &Twilio> {
        self.services().filter_map(|(_, service)| match service {
            Service::Twilio(account) => Some(account.as_ref()),
            Service::Http(_) | Service::Command(_) | Service::Smtp(_) => None,
        })
    }
}

impl Service {
    /// Whether it carries notifications of this channel.
    pub fn carries(&self, channel: Channel) -> bool {
        match (self, channel) {
            (Self::Twilio(account), Channel::Call) => account.from.is_some(),
            (Self::Twilio(_) | Self::Http(_), Channel::Text) | (Self::Smtp(_), Channel::Email) => true,
            (Self::Command(command), _) => command.carries.contains(&channel),
            (Self::Http(_), Channel::Call)
            | (Self::Twilio(_) | Self::Http(_), Channel::Email)
            | (Self::Smtp(_), Channel::Call | Channel::Text) => false,
        }
    }
}

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

/// What a command can carry.
const COMMAND_CHANNELS: &[(&str, Channel)] = &[("call", Channel::Call), ("sms", Channel::Text)];

/// Where the sandbox listens when nothing else is said, and its account.
const SANDBOX: &str = "http://127.0.0.1:8086";
const SANDBOX_SID: &str = "ACsandbox000000000000000000000000000";
const SANDBOX_TOKEN: &str = "sandbox";
const SANDBOX_FROM: &str = "+15005550006";

const MESSAGEMEDIA: &str = "https://api.messagemedia.com";
const CLICKATELL: &str = "https://platform.clickatell.com";
const SMSGLOBAL: &str = "https://api.smsglobal.com";

/// How long a command may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The claim on a notification lasts a minute.
const LONGEST_TIMEOUT: SignedDuration = SignedDuration::from_secs(20);

/// Reads `[providers]`.
pub(super) fn providers(scope: &Scope<'_>) -> Vec<ProviderEntry> {
    let reader = scope.reader;
    let short = reader.main_root().is_some_and(|root| root.get("twilio").is_some());
    let mut providers = Vec::new();
    for entry in reader.section("providers").map(Table::entries).unwrap_or_default() {
        let Some(table) = reader.table(entry.value) else { continue };
        if !scalar::is_name(entry.key) {
            reader.error(entry.key_at, format!("`{}` is not a name: letters, digits, `-`, `_` and `.`", entry.key));
            continue;
        }
        if short && entry.key == "twilio" {
            reader.error_hint(
                entry.key_at,
                "there is a provider `twilio` already",
                "`[twilio]` is one: name this otherwise",
            );
            continue;
        }
        let kind = reader.need(table, "kind", "\"http\"").and_then(|value| reader.choice(value, KINDS));
        let Some(kind) = kind else { continue };
        let service = match kind {
            ProviderKind::Twilio => {
                services::account(scope, table, &["kind"]).map(|account| Service::Twilio(Box::new(account)))
            }
            ProviderKind::Sandbox => sandbox(scope, table),
            ProviderKind::Http => gateway::read(reader, table),
            ProviderKind::MessageMedia => preset(reader, table, MESSAGEMEDIA, true, presets::messagemedia),
            ProviderKind::SmsGlobal => preset(reader, table, SMSGLOBAL, true, presets::smsglobal),
            ProviderKind::Clickatell => {
                preset(reader, table, CLICKATELL, false, |url, _, key, from| presets::clickatell(url, key, from))
            }
            ProviderKind::Command => command(reader, table),
            ProviderKind::Smtp => smtp::read(reader, table),
        };
        if let Some(Service::Http(gateway)) = &service
            && gateway.is_in_the_clear()
        {
            let message = format!("the texts and the login of `{}` travel in the clear", entry.key);
            reader.warn(entry.key_at, message, "use https, if the gateway can");
        }
        providers.push(ProviderEntry { name: entry.key.to_owned(), kind, service });
    }
    providers
}

fn sandbox(scope: &Scope<'_>, table: Table<'_>) -> Option<Service> {
    let reader = scope.reader;
    reader.only(table, &["kind", "account_sid", "auth_token", "from", "api_url", "calls_per_second"]);
    let text = |key: &str, otherwise: &str| match table.get(key) {
        Some(value) => reader.words(value).map(str::to_owned),
        None => Some(otherwise.to_owned()),
    };
    let auth_token = match table.get("auth_token") {
        Some(value) => secret::read(reader, value, "auth_token"),
        None => Some(SecretString::from(SANDBOX_TOKEN)),
    };
    let api_url = table.get("api_url").map_or(Some(SANDBOX.to_owned()), |value| reader.parsed(value, scalar::url));
    let from = match table.get("from") {
        Some(value) => reader.parsed(value, scalar::phone),
        None => SANDBOX_FROM.parse().ok(),
    };
    Some(Service::Twilio(Box::new(Twilio {
        account_sid: text("account_sid", SANDBOX_SID)?,
        auth_token: auth_token?,
        previous_auth_token: None,
        api_key: None,
        from: Some(from?),
        messaging_service: None,
        api_url: api_url?,
        machine_detection: false,
        calls_per_second: services::calls_per_second(reader, table, ""),
    })))
}

fn preset(
    reader: &Reader<'_>,
    table: Table<'_>,
    url: &str,
    pair: bool,
    parts: impl FnOnce(&str, &str, SecretString, &str) -> Parts,
) -> Option<Service> {
    let keys: &[&str] = if pair {
        &["kind", "api_key", "api_secret", "from", "api_url", "timeout"]
    } else {
        &["kind", "api_key", "from", "api_url", "timeout"]
    };
    reader.only(table, keys);
    let secret_key = if pair { "api_secret" } else { "api_key" };
    let secret = reader.need(table, secret_key, "{ file = \"…\" }");
    let secret = secret.and_then(|value| secret::read(reader, value, secret_key));
    let key = if pair {
        let key = reader.need(table, "api_key", "\"…\"").and_then(|value| secret::read_plain(reader, value, "api_key"));
        // It becomes part of a quoted header.
        key.filter(|key| {
            let fine = key.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | ':'));
            if !fine {
                reader.error(table.at, "`api_key` has a character that does not belong there");
            }
            fine
        })
    } else {
        Some(String::new())
    };
    let from = table.get("from").map_or(Some(""), |value| reader.words(value));
    let api_url = table.get("api_url").map_or(Some(url.to_owned()), |value| reader.parsed(value, scalar::url));
    let timeout = timeout(reader, table, TOTAL);
    let parts = Parts { timeout: timeout?, ..parts(&api_url?, &key?, secret?, from?) };
    match Gateway::of(parts) {
        Ok(gateway) => Some(Service::Http(Arc::new(gateway))),
        Err(fault) => {
            reader.error(table.at, fault.why);
            None
        }
    }
}

fn command(reader: &Reader<'_>, table: Table<'_>) -> Option<Service> {
    reader.only(table, &["kind", "argv", "carries", "timeout"]);
    let argument = |text: &str| match Command::check_argument(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(why) => Err(Fault::new(format!("this argument cannot be used: {why}")).hint(
            "known are `to`, `to_digits`, `channel`, `provider`; the text comes on standard input and as THIALFI_TEXT",
        )),
    };
    let argv = reader.need(table, "argv", "[\"gammu-smsd-inject\", \"TEXT\", \"{{ to }}\"]");
    let argv = argv.and_then(|value| {
        let values = reader.one_or_list(value);
        let wanted = values.len();
        let argv: Vec<String> = values.into_iter().filter_map(|value| reader.parsed(value, argument)).collect();
        if wanted == 0 || argv.first().is_some_and(|program| program.trim().is_empty()) {
            reader.error(value.at, "this names no program");
            return None;
        }
        (argv.len() == wanted).then_some(argv)
    });
    let carries = match table.get("carries") {
        Some(value) => {
            reader.one_or_list(value).into_iter().filter_map(|value| reader.choice(value, COMMAND_CHANNELS)).collect()
        }
        None => vec![Channel::Text],
    };
    let timeout = timeout(reader, table, TIMEOUT);
    Some(Service::Command(Command { argv: argv?, carries, timeout: timeout? }))
}

/// `timeout`: how long a provider may take for one notification.
pub(super) fn timeout(reader: &Reader<'_>, table: Table<'_>, otherwise: Duration) -> Option<Duration> {
    let Some(value) = table.get("timeout") else { return Some(otherwise) };
    let bound = |text| time::duration_within(text, SignedDuration::from_secs(1), LONGEST_TIMEOUT);
    Duration::try_from(reader.parsed(value, bound)?).ok()
}

/// Whether a host is Twilio's own: then its limit of calls a second is known.
pub(super) fn is_twilios(api_url: &str) -> bool {
    let host = api_url.split("://").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    host == "twilio.com" || host.ends_with(".twilio.com")
}
