//! Whether a form was sent from one of our own pages: it carries what only they know, and the browser says where it is from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::key::Key;
use crate::config::Config;
use crate::server::http::Request;

/// The field of every form.
pub const FIELD: &str = "csrf";

/// What forms carry. `secret`: the session's nonce; for whom the proxy names, nothing.
pub(super) fn token(key: &Key, user: &str, secret: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(key.sign(&[b"form", user.as_bytes(), secret]))
}

/// Whether the form carries it. How long it takes tells nothing of how much was right.
pub(super) fn carries(form: &[(String, String)], token: &str) -> bool {
    let given = form.iter().find(|(name, _)| name == FIELD).map(|(_, value)| value.as_str()).unwrap_or_default();
    !token.is_empty() && bool::from(given.as_bytes().ct_eq(token.as_bytes()))
}

/// Where a browser says that a request is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// One of our pages, or nobody but the one who typed the address.
    Ours,
    /// Another site, or one that hides itself.
    Elsewhere,
    /// It does not say.
    Unsaid,
}

/// What the request says of it. `Sec-Fetch-Site` cannot be set by a page; browsers send it over https alone. `Origin` cannot
/// either; `Referer` is for those that send no `Origin`.
pub(super) fn from(request: &Request, config: &Config) -> From {
    if let Some(site) = request.header("sec-fetch-site") {
        return if matches!(site, "same-origin" | "none") { From::Ours } else { From::Elsewhere };
    }
    let Some(source) = request.header("origin").or_else(|| request.header("referer")) else { return From::Unsaid };
    let is_ours = |ours: String| origin(source).is_some_and(|theirs| theirs == ours);
    let public = config.server.public_url.as_deref().and_then(origin);
    // The proxy does TLS, so that we do not know by which scheme we were asked.
    let host = request.header("host").into_iter();
    let asked = host
        .flat_map(|host| ["https", "http"].into_iter().filter_map(move |scheme| origin(&format!("{scheme}://{host}"))));
    if public.into_iter().chain(asked).any(is_ours) { From::Ours } else { From::Elsewhere }
}

/// `scheme://host:port` of a URL, in lower case, with its default port left out; `None` when it is none of the web.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let host = authority.strip_suffix(default).unwrap_or(&authority);
    (!host.is_empty() && !host.contains('@')).then(|| format!("{scheme}://{host}"))
}
