//! What conditions see of a mail: each place as texts that are folded and searched at most once for all rules.

use super::Place;
use super::haystack::{Haystack, Literals};
use super::ruleset::View;

/// A mail, ready to be looked at by many conditions.
pub(crate) struct Sight<'a> {
    /// The mail, its envelope, and when it came.
    pub(crate) view: &'a View<'a>,
    text: Haystack<'a>,
    body: Haystack<'a>,
    quoted: Haystack<'a>,
    subject: Haystack<'a>,
    recipient: Haystack<'a>,
    sender: Option<Haystack<'a>>,
    headers: Vec<(&'a str, Haystack<'a>)>,
    attachments: Vec<Haystack<'a>>,
}

impl<'a> Sight<'a> {
    /// `literals` are those of the rules that will look.
    pub(crate) fn new(view: &'a View<'a>, literals: &'a dyn Literals) -> Self {
        let message = view.message;
        let haystack = |text: &'a str| Haystack::with_literals(text, literals);
        Self {
            view,
            text: haystack(&message.new_text),
            body: haystack(&message.body),
            quoted: haystack(&message.quoted),
            subject: haystack(message.subject()),
            recipient: haystack(view.recipient),
            sender: view.sender.map(haystack),
            headers: message.headers.iter().map(|(name, value)| (name.as_str(), haystack(value))).collect(),
            attachments: message.attachments.iter().map(|name| haystack(name)).collect(),
        }
    }

    /// The texts of a place: none when the mail has no such field, sender or attachment.
    pub(crate) fn texts<'s>(&'s self, place: &'s Place) -> Box<dyn Iterator<Item = &'s Haystack<'a>> + 's> {
        match place {
            Place::Text => Box::new(std::iter::once(&self.text)),
            Place::Body => Box::new(std::iter::once(&self.body)),
            Place::Quoted => Box::new(std::iter::once(&self.quoted)),
            Place::Subject => Box::new(std::iter::once(&self.subject)),
            Place::Recipient => Box::new(std::iter::once(&self.recipient)),
            Place::Sender => Box::new(self.sender.iter()),
            Place::Attachment => Box::new(self.attachments.iter()),
            Place::From => Box::new(self.fields("From")),
            Place::To => Box::new(self.fields("To").chain(self.fields("Cc"))),
            Place::Header(name) => Box::new(self.fields(name)),
        }
    }

    fn fields<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Haystack<'a>> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
