//! What was over long ago is removed, and nothing else.

use crate::support::{DAVID, DOWN, PAGE, PEOPLE, Phone, Test};

/// The rules, after a line of `[store]`.
fn kept(keep: &str) -> String {
    format!("{keep}\n{PEOPLE}{PAGE}{DOWN}")
}

/// An alert that somebody has resolved, and one that is open. Nobody follows up.
fn one_over_and_one_open(keep: &str) -> Test {
    let mut test = Test::new().rules(&kept(keep)).phone(DAVID, [Phone::NoAnswer, Phone::NoAnswer]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).done();
    test.run(&["alerts", "resolve", "1"], b"").exit(0).done();
    let mail = test.mail("db2", "db2 is DOWN");
    test.deliver(&mail).done();
    test
}

fn numbers(test: &Test) -> Vec<i64> {
    test.alerts().iter().map(|alert| alert["id"].as_i64().unwrap()).collect()
}

#[test]
fn prune_removes_what_has_been_over_for_as_long_as_the_rule_file_says() {
    let mut test = one_over_and_one_open("");
    test.advance("9500h");
    test.run(&["prune"], b"").exit(0).says("Nothing to remove").says("2 alerts are kept").done();
    test.advance("101h");
    test.run(&["prune", "--dry-run"], b"")
        .exit(0)
        .says("Would remove 1 alert that had been over since before 2")
        .done();
    assert_eq!(numbers(&test), [1, 2]);
    let ran = test.run(&["prune"], b"").exit(0).says("Removed 1 alert that had been over").says("1 alert is kept");
    assert!(ran.err.is_empty(), "no progress in a pipe: {ran:?}");
    assert_eq!(numbers(&test), [2], "what is open stays, however old it is");
    test.run(&["alerts", "show", "1"], b"").exit(1).done();
    test.run(&["prune"], b"").exit(0).says("Nothing to remove").done();
}

#[test]
fn prune_says_in_json_what_it_did() {
    let mut test = one_over_and_one_open("");
    test.advance("800h");
    let json = test.run(&["prune", "--older-than", "30 days", "-n", "--json"], b"").exit(0).json();
    assert_eq!((&json["alerts"], &json["kept"], &json["dry_run"]), (&1.into(), &1.into(), &true.into()));
    let json = test.run(&["prune", "--older-than", "30 days", "--json"], b"").exit(0).json();
    assert_eq!((&json["alerts"], &json["kept"], &json["dry_run"]), (&1.into(), &1.into(), &false.into()));
    assert!(json["lines"].as_i64() > Some(2) && json["notifications"].as_i64() > Some(0), "{json}");
    assert!(json["bytes"].as_i64() > Some(4096) && json["free"].is_i64() && json["before"].is_string(), "{json}");
}

#[test]
fn prune_refuses_a_time_in_which_a_code_may_be_used_again() {
    let mut test = one_over_and_one_open("keep = \"forever\"");
    test.advance("99999h");
    let ran = test.run(&["prune"], b"").exit(1);
    assert!(ran.err.contains("keeps everything for ever") && ran.err.contains("--older-than"), "{ran:?}");
    let ran = test.run(&["prune", "--older-than", "29 days"], b"").exit(2);
    assert!(ran.err.contains("`29 days` is not between 30 days and"), "{ran:?}");
    let ran = test.run(&["prune", "--older-than", "soon"], b"").exit(2);
    assert!(ran.err.contains("`soon` is not a duration"), "{ran:?}");
    assert_eq!(numbers(&test), [1, 2]);
    test.run(&["prune", "--older-than", "60 days"], b"").exit(0).says("Removed 1 alert").done();
}

#[test]
fn prune_gives_disk_space_back_when_it_is_asked_to() {
    let mut test = one_over_and_one_open("");
    for host in 0..30 {
        let mail = test.mail("x", &format!("web{host} is DOWN {}", "with a long story ".repeat(50)));
        test.deliver(&mail).done();
        test.run(&["alerts", "resolve", &(host + 3).to_string()], b"").exit(0).done();
    }
    test.advance("9700h");
    let size = || std::fs::metadata(test.path("thialfi.db")).unwrap().len();
    let json = test.run(&["prune", "--json"], b"").exit(0).json();
    let before = size();
    assert!(json["free"].as_u64() > Some(before / 4), "{json}");
    test.run(&["prune", "--compact"], b"").exit(0).says("Nothing to remove").says("0 B are free").done();
    assert!(size() < before * 3 / 4, "{before} {}", size());
    assert_eq!(numbers(&test), [2]);
}

#[test]
fn without_a_store_there_is_nothing_to_prune() {
    let test = Test::with_people();
    let ran = test.run(&["prune"], b"").exit(1);
    assert!(ran.err.contains("there are no alerts yet"), "{ran:?}");
    assert!(!test.path("thialfi.db").exists());
}

#[test]
fn the_engine_removes_it_by_itself() {
    let mut test =
        Test::new().rules(&kept("keep = \"60 days\"")).phone(DAVID, [Phone::Press(vec!["1".to_owned()])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    test.run(&["alerts", "resolve", "1"], b"").exit(0).done();
    test.advance("1416h");
    test.let_it_turn();
    assert_eq!(numbers(&test), [1]);
    test.advance("48h");
    test.wait_until(|test| numbers(test).is_empty(), "what was over is kept");
    // The phone that was called about it asks again, as Twilio may: nobody falls over it.
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    assert_eq!(numbers(&test), [2]);
}

#[test]
fn the_rule_file_says_how_long_and_check_knows_what_is_possible() {
    let test = Test::new().rules(&kept("keep = \"1 week\""));
    let ran = test.run(&["check"], b"").exit(1);
    let all = format!("{}{}", ran.out, ran.err);
    assert!(all.contains("`1 week` is not between 30 days and") && all.contains("`forever`"), "{all}");
}
