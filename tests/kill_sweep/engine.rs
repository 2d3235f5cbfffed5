//! The same for the engine: `serve-twiml` is killed, or one of its system calls fails, while it calls the second person
//! since the first did not answer, takes the key, and tells. Then somebody starts it again. Its calls are not the same from
//! one run to the next, so a place is a moment, and another one each time.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Fault, injected, places, play_all};
use crate::support::{DARREN, DAVID, DOWN, PEOPLE, Phone, Test};

/// Darren is called until he can press a key.
const POLICY: &str = "[limits]\ncall = []\nsms = []\n[policies.page]\nrepeat = 2\nsteps = [\n  \
                      { notify = \"oncall\", by = \"call\", wait = \"2m\" },\n  \
                      { notify = \"backup\", by = \"call\", attempts = 4, wait = \"2m\" },\n]\n";

fn test() -> Test {
    let press = || Phone::Press(vec!["1".to_owned()]);
    Test::new()
        .rules(&format!("{PEOPLE}{POLICY}{DOWN}"))
        .phone(DAVID, (0..20).map(|_| Phone::NoAnswer))
        .phone(DARREN, (0..20).map(|_| press()))
}

/// `serve-twiml` under strace.
fn traced(test: &Test, options: &[&str]) -> Command {
    let inner = test.command();
    let mut command = Command::new("strace");
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
    command.args(["-f", "-qq", "-o"]).arg(test.path("trace")).args(options).arg(inner.get_program());
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What strace watches outlives strace when that is killed.
    command.process_group(0);
    command
}

/// Ends strace and what it watches.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0)]).stderr(Stdio::null()).status();
    }
}

/// Starts `serve-twiml` under strace; `None`: it ended before it served.
fn start(test: &mut Test, options: &[&str]) -> Option<Group> {
    let command = traced(test, options);
    test.start_server_by(command).then(|| Group(test.server_id()))
}

/// The night: a mail, its calls, and who starts the server again when it has ended. Until somebody has the alert.
fn night(test: &mut Test, what: &str) {
    let mail = test.mail("db1", "db1 is DOWN");
    let mut kept = true;
    for _ in 0..200 {
        if test.server_has_ended() {
            test.start_server();
        }
        if kept {
            let ran = test.deliver(&mail);
            assert!(matches!(ran.status, Some(0 | 75)), "{what}: {ran:?}");
            kept = ran.status == Some(75);
        }
        if !kept && test.alerts().iter().any(|alert| alert["state"] == "acknowledged") {
            break;
        }
        std::thread::sleep(Duration::from_millis(60));
        test.advance("5s");
    }
    if test.server_has_ended() {
        test.start_server();
    }
    let alerts = test.alerts();
    assert!(alerts.len() == 1 && alerts[0]["state"] == "acknowledged", "{what}: {alerts:?}\n{}", test.story(1));
    let calls = test.calls();
    let twice = || format!("{what}: something was called about twice: {calls:#?}\n{}", test.story(1));
    // The address at which a call asks for its words is that of one notification.
    let asking: Vec<&str> = calls.iter().filter_map(|call| call.parameter("Url")).collect();
    assert_eq!(asking.iter().collect::<BTreeSet<_>>().len(), asking.len(), "{}", twice());
    // One that carries its words, since nobody serves or nothing reaches whoever does, does not say which it is.
    let shown = test.run(&["alerts", "show", "1", "--json"], b"").exit(0).json();
    let wanted = shown["notifications"].as_array().unwrap();
    for who in [DAVID, DARREN] {
        let wanted = wanted.iter().filter(|one| one["by"] == "call" && one["to"] == who).count();
        let made = calls.iter().filter(|call| call.to == who).count();
        assert!(made <= wanted, "{made} for {wanted}, {}", twice());
    }
}

fn play(fault: Fault, name: &str, place: usize) -> bool {
    let what = format!("{fault:?} at {name} number {place}");
    let mut test = test();
    let _group = start(&mut test, &["-e", &format!("trace={name}"), "-e", &injected(fault, name, place)]);
    night(&mut test, &what);
    match fault {
        Fault::Kill => {
            std::fs::read_to_string(test.path("trace")).is_ok_and(|trace| trace.contains("killed by SIGKILL"))
        }
        Fault::Error(_) => std::fs::read_to_string(test.path("trace")).is_ok_and(|trace| trace.contains("INJECTED")),
    }
}

#[test]
fn an_engine_that_ends_at_any_moment_loses_nothing_and_calls_about_nothing_twice() {
    let mut watched = test();
    if Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return eprintln!("strace is not installed: skipped");
    }
    let Some(group) = start(&mut watched, &["-e", "trace=%file,%network,%desc"]) else {
        return eprintln!("strace cannot watch a program here: skipped");
    };
    night(&mut watched, "nothing fails");
    drop(group);
    watched.kill_server();
    let trace = std::fs::read_to_string(watched.path("trace")).unwrap();
    let all = places(&trace, "serving on");
    let long = std::env::var_os("THIALFI_LONG").is_some();
    let wanted = if long { 600 } else { 12 };
    let chosen: Vec<_> = all.iter().step_by(all.len() / wanted + 1).collect();
    eprintln!("{} of {} moments", chosen.len(), all.len());
    play_all(&chosen, 2, play);
}
