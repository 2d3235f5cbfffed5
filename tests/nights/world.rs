//! A night: its time, its agenda, and the processes that live in it. All of them on one thread, one after the other, and
//! interrupted wherever a real one could be: so the same number makes the same night.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use thialfi::clock::Clock;
use thialfi::config::Config;
use thialfi::engine::Engine;
use thialfi::notify::twiml::Templates;
use thialfi::server::Routes;
use thialfi::store::{Sqlite, Store};

pub use crate::state::{Counts, Handed, Happening, Mail, Process, State};

use crate::dice::Dice;
use crate::network::Network;
use crate::rules::{self, Rules};
use crate::setting::{Follows, HOUR, MINUTE, Mishap, SECOND, Setting};

/// A night.
pub struct World {
    true_time: AtomicI64,
    offset: AtomicI64,
    pub config: Arc<Config>,
    pub rules: Arc<Rules>,
    pub templates: Arc<Templates>,
    pub store: Mutex<Sqlite>,
    pub engine: Mutex<Option<Engine>>,
    pub routes: Mutex<Option<Arc<Routes>>>,
    state: Mutex<State>,
}

/// A process has died.
struct Crash;

/// A promise was broken.
pub struct Broken(pub String);

/// Ends the night.
pub fn broken(how: String) -> ! {
    resume_unwind(Box::new(Broken(how)))
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.wall()
    }

    fn is_moved_by_hand(&self) -> bool {
        true
    }
}

impl World {
    pub fn new(setting: Setting, seed: u64, tell: bool) -> Arc<Self> {
        let (config, rules, templates) = rules::load(seed);
        let begins = setting.begins;
        let state = State {
            dice: Dice::new(setting.seed.wrapping_mul(0xD1CE).wrapping_add(1)),
            setting,
            agenda: BTreeMap::new(),
            planned: 0,
            turn_at: None,
            depth: 0,
            network: Network::default(),
            made: 0,
            mails: Vec::new(),
            works: HashMap::new(),
            answers: HashMap::new(),
            pending: HashMap::new(),
            next: HashMap::new(),
            job: None,
            took: 0,
            up: false,
            dying: false,
            down_since: begins - HOUR,
            tick: 0,
            claims: HashMap::new(),
            taken: HashMap::new(),
            open: HashSet::new(),
            unsent: HashSet::new(),
            stories: BTreeMap::new(),
            made_of: HashMap::new(),
            made_at: HashSet::new(),
            presses: HashSet::new(),
            meant: HashSet::new(),
            wrote: HashSet::new(),
            announced: HashSet::new(),
            stand_ins: Vec::new(),
            writes: 0,
            interrupted: 0,
            since: HashMap::new(),
            unstored: HashMap::new(),
            last_trouble: begins,
            set_back_at: None,
            counts: Counts::default(),
            told: tell,
        };
        Arc::new(Self {
            true_time: AtomicI64::new(begins),
            offset: AtomicI64::new(0),
            config,
            rules,
            templates,
            store: Mutex::new(Sqlite::in_memory().unwrap()),
            engine: Mutex::default(),
            routes: Mutex::default(),
            state: Mutex::new(state),
        })
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The time that nobody sets: the provider's, and that of the agenda.
    pub fn now_true(&self) -> i64 {
        self.true_time.load(Ordering::Relaxed)
    }

    /// Our machine's time.
    pub fn wall(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_true() + self.offset.load(Ordering::Relaxed)).unwrap()
    }

    /// Tells what happens, where somebody wants to know.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        if self.with(|state| state.told) {
            let at = Timestamp::from_millisecond(self.now_true()).unwrap();
            println!("{at} {}{}", "  ".repeat(self.with(|state| state.depth) as usize), what());
        }
    }

    /// Lets everything happen that is planned, until nothing is left to happen.
    pub fn play(self: &Arc<Self>) {
        let quiet_at = self.with(|state| state.setting.quiet_at);
        loop {
            let next = self.with(|state| state.agenda.keys().next().copied());
            let Some((at, _)) = next else { break };
            if at > quiet_at + 60 * HOUR || at > quiet_at && self.is_over() {
                break;
            }
            self.step(at);
        }
        self.watch_morning();
    }

    /// Whether nothing more is to be waited for.
    fn is_over(&self) -> bool {
        self.with(|state| {
            state.open.is_empty()
                && state.unsent.is_empty()
                && state.mails.iter().all(|mail| mail.done)
                && state.works.is_empty()
                && state.answers.is_empty()
                && state.agenda.values().all(|one| matches!(one, Happening::Turn(_)))
        })
    }

    /// The next thing, at `at` or, if something took longer, later.
    fn step(self: &Arc<Self>, at: i64) {
        self.true_time.fetch_max(at, Ordering::Relaxed);
        let happening = self.with(|state| state.agenda.pop_first());
        if let Some((_, happening)) = happening {
            self.happen(happening);
        }
    }

    /// Time passes, and what is planned until then happens.
    pub fn pass(self: &Arc<Self>, span: i64) {
        let until = self.now_true() + span;
        self.with(|state| state.depth += 1);
        loop {
            let next = self.with(|state| state.agenda.keys().next().copied());
            match next {
                Some((at, _)) if at <= until => self.step(at),
                _ => break,
            }
        }
        self.with(|state| state.depth -= 1);
        self.true_time.fetch_max(until, Ordering::Relaxed);
    }

    /// Others may have the processor for a while.
    pub fn interrupt(self: &Arc<Self>, process: Process) {
        let span = self.with(|state| {
            let deep = state.depth >= 3;
            if deep || !state.dice.chance(state.setting.preempted) {
                return None;
            }
            state.counts.add("processes interrupted");
            state.interrupted += 1;
            Some(if state.dice.chance(50) { state.dice.between(0, 20 * SECOND) } else { state.dice.between(0, 400) })
        });
        if let Some(span) = span {
            self.pass(span);
        }
        let dead = matches!(process, Process::Server | Process::Web) && self.with(|state| state.dying || !state.up);
        if dead {
            resume_unwind(Box::new(Crash));
        }
        self.watchdog(process);
    }

    /// A delivery that has taken a minute ends itself.
    pub fn watchdog(&self, process: Process) {
        let now = self.now_true();
        let since = self.with(|state| state.since.get(&process).copied());
        if matches!(process, Process::Deliver(_)) && since.is_some_and(|since| now > since + MINUTE) {
            self.die(process, "of its watchdog", "");
        }
    }

    /// The process may die here.
    pub fn may_crash(&self, process: Process, place: &'static str, what: &'static str) {
        let now = self.now_true();
        let crashes = self.with(|state| {
            let possible = now < state.setting.quiet_at && can_die(process, &state.setting);
            possible && state.dice.below(10_000) < state.setting.crashes
        });
        if crashes {
            self.die(process, place, what);
        }
    }

    fn die(&self, process: Process, place: &'static str, what: &'static str) -> ! {
        let now = self.now_true();
        self.tell(|| format!("{process:?} dies {place} {what}"));
        self.with(|state| {
            state.last_trouble = now;
            state.counts.add(&format!("crash {place} {what}"));
        });
        resume_unwind(Box::new(Crash))
    }

    /// Before a transaction that writes: the process may die, or find the disk full.
    pub fn before_write(&self, process: Process, what: &'static str) -> bool {
        let now = self.now_true();
        let mishap = self.with(|state| {
            let counts = now < state.setting.quiet_at;
            state.writes += u64::from(counts);
            let mishap = state.setting.mishap.filter(|_| counts);
            mishap.map(|mishap| (mishap, state.writes, can_die(process, &state.setting)))
        });
        match mishap {
            Some((Mishap::DiesBefore(at), write, true)) if at == write => self.die(process, "before", what),
            Some((Mishap::Full(at), write, _)) if at == write => {
                self.with(|state| {
                    state.last_trouble = now;
                    state.counts.add(&format!("disk full at {what}"));
                });
                return true;
            }
            _ => {}
        }
        self.may_crash(process, "before", what);
        false
    }

    /// After it was committed: the process may die.
    pub fn after_write(&self, process: Process, what: &'static str) {
        let now = self.now_true();
        let dies = self.with(|state| {
            let hit = matches!(state.setting.mishap, Some(Mishap::DiesAfter(at)) if at == state.writes);
            hit && now < state.setting.quiet_at && can_die(process, &state.setting)
        });
        if dies {
            self.die(process, "after", what);
        }
        self.may_crash(process, "after", what);
    }

    pub fn store_fails(&self) -> bool {
        let now = self.now_true();
        self.with(|state| {
            let fails = now < state.setting.quiet_at && state.dice.chance(state.setting.store_fails);
            if fails {
                state.last_trouble = now;
                state.counts.add("disk full");
            }
            fails
        })
    }

    /// Whether a delivery cannot open the store.
    pub fn cannot_open(&self) -> bool {
        let now = self.now_true();
        self.with(|state| {
            let cannot = now < state.setting.quiet_at && state.dice.chance(state.setting.cannot_open);
            if cannot {
                state.last_trouble = now;
                state.counts.add("store not to be opened");
            }
            cannot
        })
    }

    /// What others see of the engine: it says so every two seconds, and is believed for fifteen.
    pub fn engine_seems_alive(&self) -> bool {
        let now = self.now_true();
        self.with(|state| state.up || now - state.down_since < 15 * SECOND)
    }

    /// Something of a process. `None`: it died over it.
    pub fn live<T>(&self, process: Process, life: impl FnOnce() -> T) -> Option<T> {
        let depth = self.with(|state| state.depth);
        let job = self.with(|state| state.job.take());
        let lived = catch_unwind(AssertUnwindSafe(life));
        self.with(|state| {
            state.depth = depth;
            state.job = job;
        });
        match lived {
            Ok(value) => Some(value),
            Err(why) if why.is::<Crash>() => {
                if matches!(process, Process::Server | Process::Web) {
                    self.server_dies();
                }
                self.with(|state| state.forget_claims(process));
                None
            }
            Err(why) => resume_unwind(why),
        }
    }

    /// The server's process is gone, with all its threads; somebody starts it again.
    pub fn server_dies(&self) {
        let now = self.now_true();
        *self.routes.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.with(|state| {
            if !state.up {
                return;
            }
            state.up = false;
            state.turn_at = None;
            state.down_since = now;
            // An engine that is in the middle of its turn notices when it comes back to it.
            state.dying = engine.is_none();
            state.works.clear();
            state.answers.clear();
            state.forget_claims(Process::Server);
            let again = now + state.dice.between(SECOND, 4 * MINUTE);
            state.last_trouble = again;
            state.plan(again, Happening::Start);
        });
        drop(engine);
    }

    /// The engine looks at what there is to do.
    pub fn turn(self: &Arc<Self>, at: u64) {
        if self.with(|state| state.turn_at != Some(at as i64)) {
            return;
        }
        self.with(|state| state.turn_at = None);
        let Some(mut engine) = self.engine.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            // It is in the middle of a turn: it looks again after it.
            return;
        };
        self.with(|state| state.forget_claims(Process::Server));
        let lived = self.live(Process::Server, || {
            engine.listen(Duration::ZERO);
            engine.turn()
        });
        let dead = lived.is_none() || self.with(|state| state.dying || !state.up);
        if dead {
            drop(engine);
            self.with(|state| state.dying = false);
            return;
        }
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = Some(engine);
        self.watch_overdue();
        let now = self.now_true();
        let offset = self.offset.load(Ordering::Relaxed);
        let due = self.store.lock().unwrap_or_else(PoisonError::into_inner).next_due().unwrap();
        self.with(|state| {
            // A real engine looks four times a second; here it does when there may be something to ask for.
            let lives = state.network.calls.iter().any(|call| !call.is_over());
            let poll = match (lives, state.setting.webhooks) {
                (true, false) => 4 * SECOND,
                (false, _) if state.open.is_empty() => 5 * MINUTE,
                (_, true) => 30 * SECOND,
                (false, false) => 10 * SECOND,
            };
            let due = due.map_or(now + poll, |due| (due.as_millisecond() - offset).max(now + 5));
            let slow = if matches!(lived, Some(Err(_))) { SECOND } else { 0 };
            state.wake(due.min(now + poll) + slow);
        });
    }

    /// The clock of our machine is set.
    pub fn jump(&self, by: i64) {
        let now = self.now_true();
        self.offset.fetch_add(by, Ordering::Relaxed);
        self.with(|state| {
            state.counts.add(if by < 0 { "clock set back" } else { "clock set forward" });
            state.last_trouble = now;
            if by < 0 {
                state.set_back_at = Some(now);
                // What somebody has they have, by this clock, since now at the latest.
                let wall = now + self.offset.load(Ordering::Relaxed);
                state.stories.values_mut().for_each(|story| story.taken_wall = story.taken_wall.min(wall));
            }
            state.wake(now + 100);
        });
    }
}

/// A server that nobody starts again is the mail server's queue's business, and there it is not played. News of which a
/// command dies is told by the engine.
fn can_die(process: Process, setting: &Setting) -> bool {
    match process {
        Process::Deliver(_) => true,
        Process::Server | Process::Web => setting.follows == Follows::MortalEngine,
        Process::Command => setting.follows != Follows::Queue,
    }
}
