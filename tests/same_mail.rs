//! The same mail, however it travels: line ends and transfer encodings change neither the new text nor the verdict.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use thialfi::config::Config;
use thialfi::intake::{Forgetful, intake};
use thialfi::mail::{Envelope, Message, Raw};

use crate::support::PEOPLE;

const RULES: &str = r#"
[defaults]
group = "systems"

[[rules]]
name = "down"
when = [{ text = '^(?<host>[\w.-]+) is (?<state>DOWN|gestört|ダウン)$' }]
action = "call"
key = "host {{ host }} {{ state }}"
say = "{{ host }} is down. {{ text }}"
continue = true

[[rules]]
name = "quoted"
when = [{ quoted = '(?<what>DOWN|gestört)' }]
action = "sms"
key = "{{ what }}"
continue = true

[[rules]]
name = "anything"
when = [{ body = '(?<first>\S+)' }, { subject = '(?<subject_word>\w+)' }]
action = "page"
key = "{{ first }} {{ subject_word }}"
"#;

/// What a mail says, before anybody decides how it travels.
#[derive(Debug, Clone)]
struct Letter {
    subject: String,
    is_reply: bool,
    kind: Kind,
    lines: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Html,
    /// Within a multipart, with a file beside it.
    Mixed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transfer {
    EightBit,
    QuotedPrintable,
    /// With soft breaks wherever it may have them, and every byte escaped that may be.
    Overdone,
    Base64,
}

const LINE_ENDS: [&str; 2] = ["\n", "\r\n"];
const TRANSFERS: [Transfer; 4] = [Transfer::EightBit, Transfer::QuotedPrintable, Transfer::Overdone, Transfer::Base64];

impl Letter {
    /// The mail. It says the same for all arguments.
    fn mail(&self, line_end: &str, transfer: Transfer) -> Vec<u8> {
        let reply = if self.is_reply { "In-Reply-To: <0@example.com>\n" } else { "" };
        let header = format!(
            "From: Monitoring <monitoring@example.com>\nTo: oncall@example.com\nSubject: {}\n\
             Date: Mon, 2 Nov 2026 02:00:00 +0000\nMessage-ID: <1@example.com>\n{reply}MIME-Version: 1.0\n",
            self.subject
        );
        let text = self.lines.join("\n") + "\n";
        let (name, body) = transfer.encode(&text, line_end);
        let part = |kind: &str| {
            format!("Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: {name}\n\n")
                .replace('\n', line_end)
        };
        let header = header.replace('\n', line_end);
        match self.kind {
            Kind::Plain => format!("{header}{}{body}", part("text/plain")).into_bytes(),
            Kind::Html => format!("{header}{}{body}", part("text/html")).into_bytes(),
            Kind::Mixed => {
                let open = "Content-Type: multipart/mixed; boundary=\"=_b\"\n\nFor old programs.\n--=_b\n";
                let close = "\n--=_b\nContent-Type: application/octet-stream; name=dump.bin\n\ndb1 is DOWN\n--=_b--\n";
                let (open, close) = (open.replace('\n', line_end), close.replace('\n', line_end));
                format!("{header}{open}{}{body}{close}", part("text/plain")).into_bytes()
            }
        }
    }
}

impl Transfer {
    /// Its name and the encoded text, all lines ended by `line_end`, those within base64 included: text travels with
    /// CRLF, and base64 has what travelled (RFC 2049, 4).
    fn encode(self, text: &str, line_end: &str) -> (&'static str, String) {
        let with_line_ends = |text: &str| text.replace('\n', line_end);
        match self {
            Self::EightBit => ("8bit", with_line_ends(text)),
            Self::QuotedPrintable => ("quoted-printable", with_line_ends(&quoted_printable(text, 76, false))),
            Self::Overdone => ("Quoted-Printable", with_line_ends(&quoted_printable(text, 7, true))),
            Self::Base64 => {
                let encoded = STANDARD.encode(with_line_ends(text));
                let lines = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap());
                ("base64", lines.flat_map(|line| [line, line_end]).collect())
            }
        }
    }
}

/// RFC 2045, 6.7, with lines of at most `width` characters; `all`: letters are escaped, too.
fn quoted_printable(text: &str, width: usize, all: bool) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let line = line.trim_end_matches('\n').as_bytes();
        let mut used = 0;
        for (index, byte) in line.iter().enumerate() {
            let is_last = index + 1 == line.len();
            let plain = match byte {
                b' ' | b'\t' => !is_last && !all,
                b'=' => false,
                b'!'..=b'~' => !all,
                _ => false,
            };
            let piece = if plain { char::from(*byte).to_string() } else { format!("={byte:02X}") };
            if used + piece.len() >= width {
                out.push_str("=\n");
                used = 0;
            }
            used += piece.len();
            out.push_str(&piece);
        }
        out.push('\n');
    }
    out
}

/// What thialfi makes of a mail: its texts, and each rule that matched with its captures, key and words.
fn verdict(config: &Config, mail: &[u8]) -> (String, String, String, Vec<String>) {
    let message = Message::parse(&Raw::from(mail));
    let envelope = Envelope::resolve(None, &[], &|_| None, &message);
    let now = "2026-11-02T02:00:00Z".parse().unwrap();
    let wishes = intake(config, &message, &envelope, now, &mut Forgetful).unwrap().wishes;
    let wishes = wishes.iter().map(|wish| {
        let arrival = &wish.arrival;
        let rule = wish.rule.map(|rule| rule.name.as_str());
        format!("{rule:?} {:?} {} {} {}", wish.captures, arrival.key, arrival.say, arrival.text)
    });
    let wishes = wishes.collect();
    (message.subject().to_owned(), message.new_text().to_owned(), message.quoted().to_owned(), wishes)
}

fn rules() -> Config {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rules.toml");
    std::fs::write(&path, format!("{PEOPLE}{RULES}")).unwrap();
    Config::load_to_look(&path).unwrap_or_else(|error| panic!("{}", error.one_line()))
}

/// Lines that mean something to a reader of mail, and lines that mean nothing.
fn line() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "db1 is DOWN",
        "web-2.example.com is gestört",
        "サーバー is ダウン",
        "> db1 is DOWN",
        ">> deeper",
        "",
        "On Mon, 2 Nov 2026 at 10:00, A B <a@b.example> wrote:",
        "Am 02.11.2026 um 10:00 schrieb Jürgen Groß <j@b.example>:",
        "-----Original Message-----",
        "From: A <a@b.example>",
        "Sent: Monday, 2 November 2026 10:00",
        "To: b@c.example",
        "Subject: Störung",
        "-- ",
        "--",
        "--=_c",
        "State: CRITICAL = 99 %",
        "a=3Db=C3=BC=",
        "<p>db1 is <b>DOWN</b></p>",
        "<blockquote type=\"cite\">old</blockquote>",
        "<div class=\"gmail_quote\"><div class=\"gmail_attr\">On 2 Nov 2026 10:00, A wrote:</div>",
        "<pre>",
        "</pre>",
        "<br>",
        "&nbsp;&uuml;&#8364;",
        "Please type your reply above this line",
        ".",
        "\u{a0}with\u{a0}spaces\u{200b}",
    ]);
    prop_oneof![
        6 => known.prop_map(str::to_owned),
        2 => "[ -~äöüßéłжの😀\u{a0}\t]{0,120}",
        1 => "[a-z ]{200,400}",
    ]
}

fn letter() -> impl Strategy<Value = Letter> {
    let kind = prop_oneof![3 => Just(Kind::Plain), 2 => Just(Kind::Html), 2 => Just(Kind::Mixed)];
    let subject = prop_oneof![Just("Re: db1".to_owned()), "[A-Za-z0-9äöü:#-][A-Za-z0-9äöü :#-]{0,40}"];
    let lines = prop::collection::vec(line(), 0..25);
    (subject, any::<bool>(), kind, lines).prop_map(|(subject, is_reply, kind, lines)| Letter {
        subject,
        is_reply,
        kind,
        lines,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn travels_in_eight_ways_and_arrives_as_one(letter in letter()) {
        let config = rules();
        let expected = verdict(&config, &letter.mail("\n", Transfer::EightBit));
        for transfer in TRANSFERS {
            for line_end in LINE_ENDS {
                let mail = letter.mail(line_end, transfer);
                let found = verdict(&config, &mail);
                prop_assert_eq!(&found, &expected, "{:?} {:?}\n{}", transfer, line_end, String::from_utf8_lossy(&mail));
            }
        }
    }
}

#[test]
fn the_letters_are_read_at_all() {
    // Were every verdict empty, all of them would be the same.
    let letter = Letter {
        subject: "Störung".to_owned(),
        is_reply: true,
        kind: Kind::Mixed,
        lines: vec!["db1 is gestört".to_owned(), String::new(), "> db2 is DOWN".to_owned(), "> x".to_owned()],
    };
    let config = rules();
    for transfer in TRANSFERS {
        let (subject, new_text, quoted, wishes) = verdict(&config, &letter.mail("\r\n", transfer));
        assert_eq!((subject.as_str(), new_text.trim()), ("Störung", "db1 is gestört"), "{transfer:?}");
        assert!(quoted.contains("> db2 is DOWN"), "{quoted}");
        assert_eq!(wishes.len(), 3, "{wishes:?}");
        assert!(wishes[0].contains("host db1 gestört"), "{wishes:?}");
    }
}
