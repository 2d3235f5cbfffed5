//! How SQLite answers: by an index that holds what is due, never by reading all that was ever kept.

use super::*;

/// A store in which 100,000 alerts are over, each with a call that was made, and one is open.
fn crowded() -> Sqlite {
    let mut store = Sqlite::in_memory().unwrap();
    build::open_due(&mut store, "disk", &[build::at(5)]);
    store
        .connection
        .execute_batch(
            "CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (VALUES (2) UNION ALL SELECT i + 1 FROM n LIMIT 100000)
                 SELECT i FROM n;
             INSERT INTO alerts SELECT i, '2F' || i, 'resolved', randomblob(32), key, grp, rule, recipients, subject, say,
                 text, policy, opened_at - i, window_until - i, 1, NULL, NULL, opened_at, 0, 0, 0, 0, opened_at - i,
                 NULL, NULL, NULL FROM n, alerts WHERE id = 1;
             INSERT INTO notifications SELECT i, 1, purpose, 0, 0, 0, contact, channel, '+6421' || (i % 100000 + 100000),
                 NULL, printf('%032x', i), created_at - i, 'ended', at - i, NULL, NULL, NULL, NULL, 'CA' || i, NULL,
                 'busy', '', 1, -1, 0, '[]', at - i, NULL, NULL, NULL, NULL, 0 FROM n, notifications WHERE alert = 1;
             INSERT INTO history SELECT i, 1, 0, 'opened', '', NULL FROM n;
             INSERT INTO mails SELECT randomblob(32), i, 0, 0 FROM n;
             INSERT INTO digests SELECT randomblob(32), i FROM n;
             INSERT INTO closings SELECT randomblob(32), '[]', i FROM n;
             INSERT INTO counts SELECT randomblob(32), randomblob(32), i, 1, i FROM n;
             INSERT INTO seen SELECT 'SM' || i, i FROM n;
             INSERT INTO outbox SELECT i, i, randomblob(32), 1, randomblob(32), 1, 'attachment', NULL, 'a@b',
                 printf('%032x', i), i, 1, 0, 'sent', i FROM n;",
        )
        .unwrap();
    store
}

fn plan(store: &Sqlite, sql: &str) -> String {
    let mut statement = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps: Vec<String> =
        statement.raw_query().mapped(|row| row.get::<_, String>("detail")).map(std::result::Result::unwrap).collect();
    steps.join(" · ")
}

#[test]
fn no_question_reads_everything() {
    let store = crowded();
    let questions = [
        (query::ALERT, "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::IS_OF_GROUP, "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::ALERT_EXISTS, "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::NOTIFICATIONS, "SEARCH notifications USING PRIMARY KEY (alert=?)"),
        (query::HISTORY, "SEARCH history USING PRIMARY KEY (alert=?)"),
        (query::ALERT_OF_MAIL, "SEARCH mails USING PRIMARY KEY (digest=?)"),
        (query::ACTIVE, "SEARCH alerts USING INDEX alerts_unresolved (digest=?)"),
        (query::JOINABLE, "SEARCH alerts USING INDEX alerts_unresolved (digest=?)"),
        (
            query::JOINABLE,
            "SEARCH digests USING PRIMARY KEY (digest=?) · SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)",
        ),
        (query::UNRESOLVED, "SEARCH alerts USING INDEX alerts_unresolved (digest=?)"),
        (query::IN_WINDOW, "SEARCH alerts USING INDEX alerts_unresolved (digest=?)"),
        (query::END_WINDOW, "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::ADD_DIGEST, "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::HAS_NEWER_MAIL, "SEARCH mails USING INDEX mails_alert (alert=?)"),
        (query::CLOSED_BY, "SEARCH closings USING PRIMARY KEY (mail=?)"),
        (query::FORGET_CLOSINGS, "SEARCH closings USING INDEX closings_at (at<?)"),
        (query::COUNTED, "SEARCH counts USING PRIMARY KEY (counter=? AND mail=?)"),
        (query::COUNT, "SEARCH counts USING COVERING INDEX counts_at (counter=? AND at>? AND at<?)"),
        (query::FORGET_COUNTS, "SEARCH counts USING INDEX counts_until (until<?)"),
        (query::BY_CODE, "SEARCH alerts USING COVERING INDEX alerts_code (code=? AND opened_at>?)"),
        (query::FREE_CODE, "SEARCH alerts USING INDEX alerts_code (code=?)"),
        (query::NOTIFIED, "SEARCH notifications USING INDEX notifications_phone (phone=? AND created_at>?)"),
        (query::BY_TOKEN, "(token=?)"),
        (query::DUE_ALERTS, "SEARCH alerts USING COVERING INDEX alerts_due (next_at<?)"),
        (query::WAITING_ALERTS, "SEARCH alerts USING COVERING INDEX alerts_due (next_at>?)"),
        (query::WAITING_ALERTS, "SEARCH notifications USING INDEX notifications_wake (wake_at>?)"),
        (query::NEXT_ALERT, "SEARCH alerts USING COVERING INDEX alerts_due"),
        (query::CLAIMABLE, "SEARCH notifications USING INDEX notifications_wake (wake_at<?)"),
        (query::CLAIMABLE_OF, "SEARCH notifications USING PRIMARY KEY (alert=?)"),
        (query::UNDER_WAY, "SEARCH notifications USING INDEX notifications_under_way (at>?)"),
        (query::UNREACHABLE, "SEARCH world USING PRIMARY KEY (name=?)"),
        (query::SET_REACHABLE, "SEARCH world USING PRIMARY KEY (name=?)"),
        (query::OLDEST_TOLD, "SEARCH alerts USING INDEX alerts_opened (opened_at>?)"),
        (query::PROVIDER_IDS, "SEARCH notifications USING INDEX notifications_phone (phone=? AND created_at>?)"),
        (query::SENT, "SEARCH notifications USING INDEX notifications_sent (contact=? AND channel=? AND sent_at>?)"),
        (query::TOLD, "SEARCH notifications USING PRIMARY KEY (alert=?)"),
        (
            query::COUNT_WAITING,
            "SEARCH notifications USING INDEX notifications_waiting (contact=? AND channel=? AND purpose=? AND delivery=?)",
        ),
        (
            query::WAITING,
            "SEARCH notifications USING INDEX notifications_waiting (contact=? AND channel=? AND purpose=? AND delivery=?)",
        ),
        (
            query::HELD,
            "SEARCH notifications USING INDEX notifications_waiting (contact=? AND channel=? AND purpose=? AND delivery=?)",
        ),
        (query::BOARDING, "SEARCH notifications USING INDEX notifications_boards (phone=?)"),
        (query::TOLD_IN, "SEARCH notifications USING INDEX notifications_told (told_by_alert=? AND told_by_number=?)"),
        (query::TOLD_ALERTS, "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::TOLD_UP_TO, "SEARCH notifications USING INDEX notifications_told (told_by_alert=?"),
        (query::LAST_TOLD, "SEARCH notifications USING INDEX notifications_told (told_by_alert=?"),
        (query::RECIPIENT_ALERTS, "SEARCH recipient_alerts USING PRIMARY KEY (recipient=? AND at>?)"),
        (query::MARK_SENT, "SEARCH notifications USING PRIMARY KEY (alert=? AND number=?)"),
        (query::FIX, "SEARCH notifications USING PRIMARY KEY (alert=? AND number=?)"),
        (query::CARRIES_OPEN, "SEARCH notifications USING INDEX notifications_told (told_by_alert=?"),
        (query::OVERRIDES, "SEARCH overrides USING INDEX overrides_until (until>?)"),
        (query::OVERRIDES_BETWEEN, "SEARCH overrides USING INDEX overrides_until (until>?)"),
        (query::TOLD_AGAIN, "SEARCH history USING PRIMARY KEY (alert=?)"),
        (query::SELF_TEST, "SEARCH self_tests USING INDEX sqlite_autoindex_self_tests_1 (mark=?)"),
        (query::ABANDONED_SELF_TESTS, "SEARCH self_tests USING INDEX self_tests_outstanding (until<?)"),
        (query::ADD_LINE, "SEARCH history USING PRIMARY KEY (alert=?)"),
        (query::CLAIMABLE_POSTS, "SEARCH outbox USING INDEX outbox_due (at<?)"),
        (query::CLAIMABLE_POSTS_OF, "SEARCH outbox USING INDEX sqlite_autoindex_outbox_2 (alert=?)"),
        (query::CLAIM_POST, "SEARCH outbox USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::MAIL_OF, "SEARCH outbox USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::SETTLE_POST, "SEARCH outbox USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::POSTS, "SEARCH outbox USING INDEX sqlite_autoindex_outbox_2 (alert=?)"),
        (query::POST_OF, "SEARCH outbox USING INDEX sqlite_autoindex_outbox_1 (token=?)"),
        (query::NEXT_POST, "SEARCH outbox USING COVERING INDEX outbox_due"),
        (query::PRUNABLE, "SEARCH alerts USING INDEX alerts_opened (opened_at<?)"),
        (query::COUNT_PRUNABLE, "SEARCH alerts USING INDEX alerts_opened (opened_at<?)"),
        (query::BELONGINGS, "SEARCH history USING PRIMARY KEY (alert=?)"),
        (query::FORGET_ALERT, "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::OVERRIDES_OVER, "SEARCH overrides USING COVERING INDEX overrides_until (until<?)"),
        (query::FORGET_OVERRIDES, "SEARCH overrides USING INDEX overrides_until (until<?)"),
        (query::SET_RECIPIENTS, "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"),
        (query::FORGET_SEEN, "SEARCH seen USING COVERING INDEX seen_at (at<?)"),
        (query::REPLACE_FIXED, "SEARCH overrides USING INDEX overrides_until (until=?)"),
        (query::DELETE_NOTIFICATION, "SEARCH notifications USING PRIMARY KEY (alert=? AND number=?)"),
        (query::NEXT_TEXT, "SEARCH mail_texts USING COVERING INDEX sqlite_autoindex_mail_texts_1 (alert=?)"),
        (
            query::DROP_TEXTS,
            "SEARCH mail_texts USING COVERING INDEX sqlite_autoindex_mail_texts_1 (alert=? AND number>?",
        ),
        (query::TEXTS, "SEARCH mail_texts USING INDEX sqlite_autoindex_mail_texts_1 (alert=?)"),
        (query::NEW_TEXTS, "SEARCH mail_texts USING INDEX sqlite_autoindex_mail_texts_1 (alert=?)"),
        (query::COUNT_DUE, "SEARCH alerts USING COVERING INDEX alerts_due (next_at<?)"),
        (query::COUNT_CLAIMABLE, "SEARCH notifications USING INDEX notifications_wake (wake_at<?)"),
        (query::COUNT_STANDING, "SEARCH notifications USING INDEX notifications_wake (wake_at>?)"),
        (query::COUNT_POSTS, "SCAN outbox USING COVERING INDEX outbox_due"),
        (query::OPENED_BETWEEN, "SEARCH alerts USING INDEX alerts_opened (opened_at>? AND opened_at<?)"),
        (query::MADE, "SEARCH notifications USING COVERING INDEX notifications_made (alert>? AND alert<?)"),
        (query::KEY, "SEARCH keys USING PRIMARY KEY (name=?)"),
        (query::NOTIFICATIONS_OF, "SEARCH notifications USING PRIMARY KEY (alert=?)"),
        (query::ALERTS_OF, "SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"),
    ];
    // As it is, and once SQLite knows how many rows there are.
    for analyzed in [false, true] {
        if analyzed {
            store.connection.execute_batch("ANALYZE").unwrap();
        }
        for (sql, expected) in questions {
            let plan = plan(&store, sql);
            assert!(plan.contains(expected), "{sql}\n{plan}");
            assert!(
                !plan
                    .replace("SCAN CONSTANT ROW", "")
                    .replace("SCAN (subquery-1)", "")
                    .replace("SCAN (subquery-2)", "")
                    // As many as the rule file has.
                    .replace("SCAN heartbeats", "")
                    // Only what waits is in it.
                    .replace("SCAN outbox USING COVERING INDEX outbox_due", "")
                    // What is given as JSON.
                    .replace("SCAN json_each", "")
                    .contains("SCAN"),
                "{sql}\n{plan}"
            );
        }
    }
}

/// The next one is the first entry of an index that is in order, and holds only what is to come.
#[test]
fn the_next_notification_is_the_first_of_its_index() {
    let store = crowded();
    let plan = plan(&store, query::NEXT_NOTIFICATION);
    assert!(plan.contains("SEARCH notifications USING INDEX notifications_wake (wake_at>?)"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}

/// A list without a filter is read from its end, and stops at the limit.
#[test]
fn the_newest_alerts_are_read_without_sorting() {
    let store = crowded();
    assert_eq!(plan(&store, &query::list("*", &query::Asked::default())), "SCAN alerts");
    let before = query::Asked { before: true, ..Default::default() };
    assert_eq!(plan(&store, &query::list("*", &before)), "SEARCH alerts USING INTEGER PRIMARY KEY (rowid<?)");
    let since = query::Asked { since: true, until: true, ..Default::default() };
    assert_eq!(
        plan(&store, &query::list("*", &since)),
        "SEARCH alerts USING INTEGER PRIMARY KEY (rowid>? AND rowid<?) · SCALAR SUBQUERY 2 · SEARCH alerts USING COVERING \
         INDEX alerts_opened (opened_at<?) · SCALAR SUBQUERY 1 · SEARCH alerts USING COVERING INDEX alerts_opened \
         (opened_at>?)"
    );
}

/// What an index picks is read in its order, and only the alerts that are wanted are read at all.
#[test]
fn a_filtered_list_is_picked_by_indexes_alone() {
    let store = crowded();
    let asked = query::Asked { before: true, ..Default::default() };
    let lists = [
        (query::Asked { states: &["open"], ..asked }, "alerts_state (state=? AND rowid<?)"),
        (query::Asked { states: &["resolved", "expired"], ..asked }, "alerts_state (state=? AND rowid<?)"),
        (query::Asked { group: true, ..asked }, "alerts_group (grp=? AND state=? AND rowid<?)"),
        (query::Asked { group: true, states: &["open"], ..asked }, "alerts_group (grp=? AND state=? AND rowid<?)"),
    ];
    let since = query::Asked { since: true, states: &["open"], ..Default::default() };
    let of_time = plan(&store, &query::list("*", &since));
    assert!(of_time.contains("alerts_state (state=? AND rowid>?)"), "{of_time}");
    for analyzed in [false, true] {
        if analyzed {
            store.connection.execute_batch("ANALYZE").unwrap();
        }
        for (asked, index) in lists {
            let plan = plan(&store, &query::list("*", &asked));
            assert!(plan.contains(&format!("SEARCH alerts USING COVERING INDEX {index}")), "{asked:?}\n{plan}");
            assert!(plan.contains("SEARCH alerts USING INTEGER PRIMARY KEY (rowid=?)"), "{asked:?}\n{plan}");
        }
    }
}

#[test]
fn what_is_due_is_found_among_very_much_that_is_over() {
    let mut store = crowded();
    assert_eq!(store.next_due().unwrap(), Some(build::at(5)));
    assert!(store.due_alerts(build::at(9), 100).unwrap().is_empty());
    let claimed = store.claim(build::at(9), "me", build::at(99), 100, None, &build::unlimited()).unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].id.alert, AlertId(1));
}
