//! Counting, in the transactions in which things happen. Not by triggers: these would be asked at each of the many saves
//! of an alert that change nothing that counts, and have no bounds and no way to tell a mail from a heartbeat; `save` knows
//! an alert before and after. Only how many alerts stand in which state is left to triggers (`standing`), since it goes
//! down as well.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row, params};

use super::fault::{Answer, Fault};
use super::row::{self, milliseconds};
use super::work::{all, execute, one};
use super::{Sqlite, query};
use crate::alert::{Alert, Decision, Delivery, Notification, Policy, State};
use crate::store::counts::{self, BEYOND, BOUNDS, Counter, Counts, Gauges, RuleUse, Series};
use crate::store::{Arrival, Result};

/// Counts a mail by what became of it; what the time asks for is none.
pub fn mail(connection: &Connection, arrival: &Arrival, decision: Decision) -> Answer<()> {
    if arrival.told.is_none() {
        return Ok(());
    }
    add(connection, Series::Mails, [decision.word(), "", ""], 1)
}

/// Remembers that the rule of a mail was used, if it had one: no rule is asked about a self-test.
pub fn rule(connection: &Connection, arrival: &Arrival, now: Timestamp) -> Answer<()> {
    match &arrival.told {
        Some(told) if !arrival.rule.is_empty() && told.action != Policy::SELF_TEST => {
            execute(connection, query::USE_RULE, params![arrival.rule, milliseconds(now)]).map(drop)
        }
        Some(_) | None => Ok(()),
    }
}

/// Counts what a change of an alert means; `before`: `None` when it is new.
pub fn change(connection: &Connection, before: Option<&Alert>, after: &Alert) -> Answer<()> {
    let way = |word| add(connection, Series::Alerts, [word, "", ""], 1);
    if before.is_none() {
        way("opened")?;
    }
    let was = before.map_or(State::Open, |before| before.state);
    if was != after.state {
        way(match after.state {
            State::Open => "reopened",
            State::Acknowledged => "acknowledged",
            State::Resolved => "resolved",
            State::Expired => "expired",
        })?;
    }
    if let Some(took) = first_taken(before, after) {
        let took = took.max(SignedDuration::ZERO);
        add(connection, Series::AcknowledgedWithin, [&counts::bound(took), "", ""], 1)?;
        let milliseconds = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        add(connection, Series::AcknowledgedMilliseconds, ["", "", ""], milliseconds)?;
    }
    Ok(())
}

/// How long it took until somebody had the alert, when this is the first who has. One whose acknowledgement timed out was
/// acknowledged before.
fn first_taken(before: Option<&Alert>, after: &Alert) -> Option<SignedDuration> {
    let at = after.acknowledged_at?;
    let had = before.is_some_and(|before| before.acknowledged_at.is_some() || before.resumed.is_some());
    (!had).then(|| at.duration_since(after.opened_at))
}

/// Counts a notification that has ended with this change.
pub fn attempt(connection: &Connection, before: Option<&Notification>, after: &Notification) -> Answer<()> {
    let Delivery::Ended { outcome, provider, .. } = &after.delivery else { return Ok(()) };
    let had_ended = before.is_some_and(|before| matches!(before.delivery, Delivery::Ended { .. }));
    if had_ended || after.told_by.is_some() {
        return Ok(());
    }
    let labels = [row::channel_word(after.channel), provider.as_deref().unwrap_or(""), row::outcome_word(*outcome)];
    add(connection, Series::Attempts, labels, 1)
}

fn add(connection: &Connection, series: Series, [a, b, c]: [&str; 3], more: i64) -> Answer<()> {
    execute(connection, query::COUNT_UP, params![series.word(), a, b, c, more]).map(drop)
}

impl Counts for Sqlite {
    fn counters(&mut self) -> Result<Vec<Counter>> {
        let stored = self.read(|transaction| all(transaction, query::COUNTERS, [], counter))?;
        Ok(told(stored.into_iter().flatten()))
    }

    fn rule_uses(&mut self) -> Result<Vec<RuleUse>> {
        self.read(|transaction| {
            all(transaction, query::RULE_USES, [], |row| {
                Ok(RuleUse { rule: row.get(0)?, mails: number(row, 1)?, last_at: time(row.get(2)?)? })
            })
        })
    }

    fn gauges(&mut self, now: Timestamp) -> Result<Gauges> {
        let now = milliseconds(now);
        self.read(|transaction| {
            let standing_so = |word| one(transaction, query::COUNT_STANDING, params![now, word], |row| number(row, 0));
            let earliest = |row: &Row<'_>| Ok((number(row, 0)?, row.get::<_, Option<i64>>(1)?));
            let (due_alerts, first_alert) = one(transaction, query::COUNT_DUE, [now], earliest)?.unwrap_or_default();
            let (due_notifications, first) =
                one(transaction, query::COUNT_CLAIMABLE, [now], earliest)?.unwrap_or_default();
            let heartbeats = all(transaction, query::HEARTBEATS_SEEN, [], |row| {
                Ok((row.get(0)?, row.get::<_, Option<i64>>(1)?.map(time).transpose()?))
            })?;
            let beat: Option<i64> = one(transaction, query::LAST_BEAT, [], |row| Ok(row.get(0)?))?.flatten();
            Ok(Gauges {
                alerts: all(transaction, query::STANDING, [], standing)?,
                due_alerts,
                due_notifications,
                held_notifications: standing_so("held")?.unwrap_or_default(),
                claimed: standing_so("claimed")?.unwrap_or_default(),
                oldest_due_at: [first_alert, first].into_iter().flatten().min().map(time).transpose()?,
                outbox_waiting: one(transaction, query::COUNT_POSTS, [], |row| number(row, 0))?.unwrap_or_default(),
                last_beat: beat.map(time).transpose()?,
                heartbeats,
            })
        })
    }
}

/// The counters as they are told: with what has never happened, and each bound with what is below it.
fn told(stored: impl Iterator<Item = Counter>) -> Vec<Counter> {
    let (mut told, mut within, mut took) = (Vec::new(), Vec::new(), 0);
    for counter in stored {
        match counter.series {
            Series::Mails | Series::Alerts | Series::Attempts => told.push(counter),
            Series::AcknowledgedWithin => within.push(counter),
            Series::AcknowledgedMilliseconds => took = counter.value,
        }
    }
    for (series, word) in counts::from_the_beginning() {
        if !told
            .iter()
            .any(|counter: &Counter| counter.series == series && counter.labels.first().is_some_and(|a| a == word))
        {
            told.push(Counter::of(series, word, 0));
        }
    }
    told.sort_by(|one, other| (one.series, &one.labels).cmp(&(other.series, &other.labels)));
    let mut sum = 0;
    for bound in BOUNDS.iter().map(ToString::to_string).chain([BEYOND.to_owned()]) {
        let own = within.iter().find(|counter| counter.labels.first() == Some(&bound));
        sum += own.map_or(0, |counter| counter.value);
        told.push(Counter::of(Series::AcknowledgedWithin, &bound, sum));
    }
    told.push(Counter::of(Series::AcknowledgedMilliseconds, "", took));
    told
}

/// A row of `counters`; `None` for one that this version does not know.
fn counter(row: &Row<'_>) -> Answer<Option<Counter>> {
    let Some(series) = Series::of(&row.get::<_, String>(0)?) else { return Ok(None) };
    Ok(Some(Counter { series, labels: [row.get(1)?, row.get(2)?, row.get(3)?], value: number(row, 4)? }))
}

fn standing(row: &Row<'_>) -> Answer<(State, u64)> {
    let damaged = |why| Fault::Damaged { what: "the number of alerts".into(), why };
    Ok((row::state(&row.get::<_, String>(0)?).map_err(damaged)?, number(row, 1)?))
}

/// A count, which is never negative.
fn number(row: &Row<'_>, column: usize) -> Answer<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

fn time(stored: i64) -> Answer<Timestamp> {
    let damaged = |error: jiff::Error| Fault::Damaged { what: "a time".into(), why: error.to_string() };
    Timestamp::from_millisecond(stored).map_err(damaged)
}
