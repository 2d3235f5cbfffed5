//! A file that remembers, outside the store, whom deliveries without one have called for an event. Read as something that
//! may be anything: where it is not what we wrote, nothing is known.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use rustix::fs::OFlags;
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use super::pace::Remembered;
use super::place::{FILES, Place};
use crate::alert::{Channel, Digest};

/// So many calls are remembered of an event, the last ones.
const CALLS: usize = 20;

/// What is longer was not written by us.
const LONGEST: u64 = 64 * 1024;

/// A call, text or mail that a provider took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// When.
    pub at: Timestamp,
    /// To whom: the key of the contact, and the name.
    pub contact: String,
    /// The name of the contact.
    pub name: String,
    /// By which way.
    pub channel: Channel,
    /// The number or address.
    pub to: String,
    /// Which provider took it.
    pub provider: String,
    /// What the provider calls it.
    pub id: String,
    /// How long it is waited for.
    pub wait: SignedDuration,
}

/// Why nothing can be remembered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another delivery has it, and is calling somebody.
    #[error("another delivery calls somebody for it at this moment")]
    Busy,
    /// It is not a file of ours.
    #[error("{} is not a file that only we can write", .0.display())]
    Foreign(PathBuf),
    /// It cannot be made, read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The file of an event, which no other delivery has as long as this one does.
#[derive(Debug)]
pub struct Marker {
    file: File,
    path: PathBuf,
    /// There were too many: it is that of all further events together.
    pub is_shared: bool,
    /// What was called, the first first.
    pub made: Vec<Made>,
}

impl Marker {
    /// The marker of an event, made if it is not there. Beyond so many events the others are one.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of(place: &Place, event: Digest, now: Timestamp) -> Result<Self, Error> {
        let left = place.sweep(now)?;
        let mut path = place.file(event);
        let is_shared = left >= FILES && fs::symlink_metadata(&path).is_err();
        if is_shared {
            path = place.file(Digest::of(["all further events"]));
        }
        let file = match options().create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open(&path)?,
            Err(error) => return Err(error.into()),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // Who had the lock before may have removed it.
        let made = read(&file, &path)?;
        Ok(Self { file, path, is_shared, made })
    }

    /// Remembers one more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, made: Made) -> io::Result<()> {
        let at = made.at;
        self.made.push(made);
        let first = self.made.len().saturating_sub(CALLS);
        let text = serde_json::to_vec(self.made.get(first..).unwrap_or_default())?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.set_modified(SystemTime::from(at))
    }
}

/// What was called for this event and all others.
///
/// # Errors
/// When the directory cannot be listed. A file that cannot be read, or is not ours, says nothing.
pub fn all(place: &Place, own: &Marker) -> io::Result<Vec<Remembered>> {
    let known = |path: PathBuf| Remembered {
        is_own: path == own.path,
        made: open(&path).and_then(|file| read(&file, &path)).unwrap_or_default(),
    };
    Ok(place.files()?.into_iter().map(known).collect())
}

/// What was called for an event, in all places, and the files that say so.
pub fn recall(places: &[Place], event: Digest) -> (Vec<Made>, Vec<PathBuf>) {
    let (mut made, mut files) = (Vec::new(), Vec::new());
    for path in places.iter().map(|place| place.file(event)) {
        if let Ok(known) = open(&path).and_then(|file| read(&file, &path)) {
            made.extend(known);
            files.push(path);
        }
    }
    (made, files)
}

/// No link is followed, and a pipe is not waited for.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    options.read(true).write(true).mode(0o600).custom_flags(i32::try_from(flags).unwrap_or_default());
    options
}

fn open(path: &Path) -> Result<File, Error> {
    let no_link = |error: io::Error| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => Error::Foreign(path.to_owned()),
        _ => Error::Io(error),
    };
    options().open(path).map_err(no_link)
}

/// What stands in the file. Nothing, where we did not write it to its end.
fn read(file: &File, path: &Path) -> Result<Vec<Made>, Error> {
    let found = file.metadata()?;
    let is_closed = found.uid() == geteuid().as_raw() && found.mode() & 0o777 == 0o600;
    if !(found.is_file() && is_closed && found.nlink() == 1) {
        return Err(Error::Foreign(path.to_owned()));
    }
    let mut text = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text).unwrap_or_default())
}
