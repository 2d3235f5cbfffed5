//! Whom a proxy names.

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
