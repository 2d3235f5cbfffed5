//! The power goes: what a disk had not been told to keep is gone, in whole or in part, in any order. What had been reported
//! as done is there all the same.
//!
//! A delivery runs under strace, which writes down each write, truncation and fsync of the store's files with its bytes.
//! From these every state is built in which a disk could be found after the power went: what was synced is there; of what was
//! written since, each sector of 512 bytes is there or is not; a file, or the removal of one, that its directory was not
//! synced for is there or is not. What this does not show: a disk that says it has kept what it has not, and sectors that are torn themselves.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use thialfi::alert::{Alert, Delivery};
use thialfi::store::{Filter, Sqlite, Store as _};

use crate::support::{DAVID, DOWN, PAGE, PEOPLE, Phone, Test};

const SECTOR: usize = 512;
/// So many ways of losing what was not synced are tried at each moment, besides losing all and losing nothing.
const WAYS: u64 = 3;

/// What happened to the files, in order.
#[derive(Debug, Clone)]
enum Step {
    Create(String),
    Write(String, usize, Vec<u8>),
    Truncate(String, usize),
    Remove(String),
    Sync(String),
    SyncDirectory,
    /// The provider was asked for a call.
    Asked,
}

/// What strace says of the store's files.
fn steps(trace: &str) -> Vec<Step> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut steps = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let whole;
        let call = if let Some(first) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(thread, first);
            continue;
        } else if let Some((_, end)) = rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            let Some(first) = begun.remove(thread) else { continue };
            whole = format!("{first}{end}");
            whole.as_str()
        } else {
            rest
        };
        steps.extend(step(call));
    }
    steps
}

fn step(call: &str) -> Option<Step> {
    let (name, arguments) = call.split_once('(')?;
    let (arguments, result) = arguments.rsplit_once(" = ")?;
    if result.starts_with('-') {
        return None;
    }
    let file = || {
        let path = unescaped(arguments.split_once('<')?.1.split_once('>')?.0);
        let path = String::from_utf8(path).ok()?;
        let name = Path::new(&path).file_name()?.to_str()?.to_owned();
        is_kept(&name).then_some(name)
    };
    let last = || arguments.trim_end_matches(')').rsplit(", ").next()?.trim().parse::<usize>().ok();
    match name {
        "openat" if arguments.contains("O_CREAT") => {
            let path = String::from_utf8(unescaped(arguments.split('"').nth(1)?)).ok()?;
            let name = Path::new(&path).file_name()?.to_str()?.to_owned();
            is_kept(&name).then_some(Step::Create(name))
        }
        "pwrite64" => {
            let data = unescaped(arguments.split('"').nth(1)?);
            let written: usize = result.split(' ').next()?.parse().ok()?;
            assert_eq!(data.len(), written, "strace has cut it: {}", arguments.len());
            Some(Step::Write(file()?, last()?, data))
        }
        "ftruncate" => Some(Step::Truncate(file()?, last()?)),
        "unlink" => {
            let path = String::from_utf8(unescaped(arguments.split('"').nth(1)?)).ok()?;
            let name = Path::new(&path).file_name()?.to_str()?.to_owned();
            name.starts_with("thialfi.db").then_some(Step::Remove(name))
        }
        "fsync" | "fdatasync" => Some(file().map_or(Step::SyncDirectory, Step::Sync)),
        "sendto" => unescaped(arguments.split('"').nth(1)?).starts_with(b"POST ").then_some(Step::Asked),
        _ => None,
    }
}

/// The database and its logs; not what is made anew with each start.
fn is_kept(name: &str) -> bool {
    ["thialfi.db", "thialfi.db-wal", "thialfi.db-journal"].contains(&name)
}

/// `\x41B` is `AB`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(byte) = rest.strip_prefix("\\x").and_then(|hex| u8::from_str_radix(hex.get(..2)?, 16).ok()) {
            bytes.push(byte);
            rest = &rest[4..];
        } else {
            bytes.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[first.len_utf8()..];
        }
    }
    bytes
}

/// A disk: what is kept for sure, and what was done since.
#[derive(Debug, Default, Clone)]
struct Disk {
    kept: BTreeMap<String, Vec<u8>>,
    /// Not synced yet.
    loose: Vec<Step>,
}

impl Disk {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Asked => {}
            Step::Sync(name) => {
                let (of, others): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut self.loose).into_iter().partition(|step| match step {
                        Step::Write(file, ..) | Step::Truncate(file, _) => file == name,
                        _ => false,
                    });
                self.loose = others;
                let file = self.kept.entry(name.clone()).or_default();
                for step in &of {
                    apply(file, step, |_| true);
                }
            }
            Step::SyncDirectory => {
                let (of, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.loose)
                    .into_iter()
                    .partition(|step| matches!(step, Step::Create(_) | Step::Remove(_)));
                self.loose = others;
                for step in of {
                    match step {
                        Step::Create(name) => drop(self.kept.entry(name).or_default()),
                        Step::Remove(name) => drop(self.kept.remove(&name)),
                        _ => {}
                    }
                }
            }
            step => self.loose.push(step.clone()),
        }
    }

    /// What is found after the power went; `keeps` decides on each loose thing.
    fn after(&self, mut keeps: impl FnMut() -> bool) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.kept.clone();
        // A file whose directory was not synced may be gone with all that was synced of it.
        for step in &self.loose {
            match step {
                Step::Create(name) => {
                    let there = keeps();
                    if there {
                        files.entry(name.clone()).or_default();
                    } else {
                        files.remove(name);
                    }
                }
                Step::Remove(name) => {
                    if keeps() {
                        files.remove(name);
                    }
                }
                Step::Write(name, ..) | Step::Truncate(name, _) => {
                    if let Some(file) = files.get_mut(name) {
                        apply(file, step, |_| keeps());
                    }
                }
                Step::Sync(_) | Step::SyncDirectory | Step::Asked => {}
            }
        }
        files
    }
}

/// Does it to a file, sector by sector as `keeps` says.
fn apply(file: &mut Vec<u8>, step: &Step, mut keeps: impl FnMut(usize) -> bool) {
    match step {
        Step::Write(_, offset, data) => {
            let mut at = *offset;
            let mut rest = data.as_slice();
            while !rest.is_empty() {
                let length = (SECTOR - at % SECTOR).min(rest.len());
                let (part, after) = rest.split_at(length);
                if keeps(at / SECTOR) {
                    if file.len() < at + length {
                        file.resize(at + length, 0);
                    }
                    file[at..at + length].copy_from_slice(part);
                }
                at += length;
                rest = after;
            }
        }
        Step::Truncate(_, length) if keeps(0) => file.resize(*length, 0),
        _ => {}
    }
}

/// The alerts that are found on such a disk. The database must be whole.
fn found(files: &BTreeMap<String, Vec<u8>>, what: &str) -> Vec<Alert> {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(directory.path().join(name), bytes).unwrap();
    }
    let path = directory.path().join("thialfi.db");
    let mut store = Sqlite::open(&path).unwrap_or_else(|error| panic!("{what}: {error}"));
    let alerts = store.alerts(&Filter::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let connection = rusqlite::Connection::open(&path).unwrap();
    let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok", "{what}");
    alerts
}

/// Delivers a mail under strace, and plays the loss of power at each moment. `before`: what the disk held. Returns it as it
/// was then.
fn play(test: &Test, mail: &[u8], mut disk: Disk, alerts: usize) -> Option<Disk> {
    let inner = test.command();
    let mut command = Command::new("strace");
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
    command.args(["-f", "-qq", "-y", "-xx", "-s", "100000", "-o"]).arg(test.path("trace"));
    command.args(["-e", "trace=openat,pwrite64,ftruncate,unlink,fsync,fdatasync,sendto"]);
    command.arg(inner.get_program()).arg("deliver").current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("strace is not installed: skipped");
        return None;
    };
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), mail).unwrap();
    let output = child.wait_with_output().unwrap();
    let trace = std::fs::read_to_string(test.path("trace")).unwrap_or_default();
    if trace.is_empty() {
        eprintln!("strace cannot watch a program here: skipped: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let steps = steps(&trace);
    let syncs = steps.iter().filter(|step| matches!(step, Step::Sync(_))).count();
    assert!(syncs >= 3 && steps.iter().any(|step| matches!(step, Step::Asked)), "{steps:?}");
    let (mut asked, mut state, mut tried) = (false, 88_172_645_463_325_252_u64, 0);
    for (number, step) in steps.iter().enumerate() {
        disk.take(step);
        asked |= matches!(step, Step::Asked);
        let last = number + 1 == steps.len();
        for way in 0..WAYS + 2 {
            let files = disk.after(|| match way {
                0 => false,
                1 => true,
                _ => {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state & 1 == 1
                }
            });
            let what = format!("after step {number}, way {way}");
            let found = found(&files, &what);
            tried += 1;
            // Before the provider is asked for a call the claim is on disk: whoever comes next asks it whether there was one.
            if asked {
                assert_eq!(found.len(), alerts, "{what}: the alert is gone");
                let claimed = found[0].notifications.iter().any(|one| one.tries > 0);
                assert!(claimed, "{what}: nobody knows that a call was asked for: {found:#?}");
            } else {
                assert!(found.len() == alerts || found.len() + 1 == alerts, "{what}: {found:?}");
            }
            if last {
                let taken = |alert: &Alert| {
                    alert
                        .notifications
                        .iter()
                        .any(|one| matches!(one.delivery, Delivery::Accepted { .. } | Delivery::Ended { .. }))
                };
                assert!(taken(&found[0]), "{what}: that the provider has taken it is gone: {found:#?}");
            }
        }
    }
    eprintln!("{} steps, {tried} losses of power, all survived", steps.len());
    Some(disk)
}

#[test]
fn what_was_reported_as_done_survives_the_loss_of_power() {
    let mut test = Test::new().rules(&format!("{PEOPLE}{PAGE}{DOWN}")).phone(DAVID, [Phone::Stay, Phone::Stay]);
    // The first makes the store.
    let mail = test.mail("db1", "db1 is DOWN");
    let Some(_) = play(&test, &mail, Disk::default(), 1) else { return };
    // The second finds it as the first has left it, all of it kept by then.
    let mut disk = Disk::default();
    for name in ["thialfi.db", "thialfi.db-wal"] {
        if let Ok(bytes) = std::fs::read(test.path(name)) {
            disk.kept.insert(name.to_owned(), bytes);
        }
    }
    let mail = test.mail("db2", "db2 is DOWN");
    let _ = play(&test, &mail, disk, 2);
}

#[test]
fn what_strace_writes_is_read() {
    let trace = "7 openat(AT_FDCWD, \"\\x2f\\x74\\x68\\x69\\x61\\x6c\\x66\\x69\\x2e\\x64\\x62\", O_RDWR|O_CREAT, 0600) = 5</thialfi.db>\n\
                 7 pwrite64(5</d/thialfi.db>, \"\\x41B\", 2, 512 <unfinished ...>\n\
                 8 fsync(6</d>) = 0\n\
                 7 <... pwrite64 resumed>) = 2\n\
                 7 fdatasync(5</d/thialfi.db>) = 0\n\
                 7 pwrite64(5</d/thialfi.db-shm>, \"\\x41\", 1, 0) = 1\n\
                 7 ftruncate(5</d/thialfi.db>, 3) = -1 EIO (Input/output error)\n";
    let steps = steps(trace);
    let [Step::Create(made), Step::SyncDirectory, Step::Write(file, 512, data), Step::Sync(synced)] = steps.as_slice()
    else {
        panic!("{steps:?}")
    };
    assert_eq!(
        (made.as_str(), file.as_str(), data.as_slice(), synced.as_str()),
        ("thialfi.db", "thialfi.db", &b"AB"[..], "thialfi.db")
    );
    let mut disk = Disk::default();
    for step in &steps {
        disk.take(step);
    }
    assert_eq!(disk.after(|| false)["thialfi.db"].len(), 514);
    disk.take(&Step::Write("thialfi.db".to_owned(), 510, b"xyzw".to_vec()));
    assert_eq!(&disk.after(|| false)["thialfi.db"][510..], b"\0\0AB");
    assert_eq!(&disk.after(|| true)["thialfi.db"][510..], b"xyzw");
}
