//! The lines of a text and what can be asked about them: is this a quote, does an introduction, a separator or a header
//! block begin here? Each answer looks at a bounded number of lines around.

use std::collections::HashSet;

use super::attribution::{self, Below};
use super::{Context, header_block, words};
use crate::mail::line::Line;

/// What stands below `-- ` and is longer than this, in lines, is no signature.
pub const MAX_SIGNATURE: usize = 20;

/// AOL's `<<` is closed by `>>` within so many lines.
const MAX_ANGLES: usize = 300;

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
    /// The marked lines below the first introduction, without their marks; `None` when there is none.
    introduced: Option<HashSet<String>>,
    /// The mail holds a patch.
    is_patch: bool,
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
            introduced: None,
            is_patch: lines.iter().any(|line| line.text.starts_with("diff --git ") || line.text.starts_with("@@ -")),
            lines,
        };
        page.unmark_prompts();
        for last in 0..count {
            if let Some((start, below)) = page.introduction(last)
                && let Some(slot) = page.introductions.get_mut(start)
            {
                *slot = slot.or(Some((last + 1, below)));
            }
        }
        let is_quoted = |slot: &Option<(usize, Below)>| matches!(slot, Some((_, Below::Quote)));
        if let Some(first) = page.introductions.iter().position(is_quoted) {
            let marked = (first..count).filter(|line| page.is_marked(*line)).filter_map(|line| page.text(line));
            page.introduced = Some(marked.map(|text| unmarked(text).to_owned()).collect());
        }
        page
    }

    /// `>>> ` is the prompt of an interpreter, too. As a quote it is the third one, so that there is a second, or it is
    /// introduced.
    fn unmark_prompts(&mut self) {
        if self.depth.contains(&2) {
            return;
        }
        let mut open = false;
        for at in 0..self.lines.len() {
            let Some(text) = self.text(at).map(str::trim) else { break };
            let is_prompt = self.depth.get(at) == Some(&3) && text.starts_with(">>>") && !text.ends_with(">>>");
            // What stands right below an introduction is quoted, whatever its mark.
            if !text.is_empty() && !is_prompt {
                open = text.ends_with([':', '：']) && words::has_verb(&words::lower(text));
            }
            if is_prompt
                && !open
                && let Some(depth) = self.depth.get_mut(at)
            {
                *depth = 0;
            }
        }
    }

    /// Whether the marked lines from `at` to `end` are the author's own: the mail is a patch, or what it quotes comes
    /// below, introduced, and these lines are not among it.
    pub fn are_own(&self, at: usize, end: usize) -> bool {
        let recurs = |quoted: &HashSet<String>| {
            let lines = (at..end).filter_map(|line| self.text(line)).map(unmarked);
            lines.filter(|text| !text.is_empty()).any(|text| quoted.contains(text))
        };
        self.is_patch || self.introduced.as_ref().is_some_and(|quoted| !recurs(quoted))
    }

    /// Where the text below a forwarded block begins, when its end is marked: `----- End forwarded message -----`.
    pub fn end_mark(&self, at: usize) -> Option<usize> {
        let mut open = 0_usize;
        for line in at..self.lines.len() {
            let Some(text) = self.text(line) else { break };
            if is_end_mark(text) {
                open = open.saturating_sub(1);
                if open == 0 {
                    return Some(line + 1);
                }
            } else if is_separator(text) {
                open += 1;
            } else if open == 0 {
                break;
            }
        }
        None
    }

    /// Where an answer begins below a mail that is neither marked nor has anything above it. It speaks to the sender, whose
    /// signature stands right above, or is signed by the one who forwarded: `---- Forwarded by Bob Brown on …`.
    pub fn answer_below(&self, at: usize) -> Option<usize> {
        let head: HashSet<&str> =
            (at..at + 6).filter_map(|line| self.text(line)).flat_map(str::split_whitespace).map(name_in).collect();
        let mut signed = HashSet::new();
        for line in at..self.lines.len() {
            let Some(text) = self.text(line).map(str::trim).filter(|text| !text.is_empty() && text.len() < 60) else {
                continue;
            };
            let pieces: Vec<&str> = text.split_whitespace().take(5).collect();
            let greets = pieces.len() <= 3 && text.ends_with([',', '!']) && self.begins_paragraph(line);
            let (first, last) = (pieces.first().map(|word| name_in(word)), pieces.last().map(|word| name_in(word)));
            if greets && last.is_some_and(|name| head.contains(name) && signed.contains(name)) {
                return Some(line);
            }
            if line > at + 3 && pieces.len() <= 3 && !text.ends_with([',', ':', '!', '?']) {
                signed.extend(first.filter(|name| name.starts_with(char::is_uppercase)));
            }
        }
        let forwarder = self.text(at)?.split(" by ").nth(1)?.split_whitespace().next().map(name_in)?;
        let count = self.lines.len();
        let last = |line: &usize| !self.is_blank(*line);
        let signs = |line: usize| {
            let text = self.text(line).unwrap_or_default().trim();
            text.split_whitespace().count() <= 3 && text.split_whitespace().next() == Some(forwarder)
        };
        let rule = (at + 3..count).rev().find(|line| self.text(*line).is_some_and(is_rule))?;
        (rule + 1..count).rev().filter(last).take(4).any(signs).then_some(rule + 1)
    }

    /// Where a quote between `<<` and `>>` ends, as AOL marks them.
    pub fn angle_end(&self, at: usize) -> Option<usize> {
        let first = (at..at + 4).find(|line| !self.is_blank(*line))?;
        self.text(first).filter(|text| text.trim_start().starts_with("<<"))?;
        let closes = |line: &usize| self.text(*line).is_some_and(|text| text.trim_end().ends_with(">>"));
        (first..self.lines.len()).take(MAX_ANGLES).find(closes).map(|line| line + 1)
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
            || self.mark.as_ref().is_some_and(|mark| self.has_mark(at, mark))
    }

    /// Whether the line is marked by `mark`. A bare `}` may as well end a piece of code: then a marked line is beside it.
    fn has_mark(&self, at: usize, mark: &str) -> bool {
        let starts = |line: usize| {
            self.text(line).and_then(|text| text.trim().strip_prefix(mark)).is_some_and(|rest| !rest.is_empty())
        };
        let bare = self.text(at).is_some_and(|text| text.trim() == mark.trim());
        starts(at) || bare && (mark.len() > 1 || starts(at + 1) || at.checked_sub(1).is_some_and(starts))
    }

    /// The mark of the first two lines from `at` on, if they have the same: `Bob> `, `| `, `: `. Prompts and tables look
    /// like that, too: it counts only below an introduction.
    pub fn odd_mark(&self, at: usize) -> Option<&str> {
        let mut lines =
            (at..at + 6).filter(|line| !self.is_blank(*line)).filter_map(|line| self.text(line)).map(str::trim_start);
        let (first, second) = (lines.next()?, lines.next());
        let end = first.find(['|', ':', '>', '}', '%', ']', '»']).filter(|end| *end <= 12)?;
        let (name, mark) = (first.get(..end)?, first.get(..end + first.get(end..)?.chars().next()?.len_utf8())?);
        let initials = mark.ends_with('>') && !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '.');
        let bare =
            name.is_empty() && mark != ">" && first.get(mark.len()..)?.starts_with(' ') && !first.ends_with(mark);
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
        let below = |line: usize| (line + 1..line + 8).find(|line| !self.is_blank(*line));
        let Some(mut first) = below(at).filter(|_| !marked) else { return false };
        // `---- Forwarded by Bob Brown on 01/22/2001` runs on: `10:36 AM ----`.
        if first == at + 1
            && self.text(first).is_some_and(|text| text.trim().len() > 4 && text.trim().ends_with("----"))
            && let Some(next) = below(first)
        {
            first = next;
        }
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
        // In a mail that answers nothing, a block among raw header lines, or announced as an example, is told of.
        if self.context.is_fresh && !ruled && labelled {
            let above = (0..at).rev().take(3).find(|above| !self.is_blank(*above)).and_then(|above| self.text(above));
            let known = |line: usize| self.entries.get(line).copied().flatten().is_some_and(header_block::is_known);
            let raw = at.checked_sub(1).is_some_and(|line| {
                self.text(line).is_some_and(|text| text.starts_with([' ', '\t']) && !text.trim().is_empty())
                    || self.entries.get(line).is_some_and(Option::is_some) && !known(line)
            });
            if raw || above.is_some_and(|text| text.trim_end().ends_with(':')) {
                return false;
            }
        }
        let answers = !self.context.is_fresh && !self.context.is_report;
        if answers
            && has_new
            && self.begins_paragraph(at)
            && header_block::is_in_columns(&|below| self.text(at + below))
        {
            return true;
        }
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

/// A marked line without its marks.
fn unmarked(text: &str) -> &str {
    text.trim_start_matches(['>', ' ', '\t']).trim_end()
}

/// A word without the commas and dots around it.
fn name_in(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// `----- End forwarded message -----`.
fn is_end_mark(text: &str) -> bool {
    let text = text.trim();
    let dash = |c: char| matches!(c, '-' | '_' | '=' | '*' | ' ');
    let bare = text.trim_matches(dash);
    let framed = text.len() < 120 && text.starts_with("--") && text.ends_with("--");
    let (first, rest) = bare.split_once(' ').unwrap_or_default();
    framed && !rest.is_empty() && words::ENDS.contains(&words::lower(first).as_str())
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
        || framed && words::FORWARDED_BY.iter().any(|phrase| lower.starts_with(phrase))
}
