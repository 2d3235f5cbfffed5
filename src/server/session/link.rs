//! Whom the link in a text lets in: the one to whom it was sent, for a day, to one alert.

use jiff::{SignedDuration, Timestamp};

use crate::alert::{NotificationId, Token};
use crate::config::{Config, Links};
use crate::notify::link;
use crate::oncall::ContactId;
use crate::store::{self, Store};

/// So long a link is good after what it was in was decided on.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The links that texts end with, where the rule file has `link = "token"`.
pub struct Link;

impl Link {
    /// The end of a link, behind `/a/`.
    pub fn make(id: NotificationId, token: &Token) -> String {
        link::path(id, token)
    }

    /// Which notification the end of a link belongs to, and to whom that was sent; `None` when it is wrong or old, or when they
    /// are no contact any more.
    pub fn verify(
        store: &mut dyn Store,
        path: &str,
        config: &Config,
        now: Timestamp,
    ) -> store::Result<Option<(NotificationId, ContactId)>> {
        // Who takes the setting back takes back what was sent by it.
        if config.server.link != Links::Token {
            return Ok(None);
        }
        let Some((id, proof)) = link::read(path) else { return Ok(None) };
        let alert = match store.alert(id.alert) {
            Ok(alert) => alert,
            Err(store::Error::NoAlert(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(notification) = alert.notifications.into_iter().find(|one| one.id == id) else { return Ok(None) };
        // Whatever the clock does: nothing is good for longer because it was set back.
        let is_fresh = now.duration_since(notification.created_at).abs() < LIFETIME;
        let is_contact = config.roster.contacts.contains_key(&notification.contact);
        let proven = link::proves(proof, &notification.token);
        Ok((proven && is_fresh && is_contact).then_some((id, notification.contact)))
    }
}
