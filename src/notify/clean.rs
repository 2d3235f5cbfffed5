//! The one place that knows which characters are for nobody's eye or ear: what is spoken, texted and written into TwiML
//! is rid of them here.

/// Whether the character shows nothing and says nothing: control characters that are no white space, marks that turn
/// the direction of writing (Unicode's *Trojan Source*), zero-width spaces, tags, non-characters. The joiners of emoji
/// and of several scripts (U+200C, U+200D) are not among them.
pub(crate) fn is_hidden(c: char) -> bool {
    match c {
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        // The last two of each plane are no characters.
        c if u32::from(c) & 0xfffe == 0xfffe => true,
        c => c.is_control() && !c.is_whitespace(),
    }
}

/// On one line: hidden characters left out, white space folded to single spaces, none at the ends.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(4096));
    for word in text.split_whitespace() {
        let before = line.len();
        if before > 0 {
            line.push(' ');
        }
        let start = line.len();
        line.extend(word.chars().filter(|c| !is_hidden(*c)));
        if line.len() == start {
            line.truncate(before);
        }
    }
    line
}

/// Whether XML 1.0 allows the character (section 2.2), less those that it discourages: nothing escapes the others.
pub(crate) fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || !(is_hidden(c) || c.is_control())
}

/// The longest start of `text` of at most `limit` bytes that ends between characters.
pub(crate) fn start_of(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_has_nothing_hidden_and_single_spaces() {
        assert_eq!(one_line(" \u{202e}a\0b\r\n\t c\u{a0}\u{200b} \u{3000}d\u{fffe}\u{7f}\u{9b}\u{85}"), "ab c d");
        assert_eq!(one_line("\u{200b} \0"), "");
        assert_eq!(one_line("👩\u{200d}💻"), "👩\u{200d}💻");
    }

    #[test]
    fn xml_takes_what_it_may() {
        assert!("\t\n\rzé漢😜".chars().all(is_xml));
        assert!(!"\0\u{1}\u{b}\u{1b}\u{7f}\u{85}\u{fffe}\u{ffff}\u{1ffff}\u{202e}".chars().any(is_xml));
    }

    #[test]
    fn a_start_ends_between_characters() {
        assert_eq!(start_of("aé", 2), "a");
        assert_eq!(start_of("aé", 9), "aé");
    }
}
