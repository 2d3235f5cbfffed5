//! Who is on call, as JSON. A name that is printed once is never changed.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::oncall::{Contact, ContactId, Duty, GroupId, Roster, Shift, Why};

/// Who is on call for a group at a moment.
#[derive(Debug, Clone)]
pub struct Now<'a> {
    /// The group.
    pub group: &'a GroupId,
    /// Who is on call; `None`: nobody, and all are called.
    pub duty: Option<Duty>,
    /// Until when that is so.
    pub until: Option<Timestamp>,
    /// Who comes then.
    pub next: Option<ContactId>,
    /// Who is second.
    pub second: Option<&'a ContactId>,
    /// What says so.
    pub why: Why,
}

impl<'a> Now<'a> {
    /// As the roster has it at `at`.
    pub fn of(roster: &'a Roster, group: &'a GroupId, at: Timestamp) -> Self {
        let second = roster.secondary(group, at);
        if let Some(duty) = roster.duty(group, at) {
            let (until, next, why) = (duty.until, duty.next.clone(), duty.why.clone());
            return Self { group, duty: Some(duty), until, next, second, why };
        }
        // Nobody: until somebody is.
        let mut shifts = roster.shifts(group, at, at).into_iter();
        let until = shifts.next().and_then(|shift| shift.until);
        let next = until.and_then(|until| roster.on_call(group, until)).cloned();
        Self { group, duty: None, until, next, second, why: Why::Nobody }
    }

    /// The contact on call.
    pub fn contact(&self) -> Option<&ContactId> {
        self.duty.as_ref().map(|duty| &duty.contact)
    }

    /// Whether an override says so.
    pub fn overridden(&self) -> bool {
        self.duty.as_ref().is_some_and(Duty::overridden)
    }
}

/// Who is on call for a group at `at`.
pub fn now(roster: &Roster, group: &GroupId, at: Timestamp) -> Value {
    let now = Now::of(roster, group, at);
    json!({
        "group": now.group,
        "contact": now.contact(),
        "phone": now.contact().and_then(|id| phone(roster, id)),
        "until": now.until.map(|until| until.to_string()),
        "next": now.next,
        "overridden": now.overridden(),
        "why": now.why.to_string(),
        "secondary": now.second,
        "called": roster.called(group, at),
    })
}

/// One stretch of time in which nothing changes.
pub fn shift(roster: &Roster, group: &GroupId, shift: &Shift) -> Value {
    json!({
        "group": group,
        "from": shift.from.map(|from| from.to_string()),
        "until": shift.until.map(|until| until.to_string()),
        "contact": shift.contact,
        "phone": shift.contact.as_ref().and_then(|id| phone(roster, id)),
        "why": shift.why.to_string(),
        "overridden": matches!(shift.why, Why::Override(_)),
    })
}

fn phone(roster: &Roster, id: &ContactId) -> Option<String> {
    roster.contacts.get(id).and_then(|contact: &Contact| contact.phone.as_ref()).map(ToString::to_string)
}
