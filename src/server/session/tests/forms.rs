//! Forms come from our own pages.

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
