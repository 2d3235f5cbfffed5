//! What chance makes happen in the nights of the property tests.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span};
use proptest::prelude::*;

use super::night::{Night, not_accepted, person, step};
use super::*;
use crate::alert::{Channel, Policy, Step, Target};
use crate::oncall::{HourSpan, Hours};

pub(super) const NAMES: [&str; 4] = ["david", "darren", "simon", "nobody"];

pub(super) const CALLS: [CallStatus; 9] = [
    CallStatus::Queued,
    CallStatus::Initiated,
    CallStatus::Ringing,
    CallStatus::InProgress,
    CallStatus::Completed,
    CallStatus::Busy,
    CallStatus::Failed,
    CallStatus::NoAnswer,
    CallStatus::Canceled,
];

pub(super) const TEXTS: [TextStatus; 6] = [
    TextStatus::Queued,
    TextStatus::Sent,
    TextStatus::Delivered,
    TextStatus::Undelivered,
    TextStatus::Failed,
    TextStatus::Canceled,
];

/// Something that may happen. Numbers choose among the notifications there are.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Pass(i64),
    Tick,
    /// The clock moves to when the alert wants to be ticked.
    NextTick,
    Claim,
    Accept(u32),
    Refuse(u32, u8),
    Call(u32, usize, Option<i64>, Option<bool>),
    Text(u32, usize),
    Key(u32),
    Human(u8, usize, Option<u32>),
    Join,
    /// The last event once more.
    Again,
}

pub(super) fn acts() -> impl Strategy<Value = Act> {
    let which = || 1_u32..12;
    prop_oneof![
        2 => (0_i64..400).prop_map(Act::Pass),
        1 => (-7200_i64..0).prop_map(Act::Pass),
        2 => Just(Act::Tick),
        4 => Just(Act::NextTick),
        6 => Just(Act::Claim),
        6 => which().prop_map(Act::Accept),
        5 => (which(), 0_u8..5).prop_map(|(which, how)| Act::Refuse(which, how)),
        8 => (which(), 0..CALLS.len(), proptest::option::of(0_i64..6), proptest::option::of(any::<bool>()))
            .prop_map(|(which, status, sequence, human)| Act::Call(which, status, sequence, human)),
        4 => (which(), 0..TEXTS.len()).prop_map(|(which, status)| Act::Text(which, status)),
        1 => which().prop_map(Act::Key),
        2 => (0_u8..5, 0..NAMES.len(), proptest::option::of(which()))
            .prop_map(|(what, who, within)| Act::Human(what, who, within)),
        1 => Just(Act::Join),
        3 => Just(Act::Again),
    ]
}

pub(super) fn steps() -> impl Strategy<Value = Step> {
    let target = prop_oneof![
        Just(Target::OnCall),
        Just(Target::Backup),
        Just(Target::Group),
        Just(Target::OtherGroup("empty".to_owned())),
        proptest::sample::select(vec!["simon", "texter", "mute", "nobody"])
            .prop_map(|name| Target::Contact(name.to_owned())),
        Just(Target::Escalation(Box::new(Target::Contact("simon".to_owned())))),
    ];
    let by = proptest::sample::select(vec![
        vec![Channel::Call],
        vec![Channel::Text],
        vec![Channel::Call, Channel::Text],
        vec![],
    ]);
    let redial = prop_oneof![3 => Just(0), 1 => 1_i64..200];
    let only = proptest::option::weighted(0.3, hours());
    (target, by, 0_u32..4, 0_i64..8, redial, only).prop_map(|(target, by, attempts, minutes, redial, only)| Step {
        redial: SignedDuration::from_secs(redial),
        only,
        ..step(target, &by, attempts, minutes)
    })
}

/// Hours of every day, around the time of the nights or elsewhere.
fn hours() -> impl Strategy<Value = Hours> {
    let clock = |minutes: i16| Time::midnight() + Span::new().minutes(minutes);
    (0_i16..1440, 1_i16..1440).prop_map(move |(from, length)| Hours {
        spans: vec![HourSpan {
            days: Weekday::Monday.cycle_forward().take(7).collect(),
            between: Some((clock(from), clock((from + length) % 1440))),
            time_zone: TimeZone::UTC,
        }],
    })
}

pub(super) fn policies() -> impl Strategy<Value = Policy> {
    let remind = proptest::option::weighted(0.3, (1_i64..300).prop_map(SignedDuration::from_mins));
    (proptest::collection::vec(steps(), 0..4), 0_u32..3, remind).prop_map(|(steps, repeat, remind)| Policy {
        name: "random".to_owned(),
        steps,
        repeat,
        remind,
        last_resort: Some(Target::Contact("texter".to_owned())),
    })
}

/// The event of an act; `None` where it only moves the clock or claims.
pub(super) fn event(night: &mut Night, act: &Act, last: Option<&Event>) -> Option<Event> {
    let count = u32::try_from(night.alert.notifications.len()).unwrap().max(1);
    // Mostly the newest; now and then one that does not exist.
    let id = |night: &Night, which: u32| night.id(if which == 11 { 999 } else { count.saturating_sub(which % count) });
    match *act {
        Act::Pass(seconds) => {
            night.pass(SignedDuration::from_secs(seconds));
            None
        }
        Act::Tick => Some(Event::Tick),
        Act::NextTick => {
            night.now = night.now.max(night.alert.next_at.unwrap_or(night.now));
            Some(Event::Tick)
        }
        Act::Claim => {
            night.claim();
            None
        }
        Act::Accept(which) => Some(Event::Accepted {
            notification: id(night, which),
            provider: "twilio".to_owned(),
            provider_id: format!("CA{which}"),
        }),
        Act::Refuse(which, how) => Some(not_accepted(id(night, which), refusal(night, how))),
        Act::Call(which, status, sequence, human) => Some(Event::CallStatus {
            notification: id(night, which),
            sequence,
            status: CALLS[status],
            human,
            detail: String::new(),
        }),
        Act::Text(which, status) => Some(Event::TextStatus {
            notification: id(night, which),
            status: TEXTS[status],
            detail: "30003".to_owned(),
        }),
        Act::Key(which) => Some(Event::KeyPressed { notification: id(night, which), key: '9' }),
        Act::Human(what, who, within) => {
            let by = person(NAMES[who]);
            let within = within.map(|which| id(night, which));
            Some(match what {
                0 => Event::Acknowledge { by, within },
                1 => Event::Resolve { by, within },
                2 => Event::ResolveQuietly { by, why: "with another".to_owned() },
                3 => Event::TakeOver { by },
                _ => Event::Escalate { by, within },
            })
        }
        Act::Join => Some(Event::Joined { recipients: vec!["x@y".to_owned()], subject: "again\r\nagain".to_owned() }),
        Act::Again => last.cloned(),
    }
}

pub(super) fn refusal(night: &Night, how: u8) -> Refusal {
    let reason = "no".to_owned();
    match how {
        0 => Refusal::Permanent { reason },
        1 => Refusal::Temporary { reason, retry_after: None },
        2 => Refusal::Temporary { reason, retry_after: Some(SignedDuration::from_secs(90)) },
        3 => Refusal::Ambiguous { reason, since: night.now },
        _ => Refusal::Credentials { reason },
    }
}
