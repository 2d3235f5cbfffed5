//! HTTP: the gate, Twilio's webhooks, pages, the API, health and metrics. A webhook commits an event and renders an answer; it never waits for a
//! provider.

mod api;
pub mod gate;
pub mod headers;
mod health;
pub mod http;
mod metrics;
mod pages;
pub mod session;
pub mod signature;
#[cfg(test)]
mod stage;
pub mod twilio;
pub mod watchdog;

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};

use self::gate::{Address, Gate, GateError, GateOptions};
use self::http::{Request, Response};
use self::metrics::Webhooks;
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
        let (counter, present) = (Arc::new(Counter::new(engine, pulse, Box::new(open))), Arc::clone(&desk));
        let answer = move |request: Request| {
            let desk = Arc::clone(&present.read().unwrap_or_else(PoisonError::into_inner));
            Routes { desk, counter: Arc::clone(&counter) }.answer(&request)
        };
        let options = GateOptions { user_header, methods, is_for_programs: api::is_below, ..GateOptions::new(listen) };
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
    /// Who is signed in: from the first time on that somebody asks for a page.
    sessions: OnceLock<Sessions>,
    /// What became of webhooks.
    webhooks: Webhooks,
    /// When it was made: about when the process began.
    began_at: Timestamp,
}

impl Counter {
    fn new(engine: Sender<Message>, pulse: Pulse, open: Box<Open>) -> Self {
        let (engine, stores, webhooks) = (Mutex::new(engine), Mutex::default(), Webhooks::default());
        Self { engine, pulse, open, stores, sessions: OnceLock::new(), webhooks, began_at: Timestamp::now() }
    }
}

impl Routes {
    /// The routes without a network before them.
    pub fn new(desk: Arc<Desk>, engine: Sender<Message>, pulse: Pulse, open: Box<Open>) -> Self {
        Self { desk, counter: Arc::new(Counter::new(engine, pulse, open)) }
    }

    /// Answers a request that has passed the gate.
    pub fn answer(&self, request: &Request) -> Response {
        let path = request.path.as_str();
        match path {
            "/healthz" => self.health(request),
            "/livez" => self.live(request),
            "/metrics" => self.metrics(request),
            _ if api::is_below(path) => self.api(request),
            _ if path.starts_with("/twiml/") || path.starts_with("/twilio/") => self.twilio(request),
            _ => self.page(request),
        }
    }

    /// Who is signed in.
    fn sessions(&self) -> &Sessions {
        self.counter.sessions.get_or_init(|| sessions(&self.desk, &*self.counter.open))
    }

    /// How the engine is.
    fn pulse(&self) -> &Pulse {
        &self.counter.pulse
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

/// The methods that an address takes, where it is not all that pass the gate.
fn methods(path: &str) -> Option<&'static str> {
    match path {
        "/healthz" | "/livez" | "/metrics" => Some("GET, HEAD"),
        path => api::methods(path),
    }
}

/// Sessions that outlive a new start, where the store tells the key that signs them.
fn sessions(desk: &Desk, open: &Open) -> Sessions {
    let kept = open().and_then(|mut store| {
        let key = *store.signing_key(&mut || desk.draw())?.bytes();
        Ok((key, store.ended_sessions(desk.now())?))
    });
    let (key, ended) = kept.unwrap_or_else(|error| {
        tracing::warn!(%error, "who is signed in will have to sign in again when the server starts anew");
        let mut key = [0; 32];
        for half in key.chunks_mut(16) {
            half.copy_from_slice(&desk.draw().to_be_bytes());
        }
        (key, Vec::new())
    });
    Sessions::new(key, Arc::clone(&desk.clock)).with_ended(ended)
}
