//! Where somebody is reached: a telephone, or a mailbox.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::Phone;

/// Where somebody is reached: a telephone, or a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Address {
    /// A telephone.
    Phone(Phone),
    /// A mailbox.
    Mail(MailAddress),
}

impl Address {
    /// The number or the mail address.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Mail(address) => address.as_str(),
        }
    }

    /// The telephone, if it is one.
    pub fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Phone(phone) => Some(phone),
            Self::Mail(_) => None,
        }
    }

    /// The mailbox, if it is one.
    pub fn mail(&self) -> Option<&MailAddress> {
        match self {
            Self::Phone(_) => None,
            Self::Mail(address) => Some(address),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Phone> for Address {
    fn from(phone: Phone) -> Self {
        Self::Phone(phone)
    }
}

impl From<MailAddress> for Address {
    fn from(address: MailAddress) -> Self {
        Self::Mail(address)
    }
}

/// The longest local part and the longest address (RFC 5321, 4.5.3.1; erratum 1690 of RFC 3696).
const MAX_LOCAL: usize = 64;
const MAX_ADDRESS: usize = 254;

/// A mail address that we send to: `local@domain`, without quotes, comments and letters beyond ASCII, so that it is itself
/// in a header field and in a command of SMTP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MailAddress(String);

impl MailAddress {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is before the `@`.
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// What is after the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Whether it is the same mailbox, as far as anybody but its mail server can tell.
    pub fn is(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other.trim())
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mail address (`david@example.com`: letters of ASCII, no spaces, no quotes)")]
pub struct MailAddressError(pub String);

impl FromStr for MailAddress {
    type Err = MailAddressError;

    /// Reads a dot-atom, `@`, and a domain or an IP address in brackets (RFC 5322, 3.4.1).
    fn from_str(text: &str) -> Result<Self, MailAddressError> {
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let literal = |domain: &str| {
            let inner = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let inner = inner.map(|inner| inner.strip_prefix("IPv6:").unwrap_or(inner));
            inner.is_some_and(|inner| inner.parse::<core::net::IpAddr>().is_ok())
        };
        let whole = |part: &str| !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with('.');
        let valid = text.len() <= MAX_ADDRESS
            && text.rsplit_once('@').is_some_and(|(local, domain)| {
                (1..=MAX_LOCAL).contains(&local.len())
                    && local.chars().all(atom)
                    && !local.starts_with('-')
                    && (whole(domain) && domain.chars().all(host) && !domain.contains("..") || literal(domain))
            });
        if valid { Ok(Self(text.to_owned())) } else { Err(MailAddressError(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_address_is_nothing_but_one() {
        for text in ["david@example.com", "d+x.y_z@localhost", "o'hara@a-b.example", "root@[192.0.2.1]", "a@[IPv6:::1]"]
        {
            assert_eq!(text.parse::<MailAddress>().unwrap().as_str(), text);
        }
        for text in [
            "david",
            "@x",
            "a@",
            "a b@c",
            "<a@b>",
            "a@b\r\nRCPT TO:<x@y>",
            "a@b,c@d",
            "\"a b\"@c",
            "ä@b",
            "a@ä.example",
            "-f@b",
            "a@.b",
            "a@b..c",
            "a@[x]",
            "a@b>",
            "a\0@b",
        ] {
            assert!(text.parse::<MailAddress>().is_err(), "{text:?}");
        }
        assert!(format!("{}@example.com", "a".repeat(65)).parse::<MailAddress>().is_err());
        assert!(format!("a@{}", "b".repeat(300)).parse::<MailAddress>().is_err());
    }
}
