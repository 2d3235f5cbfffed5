//! The rules in order, and how they judge a mail.

use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::condition::Look;
use super::haystack::Literals;
use super::outside::{Count, Outside};
use super::prefilter::Prefilter;
use super::sight::Sight;
use super::verdict::{Captures, ConditionReport, RuleVerdict};
use super::words;
use super::{Condition, Judgement, Pattern, PatternError, Place, RuleError};
use crate::mail::{Message, automatic};

/// Fewer patterns than this are sought one by one: a search for one literal goes over a text a dozen times as fast as the
/// pass for all of them.
const FEW: usize = 32;

/// What a matching rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Call who is on call, then the backup.
    Call,
    /// Text who is on call, then the backup.
    Sms,
    /// Play the policy of recipient or group.
    Page,
    /// The alert of the same key is over.
    Resolve,
    /// Somebody has the alert of the same key.
    Acknowledge,
    /// Nothing.
    Ignore,
}

impl Action {
    /// Whether somebody is called or texted.
    pub fn notifies(self) -> bool {
        match self {
            Self::Call | Self::Sms | Self::Page => true,
            Self::Resolve | Self::Acknowledge | Self::Ignore => false,
        }
    }

    /// The word of the rule file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Sms => "sms",
            Self::Page => "page",
            Self::Resolve => "resolve",
            Self::Acknowledge => "acknowledge",
            Self::Ignore => "ignore",
        }
    }
}

/// A `[[rules]]` entry, checked. Templates are held as written; [`notify::template`](crate::notify::template) renders
/// them.
#[derive(Debug)]
pub struct Rule {
    /// Unique in the rule file.
    pub name: String,
    /// All must hold.
    pub when: Vec<Condition>,
    /// And so many mails of its key must have come, when there is a number.
    pub count: Option<Count>,
    /// Further variables, in the order of the rule file: each is a template that sees the ones before it.
    pub set: Vec<(String, String)>,
    /// What to do.
    pub action: Action,
    /// The key of the group whose alert it is, when not the recipient's; the rule file knows it.
    pub group: Option<String>,
    /// The policy for `page`, when not the recipient's or the group's.
    pub policy: Option<String>,
    /// The template of the key.
    pub key: Option<String>,
    /// How long an acknowledged alert takes in mails of its digest; `None`: the default.
    pub window: Option<SignedDuration>,
    /// The template of what is spoken.
    pub say: Option<String>,
    /// The template of what is texted.
    pub sms: Option<String>,
    /// Go on with the next rule after a match.
    pub goes_on: bool,
}

/// What rules look at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The mail.
    pub message: &'a Message,
    /// The envelope sender (`""`: the null sender).
    pub sender: Option<&'a str>,
    /// The recipient that the mail is judged for.
    pub recipient: &'a str,
    /// When it came.
    pub now: Timestamp,
}

impl View<'_> {
    /// Whether the mail is an automatic answer, a bounce, or our own. Such a mail matches only rules that ask for it
    /// (`auto = true`): two programs that answer each other would never stop.
    pub fn is_automatic(&self) -> bool {
        self.message.own || automatic::is_automatic(self.message, self.sender)
    }
}

/// The rules in order.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// In the order of the rule file, included files where they are included.
    pub rules: Vec<Rule>,
    /// The literals of all patterns. Those of a rule that is added later are sought one by one.
    literals: OnceLock<Prefilter>,
}

impl RuleSet {
    /// The rules in the order of the rule file.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules, literals: OnceLock::new() }
    }

    /// Judges a mail: each rule in order until one matches that does not go on. A rule without conditions matches.
    /// `outside` is asked for the counts of rules whose conditions all hold.
    ///
    /// # Errors
    /// When a pattern that is needed cannot be compiled.
    pub fn judge<'r>(&'r self, view: &View<'_>, outside: &dyn Outside) -> Result<Judgement<'r>, RuleError> {
        self.judge_seen(&Sight::new(view, self), outside)
    }

    /// The same of a mail that was looked at before, for another recipient.
    ///
    /// # Errors
    /// When a pattern that is needed cannot be compiled.
    pub fn judge_seen<'r>(&'r self, sight: &Sight<'_>, outside: &dyn Outside) -> Result<Judgement<'r>, RuleError> {
        let mut verdicts = Vec::new();
        let automatic = sight.view.is_automatic();
        for rule in self.rules.iter().filter(|rule| !automatic || rule.asks_for_automatic()) {
            if let Some(captures) = rule.matches(&Look { sight, rule, outside })? {
                let captures = captures.into_pairs();
                verdicts.push(RuleVerdict { rule, matched: true, considered: true, conditions: Vec::new(), captures });
                if !rule.goes_on {
                    break;
                }
            }
        }
        Ok(Judgement { verdicts })
    }

    /// Like [`judge`](Self::judge), but reports every rule and condition, also those that `judge` needs not look at.
    /// Counts are asked for as `judge` asks.
    ///
    /// # Errors
    /// When a pattern cannot be compiled, also one that `judge` needs not look at.
    pub fn explain<'r>(&'r self, view: &View<'_>, outside: &dyn Outside) -> Result<Judgement<'r>, RuleError> {
        let sight = &Sight::new(view, self);
        let mut verdicts = Vec::new();
        let mut considered = true;
        let automatic = view.is_automatic();
        for rule in &self.rules {
            let asked = considered && (!automatic || rule.asks_for_automatic());
            let verdict = rule.report(&Look { sight, rule, outside }, asked)?;
            considered &= !asked || !verdict.matched || rule.goes_on;
            verdicts.push(verdict);
        }
        Ok(Judgement { verdicts })
    }

    /// Whether the recipient may matter: if not, all recipients of a mail get the same judgement. The key that mails
    /// are counted by, and what `set` makes, may have the recipient in it.
    pub fn depends_on_recipient(&self) -> bool {
        self.rules.iter().any(|rule| {
            let is_set = |name: &str| rule.set.iter().any(|(set, _)| set == name);
            rule.count.is_some() || rule.when.iter().any(|one| one.looks_at(&Place::Recipient) || one.compares(&is_set))
        })
    }

    /// Whether some rule counts: if not, no judgement depends on the mails before it.
    pub fn counts(&self) -> bool {
        self.rules.iter().any(|rule| rule.count.is_some())
    }

    /// Compiles every pattern, which `check` does and a mail does not wait for: all that fail.
    pub fn compile(&self) -> Vec<RuleError> {
        let patterns =
            self.rules.iter().flat_map(|rule| rule.patterns().into_iter().map(move |pattern| (rule, pattern)));
        patterns.filter_map(|(rule, pattern)| pattern.compile().err().map(|error| rule.broken(error))).collect()
    }
}

impl Literals for RuleSet {
    fn prefilter(&self) -> &Prefilter {
        self.literals.get_or_init(|| {
            let patterns: Vec<&Pattern> = self.rules.iter().flat_map(Rule::patterns).collect();
            if patterns.len() < FEW {
                return Prefilter::default();
            }
            Prefilter::new(patterns.iter().flat_map(|pattern| pattern.required()).map(String::as_str))
        })
    }
}

impl Rule {
    /// All patterns of its conditions.
    pub fn patterns(&self) -> Vec<&Pattern> {
        self.when.iter().flat_map(Condition::patterns).collect()
    }

    /// The names of the captures that its conditions may fill; one may come several times.
    pub fn capture_names(&self) -> Vec<&str> {
        self.when.iter().flat_map(Condition::capture_names).collect()
    }

    /// Whether it says that automatic answers, bounces and our own mail are meant.
    pub fn asks_for_automatic(&self) -> bool {
        self.when.iter().any(Condition::asks_for_automatic)
    }

    /// What was captured, if all conditions hold and the count is reached.
    fn matches(&self, look: &Look<'_, '_>) -> Result<Option<Captures>, RuleError> {
        let mut captures = Captures::default();
        for condition in &self.when {
            if !condition.holds(look, &mut captures).map_err(|error| self.broken(error))? {
                return Ok(None);
            }
        }
        let reached = self.count.as_ref().is_none_or(|count| {
            let recall = look.outside.recall(self, count, &look.sight.view, captures.as_pairs());
            count.is_reached(recall, self)
        });
        Ok(reached.then_some(captures))
    }

    fn report(&self, look: &Look<'_, '_>, considered: bool) -> Result<RuleVerdict<'_>, RuleError> {
        let mut captures = Captures::default();
        let mut conditions = Vec::with_capacity(self.when.len());
        for condition in &self.when {
            conditions.push(condition.report(look, &mut captures).map_err(|error| self.broken(error))?);
        }
        let all_hold = conditions.iter().all(|report| report.matched);
        if let Some(count) = &self.count {
            let (matched, saw) = if all_hold && considered {
                let recall = look.outside.recall(self, count, &look.sight.view, captures.as_pairs());
                (count.is_reached(recall, self), words::recalled(recall))
            } else if all_hold {
                (false, "not counted: the rule is not considered".to_owned())
            } else {
                (false, "not counted: only mails that all other conditions hold for are".to_owned())
            };
            conditions.push(ConditionReport { describes: words::count(count), matched, saw, within: Vec::new() });
        }
        let matched = conditions.iter().all(|report| report.matched);
        let captures = if matched { captures.into_pairs() } else { Vec::new() };
        Ok(RuleVerdict { rule: self, matched, considered, conditions, captures })
    }

    fn broken(&self, error: PatternError) -> RuleError {
        RuleError { rule: self.name.clone(), error }
    }
}

#[cfg(test)]
pub(super) mod tests;
