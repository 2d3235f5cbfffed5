//! The signature that Twilio puts on its requests, made here with the sandbox's token, so that what is tested against
//! the sandbox has its signatures checked for real.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The value of `X-Twilio-Signature`: base64 of HMAC-SHA1 under `token` over the URL (without fragment), then each
/// parameter's name and value, names in byte order, values of a repeated name once each and in order.
/// <https://www.twilio.com/docs/usage/security#validating-requests>
pub(super) fn sign(token: &str, url: &str, parameters: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in parameters {
        sorted.entry(name).or_default().insert(value);
    }
    // A key of any length is accepted, so the error cannot happen; an empty signature would be refused by anybody.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else { return String::new() };
    mac.update(url.split('#').next().unwrap_or(url).as_bytes());
    for (name, values) in sorted {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_official_libraries_do() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/twilio/signature_vectors.json");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: no {path}");
            return;
        };
        let vectors: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert!(vectors.len() >= 20);
        for vector in &vectors {
            let mut parameters = Vec::new();
            for (name, value) in vector["params"].as_object().unwrap() {
                let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                parameters.extend(values.iter().map(|v| (name.clone(), v.as_str().unwrap().to_owned())));
            }
            let text = |name: &str| vector[name].as_str().unwrap();
            assert_eq!(sign(text("token"), text("signed_url"), &parameters), text("signature"), "{}", vector["name"]);
        }
    }

    #[test]
    fn leaves_the_fragment_out() {
        assert_eq!(sign("t", "https://a.example/x?y=1#rc=2", &[]), sign("t", "https://a.example/x?y=1", &[]));
    }
}
