//! `[defaults]`: what counts where an entry says nothing.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::reader::Reader;
use super::scalar::Fault;
use super::value::Table;
use super::{Defaults, Scope, Unmatched, policies, rule_entries, time};
use crate::alert::Target;
use crate::notify::replies::RepliesError;
use crate::oncall::GroupId;

const KEYS: &[&str] = &["unmatched", "group", "window", "time_zone", "escalation", "replies"];
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// The time zone for conditions and rotations that name none. Needed before everything else.
pub(super) fn time_zone(reader: &Reader<'_>) -> TimeZone {
    let written = reader.section("defaults").and_then(|table| table.get("time_zone"));
    match written {
        Some(value) => reader.parsed(value, time::time_zone).unwrap_or(TimeZone::UTC),
        None => TimeZone::try_system().unwrap_or(TimeZone::UTC),
    }
}

/// Reads `[defaults]`.
pub(super) fn read(scope: &Scope<'_>) -> Defaults {
    let reader = scope.reader;
    let groups = &scope.names.groups.entries;
    let only_group = if groups.len() == 1 { groups.keys().next().map(|name| GroupId::new(*name)) } else { None };
    let mut defaults = Defaults {
        unmatched: Unmatched::Page,
        group: only_group,
        window: WINDOW,
        time_zone: scope.time_zone.clone(),
        escalation: None,
        replies: None,
    };
    let Some(table) = reader.section("defaults") else { return defaults };
    read_table(scope, table, &mut defaults);
    defaults
}

fn read_table(scope: &Scope<'_>, table: Table<'_>, defaults: &mut Defaults) {
    let reader = scope.reader;
    reader.only(table, KEYS);
    let unmatched = &[("page", Unmatched::Page), ("ignore", Unmatched::Ignore)];
    if let Some(unmatched) = table.get("unmatched").and_then(|value| reader.choice(value, unmatched)) {
        defaults.unmatched = unmatched;
    }
    let group = table.get("group").and_then(|value| reader.parsed(value, |text| scope.names.groups.find(text)));
    if let Some(group) = group {
        defaults.group = Some(GroupId::new(group));
    }
    let window = |text| time::duration_within(text, SignedDuration::ZERO, rule_entries::LONGEST_WINDOW);
    if let Some(window) = table.get("window").and_then(|value| reader.parsed(value, window)) {
        defaults.window = window;
    }
    let replies = |text: &str| {
        let hint = "write for example `thialfi+*@sms.example.com`: mail to it must come to `thialfi deliver`";
        text.parse().map_err(|error: RepliesError| Fault::new(error.to_string()).hint(hint))
    };
    defaults.replies = table.get("replies").and_then(|value| reader.parsed(value, replies));
    if let Some(value) = table.get("escalation") {
        // With a wrong one the file is refused anyway: steps that say `escalation` shall not complain on top of it.
        let target = reader.parsed(value, |text| policies::named(text, &scope.names));
        defaults.escalation = Some(target.unwrap_or(Target::OnCall));
    }
}
