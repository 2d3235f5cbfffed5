//! Whom an event of a calendar names.

use std::collections::BTreeMap;

use calcard::icalendar::{ICalendarComponent, ICalendarParameterName, ICalendarProperty, ICalendarValue};

use crate::oncall::{Contact, ContactId};

/// Whom an event names: by its summary, when that is the key, the name or the mail address of a contact; else by the
/// first of its attendees who is one; else by a summary in which just one contact is named (`On call: David`).
///
/// # Errors
/// When that is nobody, or not clear: in words.
pub(super) fn named(event: &ICalendarComponent, contacts: &BTreeMap<ContactId, Contact>) -> Result<ContactId, String> {
    let summary = event.property(&ICalendarProperty::Summary).and_then(|entry| entry.values.first());
    let summary = summary.and_then(ICalendarValue::as_text).unwrap_or_default();
    if let Some(id) = exactly(summary, contacts) {
        return Ok(id.clone());
    }
    for attendee in event.properties(&ICalendarProperty::Attendee) {
        let address = attendee.values.first().and_then(ICalendarValue::as_text).unwrap_or_default();
        let name = attendee.parameter(&ICalendarParameterName::Cn).and_then(|name| name.as_text()).unwrap_or_default();
        if let Some(id) = exactly(without_scheme(address), contacts).or_else(|| exactly(name, contacts)) {
            return Ok(id.clone());
        }
    }
    within(summary, contacts)
}

/// The contact of this key, name or mail address.
fn exactly<'a>(text: &str, contacts: &'a BTreeMap<ContactId, Contact>) -> Option<&'a ContactId> {
    let text = text.trim().to_lowercase();
    if text.is_empty() {
        return None;
    }
    let is = |one: &str| one.trim().to_lowercase() == text;
    let by_key = contacts.values().find(|contact| is(contact.id.as_str()));
    let by_name = || {
        let mut same = contacts.values().filter(|contact| is(&contact.name));
        // Two of one name are told apart by key or address only.
        same.next().filter(|_| same.next().is_none())
    };
    let by_address =
        || contacts.values().find(|contact| contact.email.as_ref().is_some_and(|email| is(email.as_str())));
    by_key.or_else(by_name).or_else(by_address).map(|contact| &contact.id)
}

/// The one contact whose key or name stands in a text; of several, the one with the most words.
fn within(text: &str, contacts: &BTreeMap<ContactId, Contact>) -> Result<ContactId, String> {
    let all = words(text);
    let length_in = |name: &str| {
        let name = words(name);
        let found = !name.is_empty() && all.windows(name.len()).any(|part| part == name.as_slice());
        if found { name.len() } else { 0 }
    };
    let length = |contact: &Contact| length_in(contact.id.as_str()).max(length_in(&contact.name));
    let longest = contacts.values().map(length).max().filter(|length| *length > 0);
    let Some(longest) = longest else {
        return Err("names nobody whom the rule file knows".to_owned());
    };
    let mut found = contacts.values().filter(|contact| length(contact) == longest);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.id.clone()),
        (Some(one), Some(other)) => Err(format!("names both `{}` and `{}`", one.id, other.id)),
        (None, _) => Err("names nobody whom the rule file knows".to_owned()),
    }
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

fn without_scheme(address: &str) -> &str {
    match address.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => address.get(7..).unwrap_or_default(),
        Some(_) | None => address,
    }
}
