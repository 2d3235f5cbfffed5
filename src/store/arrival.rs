//! What an arrival says of itself: its digests, and what the history tells of its mail.

use jiff::Timestamp;

use super::Arrival;
use crate::alert::{Decision, Digest, Entry, EntryKind, Fact, MailFact, Policy};

impl Arrival {
    /// What the history tells of the mail, now that it is known what became of it.
    pub fn fact(&self, decision: Decision) -> Option<Fact> {
        let told = self.told.as_ref()?;
        // No rule is asked about a self-test.
        let rule = Some(self.rule.clone()).filter(|rule| !rule.is_empty() && told.action != Policy::SELF_TEST);
        let (recipients, written_at) = (self.recipients.clone(), self.sent_at);
        Some(Fact::Mail(Box::new(MailFact { written_at, recipients, rule, decision, ..(**told).clone() })))
    }

    /// The line for a mail that came again.
    pub fn again(&self, now: Timestamp) -> Entry {
        let text = format!("the same mail came again: {}", self.subject);
        Entry::new(now, EntryKind::Duplicate, text).on(self.fact(Decision::Duplicate))
    }

    /// All its digests, the first first, each once.
    pub fn digests(&self) -> Vec<Digest> {
        let mut all = vec![self.digest];
        for other in &self.other_digests {
            if !all.contains(other) {
                all.push(*other);
            }
        }
        all
    }
}
