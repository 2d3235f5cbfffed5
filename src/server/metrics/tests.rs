//! What is measured, over a store with alerts in it, and who may see it.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::server::stage::{Stage, TOKEN, text};

fn metrics(stage: &Stage) -> String {
    let response = stage.get("/metrics", &[]);
    assert_eq!(response.status, 200);
    text(&response)
}

fn has(text: &str, line: &str) {
    assert!(text.lines().any(|one| one == line), "`{line}` is missing in\n{text}");
}

#[test]
fn what_has_happened_is_told_in_samples() {
    let mut stage = Stage::new("");
    let one = stage.alert("db1", "db1 is DOWN", "…");
    stage.alert("db2", "db2 is DOWN", "…");
    stage.pulse.beat();
    stage.clock.advance(SignedDuration::from_secs(45));
    stage.apply(one, |by| crate::alert::Event::Acknowledge { by, within: None });
    let text = metrics(&stage);
    for line in [
        "thialfi_mails_total{verdict=\"opened\"} 2",
        "thialfi_mails_total{verdict=\"duplicate\"} 0",
        "thialfi_mails_total{verdict=\"unwanted\"} 0",
        "thialfi_alerts{state=\"open\"} 1",
        "thialfi_alerts{state=\"acknowledged\"} 1",
        "thialfi_alerts_total{change=\"opened\"} 2",
        "thialfi_acknowledge_seconds_bucket{le=\"30\"} 0",
        "thialfi_acknowledge_seconds_bucket{le=\"60\"} 1",
        "thialfi_acknowledge_seconds_bucket{le=\"+Inf\"} 1",
        "thialfi_acknowledge_seconds_sum 45.000",
        "thialfi_acknowledge_seconds_count 1",
        "thialfi_rule_mails_total{rule=\"down\"} 2",
        "thialfi_due{what=\"notifications\"} 1",
        "thialfi_due_seconds 45.000",
        "thialfi_engine_up 1",
        "thialfi_store_up 1",
        "thialfi_public_url_reached 1",
        "thialfi_provider_alarm{provider=\"twilio\"} 0",
        "thialfi_webhook_requests_total{answer=\"forged\"} 0",
        "thialfi_heartbeat_late{name=\"backup\"} 0",
    ] {
        has(&text, line);
    }
    assert_eq!(stage.get("/twilio/sms", &[]).status, 403);
    has(&metrics(&stage), "thialfi_webhook_requests_total{answer=\"forged\"} 1");
}

#[test]
fn each_family_is_told_once_with_its_help_and_type() {
    let mut stage = Stage::new("");
    stage.alert("db1", "db1 is DOWN", "…");
    let text = metrics(&stage);
    let families = |word: &str| -> Vec<String> {
        let prefix = format!("# {word} ");
        let lines = text.lines().filter_map(|line| line.strip_prefix(&prefix));
        lines.map(|rest| rest.split(' ').next().unwrap().to_owned()).collect()
    };
    let types = families("TYPE");
    assert_eq!(types, families("HELP"));
    assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len(), "{types:?}");
    let mut family = String::new();
    for line in text.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(rest) => rest.split(' ').next().unwrap().clone_into(&mut family),
            None if line.starts_with('#') => {}
            None => {
                let name = line.split(['{', ' ']).next().unwrap();
                assert!(name.starts_with(family.as_str()), "{line} is not of {family}");
                assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
            }
        }
    }
}

#[test]
fn only_so_many_rules_have_a_label() {
    let rules: Vec<RuleUse> = (0..1500)
        .map(|number| RuleUse { rule: format!("rule {number}"), mails: number, last_at: Timestamp::UNIX_EPOCH })
        .collect();
    let mut out = Exposition::default();
    tell_rules(&mut out, &rules);
    let text = out.finish();
    assert_eq!(text.lines().count(), MOST_RULES + 3);
    has(&text, "thialfi_rule_mails_total{rule=\"rule 1499\"} 1499");
    has(&text, &format!("thialfi_rule_mails_total{{rule=\"(others)\"}} {}", (0..500).sum::<u64>()));
}

#[test]
fn rules_whose_names_become_the_same_label_are_one_sample() {
    let long = "x".repeat(300);
    let rules = [format!("{long}1"), format!("{long}2"), "a\rb".to_owned(), "a b".to_owned(), OTHERS.to_owned()];
    let of = |rule| RuleUse { rule, mails: 1, last_at: Timestamp::UNIX_EPOCH };
    let mut out = Exposition::default();
    tell_rules(&mut out, &rules.map(of));
    let text = out.finish();
    assert_eq!(text.lines().count(), 2 + 3, "{text}");
    has(&text, "thialfi_rule_mails_total{rule=\"a b\"} 2");
}

#[test]
fn this_machine_may_look_and_others_need_a_token() {
    let stage = Stage::new("");
    assert_eq!(stage.get("/metrics", &[]).status, 200);
    let bearer = format!("Bearer {TOKEN}");
    // Through a proxy on this machine comes whoever it lets through.
    for forwarded in FORWARDED {
        let refused = stage.get("/metrics", &[(forwarded, "203.0.113.7")]);
        assert_eq!(refused.status, 401, "{forwarded}");
        assert!(refused.headers.contains(&("WWW-Authenticate".to_owned(), "Bearer".to_owned())));
        let let_in = stage.get("/metrics", &[(forwarded, "203.0.113.7"), ("Authorization", &bearer)]);
        assert_eq!(let_in.status, 200, "{forwarded}");
    }
    let from = |address: Option<&str>, headers: &[(&str, &str)]| {
        stage.get_from(address.map(|address| address.parse().unwrap()), "/metrics", headers).status
    };
    assert_eq!(from(Some("::ffff:127.0.0.1"), &[]), 200);
    assert_eq!(from(Some("192.0.2.1"), &[]), 401);
    assert_eq!(from(None, &[]), 401);
    assert_eq!(from(Some("192.0.2.1"), &[("Authorization", "Bearer thialfi_wrong")]), 401);
    assert_eq!(from(Some("192.0.2.1"), &[("Authorization", &bearer)]), 200);
    assert_eq!(stage.ask(Method::Post, "/metrics", &[], "").status, 405);
}

#[test]
fn a_store_that_cannot_be_read_is_told_rather_than_nothing() {
    let stage = Stage::new("");
    stage.pulse.beat();
    std::fs::remove_file(&stage.path).unwrap();
    std::fs::create_dir(&stage.path).unwrap();
    let text = metrics(&stage);
    has(&text, "thialfi_store_up 0");
    has(&text, "thialfi_engine_up 1");
    assert!(!text.contains("thialfi_mails_total"), "{text}");
}

#[test]
fn health_fails_without_a_store_and_the_watchdog_does_not() {
    let stage = Stage::new("");
    let status = |path: &str| stage.get(path, &[]).status;
    assert_eq!((status("/healthz"), status("/livez")), (503, 503), "the engine has not turned yet");
    stage.pulse.beat();
    assert_eq!((status("/healthz"), status("/livez")), (200, 200));
    stage.pulse.show_store_for(SignedDuration::from_secs(3), "the disk is full");
    assert_eq!((status("/healthz"), status("/livez")), (200, 200), "it may be over in a moment");
    has(&metrics(&stage), "thialfi_store_up 0");
    stage.pulse.show_store_for(SignedDuration::from_secs(12), "the disk is full");
    assert_eq!((status("/healthz"), status("/livez")), (503, 200));
    let answer = text(&stage.get("/healthz", &[]));
    assert!(answer.contains("the store has failed for 12 s") && !answer.contains("full"), "{answer}");
    stage.pulse.show_store(None);
    assert_eq!(status("/healthz"), 200);
    assert_eq!(stage.ask(Method::Head, "/healthz", &[], "").status, 200);
    assert_eq!(stage.ask(Method::Post, "/healthz", &[], "").status, 405);
}

#[test]
fn the_alerting_rules_name_what_there_is() {
    let mut stage = Stage::new("");
    stage.alert("db1", "db1 is DOWN", "…");
    stage.pulse.beat();
    let told = metrics(&stage);
    let types = told.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names: BTreeSet<&str> = types.filter_map(|line| line.split(' ').next()).collect();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/prometheus-rules.yml");
    let rules = std::fs::read_to_string(rules).unwrap();
    let mut asked_for = BTreeSet::new();
    for line in rules.lines().filter(|line| line.trim_start().starts_with("expr:")) {
        let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        asked_for.extend(words.filter(|word| word.starts_with("thialfi_")));
    }
    assert!(asked_for.len() >= 8, "{asked_for:?}");
    for name in asked_for {
        assert!(names.contains(name), "{name} is in the alerting rules and nowhere else");
    }
}
