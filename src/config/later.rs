//! What the rule file may say already but nothing acts upon yet: `forward`. It is parsed, checked and kept; `check` warns
//! that it has no effect.

use crate::oncall::MailAddress;

/// Where a group's mails go by e-mail, too. Not acted upon yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forward {
    /// `"oncall"`: to who is on call.
    OnCall,
    /// `"members"`: to everybody in the group.
    Members,
    /// To these addresses.
    Addresses(Vec<MailAddress>),
}
