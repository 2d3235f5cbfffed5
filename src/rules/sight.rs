//! What conditions see of a mail: each place as texts that are folded and searched at most once for all rules.

use std::cell::OnceCell;

use super::haystack::{Haystack, Literals};
use super::ruleset::View;
use super::{Place, RuleSet};

/// A mail, ready to be looked at by many conditions, and for one recipient after the other.
pub struct Sight<'a> {
    /// The mail, its envelope, and when it came.
    pub(crate) view: View<'a>,
    literals: &'a dyn Literals,
    undecoded: OnceCell<Haystack<'a>>,
    text: OnceCell<Haystack<'a>>,
    body: OnceCell<Haystack<'a>>,
    quoted: OnceCell<Haystack<'a>>,
    subject: Haystack<'a>,
    recipient: Haystack<'a>,
    sender: Option<Haystack<'a>>,
    headers: Vec<(&'a str, Haystack<'a>)>,
    attachments: Vec<Haystack<'a>>,
}

impl<'a> Sight<'a> {
    /// For the rules that will look.
    pub fn new(view: &View<'a>, rules: &'a RuleSet) -> Self {
        let message = view.message;
        let literals: &'a dyn Literals = rules;
        let haystack = |text: &'a str| Haystack::with_literals(text, literals);
        Self {
            view: *view,
            literals,
            undecoded: OnceCell::new(),
            text: OnceCell::new(),
            body: OnceCell::new(),
            quoted: OnceCell::new(),
            subject: haystack(message.subject()),
            recipient: haystack(view.recipient),
            sender: view.sender.map(haystack),
            headers: message.headers.iter().map(|(name, value)| (name.as_str(), haystack(value))).collect(),
            attachments: message.attachments.iter().map(|name| haystack(name)).collect(),
        }
    }

    /// The same mail for another recipient. What was learned of the mail stays known.
    pub fn turn_to(&mut self, recipient: &'a str) {
        self.view.recipient = recipient;
        self.recipient = Haystack::with_literals(recipient, self.literals);
    }

    /// The texts of a place: none when the mail has no such field, sender or attachment.
    pub(crate) fn texts<'s>(&'s self, place: &'s Place) -> Box<dyn Iterator<Item = &'s Haystack<'a>> + 's> {
        match place {
            Place::Text => Box::new(std::iter::once(self.text())),
            Place::Body => Box::new(std::iter::once(self.body())),
            Place::Undecoded => Box::new(std::iter::once(self.undecoded())),
            Place::Quoted => Box::new(std::iter::once(self.quoted())),
            Place::Subject => Box::new(std::iter::once(&self.subject)),
            Place::Recipient => Box::new(std::iter::once(&self.recipient)),
            Place::Sender => Box::new(self.sender.iter()),
            Place::Attachment => Box::new(self.attachments.iter()),
            Place::From => Box::new(self.fields("From")),
            Place::To => Box::new(self.fields("To").chain(self.fields("Cc"))),
            Place::Header(name) => Box::new(self.fields(name)),
        }
    }

    /// The text of a mail is decoded, and parted into new and quoted, when a rule first looks at it.
    fn body(&self) -> &Haystack<'a> {
        let message = self.view.message;
        self.body.get_or_init(|| Haystack::with_literals(message.body(), self.literals))
    }

    fn text(&self) -> &Haystack<'a> {
        let message = self.view.message;
        self.text.get_or_init(|| Haystack::with_literals(message.new_text(), self.literals))
    }

    fn quoted(&self) -> &Haystack<'a> {
        let message = self.view.message;
        self.quoted.get_or_init(|| Haystack::with_literals(message.quoted(), self.literals))
    }

    /// Few rules look at it, so that it is made when the first one does.
    fn undecoded(&self) -> &Haystack<'a> {
        let message = self.view.message;
        self.undecoded.get_or_init(|| Haystack::with_literals(message.undecoded(), self.literals))
    }

    fn fields<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Haystack<'a>> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
