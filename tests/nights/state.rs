//! What a night knows besides the store: its agenda, its mails, its network, who did what.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::mpsc::Sender;

use jiff::Timestamp;
use thialfi::alert::{AlertId, Channel, Notification};
use thialfi::engine::follow::Message;
use thialfi::engine::hands::Work;

use crate::dice::Dice;
use crate::network::{Network, Stage};
use crate::setting::Setting;

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Process {
    /// `serve-twiml`: the engine, and its threads that send.
    Server,
    /// The same process: a webhook.
    Web,
    /// `deliver` of a mail.
    Deliver(usize),
    /// Somebody at the command line.
    Command,
}

/// What is to happen.
#[derive(Debug, Clone)]
pub enum Happening {
    Mail(usize),
    Start,
    Kill,
    Turn(u64),
    Run(u64),
    Tell(u64),
    Call(usize, Stage),
    Text(usize, &'static str),
    Callback(String, Vec<(String, String)>),
    Write(String, String),
    Inbound(usize),
    Jump(i64),
    Resolve,
    Override,
    /// A look at an alert, some time after something happened to it.
    Look(AlertId, Look),
}

/// What is to be so by then.
#[derive(Debug, Clone, Copy)]
pub enum Look {
    /// Somebody took it: no telephone rings for it any more.
    Silent,
    /// It was opened: somebody has been notified.
    Told { at_the_latest: bool },
    /// The attempt that was under way then failed: the next one has begun.
    Next { failed_at: i64, wall: i64 },
    /// Somebody wrote that they take it.
    Taken { written_at: i64 },
    /// Somebody took it so long ago that they are to be asked again.
    AskedAgain { taken_at: i64 },
}

/// What a mail says of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Down,
    Up,
    Seen,
    /// Nothing: it quotes another mail.
    Quotes,
}

/// A mail in the mail server's queue.
#[derive(Debug, Clone)]
pub struct Mail {
    pub text: String,
    pub host: &'static str,
    pub says: Says,
    /// When it was written.
    pub at: i64,
    pub raw: Vec<u8>,
    /// The alert that it is part of.
    pub alert: Option<AlertId>,
    pub tries: u32,
    pub done: bool,
}

/// What an engine has handed over.
pub struct Handed {
    pub work: Work,
    pub tell: Sender<Message>,
    pub job: Option<Notification>,
}

/// What happened how often.
#[derive(Debug, Clone, Default)]
pub struct Counts(pub BTreeMap<String, u64>);

impl Counts {
    pub fn add(&mut self, what: &str) {
        match self.0.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(what.to_owned(), 1)),
        }
    }

    pub fn add_if(&mut self, counts: bool, what: &str) {
        if counts {
            self.add(&format!("alerts {what}"));
        }
    }
}

/// Somebody who is on call instead, by our machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct StandIn {
    pub who: usize,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
}

/// When a process looked last at who stands in, by the true time, and how many stand-ins it saw.
#[derive(Debug, Clone, Copy)]
pub struct RosterRead {
    pub at: i64,
    pub seen: usize,
}

/// What is known of an alert, besides what the program says.
#[derive(Debug, Clone, Default)]
pub struct Story {
    pub host: &'static str,
    /// When it was opened, by the true time.
    pub opened_at: i64,
    /// When something about it was asked of the provider last.
    pub asked_at: Option<i64>,
    /// Somebody was told of it, in words, or a telephone rang for it.
    pub was_told: bool,
    /// When somebody took it, by our machine's clock and by the true time; when it was open again, by the true time.
    pub taken_wall: i64,
    pub taken_at: i64,
    pub reopened_at: i64,
    /// When it was open no more, each time, by our machine's clock.
    pub closed_walls: Vec<i64>,
    /// Somebody passed it on.
    pub was_passed: bool,
}

/// What the night knows besides the store.
pub struct State {
    pub dice: Dice,
    pub setting: Setting,
    pub agenda: BTreeMap<(i64, u64), Happening>,
    pub planned: u64,
    pub turn_at: Option<i64>,
    pub depth: u32,
    pub network: Network,
    pub made: u64,
    pub mails: Vec<Mail>,
    pub works: HashMap<u64, Handed>,
    pub answers: HashMap<u64, (Message, Sender<Message>)>,
    /// What each process has claimed, and which of that it hands over next to be sent.
    pub pending: HashMap<Process, Vec<Notification>>,
    pub next: HashMap<Process, Notification>,
    /// What is being sent at the moment.
    pub job: Option<Notification>,
    /// How long the request took that was made last.
    pub took: i64,
    pub up: bool,
    pub dying: bool,
    pub down_since: i64,
    pub tick: u64,
    pub claims: HashMap<String, u64>,
    pub taken: HashMap<AlertId, u64>,
    /// Alerts that are open, and those of which something is to be sent.
    pub open: HashSet<AlertId>,
    pub unsent: HashSet<AlertId>,
    /// What is known of each alert.
    pub stories: BTreeMap<AlertId, Story>,
    /// How many times each notification was made, and when first, by its token; and of which attempt, to which number.
    pub made_of: HashMap<String, (u32, i64)>,
    pub made_at: HashSet<(AlertId, [u32; 3], String, Channel)>,
    /// Keys that were pressed: in which call of which alert.
    pub presses: HashSet<(AlertId, u32, char)>,
    /// Alerts that a call had told of before somebody pressed 1 in it.
    pub meant: HashSet<AlertId>,
    /// Contacts who have written a text.
    pub wrote: HashSet<String>,
    /// Texts of which the webhook was asked before.
    pub announced: HashSet<usize>,
    pub stand_ins: Vec<StandIn>,
    /// Transactions that write, so far.
    pub writes: u64,
    /// How often a process was interrupted, so far.
    pub interrupted: u64,
    /// Since when each delivery lives.
    pub since: HashMap<Process, i64>,
    /// Deliveries that could not put an alert on disk, and how often they asked the provider for something all the same.
    pub unstored: HashMap<Process, u32>,
    pub last_trouble: i64,
    /// When our machine's clock was last set back.
    pub set_back_at: Option<i64>,
    pub counts: Counts,
    pub told: bool,
}

impl State {
    pub fn forget_claims(&mut self, process: Process) {
        self.pending.remove(&process);
        self.next.remove(&process);
    }

    /// What is known of an alert.
    pub fn story(&mut self, id: AlertId) -> &mut Story {
        self.stories.entry(id).or_default()
    }

    /// Plans something.
    pub fn plan(&mut self, at: i64, happening: Happening) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), happening);
    }

    /// The engine looks again at `at`, if it does not do so before.
    pub fn wake(&mut self, at: i64) {
        if self.up && self.turn_at.is_none_or(|turn| at < turn) {
            self.turn_at = Some(at);
            self.plan(at, Happening::Turn(at as u64));
        }
    }
}
