//! Against a mail server that does what it is told.

use super::*;
use crate::clock::SystemClock;
use mailserver::{MailServer, Turn};

// The end-to-end tests use all of it.
#[allow(dead_code)]
#[path = "../../../tests/support/mailserver.rs"]
mod mailserver;

fn settings(server: &MailServer) -> Settings {
    Settings {
        host: "127.0.0.1".to_owned(),
        port: server.port,
        security: Security::None,
        login: None,
        sender: Sender { name: "thialfi".to_owned(), address: "thialfi@alerts.example.com".parse().unwrap() },
        hello: Some("pager.example.com".to_owned()),
        authority: None,
        timeout: Duration::from_secs(10),
    }
}

fn letter(bytes: &[u8]) -> Letter {
    let seven_bit = (!bytes.is_ascii()).then(|| b"Subject: seven\r\n\r\nbits\r\n".to_vec());
    Letter { to: "david@example.com".parse().unwrap(), bytes: bytes.to_vec(), seven_bit }
}

fn send(settings: Settings, bytes: &[u8]) -> Result<String, Refusal> {
    Smtp::new("mails", Arc::new(settings), Arc::new(SystemClock)).mail(&letter(bytes))
}

#[test]
fn a_mail_arrives_as_it_was_written() {
    let server = MailServer::start();
    let mail = b"Subject: x\r\n\r\n.\r\n..two dots\r\nlast line\r\n";
    assert_eq!(send(settings(&server), mail).unwrap(), "2.0.0 Ok: queued as MAIL1");
    let received = &server.received()[0];
    assert_eq!(received.data, mail);
    assert_eq!(
        (received.from.as_str(), received.to.as_slice()),
        ("<thialfi@alerts.example.com>", ["<david@example.com>".to_owned()].as_slice())
    );
    assert_eq!((received.hello.as_str(), &received.login), ("pager.example.com", &None));
}

#[test]
fn no_line_end_can_be_taken_for_two() {
    let server = MailServer::start();
    // Between these, servers have been made to see the end of one mail and the commands of another.
    for bytes in
        [&b"a\n.\nMAIL FROM:<x@y>\n"[..], b"a\r.\rb\r", b"a\r\n.\nb", b"a\n.\r\nb", b"a\r\r\n.\r\r\nb", b".", b""]
    {
        send(settings(&server), bytes).unwrap();
    }
    assert_eq!(server.received().len(), 7);
    assert_eq!(server.received()[0].data, b"a\r\n.\r\nMAIL FROM:<x@y>\r\n");
    assert_eq!(server.received()[1].data, b"a\r\n.\r\nb\r\n");
}

#[test]
fn eight_bits_are_declared_and_kept_from_those_who_do_not_take_them() {
    let server = MailServer::start();
    send(settings(&server), "Subject: x\r\n\r\nä\r\n".as_bytes()).unwrap();
    assert_eq!(server.received()[0].from, "<thialfi@alerts.example.com> BODY=8BITMIME");
    assert_eq!(server.received()[0].data, "Subject: x\r\n\r\nä\r\n".as_bytes());
    let old = MailServer::offering(&[], &[Turn::Accept]);
    send(settings(&old), "Subject: x\r\n\r\nä\r\n".as_bytes()).unwrap();
    assert_eq!(old.received()[0].from, "<thialfi@alerts.example.com>");
    assert_eq!(old.received()[0].text(), "Subject: seven\r\n\r\nbits\r\n");
}

/// What is said of a turn, as `kind: reason`.
fn said(turn: Turn) -> String {
    let server = MailServer::doing(&[turn]);
    // Whoever waits for the end must get there, however busy the machine is.
    let timeout = if matches!(turn, Turn::Hang("end")) { 5000 } else { 700 };
    let settings = Settings { timeout: Duration::from_millis(timeout), ..settings(&server) };
    match send(settings, b"Subject: x\r\n\r\ny\r\n") {
        Ok(id) => format!("ok: {id}"),
        Err(Refusal::Temporary { reason, retry_after: None }) => format!("temporary: {reason}"),
        Err(Refusal::Temporary { reason, retry_after: Some(_) }) => format!("later: {reason}"),
        Err(Refusal::Permanent { reason }) => format!("permanent: {reason}"),
        Err(Refusal::Ambiguous { reason, .. }) => format!("ambiguous: {reason}"),
        Err(Refusal::Credentials { reason }) => format!("credentials: {reason}"),
    }
}

#[test]
fn an_answer_is_taken_for_what_it_means_at_its_stage() {
    for (turn, expected) in [
        (Turn::Accept, "ok: 2.0.0 Ok: queued as MAIL1"),
        (Turn::Answer("greeting", "421 4.3.2 not now"), "temporary: 421 4.3.2 not now"),
        (Turn::Answer("greeting", "554 5.7.1 not you"), "temporary: 554 5.7.1 not you"),
        (Turn::Answer("EHLO", "550 5.7.1 who?"), "temporary: 550 5.7.1 who?"),
        (Turn::Answer("MAIL", "451 4.3.0 no disk"), "temporary: 451 4.3.0 no disk"),
        (Turn::Answer("MAIL", "550 5.7.1 not from here"), "temporary: 550 5.7.1 not from here"),
        (Turn::Answer("MAIL", "530 5.7.0 log in"), "credentials: 530 5.7.0 log in"),
        (Turn::Answer("RCPT", "450 4.2.1 greylisted"), "temporary: 450 4.2.1 greylisted"),
        (Turn::Answer("RCPT", "550 5.1.1 nobody"), "permanent: 550 5.1.1 nobody"),
        (Turn::Answer("DATA", "452 4.3.1 full"), "temporary: 452 4.3.1 full"),
        (Turn::Answer("DATA", "554 5.5.1 none"), "permanent: 554 5.5.1 none"),
        (Turn::Answer("end", "451 4.7.1 later"), "temporary: 451 4.7.1 later"),
        (Turn::Answer("end", "552 5.3.4 too large"), "permanent: 552 5.3.4 too large"),
    ] {
        assert_eq!(said(turn), expected, "{turn:?}");
    }
}

#[test]
fn only_what_was_written_to_its_end_may_have_been_sent() {
    for place in ["greeting", "EHLO", "MAIL", "RCPT", "DATA"] {
        for turn in [Turn::Drop(place), Turn::Hang(place)] {
            assert!(said(turn).starts_with("temporary: "), "{turn:?}: {}", said(turn));
        }
        assert!(said(Turn::Hang(place)).starts_with("temporary: no answer "), "{}", said(Turn::Hang(place)));
    }
    for turn in [Turn::Drop("end"), Turn::Hang("end")] {
        assert!(said(turn).starts_with("ambiguous: "), "{turn:?}: {}", said(turn));
    }
}

#[test]
fn nobody_there_and_no_such_name_is_not_sent() {
    let port = MailServer::start().port;
    let nobody = Settings {
        port: std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(),
        ..settings(&MailServer::start())
    };
    assert!(matches!(send(nobody, b"x"), Err(Refusal::Temporary { .. })));
    let nowhere = Settings { host: "no-such-host.invalid".to_owned(), port, ..settings(&MailServer::start()) };
    assert!(matches!(send(nowhere, b"x"), Err(Refusal::Temporary { .. })));
}

#[test]
fn what_is_not_offered_in_secret_is_not_sent_in_the_clear() {
    let login = || Some(("me".to_owned(), SecretString::from("s3cret")));
    for (extensions, turn) in
        [(&["8BITMIME"][..], Turn::Accept), (&["STARTTLS"], Turn::Answer("STARTTLS", "454 4.7.0 not today"))]
    {
        let server = MailServer::offering(extensions, &[turn]);
        let settings = Settings { security: Security::StartTls, login: login(), ..settings(&server) };
        let refusal = send(settings, b"x").unwrap_err();
        assert!(matches!(&refusal, Refusal::Temporary { .. }), "{refusal:?}");
        assert!(server.received().is_empty());
    }
    // A server that speaks in the clear where TLS is expected from the first byte on.
    let server = MailServer::start();
    let settings = Settings { security: Security::Implicit, timeout: Duration::from_secs(2), ..settings(&server) };
    assert!(matches!(send(settings, b"x"), Err(Refusal::Temporary { .. })));
}

#[test]
fn a_login_is_made_and_a_refused_one_is_about_us() {
    let login = || Some(("me".to_owned(), SecretString::from("s3cret")));
    let server = MailServer::offering(&["AUTH PLAIN LOGIN"], &[Turn::Accept]);
    send(Settings { login: login(), ..settings(&server) }, b"x").unwrap();
    assert_eq!(server.received()[0].login, Some(("me".to_owned(), "s3cret".to_owned())));
    for (extensions, turn, expected) in [
        ("AUTH PLAIN", Turn::Answer("AUTH", "535 5.7.8 wrong password"), "535 5.7.8 wrong password"),
        ("AUTH CRAM-MD5", Turn::Accept, "it offers no login"),
        ("8BITMIME", Turn::Accept, "it offers no login"),
    ] {
        let server = MailServer::offering(&[extensions], &[turn]);
        match send(Settings { login: login(), ..settings(&server) }, b"x") {
            Err(Refusal::Credentials { reason }) => {
                assert!(reason.contains(expected) && !reason.contains("s3cret"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    let server = MailServer::offering(&["AUTH PLAIN"], &[Turn::Answer("AUTH", "454 4.7.0 later")]);
    assert!(matches!(send(Settings { login: login(), ..settings(&server) }, b"x"), Err(Refusal::Temporary { .. })));
}

#[test]
fn a_large_mail_that_nobody_reads_to_its_end_was_not_sent() {
    let server = MailServer::doing(&[Turn::Drop("DATA")]);
    let large = vec![b'x'; 20 * 1024 * 1024];
    assert!(matches!(send(settings(&server), &large), Err(Refusal::Temporary { .. })));
}

#[test]
fn certificates_are_certificates() {
    assert!(Settings::check_authority(b"hello").is_err());
    assert!(Settings::check_authority(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
}
