//! What a document tells: the values of its template, each within its limits.

use super::super::clean::{one_line, start_of};
use super::super::speech;

/// No `say` is looked at beyond so many characters: more than any voice takes ([`super::limits`] says what each does).
const MAX_SAY: usize = 5000;
/// The longest name, code or key, in characters.
const MAX_NAME: usize = 60;

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
    /// How many alerts the call tells of; 0 and 1: the one.
    pub count: usize,
    /// At which addresses these arrived: `3 for cust1-dba and 2 for systems`.
    pub places: String,
    /// Who has it, when somebody has; the name.
    pub acknowledged_by: String,
    /// The key that was pressed, for the answers to keys.
    pub key: String,
    /// The name of the person called.
    pub contact: String,
}

impl Script {
    /// Every value within its limit and on one line; `say` ends as a sentence.
    pub(super) fn bounded(&self) -> Self {
        let name = |text: &String| speech::cut(one_line(start_of(text, 4 * MAX_NAME)), MAX_NAME);
        // Of letters (`Polly.Céline`), digits, dots and dashes, or not used: it stands between quotes.
        let word = |text: &String| {
            let is_plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
            let is_word = is_plain && text.chars().count() <= MAX_NAME;
            if is_word { text.clone() } else { String::new() }
        };
        let mut say = speech::cut(one_line(start_of(&self.say, 4 * MAX_SAY)), MAX_SAY);
        if say.ends_with(char::is_alphanumeric) {
            say.push('.');
        }
        Self {
            say,
            code: name(&self.code),
            language: word(&self.language),
            voice: word(&self.voice),
            action: self.action.clone(),
            repeat: self.repeat.clone(),
            more: self.more,
            count: self.count,
            places: speech::cut(one_line(start_of(&self.places, 400)), 80),
            acknowledged_by: name(&self.acknowledged_by),
            key: name(&self.key),
            contact: name(&self.contact),
        }
    }

    /// With everything in it, to try templates with.
    pub(super) fn example() -> Self {
        Self {
            say: "Issue number 8 6 5 8 has been escalated.".to_owned(),
            code: "7 K".to_owned(),
            language: "en-NZ".to_owned(),
            voice: "Polly.Aria".to_owned(),
            action: "https://pager.example.com/twiml/0/digits".to_owned(),
            repeat: "https://pager.example.com/twiml/0".to_owned(),
            more: 2,
            count: 5,
            places: "3 for cust1-dba and 2 for systems".to_owned(),
            acknowledged_by: "David".to_owned(),
            key: "9".to_owned(),
            contact: "Darren".to_owned(),
        }
    }
}
