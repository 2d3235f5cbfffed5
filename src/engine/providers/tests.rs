use std::collections::VecDeque;

use jiff::SignedDuration;

use super::*;
use crate::clock::SystemClock;
use crate::oncall::Phone;
use crate::provider::{Found, Inbound, Records, Texts};

/// A provider that answers what it was told to, the last again and again, and counts.
struct Scripted {
    name: &'static str,
    lists: bool,
    answers: Mutex<VecDeque<Result<String, Refusal>>>,
}

impl Provider for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn texts(&self) -> Option<&dyn Texts> {
        Some(self)
    }

    fn records(&self) -> Option<&dyn Records> {
        self.lists.then_some(self as &dyn Records)
    }
}

impl Texts for Scripted {
    fn text(&self, _: &Text) -> Result<String, Refusal> {
        let mut answers = self.answers.lock().unwrap();
        let answer = answers.pop_front().unwrap();
        if answers.is_empty() {
            answers.push_back(answer.clone());
        }
        answer
    }
}

impl Records for Scripted {
    fn find(&self, _: Channel, _: &Phone, _: Timestamp) -> Result<Vec<Found>, Refusal> {
        Ok(Vec::new())
    }

    fn inbound(&self, _: Timestamp) -> Result<Vec<Inbound>, Refusal> {
        Ok(Vec::new())
    }
}

/// A clock that stands still until it is moved.
struct Still(Mutex<Timestamp>);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[allow(clippy::unnecessary_wraps)]
fn took() -> Result<String, Refusal> {
    Ok("id".to_owned())
}

fn temporary() -> Result<String, Refusal> {
    Err(Refusal::Temporary { reason: "429".to_owned(), retry_after: None })
}

fn ambiguous() -> Result<String, Refusal> {
    Err(Refusal::Ambiguous { reason: "time-out".to_owned(), since: Timestamp::UNIX_EPOCH })
}

fn credentials() -> Result<String, Refusal> {
    Err(Refusal::Credentials { reason: "401".to_owned() })
}

fn permanent() -> Result<String, Refusal> {
    Err(Refusal::Permanent { reason: "bad number".to_owned() })
}

fn scripted(name: &'static str, lists: bool, answers: &[Result<String, Refusal>]) -> Box<dyn Provider> {
    Box::new(Scripted { name, lists, answers: Mutex::new(answers.iter().cloned().collect()) })
}

/// Gives a text to the providers; who was tried, and who took it.
fn give(providers: &Providers, clock: &dyn Clock, doubts: &[&str]) -> (Vec<String>, Option<String>) {
    let text = Text { to: "+64211110001".parse().unwrap(), body: "x".to_owned(), status_url: None };
    let tried = Mutex::new(Vec::new());
    let send = |provider: &dyn Provider| {
        tried.lock().unwrap().push(provider.name().to_owned());
        send_text(provider, &text)
    };
    let doubts: Vec<String> = doubts.iter().map(|name| (*name).to_owned()).collect();
    let carried = providers.carry(Channel::Text, clock, (&doubts, &[]), &send);
    let taken = carried.outcome.ok().map(|(name, _)| name);
    (tried.into_inner().unwrap(), taken)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_was_not_sent_goes_to_the_next_at_once_and_what_is_refused_for_good_does_not() {
    for (first, tried, taken) in [
        (temporary(), vec!["a", "b"], Some("b")),
        (credentials(), vec!["a", "b"], Some("b")),
        (permanent(), vec!["a"], None),
        (took(), vec!["a"], Some("a")),
    ] {
        let providers =
            Providers::new(vec![scripted("a", true, std::slice::from_ref(&first)), scripted("b", true, &[took()])]);
        assert_eq!(give(&providers, &SystemClock, &[]), (names(&tried), taken.map(str::to_owned)), "{first:?}");
    }
}

#[test]
fn a_doubt_stays_where_it_can_be_asked_about_and_else_the_next_is_tried() {
    let with = |lists| Providers::new(vec![scripted("a", lists, &[ambiguous()]), scripted("b", true, &[took()])]);
    assert_eq!(give(&with(true), &SystemClock, &[]), (names(&["a"]), None));
    assert_eq!(give(&with(false), &SystemClock, &[]), (names(&["a", "b"]), Some("b".to_owned())));
}

#[test]
fn whoever_may_have_it_is_tried_after_the_others_and_twice_at_most() {
    let providers = || Providers::new(vec![scripted("a", false, &[took()]), scripted("b", true, &[temporary()])]);
    assert_eq!(give(&providers(), &SystemClock, &["a"]).0, ["b", "a"]);
    assert_eq!(give(&providers(), &SystemClock, &["a", "a"]).0, ["b"]);
    // One that can be asked was asked before, and has it not.
    assert_eq!(give(&providers(), &SystemClock, &["b", "b", "b"]).0, ["a"]);
    let alone = Providers::new(vec![scripted("a", false, &[took()])]);
    let clock = SystemClock;
    let text = |_: &dyn Provider| took();
    let doubts = names(&["a", "a"]);
    let outcome = alone.carry(Channel::Text, &clock, (&doubts, &[]), &text).outcome;
    let Err((_, Refusal::Permanent { reason })) = outcome else { panic!("it was sent a third time") };
    assert_eq!(reason, "it may have been sent by a, which cannot be asked: not sent a third time");
}

#[test]
fn of_several_refusals_the_doubt_decides_then_the_pause_then_the_credentials() {
    let decides = |answers: [Result<String, Refusal>; 2]| {
        let [a, b] = answers;
        let providers = Providers::new(vec![scripted("a", false, &[a]), scripted("b", false, &[b])]);
        let text = Text { to: "+64211110001".parse().unwrap(), body: "x".to_owned(), status_url: None };
        let carried = providers.carry(Channel::Text, &SystemClock, (&[], &[]), &|provider| send_text(provider, &text));
        let passed: Vec<String> = carried.passed_over.into_iter().map(|(name, _)| name).collect();
        (carried.outcome.unwrap_err().0, passed)
    };
    assert_eq!(decides([ambiguous(), temporary()]), ("a".to_owned(), names(&["b"])));
    assert_eq!(decides([credentials(), temporary()]), ("b".to_owned(), names(&["a"])));
    assert_eq!(decides([temporary(), credentials()]), ("a".to_owned(), names(&["b"])));
}

#[test]
fn one_that_fails_again_and_again_is_passed_over_but_never_the_last_one_left() {
    let clock = Still(Mutex::new("2026-11-02T02:00:00Z".parse().unwrap()));
    let a = [temporary(), temporary(), temporary(), temporary(), took()];
    let providers = Providers::new(vec![scripted("a", true, &a), scripted("b", true, &[took()])]);
    for _ in 0..3 {
        assert_eq!(give(&providers, &clock, &[]).0, ["a", "b"]);
    }
    assert_eq!(give(&providers, &clock, &[]).0, ["b"], "three failures in a row");
    *clock.0.lock().unwrap() += SignedDuration::from_secs(30);
    assert_eq!(give(&providers, &clock, &[]).0, ["a", "b"], "the probe fails");
    *clock.0.lock().unwrap() += SignedDuration::from_secs(30);
    assert_eq!(give(&providers, &clock, &[]).0, ["b"], "for longer now");
    *clock.0.lock().unwrap() += SignedDuration::from_secs(30);
    assert_eq!(give(&providers, &clock, &[]).0, ["a"], "the probe works");
    assert_eq!(give(&providers, &clock, &[]).0, ["a"]);

    let alone = Providers::new(vec![scripted("a", true, &[temporary()])]);
    for _ in 0..6 {
        assert_eq!(give(&alone, &clock, &[]).0, ["a"]);
    }
    let both = Providers::new(vec![scripted("a", true, &[temporary()]), scripted("b", true, &[temporary()])]);
    for _ in 0..6 {
        let mut tried = give(&both, &clock, &[]).0;
        tried.sort();
        assert_eq!(tried, ["a", "b"]);
    }
}

#[test]
fn refused_credentials_are_an_alarm_until_they_work() {
    let providers = Providers::new(vec![scripted("a", true, &[credentials(), took()]), scripted("b", true, &[took()])]);
    give(&providers, &SystemClock, &[]);
    assert_eq!(providers.alarms(), ["a refuses our credentials: 401"]);
    give(&providers, &SystemClock, &[]);
    assert_eq!(providers.alarms(), Vec::<String>::new());
}
