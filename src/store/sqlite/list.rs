//! Listing alerts by a filter. What has an index is left to SQLite; a search by text reads the alerts that are left one by
//! one, the newest first, until it has found or read enough.

use rusqlite::{Connection, ToSql};

use super::fault::Answer;
use super::row::{self, milliseconds};
use super::work::{json, readable};
use super::{Filter, Found, query};
use crate::alert::{Alert, AlertId};
use crate::oncall::GroupId;

/// The alerts that the filter picks, the newest first, with their notifications.
pub fn alerts(connection: &Connection, filter: &Filter) -> Answer<Vec<Alert>> {
    search(connection, filter, None).map(|found| found.alerts)
}

/// The same; a search by text looks through about `most` bytes.
pub fn search(connection: &Connection, filter: &Filter, most: Option<u64>) -> Answer<Found> {
    let states: Vec<&str> = filter.states.iter().map(|state| row::state_word(*state)).collect();
    let asked = query::Asked {
        states: &states,
        group: filter.group.is_some(),
        since: filter.since.is_some(),
        until: filter.until.is_some(),
        before: filter.before.is_some(),
        recipient: filter.recipient.is_some(),
    };
    let group = filter.group.as_ref().map(GroupId::as_str);
    let recipient = filter.recipient.as_ref().map(|part| part.to_ascii_lowercase());
    let (since, until) = (filter.since.map(milliseconds), filter.until.map(milliseconds));
    let before = filter.before.map(|id| id.0);
    let text = filter.text.as_deref().filter(|text| !text.is_empty());
    // To SQLite a negative limit is none. A search counts for itself.
    let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let in_sql = if text.is_some() { -1 } else { limit };
    let mut named: Vec<(&str, &dyn ToSql)> = vec![(":limit", &in_sql)];
    let given: [(&str, Option<&dyn ToSql>); 5] = [
        (":group", group.as_ref().map(|group| group as &dyn ToSql)),
        (":since", since.as_ref().map(|since| since as &dyn ToSql)),
        (":until", until.as_ref().map(|until| until as &dyn ToSql)),
        (":before", before.as_ref().map(|before| before as &dyn ToSql)),
        (":recipient", recipient.as_ref().map(|recipient| recipient as &dyn ToSql)),
    ];
    named.extend(given.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let Some(text) = text else {
        let alerts =
            readable(connection, &query::list(query::WHOLE, &asked), named.as_slice(), usize::MAX, row::alert)?;
        return Ok(Found { alerts: with_notifications(connection, alerts)?, stopped_at: None });
    };
    let limit = filter.limit.unwrap_or(usize::MAX);
    let looked = look_for(connection, &query::list(query::SEARCHED, &asked), named.as_slice(), text, (limit, most))?;
    let alerts = readable(connection, query::ALERTS_OF, [json(&looked.found)?], usize::MAX, row::alert)?;
    Ok(Found { alerts: with_notifications(connection, alerts)?, stopped_at: looked.stopped_at.map(AlertId) })
}

/// Gives each its notifications, by one question for all of them. One that cannot be read is left out.
fn with_notifications(connection: &Connection, mut alerts: Vec<Alert>) -> Answer<Vec<Alert>> {
    let mut ids: Vec<i64> = alerts.iter().map(|alert| alert.id.0).collect();
    ids.sort_unstable();
    let all = readable(connection, query::NOTIFICATIONS_OF, [json(&ids)?], usize::MAX, row::notification)?;
    // They come by the numbers of their alerts, and so from the last alert of the list to its first.
    let mut rest = alerts.iter_mut().rev().peekable();
    for notification in all {
        while rest.peek().is_some_and(|alert| alert.id < notification.id.alert) {
            rest.next();
        }
        if let Some(alert) = rest.peek_mut() {
            alert.notifications.push(notification);
        }
    }
    Ok(alerts)
}

/// What a search by text has found.
struct Looked {
    found: Vec<i64>,
    stopped_at: Option<i64>,
}

fn look_for(
    connection: &Connection,
    sql: &str,
    named: &[(&str, &dyn ToSql)],
    text: &str,
    (limit, most): (usize, Option<u64>),
) -> Answer<Looked> {
    let (mut found, mut read) = (Vec::new(), 0_u64);
    let mut statement = connection.prepare_cached(sql)?;
    let mut kept = connection.prepare_cached(query::NEW_TEXTS)?;
    let mut rows = statement.query(named)?;
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let id: i64 = row.get(0)?;
        let mut is_in = false;
        for column in 1..=6 {
            let value = row.get_ref(column)?.as_bytes().unwrap_or_default();
            read += length(value);
            is_in = is_in || contains(value, text.as_bytes());
        }
        if !is_in {
            let mut texts = kept.query([id])?;
            while !is_in && let Some(row) = texts.next()? {
                let value = row.get_ref(0)?.as_bytes().unwrap_or_default();
                read += length(value);
                is_in = contains(value, text.as_bytes());
            }
        }
        found.extend(is_in.then_some(id));
        if found.len() < limit && most.is_some_and(|most| read > most) {
            return Ok(Looked { found, stopped_at: Some(id) });
        }
    }
    Ok(Looked { found, stopped_at: None })
}

fn length(value: &[u8]) -> u64 {
    u64::try_from(value.len()).unwrap_or(u64::MAX)
}

/// Whether `part` is in it, whatever the case of ASCII letters.
fn contains(whole: &[u8], part: &[u8]) -> bool {
    let Some(first) = part.first() else { return true };
    let begins = |window: &&[u8]| window.first().is_some_and(|byte| byte.eq_ignore_ascii_case(first));
    whole.windows(part.len()).filter(begins).any(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_part_is_found_whatever_the_case_of_its_letters() {
        for (whole, part, is_in) in [
            ("Disk FULL", "disk full", true),
            ("disk", "disk full", false),
            ("", "a", false),
            ("anything", "", true),
            ("a 100% b", "%", true),
            ("a 100 b", "%", false),
            ("aab", "AB", true),
            ("Gr\u{fc}n", "gr\u{fc}N", true),
        ] {
            assert_eq!(contains(whole.as_bytes(), part.as_bytes()), is_in, "{whole} {part}");
        }
    }
}
