//! What the mails of an alert say, kept with it so that it can be read beside it. How much of it is kept is decided here; it
//! is kept as it is, and cleaned by whoever shows it.

use std::fmt;

use jiff::Timestamp;

use super::Result;
use crate::alert::{AlertId, fact};
use crate::mail::Message;

/// At most so many bytes of the new text are kept, and of what is quoted.
pub const LONGEST_TEXT: usize = 32 * 1024;
/// So many mails of an alert are kept from its first on,
pub const FIRST_KEPT: u32 = 20;
/// and so many of its newest: what a storm brings between them is counted, and in the history.
pub const NEWEST_KEPT: u32 = 5;

/// What a mail says, as far as it is kept.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MailText {
    /// `From`, decoded.
    pub from: String,
    /// `Subject`, decoded.
    pub subject: String,
    /// `Message-ID`; `None`: it has none.
    pub message_id: Option<String>,
    /// How large the whole mail is.
    pub size: u64,
    /// What its author wrote.
    pub new_text: String,
    /// The rest of its text.
    pub quoted: String,
    /// Whether more was written or quoted than is kept.
    pub cut: bool,
}

impl MailText {
    /// Of this mail. Decodes its text.
    pub fn of(message: &Message) -> Self {
        let field = |name| message.header(name).map(str::trim).filter(|value| !value.is_empty()).map(fact::short);
        let (new_text, new_is_cut) = beginning(message.new_text());
        let (quoted, quoted_is_cut) = beginning(message.quoted());
        Self {
            from: field("From").unwrap_or_default(),
            subject: fact::short(message.subject()),
            message_id: field("Message-ID"),
            size: message.size,
            new_text,
            quoted,
            cut: new_is_cut || quoted_is_cut,
        }
    }
}

/// What it says stays out of logs.
impl fmt::Debug for MailText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (new_text, quoted) = (self.new_text.len(), self.quoted.len());
        write!(out, "MailText({:?}, {new_text} bytes, {quoted} bytes quoted)", self.message_id)
    }
}

fn beginning(text: &str) -> (String, bool) {
    let kept = text.get(..text.floor_char_boundary(LONGEST_TEXT)).unwrap_or_default();
    (kept.to_owned(), kept.len() < text.len())
}

/// What a mail says, asked only once it has opened, joined or closed an alert: decoding is most of what a mail costs.
pub type Reading<'a> = &'a dyn Fn() -> MailText;

/// A mail of an alert, as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMail {
    /// The so-manieth that was kept for its alert, counted from 1. Where numbers are missing, mails were dropped.
    pub number: u32,
    /// When it came.
    pub received_at: Timestamp,
    /// The addresses at which it arrived.
    pub recipients: Vec<String>,
    /// What it says.
    pub text: MailText,
}

/// Reading what was kept.
pub trait KeptMails {
    /// The mails that opened, joined or closed this alert, in the order in which they came: the first [`FIRST_KEPT`] and the
    /// newest [`NEWEST_KEPT`]. Those whose texts were not to be kept are not among them.
    fn mails(&mut self, id: AlertId) -> Result<Vec<KeptMail>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Raw, message};

    fn read(mail: &str) -> MailText {
        MailText::of(&message::Message::parse(&Raw::from(mail.as_bytes())))
    }

    #[test]
    fn a_mail_is_kept_by_its_parts() {
        let mail = "From: Nagios <n@example.com>\nSubject: =?utf-8?q?gr=C3=BCn?=\nMessage-ID: <1@x>\n\nis down\n\n\
                    On Mon, 2 Nov 2026 at 09:00, Ann <a@example.com> wrote:\n> was up\n";
        let text = read(mail);
        assert_eq!(text.from, "Nagios <n@example.com>");
        assert_eq!((text.subject.as_str(), text.message_id.as_deref()), ("grün", Some("<1@x>")));
        assert_eq!(text.new_text.trim(), "is down");
        assert!(text.quoted.ends_with("> was up") || text.quoted.ends_with("> was up\n"), "{}", text.quoted);
        assert_eq!((text.size, text.cut), (u64::try_from(mail.len()).unwrap(), false));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        // 3 bytes each: 32 KiB fall into the middle of one.
        let text = read(&format!("Content-Type: text/plain; charset=utf-8\n\n{}", "€".repeat(20_000)));
        assert_eq!(text.new_text.len(), LONGEST_TEXT / 3 * 3);
        assert!(text.cut && text.new_text.chars().all(|one| one == '€'));
        let history =
            format!("On Mon, 2 Nov 2026 at 09:00, Ann <a@example.com> wrote:\n> {}\n", "x".repeat(LONGEST_TEXT));
        let quoted = read(&format!("Subject: s\n\nnew\n\n{history}"));
        assert_eq!(quoted.quoted.len(), LONGEST_TEXT);
        assert!(quoted.cut);
        assert!(!format!("{text:?}").contains('€'));
    }
}
