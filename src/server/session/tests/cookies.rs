//! How long a session lasts, and whose it is.

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
