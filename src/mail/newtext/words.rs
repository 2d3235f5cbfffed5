//! The words by which mail clients show that a quote follows, read from the tables beside this file once.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

/// What a header label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// The sender.
    From,
    /// When it was sent.
    Date,
    /// Who received it.
    To,
    /// Copies, and whatever else stands in a header block.
    Other,
    /// What it is about.
    Subject,
}

/// What ticket systems ask for; below it stands what they sent. In lower case.
pub const REPLY_MARKERS: [&str; 22] = [
    "type your reply above this line",
    "reply above this line",
    "please reply above",
    "reply above the line",
    "respond above this line",
    "write above this line",
    "write your reply above",
    "enter your reply above",
    "add your reply above",
    "answer above this line",
    "do not write below this line",
    "reply directly to this email above this line",
    "antworten sie oberhalb dieser linie",
    "bitte geben sie ihre antwort über dieser zeile ein",
    "antwort oberhalb dieser zeile",
    "répondez au-dessus de cette ligne",
    "répondre au-dessus de cette ligne",
    "responda por encima de esta línea",
    "responder por encima de esta línea",
    "responda acima desta linha",
    "typ uw antwoord boven deze lijn",
    "rispondi sopra questa riga",
];

/// The tables, in lower case.
pub struct Words {
    /// Header labels. A word can be several (Danish `Til`, Spanish `De` and `A`).
    labels: HashMap<String, Vec<Label>>,
    /// Words for "wrote" of scripts with spaces.
    verbs: HashSet<String>,
    /// Words for "wrote" that stand anywhere in a text, because their script has no spaces, or that hold one.
    phrases: Vec<String>,
    /// What an introduction begins with.
    leads: HashSet<String>,
    separators: HashSet<String>,
}

/// The tables.
pub fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(Words::load)
}

impl Words {
    fn load() -> Words {
        let mut words = Words {
            labels: HashMap::new(),
            verbs: HashSet::new(),
            phrases: Vec::new(),
            leads: HashSet::new(),
            separators: rows(include_str!("separators.txt")).map(str::to_lowercase).collect(),
        };
        for row in rows(include_str!("labels.txt")) {
            let kinds = [Label::From, Label::Date, Label::To, Label::Other, Label::Subject];
            for (cell, kind) in row.split('|').skip(1).zip(kinds) {
                for label in cell.split(',').map(str::trim).filter(|label| !label.is_empty()) {
                    let kinds = words.labels.entry(label.to_lowercase()).or_default();
                    if !kinds.contains(&kind) {
                        kinds.push(kind);
                    }
                }
            }
        }
        for row in rows(include_str!("attribution.txt")) {
            let mut cells = row.split('|').skip(1);
            for verb in cells.next().unwrap_or_default().split(',').map(|verb| verb.trim().to_lowercase()) {
                if verb.contains(' ') || !verb.chars().any(has_words) {
                    words.phrases.push(verb);
                } else {
                    words.verbs.insert(verb);
                }
            }
            words.leads.extend(cells.next().unwrap_or_default().split(',').map(|lead| lead.trim().to_lowercase()));
        }
        words.leads.remove("");
        words
    }

    /// What `label` (lower case, single spaces) can mean.
    pub fn label(&self, label: &str) -> &[Label] {
        self.labels.get(label).map_or(&[], Vec::as_slice)
    }

    /// Whether `text` (lower case) says "wrote".
    pub fn has_verb(&self, text: &str) -> bool {
        text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '：' | '<' | '>' | '"' | '*' | '‏'))
            .any(|word| self.verbs.contains(word.trim_matches(['.', '-'])))
            || self.phrases.iter().any(|phrase| text.contains(phrase.as_str()))
    }

    /// Whether `word` (lower case) begins an introduction.
    pub fn is_lead(&self, word: &str) -> bool {
        self.leads.contains(word)
    }

    /// Whether `text` (lower case, without dashes) stands above a quoted mail.
    pub fn is_separator(&self, text: &str) -> bool {
        self.separators.contains(text)
    }
}

fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().map(str::trim).filter(|row| !row.is_empty() && !row.starts_with('#'))
}

/// Does the script of `char` separate words by spaces?
fn has_words(char: char) -> bool {
    char.is_alphabetic()
        && !matches!(u32::from(char), 0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7af)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_hold_thirty_languages_and_more() {
        assert!(rows(include_str!("labels.txt")).count() > 40);
        assert!(rows(include_str!("labels.txt")).all(|row| row.split('|').count() == 6));
        assert!(rows(include_str!("attribution.txt")).all(|row| (2..=3).contains(&row.split('|').count())));
    }

    #[test]
    fn words_are_found_alone_and_phrases_anywhere() {
        let words = words();
        assert!(words.has_verb("on monday bob wrote:"));
        assert!(words.has_verb("在 2016年12月12日，erlend 写道："));
        assert!(!words.has_verb("the rewrote: word"));
        assert_eq!(words.label("von"), [Label::From]);
        assert!(words.is_separator("original message"));
    }
}
