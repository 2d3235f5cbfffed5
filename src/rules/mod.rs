//! Whether a mail is worth waking somebody: conditions, patterns, rules, verdicts. Pure.

pub mod condition;
pub mod pattern;
pub mod proof;
pub mod ruleset;
pub mod verdict;

mod authentication;
mod excerpt;
mod fold;
mod haystack;
mod literal;
mod nearest;
mod prefilter;
mod sight;
mod words;

pub use condition::{Condition, Place};
pub use haystack::Haystack;
pub use pattern::{Match, Pattern, PatternError};
pub use ruleset::{Action, Rule, RuleSet, View};
pub use verdict::{ConditionReport, Judgement, RuleError, RuleVerdict};
