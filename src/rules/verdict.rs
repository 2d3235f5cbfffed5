//! What the rules said of a mail.

use serde::Serialize;

use super::Rule;

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
    /// in the match are missing.
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
