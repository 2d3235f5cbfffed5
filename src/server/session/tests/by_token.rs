//! Programs, by their token.

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
