//! Which mails were seen, which alerts they belong to, and how many of a kind came.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use super::fault::Answer;
use super::row::{cut, milliseconds};
use super::work::{add_lines, all, execute, json, load, one};
use super::{Arrival, REMEMBERED, Tally, query};
use crate::alert::{Alert, AlertId, Digest};
use crate::store::{COUNTED_FOR, TOLD_AGAIN};

/// The alert that had this very mail.
pub fn alert_of_mail(connection: &Connection, mail: Digest) -> Answer<Option<AlertId>> {
    one(connection, query::ALERT_OF_MAIL, [mail.0], |row| Ok(AlertId(row.get(0)?)))
}

/// Adds the recipients that the alert has not named yet, and nothing else.
pub fn name_recipients(connection: &Connection, id: AlertId, recipients: &[String]) -> Answer<Alert> {
    let mut alert = load(connection, id)?;
    let known = alert.recipients.len();
    for recipient in recipients {
        if !alert.recipients.contains(recipient) {
            alert.recipients.push(recipient.clone());
        }
    }
    if alert.recipients.len() > known {
        execute(connection, query::SET_RECIPIENTS, params![id.0, json(&alert.recipients)?])?;
    }
    Ok(alert)
}

/// Gives the alert the digests of the mail that it has not had.
pub fn add_digests(connection: &Connection, id: AlertId, arrival: &Arrival) -> Answer<()> {
    for digest in arrival.digests() {
        execute(connection, query::ADD_DIGEST, params![digest.0, id.0])?;
    }
    Ok(())
}

/// The alerts that a question names for any of these digests, the newest first, each once.
pub fn of_digests(
    connection: &Connection,
    question: &str,
    digests: &[Digest],
    now: Option<Timestamp>,
) -> Answer<Vec<AlertId>> {
    let mut found = Vec::new();
    for digest in digests {
        let id = |row: &rusqlite::Row<'_>| Ok(AlertId(row.get(0)?));
        found.extend(match now {
            Some(now) => all(connection, question, params![digest.0, milliseconds(now)], id)?,
            None => all(connection, question, [digest.0], id)?,
        });
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.dedup();
    Ok(found)
}

/// Says in the history that this mail came again, unless that was said too often already.
pub fn tell_again(connection: &Connection, id: AlertId, arrival: &Arrival, now: Timestamp) -> Answer<()> {
    let told: u32 = one(connection, query::TOLD_AGAIN, [id.0], |row| Ok(row.get(0)?))?.unwrap_or(0);
    if told >= TOLD_AGAIN {
        return Ok(());
    }
    let mut line = arrival.again(now);
    if told + 1 == TOLD_AGAIN {
        line.text.push_str("; further ones are not noted");
    }
    add_lines(connection, id, &[line])
}

/// Acknowledged alerts of these digests take in no more mails.
pub fn end_windows(connection: &Connection, digests: &[Digest], now: Timestamp) -> Answer<()> {
    for id in of_digests(connection, query::IN_WINDOW, digests, Some(now))? {
        execute(connection, query::END_WINDOW, params![id.0, milliseconds(now)])?;
    }
    Ok(())
}

/// Whether the alert has had a mail that was written later. A mail server's queue knows no order: a recovery that waited
/// in it must not end what began since. What says no time is not later.
pub fn has_newer_mail(connection: &Connection, id: AlertId, sent_at: Option<Timestamp>) -> Answer<bool> {
    let Some(sent_at) = sent_at else { return Ok(false) };
    let parameters = params![id.0, milliseconds(sent_at)];
    Ok(one(connection, query::HAS_NEWER_MAIL, parameters, |row| Ok(row.get(0)?))?.unwrap_or(false))
}

/// Remembers that this mail ended or took these alerts, for as long as anything from outside is remembered.
pub fn remember_closing(connection: &Connection, mail: Digest, changed: &[Alert], now: Timestamp) -> Answer<()> {
    let now = milliseconds(now);
    execute(connection, query::FORGET_CLOSINGS, [now - REMEMBERED.as_secs() * 1000])?;
    let ids: Vec<AlertId> = changed.iter().map(|alert| alert.id).collect();
    execute(connection, query::REMEMBER_CLOSING, params![mail.0, json(&ids)?, now]).map(drop)
}

/// Counts a mail, unless it has been counted.
pub fn count(connection: &Connection, tally: &Tally, now: Timestamp) -> Answer<u32> {
    if let Some(times) = counted(connection, tally)? {
        return Ok(times);
    }
    execute(connection, query::FORGET_COUNTS, [milliseconds(now)])?;
    let times = would_be(connection, tally, now)?;
    let until = later(now, tally.within.saturating_add(COUNTED_FOR));
    let parameters = params![tally.counter.0, tally.mail.0, milliseconds(now), times, until];
    execute(connection, query::ADD_COUNT, parameters)?;
    Ok(times)
}

/// What `count` would say, without counting.
pub fn would_count(connection: &Connection, tally: &Tally, now: Timestamp) -> Answer<u32> {
    match counted(connection, tally)? {
        Some(times) => Ok(times),
        None => would_be(connection, tally, now),
    }
}

/// The answer that the mail got when it was counted.
fn counted(connection: &Connection, tally: &Tally) -> Answer<Option<u32>> {
    one(connection, query::COUNTED, params![tally.counter.0, tally.mail.0], |row| Ok(row.get(0)?))
}

/// The so-manieth that a mail would be which has not been counted.
fn would_be(connection: &Connection, tally: &Tally, now: Timestamp) -> Answer<u32> {
    let earlier = milliseconds(cut(now).checked_sub(tally.within).unwrap_or(Timestamp::MIN));
    let others = tally.enough.saturating_sub(1);
    let parameters = params![tally.counter.0, earlier, later(now, tally.within), others];
    let others: u32 = one(connection, query::COUNT, parameters, |row| Ok(row.get(0)?))?.unwrap_or(0);
    Ok(others.saturating_add(1))
}

fn later(now: Timestamp, span: SignedDuration) -> i64 {
    milliseconds(now.checked_add(span).unwrap_or(Timestamp::MAX))
}
