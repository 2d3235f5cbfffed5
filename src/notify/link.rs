//! The link in a text by which the one who got it sees its alert without signing in: it names a notification, and proves that
//! whoever has it has what was sent with it. It needs no key of ours and no place in the store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::alert::{AlertId, NotificationId, Token};

/// So many bytes of the proof are in the link: 128 bits, as many as the token has.
const PROOF: usize = 16;

/// The end of the link, `ALERT.NUMBER.PROOF`.
pub fn path(id: NotificationId, token: &Token) -> String {
    format!("{id}.{}", proof(token))
}

/// Which notification the end of a link names, and its proof. Only [`proves`] says whether that is one.
pub fn read(path: &str) -> Option<(NotificationId, &str)> {
    let mut parts = path.split('.');
    let (alert, number, proof) = (parts.next()?, parts.next()?, parts.next()?);
    // One way to write a number: a link that was changed is another link.
    let plain = |digits: &str| !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = parts.next().is_none() && plain(alert) && plain(number);
    let id = NotificationId { alert: AlertId(alert.parse().ok()?), number: number.parse().ok()? };
    well_formed.then_some((id, proof))
}

/// Whether `given` is the proof for the notification with this token. How long it takes tells nothing of how much was right.
pub fn proves(given: &str, token: &Token) -> bool {
    proof(token).as_bytes().ct_eq(given.as_bytes()).into()
}

/// The start of HMAC-SHA256 under the notification's token, in base64url. The token itself, which the provider gets in the
/// addresses of its webhooks, cannot be told from it.
fn proof(token: &Token) -> String {
    // HMAC takes a key of any length (RFC 2104), so that there is no such error.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(token.as_str().as_bytes()) else { return "?".to_owned() };
    mac.update(b"link");
    let whole = mac.finalize().into_bytes();
    URL_SAFE_NO_PAD.encode(whole.get(..PROOF).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: NotificationId = NotificationId { alert: AlertId(12), number: 3 };

    /// Reckoned once with `printf link | openssl dgst -sha256 -hmac 0…01 -binary | head -c 16 | basenc --base64url`.
    #[test]
    fn a_link_is_short_and_fixed() {
        assert_eq!(path(ID, &Token::from_bits(1)), "12.3.KoQo412HbyENpMYo5qUqvw");
    }

    #[test]
    fn a_link_proves_its_own_token_and_no_other() {
        let token = Token::from_bits(1);
        let path = path(ID, &token);
        let (id, given) = read(&path).unwrap();
        assert_eq!((id, given.len()), (ID, 22));
        assert!(proves(given, &token));
        assert!(!proves(given, &Token::from_bits(2)));
        for other in ["", &given[1..], &given[..21], &format!("{given}="), &given.to_lowercase()] {
            assert!(!proves(other, &token), "{other}");
        }
    }

    #[test]
    fn what_is_no_link_names_nothing() {
        for path in [
            "",
            "12",
            "12.3",
            "12.3.x.y",
            "a.3.x",
            "12.b.x",
            "-1.3.x",
            "+1.3.x",
            "012.3.x",
            "12.03.x",
            ".3.x",
            "12..x",
            "99999999999999999999.3.x",
            "12.4294967296.x",
        ] {
            assert_eq!(read(path), None, "{path}");
        }
    }
}
