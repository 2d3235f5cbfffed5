//! What those who were notified are told of an alert later. Its words are made when it is sent, in the language of
//! whoever reads them; here is only what happened.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "news")]
pub enum News {
    /// Somebody has it.
    Taken {
        /// The name of who.
        by: String,
    },
    /// It is over.
    Over {
        /// The name of who says so.
        by: String,
    },
    /// Somebody has taken it from whoever had it.
    TakenOver {
        /// The name of who.
        by: String,
    },
    /// The policy has ended, and nobody took it.
    Unanswered,
    /// To whoever has it, by a page: is that so?
    StillYours,
    /// Words that were made already, in whatever language.
    #[serde(untagged)]
    Words(String),
}

/// In English, for the history.
impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { by } => write!(f, "{by} has it"),
            Self::Over { by } => write!(f, "over, says {by}"),
            Self::TakenOver { by } => write!(f, "{by} has taken it over"),
            Self::Unanswered => f.write_str("nobody answered"),
            Self::StillYours => f.write_str("still yours?"),
            Self::Words(words) => f.write_str(words),
        }
    }
}
