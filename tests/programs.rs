//! What programs ask of the server, through its gate: monitoring, and the commands that the README shows.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{DAVID, DOWN, PAGE, PEOPLE, Phone, Test, fed, wait};

/// A server with one alert, a token that may act, and that token.
fn with_token() -> (Test, String) {
    let made = Test::new().run(&["passwd", "--token", "robot"], b"").exit(0);
    let token = made.err.split_whitespace().find(|word| word.starts_with("thialfi_")).unwrap().to_owned();
    let entry = made.out.replace("\"view\"", "\"act\"");
    let rules = format!("{PEOPLE}{PAGE}{DOWN}\n{entry}");
    let mut test = Test::new().rules(&rules).phone(DAVID, [Phone::Stay]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    (test, token)
}

#[test]
fn the_commands_of_the_readme_ask_the_api() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no curl");
        return;
    }
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (test, token) = with_token();
    let mut answers = Vec::new();
    for command in readme.lines().filter(|line| line.starts_with("curl ")) {
        let command = command.replace("https://pager.example.com", &test.url()).replace("/12/", "/1/");
        let ran = Command::new("sh").args(["-c", &command]).env("TOKEN", &token).output().unwrap();
        assert!(ran.status.success(), "{command}: {ran:?}");
        answers.push(serde_json::from_slice::<serde_json::Value>(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}")));
    }
    let [listed, taken] = answers.try_into().unwrap();
    assert_eq!(listed["alerts"][0]["state"], "open", "{listed}");
    assert_eq!((&taken["state"], &taken["acknowledged_by"]), (&"acknowledged".into(), &"David via robot".into()));
    test.wait_for_state("acknowledged");
}

#[test]
fn prometheus_reads_the_metrics_and_the_alerting_rules() {
    let (mut test, token) = with_token();
    let mail = test.mail("fine", "all is well");
    test.deliver(&mail).exit(0).says("no rule wants it").done();
    let get = |fields: &str| {
        test.exchange(&format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\n{fields}Connection: close\r\n\r\n"))
    };
    let (status, answer) = get("");
    assert_eq!(status, 200);
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    assert!(text.contains("\nthialfi_alerts{state=\"open\"} 1\n"), "{text}");
    assert!(text.contains("\nthialfi_mails_total{verdict=\"unwanted\"} 1\n"), "{text}");
    let forwarded = "X-Forwarded-For: 203.0.113.7\r\n";
    assert_eq!(get(forwarded).0, 401);
    assert_eq!(get(&format!("{forwarded}Authorization: Bearer {token}\r\n")).0, 200);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let promtool = root.join("target/prometheus/usr/bin/promtool");
    if !promtool.exists() {
        eprintln!("skipped: promtool is not there; tests/run unpacks it");
        return;
    }
    let mut command = Command::new(&promtool);
    let pipes = command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // It complains of names and helps, too, not of the format alone.
    let ran = fed(pipes, text.as_bytes()).exit(0);
    assert_eq!((ran.out.trim(), ran.err.trim()), ("", ""));
    let rules = root.join("examples/prometheus-rules.yml");
    let ran = Command::new(&promtool).args(["check", "rules"]).arg(rules).output().unwrap();
    assert!(ran.status.success() && String::from_utf8_lossy(&ran.stdout).contains("10 rules found"), "{ran:?}");
}

#[test]
fn a_store_that_takes_nothing_more_is_ill_but_alive() {
    let test = Test::with_people().serve();
    let head =
        |path: &str| test.exchange(&format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    let (status, answer) = head("/healthz");
    assert!(status == 200 && answer.ends_with("\r\n\r\n"), "{answer}");
    let store = rusqlite::Connection::open(test.path("thialfi.db")).unwrap();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    // What a full disk does to whoever writes: reading goes on.
    store
        .execute_batch(
            "CREATE TRIGGER full_update BEFORE UPDATE ON engine BEGIN SELECT RAISE(FAIL, 'full'); END;
             CREATE TRIGGER full_insert BEFORE INSERT ON engine BEGIN SELECT RAISE(FAIL, 'full'); END;",
        )
        .unwrap();
    wait(|| test.get("/healthz") == 503, "a store that cannot be written is healthy");
    let answer = test.exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").1;
    assert!(answer.contains("the store has failed"), "{answer}");
    // systemd would start it again, and again.
    assert_eq!(test.get("/livez"), 200);
    let metrics = test.exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").1;
    assert!(metrics.contains("\nthialfi_store_up 0\n") && metrics.contains("\nthialfi_engine_up 1\n"), "{metrics}");
    store.execute_batch("DROP TRIGGER full_update; DROP TRIGGER full_insert;").unwrap();
    wait(|| test.get("/healthz") == 200, "it does not recover");
}

#[test]
fn what_the_gate_refuses_of_a_programs_request_is_a_problem_too() {
    let (test, token) = with_token();
    let api = format!("/api/alerts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n");
    for (request, status) in [
        (format!("DELETE {api}Connection: close\r\n\r\n"), 405),
        (format!("POST {api}Content-Length: 70000\r\n\r\n"), 413),
        (format!("POST {api}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 411),
        (format!("GET {api}X-Long: {}\r\n\r\n", "a".repeat(20_000)), 431),
        (format!("GET {api}Host: other\r\n\r\n"), 400),
    ] {
        let (answered, answer) = test.exchange(&request);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{request}: {answer}"));
        assert!(answered == status && head.contains("application/problem+json"), "{answer}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], status, "{answer}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{answer}");
        // People are told in words.
        let (_, answer) = test.exchange(&request.replace("/api/alerts", "/alerts"));
        assert!(answer.contains("Content-Type: text/"), "{answer}");
    }
}
