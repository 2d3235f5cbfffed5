//! The new text of a mail: what its author wrote, without quoted history, forwarded blocks and signatures.
//!
//! Lines are cut on evidence only: a quote mark, a client's own HTML mark, an introduction with a date, a time or an
//! address, a header block with known labels. In doubt a line is kept, for a lost line can lose an alert. Everything is
//! linear in the text: each question looks at a bounded number of lines around.

mod attribution;
mod evidence;
mod header_block;
mod words;

use self::attribution::Below;
use super::line::Line;
use words::words;

/// What the rest of the mail says about its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context {
    /// The mail says that it answers another: it has an In-Reply-To field.
    pub is_reply: bool,
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

struct Reader {
    lines: Vec<Line>,
    context: Context,
    /// How many quote marks each line begins with.
    depth: Vec<usize>,
    /// Each line as a header line, if it can be one.
    entries: Vec<Option<header_block::Entry>>,
    /// Where introductions begin: the line after them, and what is there.
    introductions: Vec<Option<(usize, Below)>>,
    quoted: Vec<bool>,
    /// Something new has been seen.
    has_new: bool,
}

impl Reader {
    fn new(lines: Vec<Line>, context: Context) -> Reader {
        let depth = lines.iter().map(|line| quote_depth(&line.text)).collect();
        let entries = lines.iter().map(|line| header_block::Entry::of(&line.text)).collect();
        let count = lines.len();
        let introductions = vec![None; count];
        let mut reader =
            Reader { lines, context, depth, entries, introductions, quoted: vec![false; count], has_new: false };
        for last in 0..count {
            if let Some((start, below)) = reader.introduction(last)
                && let Some(slot) = reader.introductions.get_mut(start)
            {
                *slot = slot.or(Some((last + 1, below)));
            }
        }
        reader
    }

    fn text(&self, at: usize) -> Option<&str> {
        self.lines.get(at).map(|line| line.text.as_str())
    }

    fn is_blank(&self, at: usize) -> bool {
        self.lines.get(at).is_none_or(Line::is_blank)
    }

    fn is_quote(&self, at: usize) -> bool {
        self.depth.get(at).is_some_and(|depth| *depth > 0)
            || self.lines.get(at).is_some_and(|line| !line.is_blank() && (line.depth > 0 || line.history))
    }

    fn drop_range(&mut self, from: usize, to: usize) {
        for quoted in self.quoted.iter_mut().take(to).skip(from) {
            *quoted = true;
        }
    }

    fn read(&mut self) {
        let count = self.lines.len();
        let mut at = 0;
        let mut attributed = false;
        while at < count {
            let history = self.lines.get(at).is_some_and(|line| line.history || line.signature);
            if history {
                self.drop_range(at, at + 1);
                attributed = true;
                at += 1;
                continue;
            }
            if self.is_blank(at) {
                at += 1;
                continue;
            }
            if self.is_quote(at) {
                let mut end = at;
                while end < count && (self.is_quote(end) || self.is_blank(end) && self.is_quote(end + 1)) {
                    end += 1;
                }
                if self.is_history(at, end, attributed) {
                    self.drop_range(at, end);
                } else {
                    self.has_new = true;
                }
                at = end;
                continue;
            }
            if let Some(length) = self.separator(at).or_else(|| self.header_block(at)) {
                let _ = length;
                self.drop_range(at, count);
                return;
            }
            if self.is_signature(at) {
                let mut end = at;
                while end < count
                    && !self.is_quote(end)
                    && self.separator(end).is_none()
                    && self.header_block(end).is_none()
                {
                    end += 1;
                }
                self.drop_range(at, end);
                at = end;
                continue;
            }
            match self.introductions.get(at).copied().flatten() {
                Some((end, Below::Quote)) => {
                    self.drop_range(at, end);
                    attributed = true;
                    at = end;
                }
                Some((_, Below::Text)) if self.has_new => {
                    self.drop_range(at, count);
                    return;
                }
                Some((end, Below::Text)) => {
                    self.drop_range(at, end);
                    at = end;
                }
                None => {
                    self.has_new = true;
                    at += 1;
                }
            }
        }
    }

    /// Whether the marked lines from `at` to `end` are history: they are introduced, or the mail is an answer, or they
    /// stand alone. Output of programs has such marks, too, with text right below.
    fn is_history(&self, at: usize, end: usize, attributed: bool) -> bool {
        let html = self.lines.get(at).is_some_and(|line| line.depth > 0);
        attributed || self.context.is_reply || !html && (at == 0 || self.is_blank(end))
    }

    /// The introduction whose last line is `last`: where it begins, and what is below.
    fn introduction(&self, last: usize) -> Option<(usize, Below)> {
        if self.is_blank(last) || self.is_quote(last) {
            return None;
        }
        let next = (last + 1..last + 7).find(|next| !self.is_blank(*next));
        let below = if next.is_some_and(|next| self.is_quote(next)) { Below::Quote } else { Below::Text };
        let line = |above: usize| {
            last.checked_sub(above).filter(|line| !self.is_quote(*line)).and_then(|line| self.text(line))
        };
        let length = attribution::length(&line, below)?;
        Some((last + 1 - length, below))
    }

    fn separator(&self, at: usize) -> Option<usize> {
        let text = self.text(at)?.trim();
        if text.len() > 200 {
            return None;
        }
        let bare = text.trim_matches(['-', '_', '=', '*', '+', ' ', ':', '：', '>', '<', '~', '—', '–', '.', '\t']);
        let dashed = text.len() >= bare.len() + 4;
        let colon = text.ends_with([':', '：']);
        let lower = bare.to_lowercase();
        (words().is_separator(&lower) && (dashed || colon)
            || dashed && lower.starts_with("forwarded by ")
            || dashed && lower.starts_with("forwarded message from "))
        .then_some(1)
    }

    fn header_block(&self, at: usize) -> Option<usize> {
        let ruled = self.lines.get(at).is_some_and(|line| line.ruled);
        let above = (0..at).rev().take(3).find(|above| !self.is_blank(*above));
        let ruled = ruled || above.and_then(|above| self.text(above)).is_some_and(is_rule);
        let view = |below: usize| {
            let entry = self.entries.get(at + below).copied()?;
            Some(header_block::View { text: self.text(at + below)?, entry })
        };
        header_block::at(&view, ruled).map(|block| block.length)
    }

    fn is_signature(&self, at: usize) -> bool {
        let Some(text) = self.text(at) else { return false };
        if text == "-- " {
            return true;
        }
        text.trim_end() == "--"
            && self.has_new
            && (at + 1..self.lines.len()).filter(|below| !self.is_blank(*below)).take(9).count() < 9
    }

    fn split(self) -> Split {
        let mut split = Split::default();
        for (line, quoted) in self.lines.iter().zip(self.quoted) {
            let text = line.text.trim_end();
            let into = if quoted { &mut split.quoted } else { &mut split.new };
            into.push_str(text);
            into.push('\n');
        }
        for text in [&mut split.new, &mut split.quoted] {
            *text = tidy(text);
        }
        split
    }
}

/// Without empty lines at the edges, and with at most two of them together.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut blanks = 0;
    for line in text.lines() {
        if line.trim().is_empty() {
            blanks += 1;
            continue;
        }
        if !tidy.is_empty() {
            tidy.push_str(match blanks {
                0 => "",
                1 => "\n",
                _ => "\n\n",
            });
        }
        blanks = 0;
        tidy.push_str(line);
        tidy.push('\n');
    }
    tidy
}

/// How many quote marks a line begins with.
fn quote_depth(line: &str) -> usize {
    let mut depth = 0;
    for char in line.chars().take(200) {
        match char {
            '>' => depth += 1,
            ' ' | '\t' => {}
            _ => break,
        }
    }
    let marked = line.trim_start().starts_with('>');
    if marked { depth } else { 0 }
}

/// A line of dashes or underscores.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 5 && line.chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | '—' | '─' | '–' | ' '))
}
