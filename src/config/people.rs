//! `[contacts]` and `[groups]`: who can be notified, and who is called first.

use std::collections::BTreeMap;

use jiff::civil::Time;

use super::Scope;
use super::later::Forward;
use super::scalar::{self, Fault};
use super::time;
use super::value::{Table, Value};
use crate::oncall::rotation::Turn;
use crate::oncall::{Contact, ContactId, Group, GroupId, OnCall, Phone, Rotation};

const CONTACT_KEYS: &[&str] = &["name", "phone", "sms", "email"];
const GROUP_KEYS: &[&str] = &["name", "members", "oncall", "rotation", "backup", "policy", "forward"];
const ROTATION_KEYS: &[&str] = &["every", "handoff", "time_zone", "start"];

/// When turns change if the rule file does not say.
const HANDOFF: Time = Time::constant(9, 0, 0, 0);

/// Reads all contacts.
pub(super) fn contacts(scope: &Scope<'_>) -> BTreeMap<ContactId, Contact> {
    let reader = scope.reader;
    let mut contacts = BTreeMap::new();
    for (name, entry) in &scope.names.contacts.entries {
        let Some(table) = reader.table(entry.value) else { continue };
        reader.only(table, CONTACT_KEYS);
        let phone = |key| table.get(key).and_then(|value| reader.parsed(value, scalar::phone));
        let id = ContactId::new(*name);
        let contact = Contact {
            id: id.clone(),
            name: shown_name(scope, table, name),
            phone: phone("phone"),
            sms: phone("sms"),
            email: table.get("email").and_then(|value| reader.parsed(value, scalar::mail_address)),
        };
        if table.get("phone").is_none() && table.get("sms").is_none() {
            let message = format!("`{name}` has no number: neither a call nor a text can reach them");
            reader.warn(entry.key_at, message, "add `phone = \"+…\"`");
        }
        contacts.insert(id, contact);
    }
    contacts
}

/// Reads all groups, and where their mails are to go by e-mail.
pub(super) fn groups(scope: &Scope<'_>) -> (BTreeMap<GroupId, Group>, BTreeMap<GroupId, Forward>) {
    let reader = scope.reader;
    let (mut groups, mut forwards) = (BTreeMap::new(), BTreeMap::new());
    for (name, entry) in &scope.names.groups.entries {
        let Some(table) = reader.table(entry.value) else { continue };
        reader.only(table, GROUP_KEYS);
        let id = GroupId::new(*name);
        if let Some(forward) = table.get("forward").and_then(|value| forward(scope, value)) {
            forwards.insert(id.clone(), forward);
        }
        let members = people(scope, table, "members");
        let backup = people(scope, table, "backup");
        let policy = table
            .get("policy")
            .and_then(|value| reader.parsed(value, |text| scope.names.policies.find(text)))
            .map(str::to_owned);
        let Some(on_call) = on_call(scope, name, table, &members) else { continue };
        let name = shown_name(scope, table, name);
        groups.insert(id.clone(), Group { id, name, members, on_call, backup, policy });
    }
    (groups, forwards)
}

/// Who is called first: `oncall`, or `rotation`, or the first member.
fn on_call(scope: &Scope<'_>, name: &str, table: Table<'_>, members: &[ContactId]) -> Option<OnCall> {
    let reader = scope.reader;
    match (table.get("oncall"), table.get("rotation")) {
        (Some(_), Some(rotation)) => {
            let message = format!("the group `{name}` has both `oncall` and `rotation`");
            reader.error_hint(rotation.at, message, "keep one: somebody fixed, or members who take turns");
            None
        }
        (Some(fixed), None) => {
            let id = reader.parsed(fixed, |text| scope.names.contacts.find(text))?;
            Some(OnCall::Fixed(ContactId::new(id)))
        }
        (None, Some(value)) => {
            let rotation = rotation(scope, reader.table(value)?)?;
            if members.is_empty() && table.get("members").is_none_or(|value| is_empty_list(scope, value)) {
                let message = format!("the group `{name}` has no members who could take turns");
                reader.error_hint(value.at, message, "add `members = [\"…\"]`");
                return None;
            }
            Some(OnCall::Rotation(rotation))
        }
        (None, None) => {
            if let Some(first) = members.first() {
                return Some(OnCall::Fixed(first.clone()));
            }
            if table.get("members").is_none_or(|value| is_empty_list(scope, value)) {
                let message = format!("there is nobody in the group `{name}`");
                reader.error_hint(table.at, message, "add `members = [\"…\"]`, the first of whom is on call");
            }
            None
        }
    }
}

fn is_empty_list(scope: &Scope<'_>, value: Value<'_>) -> bool {
    value.is_list() && scope.reader.list(value).is_some_and(|items| items.is_empty())
}

/// A list of contacts, or one; each once.
fn people(scope: &Scope<'_>, table: Table<'_>, key: &str) -> Vec<ContactId> {
    let reader = scope.reader;
    let mut people: Vec<ContactId> = Vec::new();
    let Some(value) = table.get(key) else { return people };
    for item in reader.one_or_list(value) {
        let Some(id) = reader.parsed(item, |text| scope.names.contacts.find(text)) else { continue };
        let id = ContactId::new(id);
        if people.contains(&id) {
            reader.error(item.at, format!("`{id}` is listed twice"));
        } else {
            people.push(id);
        }
    }
    people
}

/// `name`, or else the key.
fn shown_name(scope: &Scope<'_>, table: Table<'_>, key: &str) -> String {
    table.get("name").and_then(|value| scope.reader.words(value)).unwrap_or(key).trim().to_owned()
}

fn rotation(scope: &Scope<'_>, table: Table<'_>) -> Option<Rotation> {
    let reader = scope.reader;
    reader.only(table, ROTATION_KEYS);
    let every = reader.need(table, "every", "\"1 week\"").and_then(|value| reader.parsed(value, time::turn));
    let start = reader.need(table, "start", "\"2026-11-02\"").and_then(|value| match value.as_date() {
        Some(written) => written.parse().map_err(|_| reader.fault(value, no_date(&written))).ok(),
        None => reader.parsed(value, |text| text.parse().map_err(|_| no_date(text))),
    });
    let handoff = match table.get("handoff") {
        Some(value) => reader.parsed(value, time::handoff),
        None => Some((None, HANDOFF)),
    };
    let time_zone = match table.get("time_zone") {
        Some(value) => reader.parsed(value, time::time_zone),
        None => Some(scope.time_zone.clone()),
    };
    let (every, start, (weekday, time), time_zone) = (every?, start?, handoff?, time_zone?);
    if let (Some(_), Turn::Hours(_) | Turn::Days(_), Some(value)) = (weekday, every, table.get("handoff")) {
        let message = "a hand-off on a day of the week needs turns of whole weeks";
        reader.error_hint(value.at, message, "write `every = \"1 week\"`, or `handoff` without a day");
        return None;
    }
    Some(Rotation { every, weekday, time, time_zone, start })
}

fn no_date(text: &str) -> Fault {
    Fault::new(format!("`{text}` is not a date")).hint("write for example `2026-11-02`")
}

/// `"oncall"`, `"members"`, or addresses.
fn forward(scope: &Scope<'_>, value: Value<'_>) -> Option<Forward> {
    let reader = scope.reader;
    let forward = match value.as_text() {
        Some("oncall") => Some(Forward::OnCall),
        Some("members") => Some(Forward::Members),
        Some(text) => reader.parsed(value, |_| {
            scalar::mail_address(text)
                .map(|address| Forward::Addresses(vec![address]))
                .map_err(|_| Fault::new(format!("`{text}` is neither `oncall` nor `members` nor a mail address")))
        }),
        None => {
            let items = reader.list(value)?;
            let addresses = items.into_iter().filter_map(|item| reader.parsed(item, scalar::mail_address));
            Some(Forward::Addresses(addresses.collect()))
        }
    };
    reader.warn(value.at, "`forward` has no effect yet", "mails are not forwarded by this version");
    forward
}

/// The number that a channel needs.
pub(super) fn number(contact: &Contact, channel: crate::alert::Channel) -> Option<&Phone> {
    match channel {
        crate::alert::Channel::Call => contact.phone.as_ref(),
        crate::alert::Channel::Text => contact.text_number(),
    }
}
