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
