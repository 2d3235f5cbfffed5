use jiff::Timestamp;

use super::*;
use crate::mail::Text;
use crate::rules::{Count, Recall, RuleSet};

fn matches(place: Place, pattern: &str) -> Condition {
    Condition::Matches { place, pattern: Pattern::new(pattern).unwrap() }
}

fn text(pattern: &str) -> Condition {
    matches(Place::Text, pattern)
}

fn message() -> Message {
    let headers = [
        ("Authentication-Results", "mx.example.com; dkim=pass header.d=example.com; spf=fail"),
        ("Authentication-Results", "mx.example.com; dmarc=pass"),
        ("Received", "from a.example.com"),
        ("received", "from b.example.com"),
        ("From", "Ann <ann@example.com>"),
        ("To", "ops@example.com"),
        ("Cc", "boss@example.com"),
        ("Subject", "Disk full"),
    ];
    Message {
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        text: Text::new("first line\nIssue #12 by Ann\nlast line", "> Emergency"),
        attachments: vec!["log.txt".to_owned(), "dump.pdf".to_owned()],
        size: 2000,
        ..Message::default()
    }
}

/// 2026-11-07 is a Saturday; 10:30 UTC is 23:30 in Auckland.
const NOW: &str = "2026-11-07T10:30:00Z";

type Seen = (bool, String, Vec<(String, String)>);

/// Sets `double` to twice what `load` is, and fails without.
struct Doubling;

impl Outside for Doubling {
    fn recall(&self, _: &Rule, _: &Count, _: &View<'_>, _: &[(String, String)]) -> Recall {
        panic!("no condition counts")
    }

    fn variable(&self, _: &Rule, _: &View<'_>, captures: &[(String, String)], name: &str) -> Option<String> {
        let load = captures.iter().find(|(captured, _)| captured == "load")?.1.parse::<f64>().ok()?;
        (name == "double").then(|| (load * 2.0).to_string())
    }
}

fn seen_by(condition: &Condition, message: &Message, sender: Option<&str>, now: &str) -> Seen {
    let now: Timestamp = now.parse().unwrap();
    let view = View { message, sender, recipient: "cust1-dba@sms.example.com", now };
    let rules = RuleSet::default();
    let sight = &Sight::new(&view, &rules);
    let rule = &Rule {
        set: vec![("double".to_owned(), String::new())],
        ..crate::rules::ruleset::tests::rule("r", Vec::new())
    };
    let look = Look { sight, rule, outside: &Doubling };
    let (mut captures, mut same) = (Captures::default(), Captures::default());
    let matched = condition.holds(&look, &mut captures).unwrap();
    let report = condition.report(&look, &mut same).unwrap();
    let captures = captures.into_pairs();
    assert_eq!((report.matched, &same.into_pairs()), (matched, &captures), "{}", condition.describe());
    (matched, report.saw, captures)
}

fn see(condition: &Condition) -> Seen {
    seen_by(condition, &message(), Some("ann@example.com"), NOW)
}

fn holds(condition: &Condition) -> bool {
    see(condition).0
}

fn holds_at(condition: &Condition, now: &str) -> bool {
    seen_by(condition, &message(), None, now).0
}

fn between(from: &str, until: &str, zone: &str) -> Condition {
    Condition::Between {
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
        time_zone: TimeZone::get(zone).unwrap(),
    }
}

#[test]
fn each_place_shows_its_own_text() {
    let cases = [
        (Place::Text, "^issue #12", "Emergency"),
        (Place::Subject, "^disk full$", "ann"),
        (Place::From, "ann@example", "ops"),
        (Place::To, "^ops@", "ann"),
        (Place::To, "^boss@", "ann"),
        (Place::Header("RECEIVED".to_owned()), "b\\.example", "c\\.example"),
        (Place::Sender, "^ann@example.com$", "ops"),
        (Place::Recipient, "^cust1-", "ann"),
        (Place::Body, "emergency", "absent"),
        (Place::Quoted, "emergency", "issue"),
        (Place::Attachment, r"\.pdf$", "log dump"),
    ];
    for (place, there, absent) in cases {
        assert!(holds(&matches(place.clone(), there)), "{place} {there}");
        assert!(!holds(&matches(place.clone(), absent)), "{place} {absent}");
    }
}

#[test]
fn what_is_missing_matches_nothing_but_a_missing_subject_is_empty() {
    let none = Message::default();
    for place in [Place::From, Place::To, Place::Header("X".to_owned()), Place::Sender, Place::Attachment] {
        assert!(!seen_by(&matches(place, ""), &none, None, NOW).0);
    }
    assert!(seen_by(&matches(Place::Subject, "^$"), &none, None, NOW).0);
    assert!(seen_by(&matches(Place::Sender, "^$"), &none, Some(""), NOW).0);
}

#[test]
fn a_bounce_is_known_by_its_headers_or_its_sender() {
    let (is, is_not) = (Condition::Automatic(true), Condition::Automatic(false));
    let answer = Message { automatic: true, ..Message::default() };
    let plain = Message::default();
    for (message, sender, automatic) in
        [(&answer, Some("a@b"), true), (&plain, Some(""), true), (&plain, Some("a@b"), false), (&plain, None, false)]
    {
        assert_eq!(seen_by(&is, message, sender, NOW).0, automatic);
        assert_eq!(seen_by(&is_not, message, sender, NOW).0, !automatic);
    }
}

#[test]
fn size_includes_both_ends() {
    let size = |min, max| holds(&Condition::Size { min, max });
    assert!(size(None, None) && size(Some(2000), Some(2000)) && size(None, Some(2000)) && size(Some(1), None));
    assert!(!size(Some(2001), None) && !size(None, Some(1999)));
}

#[test]
fn only_the_topmost_authentication_results_are_believed() {
    let auth = |method: &str, result: &str| Condition::Authenticated { method: method.into(), result: result.into() };
    assert!(holds(&auth("dkim", "pass")) && holds(&auth("SPF", "Fail")));
    assert!(!holds(&auth("dmarc", "pass")), "the second field may be forged");
    assert_eq!(see(&auth("dkim", "pass")).1, "mx.example.com says dkim=pass, spf=fail");
    assert!(!seen_by(&auth("dkim", "pass"), &Message::default(), None, NOW).0);
}

#[test]
fn hours_are_local_and_go_over_midnight() {
    assert!(holds(&between("22:00", "07:00", "Pacific/Auckland")));
    assert!(!holds(&between("22:00", "07:00", "UTC")));
    assert!(holds(&between("10:30", "10:31", "UTC")));
    assert!(!holds(&between("10:00", "10:30", "UTC")), "the end is not included");
    assert!(holds(&between("00:00", "00:00", "UTC")), "the whole day");
    for (time, inside) in [("T09:00:00Z", true), ("T17:59:59Z", true), ("T18:00:00Z", false), ("T08:59:59Z", false)] {
        let night = between("22:00", "07:00", "Pacific/Auckland");
        assert_eq!(holds_at(&night, &format!("2026-11-07{time}")), inside, "{time}");
    }
}

#[test]
fn hours_follow_daylight_saving() {
    // Auckland sets its clocks forward at 2:00 on 2026-09-27 (14:00 UTC the day before), and back at 3:00 on 2026-04-05.
    let early = between("02:00", "03:00", "Pacific/Auckland");
    assert!(!holds_at(&early, "2026-09-26T13:59:59Z") && !holds_at(&early, "2026-09-26T14:00:00Z"));
    assert!(holds_at(&early, "2026-04-04T13:30:00Z") && holds_at(&early, "2026-04-04T14:30:00Z"));
    assert!(!holds_at(&early, "2026-04-04T15:00:00Z"));
}

#[test]
fn days_are_local_days() {
    let on = |zone: &str| Condition::On {
        days: vec![Weekday::Saturday, Weekday::Sunday],
        time_zone: TimeZone::get(zone).unwrap(),
    };
    assert!(holds(&on("UTC")));
    // Friday evening in UTC is Saturday morning in Auckland.
    assert!(holds_at(&on("Pacific/Auckland"), "2026-11-06T12:00:00Z") && !holds_at(&on("UTC"), "2026-11-06T12:00:00Z"));
}

#[test]
fn nothing_is_all_but_not_any() {
    assert!(holds(&Condition::All(Vec::new())));
    assert!(!holds(&Condition::Any(Vec::new())));
    assert!(holds(&Condition::Not(Box::new(Condition::Any(Vec::new())))));
}

#[test]
fn any_needs_one_and_fills_what_each_that_holds_captures() {
    let any = Condition::Any(vec![
        text("absent (?<never>x)"),
        text("first"),
        text(r"#(?<issue>\d+)"),
        text(r"(?<issue>Issue) .* by (?<who>\w+)"),
    ]);
    let (held, saw, captures) = see(&any);
    assert!(held);
    assert_eq!(saw, "3 of 4 hold");
    assert_eq!(captures, [("issue".to_owned(), "12".to_owned()), ("who".to_owned(), "Ann".to_owned())]);
}

#[test]
fn what_does_not_hold_and_what_is_under_not_captures_nothing() {
    let failing = Condition::All(vec![text(r"#(?<issue>\d+)"), text("absent")]);
    assert_eq!(see(&Condition::Any(vec![failing, text("first")])).2, []);
    let not = Condition::Not(Box::new(text(r"#(?<issue>\d+)")));
    assert!(!holds(&not));
    let not_not = Condition::Not(Box::new(not));
    assert_eq!((holds(&not_not), see(&not_not).2), (true, Vec::new()));
    assert!(not_not.capture_names().is_empty() && not_not.patterns().len() == 1);
}

fn number(variable: &str, relation: Relation, bound: &str) -> Condition {
    let bounds = vec![Comparison { relation, bound: Quantity::parse(bound).unwrap() }];
    Condition::Number { variable: variable.to_owned(), bounds }
}

fn see_in(body: &str, conditions: Vec<Condition>) -> (bool, String) {
    let message = Message { text: Text::new(body, ""), ..Message::default() };
    let view = View { message: &message, sender: None, recipient: "", now: Timestamp::UNIX_EPOCH };
    let rules = RuleSet::new(vec![Rule {
        set: vec![("double".to_owned(), String::new())],
        ..crate::rules::ruleset::tests::rule("r", conditions)
    }]);
    let explained = rules.explain(&view, &Doubling).unwrap();
    assert_eq!(rules.judge(&view, &Doubling).unwrap().verdicts.len(), usize::from(explained.verdicts[0].matched));
    (explained.verdicts[0].matched, explained.verdicts[0].conditions.last().unwrap().saw.clone())
}

#[test]
fn a_captured_number_is_compared() {
    let load = |relation, bound| vec![text(r"load is (?<load>\S+)"), number("load", relation, bound)];
    for (relation, bound, body, expected) in [
        (Relation::Above, "20", "load is 23.5", true),
        (Relation::Above, "20", "load is 20", false),
        (Relation::Above, "20", "load is 20,5%", true),
        (Relation::Below, "20", "load is 19.99", true),
        (Relation::Below, "20", "load is 20", false),
        (Relation::AtLeast, "20", "load is 20.0", true),
        (Relation::AtMost, "20", "load is 20", true),
        (Relation::AtMost, "20", "load is 1,234", false),
        (Relation::Equals, "0", "load is 0", true),
        (Relation::Equals, "0", "load is 0.1", false),
        (Relation::Below, "20", "load is unknown", false),
        (Relation::Above, "1 GB", "load is 1.5", false),
    ] {
        assert_eq!(see_in(body, load(relation, bound)).0, expected, "{relation:?} {bound} {body}");
    }
}

#[test]
fn a_number_says_what_it_saw_or_why_there_is_none() {
    let load = |bound| vec![text("load is (?<load>[^\n]+)"), number("load", Relation::Above, bound)];
    assert_eq!(see_in("load is 23", load("20")).1, "load is «23»");
    assert_eq!(see_in("load is 1.234,5 %", load("20")).1, "load is «1.234,5 %», which is 1234.5%");
    assert_eq!(see_in("load is n/a", load("20")), (false, "load is «n/a», which is not a number".to_owned()));
    assert_eq!(see_in("load is 5", load("1 GB")).1, "load is «5», which cannot be compared with 1 GB");
    assert_eq!(see_in("x", vec![number("load", Relation::Below, "20")]), (false, "nothing has filled load".to_owned()));
}

#[test]
fn a_number_is_one_that_an_earlier_condition_captured_or_that_is_set() {
    let load = || text(r"load is (?<load>\d+)");
    let above = |variable, bound| number(variable, Relation::Above, bound);
    assert!(!see_in("load is 30", vec![above("load", "20"), load()]).0, "captured later");
    assert!(see_in("load is 30", vec![load(), Condition::Any(vec![text("x"), above("load", "20")])]).0);
    assert!(see_in("load is 30", vec![load(), Condition::Not(Box::new(above("load", "40")))]).0);
    assert!(
        !see_in("load is 30", vec![Condition::Not(Box::new(Condition::Not(Box::new(load())))), above("load", "20")]).0
    );
    assert!(see_in("load is 30", vec![load(), above("double", "59"), number("double", Relation::Below, "61")]).0);
    assert!(!see_in("load is 30", vec![above("double", "1"), load()]).0, "what it is made of is not there yet");
    let within = Condition::All(vec![load(), above("load", "20"), text("absent")]);
    assert!(!see_in("load is 30", vec![Condition::Any(vec![within, text("load")]), above("load", "20")]).0);
}

#[test]
fn what_was_not_decoded_is_seen_only_by_who_asks_for_it() {
    let raw = b"Subject: =?utf-8?q?Disk_full?=\r\nContent-Transfer-Encoding: base64\r\n\r\nRGlzayBmdWxsCg==\r\n";
    let message = Message::parse(&raw.as_slice().into());
    let sees = |place, pattern| seen_by(&matches(place, pattern), &message, None, NOW).0;
    assert!(sees(Place::Undecoded, "^RGlzayBmdWxsCg==$") && sees(Place::Undecoded, r"^subject: =\?utf-8"));
    assert!(!sees(Place::Undecoded, "disk full") && sees(Place::Text, "^disk full$"));
    assert!(!sees(Place::Body, "RGlz") && !sees(Place::Subject, "utf-8"));
}

#[test]
fn results_that_a_sender_hides_in_an_encoded_word_are_not_read() {
    let forged = "Authentication-Results: mx.example.com; dkim=fail reason=\"=?utf-8?q?=22=3B_dkim=3Dpass?=\"\r\n\
                  Authentication-Results: mx.example.com; dmarc=pass (=?utf-8?q?)=3B_spf=3Dpass?=)\r\n\
                  From: a@example.com\r\nSubject: x\r\n\r\nx";
    let message = Message::parse(&forged.as_bytes().into());
    let condition = |result: &str| Condition::Authenticated { method: "dkim".to_owned(), result: result.to_owned() };
    assert!(!seen_by(&condition("pass"), &message, None, NOW).0);
    assert!(seen_by(&condition("fail"), &message, None, NOW).0);
}

#[test]
fn a_report_shows_the_match_or_what_comes_nearest() {
    assert_eq!(see(&text(r"#\d+")).1, "Issue «#12» by Ann");
    assert_eq!(
        see(&text("^issue #12 by Bob")).1,
        "no line matches; nearest: «Issue #12 by »Ann, not followed by `Bob`"
    );
    assert_eq!(see(&text("tablespace")).1, "no line matches");
    assert_eq!(see(&matches(Place::Subject, "tablespace")).1, "no match in: Disk full");
    assert_eq!(see(&matches(Place::Header("X-Project".into()), r"\S")).1, "there is no header X-Project");
    assert_eq!(see(&matches(Place::Attachment, "xls")).1, "none of 2 matches");
    assert_eq!(see(&between("22:00", "07:00", "Pacific/Auckland")).1, "it is Sat 23:30 Pacific/Auckland");
    assert_eq!(see(&Condition::Automatic(true)).1, "nothing says that it is an automatic answer");
    assert_eq!(seen_by(&text("x"), &Message::default(), None, NOW).1, "it is empty");
}

#[test]
fn conditions_are_described_in_the_words_of_the_rule_file() {
    let zone = || TimeZone::get("Pacific/Auckland").unwrap();
    let cases = [
        (text("^Priority"), "text matches `^Priority`"),
        (matches(Place::Header("X-Redmine-Project".into()), r"\S"), r"header X-Redmine-Project matches `\S`"),
        (between("22:00", "07:00", "Pacific/Auckland"), "between 22:00 and 07:00 Pacific/Auckland"),
        (
            Condition::On { days: vec![Weekday::Saturday, Weekday::Sunday], time_zone: zone() },
            "on Sat, Sun Pacific/Auckland",
        ),
        (Condition::Authenticated { method: "dkim".into(), result: "pass".into() }, "authenticated: dkim=pass"),
        (Condition::Size { min: Some(1001), max: None }, "size over 1 kB"),
        (Condition::Size { min: None, max: Some(10_000_000) }, "size at most 10 MB"),
        (Condition::Size { min: Some(3 << 20), max: Some((1 << 30) - 1) }, "size at least 3 MiB and under 1 GiB"),
        (Condition::Size { min: Some(0), max: Some(1234) }, "size at least 0 bytes and at most 1234 bytes"),
        (Condition::Not(Box::new(text("a"))), "not: text matches `a`"),
        (Condition::Any(vec![text("a"), text("b")]), "any of 2 conditions"),
    ];
    for (condition, words) in cases {
        assert_eq!(condition.describe(), words);
    }
    let fixed = Condition::On { days: vec![Weekday::Monday], time_zone: TimeZone::fixed(jiff::tz::offset(5)) };
    assert_eq!(fixed.describe(), "on Mon +05");
}
