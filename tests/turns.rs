//! Who is called at which hour: mails delivered on both sides of hand-offs, layers, overrides and changes of the clocks.

use crate::support::{DARREN, DAVID, Phone, SIMON, Test};

const NINA: &str = "+64211110009";
const AUCKLAND: &str = "Pacific/Auckland";
const VIENNA: &str = "Europe/Vienna";

const RULES: &str = r#"
[defaults]
time_zone = "Pacific/Auckland"

[contacts]
david  = { name = "David",  phone = "+64211110001" }
darren = { name = "Darren", phone = "+64211110002" }
simon  = { name = "Simon",  phone = "+64211110003" }
nina   = { name = "Nina",   phone = "+64211110009" }

[recipients]
"help@example.com" = "g"

[policies.page]
steps = [{ notify = "oncall", by = "call", wait = "5m" }, { notify = "secondary", by = "call", wait = "5m" }]

[groups.g]
name = "Systems"
members = ["david", "darren", "simon"]
"#;

/// The group by these lines; everybody who is called takes it.
fn with(group: &str) -> Test {
    let one = || [Phone::press(["1"])];
    let test = Test::new().rules(&format!("{RULES}{group}\n")).phone(DAVID, one()).phone(DARREN, one());
    test.phone(SIMON, one()).phone(NINA, one()).serve()
}

fn name(number: &str) -> &str {
    match number {
        DAVID => "david",
        DARREN => "darren",
        SIMON => "simon",
        NINA => "nina",
        other => other,
    }
}

/// Delivers a mail of its own event; the names of those who were called for it.
#[track_caller]
fn called(test: &mut Test) -> Vec<String> {
    let before = test.calls().len();
    let mail = test.mail(&format!("event after {before} calls"), "help");
    test.deliver_to(&["help@example.com"], &mail).exit(0).says("opened alert").done();
    test.wait_for_state("acknowledged");
    test.called().iter().skip(before).map(|number| name(number).to_owned()).collect()
}

/// Who is called at each of these local times.
#[track_caller]
fn plays(group: &str, zone: &str, turns: &[(&str, &str)]) {
    let mut test = with(group);
    for (local, who) in turns {
        test.move_to(local, zone);
        assert_eq!(called(&mut test), [*who], "{local} {zone}, by {group}");
    }
}

#[test]
fn an_hour_each() {
    plays(
        r#"rotation = { every = "1h", handoff = "00:00", start = "2026-11-02" }"#,
        AUCKLAND,
        &[
            ("2026-11-02 15:59:59", "david"),
            ("2026-11-02 16:00:00", "darren"),
            ("2026-11-02 17:00:00", "simon"),
            ("2026-11-02 18:00:00", "david"),
        ],
    );
}

#[test]
fn a_day_each() {
    plays(
        r#"rotation = { every = "1 day", handoff = "09:00", start = "2026-11-02" }"#,
        AUCKLAND,
        &[
            ("2026-11-03 08:59:59", "david"),
            ("2026-11-03 09:00:00", "darren"),
            ("2026-11-04 09:00:00", "simon"),
            ("2026-11-05 09:00:00", "david"),
        ],
    );
}

#[test]
fn a_week_each_in_the_order_of_the_rule_file() {
    plays(
        r#"rotation = { every = "1 week", handoff = "Mon 09:00", start = "2026-11-02", order = ["simon", "david", "darren"] }"#,
        AUCKLAND,
        &[
            ("2026-11-09 08:59:59", "simon"),
            ("2026-11-09 09:00:00", "david"),
            ("2026-11-16 09:00:00", "darren"),
            ("2026-11-23 09:00:00", "simon"),
        ],
    );
}

#[test]
fn three_weeks_each() {
    plays(
        r#"rotation = { every = "3 weeks", handoff = "Mon 09:00", start = "2026-11-02" }"#,
        AUCKLAND,
        &[
            ("2026-11-23 08:59:59", "david"),
            ("2026-11-23 09:00:00", "darren"),
            ("2026-12-14 08:59:59", "darren"),
            ("2026-12-14 09:00:00", "simon"),
            ("2027-01-04 09:00:00", "david"),
        ],
    );
}

#[test]
fn several_hand_offs_a_week() {
    plays(
        r#"rotation = { every = "1 week", handoff = ["Mon 09:00", "Thu 17:00"], start = "2026-11-02" }"#,
        AUCKLAND,
        &[
            ("2026-11-05 16:59:59", "david"),
            ("2026-11-05 17:00:00", "darren"),
            ("2026-11-09 08:59:59", "darren"),
            ("2026-11-09 09:00:00", "simon"),
            ("2026-11-12 17:00:00", "david"),
        ],
    );
}

#[test]
fn on_the_day_the_clocks_change_the_hand_off_is_at_nine_by_the_clock_on_the_wall() {
    // New Zealand: 25 hours long on 4 April 2027, 23 on 26 September 2027, both a Sunday.
    plays(
        r#"rotation = { every = "1 day", handoff = "09:00", start = "2027-04-03" }"#,
        AUCKLAND,
        &[
            ("2027-04-03 09:00:00", "david"),
            ("2027-04-04 08:59:59", "david"),
            ("2027-04-04 09:00:00", "darren"),
            ("2027-04-05 08:59:59", "darren"),
            ("2027-09-26 08:59:59", "darren"),
            ("2027-09-26 09:00:00", "simon"),
            ("2027-09-27 08:59:59", "simon"),
        ],
    );
    // Austria, by the rotation's own time zone: 28 March and 31 October 2027, both a Sunday.
    plays(
        r#"rotation = { every = "1 week", handoff = "Sun 09:00", time_zone = "Europe/Vienna", start = "2027-03-21" }"#,
        VIENNA,
        &[
            ("2027-03-28 08:59:59", "david"),
            ("2027-03-28 09:00:00", "darren"),
            ("2027-10-31 08:59:59", "darren"),
            ("2027-10-31 09:00:00", "simon"),
        ],
    );
}

#[test]
fn weekdays_nights_and_weekends_are_layers() {
    plays(
        r#"layers = [
  { name = "nights",   members = ["david", "darren"], every = "1 week", handoff = "Mon 09:00", start = "2026-11-02" },
  { name = "weekdays", members = "simon", only = { on = "Mon-Fri", between = "08:00-18:00" } },
  { name = "weekends", members = "nina",  only = { on = "Sat,Sun" } },
]"#,
        AUCKLAND,
        &[
            ("2026-11-02 17:59:59", "simon"),
            ("2026-11-02 18:00:00", "david"),
            ("2026-11-03 07:59:59", "david"),
            ("2026-11-03 08:00:00", "simon"),
            ("2026-11-06 23:59:59", "david"),
            ("2026-11-07 00:00:00", "nina"),
            ("2026-11-08 23:59:59", "nina"),
            ("2026-11-09 00:00:00", "david"),
            ("2026-11-09 18:00:00", "darren"),
        ],
    );
}

#[test]
fn an_override_counts_from_its_start_to_its_end() {
    let mut test = with("oncall = \"david\"");
    // It is Monday at 15:00.
    test.run(&["oncall", "g", "nina", "--from", "2026-11-03 18:00", "--until", "2026-11-04 09:00"], b"")
        .exit(0)
        .says("Nina is on call for g from Tue 2026-11-03 18:00 NZDT until Wed 2026-11-04 09:00 NZDT.")
        .done();
    for (local, who) in [
        ("2026-11-02 15:00:00", "david"),
        ("2026-11-03 17:59:59", "david"),
        ("2026-11-03 18:00:00", "nina"),
        ("2026-11-04 08:59:59", "nina"),
        ("2026-11-04 09:00:00", "david"),
    ] {
        test.move_to(local, AUCKLAND);
        assert_eq!(called(&mut test), [who], "{local}");
    }
}

#[test]
fn who_is_second_may_be_the_one_after_the_next_or_take_turns_of_their_own() {
    let rotation = r#"rotation = { every = "1 week", handoff = "Mon 09:00", start = "2026-11-02" }"#;
    for (second, turns) in [
        ("{ offset = 2 }", [("david", "simon"), ("darren", "david")]),
        (
            r#"{ every = "1 week", handoff = "Wed 09:00", start = "2026-11-04", order = ["nina", "simon"] }"#,
            [("david", "simon"), ("darren", "nina")],
        ),
    ] {
        let mut test = with(&format!("{rotation}\nsecondary = {second}"));
        test = test.phone(DAVID, [Phone::NoAnswer]).phone(DARREN, [Phone::NoAnswer]);
        for (local, (first, then)) in ["2026-11-02 15:00", "2026-11-09 15:00"].iter().zip(turns) {
            test.move_to(local, AUCKLAND);
            let list = test.run(&["oncall", "g", "--json"], b"").exit(0).json();
            assert_eq!((&list[0]["contact"], &list[0]["secondary"]), (&first.into(), &then.into()), "{second} {local}");
            // David lets it ring wherever he stands in the list.
            test = test.phone(DAVID, [if then == "david" { Phone::press(["1"]) } else { Phone::NoAnswer }]);
            assert_eq!(called(&mut test), [first, then], "{second} at {local}");
        }
    }
}

#[test]
fn the_group_where_it_is_day_is_called() {
    let group = r#"layers = [
  { members = "group:apac", only = { between = "08:00-20:00 Pacific/Auckland" } },
  { members = "group:emea", only = { between = "20:00-08:00 Pacific/Auckland" } },
]
[groups.apac]
members = ["david", "darren"]
rotation = { every = "1 week", handoff = "Mon 08:00", start = "2026-11-02" }
[groups.emea]
members = ["simon", "nina"]
rotation = { every = "1 day", handoff = "09:00", time_zone = "Europe/Vienna", start = "2026-11-02" }"#;
    plays(
        group,
        AUCKLAND,
        &[
            ("2026-11-02 19:59:59", "david"),
            // 08:00 in Vienna; an hour later Simon's day begins there.
            ("2026-11-02 20:00:00", "nina"),
            ("2026-11-02 21:00:00", "simon"),
            ("2026-11-03 07:59:59", "simon"),
            ("2026-11-03 08:00:00", "david"),
            ("2026-11-03 21:00:00", "nina"),
            ("2026-11-09 08:00:00", "darren"),
        ],
    );
}

#[test]
fn two_weeks_are_a_table_in_the_time_of_the_day() {
    let test = Test::new().rules(&format!(
        "{RULES}rotation = {{ every = \"1 week\", handoff = \"Mon 09:00\", start = \"2026-11-02\" }}\n"
    ));
    let table = test.run(&["oncall", "g", "--at", "2027-03-30 12:00", "--next", "14d"], b"").exit(0).out;
    let rows: Vec<String> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        rows,
        [
            "FROM UNTIL ON CALL WHY",
            "Mon 2027-03-29 09:00 NZDT Mon 2027-04-05 09:00 NZST David rotation",
            "Mon 2027-04-05 09:00 NZST Mon 2027-04-12 09:00 NZST Darren rotation",
            "Mon 2027-04-12 09:00 NZST Mon 2027-04-19 09:00 NZST Simon rotation",
        ]
    );
}

/// Two months in which the clocks change, in zones of all kinds: the shifts follow each other without gap or overlap,
/// and `--at` says the same on both sides of each hand-off.
#[test]
fn every_instant_has_one_answer_where_the_clocks_change() {
    for zone in [
        AUCKLAND,
        VIENNA,
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Asia/Kathmandu",
        "America/Sao_Paulo",
        "UTC",
    ] {
        // 02:30 is skipped, or comes twice, where the clocks change at two or three.
        let group = r#"layers = [
  { every = "1 day", handoff = "02:30", start = "2026-11-02" },
  { members = "nina", only = { on = "Sun", between = "01:30-03:30" } },
]"#;
        let rules = format!("{RULES}{group}\n").replace("\"Pacific/Auckland\"", &format!("\"{zone}\""));
        let test = Test::new().rules(&rules);
        let shifts =
            test.run(&["oncall", "g", "--at", "2027-03-05T00:00:00Z", "--next", "60d", "--json"], b"").exit(0).json();
        let shifts = shifts.as_array().unwrap();
        assert!(shifts.len() > 60, "{zone}: {shifts:?}");
        let at = |t: jiff::Timestamp| {
            let list = test.run(&["oncall", "g", "--at", &t.to_string(), "--json"], b"").exit(0).json();
            list[0]["contact"].clone()
        };
        for pair in shifts.windows(2) {
            assert_eq!(pair[0]["until"], pair[1]["from"], "{zone}");
            assert_ne!(pair[0]["contact"], pair[1]["contact"], "{zone}");
            assert!(pair[0]["contact"].is_string(), "{zone}: nobody: {}", pair[0]);
        }
        // On the weekends at which they change somewhere: each question is a process.
        let changes = |shift: &&serde_json::Value| {
            let from = shift["from"].as_str().unwrap();
            ["2027-03-13", "2027-03-14", "2027-03-27", "2027-03-28", "2027-04-03", "2027-04-04"]
                .chunks(2)
                .any(|span| (span[0]..=span[1]).contains(&&from[..10]))
        };
        for (before, shift) in shifts.iter().zip(&shifts[1..]).filter(|(_, shift)| changes(shift)) {
            let edge: jiff::Timestamp = shift["from"].as_str().unwrap().parse().unwrap();
            let second = jiff::SignedDuration::from_secs(1);
            assert_eq!(at(edge - second), before["contact"], "{zone}, before {edge}");
            assert_eq!(at(edge), shift["contact"], "{zone}, at {edge}");
        }
    }
}
