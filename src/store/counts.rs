//! What has been counted since the store was made, and how things stand now: for whoever watches us, and for the page of
//! the rules.

use jiff::{SignedDuration, Timestamp};

use super::Result;
use crate::alert::{Decision, State};

/// What is counted. What is forgotten stays counted: these never go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// Mails that a rule or a recipient wanted, by what became of them ([`Decision::word`]).
    Mails,
    /// Alerts, by how they went: `opened`, `acknowledged`, `resolved`, `expired`, `reopened`.
    Alerts,
    /// Calls, texts and mails that have ended, by channel, provider (empty: there was none) and outcome. What another one told
    /// of is none of its own.
    Attempts,
    /// Alerts that were acknowledged within so many seconds, `+Inf` at last: each contains those before it.
    AcknowledgedWithin,
    /// How many milliseconds it took in all until they were.
    AcknowledgedMilliseconds,
}

impl Series {
    const ALL: [Self; 5] =
        [Self::Mails, Self::Alerts, Self::Attempts, Self::AcknowledgedWithin, Self::AcknowledgedMilliseconds];

    /// Its name in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mails => "mails",
            Self::Alerts => "alerts",
            Self::Attempts => "attempts",
            Self::AcknowledgedWithin => "acknowledged-within",
            Self::AcknowledgedMilliseconds => "acknowledged-ms",
        }
    }

    /// The series of this name.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|series| series.word() == word)
    }
}

/// The bounds of [`Series::AcknowledgedWithin`], in seconds; beyond the last is `+Inf`.
pub const BOUNDS: [u32; 9] = [30, 60, 120, 300, 600, 900, 1800, 3600, 14_400];

/// The last bound.
pub const BEYOND: &str = "+Inf";

/// The least bound within which this is.
pub fn bound(took: SignedDuration) -> String {
    let within = BOUNDS.iter().find(|bound| took <= SignedDuration::from_secs(i64::from(**bound)));
    within.map_or_else(|| BEYOND.to_owned(), ToString::to_string)
}

/// The words of [`Series::Alerts`].
pub const WAYS: [&str; 5] = ["opened", "acknowledged", "resolved", "expired", "reopened"];

/// How often something has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// What is counted.
    pub series: Series,
    /// Of which kind, as the series says; what it does not need is empty.
    pub labels: [String; 3],
    /// How often.
    pub value: u64,
}

impl Counter {
    /// A counter with one label.
    pub fn of(series: Series, label: &str, value: u64) -> Self {
        Self { series, labels: [label.to_owned(), String::new(), String::new()], value }
    }
}

/// All of these words are told, also of what has never happened: a rate needs a beginning.
pub fn from_the_beginning() -> impl Iterator<Item = (Series, &'static str)> {
    let decisions = [Decision::Opened, Decision::Joined, Decision::Duplicate, Decision::Closed, Decision::Stale]
        .map(Decision::word);
    let mails = decisions.into_iter().map(|word| (Series::Mails, word));
    mails.chain(WAYS.into_iter().map(|word| (Series::Alerts, word)))
}

/// How much a rule is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleUse {
    /// Its name.
    pub rule: String,
    /// How many mails it matched that reached the store; the same mail delivered again counts once.
    pub mails: u64,
    /// When the last one did.
    pub last_at: Timestamp,
}

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gauges {
    /// How many alerts are in each state.
    pub alerts: Vec<(State, u64)>,
    /// Alerts at which the escalation should have looked by now.
    pub due_alerts: u64,
    /// Notifications that should have been claimed by now; claims that have expired included.
    pub due_notifications: u64,
    /// Notifications that a limit holds back.
    pub held_notifications: u64,
    /// Notifications that are being sent.
    pub claimed: u64,
    /// Since when the longest overdue of all that is due has been so; `None`: nothing is.
    pub oldest_due_at: Option<Timestamp>,
    /// Mails that wait to go on.
    pub outbox_waiting: u64,
    /// When an engine last said that it is alive, in the system's time.
    pub last_beat: Option<Timestamp>,
    /// The mails that must come, by name, and when the last one came.
    pub heartbeats: Vec<(String, Option<Timestamp>)>,
}

/// Reading what was counted. All of it costs the same however much is over.
pub trait Counts {
    /// All counters, by series and labels.
    fn counters(&mut self) -> Result<Vec<Counter>>;

    /// The rules that have matched a mail, by name; also those that the rule file has no more.
    fn rule_uses(&mut self) -> Result<Vec<RuleUse>>;

    /// How things stand.
    fn gauges(&mut self, now: Timestamp) -> Result<Gauges>;
}
