//! mail → new text → rules → what is told of it. The input is a mail.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use regex::{Regex, RegexBuilder};
use thialfi::config::Config;
use thialfi::intake::intake;
use thialfi::mail::envelope::{MAX_ADDRESS, MAX_RECIPIENTS};
use thialfi::mail::{Envelope, Message, Raw};
use thialfi::rules::condition::{Condition, Place};
use thialfi::rules::ruleset::View;
use thialfi_fuzz::{NOW, assert_tellable, bounded, rules};

static BOTH: LazyLock<Config> = LazyLock::new(|| rules("both.toml"));
static FIRST: LazyLock<Config> = LazyLock::new(|| rules("only-first.toml"));
static SECOND: LazyLock<Config> = LazyLock::new(|| rules("only-second.toml"));

fuzz_target!(|mail: &[u8]| {
    let raw = Raw::from(mail);
    let message = bounded(Duration::from_secs(1), || Message::parse(&raw));
    assert_split(&message);
    let envelope = Envelope::resolve(None, &[], &|_| None, &message);
    assert_envelope(&envelope);
    bounded(Duration::from_secs(1), || judge(&message, &envelope));
    tell(&message, &envelope);
    other_line_ends(mail, &message);
});

/// Nothing is made up and nothing is lost: the lines of new and of quoted text are together those of the body.
fn assert_split(message: &Message) {
    let mut lines: BTreeMap<&str, isize> = BTreeMap::new();
    for (text, step) in [(&message.body, 1), (&message.new_text, -1), (&message.quoted, -1)] {
        for line in text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()) {
            *lines.entry(line).or_default() += step;
        }
    }
    lines.retain(|_, count| *count != 0);
    assert!(lines.is_empty(), "lines of the body that are neither new nor quoted, or both: {lines:?}");
}

fn assert_envelope(envelope: &Envelope) {
    assert!(envelope.recipients.len() <= MAX_RECIPIENTS);
    for address in envelope.recipients.iter().chain(&envelope.sender) {
        assert!(address.len() <= MAX_ADDRESS, "{address:?}");
        assert!(!address.contains(|c: char| c.is_control() || c.is_whitespace()), "{address:?}");
    }
}

/// What rules said: name and captures, in order.
type Said = Vec<(String, Vec<(String, String)>)>;

fn judge(message: &Message, envelope: &Envelope) {
    let recipient = envelope.recipients.first().map(String::as_str).unwrap_or_default();
    let view = View { message, sender: envelope.sender.as_deref(), recipient, now: *NOW };
    let judged = |config: &Config| -> Said {
        let judgement = config.rules.judge(&view, &thialfi::rules::Nobody).unwrap();
        judgement.matched().map(|verdict| (verdict.rule.name.clone(), verdict.captures.clone())).collect()
    };
    let both = judged(&BOTH);
    let explained = BOTH.rules.explain(&view, &thialfi::rules::Nobody).unwrap();
    let told: Said =
        explained.matched().map(|verdict| (verdict.rule.name.clone(), verdict.captures.clone())).collect();
    assert_eq!(both, told, "judge and explain differ");
    assert_eq!(both, [judged(&FIRST), judged(&SECOND)].concat(), "the search for all literals at once differs");
    for verdict in &explained.verdicts {
        for (condition, report) in verdict.rule.when.iter().zip(&verdict.conditions) {
            if let Condition::Matches { place, pattern } = condition {
                let regex = plain(&pattern.source);
                let fields = |name: &str| message.header_values(name).any(|value| regex.is_match(value));
                let found = match place {
                    Place::Text => regex.is_match(&message.new_text),
                    Place::Subject => regex.is_match(message.subject()),
                    Place::From => fields("From"),
                    Place::To => fields("To") || fields("Cc"),
                    Place::Header(name) => fields(name),
                    Place::Sender => envelope.sender.as_ref().is_some_and(|sender| regex.is_match(sender)),
                    Place::Recipient => regex.is_match(recipient),
                    Place::Body => regex.is_match(&message.body),
                    Place::Quoted => regex.is_match(&message.quoted),
                    Place::Attachment => message.attachments.iter().any(|name| regex.is_match(name)),
                };
                assert_eq!(report.matched, found, "{} saw {:?}", report.describes, report.saw);
            }
            assert!(!report.saw.contains('\n'), "{:?}", report.saw);
        }
    }
}

/// The pattern as any program would search for it, without our detours.
fn plain(source: &str) -> &'static Regex {
    static PLAIN: LazyLock<BTreeMap<String, Regex>> = LazyLock::new(|| {
        let patterns = BOTH.rules.rules.iter().flat_map(|rule| rule.patterns());
        let compile = |source: &str| {
            RegexBuilder::new(source).case_insensitive(true).multi_line(true).build().unwrap()
        };
        patterns.map(|pattern| (pattern.source.clone(), compile(&pattern.source))).collect()
    });
    &PLAIN[source]
}

fn tell(message: &Message, envelope: &Envelope) {
    let wanted = intake(&BOTH, message, envelope, *NOW, &mut thialfi::intake::Forgetful).unwrap();
    let mut told = Vec::new();
    for wish in wanted.wishes.iter().filter(|wish| wish.notifies()) {
        let words = (&wish.arrival.say, &wish.arrival.text);
        if !told.contains(&words) {
            assert_tellable(words.0, words.1);
            told.push(words);
        }
    }
}

/// A mail means the same with CRLF as with LF. Not asked of mails whose bytes are no lines: lone CRs, UTF-16.
fn other_line_ends(mail: &[u8], message: &Message) {
    if mail.contains(&b'\r') || mail.contains(&0) || !mail.contains(&b'\n') {
        return;
    }
    let lower = mail.to_ascii_lowercase();
    if ["utf-16", "utf16", "ucs", "unicode", "utf-32"].iter().any(|name| contains(&lower, name.as_bytes())) {
        return;
    }
    let mut crlf = Vec::with_capacity(mail.len() + mail.len() / 16);
    for byte in mail {
        if *byte == b'\n' {
            crlf.push(b'\r');
        }
        crlf.push(*byte);
    }
    let other = Message::parse(&Raw::from(crlf.as_slice()));
    assert_eq!(message.new_text, other.new_text, "CRLF changes the new text");
    assert_eq!(message.headers, other.headers, "CRLF changes the header");
    assert_eq!(message.attachments, other.attachments, "CRLF changes the attachments");
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
