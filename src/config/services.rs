//! `[twilio]`, `[server]`, `[store]` and `[voice]`: what the program talks to, and where it keeps things.

use std::path::PathBuf;

use jiff::SignedDuration;

use super::Scope;
use super::reader::Reader;
use super::scalar::{self, Fault};
use super::value::{Table, Value};
use super::{Links, Proxy, Server, Service, Twilio, Voice, beside, providers, proxy, secret, time};
use crate::store::retention;

const TWILIO_KEYS: &[&str] = &[
    "account_sid",
    "auth_token",
    "previous_auth_token",
    "api_key",
    "api_secret",
    "from",
    "messaging_service",
    "api_url",
    "machine_detection",
    "calls_per_second",
];
const API_URL: &str = "https://api.twilio.com";
const LISTEN: &str = "127.0.0.1:8085";
const STORE: &str = "/var/lib/thialfi/thialfi.db";
/// What is over is kept for a year and a month, so that a month can be laid beside the same one a year ago.
const KEEP: SignedDuration = SignedDuration::from_hours(400 * 24);
const LONGEST_KEEP: SignedDuration = SignedDuration::from_hours(100 * 366 * 24);
/// Twilio's own default.
const LANGUAGE: &str = "en-US";

/// What Twilio lets an account do that has not asked for more.
const CALLS_PER_SECOND: u32 = 1;

/// Reads `[twilio]`.
pub(super) fn twilio(scope: &Scope<'_>) -> Option<Service> {
    let reader = scope.reader;
    let root = reader.main_root()?;
    let Some(table) = root.get("twilio").and_then(|value| reader.table(value)) else {
        if root.get("twilio").is_none() && root.get("providers").is_none() {
            let hint = "add `[twilio]` with `account_sid`, `auth_token` and `from`";
            reader.warn(root.at, "there is no `[twilio]`: nobody can be called or texted", hint);
        }
        return None;
    };
    account(scope, table, &[]).map(|account| Service::Twilio(Box::new(account)))
}

/// Reads an account that speaks Twilio's API; `besides`: keys that its table may have, too.
pub(super) fn account(scope: &Scope<'_>, table: Table<'_>, besides: &[&str]) -> Option<Twilio> {
    let reader = scope.reader;
    let known: Vec<&str> = TWILIO_KEYS.iter().chain(besides).copied().collect();
    reader.only(table, &known);
    let sid = reader.need(table, "account_sid", "{ env = \"TWILIO_ACCOUNT_SID\" }");
    let account_sid = sid.and_then(|value| {
        let sid = secret::read_plain(reader, value, "account_sid")?;
        // It becomes part of a path.
        if sid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return Some(sid);
        }
        reader.error_hint(value.at, "`account_sid` is not an account's id", "it is `AC` and 32 hexadecimal digits");
        None
    });
    let auth_token = reader
        .need(table, "auth_token", "{ env = \"TWILIO_AUTH_TOKEN\" }")
        .and_then(|value| secret::read(reader, value, "auth_token"));
    let previous = table.get("previous_auth_token").map(|value| secret::read(reader, value, "previous_auth_token"));
    let api_key = api_key(scope, table);
    let from = table.get("from").map(|value| reader.parsed(value, scalar::phone));
    let service = table.get("messaging_service").map(|value| reader.parsed(value, messaging_service));
    let api_url = table.get("api_url").map_or(Some(API_URL.to_owned()), |value| reader.parsed(value, scalar::url));
    let machine_detection = table.get("machine_detection").map_or(Some(false), |value| reader.truth(value));
    match (from.is_some(), service.is_some()) {
        (true, _) => {}
        (false, true) => {
            reader.warn(table.at, "there is no `from`: people can be texted, but not called", "add `from = \"+…\"`");
        }
        (false, false) => {
            let hint = "add `from = \"+…\"`, a number of yours at Twilio";
            reader.error_hint(table.at, "`from` is missing: calls and texts must come from a number", hint);
            return None;
        }
    }
    let calls_per_second = calls_per_second(reader, table, api_url.as_deref().unwrap_or_default());
    Some(Twilio {
        account_sid: account_sid?,
        auth_token: auth_token?,
        previous_auth_token: all_or_nothing(previous)?,
        api_key: api_key?,
        from: all_or_nothing(from)?,
        messaging_service: all_or_nothing(service)?,
        api_url: api_url?,
        machine_detection: machine_detection?,
        calls_per_second,
    })
}

/// `calls_per_second`; left out: Twilio's own limit at Twilio, none at a service that only speaks its API.
pub(super) fn calls_per_second(reader: &Reader<'_>, table: Table<'_>, api_url: &str) -> Option<u32> {
    let usual = providers::is_twilios(api_url).then_some(CALLS_PER_SECOND);
    table.get("calls_per_second").map_or(usual, |value| reader.number(value, &(1..=1000)).or(usual))
}

/// A key that may be left out, but not be wrong.
#[allow(clippy::option_option)]
fn all_or_nothing<T>(key: Option<Option<T>>) -> Option<Option<T>> {
    match key {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}

/// `api_key` and `api_secret`: both or neither.
#[allow(clippy::option_option)]
fn api_key(scope: &Scope<'_>, table: Table<'_>) -> Option<Option<(String, secrecy::SecretString)>> {
    let reader = scope.reader;
    match (table.get("api_key"), table.get("api_secret")) {
        (None, None) => Some(None),
        (Some(key), Some(secret)) => {
            let key = secret::read_plain(reader, key, "api_key");
            let secret = secret::read(reader, secret, "api_secret");
            Some(Some((key?, secret?)))
        }
        (Some(key), None) => {
            reader.error_hint(key.at, "`api_key` stands without `api_secret`", "add `api_secret`");
            None
        }
        (None, Some(secret)) => {
            reader.error_hint(secret.at, "`api_secret` stands without `api_key`", "add `api_key = \"SK…\"`");
            None
        }
    }
}

fn messaging_service(text: &str) -> Result<String, Fault> {
    let digits =
        text.strip_prefix("MG").filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric()));
    match digits {
        Some(_) => Ok(text.to_owned()),
        None => {
            Err(Fault::new(format!("`{text}` is not a messaging service")).hint("it is `MG` and 32 hexadecimal digits"))
        }
    }
}

/// Reads `[server]`.
pub(super) fn server(reader: &Reader<'_>) -> Server {
    let mut server = Server { listen: LISTEN.to_owned(), public_url: None, link: Links::No, proxy: Proxy::default() };
    let Some(table) = reader.section("server") else { return server };
    reader.only(table, &["listen", "public_url", "link", "proxy"]);
    if let Some(listen) = table.get("listen").and_then(|value| reader.parsed(value, scalar::listen)) {
        server.listen = listen;
    }
    if let Some(value) = table.get("public_url") {
        server.public_url = reader.parsed(value, scalar::url);
        if server.public_url.as_deref().is_some_and(|url| !url.to_ascii_lowercase().starts_with("https://")) {
            let message = "`public_url` is not https: alerts and keys travel in the clear";
            reader.warn(value.at, message, "put a proxy with a certificate before the server");
        }
    }
    if let Some(value) = table.get("proxy") {
        server.proxy = proxy::read(reader, value);
    }
    if let Some(value) = table.get("link") {
        server.link = links(reader, value).unwrap_or(Links::No);
        if server.link != Links::No && table.get("public_url").is_none() {
            let message = "there is no `public_url` that a link could begin with: texts have none";
            reader.warn(
                value.at,
                message,
                "say under `[server]` how people reach the server: `public_url = \"https://…\"`",
            );
        }
    }
    server
}

/// `true`, `false`, or `"token"`.
fn links(reader: &Reader<'_>, value: Value<'_>) -> Option<Links> {
    if value.as_text().is_some() {
        return reader.choice(value, &[("token", Links::Token)]);
    }
    reader.truth(value).map(|wanted| if wanted { Links::Page } else { Links::No })
}

/// `[store]`.
pub(super) struct Store {
    /// The file.
    pub path: PathBuf,
    /// How long what is over is kept; `None`: for ever.
    pub keep: Option<SignedDuration>,
    /// Whether the text of mails is kept with their alerts.
    pub keep_text: bool,
}

/// Reads `[store]`; a relative path is beside the rule file.
pub(super) fn store(reader: &Reader<'_>) -> Store {
    let mut store = Store { path: PathBuf::from(STORE), keep: Some(KEEP), keep_text: true };
    let Some(table) = reader.section("store") else { return store };
    reader.only(table, &["path", "keep", "keep_text"]);
    let path = table.get("path").and_then(|value| Some(beside(reader, value.at, reader.words(value)?.as_ref())));
    let kept = table.get("keep").and_then(|value| reader.parsed(value, keep));
    let keep_text = table.get("keep_text").and_then(|value| reader.truth(value));
    store.path = path.unwrap_or(store.path);
    store.keep = kept.unwrap_or(store.keep);
    store.keep_text = keep_text.unwrap_or(store.keep_text);
    store
}

/// A time, or `forever`.
fn keep(text: &str) -> Result<Option<SignedDuration>, Fault> {
    if text.trim() == "forever" {
        return Ok(None);
    }
    let time = time::duration_within(text, retention::SHORTEST, LONGEST_KEEP);
    time.map(Some).map_err(|fault| fault.hint("write for example `400 days`, or `forever`"))
}

/// How long something is kept, as somebody types it at the command line.
///
/// # Errors
/// When it is no duration, or not within the bounds of `keep`; with what is wrong.
pub fn keep_time(text: &str) -> Result<SignedDuration, String> {
    time::duration_within(text, retention::SHORTEST, LONGEST_KEEP).map_err(|fault| fault.message)
}

/// Reads `[voice]`.
pub(super) fn voice(reader: &Reader<'_>) -> Voice {
    let mut voice = Voice { language: LANGUAGE.to_owned(), voice: None };
    let Some(table) = reader.section("voice") else { return voice };
    reader.only(table, &["language", "voice"]);
    if let Some(language) = table.get("language").and_then(|value| reader.parsed(value, scalar::language)) {
        voice.language = language;
    }
    voice.voice = table.get("voice").and_then(|value| reader.parsed(value, scalar::voice));
    voice
}
