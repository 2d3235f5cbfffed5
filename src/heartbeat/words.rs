//! How one says that a mail has not come.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit, Zoned};

/// A mail that has not come.
pub struct Missing<'a> {
    /// Its name in the rule file; `None`: it is no mail, but a self-test that is passed.
    pub name: Option<&'a str>,
    /// When it was due first.
    pub due: Timestamp,
    /// When the last one was sent.
    pub last: Option<Timestamp>,
    /// Since when somebody waits for it.
    pub since: Timestamp,
    /// The time zone of those who are told.
    pub zone: &'a TimeZone,
    /// When they are told.
    pub now: Timestamp,
}

impl Missing<'_> {
    /// `The mail "backup" was due at 06:00 and has not come`. What was due long ago has not come since.
    pub fn what(&self) -> String {
        let due = self.moment(self.due);
        match self.name {
            Some(name) => format!("The mail \"{name}\" was due {due} and has not come"),
            None => format!("The self-test was due {due} and has not been passed"),
        }
    }

    /// `the last came yesterday at 05:58`.
    pub fn before(&self) -> String {
        match (self.name, self.last) {
            (Some(_), Some(last)) => format!("the last came {}", self.moment(last)),
            (None, Some(last)) => format!("the last was passed {}", self.moment(last)),
            (Some(_), None) => format!("none has come since {}, when it was first expected", self.beginning()),
            (None, None) => format!("none was passed since {}, when one was first expected", self.beginning()),
        }
    }

    /// Both, as a subject or a text has them.
    pub fn line(&self) -> String {
        format!("{}; {}", self.what(), self.before())
    }

    /// Both, as one says them.
    pub fn spoken(&self) -> String {
        let before = self.before();
        let mut letters = before.chars();
        let capital = letters.next().map(|letter| letter.to_uppercase().chain(letters).collect::<String>());
        format!("{}. {}.", self.what().replace('"', ""), capital.unwrap_or_default())
    }

    /// `06:00`, `yesterday at 06:00`, `Friday at 06:00`: since when somebody waits for it.
    fn beginning(&self) -> String {
        let moment = self.moment(self.since);
        let words = ["on ", "at "].into_iter().find_map(|word| moment.strip_prefix(word));
        words.unwrap_or(&moment).to_owned()
    }

    fn moment(&self, at: Timestamp) -> String {
        moment(at, self.now, self.zone)
    }
}

/// `at 06:00`, `yesterday at 06:00`, `on Friday at 06:00`, `on 2026-10-28 at 06:00`: as it is told at `now`.
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let time = at.strftime("at %H:%M");
    match days_ago(&at, &now) {
        Some(0) => time.to_string(),
        Some(1) => format!("yesterday {time}"),
        Some(-1) => format!("tomorrow {time}"),
        Some(-6..=6) => format!("on {} {time}", at.strftime("%A")),
        _ => format!("on {} {time}", at.strftime("%Y-%m-%d")),
    }
}

fn days_ago(at: &Zoned, now: &Zoned) -> Option<i32> {
    let span = now.date().since((Unit::Day, at.date())).ok()?;
    Some(span.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_mail_is_told_with_the_last_one() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        let missing = Missing {
            name: Some("backup"),
            due: time("2026-11-02T17:00:00Z"),
            last: Some(time("2026-11-01T16:58:00Z")),
            since: time("2026-10-01T00:00:00Z"),
            zone: &zone,
            now: time("2026-11-02T17:30:00Z"),
        };
        assert_eq!(
            missing.line(),
            "The mail \"backup\" was due at 06:00 and has not come; the last came yesterday at 05:58"
        );
        assert_eq!(
            missing.spoken(),
            "The mail backup was due at 06:00 and has not come. The last came yesterday at 05:58."
        );
        let test = Missing { name: None, ..missing };
        assert_eq!(
            test.line(),
            "The self-test was due at 06:00 and has not been passed; the last was passed yesterday at 05:58"
        );
        let missing = Missing { name: Some("backup"), ..test };
        let never = Missing { last: None, ..missing };
        assert!(never.line().ends_with("none has come since 2026-10-01 at 13:00, when it was first expected"));
    }

    #[test]
    fn days_have_names_within_a_week() {
        let now: Timestamp = "2026-11-04T12:00:00Z".parse().unwrap();
        let told = |text: &str| moment(text.parse().unwrap(), now, &TimeZone::UTC);
        assert_eq!(told("2026-11-04T06:00:00Z"), "at 06:00");
        assert_eq!(told("2026-11-05T06:00:00Z"), "tomorrow at 06:00");
        assert_eq!(told("2026-11-01T06:00:00Z"), "on Sunday at 06:00");
        assert_eq!(told("2026-11-09T06:00:00Z"), "on Monday at 06:00");
        assert_eq!(told("2026-10-28T06:00:00Z"), "on 2026-10-28 at 06:00");
    }
}
