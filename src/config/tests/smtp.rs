//! What the rule file may say of a mail server.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::provider::smtp::{Security, Settings};

fn settings(keys: &str) -> Arc<Settings> {
    let files = Files::of(&format!("[providers.mails]\nkind = \"smtp\"\n{keys}\n")).with("password", "s3cret");
    match &files.load().unwrap().providers[0].service {
        Some(Service::Smtp(settings)) => Arc::clone(settings),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_on_this_machine_needs_a_sender_alone() {
    let local = settings("from = \"thialfi@example.com\"");
    assert_eq!((local.host.as_str(), local.port, local.security), ("localhost", 25, Security::None));
    assert_eq!((local.sender.name.as_str(), local.timeout), ("thialfi", Duration::from_secs(20)));
}

#[test]
fn another_is_reached_by_tls_and_its_usual_port() {
    let keys =
        "from = \"t@example.com\"\nhost = \"mail.example.com\"\nuser = \"me\"\npassword = { file = \"password\" }";
    let remote = settings(keys);
    assert_eq!((remote.port, remote.security), (587, Security::StartTls));
    assert_eq!(remote.login.as_ref().map(|(user, _)| user.as_str()), Some("me"));
    assert!(!format!("{remote:?}").contains("s3cret"));
    let implicit = settings(&format!("{keys}\ntls = \"implicit\"\nhello = \"pager.example.com\"\ntimeout = \"30s\""));
    assert_eq!((implicit.port, implicit.security), (465, Security::Implicit));
    assert_eq!(implicit.hello.as_deref(), Some("pager.example.com"));
    assert_eq!(settings(&format!("{keys}\nport = 2525")).port, 2525);
}

#[test]
fn what_would_not_work_is_refused() {
    let complaints = |keys: &str| {
        let files = Files::of(&format!("[providers.mails]\nkind = \"smtp\"\n{keys}\n"));
        (files.errors(), files.warnings())
    };
    for (keys, expected) in [
        ("host = \"localhost\"", "`from` is missing"),
        ("from = \"nobody\"", "`nobody` is not a mail address"),
        ("from = \"t@x\"\nhost = \"mail.example.com:587\"", "is not a host"),
        ("from = \"t@x\"\nport = 0", "from 1 to 65535"),
        ("from = \"t@x\"\ntls = \"yes\"", "`yes` is none of"),
        ("from = \"t@x\"\nuser = \"me\"", "stand together or not at all"),
        ("from = \"t@x\"\ntimeout = \"2m\"", "timeout"),
        ("from = \"t@x\"\npasword = \"x\"", "there is no key `pasword` here"),
        ("from = \"t@x\"\ncertificate = \"gone.pem\"", "the certificates in"),
        (
            "from = \"t@x\"\nhost = \"mail.example.com\"\ntls = \"none\"\nuser = \"u\"\npassword = \"p\"",
            "travels in the clear",
        ),
    ] {
        let (errors, _) = complaints(keys);
        assert!(errors.iter().any(|error| error.contains(expected)), "{keys}: {errors:#?}");
    }
    let (errors, warnings) = complaints("from = \"t@x\"\nhost = \"mail.example.com\"\ntls = \"none\"");
    assert_eq!(errors, Vec::<String>::new());
    assert!(warnings.iter().any(|one| one.contains("travel in the clear")), "{warnings:#?}");
}

#[test]
fn at_night_a_password_in_the_clear_or_a_lost_certificate_stops_no_call() {
    let keys = "from = \"t@x\"\nhost = \"mail.example.com\"\ntls = \"none\"\nuser = \"u\"\npassword = \"p\"\ncertificate = \"gone.pem\"";
    let files = Files::of(&format!("[providers.mails]\nkind = \"smtp\"\n{keys}\n"));
    assert_eq!(files.load().unwrap().warnings.len(), 2);
}
