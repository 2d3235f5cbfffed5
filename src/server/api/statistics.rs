//! How many alerts there were, day by day, and how long people took.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::{Answer, Call, object};
use crate::server::Routes;
use crate::store::Figures;

/// So far back when nobody says since when.
const USUAL: SignedDuration = SignedDuration::from_hours(28 * 24);
/// No more days are told at once.
const MOST_DAYS: usize = 400;

/// `GET /api/statistics`
pub(super) fn statistics(routes: &Routes, call: &Call<'_>) -> Answer {
    let until = call.query.time("until")?.unwrap_or(call.now);
    let since = match call.query.time("since")? {
        Some(since) => since,
        None => until.checked_sub(USUAL).unwrap_or(Timestamp::MIN),
    };
    if until <= since {
        return Err(Problem::impossible("`until` is not after `since`"));
    }
    let edges = edges(since, until, &routes.desk.config.defaults.time_zone)
        .ok_or_else(|| Problem::impossible(format!("from `since` to `until` there are more than {MOST_DAYS} days")))?;
    let statistics = routes.with_store(|store| store.statistics(&edges))?;
    let by_day = statistics.by(|cell| cell.day);
    let nothing = Figures::default();
    let begins = edges.iter().take(edges.len().saturating_sub(1)).enumerate();
    let days = begins.map(|(day, from)| figures(by_day.get(&day).unwrap_or(&nothing), "from", json!(from)));
    let groups = statistics.by(|cell| &cell.group);
    let groups = groups.iter().map(|(group, sums)| figures(sums, "group", json!(group)));
    let rules = statistics.by(|cell| cell.rule.as_str());
    let name = |rule: &str| if rule.is_empty() { Value::Null } else { json!(rule) };
    let rules = rules.iter().map(|(rule, sums)| figures(sums, "rule", name(rule)));
    Ok(object(
        200,
        &json!({
            "since": since,
            "until": until,
            "total": fields(&statistics.total()),
            "days": days.collect::<Vec<_>>(),
            "groups": groups.collect::<Vec<_>>(),
            "rules": rules.collect::<Vec<_>>(),
        }),
    ))
}

/// Where days begin: at `since`, then at each midnight of the rule file's time zone. `None`: there are too many.
fn edges(since: Timestamp, until: Timestamp, zone: &jiff::tz::TimeZone) -> Option<Vec<Timestamp>> {
    let mut edges = vec![since];
    let mut date = since.to_zoned(zone.clone()).date();
    while edges.len() <= MOST_DAYS {
        let midnight = date.tomorrow().ok().and_then(|next| {
            date = next;
            next.to_zoned(zone.clone()).ok().map(|midnight| midnight.timestamp())
        });
        let Some(midnight) = midnight.filter(|at| *at < until) else {
            edges.push(until);
            return Some(edges);
        };
        edges.push(midnight);
    }
    None
}

fn figures(figures: &Figures, of: &str, value: Value) -> Value {
    let mut all = fields(figures);
    all.insert(of.to_owned(), value);
    Value::Object(all)
}

/// Half of those that were acknowledged, and nine in ten, were so within so many seconds.
fn fields(figures: &Figures) -> Map<String, Value> {
    let within = |percent| figures.percentile(percent).map(|took| took.as_secs_f64());
    let mut fields = Map::new();
    for (name, value) in [
        ("opened", figures.opened),
        ("acknowledged", figures.acknowledged),
        ("expired", figures.expired),
        ("calls", figures.calls),
        ("texts", figures.texts),
    ] {
        fields.insert(name.to_owned(), json!(value));
    }
    fields.insert("median_seconds".to_owned(), json!(within(50)));
    fields.insert("p90_seconds".to_owned(), json!(within(90)));
    fields
}
