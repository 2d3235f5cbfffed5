//! The tokens of programs: `Authorization: Bearer thialfi_…`. The rule file has their SHA-256 alone; a token is 256 random bits,
//! so that nobody guesses it and a slow hash would protect nothing.

use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use crate::config::ApiToken;
use crate::server::http::Request;

/// What each token begins with: so leaked ones are found, and others' tokens are not taken for ours.
pub const PREFIX: &str = "thialfi_";

/// What a request carries of ours: the token, right or wrong. A bearer token of another kind is the proxy's business.
pub(super) fn of(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.starts_with(PREFIX)).then_some(token)
}

/// The entry of this token. All are compared, each in constant time.
pub(super) fn find<'c>(token: &str, tokens: &'c [ApiToken]) -> Option<&'c ApiToken> {
    let given: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let mut found = 0_u64;
    for (place, entry) in (1..).zip(tokens) {
        found.conditional_assign(&place, given.ct_eq(&entry.sha256));
    }
    tokens.get(usize::try_from(found.checked_sub(1)?).ok()?)
}
