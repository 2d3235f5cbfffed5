//! Signing in by password: who may, and who guesses too often.

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
    assert!(cookie.starts_with("thialfi=") && !cookie.contains("Secure") && cookie.contains("HttpOnly"), "{cookie}");
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
