//! Stories of steps that count at some hours only, of calls that are placed again, and of texts beside calls.

use jiff::SignedDuration;
use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;

use super::night::{Night, called, page, person, step};
use super::*;
use crate::alert::{Channel, Policy, State, Step, Target};
use crate::oncall::{HourSpan, Hours};

/// From and until, in hours of every day; the nights begin on a Monday at 03:00 UTC.
fn between(from: i8, until: i8) -> Hours {
    let days = Weekday::Monday.cycle_forward().take(7).collect();
    let between = Some((time(from, 0, 0, 0), time(until, 0, 0, 0)));
    Hours { spans: vec![HourSpan { days, between, time_zone: TimeZone::UTC }] }
}

fn call(name: &str, only: impl Into<Option<Hours>>) -> Step {
    Step { only: only.into(), ..step(Target::Contact(name.to_owned()), &[Channel::Call], 2, 5) }
}

#[test]
fn a_step_that_does_not_count_is_skipped_and_the_history_says_so() {
    let steps = vec![call("david", between(8, 18)), call("darren", between(18, 8))];
    let mut night = Night::opened(Policy { steps, ..page() });
    assert_eq!(night.send(), called("darren"));
    assert!(night.said("step 1 (contact:david) skipped: it counts only 08:00-18:00 UTC"));
    // By day it is the other way round.
    night.now = "2026-11-02T10:00:00Z".parse().unwrap();
    let mut day = Night::new(night.alert.policy.clone());
    day.now = night.now;
    day.event(Event::Opened);
    assert_eq!(day.send(), called("david"));
    assert!(!day.said("skipped"));
}

#[test]
fn a_policy_none_of_whose_steps_counts_is_played_all_the_same() {
    let steps = vec![call("david", between(8, 12)), call("darren", between(12, 18))];
    let mut night = Night::opened(Policy { steps, ..page() });
    let mut whom = Vec::new();
    while night.alert.state == State::Open {
        whom.extend(night.send().into_iter().map(|(name, _)| name));
        night.call(u32::try_from(whom.len()).unwrap(), CallStatus::Busy, None);
    }
    assert_eq!(whom, ["david", "david", "darren", "darren"]);
    assert!(night.said("step 1 (contact:david) counts only 08:00-12:00 UTC, but no step that counts now has anybody"));
}

#[test]
fn a_step_that_counts_but_reaches_nobody_does_not_silence_the_others() {
    let steps = vec![call("david", between(8, 18)), call("mute", None)];
    let mut night = Night::opened(Policy { steps, ..page() });
    assert_eq!(night.send(), called("david"));
}

#[test]
fn a_step_that_has_begun_is_played_to_its_end() {
    let steps = vec![call("david", between(0, 4))];
    let mut night = Night::new(Policy { steps: [steps, vec![call("darren", None)]].concat(), ..page() });
    night.now = "2026-11-02T03:59:00Z".parse().unwrap();
    night.event(Event::Opened);
    assert_eq!(night.send(), called("david"));
    night.tick();
    assert_eq!(night.send(), called("david"), "the second attempt at 04:04");
}

#[test]
fn key_2_passes_over_a_step_that_does_not_count() {
    let steps = vec![call("david", None), call("simon", between(8, 18)), call("darren", None)];
    let mut night = Night::opened(Policy { steps, ..page() });
    night.send();
    night.event(Event::Escalate { by: person("david"), within: None });
    assert_eq!(night.send(), called("darren"));
    assert!(night.said("step 2 (contact:simon) skipped: it does not count at this hour"));
}

#[test]
fn a_failed_call_is_placed_again_after_redial_and_the_next_person_is_called_at_once() {
    let steps = vec![Step { redial: SignedDuration::from_secs(30), ..call("david", None) }, call("darren", None)];
    let mut night = Night::opened(Policy { steps, ..page() });
    night.send();
    night.call(1, CallStatus::Busy, None);
    assert_eq!(night.send(), []);
    assert!(night.said("once more in 30s"));
    night.tick();
    assert_eq!((night.send(), night.now), (called("david"), "2026-11-02T03:00:30Z".parse().unwrap()));
    night.call(2, CallStatus::NoAnswer, None);
    assert_eq!((night.send(), night.now), (called("darren"), "2026-11-02T03:00:30Z".parse().unwrap()));
}

#[test]
fn key_2_while_a_call_waits_to_be_placed_again_calls_the_next_person() {
    let steps = vec![
        Step { redial: SignedDuration::from_mins(2), ..step(Target::Group, &[Channel::Call], 2, 5) },
        call("darren", None),
    ];
    let mut night = Night::opened(Policy { steps, ..page() });
    assert_eq!(night.send().len(), 3);
    for number in 1..=3 {
        night.call(number, CallStatus::NoAnswer, None);
    }
    night.event(Event::Escalate { by: person("david"), within: None });
    assert_eq!(night.send(), called("darren"));
}

#[test]
fn of_a_text_and_a_call_at_once_the_call_counts_and_the_text_is_not_sent_again() {
    let both = step(Target::Contact("david".to_owned()), &[Channel::Text, Channel::Call], 3, 5);
    let mut night = Night::opened(Policy { steps: vec![both, call("darren", None)], ..page() });
    assert_eq!(night.send(), [("david".to_owned(), Channel::Text), ("david".to_owned(), Channel::Call)]);
    night.text(1, TextStatus::Delivered);
    night.call(2, CallStatus::NoAnswer, None);
    assert_eq!(night.send(), called("david"), "at once, and no second text");
    // Nobody picks up for the rest of the wait: then both again.
    night.call(3, CallStatus::InProgress, None);
    night.event(Event::KeyPressed { notification: night.id(3), key: '*' });
    night.call(3, CallStatus::Completed, None);
    night.tick();
    assert_eq!(night.send(), [("david".to_owned(), Channel::Text), ("david".to_owned(), Channel::Call)]);
}

#[test]
fn a_text_that_the_provider_does_not_take_holds_up_no_call() {
    let both = step(Target::Contact("david".to_owned()), &[Channel::Text, Channel::Call], 2, 5);
    let mut night = Night::opened(Policy { steps: vec![both], ..page() });
    night.claim();
    night.accept(night.id(2));
    night.call(2, CallStatus::Busy, None);
    assert_eq!(night.send(), [], "the text is on its way");
    night.refuse(night.id(1), Refusal::Temporary { reason: "429".to_owned(), retry_after: None });
    assert_eq!(night.send(), [("david".to_owned(), Channel::Text), ("david".to_owned(), Channel::Call)]);
}

#[test]
fn where_the_call_was_refused_the_text_beside_it_is_waited_for() {
    let both = step(Target::Contact("david".to_owned()), &[Channel::Text, Channel::Call], 2, 5);
    let mut night = Night::opened(Policy { steps: vec![both], ..page() });
    night.claim();
    night.accept(night.id(1));
    night.refuse(night.id(2), Refusal::Permanent { reason: "21211 bad number".to_owned() });
    assert_eq!(night.send(), []);
    assert_eq!(night.alert.next_at, Some("2026-11-02T03:05:00Z".parse().unwrap()));
}
