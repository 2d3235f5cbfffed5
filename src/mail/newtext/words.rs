//! The words by which mail clients show that a quote follows, read from the tables beside this file when first asked
//! for.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
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

/// What begins the line above a forwarded mail that names who forwarded it: `---- Forwarded by Bob Brown on … ----`. In
/// lower case.
pub const FORWARDED_BY: [&str; 20] = [
    "forwarded by ",
    "forwarded message from ",
    "weitergeleitet von ",
    "weitergeleitet durch ",
    "transféré par ",
    "transmis par ",
    "réexpédié par ",
    "reenviado por ",
    "remitido por ",
    "encaminhado por ",
    "reencaminhado por ",
    "inoltrato da ",
    "doorgestuurd door ",
    "vidarebefordrat av ",
    "videresendt af ",
    "videresendt av ",
    "przesłane przez ",
    "przekazane przez ",
    "přeposlal ",
    "переслано ",
];

/// What begins the line below a forwarded mail: `----- End forwarded message -----`. In lower case.
pub const ENDS: [&str; 16] = [
    "end",
    "ende",
    "fin",
    "fine",
    "einde",
    "fim",
    "slut",
    "slutt",
    "koniec",
    "konec",
    "конец",
    "кінець",
    "край",
    "loppu",
    "kraj",
    "sfârșitul",
];

/// What mail clients put before the subject of an answer or of a forwarded mail, before the colon. In lower case.
pub const SUBJECT_MARKS: [&str; 78] = [
    "re",
    "aw",
    "antw",
    "antwort",
    "sv",
    "vs",
    "vá",
    "odp",
    "ynt",
    "yan",
    "res",
    "rif",
    "ref",
    "r",
    "bls",
    "atb",
    "απ",
    "σχετ",
    "על",
    "תשובה",
    "رد",
    "ha",
    "na",
    "ní",
    "ре",
    "отв",
    "відп",
    "sd",
    "hv",
    "ответ",
    "відповідь",
    "回复",
    "回覆",
    "答复",
    "回",
    "返信",
    "답장",
    "回信",
    "fwd",
    "fw",
    "wg",
    "tr",
    "vl",
    "vb",
    "i",
    "inoltra",
    "rv",
    "enc",
    "pd",
    "továbbítás",
    "tov",
    "továbbítva",
    "ilt",
    "doorst",
    "weiterleitung",
    "πρθ",
    "fs",
    "videresendt",
    "vidarebefordrat",
    "trans",
    "fwd by",
    "iet",
    "пересл",
    "переслать",
    "הועבר",
    "إعادة توجيه",
    "пд",
    "转发",
    "轉寄",
    "轉發",
    "転送",
    "전달",
    "yönlendir",
    "chuyển tiếp",
    "trả lời",
    "ts",
    "prev",
    "fyi",
];

/// What a label can mean: a word can be several (Danish `til`, Spanish `de` and `a`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Labels(u8);

impl Labels {
    /// Nobody knows the label.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it can mean `label`.
    pub fn contains(self, label: Label) -> bool {
        self.0 & label.bit() != 0
    }

    /// With `label`.
    #[must_use]
    pub fn with(self, label: Label) -> Labels {
        Labels(self.0 | label.bit())
    }

    /// How many they are.
    pub fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The first of these that is not in `others`.
    pub fn first_not_in(self, others: Labels) -> Option<Label> {
        Label::ALL.into_iter().find(|label| self.contains(*label) && !others.contains(*label))
    }
}

impl Label {
    const ALL: [Label; 5] = [Label::From, Label::Date, Label::To, Label::Other, Label::Subject];

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// `text` as the tables have it: in lower case, Turkish `İ` as a plain `i`.
pub fn lower(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower.contains('\u{307}') { lower.replace('\u{307}', "") } else { lower }
}

/// What the header label `label` (lower case, single spaces) can mean.
pub fn label(label: &str) -> Labels {
    static LABELS: OnceLock<HashMap<&'static str, Labels, Quick>> = OnceLock::new();
    let labels = LABELS.get_or_init(|| {
        let mut labels: HashMap<&'static str, Labels, Quick> =
            HashMap::with_capacity_and_hasher(1024, Quick::default());
        for row in rows(include_str!("labels.txt")) {
            for (cell, kind) in row.split('|').skip(1).zip(Label::ALL) {
                for name in words_of(cell) {
                    let kinds = labels.entry(name).or_default();
                    *kinds = kinds.with(kind);
                }
            }
        }
        labels
    });
    labels.get(label).copied().unwrap_or_default()
}

/// Whether `text` (lower case, without dashes) stands above a quoted mail: between dashes, or also alone.
pub fn is_separator(text: &str, alone: bool) -> bool {
    static SEPARATORS: OnceLock<HashMap<&'static str, bool, Quick>> = OnceLock::new();
    let separators = SEPARATORS.get_or_init(|| {
        let alone = |row: &'static str| row.strip_suffix(':').map_or((row, false), |phrase| (phrase, true));
        rows(include_str!("separators.txt")).map(alone).collect()
    });
    separators.get(text).is_some_and(|can_stand_alone| *can_stand_alone || !alone)
}

/// The words of introductions.
struct Introductions {
    /// Words for "wrote" of scripts with spaces.
    verbs: HashSet<&'static str, Quick>,
    /// Words for "wrote" that stand anywhere in a text, because their script has no spaces.
    unspaced: Vec<&'static str>,
    /// Those of several words, none of which says it alone.
    phrases: Vec<&'static str>,
    /// What an introduction begins with.
    leads: HashSet<&'static str, Quick>,
}

fn introductions() -> &'static Introductions {
    static INTRODUCTIONS: OnceLock<Introductions> = OnceLock::new();
    INTRODUCTIONS.get_or_init(|| {
        let mut words = Introductions {
            verbs: HashSet::default(),
            unspaced: Vec::new(),
            phrases: Vec::new(),
            leads: HashSet::default(),
        };
        for row in rows(include_str!("attribution.txt")) {
            let mut cells = row.split('|').skip(1);
            for verb in words_of(cells.next().unwrap_or_default()) {
                if verb.contains(' ') {
                    words.phrases.push(verb);
                } else if !verb.chars().any(has_words) {
                    words.unspaced.push(verb);
                } else {
                    words.verbs.insert(verb);
                }
            }
            words.leads.extend(words_of(cells.next().unwrap_or_default()));
        }
        let Introductions { verbs, phrases, .. } = &mut words;
        phrases.retain(|phrase| !phrase.split(' ').any(|word| verbs.contains(word)));
        words
    })
}

/// Whether `text` (lower case) says "wrote".
pub fn has_verb(text: &str) -> bool {
    let words = introductions();
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '：' | '<' | '>' | '"' | '*'))
        .any(|word| words.verbs.contains(word.trim_matches(['.', '-'])))
        || text.contains(' ') && words.phrases.iter().any(|phrase| text.contains(phrase))
        || !text.is_ascii() && words.unspaced.iter().any(|phrase| text.contains(phrase))
}

/// Whether `word` (lower case) begins an introduction.
pub fn is_lead(word: &str) -> bool {
    introductions().leads.contains(word)
}

fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().map(str::trim).filter(|row| !row.is_empty() && !row.starts_with('#'))
}

fn words_of(cell: &'static str) -> impl Iterator<Item = &'static str> {
    cell.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// FNV-1a: the tables are ours and built at every start, where the standard hasher's strength is only slow.
#[derive(Clone, Copy)]
struct Fnv(u64);

type Quick = BuildHasherDefault<Fnv>;

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
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
    fn the_tables_are_in_lower_case() {
        for table in [include_str!("labels.txt"), include_str!("attribution.txt"), include_str!("separators.txt")] {
            for row in rows(table) {
                assert_eq!(row, lower(row));
            }
        }
    }

    #[test]
    fn words_are_found_alone_and_phrases_anywhere() {
        assert!(has_verb("on monday bob wrote:"));
        assert!(has_verb("在 2016年12月12日，erlend 写道："));
        assert!(!has_verb("the rewrote: word"));
        assert_eq!(label("von"), Labels::default().with(Label::From));
        assert!(label("til").contains(Label::To) && label("zebra").is_empty());
        assert!(is_separator("original message", false) && !is_separator("original message", true));
        assert!(is_separator("begin forwarded message", true));
    }
}
