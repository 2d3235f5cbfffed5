//! The header of a quoted mail as mail clients print it: `From: … Sent: … To: … Subject: …`, in any language; Lotus
//! Notes prints name, date and `To:` one below the other.

use super::Context;
use super::evidence::Evidence;
use super::words::{Label, Labels, label};

/// No header block has more lines than this.
const MAX_LINES: usize = 40;

/// A header block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// How many lines it has, from the one asked for.
    pub length: usize,
}

/// A line that may belong to a header block, read once.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one line")]
pub struct Entry {
    /// What its label can mean; empty when it is a label that nobody knows.
    kinds: Labels,
    /// The label is one word.
    single: bool,
    /// The label says more than `Date`: `Sent`, `Gesendet`.
    sent: bool,
    evidence: Evidence,
    /// The value begins with what can be a person's name, not with a host's or a sensor's.
    person: bool,
    /// The value has words, not only numbers: `Monday, June 2, 2025 10:00 AM`.
    wordy: bool,
    /// The value has a letter.
    lettered: bool,
}

impl Entry {
    /// Reads a line of the form `Label: value`.
    pub fn of(line: &str) -> Option<Entry> {
        let line = line.trim_start_matches(['*', '_', '|', ' ', '\t', '>', '\u{a0}']);
        let (at, colon) = line.char_indices().take(40).find(|(_, char)| matches!(char, ':' | '：'))?;
        let label = line.get(..at)?.trim_end_matches(['*', '_', ' ', '\t']);
        let value = line.get(at + colon.len_utf8()..)?.trim_matches(['*', '_', ' ', '\t']);
        if label.is_empty() || value.starts_with("//") {
            return None;
        }
        let lower = label.split_whitespace().collect::<Vec<_>>().join(" ");
        let lower = super::words::lower(&lower);
        let kinds = super::words::label(&lower);
        let single = !lower.contains(' ') && lower.len() < 20;
        if kinds.is_empty() {
            return Some(Entry {
                kinds,
                single,
                sent: false,
                evidence: Evidence::default(),
                person: false,
                wordy: false,
                lettered: false,
            });
        }
        let word = value.split_whitespace().next().unwrap_or_default();
        Some(Entry {
            kinds,
            single,
            sent: !matches!(lower.as_str(), "date" | "datum" | "fecha" | "data" | "dato" | "дата"),
            evidence: Evidence::of(value),
            person: !value.is_empty() && !word.contains('.') && !value.chars().any(char::is_numeric),
            wordy: value.chars().filter(|c| c.is_alphabetic()).take(4).count() > 3,
            lettered: value.chars().any(char::is_alphabetic),
        })
    }
}

/// A line as this module needs it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Its text.
    pub text: &'a str,
    /// What [`Entry::of`] said.
    pub entry: Option<Entry>,
}

/// The header block that begins at `line(0)`; `line(n)` is the nth below. `announced`: a separator or a rule stands
/// above it, which is evidence, too. `context`: a program that wrote the mail
/// may tell of mails, and so may one that answers none.
pub fn at<'a>(line: &dyn Fn(usize) -> Option<View<'a>>, announced: bool, context: Context) -> Option<Block> {
    let (block, seen, facts) = read(line)?;
    // Reports print the headers of mails that they tell of: indented, with a label of their own below, with bare
    // addresses and dates in digits.
    let indented = || line(0).is_some_and(|view| view.text.starts_with("  "));
    // What mail clients print has a time or an address; the head of a press release has neither.
    let told_of = context.is_fresh
        && (facts.ends_foreign
            || indented() && !facts.sent
            || !facts.person && !facts.lettered
            || !facts.address && !facts.timed);
    let formal = !context.is_report || facts.formal(seen);
    (facts.is_block(seen, announced) && (announced || formal && !told_of)).then_some(block)
}

/// What the lines from `line(0)` on say of a mail.
fn read<'a>(line: &dyn Fn(usize) -> Option<View<'a>>) -> Option<(Block, Labels, Facts)> {
    line(0)?.entry.filter(|entry| !entry.kinds.is_empty())?;
    let mut seen = Labels::default();
    let mut facts = Facts::default();
    let (mut length, mut blanks, mut wrapped) = (0, 0, 0);
    for below in 0..MAX_LINES {
        let Some(View { text, entry }) = line(below) else { break };
        if text.trim().is_empty() {
            blanks += 1;
            if blanks > 2 || seen.len() >= 3 && seen.contains(Label::Subject) {
                break;
            }
            continue;
        }
        match entry {
            Some(entry) if !entry.kinds.is_empty() => {
                let kind = entry.kinds.first_not_in(seen);
                if kind.is_none() && !entry.kinds.contains(Label::Other) && blanks > 0 {
                    break;
                }
                if let Some(kind) = kind {
                    seen = seen.with(kind);
                    facts.note(kind, entry);
                }
                (length, blanks, wrapped) = (below + 1, 0, 0);
                facts.ends_foreign = false;
            }
            // A header that we don't know, or a value that runs on below; but after a blank line it is text.
            _ => {
                if blanks > 0 {
                    break;
                }
                if entry.is_some_and(|entry| entry.single) && wrapped == 0 {
                    facts.foreign += 1;
                    facts.ends_foreign = true;
                }
                wrapped += 1;
                if wrapped > 4 {
                    break;
                }
            }
        }
    }
    Some((Block { length }, seen, facts))
}

/// Whether mail clients know the label of `entry`.
pub fn is_known(entry: Entry) -> bool {
    !entry.kinds.is_empty()
}

/// Lotus Notes: a name, a date with its time, and then `To: … cc: … Subject: …`, each on its own line, empty ones
/// between.
pub fn lotus<'a>(line: &dyn Fn(usize) -> Option<View<'a>>) -> Option<Block> {
    let (mut above, mut dated) = (0, false);
    let (mut to, mut copy, mut subject) = (false, false, false);
    let mut length = 0;
    for below in 0..MAX_LINES {
        let Some(View { text, entry }) = line(below) else { break };
        let text = text.trim();
        if text.is_empty() {
            // The name stands right above the date.
            if subject || !dated {
                break;
            }
            continue;
        }
        let is = |label| entry.is_some_and(|entry| entry.kinds.contains(label));
        // Notes in HTML prints `To` and `Subject` without a colon, their values below.
        let bare = label(&super::words::lower(text));
        let is = |label| is(label) || bare.contains(label);
        if is(Label::To) && dated {
            to = true;
        } else if to && is(Label::Subject) {
            (subject, length) = (true, below + 1);
        } else if to && is(Label::Other) {
            (copy, length) = (true, below + 1);
        } else if to {
            // A list of recipients that runs on.
            if subject || text.len() > 200 {
                break;
            }
        } else {
            above += 1;
            let evidence = Evidence::of(text);
            if is(Label::From) || is(Label::Date) || is(Label::Subject) {
                return None;
            }
            dated |= evidence.date && evidence.time && text.len() < 100;
            // The name, the date, who sent it for whom, whom to answer: no more, and no sentence.
            if above > 6 || text.len() > 100 || above == 1 && text.ends_with(['.', '!', '?', ':', ',']) {
                return None;
            }
        }
    }
    (to && (subject || copy) && above > 0).then_some(Block { length })
}

/// Lotus Notes in columns: the sender and the date at the left, `To`, `cc` and `Subject` with their values at the right,
/// all of it far from the margin.
pub fn is_in_columns<'a>(line: &dyn Fn(usize) -> Option<&'a str>) -> bool {
    let (mut to, mut subject, mut evidence) = (false, false, Evidence::default());
    for below in 0..MAX_LINES {
        let Some(text) = line(below) else { break };
        if text.trim().is_empty() {
            continue;
        }
        if !text.starts_with("    ") && !text.starts_with('\t') || text.len() > 300 {
            break;
        }
        let found = Evidence::of(text);
        (evidence.date, evidence.time) = (evidence.date || found.date, evidence.time || found.time);
        for cell in text.split("  ").map(str::trim).filter(|cell| !cell.is_empty()) {
            let name = cell.split_once(':').map_or(cell, |(name, _)| name);
            let kinds = label(&super::words::lower(name.trim()));
            to |= kinds.contains(Label::To);
            subject |= to && kinds.contains(Label::Subject);
        }
        if subject && evidence.date && evidence.time {
            return true;
        }
    }
    false
}

/// Whether one line holds a whole header block: HTML that lost its line ends.
pub fn is_inline(text: &str) -> bool {
    let start: String = text.chars().take(600).collect();
    let mut seen = Labels::default();
    let mut begins = false;
    for (at, _) in start.match_indices(':').take(30) {
        let head = start.get(..at).unwrap_or_default().trim_end();
        // The label is the last word, also when it sticks to what is before: `<bob@x.example>To`.
        let word = head.rsplit([' ', '>', ';', '*', '\t']).next().unwrap_or_default().to_lowercase();
        let kinds = label(&word);
        begins |= kinds.contains(Label::From) && head.chars().count() == word.chars().count();
        if let Some(kind) = kinds.first_not_in(seen) {
            seen = seen.with(kind);
        }
    }
    begins && seen.len() >= 2 && Evidence::of(&start).address && Evidence::of(&start).when()
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one block")]
struct Facts {
    address: bool,
    when: bool,
    long_date: bool,
    sent: bool,
    person: bool,
    /// Lotus Notes prints the date beside the sender.
    dated_from: bool,
    foreign: usize,
    /// The last label is one that clients don't know.
    ends_foreign: bool,
    /// The date has letters: `p.m.`, `Uhr`, a month.
    lettered: bool,
    /// The date has a time.
    timed: bool,
}

impl Facts {
    fn note(&mut self, kind: Label, entry: Entry) {
        match kind {
            Label::From => {
                self.address |= entry.evidence.address;
                self.dated_from |= entry.evidence.date && entry.evidence.time;
                self.person |= entry.person;
            }
            Label::Date => {
                self.when |= entry.evidence.when();
                self.long_date |= entry.evidence.when() && entry.wordy;
                self.sent |= entry.sent;
                self.lettered |= entry.lettered;
                self.timed |= entry.evidence.time;
            }
            Label::To | Label::Other => self.address |= entry.evidence.address,
            Label::Subject => {}
        }
    }

    /// As clients print it, not as programs do: `Sent: Monday, 2 June 2025 10:00`.
    fn formal(&self, seen: Labels) -> bool {
        seen.len() >= 4 && (self.sent || self.long_date)
    }

    fn is_block(&self, seen: Labels, announced: bool) -> bool {
        let has = |label| seen.contains(label);
        if announced && seen.len() >= 2 && self.foreign == 0 && has(Label::From) {
            return self.address || self.when && self.person;
        }
        if !has(Label::From) || self.foreign > 1 {
            return false;
        }
        let full = has(Label::Date) && (has(Label::To) || has(Label::Subject));
        match seen.len() {
            0 | 1 => false,
            2 => self.foreign == 0 && self.address && self.long_date,
            _ => {
                self.address && full
                    || self.dated_from && has(Label::To) && has(Label::Subject)
                    || full && self.foreign == 0 && (self.sent || self.long_date) && self.person
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Option<usize> {
        let lines: Vec<&str> = text.lines().collect();
        at(&|below| lines.get(below).map(|text| View { text, entry: Entry::of(text) }), false, Context::default())
            .map(|block| block.length)
    }

    #[test]
    fn blocks_of_many_clients() {
        assert_eq!(
            block("From: Bob <b@x.example>\nSent: Monday, June 2, 2025 10:00 AM\nTo: Ops\nSubject: x\n\ntext"),
            Some(4)
        );
        assert_eq!(block("*Von:* Bob\n*Gesendet:* Montag, 2. Juni 2025 10:00\n*An:* Ops\n*Betreff:* x"), Some(4));
        assert_eq!(block("De : Bob\nEnvoyé : lundi 2 juin 2025 10:00\nÀ : Ops\nObjet : x"), Some(4));
        assert_eq!(block("差出人: Bob <b@x.example>\n送信日時: 2025年6月2日 10:00\n宛先: Ops\n件名: x"), Some(4));
    }

    #[test]
    fn lotus_notes_and_blocks_on_one_line() {
        let text = "Bob Brown@ACME\n01/22/2001 10:36 AM\n\nTo: Carol Chan/ACME@ACME\ncc: Dan\n\nSubject: Re: x\n\ntext";
        let lines: Vec<&str> = text.lines().collect();
        let view = |below: usize| lines.get(below).map(|text| View { text, entry: Entry::of(text) });
        assert_eq!(lotus(&view).map(|block| block.length), Some(7));
        assert!(is_inline("From: bob@x.example Date: Thu, 24 Mar 2016 08:07:12 -0700"));
        assert!(!is_inline("From: mx1 Date: 2016-03-24"));
    }

    #[test]
    fn reports_are_none() {
        assert_eq!(block("From: mx1.example.com\nDate: 2025-06-02 10:00:00\nSubject: queue\nTo: on-call"), None);
        assert_eq!(block("Von: Temperatursensor 4\nStatus: CRITICAL\nDatum: 02.06.2025 10:00\nBetreff: warm"), None);
        assert_eq!(block("Date: 2025-06-02\nHost: db1"), None);
    }
}
