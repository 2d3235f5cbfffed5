//! How a page for a terminal is laid out: its width, wrapped text under a hanging indent, styles. Text that comes from
//! elsewhere must have been cleaned by [`terminal`](super::terminal) before.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};

/// What divides a page.
pub const HEADING: Style = Style::new().bold();
/// What matched, and what is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What did not, and what is wrong.
pub const BAD: Style = AnsiColor::Red.on_default();
/// What deserves a second look.
pub const NOTE: Style = AnsiColor::Yellow.on_default();
/// What one reads last.
pub const FAINT: Style = Style::new().dimmed();
/// What one reads as it is.
pub const PLAIN: Style = Style::new();

/// Longer lines than this are hard to read, however wide the terminal is.
const WIDEST: usize = 120;
/// However narrow it is, so much is left for text.
const NARROWEST: usize = 20;

/// How wide a page may be: as wide as the terminal, up to 120; without a terminal as wide as it takes, so that a line
/// stays a line for whoever searches it.
pub fn page_width() -> usize {
    if !std::io::stdout().is_terminal() {
        return usize::MAX;
    }
    super::table::terminal_width().min(WIDEST)
}

/// Adds `text` to `page` at `indent`, after `lead` (which stands there once and is `lead_width` wide), wrapped under
/// itself. No more than `most` lines; what is over ends in `…`.
pub fn hang(page: &mut String, indent: usize, lead: &str, lead_width: usize, text: &Styled<'_>, room: Room) {
    let from = indent + lead_width;
    let width = room.width.saturating_sub(from).max(NARROWEST);
    let mut lines = wrap(text.text, width);
    if lines.len() > room.most {
        lines.truncate(room.most);
        if let Some(last) = lines.last_mut() {
            if last.chars().count() >= width {
                last.pop();
            }
            last.push('…');
        }
    }
    for (number, line) in lines.iter().enumerate() {
        let style = text.style;
        let line = text.mark.map_or_else(|| line.clone(), |mark| marked(line, style, mark));
        if number == 0 {
            let _ = writeln!(page, "{:indent$}{lead}{style}{line}{style:#}", "");
        } else {
            let _ = writeln!(page, "{:from$}{style}{line}{style:#}", "");
        }
    }
}

/// A text and how it looks.
#[derive(Clone, Copy)]
pub struct Styled<'t> {
    /// The text, on one line.
    pub text: &'t str,
    /// How it looks.
    pub style: Style,
    /// How what stands between `«` and `»` looks, when that is another matter.
    pub mark: Option<Style>,
}

/// How much room there is.
#[derive(Clone, Copy)]
pub struct Room {
    /// In characters, from the left edge of the page.
    pub width: usize,
    /// In lines.
    pub most: usize,
}

/// `text` in lines of at most `width` characters: broken after a space, or, where a word is longer than a line (a
/// regex, a path), anywhere. Never an empty list.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    for word in text.split_inclusive(' ') {
        let length = word.trim_end_matches(' ').chars().count();
        if used > 0 && used + length > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for c in word.chars() {
            // A space that does not fit any more is the break itself.
            if used >= width && c != ' ' {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += 1;
        }
    }
    lines.push(line);
    for line in &mut lines {
        line.truncate(line.trim_end_matches(' ').len());
    }
    lines
}

/// What stands between `«` and `»` in another style.
fn marked(line: &str, style: Style, mark: Style) -> String {
    line.replace('«', &format!("{style:#}{mark}«")).replace('»', &format!("»{mark:#}{style}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one twothreefour", 7), ["one", "twothre", "efour"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(wrap("a b", usize::MAX), ["a b"]);
        assert_eq!(wrap("abcdefg hij", 7), ["abcdefg", "hij"]);
    }

    #[test]
    fn a_paragraph_hangs_under_itself_and_is_cut() {
        let text = Styled { text: "alpha beta gamma delta epsilon zeta", style: PLAIN, mark: None };
        let mut page = String::new();
        hang(&mut page, 2, "* ", 2, &text, Room { width: 26, most: 9 });
        assert_eq!(page, "  * alpha beta gamma delta\n    epsilon zeta\n");
        page.clear();
        hang(&mut page, 2, "* ", 2, &text, Room { width: 26, most: 1 });
        assert_eq!(page, "  * alpha beta gamma delt…\n");
    }
}
