//! The decoded mail. Everything a rule can see of a mail is a method here.

/// At most so many bytes of a mail are kept in memory and parsed; the rest is read and dropped.
pub const PARSE_LIMIT: usize = 1024 * 1024;

/// A mail, decoded: header fields unfolded and their encoded words decoded, text with LF line ends.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Header fields in order: name as written, value decoded and unfolded.
    pub headers: Vec<(String, String)>,
    /// All text of the mail, quotes included.
    pub body: String,
    /// What the author of this mail wrote.
    pub new_text: String,
    /// The rest of the text: quoted history and forwarded blocks.
    pub quoted: String,
    /// The file names of attachments (empty names left out).
    pub attachments: Vec<String>,
    /// The size of the whole mail in bytes, also of what was not kept.
    pub size: u64,
    /// An automatic *answer* or a bounce: RFC 3834 `auto-replied`, vacation, `multipart/report`, null return path.
    pub automatic: bool,
    /// Our own mail, by its loop header.
    pub own: bool,
}

impl Message {
    /// The values of all header fields called `name` (any case), in order.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The value of the first header field called `name` (any case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The decoded subject; empty when there is none.
    pub fn subject(&self) -> &str {
        self.header("Subject").unwrap_or_default()
    }
}
