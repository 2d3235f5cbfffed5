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
            Self::Words(words) => f.write_str(words),
        }
    }
}
