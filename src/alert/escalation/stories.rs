//! Nights told one by one, with a clock that is moved.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::alert::{
    AlertId, Channel, Code, Delivery, Digest, Notification, Outcome, Policy, Purpose, State, Step, Target, Through,
};
use crate::oncall::{Contact, ContactId, Group, GroupId, OnCall};

/// A night: an alert, its history, and a clock.
pub(super) struct Night {
    pub alert: Alert,
    pub roster: Roster,
    pub now: Timestamp,
    pub history: Vec<Entry>,
    pub commands: Vec<Command>,
    dice: u128,
}

pub(super) fn contact(name: &str, phone: Option<&str>, sms: Option<&str>) -> Contact {
    let mut shown = name.to_owned();
    shown.get_mut(..1).unwrap().make_ascii_uppercase();
    Contact {
        id: ContactId::new(name),
        name: shown,
        phone: phone.map(|phone| phone.parse().unwrap()),
        sms: sms.map(|sms| sms.parse().unwrap()),
        email: None,
    }
}

pub(super) fn step(notify: Target, by: &[Channel], attempts: u32, minutes: i64) -> Step {
    Step { notify, by: by.to_vec(), attempts, wait: SignedDuration::from_mins(minutes) }
}

pub(super) fn roster() -> Roster {
    let mut roster = Roster::default();
    for contact in [
        contact("david", Some("+64211110001"), None),
        contact("darren", Some("+64211110002"), None),
        contact("simon", Some("+64211110003"), Some("+64211110013")),
        contact("texter", None, Some("+64211110004")),
        contact("mute", None, None),
    ] {
        roster.contacts.insert(contact.id.clone(), contact);
    }
    let ids = |names: &[&str]| names.iter().map(|name| ContactId::new(*name)).collect();
    let group = |name: &str, members: Vec<ContactId>, backup| Group {
        id: GroupId::new(name),
        name: name.to_owned(),
        on_call: OnCall::Fixed(members.first().cloned().unwrap_or_else(|| ContactId::new("nobody"))),
        members,
        backup,
        policy: None,
    };
    roster.groups = BTreeMap::from([
        (GroupId::new("dba"), group("dba", ids(&["david", "darren", "simon"]), ids(&["darren"]))),
        (GroupId::new("empty"), group("empty", Vec::new(), Vec::new())),
    ]);
    roster
}

/// The policy of the examples: calls to the one on call, then to the backup.
fn page() -> Policy {
    Policy {
        name: "page".to_owned(),
        steps: vec![step(Target::OnCall, &[Channel::Call], 3, 5), step(Target::Backup, &[Channel::Call], 2, 5)],
        repeat: 0,
    }
}

impl Night {
    pub fn new(policy: Policy) -> Self {
        let now: Timestamp = "2026-11-02T03:00:00Z".parse().unwrap();
        let alert = Alert {
            id: AlertId(7),
            code: Code("7K".to_owned()),
            state: State::Open,
            digest: Digest::of(["dba", "tablespace"]),
            key: "tablespace".to_owned(),
            group: GroupId::new("dba"),
            rule: "oracle".to_owned(),
            recipients: vec!["dba@example.com".to_owned()],
            subject: "tablespace full".to_owned(),
            say: "tablespace full".to_owned(),
            text: "tablespace full".to_owned(),
            policy,
            opened_at: now,
            window_until: now + SignedDuration::from_hours(1),
            mails: 1,
            acknowledged_at: None,
            acknowledged_by: None,
            ended_at: None,
            progress: None,
            next_at: None,
            notifications: Vec::new(),
        };
        Self { alert, roster: roster(), now, history: Vec::new(), commands: Vec::new(), dice: 0 }
    }

    pub fn opened(policy: Policy) -> Self {
        let mut night = Self::new(policy);
        night.event(Event::Opened);
        night
    }

    pub fn event(&mut self, event: Event) {
        let dice = &mut self.dice;
        let mut random = || {
            *dice += 1;
            // Any odd factor makes all of them differ.
            dice.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        };
        let mut context = Context { now: self.now, roster: &self.roster, random: &mut random };
        let change = escalate(self.alert.clone(), event, &mut context);
        self.alert = change.alert;
        self.history.extend(change.history);
        self.commands.extend(change.commands);
    }

    pub fn pass(&mut self, span: SignedDuration) {
        self.now += span;
    }

    /// Moves the clock to where the alert wants a tick, and ticks.
    pub fn tick(&mut self) {
        self.now = self.now.max(self.alert.next_at.expect("somebody waits"));
        self.event(Event::Tick);
    }

    /// Claims what is due, as the store does; returns what was claimed.
    pub fn claim(&mut self) -> Vec<Notification> {
        let now = self.now;
        let mut claimed = Vec::new();
        for notification in &mut self.alert.notifications {
            let unsure_since = match notification.delivery {
                Delivery::Due { at, unsure_since } if at <= now => unsure_since,
                Delivery::Claimed { since, until, unsure_since, .. } if until <= now => {
                    Some(unsure_since.unwrap_or(since))
                }
                _ => continue,
            };
            notification.tries += 1;
            let until = now + SignedDuration::from_mins(1);
            notification.delivery = Delivery::Claimed { by: "test".to_owned(), since: now, until, unsure_since };
            claimed.push(notification.clone());
        }
        claimed
    }

    /// Claims what is due, and the provider takes it; returns whom by what.
    pub fn send(&mut self) -> Vec<(String, Channel)> {
        let claimed = self.claim();
        for notification in &claimed {
            self.accept(notification.id);
        }
        claimed.into_iter().map(|n| (n.contact.to_string(), n.channel)).collect()
    }

    pub fn accept(&mut self, id: NotificationId) {
        self.event(Event::Accepted {
            notification: id,
            provider: "twilio".to_owned(),
            provider_id: format!("CA{}", id.number),
        });
    }

    fn refuse(&mut self, id: NotificationId, refusal: Refusal) {
        self.event(Event::NotAccepted { notification: id, refusal });
    }

    fn call(&mut self, number: u32, status: CallStatus, human: Option<bool>) {
        let notification = self.id(number);
        self.event(Event::CallStatus { notification, sequence: None, status, human, detail: String::new() });
    }

    fn text(&mut self, number: u32, status: TextStatus) {
        let notification = self.id(number);
        self.event(Event::TextStatus { notification, status, detail: "30003 handset off".to_owned() });
    }

    pub fn id(&self, number: u32) -> NotificationId {
        NotificationId { alert: self.alert.id, number }
    }

    fn notification(&self, number: u32) -> &Notification {
        self.alert.notifications.iter().find(|n| n.id.number == number).expect("there is such a notification")
    }

    fn outcome(&self, number: u32) -> Option<Outcome> {
        match self.notification(number).delivery {
            Delivery::Ended { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    fn said(&self, words: &str) -> bool {
        self.history.iter().any(|entry| entry.text.contains(words))
    }

    fn news(&self) -> Vec<(String, String)> {
        let news = self.alert.notifications.iter().filter(|n| n.purpose == Purpose::News && n.is_unsent());
        news.map(|n| (n.contact.to_string(), n.words.clone().unwrap())).collect()
    }
}

pub(super) fn person(name: &str) -> Actor {
    let mut shown = name.to_owned();
    shown.get_mut(..1).unwrap().make_ascii_uppercase();
    Actor { contact: Some(ContactId::new(name)), name: shown, through: Through::Key }
}

fn acknowledge(name: &str, within: Option<NotificationId>) -> Event {
    Event::Acknowledge { by: person(name), within }
}

fn called(name: &str) -> Vec<(String, Channel)> {
    vec![(name.to_owned(), Channel::Call)]
}

fn temporary(reason: &str) -> Refusal {
    Refusal::Temporary { reason: reason.to_owned(), retry_after: None }
}

fn permanent() -> Refusal {
    Refusal::Permanent { reason: "21211 bad number".to_owned() }
}

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
    let words = "David has it: tablespace full".to_owned();
    assert_eq!(night.news(), [("darren".to_owned(), words.clone()), ("simon".to_owned(), words)]);
    assert_eq!(night.notification(5).number.as_str(), "+64211110013", "news goes to the number for texts");
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
    assert!(
        matches!(night.notification(1).delivery, Delivery::Due { unsure_since: Some(since), .. } if since == first)
    );
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
fn an_older_status_does_not_replace_a_newer_one() {
    let mut night = Night::opened(page());
    night.send();
    night.call(1, CallStatus::InProgress, None);
    night.call(1, CallStatus::Ringing, None);
    let Delivery::Accepted { status, .. } = &night.notification(1).delivery else { panic!("not accepted") };
    assert_eq!(status, "in-progress");
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
    assert_eq!(night.news(), [("david".to_owned(), "over, says rule recovered: tablespace full".to_owned())]);
    assert_eq!(night.commands.len(), 1, "the call is hung up");
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
fn a_human_who_takes_an_expired_alert_is_welcome() {
    let mut night = Night::opened(Policy { steps: vec![step(Target::OnCall, &[Channel::Text], 1, 5)], ..page() });
    night.send();
    night.tick();
    assert_eq!(night.alert.state, State::Expired);
    night.event(acknowledge("darren", None));
    assert_eq!((night.alert.state, night.alert.ended_at), (State::Acknowledged, None));
    assert_eq!(night.news().len(), 1);
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
fn a_second_call_of_the_same_notification_is_hung_up() {
    let mut night = Night::opened(page());
    night.send();
    let notification = night.id(1);
    night.event(Event::Accepted { notification, provider: "twilio".to_owned(), provider_id: "CA99".to_owned() });
    let [Command::HangUp { provider_id, .. }] = night.commands.as_slice() else { panic!("not hung up") };
    assert_eq!(provider_id, "CA99");
}
