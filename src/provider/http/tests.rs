use jiff::SignedDuration;
use regex::Regex;

use super::*;
use crate::alert::TextStatus;
use crate::clock::SystemClock;
use crate::provider::gateway::Gateway as Double;

fn parts(url: &str) -> Parts {
    Parts {
        method: ureq::http::Method::POST,
        url: format!("{url}/send"),
        headers: Vec::new(),
        body: "{{ text }}".to_owned(),
        login: None,
        secrets: BTreeMap::new(),
        from: "Pager".to_owned(),
        success: None,
        id: None,
        reason: None,
        permanent: None,
        credentials: None,
        polling: None,
        timeout: exchange::TOTAL,
    }
}

fn http(parts: Parts) -> Http {
    Http::new("gate", Arc::new(Gateway::of(parts).unwrap()), Arc::new(SystemClock))
}

fn send(parts: Parts, body: &str) -> Result<String, Refusal> {
    let to = "+64211110001".parse().unwrap();
    http(parts).texts().unwrap().text(&Text { to, body: body.to_owned(), status_url: None })
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

#[test]
fn url_headers_and_body_are_templates_and_everything_is_escaped_as_it_must() {
    let double = Double::answering(&[(200, "OK")]);
    let mut get = parts(&double.url);
    get.method = ureq::http::Method::GET;
    get.url =
        format!("{}/send?to={{{{ to | urlencode }}}}&d={{{{ to_digits }}}}&t={{{{ text | urlencode }}}}", double.url);
    get.body = String::new();
    send(get, "ä & b=c\"{{ secrets }}").unwrap();
    let mut post = parts(&double.url);
    post.secrets = BTreeMap::from([("key".to_owned(), SecretString::from("k3y"))]);
    post.headers = vec![("X-Key".to_owned(), SecretString::from("Bearer {{ secrets.key }}"))];
    post.body = r#"{"to":{{ to | json }},"text":{{ text | json }},"from":{{ from | json }}}"#.to_owned();
    post.login = Some(Login::Basic { user: "me".to_owned(), password: SecretString::from("pass") });
    send(post, "say \"hi\"\n</script> ü").unwrap();

    let [get, post] = double.received().try_into().unwrap();
    assert_eq!(get.method, "GET");
    assert_eq!(get.target, "/send?to=%2B64211110001&d=64211110001&t=%C3%A4%20%26%20b%3Dc%22%7B%7B%20secrets%20%7D%7D");
    assert_eq!((post.method.as_str(), post.header("X-Key")), ("POST", "Bearer k3y"));
    assert_eq!(post.header("Authorization"), "Basic bWU6cGFzcw==");
    let said = serde_json::json!({ "to": "+64211110001", "text": "say \"hi\"\n</script> ü", "from": "Pager" });
    assert_eq!(post.json(), said);
}

#[test]
fn success_and_id_are_found_by_regex_or_json_pointer() {
    let of = |answer: &str, success: Option<Finder>, id: Option<Finder>| {
        let double = Double::answering(&[(200, answer)]);
        send(Parts { success, id, ..parts(&double.url) }, "x")
    };
    let by = |text: &str| Some(Finder::Pattern(Regex::new(text).unwrap()));
    let at = |text: &str| Some(Finder::Pointer(text.to_owned()));
    assert_eq!(of("ID: a1b2", by("^ID:"), by(r"ID: (\w+)")).unwrap(), "a1b2");
    assert_eq!(of(r#"{"m":[{"ok":true,"id":17}]}"#, at("/m/0/ok"), at("/m/0/id")).unwrap(), "17");
    assert!(of("fine", None, None).unwrap().starts_with("gate-"), "an id of ours where it gives none");
    for (answer, success) in [
        ("ERR: 105", by("^ID:")),
        (r#"{"m":[{"ok":false}]}"#, at("/m/0/ok")),
        (r#"{"m":[]}"#, at("/m/0/ok")),
        ("<html>captive portal</html>", at("/m/0/ok")),
    ] {
        assert!(matches!(of(answer, success, None), Err(Refusal::Temporary { .. })), "{answer}");
    }
}

#[test]
fn the_status_says_what_a_refusal_means() {
    let of = |status: u16, answer: &str| {
        let double = Double::answering(&[(status, answer)]);
        let more = Parts {
            permanent: Some(pattern("^ERR: 105")),
            credentials: Some(pattern("^ERR: 001")),
            ..parts(&double.url)
        };
        send(Parts { success: Some(Finder::Pattern(Regex::new("^ID").unwrap())), ..more }, "x").unwrap_err()
    };
    for status in [401, 402, 403, 407] {
        assert!(matches!(of(status, "no"), Refusal::Credentials { .. }), "{status}");
    }
    for status in [400, 422] {
        assert!(matches!(of(status, "no"), Refusal::Permanent { .. }), "{status}");
    }
    for status in [404, 405, 408, 425, 429, 301, 302] {
        assert!(matches!(of(status, "no"), Refusal::Temporary { .. }), "{status}");
    }
    let refusal =
        Refusal::Temporary { reason: "answered 429: no".into(), retry_after: Some(SignedDuration::from_secs(7)) };
    assert_eq!(of(429, "no"), refusal);
    for status in [500, 502, 503, 504] {
        assert!(matches!(of(status, "no"), Refusal::Ambiguous { .. }), "{status}");
    }
    assert!(matches!(of(200, "ERR: 105, bad number"), Refusal::Permanent { .. }));
    assert!(matches!(of(200, "ERR: 001, login"), Refusal::Credentials { .. }));
    assert!(matches!(of(0, ""), Refusal::Ambiguous { .. }), "hung up without an answer");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(send(parts(&format!("http://{nobody}")), "x"), Err(Refusal::Temporary { .. })), "refused");
    assert!(matches!(send(parts("http://no-such-host.invalid"), "x"), Err(Refusal::Temporary { .. })), "no name");
}

#[test]
fn an_answer_without_end_is_not_read() {
    let double = Double::answering(&[(200, &"x".repeat(200_000))]);
    assert!(matches!(send(parts(&double.url), "x"), Err(Refusal::Ambiguous { .. })));
    let double = Double::answering(&[(400, &"x".repeat(200_000))]);
    assert!(matches!(send(parts(&double.url), "x"), Err(Refusal::Permanent { .. })));
}

#[test]
fn a_gateway_that_repeats_what_it_was_sent_brings_no_secret_into_the_history() {
    let double = Double::answering(&[(400, "bad request: key=s3cr3t-key, Basic pa55word, https://x/y\nmore")]);
    let mut parts = parts(&double.url);
    parts.secrets = BTreeMap::from([("key".to_owned(), SecretString::from("s3cr3t-key"))]);
    parts.login = Some(Login::Basic { user: "me".to_owned(), password: SecretString::from("pa55word") });
    assert!(!format!("{parts:?}").contains("s3cr3t") && !format!("{parts:?}").contains("pa55"));
    let Err(Refusal::Permanent { reason }) = send(parts, "x") else { panic!("not refused") };
    assert_eq!(reason, "answered 400: bad request: key=(secret), Basic (secret), (URL) more");
}

#[test]
fn the_status_of_a_text_is_asked_for_by_its_id() {
    let polling = |double: &Double| {
        let polling = Polling {
            finder: Finder::Pointer("/status".to_owned()),
            delivered: vec!["delivrd".to_owned()],
            sent: vec!["enroute".to_owned()],
            failed: vec!["rejectd".to_owned()],
        };
        Parts {
            polling: Some((format!("{}/status/{{{{ id | urlencode }}}}", double.url), polling)),
            ..parts(&double.url)
        }
    };
    let double = Double::answering(&[
        (200, r#"{"status":"ENROUTE"}"#),
        (200, r#"{"status":"DELIVRD"}"#),
        (200, r#"{"status":"REJECTD"}"#),
        (200, r#"{"status":"whatever"}"#),
        (503, ""),
        (401, ""),
    ]);
    let gateway = http(polling(&double));
    let ask = || gateway.reports().unwrap().status(Channel::Text, "a/1");
    let text = |status, detail: &str| Ok(Status::Text { status, detail: detail.to_owned() });
    assert_eq!(ask(), text(TextStatus::Sent, ""));
    assert_eq!(ask(), text(TextStatus::Delivered, ""));
    assert_eq!(ask(), text(TextStatus::Undelivered, "REJECTD"));
    assert_eq!(ask(), text(TextStatus::Queued, ""));
    assert!(matches!(ask(), Err(Refusal::Temporary { .. })));
    assert!(matches!(ask(), Err(Refusal::Credentials { .. })));
    assert_eq!(double.received()[0].target, "/status/a%2F1");
    // Without `status_url` it does not pretend to know.
    let silent = http(parts(&double.url));
    assert!(silent.reports().is_none() && silent.records().is_none() && silent.calls().is_none());
}

#[test]
fn a_template_that_cannot_be_used_is_found_beforehand_and_shows_no_secret() {
    let fault = |change: fn(&mut Parts)| {
        let mut parts = parts("https://gate.example");
        change(&mut parts);
        Gateway::of(parts).map(drop).unwrap_err()
    };
    assert_eq!(fault(|parts| parts.body = "{{ txt }}".to_owned()).part, "body");
    assert_eq!(fault(|parts| parts.url = "ftp://x/".to_owned()).part, "url");
    assert_eq!(fault(|parts| parts.url = "{{ to }".to_owned()).part, "url");
    let header = fault(|parts| parts.headers = vec![("A".to_owned(), SecretString::from("s3cr3t {{ x }}"))]);
    assert_eq!(header.part, "headers");
    assert!(!header.why.contains("s3cr3t"), "{}", header.why);
    assert_eq!(fault(|parts| parts.headers = vec![("a b".to_owned(), SecretString::from("x"))]).part, "headers");
}

#[test]
fn mac_authentication_is_that_of_the_documentation() {
    // Computed with: printf '1325376000\nrandom-string\nPOST\n/v2/sms?x=1\napi.smsglobal.com\n443\n\n' |
    //     openssl dgst -sha256 -hmac secret -binary | base64
    let header = gateway::mac(
        "key",
        &SecretString::from("secret"),
        (1_325_376_000, "random-string"),
        ("POST", "https://api.smsglobal.com/v2/sms?x=1"),
    );
    let expected =
        r#"MAC id="key", ts="1325376000", nonce="random-string", mac="uh0ZZUDkrQN+CCE2YT9t2iwZJHE5r0G+3nRctROLSrI=""#;
    assert_eq!(header.unwrap(), expected);
    assert_ne!(gateway::nonce().unwrap(), gateway::nonce().unwrap());
    assert!(gateway::nonce().unwrap().len() <= 32);
}
