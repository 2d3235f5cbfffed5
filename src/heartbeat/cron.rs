//! A time as crontab(5) writes it: minute, hour, day of the month, month, day of the week.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

/// So far is looked for the next time: 29 February is a Monday once in 28 years, and in 40 where a century lies between.
const DAYS: i32 = 41 * 366;

/// Days of the week, from 0.
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Months, from 1.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Short forms.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The five fields, each as the set of what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// What one field allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    /// A bit for each value.
    allowed: u64,
    /// Whether it is written with a star: then it says nothing of its own.
    star: bool,
}

/// Why a text is no such time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CronError(String);

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let text = text.trim();
        let nickname = NICKNAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
        let fields: Vec<&str> = nickname.map_or(text, |(_, fields)| fields).split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            let known = NICKNAMES.map(|(name, _)| name).join(", ");
            return Err(CronError(match text.strip_prefix('@') {
                Some(_) => format!("`{text}` is not known here; known are {known}"),
                None => format!("`{text}` has {} fields, where crontab has 5", fields.len()),
            }));
        };
        let cron = Self {
            minutes: field(minutes, "minute", 0..=59, &[])?,
            hours: field(hours, "hour", 0..=23, &[])?,
            days: field(days, "day of the month", 1..=31, &[])?,
            months: field(months, "month", 1..=12, &MONTHS)?,
            weekdays: field(weekdays, "day of the week", 0..=7, &WEEKDAYS)?.with_sunday_as_0(),
        };
        if cron.neighbours(&TimeZone::UTC, Timestamp::UNIX_EPOCH).1 == Timestamp::MAX {
            return Err(CronError(format!("there is no day on which `{text}` comes")));
        }
        Ok(cron)
    }
}

impl Cron {
    /// The last time at or before `at`, and the first one after it. Of a local time that comes twice when the clocks
    /// change the first counts, and one that is left out is as much later; with a star for the hour it is by the clock of
    /// the world, as cron does it: what is left out is not, what comes twice is twice.
    pub fn neighbours(&self, zone: &TimeZone, at: Timestamp) -> (Timestamp, Timestamp) {
        let today = at.to_zoned(zone.clone()).date();
        let before = self.nearest(zone, today, -1, |time| time <= at).into_iter().max();
        let after = self.nearest(zone, today, 1, |time| time > at).into_iter().min();
        (before.unwrap_or(Timestamp::MIN), after.unwrap_or(Timestamp::MAX))
    }

    /// Whether it comes each minute of some hours only: mostly a `*` that should be a 0.
    pub fn fills_hours(&self) -> bool {
        self.minutes.star && self.minutes.allowed == bits(0..=59) && self.hours.allowed != bits(0..=23)
    }

    /// The times that count of the nearest day with such, from the day before (or after) `today` on, in this direction;
    /// and of the day beyond, since a change of the clocks may move a time into the next day.
    fn nearest(&self, zone: &TimeZone, today: Date, step: i32, counts: impl Fn(Timestamp) -> bool) -> Vec<Timestamp> {
        let mut found = Vec::new();
        for offset in -1..=DAYS {
            let Ok(date) = today.checked_add((offset * step).days()) else { break };
            let had = !found.is_empty();
            if self.has_day(date) {
                found.extend(self.times(zone, date).into_iter().filter(|time| counts(*time)));
            }
            if had {
                break;
            }
        }
        found
    }

    /// As in cron: where day and weekday are both given, either is enough.
    fn has_day(&self, date: Date) -> bool {
        let day = self.days.allows(date.day());
        let weekday = self.weekdays.allows(date.weekday().to_sunday_zero_offset());
        let fits = if self.days.star || self.weekdays.star { day && weekday } else { day || weekday };
        fits && self.months.allows(date.month())
    }

    fn times(&self, zone: &TimeZone, date: Date) -> Vec<Timestamp> {
        let mut times = Vec::new();
        for hour in self.hours.values(0..=23) {
            for minute in self.minutes.values(0..=59) {
                let Ok(time) = Time::new(hour, minute, 0, 0) else { continue };
                let local = zone.to_ambiguous_timestamp(date.to_datetime(time));
                match local.offset() {
                    AmbiguousOffset::Gap { .. } if self.hours.star => {}
                    AmbiguousOffset::Fold { .. } if self.hours.star => {
                        times.extend([local.earlier(), local.later()].into_iter().flatten());
                    }
                    AmbiguousOffset::Unambiguous { .. }
                    | AmbiguousOffset::Gap { .. }
                    | AmbiguousOffset::Fold { .. } => times.extend(local.compatible()),
                }
            }
        }
        times
    }
}

impl Field {
    fn allows(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.allowed.checked_shr(value).is_some_and(|rest| rest & 1 == 1))
    }

    fn values(self, range: std::ops::RangeInclusive<i8>) -> impl Iterator<Item = i8> {
        range.filter(move |value| self.allows(*value))
    }

    /// Both 0 and 7 are Sunday.
    fn with_sunday_as_0(self) -> Self {
        let allowed = if self.allows(7) { self.allowed & !bits(7..=7) | 1 } else { self.allowed };
        Self { allowed, ..self }
    }
}

fn bits(range: std::ops::RangeInclusive<u32>) -> u64 {
    range.fold(0, |bits, value| bits | 1 << value)
}

/// One field: a list of values, ranges and stars, each with a step if need be.
fn field(text: &str, what: &str, range: std::ops::RangeInclusive<u32>, names: &[&str]) -> Result<Field, CronError> {
    let fault = |why: &dyn fmt::Display| CronError(format!("`{text}` is no {what}: {why}"));
    let mut allowed = 0;
    for part in text.split(',') {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => {
                let step = step.parse::<u32>().ok().filter(|step| *step > 0);
                (span, Some(step.ok_or_else(|| fault(&"a step is a number from 1"))?))
            }
            None => (part, None),
        };
        let value = |word: &str| {
            let first = *range.start();
            let by_name =
                (first..).zip(names).find(|(_, name)| word.eq_ignore_ascii_case(name)).map(|(value, _)| value);
            let value = by_name.or_else(|| word.parse().ok()).filter(|value| range.contains(value));
            value.ok_or_else(|| match names.first() {
                Some(name) => fault(&format!("it is from {first} to {}, or a name such as `{name}`", range.end())),
                None => fault(&format!("it is from {first} to {}", range.end())),
            })
        };
        let (from, to) = match (span, span.split_once('-')) {
            ("*", _) => (*range.start(), *range.end()),
            (_, Some((from, to))) => {
                let (from, to) = (value(from)?, value(to)?);
                // `fri-sun`: Sunday is 7, too.
                (from, if to == 0 && *range.end() == 7 && from > 0 { 7 } else { to })
            }
            (one, None) if step.is_some() => {
                return Err(fault(&format!("a step goes with a range: write `{one}-{}/…`", range.end())));
            }
            (one, None) => (value(one)?, value(one)?),
        };
        if from > to {
            return Err(fault(&format!("`{span}` goes backwards: write two ranges, with a comma between")));
        }
        let step = usize::try_from(step.unwrap_or(1)).unwrap_or(usize::MAX);
        for value in (from..=to).step_by(step) {
            allowed |= 1 << value;
        }
    }
    Ok(Field { allowed, star: text.starts_with('*') })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(text: &str) -> Cron {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn around(text: &str, zone: &str, at: &str) -> (String, String) {
        let zone = TimeZone::get(zone).unwrap();
        let (before, after) = cron(text).neighbours(&zone, at.parse().unwrap());
        (before.to_string(), after.to_string())
    }

    /// The first times after `at`.
    fn next(text: &str, zone: &str, at: &str, count: usize) -> Vec<String> {
        let (zone, cron) = (TimeZone::get(zone).unwrap(), cron(text));
        let mut at: Timestamp = at.parse().unwrap();
        let mut step = || {
            at = cron.neighbours(&zone, at).1;
            at.to_string()
        };
        (0..count).map(|_| step()).collect()
    }

    #[test]
    fn weekdays_at_half_past_two() {
        let (before, after) = around("30 2 * * 1-5", "Pacific/Auckland", "2026-11-06T13:30:00Z");
        assert_eq!((before.as_str(), after.as_str()), ("2026-11-05T13:30:00Z", "2026-11-08T13:30:00Z"), "a Saturday");
        let (before, after) = around("30 2 * * 1-5", "UTC", "2026-11-06T02:30:00Z");
        assert_eq!((before.as_str(), after.as_str()), ("2026-11-06T02:30:00Z", "2026-11-09T02:30:00Z"), "at its time");
    }

    #[test]
    fn lists_steps_names_and_nicknames() {
        assert_eq!(
            next("0 8-18/5,23 * * *", "UTC", "2026-11-02T07:00:00Z", 4).join(" "),
            "2026-11-02T08:00:00Z 2026-11-02T13:00:00Z 2026-11-02T18:00:00Z 2026-11-02T23:00:00Z"
        );
        assert_eq!(
            next("*/20 * * * *", "UTC", "2026-11-02T07:00:00Z", 3).join(" "),
            "2026-11-02T07:20:00Z 2026-11-02T07:40:00Z 2026-11-02T08:00:00Z"
        );
        assert_eq!(cron("0 6 * jan,DEC Fri-sun"), cron("0 6 * 1,12 5-7"));
        assert_eq!(cron("0 6 * * 7"), cron("0 6 * * 0"));
        assert_eq!(cron("@daily"), cron("0 0 * * *"));
        assert_eq!(cron("@Weekly"), cron("0 0 * * sun"));
    }

    #[test]
    fn day_or_weekday_where_both_are_given() {
        // Friday, or the 13th: 2026-11-06 is a Friday.
        let days: Vec<String> = next("0 0 13 * fri", "UTC", "2026-12-05T00:00:00Z", 3);
        assert_eq!(days.join(" "), "2026-12-11T00:00:00Z 2026-12-13T00:00:00Z 2026-12-18T00:00:00Z");
        // A star with a step is a star: both must fit.
        let days: Vec<String> = next("0 0 */2 * mon", "UTC", "2026-11-01T12:00:00Z", 2);
        assert_eq!(days.join(" "), "2026-11-09T00:00:00Z 2026-11-23T00:00:00Z");
    }

    #[test]
    fn rare_days_are_found_and_impossible_ones_refused() {
        assert_eq!(next("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), ["2104-02-29T00:00:00Z"]);
        assert_eq!(
            next("0 0 31 * *", "UTC", "2026-11-01T00:00:00Z", 2).join(" "),
            "2026-12-31T00:00:00Z 2027-01-31T00:00:00Z"
        );
        assert!("0 0 30 2 *".parse::<Cron>().unwrap_err().to_string().contains("no day on which"));
        assert!("0 0 31 4,6 *".parse::<Cron>().is_err());
    }

    #[test]
    fn a_fixed_time_comes_once_when_the_clocks_change() {
        // 29 March 2026: 02:00 CET becomes 03:00 CEST. 25 October 2026: 03:00 CEST becomes 02:00 CET.
        let next = |at: &str| next("30 2 * * *", "Europe/Vienna", at, 2).join(" ");
        assert_eq!(next("2026-03-28T12:00:00Z"), "2026-03-29T01:30:00Z 2026-03-30T00:30:00Z", "03:30 CEST");
        assert_eq!(next("2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z", "the first one");
        // Lord Howe moves by half an hour: 4 October 2026, 02:00 becomes 02:30.
        let howe = |at: &str| super::tests::next("15 2 * * *", "Australia/Lord_Howe", at, 2).join(" ");
        assert_eq!(howe("2026-10-03T00:00:00Z"), "2026-10-03T15:45:00Z 2026-10-04T15:15:00Z");
    }

    #[test]
    fn what_comes_each_hour_goes_by_the_clock_of_the_world() {
        let hours = next("0 * * * *", "Europe/Vienna", "2026-10-24T23:30:00Z", 4).join(" ");
        assert_eq!(hours, "2026-10-25T00:00:00Z 2026-10-25T01:00:00Z 2026-10-25T02:00:00Z 2026-10-25T03:00:00Z");
        let hours = next("0 * * * *", "Europe/Vienna", "2026-03-28T23:30:00Z", 4).join(" ");
        assert_eq!(hours, "2026-03-29T00:00:00Z 2026-03-29T01:00:00Z 2026-03-29T02:00:00Z 2026-03-29T03:00:00Z");
    }

    #[test]
    fn a_day_that_a_country_has_left_out_hurts_nothing() {
        // Samoa had no 30 December 2011.
        let days = next("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3);
        assert!(days.windows(2).all(|pair| pair[0] < pair[1]), "{days:?}");
    }

    #[test]
    fn before_and_after_always_meet() {
        let patterns = ["30 2 * * *", "*/15 * * * *", "0 9 1,15 * *", "0 0 29 2 *", "5 4 * * sun", "0 */2 * * *"];
        for zone in ["Europe/Vienna", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "UTC"] {
            let zone = TimeZone::get(zone).unwrap();
            for cron in patterns.map(cron) {
                let mut at: Timestamp = "2026-03-20T00:00:00Z".parse().unwrap();
                for _ in 0..20 {
                    let (before, after) = cron.neighbours(&zone, at);
                    assert!(before <= at && at < after, "{cron:?} {before} {at} {after}");
                    assert_eq!(cron.neighbours(&zone, after).0, after, "{cron:?}: each is its own last");
                    assert_eq!(cron.neighbours(&zone, before).1, after, "{cron:?}: nothing lies between");
                    at += jiff::SignedDuration::from_hours(89);
                }
            }
        }
    }

    #[test]
    fn the_end_of_time_is_no_trouble() {
        assert_eq!(cron("0 0 * * *").neighbours(&TimeZone::UTC, Timestamp::MAX).1, Timestamp::MAX);
        cron("0 0 * * *").neighbours(&TimeZone::get("Pacific/Auckland").unwrap(), Timestamp::MIN);
    }

    #[test]
    fn mistakes_are_told() {
        let why = |text: &str| text.parse::<Cron>().unwrap_err().to_string();
        assert!(why("30 2 * *").contains("has 4 fields"));
        assert!(why("0 30 2 * * *").contains("has 6 fields"));
        assert!(why("@reboot").contains("@daily"));
        assert!(why("60 * * * *").contains("`60` is no minute: it is from 0 to 59"));
        assert!(why("0 24 * * *").contains("no hour"));
        assert!(why("0 0 0 * *").contains("from 1 to 31"));
        assert!(why("0 0 * * monday").contains("a name such as `sun`"));
        assert!(why("0 22-2 * * *").contains("goes backwards"));
        assert!(why("5/15 * * * *").contains("write `5-59/…`"));
        assert!(why("*/0 * * * *").contains("a step is a number from 1"));
        assert!(why("1,,2 * * * *").contains("no minute"));
        assert!(why("-1 * * * *").contains("no minute") && why("* * * * 1-9").contains("day of the week"));
        assert!(
            cron("* 2 * * *").fills_hours() && !cron("0 2 * * *").fills_hours() && !cron("* * * * *").fills_hours()
        );
    }
}
