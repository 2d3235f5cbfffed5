//! `alerts show`: the whole story of an alert, and the lists and reports of all of them.

use serde_json::Value;

use crate::support::{DARREN, DAVID, DOWN, PAGE, PEOPLE, Phone, Test};

const TEXTING: &str = r#"
[policies.page]
steps = [
  { notify = "oncall", by = "sms", wait = "10m" },
  { notify = "backup", by = "sms", wait = "10m" },
]
"#;

fn texting() -> Test {
    Test::new().rules(&format!("{PEOPLE}{TEXTING}{DOWN}")).serve()
}

fn whole(test: &Test, id: u32) -> Value {
    test.run(&["alerts", "show", &id.to_string(), "--json"], b"").exit(0).json()
}

/// The lines of the history that carry this fact, by its name.
fn facts<'v>(whole: &'v Value, name: &str) -> Vec<&'v Value> {
    whole["history"].as_array().unwrap().iter().filter_map(|line| line.get(name)).collect()
}

#[track_caller]
fn has(story: &str, words: &str) {
    assert!(story.contains(words), "no `{words}` in\n{story}");
}

#[test]
fn each_mail_is_told_with_its_sender_id_recipient_rule_and_what_became_of_it() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]);
    let first = test.mail("db1 is in trouble", "db1 is DOWN");
    test.deliver_to(&["oncall@example.com"], &first).exit(75).done();
    test.advance("130s");
    let second = test.mail("db1 is still in trouble", "db1 is DOWN");
    test.deliver_to(&["oncall@example.com"], &second).exit(75).done();
    test.advance("10s");
    test.deliver_to(&["other@example.com"], &first).exit(75).done();
    test.advance("10s");
    let over = test.mail("db1 is fine", "db1 is UP");
    test.deliver(&over).done();
    let story = test.story(1);
    has(&story, "opened by rule down: db1 is in trouble");
    has(&story, "from Monitoring <monitoring@example.com>; Message-ID <1@monitoring.example>; written Mon 2 Nov 2026");
    has(&story, "to oncall@example.com");
    has(&story, "rule down (page): host = db1");
    has(&story, "+2m10s    mail 2 joined: db1 is still in trouble");
    has(&story, "the same mail came again: db1 is in trouble");
    has(&story, "to other@example.com");
    has(&story, "resolved by rule up (by mail)");
    has(&story, "subject db1 is fine");
    has(&story, "rule up (resolve)");
    let whole = whole(&test, 1);
    let mails = facts(&whole, "mail");
    let decisions: Vec<&str> = mails.iter().map(|mail| mail["decision"].as_str().unwrap()).collect();
    assert_eq!(decisions, ["opened", "joined", "duplicate", "closed"]);
    assert_eq!(mails[0]["from"], "Monitoring <monitoring@example.com>");
    assert_eq!(mails[0]["message_id"], "<1@monitoring.example>");
    assert_eq!(mails[0]["recipients"], serde_json::json!(["oncall@example.com"]));
    assert_eq!((&mails[0]["rule"], &mails[0]["action"]), (&"down".into(), &"page".into()));
    assert_eq!(mails[0]["captures"], serde_json::json!([["host", "db1"]]));
    assert_eq!(mails[0]["written_at"], "2026-11-02T02:00:00Z");
}

#[test]
fn a_recovery_that_a_queue_held_up_is_told_though_it_changes_nothing() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    let old = String::from_utf8(test.mail("db1 is fine", "db1 is UP")).unwrap();
    let old = old.replace("02:00:00 +0000", "01:00:00 +0000");
    test.deliver(old.as_bytes()).says("stays as it is").done();
    has(&test.story(1), "a mail of rule up changed nothing, a later one had come before it: db1 is fine");
    assert_eq!(facts(&whole(&test, 1), "mail")[1]["decision"], "stale");
}

#[test]
fn a_template_that_failed_is_told() {
    let rules = DOWN.replace("say = \"Host {{ host }} is down.\"", "say = \"{{ host | truncate('x') }}\"");
    let mut test = Test::new().rules(&format!("{PEOPLE}{PAGE}{rules}")).phone(DAVID, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    has(&test.story(1), "template `say` failed");
}

#[test]
fn each_attempt_is_told_with_the_providers_answer_and_each_callback() {
    let mut test = Test::with_people().phone(DAVID, [Phone::NoAnswer]).phone(DARREN, [Phone::press(["1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    test.wait_until(|test| test.story(1).contains("the call to Darren (+64211110002) is over"), "no last callback");
    let story = test.story(1);
    let ids: Vec<String> = test.calls().iter().map(|call| call.sid.clone()).collect();
    has(&story, "calling David (+64211110001), step 1 of 2");
    has(&story, &format!("twilio has taken the call to David (+64211110001): {}", ids[0]));
    has(&story, "ringing at David");
    has(&story, "no answer from David (+64211110001)");
    has(&story, "the call to Darren (+64211110002) is told the alert");
    has(&story, "Darren (by key) has it [key 1]");
    let whole = whole(&test, 1);
    let answers = facts(&whole, "answer");
    assert_eq!(answers[0]["provider"], "twilio");
    assert_eq!(answers[0]["provider_id"], ids[0].as_str());
    assert_eq!((&answers[0]["notification"], &answers[0]["answer"]), (&1.into(), &"accepted".into()));
    let callbacks = facts(&whole, "status");
    assert!(callbacks.iter().all(|status| status["callback"] == true), "{callbacks:?}");
    let of_david: Vec<&str> = callbacks
        .iter()
        .filter(|status| status["notification"] == 1)
        .map(|status| status["status"].as_str().unwrap())
        .collect();
    assert_eq!(of_david, ["initiated", "ringing", "no-answer"]);
    let person = facts(&whole, "person")[0];
    assert_eq!(
        (&person["name"], &person["contact"], &person["through"], &person["key"], &person["notification"]),
        (&"Darren".into(), &"darren".into(), &"key".into(), &"1".into(), &2.into())
    );
    let sent = whole["notifications"].as_array().unwrap();
    assert_eq!((&sent[0]["provider"], &sent[0]["provider_id"]), (&"twilio".into(), &ids[0].as_str().into()));
    assert_eq!((&sent[0]["by"], &sent[0]["to"], &sent[0]["step"]), (&"call".into(), &DAVID.into(), &1.into()));
    assert_eq!(sent[0]["outcome"], "no-answer");
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Refuse(21211)]).phone(DARREN, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    let answer = whole(&test, 1);
    let answer = facts(&answer, "answer")[0];
    assert_eq!((&answer["answer"], &answer["provider_id"]), (&"permanent".into(), &Value::Null));
    assert!(answer["reason"].as_str().unwrap().contains("21211"), "{answer}");
    has(&test.story(1), "21211");
}

#[test]
fn keys_that_decide_nothing_are_told() {
    let mut test = Test::with_people().phone(DAVID, [Phone::press(["7", "*", "1"])]).serve();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_for_state("acknowledged");
    let story = test.story(1);
    has(&story, "David (+64211110001) pressed 7");
    has(&story, "David (+64211110001) pressed *");
    let whole = whole(&test, 1);
    let keys: Vec<&str> = facts(&whole, "person").iter().filter_map(|person| person["key"].as_str()).collect();
    assert_eq!(keys, ["7", "*", "1"]);
}

#[test]
fn replies_are_told_in_their_own_words_with_what_was_answered() {
    let mut test = texting();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.texts().len() == 1, "no text");
    let _ = test.text_from(DAVID, "STOP");
    let answer = test.text_from(DAVID, "ok, on it").expect("no answer");
    test.wait_for_state("acknowledged");
    let _ = test.text_from(DARREN, "what is this?");
    let story = test.story(1);
    has(&story, "David (+64211110001) texted “STOP”, which is a word for the provider");
    has(&story, "David (+64211110001) texted “ok, on it”");
    has(&story, "David (by text) has it");
    has(&story, &format!("{DAVID} is answered: {answer}"));
    let whole = whole(&test, 1);
    let replies = facts(&whole, "reply");
    assert_eq!((&replies[1]["text"], &replies[1]["from"]), (&"ok, on it".into(), &DAVID.into()));
    assert!(replies[1]["provider_id"].as_str().unwrap().starts_with("SM"), "{replies:?}");
}

#[test]
fn a_reply_that_comes_too_late_is_told() {
    let mut test = texting();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(0).done();
    test.wait_until(|test| test.texts().len() == 1, "no text");
    test.run(&["alerts", "resolve", "1"], b"").exit(0).done();
    let _ = test.text_from(DAVID, "mine");
    has(&test.story(1), "David (+64211110001) texted “mine”, too late");
}

#[test]
fn an_override_that_held_meanwhile_is_told() {
    let mut test = Test::with_people().phone(DARREN, [Phone::Stay]).phone(DAVID, [Phone::Stay]);
    test.run(&["oncall", "systems", "darren", "--until", "2h"], b"").exit(0).done();
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    test.advance("1h");
    test.run(&["oncall", "systems", "simon"], b"").exit(0).done();
    test.advance("30m");
    let story = test.story(1);
    has(&story, "Darren was on call for systems by an override (cli:");
    has(&story, "+1h       Simon is on call for systems from now on, by an override (cli:");
    let whole = whole(&test, 1);
    let duties = whole["history"].as_array().unwrap().iter().filter(|line| line["kind"] == "duty").count();
    assert_eq!(duties, 2);
}

#[test]
fn times_are_local_and_each_day_has_a_heading() {
    let zone = "[defaults]\ntime_zone = \"Pacific/Auckland\"\n";
    let mut test = Test::new().rules(&format!("{PEOPLE}{PAGE}{DOWN}{zone}")).phone(DAVID, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    test.advance("10h");
    test.run(&["alerts", "ack", "1"], b"").exit(0).done();
    let story = test.story(1);
    has(&story, "Mon 2 Nov 2026, +13:00  Pacific/Auckland\n  15:00:00 ");
    has(&story, "Tue 3 Nov 2026, +13:00\n  01:00:00  +10h ");
    has(&story, "after 10h");
    test.run(&["alerts"], b"").exit(0).says("2026-11-02 15:00:00+13:00").done();
}

#[test]
fn nothing_from_a_mail_reaches_the_terminal_as_a_command() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]);
    let subject = "=?UTF-8?B?G1sySgdkYjEg4oCuaXMgZG93bg==?=";
    let mail = String::from_utf8(test.mail(subject, "db1 is DOWN")).unwrap();
    let mail = mail.replace("From: Monitoring", "From: =?UTF-8?Q?=1B]0;owned=07?=");
    test.deliver(mail.as_bytes()).exit(75).done();
    for arguments in
        [&["alerts"][..], &["alerts", "show", "1"], &["alerts", "--csv"], &["alerts", "show", "1", "--json"]]
    {
        let out = test.run(arguments, b"").exit(0).out;
        let obeyed = |c: char| c.is_control() && c != '\n' && c != '\r' || c == '\u{202e}';
        assert!(!out.contains(obeyed), "{arguments:?}: {out:?}");
    }
}

#[test]
fn colours_obey_no_color_and_pipes() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver(&mail).exit(75).done();
    assert!(!test.story(1).contains('\x1b'), "colours in a pipe");
    let coloured = |name: &str, value: &str| {
        let output = test.command().args(["alerts", "show", "1"]).env(name, value).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains('\x1b')
    };
    assert!(coloured("CLICOLOR_FORCE", "1"), "no colours when they are wanted");
    assert!(!coloured("NO_COLOR", "1"));
}

/// Three alerts: 1 acknowledged, of systems; 2 resolved, of web, two days later; 3 open, of systems, a week later.
fn three() -> Test {
    let web = "[groups.web]\nmembers = [\"simon\"]\noncall = \"simon\"\n[recipients]\n\"web@example.com\" = \"web\"\n";
    let mut test = Test::new().rules(&format!("{PEOPLE}{web}{PAGE}{DOWN}")).phone(DAVID, [Phone::Stay, Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver_to(&["oncall@example.com", "dba@example.com"], &mail).exit(75).done();
    test.run(&["alerts", "ack", "1"], b"").exit(0).done();
    test.advance("48h");
    let mail = test.mail("the web is slow", "very slow");
    test.deliver_to(&["web@example.com"], &mail).exit(75).done();
    test.run(&["alerts", "resolve", "2"], b"").exit(0).done();
    test.advance("120h");
    let mail = test.mail("db2", "db2 is DOWN");
    test.deliver(&mail).exit(75).done();
    test
}

fn listed(test: &Test, options: &[&str]) -> Vec<i64> {
    let arguments: Vec<&str> = ["alerts", "--json"].iter().chain(options).copied().collect();
    let list = test.run(&arguments, b"").exit(0).json();
    list.as_array().unwrap().iter().map(|alert| alert["id"].as_i64().unwrap()).collect()
}

#[test]
fn lists_are_of_a_group_a_state_and_a_time() {
    let test = three();
    assert_eq!(listed(&test, &[]), [3, 2, 1]);
    assert_eq!(listed(&test, &["--group", "systems"]), [3, 1]);
    assert_eq!(listed(&test, &["--group", "web"]), [2]);
    assert_eq!(listed(&test, &["--open"]), [3]);
    assert_eq!(listed(&test, &["--state", "acknowledged"]), [1]);
    assert_eq!(listed(&test, &["--state", "acknowledged", "--state", "resolved"]), [2, 1]);
    assert_eq!(listed(&test, &["--state", "open,resolved"]), [3, 2]);
    assert_eq!(listed(&test, &["--since", "7d"]), [3, 2, 1]);
    assert_eq!(listed(&test, &["--since", "6d"]), [3, 2]);
    assert_eq!(listed(&test, &["--since", "2026-11-04"]), [3, 2]);
    assert_eq!(listed(&test, &["--until", "2026-11-02"]), [1]);
    assert_eq!(listed(&test, &["--since", "2026-11-03", "--until", "2026-11-04 02:00:01"]), [2]);
    assert_eq!(listed(&test, &["--since", "2026-11-03", "--until", "2026-11-04 02:00"]), Vec::<i64>::new());
    assert_eq!(listed(&test, &["--group", "systems", "--state", "open", "--since", "1h"]), [3]);
}

#[test]
fn the_report_has_the_columns_of_the_old_thialfi() {
    let test = three();
    let report = test.run(&["alerts", "--csv", "--since", "2026-11-01"], b"").exit(0).out;
    assert_eq!(
        report,
        "timestamp,id,status,recipient,group\r\n\
         2026-11-09T02:00:00Z,3,open,oncall@example.com,systems\r\n\
         2026-11-04T02:00:00Z,2,resolved,web@example.com,web\r\n\
         2026-11-02T02:00:00Z,1,acknowledged,oncall@example.com,systems\r\n\
         2026-11-02T02:00:00Z,1,acknowledged,dba@example.com,systems\r\n"
    );
    let empty = test.run(&["alerts", "--csv", "--until", "2020-01-01"], b"").exit(0).out;
    assert_eq!(empty, "timestamp,id,status,recipient,group\r\n");
}

#[test]
fn a_cell_of_the_report_is_never_a_formula() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN");
    test.deliver_to(&["=cmd|calc!a1@example.com", "@sum(a1)@example.com", "\"a,b\"@example.com"], &mail).done();
    let report = test.run(&["alerts", "--csv"], b"").exit(0).out;
    has(&report, ",'=cmd|");
    has(&report, ",'@sum(a1)");
    for line in report.lines().skip(1) {
        assert!(!line.contains(",=") && !line.contains(",@"), "{line}");
    }
}

#[test]
fn what_does_not_exist_is_said_and_what_was_meant_suggested() {
    let test = three();
    let code = test.alerts()[0]["code"].as_str().unwrap().to_owned();
    test.run(&["alerts", "show", &format!("#{}", 1)], b"").exit(0).done();
    test.run(&["alerts", "show", &code.to_lowercase()], b"").exit(0).done();
    test.run(&["alerts", "show", "99"], b"").exit(1).says("there is no alert 99; the newest is 3 (").done();
    test.run(&["alerts", "ack", "99999999999999999999"], b"").exit(1).says("there is no alert 999").done();
    let near = format!("{code}Q");
    test.run(&["alerts", "show", &near], b"").exit(1).says("did you mean").says(&code).done();
    test.run(&["alerts", "show", "zzzzzz"], b"").exit(1).says("`thialfi alerts` lists them").done();
    test.run(&["alerts", "--group", "sistems"], b"")
        .exit(1)
        .says("there is no group `sistems`")
        .says("`systems`?")
        .done();
    test.run(&["alerts", "--state", "opne"], b"").exit(2).says("open").says("acknowledged").done();
    test.run(&["alerts", "--since", "soon"], b"").exit(2).says("`soon` is no time").done();
    test.run(&["alerts", "--since", "2d", "--until", "3d"], b"").exit(2).says("--until is not after --since").done();
}

#[test]
fn a_group_that_left_the_rule_file_keeps_its_alerts() {
    let test = three().rules(&format!("{PEOPLE}{PAGE}{DOWN}"));
    assert_eq!(listed(&test, &["--group", "web"]), [2]);
}

#[test]
fn what_the_mails_say_is_shown_and_kept() {
    let mut test = Test::with_people().phone(DAVID, [Phone::Stay]);
    let first = test.mail("db1 is in trouble", "db1 is DOWN\n    indented by four\nlast line");
    test.deliver(&first).exit(75).done();
    let story = test.story(1);
    has(&story, "The newest mail: db1 is in trouble\n  db1 is DOWN\n      indented by four\n  last line\n");
    let long: String = (1..=60).fold("db1 is DOWN\n".to_owned(), |text, n| format!("{text}line {n} of many\n"));
    let second = format!("{long}\nOn Mon, 2 Nov 2026 at 09:00, Ann <ann@example.com> wrote:\n> it was up\n");
    let second = test.mail("db1 again", &second);
    test.deliver(&second).exit(75).done();
    // The same mail again is no other text.
    test.deliver(&second).exit(75).done();
    let story = test.story(1);
    has(&story, "  line 39 of many\n  … 21 more lines; --json has them\n");
    assert!(!story.contains("it was up"), "{story}");
    let over = test.mail("db1 is fine", "db1 is UP");
    test.deliver(&over).done();
    let whole = whole(&test, 1);
    let texts = whole["texts"].as_array().unwrap();
    let subjects: Vec<&str> = texts.iter().map(|text| text["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["db1 is in trouble", "db1 again", "db1 is fine"]);
    assert_eq!(texts[0]["new_text"].as_str().unwrap().trim_end(), "db1 is DOWN\n    indented by four\nlast line");
    assert!(texts[1]["quoted"].as_str().unwrap().contains("> it was up"), "{}", texts[1]);
    assert_eq!(texts[0]["recipients"], serde_json::json!(["oncall@example.com"]));
    assert_eq!((&texts[0]["number"], &texts[0]["cut"]), (&1.into(), &false.into()));
    assert_eq!(texts[0]["size"], first.len());
}

#[test]
fn no_text_is_kept_where_the_rule_file_says_so() {
    let mut test = Test::new().rules(&format!("keep_text = false\n{PEOPLE}{PAGE}{DOWN}")).phone(DAVID, [Phone::Stay]);
    let mail = test.mail("db1", "db1 is DOWN\nthe password is swordfish");
    test.deliver(&mail).exit(75).done();
    let over = test.mail("db1 is fine", "db1 is UP");
    test.deliver(&over).done();
    assert!(!test.story(1).contains("swordfish"));
    assert_eq!(whole(&test, 1)["texts"], serde_json::json!([]));
    test.run(&["alerts", "--text", "swordfish"], b"").exit(0).says("No alerts are like that").done();
}

#[test]
fn a_list_is_searched_by_recipient_and_by_words() {
    let test = three();
    assert_eq!(listed(&test, &["--recipient", "WEB@"]), [2]);
    assert_eq!(listed(&test, &["--recipient", "dba@example.com"]), [1]);
    assert_eq!(listed(&test, &["--text", "VERY slow"]), [2], "it is only in the mail");
    assert_eq!(listed(&test, &["--text", "is"]), [3, 2, 1]);
    assert_eq!(listed(&test, &["--text", "is", "--recipient", "dba", "--state", "open"]), [] as [i64; 0]);
    assert_eq!(listed(&test, &["--text", "%"]), [] as [i64; 0]);
}
