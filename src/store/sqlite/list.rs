//! Listing alerts by a filter.

use rusqlite::{Connection, ToSql};

use super::fault::Answer;
use super::row::{self, milliseconds};
use super::work::{notifications, readable};
use super::{Filter, query};
use crate::alert::Alert;
use crate::oncall::GroupId;

/// The alerts that the filter picks, the newest first, with their notifications.
pub fn alerts(connection: &Connection, filter: &Filter) -> Answer<Vec<Alert>> {
    let states: Vec<&str> = filter.states.iter().map(|state| row::state_word(*state)).collect();
    let sql = query::list(&states, filter.group.is_some(), filter.since.is_some(), filter.until.is_some());
    let group = filter.group.as_ref().map(GroupId::as_str);
    let (since, until) = (filter.since.map(milliseconds), filter.until.map(milliseconds));
    // To SQLite a negative limit is none.
    let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let mut named: Vec<(&str, &dyn ToSql)> = vec![(":limit", &limit)];
    let given: [(&str, Option<&dyn ToSql>); 3] = [
        (":group", group.as_ref().map(|group| group as &dyn ToSql)),
        (":since", since.as_ref().map(|since| since as &dyn ToSql)),
        (":until", until.as_ref().map(|until| until as &dyn ToSql)),
    ];
    named.extend(given.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let mut alerts = readable(connection, &sql, named.as_slice(), usize::MAX, row::alert)?;
    for alert in &mut alerts {
        alert.notifications = notifications(connection, alert.id)?;
    }
    Ok(alerts)
}
