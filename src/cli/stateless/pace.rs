//! `[limits]` count without a store, too: many events on a full disk are one night and one telephone. Pure.

use jiff::Timestamp;

use super::marker::Made;
use crate::alert::limit::{Limits, Sent, Verdict, Wanted, judge};
use crate::alert::{AlertId, Channel};
use crate::oncall::ContactId;

/// What was called for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// It is the event of the mail at hand.
    pub is_own: bool,
    /// What was called, the first first.
    pub made: Vec<Made>,
}

/// What this contact was last sent by this way, for whatever event.
pub fn last<'m>(all: &'m [Remembered], contact: &ContactId, channel: Channel) -> Option<&'m Made> {
    sent_to(all, contact, channel).map(|(_, made)| made).max_by_key(|made| made.at)
}

/// Whether they may be sent one more now. `woke`: somebody has answered the last one.
pub fn verdict(
    limits: &Limits,
    all: &[Remembered],
    (contact, channel): (&ContactId, Channel),
    woke: bool,
    now: Timestamp,
) -> Verdict {
    let number = |event: usize| AlertId(i64::try_from(event).unwrap_or(i64::MAX));
    let own = all.iter().position(|event| event.is_own).unwrap_or(all.len());
    let untold = all.get(own).is_none_or(|event| event.made.is_empty());
    let wanted = Wanted { alert: number(own), untold, news: false, held_since: None };
    let sent = sent_to(all, contact, channel).map(|(event, made)| Sent { at: made.at, alert: number(event), woke });
    judge(limits.of(contact, channel), &sent.collect::<Vec<_>>(), &wanted, now)
}

fn sent_to<'m>(
    all: &'m [Remembered],
    contact: &ContactId,
    channel: Channel,
) -> impl Iterator<Item = (usize, &'m Made)> {
    let contact = contact.as_str().to_owned();
    let of_event = move |(event, known): (usize, &'m Remembered)| known.made.iter().map(move |made| (event, made));
    let made = all.iter().enumerate().flat_map(of_event);
    made.filter(move |(_, made)| made.contact == contact && made.channel == channel)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_793_584_800 + minutes * 60).unwrap()
    }

    fn made(contact: &str, minutes: i64) -> Made {
        Made {
            at: at(minutes),
            contact: contact.to_owned(),
            name: contact.to_owned(),
            channel: Channel::Call,
            to: "+64211110001".to_owned(),
            provider: "twilio".to_owned(),
            id: "CA1".to_owned(),
            wait: SignedDuration::ZERO,
        }
    }

    fn event(is_own: bool, made: Vec<Made>) -> Remembered {
        Remembered { is_own, made }
    }

    #[test]
    fn a_storm_of_events_calls_nobody_more_often_than_their_limits_let_it() {
        let david = ContactId::new("david");
        let limits = Limits::usual();
        let own = || event(true, Vec::new());
        let verdict =
            |all: &[Remembered], woke, minutes| verdict(&limits, all, (&david, Channel::Call), woke, at(minutes));
        // Three go, and one that tells of the storm.
        let mut all = vec![own()];
        for minute in 0..4 {
            assert!(matches!(verdict(&all, true, minute), Verdict::Go { .. }), "{minute}");
            all.push(event(false, vec![made("david", minute)]));
        }
        assert!(matches!(verdict(&all, true, 4), Verdict::Hold { until, .. } if until > at(14)));
        // Who has not woken up is tried at a pace.
        assert!(matches!(verdict(&all, false, 4), Verdict::Hold { until, .. } if until == at(8)));
        assert!(matches!(verdict(&all, false, 8), Verdict::Go { .. }));
        // Others are others, and texts are no calls.
        all.iter_mut().flat_map(|event| &mut event.made).for_each(|made| made.contact = "darren".to_owned());
        assert!(matches!(verdict(&all, true, 4), Verdict::Go { room: 3 }));
        assert_eq!(last(&all, &david, Channel::Call), None);
        assert_eq!(last(&all, &ContactId::new("darren"), Channel::Call).unwrap().at, at(3));
        assert_eq!(last(&all, &ContactId::new("darren"), Channel::Text), None);
    }

    #[test]
    fn what_was_called_by_a_clock_that_was_set_back_holds_up_nobody() {
        let all = vec![event(true, Vec::new()), event(false, (0..9).map(|_| made("david", 60)).collect())];
        let verdict = verdict(&Limits::usual(), &all, (&ContactId::new("david"), Channel::Call), true, at(0));
        assert!(matches!(verdict, Verdict::Go { room: 3 }));
    }
}
