//! Hours in the coming weeks that nobody covers.

use jiff::{SignedDuration, Timestamp};

use super::{Config, Scope};
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
