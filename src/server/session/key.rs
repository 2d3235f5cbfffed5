//! The server's own key, and what is signed with it. Each kind of thing has a name of its own that is signed with it, so that
//! one is never taken for another.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// 32 random bytes that never leave the server.
pub(super) struct Key(pub(super) [u8; 32]);

impl Key {
    /// HMAC-SHA256 over these parts, each with its length before it.
    pub(super) fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC takes a key of any length (RFC 2104), so that there is no such error.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { std::process::abort() };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}
