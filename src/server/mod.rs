//! HTTP: the gate, Twilio's webhooks, health. A webhook commits an event and renders an answer; it never waits for a
//! provider.

pub mod gate;
pub mod headers;
pub mod http;
mod pages;
pub mod session;
pub mod signature;
pub mod twilio;
pub mod watchdog;

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::SignedDuration;

use self::gate::{Address, Gate, GateError, GateOptions};
use self::http::{Request, Response};
use self::session::Sessions;
use crate::engine::Desk;
use crate::engine::follow::{Message, Pulse};
use crate::store::{self, Sqlite, Store};

/// An engine that has not turned for longer than this is ill.
pub const ILL_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// The running server.
pub struct Server {
    gate: Gate,
    desk: Arc<RwLock<Arc<Desk>>>,
}

impl Server {
    /// Starts to serve on `listen`.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub fn start(listen: &str, desk: Arc<Desk>, engine: Sender<Message>, pulse: Pulse) -> Result<Self, GateError> {
        let user_header = desk.config.server.proxy.user_header.clone();
        let desk = Arc::new(RwLock::new(desk));
        let path = desk.read().unwrap_or_else(PoisonError::into_inner).config.store.clone();
        let open = move || Sqlite::open(&path).map(|store| Box::new(store) as Box<dyn Store>);
        let sessions = sessions(&desk.read().unwrap_or_else(PoisonError::into_inner), &open);
        let (counter, present) = (Arc::new(Counter::new(engine, pulse, Box::new(open), sessions)), Arc::clone(&desk));
        let answer = move |request: Request| {
            let desk = Arc::clone(&present.read().unwrap_or_else(PoisonError::into_inner));
            Routes { desk, counter: Arc::clone(&counter) }.answer(&request)
        };
        let options = GateOptions { user_header, ..GateOptions::new(listen) };
        let gate = Gate::start(options, Arc::new(answer))?;
        Ok(Self { gate, desk })
    }

    /// From the next request on, answers by this desk.
    pub fn renew(&self, desk: Arc<Desk>) {
        self.gate.let_through(desk.config.server.proxy.user_header.as_deref());
        *self.desk.write().unwrap_or_else(PoisonError::into_inner) = desk;
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        self.gate.address()
    }

    /// Lets what is under way end, and stops.
    pub fn stop(self) {
        self.gate.stop();
    }
}

/// What one request is answered with: the desk as it was when the request came, from beginning to end.
pub struct Routes {
    pub(crate) desk: Arc<Desk>,
    counter: Arc<Counter>,
}

/// Opens the store once more.
pub type Open = dyn Fn() -> store::Result<Box<dyn Store>> + Send + Sync;

/// What all requests share.
struct Counter {
    engine: Mutex<Sender<Message>>,
    pulse: Pulse,
    open: Box<Open>,
    /// Open stores that no request uses at the moment.
    stores: Mutex<Vec<Box<dyn Store>>>,
    /// Who is signed in.
    sessions: Sessions,
}

impl Counter {
    fn new(engine: Sender<Message>, pulse: Pulse, open: Box<Open>, sessions: Sessions) -> Self {
        Self { engine: Mutex::new(engine), pulse, open, stores: Mutex::default(), sessions }
    }
}

impl Routes {
    /// The routes without a network before them.
    pub fn new(desk: Arc<Desk>, engine: Sender<Message>, pulse: Pulse, open: Box<Open>) -> Self {
        let sessions = sessions(&desk, &*open);
        Self { desk, counter: Arc::new(Counter::new(engine, pulse, open, sessions)) }
    }

    /// Answers a request that has passed the gate.
    pub fn answer(&self, request: &Request) -> Response {
        let path = request.path.as_str();
        match path {
            "/healthz" => self.health(),
            _ if path.starts_with("/twiml/") || path.starts_with("/twilio/") => self.twilio(request),
            _ => self.page(request),
        }
    }

    /// Who is signed in.
    fn sessions(&self) -> &Sessions {
        &self.counter.sessions
    }

    /// What is wrong with thialfi itself, in words.
    fn alarms(&self) -> Vec<String> {
        let mut alarms = self.desk.providers.alarms();
        if let (Some(address), Some(since)) = (&self.desk.config.server.public_url, self.counter.pulse.unreachable()) {
            let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
            alarms.push(format!("the provider has not reached {address} since {since}"));
        }
        alarms
    }

    /// 200 when the engine turns.
    fn health(&self) -> Response {
        match self.counter.pulse.age() {
            // Still 200: a new start mends nothing, and systemd's watchdog asks here, too.
            Some(age) if age <= ILL_AFTER => match self.alarms() {
                alarms if alarms.is_empty() => Response::text(200, "ok"),
                alarms => Response::text(200, &format!("ok, but {}", alarms.join("; "))),
            },
            Some(age) => Response::text(503, &format!("the engine last turned {} s ago", age.as_secs())),
            None => Response::text(503, "the engine has not turned yet"),
        }
    }

    /// Works with a store that no other request uses meanwhile.
    pub(crate) fn with_store<T>(&self, work: impl FnOnce(&mut dyn Store) -> store::Result<T>) -> store::Result<T> {
        let idle = self.counter.stores.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut store = match idle {
            Some(store) => store,
            None => (self.counter.open)()?,
        };
        let result = work(store.as_mut());
        if result.is_ok() {
            self.counter.stores.lock().unwrap_or_else(PoisonError::into_inner).push(store);
        }
        result
    }

    /// Tells the engine that the provider reaches us.
    pub(crate) fn heard(&self) {
        let _ = self.counter.engine.lock().unwrap_or_else(PoisonError::into_inner).send(Message::Heard);
    }

    /// Tells the engine that something changed.
    pub(crate) fn wake(&self) {
        let _ = self.counter.engine.lock().unwrap_or_else(PoisonError::into_inner).send(Message::Wake);
    }
}

/// Sessions that outlive a new start, where the store tells the key that signs them.
fn sessions(desk: &Desk, open: &Open) -> Sessions {
    let kept = open().and_then(|mut store| Ok(*store.signing_key(&mut || desk.draw())?.bytes()));
    let key = kept.unwrap_or_else(|error| {
        tracing::warn!(%error, "who is signed in will have to sign in again when the server starts anew");
        let mut key = [0; 32];
        for half in key.chunks_mut(16) {
            half.copy_from_slice(&desk.draw().to_be_bytes());
        }
        key
    });
    Sessions::new(key, Arc::clone(&desk.clock))
}
