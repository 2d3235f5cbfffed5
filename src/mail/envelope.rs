//! The envelope: the sender and recipients that the mail server named, or the best that the headers tell.

/// Where the recipients were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientSource {
    /// Arguments on the command line: somebody configured this address to come to us.
    Arguments,
    /// The mail server's environment (Postfix's `ORIGINAL_RECIPIENT`, `RECIPIENT`; procmail's `LOGNAME`, …).
    Environment,
    /// `Delivered-To`, `X-Original-To`, `To`, `Cc`.
    Headers,
    /// Nowhere.
    Nowhere,
}

/// Who sent the mail to whom, as far as the mail server told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The envelope sender; `Some("")` for the null sender `<>`, `None` when nobody named one.
    pub sender: Option<String>,
    /// The recipients, each once, in order, domain in lower case.
    pub recipients: Vec<String>,
    /// Where they were found.
    pub source: RecipientSource,
}
