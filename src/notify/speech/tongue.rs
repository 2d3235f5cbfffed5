//! The words that a voice needs for what is written in signs, in each language that is spoken well; any other is spoken
//! to with the English ones.

/// The words of a language.
#[derive(Debug)]
pub(super) struct Tongue {
    pub german: bool,
    pub dot: &'static str,
    pub slash: &'static str,
    pub backslash: &'static str,
    pub at: &'static str,
    pub and: &'static str,
    pub plus: &'static str,
    pub equals: &'static str,
    pub less: &'static str,
    pub more: &'static str,
    pub at_least: &'static str,
    pub at_most: &'static str,
    pub number: &'static str,
    pub port: &'static str,
    pub percent: &'static str,
    pub degrees: &'static str,
    pub of: &'static str,
    /// Between two times.
    pub to: &'static str,
    pub colon: &'static str,
    pub comma: &'static str,
    /// Before the figures of a hexadecimal number.
    pub hex: &'static str,
    pub midnight: &'static str,
    /// One of them, several of them.
    pub million: [&'static str; 2],
    pub billion: [&'static str; 2],
    /// Before the first characters of something that nobody can remember.
    pub id_beginning: &'static str,
    /// Before the last ones.
    pub id_ending: &'static str,
    /// Before the end of a network's address that is too long.
    pub address_ending: &'static str,
    pub path_ending: &'static str,
    pub link: &'static str,
    pub link_to: &'static str,
    pub mail_address: &'static str,
    pub long_word: &'static str,
    pub months: [&'static str; 12],
    pub days: [&'static str; 7],
    /// Short words that are no abbreviations though they are written in capitals.
    pub short_words: &'static [&'static str],
}

/// The tongue of a BCP 47 tag.
pub(super) fn of(language: &str) -> &'static Tongue {
    let primary = language.split('-').next().unwrap_or_default();
    if primary.eq_ignore_ascii_case("de") { &GERMAN } else { &ENGLISH }
}

static ENGLISH: Tongue = Tongue {
    german: false,
    dot: "dot",
    slash: "slash",
    backslash: "backslash",
    at: "at",
    and: "and",
    plus: "plus",
    equals: "equals",
    less: "less than",
    more: "more than",
    at_least: "at least",
    at_most: "at most",
    number: "number",
    port: "port",
    percent: "percent",
    degrees: "degrees",
    of: "of",
    to: "to",
    colon: "colon",
    comma: "comma",
    hex: "hex",
    midnight: "midnight",
    million: ["million", "million"],
    billion: ["billion", "billion"],
    id_beginning: "an id beginning with",
    id_ending: "an id ending in",
    address_ending: "an address ending in",
    path_ending: "a path ending in",
    link: "a link",
    link_to: "a link to",
    mail_address: "an e-mail address",
    long_word: "a long word",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    short_words: &[
        "ALL", "AND", "ANY", "ARE", "AT", "BAD", "BUT", "BY", "CAN", "DUE", "END", "FAN", "FOR", "GO", "HAS", "HOT",
        "IN", "IS", "IT", "JOB", "LOG", "LOW", "MAX", "MIN", "NEW", "NO", "NOT", "NOW", "OF", "OFF", "OLD", "ON",
        "ONE", "OR", "OUT", "RAM", "RAN", "LAN", "WAN", "NAS", "SAN", "ROM", "PIN", "BUS", "RED", "RUN", "SEE", "SET",
        "THE", "TO", "TOO", "TWO", "UP", "WAS", "YES", "YOU",
    ],
};

static GERMAN: Tongue = Tongue {
    german: true,
    dot: "Punkt",
    slash: "Slash",
    backslash: "Backslash",
    at: "ät",
    and: "und",
    plus: "plus",
    equals: "gleich",
    less: "kleiner als",
    more: "größer als",
    at_least: "mindestens",
    at_most: "höchstens",
    number: "Nummer",
    port: "Port",
    percent: "Prozent",
    degrees: "Grad",
    of: "von",
    to: "bis",
    colon: "Doppelpunkt",
    comma: "Komma",
    hex: "hex",
    midnight: "0 Uhr",
    million: ["Million", "Millionen"],
    billion: ["Milliarde", "Milliarden"],
    id_beginning: "eine Kennung mit dem Anfang",
    id_ending: "eine Kennung mit dem Ende",
    address_ending: "eine Adresse mit dem Ende",
    path_ending: "ein Pfad mit dem Ende",
    link: "ein Link",
    link_to: "ein Link auf",
    mail_address: "eine E-Mail-Adresse",
    long_word: "ein langes Wort",
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    days: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    short_words: &[
        "AB", "ALS", "AM", "AN", "AUF", "AUS", "BEI", "BIS", "DAS", "DER", "DIE", "EIN", "ES", "FÜR", "IM", "IN",
        "IST", "LAN", "LOG", "NAS", "RAM", "SAN", "WAN", "MAX", "MIN", "MIT", "NEU", "NUR", "ROT", "UM", "UND", "VOM",
        "VON", "VOR", "WAR", "ZU", "ZUM",
    ],
};

impl Tongue {
    /// A unit in words, for so much of it; `None` for what is no unit.
    pub fn unit(&self, sign: &str, one: bool) -> Option<&'static str> {
        // Of one, of several; in English, then in German.
        let (single, several, eine, viele) = match sign {
            "%" => ("percent", "percent", "Prozent", "Prozent"),
            "ms" | "msec" => ("millisecond", "milliseconds", "Millisekunde", "Millisekunden"),
            "us" | "µs" | "μs" => ("microsecond", "microseconds", "Mikrosekunde", "Mikrosekunden"),
            "s" | "sec" | "secs" => ("second", "seconds", "Sekunde", "Sekunden"),
            "m" | "min" | "mins" => ("minute", "minutes", "Minute", "Minuten"),
            "h" | "hr" | "hrs" => ("hour", "hours", "Stunde", "Stunden"),
            "d" => ("day", "days", "Tag", "Tage"),
            "w" => ("week", "weeks", "Woche", "Wochen"),
            "B" => ("byte", "bytes", "Byte", "Byte"),
            "K" | "KB" | "kB" | "KiB" | "kb" => ("kilobyte", "kilobytes", "Kilobyte", "Kilobyte"),
            "M" | "MB" | "MiB" | "Mb" | "mb" => ("megabyte", "megabytes", "Megabyte", "Megabyte"),
            "G" | "GB" | "GiB" | "Gb" | "gb" => ("gigabyte", "gigabytes", "Gigabyte", "Gigabyte"),
            "T" | "TB" | "TiB" => ("terabyte", "terabytes", "Terabyte", "Terabyte"),
            "KB/s" | "kB/s" => {
                ("kilobyte a second", "kilobytes a second", "Kilobyte pro Sekunde", "Kilobyte pro Sekunde")
            }
            "MB/s" => ("megabyte a second", "megabytes a second", "Megabyte pro Sekunde", "Megabyte pro Sekunde"),
            "GB/s" => ("gigabyte a second", "gigabytes a second", "Gigabyte pro Sekunde", "Gigabyte pro Sekunde"),
            "Mbit/s" | "Mbps" => {
                ("megabit a second", "megabits a second", "Megabit pro Sekunde", "Megabit pro Sekunde")
            }
            "Gbit/s" | "Gbps" => {
                ("gigabit a second", "gigabits a second", "Gigabit pro Sekunde", "Gigabit pro Sekunde")
            }
            "°C" | "C" => ("degree Celsius", "degrees Celsius", "Grad Celsius", "Grad Celsius"),
            "°F" | "F" => ("degree Fahrenheit", "degrees Fahrenheit", "Grad Fahrenheit", "Grad Fahrenheit"),
            "$" => ("dollar", "dollars", "Dollar", "Dollar"),
            "€" => ("euro", "euros", "Euro", "Euro"),
            "£" => ("pound", "pounds", "Pfund", "Pfund"),
            "°" => ("degree", "degrees", "Grad", "Grad"),
            "V" => ("volt", "volts", "Volt", "Volt"),
            "W" => ("watt", "watts", "Watt", "Watt"),
            "kW" => ("kilowatt", "kilowatts", "Kilowatt", "Kilowatt"),
            "VA" => ("volt ampere", "volt amperes", "Voltampere", "Voltampere"),
            "Hz" => ("hertz", "hertz", "Hertz", "Hertz"),
            "MHz" => ("megahertz", "megahertz", "Megahertz", "Megahertz"),
            "GHz" => ("gigahertz", "gigahertz", "Gigahertz", "Gigahertz"),
            _ => return None,
        };
        Some(match (self.german, one) {
            (false, true) => single,
            (false, false) => several,
            (true, true) => eine,
            (true, false) => viele,
        })
    }
}
