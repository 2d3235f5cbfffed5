//! The rules: what each matches, how often it did, and when last.

use serde::Serialize;

use super::time::At;
use super::{Answer, Asked};
use crate::config::Role;
use crate::engine::heartbeats;
use crate::heartbeat::State;
use crate::rules::Rule;
use crate::server::Routes;

/// So much of a condition is shown.
const LONGEST: usize = 300;

#[derive(Serialize)]
struct Page {
    rules: Vec<Row>,
    heartbeats: Vec<Beat>,
    /// Since when matches are counted at all: what is younger cannot be called dead.
    dead: usize,
    shown: bool,
}

#[derive(Serialize)]
struct Row {
    number: usize,
    name: String,
    action: &'static str,
    group: Option<String>,
    conditions: Vec<String>,
    goes_on: bool,
    /// How many mails it matched; nothing where that is not counted.
    mails: Option<u64>,
    last: Option<At>,
    /// It has never matched.
    dead: bool,
}

#[derive(Serialize)]
struct Beat {
    name: String,
    comes: String,
    last: Option<At>,
    late: bool,
    group: String,
}

/// The page.
pub(super) fn page(routes: &Routes, asked: &Asked<'_>) -> Answer {
    let config = &routes.desk.config;
    let frame = routes.frame(asked, "rules");
    let (uses, seen) =
        routes.with_store(|store| Ok((store.rule_uses()?, heartbeats::stand(config, store, asked.now)?)))?;
    let shown = asked.visitor.role >= Role::Admin;
    let rows = config.rules.rules.iter().enumerate().map(|(place, rule)| {
        let of_rule = uses.iter().find(|one| one.rule == rule.name);
        // A rule that says `ignore` leaves no trace: nothing is opened for a mail that nobody wants.
        let counted = rule.action != crate::rules::Action::Ignore;
        let mails = of_rule.map_or(0, |one| one.mails);
        Row {
            number: place + 1,
            name: rule.name.clone(),
            action: rule.action.word(),
            group: rule.group.clone(),
            conditions: if shown { conditions(rule) } else { Vec::new() },
            goes_on: rule.goes_on,
            mails: counted.then_some(mails),
            last: of_rule.map(|one| frame.times.at(one.last_at)),
            dead: counted && mails == 0,
        }
    });
    let rules: Vec<Row> = rows.collect();
    let heartbeats = seen.iter().map(|one| Beat {
        name: one.heartbeat.name.clone(),
        comes: one.heartbeat.comes(),
        last: one.sighting.arrived_at.map(|at| frame.times.at(at)),
        late: one.standing.is_some_and(|standing| standing.state == State::Late),
        group: super::alerts::group_name(config, &one.heartbeat.group),
    });
    let heartbeats = heartbeats.collect();
    let dead = rules.iter().filter(|rule| rule.dead).count();
    Ok(frame.page_for(asked.request, "rules.html", Page { rules, heartbeats, dead, shown }))
}

/// What a rule asks for, each condition in words.
pub(in crate::server) fn conditions(rule: &Rule) -> Vec<String> {
    let cut = |text: String| match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    };
    rule.when.iter().map(|condition| cut(condition.describe())).collect()
}
