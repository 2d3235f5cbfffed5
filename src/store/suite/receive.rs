//! Mails that open and join alerts, and changes that are committed whole or not at all.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;

use jiff::{SignedDuration, Timestamp};

use super::Stage;
use super::build::{
    arrival, at, chance, change, line, notification, only, open_due, phone, policy, receive, set_state,
};
use crate::alert::{
    Alert, AlertId, Change, Channel, Command, Delivery, EntryKind, NotificationId, Outcome, Progress, Purpose, Resumed,
    State,
};
use crate::oncall::{Address, ContactId};
use crate::store::{Arrival, Error, Filter, Receipt, Store, TOLD_AGAIN};

pub fn a_new_alert_is_read_back_as_it_was_given(stage: &dyn Stage) {
    let mut store = stage.connect();
    let now = Timestamp::from_nanosecond(1_790_000_000_123_456_789).unwrap();
    let mut seen = None;
    let receipt = store
        .receive(&arrival("m1", "disk"), None, None, now, &mut chance(1), &mut |mut alert, joined, random| {
            assert!(!joined);
            seen = Some(alert.clone());
            let mut page = notification(alert.id, 1, now);
            page.token = crate::alert::Token::from_bits(random());
            alert.notifications.push(page);
            Change { alert, commands: Vec::new(), history: vec![line("opened by a mail")] }
        })
        .unwrap();
    let Receipt::Opened(alert) = receipt else { panic!("{receipt:?}") };
    let given = seen.unwrap();
    assert_eq!(given.state, State::Open);
    assert_eq!(given.mails, 1);
    assert_eq!(given.policy, policy());
    assert_eq!(given.opened_at.as_nanosecond(), 1_790_000_000_123_000_000);
    assert_eq!(given.window, SignedDuration::from_hours(1));
    assert_eq!(given.subject, arrival("m1", "disk").subject);
    assert_eq!(given.recipients, ["cust1@sms.example.com"]);
    assert!(given.notifications.is_empty());
    assert_eq!(alert.notifications.len(), 1);
    let mut other = stage.connect();
    assert_eq!(other.alert(alert.id).unwrap(), alert);
    assert_eq!(other.history(alert.id).unwrap(), [line("opened by a mail")]);
    assert_eq!(other.alert_of_mail(arrival("m1", "disk").mail).unwrap(), Some(alert.id));
    assert_eq!(other.alert_of_mail(arrival("m2", "disk").mail).unwrap(), None);
}

pub fn every_field_survives(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[at(1); 12]);
    let nanoseconds = |seconds| at(seconds) + SignedDuration::from_nanos(987_654_321);
    let outcomes = [
        Outcome::Completed,
        Outcome::Machine,
        Outcome::NoAnswer,
        Outcome::Busy,
        Outcome::Failed,
        Outcome::Canceled,
        Outcome::Delivered,
        Outcome::Undelivered,
        Outcome::Refused,
        Outcome::GaveUp,
        Outcome::Withdrawn,
    ];
    let after = change(&mut *store, id, |alert| {
        alert.state = State::Acknowledged;
        alert.recipients.push("zweiter@example.com".into());
        alert.mails = u32::MAX;
        alert.acknowledged_at = Some(nanoseconds(5));
        alert.acknowledged_by = Some("Dávid \u{0}".into());
        alert.taken_by = Some(ContactId::new("david"));
        alert.resumed = Some(Resumed { round: 4, at: nanoseconds(9) });
        alert.ended_at = Some(nanoseconds(6));
        alert.next_at = Some(nanoseconds(7));
        alert.progress = Some(Progress { round: 1, step: 2, attempt: 3, began_at: nanoseconds(8) });
        for (notification, outcome) in alert.notifications.iter_mut().zip(outcomes) {
            let detail = format!("because of {outcome:?}");
            let provider_id = (outcome != Outcome::Refused).then(|| "CA1".to_owned());
            let provider = provider_id.as_ref().map(|_| "twilio".to_owned());
            notification.delivery = Delivery::Ended { at: nanoseconds(9), outcome, detail, provider, provider_id };
        }
        let mut news = notification(id, 13, nanoseconds(10));
        news.purpose = Purpose::News;
        news.channel = Channel::Text;
        news.news = Some(crate::alert::News::Taken { by: "David \"X\"\n".into() });
        news.to = phone(7).into();
        news.created_at = nanoseconds(11);
        news.perhaps_with = vec!["gate".into(), "gate".into(), "twilio".into()];
        news.tries = 7;
        news.sequence = 42;
        news.reached = true;
        let since = nanoseconds(12);
        for (number, delivery) in [
            (13, Delivery::Due { at: nanoseconds(13), unsure_since: Some(nanoseconds(12)) }),
            (14, Delivery::Claimed { by: "a".into(), since, until: nanoseconds(19), unsure_since: None }),
            (15, Delivery::Claimed { by: "b".into(), since, until: nanoseconds(19), unsure_since: Some(since) }),
            (
                16,
                Delivery::Accepted {
                    at: since,
                    provider: "twilio".into(),
                    provider_id: "SM1".into(),
                    status: "sent".into(),
                },
            ),
        ] {
            news.id.number = number;
            news.token = super::build::token(id, number);
            if number == 16 {
                news.channel = Channel::Email;
                news.to = Address::Mail("d.o'hara+x@example.com".parse().unwrap());
            }
            alert.notifications.push(crate::alert::Notification { delivery, ..news.clone() });
        }
    });
    assert_eq!(after.notifications.len(), 16);
    assert_eq!(after.acknowledged_at.unwrap().as_nanosecond() % 1_000_000_000, 987_000_000);
    assert_eq!(stage.connect().alert(id).unwrap(), after);
    // What was read can be written again and is still the same.
    let again = change(&mut *store, id, |alert| alert.next_at = None);
    assert_eq!(again, Alert { next_at: None, ..after });
    assert_eq!(store.alert(id).unwrap(), again);
}

pub fn a_mail_joins_an_open_alert(stage: &dyn Stage) {
    let mut store = stage.connect();
    let first = receive(&mut *store, &arrival("m1", "disk"), at(0)).alert().id;
    // A year later: an open alert has no window.
    let receipt = store
        .receive(&arrival("m2", "disk"), None, None, at(365 * 86_400), &mut chance(2), &mut |mut alert, joined, _| {
            assert!(joined);
            alert.mails += 1;
            Change { alert, commands: Vec::new(), history: vec![line("joined")] }
        })
        .unwrap();
    let Receipt::Joined(alert) = receipt else { panic!("{receipt:?}") };
    assert_eq!((alert.id, alert.mails), (first, 2));
    assert_eq!(store.alert(first).unwrap(), alert);
    assert_eq!(store.history(first).unwrap(), [line("joined")]);
    assert_eq!(store.alert_of_mail(arrival("m2", "disk").mail).unwrap(), Some(first));
    assert!(matches!(receive(&mut *store, &arrival("m3", "cpu"), at(1)), Receipt::Opened(_)));
}

pub fn a_mail_joins_an_acknowledged_alert_until_its_window_ends(stage: &dyn Stage) {
    let mut store = stage.connect();
    let first = receive(&mut *store, &arrival("m1", "disk"), at(0)).alert().id;
    set_state(&mut *store, first, State::Acknowledged);
    let within = receive(&mut *store, &arrival("m2", "disk"), at(3599));
    assert!(matches!(&within, Receipt::Joined(alert) if alert.id == first), "{within:?}");
    let after = receive(&mut *store, &arrival("m3", "disk"), at(3600));
    assert!(matches!(&after, Receipt::Opened(alert) if alert.id != first), "{after:?}");
}

pub fn a_mail_opens_another_alert_once_the_first_is_over(stage: &dyn Stage) {
    let mut store = stage.connect();
    for (mail, state) in [("m1", State::Resolved), ("m2", State::Expired)] {
        let receipt = receive(&mut *store, &arrival(mail, "disk"), at(0));
        let Receipt::Opened(alert) = receipt else { panic!("{receipt:?}") };
        set_state(&mut *store, alert.id, state);
    }
}

pub fn the_same_mail_again_adds_recipients_and_a_line(stage: &dyn Stage) {
    let mut store = stage.connect();
    let before = receive(&mut *store, &arrival("m1", "disk"), at(0)).alert().clone();
    set_state(&mut *store, before.id, State::Resolved);
    let mut again = arrival("m1", "another key");
    again.recipients = vec!["b@example.com".into(), "cust1@sms.example.com".into(), "b@example.com".into()];
    for _ in 0..2 {
        let receipt = store
            .receive(&again, None, None, at(99), &mut chance(1), &mut |_, _, _| panic!("nothing is to change"))
            .unwrap();
        let Receipt::SameMail(after) = receipt else { panic!("{receipt:?}") };
        let recipients = vec!["cust1@sms.example.com".into(), "b@example.com".into()];
        assert_eq!(after, Alert { recipients, state: State::Resolved, ..before.clone() });
        assert_eq!(store.alert(before.id).unwrap(), after);
    }
    let history = store.history(before.id).unwrap();
    let kinds: Vec<EntryKind> = history.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [EntryKind::Duplicate; 2]);
    assert!(history[0].text.starts_with("the same mail came again: tablespace"), "{history:?}");
}

pub fn a_mail_that_comes_for_ever_fills_no_disk(stage: &dyn Stage) {
    let mut store = stage.connect();
    let again = arrival("m1", "disk");
    let id = receive(&mut *store, &again, at(0)).alert().id;
    for n in 0..TOLD_AGAIN + 5 {
        receive(&mut *store, &again, at(i64::from(n)));
    }
    let history = store.history(id).unwrap();
    assert_eq!(history.iter().filter(|line| line.kind == EntryKind::Duplicate).count(), TOLD_AGAIN as usize);
    assert!(history.last().unwrap().text.ends_with("further ones are not noted"), "{:?}", history.last());
}

pub fn fifty_mails_at_once_make_one_alert(stage: &dyn Stage) {
    let barrier = Barrier::new(50);
    std::thread::scope(|scope| {
        for n in 0..50 {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                let mut store = stage.connect();
                store
                    .receive(
                        &arrival(&format!("m{n}"), "disk"),
                        None,
                        None,
                        at(n),
                        &mut chance(1),
                        &mut |mut alert, joined, _| {
                            alert.mails += u32::from(joined);
                            Change { alert, commands: Vec::new(), history: vec![line("a mail")] }
                        },
                    )
                    .unwrap();
            });
        }
    });
    let mut store = stage.connect();
    let alerts = store.alerts(&Filter::default()).unwrap();
    let [alert] = alerts.as_slice() else { panic!("{} alerts", alerts.len()) };
    assert_eq!(alert.mails, 50);
    assert_eq!(store.history(alert.id).unwrap().len(), 50);
    for n in 0..50 {
        assert_eq!(store.alert_of_mail(arrival(&format!("m{n}"), "").mail).unwrap(), Some(alert.id));
    }
}

pub fn a_crash_midway_leaves_nothing(stage: &dyn Stage) {
    let id = open_due(&mut *stage.connect(), "disk", &[at(1)]);
    let before = stage.connect().alert(id).unwrap();
    let mut store = stage.connect();
    let crash = |work: &mut dyn FnMut()| assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
    crash(&mut || {
        let _ = store
            .receive(&arrival("m2", "cpu"), None, None, at(0), &mut chance(1), &mut |_, _, _| panic!("on purpose"));
    });
    crash(&mut || {
        let _ = store.update(id, &mut |_| panic!("on purpose"));
    });
    for store in [&mut store, &mut stage.connect()] {
        assert_eq!(store.alerts(&Filter::default()).unwrap(), std::slice::from_ref(&before));
        assert_eq!(store.alert_of_mail(arrival("m2", "cpu").mail).unwrap(), None);
        assert_eq!(store.alert(id).unwrap(), before);
    }
    // The connection that saw the crash still works, and holds nobody up.
    assert!(matches!(receive(&mut *store, &arrival("m2", "cpu"), at(0)), Receipt::Opened(_)));
    assert!(matches!(receive(&mut *stage.connect(), &arrival("m3", "cpu"), at(0)), Receipt::Joined(_)));
}

pub fn a_change_that_names_another_alert_is_refused_whole(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[at(1)]);
    let before = store.alert(id).unwrap();
    let mut wrong_alert = |alert: Alert| only(Alert { id: AlertId(99), ..alert });
    assert!(store.update(id, &mut wrong_alert).is_err());
    let mut wrong_notification = |mut alert: Alert| {
        alert.mails += 1;
        alert.notifications.push(notification(AlertId(99), 2, at(1)));
        only(alert)
    };
    assert!(store.update(id, &mut wrong_notification).is_err());
    assert_eq!(store.alert(id).unwrap(), before);
}

pub fn an_update_of_no_alert_is_an_error(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = AlertId(7);
    let update = store.update(id, &mut |_| panic!("there is none"));
    assert!(matches!(update, Err(Error::NoAlert(AlertId(7)))), "{update:?}");
    assert!(matches!(store.alert(id), Err(Error::NoAlert(AlertId(7)))));
    assert!(matches!(store.record(id, &[line("nothing")]), Err(Error::NoAlert(AlertId(7)))));
}

pub fn an_update_without_a_change_returns_its_commands(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[]);
    let command = Command::HangUp {
        notification: NotificationId { alert: id, number: 1 },
        provider: "twilio".into(),
        provider_id: "CA1".into(),
    };
    let updated = store
        .update(id, &mut |alert| Change { alert, commands: vec![command.clone()], history: vec![line("hung up")] })
        .unwrap();
    assert_eq!(updated.commands, [command]);
    assert_eq!(store.history(id).unwrap(), [line("hung up")]);
}

pub fn a_notification_that_is_taken_out_is_gone(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = open_due(&mut *store, "disk", &[at(1), at(2), at(3)]);
    let after = change(&mut *store, id, |alert| alert.notifications.retain(|notification| notification.id.number != 2));
    assert_eq!(after.notifications.len(), 2);
    assert_eq!(store.alert(id).unwrap(), after);
    assert_eq!(store.by_token(&super::build::token(id, 2)).unwrap(), None);
}

pub fn codes_of_recent_alerts_differ(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut codes = HashSet::new();
    for n in 0..60 {
        let key = format!("k{n}");
        let alert = receive(&mut *store, &arrival(&key, &key), at(n)).alert().clone();
        set_state(&mut *store, alert.id, State::Resolved);
        assert_eq!(alert.code.0.len(), 2);
        assert!(codes.insert(alert.code));
    }
}

pub fn codes_grow_and_are_used_again_after_a_month(stage: &dyn Stage) {
    let mut store = stage.connect();
    let month = 30 * 86_400;
    let mut open = |n: i64, now| {
        let key = format!("k{n}");
        let alert = receive(&mut *store, &arrival(&key, &key), now).alert().clone();
        set_state(&mut *store, alert.id, State::Expired);
        alert.code.0
    };
    let mut lengths = (0..100).map(|n| open(n, at(n)).len());
    assert!(lengths.by_ref().take(80).all(|length| length == 2));
    assert!(lengths.all(|length| length == 3));
    // The first 10 have rested.
    let again: HashSet<_> = (0..10).map(|n| open(1000 + n, at(month + 10))).collect();
    assert_eq!(again.iter().filter(|code| code.len() == 2).count(), 10, "{again:?}");
    assert_eq!(open(2000, at(month + 10)).len(), 3);
}

pub fn the_code_of_an_open_alert_is_never_given_again(stage: &dyn Stage) {
    let mut store = stage.connect();
    let mut codes = HashSet::new();
    for n in 0..81 {
        let key = format!("k{n}");
        let month_after_month = at(n * 31 * 86_400);
        assert!(codes.insert(receive(&mut *store, &arrival(&key, &key), month_after_month).alert().code.clone()));
    }
}

pub fn numbers_rise(stage: &dyn Stage) {
    let numbers: Vec<i64> = ["a", "b", "c"].map(|key| open_due(&mut *stage.connect(), key, &[]).0).into();
    assert_eq!(numbers, [1, 2, 3]);
}

pub fn an_alert_has_the_digests_of_all_its_mails(stage: &dyn Stage) {
    let mut store = stage.connect();
    let others = |keys: &[&str]| keys.iter().map(|key| arrival("", key).digest).collect();
    let first = Arrival { other_digests: others(&["b", "c", "c", "a"]), ..arrival("m1", "a") };
    let id = receive(&mut *store, &first, at(0)).alert().id;
    let joins = |receipt: Receipt| matches!(receipt, Receipt::Joined(alert) if alert.id == id);
    assert!(joins(receive(&mut *store, &arrival("m2", "c"), at(1))));
    let more = Arrival { other_digests: others(&["b"]), ..arrival("m3", "d") };
    assert!(joins(receive(&mut *store, &more, at(2))), "one digest is enough");
    assert!(joins(receive(&mut *store, &arrival("m4", "d"), at(3))), "and the others are known from then on");
    assert_eq!(store.active(arrival("", "d").digest).unwrap(), Some(id));
    set_state(&mut *store, id, State::Resolved);
    let receipt = receive(&mut *store, &arrival("m5", "d"), at(4));
    assert!(matches!(receipt, Receipt::Opened(_)), "{receipt:?}");
}

pub fn the_same_mail_with_another_key_gives_its_alert_that_digest(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = receive(&mut *store, &arrival("m1", "for ann"), at(0)).alert().id;
    assert!(matches!(receive(&mut *store, &arrival("m1", "for bob"), at(1)), Receipt::SameMail(_)));
    for (mail, key) in [("m2", "for bob"), ("m3", "for ann")] {
        let receipt = receive(&mut *store, &arrival(mail, key), at(2));
        assert!(matches!(&receipt, Receipt::Joined(alert) if alert.id == id), "{receipt:?}");
    }
}

pub fn a_mail_that_tells_of_the_end_ends_the_window(stage: &dyn Stage) {
    let mut store = stage.connect();
    let id = receive(&mut *store, &arrival("m1", "disk"), at(0)).alert().id;
    set_state(&mut *store, id, State::Acknowledged);
    assert!(matches!(receive(&mut *store, &arrival("m2", "disk"), at(1)), Receipt::Joined(_)));
    // Of another key, as derived ones are: it opens an alert, and ends the window of the first.
    let over = Arrival { over: vec![arrival("", "disk").digest], ..arrival("m3", "disk over") };
    assert!(matches!(receive(&mut *store, &over, at(2)), Receipt::Opened(_)));
    let again = receive(&mut *store, &arrival("m4", "disk"), at(3));
    let Receipt::Opened(again) = again else { panic!("{again:?}") };
    set_state(&mut *store, again.id, State::Acknowledged);
    // Of the same key, as given ones are: it joins, and ends the window.
    let over = Arrival { over: vec![arrival("", "disk").digest], ..arrival("m5", "disk") };
    let joined = receive(&mut *store, &over, at(4));
    assert!(
        matches!(&joined, Receipt::Joined(alert) if alert.id == again.id && alert.takes_in_until() == Some(at(4))),
        "{joined:?}"
    );
    let first = receive(&mut *store, &Arrival { mail: arrival("m6", "").mail, ..over }, at(5));
    let Receipt::Opened(first) = first else { panic!("{first:?}") };
    assert_eq!(first.window, SignedDuration::ZERO, "it is the first of its key: so it has no window");
    assert_eq!(store.alert(first.id).unwrap(), first);
}

pub fn several_alerts_are_changed_in_one_transaction(stage: &dyn Stage) {
    let mut store = stage.connect();
    let ids = ["a", "b"].map(|key| receive(&mut *store, &arrival(key, key), at(0)).alert().id);
    let mut acknowledge = |mut alert: Alert| {
        alert.state = State::Acknowledged;
        only(alert)
    };
    let missing = [ids[0], AlertId(99), ids[1]];
    assert!(matches!(store.update_each(&missing, &mut acknowledge), Err(Error::NoAlert(AlertId(99)))));
    let states = |store: &mut dyn Store| ids.map(|id| store.alert(id).unwrap().state);
    assert_eq!(states(&mut *store), [State::Open; 2], "nothing of it happened");
    let updated = store.update_each(&ids, &mut acknowledge).unwrap();
    assert_eq!(updated.iter().map(|one| one.alert.id).collect::<Vec<_>>(), ids);
    assert_eq!(states(&mut *stage.connect()), [State::Acknowledged; 2]);
}
