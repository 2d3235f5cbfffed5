//! What a night knows besides the store: its agenda, its mails, its network, who did what.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::mpsc::Sender;

use thialfi::alert::{AlertId, Digest, Notification};
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
    Silence(AlertId),
}

/// A mail in the mail server's queue.
#[derive(Debug, Clone)]
pub struct Mail {
    pub text: String,
    pub raw: Vec<u8>,
    pub digest: Option<Digest>,
    /// Whether somebody is to be called for it.
    pub pages: bool,
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
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    pub fn add_if(&mut self, counts: bool, what: &str) {
        if counts {
            self.add(&format!("alerts {what}"));
        }
    }
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
    pub pending: HashMap<Process, VecDeque<Notification>>,
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
    pub alert_of: HashMap<Digest, AlertId>,
    /// Keys that were pressed: in which call of which alert.
    pub presses: HashSet<(AlertId, u32, char)>,
    /// Contacts who have written a text.
    pub wrote: HashSet<String>,
    pub last_trouble: i64,
    pub counts: Counts,
    pub told: bool,
}

impl State {
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
