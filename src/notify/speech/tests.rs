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
    assert_eq!(
        spoken("(<http://x.example/1>), or www.example.com/2!"),
        "a link, or a link to W W W dot example dot com!"
    );
    assert_eq!(spoken("https://a.example/1 <https://a.example/1> ends"), "a link ends");
    assert_eq!(spoken("Grafana <https://grafana.example/d/1>, or so"), "Grafana, or so");
    assert_eq!(spoken("[Grafana](https://grafana.example/d/1) is up"), "Grafana is up");
    assert_eq!(
        spoken("<https://grafana.example/d/1>\nRunbook: https://x.example/2\nsilence it: http://x.example/3"),
        ""
    );
    assert_eq!(spoken("From <first.last@example.com>, now"), "From, first dot last at example dot com, now");
    assert_eq!(spoken("user@host"), "user at host");
}

#[test]
fn a_link_takes_no_words_with_it() {
    // What is only a host may be what the alert is about.
    assert_eq!(spoken("www.example.com is down"), "W W W dot example dot com is down");
    assert_eq!(spoken("DOWN: https://shop.example.com"), "down: shop dot example dot com");
    assert_eq!(spoken("DOWN: https://shop.example.com/health"), "down: a link to shop dot example dot com");
    assert_eq!(
        spoken("Host: https://shop.example.com/health is DOWN"),
        "Host: a link to shop dot example dot com is down"
    );
    assert_eq!(spoken("Please call: <https://a.example/1> https://a.example/2"), "Please call");
}

#[test]
fn brackets_and_dashes_are_pauses() {
    assert_eq!(spoken("[FIRING:3] disk full (db1, /var) - call"), "firing 3, disk full, D B 1, slash var, call");
    assert_eq!(spoken("2 file(s) lost (of 3). Now (again)!"), "2 files lost, of 3. Now, again!");
    assert_eq!(spoken("DB2 SQL0911N 10 20"), "D B 2, S Q L 0 9 1 1 N 10, 20");
    // What the filters `digits` and `spell` have made of it.
    assert_eq!(spoken("Issue 8 6 5 8 on web 1 7, db 0 2, s d a 1"), "Issue 8 6 5 8 on web 1 7, D B 0 2, s d a 1");
}

#[test]
fn dates_and_times() {
    let text = "at 3:00 PM, at 12:00, 00:00, 11/26/2026, 26/11/2026, 2026.11.26, 03/04/2026 03:04:05 +1300";
    assert_eq!(
        spoken(text),
        "at 3 P M, at 12 o'clock, midnight, 26 November 2026, 26 November 2026, 26 November 2026, 0 3 slash 0 4 slash \
         2026, 3:04"
    );
    assert_eq!(super::spoken("von 22:00-04:15 Uhr am 5.1.2027", "de"), "von 22 Uhr bis 4 Uhr 15 am 5. Januar 2027");
    assert_eq!(
        spoken("25:00 3:7 13/13/2026 30m 1h30m"),
        "25 0 0, 3 7, 13 slash 13 slash 2026, 30 minutes 1 hour 30 minutes"
    );
}

#[test]
fn numbers_as_each_language_writes_them() {
    let text = "0.004 and 12.50, $1,234.56, 1.200 Zeilen, 3,612 s, 1234567 rows, 1999950000 bytes, 0.0 %";
    assert_eq!(
        spoken(text),
        "0.004 and 12.5, 1234.56 dollars, 1.2 Zeilen, 3612 seconds, 1 2 3 4 5 6 7 rows, 2 billion bytes, 0 percent"
    );
    // A comma of an English program is a point of a German one: what could be either is read as it stands.
    assert_eq!(
        super::spoken(text, "de-CH"),
        "0,004 and 12,5, 1234,56 Dollar, 1200 Zeilen, 3 Komma 6 1 2 Sekunden, 1 2 3 4 5 6 7 rows, 2 Milliarden bytes, 0 \
         Prozent"
    );
}

#[test]
fn what_is_for_the_eye_is_left_out() {
    assert_eq!(
        spoken("***** Nagios *****\n\n-----\n=====\nService: **HTTP** - CRITICAL\n| a | b |\n• one\n> quoted\n#123!!!"),
        "Nagios. Service: H T T P, critical. a, b. one. quoted. number 1 2 3!"
    );
    assert_eq!(spoken("disk----full and so on.... or_not"), "disk full and so on. or not");
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
        "commit an id beginning with 0 1 2 3 failed"
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
fn no_text_takes_long() {
    // Something quadratic in the length of a word takes minutes here.
    for part in
        ["A", "Ä", "aB", "ABa", "1a", "a=", "a.", "a-", "a/", "1:", "A B ", "(", "#1", "::", "1.", "x@", "库", "-"]
    {
        let began = std::time::Instant::now();
        spoken(&part.repeat(MAX_TEXT / part.len()));
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{part}: {:?}", began.elapsed());
    }
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
    for block in ALERTS.trim_end().split("\n\n").filter(|block| !block.starts_with("# ")) {
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
