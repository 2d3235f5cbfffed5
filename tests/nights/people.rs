//! The phones and people at the other end of the provider, and those at the command line.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use thialfi::alert::{Actor, AlertId, Code, Event, State as Standing, Through, Token};
use thialfi::cli::alerts::act_in;
use thialfi::oncall::{ContactId, GroupId, Override};
use thialfi::store::{Filter, Store};

use crate::network::{Stage, Text};
use crate::rules::{NAMES, owner};
use crate::setting::{FROM, Follows, MINUTE, MORNING, PUBLIC_URL, SECOND};
use crate::state::Look;
use crate::world::{Happening, Process, World};

impl World {
    /// The next thing in a call.
    pub fn call(self: &Arc<Self>, index: usize, stage: Stage) {
        let now = self.now_true();
        let call = self.with(|state| state.network.calls[index].clone());
        if call.is_over() {
            return;
        }
        match stage {
            Stage::Ring => self.with(|state| {
                state.network.calls[index].status = "ringing";
                state.report(now, index);
                let t = state.setting.temper;
                let mut roll = state.dice.below(1000);
                let mut falls = |share: u64| {
                    let hit = roll < share;
                    roll = roll.saturating_sub(share);
                    hit
                };
                let (stage, after) = if falls(t.busy) {
                    (Stage::End("busy"), 500)
                } else if falls(t.fails) {
                    (Stage::End("failed"), 300)
                } else if falls(t.no_answer) {
                    (Stage::End("no-answer"), 30 * SECOND)
                } else {
                    (Stage::Answer, state.dice.between(SECOND, 20 * SECOND))
                };
                state.plan(now + after, Happening::Call(index, stage));
            }),
            Stage::Answer => self.answered(index),
            Stage::Press(action, key, tries) => self.press(index, &action, key, tries),
            Stage::End(status) => {
                self.with(|state| {
                    state.network.calls[index].status = status;
                    state.report(now, index);
                });
                if !call.pressed && call.answered_by != Some("human") {
                    self.expect_next(call.job.as_ref());
                }
            }
        }
    }

    /// Somebody, or a mailbox, has answered.
    fn answered(self: &Arc<Self>, index: usize) {
        let now = self.now_true();
        let mailbox = self.with(|state| {
            let mailbox = state.setting.temper.mailbox;
            let mailbox = state.dice.chance(mailbox * 1000 / (1000 - mailbox).max(1).max(500));
            let call = &mut state.network.calls[index];
            call.status = "in-progress";
            call.answered_by = call.detected.then_some(if mailbox { "machine_start" } else { "human" });
            state.report(now, index);
            if mailbox {
                state.counts.add("mailboxes");
            }
            mailbox
        });
        let call = self.with(|state| state.network.calls[index].clone());
        let document = call.url.as_ref().and_then(|url| {
            let mut parameters =
                vec![("CallSid".to_owned(), call.sid.clone()), ("CallStatus".to_owned(), "in-progress".to_owned())];
            parameters.extend(call.answered_by.map(|who| ("AnsweredBy".to_owned(), who.to_owned())));
            let interrupted = self.with(|state| state.interrupted);
            let document = self.ask(url, &parameters);
            if let Some(document) = document.as_ref().filter(|_| interrupted == self.with(|state| state.interrupted)) {
                self.watch_document(&call, document);
            }
            document
        });
        let action = document.as_deref().and_then(action);
        self.with(|state| {
            let t = state.setting.temper;
            let after = match () {
                () if mailbox => state.dice.between(30 * SECOND, 90 * SECOND),
                () if state.dice.chance(t.hangs_up) => SECOND,
                () => match action {
                    Some(action) if !state.dice.chance(t.listens) => {
                        let key = key(state);
                        let heard = now + state.dice.between(2 * SECOND, 40 * SECOND);
                        state.plan(heard, Happening::Call(index, Stage::Press(action, key, 0)));
                        return;
                    }
                    _ => state.dice.between(20 * SECOND, 80 * SECOND),
                },
            };
            state.plan(now + after, Happening::Call(index, Stage::End("completed")));
        });
        // Who has heard of it without keys may write.
        if let (false, None, Some(job)) = (mailbox, call.url, call.job) {
            let code =
                self.store.lock().unwrap_or_else(PoisonError::into_inner).alert(job.id.alert).map(|alert| alert.code.0);
            self.with(|state| {
                if state.dice.chance(400) {
                    let at = now + state.dice.between(20 * SECOND, 3 * MINUTE);
                    state.plan(at, Happening::Write(call.to, code.unwrap_or_default()));
                }
            });
        }
    }

    /// A key is pressed.
    fn press(self: &Arc<Self>, index: usize, action: &str, key: char, tries: u32) {
        let call = self.with(|state| state.network.calls[index].clone());
        let (path, told) = action.split_once("?told=").unwrap_or((action, "0"));
        let mut meant = Vec::new();
        if let Some(token) = path.trim_end_matches("/digits").rsplit('/').next().and_then(Token::parse) {
            let id = self.store.lock().unwrap_or_else(PoisonError::into_inner).by_token(&token).unwrap();
            self.with(|state| {
                state.counts.add(&format!("key {key}"));
                state.network.calls[index].pressed = true;
                if let Some(id) = id {
                    state.presses.insert((id.alert, id.number, key));
                }
            });
            meant = id.map(|id| self.meant(id, told.parse().unwrap())).unwrap_or_default();
            if key == '1' {
                self.with(|state| state.meant.extend(meant.iter().map(|(id, _)| *id)));
            }
        }
        let parameters = [
            ("CallSid".to_owned(), call.sid),
            ("CallStatus".to_owned(), "in-progress".to_owned()),
            ("Digits".to_owned(), key.to_string()),
        ];
        let interrupted = self.with(|state| state.interrupted);
        let document = self.ask(action, &parameters);
        let undisturbed = interrupted == self.with(|state| state.interrupted);
        if let (Some(_), Some(who), true) = (&document, owner(&call.to), undisturbed) {
            self.watch_key(who, key, &meant);
        }
        let now = self.now_true();
        self.with(|state| match document.as_deref().and_then(self::action) {
            Some(action) if tries < 3 => {
                let key = self::key(state);
                let at = now + state.dice.between(2 * SECOND, 30 * SECOND);
                state.plan(at, Happening::Call(index, Stage::Press(action, key, tries + 1)));
            }
            _ => state.plan(now + 4 * SECOND, Happening::Call(index, Stage::End("completed"))),
        });
    }

    /// The next thing of a text.
    pub fn text(self: &Arc<Self>, index: usize, status: &'static str) {
        let now = self.now_true();
        self.with(|state| {
            let t = state.setting.temper;
            state.network.texts[index].status = status;
            state.report_text(now, index);
            let text = state.network.texts[index].clone();
            if status == "sent" {
                let next = if state.dice.chance(t.undelivered) { "undelivered" } else { "delivered" };
                if !state.dice.chance(20) {
                    let at = now + state.dice.between(SECOND, 20 * SECOND);
                    state.plan(at, Happening::Text(index, next));
                }
            }
            if status == "delivered" && text.job.is_some() && state.dice.chance(t.replies) {
                let code = text.body.split_whitespace().next().unwrap_or_default().trim_matches(':').to_owned();
                let bodies = [
                    code.clone(),
                    format!("ack {code}"),
                    "ok".to_owned(),
                    format!("{code} done"),
                    "no".to_owned(),
                    format!("{code} pass"),
                    format!("{code} takeover"),
                    "STOP".to_owned(),
                    "I am driving and cannot answer (auto reply)".to_owned(),
                    "7K 8Q what?".to_owned(),
                ];
                let body = state.dice.pick(&bodies).clone();
                let at = now + state.dice.between(5 * SECOND, 8 * MINUTE);
                state.plan(at, Happening::Write(text.to, body));
            }
        });
        if status == "undelivered" {
            let job = self.with(|state| state.network.texts[index].job.clone());
            self.expect_next(job.as_ref());
        }
    }

    /// A person writes to us.
    pub fn write(self: &Arc<Self>, number: &str, body: &str) {
        let now = self.now_true();
        let human = body != "STOP" && !body.contains("auto reply");
        self.tell(|| format!("{number} writes: {body}"));
        let takes = !body.contains("pass") && !body.contains("done");
        let named = self.named(body);
        // "no" passes on whatever is open for that number.
        self.with(|state| {
            let passed =
                state.open.iter().copied().filter(|id| body == "no" || body.contains("pass") && named == Some(*id));
            let passed: Vec<_> = passed.collect();
            for id in passed {
                state.story(id).was_passed = true;
            }
        });
        let about = named.filter(|_| takes);
        let slack = if self.with(|state| state.setting.preempted == 0) { 30 * SECOND } else { 180 * SECOND };
        self.with(|state| {
            state.made += 1;
            let text = Text {
                sid: format!("SM{:032x}", state.made),
                to: FROM.to_owned(),
                from: number.to_owned(),
                body: body.to_owned(),
                inbound: true,
                status_url: None,
                created: now,
                status: "received",
                job: None,
            };
            state.counts.add("replies");
            if human {
                let contacts = self.config.roster.contacts.values();
                let theirs = contacts
                    .filter(|one| [&one.phone, &one.sms].into_iter().flatten().any(|own| own.as_str() == number));
                state.wrote.extend(theirs.map(|one| one.id.to_string()));
            }
            state.network.texts.push(text);
            let polled = !state.setting.webhooks && state.setting.calm && state.setting.follows == Follows::Engine;
            if let Some(id) = about.filter(|_| polled) {
                state.counts.add("replies that were expected to be found");
                state.plan(now + slack, Happening::Look(id, Look::Taken { written_at: now }));
            }
            let index = state.network.texts.len() - 1;
            if state.setting.webhooks {
                let lost = now < state.setting.quiet_at && state.dice.chance(state.setting.callbacks_lost / 4);
                let twice = now < state.setting.quiet_at && state.dice.chance(state.setting.callbacks_twice);
                for _ in 0..u32::from(!lost) + u32::from(twice) {
                    let at = now + state.dice.between(50, 2000);
                    state.plan(at, Happening::Inbound(index));
                }
            }
        });
    }

    /// The webhook of a text that came in.
    pub fn announce(self: &Arc<Self>, index: usize) {
        let text = self.with(|state| state.network.texts[index].clone());
        let (first, interrupted) = self.with(|state| (state.announced.insert(index), state.interrupted));
        let about = self.named(&text.body).filter(|_| first);
        let before = about.map(|id| self.store.lock().unwrap().alert(id).unwrap().state);
        let parameters = [
            ("MessageSid".to_owned(), text.sid),
            ("Body".to_owned(), text.body.clone()),
            ("From".to_owned(), text.from),
            ("To".to_owned(), text.to),
        ];
        let answer = self.ask(&format!("{PUBLIC_URL}/twilio/sms"), &parameters);
        let undisturbed = interrupted == self.with(|state| state.interrupted);
        if let (Some(id), Some(before), Some(_), true) = (about, before, answer, undisturbed) {
            let wish = text.body.split(' ').find(|word| ["done", "pass"].contains(word)).unwrap_or("take");
            self.watch_reply(id, before, wish);
        }
    }

    /// The alert whose code a text holds that says nothing else but what is wanted.
    fn named(&self, body: &str) -> Option<AlertId> {
        let mut words = body.split(' ').filter(|word| !["ack", "done", "pass", "takeover"].contains(word));
        let (code, None) = (words.next()?, words.next()) else { return None };
        self.store.lock().unwrap().by_code(&Code(code.to_owned()), Timestamp::MIN).unwrap()
    }

    /// Somebody ends, at the command line, what others took; or takes it. In the morning all of it.
    pub fn resolve(self: &Arc<Self>) {
        let now = self.now_true();
        let morning = self.with(|state| {
            let morning = now >= state.setting.quiet_at + MORNING;
            // A mail may still be in a queue.
            if morning && !state.mails.iter().all(|mail| mail.done) {
                state.plan(now + MORNING / 4, Happening::Resolve);
            }
            morning
        });
        let process = Process::Command;
        let (surroundings, desk) = (self.surroundings(process), Arc::new(self.desk(process)));
        let filter = Filter { states: vec![Standing::Acknowledged, Standing::Open], ..Filter::default() };
        let _ = self.live(Process::Command, || {
            let mut store = self.handle(Process::Command);
            for alert in store.alerts(&filter).unwrap_or_default() {
                let by = Actor { contact: None, name: "root".to_owned(), through: Through::Command };
                let acknowledges =
                    alert.state == Standing::Open && !morning && self.with(|state| state.dice.chance(300));
                let event = if acknowledges {
                    Event::Acknowledge { by, within: None }
                } else {
                    Event::Resolve { by, within: None }
                };
                let own = self.handle(process);
                self.with(|state| state.pending.remove(&process));
                if act_in(&surroundings, &desk, own, alert.id, &event, &|_| {}).is_ok() {
                    self.with(|state| state.counts.add("acts at the command line"));
                }
            }
        });
    }

    /// Somebody stands in for whoever is on call.
    pub fn stand_in(self: &Arc<Self>) {
        let now = self.wall();
        let stand_in = self.with(|state| {
            state.counts.add("overrides");
            let name = state.dice.pick(&NAMES).to_lowercase();
            let hours = state.dice.between(1, 12);
            Override {
                group: GroupId::new("ops"),
                contact: ContactId::new(name),
                from: now,
                until: state.dice.chance(700).then(|| now + jiff::SignedDuration::from_hours(hours)),
                made_by: "root".to_owned(),
            }
        });
        let mut store = self.handle(Process::Command);
        let _ = self.live(Process::Command, || store.add_override(&stand_in));
    }
}

/// Which key a person presses.
fn key(state: &mut crate::world::State) -> char {
    let t = state.setting.temper;
    if state.dice.chance(t.wrong_key) {
        *state.dice.pick(&['*', '7', '9', '#'])
    } else if state.dice.chance(t.passes) {
        '2'
    } else if state.dice.chance(t.resolves) {
        '3'
    } else {
        '1'
    }
}

/// Where a document wants keys sent.
fn action(document: &str) -> Option<String> {
    let parsed = roxmltree::Document::parse(document).ok()?;
    let gather = parsed.descendants().find(|node| node.has_tag_name("Gather"))?;
    gather.attribute("action").map(str::to_owned)
}
