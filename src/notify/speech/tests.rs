//! What is spoken of real alerts, in English and in German.

use proptest::prelude::*;

use super::*;

fn spoken(text: &str) -> String {
    super::spoken(text, "en-NZ")
}

#[test]
fn lines_become_sentences() {
    assert_eq!(
        spoken("Issue 8658 has been escalated\r\nProject: Oracle\r\n\r\nPlease hurry!\nThanks"),
        "Issue 8 6 5 8 has been escalated. Project: Oracle. Please hurry! Thanks"
    );
}

#[test]
fn a_full_line_goes_on_in_the_next() {
    assert_eq!(
        spoken("The tablespace USERS of the database PROD has reached ninety\nfive percent of its size.\nsecond"),
        "The tablespace users of the database prod has reached ninety five percent of its size. second"
    );
    assert_eq!(
        spoken("The tablespace USERS of the database PROD has reached its limit\r\n\r\nplease hurry"),
        "The tablespace users of the database prod has reached its limit. please hurry"
    );
    assert_eq!(spoken("The tablespace is full\nplease hurry"), "The tablespace is full. please hurry");
}

#[test]
fn links_and_addresses_are_said_simply() {
    assert_eq!(spoken("See https://x.example/a?b=c#d."), "See a link.");
    assert_eq!(spoken("(<http://x.example>), or www.example.com!"), "a link, or a link!");
    assert_eq!(spoken("https://a.example <https://a.example> end"), "a link end");
    assert_eq!(spoken("[Grafana](https://grafana.example/d/1) is up"), "Grafana a link is up");
    assert_eq!(spoken("From <first.last@example.com>, now"), "From first dot last at example dot com, now");
    assert_eq!(spoken("user@host"), "user at host");
}

#[test]
fn what_is_for_the_eye_is_left_out() {
    assert_eq!(
        spoken("***** Nagios *****\n\n-----\n=====\nService: **HTTP** - CRITICAL\n| a | b |\n• one\n> quoted\n#123!!!"),
        "Nagios. Service: H T T P, critical. a b. one. quoted. number 1 2 3!"
    );
    assert_eq!(spoken("disk----full and so on.... or_not"), "disk full and so on. or_not");
    assert_eq!(spoken("load = 5 & rising > 90 %"), "load equals 5 and rising more than 90 percent");
    assert_eq!(spoken("-----\n***\n"), "");
}

#[test]
fn nothing_hidden_is_spoken() {
    assert_eq!(spoken("a\0b\u{7}\u{202e} c\u{200b}\u{fffe}\td"), "ab c d");
}

#[test]
fn a_hash_is_not_read_out() {
    assert_eq!(
        spoken(&format!("commit {} failed", "0123456789abcdef".repeat(4))),
        "commit an id ending in C D E F failed"
    );
}

#[test]
fn it_ends_at_a_word() {
    let text = spoken(&"tablespace full, ".repeat(100));
    assert!(text.ends_with("tablespace.") || text.ends_with("full."), "{text}");
    assert!((SPOKEN_LIMIT - 20..=SPOKEN_LIMIT).contains(&text.chars().count()));
    let text = spoken(&"数据库".repeat(1000));
    assert_eq!(text.chars().count(), SPOKEN_LIMIT);
    assert_eq!(spoken(&"a".repeat(1 << 20)), "a long word");
}

#[test]
fn a_code_is_spelt() {
    assert_eq!(spell_code("7K"), "7 K");
    assert_eq!(spell_code(" A1\u{200b}B\n"), "A 1 B");
    assert_eq!(spell_code(""), "");
}

/// Real alerts, and what is spoken of them: `en` to one who speaks English, `de` to a German.
const ALERTS: &str = include_str!("alerts.txt");

#[test]
fn real_alerts_can_be_understood() {
    let mut count = 0;
    let mut wrong = Vec::new();
    let mut shown = String::new();
    for block in ALERTS.split("\n\n").filter(|block| !block.starts_with("# ")) {
        let mut lines = block.trim_end().lines();
        let text = lines.next().unwrap().replace("\\n", "\n");
        count += 1;
        shown.push_str(&format!("{}\n", text.replace('\n', "\\n")));
        for line in lines {
            let (language, expected) = line.split_once(": ").unwrap();
            let said = super::spoken(&text, language);
            shown.push_str(&format!("{language}: {said}\n"));
            if said != expected {
                wrong.push(format!("{text}\n  {language} {expected}\n  now {said}"));
            }
        }
        shown.push('\n');
    }
    if let Some(path) = std::env::var_os("SHOW_SPOKEN") {
        std::fs::write(path, shown).unwrap();
    }
    assert!(count >= 40, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #[test]
    fn any_text_can_be_spoken(text in "(\\PC|[\n\r\t.*<>/:@-]){0,400}|([a-z]{1,12}[ \n]){0,300}") {
        let said = spoken(&text);
        prop_assert!(said.chars().count() <= SPOKEN_LIMIT);
        prop_assert!(!said.contains(char::is_control) && !said.contains("  "), "{said:?}");
        prop_assert_eq!(said.trim(), &said);
        prop_assert!(!said.contains("---") && !said.contains("://"), "{said:?}");
    }
}
