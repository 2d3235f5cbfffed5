//! What single texts of the rule file mean: sizes, limits, numbers, addresses, URLs. Pure: from a text to a value or a
//! [`Fault`].

use jiff::SignedDuration;

use super::time::duration_within;
use crate::alert::limit::Window;
use crate::oncall::{MailAddress, Phone};
use crate::rules::{Count, Quantity};

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
pub(super) fn limit(text: &str) -> Result<Window, Fault> {
    let fault = || Fault::new(format!("`{text}` is not a limit")).hint("write for example `5 per 15m`");
    let (count, span) = text.split_once(" per ").ok_or_else(fault)?;
    let count: u32 = count.trim().parse().map_err(|_| fault())?;
    if count == 0 {
        return Err(Fault::new("a limit of 0 would let nothing through")
            .hint("to notify nobody, write a rule with `action = \"ignore\"`"));
    }
    let span = duration_within(span, SignedDuration::from_secs(1), SignedDuration::from_hours(366 * 24))?;
    Ok(Window { count, within: span })
}

/// `5 in 10m`.
pub(super) fn count(text: &str) -> Result<Count, Fault> {
    let fault = || Fault::new(format!("`{text}` is not a count")).hint("write for example `5 in 10m`");
    let (times, within) = text.split_once(" in ").ok_or_else(fault)?;
    let times: u32 = times.trim().parse().map_err(|_| fault())?;
    if !(2..=10_000).contains(&times) {
        return Err(Fault::new(format!("`{text}` does not count from 2 to 10000"))
            .hint("the first mail is counted, too: a rule without `count` matches from the first on"));
    }
    let within = duration_within(within, SignedDuration::from_secs(1), SignedDuration::from_hours(366 * 24))?;
    Ok(Count { times, within })
}

/// `20`, `1.5 GB`: a number that captured numbers are compared with.
pub(super) fn quantity(text: &str) -> Result<Quantity, Fault> {
    let hint = "write a number without quotes, or one with its unit: `20`, `\"1.5 GB\"`, `\"80 %\"`";
    Quantity::parse(text).ok_or_else(|| Fault::new(format!("`{text}` is not a number")).hint(hint))
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
pub(super) fn mail_address(text: &str) -> Result<MailAddress, Fault> {
    text.parse().map_err(|_| {
        let hint = if text.is_ascii() {
            "write for example `david@example.com`"
        } else {
            "write a domain with other letters than those of ASCII as `xn--…`"
        };
        Fault::new(format!("`{text}` is not a mail address")).hint(hint)
    })
}

/// An `http` or `https` URL without query, without the slash at its end.
pub(super) fn url(text: &str) -> Result<String, Fault> {
    let fault =
        |message: &str| Fault::new(format!("`{text}` {message}")).hint("write for example `https://pager.example.com`");
    let lower = text.to_ascii_lowercase();
    let start = ["https://", "http://"].iter().find(|scheme| lower.starts_with(**scheme)).map(|scheme| scheme.len());
    let rest = start.and_then(|start| text.get(start..)).ok_or_else(|| fault("is not an http or https URL"))?;
    if let Some(offset) =
        text.find(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '@' | '\\'))
    {
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
        None => {
            host.split('.').all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
        }
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

/// A voice, by its shape alone: Twilio's list of voices grows by the month.
pub(super) fn voice(text: &str) -> Result<String, Fault> {
    if !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')) {
        Ok(text.to_owned())
    } else {
        Err(Fault::new(format!("`{text}` is not the name of a voice")).hint("write for example `Polly.Aria`"))
    }
}

/// A name without white space and control characters, as commands and `group:NAME` need it.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(limit("5 per 15m"), Ok(Window::minutes(5, 15)));
        for text in ["5", "0 per 15m", "5 in 15m", "five per 15m", "5 per 0s"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_say_how_many_in_how_long() {
        assert_eq!(count("5 in 10m"), Ok(Count { times: 5, within: SignedDuration::from_mins(10) }));
        for text in ["5", "1 in 10m", "0 in 10m", "5 per 10m", "five in 10m", "5 in 0s", "5 in", "10001 in 1h"] {
            assert!(count(text).is_err(), "{text}");
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
