//! The header section of a mail or part: fields, unfolding, encoded words (RFC 2047) and parameters (RFC 2231).
//! All of it linear in the bytes, whatever they are.

use super::transfer::{base64_loose, decode_charset, escaped, hex_pair, split_line};

/// A parameter list is read no further than this: an ordinary one has two or three.
const MAX_PARAMETERS: usize = 100;

/// One header field: where its name and raw value lie in the mail.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// The name as written.
    pub name: &'a [u8],
    /// The value as written, folds included.
    pub value: &'a [u8],
}

/// Reads the fields at the start of `bytes` and returns them with the offset at which the body begins: after the first
/// empty line, or at the first line that cannot be a field, as Postfix does it. `is_end` ends the section early.
pub fn fields<'a>(bytes: &'a [u8], is_end: &dyn Fn(&[u8]) -> bool) -> (Vec<Field<'a>>, usize) {
    let mut fields: Vec<Field<'a>> = Vec::new();
    let mut start = 0;
    while let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
        let (line, after) = split_line(rest);
        let next = bytes.len() - after.len();
        if line.strip_suffix(b"\r").unwrap_or(line).is_empty() {
            return (fields, next);
        }
        if is_end(line) {
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            // White space alone continues nothing when nothing else does: some mailers end their headers with it.
            if line.trim_ascii().is_empty() && !matches!(after.first(), Some(b' ' | b'\t')) {
                return (fields, next);
            }
            let Some(field) = fields.last_mut() else { break };
            let value_start = bytes.len() - tail_from(bytes, field.value).len();
            field.value = bytes.get(value_start..start + line.len()).unwrap_or_default();
        } else if let Some(field) = field(line) {
            fields.push(field);
        } else if !line.starts_with(b">From ") {
            break;
        }
        start = next;
    }
    (fields, start)
}

/// `whole` from the start of `part`, which lies in it.
fn tail_from<'a>(whole: &'a [u8], part: &[u8]) -> &'a [u8] {
    let offset = part.as_ptr() as usize - whole.as_ptr() as usize;
    whole.get(offset..).unwrap_or_default()
}

/// A line `Name: value`, the name of printable ASCII without a space (RFC 5322, 2.2), a space before the colon allowed.
fn field(line: &[u8]) -> Option<Field<'_>> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    let valid = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    valid.then(|| Field { name, value: line.get(colon + 1..).unwrap_or_default() })
}

/// The value of a field, unfolded, with its encoded words decoded. Bytes above 127 are UTF-8, else `charset` (the
/// mail's own), else Windows-1252.
pub fn decode_value(value: &[u8], charset: Option<&str>) -> String {
    let value = value.trim_ascii();
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        // ISO-2022-JP and other 7-bit charsets are valid UTF-8 and stay as they are.
        Err(_) => decode_charset(value, charset.filter(|name| !name.to_ascii_lowercase().starts_with("utf"))),
    };
    let unfolded = unfolded(&text);
    if unfolded.contains("=?") {
        super::text::clean_line(&encoded_words(&unfolded))
    } else {
        super::text::clean_line(&unfolded)
    }
}

/// The value of a field, unfolded, and nothing in it decoded. What is not UTF-8 is U+FFFD: a charset can hide ASCII.
pub fn unfold_value(value: &[u8]) -> String {
    super::text::clean_line(&unfolded(&String::from_utf8_lossy(value)))
}

fn unfolded(text: &str) -> String {
    let mut unfolded = String::with_capacity(text.len());
    for line in text.split(['\r', '\n']) {
        let piece = if unfolded.is_empty() { line } else { line.trim_start() };
        if !unfolded.is_empty() && !piece.is_empty() && !unfolded.ends_with(' ') {
            unfolded.push(' ');
        }
        unfolded.push_str(piece);
    }
    unfolded.trim().to_owned()
}

/// Words of one charset that stand next to each other, collected before they are decoded: some senders split a
/// character over two words.
#[derive(Default)]
struct Run<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
}

impl Run<'_> {
    fn flush(&mut self, into: &mut String) {
        if !self.bytes.is_empty() {
            into.push_str(&decode_charset(&self.bytes, Some(self.charset)));
            self.bytes.clear();
        }
    }
}

fn encoded_words(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut run = Run::default();
    let mut rest = text;
    let mut after_word = false;
    // Where the next `?=` is; found once and reused, so that many openings without an end stay linear.
    let mut next_end: Option<usize> = Some(0);
    while let Some(at) = rest.find("=?") {
        let (before, candidate) = rest.split_at(at);
        let word = encoded_word(candidate, text.len() - candidate.len(), text, &mut next_end);
        if let Some((charset, bytes, length)) = word {
            if !(after_word && before.trim().is_empty()) {
                run.flush(&mut decoded);
                decoded.push_str(before);
            }
            if run.charset != charset {
                run.flush(&mut decoded);
                run.charset = charset;
            }
            run.bytes.extend_from_slice(&bytes);
            rest = candidate.get(length..).unwrap_or_default();
            after_word = true;
        } else {
            run.flush(&mut decoded);
            decoded.push_str(before);
            decoded.push_str("=?");
            rest = candidate.get(2..).unwrap_or_default();
            after_word = false;
        }
    }
    run.flush(&mut decoded);
    decoded.push_str(rest);
    decoded
}

/// `=?charset?B|Q?text?=` at the start of `candidate`, which begins at `offset` of `text`.
fn encoded_word<'a>(
    candidate: &'a str,
    offset: usize,
    text: &str,
    next_end: &mut Option<usize>,
) -> Option<(&'a str, Vec<u8>, usize)> {
    let inner = candidate.strip_prefix("=?")?;
    let head = inner.as_bytes().iter().take(80).position(|byte| *byte == b'?')?;
    let charset = inner.get(..head)?;
    if charset.is_empty() || !charset.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let kind = *inner.as_bytes().get(head + 1)?;
    if inner.as_bytes().get(head + 2) != Some(&b'?') {
        return None;
    }
    let start = offset + 2 + head + 3;
    let end = (*next_end)?;
    let end = if end >= start {
        end
    } else {
        *next_end = text.get(start..)?.find("?=").map(|found| found + start);
        (*next_end)?
    };
    let encoded = text.get(start..end)?.as_bytes();
    let bytes = match kind {
        b'B' | b'b' => base64_loose(encoded),
        b'Q' | b'q' => {
            let spaced: Vec<u8> = encoded.iter().map(|byte| if *byte == b'_' { b' ' } else { *byte }).collect();
            let mut bytes = Vec::with_capacity(spaced.len());
            escaped(&spaced, &mut bytes);
            bytes
        }
        _ => return None,
    };
    Some((charset, bytes, end + 2 - offset))
}

/// A field value with parameters: `text/plain; charset=utf-8`, `attachment; filename="a.txt"`.
#[derive(Debug, Clone, Default)]
pub struct Parameterised {
    /// What stands before the first `;`, in lower case, without comments and spaces.
    pub value: String,
    parameters: Vec<(String, String)>,
}

impl Parameterised {
    /// Reads `value`, unfolded or not.
    pub fn parse(value: &[u8]) -> Parameterised {
        let text = match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => decode_charset(value, None),
        };
        let mut pieces = Pieces { rest: text.as_str() };
        let head = pieces.next().unwrap_or_default();
        let value = without_comment(&head).trim().to_ascii_lowercase();
        let mut parameters: Vec<(String, String)> = Vec::new();
        for piece in pieces.take(MAX_PARAMETERS) {
            let Some((name, value)) = piece.split_once('=') else { continue };
            let name = name.trim().to_ascii_lowercase();
            let value = unquote(value.trim());
            parameters.push((name, value));
        }
        Parameterised { value, parameters }
    }

    /// The parameter `name` (lower case), its RFC 2231 continuations joined and decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        if let Some((_, value)) = self.parameters.iter().find(|(n, _)| n == name) {
            return Some(value.clone());
        }
        let mut pieces: Vec<(u32, bool, &str)> = Vec::new();
        for (key, value) in &self.parameters {
            let Some(rest) = key.strip_prefix(name).and_then(|rest| rest.strip_prefix('*')) else { continue };
            let (number, extended) = match rest.strip_suffix('*') {
                Some(number) => (number, true),
                None => (rest, rest.is_empty()),
            };
            if let Ok(number) = if number.is_empty() { Ok(0) } else { number.parse::<u32>() } {
                pieces.push((number, extended, value));
            }
        }
        pieces.sort_by_key(|(number, ..)| *number);
        let mut charset = None;
        let mut bytes: Vec<u8> = Vec::new();
        for (index, (_, extended, value)) in pieces.iter().enumerate() {
            let mut value = *value;
            if index == 0 && *extended {
                let mut parts = value.splitn(3, '\'');
                if let (Some(name), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next()) {
                    charset = Some(name.to_owned());
                    value = rest;
                }
            }
            if *extended { percent(value.as_bytes(), &mut bytes) } else { bytes.extend_from_slice(value.as_bytes()) }
        }
        (!bytes.is_empty()).then(|| decode_charset(&bytes, charset.as_deref()))
    }
}

fn percent(value: &[u8], into: &mut Vec<u8>) {
    let mut bytes = value.iter();
    while let Some(byte) = bytes.next() {
        match if *byte == b'%' { hex_pair(bytes.as_slice()) } else { None } {
            Some(value) => {
                into.push(value);
                bytes.nth(1);
            }
            None => into.push(*byte),
        }
    }
}

/// The pieces between semicolons, those inside quotes left alone.
struct Pieces<'a> {
    rest: &'a str,
}

impl Iterator for Pieces<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.rest.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let mut end = self.rest.len();
        for (at, char) in self.rest.char_indices() {
            match char {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                ';' if !quoted => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let piece = self.rest.get(..end).unwrap_or_default().replace(['\r', '\n'], "");
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Some(piece)
    }
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return without_comment(value).trim().to_owned() };
    let mut unquoted = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => unquoted.extend(chars.next()),
            char => unquoted.push(char),
        }
    }
    unquoted
}

fn without_comment(value: &str) -> &str {
    value.split(" (").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        decode_value(text.as_bytes(), None)
    }

    #[test]
    fn encoded_words_are_joined_and_split_characters_survive() {
        assert_eq!(value(" =?utf-8?Q?R=C3=BC?=\r\n =?utf-8?Q?ckruf?= bitte"), "Rückruf bitte");
        assert_eq!(value("=?utf-8?B?w?= =?utf-8?B?7w=?="), value("=?utf-8?B?w?= =?utf-8?B?7w=?="));
        assert_eq!(value("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?="), "ü");
        assert_eq!(value("[=?iso-8859-1?q?Gr=FC=DFe?=] a_b"), "[Grüße] a_b");
        assert_eq!(value("=?ISO-2022-JP?B?GyRCPmMzMhsoQg==?="), "障害");
        assert_eq!(value("no =?word here"), "no =?word here");
    }

    #[test]
    fn raw_eight_bit_values_are_guessed() {
        assert_eq!(decode_value(b"St\xf6rung", None), "Störung");
        assert_eq!(decode_value("Störung".as_bytes(), Some("iso-8859-1")), "Störung");
        assert_eq!(decode_value(b"\xcf\xf0\xe8\xe2\xe5\xf2", Some("windows-1251")), "Привет");
    }

    #[test]
    fn many_openings_without_an_end_take_no_time() {
        let start = std::time::Instant::now();
        for piece in ["=?utf-8?Q?", "=?utf-8?Q?a", "=?x", "=?=?", "=?utf-8?B?=?= "] {
            std::hint::black_box(value(&piece.repeat(100_000)));
        }
        assert!(start.elapsed().as_secs() < 30);
    }

    #[test]
    fn parameters_quoted_continued_and_encoded() {
        let type_ = Parameterised::parse(b"Multipart/Mixed; boundary=\"a;b\\\"c\"; charset=utf-8 (comment)");
        assert_eq!(type_.value, "multipart/mixed");
        assert_eq!(type_.parameter("boundary").as_deref(), Some("a;b\"c"));
        assert_eq!(type_.parameter("charset").as_deref(), Some("utf-8"));
        let name = Parameterised::parse(b"attachment; filename*0*=utf-8''Gr%C3%BC; filename*1=\"sse.txt\"");
        assert_eq!(name.parameter("filename").as_deref(), Some("Grüsse.txt"));
    }

    #[test]
    fn the_section_ends_where_no_field_can_be() {
        let (fields, body) = fields(b"A: 1\n b\nB : 2\nno field\n", &|_| false);
        assert_eq!(fields.len(), 2);
        assert_eq!(fields[0].value, b" 1\n b");
        assert_eq!(body, 14);
    }
}
