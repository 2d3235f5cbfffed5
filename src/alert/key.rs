//! Which alert a mail belongs to: the key, and its digest.

use std::fmt;

use sha2::{Digest as _, Sha256};

pub use super::subject::{subject_core, tells_of_the_end};

/// Whether a mail tells that its event has begun, goes on, or is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has begun, goes on, or nothing tells.
    Begun,
    /// It is over, by the [subject](tells_of_the_end).
    Over,
}

impl Phase {
    /// The phase that a mail with this subject tells of.
    pub fn of(subject: &str) -> Self {
        if tells_of_the_end(subject) { Self::Over } else { Self::Begun }
    }
}

/// The key of a mail whose rule gives none: recipient, rule and named captures; without captures, the core of the
/// subject instead of them. Where the subject has no core, what it says counts as it is.
///
/// A mail which tells that the event is over has a key of its own: a rule that calls for `PROBLEM` and `RECOVERY` alike
/// must not take the next `PROBLEM` for what somebody has heard of already.
///
/// Different parts make different keys: what comes from a mail is quoted. A rule without captures and a mail without
/// a subject leave nothing to tell events apart: such mails share a key.
pub fn derive(recipient: &str, rule: &str, captures: &[(String, String)], subject: &str, phase: Phase) -> String {
    let recipient = recipient.to_lowercase();
    let over = match phase {
        Phase::Begun => "",
        Phase::Over => " over",
    };
    if captures.is_empty() {
        let core = match subject_core(subject) {
            core if core.is_empty() => subject.trim().to_lowercase(),
            core => core,
        };
        return format!("{recipient:?} {rule:?} subject {core:?}{over}");
    }
    let captures: Vec<_> = captures.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{recipient:?} {rule:?} {}{over}", captures.join(" "))
}

/// SHA-256 over some parts, each with its length before it, so that `("ab", "c")` and `("a", "bc")` differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these parts in this order.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }

    /// The digest of these bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derive(recipient: &str, rule: &str, captures: &[(String, String)], subject: &str) -> String {
        super::derive(recipient, rule, captures, subject, Phase::of(subject))
    }

    fn captures(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_digest_tells_parts_apart_that_join_to_the_same_text() {
        assert_ne!(Digest::of(["ab", "c"]), Digest::of(["a", "bc"]));
        assert_ne!(Digest::of(["a"]), Digest::of(["a", ""]));
        assert_eq!(Digest::of(["a", "b"]), Digest::of(["a", "b"]));
    }

    #[test]
    fn captures_identify_whatever_the_subject_says() {
        let issue = captures(&[("issue", "4711"), ("who", "David")]);
        let key = derive("DBA@example.com", "redmine", &issue, "#4711 broken");
        assert_eq!(key, r#""dba@example.com" "redmine" issue="4711" who="David""#);
        assert_eq!(key, derive("dba@example.com", "redmine", &issue, "something else"));
        assert_ne!(key, derive("dba@example.com", "redmine", &captures(&[("issue", "4712"), ("who", "David")]), ""));
    }

    #[test]
    fn without_captures_the_core_of_the_subject_identifies() {
        let key = |recipient: &str, rule: &str, subject: &str| derive(recipient, rule, &[], subject);
        assert_eq!(key("a@b", "r", "Disk full on db12"), key("a@b", "r", "Re: Disk full on db12 (3)"));
        assert_ne!(key("a@b", "r", "Disk full on db12"), key("a@b", "r", "Disk full on db13"));
        assert_ne!(key("a@b", "r", "Disk full on db12"), key("c@b", "r", "Disk full on db12"));
        assert_ne!(key("a@b", "r", "Disk full on db12"), key("a@b", "s", "Disk full on db12"));
        assert_ne!(key("a@b", "r", "2026-11-02"), key("a@b", "r", "2026-11-03"));
    }

    #[test]
    fn what_is_over_has_a_key_of_its_own() {
        let host = captures(&[("host", "db12")]);
        for captures in [&[], host.as_slice()] {
            let key = |subject| derive("a@b", "r", captures, subject);
            assert_ne!(key("Problem: High CPU on db12"), key("Resolved in 5m: High CPU on db12"));
            assert_eq!(key("Resolved in 9m: High CPU on db12"), key("Resolved in 5m: High CPU on db12"));
        }
        let begun = super::derive("a@b", "r", &[], "Resolved: High CPU on db12", Phase::Begun);
        assert_eq!(begun, derive("a@b", "r", &[], "Problem: High CPU on db12"));
    }

    #[test]
    fn a_capture_cannot_pretend_to_be_two() {
        let one = derive("a@b", "r", &captures(&[("x", "1\" y=\"2")]), "");
        let two = derive("a@b", "r", &captures(&[("x", "1"), ("y", "2")]), "");
        assert_ne!(one, two);
    }
}
