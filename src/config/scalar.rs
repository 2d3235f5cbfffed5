//! What single texts of the rule file mean: durations, sizes, hours, days, hand-offs, limits, addresses, URLs. Pure:
//! from a text to a value or a [`Fault`].

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Unit};

use super::reader::nearest;
use crate::oncall::Phone;
use crate::oncall::rotation::Turn;

/// Why a text does not mean what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Lower case.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Where in the text, in bytes.
    pub offset: Option<usize>,
    /// How many bytes from there are meant.
    pub width: usize,
}

impl Fault {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, offset: None, width: 0 }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn at(mut self, offset: usize, width: usize) -> Self {
        (self.offset, self.width) = (Some(offset), width);
        self
    }
}

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

/// A day by its English name, or at least the first three letters of it.
fn weekday(text: &str) -> Result<Weekday, Fault> {
    let name = text.to_lowercase();
    let found = DAYS.iter().find(|(day, _)| name.len() >= 3 && day.starts_with(&name));
    let fault = || Fault::new(format!("`{text}` is not a day of the week")).hint("write for example `Sat` or `Saturday`");
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
    let (list, zone) = zoned(text)?;
    let mut days = Vec::new();
    for part in list.split(',') {
        if let Some((first, last)) = part.split_once('-') {
            let (mut day, last) = (weekday(first.trim())?, weekday(last.trim())?);
            days.push(day);
            while day != last {
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

/// `> 10 MB`: at least and at most so many bytes. `kB`, `MB`, `GB` are powers of 1000, `KiB`, `MiB`, `GiB` of 1024.
pub(super) fn size(text: &str) -> Result<(Option<u64>, Option<u64>), Fault> {
    let fault = || {
        let hint = "write for example `> 10 MB` or `<= 50 kB`; for a range, write two conditions";
        Fault::new(format!("`{text}` is not a comparison of a size")).hint(hint)
    };
    let text = text.trim();
    let end = text.find(|c| !matches!(c, '<' | '>' | '=')).ok_or_else(fault)?;
    let (sign, amount) = text.split_at(end);
    let bytes = bytes(amount.trim()).ok_or_else(fault)?;
    match sign {
        ">" => Ok((Some(bytes.checked_add(1).ok_or_else(fault)?), None)),
        ">=" => Ok((Some(bytes), None)),
        "<" => match bytes.checked_sub(1) {
            Some(most) => Ok((None, Some(most))),
            None => Err(Fault::new("no mail is smaller than nothing")),
        },
        "<=" => Ok((None, Some(bytes))),
        _ => Err(fault()),
    }
}

fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "byte" | "bytes" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1024,
        "mib" => 1024 * 1024,
        "gib" => 1024 * 1024 * 1024,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// `5 per 15m`.
pub(super) fn limit(text: &str) -> Result<(u32, SignedDuration), Fault> {
    let fault = || Fault::new(format!("`{text}` is not a limit")).hint("write for example `5 per 15m`");
    let (count, span) = text.split_once(" per ").ok_or_else(fault)?;
    let count: u32 = count.trim().parse().map_err(|_| fault())?;
    if count == 0 {
        return Err(Fault::new("a limit of 0 would let nothing through")
            .hint("to notify nobody, write a rule with `action = \"ignore\"`"));
    }
    let span = duration_within(span, SignedDuration::from_secs(1), SignedDuration::from_hours(366 * 24))?;
    Ok((count, span))
}

/// `dkim=pass`: a method of RFC 8601 and its result, in lower case.
pub(super) fn authentication(text: &str) -> Result<(String, String), Fault> {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match text.split_once('=') {
        Some((method, result)) if word(method.trim()) && word(result.trim()) => {
            Ok((method.trim().to_ascii_lowercase(), result.trim().to_ascii_lowercase()))
        }
        _ => Err(Fault::new(format!("`{text}` is not a method and its result"))
            .hint("write for example `dkim=pass` or `spf=fail`")),
    }
}

/// A telephone number.
pub(super) fn phone(text: &str) -> Result<Phone, Fault> {
    let complaint = |_| {
        let fault = Fault::new(format!("`{text}` is not a telephone number in international form"));
        fault.hint("write `+`, the country code and the number, 7 to 15 digits in all: `+64211110001`")
    };
    text.parse().map_err(complaint)
}

/// A mail address, by its shape alone.
pub(super) fn mail_address(text: &str) -> Result<String, Fault> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';');
    match text.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !text.contains(odd) => Ok(text.to_owned()),
        _ => Err(Fault::new(format!("`{text}` is not a mail address")).hint("write for example `david@example.com`")),
    }
}

/// An `http` or `https` URL without query, without the slash at its end.
pub(super) fn url(text: &str) -> Result<String, Fault> {
    let fault = |message: &str| {
        Fault::new(format!("`{text}` {message}")).hint("write for example `https://pager.example.com`")
    };
    let lower = text.to_ascii_lowercase();
    let start = ["https://", "http://"].iter().find(|scheme| lower.starts_with(**scheme)).map(|scheme| scheme.len());
    let rest = start.and_then(|start| text.get(start..)).ok_or_else(|| fault("is not an http or https URL"))?;
    if let Some(offset) = text.find(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '@' | '\\')) {
        let width = text.get(offset..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        return Err(fault("has a character that does not belong here").at(offset, width));
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(fault("has no valid port"));
    }
    if host.contains('_') {
        // Twilio refuses such a host (error 21609 and the like), and no certificate is given for one.
        return Err(fault("has an underscore in its host name, which providers refuse"));
    }
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let valid = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-')),
    };
    if valid { Ok(text.trim_end_matches('/').to_owned()) } else { Err(fault("has no valid host name")) }
}

/// Where to listen: `ADDRESS:PORT`, or `unix:PATH`.
pub(super) fn listen(text: &str) -> Result<String, Fault> {
    let fault = || {
        Fault::new(format!("`{text}` is not an address to listen on"))
            .hint("write for example `127.0.0.1:8085`, `[::1]:8085` or `unix:/run/thialfi/http.sock`")
    };
    if let Some(path) = text.strip_prefix("unix:") {
        return if path.starts_with('/') { Ok(text.to_owned()) } else { Err(fault()) };
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(fault)?;
    let host_is_fine = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')),
    };
    if host_is_fine && port.parse::<u16>().is_ok() { Ok(text.to_owned()) } else { Err(fault()) }
}

/// A language by the shape of its BCP 47 tag.
pub(super) fn language(text: &str) -> Result<String, Fault> {
    let mut parts = text.split('-');
    let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphabetic());
    let first = parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && letters(part));
    let rest = parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if first && rest {
        Ok(text.to_owned())
    } else {
        Err(Fault::new(format!("`{text}` is not a language")).hint("write for example `en-NZ` or `de-DE`"))
    }
}

/// A name without white space and control characters, as commands and `group:NAME` need it.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// A duration as one would write it in the rule file.
pub(super) fn friendly(duration: SignedDuration) -> String {
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

    #[test]
    fn sizes_are_compared() {
        assert_eq!(size("> 10 MB"), Ok((Some(10_000_001), None)));
        assert_eq!(size(">=2KiB"), Ok((Some(2048), None)));
        assert_eq!(size("< 1 kB"), Ok((None, Some(999))));
        assert_eq!(size("<= 0"), Ok((None, Some(0))));
        for text in ["10 MB", "> ", ">> 1", "< 0", "> 1 parsec", "> 99999999999 GB", "=> 1", "> 18446744073709551615"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn limits_say_how_many_in_how_long() {
        assert_eq!(limit("5 per 15m"), Ok((5, SignedDuration::from_mins(15))));
        for text in ["5", "0 per 15m", "5 in 15m", "five per 15m", "5 per 0s"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn urls_are_what_a_provider_can_reach() {
        assert_eq!(url("https://pager.example.com/"), Ok("https://pager.example.com".into()));
        assert_eq!(url("http://127.0.0.1:8085/pager//"), Ok("http://127.0.0.1:8085/pager".into()));
        assert_eq!(url("http://[::1]:80"), Ok("http://[::1]:80".into()));
        for text in [
            "pager.example.com",
            "ftp://x",
            "https://",
            "https://a_b.example.com",
            "https://a b",
            "https://user@host",
            "https://host:99999",
            "https://host?x=1",
            "https://a..b",
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn listens_on_addresses_and_sockets() {
        for text in ["127.0.0.1:8085", "[::1]:8085", "localhost:0", "unix:/run/x.sock"] {
            assert_eq!(listen(text), Ok(text.to_owned()));
        }
        for text in ["8085", "127.0.0.1", "::1:8085:", "unix:x", ":80", "host:http"] {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shapes_of_addresses_languages_and_methods() {
        assert!(mail_address("david@example.com").is_ok());
        assert!(["david", "@x", "a b@c", "a@", "<a@b>"].iter().all(|text| mail_address(text).is_err()));
        assert!(language("en-NZ").is_ok() && language("cmn-Hans-CN").is_ok());
        assert!(["english", "e", "en_NZ", "en-", ""].iter().all(|text| language(text).is_err()));
        assert_eq!(authentication("DKIM=Pass"), Ok(("dkim".into(), "pass".into())));
        assert!(["dkim", "=pass", "dkim=", "dkim=pass spf=pass"].iter().all(|text| authentication(text).is_err()));
    }
}
