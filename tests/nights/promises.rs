//! The promises, watched at every commit, at every request to the provider, and in the morning. They are told from what
//! the night knows itself: who pressed what, what was made where, which mail came. Not from what the program believes.

use thialfi::alert::{
    Alert, AlertId, Change, Channel, Delivery, EntryKind, Fact, Notification, Outcome, Purpose, State,
};
use thialfi::store::{Arrival, Filter, Receipt, Sqlite, Store};

use crate::setting::{Follows, MINUTE, SECOND};
use crate::world::{Happening, Process, World, broken};

impl World {
    /// A change of an alert was committed.
    pub fn watch(&self, process: Process, before: &Alert, change: &Change) {
        let after = &change.alert;
        let is_open = |state| state == State::Open;
        if before.state != State::Acknowledged && after.state == State::Acknowledged {
            self.is_justified(process, after, change);
        }
        // Promise 4: after an acknowledgement nothing but news.
        let new = after.notifications.iter().filter(|one| before.notifications.iter().all(|old| old.id != one.id));
        for one in new {
            if one.purpose == Purpose::Page && !is_open(after.state) {
                broken(format!("4: a page was made for an alert that is {}: {one:?}", after.state.word()));
            }
        }
        if !is_open(after.state) {
            let unsent = after.notifications.iter().find(|one| one.purpose == Purpose::Page && one.is_unsent());
            if let Some(one) = unsent {
                broken(format!("4: a page waits to be sent for an alert that is {}: {one:?}", after.state.word()));
            }
        }
        // Promise 3: what failed is followed at once. Nobody may wait for an attempt in which every page has failed.
        if let (State::Open, Some(progress)) = (after.state, after.progress) {
            let here = |one: &&Notification| {
                one.purpose == Purpose::Page
                    && (one.round, one.step, one.attempt) == (progress.round, progress.step, progress.attempt)
            };
            // Where a limit has held something back, the last attempt waits for that.
            let held = after.notifications.iter().any(|one| one.held_since.is_some());
            let mut pages = after.notifications.iter().filter(here).peekable();
            if !held && pages.peek().is_some() && pages.all(failed) {
                let pages: Vec<_> = after.notifications.iter().filter(here).collect();
                broken(format!("3: alert {} waits although its attempt has failed: {progress:?} {pages:?}", after.id));
            }
        }
        if is_open(after.state) && after.next_at.is_none() {
            broken(format!("1: alert {} is open, and nobody will look at it again", after.id));
        }
        let now = self.now_true();
        let taken = |state| matches!(state, State::Acknowledged | State::Resolved);
        self.with(|state| {
            state.tick += 1;
            let keep = |set: &mut std::collections::HashSet<AlertId>, is_in: bool| {
                if is_in {
                    set.insert(after.id)
                } else {
                    set.remove(&after.id)
                };
            };
            keep(&mut state.open, is_open(after.state));
            keep(&mut state.unsent, after.notifications.iter().any(Notification::is_unsent));
            if is_open(after.state) {
                state.taken.remove(&after.id);
            } else if taken(after.state) && !taken(before.state) {
                state.taken.insert(after.id, state.tick);
                if state.setting.calm && state.setting.webhooks && state.setting.follows == Follows::Engine {
                    state.plan(now + 15 * SECOND, Happening::Silence(after.id));
                }
            }
            state.counts.add_if(before.state != after.state, after.state.word());
            if before.state == State::Acknowledged && is_open(after.state) {
                state.counts.add("acknowledgements timed out or given back");
            }
        });
    }

    /// Promise 3: only a human acknowledges. A key that was pressed, a text that a person wrote, a mail by a rule.
    fn is_justified(&self, process: Process, alert: &Alert, change: &Change) {
        let line = change.history.iter().find(|line| line.kind == EntryKind::Acknowledged);
        let Some(line) = line else { broken(format!("6: alert {} was acknowledged without a word", alert.id)) };
        let justified = self.with(|state| match (&line.fact, process) {
            (Some(Fact::Person(person)), _) if person.through == "key" => {
                let number = person.notification.unwrap_or_default();
                let heard = alert.notifications.iter().find(|one| one.id.number == number);
                // A call that told of several alerts: the key is for all of them.
                let teller = heard.and_then(|one| one.told_by);
                let teller = teller.map(|teller| (teller.alert, teller.number));
                [Some((alert.id, number)), teller]
                    .into_iter()
                    .flatten()
                    .any(|(id, n)| state.presses.contains(&(id, n, '1')))
            }
            (Some(Fact::Person(person)), _) if person.through == "reply" => {
                person.contact.as_ref().is_some_and(|contact| state.wrote.contains(contact))
            }
            (_, Process::Deliver(mail)) => state.mails[mail].text.contains(" is SEEN"),
            (Some(Fact::Person(person)), Process::Command) => person.through == "command",
            _ => false,
        });
        if !justified {
            broken(format!("3: alert {} was acknowledged by nobody: {} {:?}", alert.id, line.text, line.fact));
        }
    }

    /// Promise 2: one event, one alert; one mail, one alert.
    pub fn watch_receipt(&self, arrival: &Arrival, receipt: &Receipt, store: &mut Sqlite) {
        let id = receipt.alert().id;
        let known = self.with(|state| *state.alert_of.entry(arrival.mail).or_insert(id));
        if known != id {
            broken(format!("2: a mail that is part of alert {known} is part of alert {id}, too"));
        }
        if let Receipt::Opened(alert) = receipt {
            let open = Filter { states: vec![State::Open], ..Filter::default() };
            let twin = store.alerts(&open).unwrap().into_iter().find(|o| o.digest == alert.digest && o.id != id);
            if let Some(twin) = twin {
                broken(format!("2: alert {id} was opened while alert {} of the same key is open", twin.id));
            }
        }
    }

    /// Promise 4, once more: what is claimed is about to ring.
    pub fn watch_claim(&self, process: Process, claimed: &[Notification], store: &mut Sqlite) {
        for one in claimed {
            let alert = store.alert(one.id.alert).unwrap();
            if one.purpose == Purpose::Page && alert.state != State::Open {
                broken(format!("4: a page of an alert that is {} was claimed: {one:?}", alert.state.word()));
            }
        }
        self.with(|state| {
            state.tick += 1;
            // What was claimed before and not handed over stays claimed: the store failed in between.
            state.pending.remove(&process);
            for one in claimed {
                state.claims.insert(one.token.as_str().to_owned(), state.tick);
                state.pending.entry(process).or_default().push_back(one.clone());
            }
        });
    }

    /// Something is being made at the provider, now.
    pub fn watch_request(&self, process: Process, channel: Channel) {
        if process == Process::Web {
            broken("9 of the invariants: a webhook waits for the provider".to_owned());
        }
        let Ok(mut store) = self.store.try_lock() else {
            broken("9 of the invariants: a transaction waits for the provider".to_owned());
        };
        let Some(job) = self.with(|state| state.job.clone()) else {
            // An answer to a reply; or the last resort of a delivery that has no store.
            return self.with(|state| state.counts.add("sent without a notification (answers, no store)"));
        };
        if job.channel != channel {
            broken(format!("a {channel:?} is sent for {job:?}"));
        }
        let alert = store.alert(job.id.alert).unwrap();
        let taken = self.with(|state| state.taken.get(&alert.id).copied());
        let claimed = self.with(|state| state.claims.get(job.token.as_str()).copied());
        // What was claimed before somebody took it may be on its way.
        let too_late = taken.is_some_and(|taken| claimed.is_none_or(|claimed| claimed > taken));
        if job.purpose == Purpose::Page && too_late {
            broken(format!("4: a page follows an acknowledgement: {job:?}"));
        }
    }

    /// Something was made. Promise 2: each notification once.
    pub fn watch_made(&self) {
        let Some(job) = self.with(|state| state.job.clone()) else { return };
        let calls = self.with(|state| {
            let calls = state.network.calls.iter().filter_map(|call| call.job.as_ref());
            let texts = state.network.texts.iter().filter_map(|text| text.job.as_ref());
            calls.chain(texts).filter(|one| one.token == job.token).count()
        });
        if calls > 1 {
            broken(format!("2: the same {} was made {calls} times: {job:?}", job.channel.word()));
        }
    }

    /// A quarter of a minute after somebody took it, no telephone rings for it any more.
    pub fn watch_silence(&self, id: AlertId) {
        let alert = self.store.lock().unwrap().alert(id).unwrap();
        if alert.state == State::Open {
            return;
        }
        let ringing = self.with(|state| {
            let mut calls = state.network.calls.iter();
            calls
                .find(|call| {
                    !call.is_over() && !call.pressed && call.job.as_ref().is_some_and(|job| job.id.alert == id)
                })
                .cloned()
        });
        if let Some(call) = ringing {
            broken(format!("4: a telephone rings on although alert {id} is {}: {call:?}", alert.state.word()));
        }
    }

    /// While nothing has gone wrong for a while, nothing is overdue.
    pub fn watch_overdue(&self) {
        let now = self.now_true();
        let quiet = self.with(|state| now - state.last_trouble > 15 * MINUTE && state.depth == 0);
        if !quiet {
            return;
        }
        let due = self.store.lock().unwrap().next_due().unwrap();
        let present = self.wall();
        if let Some(due) = due
            && present.duration_since(due).as_secs() > 60
        {
            let open = self.store.lock().unwrap().alerts(&Filter::default()).unwrap();
            broken(format!("1: something was due at {due} and is not done at {present}: {open:#?}"));
        }
    }

    /// Every mail is dealt with, and every alert has come to an end that somebody knows of.
    pub fn watch_morning(&self) {
        let alerts = self.store.lock().unwrap().alerts(&Filter::default()).unwrap();
        for mail in self.with(|state| state.mails.clone()) {
            if !mail.done {
                broken(format!("1: a mail has not been dealt with by the morning: {}", mail.text));
            }
            let known = mail.digest.and_then(|digest| self.store.lock().unwrap().alert_of_mail(digest).unwrap());
            if mail.pages && known.is_none() {
                broken(format!("1: a mail was dealt with, and is part of no alert: {}", mail.text));
            }
            if !mail.pages && known.is_some() {
                broken(format!("2: a mail that quotes opened alert {known:?}: {}", mail.text));
            }
        }
        for alert in alerts {
            if alert.state == State::Open {
                broken(format!("1: alert {} is open in the morning: {alert:#?}", alert.id));
            }
            let unsent = alert.notifications.iter().find(|one| one.is_unsent());
            if let Some(one) = unsent {
                broken(format!("1: something is unsent in the morning: {one:?}"));
            }
            if alert.state == State::Expired {
                self.watch_expired(&alert);
            }
        }
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
        if !pages.clone().all(refused) && !pages.clone().any(|one| made(one.to.as_str(), Purpose::Page)) {
            broken(format!("1: alert {} has expired, and no telephone ever rang: {alert:#?}", alert.id));
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
}

/// Whether nobody can be woken by it any more.
fn failed(one: &Notification) -> bool {
    match &one.delivery {
        Delivery::Ended { outcome, .. } => !one.reached && *outcome != Outcome::Delivered,
        Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } | Delivery::Accepted { .. } => false,
    }
}
