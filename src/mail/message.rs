//! The decoded mail. Everything a rule can see of a mail is a method here.

use std::io::{self, Read};
use std::sync::OnceLock;

use super::header::{decode_value, unfold_value};
use super::line::Line;
use super::mime::{self, Content, Part};
use super::transfer::decode_charset;
use super::{automatic, flowed, html, newtext, text};

/// At most so many bytes of a mail are kept in memory and parsed; the rest is read and dropped.
pub const PARSE_LIMIT: usize = 1024 * 1024;

/// The header field that every mail of ours carries, so that we know it when it comes back.
pub const LOOP_HEADER: &str = "X-Thialfi-Loop";

/// A mail as it came.
#[derive(Debug, Default)]
pub struct Raw {
    /// Its first [`PARSE_LIMIT`] bytes.
    pub bytes: Vec<u8>,
    /// The bytes after them, as far as they were to be kept.
    pub rest: Vec<u8>,
    /// Its whole size in bytes, as far as it could be read.
    pub size: u64,
    /// Reading failed after something had been read: what is here may not be all of the mail.
    pub error: Option<io::Error>,
}

impl Raw {
    /// The bytes of the whole mail; where not all were kept, its first [`PARSE_LIMIT`] bytes up to the end of a line.
    pub fn into_bytes(self) -> Vec<u8> {
        let Self { mut bytes, rest, size, .. } = self;
        if (bytes.len() + rest.len()) as u64 == size {
            bytes.extend_from_slice(&rest);
        } else if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            bytes.truncate(end + 1);
        }
        bytes
    }
}

impl From<&[u8]> for Raw {
    fn from(bytes: &[u8]) -> Raw {
        let kept = bytes.get(..PARSE_LIMIT).unwrap_or(bytes);
        Raw { bytes: kept.to_vec(), rest: Vec::new(), size: bytes.len() as u64, error: None }
    }
}

/// Reads a mail to its end and keeps its beginning, so that a mail of any size costs little memory and its sender sees
/// no broken pipe.
///
/// # Errors
/// Only when nothing at all could be read; a later failure is kept in [`Raw::error`] beside what was read.
pub fn read(input: &mut dyn Read) -> io::Result<Raw> {
    read_and_keep(input, PARSE_LIMIT)
}

/// The same, and keeps so many bytes of it, for whoever wants them all. No more than [`PARSE_LIMIT`] are parsed.
///
/// # Errors
/// As [`read`].
pub fn read_and_keep(input: &mut dyn Read, keep: usize) -> io::Result<Raw> {
    let mut raw = Raw::default();
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(raw),
            Ok(length) => {
                raw.size += length as u64;
                let room = PARSE_LIMIT.saturating_sub(raw.bytes.len()).min(length);
                raw.bytes.extend_from_slice(buffer.get(..room).unwrap_or_default());
                let more = keep.saturating_sub(raw.bytes.len() + raw.rest.len()).min(length - room);
                raw.rest.extend_from_slice(buffer.get(room..room + more).unwrap_or_default());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if raw.size == 0 => return Err(error),
            Err(error) => {
                raw.error = Some(error);
                return Ok(raw);
            }
        }
    }
}

/// A mail, decoded: header fields unfolded and their encoded words decoded, text with LF line ends.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Header fields in order: name as written, value decoded and unfolded.
    pub headers: Vec<(String, String)>,
    /// What there is to read: [`body`](Self::body), [`new_text`](Self::new_text), [`quoted`](Self::quoted).
    pub text: Text,
    /// The file names of attachments (empty names left out).
    pub attachments: Vec<String>,
    /// The size of the whole mail in bytes, also of what was not kept.
    pub size: u64,
    /// An automatic *answer* or a bounce: RFC 3834 `auto-replied`, vacation, `multipart/report`, null return path.
    /// Who knows the envelope asks [`automatic::is_automatic`].
    pub automatic: bool,
    /// Our own mail, by its loop header.
    pub own: bool,
    /// The sender named by the `From_` line above the header, when there is one.
    pub envelope_line: Option<String>,
    /// The mail as it came, for the few rules that want that.
    pub undecoded: Undecoded,
}

/// The text of a mail, decoded and parted once somebody asks: that is most of what a mail costs, and rules that look at the
/// subject need none of it.
#[derive(Debug, Clone, Default)]
pub struct Text {
    body: OnceLock<String>,
    split: OnceLock<newtext::Split>,
}

impl Text {
    /// Of a mail that says this, and quotes that.
    pub fn new(new: &str, quoted: &str) -> Self {
        let body = if quoted.is_empty() { new.to_owned() } else { format!("{new}\n{quoted}") };
        let split = newtext::Split { new: new.to_owned(), quoted: quoted.to_owned() };
        Self { body: OnceLock::from(body), split: OnceLock::from(split) }
    }
}

/// The mail as it came: its bytes, and as text once somebody asks for it.
#[derive(Debug, Clone, Default)]
pub struct Undecoded {
    bytes: Vec<u8>,
    text: OnceLock<String>,
}

/// Fields in which an encoded word is no more than its letters. RFC 8601 has none in `Authentication-Results`, and our
/// own mail server may quote there what a sender wrote: decoded, it could end the quotation and speak for the server.
const NEVER_DECODED: [&str; 2] = ["Authentication-Results", "ARC-Authentication-Results"];

impl Message {
    /// Decodes a mail. Never fails and takes time linear in the mail, whatever the bytes are. Recursion is bounded, so it
    /// needs no thread with a larger stack.
    pub fn parse(raw: &Raw) -> Message {
        Self::of(raw.bytes.clone(), raw.size)
    }

    /// The same of a mail's first [`PARSE_LIMIT`] bytes and its size, without a copy.
    pub fn of(bytes: Vec<u8>, size: u64) -> Message {
        let mut message = Self::by_header(&bytes);
        message.size = size;
        message.undecoded.bytes = bytes;
        message
    }

    /// What header and structure tell.
    fn by_header(bytes: &[u8]) -> Message {
        let bytes = with_line_feeds(bytes);
        let (envelope_line, mail) = envelope_line(&bytes);
        let parts = mime::parse(mail);
        let mut message = Message { envelope_line, ..Message::default() };
        if let Some(whole) = parts.first() {
            let charset = parts.iter().find_map(|part| part.content_type.parameter("charset"));
            let decode = |name: &str, value: &[u8]| {
                if NEVER_DECODED.iter().any(|never| never.eq_ignore_ascii_case(name)) {
                    unfold_value(value)
                } else {
                    decode_value(value, charset.as_deref())
                }
            };
            message.headers = whole
                .fields
                .iter()
                .map(|field| (String::from_utf8_lossy(field.name).into_owned(), field.value))
                .map(|(name, value)| (name.clone(), decode(&name, value)))
                .collect();
        }
        message.automatic = automatic::by_header(&message);
        message.own = message.header(LOOP_HEADER).is_some();
        message.attachments = parts.iter().filter(|part| !part.carried).filter_map(Part::file_name).collect();
        message
    }

    /// All text of the mail, quotes included.
    pub fn body(&self) -> &str {
        self.text.body.get_or_init(|| {
            if let Some(text) = self.only_text() {
                return text;
            }
            let pieces = self.pieces();
            let mut body = String::with_capacity(pieces.iter().map(Piece::length).sum());
            for piece in &pieces {
                append(&mut body, piece);
            }
            body
        })
    }

    /// What the author of this mail wrote.
    pub fn new_text(&self) -> &str {
        &self.split().new
    }

    /// The rest of the text: quoted history and forwarded blocks.
    pub fn quoted(&self) -> &str {
        &self.split().quoted
    }

    fn split(&self) -> &newtext::Split {
        self.text.split.get_or_init(|| {
            let context = self.context();
            let mut all = newtext::Split::default();
            for piece in self.pieces() {
                if piece.carried {
                    append(&mut all.quoted, &piece);
                } else {
                    let split = newtext::split(piece.lines, context);
                    begin(&mut all.new);
                    all.new.push_str(&split.new);
                    begin(&mut all.quoted);
                    all.quoted.push_str(&split.quoted);
                }
            }
            all
        })
    }

    /// The body of a mail that has one part, of plain text, as most mails of machines: what its [pieces](Self::pieces) would make.
    fn only_text(&self) -> Option<String> {
        let bytes = with_line_feeds(self.bytes());
        let (_, mail) = envelope_line(&bytes);
        let parts = mime::parse(mail);
        let [part] = parts.as_slice() else { return None };
        let Content::Leaf(start, end) = part.content else { return None };
        if self.bytes().is_empty() || kind(part, 0, true) != Some(Kind::Plain) || part.has("format", "flowed") {
            return None;
        }
        let mut text = plain_text(part, mail.get(start..end)?);
        if text.split('\n').any(|line| line.ends_with(char::is_whitespace)) {
            text = text.split('\n').flat_map(|line| [line.trim_end(), "\n"]).collect();
        } else {
            text.push('\n');
        }
        Some(text)
    }

    /// The text of all parts, read anew: keeping it would cost more memory than it saves time, since hardly any rule file asks
    /// for the body of a mail and for its new text.
    fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if !self.bytes().is_empty() {
            let bytes = with_line_feeds(self.bytes());
            let (_, mail) = envelope_line(&bytes);
            collect(mail, &mime::parse(mail), 0, &mut pieces);
        }
        pieces
    }

    /// What the header says about the text.
    fn context(&self) -> newtext::Context {
        let subject = self.subject().trim_start().to_lowercase();
        let marked = subject.split_once(':').is_some_and(|(mark, _)| {
            let mark = mark.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '[' | ']' | '(' | ')'));
            ["re", "aw", "sv", "antw", "vs", "odp", "ynt", "回复", "回覆", "答复", "res", "rif", "ref", "bls", "atb"]
                .contains(&mark)
        });
        let generated = |value: &str| value.to_ascii_lowercase().starts_with("auto-generated");
        // Ticket systems and cron sign their mail by fields of their own.
        let is_report = self.header("Auto-Submitted").is_some_and(generated)
            || self.headers.iter().any(|(name, _)| {
                let name = name.to_ascii_lowercase();
                ["x-cron-env", "x-auto-response-suppress", "x-redmine-", "x-bugzilla-", "x-jira-", "x-github-"]
                    .iter()
                    .chain(&["x-gitlab-", "x-rt-"])
                    .any(|known| name.starts_with(known))
            });
        let answers = marked || self.header("In-Reply-To").is_some() || self.header("References").is_some();
        let whole = ["Message-ID", "From", "Date"].iter().all(|name| self.header(name).is_some());
        let is_fresh =
            whole && !answers && self.header("Thread-Index").is_none() && !newtext::is_marked_subject(self.subject());
        newtext::Context { is_reply: answers && !is_report, is_report, is_fresh }
    }

    /// The values of all header fields called `name` (any case), in order.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The value of the first header field called `name` (any case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The mail as it came, header and all, its first [`PARSE_LIMIT`] bytes: nothing is decoded, but lines end in LF, and
    /// what is not UTF-8 is U+FFFD.
    pub fn undecoded(&self) -> &str {
        self.undecoded.text.get_or_init(|| {
            let text = String::from_utf8_lossy(&self.undecoded.bytes);
            if text.contains('\n') { text.replace("\r\n", "\n") } else { text.replace('\r', "\n") }
        })
    }

    /// The mail as it came: its first [`PARSE_LIMIT`] bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.undecoded.bytes
    }

    /// The decoded subject; empty when there is none.
    pub fn subject(&self) -> &str {
        self.header("Subject").unwrap_or_default()
    }
}

/// Adds the lines of a piece.
fn append(text: &mut String, piece: &Piece) {
    begin(text);
    for line in &piece.lines {
        text.push_str(&line.text);
        text.push('\n');
    }
}

/// What is added begins a line.
fn begin(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

/// `bytes` as they are, unless their lines end in lone CRs as old Macs wrote them.
fn with_line_feeds(bytes: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if bytes.contains(&b'\n') || !bytes.contains(&b'\r') {
        return bytes.into();
    }
    bytes.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect::<Vec<u8>>().into()
}

/// The sender of the `From_` line, if the mail begins with one, and the mail after it and after empty lines.
fn envelope_line(bytes: &[u8]) -> (Option<String>, &[u8]) {
    let mut rest = bytes;
    let mut sender = None;
    loop {
        rest = rest.trim_ascii_start();
        rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
        let quoted = rest.strip_prefix(b">").unwrap_or(rest);
        let Some(line) = quoted.strip_prefix(b"From ") else { return (sender, rest) };
        let (line, after) = super::transfer::split_line(line);
        if sender.is_none() {
            let text = String::from_utf8_lossy(line);
            let address = text.split_whitespace().next().unwrap_or_default().trim_matches(['<', '>']);
            sender = (!address.is_empty()).then(|| address.chars().take(super::envelope::MAX_ADDRESS).collect());
        }
        rest = after;
    }
}

/// The text of one part.
struct Piece {
    lines: Vec<Line>,
    carried: bool,
}

impl Piece {
    /// Of its text, in bytes.
    fn length(&self) -> usize {
        self.lines.iter().map(|line| line.text.len() + 1).sum()
    }
}

/// The kinds of text that a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Html,
}

/// Collects the text of the part `index` and of what is in it. Recursion is bounded by [`mime::MAX_DEPTH`].
fn collect(mail: &[u8], parts: &[Part<'_>], index: usize, pieces: &mut Vec<Piece>) {
    let Some(part) = parts.get(index) else { return };
    match &part.content {
        Content::Leaf(start, end) => {
            let first = index == 0 || !pieces.iter().any(|piece| !piece.carried);
            if let Some(kind) = kind(part, index, first) {
                let bytes = mail.get(*start..*end).unwrap_or_default();
                pieces.push(Piece { lines: lines(part, kind, bytes), carried: part.carried });
            }
        }
        Content::Multipart(children) if part.content_type.value == "multipart/alternative" => {
            pieces.extend(alternative(mail, parts, children));
        }
        Content::Multipart(children) => {
            for child in children {
                collect(mail, parts, *child, pieces);
            }
        }
    }
}

/// The best of several forms of one text: plain, unless it is empty or only says that there is HTML.
fn alternative(mail: &[u8], parts: &[Part<'_>], children: &[usize]) -> Vec<Piece> {
    let mut stub: Option<Vec<Piece>> = None;
    let is_plain = |part: &Part<'_>| matches!(part.content, Content::Leaf(..)) && kind_of(part) == Some(Kind::Plain);
    let is_html = |child: &usize| !parts.get(*child).is_some_and(is_plain);
    let plain_first =
        children.iter().filter(|child| !is_html(child)).chain(children.iter().filter(|child| is_html(child)));
    for child in plain_first {
        let mut pieces = Vec::new();
        collect(mail, parts, *child, &mut pieces);
        let length = length(&pieces);
        if length == 0 {
            continue;
        }
        match &stub {
            Some(stub) if self::length(stub) >= length => {}
            _ if is_html(child) || !is_stub(&pieces) => return pieces,
            _ => stub = Some(pieces),
        }
    }
    stub.unwrap_or_default()
}

fn length(pieces: &[Piece]) -> usize {
    pieces.iter().flat_map(|piece| &piece.lines).map(|line| line.text.trim().len()).sum()
}

/// `This message needs an HTML viewer`: short, and about HTML.
fn is_stub(pieces: &[Piece]) -> bool {
    let text: String =
        pieces.iter().flat_map(|piece| &piece.lines).flat_map(|line| [line.text.as_str(), " "]).collect();
    let text = text.to_lowercase();
    text.trim().len() < 300
        && (text.contains("html") || text.contains("web browser") || text.contains("in your browser"))
}

/// What kind of text `part` is, when it is text for reading and no attachment.
fn kind(part: &Part<'_>, index: usize, first: bool) -> Option<Kind> {
    let kind = kind_of(part)?;
    if index == 0 {
        return Some(kind); // A mail whose only part is marked as an attachment has no other text.
    }
    let attached = part.disposition.value.starts_with("attachment");
    let named = part.file_name().is_some();
    // Apple Mail shows text files inline: the first may be what the author wrote, later ones are files.
    (!attached && (first || !named)).then_some(kind)
}

fn kind_of(part: &Part<'_>) -> Option<Kind> {
    match part.content_type.value.as_str() {
        "text/html" | "application/xhtml+xml" => Some(Kind::Html),
        "" | "text" | "text/" | "text/plain" | "text/enriched" | "text/richtext" | "text/markdown"
        | "text/x-markdown" => Some(Kind::Plain),
        // A multipart without parts; only as a leaf does it come here.
        other if other.starts_with("multipart/") => Some(Kind::Plain),
        other if !other.contains('/') => Some(Kind::Plain),
        _ => None,
    }
}

fn lines(part: &Part<'_>, kind: Kind, bytes: &[u8]) -> Vec<Line> {
    if kind == Kind::Html {
        let decoded = part.encoding.decode(bytes);
        let charset = part.content_type.parameter("charset").or_else(|| html::charset(&decoded));
        return html::render(&decode_charset(&decoded, charset.as_deref()));
    }
    let text = plain_text(part, bytes);
    if part.has("format", "flowed") {
        return flowed::join(&text, part.has("delsp", "yes")).into_iter().map(Line::plain).collect();
    }
    text.split('\n').map(|line| Line::plain(line.trim_end())).collect()
}

/// Clean, without the end of its last line.
fn plain_text(part: &Part<'_>, bytes: &[u8]) -> String {
    let charset = part.content_type.parameter("charset");
    let mut text = text::cleaned(decode_charset(&part.encoding.decode(bytes), charset.as_deref()));
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests;
