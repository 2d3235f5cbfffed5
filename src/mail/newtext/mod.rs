//! The new text of a mail: what its author wrote, without quoted history, forwarded blocks and signatures.
//!
//! Lines are cut on evidence only: a quote mark, a client's own HTML mark, an introduction with a date, a time or an
//! address, a header block with known labels. In doubt a line is kept, for a lost line can lose an alert. Everything is
//! linear in the text: each question looks at a bounded number of lines around.

mod attribution;
mod evidence;
mod header_block;
mod page;
mod reader;
mod words;

use self::reader::Reader;
use super::line::Line;

/// What the rest of the mail says about its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context {
    /// The mail says that it answers another: `In-Reply-To`, `References`, `Re:`.
    pub is_reply: bool,
    /// A program wrote it (`Auto-Submitted: auto-generated`): what looks like a quote may well be output.
    pub is_report: bool,
}

/// A text, parted. Every line is in one of the two, but for empty lines at the edges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// What the author wrote.
    pub new: String,
    /// Quoted history, forwarded blocks, signatures.
    pub quoted: String,
}

/// Parts the lines of one text.
pub fn split(lines: Vec<Line>, context: Context) -> Split {
    let mut reader = Reader::new(lines, context);
    reader.read();
    reader.split()
}

#[cfg(test)]
mod tests;
