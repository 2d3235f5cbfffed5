//! The SQLite backend: one file that many short processes and one engine share. It owns SQL, locks and the form on
//! disk, and knows nothing of what an alert goes through: that is in the closures that it commits.
//!
//! - A transaction that writes takes its turn first (`turn.rs`), then `BEGIN IMMEDIATE`; WAL and `synchronous = FULL`
//!   put it on disk before it returns. Reading waits for nobody.
//! - Times are kept in whole milliseconds, rounded down. What `receive`, `update` and `claim` return has been cut
//!   already, so it equals what is read back later.
//! - Beside the file lie `-wal`, `-shm` (SQLite's) and `.lock` (ours), with the same owner and mode.

mod claim;
mod counts;
mod fault;
mod heartbeats;
mod kept;
mod list;
mod look;
mod mails;
mod open;
mod outbox;
mod query;
mod retention;
mod row;
mod schema;
mod self_tests;
mod signing;
mod statistics;
#[cfg(test)]
mod tests;
mod turn;
mod work;

use std::cell::OnceCell;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{
    Arrival, Awaited, Beat, Closing, Error, Filter, Found, Parcel, Reading, Receipt, Result, SelfTestRecord, Sighting,
    Store, Tally, Throttle, Told, Updated, code,
};
use crate::alert::limit::{Verdict, Wanted};
use crate::alert::{
    Alert, AlertId, Change, Channel, Code, Decision, Digest, Entry, Notification, NotificationId, Token,
};
use crate::oncall::{Address, ContactId, GroupId, Override, Phone};
use fault::{Answer, Fault};
use mails::{
    add_digests, alert_of_mail, count, end_windows, has_newer_mail, name_recipients, of_digests, remember_closing,
    tell_again, would_count,
};
use row::{cut, milliseconds};
use work::{add_lines, all, claimable, execute, exists, load, one, open_alert, readable, save};

/// How long the ids of [`Store::first_time`] are remembered. Twilio repeats a webhook within seconds.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long the heartbeat of an engine that died is kept.
const BEATS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The SQLite backend.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    queue: turn::Queue,
    path: String,
}

impl Sqlite {
    /// Opens the store at `path`, and makes it when there is none, for its owner alone (mode 0600; a file that is
    /// there keeps its mode). The directory must exist.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::NotWritable`], [`Error::Foreign`], [`Error::Newer`], [`Error::Full`],
    /// [`Error::Busy`], each of which says what to do.
    pub fn open(path: &Path) -> Result<Self> {
        let path = open::whole_path(path)?;
        let mut queue = turn::Queue::beside(&path);
        let turn = queue.wait();
        let connection = open::file(&path)?;
        drop(turn);
        Ok(Self { connection, queue, path: open::shown(&path) })
    }

    /// Opens the store at `path` to look into it: only the methods that read may be used. Makes nothing, changes
    /// nothing and holds up nobody. `None` when there is no store yet.
    ///
    /// # Errors
    /// When it cannot be read, or is another version's.
    pub fn look(path: &Path) -> Result<Option<Self>> {
        let path = open::whole_path(path)?;
        let connection = look::file(&path)?;
        Ok(connection.map(|connection| Self { connection, queue: turn::Queue::none(), path: open::shown(&path) }))
    }

    /// A store that is gone when it is dropped.
    ///
    /// # Errors
    /// None in practice: no memory.
    pub fn in_memory() -> Result<Self> {
        Ok(Self { connection: open::memory()?, queue: turn::Queue::none(), path: ":memory:".into() })
    }

    /// One transaction that writes: all of it is on disk when this returns, or nothing of it happened.
    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Answer<T>) -> Result<T> {
        let _turn = self.queue.wait();
        let attempt = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answer = work(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        };
        attempt().map_err(|fault: Fault| fault.at(&self.path))
    }

    /// One transaction that reads: everything as it was at one moment.
    fn read<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Answer<T>) -> Result<T> {
        let attempt = || work(&self.connection.transaction()?);
        attempt().map_err(|fault: Fault| fault.at(&self.path))
    }
}

impl Store for Sqlite {
    fn receive(
        &mut self,
        arrival: &Arrival,
        parcel: Option<&Parcel>,
        says: Option<Reading<'_>>,
        now: Timestamp,
        random: &mut dyn FnMut() -> u128,
        change: &mut dyn FnMut(Alert, bool, &mut dyn FnMut() -> u128) -> Change,
    ) -> Result<Receipt> {
        let now = cut(now);
        self.write(|transaction| {
            if let Some(id) = alert_of_mail(transaction, arrival.mail)? {
                add_digests(transaction, id, arrival)?;
                tell_again(transaction, id, arrival, now)?;
                counts::mail(transaction, arrival, Decision::Duplicate)?;
                return Ok(Receipt::SameMail(name_recipients(transaction, id, &arrival.recipients)?));
            }
            let joined = of_digests(transaction, query::JOINABLE, &arrival.digests(), Some(now))?.first().copied();
            end_windows(transaction, &arrival.over, now)?;
            let before = match joined {
                Some(id) => load(transaction, id)?,
                None => open_alert(transaction, arrival, now, random)?,
            };
            let id = before.id;
            let changed = change(before.clone(), joined.is_some(), random);
            let after = save(transaction, joined.map(|_| &before), id, changed.alert)?;
            add_lines(transaction, id, &changed.history)?;
            add_digests(transaction, id, arrival)?;
            let sent_at = arrival.sent_at.map(milliseconds);
            execute(transaction, query::REMEMBER_MAIL, params![arrival.mail.0, id.0, milliseconds(now), sent_at])?;
            if let Some(parcel) = parcel {
                outbox::post(transaction, &after, arrival.mail, parcel, now, random)?;
            }
            if let Some(says) = says {
                kept::keep(transaction, id, arrival, &says(), now)?;
            }
            counts::mail(transaction, arrival, if joined.is_some() { Decision::Joined } else { Decision::Opened })?;
            counts::rule(transaction, arrival, now)?;
            Ok(if joined.is_some() { Receipt::Joined(after) } else { Receipt::Opened(after) })
        })
    }

    fn close(
        &mut self,
        arrival: &Arrival,
        says: Option<Reading<'_>>,
        now: Timestamp,
        change: &mut dyn FnMut(Alert, bool) -> Option<Change>,
    ) -> Result<Closing> {
        self.write(|transaction| {
            if let Some(alerts) = one(transaction, query::CLOSED_BY, [arrival.mail.0], row::alert_ids)? {
                counts::mail(transaction, arrival, Decision::Duplicate)?;
                return Ok(Closing::SameMail(alerts));
            }
            let (mut changed, mut newer) = (Vec::new(), Vec::new());
            let text = OnceCell::new();
            let digests = arrival.digests();
            let mut newest = Vec::new();
            for digest in &digests {
                newest.extend(of_digests(transaction, query::UNRESOLVED, &[*digest], None)?.first().copied());
            }
            for id in of_digests(transaction, query::UNRESOLVED, &digests, None)? {
                if has_newer_mail(transaction, id, arrival.sent_at)? {
                    newer.push(id);
                    continue;
                }
                let before = load(transaction, id)?;
                let Some(change) = change(before.clone(), newest.contains(&id)) else { continue };
                changed.push(save(transaction, Some(&before), id, change.alert)?);
                add_lines(transaction, id, &change.history)?;
                if let Some(says) = says {
                    kept::keep(transaction, id, arrival, text.get_or_init(says), now)?;
                }
            }
            remember_closing(transaction, arrival.mail, &changed, now)?;
            if !changed.is_empty() {
                counts::mail(transaction, arrival, Decision::Closed)?;
            } else if !newer.is_empty() {
                counts::mail(transaction, arrival, Decision::Stale)?;
            }
            counts::rule(transaction, arrival, now)?;
            Ok(Closing::Done { changed, newer })
        })
    }

    fn count(&mut self, tally: &Tally, now: Timestamp) -> Result<u32> {
        self.write(|transaction| {
            if alert_of_mail(transaction, tally.arrival)?.is_some() {
                return Ok(tally.enough);
            }
            count(transaction, tally, now)
        })
    }

    fn would_count(&mut self, tally: &Tally, now: Timestamp) -> Result<u32> {
        self.read(|transaction| match alert_of_mail(transaction, tally.arrival)? {
            Some(_) => Ok(tally.enough),
            None => would_count(transaction, tally, now),
        })
    }

    fn update(&mut self, id: AlertId, change: &mut dyn FnMut(Alert) -> Change) -> Result<Updated> {
        self.write(|transaction| update(transaction, id, change))
    }

    fn update_each(&mut self, ids: &[AlertId], change: &mut dyn FnMut(Alert) -> Change) -> Result<Vec<Updated>> {
        self.write(|transaction| ids.iter().map(|id| update(transaction, *id, change)).collect())
    }

    fn record(&mut self, id: AlertId, entries: &[Entry]) -> Result<()> {
        self.write(|transaction| {
            exists(transaction, id)?;
            add_lines(transaction, id, entries)
        })
    }

    fn alert(&mut self, id: AlertId) -> Result<Alert> {
        self.read(|transaction| load(transaction, id))
    }

    fn alerts(&mut self, filter: &Filter) -> Result<Vec<Alert>> {
        self.read(|transaction| list::alerts(transaction, filter))
    }

    fn search(&mut self, filter: &Filter, most: u64) -> Result<Found> {
        self.read(|transaction| list::search(transaction, filter, Some(most)))
    }

    fn alert_of_mail(&mut self, mail: Digest) -> Result<Option<AlertId>> {
        self.read(|transaction| alert_of_mail(transaction, mail))
    }

    fn active(&mut self, digest: Digest) -> Result<Option<AlertId>> {
        self.read(|transaction| one(transaction, query::ACTIVE, [digest.0], |row| Ok(AlertId(row.get(0)?))))
    }

    fn by_code(&mut self, code: &Code, since: Timestamp) -> Result<Option<AlertId>> {
        let parameters = params![code.0.to_ascii_uppercase(), milliseconds(since)];
        self.read(|transaction| one(transaction, query::BY_CODE, parameters, |row| Ok(AlertId(row.get(0)?))))
    }

    fn notified(&mut self, number: &Phone, since: Timestamp) -> Result<Vec<AlertId>> {
        let parameters = params![number.as_str(), milliseconds(since)];
        self.read(|transaction| all(transaction, query::NOTIFIED, parameters, |row| Ok(AlertId(row.get(0)?))))
    }

    fn by_token(&mut self, token: &Token) -> Result<Option<NotificationId>> {
        self.read(|transaction| {
            one(transaction, query::BY_TOKEN, [token.as_str()], |row| {
                Ok(NotificationId { alert: AlertId(row.get(0)?), number: row.get(1)? })
            })
        })
    }

    fn history(&mut self, id: AlertId) -> Result<Vec<Entry>> {
        self.read(|transaction| {
            exists(transaction, id)?;
            all(transaction, query::HISTORY, [id.0], row::entry)
        })
    }

    fn due_alerts(&mut self, now: Timestamp, limit: usize) -> Result<Vec<AlertId>> {
        let parameters = params![milliseconds(now), i64::try_from(limit).unwrap_or(i64::MAX)];
        self.read(|transaction| all(transaction, query::DUE_ALERTS, parameters, |row| Ok(AlertId(row.get(0)?))))
    }

    fn waiting_alerts(&mut self) -> Result<Vec<AlertId>> {
        self.read(|transaction| all(transaction, query::WAITING_ALERTS, [], |row| Ok(AlertId(row.get(0)?))))
    }

    fn claim(
        &mut self,
        now: Timestamp,
        owner: &str,
        until: Timestamp,
        limit: usize,
        only: Option<&[AlertId]>,
        throttle: &Throttle<'_>,
    ) -> Result<Vec<Notification>> {
        // Looked for without a turn first: an engine that finds nothing to do holds nobody up.
        if self.read(|transaction| claimable(transaction, now, limit, only))?.is_empty() {
            return Ok(Vec::new());
        }
        let claimant = claim::Claimant { now, owner, until, throttle };
        self.write(|transaction| claim::claim(transaction, &claimant, limit, only))
    }

    fn would_go(
        &mut self,
        to: (&ContactId, Channel),
        recipients: &[String],
        now: Timestamp,
        throttle: &Throttle<'_>,
    ) -> Result<Verdict> {
        // The alert is not there yet: it has no number that another has.
        let wanted = Wanted { alert: AlertId(0), untold: true, news: false, held_since: None };
        self.read(|transaction| claim::verdict(transaction, throttle, to, recipients, &wanted, now))
    }

    fn board(&mut self, call: NotificationId, now: Timestamp) -> Result<Told> {
        self.write(|transaction| claim::board(transaction, call, now))
    }

    fn told(&mut self, teller: NotificationId, last: i64) -> Result<Told> {
        self.read(|transaction| claim::told(transaction, teller, last))
    }

    fn update_told_each(
        &mut self,
        tellers: &[(NotificationId, Option<i64>)],
        change: &mut dyn FnMut(usize, Alert, NotificationId) -> Option<Change>,
    ) -> Result<Vec<Updated>> {
        self.write(|transaction| {
            let mut updated = Vec::new();
            for (place, (teller, last)) in tellers.iter().enumerate() {
                for id in claim::teller_and_told(transaction, *teller, *last)? {
                    let before = load(transaction, id.alert)?;
                    let Some(changed) = change(place, before.clone(), id) else { continue };
                    let alert = save(transaction, Some(&before), id.alert, changed.alert)?;
                    add_lines(transaction, id.alert, &changed.history)?;
                    updated.push(Updated { alert, commands: changed.commands });
                }
            }
            Ok(updated)
        })
    }

    fn teller(&mut self, id: NotificationId) -> Result<NotificationId> {
        self.read(|transaction| {
            let told_by = claim::notification(transaction, id)?.and_then(|notification| notification.told_by);
            Ok(told_by.unwrap_or(id))
        })
    }

    fn is_needed(&mut self, teller: NotificationId, provider_id: &str) -> Result<bool> {
        self.read(|transaction| {
            let parameters = params![teller.alert.0, teller.number, provider_id];
            Ok(one(transaction, query::CARRIES_OPEN, parameters, |row| Ok(row.get(0)?))?.unwrap_or(false))
        })
    }

    fn under_way(&mut self, since: Timestamp) -> Result<Vec<Notification>> {
        self.read(|transaction| {
            readable(transaction, query::UNDER_WAY, [milliseconds(since)], usize::MAX, row::notification)
        })
    }

    fn oldest_told(&mut self, since: Timestamp) -> Result<Option<Timestamp>> {
        let opened: Option<i64> = self
            .read(|transaction| one(transaction, query::OLDEST_TOLD, [milliseconds(since)], |row| Ok(row.get(0)?)))?;
        Ok(opened.and_then(|time| Timestamp::from_millisecond(time).ok()))
    }

    fn next_due(&mut self) -> Result<Option<Timestamp>> {
        self.read(|transaction| {
            let alert: Option<i64> = one(transaction, query::NEXT_ALERT, [], |row| Ok(row.get(0)?))?.flatten();
            let notification: Option<i64> = one(transaction, query::NEXT_NOTIFICATION, [], |row| Ok(row.get(0)?))?;
            let post: Option<i64> = one(transaction, query::NEXT_POST, [], |row| Ok(row.get(0)?))?.flatten();
            // A time that cannot be one is due at once: looking too often is better than not looking.
            Ok([alert, notification, post]
                .into_iter()
                .flatten()
                .min()
                .map(|time| Timestamp::from_millisecond(time).unwrap_or(Timestamp::MIN)))
        })
    }

    fn provider_ids(&mut self, to: &Address, since: Timestamp) -> Result<Vec<String>> {
        let parameters = params![to.as_str(), milliseconds(since)];
        self.read(|transaction| all(transaction, query::PROVIDER_IDS, parameters, |row| Ok(row.get(0)?)))
    }

    fn first_time(&mut self, id: &str, now: Timestamp) -> Result<bool> {
        self.write(|transaction| {
            execute(transaction, query::FORGET_SEEN, [milliseconds(now) - REMEMBERED.as_secs() * 1000])?;
            Ok(execute(transaction, query::SEE, params![id, milliseconds(now)])? == 1)
        })
    }

    fn forget(&mut self, id: &str) -> Result<()> {
        self.write(|transaction| execute(transaction, query::FORGET, [id]).map(drop))
    }

    fn overrides(&mut self, now: Timestamp) -> Result<Vec<Override>> {
        self.read(|transaction| all(transaction, query::OVERRIDES, [milliseconds(now)], row::duty_override))
    }

    fn overrides_between(&mut self, since: Timestamp, until: Timestamp) -> Result<Vec<Override>> {
        let parameters = params![milliseconds(since), milliseconds(until)];
        self.read(|transaction| all(transaction, query::OVERRIDES_BETWEEN, parameters, row::duty_override))
    }

    fn add_override(&mut self, new: &Override) -> Result<()> {
        let group = new.group.as_str();
        let since = milliseconds(new.from);
        self.write(|transaction| {
            if new.until.is_none() {
                execute(transaction, query::REPLACE_FIXED, params![group, since])?;
            }
            let until = new.until.map_or(row::FOR_EVER, milliseconds);
            let parameters = params![group, new.contact.as_str(), since, until, new.made_by];
            execute(transaction, query::ADD_OVERRIDE, parameters).map(drop)
        })
    }

    fn end_overrides(&mut self, group: &GroupId, now: Timestamp) -> Result<usize> {
        self.write(|transaction| execute(transaction, query::END_OVERRIDES, params![group.as_str(), milliseconds(now)]))
    }

    fn unresolved(&mut self, digest: Digest) -> Result<Vec<AlertId>> {
        self.read(|transaction| of_digests(transaction, query::UNRESOLVED, &[digest], None))
    }

    fn heartbeats(&mut self, awaited: &[Awaited]) -> Result<Vec<Sighting>> {
        self.read(|transaction| heartbeats::look(transaction, awaited))
    }

    fn expect_heartbeats(&mut self, awaited: &[Awaited], now: Timestamp) -> Result<()> {
        self.write(|transaction| heartbeats::expect(transaction, awaited, now))
    }

    fn heartbeats_came(&mut self, names: &[&str], beat: &Beat, now: Timestamp) -> Result<()> {
        self.write(|transaction| heartbeats::came(transaction, names, beat, now))
    }

    fn heartbeat_told(&mut self, name: &str, alert: AlertId, carrier: Option<Digest>) -> Result<()> {
        self.write(|transaction| heartbeats::told(transaction, name, alert, carrier))
    }

    fn heartbeat_alerts(&mut self) -> Result<Vec<(String, AlertId)>> {
        self.read(|transaction| heartbeats::alerts(transaction))
    }

    fn begin_self_test(&mut self, mark: Digest, now: Timestamp, until: Timestamp) -> Result<i64> {
        self.write(|transaction| self_tests::begin(transaction, mark, now, until))
    }

    fn self_test(&mut self, mark: Digest) -> Result<Option<SelfTestRecord>> {
        self.read(|transaction| self_tests::look(transaction, mark))
    }

    fn self_test_came(&mut self, mark: Digest, alert: Option<AlertId>, now: Timestamp) -> Result<()> {
        self.write(|transaction| self_tests::came(transaction, mark, alert, now))
    }

    fn end_self_test(&mut self, id: i64, passed: bool, now: Timestamp) -> Result<()> {
        self.write(|transaction| self_tests::end(transaction, id, passed, now))
    }

    fn abandoned_self_tests(&mut self, before: Timestamp) -> Result<Vec<SelfTestRecord>> {
        self.read(|transaction| self_tests::abandoned(transaction, before))
    }

    fn beat(&mut self, owner: &str, now: Timestamp) -> Result<()> {
        let now = milliseconds(now);
        self.write(|transaction| {
            // A beat that is still to come was made by a clock that has been set back since; it would hide ours.
            execute(transaction, query::FORGET_BEATS, [now - BEATS_KEPT.as_secs() * 1000, now + 10_000])?;
            execute(transaction, query::BEAT, params![owner, now]).map(drop)
        })
    }

    fn stop_beating(&mut self, owner: &str) -> Result<()> {
        self.write(|transaction| execute(transaction, query::STOP_BEATING, [owner]).map(drop))
    }

    fn set_unreachable(&mut self, since: Option<Timestamp>) -> Result<()> {
        self.write(|transaction| match since {
            Some(since) => execute(transaction, query::SET_UNREACHABLE, [milliseconds(since)]).map(drop),
            None => execute(transaction, query::SET_REACHABLE, []).map(drop),
        })
    }

    fn unreachable(&mut self) -> Result<Option<Timestamp>> {
        let since: Option<i64> =
            self.read(|transaction| one(transaction, query::UNREACHABLE, [], |row| Ok(row.get(0)?)))?;
        Ok(since.map(|time| Timestamp::from_millisecond(time).unwrap_or(Timestamp::MIN)))
    }

    fn last_beat(&mut self) -> Result<Option<Timestamp>> {
        self.read(|transaction| {
            let time: Option<i64> = one(transaction, query::LAST_BEAT, [], |row| Ok(row.get(0)?))?.flatten();
            let damaged = |error: jiff::Error| Fault::Damaged { what: "the heartbeat".into(), why: error.to_string() };
            time.map(|time| Timestamp::from_millisecond(time).map_err(damaged)).transpose()
        })
    }
}

/// Commits what `change` makes of an alert.
fn update(transaction: &Transaction<'_>, id: AlertId, change: &mut dyn FnMut(Alert) -> Change) -> Answer<Updated> {
    let before = load(transaction, id)?;
    let changed = change(before.clone());
    let alert = save(transaction, Some(&before), id, changed.alert)?;
    add_lines(transaction, id, &changed.history)?;
    Ok(Updated { alert, commands: changed.commands })
}
