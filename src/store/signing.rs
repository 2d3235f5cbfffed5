//! A key that the store keeps: whoever has it can sign what only this installation can have signed.

use std::fmt;

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

/// Having the key.
pub trait Signing {
    /// The key: made of `draw`'s random bits by whoever asks first, and the same ever after.
    fn signing_key(&mut self, draw: &mut dyn FnMut() -> u128) -> Result<SigningKey>;
}
