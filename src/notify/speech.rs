//! Words for the ear: what is spoken at three in the morning, cleaned of what cannot be.

use super::clean::{one_line, start_of};
use tongue::Tongue;
use word::Around;

mod link;
mod moment;
mod name;
mod quantity;
pub mod ssml;
mod tongue;
mod word;

/// At most so many characters of an alert are spoken (Twilio: a basic voice takes 4096, Polly 3000).
pub const SPOKEN_LIMIT: usize = 800;
/// No more of a text than this is looked at, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// After so many bytes what follows cannot matter: a character has four at most.
const ENOUGH: usize = SPOKEN_LIMIT * 4;
/// A line of at least so many characters was broken because it was full, not because its sentence was over.
const FULL_LINE: usize = 55;
/// A word of ASCII longer than this is a path, a hash or base64: nobody can listen to it.
const LONG_WORD: usize = 60;

/// `text` as it is to be spoken: one paragraph, no control characters, at most [`SPOKEN_LIMIT`] characters, cut at a
/// word.
///
/// Lines become sentences, unless the next one plainly goes on. Numbers, names, addresses, codes and units are said in
/// the words of `language` (BCP 47). An address on the web is never read out: of one that is only a host, the host is
/// told, any other is called a link, and left out where it is there to be clicked. An e-mail address is spelt out (`ops at
/// example dot com`); ruled lines, emphasis, bullets and a plug-in's performance figures are left out; brackets and dashes
/// are pauses.
pub fn spoken(text: &str, language: &str) -> String {
    let tongue = tongue::of(language);
    let mut paragraph = String::new();
    // How long the line before was as written; none before the first line and after a blank one.
    let mut before = None;
    let mut ended_bracket = false;
    let mut last = String::new();
    let text = start_of(text, MAX_TEXT).replace("\r\n", "\n");
    for line in text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let line = one_line(line);
        let said = say_line(without_figures(&line), tongue);
        if said.is_empty() {
            before = None;
            continue;
        }
        if said == last {
            continue;
        }
        if !paragraph.is_empty() {
            let goes_on = before.is_some_and(|length| length >= FULL_LINE)
                && said.starts_with(|c: char| c.is_lowercase() || c == '(')
                && !ended_bracket
                && !paragraph.ends_with(['.', '!', '?', ':', ';']);
            if !goes_on {
                end_sentence(&mut paragraph);
            }
            paragraph.push(' ');
        }
        paragraph.push_str(&said);
        before = Some(line.chars().count());
        ended_bracket = line.ends_with([')', ']']);
        last = said;
        if paragraph.len() > ENOUGH {
            break;
        }
    }
    paragraph.truncate(paragraph.trim_end_matches([' ', ',', ';', ':']).len());
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
    text.truncate(text.trim_end_matches([' ', ',', ';', '-']).len());
    if !text.is_empty() && !text.ends_with(['.', '!', '?', ':', '。', '！', '？']) {
        text.push('.');
    }
}

/// A line as it is said; nothing when it was only there for the eye.
fn say_line(line: &str, tongue: &Tongue) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let (words, is_label) = link::without_last(&words);
    let mut line = Line::default();
    let mut pairs = 0;
    for (index, word) in words.iter().enumerate() {
        let at = |at: Option<usize>| at.and_then(|at| words.get(at)).copied().unwrap_or_default();
        let (before, after) = (at(index.checked_sub(1)), at(Some(index + 1)));
        // `Shop ( https://… )`: the text of a link, and the link.
        if before == "(" && bare_of_brackets(after).is_empty() && link::is_page(word) {
            continue;
        }
        // `alertname = X cluster = Y`: a pause between two pairs.
        line.pause |= after == "=" && pairs > 0;
        pairs += usize::from(*word == "=");
        let bare = |at: Option<usize>| at.and_then(|at| words.get(at)).map_or("", |word| bare(word));
        line.add(say(word, Around { before: bare(index.checked_sub(1)), after: bare(Some(index + 1)) }, tongue));
        if line.said.len() > ENOUGH {
            break;
        }
    }
    if is_label {
        line.said.truncate(line.said.trim_end_matches([':', ',', ' ']).len());
    }
    line.said
}

/// What has been said of a line, and whether a pause is due.
#[derive(Default)]
struct Line {
    said: String,
    /// Where the last words begin.
    last: usize,
    pause: bool,
}

impl Line {
    fn add(&mut self, piece: Said) {
        let piece = match piece {
            Said::Nothing => return,
            Said::Mark(mark) => {
                self.pause = false;
                if self.said.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '"' | '\'' | '%')) {
                    self.said.push(mark);
                }
                return;
            }
            Said::Words(piece) => piece,
        };
        // Programs write a link's text, which is the link, and then the link.
        if piece.is_link && self.said.get(self.last..).is_some_and(|last| last.trim_end_matches(is_end) == piece.words)
        {
            self.pause |= piece.pause_after;
            return;
        }
        let is_open = self.said.ends_with(|c: char| c.is_alphanumeric() || c == '%');
        // Two numbers, or two codes, one after the other would be heard as one; what figures of a number have been spelt
        // already are not parted again.
        let before = self.said.rsplit(' ').next().unwrap_or_default();
        let after = piece.words.split(' ').next().unwrap_or_default();
        let are_numbers = before.ends_with(|c: char| c.is_ascii_digit())
            && after.starts_with(|c: char| c.is_ascii_digit())
            && (before.len() > 1 || after.len() > 1);
        let are_spelt = self.said.get(self.last..).is_some_and(name::ends_spelt) && name::begins_spelt(&piece.words);
        if is_open && (self.pause || piece.pause_before || are_numbers || are_spelt) {
            self.said.push(',');
        }
        if !self.said.is_empty() {
            self.said.push(' ');
        }
        self.last = self.said.len();
        self.said.push_str(&piece.words);
        self.said.extend(piece.end);
        self.pause = piece.pause_after && piece.end.is_none();
    }
}

/// Without what a monitoring plug-in adds for its graphs: `| /=2643MB;5948;5958;0;5968`.
fn without_figures(line: &str) -> &str {
    match line.split_once('|') {
        Some((words, figures)) if figures.contains('=') && figures.contains(';') => words,
        Some(_) | None => line,
    }
}

enum Said {
    Words(Piece),
    /// Punctuation that stands alone; it belongs to the word before.
    Mark(char),
    Nothing,
}

/// A word as it is said, and the pauses around it.
#[derive(Default)]
struct Piece {
    words: String,
    pause_before: bool,
    pause_after: bool,
    end: Option<char>,
    is_link: bool,
}

fn say(word: &str, around: Around<'_>, tongue: &Tongue) -> Said {
    if !word.contains(char::is_alphanumeric) {
        return say_symbol(word, around, tongue);
    }
    // `file(s)`: nobody says the brackets.
    let word = &*word.replace("(s)", "s");
    let bare = word.trim_matches(is_bracket);
    let core = bare.trim_end_matches(is_end);
    let end = bare.get(core.len()..).and_then(|end| end.chars().next());
    let core = core.trim_matches(is_bracket);
    let start = word.find(core).unwrap_or(0);
    let (opening, closing) = (word.get(..start), word.get(start + core.len()..));
    let has = |part: Option<&str>, signs: [char; 4]| part.is_some_and(|part| part.contains(signs));
    let mut piece = Piece {
        words: String::new(),
        pause_before: has(opening, ['(', '[', '{', '<']) || word::is_pair(core) || core.starts_with("--"),
        pause_after: has(closing, [')', ']', '}', '>']),
        end,
        is_link: false,
    };
    if let Some(link) = link::find(core) {
        // `the text of a link <https://…>`, as programs write it.
        if opening.is_some_and(|opening| opening.ends_with(['<', '(']))
            && closing.is_some_and(|closing| closing.contains(['>', ')']))
            && !around.before.is_empty()
            && !link.is_site()
        {
            return piece.end.map_or(Said::Nothing, Said::Mark);
        }
        if core.contains("](") {
            (piece.pause_before, piece.pause_after) = (false, false);
        }
        piece.words = link.say(around, tongue);
        piece.is_link = true;
    } else if let Some(address) = link::mail_address(core, tongue) {
        piece.words = address;
    } else if let Some((words, rest)) = comparison(word, tongue) {
        piece.pause_before = opening.is_some_and(|opening| opening.contains(['(', '[', '{']));
        piece.words = format!("{words} {}", word::say(bare_of_brackets(rest), around, tongue));
    } else {
        piece.words = say_plain(core, around, tongue);
    }
    if piece.words.is_empty() {
        return piece.end.map_or(Said::Nothing, Said::Mark);
    }
    Said::Words(piece)
}

fn say_plain(core: &str, around: Around<'_>, tongue: &Tongue) -> String {
    let plain = without_ornaments(core);
    let bare = plain.trim_start_matches('-');
    let is_negative = bare.len() + 1 == plain.len() && bare.starts_with(|c: char| c.is_ascii_digit());
    let said = word::say(if is_negative { &plain } else { bare }, around, tongue);
    let is_path = core.contains(['/', '\\']);
    let is_short = is_path && said.len() <= 2 * LONG_WORD || word::is_beginning_or_ending(&said, tongue);
    if core.is_ascii() && core.len() > LONG_WORD && !is_short { tongue.long_word.to_owned() } else { said }
}

/// `>90%` and its like: the words for the sign, and what it is compared with.
fn comparison<'w>(word: &'w str, tongue: &Tongue) -> Option<(&'static str, &'w str)> {
    let word = word.trim_start_matches(['(', '[', '{', '"', '\'']);
    let signs = [
        (">=", tongue.at_least),
        ("<=", tongue.at_most),
        ("≥", tongue.at_least),
        ("≤", tongue.at_most),
        (">", tongue.more),
        ("<", tongue.less),
    ];
    let (words, rest) = signs.iter().find_map(|(sign, words)| Some((*words, word.strip_prefix(sign)?)))?;
    (rest.starts_with(|c: char| c.is_ascii_digit()) && !rest.ends_with('>')).then_some((words, rest))
}

/// A word without letters or digits.
fn say_symbol(word: &str, around: Around<'_>, tongue: &Tongue) -> Said {
    let is_around = |c: char| matches!(c, '(' | ')' | '[' | ']' | '"' | '\'');
    let bare = word.trim_matches(is_around);
    let sign = bare.trim_end_matches(is_end).trim_matches(is_around);
    let end = bare.trim_start_matches(sign).chars().find(|c| is_end(*c));
    let (opens, closes) = (word.starts_with(['(', '[']), word.contains([')', ']']));
    let said = |words: &str| {
        Said::Words(Piece { words: words.to_owned(), pause_before: opens, pause_after: closes, end, is_link: false })
    };
    // What opens a line is a mark of quotation or a bullet.
    let is_between = !around.before.is_empty();
    match sign {
        "->" | "=>" | "-->" | "→" | "|" | "-" | "–" | "—" => Said::Mark(','),
        ">=" | "≥" => said(tongue.at_least),
        "<=" | "≤" => said(tongue.at_most),
        "&" => said(tongue.and),
        "%" => said(tongue.percent),
        "/" => said(tongue.slash),
        // `severity = critical`: the equals sign of a number is one, that of a name is a pause.
        "=" | "==" if is_between && !around.after.starts_with(char::is_alphabetic) => said(tongue.equals),
        "+" if is_between => said(tongue.plus),
        "<" if is_between => said(tongue.less),
        ">" if is_between => said(tongue.more),
        "$" | "€" | "£" | "°" => tongue.unit(sign, around.before == "1").map_or_else(|| said(sign), said),
        _ if sign.starts_with('…') => Said::Mark('.'),
        _ => end.map_or(Said::Nothing, Said::Mark),
    }
}

/// The word without what stands around it.
fn bare(word: &str) -> &str {
    bare_of_brackets(word.trim_matches(is_bracket).trim_end_matches(is_end))
}

fn bare_of_brackets(word: &str) -> &str {
    word.trim_end_matches(is_end).trim_matches(is_bracket)
}

fn is_bracket(c: char) -> bool {
    matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\'' | '“' | '”' | '„' | '*' | '_' | '`' | '|')
}

fn is_end(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?')
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
