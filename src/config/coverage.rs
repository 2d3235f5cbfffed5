//! Hours in the coming weeks that nobody covers, and steps of policies that never count.

use jiff::{SignedDuration, Timestamp};

use super::{Config, Scope};
use crate::alert::Policy;
use crate::oncall::{OnCall, Shift};

/// So far ahead is looked.
const AHEAD: SignedDuration = SignedDuration::from_hours(8 * 7 * 24);
/// So many hours are told of one by one.
const TOLD: usize = 3;

/// Warns of every group in whose schedule nobody is on call at some time within the next eight weeks.
pub(super) fn warn(scope: &Scope<'_>, config: &Config, now: Timestamp) {
    for group in config.roster.groups.values() {
        let Some(entry) = scope.names.groups.entries.get(group.id.as_str()) else { continue };
        if !matches!(group.on_call, OnCall::Schedule(_)) {
            continue;
        }
        let end = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let shifts = config.roster.shifts(&group.id, now, end);
        let gaps: Vec<&Shift> = shifts.iter().filter(|shift| shift.contact.is_none()).collect();
        if gaps.is_empty() {
            continue;
        }
        let show = |t: Timestamp| t.to_zoned(scope.time_zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string();
        let told: Vec<String> = gaps
            .iter()
            .take(TOLD)
            .map(|gap| match (gap.from.filter(|from| *from > now), gap.until) {
                (Some(from), Some(until)) => format!("from {} to {}", show(from), show(until)),
                (Some(from), None) => format!("from {} on", show(from)),
                (None, Some(until)) => format!("until {}", show(until)),
                (None, None) => "ever".to_owned(),
            })
            .collect();
        let more = match gaps.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!(", and {more} more times in the next eight weeks"),
        };
        let message = format!("nobody is on call in the group `{}` {}{more}", group.id, told.join(", "));
        scope.reader.warn(entry.key_at, message, "add a layer that covers it; until then all members are called then");
    }
}

/// Warns of every step that does not count at any time within the next eight weeks, and of policies none of whose steps
/// counts at some time.
pub(super) fn warn_of_steps(scope: &Scope<'_>, config: &Config, now: Timestamp) {
    let end = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    for (name, policy) in &config.policies {
        let Some(entry) = scope.names.policies.entries.get(name.as_str()) else { continue };
        let spans = spans(policy, now, end);
        for (index, step) in policy.steps.iter().enumerate() {
            if spans.iter().all(|(_, counts)| counts.get(index) == Some(&false)) {
                let message = format!("step {} ({}) of the policy `{name}` never counts", index + 1, step.notify);
                scope.reader.warn(entry.key_at, message, "change its `only`");
            }
        }
        if let Some((from, _)) = spans.iter().find(|(_, counts)| !counts.contains(&true)) {
            let from = from.to_zoned(scope.time_zone.clone()).strftime("%a %Y-%m-%d %H:%M");
            let message = format!("no step of the policy `{name}` counts at some hours, first on {from}");
            scope.reader.warn(entry.key_at, message, "add a step without `only`; until then all steps are played then");
        }
    }
}

/// Between `now` and `end`: from when on which steps count.
fn spans(policy: &Policy, now: Timestamp, end: Timestamp) -> Vec<(Timestamp, Vec<bool>)> {
    let mut spans = Vec::new();
    let mut t = now;
    while t < end {
        let counts = policy.steps.iter().map(|step| step.holds(t)).collect();
        spans.push((t, counts));
        let changes = policy.steps.iter().filter_map(|step| step.only.as_ref().map(|hours| hours.at(t).until));
        // A stretch ends after the moment that it was asked for: this goes on.
        t = changes.min().unwrap_or(end).max(t + SignedDuration::from_secs(1));
    }
    spans
}
