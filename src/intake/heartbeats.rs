//! Which heartbeats a mail is, and when it was sent.

use jiff::{SignedDuration, Timestamp};

use crate::archive::date;
use crate::config::{Heartbeat, Heartbeats};
use crate::mail::Message;
use crate::rules::ruleset::View;
use crate::rules::{RuleError, Sight};

/// A mail server gives up after days (Postfix: 5). A mail that claims to be older has a clock that is wrong.
const LONGEST_WAY: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Looks at one mail for all heartbeats, and for one recipient after the other.
pub(super) struct Beats<'c, 'a> {
    heartbeats: &'c Heartbeats,
    /// `None` where there is no heartbeat: then the mail is not looked at.
    sight: Option<Sight<'a>>,
    /// What was found for the recipient before, where all get the same answer.
    found: Option<Vec<&'c Heartbeat>>,
}

impl<'c: 'a, 'a> Beats<'c, 'a> {
    pub(super) fn new(heartbeats: &'c Heartbeats, view: &View<'a>) -> Self {
        let sight = (!heartbeats.is_empty()).then(|| Sight::new(view, heartbeats.rules()));
        Self { heartbeats, sight, found: None }
    }

    pub(super) fn of(&mut self, recipient: &'a str) -> Result<Vec<&'c Heartbeat>, RuleError> {
        let Some(sight) = &mut self.sight else { return Ok(Vec::new()) };
        if let Some(found) = &self.found {
            return Ok(found.clone());
        }
        sight.turn_to(recipient);
        let found = self.heartbeats.of(sight)?;
        if !self.heartbeats.rules().depends_on_recipient() {
            self.found = Some(found.clone());
        }
        Ok(found)
    }
}

/// When a mail was sent: when the first mail server had it, else its `Date`, else now. A mail that waited in a queue for
/// a day is yesterday's; one from a device whose clock is wrong came when a mail server with a better one got it.
pub(super) fn sent_at(message: &Message, now: Timestamp) -> Timestamp {
    let received = message.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Received"));
    let received = received.filter_map(|(_, value)| date(value.rsplit_once(';')?.1));
    let plausible = |at: &Timestamp| now.duration_since(*at) <= LONGEST_WAY;
    let first = received.map(|at| at.min(now)).filter(plausible).min();
    let written = || message.header("Date").and_then(date).map(|at| at.min(now)).filter(plausible);
    first.or_else(written).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Raw;

    #[test]
    fn a_mail_was_sent_when_the_first_server_had_it() {
        let now: Timestamp = "2026-11-02T07:00:00Z".parse().unwrap();
        let sent = |header: &str| {
            let raw = Raw::from(format!("{header}\nSubject: x\n\ntext\n").as_bytes());
            sent_at(&Message::parse(&raw), now).to_string()
        };
        let queue =
            "Received: by us; Mon, 2 Nov 2026 07:00:00 +0000\nReceived: by them; Mon, 2 Nov 2026 05:58:00 +0000";
        assert_eq!(sent(queue), "2026-11-02T05:58:00Z");
        assert_eq!(sent(&format!("{queue}\nDate: Mon, 2 Nov 2026 01:00:00 +0000")), "2026-11-02T05:58:00Z");
        assert_eq!(sent("Date: Mon, 2 Nov 2026 01:00:00 +0000"), "2026-11-02T01:00:00Z");
        assert_eq!(
            sent("Date: Mon, 2 Nov 2026 09:00:00 +0000"),
            "2026-11-02T07:00:00Z",
            "nothing comes from the future"
        );
        assert_eq!(sent("Date: Thu, 1 Jan 1970 00:00:00 +0000"), "2026-11-02T07:00:00Z", "a clock without a battery");
        assert_eq!(sent("Date: yesterday"), "2026-11-02T07:00:00Z");
    }
}
