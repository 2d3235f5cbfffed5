//! Nights told one by one, with a clock that is moved: who is called, and what people do.

use jiff::SignedDuration;

use super::night::{Night, acknowledge, called, page, person, step};
use super::*;
use crate::alert::{Channel, Outcome, Policy, State, Target, Through};
use crate::oncall::GroupId;

#[test]
fn nobody_answers_and_the_backup_is_called_at_once() {
    let mut night = Night::opened(page());
    for number in 1..=3 {
        assert_eq!(night.send(), called("david"));
        night.pass(SignedDuration::from_secs(30));
        night.call(number, CallStatus::NoAnswer, None);
    }
    assert_eq!(night.send(), called("darren"));
    assert_eq!(night.now, "2026-11-02T03:01:30Z".parse().unwrap());
    assert!(night.said("calling David (+64211110001), attempt 1 of 3, step 1 of 2"));
    assert!(night.said("no answer from David (+64211110001); next"));
}

#[test]
fn the_policy_ends_when_nobody_is_left() {
    let mut night = Night::opened(page());
    for number in 1..=5 {
        night.send();
        night.call(number, CallStatus::Busy, None);
    }
    assert_eq!(night.alert.state, State::Expired);
    assert_eq!((night.alert.next_at, night.alert.ended_at, night.alert.progress), (None, Some(night.now), None));
    assert!(night.said("nobody acknowledged"));
}

#[test]
fn all_steps_are_played_again_as_often_as_the_policy_says() {
    let mut night = Night::opened(Policy { repeat: 2, ..page() });
    let mut calls = Vec::new();
    while night.alert.state == State::Open {
        calls.extend(night.send().into_iter().map(|(name, _)| name));
        let last = night.alert.notifications.last().unwrap().id.number;
        night.call(last, CallStatus::Busy, None);
    }
    assert_eq!(calls, ["david", "david", "david", "darren", "darren"].repeat(3));
}

#[test]
fn a_mailbox_is_not_a_human() {
    let mut night = Night::opened(page());
    night.send();
    night.call(1, CallStatus::InProgress, Some(false));
    night.call(1, CallStatus::Completed, Some(false));
    assert_eq!(night.outcome(1), Some(Outcome::Machine));
    assert_eq!(night.send(), called("david"));
    // Nobody detects machines, and no key is pressed: the same.
    night.call(2, CallStatus::InProgress, None);
    night.call(2, CallStatus::Completed, None);
    assert_eq!(night.outcome(2), Some(Outcome::Completed));
    assert_eq!(night.send(), called("david"));
    assert_eq!(night.alert.state, State::Open);
}

#[test]
fn a_human_who_was_reached_is_given_the_wait() {
    let mut night = Night::opened(page());
    night.send();
    night.pass(SignedDuration::from_secs(20));
    night.call(1, CallStatus::InProgress, None);
    night.event(Event::KeyPressed { notification: night.id(1), key: '*' });
    night.call(1, CallStatus::Completed, None);
    assert_eq!(night.send(), []);
    night.tick();
    assert_eq!(night.now, "2026-11-02T03:05:00Z".parse().unwrap());
    assert_eq!(night.send(), called("david"));
    assert!(night.said("nobody acknowledged within 5m"));
}

#[test]
fn machine_detection_that_hears_a_human_gives_the_wait_and_does_not_acknowledge() {
    let mut night = Night::opened(page());
    night.send();
    night.call(1, CallStatus::Completed, Some(true));
    assert_eq!((night.alert.state, night.send()), (State::Open, vec![]));
    night.tick();
    assert_eq!(night.send(), called("david"));
}

#[test]
fn key_1_ends_it_for_ever() {
    let mut night = Night::opened(page());
    night.send();
    night.call(1, CallStatus::InProgress, None);
    night.event(acknowledge("david", Some(night.id(1))));
    assert_eq!(night.alert.state, State::Acknowledged);
    assert_eq!(night.alert.acknowledged_by.as_deref(), Some("David"));
    assert_eq!(night.commands, [], "the call in which the key was pressed is not hung up");
    night.call(1, CallStatus::Completed, None);
    for _ in 0..50 {
        night.pass(SignedDuration::from_mins(10));
        night.event(Event::Tick);
        assert_eq!(night.send(), []);
    }
    assert_eq!(night.alert.next_at, None);
}

#[test]
fn the_others_hang_up_and_are_told_who_has_it() {
    let everybody = Policy { steps: vec![step(Target::Group, &[Channel::Call], 1, 5)], ..page() };
    let mut night = Night::opened(everybody);
    assert_eq!(night.claim().len(), 3);
    night.accept(night.id(1));
    night.accept(night.id(2));
    night.event(acknowledge("david", Some(night.id(1))));
    let hung_up: Vec<_> =
        night.commands.iter().map(|Command::HangUp { notification, .. }| notification.number).collect();
    assert_eq!(hung_up, [2]);
    let words = "David has it".to_owned();
    assert_eq!(night.news(), [("darren".to_owned(), words.clone()), ("simon".to_owned(), words)]);
    assert_eq!(night.notification(5).to.as_str(), "+64211110013", "news goes to the number for texts");
    // Simon's call was on its way.
    night.accept(night.id(3));
    assert_eq!(night.commands.len(), 2);
    assert_eq!(night.outcome(3), Some(Outcome::Withdrawn));
}

#[test]
fn a_second_acknowledgement_changes_nothing() {
    let mut night = Night::opened(page());
    night.send();
    night.event(acknowledge("david", None));
    let before = night.alert.clone();
    night.pass(SignedDuration::from_mins(1));
    night.event(acknowledge("darren", None));
    assert_eq!(night.alert, before);
    assert!(night.said("also acknowledged by Darren (by key)"));
}

#[test]
fn a_text_that_did_not_arrive_leads_on_at_once() {
    let texts = Policy {
        steps: vec![step(Target::OnCall, &[Channel::Text], 1, 5), step(Target::OnCall, &[Channel::Call], 1, 5)],
        ..page()
    };
    let mut night = Night::opened(texts);
    assert_eq!(night.send(), [("david".to_owned(), Channel::Text)]);
    night.text(1, TextStatus::Sent);
    assert_eq!(night.send(), []);
    night.text(1, TextStatus::Undelivered);
    assert_eq!(night.send(), called("david"));
    assert!(night.said("did not reach the handset (30003 handset off); next"));
}

#[test]
fn a_text_that_arrived_is_given_the_wait() {
    let texts = Policy {
        steps: vec![step(Target::OnCall, &[Channel::Text], 1, 5), step(Target::OnCall, &[Channel::Call], 1, 5)],
        ..page()
    };
    let mut night = Night::opened(texts);
    night.send();
    night.text(1, TextStatus::Delivered);
    assert_eq!(night.send(), []);
    night.tick();
    assert_eq!((night.send(), night.now), (called("david"), "2026-11-02T03:05:00Z".parse().unwrap()));
}

#[test]
fn an_alert_that_nobody_can_be_told_of_waits_for_somebody() {
    let mut night = Night::new(page());
    night.alert.group = GroupId::new("empty");
    night.event(Event::Opened);
    assert!(night.said("step 1 (oncall) skipped: it names nobody"));
    assert_eq!((night.alert.state, night.send()), (State::Open, vec![]));
    night.alert.group = GroupId::new("dba");
    night.tick();
    assert_eq!(night.send(), called("david"));
}

#[test]
fn who_has_no_number_is_passed_over_and_who_lacks_one_gets_the_other() {
    let steps = vec![
        step(Target::Contact("mute".to_owned()), &[Channel::Call], 3, 5),
        step(Target::Contact("texter".to_owned()), &[Channel::Call, Channel::Text], 1, 5),
    ];
    let mut night = Night::opened(Policy { steps, ..page() });
    assert_eq!(night.send(), [("texter".to_owned(), Channel::Text)]);
    assert!(night.said("step 1 (contact:mute) skipped: nobody in it has a number"));
    assert!(night.said("Texter has no number for calls: texting instead"));
}

#[test]
fn key_2_calls_the_next_step_and_not_the_next_attempt() {
    let mut night = Night::opened(page());
    night.send();
    night.event(Event::Escalate { by: person("david"), within: Some(night.id(1)) });
    assert_eq!(night.send(), called("darren"));
    assert_eq!(night.commands, []);
    // Nobody follows the backup: what is going on goes on.
    night.event(Event::Escalate { by: person("darren"), within: Some(night.id(2)) });
    assert!(night.said("there is nobody further"));
    assert_eq!((night.alert.state, night.send()), (State::Open, vec![]));
    night.tick();
    assert_eq!(night.send(), called("darren"));
}

#[test]
fn key_2_does_not_lead_back_to_who_pressed_it() {
    let steps = vec![
        step(Target::OnCall, &[Channel::Text], 1, 5),
        step(Target::Contact("david".to_owned()), &[Channel::Call], 2, 5),
        step(Target::Backup, &[Channel::Call], 1, 5),
    ];
    let mut night = Night::opened(Policy { steps, ..page() });
    night.send();
    night.event(Event::Escalate { by: person("david"), within: None });
    assert_eq!(night.send(), called("darren"));
    assert!(night.said("step 2 (contact:david) skipped: only who asked is in it"));
}

#[test]
fn what_is_over_before_anybody_heard_of_it_is_over_silently() {
    let mut night = Night::opened(page());
    let rule = Actor { contact: None, name: "rule recovered".to_owned(), through: Through::Mail };
    night.event(Event::Resolve { by: rule.clone(), within: None });
    assert_eq!((night.alert.state, night.send()), (State::Resolved, vec![]));
    let mut night = Night::opened(page());
    night.send();
    night.event(Event::Resolve { by: rule, within: None });
    assert_eq!(night.news(), [("david".to_owned(), "over, says rule recovered".to_owned())]);
    assert_eq!(night.commands.len(), 1, "the call is hung up");
}

#[test]
fn an_older_alert_that_is_over_with_a_newer_one_tells_nobody() {
    let mut night = Night::opened(Policy { steps: vec![step(Target::Group, &[Channel::Text], 1, 5)], ..page() });
    night.send();
    night.event(acknowledge("david", None));
    assert_eq!(night.news().len(), 2);
    let by = Actor { contact: None, name: "rule up".to_owned(), through: Through::Mail };
    let why = super::super::NEWER_ALERT.to_owned();
    night.event(Event::ResolveQuietly { by: by.clone(), why: why.clone() });
    assert_eq!((night.alert.state, night.news()), (State::Resolved, vec![]));
    assert!(night.said("resolved by rule up (by mail), with a newer alert of the same key"));
    let lines = night.history.len();
    night.event(Event::ResolveQuietly { by, why });
    assert_eq!(night.history.len(), lines);
}

#[test]
fn newer_news_replaces_what_was_not_sent_yet() {
    let mut night = Night::opened(Policy { steps: vec![step(Target::Group, &[Channel::Text], 1, 5)], ..page() });
    night.send();
    night.event(acknowledge("david", None));
    assert_eq!(night.news().len(), 2);
    night.event(Event::Resolve { by: person("darren"), within: None });
    let told: Vec<_> = night.news().into_iter().map(|(name, words)| (name, words.starts_with("over"))).collect();
    assert_eq!(told, [("david".to_owned(), true), ("simon".to_owned(), true)]);
}

#[test]
fn a_human_who_takes_an_expired_alert_is_welcome() {
    let mut night = Night::opened(Policy { steps: vec![step(Target::OnCall, &[Channel::Text], 1, 5)], ..page() });
    night.send();
    night.tick();
    assert_eq!(night.alert.state, State::Expired);
    night.event(acknowledge("darren", None));
    assert_eq!((night.alert.state, night.alert.ended_at), (State::Acknowledged, None));
    let words = "Darren has it".to_owned();
    assert_eq!(night.news(), [("david".to_owned(), words.clone()), ("simon".to_owned(), words)]);
}

#[test]
fn a_mail_that_joins_never_rings() {
    let mut night = Night::opened(page());
    night.send();
    let before = night.alert.clone();
    night.pass(SignedDuration::from_hours(1));
    let recipients = vec!["dba@example.com".to_owned(), "ops@example.com".to_owned()];
    night.event(Event::Joined { recipients: recipients.clone(), subject: "Re: tablespace\nfull".to_owned() });
    assert_eq!(night.alert, Alert { mails: 2, recipients, ..before });
    assert!(night.said("mail 2 joined: Re: tablespace full"), "one line");
}
