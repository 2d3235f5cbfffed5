//! How long pages take among 100,000 alerts of a year:
//! `cargo test --release --lib how_long_pages_take -- --ignored --nocapture`

use super::*;
use crate::store::{Counts as _, Figured as _, Retention as _};

/// Not a test: how long it takes among 100,000 alerts.
#[test]
#[ignore = "measures"]
fn how_long_pages_take() {
    let file = OneFile::new();
    let mut store = file.open();
    let policy = build::policy();
    for n in 0..3 {
        let arrival = Arrival {
            group: GroupId::new(format!("g{n}")),
            rule: format!("rule {n}"),
            policy: policy.clone(),
            say: "Issue number 8 6 5 8 1 has just been escalated to Emergency by David.".repeat(2),
            told: Some(Box::default()),
            ..build::arrival(&format!("m{n}"), &format!("k{n}"))
        };
        let id = build::receive(&mut store, &arrival, build::at(n)).alert().id;
        build::change(&mut store, id, |alert| {
            alert.notifications.extend((1..=3).map(|number| build::notification(id, number, build::at(5))));
        });
    }
    let day = 86_400_000_i64;
    store
        .connection
        .execute_batch(
            "PRAGMA synchronous = OFF;
             CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (VALUES (4) UNION ALL SELECT i + 1 FROM n LIMIT 100000)
                 SELECT i FROM n;
             INSERT INTO alerts SELECT i, '2F' || i,
                 CASE i % 3 WHEN 0 THEN 'resolved' WHEN 1 THEN 'acknowledged' ELSE 'expired' END,
                 randomblob(32), key, grp, 'rule ' || (i % 40),
                 CASE WHEN i % 100 = 0 THEN '[\"odd' || i || '@example.com\"]' ELSE recipients END, subject, say,
                 text, policy, opened_at - (100000 - i) * 315360, window_until, 1,
                 opened_at - (100000 - i) * 315360 + i % 999000, 'D', opened_at, 0, 0, 0, 0,
                 NULL, NULL, NULL, NULL FROM n, alerts WHERE id = i % 3 + 1;
             INSERT INTO notifications SELECT i, m, purpose, 0, 0, 0, contact, channel, '+6421' || (i % 100000 + 100000),
                 NULL, printf('%032x', i * 4 + m), created_at - i, 'ended', at - i, NULL, NULL,
                 NULL, 'twilio', 'CA' || i, NULL, 'busy', '', 1, -1, 0, '[]', at - i, NULL, NULL, NULL, NULL, 0
                 FROM n, notifications, (SELECT 1 AS m UNION SELECT 2 UNION SELECT 3) WHERE alert = 1 AND number = 1;
             INSERT INTO mail_texts SELECT i, 1, 0, 'a', 'b', 'c', '[]', 1, 
                 replace(hex(zeroblob(800)), '00', 'the disk is full '), '', 0 FROM n WHERE i % 5 = 0;",
        )
        .unwrap();
    let file = store.size().unwrap();
    eprintln!("{file:?}");
    let all = Filter::default;
    let fifty = || Filter { limit: Some(50), ..all() };
    let time = |name: &str, store: &mut Sqlite, work: &mut dyn FnMut(&mut Sqlite) -> usize| {
        let mut best = std::time::Duration::MAX;
        let mut count = 0;
        for _ in 0..5 {
            let begun = std::time::Instant::now();
            count = work(store);
            best = best.min(begun.elapsed());
        }
        eprintln!("{name:40} {best:>10.2?} {count}");
    };
    let before = Some(AlertId(50_000));
    for (name, filter) in [
        ("50", fifty()),
        ("50 before", Filter { before, ..fifty() }),
        ("50 of a group", Filter { group: Some(GroupId::new("g1")), ..fifty() }),
        ("50 of a group, open", Filter { group: Some(GroupId::new("g1")), states: vec![State::Open], ..fifty() }),
        ("50 open or acknowledged", Filter { states: vec![State::Open, State::Acknowledged], ..fifty() }),
        ("50 open", Filter { states: vec![State::Open], ..fifty() }),
        ("50 resolved or expired before", Filter { before, states: vec![State::Resolved, State::Expired], ..fifty() }),
        ("50 of a recipient", Filter { recipient: Some("cust1".into()), ..fifty() }),
        ("50 of a rare recipient", Filter { recipient: Some("ODD404".into()), ..fifty() }),
        ("50 of no recipient", Filter { recipient: Some("nobody".into()), ..fifty() }),
        ("50 of the last month", Filter { since: Some(build::at(-30 * 86_400)), ..fifty() }),
        (
            "50 of the year, resolved",
            Filter { since: Some(build::at(-365 * 86_400)), states: vec![State::Resolved], ..fifty() },
        ),
        ("50 until long ago", Filter { until: Some(build::at(-360 * 86_400)), ..fifty() }),
        ("text, found soon", Filter { text: Some("TABLESPACE".into()), ..fifty() }),
        ("text, nowhere", Filter { text: Some("nowhere".into()), ..fifty() }),
    ] {
        time(name, &mut store, &mut |store| store.search(&filter, crate::store::LOOKED_THROUGH).unwrap().alerts.len());
    }
    time("all text, nowhere", &mut store, &mut |store| {
        store.alerts(&Filter { text: Some("nowhere".into()), ..fifty() }).unwrap().len()
    });
    time("counters", &mut store, &mut |store| store.counters().unwrap().len());
    time("gauges", &mut store, &mut |store| store.gauges(build::at(9)).unwrap().alerts.len());
    for days in [30, 366] {
        let edges: Vec<_> = (0..=days).map(|n| build::at((n - days) * day / 1000)).collect();
        time(&format!("statistics of {days} days"), &mut store, &mut |store| {
            usize::try_from(store.statistics(&edges).unwrap().total().opened).unwrap()
        });
    }
}
