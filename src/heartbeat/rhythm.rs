//! How often a mail must come: so long after the last one, at times of the week in a time zone, or as crontab says.

use super::Cron;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// The times of a week recur within it, and a change of the clocks moves none of them by a day.
const AROUND: i32 = 8;

/// How often a mail must come.
#[derive(Debug, Clone, PartialEq)]
pub enum Rhythm {
    /// So long after the one before.
    Every(SignedDuration),
    /// At these local times; never empty.
    At {
        /// The times.
        slots: Vec<Slot>,
        /// Whose local time.
        zone: TimeZone,
    },
    /// At these local times.
    Cron {
        /// The times.
        cron: Cron,
        /// Whose local time.
        zone: TimeZone,
    },
}

/// A time of day on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The days; never empty.
    pub days: Vec<Weekday>,
    /// The local time. One that a change of the clocks leaves out is as much later; of one that comes twice the first
    /// counts.
    pub time: Time,
}

impl Rhythm {
    /// When the mail is due that must follow upon `base`, which is when the last one came, or when somebody began to
    /// wait for the first. Of a mail at a time of the week that came after the middle between two of them, the later one
    /// is had already: backups that are ready at 05:58 are those of 06:00.
    pub fn due_after(&self, base: Timestamp, last: Option<Timestamp>) -> Timestamp {
        let neighbours = |at| match self {
            Self::Every(_) => None,
            Self::At { slots, zone } => Some(neighbours(slots, zone, at)),
            Self::Cron { cron, zone } => Some(cron.neighbours(zone, at)),
        };
        let Some((mut before, mut due)) = neighbours(base) else {
            return self.every().map_or(Timestamp::MAX, |every| later(base, every));
        };
        while last.is_some_and(|last| last >= middle(before, due)) {
            before = due;
            let next = neighbours(due).map_or(due, |(_, next)| next);
            if next <= due {
                break; // The end of time.
            }
            due = next;
        }
        due
    }

    /// The last time at which it was due, at or before `now`, when it first was at `due`.
    pub fn latest(&self, due: Timestamp, now: Timestamp) -> Timestamp {
        if now <= due {
            return due;
        }
        match self {
            Self::Every(every) => {
                let step = every.as_millis().max(1);
                let turns = now.duration_since(due).as_millis() / step;
                let past = i64::try_from(turns.saturating_mul(step)).unwrap_or(0);
                later(due, SignedDuration::from_millis(past))
            }
            Self::At { slots, zone } => neighbours(slots, zone, now).0.max(due),
            Self::Cron { cron, zone } => cron.neighbours(zone, now).0.max(due),
        }
    }

    fn every(&self) -> Option<SignedDuration> {
        match self {
            Self::Every(every) => Some(*every),
            Self::At { .. } | Self::Cron { .. } => None,
        }
    }
}

/// The last time of the slots at or before `at`, and the first one after it.
fn neighbours(slots: &[Slot], zone: &TimeZone, at: Timestamp) -> (Timestamp, Timestamp) {
    let today = at.to_zoned(zone.clone()).date();
    let (mut before, mut after) = (Timestamp::MIN, Timestamp::MAX);
    for offset in -AROUND..=AROUND {
        let Ok(date) = today.checked_add(offset.days()) else { continue };
        for slot in slots.iter().filter(|slot| slot.days.contains(&date.weekday())) {
            let Ok(time) = date.to_datetime(slot.time).to_zoned(zone.clone()) else { continue };
            let time = time.timestamp();
            if time <= at {
                before = before.max(time);
            } else {
                after = after.min(time);
            }
        }
    }
    (before, after)
}

fn middle(before: Timestamp, due: Timestamp) -> Timestamp {
    let half = due.duration_since(before) / 2;
    due.checked_sub(half).unwrap_or(before)
}

fn later(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekdays(zone: &str) -> Rhythm {
        use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
        let days = vec![Monday, Tuesday, Wednesday, Thursday, Friday];
        let slot = Slot { days, time: Time::constant(6, 0, 0, 0) };
        Rhythm::At { slots: vec![slot], zone: TimeZone::get(zone).unwrap() }
    }

    #[test]
    fn a_mail_shortly_before_its_time_is_that_one() {
        let rhythm = weekdays("UTC");
        let due = |last: &str| rhythm.due_after(time(last), Some(time(last))).to_string();
        assert_eq!(due("2026-11-02T05:58:00Z"), "2026-11-03T06:00:00Z");
        assert_eq!(due("2026-11-02T06:02:00Z"), "2026-11-03T06:00:00Z");
        assert_eq!(due("2026-11-02T14:00:00Z"), "2026-11-03T06:00:00Z", "Monday's, late: not Tuesday's");
        assert_eq!(due("2026-11-02T19:00:00Z"), "2026-11-04T06:00:00Z", "Tuesday's, early");
        assert_eq!(due("2026-11-06T06:01:00Z"), "2026-11-09T06:00:00Z", "over the weekend");
    }

    #[test]
    fn the_first_is_due_at_the_next_time() {
        let rhythm = weekdays("Pacific/Auckland");
        assert_eq!(rhythm.due_after(time("2026-11-01T16:59:00Z"), None), time("2026-11-01T17:00:00Z"));
        assert_eq!(rhythm.due_after(time("2026-11-01T17:00:00Z"), None), time("2026-11-02T17:00:00Z"));
    }

    #[test]
    fn a_time_keeps_its_hour_when_the_clocks_change() {
        let at = |hour, minute, zone: &str| {
            let every_day = (0..7).map(|day| Weekday::from_monday_zero_offset(day).unwrap()).collect();
            let slot = Slot { days: every_day, time: Time::constant(hour, minute, 0, 0) };
            Rhythm::At { slots: vec![slot], zone: TimeZone::get(zone).unwrap() }
        };
        // 25 October 2026, 03:00 CEST becomes 02:00 CET; 29 March 2026, 02:00 CET becomes 03:00 CEST.
        let due = |rhythm: &Rhythm, last: &str| rhythm.due_after(time(last), Some(time(last))).to_string();
        assert_eq!(due(&at(6, 0, "Europe/Vienna"), "2026-10-24T04:00:00Z"), "2026-10-25T05:00:00Z");
        assert_eq!(due(&at(6, 0, "Europe/Vienna"), "2026-03-28T05:00:00Z"), "2026-03-29T04:00:00Z");
        assert_eq!(due(&at(2, 30, "Europe/Vienna"), "2026-03-28T01:30:00Z"), "2026-03-29T01:30:00Z", "03:30 CEST");
        assert_eq!(due(&at(2, 30, "Europe/Vienna"), "2026-10-24T00:30:00Z"), "2026-10-25T00:30:00Z", "the first one");
        assert_eq!(due(&at(2, 30, "Europe/Vienna"), "2026-10-25T00:31:00Z"), "2026-10-26T01:30:00Z", "not the second");
    }

    #[test]
    fn what_was_missed_several_times_is_known_to_the_last() {
        let every = Rhythm::Every(SignedDuration::from_hours(1));
        let due = time("2026-11-02T06:00:00Z");
        assert_eq!(every.latest(due, time("2026-11-02T05:00:00Z")), due);
        assert_eq!(every.latest(due, time("2026-11-02T08:59:00Z")), time("2026-11-02T08:00:00Z"));
        assert_eq!(weekdays("UTC").latest(due, time("2026-11-04T07:00:00Z")), time("2026-11-04T06:00:00Z"));
        assert_eq!(weekdays("UTC").latest(due, time("2026-11-02T06:30:00Z")), due);
    }

    #[test]
    fn a_line_of_crontab_is_due_like_any_other_time() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let rhythm = Rhythm::Cron { cron: "30 2 * * 1-5".parse().unwrap(), zone };
        let due = |last: &str| rhythm.due_after(time(last), Some(time(last))).to_string();
        assert_eq!(due("2026-11-02T01:31:00Z"), "2026-11-03T01:30:00Z", "Monday's, on time");
        assert_eq!(due("2026-11-02T01:25:00Z"), "2026-11-03T01:30:00Z", "Monday's, early");
        assert_eq!(due("2026-11-06T01:31:00Z"), "2026-11-09T01:30:00Z", "over the weekend");
        assert_eq!(rhythm.due_after(time("2026-11-02T00:00:00Z"), None), time("2026-11-02T01:30:00Z"));
        assert_eq!(
            rhythm.latest(time("2026-11-02T01:30:00Z"), time("2026-11-08T12:00:00Z")),
            time("2026-11-06T01:30:00Z")
        );
        assert_eq!(rhythm.due_after(Timestamp::MAX, Some(Timestamp::MAX)), Timestamp::MAX);
    }

    #[test]
    fn the_end_of_time_is_no_trouble() {
        let every = Rhythm::Every(SignedDuration::from_hours(24));
        assert_eq!(every.due_after(Timestamp::MAX, None), Timestamp::MAX);
        weekdays("UTC").due_after(Timestamp::MAX, Some(Timestamp::MAX));
        weekdays("Pacific/Auckland").due_after(Timestamp::MIN, Some(Timestamp::MIN));
    }
}
