//! When a mail came, as far as it tells.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::mail::Message;

const DATES: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// When the mail came: the date of its topmost `Received` field, which our own mail server wrote; else its `Date`.
pub fn when(message: &Message) -> Option<Timestamp> {
    let received = message.header("Received").and_then(|value| date(value.rsplit_once(';')?.1));
    received.or_else(|| message.header("Date").and_then(date))
}

/// Reads a date of RFC 5322 (3.3), its obsolete forms, and one without a zone, which is taken as UTC.
pub fn date(text: &str) -> Option<Timestamp> {
    let bare = text.split('(').next().unwrap_or_default().trim();
    // jiff reads a comma after the weekday, and a zone that is there.
    let read = |text: &str| DATES.parse_timestamp(text).ok();
    read(bare).or_else(|| read(&format!("{bare} +0000"))).or_else(|| bare.parse().ok()).or_else(|| {
        // As a From_ line, asctime or an impatient script writes it.
        super::from_line::date(format!("From - {bare}").as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Raw;

    fn of(header: &str) -> Option<String> {
        when(&Message::parse(&Raw::from(format!("{header}\n\ntext\n").as_bytes()))).map(|at| at.to_string())
    }

    #[test]
    fn the_topmost_received_date_counts() {
        let header = "Received: from a (b; c) by us\n for <d@e>; Mon, 2 Nov 2026 15:00:00 +1300 (NZDT)\n\
                      Received: from x; Mon, 2 Nov 2026 01:00:00 +0000\nDate: Sun, 1 Nov 2026 00:00:00 +0000";
        assert_eq!(of(header).as_deref(), Some("2026-11-02T02:00:00Z"));
    }

    #[test]
    fn dates_in_many_a_shape() {
        for date in [
            "Mon, 2 Nov 2026 02:00:00 +0000",
            "Tue, 2 Nov 2026 02:00:00 GMT",
            "2 Nov 2026 02:00 +0000 (a comment)",
            "2 Nov 2026 02:00:00",
            "Sun, 1 Nov 2026 21:00:00 EST",
            "Mon Nov  2 02:00:00 2026",
            "2026-11-02T02:00:00Z",
        ] {
            assert_eq!(of(&format!("Date: {date}")).as_deref(), Some("2026-11-02T02:00:00Z"), "{date}");
        }
    }

    #[test]
    fn what_is_no_date_is_passed_over() {
        assert_eq!(
            of("Received: by us\nDate: Mon, 2 Nov 2026 02:00:00 +0000").as_deref(),
            Some("2026-11-02T02:00:00Z")
        );
        assert_eq!(of("Date: yesterday"), None);
        assert_eq!(of("Subject: x"), None);
    }
}
