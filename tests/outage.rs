//! When a provider cannot be reached: what is told, by which other way, and how soon.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::support::{DARREN, DAVID, DOWN, FROM, PAGE, PEOPLE, Phone, Relay, SID, TOKEN, Test, free_port, wait};
use thialfi::provider::sandbox::{Options, Sandbox};

fn rules() -> String {
    format!("{PEOPLE}{PAGE}{DOWN}")
}

fn down(test: &mut Test) -> crate::support::Ran {
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail)
}

/// Another company's telephones, second in the order.
fn with_another() -> (Sandbox, String) {
    let options = Options { account_sid: SID.to_owned(), auth_token: TOKEN.to_owned(), ..Options::default() };
    let other = Sandbox::start(options).unwrap();
    let entry = format!(
        "[providers.other]\nkind = \"twilio\"\naccount_sid = \"{SID}\"\nauth_token = {{ file = \"token\" }}\n\
         from = \"{FROM}\"\napi_url = \"{}\"\n[delivery]\ncall = [\"twilio\", \"other\"]\n",
        other.url()
    );
    (other, entry)
}

#[test]
fn a_provider_that_is_away_for_an_hour_is_tried_again_until_the_telephone_rings() {
    let mut test = Test::new().rules(&rules()).phone(DAVID, [Phone::press(["1"]), Phone::press(["1"])]);
    let relay = Relay::closed(&test.sandbox.url());
    test = test.phone(DARREN, [Phone::press(["1"]), Phone::press(["1"])]).api_url(&relay.url()).serve();
    // The policy is over after ten minutes; an hour is longer.
    down(&mut test).exit(0).done();
    test.wait_until(|test| test.story(1).contains("was not taken"), "the history does not say why nobody is called");
    for _ in 0..60 {
        test.advance("1m");
        test.let_it_turn();
    }
    assert_eq!(test.state(), "open", "{}", test.story(1));
    assert!(test.called().is_empty());
    let story = test.story(1);
    assert!(story.contains("refused") && story.contains("all steps again"), "{story}");
    relay.open();
    for minutes in 0.. {
        assert!(minutes < 6, "the provider is back, and nobody is called:\n{}", test.story(1));
        if !test.called().is_empty() {
            break;
        }
        test.advance("1m");
        test.let_it_turn();
    }
    test.wait_for_state("acknowledged");
}

#[test]
fn without_an_engine_the_mail_waits_with_the_mail_server_until_the_provider_is_back() {
    let mut test = Test::new().rules(&rules()).phone(DAVID, [Phone::NoAnswer]);
    let relay = Relay::closed(&test.sandbox.url());
    test = test.api_url(&relay.url());
    let mail = test.mail("db1", "db1 is DOWN");
    for _ in 0..6 {
        let ran = test.deliver(&mail).exit(75).one_line();
        assert!(ran.out.contains("was not taken") || ran.out.contains("no engine follows up"), "{ran:?}");
        test.advance("10m");
    }
    assert!(test.called().is_empty() && test.alerts().len() == 1);
    relay.open();
    test.deliver(&mail).done();
    test.wait_until(|test| !test.called().is_empty(), "the provider is back, and nobody is called");
}

#[test]
fn a_name_that_is_not_found_is_said_and_the_next_provider_calls_at_once() {
    let (other, entry) = with_another();
    other.phone(DAVID, [Phone::press(["1"])]);
    let mut test = Test::new().rules(&format!("{}{entry}", rules())).api_url("http://api.twilio.invalid").serve();
    let began = Instant::now();
    down(&mut test).exit(0).done();
    wait(|| other.calls().len() == 1, "the next provider is not asked");
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    let story = test.story(1);
    assert!(story.contains("cannot resolve `api.twilio.invalid`"), "{story}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_said_and_the_next_provider_calls_at_once() {
    let Some(impostor) = Impostor::start() else { return eprintln!("openssl is not installed: skipped") };
    let (other, entry) = with_another();
    other.phone(DAVID, [Phone::press(["1"])]);
    let url = format!("https://localhost:{}", impostor.port);
    let mut test = Test::new().rules(&format!("{}{entry}", rules())).api_url(&url).serve();
    down(&mut test).exit(0).done();
    wait(|| other.calls().len() == 1, "the next provider is not asked");
    let story = test.story(1);
    assert!(story.contains("invalid peer certificate"), "{story}");
}

#[test]
fn credentials_that_are_refused_are_shouted_and_the_alert_goes_on_by_the_next_provider() {
    let (other, entry) = with_another();
    other.phone(DAVID, [Phone::press(["1"])]);
    let mut test = Test::new().rules(&format!("{}{entry}", rules())).phone("*", [Phone::Unauthorized; 1]).serve();
    down(&mut test).exit(0).done();
    wait(|| other.calls().len() == 1, "the next provider is not asked");
    assert!(test.story(1).contains("refuses our credentials") || test.story(1).contains("20003"), "{}", test.story(1));
}

#[test]
fn calls_carry_their_words_while_the_provider_cannot_ask_for_them_and_a_text_takes_the_alert() {
    let policy = "[limits]\ncall = []\nsms = []\n[policies.page]\nrepeat = 3\nsteps = [{ notify = \"oncall\", by = \"call\", wait = \"3m\" }]\n";
    let mut test = Test::new().rules(&format!("{PEOPLE}{policy}{DOWN}")).phone(DAVID, [Phone::Listen; 1]);
    test = test.phone(DAVID, [Phone::Listen, Phone::Listen, Phone::press(["1"])]);
    let relay = Relay::closed(&test.listens_at());
    test = test.public_url(&relay.url()).serve();
    down(&mut test).exit(0).done();
    test.wait_until(|test| test.calls().iter().any(|call| !call.heard.is_empty()), "nobody is called");
    assert!(test.calls()[0].heard.join(" ").contains("application error"), "{:?}", test.calls());
    // The engine asks how that call went, and hears that it is over.
    test.advance("46s");
    test.wait_until(|test| test.story(1).contains("nothing has reached"), "nobody notices");
    test.wait_until(|test| test.calls().len() > 1, "the next call does not come at once");
    test.wait_until(|test| test.calls()[1].heard.join(" ").contains("Host D B 1 is down"), "the call says nothing");
    assert!(test.calls()[1].heard.join(" ").contains("send a text with the code"), "{:?}", test.calls()[1].heard);
    let health = test.exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").1;
    assert!(health.contains("has not reached"), "{health}");
    // A delivery that comes meanwhile knows of it, too.
    let mail = test.mail("db2", "db2 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(
        |test| test.calls().iter().any(|call| call.heard.join(" ").contains("Host D B 2 is down")),
        "the second alert's call says nothing",
    );
    // Texts are asked for.
    let story = test.story(1);
    let code = story.split(['(', ')']).nth(1).unwrap();
    assert!(test.text_from(DAVID, &format!("ack {code}")).is_none(), "a webhook has answered");
    test.advance("11s");
    test.wait_until(|test| test.alerts()[0]["state"] == "acknowledged", "the text was not asked for");
    // The address is back: what is called about next is asked for again.
    relay.open();
    let mail = test.mail("db3", "db3 is DOWN");
    test.advance("4m");
    test.deliver(&mail).exit(0).done();
    test.wait_until(
        |test| {
            !test
                .exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .1
                .contains("has not reached")
        },
        "nobody notices that it is back",
    );
}

/// A server of TLS whose certificate is signed by nobody but itself.
struct Impostor {
    port: u16,
    child: Child,
    _directory: tempfile::TempDir,
}

impl Impostor {
    fn start() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let (key, certificate) = (path("key"), path("certificate"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"])
            .args(["-addext", "subjectAltName=DNS:localhost", "-keyout", &key, "-out", &certificate])
            .stderr(Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return None;
        }
        let port = free_port();
        let child = Command::new("openssl")
            .args(["s_server", "-quiet", "-key", &key, "-cert", &certificate, "-accept", &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed().as_secs() < 20, "openssl does not listen");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Some(Self { port, child, _directory: directory })
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
