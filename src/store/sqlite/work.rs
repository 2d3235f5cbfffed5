//! What the transactions are made of: asking, loading, saving.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Params, Row, params};

use super::fault::{Answer, Fault};
use super::row::{self, DeliveryColumns, cut_alert, milliseconds};
use super::{Arrival, code, counts, query};
use crate::alert::{Alert, AlertId, Code, Entry, Notification, State};
use crate::oncall::ContactId;

/// Runs a statement; how many rows it changed.
pub fn execute(connection: &Connection, sql: &str, parameters: impl Params) -> Answer<usize> {
    Ok(connection.prepare_cached(sql)?.execute(parameters)?)
}

/// The first row of the answer, if there is one.
pub fn one<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl Fn(&Row<'_>) -> Answer<T>,
) -> Answer<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    rows.next()?.map(read).transpose()
}

/// Every row of the answer.
pub fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl Fn(&Row<'_>) -> Answer<T>,
) -> Answer<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The first `limit` rows that can be read. One that cannot is told in the log and left out: it must not stand in the
/// way of those behind it.
pub fn readable<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    limit: usize,
    read: impl Fn(&Row<'_>) -> Answer<T>,
) -> Answer<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        match read(row) {
            Ok(value) => found.push(value),
            Err(Fault::Damaged { what, why }) => tracing::error!(what, why, "damaged in the store; left out"),
            Err(fault) => return Err(fault),
        }
    }
    Ok(found)
}

/// The alert with its notifications.
pub fn load(connection: &Connection, id: AlertId) -> Answer<Alert> {
    let mut alert = one(connection, query::ALERT, [id.0], row::alert)?.ok_or(Fault::NoAlert(id))?;
    alert.notifications = notifications(connection, id)?;
    Ok(alert)
}

/// The notifications of an alert, by number.
pub fn notifications(connection: &Connection, id: AlertId) -> Answer<Vec<Notification>> {
    all(connection, query::NOTIFICATIONS, [id.0], row::notification)
}

/// An error unless there is such an alert.
pub fn exists(connection: &Connection, id: AlertId) -> Answer<()> {
    let exists = one(connection, query::ALERT_EXISTS, [id.0], |row| Ok(row.get(0)?))?;
    if exists == Some(true) { Ok(()) } else { Err(Fault::NoAlert(id)) }
}

/// A new alert for this mail, numbered and with a code, not yet saved.
pub fn open_alert(
    connection: &Connection,
    arrival: &Arrival,
    now: Timestamp,
    random: &mut dyn FnMut() -> u128,
) -> Answer<Alert> {
    let id = one(connection, query::NEXT_ID, [], |row| Ok(AlertId(row.get(0)?)))?.unwrap_or(AlertId(1));
    let rested = milliseconds(now.checked_sub(code::REST).unwrap_or(Timestamp::MIN));
    let code = code::choose(random, |codes| {
        let codes: Vec<&str> = codes.iter().map(|code| code.0.as_str()).collect();
        one(connection, query::FREE_CODE, params![json(&codes)?, rested], |row| Ok(Code(row.get(0)?)))
    })?;
    // A mail which tells that its event is over leaves no time in which the next one would be no news.
    let window = if arrival.over.contains(&arrival.digest) { SignedDuration::ZERO } else { arrival.window };
    Ok(Alert {
        id,
        code,
        state: State::Open,
        digest: arrival.digest,
        key: arrival.key.clone(),
        group: arrival.group.clone(),
        rule: arrival.rule.clone(),
        recipients: arrival.recipients.clone(),
        subject: arrival.subject.clone(),
        say: arrival.say.clone(),
        text: arrival.text.clone(),
        policy: arrival.policy.clone(),
        opened_at: now,
        window: row::cut_span(window),
        mails: 1,
        acknowledged_at: None,
        acknowledged_by: None,
        taken_by: None,
        resumed: None,
        ended_at: None,
        progress: None,
        next_at: None,
        notifications: Vec::new(),
    })
}

/// Saves what has become of alert `id`, which was `before` (`None`: it is new). Writes what differs, and gives back the
/// alert as it is stored.
pub fn save(connection: &Connection, before: Option<&Alert>, id: AlertId, mut after: Alert) -> Answer<Alert> {
    let foreign = after.notifications.iter().any(|notification| notification.id.alert != id);
    if after.id != id || foreign {
        let why = "the change names another alert".to_owned();
        return Err(Fault::Damaged { what: format!("a change of alert {id}"), why });
    }
    cut_alert(&mut after);
    after.notifications.sort_by_key(|notification| notification.id);
    if before == Some(&after) {
        return Ok(after);
    }
    save_alert(connection, &after)?;
    counts::change(connection, before, &after)?;
    let old = before.map_or([].as_slice(), |before| before.notifications.as_slice());
    for notification in &after.notifications {
        if !old.contains(notification) {
            save_notification(connection, notification)?;
            let was = old.iter().find(|old| old.id == notification.id);
            counts::attempt(connection, was, notification)?;
        }
    }
    for gone in old.iter().filter(|old| after.notifications.iter().all(|new| new.id != old.id)) {
        execute(connection, query::DELETE_NOTIFICATION, params![id.0, gone.id.number])?;
    }
    Ok(after)
}

fn save_alert(connection: &Connection, alert: &Alert) -> Answer<()> {
    let progress = alert.progress.as_ref();
    let parameters = params![
        alert.id.0,
        alert.code.0,
        row::state_word(alert.state),
        alert.digest.0,
        alert.key,
        alert.group.as_str(),
        alert.rule,
        json(&alert.recipients)?,
        alert.subject,
        alert.say,
        alert.text,
        json(&alert.policy)?,
        milliseconds(alert.opened_at),
        milliseconds(alert.opened_at.checked_add(alert.window).unwrap_or(Timestamp::MAX)),
        alert.mails,
        alert.acknowledged_at.map(milliseconds),
        alert.acknowledged_by,
        alert.ended_at.map(milliseconds),
        progress.map(|progress| progress.round),
        progress.map(|progress| progress.step),
        progress.map(|progress| progress.attempt),
        progress.map(|progress| milliseconds(progress.began_at)),
        alert.next_at.map(milliseconds),
        alert.taken_by.as_ref().map(ContactId::as_str),
        alert.resumed.map(|resumed| resumed.round),
        alert.resumed.map(|resumed| milliseconds(resumed.at)),
    ];
    execute(connection, query::SAVE_ALERT, parameters).map(drop)
}

/// Saves one notification, new or changed.
pub fn save_notification(connection: &Connection, notification: &Notification) -> Answer<()> {
    let delivery = DeliveryColumns::from(&notification.delivery);
    let parameters = params![
        notification.id.alert.0,
        notification.id.number,
        row::purpose_word(notification.purpose),
        notification.round,
        notification.step,
        notification.attempt,
        notification.contact.as_str(),
        row::channel_word(notification.channel),
        notification.to.as_str(),
        notification.news.as_ref().map(json).transpose()?,
        notification.token.as_str(),
        milliseconds(notification.created_at),
        delivery.delivery,
        delivery.at,
        delivery.wake_at,
        delivery.unsure_since,
        delivery.claimed_by,
        delivery.provider,
        delivery.provider_id,
        delivery.status,
        delivery.outcome,
        delivery.detail,
        notification.tries,
        notification.sequence,
        notification.reached,
        json(&notification.perhaps_with)?,
        notification.may_have_been_sent(),
        notification.held_since.map(milliseconds),
        notification.told_by.map(|told_by| told_by.alert.0),
        notification.told_by.map(|told_by| told_by.number),
    ];
    execute(connection, query::SAVE_NOTIFICATION, parameters).map(drop)
}

/// Adds lines to the history of an alert.
pub fn add_lines(connection: &Connection, id: AlertId, lines: &[Entry]) -> Answer<()> {
    for line in lines {
        let fact = line.fact.as_ref().map(json).transpose()?;
        let parameters = params![id.0, milliseconds(line.at), row::kind_word(line.kind), line.text, fact];
        execute(connection, query::ADD_LINE, parameters)?;
    }
    Ok(())
}

/// The notifications that a claim may take now, the longest overdue first.
pub fn claimable(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
    only: Option<&[AlertId]>,
) -> Answer<Vec<Notification>> {
    let now = milliseconds(now);
    let Some(only) = only else {
        return readable(connection, query::CLAIMABLE, [now], limit, row::notification);
    };
    let mut found = Vec::new();
    for id in only {
        found.extend(readable(connection, query::CLAIMABLE_OF, [now, id.0], usize::MAX, row::notification)?);
    }
    found.sort_by_key(|notification| (DeliveryColumns::from(&notification.delivery).wake_at, notification.id));
    // An alert that was named twice gives its notifications once.
    found.dedup_by_key(|notification| notification.id);
    found.truncate(limit);
    Ok(found)
}

/// A value as JSON.
pub fn json(value: &impl serde::Serialize) -> Answer<String> {
    let damaged = |error: serde_json::Error| Fault::Damaged { what: "a value to store".into(), why: error.to_string() };
    serde_json::to_string(value).map_err(damaged)
}
