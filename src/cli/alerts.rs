//! `thialfi alerts`: what is open and what was, the story of one, and acting on it from the command line.

use std::path::Path;

use anstream::{print, println};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::setup::{self, complain};
use super::table::{self, Table};
use super::terminal;
use crate::alert::{Actor, Alert, AlertId, Code, Delivery, Entry, Event, State, Through};
use crate::config::Config;
use crate::exit::Exit;
use crate::oncall::GroupId;
use crate::store::{Filter, Sqlite, Store};

/// Without a filter so many alerts are listed.
const LISTED: usize = 50;

/// What `alerts` takes.
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// What to do; nothing: list.
    #[command(subcommand)]
    pub action: Option<Action>,
    /// Only alerts that are open
    #[arg(long)]
    pub open: bool,
    /// Only alerts of this group
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Only alerts opened since: a time (`2026-11-02 09:00`), a day (`2026-11-02`), or how long ago (`7d`)
    #[arg(long, value_name = "T")]
    pub since: Option<String>,
    /// Every alert, not just the latest 50
    #[arg(long)]
    pub all: bool,
    /// Print comma-separated values: timestamp, id, status, recipient, group
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with an alert. ID is its number, or the code that its texts begin with.
#[derive(Debug, Clone, Subcommand)]
pub enum Action {
    /// Tell the whole story of an alert
    Show {
        /// Number or code
        id: String,
    },
    /// Acknowledge: "I have it"
    Ack {
        /// Number or code
        id: String,
    },
    /// Resolve: "it is over"
    Resolve {
        /// Number or code
        id: String,
    },
}

/// Lists, shows or acts.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    match story(config, options) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}

fn story(config: Option<&Path>, options: &Options) -> Result<(), Exit> {
    let config = setup::look_or_complain(config)?;
    if !config.store.exists() {
        return match (&options.action, options.json) {
            (None, true) => {
                println!("[]");
                Ok(())
            }
            (None, false) => {
                println!("No alerts yet.");
                Ok(())
            }
            (Some(_), _) => {
                complain(&format!("there are no alerts yet: the store {} does not exist", config.store.display()));
                Err(Exit::No)
            }
        };
    }
    let mut store = setup::open_store(&config)?;
    let Some(action) = &options.action else {
        return list(&config, &mut store, options);
    };
    let (Action::Show { id } | Action::Ack { id } | Action::Resolve { id }) = action;
    let id = find(&mut store, id)?;
    let by = Actor { contact: None, name: setup::user(), through: Through::Command };
    let event = match action {
        Action::Show { .. } => return show(&mut store, id, options.json),
        Action::Ack { .. } => Event::Acknowledge { by, within: None },
        Action::Resolve { .. } => Event::Resolve { by, within: None },
    };
    let desk = setup::desk(config);
    let alert = desk.apply(&mut store, id, &event).map_err(|error| fail(&error))?;
    desk.hang_up();
    if options.json {
        println!("{}", summary(&alert));
    } else {
        let who = alert.acknowledged_by.as_deref().map(|who| format!(" by {who}")).unwrap_or_default();
        println!("Alert {} ({}) is {}{}.", alert.id, alert.code, alert.state.word(), terminal::one_line(&who));
    }
    Ok(())
}

fn fail(error: &impl ToString) -> Exit {
    complain(&error.to_string());
    Exit::No
}

/// The alert that a number or a code names.
fn find(store: &mut Sqlite, text: &str) -> Result<AlertId, Exit> {
    if let Ok(number) = text.parse() {
        return Ok(AlertId(number));
    }
    let since = crate::clock::from_environment().now() - SignedDuration::from_hours(30 * 24);
    match store.by_code(&Code(text.to_uppercase()), since) {
        Ok(Some(id)) => Ok(id),
        Ok(None) => {
            complain(&format!("no alert of the last 30 days has the code `{text}`"));
            Err(Exit::No)
        }
        Err(error) => Err(fail(&error)),
    }
}

fn list(config: &Config, store: &mut Sqlite, options: &Options) -> Result<(), Exit> {
    let now = crate::clock::from_environment().now();
    let since = options.since.as_deref().map(|text| since(text, now, &config.defaults.time_zone)).transpose();
    let since = since.map_err(|why| {
        complain(&why);
        Exit::Usage
    })?;
    let filter = Filter {
        states: if options.open { vec![State::Open] } else { Vec::new() },
        group: options.group.as_deref().map(GroupId::new),
        since,
        limit: (!options.all && since.is_none() && !options.csv).then_some(LISTED),
    };
    let alerts = store.alerts(&filter).map_err(|error| fail(&error))?;
    if options.json {
        println!("{}", Value::Array(alerts.iter().map(summary).collect()));
        return Ok(());
    }
    if options.csv {
        print!("{}", csv(&alerts));
        return Ok(());
    }
    if alerts.is_empty() {
        println!("No alerts{}.", if options.open { " are open" } else { "" });
        return Ok(());
    }
    let mut table = Table::new(&["ID", "CODE", "STATE", "OPENED", "GROUP", "MAILS", "WHO", "SUBJECT"]);
    for alert in &alerts {
        table.row([
            alert.id.to_string(),
            alert.code.to_string(),
            if held(alert) > 0 { format!("{}, held", alert.state.word()) } else { alert.state.word().to_owned() },
            local(alert.opened_at),
            alert.group.to_string(),
            alert.mails.to_string(),
            alert.acknowledged_by.clone().unwrap_or_else(|| "-".to_owned()),
            alert.subject.clone(),
        ]);
    }
    print!("{}", table.render(table::terminal_width()));
    Ok(())
}

/// Reads `2026-11-02`, `2026-11-02 09:00`, or how long ago: `7d`.
fn since(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let midnight = |date: jiff::civil::Date| date.to_zoned(zone.clone()).map(|zoned| zoned.timestamp());
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    if let Ok(date_time) = text.parse::<jiff::civil::DateTime>() {
        return date_time.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|error| error.to_string());
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        return midnight(date).map_err(|error| error.to_string());
    }
    if let Ok(span) = text.parse::<jiff::Span>() {
        let zoned = now.to_zoned(zone.clone()).checked_sub(span).map_err(|error| error.to_string())?;
        return Ok(zoned.timestamp());
    }
    Err(format!("`{text}` is no time: write `2026-11-02`, `2026-11-02 09:00`, or how long ago, `7d`"))
}

/// The report of the old Thialfi, a line for each address of each alert, the newest first (RFC 4180).
fn csv(alerts: &[Alert]) -> String {
    let mut text = String::from("timestamp,id,status,recipient,group\r\n");
    for alert in alerts {
        let nobody = [String::new()];
        let recipients = if alert.recipients.is_empty() { &nobody[..] } else { &alert.recipients };
        for recipient in recipients {
            let opened = alert.opened_at.to_string();
            let (id, group) = (alert.id.to_string(), alert.group.to_string());
            let fields = [opened.as_str(), &id, alert.state.word(), recipient, &group].map(csv_field);
            text.push_str(&fields.join(","));
            text.push_str("\r\n");
        }
    }
    text
}

/// A field that a spreadsheet reads as text: quoted where it must be, and never as a formula.
fn csv_field(value: &str) -> String {
    let clean = terminal::one_line(value);
    let clean = if clean.starts_with(['=', '+', '-', '@']) { format!("'{clean}") } else { clean };
    if clean.contains([',', '"']) { format!("\"{}\"", clean.replace('"', "\"\"")) } else { clean }
}

/// How many of its notifications a limit holds back.
fn held(alert: &Alert) -> usize {
    alert.notifications.iter().filter(|notification| notification.is_held()).count()
}

/// The object that listings print: what is not known yet is null.
fn summary(alert: &Alert) -> Value {
    json!({
        "id": alert.id,
        "code": alert.code,
        "state": alert.state,
        "rule": alert.rule,
        "group": alert.group,
        "recipient": alert.recipients.first(),
        "recipients": alert.recipients,
        "key": alert.key,
        "subject": alert.subject,
        "mails": alert.mails,
        "opened_at": alert.opened_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_by": alert.acknowledged_by,
        "ended_at": alert.ended_at,
        "held": held(alert),
    })
}

fn show(store: &mut Sqlite, id: AlertId, json: bool) -> Result<(), Exit> {
    let alert = store.alert(id).map_err(|error| fail(&error))?;
    let history = store.history(id).map_err(|error| fail(&error))?;
    if json {
        let mut whole = summary(&alert);
        if let Value::Object(fields) = &mut whole {
            fields.insert("say".to_owned(), json!(alert.say));
            fields.insert("sms".to_owned(), json!(alert.text));
            fields.insert("policy".to_owned(), json!(alert.policy.name));
            fields.insert("notifications".to_owned(), notifications(&alert));
            fields.insert("history".to_owned(), Value::Array(history.iter().map(entry).collect()));
        }
        println!("{whole}");
        return Ok(());
    }
    println!("Alert {} ({}), {}", alert.id, alert.code, alert.state.word());
    let fact = |name: &str, value: &str| println!("  {name:<10} {}", terminal::one_line(value));
    fact("subject", &alert.subject);
    fact("group", alert.group.as_str());
    fact("rule", if alert.rule.is_empty() { "none matched; the recipient is known" } else { &alert.rule });
    fact("key", &alert.key);
    fact("to", &alert.recipients.join(", "));
    fact("mails", &alert.mails.to_string());
    fact("policy", &alert.policy.name);
    fact("spoken", &alert.say);
    fact("texted", &alert.text);
    for notification in &alert.notifications {
        if let Delivery::Held { until, limit, .. } = &notification.delivery {
            let (by, whom) = (notification.channel.word(), &notification.contact);
            fact("held", &format!("{by} to {whom} until {}: the limit of {limit} is full", local(*until)));
        }
    }
    println!();
    for line in history {
        println!("  {}  {}", local(line.at), terminal::one_line(&line.text));
    }
    Ok(())
}

fn entry(entry: &Entry) -> Value {
    json!({ "at": entry.at, "kind": entry.kind, "text": entry.text })
}

fn notifications(alert: &Alert) -> Value {
    let rows = alert.notifications.iter().map(|notification| {
        let (state, detail) = match &notification.delivery {
            Delivery::Due { .. } => ("due", None),
            Delivery::Held { limit, .. } => ("held", Some(format!("held back by the limit of {limit}"))),
            Delivery::Claimed { .. } => ("claimed", None),
            Delivery::Accepted { status, .. } => ("accepted", Some(status.clone())),
            Delivery::Ended { detail, .. } => ("ended", Some(detail.clone())),
        };
        let outcome = match &notification.delivery {
            Delivery::Ended { outcome, .. } => Some(*outcome),
            Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } | Delivery::Accepted { .. } => None,
        };
        json!({
            "number": notification.id.number,
            "purpose": notification.purpose,
            "contact": notification.contact,
            "by": notification.channel,
            "to": notification.number,
            "state": state,
            "outcome": outcome,
            "detail": detail,
            "tries": notification.tries,
            "told_in": notification.told_by.map(|by| json!({ "alert": by.alert, "number": by.number })),
            "held_until": match &notification.delivery {
                Delivery::Held { until, .. } => Some(*until),
                _ => None,
            },
        })
    });
    Value::Array(rows.collect())
}

fn local(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_day_a_time_or_how_long_ago() {
        let now: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Pacific/Auckland").unwrap();
        let read = |text: &str| since(text, now, &zone).map(|at| at.to_string());
        assert_eq!(read("2026-11-02").unwrap(), "2026-11-01T11:00:00Z");
        assert_eq!(read("2026-11-02 09:00").unwrap(), "2026-11-01T20:00:00Z");
        assert_eq!(read("7d").unwrap(), "2026-10-26T08:00:00Z");
        assert!(read("yesterday").unwrap_err().contains("`yesterday` is no time"));
    }

    #[test]
    fn a_field_is_no_formula_and_no_new_line() {
        assert_eq!(csv_field("=1+1"), "'=1+1");
        assert_eq!(csv_field("a,\"b\"\nc"), "\"a,\"\"b\"\" c\"");
        assert_eq!(csv_field("plain@example.com"), "plain@example.com");
    }
}
