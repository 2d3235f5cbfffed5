//! The SQLite backend.
/// The SQLite backend.
pub struct Sqlite {}
