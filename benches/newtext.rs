//! What it costs to decode a mail and to find its new text: `cargo bench --bench newtext`. Prints MB/s, by size; asserts
//! nothing. Times are those of the processor (Linux tells them), so that other programs disturb less. Results stand in
//! `docs/performance.md`.

#![allow(clippy::print_stdout, reason = "a bench prints")]
#![allow(clippy::cast_precision_loss, reason = "three digits are shown")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use thialfi::mail::line::Line;
use thialfi::mail::{Message, Raw, newtext};

/// A kind of mail: its name, and one that is at least so long.
type Kind = (&'static str, fn(usize) -> String);

const KINDS: [Kind; 7] = [
    ("report", report),
    ("reply, quotes", quotes),
    ("reply, nested", nested),
    ("top reply, Outlook", outlook),
    ("HTML reply", html),
    ("base64", base64),
    ("one line", one_line),
];

/// Each measurement takes so long.
const LONG_ENOUGH: Duration = Duration::from_millis(200);

fn main() {
    println!(
        "{:<20} {:>8} {:>12} {:>10} {:>12} {:>10} {:>9}",
        "mail", "bytes", "parse", "MB/s", "new text", "MB/s", "growth"
    );
    for (name, make) in KINDS {
        let mut before = None;
        for size in [2_000, 50_000, 1_000_000] {
            let mail = make(size);
            let raw = Raw::from(mail.as_bytes());
            let parse = mean(|| Message::parse(&raw).new_text().len());
            let body = Message::parse(&raw).body().to_owned();
            let split = mean(|| newtext::split(lines(&body), newtext::Context::default()));
            // 1.0: ten times the mail takes ten times as long.
            let exponent = before.map_or_else(String::new, |(length, time): (usize, Duration)| {
                let growth = (parse.as_secs_f64() / time.as_secs_f64()).ln() / (mail.len() as f64 / length as f64).ln();
                format!("{growth:.2}")
            });
            before = Some((mail.len(), parse));
            println!(
                "{name:<20} {:>8} {:>12.1?} {:>10.1} {:>12.1?} {:>10.1} {exponent:>9}",
                mail.len(),
                parse,
                rate(mail.len(), parse),
                split,
                rate(body.len(), split)
            );
        }
    }
}

fn lines(body: &str) -> Vec<Line> {
    body.lines().map(Line::plain).collect()
}

fn rate(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64().max(1e-9)
}

/// What a run costs, on average.
fn mean<T>(mut run: impl FnMut() -> T) -> Duration {
    let (begun, clock) = (processor_time(), Instant::now());
    let mut runs = 0;
    loop {
        black_box(run());
        runs += 1;
        // Asking takes some microseconds.
        if runs % 8 == 0 {
            let spent = processor_time().zip(begun).map(|(now, begun)| now.saturating_sub(begun));
            let spent = spent.unwrap_or_else(|| clock.elapsed());
            if spent >= LONG_ENOUGH {
                return spent / runs;
            }
        }
    }
}

/// How long this thread has had a processor; the kernel tells it to some milliseconds.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

const HEADER: &str = "Received: from a by b; Mon, 2 Nov 2026 02:00:00 +0000\nFrom: Ann <ann@example.com>\nTo: ops@example.com\n\
     Subject: Re: Disk full on db12\nIn-Reply-To: <1@x>\nMessage-ID: <2@x>\nMIME-Version: 1.0\n";

fn mail(fields: &str, text: &str) -> String {
    format!("{HEADER}{fields}\n{text}")
}

/// `text`, with pieces of `more` until it is `size` long; each piece is given its number.
fn grow(mut text: String, size: usize, more: impl Fn(usize) -> String) -> String {
    let mut number = 0;
    while text.len() < size {
        text.push_str(&more(number));
        number += 1;
    }
    text
}

fn sentence(number: usize) -> String {
    format!("Filesystem /var on db{number} is at {} percent, which is more than we agreed on.\n", number % 101)
}

fn report(size: usize) -> String {
    mail("Content-Type: text/plain; charset=utf-8\n", &grow(String::new(), size, sentence))
}

fn quotes(size: usize) -> String {
    let begin = "I have it.\n\nOn Mon, 2 Nov 2026 at 02:00, Monitoring <m@example.com> wrote:\n".to_owned();
    mail("", &grow(begin, size, |number| format!("> {}", sentence(number))))
}

fn nested(size: usize) -> String {
    let begin = "I have it.\n\n".to_owned();
    mail(
        "",
        &grow(begin, size, |number| {
            let marks = ">".repeat(number % 12 + 1);
            let attribution = "On Mon, 2 Nov 2026 at 02:00, Monitoring <m@example.com> wrote:";
            if number % 7 == 0 { format!("{marks} {attribution}\n") } else { format!("{marks} {}", sentence(number)) }
        }),
    )
}

fn outlook(size: usize) -> String {
    let begin = "I have it.\n\n".to_owned();
    mail(
        "",
        &grow(begin, size, |number| {
            let block = "From: Monitoring\nSent: Monday, 2 November 2026 02:00\nTo: Ops\nSubject: Disk full\n\n";
            if number % 20 == 0 { block.to_owned() } else { sentence(number) }
        }),
    )
}

fn html(size: usize) -> String {
    let begin = "<html><body><div>I have it.</div><div class=\"gmail_quote\"><blockquote>".to_owned();
    let text = grow(begin, size, |number| format!("<p style=\"margin:0\">{}&nbsp;</p>\n", sentence(number).trim_end()));
    mail("Content-Type: text/html; charset=utf-8\n", &text)
}

fn base64(size: usize) -> String {
    use ::base64::Engine as _;
    let text = ::base64::engine::general_purpose::STANDARD.encode(grow(String::new(), size * 3 / 4, sentence));
    let mut folded = String::with_capacity(text.len() * 78 / 76);
    for (place, char) in text.chars().enumerate() {
        if place > 0 && place % 76 == 0 {
            folded.push('\n');
        }
        folded.push(char);
    }
    mail("Content-Transfer-Encoding: base64\n", &folded)
}

fn one_line(size: usize) -> String {
    let mut text = String::new();
    while text.len() < size {
        let _ = write!(text, "value={} ", text.len());
    }
    mail("", &text)
}
