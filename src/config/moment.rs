//! A moment as a person writes it: `--at` of `explain`, and `at` of `[[tests]]`.

use std::str::FromStr;

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::time;

/// A moment, some of them only together with a time zone and another moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// `2026-11-02T03:00:00Z`: whatever the time zone.
    Exact(Timestamp),
    /// `2026-11-02 03:00`: in a time zone.
    Local(DateTime),
    /// `03:00`, or `Sat 03:00`: on the same day as another moment, or on the first such day from then on.
    TimeOfDay(Option<Weekday>, Time),
}

/// The text is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time: write `2026-11-02T03:00:00+13:00`, `2026-11-02 03:00`, `03:00` or `Sat 03:00`")]
pub struct MomentError(pub String);

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Ok(Self::Exact(moment));
        }
        if let Ok(zoned) = text.parse::<Zoned>() {
            return Ok(Self::Exact(zoned.timestamp()));
        }
        // A date alone is taken for its midnight by the parser, which nobody would mean.
        if text.contains(':') && text.contains('-') {
            return text.parse().map(Self::Local).map_err(|_| MomentError(text.to_owned()));
        }
        match time::handoff(text) {
            Ok((weekday, time)) => Ok(Self::TimeOfDay(weekday, time)),
            Err(_) => text.parse().map(|time| Self::TimeOfDay(None, time)).map_err(|_| MomentError(text.to_owned())),
        }
    }
}

impl Moment {
    /// The point in time, where `near` is the moment whose day is meant. A local time that a change of the clocks
    /// leaves out is as much later as they skip.
    pub fn resolve(&self, near: Timestamp, zone: &TimeZone) -> Timestamp {
        let local = |date_time: DateTime| date_time.to_zoned(zone.clone()).map_or(near, |zoned| zoned.timestamp());
        match self {
            Self::Exact(moment) => *moment,
            Self::Local(date_time) => local(*date_time),
            Self::TimeOfDay(weekday, time) => {
                let day = near.to_zoned(zone.clone()).date();
                let ahead = weekday.map_or(0, |weekday| i64::from(day.weekday().until(weekday)));
                let day = day.checked_add(SignedDuration::from_hours(24 * ahead)).unwrap_or(day);
                local(day.to_datetime(*time))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_may_be_exact_local_or_a_time_of_day() {
        // A Monday, 15:00 in Auckland.
        let near: Timestamp = "2026-11-02T02:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        let read = |text: &str| text.parse::<Moment>().unwrap().resolve(near, &zone).to_string();
        assert_eq!(read("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00Z");
        assert_eq!(read("2026-01-01T00:00:00+13:00"), "2025-12-31T11:00:00Z");
        assert_eq!(read("2026-11-03 03:00"), "2026-11-02T14:00:00Z");
        assert_eq!(read("2026-11-03T03:00:30"), "2026-11-02T14:00:30Z");
        assert_eq!(read("03:00"), "2026-11-01T14:00:00Z");
        assert_eq!(read("03:00:30"), "2026-11-01T14:00:30Z");
        assert_eq!(read("Mon 03:00"), "2026-11-01T14:00:00Z");
        assert_eq!(read("sat 03:00"), "2026-11-06T14:00:00Z");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "soon", "2026-11-02", "25:00", "Xyz 03:00", "2026-13-02 03:00"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
