//! The list of alerts, by state, group, recipient and words: a week by default, older ones page by page; and the same as a
//! table for a spreadsheet.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use serde::Serialize;

use super::act::number;
use super::alerts::{Card, cards};
use super::{Answer, Asked};
use crate::alert::State;
use crate::oncall::GroupId;
use crate::report::csv;
use crate::server::Routes;
use crate::server::http::Response;
use crate::store::{Filter, Found, LOOKED_THROUGH};

/// Without dates, a week is listed.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// So many alerts are on a page.
const SHOWN: usize = 50;
/// A report has at most so many alerts.
const REPORTED: usize = 100_000;
/// No search is for more than this, in bytes.
const LONGEST: usize = 200;

#[derive(Serialize)]
struct Page {
    alerts: Vec<Card>,
    wanted: Wanted,
    groups: Vec<(String, String)>,
    states: [(&'static str, &'static str); 4],
    /// The address of the next page.
    older: Option<String>,
    /// The address of the same as a table.
    csv: String,
    /// It has looked through as much as it does at once.
    stopped: bool,
    /// What could not be understood of the search.
    trouble: Option<String>,
}

/// What is looked for, as it was typed.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Wanted {
    state: String,
    group: String,
    recipient: String,
    text: String,
    from: String,
    to: String,
    before: String,
}

const STATES: [(&str, &str); 4] =
    [("open", "open"), ("acknowledged", "acknowledged"), ("resolved", "resolved"), ("expired", "expired")];

impl Wanted {
    fn of(asked: &Asked<'_>) -> Self {
        let get = |name: &str| {
            let value = asked.query(name).unwrap_or_default();
            value.get(..value.floor_char_boundary(LONGEST)).unwrap_or_default().to_owned()
        };
        Self {
            state: get("state"),
            group: get("group"),
            recipient: get("recipient"),
            text: get("text"),
            from: get("from"),
            to: get("to"),
            before: get("before"),
        }
    }

    /// The filter of it, and what was not understood.
    fn filter(&self, now: Timestamp, zone: &TimeZone) -> (Filter, Option<String>) {
        let mut trouble = None;
        let states = [State::Open, State::Acknowledged, State::Resolved, State::Expired];
        let states = states.into_iter().filter(|state| state.word() == self.state).collect();
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let mut day = |text: &str, end: bool| {
            let date = some(text)?;
            let Ok(date) = date.parse::<civil::Date>() else {
                trouble = Some(format!("“{date}” is no date: write 2026-11-02."));
                return None;
            };
            let date = if end { date.tomorrow().ok()? } else { date };
            date.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
        };
        let until = day(&self.to, true);
        let mut since = day(&self.from, false);
        if since.is_none() && until.is_none() && self.is_about_recent() {
            since = now.checked_sub(WEEK).ok();
        }
        let filter = Filter {
            states,
            group: some(&self.group).map(GroupId::new),
            recipient: some(&self.recipient),
            text: some(&self.text),
            since,
            until,
            before: number(&self.before),
            limit: None,
        };
        (filter, trouble)
    }

    /// Without what is no date: a browser complains of a field for dates that holds something else.
    fn with_dates_alone(mut self) -> Self {
        for date in [&mut self.from, &mut self.to] {
            if date.parse::<civil::Date>().is_err() {
                date.clear();
            }
        }
        self
    }

    /// Whether only what is recent is meant: nobody who asks for what is open, or pages on, wants old alerts left out.
    fn is_about_recent(&self) -> bool {
        self.before.is_empty() && self.state != "open" && self.state != "acknowledged"
    }

    /// The query that asks for this.
    fn query(&self, before: Option<i64>) -> String {
        let before = before.map(|id| id.to_string()).unwrap_or_default();
        let fields = [
            ("state", &self.state),
            ("group", &self.group),
            ("recipient", &self.recipient),
            ("text", &self.text),
            ("from", &self.from),
            ("to", &self.to),
            ("before", &before),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

/// The page.
pub(super) fn page(routes: &Routes, asked: &Asked<'_>) -> Answer {
    let config = &routes.desk.config;
    let frame = routes.frame(asked, "alerts");
    let wanted = Wanted::of(asked);
    let (filter, trouble) = wanted.filter(asked.now, &config.defaults.time_zone);
    let filter = Filter { limit: Some(SHOWN + 1), ..filter };
    let Found { mut alerts, stopped_at } = routes.with_store(|store| store.search(&filter, LOOKED_THROUGH))?;
    let more = alerts.len() > SHOWN;
    alerts.truncate(SHOWN);
    let last = alerts.last().map(|alert| alert.id.0);
    // A week that has been shown whole goes on with the one before it; a search that looked through enough, where it stopped.
    let older = if more || wanted.is_about_recent() && last.is_some() { last } else { stopped_at.map(|id| id.0) };
    let page = Page {
        alerts: cards(&alerts, config, frame.times, &asked.visitor),
        groups: config.roster.groups.values().map(|group| (group.id.to_string(), group.name.clone())).collect(),
        states: STATES,
        older: older.map(|last| format!("/alerts?{}", wanted.query(Some(last)))),
        csv: format!("/report.csv?{}", wanted.query(None)),
        stopped: !more && stopped_at.is_some(),
        wanted: wanted.with_dates_alone(),
        trouble,
    };
    Ok(frame.page_for(asked.request, "alerts.html", page))
}

/// The same as a table.
pub(super) fn report(routes: &Routes, asked: &Asked<'_>) -> Answer {
    let wanted = Wanted::of(asked);
    let (filter, trouble) = wanted.filter(asked.now, &routes.desk.config.defaults.time_zone);
    if let Some(trouble) = trouble {
        return Ok(routes.frame(asked, "alerts").message(400, "That is no date", &trouble));
    }
    let alerts = routes.with_store(|store| store.alerts(&Filter { limit: Some(REPORTED), ..filter }))?;
    let table = Response::new(200, "text/csv; charset=utf-8", csv::alerts(&alerts));
    Ok(table.with_header("Content-Disposition", "attachment; filename=\"thialfi-report.csv\""))
}
