//! The other commands, as a user types them.

use std::io::{BufRead as _, Read as _, Write as _};
use std::process::Stdio;

use crate::support::{DAVID, PAGE, PEOPLE, Phone, Test, example};

#[test]
fn explain_tells_which_rule_matched_who_is_called_and_the_words() {
    let mut test = Test::with_people();
    let mail = test.mail("db1", "db1 is DOWN");
    let ran = test.run(&["explain"], &mail).exit(0);
    let ran = ran.says("down").says("David").says("Host D B 1 is down.").says("host db1").says("GSM-7");
    assert!(!ran.out.contains('\x1b'), "colours in a pipe: {ran:?}");
    assert!(!test.path("thialfi.db").exists(), "explain has written something");
    assert!(test.calls().is_empty());
}

#[test]
fn explain_json_has_the_promised_fields() {
    let mut test = Test::with_people();
    let mail = test.mail("db1", "db1 is DOWN");
    let json = test.run(&["explain", "--json"], &mail).exit(0).json();
    assert_eq!(json["action"], "page");
    assert_eq!(json["rule"], "down");
    assert_eq!(json["group"], "systems");
    assert_eq!(json["key"], "host db1");
    assert_eq!(json["digest"].as_str().unwrap().len(), 64);
    assert_eq!(json["contact"], "david");
    assert_eq!(json["say"], "Host D B 1 is down.");
    assert_eq!(json["segments"], 1);
    assert_eq!(json["variables"]["host"], "db1");
    assert_eq!(json["new_text"].as_str().unwrap().trim(), "db1 is DOWN");
    assert_eq!(json["rules"][0]["name"], "down");
    assert_eq!(json["rules"][0]["matched"], true);
    assert!(json["rules"][0]["conditions"].is_array());
}

#[test]
fn explain_of_a_mail_that_nobody_wants_says_why() {
    let mut test = Test::with_people();
    let mail = test.mail("fine", "all is well");
    test.run(&["explain"], &mail).exit(0).says("Nobody would be called").done();
    test.run(&["explain", "--fail"], &mail).exit(1).done();
    let json = test.run(&["explain", "--json"], &mail).exit(0).json();
    assert!(json["action"].is_null() && json["rule"].is_null());
}

#[test]
fn newtext_prints_the_new_text_alone() {
    let test = Test::new();
    let mail = b"Subject: Re: x\r\n\r\nThanks, fixed.\r\n\r\nOn Mon, Nov 2, 2026 at 2:00 AM Bot <bot@example.com> wrote:\r\n> db1 is DOWN\r\n";
    let ran = test.run(&["newtext"], mail).exit(0);
    assert_eq!(ran.out.trim(), "Thanks, fixed.");
}

#[test]
fn check_is_content_with_a_good_file_and_points_at_what_is_wrong() {
    let test = Test::with_people();
    test.run(&["check"], b"").exit(0).done();
    let test = test.rules(&format!(
        "{PEOPLE}{PAGE}\n[[rules]]\nname = \"x\"\nwhen = [{{ tetx = 'a' }}]\naction = \"call\"\ngroup = \"sistems\"\n"
    ));
    let ran = test.run(&["check"], b"").exit(1);
    let ran = ran.says("tetx").says("`text`").says("sistems").says("`systems`");
    assert!(ran.out.contains("rules.toml:") || ran.err.contains("rules.toml:"), "{ran:?}");
}

#[test]
fn alerts_are_listed_shown_acknowledged_and_resolved() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]);
    test.run(&["alerts"], b"").exit(0).says("No alerts").done();
    assert_eq!(test.run(&["alerts", "--json"], b"").exit(0).json(), serde_json::json!([]));
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    test.run(&["alerts"], b"").exit(0).says("open").says("db1").done();
    let alert = test.alerts().remove(0);
    for field in [
        "id",
        "state",
        "rule",
        "group",
        "recipient",
        "key",
        "subject",
        "mails",
        "opened_at",
        "acknowledged_at",
        "acknowledged_by",
    ] {
        assert!(alert.get(field).is_some(), "{field} is missing in {alert}");
    }
    assert!(alert["acknowledged_at"].is_null());
    let story = test.run(&["alerts", "show", "1"], b"").exit(0);
    let story = story.says("Host db1 is down.").says("David");
    drop(story);
    let code = alert["code"].as_str().unwrap().to_owned();
    test.run(&["alerts", "ack", &code], b"").exit(0).says("acknowledged").done();
    test.run(&["alerts", "resolve", "1"], b"").exit(0).says("resolved").done();
    test.run(&["alerts", "show", "99"], b"").exit(1).says("99").done();
    let whole = test.run(&["alerts", "show", "1", "--json"], b"").exit(0).json();
    assert!(whole["history"].as_array().unwrap().len() >= 4, "{whole}");
}

#[test]
fn alerts_are_reported_as_the_old_thialfi_did() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    test.run(&["alerts", "ack", "1"], b"").exit(0).done();
    test.advance("48h");
    let mail = test.mail("db2", "db2 is DOWN");
    test.deliver(&mail).exit(75).done();
    let report = test.run(&["alerts", "--csv"], b"").exit(0).out;
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(
        lines,
        [
            "timestamp,id,status,recipient,group",
            "2026-11-04T02:00:00Z,2,open,oncall@example.com,systems",
            "2026-11-02T02:00:00Z,1,acknowledged,oncall@example.com,systems",
        ]
    );
    assert_eq!(test.run(&["alerts", "--csv", "--since", "1d"], b"").exit(0).out.lines().count(), 2);
    test.run(&["alerts", "--since", "soon"], b"").exit(2).says("soon").done();
}

#[test]
fn oncall_shows_and_refuses_strangers() {
    let test = Test::with_people();
    test.run(&["oncall"], b"").exit(0).says("systems").says("David").done();
    test.run(&["oncall", "sistems"], b"").exit(1).says("did you mean `systems`").done();
    test.run(&["oncall", "systems", "davit"], b"").exit(1).says("did you mean `david`").done();
    test.run(&["oncall", "systems", "darren", "--until", "soon"], b"").exit(2).says("soon").done();
    assert_eq!(test.run(&["oncall", "--json"], b"").exit(0).json()[0]["contact"], "david");
}

#[test]
fn a_test_call_says_that_it_is_a_test() {
    let test = Test::with_people().phone(DAVID, [Phone::Listen]);
    test.run(&["test", "david"], b"").exit(0).says("answered").done();
    assert!(test.calls()[0].heard.join(" ").contains("test"), "{:?}", test.calls());
    let test = Test::with_people();
    test.run(&["test", "david", "--sms"], b"").exit(0).says("delivered").done();
    assert!(test.texts()[0].body.contains("test"), "{:?}", test.texts());
    test.run(&["test", "nobody"], b"").exit(1).says("david").done();
    let test = Test::with_people().phone(DAVID, [Phone::Refuse(21211)]);
    test.run(&["test", "david"], b"").exit(1).says("21211").done();
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    let test = Test::new();
    test.run(&["completions", "bash"], b"").exit(0).says("thialfi").done();
    test.run(&["man"], b"").exit(0).says(".TH").done();
    test.run(&["--help"], b"").exit(0).says("serve-twiml").done();
    test.run(&["--version"], b"").exit(0).says(env!("CARGO_PKG_VERSION")).done();
}

/// Asks a server on loopback, and gives back everything that it says.
fn ask(address: &str, request: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_demo_stays_and_shows_the_pages() {
    let test = Test::new();
    let mut command = test.command();
    command.env_remove("THIALFI_CONFIG").env_remove("THIALFI_CLOCK_FILE").env("TMPDIR", test.path(""));
    let mut demo = command.args(["demo", "--pace", "20", "--pages"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(demo.stdout.take().unwrap()).lines();
    let told = lines.find_map(|line| line.unwrap().trim().strip_prefix("http://").map(str::to_owned)).unwrap();
    let (address, rest) = told.split_once("/  name demo, password ").unwrap_or_else(|| panic!("{told}"));
    let form = format!("name=demo&password={rest}");
    let signed_in = ask(
        address,
        &format!(
            "POST /sign-in HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        ),
    );
    assert!(signed_in.starts_with("HTTP/1.1 303"), "{signed_in}");
    let cookie = signed_in.lines().find_map(|line| line.strip_prefix("Set-Cookie: ")).unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let page = ask(address, &format!("GET / HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n"));
    assert!(page.contains("1 open") && page.contains("web01"), "{page}");
    let pid = rustix::process::Pid::from_child(&demo);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert!(demo.wait().unwrap().success());
    let left = std::fs::read_dir(test.path("")).unwrap().filter_map(Result::ok);
    assert!(!left.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("thialfi-demo")));
}

#[test]
fn the_demo_tells_the_whole_story() {
    let test = Test::new();
    let mut command = test.command();
    command.env_remove("THIALFI_CONFIG").env_remove("THIALFI_CLOCK_FILE").args(["demo", "--pace", "50"]);
    let ran = crate::support::ran(&command.stdin(std::process::Stdio::null()).output().unwrap()).exit(0);
    assert!(!ran.out.contains("warning"), "{}", ran.out);
    let _ = ran.says("8 6 5 8").says("acknowledged").says("no rule wants it").says("Darren");
}

#[test]
fn the_example_mails_are_read_as_they_should_be() {
    let test = Test::with_people();
    let bounce = test.run(&["explain", "--json"], &example("bounce.eml")).exit(0).json();
    assert_eq!(bounce["automatic"], true);
}
