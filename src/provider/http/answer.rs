//! What a gateway's answer says, found by regex or JSON pointer.

use std::borrow::Cow;

use regex::Regex;
use serde_json::Value;

use crate::alert::TextStatus;

/// Where in an answer something stands.
#[derive(Debug, Clone)]
pub enum Finder {
    /// What the first group of the regex captures, or all that it matches.
    Pattern(Regex),
    /// A JSON pointer (RFC 6901): `/messages/0/id`.
    Pointer(String),
}

/// How a gateway tells how far a text has come.
#[derive(Debug, Clone)]
pub struct Polling {
    /// Where its word stands.
    pub finder: Finder,
    /// Its words for texts that the handset has, in small letters.
    pub delivered: Vec<String>,
    /// For those that the carrier has.
    pub sent: Vec<String>,
    /// For those that will not arrive.
    pub failed: Vec<String>,
}

impl Polling {
    /// What a word means, and whether it is worth telling. One that is not known is no news.
    pub(super) fn meaning(&self, word: &str) -> (TextStatus, bool) {
        let word = word.trim().to_lowercase();
        if self.delivered.contains(&word) {
            (TextStatus::Delivered, false)
        } else if self.failed.contains(&word) {
            (TextStatus::Undelivered, true)
        } else if self.sent.contains(&word) {
            (TextStatus::Sent, false)
        } else {
            (TextStatus::Queued, false)
        }
    }
}

/// The body of an answer.
pub(super) struct Content<'a> {
    text: Cow<'a, str>,
    json: Option<Value>,
}

impl<'a> Content<'a> {
    pub fn of(body: &'a [u8]) -> Self {
        Self { text: String::from_utf8_lossy(body), json: serde_json::from_slice(body).ok() }
    }

    pub fn text(&self) -> String {
        self.text.chars().take(4096).collect()
    }

    /// The text of what is there; numbers and truths in JSON's words.
    pub fn find(&self, finder: &Finder) -> Option<String> {
        match finder {
            Finder::Pattern(pattern) => {
                let found = pattern.captures(&self.text)?;
                Some(found.get(1).or_else(|| found.get(0))?.as_str().to_owned())
            }
            Finder::Pointer(pointer) => match self.json.as_ref()?.pointer(pointer)? {
                Value::String(text) => Some(text.clone()),
                Value::Null => None,
                other => Some(other.to_string()),
            },
        }
    }

    /// Whether it says yes: the regex matches; or what the pointer leads to is there, and neither null, false, zero nor
    /// empty.
    pub fn holds(&self, finder: &Finder) -> bool {
        match finder {
            Finder::Pattern(pattern) => pattern.is_match(&self.text),
            Finder::Pointer(pointer) => match self.json.as_ref().and_then(|json| json.pointer(pointer)) {
                None | Some(Value::Null | Value::Bool(false)) => false,
                Some(Value::Bool(true)) => true,
                Some(Value::Number(number)) => number.as_f64() != Some(0.0),
                Some(Value::String(text)) => !text.is_empty() && text != "false",
                Some(Value::Array(items)) => !items.is_empty(),
                Some(Value::Object(fields)) => !fields.is_empty(),
            },
        }
    }
}
