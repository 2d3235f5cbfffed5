//! Dates, moments and time zones as a calendar file writes them.

use std::borrow::Cow;

use calcard::common::PartialDateTime;
use calcard::icalendar::timezone::TzResolver;
use calcard::icalendar::{ICalendarEntry, ICalendarParameterName, ICalendarPeriod, ICalendarValue};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::oncall::hours::moment;

/// A date or a moment, as the file says it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum When {
    /// A day: from midnight in the time zone of the rota.
    Day(Date),
    /// A local time and its time zone.
    Local(DateTime, TimeZone),
}

impl When {
    /// Its local time and time zone.
    pub fn place(&self, default: &TimeZone) -> (TimeZone, DateTime) {
        match self {
            Self::Day(day) => (default.clone(), day.to_datetime(Time::midnight())),
            Self::Local(local, zone) => (zone.clone(), *local),
        }
    }

    /// The moment that is meant; `None` beyond the years -9999 to 9999.
    pub fn moment(&self, default: &TimeZone) -> Option<Timestamp> {
        let (zone, local) = self.place(default);
        moment(&zone, local.date(), local.time())
    }
}

/// What the names of time zones in a file mean.
pub(super) struct Zones<'a> {
    pub resolver: TzResolver<&'a str>,
    pub default: &'a TimeZone,
}

impl Zones<'_> {
    /// The one date or moment of a property.
    pub fn when(&self, entry: &ICalendarEntry) -> Result<When, String> {
        match self.all(entry)?.as_slice() {
            [when] => Ok(when.clone()),
            _ => Err(format!("has a `{}` that is no date", entry.name.as_str())),
        }
    }

    /// All dates and moments of a property.
    pub fn all(&self, entry: &ICalendarEntry) -> Result<Vec<When>, String> {
        let fault = || format!("has a `{}` that is no date", entry.name.as_str());
        if let Some(range) = entry.parameter(&ICalendarParameterName::Range) {
            return Err(format!("changes a whole series (`RANGE={}`)", range.as_text().unwrap_or("…")));
        }
        let zone = entry.tz_id().map(|name| self.named(name)).transpose()?;
        let value = |value: &ICalendarValue| match value {
            ICalendarValue::PartialDateTime(value) => {
                Self::partial(value, zone.as_ref().unwrap_or(self.default)).ok_or_else(fault)
            }
            ICalendarValue::Period(ICalendarPeriod::Range { .. } | ICalendarPeriod::Duration { .. }) => {
                Err(format!("has a period as `{}`", entry.name.as_str()))
            }
            _ => Err(fault()),
        };
        entry.values.iter().map(value).collect()
    }

    fn partial(value: &PartialDateTime, zone: &TimeZone) -> Option<When> {
        let day = day_of(value)?;
        let Some(local) = time_of(value).map(|time| day.to_datetime(time)) else { return Some(When::Day(day)) };
        match (value.tz_hour, value.tz_minute) {
            (None, _) => Some(When::Local(local, zone.clone())),
            (Some(hours), minutes) => {
                let seconds = i32::from(hours) * 3600 + i32::from(minutes.unwrap_or(0)) * 60;
                let offset = jiff::tz::Offset::from_seconds(if value.tz_minus { -seconds } else { seconds }).ok()?;
                Some(When::Local(local, offset.to_time_zone()))
            }
        }
    }

    /// A time zone of the IANA database, or what Outlook and others call it.
    fn named(&self, name: &str) -> Result<TimeZone, String> {
        if let Ok(zone) = TimeZone::get(name) {
            return Ok(zone);
        }
        let known = self.resolver.resolve(name).and_then(|zone| zone.name().map(Cow::into_owned));
        known
            .and_then(|name| TimeZone::get(&name).ok())
            .ok_or_else(|| format!("has the time zone `{}`, which is unknown", short(name)))
    }
}

/// The day, if it is one.
pub(super) fn day_of(value: &PartialDateTime) -> Option<Date> {
    let (month, day) = (i8::try_from(value.month?).ok()?, i8::try_from(value.day?).ok()?);
    Date::new(i16::try_from(value.year?).ok()?, month, day).ok()
}

/// The time of day, where there is one.
pub(super) fn time_of(value: &PartialDateTime) -> Option<Time> {
    let part = |part: Option<u8>| i8::try_from(part.unwrap_or(0)).ok();
    // A leap second is the last one before it.
    Time::new(i8::try_from(value.hour?).ok()?, part(value.minute)?, part(value.second)?.min(59), 0).ok()
}

/// The beginning of a text that somebody else wrote, on one line.
pub(super) fn short(text: &str) -> String {
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(61).collect();
    if line.chars().count() > 60 { format!("{}…", line.chars().take(60).collect::<String>()) } else { line }
}
