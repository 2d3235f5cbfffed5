//! `[contacts]` and `[groups]`: who can be notified, and who is called first.

use std::collections::BTreeMap;

use super::Scope;
use super::calendar::CalendarFile;
use super::forward::{self, Forward};
use super::rotation::{self, Rota, Source, Whose};
use super::scalar;
use super::value::{Table, Value};
use crate::oncall::{Contact, ContactId, Group, GroupId, OnCall};

const CONTACT_KEYS: &[&str] = &["name", "phone", "sms", "email", "language", "voice", "limits"];
const GROUP_KEYS: &[&str] =
    &["name", "members", "oncall", "rotation", "layers", "secondary", "backup", "policy", "forward"];

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
            language: table.get("language").and_then(|value| reader.parsed(value, scalar::language)),
            voice: table.get("voice").and_then(|value| reader.parsed(value, scalar::voice)),
        };
        if ["phone", "sms", "email"].iter().all(|key| table.get(key).is_none()) {
            let message = format!("`{name}` has neither a number nor a mail address: nothing can reach them");
            reader.warn(entry.key_at, message, "add `phone = \"+…\"`");
        }
        contacts.insert(id, contact);
    }
    contacts
}

/// What `[groups]` says.
#[derive(Default)]
pub(super) struct Groups {
    pub by_name: BTreeMap<GroupId, Group>,
    /// Where their mails are to go by e-mail.
    pub forwards: BTreeMap<GroupId, Forward>,
    /// The calendars that say who is on call.
    pub calendars: Vec<CalendarFile>,
}

/// Reads all groups.
pub(super) fn groups(scope: &Scope<'_>, contacts: &BTreeMap<ContactId, Contact>) -> Groups {
    let reader = scope.reader;
    let (mut groups, mut forwards) = (BTreeMap::new(), BTreeMap::new());
    let mut rota = Rota { scope, contacts, calendars: Vec::new() };
    for (name, entry) in &scope.names.groups.entries {
        let Some(table) = reader.table(entry.value) else { continue };
        reader.only(table, GROUP_KEYS);
        let id = GroupId::new(*name);
        if let Some(forward) = table.get("forward").and_then(|value| forward::read(reader, value)) {
            forwards.insert(id.clone(), forward);
        }
        let members = people(scope, table, "members");
        let backup = people(scope, table, "backup");
        let policy = table
            .get("policy")
            .and_then(|value| reader.parsed(value, |text| scope.names.policies.find(text)))
            .map(str::to_owned);
        let Some(on_call) = on_call(&mut rota, Whose { name, members: &members }, table) else { continue };
        let name = shown_name(scope, table, name);
        groups.insert(id.clone(), Group { id, name, members, on_call, backup, policy });
    }
    rotation::check_circles(scope, &groups);
    Groups { by_name: groups, forwards, calendars: rota.calendars }
}

/// Who is called first: `oncall`, or `rotation`, or `layers`, or the first member; and who is second.
fn on_call<'s>(rota: &mut Rota<'_, 's>, whose: Whose<'_>, table: Table<'s>) -> Option<OnCall> {
    let (scope, name) = (rota.scope, whose.name);
    let reader = scope.reader;
    let said = ["oncall", "rotation", "layers"].map(|key| table.get(key).map(|value| (key, value)));
    let mut said = said.into_iter().flatten();
    let source = match (said.next(), said.next()) {
        (Some((first, _)), Some((second, value))) => {
            let message = format!("the group `{name}` has both `{first}` and `{second}`");
            reader.error_hint(value.at, message, "keep one: somebody fixed, members who take turns, or layers");
            return None;
        }
        (Some(("rotation", value)), None) => Source::Rotation(value),
        (Some(("layers", value)), None) => Source::Layers(value),
        (Some((_, fixed)), None) => {
            Source::Fixed(ContactId::new(reader.parsed(fixed, |text| scope.names.contacts.find(text))?))
        }
        (None, _) => {
            let Some(first) = whose.members.first() else {
                if table.get("members").is_none_or(|value| is_empty_list(scope, value)) {
                    let message = format!("there is nobody in the group `{name}`");
                    reader.error_hint(table.at, message, "add `members = [\"…\"]`, the first of whom is on call");
                }
                return None;
            };
            Source::Fixed(first.clone())
        }
    };
    if whose.members.is_empty() && table.get("members").is_some_and(|value| !is_empty_list(scope, value)) {
        return None; // What is wrong with them is said.
    }
    match (source, table.get("secondary")) {
        (Source::Fixed(id), None) => Some(OnCall::Fixed(id)),
        (source, secondary) => rota.schedule(whose, source, secondary).map(OnCall::Schedule),
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
