//! Words for the ear: what is spoken at three in the morning, cleaned of what cannot be.

use super::clean::{one_line, start_of};
use tongue::Tongue;
use word::Around;

pub mod ssml;
mod tongue;
mod word;

/// At most so many characters of an alert are spoken (Twilio: a basic voice takes 4096, Polly 3000).
pub const SPOKEN_LIMIT: usize = 800;
/// No more of a text than this is looked at, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// A line of at least so many characters was broken because it was full, not because its sentence was over.
const FULL_LINE: usize = 55;
/// A word of ASCII longer than this is a path, a hash or base64: nobody can listen to it.
const LONG_WORD: usize = 60;
/// A line with an address on the web and no more words than this before its colon is there to be clicked.
const LABEL: usize = 3;

/// `text` as it is to be spoken: one paragraph, no control characters, at most [`SPOKEN_LIMIT`] characters, cut at a
/// word.
///
/// Lines become sentences, unless the next one plainly goes on. Numbers, names, addresses, codes and units are said in
/// the words of `language` (BCP 47). Links are called that, and left out where nothing else is said; an e-mail address is
/// spelt out (`ops at example dot com`); ruled lines, emphasis, bullets and a plug-in's performance figures are left out;
/// a dash is a pause.
pub fn spoken(text: &str, language: &str) -> String {
    let tongue = tongue::of(language);
    let mut paragraph = String::new();
    // How long the line before was as written; none before the first line and after a blank one.
    let mut before = None;
    let text = start_of(text, MAX_TEXT).replace("\r\n", "\n");
    for line in text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let line = one_line(line);
        let said = say_line(without_figures(&line), tongue);
        if said.is_empty() {
            before = None;
            continue;
        }
        if !paragraph.is_empty() {
            let goes_on = before.is_some_and(|length| length >= FULL_LINE)
                && said.starts_with(|c: char| c.is_lowercase() || c == '(')
                && !paragraph.ends_with(['.', '!', '?', ':', ';']);
            if !goes_on {
                end_sentence(&mut paragraph);
            }
            paragraph.push(' ');
        }
        paragraph.push_str(&said);
        before = Some(line.chars().count());
        // Four bytes a character at most: there is enough, and the rest cannot matter.
        if paragraph.len() > SPOKEN_LIMIT * 4 {
            break;
        }
    }
    cut(paragraph, SPOKEN_LIMIT)
}

/// A code letter by letter: `7K` becomes `7 K`.
pub fn spell_code(code: &str) -> String {
    let mut spelt = String::new();
    for c in one_line(code).chars().filter(|c| !c.is_whitespace()) {
        if !spelt.is_empty() {
            spelt.push(' ');
        }
        spelt.push(c);
    }
    spelt
}

/// `text` cut between words to `limit` characters; what is cut ends as a sentence.
pub(super) fn cut(mut text: String, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text;
    }
    let room = limit.saturating_sub(1);
    let end = text.char_indices().nth(room).map_or(text.len(), |(index, _)| index);
    let is_between = text.get(end..).is_some_and(|rest| rest.starts_with(' '));
    // A language without spaces is cut between its characters.
    let space = text.get(..end).and_then(|start| start.rfind(' ')).filter(|space| space * 2 >= end);
    text.truncate(if is_between { end } else { space.unwrap_or(end) });
    end_sentence(&mut text);
    text
}

fn end_sentence(text: &mut String) {
    text.truncate(text.trim_end_matches([' ', ',', '-']).len());
    if !text.is_empty() && !text.ends_with(['.', '!', '?', ':', ';', '。', '！', '？']) {
        text.push('.');
    }
}

/// A line as it is said; nothing when it was only there for the eye.
fn say_line(line: &str, tongue: &Tongue) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let links = words.iter().filter(|word| is_link(word)).count();
    if links > 0 && (words.len() == links || words.len() - links <= LABEL && line_before_link(&words).ends_with(':')) {
        return String::new();
    }
    let mut said = String::with_capacity(line.len());
    let bare = |at: Option<usize>| {
        at.and_then(|at| words.get(at)).map_or("", |word| word.trim_matches(is_bracket).trim_end_matches(is_end))
    };
    for (index, word) in words.iter().enumerate() {
        let around = Around { before: bare(index.checked_sub(1)), after: bare(Some(index + 1)) };
        match say(word, around, tongue) {
            Said::Word(word) => {
                // Programs write a link's text, which is the link, and then the link.
                if word == tongue.link && said.ends_with(tongue.link) {
                    continue;
                }
                if !said.is_empty() {
                    said.push(' ');
                }
                said.push_str(&word);
            }
            Said::Mark(mark) => {
                if said.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '"' | '\'' | '%')) {
                    said.push(mark);
                }
            }
            Said::Nothing => {}
        }
    }
    said
}

/// Without what a monitoring plug-in adds for its graphs: `| /=2643MB;5948;5958;0;5968`.
fn without_figures(line: &str) -> &str {
    match line.split_once('|') {
        Some((words, figures)) if figures.contains('=') && figures.contains(';') => words,
        Some(_) | None => line,
    }
}

fn is_link(word: &str) -> bool {
    before_link(word.trim_matches(is_bracket)).is_some_and(|before| before.trim_matches(is_bracket).is_empty())
}

/// The last word before the first link.
fn line_before_link<'a>(words: &[&'a str]) -> &'a str {
    let first = words.iter().position(|word| is_link(word)).unwrap_or(0);
    first.checked_sub(1).and_then(|at| words.get(at)).copied().unwrap_or_default()
}

enum Said {
    Word(String),
    /// Punctuation that stands alone; it belongs to the word before.
    Mark(char),
    Nothing,
}

fn say(word: &str, around: Around<'_>, tongue: &Tongue) -> Said {
    if !word.contains(char::is_alphanumeric) {
        return say_symbol(word, around, tongue);
    }
    let bare = word.trim_matches(is_bracket);
    let core = bare.trim_end_matches(is_end);
    let end = bare.get(core.len()..).and_then(|end| end.chars().next());
    let core = core.trim_matches(is_bracket);
    let with_end = |mut text: String| {
        text.extend(end.filter(|_| !text.is_empty()));
        if text.is_empty() { Said::Nothing } else { Said::Word(text) }
    };
    if let Some(before) = before_link(core) {
        let before = before.trim_matches(is_bracket);
        let link = tongue.link;
        return with_end(if before.is_empty() { link.to_owned() } else { format!("{before} {link}") });
    }
    if let Some(address) = mail_address(core, tongue) {
        return with_end(address);
    }
    let plain = without_ornaments(core);
    let plain =
        plain.strip_prefix('-').filter(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(&plain);
    let said = word::say(plain, around, tongue);
    let is_path = core.contains(['/', '\\']);
    let is_id = said.starts_with(tongue.id_ending);
    if word.is_ascii() && word.len() > LONG_WORD && !is_id && !(is_path && said.len() <= 2 * LONG_WORD) {
        return with_end(tongue.long_word.to_owned());
    }
    with_end(said)
}

/// A word without letters or digits.
fn say_symbol(word: &str, around: Around<'_>, tongue: &Tongue) -> Said {
    let mut chars = word.chars();
    let said = |words: &str| Said::Word(words.to_owned());
    match word {
        "->" | "=>" | "-->" | "→" => return Said::Mark(','),
        ">=" | "≥" => return said(tongue.at_least),
        "<=" | "≤" => return said(tongue.at_most),
        "&" => return said(tongue.and),
        "%" => return said(tongue.percent),
        "/" | "/:" => return with_mark(tongue.slash, word),
        // What opens a line is a mark of quotation or a bullet.
        "=" | "==" if !around.before.is_empty() => return said(tongue.equals),
        "+" if !around.before.is_empty() => return said(tongue.plus),
        "<" if !around.before.is_empty() => return said(tongue.less),
        ">" if !around.before.is_empty() => return said(tongue.more),
        _ => {}
    }
    match (chars.next(), chars.next()) {
        (Some('-' | '–' | '—'), None) => Said::Mark(','),
        (Some(symbol @ ('$' | '€' | '£' | '°')), None) => Said::Word(symbol.to_string()),
        (Some(mark), _) if is_end(mark) => Said::Mark(mark),
        (Some('…'), _) => Said::Mark('.'),
        _ => Said::Nothing,
    }
}

fn with_mark(words: &str, word: &str) -> Said {
    Said::Word(if word.ends_with(':') { format!("{words}:") } else { words.to_owned() })
}

fn is_bracket(c: char) -> bool {
    matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\'' | '“' | '”' | '*' | '_' | '`' | '|')
}

fn is_end(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?')
}

/// What stands before the address on the web in this word; `None` when there is none.
fn before_link(word: &str) -> Option<&str> {
    if let Some((before, _)) = word.split_once("://") {
        let scheme = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |index| index + 1);
        // The character before the scheme may take several bytes.
        return Some(before.get(..before.ceil_char_boundary(scheme)).unwrap_or_default());
    }
    let lower = start_of(word, 7).to_ascii_lowercase();
    ["www.", "mailto:", "tel:"].iter().any(|start| lower.starts_with(start)).then_some("")
}

fn mail_address(word: &str, tongue: &Tongue) -> Option<String> {
    let (local, domain) = word.split_once('@')?;
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-=".contains(&byte))
    };
    if !is_name(local) || !is_name(domain) || !domain.contains('.') {
        return None;
    }
    if word.len() > LONG_WORD {
        return Some(tongue.mail_address.to_owned());
    }
    let spell = |part: &str| part.replace('.', &format!(" {} ", tongue.dot)).replace(['_', '='], " ");
    Some(one_line(&format!("{} {} {}", spell(local), tongue.at, spell(domain))))
}

/// The word without emphasis around it, and without runs of punctuation: three of a kind are a line to look at, or
/// excitement.
fn without_ornaments(word: &str) -> String {
    let word = word.trim_matches(['*', '_', '~', '`', '|', '=']);
    let mut plain = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        let after = rest.trim_start_matches(c);
        let run = (rest.len() - after.len()) / c.len_utf8();
        if c.is_ascii_punctuation() && run >= 3 {
            plain.push(if is_end(c) { c } else { ' ' });
        } else {
            plain.extend(std::iter::repeat_n(c, run));
        }
        rest = after;
    }
    one_line(&plain)
}

#[cfg(test)]
mod tests;
