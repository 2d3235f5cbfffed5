//! What the rules said of a mail.

use serde::Serialize;

use super::pattern::{Match, PatternError, one_line};
use super::ruleset::Rule;

/// Why a mail could not be judged: a pattern turned out to be unusable when it was needed. The rule file is broken then,
/// and the mail must be tried again when it is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: pattern `{}`: {error}", one_line(&.error.pattern))]
pub struct RuleError {
    /// The rule's name.
    pub rule: String,
    /// What is wrong with its pattern.
    pub error: PatternError,
}

/// What one condition saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionReport {
    /// The condition in words: `text matches ^Priority…`.
    pub describes: String,
    /// Whether it held.
    pub matched: bool,
    /// What it saw: the piece of text around the match, or why there was none.
    pub saw: String,
    /// The conditions within it (`any`, `all`, `not`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<ConditionReport>,
}

/// What one rule said.
#[derive(Debug)]
pub struct RuleVerdict<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// Whether all its conditions held.
    pub matched: bool,
    /// False when an earlier rule had decided already (only [`RuleSet::explain`](super::RuleSet::explain) reports
    /// those).
    pub considered: bool,
    /// Its conditions; empty from `judge`, full from `explain`.
    pub conditions: Vec<ConditionReport>,
    /// The named groups of its patterns, in order; the first condition to fill a name counts. Groups that took no part
    /// in the match are missing. Empty when the rule did not match.
    pub captures: Vec<(String, String)>,
}

/// What all rules said.
#[derive(Debug)]
pub struct Judgement<'r> {
    /// In the order of the rules; from `judge` only those that matched.
    pub verdicts: Vec<RuleVerdict<'r>>,
}

impl<'r> Judgement<'r> {
    /// The verdicts that decide: considered, and matched.
    pub fn matched(&self) -> impl Iterator<Item = &RuleVerdict<'r>> {
        self.verdicts.iter().filter(|verdict| verdict.considered && verdict.matched)
    }
}

/// What named groups caught: name and text, in the order in which they were filled. The first to fill a name counts.
#[derive(Debug, Default)]
pub(crate) struct Captures(Vec<(String, String)>);

impl Captures {
    pub(crate) fn add(&mut self, found: &Match<'_, '_>) {
        for (name, text) in &found.captures {
            if self.get(name).is_none() {
                self.0.push(((*name).to_owned(), (*text).to_owned()));
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// How many there are: what [`forget`](Self::forget) wants to be told.
    pub(crate) fn mark(&self) -> usize {
        self.0.len()
    }

    /// Forgets what was caught since there were so many.
    pub(crate) fn forget(&mut self, mark: usize) {
        self.0.truncate(mark);
    }

    pub(crate) fn as_pairs(&self) -> &[(String, String)] {
        &self.0
    }

    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}
