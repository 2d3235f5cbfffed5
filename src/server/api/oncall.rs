//! Who is on call: now, in the weeks to come, and changed.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::body::Body;
use super::problem::Problem;
use super::query::rfc3339;
use super::{Answer, Call, author, object};
use crate::oncall::{GroupId, Override, Roster};
use crate::report::duty;
use crate::server::Routes;
use crate::server::pages::group::wanted;
use crate::store;

/// So far ahead shifts are listed when nobody says until when,
const USUAL: SignedDuration = SignedDuration::from_hours(28 * 24);
/// and at most over so long.
const LONGEST: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);
/// Overrides that have ended since are looked at, too: the shift under way began when one of them ended.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(366 * 24);

/// `GET /api/oncall`
pub(super) fn all(routes: &Routes, call: &Call<'_>) -> Answer {
    let at = call.query.moment("at", call.now, &routes.desk.config.defaults.time_zone)?.unwrap_or(call.now);
    let roster = roster(routes, at.min(call.now))?;
    let duties: Vec<Value> = roster.groups.keys().map(|group| duty::now(&roster, group, at)).collect();
    Ok(object(200, &json!({ "at": at, "oncall": duties })))
}

/// `GET /api/oncall/{group}`
pub(super) fn shifts(routes: &Routes, call: &Call<'_>) -> Answer {
    let group = named(routes, call)?;
    let (now, zone) = (call.now, &routes.desk.config.defaults.time_zone);
    let from = call.query.moment("from", now, zone)?.unwrap_or(now);
    let until = match call.query.moment("until", from, zone)? {
        Some(until) => until,
        None => from.checked_add(USUAL).unwrap_or(Timestamp::MAX),
    };
    if until <= from {
        return Err(Problem::impossible("`until` is not after `from`"));
    }
    if until.duration_since(from) > LONGEST {
        return Err(Problem::impossible("`until` is more than two years after `from`"));
    }
    let roster = roster(routes, from.min(now))?;
    let shifts = roster.shifts(&group, from, until);
    let overrides = roster.overrides.iter().filter(|one| one.group == group);
    let overlapping = overrides.filter(|one| one.from < until && one.until.is_none_or(|end| end > from));
    Ok(object(
        200,
        &json!({
            "group": group,
            "now": duty::now(&roster, &group, now),
            "shifts": shifts.iter().map(|shift| duty::shift(&roster, &group, shift)).collect::<Vec<_>>(),
            "overrides": overlapping.map(exception).collect::<Vec<_>>(),
        }),
    ))
}

/// `POST /api/oncall/{group}`
pub(super) fn hand_over(routes: &Routes, call: &Call<'_>) -> Answer {
    let group = named(routes, call)?;
    let body = Body::of(call.request, &["contact", "from", "until"])?;
    let contact = body.text("contact")?.ok_or_else(|| Problem::bad("`contact` is missing"))?;
    let config = &routes.desk.config;
    if !config.roster.contacts.keys().any(|id| id.as_str() == contact) {
        return Err(Problem::impossible("the rule file has no such contact"));
    }
    // Times are read here, so that what is no time is told apart from one that cannot be.
    let time = |name| -> Result<String, Problem> {
        let Some(text) = body.text(name)? else { return Ok(String::new()) };
        let is_time = rfc3339(text).is_some()
            || crate::oncall::moment::moment(text, call.now, &config.defaults.time_zone).is_ok();
        if is_time { Ok(text.to_owned()) } else { Err(Problem::bad(format!("`{name}` is no time"))) }
    };
    let (from, until) = (time("from")?, time("until")?);
    let new = wanted((contact, &from, &until), config, &group, author(call.visitor), call.now);
    let new = new.map_err(Problem::impossible)?;
    routes.with_store(|store| store.add_override(&new))?;
    routes.wake();
    tracing::info!(group = %group, contact = %new.contact, by = new.made_by, "who is on call was changed");
    Ok(object(201, &exception(&new)))
}

/// `POST /api/oncall/{group}/end`
pub(super) fn end(routes: &Routes, call: &Call<'_>) -> Answer {
    let group = named(routes, call)?;
    Body::of(call.request, &[])?;
    let ended = routes.with_store(|store| store.end_overrides(&group, call.now))?;
    routes.wake();
    tracing::info!(group = %group, by = author(call.visitor), "the overrides were ended");
    Ok(object(200, &json!({ "ended": ended })))
}

/// The group that an address names.
fn named(routes: &Routes, call: &Call<'_>) -> Result<GroupId, Problem> {
    let group = GroupId::new(call.named(0));
    let known = routes.desk.config.roster.groups.contains_key(&group);
    if known { Ok(group) } else { Err(Problem::nothing("the rule file has no such group")) }
}

/// The roster with all overrides that matter from this time on.
fn roster(routes: &Routes, since: Timestamp) -> store::Result<Roster> {
    let mut roster = routes.desk.config.roster.clone();
    let since = since.checked_sub(REMEMBERED).unwrap_or(since);
    roster.overrides = routes.with_store(|store| store.overrides(since))?;
    Ok(roster)
}

fn exception(one: &Override) -> Value {
    json!({
        "group": one.group,
        "contact": one.contact,
        "from": one.from,
        "until": one.until,
        "by": one.made_by,
    })
}
