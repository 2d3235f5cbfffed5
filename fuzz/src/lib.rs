//! What the fuzz targets share: rule files, a moment that stands still, and the bounds that hold for every input.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use thialfi::config::Config;
use thialfi::notify::twiml::{Page, Script, Templates};
use thialfi::notify::{sms, speech};

/// A Saturday night in both time zones of the rules.
pub static NOW: LazyLock<Timestamp> = LazyLock::new(|| "2026-11-07T12:30:00Z".parse().unwrap());

/// The built-in TwiML templates.
pub static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::load(None).unwrap());

/// A rule file of `fuzz/rules`.
pub fn rules(name: &str) -> Config {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/rules")).join(name);
    Config::load_to_look(&path).unwrap_or_else(|diagnostics| panic!("{}: {}", path.display(), diagnostics.one_line()))
}

/// Runs `work` and fails when it takes more than `bound` of this process's own processor time. The wall clock only says
/// when to look: on a machine that does something else besides, it proves nothing.
pub fn bounded<T>(bound: Duration, work: impl Fn() -> T) -> T {
    let start = Instant::now();
    let result = work();
    if start.elapsed() > bound {
        let before = processor_time();
        let result = work();
        let took = processor_time().saturating_sub(before);
        assert!(took <= bound, "it takes {took:?}");
        return result;
    }
    result
}

/// Processor time of this process so far: fields 14 and 15 of `/proc/self/stat`, in hundredths of a second.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// What is told of an alert is within what phones and Twilio take, whatever its words are.
pub fn assert_tellable(say: &str, text: &str) {
    for segments in [1, 2, 10] {
        let body = sms::compose("7K", text, segments);
        let length = sms::length(&body);
        assert!(length.segments <= segments, "{} of {segments} segments: {body:?}", length.segments);
        assert!(body.starts_with("7K"), "{body:?}");
        assert!(!body.contains(['\n', '\r', '\0', '\u{1b}', '\u{202e}']), "{body:?}");
        assert!(body.chars().count() <= 1600, "{body:?}");
    }
    let spoken = speech::spoken(say, "en-NZ");
    assert!(spoken.chars().count() <= speech::SPOKEN_LIMIT, "{spoken:?}");
    assert!(!spoken.contains(char::is_control), "{spoken:?}");
    for action in ["", "https://pager.example.com/twiml/0/digits?a=1&b=2"] {
        let script = Script {
            say: spoken.clone(),
            code: speech::spell_code("7K"),
            language: "en-NZ".to_owned(),
            action: action.to_owned(),
            repeat: action.to_owned(),
            contact: text.to_owned(),
            acknowledged_by: say.to_owned(),
            ..Script::default()
        };
        for page in [Page::Alert, Page::Taken] {
            assert_twiml(&TEMPLATES.render(page, &script));
        }
        // Unspoken, as somebody's own template may use it.
        let raw = Script { say: say.to_owned(), ..script };
        assert_twiml(&TEMPLATES.render(Page::Inline, &raw));
    }
    assert_twiml(&TEMPLATES.message(Some(&sms::compose("", text, 10))));
}

/// `document` is well-formed XML with a `Response` at its root that speaks.
pub fn assert_twiml(document: &str) {
    let parsed = roxmltree::Document::parse(document).unwrap_or_else(|error| panic!("{error}: {document:?}"));
    assert!(parsed.root_element().has_tag_name("Response"), "{document:?}");
    assert!(document.len() <= 64_000, "{} bytes", document.len());
    for verb in parsed.descendants().filter(|node| node.is_element()) {
        let name = verb.tag_name().name();
        let known = ["Response", "Say", "Gather", "Pause", "Hangup", "Redirect", "Message"];
        assert!(known.contains(&name), "`{name}` in {document:?}");
    }
    assert!(!document.contains("Its text cannot be told"), "the last resort was needed");
}
