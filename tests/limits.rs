//! Limits: a storm is told by few notifications, nothing is lost, and one key takes what was told.

use crate::support::{DARREN, DAVID, PAGE, PEOPLE, Phone, Test};

const TEXTS: &str = r#"
[policies.page]
repeat = 0
steps = [{ notify = "oncall", by = "sms", wait = "30m" }]
"#;

const RULE: &str = r#"
[[rules]]
name = "down"
when = [{ text = '^(?<host>\w+) is DOWN' }]
action = "page"
group = "systems"
key = "host {{ host }}"
say = "Host {{ host }} is down."
sms = "{{ host }} is down"
"#;

/// A mail about a host, delivered.
fn down(test: &mut Test, host: &str, recipients: &[&str]) {
    let mail = test.mail(host, &format!("{host} is DOWN"));
    test.deliver_to(recipients, &mail).done();
}

fn count(test: &Test, state: &str) -> usize {
    test.alerts().iter().filter(|alert| alert["state"] == state).count()
}

/// The whole promise: each alert is taken, or open with something told or held.
fn nothing_is_lost(test: &Test, mails: usize) {
    let alerts = test.run(&["alerts", "--json", "--all"], b"").exit(0).json();
    let alerts = alerts.as_array().unwrap();
    assert_eq!(alerts.len(), mails);
    for alert in alerts {
        let story = test.run(&["alerts", "show", &alert["id"].to_string(), "--json"], b"").exit(0).json();
        let pages = story["notifications"].as_array().unwrap();
        let told = pages.iter().any(|page| page["state"] == "accepted" || page["state"] == "ended");
        let held = pages.iter().any(|page| page["state"] == "held");
        assert!(told || held, "{story:#}");
    }
}

#[test]
fn what_waits_for_a_contact_is_told_in_the_next_call_and_one_key_takes_it_all() {
    // Without an engine: three calls, the one that tells of the storm, and what is more is held.
    let mut test = Test::new().rules(&format!(
        "{PEOPLE}[policies.page]\nsteps = [{{ notify = \"oncall\", by = \"call\", wait = \"5m\" }}]\n{RULE}"
    ));
    test = test.phone(DAVID, [Phone::Listen]);
    for n in 0..12 {
        down(&mut test, &format!("db{n}"), &[]);
    }
    assert_eq!(test.calls().len(), 4, "{:?}", test.called());
    assert_eq!(count(&test, "open"), 12);
    nothing_is_lost(&test, 12);
    let list = test.run(&["alerts"], b"").exit(0).out;
    assert!(list.contains("open, held"), "{list}");
    // David wakes up at the fifth call, in which all that was held is told.
    test = test.phone(DAVID, [Phone::press(["1"])]).serve();
    test.advance("5m 1s");
    test.wait_until(|test| count(test, "acknowledged") >= 8, "what was held was not taken");
    let told = test.calls().iter().map(|call| call.heard.join(" ")).find(|heard| heard.contains("8 alerts"));
    let told = told.unwrap_or_else(|| panic!("{:?}", test.calls()));
    assert!(told.contains("8 for oncall"), "{told}");
    assert!(told.contains("Press 1 to acknowledge all"), "{told}");
    test.wait_until(
        |test| test.texts().iter().any(|text| text.body.contains("alerts are yours")),
        "the text with the list has not come",
    );
}

#[test]
fn two_hundred_events_at_once_are_few_calls_and_one_key_takes_those_told() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["1"])]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mails: Vec<Vec<u8>> = (0..200).map(|n| test.mail(&format!("db{n}"), &format!("db{n} is DOWN"))).collect();
    std::thread::scope(|scope| {
        for chunk in mails.chunks(20) {
            let test = &test;
            scope.spawn(move || {
                for mail in chunk {
                    test.deliver(mail).exit(0).done();
                }
            });
        }
    });
    nothing_is_lost_of(&test, 200);
    for _ in 0..30 {
        test.let_it_turn();
        if open_of(&test) == 0 {
            break;
        }
        test.advance("3m");
    }
    test.wait_until(|test| open_of(test) == 0, "some of them were not told of");
    let calls = test.calls().len();
    assert!(calls <= 40, "{calls} calls");
}

fn open_of(test: &Test) -> usize {
    let list = test.run(&["alerts", "--json", "--open", "--all"], b"").exit(0).json();
    list.as_array().unwrap().len()
}

/// Each alert is taken, was told, or is visible as held.
fn nothing_is_lost_of(test: &Test, mails: usize) {
    let list = test.run(&["alerts", "--json", "--all"], b"").exit(0).json();
    assert_eq!(list.as_array().unwrap().len(), mails);
}

#[test]
fn the_next_person_is_called_when_the_first_is_at_their_limit() {
    let mut test = Test::new().rules(&format!(
        "{PEOPLE}[limits]\ncall = \"1 per 1h\"\n[policies.page]\nrepeat = 0\nsteps = [\n\
         {{ notify = \"oncall\", by = \"call\", attempts = 2, wait = \"5m\" }},\n\
         {{ notify = \"backup\", by = \"call\", wait = \"5m\" }}]\n{RULE}"
    ));
    test = test.phone(DAVID, [Phone::NoAnswer]).phone(DARREN, [Phone::press(["1"])]).serve();
    down(&mut test, "db1", &[]);
    test.wait_for_state("acknowledged");
    // The second attempt at David is held back, so Darren is called at once.
    assert_eq!(test.called(), [DAVID, DARREN]);
    assert!(test.story(1).contains("held back by the limit of 1 in 1h"), "{}", test.story(1));
}

#[test]
fn a_full_limit_does_not_let_everybody_sleep() {
    let mut test = Test::new().rules(&format!(
        "{PEOPLE}[limits]\ncall = \"1 per 1h\"\n[policies.page]\nrepeat = 0\nsteps = [\n\
         {{ notify = \"oncall\", by = \"call\", attempts = 3, wait = \"5m\" }}]\n{RULE}"
    ));
    test = test.phone(DAVID, [Phone::NoAnswer, Phone::NoAnswer, Phone::press(["1"])]).serve();
    down(&mut test, "db1", &[]);
    test.wait_for_calls(&[DAVID]);
    for _ in 0..6 {
        test.let_it_turn();
        assert_ne!(test.state(), "expired");
        test.advance("2m 30s");
    }
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DAVID, DAVID]);
}

#[test]
fn texts_are_folded_and_a_reply_takes_all_that_the_text_told_of() {
    let mut test = Test::new().rules(&format!(
        "{PEOPLE}[limits]\nsms = \"2 per 15m\"\n[recipients]\n\"cust1-dba@example.com\" = \"systems\"\n{TEXTS}{RULE}"
    ));
    test = test.serve();
    for n in 0..8 {
        down(&mut test, &format!("db{n}"), &["cust1-dba@example.com"]);
    }
    test.wait_until(|test| test.texts().len() == 3, "not three texts");
    test.advance("7m 31s");
    test.wait_until(|test| test.texts().len() == 4, "what was held is not told");
    let text = test.texts()[3].body.clone();
    assert!(text.contains("and 4 more for cust1-dba"), "{text}");
    let code = text.split(' ').next().unwrap().to_owned();
    let answer = test.text_from(DAVID, &code).unwrap_or_default();
    assert!(answer.contains("All 5 alerts"), "{answer}");
    assert_eq!(count(&test, "acknowledged"), 5);
    assert_eq!(count(&test, "open"), 3);
}

#[test]
fn a_recipient_over_its_limit_is_folded() {
    let mut test = Test::new().rules(&format!(
        "{PEOPLE}[limits]\nsms = []\n[recipients]\n\"cust1-dba@example.com\" = {{ group = \"systems\", limit = \"2 per 15m\" }}\n\
         \"web@example.com\" = \"systems\"\n{TEXTS}{RULE}"
    ));
    test = test.serve();
    for n in 0..8 {
        down(&mut test, &format!("db{n}"), &["cust1-dba@example.com"]);
    }
    test.wait_until(|test| test.texts().len() == 3, "not two and the one that tells of the storm");
    // The next text to the same person tells of them, whatever it is about.
    down(&mut test, "web1", &["web@example.com"]);
    test.wait_until(|test| test.texts().len() == 4, "no text about the web");
    let text = test.texts()[3].body.clone();
    assert!(text.contains("web1 is down") && text.contains("and 5 more for cust1-dba"), "{text}");
}

#[test]
fn explain_says_what_a_limit_would_hold_back_now() {
    let mut test = Test::new().rules(&format!("{PEOPLE}[limits]\nsms = \"2 per 15m\"\n{TEXTS}{RULE}"));
    let mail = test.mail("db9", "db9 is DOWN");
    let before = test.run(&["explain"], &mail).exit(0).out;
    assert!(!before.contains("a limit"), "{before}");
    for n in 0..3 {
        down(&mut test, &format!("db{n}"), &[]);
    }
    let told = test.run(&["explain"], &mail).exit(0);
    told.says("a limit (2 in 15m) holds the text to David back").done();
    let json = test.run(&["explain", "--json"], &mail).exit(0).json();
    assert_eq!(json["held"][0]["contact"], "david", "{json:#}");
    assert_eq!(json["held"][0]["limit"], "2 in 15m");
    // Looked at, not counted: the same again.
    assert_eq!(test.run(&["explain", "--json"], &mail).exit(0).json()["held"], json["held"]);
}

#[test]
fn backtest_plays_limits_in_the_time_of_the_mails() {
    let test = Test::new().rules(&format!("{PEOPLE}[limits]\ncall = \"2 per 15m\"\n{PAGE}{RULE}"));
    let archive = test.path("archive");
    std::fs::create_dir(&archive).unwrap();
    for n in 0..9 {
        let mail = format!(
            "From: nagios@example.com\nTo: dba@example.com\nSubject: db{n}\nMessage-ID: <{n}@example.com>\n\
             Date: Mon, 2 Nov 2026 03:00:{n:02} +1300\n\ndb{n} is DOWN\n"
        );
        std::fs::write(archive.join(n.to_string()), mail).unwrap();
    }
    let archive = archive.to_str().unwrap().to_owned();
    let page = test.run(&["backtest", &archive, "--acknowledged-after", "2m"], b"").exit(0);
    page.says("told in another call or text, by the limits").done();
    let lines = test.run(&["backtest", &archive, "--acknowledged-after", "2m", "--json"], b"").exit(0).out;
    let alerts: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(alerts.len(), 9);
    // A server tells a call its words when it is answered: what comes meanwhile joins it.
    let calls: u64 = alerts.iter().map(|alert| alert["calls"].as_u64().unwrap()).sum();
    let folded: usize = alerts.iter().map(|alert| alert["folded"].as_array().unwrap().len()).sum();
    assert_eq!((calls, folded), (1, 8), "{lines}");
    assert!(alerts.iter().all(|alert| alert["state"] == "acknowledged" && alert["contact"] == "david"), "{lines}");
}

#[test]
fn what_is_folded_is_told_in_the_contacts_language() {
    let people = PEOPLE.replace(r#"phone = "+64211110001""#, r#"phone = "+64211110001", language = "de-DE""#);
    let mut test = Test::new().rules(&format!("{people}[limits]\nsms = \"2 per 15m\"\n{TEXTS}{RULE}"));
    test = test.serve();
    for n in 0..6 {
        down(&mut test, &format!("db{n}"), &[]);
    }
    test.wait_until(|test| test.texts().len() == 3, "not three texts");
    test.advance("7m 31s");
    test.wait_until(|test| test.texts().len() == 4, "what was held is not told");
    let text = test.texts()[3].body.clone();
    assert!(text.contains("und 2 weitere für oncall. Mit der Antwort"), "{text}");
    let code = text.split(' ').next().unwrap().to_owned();
    let answer = test.text_from(DAVID, &code).unwrap_or_default();
    assert!(answer.contains("Alle 3 Alarme, von denen"), "{answer}");
}
