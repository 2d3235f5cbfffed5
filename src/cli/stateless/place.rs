//! Where it is remembered, outside the store, whom a delivery without one has called: a directory that nobody but our
//! user can write. It knows directories, not what is in the files.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use rustix::process::geteuid;

use crate::alert::Digest;
use crate::cli::surroundings::Variable;

/// So many files at most: a storm on a full disk must not fill the memory that these directories often are.
pub const FILES: usize = 1_000;

/// What is older is of no use to anybody, and is removed.
const KEEP: Duration = Duration::from_hours(24);

/// More entries than this are not looked at: somebody else's, or a thialfi's that went wrong.
const LOOK_AT: usize = 4 * FILES;

/// So long one delivery waits for another that calls somebody: the mail server waits, too.
const TURN: Duration = Duration::from_secs(15);

/// A directory of ours.
#[derive(Debug, Clone)]
pub struct Place(PathBuf);

impl Place {
    /// The first place that will do, made if it is not there.
    pub fn make(variable: &Variable, store: &Path) -> Option<Self> {
        bases(variable, store).into_iter().find_map(|base| {
            let path = ours(&base);
            // It may be there already. What counts is what is there now.
            let _ = DirBuilder::new().mode(0o700).create(&path);
            is_ours(&path).then_some(Self(path))
        })
    }

    /// All places that are there.
    pub fn all(variable: &Variable, store: &Path) -> Vec<Self> {
        bases(variable, store).iter().map(|base| ours(base)).filter(|path| is_ours(path)).map(Self).collect()
    }

    /// The file for an event.
    pub fn file(&self, event: Digest) -> PathBuf {
        self.0.join(event.to_string())
    }

    /// Has the calling to itself, among all deliveries, as long as what it returns is there: who counts what the others have
    /// called, and calls, must not do so beside another. `None`: another has it, and does not end.
    ///
    /// # Errors
    /// When the directory cannot be locked.
    pub fn turn(&self) -> io::Result<Option<File>> {
        let directory = File::open(&self.0)?;
        let end = Instant::now() + TURN;
        loop {
            match directory.try_lock() {
                Ok(()) => return Ok(Some(directory)),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(fs::TryLockError::WouldBlock) => return Ok(None),
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// The files of all events.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.0)?.take(LOOK_AT).filter_map(Result::ok);
        Ok(entries.map(|entry| entry.path()).filter(|path| is_marker(path)).collect())
    }

    /// Removes what is old. Says how many files are left.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn sweep(&self, now: Timestamp) -> io::Result<usize> {
        let now = SystemTime::from(now);
        let mut left = 0;
        for entry in fs::read_dir(&self.0)?.take(LOOK_AT) {
            let path = entry?.path();
            // One of the future, after a clock was set back, has no age.
            let age = |at: SystemTime| now.duration_since(at).unwrap_or_default();
            let is_old = fs::symlink_metadata(&path).and_then(|found| found.modified()).is_ok_and(|at| age(at) > KEEP);
            if !(is_old && is_marker(&path) && fs::remove_file(&path).is_ok()) {
                left += 1;
            }
        }
        Ok(left)
    }
}

/// Whether the file is called as ours are.
fn is_marker(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit)
}

/// Where a directory of ours may be, the best first. What the service manager gives to us is taken as it is; of the others
/// those that the same full disk does not fill.
fn bases(variable: &Variable, store: &Path) -> Vec<PathBuf> {
    let disk = store.ancestors().skip(1).find_map(|above| fs::metadata(above).ok()).map(|found| found.dev());
    let is_elsewhere = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| Some(found.dev()) != disk);
    let given = variable("RUNTIME_DIRECTORY").unwrap_or_default();
    let given = given.split(':').next().map(PathBuf::from).filter(|path| path.is_absolute());
    let user = format!("/run/user/{}", geteuid().as_raw());
    let known = [user.as_str(), "/run/thialfi", "/dev/shm", "/tmp"].map(PathBuf::from).into_iter().filter(is_elsewhere);
    given.into_iter().chain(known).filter(|path| is_safe(path)).collect()
}

/// Whether nobody but us and root can put something else in place of what we have made in this directory.
fn is_safe(base: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(base) else { return false };
    let (is_sticky, others_write) = (found.mode() & 0o1000 != 0, found.mode() & 0o022 != 0);
    found.is_dir() && (found.uid() == 0 || found.uid() == geteuid().as_raw()) && (is_sticky || !others_write)
}

fn ours(base: &Path) -> PathBuf {
    base.join(format!("thialfi-{}", geteuid().as_raw()))
}

/// Whether it is a directory, no link to one, ours, and closed to everybody else. One that was open to others may hold
/// what they have put there.
fn is_ours(path: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(path) else { return false };
    found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o777 == 0o700
}
