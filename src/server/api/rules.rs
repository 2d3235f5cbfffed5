//! What the rule file says, as far as it is for others, and what its rules make of a mail.

use serde_json::{Value, json};

use super::body::media_type;
use super::problem::Problem;
use super::{Answer, Call, object};
use crate::config::Role;
use crate::engine::heartbeats;
use crate::heartbeat::State;
use crate::rules::Action;
use crate::server::Routes;
use crate::server::pages::rules::conditions;
use crate::server::pages::trial;

/// At most so many recipients are given with a mail.
const MOST_RECIPIENTS: usize = 20;

/// `GET /api/groups`
#[allow(clippy::unnecessary_wraps, reason = "as all answers of the table")]
pub(super) fn groups(routes: &Routes, _call: &Call<'_>) -> Answer {
    let config = &routes.desk.config;
    let groups = config.roster.groups.values().map(|group| {
        let recipients = config.recipients.iter().filter(|one| one.group == group.id);
        json!({
            "id": group.id,
            "name": group.name,
            "policy": group.policy,
            "members": config.roster.everybody(&group.id),
            "backup": group.backup,
            "recipients": recipients.map(|one| one.pattern.as_str()).collect::<Vec<_>>(),
        })
    });
    Ok(object(200, &json!({ "groups": groups.collect::<Vec<_>>() })))
}

/// `GET /api/rules`
pub(super) fn rules(routes: &Routes, call: &Call<'_>) -> Answer {
    let config = &routes.desk.config;
    let (uses, seen) =
        routes.with_store(|store| Ok((store.rule_uses()?, heartbeats::stand(config, store, call.now)?)))?;
    let in_full = call.visitor.role >= Role::Admin;
    let rules = config.rules.rules.iter().map(|rule| {
        let of_rule = uses.iter().find(|one| one.rule == rule.name);
        // One that says `ignore` leaves no trace, so that it cannot be counted.
        let counted = rule.action != Action::Ignore;
        json!({
            "name": rule.name,
            "action": rule.action,
            "group": rule.group,
            "policy": rule.policy,
            "continue": rule.goes_on,
            "mails": counted.then(|| of_rule.map_or(0, |one| one.mails)),
            "last_at": of_rule.map(|one| one.last_at),
            "conditions": in_full.then(|| conditions(rule)),
        })
    });
    let heartbeats = seen.iter().map(|one| {
        let is_late = one.standing.is_some_and(|standing| standing.state == State::Late);
        json!({
            "name": one.heartbeat.name,
            "group": one.heartbeat.group,
            "comes": one.heartbeat.comes(),
            "last_at": one.sighting.arrived_at,
            "late": is_late,
        })
    });
    let (rules, heartbeats): (Vec<Value>, Vec<Value>) = (rules.collect(), heartbeats.collect());
    Ok(object(200, &json!({ "rules": rules, "heartbeats": heartbeats })))
}

/// `POST /api/explain`
pub(super) fn explain(routes: &Routes, call: &Call<'_>) -> Answer {
    if call.request.body.is_empty() {
        return Err(Problem::impossible("the body is empty: send a mail, with its header"));
    }
    media_type(call.request, &["text/plain", "message/rfc822"])?;
    let recipients: Vec<String> = call.query.all("recipient").map(str::to_owned).collect();
    if recipients.len() > MOST_RECIPIENTS {
        return Err(Problem::bad(format!("there are more than {MOST_RECIPIENTS} recipients")));
    }
    let (config, sender) = (&routes.desk.config, call.query.get("sender"));
    let explained = trial::explain(config, &call.request.body, sender, &recipients, (call.now, call.visitor.role));
    let (mut explained, is_reply) = explained.map_err(Problem::impossible)?;
    if let Value::Object(fields) = &mut explained {
        fields.insert("is_reply".to_owned(), json!(is_reply));
    }
    Ok(object(200, &explained))
}
