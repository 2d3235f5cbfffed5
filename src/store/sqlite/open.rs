//! Opening the file: what must be right about it, who may use it, how SQLite is set.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use super::fault::Fault;
use super::{Error, Result, schema};

/// How long SQLite waits for a lock that another process has.
const BUSY: Duration = Duration::from_secs(10);

/// The absolute path of the store, with symbolic links followed, so that all who use one file queue at one lock; and
/// so that a relative path which begins with `file:` is not taken for a URI.
pub fn whole_path(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(|source| Error::File { path: shown(path), source })?;
    Ok(std::fs::canonicalize(&absolute).unwrap_or(absolute))
}

/// The path as it stands in messages.
pub fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Opens the file, makes it when it is missing (never its directory: a mistyped path must not look like an empty
/// store), and brings its tables up to date.
pub fn file(path: &Path) -> Result<Connection> {
    // Neither `metadata` nor `create_new` opens a file that is there: had this process another connection to it, the
    // closing of any descriptor would end that connection's POSIX locks.
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(Error::NotWritable { path: shown(path), why: "it is not a regular file".into() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)?,
        Err(error) => return Err(trouble(path, error)),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    prepare(Connection::open_with_flags(path, flags)).map_err(|fault| fault.at(&shown(path)))
}

/// A store in memory.
pub fn memory() -> Result<Connection> {
    prepare(Connection::open_in_memory()).map_err(|fault| fault.at(":memory:"))
}

fn prepare(opened: rusqlite::Result<Connection>) -> std::result::Result<Connection, Fault> {
    let mut connection = opened?;
    connection.busy_timeout(BUSY)?;
    // A statement is planned once, whatever is asked with it. Without that SQLite plans nearly each of ours anew whenever its
    // parameters change, which took a quarter of all time (https://www.sqlite.org/queryplanner-ng.html#qpstab).
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if connection.is_readonly(MAIN_DB)? {
        return Err(Fault::ReadOnly);
    }
    connection.pragma_update(None, "foreign_keys", true)?;
    // Sorting never needs a file: there may be no writable place for one.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Never touch a foreign file, not even its journal mode: the check comes first.
    let version = schema::version(&connection)?;
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode == "delete" {
        // A file system without shared memory keeps `delete`: slower, and as safe.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    }
    // In WAL mode, with less than FULL a commit can be lost with the power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    if version != schema::VERSION {
        schema::bring_up_to_date(&mut connection)?;
    }
    // More than there are questions.
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// An empty file, which is an empty database to SQLite, for its owner alone: it tells who is called when. Somebody who
/// wants several users to deliver changes its mode (and the directory's: setgid, writable for the group); SQLite and we
/// give every file beside it the same mode.
fn create(path: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            give_to_owner_of_directory(&file, path);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.parent() {
            Some(directory) if !directory.is_dir() => {
                Err(Error::Missing { path: shown(path), directory: shown(directory) })
            }
            _ => Err(trouble(path, error)),
        },
        Err(error) => Err(trouble(path, error)),
    }
}

/// Gives a file that was just made beside the database the owner, group and mode of the database; where there is none
/// yet, see [`give_to_owner_of_directory`].
pub fn give_to_those_who_use(file: &File, database: &Path) {
    let Ok(model) = std::fs::metadata(database) else { return give_to_owner_of_directory(file, database) };
    let _ = file.set_permissions(Permissions::from_mode(model.mode() & 0o666));
    let _ = fchown(file, Some(model.uid()), Some(model.gid()));
}

/// Gives the new file at `path` to whom its directory belongs, so that what root makes (by `thialfi alerts`, say) is
/// not closed to the user whose store it is. Who is not root may not give files away, and need not.
fn give_to_owner_of_directory(file: &File, path: &Path) {
    if let Some(Ok(directory)) = path.parent().map(std::fs::metadata) {
        let _ = fchown(file, Some(directory.uid()), Some(directory.gid()));
    }
}

/// What the system said of the file, with what to do about it where we know.
fn trouble(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::NotWritable { path: shown(path), why: error.to_string() }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full { path: shown(path) },
        _ => Error::File { path: shown(path), source: error },
    }
}
