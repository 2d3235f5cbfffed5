//! Taking turns: an advisory lock on a file beside the database, so that many short processes queue rather than
//! jostle.
//!
//! SQLite's own waiting is a poll with growing pauses: of 50 processes that write at once the unluckiest comes last
//! by a wide margin. Those who block in `flock` are woken the moment it is free. Nothing depends on it but
//! fairness: what keeps the data right is SQLite's locking, so whoever cannot take part, or has waited long enough,
//! goes on without.
//!
//! A turn is one opening or one transaction, and everybody takes turns, the engine with its lasting connection too:
//! so it neither starves the deliveries nor is starved by them. Never may a turn last while a provider is asked.
//!
//! Measured with `benches/store.rs`: 50 processes at once, each opens, commits three times and closes; 2 cores, shared,
//! and a disk whose fsync is almost free (10 µs). The slowest took 0.17 s in turns and 0.38 s without; with builds
//! running beside it 0.76 s and 1.84 s, and the engine's slowest commit meanwhile 0.28 s and 0.95 s.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long somebody waits for a turn. A holder keeps it for one transaction, milliseconds; one that keeps it longer
/// was stopped or has a sick disk. With SQLite's own 10 s this stays well below the 60 s in which a delivery must end.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long one who waited in vain does without, so that several transactions do not wait in vain one after the other.
const SULK: Duration = Duration::from_mins(1);

/// Where the queue is.
#[derive(Debug)]
pub struct Queue {
    /// The lock file; `None` for a store in memory.
    path: Option<PathBuf>,
    /// The database, whose owner and mode the lock file takes.
    database: PathBuf,
    patience: Duration,
    /// Do without until then.
    without_until: Option<Instant>,
}

/// Somebody's turn, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Turn {
    /// Closing the file ends the lock; nothing reads it.
    #[allow(dead_code)]
    lock: Option<File>,
}

impl Queue {
    /// The queue of the database at `database`: a file of its name with `.lock` appended.
    pub fn beside(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        Self { path: Some(path.into()), database: database.to_owned(), patience: PATIENCE, without_until: None }
    }

    /// No queue: a store that nobody shares.
    pub fn none() -> Self {
        Self { path: None, database: PathBuf::new(), patience: PATIENCE, without_until: None }
    }

    /// Waits for a turn, at most [`PATIENCE`].
    pub fn wait(&mut self) -> Turn {
        let without = Turn { lock: None };
        let Some(path) = &self.path else { return without };
        if self.without_until.is_some_and(|until| Instant::now() < until) {
            return without;
        }
        let file = match lock_file(path, &self.database) {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "no turn is taken: the lock file cannot be opened");
                return without;
            }
        };
        match file.try_lock() {
            Ok(()) => return Turn { lock: Some(file) },
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                tracing::debug!(path = %path.display(), %error, "no turn is taken: the file system has no locks");
                return without;
            }
        }
        if let Some(file) = lock_within(file, self.patience) {
            return Turn { lock: Some(file) };
        }
        tracing::warn!(path = %path.display(), "waited {:?} for a turn at the store; going on without", self.patience);
        self.without_until = Some(Instant::now() + SULK);
        without
    }
}

/// Blocks until the lock is free, which is fairer than trying again and again; a thread does it, because the call knows
/// no time-out. When the time is up the thread stays behind with the file, and its lock ends as soon as it begins.
fn lock_within(file: File, patience: Duration) -> Option<File> {
    let (sender, receiver) = mpsc::channel();
    let waiting = std::thread::Builder::new().name("turn".into()).stack_size(64 * 1024).spawn(move || {
        if file.lock().is_ok() {
            let _ = sender.send(file);
        }
    });
    waiting.ok()?;
    receiver.recv_timeout(patience).ok()
}

/// Opens the lock file, and makes it when it is missing, for those who may use the database.
fn lock_file(path: &Path, database: &Path) -> std::io::Result<File> {
    match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            super::open::give_to_those_who_use(&file, database);
            Ok(file)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => OpenOptions::new().write(true).open(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn one_at_a_time_has_the_turn() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("db");
        let first = Queue::beside(&database).wait();
        assert!(first.lock.is_some());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn({
            let database = database.clone();
            move || {
                let turn = Queue::beside(&database).wait();
                sender.send(turn.lock.is_some()).unwrap();
            }
        });
        assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
        drop(first);
        assert!(receiver.recv_timeout(Duration::from_secs(10)).unwrap());
    }

    #[test]
    fn a_turn_that_never_ends_is_waited_for_once_and_not_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("db");
        let kept = Queue::beside(&database).wait();
        let mut queue = Queue { patience: Duration::from_millis(20), ..Queue::beside(&database) };
        assert!(queue.wait().lock.is_none());
        queue.patience = Duration::from_hours(1);
        assert!(queue.wait().lock.is_none());
        // The thread that was left behind gives the lock back.
        drop(kept);
        assert!(Queue::beside(&database).wait().lock.is_some());
    }

    #[test]
    fn a_directory_without_room_for_a_lock_is_no_obstacle() {
        assert!(Queue::beside(Path::new("/nonexistent/db")).wait().lock.is_none());
    }

    #[test]
    fn the_lock_is_for_those_who_may_use_the_database() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("db");
        std::fs::write(&database, "").unwrap();
        std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o660)).unwrap();
        let _turn = Queue::beside(&database).wait();
        let mode = std::fs::metadata(directory.path().join("db.lock")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o660);
    }
}
