//! Hours of the week: when a layer of a schedule counts.

use std::fmt;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::Stretch;

/// Hours of the week, in local time: `{ on = "Mon-Fri", between = "18:00-08:00" }`, or several such spans together.
///
/// A span belongs to the day on which it begins: `on = "Fri", between = "22:00-07:00"` ends on Saturday at 07:00. Its
/// ends keep their local time when the clocks change; one that the clocks skip is as much later as they skip, one that
/// they show twice is the first (RFC 5545 section 3.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Together; none: never.
    pub spans: Vec<HourSpan>,
}

/// One span of [`Hours`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourSpan {
    /// The days on which it begins.
    #[serde(with = "stored::days")]
    pub days: Vec<Weekday>,
    /// From when until when; past midnight where the end is not after the beginning. `None`: the whole day.
    pub between: Option<(Time, Time)>,
    /// Whose local time is meant.
    #[serde(with = "stored::zone")]
    pub time_zone: TimeZone,
}

impl Hours {
    /// Whether they hold at `t`, and how long nothing changes that.
    pub fn at(&self, t: Timestamp) -> Stretch<bool> {
        let mut found = Stretch::always(false);
        for span in &self.spans {
            for (from, until) in span.near(t) {
                found.what |= from <= t && t < until;
                // What the clocks have left nothing of has no ends.
                if from < until {
                    found.cut(t, [from, until]);
                }
            }
        }
        found
    }
}

impl HourSpan {
    /// Those from nine days before `t` to eight days after it: the one in which `t` is, if any, the last and the next.
    fn near(&self, t: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let today = t.to_zoned(self.time_zone.clone()).date();
        // Nine days before: a span may be of yesterday, and a time zone may have skipped a day (Pacific/Apia, 2011-12-30).
        let days = (-9..=8).filter_map(move |ahead| today.checked_add(Span::new().days(ahead)).ok());
        days.filter(|day| self.days.contains(&day.weekday())).filter_map(|day| self.on(day))
    }

    fn on(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let (from, until) = self.between.unwrap_or((Time::midnight(), Time::midnight()));
        let last = if until > from { day } else { day.tomorrow().ok()? };
        Some((moment(&self.time_zone, day, from)?, moment(&self.time_zone, last, until)?))
    }
}

/// As the rule file writes it: `Mon-Fri 08:00-18:00 Europe/Berlin or Sat Europe/Berlin`.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, span) in self.spans.iter().enumerate() {
            let or = if index == 0 { "" } else { " or " };
            write!(f, "{or}{span}")?;
        }
        Ok(())
    }
}

impl fmt::Display for HourSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.days.len() < 7 {
            parts.push(days(&self.days));
        }
        if let Some((from, until)) = self.between {
            let clock = |time: Time| time.strftime("%H:%M").to_string();
            let until = if until == Time::midnight() { "24:00".to_owned() } else { clock(until) };
            parts.push(format!("{}-{until}", clock(from)));
        }
        parts.extend(self.time_zone.iana_name().map(str::to_owned));
        f.write_str(&parts.join(" "))
    }
}

/// `Mon-Fri`, `Sat,Sun`: three or more in a row are a range.
fn days(days: &[Weekday]) -> String {
    let mut runs: Vec<Vec<Weekday>> = Vec::new();
    for day in days {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| last.next() == *day) => run.push(*day),
            Some(_) | None => runs.push(vec![*day]),
        }
    }
    let runs = runs.iter().map(|run| match run.as_slice() {
        [first, _, .., last] => format!("{}-{}", name(*first), name(*last)),
        few => few.iter().map(|day| name(*day)).collect::<Vec<_>>().join(","),
    });
    runs.collect::<Vec<_>>().join(",")
}

fn name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    }
}

/// How hours lie in the store, within the policy of an alert.
mod stored {
    /// Days as numbers, from 1 for Monday.
    pub mod days {
        use jiff::civil::Weekday;
        use serde::de::Error;
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        pub fn serialize<S: Serializer>(days: &[Weekday], serializer: S) -> Result<S::Ok, S::Error> {
            days.iter().map(|day| day.to_monday_one_offset()).collect::<Vec<_>>().serialize(serializer)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Weekday>, D::Error> {
            let days = Vec::<i8>::deserialize(deserializer)?;
            days.into_iter().map(|day| Weekday::from_monday_one_offset(day).map_err(D::Error::custom)).collect()
        }
    }

    /// A time zone by its name. One that is not known (any more) is read as UTC: an alert that cannot be read would be a
    /// lost one. The rule file's hours of steps all have a zone with a name.
    pub mod zone {
        use jiff::tz::TimeZone;
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        pub fn serialize<S: Serializer>(zone: &TimeZone, serializer: S) -> Result<S::Ok, S::Error> {
            zone.iana_name().serialize(serializer)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
            let name = Option::<String>::deserialize(deserializer)?;
            Ok(name.and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC))
        }
    }
}

/// The moment at which a local time comes; `None` beyond the years -9999 to 9999.
pub(super) fn moment(time_zone: &TimeZone, day: Date, time: Time) -> Option<Timestamp> {
    time_zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::time;
    use proptest::prelude::*;

    use super::*;

    const WEEK: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn hours(days: &[Weekday], between: Option<(i8, i8)>) -> Hours {
        let between = between.map(|(from, until)| (time(from, 0, 0, 0), time(until, 0, 0, 0)));
        let time_zone = TimeZone::get("Europe/Berlin").unwrap();
        Hours { spans: vec![HourSpan { days: days.to_vec(), between, time_zone }] }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let friday_night = hours(&[Weekday::Friday], Some((22, 7)));
        assert!(!friday_night.at(at("2026-11-06T21:59:59+01")).what);
        let night = friday_night.at(at("2026-11-07T03:00:00+01"));
        assert!(night.what);
        assert_eq!((night.since, night.until), (at("2026-11-06T22:00:00+01"), at("2026-11-07T07:00:00+01")));
        assert!(!friday_night.at(at("2026-11-07T07:00:00+01")).what);
        assert!(!friday_night.at(at("2026-11-06T03:00:00+01")).what, "that is Thursday's night");
    }

    #[test]
    fn the_ends_keep_their_local_time_when_the_clocks_change() {
        let sunday = hours(&[Weekday::Sunday], None).at(at("2026-03-29T12:00:00+02"));
        assert_eq!(sunday.until.duration_since(sunday.since).as_hours(), 23);
        let night = hours(&[Weekday::Saturday], Some((20, 8))).at(at("2026-10-25T01:00:00Z"));
        assert_eq!((night.what, night.until), (true, at("2026-10-25T08:00:00+01")));
        assert_eq!(night.until.duration_since(night.since).as_hours(), 13);
    }

    #[test]
    fn several_spans_hold_together() {
        let mut off_hours = hours(&WEEK[..5], Some((18, 8)));
        off_hours.spans.extend(hours(&WEEK[5..], None).spans);
        for (t, expected) in [
            ("2026-11-06T17:59:00+01", false),
            ("2026-11-06T18:00:00+01", true),
            ("2026-11-07T12:00:00+01", true),
            ("2026-11-08T23:59:00+01", true),
            // Sunday's day ends at midnight, and no night begins on a Sunday.
            ("2026-11-09T00:00:00+01", false),
        ] {
            assert_eq!(off_hours.at(at(t)).what, expected, "{t}");
        }
    }

    proptest! {
        #[test]
        fn nothing_changes_within_a_stretch_and_time_goes_on_after_it(
            zone in proptest::sample::select(vec!["Pacific/Apia", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York"]),
            from in 0_i8..24,
            until in 0_i8..24,
            day in 0_usize..7,
            number in 1_usize..=7,
            second in 1_300_000_000_i64..2_000_000_000,
        ) {
            let days = WEEK.iter().cycle().skip(day).take(number).copied().collect();
            let time_zone = TimeZone::get(zone).unwrap();
            let between = (from != until).then(|| (time(from, 0, 0, 0), time(until, 0, 0, 0)));
            let hours = Hours { spans: vec![HourSpan { days, between, time_zone }] };
            let mut t = Timestamp::from_second(second).unwrap();
            let mut before: Option<Timestamp> = None;
            for _ in 0..30 {
                let found = hours.at(t);
                // From the second on, `t` is a boundary itself.
                prop_assert!(before.is_none() || found.since == t);
                let late = found.until - SignedDuration::from_nanos(1);
                prop_assert!(before.is_none() || hours.at(late).since == t, "{} of {}", hours.at(late).since, t);
                before = Some(t);
                prop_assert!(found.since <= t && t < found.until);
                for moment in [found.since, found.until - SignedDuration::from_nanos(1)] {
                    prop_assert_eq!(hours.at(moment).what, found.what, "{}", moment);
                }
                t = found.until;
            }
        }
    }
}
