//! The processes of a night, made of the program's own parts: deliveries, the server with its engine and its webhooks. And
//! the phones and people at the other end.

use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use thialfi::alert::{Actor, Event, State as Standing, Through, Token};
use thialfi::cli::alerts::act_in;
use thialfi::cli::deliver::{self, Options};
use thialfi::cli::surroundings::Surroundings;
use thialfi::engine::follow::{Message, Pulse};
use thialfi::engine::hands::{Hands, Work};
use thialfi::engine::providers::Providers;
use thialfi::engine::{Desk, Engine};
use thialfi::exit::Exit;
use thialfi::intake::{Forgetful, intake};
use thialfi::mail::message::Raw;
use thialfi::mail::{Envelope, Message as MailMessage};
use thialfi::oncall::{ContactId, GroupId, Override};
use thialfi::provider::exchange::{Answer, Failure, Way};
use thialfi::provider::twilio::{Account, Twilio};
use thialfi::server::http::{Method, Request};
use thialfi::server::{Routes, signature};
use thialfi::store::{Filter, Store};

use crate::network::{self, Stage, Text, asked};
use crate::setting::{FROM, Follows, HOUR, MINUTE, NAMES, PUBLIC_URL, SECOND, SID, TOKEN};
use crate::store::Handle;
use crate::world::{Handed, Happening, Mail, Process, World, broken};

/// The way to the provider of one process.
struct Line {
    world: Arc<World>,
    process: Process,
}

impl Way for Line {
    fn send(&self, request: ureq::http::Request<Vec<u8>>, _: u64) -> Result<Answer, Failure> {
        let world = &self.world;
        let asked = asked(&request);
        let makes = network::makes(&asked);
        world.may_crash(self.process, "before a request");
        if let Some(channel) = makes {
            world.watch_request(self.process, channel);
        }
        let now = world.now_true();
        let (mut answer, took) = world.with(|state| state.answer(now, &asked));
        world.tell(|| {
            let what = answer.as_ref().map_or_else(|f| format!("{f:?}"), |a| a.status.to_string());
            let (to, status) = (asked.form.get("To"), asked.form.get("Status"));
            let job = world.with(|state| state.job.as_ref().map(|job| job.id.to_string()));
            format!("{:?} {} {to:?} {status:?} about {job:?}: {what}", self.process, asked.path)
        });
        if makes.is_some() {
            world.watch_made();
        }
        world.may_crash(self.process, "after a request");
        match self.process {
            Process::Deliver(_) | Process::Command => world.pass(took),
            // The engine's threads: what came of it is told to the engine so much later.
            Process::Server | Process::Web => world.with(|state| state.took += took),
        }
        if let Ok(answer) = &mut answer {
            answer.date = Some(network::date(now));
        }
        answer
    }
}

/// The engine's threads: a work begins some time, and its end is heard of some time later.
struct Threads(Arc<World>);

impl Hands for Threads {
    fn take(&self, work: Work, tell: Sender<Message>) {
        let now = self.0.now_true();
        self.0.with(|state| {
            let job = state.pending.entry(Process::Server).or_default().pop_front();
            state.made += 1;
            let id = state.made;
            state.works.insert(id, Handed { work, tell, job });
            let delay =
                if state.dice.chance(30) { state.dice.between(0, 3 * SECOND) } else { state.dice.between(0, 20) };
            state.plan(now + delay, Happening::Run(id));
        });
    }
}

/// A delivery has no time for threads: it waits.
struct AtOnce(Arc<World>, Process);

impl Hands for AtOnce {
    fn take(&self, work: Work, tell: Sender<Message>) {
        let job = self.0.with(|state| state.pending.entry(self.1).or_default().pop_front());
        self.0.with(|state| state.job = job);
        let message = work();
        self.0.with(|state| state.job = None);
        if let Some(message) = message {
            let _ = tell.send(message);
        }
    }
}

impl World {
    fn handle(self: &Arc<Self>, process: Process) -> Box<dyn Store> {
        Box::new(Handle { world: Arc::clone(self), process })
    }

    fn desk(self: &Arc<Self>, process: Process) -> Desk {
        let account = Account {
            name: "twilio".to_owned(),
            account_sid: SID.to_owned(),
            user: SID.to_owned(),
            password: TOKEN.to_owned().into(),
            from: FROM.parse().ok(),
            messaging_service: None,
            api_url: "https://api.twilio.example".to_owned(),
            machine_detection: self.with(|state| state.setting.detection),
        };
        let clock = Arc::clone(self) as Arc<dyn thialfi::clock::Clock>;
        let line = Line { world: Arc::clone(self), process };
        let twilio = Twilio::over(&account, Arc::clone(&clock), Box::new(line));
        let world = Arc::clone(self);
        let chance = move || world.with(|state| state.dice.wide());
        let providers = Providers::new(vec![Box::new(twilio)]);
        Desk::with(Arc::clone(&self.config), clock, Arc::clone(&self.templates), providers, Arc::new(chance))
    }

    /// What a process finds around it that is no server.
    fn surroundings(self: &Arc<Self>, process: Process) -> Surroundings {
        let (make, open, hands) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        Surroundings {
            clock: Arc::clone(self) as Arc<dyn thialfi::clock::Clock>,
            environment: Box::new(|_| None),
            open: Box::new(move |_| Ok(open.handle(process))),
            desk: Box::new(move |_, _| make.desk(process)),
            hands: Box::new(move || Box::new(AtOnce(Arc::clone(&hands), process))),
        }
    }

    /// Lets something happen.
    pub fn happen(self: &Arc<Self>, happening: Happening) {
        match happening {
            Happening::Mail(index) => self.deliver(index),
            Happening::Start => self.start(),
            Happening::Kill => {
                if self.with(|state| state.up) {
                    self.tell(|| "the server is killed".to_owned());
                    self.with(|state| state.counts.add("server killed"));
                    self.server_dies();
                }
            }
            Happening::Turn(at) => self.turn(at),
            Happening::Run(id) => self.run(id),
            Happening::Tell(id) => {
                if let Some((message, tell)) = self.with(|state| state.answers.remove(&id)) {
                    let _ = tell.send(message);
                    let now = self.now_true();
                    self.with(|state| state.wake(now));
                }
            }
            Happening::Call(index, stage) => self.call(index, stage),
            Happening::Text(index, status) => self.text(index, status),
            Happening::Callback(url, parameters) => drop(self.ask(&url, &parameters)),
            Happening::Write(number, body) => self.write(&number, &body),
            Happening::Inbound(index) => self.announce(index),
            Happening::Jump(by) => {
                self.tell(|| format!("the clock is set by {} s", by / SECOND));
                self.jump(by);
            }
            Happening::Resolve => {
                self.resolve();
                let now = self.now_true();
                self.with(|state| state.wake(now + 250));
            }
            Happening::Override => self.stand_in(),
            Happening::Silence(id) => self.watch_silence(id),
        }
    }

    /// `deliver`, as the mail server runs it.
    fn deliver(self: &Arc<Self>, index: usize) {
        let process = Process::Deliver(index);
        let raw = self.with(|state| state.mails[index].raw.clone());
        let message = MailMessage::parse(&Raw::from(raw.as_slice()));
        let surroundings = self.surroundings(process);
        let options = Options {
            sender: Some("monitoring@example.com".to_owned()),
            recipients: vec!["ops@example.com".to_owned()],
            wait: false,
            reject_unknown: false,
        };
        let config = Arc::clone(&self.config);
        self.with(|state| state.counts.add("deliveries"));
        let ended = self.live(process, || deliver::deliver_in(&surroundings, &config, &options, &message));
        self.tell(|| format!("deliver {index}: {ended:?}"));
        let now = self.now_true();
        let success = matches!(ended, Some((_, Exit::Success)));
        if let Some((line, exit)) = &ended
            && !matches!(exit, Exit::Success | Exit::TryAgain)
        {
            broken(format!("1: a mail is bounced: {exit:?} {line}"));
        }
        if success {
            self.watch_success(index);
        }
        self.with(|state| {
            state.wake(now + 250);
            let mail = &mut state.mails[index];
            mail.tries += 1;
            if success {
                mail.done = true;
                // A mail server that died just after, too.
                if now < state.setting.quiet_at && !state.setting.calm && state.dice.chance(30) {
                    let again = now + state.dice.between(SECOND, HOUR);
                    state.counts.add("mails delivered again");
                    state.plan(again, Happening::Mail(index));
                }
                return;
            }
            // Postfix: after 5 minutes, then twice as long each time, at most 67 minutes.
            let pause = (300 * SECOND << mail.tries.min(8)).min(4000 * SECOND) / 2;
            state.counts.add("mails kept by the mail server");
            let again = now + pause.max(300 * SECOND);
            state.plan(again, Happening::Mail(index));
        });
    }

    /// Promise 1: status 0 is said when it is on disk, and somebody follows up.
    fn watch_success(&self, index: usize) {
        let mail = self.with(|state| state.mails[index].clone());
        let Some(digest) = mail.digest.filter(|_| mail.pages) else { return };
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(id) = store.alert_of_mail(digest).unwrap() else {
            broken(format!("1: a mail was said to be dealt with, and is not on disk: {}", mail.text));
        };
        let open = store.alert(id).unwrap().state == Standing::Open;
        drop(store);
        if open && !self.engine_seems_alive() {
            broken(format!("1: a mail was said to be dealt with, its alert {id} is open, and nobody follows up"));
        }
    }

    /// A fresh mail.
    pub fn add_mail(self: &Arc<Self>, at: i64, text: &str) {
        let index = self.with(|state| state.mails.len());
        let date = network::date(at);
        let raw = format!(
            "From: monitoring@example.com\r\nTo: ops@example.com\r\nSubject: monitoring\r\nDate: {date}\r\n\
             Message-ID: <{index}@monitoring.example>\r\n\r\n{text}\r\n"
        )
        .into_bytes();
        let message = MailMessage::parse(&Raw::from(raw.as_slice()));
        let recipients = vec!["ops@example.com".to_owned()];
        let envelope = Envelope::resolve(Some("monitoring@example.com"), &recipients, &|_| None, &message);
        let now = Timestamp::from_millisecond(at).unwrap();
        let asks = intake(&self.config, &message, &envelope, now, &mut Forgetful).unwrap();
        let wish = asks.wishes.first();
        let pages = text.contains(" is DOWN") && !text.starts_with('>');
        let digest = wish.map(|wish| wish.arrival.mail);
        self.with(|state| {
            state.counts.add("mails");
            state.mails.push(Mail { text: text.to_owned(), raw, digest, pages, tries: 0, done: false });
            state.plan(at, Happening::Mail(index));
        });
    }

    /// `serve-twiml` begins.
    fn start(self: &Arc<Self>) {
        if self.with(|state| state.up || state.dying || state.setting.follows == Follows::Queue) {
            return;
        }
        let desk = Arc::new(self.desk(Process::Server));
        let webhooks = self.with(|state| state.setting.webhooks);
        let engine = Engine::new(Arc::clone(&desk), self.handle(Process::Server), webhooks);
        let engine = engine.with_hands(Box::new(Threads(Arc::clone(self))));
        let world = Arc::clone(self);
        let open = move || Ok(world.handle(Process::Web));
        let routes = Routes::new(desk, engine.sender(), Pulse::default(), Box::new(open));
        *self.routes.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(routes));
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = Some(engine);
        let now = self.now_true();
        self.tell(|| "the server starts".to_owned());
        self.with(|state| {
            state.counts.add("server starts");
            state.up = true;
            state.wake(now + 100);
        });
    }

    /// One of the engine's threads works.
    fn run(self: &Arc<Self>, id: u64) {
        let Some(Handed { work, tell, job }) = self.with(|state| state.works.remove(&id)) else { return };
        self.with(|state| state.took = 0);
        let message = self.live(Process::Server, || {
            self.with(|state| state.job = job);
            work()
        });
        let now = self.now_true();
        if let Some(Some(message)) = message {
            self.with(|state| {
                state.answers.insert(id, (message, tell));
                let told = now + state.took;
                state.plan(told, Happening::Tell(id));
            });
        }
    }

    /// The provider asks us. `None`: nobody is there, or it went wrong.
    fn ask(self: &Arc<Self>, url: &str, parameters: &[(String, String)]) -> Option<String> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let target = url.strip_prefix(PUBLIC_URL)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request {
            method: Method::Post,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![
                ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
                ("X-Twilio-Signature".to_owned(), signature::sign(TOKEN, url, parameters)),
            ],
            body: body.into_bytes(),
            remote: None,
        };
        let response = self.live(Process::Web, || routes.answer(&request));
        let now = self.now_true();
        self.tell(|| {
            let status = response.as_ref().map(|response| response.status);
            format!("webhook {} {:?}: {status:?}", &url[PUBLIC_URL.len()..], parameters.get(1))
        });
        self.with(|state| {
            let soon = now + state.dice.between(5, 250);
            state.wake(soon);
        });
        let response = response?;
        match response.status {
            200 | 204 => Some(String::from_utf8_lossy(&response.body).into_owned()),
            // The store may fail, and then says so.
            500 => None,
            status => broken(format!("a webhook was answered {status}: {url}")),
        }
    }

    /// The next thing in a call.
    fn call(self: &Arc<Self>, index: usize, stage: Stage) {
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
            Stage::End(status) => self.with(|state| {
                state.network.calls[index].status = status;
                state.report(now, index);
            }),
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
            self.ask(url, &parameters)
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
        let path = action.split('?').next().unwrap_or_default();
        if let Some(token) = path.trim_end_matches("/digits").rsplit('/').next().and_then(Token::parse) {
            let id = self.store.lock().unwrap_or_else(PoisonError::into_inner).by_token(&token).unwrap();
            self.with(|state| {
                state.counts.add(&format!("key {key}"));
                state.network.calls[index].pressed = true;
                if let Some(id) = id {
                    state.presses.insert((id.alert, id.number, key));
                }
            });
        }
        let parameters = [
            ("CallSid".to_owned(), call.sid),
            ("CallStatus".to_owned(), "in-progress".to_owned()),
            ("Digits".to_owned(), key.to_string()),
        ];
        let document = self.ask(action, &parameters);
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
    fn text(self: &Arc<Self>, index: usize, status: &'static str) {
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
            } else if status == "delivered" && text.job.is_some() && state.dice.chance(t.replies) {
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
    }

    /// A person writes to us.
    fn write(self: &Arc<Self>, number: &str, body: &str) {
        let now = self.now_true();
        let human = body != "STOP" && !body.contains("auto reply");
        self.tell(|| format!("{number} writes: {body}"));
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
    fn announce(self: &Arc<Self>, index: usize) {
        let text = self.with(|state| state.network.texts[index].clone());
        let parameters = [
            ("MessageSid".to_owned(), text.sid),
            ("Body".to_owned(), text.body),
            ("From".to_owned(), text.from),
            ("To".to_owned(), text.to),
        ];
        drop(self.ask(&format!("{PUBLIC_URL}/twilio/sms"), &parameters));
    }

    /// In the morning somebody ends, at the command line, what others took.
    fn resolve(self: &Arc<Self>) {
        let process = Process::Command;
        let (surroundings, desk) = (self.surroundings(process), Arc::new(self.desk(process)));
        let filter = Filter { states: vec![Standing::Acknowledged, Standing::Open], ..Filter::default() };
        let _ = self.live(Process::Command, || {
            let mut store = self.handle(Process::Command);
            for alert in store.alerts(&filter).unwrap_or_default() {
                let by = Actor { contact: None, name: "root".to_owned(), through: Through::Command };
                let acknowledges = alert.state == Standing::Open && self.with(|state| state.dice.chance(300));
                let event = if acknowledges {
                    Event::Acknowledge { by, within: None }
                } else {
                    Event::Resolve { by, within: None }
                };
                let own = self.handle(process);
                if act_in(&surroundings, &desk, own, alert.id, &event).is_ok() {
                    self.with(|state| state.counts.add("acts at the command line"));
                }
            }
        });
    }

    /// Somebody stands in for whoever is on call.
    fn stand_in(self: &Arc<Self>) {
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
