//! An mbox, mail by mail. The four kinds, as qmail's mbox(5) names them, differ in how a line of a mail that begins with
//! `From ` is kept from looking like the start of the next mail:
//!
//! | kind | in the text | ends by |
//! |---|---|---|
//! | mboxo | `From ` → `>From ` | the next `From ` line |
//! | mboxrd | the same, and `>From ` → `>>From `, … | the next `From ` line |
//! | mboxcl | as mboxo | `Content-Length` |
//! | mboxcl2 | as it is | `Content-Length` |
//!
//! No file says which it is. So a length is believed where it leads to a separator or to the end of the file, and only
//! there: what is damaged is split at its separators. One `>` is taken from `>From ` and the like, as mboxrd wants it;
//! that errs only for an mboxo's quotation of a line that begins with `From `. A file in which a believed length covers
//! a line with a bare `From ` is an mboxcl2, and keeps its `>`.

use std::io::{self, Read};

use jiff::Timestamp;

use super::from_line::{date, has_sender, is_from_line};
use super::window::Window;
use crate::mail::Raw;
use crate::mail::message::PARSE_LIMIT;

/// A `Content-Length` is looked after so far ahead, in bytes; a longer mail is split at separators.
const LOOK_AHEAD: usize = 32 * 1024 * 1024;

/// How much a separator and the empty lines before it may take. In bytes.
const SEPARATOR: usize = 1100;

/// One mail of an mbox.
#[derive(Debug)]
pub struct Piece {
    /// The mail; its bytes begin with the `From_` line when that names a sender.
    pub raw: Raw,
    /// The date of its `From_` line, which may be local time: taken as UTC.
    pub date: Option<Timestamp>,
    /// How many bytes of the file it takes up.
    pub length: u64,
    /// It had a `Content-Length` that cannot be right.
    pub wrong_length: bool,
}

/// An mbox that is being read.
pub struct Mbox<R> {
    window: Window<R>,
    /// A length was seen to cover a bare `From ` line: nothing is quoted.
    unquoted: bool,
}

impl<R: Read> Mbox<R> {
    /// An mbox in a stream.
    pub fn new(input: R) -> Self {
        Self::over(Window::new(input))
    }

    pub(super) fn over(window: Window<R>) -> Self {
        Self { window, unquoted: false }
    }

    /// The next mail, or `None` at the end. An error while a mail is read is kept in its [`Raw::error`].
    ///
    /// # Errors
    /// When reading fails between two mails.
    pub fn next_mail(&mut self) -> io::Result<Option<Piece>> {
        let start = self.window.offset();
        // What stands before the first separator is blank, or belongs to nothing.
        let mut writer = loop {
            let line = self.window.line()?;
            if line.is_empty() {
                return Ok(None);
            }
            let length = line.len();
            let begun = is_from_line(line).then(|| Writer::new(line));
            self.window.consume(length);
            if let Some(writer) = begun {
                break writer;
            }
        };
        let wrong_length = match self.read_mail(&mut writer) {
            Ok(wrong_length) => wrong_length,
            Err(error) => {
                writer.raw.error = Some(error);
                false
            }
        };
        writer.drop_last_blank();
        Ok(Some(Piece { length: self.window.offset() - start, raw: writer.raw, date: writer.date, wrong_length }))
    }

    /// Reads from below the separator to the next one. Whether its length was wrong.
    fn read_mail(&mut self, writer: &mut Writer) -> io::Result<bool> {
        let mut content_length = None;
        loop {
            let line = self.window.line()?;
            if line.is_empty() || is_from_line(line) {
                return Ok(false);
            }
            let blank = is_blank(line);
            content_length = content_length.or_else(|| content_length_of(line));
            let length = line.len();
            writer.line(line, false);
            self.window.consume(length);
            if blank {
                break;
            }
        }
        let mut wrong = false;
        if let Some(length) = content_length {
            if length <= LOOK_AHEAD as u64 && self.leads_to_an_end(usize::try_from(length).unwrap_or(0))? {
                self.read_body(writer, usize::try_from(length).unwrap_or(0))?;
                return Ok(false);
            }
            // One that is merely too far away to look after may be right.
            wrong = !(LOOK_AHEAD as u64..1 << 40).contains(&length);
        }
        let mut whole = true;
        loop {
            let line = self.window.line()?;
            if line.is_empty() || (whole && is_from_line(line)) {
                return Ok(wrong);
            }
            let length = line.len();
            let starts = whole;
            whole = line.ends_with(b"\n");
            writer.line(line, starts && !self.unquoted);
            self.window.consume(length);
        }
    }

    /// Whether a separator, or nothing, follows after `length` bytes.
    fn leads_to_an_end(&mut self, length: usize) -> io::Result<bool> {
        let ahead = self.window.ahead(length.saturating_add(SEPARATOR))?;
        let Some(mut rest) = ahead.get(length..) else { return Ok(false) };
        let at_line = length == 0 || ahead.get(length - 1) == Some(&b'\n');
        let mut blanks = 0;
        while let Some(after) = rest.strip_prefix(b"\n").or_else(|| rest.strip_prefix(b"\r\n")) {
            rest = after;
            blanks += 1;
        }
        let line = rest.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok((line.is_empty() || is_from_line(line)) && (at_line || blanks > 0 || line.is_empty()) && blanks <= 3)
    }

    /// Reads a body of known length, and the empty lines behind it.
    fn read_body(&mut self, writer: &mut Writer, length: usize) -> io::Result<()> {
        let ahead = self.window.ahead(length)?;
        let body = ahead.get(..length).unwrap_or(ahead);
        let bare = || body.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"From "));
        self.unquoted = self.unquoted || bare();
        for line in body.split_inclusive(|byte| *byte == b'\n') {
            writer.line(line, !self.unquoted);
        }
        let length = body.len();
        self.window.consume(length);
        writer.blank = 0;
        loop {
            let line = self.window.line()?;
            if !is_blank(line) {
                return Ok(());
            }
            let length = line.len();
            self.window.consume(length);
        }
    }
}

/// A mail while it is copied out.
struct Writer {
    raw: Raw,
    date: Option<Timestamp>,
    /// The length of the last line when it is blank: it belongs to the separator after it.
    blank: usize,
}

impl Writer {
    fn new(separator: &[u8]) -> Self {
        let mut raw = Raw::default();
        if has_sender(separator) {
            raw.bytes.extend_from_slice(separator);
        }
        Self { raw, date: date(separator), blank: 0 }
    }

    fn line(&mut self, line: &[u8], unquote: bool) {
        let quoted = unquote && line.starts_with(b">") && {
            let bare = line.iter().position(|byte| *byte != b'>').and_then(|at| line.get(at..));
            bare.is_some_and(|bare| bare.starts_with(b"From "))
        };
        let line = if quoted { line.get(1..).unwrap_or_default() } else { line };
        self.raw.size += line.len() as u64;
        let room = PARSE_LIMIT.saturating_sub(self.raw.bytes.len()).min(line.len());
        self.raw.bytes.extend_from_slice(line.get(..room).unwrap_or_default());
        self.blank = if is_blank(line) { line.len() } else { 0 };
    }

    fn drop_last_blank(&mut self) {
        if self.raw.bytes.len() < PARSE_LIMIT {
            let kept = self.raw.bytes.len().saturating_sub(self.blank);
            self.raw.bytes.truncate(kept);
        }
        self.raw.size = self.raw.size.saturating_sub(self.blank as u64);
    }
}

fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n")
}

/// The value of a `Content-Length` field.
fn content_length_of(line: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"content-length:";
    let name = line.get(..NAME.len())?;
    let value = line.get(NAME.len()..)?;
    let value = name.eq_ignore_ascii_case(NAME).then_some(value)?;
    // One that is no number is wrong, too; it leads nowhere.
    Some(std::str::from_utf8(value.trim_ascii()).ok().and_then(|value| value.parse().ok()).unwrap_or(u64::MAX / 2))
}

#[cfg(test)]
mod tests;
