//! The web pages under attack, over plain HTTP: forms from elsewhere, forged cookies, roles, guessed passwords and tokens,
//! odd addresses, too much at once.

mod flood;
mod links;
mod markup;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::{DAVID, Phone, Test};

const PASSWORD: &str = "correct horse battery";
const BEARER: &str = "thialfi_0123456789abcdef";

/// Of the password, and cheap: a test is wrong often.
static HASH: LazyLock<String> = LazyLock::new(|| {
    use argon2::password_hash::{CustomizedPasswordHasher, phc};
    let parameters = argon2::Params::new(8, 1, 1, None).unwrap();
    let hash: phc::PasswordHash =
        argon2::Argon2::default().hash_password_with_params(PASSWORD.as_bytes(), &[7; 16], parameters).unwrap();
    hash.to_string()
});

/// An administrator, one who may act, one who may look, and a program.
fn users() -> String {
    use sha2::Digest as _;
    let digest: String = sha2::Sha256::digest(BEARER).iter().map(|byte| format!("{byte:02x}")).collect();
    let entry = |name: &str, role: &str| format!("{name} = {{ password = '{}', role = \"{role}\" }}\n", *HASH);
    format!(
        "[users]\n{}{}{}[tokens]\ngrafana = {{ sha256 = \"{digest}\" }}\n",
        entry("david", "admin"),
        entry("darren", "act"),
        entry("vera", "view")
    )
}

/// A server with people, one open alert, and nobody who answers.
fn served() -> Test {
    let rules = format!("{}{}{}{}", users(), crate::support::PEOPLE, crate::support::PAGE, crate::support::DOWN);
    let mut test = Test::new().rules(&rules).phone(DAVID, [Phone::Stay]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test
}

/// An answer as it came.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// What the first form of the page carries.
    fn csrf(&self) -> String {
        let start = self.body.find("name=\"csrf\" value=\"").expect("no form") + 19;
        self.body[start..].split('"').next().unwrap().to_owned()
    }
}

/// Sends a request with these header lines.
fn ask(test: &Test, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = if method == "POST" { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\n{lines}{length}Connection: close\r\n\r\n{body}",
        test.listens_at()
    );
    let (status, answer) = test.exchange(&request);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

fn get(test: &Test, path: &str, cookie: &str) -> Answer {
    ask(test, "GET", path, &[("Cookie", cookie)], "")
}

/// A form as one of our own pages sends it, with more header lines.
fn post(test: &Test, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
    all.extend(headers);
    ask(test, "POST", path, &all, &body)
}

fn try_to_sign_in(test: &Test, name: &str, password: &str) -> Answer {
    let origin = test.url();
    post(test, "/sign-in", &[("name", name), ("password", password)], &[("Origin", &origin)])
}

/// The cookie of a user, and what their forms carry.
fn signed_in(test: &Test, name: &str) -> (String, String) {
    let answer = try_to_sign_in(test, name, PASSWORD);
    assert_eq!(answer.status, 303, "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let csrf = get(test, "/", &cookie).csrf();
    (cookie, csrf)
}

#[test]
fn a_stolen_cookie_is_worth_nothing_once_its_owner_has_signed_out() {
    let mut test = served();
    let (stolen, csrf) = signed_in(&test, "david");
    let (other, _) = signed_in(&test, "david");
    assert_eq!(get(&test, "/", &stolen).status, 200);
    let origin = test.url();
    let out = post(&test, "/sign-out", &[("csrf", &csrf)], &[("Cookie", &stolen), ("Origin", &origin)]);
    assert_eq!(out.status, 303, "{out:?}");
    let taken = |test: &Test| {
        let form = [("csrf", csrf.as_str())];
        post(test, "/alerts/1/acknowledge", &form, &[("Cookie", &stolen), ("Origin", &origin)]);
        (get(test, "/", &stolen).status, test.state())
    };
    assert_eq!(taken(&test), (303, "open".to_owned()));
    test.stop_server();
    test.start_server();
    assert_eq!(taken(&test), (303, "open".to_owned()), "a new start begins it again");
    assert_eq!(get(&test, "/", &other).status, 200, "another browser of the same user");
}

#[test]
fn a_form_from_another_site_changes_nothing() {
    let test = served();
    let (cookie, csrf) = signed_in(&test, "david");
    let port = test.listens_at().rsplit(':').next().unwrap().to_owned();
    let neighbour = format!("http://127.0.0.1:{}", port.parse::<u16>().unwrap() + 1);
    for from in [
        vec![("Origin", "https://evil.example")],
        vec![("Origin", "null")],
        vec![("Origin", neighbour.as_str())],
        vec![("Referer", "https://evil.example/")],
        vec![("Sec-Fetch-Site", "cross-site"), ("Origin", &test.url())],
        vec![("Sec-Fetch-Site", "same-site")],
        // Who hides where it is from is nobody.
        vec![],
    ] {
        let mut headers = from.clone();
        headers.push(("Cookie", &cookie));
        for path in ["/alerts/1/acknowledge", "/alerts/1/resolve", "/groups/systems/override", "/sign-out", "/try"] {
            let answer = post(&test, path, &[("csrf", &csrf), ("contact", "simon")], &headers);
            assert_eq!(answer.status, 403, "{path} {from:?} {answer:?}");
            assert!(answer.header("set-cookie").is_none(), "{answer:?}");
        }
    }
    assert_eq!(test.state(), "open");
    // Nor does another site sign anybody in under a name of its own.
    let answer = post(
        &test,
        "/sign-in",
        &[("name", "david"), ("password", PASSWORD)],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")],
    );
    assert_eq!(answer.status, 403, "{answer:?}");
    // Looking never changes anything.
    assert_eq!(get(&test, "/alerts/1/acknowledge", &cookie).status, 404);
    assert_eq!(test.state(), "open");
    // And the very same form from our page does.
    let answer =
        post(&test, "/alerts/1/acknowledge", &[("csrf", &csrf)], &[("Origin", &test.url()), ("Cookie", &cookie)]);
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(test.state(), "acknowledged");
}

#[test]
fn a_form_carries_what_only_its_users_pages_know() {
    let test = served();
    let (cookie, csrf) = signed_in(&test, "david");
    let (_, of_darren) = signed_in(&test, "darren");
    let (_, of_another_session) = signed_in(&test, "david");
    let origin = test.url();
    let headers = [("Origin", origin.as_str()), ("Cookie", cookie.as_str())];
    let shorter = &csrf[..csrf.len() - 1];
    let flipped = format!("{}{}", &csrf[..csrf.len() - 2], if csrf.ends_with("AA") { "BB" } else { "AA" });
    for given in ["", "x", shorter, &flipped, &of_darren, &of_another_session] {
        assert_eq!(post(&test, "/alerts/1/acknowledge", &[("csrf", given)], &headers).status, 403, "{given}");
    }
    assert_eq!(post(&test, "/alerts/1/acknowledge", &[], &headers).status, 403);
    // In the address it does not count, nor in a body that is no form.
    let path = format!("/alerts/1/acknowledge?csrf={csrf}");
    assert_eq!(post(&test, &path, &[], &headers).status, 403);
    let plain = [headers[0], headers[1], ("Content-Type", "text/plain")];
    assert_eq!(ask(&test, "POST", "/alerts/1/acknowledge", &plain, &format!("csrf={csrf}")).status, 403);
    assert_eq!(test.state(), "open");
}

#[test]
fn a_cookie_that_was_changed_is_old_or_is_anothers_lets_nobody_in() {
    let mut test = served();
    let (cookie, _) = signed_in(&test, "vera");
    let (of_david, _) = signed_in(&test, "david");
    let (name, value) = cookie.split_once('=').unwrap();
    let (payload, signature) = value.split_once('.').unwrap();
    let (_, signature_of_david) = of_david.split_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(payload).unwrap();
    let renamed = [&bytes[..24], b"david"].concat();
    let as_david = URL_SAFE_NO_PAD.encode(renamed);
    bytes[0] ^= 1;
    let at_another_time = URL_SAFE_NO_PAD.encode(&bytes);
    for forged in [
        format!("{as_david}.{signature}"),
        format!("{as_david}.{signature_of_david}"),
        format!("{at_another_time}.{signature}"),
        format!("{payload}.{signature_of_david}"),
        format!("{payload}."),
        format!("{payload}.{}", "A".repeat(signature.len())),
        format!("{payload}.{signature}="),
        payload.to_owned(),
        "david".to_owned(),
        String::new(),
        "A".repeat(4000),
    ] {
        let answer = get(&test, "/", &format!("{name}={forged}"));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/sign-in")), "{forged}");
        assert!(!answer.body.contains("db1"), "{forged}");
    }
    // It lasts for thirty days from when it was last used, and not for longer.
    assert_eq!(get(&test, "/", &cookie).status, 200);
    test.advance("696h");
    assert_eq!(get(&test, "/", &cookie).status, 200);
    test.advance("48h");
    assert_eq!(get(&test, "/", &cookie).status, 303);
    let answer =
        post(&test, "/alerts/1/acknowledge", &[("csrf", "x")], &[("Origin", &test.url()), ("Cookie", &of_david)]);
    assert_eq!(answer.status, 401, "{answer:?}");
    // What a page shows is kept by nobody on the way, and seen by no script of another site.
    let (cookie, _) = signed_in(&test, "vera");
    let page = get(&test, "/", &cookie);
    for (field, value) in [
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ] {
        assert_eq!(page.header(field), Some(value));
    }
    assert!(page.header("access-control-allow-origin").is_none());
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let answer = try_to_sign_in(&test, "vera", PASSWORD);
    let set = answer.header("set-cookie").unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
}

#[test]
fn who_may_look_may_not_act() {
    let test = served();
    let (cookie, csrf) = signed_in(&test, "vera");
    let origin = test.url();
    for (path, form) in [
        ("/alerts/1/acknowledge", vec![]),
        ("/alerts/1/take-over", vec![]),
        ("/alerts/1/pass-on", vec![]),
        ("/alerts/1/resolve", vec![]),
        ("/alerts/acknowledge", vec![("id", "1")]),
        ("/groups/systems/override", vec![("contact", "simon")]),
        ("/groups/systems/end", vec![]),
    ] {
        let form: Vec<(&str, &str)> = [("csrf", csrf.as_str())].into_iter().chain(form).collect();
        let answer = post(&test, path, &form, &[("Origin", &origin), ("Cookie", &cookie)]);
        assert_eq!(answer.status, 403, "{path} {answer:?}");
        // A program with the role `view`, and somebody who is nobody.
        let bearer = format!("Bearer {BEARER}");
        assert_eq!(post(&test, path, &form, &[("Authorization", &bearer)]).status, 403, "{path}");
        assert_eq!(post(&test, path, &form, &[("Origin", &origin)]).status, 401, "{path}");
    }
    test.let_it_turn();
    assert_eq!(test.state(), "open");
    let duty = test.run(&["oncall"], b"").exit(0).out;
    assert!(duty.contains("David") && !duty.contains("override"), "{duty}");
    // What rules look for may hold secrets: it is for administrators.
    assert!(!get(&test, "/rules", &cookie).body.contains("is DOWN"));
}

#[test]
fn passwords_are_guessed_ten_times_and_no_more_and_are_never_in_the_log() {
    let test = served();
    signed_in(&test, "david");
    for number in 0..10 {
        let answer = try_to_sign_in(&test, "darren", &format!("guess-{number}-of-mallory"));
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(answer.header("set-cookie").is_none());
        assert!(!answer.body.contains("of-mallory"), "{answer:?}");
    }
    let answer = try_to_sign_in(&test, "darren", PASSWORD);
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 60, "{answer:?}");
    assert!(answer.header("set-cookie").is_none());
    // A header that anybody can write buys no other address.
    let form = [("name", "darren"), ("password", PASSWORD)];
    let headers = [("Origin", test.url()), ("X-Forwarded-For", "192.0.2.7".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(post(&test, "/sign-in", &form, &headers).status, 429);
    // A password in the wrong field.
    try_to_sign_in(&test, "my-secret-in-the-wrong-field", "x");

    for number in 0..10 {
        let bearer = format!("Bearer thialfi_wrong_{number}");
        assert_eq!(ask(&test, "GET", "/alerts", &[("Authorization", &bearer)], "").status, 401);
    }
    let bearer = "Bearer thialfi_wrong_again";
    let answer = ask(&test, "GET", "/alerts", &[("Authorization", bearer)], "");
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
    let right = format!("Bearer {BEARER}");
    assert_eq!(ask(&test, "GET", "/alerts", &[("Authorization", &right)], "").status, 200);

    let log = std::fs::read_to_string(test.path("server.log")).unwrap();
    assert!(log.contains("sign-in failed") && log.contains("signed in"), "{log}");
    for secret in [PASSWORD, "of-mallory", "my-secret", BEARER, "thialfi_wrong", HASH.as_str(), "csrf"] {
        assert!(!log.contains(secret), "`{secret}` is in the log: {log}");
    }
}

#[test]
fn odd_addresses_lead_nowhere() {
    let test = served();
    let (cookie, _) = signed_in(&test, "david");
    let long = format!("/{}", "a".repeat(15_000));
    let too_long = format!("/{}", "a".repeat(17_000));
    for path in [
        "/static/../../etc/passwd",
        "/static/..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/",
        "/static/style.css",
        "/../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/alerts/1%00",
        "/alerts/1%2f..",
        "/alerts/-1",
        "/alerts/1e3",
        "/alerts/99999999999999999999999999",
        "/alerts/%F0%9F%92%A9",
        "/alerts/1/",
        "/alerts//1",
        "/groups/..",
        "/groups/systems/",
        "/groups/%3Cscript%3E",
        "//evil.example/",
        "/\\evil.example",
        "/.well-known/change-password/x",
        &long,
        &too_long,
    ] {
        for cookie in ["", &cookie] {
            let answer = get(&test, path, cookie);
            let shown: String = path.chars().take(60).collect();
            assert!(matches!(answer.status, 303 | 400 | 404 | 414 | 431), "{shown}: {}", answer.status);
            assert!(!answer.body.contains("root:") && !answer.body.contains("<script>"), "{shown}: {}", answer.body);
            if let Some(location) = answer.header("location") {
                assert!(location == "/sign-in" || location.starts_with("/sign-in?to=%2F"), "{shown}: {location}");
            }
            if !cookie.is_empty() {
                assert_ne!(answer.status, 303, "{shown}");
            }
        }
    }
    // Odd searches are searches.
    for query in [
        "?state=%00",
        "?before=-1",
        "?text=%27%3B+DROP+TABLE+alerts%3B--",
        "?text=%25",
        "?group=%FF",
        "?from=0000-00-00",
    ] {
        let answer = get(&test, &format!("/alerts{query}"), &cookie);
        assert_eq!(answer.status, 200, "{query}");
    }
    assert_eq!(get(&test, "/alerts?text=%25", &cookie).body.matches("class=\"line ").count(), 0, "a wildcard matched");
    assert_eq!(test.get("/healthz"), 200);
}

#[test]
fn nobody_is_sent_to_another_site_from_here() {
    let test = served();
    for to in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "\\\\evil.example",
        " //evil.example",
        "/sign-out",
        "/x\r\nSet-Cookie: a=b",
    ] {
        let form = [("name", "david"), ("password", PASSWORD), ("to", to)];
        let answer = post(&test, "/sign-in", &form, &[("Origin", &test.url())]);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{to:?}");
        assert!(!answer.head.contains("a=b"), "{answer:?}");
        let query: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
        let form = get(&test, &format!("/sign-in?to={query}"), "");
        assert!(form.body.contains("name=\"to\" value=\"&#x2f;\""), "{to:?} {}", form.body);
    }
    // Nor by the button of a form.
    let (cookie, csrf) = signed_in(&test, "david");
    let form = [("csrf", csrf.as_str()), ("back", "https://evil.example/")];
    let answer = post(&test, "/alerts/1/pass-on", &form, &[("Origin", &test.url()), ("Cookie", &cookie)]);
    assert_eq!(answer.header("location"), Some("/alerts/1"));
}

#[test]
fn a_form_of_ten_megabytes_is_refused_before_it_is_read() {
    let test = served();
    let (cookie, csrf) = signed_in(&test, "david");
    let length = 10 * 1024 * 1024;
    let head = format!(
        "POST /try HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nOrigin: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n",
        test.listens_at(),
        test.url()
    );
    assert_eq!(test.exchange(&head).0, 413, "the header alone");
    let body = format!("csrf={csrf}&mail={}", "x".repeat(length - 11 - csrf.len()));
    let mut stream = TcpStream::connect(test.listens_at()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(body.as_bytes());
    });
    let mut begin = [0; 12];
    reader.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 413");
    drop(reader);
    writer.join().unwrap();
}
