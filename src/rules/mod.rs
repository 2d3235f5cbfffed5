//! Whether a mail is worth waking somebody: conditions, patterns, rules, verdicts. Pure.

pub mod condition;
pub mod pattern;
pub mod ruleset;
pub mod verdict;

pub use condition::{Condition, Place};
pub use pattern::Pattern;
pub use ruleset::{Action, Rule, RuleSet};
pub use verdict::{ConditionReport, Judgement, RuleVerdict};
