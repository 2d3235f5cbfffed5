//! The promises, watched from outside: at each request to the provider, at each key and text of a person, and some time
//! later.

use thialfi::alert::{Alert, AlertId, Channel, Delivery, Notification, NotificationId, Purpose, State};
use thialfi::store::{Filter, Store};

use crate::network::{Asked, Call};
use crate::rules::{NAMES, owner};
use crate::setting::{Follows, SECOND};
use crate::state::Look;
use crate::world::{Happening, Process, World, broken};

impl World {
    /// Something is being made at the provider, now.
    pub fn watch_request(&self, process: Process, channel: Channel, to: &str) {
        if process == Process::Web {
            broken("9 of the invariants: a webhook waits for the provider".to_owned());
        }
        let Ok(mut store) = self.store.try_lock() else {
            broken("9 of the invariants: a transaction waits for the provider".to_owned());
        };
        let Some(job) = self.with(|state| state.job.clone()) else {
            // An answer to a reply; or the last resort of a delivery that has no store.
            return self.with(|state| {
                *state.unstored.entry(process).or_default() += 1;
                state.counts.add("sent without a notification (answers, no store)");
            });
        };
        let whose = owner(to).map(|who| NAMES[who].to_lowercase());
        if job.channel != channel || whose.as_deref() != Some(job.contact.as_str()) {
            broken(format!("3: a {channel:?} to {to} is made for {job:?}"));
        }
        let alert = store.alert(job.id.alert).unwrap();
        let riders = store.told(job.id, i64::MAX).unwrap().besides;
        let now = self.now_true();
        let (taken, claimed) = self.with(|state| {
            for id in riders.iter().map(|alert| alert.id).chain([alert.id]) {
                state.story(id).asked_at = Some(now);
            }
            (state.taken.get(&alert.id).copied(), state.claims.get(job.token.as_str()).copied())
        });
        // What was claimed before somebody took it may be on its way.
        let too_late = taken.is_some_and(|taken| claimed.is_none_or(|claimed| claimed > taken));
        if job.purpose == Purpose::Page && too_late {
            broken(format!("4: a page follows an acknowledgement: {job:?}"));
        }
    }

    /// Something was made. Promise 2: each notification once, and one for each attempt, person and channel. Promise 5:
    /// it tells of all that is folded into it.
    pub fn watch_made(&self, asked: &Asked) {
        let Some(job) = self.with(|state| state.job.clone()) else { return };
        let now = self.now_true();
        let (times, again, set_back) = self.with(|state| {
            let (times, first) = state.made_of.entry(job.token.as_str().to_owned()).or_insert((0, now));
            *times += 1;
            let (times, first) = (*times, *first);
            let place = (job.id.alert, [job.round, job.step, job.attempt], job.to.to_string(), job.channel);
            let again = job.purpose == Purpose::Page && !state.made_at.insert(place);
            (times, again, state.set_back_at.is_some_and(|at| at >= first))
        });
        // When it was sent is told by a clock that has been set back since: nobody can tell where to look for it.
        if times > 1 && set_back {
            return self.with(|state| state.counts.add("made twice: the clock was set back while that was in doubt"));
        }
        // A text in doubt is found by its words; those of news tell how things stand, and change.
        if times > 1 && job.purpose == Purpose::News && job.channel == Channel::Text {
            return self.with(|state| state.counts.add("news told twice: it was in doubt, and its words had changed"));
        }
        if times > 1 && self.is_taken_for_another(&job) {
            return self
                .with(|state| state.counts.add("made twice: of two to one number in doubt one had the other's call"));
        }
        if times > 1 {
            broken(format!("2: the same {} was made {times} times: {job:?}", job.channel.word()));
        }
        if again {
            broken(format!("2: {} has had a {} for this attempt before: {job:?}", job.to, job.channel.word()));
        }
        if job.purpose != Purpose::Page {
            return;
        }
        let mut store = self.store.lock().unwrap();
        let told = store.told(job.id, i64::MAX).unwrap();
        drop(store);
        let words = asked.form.get("Body").or_else(|| asked.form.get("Twiml"));
        let riders: Vec<AlertId> = told.besides.iter().map(|alert| alert.id).collect();
        let host = self.with(|state| {
            for id in riders.iter().chain([&job.id.alert]) {
                state.story(*id).was_told = true;
            }
            for _ in &riders {
                state.counts.add("alerts folded into another notification");
            }
            state.story(job.id.alert).host
        });
        let Some(words) = words else { return };
        let of_reminder = job.news.is_some();
        let all = riders.len() + 1;
        let says_how_many = match job.channel {
            Channel::Text => words.contains(&format!("and {} more", riders.len())),
            Channel::Call | Channel::Email => words.contains(&format!("{all} alerts")),
        };
        if !of_reminder && !words.contains(host) || !riders.is_empty() && !of_reminder && !says_how_many {
            broken(format!("5: a {} that tells of {all} alerts, {host} first, says: {words}", job.channel.word()));
        }
    }

    /// Whether what was first made for it is taken for another notification to the same number, which was in doubt, too: a
    /// provider's list of calls does not say what a call is about.
    fn is_taken_for_another(&self, job: &Notification) -> bool {
        let sids: Vec<String> = self.with(|state| {
            let ours = |made: &Option<Notification>| made.as_ref().is_some_and(|one| one.token == job.token);
            let calls = state.network.calls.iter().filter(|call| ours(&call.job)).map(|call| call.sid.clone());
            let texts = state.network.texts.iter().filter(|text| ours(&text.job)).map(|text| text.sid.clone());
            calls.chain(texts).collect()
        });
        let alerts = self.store.lock().unwrap().alerts(&Filter::default()).unwrap();
        let others = alerts.iter().flat_map(|alert| &alert.notifications).filter(|one| one.id != job.id);
        others.into_iter().any(|one| match &one.delivery {
            Delivery::Accepted { provider_id, .. } | Delivery::Ended { provider_id: Some(provider_id), .. } => {
                one.told_by != Some(job.id) && sids.contains(provider_id)
            }
            _ => false,
        })
    }

    /// A call was answered by a human or a mailbox, and heard this. It tells of what is open of all that it is for.
    pub fn watch_document(&self, call: &Call, document: &str) {
        let Some(job) = &call.job else { return };
        let mut store = self.store.lock().unwrap();
        let teller = store.teller(job.id).unwrap();
        let told = store.told(teller, i64::MAX).unwrap();
        drop(store);
        let all = std::iter::once(&told.alert).chain(&told.besides);
        let open: Vec<AlertId> =
            all.filter(|alert| matches!(alert.state, State::Open | State::Expired)).map(|alert| alert.id).collect();
        let host = self.with(|state| {
            for id in &open {
                state.story(*id).was_told = true;
            }
            open.first().map(|id| state.story(*id).host)
        });
        let right = match (open.len(), host) {
            (0, _) | (_, None) => document.contains("already"),
            (1, Some(host)) => document.contains(host),
            (count, Some(host)) => document.contains(host) && document.contains(&format!("{count} alerts")),
        };
        if !right {
            broken(format!("5: a call that is to tell of {open:?} says: {document}"));
        }
    }

    /// What a key is for: what is open of all that the call has told of.
    pub fn meant(&self, id: NotificationId, last: i64) -> Vec<(AlertId, State)> {
        let mut store = self.store.lock().unwrap();
        let teller = store.teller(id).unwrap();
        let told = store.told(teller, last).unwrap();
        std::iter::once(&told.alert).chain(&told.besides).map(|alert| (alert.id, alert.state)).collect()
    }

    /// A key was pressed, and the program has answered: what it asks for is so.
    pub fn watch_key(&self, who: usize, key: char, meant: &[(AlertId, State)]) {
        let waits = |state: &State| matches!(state, State::Open | State::Expired);
        let waiting: Vec<AlertId> = meant.iter().filter(|(_, state)| waits(state)).map(|(id, _)| *id).collect();
        let mut store = self.store.lock().unwrap();
        for id in &waiting {
            let alert = store.alert(*id).unwrap();
            let done = match key {
                '1' => alert.state == State::Acknowledged && alert.acknowledged_by.as_deref() == Some(NAMES[who]),
                '2' => alert.state != State::Acknowledged,
                '3' if waiting.len() == 1 => alert.state == State::Resolved,
                _ => waits(&alert.state),
            };
            if !done {
                broken(format!("4: {} pressed {key}, and alert {id} is {}", NAMES[who], alert.state.word()));
            }
        }
        drop(store);
        if key == '2' {
            self.with(|state| waiting.iter().for_each(|id| state.story(*id).was_passed = true));
        }
    }

    /// A text that names an alert was received: what it asks for is so.
    pub fn watch_reply(&self, id: AlertId, before: State, wish: &str) {
        let after = self.store.lock().unwrap().alert(id).unwrap().state;
        let done = match (wish, before) {
            ("done", State::Open | State::Expired | State::Acknowledged) => after == State::Resolved,
            ("pass", _) => true,
            (_, State::Open | State::Expired) => after == State::Acknowledged,
            _ => true,
        };
        if !done {
            broken(format!("4: somebody wrote `{wish}`, and alert {id} is {}", after.word()));
        }
    }

    /// A look at an alert, some time later.
    pub fn look(&self, id: AlertId, look: Look) {
        let alert = self.store.lock().unwrap().alert(id).unwrap();
        let now = self.now_true();
        let held = alert.notifications.iter().any(|one| one.held_since.is_some());
        let rides = |since: i64| {
            alert.notifications.iter().any(|one| one.told_by.is_some() && one.created_at.as_millisecond() >= since)
        };
        let story = self.with(|state| state.story(id).clone());
        match look {
            Look::Silent if alert.state != State::Open => {
                let ringing = self.with(|state| {
                    let ours = |call: &&Call| call.job.as_ref().is_some_and(|job| job.id.alert == id);
                    let mut calls = state.network.calls.iter().filter(ours);
                    // A mailbox may be left its message.
                    let rings =
                        |call: &Call| !call.is_over() && !call.pressed && call.answered_by != Some("machine_start");
                    calls.find(|call| rings(call)).cloned()
                });
                let Some(call) = ringing else { return };
                // Who is to end the call may be held up just now, and can do nothing.
                if self.with(|state| state.depth > 0) {
                    return self.with(|state| state.plan(now + 15 * SECOND, Happening::Look(id, Look::Silent)));
                }
                let told = call.job.as_ref().map(|job| self.told_in(job.id)).unwrap_or_default();
                let needed = told.iter().any(|alert| alert.state == State::Open);
                // It was needed until the last of what it tells was taken.
                let taken_at = self.with(|state| told.iter().map(|alert| state.story(alert.id).taken_at).max());
                if let Some(silent_at) = taken_at.map(|at| at + 15 * SECOND).filter(|at| *at > now) {
                    return self.with(|state| state.plan(silent_at, Happening::Look(id, Look::Silent)));
                }
                if !needed {
                    let word = alert.state.word();
                    broken(format!("4: a telephone rings on although alert {id} is {word}: {call:?}"));
                }
            }
            Look::Told { at_the_latest } if alert.state == State::Open => {
                // The first of a key is held back in a storm only.
                let storm = self.with(|state| state.stories.len() > 2);
                let asked = story.asked_at.is_some() || rides(0);
                if !asked && (at_the_latest || !held || !storm) {
                    let how = if held { "held back" } else { "open" };
                    let since = (now - story.opened_at) / SECOND;
                    broken(format!("5: alert {id} has been {how} for {since} s, and nobody was told: {alert:#?}"));
                }
            }
            Look::Next { failed_at, wall } if alert.state == State::Open => {
                let asked = story.asked_at.is_some_and(|at| at >= failed_at) || rides(wall);
                if !asked && !held && story.reopened_at < failed_at {
                    let since = (now - failed_at) / SECOND;
                    broken(format!("3: nothing has followed for {since} s what failed about {alert:#?}"));
                }
            }
            Look::Taken { written_at } if alert.state == State::Open && story.reopened_at < written_at => {
                broken(format!("4: somebody wrote that they take alert {id}, and it is still open"));
            }
            Look::AskedAgain { taken_at } if alert.state == State::Acknowledged && story.taken_at == taken_at => {
                broken(format!("1: alert {id} was taken long ago, and nobody was asked again: {alert:#?}"));
            }
            Look::Silent | Look::Told { .. } | Look::Next { .. } | Look::Taken { .. } | Look::AskedAgain { .. } => {}
        }
    }

    /// All that a call tells of.
    fn told_in(&self, call: NotificationId) -> Vec<Alert> {
        let mut store = self.store.lock().unwrap();
        let teller = store.teller(call).unwrap();
        // What has joined a call that nobody has answered yet has no place in it.
        let told_by = |alert: &Alert| alert.notifications.iter().any(|one| one.told_by == Some(teller));
        let mut alerts = store.alerts(&Filter::default()).unwrap();
        alerts.retain(|alert| alert.id == teller.alert || told_by(alert));
        alerts
    }

    /// A call or text has failed at the other end: in a calm night something follows at once.
    pub fn expect_next(&self, job: Option<&Notification>) {
        let Some(job) = job.filter(|job| job.purpose == Purpose::Page) else { return };
        let (now, wall) = (self.now_true(), self.wall().as_millisecond());
        let calm = self.with(|state| state.setting.calm && state.setting.follows == Follows::Engine);
        if !calm {
            return;
        }
        let alert = self.store.lock().unwrap().alert(job.id.alert).unwrap();
        let at = (job.round, job.step, job.attempt);
        // Of several people, or of a call and a text at once, others may still be waited for.
        let alone = alert.notifications.iter().filter(|one| (one.round, one.step, one.attempt) == at).count() == 1;
        let under_way = alert.progress.is_some_and(|here| (here.round, here.step, here.attempt) == at);
        if alert.state == State::Open && alone && under_way {
            self.with(|state| {
                let slack = if state.setting.preempted == 0 { 20 * SECOND } else { 150 * SECOND };
                let by = now + self.rules.longest_redial() * SECOND + slack;
                state.counts.add("failures after which the next attempt was expected at once");
                state.plan(by, Happening::Look(job.id.alert, Look::Next { failed_at: now, wall }));
            });
        }
    }
}
