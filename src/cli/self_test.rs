//! `thialfi test --loop`: a mail of our own through the configured way, until it has come out as a notification. Tells
//! each stage with its time, and where it got stuck.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use anstream::println;
use serde_json::{Value, json};

use super::setup::{self, complain};
use super::surroundings::Surroundings;
use super::{terminal, watch};
use crate::alert::{Alert, AlertId, Delivery, Entry, EntryKind, Outcome};
use crate::config::SelfTest;
use crate::engine::self_test::Begun;
use crate::engine::{Desk, Engine, liveness};
use crate::exit::Exit;
use crate::store::{self, Sqlite, Store as _};

/// How often it is looked what has become of it.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often a provider is asked where no engine does it.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// How far a test has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Begun,
    HandedOver,
    Received,
    Accepted,
    Arrived,
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::HandedOver => "handed-over",
            Self::Received => "received",
            Self::Accepted => "accepted",
            Self::Arrived => "arrived",
        }
    }
}

/// Runs a test, and tells it as text or as JSON.
pub fn run(config: Option<&Path>, json: bool) -> Exit {
    match story(config, json) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}

fn story(config: Option<&Path>, json: bool) -> Result<(), Exit> {
    let config = setup::load_or_complain(config)?;
    let Some(test) = config.self_test.clone() else {
        complain("the rule file has no [self_test]: add one with `to`, an address that leads to `thialfi deliver`");
        return Err(Exit::No);
    };
    let mut store = setup::open_store(&config)?;
    let desk = setup::desk(config);
    let failed = |error: store::Error| {
        complain(&error.to_string());
        Exit::No
    };
    let begun = desk.begin_self_test(&mut store, &test).map_err(failed)?;
    let mut run = Run::new(&desk, &test, &begun, json);
    run.headline();
    let verdict = run.watch(&mut store);
    let passed = matches!(verdict, Ok(Ok(())));
    // Whatever happened: no alert of a test stays open.
    desk.end_self_test(&mut store, begun.mark, passed).map_err(failed)?;
    desk.hang_up();
    if passed {
        tell_heartbeats(&desk, &mut store).map_err(failed)?;
    }
    run.report(verdict.map_err(failed)?)
}

/// The alert that said that no test was passed is over; without an engine this process tells so.
fn tell_heartbeats(desk: &Arc<Desk>, store: &mut Sqlite) -> store::Result<()> {
    let watched = desk.watch(store, None)?;
    if !liveness::is_alive(store)? {
        let alerts: Vec<AlertId> = watched.alerts.iter().map(|followed| followed.alert).collect();
        for line in watch::follow_others(&Surroundings::default(), desk, &alerts) {
            tracing::info!("{line}");
        }
    }
    Ok(())
}

/// Why a test was not passed, and what to look at.
struct Stuck {
    why: String,
    hint: String,
}

/// A test under way.
struct Run<'r> {
    desk: &'r Arc<Desk>,
    test: &'r SelfTest,
    begun: &'r Begun,
    json: bool,
    since: Instant,
    stage: Stage,
    alert: Option<AlertId>,
    told: usize,
    stages: Vec<Value>,
    engine: Option<Engine>,
    asked: Option<Instant>,
}

impl<'r> Run<'r> {
    fn new(desk: &'r Arc<Desk>, test: &'r SelfTest, begun: &'r Begun, json: bool) -> Self {
        Self {
            desk,
            test,
            begun,
            json,
            since: Instant::now(),
            stage: Stage::Begun,
            alert: None,
            told: 0,
            stages: Vec::new(),
            engine: None,
            asked: None,
        }
    }

    fn program(&self) -> String {
        self.test.via.first().cloned().unwrap_or_default()
    }

    fn headline(&self) {
        if !self.json {
            let to = terminal::one_line(&self.test.to);
            println!("Self-test {}: a mail to {to} by {}", self.begun.id, terminal::one_line(&self.program()));
        }
    }

    /// Follows the mail until the test is passed, or stuck.
    fn watch(&mut self, store: &mut Sqlite) -> store::Result<Result<(), Stuck>> {
        let bound = Duration::try_from(self.test.within).unwrap_or_default();
        let handed_over = hand_over(self.test.argv(), self.begun.mail.clone());
        let mut waiting = Some(handed_over);
        loop {
            if let Some(heard) = waiting.as_ref().and_then(hear) {
                waiting = None;
                match heard {
                    Ok(()) => self.reach(Stage::HandedOver, &format!("handed over to {}", self.program())),
                    // Whatever it says: a mail that has come in was taken.
                    Err(why) if self.stage < Stage::Received && !self.has_come(store)? => {
                        return Ok(Err(not_handed_over(&why)));
                    }
                    Err(why) => self.say(&format!("{} ended badly all the same: {why}", self.program())),
                }
            }
            if self.look(store)? {
                return Ok(Ok(()));
            }
            if let Some(stuck) = self.failed(store)? {
                return Ok(Err(stuck));
            }
            if self.since.elapsed() >= bound {
                return self.out_of_time(store);
            }
            self.play(store)?;
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn has_come(&self, store: &mut Sqlite) -> store::Result<bool> {
        Ok(store.self_test(self.begun.mark)?.is_some_and(|test| test.received_at.is_some()))
    }

    /// Tells what is new. True: it is passed, and nothing more will come.
    fn look(&mut self, store: &mut Sqlite) -> store::Result<bool> {
        if self.stage < Stage::Received {
            let Some(test) = store.self_test(self.begun.mark)?.filter(|test| test.received_at.is_some()) else {
                return Ok(false);
            };
            self.alert = test.alert;
            let Some(id) = test.alert else {
                self.reach(Stage::Received, "received; nobody is notified, since [self_test] names no `contact`");
                return Ok(true);
            };
            let alert = store.alert(id)?;
            self.reach(Stage::Received, &format!("received: it opened alert {} ({})", alert.id, alert.code));
        }
        let Some(id) = self.alert else { return Ok(false) };
        let alert = store.alert(id)?;
        let history = store.history(id)?;
        for line in history.iter().skip(self.told) {
            if line.kind == EntryKind::Sent {
                self.reach(Stage::Accepted, &line.text);
            } else if tells(line) {
                self.say(&line.text);
            }
        }
        self.told = history.len();
        if self.stage < Stage::Accepted {
            return Ok(false);
        }
        let arrived = alert.notifications.iter().any(|one| match &one.delivery {
            Delivery::Ended { outcome, .. } => is_good(*outcome),
            Delivery::Due { .. } | Delivery::Claimed { .. } | Delivery::Held { .. } | Delivery::Accepted { .. } => {
                false
            }
        });
        if arrived {
            self.stage = Stage::Arrived;
        }
        Ok(arrived || self.was_taken_in_silence(&alert))
    }

    /// Whether a provider has taken it that never says how it went on.
    fn was_taken_in_silence(&self, alert: &Alert) -> bool {
        alert.notifications.iter().any(|one| match &one.delivery {
            Delivery::Accepted { provider, .. } => {
                self.desk.providers.named(provider).is_none_or(|entry| entry.provider().reports().is_none())
            }
            Delivery::Due { .. } | Delivery::Claimed { .. } | Delivery::Held { .. } | Delivery::Ended { .. } => false,
        })
    }

    /// Whether everything that was sent has failed.
    fn failed(&self, store: &mut Sqlite) -> store::Result<Option<Stuck>> {
        let Some(id) = self.alert else { return Ok(None) };
        let alert = store.alert(id)?;
        let ended = |delivery: &Delivery| match delivery {
            Delivery::Ended { outcome, detail, .. } if !is_good(*outcome) => Some((*outcome, detail.clone())),
            Delivery::Due { .. }
            | Delivery::Claimed { .. }
            | Delivery::Held { .. }
            | Delivery::Accepted { .. }
            | Delivery::Ended { .. } => None,
        };
        let all: Option<Vec<_>> = alert.notifications.iter().map(|one| ended(&one.delivery)).collect();
        let Some((outcome, detail)) = all.and_then(|mut all| all.pop()) else { return Ok(None) };
        let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
        let why = match outcome {
            Outcome::Refused => format!("the provider refused the notification{detail}"),
            _ => format!("the notification did not arrive: {}{detail}", outcome.word()),
        };
        let hint = format!("`thialfi alerts show {id}` tells what the provider said; `thialfi test` tries it alone");
        Ok(Some(Stuck { why, hint }))
    }

    /// Where no engine lives, this process sends what is due and asks how it goes.
    fn play(&mut self, store: &mut Sqlite) -> store::Result<()> {
        let Some(id) = self.alert else { return Ok(()) };
        if self.engine.is_none() {
            if liveness::is_alive(store)? {
                return Ok(());
            }
            let own = Sqlite::open(&self.desk.config.store)?;
            self.engine = Some(Engine::new(Arc::clone(self.desk), Box::new(own), false).only(vec![id]));
        }
        let Some(engine) = &mut self.engine else { return Ok(()) };
        if self.asked.is_none_or(|at| at.elapsed() >= ASK_EVERY) {
            engine.ask_everything();
            self.asked = Some(Instant::now());
        }
        engine.turn()?;
        engine.listen(LOOK_EVERY);
        Ok(())
    }

    /// The time is up: passed where a provider has taken it, stuck where the mail or the provider is.
    fn out_of_time(&mut self, store: &mut Sqlite) -> store::Result<Result<(), Stuck>> {
        let within = format!("{:#}", self.test.within);
        let (to, id) = (&self.test.to, &self.begun.message_id);
        let stuck = match self.stage {
            Stage::Begun => Stuck {
                why: format!("{} has not taken the mail within {within}", self.program()),
                hint: "look at `via` under [self_test]: does it wait for something?".to_owned(),
            },
            Stage::HandedOver => Stuck {
                why: format!("the mail was handed over, but has not come in within {within}"),
                hint: format!(
                    "is it in the mail server's queue (`mailq`)? does {to} lead to `thialfi deliver`? the mail log has it \
                     as {id}"
                ),
            },
            Stage::Received => {
                let last = match self.alert {
                    Some(alert) => store.history(alert)?.into_iter().rfind(tells).map(|line| line.text),
                    None => None,
                };
                Stuck {
                    why: format!(
                        "no provider has taken the notification within {within}: {}",
                        last.unwrap_or_default()
                    ),
                    hint: "look at the provider's account, and at the network".to_owned(),
                }
            }
            Stage::Accepted | Stage::Arrived => {
                self.say("whether it has arrived is not known yet");
                return Ok(Ok(()));
            }
        };
        Ok(Err(stuck))
    }

    fn reach(&mut self, stage: Stage, text: &str) {
        self.stage = self.stage.max(stage);
        self.tell(Some(stage), text);
    }

    fn say(&mut self, text: &str) {
        self.tell(None, text);
    }

    fn tell(&mut self, stage: Option<Stage>, text: &str) {
        let after = self.since.elapsed();
        if !self.json {
            println!("  {:>6.1} s  {}", after.as_secs_f64(), terminal::one_line(text));
        }
        let milliseconds = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        self.stages.push(json!({ "after_ms": milliseconds, "stage": stage.map(Stage::word), "text": text }));
    }

    fn report(&self, verdict: Result<(), Stuck>) -> Result<(), Exit> {
        let seconds = self.since.elapsed().as_secs_f64();
        let (exit, why, hint) = match verdict {
            Ok(()) => (Ok(()), None, None),
            Err(Stuck { why, hint }) => (Err(Exit::No), Some(why), Some(hint)),
        };
        if self.json {
            let whole = json!({
                "id": self.begun.id,
                "passed": exit.is_ok(),
                "to": self.test.to,
                "message_id": self.begun.message_id,
                "alert": self.alert,
                "stages": self.stages,
                "why": why,
                "hint": hint,
            });
            println!("{whole}");
        } else if let (Some(why), Some(hint)) = (why, hint) {
            complain(&format!("self-test {} was not passed: {why}", self.begun.id));
            complain(&format!("hint: {hint}"));
        } else {
            println!("Passed after {seconds:.1} s.");
        }
        exit
    }
}

fn not_handed_over(why: &str) -> Stuck {
    Stuck {
        why: format!("the mail could not be handed over: {why}"),
        hint: "look at `via` under [self_test], and into the mail server's log".to_owned(),
    }
}

/// Whether a line of the history tells something of the way.
fn tells(line: &Entry) -> bool {
    matches!(line.kind, EntryKind::Sent | EntryKind::Status | EntryKind::Trouble | EntryKind::Human)
}

/// Whether a notification that ended so has come out of a telephone. That nobody took the call is no fault of the way.
fn is_good(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Completed
        | Outcome::Machine
        | Outcome::NoAnswer
        | Outcome::Busy
        | Outcome::Canceled
        | Outcome::Delivered => true,
        Outcome::Failed | Outcome::Undelivered | Outcome::Refused | Outcome::GaveUp | Outcome::Withdrawn => false,
    }
}

/// Gives the mail to the program, on a thread: one that delivers at once ends only when the mail has come in.
fn hand_over(argv: Vec<String>, mail: String) -> Receiver<Result<(), String>> {
    let (tell, hear) = channel();
    std::thread::spawn(move || {
        let _ = tell.send(give(&argv, &mail));
    });
    hear
}

fn hear(waiting: &Receiver<Result<(), String>>) -> Option<Result<(), String>> {
    match waiting.try_recv() {
        Ok(heard) => Some(heard),
        Err(TryRecvError::Empty) => None,
        Err(TryRecvError::Disconnected) => Some(Err("it was lost".to_owned())),
    }
}

fn give(argv: &[String], mail: &str) -> Result<(), String> {
    let Some((program, arguments)) = argv.split_first() else { return Err("`via` is empty".to_owned()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("`{program}` cannot be started: {error}"))?;
    let mut stdin = child.stdin.take();
    // One that does not read to the end says why by its status.
    let written = stdin.as_mut().map(|stdin| stdin.write_all(mail.as_bytes()));
    drop(stdin);
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said =
        said.lines().find(|line| !line.trim().is_empty()).map(|line| format!(": {}", terminal::short(line, 200)));
    let said = said.unwrap_or_default();
    match (output.status.code(), written) {
        (Some(0), Some(Err(error))) => Err(format!("`{program}` did not read the mail: {error}")),
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(format!("`{program}` ended with {code}{said}")),
        (None, _) => Err(format!("`{program}` was killed{said}")),
    }
}
