//! What rules cost a mail that none of them wants: `cargo bench --bench rules`. Prints times; asserts nothing.
//!
//! "one by one" is what the mail would cost without the pass that seeks all literals at once. A run on two busy cores:
//!
//! ```text
//!  rules     text   read rules   first mail   next mails   one by one
//!      1     2000        4.2µs      553.0ns      294.0ns      278.0ns
//!      1    50000        4.4µs        5.2µs        4.8µs        4.9µs
//!     10    50000       51.4µs       24.1µs       22.4µs       21.9µs
//!    100    50000      472.2µs       82.5µs       73.3µs      184.9µs
//!   1000     2000        4.3ms       90.1µs       38.2µs       74.4µs
//!   1000    50000        4.4ms      172.4µs      105.5µs        1.9ms
//!   1000  1000000        4.2ms        1.6ms        1.5ms       91.9ms
//! compiling 1000 patterns    477.4ms
//! ```

#![allow(clippy::print_stdout, reason = "a bench prints")]
#![allow(clippy::indexing_slicing, reason = "the index is a remainder")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use thialfi::mail::{Message, Text};
use thialfi::notify::template;
use thialfi::rules::{Action, Condition, Haystack, Nobody, Pattern, Place, Rule, RuleSet, View};

fn main() {
    println!(
        "{:>6} {:>8} {:>12} {:>12} {:>12} {:>12}",
        "rules", "text", "read rules", "first mail", "next mails", "one by one"
    );
    for count in [1, 10, 100, 1000] {
        for size in [2_000, 50_000, 1_000_000] {
            measure(count, size);
        }
    }
    let texts = sources(1000);
    println!(
        "reading 1000 patterns   {:>10.1?}",
        best(5, || texts.iter().filter(|text| Pattern::new(text).is_ok()).count())
    );
    let patterns: Vec<_> = texts.iter().filter_map(|text| Pattern::new(text).ok()).collect();
    let begun = Instant::now();
    assert!(patterns.iter().all(|pattern| pattern.compile().is_ok()));
    println!("compiling 1000 patterns {:>10.1?}", begun.elapsed());
    let cyrillic = "Привет, всё хорошо. ".repeat(1500);
    println!(
        "folding {} KB of Cyrillic {:>6.1?}",
        cyrillic.len() / 1000,
        best(5, || one_by_one(&patterns[..1], &cyrillic))
    );
    let source = "Issue {{ issue | digits }} by {{ who }}. {{ header('X-Project') }}.";
    println!("checking a template     {:>10.1?}", best(50, || template::check(source)));
    let variables = template::Variables {
        values: vec![("issue".into(), "8658".into()), ("who".into(), "Ann".into())],
        headers: vec![("X-Project".into(), "systems".into())],
        seed: 1,
    };
    println!("rendering a template    {:>10.1?}", best(50, || template::render(source, &variables)));
}

fn measure(count: usize, size: usize) {
    let message = Message { text: Text::new(&text(size), ""), ..Message::default() };
    let view = View { message: &message, sender: None, recipient: "ops@example.com", now: Timestamp::UNIX_EPOCH };
    let read = best(5, || rules(count));
    let first = (0..5)
        .map(|_| {
            let rules = rules(count);
            best(1, || rules.judge(&view, &Nobody).is_ok())
        })
        .min()
        .unwrap_or_default();
    let rules = rules(count);
    let next = best(10, || rules.judge(&view, &Nobody).is_ok());
    let patterns: Vec<_> = sources(count).iter().filter_map(|source| Pattern::new(source).ok()).collect();
    let single = best(3, || one_by_one(&patterns, message.new_text()));
    println!("{count:>6} {size:>8} {read:>12.1?} {first:>12.1?} {next:>12.1?} {single:>12.1?}");
}

/// Without the rule set's single pass.
fn one_by_one(patterns: &[Pattern], text: &str) -> usize {
    let haystack = Haystack::new(text);
    patterns.iter().filter(|pattern| pattern.find(&haystack).is_ok_and(|found| found.is_some())).count()
}

fn sources(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| format!(r"^Host web{n:04} changed from \w+ to Emergency \(Critical\) on rack(?<rack>\d+)$"))
        .collect()
}

fn rules(count: usize) -> RuleSet {
    let rule = |(n, source): (usize, &String)| Rule {
        name: format!("rule {n}"),
        when: Pattern::new(source)
            .into_iter()
            .map(|pattern| Condition::Matches { place: Place::Text, pattern })
            .collect(),
        count: None,
        set: Vec::new(),
        action: Action::Call,
        group: None,
        policy: None,
        key: None,
        window: None,
        say: None,
        sms: None,
        goes_on: false,
    };
    RuleSet::new(sources(count).iter().enumerate().map(rule).collect())
}

/// Ordinary words, with what resembles the rules here and there.
fn text(size: usize) -> String {
    let words = ["the", "host", "changed", "Web0", "from", "backup", "critical", "finished", "on", "rack", "12", "to"];
    let mut text = String::with_capacity(size + 16);
    let mut state = 1_u32;
    while text.len() < size {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(words[(state >> 16) as usize % words.len()]);
        text.push(if state >> 28 == 0 { '\n' } else { ' ' });
    }
    text
}

fn best<T>(times: usize, mut run: impl FnMut() -> T) -> Duration {
    (0..times)
        .map(|_| {
            let begun = Instant::now();
            black_box(run());
            begun.elapsed()
        })
        .min()
        .unwrap_or_default()
}
