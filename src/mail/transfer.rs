//! Content transfer encodings (RFC 2045, 6) and charsets, both lenient: a damaged part shows what can be shown.
//! Every decoder here is linear and none can fail.

use std::borrow::Cow;

use mail_parser::decoders::charsets::map::charset_decoder;

use super::utf7;

/// How the bytes of a part travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// 7bit, 8bit, binary, and every name that we don't know.
    #[default]
    Identity,
    /// `base64`.
    Base64,
    /// `quoted-printable`.
    QuotedPrintable,
}

impl Encoding {
    /// The encoding that a Content-Transfer-Encoding field names.
    pub fn named(value: &str) -> Encoding {
        let value = value.trim().trim_matches('"');
        let word = value.split(|c: char| c == ';' || c.is_whitespace()).next().unwrap_or_default();
        if word.eq_ignore_ascii_case("base64") {
            Encoding::Base64
        } else if word.eq_ignore_ascii_case("quoted-printable") {
            Encoding::QuotedPrintable
        } else {
            Encoding::Identity
        }
    }

    /// The bytes that travelled.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Encoding::Identity => Cow::Borrowed(bytes),
            Encoding::Base64 => Cow::Owned(base64_lines(bytes)),
            Encoding::QuotedPrintable => Cow::Owned(quoted_printable(bytes)),
        }
    }
}

/// Decodes base64 line by line. From the first line that is not base64 on, the text is taken as it stands: mailing
/// lists append plain footers to encoded parts, and some senders only claim to encode.
fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len() / 4 * 3);
    let mut rest = bytes;
    let mut word = Base64::default();
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        let trimmed = line.trim_ascii();
        if !trimmed.iter().all(|byte| sextet(*byte).is_some() || *byte == b'=') {
            word.finish(&mut decoded);
            if !decoded.is_empty() && decoded.last() != Some(&b'\n') {
                decoded.push(b'\n');
            }
            decoded.extend_from_slice(rest);
            return decoded;
        }
        for byte in trimmed {
            match sextet(*byte) {
                Some(bits) => word.push(bits, &mut decoded),
                None => word.finish(&mut decoded),
            }
        }
        rest = after;
    }
    word.finish(&mut decoded);
    decoded
}

/// Decodes base64 and ignores whatever is not of its alphabet.
pub fn base64_loose(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len() / 4 * 3 + 3);
    let mut word = Base64::default();
    for byte in bytes {
        match sextet(*byte) {
            Some(bits) => word.push(bits, &mut decoded),
            None if *byte == b'=' => word.finish(&mut decoded),
            None => {}
        }
    }
    word.finish(&mut decoded);
    decoded
}

/// Up to four characters of base64 on their way to three bytes.
#[derive(Default)]
struct Base64 {
    bits: u32,
    count: u8,
}

impl Base64 {
    fn push(&mut self, sextet: u8, into: &mut Vec<u8>) {
        self.bits = self.bits << 6 | u32::from(sextet);
        self.count += 1;
        if self.count == 4 {
            let [_, bytes @ ..] = self.bits.to_be_bytes();
            into.extend_from_slice(&bytes);
            *self = Base64::default();
        }
    }

    fn finish(&mut self, into: &mut Vec<u8>) {
        let [_, first, second, _] = (self.bits << (6 * u32::from(4 - self.count.min(4)))).to_be_bytes();
        match self.count {
            2 => into.push(first),
            3 => into.extend_from_slice(&[first, second]),
            _ => {}
        }
        *self = Base64::default();
    }
}

/// The six bits that a character of base64 stands for.
pub fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Decodes quoted-printable; what is not a valid escape stays as it is.
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        let ended = rest.len() > line.len();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (content, soft) = match line.trim_ascii_end().strip_suffix(b"=") {
            Some(content) => (content, true),
            None => (line, false),
        };
        escaped(content, &mut decoded);
        if ended && !soft {
            decoded.push(b'\n');
        }
        rest = after;
    }
    decoded
}

/// Decodes the `=XX` of one line (or, for encoded words, of one word).
pub fn escaped(line: &[u8], into: &mut Vec<u8>) {
    let mut bytes = line.iter();
    while let Some(byte) = bytes.next() {
        let value = if *byte == b'=' { hex_pair(bytes.as_slice()) } else { None };
        match value {
            Some(value) => {
                into.push(value);
                bytes.nth(1);
            }
            None => into.push(*byte),
        }
    }
}

/// The byte that two hexadecimal digits name.
pub fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match bytes {
        [high, low, ..] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    }
}

/// The first line of `bytes` without its LF, and what follows the LF.
pub fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default()),
        None => (bytes, &[]),
    }
}

/// The text that `bytes` are in `charset`. Without a charset, with one that nobody knows, and with plain ASCII claimed
/// over 8-bit bytes: UTF-8 when it is valid, else Windows-1252, which every byte sequence is.
pub fn decode_charset(bytes: &[u8], charset: Option<&str>) -> String {
    let name = charset.unwrap_or_default().trim().trim_matches(['"', '\'']);
    let lower = name.to_ascii_lowercase();
    let lower = lower.split('*').next().unwrap_or_default(); // RFC 2231, 5: `iso-8859-1*en`
    match lower {
        "utf-16" | "utf16" | "unicode" | "iso-10646-ucs-2" | "ucs-2" => utf16(bytes),
        "utf-7" | "utf7" | "unicode-1-1-utf-7" | "csutf7" => utf7::decode(bytes, guess),
        "" | "us-ascii" | "ascii" | "ansi_x3.4-1968" | "7bit" | "8bit" | "unknown-8bit" | "x-unknown" | "default"
        | "utf-8" | "utf8" | "unicode-1-1-utf-8" => {
            if bytes.is_ascii() {
                return guess(bytes);
            }
            // Damaged UTF-8 stays UTF-8, but a text without one valid character of it is not UTF-8 at all.
            let lossy = String::from_utf8_lossy(bytes);
            let claimed =
                lower.contains("utf") && lossy.chars().any(|c| !c.is_ascii() && c != char::REPLACEMENT_CHARACTER);
            if claimed { lossy.into_owned() } else { guess(bytes) }
        }
        _ => match charset_decoder(lower.as_bytes()) {
            Some(decode) => decode(bytes),
            None => guess(bytes),
        },
    }
}

fn guess(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // A mail cut at the limit can end inside a character: that alone is no reason to doubt UTF-8, where there are
        // other characters to speak for it. `Café` in Latin-1 ends like that, too.
        Err(error) if error.error_len().is_none() && !bytes.get(..error.valid_up_to()).is_none_or(<[u8]>::is_ascii) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Err(_) => charset_decoder(b"windows-1252")
            .map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decode| decode(bytes)),
    }
}

/// UTF-16 by its byte order mark, else by where the zero bytes of its ASCII are, else big-endian (RFC 2781, 4.3).
fn utf16(bytes: &[u8]) -> String {
    let pairs = bytes.as_chunks::<2>().0;
    let little = match pairs.first() {
        Some([0xff, 0xfe]) => true,
        Some([0xfe, 0xff]) => false,
        _ => {
            let zeros = |at: usize| pairs.iter().filter(|pair| pair.get(at) == Some(&0)).count();
            zeros(1) > zeros(0)
        }
    };
    let units = pairs.iter().map(|pair| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: Encoding, text: &str) -> String {
        String::from_utf8_lossy(&encoding.decode(text.as_bytes())).into_owned()
    }

    #[test]
    fn base64_in_lines_cut_off_or_with_a_plain_footer() {
        assert_eq!(decoded(Encoding::Base64, "SGVs\r\nbG8h\r\n"), "Hello!");
        assert_eq!(decoded(Encoding::Base64, "SGVsbG8"), "Hello");
        assert_eq!(decoded(Encoding::Base64, "SGVsbG8=\n--- the list ---\n"), "Hello\n--- the list ---\n");
        assert_eq!(decoded(Encoding::Base64, "Server db1 is down.\n"), "Server db1 is down.\n");
    }

    #[test]
    fn quoted_printable_with_soft_breaks_and_damage() {
        assert_eq!(decoded(Encoding::QuotedPrintable, "a=3Db=\r\nc=  \nd\ne=zz=E"), "a=bcd\ne=zz=E");
        assert_eq!(decoded(Encoding::QuotedPrintable, "a\n\nb\n"), "a\n\nb\n");
    }

    #[test]
    fn charsets_by_name_by_mark_and_by_guess() {
        assert_eq!(decode_charset(b"gr\xfc\xdfe", Some("iso-8859-1")), "grüße");
        assert_eq!(decode_charset("grüße".as_bytes(), Some("no-such-charset")), "grüße");
        assert_eq!(decode_charset(b"gr\xfc\xdfe", None), "grüße");
        assert_eq!(decode_charset(b"gr\xfc\xdfe", Some("utf-8")), "grüße");
        assert_eq!(decode_charset("grü\u{df}e\u{fffd}".as_bytes(), Some("utf-8")), "grüße\u{fffd}");
        assert_eq!(decode_charset(b"\0U\0P\0S", Some("UTF-16")), "UPS");
        assert_eq!(decode_charset(b"U\0P\0S\0", Some("utf-16")), "UPS");
        assert_eq!(decode_charset(b"\xff\xfeU\0P\0S\0", Some("utf-16")).trim_start_matches('\u{feff}'), "UPS");
        assert_eq!(decode_charset(b"\x1b$B>c32\x1b(B", Some("ISO-2022-JP")), "障害");
        assert_eq!(decode_charset(b"Hi +ZeVnLIqe", Some("utf-7")), "Hi 日本語");
        assert_eq!(decode_charset(&"üé".as_bytes()[..3], None), "ü\u{fffd}");
        assert_eq!(decode_charset(b"Caf\xe9", None), "Café");
    }
}
