//! What time it is: the system's clock, or one that a test moves. Nothing else in the crate asks the system.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

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
pub struct FileClock(PathBuf);

impl FileClock {
    /// The clock that the file at `path` holds. A file that cannot be read shows the system's time.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().to_owned())
    }
}

impl Clock for FileClock {
    fn now(&self) -> Timestamp {
        std::fs::read_to_string(&self.0).ok().and_then(|text| text.trim().parse().ok()).unwrap_or_else(Timestamp::now)
    }

    fn is_moved_by_hand(&self) -> bool {
        true
    }
}
