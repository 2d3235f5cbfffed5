//! Words for the ear: what is spoken at three in the morning, cleaned of what cannot be.

use super::clean::{one_line, start_of};

/// At most so many characters of an alert are spoken (Twilio: a basic voice takes 4096, Polly 3000).
pub const SPOKEN_LIMIT: usize = 800;
/// No more of a text than this is looked at, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// A line of at least so many characters was broken because it was full, not because its sentence was over.
const FULL_LINE: usize = 55;
/// A word of ASCII longer than this is a path, a hash or base64: nobody can listen to it.
const LONG_WORD: usize = 60;
/// What is said instead of an address on the web.
const LINK: &str = "a link";

/// `text` as it is to be spoken: one paragraph, no control characters, at most [`SPOKEN_LIMIT`] characters, cut at a
/// word.
///
/// Lines become sentences, unless the next one plainly goes on. Links are called that; an e-mail address is spelt out
/// (`ops at example dot com`); ruled lines, emphasis and bullets are left out; a dash is a pause.
pub fn spoken(text: &str) -> String {
    let mut paragraph = String::new();
    // How long the line before was as written; none before the first line and after a blank one.
    let mut before = None;
    let text = start_of(text, MAX_TEXT).replace("\r\n", "\n");
    for line in text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let line = one_line(line);
        let said = say_line(&line);
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
fn say_line(line: &str) -> String {
    let mut said = String::with_capacity(line.len());
    for word in line.split(' ') {
        match say(word) {
            Said::Word(word) => {
                // Programs write a link's text, which is the link, and then the link.
                if word == LINK && said.ends_with(LINK) {
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

enum Said {
    Word(String),
    /// Punctuation that stands alone; it belongs to the word before.
    Mark(char),
    Nothing,
}

fn say(word: &str) -> Said {
    if !word.contains(char::is_alphanumeric) {
        return say_symbol(word);
    }
    let bare = word.trim_matches(is_bracket);
    let core = bare.trim_end_matches(is_end);
    let end = bare.get(core.len()..).and_then(|end| end.chars().next());
    let core = core.trim_end_matches(is_bracket);
    let with_end = |mut text: String| {
        text.extend(end);
        Said::Word(text)
    };
    if let Some(before) = before_link(core) {
        let before = before.trim_matches(is_bracket);
        return with_end(if before.is_empty() { LINK.to_owned() } else { format!("{before} {LINK}") });
    }
    if let Some(address) = mail_address(core) {
        return with_end(address);
    }
    if word.is_ascii() && word.len() > LONG_WORD {
        return with_end("a long word".to_owned());
    }
    let plain = without_ornaments(word);
    if plain.is_empty() { Said::Nothing } else { Said::Word(plain) }
}

/// A word without letters or digits.
fn say_symbol(word: &str) -> Said {
    let mut chars = word.chars();
    match (chars.next(), chars.next()) {
        (Some('-' | '–' | '—'), None) => Said::Mark(','),
        (Some(symbol @ ('&' | '+' | '=' | '%' | '<' | '>' | '$' | '€' | '£' | '°')), None) => {
            Said::Word(symbol.to_string())
        }
        (Some(mark), _) if is_end(mark) => Said::Mark(mark),
        (Some('…'), _) => Said::Mark('.'),
        _ => Said::Nothing,
    }
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

fn mail_address(word: &str) -> Option<String> {
    let (local, domain) = word.split_once('@')?;
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-=".contains(&byte))
    };
    if !is_name(local) || !is_name(domain) || !domain.contains('.') {
        return None;
    }
    if word.len() > LONG_WORD {
        return Some("an e-mail address".to_owned());
    }
    let spell = |part: &str| part.replace('.', " dot ").replace(['_', '='], " ");
    Some(one_line(&format!("{} at {}", spell(local), spell(domain))))
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_become_sentences() {
        assert_eq!(
            spoken("Issue 8658 has been escalated\r\nProject: Oracle\r\n\r\nPlease hurry!\nThanks"),
            "Issue 8658 has been escalated. Project: Oracle. Please hurry! Thanks"
        );
    }

    #[test]
    fn a_full_line_goes_on_in_the_next() {
        assert_eq!(
            spoken("The tablespace USERS of the database PROD has reached ninety\nfive percent of its size.\nsecond"),
            "The tablespace USERS of the database PROD has reached ninety five percent of its size. second"
        );
        assert_eq!(
            spoken("The tablespace USERS of the database PROD has reached its limit\r\n\r\nplease hurry"),
            "The tablespace USERS of the database PROD has reached its limit. please hurry"
        );
        assert_eq!(spoken("The tablespace is full\nplease hurry"), "The tablespace is full. please hurry");
    }

    #[test]
    fn links_and_addresses_are_said_simply() {
        assert_eq!(spoken("See https://x.example/a?b=c#d."), "See a link.");
        assert_eq!(spoken("(<http://x.example>), or www.example.com!"), "a link, or a link!");
        assert_eq!(spoken("https://a.example <https://a.example> end"), "a link end");
        assert_eq!(spoken("[Grafana](https://grafana.example/d/1) is up"), "Grafana a link is up");
        assert_eq!(spoken("From <first.last@example.com>, now"), "From first dot last at example dot com, now");
        assert_eq!(spoken("user@host"), "user@host");
    }

    #[test]
    fn what_is_for_the_eye_is_left_out() {
        assert_eq!(
            spoken(
                "***** Nagios *****\n\n-----\n=====\nService: **HTTP** - CRITICAL\n| a | b |\n• one\n> quoted\n#123!!!"
            ),
            "Nagios. Service: HTTP, CRITICAL. a b. one. > quoted. #123!"
        );
        assert_eq!(spoken("disk----full and so on.... or_not"), "disk full and so on. or_not");
        assert_eq!(spoken("load = 5 & rising > 90 %"), "load = 5 & rising > 90 %");
        assert_eq!(spoken("-----\n***\n"), "");
    }

    #[test]
    fn nothing_hidden_is_spoken() {
        assert_eq!(spoken("a\0b\u{7}\u{202e} c\u{200b}\u{fffe}\td"), "ab c d");
    }

    #[test]
    fn a_hash_is_not_read_out() {
        assert_eq!(spoken(&format!("commit {} failed", "0123456789abcdef".repeat(4))), "commit a long word failed");
    }

    #[test]
    fn it_ends_at_a_word() {
        let text = spoken(&"tablespace full, ".repeat(100));
        assert!(text.ends_with("tablespace.") || text.ends_with("full."), "{text}");
        assert!((SPOKEN_LIMIT - 20..=SPOKEN_LIMIT).contains(&text.chars().count()));
        let text = spoken(&"数据库".repeat(1000));
        assert_eq!(text.chars().count(), SPOKEN_LIMIT);
        assert_eq!(spoken(&"a".repeat(1 << 20)), "a long word");
    }

    #[test]
    fn a_code_is_spelt() {
        assert_eq!(spell_code("7K"), "7 K");
        assert_eq!(spell_code(" A1\u{200b}B\n"), "A 1 B");
        assert_eq!(spell_code(""), "");
    }

    proptest! {
        #[test]
        fn any_text_can_be_spoken(text in "(\\PC|[\n\r\t.*<>/:@-]){0,400}|([a-z]{1,12}[ \n]){0,300}") {
            let said = spoken(&text);
            prop_assert!(said.chars().count() <= SPOKEN_LIMIT);
            prop_assert!(!said.contains(char::is_control) && !said.contains("  "), "{said:?}");
            prop_assert_eq!(said.trim(), &said);
            prop_assert!(!said.contains("---") && !said.contains("://"), "{said:?}");
        }
    }
}
