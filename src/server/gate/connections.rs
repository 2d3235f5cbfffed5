//! The connections that are open: never more than the limit, each in a phase, the oldest first. Who gives way to whom is
//! decided here, and nowhere else.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::stream::Stream;

/// Every connection has so long to say something before it gives way to a newer one. Behind a reverse proxy the whole
/// request comes with the connection; this is for the time until one of our threads has looked.
const GRACE: Duration = Duration::from_millis(5);

/// An accepted connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: Stream,
    pub(super) remote: Option<IpAddr>,
    pub(super) accepted: Instant,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing has been heard from it.
    Silent,
    /// Part of its request has been heard.
    Reading,
    /// Its request is complete and being answered. It never gives way.
    Answering,
    /// Its answer is being written.
    Parting,
}

/// What [`Connections::admit`] says of a connection that it has let in.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) id: u64,
    /// No thread is free to serve it: start one.
    pub(super) thread_wanted: bool,
}

#[derive(Debug)]
pub(super) struct Connections {
    limit: usize,
    state: Mutex<State>,
    /// A connection waits for a thread, or there will be no more.
    queued: Condvar,
    /// A connection is over.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// By age: identifiers only grow.
    open: BTreeMap<u64, (Arc<Connection>, Phase)>,
    /// Accepted, and not yet in the hands of a thread.
    queue: VecDeque<u64>,
    next: u64,
    threads: usize,
    idle: usize,
    closed: bool,
}

/// What came of making room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Eviction {
    /// There is room.
    Done,
    /// There will be, after this time.
    In(Duration),
    /// All are being answered.
    Nobody,
}

impl State {
    /// Ends the connection that is the least loss: the oldest that has not said what it wants, then the oldest that
    /// does not take its answer.
    fn evict(&mut self) -> Eviction {
        let oldest = |wanted: fn(Phase) -> bool| self.open.iter().find(|(_, (_, phase))| wanted(*phase));
        let Some((&id, (connection, _))) = oldest(|phase| matches!(phase, Phase::Silent | Phase::Reading))
            .or_else(|| oldest(|phase| phase == Phase::Parting))
        else {
            return Eviction::Nobody;
        };
        let grace = GRACE.saturating_sub(connection.accepted.elapsed());
        if !grace.is_zero() {
            return Eviction::In(grace);
        }
        connection.stream.shut();
        self.open.remove(&id);
        Eviction::Done
    }
}

impl Connections {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default(), queued: Condvar::new(), ended: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the connection in, in place of another where there is no room; gives it back when all are being answered.
    /// It may wait a moment for an old connection to have had its chance.
    pub(super) fn admit(&self, connection: Connection) -> Result<Admitted, Connection> {
        let mut state = self.lock();
        while state.open.len() >= self.limit {
            match state.evict() {
                Eviction::Done => {}
                Eviction::In(grace) => {
                    state = self.ended.wait_timeout(state, grace).unwrap_or_else(PoisonError::into_inner).0;
                }
                Eviction::Nobody => return Err(connection),
            }
        }
        let id = state.next;
        state.next += 1;
        state.open.insert(id, (Arc::new(connection), Phase::Silent));
        state.queue.push_back(id);
        // A thread more for each that waits for a late answer is not needed: those are bounded by the workers.
        let thread_wanted = state.idle < state.queue.len() && state.threads < self.limit;
        if thread_wanted {
            state.threads += 1;
        }
        self.queued.notify_one();
        Ok(Admitted { id, thread_wanted })
    }

    /// The thread that was wanted could not be started. When there is no other, the connection comes back.
    pub(super) fn thread_failed(&self, id: u64) -> Option<Arc<Connection>> {
        let mut state = self.lock();
        state.threads = state.threads.saturating_sub(1);
        if state.threads > 0 {
            return None;
        }
        state.queue.retain(|queued| *queued != id);
        state.open.remove(&id).map(|(connection, _)| connection)
    }

    /// The next connection to serve; `None` when the gate is closed.
    pub(super) fn next(&self) -> Option<(u64, Arc<Connection>)> {
        let mut state = self.lock();
        loop {
            while let Some(id) = state.queue.pop_front() {
                // One that gave way while it waited is no longer there.
                if let Some((connection, _)) = state.open.get(&id) {
                    return Some((id, Arc::clone(connection)));
                }
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.queued.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Notes how far the connection has come; false when it has had to give way.
    pub(super) fn enter(&self, id: u64, phase: Phase) -> bool {
        match self.lock().open.get_mut(&id) {
            Some(entry) => {
                entry.1 = phase;
                true
            }
            None => false,
        }
    }

    /// The connection is over.
    pub(super) fn leave(&self, id: u64) {
        self.lock().open.remove(&id);
        self.ended.notify_all();
    }

    /// Ends the connection that is the least loss.
    pub(super) fn evict(&self) {
        self.lock().evict();
    }

    /// Waits, but not longer than until a connection is over.
    pub(super) fn pause(&self, patience: Duration) {
        let state = self.lock();
        drop(self.ended.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends those that have said nothing, waits for the others until the deadline, ends those, too, and sends the
    /// threads home.
    pub(super) fn close(&self, deadline: Instant) {
        let mut state = self.lock();
        state.open.retain(|_, (connection, phase)| {
            let silent = *phase == Phase::Silent;
            if silent {
                connection.stream.shut();
            }
            !silent
        });
        while !state.open.is_empty() {
            let patience = deadline.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                break;
            }
            state = self.ended.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
        for (connection, _) in std::mem::take(&mut state.open).into_values() {
            connection.stream.shut();
        }
        state.closed = true;
        self.queued.notify_all();
    }
}
