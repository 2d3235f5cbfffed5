//! The gate before tiny_http: bounded connections, bounded requests, deadlines.
//!
//! tiny_http 0.12 must not meet a network: it believes any `Content-Length`, waits for ever, starts a thread for every
//! connection, and aborts the process when it accepts one while descriptors are short. So the gate talks to the network,
//! and tiny_http, over a few connections that are made at the start and never again, sees complete requests that were
//! checked and written anew. One thread accepts; the others, at most `max_connections` of them, serve one request each.
//! When all are taken, the oldest connection that has not sent its request gives way to the newest: whoever says what he
//! wants is served, however many others say nothing.

mod address;
mod connections;
mod head;
mod inner;
mod receive;
mod stream;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

pub use address::Address;
use connections::{Connection, Connections, Phase};
use head::Refusal;
use inner::{Inner, Unanswered};
use stream::{Listener, Stream};

use super::http::{Request, Response};

/// The longest request line and header fields, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;
/// The longest body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// At most so many header fields.
pub const MAX_FIELDS: usize = 100;

/// What answers requests. It may be called on several threads at once.
pub type Handler = Arc<dyn Fn(Request) -> Response + Send + Sync>;

/// Where the gate listens, and how patient it is.
#[derive(Debug, Clone)]
pub struct GateOptions {
    /// `127.0.0.1:8085`, `[::1]:0`, `localhost:8085` or `unix:/run/thialfi/http.sock`.
    pub listen: String,
    /// So many connections at once, and no more.
    pub max_connections: usize,
    /// So many requests are worked on at once.
    pub workers: usize,
    /// From accepting a connection to the end of its header.
    pub header_deadline: Duration,
    /// From the end of the header to the end of the body.
    pub body_deadline: Duration,
    /// From the end of the request to the handler's answer; after that the gate answers 503.
    pub handler_deadline: Duration,
    /// From the answer to the client's having taken all of it.
    pub write_deadline: Duration,
    /// How long requests under way may take when the gate is stopped.
    pub stop_deadline: Duration,
    /// How long to wait before accepting again when that failed.
    pub pause: Duration,
    /// Where the private directory for tiny_http's socket is made. `None`: `$RUNTIME_DIRECTORY`, else the system's
    /// directory for temporary files.
    pub directory: Option<PathBuf>,
    /// One more header field that routes may see: the one in which a proxy says who is signed in.
    pub user_header: Option<String>,
    /// Which methods an address takes: `GET, HEAD`. `None`: all that pass.
    pub methods: fn(&str) -> Option<&'static str>,
    /// Whether it is programs that ask at an address: what the gate refuses there, it refuses in JSON.
    pub is_for_programs: fn(&str) -> bool,
}

impl GateOptions {
    /// Listening there; the rest as Twilio (connects within 5 s, reads for 15 s) and a reverse proxy want it.
    pub fn new(listen: &str) -> Self {
        Self {
            listen: listen.to_owned(),
            max_connections: 256,
            workers: 8,
            header_deadline: Duration::from_secs(5),
            body_deadline: Duration::from_secs(10),
            handler_deadline: Duration::from_secs(10),
            write_deadline: Duration::from_secs(10),
            stop_deadline: Duration::from_secs(5),
            pause: Duration::from_millis(50),
            directory: None,
            user_header: None,
            methods: |_| None,
            is_for_programs: |_| false,
        }
    }
}

/// Why the gate cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The address is taken, not ours, or none.
    #[error("cannot listen on `{listen}`: {source}")]
    Listen {
        /// As configured.
        listen: String,
        /// What the system says.
        source: io::Error,
    },
    /// tiny_http, its socket or a thread cannot be started.
    #[error("cannot start the HTTP server behind the gate: {0}")]
    Inner(io::Error),
}

/// An open gate. It closes when it is dropped.
#[derive(Debug)]
pub struct Gate {
    shared: Arc<Shared>,
    address: Address,
    waker: Option<Stream>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    options: GateOptions,
    connections: Connections,
    inner: Inner,
    stopping: AtomicBool,
    /// As the options had it, or as it was changed to since.
    user_header: RwLock<Option<String>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Gate {
    /// Opens the gate: it listens, and `handler` answers.
    ///
    /// # Errors
    /// When the address cannot be listened on, or tiny_http cannot be started behind the gate.
    #[allow(clippy::needless_pass_by_value, reason = "callers make the handler for the gate")]
    pub fn start(options: GateOptions, handler: Handler) -> Result<Self, GateError> {
        let in_words = |source| GateError::Listen { listen: options.listen.clone(), source };
        let listener = Listener::bind(&options.listen).map_err(in_words)?;
        let address = listener.address().map_err(in_words)?;
        let waker = listener.waker().ok();
        let inner = Inner::start(&options, &handler).map_err(GateError::Inner)?;
        let connections = Connections::new(options.max_connections.max(1));
        let shared = Arc::new(Shared {
            user_header: RwLock::new(options.user_header.clone()),
            options,
            connections,
            inner,
            stopping: AtomicBool::new(false),
            threads: Mutex::new(Vec::new()),
        });
        // Held in reserve for the moment when no other descriptor is to be had.
        let spare = File::open("/dev/null").ok();
        let thread = Arc::clone(&shared);
        let accepting = Builder::new()
            .name("gate".to_owned())
            .spawn(move || accept(&thread, &listener, spare))
            .map_err(GateError::Inner)?;
        tracing::info!(listen = %address, "listening");
        Ok(Self { shared, address, waker, accepting: Some(accepting) })
    }

    /// Where it listens: with the true port where 0 was asked for.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// From the next request on, routes may see this header field besides those that they always may.
    pub fn let_through(&self, user_header: Option<&str>) {
        *self.shared.user_header.write().unwrap_or_else(PoisonError::into_inner) = user_header.map(str::to_owned);
    }

    /// Closes the gate: accepts no more, lets requests under way end within `stop_deadline`, takes its socket away.
    pub fn stop(mut self) {
        self.close();
    }

    fn close(&mut self) {
        let Some(accepting) = self.accepting.take() else { return };
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Shutting a listening socket down wakes `accept` on Linux; elsewhere a connection does.
        if let Some(waker) = &self.waker {
            waker.shut();
        }
        if !accepting.is_finished() {
            let _ = self.address.connect(Duration::from_millis(100));
        }
        let _ = accepting.join();
        let deadline = Instant::now() + self.shared.options.stop_deadline;
        self.shared.connections.close(deadline);
        self.shared.inner.stop(deadline);
        let threads = std::mem::take(&mut *self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.close();
    }
}

/// Accepts until the gate stops. An error is survived: one that does not concern us (the client was gone before it was
/// accepted) is passed over, others are waited out, so that they neither end the gate nor make it spin.
fn accept(shared: &Arc<Shared>, listener: &Listener, mut spare: Option<File>) {
    let mut logged: Option<Instant> = None;
    loop {
        let accepted = listener.accept();
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        match accepted {
            Ok(stream) => admit(shared, stream),
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted) => {}
            Err(error) => {
                if logged.is_none_or(|at| at.elapsed() > Duration::from_secs(10)) {
                    logged = Some(Instant::now());
                    tracing::error!(%error, "cannot accept connections");
                }
                // Out of descriptors, most likely: the spare one serves one more client, the oldest that says nothing
                // frees another, and then there is nothing but to wait.
                if spare.take().is_none() {
                    shared.connections.evict();
                    shared.connections.pause(shared.options.pause);
                }
                continue;
            }
        }
        if spare.is_none() {
            spare = File::open("/dev/null").ok();
        }
    }
}

/// Takes the connection in, and starts a thread when none is free for it. Threads stay: a quiet server has one or two.
fn admit(shared: &Arc<Shared>, stream: Stream) {
    let connection = Connection { remote: stream.remote(), stream, accepted: Instant::now() };
    let admitted = match shared.connections.admit(connection) {
        Ok(admitted) => admitted,
        Err(connection) => return refuse(&connection),
    };
    if !admitted.thread_wanted {
        return;
    }
    let thread = Arc::clone(shared);
    match Builder::new().name("gate-client".to_owned()).stack_size(512 * 1024).spawn(move || serve(&thread)) {
        Ok(handle) => shared.threads.lock().unwrap_or_else(PoisonError::into_inner).push(handle),
        Err(error) => {
            tracing::error!(%error, "cannot start a thread");
            if let Some(connection) = shared.connections.thread_failed(admitted.id) {
                refuse(&connection);
            }
        }
    }
}

/// Says that there is no room, without waiting for anything.
fn refuse(connection: &Connection) {
    connection.stream.say_at_once(&Refusal::Overloaded.answer(false));
}

fn serve(shared: &Shared) {
    while let Some((id, connection)) = shared.connections.next() {
        let late = serve_one(shared, id, &connection);
        shared.connections.leave(id);
        drop(connection);
        if let Some(late) = late {
            shared.inner.wait_for(late);
        }
    }
}

/// Serves the one request of a connection. What comes back is a channel whose answer is still out.
fn serve_one(shared: &Shared, id: u64, connection: &Connection) -> Option<inner::Channel> {
    let options = &shared.options;
    let stream = &connection.stream;
    let began = |phase| shared.connections.enter(id, phase);
    let mut late = None;
    let user_header = shared.user_header.read().unwrap_or_else(PoisonError::into_inner).clone();
    let bounds = receive::Bounds { options, user_header: user_header.as_deref() };
    let answer = match receive::request(connection, &bounds, || began(Phase::Reading)) {
        Ok(request) => {
            let as_problem = (options.is_for_programs)(&request.path);
            if !began(Phase::Answering) {
                return None;
            }
            match shared.inner.ask(&request, Instant::now() + options.handler_deadline) {
                Ok(answer) => answer,
                Err(Unanswered::Late(channel)) => {
                    tracing::error!(path = request.path, "no answer in time");
                    late = Some(channel);
                    Refusal::Overloaded.answer(as_problem)
                }
                Err(Unanswered::Busy) => {
                    tracing::error!(path = request.path, "all workers are busy");
                    Refusal::Overloaded.answer(as_problem)
                }
                Err(Unanswered::Broken(error)) => {
                    tracing::error!(%error, path = request.path, "the server behind the gate failed");
                    Refusal::Broken.answer(as_problem)
                }
            }
        }
        Err(receive::Refused { refusal: Refusal::Gone, .. }) => return None,
        Err(receive::Refused { refusal, is_for_programs }) => {
            tracing::debug!(%refusal, "request refused");
            refusal.answer(is_for_programs)
        }
    };
    if began(Phase::Parting) && stream.write_before(&answer, Instant::now() + options.write_deadline).is_ok() {
        stream.part();
    }
    late
}

/// The request that `bytes` begin with, read as strictly as the gate reads a connection; `None` when it would be refused
/// or is not all there. For who has no connection, such as a fuzzer.
pub fn parse(bytes: &[u8]) -> Option<Request> {
    receive::whole(bytes)
}
