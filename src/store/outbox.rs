//! Mails that go on by e-mail: what the store keeps of them between the mail that came and the mail server that takes them.

use jiff::Timestamp;

use super::Result;
use crate::alert::{Alert, AlertId, Entry, Token};
use crate::notify::forward::Form;
use crate::oncall::{ContactId, MailAddress};

/// So many mails of one alert go on. In a storm all of them join one alert, and a mailbox is not to be flooded; those that
/// do not go on are in the alert's history.
pub const FORWARDED: u32 = 10;

/// A mail, and where it goes on to.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Its bytes as they came; of a very large one the beginning.
    pub bytes: Vec<u8>,
    /// How large all of it is.
    pub size: u64,
    /// In which form it goes on.
    pub form: Form,
    /// Where to.
    pub to: Vec<Addressee>,
}

impl Parcel {
    /// Whether it goes on as the newest mail of this alert.
    pub fn goes_on(&self, alert: &Alert) -> bool {
        alert.mails <= FORWARDED && !self.to.is_empty()
    }
}

/// One to whom a mail goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// Who, when it is a contact.
    pub contact: Option<ContactId>,
    /// Where.
    pub address: MailAddress,
}

/// The number of a post, over all alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostId(pub i64);

/// One mail on its way to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Which.
    pub id: PostId,
    /// The alert that the mail belongs to.
    pub alert: AlertId,
    /// Which of the alert's mails it is, counted from 1.
    pub mail: u32,
    /// How large all of the mail is.
    pub size: u64,
    /// In which form it goes on.
    pub form: Form,
    /// Who gets it, and where.
    pub to: Addressee,
    /// Names it in addresses to which one replies.
    pub token: Token,
    /// When it was decided on.
    pub created_at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// How often it may have been sent without our being told.
    pub doubts: u32,
    /// Where it stands.
    pub fate: Fate,
}

/// Where a post stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// To be sent at this time, or once the claim of whoever is sending it has expired.
    Due(Timestamp),
    /// A mail server has taken it.
    Sent(Timestamp),
    /// It will never be taken, or was not in all its time.
    Failed(Timestamp),
}

/// The part of the store that keeps mails that go on. They are put there by [`Store::receive`](super::Store::receive), in the
/// transaction in which the mail is received.
pub trait Outbox {
    /// Claims posts that are due, the longest overdue first, until `until`: whoever has died by then did not say whether it
    /// has sent them. With `only`, of these alerts alone. Adds 1 to their `tries`.
    fn claim_posts(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
        only: Option<&[AlertId]>,
    ) -> Result<Vec<Post>>;

    /// The mail of a post: its bytes. Empty once nobody waits for it any more.
    fn mail_of(&mut self, post: PostId) -> Result<Vec<u8>>;

    /// Notes what became of a post, and in the history of its alert what there is to tell of it. `doubt`: it may have been
    /// sent. The mail is forgotten when no post needs it any more. A post that is over stays as it is.
    fn settle_post(&mut self, post: PostId, fate: Fate, doubt: bool, lines: &[Entry]) -> Result<()>;

    /// The posts of an alert, in the order in which they were made.
    fn posts(&mut self, alert: AlertId) -> Result<Vec<Post>>;

    /// The post of this token.
    fn post_of(&mut self, token: &Token) -> Result<Option<Post>>;
}
