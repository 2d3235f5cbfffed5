//! The state of the telephone network: phones, calls, texts, and the transcript of what they lived through.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::Options;
use super::behaviour::{Behaviour, Conditions, Script};
use crate::alert::Channel;

/// The oldest are forgotten beyond so many: a sandbox of a staging machine runs for months.
const REMEMBERED: usize = 5_000;

/// Our number until something is sent from another: the one that Twilio keeps for tests.
const OUR_NUMBER: &str = "+15005550006";

/// One line of the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// The phone that it happened to.
    pub number: String,
    /// The call or text that it belongs to; empty when none was made.
    pub sid: String,
    /// What kind of thing.
    pub what: What,
    /// What was heard, pressed, written; or a sentence.
    pub text: String,
}

/// What a line of the transcript tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The API did not take a call or text, or behaved badly; the text says how.
    Refused,
    /// The phone rings.
    Rings,
    /// Somebody, or a mailbox, answered.
    Answered,
    /// The phone heard this.
    Heard,
    /// Somebody pressed this.
    Pressed,
    /// The call is over; the text is Twilio's status.
    Ended,
    /// A text arrived at the phone.
    Text,
    /// A text did not arrive; or it is not known whether it did.
    NotDelivered,
    /// The person wrote this text to us.
    Wrote,
    /// Twilio could not do what the application wants: its code and words.
    ApplicationError,
}

/// A call.
#[derive(Debug, Clone, Serialize)]
pub struct CallRecord {
    /// `CA…`.
    pub sid: String,
    /// The phone called.
    pub to: String,
    /// The number it was called from.
    pub from: String,
    /// Twilio's word for its status.
    pub status: &'static str,
    /// `human` or `machine_start`, when detection was asked for and the call answered.
    pub answered_by: Option<&'static str>,
    /// When the API was asked for it.
    pub created_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// What was spoken, one entry for each `Say`.
    pub heard: Vec<String>,
    /// What was pressed, one entry for each `Gather` that took something.
    pub pressed: Vec<String>,
    /// The parameters of the request that placed it.
    pub parameters: Vec<(String, String)>,
    /// What the API was asked to end it with: `canceled` or `completed`.
    #[serde(skip)]
    pub(super) asked_to_end: Option<&'static str>,
}

impl CallRecord {
    /// The parameter called `name` of the request that placed it.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// A text, in either direction.
#[derive(Debug, Clone, Serialize)]
pub struct TextRecord {
    /// `SM…`.
    pub sid: String,
    /// To whom.
    pub to: String,
    /// From whom.
    pub from: String,
    /// What it says.
    pub body: String,
    /// Twilio's word for its status.
    pub status: &'static str,
    /// `outbound-api`, `outbound-reply` or `inbound`.
    pub direction: &'static str,
    /// Why it was not delivered.
    pub error_code: Option<u32>,
    /// When it was made or came in.
    pub created_at: Timestamp,
    /// The parameters of the request that made it.
    pub parameters: Vec<(String, String)>,
}

/// The network. Shared by the API, the lives of calls and texts, and whoever looks at it.
pub(super) struct Network {
    pub options: Options,
    pub agent: ureq::Agent,
    state: Mutex<State>,
    changed: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
    sid_prefix: u64,
}

#[derive(Default)]
pub(super) struct State {
    version: u64,
    stopping: bool,
    made: u64,
    /// Lives that go on.
    living: usize,
    scripts: BTreeMap<String, Script>,
    listeners: Vec<mpsc::Sender<Line>>,
    pub conditions: Conditions,
    pub inbound_url: Option<String>,
    pub calls: Vec<CallRecord>,
    pub texts: Vec<TextRecord>,
    pub transcript: Vec<Line>,
}

impl State {
    pub fn call(&mut self, sid: &str) -> Option<&mut CallRecord> {
        self.calls.iter_mut().rev().find(|call| call.sid == sid)
    }

    pub fn text(&mut self, sid: &str) -> Option<&mut TextRecord> {
        self.texts.iter_mut().rev().find(|text| text.sid == sid)
    }
}

impl Network {
    pub fn new(options: Options) -> Arc<Self> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent("TwilioProxy/1.1")
            .max_idle_connections(0)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(Duration::from_secs(15)))
            .build();
        Arc::new(Self {
            options,
            agent: ureq::Agent::new_with_config(config),
            state: Mutex::default(),
            changed: Condvar::new(),
            threads: Mutex::default(),
            // Without chance the ids of two runs could meet; that is all it is for.
            sid_prefix: getrandom::u64().unwrap_or_default(),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Looks at the state.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes whoever waits for a change.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let result = change(&mut state);
        state.version += 1;
        forget_oldest(&mut state.calls);
        forget_oldest(&mut state.texts);
        forget_oldest(&mut state.transcript);
        drop(state);
        self.changed.notify_all();
        result
    }

    /// Adds a line to the transcript.
    pub fn tell(&self, number: &str, sid: &str, what: What, text: impl Into<String>) {
        let line = Line { at: self.now(), number: number.into(), sid: sid.into(), what, text: text.into() };
        self.change(|state| {
            state.listeners.retain(|listener| listener.send(line.clone()).is_ok());
            state.transcript.push(line);
        });
    }

    pub fn subscribe(&self) -> mpsc::Receiver<Line> {
        let (sender, receiver) = mpsc::channel();
        self.change(|state| state.listeners.push(sender));
        receiver
    }

    pub fn script(&self, number: &str, script: Script) {
        self.change(|state| state.scripts.insert(number.into(), script));
    }

    /// What the API does with a request about `number`; `None`: it takes it.
    pub fn next_of_the_api(&self, number: &str, channel: Channel) -> Option<Behaviour> {
        self.change(|state| script_of(state, number)?.next_of_the_api(channel))
    }

    /// What the phone `number` does.
    pub fn next_of_the_phone(&self, number: &str, channel: Channel) -> Behaviour {
        let next = self.change(|state| script_of(state, number)?.next_of_the_phone(channel));
        next.unwrap_or_else(|| Behaviour::usual(channel))
    }

    /// An id that nothing else has: 2 letters and 32 hexadecimal digits.
    pub fn sid(&self, letters: &str) -> String {
        let made = self.change(|state| {
            state.made += 1;
            state.made
        });
        format!("{letters}{:016x}{made:016x}", self.sid_prefix)
    }

    /// Which of our numbers `number` knows: the one that last wrote to it or called it, else the one last used.
    pub fn our_number(&self, number: &str) -> String {
        let state = self.state();
        let texts = state.texts.iter().filter(|text| text.direction != "inbound");
        let sent = texts.map(|text| (text.created_at, &text.to, &text.from));
        let placed = state.calls.iter().map(|call| (call.created_at, &call.to, &call.from));
        let last = sent.chain(placed).max_by_key(|(at, to, _)| (*to == number, *at));
        last.map_or_else(|| OUR_NUMBER.to_owned(), |(_, _, from)| from.clone())
    }

    /// Lets something live on a thread of its own, which is waited for at the end.
    pub fn spawn(self: &Arc<Self>, life: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let network = Arc::clone(self);
        self.change(|state| state.living += 1);
        let thread = std::thread::Builder::new().name("sandbox life".into()).spawn(move || {
            life(&network);
            network.change(|state| state.living -= 1);
        });
        match thread {
            Ok(thread) => {
                let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
            }
            Err(error) => {
                self.change(|state| state.living -= 1);
                self.tell("", "", What::ApplicationError, format!("the sandbox cannot start a thread: {error}"));
            }
        }
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        let state = self.state();
        // Queued, but not alive yet: its answer is just being sent.
        let begins = state.calls.iter().any(|call| call.status == "queued");
        state.living == 0 && !begins && state.texts.iter().all(|text| text.status != "queued")
    }

    /// Waits for `span` of real time. False when the sandbox stops.
    pub fn pause(&self, span: Duration) -> bool {
        !self.wait(Some(span), |state| state.stopping)
    }

    /// Waits for `span` of real time, or for ever. False when the call was asked to end, or the sandbox stops.
    pub fn pause_call(&self, sid: &str, span: Option<Duration>) -> bool {
        !self.wait(span, |state| state.stopping || state.call(sid).is_none_or(|call| call.asked_to_end.is_some()))
    }

    pub fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// Waits until `done`, which is asked at once and after each change, without the state being held.
    pub fn wait_until(&self, span: Duration, done: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + span;
        loop {
            let seen = self.state().version;
            if done() {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.wait(Some(left), |state| state.version != seen);
        }
    }

    /// Ends every life and waits for them.
    pub fn stop(&self) {
        self.change(|state| state.stopping = true);
        loop {
            // Taken out before joining, because a life may start another.
            let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
            if threads.is_empty() {
                return;
            }
            for thread in threads {
                drop(thread.join());
            }
        }
    }

    /// True as soon as `met`, false after `span`.
    fn wait(&self, span: Option<Duration>, mut met: impl FnMut(&mut State) -> bool) -> bool {
        let deadline = span.map(|span| Instant::now() + span);
        let mut state = self.state();
        loop {
            if met(&mut state) {
                return true;
            }
            state = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(left) if left.is_zero() => return false,
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// The script of `number`, else the one of `*`, which is everybody's.
fn script_of<'a>(state: &'a mut State, number: &str) -> Option<&'a mut Script> {
    let key = if state.scripts.contains_key(number) { number } else { "*" };
    state.scripts.get_mut(key)
}

fn forget_oldest<T>(records: &mut Vec<T>) {
    if records.len() > REMEMBERED {
        records.drain(..REMEMBERED / 10);
    }
}
