use std::sync::Arc;

use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::alert::{Channel, TextStatus};
use crate::clock::SystemClock;
use crate::provider::gateway::{Gateway as Double, Received};
use crate::provider::http::{Gateway, Http};
use crate::provider::{Provider as _, Refusal, Status, Text};

const WORDS: &str = "7K Oracle: \"tablespace\" full\nä";

fn http(parts: Parts) -> Http {
    Http::new("gate", Arc::new(Gateway::of(parts).unwrap()), Arc::new(SystemClock))
}

fn send(gateway: &Http) -> Result<String, Refusal> {
    let to = "+61491570156".parse().unwrap();
    gateway.texts().unwrap().text(&Text { to, body: WORDS.to_owned(), status_url: None })
}

fn secret() -> SecretString {
    SecretString::from("api-secret")
}

fn is_json_post(request: &Received, path: &str) {
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", path));
    assert_eq!(request.header("Content-Type"), "application/json");
    assert_eq!(request.header("Accept"), "application/json");
}

#[test]
fn messagemedia_as_documented() {
    let accepted = r#"{"messages":[{"message_id":"04fe9a97-a579-43c5-bb1a-58ed29bf0a6a","status":"queued","content":"x",
        "destination_number":"+61491570156","delivery_report":true,"format":"SMS"}]}"#;
    let double =
        Double::answering(&[(202, accepted), (200, r#"{"status":"enroute"}"#), (200, r#"{"status":"rejected"}"#)]);
    let gateway = http(messagemedia(&double.url, "api-key", secret(), "+61491570157"));
    assert_eq!(send(&gateway).unwrap(), "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a");
    let ask = || gateway.reports().unwrap().status(Channel::Text, "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a").unwrap();
    assert!(matches!(ask(), Status::Text { status: TextStatus::Sent, .. }));
    assert!(matches!(ask(), Status::Text { status: TextStatus::Undelivered, .. }));

    let [sent, asked, _] = double.received().try_into().unwrap();
    is_json_post(&sent, "/v1/messages");
    assert_eq!(sent.header("Authorization"), "Basic YXBpLWtleTphcGktc2VjcmV0");
    let message = json!({ "content": WORDS, "destination_number": "+61491570156", "source_number": "+61491570157",
        "format": "SMS", "delivery_report": true });
    assert_eq!(sent.json(), json!({ "messages": [message] }));
    assert_eq!(asked.target, "/v1/messages/04fe9a97-a579-43c5-bb1a-58ed29bf0a6a");
    assert_eq!(asked.header("Authorization"), "Basic YXBpLWtleTphcGktc2VjcmV0");

    let double =
        Double::answering(&[(400, r#"{"message":"Message destination number is invalid","details":[]}"#), (401, "")]);
    let gateway = http(messagemedia(&double.url, "api-key", secret(), ""));
    let reason = "answered 400: Message destination number is invalid".to_owned();
    assert_eq!(send(&gateway), Err(Refusal::Permanent { reason }));
    assert!(matches!(send(&gateway), Err(Refusal::Credentials { .. })));
    assert_eq!(double.received()[0].json().pointer("/messages/0/source_number"), None);
}

#[test]
fn clickatell_as_documented() {
    let accepted = r#"{"messages":[{"apiMessageId":"77fb29998253415fa5d66971d519d362","accepted":true,
        "to":"61491570156","errorCode":null,"error":null,"errorDescription":null}]}"#;
    let refused = r#"{"messages":[{"apiMessageId":null,"accepted":false,"to":"61491570156","error":{"code":605,
        "description":"Opted out"}}]}"#;
    let double = Double::answering(&[(202, accepted), (202, refused), (401, ""), (429, "")]);
    let gateway = http(clickatell(&double.url, SecretString::from("b3itx5JgS-O7nc7xJ9KVlw=="), "Pager"));
    assert_eq!(send(&gateway).unwrap(), "77fb29998253415fa5d66971d519d362");
    assert!(matches!(send(&gateway), Err(Refusal::Permanent { reason }) if reason.contains("Opted out")));
    assert!(matches!(send(&gateway), Err(Refusal::Credentials { .. })));
    assert!(matches!(send(&gateway), Err(Refusal::Temporary { .. })));
    assert!(gateway.reports().is_none(), "it reports by callback alone");

    let sent = double.received().remove(0);
    is_json_post(&sent, "/messages");
    assert_eq!(sent.header("Authorization"), "b3itx5JgS-O7nc7xJ9KVlw==");
    assert_eq!(sent.json(), json!({ "content": WORDS, "from": "Pager", "to": ["61491570156"] }));
}

#[test]
fn smsglobal_as_documented() {
    let one = r#"{"id":6359736682344313,"outgoing_id":5211897953,"origin":"Pager","destination":"61491570156",
        "message":"x","status":"sent","dateTime":"2020-07-30 13:23:38 +0000"}"#;
    let list = r#"{"messages":[{"outgoing_id":5211920573,"origin":"Pager","destination":"61491570156","status":"Processing"}]}"#;
    let nothing = r#"{"status":"OK","data":{"messages":[]}}"#;
    let delivered = r#"{"id":6359736682344313,"status":"delivered"}"#;
    let double = Double::answering(&[(200, one), (200, list), (200, nothing), (200, delivered), (403, "")]);
    let gateway = http(smsglobal(&double.url, "api-key", secret(), "Pager"));
    assert_eq!(send(&gateway).unwrap(), "6359736682344313");
    assert_eq!(send(&gateway).unwrap(), "5211920573");
    assert!(matches!(send(&gateway), Err(Refusal::Temporary { .. })), "a list of nothing is no success");
    let status = gateway.reports().unwrap().status(Channel::Text, "6359736682344313").unwrap();
    assert_eq!(status, Status::Text { status: TextStatus::Delivered, detail: String::new() });
    assert!(matches!(send(&gateway), Err(Refusal::Credentials { .. })));

    let received = double.received();
    is_json_post(&received[0], "/v2/sms");
    assert_eq!(received[0].json(), json!({ "origin": "Pager", "destination": "61491570156", "message": WORDS }));
    assert_eq!(received[3].target, "/v2/sms/6359736682344313");
    for request in &received {
        is_signed(request, &double.url);
    }
    assert_ne!(received[0].header("Authorization"), received[1].header("Authorization"), "a nonce is used once");
}

/// Reckons the signature as the other side does, from what came.
fn is_signed(request: &Received, url: &str) {
    use base64::Engine as _;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let header = request.header("Authorization");
    let field = |name: &str| {
        let start = header.find(&format!("{name}=\"")).unwrap_or_else(|| panic!("{header}")) + name.len() + 2;
        header[start..].split('"').next().unwrap()
    };
    assert!(header.starts_with("MAC id=\"api-key\", "), "{header}");
    let port = url.rsplit(':').next().unwrap();
    let plain =
        format!("{}\n{}\n{}\n{}\n127.0.0.1\n{port}\n\n", field("ts"), field("nonce"), request.method, request.target);
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"api-secret").unwrap();
    mac.update(plain.as_bytes());
    assert_eq!(field(", mac"), base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes()));
    assert!(field("nonce").len() <= 32);
    let age = jiff::Timestamp::now().as_second() - field("ts").parse::<i64>().unwrap();
    assert!((0..60).contains(&age));
}
