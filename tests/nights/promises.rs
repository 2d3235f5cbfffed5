//! The promises, watched at every commit. They are told from what the night knows itself: who pressed what, what was made
//! where, which mail came. Not from what the program believes.

use std::collections::HashSet;

use thialfi::alert::{
    Alert, AlertId, Change, Delivery, EntryKind, Fact, Notification, NotificationId, Outcome, Purpose, State, Target,
};
use thialfi::oncall::Override;
use thialfi::store::{Closing, Filter, Receipt, Sqlite, Store};

use crate::rules::{NAMES, WINDOW};
use crate::setting::{Follows, MINUTE, SECOND};
use crate::state::{Look, RosterRead, Says, StandIn};
use crate::world::{Happening, Process, World, broken};

/// A process that is interrupted again and again acts so long after it has looked at who stands in, at most.
const LOOKS: i64 = 10 * MINUTE;

impl World {
    /// A change of an alert was committed.
    pub fn watch(&self, process: Process, roster: Option<RosterRead>, before: &Alert, change: &Change) {
        let after = &change.alert;
        let is_open = |state| state == State::Open;
        if before.state != State::Acknowledged && after.state == State::Acknowledged {
            self.is_justified(process, after, change);
        }
        if before.state == State::Acknowledged && is_open(after.state) {
            self.may_reopen(before, change);
        }
        // Promise 4: after an acknowledgement nothing but news.
        let new = after.notifications.iter().filter(|one| before.notifications.iter().all(|old| old.id != one.id));
        for one in new {
            if one.purpose == Purpose::Page && !is_open(after.state) {
                broken(format!("4: a page was made for an alert that is {}: {one:?}", after.state.word()));
            }
            self.is_whose_turn_it_is(roster, after, one);
        }
        if !is_open(after.state) {
            let unsent = after.notifications.iter().find(|one| one.purpose == Purpose::Page && one.is_unsent());
            if let Some(one) = unsent {
                broken(format!("4: a page waits to be sent for an alert that is {}: {one:?}", after.state.word()));
            }
        }
        waits_for_somebody(after);
        if is_open(after.state) && after.next_at.is_none() {
            broken(format!("1: alert {} is open, and nobody will look at it again", after.id));
        }
        self.note(before, after);
    }

    fn note(&self, before: &Alert, after: &Alert) {
        let taken = |state| matches!(state, State::Acknowledged | State::Resolved);
        let (now, wall) = (self.now_true(), self.wall().as_millisecond());
        self.with(|state| {
            state.tick += 1;
            let keep = |set: &mut HashSet<AlertId>, is_in: bool| {
                if is_in {
                    set.insert(after.id)
                } else {
                    set.remove(&after.id)
                };
            };
            keep(&mut state.open, after.state == State::Open);
            if before.state == State::Open && after.state != State::Open {
                state.story(after.id).closed_walls.push(wall);
            }
            keep(&mut state.unsent, after.notifications.iter().any(Notification::is_unsent));
            if after.state == State::Open {
                state.taken.remove(&after.id);
                if before.state != State::Open {
                    state.story(after.id).reopened_at = now;
                }
            } else if taken(after.state) && !taken(before.state) {
                state.taken.insert(after.id, state.tick);
                let story = state.story(after.id);
                (story.taken_wall, story.taken_at) = (wall, now);
                if let (State::Acknowledged, Some(minutes)) = (after.state, self.rules.remind)
                    && state.setting.calm
                    && state.setting.follows == Follows::Engine
                {
                    let by = now + minutes * MINUTE + 3 * MINUTE;
                    state.plan(by, Happening::Look(after.id, Look::AskedAgain { taken_at: now }));
                }
                if state.setting.calm && state.setting.webhooks && state.setting.follows == Follows::Engine {
                    state.plan(now + 15 * SECOND, Happening::Look(after.id, Look::Silent));
                }
            }
            state.counts.add_if(before.state != after.state, after.state.word());
            if before.state == State::Acknowledged && after.state == State::Open {
                state.counts.add("acknowledgements timed out or given back");
            }
            if before.acknowledged_by.is_some() && after.acknowledged_by.is_some() {
                let changed = before.acknowledged_by != after.acknowledged_by;
                if changed {
                    state.counts.add("alerts taken over from somebody");
                    let story = state.story(after.id);
                    (story.taken_wall, story.taken_at) = (wall, now);
                }
            }
            let held = |alert: &Alert| alert.notifications.iter().filter(|one| one.is_held()).count();
            if held(after) < held(before) {
                state.counts.add("pages and news held back by a limit, and let go");
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
                    .any(|(id, n)| state.presses.contains(&(id, n, '1')) && state.meant.contains(&alert.id))
            }
            (Some(Fact::Person(person)), _) if person.through == "reply" => {
                person.contact.as_ref().is_some_and(|contact| state.wrote.contains(contact))
            }
            (_, Process::Deliver(mail)) => state.mails[mail].says == Says::Seen,
            (Some(Fact::Person(person)), Process::Command) => person.through == "command",
            _ => false,
        });
        if !justified {
            broken(format!("3: alert {} was acknowledged by nobody: {} {:?}", alert.id, line.text, line.fact));
        }
    }

    /// Promise 4: what somebody has is open again only when its time is up, or when they give it back.
    fn may_reopen(&self, before: &Alert, change: &Change) {
        let wall = self.wall().as_millisecond();
        let line = change.history.iter().find(|line| line.kind == EntryKind::Reopened);
        let justified = self.with(|state| {
            let by = line.and_then(|line| line.fact.as_ref());
            let had_it = before.taken_by.as_ref().map(ToString::to_string);
            if let Some(Fact::Person(person)) = by {
                let pressed = person.notification.is_some_and(|n| {
                    let teller = before.notifications.iter().find(|one| one.id.number == n).and_then(|one| one.told_by);
                    let own = state.presses.contains(&(before.id, n, '2'));
                    own || teller.is_some_and(|teller| state.presses.contains(&(teller.alert, teller.number, '2')))
                });
                let wrote = person.contact.as_ref().is_some_and(|contact| state.wrote.contains(contact));
                return person.contact == had_it && (pressed || person.through == "reply" && wrote);
            }
            let taken = state.story(before.id).taken_wall;
            // A clock that has gone back makes it count from then.
            self.rules.remind.is_some_and(|minutes| wall >= taken + minutes * MINUTE) || wall < taken
        });
        if !justified {
            broken(format!("4: alert {} is open again, and nobody gave it back: {:?}", before.id, line));
        }
    }

    /// Who is on call is called, whatever the clocks do; and a step is begun in its hours.
    fn is_whose_turn_it_is(&self, roster: Option<RosterRead>, alert: &Alert, page: &Notification) {
        let of_reminder = alert.resumed.is_some_and(|resumed| resumed.round == page.round);
        if page.purpose != Purpose::Page || of_reminder {
            return;
        }
        let at = page.created_at;
        let (number, rules) = (page.step as usize, &self.rules);
        let step = &rules.steps[number];
        if page.attempt == 0 && page.news.is_none() && begins_here(alert, page) && !rules.counts(step, at) {
            broken(format!("3: step {} was begun out of its hours: {page:?}", number + 1));
        }
        // In place of what was refused the same person has something else.
        let in_place = |one: &Notification| {
            let refused = matches!(one.delivery, Delivery::Ended { outcome: Outcome::Refused, .. });
            refused && one.contact == page.contact && same_attempt(one, page)
        };
        if alert.policy.steps[number].notify != Target::OnCall || alert.notifications.iter().any(in_place) {
            return;
        }
        let now = self.now_true();
        let Some(roster) = roster.filter(|read| now < read.at + LOOKS) else {
            broken(format!("3: a page was made, and who stands in was last looked at {roster:?}: {page:?}"));
        };
        let expected = self.with(|state| {
            let holds = |one: &&StandIn| one.from <= at && one.until.is_none_or(|until| at < until);
            let near = |t| at.duration_since(t).as_secs().abs() < 120;
            // What is said while a process is held up between its look and its act it does not know.
            let known = state.stand_ins.get(..roster.seen)?;
            if known.iter().any(|one| one.until.is_some_and(near) || near(one.from)) {
                return None;
            }
            let stand_in = known.iter().rev().find(holds).map(|one| one.who);
            state.counts.add("calls and texts to whoever is on call");
            Some(stand_in.unwrap_or_else(|| rules.on_duty(at)))
        });
        if let Some(expected) = expected
            && page.contact.as_str() != NAMES[expected].to_lowercase()
        {
            let stand_ins = self.with(|state| format!("{:?}", state.stand_ins));
            let who = NAMES[expected];
            broken(format!("3: {who} is on call at {at}, and not {}: {page:?}; {stand_ins}, {roster:?}", page.contact));
        }
    }

    /// Somebody stands in from now on.
    pub fn stands_in(&self, new: &Override) {
        let who = NAMES.iter().position(|name| name.to_lowercase() == new.contact.as_str()).unwrap();
        self.with(|state| state.stand_ins.push(StandIn { who, from: new.from, until: new.until }));
    }

    /// A process looks at who stands in.
    pub fn roster_read(&self) -> RosterRead {
        let at = self.now_true();
        self.with(|state| RosterRead { at, seen: state.stand_ins.len() })
    }

    /// Promise 2: one event, one alert; one mail, one alert.
    pub fn watch_receipt(&self, process: Process, receipt: &Receipt, store: &mut Sqlite) {
        let Process::Deliver(index) = process else { return };
        let id = receipt.alert().id;
        // By its own clock, and not when the turn of the store that it waited for was over.
        let (now, wall) = (self.now_true(), receipt.alert().opened_at.as_millisecond());
        let (host, known) = self.with(|state| {
            let mail = &mut state.mails[index];
            (mail.host, *mail.alert.get_or_insert(id))
        });
        if known != id {
            broken(format!("2: a mail that is part of alert {known} is part of alert {id}, too"));
        }
        if !matches!(receipt, Receipt::Opened(_)) {
            return;
        }
        let others: Vec<_> = self.with(|state| {
            let same = state.stories.iter().filter(|(_, story)| story.host == host);
            same.map(|(id, _)| *id).collect()
        });
        for other in others {
            let Alert { state: standing, acknowledged_at: taken, .. } = store.alert(other).unwrap();
            if standing == State::Open {
                broken(format!("2: alert {id} was opened while alert {other} of the same host is open"));
            }
            let since = taken.map(|at| wall - at.as_millisecond());
            if standing == State::Acknowledged && since.is_some_and(|since| (0..WINDOW).contains(&since)) {
                broken(format!("2: alert {id} was opened while somebody has alert {other}, within its window"));
            }
        }
        self.with(|state| {
            let story = state.story(id);
            (story.host, story.opened_at) = (host, now);
            if state.setting.calm && state.setting.follows == Follows::Engine {
                state.plan(now + 2 * MINUTE, Happening::Look(id, Look::Told { at_the_latest: false }));
                state.plan(now + 18 * MINUTE, Happening::Look(id, Look::Told { at_the_latest: true }));
            }
        });
    }

    /// A mail that ends or takes the alerts of its host does so, those that have had a mail written later aside.
    pub fn watch_closing(&self, process: Process, closing: &Closing, store: &mut Sqlite) {
        let (Process::Deliver(index), Closing::Done { changed, .. }) = (process, closing) else { return };
        let mail = self.with(|state| state.mails[index].clone());
        let (stories, mails) = self.with(|state| (state.stories.clone(), state.mails.clone()));
        for (id, _) in stories.iter().filter(|(_, story)| story.host == mail.host) {
            // A date has whole seconds.
            let newer = |one: &crate::state::Mail| one.alert == Some(*id) && one.at / SECOND > mail.at / SECOND;
            if mails.iter().any(newer) {
                if changed.iter().any(|alert| alert.id == *id) {
                    broken(format!("1: alert {id} was ended by a mail that is older than it: {}", mail.text));
                }
                continue;
            }
            let standing = store.alert(*id).unwrap().state;
            let ended = match mail.says {
                Says::Up => standing == State::Resolved,
                _ => standing != State::Open,
            };
            if !ended {
                broken(format!("4: alert {id} is {} in spite of the mail: {}", standing.word(), mail.text));
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
                state.pending.entry(process).or_default().push(one.clone());
            }
        });
    }

    /// What a process asks about last before it hands it over to be sent.
    pub fn is_next(&self, process: Process, id: NotificationId) {
        self.with(|state| {
            let Some(claimed) = state.pending.get_mut(&process) else { return };
            if let Some(place) = claimed.iter().position(|one| one.id == id) {
                let claimed = claimed.remove(place);
                state.next.insert(process, claimed);
            }
        });
    }

    /// Promise 1: status 0 is said when it is on disk, and somebody follows up.
    pub fn watch_success(&self, index: usize) {
        let mail = self.with(|state| state.mails[index].clone());
        if mail.says != Says::Down {
            return;
        }
        let Some(id) = mail.alert else {
            broken(format!("1: a mail was said to be dealt with, and is not on disk: {}", mail.text));
        };
        let open = self.store.lock().unwrap().alert(id).unwrap().state == State::Open;
        // One that has died is believed for 15 s; then the delivery may be interrupted before it ends.
        let (now, down) = (self.now_true(), self.with(|state| state.down_since));
        if open && !self.engine_seems_alive() && now - down > 60 * SECOND {
            broken(format!("1: a mail was said to be dealt with, its alert {id} is open, and nobody follows up"));
        }
    }

    /// Promise 1: what cannot be put on disk calls somebody all the same.
    pub fn watch_failure(&self, index: usize) {
        let (mail, asked) = self.with(|state| {
            let asked = state.unstored.get(&Process::Deliver(index)).copied().unwrap_or_default();
            (state.mails[index].clone(), asked)
        });
        if mail.says == Says::Down && mail.alert.is_none() {
            if asked == 0 {
                broken(format!("1: a mail could not be put on disk, and nobody was called: {}", mail.text));
            }
            self.with(|state| state.counts.add("called without a store"));
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
}

/// Whether nobody can be woken by it any more.
fn failed(one: &Notification) -> bool {
    match &one.delivery {
        Delivery::Ended { outcome, .. } => !one.reached && *outcome != Outcome::Delivered,
        Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } | Delivery::Accepted { .. } => false,
    }
}

/// Promise 3: what failed is followed at once. Nobody may wait for an attempt in which every page has failed.
fn waits_for_somebody(after: &Alert) {
    let (State::Open, Some(progress)) = (after.state, after.progress) else { return };
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

/// A number that is refused is followed by the other channel in the same attempt, some time later.
fn begins_here(alert: &Alert, page: &Notification) -> bool {
    let mut same = alert.notifications.iter().filter(|one| same_attempt(one, page));
    same.all(|one| one.created_at == page.created_at)
}

fn same_attempt(one: &Notification, page: &Notification) -> bool {
    one.purpose == Purpose::Page && (one.round, one.step, one.attempt) == (page.round, page.step, page.attempt)
}
