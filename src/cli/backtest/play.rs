//! The mails in the order of their time, and the alerts that they would have opened, joined and resolved: what the store
//! and the escalation do in a night, with one assumption, when a human says "I have it". Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::judge::{Ask, Judged};
use crate::alert::limit::{Limits, Window};
use crate::alert::plan::{Planned, plan};
use crate::alert::{Channel, Digest, Policy, State};
use crate::oncall::{ContactId, GroupId, Roster};
use crate::rules::Action;
use telephones::Telephones;

mod telephones;

/// An alert that would have been opened.
#[derive(Debug)]
pub struct Alert<'c> {
    /// When its first mail came.
    pub at: Timestamp,
    /// The file of its first mail.
    pub file: usize,
    /// Which mail of an mbox, from 1; 0 when the file is the mail.
    pub number: u64,
    /// The subject of its first mail.
    pub subject: String,
    /// The rule; `None`: no rule wanted the mail, but its recipient is known.
    pub rule: Option<&'c str>,
    /// What the rule asked for.
    pub action: Action,
    /// Whose.
    pub group: GroupId,
    /// The beginning of its key.
    pub key: String,
    /// Which alert.
    pub digest: Digest,
    /// The addresses at which its mails arrived.
    pub recipients: Vec<String>,
    /// How many mails it took in, the first included.
    pub mails: u32,
    /// Who would have been called or texted until somebody took it, in the order of time.
    pub notifications: Vec<Notification>,
    /// Who would have been told of it in a call or text about another alert, because a limit held it back.
    pub folded: Vec<Notification>,
    window: SignedDuration,
    /// When the latest of its mails says that it was written.
    written_at: Option<Timestamp>,
    acknowledged_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    policy: &'c Policy,
    /// The attempts that have not begun.
    attempts: VecDeque<Attempt>,
    /// A limit has held back some of this round.
    is_cut_short: bool,
    /// So many rounds more than the policy has were played for that.
    over: u32,
    last_wait: SignedDuration,
    /// When somebody was first told of it.
    told_at: Option<Timestamp>,
    /// So many notifications wait for a limit.
    held: usize,
    /// Its end waits for these.
    ends_untold: bool,
    /// A mail ended or took it.
    is_over: bool,
}

/// A call or text that would have been placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// How long after the alert opened.
    pub after: SignedDuration,
    /// Whom.
    pub contact: ContactId,
    /// How.
    pub channel: Channel,
}

impl Notification {
    fn new(opened_at: Timestamp, (contact, channel): &telephones::Line, at: Timestamp) -> Self {
        Self { after: at.duration_since(opened_at), contact: contact.clone(), channel: *channel }
    }
}

/// An attempt of a step.
#[derive(Debug)]
struct Attempt {
    /// Whom it notifies, how.
    pages: Vec<Planned>,
    /// How long it waits before the next one.
    wait: SignedDuration,
    /// It is the first of its round.
    begins_round: bool,
}

impl Alert<'_> {
    /// Whom it would have reached first.
    pub fn contact(&self) -> Option<&ContactId> {
        let all = self.notifications.first().into_iter().chain(self.folded.first());
        all.min_by_key(|one| one.after).map(|first| &first.contact)
    }

    /// How many notifications of a channel.
    pub fn count(&self, channel: Channel) -> usize {
        self.notifications.iter().filter(|one| one.channel == channel).count()
    }

    /// Where it stood at `t`.
    pub fn state(&self, t: Timestamp) -> State {
        let past = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment <= t);
        if past(self.resolved_at) {
            State::Resolved
        } else if past(self.acknowledged_at) {
            State::Acknowledged
        } else if past(self.expires_at) {
            State::Expired
        } else {
            State::Open
        }
    }

    /// Where it stands in the end.
    pub fn final_state(&self) -> State {
        self.state(Timestamp::MAX)
    }
}

/// What a history of mails came to.
#[derive(Debug, Default)]
pub struct Played<'c> {
    /// In the order in which they would have been opened.
    pub alerts: Vec<Alert<'c>>,
    /// Mails that asked for a call or text, by rule (empty: no rule).
    pub wanted: HashMap<&'c str, u64>,
    /// How many mails asked for one.
    pub wanted_mails: u64,
    /// How many times a mail joined an alert that was there already.
    pub joined: u64,
    /// How many times a mail was one that had been seen before.
    pub repeated: u64,
    /// How many times a mail resolved or acknowledged an alert.
    pub closed: u64,
    /// How many times there was none to close.
    pub idle: u64,
}

/// Who would have been told, and when somebody took it.
pub struct Stage<'c> {
    /// Contacts, groups and rotations.
    pub roster: &'c Roster,
    /// How long after its first notification somebody acknowledges an alert; `None`: never.
    pub acknowledged_after: Option<SignedDuration>,
    /// How often each contact is notified.
    pub limits: &'c Limits,
    /// The limit of an address at which mail arrives.
    pub recipient: &'c dyn Fn(&str) -> Option<Window>,
    /// Whether a call is told what to say only when it is answered, so that others can join it meanwhile.
    pub webhooks: bool,
}

/// Plays mails that are in the order of their time. `asks` says which of a mail's asks to play.
pub fn play<'j, 'c: 'j>(
    stage: &Stage<'_>,
    mails: &'j [Judged<'c>],
    asks: impl Fn(&'j Judged<'c>) -> &'j [Ask<'c>],
) -> Played<'c> {
    let mut played = Played::default();
    let mut by_digest: HashMap<Digest, usize> = HashMap::new();
    let mut by_mail: HashMap<Digest, usize> = HashMap::new();
    // A mail closes once: a copy of an old recovery must not end what began since.
    let mut closers: HashSet<Digest> = HashSet::new();
    let mut telephones = Telephones::default();
    for mail in mails {
        telephones.run(stage, &mut played.alerts, mail.at);
        let mut wanted = false;
        for ask in asks(mail) {
            let digests = || std::iter::once(&ask.digest).chain(&ask.other_digests);
            let newest = digests().filter_map(|digest| by_digest.get(digest)).max().copied();
            match ask.action {
                Action::Ignore => continue,
                Action::Resolve | Action::Acknowledge => {
                    if !closers.insert(ask.mail) {
                        played.repeated += 1;
                        continue;
                    }
                    let closed = newest.and_then(|index| played.alerts.get_mut(index));
                    let closed =
                        closed.is_some_and(|alert| !is_news_to(alert, ask) && close(alert, ask.action, mail.at));
                    *(if closed { &mut played.closed } else { &mut played.idle }) += 1;
                    continue;
                }
                Action::Call | Action::Sms | Action::Page => {}
            }
            wanted = true;
            *played.wanted.entry(ask.rule.unwrap_or_default()).or_default() += 1;
            let known = by_mail.get(&ask.mail).copied();
            let joinable = newest.filter(|index| played.alerts.get(*index).is_some_and(|alert| takes(alert, mail.at)));
            let over = if known.is_none() { ask.over.as_slice() } else { &[] };
            for index in over.iter().filter_map(|digest| by_digest.get(digest)) {
                if let Some(alert) = played.alerts.get_mut(*index)
                    && let Some(at) = alert.acknowledged_at.filter(|at| *at <= mail.at)
                {
                    alert.window = alert.window.min(mail.at.duration_since(at));
                }
            }
            let met = known.or(joinable);
            if let Some(alert) = met.and_then(|index| played.alerts.get_mut(index)) {
                for recipient in &ask.recipients {
                    if !alert.recipients.contains(recipient) {
                        alert.recipients.push(recipient.clone());
                    }
                }
                if known.is_some() {
                    played.repeated += 1;
                } else {
                    alert.mails += 1;
                    alert.written_at = alert.written_at.max(ask.sent_at);
                    played.joined += 1;
                }
            } else {
                let opened = played.alerts.len();
                played.alerts.push(stage.open(mail, ask));
                telephones.open(stage, &mut played.alerts, opened);
            }
            let index = met.unwrap_or(played.alerts.len().saturating_sub(1));
            for digest in digests() {
                by_digest.entry(*digest).and_modify(|newest| *newest = index.max(*newest)).or_insert(index);
            }
            by_mail.entry(ask.mail).or_insert(index);
        }
        played.wanted_mails += u64::from(wanted);
    }
    telephones.run(stage, &mut played.alerts, Timestamp::MAX);
    played
}

/// Whether an alert has had a mail that was written after the one that would close it.
fn is_news_to(alert: &Alert<'_>, ask: &Ask<'_>) -> bool {
    matches!((alert.written_at, ask.sent_at), (Some(alert), Some(mail)) if alert > mail)
}

/// Whether an alert takes in another mail of its digest.
fn takes(alert: &Alert<'_>, at: Timestamp) -> bool {
    match alert.state(at) {
        State::Open => true,
        State::Acknowledged => {
            alert.acknowledged_at.and_then(|taken| taken.checked_add(alert.window).ok()).is_none_or(|until| at < until)
        }
        State::Resolved | State::Expired => false,
    }
}

/// A mail resolves or acknowledges an alert. False when that is over already.
fn close(alert: &mut Alert<'_>, action: Action, at: Timestamp) -> bool {
    let state = alert.state(at);
    match (state, action) {
        (State::Resolved, _) => return false,
        (State::Acknowledged, Action::Acknowledge) => return true,
        (State::Open | State::Acknowledged | State::Expired, _) => alert.is_over = true,
    }
    if action == Action::Acknowledge {
        alert.acknowledged_at = Some(at);
    } else {
        alert.resolved_at = Some(at);
    }
    true
}

impl Stage<'_> {
    fn open<'c>(&self, mail: &Judged<'_>, ask: &Ask<'c>) -> Alert<'c> {
        let attempts = attempts(ask.policy, &plan(ask.policy, &ask.group, self.roster, mail.at));
        let later = |after: SignedDuration| mail.at.checked_add(after).unwrap_or(Timestamp::MAX);
        // Where there is nobody to call, the alert stays until somebody sees it.
        let seen = self.acknowledged_after.filter(|_| attempts.is_empty()).map(later);
        Alert {
            at: mail.at,
            file: mail.file,
            number: mail.number,
            subject: mail.subject.clone(),
            rule: ask.rule,
            action: ask.action,
            group: ask.group.clone(),
            key: ask.key.clone(),
            digest: ask.digest,
            recipients: ask.recipients.clone(),
            mails: 1,
            notifications: Vec::new(),
            folded: Vec::new(),
            window: if ask.over.contains(&ask.digest) { SignedDuration::ZERO } else { ask.window },
            written_at: ask.sent_at,
            acknowledged_at: seen,
            resolved_at: None,
            expires_at: None,
            last_wait: attempts.back().map(|last| last.wait).unwrap_or_default(),
            policy: ask.policy,
            attempts,
            is_cut_short: false,
            over: 0,
            told_at: None,
            held: 0,
            ends_untold: false,
            is_over: false,
        }
    }
}

/// The rows of a plan, attempt by attempt.
fn attempts(policy: &Policy, plan: &[Planned]) -> VecDeque<Attempt> {
    let same =
        |one: &Planned, next: &Planned| (one.round, one.step, one.attempt.0) == (next.round, next.step, next.attempt.0);
    let mut attempts: VecDeque<Attempt> = VecDeque::new();
    let mut rows = plan.chunk_by(same).peekable();
    let mut round = None;
    while let Some(pages) = rows.next() {
        let this_round = pages.first().map(|this| this.round);
        let begins_round = std::mem::replace(&mut round, this_round) != this_round;
        let wait = match (pages.first(), rows.peek().and_then(|next| next.first())) {
            (Some(this), Some(next)) => next.after - this.after,
            (Some(this), None) => {
                let step = usize::try_from(this.step).ok().and_then(|step| policy.steps.get(step));
                step.map_or(SignedDuration::ZERO, |step| step.wait)
            }
            (None, _) => continue,
        };
        attempts.push_back(Attempt { pages: pages.to_vec(), wait, begins_round });
    }
    attempts
}

#[cfg(test)]
mod tests;
