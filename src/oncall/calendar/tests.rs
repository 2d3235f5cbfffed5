//! What calendars of other programs mean, and what ours look like to them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::oncall::Contact;

fn contacts() -> BTreeMap<ContactId, Contact> {
    let contact = |id: &str, name: &str, email: &str| {
        let (id, name, email) = (ContactId::new(id), name.to_owned(), Some(email.parse().unwrap()));
        (id.clone(), Contact { id, name, phone: None, sms: None, email, language: None, voice: None })
    };
    BTreeMap::from([
        contact("david", "David Jones", "david@example.com"),
        contact("ann", "Ann", "ann@example.com"),
        contact("annlee", "Ann Lee", "lee@example.com"),
    ])
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// A calendar of these lines within one event each.
fn file(events: &[&str]) -> String {
    let events: String = events
        .iter()
        .map(|event| format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n", event.replace('\n', "\r\n")))
        .collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{events}END:VCALENDAR\r\n")
}

fn reading(text: &str) -> Reading {
    read(text, &berlin(), &contacts()).unwrap()
}

#[track_caller]
fn calendar(events: &[&str]) -> Calendar {
    let reading = reading(&file(events));
    assert_eq!(reading.faults, [] as [&str; 0]);
    reading.calendar
}

fn fault(event: &str) -> String {
    reading(&file(&[event])).faults.join("; ")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[track_caller]
fn expect(calendar: &Calendar, expected: &[(&str, Option<&str>)]) {
    for (t, who) in expected {
        let found = calendar.at(at(t));
        assert_eq!(found.what.map(ContactId::as_str), *who, "{t}");
        assert!(found.since <= at(t) && at(t) < found.until);
    }
}

#[test]
fn events_name_people_in_many_ways() {
    let when = "DTSTART:20261102T080000Z\nDTEND:20261102T090000Z";
    let who = |lines: &str| {
        let found = calendar(&[&format!("{lines}\n{when}")]);
        found.at(at("2026-11-02T08:30:00Z")).what.unwrap().to_string()
    };
    assert_eq!(who("SUMMARY:david"), "david");
    assert_eq!(who("SUMMARY: DAVID JONES "), "david");
    assert_eq!(who("SUMMARY:David@example.com"), "david");
    assert_eq!(who("SUMMARY:On call\\, week 45: David Jones (DBA)"), "david");
    assert_eq!(who("SUMMARY:Ann Lee on call"), "annlee");
    assert_eq!(who("SUMMARY:On call: Ann"), "ann");
    assert_eq!(who("SUMMARY:On call\nATTENDEE;CN=x:MAILTO:lee@example.com"), "annlee");
    assert_eq!(who("SUMMARY:On call\nATTENDEE;CN=\"Ann Lee\":mailto:private@example.org"), "annlee");
    assert_eq!(who("SUMMARY:Ann\nATTENDEE:mailto:david@example.com"), "ann");
    assert_eq!(who("SUMMARY:On\n  call: Da\n vid Jones"), "david", "folded lines");
    let nobody = fault(&format!("SUMMARY:Christmas party\n{when}"));
    assert_eq!(nobody, "the event `Christmas party` of 2026-11-02 names nobody whom the rule file knows");
    assert!(fault(&format!("SUMMARY:Ann or david\n{when}")).contains("names both `ann` and `david`"));
    assert!(fault(&format!("SUMMARY:Annabel\n{when}")).contains("names nobody"), "part of a word");
}

#[test]
fn times_have_zones_also_those_of_outlook_and_days_are_local() {
    let expected: &[(&str, Option<&str>)] = &[
        ("2026-11-02T07:59:59Z", None),
        ("2026-11-02T08:00:00Z", Some("david")),
        ("2026-11-09T07:59:59Z", Some("david")),
        ("2026-11-09T08:00:00Z", None),
    ];
    for lines in [
        "DTSTART;TZID=Europe/Berlin:20261102T090000\nDTEND;TZID=Europe/Berlin:20261109T090000",
        "DTSTART;TZID=\"W. Europe Standard Time\":20261102T090000\nDTEND;TZID=\"W. Europe Standard Time\":20261109T090000",
        "DTSTART;TZID=America/New_York:20261102T030000\nDTEND:20261109T080000Z",
        "DTSTART:20261102T090000\nDTEND:20261109T090000",
        "DTSTART:20261102T090000\nDURATION:P1W",
        "DTSTART:20261102T090000\nDURATION:P6DT24H",
    ] {
        expect(&calendar(&[&format!("SUMMARY:david\n{lines}")]), expected);
    }
    let day: &[(&str, Option<&str>)] = &[
        ("2026-11-01T22:59:59Z", None),
        ("2026-11-01T23:00:00Z", Some("ann")),
        ("2026-11-02T22:59:59Z", Some("ann")),
        ("2026-11-02T23:00:00Z", None),
    ];
    expect(&calendar(&["SUMMARY:Ann\nDTSTART;VALUE=DATE:20261102"]), day);
    expect(&calendar(&["SUMMARY:Ann\nDTSTART;VALUE=DATE:20261102\nDTEND;VALUE=DATE:20261103"]), day);
    assert!(fault("SUMMARY:Ann\nDTSTART;TZID=Mars/Base:20261102T090000\nDURATION:PT1H").contains("`Mars/Base`"));
}

#[test]
fn of_two_events_that_meet_the_one_that_began_later_counts() {
    let both = calendar(&[
        "SUMMARY:david\nDTSTART:20261102T000000Z\nDTEND:20261109T000000Z",
        "SUMMARY:ann\nDTSTART:20261104T120000Z\nDTEND:20261104T180000Z",
        "SUMMARY:annlee\nDTSTART:20261104T120000Z\nDTEND:20261104T150000Z",
    ]);
    expect(
        &both,
        &[
            ("2026-11-04T11:59:59Z", Some("david")),
            ("2026-11-04T12:00:00Z", Some("annlee")),
            ("2026-11-04T15:00:00Z", Some("ann")),
            ("2026-11-04T18:00:00Z", Some("david")),
            ("2026-11-09T00:00:00Z", None),
        ],
    );
}

#[test]
fn a_weekly_event_keeps_its_local_hours_when_the_clocks_change() {
    // Berlin goes back to +01 on 2026-10-25.
    let weekly = calendar(&[
        "SUMMARY:david\nDTSTART;TZID=Europe/Berlin:20261012T090000\nDTEND;TZID=Europe/Berlin:20261019T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2",
        "SUMMARY:ann\nDTSTART;TZID=Europe/Berlin:20261019T090000\nDTEND;TZID=Europe/Berlin:20261026T090000\nRRULE:FREQ=WEEKLY;INTERVAL=2",
    ]);
    expect(
        &weekly,
        &[
            ("2026-10-12T06:59:59Z", None),
            ("2026-10-12T07:00:00Z", Some("david")),
            ("2026-10-19T06:59:59Z", Some("david")),
            ("2026-10-19T07:00:00Z", Some("ann")),
            ("2026-10-26T07:59:59Z", Some("ann")),
            ("2026-10-26T08:00:00Z", Some("david")),
            ("2036-10-26T12:00:00Z", Some("ann")),
        ],
    );
}

#[test]
fn rules_have_days_counts_ends_and_exceptions() {
    let daily = "SUMMARY:david\nDTSTART:20261102T080000\nDURATION:PT10H";
    let holds = |rule: &str, days: &[(&str, bool)]| {
        let found = calendar(&[&format!("{daily}\n{rule}")]);
        for (day, expected) in days {
            let noon = at(&format!("{day}T12:00:00+01"));
            assert_eq!(found.at(noon).what.is_some(), *expected, "{rule}: {day}");
        }
    };
    holds("RRULE:FREQ=DAILY", &[("2026-11-01", false), ("2026-11-02", true), ("2031-05-05", true)]);
    holds("RRULE:FREQ=DAILY;INTERVAL=3", &[("2026-11-04", false), ("2026-11-05", true)]);
    holds("RRULE:FREQ=DAILY;COUNT=3", &[("2026-11-04", true), ("2026-11-05", false)]);
    holds("RRULE:FREQ=DAILY;UNTIL=20261104", &[("2026-11-04", true), ("2026-11-05", false)]);
    holds("RRULE:FREQ=DAILY;UNTIL=20261104T070000Z", &[("2026-11-04", true), ("2026-11-05", false)]);
    holds("RRULE:FREQ=DAILY;UNTIL=20261104T065959Z", &[("2026-11-03", true), ("2026-11-04", false)]);
    holds(
        "RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
        &[("2026-11-06", true), ("2026-11-07", false), ("2026-11-09", true)],
    );
    holds(
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3",
        &[("2026-11-02", true), ("2026-11-04", true), ("2026-11-09", true), ("2026-11-11", false)],
    );
    // The first takes place although a Monday is none of the days, and counts.
    holds("RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=2", &[("2026-11-02", true), ("2026-11-03", true), ("2026-11-10", false)]);
    // RFC 5545: with weeks from Sunday, Sunday the 8th is in the week that is left out.
    holds("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU", &[("2026-11-08", false), ("2026-11-15", true)]);
    holds("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=MO", &[("2026-11-08", true), ("2026-11-15", false)]);
    holds(
        "RRULE:FREQ=DAILY;COUNT=4\nEXDATE:20261103T080000,20261104T080000",
        &[
            ("2026-11-02", true),
            ("2026-11-03", false),
            ("2026-11-04", false),
            ("2026-11-05", true),
            ("2026-11-06", false),
        ],
    );
    holds("RRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:20261103", &[("2026-11-03", false), ("2026-11-04", true)]);
    holds("RDATE:20261110T080000", &[("2026-11-02", true), ("2026-11-03", false), ("2026-11-10", true)]);
    for rule in ["FREQ=MONTHLY", "FREQ=WEEKLY;BYMONTH=1", "FREQ=WEEKLY;BYDAY=1MO", "FREQ=DAILY;INTERVAL=2;BYDAY=MO"] {
        assert!(fault(&format!("{daily}\nRRULE:{rule}")).contains("not followed"), "{rule}");
    }
}

#[test]
fn an_occurrence_that_was_moved_or_called_off_leaves_its_place() {
    let moved = calendar(&[
        "UID:1\nSUMMARY:david\nDTSTART:20261102T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY",
        "UID:1\nRECURRENCE-ID:20261103T080000Z\nSUMMARY:ann\nDTSTART:20261103T100000Z\nDURATION:PT1H",
        "UID:1\nRECURRENCE-ID:20261104T080000Z\nSTATUS:CANCELLED\nSUMMARY:david\nDTSTART:20261104T080000Z\nDURATION:PT1H",
    ]);
    expect(
        &moved,
        &[
            ("2026-11-02T08:30:00Z", Some("david")),
            ("2026-11-03T08:30:00Z", None),
            ("2026-11-03T10:30:00Z", Some("ann")),
            ("2026-11-04T08:30:00Z", None),
            ("2026-11-05T08:30:00Z", Some("david")),
        ],
    );
    assert!(fault("UID:1\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261103T080000Z\nSUMMARY:ann\nDTSTART:20261103T100000Z\nDURATION:PT1H").contains("RANGE"));
}

#[test]
fn what_is_no_whole_calendar_is_refused() {
    let good = file(&["SUMMARY:david\nDTSTART:20261102T080000Z\nDURATION:PT1H"]);
    assert!(read(&format!("\u{feff}{good}\r\n\r\n"), &berlin(), &contacts()).is_ok());
    assert!(
        read(&good.replace("\r\n", "\n").replace("BEGIN:VCALENDAR", "begin:vcalendar"), &berlin(), &contacts()).is_ok()
    );
    for text in ["", "<html>Please log in</html>", &good[..good.len() - 20], &"x".repeat(LONGEST + 1)] {
        assert!(read(text, &berlin(), &contacts()).is_err(), "{text:.40}");
    }
    for event in [
        "SUMMARY:david",
        "SUMMARY:david\nDTSTART:soon\nDURATION:PT1H",
        "SUMMARY:david\nDTSTART:20261102T080000Z",
        "SUMMARY:david\nDTSTART:20261102T080000Z\nDTEND:20261102T080000Z",
        "SUMMARY:david\nDTSTART:20261302T080000Z\nDURATION:PT1H",
        "SUMMARY:david\nDTSTART:20261102T080000Z\nDURATION:-PT1H",
        "SUMMARY:david\nDTSTART:20261102T080000Z\nDURATION:PT1H\nRRULE:FREQ=SOMETIMES",
    ] {
        assert!(fault(event).starts_with("the event `david`"), "{event}: {}", fault(event));
    }
}

#[test]
fn what_takes_long_elsewhere_takes_no_time_here() {
    let begun = std::time::Instant::now();
    let event = "SUMMARY:david\r\nDTSTART:19700101T080000Z\r\nDURATION:PT1H\r\n";
    let all = |line: &str, n: usize| {
        format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{event}{}END:VEVENT\r\nEND:VCALENDAR\r\n", line.repeat(n))
    };
    for text in [
        all("BEGIN:X\r\n", 80_000),
        all("X-A:b\r\n ", 80_000),
        format!("BEGIN:VCALENDAR\r\nX{}:1\r\nEND:VCALENDAR\r\n", ";a=\"".repeat(200_000)),
        all("EXDATE:19700101T080000Z\r\n", 30_000),
        all("RRULE:FREQ=DAILY;COUNT=4294967295\r\n", 1),
        file(&vec!["SUMMARY:david\nDTSTART:19700101T080000Z\nDURATION:P100Y\nRRULE:FREQ=DAILY"; 9_000]),
        file(&vec!["SUMMARY:david\nDTSTART:19700101T080000Z\nDURATION:PT1H"; 9_000]),
    ] {
        if let Ok(reading) = read(&text, &berlin(), &contacts()) {
            for t in [Timestamp::MIN, at("2026-11-02T08:30:00Z"), Timestamp::MAX] {
                reading.calendar.at(t);
            }
        }
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

proptest! {
    #[test]
    fn reading_never_fails_badly(
        pieces in proptest::collection::vec((0_usize..24, "[ -~]{0,12}"), 0..40),
        second in -10_000_000_000_i64..10_000_000_000,
    ) {
        const PIECES: [&str; 24] = [
            "BEGIN:VEVENT\r\n", "END:VEVENT\r\n", "SUMMARY:david\r\n", "DTSTART:", "DTEND;TZID=", "20261102T090000",
            "20261102", "Z\r\n", "\r\n", "RRULE:FREQ=WEEKLY;", "INTERVAL=", "BYDAY=MO,-1SU", "COUNT=", "UNTIL=", "EXDATE:",
            "DURATION:P", "99999999D", "BEGIN:VTIMEZONE\r\n", "TZID:x\r\n", "RECURRENCE-ID:", "\r\n ", "\u{e9}", "UID:1\r\n", "00000000T240060",
        ];
        let body: String = pieces.iter().map(|(piece, text)| format!("{}{text}", PIECES[*piece])).collect();
        let text = format!("BEGIN:VCALENDAR\r\n{body}\r\nEND:VCALENDAR\r\n");
        if let Ok(reading) = read(&text, &berlin(), &contacts()) {
            let t = Timestamp::from_second(second).unwrap();
            let found = reading.calendar.at(t);
            prop_assert!(found.since <= t && t < found.until);
        }
    }

    #[test]
    fn an_occurrence_is_found_as_if_all_were_counted(
        interval in 1_u32..5,
        days in proptest::collection::btree_set(0_i8..7, 0..7),
        week_start in 0_i8..7,
        count in proptest::option::of(1_u32..40),
        first in 0_i64..21,
        hours in 1_i64..200,
        except in proptest::collection::vec(0_usize..30, 0..5),
        offset in -100_i64..5000,
    ) {
        const NAMES: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
        let start = jiff::civil::date(2026, 3, 2).checked_add(jiff::Span::new().days(first)).unwrap();
        // Counted day by day, as RFC 5545 describes it.
        let begins = |day: jiff::civil::Date| {
            let name = day.weekday().to_monday_zero_offset();
            let into_week = |day: jiff::civil::Date| (i64::from(day.weekday().to_monday_zero_offset()) - i64::from(week_start)).rem_euclid(7);
            let days_between = day.duration_since(start).as_hours() / 24;
            let weeks = (days_between + into_week(start)).div_euclid(7);
            let on = if days.is_empty() { day.weekday() == start.weekday() } else { days.contains(&name) };
            day == start || (on && weeks % i64::from(interval) == 0)
        };
        let all: Vec<_> = (0..400)
            .map(|ahead| start.checked_add(jiff::Span::new().days(ahead)).unwrap())
            .filter(|day| begins(*day))
            .take(count.unwrap_or(u32::MAX) as usize)
            .collect();
        let gone: Vec<_> = except.iter().filter_map(|index| all.get(*index)).collect();
        let takes: Vec<_> = all.iter().filter(|day| !gone.contains(day)).collect();
        let name = |day: i8| NAMES[usize::try_from(day).unwrap()];
        let byday: Vec<_> = days.iter().map(|day| name(*day)).collect();
        let mut rule = format!("RRULE:FREQ=WEEKLY;INTERVAL={interval};WKST={}", name(week_start));
        if !byday.is_empty() {
            rule += &format!(";BYDAY={}", byday.join(","));
        }
        if let Some(count) = count {
            rule += &format!(";COUNT={count}");
        }
        for day in &gone {
            rule += &format!("\nEXDATE;TZID=Europe/Berlin:{}T090000", day.strftime("%Y%m%d"));
        }
        let event = format!(
            "SUMMARY:david\nDTSTART;TZID=Europe/Berlin:{}T090000\nDURATION:PT{hours}H\n{rule}",
            start.strftime("%Y%m%d")
        );
        let found = calendar(&[&event]);
        let t = start.to_datetime(jiff::civil::time(9, 0, 0, 0)).to_zoned(berlin()).unwrap().timestamp() + SignedDuration::from_hours(offset);
        let expected = takes.iter().any(|day| {
            let from = day.to_datetime(jiff::civil::time(9, 0, 0, 0)).to_zoned(berlin()).unwrap().timestamp();
            from <= t && t < from + SignedDuration::from_hours(hours)
        });
        prop_assert_eq!(found.at(t).what.is_some(), expected, "{} at {}", event, t);
    }
}
