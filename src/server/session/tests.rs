//! Who gets in, and each way in which one does not. The clock is moved by hand, and no test waits.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::clock::ManualClock;
use crate::config::Role;
use crate::oncall::ContactId;
use crate::server::http::Method;
use crate::store::Sqlite;
use crate::store::suite::build;

const PASSWORD: &str = "correct horse battery";
const TOKEN: &str = "thialfi_0123456789abcdefghijklmnopqrstuvwxyz0123456";

/// Cheap to verify, so that a test may fail to sign in often.
static HASH: LazyLock<String> = LazyLock::new(|| cheap(PASSWORD));

fn cheap(password: &str) -> String {
    use argon2::password_hash::{CustomizedPasswordHasher, phc};
    let parameters = argon2::Params::new(8, 1, 1, None).unwrap();
    let hash: phc::PasswordHash =
        argon2::Argon2::default().hash_password_with_params(password.as_bytes(), &[7; 16], parameters).unwrap();
    hash.to_string()
}

/// A rule file, and a server's sessions over it.
struct Scene {
    config: Config,
    clock: ManualClock,
    sessions: Sessions,
}

const PUBLIC: &str = "public_url = \"https://pager.example.com\"";

fn scene() -> Scene {
    with_server(PUBLIC)
}

/// With these lines under `[server]`.
fn with_server(server: &str) -> Scene {
    let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap());
    let sessions = Sessions::new([7; 32], Arc::new(clock.clone()));
    Scene { config: config(server, &HASH), clock, sessions }
}

fn config(server: &str, hash: &str) -> Config {
    let digest: String = {
        use sha2::Digest as _;
        sha2::Sha256::digest(TOKEN).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let text = format!(
        "[contacts]\ndavid = {{ name = \"David\", phone = \"+64211110001\" }}\n[server]\n{server}\n\
         [users]\ndavid = {{ password = \"{hash}\" }}\ndarren = {{ password = \"{hash}\", role = \"admin\" }}\n\
         proxied = {{ role = \"view\" }}\n\
         [tokens]\nother = {{ sha256 = \"{}\" }}\ngrafana = {{ sha256 = \"{digest}\" }}\n",
        "00".repeat(32)
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rules.toml");
    std::fs::write(&path, text).unwrap();
    Config::load_with(&path, &|_| None).unwrap()
}

fn request(headers: &[(&str, &str)]) -> Request {
    Request {
        method: Method::Get,
        path: "/".into(),
        query: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: Vec::new(),
        remote: Some("192.0.2.1".parse().unwrap()),
    }
}

fn from(remote: &str, headers: &[(&str, &str)]) -> Request {
    Request { remote: Some(remote.parse().unwrap()), ..request(headers) }
}

impl Scene {
    fn sign_in(&self, request: &Request, name: &str, password: &str) -> SignIn {
        self.sessions.sign_in(request, &self.config, name, password)
    }

    /// Signs in; the pair that a browser sends from then on.
    fn cookie(&self, name: &str) -> String {
        match self.sign_in(&request(&[]), name, PASSWORD) {
            SignIn::Accepted { cookie } => cookie.split(';').next().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn visitor(&self, request: &Request) -> Result<Option<Visitor>, Refused> {
        self.sessions.visitor(request, &self.config)
    }

    fn with_cookie(&self, cookie: &str) -> Option<Visitor> {
        self.visitor(&request(&[("Cookie", cookie)])).unwrap()
    }

    fn wait(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }
}

const DAY: i64 = 24 * 3600;

mod by_password {
    use super::*;

    #[test]
    fn who_signs_in_is_known_by_the_cookie() {
        let scene = scene();
        let SignIn::Accepted { cookie } = scene.sign_in(&request(&[]), "david", PASSWORD) else { panic!() };
        assert!(cookie.starts_with("__Host-thialfi="), "{cookie}");
        for attribute in ["Path=/", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=2592000"] {
            assert!(cookie.split("; ").any(|one| one == attribute), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        let visitor = scene.with_cookie(&format!("other=1; {}; more=2", cookie.split(';').next().unwrap())).unwrap();
        assert_eq!((visitor.name.as_str(), visitor.role, visitor.proof), ("david", Role::Act, Proof::Password));
        assert_eq!(visitor.contact, Some(ContactId::new("david")));
        assert_eq!(visitor.renewal, None);
        assert_eq!(scene.with_cookie(&scene.cookie("darren")).unwrap().role, Role::Admin);
    }

    #[test]
    fn without_https_the_cookie_is_not_kept_from_it() {
        let scene = with_server("");
        let SignIn::Accepted { cookie } = scene.sign_in(&request(&[]), "david", PASSWORD) else { panic!() };
        assert!(
            cookie.starts_with("thialfi=") && !cookie.contains("Secure") && cookie.contains("HttpOnly"),
            "{cookie}"
        );
        let pair = cookie.split(';').next().unwrap();
        assert!(scene.with_cookie(pair).is_some());
        // A cookie that anybody in the domain could have set is not taken where there is a better one.
        assert_eq!(super::scene().with_cookie(pair), None);
    }

    #[test]
    fn signing_out_takes_the_same_cookie_away() {
        let scene = scene();
        let gone = scene.sessions.sign_out(&request(&[]), &scene.config);
        assert_eq!(gone.cookie, "__Host-thialfi=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(gone.ended, None);
        let plain = with_server("");
        let gone = plain.sessions.sign_out(&request(&[]), &plain.config);
        assert_eq!(gone.cookie, "thialfi=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(scene.with_cookie("__Host-thialfi="), None);
    }

    #[test]
    fn who_has_a_copy_of_the_cookie_is_signed_out_too() {
        let scene = scene();
        let (stolen, other) = (scene.cookie("david"), scene.cookie("david"));
        scene.wait(2 * DAY);
        // The thief uses it, and has had it renewed.
        let renewed = scene.with_cookie(&stolen).unwrap().renewal.unwrap();
        let renewed = renewed.split(';').next().unwrap().to_owned();
        assert!(renewed != stolen && scene.with_cookie(&renewed).is_some());
        let gone = scene.sessions.sign_out(&request(&[("Cookie", &stolen)]), &scene.config);
        assert_eq!((scene.with_cookie(&stolen), scene.with_cookie(&renewed)), (None, None));
        assert!(scene.with_cookie(&other).is_some(), "the same user, in another browser");
        // After a new start, too; and nothing of it is kept longer than the session would have lasted.
        let ended = gone.ended.unwrap();
        let anew = Sessions::new([7; 32], Arc::new(scene.clock.clone())).with_ended([ended]);
        let visitor = |cookie: &str| anew.visitor(&request(&[("Cookie", cookie)]), &scene.config).unwrap();
        assert_eq!(visitor(&renewed), None);
        assert!(visitor(&other).is_some());
        scene.wait(31 * DAY);
        assert_eq!((scene.with_cookie(&renewed), scene.with_cookie(&other)), (None, None));
        assert!(ended.1 <= scene.clock.now());
    }

    #[test]
    fn a_wrong_name_and_a_wrong_password_are_answered_alike() {
        let scene = scene();
        for (name, password) in [
            ("david", "correct horse batterz"),
            ("david", ""),
            ("David", PASSWORD),
            ("nobody", PASSWORD),
            ("proxied", PASSWORD),
            ("proxied", ""),
            ("", ""),
        ] {
            assert_eq!(scene.sign_in(&request(&[]), name, password), SignIn::Wrong, "{name} {password}");
        }
    }

    #[test]
    fn a_password_of_enormous_length_is_wrong_without_a_look() {
        let long = "x".repeat(1001);
        let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap());
        let sessions = Sessions::new([7; 32], Arc::new(clock));
        let config = config(PUBLIC, &cheap(&long));
        assert_eq!(sessions.sign_in(&request(&[]), &config, "david", &long), SignIn::Wrong);
        let config = super::config(PUBLIC, &cheap(&long[..1000]));
        assert!(matches!(sessions.sign_in(&request(&[]), &config, "david", &long[..1000]), SignIn::Accepted { .. }));
    }

    #[test]
    fn too_many_failures_are_refused_right_or_wrong() {
        let scene = scene();
        for _ in 0..10 {
            assert_eq!(scene.sign_in(&request(&[]), "david", "wrong"), SignIn::Wrong);
        }
        assert_eq!(scene.sign_in(&request(&[]), "david", PASSWORD), SignIn::TooMany { retry_after: 900 });
        scene.wait(899);
        assert_eq!(scene.sign_in(&request(&[]), "darren", PASSWORD), SignIn::TooMany { retry_after: 1 });
        assert!(matches!(scene.sign_in(&from("192.0.2.2", &[]), "david", PASSWORD), SignIn::Accepted { .. }));
        scene.wait(1);
        assert!(matches!(scene.sign_in(&request(&[]), "david", PASSWORD), SignIn::Accepted { .. }));
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let scene = scene();
        for number in 0..10 {
            assert_eq!(scene.sign_in(&from(&format!("2001:db8::{number}"), &[]), "david", "wrong"), SignIn::Wrong);
        }
        assert!(matches!(scene.sign_in(&from("2001:db8::ffff", &[]), "david", "wrong"), SignIn::TooMany { .. }));
        assert_eq!(scene.sign_in(&from("2001:db8:0:1::1", &[]), "david", "wrong"), SignIn::Wrong);
    }

    #[test]
    fn a_name_that_is_guessed_at_from_everywhere_is_closed_but_for_where_it_is_known() {
        let scene = scene();
        scene.cookie("david");
        for number in 0..20 {
            assert_eq!(scene.sign_in(&from(&format!("198.51.100.{number}"), &[]), "david", "wrong"), SignIn::Wrong);
        }
        let elsewhere = from("198.51.100.99", &[]);
        assert!(matches!(scene.sign_in(&elsewhere, "david", PASSWORD), SignIn::TooMany { .. }));
        assert!(matches!(scene.sign_in(&elsewhere, "darren", PASSWORD), SignIn::Accepted { .. }));
        scene.cookie("david");
    }

    #[test]
    fn failures_count_by_who_asked_the_proxy() {
        let scene = with_server("proxy = { addresses = \"127.0.0.1\" }");
        let behind = |client: &str| from("127.0.0.1", &[("X-Forwarded-For", client)]);
        for _ in 0..10 {
            assert_eq!(scene.sign_in(&behind("203.0.113.5"), "david", "wrong"), SignIn::Wrong);
        }
        assert!(matches!(scene.sign_in(&behind("203.0.113.5"), "david", PASSWORD), SignIn::TooMany { .. }));
        // What they write before it changes nothing.
        assert!(matches!(scene.sign_in(&behind("1.2.3.4, 203.0.113.5"), "david", PASSWORD), SignIn::TooMany { .. }));
        assert!(matches!(scene.sign_in(&behind("203.0.113.6"), "david", PASSWORD), SignIn::Accepted { .. }));
    }

    #[test]
    fn another_site_signs_nobody_in() {
        let scene = scene();
        for headers in
            [&[("Sec-Fetch-Site", "cross-site")][..], &[("Origin", "https://evil.example")], &[("Origin", "null")]]
        {
            assert_eq!(scene.sign_in(&request(headers), "david", PASSWORD), SignIn::OtherSite, "{headers:?}");
        }
        let ours = [("Origin", "https://pager.example.com"), ("Sec-Fetch-Site", "same-origin")];
        assert!(matches!(scene.sign_in(&request(&ours), "david", PASSWORD), SignIn::Accepted { .. }));
    }
}

mod cookies {
    use super::*;

    #[test]
    fn a_session_that_nobody_uses_ends_after_thirty_days() {
        let scene = scene();
        let cookie = scene.cookie("david");
        scene.wait(30 * DAY - 1);
        assert!(scene.with_cookie(&cookie).is_some());
        scene.wait(1);
        assert_eq!(scene.with_cookie(&cookie), None);
    }

    #[test]
    fn a_session_that_is_used_is_renewed_daily_and_its_forms_stay_good() {
        let scene = scene();
        let mut cookie = scene.cookie("david");
        let first = scene.with_cookie(&cookie).unwrap();
        scene.wait(DAY - 1);
        assert_eq!(scene.with_cookie(&cookie).unwrap().renewal, None);
        for _ in 0..40 {
            scene.wait(DAY);
            let visitor = scene.with_cookie(&cookie).unwrap();
            assert_eq!(visitor.csrf, first.csrf);
            let renewal = visitor.renewal.unwrap();
            assert!(renewal.contains("Max-Age=2592000") && renewal.contains("HttpOnly"), "{renewal}");
            cookie = renewal.split(';').next().unwrap().to_owned();
            assert_eq!(scene.with_cookie(&cookie).unwrap().renewal, None);
        }
    }

    #[test]
    fn one_from_the_future_is_not_ours() {
        let scene = scene();
        let cookie = scene.cookie("david");
        scene.wait(-60);
        assert!(scene.with_cookie(&cookie).is_some(), "a clock may be set back a little");
        scene.wait(-1);
        assert_eq!(scene.with_cookie(&cookie), None);
    }

    #[test]
    fn none_that_was_changed_is_taken() {
        let scene = scene();
        let cookie = scene.cookie("david");
        let value = cookie.strip_prefix("__Host-thialfi=").unwrap();
        let start = cookie.len() - value.len();
        for place in start..cookie.len() {
            for other in ["A", "B", ".", "=", "-"] {
                let mut changed = cookie.clone();
                changed.replace_range(place..=place, other);
                if changed != cookie {
                    assert_eq!(scene.with_cookie(&changed), None, "{place} {other}");
                }
            }
        }
        for length in start..cookie.len() {
            assert_eq!(scene.with_cookie(&cookie[..length]), None, "{length}");
        }
        let (payload, signature) = value.split_once('.').unwrap();
        for other in [
            payload.to_owned(),
            format!("{payload}."),
            format!(".{signature}"),
            format!("{value}."),
            format!("{value}x"),
            format!("{signature}.{payload}"),
            format!("{payload}.{signature}.{signature}"),
            String::new(),
            "AAAA.AAAA".to_owned(),
        ] {
            assert_eq!(scene.with_cookie(&format!("__Host-thialfi={other}")), None, "{other}");
        }
        assert_eq!(scene.with_cookie(&format!("__host-thialfi={value}")), None, "names of cookies have their case");
        assert_eq!(scene.with_cookie(&format!("x__Host-thialfi={value}")), None);
    }

    #[test]
    fn the_signature_of_one_user_is_not_good_for_another() {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let scene = scene();
        let (cookie, other) = (scene.cookie("david"), scene.cookie("darren"));
        let parts = |cookie: &str| {
            let (payload, signature) = cookie.split_once('=').unwrap().1.split_once('.').unwrap();
            (payload.to_owned(), signature.to_owned())
        };
        let ((payload, signature), (others, _)) = (parts(&cookie), parts(&other));
        assert_eq!(scene.with_cookie(&format!("__Host-thialfi={others}.{signature}")), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(payload).unwrap();
        bytes.truncate(24);
        bytes.extend(b"darren");
        assert_eq!(scene.with_cookie(&format!("__Host-thialfi={}.{signature}", URL_SAFE_NO_PAD.encode(bytes))), None);
    }

    #[test]
    fn a_new_password_a_lost_user_or_another_key_ends_them() {
        let scene = scene();
        let cookie = scene.cookie("david");
        let asked = request(&[("Cookie", &cookie)]);
        let others = config(PUBLIC, &cheap("another password"));
        assert_eq!(scene.sessions.visitor(&asked, &others), Ok(None));
        let mut gone = config(PUBLIC, &HASH);
        gone.users.remove("david");
        assert_eq!(scene.sessions.visitor(&asked, &gone), Ok(None));
        let mut without = config(PUBLIC, &HASH);
        without.users.get_mut("david").unwrap().password = None;
        assert_eq!(scene.sessions.visitor(&asked, &without), Ok(None));
        let elsewhere = Sessions::new([8; 32], Arc::new(scene.clock.clone()));
        assert_eq!(elsewhere.visitor(&asked, &scene.config), Ok(None));
        // A new start with the same key ends nothing, and a new role counts at once.
        let mut promoted = config(PUBLIC, &HASH);
        promoted.users.get_mut("david").unwrap().role = Role::View;
        let again = Sessions::new([7; 32], Arc::new(scene.clock.clone()));
        assert_eq!(again.visitor(&asked, &promoted).unwrap().unwrap().role, Role::View);
    }

    #[test]
    fn one_that_another_site_of_the_domain_has_added_hides_ours_not() {
        let scene = scene();
        let cookie = scene.cookie("david");
        assert!(scene.with_cookie(&format!("__Host-thialfi=junk; {cookie}")).is_some());
        let many = "__Host-thialfi=junk; ".repeat(1000);
        assert_eq!(scene.with_cookie(&format!("{many}{cookie}")), None, "bounded work");
        assert!(scene.visitor(&request(&[("Cookie", "x=1"), ("cookie", &cookie)])).unwrap().is_some());
    }
}

mod forms {
    use super::*;

    const OURS: (&str, &str) = ("Origin", "https://pager.example.com");

    fn sent(scene: &Scene, visitor: &Visitor, headers: &[(&str, &str)], csrf: &str) -> Result<(), Refused> {
        let form = [("csrf".to_owned(), csrf.to_owned())];
        scene.sessions.check_form(&request(headers), &scene.config, visitor, &form)
    }

    #[test]
    fn a_form_carries_what_only_our_pages_know() {
        let scene = scene();
        let visitor = scene.with_cookie(&scene.cookie("david")).unwrap();
        let again = scene.with_cookie(&scene.cookie("david")).unwrap();
        let other = scene.with_cookie(&scene.cookie("darren")).unwrap();
        assert_eq!(sent(&scene, &visitor, &[OURS], &visitor.csrf), Ok(()));
        assert_ne!(visitor.csrf, again.csrf, "each session has its own");
        for csrf in ["", "x", &visitor.csrf[1..], &format!("{} ", visitor.csrf), &other.csrf, &again.csrf] {
            assert_eq!(sent(&scene, &visitor, &[OURS], csrf), Err(Refused::StaleForm), "{csrf}");
        }
        let nothing = scene.sessions.check_form(&request(&[OURS]), &scene.config, &visitor, &[]);
        assert_eq!(nothing, Err(Refused::StaleForm));
    }

    #[test]
    fn a_form_says_that_it_is_from_us() {
        let scene = scene();
        let visitor = scene.with_cookie(&scene.cookie("david")).unwrap();
        let sent = |headers: &[(&str, &str)]| sent(&scene, &visitor, headers, &visitor.csrf);
        for headers in [
            &[("Sec-Fetch-Site", "same-origin")][..],
            &[("Sec-Fetch-Site", "none")],
            &[("Sec-Fetch-Site", "same-origin"), ("Origin", "null")],
            &[OURS],
            &[("Origin", "HTTPS://Pager.Example.com:443")],
            &[("Referer", "https://pager.example.com/alerts/1?x=y")],
            &[("Host", "10.0.0.1:8085"), ("Origin", "http://10.0.0.1:8085")],
            &[("Host", "pager.internal"), ("Origin", "https://pager.internal")],
            &[("Host", "pager.internal"), ("Referer", "http://pager.internal:80/x")],
        ] {
            assert_eq!(sent(headers), Ok(()), "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("Sec-Fetch-Site", "cross-site"), OURS],
            &[("Sec-Fetch-Site", "same-site"), OURS],
            &[("Sec-Fetch-Site", "same-origin, cross-site")],
            &[("Origin", "null")],
            &[("Origin", "https://evil.example"), ("Referer", "https://pager.example.com/")],
            &[("Origin", "http://pager.example.com")],
            &[("Origin", "https://pager.example.com:8443")],
            &[("Origin", "https://pager.example.com.evil.example")],
            &[("Origin", "https://pager.example.com@evil.example")],
            &[("Origin", "")],
            &[("Referer", "https://evil.example/https://pager.example.com/")],
            &[("Referer", "https://pager.example.com\\@evil.example/")],
            &[("Host", "pager.internal"), ("Origin", "ftp://pager.internal")],
            &[("Host", ""), ("Origin", "https://")],
        ] {
            let expected = if headers == [("Referer", "https://pager.example.com\\@evil.example/")] {
                // A browser reads a backslash as a slash, and then this is ours.
                Ok(())
            } else {
                Err(Refused::OtherSite)
            };
            assert_eq!(sent(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn whom_the_proxy_names_needs_the_field_too() {
        let scene = with_server(
            "public_url = \"https://pager.example.com\"\nproxy = { addresses = \"127.0.0.1\", user_header = \"Remote-User\" }",
        );
        let visitor = scene.visitor(&from("127.0.0.1", &[("Remote-User", "david")])).unwrap().unwrap();
        let other = scene.visitor(&from("127.0.0.1", &[("Remote-User", "darren")])).unwrap().unwrap();
        assert_eq!(sent(&scene, &visitor, &[OURS], &visitor.csrf), Ok(()));
        assert_eq!(sent(&scene, &visitor, &[OURS], &other.csrf), Err(Refused::StaleForm));
        assert_eq!(sent(&scene, &visitor, &[], &visitor.csrf), Err(Refused::OtherSite));
    }

    #[test]
    fn a_program_needs_neither() {
        let scene = scene();
        let visitor = scene.visitor(&request(&[("Authorization", &format!("Bearer {TOKEN}"))])).unwrap().unwrap();
        assert_eq!(sent(&scene, &visitor, &[], ""), Ok(()));
    }

    #[test]
    fn whom_a_link_let_in_has_no_form_of_a_session() {
        let scene = scene();
        let visitor = Visitor::by_link(&ContactId::new("david"), &scene.config);
        assert_eq!((visitor.name.as_str(), visitor.role, visitor.proof), ("David", Role::Act, Proof::Link));
        assert_eq!(sent(&scene, &visitor, &[OURS], ""), Err(Refused::StaleForm));
    }
}

mod by_proxy {
    use super::*;

    const PROXY: &str = "proxy = { addresses = [\"127.0.0.1\", \"unix\"], user_header = \"Remote-User\" }";

    #[test]
    fn its_word_is_believed_from_its_address_alone() {
        let scene = with_server(PROXY);
        let named = [("remote-user", "proxied")];
        let visitor = scene.visitor(&from("127.0.0.1", &named)).unwrap().unwrap();
        assert_eq!((visitor.name.as_str(), visitor.role, visitor.proof), ("proxied", Role::View, Proof::Proxy));
        let on_socket = Request { remote: None, ..request(&named) };
        assert!(scene.visitor(&on_socket).unwrap().is_some());
        for stranger in ["192.0.2.1", "127.0.0.2", "::1", "::ffff:192.0.2.1"] {
            assert_eq!(scene.visitor(&from(stranger, &named)), Ok(None), "{stranger}");
        }
        // Who asked the proxy has no say in whether it is one.
        assert_eq!(
            scene.visitor(&from("192.0.2.1", &[("Remote-User", "david"), ("X-Forwarded-For", "127.0.0.1")])),
            Ok(None)
        );
    }

    #[test]
    fn it_is_not_believed_where_no_field_is_named() {
        let scene = with_server("proxy = { addresses = \"127.0.0.1\" }");
        assert_eq!(scene.visitor(&from("127.0.0.1", &[("Remote-User", "david")])), Ok(None));
    }

    #[test]
    fn a_name_that_the_rule_file_lacks_gets_the_role_for_such_or_nothing() {
        let stranger = from("127.0.0.1", &[("Remote-User", "stranger")]);
        assert_eq!(with_server(PROXY).visitor(&stranger), Err(Refused::UnknownUser));
        let scene = with_server(&PROXY.replace(" }", ", role = \"view\" }"));
        let visitor = scene.visitor(&stranger).unwrap().unwrap();
        assert_eq!((visitor.name.as_str(), visitor.role, visitor.contact), ("stranger", Role::View, None));
        assert_eq!(scene.visitor(&from("127.0.0.1", &[("Remote-User", "darren")])).unwrap().unwrap().role, Role::Admin);
    }

    #[test]
    fn two_names_are_none() {
        let twice = from("127.0.0.1", &[("Remote-User", "darren"), ("REMOTE-USER", "proxied")]);
        assert_eq!(with_server(PROXY).visitor(&twice), Err(Refused::TwoNames));
    }

    #[test]
    fn who_is_not_named_may_have_a_cookie() {
        let scene = with_server(PROXY);
        let cookie = scene.cookie("david");
        for name in ["", " "] {
            let visitor =
                scene.visitor(&from("127.0.0.1", &[("Remote-User", name), ("Cookie", &cookie)])).unwrap().unwrap();
            assert_eq!(visitor.proof, Proof::Password);
        }
    }
}

mod by_token {
    use super::*;

    fn bearer(token: &str) -> Request {
        request(&[("Authorization", &format!("Bearer {token}"))])
    }

    #[test]
    fn a_token_is_known_by_its_digest() {
        let scene = scene();
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let visitor = scene.visitor(&request(&[("authorization", &format!("{scheme} {TOKEN}"))])).unwrap().unwrap();
            assert_eq!((visitor.name.as_str(), visitor.role, visitor.proof), ("grafana", Role::View, Proof::Token));
            assert_eq!(visitor.contact, None);
        }
    }

    #[test]
    fn a_wrong_one_is_refused_and_never_a_cookie_s_visitor() {
        let scene = scene();
        let cookie = scene.cookie("david");
        for wrong in [&TOKEN[..TOKEN.len() - 1], &format!("{TOKEN}x"), "thialfi_", "thialfi_ "] {
            let asked = request(&[("Authorization", &format!("Bearer {wrong}")), ("Cookie", &cookie)]);
            assert_eq!(scene.visitor(&asked), Err(Refused::WrongToken), "{wrong}");
        }
    }

    #[test]
    fn what_is_none_of_ours_is_passed_over() {
        let scene = scene();
        for other in ["Basic ZGF2aWQ6eA==", "Bearer eyJhbGciOi", "Bearer", "", TOKEN, &format!("Token {TOKEN}")] {
            assert_eq!(scene.visitor(&request(&[("Authorization", other)])), Ok(None), "{other}");
        }
    }

    #[test]
    fn too_many_wrong_ones_are_told_so_and_the_right_one_still_passes() {
        let scene = scene();
        for _ in 0..10 {
            assert_eq!(scene.visitor(&bearer("thialfi_wrong")), Err(Refused::WrongToken));
        }
        let refused = scene.visitor(&bearer("thialfi_wrong")).unwrap_err();
        assert_eq!((refused.status(), refused.retry_after()), (429, Some(900)));
        assert!(scene.visitor(&bearer(TOKEN)).unwrap().is_some());
        // They are no failures to sign in.
        scene.cookie("david");
        scene.wait(900);
        assert_eq!(scene.visitor(&bearer("thialfi_wrong")), Err(Refused::WrongToken));
    }

    #[test]
    fn without_tokens_there_is_none() {
        let mut scene = scene();
        scene.config.tokens.clear();
        assert_eq!(scene.visitor(&bearer(TOKEN)), Err(Refused::WrongToken));
    }
}

mod addresses {
    use super::*;

    fn asks(proxy: &str, remote: &str, forwarded: &[&str]) -> String {
        let config = config(&format!("proxy = {{ addresses = [{proxy}] }}"), &HASH);
        let headers: Vec<(&str, &str)> = forwarded.iter().map(|value| ("X-Forwarded-For", *value)).collect();
        let asked =
            if remote == "unix" { Request { remote: None, ..request(&headers) } } else { from(remote, &headers) };
        shown(client(&asked, &config.server.proxy))
    }

    #[test]
    fn the_proxy_says_who_asked_it() {
        let ours = "\"127.0.0.1\", \"10.0.0.2\", \"::1\"";
        for (remote, forwarded, expected) in [
            ("127.0.0.1", &["203.0.113.5"][..], "203.0.113.5"),
            ("::1", &["203.0.113.5"], "203.0.113.5"),
            ("127.0.0.1", &["6.6.6.6, 203.0.113.5"], "203.0.113.5"),
            ("127.0.0.1", &["6.6.6.6", "203.0.113.5"], "203.0.113.5"),
            ("127.0.0.1", &["6.6.6.6, 203.0.113.5, 10.0.0.2"], "203.0.113.5"),
            ("127.0.0.1", &["203.0.113.5:4711"], "203.0.113.5"),
            ("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("127.0.0.1", &["::ffff:203.0.113.5"], "203.0.113.5"),
            ("127.0.0.1", &["203.0.113.5, unknown"], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.5, unknown, 10.0.0.2"], "10.0.0.2"),
            ("127.0.0.1", &["10.0.0.2"], "10.0.0.2"),
            ("127.0.0.1", &[""], "127.0.0.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            // No proxy of ours.
            ("192.0.2.1", &["203.0.113.5"], "192.0.2.1"),
            ("unix", &["203.0.113.5"], "unix"),
        ] {
            assert_eq!(asks(ours, remote, forwarded), expected, "{remote} {forwarded:?}");
        }
        assert_eq!(asks("\"unix\"", "unix", &["203.0.113.5"]), "203.0.113.5");
        assert_eq!(asks("\"unix\"", "unix", &[]), "unix");
    }

    #[test]
    fn a_chain_without_end_is_not_followed() {
        let chain = "10.0.0.2, ".repeat(1000) + "10.0.0.2";
        assert_eq!(asks("\"10.0.0.2\"", "10.0.0.2", &[&chain]), "10.0.0.2");
    }
}

mod links {
    use super::*;
    use crate::alert::{AlertId, NotificationId, Token};
    use crate::store::Store as _;

    fn with_links() -> Config {
        with_server(&format!("{PUBLIC}\nlink = \"token\"")).config
    }

    fn stored() -> (Sqlite, NotificationId, String) {
        let mut store = Sqlite::in_memory().unwrap();
        let alert = build::open_due(&mut store, "link", &[build::at(0), build::at(60)]);
        let id = NotificationId { alert, number: 2 };
        let link = Link::make(id, &build::token(alert, 2));
        (store, id, link)
    }

    #[test]
    fn it_lets_the_one_in_to_whom_it_was_sent_for_a_day() {
        let (mut store, id, link) = stored();
        let config = with_links();
        let sent_at = store.alert(id.alert).unwrap().notifications[1].created_at;
        let mut verify = |seconds: i64| {
            Link::verify(&mut store, &link, &config, sent_at + SignedDuration::from_secs(seconds)).unwrap()
        };
        assert_eq!(verify(0), Some((id, ContactId::new("david"))));
        assert!(verify(DAY - 1).is_some());
        assert_eq!(verify(DAY), None);
        assert_eq!(verify(-DAY), None);
    }

    #[test]
    fn no_other_link_does() {
        let (mut store, id, link) = stored();
        let config = with_links();
        let proof = link.rsplit('.').next().unwrap();
        let other_number = NotificationId { number: 1, ..id };
        let no_number = NotificationId { number: 9, ..id };
        let no_alert = NotificationId { alert: AlertId(999), ..id };
        for wrong in [
            String::new(),
            "x".to_owned(),
            format!("{id}"),
            format!("{id}."),
            format!("{other_number}.{proof}"),
            format!("{no_number}.{proof}"),
            format!("{no_alert}.{proof}"),
            format!("{link}="),
            format!("{link}/"),
            link[..link.len() - 1].to_owned(),
            Link::make(id, &Token::from_bits(1)),
            format!("9999999999999999999999.1.{proof}"),
        ] {
            assert_eq!(Link::verify(&mut store, &wrong, &config, build::at(0)).unwrap(), None, "{wrong}");
        }
        assert!(Link::verify(&mut store, &link, &config, build::at(0)).unwrap().is_some());
    }

    #[test]
    fn nor_does_that_of_somebody_who_is_no_contact_any_more() {
        let (mut store, _, link) = stored();
        let mut config = with_links();
        config.roster.contacts.clear();
        assert_eq!(Link::verify(&mut store, &link, &config, build::at(0)).unwrap(), None);
    }

    #[test]
    fn nor_does_any_once_texts_have_none_any_more() {
        let (mut store, _, link) = stored();
        for setting in ["", "link = true", "link = false"] {
            let config = with_server(&format!("{PUBLIC}\n{setting}")).config;
            assert_eq!(Link::verify(&mut store, &link, &config, build::at(0)).unwrap(), None, "{setting}");
        }
        assert!(Link::verify(&mut store, &link, &with_links(), build::at(0)).unwrap().is_some());
    }
}
