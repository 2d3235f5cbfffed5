//! The list of alerts: which ones are wanted, and how they are printed.

use anstream::{print, println};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::{Options, fail};
use crate::alert::{Alert, State};
use crate::cli::nearest::nearest;
use crate::cli::setup::complain;
use crate::cli::table::{self, Table};
use crate::config::Config;
use crate::exit::Exit;
use crate::oncall::GroupId;
use crate::report::{self, csv};
use crate::store::{Filter, Sqlite, Store as _};

/// Without a filter so many alerts are listed.
const LISTED: usize = 50;

/// Which alerts are wanted.
pub struct Wanted {
    filter: Filter,
    /// The group, when the rule file does not know it: its alerts may be older than the rule file.
    stranger: Option<String>,
}

impl Wanted {
    /// As the options say.
    ///
    /// # Errors
    /// When a time cannot be read: [`Exit::Usage`], and why was said.
    pub fn of(config: &Config, options: &Options) -> Result<Self, Exit> {
        let now = crate::clock::from_environment().now();
        let zone = &config.defaults.time_zone;
        let read = |text: &Option<String>, edge| text.as_deref().map(|text| time(text, now, zone, edge)).transpose();
        let refuse = |why: String| {
            complain(&why);
            Exit::Usage
        };
        let since = read(&options.since, Edge::Begin).map_err(refuse)?;
        let until = read(&options.until, Edge::End).map_err(refuse)?;
        if let (Some(since), Some(until)) = (since, until)
            && until <= since
        {
            return Err(refuse("--until is not after --since: no alert can be between them".to_owned()));
        }
        let mut states = options.state.clone();
        if options.open {
            states.push(State::Open);
        }
        let everything = options.all || since.is_some() || until.is_some() || options.csv;
        let group = options.group.as_deref().map(GroupId::new);
        let stranger = group.as_ref().filter(|group| !config.roster.groups.contains_key(group));
        let stranger = stranger.map(ToString::to_string);
        let limit = (!everything).then_some(LISTED);
        let (recipient, text) = (options.recipient.clone(), options.text.clone());
        let filter = Filter { states, group, recipient, text, since, until, before: None, limit };
        Ok(Self { filter, stranger })
    }
}

/// Prints the alerts that are wanted.
pub fn print(config: &Config, store: Option<&mut Sqlite>, wanted: &Wanted, options: &Options) -> Result<(), Exit> {
    let mut alerts = Vec::new();
    let mut had_any = false;
    if let Some(store) = store {
        alerts = store.alerts(&wanted.filter).map_err(|error| fail(&error))?;
        let of_group = Filter { group: wanted.filter.group.clone(), limit: Some(1), ..Filter::default() };
        had_any = !alerts.is_empty() || !store.alerts(&of_group).map_err(|error| fail(&error))?.is_empty();
    }
    if let Some(name) = wanted.stranger.as_ref().filter(|_| !had_any) {
        let known = config.roster.groups.keys().map(GroupId::as_str);
        complain(&format!("there is no group `{name}`, nor an alert of it{}", nearest(name, known)));
        return Err(Exit::No);
    }
    if options.json {
        println!("{}", Value::Array(alerts.iter().map(report::alert::summary).collect()));
    } else if options.csv {
        print!("{}", csv::alerts(&alerts));
    } else if alerts.is_empty() && had_any {
        println!("No alerts {}.", if is_only_open(&wanted.filter) { "are open" } else { "are like that" });
    } else if alerts.is_empty() {
        println!("No alerts yet.");
    } else {
        print!("{}", lines(&alerts, &config.defaults.time_zone).render(table::terminal_width()));
    }
    Ok(())
}

fn is_only_open(filter: &Filter) -> bool {
    filter.states == [State::Open] && filter.since.is_none() && filter.until.is_none()
}

fn lines(alerts: &[Alert], zone: &TimeZone) -> Table {
    let mut table = Table::new(&["ID", "CODE", "STATE", "OPENED", "GROUP", "MAILS", "WHO", "SUBJECT"]);
    for alert in alerts {
        table.row([
            alert.id.to_string(),
            alert.code.to_string(),
            if report::alert::held(alert) > 0 {
                format!("{}, held", alert.state.word())
            } else {
                alert.state.word().to_owned()
            },
            alert.opened_at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%:z").to_string(),
            alert.group.to_string(),
            alert.mails.to_string(),
            alert.acknowledged_by.clone().unwrap_or_else(|| "-".to_owned()),
            alert.subject.clone(),
        ]);
    }
    table
}

/// Which edge of a day that is given without a time is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Begin,
    End,
}

/// Reads `2026-11-02`, `2026-11-02 09:00`, or how long ago: `7d`.
fn time(text: &str, now: Timestamp, zone: &TimeZone, edge: Edge) -> Result<Timestamp, String> {
    let text = text.trim();
    let wrong = |error: jiff::Error| format!("`{text}` is no time: {error}");
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && !text.contains(':')
    {
        let date = if edge == Edge::End { date.tomorrow().map_err(wrong)? } else { date };
        return Ok(date.to_zoned(zone.clone()).map_err(wrong)?.timestamp());
    }
    if let Ok(date_time) = text.parse::<jiff::civil::DateTime>() {
        return Ok(date_time.to_zoned(zone.clone()).map_err(wrong)?.timestamp());
    }
    if let Ok(span) = text.parse::<jiff::Span>() {
        let ago = if span.is_negative() { span.checked_mul(-1).map_err(wrong)? } else { span };
        return Ok(now.to_zoned(zone.clone()).checked_sub(ago).map_err(wrong)?.timestamp());
    }
    match text {
        "today" | "yesterday" => {
            let today = now.to_zoned(zone.clone()).date();
            let days = i32::from(edge == Edge::End) - i32::from(text == "yesterday");
            let date = today.checked_add(days.days()).map_err(wrong)?;
            Ok(date.to_zoned(zone.clone()).map_err(wrong)?.timestamp())
        }
        _ => Err(format!("`{text}` is no time: write `2026-11-02`, `2026-11-02 09:00`, or how long ago, `7d`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_times_or_how_long_ago() {
        let now: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        let since = |text: &str| time(text, now, &zone, Edge::Begin).map(|at| at.to_string());
        let until = |text: &str| time(text, now, &zone, Edge::End).map(|at| at.to_string());
        assert_eq!(since("2026-11-02").unwrap(), "2026-11-01T11:00:00Z");
        assert_eq!(until("2026-11-02").unwrap(), "2026-11-02T11:00:00Z", "the day counts to its end");
        assert_eq!(since("2026-11-02 09:00").unwrap(), "2026-11-01T20:00:00Z");
        assert_eq!(until("2026-11-02 09:00").unwrap(), "2026-11-01T20:00:00Z");
        assert_eq!(since("2026-11-02T00:00:00Z").unwrap(), "2026-11-02T00:00:00Z");
        assert_eq!(since("7d").unwrap(), "2026-10-26T08:00:00Z");
        assert_eq!(
            (since("today").unwrap(), until("today").unwrap()),
            (since("2026-11-02").unwrap(), until("2026-11-02").unwrap())
        );
        assert_eq!(since("yesterday").unwrap(), "2026-10-31T11:00:00Z");
        assert!(since("soon").unwrap_err().contains("`soon` is no time"));
    }
}
