//! What texts about time mean: durations, turns, hand-offs, hours, days, time zones.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Unit};

use super::scalar::Fault;
use super::suggest::nearest;
use crate::heartbeat::Slot;
use crate::oncall::rotation::Turn;

/// A duration in jiff's friendly form. A day is 24 hours and a week 7 days: how long something may take, not when.
pub(super) fn duration(text: &str) -> Result<SignedDuration, Fault> {
    let fault = || {
        let hint = "write for example `90s`, `5m`, `1h 30m`, `2 days` or `1 week`";
        Fault::new(format!("`{text}` is not a duration")).hint(hint)
    };
    let span: Span = text.trim().parse().map_err(|_| fault())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(fault().hint("months and years have no fixed length: write it in weeks or days"));
    }
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| fault())?;
    if duration.is_negative() {
        return Err(Fault::new(format!("`{text}` is a negative duration")));
    }
    Ok(duration)
}

/// A duration within bounds, both included.
pub(super) fn duration_within(
    text: &str,
    least: SignedDuration,
    most: SignedDuration,
) -> Result<SignedDuration, Fault> {
    let found = duration(text)?;
    if found < least || found > most {
        return Err(Fault::new(format!("`{text}` is not between {} and {}", friendly(least), friendly(most))));
    }
    Ok(found)
}

/// How long a turn of a rotation lasts: whole hours, days or weeks.
pub(super) fn turn(text: &str) -> Result<Turn, Fault> {
    let fault = |message: &str| {
        Fault::new(format!("`{text}` {message}")).hint("write for example `12h`, `1 day`, `7 days` or `2 weeks`")
    };
    duration(text)?;
    let span: Span = text.trim().parse().map_err(|_| fault("is not the length of a turn"))?;
    let finer = span.get_minutes() != 0
        || span.get_seconds() != 0
        || span.get_milliseconds() != 0
        || span.get_microseconds() != 0
        || span.get_nanoseconds() != 0;
    let count = |n: i64| u32::try_from(n).ok().filter(|n| (1..=10_000).contains(n));
    let (weeks, days, hours) = (i64::from(span.get_weeks()), i64::from(span.get_days()), i64::from(span.get_hours()));
    let turn = match (weeks, days, hours) {
        _ if finer => None,
        (weeks, 0, 0) => count(weeks).map(Turn::Weeks),
        (weeks, days, 0) => count(weeks * 7 + days).map(Turn::Days),
        (0, 0, hours) => count(hours).map(Turn::Hours),
        _ => None,
    };
    turn.ok_or_else(|| fault("is not a whole number of hours, days or weeks"))
}

/// The hand-off of a rotation: `Mon 09:00`, or `09:00`.
pub(super) fn handoff(text: &str) -> Result<(Option<Weekday>, Time), Fault> {
    let hint = "write for example `Mon 09:00` or `09:00`";
    let mut words = text.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(hour), None, None) => Ok((None, time(hour).map_err(|fault| fault.hint(hint))?)),
        (Some(day), Some(hour), None) => Ok((Some(weekday(day)?), time(hour).map_err(|fault| fault.hint(hint))?)),
        _ => Err(Fault::new(format!("`{text}` is not a day and a time")).hint(hint)),
    }
}

/// When a mail must come: `Mon-Fri 06:00`, or `06:00` for every day.
pub(super) fn slot(text: &str) -> Result<Slot, Fault> {
    let hint = "write for example `06:00` or `Mon-Fri 06:00`";
    let text = text.trim();
    let (on, hour) = text.rsplit_once(char::is_whitespace).unwrap_or(("", text));
    if hour.starts_with("24:") {
        return Err(Fault::new(format!("`{hour}` is a time of the next day")).hint("write `00:00` and that day"));
    }
    let time = time(hour).map_err(|fault| fault.hint(hint))?;
    let days = if on.is_empty() { (every_day(), None) } else { days(on).map_err(|fault| fault.hint(hint))? };
    match days {
        (days, None) => Ok(Slot { days, time }),
        (_, Some(_)) => Err(Fault::new(format!("`{on}` names a time zone")).hint("write it under `time_zone`")),
    }
}

/// `09:00`, to the minute; `24:00` is midnight.
fn time(text: &str) -> Result<Time, Fault> {
    let fault = || Fault::new(format!("`{text}` is not a time of day")).hint("write for example `22:00`");
    let (hour, minute) = text.split_once(':').ok_or_else(fault)?;
    let number = |digits: &str| -> Result<i8, Fault> {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if plain { digits.parse().map_err(|_| fault()) } else { Err(fault()) }
    };
    if minute.len() != 2 {
        return Err(fault());
    }
    match (number(hour)?, number(minute)?) {
        (24, 0) => Ok(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).map_err(|_| fault()),
    }
}

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// Monday to Sunday.
pub(super) fn every_day() -> Vec<Weekday> {
    DAYS.iter().map(|(_, day)| *day).collect()
}

/// A day by its English name, or at least the first three letters of it.
fn weekday(text: &str) -> Result<Weekday, Fault> {
    let name = text.to_lowercase();
    let found = DAYS.iter().find(|(day, _)| name.len() >= 3 && day.starts_with(&name));
    let fault =
        || Fault::new(format!("`{text}` is not a day of the week")).hint("write for example `Sat` or `Saturday`");
    found.map(|(_, day)| *day).ok_or_else(fault)
}

/// A time zone of the IANA database.
pub(super) fn time_zone(name: &str) -> Result<TimeZone, Fault> {
    TimeZone::get(name).map_err(|_| {
        let fault = Fault::new(format!("there is no time zone `{name}`"));
        let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint("write its IANA name, for example `Pacific/Auckland` or `UTC`"),
        }
    })
}

/// `22:00-07:00`, and perhaps a time zone.
pub(super) fn between(text: &str) -> Result<(Time, Time, Option<TimeZone>), Fault> {
    let hint = "write for example `22:00-07:00` or `22:00-07:00 Pacific/Auckland`";
    let (hours, zone) = zoned(text)?;
    let (from, until) =
        hours.split_once('-').ok_or_else(|| Fault::new(format!("`{text}` is not a span of hours")).hint(hint))?;
    let (from, until) = (time(from.trim())?, time(until.trim())?);
    if from == until {
        return Err(Fault::new(format!("`{hours}` begins when it ends")).hint("for the whole day, leave it out"));
    }
    Ok((from, until, zone))
}

/// `Sat,Sun` or `Mon-Fri`, and perhaps a time zone. In the order of the week, each day once.
pub(super) fn days(text: &str) -> Result<(Vec<Weekday>, Option<TimeZone>), Fault> {
    let (written, zone) = zoned(text)?;
    let mut days = Vec::new();
    for part in written.split(',') {
        if let Some((first, last)) = part.split_once('-') {
            let (mut day, end) = (weekday(first.trim())?, weekday(last.trim())?);
            days.push(day);
            while day != end {
                day = day.next();
                days.push(day);
            }
        } else {
            days.push(weekday(part.trim())?);
        }
    }
    days.sort_by_key(|day| day.to_monday_zero_offset());
    days.dedup();
    Ok((days, zone))
}

/// Takes the time zone off the end of a text: its last word, when that has a letter and is no day.
fn zoned(text: &str) -> Result<(&str, Option<TimeZone>), Fault> {
    let text = text.trim();
    let Some((before, last)) = text.rsplit_once(char::is_whitespace) else { return Ok((text, None)) };
    let is_zone = last.starts_with(|c: char| c.is_ascii_alphabetic())
        && !last.split([',', '-']).all(|part| weekday(part.trim()).is_ok())
        && !before.trim_end().ends_with([',', '-']);
    if is_zone { Ok((before.trim_end(), Some(time_zone(last)?))) } else { Ok((text, None)) }
}

/// A duration as one would write it in the rule file.
pub(super) fn friendly(duration: SignedDuration) -> String {
    let hours = duration.as_hours();
    if hours >= 48 && hours % 24 == 0 && duration == SignedDuration::from_hours(hours) {
        return format!("{} days", hours / 24);
    }
    let rounded = Span::try_from(duration).and_then(|span| span.round(jiff::SpanRound::new().largest(Unit::Hour)));
    rounded.map_or_else(|_| format!("{duration:#}"), |span| format!("{span:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_friendly_and_of_fixed_length() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h 30m", 5400), ("1 day", 86_400), ("1 week", 604_800)] {
            assert_eq!(duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "five minutes", "-5m", "5m ago", "1 month", "1y"] {
            assert!(duration(text).is_err(), "{text}");
        }
        let error = duration_within("2 days", SignedDuration::from_secs(10), SignedDuration::from_hours(24));
        assert_eq!(error.unwrap_err().message, "`2 days` is not between 10s and 24h");
    }

    #[test]
    fn turns_are_whole_hours_days_or_weeks() {
        assert_eq!(turn("1 week"), Ok(Turn::Weeks(1)));
        assert_eq!(turn("1 week 2 days"), Ok(Turn::Days(9)));
        assert_eq!(turn("12h"), Ok(Turn::Hours(12)));
        for text in ["0h", "90m", "1 day 12h", "1 month", "week", "-1 week"] {
            assert!(turn(text).is_err(), "{text}");
        }
    }

    #[test]
    fn handoffs_have_a_time_and_perhaps_a_day() {
        assert_eq!(handoff("Mon 09:00"), Ok((Some(Weekday::Monday), Time::constant(9, 0, 0, 0))));
        assert_eq!(handoff("8:30"), Ok((None, Time::constant(8, 30, 0, 0))));
        for text in ["", "Mon", "Moon 09:00", "Mon 9", "Mon 25:00", "Mon 09:60", "Mon 09:00 UTC", "+9:00"] {
            assert!(handoff(text).is_err(), "{text}");
        }
    }

    #[test]
    fn slots_have_a_time_and_perhaps_days() {
        let found = slot("Mon-Fri 06:00").unwrap();
        assert_eq!((found.days.len(), found.time), (5, Time::constant(6, 0, 0, 0)));
        assert_eq!(slot("Sat, Sun 10:30").unwrap().days, [Weekday::Saturday, Weekday::Sunday]);
        assert_eq!(slot("6:00").unwrap().days.len(), 7);
        for text in ["", "Mon", "06", "Fri 24:00", "Mon 06:00 UTC", "Mon UTC 06:00", "06:00 Mon", "25:00"] {
            assert!(slot(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hours_may_pass_midnight_and_name_a_zone() {
        let (from, until, zone) = between("22:00-07:00 Pacific/Auckland").unwrap();
        assert_eq!((from.hour(), until.hour()), (22, 7));
        assert_eq!(zone.unwrap().iana_name(), Some("Pacific/Auckland"));
        let (_, until, zone) = between("18:00 - 24:00").unwrap();
        assert_eq!((until, zone), (Time::midnight(), None));
        for text in ["22:00", "22:00-22:00", "22-07", "22:00-07:00 Pacific/Aukland", "00:00-24:00"] {
            assert!(between(text).is_err(), "{text}");
        }
        let hint = between("22:00-07:00 Pacific/Aukland").unwrap_err().hint;
        assert_eq!(hint.as_deref(), Some("did you mean `Pacific/Auckland`?"));
    }

    #[test]
    fn days_are_lists_and_ranges() {
        use Weekday::{Friday, Monday, Saturday, Sunday};
        assert_eq!(days("Sun,Sat"), Ok((vec![Saturday, Sunday], None)));
        assert_eq!(days("fri-mon").unwrap().0, [Monday, Friday, Saturday, Sunday]);
        assert_eq!(days("Mon-Fri").unwrap().0.len(), 5);
        assert_eq!(days("Sat, Sunday").unwrap().0, [Saturday, Sunday]);
        let (found, zone) = days("Sat, Sun Europe/Vienna").unwrap();
        assert_eq!((found.len(), zone.unwrap().iana_name()), (2, Some("Europe/Vienna")));
        for text in ["", "Sa", "Sat;Sun", "weekend", "Sat Nowhere/Land"] {
            assert!(days(text).is_err(), "{text}");
        }
    }
}
