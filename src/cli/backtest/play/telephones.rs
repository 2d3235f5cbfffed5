//! What rings when: the attempts of each alert in the order of time, at most as often as the limits let them, what does
//! not go by itself told in the next notification to the same contact. It does what the store's claim does, without a
//! store.
//!
//! What it assumes: that no notification is lost; that somebody picks up within [`PICKED_UP`]; and that who is on call does
//! not change by an attempt that comes earlier because a limit holds the one before it back.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::{Alert, Notification, Stage, attempts};
use crate::alert::escalation::{OUTAGE, OUTAGE_ROUNDS, pause_after};
use crate::alert::limit::{Sent, Verdict, Wanted, Window, judge};
use crate::alert::plan::{Planned, plan};
use crate::alert::{AlertId, Channel, State};
use crate::oncall::ContactId;

/// So long a telephone rings: alerts that come meanwhile are told in that call.
pub const PICKED_UP: SignedDuration = SignedDuration::from_secs(20);

/// One contact, by one channel.
pub type Line = (ContactId, Channel);

/// What happens at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The next attempt of an alert.
    Attempt(usize),
    /// A limit that held something back is asked again.
    Again(usize),
    /// An alert has been played to its end.
    End(usize),
}

/// Something that a limit holds back.
#[derive(Debug)]
struct Held {
    alert: usize,
    line: Line,
    since: Timestamp,
}

/// The telephones of everybody.
#[derive(Debug, Default)]
pub struct Telephones {
    /// Ends come before everything else of their moment.
    events: BinaryHeap<Reverse<(Timestamp, bool, u64, What)>>,
    count: u64,
    /// What was sent lately, by itself.
    sent: HashMap<Line, Vec<(Timestamp, usize)>>,
    /// The first notifications of alerts, by recipients that have a limit.
    first: HashMap<String, Vec<(Timestamp, usize)>>,
    /// The last call to each.
    ringing: HashMap<ContactId, (Timestamp, usize)>,
    /// By its place, which never changes; `None`: told, or not needed any more.
    held: Vec<Option<Held>>,
    /// What is held of each line.
    waiting: HashMap<Line, BTreeSet<usize>>,
}

impl Telephones {
    /// An alert has been opened: its first attempt.
    pub fn open(&mut self, stage: &Stage<'_>, alerts: &mut [Alert<'_>], alert: usize) {
        if let Some(at) = alerts.get(alert).map(|alert| alert.at) {
            self.attempt(stage, alerts, alert, at);
        }
    }

    /// Lets everything happen that comes before `t`, and what ends at `t`.
    pub fn run(&mut self, stage: &Stage<'_>, alerts: &mut [Alert<'_>], t: Timestamp) {
        while let Some(Reverse((at, goes_on, _, what))) = self.events.peek().copied() {
            if at > t || at == t && goes_on {
                break;
            }
            self.events.pop();
            match what {
                What::Attempt(alert) => self.attempt(stage, alerts, alert, at),
                What::Again(place) => self.again(stage, alerts, place, at),
                What::End(alert) => self.end(stage, alerts, alert, at),
            }
        }
    }

    fn later(&mut self, at: Timestamp, what: What) {
        self.count += 1;
        self.events.push(Reverse((at, !matches!(what, What::End(_)), self.count, what)));
    }

    fn attempt(&mut self, stage: &Stage<'_>, alerts: &mut [Alert<'_>], index: usize, now: Timestamp) {
        // Attempts that are held back as a whole take no time.
        while let Some(alert) = alerts.get_mut(index) {
            if alert.state(now) != State::Open {
                return;
            }
            let Some(attempt) = alert.attempts.pop_front() else { return };
            if attempt.begins_round {
                alert.is_cut_short = false;
            }
            let mut gone = false;
            for page in &attempt.pages {
                gone |= self.page(stage, alerts, index, page, now);
            }
            let Some(alert) = alerts.get(index) else { return };
            let is_last = alert.attempts.is_empty();
            if is_last || gone {
                let next = now.saturating_add(attempt.wait).unwrap_or(Timestamp::MAX);
                self.later(next, if is_last { What::End(index) } else { What::Attempt(index) });
                return;
            }
        }
    }

    /// True: it went, or is told in a call that rings.
    fn page(
        &mut self,
        stage: &Stage<'_>,
        alerts: &mut [Alert<'_>],
        index: usize,
        page: &Planned,
        now: Timestamp,
    ) -> bool {
        let line = (page.contact.clone(), page.channel);
        let waits = |telephones: &Self| {
            let places = telephones.waiting.get(&line).into_iter().flatten();
            places.filter_map(|place| telephones.held.get(*place)?.as_ref()).any(|held| held.alert == index)
        };
        if waits(self) {
            return false; // Another would wait beside it.
        }
        if stage.webhooks
            && page.channel == Channel::Call
            && let Some((at, teller)) = self.ringing.get(&page.contact).copied()
            && now.duration_since(at) < PICKED_UP
            && teller != index
        {
            fold(stage, alerts, index, &line, now);
            return true;
        }
        match self.verdict(stage, alerts, (index, &line), now, None) {
            Verdict::Go { .. } => {
                self.send(stage, alerts, index, &line, now);
                true
            }
            Verdict::Hold { until, .. } => {
                let place = self.held.len();
                self.waiting.entry(line.clone()).or_default().insert(place);
                self.held.push(Some(Held { alert: index, line, since: now }));
                if let Some(alert) = alerts.get_mut(index) {
                    alert.held += 1;
                    alert.is_cut_short = true;
                }
                self.later(until, What::Again(place));
                false
            }
        }
    }

    fn again(&mut self, stage: &Stage<'_>, alerts: &mut [Alert<'_>], place: usize, now: Timestamp) {
        let Some(Some(held)) = self.held.get(place) else { return };
        let (index, line, since) = (held.alert, held.line.clone(), held.since);
        if alerts.get(index).is_none_or(|alert| alert.state(now) != State::Open) {
            self.forget(place, &line);
            self.let_go(alerts, index, now);
            return;
        }
        match self.verdict(stage, alerts, (index, &line), now, Some(since)) {
            Verdict::Go { .. } => {
                self.forget(place, &line);
                self.send(stage, alerts, index, &line, now);
                self.let_go(alerts, index, now);
            }
            Verdict::Hold { until, .. } => self.later(until, What::Again(place)),
        }
    }

    fn forget(&mut self, place: usize, line: &Line) {
        if let Some(held) = self.held.get_mut(place) {
            *held = None;
        }
        if let Some(waiting) = self.waiting.get_mut(line) {
            waiting.remove(&place);
        }
    }

    /// A limit holds one thing less of an alert; when that was what its end waited for, it comes.
    fn let_go(&mut self, alerts: &mut [Alert<'_>], index: usize, now: Timestamp) {
        let Some(alert) = alerts.get_mut(index) else { return };
        alert.held = alert.held.saturating_sub(1);
        if alert.held == 0 && std::mem::take(&mut alert.ends_untold) {
            let end = now.saturating_add(alert.last_wait).unwrap_or(Timestamp::MAX);
            self.later(end, What::End(index));
        }
    }

    fn verdict(
        &mut self,
        stage: &Stage<'_>,
        alerts: &[Alert<'_>],
        (index, line): (usize, &Line),
        now: Timestamp,
        held_since: Option<Timestamp>,
    ) -> Verdict {
        let Some(alert) = alerts.get(index) else { return Verdict::Go { room: 1 } };
        let wanted = Wanted { alert: id(index), untold: alert.told_at.is_none(), news: false, held_since };
        let windows = stage.limits.of(&line.0, line.1);
        let lately = lately(alerts, self.sent.get_mut(line), windows, now);
        let verdict = judge(windows, &lately, &wanted, now);
        if !wanted.untold {
            return verdict;
        }
        let limits = alert.recipients.iter().filter_map(|recipient| Some((recipient, (stage.recipient)(recipient)?)));
        limits.fold(verdict, |verdict, (recipient, window)| {
            let told = self::lately(alerts, self.first.get_mut(recipient), &[window], now);
            verdict.stricter(judge(&[window], &told, &wanted, now))
        })
    }

    /// A notification goes out, and all that waits for the same contact is told in it.
    fn send(&mut self, stage: &Stage<'_>, alerts: &mut [Alert<'_>], index: usize, line: &Line, now: Timestamp) {
        let Some(alert) = alerts.get_mut(index) else { return };
        if alert.told_at.is_none() {
            for recipient in alert.recipients.iter().filter(|recipient| (stage.recipient)(recipient).is_some()) {
                self.first.entry(recipient.clone()).or_default().push((now, index));
            }
        }
        alert.notifications.push(Notification::new(alert.at, line, now));
        tell(stage, alert, now);
        self.sent.entry(line.clone()).or_default().push((now, index));
        if line.1 == Channel::Call {
            self.ringing.insert(line.0.clone(), (now, index));
        }
        for place in self.waiting.remove(line).unwrap_or_default() {
            let Some(held) = self.held.get_mut(place).and_then(Option::take) else { continue };
            if alerts.get(held.alert).is_some_and(|alert| alert.state(now) == State::Open) {
                fold(stage, alerts, held.alert, line, now);
            }
            self.let_go(alerts, held.alert, now);
        }
    }

    /// An alert has been played to its end; while something of it is held back, that is still to be told, and a round that
    /// a limit has cut short is played again.
    fn end(&mut self, stage: &Stage<'_>, alerts: &mut [Alert<'_>], index: usize, now: Timestamp) {
        let Some(alert) = alerts.get_mut(index) else { return };
        let before = now.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(now);
        if alert.is_over || alert.state(before) != State::Open {
            return;
        }
        alert.ends_untold = alert.held > 0;
        if alert.ends_untold {
            return;
        }
        if alert.is_cut_short && now.duration_since(alert.at) < OUTAGE && alert.over < OUTAGE_ROUNDS {
            let next = now.saturating_add(pause_after(alert.over)).unwrap_or(Timestamp::MAX);
            alert.over += 1;
            let mut rows = plan(alert.policy, &alert.group, stage.roster, next);
            rows.retain(|row| row.round == 0);
            alert.attempts = attempts(alert.policy, &rows);
            if !alert.attempts.is_empty() {
                self.later(next, What::Attempt(index));
                return;
            }
        }
        alert.acknowledged_at = None;
        alert.expires_at = Some(now);
    }
}

/// Somebody is told of an alert: from the first time on they take so long to take it.
fn tell(stage: &Stage<'_>, alert: &mut Alert<'_>, now: Timestamp) {
    if alert.told_at.is_none() {
        alert.told_at = Some(now);
        let later = |after: SignedDuration| now.saturating_add(after).unwrap_or(Timestamp::MAX);
        alert.acknowledged_at = alert.acknowledged_at.or(stage.acknowledged_after.map(later));
    }
}

/// An alert is told in a notification about another one.
fn fold(stage: &Stage<'_>, alerts: &mut [Alert<'_>], index: usize, line: &Line, now: Timestamp) {
    let Some(alert) = alerts.get_mut(index) else { return };
    alert.folded.push(Notification::new(alert.at, line, now));
    tell(stage, alert, now);
}

fn id(index: usize) -> AlertId {
    AlertId(i64::try_from(index).unwrap_or(i64::MAX))
}

/// What was sent in the longest window; what is older is forgotten.
fn lately(
    alerts: &[Alert<'_>],
    sent: Option<&mut Vec<(Timestamp, usize)>>,
    windows: &[Window],
    now: Timestamp,
) -> Vec<Sent> {
    let Some(sent) = sent else { return Vec::new() };
    let longest = windows.iter().map(|window| window.within).max().unwrap_or_default();
    sent.retain(|(at, _)| now.duration_since(*at) < longest);
    let woke = |index: usize| {
        let taken = alerts.get(index).and_then(|alert| alert.acknowledged_at);
        taken.is_some_and(|taken| taken <= now)
    };
    sent.iter().map(|(at, index)| Sent { at: *at, alert: id(*index), woke: woke(*index) }).collect()
}
