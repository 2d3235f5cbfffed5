//! Against the standard's alphabet and the official calculator's counts.

use proptest::prelude::*;

use super::*;

fn shared(name: &str) -> Option<serde_json::Value> {
    let path = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/twilio/{}"), name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no {path}");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn lengths_are_those_of_the_official_calculator() {
    let vectors: Vec<serde_json::Value> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert_eq!(vectors.len(), 23);
    if let Some(shared) = shared("sms_vectors.json") {
        assert_eq!(shared, serde_json::Value::Array(vectors.clone()), "the copy is not that of the calculator");
    }
    for vector in vectors {
        let body = vector["body"].as_str().unwrap();
        let check = |text: &str, encoding: &str, segments: &str| {
            let length = length(text);
            assert_eq!(serde_json::to_value(length.encoding).unwrap(), vector[encoding], "{vector}");
            assert_eq!(serde_json::json!(length.segments), vector[segments], "{vector}");
            length
        };
        let length = check(body, "encoding", "segments");
        check(&plain(body), "smart_encoding_name", "smart_segments");
        // The calculator counts septets there and characters here; we count what is sent.
        let chars = match length.encoding {
            Encoding::Gsm7 => length.units,
            Encoding::Ucs2 => body.chars().count(),
        };
        assert_eq!(serde_json::json!(chars), vector["chars"], "{vector}");
    }
}

#[test]
fn the_alphabet_is_the_standards() {
    let Some(alphabet) = shared("gsm7.json") else { return };
    let alphabet = alphabet.as_object().unwrap();
    for c in '\0'..='\u{ffff}' {
        let code = alphabet.get(&u32::from(c).to_string());
        assert_eq!(septets(c), code.map(|code| code.as_array().unwrap().len()), "{c:?}");
    }
}

#[test]
fn what_twilio_would_make_plain_is_made_plain() {
    let Some(map) = shared("smart_encoding_map.json") else { return };
    for (from, to) in map.as_object().unwrap() {
        let c = from.chars().next().unwrap();
        if is_extension(c) || to.as_str().unwrap().trim().is_empty() {
            assert!(length(&compose("", &format!("a{c}b"), 1)).encoding == Encoding::Gsm7, "{c:?}");
        } else {
            assert_eq!(plain(from), to.as_str().unwrap(), "{c:?}");
        }
    }
}

#[test]
fn every_replacement_is_gsm() {
    assert!(LOOK_ALIKES.len() > 250);
    for (c, replacement) in &*LOOK_ALIKES {
        assert_eq!(septets(*c), None, "{c:?}");
        assert!(!replacement.is_empty() && replacement.chars().all(|c| septets(c).is_some()), "{c:?}");
    }
    for (c, letter) in &*LETTERS {
        assert!(septets(*letter).is_some());
        assert!(septets(*c).is_some() || !LOOK_ALIKES.contains_key(c), "{c:?}");
    }
}

#[test]
fn segments_end_between_characters() {
    let units = |text: &str| (length(text).units, length(text).segments);
    assert_eq!(units(&format!("{}€{}", "a".repeat(152), "a".repeat(152))), (306, 3));
    assert_eq!(units(&format!("{}😜{}", "я".repeat(66), "я".repeat(66))), (134, 3));
    assert_eq!(units(&"€".repeat(80)), (160, 1));
    assert_eq!(units(&"€".repeat(81)), (162, 2));
}

#[test]
fn an_alert_is_one_line_of_plain_characters() {
    assert_eq!(
        compose("7K", "Oracle:\r\n\ttablespace “USERS” – it’s full…\u{200b}\u{202e}\0", 1),
        "7K Oracle: tablespace \"USERS\" - it's full..."
    );
    assert_eq!(compose("7K", "", 1), "7K");
    assert_eq!(compose("", "words", 1), "words");
}

#[test]
fn accents_that_gsm_has_stay_and_others_go() {
    assert_eq!(compose("7K", "Größe é à ñ Ü", 1), "7K Größe é à ñ Ü");
    assert_eq!(compose("7K", "Błąd połączenia, číslo, Ação, e\u{301}", 1), "7K Blad polaczenia, cislo, Acao, e");
}

#[test]
fn pictures_are_left_out_or_told() {
    assert_eq!(compose("7K", "🔥 Disk full ⚠️ on db01 🇳🇿", 1), "7K Disk full ! on db01");
    assert_eq!(compose("7K", "✅ Resolved", 1), "7K OK Resolved");
    assert_eq!(compose("7K", "🔥", 1), "7K 🔥");
}

#[test]
fn what_gsm_cannot_say_is_sent_as_it_is() {
    assert_eq!(compose("7K", "Привет, “мир”", 1), "7K Привет, “мир”");
    assert_eq!(compose("7K", "数据库已满", 1), "7K 数据库已满");
}

#[test]
fn a_long_text_is_cut_between_words() {
    let text = compose("7K", &"tablespace full, ".repeat(30), 1);
    assert!(text.starts_with("7K tablespace full, ") && text.ends_with("e full...") || text.ends_with("tablespace..."));
    assert!(text.len() > 140 && length(&text).segments == 1, "{text}");
    let text = compose("7K", &"x".repeat(500), 2);
    assert_eq!((text.len(), length(&text).segments), (306, 2));
    let text = compose("7K", &"数据库".repeat(100), 1);
    assert_eq!((text.chars().count(), length(&text).segments), (70, 1));
}

#[test]
fn one_strange_letter_at_the_end_does_not_cost_the_rest() {
    let words = format!("{}Ж", "tablespace is full ".repeat(20));
    let text = compose("7K", &words, 1);
    assert_eq!(length(&text).encoding, Encoding::Gsm7);
    assert!(text.len() > 140 && text.ends_with("..."), "{text}");
}

#[test]
fn what_belongs_together_is_not_cut_apart() {
    for unit in ["👩\u{200d}💻", "e\u{301}ж", "🇳🇿", "👍🏽"] {
        for shift in 0..4 {
            let words = format!("{}{}", "ж".repeat(shift), unit.repeat(80));
            let text = compose("7K", &words, 1);
            let rest = text.strip_prefix("7K ").unwrap().strip_suffix("...").unwrap().trim_start_matches('ж');
            let rest = if unit.ends_with('ж') { format!("{rest}ж") } else { rest.to_owned() };
            let left = rest.replace(unit, "");
            assert!(left.is_empty() || left == "ж" || left == "e\u{301}", "{text} {left:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_more_segments_than_were_allowed(words in "\\PC{0,300}|[a-z€ “]{0,900}|[ж😜é\u{301} ]{0,400}", segments in 0..12usize) {
        let text = compose("7K", &words, segments);
        let length = length(&text);
        prop_assert!(length.segments <= segments.clamp(1, 10), "{text:?}");
        prop_assert!(text.chars().count() <= 1600);
        prop_assert!(text == "7K" || text.starts_with("7K "), "{text:?}");
        prop_assert!(!text.contains(['\n', '\r', '\t', '\u{202e}', '\0']) && !text.contains("  "), "{text:?}");
    }

    #[test]
    fn what_fits_is_not_cut(words in "[a-zA-Z0-9 .,:€]{0,150}") {
        prop_assume!(length(&words).units <= 157);
        let text = compose("7K", &words, 1);
        let expected = format!("7K {}", words.split_whitespace().collect::<Vec<_>>().join(" "));
        prop_assert_eq!(text, expected.trim_end());
    }
}

const LINK: &str = "https://pager.example.com/alerts/1234";

#[test]
fn a_link_comes_last_and_is_never_cut() {
    assert_eq!(compose_with_link("7K", "disk full", Some(LINK), 1), format!("7K disk full {LINK}"));
    assert_eq!(compose_with_link("7K", "", Some(LINK), 1), format!("7K {LINK}"));
    let long = compose_with_link("7K", &"tablespace full ".repeat(50), Some(LINK), 1);
    assert!(long.starts_with("7K tablespace full") && long.ends_with(&format!("... {LINK}")), "{long}");
    assert!((140..=160).contains(&long.len()), "{long}");
    // In Chinese, too, where a segment holds 70.
    let long = compose_with_link("7K", &"库".repeat(500), Some(LINK), 2);
    assert!(long.ends_with(&format!("库... {LINK}")) && length(&long).segments == 2, "{long}");
    // The words are what matters: one that leaves no room for them is left out.
    let endless = format!("https://x.example/{}", "x".repeat(140));
    assert_eq!(
        compose_with_link("7K", "a disk is full on host db1", Some(&endless), 1),
        "7K a disk is full on host db1"
    );
}

#[test]
fn no_link_within_a_text_is_cut() {
    let text = format!("{} https://x.example/{}", "x".repeat(100), "y".repeat(60));
    assert_eq!(compose("7K", &text, 1), format!("7K {}...", "x".repeat(100)));
    assert_eq!(compose("7K", &format!("https://x.example/{}", "y".repeat(200)), 1), "7K");
}

proptest! {
    #[test]
    fn any_words_leave_the_link_whole(words in "(\\PC|[a-z ]){0,600}", segments in 1_usize..5) {
        let text = compose_with_link("7K", &words, Some(LINK), segments);
        prop_assert!(text.starts_with("7K ") && text.ends_with(LINK), "{text:?}");
        prop_assert!(length(&text).segments <= segments, "{text:?}");
    }
}
