//! TwiML from the templates in `twiml/`, compiled in; a directory of the rule file replaces them one by one.

use std::path::Path;

/// What a call's document tells.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Script {
    /// What is spoken about the alert.
    pub say: String,
    /// The alert's code, spelt: `7 K`.
    pub code: String,
    /// BCP 47 language.
    pub language: String,
    /// Twilio's voice; empty: its default.
    pub voice: String,
    /// Where keys are sent; empty: no keys can be taken (no webhooks).
    pub action: String,
    /// Where the text is to be fetched from again (`*`).
    pub repeat: String,
    /// How many mails have joined since the first.
    pub more: u32,
    /// Who has it, when somebody has; the name.
    pub acknowledged_by: String,
    /// The key that was pressed, for the answers to keys.
    pub key: String,
    /// The name of the person called.
    pub contact: String,
}

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Page {
    /// `alert.xml`: the text in a Gather, repeated twice on silence.
    Alert,
    /// `inline.xml`: the text without keys: how to reply by text.
    Inline,
    /// `acknowledged.xml`: thanks, it is yours.
    Acknowledged,
    /// `escalated.xml`: the next person is called now.
    Escalated,
    /// `resolved.xml`: it is over.
    Resolved,
    /// `taken.xml`: somebody else has it, or it is over.
    Taken,
    /// `wrong_key.xml`: that key means nothing; then the text again.
    WrongKey,
    /// `test.xml`: a call that says that it is a test.
    Test,
}

/// The templates.
#[derive(Debug)]
pub struct Templates {
    environment: minijinja::Environment<'static>,
}

impl Templates {
    /// The built-in ones, replaced by files of the same name in `directory`.
    ///
    /// # Errors
    /// The first file that cannot be read or parsed, in words.
    pub fn load(directory: Option<&Path>) -> Result<Self, String> {
        let _ = directory;
        todo!()
    }

    /// Renders a document. A template that fails at night falls back to the built-in one.
    pub fn render(&self, page: Page, script: &Script) -> String {
        let _ = (page, script, &self.environment);
        todo!()
    }
}
