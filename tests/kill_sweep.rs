//! A delivery killed, or failed by the system, at each of its system calls, one at a time; and then what a mail server does:
//! it tries again. Nothing is lost, and nobody is called twice.
//!
//! Some of the calls in every run; all of them with `THIALFI_LONG=1` (`tests/run --long`).

mod engine;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{DAVID, DOWN, PEOPLE, Phone, Test};

/// One attempt, so that a second call is one too many.
const ONCE: &str = "[policies.page]\nrepeat = 0\nsteps = [{ notify = \"oncall\", by = \"call\", wait = \"30m\" }]\n";

/// What is done at a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Kill,
    Error(&'static str),
}

/// Which system calls may fail with an error in real life.
const ERRORS: &[(&str, &[&str])] = &[
    ("ENOSPC", &["openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync"]),
    ("EIO", &["read", "pread64", "write", "pwrite64", "fsync", "fdatasync"]),
    ("EINTR", &["openat", "read", "write", "pread64", "pwrite64", "connect", "sendto", "recvfrom", "poll", "flock"]),
];

fn test() -> Test {
    Test::new().rules(&format!("{PEOPLE}{ONCE}{DOWN}")).phone(DAVID, [Phone::Listen])
}

/// Runs `deliver` under strace, with these options; how it ended, and what it said.
fn traced(test: &Test, options: &[&str], mail: &[u8]) -> (ExitStatus, String) {
    let inner = test.command();
    let mut command = Command::new("strace");
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
    command.args(["-f", "-qq", "-o"]).arg(test.path("trace")).args(options).arg(inner.get_program()).arg("deliver");
    command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Who is killed reads no more.
    let _ = std::io::Write::write_all(&mut stdin, mail);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status, said)
}

/// The faults to try: each system call of a delivery that touches files or the network, from the moment when it opens its
/// rule file. `None`: they cannot be watched here.
fn faults() -> Option<Vec<(Fault, String, usize)>> {
    let mut test = test();
    let mail = test.mail("db1", "db1 is DOWN");
    if Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("strace is not installed: skipped");
        return None;
    }
    let (status, said) = traced(&test, &["-e", "trace=%file,%network,%desc"], &mail);
    let trace = std::fs::read_to_string(test.path("trace")).unwrap_or_default();
    if trace.is_empty() {
        eprintln!("strace cannot watch a program here: skipped: {said}");
        return None;
    }
    assert_eq!(status.code(), Some(75), "no engine follows up: {said}");
    Some(places(&trace, "rules.toml"))
}

/// Each call of a trace, from the first that names `first` on, with each fault that it may have.
fn places(trace: &str, first: &str) -> Vec<(Fault, String, usize)> {
    // The place of each call among those of its name in its thread: so strace counts them.
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut places: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    // Before that it is the system that loads the program: a program that cannot be loaded is no program.
    let mut loading: BTreeMap<&str, usize> = BTreeMap::new();
    let mut begun = false;
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        let Some((name, _)) = call.split_once('(').filter(|_| !call.starts_with(['<', '+', '-'])) else { continue };
        begun |= call.contains(first);
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        if !begun {
            loading.insert(name, *count);
        } else if *count > loading.get(name).copied().unwrap_or_default() {
            places.entry(name).or_default().insert(*count);
        }
    }
    let mut faults = Vec::new();
    for (name, places) in places {
        for place in places {
            faults.push((Fault::Kill, name.to_owned(), place));
            let errors = ERRORS.iter().filter(|(_, names)| names.contains(&name));
            faults.extend(errors.map(|(error, _)| (Fault::Error(error), name.to_owned(), place)));
        }
    }
    faults
}

/// What has strace do it.
fn injected(fault: Fault, name: &str, place: usize) -> String {
    let how = match fault {
        Fault::Kill => "signal=KILL".to_owned(),
        Fault::Error(error) => format!("error={error}"),
    };
    format!("inject={name}:{how}:when={place}")
}

/// Plays one; true when it was reached.
fn play(fault: Fault, name: &str, place: usize) -> bool {
    let what = format!("{fault:?} at {name} number {place}");
    let mut test = test();
    let mail = test.mail("db1", "db1 is DOWN");
    let inject = injected(fault, name, place);
    let (status, said) = traced(&test, &["-e", &format!("trace={name}"), "-e", &inject], &mail);
    let reached = match fault {
        Fault::Kill => status.signal() == Some(9),
        Fault::Error(_) => std::fs::read_to_string(test.path("trace")).is_ok_and(|trace| trace.contains("INJECTED")),
    };
    // What makes a mail server keep the mail: 75, or death by a signal.
    let kept = status.code() == Some(75) || status.signal().is_some();
    assert!(kept || status.code() == Some(0), "{what}: {status} {said}");
    // Claims expire; the mail server tries again.
    test.advance("3m");
    test.start_server();
    if kept {
        let again = test.deliver(&mail);
        assert!(again.status == Some(0), "{what}: the next delivery: {again:?}");
    }
    test.wait_until(|test| !test.calls().is_empty(), &what);
    test.let_it_turn();
    assert_eq!(test.alerts().len(), 1, "{what}: {said}");
    // Without a store, the first person is called all the same, and says so: that call cannot be known of later.
    let blind = usize::from(said.contains("all the same"));
    let calls = test.calls().len();
    assert!((1..=1 + blind).contains(&calls), "{what}: {calls} calls: {said}\n{}", test.story(1));
    reached
}

#[test]
fn a_delivery_that_ends_at_any_moment_loses_nothing_and_rings_once() {
    let Some(faults) = faults() else { return };
    let long = std::env::var_os("THIALFI_LONG").is_some();
    let step = if long { 1 } else { faults.len() / 24 + 1 };
    let chosen: Vec<_> = faults.iter().step_by(step).collect();
    play_all(&chosen, if long { 4 } else { 2 }, play);
}

/// Plays them, so many at once.
fn play_all(chosen: &[&(Fault, String, usize)], at_once: usize, play: fn(Fault, &str, usize) -> bool) {
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<Fault, (usize, usize)>::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some((fault, name, place)) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let reached = play(*fault, name, *place);
                    let mut tally = tally.lock().unwrap();
                    let (tried, hit) = tally.entry(*fault).or_default();
                    *tried += 1;
                    *hit += usize::from(reached);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    for (fault, (tried, reached)) in &tally {
        eprintln!("{fault:?}: {tried} tried, {reached} reached, all survived");
    }
    assert!(tally.values().any(|(_, reached)| *reached > 0), "nothing was reached");
}
