//! `[providers.NAME]` and `[delivery]`: who carries notifications, and in which order they are tried.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use regex::Regex;
use secrecy::SecretString;

use super::reader::Reader;
use super::scalar::{self, Fault};
use super::suggest::{listed, nearest};
use super::value::{Table, Value};
use super::{Config, Scope, Twilio, mask, secret, services, smtp, time};
use crate::alert::Channel;
use crate::provider::command::Settings as Command;
use crate::provider::exchange::TOTAL;
use crate::provider::http::{Finder, Gateway, Login, Parts, Polling};
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

const HTTP_KEYS: &[&str] = &[
    "kind",
    "method",
    "url",
    "headers",
    "body",
    "user",
    "password",
    "secrets",
    "from",
    "success",
    "id",
    "reason",
    "permanent",
    "credentials",
    "status_url",
    "status",
    "delivered",
    "sent",
    "failed",
    "timeout",
];

const METHODS: &[(&str, &str)] = &[("GET", "GET"), ("POST", "POST"), ("PUT", "PUT")];

const CHANNELS: &[(&str, Channel)] = &[("call", Channel::Call), ("sms", Channel::Text), ("email", Channel::Email)];

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
            ProviderKind::Http => http(reader, table),
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

fn http(reader: &Reader<'_>, table: Table<'_>) -> Option<Service> {
    reader.only(table, HTTP_KEYS);
    let text = |key: &str| table.get(key).map_or(Some(String::new()), |value| reader.text(value).map(str::to_owned));
    let method = table.get("method").map_or(Some("POST"), |value| reader.choice(value, METHODS));
    let url = reader.need(table, "url", "\"https://gateway.example.com/send\"").and_then(|value| reader.words(value));
    let secrets = secrets(reader, table);
    let headers = headers(reader, table);
    let login = login(reader, table);
    let finder = |key: &str| optional(table.get(key).map(|value| reader.parsed(value, finder)));
    let pattern = |key: &str| optional(table.get(key).map(|value| reader.parsed(value, pattern)));
    let (success, id, reason) = (finder("success"), finder("id"), finder("reason"));
    let (permanent, credentials) = (pattern("permanent"), pattern("credentials"));
    let polling = polling(reader, table);
    let (body, from) = (text("body"), text("from"));
    let timeout = timeout(reader, table, TOTAL);
    let parts = Parts {
        method: method?.parse().ok()?,
        url: url?.to_owned(),
        headers: headers?,
        body: body?,
        login: login?,
        secrets: secrets?,
        from: from?,
        success: success?,
        id: id?,
        reason: reason?,
        permanent: permanent?,
        credentials: credentials?,
        polling: polling?,
        timeout: timeout?,
    };
    match Gateway::of(parts) {
        Ok(gateway) => Some(Service::Http(Arc::new(gateway))),
        Err(fault) => {
            let hint = "known are `to`, `to_digits`, `text`, `from`, `secrets.NAME` (and `id` in `status_url`); filters \
                        `urlencode` and `json`";
            reader.error_hint(table.get(fault.part).map_or(table.at, |value| value.at), fault.why, hint);
            None
        }
    }
}

/// A key that may be left out, but not be wrong.
#[allow(clippy::option_option)]
fn optional<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}

/// A table of secrets, by name.
fn secrets(reader: &Reader<'_>, table: Table<'_>) -> Option<BTreeMap<String, SecretString>> {
    let Some(value) = table.get("secrets") else { return Some(BTreeMap::new()) };
    let mut secrets = BTreeMap::new();
    let entries = reader.table(value)?.entries();
    let wanted = entries.len();
    for entry in entries {
        if let Some(secret) = secret::read(reader, entry.value, entry.key) {
            secrets.insert(entry.key.to_owned(), secret);
        }
    }
    (secrets.len() == wanted).then_some(secrets)
}

/// Header fields: templates, or secrets.
fn headers(reader: &Reader<'_>, table: Table<'_>) -> Option<Vec<(String, SecretString)>> {
    let Some(value) = table.get("headers") else { return Some(Vec::new()) };
    let mut headers = Vec::new();
    let entries = reader.table(value)?.entries();
    let wanted = entries.len();
    for entry in entries {
        let name = entry.key.to_ascii_lowercase();
        let secret = mask::sounds_secret(&name) || ["auth", "key"].iter().any(|part| name.contains(part));
        let is_template = entry.value.as_text().is_some_and(|text| text.contains("{{"));
        let read = if secret && !is_template {
            secret::read(reader, entry.value, entry.key)
        } else {
            secret::read_plain(reader, entry.value, entry.key).map(SecretString::from)
        };
        headers.extend(read.map(|value| (entry.key.to_owned(), value)));
    }
    (headers.len() == wanted).then_some(headers)
}

/// `user` and `password`: both or neither.
#[allow(clippy::option_option)]
fn login(reader: &Reader<'_>, table: Table<'_>) -> Option<Option<Login>> {
    match (table.get("user"), table.get("password")) {
        (None, None) => Some(None),
        (Some(user), Some(password)) => {
            let (user, password) =
                (secret::read_plain(reader, user, "user"), secret::read(reader, password, "password"));
            Some(Some(Login::Basic { user: user?, password: password? }))
        }
        (Some(value), None) | (None, Some(value)) => {
            reader.error(value.at, "`user` and `password` stand together or not at all");
            None
        }
    }
}

/// `status_url`, `status`, `delivered`, `sent`, `failed`.
#[allow(clippy::option_option, clippy::type_complexity)]
fn polling(reader: &Reader<'_>, table: Table<'_>) -> Option<Option<(String, Polling)>> {
    let words = |key: &str| -> Vec<String> {
        let values = table.get(key).map(|value| reader.one_or_list(value)).unwrap_or_default();
        values.into_iter().filter_map(|value| reader.words(value)).map(str::to_lowercase).collect()
    };
    let Some(url) = table.get("status_url") else {
        for key in ["status", "delivered", "sent", "failed"] {
            if let Some(value) = table.get(key) {
                reader.error_hint(value.at, format!("`{key}` stands without `status_url`"), "add `status_url`");
            }
        }
        return Some(None);
    };
    let finder = reader.need(table, "status", "\"/status\"").and_then(|value| reader.parsed(value, finder));
    let polling =
        Polling { finder: finder?, delivered: words("delivered"), sent: words("sent"), failed: words("failed") };
    if polling.delivered.is_empty() && polling.failed.is_empty() {
        let hint = "add `delivered = [\"…\"]` and `failed = [\"…\"]`, the gateway's words";
        reader.error_hint(url.at, "`status_url` stands without words to look for", hint);
        return None;
    }
    Some(Some((reader.words(url)?.to_owned(), polling)))
}

/// `/a/0/b` is a JSON pointer, everything else a regex.
fn finder(text: &str) -> Result<Finder, Fault> {
    if text.starts_with('/') { Ok(Finder::Pointer(text.to_owned())) } else { pattern(text).map(Finder::Pattern) }
}

fn pattern(text: &str) -> Result<Regex, Fault> {
    let built = regex::RegexBuilder::new(text).case_insensitive(true).multi_line(true).size_limit(1 << 20).build();
    built.map_err(|error| {
        let why = error.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Fault::new(format!("this is not a regular expression: {why}"))
    })
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
fn timeout(reader: &Reader<'_>, table: Table<'_>, otherwise: Duration) -> Option<Duration> {
    let Some(value) = table.get("timeout") else { return Some(otherwise) };
    let bound = |text| time::duration_within(text, SignedDuration::from_secs(1), LONGEST_TIMEOUT);
    Duration::try_from(reader.parsed(value, bound)?).ok()
}

/// Reads `[delivery]`.
pub(super) fn delivery(reader: &Reader<'_>) -> DeliveryOrder {
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

/// Whether a host is Twilio's own: then its limit of calls a second is known.
pub(super) fn is_twilios(api_url: &str) -> bool {
    let host = api_url.split("://").nth(1).unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    host == "twilio.com" || host.ends_with(".twilio.com")
}
