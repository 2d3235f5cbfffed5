use super::super::suite::{self, Stage};
use super::*;

/// A file in a directory of its own.
struct OneFile(tempfile::TempDir);

impl OneFile {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("thialfi.db")
    }
}

impl Stage for OneFile {
    fn connect(&self) -> Box<dyn Store> {
        Box::new(Sqlite::open(&self.path()).unwrap())
    }
}

suite::run!(OneFile::new());
