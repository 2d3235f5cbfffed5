//! What a rule asks that no mail can answer: how often its like came, and what its `set` makes of it. The answers come in
//! as an argument, like time and chance, so that judging stays pure: `deliver` asks the store, `backtest` what it has
//! played, `explain` looks into the store, and `check --mail` asks nobody.

use jiff::SignedDuration;

use super::{Rule, View};

/// `count = "5 in 10m"`: the rule matches only when this mail is at least the fifth within ten minutes that has its key
/// and that all conditions of the rule hold for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// From so many on.
    pub times: u32,
    /// Within so long before the mail.
    pub within: SignedDuration,
}

/// What is remembered of the mails before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recall {
    /// It is the so-manieth, from 1. Whoever counts may stop at [`Count::times`].
    Times(u32),
    /// Nobody was asked: the rule is taken to match, and says so.
    Unknown,
    /// It could not be found out. Somebody is woken rather than not: a rule that notifies is taken to match, one that
    /// ends, takes or ignores is not.
    Failed,
}

/// Who answers.
pub trait Outside {
    /// How often mails with the key of this one came, this one included. Asked only once all conditions hold, and
    /// remembers the mail; the same mail asked about again counts once, and gets the answer that it got before.
    fn recall(&self, rule: &Rule, count: &Count, view: &View<'_>, captures: &[(String, String)]) -> Recall;

    /// What the rule's `set` makes of a variable, given what was captured so far; `None` when it makes nothing.
    fn variable(&self, rule: &Rule, view: &View<'_>, captures: &[(String, String)], name: &str) -> Option<String>;
}

/// Remembers nothing and sets nothing: for rules that need neither, and where only their words are of interest.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Outside for Nobody {
    fn recall(&self, _: &Rule, _: &Count, _: &View<'_>, _: &[(String, String)]) -> Recall {
        Recall::Unknown
    }

    fn variable(&self, _: &Rule, _: &View<'_>, _: &[(String, String)], _: &str) -> Option<String> {
        None
    }
}

impl Count {
    /// Whether the rule matches with this answer.
    pub(crate) fn is_reached(&self, recall: Recall, rule: &Rule) -> bool {
        match recall {
            Recall::Times(times) => times >= self.times,
            Recall::Unknown => true,
            Recall::Failed => rule.action.notifies(),
        }
    }
}
