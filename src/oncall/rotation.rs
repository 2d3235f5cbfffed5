//! The members of a group taking turns.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// How long a turn lasts. A length of 0 counts as 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// So many hours, counted in real hours from the start.
    Hours(u32),
    /// So many calendar days: a hand-off stays at its local time when the clocks change.
    Days(u32),
    /// So many calendar weeks, likewise.
    Weeks(u32),
}

/// The members of a group taking turns: `{ every = "1 week", handoff = "Mon 09:00", time_zone = …, start = … }`.
///
/// Turn 0 begins at `time` on the `start` day; with turns in weeks and a `weekday`, on the first such weekday on or
/// after `start`. Every other turn follows from that one, backwards, too: before the start the turns are numbered
/// -1, -2, … and nobody is off duty because the rule file is young.
///
/// A hand-off at a local time that the clocks skip happens as much later as they skip (02:30 becomes 03:30); at one
/// that they show twice it happens the first time (RFC 5545 section 3.3.5).
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// How long a turn lasts.
    pub every: Turn,
    /// The weekday of the hand-off, for turns in weeks.
    pub weekday: Option<Weekday>,
    /// The local time of the hand-off.
    pub time: Time,
    /// The time zone of hand-offs and start.
    pub time_zone: TimeZone,
    /// The day in which the first member's first turn begins.
    pub start: Date,
}

impl Rotation {
    /// Which turn it is at `t`, counted from 0 for the first (negative before the start), and when that turn ends:
    /// the first moment of the next turn. Each moment belongs to exactly one turn.
    pub fn turn_at(&self, t: Timestamp) -> (i64, Timestamp) {
        let mut turn = match self.every {
            Turn::Hours(hours) => self.hourly_guess(t, hours),
            Turn::Days(_) | Turn::Weeks(_) => self.daily_guess(t),
        };
        // The guess is off by one or two where the hand-off is later in the day than `t`, or where a time zone has
        // skipped a whole day (Pacific/Apia, 2011-12-30): such a turn has no length and belongs to nobody.
        while self.begin(turn).is_some_and(|begin| begin > t) {
            turn -= 1;
        }
        while self.begin(turn + 1).is_some_and(|begin| begin <= t) {
            turn += 1;
        }
        (turn, self.begin(turn + 1).unwrap_or(Timestamp::MAX))
    }

    /// When a turn begins; `None` when that is not within the years -9999 to 9999.
    fn begin(&self, turn: i64) -> Option<Timestamp> {
        match self.every {
            Turn::Hours(hours) => {
                let seconds = turn.checked_mul(i64::from(hours.max(1)))?.checked_mul(3600)?;
                self.hand_off(self.first_day())?.checked_add(SignedDuration::from_secs(seconds)).ok()
            }
            Turn::Days(_) | Turn::Weeks(_) => {
                let days = Span::new().try_days(turn.checked_mul(self.days())?).ok()?;
                self.hand_off(self.first_day().checked_add(days).ok()?)
            }
        }
    }

    /// The moment of the hand-off on `day`.
    fn hand_off(&self, day: Date) -> Option<Timestamp> {
        self.time_zone.to_ambiguous_timestamp(day.to_datetime(self.time)).compatible().ok()
    }

    /// The day in which turn 0 begins.
    fn first_day(&self) -> Date {
        match (self.every, self.weekday) {
            (Turn::Weeks(_), Some(weekday)) => {
                let ahead = self.start.weekday().until(weekday);
                self.start.checked_add(Span::new().days(ahead)).unwrap_or(self.start)
            }
            (Turn::Weeks(_), None) | (Turn::Hours(_) | Turn::Days(_), _) => self.start,
        }
    }

    /// How many days a turn of days or weeks lasts.
    fn days(&self) -> i64 {
        match self.every {
            Turn::Days(days) => i64::from(days.max(1)),
            Turn::Weeks(weeks) => i64::from(weeks.max(1)) * 7,
            Turn::Hours(_) => 1,
        }
    }

    fn hourly_guess(&self, t: Timestamp, hours: u32) -> i64 {
        let Some(begin) = self.hand_off(self.first_day()) else { return 0 };
        t.duration_since(begin).as_secs().div_euclid(i64::from(hours.max(1)) * 3600)
    }

    fn daily_guess(&self, t: Timestamp) -> i64 {
        let today = t.to_zoned(self.time_zone.clone()).date();
        let days = today.duration_since(self.first_day()).as_hours() / 24;
        days.div_euclid(self.days())
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
            weekday: Some(Weekday::Monday),
            time: jiff::civil::time(9, 0, 0, 0),
            time_zone: zone("Pacific/Auckland"),
            start: date(2026, 11, 2),
        }
    }

    #[test]
    fn turn_zero_begins_at_the_hand_off_of_the_start_day() {
        let rotation = weekly();
        assert_eq!(rotation.turn_at(at("2026-11-02T08:59:59+13[Pacific/Auckland]")).0, -1);
        assert_eq!(
            rotation.turn_at(at("2026-11-02T09:00:00+13[Pacific/Auckland]")),
            (0, at("2026-11-09T09:00:00+13[Pacific/Auckland]"))
        );
        assert_eq!(rotation.turn_at(at("2026-11-09T09:00:00+13[Pacific/Auckland]")).0, 1);
    }

    #[test]
    fn weeks_begin_on_the_first_weekday_on_or_after_the_start() {
        let rotation = Rotation { start: date(2026, 11, 3), ..weekly() };
        assert_eq!(
            rotation.turn_at(at("2026-11-03T12:00:00+13[Pacific/Auckland]")),
            (-1, at("2026-11-09T09:00:00+13[Pacific/Auckland]"))
        );
    }

    #[test]
    fn hand_offs_keep_their_local_time_when_the_clocks_change() {
        // New Zealand goes back from +13 to +12 on 2027-04-04.
        let (_, end) = weekly().turn_at(at("2027-04-01T00:00:00Z"));
        assert_eq!(end, at("2027-04-05T09:00:00+12[Pacific/Auckland]"));
        assert_eq!(end.duration_since(at("2027-03-29T09:00:00+13[Pacific/Auckland]")).as_hours(), 7 * 24 + 1);
    }

    #[test]
    fn a_hand_off_in_the_skipped_hour_happens_after_it_and_one_in_the_doubled_hour_the_first_time() {
        let nightly = Rotation {
            every: Turn::Days(1),
            weekday: None,
            time: jiff::civil::time(2, 30, 0, 0),
            time_zone: zone("Europe/Berlin"),
            start: date(2026, 1, 1),
        };
        assert_eq!(nightly.turn_at(at("2026-03-28T12:00:00Z")).1, at("2026-03-29T01:30:00Z"));
        assert_eq!(nightly.turn_at(at("2026-10-24T12:00:00Z")).1, at("2026-10-25T00:30:00Z"));
    }

    #[test]
    fn hours_are_real_hours_across_a_change_of_the_clocks() {
        let rotation = Rotation {
            every: Turn::Hours(12),
            weekday: None,
            time: jiff::civil::time(8, 0, 0, 0),
            time_zone: zone("Europe/Berlin"),
            start: date(2026, 3, 28),
        };
        let (turn, end) = rotation.turn_at(at("2026-03-29T00:00:00Z"));
        assert_eq!((turn, end), (1, at("2026-03-29T07:00:00Z")));
        assert_eq!(end.to_zoned(zone("Europe/Berlin")).time(), jiff::civil::time(9, 0, 0, 0));
    }

    #[test]
    fn a_day_that_never_was_is_nobodys_turn() {
        let rotation =
            Rotation { every: Turn::Days(1), time_zone: zone("Pacific/Apia"), start: date(2011, 12, 28), ..weekly() };
        let (turn, end) = rotation.turn_at(at("2011-12-29T20:00:00-10"));
        assert_eq!((turn, end), (1, at("2011-12-31T09:00:00+14")));
        assert_eq!(rotation.turn_at(end).0, 3);
    }

    #[test]
    fn the_ends_of_time_have_turns_too() {
        for every in [Turn::Hours(0), Turn::Hours(u32::MAX), Turn::Days(1), Turn::Weeks(u32::MAX)] {
            let rotation = Rotation { every, ..weekly() };
            assert!(rotation.turn_at(Timestamp::MIN).0 <= 0);
            assert_eq!(rotation.turn_at(Timestamp::MAX).1, Timestamp::MAX);
        }
    }

    prop_compose! {
        fn rotations()(
            every in prop_oneof![
                (1_u32..200).prop_map(Turn::Hours),
                (1_u32..40).prop_map(Turn::Days),
                (1_u32..6).prop_map(Turn::Weeks),
            ],
            weekday in proptest::option::of((1_i8..=7).prop_map(|day| Weekday::from_monday_one_offset(day).unwrap())),
            minute in 0_i8..60,
            hour in 0_i8..24,
            zone_name in proptest::sample::select(ZONES.to_vec()),
            days in 0_i32..2000,
        ) -> Rotation {
            Rotation {
                every,
                weekday,
                time: jiff::civil::time(hour, minute, 0, 0),
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
            for _ in 0..20 {
                let (turn, end) = rotation.turn_at(t);
                prop_assert!(end > t);
                let just_before = end.checked_sub(SignedDuration::from_nanos(1)).unwrap();
                prop_assert_eq!(rotation.turn_at(just_before), (turn, end));
                let (next, _) = rotation.turn_at(end);
                let skips_a_day = rotation.time_zone.iana_name() == Some("Pacific/Apia");
                prop_assert!(next == turn + 1 || (skips_a_day && next == turn + 2), "{} then {}", turn, next);
                t = end;
            }
        }

        #[test]
        fn hand_offs_are_at_the_local_time_unless_the_clocks_skip_it(
            rotation in rotations(),
            second in 1_700_000_000_i64..2_000_000_000,
        ) {
            let t = Timestamp::from_second(second).unwrap();
            let (_, end) = rotation.turn_at(t);
            match rotation.every {
                Turn::Hours(hours) => {
                    let first = rotation.begin(0).unwrap();
                    prop_assert_eq!(end.duration_since(first).as_secs() % (i64::from(hours) * 3600), 0);
                }
                Turn::Days(_) | Turn::Weeks(_) => {
                    let local = end.to_zoned(rotation.time_zone.clone());
                    let wanted = local.date().to_datetime(rotation.time);
                    let skipped = matches!(
                        rotation.time_zone.to_ambiguous_timestamp(wanted).offset(),
                        jiff::tz::AmbiguousOffset::Gap { .. }
                    );
                    prop_assert!(local.time() == rotation.time || skipped, "{}", local);
                    if let (Turn::Weeks(_), Some(weekday)) = (rotation.every, rotation.weekday) {
                        prop_assert_eq!(local.weekday(), weekday);
                    }
                }
            }
        }
    }
}
