//! Who is looking, what they may do, and how we know.

use crate::config::{Config, Role, User};
use crate::oncall::ContactId;

/// How we know who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// They signed in with their password; the cookie says so.
    Password,
    /// The reverse proxy says so.
    Proxy,
    /// A program's token.
    Token,
    /// The link in a text to them.
    Link,
}

/// Somebody who may see the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// The name of the user, of the token, or of the contact.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Who they are among the contacts.
    pub contact: Option<ContactId>,
    /// How we know.
    pub proof: Proof,
    /// What each form of theirs must carry in its field `csrf`; empty for programs, whom no other site can make send anything.
    pub csrf: String,
    /// `Set-Cookie` with a session that is as long as a new one; to be added to the answer.
    pub renewal: Option<String>,
}

impl Visitor {
    /// The one to whom a link was texted: may act, and on that alert alone, which whoever calls this must see to.
    pub fn by_link(contact: &ContactId, config: &Config) -> Self {
        let known = config.roster.contacts.get(contact);
        Self {
            name: known.map_or_else(|| contact.to_string(), |known| known.name.clone()),
            role: Role::Act,
            contact: Some(contact.clone()),
            proof: Proof::Link,
            csrf: String::new(),
            renewal: None,
        }
    }

    /// A user of the rule file.
    pub(super) fn user(user: &User, proof: Proof, csrf: String, renewal: Option<String>) -> Self {
        let (name, contact) = (user.name.clone(), user.contact.clone());
        Self { name, role: user.role, contact, proof, csrf, renewal }
    }
}
