//! Gateways for texts: those that need no description, one that the rule file describes, and programs.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Company, DAVID, DOWN, Fate, Gateway, PEOPLE, Phone, SECRET, Test};

/// One text to the one on call, then a call.
const TEXT: &str = r#"
[policies.page]
repeat = 0
steps = [
  { notify = "oncall", by = "sms", wait = "10m" },
  { notify = "oncall", by = "call", wait = "5m" },
]
"#;

const ORDER: &str = "[delivery]\ncall = \"twilio\"\nsms = [\"gate\", \"twilio\"]\n";

/// A rule file with this provider before Twilio; David acknowledges when he is called.
fn with(provider: &str) -> Test {
    let test = Test::new();
    test.secret("secret", SECRET);
    test.rules(&format!("{PEOPLE}{TEXT}{DOWN}{provider}{ORDER}")).phone(DAVID, [Phone::press(["1"]), Phone::Deliver])
}

fn down(test: &mut Test) {
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
}

#[track_caller]
fn wait_for_story(test: &Test, words: &str) {
    test.wait_until(|test| test.story(1).contains(words), &format!("the story does not say `{words}`"));
}

/// A program of the test's own in its directory.
fn program(test: &Test, name: &str, script: &str) -> String {
    let path = test.path(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn each_gateway_takes_a_text_as_its_documentation_says_and_is_asked_what_became_of_it() {
    for (company, words) in [
        (Company::MessageMedia, &["queued", "enroute", "delivered"][..]),
        (Company::SmsGlobal, &["Processing", "sent", "delivered"]),
        (Company::Clickatell, &[]),
    ] {
        let gate = company.open(Fate::Taken(words));
        let mut test = with(&gate.entry("secret")).serve();
        down(&mut test);
        wait_for_story(&test, &format!("gate has taken the text to David (+64211110001): {}", company.id()));
        for asked in 1..=words.len() {
            test.advance("6s");
            test.wait_until(|_| gate.asked() == asked, "it is not asked");
        }
        if words.is_empty() {
            // Clickatell reports by callback alone: the text stays accepted, and its step's time is waited for.
            test.advance("9m");
            test.let_it_turn();
            assert!(!test.story(1).contains("delivered"), "{}", test.story(1));
        } else {
            wait_for_story(&test, "the text to David (+64211110001) was handed to the carrier");
            wait_for_story(&test, "the text to David (+64211110001) was delivered");
        }
        gate.finds_no_fault();
        let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();
        let [(to, text)] = gate.texts().try_into().unwrap();
        assert_eq!((to.trim_start_matches('+'), text), ("64211110001", format!("{code} db1 is down")));
        assert!(test.texts().is_empty() && test.calls().is_empty(), "{company:?}");
        test.advance("10m");
        test.wait_for_calls(&[DAVID]);
    }
}

#[test]
fn a_number_that_a_gateway_refuses_is_called_at_once() {
    for company in Company::ALL {
        let gate = company.open(Fate::Refused);
        let mut test = with(&gate.entry("secret")).serve();
        down(&mut test);
        test.wait_for_state("acknowledged");
        gate.finds_no_fault();
        assert_eq!(test.called(), [DAVID], "{company:?}");
        assert!(test.texts().is_empty(), "no other gateway texts a number that is refused for good");
        let story = test.story(1);
        assert!(story.contains("the text to David (+64211110001) was refused: answered "), "{story}");
        assert!(story.contains("calling David (+64211110001) instead"), "{story}");
    }
}

#[test]
fn credentials_that_a_gateway_refuses_are_shouted_and_the_next_one_texts() {
    for company in Company::ALL {
        let gate = company.open(Fate::Taken(&["sent"]));
        // The token of Twilio in place of its own secret.
        let mut test = with(&gate.entry("token")).serve();
        down(&mut test);
        test.wait_until(|test| test.texts().len() == 1, "no text");
        gate.finds_no_fault();
        wait_for_story(&test, "gate REFUSES OUR CREDENTIALS: answered 401");
        assert!(!test.story(1).contains(SECRET), "{company:?}: {}", test.story(1));
    }
}

#[test]
fn a_gateway_with_too_much_to_do_leaves_it_to_the_next_one() {
    for company in Company::ALL {
        let gate = company.open(Fate::Busy);
        let mut test = with(&gate.entry("secret")).serve();
        down(&mut test);
        test.wait_until(|test| test.texts().len() == 1, "no text");
        gate.finds_no_fault();
        wait_for_story(&test, "gate did not take the text to David (+64211110001): answered 429");
    }
}

#[test]
fn a_text_that_the_gateway_could_not_deliver_is_followed_by_the_next_step_at_once() {
    for (company, word) in [(Company::MessageMedia, "expired"), (Company::SmsGlobal, "undelivered")] {
        let gate = company.open(Fate::Taken(match company {
            Company::MessageMedia => &["expired"],
            Company::SmsGlobal | Company::Clickatell => &["undelivered"],
        }));
        let mut test = with(&gate.entry("secret")).serve();
        down(&mut test);
        wait_for_story(&test, "gate has taken the text");
        test.advance("6s");
        test.wait_for_state("acknowledged");
        assert_eq!(test.called(), [DAVID]);
        wait_for_story(&test, &format!("did not reach the handset ({word})"));
        gate.finds_no_fault();
    }
}

/// A gateway as many are: a GET, and an answer in words.
fn plain(gateway: &Gateway) -> String {
    format!(
        r#"
[providers.gate]
kind        = "http"
method      = "GET"
url         = "{}/sendsms?to={{{{ to_digits }}}}&from={{{{ from | urlencode }}}}&text={{{{ text | urlencode }}}}"
headers     = {{ X-Token = "token {{{{ secrets.key }}}}" }}
user        = "pager"
password    = {{ file = "token" }}
secrets     = {{ key = {{ file = "secret" }} }}
from        = "On Call"
success     = '^ID:'
id          = '^ID: (\w+)'
reason      = '^ERR: \d+, (.*)'
permanent   = '^ERR: 105'
credentials = '^ERR: 001'
"#,
        gateway.url
    )
}

#[test]
fn a_gateway_of_ones_own_is_described_by_templates_and_regular_expressions() {
    let gateway = Gateway::answering(&[(200, "ID: a1b2\n")]);
    let mut test = with(&plain(&gateway)).serve();
    down(&mut test);
    wait_for_story(&test, "gate has taken the text to David (+64211110001): a1b2");
    let sent = gateway.received().remove(0);
    let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();
    assert_eq!(sent.method, "GET");
    assert_eq!(sent.target, format!("/sendsms?to=64211110001&from=On%20Call&text={code}%20db1%20is%20down"));
    assert_eq!(sent.header("X-Token"), format!("token {SECRET}"));
    assert!(sent.header("Authorization").starts_with("Basic "), "{sent:?}");
    assert!(sent.body.is_empty());
}

#[test]
fn what_the_words_of_a_gateway_mean_is_said_in_the_rule_file() {
    // 105 is about the number: David is called. 001 is about us, and 301 is neither: the next one texts.
    for (answer, called, words) in [
        ("ERR: 105, invalid number", true, "was refused: answered 200: invalid number"),
        ("ERR: 001, no such user", false, "gate REFUSES OUR CREDENTIALS: answered 200: no such user"),
        ("ERR: 301, no credit", false, "gate did not take the text to David (+64211110001): answered 200: no credit"),
    ] {
        let gateway = Gateway::answering(&[(200, answer)]);
        let mut test = with(&plain(&gateway)).serve();
        down(&mut test);
        test.wait_until(|test| test.calls().len() + test.texts().len() == 1, "neither called nor texted");
        assert_eq!(test.calls().len(), usize::from(called), "{answer}: {}", test.story(1));
        wait_for_story(&test, words);
    }
}

#[test]
fn a_gateway_that_does_not_answer_in_time_is_not_waited_for() {
    let gateway = Gateway::silent();
    let provider = format!(
        "[providers.gate]\nkind = \"http\"\nurl = \"{}\"\nbody = \"{{{{ text }}}}\"\ntimeout = \"1s\"\n",
        gateway.url
    );
    let mut test = with(&provider).serve();
    let began = std::time::Instant::now();
    down(&mut test);
    test.wait_until(|test| test.texts().len() == 1, "no text");
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
    wait_for_story(&test, "gate may or may not have taken the text to David (+64211110001): timeout");
    assert_eq!(gateway.received().len(), 1);
}

#[test]
fn the_modem_of_the_readme_gets_number_and_text_as_gammu_reads_them() {
    // gammu-smsd-inject(1): the text is read from standard input where there is no -text.
    let test = Test::new();
    let double = r#"
test "$1" = TEXT || { echo "no TEXT: $1" >&2; exit 1; }
case "$2" in +[0-9]*) ;; *) echo "no number: $2" >&2; exit 1 ;; esac
test "$3 $4" = "-autolen 400" || { echo "unknown: $3 $4" >&2; exit 1; }
test $# = 4 || { echo "too much: $*" >&2; exit 1; }
printf '%s %s' "$2" "$(cat)" > "$(dirname "$0")/sent"
echo "Written message with ID OUTC20261102_020000_00_+64211110001_sms0.smsbackup""#;
    program(&test, "gammu-smsd-inject", double);
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/rules.example.toml")).unwrap();
    let argv = example.lines().find_map(|line| line.strip_prefix("# argv = ")).unwrap();
    let provider = format!("[providers.gate]\nkind = \"command\"\nargv = {argv}\n");
    let mut test = test.rules(&format!("{PEOPLE}{TEXT}{DOWN}{provider}{ORDER}"));
    let mail = test.mail("db1", "db1 is DOWN");
    let path = format!("{}:/usr/bin:/bin", test.path("").display());
    crate::support::fed(test.command().env("PATH", path), &mail).exit(75).says("no engine").done();
    let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read_to_string(test.path("sent")).unwrap(), format!("+64211110001 {code} db1 is down"));
    let story = test.story(1);
    assert!(story.contains("gate has taken the text to David (+64211110001): Written message with ID OUTC"), "{story}");
}

#[test]
fn the_example_for_smstools_puts_a_whole_file_into_its_spool() {
    let test = Test::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/smstools-text");
    let spool = test.path("spool").display().to_string();
    let provider = format!("[providers.gate]\nkind = \"command\"\nargv = [\"{example}\", \"{spool}\"]\n");
    let mut test = test.rules(&format!("{PEOPLE}{TEXT}{DOWN}{provider}{ORDER}"));
    // The spool is not there: not now, and the next provider texts.
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    assert_eq!(test.texts().len(), 1, "{}", test.story(1));
    std::fs::create_dir_all(test.path("spool/outgoing")).unwrap();
    let mail = test.mail("db2", "db2 is DOWN: full, 100 % of /var – ünï");
    test.deliver(&mail).exit(75).done();
    assert_eq!(test.texts().len(), 1, "{}", test.story(2));
    let files: Vec<_> =
        std::fs::read_dir(test.path("spool/outgoing")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    // smstools(5): headers, an empty line, the text in UTF-8.
    let code = test.alerts()[1]["code"].as_str().unwrap().to_owned();
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert_eq!(text, format!("To: 64211110001\nAlphabet: UTF-8\n\n{code} db2 is down\n"));
}
