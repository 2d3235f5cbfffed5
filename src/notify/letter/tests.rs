//! Letters are read back by a parser that is not ours.

use mail_parser::MessageParser;
use proptest::prelude::*;

use super::*;

fn sender(name: &str) -> Sender {
    Sender { name: name.to_owned(), address: "thialfi@alerts.example.com".parse().unwrap() }
}

/// A letter with this subject, sent in this name to somebody of this name.
fn letter(subject: &str, name: &str, text: &str) -> String {
    let (from, to, group) = (sender(name), "david@example.com".parse().unwrap(), GroupId::new("oracle dba"));
    let head = Head {
        from: &from,
        to: (name, &to),
        reply_to: None,
        subject,
        identity: Digest::of(["one"]),
        thread: Some(Digest::of(["all"])),
        at: "2026-11-02T02:00:00Z".parse().unwrap(),
        list: Some((&group, name)),
        answers: None,
    };
    String::from_utf8(plain(&head, text).bytes).unwrap()
}

/// What must hold of every letter: CRLF alone, lines that fold, ASCII, our fields once and no others.
fn check(letter: &str) {
    assert!(letter.is_ascii(), "{letter}");
    assert!(letter.ends_with("\r\n") && !letter.replace("\r\n", "").contains(['\r', '\n', '\0']), "{letter:?}");
    assert!(letter.split("\r\n").all(|line| line.len() <= 998), "{letter}");
    let (head, _) = letter.split_once("\r\n\r\n").unwrap();
    assert!(head.split("\r\n").all(|line| line.len() <= 78 || line.contains('@')), "{head}");
    let names: Vec<&str> =
        head.split("\r\n").filter(|line| !line.starts_with(' ')).map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(
        names,
        [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "References",
            "List-Id",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "X-Thialfi-Loop",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding",
        ],
        "{head}"
    );
}

#[test]
fn a_letter_says_what_it_is_and_whose() {
    let letter = letter("7K tablespace full", "Oracle DBA", "The tablespace is full.\n\nAlert 7K");
    check(&letter);
    for line in [
        "From: \"Oracle DBA\" <thialfi@alerts.example.com>",
        "To: \"Oracle DBA\" <david@example.com>",
        "Subject: 7K tablespace full",
        "Date: Mon, 02 Nov 2026 02:00:00 +0000",
        "List-Id: \"Oracle DBA\"",
        " <oracle-dba.alerts.example.com>",
        "Auto-Submitted: auto-generated",
        "X-Thialfi-Loop: alerts.example.com",
        "Content-Transfer-Encoding: 7bit",
        "The tablespace is full.",
    ] {
        assert!(letter.split("\r\n").any(|other| other == line), "no `{line}` in {letter}");
    }
    let message = MessageParser::default().parse(letter.as_bytes()).unwrap();
    assert!(message.message_id().unwrap().ends_with("@alerts.example.com"));
}

#[test]
fn a_subject_adds_no_field_and_no_address() {
    for subject in [
        "7K x\r\nBcc: victim@example.com",
        "7K x\r\n\r\nbody",
        "7K x\n.\nQUIT",
        "7K =?utf-8?Q?=0D=0ABcc:_victim@example.com?=",
        "7K \u{2028}x\u{0}\u{85}\u{b}\u{c}",
    ] {
        let letter = letter(subject, "\"<victim@example.com>, \\\r\nBcc: a@b", "text");
        check(&letter);
        let message = MessageParser::default().parse(letter.as_bytes()).unwrap();
        assert_eq!(message.subject().unwrap(), one_line(subject), "{letter}");
        assert!(message.bcc().is_none());
        let to: Vec<_> = message.to().unwrap().iter().map(|one| one.address().unwrap().to_owned()).collect();
        assert_eq!(to, ["david@example.com"], "{letter}");
    }
}

#[test]
fn what_a_letter_says_is_cut_not_broken() {
    let long = "ä".repeat(5000);
    let letter = letter(&long, &long, &format!("{long}\n{}", "x".repeat(5000)));
    check(&letter);
    let message = MessageParser::default().parse(letter.as_bytes()).unwrap();
    assert_eq!(message.subject().unwrap().chars().count(), MAX_SUBJECT);
    assert!(message.body_text(0).unwrap().contains(&long));
}

proptest! {
    /// Whatever stands in the mail that it tells of: fields, addresses and text are what they should be.
    #[test]
    fn any_words_are_read_back(subject in any::<String>(), name in any::<String>(), text in any::<String>()) {
        let letter = letter(&subject, &name, &text);
        check(&letter);
        let message = MessageParser::default().parse(letter.as_bytes()).unwrap();
        prop_assert_eq!(message.subject().unwrap_or_default(), start(&subject, MAX_SUBJECT));
        let to: Vec<_> = message.to().unwrap().iter().map(|one| one.address().unwrap().to_owned()).collect();
        prop_assert_eq!(to, ["david@example.com"]);
        let body = message.body_text(0).unwrap_or_default();
        let lines = |text: &str| text.lines().map(visible).collect::<Vec<_>>().join("\n").trim_end().to_owned();
        prop_assert_eq!(lines(&body), lines(&text));
    }
}

#[test]
fn an_answer_names_what_it_answers_and_nothing_else() {
    let (from, to) = (sender("thialfi"), "david@example.com".parse().unwrap());
    for (id, expected) in [
        (Some("<abc@mail.example>"), Some("In-Reply-To: <abc@mail.example>\r\n")),
        (Some("<a\r\nBcc: victim@example.com>"), None),
        (Some("<a b@c>"), None),
        (Some("abc@mail.example"), None),
        (None, None),
    ] {
        let head = Head {
            from: &from,
            to: ("", &to),
            reply_to: None,
            subject: "Re: 7K",
            identity: Digest::of(["answer"]),
            thread: None,
            at: Timestamp::UNIX_EPOCH,
            list: None,
            answers: Some(Answering { message_id: id }),
        };
        let fields = head.fields();
        assert!(fields.contains("Auto-Submitted: auto-replied\r\n"), "{fields}");
        assert_eq!(fields.contains("In-Reply-To"), expected.is_some(), "{fields}");
        assert!(expected.is_none_or(|field| fields.contains(field)) && !fields.contains("Bcc"), "{fields}");
    }
}
