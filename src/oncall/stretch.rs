//! What holds at a moment together with how long nothing else can: what hand-offs, hours and overrides are made of.

use jiff::Timestamp;

/// What holds at a moment, and a span around that moment in which it cannot change. It may go on beyond the span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch<T> {
    /// What holds.
    pub what: T,
    /// The first moment of the span; [`Timestamp::MIN`]: as far back as time goes.
    pub since: Timestamp,
    /// The first moment after it; [`Timestamp::MAX`]: not foreseen.
    pub until: Timestamp,
}

impl<T> Stretch<T> {
    /// What never changes.
    pub fn always(what: T) -> Self {
        Self { what, since: Timestamp::MIN, until: Timestamp::MAX }
    }

    /// The same, within a narrower span.
    #[must_use]
    pub fn within<U>(self, other: &Stretch<U>) -> Self {
        Self { since: self.since.max(other.since), until: self.until.min(other.until), ..self }
    }

    /// Narrows the span around `t` by moments at which something may change.
    pub fn cut(&mut self, t: Timestamp, edges: impl IntoIterator<Item = Timestamp>) {
        for edge in edges {
            if edge <= t {
                self.since = self.since.max(edge);
            } else {
                self.until = self.until.min(edge);
            }
        }
    }

    /// Something else that holds in the same span.
    pub fn with<U>(&self, what: U) -> Stretch<U> {
        Stretch { what, since: self.since, until: self.until }
    }
}
