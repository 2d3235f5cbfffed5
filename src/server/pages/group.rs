//! A group: its members, who is on call in the next four weeks, the addresses that lead to it, and handing over.

use jiff::Timestamp;
use serde::Serialize;

use super::alerts::contact_name;
use super::frame::segment;
use super::now::{Row, row};
use super::time::{At, Times};
use super::{Answer, Asked, calendar, field};
use crate::config::Config;
use crate::oncall::moment::moment;
use crate::oncall::{ContactId, Group, GroupId, Override, Roster};
use crate::server::Routes;
use crate::server::http::Response;

/// So many addresses are listed.
const ADDRESSES: usize = 100;

#[derive(Serialize)]
struct Page {
    now: Row,
    policy: Option<String>,
    members: Vec<Person>,
    addresses: Vec<Address>,
    more_addresses: usize,
    calendar: calendar::Drawing,
    overrides: Vec<Exception>,
    /// Everybody who can be put on call: the group's own first.
    people: Vec<(String, String)>,
    form: Form,
}

#[derive(Debug, Serialize)]
struct Person {
    id: String,
    name: String,
    phone: Option<String>,
    sms: Option<String>,
    email: Option<String>,
    on_call: bool,
    backup: bool,
}

#[derive(Debug, Serialize)]
struct Address {
    text: String,
    /// Whether it is one address, to which one can write, rather than a pattern.
    exact: bool,
}

#[derive(Debug, Serialize)]
struct Exception {
    who: String,
    from: At,
    until: Option<At>,
    by: String,
    holds: bool,
}

/// What was typed, and what was wrong with it.
#[derive(Debug, Default, Serialize)]
struct Form {
    contact: String,
    from: String,
    until: String,
    trouble: Option<String>,
}

/// The page.
pub(super) fn page(routes: &Routes, asked: &Asked<'_>, id: &str) -> Answer {
    shown(routes, asked, id, 200, Form::default())
}

fn shown(routes: &Routes, asked: &Asked<'_>, id: &str, status: u16, form: Form) -> Answer {
    let config = &routes.desk.config;
    let frame = routes.frame(asked, "now");
    let roster = routes.with_store(|store| routes.desk.roster(store))?;
    let Some(group) = roster.groups.get(&GroupId::new(id)) else { return Ok(not_there(routes, asked)) };
    let addresses = config.recipients.iter().filter(|one| one.group == group.id);
    let mut addresses: Vec<Address> =
        addresses.map(|one| Address { text: one.pattern.clone(), exact: one.is_exact() }).collect();
    let more_addresses = addresses.len().saturating_sub(ADDRESSES);
    addresses.truncate(ADDRESSES);
    let page = Page {
        now: row(config, &roster, &group.id, frame.times),
        policy: group.policy.clone(),
        members: members(group, &roster, asked.now),
        addresses,
        more_addresses,
        calendar: calendar::draw(&roster, group, frame.times),
        overrides: exceptions(&roster, group, frame.times, config),
        people: people(group, &roster),
        form,
    };
    if status == 200 && asked.request.method != crate::server::http::Method::Post {
        return Ok(frame.page_for(asked.request, "group.html", page));
    }
    Ok(frame.page(status, "group.html", page))
}

fn not_there(routes: &Routes, asked: &Asked<'_>) -> Response {
    routes.frame(asked, "now").message(404, "There is no such group", "The rule file has no group of this name.")
}

fn members(group: &Group, roster: &Roster, now: Timestamp) -> Vec<Person> {
    let mut ids = roster.everybody(&group.id);
    ids.extend(group.backup.iter().cloned());
    let on_call = roster.on_call(&group.id, now);
    let mut seen = Vec::new();
    ids.retain(|id| {
        !seen.contains(id) && {
            seen.push(id.clone());
            true
        }
    });
    let people = ids.iter().filter_map(|id| roster.contacts.get(id));
    people
        .map(|contact| Person {
            id: contact.id.to_string(),
            name: contact.name.clone(),
            phone: contact.phone.as_ref().map(ToString::to_string),
            sms: contact.sms.as_ref().map(ToString::to_string),
            email: contact.email.as_ref().map(ToString::to_string),
            on_call: on_call == Some(&contact.id),
            backup: group.backup.contains(&contact.id),
        })
        .collect()
}

fn exceptions(roster: &Roster, group: &Group, times: Times<'_>, config: &Config) -> Vec<Exception> {
    let of_group = roster.overrides.iter().filter(|one| one.group == group.id);
    let current = of_group.filter(|one| one.until.is_none_or(|until| until > times.now));
    current
        .map(|one| Exception {
            who: contact_name(config, &one.contact),
            from: times.at(one.from),
            until: one.until.map(|until| times.at(until)),
            by: one.made_by.clone(),
            holds: one.holds(times.now),
        })
        .collect()
}

fn people(group: &Group, roster: &Roster) -> Vec<(String, String)> {
    let own = roster.everybody(&group.id);
    let is_own = |id: &ContactId| own.contains(id) || group.backup.contains(id);
    let (mut first, others): (Vec<_>, Vec<_>) = roster.contacts.values().partition(|contact| is_own(&contact.id));
    first.extend(others);
    first.into_iter().map(|contact| (contact.id.to_string(), contact.name.clone())).collect()
}

/// Puts somebody on call from one moment to another.
pub(super) fn override_duty(routes: &Routes, asked: &Asked<'_>, id: &str, form: &[(String, String)]) -> Answer {
    let config = &routes.desk.config;
    let group = GroupId::new(id);
    if !config.roster.groups.contains_key(&group) {
        return Ok(not_there(routes, asked));
    }
    let typed = |name| field(form, name).unwrap_or_default().to_owned();
    let mut filled = Form { contact: typed("contact"), from: typed("from"), until: typed("until"), trouble: None };
    let made_by = format!("web:{}", asked.visitor.name);
    match wanted((&filled.contact, &filled.from, &filled.until), config, &group, made_by, asked.now) {
        Ok(new) => {
            routes.with_store(|store| store.add_override(&new))?;
            routes.wake();
            tracing::info!(group = %group, contact = %new.contact, by = new.made_by, "who is on call was changed");
            Ok(Response::see_other(&format!("/groups/{}", segment(id))))
        }
        Err(trouble) => {
            filled.trouble = Some(trouble);
            shown(routes, asked, id, 400, filled)
        }
    }
}

/// The override that is asked for (who, from when, until when, as it was typed), or what is wrong with it.
pub(in crate::server) fn wanted(
    (contact, from, until): (&str, &str, &str),
    config: &Config,
    group: &GroupId,
    made_by: String,
    now: Timestamp,
) -> Result<Override, String> {
    let contact = ContactId::new(contact);
    let Some(person) = config.roster.contacts.get(&contact) else {
        return Err("Choose who is to be on call.".to_owned());
    };
    if person.phone.is_none() && person.text_number().is_none() {
        return Err(format!("{} has no number: nobody could be called.", person.name));
    }
    let zone = &config.defaults.time_zone;
    let read = |text: &str, after| moment(text, after, zone).map_err(|error| format!("{error}."));
    let from = if from.is_empty() { now } else { read(from, now)? };
    // A browser's input knows no seconds: the minute under way is now.
    let from = if from < now && now.duration_since(from).as_secs() < 60 { now } else { from };
    let until = if until.is_empty() { None } else { Some(read(until, from)?) };
    if from < now {
        return Err("It would begin in the past.".to_owned());
    }
    if until.is_some_and(|until| until <= from) {
        return Err("It would end before it begins.".to_owned());
    }
    Ok(Override { group: group.clone(), contact, from, until, made_by })
}

/// Ends all overrides of a group: the rule file says again who is on call.
pub(super) fn end_overrides(routes: &Routes, asked: &Asked<'_>, id: &str, _form: &[(String, String)]) -> Answer {
    let group = GroupId::new(id);
    if !routes.desk.config.roster.groups.contains_key(&group) {
        return Ok(not_there(routes, asked));
    }
    routes.with_store(|store| store.end_overrides(&group, asked.now))?;
    routes.wake();
    tracing::info!(group = %group, by = asked.visitor.name, "the overrides were ended");
    Ok(Response::see_other(&format!("/groups/{}", segment(id))))
}
