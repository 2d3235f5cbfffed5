//! The MIME structure of a mail (RFC 2046): which bytes are which part. One pass over the lines, no recursion, so that
//! ten thousand nested parts cost what ten thousand lines cost. Nothing is decoded here.
//!
//! Why this is ours: mail-parser nests on the stack (message/rfc822 in message/rfc822 overflows it when dropped), and
//! its Content-Type parameters and unfinished boundaries are quadratic. Its charset decoders are what we use of it.

use std::collections::HashMap;

use super::header::{Field, Parameterised, fields};
use super::transfer::{Encoding, split_line};

/// The tree is no deeper than this; what is nested deeper hangs at this depth. Readers may recurse over the tree.
pub const MAX_DEPTH: usize = 100;

/// After so many parts the rest of the mail belongs to the last.
const MAX_PARTS: usize = 10_000;

/// What a part holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Bytes from, to.
    Leaf(usize, usize),
    /// The indices of the parts in it. A multipart without any part is a leaf instead.
    Multipart(Vec<usize>),
}

/// One part of a mail. The first part of a mail is the mail.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// Its header fields.
    pub fields: Vec<Field<'a>>,
    /// Content-Type; its value is empty when there is none.
    pub content_type: Parameterised,
    /// Content-Disposition, likewise.
    pub disposition: Parameterised,
    /// Content-Transfer-Encoding.
    pub encoding: Encoding,
    /// It is, or is inside, a message/rfc822 that this mail only carries.
    pub carried: bool,
    /// Its content.
    pub content: Content,
}

impl Part<'_> {
    /// The file name of the part, if it has one.
    pub fn file_name(&self) -> Option<String> {
        let name = self.disposition.parameter("filename").or_else(|| self.content_type.parameter("name"))?;
        let name = super::header::decode_value(name.as_bytes(), None);
        (!name.is_empty()).then_some(name)
    }

    /// Whether its content type has this parameter, in any case: `format=flowed`.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.content_type.parameter(name).is_some_and(|found| found.eq_ignore_ascii_case(value))
    }
}

/// A multipart that is open: its boundary has been announced and its end not yet seen.
struct Open {
    boundary: Vec<u8>,
    /// What this boundary meant further out, to be restored.
    shadowed: Option<usize>,
    /// The multipart itself.
    part: usize,
    /// The part to which its children are added: itself, but for what is nested too deep.
    holder: usize,
    depth: usize,
    carried: bool,
    digest: bool,
    /// Where its body begins, should it turn out to have no parts.
    body: usize,
    filled: bool,
}

struct Parser<'a> {
    bytes: &'a [u8],
    parts: Vec<Part<'a>>,
    open: Vec<Open>,
    boundaries: HashMap<Vec<u8>, usize>,
    /// The leaf that the lines belong to now.
    leaf: Option<usize>,
}

/// Reads the structure of a whole mail. The result has at least one part.
pub fn parse(bytes: &[u8]) -> Vec<Part<'_>> {
    let mut parser = Parser { bytes, parts: Vec::new(), open: Vec::new(), boundaries: HashMap::new(), leaf: None };
    let mut at = parser.entity(0, None);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if parser.boundaries.is_empty() {
            // No line can end the part that is open.
            break;
        }
        let (line, after) = split_line(rest);
        let next = bytes.len() - after.len();
        match known(&parser.boundaries, line) {
            Some(found) if parser.parts.len() < MAX_PARTS => {
                parser.close_leaf(at);
                if found.is_end {
                    parser.close_from(found.open, at);
                    at = next;
                } else {
                    parser.close_from(found.open + 1, at);
                    at = parser.entity(next, Some(found.open));
                }
            }
            _ => at = next,
        }
    }
    parser.close_leaf(bytes.len());
    parser.close_from(0, bytes.len());
    parser.parts
}

/// A boundary line of an open multipart.
struct Boundary {
    open: usize,
    is_end: bool,
}

fn known(boundaries: &HashMap<Vec<u8>, usize>, line: &[u8]) -> Option<Boundary> {
    if boundaries.is_empty() {
        return None;
    }
    let name = line.strip_prefix(b"--")?.trim_ascii_end();
    if let Some(open) = boundaries.get(name) {
        return Some(Boundary { open: *open, is_end: false });
    }
    let open = boundaries.get(name.strip_suffix(b"--")?)?;
    Some(Boundary { open: *open, is_end: true })
}

impl<'a> Parser<'a> {
    /// Reads the header at `at` and opens what follows: a multipart, a carried mail (and what that holds), or a leaf.
    /// Returns where its lines begin.
    fn entity(&mut self, mut at: usize, parent: Option<usize>) -> usize {
        let (mut holder, mut depth, mut carried, mut digest) = (None, 0, false, false);
        if let Some(open) = parent.and_then(|index| self.open.get_mut(index)) {
            open.filled = true;
            (holder, depth, carried, digest) = (Some(open.holder), open.depth, open.carried, open.digest);
        }
        loop {
            let (part, body) = self.part_at(at, self.parts.is_empty(), carried);
            let kind = part.content_type.value.as_str();
            let is_mail = matches!(kind, "message/rfc822" | "message/global") || digest && kind.is_empty();
            let holds_mails = kind == "multipart/digest";
            let boundary = if kind.starts_with("multipart/") { self.boundary_of(&part, body) } else { None };
            let encoded = part.encoding != Encoding::Identity;
            let index = self.parts.len();
            self.parts.push(part);
            if let Some(Content::Multipart(children)) =
                holder.and_then(|at| self.parts.get_mut(at)).map(|p| &mut p.content)
            {
                children.push(index);
            }
            let inner = holder.filter(|_| depth >= MAX_DEPTH).unwrap_or(index);
            if let Some(boundary) = boundary {
                self.set_content(index, Content::Multipart(Vec::new()));
                let shadowed = self.boundaries.insert(boundary.clone(), self.open.len());
                self.open.push(Open {
                    boundary,
                    shadowed,
                    part: index,
                    holder: inner,
                    depth: depth + 1,
                    carried,
                    digest: holds_mails,
                    body,
                    filled: false,
                });
                return body;
            }
            if !is_mail || encoded || self.parts.len() >= MAX_PARTS {
                self.leaf = Some(index);
                return body;
            }
            self.set_content(index, Content::Multipart(Vec::new()));
            (holder, depth, carried, digest, at) = (Some(inner), depth + 1, true, false, body);
        }
    }

    /// The part whose header begins at `at`, as a leaf up to the end of the mail, and where its body begins.
    fn part_at(&self, at: usize, is_whole_mail: bool, carried: bool) -> (Part<'a>, usize) {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let (mut fields, mut length) = fields(rest, &|line| known(&self.boundaries, line).is_some());
        if is_whole_mail && !plausible(&fields) {
            (fields, length) = (Vec::new(), 0);
        }
        let value = |name: &str| {
            let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()));
            field.map(|field| field.value).unwrap_or_default()
        };
        let part = Part {
            content_type: Parameterised::parse(value("Content-Type")),
            disposition: Parameterised::parse(value("Content-Disposition")),
            encoding: Encoding::named(&String::from_utf8_lossy(value("Content-Transfer-Encoding"))),
            carried,
            content: Content::Leaf(at + length, self.bytes.len()),
            fields,
        };
        (part, at + length)
    }

    /// The boundary that a multipart announces, else the one that its body begins with.
    fn boundary_of(&self, part: &Part<'_>, body: usize) -> Option<Vec<u8>> {
        let announced = part.content_type.parameter("boundary").map(|boundary| boundary.trim_end().as_bytes().to_vec());
        if let Some(boundary) = announced.filter(|boundary| !boundary.is_empty()) {
            return Some(boundary);
        }
        let first = self.bytes.get(body..)?.trim_ascii_start();
        let boundary = split_line(first).0.strip_prefix(b"--")?.trim_ascii_end();
        (boundary.len() > 2 && !boundary.contains(&b' ')).then(|| boundary.to_vec())
    }

    fn set_content(&mut self, part: usize, content: Content) {
        if let Some(part) = self.parts.get_mut(part) {
            part.content = content;
        }
    }

    /// Ends the leaf before the boundary line at `end`; the line end before a boundary belongs to the boundary.
    fn close_leaf(&mut self, end: usize) {
        let Some(index) = self.leaf.take() else { return };
        let Some(Content::Leaf(start, _)) = self.parts.get(index).map(|part| part.content.clone()) else { return };
        let text = self.bytes.get(start..end).unwrap_or_default();
        let text = if end < self.bytes.len() { text.strip_suffix(b"\n").unwrap_or(text) } else { text };
        self.set_content(index, Content::Leaf(start, start + text.len()));
    }

    /// Closes the open multiparts from number `first` on; one without parts becomes a leaf, so that its text is shown.
    fn close_from(&mut self, first: usize, end: usize) {
        while self.open.len() > first {
            let Some(open) = self.open.pop() else { return };
            match open.shadowed {
                Some(index) => self.boundaries.insert(open.boundary, index),
                None => self.boundaries.remove(&open.boundary),
            };
            if !open.filled {
                self.set_content(open.part, Content::Leaf(open.body, end));
            }
        }
    }
}

/// Do these fields begin a mail? A text that happens to begin with `Word: …` and has no header is all body.
fn plausible(fields: &[Field<'_>]) -> bool {
    const KNOWN: [&str; 22] = [
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "date",
        "received",
        "message-id",
        "mime-version",
        "return-path",
        "delivered-to",
        "reply-to",
        "sender",
        "auto-submitted",
        "in-reply-to",
        "references",
        "envelope-to",
        "precedence",
        "importance",
        "priority",
        "status",
        "errors-to",
    ];
    fields.iter().any(|field| {
        let name = field.name.to_ascii_lowercase();
        KNOWN.iter().any(|known| known.as_bytes() == name)
            || [&b"x-"[..], b"content-", b"list-", b"resent-", b"dkim-", b"arc-"]
                .iter()
                .any(|start| name.starts_with(start))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(mail: &str) -> Vec<String> {
        let parts = parse(mail.as_bytes());
        let leaf = |part: &Part<'_>| match part.content {
            Content::Leaf(start, end) => Some(mail[start..end].to_owned()),
            Content::Multipart(_) => None,
        };
        parts.iter().filter_map(leaf).collect()
    }

    #[test]
    fn parts_with_and_without_headers_and_no_end() {
        let mail =
            "Content-Type: multipart/mixed; boundary=x\n\npreamble\n--x\n\none\n--x\nA: b\n\ntwo\n\n--x  \n\nthree\n";
        assert_eq!(leaves(mail), ["one", "two\n", "three\n"]);
        assert_eq!(leaves("Content-Type: multipart/mixed; boundary=x\n\nno part\n"), ["no part\n"]);
        assert_eq!(leaves("Content-Type: multipart/mixed\n\n--guess\n\none\n--guess--\nepilogue"), ["one"]);
    }

    #[test]
    fn a_carried_mail_is_marked_and_so_is_what_it_holds() {
        let mail = "Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x\nContent-Type: message/rfc822\n\n\
                    Subject: s\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\ntwo\n--y--\n--x--\n";
        let parts = parse(mail.as_bytes());
        let carried: Vec<bool> = parts.iter().map(|part| part.carried).collect();
        assert_eq!(carried, [false, false, false, true, true]);
        assert_eq!(leaves(mail), ["one", "two"]);
    }

    #[test]
    fn a_text_without_a_header_is_all_body() {
        assert_eq!(leaves("Host: db1\nState: DOWN\n"), ["Host: db1\nState: DOWN\n"]);
    }
}
