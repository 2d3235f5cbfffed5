//! `[users]` and `[tokens]`: who may see the web pages, and what they may do there. Nothing here can stop a call: a password
//! that cannot be had keeps one person out, and is an error to `check` alone.

use std::collections::BTreeMap;

use super::Scope;
use super::names::Section;
use super::password::{NoHash, PasswordHash};
use super::reader::Reader;
use super::scalar::Fault;
use super::secret;
use super::value::{Table, Value};
use super::{Config, Server};
use crate::oncall::ContactId;

/// What somebody may do on the web pages; who may do more may do what others may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// See what there is.
    View,
    /// Acknowledge, pass on and resolve alerts, and change who is on call.
    Act,
    /// See the rules in full, too.
    Admin,
}

const ROLES: [(&str, Role); 3] = [("view", Role::View), ("act", Role::Act), ("admin", Role::Admin)];

impl Role {
    /// The word of the rule file: `view`, `act` or `admin`.
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Act => "act",
            Self::Admin => "admin",
        }
    }

    /// Reads a role.
    pub(super) fn read(reader: &Reader<'_>, value: Value<'_>) -> Option<Self> {
        reader.choice(value, &ROLES)
    }
}

/// An entry of `[users]`.
#[derive(Debug, Clone)]
pub struct User {
    /// The key of the entry.
    pub name: String,
    /// `None`: signs in by the proxy alone.
    pub password: Option<PasswordHash>,
    /// `act` when left out.
    pub role: Role,
    /// Who it is among the contacts: `contact`, or the contact of the same name.
    pub contact: Option<ContactId>,
}

/// An entry of `[tokens]`: a program that reads the pages.
#[derive(Debug, Clone)]
pub struct ApiToken {
    /// The key of the entry.
    pub name: String,
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
    /// `view` when left out.
    pub role: Role,
}

impl Config {
    /// Whether the rule file lets anybody see the web pages.
    pub fn has_visitors(&self) -> bool {
        let by_proxy = self.server.proxy.user_header.is_some() && self.server.proxy.role.is_some();
        by_proxy || !self.users.is_empty() || !self.tokens.is_empty()
    }
}

/// Reads all users.
pub(super) fn users(scope: &Scope<'_>) -> BTreeMap<String, User> {
    let reader = scope.reader;
    let mut users = BTreeMap::new();
    for (name, entry) in Section::gather(reader, "users", "user", &[]).entries {
        let Some(table) = reader.table(entry.value) else { continue };
        reader.only(table, &["password", "role", "contact"]);
        let contact = match table.get("contact") {
            Some(value) => reader.parsed(value, |text| scope.names.contacts.find(text)),
            None => scope.names.contacts.find(name).ok(),
        };
        let user = User {
            name: name.to_owned(),
            password: table.get("password").and_then(|value| password(reader, value, name)),
            role: role(reader, table, Role::Act),
            contact: contact.map(ContactId::new),
        };
        users.insert(user.name.clone(), user);
    }
    users
}

/// Reads all tokens.
pub(super) fn tokens(reader: &Reader<'_>) -> Vec<ApiToken> {
    let mut tokens = Vec::new();
    for (name, entry) in Section::gather(reader, "tokens", "token", &[]).entries {
        let Some(table) = reader.table(entry.value) else { continue };
        reader.only(table, &["sha256", "role"]);
        let Some(value) = table.get("sha256") else {
            let hint = format!("`thialfi passwd --token {name}` makes a token and prints what belongs here");
            reader.error_hint(entry.key_at, format!("the token `{name}` has no `sha256`"), hint);
            continue;
        };
        if let Some(sha256) = reader.parsed(value, |text| digest(text, name)) {
            tokens.push(ApiToken { name: name.to_owned(), sha256, role: role(reader, table, Role::View) });
        }
    }
    tokens
}

fn role(reader: &Reader<'_>, table: Table<'_>, otherwise: Role) -> Role {
    // What is wrong gives least; the complaint is an error in any case.
    table.get("role").map_or(otherwise, |value| Role::read(reader, value).unwrap_or(Role::View))
}

fn password(reader: &Reader<'_>, value: Value<'_>, name: &str) -> Option<PasswordHash> {
    let found = secret::read_wish(reader, value, "password")?;
    let refused = match PasswordHash::parse(&found) {
        Ok(hash) => return Some(hash),
        Err(refused) => refused,
    };
    let hint = match refused {
        NoHash::Other => format!("`thialfi passwd {name}` asks for a password and prints what belongs here"),
        NoHash::Expensive => format!("make another one with `thialfi passwd {name}`"),
    };
    reader.danger(value.at, format!("the `password` of `{name}` {refused}: nobody can sign in with it"), hint);
    None
}

/// 64 hexadecimal digits. What stands there instead may be the token itself, so it is not quoted.
fn digest(text: &str, name: &str) -> Result<[u8; 32], Fault> {
    let fault = || {
        let hint = format!("`thialfi passwd --token {name}` makes a token and prints what belongs here");
        Fault::new("this is no SHA-256: 64 hexadecimal digits").hint(hint)
    };
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(fault());
    }
    let mut digest = [0; 32];
    for (place, index) in digest.iter_mut().zip((0..).step_by(2)) {
        let digits = text.get(index..index + 2).ok_or_else(fault)?;
        *place = u8::from_str_radix(digits, 16).map_err(|_| fault())?;
    }
    Ok(digest)
}

/// Warns of what keeps people out or lets others keep them out.
pub(super) fn warn(reader: &Reader<'_>, users: &BTreeMap<String, User>, server: &Server) {
    let Some(root) = reader.main_root() else { return };
    let by_proxy = server.proxy.user_header.is_some();
    for (name, entry) in Section::gather(reader, "users", "user", &[]).entries {
        let has_password =
            entry.value.is_table() && reader.table(entry.value).is_some_and(|table| table.get("password").is_some());
        if !has_password && !by_proxy && users.contains_key(name) {
            let message =
                format!("`{name}` has no `password`, and no proxy says who is signed in: they cannot sign in");
            reader.warn(entry.key_at, message, format!("`thialfi passwd {name}` makes one"));
        }
    }
    let some_password = users.values().any(|user| user.password.is_some());
    let is_behind_proxy = server.public_url.is_some() && !server.listens_to_all();
    if some_password && is_behind_proxy && server.proxy.addresses.is_empty() && !server.proxy.unix {
        let at = root.get("server").map_or(root.at, |value| value.at);
        let message = "whoever signs in seems to come from the proxy: who guesses passwords locks everybody out";
        let hint = "if the proxy sets X-Forwarded-For, say so: `proxy = { addresses = [\"127.0.0.1\", \"::1\"] }`";
        reader.warn(at, message, hint);
    }
}
