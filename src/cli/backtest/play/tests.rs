use jiff::civil::time;

use super::*;
use crate::alert::{Policy, Step, Target};
use crate::oncall::rotation::{Rotation, Turn};
use crate::oncall::{Contact, Group, HandOff, OnCall};

const START: &str = "2026-11-02T00:00:00Z";

fn id(name: &str) -> ContactId {
    ContactId::new(name)
}

/// David, Darren and their group: daily turns from noon.
fn roster() -> Roster {
    let mut roster = Roster::default();
    for name in ["david", "darren"] {
        let contact = Contact {
            id: id(name),
            name: name.to_owned(),
            phone: None,
            sms: None,
            email: None,
            language: None,
            voice: None,
        };
        roster.contacts.insert(id(name), contact);
    }
    let members = vec![id("david"), id("darren")];
    let turns = Rotation {
        every: Turn::Days(1),
        hand_offs: vec![HandOff { weekday: None, time: time(12, 0, 0, 0) }],
        time_zone: jiff::tz::TimeZone::UTC,
        start: jiff::civil::date(2026, 11, 1),
    };
    let group = Group {
        id: GroupId::new("dba"),
        name: "DBA".to_owned(),
        on_call: OnCall::turns(&members, turns),
        members,
        backup: vec![id("darren")],
        policy: None,
    };
    roster.groups.insert(GroupId::new("dba"), group);
    roster
}

/// Three calls to the one on call every five minutes, then one to the backup: 20 minutes in all.
fn policy() -> Policy {
    let step = |notify, attempts| Step {
        notify,
        by: vec![Channel::Call],
        attempts,
        wait: SignedDuration::from_mins(5),
        ..Step::default()
    };
    Policy {
        name: "page".to_owned(),
        steps: vec![step(Target::OnCall, 3), step(Target::Backup, 1)],
        repeat: 0,
        ..Policy::default()
    }
}

/// A mail, so many minutes after the start: action, key, and by which Message-ID it is known.
fn mail<'c>(policy: &'c Policy, minute: i64, action: Action, key: &str, id: &str) -> Judged<'c> {
    let at = START.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute);
    let ask = Ask {
        action,
        rule: Some("down"),
        group: GroupId::new("dba"),
        policy,
        key: key.to_owned(),
        digest: Digest::of([key]),
        other_digests: Vec::new(),
        over: Vec::new(),
        mail: Digest::of([id]),
        sent_at: None,
        window: SignedDuration::from_hours(1),
        recipients: vec!["ops@example.com".to_owned()],
        words: None,
    };
    Judged {
        at,
        file: 0,
        number: 0,
        subject: String::new(),
        asks: vec![ask],
        problems: Vec::new(),
        other: Vec::new(),
        other_problems: Vec::new(),
    }
}

fn stage<'c>(roster: &'c Roster, patience: Option<i64>, limits: &'c Limits) -> Stage<'c> {
    let acknowledged_after = patience.map(SignedDuration::from_mins);
    Stage { roster, acknowledged_after, limits, recipient: &|_| None, webhooks: false }
}

/// Plays mails given as minute, action, key, Message-ID; tells minute, mails, calls and end of each alert.
fn outcome(patience: Option<i64>, mails: &[(i64, Action, &str, &str)]) -> Vec<(i64, u32, usize, State)> {
    let (policy, roster) = (policy(), roster());
    let mails: Vec<Judged<'_>> =
        mails.iter().map(|(minute, action, key, id)| mail(&policy, *minute, *action, key, id)).collect();
    let limits = Limits::default();
    let stage = stage(&roster, patience, &limits);
    let played = play(&stage, &mails, |mail| &mail.asks);
    let start: Timestamp = START.parse().unwrap();
    let minute = |at: Timestamp| at.duration_since(start).as_mins();
    played
        .alerts
        .iter()
        .map(|alert| (minute(alert.at), alert.mails, alert.count(Channel::Call), alert.final_state()))
        .collect()
}

use Action::{Acknowledge, Page, Resolve};
use State::{Acknowledged, Expired, Resolved};

#[test]
fn mails_of_one_key_join_within_the_window_and_open_again_after_it() {
    // It begins when somebody takes it.
    let mails = [(0, Page, "a", "1"), (30, Page, "a", "2"), (64, Page, "a", "3"), (65, Page, "a", "4")];
    assert_eq!(outcome(Some(5), &mails), [(0, 3, 1, Acknowledged), (65, 1, 1, Acknowledged)]);
}

#[test]
fn the_same_mail_joins_itself_whenever_it_comes() {
    let mails = [(0, Page, "a", "1"), (1, Page, "b", "1"), (600, Page, "a", "1")];
    assert_eq!(outcome(Some(5), &mails), [(0, 1, 1, Acknowledged)]);
}

#[test]
fn who_takes_longer_is_called_more_often() {
    let mails = [(0, Page, "a", "1")];
    assert_eq!(outcome(Some(0), &mails), [(0, 1, 1, Acknowledged)]);
    assert_eq!(outcome(Some(6), &mails), [(0, 1, 2, Acknowledged)]);
    assert_eq!(outcome(Some(16), &mails), [(0, 1, 4, Acknowledged)]);
    // The policy ends after 20 minutes.
    assert_eq!(outcome(Some(20), &mails), [(0, 1, 4, Expired)]);
    assert_eq!(outcome(None, &mails), [(0, 1, 4, Expired)]);
}

#[test]
fn an_alert_that_played_to_its_end_takes_in_no_more() {
    let mails = [(0, Page, "a", "1"), (19, Page, "a", "2"), (20, Page, "a", "3")];
    assert_eq!(outcome(None, &mails), [(0, 2, 4, Expired), (20, 1, 4, Expired)]);
}

#[test]
fn a_resolve_ends_the_calls_and_the_next_mail_opens_again() {
    let mails = [(0, Page, "a", "1"), (7, Resolve, "a", "2"), (8, Page, "a", "3"), (9, Resolve, "b", "4")];
    assert_eq!(outcome(Some(15), &mails), [(0, 1, 2, Resolved), (8, 1, 3, Acknowledged)]);
    // Also long after it was acknowledged.
    let mails = [(0, Page, "a", "1"), (500, Resolve, "a", "2"), (501, Page, "a", "3")];
    assert_eq!(outcome(Some(5), &mails), [(0, 1, 1, Resolved), (501, 1, 1, Acknowledged)]);
}

#[test]
fn a_recovery_closes_once_and_nothing_that_is_newer_than_itself() {
    let mails = [(0, Page, "a", "1"), (1, Resolve, "a", "2"), (2, Page, "a", "3"), (3, Resolve, "a", "2")];
    assert_eq!(outcome(Some(5), &mails), [(0, 1, 1, Resolved), (2, 1, 1, Acknowledged)]);
    let (policy, roster) = (policy(), roster());
    let limits = Limits::default();
    let stage = stage(&roster, Some(5), &limits);
    let mut mails = [mail(&policy, 0, Page, "a", "1"), mail(&policy, 1, Resolve, "a", "2")];
    for (mail, second) in mails.iter_mut().zip([10, 9]) {
        mail.asks[0].sent_at = Timestamp::from_second(second).ok();
    }
    assert_eq!(play(&stage, &mails, |mail| &mail.asks).alerts[0].final_state(), Acknowledged);
}

#[test]
fn an_acknowledgement_by_mail_ends_the_calls() {
    let mails = [(0, Page, "a", "1"), (6, Acknowledge, "a", "2"), (7, Page, "a", "3")];
    assert_eq!(outcome(None, &mails), [(0, 2, 2, Acknowledged)]);
}

#[test]
fn who_is_on_call_is_looked_up_at_the_time_of_each_call() {
    let (policy, roster) = (policy(), roster());
    let limits = Limits::default();
    let stage = stage(&roster, None, &limits);
    let mails = [mail(&policy, 12 * 60 - 6, Page, "a", "1")];
    let played = play(&stage, &mails, |mail| &mail.asks);
    let who: Vec<&str> = played.alerts[0].notifications.iter().map(|one| one.contact.as_str()).collect();
    assert_eq!(who, ["david", "david", "darren", "darren"]);
}

#[test]
fn a_group_with_nobody_keeps_its_alert_and_tells_nobody() {
    let (policy, mut roster) = (policy(), roster());
    roster.groups.clear();
    let limits = Limits::default();
    let stage = stage(&roster, Some(5), &limits);
    let mails = [mail(&policy, 0, Page, "a", "1"), mail(&policy, 1, Page, "a", "2")];
    let played = play(&stage, &mails, |mail| &mail.asks);
    assert_eq!((played.alerts.len(), played.alerts[0].contact(), played.joined), (1, None, 1));
}

fn limits(count: u32, minutes: i64) -> Limits {
    let windows = || Some(vec![Window::minutes(count, minutes)]);
    Limits { everybody: crate::alert::limit::Windows { call: windows(), text: windows() }, ..Limits::default() }
}

/// So many different alerts at each of these minutes: who is told of each by itself, and with another one, when.
fn storm(stage: &Stage<'_>, minutes: &[i64]) -> Vec<(Vec<i64>, Vec<i64>, State)> {
    let policy = policy();
    let names: Vec<String> = (0..minutes.len()).map(|n| n.to_string()).collect();
    let mails: Vec<Judged<'_>> =
        minutes.iter().zip(&names).map(|(minute, name)| mail(&policy, *minute, Page, name, name)).collect();
    let played = play(stage, &mails, |mail| &mail.asks);
    let start: Timestamp = START.parse().unwrap();
    let seconds = |alert: &Alert<'_>, all: &[Notification]| {
        all.iter().map(|one| (alert.at + one.after).duration_since(start).as_secs() / 60).collect()
    };
    let told =
        |alert: &Alert<'_>| (seconds(alert, &alert.notifications), seconds(alert, &alert.folded), alert.final_state());
    played.alerts.iter().map(told).collect()
}

#[test]
fn a_storm_is_told_by_as_many_as_the_limit_lets_through_and_one_more_and_the_rest_with_the_next() {
    let (roster, limits) = (roster(), limits(2, 15));
    let told = storm(&stage(&roster, Some(10), &limits), &[0, 0, 0, 0, 0, 0]);
    // Two and the one that tells of the storm; the others are held for five minutes, as nobody has woken up, and go to
    // Darren, who is next, at once.
    assert_eq!(told.iter().filter(|(own, ..)| own.first() == Some(&0)).count(), 6, "{told:?}");
    let by_itself = |told: &[(Vec<i64>, Vec<i64>, State)]| told.iter().map(|(own, ..)| own.len()).sum::<usize>();
    assert!(told.iter().all(|(own, folded, state)| !(own.is_empty() && folded.is_empty()) && *state == Acknowledged));
    assert!(told.iter().any(|(_, folded, _)| !folded.is_empty()), "{told:?}");
    // Without limits each alert rings by itself, twice before somebody takes it.
    let none = Limits::default();
    let rung = storm(&stage(&roster, Some(10), &none), &[0, 0, 0, 0, 0, 0]);
    assert_eq!(by_itself(&rung), 12);
    assert!(by_itself(&told) < 12, "{told:?}");
}

#[test]
fn every_alert_of_a_storm_is_told_whoever_sleeps() {
    let (roster, limits) = (roster(), limits(1, 60));
    for patience in [None, Some(0), Some(7), Some(600)] {
        let minutes: Vec<i64> = (0..300).map(|n| n / 7).collect();
        let told = storm(&stage(&roster, patience, &limits), &minutes);
        assert!(told.iter().all(|(own, folded, _)| !(own.is_empty() && folded.is_empty())), "{patience:?}");
        assert!(told.iter().all(|(.., state)| *state != State::Open), "{patience:?}");
    }
}

#[test]
fn a_call_that_rings_takes_others_along_where_it_asks_for_its_words() {
    let (roster, limits) = (roster(), Limits::default());
    let ringing = Stage { webhooks: true, ..stage(&roster, Some(5), &limits) };
    let told = storm(&ringing, &[0, 0, 0, 1]);
    let expected = [(vec![0], vec![]), (vec![], vec![0]), (vec![], vec![0]), (vec![1], vec![])];
    assert_eq!(told.into_iter().map(|(own, folded, _)| (own, folded)).collect::<Vec<_>>(), expected);
}

#[test]
fn a_recipient_has_a_limit_of_its_own() {
    let (roster, limits) = (roster(), Limits::default());
    let recipient = |address: &str| (address == "ops@example.com").then(|| Window::minutes(2, 15));
    let stage = Stage { recipient: &recipient, ..stage(&roster, Some(1), &limits) };
    let told = storm(&stage, &[0, 2, 4, 6, 20]);
    // The fourth is held back from both, and told when all but one of the three before it have left the window.
    assert_eq!(told[3].0.iter().chain(&told[3].1).min(), Some(&17), "{told:?}");
}
