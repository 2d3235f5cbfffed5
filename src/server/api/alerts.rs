//! Alerts: listed, shown, acted upon.

use serde_json::json;

use super::body::Body;
use super::problem::Problem;
use super::query::Query;
use super::{Answer, Call, object};
use crate::alert::{Actor, AlertId, State, Through};
use crate::notify::clean::is_hidden;
use crate::oncall::{ContactId, GroupId};
use crate::report::alert::{summary, whole};
use crate::server::Routes;
use crate::server::pages::act::{self as acting, number};
use crate::server::session::Proof;
use crate::store::{Filter, Found, LOOKED_THROUGH};

/// So many are listed when nobody says how many,
const USUAL: i64 = 50;
/// and at most so many.
const MOST: i64 = 200;
/// The name of whoever does something is no longer than this, in characters.
const LONGEST_NAME: usize = 100;

/// `GET /api/alerts`
pub(super) fn list(routes: &Routes, call: &Call<'_>) -> Answer {
    let query = &call.query;
    let text = |name| query.get(name).map(str::to_owned);
    let limit = query.number("limit", (1, MOST))?.unwrap_or(USUAL);
    let limit = usize::try_from(limit).unwrap_or_default();
    let filter = Filter {
        states: states(query)?,
        group: text("group").map(GroupId::new),
        recipient: text("recipient"),
        text: text("text"),
        since: query.time("since")?,
        until: query.time("until")?,
        before: query.number("before", (1, i64::MAX))?.map(AlertId),
        // One more tells whether there are more.
        limit: Some(limit + 1),
    };
    let Found { mut alerts, stopped_at } = routes.with_store(|store| store.search(&filter, LOOKED_THROUGH))?;
    let more = alerts.len() > limit;
    alerts.truncate(limit);
    let last = if more { alerts.last().map(|alert| alert.id) } else { stopped_at };
    let next = last.map(|last| next(query, last));
    Ok(object(200, &json!({ "alerts": alerts.iter().map(summary).collect::<Vec<_>>(), "next": next })))
}

fn states(query: &Query) -> Result<Vec<State>, Problem> {
    let Some(text) = query.get("state") else { return Ok(Vec::new()) };
    let state = |word| {
        let all = [State::Open, State::Acknowledged, State::Resolved, State::Expired];
        all.into_iter().find(|state| state.word() == word)
    };
    let wrong = "`state` is one or more of open, acknowledged, resolved, expired, each once, with commas between them";
    let mut states = Vec::new();
    for word in text.split(',') {
        let state = state(word).filter(|state| !states.contains(state));
        states.push(state.ok_or_else(|| Problem::bad(wrong))?);
    }
    Ok(states)
}

/// The address of what comes after this alert.
fn next(query: &Query, last: AlertId) -> String {
    let mut again = form_urlencoded::Serializer::new(String::new());
    for name in ["state", "group", "recipient", "text", "since", "until", "limit"] {
        if let Some(value) = query.get(name) {
            again.append_pair(name, value);
        }
    }
    again.append_pair("before", &last.to_string());
    format!("/api/alerts?{}", again.finish())
}

/// The alert that an address names.
fn named(call: &Call<'_>) -> Result<AlertId, Problem> {
    number(call.named(0)).ok_or_else(|| Problem::nothing("there is no such alert"))
}

/// `GET /api/alerts/{id}`
pub(super) fn one(routes: &Routes, call: &Call<'_>) -> Answer {
    let id = named(call)?;
    let alert = routes.with_store(|store| Ok(whole(&store.alert(id)?, &store.history(id)?, &store.mails(id)?)))?;
    Ok(object(200, &alert))
}

/// `POST /api/alerts/{id}/{action}`
pub(super) fn act(routes: &Routes, call: &Call<'_>) -> Answer {
    let id = named(call)?;
    let what = match call.named(1) {
        "ack" => "acknowledge",
        what => what,
    };
    let nobody = Actor { contact: None, name: String::new(), through: Through::Api };
    if acting::event(what, nobody).is_none() {
        return Err(Problem::nothing("one can acknowledge, resolve, pass-on and take-over"));
    }
    let body = Body::of(call.request, &["by"])?;
    let by = actor(routes, call, body.text("by")?)?;
    let name = by.name.clone();
    let Some(event) = acting::event(what, by) else { return Err(Problem::nothing("there is no such action")) };
    let alert = routes.with_store(|store| {
        acting::apply(routes, store, id, &event)?;
        store.alert(id)
    })?;
    tracing::info!(alert = %id, what, by = name, "done by the API");
    Ok(object(200, &summary(&alert)))
}

/// Whoever does it: a program in its own name, or for somebody, who may be one of the contacts.
fn actor(routes: &Routes, call: &Call<'_>, by: Option<&str>) -> Result<Actor, Problem> {
    let config = &routes.desk.config;
    let own = acting::actor(call.visitor, config);
    let is_program = match call.visitor.proof {
        Proof::Token => true,
        Proof::Password | Proof::Proxy | Proof::Link => false,
    };
    match by {
        None if is_program => Ok(Actor { through: Through::Api, ..own }),
        None => Ok(own),
        Some(_) if !is_program => Err(Problem::new(403, "who is signed in acts in their own name, without `by`")),
        Some(by) => {
            if by.chars().count() > LONGEST_NAME {
                return Err(Problem::bad(format!("`by` is longer than {LONGEST_NAME} characters")));
            }
            let contact = config.roster.contacts.get(&ContactId::new(by));
            let clean: String = by.chars().filter(|one| !one.is_control() && !is_hidden(*one)).collect();
            let name = contact.map_or(clean.trim(), |contact| contact.name.as_str());
            if name.is_empty() {
                return Err(Problem::impossible("`by` names nobody"));
            }
            // Both: the history must tell which program said so.
            let name = format!("{name} via {}", call.visitor.name);
            Ok(Actor { contact: contact.map(|contact| contact.id.clone()), name, through: Through::Api })
        }
    }
}
