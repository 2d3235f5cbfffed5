//! The addresses at which mails of ours are answered: one for each notification, with its token in it. Who has the address
//! has been sent the mail, or has it from somebody who was.

use std::str::FromStr;

use crate::alert::Token;
use crate::oncall::MailAddress;

/// A pattern of addresses, in which `*` stands for a token: `thialfi+*@sms.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replies {
    before: String,
    after: String,
}

/// Why a text is no such pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepliesError {
    /// Not one `*`, or not before the `@`.
    #[error("`{0}` has no single `*` before its `@`")]
    Star(String),
    /// With a token it is no address, or one that is too long.
    #[error("`{0}` is no mail address once 32 characters stand for `*`")]
    Address(String),
}

impl FromStr for Replies {
    type Err = RepliesError;

    fn from_str(text: &str) -> Result<Self, RepliesError> {
        let star = || RepliesError::Star(text.to_owned());
        let (before, after) = text.split_once('*').ok_or_else(star)?;
        if after.contains('*') || before.contains('@') {
            return Err(star());
        }
        let replies = Self { before: before.to_lowercase(), after: after.to_lowercase() };
        replies.address(&Token::from_bits(0)).ok_or_else(|| RepliesError::Address(text.to_owned()))?;
        Ok(replies)
    }
}

impl Replies {
    /// The address for a token.
    pub fn address(&self, token: &Token) -> Option<MailAddress> {
        format!("{}{}{}", self.before, token.as_str(), self.after).parse().ok()
    }

    /// The token in an address, if it is one of these. Mail servers may change the case of what they carry.
    pub fn token(&self, address: &str) -> Option<Token> {
        let address = address.trim().to_ascii_lowercase();
        Token::parse(address.strip_prefix(&self.before)?.strip_suffix(&self.after)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_its_token() {
        let token = Token::from_bits(0x0123_4567_89ab_cdef);
        for pattern in ["thialfi+*@sms.example.com", "*@ack.example.com", "a-*-b@localhost", "T+*@X.example"] {
            let replies: Replies = pattern.parse().unwrap();
            let address = replies.address(&token).unwrap();
            assert_eq!(replies.token(address.as_str()), Some(token.clone()));
            assert_eq!(replies.token(&format!(" {} ", address.as_str().to_uppercase())), Some(token.clone()));
        }
    }

    #[test]
    fn other_addresses_hold_none() {
        let replies: Replies = "thialfi+*@sms.example.com".parse().unwrap();
        for address in [
            "thialfi@sms.example.com",
            "thialfi+@sms.example.com",
            "thialfi+x@sms.example.com",
            "thialfi+00000000000000000123456789abcdeg@sms.example.com",
            "thialfi+00000000000000000123456789abcdef0@sms.example.com",
            "thialfi+00000000000000000123456789abcdef@sms.example.com.evil.example",
            "x.thialfi+00000000000000000123456789abcdef@sms.example.com",
            "",
        ] {
            assert_eq!(replies.token(address), None, "{address}");
        }
    }

    #[test]
    fn a_pattern_is_an_address_with_one_star() {
        for pattern in ["thialfi@x.example", "t+*@*.example", "t@*.example", "**@x.example", "t *@x.example", "*", "*@"]
        {
            assert!(pattern.parse::<Replies>().is_err(), "{pattern}");
        }
        assert!(format!("{}*@x.example", "a".repeat(40)).parse::<Replies>().is_err(), "too long with a token");
    }
}
