//! `[policies]` and the built-in ones: whom to notify, in what order.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::Scope;
use super::hours;
use super::names::Names;
use super::scalar::Fault;
use super::suggest::nearest;
use super::time;
use super::value::{Table, Value};
use crate::alert::{Channel, Policy, Step, Target};
use crate::oncall::Hours;

/// Policies that are there even when the rule file has none.
pub(super) const BUILT_IN_POLICIES: &[&str] = &["call", "page", "sms"];

/// The policy of a group that names none.
pub(super) const DEFAULT_POLICY: &str = "page";

const POLICY_KEYS: &[&str] = &["steps", "repeat", "remind", "answer"];
const STEP_KEYS: &[&str] = &["notify", "by", "attempts", "wait", "redial", "only"];
const SHORTEST_REMINDER: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_REMINDER: SignedDuration = SignedDuration::from_hours(7 * 24);
const LONGEST_REDIAL: SignedDuration = SignedDuration::from_mins(30);
const WAIT: SignedDuration = SignedDuration::from_mins(5);
const TARGETS: &[&str] = &["oncall", "secondary", "backup", "group", "escalation", "group:NAME", "contact:NAME"];
const CHANNELS: &[(&str, Channel)] = &[("call", Channel::Call), ("sms", Channel::Text), ("email", Channel::Email)];

/// Reads all policies and adds the built-in ones that the rule file does not replace. `escalation` is whom the
/// defaults name for the last resort.
pub(super) fn read(scope: &Scope<'_>, escalation: Option<&Target>) -> BTreeMap<String, Policy> {
    let mut policies: BTreeMap<String, Policy> =
        built_in(escalation).into_iter().map(|policy| (policy.name.clone(), policy)).collect();
    for (name, entry) in &scope.names.policies.entries {
        let Some(table) = scope.reader.table(entry.value) else { continue };
        if let Some(policy) = policy(scope, name, table, escalation) {
            policies.insert((*name).to_owned(), policy);
        }
    }
    policies
}

/// `call`, `sms` and `page` as they are when the rule file does not replace them. All end with the whole group: a group
/// may have no backup, and who is on call no number.
fn built_in(escalation: Option<&Target>) -> [Policy; 3] {
    let minutes = SignedDuration::from_mins;
    let step = |notify, by, attempts, wait| Step { notify, by: vec![by], attempts, wait, ..Step::default() };
    let policy = |name: &str, steps, repeat| Policy {
        name: name.to_owned(),
        steps,
        repeat,
        remind: None,
        last_resort: escalation.cloned(),
    };
    let (call, sms) = (Channel::Call, Channel::Text);
    [
        policy(
            "call",
            vec![
                step(Target::OnCall, call, 3, minutes(5)),
                step(Target::Backup, call, 2, minutes(5)),
                step(Target::Group, call, 1, minutes(5)),
            ],
            0,
        ),
        policy(
            "sms",
            vec![
                step(Target::OnCall, sms, 1, minutes(15)),
                step(Target::Backup, sms, 1, minutes(15)),
                step(Target::Group, sms, 1, minutes(15)),
            ],
            0,
        ),
        policy(
            "page",
            vec![
                step(Target::OnCall, sms, 1, minutes(5)),
                step(Target::OnCall, call, 3, minutes(5)),
                step(Target::Backup, call, 2, minutes(5)),
                step(Target::Group, call, 2, minutes(5)),
            ],
            1,
        ),
    ]
}

fn policy(scope: &Scope<'_>, name: &str, table: Table<'_>, escalation: Option<&Target>) -> Option<Policy> {
    let reader = scope.reader;
    reader.only(table, POLICY_KEYS);
    if let Some(answer) = table.get("answer") {
        let hint = "leave it out: somebody must press a key, reply or click";
        reader.error_hint(answer.at, "`answer` is not supported yet", hint);
    }
    let example = "[ { notify = \"oncall\", by = \"call\", wait = \"5m\" } ]";
    let list = reader.need(table, "steps", example).and_then(|value| {
        let list = reader.list(value)?;
        if list.is_empty() {
            reader.error(value.at, format!("the policy `{name}` has no step, so it would notify nobody"));
        }
        Some(list)
    });
    let repeat = table.get("repeat").map_or(Some(0), |value| reader.number(value, &(0..=20)));
    let within = |text| time::duration_within(text, SHORTEST_REMINDER, LONGEST_REMINDER);
    let remind = match table.get("remind") {
        Some(value) => Some(reader.parsed(value, within)?),
        None => None,
    };
    let steps = list?.into_iter().filter_map(|value| step(scope, reader.table(value)?, escalation)).collect();
    Some(Policy { name: name.to_owned(), steps, repeat: repeat?, remind, last_resort: escalation.cloned() })
}

fn step(scope: &Scope<'_>, table: Table<'_>, escalation: Option<&Target>) -> Option<Step> {
    let reader = scope.reader;
    reader.only(table, STEP_KEYS);
    let wait = |text| time::duration_within(text, SignedDuration::from_secs(10), SignedDuration::from_hours(24));
    let notify = reader.need(table, "notify", "\"oncall\"");
    let notify = notify.and_then(|value| reader.parsed(value, |text| target(text, &scope.names, escalation)));
    let by = table.get("by").map_or(Some(vec![Channel::Call]), |value| channels(scope, value));
    let attempts = table.get("attempts").map_or(Some(1), |value| reader.number(value, &(1..=20)));
    let wait = table.get("wait").map_or(Some(WAIT), |value| reader.parsed(value, wait));
    let redial = |text| time::duration_within(text, SignedDuration::ZERO, LONGEST_REDIAL);
    let redial = table.get("redial").map_or(Some(SignedDuration::ZERO), |value| reader.parsed(value, redial));
    let only = match table.get("only") {
        Some(value) => Some(hours(scope, value)?),
        None => None,
    };
    Some(Step { notify: notify?, by: by?, attempts: attempts?, wait: wait?, redial: redial?, only })
}

/// When a step counts. An alert carries its policy with it, and time zones by their names.
fn hours(scope: &Scope<'_>, value: Value<'_>) -> Option<Hours> {
    let hours = hours::read(scope, value, &scope.time_zone, "step")?;
    if hours.spans.iter().any(|span| span.time_zone.iana_name().is_none()) {
        let hint = "write `time_zone = \"Pacific/Auckland\"` under `[defaults]`, or name it here: `on = \"Mon-Fri Pacific/Auckland\"`";
        scope.reader.error_hint(value.at, "this machine's time zone has no name", hint);
        return None;
    }
    Some(hours)
}

/// `"call"`, `"sms"`, `"email"`, or a list of them.
fn channels(scope: &Scope<'_>, value: Value<'_>) -> Option<Vec<Channel>> {
    let reader = scope.reader;
    let items = reader.one_or_list(value);
    if items.is_empty() {
        reader.error_hint(value.at, "this step has no channel", "write `by = \"call\"` or `by = [\"sms\", \"call\"]`");
    }
    let mut channels = Vec::new();
    for item in items {
        let channel = reader.choice(item, CHANNELS)?;
        if channels.contains(&channel) {
            reader.error(item.at, format!("`{}` is listed twice", channel.word()));
        } else {
            channels.push(channel);
        }
    }
    (!channels.is_empty()).then_some(channels)
}

/// Whom a step notifies.
fn target(text: &str, names: &Names<'_>, escalation: Option<&Target>) -> Result<Target, Fault> {
    match text {
        "oncall" => Ok(Target::OnCall),
        "secondary" => Ok(Target::Secondary),
        "backup" => Ok(Target::Backup),
        "group" => Ok(Target::Group),
        "escalation" => match escalation {
            Some(target) => Ok(Target::Escalation(Box::new(target.clone()))),
            None => Err(Fault::new("nobody is named for the last resort")
                .hint("write `escalation = \"contact:NAME\"` or `\"group:NAME\"` under `[defaults]`")),
        },
        _ => named(text, names),
    }
}

/// `group:NAME` or `contact:NAME`.
pub(super) fn named(text: &str, names: &Names<'_>) -> Result<Target, Fault> {
    if let Some(name) = text.strip_prefix("group:") {
        return names.groups.find(name).map(|name| Target::OtherGroup(name.to_owned()));
    }
    if let Some(name) = text.strip_prefix("contact:") {
        return names.contacts.find(name).map(|name| Target::Contact(name.to_owned()));
    }
    let fault = Fault::new(format!("`{text}` is nobody who can be notified"));
    Err(if names.contacts.find(text).is_ok() {
        fault.hint(format!("write `contact:{text}`"))
    } else if names.groups.find(text).is_ok() {
        fault.hint(format!("write `group:{text}`"))
    } else if let Some(near) = nearest(text, TARGETS.iter().copied()) {
        fault.hint(format!("did you mean `{near}`?"))
    } else {
        fault.hint("write `oncall`, `secondary`, `backup`, `group`, `escalation`, `group:NAME` or `contact:NAME`")
    })
}
