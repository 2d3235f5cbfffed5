//! An alert that is opened anew, because an acknowledgement has timed out or was given back; one that changes hands; and
//! what is told when nobody took it.

use jiff::{SignedDuration, Timestamp};

use super::EntryKind;
use super::human::signature;
use super::play::{Place, Play, later};
use crate::alert::{Actor, Channel, News, Resumed, State, Step, Target};
use crate::oncall::ContactId;

/// How long whoever is asked again has to react, each time.
const REMINDER_WAIT: SignedDuration = SignedDuration::from_mins(5);

/// How long after a call to them that failed the next one follows.
const REMINDER_REDIAL: SignedDuration = SignedDuration::from_mins(1);

impl Play<'_> {
    /// When the acknowledgement times out, if it does.
    pub fn times_out_at(&self) -> Option<Timestamp> {
        let remind = self.alert.policy.remind?;
        Some(later(self.alert.acknowledged_at.unwrap_or(self.now), remind))
    }

    /// Opens an acknowledged alert anew when its acknowledgement has timed out. Whoever took it is asked first; when they
    /// do not react, the policy is played from its beginning.
    pub fn time_out(&mut self) {
        if self.alert.state != State::Acknowledged || self.times_out_at().is_none_or(|at| at > self.now) {
            return;
        }
        let who = self.alert.acknowledged_by.clone().unwrap_or_else(|| "somebody".to_owned());
        let remind = self.alert.policy.remind.unwrap_or_default();
        self.say(EntryKind::Reopened, format!("{who} has had it for {remind:#}, and it is not over: asking again"));
        let resumed = self.reopen();
        let round = if self.alert.taken_by.is_some() { resumed } else { resumed.saturating_add(1) };
        self.begin(Place { round, ..Place::FIRST });
    }

    /// Whoever has it cannot do it: the first step that somebody else is in, now. Where there is none they keep it.
    pub fn give_back(&mut self, by: &Actor) {
        let who = signature(by);
        let next = (0..).zip(&self.alert.policy.steps).find(|(_, step)| {
            let whom = step.notify.contacts(&self.alert.group, self.roster, self.now);
            let somebody = |id: &ContactId| {
                let contact = self.roster.contacts.get(id);
                Some(id) != by.contact.as_ref() && contact.is_some_and(|contact| contact.text_number().is_some())
            };
            self.counts(step) && !step.by.is_empty() && whom.iter().any(somebody)
        });
        let Some((step, _)) = next else {
            return self
                .say(EntryKind::Human, format!("{who} cannot do it, but there is nobody further: it stays theirs"));
        };
        self.say(EntryKind::Reopened, format!("{who} cannot do it and gives it back; next"));
        let round = self.reopen().saturating_add(1);
        self.begin(Place { round, step, attempt: 0 });
    }

    /// A human takes it from whoever has it, who is told.
    pub fn take_over(&mut self, by: &Actor) {
        let same = by.contact == self.alert.taken_by && self.alert.acknowledged_by.as_deref() == Some(&by.name);
        if self.alert.state != State::Acknowledged || same {
            return self.acknowledge(by, None);
        }
        let from = self.alert.acknowledged_by.replace(by.name.clone()).unwrap_or_else(|| "somebody".to_owned());
        self.say(EntryKind::Acknowledged, format!("{} takes it over from {from}", signature(by)));
        let mut told = self.notified(0);
        told.extend(self.alert.taken_by.take());
        self.alert.taken_by.clone_from(&by.contact);
        self.alert.acknowledged_at = Some(self.now);
        self.withdraw_old_news();
        let news = News::TakenOver { by: by.name.clone() };
        self.tell(&told, self.last_place(), &news, by.contact.as_ref());
    }

    /// The policy has ended and nobody took it: everybody in the group, whoever was notified and the last resort.
    pub fn tell_of_the_end(&mut self) {
        if self.alert.policy.is_self_test() {
            return;
        }
        let mut told = self.notified(0);
        let (group, now) = (&self.alert.group, self.now);
        told.extend(self.roster.everybody(group));
        told.extend(Target::Backup.contacts(group, self.roster, now));
        if let Some(last) = &self.alert.policy.last_resort {
            told.extend(last.contacts(group, self.roster, now));
        }
        self.tell(&told, self.last_place(), &News::Unanswered, None);
    }

    /// Whether a place is in the round in which whoever took the alert is asked again.
    pub fn is_reminder(&self, place: Place) -> bool {
        self.alert.resumed.is_some_and(|resumed| resumed.round == place.round)
    }

    /// How whoever took it is asked again: by text, then by call.
    pub fn reminder(&self) -> Vec<Step> {
        let Some(contact) = &self.alert.taken_by else { return Vec::new() };
        let step = |channel, attempts| Step {
            notify: Target::Contact(contact.to_string()),
            by: vec![channel],
            attempts,
            wait: REMINDER_WAIT,
            redial: REMINDER_REDIAL,
            only: None,
        };
        vec![step(Channel::Text, 1), step(Channel::Call, 2)]
    }

    /// How many times all steps have been played before a round, since the alert was opened (anew).
    pub fn repetitions(&self, round: u32) -> u32 {
        let first = self.alert.resumed.map_or(0, |resumed| resumed.round.saturating_add(1));
        round.saturating_sub(first)
    }

    /// Makes it an open alert again. Returns the round of the reminder; the policy's own follow.
    fn reopen(&mut self) -> u32 {
        self.withdraw_old_news();
        let last = self.alert.notifications.iter().map(|one| one.round).max().unwrap_or(0);
        let before = self.alert.resumed.map_or(0, |resumed| resumed.round);
        let round = last.max(before).saturating_add(1);
        self.alert.resumed = Some(Resumed { round, at: self.now });
        self.alert.state = State::Open;
        self.alert.acknowledged_at = None;
        self.alert.acknowledged_by = None;
        self.alert.progress = None;
        round
    }

    /// Where the last notification belongs.
    fn last_place(&self) -> Place {
        self.alert.notifications.last().map_or(Place::FIRST, Place::of_notification)
    }
}
