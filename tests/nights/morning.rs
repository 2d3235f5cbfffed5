//! The promises, watched in the morning: every mail is dealt with, and every alert has come to an end that somebody knows of.

use thialfi::alert::{Alert, Delivery, News, Notification, Outcome, Purpose, State};
use thialfi::store::{Filter, Store};

use crate::setting::Follows;
use crate::state::Says;
use crate::world::{World, broken};

impl World {
    /// Every mail is dealt with, and every alert has come to an end that somebody knows of.
    pub fn watch_morning(&self) {
        let alerts = self.store.lock().unwrap().alerts(&Filter::default()).unwrap();
        for mail in self.with(|state| state.mails.clone()) {
            if !mail.done {
                broken(format!("1: a mail has not been dealt with by the morning: {}", mail.text));
            }
            match (mail.says, mail.alert) {
                (Says::Down, None) => {
                    broken(format!("1: a mail was dealt with, and is part of no alert: {}", mail.text))
                }
                (Says::Quotes | Says::Up | Says::Seen, Some(id)) => {
                    broken(format!("2: a mail opened alert {id}, and must not: {}", mail.text))
                }
                (Says::Down, Some(_)) | (Says::Quotes | Says::Up | Says::Seen, None) => {}
            }
        }
        for alert in alerts {
            if self.with(|state| state.story(alert.id).host.is_empty()) {
                broken(format!("2: alert {} belongs to no mail: {alert:#?}", alert.id));
            }
            if alert.state == State::Open {
                broken(format!("1: alert {} is open in the morning: {alert:#?}", alert.id));
            }
            // Promise 5: what was held back was told, or somebody took it before.
            let unsent = alert.notifications.iter().find(|one| one.is_unsent());
            if let Some(one) = unsent.filter(|one| self.somebody_sends(one)) {
                let what = if one.is_held() { "5: something is held back" } else { "1: something is unsent" };
                broken(format!("{what} in the morning: {one:?}"));
            }
            self.let_go_of_what_was_held(&alert);
            self.with(|state| {
                let held = alert.notifications.iter().filter(|one| one.held_since.is_some()).count();
                if held > 0 {
                    state.counts.add("alerts of which a limit held back something");
                }
            });
            if alert.state == State::Expired {
                self.watch_expired(&alert);
                self.was_played_to_its_end(&alert);
            }
        }
    }

    /// What a limit held back was made, was told by another, or was not needed any more from the moment on at which the
    /// alert was open no more.
    fn let_go_of_what_was_held(&self, alert: &Alert) {
        let (story, made_of) = self.with(|state| (state.story(alert.id).clone(), state.made_of.clone()));
        let held = |one: &&Notification| one.held_since.is_some() && one.purpose == Purpose::Page;
        for one in alert.notifications.iter().filter(held) {
            let Delivery::Ended { at, outcome: Outcome::Withdrawn, .. } = one.delivery else { continue };
            let closed = story.closed_walls.contains(&at.as_millisecond());
            if !closed && one.tries == 0 && one.told_by.is_none() && !made_of.contains_key(one.token.as_str()) {
                broken(format!("5: a page that a limit held back was dropped: {one:?}"));
            }
        }
    }

    /// Without an engine, what a text or a command has made news is sent by that process, and by no other; it says so.
    fn somebody_sends(&self, unsent: &Notification) -> bool {
        let nobody = unsent.purpose == Purpose::News && unsent.news != Some(News::Unanswered);
        self.with(|state| {
            let nobody = nobody && state.setting.follows == Follows::Queue;
            if nobody {
                state.counts.add("news that nobody was there to send (no engine)");
            }
            !nobody
        })
    }

    /// Whether what the provider made for another notification to the same number, or for a delivery that could not open the
    /// store, is taken for this one, which was in doubt: a provider's list of calls does not say what a call is about.
    fn has_the_call_of_another(&self, one: &Notification) -> bool {
        let (Delivery::Accepted { provider_id, .. } | Delivery::Ended { provider_id: Some(provider_id), .. }) =
            &one.delivery
        else {
            return false;
        };
        self.with(|state| {
            let call = state.network.calls.iter().find(|call| call.sid == *provider_id && call.to == one.to.as_str());
            call.is_some_and(|call| call.job.as_ref().is_none_or(|job| job.id != one.id && one.told_by != Some(job.id)))
        })
    }

    /// Nobody took it: then somebody was called or texted, and everybody has been told so.
    fn watch_expired(&self, alert: &Alert) {
        let made = |number: &str, purpose| {
            self.with(|state| {
                let calls = state.network.calls.iter().map(|call| (&call.to, &call.job));
                let texts = state.network.texts.iter().map(|text| (&text.to, &text.job));
                let told = |id| alert.notifications.iter().any(|one| one.told_by == Some(id));
                calls.chain(texts).any(|(to, job)| {
                    let ours = |job: &Notification| job.id.alert == alert.id || told(job.id);
                    to == number && job.as_ref().is_some_and(|job| ours(job) && job.purpose == purpose)
                })
            })
        };
        let pages = alert.notifications.iter().filter(|one| one.purpose == Purpose::Page);
        let refused = |one: &Notification| matches!(one.delivery, Delivery::Ended { outcome: Outcome::Refused, .. });
        // One that joined a call while that was ringing was told if somebody had answered.
        let rode = |state: &crate::state::State| {
            let tellers: Vec<_> = alert.notifications.iter().filter_map(|one| one.told_by).collect();
            let mut jobs = state.network.calls.iter().filter_map(|call| call.job.as_ref());
            jobs.any(|job| tellers.contains(&job.id))
        };
        let told = self.with(|state| state.story(alert.id).was_told || rode(state));
        // A number that the provider refuses for good rings nowhere, and what was withdrawn before it was asked for would
        // not have.
        let dead = |one: &Notification| refused(one) || self.with(|state| state.refuses(one.to.as_str()));
        let mistaken = pages.clone().any(|one| self.has_the_call_of_another(one));
        if mistaken && !told {
            self.with(|state| state.counts.add("a page in doubt was taken for another one to the same number"));
        } else if !pages.clone().all(dead) && !told {
            broken(format!("1: alert {} has expired, and no telephone ever rang: {alert:#?}", alert.id));
        }
        for member in ["anna", "ben", "cleo"] {
            let news = |one: &Notification| one.purpose == Purpose::News && one.contact.as_str() == member;
            if !alert.notifications.iter().any(news) {
                broken(format!("1: {member} was not told that nobody answered: {alert:#?}"));
            }
        }
        for one in alert.notifications.iter().filter(|one| one.purpose == Purpose::News && !refused(one)) {
            let outcome = match &one.delivery {
                Delivery::Ended { outcome, .. } => Some(*outcome),
                Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } | Delivery::Accepted { .. } => {
                    None
                }
            };
            if outcome == Some(Outcome::GaveUp) {
                self.with(|state| state.counts.add("news given up"));
            } else if outcome != Some(Outcome::Withdrawn) && !made(one.to.as_str(), Purpose::News) {
                broken(format!("1: {} was not told that nobody answered: {one:?}", one.contact));
            }
        }
    }

    /// In a calm night each step of each round was played as often as the rule file says, by something that was made.
    fn was_played_to_its_end(&self, alert: &Alert) {
        let (calm, story) = self.with(|state| {
            let calm = state.setting.calm && state.setting.follows == Follows::Engine;
            (calm, state.story(alert.id).clone())
        });
        let held = alert.notifications.iter().any(|one| one.held_since.is_some());
        if !calm || held || story.was_passed || alert.resumed.is_some() {
            return;
        }
        for round in 0..=self.rules.repeat {
            for (number, step) in (0..).zip(&self.rules.steps) {
                if step.only.is_some() || !self.rules.has_somebody(step) {
                    continue;
                }
                for attempt in 0..step.attempts {
                    let here = |one: &&Notification| {
                        one.purpose == Purpose::Page && (one.round, one.step, one.attempt) == (round, number, attempt)
                    };
                    let made = self.with(|state| {
                        let mut pages = alert.notifications.iter().filter(here);
                        pages.any(|one| one.told_by.is_some() || state.made_of.contains_key(one.token.as_str()))
                    });
                    if !made {
                        let place = (round, number, attempt);
                        broken(format!("3: {place:?} was left out, and nobody acknowledged: {alert:#?}"));
                    }
                }
            }
        }
        self.with(|state| state.counts.add("policies of which every attempt was counted"));
    }
}
