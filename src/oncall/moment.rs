//! Times to come, as a person types them.

use anyhow::{bail, ensure};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, Zoned};

/// The longest span that is listed, in years.
const LONGEST: i64 = 2;

/// Reads `2026-11-02 09:00`, `18:00` (the next one) or `8h`.
pub fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    if let Ok(date_time) = text.parse::<jiff::civil::DateTime>() {
        let zoned = date_time.to_zoned(zone.clone())?;
        return Ok(zoned.timestamp());
    }
    if let Ok(time) = text.parse::<jiff::civil::Time>() {
        let local: Zoned = now.to_zoned(zone.clone());
        let today = local.date().to_datetime(time).to_zoned(zone.clone())?;
        if today.timestamp() > now {
            return Ok(today.timestamp());
        }
        let tomorrow = local.date().tomorrow()?;
        let zoned = tomorrow.to_datetime(time).to_zoned(zone.clone())?;
        return Ok(zoned.timestamp());
    }
    if let Ok(span) = text.parse::<Span>() {
        let zoned = now.to_zoned(zone.clone()).checked_add(span)?;
        return Ok(zoned.timestamp());
    }
    if let Ok(duration) = text.parse::<SignedDuration>() {
        return Ok(now.checked_add(duration)?);
    }
    bail!("`{text}` is no time: write `2026-11-02 09:00`, `18:00`, or how long, `8h`")
}

/// Reads how long: `14d`, `3 weeks`. Returns when that is over.
pub fn end(text: &str, from: Timestamp, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    let Ok(span) = text.trim().parse::<Span>() else { bail!("`{text}` is no span of time: write `14d` or `3 weeks`") };
    let begin = from.to_zoned(zone.clone());
    let end = begin.checked_add(span)?;
    ensure!(end > begin, "`{text}` is no time at all");
    ensure!(end <= begin.checked_add(Span::new().years(LONGEST))?, "`{text}` is longer than two years");
    Ok(end.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_may_be_a_time_a_time_of_day_or_a_duration() {
        let now: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        let read = |text: &str| moment(text, now, &zone).map(|at| at.to_string());
        assert_eq!(read("2026-11-03T00:00:00Z").unwrap(), "2026-11-03T00:00:00Z");
        assert_eq!(read("2026-11-03 09:00").unwrap(), "2026-11-02T20:00:00Z");
        // It is 21:00 in Auckland.
        assert_eq!(read("22:00").unwrap(), "2026-11-02T09:00:00Z");
        assert_eq!(read("18:00").unwrap(), "2026-11-03T05:00:00Z");
        assert_eq!(read("8h").unwrap(), "2026-11-02T16:00:00Z");
        assert_eq!(read("1 week").unwrap(), "2026-11-09T08:00:00Z");
        assert!(read("soon").unwrap_err().to_string().contains("`soon` is no time"));
    }
}
