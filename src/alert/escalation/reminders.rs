//! Stories of acknowledgements that time out, are given back or taken over, and of policies that end.

use jiff::SignedDuration;

use super::night::{Night, acknowledge, called, page, person, step};
use super::*;
use crate::alert::{Channel, News, Policy, Purpose, State, Target, Through};

const FOUR_HOURS: SignedDuration = SignedDuration::from_hours(4);

fn reminding() -> Policy {
    Policy { remind: Some(FOUR_HOURS), ..page() }
}

/// Acknowledged by David at 03:00.
fn taken() -> Night {
    let mut night = Night::opened(reminding());
    night.send();
    night.event(acknowledge("david", Some(night.id(1))));
    night.call(1, CallStatus::Completed, None);
    night
}

#[test]
fn who_has_it_is_asked_again_and_may_keep_it() {
    let mut night = taken();
    assert_eq!((night.alert.state, night.send()), (State::Acknowledged, vec![]));
    night.pass(FOUR_HOURS - SignedDuration::from_secs(1));
    night.event(Event::Tick);
    assert_eq!(night.alert.state, State::Acknowledged);
    night.tick();
    assert_eq!(night.now, "2026-11-02T07:00:00Z".parse().unwrap());
    assert_eq!((night.alert.state, night.alert.acknowledged_at), (State::Open, None));
    assert!(night.said("David has had it for 4h, and it is not over: asking again"));
    assert_eq!(night.send(), [("david".to_owned(), Channel::Text)]);
    assert_eq!(night.notification(2).news, Some(News::StillYours));
    night.event(acknowledge("david", None));
    assert_eq!((night.alert.state, night.news()), (State::Acknowledged, vec![]));
    // And so on, until it is resolved.
    night.tick();
    assert_eq!(night.now, "2026-11-02T11:00:00Z".parse().unwrap());
    assert_eq!(night.send(), [("david".to_owned(), Channel::Text)]);
    night.event(Event::Resolve { by: person("david"), within: None });
    assert_eq!((night.alert.state, night.alert.next_at), (State::Resolved, None));
}

#[test]
fn when_they_do_not_react_they_are_called_and_then_the_policy_is_played_anew() {
    let mut night = taken();
    night.tick();
    night.send();
    night.tick();
    assert_eq!(night.send(), called("david"));
    assert!(night.said("calling David (+64211110001), attempt 1 of 2, to ask again"));
    let mut whom = Vec::new();
    while night.alert.state == State::Open {
        let last = night.alert.notifications.iter().rfind(|n| n.purpose == Purpose::Page).unwrap().id.number;
        night.call(last, CallStatus::NoAnswer, None);
        if night.alert.state == State::Open && night.alert.next_at > Some(night.now) {
            night.tick();
        }
        whom.extend(night.send().into_iter().filter(|(_, by)| *by == Channel::Call).map(|(name, _)| name));
    }
    assert_eq!(whom, ["david", "david", "david", "david", "darren", "darren"]);
    assert_eq!(night.alert.state, State::Expired);
}

#[test]
fn nobody_is_told_that_somebody_has_what_is_open_again() {
    for refusal in [
        Refusal::Temporary { reason: "429".to_owned(), retry_after: None },
        Refusal::Ambiguous { reason: "500".to_owned(), since: "2026-11-02T03:00:00Z".parse().unwrap() },
    ] {
        let steps = vec![step(Target::Group, &[Channel::Text], 1, 5)];
        let mut night = Night::opened(Policy { steps, ..reminding() });
        night.send();
        night.event(acknowledge("david", None));
        let news = night.claim();
        assert_eq!(news.len(), 2, "Darren and Simon are told");
        night.refuse(news[0].id, refusal.clone());
        // The second is being sent all the time: the sender hangs.
        night.tick();
        assert_eq!((night.alert.state, night.news()), (State::Open, vec![]));
        night.refuse(news[1].id, refusal);
        assert_eq!((night.news(), night.send()), (vec![], vec![("david".to_owned(), Channel::Text)]));
    }
}

#[test]
fn a_rule_that_acknowledged_is_asked_nothing() {
    let mut night = Night::opened(reminding());
    night.send();
    let by = Actor { contact: None, name: "rule seen".to_owned(), through: Through::Mail };
    night.event(Event::Acknowledge { by, within: None });
    night.tick();
    assert_eq!(night.send(), [("david".to_owned(), Channel::Text), ("david".to_owned(), Channel::Call)][1..]);
    assert_eq!(night.alert.state, State::Open);
}

#[test]
fn an_outage_after_a_reminder_is_waited_for() {
    let mut night = taken();
    night.tick();
    let until = night.now + SignedDuration::from_hours(3);
    while night.now < until {
        for claimed in night.claim() {
            night.refuse(claimed.id, Refusal::Temporary { reason: "503".to_owned(), retry_after: None });
        }
        night.tick();
    }
    assert_eq!(night.alert.state, State::Open);
    assert!(night.said("no provider has taken anything: all steps again in"));
}

#[test]
fn a_clock_that_goes_back_does_not_put_off_the_reminder_for_ever() {
    let mut night = taken();
    night.pass(SignedDuration::from_hours(-1000));
    night.event(Event::Tick);
    night.pass(FOUR_HOURS);
    night.event(Event::Tick);
    assert_eq!(night.alert.state, State::Open);
}

#[test]
fn who_cannot_do_it_gives_it_back_and_the_next_one_is_called() {
    let mut night = taken();
    night.event(Event::Escalate { by: person("darren"), within: None });
    assert_eq!(night.alert.state, State::Acknowledged, "it is not his to give back");
    night.event(Event::Escalate { by: person("david"), within: None });
    assert_eq!((night.alert.state, night.send()), (State::Open, called("darren")));
    assert!(night.said("David (by key) cannot do it and gives it back; next"));
    night.event(acknowledge("darren", None));
    assert_eq!(night.news(), [("david".to_owned(), "Darren has it".to_owned())]);
}

#[test]
fn what_nobody_else_could_do_is_not_given_back() {
    let mut night = Night::opened(Policy { steps: vec![step(Target::OnCall, &[Channel::Call], 1, 5)], ..page() });
    night.send();
    night.event(acknowledge("david", None));
    night.event(Event::Escalate { by: person("david"), within: None });
    assert_eq!(night.alert.state, State::Acknowledged);
    assert!(night.said("there is nobody further: it stays theirs"));
}

#[test]
fn a_takeover_is_told_to_who_had_it() {
    let mut night = taken();
    night.pass(SignedDuration::from_mins(10));
    night.event(Event::TakeOver { by: person("darren") });
    let words = "Darren has taken it over".to_owned();
    assert_eq!(night.news(), [("david".to_owned(), words)]);
    assert_eq!(night.alert.acknowledged_by.as_deref(), Some("Darren"));
    assert_eq!(night.alert.acknowledged_at, Some(night.now));
    // Once is enough.
    let before = night.alert.clone();
    night.event(Event::TakeOver { by: person("darren") });
    assert_eq!(night.alert, before);
}

#[test]
fn nobody_answered_is_told_to_everybody_and_may_be_taken_yet() {
    let last_resort = Some(Target::Contact("texter".to_owned()));
    let mut night = Night::opened(Policy { last_resort, ..page() });
    for number in 1..=5 {
        night.send();
        night.call(number, CallStatus::Busy, None);
    }
    assert_eq!(night.alert.state, State::Expired);
    let told: Vec<_> = night.news().into_iter().map(|(name, _)| name).collect();
    assert_eq!(told, ["david", "darren", "simon", "texter"]);
    assert_eq!(night.news()[2].1, "nobody answered");
    assert!(night.said("telling Simon (+64211110013): nobody answered"));
    night.event(acknowledge("simon", None));
    let told: Vec<_> = night.news().into_iter().map(|(name, _)| name).collect();
    assert_eq!(told, ["david", "darren", "texter"]);
}
