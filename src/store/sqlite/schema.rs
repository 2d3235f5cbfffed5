//! The tables, and the steps that bring an older file up to date.
//!
//! Times are whole milliseconds since 1970 (UTC). Words for states and kinds are in [`row`](super::row). Every index
//! that the engine asks in its loop is partial: its size follows what is due, not what was ever kept.

use rusqlite::{Connection, TransactionBehavior};

use super::fault::Fault;

/// Marks the file as ours (`file` shows it): "thia".
const APPLICATION_ID: i32 = 0x7468_6961;

/// Step n, from 0, brings a file from `user_version` n to n + 1. Never change one that was released: add one.
const STEPS: &[&str] = &[
    FIRST, SECOND, THIRD, HEARTBEATS, FACTS, REMINDERS, LIMITS, SELF_TESTS, OUTBOX, UNDER_WAY, HELD, READ, SIGNED_OUT,
];

/// The `user_version` that this program reads and writes.
pub const VERSION: i64 = 13;

const FIRST: &str = "
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never given twice, not even after a prune
    code TEXT NOT NULL,
    state TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    key TEXT NOT NULL,
    grp TEXT NOT NULL,
    rule TEXT NOT NULL,
    recipients TEXT NOT NULL, -- JSON array
    subject TEXT NOT NULL,
    say TEXT NOT NULL,
    text TEXT NOT NULL,
    policy TEXT NOT NULL, -- JSON
    opened_at INTEGER NOT NULL,
    window_until INTEGER NOT NULL,
    mails INTEGER NOT NULL,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    ended_at INTEGER,
    round INTEGER, step INTEGER, attempt INTEGER, began_at INTEGER, -- all four or none
    next_at INTEGER
) STRICT;
CREATE INDEX alerts_due ON alerts (next_at) WHERE state = 'open' AND next_at IS NOT NULL;
CREATE INDEX alerts_active ON alerts (digest) WHERE state IN ('open', 'acknowledged');
CREATE INDEX alerts_code ON alerts (code, opened_at);
CREATE INDEX alerts_state ON alerts (state);
CREATE INDEX alerts_opened ON alerts (opened_at);

CREATE TABLE notifications (
    alert INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    number INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    round INTEGER NOT NULL, step INTEGER NOT NULL, attempt INTEGER NOT NULL,
    contact TEXT NOT NULL,
    channel TEXT NOT NULL,
    phone TEXT NOT NULL,
    words TEXT,
    token TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    delivery TEXT NOT NULL, -- due, claimed, accepted, ended
    at INTEGER NOT NULL, -- when it is due, was claimed, was accepted, ended
    wake_at INTEGER, -- when a claim may take it: due, or the claim on it expires
    unsure_since INTEGER,
    claimed_by TEXT,
    provider TEXT,
    provider_id TEXT,
    status TEXT,
    outcome TEXT,
    detail TEXT,
    tries INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    reached INTEGER NOT NULL,
    PRIMARY KEY (alert, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX notifications_wake ON notifications (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX notifications_under_way ON notifications (created_at) WHERE delivery = 'accepted';
CREATE INDEX notifications_phone ON notifications (phone, created_at);

CREATE TABLE mails (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    alert INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX mails_alert ON mails (alert); -- for the cascade

CREATE TABLE history (
    alert INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (alert, number)
) STRICT, WITHOUT ROWID;

-- What is written stays written. A line goes only together with its whole alert, and an alert only when it is not
-- open: while the cascade deletes the lines, their alert is already gone.
CREATE TRIGGER history_keeps_lines BEFORE DELETE ON history
WHEN EXISTS (SELECT 1 FROM alerts WHERE id = OLD.alert)
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TRIGGER history_keeps_words BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER history_replaces_nothing BEFORE INSERT ON history
WHEN EXISTS (SELECT 1 FROM history WHERE alert = NEW.alert AND number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END;
CREATE TRIGGER alerts_keep_open BEFORE DELETE ON alerts WHEN OLD.state = 'open'
BEGIN SELECT RAISE(ABORT, 'an open alert cannot be deleted'); END;
CREATE TRIGGER alerts_keep_number BEFORE UPDATE OF id ON alerts WHEN OLD.id IS NOT NEW.id
BEGIN SELECT RAISE(ABORT, 'an alert keeps its number'); END;

CREATE TABLE overrides (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    grp TEXT NOT NULL,
    contact TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL, -- 9223372036854775807: until another one replaces it
    made_by TEXT NOT NULL
) STRICT;
CREATE INDEX overrides_until ON overrides (until);

CREATE TABLE seen (id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);

CREATE TABLE engine (owner TEXT NOT NULL PRIMARY KEY, beat_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

const SECOND: &str = "
-- The digests of an alert besides its first: mails to several recipients have several.
CREATE TABLE digests (
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    alert INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    PRIMARY KEY (digest, alert)
) STRICT, WITHOUT ROWID;
CREATE INDEX digests_alert ON digests (alert); -- for the cascade
DROP INDEX alerts_active;
CREATE INDEX alerts_unresolved ON alerts (digest) WHERE state IN ('open', 'acknowledged', 'expired');

ALTER TABLE mails ADD COLUMN sent_at INTEGER; -- when the mail says that it was written

-- Mails that ended or took alerts.
CREATE TABLE closings (
    mail BLOB NOT NULL PRIMARY KEY CHECK (length(mail) = 32),
    alerts TEXT NOT NULL, -- JSON array
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX closings_at ON closings (at);

-- Mails that are counted.
CREATE TABLE counts (
    counter BLOB NOT NULL CHECK (length(counter) = 32),
    mail BLOB NOT NULL CHECK (length(mail) = 32),
    at INTEGER NOT NULL,
    times INTEGER NOT NULL, -- how many there were then, this one included
    until INTEGER NOT NULL, -- when it may be forgotten
    PRIMARY KEY (counter, mail)
) STRICT, WITHOUT ROWID;
CREATE INDEX counts_at ON counts (counter, at);
CREATE INDEX counts_until ON counts (until);
";

const THIRD: &str = "
-- The providers that may have a notification although they did not say so: a JSON array.
ALTER TABLE notifications ADD COLUMN perhaps_with TEXT NOT NULL DEFAULT '[]';
";

const HEARTBEATS: &str = "
-- Mails that must come: the last one, and the alert which tells that it is late.
CREATE TABLE heartbeats (
    name TEXT NOT NULL PRIMARY KEY,
    sent_at INTEGER,
    arrived_at INTEGER,
    mail BLOB CHECK (length(mail) = 32),
    alert INTEGER,
    carrier BLOB CHECK (length(carrier) = 32)
) STRICT, WITHOUT ROWID;
-- Since when each is waited for, by which rhythm.
CREATE TABLE heartbeat_forms (
    name TEXT NOT NULL,
    form BLOB NOT NULL CHECK (length(form) = 32),
    since INTEGER NOT NULL,
    PRIMARY KEY (name, form)
) STRICT, WITHOUT ROWID;
";

const FACTS: &str = "
-- What a line of the history stands on: JSON.
ALTER TABLE history ADD COLUMN fact TEXT;
";

const REMINDERS: &str = "
-- An acknowledgement may time out: an acknowledged alert has a time to be looked at, too.
ALTER TABLE alerts ADD COLUMN taken_by TEXT;
ALTER TABLE alerts ADD COLUMN resumed_round INTEGER; -- both or none
ALTER TABLE alerts ADD COLUMN resumed_at INTEGER;
DROP INDEX alerts_due;
CREATE INDEX alerts_due ON alerts (next_at, state) WHERE state IN ('open', 'acknowledged') AND next_at IS NOT NULL;
";

const LIMITS: &str = "
ALTER TABLE notifications ADD COLUMN sent_at INTEGER; -- when it was last claimed to be sent, if it may have been sent
ALTER TABLE notifications ADD COLUMN held_since INTEGER; -- when a limit first held it back
ALTER TABLE notifications ADD COLUMN told_by_alert INTEGER; -- the notification that tells of this alert in its place
ALTER TABLE notifications ADD COLUMN told_by_number INTEGER;
ALTER TABLE notifications ADD COLUMN told_order INTEGER; -- told as the so-many-th there; NULL: not yet
-- What it says is not yet fixed: others may join it.
ALTER TABLE notifications ADD COLUMN boards INTEGER NOT NULL DEFAULT 0;
CREATE INDEX notifications_sent ON notifications (contact, channel, sent_at)
    WHERE sent_at IS NOT NULL AND told_by_alert IS NULL;
CREATE INDEX notifications_waiting ON notifications (contact, channel, purpose)
    WHERE delivery IN ('due', 'held') AND unsure_since IS NULL;
CREATE INDEX notifications_told ON notifications (told_by_alert, told_by_number) WHERE told_by_alert IS NOT NULL;
CREATE INDEX notifications_boards ON notifications (phone) WHERE boards = 1;

-- First notifications of alerts, by recipients that have a limit.
CREATE TABLE recipient_alerts (
    recipient TEXT NOT NULL,
    at INTEGER NOT NULL,
    alert INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    PRIMARY KEY (recipient, at, alert)
) STRICT, WITHOUT ROWID;
CREATE INDEX recipient_alerts_alert ON recipient_alerts (alert); -- for the cascade
";

const SELF_TESTS: &str = "
-- Mails that we send to ourselves: a mark is known by its digest.
CREATE TABLE self_tests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mark BLOB NOT NULL UNIQUE CHECK (length(mark) = 32),
    begun_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    received_at INTEGER,
    alert INTEGER,
    ended_at INTEGER,
    passed INTEGER
) STRICT;
CREATE INDEX self_tests_outstanding ON self_tests (until) WHERE ended_at IS NULL;
";

const OUTBOX: &str = "
-- Mails that go on by e-mail: the bytes of each once, for as long as somebody waits for them, and where they go.
CREATE TABLE outbox_mails (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    mail BLOB NOT NULL CHECK (length(mail) = 32), -- as in mails
    number INTEGER NOT NULL, -- which of the alert's mails
    content BLOB NOT NULL CHECK (length(content) = 32), -- as in outbox_mails
    size INTEGER NOT NULL, -- of all of the mail, also of what was not kept
    form TEXT NOT NULL,
    contact TEXT,
    address TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    doubts INTEGER NOT NULL,
    fate TEXT NOT NULL, -- due, sent, failed
    at INTEGER NOT NULL, -- when it is due, or the claim on it expires; when it was sent, or failed
    UNIQUE (alert, mail, address)
) STRICT;
CREATE INDEX outbox_due ON outbox (at) WHERE fate = 'due';
CREATE INDEX outbox_content ON outbox (content) WHERE fate = 'due';
";

const UNDER_WAY: &str = "
-- What a provider has taken is asked about from when it took it, which may be long after it was decided on.
DROP INDEX notifications_under_way;
CREATE INDEX notifications_under_way ON notifications (at) WHERE delivery = 'accepted';
-- What is known of the world: since when our public address has not been reached.
CREATE TABLE world (name TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

const HELD: &str = "
-- What a limit holds back is found without going through what is merely due.
DROP INDEX notifications_waiting;
CREATE INDEX notifications_waiting ON notifications (contact, channel, purpose, delivery)
    WHERE delivery IN ('due', 'held') AND unsure_since IS NULL;
";

/// What is read on pages: what the mails of an alert say, what has been counted, and the key by which sessions are signed.
/// A store of before is counted as well as what is in it allows.
const READ: &str = "
CREATE TABLE mail_texts (
    alert INTEGER NOT NULL REFERENCES alerts ON DELETE CASCADE,
    number INTEGER NOT NULL, -- the so-manieth kept for its alert, those that were dropped since included
    received_at INTEGER NOT NULL,
    sender TEXT NOT NULL,
    subject TEXT NOT NULL,
    message_id TEXT,
    recipients TEXT NOT NULL, -- JSON array
    size INTEGER NOT NULL, -- of the whole mail
    new_text TEXT NOT NULL,
    quoted TEXT NOT NULL,
    cut INTEGER NOT NULL,
    PRIMARY KEY (alert, number)
) STRICT;

CREATE INDEX alerts_group ON alerts (grp, state); -- the newest of a group
-- How many calls and texts were made about an alert: what another notification tells of was none.
-- SQLite looks at both of its conditions again: they are in it, so that the notifications need not be read.
CREATE INDEX notifications_made ON notifications (alert, channel, sent_at, told_by_alert)
    WHERE sent_at IS NOT NULL AND told_by_alert IS NULL;

-- What has happened since the store was made, whatever was forgotten since: these only grow.
CREATE TABLE counters (
    name TEXT NOT NULL,
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    c TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (name, a, b, c)
) STRICT, WITHOUT ROWID;
CREATE TABLE rule_uses (
    rule TEXT NOT NULL PRIMARY KEY,
    mails INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counters SELECT 'mails', 'opened', '', '', count(*) FROM alerts
    WHERE NOT (rule <> '' AND key = rule AND recipients = '[]');
INSERT INTO counters SELECT 'mails', 'joined', '', '', coalesce(sum(mails - 1), 0) FROM alerts;
INSERT INTO counters SELECT 'mails', decision, '', '', count(*) FROM
    (SELECT CASE WHEN json_valid(fact) THEN json_extract(fact, '$.mail.decision') END AS decision
     FROM history WHERE fact LIKE '{\"mail\"%')
    WHERE decision IN ('duplicate', 'closed', 'stale') GROUP BY decision;
INSERT INTO counters SELECT 'alerts', 'opened', '', '', count(*) FROM alerts;
INSERT INTO counters SELECT 'alerts', 'acknowledged', '', '', count(acknowledged_at) FROM alerts;
INSERT INTO counters SELECT 'alerts', state, '', '', count(*) FROM alerts WHERE state IN ('resolved', 'expired')
    GROUP BY state;
INSERT INTO counters SELECT 'alerts', 'reopened', '', '', count(*) FROM history WHERE kind = 'reopened';
INSERT INTO counters SELECT 'attempts', channel, coalesce(provider, ''), coalesce(outcome, ''), count(*)
    FROM notifications WHERE delivery = 'ended' AND told_by_alert IS NULL GROUP BY 2, 3, 4;
INSERT INTO counters SELECT 'acknowledged-within', least, '', '', count(*) FROM
    (SELECT CASE WHEN took <= 30000 THEN '30' WHEN took <= 60000 THEN '60' WHEN took <= 120000 THEN '120'
            WHEN took <= 300000 THEN '300' WHEN took <= 600000 THEN '600' WHEN took <= 900000 THEN '900'
            WHEN took <= 1800000 THEN '1800' WHEN took <= 3600000 THEN '3600' WHEN took <= 14400000 THEN '14400'
            ELSE '+Inf' END AS least
     FROM (SELECT acknowledged_at - opened_at AS took FROM alerts WHERE acknowledged_at IS NOT NULL))
    GROUP BY least;
INSERT INTO counters SELECT 'acknowledged-ms', '', '', '', coalesce(sum(max(acknowledged_at - opened_at, 0)), 0)
    FROM alerts WHERE acknowledged_at IS NOT NULL;
INSERT INTO rule_uses SELECT rule, count(*), max(received_at) FROM mails CROSS JOIN alerts ON alerts.id = mails.alert
    WHERE rule <> '' AND NOT (key = rule AND recipients = '[]') GROUP BY rule;

-- How many alerts are in each state now. A count of those that are over would read all of them for each look. By triggers,
-- for this goes down as well, and must be right whoever deletes.
CREATE TABLE standing (state TEXT NOT NULL PRIMARY KEY, alerts INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO standing VALUES ('open', 0), ('acknowledged', 0), ('resolved', 0), ('expired', 0);
UPDATE standing SET alerts = (SELECT count(*) FROM alerts WHERE state = standing.state);
CREATE TRIGGER standing_grows AFTER INSERT ON alerts
BEGIN UPDATE standing SET alerts = alerts + 1 WHERE state = NEW.state; END;
CREATE TRIGGER standing_changes AFTER UPDATE OF state ON alerts WHEN OLD.state IS NOT NEW.state
BEGIN UPDATE standing SET alerts = alerts + (state = NEW.state) - (state = OLD.state)
    WHERE state IN (OLD.state, NEW.state); END;
CREATE TRIGGER standing_shrinks AFTER DELETE ON alerts
BEGIN UPDATE standing SET alerts = alerts - 1 WHERE state = OLD.state; END;

CREATE TABLE keys (name TEXT NOT NULL PRIMARY KEY, key BLOB NOT NULL CHECK (length(key) = 32)) STRICT, WITHOUT ROWID;
";

/// Brings the file up to date, in one transaction: of several processes that find an old file, one does the work and
/// the others find it done.
///
/// # Errors
/// [`Fault::Newer`] for a newer file, [`Fault::Foreign`] for somebody else's.
pub fn bring_up_to_date(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    let missing = usize::try_from(found).ok().and_then(|found| STEPS.get(found..));
    let Some(missing) = missing else {
        return Err(Fault::Newer { found, known: VERSION });
    };
    for step in missing {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

/// The file's version; 0 for an empty one.
///
/// # Errors
/// [`Fault::Foreign`] when somebody else made the database: it must not get our tables.
pub fn version(connection: &Connection) -> Result<i64, Fault> {
    // What another process is just making of an empty file is seen whole or not at all.
    let _snapshot = connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose()?;
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id == APPLICATION_ID {
        return Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?);
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 && id == 0 { Ok(0) } else { Err(Fault::Foreign) }
}

/// The sessions that somebody has signed out of: whoever has a copy of such a cookie is a stranger.
const SIGNED_OUT: &str = "
CREATE TABLE ended_sessions (
    nonce BLOB NOT NULL PRIMARY KEY CHECK (length(nonce) = 16),
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_step_to_each_version() {
        assert_eq!(i64::try_from(STEPS.len()).unwrap(), VERSION);
    }

    /// A file as the first `steps` of them make it.
    fn file(steps: usize) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for step in &STEPS[..steps] {
            connection.execute_batch(step).unwrap();
        }
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", i64::try_from(steps).unwrap()).unwrap();
        connection
    }

    /// One without counters: what is in it is counted.
    #[test]
    fn a_file_of_before_the_counters_is_counted() {
        let mut connection = file(11);
        connection
            .execute_batch(
                r#"INSERT INTO alerts (id, code, state, digest, key, grp, rule, recipients, subject, say, text, policy, opened_at,
                       window_until, mails, acknowledged_at)
                   VALUES (1, '7K', 'resolved', zeroblob(32), 'k', 'dba', 'disk', '["a@b"]', 's', 's', 't', '{}', 1000, 0, 3,
                           91000),
                          (2, '7L', 'acknowledged', zeroblob(32), 'k', 'dba', 'disk', '["a@b"]', 's', 's', 't', '{}', 1000, 0,
                           1, 99999999),
                          (3, '7M', 'expired', zeroblob(32), 'k', 'dba', '', '["a@b"]', 's', 's', 't', '{}', 1000, 0, 2, NULL),
                          (4, '7N', 'open', zeroblob(32), 'backup', 'dba', 'backup', '[]', 's', 's', 't', '{}', 1000, 0, 1,
                           NULL);
                   INSERT INTO mails (digest, alert, received_at)
                   VALUES (zeroblob(32), 1, 1000), (randomblob(32), 1, 2000), (randomblob(32), 2, 5000),
                          (randomblob(32), 3, 9000), (randomblob(32), 4, 9999);
                   INSERT INTO history (alert, number, at, kind, text, fact)
                   VALUES (1, 1, 0, 'opened', '', '{"mail":{"decision":"opened"}}'),
                          (1, 2, 0, 'duplicate', '', '{"mail":{"decision":"duplicate"}}'),
                          (1, 3, 0, 'duplicate', '', '{"mail":{"decision":"stale"}}'),
                          (1, 4, 0, 'resolved', '', '{"mail":{"decision":"closed"}}'),
                          (1, 5, 0, 'duplicate', '', '{"mail": damaged'),
                          (1, 6, 0, 'reopened', '', NULL);
                   INSERT INTO notifications (alert, number, purpose, round, step, attempt, contact, channel, phone, token,
                       created_at, delivery, at, outcome, provider, tries, sequence, reached, told_by_alert, sent_at)
                   VALUES (1, 1, 'page', 0, 0, 0, 'd', 'call', '+1', 'a', 0, 'ended', 0, 'busy', 'twilio', 1, -1, 0, NULL, 5),
                          (1, 2, 'page', 0, 0, 0, 'd', 'call', '+1', 'b', 0, 'ended', 0, 'busy', 'twilio', 1, -1, 0, NULL, 5),
                          (1, 3, 'page', 0, 0, 0, 'd', 'call', '+1', 'c', 0, 'ended', 0, 'busy', 'twilio', 1, -1, 0, 2, 5),
                          (2, 1, 'page', 0, 0, 0, 'd', 'sms', '+1', 'd', 0, 'ended', 0, 'withdrawn', NULL, 0, -1, 0, NULL, NULL),
                          (2, 2, 'page', 0, 0, 0, 'd', 'sms', '+1', 'e', 0, 'accepted', 0, NULL, 'twilio', 1, -1, 0, NULL, 5);"#,
            )
            .unwrap();
        bring_up_to_date(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), VERSION);
        let list = |sql: &str| {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            rows.map(Result::unwrap).collect::<Vec<_>>()
        };
        assert_eq!(
            list("SELECT concat_ws(' ', name, a, b, c, value) FROM counters ORDER BY name, a, b, c"),
            [
                "acknowledged-ms    100088999",
                "acknowledged-within +Inf   1",
                "acknowledged-within 120   1",
                "alerts acknowledged   2",
                "alerts expired   1",
                "alerts opened   4",
                "alerts reopened   1",
                "alerts resolved   1",
                "attempts call twilio busy 2",
                "attempts sms  withdrawn 1",
                "mails closed   1",
                "mails duplicate   1",
                "mails joined   3",
                "mails opened   3",
                "mails stale   1",
            ]
        );
        assert_eq!(list("SELECT concat_ws(' ', rule, mails, last_at) FROM rule_uses"), ["disk 3 5000"]);
        assert_eq!(
            list("SELECT state || ' ' || alerts FROM standing"),
            ["acknowledged 1", "expired 1", "open 1", "resolved 1"]
        );
        assert_eq!(list("SELECT text FROM history ORDER BY number").len(), 6, "nothing is lost");
        assert_eq!(list("SELECT say FROM alerts").len(), 4);
    }

    #[test]
    fn a_file_of_the_first_version_keeps_what_is_in_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(FIRST).unwrap();
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection
            .execute_batch(
                "INSERT INTO alerts VALUES (1, '7K', 'expired', zeroblob(32), 'k', 'g', 'r', '[]', 's', 's', 't', '{}', 0,
                     0, 1, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL);
                 INSERT INTO mails VALUES (zeroblob(32), 1, 0);",
            )
            .unwrap();
        bring_up_to_date(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), VERSION);
        let one = |sql: &str| connection.query_row(sql, [[0_u8; 32]], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(one(super::super::query::UNRESOLVED), 1);
        assert_eq!(one(super::super::query::ALERT_OF_MAIL), 1);
    }
}
