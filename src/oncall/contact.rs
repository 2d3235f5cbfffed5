//! A person with numbers and a mail address.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::MailAddress;

/// The name of a contact in the rule file (`[contacts.david]` → `david`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ContactId(String);

impl ContactId {
    /// The contact called `name` in the rule file.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as written in the rule file.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A telephone number in E.164: `+`, then 7 to 15 digits, the first of them not 0 (ITU-T E.164).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Phone(String);

impl Phone {
    /// The number with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no telephone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a telephone number in international form (`+64211110001`: a plus, the country code, 7 to 15 digits in all, no leading zero)"
)]
pub struct PhoneError(pub String);

impl FromStr for Phone {
    type Err = PhoneError;

    /// Reads an E.164 number; spaces, dots, dashes and round brackets between the digits are dropped.
    fn from_str(text: &str) -> Result<Self, PhoneError> {
        let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
        let valid = plain.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
        });
        if valid { Ok(Self(plain)) } else { Err(PhoneError(text.to_owned())) }
    }
}

/// A person with numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The key in the rule file.
    pub id: ContactId,
    /// The name that is spoken and shown.
    pub name: String,
    /// Where to call.
    pub phone: Option<Phone>,
    /// Where to text, when that is not `phone`.
    pub sms: Option<Phone>,
    /// Where to mail.
    pub email: Option<MailAddress>,
    /// The language in which they are called and texted, BCP 47; `None`: that of the rule file.
    pub language: Option<String>,
    /// The voice that speaks to them; `None`: that of the rule file, or the provider's for their language.
    pub voice: Option<String>,
}

impl Contact {
    /// The number for texts: `sms`, else `phone`.
    pub fn text_number(&self) -> Option<&Phone> {
        self.sms.as_ref().or(self.phone.as_ref())
    }
}
