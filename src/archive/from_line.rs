//! The line that separates the mails of an mbox: `From sender Mon Nov  2 02:00:00 2026`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// A longer one is no such line. In bytes.
const LONGEST: usize = 1000;

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Whether a line separates two mails: `From `, somebody, and a whole date. Neither "From the logs:" in a text that
/// nobody quoted, nor a missing empty line before the separator, leads astray.
pub fn is_from_line(line: &[u8]) -> bool {
    line.starts_with(b"From ") && date(line).is_some()
}

/// The date of the line, which has no time zone or one that nobody agrees on: taken as UTC.
pub(super) fn date(line: &[u8]) -> Option<Timestamp> {
    if line.len() > LONGEST {
        return None;
    }
    let text = std::str::from_utf8(line.strip_prefix(b"From ")?.trim_ascii()).ok()?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    // The sender is one word, or none, or one with blanks in it.
    let weekday = words.iter().take(6).position(|word| {
        let word = word.trim_end_matches(',').to_ascii_lowercase();
        WEEKDAYS.contains(&word.as_str())
    })?;
    let after = words.get(weekday + 1..)?;
    let (month, day) = match (month(after.first()?), month(after.get(1)?)) {
        (Some(month), _) => (month, day(after.get(1)?)?),
        (None, Some(month)) => (month, day(after.first()?)?),
        (None, None) => return None,
    };
    let rest = after.get(2..)?;
    let time = rest.iter().take(3).find_map(|word| time(word))?;
    let year = rest.iter().take(5).find_map(|word| year(word))?;
    let date = Date::new(year, month, day).ok()?;
    DateTime::from_parts(date, time).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Names that programs write where they know no sender. The null sender among them would make every mail a bounce.
pub(super) fn has_sender(line: &[u8]) -> bool {
    let sender = line.get(5..).unwrap_or_default().trim_ascii_start();
    let sender = sender.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    !["-", "nobody", "mailer-daemon", "???@???", "(null)"]
        .iter()
        .any(|name| sender.eq_ignore_ascii_case(name.as_bytes()))
}

fn month(word: &str) -> Option<i8> {
    let word = word.to_ascii_lowercase();
    (1..).zip(MONTHS).find(|(_, name)| *name == word).map(|(number, _)| number)
}

fn day(word: &str) -> Option<i8> {
    word.trim_end_matches(',').parse().ok().filter(|day| (1..=31).contains(day))
}

fn year(word: &str) -> Option<i16> {
    word.parse().ok().filter(|year| word.len() == 4 && (1970..=9999).contains(year))
}

fn time(word: &str) -> Option<Time> {
    let mut parts = word.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    Time::new(hour, minute, second.min(59), 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_write_is_known() {
        for (line, expected) in [
            ("From a@b.example Mon Nov  2 02:00:00 2026\r\n", "2026-11-02T02:00:00Z"),
            ("From - Mon Nov 02 02:00:00 2026", "2026-11-02T02:00:00Z"),
            ("From 1681@xxx Mon Nov 02 02:00:00 +0000 2026", "2026-11-02T02:00:00Z"),
            ("From MAILER-DAEMON Mon Nov  2 02:00 2026 remote from x", "2026-11-02T02:00:00Z"),
            ("From a@b Mon Nov  2 02:00:60 NZDT 2026", "2026-11-02T02:00:59Z"),
            ("From John Doe Mon, 2 Nov 2026 02:00:00 +1300", "2026-11-02T02:00:00Z"),
        ] {
            assert_eq!(date(line.as_bytes()).map(|at| at.to_string()).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn sentences_are_no_separators() {
        for line in [
            "From the logs: disk full",
            "From now on, Monday is off",
            "From Mon Nov 2 on we meet at 10:30",
            "from a@b.example Mon Nov  2 02:00:00 2026",
            ">From a@b.example Mon Nov  2 02:00:00 2026",
            "From a@b.example Mon Nov 32 02:00:00 2026",
            "From",
        ] {
            assert!(!is_from_line(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn placeholders_are_no_senders() {
        assert!(!has_sender(b"From MAILER-DAEMON Mon Nov  2 02:00:00 2026"));
        assert!(!has_sender(b"From - Mon Nov  2 02:00:00 2026"));
        assert!(has_sender(b"From root Mon Nov  2 02:00:00 2026"));
    }
}
