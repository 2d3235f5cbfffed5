//! Arrivals, alerts and notifications for the tests.

use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::alert::limit::{Limits, Windows};
use crate::alert::{
    Alert, AlertId, Change, Channel, Delivery, Digest, Entry, EntryKind, Notification, NotificationId, Policy, Purpose,
    State, Step, Target, Token,
};
use crate::oncall::{Address, ContactId, GroupId, HourSpan, Hours, Phone};
use crate::store::{Arrival, Receipt, Store, Throttle};

/// So many seconds after a moment in 2026.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

/// Chance that is the same in every run.
pub fn chance(mut seed: u128) -> impl FnMut() -> u128 {
    move || {
        seed = seed.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645).wrapping_add(0x5851_F42D_4C95_7F2D);
        seed ^ (seed >> 64)
    }
}

/// No limits.
pub fn unlimited() -> Throttle<'static> {
    static NONE: Limits =
        Limits { everybody: Windows { call: None, text: None }, contacts: std::collections::BTreeMap::new() };
    Throttle { limits: &NONE, recipient: &|_| None, webhooks: false }
}

/// A number to call.
pub fn phone(last: u32) -> Phone {
    format!("+6421111{last:04}").parse().unwrap()
}

/// A policy with one of everything.
pub fn policy() -> Policy {
    let step = |notify, by: &[Channel]| Step {
        notify,
        by: by.to_vec(),
        attempts: 3,
        wait: SignedDuration::from_millis(300_500),
        redial: SignedDuration::from_secs(30),
        only: Some(Hours {
            spans: vec![HourSpan {
                days: vec![Weekday::Saturday, Weekday::Sunday],
                between: Some((time(8, 0, 0, 0), time(18, 30, 0, 0))),
                time_zone: TimeZone::get("Pacific/Auckland").unwrap(),
            }],
        }),
    };
    Policy {
        name: "page".into(),
        steps: vec![
            step(Target::OnCall, &[Channel::Text]),
            step(Target::OtherGroup("systems".into()), &[Channel::Call, Channel::Text]),
            step(Target::Escalation(Box::new(Target::Contact("simon".into()))), &[Channel::Call]),
        ],
        repeat: 1,
        remind: Some(SignedDuration::from_hours(4)),
        last_resort: Some(Target::Contact("simon".into())),
    }
}

/// The mail called `mail`, about the thing called `key`.
pub fn arrival(mail: &str, key: &str) -> Arrival {
    Arrival {
        mail: Digest::of([mail]),
        digest: Digest::of(["dba", key]),
        other_digests: Vec::new(),
        over: Vec::new(),
        sent_at: None,
        key: key.into(),
        window: SignedDuration::from_hours(1),
        group: GroupId::new("dba"),
        rule: "redmine".into(),
        recipients: vec!["cust1@sms.example.com".into()],
        subject: "tablespace \u{1f4a5} \"full\"\u{0}".into(),
        say: "The tablespace is full.".into(),
        text: "tablespace full".into(),
        policy: policy(),
        told: None,
    }
}

/// A notification, due at `due`.
pub fn notification(alert: AlertId, number: u32, due: Timestamp) -> Notification {
    Notification {
        id: NotificationId { alert, number },
        purpose: Purpose::Page,
        round: 0,
        step: 1,
        attempt: 2,
        contact: ContactId::new("david"),
        channel: Channel::Call,
        to: Address::Phone(phone(1)),
        news: None,
        token: token(alert, number),
        created_at: at(0),
        delivery: Delivery::Due { at: due, unsure_since: None },
        perhaps_with: Vec::new(),
        tries: 0,
        sequence: -1,
        reached: false,
        told_by: None,
        held_since: None,
    }
}

/// The token of the notification that [`notification`] makes.
pub fn token(alert: AlertId, number: u32) -> Token {
    Token::from_bits((u128::try_from(alert.0).unwrap() << 32) | u128::from(number))
}

/// A change that consists of the alert alone.
pub fn only(alert: Alert) -> Change {
    Change { alert, commands: Vec::new(), history: Vec::new() }
}

/// A line of history.
pub fn line(text: &str) -> Entry {
    Entry::new(at(0), EntryKind::Opened, text)
}

/// Receives a mail that changes nothing else.
pub fn receive(store: &mut dyn Store, arrival: &Arrival, now: Timestamp) -> Receipt {
    let mut seed = arrival.mail.0;
    seed.rotate_left(5);
    let seed = u128::from_be_bytes(*seed.first_chunk().unwrap());
    store.receive(arrival, None, None, now, &mut chance(seed), &mut |alert, _, _| only(alert)).unwrap()
}

/// Opens an alert with these notifications due, one for each time.
pub fn open_due(store: &mut dyn Store, key: &str, due: &[Timestamp]) -> AlertId {
    let id = receive(store, &arrival(key, key), at(0)).alert().id;
    change(store, id, |alert| {
        for (due, number) in due.iter().zip(1..) {
            alert.notifications.push(notification(id, number, *due));
        }
    });
    id
}

/// Changes an alert.
pub fn change(store: &mut dyn Store, id: AlertId, change: impl Fn(&mut Alert)) -> Alert {
    let mut apply = |mut alert: Alert| {
        change(&mut alert);
        only(alert)
    };
    store.update(id, &mut apply).unwrap().alert
}

/// Puts an alert into a state.
pub fn set_state(store: &mut dyn Store, id: AlertId, state: State) {
    change(store, id, |alert| alert.state = state);
}
