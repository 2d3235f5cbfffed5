//! The questions, in SQL. A test asks SQLite how it would answer each, so that none reads what it need not. `INDEXED BY`
//! and a unary plus (which keeps a column from an index) stand where statistics would lead it elsewhere.

/// A page is for an open alert only: whatever else went wrong, nobody is called about one that somebody has. The
/// escalation withdraws such pages; this is the net below it.
macro_rules! wanted {
    () => {
        "(purpose = 'news' OR EXISTS (SELECT 1 FROM alerts WHERE alerts.id = notifications.alert AND state = 'open'))"
    };
}

/// The alerts of a digest (?1) that are not resolved, the newest first: by their first digest, and by others.
macro_rules! of_digest {
    ($($which:tt)+) => {
        concat!(
            "SELECT id FROM alerts WHERE digest = ?1 AND state IN ('open', 'acknowledged', 'expired') AND ",
            $($which)+,
            " UNION SELECT id FROM digests CROSS JOIN alerts ON alerts.id = digests.alert WHERE digests.digest = ?1 \
             AND +state IN ('open', 'acknowledged', 'expired') AND ",
            $($which)+,
            " ORDER BY id DESC"
        )
    };
}

/// When an alert that somebody has takes in no more mails. `window_until` is written as if the window began with the opening; it
/// begins with the acknowledgement.
macro_rules! window_ends {
    () => {
        "coalesce(acknowledged_at, opened_at) + window_until - opened_at"
    };
}

/// An alert that has been over since before ?1. `opened_at` comes first, as the index has it: none was over before it was
/// opened. Whoever has had an alert for so long, and is not to be reminded of it, has it no more.
macro_rules! prunable {
    () => {
        concat!(
            "FROM alerts INDEXED BY alerts_opened WHERE opened_at < ?1 \
             AND (state IN ('resolved', 'expired') AND ended_at < ?1 \
             OR state = 'acknowledged' AND acknowledged_at < ?1 AND ",
            window_ends!(),
            " < ?1 AND next_at IS NULL) \
             AND NOT EXISTS (SELECT 1 FROM notifications WHERE alert = alerts.id AND wake_at IS NOT NULL) \
             AND NOT EXISTS (SELECT 1 FROM outbox WHERE alert = alerts.id AND fate = 'due') \
             AND NOT EXISTS (SELECT 1 FROM heartbeats WHERE alert = alerts.id)"
        )
    };
}

pub const ALERT: &str = "SELECT * FROM alerts WHERE id = ?1";
pub const IS_OF_GROUP: &str = "SELECT EXISTS (SELECT 1 FROM alerts WHERE id = ?1 AND grp = ?2)";
pub const ALERT_EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM alerts WHERE id = ?1)";
pub const NOTIFICATIONS: &str = "SELECT * FROM notifications WHERE alert = ?1 ORDER BY number";
pub const NOTIFICATION: &str = "SELECT * FROM notifications WHERE alert = ?1 AND number = ?2";
pub const HISTORY: &str = "SELECT * FROM history WHERE alert = ?1 ORDER BY number";
pub const ALERT_OF_MAIL: &str = "SELECT alert FROM mails WHERE digest = ?1";
pub const ACTIVE: &str = of_digest!("state IN ('open', 'acknowledged')");
/// The one that a mail joins: open, or acknowledged and its window (?2) not over.
/// One that was acknowledged in the future was so by a clock that has been set back since: its window says nothing.
pub const JOINABLE: &str = of_digest!(
    "(state = 'open' OR state = 'acknowledged' AND coalesce(acknowledged_at, opened_at) <= ?2 + 60000 AND ",
    window_ends!(),
    " > ?2)"
);
pub const UNRESOLVED: &str = of_digest!("TRUE");
/// Those that take in mails although somebody has them.
pub const IN_WINDOW: &str = of_digest!("state = 'acknowledged' AND ", window_ends!(), " > ?2");
pub const END_WINDOW: &str =
    "UPDATE alerts SET window_until = opened_at + max(?2 - coalesce(acknowledged_at, opened_at), 0) WHERE id = ?1";
pub const ADD_DIGEST: &str = "INSERT OR IGNORE INTO digests (digest, alert) \
     SELECT ?1, id FROM alerts WHERE id = ?2 AND digest <> ?1";
/// Whether it has had a mail that was written after this time.
pub const HAS_NEWER_MAIL: &str = "SELECT EXISTS (SELECT 1 FROM mails WHERE alert = ?1 AND sent_at > ?2)";
pub const CLOSED_BY: &str = "SELECT alerts FROM closings WHERE mail = ?1";
pub const REMEMBER_CLOSING: &str = "INSERT INTO closings (mail, alerts, at) VALUES (?1, ?2, ?3)";
pub const FORGET_CLOSINGS: &str = "DELETE FROM closings WHERE at < ?1";
pub const COUNTED: &str = "SELECT times FROM counts WHERE counter = ?1 AND mail = ?2";
/// At most ?4 of the mails after ?2 and before ?3.
pub const COUNT: &str =
    "SELECT count(*) FROM (SELECT 1 FROM counts WHERE counter = ?1 AND at > ?2 AND at < ?3 LIMIT ?4)";
pub const ADD_COUNT: &str = "INSERT INTO counts (counter, mail, at, times, until) VALUES (?1, ?2, ?3, ?4, ?5)";
pub const FORGET_COUNTS: &str = "DELETE FROM counts WHERE until < ?1";
pub const BY_CODE: &str = "SELECT id FROM alerts WHERE code = ?1 AND opened_at >= ?2 ORDER BY id DESC LIMIT 1";
/// A code rests for a time after its alert was opened, and as long as that alert is open.
/// The first of some codes (?1: a JSON array) that no alert has, or had of late.
pub const FREE_CODE: &str = "SELECT value FROM json_each(?1) WHERE NOT EXISTS \
     (SELECT 1 FROM alerts WHERE code = value AND (opened_at >= ?2 OR state = 'open')) LIMIT 1";
/// Refused: it cannot have reached anybody. Due and never tried: it has not been sent yet.
pub const NOTIFIED: &str = "SELECT DISTINCT alert FROM notifications WHERE phone = ?1 AND created_at >= ?2 \
     AND (tries > 0 OR delivery = 'accepted') AND outcome IS NOT 'refused' ORDER BY alert DESC";
pub const BY_TOKEN: &str = "SELECT alert, number FROM notifications WHERE token = ?1";
pub const DUE_ALERTS: &str = "SELECT id FROM alerts INDEXED BY alerts_due WHERE state IN ('open', 'acknowledged') AND next_at <= ?1 ORDER BY next_at, id LIMIT ?2";
pub const WAITING_ALERTS: &str = concat!(
    "SELECT id FROM alerts INDEXED BY alerts_due WHERE state IN ('open', 'acknowledged') AND next_at IS NOT NULL \
     UNION SELECT alert FROM notifications INDEXED BY notifications_wake WHERE wake_at IS NOT NULL AND ",
    wanted!(),
    " ORDER BY 1"
);
pub const NEXT_ALERT: &str = "SELECT min(next_at) FROM alerts INDEXED BY alerts_due WHERE state IN ('open', 'acknowledged') AND next_at IS NOT NULL";
pub const CLAIMABLE: &str =
    concat!("SELECT * FROM notifications WHERE wake_at <= ?1 AND ", wanted!(), " ORDER BY wake_at, alert, number");
pub const CLAIMABLE_OF: &str =
    concat!("SELECT * FROM notifications WHERE alert = ?2 AND +wake_at <= ?1 AND ", wanted!());
pub const NEXT_NOTIFICATION: &str =
    concat!("SELECT wake_at FROM notifications WHERE wake_at IS NOT NULL AND ", wanted!(), " ORDER BY wake_at LIMIT 1");
/// What another one tells of is asked about through that one.
pub const UNDER_WAY: &str = "SELECT * FROM notifications INDEXED BY notifications_under_way WHERE delivery = 'accepted' \
     AND at >= ?1 AND told_by_alert IS NULL ORDER BY at, alert, number";
/// Since when a reply may have come: the opening, at or after ?1, of the oldest open alert that somebody was told of.
pub const OLDEST_TOLD: &str = "SELECT opened_at FROM alerts INDEXED BY alerts_opened WHERE opened_at >= ?1 \
     AND state = 'open' AND EXISTS (SELECT 1 FROM notifications WHERE alert = alerts.id) ORDER BY opened_at LIMIT 1";
pub const PROVIDER_IDS: &str = "SELECT provider_id FROM notifications WHERE phone = ?1 AND created_at >= ?2 \
     AND provider_id IS NOT NULL";

/// What was sent to a contact (?1) by a channel (?2) since ?3, the newest first.
pub const SENT: &str = "SELECT sent_at, alert, reached OR EXISTS (SELECT 1 FROM alerts WHERE id = notifications.alert \
     AND acknowledged_at IS NOT NULL) FROM notifications INDEXED BY notifications_sent WHERE contact = ?1 \
     AND channel = ?2 AND sent_at > ?3 AND sent_at IS NOT NULL AND told_by_alert IS NULL ORDER BY sent_at DESC LIMIT 500";
pub const MARK_SENT: &str = "UPDATE notifications SET sent_at = ?3, boards = ?4 WHERE alert = ?1 AND number = ?2";
/// Whether anybody may have been told of an alert by what may wake them.
pub const TOLD: &str = "SELECT EXISTS (SELECT 1 FROM notifications WHERE alert = ?1 AND channel <> 'email' \
     AND (sent_at IS NOT NULL OR told_by_alert IS NOT NULL))";
/// How many wait to be sent to a contact now (?4), or are held back; at most ?5.
pub const COUNT_WAITING: &str = concat!(
    "SELECT count(*) FROM (SELECT 1 FROM notifications INDEXED BY notifications_waiting WHERE contact = ?1 \
     AND channel = ?2 AND purpose = ?3 AND delivery IN ('due', 'held') AND unsure_since IS NULL \
     AND (delivery = 'held' OR wake_at <= ?4) AND ",
    wanted!(),
    " LIMIT ?5)"
);
/// What waits to be sent to a contact at a number, or is held back, in the order in which it was decided on.
pub const WAITING: &str = concat!(
    "SELECT * FROM notifications INDEXED BY notifications_waiting WHERE contact = ?1 AND channel = ?2 AND purpose = ?3 \
     AND delivery IN ('due', 'held') AND unsure_since IS NULL AND phone = ?4 AND ",
    wanted!(),
    " ORDER BY created_at, alert, number"
);
/// Of that, what is held back.
pub const HELD: &str = concat!(
    "SELECT * FROM notifications INDEXED BY notifications_waiting WHERE contact = ?1 AND channel = ?2 AND purpose = ?3 \
     AND delivery = 'held' AND delivery IN ('due', 'held') AND unsure_since IS NULL AND phone = ?4 AND ",
    wanted!(),
    " ORDER BY created_at, alert, number"
);
/// The call to a number (?1) sent since ?2 that others may still join.
pub const BOARDING: &str = "SELECT * FROM notifications INDEXED BY notifications_boards WHERE phone = ?1 AND boards = 1 \
     AND told_by_alert IS NULL AND sent_at > ?2 AND delivery IN ('claimed', 'accepted') AND contact = ?3 \
     ORDER BY sent_at DESC LIMIT 1";
pub const FIX: &str = "UPDATE notifications SET boards = 0 WHERE alert = ?1 AND number = ?2";
pub const LAST_TOLD: &str =
    "SELECT coalesce(max(told_order), 0) FROM notifications WHERE told_by_alert = ?1 AND told_by_number = ?2";
/// Gives what is told of by one notification its order.
pub const NUMBER_TOLD: &str = "UPDATE notifications SET told_order = numbered.n FROM (SELECT alert AS a, number AS b, \
     row_number() OVER (ORDER BY created_at, alert, number) + (SELECT coalesce(max(told_order), 0) FROM notifications \
     WHERE told_by_alert = ?1 AND told_by_number = ?2) AS n FROM notifications WHERE told_by_alert = ?1 \
     AND told_by_number = ?2 AND told_order IS NULL) AS numbered WHERE alert = numbered.a AND number = numbered.b";
/// What one notification tells of, in its order; what it has not told yet last.
pub const TOLD_IN: &str = "SELECT * FROM notifications WHERE told_by_alert = ?1 AND told_by_number = ?2 \
     ORDER BY told_order IS NULL, told_order, alert, number";
/// The same, up to the ?3-rd.
pub const TOLD_ALERTS: &str = "SELECT alerts.* FROM notifications CROSS JOIN alerts ON alerts.id = notifications.alert \
     WHERE told_by_alert = ?1 AND told_by_number = ?2 AND told_order <= ?3 ORDER BY told_order";
pub const TOLD_UP_TO: &str = "SELECT alert, number FROM notifications WHERE told_by_alert = ?1 AND told_by_number = ?2 \
     AND told_order <= ?3 ORDER BY told_order";
/// Whether a call is needed by what else it tells of.
pub const CARRIES_OPEN: &str = "SELECT EXISTS (SELECT 1 FROM notifications CROSS JOIN alerts \
     ON alerts.id = notifications.alert WHERE told_by_alert = ?1 AND told_by_number = ?2 \
     AND delivery = 'accepted' AND provider_id = ?3 AND state = 'open') \
     OR EXISTS (SELECT 1 FROM notifications CROSS JOIN alerts ON alerts.id = notifications.alert \
     WHERE alert = ?1 AND number = ?2 AND delivery = 'accepted' AND provider_id = ?3 AND state = 'open')";
pub const RECIPIENT_ALERTS: &str = "SELECT at, alert, EXISTS (SELECT 1 FROM alerts WHERE id = recipient_alerts.alert \
     AND acknowledged_at IS NOT NULL) FROM recipient_alerts WHERE recipient = ?1 AND at > ?2 ORDER BY at DESC LIMIT 500";
pub const ADD_RECIPIENT_ALERT: &str =
    "INSERT OR IGNORE INTO recipient_alerts (recipient, at, alert) VALUES (?1, ?2, ?3)";
pub const LOOK_NOW: &str =
    "UPDATE alerts SET next_at = min(coalesce(next_at, ?2), ?2) WHERE id = ?1 AND state = 'open'";
pub const OVERRIDES: &str = "SELECT * FROM overrides INDEXED BY overrides_until WHERE until > ?1 ORDER BY id";
pub const OVERRIDES_BETWEEN: &str =
    "SELECT * FROM overrides INDEXED BY overrides_until WHERE until > ?1 AND since < ?2 AND since < until ORDER BY id";
pub const UNREACHABLE: &str = "SELECT at FROM world WHERE name = 'unreachable'";
pub const SET_UNREACHABLE: &str = "INSERT INTO world (name, at) VALUES ('unreachable', ?1) \
     ON CONFLICT (name) DO UPDATE SET at = excluded.at";
pub const SET_REACHABLE: &str = "DELETE FROM world WHERE name = 'unreachable'";
pub const LAST_BEAT: &str = "SELECT max(beat_at) FROM engine";

pub const HEARTBEAT: &str = "SELECT sent_at, arrived_at, alert, carrier FROM heartbeats WHERE name = ?1";
pub const HEARTBEAT_ALERTS: &str = "SELECT name, alert FROM heartbeats CROSS JOIN alerts ON alerts.id = heartbeats.alert \
     WHERE state IN ('open', 'acknowledged') ORDER BY name";
pub const HEARTBEAT_SINCE: &str = "SELECT since FROM heartbeat_forms WHERE name = ?1 AND form = ?2";

pub const SELF_TEST: &str = "SELECT * FROM self_tests WHERE mark = ?1";
pub const ABANDONED_SELF_TESTS: &str = "SELECT * FROM self_tests WHERE ended_at IS NULL AND until < ?1";
pub const BEGIN_SELF_TEST: &str = "INSERT INTO self_tests (mark, begun_at, until) VALUES (?1, ?2, ?3)";
pub const SELF_TEST_CAME: &str =
    "UPDATE self_tests SET received_at = ?2, alert = ?3 WHERE mark = ?1 AND received_at IS NULL";
pub const END_SELF_TEST: &str = "UPDATE self_tests SET ended_at = ?2, passed = ?3 WHERE id = ?1 AND ended_at IS NULL";
pub const FORGET_SELF_TESTS: &str = "DELETE FROM self_tests WHERE ended_at IS NOT NULL AND begun_at < ?1";

/// The next number of an alert: one more than the highest ever given.
pub const NEXT_ID: &str = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'alerts'), 0) + 1";

pub const SAVE_ALERT: &str = "
INSERT INTO alerts (id, code, state, digest, key, grp, rule, recipients, subject, say, text, policy, opened_at,
    window_until, mails, acknowledged_at, acknowledged_by, ended_at, round, step, attempt, began_at, next_at,
    taken_by, resumed_round, resumed_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
    ?24, ?25, ?26)
ON CONFLICT (id) DO UPDATE SET code = excluded.code, state = excluded.state, digest = excluded.digest,
    key = excluded.key, grp = excluded.grp, rule = excluded.rule, recipients = excluded.recipients,
    subject = excluded.subject, say = excluded.say, text = excluded.text, policy = excluded.policy,
    opened_at = excluded.opened_at, window_until = excluded.window_until, mails = excluded.mails,
    acknowledged_at = excluded.acknowledged_at, acknowledged_by = excluded.acknowledged_by,
    ended_at = excluded.ended_at, round = excluded.round, step = excluded.step, attempt = excluded.attempt,
    began_at = excluded.began_at, next_at = excluded.next_at, taken_by = excluded.taken_by,
    resumed_round = excluded.resumed_round, resumed_at = excluded.resumed_at";

pub const SAVE_NOTIFICATION: &str = "
INSERT INTO notifications (alert, number, purpose, round, step, attempt, contact, channel, phone, words, token,
    created_at, delivery, at, wake_at, unsure_since, claimed_by, provider, provider_id, status, outcome, detail, tries,
    sequence, reached, perhaps_with, held_since, told_by_alert, told_by_number)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24,
    ?25, ?26, ?28, ?29, ?30)
ON CONFLICT (alert, number) DO UPDATE SET purpose = excluded.purpose, round = excluded.round, step = excluded.step,
    attempt = excluded.attempt, contact = excluded.contact, channel = excluded.channel, phone = excluded.phone,
    words = excluded.words, token = excluded.token, created_at = excluded.created_at, delivery = excluded.delivery,
    at = excluded.at, wake_at = excluded.wake_at, unsure_since = excluded.unsure_since,
    claimed_by = excluded.claimed_by, provider = excluded.provider, provider_id = excluded.provider_id,
    status = excluded.status, outcome = excluded.outcome, detail = excluded.detail, tries = excluded.tries,
    sequence = excluded.sequence, reached = excluded.reached, perhaps_with = excluded.perhaps_with,
    held_since = excluded.held_since,
    told_by_alert = excluded.told_by_alert, told_by_number = excluded.told_by_number,
    told_order = CASE WHEN excluded.told_by_alert IS NULL THEN NULL ELSE told_order END,
    sent_at = CASE WHEN ?27 THEN sent_at ELSE NULL END,
    boards = CASE WHEN excluded.delivery IN ('claimed', 'accepted') THEN boards ELSE 0 END";

pub const DELETE_NOTIFICATION: &str = "DELETE FROM notifications WHERE alert = ?1 AND number = ?2";
pub const REMEMBER_MAIL: &str = "INSERT INTO mails (digest, alert, received_at, sent_at) VALUES (?1, ?2, ?3, ?4)";
pub const SET_RECIPIENTS: &str = "UPDATE alerts SET recipients = ?2 WHERE id = ?1";
pub const ADD_LINE: &str = "INSERT INTO history (alert, number, at, kind, text, fact) VALUES (?1, \
     (SELECT coalesce(max(number), 0) + 1 FROM history WHERE alert = ?1), ?2, ?3, ?4, ?5)";
/// How often the history says that a mail came again.
pub const TOLD_AGAIN: &str = "SELECT count(*) FROM history WHERE alert = ?1 AND kind = 'duplicate'";
pub const SEE: &str = "INSERT OR IGNORE INTO seen (id, at) VALUES (?1, ?2)";
pub const FORGET: &str = "DELETE FROM seen WHERE id = ?1";
pub const FORGET_SEEN: &str = "DELETE FROM seen WHERE at < ?1";
/// An override without an end holds until another without an end replaces it, from when that one begins.
pub const REPLACE_FIXED: &str = "UPDATE overrides SET until = ?2 WHERE grp = ?1 AND until = 9223372036854775807";
pub const ADD_OVERRIDE: &str =
    "INSERT INTO overrides (grp, contact, since, until, made_by) VALUES (?1, ?2, ?3, ?4, ?5)";
/// The rows stay: who was on call last week is still known.
pub const END_OVERRIDES: &str = "UPDATE overrides SET until = ?2 WHERE grp = ?1 AND until > ?2";
pub const EXPECT_HEARTBEAT: &str = "INSERT INTO heartbeat_forms (name, form, since) VALUES (?1, ?2, ?3) \
     ON CONFLICT (name, form) DO UPDATE SET since = min(since, excluded.since)";
pub const MEND_HEARTBEAT: &str = "UPDATE heartbeats SET sent_at = min(sent_at, ?2), arrived_at = min(arrived_at, ?2) \
     WHERE name = ?1 AND (sent_at > ?2 OR arrived_at > ?2)";
pub const HEARTBEAT_CAME: &str = "INSERT INTO heartbeats (name, sent_at, arrived_at, mail) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (name) DO UPDATE SET sent_at = excluded.sent_at, arrived_at = excluded.arrived_at, mail = excluded.mail \
     WHERE mail IS NOT excluded.mail AND (sent_at IS NULL OR sent_at < excluded.sent_at)";
pub const HEARTBEAT_TOLD: &str = "INSERT INTO heartbeats (name, alert, carrier) VALUES (?1, ?2, ?3) \
     ON CONFLICT (name) DO UPDATE SET alert = excluded.alert, carrier = excluded.carrier";
pub const BEAT: &str = "INSERT INTO engine (owner, beat_at) VALUES (?1, ?2) \
     ON CONFLICT (owner) DO UPDATE SET beat_at = excluded.beat_at";
pub const FORGET_BEATS: &str = "DELETE FROM engine WHERE beat_at < ?1 OR beat_at > ?2";
pub const STOP_BEATING: &str = "DELETE FROM engine WHERE owner = ?1";

pub const KEEP_MAIL: &str = "INSERT OR IGNORE INTO outbox_mails (digest, bytes) VALUES (?1, ?2)";
pub const POST: &str = "INSERT OR IGNORE INTO outbox (alert, mail, number, content, size, form, contact, address, token, \
     created_at, tries, doubts, fate, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, 'due', ?10)";
/// Due more than an hour ahead of ?1: none is put off for so long, so the clock has been set back since.
pub const CLAIMABLE_POSTS: &str = "SELECT * FROM outbox INDEXED BY outbox_due WHERE fate = 'due' AND at <= ?1 \
     UNION ALL SELECT * FROM outbox INDEXED BY outbox_due WHERE fate = 'due' AND at > ?1 + 3600000 \
     ORDER BY at, id LIMIT ?2";
pub const CLAIMABLE_POSTS_OF: &str = "SELECT * FROM outbox WHERE alert = ?3 AND fate = 'due' \
     AND (+at <= ?1 OR +at > ?1 + 3600000) ORDER BY id LIMIT ?2";
pub const CLAIM_POST: &str = "UPDATE outbox SET at = ?2, tries = tries + 1 WHERE id = ?1 AND fate = 'due'";
pub const MAIL_OF: &str = "SELECT bytes FROM outbox CROSS JOIN outbox_mails ON digest = content WHERE id = ?1";
pub const SETTLE_POST: &str = "UPDATE outbox SET fate = ?2, at = ?3, doubts = doubts + ?4 WHERE id = ?1 AND fate = 'due' \
     RETURNING alert";
/// There are only mails that somebody waits for, so few are looked at.
pub const DROP_MAILS: &str = "DELETE FROM outbox_mails WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE content = digest \
     AND fate = 'due')";
pub const POSTS: &str = "SELECT * FROM outbox WHERE alert = ?1 ORDER BY id";
pub const POST_OF: &str = "SELECT * FROM outbox WHERE token = ?1";
pub const NEXT_POST: &str = "SELECT min(at) FROM outbox INDEXED BY outbox_due WHERE fate = 'due'";

pub const PRUNABLE: &str = concat!("SELECT id ", prunable!(), " ORDER BY opened_at, id LIMIT ?2");
pub const COUNT_PRUNABLE: &str = concat!(
    "SELECT count(*), coalesce(sum((SELECT count(*) FROM notifications WHERE alert = alerts.id)), 0), \
     coalesce(sum((SELECT count(*) FROM history WHERE alert = alerts.id)), 0) ",
    prunable!()
);
pub const BELONGINGS: &str = "SELECT (SELECT count(*) FROM notifications WHERE alert = ?1), \
     (SELECT count(*) FROM history WHERE alert = ?1)";
pub const FORGET_ALERT: &str = "DELETE FROM alerts WHERE id = ?1";
pub const OVERRIDES_OVER: &str = "SELECT EXISTS (SELECT 1 FROM overrides INDEXED BY overrides_until WHERE until < ?1)";
pub const FORGET_OVERRIDES: &str = "DELETE FROM overrides WHERE until < ?1";
pub const COUNT_ALERTS: &str = "SELECT count(*) FROM alerts";

pub const NEXT_TEXT: &str = "SELECT coalesce(max(number), 0) + 1 FROM mail_texts WHERE alert = ?1";
pub const KEEP_TEXT: &str = "INSERT INTO mail_texts (alert, number, received_at, sender, subject, message_id, recipients, \
     size, new_text, quoted, cut) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
pub const DROP_TEXTS: &str = "DELETE FROM mail_texts WHERE alert = ?1 AND number > ?2 AND number <= ?3";
pub const TEXTS: &str = "SELECT * FROM mail_texts WHERE alert = ?1 ORDER BY number";
pub const NEW_TEXTS: &str = "SELECT new_text FROM mail_texts WHERE alert = ?1 ORDER BY number DESC";

pub const COUNT_UP: &str = "INSERT INTO counters (name, a, b, c, value) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (name, a, b, c) DO UPDATE SET value = value + excluded.value";
pub const COUNTERS: &str = "SELECT name, a, b, c, value FROM counters";
pub const USE_RULE: &str = "INSERT INTO rule_uses (rule, mails, last_at) VALUES (?1, 1, ?2) \
     ON CONFLICT (rule) DO UPDATE SET mails = mails + 1, last_at = excluded.last_at";
pub const RULE_USES: &str = "SELECT rule, mails, last_at FROM rule_uses ORDER BY rule";
pub const STANDING: &str = "SELECT state, alerts FROM standing ORDER BY state";
pub const COUNT_DUE: &str = "SELECT count(*), min(next_at) FROM alerts INDEXED BY alerts_due \
     WHERE state IN ('open', 'acknowledged') AND next_at <= ?1";
pub const COUNT_CLAIMABLE: &str = concat!(
    "SELECT count(*), min(wake_at) FROM notifications INDEXED BY notifications_wake WHERE wake_at <= ?1 AND ",
    wanted!()
);
/// How many are waited for (until after ?1) that stand so (?2).
pub const COUNT_STANDING: &str = "SELECT count(*) FROM notifications INDEXED BY notifications_wake \
     WHERE wake_at > ?1 AND delivery = ?2";
pub const COUNT_POSTS: &str = "SELECT count(*) FROM outbox INDEXED BY outbox_due WHERE fate = 'due'";
pub const HEARTBEATS_SEEN: &str = "SELECT name, arrived_at FROM (SELECT name FROM heartbeat_forms UNION \
     SELECT name FROM heartbeats) LEFT JOIN heartbeats USING (name) ORDER BY name";

/// The alerts that were opened from ?1 to before ?2, as statistics want them.
pub const OPENED_BETWEEN: &str = "SELECT id, opened_at, grp, rule, state, acknowledged_at FROM alerts \
     INDEXED BY alerts_opened WHERE opened_at >= ?1 AND opened_at < ?2 ORDER BY opened_at";
/// How many calls, texts and mails were sent about each of the alerts from ?1 to ?2.
pub const MADE: &str = "SELECT alert, channel, count(*) FROM notifications INDEXED BY notifications_made \
     WHERE alert BETWEEN ?1 AND ?2 AND sent_at IS NOT NULL AND told_by_alert IS NULL GROUP BY alert, channel";

pub const KEY: &str = "SELECT key FROM keys WHERE name = 'signing'";
pub const MAKE_KEY: &str = "INSERT INTO keys (name, key) VALUES ('signing', ?1)";
pub const END_SESSION: &str = "INSERT INTO ended_sessions (nonce, until) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)";
pub const ENDED_SESSIONS: &str = "SELECT nonce, until FROM ended_sessions WHERE until > ?1";
pub const FORGET_SESSIONS: &str = "DELETE FROM ended_sessions WHERE until <= ?1";

/// The notifications of several alerts (?1: a JSON array).
pub const NOTIFICATIONS_OF: &str = "SELECT * FROM notifications WHERE alert IN (SELECT value FROM json_each(?1)) \
     ORDER BY alert, number";
/// An alert of a list that was found by a search.
pub const ALERTS_OF: &str = "SELECT * FROM alerts WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id DESC";
/// What a list shows of each alert,
pub const WHOLE: &str = "*";
/// and what a search looks at.
pub const SEARCHED: &str = "id, subject, say, text, key, rule, code";

/// What a list is asked for; what is given is given as a named parameter.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a condition of its own")]
pub struct Asked<'s> {
    /// Which states: stored words, so no quoting is needed. Empty: all.
    pub states: &'s [&'static str],
    pub group: bool,
    pub since: bool,
    pub until: bool,
    pub before: bool,
    pub recipient: bool,
}

/// The list of what is asked for, the newest first. What an index picks is picked by the index alone, state by state, so that
/// each gives its newest without sorting; then these few are read.
pub fn list(columns: &str, asked: &Asked<'_>) -> String {
    let mut rest = String::new();
    if asked.group {
        rest += " AND grp = :group";
    }
    // Numbers rise with time, unless a clock has been set back: between the least and the greatest that a time can mean,
    // alerts are read until there are enough.
    if asked.since {
        rest += " AND +opened_at >= :since AND id >= (SELECT min(id) FROM alerts INDEXED BY alerts_opened \
                 WHERE opened_at >= :since)";
    }
    if asked.until {
        rest += " AND +opened_at < :until AND id <= (SELECT max(id) FROM alerts INDEXED BY alerts_opened \
                 WHERE opened_at < :until)";
    }
    if asked.before {
        rest += " AND id < :before";
    }
    if asked.recipient {
        // Part of one of them, and nothing that spans two.
        rest += " AND EXISTS (SELECT 1 FROM json_each(recipients) WHERE instr(lower(value), :recipient))";
    }
    if asked.states.is_empty() && !asked.group {
        return format!("SELECT {columns} FROM alerts WHERE TRUE{rest} ORDER BY id DESC LIMIT :limit");
    }
    // Nothing is known of how many there are of each kind, so SQLite would guess.
    let index = if asked.group { "alerts_group" } else { "alerts_state" };
    let ids = |only: &str| {
        format!(
            "SELECT * FROM (SELECT id FROM alerts INDEXED BY {index} WHERE TRUE{only}{rest} ORDER BY id DESC LIMIT :limit)"
        )
    };
    // The index of a group has its states apart.
    let states = if asked.states.is_empty() { ALL_STATES } else { asked.states };
    let parts: Vec<String> = states.iter().map(|state| ids(&format!(" AND state = '{state}'"))).collect();
    let ids = parts.join(" UNION ALL ");
    format!("SELECT {columns} FROM alerts WHERE id IN ({ids}) ORDER BY id DESC LIMIT :limit")
}

const ALL_STATES: &[&str] = &["open", "acknowledged", "resolved", "expired"];
