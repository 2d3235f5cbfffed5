//! Whether a mail is worth waking somebody: conditions, patterns, rules, verdicts. Pure.

pub mod condition;
pub mod outside;
pub mod pattern;
pub mod proof;
pub mod quantity;
pub mod ruleset;
pub mod sight;
pub mod verdict;

mod authentication;
mod excerpt;
mod fold;
mod haystack;
mod literal;
mod nearest;
mod plain;
mod prefilter;
mod words;

pub use condition::{Comparison, Condition, Place, Relation};
pub use haystack::Haystack;
pub use outside::{Count, Nobody, Outside, Recall};
pub use pattern::{Match, Pattern, PatternError};
pub use quantity::Quantity;
pub use ruleset::{Action, Rule, RuleSet, View};
pub use sight::Sight;
pub use verdict::{ConditionReport, Judgement, RuleError, RuleVerdict};
