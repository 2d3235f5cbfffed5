//! Who is on call: turns, layers, overrides, calendars, over the real binary and a moved clock.

use crate::support::{DARREN, DAVID, Phone, Ran, SIMON, Test};

const CONTACTS: &str = r#"
[defaults]
time_zone = "Pacific/Auckland"

[contacts]
david  = { name = "David",  phone = "+64211110001", email = "david@example.com" }
darren = { name = "Darren", phone = "+64211110002" }
simon  = { name = "Simon",  phone = "+64211110003" }

[recipients]
"help@example.com" = "g"

[groups.g]
name = "Systems"
members = ["david", "darren", "simon"]
"#;

const ONE_CALL: &str = "\n[policies.page]\nsteps = [{ notify = \"oncall\", by = \"call\", wait = \"5m\" }]\n";

fn with(group: &str) -> Test {
    Test::new().rules(&format!("{CONTACTS}{group}\n"))
}

#[track_caller]
fn json(test: &Test, arguments: &[&str]) -> Vec<serde_json::Value> {
    let all: Vec<&str> = ["oncall"].iter().chain(arguments).chain(&["--json"]).copied().collect();
    test.run(&all, b"").exit(0).json().as_array().unwrap().clone()
}

#[track_caller]
fn at(test: &Test, t: &str) -> String {
    let list = json(test, &["g", "--at", t]);
    list[0]["contact"].as_str().unwrap_or("nobody").to_owned()
}

/// `from until contact` of each shift, without the time zone.
#[track_caller]
fn next(test: &Test, arguments: &[&str]) -> Vec<String> {
    let all: Vec<&str> = ["g", "--next"].iter().chain(arguments).copied().collect();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").trim_end_matches(":00Z").to_owned();
    let rows = json(test, &all);
    rows.iter().map(|row| [&row["from"], &row["until"], &row["contact"]].map(text).join(" ")).collect()
}

fn refused(ran: Ran, words: &str) {
    ran.exit(2).says(words).done();
}

#[test]
fn a_hand_off_keeps_its_local_time_when_the_clocks_change() {
    let test = with(r#"rotation = { every = "1 week", handoff = "Mon 09:00", start = "2026-11-02" }"#);
    // New Zealand goes from +13 to +12 on Sunday 2027-04-04.
    assert_eq!(at(&test, "2027-04-04T20:59:59Z"), "david");
    let list = json(&test, &["g", "--at", "2027-04-01T00:00:00Z"]);
    assert_eq!((&list[0]["contact"], &list[0]["until"]), (&"david".into(), &"2027-04-04T21:00:00Z".into()));
    assert_eq!(list[0]["next"], "darren");
    assert_eq!(list[0]["why"], "rotation");
    assert_eq!(at(&test, "2027-04-05 09:00"), "darren", "local time");
}

#[test]
fn turns_may_be_hours_days_or_several_hand_offs_a_week() {
    let hourly = with(r#"rotation = { every = "6h", handoff = "00:00", start = "2026-11-02" }"#);
    assert_eq!(
        next(&hourly, &["18h", "--at", "2026-11-02 00:00"]),
        [
            "2026-11-01T11:00 2026-11-01T17:00 david",
            "2026-11-01T17:00 2026-11-01T23:00 darren",
            "2026-11-01T23:00 2026-11-02T05:00 simon",
        ]
    );
    let twice = with(
        r#"rotation = { every = "1 week", handoff = ["Mon 09:00", "Thu 17:00"], start = "2026-11-02", order = ["simon", "david"] }"#,
    );
    assert_eq!(
        next(&twice, &["7d", "--at", "2026-11-02 09:00"]),
        ["2026-11-01T20:00 2026-11-05T04:00 simon", "2026-11-05T04:00 2026-11-08T20:00 david",]
    );
    let fortnight = with(r#"rotation = { every = "2 weeks", handoff = "Mon 09:00", start = "2026-11-02" }"#);
    assert_eq!(at(&fortnight, "2026-11-16 08:59"), "david");
    assert_eq!(at(&fortnight, "2026-11-16 09:00"), "darren");
}

const LAYERS: &str = r#"layers = [
  { name = "nights", members = ["david", "darren"], every = "1 week", handoff = "Mon 09:00", start = "2026-11-02" },
  { name = "days",   members = "simon", only = { on = "Mon-Fri", between = "08:00-18:00" } },
]"#;

#[test]
fn layers_are_listed_with_what_says_so() {
    let test = with(LAYERS);
    let table = test.run(&["oncall", "g", "--at", "2026-11-06 12:00", "--next", "4d"], b"").exit(0).out;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["FROM", "UNTIL", "ON", "CALL", "WHY"]);
    assert_eq!(rows[1], ["Fri", "2026-11-06", "08:00", "NZDT", "Fri", "2026-11-06", "18:00", "NZDT", "Simon", "days"]);
    assert_eq!(
        rows[2],
        ["Fri", "2026-11-06", "18:00", "NZDT", "Mon", "2026-11-09", "08:00", "NZDT", "David", "nights"]
    );
    assert_eq!(rows[3][8..], ["Simon", "days"]);
    assert_eq!(rows[4][8..], ["Darren", "nights"]);
}

#[test]
fn an_hour_that_nobody_covers_is_found_by_check_and_calls_everybody() {
    let gap =
        LAYERS.replace("start = \"2026-11-02\" }", "start = \"2026-11-02\", only = { between = \"18:00-06:00\" } }");
    let mut test = Test::new()
        .rules(&format!("{CONTACTS}{gap}{ONE_CALL}"))
        .phone(DAVID, [Phone::NoAnswer])
        .phone(DARREN, [Phone::press(["1"])])
        .phone(SIMON, [Phone::NoAnswer]);
    let said = test.run(&["check"], b"").exit(0).out;
    assert!(
        said.contains("nobody is on call in the group `g` from Tue 2026-11-03 06:00 to Tue 2026-11-03 08:00"),
        "{said}"
    );
    assert!(said.contains("more times in the next eight weeks"), "{said}");
    // It is 15:00 on Monday; at 06:30 on Tuesday nobody is on call.
    test.advance("15h 30m");
    assert_eq!(at(&test, "06:30"), "nobody");
    let now = json(&test, &["g"]);
    assert_eq!(now[0]["called"], serde_json::json!(["david", "darren", "simon"]));
    assert_eq!((&now[0]["until"], &now[0]["next"]), (&"2026-11-02T19:00:00Z".into(), &"simon".into()));
    test.run(&["oncall"], b"").exit(0).says("nobody: all are called").done();
    let mut test = test.serve();
    let mail = test.mail("disk", "full");
    test.deliver_to(&["help@example.com"], &mail).exit(0).done();
    test.wait_for_state("acknowledged");
    let mut called = test.called();
    called.sort();
    assert_eq!(called, [DAVID, DARREN, SIMON]);
    let story = test.story(1);
    assert!(story.contains("nobody is on call in g at this hour: everybody in the group is notified"), "{story}");
}

#[test]
fn who_is_second_is_called_when_the_first_does_not_answer() {
    let group = r#"rotation = { every = "1 week", handoff = "Mon 09:00", start = "2026-11-02" }
secondary = "next"
[policies.page]
steps = [{ notify = "oncall", by = "call", wait = "5m" }, { notify = "secondary", by = "call", wait = "5m" }]"#;
    let mut test = with(group).phone(DAVID, [Phone::NoAnswer]).phone(DARREN, [Phone::press(["1"])]).serve();
    assert_eq!(json(&test, &["g"])[0]["secondary"], "darren");
    test.run(&["oncall"], b"").exit(0).says("SECOND").done();
    let mail = test.mail("disk", "full");
    test.deliver_to(&["help@example.com"], &mail).exit(0).done();
    test.wait_for_state("acknowledged");
    assert_eq!(test.called(), [DAVID, DARREN]);
    // Darren stands in for David: Simon is second.
    test.run(&["oncall", "g", "darren", "--until", "8h"], b"").exit(0).done();
    assert_eq!(json(&test, &["g"])[0]["secondary"], "simon");
}

#[test]
fn groups_follow_the_sun() {
    let test = with(
        r#"layers = [
  { members = "group:apac", only = { between = "08:00-20:00" } },
  { members = "group:emea", only = { between = "20:00-08:00" } },
]
[groups.apac]
members = ["david"]
[groups.emea]
members = ["simon"]"#,
    );
    assert_eq!(at(&test, "2026-11-03 19:59"), "david");
    assert_eq!(at(&test, "2026-11-03 20:00"), "simon");
    test.run(&["oncall", "emea", "darren"], b"").exit(0).done();
    assert_eq!(at(&test, "2026-11-03 20:00"), "darren", "by the override of the other group");
}

#[test]
fn an_override_begins_and_ends_when_it_says_and_can_be_cleared() {
    let mut test = with("oncall = \"david\"");
    test.run(&["oncall", "g", "simon", "--from", "20:00", "--until", "12h"], b"").exit(0).done();
    assert_eq!(
        next(&test, &["2d"]),
        ["- 2026-11-02T07:00 david", "2026-11-02T07:00 2026-11-02T19:00 simon", "2026-11-02T19:00 - david",]
    );
    let rows = json(&test, &["g", "--next", "2d"]);
    assert_eq!((&rows[1]["overridden"], &rows[0]["why"]), (&true.into(), &"fixed".into()));
    assert!(rows[1]["why"].as_str().unwrap().starts_with("override by cli:"), "{rows:?}");
    test.advance("6h");
    assert_eq!(json(&test, &["g"])[0]["contact"], "simon");
    test.run(&["oncall", "g", "darren", "--from", "2026-11-10 08:00", "--until", "2026-11-11 08:00"], b"")
        .exit(0)
        .done();
    test.run(&["oncall", "g", "--clear"], b"").exit(0).says("The rule file says again who is on call for g.").done();
    assert_eq!(next(&test, &["30d"]), ["2026-11-02T08:00 - david"]);
    // What was so remains known.
    assert_eq!(at(&test, "2026-11-02T07:30:00Z"), "simon");
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let test = with("oncall = \"david\"");
    let run = |arguments: &[&str]| test.run(&[&["oncall"], arguments].concat(), b"");
    refused(run(&["g", "simon", "--from", "2026-11-01 09:00"]), "--from lies in the past");
    refused(run(&["g", "simon", "--until", "2026-11-01 09:00"]), "--until lies in the past");
    refused(run(&["g", "simon", "--from", "8h", "--until", "2026-11-02 20:00"]), "--until is not after --from");
    refused(run(&["g", "simon", "--from", "soon"]), "`soon` is no time");
    refused(run(&["g", "--from", "8h"]), "CONTACT");
    refused(run(&["--clear"]), "GROUP");
    refused(run(&["g", "simon", "--clear"]), "cannot be used with");
    refused(run(&["--next", "soon"]), "`soon` is no span of time");
    refused(run(&["--next", "-3d"]), "-3");
    refused(run(&["--next", "3 years"]), "longer than two years");
    run(&["g", "simone"]).exit(1).says("did you mean `simon`?").done();
    run(&["h"]).exit(1).says("there is no group `h`").done();
    assert_eq!(json(&test, &["g"])[0]["contact"], "david");
}

#[test]
fn a_calendar_that_is_written_can_be_read_again() {
    let test = with(LAYERS);
    test.run(&["oncall", "g", "simon", "--from", "2026-11-05 20:00", "--until", "4h"], b"").exit(0).done();
    let written = test.run(&["oncall", "g", "--ics", "--next", "30d"], b"").exit(0).out;
    for line in [
        "BEGIN:VCALENDAR\r\n",
        "VERSION:2.0\r\n",
        "PRODID:-//thialfi//thialfi",
        "DTSTAMP:20261102T020000Z\r\n",
        "SUMMARY:Simon\r\n",
        "DTSTART:20261105T070000Z\r\nDTEND:20261105T110000Z\r\n",
        "UID:g.1793862000.simon@thialfi\r\n",
        "(override by cli:",
    ] {
        assert!(written.contains(line), "no {line:?} in {written}");
    }
    // The same shifts have the same ids the next day.
    let mut later = with(LAYERS);
    later.advance("20h");
    let again = later.run(&["oncall", "g", "--ics", "--next", "30d"], b"").exit(0).out;
    let ids = |text: &str| text.lines().filter(|line| line.starts_with("UID:")).map(str::to_owned).collect::<Vec<_>>();
    assert!(ids(&again).iter().take(20).filter(|id| ids(&written).contains(id)).count() >= 18, "{again}");

    let copy = with("rotation = { ics = \"rota.ics\" }");
    std::fs::write(copy.path("rota.ics"), &written).unwrap();
    for t in [
        "2026-11-02 16:00",
        "2026-11-05 19:59",
        "2026-11-05 20:00",
        "2026-11-06 00:00",
        "2026-11-07 12:00",
        "2026-11-09 18:00",
    ] {
        assert_eq!(at(&copy, t), at(&test, t), "{t}");
    }
    assert_eq!(json(&copy, &["g"])[0]["why"], "calendar");
}

#[test]
fn a_calendar_that_cannot_be_read_at_night_stops_no_alert() {
    let rules = format!("{CONTACTS}rotation = {{ ics = \"rota.ics\" }}{ONE_CALL}");
    let mut test = Test::new().rules(&rules).phone(DAVID, [Phone::press(["1"])]);
    std::fs::write(test.path("rota.ics"), "<html>Please log in</html>").unwrap();
    test.run(&["check"], b"").exit(1).says("it does not begin with `BEGIN:VCALENDAR`").done();
    let mut test = {
        let mail = test.mail("disk", "full");
        let test = test.phone(DARREN, [Phone::NoAnswer]).phone(SIMON, [Phone::NoAnswer]).serve();
        test.deliver_to(&["help@example.com"], &mail).exit(0).done();
        test
    };
    test.wait_for_state("acknowledged");
    let mut called = test.called();
    called.sort();
    assert_eq!(called, [DAVID, DARREN, SIMON]);
    // As soon as it can be read it counts: for the next mail, whoever delivers it.
    let calendar = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:On call - Simon\nDTSTART;TZID=New Zealand Standard Time:20261102T090000\n\
                    DURATION:P1W\nRRULE:FREQ=WEEKLY\nEND:VEVENT\nEND:VCALENDAR\n";
    std::fs::write(test.path("rota.ics"), calendar).unwrap();
    test.run(&["check"], b"").exit(0).done();
    assert_eq!(at(&test, "2031-01-01 12:00"), "simon");
    let mail = test.mail("other", "full");
    test.stop_server();
    test.deliver_to(&["help@example.com"], &mail).exit(75).done();
    assert_eq!(test.called().last().unwrap(), SIMON);
}

#[test]
fn an_engine_reads_a_changed_calendar_and_keeps_the_last_good_one() {
    let steps = "\n[policies.page]\nsteps = [{ notify = \"oncall\", by = \"sms\", attempts = 4, wait = \"5m\" }]\n";
    let rules = format!("{CONTACTS}rotation = {{ ics = \"rota.ics\" }}{steps}");
    let calendar = |name: &str| {
        format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:{name}\nDTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20300101\n\
             END:VEVENT\nEND:VCALENDAR\n"
        )
    };
    let mut test = Test::new().rules(&rules);
    let rota = test.path("rota.ics");
    std::fs::write(&rota, calendar("Simon")).unwrap();
    let mut test = {
        test.start_server();
        test
    };
    let texted = |test: &Test| test.texts().into_iter().map(|text| text.to).collect::<Vec<_>>();
    let mail = test.mail("disk", "full");
    test.deliver_to(&["help@example.com"], &mail).exit(0).done();
    test.wait_until(|test| texted(test) == [SIMON], "not Simon");
    std::fs::write(&rota, calendar("Darren")).unwrap();
    test.wait_for_log("the rule file was read again");
    test.advance("5m 1s");
    test.wait_until(|test| texted(test) == [SIMON, DARREN], "not Darren");
    // Cut off by whatever copies it.
    std::fs::write(&rota, &calendar("David")[..60]).unwrap();
    test.wait_for_log("it is cut off");
    test.advance("5m 1s");
    test.wait_until(|test| texted(test) == [SIMON, DARREN, DARREN], "not by the last good one");
}
