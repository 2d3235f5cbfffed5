//! The lines of a text and what can be asked about them: is this a quote, does an introduction, a separator or a header
//! block begin here? Each answer looks at a bounded number of lines around.

use super::attribution::{self, Below};
use super::{Context, header_block, words};
use crate::mail::line::Line;

/// What stands below `-- ` and is longer than this, in lines, is no signature.
pub const MAX_SIGNATURE: usize = 20;

/// The lines of a text.
pub struct Page {
    /// The lines.
    pub lines: Vec<Line>,
    /// What the header says.
    context: Context,
    /// What an introduced quote is marked by, when it is not by `>`.
    pub mark: Option<String>,
    /// How many quote marks each line begins with.
    depth: Vec<usize>,
    /// Each line as a header line, if it can be one.
    entries: Vec<Option<header_block::Entry>>,
    /// Whether each is a short line with a date and a time.
    moments: Vec<bool>,
    /// Where introductions begin: the line after them, and what is there.
    introductions: Vec<Option<(usize, Below)>>,
}

impl Page {
    /// Reads each line once.
    pub fn new(lines: Vec<Line>, context: Context) -> Page {
        let count = lines.len();
        let mut page = Page {
            context,
            mark: None,
            depth: lines.iter().map(|line| quote_depth(&line.text)).collect(),
            entries: lines.iter().map(|line| header_block::Entry::of(&line.text)).collect(),
            moments: lines.iter().map(|line| line.text.len() < 100 && attribution::has_moment(&line.text)).collect(),
            introductions: vec![None; count],
            lines,
        };
        for last in 0..count {
            if let Some((start, below)) = page.introduction(last)
                && let Some(slot) = page.introductions.get_mut(start)
            {
                *slot = slot.or(Some((last + 1, below)));
            }
        }
        page
    }

    /// The introduction that begins at `at`: the line after it, and what is there.
    pub fn introduction_at(&self, at: usize) -> Option<(usize, Below)> {
        self.introductions.get(at).copied().flatten()
    }

    /// Whether the line is marked by `>`.
    pub fn is_marked(&self, at: usize) -> bool {
        self.depth.get(at).is_some_and(|depth| *depth > 0)
    }

    pub fn text(&self, at: usize) -> Option<&str> {
        self.lines.get(at).map(|line| line.text.as_str())
    }

    pub fn is_blank(&self, at: usize) -> bool {
        self.lines.get(at).is_none_or(Line::is_blank)
    }

    pub fn is_quote(&self, at: usize) -> bool {
        self.depth.get(at).is_some_and(|depth| *depth > 0)
            || self.lines.get(at).is_some_and(|line| !line.is_blank() && (line.depth > 0 || line.history))
            || self
                .mark
                .as_ref()
                .is_some_and(|mark| self.text(at).is_some_and(|text| text.trim_start().starts_with(mark.as_str())))
    }

    /// The mark of the first two lines from `at` on, if they have the same: `Bob> `, `| `, `: `. Prompts and tables look
    /// like that, too: it counts only below an introduction.
    pub fn odd_mark(&self, at: usize) -> Option<&str> {
        let mut lines =
            (at..at + 6).filter(|line| !self.is_blank(*line)).filter_map(|line| self.text(line)).map(str::trim_start);
        let (first, second) = (lines.next()?, lines.next());
        let end = first.find(['|', ':', '>']).filter(|end| *end <= 12)?;
        let (name, mark) = (first.get(..end)?, first.get(..=end)?);
        let initials = mark.ends_with('>') && !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '.');
        let bare = name.is_empty() && first.get(end + 1..)?.starts_with(' ') && !first.ends_with(mark);
        let again = second.is_none_or(|second| second.starts_with(mark));
        ((initials || bare) && again).then_some(mark)
    }

    /// Whether every marked line from `at` to `end` has three marks or more: `>>> ` is the prompt of an interpreter.
    pub fn are_prompts(&self, at: usize, end: usize) -> bool {
        self.depth.iter().take(end).skip(at).all(|depth| *depth == 0 || *depth > 2)
    }

    /// Whether the marked lines from `at` to `end` hold what only mails hold: `> On 2 June 2025, Bob wrote:`,
    /// `> Begin forwarded message:`, `> From: …` with `> Date: …`. Program output does not.
    pub fn quotes_mail(&self, at: usize, end: usize) -> bool {
        (at..end).any(|line| {
            let Some(text) = self.text(line) else { return false };
            let bare = text.trim_start_matches(['>', ' ']).trim_end();
            let says = bare.ends_with([':', '：']) && words::has_verb(&words::lower(bare));
            says && (attribution::is_dated(bare) || bare.contains('@'))
                || is_separator(bare)
                || self.is_block(line, false)
        })
    }

    /// `diff` marks its lines by `>` and `<` and heads them by `5c5`, and parts them by `---`.
    pub fn is_diff(&self, at: usize) -> bool {
        let Some(above) = at.checked_sub(1).and_then(|above| self.text(above)) else { return false };
        let above = above.trim();
        above == "---"
            || above.starts_with("< ")
            || above.starts_with(|c: char| c.is_ascii_digit())
                && above.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | 'a' | 'c' | 'd'))
    }

    /// Where the block at `at` begins when the rule, the dashes or the introduction above it are counted in.
    pub fn above_block(&self, at: usize) -> usize {
        let mut start = at;
        for above in (at.saturating_sub(4)..at).rev() {
            let Some(text) = self.text(above).map(str::trim) else { break };
            if text.is_empty() {
                continue;
            }
            let short = text.len() < 100;
            let dashes = |c: char| matches!(c, '-' | '_' | '=' | '*' | '—' | '–' | '~');
            let decorated = short && text.starts_with(dashes) && text.ends_with(dashes) && text.len() > 4;
            // Lotus Notes prints the sender's company above, by a tab as all of its block.
            let tabbed = |line: usize| self.text(line).is_some_and(|text| text.starts_with('\t'));
            let letterhead = short && tabbed(above) && tabbed(at);
            // BlackBerry prints `Original Message` without dashes.
            let bare = || short && start == above + 1 && words::is_separator(&words::lower(text), false);
            let introduces = letterhead || bare() || short && start == above + 1 && attribution::is_dated(text);
            if !decorated && !introduces {
                break;
            }
            start = above;
        }
        start
    }

    /// Where Gmail's wrapper around a forwarded mail ends.
    pub fn wrapper_end(&self, at: usize) -> usize {
        let outside = |line: &Line| !line.is_blank() && !line.wrapper;
        (at..self.lines.len()).find(|at| self.lines.get(*at).is_some_and(outside)).unwrap_or(self.lines.len())
    }

    pub fn signature_end(&self, at: usize) -> usize {
        let ends = |line: usize| {
            self.is_quote(line)
                || self.separator(line)
                || self.introduction_at(line).is_some()
                || self.header_block(line, true)
        };
        (at + 1..self.lines.len()).take(4 * MAX_SIGNATURE).find(|line| ends(*line)).unwrap_or(self.lines.len())
    }

    /// Whether the lines from `at` to `last`, inside a blockquote, are an introduction.
    pub fn begins_below(&self, at: usize, last: usize) -> bool {
        let line = |above: usize| last.checked_sub(above).filter(|line| *line >= at).and_then(|line| self.text(line));
        attribution::length(&line, Below::Text, false).is_some()
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
        let below = if odd { Below::Indented } else { below };
        let line = |above: usize| {
            last.checked_sub(above).filter(|line| !self.is_quote(*line)).and_then(|line| self.text(line))
        };
        let fresh = self.context.is_fresh;
        let length = attribution::length(&line, below, fresh)?;
        let start = last + 1 - length;
        // Above unmarked text it has an address or ends a paragraph; it is no line of a log, with its output below.
        let addressed = (start..=last).filter_map(|line| self.text(line)).any(|text| text.contains('@'));
        let apart = addressed || self.begins_paragraph(start) || self.is_blank(last + 1);
        let indented = |below: &str| below.starts_with([' ', '\t']) && !below.trim().is_empty();
        let output = !addressed && self.text(last + 1).is_some_and(indented);
        (!fresh || below != Below::Text || apart && !output).then_some((start, below))
    }

    /// Whether a separator stands on the line. In a mail that answers nothing it may be the headline of a section.
    pub fn separator(&self, at: usize) -> bool {
        self.text(at).is_some_and(is_separator) && !(self.context.is_fresh && self.is_headline(at))
    }

    /// `>>> Bob <bob@x.example> 6/2/2025 10:00 AM >>>`: GroupWise, above a text that it does not mark.
    pub fn is_group_wise(&self, at: usize) -> bool {
        let framed = |text: &str| text.strip_prefix(">>> ")?.strip_suffix(" >>>").map(attribution::has_moment);
        self.text(at).and_then(|text| framed(text.trim())).unwrap_or_default()
    }

    /// Whether what stands below `at` is no mail: labels that no header has, or a few lines and a closing rule.
    fn is_headline(&self, at: usize) -> bool {
        let marked = self.lines.get(at).is_some_and(|line| line.history || line.wrapper);
        let below = |line: usize| (line + 1..line + 4).find(|line| !self.is_blank(*line));
        let Some(first) = below(at).filter(|_| !marked) else { return false };
        let second = below(first).unwrap_or(first);
        if self.is_block(first, true) || self.is_block(second, true) || self.is_lotus(first) {
            return false;
        }
        let foreign = self.entries.get(first).copied().flatten().is_some_and(|entry| !header_block::is_known(entry));
        let closed = (first + 1..first + 12).any(|line| self.text(line).is_some_and(is_rule));
        foreign || closed
    }

    /// Whether the line stands alone: nothing, or an empty line, above it.
    pub fn begins_paragraph(&self, at: usize) -> bool {
        at.checked_sub(1).is_none_or(|above| self.is_blank(above))
    }

    pub fn header_block(&self, at: usize, has_new: bool) -> bool {
        let ruled = self.lines.get(at).is_some_and(|line| line.ruled);
        let above = (0..at).rev().take(3).find(|above| !self.is_blank(*above));
        let ruled = ruled || above.and_then(|above| self.text(above)).is_some_and(is_rule);
        // A report that begins with labels tells of something; it quotes nothing.
        if self.context.is_report && !has_new {
            return false;
        }
        let labelled = self.entries.get(at).is_some_and(Option::is_some);
        self.is_block(at, ruled)
            || self
                .text(at)
                .is_some_and(|text| labelled && (ruled || text.len() > 120) && header_block::is_inline(text))
            || !labelled && self.maybe_lotus(at) && self.is_lotus(at)
    }

    fn is_lotus(&self, at: usize) -> bool {
        header_block::lotus(&|below| self.view(at + below)).is_some()
    }

    fn is_block(&self, at: usize, ruled: bool) -> bool {
        header_block::at(&|below| self.view(at + below), ruled, self.context).is_some()
    }

    fn view(&self, at: usize) -> Option<header_block::View<'_>> {
        let entry = self.entries.get(at).copied()?;
        Some(header_block::View { text: self.text(at)?, entry })
    }

    /// A date with a time stands on this line or close below: cheap, before the whole block is looked at.
    fn maybe_lotus(&self, at: usize) -> bool {
        (at..at + 5).any(|line| self.moments.get(line).is_some_and(|moment| *moment))
    }

    /// `Please type your reply above this line`: everything below is the ticket system's.
    pub fn is_reply_marker(&self, at: usize) -> bool {
        let Some(text) = self.text(at).map(str::trim).filter(|text| text.len() < 160) else { return false };
        let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
        if text.len() < bare.len() + 2 && !text.ends_with([':', '.']) && bare.len() > 60 {
            return false;
        }
        let lower = bare.to_lowercase();
        words::REPLY_MARKERS.iter().any(|marker| lower.contains(marker))
    }

    /// Mailman's footer: a rule, the list's name, its addresses.
    pub fn is_list_footer(&self, at: usize) -> bool {
        let below: Vec<&str> = (at + 1..at + 8)
            .filter_map(|line| self.text(line))
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .collect();
        let rest = (at + 1..self.lines.len()).filter(|line| !self.is_blank(*line)).take(7).count();
        let names_list = below.iter().take(2).any(|text| text.to_lowercase().contains("list"));
        rest < 7 && names_list && below.iter().any(|text| text.contains('@') || text.contains("://"))
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
    // `>>> ALERT <<<` is a headline.
    if depth > 1 && line.trim_end().ends_with("<<") {
        return 0;
    }
    // `> wrote:` is what a torn `<bob@x.example> wrote:` left.
    let torn = depth == 1 && line.len() < 40 && line.ends_with(':') && words::has_verb(&words::lower(line));
    if marked && !torn { depth } else { 0 }
}

/// A line of dashes or underscores.
pub fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 5 && line.chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | '—' | '─' | '–' | ' '))
}

/// `-----Original Message-----`, `Begin forwarded message:`, `---- Forwarded by X on … ----`.
fn is_separator(text: &str) -> bool {
    let text = text.trim();
    let dash = |c: char| matches!(c, '-' | '_' | '=' | '*' | '+' | '~' | '—' | '–' | '>' | '<' | ' ' | '\t' | '"');
    let start = text.trim_start_matches(dash);
    let dashes = text.len() - start.len();
    if dashes >= 2 && text.len() > 200 || start.is_empty() {
        // HTML that lost its line ends: `----- Forwarded Message ----- From: …`.
        let phrase = start.split("--").next().unwrap_or_default().trim_matches(dash);
        return dashes >= 3 && phrase.len() < 80 && words::is_separator(&words::lower(phrase), false);
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
    let lower = words::lower(bare);
    let phrase = start.split("--").next().unwrap_or_default().trim_matches(dash);
    let phrase = words::lower(phrase);
    words::is_separator(&lower, !framed) && (framed || colon)
        || dashes >= 3 && words::is_separator(&phrase, false)
        || framed && (lower.starts_with("forwarded by ") || lower.starts_with("forwarded message from "))
}
