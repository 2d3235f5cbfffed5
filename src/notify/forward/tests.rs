//! Forwarded mails are read back by a parser that is not ours.

use mail_parser::{MessageParser, MimeHeaders as _, PartType};
use proptest::prelude::*;

use super::*;
use crate::notify::letter::Sender;
use crate::oncall::MailAddress;

struct Address {
    from: Sender,
    to: MailAddress,
}

fn address() -> Address {
    let from = Sender { name: "thialfi".to_owned(), address: "thialfi@alerts.example.com".parse().unwrap() };
    Address { from, to: "david@example.com".parse().unwrap() }
}

fn head(address: &Address) -> Head<'_> {
    Head {
        from: &address.from,
        to: ("David", &address.to),
        reply_to: None,
        subject: "7K disk full",
        identity: Digest::of(["forward"]),
        thread: None,
        at: "2026-11-02T02:00:00Z".parse().unwrap(),
        list: None,
        answers: None,
    }
}

fn attach(bytes: &[u8]) -> Letter {
    attached(&head(&address()), "Alert 7K", Original { bytes, whole: true }, "secret")
}

fn redirect(bytes: &[u8]) -> Option<Letter> {
    let address = address();
    let original = Original { bytes, whole: true };
    redirected(&head(&address), &[("X-Thialfi-Alert", Some("7K")), ("X-Thialfi-Link", None)], original, || {
        attached(&head(&address), "Alert 7K", original, "secret")
    })
}

/// The bytes of the attachment of a letter, and its type.
fn attachment(letter: &[u8]) -> (Vec<u8>, String) {
    let message = MessageParser::default().parse(letter).unwrap();
    assert_eq!(message.attachment_count(), 1, "{}", String::from_utf8_lossy(letter));
    assert_eq!(message.subject(), Some("7K disk full"));
    let part = message.attachment(0).unwrap();
    let kind = part.content_type().unwrap();
    let kind = format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default());
    let bytes = match &part.body {
        PartType::Message(_) => letter[part.offset_body as usize..part.offset_end as usize].to_vec(),
        _ => part.contents().to_vec(),
    };
    (bytes, kind)
}

const MAIL: &[u8] =
    b"From nagios@mon.example Mon Nov  2 02:00:00 2026\nReturn-Path: <nagios@mon.example>\nReceived: from a\n\
    \tby b\nFrom: nagios@mon.example\nSubject: disk full\n\n.\nThe disk is full.\n";

#[test]
fn a_mail_is_attached_unchanged() {
    let letter = attach(MAIL);
    let (bytes, kind) = attachment(&letter.bytes);
    assert_eq!(kind, "message/rfc822");
    let expected = String::from_utf8_lossy(MAIL).split_once('\n').unwrap().1.replace('\n', "\r\n");
    assert_eq!(String::from_utf8_lossy(&bytes).trim_end(), expected.trim_end());
    assert_eq!(letter.seven_bit, None);
    assert!(String::from_utf8_lossy(&letter.bytes).contains("\r\nAlert 7K\r\n"));
}

#[test]
fn what_a_server_of_seven_bits_cannot_carry_goes_there_as_a_file() {
    let mail = "Subject: x\n\nGrüße\n".as_bytes();
    let letter = attach(mail);
    assert_eq!(attachment(&letter.bytes).1, "message/rfc822");
    assert!(String::from_utf8_lossy(&letter.bytes).contains("Content-Transfer-Encoding: 8bit"));
    let seven_bit = letter.seven_bit.unwrap();
    assert!(seven_bit.is_ascii());
    assert_eq!(attachment(&seven_bit), (mail.to_vec(), "application/octet-stream".to_owned()));
}

#[test]
fn what_no_mail_may_hold_is_a_file() {
    for mail in [
        &b"Subject: x\n\na\0b\n"[..],
        b"Subject: x\n\na\rb\n",
        format!("Subject: x\n\n{}\n", "y".repeat(999)).as_bytes(),
    ] {
        let letter = attach(mail);
        assert_eq!(attachment(&letter.bytes), (mail.to_vec(), "application/octet-stream".to_owned()));
        assert_eq!(redirect(mail), None);
    }
}

#[test]
fn a_mail_cannot_end_the_part_that_it_is() {
    let boundary = attach(b"Subject: x\n\ny\n");
    let text = String::from_utf8_lossy(&boundary.bytes).into_owned();
    let boundary = text.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    // Another secret, another boundary: this one says nothing to anybody.
    let hostile = format!("Subject: x\n\n--{boundary}--\n--{boundary}\nContent-Type: text/html\n\n<b>\n");
    let address = address();
    let original = Original { bytes: hostile.as_bytes(), whole: true };
    let letter = attached(&head(&address), "Alert 7K", original, "another secret");
    let (bytes, _) = attachment(&letter.bytes);
    assert_eq!(String::from_utf8_lossy(&bytes).trim_end(), hostile.replace('\n', "\r\n").trim_end());
}

#[test]
fn a_redirected_mail_is_what_it_was_under_who_sent_it_on() {
    let letter = redirect(MAIL).unwrap();
    let text = String::from_utf8(letter.bytes).unwrap();
    let expected = "Resent-From: \"thialfi\" <thialfi@alerts.example.com>\r\nResent-To: \"David\" <david@example.com>\r\n\
        Resent-Date: Mon, 02 Nov 2026 02:00:00 +0000\r\n";
    assert!(text.starts_with(expected), "{text}");
    let (ours, theirs) = text.split_once("Received: from a").unwrap();
    assert!(ours.contains("\r\nX-Thialfi-Loop: alerts.example.com\r\nX-Thialfi-Alert: 7K\r\n"), "{ours}");
    assert_eq!(
        theirs,
        "\r\n\tby b\r\nFrom: nagios@mon.example\r\nSubject: disk full\r\n\r\n.\r\nThe disk is full.\r\n"
    );
    assert!(!text.contains("Return-Path") && !text.contains("From nagios"));
    let message = MessageParser::default().parse(text.as_bytes()).unwrap();
    assert_eq!(message.from().unwrap().first().unwrap().address(), Some("nagios@mon.example"));
}

#[test]
fn what_has_no_header_is_not_redirected() {
    for mail in
        [&b"The disk is full.\n"[..], b"\nSubject: x\n\ny\n", b" folded\nSubject: x\n\ny\n", b"Sub ject: x\n\ny\n", b""]
    {
        assert_eq!(redirect(mail), None, "{}", String::from_utf8_lossy(mail));
        let _ = attach(mail);
    }
    assert!(redirect(b"Subject: x\n").is_some(), "a header is a mail");
    let eight = redirect("Subject: x\n\nä\n".as_bytes()).unwrap();
    assert_eq!(attachment(&eight.seven_bit.unwrap()).1, "application/octet-stream");
}

proptest! {
    /// Whatever the mail is: what is attached is the mail.
    #[test]
    fn any_mail_arrives(mail in proptest::collection::vec(any::<u8>(), 0..600)) {
        let letter = attach(&mail);
        for bytes in std::iter::once(&letter.bytes).chain(&letter.seven_bit) {
            prop_assert!(!bytes.contains(&0));
            prop_assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= MAX_LINE + 1));
        }
        prop_assert!(letter.seven_bit.is_none_or(|bytes| bytes.is_ascii()));
    }
}
