//! The engine: claims what is due, sends it, asks how it went, ticks the escalation. Its cost follows what is due.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::brake::Brake;
use super::hands::{Hands, Threads};
use super::patrol::Patrol;
use super::poll::Schedule;
pub use super::pulse::Pulse;
use super::reach::Reach;
use super::retention::Pace;
use super::send::Job;
use super::{Desk, heartbeats, liveness};
use crate::alert::{AlertId, Event, NotificationId};
use crate::provider::{Inbound, Refusal, Status};
use crate::store::{self, Post, Store};

/// A clock that goes back by more than this has been set.
pub(super) const SET_BACK: SignedDuration = SignedDuration::from_secs(1);
/// How long the engine sleeps at most: other processes change the store without a word.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The same when the clock is moved by hand.
const LOOK_EVERY_MOVED: Duration = Duration::from_millis(5);
/// After the store failed.
const PAUSE: Duration = Duration::from_secs(1);
/// At most so many alerts are looked at in one turn, and so many of them in one transaction.
pub(super) const BATCH: usize = 200;
pub(super) const TICKS: usize = 20;

/// What reaches the engine from other threads.
pub enum Message {
    /// Something was sent, or not.
    Sent(Box<Job>, Vec<Event>),
    /// The provider said how something stands.
    Asked(NotificationId, Result<Status, Refusal>),
    /// Texts came in.
    Inbound(Result<Vec<Inbound>, Refusal>),
    /// Calls that nobody needed any more were ended, as far as that could be done.
    HungUp,
    /// A mail was forwarded, or not.
    Posted(Box<Post>, Result<(String, String), (String, Refusal)>),
    /// The rule file was read again.
    Desk(Arc<Desk>),
    /// Something changed in the store.
    Wake,
    /// The provider has called back.
    Heard,
    /// Stop.
    Stop,
}

/// Claims, sends, records, asks and ticks.
pub struct Engine {
    pub(super) desk: Arc<Desk>,
    pub(super) store: Box<dyn Store>,
    pub(super) owner: String,
    /// Only these alerts; `None`: all.
    pub(super) only: Option<Vec<AlertId>>,
    /// Whether webhooks reach us.
    pub(super) webhooks: bool,
    pub(super) schedule: Schedule,
    pub(super) tell: Sender<Message>,
    hear: Receiver<Message>,
    hands: Box<dyn Hands>,
    /// Notifications that are being sent. However far the clock is set forward meanwhile: a claim of one of these is ours.
    pub(super) sending: HashSet<NotificationId>,
    /// What came of those that were sent, and is to be recorded.
    pub(super) sent: Vec<(Box<Job>, Vec<Event>)>,
    /// Questions to the provider that have not come back. Counted apart: asking must never hold up a call.
    pub(super) asking: usize,
    /// Mails that are being forwarded. Counted apart for the same reason.
    pub(super) posting: usize,
    /// Whether mails are forwarded, too.
    pub(super) posts: bool,
    /// Threads that end calls.
    hanging_up: usize,
    /// Looks at alerts of which nothing is due.
    patrol: Patrol,
    /// When the heartbeats are to be looked at again, and when they last were; `None`: not yet.
    heartbeats: Option<(Timestamp, Timestamp)>,
    /// Whether the alerts of heartbeats that the rule file has no more were looked for.
    has_forgotten: bool,
    /// Whether the provider reaches us.
    pub(super) reach: Reach,
    /// Alerts that cannot be read.
    unreadable: HashSet<AlertId>,
    /// When what is over is forgotten.
    pub(super) forgets: Pace,
    /// When it last said that it is alive, in the system's time; `None` while nobody is to count upon it.
    beaten_at: Option<Timestamp>,
    pub(super) pulse: Pulse,
    brake: Brake,
}

impl Engine {
    /// An engine for all alerts. `webhooks`: whether a server answers at the public URL.
    pub fn new(desk: Arc<Desk>, store: Box<dyn Store>, webhooks: bool) -> Self {
        let (tell, hear) = channel();
        let owner = format!("{}-{:08x}", std::process::id(), desk.draw() & 0xffff_ffff);
        Self {
            desk,
            store,
            owner,
            only: None,
            webhooks,
            schedule: Schedule::default(),
            tell,
            hear,
            hands: Box::new(Threads),
            sending: HashSet::new(),
            sent: Vec::new(),
            asking: 0,
            posting: 0,
            posts: true,
            hanging_up: 0,
            patrol: Patrol::default(),
            heartbeats: None,
            has_forgotten: false,
            reach: Reach::default(),
            unreadable: HashSet::new(),
            forgets: Pace::default(),
            beaten_at: None,
            pulse: Pulse::default(),
            brake: Brake::default(),
        }
    }

    /// An engine for these alerts alone.
    #[must_use]
    pub fn only(mut self, alerts: Vec<AlertId>) -> Self {
        self.only = Some(alerts);
        self
    }

    /// With other hands than threads.
    #[must_use]
    pub fn with_hands(mut self, hands: Box<dyn Hands>) -> Self {
        self.hands = hands;
        self
    }

    /// An engine that leaves mails to be forwarded to another one.
    #[must_use]
    pub fn without_posts(mut self) -> Self {
        self.posts = false;
        self
    }

    /// Has something done that takes time.
    pub(super) fn hand_over(&self, work: impl FnOnce() -> Option<Message> + Send + 'static) {
        self.hands.take(Box::new(work), self.tell.clone());
    }

    /// Through which other threads reach it.
    pub fn sender(&self) -> Sender<Message> {
        self.tell.clone()
    }

    /// Shows that it turns.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Stops it in the course of a turn; between turns [`Message::Stop`] does.
    pub fn brake(&self) -> Brake {
        self.brake.clone()
    }

    /// The store that it works on.
    pub fn store(&mut self) -> &mut dyn Store {
        self.store.as_mut()
    }

    /// Works until it is told to stop. Errors of the store are logged and tried again: the alerts are on disk.
    pub fn run(&mut self) {
        loop {
            let said = if self.beaten_at.is_none_or(is_long_ago) { self.say_alive() } else { Ok(()) };
            let turned = self.turn();
            // Whatever came of it: a new start frees no disk, and systemd would start us again and again.
            self.pulse.beat();
            let wait = match &turned {
                Ok(()) => self.pause(),
                Err(error) => {
                    tracing::error!(%error, "the store fails; trying again");
                    PAUSE
                }
            };
            self.pulse.show_store(said.and(turned).err().map(|error| error.to_string()));
            if !self.listen(wait) {
                break;
            }
        }
        // First of all: from now on a delivery must not count upon us.
        self.beaten_at = None;
        if let Err(error) = self.store.stop_beating(&self.owner) {
            tracing::warn!(%error, "the engine could not say that it has stopped");
        }
        self.settle(Duration::from_secs(25));
        self.desk.hang_up();
    }

    /// Says in the store that it is alive: the one thing that it writes even in the quietest night.
    fn say_alive(&mut self) -> store::Result<()> {
        let now = Timestamp::now();
        let said = self.store.beat(&self.owner, now);
        match &said {
            Ok(()) => self.beaten_at = Some(now),
            Err(error) => tracing::error!(%error, "the engine cannot say that it is alive"),
        }
        said
    }

    /// A piece of a turn is done. In a storm a turn lasts: each commit waits for those of fifty deliveries. Who takes us for
    /// dead meanwhile keeps a mail that we follow up on. A telephone that somebody else's key has answered for rings no longer
    /// than a piece of a turn.
    pub(super) fn is_getting_on(&mut self) {
        self.hang_up_what_is_over();
        if self.beaten_at.is_some_and(is_long_ago) && self.say_alive().is_ok() {
            self.pulse.beat();
        }
    }

    /// One turn: what time asks for, then what is due, then questions, then what may be forgotten. Does not wait for the provider.
    pub fn turn(&mut self) -> store::Result<()> {
        self.learn_reach()?;
        self.watch()?;
        if let Err(error) = self.tick() {
            self.patrol.has_failed();
            return Err(error);
        }
        if self.brake.is_pulled() {
            return Ok(());
        }
        self.send_due()?;
        self.send_posts()?;
        self.ask()?;
        self.forget();
        self.hang_up_what_is_over();
        Ok(())
    }

    /// Ends calls that nobody needs any more, without waiting for it.
    fn hang_up_what_is_over(&mut self) {
        if self.desk.has_to_hang_up() && self.hanging_up == 0 {
            let desk = Arc::clone(&self.desk);
            self.hanging_up += 1;
            self.hand_over(move || {
                desk.hang_up();
                Some(Message::HungUp)
            });
        }
    }

    /// Asks the provider now about everything that is under way, whatever the schedule says.
    pub fn ask_everything(&mut self) {
        self.schedule = Schedule::at_once();
    }

    /// Records what comes back until nothing is outstanding, at most so long. True when nothing is.
    pub fn settle(&mut self, at_most: Duration) -> bool {
        let end = std::time::Instant::now() + at_most;
        while self.sending.len() + self.asking + self.posting + self.hanging_up > 0 {
            let left = end.saturating_duration_since(std::time::Instant::now());
            match self.hear.recv_timeout(left) {
                Ok(message) => {
                    self.take(message);
                    while let Ok(message) = self.hear.try_recv() {
                        self.take(message);
                    }
                    self.record_sent();
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }

    /// How long there is nothing to do, at most [`LOOK_EVERY`].
    fn pause(&mut self) -> Duration {
        if self.desk.clock.is_moved_by_hand() {
            return LOOK_EVERY_MOVED;
        }
        if self.patrol.is_in_haste() {
            return Duration::ZERO;
        }
        match self.store.next_due() {
            Ok(Some(at)) => Duration::try_from(at.duration_since(self.desk.now()))
                .unwrap_or_default()
                .clamp(Duration::from_millis(5), LOOK_EVERY),
            Ok(None) | Err(_) => LOOK_EVERY,
        }
    }

    /// Waits for messages, and takes all that are there. False when one says to stop.
    pub fn listen(&mut self, wait: Duration) -> bool {
        let Ok(first) = self.hear.recv_timeout(wait) else { return true };
        let mut goes_on = self.take(first);
        while let Ok(message) = self.hear.try_recv() {
            goes_on &= self.take(message);
            self.is_getting_on();
        }
        self.record_sent();
        goes_on
    }

    /// Takes one message. False when it says to stop.
    fn take(&mut self, message: Message) -> bool {
        // What was sent is recorded together with what was sent beside it, and before anything that may be about it.
        if !matches!(message, Message::Sent(..)) {
            self.record_sent();
        }
        match message {
            Message::Wake => {}
            Message::Heard => self.is_reached(),
            Message::Stop => return false,
            Message::HungUp => self.hanging_up = self.hanging_up.saturating_sub(1),
            Message::Desk(desk) => {
                self.webhooks = desk.config.server.public_url.is_some();
                self.desk = desk;
                self.heartbeats = None;
                self.has_forgotten = false;
                tracing::info!("the rule file was read again");
            }
            Message::Sent(job, events) => {
                self.sending.remove(&job.notification.id);
                self.sent.push((job, events));
            }
            Message::Posted(post, outcome) => {
                self.posting = self.posting.saturating_sub(1);
                self.record_post(&post, outcome);
            }
            Message::Asked(id, status) => {
                self.asking = self.asking.saturating_sub(1);
                self.record_status(id, status);
            }
            Message::Inbound(texts) => {
                self.asking = self.asking.saturating_sub(1);
                self.record_inbound(texts);
            }
        }
        true
    }

    fn tick(&mut self) -> store::Result<()> {
        let now = self.desk.now();
        let is_set_back = self.desk.has_gone_back(now, SET_BACK);
        let due = if let Some(only) = &self.only {
            only.clone()
        } else {
            // What is due goes first, however many there are to be looked at.
            let mut due = self.store.due_alerts(now, BATCH)?;
            due.extend(self.patrol.next(self.store.as_mut(), now, is_set_back, due.len())?);
            let mut seen = HashSet::new();
            due.retain(|id| seen.insert(*id));
            due
        };
        // A few in one transaction: others wait for no more than that.
        for some in due.chunks(TICKS) {
            match self.desk.apply_each(self.store.as_mut(), some, &Event::Tick) {
                Err(store::Error::Damaged { .. } | store::Error::NoAlert(_)) => self.tick_one_by_one(some)?,
                result => result?,
            }
            if self.brake.is_pulled() {
                return Ok(());
            }
            self.is_getting_on();
        }
        Ok(())
    }

    /// An alert that cannot be read must not hold up the others. It is told once.
    fn tick_one_by_one(&mut self, ids: &[AlertId]) -> store::Result<()> {
        for id in ids {
            match self.desk.apply(self.store.as_mut(), *id, &Event::Tick) {
                Err(error @ (store::Error::Damaged { .. } | store::Error::NoAlert(_))) => self.complain_of(*id, &error),
                result => drop(result?),
            }
        }
        Ok(())
    }

    pub(super) fn complain_of(&mut self, id: AlertId, error: &store::Error) {
        if self.unreadable.insert(id) {
            tracing::error!(%error, alert = %id, "nobody follows up on this alert; look at the store");
        }
    }

    /// Looks for mails that must come, when one may have become late; an engine for some alerts alone does not.
    fn watch(&mut self) -> store::Result<()> {
        let now = self.desk.now();
        let known = self.heartbeats.is_some_and(|(looked_at, next)| now < next && now >= looked_at - SET_BACK);
        if self.only.is_none() && !self.has_forgotten {
            let desk = Arc::clone(&self.desk);
            desk.forget_heartbeats(self.store.as_mut())?;
            self.has_forgotten = true;
        }
        let nothing = self.desk.config.heartbeats.is_empty() && self.desk.config.self_test.is_none();
        if nothing || self.only.is_some() || known {
            return Ok(());
        }
        let desk = Arc::clone(&self.desk);
        if desk.config.self_test.is_some() {
            desk.tidy_self_tests(self.store.as_mut())?;
        }
        let watched = desk.watch(self.store.as_mut(), None)?;
        for line in watched.lines {
            tracing::warn!("{line}");
        }
        let latest = now + heartbeats::LOOK_EVERY;
        self.heartbeats = Some((now, watched.next.map_or(latest, |next| next.clamp(now, latest))));
        Ok(())
    }
}

/// Whether it is time to say again that the engine is alive.
fn is_long_ago(at: Timestamp) -> bool {
    Timestamp::now().duration_since(at).abs() >= liveness::BEAT
}
