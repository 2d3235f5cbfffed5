//! mail → new text → rules → what is told of it. The input is a mail.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use regex::{Regex, RegexBuilder};
use thialfi::config::Config;
use thialfi::intake::{Forgetful, intake};
use thialfi::mail::envelope::{MAX_ADDRESS, MAX_RECIPIENTS};
use thialfi::mail::{Envelope, Message, Raw};
use thialfi::rules::{Condition, Haystack, Judgement, Nobody, Place, View};
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
    let lot = mail.iter().fold(mail.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    bounded(Duration::from_secs(1), || judge(&message, &envelope));
    // An explanation compiles parts of patterns, to tell how far they get: a hundred times as slow as a judgement.
    if lot.is_multiple_of(32) {
        bounded(Duration::from_secs(2), || explain(&message, &envelope));
    }
    if lot % 4 == 1 {
        tell(lot / 4, &message, &envelope);
    }
    other_line_ends(mail, &message);
});

/// Nothing is made up and nothing is lost: the lines of new and of quoted text are together those of the body.
fn assert_split(message: &Message) {
    let mut lines: BTreeMap<&str, isize> = BTreeMap::new();
    for (text, step) in [(message.body(), 1), (message.new_text(), -1), (message.quoted(), -1)] {
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

fn said(judgement: &Judgement<'_>) -> Said {
    judgement.matched().map(|verdict| (verdict.rule.name.clone(), verdict.captures.clone())).collect()
}

fn view<'a>(message: &'a Message, envelope: &'a Envelope) -> View<'a> {
    let recipient = envelope.recipients.first().map(String::as_str).unwrap_or_default();
    View { message, sender: envelope.sender.as_deref(), recipient, now: *NOW }
}

fn judge(message: &Message, envelope: &Envelope) {
    let view = view(message, envelope);
    let judged = |config: &Config| said(&config.rules.judge(&view, &Nobody).unwrap());
    let halves = [judged(&FIRST), judged(&SECOND)].concat();
    assert_eq!(judged(&BOTH), halves, "the search for all literals at once sees something else");
    for condition in BOTH.rules.rules.iter().flat_map(|rule| &rule.when) {
        let Condition::Matches { place, pattern } = condition else { continue };
        for text in texts(&view, place) {
            let found = pattern.find(&Haystack::new(text)).unwrap().map(|found| found.range);
            let plainly = plain(&pattern.source).find(text).map(|found| found.range());
            assert_eq!(found, plainly, "{} in {text:?}", pattern.source);
        }
    }
}

fn texts<'a>(view: &View<'a>, place: &Place) -> Vec<&'a str> {
    let message = view.message;
    let fields = |name: &str| {
        message
            .headers
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    };
    match place {
        Place::Text => vec![message.new_text()],
        Place::Subject => vec![message.subject()],
        Place::From => fields("From"),
        Place::To => [fields("To"), fields("Cc")].concat(),
        Place::Header(name) => fields(name),
        Place::Sender => view.sender.into_iter().collect(),
        Place::Recipient => vec![view.recipient],
        Place::Body => vec![message.body()],
        Place::Quoted => vec![message.quoted()],
        Place::Undecoded => vec![message.undecoded()],
        Place::Attachment => message.attachments.iter().map(String::as_str).collect(),
    }
}

fn explain(message: &Message, envelope: &Envelope) {
    let view = view(message, envelope);
    let judgement = BOTH.rules.judge(&view, &Nobody).unwrap();
    let explained = BOTH.rules.explain(&view, &Nobody).unwrap();
    assert_eq!(said(&judgement), said(&explained), "judge and explain differ");
    for report in explained.verdicts.iter().flat_map(|verdict| &verdict.conditions) {
        assert!(!report.saw.contains('\n') && !report.describes.contains('\n'), "{report:?}");
    }
}

/// The pattern as any program would search for it, without our detours.
fn plain(source: &str) -> &'static Regex {
    static PLAIN: LazyLock<BTreeMap<String, Regex>> = LazyLock::new(|| {
        let patterns = BOTH.rules.rules.iter().flat_map(|rule| rule.patterns());
        let compile = |source: &str| RegexBuilder::new(source).case_insensitive(true).multi_line(true).build().unwrap();
        patterns.map(|pattern| (pattern.source.clone(), compile(&pattern.source))).collect()
    });
    &PLAIN[source]
}

/// Telling is slow, and the rules are many: one of those that matched, by lot.
fn tell(lot: usize, message: &Message, envelope: &Envelope) {
    let wanted = intake(&BOTH, message, envelope, *NOW, &mut Forgetful).unwrap();
    let wishes: Vec<_> = wanted.wishes.iter().filter(|wish| wish.notifies()).collect();
    if let Some(wish) = wishes.get(lot % wishes.len().max(1)) {
        assert_tellable(&wish.arrival.say, &wish.arrival.text);
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
    assert_eq!(message.new_text(), other.new_text(), "CRLF changes the new text");
    assert_eq!(message.headers, other.headers, "CRLF changes the header");
    assert_eq!(message.attachments, other.attachments, "CRLF changes the attachments");
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
