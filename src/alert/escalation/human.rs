//! What people do to an alert, and what the others are told of it.

use super::EntryKind;
use super::play::{Place, Play};
use crate::alert::{Actor, Channel, Delivery, News, Notification, NotificationId, Outcome, Purpose, State, Through};
use crate::oncall::{Address, ContactId};

impl Play<'_> {
    /// Another mail joined: it never rings.
    pub fn joined(&mut self, recipients: Vec<String>, subject: &str) {
        self.alert.mails = self.alert.mails.saturating_add(1);
        for recipient in recipients {
            if !self.alert.recipients.contains(&recipient) {
                self.alert.recipients.push(recipient);
            }
        }
        self.say(EntryKind::Joined, format!("mail {} joined: {subject}", self.alert.mails));
    }

    /// A human says "I have it".
    pub fn acknowledge(&mut self, by: &Actor, within: Option<NotificationId>) {
        self.somebody_is_there(within);
        let who = signature(by);
        match self.alert.state {
            State::Open | State::Expired => {
                self.say(EntryKind::Acknowledged, format!("{who} has it"));
                self.alert.state = State::Acknowledged;
                self.alert.acknowledged_at = Some(self.now);
                self.alert.acknowledged_by = Some(by.name.clone());
                self.alert.ended_at = None;
                // Who was told that they have it need not be told again that they have it still.
                let still = by.contact.is_some() && by.contact == self.alert.taken_by;
                let first = self.alert.resumed.filter(|_| still).map_or(0, |resumed| resumed.round);
                self.alert.taken_by.clone_from(&by.contact);
                let news = News::Taken { by: by.name.clone() };
                let told = self.notified(first);
                self.stop(within, &format!("{} has it", by.name), Some((news, by)), &told);
            }
            State::Acknowledged => self.say(EntryKind::Human, format!("also acknowledged by {who}")),
            State::Resolved => {
                self.say(EntryKind::Human, format!("{who} acknowledged, but it was resolved already"));
            }
        }
    }

    /// It is over.
    pub fn resolve(&mut self, by: &Actor, within: Option<NotificationId>) {
        self.somebody_is_there(within);
        let who = signature(by);
        match self.alert.state {
            State::Open | State::Acknowledged | State::Expired => {
                let told = self.notified(0);
                let unheard = told.is_empty();
                let before = if unheard { ", before anybody was notified" } else { "" };
                self.say(EntryKind::Resolved, format!("resolved by {who}{before}"));
                self.alert.state = State::Resolved;
                self.alert.ended_at = Some(self.now);
                let news = News::Over { by: by.name.clone() };
                self.stop(within, &format!("resolved by {}", by.name), Some((news, by)).filter(|_| !unheard), &told);
            }
            State::Resolved => self.say(EntryKind::Human, format!("also resolved by {who}")),
        }
    }

    /// It is over, and people need not be told: it is a newer alert of the same key that tells them, or it was a test.
    pub fn resolve_quietly(&mut self, by: &Actor, why: &str) {
        if self.alert.state == State::Resolved {
            return;
        }
        self.say(EntryKind::Resolved, format!("resolved by {}, {why}", signature(by)));
        self.alert.state = State::Resolved;
        self.alert.ended_at = Some(self.now);
        self.withdraw_old_news();
        self.stop(None, &format!("resolved by {}", by.name), None, &[]);
    }

    /// A human cannot take it: the next step that somebody else is in, now. Where none follows, all stays as it is:
    /// going on ringing is better than giving up.
    pub fn pass_on(&mut self, by: &Actor, within: Option<NotificationId>) {
        self.somebody_is_there(within);
        let who = signature(by);
        if self.alert.state == State::Acknowledged && by.contact.is_some() && by.contact == self.alert.taken_by {
            return self.give_back(by);
        }
        if self.alert.state != State::Open {
            let word = self.alert.state.word();
            return self.say(EntryKind::Human, format!("{who} asked for the next person, but it is {word} already"));
        }
        let here = self.alert.progress.map_or(Place::FIRST, |progress| Place::of_progress(&progress));
        // An attempt that waits for its redial is one that has begun.
        let begun = here.attempt > 0 || self.pages_at(here).next().is_some();
        let mut next = if begun { self.step_after(here) } else { Some(here) };
        let mut skipped = Vec::new();
        // The rest of this round and all of the next one: rounds after that have the same people.
        for _ in 0..self.alert.policy.steps.len().saturating_mul(2) {
            let Some(place) = next else { break };
            let whom = self.whom(place);
            if whom.iter().any(|contact| Some(contact) != by.contact.as_ref()) {
                self.say(EntryKind::Human, format!("{who} cannot take it; next"));
                for (step, why) in skipped {
                    self.say(EntryKind::Step, format!("step {step} skipped: {why}"));
                }
                self.withdraw_pages(&format!("{} asked for the next person", by.name), |page| {
                    Place::of_notification(page) == here && matches!(page.delivery, Delivery::Due { .. })
                });
                return self.begin(place);
            }
            let why = match whom.as_slice() {
                [] if self.step(place).is_some_and(|step| !self.counts(&step)) => "it does not count at this hour",
                [] => "nobody in it can be notified",
                [_, ..] => "only who asked is in it",
            };
            skipped.push((self.step_name(place), why));
            next = self.step_after(place);
        }
        self.say(EntryKind::Human, format!("{who} cannot take it, but there is nobody further: waiting as before"));
        self.settle();
    }

    /// Tells somebody which alerts they took.
    pub fn list(&mut self, contact: &ContactId, words: String) {
        let Some((channel, to)) = self.way_of_news(contact) else { return };
        self.say(EntryKind::Step, format!("telling {} ({to}) which alerts they took", self.name(contact)));
        self.notify(Purpose::News, Place::FIRST, contact, (channel, to), Some(News::Words(words)));
    }

    /// A human spoke in this call.
    fn somebody_is_there(&mut self, within: Option<NotificationId>) {
        if let Some(call) = within.and_then(|id| self.notification_mut(id)) {
            call.reached = true;
        }
    }

    /// Ends the playing of the policy, and tells `told`, if there is something to tell.
    fn stop(&mut self, within: Option<NotificationId>, why: &str, news: Option<(News, &Actor)>, told: &[ContactId]) {
        let place = self.alert.progress.map_or(Place::FIRST, |progress| Place::of_progress(&progress));
        self.alert.progress = None;
        self.alert.next_at = None;
        // A call in which somebody spoke was taken by its provider, although that may not have been recorded yet.
        let spoken = within.filter(|id| self.notification(*id).is_some_and(Notification::is_unsent));
        if let Some(id) = spoken {
            self.end_notification(id, Outcome::Completed, String::new());
        }
        self.withdraw_pages(why, |_| true);
        self.hang_up_all_but(within);
        if let Some((news, by)) = news {
            self.withdraw_old_news();
            self.tell(told, place, &news, by.contact.as_ref());
        }
    }

    /// Everybody who may have heard of the alert from round `first` on, in the order in which they did. Asked before
    /// anything is withdrawn: a page that is being sent may arrive.
    pub fn notified(&self, first: u32) -> Vec<ContactId> {
        let mut contacts = Vec::new();
        for notification in self.alert.notifications.iter().filter(|one| one.round >= first) {
            let heard = match notification.purpose {
                Purpose::Page => notification.may_have_been_sent(),
                // What was news to them was withdrawn for newer news, or their page has ended in doubt since.
                Purpose::News => true,
            };
            if heard && !contacts.contains(&notification.contact) {
                contacts.push(notification.contact.clone());
            }
        }
        contacts
    }

    /// Takes back news that has not been sent for certain: newer news says all that matters, and what has changed since
    /// must not be told by a later try. What is being sent may arrive all the same.
    pub fn withdraw_old_news(&mut self) {
        let unsent = self.alert.notifications.iter().filter(|one| one.purpose == Purpose::News && one.is_unsent());
        let old: Vec<_> = unsent.map(|one| one.id).collect();
        for id in old {
            self.end_notification(id, Outcome::Withdrawn, "newer news".to_owned());
        }
    }

    /// Tells news to these contacts but the one who did it, and to no telephone or mailbox twice.
    pub fn tell(&mut self, contacts: &[ContactId], place: Place, news: &News, by: Option<&ContactId>) {
        let mut told: Vec<Address> = by.and_then(|id| self.way_of_news(id)).map(|(_, to)| to).into_iter().collect();
        for id in contacts {
            let Some((channel, to)) = self.way_of_news(id) else { continue };
            if Some(id) != by && !told.contains(&to) {
                told.push(to.clone());
                self.say(EntryKind::Step, format!("telling {} ({to}): {news}", self.name(id)));
                self.notify(Purpose::News, place, id, (channel, to), Some(news.clone()));
            }
        }
    }

    /// By which way somebody is told news: by text, but by mail who had the alert by mail alone, or has no number.
    fn way_of_news(&self, id: &ContactId) -> Option<(Channel, Address)> {
        let contact = self.roster.contacts.get(id)?;
        let mut pages = self.pages().filter(|page| page.contact == *id && page.may_have_been_sent()).peekable();
        let mails_alone = pages.peek().is_some() && pages.all(|page| page.channel == Channel::Email);
        let ways = if mails_alone { [Channel::Email, Channel::Text] } else { [Channel::Text, Channel::Email] };
        ways.into_iter().find_map(|channel| Some((channel, channel.address(contact)?)))
    }
}

/// Who did it, and how: `David (by key)`.
pub(super) fn signature(by: &Actor) -> String {
    let how = match by.through {
        Through::Key => "by key",
        Through::Reply => "by text",
        Through::Email => "by e-mail",
        Through::Click => "on the web page",
        Through::Command => "on the command line",
        Through::Api => "by the API",
        Through::Mail => "by mail",
        Through::RuleFile => "taken out of the rule file",
    };
    format!("{} ({how})", by.name)
}
