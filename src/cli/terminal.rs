//! Text on its way to a terminal or a log: nothing from a mail may move the cursor or forge a line.

use std::fmt::Write as _;

/// `text` on one line, with everything that a terminal might obey made visible.
pub fn one_line(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => clean.push(' '),
            c if is_unsafe(c) => {
                let _ = write!(clean, "\\u{{{:x}}}", u32::from(c));
            }
            c => clean.push(c),
        }
    }
    clean
}

/// `text` with its lines kept, and everything else as in [`one_line`].
pub fn lines(text: &str) -> String {
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

/// The first `limit` characters, with `…` where something was cut.
pub fn short(text: &str, limit: usize) -> String {
    let clean = one_line(text);
    if clean.chars().count() <= limit {
        return clean;
    }
    let mut cut: String = clean.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `text` cleaned and broken between words into lines of at most `width` characters; a longer word stays whole.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in one_line(text).split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
    }
    lines
}

/// Control characters, and those that turn the direction of writing (Unicode UAX #9), by which text can lie.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_made_visible() {
        assert_eq!(one_line("a\x1b[2Jb\r\nc\u{202e}d"), "a\\u{1b}[2Jb  c\\u{202e}d");
        assert_eq!(lines("a\nb\x07"), "a\nb\\u{7}");
        assert_eq!(short("abcdef", 4), "abc…");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensibilities are long", 5), ["incomprehensibilities", "are", "long"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
