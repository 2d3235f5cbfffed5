//! Numbers as mails write them, with their units: `1,234.5`, `1.234,5`, `85 %`, `1.5 GB`. What cannot be a number is none:
//! a guess would ring, or not ring, for no reason that anybody could see.

use std::cmp::Ordering;
use std::fmt;

/// A number and the unit behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// The number as written.
    pub number: f64,
    /// The unit as written; empty when there is none.
    pub unit: String,
}

/// The longest text that is looked at, in bytes.
const LONGEST: usize = 100;
/// The longest unit, in characters.
const LONGEST_UNIT: usize = 24;
/// Numbers closer together than this part of the larger are equal: 0.1 GB and 100 MB are the same.
const EPSILON: f64 = 1e-9;

impl Quantity {
    /// Reads a text that is one number, with or without a unit, and nothing else.
    ///
    /// - One point is a decimal point, always: `1.234` is a bit more than one.
    /// - One comma separates thousands where exactly three digits follow and one to three, not a zero, stand before it
    ///   (`1,234`); else it is a decimal comma (`20,5`, `0,123`).
    /// - Of point and comma, the one that comes last is the decimal one: `1.234,5`, `1,234.5`.
    /// - A mark that comes several times separates thousands, and so do `'`, `_` and spaces; groups must be whole.
    /// - A full stop or comma at the end is the sentence's, not the number's.
    /// - Behind it one word may stand, or `%`: the unit. `1h 30m`, `20 of 30`, `1.2.3.4.5` and `0x1F` are no numbers.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > LONGEST {
            return None;
        }
        let (negative, unsigned) = match text.strip_prefix(['-', '−']) {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = end_of_digits(unsigned);
        let (digits, rest) = unsigned.split_at_checked(end)?;
        let (digits, rest) = (digits.trim_end_matches(['.', ',']), rest.trim_start());
        let mut plain = plain(digits)?;
        let mut unit = rest.trim_end_matches(['.', ',', ';', ':', '!']);
        if let Some(power) = exponent(unit).filter(|_| end == unsigned.len() - rest.len()) {
            plain.push_str(power);
            unit = unit.get(power.len()..).unwrap_or_default().trim_start();
        }
        let number: f64 = plain.parse().ok().filter(|number: &f64| number.is_finite())?;
        let number = if negative { -number } else { number };
        is_unit(unit).then(|| Self { number, unit: unit.to_owned() })
    }

    /// How this compares with `bound`. A bound without a unit compares the numbers as they stand. Else both must be of
    /// one kind (bytes, time, percent), or have the same unit; `None` where they do not.
    pub fn compare(&self, bound: &Self) -> Option<Ordering> {
        let (mine, other) = if bound.unit.is_empty() || self.unit.eq_ignore_ascii_case(&bound.unit) {
            (self.number, bound.number)
        } else {
            let kind = Kind::of(&bound.unit)?;
            (self.number * kind.factor(&self.unit)?, bound.number * kind.factor(&bound.unit)?)
        };
        if (mine - other).abs() <= EPSILON * mine.abs().max(other.abs()) {
            return Some(Ordering::Equal);
        }
        mine.partial_cmp(&other)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.unit.is_empty() || self.unit == "%" { "" } else { " " };
        write!(f, "{}{space}{}", self.number, self.unit)
    }
}

/// What a unit measures. The kind is the bound's, so that `m` is a million bytes beside `10 MB` and a minute beside `5 min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bytes,
    Time,
    Percent,
}

impl Kind {
    fn of(unit: &str) -> Option<Self> {
        [Self::Percent, Self::Bytes, Self::Time].into_iter().find(|kind| kind.factor(unit).is_some())
    }

    /// How many bytes, seconds or percent it is; `None` for a unit of another kind.
    fn factor(self, unit: &str) -> Option<f64> {
        let unit = unit.to_lowercase();
        UNITS
            .iter()
            .find(|(kind, names, _)| *kind == self && names.contains(&unit.as_str()))
            .map(|(_, _, factor)| *factor)
    }
}

/// Units in lower case, and what they are worth. `kB` is 1000 bytes and `KiB` 1024, as with `size`.
const UNITS: &[(Kind, &[&str], f64)] = &[
    (Kind::Percent, &["%", "percent", "pct"], 1.0),
    (Kind::Bytes, &["b", "byte", "bytes"], 1.0),
    (Kind::Bytes, &["k", "kb"], 1e3),
    (Kind::Bytes, &["m", "mb"], 1e6),
    (Kind::Bytes, &["g", "gb"], 1e9),
    (Kind::Bytes, &["t", "tb"], 1e12),
    (Kind::Bytes, &["p", "pb"], 1e15),
    (Kind::Bytes, &["ki", "kib"], 1024.0),
    (Kind::Bytes, &["mi", "mib"], 1_048_576.0),
    (Kind::Bytes, &["gi", "gib"], 1_073_741_824.0),
    (Kind::Bytes, &["ti", "tib"], 1_099_511_627_776.0),
    (Kind::Bytes, &["pi", "pib"], 1_125_899_906_842_624.0),
    (Kind::Time, &["ns", "nanosecond", "nanoseconds"], 1e-9),
    (Kind::Time, &["us", "µs", "μs", "usec", "microsecond", "microseconds"], 1e-6),
    (Kind::Time, &["ms", "msec", "msecs", "millisecond", "milliseconds"], 1e-3),
    (Kind::Time, &["s", "sec", "secs", "second", "seconds"], 1.0),
    (Kind::Time, &["m", "min", "mins", "minute", "minutes"], 60.0),
    (Kind::Time, &["h", "hr", "hrs", "hour", "hours"], 3600.0),
    (Kind::Time, &["d", "day", "days"], 86_400.0),
    (Kind::Time, &["w", "week", "weeks"], 604_800.0),
];

/// What separates thousands and is no point or comma. The spaces are also those that mail clients put there.
fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’' | '_')
}

/// Where the digits and what separates them end. A gap belongs to them only when a digit follows.
fn end_of_digits(text: &str) -> usize {
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next_is_digit = chars.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        if !(c.is_ascii_digit() || matches!(c, '.' | ',') || is_gap(c) && next_is_digit) {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// The digits with a point, if any, and nothing else.
fn plain(digits: &str) -> Option<String> {
    if !digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',')) {
        return None;
    }
    let marks = |mark: char| digits.matches(mark).count();
    let decimal = match (marks('.'), marks(',')) {
        (0, 1) if is_thousands(digits) => None,
        (1, 0) | (0, 1) => digits.find(['.', ',']),
        (_, 0) | (0, _) => None,
        _ => {
            let last = digits.rfind(['.', ','])?;
            // The one that comes last comes once, else neither is the decimal one.
            let mark = digits.get(last..)?.chars().next()?;
            if marks(mark) != 1 {
                return None;
            }
            Some(last)
        }
    };
    let (whole, fraction) = match decimal {
        Some(at) => (digits.get(..at)?, digits.get(at + 1..)?),
        None => (digits, ""),
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = without_thousands(whole)?;
    Some(format!(
        "{}.{}",
        if whole.is_empty() { "0" } else { &whole },
        if fraction.is_empty() { "0" } else { fraction }
    ))
}

/// Whether the only comma separates thousands.
fn is_thousands(digits: &str) -> bool {
    digits.split_once(',').is_some_and(|(before, after)| {
        (1..=3).contains(&before.len())
            && !before.starts_with('0')
            && after.len() == 3
            && [before, after].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// The digits of a whole number. All that separates must be the same mark, and groups must be whole: one to three
/// digits, then three each (two in India, but three at the end).
fn without_thousands(whole: &str) -> Option<String> {
    let mut marks = whole.chars().filter(|c| !c.is_ascii_digit());
    let Some(mark) = marks.next() else { return Some(whole.to_owned()) };
    if marks.any(|other| other != mark) {
        return None;
    }
    let groups: Vec<&str> = whole.split(mark).collect();
    let (first, rest) = groups.split_first()?;
    let (last, middle) = rest.split_last()?;
    let two_or_three = |group: &&str| group.len() == 3 || mark == ',' && group.len() == 2;
    let fits = (1..=3).contains(&first.len()) && last.len() == 3 && middle.iter().all(two_or_three);
    fits.then(|| groups.concat())
}

/// `e3`, `E-7` at the beginning: `1.5e3`.
fn exponent(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(['e', 'E'])?;
    let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=3).contains(&count) {
        return None;
    }
    text.get(..text.len() - digits.len() + count)
}

/// Nothing, or one word without digits: `%`, `MB/s`, `°C`, `errors`.
fn is_unit(text: &str) -> bool {
    text.chars().count() <= LONGEST_UNIT
        && text.chars().all(|c| c.is_alphabetic() || matches!(c, '%' | '‰' | '°' | '/' | '$' | '€' | '£' | '¥' | '-'))
        && !text.starts_with(['-', '/'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<(f64, String)> {
        Quantity::parse(text).map(|quantity| (quantity.number, quantity.unit))
    }

    #[test]
    #[allow(clippy::float_cmp)] // Read from decimals: exactly the same.
    fn numbers_are_read_as_people_write_them() {
        let cases = [
            ("0", 0.0, ""),
            ("23", 23.0, ""),
            (" 23.5 ", 23.5, ""),
            ("23.", 23.0, ""),
            ("23.5.", 23.5, ""),
            ("23,", 23.0, ""),
            (".5", 0.5, ""),
            ("-3", -3.0, ""),
            ("−3,5", -3.5, ""),
            ("+3", 3.0, ""),
            ("1.234", 1.234, ""),
            ("1,234", 1234.0, ""),
            ("12,34", 12.34, ""),
            ("20,5", 20.5, ""),
            ("0,123", 0.123, ""),
            ("1234,567", 1234.567, ""),
            ("1,234.5", 1234.5, ""),
            ("1.234,5", 1234.5, ""),
            ("1.234.567", 1_234_567.0, ""),
            ("1,234,567", 1_234_567.0, ""),
            ("1.234.567,89", 1_234_567.89, ""),
            ("12,34,567.5", 1_234_567.5, ""),
            ("1 234 567", 1_234_567.0, ""),
            ("1\u{202f}234,5", 1234.5, ""),
            ("1'234.50", 1234.5, ""),
            ("1_000", 1000.0, ""),
            ("85%", 85.0, "%"),
            ("85,5 %", 85.5, "%"),
            ("1.5 GB", 1.5, "GB"),
            ("1.5GB,", 1.5, "GB"),
            ("80°C", 80.0, "°C"),
            ("12 errors", 12.0, "errors"),
            ("3 MB/s", 3.0, "MB/s"),
            ("1.5e3", 1500.0, ""),
            ("1E-2 s", 0.01, "s"),
            ("7E", 7.0, "E"),
        ];
        for (text, number, unit) in cases {
            assert_eq!(read(text), Some((number, unit.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn what_could_be_something_else_is_no_number() {
        let long = "1".repeat(200);
        let cases = [
            "",
            " ",
            ".",
            ",",
            "-",
            "n/a",
            "none",
            "NaN",
            "inf",
            "1h 30m",
            "20 of 30",
            "10.1.2.3",
            "1.2.3",
            "0x1F",
            "2026-11-02",
            "12:30",
            "1,2,3",
            "1.234,567.8",
            "1,23,45",
            "12 345 67",
            "1 2",
            "--3",
            "5 - 6",
            "1..2",
            "20 errors here",
            "1'234,567'890",
            "3e9999",
            "½",
            "٣",
            &long,
        ];
        for text in cases {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    fn compare(value: &str, bound: &str) -> Option<Ordering> {
        Quantity::parse(value).unwrap().compare(&Quantity::parse(bound).unwrap())
    }

    #[test]
    fn a_bound_without_a_unit_compares_the_numbers() {
        assert_eq!(compare("23.5 %", "20"), Some(Ordering::Greater));
        assert_eq!(compare("1.5 GB", "20"), Some(Ordering::Less));
        assert_eq!(compare("20,0", "20"), Some(Ordering::Equal));
    }

    #[test]
    fn a_bound_with_a_unit_compares_what_is_meant() {
        assert_eq!(compare("1.5 GB", "200 MB"), Some(Ordering::Greater));
        assert_eq!(compare("0.1 GB", "100 MB"), Some(Ordering::Equal));
        assert_eq!(compare("1 GiB", "1 GB"), Some(Ordering::Greater));
        assert_eq!(compare("90 m", "1 h"), Some(Ordering::Greater));
        assert_eq!(compare("90 m", "1 GB"), Some(Ordering::Less), "a million beside bytes");
        assert_eq!(compare("250 ms", "0.25 seconds"), Some(Ordering::Equal));
        assert_eq!(compare("85 percent", "80%"), Some(Ordering::Greater));
        assert_eq!(compare("81 °C", "80 °c"), Some(Ordering::Greater), "the same unit, whatever it is");
        assert_eq!(compare("81", "80 °C"), None);
        assert_eq!(compare("81 °F", "80 °C"), None);
        assert_eq!(compare("5 s", "5 GB"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_in_either_way_is_read_back(whole in 0_u32..2_000_000_000, cents in 0_u32..100, german in any::<bool>()) {
            let digits = whole.to_string();
            let (thousands, decimal) = if german { ('.', ',') } else { (',', '.') };
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at) % 3 == 0 {
                    grouped.push(thousands);
                }
                grouped.push(digit);
            }
            let expected: f64 = format!("{whole}.{cents:02}").parse().unwrap();
            prop_assert_eq!(read(&format!("{grouped}{decimal}{cents:02}")), Some((expected, String::new())));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.,'_ eE+-]{0,20}|\\PC{0,20}") {
            if let Some(quantity) = Quantity::parse(&text) {
                prop_assert!(quantity.number.is_finite());
            }
        }
    }
}
