//! The walk over the lines: which are new, which are quoted.

use super::attribution::{self, Below};
use super::page::{MAX_SIGNATURE, Page, is_rule};
use super::{Context, Split, words};
use crate::mail::line::Line;

/// Walks over a text once, from top to bottom.
pub struct Reader {
    page: Page,
    context: Context,
    quoted: Vec<bool>,
    /// A quote has been seen that is one beyond doubt: what is marked after it is marked as quotes are.
    attributed: bool,
    /// A quote between `<<` and `>>` has been introduced.
    angled: bool,
    /// Something new has been seen.
    has_new: bool,
}

impl Reader {
    /// A reader at the top.
    pub fn new(lines: Vec<Line>, context: Context) -> Reader {
        let quoted = vec![false; lines.len()];
        Reader { page: Page::new(lines, context), context, quoted, attributed: false, angled: false, has_new: false }
    }

    /// Reads to the end.
    pub fn read(&mut self) {
        let count = self.page.lines.len();
        let mut at = 0;
        while at < count {
            if let Some(line) = self.page.lines.get(at).filter(|line| line.history || line.signature) {
                self.attributed |= line.history;
                let forwarded = line.wrapper && self.page.separator(at);
                let end = if forwarded { self.page.wrapper_end(at) } else { at + 1 };
                self.drop_range(at, end);
                at = end;
                continue;
            }
            if self.page.is_blank(at) {
                at += 1;
                continue;
            }
            if self.page.is_group_wise(at) && self.has_new && !self.context.is_report {
                self.drop_range(at, count);
                return;
            }
            if self.angled
                && let Some(end) = self.page.angle_end(at)
            {
                self.drop_range(at, end);
                at = end;
                continue;
            }
            if self.is_torn(at) {
                self.drop_range(at, at + 1);
                at += 1;
                continue;
            }
            if self.page.is_quote(at) {
                let mut end = at;
                while end < count && (self.page.is_quote(end) || self.page.is_blank(end) && self.page.is_quote(end + 1))
                {
                    end += 1;
                }
                if self.is_history(at, end) {
                    self.drop_range(at, end);
                    self.attributed = true;
                    // Supercite introduces its quotes by `>>>>> "Bob" == Bob Brown writes:`.
                    let last =
                        (at..end).rev().find(|line| !self.page.is_blank(*line)).and_then(|line| self.page.text(line));
                    if last.is_some_and(|text| text.ends_with(':') && words::has_verb(&words::lower(text))) {
                        self.page.mark = self.page.odd_mark(end).map(str::to_owned).or(self.page.mark.take());
                    }
                } else {
                    self.has_new = true;
                }
                at = end;
                continue;
            }
            let separated = self.page.separator(at) && (self.has_new || !self.context.is_report);
            if separated || self.page.header_block(at, self.has_new) {
                let start = self.page.above_block(at);
                let marked = if separated { self.page.end_mark(at) } else { None };
                let below = || if self.has_new || self.context.is_report { None } else { self.page.answer_below(at) };
                let end = marked.or_else(below).unwrap_or(count);
                self.drop_range(start, end);
                at = end;
                continue;
            }
            if self.page.is_reply_marker(at) {
                let end = if self.has_new && !self.context.is_fresh { count } else { at + 1 };
                self.drop_range(at, end);
                at = end;
                continue;
            }
            if self.is_signature(at) {
                let end = self.page.signature_end(at);
                self.drop_range(at, end);
                at = end;
                continue;
            }
            match self.page.introduction_at(at) {
                // What a program says that it writes is its own, unless somebody is named.
                Some((end, Below::Quote | Below::Indented))
                    if self.context.is_report && !self.shows_person(at, end) =>
                {
                    self.has_new = true;
                    at = end;
                }
                Some((end, _)) if !self.context.is_report && self.page.angle_end(end).is_some() => {
                    let end = self.page.angle_end(end).unwrap_or(end);
                    self.drop_range(at, end);
                    (self.attributed, self.angled) = (true, true);
                    at = end;
                }
                Some((end, Below::Quote | Below::Indented)) => {
                    self.drop_range(at, end);
                    self.attributed = true;
                    self.page.mark = self.page.odd_mark(end).map(str::to_owned).or(self.page.mark.take());
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
                None if self.has_new
                    && !self.context.is_report
                    && (!self.context.is_fresh || self.page.begins_paragraph(at))
                    && self.page.text(at).is_some_and(|text| attribution::begins(text, self.context.is_fresh)) =>
                {
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

    fn drop_range(&mut self, from: usize, to: usize) {
        for quoted in self.quoted.iter_mut().take(to).skip(from) {
            *quoted = true;
        }
    }

    fn shows_person(&self, at: usize, end: usize) -> bool {
        let lines: Vec<&str> = (at..end).filter_map(|line| self.page.text(line)).map(str::trim).collect();
        attribution::shows_person(&lines.join(" "))
    }

    /// The end of a quoted line that a client wrapped without marking it again: short, between two quoted lines, after
    /// a long one that ends in the middle of a sentence.
    fn is_torn(&self, at: usize) -> bool {
        let (Some(text), Some(above)) = (self.page.text(at), at.checked_sub(1)) else { return false };
        let Some(before) = self
            .page
            .text(above)
            .filter(|_| self.attributed && self.page.is_marked(above) && self.page.is_marked(at + 1))
        else {
            return false;
        };
        text.len() <= 40
            && text.starts_with(char::is_lowercase)
            && before.chars().count() >= 60
            && before.ends_with(|c: char| c.is_alphanumeric() || c == ',')
            && self.page.text(at + 1).is_some_and(|next| !next.trim_start_matches(['>', ' ']).is_empty())
    }

    /// Whether the marked lines from `at` to `end` are history: they are introduced, or the mail is an answer, or
    /// they stand as answers quote. Programs print such marks, too: `diff` does, and `> rsync: …`.
    fn is_history(&self, at: usize, end: usize) -> bool {
        if self.attributed {
            return true;
        }
        let html = self.page.lines.get(at).is_some_and(|line| line.depth > 0);
        if html {
            let introduced = self.page.text(at).is_some_and(|text| attribution::begins(text, false))
                || (at..(at + 3).min(end)).any(|last| self.page.begins_below(at, last));
            let next = (end..self.page.lines.len()).take(4).find(|next| !self.page.is_blank(*next));
            let answers = !self.context.is_report && !self.context.is_fresh;
            let headed = answers && self.page.quotes_mail(at, end.min(at + 10));
            return introduced
                || headed
                || next.is_some_and(|next| self.page.lines.get(next).is_some_and(|line| line.history));
        }
        if self.page.quotes_mail(at, end) {
            return true;
        }
        if self.context.is_report || self.context.is_fresh || self.page.is_diff(at) || self.page.are_prompts(at, end) {
            return false;
        }
        if self.has_new && self.page.are_own(at, end) {
            return false;
        }
        if self.context.is_reply {
            return true;
        }
        // A mail that would be left without a word is no answer: `> CRITICAL: db1 is down`.
        let count = self.page.lines.len();
        let is_new = |line: usize| !self.page.is_blank(line) && !self.page.is_quote(line);
        if !self.has_new && !(end..count).any(is_new) {
            return false;
        }
        // Above an answer, or taking turns with one. A single block further down may as well be output.
        !self.has_new || (end..count).any(|line| self.page.is_quote(line))
    }

    fn is_signature(&self, at: usize) -> bool {
        let Some(text) = self.page.text(at) else { return false };
        if text == "-- " {
            let end = self.page.signature_end(at);
            return (at..end).filter(|line| !self.page.is_blank(*line)).take(MAX_SIGNATURE + 1).count()
                <= MAX_SIGNATURE;
        }
        // Without its space it parts reports, too; below a quote it is what the quoted mail ended with.
        if text.trim() == "--" && self.attributed {
            return (at + 1..self.page.lines.len()).filter(|line| !self.page.is_blank(*line)).take(9).count() < 9;
        }
        is_rule(text) && text.trim().len() >= 30 && self.page.is_list_footer(at)
    }

    /// What was found.
    pub fn split(self) -> Split {
        let (mut new, mut old) = (Joined::default(), Joined::default());
        for (line, quoted) in self.page.lines.iter().zip(self.quoted) {
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
struct Joined {
    text: String,
    blanks: usize,
    cut: bool,
}

impl Joined {
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
