//! The processes of a night, made of the program's own parts: deliveries, the server with its engine and its webhooks. And
//! the phones and people at the other end.

use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError};

use thialfi::cli::deliver::{self, Options};
use thialfi::cli::surroundings::Surroundings;
use thialfi::engine::follow::{Message, Pulse};
use thialfi::engine::hands::{Hands, Work};
use thialfi::engine::providers::Providers;
use thialfi::engine::{Desk, Engine};
use thialfi::exit::Exit;
use thialfi::mail::Message as MailMessage;
use thialfi::mail::message::Raw;
use thialfi::provider::exchange::{Answer, Failure, Way};
use thialfi::provider::twilio::{Account, Twilio};
use thialfi::server::http::{Method, Request};
use thialfi::server::{Routes, signature};
use thialfi::store::Store;

use crate::network::{self, asked};
use crate::setting::{FROM, Follows, HOUR, PUBLIC_URL, SECOND, SID, TOKEN};
use crate::state::Says;
use crate::store::{Handle, full};
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
        world.watchdog(self.process);
        world.may_crash(self.process, "before a request", "");
        if let Some(channel) = makes {
            world.watch_request(self.process, channel, asked.form.get("To").map_or("", String::as_str));
        }
        let now = world.now_true();
        let (mut answer, took, made) = world.with(|state| {
            let things = state.network.calls.len() + state.network.texts.len();
            let (answer, took) = state.answer(now, &asked);
            (answer, took, state.network.calls.len() + state.network.texts.len() > things)
        });
        world.tell(|| {
            let what = answer.as_ref().map_or_else(|f| format!("{f:?}"), |a| a.status.to_string());
            let (to, status) = (asked.form.get("To"), asked.form.get("Status"));
            let job = world.with(|state| state.job.as_ref().map(|job| job.id.to_string()));
            let words = asked.form.get("Body").map(|words| format!(" {words:?}")).unwrap_or_default();
            format!("{:?} {} {to:?} {status:?} about {job:?}: {what}{words}", self.process, asked.path)
        });
        if made {
            world.watch_made(&asked);
        }
        world.may_crash(self.process, "after a request", "");
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
            let job = state.next.remove(&Process::Server);
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
        let job = self.0.with(|state| state.next.remove(&self.1));
        self.0.with(|state| state.job = job);
        let message = work();
        self.0.with(|state| state.job = None);
        if let Some(message) = message {
            let _ = tell.send(message);
        }
    }
}

impl World {
    pub fn handle(self: &Arc<Self>, process: Process) -> Box<dyn Store> {
        Box::new(Handle { world: Arc::clone(self), process, roster: None })
    }

    pub fn desk(self: &Arc<Self>, process: Process) -> Desk {
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
    pub fn surroundings(self: &Arc<Self>, process: Process) -> Surroundings {
        let (make, open, hands) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        Surroundings {
            clock: Arc::clone(self) as Arc<dyn thialfi::clock::Clock>,
            environment: Box::new(|_| None),
            open: Box::new(move |_| if open.cannot_open() { Err(full()) } else { Ok(open.handle(process)) }),
            desk: Box::new(move |_, _| make.desk(process)),
            hands: Box::new(move || Box::new(AtOnce(Arc::clone(&hands), process))),
            remembers: false,
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
            Happening::Look(id, look) => self.look(id, look),
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
        let began = self.now_true();
        self.with(|state| {
            state.counts.add("deliveries");
            state.since.insert(process, began);
            state.unstored.remove(&process);
            state.forget_claims(process);
        });
        let ended = self.live(process, || deliver::deliver_in(&surroundings, &config, &options, &message));
        self.tell(|| format!("deliver {index}: {ended:?}"));
        let now = self.now_true();
        let success = matches!(ended, Some((_, Exit::Success)));
        if let Some((line, exit)) = &ended
            && !matches!(exit, Exit::Success | Exit::TryAgain)
        {
            broken(format!("1: a mail is bounced: {exit:?} {line}"));
        }
        match success {
            true => self.watch_success(index),
            false if ended.is_some() => self.watch_failure(index),
            false => {}
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
            let pause = ((300 * SECOND) << mail.tries.min(8)).min(4000 * SECOND) / 2;
            state.counts.add("mails kept by the mail server");
            let again = now + pause.max(300 * SECOND);
            state.plan(again, Happening::Mail(index));
        });
    }

    /// A fresh mail.
    pub fn add_mail(self: &Arc<Self>, at: i64, host: &'static str, says: Says) {
        let index = self.with(|state| state.mails.len());
        let text = match says {
            Says::Down => format!("{host} is DOWN"),
            Says::Up => format!("{host} is UP"),
            Says::Seen => format!("{host} is SEEN"),
            Says::Quotes => format!("> {host} is DOWN\r\n\r\nThanks, I have read it."),
        };
        let date = network::date(at);
        let raw = format!(
            "From: monitoring@example.com\r\nTo: ops@example.com\r\nSubject: monitoring\r\nDate: {date}\r\n\
             Message-ID: <{index}@monitoring.example>\r\n\r\n{text}\r\n"
        )
        .into_bytes();
        self.with(|state| {
            state.counts.add("mails");
            state.mails.push(Mail { text, host, says, at, raw, alert: None, tries: 0, done: false });
            state.plan(at, Happening::Mail(index));
        });
    }

    /// `serve-twiml` begins.
    fn start(self: &Arc<Self>) {
        let now = self.now_true();
        if self.with(|state| state.dying) {
            // The one before it has not yet come to its end.
            return self.with(|state| state.plan(now + SECOND, Happening::Start));
        }
        if self.with(|state| state.up || state.setting.follows == Follows::Queue) {
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
    pub fn ask(self: &Arc<Self>, url: &str, parameters: &[(String, String)]) -> Option<String> {
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
}
