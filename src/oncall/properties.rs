//! Any schedule in any time zone: every instant has one answer, and the list of shifts, the duty at a moment and the
//! calendar that is written all say the same.

use std::sync::Arc;

use jiff::civil::{Weekday, date, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use proptest::prelude::*;

use super::rotation::Turn;
use super::*;

/// With ordinary, half-hour and southern changes of the clocks, and one that skipped a day.
const ZONES: [&str; 8] = [
    "Pacific/Auckland",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Casablanca",
    "UTC",
];
const PEOPLE: [&str; 4] = ["ann", "bob", "cy", "dee"];

fn id(name: &str) -> ContactId {
    ContactId::new(name)
}

fn member() -> impl Strategy<Value = Member> {
    proptest::sample::select(PEOPLE.to_vec()).prop_map(|name| Member::Contact(id(name)))
}

fn zone() -> impl Strategy<Value = TimeZone> {
    proptest::sample::select(ZONES.to_vec()).prop_map(|name| TimeZone::get(name).unwrap())
}

fn weekday(number: i8) -> Weekday {
    Weekday::from_monday_zero_offset(number).unwrap()
}

prop_compose! {
    fn rotation()(
        every in prop_oneof![
            (1_u32..40).prop_map(Turn::Hours),
            (1_u32..10).prop_map(Turn::Days),
            (1_u32..4).prop_map(Turn::Weeks),
        ],
        hand_offs in proptest::collection::vec((0_i8..7, 0_i8..24, 0_i8..60), 1..4),
        with_day in any::<bool>(),
        time_zone in zone(),
        ahead in 0_i32..700,
    ) -> Rotation {
        let hand_offs = hand_offs.into_iter().map(|(day, hour, minute)| HandOff {
            weekday: with_day.then(|| weekday(day)),
            time: time(hour, minute, 0, 0),
        });
        let start = date(2025, 1, 1).checked_add(Span::new().days(ahead)).unwrap();
        Rotation { every, hand_offs: hand_offs.collect(), time_zone, start }
    }
}

prop_compose! {
    fn hours()(
        spans in proptest::collection::vec(
            (proptest::collection::btree_set(0_i8..7, 1..7), proptest::option::of((0_i8..24, 0_i8..24)), zone()),
            1..3,
        ),
    ) -> Hours {
        let span = |(days, between, time_zone): (std::collections::BTreeSet<i8>, Option<(i8, i8)>, TimeZone)| HourSpan {
            days: days.into_iter().map(weekday).collect(),
            between: between.map(|(from, until)| (time(from, 30, 0, 0), time(until, 0, 0, 0))),
            time_zone,
        };
        Hours { spans: spans.into_iter().map(span).collect() }
    }
}

fn layer(turns: impl Strategy<Value = Turns>) -> impl Strategy<Value = Layer> {
    (turns, proptest::option::of(hours()), proptest::option::of("[a-z]{1,4}")).prop_map(|(turns, only, name)| Layer {
        name,
        turns,
        only,
    })
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let turns = prop_oneof![
        member().prop_map(Turns::Always),
        (proptest::collection::vec(member(), 1..5), rotation())
            .prop_map(|(order, turns)| Turns::Rotation(order, turns)),
        Just(Turns::Always(Member::Group(GroupId::new("other")))),
        (
            proptest::collection::vec(prop_oneof![member(), Just(Member::Group(GroupId::new("other")))], 2..4),
            rotation()
        )
            .prop_map(|(order, turns)| Turns::Rotation(order, turns)),
    ];
    let secondary = proptest::option::of(prop_oneof![
        (1_u32..4).prop_map(Secondary::Next),
        proptest::collection::vec(layer(member().prop_map(Turns::Always)), 1..2).prop_map(Secondary::Own),
    ]);
    (proptest::collection::vec(layer(turns), 1..4), secondary)
        .prop_map(|(layers, secondary)| Schedule { layers, secondary })
}

fn group(name: &str, on_call: OnCall) -> (GroupId, Group) {
    let id_ = GroupId::new(name);
    let members = PEOPLE.iter().map(|name| id(name)).collect();
    let group = Group { id: id_.clone(), name: name.to_owned(), members, on_call, backup: Vec::new(), policy: None };
    (id_, group)
}

prop_compose! {
    /// The groups `main` and `other`, where `other` may be on call for `main`; overrides of both.
    fn rosters()(
        main in schedule(),
        other in (proptest::collection::vec(member(), 1..4), rotation(), proptest::option::of(hours())),
        overrides in proptest::collection::vec(
            (any::<bool>(), 0_i64..900, proptest::option::of(0_i64..200), 0_usize..4),
            0..5,
        ),
    ) -> Roster {
        let mut roster = Roster::default();
        for name in PEOPLE {
            let (name, email) = (name.to_owned(), None);
            roster.contacts.insert(id(&name), Contact { id: id(&name), name, phone: None, sms: None, email, language: None, voice: None });
        }
        let (order, turns, only) = other;
        let layers = vec![Layer { name: None, turns: Turns::Rotation(order, turns), only }];
        roster.groups.extend([
            group("main", OnCall::Schedule(main)),
            group("other", OnCall::Schedule(Schedule { layers, secondary: None })),
        ]);
        let hour = |hours| begin() + SignedDuration::from_hours(hours);
        roster.overrides.extend(overrides.into_iter().map(|(of_main, from, length, who)| Override {
            group: GroupId::new(if of_main { "main" } else { "other" }),
            contact: id(PEOPLE[who]),
            from: hour(from),
            until: length.map(|length| hour(from + length)),
            made_by: "test".to_owned(),
        }));
        roster
    }
}

/// Five weeks in which the clocks change in most of the zones.
fn begin() -> Timestamp {
    "2026-03-10T00:00:00Z".parse().unwrap()
}

const WEEKS: SignedDuration = SignedDuration::from_hours(5 * 7 * 24);
const TICK: SignedDuration = SignedDuration::from_millis(1);

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_list_of_shifts_agrees_with_the_duty_at_every_moment(
        roster in rosters(),
        moments in proptest::collection::vec(0_i64..5 * 7 * 24 * 3_600_000, 20),
    ) {
        let main = GroupId::new("main");
        let shifts = roster.shifts(&main, begin(), begin() + WEEKS);
        prop_assert!(shifts[0].from.is_none_or(|from| from <= begin()));
        prop_assert!(shifts.last().unwrap().until.is_none_or(|until| until >= begin() + WEEKS));
        for pair in shifts.windows(2) {
            // Contiguous, and each a change.
            prop_assert!(pair[0].until.is_some() && pair[0].until == pair[1].from);
            prop_assert_ne!((&pair[0].contact, &pair[0].why), (&pair[1].contact, &pair[1].why));
            let edge = pair[1].from.unwrap();
            prop_assert_eq!(roster.on_call(&main, edge - TICK), pair[0].contact.as_ref());
            prop_assert_eq!(roster.on_call(&main, edge), pair[1].contact.as_ref());
            prop_assert_eq!(roster.on_call(&main, edge + TICK), pair[1].contact.as_ref());
        }
        for millisecond in moments {
            let t = begin() + SignedDuration::from_millis(millisecond);
            let at_t = |shift: &&Shift| {
                shift.from.is_none_or(|from| from <= t) && shift.until.is_none_or(|until| t < until)
            };
            let mut found = shifts.iter().filter(at_t);
            let shift = found.next().unwrap();
            prop_assert!(found.next().is_none(), "two shifts at {}", t);
            let duty = roster.duty(&main, t);
            prop_assert_eq!(duty.as_ref().map(|duty| &duty.contact), shift.contact.as_ref());
            prop_assert_eq!(roster.on_call(&main, t), shift.contact.as_ref());
            // Somebody is called whatever the hour, and the second is never who is on call.
            prop_assert!(!roster.called(&main, t).is_empty());
            let second = roster.secondary(&main, t);
            prop_assert!(second.is_none() || second != roster.on_call(&main, t));
            if let Some(duty) = duty {
                prop_assert!(duty.until.is_none_or(|until| until > t));
                if let Some(until) = duty.until {
                    prop_assert_eq!(roster.on_call(&main, until - TICK), Some(&duty.contact));
                    prop_assert_eq!(roster.on_call(&main, until), duty.next.as_ref());
                    prop_assert_ne!(Some(&duty.contact), duty.next.as_ref());
                }
            }
        }
        // Wherever one begins to look, the shifts are the same.
        let middle = begin() + WEEKS / 2;
        let later = roster.shifts(&main, middle, begin() + WEEKS);
        let same: Vec<_> = shifts.into_iter().filter(|shift| shift.until.is_none_or(|until| until > middle)).collect();
        prop_assert_eq!(same, later);
    }

    #[test]
    fn what_is_written_as_a_calendar_and_read_again_says_the_same(
        roster in rosters(),
        reader_zone in zone(),
        moments in proptest::collection::vec(0_i64..5 * 7 * 24 * 3600, 30),
    ) {
        let main = GroupId::new("main");
        let span = (begin(), begin() + WEEKS);
        let shifts = roster.shifts(&main, span.0, span.1);
        let text = calendar::write(&roster, &roster.groups[&main], &shifts, span, begin());
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')), "{}", text);
        let reading = calendar::read(&text, &reader_zone, &roster.contacts).unwrap();
        prop_assert_eq!(&reading.faults, &[] as &[String]);
        let mut copy = roster.clone();
        let turns = Turns::Calendar(Arc::new(reading.calendar));
        let layers = vec![Layer { name: None, turns, only: None }];
        copy.groups.extend([group("copy", OnCall::Schedule(Schedule { layers, secondary: None }))]);
        let copied = GroupId::new("copy");
        let edges = shifts.iter().filter_map(|shift| shift.from).filter(|from| *from > span.0);
        let moments = moments.into_iter().map(|second| begin() + SignedDuration::from_secs(second));
        for t in moments.chain(edges.flat_map(|edge| [edge - TICK, edge])).filter(|t| *t < span.1) {
            prop_assert_eq!(copy.on_call(&copied, t), roster.on_call(&main, t), "{}\n{}", t, text);
        }
    }
}
