//! HTML cut into text and tags. Every byte is read a bounded number of times, whatever the input: what is searched for
//! in vain once is not searched for again.

/// A piece of HTML.
#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// Text, entities not yet decoded.
    Text(&'a str),
    /// A start tag.
    Start(Tag<'a>),
    /// An end tag's name, in lower case.
    End(&'a str),
}

/// A start tag.
#[derive(Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// In lower case, without a namespace prefix (`o:p` is `p` of Office, and no paragraph: it stays `o:p`).
    pub name: String,
    /// What stands between name and `>`.
    pub attributes: &'a str,
    /// It ends in `/>`.
    pub closed: bool,
}

impl Tag<'_> {
    /// The value of the attribute `name` (lower case), entities not decoded.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut rest = self.attributes;
        while !rest.is_empty() {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(rest.len());
            let (key, after) = rest.split_at_checked(end.max(1).min(rest.len()))?;
            let after = after.trim_start();
            let (value, next) = match after.strip_prefix('=') {
                None => ("", after),
                Some(value) => value_of(value.trim_start()),
            };
            if key.eq_ignore_ascii_case(name) {
                return Some(value);
            }
            rest = next;
        }
        None
    }
}

/// An attribute's value, quoted or not, and what follows.
fn value_of(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    text.split_at(text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len()))
}

/// The tokens of a document.
pub struct Tokens<'a> {
    html: &'a str,
    at: usize,
    /// No `>` after the last one; no closing quote after the last of each kind.
    last_end: Option<usize>,
    last_double: usize,
    last_single: usize,
    /// Tags that ran to the end of the document because of a quote. After a few, quotes are no longer honoured.
    runaways: u8,
    comments_end: bool,
    /// Elements of raw text whose end tag was searched for in vain.
    unended: Vec<&'static str>,
}

impl<'a> Tokens<'a> {
    /// The tokens of `html`.
    pub fn new(html: &'a str) -> Tokens<'a> {
        Tokens {
            html,
            at: 0,
            last_end: html.rfind('>'),
            last_double: html.rfind('"').unwrap_or(0),
            last_single: html.rfind('\'').unwrap_or(0),
            runaways: 0,
            comments_end: true,
            unended: Vec::new(),
        }
    }

    fn rest(&self) -> &'a str {
        self.html.get(self.at..).unwrap_or_default()
    }

    /// Skips a comment or declaration at the cursor.
    fn skip_declaration(&mut self) {
        if self.rest().starts_with("<!--") && self.comments_end {
            if let Some(end) = self.html.get(self.at + 4..).and_then(|rest| rest.find("-->")) {
                self.at += 4 + end + 3;
                return;
            }
            self.comments_end = false;
        }
        // An unfinished comment ends at the next `>`, as it did in old browsers: rather a stray word than a lost text.
        let end = self.rest().find('>').unwrap_or(self.rest().len());
        self.at += (end + 1).min(self.rest().len());
    }

    /// The `>` that ends the tag whose name ends at `from`.
    fn tag_end(&mut self, from: usize) -> Option<usize> {
        let bytes = self.html.as_bytes();
        let mut quote = None;
        let mut value = false;
        for at in from..bytes.len() {
            let byte = *bytes.get(at)?;
            match (quote, byte) {
                (Some(open), _) => {
                    if byte == open {
                        quote = None;
                    }
                }
                (None, b'>') => return Some(at),
                (None, b'"') if value && at < self.last_double && self.runaways < 8 => quote = Some(byte),
                (None, b'\'') if value && at < self.last_single && self.runaways < 8 => quote = Some(byte),
                _ => value = byte == b'=' || value && byte.is_ascii_whitespace(),
            }
        }
        self.runaways = self.runaways.saturating_add(1);
        None
    }

    /// Moves the cursor behind the end tag of an element whose content is not text.
    fn skip_raw(&mut self, name: &'static str) {
        if self.unended.contains(&name) {
            return;
        }
        let bytes = self.html.as_bytes();
        let mut at = self.at;
        while let Some(found) = self.html.get(at..).and_then(|rest| rest.find("</")) {
            at += found + 2;
            if bytes.get(at..at + name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name.as_bytes())) {
                let close =
                    self.html.get(at..).and_then(|rest| rest.find('>')).map_or(self.html.len(), |end| at + end + 1);
                self.at = close;
                return;
            }
        }
        self.unended.push(name);
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return None;
            }
            let start = self.at;
            if !rest.starts_with('<') {
                let length = rest.find('<').unwrap_or(rest.len());
                self.at += length;
                return rest.get(..length).map(Token::Text);
            }
            let second = rest.as_bytes().get(1).copied().unwrap_or_default();
            let closes_somewhere = self.last_end.is_some_and(|last| last > start);
            if matches!(second, b'!' | b'?') && closes_somewhere {
                self.skip_declaration();
                continue;
            }
            let is_end = second == b'/';
            let name_at = start + 1 + usize::from(is_end);
            let name = self.html.get(name_at..).unwrap_or_default();
            let length =
                name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_'))).unwrap_or(name.len());
            let name = name.get(..length).unwrap_or_default();
            let end = if closes_somewhere
                && name.starts_with(|c: char| c.is_ascii_alphabetic())
                && length < 40
                && !is_address(self.html, name_at + length)
            {
                self.tag_end(name_at + length)
            } else {
                None
            };
            let Some(end) = end else {
                // No tag: `a < b`, `<user@host>`, an unfinished end. It is text, and not lost.
                self.at += 1;
                let more = self.rest().find('<').unwrap_or(self.rest().len());
                self.at += more;
                return self.html.get(start..self.at).map(Token::Text);
            };
            self.at = end + 1;
            if is_end {
                return Some(Token::End(static_name(name)));
            }
            let attributes = self.html.get(name_at + length..end).unwrap_or_default();
            let name = name.to_ascii_lowercase();
            let raw = ["script", "style", "title", "template", "noframes"].into_iter().find(|raw| *raw == name);
            if let Some(raw) = raw {
                self.skip_raw(raw);
                continue;
            }
            let closed = attributes.ends_with('/');
            return Some(Token::Start(Tag { name, attributes, closed }));
        }
    }
}

/// `<user@host>` and `<http://…>` written without escaping are text.
fn is_address(html: &str, after_name: usize) -> bool {
    matches!(html.as_bytes().get(after_name), Some(b'@' | b'.' | b'+'))
        || html.get(after_name..).is_some_and(|rest| rest.starts_with("//"))
}

/// The name in lower case; end tags of elements we don't know need no name.
fn static_name(name: &str) -> &'static str {
    const NAMES: [&str; 48] = [
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "dl",
        "pre",
        "listing",
        "xmp",
        "br",
        "td",
        "th",
        "div",
        "blockquote",
        "table",
        "tr",
        "li",
        "dt",
        "dd",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "nav",
        "aside",
        "form",
        "fieldset",
        "address",
        "center",
        "body",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "figure",
        "figcaption",
        "details",
        "summary",
        "dir",
        "menu",
        "legend",
        "span",
        "hr",
    ];
    NAMES.into_iter().find(|known| name.eq_ignore_ascii_case(known)).unwrap_or("")
}
