//! The exit statuses: the one place where an outcome becomes a number.
//!
//! Measured against Postfix 3.7: only 71, 75 and death by a signal are deferred; every other non-zero status bounces the
//! mail. So `deliver` knows two: 0, and 75 (`EX_TEMPFAIL` of sysexits.h), and, when asked to, 67 (`EX_NOUSER`).

use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done: for `deliver`, the mail is dealt with.
    Success,
    /// The command did its work and the answer is no: `check` found errors, `explain --fail` found no match.
    No,
    /// The command line is wrong.
    Usage,
    /// `deliver --reject-unknown`, and every recipient is unknown: the mail server bounces.
    UnknownRecipient,
    /// The mail server is to keep the mail and try again.
    TryAgain,
}

impl Exit {
    /// The number.
    pub const fn status(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::UnknownRecipient => 67,
            Self::TryAgain => 75,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
