use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn parse(mail: &str) -> Message {
    Message::parse(&Raw::from(mail.as_bytes()))
}

/// Both with LF and with CRLF.
fn both(mail: &str) -> [Message; 2] {
    [parse(mail), parse(&mail.replace('\n', "\r\n"))]
}

const ALERT: &str =
    "Issue #8658 has been updated by Bob Brown.\n\nPriority changed from High to Emergency (Critical)\n";

fn rings(mail: &str) -> bool {
    let alone = both(mail).map(|message| {
        message
            .new_text()
            .lines()
            .any(|line| line.eq_ignore_ascii_case("Priority changed from High to Emergency (Critical)"))
    });
    assert_eq!(alone[0], alone[1], "LF and CRLF differ: {mail}");
    alone[0]
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines: Vec<&str> = text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\n") + "\n"
}

#[test]
fn one_alert_in_fifteen_shapes() {
    let header = "From: Redmine <redmine@x.example>\nSubject: [ops - Bug #8658] x\nMIME-Version: 1.0\n";
    let utf16: Vec<u8> = ALERT.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let html = "<html><body><p>Issue #8658 has been updated by Bob Brown.</p><ul><li><strong>Priority</strong> changed from \
                <i>High</i> to <i>Emergency (Critical)</i></li></ul></body></html>";
    let quoted = ALERT.lines().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "> {line}");
        all
    });
    let shapes = [
        (true, format!("From redmine@x.example Mon Jun  2 10:00:00 2025\n{header}\n{ALERT}")),
        (true, format!("{header}Content-Type: text/plain\n\n{ALERT}")),
        (
            true,
            format!(
                "{header}Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n{}",
                ALERT.replace("Emergency", "Emer=\ngency=20").replace("=20 ", "=20")
            ),
        ),
        (
            true,
            format!(
                "{header}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{}",
                base64(ALERT.as_bytes())
            ),
        ),
        (
            true,
            format!(
                "{header}Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n\n{}",
                base64(&utf16)
            ),
        ),
        (
            true,
            format!(
                "{header}Content-Type: multipart/alternative; boundary=\"b\"\n\n--b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{}\n--b\nContent-Type: text/html\n\n{html}\n--b--\n",
                base64(ALERT.as_bytes())
            ),
        ),
        (true, format!("{header}Content-Type: text/html\n\n{html}\n")),
        (
            true,
            format!("{header}Content-Type: text/plain; format=flowed\n\n{}", ALERT.replace("from High", "from \nHigh")),
        ),
        (true, format!("{header}Content-Type: text/plain; charset=utf-8\n\n{}", ALERT.replace(' ', "\u{a0}"))),
        (true, format!("{header}\n{}", ALERT.to_uppercase())),
        (false, format!("{header}\nOn it.\n\nOn 2 Jun 2025, at 10:00, Redmine <redmine@x.example> wrote:\n\n{quoted}")),
        (false, format!("{header}X-Note: Priority changed from High to Emergency (Critical)\n\nSeen.\n")),
        (
            false,
            format!(
                "{header}\nOn it.\n\n________________________________\nFrom: Redmine <redmine@x.example>\nSent: Monday, June 2, 2025 10:00 AM\nTo: Ops\nSubject: x\n\n{ALERT}"
            ),
        ),
        (
            false,
            format!(
                "{header}Content-Type: multipart/mixed; boundary=b\n\n--b\n\nFYI\n--b\nContent-Type: message/rfc822\n\n{header}\n{ALERT}\n--b--\n"
            ),
        ),
        (
            false,
            format!(
                "{header}Content-Type: multipart/mixed; boundary=b\n\n--b\n\nFYI\n--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\n{ALERT}\n--b--\n"
            ),
        ),
    ];
    assert_eq!(shapes.len(), 15);
    for (index, (expected, mail)) in shapes.iter().enumerate() {
        assert_eq!(rings(mail), *expected, "shape {}: {:?}", index + 1, parse(mail));
    }
}

#[test]
fn lone_carriage_returns_leading_lines_and_no_header() {
    assert_eq!(parse("Subject: s\r\rone\rtwo\r").new_text(), "one\ntwo\n");
    let message = parse("\n\n>From x@y Mon\nSubject: s\n\none\n");
    assert_eq!((message.subject(), message.new_text()), ("s", "one\n"));
    assert_eq!(message.envelope_line.as_deref(), Some("x@y"));
    assert_eq!(parse("Server db1 is DOWN\n").new_text(), "Server db1 is DOWN\n");
    assert_eq!(parse("Host: db1\nState: DOWN\n").new_text(), "Host: db1\nState: DOWN\n");
    assert_eq!(parse("").new_text(), "");
}

#[test]
fn headers_are_unfolded_and_decoded() {
    let message = parse("Subject: =?utf-8?Q?St=C3=B6rung?=\n =?utf-8?B?IGFtIERC?=\nX-Note: a\n\tb\nx-note: c\n\n");
    assert_eq!(message.subject(), "Störung am DB");
    assert_eq!(message.header_values("X-NOTE").collect::<Vec<_>>(), ["a b", "c"]);
    let raw = Raw::from(&b"Subject: St\xf6rung\nContent-Type: text/plain; charset=iso-8859-1\n\nGr\xfc\xdfe\n"[..]);
    let message = Message::parse(&raw);
    assert_eq!((message.subject(), message.new_text()), ("Störung", "Grüße\n"));
}

#[test]
fn plain_is_preferred_unless_it_says_nothing() {
    let mail = |plain: &str, html: &str| {
        let mail = format!(
            "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n{plain}\n--b\nContent-Type: text/html\n\n{html}\n--b--\n"
        );
        parse(&mail).new_text().to_owned()
    };
    assert_eq!(mail("plain", "<p>html"), "plain\n");
    assert_eq!(mail(" \n\u{a0}\n", "<p>html"), "html\n");
    assert_eq!(
        mail("Your mail client does not show HTML.", "<p>The server db1 is DOWN since half past nine.</p>"),
        "The server db1 is DOWN since half past nine.\n"
    );
    assert_eq!(mail("See HTML", ""), "See HTML\n");
    let related = "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: multipart/related; boundary=c\n\n--c\nContent-Type: text/html\n\n<p>html\n--c--\n--b\nContent-Type: text/plain\n\nplain\n--b--\n";
    assert_eq!(parse(related).new_text(), "plain\n");
}

#[test]
fn attachments_are_names_and_no_text() {
    let message = parse(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/plain; name=\"log.txt\"\n\nlog\n--b\nContent-Type: image/png\nContent-Disposition: attachment;\n filename*=utf-8''Gr%C3%BC%C3%9Fe.png\n\nxx\n--b\n\ntwo\n--b--\n",
    );
    assert_eq!(message.new_text(), "one\ntwo\n");
    assert_eq!(message.body(), message.new_text());
    assert_eq!(message.attachments, ["log.txt", "Grüße.png"]);
}

#[test]
fn a_carried_mail_is_quoted() {
    let message = parse(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nFYI\n--b\nContent-Type: message/rfc822\n\nSubject: s\n\nold\n--b--\n",
    );
    assert_eq!((message.new_text(), message.quoted().trim()), ("FYI\n", "old"));
    assert!(message.body().contains("old"));
}

#[test]
fn malformed_mime_still_shows_its_text() {
    for mail in [
        "Content-Type: multipart/mixed; boundary=b\n\nDOWN\n",
        "Content-Type: multipart/mixed\n\nDOWN\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nDOWN\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\nDOWN\n",
        "Content-Type: text/plain; charset=no-such-thing\n\nDOWN\n",
        "Content-Type: text\n\nDOWN\n",
        "Content-Type: ;;;\n\nDOWN\n",
        "Content-Type: text/plain\nContent-Transfer-Encoding: nonsense\n\nDOWN\n",
        "Content-Type: text/plain\nContent-Disposition: attachment\n\nDOWN\n",
        "Content-Type: multipart/digest; boundary=b\n\n--b\nContent-Type: text/plain\n\nDOWN\n--b--\n",
    ] {
        for message in both(mail) {
            assert!(message.new_text().contains("DOWN"), "{mail}: {message:?}");
        }
    }
}

#[test]
fn a_hundred_levels_hide_no_text() {
    let mut mail = String::new();
    for level in 0..100 {
        let _ = write!(mail, "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
    }
    mail.push_str("\nDOWN\n");
    assert_eq!(parse(&mail).new_text(), "DOWN\n");
}

#[test]
fn sixty_megabytes_are_drained_and_little_is_kept() {
    let mut input = io::repeat(b'x').take(60 * 1024 * 1024);
    let raw = read(&mut input).unwrap();
    assert_eq!((raw.size, raw.bytes.len()), (60 * 1024 * 1024, PARSE_LIMIT));
    assert!(raw.bytes.capacity() <= 2 * PARSE_LIMIT);
}

#[test]
fn a_read_error_after_the_start_keeps_what_was_read() {
    struct Broken(bool);
    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("gone"));
            }
            buffer[0] = b'x';
            Ok(1)
        }
    }
    let raw = read(&mut Broken(false)).unwrap();
    assert_eq!((raw.bytes.as_slice(), raw.error.is_some()), (&b"x"[..], true));
    assert!(read(&mut Broken(true)).is_err());
}

#[test]
fn hostile_mail_costs_less_than_a_second_or_two() {
    let nested_mails = "Content-Type: message/rfc822\n\n".repeat(10_000);
    let mut nested_parts = String::new();
    for level in 0..10_000 {
        let _ = write!(nested_parts, "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
    }
    let parameters = format!("Content-Type: multipart/mixed{}\n\ntext\n", "; a=b".repeat(200_000));
    let continued: String = (0..60_000).fold("Content-Type: text/plain".to_owned(), |mut all, number| {
        let _ = write!(all, ";\n charset*{number}=x");
        all
    });
    let boundaries = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n".repeat(250_000));
    let header = format!("Subject: {}\n\ntext\n", "word ".repeat(200_000));
    let folded = format!("Subject: a\n{}\ntext\n", " b\n".repeat(300_000));
    let fields = format!("{}\ntext\n", "X-Note: a\n".repeat(100_000));
    let recipients = format!("To: {}\n\ntext\n", "\"A B\" <a@b.example>, ".repeat(10_000));
    let same = "Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(10_000);
    let lines = format!("Subject: x\n\n{}", "> > > > > > text\n".repeat(60_000));
    let depth = format!("Subject: x\n\n{}", ">".repeat(1_000_000));
    let introductions = format!("Subject: x\n\n{}", "On 2 Jun 2025 at 10:00, Bob <b@x>\n".repeat(30_000));
    let labels = format!("Subject: x\n\n{}", "From: b@x\n\n".repeat(90_000));
    let to_labels = format!("Subject: x\n\n{}", "To: b@x\n".repeat(120_000));
    let blank = format!("Subject: x\n\n{}x", "\n".repeat(1_000_000));
    let quotes = format!("Subject: x\n\n{}", "> a\n\nb\n".repeat(140_000));
    let signatures = format!("Subject: x\n\na\n{}", "--\n".repeat(300_000));
    let separators = format!("Subject: x\n\na\n{}", "-- \n".repeat(250_000));
    let dated = format!("Subject: x\n\na\n{}", "Bob 01/22/2001 10:36 AM\n".repeat(40_000));
    let verbs = format!("Subject: x\n\na\n{}", "wrote:".repeat(150_000));
    let wrote = format!("Subject: x\n\na\n{}", "a wrote:\n".repeat(100_000));
    let paragraphs = format!("Content-Type: text/html\n\n{}", "<td><p><span>".repeat(70_000));
    for mail in [
        separators,
        dated,
        verbs,
        wrote,
        paragraphs,
        nested_mails,
        nested_parts,
        parameters,
        continued,
        boundaries,
        header,
        folded,
        fields,
        recipients,
        same,
        lines,
        depth,
        introductions,
        labels,
        to_labels,
        blank,
        quotes,
        signatures,
    ] {
        let start = Instant::now();
        let message = parse(&mail);
        if std::env::var_os("SHOW_TIMES").is_some() {
            println!("{:?}: {}", start.elapsed(), mail.chars().take(60).collect::<String>().replace('\n', "|"));
        }
        // Optimised, each takes tens of milliseconds; a debug build on a busy machine must not make noise.
        let limit = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 10 });
        assert!(
            start.elapsed() < limit,
            "{:?}: {}",
            start.elapsed(),
            mail.chars().take(60).collect::<String>().replace('\n', "|")
        );
        assert_eq!(message.size, mail.len() as u64);
    }
}

#[test]
fn the_example_mails_read_as_they_should() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/mail");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let message = Message::parse(&Raw::from(std::fs::read(&path).unwrap().as_slice()));
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let quiet = ["vacation", "bounce"].iter().any(|word| name.contains(word));
        assert_eq!(message.automatic, quiet, "{name}");
        assert!(!message.new_text().trim().is_empty() && !message.subject().is_empty(), "{name}");
        if name.contains("reply") {
            assert!(!message.quoted().trim().is_empty(), "{name}: nothing is quoted");
        }
        if name.starts_with("redmine-reply") {
            assert!(message.quoted().contains("to Emergency (Critical)"), "{name}");
            assert!(!message.new_text().contains("Emergency"), "{name}: {}", message.new_text());
        }
        count += 1;
    }
    assert!(count >= 12, "{count}");
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Message::parse(&Raw::from(bytes.as_slice()));
    }

    #[test]
    fn mail_like_input_never_panics_and_new_text_is_of_the_mail(
        pieces in proptest::collection::vec(prop_oneof![
            Just("Content-Type: multipart/mixed; boundary=b\n"), Just("Content-Type: text/html\n"), Just("--b\n"), Just("\n"),
            Just("Content-Transfer-Encoding: base64\n"), Just("Content-Type: message/rfc822\n"), Just("> quote\n"),
            Just("On 2 Jun 2025 at 10:00, Bob <b@x.example> wrote:\n"), Just("From: b@x.example\n"), Just("Sent: 2 June 2025 10:00\n"),
            Just("To: a\n"), Just("-- \n"), Just("<div class=\"gmail_quote\">\n"), Just("text line\n"), Just("=?utf-8?Q?=FF?=\n"),
            Just("-----Original Message-----\n"), Just("DOWN <b>now</b> &amp; here\n"),
        ], 0..40)
    ) {
        let mail = format!("Subject: s\n{}", pieces.concat());
        let message = parse(&mail);
        for line in message.new_text().lines() {
            prop_assert!(message.body().contains(line), "{line:?} is not in {:?}", message.body());
        }
        for line in message.body().lines().filter(|line| !line.trim().is_empty()) {
            let line = line.trim_end();
            prop_assert!(message.new_text().contains(line) || message.quoted().contains(line), "{line:?} is lost");
        }
    }

    #[test]
    fn plain_text_without_any_mark_is_kept_whole(lines in proptest::collection::vec("[a-z]{1,8}( [a-z]{1,8}){0,5}\\.", 1..20)) {
        let text = lines.join("\n") + "\n";
        prop_assert_eq!(parse(&format!("Subject: s\n\n{text}")).new_text().to_owned(), text);
    }
}

proptest! {
    /// A mail of one part has the body that its pieces make.
    #[test]
    fn the_body_is_what_the_pieces_make(
        header in proptest::sample::select(vec![
            "Subject: s", "Content-Type: text/plain; charset=utf-8", "Content-Type: text/plain; format=flowed; delsp=yes",
            "Content-Type: text/html", "Content-Transfer-Encoding: base64", "Content-Type: multipart/mixed; boundary=x",
            "Content-Type: image/png", "Content-Transfer-Encoding: quoted-printable", "Content-Type: message/rfc822",
        ]),
        text in "[a-z \t\r\n\u{a0}\u{3000}ä=>-]{0,60}",
    ) {
        let message = parse(&format!("{header}\n\n{text}"));
        let mut body = String::new();
        for piece in &message.pieces() {
            append(&mut body, piece);
        }
        prop_assert_eq!(message.body(), body);
    }
}
