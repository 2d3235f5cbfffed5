//! Texts: GSM-7, smart characters made plain, segments.
//!
//! A text in GSM-7 holds 160 characters, any other 70, so one curly quote costs more than half of it. Therefore what can
//! be said in GSM-7 is said so: look-alikes are made plain (`plain.txt`), letters that GSM-7 has only without their
//! accent lose it (`á` becomes `a`; `é`, `ü`, `ñ` and their like stay), and pictures are left out. What cannot be
//! (Greek, Chinese) stays as it is written.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::clean::{is_hidden, one_line, start_of};

/// Twilio takes a body of 1600 characters; so many segments always fit.
const MAX_SEGMENTS: usize = 10;
/// An alert's text is cut to so many segments.
pub const TEXT_SEGMENTS: usize = 3;
/// No more of the words than this is looked at, in bytes: several times what any text holds.
const MAX_WORDS: usize = 16 * 1024;
/// What tells that there is more.
const MORE: &str = "...";
/// A link must leave room for so many characters.
const LEAST_WORDS: usize = 20;

/// How a text is encoded on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Encoding {
    /// 7 bits a character (3GPP TS 23.038).
    #[serde(rename = "GSM-7")]
    Gsm7,
    /// 16 bits a unit.
    #[serde(rename = "UCS-2")]
    Ucs2,
}

/// How many segments a text takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Length {
    /// How it is encoded.
    pub encoding: Encoding,
    /// Septets or UTF-16 units.
    pub units: usize,
    /// How many segments.
    pub segments: usize,
}

/// The length of `text` as it is, after nothing has been made plain.
///
/// One segment holds 160 septets or 70 units; of several, each holds 153 or 67, and none ends within an escape pair or
/// a surrogate pair (3GPP TS 23.040, 9.2.3.24.1). An empty text takes one, too.
pub fn length(text: &str) -> Length {
    let septets: Option<Vec<usize>> = text.chars().map(septets).collect();
    let (encoding, costs, alone, each) = match septets {
        Some(costs) => (Encoding::Gsm7, costs, 160, 153),
        None => (Encoding::Ucs2, text.chars().map(char::len_utf16).collect(), 70, 67),
    };
    let units = costs.iter().sum();
    let mut segments = 1;
    if units > alone {
        let mut used = 0;
        for cost in costs {
            if used + cost > each {
                segments += 1;
                used = 0;
            }
            used += cost;
        }
    }
    Length { encoding, units, segments }
}

/// The body of an alert's text: `CODE words`, cleaned, on one line, smart characters made plain where that makes it
/// GSM-7, cut between words, with `...`, to at most `segments` whole segments (from 1 to 10).
pub fn compose(code: &str, words: &str, segments: usize) -> String {
    compose_with_link(code, words, None, segments)
}

/// The same, with a link at its end that is never cut: words give way to it. Only one that leaves no room for a few of
/// them is left out.
pub fn compose_with_link(code: &str, words: &str, link: Option<&str>, segments: usize) -> String {
    let segments = segments.clamp(1, MAX_SEGMENTS);
    let frame = Frame { code: &one_line(code), link: link.unwrap_or_default(), segments };
    let whole = one_line(words);
    let words = start_of(&whole, MAX_WORDS);
    let (plain, is_all) = to_gsm(words);
    let least: String = plain.chars().take(LEAST_WORDS).collect();
    let frame = if frame.holds(&frame.join(&least, MORE)) { frame } else { Frame { link: "", ..frame } };
    if is_all {
        return fit(&frame, &plain, words.len() < whole.len()).0;
    }
    let (as_written, was_cut) = fit(&frame, words, words.len() < whole.len());
    if !was_cut {
        return as_written;
    }
    // The first character that GSM-7 has not may come after more than 70 that it has.
    let (start, _) = fit(&frame, start_in_words(&plain), true);
    if start.chars().count() > as_written.chars().count() { start } else { as_written }
}

/// `text` with look-alikes made plain, as Twilio's Smart Encoding would send it. Nothing else is changed.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match LOOK_ALIKES.get(&c) {
            Some(replacement) => plain.push_str(replacement),
            None if matches!(c, '\n' | '\r' | '\u{c}') => plain.push(c),
            None if c.is_whitespace() => plain.push(' '),
            None if is_hidden(c) => {}
            None => plain.push(c),
        }
    }
    plain
}

/// What a character costs in GSM-7; `None` when it has none. The default alphabet and its extension, 3GPP TS 23.038,
/// 6.2.1: the characters of the extension take an escape.
fn septets(c: char) -> Option<usize> {
    match c {
        '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' | '€' | '\u{c}' => Some(2),
        '`' => None,
        '\n'
        | '\r'
        | ' '..='~'
        | '£'
        | '¥'
        | 'è'
        | 'é'
        | 'ù'
        | 'ì'
        | 'ò'
        | 'Ç'
        | 'Ø'
        | 'ø'
        | 'Å'
        | 'å'
        | 'Δ'
        | 'Φ'
        | 'Γ'
        | 'Λ'
        | 'Ω'
        | 'Π'
        | 'Ψ'
        | 'Σ'
        | 'Θ'
        | 'Ξ'
        | 'Æ'
        | 'æ'
        | 'ß'
        | 'É'
        | '¤'
        | '¡'
        | 'Ä'
        | 'Ö'
        | 'Ñ'
        | 'Ü'
        | '§'
        | '¿'
        | 'ä'
        | 'ö'
        | 'ñ'
        | 'ü'
        | 'à' => Some(1),
        _ => None,
    }
}

/// As much of `text` as GSM-7 can be made to say, and whether that is all of it.
fn to_gsm(text: &str) -> (String, bool) {
    let mut gsm = String::with_capacity(text.len());
    for c in text.chars() {
        if septets(c).is_some() {
            gsm.push(c);
        } else if let Some(replacement) = LOOK_ALIKES.get(&c) {
            gsm.push_str(replacement);
        } else if let Some(letter) = LETTERS.get(&c) {
            gsm.push(*letter);
        } else if !is_extension(c) && !is_picture(c) {
            return (gsm, false);
        }
    }
    let gsm = one_line(&gsm);
    let is_all = text.is_empty() || !gsm.is_empty();
    (gsm, is_all)
}

/// What stands around the words of a text.
#[derive(Clone, Copy)]
struct Frame<'a> {
    code: &'a str,
    /// Empty: none.
    link: &'a str,
    segments: usize,
}

impl Frame<'_> {
    fn join(&self, words: &str, end: &str) -> String {
        let end = if words.is_empty() { "" } else { end };
        let parts = [self.code.to_owned(), format!("{words}{end}"), self.link.to_owned()];
        parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    fn holds(&self, text: &str) -> bool {
        length(text).segments <= self.segments
    }
}

/// Code, words and link, and whether words had to be left out. `more` says that some have been already.
fn fit(frame: &Frame<'_>, words: &str, more: bool) -> (String, bool) {
    let whole = frame.join(words, "");
    if !more && frame.holds(&whole) {
        return (whole, false);
    }
    let ends: Vec<usize> = words.char_indices().map(|(start, c)| start + c.len_utf8()).collect();
    // A longer start never takes fewer segments.
    let longest =
        ends.partition_point(|&end| words.get(..end).is_some_and(|start| frame.holds(&frame.join(start, MORE))));
    let end = longest.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or(0);
    let start = words.get(..cut_before(words, end)).unwrap_or_default();
    let start = start.trim_end_matches([' ', '.', ',', ';', ':', '-']);
    (frame.join(start, MORE), true)
}

/// Where to cut so that no more than `end` bytes remain: between words, or, in a word that is longer than all that
/// would be left before it, between its characters.
fn cut_before(words: &str, end: usize) -> usize {
    let (before, after) = words.split_at_checked(end).unwrap_or((words, ""));
    if after.is_empty() || after.starts_with(' ') {
        return end;
    }
    let last_space = before.rfind(' ');
    let cut_word = words.get(last_space.map_or(0, |space| space + 1)..).and_then(|rest| rest.split(' ').next());
    // Half an address leads nowhere.
    let is_link = cut_word.is_some_and(|word| word.contains("://") || word.starts_with("www."));
    if let Some(space) = last_space
        && (space * 2 >= end || is_link)
    {
        return space;
    }
    if is_link {
        return 0;
    }
    // What belongs to the character before it goes with it: accents, variation selectors, joined emoji, flags.
    let mut cut = end;
    while let (Some(last), Some(next)) = (
        words.get(..cut).and_then(|text| text.chars().next_back()),
        words.get(cut..).and_then(|text| text.chars().next()),
    ) {
        let flag = words.get(..cut).unwrap_or_default().chars().rev().take_while(|c| is_flag(*c)).count();
        if !(is_extension(next) || last == '\u{200d}' || (is_flag(next) && flag % 2 == 1)) {
            break;
        }
        cut -= last.len_utf8();
    }
    cut
}

/// The text without its last word, which may not be all there.
fn start_in_words(text: &str) -> &str {
    text.rsplit_once(' ').map_or("", |(start, _)| start)
}

/// Whether the character changes the one before it.
fn is_extension(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{e31}' | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200c}'..='\u{200d}'
        | '\u{20d0}'..='\u{20ff}' | '\u{3099}'..='\u{309a}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether the character is one half of a flag.
fn is_flag(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Arrows, technical signs, boxes, dingbats, emoji: what decorates an alert.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1faff}')
}

static LOOK_ALIKES: LazyLock<HashMap<char, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("plain.txt").lines().filter(|line| !line.starts_with("# "));
    let code_point = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    lines
        .filter_map(|line| line.split_once('\t'))
        .flat_map(|(replacement, list)| list.split(' ').filter_map(code_point).map(move |c| (c, replacement)))
        .collect()
});

/// Letters whose accents GSM-7 has not.
static LETTERS: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    [
        ("AÀÁÂÃĀĂĄǍ", "aáâãāăąǎ"),
        ("CĆĈĊČ", "cçćĉċč"),
        ("DĎĐÐ", "dďđð"),
        ("EÈÊËĒĔĖĘĚ", "eêëēĕėęě"),
        ("GĜĞĠĢ", "gĝğġģ"),
        ("HĤĦ", "hĥħ"),
        ("IÌÍÎÏĨĪĬĮİǏ", "iíîïĩīĭįıǐ"),
        ("JĴ", "jĵ"),
        ("KĶ", "kķ"),
        ("LĹĻĽĿŁ", "lĺļľŀł"),
        ("NŃŅŇ", "nńņň"),
        ("OÒÓÔÕŌŎŐǑ", "oóôõōŏőǒ"),
        ("RŔŖŘ", "rŕŗř"),
        ("SŚŜŞŠȘ", "sśŝşšș"),
        ("TŢŤŦȚ", "tţťŧț"),
        ("UÙÚÛŨŪŬŮŰŲǓ", "uúûũūŭůűųǔ"),
        ("WŴ", "wŵ"),
        ("YÝŶŸ", "yýÿŷ"),
        ("ZŹŻŽ", "zźżž"),
    ]
    .into_iter()
    .flat_map(|(upper, lower)| [upper, lower])
    .flat_map(|letters| {
        let first = letters.chars().next();
        letters.chars().skip(1).filter_map(move |letter| Some((letter, first?)))
    })
    .collect()
});

#[cfg(test)]
mod tests;
