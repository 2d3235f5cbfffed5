//! A mail that goes on to somebody by e-mail: attached, unchanged, to a few lines about its alert, or redirected as it is.
//! Pure, and made for a mail of any bytes: what cannot be a part of a mail is attached as a file.

use std::fmt::Write as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::letter::{self, Head, Letter};
use crate::alert::Digest;
use crate::mail::message::LOOP_HEADER;

/// The longest line that a mail may have (RFC 5322, 2.1.1), without its end.
const MAX_LINE: usize = 998;

/// In which form a mail goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Attached to a mail of ours that tells of the alert.
    Attachment,
    /// As it is, from whoever wrote it, with `Resent-` fields above its header (RFC 5322, 3.6.6).
    Redirect,
}

/// A mail that goes on.
#[derive(Debug, Clone, Copy)]
pub struct Original<'a> {
    /// Its bytes, as the mail server gave them to us.
    pub bytes: &'a [u8],
    /// Whether that is all of it.
    pub whole: bool,
}

/// The mail attached to a mail with this header and text. `secret` names the boundary between the parts: nobody who does
/// not know it can write one into a mail.
pub fn attached(head: &Head<'_>, text: &str, original: Original<'_>, secret: &str) -> Letter {
    let mail = Mail::of(original);
    let boundary = Digest::of(["boundary", secret]).to_string();
    let boundary = boundary.get(..32).unwrap_or(&boundary);
    let write = |part: &str, body: &[u8]| {
        let mut out = head.fields();
        let _ = write!(out, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_{boundary}\"\r\n\r\n");
        let _ = write!(out, "--=_{boundary}\r\n{}\r\n--=_{boundary}\r\n{part}\r\n", letter::text_part(text));
        let mut out = out.into_bytes();
        out.extend_from_slice(body);
        if !body.ends_with(b"\r\n") {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(format!("--=_{boundary}--\r\n").as_bytes());
        out
    };
    let as_mail = |encoding: &str| {
        let part = format!(
            "Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=\"mail.eml\"\r\n\
             Content-Transfer-Encoding: {encoding}\r\n"
        );
        write(&part, &mail.crlf())
    };
    // RFC 2046, 5.2.1: a mail within a mail must not be encoded; a file may be.
    let as_file = || {
        let part = "Content-Type: application/octet-stream; name=\"mail.eml\"\r\nContent-Disposition: attachment; \
                    filename=\"mail.eml\"\r\nContent-Transfer-Encoding: base64\r\n";
        write(part, base64_lines(mail.bytes).as_bytes())
    };
    let to = head.to.1.clone();
    match mail.kind() {
        Kind::Ascii => Letter { to, bytes: as_mail("7bit"), seven_bit: None },
        Kind::EightBit => Letter { to, bytes: as_mail("8bit"), seven_bit: Some(as_file()) },
        Kind::Odd => Letter { to, bytes: as_file(), seven_bit: None },
    }
}

/// The mail as it is, with a header above its own that says who has sent it on. `None` where that cannot be done: it is cut,
/// its header is none, or it has lines or bytes that no mail may have. `about`: what fields of ours tell of the alert.
pub fn redirected(
    head: &Head<'_>,
    about: &[(&str, Option<&str>)],
    original: Original<'_>,
    instead: impl FnOnce() -> Letter,
) -> Option<Letter> {
    let mail = Mail::of(original);
    let header = mail.header()?;
    if !original.whole {
        return None;
    }
    let mut out = String::new();
    let domain = head.from.address.domain();
    letter::mailbox(&mut out, "Resent-From", &head.from.name, &head.from.address);
    letter::mailbox(&mut out, "Resent-To", head.to.0, head.to.1);
    let _ = write!(out, "Resent-Date: {}\r\n", letter::date(head.at));
    let _ = write!(out, "Resent-Message-ID: {}\r\n", letter::message_id(head.identity, domain));
    let _ = write!(out, "{LOOP_HEADER}: {domain}\r\n");
    for (name, value) in about.iter().filter_map(|(name, value)| value.map(|value| (name, value))) {
        letter::unstructured(&mut out, name, value);
    }
    let mut bytes = out.into_bytes();
    let all = mail.crlf();
    let mut rest = 0;
    // The envelope's sender is ours now; the field is the last mail server's to write.
    for field in header.into_iter().filter(|field| is_field(all.get(field.clone()).unwrap_or_default(), b"Return-Path"))
    {
        bytes.extend_from_slice(all.get(rest..field.start).unwrap_or_default());
        rest = field.end;
    }
    bytes.extend_from_slice(all.get(rest..).unwrap_or_default());
    let to = head.to.1.clone();
    match mail.kind() {
        Kind::Ascii => Some(Letter { to, bytes, seven_bit: None }),
        Kind::EightBit => {
            let seven_bit = instead();
            Some(Letter { to, bytes, seven_bit: Some(seven_bit.seven_bit.unwrap_or(seven_bit.bytes)) })
        }
        Kind::Odd => None,
    }
}

/// What a mail is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// ASCII in lines that are short enough.
    Ascii,
    /// The same with other bytes.
    EightBit,
    /// With a NUL, a CR that ends no line, or a line that is too long.
    Odd,
}

/// A mail without the line by which an mbox or a pipe announces it.
struct Mail<'a> {
    bytes: &'a [u8],
}

impl<'a> Mail<'a> {
    fn of(original: Original<'a>) -> Self {
        let mut bytes = original.bytes;
        while let Some(rest) = bytes.strip_prefix(b"From ") {
            bytes = rest.iter().position(|byte| *byte == b'\n').and_then(|end| rest.get(end + 1..)).unwrap_or_default();
        }
        Self { bytes }
    }

    /// Its lines, without their ends.
    fn lines(&self) -> impl Iterator<Item = &'a [u8]> {
        self.bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn kind(&self) -> Kind {
        if self.lines().any(|line| line.len() > MAX_LINE || line.iter().any(|byte| matches!(byte, 0 | b'\r'))) {
            Kind::Odd
        } else if self.bytes.is_ascii() {
            Kind::Ascii
        } else {
            Kind::EightBit
        }
    }

    /// With CRLF at the ends of its lines.
    fn crlf(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 32 + 2);
        for line in self.bytes.split_inclusive(|byte| *byte == b'\n') {
            let end = line.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            out.extend_from_slice(end.unwrap_or(line));
            if end.is_some() {
                out.extend_from_slice(b"\r\n");
            }
        }
        out
    }

    /// Where the fields of its header lie in [`crlf`](Self::crlf); `None` where something stands there that is no field.
    fn header(&self) -> Option<Vec<Range<usize>>> {
        let mut fields: Vec<Range<usize>> = Vec::new();
        let mut at = 0;
        for line in self.lines() {
            let end = at + line.len() + 2;
            match line.first() {
                None => return (!fields.is_empty()).then_some(fields),
                Some(b' ' | b'\t') => fields.last_mut()?.end = end,
                Some(_) => {
                    let name = line.iter().position(|byte| *byte == b':')?;
                    let fits = name > 0 && line.iter().take(name).all(|byte| matches!(byte, b'!'..=b'~'));
                    if !fits {
                        return None;
                    }
                    fields.push(at..end);
                }
            }
            at = end;
        }
        None
    }
}

fn is_field(line: &[u8], name: &[u8]) -> bool {
    line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) && line.get(name.len()) == Some(&b':')
}

/// In lines of 76 characters.
fn base64_lines(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() / 3 * 4 + bytes.len() / 28 + 8);
    for piece in bytes.chunks(57) {
        out.push_str(&STANDARD.encode(piece));
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests;
