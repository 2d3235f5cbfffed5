//! Looking into a store without leaving a trace: for whoever explains, and may neither make nor change anything.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::fault::Fault;
use super::{Error, Result, open, schema};

/// How long a look waits for a lock. A writer never holds up a reader but while it recovers the log.
const BUSY: std::time::Duration = std::time::Duration::from_secs(1);

/// Opens the file for reading; `None` when there is none.
///
/// Where a writer has left something in the write-ahead log, its memory file is there, too, and is read like the log:
/// that takes a reader's mark, which holds up no writer. Where the log is empty or missing, SQLite would make both
/// files anew to read: then the file is taken as it stands (`immutable`), without any lock.
///
/// # Errors
/// When it cannot be read, or is of another version.
pub fn file(path: &Path) -> Result<Option<Connection>> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() == 0 => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { path: open::shown(path), source }),
    }
    let logged = std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let mut uri = OsString::from("file:").into_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            // RFC 3986, and what SQLite takes for the end of a path.
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02x}").bytes()),
            byte => uri.push(*byte),
        }
    }
    uri.extend(if logged { b"?mode=ro".as_slice() } else { b"?mode=ro&immutable=1".as_slice() });
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let opened = Connection::open_with_flags(OsString::from_vec(uri), flags);
    prepare(opened).map(Some).map_err(|fault| fault.at(&open::shown(path)))
}

fn prepare(opened: rusqlite::Result<Connection>) -> std::result::Result<Connection, Fault> {
    let connection = opened?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    let found = schema::version(&connection)?;
    match found.cmp(&schema::VERSION) {
        Ordering::Equal => Ok(connection),
        Ordering::Greater => Err(Fault::Newer { found, known: schema::VERSION }),
        Ordering::Less => Err(Fault::Damaged {
            what: "the file".into(),
            why: "it is of an older thialfi, and the next mail brings it up to date".into(),
        }),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
