//! What the store knows of a mail: the alert that it would join, and the overrides. Looks, and leaves no trace: nothing
//! is made, nothing is locked against anybody, and without a store there is nothing to say.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::alert::{Alert, State};
use crate::config::Config;
use crate::intake::Wish;
use crate::oncall::Override;
use crate::rules::Action;
use crate::store::{Sqlite, Store};

/// The store, as far as it can be looked into.
pub enum Memory {
    /// There is none yet.
    Absent,
    /// There is one, but not for us: why.
    Closed(String),
    /// There is one.
    Open(Sqlite),
}

/// What would become of the alert that a wish is about.
pub enum Meeting {
    /// There is no such alert, or nothing is known.
    None,
    /// This very mail was delivered before, and opened or joined this alert.
    SameMail(Alert),
    /// It joins this alert, or acknowledges or resolves it.
    Joins(Alert),
}

impl Meeting {
    /// The alert, if there is one.
    pub fn alert(&self) -> Option<&Alert> {
        match self {
            Self::None => None,
            Self::SameMail(alert) | Self::Joins(alert) => Some(alert),
        }
    }

    /// For `--json`: `null`, or which alert it is and where it stands.
    pub fn json(&self) -> Value {
        let Some(alert) = self.alert() else { return Value::Null };
        json!({
            "id": alert.id,
            "code": alert.code,
            "state": alert.state,
            "opened_at": alert.opened_at,
            "mails": alert.mails,
            "acknowledged_by": alert.acknowledged_by,
            "same_mail": matches!(self, Self::SameMail(_)),
        })
    }
}

impl Memory {
    /// Looks into the store of the rule file.
    pub fn look(config: &Config) -> Self {
        match Sqlite::look(&config.store) {
            Ok(Some(store)) => Self::Open(store),
            Ok(None) => Self::Absent,
            Err(error) => Self::Closed(error.to_string()),
        }
    }

    /// Why it could not be looked into, if it is there.
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Absent | Self::Open(_) => None,
            Self::Closed(why) => Some(why),
        }
    }

    /// The overrides that hold at `now` or later.
    pub fn overrides(&mut self, now: Timestamp) -> Vec<Override> {
        let Self::Open(store) = self else { return Vec::new() };
        match store.overrides(now) {
            Ok(overrides) => overrides,
            Err(error) => {
                *self = Self::Closed(error.to_string());
                Vec::new()
            }
        }
    }

    /// The alert that a wish would meet at `now`.
    pub fn meeting(&mut self, wish: &Wish<'_>, now: Timestamp) -> Meeting {
        let Self::Open(store) = self else { return Meeting::None };
        match meeting(store, wish, now) {
            Ok(meeting) => meeting,
            Err(error) => {
                *self = Self::Closed(error.to_string());
                Meeting::None
            }
        }
    }
}

fn meeting(store: &mut Sqlite, wish: &Wish<'_>, now: Timestamp) -> crate::store::Result<Meeting> {
    if wish.notifies()
        && let Some(id) = store.alert_of_mail(wish.arrival.mail)?
    {
        return store.alert(id).map(Meeting::SameMail);
    }
    let Some(id) = store.active(wish.arrival.digest)? else { return Ok(Meeting::None) };
    let alert = store.alert(id)?;
    let takes_it = match (wish.action, alert.state) {
        (Action::Resolve | Action::Acknowledge, _) | (_, State::Open) => true,
        (_, State::Acknowledged) => now < alert.window_until,
        (_, State::Resolved | State::Expired) => false,
    };
    Ok(if takes_it { Meeting::Joins(alert) } else { Meeting::None })
}
