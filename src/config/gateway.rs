//! `[providers.NAME]` of the kind `http`: a gateway that the rule file describes.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;
use secrecy::SecretString;

use super::providers::{Service, timeout};
use super::reader::Reader;
use super::scalar::Fault;
use super::value::Table;
use super::{mask, secret};
use crate::provider::exchange::TOTAL;
use crate::provider::http::{Finder, Gateway, Login, Parts, Polling};

const KEYS: &[&str] = &[
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

/// Reads one.
pub(super) fn read(reader: &Reader<'_>, table: Table<'_>) -> Option<Service> {
    reader.only(table, KEYS);
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
