//! The session cookie: who signed in and when, signed. The server keeps no list of sessions, only of those that were ended; a
//! session ends after a time, and with the password that it was begun with, whose hash is signed, too.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;

use super::key::Key;
use crate::config::PasswordHash;
use crate::server::http::Request;

/// So long a session lasts that nobody uses.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A session that is used is made as long as a new one when it is older than this.
pub const RENEWED_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// A clock may be set back a little; what was issued later than that was not issued by us.
const CLOCK_STEP: SignedDuration = SignedDuration::from_secs(60);
/// At most so many cookies of our name are looked at: another site of the same domain can add some.
const MOST: usize = 4;

/// What a cookie says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// Who signed in.
    pub user: String,
    /// When, or when it was last renewed; whole seconds.
    pub issued: Timestamp,
    /// Random; that of a form is made from it.
    pub nonce: [u8; 16],
}

impl Session {
    /// `Set-Cookie` for it. It goes to no other site, no script sees it, and with `https` it is sent by no other way and set by
    /// no other host (`__Host-`, RFC 6265bis, 4.1.3.2).
    pub fn set_cookie(&self, key: &Key, password: &PasswordHash, https: bool) -> String {
        let value = self.value(key, password);
        let age = LIFETIME.as_secs();
        format!("{}={value}; Max-Age={age}{}", name(https), attributes(https))
    }

    /// `PAYLOAD.SIGNATURE`, both in base64url.
    fn value(&self, key: &Key, password: &PasswordHash) -> String {
        let mut payload = Vec::with_capacity(24 + self.user.len());
        payload.extend(self.issued.as_second().to_be_bytes());
        payload.extend(self.nonce);
        payload.extend(self.user.as_bytes());
        let signature = sign(key, &payload, password);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(signature))
    }

    /// The session of a request, where a cookie of it holds one that is valid now. `password_of`: the hash of a user's password.
    pub fn of<'c>(
        request: &Request,
        key: &Key,
        https: bool,
        now: Timestamp,
        password_of: impl Fn(&str) -> Option<&'c PasswordHash>,
    ) -> Option<Self> {
        let name = name(https);
        let pairs = request.headers.iter().filter(|(field, _)| field.eq_ignore_ascii_case("cookie"));
        let pairs = pairs.flat_map(|(_, value)| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut ours = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value).take(MOST);
        ours.find_map(|value| Self::read(value, key, now, &password_of))
    }

    fn read<'c>(
        value: &str,
        key: &Key,
        now: Timestamp,
        password_of: &impl Fn(&str) -> Option<&'c PasswordHash>,
    ) -> Option<Self> {
        let (payload, signature) = value.split_once('.')?;
        let (payload, signature) = (URL_SAFE_NO_PAD.decode(payload).ok()?, URL_SAFE_NO_PAD.decode(signature).ok()?);
        let (issued, rest) = payload.split_first_chunk::<8>()?;
        let (nonce, user) = rest.split_first_chunk::<16>()?;
        let user = std::str::from_utf8(user).ok()?;
        let expected = sign(key, &payload, password_of(user)?);
        if !bool::from(expected.as_slice().ct_eq(&signature)) {
            return None;
        }
        let issued = Timestamp::from_second(i64::from_be_bytes(*issued)).ok()?;
        let age = now.duration_since(issued);
        let is_valid = age < LIFETIME && age >= -CLOCK_STEP;
        is_valid.then(|| Self { user: user.to_owned(), issued, nonce: *nonce })
    }
}

/// `Set-Cookie` that takes the cookie away.
pub(super) fn removal(https: bool) -> String {
    format!("{}=; Max-Age=0{}", name(https), attributes(https))
}

fn name(https: bool) -> &'static str {
    if https { "__Host-thialfi" } else { "thialfi" }
}

fn attributes(https: bool) -> &'static str {
    if https { "; Path=/; HttpOnly; SameSite=Lax; Secure" } else { "; Path=/; HttpOnly; SameSite=Lax" }
}

fn sign(key: &Key, payload: &[u8], password: &PasswordHash) -> [u8; 32] {
    key.sign(&[b"session", payload, password.expose().as_bytes()])
}
