//! Files that are missing, foreign, broken, closed to us, or full.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Barrier;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn beside(path: &Path, end: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The error, which must name the file.
fn refusal(path: &Path) -> Error {
    let error = Sqlite::open(path).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(path.file_name().unwrap().to_str().unwrap()), "{text}");
    assert!(!text.contains('\n'), "{text}");
    error
}

#[test]
fn a_new_store_is_for_its_owner_alone() {
    let file = OneFile::new();
    let _store = file.open();
    for end in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(&beside(&file.path(), end)), 0o600, "{end}");
    }
}

#[test]
fn the_mode_of_a_file_that_is_there_is_kept_and_shared_by_those_beside_it() {
    let file = OneFile::new();
    fs::write(file.path(), "").unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o660)).unwrap();
    let _store = file.open();
    for end in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(&beside(&file.path(), end)), 0o660, "{end}");
    }
}

#[test]
fn everything_is_there_after_closing_and_opening_again() {
    let file = OneFile::new();
    let mut store = file.open();
    let id = build::open_due(&mut store, "disk", &[build::at(1), build::at(2)]);
    store.record(id, &[build::line("one")]).unwrap();
    store.claim(build::at(1), "me", build::at(9), 1, None, &build::unlimited()).unwrap();
    let before = (store.alert(id).unwrap(), store.history(id).unwrap(), store.next_due().unwrap());
    drop(store);
    let mut store = file.open();
    assert_eq!((store.alert(id).unwrap(), store.history(id).unwrap(), store.next_due().unwrap()), before);
}

#[test]
fn a_commit_is_safe_from_a_power_cut_and_readers_do_not_wait() {
    let file = OneFile::new();
    let store = file.open();
    let ask = |pragma: &str| -> String {
        let value: rusqlite::types::Value =
            store.connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
        format!("{value:?}")
    };
    assert_eq!(ask("journal_mode"), "Text(\"wal\")");
    assert_eq!(ask("synchronous"), "Integer(2)");
    assert_eq!(ask("foreign_keys"), "Integer(1)");
}

#[test]
fn many_may_open_a_new_store_at_once() {
    let file = OneFile::new();
    let barrier = Barrier::new(30);
    std::thread::scope(|scope| {
        for _ in 0..30 {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(file.open().next_due().unwrap(), None);
            });
        }
    });
}

/// Where nobody can wait for a turn, one may find it busy; but never somebody else's, while another is just making it.
#[test]
fn without_turns_a_new_store_is_ours_from_its_first_moment() {
    for _ in 0..20 {
        let file = OneFile::new();
        fs::create_dir(beside(&file.path(), ".lock")).unwrap();
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let opened = Sqlite::open(&file.path()).map(drop);
                    assert!(matches!(opened, Ok(()) | Err(Error::Busy { .. })), "{opened:?}");
                });
            }
        });
    }
}

#[test]
fn a_missing_directory_is_named_and_not_made() {
    let file = OneFile::new();
    let path = file.0.path().join("missing").join("thialfi.db");
    let error = refusal(&path);
    assert!(matches!(&error, Error::Missing { directory, .. } if directory.ends_with("missing")), "{error}");
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error() {
    // Not even root can make a file in sysfs.
    let path = Path::new("/sys/thialfi.db");
    if !Path::new("/sys").is_dir() {
        eprintln!("skipped: there is no /sys");
        return;
    }
    let error = refusal(path);
    assert!(matches!(error, Error::NotWritable { .. }), "{error}");
}

#[test]
fn what_is_not_a_file_is_refused_without_waiting_for_it() {
    let file = OneFile::new();
    fs::create_dir(file.path()).unwrap();
    assert!(matches!(refusal(&file.path()), Error::NotWritable { .. }));
    assert!(matches!(refusal(Path::new("/dev/null")), Error::NotWritable { .. }));
}

#[test]
fn a_file_that_is_not_a_database_is_left_alone() {
    let file = OneFile::new();
    let text = "This is a mailbox.\n".repeat(1000);
    fs::write(file.path(), &text).unwrap();
    assert!(matches!(refusal(&file.path()), Error::Foreign { .. }));
    assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let file = OneFile::new();
    Connection::open(file.path()).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(file.path()).unwrap();
    assert!(matches!(refusal(&file.path()), Error::Foreign { .. }));
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

#[test]
fn a_store_of_a_newer_program_is_left_alone() {
    let file = OneFile::new();
    file.open().connection.pragma_update(None, "user_version", 99).unwrap();
    let error = refusal(&file.path());
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
}

#[test]
fn a_broken_database_is_an_error_wherever_it_is_met() {
    let file = OneFile::new();
    for n in 0..40 {
        build::open_due(&mut file.open(), &format!("k{n}"), &[build::at(1)]);
    }
    let whole = fs::read(file.path()).unwrap();
    // Every page but the first in turn, then the end cut off.
    let mut broken: Vec<Vec<u8>> = (1..whole.len() / 4096)
        .map(|page| {
            let mut bytes = whole.clone();
            bytes[page * 4096..(page + 1) * 4096].fill(0xA5);
            bytes
        })
        .collect();
    broken.push(whole[..whole.len() / 2].to_vec());
    let mut told = 0;
    for bytes in broken {
        fs::write(file.path(), bytes).unwrap();
        let Ok(mut store) = Sqlite::open(&file.path()) else {
            told += 1;
            continue;
        };
        let answers = [
            store.alerts(&Filter::default()).err(),
            store.next_due().err(),
            store.claim(build::at(9), "me", build::at(99), 100, None, &build::unlimited()).err(),
            store.record(AlertId(40), &[build::line("one more")]).err(),
        ];
        told += usize::from(answers.iter().flatten().any(|error| matches!(error, Error::Damaged { .. })));
    }
    assert!(told > 5, "{told}");
}

#[test]
fn a_full_disk_is_told_and_nothing_is_half_written() {
    let file = OneFile::new();
    let mut store = file.open();
    let id = build::open_due(&mut store, "disk", &[build::at(1)]);
    let before = store.alert(id).unwrap();
    let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    let error = store
        .update(id, &mut |mut alert| {
            alert.mails += 1;
            alert.say = "x".repeat(100_000);
            build::only(alert)
        })
        .unwrap_err();
    assert!(matches!(error, Error::Full { .. }), "{error}");
    assert_eq!(store.alert(id).unwrap(), before);
}

#[test]
fn a_lock_that_is_kept_too_long_is_told() {
    let file = OneFile::new();
    let mut other = Connection::open(file.path()).unwrap();
    let mut store = file.open();
    store.connection.busy_timeout(std::time::Duration::from_millis(10)).unwrap();
    let kept = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    assert!(matches!(store.beat("me", build::at(0)), Err(Error::Busy { .. })));
    // Reading waits for nobody.
    assert_eq!(store.last_beat().unwrap(), None);
    drop(kept);
    store.beat("me", build::at(0)).unwrap();
}
