//! What may be forgotten: alerts that were over long ago, with everything about them.

use jiff::{SignedDuration, Timestamp};

use super::Result;

/// The shortest time for which what is over is kept. So long a code rests before it is given again, and a mail that a mail
/// server still has must find its alert.
pub const SHORTEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What was forgotten, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Alerts.
    pub alerts: u64,
    /// Their calls, texts and mails.
    pub notifications: u64,
    /// Lines of their history.
    pub lines: u64,
}

impl std::ops::AddAssign for Forgotten {
    fn add_assign(&mut self, more: Self) {
        self.alerts += more.alerts;
        self.notifications += more.notifications;
        self.lines += more.lines;
    }
}

/// How large the store is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Alerts.
    pub alerts: u64,
    /// Of its file, in bytes.
    pub bytes: u64,
    /// Of which are free for what comes.
    pub free: u64,
}

/// Forgetting what is over. An alert is that when it is resolved or has expired, or when somebody has had it since then and
/// nothing more is to happen to it; and when nothing about it is still to be sent, and no mail that must come waits for it.
/// One that is open is never forgotten.
pub trait Retention {
    /// Forgets at most `limit` alerts that have been over since before `before`, the oldest first, and overrides that had
    /// ended by then.
    fn prune(&mut self, before: Timestamp, limit: usize) -> Result<Forgotten>;

    /// What [`prune`](Self::prune) would forget without a limit. Changes nothing.
    fn prunable(&mut self, before: Timestamp) -> Result<Forgotten>;

    /// How large the store is.
    fn size(&mut self) -> Result<Size>;

    /// Gives what is free back to the file system. Whoever wants to change something waits meanwhile.
    fn compact(&mut self) -> Result<()>;
}
