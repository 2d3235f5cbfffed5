//! Several providers: the order in which they are tried, what a fault of one means for the next, gateways and programs.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{DARREN, DAVID, DOWN, FROM, Gateway, PEOPLE, Phone, SID, TOKEN, Test};
use thialfi::provider::sandbox::{Options, Sandbox};

/// One text to the one on call, then a call.
const TEXT: &str = r#"
[policies.page]
repeat = 0
steps = [
  { notify = "oncall", by = "sms", wait = "10m" },
  { notify = "oncall", by = "call", wait = "5m" },
]
"#;

const CALL: &str = r#"
[policies.page]
repeat = 0
steps = [{ notify = "oncall", by = "call", wait = "10m" }]
"#;

/// A telephone network of another company.
fn second() -> Sandbox {
    Sandbox::start(Options { account_sid: SID.to_owned(), auth_token: TOKEN.to_owned(), ..Options::default() }).unwrap()
}

/// A rule file with `[twilio]`, and these providers.
fn with(policy: &str, providers: &str) -> Test {
    Test::new().rules(&format!("{PEOPLE}{policy}{DOWN}{providers}"))
}

fn also(sandbox: &Sandbox, order: &str) -> String {
    format!(
        "[providers.other]\nkind = \"twilio\"\naccount_sid = \"{SID}\"\nauth_token = {{ file = \"token\" }}\n\
         from = \"{FROM}\"\napi_url = \"{}\"\n[delivery]\n{order}\n",
        sandbox.url()
    )
}

fn down(test: &mut Test) {
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
}

/// A program of the test's own.
fn program(test: &Test, name: &str, script: &str) -> String {
    let path = test.path(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn what_one_cannot_take_now_the_next_takes_at_once_and_key_1_works_there() {
    for fault in [Phone::RateLimited(60), Phone::Unauthorized] {
        let other = second();
        other.phone(DAVID, [Phone::press(["1"])]);
        let mut test =
            with(CALL, &also(&other, "call = [\"twilio\", \"other\"]")).phone(DAVID, [fault.clone()]).serve();
        down(&mut test);
        test.wait_for_state("acknowledged");
        assert!(test.calls().is_empty(), "{fault:?}");
        assert_eq!(other.calls_to(DAVID).len(), 1);
        let story = test.story(1);
        assert!(story.contains("other has taken the call to David"), "{story}");
        if fault == Phone::Unauthorized {
            assert!(story.contains("twilio REFUSES OUR CREDENTIALS"), "{story}");
        } else {
            assert!(story.contains("twilio did not take the call to David"), "{story}");
        }
    }
}

#[test]
fn refused_credentials_are_shouted_in_log_and_healthz_too() {
    let other = second();
    let policy = r#"
[policies.page]
repeat = 0
steps = [{ notify = "oncall", by = "call", attempts = 3, wait = "10m" }]
"#;
    let mut test = with(policy, &also(&other, "call = [\"twilio\", \"other\"]")).serve();
    test.sandbox.phone("*", [Phone::Unauthorized]);
    other.phone("*", [Phone::NoAnswer]);
    // The delivery places the first call, the engine the second.
    down(&mut test);
    test.wait_for_log("OUR CREDENTIALS WERE REFUSED");
    let health = test.exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(health.0, 200, "{health:?}");
    assert!(health.1.contains("twilio refuses our credentials"), "{health:?}");
}

#[test]
fn an_order_left_out_is_twilio_and_then_the_others_as_they_stand() {
    let other = second();
    let mut test = with(CALL, &also(&other, "")).phone(DAVID, [Phone::press(["1"])]).serve();
    down(&mut test);
    test.wait_for_state("acknowledged");
    assert_eq!((test.called().len(), other.calls().len()), (1, 0));
}

#[test]
fn a_number_that_is_refused_for_good_is_not_tried_elsewhere() {
    let other = second();
    let policy = CALL.replace("oncall", "group");
    let mut test = with(&policy, &also(&other, "call = [\"twilio\", \"other\"]\nsms = \"other\""))
        .phone(DAVID, [Phone::Refuse(21211)])
        .phone(DARREN, [Phone::press(["1"])])
        .serve();
    down(&mut test);
    test.wait_for_state("acknowledged");
    assert!(other.calls_to(DAVID).is_empty(), "{}", test.story(1));
    assert!(test.story(1).contains("other has taken the text to David"), "his other channel: {}", test.story(1));
}

#[test]
fn a_doubt_is_asked_of_the_provider_that_may_have_it_and_nobody_is_called_twice() {
    for fault in [Phone::AcceptedThenDropped, Phone::ServerErrorPlaced] {
        let other = second();
        other.phone(DAVID, [fault.clone(), Phone::Stay]);
        // The one before it is out of order, so the doubt is at the second.
        let mut test =
            with(CALL, &also(&other, "call = [\"twilio\", \"other\"]")).phone(DAVID, [Phone::RateLimited(1)]).serve();
        down(&mut test);
        test.wait_until(|test| test.story(1).contains("may or may not have been taken"), "no doubt");
        for _ in 0..5 {
            test.let_it_turn();
            test.advance("10s");
        }
        test.wait_until(|test| test.story(1).contains("other has taken"), "it was not found");
        assert_eq!((test.calls().len(), other.calls_to(DAVID).len()), (0, 1), "{fault:?}: {}", test.story(1));
    }
}

#[test]
fn a_doubt_that_was_unfounded_goes_to_the_next_provider() {
    let other = second();
    other.phone(DAVID, [Phone::press(["1"])]);
    let mut test =
        with(CALL, &also(&other, "call = [\"twilio\", \"other\"]")).phone(DAVID, [Phone::ServerError]).serve();
    down(&mut test);
    for _ in 0..3 {
        test.let_it_turn();
        test.advance("5s");
    }
    test.wait_for_state("acknowledged");
    assert_eq!((test.calls().len(), other.calls_to(DAVID).len()), (0, 1), "{}", test.story(1));
}

#[test]
fn a_call_that_nobody_needs_is_hung_up_where_it_was_placed() {
    let other = second();
    other.phone(DAVID, [Phone::Ring]);
    let mut test = with(CALL, &also(&other, "call = \"other\"")).serve();
    down(&mut test);
    test.wait_until(|_| other.calls_to(DAVID).len() == 1, "David is not called");
    test.run(&["alerts", "ack", "1"], b"").exit(0).done();
    test.wait_until(|_| other.calls_to(DAVID)[0].status == "canceled", "it still rings");
}

#[test]
fn a_text_goes_by_a_gateway_and_is_delivered_when_the_gateway_says_so() {
    let gateway = Gateway::answering(&[
        (200, r#"{"id":"a1","ok":true}"#),
        (200, r#"{"status":"ENROUTE"}"#),
        (200, r#"{"status":"DELIVRD"}"#),
    ]);
    let provider = format!(
        r#"
[providers.gate]
kind = "http"
url = "{url}/send?key={{{{ secrets.key | urlencode }}}}"
body = '{{"to":{{{{ to | json }}}},"text":{{{{ text | json }}}}}}'
headers = {{ Content-Type = "application/json" }}
secrets = {{ key = {{ file = "token" }} }}
success = "/ok"
id = "/id"
status_url = "{url}/status/{{{{ id | urlencode }}}}"
status = "/status"
sent = ["ENROUTE"]
delivered = ["DELIVRD"]
failed = ["REJECTD", "UNDELIV"]
[delivery]
call = "twilio"
sms = ["gate", "twilio"]
"#,
        url = gateway.url
    );
    let mut test = with(TEXT, &provider).serve();
    down(&mut test);
    test.wait_until(|test| test.story(1).contains("gate has taken the text to David"), "not sent");
    for _ in 0..4 {
        test.advance("6s");
        test.let_it_turn();
    }
    test.wait_until(|test| test.story(1).contains("was delivered"), "not delivered");
    let sent = gateway.received().remove(0);
    assert_eq!(sent.target, format!("/send?key={TOKEN}"));
    let body = sent.json();
    assert_eq!(body["to"], DAVID);
    assert!(body["text"].as_str().unwrap().contains("db1 is down"), "{body}");
    assert_eq!(gateway.received()[1].target, "/status/a1");
    assert!(test.texts().is_empty());
}

#[test]
fn a_gateway_that_is_silent_leaves_a_doubt_and_the_next_one_texts_all_the_same() {
    let gateway = Gateway::answering(&[(0, "")]);
    let provider = format!(
        "[providers.gate]\nkind = \"http\"\nurl = \"{}\"\nbody = \"{{{{ text }}}}\"\n[delivery]\nsms = [\"gate\", \"twilio\"]\n",
        gateway.url
    );
    let mut test = with(TEXT, &provider).serve();
    down(&mut test);
    test.wait_until(|test| test.texts().len() == 1, "no text");
    // Whoever sends it, the delivery or the engine, tells of it only afterwards.
    test.wait_until(|test| test.story(1).contains("twilio has taken the text to David"), "nobody took it");
    assert!(test.story(1).contains("gate may or may not have taken the text to David"), "{}", test.story(1));
    assert_eq!(gateway.received().len(), 1, "{}", test.story(1));
}

#[test]
fn one_that_is_silent_and_alone_gets_it_twice_and_then_the_person_is_called() {
    let gateway = Gateway::answering(&[(0, "")]);
    let provider = format!(
        "[providers.gate]\nkind = \"http\"\nurl = \"{}\"\nbody = \"{{{{ text }}}}\"\n[delivery]\ncall = \"twilio\"\nsms = \"gate\"\n",
        gateway.url
    );
    let mut test = with(TEXT, &provider).phone(DAVID, [Phone::press(["1"])]).serve();
    down(&mut test);
    let doubts = |test: &Test| test.story(1).matches("may or may not have been taken").count();
    for doubt in 1..=2 {
        test.wait_until(|test| doubts(test) == doubt, "the history does not say so");
        test.advance("20s");
    }
    test.wait_for_state("acknowledged");
    assert_eq!(gateway.received().len(), 2, "{}", test.story(1));
    assert!(test.story(1).contains("not sent a third time"), "{}", test.story(1));
    assert_eq!(test.called(), [DAVID]);
}

#[test]
fn a_program_sends_texts_and_places_calls() {
    let test = Test::new();
    let script = r#"printf '%s %s %s: ' "$THIALFI_CHANNEL" "$1" "$THIALFI_PROVIDER" >> "$(dirname "$0")/sent"; cat >> "$(dirname "$0")/sent"; echo id-1"#;
    let program = program(&test, "modem", script);
    let provider = format!(
        "[providers.modem]\nkind = \"command\"\nargv = [\"{program}\", \"{{{{ to }}}}\"]\ncarries = [\"call\", \"sms\"]\n\
         [delivery]\ncall = \"modem\"\nsms = \"modem\"\n"
    );
    let mut test = test.rules(&format!("{PEOPLE}{TEXT}{DOWN}{provider}")).serve();
    down(&mut test);
    let sent = |test: &Test| std::fs::read_to_string(test.path("sent")).unwrap_or_default();
    test.wait_until(|test| sent(test).ends_with("db1 is down\n"), "no text");
    // Accepted, not delivered: nobody knows more, and the step's time is waited for.
    test.advance("9m");
    test.let_it_turn();
    assert!(!test.story(1).contains("delivered"), "{}", test.story(1));
    assert_eq!(sent(&test).lines().count(), 1);
    test.advance("1m 1s");
    test.wait_until(|test| sent(test).contains("Host D B 1 is down."), "no call");
    let lines = sent(&test);
    assert!(lines.starts_with(&format!("sms {DAVID} modem: ")), "{lines}");
    assert!(lines.contains(&format!("call {DAVID} modem: Host D B 1 is down.")), "{lines}");
}

#[test]
fn a_program_that_cannot_now_leaves_it_to_the_next() {
    let test = Test::new();
    let program = program(&test, "modem", "cat > /dev/null; echo no network >&2; exit 75");
    let provider = format!(
        "[providers.modem]\nkind = \"command\"\nargv = [\"{program}\"]\n[delivery]\nsms = [\"modem\", \"twilio\"]\n"
    );
    let mut test = test.rules(&format!("{PEOPLE}{TEXT}{DOWN}{provider}")).serve();
    down(&mut test);
    test.wait_until(|test| test.texts().len() == 1, "no text");
    test.wait_until(|test| test.story(1).contains("no network; trying the next provider"), "the story does not say so");
}

#[test]
fn without_a_store_the_next_provider_is_tried_as_well() {
    let other = second();
    let rules = format!("{PEOPLE}{CALL}{DOWN}{}", also(&other, "call = [\"twilio\", \"other\"]"));
    let mut test = Test::new();
    let nowhere = test.path("no/such/folder/thialfi.db");
    test = test.rules_with_store(&nowhere, &rules).phone(DAVID, [Phone::RateLimited(60)]);
    std::fs::write(test.path("no"), "a file, not a folder").unwrap();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    assert_eq!(other.calls_to(DAVID).len(), 1);
}

#[test]
fn calls_wait_for_their_turn_where_the_account_takes_so_many_a_second() {
    let other = second();
    let order = "call = \"other\"";
    let provider = also(&other, order).replace("[delivery]", "calls_per_second = 2\n[delivery]");
    let policy = CALL.replace("oncall", "group");
    let mut test = with(&policy, &provider).serve();
    let began = std::time::Instant::now();
    down(&mut test);
    test.wait_until(|_| other.calls().len() == 3, "not all three are called");
    assert!(began.elapsed() >= std::time::Duration::from_millis(950), "{:?}", began.elapsed());
}

#[test]
fn test_says_which_provider_took_it_and_takes_one_by_name() {
    let other = second();
    other.phone(DAVID, [Phone::Listen, Phone::Deliver]);
    let test = with(CALL, &also(&other, "")).phone(DAVID, [Phone::RateLimited(60)]);
    test.run(&["test", "david", "--call"], b"").exit(0).says("was accepted by other").done();
    test.run(&["test", "david", "--sms", "--provider", "other"], b"").exit(0).says("was accepted by other").done();
    let unknown = test.run(&["test", "david", "--provider", "othr"], b"").exit(1);
    assert!(unknown.err.contains("there is no provider `othr`; there are: twilio, other"), "{}", unknown.err);
}

#[test]
fn check_warns_of_providers_that_are_never_used_and_of_calls_that_nobody_carries() {
    let test = with(
        CALL,
        "[providers.gate]\nkind = \"http\"\nurl = \"http://gate.example/{{ to }}\"\n\
         [providers.idle]\nkind = \"clickatell\"\napi_key = { file = \"token\" }\n\
         [delivery]\ncall = [\"gate\"]\nsms = [\"gate\"]\n",
    );
    let said = test.run(&["check", "--offline"], b"");
    let said = format!("{}{}", said.out, said.err);
    for words in [
        "the provider `idle` is never used",
        "`gate` carries no calls",
        "no provider carries calls: nobody can be called",
        "the texts and the login of `gate` travel in the clear",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let empty = with(CALL, "[delivery]\nsms = []\n").run(&["check", "--offline"], b"");
    let said = format!("{}{}", empty.out, empty.err);
    assert!(said.contains("no provider carries texts: nobody can be texted"), "{said}");
}

#[test]
fn the_example_for_asterisk_makes_a_call_file() {
    let test = Test::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/asterisk-call");
    let speak = program(&test, "speak", "cat > \"$2\"");
    std::fs::create_dir_all(test.path("spool/tmp")).unwrap();
    let spool = test.path("spool").display().to_string();
    let provider = format!(
        "[providers.pbx]\nkind = \"command\"\nargv = [\"{example}\", \"{spool}\", \"PJSIP/%s@trunk\", \"{speak}\"]\n\
         carries = [\"call\"]\n[delivery]\ncall = \"pbx\"\n"
    );
    let test = test.rules(&format!("{PEOPLE}{CALL}{DOWN}{provider}"));
    // Asterisk's folder is not there: not now.
    let failed = test.run(&["test", "david", "--call"], b"").exit(1);
    assert!(failed.err.contains("ended with 75"), "{}", failed.err);
    std::fs::create_dir_all(test.path("spool/outgoing")).unwrap();
    test.run(&["test", "david", "--call"], b"").exit(0).says("pbx does not say whether it arrives").done();
    let call = std::fs::read_dir(test.path("spool/outgoing")).unwrap().next().unwrap().unwrap();
    let text = std::fs::read_to_string(call.path()).unwrap();
    assert!(text.starts_with("Channel: PJSIP/64211110001@trunk\nMaxRetries: 0\n"), "{text}");
    let sound = text.lines().find_map(|line| line.strip_prefix("Data: ")).unwrap();
    let spoken = std::fs::read_to_string(format!("{sound}.wav")).unwrap();
    assert!(spoken.contains("This is a test of thialfi"), "{spoken}");
}

#[test]
fn a_program_that_hangs_is_killed_and_the_next_one_texts_all_the_same() {
    let test = Test::new();
    let hangs = program(&test, "hangs", "sleep 60");
    let providers = format!(
        "[providers.modem]\nkind = \"command\"\nargv = [\"{hangs}\"]\ntimeout = \"1s\"\n[delivery]\nsms = [\"modem\", \"twilio\"]\n"
    );
    let mut test = test.rules(&format!("{PEOPLE}{TEXT}{DOWN}{providers}")).serve();
    down(&mut test);
    test.wait_until(|test| test.texts().len() == 1, "no text");
    test.wait_until(|test| test.story(1).contains("twilio has taken the text to David"), "nobody took it");
    let story = test.story(1);
    assert!(story.contains("modem may or may not have taken the text to David"), "{story}");
    assert!(story.contains("did not end within 1 s and was killed"), "{story}");
}

#[test]
fn a_provider_that_fails_again_and_again_is_passed_over_for_a_while_and_then_tried_once() {
    let gateway = Gateway::answering(&[(429, "slow down")]);
    let policy = "[policies.page]\nsteps = [{ notify = \"oncall\", by = \"sms\", attempts = 20, wait = \"10s\" }]\n";
    let provider = format!(
        "[providers.gate]\nkind = \"http\"\nurl = \"{}\"\nbody = \"{{{{ text }}}}\"\n[delivery]\nsms = [\"gate\", \"twilio\"]\n[limits]\nsms = []\n",
        gateway.url
    );
    let mut test = with(policy, &provider);
    // The delivery tries it once; the engine, which begins after that, three times, each time before the other.
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    let mut test = test.serve();
    for text in 2..=4 {
        test.advance("11s");
        test.wait_until(|test| test.texts().len() == text, "no text");
    }
    assert_eq!(gateway.received().len(), 4, "{}", test.story(1));
    for text in 5..=6 {
        test.advance("11s");
        test.wait_until(|test| test.texts().len() == text, "no text");
    }
    assert_eq!(gateway.received().len(), 4, "passed over: {}", test.story(1));
    test.advance("11s");
    test.wait_until(|test| test.texts().len() == 7, "no text");
    assert_eq!(gateway.received().len(), 5, "after half a minute it is tried once: {}", test.story(1));
    test.advance("11s");
    test.wait_until(|test| test.texts().len() == 8, "no text");
    assert_eq!(gateway.received().len(), 5, "and passed over for longer: {}", test.story(1));
}
