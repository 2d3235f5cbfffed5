//! What time it is: the system's clock, or one that a test moves. Nothing else in the crate asks the system.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

/// Names a file whose text is the time (RFC 3339), for tests and staging: every thialfi process that is given the
/// same file lives at the same moment, and whoever rewrites the file moves all of them.
pub const CLOCK_FILE_VARIABLE: &str = "THIALFI_CLOCK_FILE";

/// A source of the present time.
pub trait Clock: Send + Sync {
    /// The present time, in UTC.
    fn now(&self) -> Timestamp;

    /// Whether the time is moved by somebody rather than passing: then waiting for it means looking often.
    fn is_moved_by_hand(&self) -> bool {
        false
    }
}

/// The clock that the environment asks for: [`FileClock`] when [`CLOCK_FILE_VARIABLE`] is set, else [`SystemClock`].
pub fn from_environment() -> Arc<dyn Clock> {
    match std::env::var_os(CLOCK_FILE_VARIABLE) {
        Some(path) if !path.is_empty() => Arc::new(FileClock::new(path)),
        _ => Arc::new(SystemClock),
    }
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `start`, to the millisecond.
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.as_millisecond())))
    }

    /// Moves the clock on (or back) by `span`.
    pub fn advance(&self, span: jiff::SignedDuration) {
        let milliseconds = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }

    fn is_moved_by_hand(&self) -> bool {
        true
    }
}

/// A clock that is read from a file, so that several processes share one moved time.
#[derive(Debug, Clone)]
pub struct FileClock {
    path: PathBuf,
    shown: Arc<Mutex<Option<Timestamp>>>,
}

impl FileClock {
    /// The clock that the file at `path` holds. While that cannot be read, the clock stands still; before it ever was, it shows
    /// the system's time.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), shown: Arc::default() }
    }
}

impl Clock for FileClock {
    fn now(&self) -> Timestamp {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = std::fs::read_to_string(&self.path).ok().and_then(|text| text.trim().parse().ok()) {
            *shown = Some(now);
        }
        shown.unwrap_or_else(Timestamp::now)
    }

    fn is_moved_by_hand(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_for_a_moment_stops_the_clock() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("clock");
        let clock = FileClock::new(&path);
        let started = Timestamp::now();
        assert!(clock.now() >= started, "before there is a file");
        let shown: Timestamp = "2026-11-02T02:00:00Z".parse().unwrap();
        std::fs::write(&path, format!("{shown}\n")).unwrap();
        assert_eq!(clock.now(), shown);
        for broken in ["", "yesterday"] {
            std::fs::write(&path, broken).unwrap();
            assert_eq!(clock.now(), shown);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(clock.now(), shown);
        let later: Timestamp = "2026-11-02T03:00:00Z".parse().unwrap();
        std::fs::write(&path, later.to_string()).unwrap();
        assert_eq!(clock.now(), later);
    }
}
