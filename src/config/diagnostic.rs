//! What is wrong with a rule file, and how it is shown: like a compiler shows it, or on one line for a mail log.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};

/// At most so many characters of a source line are shown around the caret.
const SHOWN_WIDTH: usize = 160;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but it will not do what its author expects.
    Warning,
}

impl Severity {
    /// The word for it: `error` or `warning`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// In which file.
    pub file: PathBuf,
    /// From 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line itself, for the caret. Secrets in it are starred out.
    pub source_line: String,
    /// How many characters the caret underlines.
    pub width: usize,
    /// The key, dotted: `rules[2].when[0].matches`.
    pub key: String,
    /// The complaint: lower case, names in backticks, on one line. It may quote the file, but nothing of it that a terminal
    /// would obey.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error about a file as a whole.
    pub fn about_file(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.into(),
            line: 0,
            column: 0,
            source_line: String::new(),
            width: 0,
            key: String::new(),
            message: visible(&message.into()),
            hint: None,
        }
    }

    /// `rules.toml:12:7`, or the file alone when it is about the whole of it.
    pub fn place(&self) -> String {
        let file = visible(&self.file.to_string_lossy());
        if self.line == 0 { file } else { format!("{file}:{}:{}", self.line, self.column) }
    }

    /// Everything on one line: `rules.toml:12:7: error: … (rules[0].name); hint`.
    pub fn one_line(&self) -> String {
        let mut line = format!("{}: {}: {}", self.place(), self.severity.word(), visible(&self.message));
        if !self.key.is_empty() {
            let _ = write!(line, " ({})", visible(&self.key));
        }
        if let Some(hint) = &self.hint {
            let _ = write!(line, "; {}", visible(hint));
        }
        line
    }

    /// As a compiler shows it, over several lines, with colours for a terminal.
    pub fn coloured(&self) -> String {
        self.render(&Paint::coloured(self.severity))
    }

    fn render(&self, paint: &Paint) -> String {
        let Paint { severity, title, rule } = paint;
        let word = self.severity.word();
        let mut text = format!("{severity}{word}{severity:#}{title}: {}{title:#}\n", visible(&self.message));
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let _ = write!(text, "{margin}{rule}-->{rule:#} {}", self.place());
        if !self.key.is_empty() {
            let _ = write!(text, " ({})", visible(&self.key));
        }
        text.push('\n');
        if self.line > 0 {
            let (shown, column) = self.window();
            let indent = " ".repeat(column);
            let caret = "^".repeat(self.width.clamp(1, SHOWN_WIDTH.saturating_sub(column).max(1)));
            let _ = writeln!(text, "{margin} {rule}|{rule:#}");
            let _ = writeln!(text, "{rule}{number} |{rule:#} {shown}");
            let _ = writeln!(text, "{margin} {rule}|{rule:#} {indent}{severity}{caret}{severity:#}");
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "{margin} {rule}={rule:#} {title}hint{title:#}: {}", visible(hint));
        }
        text
    }

    /// The part of the source line that is shown, and how many characters of it come before the caret.
    fn window(&self) -> (String, usize) {
        let before = self.column.saturating_sub(1);
        let length = self.source_line.chars().count();
        if length <= SHOWN_WIDTH {
            return (visible(&self.source_line), before);
        }
        // A line of thousands of characters would hide its own caret: show what is around it.
        let skipped = before.saturating_sub(SHOWN_WIDTH / 2);
        let mut shown: String = self.source_line.chars().skip(skipped).take(SHOWN_WIDTH).collect();
        shown = visible(&shown);
        let mut column = before - skipped;
        if skipped > 0 {
            shown.insert(0, '…');
            column += 1;
        }
        if length > skipped + SHOWN_WIDTH {
            shown.push('…');
        }
        (shown, column)
    }
}

/// As a compiler shows it, without colours; ends with a line end.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Paint::default()))
    }
}

/// The colours of one diagnostic; the default has none.
#[derive(Default)]
struct Paint {
    severity: Style,
    title: Style,
    rule: Style,
}

impl Paint {
    fn coloured(severity: Severity) -> Self {
        let colour = match severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
        };
        Self {
            severity: colour.on_default().bold(),
            title: Style::new().bold(),
            rule: AnsiColor::Blue.on_default().bold(),
        }
    }
}

/// All complaints about a rule file, errors first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    /// The first complaint on one line, and how many more errors there are: for a mail log.
    pub fn one_line(&self) -> String {
        let Some(first) = self.0.first() else { return String::new() };
        match self.errors() {
            0 | 1 => first.one_line(),
            2 => format!("{} (and 1 more error)", first.one_line()),
            n => format!("{} (and {} more errors)", first.one_line(), n - 1),
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }
}

/// All of them as a compiler shows them, an empty line between two.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// `text` with everything that could move a terminal's cursor or turn its writing round replaced, one character for
/// one, so that the caret still points at the right place.
pub(super) fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic() -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: "rules.toml".into(),
            line: 12,
            column: 9,
            source_line: "group = \"systms\"".into(),
            width: 8,
            key: "rules[0].group".into(),
            message: "there is no group `systms`".into(),
            hint: Some("did you mean `systems`?".into()),
        }
    }

    #[test]
    fn looks_like_a_compilers() {
        let expected = "error: there is no group `systms`
  --> rules.toml:12:9 (rules[0].group)
   |
12 | group = \"systms\"
   |         ^^^^^^^^
   = hint: did you mean `systems`?
";
        assert_eq!(diagnostic().to_string(), expected);
    }

    #[test]
    fn fits_on_one_line_for_the_log() {
        let expected = "rules.toml:12:9: error: there is no group `systms` (rules[0].group); did you mean `systems`?";
        assert_eq!(diagnostic().one_line(), expected);
        let all = Diagnostics(vec![diagnostic(), diagnostic(), diagnostic()]);
        assert_eq!(all.one_line(), format!("{expected} (and 2 more errors)"));
    }

    #[test]
    fn a_complaint_about_the_whole_file_shows_no_line() {
        let text = Diagnostic::about_file("/etc/x.toml", "cannot be read").to_string();
        assert_eq!(text, "error: cannot be read\n --> /etc/x.toml\n");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut odd = diagnostic();
        odd.source_line = "a\u{1b}[2J\u{202e}\tb".into();
        odd.message = "bad \u{7} \nname".into();
        for text in [odd.to_string(), odd.one_line()] {
            let allowed = |c: char| c == '\n' || (!c.is_control() && c != '\u{202e}');
            assert!(text.chars().all(allowed), "{text:?}");
        }
        assert_eq!(odd.one_line().lines().count(), 1);
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_caret() {
        let mut long = diagnostic();
        long.source_line = format!("{}WRONG{}", "a".repeat(5000), "b".repeat(5000));
        long.column = 5001;
        long.width = 5;
        let text = long.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() < 200), "{text}");
        let caret = lines[4].chars().position(|c| c == '^').unwrap();
        let marked: String = lines[3].chars().skip(caret).take(5).collect();
        assert_eq!(marked, "WRONG");
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let coloured = diagnostic().coloured();
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), diagnostic().to_string());
    }
}
