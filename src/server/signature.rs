//! `X-Twilio-Signature`: base64(HMAC-SHA1(auth token, URL and the POST parameters sorted by key)).
//!
//! The rules are those of <https://www.twilio.com/docs/usage/security> and of Twilio's own validators. Twilio's JSON
//! webhooks carry a `bodySHA256` in the query instead of parameters; none of those that we ask for is JSON, so that hash
//! is not compared here: a body that is no form must not be believed because its URL is signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use subtle::{Choice, ConstantTimeEq};

/// The signature of a request to `url` with these POST parameters (none for GET: its parameters are in the URL).
///
/// The fragment does not count. Parameters are sorted by key, in byte order; a repeated key's values are sorted and
/// each counts once; an empty value counts as its key alone.
pub fn sign(token: &str, url: &str, params: &[(String, String)]) -> String {
    let mut pairs: Vec<(&str, &str)> = params.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    pairs.sort_unstable();
    pairs.dedup();
    // HMAC takes a key of any length (RFC 2104), so that there is no such error; were there one, nothing would verify.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else { return String::new() };
    mac.update(without_fragment(url).as_bytes());
    for (key, value) in pairs {
        mac.update(key.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Whether `header` is the signature by one of `tokens` (the present and the previous one) of a request to `url`, the
/// address as it was given to Twilio, with or without its scheme's default port. How long it takes tells nothing of
/// how much was right.
pub fn verify(tokens: &[&SecretString], url: &str, params: &[(String, String)], header: &str) -> bool {
    let url = without_fragment(url);
    let other = with_other_port(url);
    let mut valid = Choice::from(0);
    for token in tokens.iter().map(|token| token.expose_secret()).filter(|token| !token.is_empty()) {
        for url in std::iter::once(url).chain(other.as_deref()) {
            valid |= sign(token, url, params).as_bytes().ct_eq(header.as_bytes());
        }
    }
    valid.into()
}

fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or(url)
}

/// The same address with the default port named where it was not, and not named where it was; `None` when it names
/// another port.
fn with_other_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let port = match scheme {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // A colon after the last bracket begins a port: `[::1]:443`.
    let named = host.rsplit(']').next().and_then(|tail| tail.rsplit_once(':')).map(|(_, port)| port);
    match named {
        None => Some(format!("{scheme}://{authority}:{port}{path}")),
        Some(named) if named == port => {
            Some(format!("{scheme}://{}{path}", authority.strip_suffix(&format!(":{port}"))?))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://pager.example.com/twilio/sms?x=1";

    fn params(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn valid(token: &str, url: &str, params: &[(String, String)], header: &str) -> bool {
        verify(&[&SecretString::from(token)], url, params, header)
    }

    #[test]
    fn twilios_own_vectors_verify_and_nothing_near_them_does() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/twilio/signature_vectors.json");
        let Ok(text) = std::fs::read_to_string(path) else { return println!("skipped: no {path}") };
        let vectors: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(vectors.len(), 24);
        for vector in vectors {
            let string = |key: &str| vector[key].as_str().unwrap().to_owned();
            let mut params = Vec::new();
            for (key, value) in vector["params"].as_object().unwrap() {
                match value {
                    serde_json::Value::Array(values) => {
                        params.extend(values.iter().map(|value| (key.clone(), value.as_str().unwrap().to_owned())));
                    }
                    value => params.push((key.clone(), value.as_str().unwrap().to_owned())),
                }
            }
            let (token, url, signature) = (string("token"), string("signed_url"), string("signature"));
            assert_eq!(sign(&token, &url, &params), signature, "{}", vector["name"]);
            params.reverse();
            assert!(valid(&token, &url, &params, &signature), "{}", vector["name"]);
            assert!(!valid("12346", &url, &params, &signature), "{}", vector["name"]);
            assert!(!valid(&token, &format!("{url}x"), &params, &signature), "{}", vector["name"]);
            params.push(("New".into(), String::new()));
            assert!(!valid(&token, &url, &params, &signature), "{}", vector["name"]);
        }
    }

    /// Computed once with `openssl dgst -sha1 -hmac 12345 -binary | base64`.
    #[test]
    fn fixed_vectors() {
        let form = params(&[("To", "+18005551212"), ("Digits", "1"), ("Digits", "1"), ("Digits", "0"), ("Empty", "")]);
        assert_eq!(sign("12345", URL, &form), "fU595O/f2s4m+lwIHnja9WpFyr8=");
        assert_eq!(sign("12345", URL, &[]), "7cemci26OoyKJFBLM9yE1/GD+g4=");
    }

    #[test]
    fn the_default_port_may_be_named_or_not() {
        for (plain, named) in [
            ("https://a.example/x?y=1", "https://a.example:443/x?y=1"),
            ("http://a.example", "http://a.example:80"),
            ("https://u:p@a.example/x", "https://u:p@a.example:443/x"),
            ("https://[::1]/x", "https://[::1]:443/x"),
            ("https://a.example?x=1:2", "https://a.example:443?x=1:2"),
        ] {
            assert!(valid("t", plain, &[], &sign("t", named, &[])), "{plain}");
            assert!(valid("t", named, &[], &sign("t", plain, &[])), "{named}");
        }
        let other = "https://a.example:8443/x";
        assert!(valid("t", other, &[], &sign("t", other, &[])));
        assert!(!valid("t", other, &[], &sign("t", "https://a.example/x", &[])));
        assert!(!valid("t", "https://a.example/x", &[], &sign("t", "https://a.example:80/x", &[])));
    }

    #[test]
    fn the_fragment_does_not_count() {
        assert!(valid("t", &format!("{URL}#rc=2&rp=all"), &[], &sign("t", URL, &[])));
    }

    #[test]
    fn the_previous_token_is_good_too_and_an_empty_one_never() {
        let (present, previous, empty) = (SecretString::from("new"), SecretString::from("old"), SecretString::from(""));
        assert!(verify(&[&present, &previous], URL, &[], &sign("old", URL, &[])));
        assert!(verify(&[&present, &previous], URL, &[], &sign("new", URL, &[])));
        assert!(!verify(&[&present], URL, &[], &sign("old", URL, &[])));
        assert!(!verify(&[&empty], URL, &[], &sign("", URL, &[])));
        assert!(!verify(&[], URL, &[], &sign("", URL, &[])));
    }

    #[test]
    fn nothing_but_the_exact_header_verifies() {
        let signature = sign("t", URL, &[]);
        for header in ["", " ", &signature[1..], &format!("{signature} "), &signature.to_lowercase(), "é"] {
            assert!(!valid("t", URL, &[], header), "{header:?}");
        }
    }
}
