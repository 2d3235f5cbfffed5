//! An alert in a few lines, for the pages that list some.

use serde::Serialize;

use super::time::{At, Times};
use crate::alert::{Alert, Channel, Delivery, Notification, Purpose, State};
use crate::config::Config;
use crate::oncall::{ContactId, GroupId};
use crate::report::alert::held;
use crate::server::session::Visitor;

/// What a list shows of an alert.
#[derive(Debug, Serialize)]
pub(super) struct Card {
    pub id: i64,
    pub code: String,
    /// `open`, `acknowledged`, `resolved`, `expired`: also the class of its colour and shape.
    pub state: &'static str,
    pub subject: String,
    pub group: String,
    pub group_name: String,
    pub opened: At,
    /// How long it has been open, while it is.
    pub open_for: Option<String>,
    pub mails: u32,
    /// Who has it, or had it.
    pub who: Option<String>,
    /// What is being done about it: `the call to David rings`.
    pub doing: Option<String>,
    pub can: Can,
}

/// What can be done with an alert by who looks at it.
#[derive(Debug, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a button of its own")]
pub(super) struct Can {
    /// "I have it".
    pub acknowledge: bool,
    /// Somebody else has it, and it can be taken from them.
    pub take_over: bool,
    /// The next person, please.
    pub pass_on: bool,
    /// "It is over".
    pub resolve: bool,
}

impl Can {
    /// What `state` allows somebody who may act.
    pub fn of(alert: &Alert, visitor: &Visitor) -> Self {
        let mine = visitor.contact.is_some() && alert.taken_by == visitor.contact
            || alert.acknowledged_by.as_deref() == Some(visitor.name.as_str());
        Self {
            acknowledge: matches!(alert.state, State::Open | State::Expired),
            take_over: alert.state == State::Acknowledged && !mine,
            pass_on: alert.state == State::Open
                || alert.state == State::Acknowledged && mine && visitor.contact.is_some(),
            resolve: alert.state != State::Resolved,
        }
    }

    /// Whether there is a button for what a form asks for.
    pub fn allows(&self, what: &str) -> bool {
        match what {
            "acknowledge" => self.acknowledge,
            "take-over" => self.take_over,
            "pass-on" => self.pass_on,
            "resolve" => self.resolve,
            _ => false,
        }
    }
}

/// What a list shows of these.
pub(super) fn cards(alerts: &[Alert], config: &Config, times: Times<'_>, visitor: &Visitor) -> Vec<Card> {
    alerts.iter().map(|alert| card(alert, config, times, visitor)).collect()
}

/// What a list shows of one.
pub(super) fn card(alert: &Alert, config: &Config, times: Times<'_>, visitor: &Visitor) -> Card {
    Card {
        id: alert.id.0,
        code: alert.code.to_string(),
        state: alert.state.word(),
        subject: if alert.subject.trim().is_empty() { "(no subject)".to_owned() } else { alert.subject.clone() },
        group: alert.group.to_string(),
        group_name: group_name(config, &alert.group),
        opened: times.at(alert.opened_at),
        open_for: (alert.state == State::Open).then(|| times.ago(alert.opened_at)),
        mails: alert.mails,
        who: alert.acknowledged_by.clone(),
        doing: doing(alert, config, times),
        can: Can::of(alert, visitor),
    }
}

/// The name of a group, or its key where the rule file does not know it any more.
pub(super) fn group_name(config: &Config, group: &GroupId) -> String {
    config.roster.groups.get(group).map_or_else(|| group.to_string(), |group| group.name.clone())
}

/// The name of a contact, or its key where the rule file does not know it any more.
pub(super) fn contact_name(config: &Config, contact: &ContactId) -> String {
    config.roster.contacts.get(contact).map_or_else(|| contact.to_string(), |contact| contact.name.clone())
}

/// What is being done about an alert that is open.
fn doing(alert: &Alert, config: &Config, times: Times<'_>) -> Option<String> {
    if alert.state != State::Open {
        return None;
    }
    let pages = || alert.notifications.iter().rev().filter(|one| one.purpose == Purpose::Page);
    let name = |one: &Notification| contact_name(config, &one.contact);
    let under_way = pages().find_map(|one| match &one.delivery {
        Delivery::Accepted { status, .. } => Some(match one.channel {
            Channel::Call => format!("calling {}: {status}", name(one)),
            Channel::Text => format!("texted {}: {status}", name(one)),
            Channel::Email => format!("mailed {}", name(one)),
        }),
        Delivery::Claimed { .. } => Some(format!("{} {}", one.channel.doing(), name(one))),
        Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Ended { .. } => None,
    });
    let held = || {
        let count = held(alert);
        (count > 0).then(|| "held back by a limit".to_owned())
    };
    let next = || alert.next_at.map(|at| format!("next attempt {}", times.at(at).short));
    under_way.or_else(held).or_else(next)
}
