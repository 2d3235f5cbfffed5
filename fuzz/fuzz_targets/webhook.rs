//! What arrives over HTTP: the body of a form, its signature, and the header of a request. The input is a request; what
//! follows its header is a form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use thialfi::server::gate;
use thialfi::server::http::{self, Method, Request};
use thialfi::server::signature;

fuzz_target!(|input: &[u8]| {
    let (target, headers) = match gate::parse(input) {
        Some(request) => {
            assert!(request.path.starts_with('/'), "{:?}", request.path);
            let plain = |text: &str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
            assert!(plain(&request.target()) && !request.target().contains(' '), "{:?}", request.target());
            assert!(request.headers.iter().all(|(name, value)| plain(name) && plain(value)), "{:?}", request.headers);
            assert!(request.body.len() <= gate::MAX_BODY);
            form(&request);
            (request.target(), request.headers)
        }
        None => ("/twilio/sms?a=b".to_owned(), Vec::new()),
    };
    let body = input.splitn(2, |byte| *byte == b'\n').last().unwrap_or_default();
    let pairs = http::pairs(body);
    // The same as the standard's own algorithm says.
    let standard: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    assert_eq!(pairs, standard);
    let again = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    assert_eq!(http::pairs(again.as_bytes()), pairs);
    sign(&format!("https://pager.example.com{target}"), &pairs);
    let given = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-twilio-signature"));
    if let Some((_, given)) = given {
        let valid = signature::verify(&[&SecretString::from("token")], &target, &pairs, given);
        assert_eq!(valid, *given == signature::sign("token", &target, &pairs));
    }
});

fn form(request: &Request) {
    assert!(matches!(request.method, Method::Get | Method::Head | Method::Post));
    let _ = (request.form(), request.query_pairs());
}

fn sign(url: &str, pairs: &[(String, String)]) {
    let (token, other) = (SecretString::from("a token"), SecretString::from("another"));
    let signed = signature::sign("a token", url, pairs);
    assert!(signature::verify(&[&token], url, pairs, &signed));
    assert!(signature::verify(&[&other, &token], url, pairs, &signed));
    assert!(!signature::verify(&[&other], url, pairs, &signed));
    assert!(!signature::verify(&[], url, pairs, &signed));
    assert!(!signature::verify(&[&token], url, pairs, ""));
    let mut turned = pairs.to_vec();
    turned.reverse();
    assert!(signature::verify(&[&token], url, &turned, &signed), "the order of parameters does not count");
    let mut more = pairs.to_vec();
    more.push(("CallStatus\u{1}".to_owned(), "completed".to_owned()));
    assert!(pairs.contains(more.last().unwrap()) || !signature::verify(&[&token], url, &more, &signed));
}
