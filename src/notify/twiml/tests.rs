//! Every page as Twilio hears it.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::notify::phrase::Place;

fn templates() -> Templates {
    Templates::load(None).unwrap()
}

fn render(page: Page, script: &Script) -> String {
    templates().render(page, script)
}

/// All that is said, each `Say` a line; and that the document has the shape that Twilio wants.
#[track_caller]
fn said(document: &str) -> String {
    let parsed = roxmltree::Document::parse(document).unwrap_or_else(|error| panic!("{error}: {document}"));
    let root = parsed.root_element();
    assert!(root.has_tag_name("Response"));
    let mut said = Vec::new();
    for node in root.descendants().filter(roxmltree::Node::is_element) {
        match node.tag_name().name() {
            "Response" => {}
            "Gather" => assert!(node.attribute("action").is_some_and(|action| action.starts_with("https://"))),
            "Pause" => assert_eq!(node.attribute("length"), Some("1")),
            "Hangup" => assert_eq!(node.parent(), Some(root)),
            "Say" => {
                let text: String = node.children().filter_map(|child| child.text()).collect();
                assert!(node.children().all(|child| child.is_text()), "{document}");
                assert!(!text.is_empty() && text.chars().count() <= 3000, "{}", text.len());
                said.push(text);
            }
            other => panic!("{other}: {document}"),
        }
    }
    said.join("\n")
}

fn alert() -> Script {
    Script {
        say: "Issue number 8 6 5 8 has been escalated".into(),
        code: "7 K".into(),
        action: "https://pager.example.com/twiml/0/digits?a=1&b=2".into(),
        contact: "David".into(),
        ..Script::default()
    }
}

#[test]
fn the_alert_is_told_three_times_with_its_keys() {
    let document = render(Page::Alert, &alert());
    let parsed = roxmltree::Document::parse(&document).unwrap();
    let gathers: Vec<_> = parsed.descendants().filter(|node| node.has_tag_name("Gather")).collect();
    assert_eq!(gathers.len(), 3);
    for gather in gathers {
        assert_eq!(gather.attribute("action"), Some("https://pager.example.com/twiml/0/digits?a=1&b=2"));
        for (name, value) in [
            ("input", "dtmf"),
            ("numDigits", "1"),
            ("method", "POST"),
            ("timeout", "6"),
            ("actionOnEmptyResult", "false"),
        ] {
            assert_eq!(gather.attribute(name), Some(value));
        }
    }
    assert!(parsed.root_element().last_element_child().unwrap().has_tag_name("Hangup"));
    let keys = "Code 7 K. Press 1 to acknowledge, 2 to pass it on now, 3 if it is over, star to hear it again.";
    let once = format!("Alert for David. Issue number 8 6 5 8 has been escalated.\n{keys}");
    assert_eq!(
        said(&document),
        format!("{once}\n{once}\n{once}\nNo key was pressed. The alert is not acknowledged. Goodbye.")
    );
}

#[test]
fn what_came_since_is_told() {
    let script = |more| Script { more, ..alert() };
    assert!(said(&render(Page::Alert, &script(1))).contains("Code 7 K. One more mail has come since. Press 1"));
    assert!(said(&render(Page::Alert, &script(12))).contains(" 12 more mails have come since. "));
    assert!(said(&render(Page::Inline, &script(12))).contains(". 12 more mails have come since. To acknowledge"));
    assert!(!said(&render(Page::Alert, &script(0))).contains("since"));
}

#[test]
fn voice_and_language_are_attributes_only_when_they_are_given() {
    for page in Page::ALL {
        assert!(!render(page, &alert()).contains("voice=") && !render(page, &alert()).contains("language="));
        let broken = Script { voice: "\" x=\"".into(), language: "<".into(), ..alert() };
        assert_eq!(render(page, &broken), render(page, &alert()));
        let script = Script { voice: "Polly.Céline".into(), language: "en-NZ".into(), ..alert() };
        let document = render(page, &script);
        assert_eq!(
            document.matches("<Say").count(),
            document.matches(r#"<Say voice="Polly.Céline" language="en-NZ">"#).count()
        );
    }
}

#[test]
fn without_webhooks_the_way_to_acknowledge_is_a_text() {
    let script = Script { action: String::new(), ..alert() };
    let expected = "Alert for David. Issue number 8 6 5 8 has been escalated. \
                    To acknowledge, send a text with the code 7 K to this number.\n";
    for page in [Page::Inline, Page::Alert, Page::WrongKey, Page::NobodyFurther] {
        let document = render(page, &script);
        assert!(!document.contains("Gather"));
        assert_eq!(said(&document), format!("{}Goodbye.", expected.repeat(3)));
    }
}

#[test]
fn each_key_has_its_answer() {
    let script = alert();
    assert_eq!(said(&render(Page::Acknowledged, &script)), "Thank you, David. The alert is yours. Code 7 K. Goodbye.");
    assert!(said(&render(Page::Escalated, &script)).contains("The next person is called now."));
    assert_eq!(said(&render(Page::Resolved, &script)), "Thank you, David. The alert is over. Goodbye.");
    assert!(said(&render(Page::WrongKey, &script)).starts_with("That key means nothing here.\nAlert for David. Issue"));
    assert!(said(&render(Page::Taken, &script)).starts_with("This alert is already over."));
    let script = Script { acknowledged_by: "Darren".into(), ..script };
    assert!(said(&render(Page::Taken, &script)).starts_with("Darren has this alert already."));
    assert!(said(&render(Page::Test, &script)).starts_with("Hello David. This is a test. Nothing is wrong."));
}

#[test]
fn hostile_text_stays_text() {
    for hostile in [
        "]]>",
        "<Hangup/>",
        "</Say><Hangup/><Say>",
        "a & b &amp; &#0; &lol;",
        "\0\u{1}\u{b}\u{fffe}\u{ffff}\u{1b}[2J",
        "<!--",
        "<![CDATA[",
        "\"'><x y=\"",
        "{{ 77 * 7 }}{% raw %}{#",
        &"<".repeat(1 << 20),
        &"&😜".repeat(1 << 18),
        &"数".repeat(10_000),
        &"a b".repeat(350_000),
        "",
    ] {
        for page in Page::ALL {
            for action in ["", "https://pager.example.com/x?y=\"&<>"] {
                let text = || hostile.to_owned();
                let script = Script {
                    say: text(),
                    code: text(),
                    language: text(),
                    voice: text(),
                    action: action.to_owned(),
                    repeat: text(),
                    more: u32::MAX,
                    count: usize::MAX,
                    places: text(),
                    acknowledged_by: text(),
                    key: text(),
                    contact: text(),
                };
                let document = render(page, &script);
                let said = said(&document);
                assert!(document.len() <= MAX_FETCHED);
                assert!(!said.contains("539") && !said.contains(['\0', '\u{b}', '\u{fffe}', '\u{1b}']), "{said}");
                assert!(document != LAST_RESORT);
                if document.contains("Hangup/&gt;") {
                    assert_eq!(document.matches("<Hangup/>").count(), 1);
                }
            }
        }
    }
}

#[test]
fn an_inline_document_has_at_most_4000_characters() {
    for say in ["tablespace full, ".repeat(1000), "&".repeat(9000), "é".repeat(9000), "a".repeat(9000)] {
        let document = render(Page::Inline, &Script { say, action: String::new(), ..alert() });
        let length = document.encode_utf16().count();
        assert!((2400..=MAX_INLINE).contains(&length), "{length}");
        assert!(said(&document).contains("send a text with the code 7 K to this number."));
    }
}

#[test]
fn a_say_is_never_too_long_when_it_is_percent_encoded() {
    let document = render(Page::Alert, &Script { say: "数据库 ".repeat(2000), ..alert() });
    let parsed = roxmltree::Document::parse(&document).unwrap();
    for node in parsed.descendants().filter(|node| node.has_tag_name("Say")) {
        let encoded: usize =
            node.text().unwrap().bytes().map(|byte| if byte.is_ascii_alphanumeric() { 1 } else { 3 }).sum();
        assert!(encoded <= 4500, "{encoded}");
    }
}

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::create_dir_all(directory.path().join(name).parent().unwrap()).unwrap();
        fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

#[track_caller]
fn load_error(files: &[(&str, &str)]) -> String {
    let directory = directory(files);
    let error = Templates::load(Some(directory.path())).unwrap_err();
    assert!(!error.contains('\n'), "{error}");
    error.replace(&directory.path().display().to_string(), "DIR")
}

#[test]
fn a_file_replaces_one_page() {
    let directory = directory(&[
        ("de/taken.xml", "{% include '_bye.xml' %}"),
        ("de/_bye.xml", "<Response><Say{{ speaker }}>{{ acknowledged_by }} hat das schon.</Say></Response>"),
        ("README", "not a template"),
    ]);
    let templates = Templates::load(Some(directory.path())).unwrap();
    let script = Script { acknowledged_by: "<David>".into(), language: "de-DE".into(), ..alert() };
    let document = templates.render(Page::Taken, &script);
    assert_eq!(document, r#"<Response><Say language="de-DE">&lt;David&gt; hat das schon.</Say></Response>"#);
    assert_eq!(templates.render(Page::Alert, &script), render(Page::Alert, &script));
    assert_eq!(templates.render(Page::Taken, &alert()), render(Page::Taken, &alert()), "English is as it was");
}

#[test]
fn every_built_in_template_of_every_language_can_be_rendered() {
    let templates = templates();
    assert_eq!(templates.languages.keys().collect::<Vec<_>>(), ["de", "en"]);
    for (tag, language) in &templates.languages {
        language.try_all(&templates.sources, tag).unwrap();
        assert_eq!(templates.untranslated(tag), [""; 0]);
    }
}

#[test]
fn a_german_hears_german() {
    let german = |script: Script| Script { language: "de-AT".into(), ..script };
    let heard = said(&render(Page::WrongKey, &german(Script { more: 2, ..alert() })));
    let expected = "Diese Taste hat hier keine Bedeutung.\nAlarm für David. Issue number 8 6 5 8 has been escalated.\n\
                    Code 7 K. Seither sind 2 weitere Mails gekommen. Drücken Sie die 1, um zu übernehmen, ";
    assert!(heard.starts_with(expected), "{heard}");
    let inline = said(&render(Page::Inline, &german(Script { action: String::new(), ..alert() })));
    assert!(inline.contains("senden Sie eine SMS mit dem Code 7 K an diese Nummer."), "{inline}");
    let english = [" the ", "Press", "Goodbye", "Thank", " is "];
    for page in Page::ALL {
        let script = german(Script { say: "Platte voll".into(), acknowledged_by: "Eva".into(), more: 1, ..alert() });
        let heard = said(&render(page, &script));
        assert!(!english.iter().any(|word| heard.contains(word)), "{heard}");
    }
    // The tag is looked up however it is written, and what nobody has translated is English.
    let tagged = |language: &str| said(&render(Page::Resolved, &Script { language: language.into(), ..alert() }));
    assert_eq!(tagged("DE-ch"), "Danke, David. Der Alarm ist vorbei. Auf Wiederhören.");
    assert_eq!(tagged("fr-FR"), "Thank you, David. The alert is over. Goodbye.");
    assert_eq!(templates().untranslated("fr-FR").len(), Page::ALL.len() + Phrase::ALL.len());
}

#[test]
fn texts_are_in_the_readers_language_and_fit_a_segment() {
    let templates = templates();
    let about = About {
        code: "7K".into(),
        who: "David".into(),
        subject: "disk".into(),
        list: "7K disk".into(),
        count: 2,
        places: places(&[(3, "cust1-dba"), (2, "systems")]),
        others: 4,
        group: "Systems".into(),
        ..About::default()
    };
    let of = |language: &str, phrase| templates.text(language, phrase, &about);
    assert_eq!(of("en-NZ", Phrase::Taken), "David has it: disk");
    assert_eq!(of("de-DE", Phrase::Taken), "David hat es: disk");
    assert_eq!(of("de", Phrase::NobodyTookIt), "7K: niemand hat es übernommen. Mit der Antwort 7K gehört es Ihnen.");
    assert_eq!(of("sv-SE", Phrase::StillOpen), "7K is still open.");
    for phrase in Phrase::ALL {
        assert_ne!(of("de", phrase), of("en", phrase));
        for language in ["de", "en"] {
            for about in [&about, &About::default()] {
                let length = crate::notify::sms::length(&templates.text(language, phrase, about));
                let expected = (crate::notify::sms::Encoding::Gsm7, 1);
                assert_eq!((length.encoding, length.segments), expected, "{phrase:?}");
            }
        }
    }
    // Templates of texts are no XML.
    let markup = About { who: "R & D <x>\u{202e}\n".into(), ..about.clone() };
    assert_eq!(templates.text("en", Phrase::HasIt, &markup), "7K: R & D <x> has it.");
}

fn places(all: &[(usize, &str)]) -> Vec<Place> {
    all.iter().map(|(count, name)| Place { count: *count, name: (*name).to_owned() }).collect()
}

#[test]
fn several_alerts_are_counted_by_their_addresses() {
    let templates = templates();
    let of = |language: &str, phrase, all: &[(usize, &str)], others| {
        let about = About { code: "7K".into(), first: "db1 is down".into(), count: 9, ..About::default() };
        let about =
            About { places: places(all), others, whereabouts: "9 for x".into(), list: "8L db2".into(), ..about };
        templates.text(language, phrase, &about)
    };
    assert_eq!(of("en", Phrase::Places, &[(3, "dba")], 0), "3 for dba");
    assert_eq!(of("en", Phrase::Places, &[(3, "dba"), (2, "web")], 0), "3 for dba and 2 for web");
    assert_eq!(of("en", Phrase::Places, &[(3, "a"), (2, "b"), (1, "c")], 0), "3 for a, 2 for b and 1 for c");
    assert_eq!(
        of("en", Phrase::Places, &[(3, "a"), (2, "b"), (1, "c")], 4),
        "3 for a, 2 for b, 1 for c and 4 for others"
    );
    assert_eq!(of("de", Phrase::Places, &[(3, "a"), (2, "b")], 4), "3 für a, 2 für b und 4 für andere");
    let one = of("en", Phrase::AndMore, &[(9, "dba")], 0);
    assert_eq!(one, "db1 is down; and 9 more for dba. Reply 7K to take all 10. 8L db2");
    let several = of("de", Phrase::AndMore, &[(8, "dba"), (1, "web")], 0);
    assert_eq!(several, "db1 is down; und 9 weitere (9 for x). Mit der Antwort 7K gehören alle 10 Ihnen. 8L db2");
}

#[test]
fn a_language_of_ones_own_needs_only_what_is_translated() {
    let directory = directory(&[
        ("fr/texts.toml", "taken = \"{{ who }} l'a : {{ subject }}\""),
        ("fr/taken.xml", "<Response><Say{{ speaker }}>C'est fait.</Say></Response>"),
        ("de-CH/texts.toml", "yours = \"{{ code }} isch dyne.\""),
        ("texts.toml", "yours = \"{{ code }}: all yours.\""),
    ]);
    let templates = Templates::load(Some(directory.path())).unwrap();
    let about = About { code: "7K".into(), who: "David".into(), subject: "disk".into(), ..About::default() };
    assert_eq!(templates.text("fr-CA", Phrase::Taken, &about), "David l'a : disk");
    assert_eq!(templates.text("fr", Phrase::Yours, &about), "7K: all yours.");
    assert_eq!(templates.text("de-CH", Phrase::Yours, &about), "7K isch dyne.");
    assert_eq!(templates.text("de-AT", Phrase::Yours, &about), "7K gehört Ihnen.");
    assert_eq!(templates.text("de-CH", Phrase::Resolved, &about), "7K ist vorbei.");
    let french = Script { language: "fr-FR".into(), ..alert() };
    assert_eq!(said(&templates.render(Page::Taken, &french)), "C'est fait.");
    let missing = templates.untranslated("fr-FR");
    assert!(missing.contains(&"alert.xml".to_owned()) && missing.contains(&"texts.over".to_owned()));
    assert!(!missing.contains(&"taken.xml".to_owned()) && !missing.contains(&"texts.taken".to_owned()));
}

#[test]
fn a_page_of_ones_own_need_not_have_our_blocks() {
    let directory = directory(&[("alert.xml", "<Response><Say>{{ say }}</Say></Response>")]);
    let templates = Templates::load(Some(directory.path())).unwrap();
    assert_eq!(said(&templates.render(Page::WrongKey, &alert())), "Issue number 8 6 5 8 has been escalated.");
}

#[test]
fn a_broken_directory_is_told_at_the_start() {
    let missing = Templates::load(Some(Path::new("/nonexistent/twiml"))).unwrap_err();
    assert!(missing.starts_with("`/nonexistent/twiml`: "), "{missing}");
    for (file, source, expected) in [
        ("taken.xml", "<Response>{% if %}</Response>", "`DIR/taken.xml`: syntax error"),
        ("taken.xml", "<Response>{{ nonesuch }}</Response>", "`DIR/taken.xml`: undefined value"),
        ("taken.xml", "<Response>", "`DIR/taken.xml`: no XML: "),
        ("taken.xml", "", "`DIR/taken.xml`: no XML: "),
        ("taken.xml", "<Say>x</Say>", "`DIR/taken.xml`: the document is not a `Response`"),
        (
            "aknowledged.xml",
            "<Response/>",
            "`DIR/aknowledged.xml`: no page has a template of this name; did you mean `acknowledged.xml`?",
        ),
        ("de/taken.xml", "<Response>", "`DIR/de/taken.xml`: no XML: "),
        ("german/taken.xml", "<Response/>", "`DIR/german` is not named like a language (`de`, `de-CH`)"),
        ("texts.toml", "taken = 1", "`DIR/texts.toml`: `taken` is not a string"),
        ("de/texts.toml", "take = ''", "`DIR/de/texts.toml`: there is no text `take`; did you mean `taken`?"),
        ("texts.toml", "over = '{{ x }}'", "`DIR/texts.toml`: undefined value"),
        ("texts.toml", "over = ", "`DIR/texts.toml`: TOML parse error"),
    ] {
        let error = load_error(&[(file, source)]);
        assert!(error.starts_with(expected), "{error}");
    }
    let long = format!("<Response><Say>{}</Say></Response>", "x".repeat(5000));
    assert!(load_error(&[("inline.xml", &long)]).starts_with("`DIR/inline.xml`: the document is too long"));
}

#[test]
fn a_template_that_fails_at_night_falls_back_to_ours() {
    let night = "<Response><Say>{{ say | safe }}</Say>{% if more > 5 %}{{ 1 // 0 }}{% endif %}</Response>";
    let directory = directory(&[("alert.xml", night)]);
    let templates = Templates::load(Some(directory.path())).unwrap();
    assert!(templates.render(Page::Alert, &alert()).starts_with("<Response>"));
    for script in [Script { say: "<b".into(), ..alert() }, Script { more: 6, ..alert() }] {
        assert_eq!(templates.render(Page::Alert, &script), render(Page::Alert, &script));
    }
}

proptest! {
    #[test]
    fn any_text_makes_a_document(say in "\\PC{0,60}|[<>&\"'\\]\0\u{fffe}\n a-z]{0,3000}", contact in "\\PC{0,20}") {
        let templates = templates();
        let script = Script { say, contact, ..alert() };
        for page in Page::ALL {
            let document = templates.render(page, &script);
            said(&document);
            prop_assert!(document != LAST_RESORT && page.broken(&document).is_none());
        }
    }
}
