//! A key that the store keeps: whoever has it can sign what only this installation can have signed. And what was signed and
//! counts no more: the sessions that somebody has ended.

use std::fmt;

use jiff::Timestamp;

use super::Result;

/// 32 bytes that nobody else knows. They print themselves nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(pub(super) [u8; 32]);

impl SigningKey {
    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningKey")
    }
}

/// What tells a session from all others.
pub type Nonce = [u8; 16];

/// Having the key, and what has been signed out.
pub trait Signing {
    /// The key: made of `draw`'s random bits by whoever asks first, and the same ever after.
    fn signing_key(&mut self, draw: &mut dyn FnMut() -> u128) -> Result<SigningKey>;

    /// Somebody has signed out. `until`: the session would have lasted no longer. Those that would be over by `now` are
    /// forgotten.
    fn end_session(&mut self, session: &Nonce, until: Timestamp, now: Timestamp) -> Result<()>;

    /// The sessions that were ended and would not be over by themselves.
    fn ended_sessions(&mut self, now: Timestamp) -> Result<Vec<(Nonce, Timestamp)>>;
}
