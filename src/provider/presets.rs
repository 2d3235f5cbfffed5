//! Gateways that need no description: MessageMedia, Clickatell, SMSGlobal, each in terms of [`http`](super::http).
//!
//! They were written after the documentation and the official client libraries, and are tested against doubles that
//! check requests against those. No account of any of them was at hand: each says what could not be verified.

use std::collections::BTreeMap;

use regex::Regex;
use secrecy::SecretString;
use ureq::http::Method;

use super::exchange::TOTAL;
use super::http::{Finder, Login, Parts, Polling};

/// MessageMedia's Messages API (Sinch Engage), with Basic authentication:
/// <https://messagemedia.com/developers/rest-messaging-api>.
///
/// `POST /v1/messages` with one message; 202 and `message_id`. `GET /v1/messages/{id}` says `status`: queued, processing,
/// processed, scheduled, held, enroute and submitted are under way; delivered; cancelled, expired, rejected,
/// undeliverable and failed will not arrive. `source_number` is left out when there is no `from`: then MessageMedia
/// chooses. Not verified: whether 403 ("feature not enabled") can be about one number; it is taken for our account.
pub fn messagemedia(base: &str, key: &str, secret: SecretString, from: &str) -> Parts {
    let source = if from.is_empty() { "" } else { r#""source_number":{{ from | json }},"# };
    let body = format!(
        r#"{{"messages":[{{"content":{{{{ text | json }}}},"destination_number":{{{{ to | json }}}},{source}"format":"SMS","delivery_report":true}}]}}"#
    );
    let polling = Polling {
        finder: Finder::Pointer("/status".to_owned()),
        delivered: words(&["delivered", "read"]),
        sent: words(&["enroute", "submitted"]),
        failed: words(&["cancelled", "expired", "rejected", "undeliverable", "failed"]),
    };
    Parts {
        login: Some(Login::Basic { user: key.to_owned(), password: secret }),
        id: Some(Finder::Pointer("/messages/0/message_id".to_owned())),
        success: Some(Finder::Pointer("/messages/0/message_id".to_owned())),
        reason: Some(Finder::Pointer("/message".to_owned())),
        polling: Some((format!("{base}/v1/messages/{{{{ id | urlencode }}}}"), polling)),
        ..json_post(format!("{base}/v1/messages"), body, from)
    }
}

/// Clickatell's Platform API (REST): <https://docs.clickatell.com/channels/sms-channels/sms-api-reference/>.
///
/// `POST /messages` with the API key alone in `Authorization`; 202 with `messages[0].accepted` and `apiMessageId`, or
/// with `accepted` false and an error for this number. Numbers are written without `+`. It reports deliveries by
/// callback only, so a text stays accepted. Not verified: the form of `error` in refusals, of which the history shows
/// what there is; and that an answer with `accepted: false` is always about the number: it is taken so, which makes
/// thialfi call instead of text.
pub fn clickatell(base: &str, key: SecretString, from: &str) -> Parts {
    let source = if from.is_empty() { "" } else { r#""from":{{ from | json }},"# };
    let body = format!(r#"{{"content":{{{{ text | json }}}},{source}"to":[{{{{ to_digits | json }}}}]}}"#);
    let mut parts = json_post(format!("{base}/messages"), body, from);
    parts.headers.push(("Authorization".to_owned(), SecretString::from("{{ secrets.api_key }}")));
    parts.secrets = BTreeMap::from([("api_key".to_owned(), key)]);
    parts.success = Some(Finder::Pointer("/messages/0/accepted".to_owned()));
    parts.id = Some(Finder::Pointer("/messages/0/apiMessageId".to_owned()));
    parts.permanent = Regex::new(r#""accepted"\s*:\s*"?false"#).ok();
    parts
}

/// SMSGlobal's REST API v2 with its MAC authentication: <https://www.smsglobal.com/rest-api/>.
///
/// `POST /v2/sms` with `origin`, `destination`, `message`; the answer names the text's `id`, alone or as the first of
/// `messages`, where it is `outgoing_id`. Numbers are written without `+`. `GET /v2/sms/{id}` says `status`. Not
/// verified: the whole list of statuses (sent, processing, delivered, undelivered, expired, rejected, failed are known;
/// another is no news), and that a text can be asked for by its `outgoing_id`: then nothing is known of it but that it
/// was accepted.
pub fn smsglobal(base: &str, key: &str, secret: SecretString, from: &str) -> Parts {
    let source = if from.is_empty() { "" } else { r#""origin":{{ from | json }},"# };
    let body = format!(r#"{{{source}"destination":{{{{ to_digits | json }}}},"message":{{{{ text | json }}}}}}"#);
    let polling = Polling {
        finder: Finder::Pointer("/status".to_owned()),
        delivered: words(&["delivered"]),
        sent: words(&["sent"]),
        failed: words(&["undelivered", "expired", "rejected", "failed", "error"]),
    };
    // Of one text the answer is the text; of several it is a list. A number in either.
    let id = Regex::new(r#""(?:id|outgoing_id)"\s*:\s*"?(\d+)"#).ok().map(Finder::Pattern);
    Parts {
        login: Some(Login::Mac { key: key.to_owned(), secret }),
        success: id.clone(),
        id,
        polling: Some((format!("{base}/v2/sms/{{{{ id | urlencode }}}}"), polling)),
        ..json_post(format!("{base}/v2/sms"), body, from)
    }
}

fn json_post(url: String, body: String, from: &str) -> Parts {
    let header = |name: &str, value: &str| (name.to_owned(), SecretString::from(value));
    Parts {
        method: Method::POST,
        url,
        headers: vec![header("Content-Type", "application/json"), header("Accept", "application/json")],
        body,
        login: None,
        secrets: BTreeMap::new(),
        from: from.to_owned(),
        success: None,
        id: None,
        reason: None,
        permanent: None,
        credentials: None,
        polling: None,
        timeout: TOTAL,
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests;
