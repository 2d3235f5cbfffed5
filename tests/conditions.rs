//! Every kind of condition, over the real binary.

use crate::support::{DAVID, PEOPLE, Phone, Test, mail};

const TEXT: &str = r#"
[policies.call]
repeat = 0
steps = [{ notify = "oncall", by = "sms", wait = "5m" }]
"#;

/// One rule that texts, with this `when` and whatever else stands there.
fn rule(rest: &str) -> String {
    format!("{PEOPLE}{TEXT}\n[[rules]]\nname = \"r\"\naction = \"call\"\ngroup = \"systems\"\n{rest}\n")
}

fn with(rest: &str) -> Test {
    Test::new().rules(&rule(rest)).without_webhooks()
}

/// Whether delivering it opens an alert; else no rule wants it, and it is dealt with.
#[track_caller]
fn rings(test: &Test, mail: &[u8]) -> bool {
    let ran = test.deliver(mail);
    if ran.out.contains("opened alert") || ran.out.contains("joined alert") {
        return true;
    }
    ran.exit(0).says("no rule wants it").done();
    false
}

/// A mail with more in its header.
fn headed(id: &str, header: &str, rest: &str) -> Vec<u8> {
    format!("{header}From: a@example.com\r\nSubject: x\r\nMessage-ID: <{id}@x>\r\n{rest}").into_bytes()
}

fn explained(test: &Test, mail: &[u8]) -> serde_json::Value {
    test.run(&["explain", "--json"], mail).exit(0).json()
}

#[test]
fn attachments_are_known_by_their_names() {
    let test = with("when = [ { attachment = '\\.(exe|scr)$' } ]");
    let attached = |id: &str, name: &str| {
        let parts = format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee setup.exe\r\n--b\r\n\
             Content-Type: application/octet-stream\r\nContent-Disposition: attachment; {name}\r\n\r\nx\r\n--b--\r\n"
        );
        headed(id, "", &parts)
    };
    assert!(rings(&test, &attached("1", "filename=\"Setup.EXE\"")));
    assert!(rings(&test, &attached("2", "filename*=utf-8''%C3%BCbung.scr")));
    assert!(!rings(&test, &attached("3", "filename=\"report.pdf\"")), "the name in the text is none");
    let saw = &explained(&test, &attached("4", "filename=\"report.pdf\""))["rules"][0]["conditions"][0];
    assert_eq!((&saw["matched"], saw["saw"].as_str()), (&false.into(), Some("no match in: report.pdf")));
}

#[test]
fn size_is_that_of_the_whole_mail() {
    let test = with("when = [ { size = \"> 2 MB\" } ]");
    let sized = |id: &str, length: usize| mail(id, "size", &"0123456789\n".repeat(length / 11));
    assert!(rings(&test, &sized("<1@x>", 3_000_000)), "more than what is kept in memory");
    assert!(!rings(&test, &sized("<2@x>", 1_500_000)));
    let test = with("when = [ { size = \">= 400\" }, { size = \"<= 1 kB\" } ]");
    assert!(rings(&test, &sized("<3@x>", 500)));
    assert!(!rings(&test, &sized("<4@x>", 11)) && !rings(&test, &sized("<5@x>", 2000)));
}

#[test]
fn only_what_our_own_server_found_out_about_the_sender_counts() {
    let test = with("when = [ { auth = \"dkim=pass\" } ]");
    let ours = |result: &str| format!("Authentication-Results: mx.example.com; {result}\r\n");
    let sent = |id: &str, header: &str| headed(id, header, "\r\nx\r\n");
    assert!(rings(&test, &sent("1", &ours("spf=fail; dkim=pass header.d=example.com"))));
    assert!(!rings(&test, &sent("2", &ours("dkim=fail"))));
    assert!(!rings(&test, &sent("3", "")), "nobody says anything");
    let below = format!("{}{}", ours("dkim=fail"), ours("dkim=pass"));
    assert!(!rings(&test, &sent("4", &below)), "the sender wrote the lower one");
    let hidden = ours("dkim=fail reason=\"=?utf-8?q?=22=3B_dkim=3Dpass=3B_x=3D=22?=\"");
    assert!(!rings(&test, &sent("5", &hidden)), "an encoded word must not end the quotation");
    let saw = &explained(&test, &sent("6", &hidden))["rules"][0]["conditions"][0]["saw"];
    assert_eq!(saw, "mx.example.com says dkim=fail");
}

#[test]
fn hours_and_days_are_those_of_their_time_zone_and_follow_the_clock() {
    let rules = rule(r#"when = [ { on = "Mon-Fri", between = "22:00-07:00 Pacific/Auckland" } ]"#);
    let mut test =
        Test::new().rules(&format!("{rules}[defaults]\ntime_zone = \"Pacific/Auckland\"\n")).without_webhooks();
    let at = |test: &mut Test, span: &str| {
        test.advance(span);
        let mail = test.mail("night", "night");
        rings(test, &mail)
    };
    // It is Monday, 15:00 in Auckland.
    assert!(!at(&mut test, "0s"));
    assert!(!at(&mut test, "6h 59m"));
    assert!(at(&mut test, "1m"), "22:00");
    assert!(at(&mut test, "8h 59m"), "Tuesday, 6:59");
    assert!(!at(&mut test, "1m"), "7:00");
    // Friday, 23:00, and Saturday, 0:00: the day ends although the hours do not.
    assert!(at(&mut test, "88h"), "Friday, 23:00");
    assert!(!at(&mut test, "1h"), "Saturday");
    let saw = explained(&test, &mail("<x@x>", "night", "x"));
    assert_eq!(saw["rules"][0]["conditions"][0]["saw"], "it is Sat 00:00 Pacific/Auckland");
}

#[test]
fn hours_move_with_daylight_saving() {
    // Vienna: UTC+1 until 29 March 2026, 1:00 UTC; then UTC+2.
    let mut test = with(r#"when = [ { between = "08:00-09:00 Europe/Vienna" } ]"#);
    let mut previous: jiff::Timestamp = crate::support::START.parse().unwrap();
    let mut at = |time: &str| {
        let time: jiff::Timestamp = time.parse().unwrap();
        let span = time.duration_since(previous);
        previous = time;
        test.advance(&span.to_string());
        let mail = test.mail(&time.to_string(), "x");
        rings(&test, &mail)
    };
    assert!(at("2027-03-26T07:30:00Z") && !at("2027-03-26T06:30:00Z"), "winter");
    assert!(at("2027-03-29T06:30:00Z") && !at("2027-03-29T07:30:00Z"), "summer");
}

#[test]
fn any_all_and_not_nest() {
    let mut test = with(
        r#"when = [
  { any = [
    { all = [ { text = 'disk' }, { not = { any = [ { text = 'test' }, { text = '(?<load>drill)' } ] } } ] },
    { text = 'FORCE' },
  ] },
  { not = { not = { text = 'full' } } },
]
say = "{{ load | default('none') }}""#,
    );
    for (text, expected) in [
        ("disk full", true),
        ("disk full, test", false),
        ("disk full, drill", false),
        ("disk full, drill, FORCE", true),
        ("force full", true),
        ("disk", false),
        ("full", false),
    ] {
        let mail = test.mail(text, text);
        assert_eq!(rings(&test, &mail), expected, "{text}");
    }
    let conditions = explained(&test, &mail("<x@x>", "x", "disk full"))["rules"][0]["conditions"].clone();
    assert_eq!(
        conditions[0]["within"][0]["within"][1]["within"][0]["within"][1]["describes"],
        "text matches `(?<load>drill)`"
    );
}

#[test]
fn a_captured_number_is_compared() {
    let mut test = with(
        r#"when = [
  { text = 'load average: (?<load>[\d.,]+)' },
  { text = 'free: (?<free>\S+ ?\w*)' },
  { any = [ { var = "load", above = 20 }, { var = "free", below = "1 GB" } ] },
]
key = "load""#,
    );
    for (text, expected) in [
        ("load average: 20.5, 3, 1\nfree: 3 GB", true),
        ("load average: 20,5\nfree: 3 GB", true),
        ("load average: 1,234.\nfree: 3 GB", true),
        ("load average: 20\nfree: 3 GB", false),
        ("load average: 3\nfree: 900 MB", true),
        ("load average: 3\nfree: 0.9 GiB", true),
        ("load average: 3\nfree: none", false),
        ("load average: 3\nfree: 5", false),
        ("free: 3 MB", false),
    ] {
        let mail = test.mail(text, text);
        assert_eq!(rings(&test, &mail), expected, "{text}");
    }
    let seen = |text: &str| {
        let any = explained(&test, &mail("<x@x>", "x", text))["rules"][0]["conditions"][2].clone();
        [0, 1].map(|n| any["within"][n]["saw"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        seen("load average: 1.5,\nfree: none"),
        ["load is «1.5,», which is 1.5", "free is «none», which is not a number"]
    );
    assert_eq!(seen("free: 5"), ["nothing has filled load", "free is «5», which cannot be compared with 1 GB"]);
}

#[test]
fn what_set_makes_of_a_header_is_compared() {
    let test = with(
        r#"when = [ { header = "X-Load", matches = '\S' }, { var = "percent", at_least = 90, at_most = "100 %" } ]
set = { percent = "{{ header('X-Load') | replace('about ', '') }}" }"#,
    );
    for (id, load, expected) in
        [("1", "about 90", false), ("2", "about 95 %", true), ("3", "89", false), ("4", "101 %", false)]
    {
        assert_eq!(rings(&test, &headed(id, &format!("X-Load: {load}\r\n"), "\r\nx\r\n")), expected, "{load}");
    }
}

#[test]
fn the_undecoded_mail_is_matched_only_with_raw() {
    let encoded = |id: &str| headed(id, "", "Content-Transfer-Encoding: base64\r\n\r\nRGlzayBmdWxsCg==\r\n");
    let test = with("when = [ { body = '^RGlzayBmdWxsCg==$', raw = true } ]");
    assert!(rings(&test, &encoded("1")));
    let test = with("when = [ { body = 'RGlzay' } ]");
    assert!(!rings(&test, &encoded("1")));
    let test = with("when = [ { body = 'disk full', raw = true } ]");
    assert!(!rings(&test, &encoded("1")));
    let test = with("when = [ { body = 'disk full' } ]");
    assert!(rings(&test, &encoded("1")));
}

const COUNT: &str = r#"when = [ { text = '^login failed on (?<host>\w+)' }, { count = "3 in 10m" } ]
key = "login {{ host }}"

[[rules]]
name = "later"
action = "ignore"
when = [ { text = 'login failed' } ]
"#;

fn failed(test: &mut Test, host: &str) -> Vec<u8> {
    test.mail("login", &format!("login failed on {host}"))
}

#[test]
fn a_rule_matches_only_when_so_many_of_its_key_came_in_time() {
    let mut test = with(COUNT);
    for (span, host, expected) in [
        ("0s", "db1", false),
        ("1m", "db1", false),
        ("0s", "db2", false),
        // The first is ten minutes old.
        ("9m", "db1", false),
        ("30s", "db1", true),
        ("0s", "db2", false),
        ("0s", "db2", true),
    ] {
        test.advance(span);
        let mail = failed(&mut test, host);
        assert_eq!(rings(&test, &mail), expected, "{host}");
    }
    assert_eq!(test.texts().len(), 2);
    let mail = failed(&mut test, "db3");
    test.deliver(&mail).exit(0).says("rule `r`: mail 1 of 3 in 10m").done();
}

#[test]
fn explain_knows_how_many_came_and_counts_nothing() {
    let mut test = with(COUNT);
    for (number, matched, saw) in [
        (0, true, "not known here"),
        (1, false, "there are 2, this one included"),
        (2, true, "there are 3, this one included"),
    ] {
        let next = failed(&mut test, "db1");
        for _ in 0..2 {
            let story = explained(&test, &next);
            let rule = &story["rules"][0];
            assert_eq!(rule["matched"], matched, "{number}: {rule}");
            assert!(rule["conditions"].to_string().contains(saw), "{number}: {rule}");
            assert_eq!(story["action"] == "call", matched, "{number}");
        }
        // After all, it counts.
        let ran = test.deliver(&next);
        assert_eq!(ran.out.contains("opened alert"), number == 2, "{ran:?}");
    }
    // As if it came when the others are long forgotten.
    let next = failed(&mut test, "db1");
    test.advance("1h");
    test.run(&["explain"], &next).exit(0).says("it is the first").done();
}

#[test]
fn the_same_mail_counts_once_and_keeps_its_verdict() {
    let mut test = with(COUNT);
    let first = failed(&mut test, "db1");
    for _ in 0..4 {
        assert!(!rings(&test, &first));
    }
    let (second, third) = (failed(&mut test, "db1"), failed(&mut test, "db1"));
    assert!(!rings(&test, &second) && rings(&test, &third));
    // Without an engine the mail server's queue is the timer: an hour later the third is still the third.
    test.advance("1h");
    test.deliver(&third).says("same mail").done();
    assert!(!rings(&test, &first));
    assert_eq!(test.alerts().len(), 1);
}

#[test]
fn a_mail_that_no_rule_wants_never_opens_the_store() {
    let mut test = with(COUNT);
    let mail = test.mail("fine", "all is well");
    test.deliver(&mail).exit(0).done();
    assert!(!test.path("thialfi.db").exists());
    let mail = failed(&mut test, "db1");
    test.run(&["explain"], &mail).exit(0).says("not known here").says("at least 3 mails of its key in 10m").done();
    assert!(!test.path("thialfi.db").exists(), "`explain` does no I/O");
    test.deliver(&mail).exit(0).done();
    assert!(test.path("thialfi.db").exists());
}

#[test]
fn a_store_that_cannot_count_wakes_somebody() {
    let mut test = with(COUNT).phone(DAVID, [Phone::Listen]);
    std::fs::create_dir(test.path("thialfi.db")).unwrap();
    let mail = failed(&mut test, "db1");
    test.deliver(&mail).exit(75).says("David (+64211110001) all the same").done();
    // A rule that wakes nobody does not match when it cannot count: the next one may.
    let rules = format!(
        "{}\n[[rules]]\nname = \"all\"\naction = \"call\"\ngroup = \"systems\"\nwhen = []\n",
        rule(COUNT)
            .replace("action = \"call\"", "action = \"ignore\"")
            .replace("when = [ { text = 'login failed' } ]", "when = [ { text = 'never' } ]")
    );
    let mut test = test.rules(&rules);
    let mail = failed(&mut test, "db1");
    test.deliver(&mail).exit(75).says("all the same").done();
    // And where no rule matches, the mail stays with the mail server all the same.
    let mut test = test.rules(&rule(COUNT).replacen("action = \"call\"", "action = \"resolve\"", 1));
    let mail = failed(&mut test, "db1");
    test.deliver(&mail).exit(75).says("could not be counted").done();
}

#[test]
fn a_history_counts_in_the_mails_own_time() {
    let test = with(COUNT);
    let archive = test.path("mails");
    std::fs::create_dir(&archive).unwrap();
    let at = |number: u32, host: &str, time: &str| {
        let date = format!("Mon, 2 Nov 2026 {time} +0000");
        let mail = mail(&format!("<{number}@x>"), "login", &format!("login failed on {host}"));
        let mail = String::from_utf8(mail).unwrap().replace("Mon, 2 Nov 2026 02:00:00 +0000", &date);
        std::fs::write(archive.join(format!("{number}.eml")), mail).unwrap();
    };
    // The files are in no order of time.
    at(1, "db1", "03:09:00");
    at(2, "db1", "03:00:00");
    at(3, "db2", "03:00:00");
    at(4, "db1", "03:05:00");
    at(5, "db2", "03:09:00");
    at(6, "db2", "03:10:30");
    at(7, "db1", "01:00:00");
    let told = test.run(&["backtest", "--json", archive.to_str().unwrap()], b"").exit(0).out;
    let alerts: Vec<serde_json::Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(alerts.len(), 1, "{told}");
    assert_eq!(
        (&alerts[0]["key"], alerts[0]["file"].as_str().unwrap().ends_with("1.eml")),
        (&"login db1".into(), true)
    );
}
