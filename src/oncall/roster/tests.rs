//! Layers, overrides, seconds, and until when a duty lasts.

use jiff::SignedDuration;
use jiff::civil::{Weekday, date, time};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::oncall::rotation::Turn;
use crate::oncall::{HandOff, HourSpan, Hours, Rotation, Schedule};

fn id(name: &str) -> ContactId {
    ContactId::new(name)
}

fn dba() -> GroupId {
    GroupId::new("dba")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn roster(members: &[&str], on_call: OnCall) -> Roster {
    let mut roster = Roster::default();
    for name in ["david", "darren", "simon", "guest"] {
        let contact = Contact {
            id: id(name),
            name: name.to_owned(),
            phone: None,
            sms: None,
            email: None,
            language: None,
            voice: None,
        };
        roster.contacts.insert(id(name), contact);
    }
    let group = Group {
        id: dba(),
        name: "DBA".to_owned(),
        members: members.iter().map(|name| id(name)).collect(),
        on_call,
        backup: Vec::new(),
        policy: None,
    };
    roster.groups.insert(dba(), group);
    roster
}

fn rotation() -> Rotation {
    Rotation {
        every: Turn::Weeks(1),
        hand_offs: vec![HandOff { weekday: Some(Weekday::Monday), time: time(9, 0, 0, 0) }],
        time_zone: TimeZone::UTC,
        start: date(2026, 11, 2),
    }
}

fn people(names: &[&str]) -> Vec<Member> {
    names.iter().map(|name| Member::Contact(id(name))).collect()
}

fn layer(name: &str, turns: Turns, only: Option<Hours>) -> Layer {
    Layer { name: Some(name.to_owned()), turns, only }
}

fn always(name: &str) -> Turns {
    Turns::Always(Member::Contact(id(name)))
}

fn weekly(members: &[&str]) -> OnCall {
    OnCall::turns(&members.iter().map(|name| id(name)).collect::<Vec<_>>(), rotation())
}

/// From Monday to Friday, in UTC.
fn weekdays(from: i8, until: i8) -> Hours {
    let days = vec![Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    let between = Some((time(from, 0, 0, 0), time(until, 0, 0, 0)));
    Hours { spans: vec![HourSpan { days, between, time_zone: TimeZone::UTC }] }
}

fn schedule(layers: Vec<Layer>, secondary: Option<Secondary>) -> OnCall {
    OnCall::Schedule(Schedule { layers, secondary })
}

fn names(ids: &[ContactId]) -> Vec<&str> {
    ids.iter().map(ContactId::as_str).collect()
}

fn except(contact: &str, from: &str, until: Option<&str>) -> Override {
    Override { group: dba(), contact: id(contact), from: at(from), until: until.map(at), made_by: "test".to_owned() }
}

fn duty(contact: &str, until: Option<(&str, Option<&str>)>, why: Why) -> Duty {
    Duty {
        contact: id(contact),
        until: until.map(|(until, _)| at(until)),
        next: until.and_then(|(_, next)| next).map(id),
        why,
    }
}

fn overridden() -> Why {
    Why::Override("test".to_owned())
}

#[test]
fn a_fixed_contact_is_on_call_for_ever() {
    let roster = roster(&["david", "darren"], OnCall::Fixed(id("david")));
    assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(duty("david", None, Why::Fixed)));
    assert_eq!(roster.duty(&GroupId::new("other"), at("2026-11-04T00:00:00Z")), None);
}

#[test]
fn members_take_turns_also_before_the_start() {
    let roster = roster(&["david", "darren", "simon"], weekly(&["david", "darren", "simon"]));
    let expected = duty("david", Some(("2026-11-09T09:00:00Z", Some("darren"))), Why::Rotation);
    assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(expected));
    let expected = duty("simon", Some(("2026-11-02T09:00:00Z", Some("david"))), Why::Rotation);
    assert_eq!(roster.duty(&dba(), at("2026-11-01T00:00:00Z")), Some(expected));
}

#[test]
fn nobody_is_on_call_where_there_are_no_members() {
    assert_eq!(roster(&[], weekly(&[])).duty(&dba(), at("2026-11-04T00:00:00Z")), None);
}

#[test]
fn a_rotation_of_one_never_changes() {
    let roster = roster(&["david"], weekly(&["david"]));
    assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(duty("david", None, Why::Rotation)));
}

#[test]
fn an_override_counts_while_it_holds_and_may_name_a_guest() {
    let mut roster = roster(&["david", "darren"], weekly(&["david", "darren"]));
    roster.overrides.push(except("guest", "2026-11-04T00:00:00Z", Some("2026-11-05T00:00:00Z")));
    let before = duty("david", Some(("2026-11-04T00:00:00Z", Some("guest"))), Why::Rotation);
    let during = duty("guest", Some(("2026-11-05T00:00:00Z", Some("david"))), overridden());
    let after = duty("david", Some(("2026-11-09T09:00:00Z", Some("darren"))), Why::Rotation);
    assert_eq!(roster.duty(&dba(), at("2026-11-03T23:59:59Z")), Some(before));
    assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(during));
    assert_eq!(roster.duty(&dba(), at("2026-11-05T00:00:00Z")), Some(after));
}

#[test]
fn the_override_made_last_counts_and_the_one_before_it_returns() {
    let mut roster = roster(&["david", "darren"], OnCall::Fixed(id("david")));
    roster.overrides.push(except("darren", "2026-11-01T00:00:00Z", None));
    roster.overrides.push(except("simon", "2026-11-04T00:00:00Z", Some("2026-11-05T00:00:00Z")));
    let expected = duty("simon", Some(("2026-11-05T00:00:00Z", Some("darren"))), overridden());
    assert_eq!(roster.duty(&dba(), at("2026-11-04T12:00:00Z")), Some(expected));
    assert_eq!(roster.duty(&dba(), at("2026-11-06T00:00:00Z")), Some(duty("darren", None, overridden())));
}

#[test]
fn a_hand_off_under_an_override_is_not_a_change() {
    let mut roster = roster(&["david", "darren"], weekly(&["david", "darren"]));
    roster.overrides.push(except("david", "2026-11-04T00:00:00Z", Some("2026-11-17T00:00:00Z")));
    // David by turn, by override past the hand-off to Darren, by turn again from the 16th: until the 23rd.
    let expected = duty("david", Some(("2026-11-23T09:00:00Z", Some("darren"))), Why::Rotation);
    assert_eq!(roster.duty(&dba(), at("2026-11-03T00:00:00Z")), Some(expected));
}

#[test]
fn an_override_for_somebody_who_is_gone_is_passed_over() {
    let mut roster = roster(&["david"], OnCall::Fixed(id("david")));
    roster.overrides.push(except("nobody", "2026-11-01T00:00:00Z", None));
    assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(duty("david", None, Why::Fixed)));
}

#[test]
fn a_later_layer_counts_before_an_earlier_one_in_its_hours() {
    let layers = vec![
        layer("night", Turns::Rotation(people(&["david", "darren"]), rotation()), None),
        layer("day", always("simon"), Some(weekdays(8, 18))),
    ];
    let roster = roster(&["david", "darren", "simon"], schedule(layers, None));
    let day = duty("simon", Some(("2026-11-03T18:00:00Z", Some("david"))), Why::Layer("day".to_owned()));
    let night = duty("david", Some(("2026-11-04T08:00:00Z", Some("simon"))), Why::Layer("night".to_owned()));
    assert_eq!(roster.duty(&dba(), at("2026-11-03T08:00:00Z")), Some(day));
    assert_eq!(roster.duty(&dba(), at("2026-11-03T18:00:00Z")), Some(night));
    // On Monday the day layer hides the hand-off of the night.
    let weekend = duty("david", Some(("2026-11-09T08:00:00Z", Some("simon"))), Why::Layer("night".to_owned()));
    assert_eq!(roster.duty(&dba(), at("2026-11-07T12:00:00Z")), Some(weekend));
}

#[test]
fn where_no_layer_counts_nobody_is_on_call_and_everybody_is_called() {
    let layers = vec![layer("day", always("simon"), Some(weekdays(8, 18)))];
    let mut roster = roster(&["david", "simon"], schedule(layers, None));
    let night = at("2026-11-03T20:00:00Z");
    assert_eq!(roster.duty(&dba(), night), None);
    assert_eq!(names(&roster.called(&dba(), night)), ["david", "simon"]);
    let by_day = duty("simon", Some(("2026-11-03T18:00:00Z", None)), Why::Layer("day".to_owned()));
    assert_eq!(roster.duty(&dba(), at("2026-11-03T12:00:00Z")), Some(by_day));
    // A group without members has those who can be on call.
    roster.groups.get_mut(&dba()).unwrap().members.clear();
    assert_eq!(names(&roster.called(&dba(), night)), ["simon"]);
}

#[test]
fn a_layer_of_groups_follows_the_sun_and_the_overrides_of_those_groups() {
    let mut roster = roster(&["david"], OnCall::Fixed(id("david")));
    let sun = |group: &str, from, until| {
        layer(group, Turns::Always(Member::Group(GroupId::new(group))), Some(weekdays(from, until)))
    };
    let layers = vec![sun("dba", 0, 12), sun("emea", 12, 0)];
    let emea = Group { id: GroupId::new("emea"), ..roster.groups[&dba()].clone() };
    let world =
        Group { id: GroupId::new("world"), members: Vec::new(), on_call: schedule(layers, None), ..emea.clone() };
    let emea = Group { on_call: OnCall::Fixed(id("darren")), ..emea };
    roster.groups.extend([(emea.id.clone(), emea), (world.id.clone(), world)]);
    let world = GroupId::new("world");
    roster.overrides.push(except("guest", "2026-11-03T13:00:00Z", Some("2026-11-03T14:00:00Z")));
    roster.overrides.push(Override { group: GroupId::new("emea"), ..roster.overrides[0].clone() });
    let dba_hours = duty("david", Some(("2026-11-03T12:00:00Z", Some("darren"))), Why::Layer("dba".to_owned()));
    assert_eq!(roster.duty(&world, at("2026-11-03T01:00:00Z")), Some(dba_hours));
    let emea_hours = duty("darren", Some(("2026-11-03T13:00:00Z", Some("guest"))), Why::Layer("emea".to_owned()));
    assert_eq!(roster.duty(&world, at("2026-11-03T12:00:00Z")), Some(emea_hours));
    assert_eq!(roster.on_call(&world, at("2026-11-03T13:00:00Z")), Some(&id("guest")));
    assert_eq!(names(&roster.everybody(&world)), ["david", "darren"]);
}

#[test]
fn groups_in_a_circle_are_on_call_for_nobody() {
    let own = vec![layer("own", Turns::Always(Member::Group(dba())), None)];
    let roster = roster(&["david"], schedule(own, None));
    assert_eq!(names(&roster.called(&dba(), at("2026-11-03T01:00:00Z"))), ["david"]);
}

#[test]
fn the_second_is_the_next_who_is_not_on_call() {
    let turns = || Turns::Rotation(people(&["david", "darren", "simon"]), rotation());
    let next = schedule(vec![layer("all", turns(), None)], Some(Secondary::Next(1)));
    let mut roster = roster(&["david", "darren", "simon"], next);
    let t = at("2026-11-03T00:00:00Z");
    assert_eq!(roster.secondary(&dba(), t), Some(&id("darren")));
    // Darren stands in for David: the one after him is second.
    roster.overrides.push(except("darren", "2026-11-03T00:00:00Z", Some("2026-11-04T00:00:00Z")));
    assert_eq!(roster.on_call(&dba(), t), Some(&id("darren")));
    assert_eq!(roster.secondary(&dba(), t), Some(&id("simon")));
    assert_eq!(names(&roster.called_second(&dba(), t)), ["simon"]);
    roster.overrides.clear();
    roster.groups.get_mut(&dba()).unwrap().on_call =
        schedule(vec![layer("all", turns(), None)], Some(Secondary::Next(2)));
    assert_eq!(roster.secondary(&dba(), t), Some(&id("simon")));
}

#[test]
fn where_nobody_is_second_all_others_are_called() {
    let own = vec![layer("own", always("simon"), Some(weekdays(8, 18)))];
    let first = vec![layer("first", always("david"), None)];
    let mut roster = roster(&["david", "darren", "simon"], schedule(first, Some(Secondary::Own(own))));
    let day = at("2026-11-03T12:00:00Z");
    assert_eq!(names(&roster.called_second(&dba(), day)), ["simon"]);
    assert_eq!(names(&roster.called_second(&dba(), at("2026-11-03T20:00:00Z"))), ["darren", "simon"]);
    // Who is second is on call by an override.
    roster.overrides.push(except("simon", "2026-11-03T00:00:00Z", None));
    assert_eq!(names(&roster.called_second(&dba(), day)), ["david", "darren"]);
    let fixed = self::roster(&["david"], OnCall::Fixed(id("david")));
    assert_eq!(names(&fixed.called_second(&dba(), day)), [] as [&str; 0], "it has no secondary");
}

#[test]
fn a_contact_that_is_gone_is_on_call_for_nobody() {
    let layers = vec![layer("all", always("simon"), None), layer("gone", always("nobody"), None)];
    let roster = roster(&["david"], schedule(layers, None));
    assert_eq!(roster.on_call(&dba(), at("2026-11-03T12:00:00Z")), Some(&id("simon")));
}

proptest! {
    #[test]
    fn duty_says_truly_when_it_changes_and_to_whom(
        members in proptest::collection::vec(proptest::sample::select(vec!["david", "darren", "simon"]), 1..4),
        exceptions in proptest::collection::vec((0_i64..2000, proptest::option::of(0_i64..500), 0_usize..3), 0..5),
        hour in -500_i64..2000,
    ) {
        let mut roster = roster(&members, weekly(&members));
        let start = at("2026-10-20T00:00:00Z");
        let later = |hours: i64| start + SignedDuration::from_hours(hours);
        for (from, length, who) in exceptions {
            roster.overrides.push(Override {
                group: dba(),
                contact: id(["david", "simon", "guest"][who]),
                from: later(from),
                until: length.map(|length| later(from + length)),
                made_by: String::new(),
            });
        }
        let now = later(hour);
        let found = roster.duty(&dba(), now).unwrap();
        // Within the next 90 days, look hour by hour.
        let looked = (1..24 * 90).map(|hours| now + SignedDuration::from_hours(hours)).find_map(|t| {
            let then = roster.duty(&dba(), t).unwrap();
            (then.contact != found.contact).then_some((t, then.contact))
        });
        if let Some((t, contact)) = looked {
            prop_assert_eq!(found.until, Some(t));
            prop_assert_eq!(found.next, Some(contact));
        } else {
            prop_assert!(found.until.is_none_or(|until| until >= now + SignedDuration::from_hours(24 * 90)));
        }
    }
}
