//! `only`: the hours of the week at which a layer of a schedule, or a step of a policy, counts.

use jiff::tz::TimeZone;

use super::Scope;
use super::time;
use super::value::Value;
use crate::oncall::{HourSpan, Hours};

const HOUR_KEYS: &[&str] = &["on", "between"];

/// `{ on = "Mon-Fri", between = "18:00-08:00" }`, or a list of such.
pub(super) fn read(scope: &Scope<'_>, value: Value<'_>, time_zone: &TimeZone, what: &str) -> Option<Hours> {
    let items = scope.reader.one_or_list(value);
    if items.is_empty() {
        scope.reader.error_hint(
            value.at,
            format!("this {what} would never count"),
            "leave `only` out: it always counts",
        );
    }
    let spans: Vec<Option<HourSpan>> = items.into_iter().map(|item| span(scope, item, time_zone)).collect();
    let spans = spans.into_iter().collect::<Option<Vec<_>>>()?;
    (!spans.is_empty()).then_some(Hours { spans })
}

fn span(scope: &Scope<'_>, value: Value<'_>, time_zone: &TimeZone) -> Option<HourSpan> {
    let reader = scope.reader;
    let table = reader.table(value)?;
    reader.only(table, HOUR_KEYS);
    let (on, between) = (table.get("on"), table.get("between"));
    if on.is_none() && between.is_none() {
        let hint = "write for example `{ on = \"Mon-Fri\", between = \"08:00-18:00\" }`";
        reader.error_hint(value.at, "this says neither on which days nor at which hours", hint);
        return None;
    }
    let on = match on {
        Some(value) => Some(reader.parsed(value, time::days)?),
        None => None,
    };
    let between = match between {
        Some(value) => Some(reader.parsed(value, time::between)?),
        None => None,
    };
    let (days, days_zone) = on.unwrap_or_else(|| (time::every_day(), None));
    let (between, hours_zone) = match between {
        Some((from, until, zone)) => (Some((from, until)), zone),
        None => (None, None),
    };
    if let (Some(one), Some(other)) = (&days_zone, &hours_zone)
        && one != other
    {
        reader.error(value.at, "`on` and `between` name two time zones");
        return None;
    }
    let time_zone = hours_zone.or(days_zone).unwrap_or_else(|| time_zone.clone());
    Some(HourSpan { days, between, time_zone })
}
