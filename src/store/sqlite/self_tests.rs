//! Self-tests: which are outstanding, and how they ended.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row, params};

use super::fault::{Answer, Fault};
use super::query;
use super::row::milliseconds;
use super::work::{all, execute, one};
use crate::alert::{AlertId, Digest};
use crate::store::SelfTestRecord;

/// For so long a mark is known: a mail server gives up long before.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Makes a test outstanding; its number.
pub fn begin(connection: &Connection, mark: Digest, now: Timestamp, until: Timestamp) -> Answer<i64> {
    let now = milliseconds(now);
    execute(connection, query::FORGET_SELF_TESTS, [now - KEPT.as_secs() * 1000])?;
    execute(connection, query::BEGIN_SELF_TEST, params![mark.0, now, milliseconds(until)])?;
    Ok(connection.last_insert_rowid())
}

/// The test of this mark.
pub fn look(connection: &Connection, mark: Digest) -> Answer<Option<SelfTestRecord>> {
    one(connection, query::SELF_TEST, [mark.0], record)
}

/// Its mail has come; what came before counts.
pub fn came(connection: &Connection, mark: Digest, alert: Option<AlertId>, now: Timestamp) -> Answer<()> {
    let alert = alert.map(|alert| alert.0);
    execute(connection, query::SELF_TEST_CAME, params![mark.0, milliseconds(now), alert]).map(drop)
}

/// It is over; what ended it first counts.
pub fn end(connection: &Connection, id: i64, passed: bool, now: Timestamp) -> Answer<()> {
    execute(connection, query::END_SELF_TEST, params![id, milliseconds(now), passed]).map(drop)
}

/// Those that should have ended before, and did not.
pub fn abandoned(connection: &Connection, before: Timestamp) -> Answer<Vec<SelfTestRecord>> {
    all(connection, query::ABANDONED_SELF_TESTS, [milliseconds(before)], record)
}

fn record(row: &Row<'_>) -> Answer<SelfTestRecord> {
    let time = |value: i64| {
        let damaged = |error: jiff::Error| Fault::Damaged { what: "a self-test".into(), why: error.to_string() };
        Timestamp::from_millisecond(value).map_err(damaged)
    };
    let maybe = |column: &str| row.get::<_, Option<i64>>(column).map(|value| value.map(time).transpose());
    Ok(SelfTestRecord {
        id: row.get("id")?,
        begun_at: time(row.get("begun_at")?)?,
        until: time(row.get("until")?)?,
        received_at: maybe("received_at")??,
        alert: row.get::<_, Option<i64>>("alert")?.map(AlertId),
        ended_at: maybe("ended_at")??,
        passed: row.get("passed")?,
    })
}
