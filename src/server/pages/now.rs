//! The first page: what is open, who has what, and who is on call.

use serde::Serialize;

use super::alerts::{Card, cards, contact_name};
use super::time::{At, Times};
use super::{Answer, Asked};
use crate::alert::State;
use crate::config::Config;
use crate::oncall::{GroupId, Roster};
use crate::report::duty::Now;
use crate::server::Routes;
use crate::store::Filter;

/// So many alerts of a state are shown; the list has the others.
const SHOWN: usize = 30;

#[derive(Serialize)]
struct Page {
    open: Vec<Card>,
    more_open: bool,
    taken: Vec<Card>,
    more_taken: bool,
    groups: Vec<Row>,
}

/// A group, and who is on call for it.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub id: String,
    pub name: String,
    /// Who is on call; nothing: nobody, and all are called.
    pub who: Option<String>,
    pub phone: Option<String>,
    pub until: Option<At>,
    pub next: Option<String>,
    pub second: Option<String>,
    /// What says so: `rotation`, `override by david`.
    pub why: String,
    pub overridden: bool,
}

/// The page.
pub(super) fn page(routes: &Routes, asked: &Asked<'_>) -> Answer {
    let config = &routes.desk.config;
    let frame = routes.frame(asked, "now");
    let (mut open, mut taken, roster) = routes.with_store(|store| {
        let of = |state| Filter { states: vec![state], limit: Some(SHOWN + 1), ..Filter::default() };
        let open = store.alerts(&of(State::Open))?;
        let taken = store.alerts(&of(State::Acknowledged))?;
        Ok((open, taken, routes.desk.roster(store)?))
    })?;
    let more = |alerts: &mut Vec<_>| {
        let more = alerts.len() > SHOWN;
        alerts.truncate(SHOWN);
        more
    };
    let (more_open, more_taken) = (more(&mut open), more(&mut taken));
    let groups = roster.groups.keys().map(|group| row(config, &roster, group, frame.times)).collect();
    let page = Page {
        open: cards(&open, config, frame.times, &asked.visitor),
        more_open,
        taken: cards(&taken, config, frame.times, &asked.visitor),
        more_taken,
        groups,
    };
    Ok(frame.page_for(asked.request, "now.html", page))
}

/// Who is on call for a group now.
pub(super) fn row(config: &Config, roster: &Roster, group: &GroupId, times: Times<'_>) -> Row {
    let now = Now::of(roster, group, times.now);
    let contact = now.contact().and_then(|id| roster.contacts.get(id));
    Row {
        id: group.to_string(),
        name: super::alerts::group_name(config, group),
        who: contact.map(|contact| contact.name.clone()),
        phone: contact.and_then(|contact| contact.phone.as_ref()).map(ToString::to_string),
        until: now.until.map(|until| times.at(until)),
        next: now.next.as_ref().map(|next| contact_name(config, next)),
        second: now.second.map(|second| contact_name(config, second)),
        why: now.why.to_string(),
        overridden: now.overridden(),
    }
}
