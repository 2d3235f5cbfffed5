//! How many mails no rule wanted. They never open the store, and must cost a delivery nothing: each is one byte at the end of
//! a file beside it, and the file's length is their number. A thousand a day are 365 KB a year.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What is counted here, among [`super::Series::Mails`].
pub const WORD: &str = "unwanted";

/// One more, for whoever uses the store there. Deliveries at once do not lose each other's: the system appends.
///
/// # Errors
/// What the system says: there is no such directory (and so no store yet), it is not ours, or its disk is full. No mail
/// depends on it.
pub fn count(store: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    // A pipe in its place is not waited for.
    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    options.open(place(store))?.write_all(b".")
}

/// How many there have been; none where nothing has been counted.
pub fn counted(store: &Path) -> u64 {
    let found = std::fs::metadata(place(store));
    found.map_or(0, |found| if found.is_file() { found.len() } else { 0 })
}

fn place(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".unwanted");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_also_those_that_come_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("thialfi.db");
        assert_eq!(counted(&store), 0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..250).for_each(|_| count(&store).unwrap()));
            }
        });
        assert_eq!(counted(&store), 1000);
        assert!(!store.exists());
    }

    #[test]
    fn where_there_is_no_directory_none_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("none/thialfi.db");
        assert!(count(&store).is_err());
        assert_eq!(counted(&store), 0);
        assert!(!directory.path().join("none").exists());
    }

    #[test]
    fn a_pipe_in_its_place_is_not_waited_for_and_counts_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("thialfi.db");
        rustix::fs::mkfifoat(rustix::fs::CWD, place(&store), rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        assert!(count(&store).is_err());
        assert_eq!(counted(&store), 0);
    }
}
