//! A line of a mail's text on its way to the new text.

/// One line, with what its source told about it. Plain text tells nothing; HTML often does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each true of many lines or none")]
pub struct Line {
    /// The text, without its line end.
    pub text: String,
    /// How many blockquotes it stands in that no mail client marked as a quote of another mail.
    pub depth: u8,
    /// A mail client marked it as quoted history, or as the line that introduces it.
    pub history: bool,
    /// It stands in the wrapper that a mail client puts around introduction, quote and, often, replies below it.
    pub wrapper: bool,
    /// A mail client marked it as the signature.
    pub signature: bool,
    /// A horizontal rule or Outlook's top border stands before it.
    pub ruled: bool,
}

impl Line {
    /// A line of plain text.
    pub fn plain(text: impl Into<String>) -> Line {
        Line { text: text.into(), ..Line::default() }
    }

    /// Nothing to see.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}
