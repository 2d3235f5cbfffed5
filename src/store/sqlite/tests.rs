mod crash;
mod opening;
mod pages;
mod plan;
mod storm;

use super::super::suite::{self, Stage, build};
use super::*;
use crate::alert::State;

/// A file in a directory of its own.
struct OneFile(tempfile::TempDir);

impl OneFile {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("thialfi.db")
    }

    fn open(&self) -> Sqlite {
        Sqlite::open(&self.path()).unwrap()
    }
}

impl Stage for OneFile {
    fn connect(&self) -> Box<dyn Store> {
        Box::new(self.open())
    }
}

suite::run!(OneFile::new());

#[test]
fn history_cannot_be_altered() {
    let file = OneFile::new();
    let mut store = file.open();
    let id = build::open_due(&mut store, "disk", &[]);
    store.record(id, &[build::line("one"), build::line("two")]).unwrap();
    for sql in [
        "UPDATE history SET text = 'another'",
        "UPDATE history SET number = 9 WHERE number = 2",
        "DELETE FROM history WHERE number = 2",
        "DELETE FROM history",
        "INSERT OR REPLACE INTO history VALUES (1, 2, 0, 'opened', 'another')",
        "DELETE FROM alerts",
        "UPDATE alerts SET id = 2",
    ] {
        assert!(store.connection.execute(sql, []).is_err(), "{sql}");
    }
    assert_eq!(store.history(id).unwrap(), [build::line("one"), build::line("two")]);
}

#[test]
fn an_alert_that_is_over_goes_with_everything_about_it_and_its_number_is_not_given_again() {
    let file = OneFile::new();
    let mut store = file.open();
    let id = build::open_due(&mut store, "disk", &[build::at(1)]);
    let other = build::open_due(&mut store, "cpu", &[build::at(1)]);
    store.record(id, &[build::line("one")]).unwrap();
    store.record(other, &[build::line("kept")]).unwrap();
    for id in [id, other] {
        build::set_state(&mut store, id, State::Resolved);
    }
    store.connection.execute("DELETE FROM alerts WHERE id = ?1", [id.0]).unwrap();
    for table in ["alerts", "notifications", "mails", "history"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(store.connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap(), 1, "{table}");
    }
    store.connection.execute("DELETE FROM alerts", []).unwrap();
    assert_eq!(build::open_due(&mut store, "disk", &[]), AlertId(3));
}

#[test]
fn a_damaged_row_does_not_stand_in_the_way_of_the_others() {
    let file = OneFile::new();
    let mut store = file.open();
    let damaged = build::open_due(&mut store, "a", &[build::at(1)]);
    let sound = build::open_due(&mut store, "b", &[build::at(2)]);
    store.connection.execute("UPDATE notifications SET phone = 'none' WHERE alert = 1", []).unwrap();
    let claimed = store.claim(build::at(9), "me", build::at(99), 1, None, &build::unlimited()).unwrap();
    assert_eq!(claimed.iter().map(|notification| notification.id.alert).collect::<Vec<_>>(), [sound]);
    let error = store.alert(damaged).unwrap_err().to_string();
    assert!(error.contains("notification 1.1 is damaged") && error.contains("thialfi.db"), "{error}");

    store.connection.execute("UPDATE alerts SET policy = '{}' WHERE id = 1", []).unwrap();
    let error = store.alert(damaged).unwrap_err().to_string();
    assert!(error.contains("alert 1 is damaged: `policy`"), "{error}");
    let listed = store.alerts(&Filter::default()).unwrap();
    assert_eq!(listed.iter().map(|alert| alert.id).collect::<Vec<_>>(), [sound]);
}

#[test]
fn a_store_in_memory_works_alike() {
    let mut store = Sqlite::in_memory().unwrap();
    let id = build::open_due(&mut store, "disk", &[build::at(1)]);
    assert_eq!(store.claim(build::at(1), "me", build::at(2), 1, None, &build::unlimited()).unwrap()[0].id.alert, id);
}
