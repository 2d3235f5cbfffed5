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
    /// It has the header of a whole mail, and says there neither that it answers nor that it forwards another: what looks
    /// like history is, in doubt, what its author wrote.
    pub is_fresh: bool,
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

/// Whether a subject begins as those of answers and forwards do, in any language: `Fwd: `, `AW[2]: `, `转发：`. Some begin
/// with the name of a list or a ticket: `[ops] Re: `.
pub fn is_marked_subject(subject: &str) -> bool {
    let mut rest = subject.trim_start();
    while let Some((_, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        rest = after.trim_start();
    }
    rest.split_once([':', '：']).is_some_and(|(mark, _)| {
        let mark = words::lower(mark.trim_end());
        let mark =
            mark.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '[' | ']' | '(' | ')' | '^' | ' '));
        words::SUBJECT_MARKS.contains(&mark)
    })
}

#[cfg(test)]
mod tests;
