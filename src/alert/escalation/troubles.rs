//! Nights in which something goes wrong: providers that refuse, callbacks out of order, senders that die, clocks.

use jiff::SignedDuration;

use super::night::{Night, acknowledge, called, page, permanent, person, step, temporary};
use super::*;
use crate::alert::{Channel, Delivery, Notification, Outcome, Policy, Purpose, State, Target};

#[test]
fn three_errors_of_the_provider_and_the_call_comes_after_them() {
    let mut night = Night::opened(page());
    let mut delays = Vec::new();
    for _ in 0..3 {
        let claimed = night.claim();
        assert_eq!(claimed.len(), 1);
        night.refuse(claimed[0].id, Refusal::Ambiguous { reason: "500".to_owned(), since: night.now });
        let Delivery::Due { at, unsure_since: Some(_) } = night.notification(1).delivery else { panic!("not due") };
        delays.push(at.duration_since(night.now).as_secs_f64());
        night.now = at;
    }
    assert_eq!(night.send(), called("david"));
    assert_eq!(night.alert.notifications.len(), 1, "it is the same call all the time");
    for (delay, plain) in delays.into_iter().zip([4.0, 8.0, 16.0]) {
        assert!((plain * 0.8..=plain * 1.2).contains(&delay), "{delay} for {plain}");
    }
}

#[test]
fn doubt_reaches_back_to_the_first_try() {
    let mut night = Night::opened(page());
    let first = night.now;
    let id = night.claim()[0].id;
    night.refuse(id, Refusal::Ambiguous { reason: "time-out".to_owned(), since: first });
    night.pass(SignedDuration::from_secs(10));
    night.claim();
    night.refuse(id, temporary("connection refused"));
    let doubt = |night: &Night| match night.notification(1).delivery {
        Delivery::Due { unsure_since, .. } => unsure_since,
        _ => None,
    };
    assert_eq!(doubt(&night), Some(first));
    night.pass(SignedDuration::from_secs(20));
    night.claim();
    night.refuse(id, Refusal::Ambiguous { reason: "time-out".to_owned(), since: night.now });
    assert_eq!(doubt(&night), Some(first));
}

#[test]
fn a_provider_that_asks_for_patience_gets_it_and_the_attempt_keeps_its_time() {
    let mut night = Night::opened(page());
    let id = night.claim()[0].id;
    let retry_after = Some(SignedDuration::from_hours(5));
    night.refuse(id, Refusal::Temporary { reason: "429".to_owned(), retry_after });
    let Delivery::Due { at, .. } = night.notification(1).delivery else { panic!("not due") };
    assert_eq!(at.duration_since(night.now), SignedDuration::from_mins(10));
    night.tick();
    assert_eq!(night.outcome(1), Some(Outcome::GaveUp));
    assert_eq!((night.send(), night.now), (called("david"), "2026-11-02T03:05:00Z".parse().unwrap()));
}

#[test]
fn a_bad_number_leads_to_the_other_channel_and_then_to_the_next() {
    let mut night = Night::opened(page());
    let id = night.claim()[0].id;
    night.refuse(id, permanent());
    assert!(night.said("texting David (+64211110001) instead"));
    let text = night.claim();
    assert_eq!(text[0].channel, Channel::Text);
    night.refuse(text[0].id, permanent());
    assert_eq!(night.send(), called("david"), "the second attempt, not the first channel again");
}

#[test]
fn refused_credentials_are_shouted_about() {
    let mut night = Night::opened(page());
    let id = night.claim()[0].id;
    night.refuse(id, Refusal::Credentials { reason: "20003".to_owned() });
    assert!(night.said("OUR CREDENTIALS WERE REFUSED"));
    let Delivery::Due { at, .. } = night.notification(1).delivery else { panic!("not due") };
    assert_eq!(at.duration_since(night.now), SignedDuration::from_secs(30));
}

#[test]
fn an_outage_is_sat_out_for_a_day() {
    let mut night = Night::opened(page());
    let mut pauses = Vec::new();
    while night.alert.state == State::Open {
        for claimed in night.claim() {
            night.refuse(claimed.id, temporary("connection refused"));
        }
        let before = night.alert.notifications.len();
        night.tick();
        if night.alert.notifications.len() == before {
            pauses.push(night.alert.next_at.map_or(0, |next| next.duration_since(night.now).as_mins()));
        }
    }
    let lasted = night.now.duration_since(night.alert.opened_at);
    assert!(lasted >= SignedDuration::from_hours(24) && lasted < SignedDuration::from_hours(26), "{lasted:#}");
    assert!(pauses.starts_with(&[1, 2, 4, 8, 16, 30, 30]), "{pauses:?}");
}

#[test]
fn a_call_in_doubt_at_the_end_of_a_policy_has_told_nobody() {
    let policy = Policy { steps: vec![step(Target::OnCall, &[Channel::Call], 2, 5)], ..page() };
    let mut night = Night::opened(policy);
    // The first is claimed by somebody who died over it, the second is refused.
    night.claim();
    night.pass(SignedDuration::from_mins(5));
    night.tick();
    while night.alert.progress.is_some_and(|progress| progress.round == 0) && night.alert.state == State::Open {
        for claimed in night.claim() {
            if claimed.id.number > 1 {
                night.refuse(claimed.id, permanent());
            }
        }
        night.tick();
    }
    assert_eq!(night.alert.state, State::Open, "{:#?}", night.alert);
    assert!(night.said("no provider has taken anything"));
}

#[test]
fn that_nobody_answered_is_told_when_the_provider_is_back_after_hours() {
    let policy = Policy { steps: vec![step(Target::OnCall, &[Channel::Call], 1, 5)], repeat: 0, ..page() };
    let mut night = Night::opened(policy);
    let id = night.claim()[0].id;
    night.accept(id);
    while night.alert.state == State::Open {
        night.tick();
    }
    for _ in 0..200 {
        for claimed in night.claim() {
            night.refuse(claimed.id, temporary("connection refused"));
        }
        night.pass(SignedDuration::from_mins(2));
    }
    let sent: Vec<Notification> = night.claim();
    assert!(!sent.is_empty() && sent.iter().all(|one| one.purpose == Purpose::News), "{sent:?}");
    assert_eq!(night.alert.state, State::Expired);
}

#[test]
fn an_outage_that_ends_is_followed_by_a_call() {
    let mut night = Night::opened(page());
    for _ in 0..12 {
        for claimed in night.claim() {
            night.refuse(claimed.id, temporary("connection refused"));
        }
        night.tick();
    }
    assert!(night.alert.progress.unwrap().round > 0);
    let pause_or_call = night.send();
    let sent = if pause_or_call.is_empty() {
        night.tick();
        night.send()
    } else {
        pause_or_call
    };
    assert_eq!(sent.len(), 1);
}

#[test]
fn numbers_refused_for_good_are_no_outage() {
    let mut night = Night::opened(page());
    for _ in 0..10 {
        for claimed in night.claim() {
            night.refuse(claimed.id, permanent());
        }
    }
    assert_eq!(night.alert.state, State::Expired);
}

#[test]
fn a_live_call_is_not_cut_short_by_the_next_one() {
    let mut night = Night::opened(Policy { steps: vec![step(Target::OnCall, &[Channel::Call], 2, 1)], ..page() });
    night.pass(SignedDuration::from_secs(50));
    night.send();
    night.call(1, CallStatus::InProgress, None);
    night.tick();
    assert_eq!(night.send(), []);
    night.pass(SignedDuration::from_secs(20));
    night.call(1, CallStatus::Completed, None);
    assert_eq!(night.send(), called("david"));
    // The second call's callbacks are lost: five minutes are enough.
    let accepted = night.now;
    night.tick();
    assert_eq!(night.send(), []);
    night.tick();
    assert_eq!(night.alert.state, State::Expired);
    assert_eq!(night.now.duration_since(accepted), SignedDuration::from_mins(5));
}

#[test]
fn a_call_that_nobody_sent_is_waited_for_once_more() {
    let mut night = Night::opened(page());
    night.pass(SignedDuration::from_hours(2));
    night.event(Event::Tick);
    assert!(night.said("nobody has sent it"));
    assert_eq!(night.send(), called("david"));
    assert_eq!(night.notification(1).attempt, 0);
    let mut night = Night::opened(page());
    night.tick();
    night.tick();
    assert_eq!(night.outcome(1), Some(Outcome::GaveUp));
}

#[test]
fn a_sender_that_died_does_not_hold_the_alert() {
    let mut night = Night::opened(page());
    night.claim();
    night.tick();
    assert_eq!(night.outcome(1), Some(Outcome::GaveUp));
    assert_eq!(night.send(), called("david"));
}

#[test]
fn callbacks_come_twice_late_and_in_any_order() {
    let mut night = Night::opened(page());
    let id = night.claim()[0].id;
    let status = |status, sequence| Event::CallStatus {
        notification: id,
        sequence: Some(sequence),
        status,
        human: None,
        detail: String::new(),
    };
    // The end of the call is told before the answer to our request was recorded.
    night.event(status(CallStatus::NoAnswer, 3));
    assert_eq!(night.outcome(1), Some(Outcome::NoAnswer));
    let after = night.alert.clone();
    night.event(status(CallStatus::Ringing, 1));
    night.event(status(CallStatus::NoAnswer, 3));
    assert_eq!(night.alert, after);
    night.accept(id);
    assert_eq!(night.outcome(1), Some(Outcome::NoAnswer));
    assert!(matches!(&night.notification(1).delivery, Delivery::Ended { provider_id: Some(id), .. } if id == "CA1"));
    night.refuse(id, permanent());
    assert_eq!(night.alert.notifications.len(), 2);
}

#[test]
fn a_key_pressed_before_the_answer_to_our_request_keeps_its_call() {
    let mut night = Night::opened(page());
    let id = night.claim()[0].id;
    night.event(acknowledge("david", Some(id)));
    night.accept(id);
    assert_eq!((night.alert.state, night.commands.len()), (State::Acknowledged, 0));
}

#[test]
fn an_older_status_does_not_replace_a_newer_one() {
    let mut night = Night::opened(page());
    night.send();
    night.call(1, CallStatus::InProgress, None);
    night.call(1, CallStatus::Ringing, None);
    let Delivery::Accepted { status, .. } = &night.notification(1).delivery else { panic!("not accepted") };
    assert_eq!(status, "in-progress");
}

#[test]
fn news_is_tried_five_times_and_never_holds_anything() {
    let mut night = Night::opened(page());
    night.send();
    night.event(acknowledge("darren", None));
    let mut tries = 0;
    while let [news] = night.claim()[..].to_vec().as_slice() {
        tries += 1;
        night.refuse(news.id, temporary("503"));
        if let Delivery::Due { at, .. } = night.notification(2).delivery {
            night.now = at;
        }
    }
    assert_eq!((tries, night.outcome(2)), (5, Some(Outcome::GaveUp)));
    assert_eq!((night.alert.state, night.alert.next_at), (State::Acknowledged, None));
}

#[test]
fn a_clock_that_goes_back_does_not_wedge_it() {
    let mut night = Night::opened(page());
    let claimed = night.claim();
    night.refuse(claimed[0].id, temporary("503"));
    night.now -= SignedDuration::from_hours(24 * 365);
    night.event(Event::Tick);
    assert!(night.said("the clock has gone back"));
    let wait = night.alert.next_at.unwrap().duration_since(night.now);
    assert!(wait <= SignedDuration::from_mins(5), "{wait:#}");
    assert_eq!(night.send(), called("david"));
}

#[test]
fn what_was_being_sent_when_the_clock_went_back_is_looked_for_before_that() {
    let mut night = Night::opened(page());
    night.claim();
    night.now -= SignedDuration::from_mins(4);
    night.event(Event::Tick);
    let Delivery::Claimed { since, unsure_since, .. } = night.notification(1).delivery else { panic!("not claimed") };
    assert_eq!(since, night.now);
    // Whoever has it may have sent it a moment before that: by the clock as it is now, minutes ago.
    assert_eq!(unsure_since, Some(night.now - SignedDuration::from_mins(10)));
}

#[test]
fn a_second_call_of_the_same_notification_is_hung_up() {
    let mut night = Night::opened(page());
    night.send();
    let notification = night.id(1);
    night.event(Event::Accepted { notification, provider: "twilio".to_owned(), provider_id: "CA99".to_owned() });
    let [Command::HangUp { provider_id, .. }] = night.commands.as_slice() else { panic!("not hung up") };
    assert_eq!(provider_id, "CA99");
}

/// Calls to the whole group, of which the provider has told nothing yet but that this one was answered by a human.
fn a_group_in_which_one_answers(number: u32) -> Night {
    let steps = vec![step(Target::Group, &[Channel::Call], 1, 5)];
    let mut night = Night::opened(Policy { steps, ..page() });
    assert_eq!(night.claim().len(), 3);
    night.call(number, CallStatus::InProgress, Some(true));
    night
}

#[test]
fn a_call_that_somebody_else_answers_is_hung_up_although_its_answer_came_before_its_acceptance() {
    let mut night = a_group_in_which_one_answers(2);
    let first = night.id(1);
    night.event(acknowledge("david", Some(first)));
    assert_eq!(night.alert.state, State::Acknowledged);
    let second = night.id(2);
    night.accept(second);
    let [Command::HangUp { notification, .. }] = night.commands.as_slice() else { panic!("{:?}", night.commands) };
    assert_eq!(*notification, second);
}

#[test]
fn the_call_in_which_they_took_it_is_left_alone_although_it_was_not_yet_recorded() {
    for resolve in [false, true] {
        let mut night = a_group_in_which_one_answers(1);
        let (first, by) = (night.id(1), person("david"));
        let within = Some(first);
        night.event(if resolve { Event::Resolve { by, within } } else { Event::Acknowledge { by, within } });
        night.accept(first);
        assert_eq!((night.outcome(1), night.commands.as_slice()), (Some(Outcome::Completed), [].as_slice()));
        assert!(!night.said("the call to David (+64211110001) was withdrawn"));
    }
}

#[test]
fn a_call_whose_time_was_up_while_it_was_placed_is_hung_up_when_somebody_has_it() {
    let mut night = Night::opened(page());
    let late = night.claim()[0].id;
    night.tick();
    assert_eq!(night.outcome(1), Some(Outcome::GaveUp));
    night.accept(late);
    assert_eq!(night.commands, [], "nobody has it yet: let it ring");
    night.event(acknowledge("darren", None));
    let [Command::HangUp { notification, provider, provider_id }] = night.commands.as_slice() else {
        panic!("{:?}", night.commands)
    };
    assert_eq!((*notification, provider.as_str(), provider_id.as_str()), (late, "twilio", "CA1"));
    // What rang an hour ago rings no more.
    let mut night = Night::opened(page());
    night.claim();
    night.tick();
    night.accept(late);
    night.pass(SignedDuration::from_hours(1));
    night.event(acknowledge("darren", None));
    assert_eq!(night.commands, []);
}
