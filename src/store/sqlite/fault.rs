//! What went wrong, before the path of the file is put to it.

use rusqlite::{ErrorCode, ffi};

use super::Error;
use crate::alert::AlertId;

/// What went wrong inside the backend, which need not know its path.
#[derive(Debug)]
pub enum Fault {
    /// SQLite said no.
    Sql(rusqlite::Error),
    /// The file can be read only.
    ReadOnly,
    /// The file is not a database, or not ours.
    Foreign,
    /// The file is of a newer program.
    Newer {
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A row cannot be read.
    Damaged {
        /// Which.
        what: String,
        /// Why.
        why: String,
    },
    /// There is no such alert.
    NoAlert(AlertId),
}

/// What a piece of work inside the backend gives.
pub type Answer<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    /// The error for the outside, in words that say what to do where we know it.
    pub fn at(self, path: &str) -> Error {
        let path = path.to_owned();
        match self {
            Self::Sql(source) => database(path, source),
            Self::ReadOnly => Error::NotWritable { path, why: "it can be opened only for reading".into() },
            Self::Foreign => Error::Foreign { path },
            Self::Newer { found, known } => Error::Newer { path, found, known },
            Self::Damaged { what, why } => Error::Damaged { path, what, why },
            Self::NoAlert(id) => Error::NoAlert(id),
        }
    }
}

fn database(path: String, source: rusqlite::Error) -> Error {
    let full = source.sqlite_error().is_some_and(|error| {
        // SQLite: SQLITE_IOERR_SHMSIZE "may indicate that the underlying filesystem volume is out of space".
        error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
    });
    match source.sqlite_error_code() {
        _ if full => Error::Full { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { path },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            Error::NotWritable { path, why: said(&source) }
        }
        Some(ErrorCode::NotADatabase) => Error::Foreign { path },
        Some(ErrorCode::DatabaseCorrupt) => Error::Damaged {
            path,
            what: "the file".into(),
            why: format!("{}; put back a copy, or move it away and a new one is made", said(&source)),
        },
        _ => Error::Database { path, source },
    }
}

/// SQLite's own words, without the path that rusqlite adds: it is in our sentence already.
fn said(error: &rusqlite::Error) -> String {
    match error.sqlite_error() {
        Some(error) => ffi::code_to_str(error.extended_code).to_owned(),
        None => error.to_string(),
    }
}
