//! The texts that are no alert: answers to replies, and news. Their words are templates, `texts.toml` in `twiml/`, one
//! for each language.

use crate::alert::Alert;

/// Which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phrase {
    /// News: somebody has it.
    Taken,
    /// News: it is over.
    Over,
    /// News: somebody has taken it from whoever had it.
    TakenOver,
    /// News: the policy has ended, and nobody took it.
    Unanswered,
    /// To whoever has it: is that so?
    StillYours,
    /// At which addresses several alerts arrived.
    Places,
    /// The text of an alert that tells of others besides.
    AndMore,
    /// News of an alert that tells of others besides.
    NewsAndMore,
    /// To whoever took several alerts in a call: which.
    AllTaken,
    /// Answer: all that a text told of are yours.
    AllYours,
    /// Answer: the next one is called about all of them.
    AllNextCalled,
    /// Answer: it is yours.
    Yours,
    /// Answer: it is over.
    Resolved,
    /// Answer: the next one is called.
    NextCalled,
    /// Answer: there is nobody further.
    NobodyFurther,
    /// Answer: it is still open.
    StillOpen,
    /// Answer: somebody has it.
    HasIt,
    /// Answer: it is over, and somebody had it.
    HadIt,
    /// Answer: the policy has ended, and nobody took it.
    NobodyTookIt,
    /// Answer: which of these?
    Which,
    /// A text that says that it is a test.
    Test,
    /// Under the text of an alert that is mailed: which one it is.
    MailAbout,
    /// Under the text of an alert that is mailed: how one takes it.
    MailHow,
    /// A mail that says that it is a test.
    MailTest,
    /// Under the text of an alert that is mailed, where a reply to it takes it: how.
    MailReply,
    /// Answer to a mail that says nothing that we know.
    MailUnclear,
    /// Above a forwarded mail: why it is.
    ForwardRule,
    /// Above a forwarded mail that is too large: that it is cut.
    ForwardCut,
}

impl Phrase {
    /// All of them.
    pub const ALL: [Self; 28] = [
        Self::Taken,
        Self::Over,
        Self::TakenOver,
        Self::Unanswered,
        Self::StillYours,
        Self::Places,
        Self::AndMore,
        Self::NewsAndMore,
        Self::AllTaken,
        Self::AllYours,
        Self::AllNextCalled,
        Self::Yours,
        Self::Resolved,
        Self::NextCalled,
        Self::NobodyFurther,
        Self::StillOpen,
        Self::HasIt,
        Self::HadIt,
        Self::NobodyTookIt,
        Self::Which,
        Self::Test,
        Self::MailAbout,
        Self::MailHow,
        Self::MailTest,
        Self::MailReply,
        Self::MailUnclear,
        Self::ForwardRule,
        Self::ForwardCut,
    ];

    /// Its key in `texts.toml`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Over => "over",
            Self::TakenOver => "taken_over",
            Self::Unanswered => "unanswered",
            Self::StillYours => "still_yours",
            Self::Places => "places",
            Self::AndMore => "and_more",
            Self::NewsAndMore => "news_and_more",
            Self::AllTaken => "all_taken",
            Self::AllYours => "all_yours",
            Self::AllNextCalled => "all_next_called",
            Self::Yours => "yours",
            Self::Resolved => "resolved",
            Self::NextCalled => "next_called",
            Self::NobodyFurther => "nobody_further",
            Self::StillOpen => "still_open",
            Self::HasIt => "has_it",
            Self::HadIt => "had_it",
            Self::NobodyTookIt => "nobody_took_it",
            Self::Which => "which",
            Self::Test => "test",
            Self::MailAbout => "mail_about",
            Self::MailHow => "mail_how",
            Self::MailTest => "mail_test",
            Self::MailReply => "mail_reply",
            Self::MailUnclear => "mail_unclear",
            Self::ForwardRule => "forward_rule",
            Self::ForwardCut => "forward_cut",
        }
    }
}

/// What the templates of texts can use; what there is not is empty.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct About {
    /// The alert's code: `7K`.
    pub code: String,
    /// The name of who has it, had it, or says so.
    pub who: String,
    /// The subject of the alert's first mail.
    pub subject: String,
    /// Alerts with their codes.
    pub list: String,
    /// How many alerts it is about, or about how many more.
    pub count: usize,
    /// The addresses at which they arrived, the most frequent first.
    pub places: Vec<Place>,
    /// How many arrived at addresses that are not named.
    pub others: usize,
    /// `places` and `others` in words.
    #[serde(rename = "where")]
    pub whereabouts: String,
    /// The words of the first alert.
    pub first: String,
    /// The name of the alert's group.
    pub group: String,
    /// The rule that wanted somebody called for it.
    pub rule: String,
    /// Which of the alert's mails it is, from 1; 0 where it is about none.
    pub mail: u32,
    /// How large the mail is: `23 MB`.
    pub size: String,
}

/// An address, without its domain, and how many alerts arrived at it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// So many.
    pub count: usize,
    /// Where.
    pub name: String,
}

impl About {
    /// Code, subject and who has it.
    pub fn of(alert: &Alert) -> Self {
        Self {
            code: alert.code.0.clone(),
            who: alert.acknowledged_by.clone().unwrap_or_default(),
            subject: alert.subject.clone(),
            ..Self::default()
        }
    }
}
