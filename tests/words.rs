//! Words: what those who are called hear and those who are texted read, each in their language.

use crate::support::{DARREN, DAVID, DOWN, PAGE, Phone, Test};

const GERMAN_DAVID: &str = r#"
[contacts]
david  = { name = "David",  phone = "+64211110001", language = "de-DE", voice = "Polly.Vicki" }
darren = { name = "Darren", phone = "+64211110002" }

[groups.systems]
name = "Systems"
members = ["david", "darren"]
oncall = "david"
backup = ["darren"]

[voice]
language = "en-NZ"
voice = "Polly.Aria-Neural"
"#;

#[test]
fn each_is_called_in_their_own_language_and_told_the_news_in_it() {
    let rules = format!("{GERMAN_DAVID}{PAGE}{DOWN}");
    let mut test =
        Test::new().rules(&rules).phone(DAVID, [Phone::press(["2"])]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("web", "web is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    let heard = |number: &str| test.calls().iter().find(|call| call.to == number).unwrap().heard.join(" ");
    assert!(heard(DAVID).contains("Alarm für David. Host web is down."), "{}", heard(DAVID));
    assert!(heard(DAVID).contains("Drücken Sie die 1") && heard(DAVID).contains("Der Alarm wird weitergegeben."));
    assert!(heard(DARREN).contains("Alert for Darren. Host web is down."), "{}", heard(DARREN));
    assert!(heard(DARREN).contains("Press 1 to acknowledge") && heard(DARREN).contains("The alert is yours."));
    test.wait_until(|test| !test.texts().is_empty(), "David is not told who has it");
    let news = &test.texts()[0];
    assert!(news.to == DAVID && news.body.contains(" Darren hat es: web"), "{news:?}");
}

#[test]
fn a_reply_is_answered_in_the_language_of_whoever_wrote_it() {
    let sms = "[policies.page]\nsteps = [{ notify = \"oncall\", by = \"sms\", wait = \"30m\" }]\n";
    let mut test = Test::new().rules(&format!("{GERMAN_DAVID}{sms}{DOWN}")).serve();
    let mail = test.mail("web", "web is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.texts().len() == 1, "David is not texted");
    let code = test.texts()[0].body.split(' ').next().unwrap().to_owned();
    assert_eq!(test.text_from(DAVID, &code).unwrap(), format!("{code} gehört Ihnen."));
    test.wait_for_state("acknowledged");
    assert_eq!(test.text_from(DAVID, &code).unwrap(), format!("{code}: David hat es."));
}

#[test]
fn a_directory_replaces_the_words_one_by_one_and_check_tells_what_is_missing() {
    let rules = format!("{}{PAGE}{DOWN}", GERMAN_DAVID.replace("de-DE", "fr-FR"));
    let test = Test::new().rules(&rules).phone(DAVID, [Phone::press(["1"])]);
    let written = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    std::fs::write(test.path("rules.toml"), format!("twiml = \"twiml\"\n{written}")).unwrap();
    std::fs::create_dir_all(test.path("twiml/fr")).unwrap();
    let thanks = "<Response><Say{{ speaker }}>Merci, {{ contact }}.</Say></Response>";
    std::fs::write(test.path("twiml/fr/acknowledged.xml"), thanks).unwrap();
    test.run(&["check", "--offline"], b"")
        .says("not everything is translated into `fr-FR`: `alert.xml`, `storm.xml`, `inline.xml`")
        .done();
    let mut test = test.serve();
    let mail = test.mail("web", "web is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    test.wait_until(|test| test.calls()[0].heard.join(" ").contains("Merci, David."), "David is not thanked in French");
    assert!(test.calls()[0].heard.join(" ").contains("Press 1 to acknowledge"));
}

#[test]
fn a_text_ends_with_the_alerts_link_where_that_is_wanted() {
    let sms = "[policies.page]\nsteps = [{ notify = \"oncall\", by = \"sms\", wait = \"30m\" }]\n";
    let long = DOWN.replace("sms = \"{{ host }} is down\"", "sms = \"{{ text }}\"");
    let test = Test::new().rules(&format!("{GERMAN_DAVID}{sms}{long}"));
    let without = crate::support::mail("a", "x", &format!("web is DOWN\n{}", "tablespace full ".repeat(60)));
    let body = test.run(&["explain", "--json"], &without).exit(0).json()["sms"].as_str().unwrap().to_owned();
    assert!(!body.contains("/alerts/"), "{body}");

    let rules = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    std::fs::write(test.path("rules.toml"), rules.replace("[server]\n", "[server]\nlink = true\n")).unwrap();
    test.run(&["check", "--offline"], b"").exit(0).done();
    let page = test.run(&["explain"], &without).exit(0);
    page.says("/alerts/1234").says("the code and the number in the link are examples").done();
    let mut test = test.serve();
    let mail = test.mail("x", &format!("web is DOWN\n{}", "tablespace full ".repeat(60)));
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.texts().len() == 1, "David is not texted");
    let body = test.texts()[0].body.clone();
    let link = format!("{}/alerts/1", test.url());
    assert!(body.ends_with(&format!("... {link}")) && body.len() <= 3 * 153, "{body}");
    // An answer and news have none.
    let code = body.split(' ').next().unwrap();
    assert_eq!(test.text_from(DAVID, code).unwrap(), format!("{code} gehört Ihnen."));
}

#[test]
fn a_link_that_knows_its_reader_is_shown_as_long_as_it_is() {
    let sms = "[policies.page]\nsteps = [{ notify = \"oncall\", by = \"sms\", wait = \"30m\" }]\n";
    let long = DOWN.replace("sms = \"{{ host }} is down\"", "sms = \"{{ text }}\"");
    let test = Test::new().rules(&format!("{GERMAN_DAVID}{sms}{long}"));
    let rules = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    std::fs::write(test.path("rules.toml"), rules.replace("[server]\n", "[server]\nlink = \"token\"\n")).unwrap();
    test.run(&["check", "--offline"], b"").exit(0).done();
    let mut test = test.serve();
    let mail = test.mail("x", &format!("web is DOWN\n{}", "tablespace full ".repeat(60)));
    let shown = test.run(&["explain", "--json"], &mail).exit(0).json()["sms"].as_str().unwrap().to_owned();
    test.run(&["explain"], &mail).exit(0).says("the code and the end of the link are examples").done();
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.texts().len() == 1, "David is not texted");
    let body = test.texts()[0].body.clone();
    let link = body.rsplit(' ').next().unwrap();
    let end = link.strip_prefix(&format!("{}/a/1.1.", test.url())).unwrap_or_else(|| panic!("{body}"));
    assert_eq!(end.len(), 22, "{body}");
    assert!(body.len() <= 3 * 153, "{body}");
    // The example has the number 1234, which is three digits longer.
    let example = shown.rsplit(' ').next().unwrap();
    assert_eq!(example.len(), link.len() + 3, "{shown}");
    // Once the alert is open, its own number stands there.
    let again = test.mail("x", "web is DOWN");
    let page = test.run(&["explain"], &again).exit(0);
    page.says("/a/1.2.").says("the end of the link is an example").done();
}

#[test]
fn check_complains_of_a_link_that_has_no_beginning() {
    let test = Test::new().without_webhooks().rules(&format!("{GERMAN_DAVID}{PAGE}{DOWN}"));
    let rules = std::fs::read_to_string(test.path("rules.toml")).unwrap();
    std::fs::write(test.path("rules.toml"), rules.replace("[server]\n", "[server]\nlink = true\n")).unwrap();
    test.run(&["check", "--offline"], b"").says("there is no `public_url` that a link could begin with").done();
}

#[test]
fn no_voice_is_given_more_than_it_takes() {
    // 800 characters of Chinese are 7200 bytes in a URL, and spelt figures are marked up: no voice takes them all.
    for (voice, words) in
        [("Polly.Zhiyu", "数据库".repeat(300)), ("Google.cmn-CN-Standard-A", "ORA-01653 db1 ".repeat(90))]
    {
        let rules = format!("{GERMAN_DAVID}{PAGE}{}", DOWN.replace("is down.\"", "is down. {{ text }}\""));
        let rules = rules.replace("Polly.Vicki", voice);
        let mut test = Test::new().rules(&rules).phone(DAVID, [Phone::press(["1"])]).serve();
        let mail = test.mail("x", &format!("web is DOWN\n{words}"));
        test.deliver(&mail).exit(0).done();
        test.wait_for_state("acknowledged");
        let heard = test.calls()[0].heard.join(" ");
        assert!(heard.contains("Host web is down.") && heard.chars().count() > 500, "{voice}: {heard}");
    }
}

/// An alert of everything that is hard to hear.
const HARD: &str = "web is DOWN\nTicket #8658: ORA-01653 on db01.example.com (10.20.0.15:8080)\nsince 2026-11-26 03:15:22, /var at \
                    97.48213% of 1536 GB, 1234567 rows\nsee https://wiki.example.com/oncall?id=1 for help\nhttps://x.example/1\n";

#[test]
fn what_is_hard_to_hear_is_said_in_words_in_each_language() {
    let rules = format!("{GERMAN_DAVID}{PAGE}{}", DOWN.replace("is down.\"", "is down. {{ text }}\""));
    let mut test =
        Test::new().rules(&rules).phone(DAVID, [Phone::press(["2"])]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("x", HARD);
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    let heard = |number: &str| test.calls().iter().find(|call| call.to == number).unwrap().heard.join(" ");
    // Codes are one word in SSML: there the voice is told to spell them.
    for (number, words) in [
        (
            DARREN,
            [
                "Ticket number 8658: ORA, 01653 on DB01 dot example dot com",
                "10 dot 20 dot 0 dot 15, port 8080",
                "26 November 2026, 3:15",
                "slash var at 97.48 percent of 1536 gigabytes",
                "see a link for help",
            ],
        ),
        (
            DAVID,
            [
                "Ticket Nummer 8658: ORA, 01653 on DB01 Punkt example Punkt com",
                "10 Punkt 20 Punkt 0 Punkt 15, Port 8080",
                "26. November 2026, 3 Uhr 15",
                "Slash var at 97,48 Prozent of 1536 Gigabyte",
                "see ein Link for help",
            ],
        ),
    ] {
        for words in words {
            assert!(heard(number).contains(words), "no `{words}` in {}", heard(number));
        }
        assert!(!heard(number).contains("wiki") && !heard(number).contains("x.example"), "{}", heard(number));
    }
}

#[test]
fn a_voice_that_takes_ssml_is_given_pauses_and_no_other_is() {
    let rules = format!("{GERMAN_DAVID}{PAGE}{}", DOWN.replace("is down.\"", "is down. {{ text }}\""));
    let rules = rules.replace("voice = \"Polly.Aria-Neural\"", "voice = \"woman\"");
    // Without webhooks the document travels in the call.
    let mut test = Test::new().without_webhooks().rules(&rules).serve();
    let mail = test.mail("x", HARD);
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.calls().len() == 1, "David is not called");
    test.advance("6m");
    test.wait_until(|test| test.calls().len() == 2, "Darren is not called");
    let twiml = |number: &str| {
        let calls = test.calls();
        let call = calls.iter().find(|call| call.to == number).unwrap();
        call.parameter("Twiml").unwrap().to_owned()
    };
    let to_david = twiml(DAVID);
    assert!(to_david.contains("<Say voice=\"Polly.Vicki\" language=\"de-DE\">"), "{to_david}");
    assert!(to_david.contains("is down.<break time=\"400ms\"/> "), "{to_david}");
    assert!(to_david.contains("<say-as interpret-as=\"characters\">01653</say-as>"), "{to_david}");
    let to_darren = twiml(DARREN);
    assert!(to_darren.contains("<Say voice=\"woman\" language=\"en-NZ\">"), "{to_darren}");
    assert!(to_darren.contains("O R A, 0 1 6 5 3 on D B 0 1 dot example dot com"), "{to_darren}");
    assert!(!to_darren.contains("<break") && !to_darren.contains("say-as"), "{to_darren}");
}

#[test]
fn a_text_has_its_code_first_and_whole_segments_of_gsm_7() {
    let sms = "[policies.page]\nsteps = [{ notify = \"oncall\", by = \"sms\", wait = \"30m\" }]\n";
    let long = DOWN.replace("sms = \"{{ host }} is down\"", "sms = \"{{ text }}\"");
    let mut test = Test::new().rules(&format!("{GERMAN_DAVID}{sms}{long}")).serve();
    let words = "web is DOWN\n“Tablespace” – full… ’twas at 97 % – naïve ✓\n".to_owned() + &"more of it ".repeat(80);
    let mail = test.mail("x", &words);
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.texts().len() == 1, "David is not texted");
    let body = test.texts()[0].body.clone();
    let (code, rest) = body.split_once(' ').unwrap();
    assert_eq!(test.alerts()[0]["code"], code);
    assert!(rest.starts_with("web is DOWN \"Tablespace\" - full... 'twas at 97 % - naive "), "{body}");
    assert!(body.ends_with("..."), "{body}");
    let length = thialfi::notify::sms::length(&body);
    assert_eq!((length.encoding, length.segments), (thialfi::notify::sms::Encoding::Gsm7, 3), "{body}");
    assert!(length.units > 440, "{body}");
}
