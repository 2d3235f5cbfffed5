//! A simulated night for the tests: an alert, a roster, a store that claims, a clock that is moved.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::alert::{
    AlertId, Channel, Code, Delivery, Digest, Notification, Outcome, Policy, Purpose, State, Step, Target, Through,
};
use crate::oncall::{Contact, ContactId, Group, GroupId, OnCall};

/// A night: an alert, its history, and a clock.
pub(super) struct Night {
    pub alert: Alert,
    pub roster: Roster,
    pub now: Timestamp,
    pub history: Vec<Entry>,
    pub commands: Vec<Command>,
    dice: u128,
}

pub(super) fn contact(name: &str, phone: Option<&str>, sms: Option<&str>) -> Contact {
    let mut shown = name.to_owned();
    shown.get_mut(..1).unwrap().make_ascii_uppercase();
    Contact {
        id: ContactId::new(name),
        name: shown,
        phone: phone.map(|phone| phone.parse().unwrap()),
        sms: sms.map(|sms| sms.parse().unwrap()),
        email: None,
        language: None,
        voice: None,
    }
}

pub(super) fn not_accepted(notification: NotificationId, refusal: Refusal) -> Event {
    Event::NotAccepted { notification, provider: "twilio".to_owned(), refusal }
}

pub(super) fn step(notify: Target, by: &[Channel], attempts: u32, minutes: i64) -> Step {
    Step { notify, by: by.to_vec(), attempts, wait: SignedDuration::from_mins(minutes), ..Step::default() }
}

pub(super) fn roster() -> Roster {
    let mut roster = Roster::default();
    for contact in [
        contact("david", Some("+64211110001"), None),
        contact("darren", Some("+64211110002"), None),
        contact("simon", Some("+64211110003"), Some("+64211110013")),
        contact("texter", None, Some("+64211110004")),
        contact("mute", None, None),
    ] {
        roster.contacts.insert(contact.id.clone(), contact);
    }
    let ids = |names: &[&str]| names.iter().map(|name| ContactId::new(*name)).collect();
    let group = |name: &str, members: Vec<ContactId>, backup| Group {
        id: GroupId::new(name),
        name: name.to_owned(),
        on_call: OnCall::Fixed(members.first().cloned().unwrap_or_else(|| ContactId::new("nobody"))),
        members,
        backup,
        policy: None,
    };
    roster.groups = BTreeMap::from([
        (GroupId::new("dba"), group("dba", ids(&["david", "darren", "simon"]), ids(&["darren"]))),
        (GroupId::new("empty"), group("empty", Vec::new(), Vec::new())),
    ]);
    roster
}

impl Night {
    pub fn new(policy: Policy) -> Self {
        let now: Timestamp = "2026-11-02T03:00:00Z".parse().unwrap();
        let alert = Alert {
            id: AlertId(7),
            code: Code("7K".to_owned()),
            state: State::Open,
            digest: Digest::of(["dba", "tablespace"]),
            key: "tablespace".to_owned(),
            group: GroupId::new("dba"),
            rule: "oracle".to_owned(),
            recipients: vec!["dba@example.com".to_owned()],
            subject: "tablespace full".to_owned(),
            say: "tablespace full".to_owned(),
            text: "tablespace full".to_owned(),
            policy,
            opened_at: now,
            window: SignedDuration::from_hours(1),
            mails: 1,
            acknowledged_at: None,
            acknowledged_by: None,
            taken_by: None,
            resumed: None,
            ended_at: None,
            progress: None,
            next_at: None,
            notifications: Vec::new(),
        };
        Self { alert, roster: roster(), now, history: Vec::new(), commands: Vec::new(), dice: 0 }
    }

    pub fn opened(policy: Policy) -> Self {
        let mut night = Self::new(policy);
        night.event(Event::Opened);
        night
    }

    pub fn event(&mut self, event: Event) {
        let dice = &mut self.dice;
        let mut random = || {
            *dice += 1;
            // Any odd factor makes all of them differ.
            dice.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        };
        let mut context = Context { now: self.now, roster: &self.roster, random: &mut random };
        let change = escalate(self.alert.clone(), event, &mut context);
        self.alert = change.alert;
        self.history.extend(change.history);
        self.commands.extend(change.commands);
    }

    pub fn pass(&mut self, span: SignedDuration) {
        self.now += span;
    }

    /// Moves the clock to where the alert wants a tick, and ticks.
    pub fn tick(&mut self) {
        self.now = self.now.max(self.alert.next_at.expect("somebody waits"));
        self.event(Event::Tick);
    }

    /// Claims what is due, as the store does; returns what was claimed.
    pub fn claim(&mut self) -> Vec<Notification> {
        let now = self.now;
        let mut claimed = Vec::new();
        for notification in &mut self.alert.notifications {
            let unsure_since = match notification.delivery {
                Delivery::Due { at, unsure_since } if at <= now => unsure_since,
                Delivery::Claimed { since, until, unsure_since, .. } if until <= now => {
                    Some(unsure_since.unwrap_or(since))
                }
                _ => continue,
            };
            notification.tries += 1;
            let until = now + SignedDuration::from_mins(1);
            notification.delivery = Delivery::Claimed { by: "test".to_owned(), since: now, until, unsure_since };
            claimed.push(notification.clone());
        }
        claimed
    }

    /// Claims what is due, and the provider takes it; returns whom by what.
    pub fn send(&mut self) -> Vec<(String, Channel)> {
        let claimed = self.claim();
        for notification in &claimed {
            self.accept(notification.id);
        }
        claimed.into_iter().map(|n| (n.contact.to_string(), n.channel)).collect()
    }

    pub fn accept(&mut self, id: NotificationId) {
        self.event(Event::Accepted {
            notification: id,
            provider: "twilio".to_owned(),
            provider_id: format!("CA{}", id.number),
        });
    }

    pub fn refuse(&mut self, id: NotificationId, refusal: Refusal) {
        self.event(not_accepted(id, refusal));
    }

    pub fn call(&mut self, number: u32, status: CallStatus, human: Option<bool>) {
        let notification = self.id(number);
        self.event(Event::CallStatus { notification, sequence: None, status, human, detail: String::new() });
    }

    pub fn text(&mut self, number: u32, status: TextStatus) {
        let notification = self.id(number);
        self.event(Event::TextStatus { notification, status, detail: "30003 handset off".to_owned() });
    }

    pub fn id(&self, number: u32) -> NotificationId {
        NotificationId { alert: self.alert.id, number }
    }

    pub fn notification(&self, number: u32) -> &Notification {
        self.alert.notifications.iter().find(|n| n.id.number == number).expect("there is such a notification")
    }

    pub fn outcome(&self, number: u32) -> Option<Outcome> {
        match self.notification(number).delivery {
            Delivery::Ended { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    pub fn said(&self, words: &str) -> bool {
        self.history.iter().any(|entry| entry.text.contains(words))
    }

    pub fn news(&self) -> Vec<(String, String)> {
        let news = self.alert.notifications.iter().filter(|n| n.purpose == Purpose::News && n.is_unsent());
        news.map(|n| (n.contact.to_string(), n.news.clone().unwrap().to_string())).collect()
    }
}

pub(super) fn person(name: &str) -> Actor {
    let mut shown = name.to_owned();
    shown.get_mut(..1).unwrap().make_ascii_uppercase();
    Actor { contact: Some(ContactId::new(name)), name: shown, through: Through::Key }
}

/// The policy of the examples: calls to the one on call, then to the backup.
pub(super) fn page() -> Policy {
    Policy {
        name: "page".to_owned(),
        steps: vec![step(Target::OnCall, &[Channel::Call], 3, 5), step(Target::Backup, &[Channel::Call], 2, 5)],
        repeat: 0,
        ..Policy::default()
    }
}

pub(super) fn acknowledge(name: &str, within: Option<NotificationId>) -> Event {
    Event::Acknowledge { by: person(name), within }
}

pub(super) fn called(name: &str) -> Vec<(String, Channel)> {
    vec![(name.to_owned(), Channel::Call)]
}

pub(super) fn temporary(reason: &str) -> Refusal {
    Refusal::Temporary { reason: reason.to_owned(), retry_after: None }
}

pub(super) fn permanent() -> Refusal {
    Refusal::Permanent { reason: "21211 bad number".to_owned() }
}
