//! `--since` and `--until`: a moment in the past as a person types it.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// Reads `2026-11-02`, `2026-11-02 09:00`, `2026-11-02T09:00:00Z`, or how long ago: `30 days`, `1 year`.
///
/// # Errors
/// In words that say what can be read.
pub fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    // A date alone is midnight.
    if let Ok(date_time) = text.parse::<jiff::civil::DateTime>() {
        return date_time.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|error| error.to_string());
    }
    let unreadable =
        || format!("`{text}` is no time: write `2026-11-02`, `2026-11-02 09:00`, or how long ago, `30 days`");
    let span: Span = text.trim_end_matches(" ago").parse().map_err(|_| unreadable())?;
    let then = now.to_zoned(zone.clone()).checked_sub(span.abs()).map_err(|_| unreadable())?;
    Ok(then.timestamp())
}

/// Reads how long somebody takes to acknowledge: `5m`, or `never`, which is `None`.
///
/// # Errors
/// In words that say what can be read.
pub fn patience(text: &str) -> Result<Option<SignedDuration>, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("never") {
        return Ok(None);
    }
    let span: Span = text.parse().map_err(|_| format!("`{text}` is no duration: write `5m`, `1h` or `never`"))?;
    let duration = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| format!("`{text}` has no fixed length"))?;
    Ok(Some(duration.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_a_time_or_how_long_ago() {
        let now: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        let read = |text: &str| moment(text, now, &zone).map(|at| at.to_string());
        assert_eq!(read("2026-11-01").unwrap(), "2026-10-31T11:00:00Z");
        assert_eq!(read("2026-11-01 09:00").unwrap(), "2026-10-31T20:00:00Z");
        assert_eq!(read("2026-11-01T09:00:00Z").unwrap(), "2026-11-01T09:00:00Z");
        assert_eq!(read("30 days").unwrap(), "2026-10-03T08:00:00Z");
        assert_eq!(read("1 year ago").unwrap(), "2025-11-02T08:00:00Z");
        assert!(read("lately").unwrap_err().contains("`lately` is no time"));
    }

    #[test]
    fn patience_may_have_no_end() {
        assert_eq!(patience("5m").unwrap(), Some(SignedDuration::from_mins(5)));
        assert_eq!(patience("never").unwrap(), None);
        assert!(patience("soon").is_err() && patience("1 month").is_err());
    }
}
