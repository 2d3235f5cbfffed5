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

/// What stands below `-- ` and is longer than this, in lines, is no signature.
const MAX_SIGNATURE: usize = 20;

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
    /// Whether each is a short line with a date and a time.
    moments: Vec<bool>,
    /// Where introductions begin: the line after them, and what is there.
    introductions: Vec<Option<(usize, Below)>>,
    quoted: Vec<bool>,
    /// A quote has been seen that is one beyond doubt: what is marked after it is marked as quotes are.
    attributed: bool,
    /// Something new has been seen.
    has_new: bool,
    /// What an introduced quote is marked by, when it is not by `>`.
    mark: Option<String>,
}

impl Reader {
    fn new(lines: Vec<Line>, context: Context) -> Reader {
        let depth = lines.iter().map(|line| quote_depth(&line.text)).collect();
        let entries = lines.iter().map(|line| header_block::Entry::of(&line.text)).collect();
        let moments = lines.iter().map(|line| line.text.len() < 100 && attribution::has_moment(&line.text)).collect();
        let count = lines.len();
        let introductions = vec![None; count];
        let mut reader = Reader {
            lines,
            context,
            depth,
            entries,
            moments,
            introductions,
            quoted: vec![false; count],
            attributed: false,
            has_new: false,
            mark: None,
        };
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
            || self
                .mark
                .as_ref()
                .is_some_and(|mark| self.text(at).is_some_and(|text| text.trim_start().starts_with(mark.as_str())))
    }

    /// The mark of the first two lines from `at` on, if they have the same: `Bob> `, `| `, `: `. Prompts and tables look
    /// like that, too: it counts only below an introduction.
    fn odd_mark(&self, at: usize) -> Option<&str> {
        let mut lines =
            (at..at + 6).filter(|line| !self.is_blank(*line)).filter_map(|line| self.text(line)).map(str::trim_start);
        let (first, second) = (lines.next()?, lines.next());
        let end = first.find(['|', ':', '>', '%', '#']).filter(|end| *end <= 12)?;
        let (name, mark) = (first.get(..end)?, first.get(..=end)?);
        let initials = mark.ends_with('>') && !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '.');
        let bare = name.is_empty() && first.get(end + 1..)?.starts_with(' ') && !first.ends_with(mark);
        let again = second.is_none_or(|second| second.starts_with(mark));
        ((initials || bare) && again).then_some(mark)
    }

    fn drop_range(&mut self, from: usize, to: usize) {
        for quoted in self.quoted.iter_mut().take(to).skip(from) {
            *quoted = true;
        }
    }

    fn read(&mut self) {
        let count = self.lines.len();
        let mut at = 0;
        while at < count {
            if let Some(line) = self.lines.get(at).filter(|line| line.history || line.signature) {
                self.attributed |= line.history;
                let forwarded = line.wrapper && self.separator(at);
                let end = if forwarded { self.wrapper_end(at) } else { at + 1 };
                self.drop_range(at, end);
                at = end;
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
                if self.is_history(at, end) {
                    self.drop_range(at, end);
                    self.attributed = true;
                    // Supercite introduces its quotes by `>>>>> "Bob" == Bob Brown writes:`.
                    let last = (at..end).rev().find(|line| !self.is_blank(*line)).and_then(|line| self.text(line));
                    if last.is_some_and(|text| text.ends_with(':') && words::has_verb(&text.to_lowercase())) {
                        self.mark = self.odd_mark(end).map(str::to_owned).or(self.mark.take());
                    }
                } else {
                    self.has_new = true;
                }
                at = end;
                continue;
            }
            let separated = self.separator(at) && (self.has_new || !self.context.is_report);
            if separated || self.header_block(at) {
                let start = self.above_block(at);
                self.drop_range(start, count);
                return;
            }
            if self.is_reply_marker(at) {
                self.drop_range(at, if self.has_new { count } else { at + 1 });
                at = if self.has_new { count } else { at + 1 };
                continue;
            }
            if self.is_signature(at) {
                let end = self.signature_end(at);
                self.drop_range(at, end);
                at = end;
                continue;
            }
            match self.introductions.get(at).copied().flatten() {
                Some((end, Below::Quote | Below::Indented)) => {
                    self.drop_range(at, end);
                    self.attributed = true;
                    self.mark = self.odd_mark(end).map(str::to_owned).or(self.mark.take());
                    at = end;
                }
                Some((_, Below::Text)) if self.has_new && !self.context.is_report => {
                    self.drop_range(at, count);
                    return;
                }
                Some((end, Below::Text)) if !self.context.is_report => {
                    self.drop_range(at, end);
                    at = end;
                }
                None if self.has_new && !self.context.is_report && self.text(at).is_some_and(attribution::begins) => {
                    self.drop_range(at, count);
                    return;
                }
                Some((_, Below::Text)) | None => {
                    self.has_new = true;
                    at += 1;
                }
            }
        }
    }

    /// Whether the marked lines from `at` to `end` are history: they are introduced, or the mail is an answer, or
    /// they stand as answers quote. Programs print such marks, too: `diff` does, and `> rsync: …`.
    fn is_history(&self, at: usize, end: usize) -> bool {
        if self.attributed {
            return true;
        }
        let html = self.lines.get(at).is_some_and(|line| line.depth > 0);
        if html {
            let introduced = self.text(at).is_some_and(attribution::begins)
                || (at..(at + 3).min(end)).any(|last| self.begins_below(at, last));
            let next = (end..self.lines.len()).take(4).find(|next| !self.is_blank(*next));
            return introduced || next.is_some_and(|next| self.lines.get(next).is_some_and(|line| line.history));
        }
        if self.context.is_report || self.is_diff(at) {
            return false;
        }
        let lines = (at..end).filter(|line| !self.is_blank(*line)).take(2).count();
        let again = (end..self.lines.len()).any(|line| self.is_quote(line));
        self.context.is_reply || at == 0 || self.is_blank(end) && lines > 1 || again
    }

    /// Whether the lines from `at` to `last`, inside a blockquote, are an introduction.
    fn begins_below(&self, at: usize, last: usize) -> bool {
        let line = |above: usize| last.checked_sub(above).filter(|line| *line >= at).and_then(|line| self.text(line));
        attribution::length(&line, Below::Text).is_some()
    }

    /// `diff` marks its lines by `>` and `<` and heads them by `5c5`, and parts them by `---`.
    fn is_diff(&self, at: usize) -> bool {
        let Some(above) = at.checked_sub(1).and_then(|above| self.text(above)) else { return false };
        let above = above.trim();
        above == "---"
            || above.starts_with("< ")
            || above.starts_with(|c: char| c.is_ascii_digit())
                && above.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | 'a' | 'c' | 'd'))
    }

    /// Where the block at `at` begins when the rule, the dashes or the introduction above it are counted in.
    fn above_block(&self, at: usize) -> usize {
        let mut start = at;
        for above in (at.saturating_sub(4)..at).rev() {
            let Some(text) = self.text(above).map(str::trim) else { break };
            if text.is_empty() {
                continue;
            }
            let short = text.len() < 100;
            let dashes = |c: char| matches!(c, '-' | '_' | '=' | '*' | '—' | '–' | '~');
            let decorated = short && text.starts_with(dashes) && text.ends_with(dashes) && text.len() > 4;
            let introduces = short && start == above + 1 && attribution::is_dated(text);
            if !decorated && !introduces {
                break;
            }
            start = above;
        }
        start
    }

    /// Where Gmail's wrapper around a forwarded mail ends.
    fn wrapper_end(&self, at: usize) -> usize {
        let outside = |line: &Line| !line.is_blank() && !line.wrapper;
        (at..self.lines.len()).find(|at| self.lines.get(*at).is_some_and(outside)).unwrap_or(self.lines.len())
    }

    fn signature_end(&self, at: usize) -> usize {
        let ends = |line: usize| {
            self.is_quote(line)
                || self.separator(line)
                || self.introductions.get(line).is_some_and(Option::is_some)
                || self.header_block(line)
        };
        (at + 1..self.lines.len()).take(4 * MAX_SIGNATURE).find(|line| ends(*line)).unwrap_or(self.lines.len())
    }

    /// The introduction whose last line is `last`: where it begins, and what is below.
    fn introduction(&self, last: usize) -> Option<(usize, Below)> {
        if self.is_blank(last) || self.is_quote(last) {
            return None;
        }
        let text = self.text(last)?;
        if self.lines.get(last).is_some_and(|line| line.depth > 0) || text.trim().is_empty() {
            return None;
        }
        let next = (last + 1..last + 7).find(|next| !self.is_blank(*next));
        let indented = |next: usize| self.lines.get(next).is_some_and(|line| line.depth > 0 && !line.history);
        let below = match next {
            Some(next) if indented(next) => Below::Indented,
            Some(next) if self.is_quote(next) => Below::Quote,
            _ => Below::Text,
        };
        if !attribution::ends_like_one(text.trim(), below) {
            return None;
        }
        let odd = below == Below::Text && self.odd_mark(last + 1).is_some();
        let below = if odd { Below::Quote } else { below };
        let line = |above: usize| {
            last.checked_sub(above).filter(|line| !self.is_quote(*line)).and_then(|line| self.text(line))
        };
        let length = attribution::length(&line, below)?;
        Some((last + 1 - length, below))
    }

    /// `-----Original Message-----`, `Begin forwarded message:`, `---- Forwarded by X on … ----`.
    fn separator(&self, at: usize) -> bool {
        let Some(text) = self.text(at).map(str::trim) else { return false };
        let dash = |c: char| matches!(c, '-' | '_' | '=' | '*' | '+' | '~' | '—' | '–' | '>' | '<' | ' ' | '\t' | '"');
        let start = text.trim_start_matches(dash);
        let dashes = text.len() - start.len();
        if dashes >= 2 && text.len() > 200 || start.is_empty() {
            // HTML that lost its line ends: `----- Forwarded Message ----- From: …`.
            let phrase = start.split("--").next().unwrap_or_default().trim_matches(dash);
            return dashes >= 3 && phrase.len() < 80 && words::is_separator(&phrase.to_lowercase());
        }
        if text.len() > 200 {
            return false;
        }
        let bare = start.trim_end_matches(|c| dash(c) || matches!(c, ':' | '：' | '.'));
        let framed = dashes >= 2 && text.len() >= bare.len() + 4;
        let colon = text.ends_with([':', '：']);
        if !framed && !colon && dashes < 3 {
            return false;
        }
        let lower = bare.to_lowercase();
        let phrase = start.split("--").next().unwrap_or_default().trim_matches(dash).to_lowercase();
        words::is_separator(&lower) && (framed || colon)
            || dashes >= 3 && words::is_separator(&phrase)
            || framed && (lower.starts_with("forwarded by ") || lower.starts_with("forwarded message from "))
    }

    fn header_block(&self, at: usize) -> bool {
        let ruled = self.lines.get(at).is_some_and(|line| line.ruled);
        let above = (0..at).rev().take(3).find(|above| !self.is_blank(*above));
        let ruled = ruled || above.and_then(|above| self.text(above)).is_some_and(is_rule);
        // A report that begins with labels tells of something; it quotes nothing.
        if self.context.is_report && !self.has_new {
            return false;
        }
        let view = |below: usize| {
            let entry = self.entries.get(at + below).copied()?;
            Some(header_block::View { text: self.text(at + below)?, entry })
        };
        let labelled = self.entries.get(at).is_some_and(Option::is_some);
        header_block::at(&view, ruled).is_some()
            || self
                .text(at)
                .is_some_and(|text| labelled && (ruled || text.len() > 120) && header_block::is_inline(text))
            || !labelled && self.maybe_lotus(at) && header_block::lotus(&view).is_some()
    }

    /// A date with a time stands on this line or close below: cheap, before the whole block is looked at.
    fn maybe_lotus(&self, at: usize) -> bool {
        (at..at + 5).any(|line| self.moments.get(line).is_some_and(|moment| *moment))
    }

    /// `Please type your reply above this line`: everything below is the ticket system's.
    fn is_reply_marker(&self, at: usize) -> bool {
        let Some(text) = self.text(at).map(str::trim).filter(|text| text.len() < 160) else { return false };
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
        if text.len() < bare.len() + 2 && !text.ends_with([':', '.']) && bare.len() > 60 {
            return false;
        }
        let lower = bare.to_lowercase();
        words::REPLY_MARKERS.iter().any(|marker| lower.contains(marker))
    }

    fn is_signature(&self, at: usize) -> bool {
        let Some(text) = self.text(at) else { return false };
        if text == "-- " {
            let end = self.signature_end(at);
            return (at..end).filter(|line| !self.is_blank(*line)).take(MAX_SIGNATURE + 1).count() <= MAX_SIGNATURE;
        }
        // Without its space it parts reports, too; below a quote it is what the quoted mail ended with.
        if text.trim() == "--" && self.attributed {
            return (at + 1..self.lines.len()).filter(|line| !self.is_blank(*line)).take(9).count() < 9;
        }
        is_rule(text) && text.trim().len() >= 30 && self.is_list_footer(at)
    }

    /// Mailman's footer: a rule, the list's name, its addresses.
    fn is_list_footer(&self, at: usize) -> bool {
        let below: Vec<&str> = (at + 1..at + 8)
            .filter_map(|line| self.text(line))
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect();
        let rest = (at + 1..self.lines.len()).filter(|line| !self.is_blank(*line)).take(7).count();
        let names_list = below.iter().take(2).any(|text| text.to_lowercase().contains("list"));
        rest < 7 && names_list && below.iter().any(|text| text.contains('@') || text.contains("://"))
    }

    fn split(self) -> Split {
        let (mut new, mut old) = (Text::default(), Text::default());
        for (line, quoted) in self.lines.iter().zip(self.quoted) {
            let text = line.text.trim_end();
            if quoted {
                old.add(text);
                new.cut = true;
            } else {
                new.add(text);
                old.cut = true;
            }
        }
        Split { new: new.text, quoted: old.text }
    }
}

/// Lines put together: no empty ones at the edges, at most two between, and one where something was cut out.
#[derive(Default)]
struct Text {
    text: String,
    blanks: usize,
    cut: bool,
}

impl Text {
    fn add(&mut self, line: &str) {
        if line.trim().is_empty() {
            self.blanks += 1;
            return;
        }
        if !self.text.is_empty() {
            let most = if self.cut { 1 } else { 2 };
            self.text.extend(std::iter::repeat_n('\n', self.blanks.min(most)));
        }
        (self.blanks, self.cut) = (0, false);
        self.text.push_str(line);
        self.text.push('\n');
    }
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
    // `> wrote:` is what a torn `<bob@x.example> wrote:` left.
    let torn = depth == 1 && line.len() < 40 && line.ends_with(':') && words::has_verb(&line.to_lowercase());
    if marked && !torn { depth } else { 0 }
}

/// A line of dashes or underscores.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 5 && line.chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | '—' | '─' | '–' | ' '))
}

#[cfg(test)]
mod tests;
