//! Times as the pages tell them.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::report::story::gap;

/// Where and when the pages are read.
#[derive(Clone, Copy)]
pub(super) struct Times<'a> {
    /// In which local time.
    pub zone: &'a TimeZone,
    /// The present time.
    pub now: Timestamp,
}

/// A moment, for a template.
#[derive(Debug, Serialize)]
pub(super) struct At {
    /// For machines (RFC 3339).
    pub iso: String,
    /// As short as it can be told: `14:02`, `Mon 14:02`, `2 Nov 14:02`, `2 Nov 2025`.
    pub short: String,
    /// Whole: `Mon 2 Nov 2026 14:02:07 +13:00`.
    pub full: String,
}

impl Times<'_> {
    /// A moment.
    pub fn at(&self, moment: Timestamp) -> At {
        let (local, today) = (moment.to_zoned(self.zone.clone()), self.now.to_zoned(self.zone.clone()));
        let days = (local.date() - today.date()).get_days();
        let form = match days {
            0 => "%H:%M",
            -6..=6 => "%a %H:%M",
            _ if local.year() == today.year() => "%-d %b %H:%M",
            _ => "%-d %b %Y",
        };
        At {
            iso: moment.to_string(),
            short: local.strftime(form).to_string(),
            full: local.strftime("%a %-d %b %Y %H:%M:%S %:z").to_string(),
        }
    }

    /// The time of day, to the second: `14:02:07`.
    pub fn clock(&self, moment: Timestamp) -> String {
        moment.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    /// The day: `Mon 2 Nov 2026`.
    pub fn day(&self, moment: Timestamp) -> String {
        moment.to_zoned(self.zone.clone()).strftime("%a %-d %b %Y").to_string()
    }

    /// How long ago, to the minute, so that a page stays the same for a minute: `just now`, `3m ago`, `1h5m ago`.
    pub fn ago(&self, moment: Timestamp) -> String {
        let minutes = self.now.duration_since(moment).as_mins().max(0);
        if minutes == 0 { "just now".to_owned() } else { format!("{} ago", gap(SignedDuration::from_mins(minutes))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_short_as_it_can_be_told() {
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        let times = Times { zone: &zone, now: "2026-11-02T02:00:00Z".parse().unwrap() };
        let short = |text: &str| times.at(text.parse().unwrap()).short;
        assert_eq!(short("2026-11-02T01:00:00Z"), "14:00");
        // Yesterday there, although not 24 hours ago.
        assert_eq!(short("2026-11-01T10:59:00Z"), "Sun 23:59");
        assert_eq!(short("2026-11-05T02:00:00Z"), "Thu 15:00");
        assert_eq!(short("2026-10-01T02:00:00Z"), "1 Oct 15:00");
        assert_eq!(short("2025-11-02T02:00:00Z"), "2 Nov 2025");
        let ago = |seconds| times.ago(times.now - SignedDuration::from_secs(seconds));
        assert_eq!((ago(59).as_str(), ago(60).as_str(), ago(3900).as_str()), ("just now", "1m ago", "1h5m ago"));
        assert_eq!(ago(-100), "just now", "a clock that was set back");
    }
}
