//! What no single entry shows: steps that reach nobody, rules that come too late, names that are used by nothing.

use std::collections::BTreeSet;

use super::value::At;
use super::{Config, Scope, Unmatched, delivery, pairs, policies, recoveries};
use crate::alert::{Channel, Step, Target};
use crate::oncall::{ContactId, Group, GroupId};
use crate::rules::Action;
use crate::rules::proof::Prover;

/// Complains of rules whose alerts could be nobody's. An error, since such a rule could never notify anybody.
pub(super) fn check_groups_of_rules(scope: &Scope<'_>, config: &Config, places: &[At]) {
    if !config.recipients.is_empty() || config.defaults.group.is_some() {
        return;
    }
    for (rule, at) in config.rules.rules.iter().zip(places) {
        if rule.action.notifies() && rule.group.is_none() {
            let message = format!("the rule `{}` has no group, and nothing else says whom to notify", rule.name);
            scope.reader.error_hint(*at, message, "add `group = \"…\"`, or `group` under `[defaults]`");
        }
    }
}

/// All warnings that need the whole of the file.
pub(super) fn warn(scope: &Scope<'_>, config: &Config, places: &[At]) {
    rules(scope, config, places);
    pairs::warn(scope, config, places);
    delivery::warn(scope, config);
    numbers(scope, config);
}

fn rules(scope: &Scope<'_>, config: &Config, places: &[At]) {
    let reader = scope.reader;
    let none_written = reader.roots().all(|root| root.get("rules").is_none());
    if none_written && (config.recipients.is_empty() || config.defaults.unmatched == Unmatched::Ignore) {
        reader.warn(At::MAIN_FILE, "there is no rule: no mail notifies anybody", "add a `[[rules]]` entry");
    }
    let prover = Prover::default();
    for (index, (rule, at)) in config.rules.rules.iter().zip(places).enumerate() {
        if let Some(why) = prover.impossible(&rule.when) {
            reader.warn(*at, format!("the rule `{}` never matches: {why}", rule.name), "change its `when`");
        } else if let Some((earlier, place)) =
            config.rules.rules.iter().zip(places).take(index).find(|(earlier, _)| prover.covers(earlier, rule))
        {
            let what = if earlier.when.is_empty() { "matches every mail" } else { "matches all of its mails first" };
            let message = format!("the rule `{}` is never reached: `{}` {what}", rule.name, earlier.name);
            let hint = format!("move it above {}, or give that one `continue = true`", reader.place(*place));
            reader.warn(*at, message, hint);
        } else if let Some(mail) = recoveries::called_for(config, rule) {
            let message = format!("the rule `{}` notifies for `{mail}`, too, which says that it is over", rule.name);
            let hint = "write a rule with `action = \"resolve\"` and the same `key` before it, or ask for `PROBLEM`";
            reader.warn(*at, message, hint);
        }
        if rule.policy.is_some() && rule.action != Action::Page {
            let message = format!("the rule `{}` names a policy that it does not use", rule.name);
            reader.warn(*at, message, "a policy counts with `action = \"page\"`");
        }
        if matches!(rule.action, Action::Resolve | Action::Acknowledge) && rule.key.is_none() {
            let message =
                format!("the rule `{}` finds no alert: without `key` each rule has keys of its own", rule.name);
            reader.warn(*at, message, "give it the `key` of the rule that opens the alert");
        }
    }
}

/// Warns of everybody whom a step of a policy that is used would notify without a number to do it by, and of steps
/// that reach nobody in any group.
fn numbers(scope: &Scope<'_>, config: &Config) {
    let reader = scope.reader;
    let used = used_policies(config);
    let mut told: BTreeSet<(ContactId, Channel)> = BTreeSet::new();
    for (name, policy) in &config.policies {
        let groups: Vec<&Group> = used
            .iter()
            .filter(|(_, used)| used == name)
            .filter_map(|(group, _)| config.roster.groups.get(group))
            .collect();
        let at = scope.names.policies.entries.get(name.as_str()).map(|entry| entry.key_at);
        if let (true, Some(at)) = (groups.is_empty(), at) {
            let message = format!("the policy `{name}` is never played: no rule, recipient or group leads to it");
            reader.warn(at, message, "name it where it is meant, or drop it");
        }
        for (index, step) in policy.steps.iter().enumerate() {
            let mut reached = groups.is_empty();
            for group in &groups {
                for id in whom(&step.notify, group, config) {
                    reached = true;
                    missing_numbers(scope, config, &id, step, (name, index), &mut told);
                }
            }
            // Of the built-in policies nobody expects that each step has somebody.
            if let (false, Some(at)) = (reached, at) {
                let number = index + 1;
                let lacks = if step.notify == Target::Secondary { "secondary" } else { "backup" };
                let hint = format!("give the groups a `{lacks}`, or drop the step");
                let message = format!("step {number} of the policy `{name}` reaches nobody in any group that uses it");
                reader.warn(at, message, &hint);
            }
        }
    }
}

fn missing_numbers(
    scope: &Scope<'_>,
    config: &Config,
    id: &ContactId,
    step: &Step,
    (policy, index): (&str, usize),
    told: &mut BTreeSet<(ContactId, Channel)>,
) {
    let (Some(contact), Some(entry)) = (config.roster.contacts.get(id), scope.names.contacts.entries.get(id.as_str()))
    else {
        return;
    };
    if contact.phone.is_none() && contact.sms.is_none() && contact.email.is_none() {
        return; // Said already, of the contact.
    }
    for channel in &step.by {
        if channel.address(contact).is_none() && told.insert((id.clone(), *channel)) {
            let lacks = channel.lacking();
            let message = format!("`{id}` has no {lacks}, which step {} of the policy `{policy}` needs", index + 1);
            let hint = match channel {
                Channel::Call | Channel::Text => "add `phone = \"+…\"`",
                Channel::Email => "add `email = \"…\"`",
            };
            scope.reader.warn(entry.key_at, message, hint);
        }
    }
}

/// Which policies are played for which groups.
fn used_policies(config: &Config) -> BTreeSet<(GroupId, String)> {
    let of_group = |group: &GroupId| {
        let own = config.roster.groups.get(group).and_then(|group| group.policy.clone());
        own.unwrap_or_else(|| policies::DEFAULT_POLICY.to_owned())
    };
    let mut used = BTreeSet::new();
    let mut homes: BTreeSet<(GroupId, Option<String>)> = BTreeSet::new();
    for recipient in &config.recipients {
        homes.insert((recipient.group.clone(), recipient.policy.clone()));
        if config.defaults.unmatched == Unmatched::Page {
            used.insert((
                recipient.group.clone(),
                recipient.policy.clone().unwrap_or_else(|| of_group(&recipient.group)),
            ));
        }
    }
    homes.extend(config.defaults.group.clone().map(|group| (group, None)));
    for heartbeat in &config.heartbeats.entries {
        used.insert((heartbeat.group.clone(), heartbeat.policy_name(&config.roster)));
    }
    for rule in config.rules.rules.iter().filter(|rule| rule.action.notifies()) {
        let groups: Vec<(GroupId, Option<String>)> = match &rule.group {
            Some(group) => vec![(GroupId::new(group), None)],
            None => homes.iter().cloned().collect(),
        };
        for (group, of_recipient) in groups {
            let policy = match rule.action {
                Action::Call => "call".to_owned(),
                Action::Sms => "sms".to_owned(),
                Action::Page | Action::Resolve | Action::Acknowledge | Action::Ignore => {
                    rule.policy.clone().or(of_recipient).unwrap_or_else(|| of_group(&group))
                }
            };
            used.insert((group, policy));
        }
    }
    used
}

/// Everybody whom a step may notify for a group, whoever's turn it is.
fn whom(target: &Target, group: &Group, config: &Config) -> Vec<ContactId> {
    match target {
        Target::OnCall => config.roster.candidates(&group.id),
        Target::Secondary => config.roster.second_candidates(&group.id),
        Target::Backup => group.backup.clone(),
        Target::Group => group.members.clone(),
        Target::OtherGroup(name) => config
            .roster
            .groups
            .get(&GroupId::new(name.as_str()))
            .map(|group| group.members.clone())
            .unwrap_or_default(),
        Target::Contact(name) => vec![ContactId::new(name.as_str())],
        Target::Escalation(target) => whom(target, group, config),
    }
}
