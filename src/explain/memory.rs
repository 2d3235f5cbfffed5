//! What the store knows of a mail: the alert that it would join, how many of its key came, and the overrides. Looks, and
//! leaves no trace: nothing is made, nothing is locked against anybody, and without a store there is nothing to say.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::alert::limit::{Verdict, Window};
use crate::alert::{Alert, Channel, State};
use crate::config::Config;
use crate::intake::{self, Wish};
use crate::oncall::{ContactId, Override};
use crate::rules::{Action, Recall};
use crate::store::{Sqlite, Store, Tally, Throttle};

/// The store, as far as it can be looked into. Nobody looks before there is a question: most mails ask none.
pub struct Memory<'c> {
    config: &'c Config,
    looked: Option<Looked>,
}

/// What a look found.
enum Looked {
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

impl<'c> Memory<'c> {
    /// The store of the rule file.
    pub fn of(config: &'c Config) -> Self {
        Self { config, looked: None }
    }

    /// Why it could not be looked into, if it is there.
    pub fn trouble(&self) -> Option<&str> {
        match &self.looked {
            None | Some(Looked::Absent | Looked::Open(_)) => None,
            Some(Looked::Closed(why)) => Some(why),
        }
    }

    /// The overrides that hold at `now` or later.
    pub fn overrides(&mut self, now: Timestamp) -> Vec<Override> {
        self.ask(|store| store.overrides(now)).unwrap_or_default()
    }

    /// The alert that a wish would meet at `now`.
    pub fn meeting(&mut self, wish: &Wish<'_>, now: Timestamp) -> Meeting {
        self.ask(|store| meeting(store, wish, now)).unwrap_or(Meeting::None)
    }

    /// When a limit would let something go to a contact, and which limit that is; `None`: now, or nothing is known.
    pub fn held(&mut self, wish: &Wish<'_>, to: (&ContactId, Channel), now: Timestamp) -> Option<(Timestamp, Window)> {
        let config = self.config;
        let recipient = |address: &str| config.recipient(address).and_then(|known| known.limit);
        let throttle = Throttle { limits: &config.limits, recipient: &recipient, webhooks: false };
        let recipients = &wish.arrival.recipients;
        match self.ask(|store| store.would_go(to, recipients, now, &throttle))? {
            Verdict::Go { .. } => None,
            Verdict::Hold { until, full } => Some((until, full)),
        }
    }

    /// Asks the store. One that fails is not asked again.
    fn ask<T>(&mut self, question: impl FnOnce(&mut Sqlite) -> crate::store::Result<T>) -> Option<T> {
        let looked = self.looked.get_or_insert_with(|| match Sqlite::look(&self.config.store) {
            Ok(Some(store)) => Looked::Open(store),
            Ok(None) => Looked::Absent,
            Err(error) => Looked::Closed(error.to_string()),
        });
        let Looked::Open(store) = looked else { return None };
        match question(store) {
            Ok(answer) => Some(answer),
            Err(error) => {
                *looked = Looked::Closed(error.to_string());
                None
            }
        }
    }
}

impl intake::Memory for Memory<'_> {
    /// What `deliver` would be told now. The mail is not counted.
    fn count(&mut self, tally: &Tally, now: Timestamp) -> Recall {
        self.ask(|store| store.would_count(tally, now)).map_or(Recall::Unknown, Recall::Times)
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
        (_, State::Acknowledged) => alert.takes_in_until().is_some_and(|until| now < until),
        (_, State::Resolved | State::Expired) => false,
    };
    Ok(if takes_it { Meeting::Joins(alert) } else { Meeting::None })
}
