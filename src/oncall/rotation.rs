//! Members taking turns: which turn it is at a moment.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::Stretch;
use super::hours::moment;

/// How long a turn lasts; where a rotation has several hand-offs, how long until the same one comes again. A length of 0
/// counts as 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// So many hours, counted in real hours from the start.
    Hours(u32),
    /// So many calendar days: a hand-off stays at its local time when the clocks change.
    Days(u32),
    /// So many calendar weeks, likewise.
    Weeks(u32),
}

/// A moment of the day or week at which turns change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandOff {
    /// The weekday, for turns in weeks.
    pub weekday: Option<Weekday>,
    /// The local time.
    pub time: Time,
}

/// Members taking turns: `{ every = "1 week", handoff = "Mon 09:00", time_zone = …, start = … }`.
///
/// Turn 0 begins at the first hand-off on or after the `start` day; with turns in weeks and no weekday, on that day.
/// Every other turn follows from that one, backwards, too: before the start the turns are numbered -1, -2, … and nobody
/// is off duty because the rule file is young.
///
/// Several hand-offs (`["Mon 09:00", "Thu 17:00"]`, `["08:00", "20:00"]`) are as many turns in each `every`.
///
/// A hand-off at a local time that the clocks skip happens as much later as they skip (02:30 becomes 03:30); at one
/// that they show twice it happens the first time (RFC 5545 section 3.3.5). One that would then come after the next
/// hand-off never comes: that turn belongs to nobody, and has no length.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// How long a turn lasts.
    pub every: Turn,
    /// When turns change. With turns in hours the first counts alone; none counts as midnight.
    pub hand_offs: Vec<HandOff>,
    /// The time zone of hand-offs and start.
    pub time_zone: TimeZone,
    /// The day on or after which the first member's first turn begins.
    pub start: Date,
}

impl Rotation {
    /// Which turn it is at `t`, counted from 0 for the first (negative before the start), from its first moment to the
    /// first moment of the next. Each moment belongs to exactly one turn.
    pub fn turn_at(&self, t: Timestamp) -> Stretch<i64> {
        let cycle = Cycle::of(self);
        let mut turn = cycle.guess(t);
        // The guess is off by one or two where the hand-off is later in the day than `t`, or where a time zone has
        // skipped a whole day (Pacific/Apia, 2011-12-30).
        while cycle.begin(turn).is_some_and(|begin| begin > t) {
            turn -= 1;
        }
        while cycle.begin(turn + 1).is_some_and(|begin| begin <= t) {
            turn += 1;
        }
        let since = cycle.begin(turn).unwrap_or(Timestamp::MIN);
        Stretch { what: turn, since, until: cycle.begin(turn + 1).unwrap_or(Timestamp::MAX) }
    }
}

/// A rotation with its hand-offs in order.
struct Cycle<'a> {
    rotation: &'a Rotation,
    /// How many days after the start, and when: at least one, the earliest first.
    slots: Vec<(i8, Time)>,
}

impl<'a> Cycle<'a> {
    fn of(rotation: &'a Rotation) -> Self {
        let ahead = |hand_off: &HandOff| match (rotation.every, hand_off.weekday) {
            (Turn::Weeks(_), Some(weekday)) => rotation.start.weekday().until(weekday),
            (Turn::Weeks(_), None) | (Turn::Hours(_) | Turn::Days(_), _) => 0,
        };
        let mut slots: Vec<_> = rotation.hand_offs.iter().map(|one| (ahead(one), one.time)).collect();
        if slots.is_empty() {
            slots.push((0, Time::midnight()));
        }
        if let Turn::Hours(_) = rotation.every {
            slots.truncate(1);
        }
        slots.sort_unstable();
        slots.dedup();
        Self { rotation, slots }
    }

    /// How many turns a cycle has.
    fn turns(&self) -> i64 {
        i64::try_from(self.slots.len()).unwrap_or(i64::MAX).max(1)
    }

    /// When a turn begins; `None` when that is not within the years -9999 to 9999.
    fn begin(&self, turn: i64) -> Option<Timestamp> {
        if let Turn::Hours(hours) = self.rotation.every {
            let seconds = turn.checked_mul(i64::from(hours.max(1)))?.checked_mul(3600)?;
            return self.written(0)?.checked_add(SignedDuration::from_secs(seconds)).ok();
        }
        let begin = self.written(turn)?;
        if self.slots.len() == 1 {
            return Some(begin);
        }
        // What the clocks have put off may come later than what was to follow it.
        let earlier = (1..self.turns()).filter_map(|back| self.written(turn.checked_sub(back)?));
        Some(earlier.max().map_or(begin, |latest| latest.max(begin)))
    }

    /// When a turn begins by the rule file, whatever the ones before it.
    fn written(&self, turn: i64) -> Option<Timestamp> {
        let (cycle, slot) = (turn.div_euclid(self.turns()), turn.rem_euclid(self.turns()));
        let (ahead, time) = *self.slots.get(usize::try_from(slot).ok()?)?;
        let days = cycle.checked_mul(self.days())?.checked_add(i64::from(ahead))?;
        let day = self.rotation.start.checked_add(Span::new().try_days(days).ok()?).ok()?;
        moment(&self.rotation.time_zone, day, time)
    }

    /// How many days a cycle of days or weeks lasts.
    fn days(&self) -> i64 {
        match self.rotation.every {
            Turn::Days(days) => i64::from(days.max(1)),
            Turn::Weeks(weeks) => i64::from(weeks.max(1)) * 7,
            Turn::Hours(_) => 1,
        }
    }

    /// About which turn it is at `t`.
    fn guess(&self, t: Timestamp) -> i64 {
        match self.rotation.every {
            Turn::Hours(hours) => {
                let Some(begin) = self.written(0) else { return 0 };
                t.duration_since(begin).as_secs().div_euclid(i64::from(hours.max(1)) * 3600)
            }
            Turn::Days(_) | Turn::Weeks(_) => {
                let today = t.to_zoned(self.rotation.time_zone.clone()).date();
                let days = today.duration_since(self.rotation.start).as_hours() / 24;
                days.div_euclid(self.days()).saturating_mul(self.turns())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const ZONES: [&str; 6] = [
        "Pacific/Auckland",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
    ];

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekly() -> Rotation {
        Rotation {
            every: Turn::Weeks(1),
            hand_offs: vec![HandOff { weekday: Some(Weekday::Monday), time: jiff::civil::time(9, 0, 0, 0) }],
            time_zone: zone("Pacific/Auckland"),
            start: date(2026, 11, 2),
        }
    }

    fn turn(rotation: &Rotation, t: Timestamp) -> (i64, Timestamp) {
        let found = rotation.turn_at(t);
        assert!(found.since <= t);
        (found.what, found.until)
    }

    #[test]
    fn turn_zero_begins_at_the_hand_off_of_the_start_day() {
        let rotation = weekly();
        assert_eq!(turn(&rotation, at("2026-11-02T08:59:59+13[Pacific/Auckland]")).0, -1);
        assert_eq!(
            turn(&rotation, at("2026-11-02T09:00:00+13[Pacific/Auckland]")),
            (0, at("2026-11-09T09:00:00+13[Pacific/Auckland]"))
        );
        assert_eq!(turn(&rotation, at("2026-11-09T09:00:00+13[Pacific/Auckland]")).0, 1);
    }

    #[test]
    fn weeks_begin_on_the_first_weekday_on_or_after_the_start() {
        let rotation = Rotation { start: date(2026, 11, 3), ..weekly() };
        assert_eq!(
            turn(&rotation, at("2026-11-03T12:00:00+13[Pacific/Auckland]")),
            (-1, at("2026-11-09T09:00:00+13[Pacific/Auckland]"))
        );
    }

    #[test]
    fn hand_offs_keep_their_local_time_when_the_clocks_change() {
        // New Zealand goes back from +13 to +12 on 2027-04-04.
        let (_, end) = turn(&weekly(), at("2027-04-01T00:00:00Z"));
        assert_eq!(end, at("2027-04-05T09:00:00+12[Pacific/Auckland]"));
        assert_eq!(end.duration_since(at("2027-03-29T09:00:00+13[Pacific/Auckland]")).as_hours(), 7 * 24 + 1);
    }

    #[test]
    fn a_hand_off_in_the_skipped_hour_happens_after_it_and_one_in_the_doubled_hour_the_first_time() {
        let nightly = Rotation {
            every: Turn::Days(1),
            hand_offs: vec![HandOff { weekday: None, time: jiff::civil::time(2, 30, 0, 0) }],
            time_zone: zone("Europe/Berlin"),
            start: date(2026, 1, 1),
        };
        assert_eq!(turn(&nightly, at("2026-03-28T12:00:00Z")).1, at("2026-03-29T01:30:00Z"));
        assert_eq!(turn(&nightly, at("2026-10-24T12:00:00Z")).1, at("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn hours_are_real_hours_across_a_change_of_the_clocks() {
        let rotation = Rotation {
            every: Turn::Hours(12),
            hand_offs: vec![HandOff { weekday: None, time: jiff::civil::time(8, 0, 0, 0) }],
            time_zone: zone("Europe/Berlin"),
            start: date(2026, 3, 28),
        };
        let (number, end) = turn(&rotation, at("2026-03-29T00:00:00Z"));
        assert_eq!((number, end), (1, at("2026-03-29T07:00:00Z")));
        assert_eq!(end.to_zoned(zone("Europe/Berlin")).time(), jiff::civil::time(9, 0, 0, 0));
    }

    #[test]
    fn a_day_that_never_was_is_nobodys_turn() {
        let rotation =
            Rotation { every: Turn::Days(1), time_zone: zone("Pacific/Apia"), start: date(2011, 12, 28), ..weekly() };
        let (number, end) = turn(&rotation, at("2011-12-29T20:00:00-10"));
        assert_eq!((number, end), (1, at("2011-12-31T09:00:00+14")));
        assert_eq!(turn(&rotation, end).0, 3);
    }

    #[test]
    fn several_hand_offs_a_week_are_several_turns() {
        let hand_off = |weekday, hour| HandOff { weekday: Some(weekday), time: jiff::civil::time(hour, 0, 0, 0) };
        // As one may write them: in any order.
        let hand_offs = vec![hand_off(Weekday::Thursday, 17), hand_off(Weekday::Monday, 9)];
        let rotation = Rotation { hand_offs, start: date(2026, 11, 3), ..weekly() };
        let local = |text: &str| at(&format!("{text}+13[Pacific/Auckland]"));
        for (t, expected, end) in [
            ("2026-11-05T16:59:59", -1, "2026-11-05T17:00:00"),
            ("2026-11-05T17:00:00", 0, "2026-11-09T09:00:00"),
            ("2026-11-09T09:00:00", 1, "2026-11-12T17:00:00"),
            ("2026-11-12T17:00:00", 2, "2026-11-16T09:00:00"),
        ] {
            assert_eq!(turn(&rotation, local(t)), (expected, local(end)), "{t}");
        }
    }

    #[test]
    fn a_hand_off_that_the_clocks_put_behind_the_next_one_never_comes() {
        let hand_off = |hour, minute| HandOff { weekday: None, time: jiff::civil::time(hour, minute, 0, 0) };
        let rotation = Rotation {
            every: Turn::Days(1),
            hand_offs: vec![hand_off(2, 30), hand_off(3, 15)],
            time_zone: zone("Europe/Berlin"),
            start: date(2026, 3, 29),
        };
        // 02:30 is skipped and becomes 03:30, after 03:15: its turn, 0, is nobody's.
        assert_eq!(turn(&rotation, at("2026-03-29T03:20:00+02")), (-1, at("2026-03-29T03:30:00+02")));
        assert_eq!(turn(&rotation, at("2026-03-29T03:30:00+02")).0, 1);
        assert_eq!(turn(&rotation, at("2026-03-30T02:30:00+02")).0, 2);
    }

    #[test]
    fn the_ends_of_time_have_turns_too() {
        for every in [Turn::Hours(0), Turn::Hours(u32::MAX), Turn::Days(1), Turn::Weeks(u32::MAX)] {
            let rotation = Rotation { every, ..weekly() };
            assert!(turn(&rotation, Timestamp::MIN).0 <= 0);
            assert_eq!(turn(&rotation, Timestamp::MAX).1, Timestamp::MAX);
        }
    }

    prop_compose! {
        /// One hand-off, or several: where a cycle is short, also some that a change of the clocks may put in disorder.
        fn rotations()(
            every in prop_oneof![
                (1_u32..200).prop_map(Turn::Hours),
                (1_u32..40).prop_map(Turn::Days),
                (1_u32..6).prop_map(Turn::Weeks),
            ],
            with_day in any::<bool>(),
            hand_offs in proptest::collection::vec((1_i8..=7, prop_oneof![0_i8..24, 1_i8..4], 0_i8..60), 1..5),
            zone_name in proptest::sample::select(ZONES.to_vec()),
            days in 0_i32..2000,
        ) -> Rotation {
            let hand_off = |(day, hour, minute)| HandOff {
                weekday: with_day.then(|| Weekday::from_monday_one_offset(day).unwrap()),
                time: jiff::civil::time(hour, minute, 0, 0),
            };
            Rotation {
                every,
                hand_offs: hand_offs.into_iter().map(hand_off).collect(),
                time_zone: zone(zone_name),
                start: date(2024, 1, 1).checked_add(Span::new().days(days)).unwrap(),
            }
        }
    }

    proptest! {
        #[test]
        fn every_moment_has_one_turn_and_turns_follow_each_other(
            rotation in rotations(),
            second in 1_300_000_000_i64..2_000_000_000,
        ) {
            let mut t = Timestamp::from_second(second).unwrap();
            // A day or an hour that the clocks skip can leave nothing of a turn.
            let gaps = rotation.hand_offs.len() > 1 || rotation.time_zone.iana_name() == Some("Pacific/Apia");
            for _ in 0..20 {
                let (number, end) = turn(&rotation, t);
                prop_assert!(end > t);
                let just_before = end.checked_sub(SignedDuration::from_nanos(1)).unwrap();
                prop_assert_eq!(turn(&rotation, just_before), (number, end));
                let (next, _) = turn(&rotation, end);
                prop_assert!(next == number + 1 || (gaps && next > number), "{} then {}", number, next);
                t = end;
            }
        }

        #[test]
        fn hand_offs_are_at_the_local_time_unless_the_clocks_skip_it(
            rotation in rotations(),
            second in 1_700_000_000_i64..2_000_000_000,
        ) {
            let t = Timestamp::from_second(second).unwrap();
            let (_, end) = turn(&rotation, t);
            match rotation.every {
                Turn::Hours(hours) => {
                    let first = Cycle::of(&rotation).begin(0).unwrap();
                    prop_assert_eq!(end.duration_since(first).as_secs() % (i64::from(hours) * 3600), 0);
                }
                Turn::Days(_) | Turn::Weeks(_) => {
                    let local = end.to_zoned(rotation.time_zone.clone());
                    let kept = rotation.hand_offs.iter().any(|one| {
                        let day = rotation.every == Turn::Days(1) || one.weekday.is_none_or(|day| local.weekday() == day);
                        let day = day || !matches!(rotation.every, Turn::Weeks(_));
                        one.time == local.time() && day
                    });
                    let skipped = rotation.hand_offs.iter().any(|one| {
                        let days = [local.date(), local.date().yesterday().unwrap()];
                        days.into_iter().any(|day| {
                            let wanted = rotation.time_zone.to_ambiguous_timestamp(day.to_datetime(one.time));
                            matches!(wanted.offset(), jiff::tz::AmbiguousOffset::Gap { .. })
                        })
                    });
                    prop_assert!(kept || skipped, "{}", local);
                }
            }
        }
    }
}
