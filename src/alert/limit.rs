//! How often a contact may be notified: sliding windows over what was sent, and whether one more page may go now or is
//! held back. Pure: the store counts, this decides.
//!
//! A limit folds notifications together; it never drops one, and it never stops an escalation. So the first page of an
//! alert goes out in spite of a limit, unless more alerts came than the limit lets through: a storm, which is told by one
//! notification. While nobody has woken up a full limit is a pace, not an end. And what nobody was told of waits for
//! [`PATIENCE`] at most.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::{AlertId, Channel};
use crate::oncall::ContactId;

/// The longest time for which an alert that nobody was told of is held back from somebody, whatever the limits say.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// The longest pause between notifications to somebody while nobody has woken up, whatever the limits say.
pub const LONGEST_PACE: SignedDuration = SignedDuration::from_mins(5);

/// How far ahead of us another process may be; what was sent later than that was sent by a clock that has gone back.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// At most so many in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// So many; at least 1.
    pub count: u32,
    /// In so long.
    pub within: SignedDuration,
}

impl Window {
    /// `count` in so many minutes.
    pub const fn minutes(count: u32, minutes: i64) -> Self {
        Self { count, within: SignedDuration::from_mins(minutes) }
    }

    fn holds(&self, at: Timestamp, now: Timestamp) -> bool {
        let age = now.duration_since(at);
        age < self.within && age >= -SKEW
    }
}

/// `3 in 15m`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:#}", self.count, self.within)
    }
}

/// The windows for each channel; all of a channel's must have room. None: no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {
    /// For calls; `None`: as for everybody.
    pub call: Option<Vec<Window>>,
    /// For texts; `None`: as for everybody.
    pub text: Option<Vec<Window>>,
}

impl Windows {
    fn of(&self, channel: Channel) -> Option<&[Window]> {
        match channel {
            Channel::Call => self.call.as_deref(),
            Channel::Text => self.text.as_deref(),
            // A mail wakes nobody.
            Channel::Email => None,
        }
    }
}

/// How often contacts may be notified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Everybody, unless their own say otherwise.
    pub everybody: Windows,
    /// Contacts with limits of their own.
    pub contacts: BTreeMap<ContactId, Windows>,
}

/// For calls: 3 in 15 minutes, 7 in an hour, 15 in three.
const CALLS: [Window; 3] = [Window::minutes(3, 15), Window::minutes(7, 60), Window::minutes(15, 180)];
/// For texts: 5 in 15 minutes, 11 in an hour, 21 in three.
const TEXTS: [Window; 3] = [Window::minutes(5, 15), Window::minutes(11, 60), Window::minutes(21, 180)];

impl Limits {
    /// What counts where the rule file says nothing.
    pub fn usual() -> Self {
        let everybody = Windows { call: Some(CALLS.to_vec()), text: Some(TEXTS.to_vec()) };
        Self { everybody, contacts: BTreeMap::new() }
    }

    /// The windows of a contact.
    pub fn of(&self, contact: &ContactId, channel: Channel) -> &[Window] {
        let own = self.contacts.get(contact).and_then(|windows| windows.of(channel));
        own.or_else(|| self.everybody.of(channel)).unwrap_or_default()
    }
}

/// Something that was sent, by itself: what it told of besides does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// About which alert.
    pub alert: AlertId,
    /// Somebody woke up by it: a human was there, or that alert was taken.
    pub woke: bool,
}

/// What is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// About which alert.
    pub alert: AlertId,
    /// Nobody has been told of that alert yet.
    pub untold: bool,
    /// It is news, for which nobody needs to be woken.
    pub news: bool,
    /// Since when it has been held back.
    pub held_since: Option<Timestamp>,
}

/// Whether it may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Now; and so many at once would be within the limits (0: it goes in spite of them).
    Go {
        /// How many there is room for, this one included.
        room: usize,
    },
    /// Not before `until`.
    Hold {
        /// When it is judged again.
        until: Timestamp,
        /// The window that is full.
        full: Window,
    },
}

impl Verdict {
    /// The one that lets less through.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Go { room: a }, Self::Go { room: b }) => Self::Go { room: a.min(b) },
            (Self::Hold { until: a, .. }, Self::Hold { until: b, .. }) => {
                if a >= b {
                    self
                } else {
                    other
                }
            }
            (Self::Hold { .. }, Self::Go { .. }) => self,
            (Self::Go { .. }, Self::Hold { .. }) => other,
        }
    }
}

/// Whether `wanted` may be sent at `now`, after what was `sent` to the same contact by the same channel.
pub fn judge(windows: &[Window], sent: &[Sent], wanted: &Wanted, now: Timestamp) -> Verdict {
    let in_window = |window: &Window| sent.iter().filter(|one| window.holds(one.at, now)).count();
    let count = |window: &Window| usize::try_from(window.count.max(1)).unwrap_or(usize::MAX);
    let full: Vec<&Window> = windows.iter().filter(|window| in_window(window) >= count(window)).collect();
    let Some(first) = full.first() else {
        let room = windows.iter().map(|window| count(window).saturating_sub(in_window(window))).min();
        return Verdict::Go { room: room.unwrap_or(usize::MAX) };
    };
    // Of as many other alerts as the limit lets through, one more is told by itself: it tells of the storm, too. Of
    // more, it has been told.
    let others = |window: &&Window| {
        let alerts = sent.iter().filter(|one| window.holds(one.at, now) && one.alert != wanted.alert);
        alerts.map(|one| one.alert).collect::<BTreeSet<_>>().len()
    };
    if wanted.untold && !wanted.news && full.iter().all(|window| others(window) <= count(window)) {
        return Verdict::Go { room: 0 };
    }
    // The window that is full for the longest is the one to name.
    let (until, full) = full
        .iter()
        .map(|window| (frees(window, sent, now), **window))
        .max_by_key(|(until, _)| *until)
        .unwrap_or((now, **first));
    let until = if wanted.news { until } else { until.min(soonest(windows, sent, wanted, now)) };
    if until <= now { Verdict::Go { room: 0 } } else { Verdict::Hold { until, full } }
}

/// When a full window has room again.
fn frees(window: &Window, sent: &[Sent], now: Timestamp) -> Timestamp {
    let mut times: Vec<Timestamp> = sent.iter().map(|one| one.at).filter(|at| window.holds(*at, now)).collect();
    times.sort_unstable();
    // All but one fewer than it lets through must have left it.
    let leaving = times.len().saturating_sub(usize::try_from(window.count.max(1)).unwrap_or(usize::MAX));
    let last = times.get(leaving).copied().unwrap_or(now);
    later(last, window.within)
}

/// When a page goes out at the latest, whatever is full: a throttle must not be what lets everybody sleep.
fn soonest(windows: &[Window], sent: &[Sent], wanted: &Wanted, now: Timestamp) -> Timestamp {
    let mut soonest = Timestamp::MAX;
    if wanted.untold {
        soonest = later(wanted.held_since.unwrap_or(now), PATIENCE);
    }
    let lately: Vec<&Sent> = sent.iter().filter(|one| windows.iter().any(|window| window.holds(one.at, now))).collect();
    if lately.iter().all(|one| !one.woke)
        && let Some(last) = lately.iter().map(|one| one.at).max()
    {
        let pace = windows.iter().map(|window| window.within / i32::try_from(window.count.max(1)).unwrap_or(i32::MAX));
        soonest = soonest.min(later(last, pace.min().unwrap_or_default().min(LONGEST_PACE)));
    }
    soonest
}

fn later(t: Timestamp, span: SignedDuration) -> Timestamp {
    t.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minutes * 60).unwrap()
    }

    fn sent(minutes: i64, alert: i64, woke: bool) -> Sent {
        Sent { at: at(minutes), alert: AlertId(alert), woke }
    }

    fn first(alert: i64) -> Wanted {
        Wanted { alert: AlertId(alert), untold: true, news: false, held_since: None }
    }

    fn again(alert: i64) -> Wanted {
        Wanted { untold: false, ..first(alert) }
    }

    #[test]
    fn within_the_limit_it_goes_and_the_room_is_told() {
        assert_eq!(judge(&CALLS, &[], &first(1), at(0)), Verdict::Go { room: 3 });
        assert_eq!(judge(&CALLS, &[sent(0, 1, false)], &again(1), at(5)), Verdict::Go { room: 2 });
        assert_eq!(judge(&[], &[sent(0, 1, false)], &again(1), at(0)), Verdict::Go { room: usize::MAX });
    }

    #[test]
    fn a_further_attempt_is_held_until_the_oldest_leaves_the_window() {
        let woken = [sent(0, 1, true), sent(2, 1, false), sent(4, 1, false)];
        let expected = Verdict::Hold { until: at(15), full: CALLS[0] };
        assert_eq!(judge(&CALLS, &woken, &again(1), at(5)), expected);
        assert_eq!(judge(&CALLS, &woken, &again(1), at(15)), Verdict::Go { room: 1 });
    }

    #[test]
    fn the_longest_window_that_is_full_says_when() {
        let mut woken: Vec<Sent> = (0..7).map(|n| sent(n * 5, 1, true)).collect();
        assert_eq!(judge(&CALLS, &woken, &again(1), at(31)), Verdict::Hold { until: at(60), full: CALLS[1] });
        // Some went out in spite of the limit: all but one fewer than it lets through must have left.
        woken.push(sent(30, 2, true));
        assert_eq!(judge(&CALLS, &woken, &again(1), at(31)), Verdict::Hold { until: at(65), full: CALLS[1] });
    }

    #[test]
    fn the_first_page_of_an_alert_goes_out_in_spite_of_the_limit() {
        let woken = [sent(0, 1, true), sent(2, 1, false), sent(4, 1, false)];
        assert_eq!(judge(&CALLS, &woken, &first(2), at(5)), Verdict::Go { room: 0 });
        assert!(matches!(judge(&CALLS, &woken, &again(2), at(5)), Verdict::Hold { .. }));
    }

    #[test]
    fn a_storm_is_told_by_one_notification() {
        let mut woken = vec![sent(0, 1, true), sent(0, 2, true), sent(0, 3, true)];
        // The one that tells of it.
        assert_eq!(judge(&CALLS, &woken, &first(4), at(1)), Verdict::Go { room: 0 });
        woken.push(sent(1, 4, false));
        assert_eq!(judge(&CALLS, &woken, &first(5), at(2)), Verdict::Hold { until: at(15), full: CALLS[0] });
    }

    #[test]
    fn while_nobody_has_woken_up_a_full_limit_is_a_pace() {
        let asleep = [sent(0, 1, false), sent(1, 1, false), sent(2, 1, false)];
        assert_eq!(judge(&CALLS, &asleep, &again(1), at(3)), Verdict::Hold { until: at(7), full: CALLS[0] });
        assert_eq!(judge(&CALLS, &asleep, &again(1), at(7)), Verdict::Go { room: 0 });
        // Also where the windows of hours are full.
        let asleep: Vec<Sent> = (0..15).map(|n| sent(n * 5, 1, false)).collect();
        assert_eq!(judge(&CALLS, &asleep, &again(1), at(75)), Verdict::Go { room: 0 });
        let day = [Window::minutes(1, 24 * 60)];
        assert_eq!(judge(&day, &[sent(0, 1, false)], &again(1), at(5)), Verdict::Go { room: 0 });
    }

    #[test]
    fn what_nobody_was_told_of_is_not_held_for_hours() {
        let day = [Window::minutes(1, 24 * 60)];
        let woken = [sent(0, 1, true), sent(0, 2, true)];
        assert_eq!(judge(&day, &woken, &first(3), at(1)), Verdict::Hold { until: at(16), full: day[0] });
        let held = Wanted { held_since: Some(at(1)), ..first(3) };
        assert_eq!(judge(&day, &woken, &held, at(16)), Verdict::Go { room: 0 });
        assert!(matches!(judge(&day, &woken, &Wanted { untold: false, ..held }, at(16)), Verdict::Hold { .. }));
    }

    #[test]
    fn news_waits_for_the_window_and_is_no_exception() {
        let five: Vec<Sent> = (0..5).map(|n| sent(0, n, false)).collect();
        let news = Wanted { news: true, ..first(9) };
        assert_eq!(judge(&TEXTS, &five, &news, at(1)), Verdict::Hold { until: at(15), full: TEXTS[0] });
    }

    #[test]
    fn what_a_clock_that_went_back_has_sent_later_does_not_count() {
        let ahead = [sent(100, 1, true), sent(100, 2, true), sent(100, 3, true), sent(100, 4, true)];
        assert_eq!(judge(&CALLS, &ahead, &first(5), at(0)), Verdict::Go { room: 3 });
    }

    proptest! {
        /// Whatever was sent: a page is never held for longer than its windows say; while nobody has woken up, and for
        /// what nobody was told of, never for longer than minutes; and once that time has come it goes.
        #[test]
        fn nothing_is_held_for_ever(
            times in proptest::collection::vec((0_i64..200, 1_i64..30, any::<bool>()), 0..40),
            windows in proptest::collection::vec((1_u32..20, 1_i64..2000), 0..4),
            (untold, news, held) in (any::<bool>(), any::<bool>(), proptest::option::of(0_i64..200)),
        ) {
            let now = at(200);
            let windows: Vec<_> = windows.into_iter().map(|(count, minutes)| Window::minutes(count, minutes)).collect();
            let all: Vec<_> = times.into_iter().map(|(minutes, alert, woke)| sent(minutes, alert, woke)).collect();
            let wanted = Wanted { alert: AlertId(5), untold, news, held_since: held.map(at) };
            if let Verdict::Hold { until, .. } = judge(&windows, &all, &wanted, now) {
                prop_assert!(until > now);
                let longest = windows.iter().map(|window| window.within).max().unwrap();
                prop_assert!(until <= now + longest);
                prop_assert!(news || !untold || until <= now + PATIENCE);
                prop_assert!(news || all.iter().any(|one| one.woke) || until <= now + LONGEST_PACE);
                let held = Wanted { held_since: wanted.held_since.or(Some(now)), ..wanted };
                let later = judge(&windows, &all, &held, until);
                prop_assert!(matches!(later, Verdict::Go { .. }), "{later:?}");
            }
        }
    }
}
