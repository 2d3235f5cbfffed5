//! From shifts to the text of an iCalendar file (RFC 5545) that other programs can subscribe to.

use calcard::common::PartialDateTime;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarProperty, ICalendarValue,
};
use jiff::Timestamp;

use crate::oncall::{Contact, ContactId, Group, Roster, Shift};

/// The calendar of a group's shifts. A shift that has always been so begins at `from`, one whose end is not foreseen ends
/// at `until`; hours that nobody covers are no event. `stamp` is the present moment.
///
/// Times are in UTC. An event of the same group, contact and beginning has the same `UID` whenever it is written.
pub fn write(
    roster: &Roster,
    group: &Group,
    shifts: &[Shift],
    (from, until): (Timestamp, Timestamp),
    stamp: Timestamp,
) -> String {
    let mut calendar = ICalendarComponent::new(ICalendarComponentType::VCalendar);
    calendar.add_property(ICalendarProperty::Version, "2.0");
    let product = concat!("-//thialfi//thialfi ", env!("CARGO_PKG_VERSION"), "//EN");
    calendar.add_property(ICalendarProperty::Prodid, product);
    // What Outlook, Google and Apple call a calendar; RFC 7986 says `NAME`.
    let name = format!("On call: {}", group.name);
    calendar.add_property(ICalendarProperty::Other("X-WR-CALNAME".to_owned()), name.as_str());
    let mut components = vec![calendar];
    for shift in shifts {
        let Some(contact) = &shift.contact else { continue };
        let (begin, end) = (shift.from.unwrap_or(from), shift.until.unwrap_or(until));
        let mut event = ICalendarComponent::new(ICalendarComponentType::VEvent);
        event.add_uid(&format!("{}.{}.{}@thialfi", group.id, shift.from.map_or(0, Timestamp::as_second), contact));
        event.add_dtstamp(utc(stamp));
        event.add_property(ICalendarProperty::Dtstart, utc(begin));
        event.add_property(ICalendarProperty::Dtend, utc(end));
        event.add_property(ICalendarProperty::Summary, summary(roster, contact));
        let description = format!("On call for {} ({})", group.name, shift.why);
        event.add_property(ICalendarProperty::Description, description.as_str());
        // Being on call is no reason to be shown as busy.
        event.entries.push(ICalendarEntry {
            name: ICalendarProperty::Transp,
            params: Vec::new(),
            values: vec![ICalendarValue::Transparency(calcard::icalendar::ICalendarTransparency::Transparent)],
        });
        let place = u32::try_from(components.len()).unwrap_or(u32::MAX);
        components.push(event);
        if let Some(calendar) = components.first_mut() {
            calendar.component_ids.push(place);
        }
    }
    ICalendar { components }.to_string()
}

/// The name of a contact; the key of one whose name is another's, too, or another's key or address.
fn summary<'a>(roster: &'a Roster, id: &'a ContactId) -> &'a str {
    let Some(contact) = roster.contacts.get(id) else { return id.as_str() };
    let name = contact.name.trim().to_lowercase();
    let is = |text: &str| text.trim().to_lowercase() == name;
    let other = |contact: &Contact| {
        let email = || contact.email.as_ref().is_some_and(|email| is(email.as_str()));
        contact.id != *id && (is(contact.id.as_str()) || is(&contact.name) || email())
    };
    if roster.contacts.values().any(other) { id.as_str() } else { &contact.name }
}

fn utc(t: Timestamp) -> PartialDateTime {
    PartialDateTime::from_utc_timestamp(t.as_second())
}
