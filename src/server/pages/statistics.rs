//! How many alerts there were, day by day, and how long people took: for all, for each group, and for each rule.

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::Serialize;

use super::alerts::group_name;
use super::chart::Chart;
use super::time::Times;
use super::{Answer, Asked};
use crate::report::story::gap;
use crate::server::Routes;
use crate::store::Figures;

/// What can be chosen, in days.
const SPANS: [i64; 4] = [7, 28, 90, 365];
/// What is shown when nothing is chosen.
const USUAL: i64 = 28;
/// So many rules are listed, those with the most alerts first.
const RULES: usize = 50;

#[derive(Serialize)]
struct Page {
    span: i64,
    spans: [i64; 4],
    total: Row,
    chart: Chart,
    days: Vec<Row>,
    groups: Vec<Row>,
    rules: Vec<Row>,
    more_rules: usize,
}

#[derive(Serialize)]
struct Row {
    name: String,
    opened: u64,
    acknowledged: u64,
    expired: u64,
    calls: u64,
    texts: u64,
    median: Option<String>,
    slow: Option<String>,
}

impl Row {
    fn of(name: impl Into<String>, figures: &Figures) -> Self {
        let told = |took: SignedDuration| gap(SignedDuration::from_secs(took.as_secs()));
        Self {
            name: name.into(),
            opened: figures.opened,
            acknowledged: figures.acknowledged,
            expired: figures.expired,
            calls: figures.calls,
            texts: figures.texts,
            median: figures.median().map(told),
            slow: figures.percentile(90).map(told),
        }
    }
}

/// The page.
pub(super) fn page(routes: &Routes, asked: &Asked<'_>) -> Answer {
    let config = &routes.desk.config;
    let frame = routes.frame(asked, "statistics");
    let span = asked.query("days").and_then(|days| days.parse().ok()).filter(|days| SPANS.contains(days));
    let span = span.unwrap_or(USUAL);
    let edges = edges(frame.times, span);
    let statistics = routes.with_store(|store| store.statistics(&edges))?;
    let by_day = statistics.by(|cell| cell.day);
    let nothing = Figures::default();
    let days: Vec<Row> = edges
        .iter()
        .take(edges.len().saturating_sub(1))
        .enumerate()
        .map(|(day, begin)| Row::of(day_name(frame.times, *begin), by_day.get(&day).unwrap_or(&nothing)))
        .collect();
    let columns: Vec<(String, u64)> = days.iter().map(|day| (day.name.clone(), day.opened)).collect();
    let groups = statistics.by(|cell| &cell.group);
    let groups = groups.iter().map(|(group, figures)| Row::of(group_name(config, group), figures)).collect();
    let rules = statistics.by(|cell| cell.rule.as_str());
    let name = |rule: &str| if rule.is_empty() { "no rule matched".to_owned() } else { rule.to_owned() };
    let mut rules: Vec<Row> = rules.iter().map(|(rule, figures)| Row::of(name(rule), figures)).collect();
    rules.sort_by_key(|row| std::cmp::Reverse(row.opened));
    let more_rules = rules.len().saturating_sub(RULES);
    rules.truncate(RULES);
    let page = Page {
        span,
        spans: SPANS,
        total: Row::of("all", &statistics.total()),
        chart: Chart::of(&columns),
        days,
        groups,
        rules,
        more_rules,
    };
    Ok(frame.page_for(asked.request, "statistics.html", page))
}

/// Where the last so many local days begin, and where the last of them ends.
fn edges(times: Times<'_>, days: i64) -> Vec<Timestamp> {
    let today = times.now.to_zoned(times.zone.clone()).date();
    let first = today.checked_sub((days - 1).days()).unwrap_or(today);
    let begins = (0..=days).filter_map(|day| {
        let date = first.checked_add(day.days()).ok()?;
        date.to_zoned(times.zone.clone()).ok().map(|midnight| midnight.timestamp())
    });
    begins.collect()
}

fn day_name(times: Times<'_>, begin: Timestamp) -> String {
    begin.to_zoned(times.zone.clone()).strftime("%-d %b").to_string()
}
