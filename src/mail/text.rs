//! Clean text: one kind of line end, plain spaces, nothing invisible. Rules are written with spaces and `^…$`, so what
//! a mail client slipped in between (non-breaking spaces, zero-width and bidirectional marks) must not hide an alert.

/// `text` with LF line ends, plain spaces, and without control, zero-width and bidirectional characters.
///
/// Linear; one allocation. CRLF, a lone CR, NEL, LS and PS become LF, a no-break space of any width a space.
pub fn clean(text: &str) -> String {
    cleaned(text.to_owned())
}

/// The same; a text that is clean already is not copied.
pub fn cleaned(text: String) -> String {
    // In blocks, so that many bytes are looked at at once.
    let plain =
        |block: &[u8]| block.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~' | b'\n' | b'\t'));
    if text.as_bytes().chunks(64).all(plain) {
        return text;
    }
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\r' => {
                while chars.peek() == Some(&'\r') {
                    chars.next();
                }
                if chars.peek() != Some(&'\n') {
                    clean.push('\n');
                }
            }
            '\n' | '\t' => clean.push(char),
            '\u{85}' | '\u{2028}' | '\u{2029}' => clean.push('\n'),
            '\u{0b}' | '\u{0c}' | '\u{a0}' | '\u{2007}' | '\u{202f}' => clean.push(' '),
            char if is_invisible(char) => {}
            char => clean.push(char),
        }
    }
    clean
}

/// `text` on one line: what [`clean`] does, and every run of white space that holds a line end is one space.
pub fn clean_line(text: &str) -> String {
    let clean = clean(text);
    if !clean.contains('\n') {
        return clean.trim().to_owned();
    }
    let words: Vec<&str> = clean.split('\n').map(str::trim).filter(|piece| !piece.is_empty()).collect();
    words.join(" ")
}

/// Characters that show nothing: controls, the soft hyphen, zero-width and bidirectional marks, the byte order mark.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}'
        | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_becomes_a_line_feed() {
        assert_eq!(clean("a\r\nb\rc\nd\r\r\ne\u{2028}f\u{85}g"), "a\nb\nc\nd\ne\nf\ng");
    }

    #[test]
    fn odd_spaces_become_plain_and_invisible_characters_go() {
        assert_eq!(clean("a\u{a0}b\u{202f}c\u{200b}\u{200f}\u{feff}d\u{ad}e\0\u{1b}f"), "a b cdef");
    }

    #[test]
    fn a_header_value_is_one_line() {
        assert_eq!(clean_line(" a\r\n\t b\n c "), "a b c");
    }
}
