//! Rotations, layers, calendars, and who is second.

use super::*;
use crate::oncall::{Rotation, Turns};

/// The one rotation of a group.
pub fn rotation(on_call: &OnCall) -> &Rotation {
    let OnCall::Schedule(schedule) = on_call else { panic!("{on_call:?}") };
    let Turns::Rotation(_, rotation) = &schedule.layers[0].turns else { panic!("{on_call:?}") };
    rotation
}

const CALENDAR: &str = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nSUMMARY:On call: Darren\n\
                        DTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20400101\nEND:VEVENT\nEND:VCALENDAR\n";

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn group(text: &str) -> Files {
    Files::of(&format!(
        "[defaults]\ntime_zone = \"UTC\"\n[contacts]\na = {{}}\nb = {{}}\nc = {{}}\n[groups.g]\nmembers = [\"a\", \"b\", \"c\"]\n{text}\n"
    ))
}

/// Who is on call at these moments.
#[track_caller]
fn expect(config: &Config, expected: &[(&str, &[&str])]) {
    for (t, who) in expected {
        let called = config.roster.called(&GroupId::new("g"), at(t));
        assert_eq!(called.iter().map(ContactId::as_str).collect::<Vec<_>>(), *who, "{t}");
    }
}

#[test]
fn a_rotation_has_an_order_and_several_hand_offs_a_week() {
    let rotation = "rotation = { every = \"1 week\", handoff = [\"Mon 09:00\", \"Thu 17:00\"], start = 2026-11-02, \
                    order = [\"c\", \"a\", \"c\", \"b\"] }";
    expect(
        &group(rotation).load().unwrap(),
        &[
            ("2026-11-02T09:00:00Z", &["c"]),
            ("2026-11-05T16:59:59Z", &["c"]),
            ("2026-11-05T17:00:00Z", &["a"]),
            ("2026-11-09T09:00:00Z", &["c"]),
            ("2026-11-12T17:00:00Z", &["b"]),
            ("2026-11-16T09:00:00Z", &["c"]),
        ],
    );
    let shifts = "rotation = { every = \"1 day\", handoff = [\"08:00\", \"20:00\"], start = 2026-11-02, time_zone = \"Europe/Berlin\" }";
    expect(
        &group(shifts).load().unwrap(),
        &[("2026-11-02T07:00:00Z", &["a"]), ("2026-11-02T19:00:00Z", &["b"]), ("2026-11-03T07:00:00Z", &["c"])],
    );
}

#[test]
fn hand_offs_must_go_with_the_turns() {
    let error = |turns: &str| only_error(&group(&format!("rotation = {{ {turns}, start = 2026-11-02 }}"))).0;
    for (turns, message) in [
        (
            "every = \"12h\", handoff = [\"08:00\", \"20:00\"]",
            "turns in hours have one hand-off, from which they count",
        ),
        ("every = \"1 week\", handoff = [\"08:00\", \"20:00\"]", "several hand-offs in a week each need their day"),
        ("every = \"2 weeks\", handoff = [\"Mon 08:00\", \"Thu 20:00\"]", "a turn lasts from one to the next"),
        ("every = \"1 day\", handoff = [\"Mon 08:00\"]", "a hand-off on a day of the week needs turns of whole weeks"),
        ("every = \"1 week\", handoff = [\"Mon 08:00\", \"Mon 8:00\"]", "this hand-off is listed twice"),
        ("every = \"1 week\", handoff = []", "there must be from 1 to 50 hand-offs"),
        ("every = \"1 week\", order = []", "there is nobody in this list"),
        ("every = \"1 week\", order = [\"d\"]", "there is no contact `d`"),
        ("every = \"1 week\", order = [\"group:h\"]", "there is no group `h`"),
        ("every = \"1 week\", order = [\"a\"], members = [\"a\"]", "there are both `order` and `members`"),
    ] {
        assert!(error(turns).contains(message), "{turns}: {}", error(turns));
    }
}

#[test]
fn layers_have_hours_and_leave_gaps_of_which_check_warns() {
    let layers = r#"layers = [
  { members = ["a", "b"], every = "1 week", handoff = "Mon 09:00", start = "2026-11-02", only = { on = "Mon-Fri", between = "18:00-08:00" } },
  { name = "weekend", members = "c", only = { on = "Sat,Sun" } },
  { name = "day", members = "b", only = [{ on = "Mon-Thu", between = "08:00-18:00" }, { on = "Fri", between = "08:00-16:00" }] },
]"#;
    let files = group(layers);
    expect(
        &files.load().unwrap(),
        &[
            ("2026-11-03T07:00:00Z", &["a"]),
            ("2026-11-03T08:00:00Z", &["b"]),
            // On Friday between four and six nobody.
            ("2026-11-06T17:00:00Z", &["a", "b", "c"]),
            ("2026-11-06T18:00:00Z", &["a"]),
            ("2026-11-07T00:00:00Z", &["c"]),
            ("2026-11-08T23:59:59Z", &["c"]),
            ("2026-11-09T00:00:00Z", &["a", "b", "c"]),
        ],
    );
    let warnings = files.warnings();
    let gap = warnings.iter().find(|line| line.contains("nobody is on call")).unwrap();
    assert!(gap.contains("rules.toml:7:") && gap.contains("more times in the next eight weeks"), "{gap}");
    // A layer below for all that is left.
    let whole = group(&layers.replace("layers = [", "layers = [\n  { members = \"c\" },"));
    assert!(!whole.warnings().iter().any(|line| line.contains("nobody is on call")), "{:?}", whole.warnings());
}

#[test]
fn a_layer_that_says_too_little_or_too_much_is_refused() {
    let error = |layer: &str| only_error(&group(&format!("layers = [{layer}]"))).0;
    for (layer, message) in [
        ("", "there must be from 1 to 50 layers"),
        ("{ members = [\"a\", \"b\"], start = 2026-11-02 }", "`every` is missing"),
        ("{ members = \"a\", only = {} }", "neither on which days nor at which hours"),
        ("{ members = \"a\", only = [] }", "this layer would never count"),
        ("{ members = \"a\", only = { on = \"Mon\", hours = \"1\" } }", "there is no key `hours` here"),
        ("{ members = \"a\", only = { between = \"8-9\" } }", "`8` is not a time of day"),
        ("{ ics = \"x.ics\", members = \"a\" }", "`members` has no meaning beside `ics`"),
    ] {
        assert!(error(layer).contains(message), "{layer}: {}", error(layer));
    }
    let both = only_error(&group("oncall = \"a\"\nlayers = [{ members = \"b\" }]")).0;
    assert!(both.contains("has both `oncall` and `layers`"), "{both}");
}

#[test]
fn groups_are_on_call_for_groups_but_not_in_a_circle() {
    let sun = r#"[groups.world]
layers = [
  { members = "group:g", only = { between = "00:00-12:00" } },
  { members = ["group:h"], only = { between = "12:00-24:00" } },
]
[groups.h]
members = ["c"]"#;
    let config = group(sun).load().unwrap();
    let world = |t| config.roster.on_call(&GroupId::new("world"), at(t)).unwrap().as_str().to_owned();
    assert_eq!((world("2026-11-02T11:59:59Z"), world("2026-11-02T12:00:00Z")), ("a".to_owned(), "c".to_owned()));
    let circle = group(&sun.replace("members = [\"c\"]", "layers = [{ members = \"group:world\" }]"));
    let errors = circle.errors();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().all(|line| line.contains("is on call for itself")), "{errors:?}");
}

#[test]
fn somebody_may_be_second() {
    let weekly = "{ every = \"1 week\", start = 2026-11-02 }";
    let second = |text: &str, t: &str| {
        let config = group(text).load().unwrap();
        config.roster.secondary(&GroupId::new("g"), at(t)).map(|id| id.as_str().to_owned())
    };
    let t = "2026-11-03T00:00:00Z";
    assert_eq!(second(&format!("rotation = {weekly}\nsecondary = \"next\""), t).as_deref(), Some("b"));
    assert_eq!(second(&format!("rotation = {weekly}\nsecondary = {{ offset = 2 }}"), t).as_deref(), Some("c"));
    let own = "{ every = \"1 day\", start = 2026-11-02, order = [\"c\", \"b\"] }";
    assert_eq!(
        second(&format!("rotation = {weekly}\nsecondary = {own}"), "2026-11-03T10:00:00Z").as_deref(),
        Some("b")
    );
    assert_eq!(second("secondary = [{ members = \"c\" }]", t).as_deref(), Some("c"), "beside a fixed contact");
    let error = only_error(&group("secondary = \"c\"")).0;
    assert!(error.contains("this does not say who is second"), "{error}");

    let step = "[policies.page]\nsteps = [{ notify = \"secondary\" }]\n[defaults2]";
    let config = group(&step.replace("\n[defaults2]", "")).load().unwrap();
    assert_eq!(config.policies["page"].steps[0].notify, Target::Secondary);
}

#[test]
fn a_calendar_says_who_is_on_call() {
    let files = Files::of(
        "[contacts]\ndavid = {}\nd2 = { name = \"Darren\" }\n[groups.g]\nmembers = [\"david\", \"d2\"]\nrotation = { ics = \"rota.ics\" }\n",
    )
    .with("rota.ics", CALENDAR);
    let config = files.load().unwrap();
    expect(&config, &[("2026-11-03T00:00:00Z", &["d2"]), ("2041-01-01T00:00:00Z", &["david", "d2"])]);
    assert_eq!(config.calendars.len(), 1);
    assert_eq!(config.calendars[0].path, files.path("rota.ics"));
    assert!(!files.warnings().iter().any(|line| line.contains("calendar")));
}

#[test]
fn a_calendar_that_cannot_be_read_stops_nothing_and_the_last_good_one_counts() {
    let files = Files::of(
        "[contacts]\ndavid = {}\nd2 = { name = \"Darren\" }\n[groups.g]\nmembers = [\"david\", \"d2\"]\nrotation = { ics = \"rota.ics\" }\n",
    );
    let config = files.load().unwrap();
    expect(&config, &[("2026-11-03T00:00:00Z", &["david", "d2"])]);
    assert!(config.warnings[0].message.contains("there is no such file"), "{:?}", config.warnings);
    assert!(files.errors()[0].contains("cannot be read"), "{:?}", files.errors());

    let files = files.with("rota.ics", CALENDAR);
    let good = files.load().unwrap();
    let files = files.with("rota.ics", &CALENDAR[..CALENDAR.len() - 5]);
    let mut later = files.load().unwrap();
    assert!(later.warnings[0].message.contains("it is cut off"), "{:?}", later.warnings);
    later.keep_calendars_of(&good);
    expect(&later, &[("2026-11-03T00:00:00Z", &["d2"])]);
    // And again, an hour later.
    let mut again = files.load().unwrap();
    again.keep_calendars_of(&later);
    expect(&again, &[("2026-11-03T00:00:00Z", &["d2"])]);
    std::fs::remove_file(files.path("rota.ics")).unwrap();
    std::fs::create_dir(files.path("rota.ics")).unwrap();
    assert!(files.load().unwrap().warnings[0].message.contains("it is no file"));
}

#[test]
fn events_that_are_not_understood_are_told() {
    let event = |n| format!("BEGIN:VEVENT\nSUMMARY:Party {n}\nDTSTART:20261102T080000Z\nDURATION:PT1H\nEND:VEVENT\n");
    let events: String = (0..7).map(event).collect();
    let files = group("rotation = { ics = \"rota.ics\" }")
        .with("rota.ics", &CALENDAR.replace("BEGIN:VEVENT", &format!("{events}BEGIN:VEVENT")).replace("Darren", "a"));
    let warnings = files.warnings();
    let told = warnings.iter().filter(|line| line.contains("names nobody")).count();
    assert_eq!(told, 5, "{warnings:?}");
    assert!(warnings.iter().any(|line| line.contains("2 more events")), "{warnings:?}");
    assert!(files.load().is_ok());
}
