//! `[providers.NAME]` of the kind `smtp`: a mail server that takes mails from us.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::reader::Reader;
use super::scalar::{self, Fault};
use super::value::{Table, Value};
use super::{Service, beside, secret, time};
use crate::notify::letter::Sender;
use crate::oncall::MailAddress;
use crate::provider::smtp::{Security, Settings};

const KEYS: &[&str] =
    &["kind", "host", "port", "tls", "user", "password", "from", "name", "hello", "certificate", "timeout"];

const TLS: &[(&str, Security)] =
    &[("starttls", Security::StartTls), ("implicit", Security::Implicit), ("none", Security::None)];

/// How long a mail may take when nothing is said.
const TIMEOUT: SignedDuration = SignedDuration::from_secs(20);
/// The claim on a notification lasts a minute, and another provider may have been tried for 20 s before.
const LONGEST_TIMEOUT: SignedDuration = SignedDuration::from_secs(35);

/// The name that our mails are from when nothing is said.
const NAME: &str = "thialfi";

/// A file of certificates is at most so long.
const CERTIFICATES: u64 = 1024 * 1024;

/// Reads it.
pub(super) fn read(reader: &Reader<'_>, table: Table<'_>) -> Option<Service> {
    reader.only(table, KEYS);
    let host = table.get("host").map_or(Some("localhost".to_owned()), |value| reader.parsed(value, host));
    let from = reader.need(table, "from", "\"thialfi@example.com\"");
    let address: Option<MailAddress> = from.and_then(|value| reader.parsed(value, scalar::mail_address));
    let name = table.get("name").map_or(Some(NAME.to_owned()), |value| reader.text(value).map(str::to_owned));
    let hello = table.get("hello").map(|value| reader.parsed(value, self::host));
    let login = login(reader, table);
    let certificate = table.get("certificate").map(|value| certificate(reader, value));
    let bound = |text| time::duration_within(text, SignedDuration::from_secs(1), LONGEST_TIMEOUT);
    let timeout = table.get("timeout").map_or(Some(TIMEOUT), |value| reader.parsed(value, bound));
    let host = host?;
    let here = Settings::is_here(&host);
    let usual = if here { Security::None } else { Security::StartTls };
    let security = table.get("tls").map_or(Some(usual), |value| reader.choice(value, TLS))?;
    let usual_port = match security {
        Security::Implicit => 465,
        Security::StartTls => 587,
        Security::None => 25,
    };
    let port = table.get("port").map_or(Some(usual_port), |value| reader.number(value, &(1..=65535)))?;
    let login = login?;
    if security == Security::None && !here {
        let at = table.get("tls").map_or(table.at, |value| value.at);
        if login.is_some() {
            let message = format!("the password for `{host}` travels in the clear");
            reader.danger(at, message, "write `tls = \"starttls\"` or `tls = \"implicit\"`");
        } else {
            let message = format!("the mails to `{host}` travel in the clear");
            reader.warn(at, message, "write `tls = \"starttls\"`, if it can");
        }
    }
    Some(Service::Smtp(Arc::new(Settings {
        host,
        port: u16::try_from(port).ok()?,
        security,
        login,
        sender: Sender { name: name?, address: address? },
        hello: all_or_nothing(hello)?,
        authority: all_or_nothing(certificate)?,
        timeout: Duration::try_from(timeout?).ok()?,
    })))
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

/// `user` and `password`: both or neither.
#[allow(clippy::option_option)]
fn login(reader: &Reader<'_>, table: Table<'_>) -> Option<Option<(String, secrecy::SecretString)>> {
    match (table.get("user"), table.get("password")) {
        (None, None) => Some(None),
        (Some(user), Some(password)) => {
            let user = secret::read_plain(reader, user, "user");
            let password = secret::read(reader, password, "password");
            Some(Some((user?, password?)))
        }
        (Some(value), None) | (None, Some(value)) => {
            reader.error(value.at, "`user` and `password` stand together or not at all");
            None
        }
    }
}

/// A host: a name, or an address without a port.
fn host(text: &str) -> Result<String, Fault> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_name = !text.is_empty() && text.chars().all(fine) && !text.starts_with(['-', '.']);
    if is_name || text.parse::<std::net::IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let hint = "write for example `mail.example.com`; `port` and `tls` are keys of their own";
    Err(Fault::new(format!("`{text}` is not a host")).hint(hint))
}

/// The certificates of a file. One that cannot be read must not stop a call at night; without it, the mail server is
/// not believed.
fn certificate(reader: &Reader<'_>, value: Value<'_>) -> Option<Vec<u8>> {
    let path = beside(reader, value.at, reader.words(value)?.as_ref());
    let read = || {
        let file = std::fs::File::open(&path).map_err(|error| super::source::reason(&error))?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(file, CERTIFICATES), &mut bytes)
            .map_err(|error| super::source::reason(&error))?;
        Settings::check_authority(&bytes).map(|()| bytes)
    };
    match read() {
        Ok(bytes) => Some(bytes),
        Err(why) => {
            let message = format!("the certificates in `{}` cannot be used: {why}", path.display());
            reader.danger(value.at, message, "it must be PEM: `-----BEGIN CERTIFICATE-----`");
            Some(Vec::new())
        }
    }
}
