//! A mail that we write: its header, in which nothing of a mail that we were sent can become a field or an address of its
//! own, and its text. Pure: the same alert makes the same bytes, so a mail that is sent twice in doubt is known by its
//! Message-ID, and many mailboxes keep but one of them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::clean::{is_hidden, one_line};
use crate::alert::Digest;
use crate::mail::message::LOOP_HEADER;
use crate::oncall::{GroupId, MailAddress};

/// Lines of a header are folded at so many characters (RFC 5322, 2.1.1).
const LINE: usize = 76;
/// An encoded word holds so many bytes: 75 characters with its frame (RFC 2047, 2).
const ENCODED: usize = 42;
/// A subject or a name is cut to so many characters.
const MAX_SUBJECT: usize = 200;
const MAX_NAME: usize = 100;
/// Lines of text of up to so many bytes go as they are (RFC 5321, 4.5.3.1.6, allows 998).
const MAX_PLAIN_LINE: usize = 900;

/// Who a mail is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name that is shown; may be empty.
    pub name: String,
    /// The address, in the header and in the envelope.
    pub address: MailAddress,
}

/// A mail to be sent, with CRLF line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// To whom.
    pub to: MailAddress,
    /// Header and body.
    pub bytes: Vec<u8>,
    /// The same for a server that takes ASCII alone, where `bytes` is not ASCII.
    pub seven_bit: Option<Vec<u8>>,
}

/// What stands in the header.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// Who it is from.
    pub from: &'a Sender,
    /// The name and the address of who gets it.
    pub to: (&'a str, &'a MailAddress),
    /// Where answers go, if not to `from`.
    pub reply_to: Option<&'a MailAddress>,
    /// On any number of lines, in any characters.
    pub subject: &'a str,
    /// What the mail is, for its Message-ID: the same again has the same.
    pub identity: Digest,
    /// What it belongs to, so that mail programs show together what is about one alert.
    pub thread: Option<Digest>,
    /// When it was written.
    pub at: Timestamp,
    /// The group that it is for: its key and its name.
    pub list: Option<(&'a GroupId, &'a str)>,
    /// The mail that it answers.
    pub answers: Option<Answering<'a>>,
}

/// A mail that is answered.
#[derive(Debug, Clone, Copy)]
pub struct Answering<'a> {
    /// Its Message-ID, as it came.
    pub message_id: Option<&'a str>,
}

impl Head<'_> {
    /// The fields, without the line that ends the header and without those that say what the body is.
    pub fn fields(&self) -> String {
        let mut out = String::new();
        let domain = self.from.address.domain();
        let (name, to) = self.to;
        mailbox(&mut out, "From", &self.from.name, &self.from.address);
        mailbox(&mut out, "To", name, to);
        if let Some(address) = self.reply_to {
            mailbox(&mut out, "Reply-To", "", address);
        }
        unstructured(&mut out, "Subject", &start(self.subject, MAX_SUBJECT));
        let _ = write!(out, "Date: {}\r\n", date(self.at));
        let _ = write!(out, "Message-ID: {}\r\n", message_id(self.identity, domain));
        if let Some(answered) = self.answers.and_then(|answers| answers.message_id).and_then(bare_id) {
            let _ = write!(out, "In-Reply-To: {answered}\r\n");
        }
        if let Some(thread) = self.thread {
            let _ = write!(out, "References: {}\r\n", message_id(thread, domain));
        }
        if let Some((group, name)) = self.list {
            let _ = write!(out, "List-Id:{}", phrase(name, "List-Id:".len()));
            let _ = write!(out, "\r\n <{}.{domain}>\r\n", label(group));
        }
        // RFC 3834, 5: what writes by itself says so, and is not answered by what answers by itself.
        let how = if self.answers.is_some() { "auto-replied" } else { "auto-generated" };
        let _ = write!(out, "Auto-Submitted: {how}\r\nX-Auto-Response-Suppress: All\r\n");
        let _ = write!(out, "{LOOP_HEADER}: {}\r\n", label_of(domain));
        out
    }
}

/// A mail of plain text.
pub fn plain(head: &Head<'_>, text: &str) -> Letter {
    let mut out = head.fields();
    out.push_str("MIME-Version: 1.0\r\n");
    out.push_str(&text_part(text));
    Letter { to: head.to.1.clone(), bytes: out.into_bytes(), seven_bit: None }
}

/// The fields and the body of a part of plain text: ASCII, whatever the text is.
pub fn text_part(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(visible).collect();
    let is_plain = |line: &String| line.is_ascii() && line.len() <= MAX_PLAIN_LINE;
    let (encoding, body) = if lines.iter().all(is_plain) {
        ("7bit", lines.iter().map(|line| format!("{line}\r\n")).collect())
    } else {
        ("quoted-printable", lines.iter().map(|line| quoted_printable(line)).collect::<String>())
    };
    format!("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}")
}

/// A time as header fields have it (RFC 5322, 3.3), in UTC: everybody's program shows it in their own zone.
pub fn date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A Message-ID of somebody else's, if it is one: it stands in our header as it is.
fn bare_id(text: &str) -> Option<&str> {
    let text = text.trim();
    let inner = text.strip_prefix('<')?.strip_suffix('>')?;
    let fits = inner.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'<' && byte != b'>');
    (fits && (3..=250).contains(&inner.len())).then_some(text)
}

/// `<HEX@domain>`, the Message-ID of what this digest stands for.
pub fn message_id(digest: Digest, domain: &str) -> String {
    let digest: String = digest.to_string().chars().take(32).collect();
    format!("<{digest}@{domain}>")
}

/// `Name: "David" <david@example.com>`.
pub fn mailbox(out: &mut String, field: &str, name: &str, address: &MailAddress) {
    let _ = write!(out, "{field}:");
    let phrase = phrase(name, field.len() + 1);
    let used = phrase.rsplit('\n').next().map_or(0, str::len);
    out.push_str(&phrase);
    // An address of 254 characters has its own line.
    let fold = if used + field.len() + address.as_str().len() > LINE { "\r\n " } else { " " };
    let _ = write!(out, "{fold}<{address}>\r\n");
}

/// A field of words.
pub fn unstructured(out: &mut String, field: &str, value: &str) {
    let value = one_line(value);
    let _ = write!(out, "{field}:");
    if is_plain(&value) {
        let mut used = field.len() + 1;
        for word in value.split(' ').filter(|word| !word.is_empty()) {
            let fold = used + 1 + word.len() > LINE && used > field.len() + 1;
            out.push_str(if fold { "\r\n " } else { " " });
            used = if fold { 1 } else { used + 1 } + word.len();
            out.push_str(word);
        }
    } else {
        out.push_str(&encoded(&value, field.len() + 1));
    }
    out.push_str("\r\n");
}

/// A name before an address or a list's identifier, with a space before it: a quoted string, or encoded words.
fn phrase(name: &str, used: usize) -> String {
    let name = start(name, MAX_NAME);
    if name.is_empty() {
        String::new()
    } else if is_plain(&name) && used + name.len() < LINE {
        format!(" \"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        encoded(&name, used)
    }
}

/// Encoded words (RFC 2047), each with a space before it or on a line of its own, none with a broken character.
fn encoded(text: &str, used: usize) -> String {
    let mut out = String::new();
    let mut piece = String::new();
    let mut used = used;
    let mut put = |piece: &mut String| {
        let word = format!("=?utf-8?B?{}?=", STANDARD.encode(piece.as_bytes()));
        let fold = used + 1 + word.len() > LINE;
        out.push_str(if fold { "\r\n " } else { " " });
        used = if fold { 1 } else { used + 1 } + word.len();
        out.push_str(&word);
        piece.clear();
    };
    for c in text.chars() {
        if piece.len() + c.len_utf8() > ENCODED {
            put(&mut piece);
        }
        piece.push(c);
    }
    if !piece.is_empty() {
        put(&mut piece);
    }
    out
}

/// Whether it can stand in a header as it is: ASCII that shows, no word too long to fold at, and nothing that a reader
/// would take for an encoded word.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && !text.contains("=?")
        && text.split(' ').all(|word| word.len() < LINE - 2)
}

/// The first characters of a text, on one line.
fn start(text: &str, most: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= most {
        return line;
    }
    let mut cut: String = line.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// One line without what shows nothing; a tab is a space.
fn visible(line: &str) -> String {
    let shown = line.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !is_hidden(*c) && !c.is_control());
    shown.collect::<String>().trim_end().to_owned()
}

/// RFC 2045, 6.7: the line with its end, in lines of at most 76 characters.
fn quoted_printable(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    let mut bytes = line.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || byte == b' ' && bytes.peek().is_some();
        let width = if plain { 1 } else { 3 };
        if column + width >= LINE {
            out.push_str("=\r\n");
            column = 0;
        }
        if plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "={byte:02X}");
        }
        column += width;
    }
    out.push_str("\r\n");
    out
}

/// A group's key as a label of a domain.
fn label(group: &GroupId) -> String {
    label_of(group.as_str())
}

/// A text as a label of a domain: letters, digits, dots and hyphens.
fn label_of(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' });
    let label: String = plain.take(60).collect();
    let label = label.trim_matches(['-', '.']);
    if label.is_empty() { "thialfi".to_owned() } else { label.to_owned() }
}

#[cfg(test)]
mod tests;
