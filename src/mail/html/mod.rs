//! HTML to text: linear, aware of blocks, never executing or fetching anything. What mail clients mark as quoted
//! history is kept as marks on the lines, because that is better evidence than any wording.

mod container;
mod entity;
mod token;

use std::borrow::Cow;

use self::container::Role;
use self::token::{Tag, Token, Tokens};
use super::line::Line;

/// An end tag looks this far for its start tag: real mail is not nested deeper, hostile mail must not cost more.
const MAX_SEARCH: usize = 512;

/// The text of `html` as lines.
pub fn render(html: &str) -> Vec<Line> {
    let html = with_line_feeds(html);
    let mut page = Page::default();
    for token in Tokens::new(&html) {
        match token {
            Token::Text(text) => page.text(text),
            Token::Start(tag) => page.start(&tag),
            Token::End(name) => page.end(name),
        }
    }
    page.finish()
}

/// With LF line ends, as a browser reads a page before anything else (WHATWG HTML, 13.2.3.5). `&#13;` stays what it is.
fn with_line_feeds(html: &str) -> Cow<'_, str> {
    if html.contains('\r') { html.replace("\r\n", "\n").replace('\r', "\n").into() } else { html.into() }
}

/// The charset that a page declares for itself, near its beginning.
pub fn charset(page: &[u8]) -> Option<String> {
    let start = page.get(..page.len().min(2048))?.to_ascii_lowercase();
    let at = start.windows(8).position(|window| window == b"charset=")? + 8;
    let name: String = start
        .get(at..)?
        .iter()
        .skip_while(|byte| matches!(byte, b'"' | b'\'' | b' '))
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        .map(|byte| char::from(*byte))
        .collect();
    // It was read as bytes of ASCII, so it cannot be what it says.
    (!name.is_empty() && !name.starts_with("utf-16")).then_some(name)
}

/// What must come before the next text, the strongest of what was met.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Break {
    #[default]
    None,
    Space,
    Line,
    Paragraph,
}

/// An element that is open.
struct Element {
    name: &'static str,
    role: Role,
    /// For a table cell: how many lines there were when it began.
    lines: usize,
    /// A paragraph without space around: Outlook makes every line one.
    tight: bool,
}

#[derive(Default)]
struct Page {
    lines: Vec<Line>,
    text: String,
    next: Break,
    open: Vec<Element>,
    pre: usize,
    blockquotes: usize,
    history: usize,
    wrappers: usize,
    signatures: usize,
    /// Outlook's header block has begun: all that follows is the mail that was answered.
    tail: bool,
    ruled: bool,
    /// A table cell has begun and nothing was written in it: blocks that open here break nothing.
    cell_start: bool,
    /// Marks of the line that is being written, taken when its first text came.
    marks: Line,
}

impl Page {
    fn text(&mut self, raw: &str) {
        let decoded = entity::decode(raw);
        if self.pre > 0 {
            for (index, line) in decoded.split('\n').enumerate() {
                if index > 0 {
                    self.force_line();
                }
                if !line.is_empty() {
                    self.write(line);
                }
            }
            return;
        }
        if decoded.starts_with([' ', '\t', '\n', '\r']) {
            self.next = self.next.max(Break::Space);
        }
        for word in decoded.split([' ', '\t', '\n', '\r', '\u{c}']).filter(|word| !word.is_empty()) {
            self.write(word);
            self.next = self.next.max(Break::Space);
        }
        if !decoded.ends_with([' ', '\t', '\n', '\r', '\u{c}']) && self.next == Break::Space {
            self.next = Break::None;
        }
    }

    fn write(&mut self, word: &str) {
        match self.next {
            Break::None => {}
            Break::Space => {
                if !self.text.is_empty() && !self.text.ends_with(' ') {
                    self.text.push(' ');
                }
            }
            Break::Line => self.flush(),
            Break::Paragraph => {
                self.flush();
                if self.lines.last().is_some_and(|line| !line.text.is_empty()) {
                    self.lines.push(Line { ruled: false, text: String::new(), ..self.current() });
                }
            }
        }
        self.next = Break::None;
        self.cell_start = false;
        if self.text.is_empty() {
            self.marks = self.current();
            self.ruled = false;
        }
        self.text.push_str(word);
    }

    fn current(&self) -> Line {
        Line {
            text: String::new(),
            depth: u8::try_from(self.blockquotes).unwrap_or(u8::MAX),
            history: self.history > 0 || self.tail,
            wrapper: self.wrappers > 0,
            signature: self.signatures > 0,
            ruled: self.ruled,
        }
    }

    /// Ends the line, if there is one.
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.lines.push(Line { text: std::mem::take(&mut self.text), ..std::mem::take(&mut self.marks) });
        }
    }

    /// Ends the line, and if there is none, makes an empty one: `<br>`, and a line end inside `<pre>`.
    fn force_line(&mut self) {
        if self.next >= Break::Line && !self.text.is_empty() {
            self.flush();
        }
        self.next = Break::None;
        if self.text.is_empty() {
            let blank = self.current();
            self.lines.push(Line { ruled: false, ..blank });
        } else {
            self.flush();
        }
    }

    fn block(&mut self, kind: Break) {
        if !self.cell_start {
            self.next = self.next.max(kind);
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        let name = tag.name.as_str();
        let role = container::role(tag);
        match role {
            Role::Tail => {
                self.block(Break::Line);
                self.tail = true;
            }
            Role::Rule => {
                self.block(Break::Line);
                self.ruled = true;
            }
            Role::History | Role::Wrapper | Role::Signature => self.block(Break::Line),
            Role::Plain => {}
        }
        let mut tight = false;
        match name {
            "br" => self.force_line(),
            "hr" => {
                self.block(Break::Line);
                self.ruled = true;
            }
            "p" => {
                self.imply_end(&["p"], &[]);
                tight =
                    tag.attribute("class").is_some_and(|class| class.starts_with("Mso") || class.starts_with("x_Mso"));
                self.block(if tight { Break::Line } else { Break::Paragraph });
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" => self.block(Break::Paragraph),
            "pre" | "listing" | "xmp" => {
                self.block(Break::Paragraph);
                self.pre += 1;
            }
            "tr" => {
                self.imply_end(&["tr"], &["table"]);
                self.cell_start = false;
                self.block(Break::Line);
            }
            "td" | "th" => {
                self.imply_end(&["td", "th"], &["tr", "table"]);
                // Cells of a row stand on one line, but not below a cell of several lines.
                if self.next < Break::Line {
                    self.next = Break::Space;
                }
                self.cell_start = true;
            }
            "li" => {
                self.block(Break::Line);
            }
            _ if is_block(name) => self.block(Break::Line),
            _ => {}
        }
        if let Some(name) = tracked(name).filter(|_| !tag.closed) {
            self.count(role, name, true);
            self.open.push(Element { name, role, lines: self.lines.len() + usize::from(!self.text.is_empty()), tight });
        }
    }

    /// Old HTML leaves out end tags: a new paragraph ends the one before, a new cell or row likewise. Closes what is
    /// open down to the first of `names`, unless one of `limits` comes before.
    fn imply_end(&mut self, names: &[&str], limits: &[&str]) {
        let open = self.open.iter().rev().take(MAX_SEARCH);
        let inline = limits.is_empty();
        let mut found = None;
        for (above, element) in open.enumerate() {
            if names.contains(&element.name) {
                found = Some(above);
                break;
            }
            // A paragraph ends only the one that it stands in directly.
            if limits.contains(&element.name) || inline && element.name != "span" {
                break;
            }
        }
        for _ in 0..found.map_or(0, |above| above + 1) {
            if let Some(element) = self.open.pop() {
                self.count(element.role, element.name, false);
            }
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" => {
                let tight = self.open.iter().rev().take(8).find(|element| element.name == "p").is_some_and(|p| p.tight);
                self.block(if tight { Break::Line } else { Break::Paragraph });
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" => self.block(Break::Paragraph),
            "pre" | "listing" | "xmp" => {
                self.pre = self.pre.saturating_sub(1);
                self.block(Break::Paragraph);
            }
            // An end tag that nobody opened: browsers show a line break.
            "br" => self.force_line(),
            "td" | "th" => {}
            _ if is_block(name) => self.block(Break::Line),
            _ => {}
        }
        let Some(name) = tracked(name) else { return };
        let cell = matches!(name, "td" | "th");
        let mut found = None;
        for (above, element) in self.open.iter().rev().take(MAX_SEARCH).enumerate() {
            if element.name == name {
                found = Some(above);
                break;
            }
            // Nothing inside a cell closes what is around it.
            if matches!(element.name, "td" | "th") && !matches!(name, "tr" | "table") {
                break;
            }
        }
        let Some(above) = found else { return };
        for _ in 0..=above {
            let Some(element) = self.open.pop() else { return };
            self.count(element.role, element.name, false);
            if cell && element.name == name {
                let single = self.lines.len() <= element.lines;
                self.next = if single && self.next != Break::None { Break::Space } else { self.next.max(Break::Space) };
                if !single {
                    self.next = self.next.max(Break::Line);
                }
                self.cell_start = false;
            }
        }
        if name == "tr" {
            self.block(Break::Line);
        }
    }

    fn count(&mut self, role: Role, name: &str, opens: bool) {
        let add = |count: &mut usize| *count = if opens { *count + 1 } else { count.saturating_sub(1) };
        match role {
            Role::History => add(&mut self.history),
            Role::Wrapper => add(&mut self.wrappers),
            Role::Signature => add(&mut self.signatures),
            Role::Tail | Role::Rule | Role::Plain => {}
        }
        if name == "blockquote" && role != Role::History {
            add(&mut self.blockquotes);
        }
    }

    fn finish(mut self) -> Vec<Line> {
        self.flush();
        for line in &mut self.lines {
            let clean = super::text::clean(&line.text);
            line.text = clean.trim_end().replace('\n', " ");
        }
        self.lines
    }
}

/// The elements whose end matters: those that can hold a quote, and the cells that end at their own end only.
fn tracked(name: &str) -> Option<&'static str> {
    ["div", "blockquote", "table", "tr", "td", "th", "span", "section", "article", "fieldset", "details", "p"]
        .into_iter()
        .find(|known| *known == name)
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "blockquote"
            | "table"
            | "tr"
            | "li"
            | "dt"
            | "dd"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "main"
            | "nav"
            | "aside"
            | "form"
            | "fieldset"
            | "address"
            | "center"
            | "body"
            | "caption"
            | "thead"
            | "tbody"
            | "tfoot"
            | "figure"
            | "figcaption"
            | "details"
            | "summary"
            | "dir"
            | "menu"
            | "legend"
            | "hr"
    )
}

#[cfg(test)]
mod tests;
