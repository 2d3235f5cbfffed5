//! Mails that must come: since when each is waited for, when the last one came, which alert tells that it is late.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::fault::{Answer, Fault};
use super::query;
use super::row::milliseconds;
use super::work::{all, execute, one};
use crate::alert::{AlertId, Digest};
use crate::store::{Awaited, Beat, Sighting};

/// What is known of each, in the same order.
pub fn look(connection: &Connection, awaited: &[Awaited]) -> Answer<Vec<Sighting>> {
    awaited.iter().map(|one| sighting(connection, one)).collect()
}

fn sighting(connection: &Connection, awaited: &Awaited) -> Answer<Sighting> {
    let parameters = params![awaited.name, awaited.form.0];
    let since = one(connection, query::HEARTBEAT_SINCE, parameters, |row| time(row, 0))?.flatten();
    let last = one(connection, query::HEARTBEAT, [&awaited.name], |row| {
        Ok(Sighting {
            since: None,
            sent_at: time(row, 0)?,
            arrived_at: time(row, 1)?,
            alert: row.get::<_, Option<i64>>(2)?.map(AlertId),
            carrier: row.get::<_, Option<[u8; 32]>>(3)?.map(Digest),
        })
    })?;
    Ok(Sighting { since, ..last.unwrap_or_default() })
}

/// Waits for each from now on, unless somebody does already; mends what a clock that has been set back noted.
pub fn expect(connection: &Connection, awaited: &[Awaited], now: Timestamp) -> Answer<()> {
    let now = milliseconds(now);
    for one in awaited {
        execute(connection, query::EXPECT_HEARTBEAT, params![one.name, one.form.0, now])?;
        execute(connection, query::MEND_HEARTBEAT, params![one.name, now])?;
    }
    Ok(())
}

/// A mail came. The same again, or one that was sent before the last one, changes nothing.
pub fn came(connection: &Connection, names: &[&str], beat: &Beat, now: Timestamp) -> Answer<()> {
    for name in names {
        execute(connection, query::MEND_HEARTBEAT, params![name, milliseconds(now)])?;
        let parameters = params![name, milliseconds(beat.sent_at.min(now)), milliseconds(now), beat.mail.0];
        execute(connection, query::HEARTBEAT_CAME, parameters)?;
    }
    Ok(())
}

/// This alert tells that it is late, and this mail's redelivery follows up where no engine does.
pub fn told(connection: &Connection, name: &str, alert: AlertId, carrier: Option<Digest>) -> Answer<()> {
    execute(connection, query::HEARTBEAT_TOLD, params![name, alert.0, carrier.map(|mail| mail.0)]).map(drop)
}

fn time(row: &Row<'_>, column: usize) -> Answer<Option<Timestamp>> {
    let damaged = |error: jiff::Error| Fault::Damaged { what: "a heartbeat".into(), why: error.to_string() };
    row.get::<_, Option<i64>>(column)?.map(|time| Timestamp::from_millisecond(time).map_err(damaged)).transpose()
}

/// The heartbeats whose last alert is open or acknowledged.
pub fn alerts(connection: &Connection) -> Answer<Vec<(String, AlertId)>> {
    all(connection, query::HEARTBEAT_ALERTS, [], |row| Ok((row.get(0)?, AlertId(row.get(1)?))))
}
