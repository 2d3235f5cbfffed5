//! `[server] proxy`: what is believed of a reverse proxy, and at which addresses it is.

use std::net::IpAddr;

use super::Role;
use super::reader::Reader;
use super::scalar::Fault;
use super::value::Value;

/// `[server] proxy`; nothing is believed when it is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxy {
    /// Where it connects from.
    pub addresses: Vec<IpAddr>,
    /// Whoever connects to our Unix socket is the proxy.
    pub unix: bool,
    /// The header field in which it says who is signed in; in lower case.
    pub user_header: Option<String>,
    /// What somebody may do whom it names and who is not in `[users]`; `None`: nothing.
    pub role: Option<Role>,
}

impl Proxy {
    /// Whether a connection is the proxy's. `None`: it came by the Unix socket.
    pub fn is_from(&self, remote: Option<IpAddr>) -> bool {
        remote.map_or(self.unix, |address| self.addresses.contains(&address.to_canonical()))
    }
}

/// Fields that mean something else: a proxy passes these on from whoever asks.
const TAKEN: &[&str] = &[
    "accept",
    "accept-language",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "if-none-match",
    "origin",
    "referer",
    "sec-fetch-site",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-csrf-token",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-gate-remote",
    "x-twilio-signature",
];

/// Reads it.
pub(super) fn read(reader: &Reader<'_>, value: Value<'_>) -> Proxy {
    let mut proxy = Proxy::default();
    let Some(table) = reader.table(value) else { return proxy };
    reader.only(table, &["addresses", "user_header", "role"]);
    let addresses = reader.need(table, "addresses", "[\"127.0.0.1\", \"::1\"]");
    for item in addresses.map(|value| reader.one_or_list(value)).unwrap_or_default() {
        match reader.parsed(item, address) {
            Some(Some(address)) => proxy.addresses.push(address),
            Some(None) => proxy.unix = true,
            None => {}
        }
    }
    proxy.user_header = table.get("user_header").and_then(|value| reader.parsed(value, header));
    if let Some(value) = table.get("role") {
        proxy.role = Role::read(reader, value);
        if table.get("user_header").is_none() {
            let hint = "add `user_header = \"Remote-User\"`, or leave `role` out";
            reader.error_hint(value.at, "`role` is for people whom the proxy names, but it has no `user_header`", hint);
        }
    }
    proxy
}

/// An address, or `unix`.
fn address(text: &str) -> Result<Option<IpAddr>, Fault> {
    if text == "unix" {
        return Ok(None);
    }
    text.parse::<IpAddr>().map(|address| Some(address.to_canonical())).map_err(|_| {
        Fault::new(format!("`{text}` is no address")).hint("write for example `127.0.0.1`, `::1`, or `unix`")
    })
}

/// The name of a header field (RFC 9110, 5.1).
fn header(text: &str) -> Result<String, Fault> {
    let is_token =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    let name = text.to_ascii_lowercase();
    match (is_token, TAKEN.contains(&name.as_str())) {
        (true, false) => Ok(name),
        (false, _) => {
            Err(Fault::new(format!("`{text}` is not the name of a header field"))
                .hint("write for example `Remote-User`"))
        }
        (true, true) => {
            let hint = "name the field that the proxy sets itself, and always: for example `Remote-User`";
            Err(Fault::new(format!("`{text}` means something else, and whoever asks may send it")).hint(hint))
        }
    }
}
