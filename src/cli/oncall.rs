//! `thialfi oncall`: who is on call, and changing it.

use std::path::Path;

use anstream::{print, println};
use anyhow::bail;
use clap::Args;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::json;

use super::setup::{self, complain};
use super::table::{self, Table};
use crate::clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::oncall::{ContactId, GroupId, Override, Roster};
use crate::store::{Sqlite, Store};

/// What `oncall` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Only this group
    pub group: Option<String>,
    /// Who is on call from now on
    pub contact: Option<String>,
    /// Until when: a time (`2026-11-02 09:00`), a time of day (`18:00`), or how long (`8h`)
    #[arg(long, value_name = "T", requires = "contact")]
    pub until: Option<String>,
    /// Print one JSON array
    #[arg(long)]
    pub json: bool,
}

/// Shows or changes who is on call.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    match story(config, options) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}

fn story(config: Option<&Path>, options: &Options) -> Result<(), Exit> {
    let config = setup::look_or_complain(config)?;
    let now = clock::from_environment().now();
    let group = options.group.as_deref().map(|name| known_group(&config, name)).transpose()?;
    // Looking must not need the right to write: without a store there are no overrides.
    let mut store = match (&options.contact, config.store.exists()) {
        (None, false) => None,
        _ => Some(setup::open_store(&config)?),
    };
    if let (Some(group), Some(contact), Some(store)) = (&group, &options.contact, &mut store) {
        change(&config, store, group, contact, options.until.as_deref(), now)?;
    }
    let mut roster = config.roster.clone();
    if let Some(store) = &mut store {
        roster.overrides = store.overrides(now).map_err(|error| {
            complain(&error.to_string());
            Exit::No
        })?;
    }
    let shown: Vec<&GroupId> = match &group {
        Some(group) => vec![group],
        None => roster.groups.keys().collect(),
    };
    if options.json {
        print_json(&roster, &shown, now);
    } else {
        print_table(&roster, &shown, now);
    }
    Ok(())
}

fn known_group(config: &Config, name: &str) -> Result<GroupId, Exit> {
    let id = GroupId::new(name);
    if config.roster.groups.contains_key(&id) {
        return Ok(id);
    }
    let names = config.roster.groups.keys().map(GroupId::as_str);
    complain(&format!("there is no group `{name}`{}", nearest(name, names)));
    Err(Exit::No)
}

fn change(
    config: &Config,
    store: &mut Sqlite,
    group: &GroupId,
    contact: &str,
    until: Option<&str>,
    now: Timestamp,
) -> Result<(), Exit> {
    let id = ContactId::new(contact);
    if !config.roster.contacts.contains_key(&id) {
        let names = config.roster.contacts.keys().map(ContactId::as_str);
        complain(&format!("there is no contact `{contact}`{}", nearest(contact, names)));
        return Err(Exit::No);
    }
    let until = match until.map(|text| moment(text, now, &config.defaults.time_zone)).transpose() {
        Ok(until) => until,
        Err(why) => {
            complain(&why.to_string());
            return Err(Exit::Usage);
        }
    };
    if until.is_some_and(|until| until <= now) {
        complain("--until lies in the past: nothing was changed");
        return Err(Exit::Usage);
    }
    let made_by = format!("cli:{}", setup::user());
    let new = Override { group: group.clone(), contact: id, from: now, until, made_by };
    store.add_override(&new).map_err(|error| {
        complain(&error.to_string());
        Exit::No
    })
}

/// Reads `2026-11-02 09:00`, `18:00` (the next one) or `8h`.
pub fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    if let Ok(date_time) = text.parse::<jiff::civil::DateTime>() {
        let zoned = date_time.to_zoned(zone.clone())?;
        return Ok(zoned.timestamp());
    }
    if let Ok(time) = text.parse::<jiff::civil::Time>() {
        let local: Zoned = now.to_zoned(zone.clone());
        let today = local.date().to_datetime(time).to_zoned(zone.clone())?;
        if today.timestamp() > now {
            return Ok(today.timestamp());
        }
        let tomorrow = local.date().tomorrow()?;
        let zoned = tomorrow.to_datetime(time).to_zoned(zone.clone())?;
        return Ok(zoned.timestamp());
    }
    if let Ok(span) = text.parse::<jiff::Span>() {
        let zoned = now.to_zoned(zone.clone()).checked_add(span)?;
        return Ok(zoned.timestamp());
    }
    if let Ok(duration) = text.parse::<SignedDuration>() {
        return Ok(now.checked_add(duration)?);
    }
    bail!("`{text}` is no time: write `2026-11-02 09:00`, `18:00`, or how long, `8h`")
}

fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = names.collect();
    let close = all.iter().map(|known| (strsim::jaro_winkler(name, known), known)).filter(|(score, _)| *score > 0.7);
    match close.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, known)) => format!("; did you mean `{known}`?"),
        None if all.is_empty() => "; the rule file has none".to_owned(),
        None => format!("; there are {}", all.join(", ")),
    }
}

fn print_json(roster: &Roster, groups: &[&GroupId], now: Timestamp) {
    let rows: Vec<_> = groups
        .iter()
        .map(|group| {
            let duty = roster.duty(group, now);
            let contact = duty.as_ref().map(|duty| &duty.contact);
            json!({
                "group": group,
                "contact": contact,
                "phone": contact.and_then(|id| roster.contacts.get(id)).and_then(|contact| contact.phone.as_ref()),
                "until": duty.as_ref().and_then(|duty| duty.until).map(|until| until.to_string()),
                "next": duty.as_ref().and_then(|duty| duty.next.as_ref()),
                "overridden": duty.as_ref().is_some_and(|duty| duty.overridden()),
            })
        })
        .collect();
    println!("{}", serde_json::Value::Array(rows));
}

fn print_table(roster: &Roster, groups: &[&GroupId], now: Timestamp) {
    if groups.is_empty() {
        println!("The rule file has no groups.");
        return;
    }
    let mut table = Table::new(&["GROUP", "ON CALL", "PHONE", "UNTIL", "NEXT"]);
    let zone = TimeZone::system();
    for group in groups {
        let Some(duty) = roster.duty(group, now) else {
            table.row([group.to_string(), "nobody".to_owned()]);
            continue;
        };
        let contact = roster.contacts.get(&duty.contact);
        let name = contact.map_or_else(|| duty.contact.to_string(), |contact| contact.name.clone());
        let phone =
            contact.and_then(|contact| contact.phone.as_ref()).map_or_else(|| "-".to_owned(), ToString::to_string);
        let until = duty.until.map(|until| until.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string());
        let next = duty
            .next
            .as_ref()
            .map(|id| roster.contacts.get(id).map_or_else(|| id.to_string(), |contact| contact.name.clone()));
        table.row([
            group.to_string(),
            if duty.overridden() { format!("{name} (override)") } else { name },
            phone,
            until.unwrap_or_else(|| "-".to_owned()),
            next.unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    print!("{}", table.render(table::terminal_width()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_may_be_a_time_a_time_of_day_or_a_duration() {
        let now: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        let read = |text: &str| moment(text, now, &zone).map(|at| at.to_string());
        assert_eq!(read("2026-11-03T00:00:00Z").unwrap(), "2026-11-03T00:00:00Z");
        assert_eq!(read("2026-11-03 09:00").unwrap(), "2026-11-02T20:00:00Z");
        // It is 21:00 in Auckland.
        assert_eq!(read("22:00").unwrap(), "2026-11-02T09:00:00Z");
        assert_eq!(read("18:00").unwrap(), "2026-11-03T05:00:00Z");
        assert_eq!(read("8h").unwrap(), "2026-11-02T16:00:00Z");
        assert_eq!(read("1 week").unwrap(), "2026-11-09T08:00:00Z");
        assert!(read("soon").unwrap_err().to_string().contains("`soon` is no time"));
    }
}
