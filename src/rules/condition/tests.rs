use jiff::Timestamp;

use super::*;
use crate::rules::RuleSet;

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
        new_text: "first line\nIssue #12 by Ann\nlast line".to_owned(),
        quoted: "> Emergency".to_owned(),
        body: "first line\nIssue #12 by Ann\nlast line\n> Emergency".to_owned(),
        attachments: vec!["log.txt".to_owned(), "dump.pdf".to_owned()],
        size: 2000,
        ..Message::default()
    }
}

/// 2026-11-07 is a Saturday; 10:30 UTC is 23:30 in Auckland.
const NOW: &str = "2026-11-07T10:30:00Z";

type Seen = (bool, String, Vec<(String, String)>);

fn seen_by(condition: &Condition, message: &Message, sender: Option<&str>, now: &str) -> Seen {
    let now: Timestamp = now.parse().unwrap();
    let view = View { message, sender, recipient: "cust1-dba@sms.example.com", now };
    let rules = RuleSet::default();
    let sight = Sight::new(&view, &rules);
    let (mut captures, mut same) = (Captures::default(), Captures::default());
    let matched = condition.holds(&sight, &mut captures).unwrap();
    let report = condition.report(&sight, &mut same).unwrap();
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
        (Condition::Size { min: Some(1000), max: None }, "size at least 1000 bytes"),
        (Condition::Not(Box::new(text("a"))), "not: text matches `a`"),
        (Condition::Any(vec![text("a"), text("b")]), "any of 2 conditions"),
    ];
    for (condition, words) in cases {
        assert_eq!(condition.describe(), words);
    }
    let fixed = Condition::On { days: vec![Weekday::Monday], time_zone: TimeZone::fixed(jiff::tz::offset(5)) };
    assert_eq!(fixed.describe(), "on Mon +05");
}
