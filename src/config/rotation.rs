//! `rotation`, `layers` and `secondary` of a group: who is on call when.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::Scope;
use super::calendar::{self, CalendarFile};
use super::hours;
use super::scalar::Fault;
use super::time;
use super::value::{Table, Value};
use crate::oncall::rotation::Turn;
use crate::oncall::{Contact, ContactId, GroupId, HandOff, Layer, Member, Rotation, Schedule, Secondary, Turns};

const TURN_KEYS: &[&str] = &["every", "handoff", "time_zone", "start", "order", "members", "ics"];
const LAYER_KEYS: &[&str] = &["name", "only", "every", "handoff", "time_zone", "start", "order", "members", "ics"];

/// When turns change if the rule file does not say.
const HANDOFF: Time = Time::constant(9, 0, 0, 0);
/// A week has so many hand-offs at most.
const HANDOFFS: usize = 50;
/// A schedule has so many layers at most.
const LAYERS: usize = 50;

/// What the schedules of all groups are read with.
pub(super) struct Rota<'a, 's> {
    /// The reader, and the names of groups and contacts.
    pub scope: &'a Scope<'s>,
    /// Whom a calendar can name.
    pub contacts: &'a BTreeMap<ContactId, Contact>,
    /// Every calendar that was named so far.
    pub calendars: Vec<CalendarFile>,
}

/// The group whose schedule is read.
#[derive(Clone, Copy)]
pub(super) struct Whose<'a> {
    pub name: &'a str,
    pub members: &'a [ContactId],
}

/// What there is to read of a schedule.
pub(super) enum Source<'a> {
    /// `oncall`, when somebody is second.
    Fixed(ContactId),
    /// `rotation`.
    Rotation(Value<'a>),
    /// `layers`.
    Layers(Value<'a>),
}

impl<'s> Rota<'_, 's> {
    /// The schedule of a group; `None`: something in it is wrong.
    pub fn schedule(&mut self, whose: Whose<'_>, source: Source<'s>, secondary: Option<Value<'s>>) -> Option<Schedule> {
        let layers = match source {
            Source::Fixed(contact) => {
                let turns = Turns::Always(Member::Contact(contact));
                Some(vec![Layer { name: None, turns, only: None }])
            }
            Source::Rotation(value) => self.rotation(whose, value).map(|layer| vec![layer]),
            Source::Layers(value) => self.layers(whose, value),
        };
        let secondary = match secondary {
            Some(value) => Some(self.secondary(whose, value)?),
            None => None,
        };
        Some(Schedule { layers: layers?, secondary })
    }

    fn rotation(&mut self, whose: Whose<'_>, value: Value<'s>) -> Option<Layer> {
        let table = self.scope.reader.table(value)?;
        self.scope.reader.only(table, TURN_KEYS);
        let time_zone = self.time_zone(table)?;
        Some(Layer { name: None, turns: self.turns(whose, table, &time_zone)?, only: None })
    }

    fn layers(&mut self, whose: Whose<'_>, value: Value<'s>) -> Option<Vec<Layer>> {
        let reader = self.scope.reader;
        let items = reader.list(value)?;
        if items.is_empty() || items.len() > LAYERS {
            reader.error_hint(value.at, format!("there must be from 1 to {LAYERS} layers"), "write `layers = [{ … }]`");
            return None;
        }
        let layers: Vec<Option<Layer>> =
            (1..).zip(items).map(|(number, item)| self.layer(whose, number, item)).collect();
        layers.into_iter().collect()
    }

    fn layer(&mut self, whose: Whose<'_>, number: usize, value: Value<'s>) -> Option<Layer> {
        let reader = self.scope.reader;
        let table = reader.table(value)?;
        reader.only(table, LAYER_KEYS);
        let name = table.get("name").and_then(|value| reader.words(value)).map(|name| name.trim().to_owned());
        let time_zone = self.time_zone(table);
        let turns = time_zone.as_ref().and_then(|zone| self.turns(whose, table, zone));
        let only = match (table.get("only"), &time_zone) {
            (Some(value), Some(zone)) => Some(hours::read(self.scope, value, zone, "layer")?),
            (Some(_), None) | (None, _) => None,
        };
        Some(Layer { name: name.or_else(|| Some(format!("layer {number}"))), turns: turns?, only })
    }

    /// `"next"`, `{ offset = 2 }`, a rotation, or layers.
    fn secondary(&mut self, whose: Whose<'_>, value: Value<'s>) -> Option<Secondary> {
        let reader = self.scope.reader;
        if value.is_list() {
            return self.layers(whose, value).map(Secondary::Own);
        }
        if value.is_table() {
            let table = reader.table(value)?;
            let Some(offset) = table.get("offset") else {
                return self.rotation(whose, value).map(|layer| Secondary::Own(vec![layer]));
            };
            reader.only(table, &["offset"]);
            return reader.number(offset, &(1..=1000)).map(Secondary::Next);
        }
        if value.as_text() == Some("next") {
            return Some(Secondary::Next(1));
        }
        let hint = "write `\"next\"`, `{ offset = 2 }`, or a rotation: `{ every = \"1 week\", … }`";
        reader.error_hint(value.at, "this does not say who is second", hint);
        None
    }

    fn time_zone(&self, table: Table<'s>) -> Option<TimeZone> {
        match table.get("time_zone") {
            Some(value) => self.scope.reader.parsed(value, time::time_zone),
            None => Some(self.scope.time_zone.clone()),
        }
    }

    fn turns(&mut self, whose: Whose<'_>, table: Table<'s>, time_zone: &TimeZone) -> Option<Turns> {
        let reader = self.scope.reader;
        if let Some(value) = table.get("ics") {
            let others = table.entries();
            let odd = others.iter().find(|entry| !matches!(entry.key, "ics" | "name" | "only" | "time_zone"));
            if let Some(odd) = odd {
                let message = format!("`{}` has no meaning beside `ics`", odd.key);
                reader.error_hint(odd.key_at, message, "the calendar says whose turn it is, and when");
                return None;
            }
            let path = reader.words(value)?;
            let file = calendar::read(self.scope, (path, value.at), GroupId::new(whose.name), time_zone, self.contacts);
            let calendar = file.calendar.clone().unwrap_or_default();
            self.calendars.push(file);
            return Some(Turns::Calendar(calendar));
        }
        let order = self.order(whose, table)?;
        if table.get("every").is_none()
            && let [only] = order.as_slice()
            && ["handoff", "start"].iter().all(|key| table.get(key).is_none())
        {
            return Some(Turns::Always(only.clone()));
        }
        rotation(self.scope, table, time_zone).map(|rotation| Turns::Rotation(order, rotation))
    }

    /// `order`, or `members`, or the members of the group.
    fn order(&self, whose: Whose<'_>, table: Table<'s>) -> Option<Vec<Member>> {
        let reader = self.scope.reader;
        let value = match (table.get("order"), table.get("members")) {
            (Some(order), Some(_)) => {
                reader.error_hint(
                    order.at,
                    "there are both `order` and `members`",
                    "keep one: they mean the same here",
                );
                return None;
            }
            (Some(value), None) | (None, Some(value)) => value,
            (None, None) if whose.members.is_empty() => {
                let message = format!("the group `{}` has no members who could take turns", whose.name);
                reader.error_hint(table.at, message, "add `members = [\"…\"]`");
                return None;
            }
            (None, None) => return Some(whose.members.iter().cloned().map(Member::Contact).collect()),
        };
        let items = reader.one_or_list(value);
        if items.is_empty() {
            reader.error(value.at, "there is nobody in this list");
        }
        let members: Vec<Option<Member>> = items.into_iter().map(|item| self.member(whose, item)).collect();
        members.into_iter().collect::<Option<Vec<_>>>().filter(|members| !members.is_empty())
    }

    /// A contact, or `group:NAME`.
    fn member(&self, whose: Whose<'_>, value: Value<'s>) -> Option<Member> {
        let (reader, names) = (self.scope.reader, &self.scope.names);
        let text = reader.text(value)?;
        if let Some(group) = text.strip_prefix("group:") {
            return reader.parsed(value, |_| names.groups.find(group)).map(|name| Member::Group(GroupId::new(name)));
        }
        let id = ContactId::new(reader.parsed(value, |text| names.contacts.find(text))?);
        if !whose.members.is_empty() && !whose.members.contains(&id) {
            let message = format!("`{id}` takes turns in the group `{}` without being one of its members", whose.name);
            reader.warn(value.at, message, "add them to `members`: steps for the whole group leave them out");
        }
        Some(Member::Contact(id))
    }
}

/// `every`, `handoff` and `start`.
fn rotation(scope: &Scope<'_>, table: Table<'_>, time_zone: &TimeZone) -> Option<Rotation> {
    let reader = scope.reader;
    let every = reader.need(table, "every", "\"1 week\"").and_then(|value| reader.parsed(value, time::turn));
    let start = reader.need(table, "start", "\"2026-11-02\"").and_then(|value| match value.as_date() {
        Some(written) => written.parse::<Date>().map_err(|_| reader.fault(value, no_date(&written))).ok(),
        None => reader.parsed(value, |text| text.parse().map_err(|_| no_date(text))),
    });
    let hand_offs = match table.get("handoff") {
        Some(value) => hand_offs(scope, value),
        None => Some(vec![HandOff { weekday: None, time: HANDOFF }]),
    };
    let (every, start, hand_offs) = (every?, start?, hand_offs?);
    if let Some(value) = table.get("handoff")
        && let Some((message, hint)) = misfit(every, &hand_offs)
    {
        reader.error_hint(value.at, message, hint);
        return None;
    }
    Some(Rotation { every, hand_offs, time_zone: time_zone.clone(), start })
}

/// `"Mon 09:00"`, or a list.
fn hand_offs(scope: &Scope<'_>, value: Value<'_>) -> Option<Vec<HandOff>> {
    let reader = scope.reader;
    let items = reader.one_or_list(value);
    if items.is_empty() || items.len() > HANDOFFS {
        reader.error_hint(value.at, format!("there must be from 1 to {HANDOFFS} hand-offs"), "write `\"Mon 09:00\"`");
        return None;
    }
    let mut found: Vec<HandOff> = Vec::new();
    for item in items {
        let (weekday, time) = reader.parsed(item, time::handoff)?;
        let hand_off = HandOff { weekday, time };
        if found.contains(&hand_off) {
            reader.error(item.at, "this hand-off is listed twice");
            return None;
        }
        found.push(hand_off);
    }
    Some(found)
}

/// Why hand-offs do not go with the length of the turns, and what to write instead.
fn misfit(every: Turn, hand_offs: &[HandOff]) -> Option<(&'static str, &'static str)> {
    let several = hand_offs.len() > 1;
    let with_day = hand_offs.iter().filter(|one| one.weekday.is_some()).count();
    match every {
        Turn::Hours(_) | Turn::Days(_) if with_day > 0 => Some((
            "a hand-off on a day of the week needs turns of whole weeks",
            "write `every = \"1 week\"`, or `handoff` without a day",
        )),
        Turn::Hours(_) if several => {
            Some(("turns in hours have one hand-off, from which they count", "write `every = \"1 day\"`"))
        }
        Turn::Weeks(_) if several && with_day < hand_offs.len() => Some((
            "several hand-offs in a week each need their day",
            "write `handoff = [\"Mon 09:00\", \"Thu 17:00\"]`",
        )),
        Turn::Hours(_) | Turn::Days(1) | Turn::Weeks(1) => None,
        Turn::Days(_) | Turn::Weeks(_) if several => Some((
            "with several hand-offs, a turn lasts from one to the next",
            "write `every = \"1 week\"`, or `every = \"1 day\"`: when the same hand-off comes again",
        )),
        Turn::Days(_) | Turn::Weeks(_) => None,
    }
}

fn no_date(text: &str) -> Fault {
    Fault::new(format!("`{text}` is not a date")).hint("write for example `2026-11-02`")
}

/// Complains of groups that are on call for each other in a circle.
pub(super) fn check_circles(scope: &Scope<'_>, groups: &BTreeMap<GroupId, crate::oncall::Group>) {
    use crate::oncall::OnCall;
    let others = |group: &GroupId| -> Vec<GroupId> {
        let Some(OnCall::Schedule(schedule)) = groups.get(group).map(|group| &group.on_call) else { return Vec::new() };
        let members = schedule.all_layers().flat_map(|layer| match &layer.turns {
            Turns::Always(member) => std::slice::from_ref(member),
            Turns::Rotation(order, _) => order.as_slice(),
            Turns::Calendar(_) => &[],
        });
        members
            .filter_map(|member| match member {
                Member::Group(id) => Some(id.clone()),
                Member::Contact(_) => None,
            })
            .collect()
    };
    for id in groups.keys() {
        let (mut seen, mut ahead) = (Vec::new(), others(id));
        while let Some(next) = ahead.pop() {
            if next == *id {
                let at = scope.names.groups.entries.get(id.as_str()).map(|entry| entry.key_at);
                let message = format!("the group `{id}` is on call for itself, by way of other groups");
                if let Some(at) = at {
                    scope.reader.error_hint(at, message, "name people in one of them");
                }
                break;
            }
            if !seen.contains(&next) {
                ahead.extend(others(&next));
                seen.push(next);
            }
        }
    }
}
