//! Alerts, their history and on-call overrides on disk. A trait and its backends.

mod arrival;
pub mod code;
pub mod counts;
mod filter;
pub mod kept;
pub mod outbox;
pub mod retention;
pub mod signing;
pub mod sqlite;
pub mod statistics;
#[cfg(test)]
pub(crate) mod suite;
pub mod unwanted;

use jiff::{SignedDuration, Timestamp};

pub use counts::{Counter, Counts, Gauges, RuleUse, Series};
pub use filter::{Filter, Found, LOOKED_THROUGH};
pub use kept::{KeptMail, KeptMails, MailText, Reading};
pub use outbox::{Addressee, Fate, Outbox, Parcel, Post, PostId};
pub use retention::{Forgotten, Retention, Size};
pub use signing::{Nonce, Signing, SigningKey};
pub use sqlite::Sqlite;
pub use statistics::{Figured, Figures, Statistics};

use crate::alert::limit::{Limits, Verdict, Window};
use crate::alert::{
    Alert, AlertId, Change, Channel, Code, Command, Digest, Entry, MailFact, Notification, NotificationId, Policy,
    Token,
};
use crate::oncall::{Address, ContactId, GroupId, Override, Phone};

/// Why the store could not do it. Every one of them is temporary for the mail: it stays with the mail server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database said no.
    #[error("store `{path}`: {source}")]
    Database {
        /// The file.
        path: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A file operation around it failed.
    #[error("store `{path}`: {source}")]
    File {
        /// The file or directory.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is of a newer thialfi.
    #[error("store `{path}` has schema {found}, made by a newer thialfi; this one knows {known}")]
    Newer {
        /// The file.
        path: String,
        /// Its `user_version`.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// A row cannot be read.
    #[error("store `{path}`: {what} is damaged: {why}")]
    Damaged {
        /// The file.
        path: String,
        /// Which row.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The directory that should hold it is missing.
    #[error(
        "store `{path}`: the directory `{directory}` does not exist; make it, for the user that runs thialfi, or set \
         `path` in `[store]`"
    )]
    Missing {
        /// The file.
        path: String,
        /// Its directory.
        directory: String,
    },
    /// It cannot be opened, or not for writing: permissions, a read-only file system, not a regular file.
    #[error(
        "store `{path}` cannot be written: {why}; the file and its directory must be writable for the user that runs \
         thialfi"
    )]
    NotWritable {
        /// The file.
        path: String,
        /// What the system or the database said.
        why: String,
    },
    /// The file is something else.
    #[error("store `{path}` is not a thialfi database; move it away, or set `path` in `[store]`")]
    Foreign {
        /// The file.
        path: String,
    },
    /// No room.
    #[error("store `{path}`: the disk is full; free some space, nothing else is needed")]
    Full {
        /// The file.
        path: String,
    },
    /// Somebody else has kept it locked for too long.
    #[error("store `{path}` is busy: another program has kept it locked for too long")]
    Busy {
        /// The file.
        path: String,
    },
    /// There is no such alert.
    #[error("there is no alert {0}")]
    NoAlert(AlertId),
}

/// The result of asking the store.
pub type Result<T> = std::result::Result<T, Error>;

/// A mail that asks for an alert.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Which mail, for this group and rule: the same delivered again has the same.
    pub mail: Digest,
    /// Which alert it belongs to.
    pub digest: Digest,
    /// Which ones it belongs to as well: a mail to several recipients of a group has a key for each.
    pub other_digests: Vec<Digest>,
    /// The digests whose acknowledged alerts take in no more mails: this one tells that their event is over, so that
    /// the next one is news.
    pub over: Vec<Digest>,
    /// When the mail says that it was written.
    pub sent_at: Option<Timestamp>,
    /// The text that the digest was made of.
    pub key: String,
    /// How long after opening an acknowledged alert takes in mails of the same digest.
    pub window: SignedDuration,
    /// Whose alert it is.
    pub group: GroupId,
    /// The rule; empty when none matched.
    pub rule: String,
    /// The addresses at which the mail arrived.
    pub recipients: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// What is spoken.
    pub say: String,
    /// What is texted, without the code.
    pub text: String,
    /// The policy to play.
    pub policy: Policy,
    /// What the history tells of the mail; `None`: it is none, the time asks for this.
    pub told: Option<Box<MailFact>>,
}

/// What became of an arrival.
#[derive(Debug, Clone)]
pub enum Receipt {
    /// It opened an alert.
    Opened(Alert),
    /// This very mail had been received before; nothing changed.
    SameMail(Alert),
    /// It joined an alert with the same digest.
    Joined(Alert),
}

impl Receipt {
    /// The alert, whatever happened.
    pub fn alert(&self) -> &Alert {
        match self {
            Self::Opened(alert) | Self::SameMail(alert) | Self::Joined(alert) => alert,
        }
    }
}

/// What became of a mail that ends or takes alerts.
#[derive(Debug, Clone)]
pub enum Closing {
    /// It was carried out.
    Done {
        /// The alerts that it changed, afterwards.
        changed: Vec<Alert>,
        /// Those that have had a mail which was written after this one: they are not its business.
        newer: Vec<AlertId>,
    },
    /// This very mail had been carried out before, on these alerts; nothing changed.
    SameMail(Vec<AlertId>),
}

/// A mail to be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// What is counted: mails of this rule, group and key.
    pub counter: Digest,
    /// Which mail.
    pub mail: Digest,
    /// The mail as [`Arrival::mail`] names it, should its rule match.
    pub arrival: Digest,
    /// Within so long before (and after, should the clock have gone back) now.
    pub within: SignedDuration,
    /// Nobody needs to know of more.
    pub enough: u32,
}

/// A mail that must come, as the rule file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// Its name.
    pub name: String,
    /// Which rhythm it has: another one is waited for anew.
    pub form: Digest,
}

/// A mail that came, and must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Which mail.
    pub mail: Digest,
    /// When it was sent.
    pub sent_at: Timestamp,
}

/// What is known of a mail that must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sighting {
    /// Since when it is waited for by its present rhythm; `None`: nobody does yet.
    pub since: Option<Timestamp>,
    /// When the last one was sent.
    pub sent_at: Option<Timestamp>,
    /// When that one arrived.
    pub arrived_at: Option<Timestamp>,
    /// The alert that last told that it is late.
    pub alert: Option<AlertId>,
    /// The mail on whose way it was told, where no engine did: its redelivery follows up.
    pub carrier: Option<Digest>,
}

/// A self-test, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTestRecord {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub begun_at: Timestamp,
    /// Until when its mail is waited for.
    pub until: Timestamp,
    /// When its mail came.
    pub received_at: Option<Timestamp>,
    /// The alert that the mail opened.
    pub alert: Option<AlertId>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Whether it was passed.
    pub passed: Option<bool>,
}

/// How long a mail that was counted is known beyond the time within which it counts: longer than a mail server tries
/// to deliver it (Postfix: 5 days).
pub const COUNTED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// At most so many mails that came again are told of by the history of an alert: a queue that delivers one for ever must
/// not fill the disk.
pub const TOLD_AGAIN: u32 = 100;

/// What a claim may send, and how often.
pub struct Throttle<'a> {
    /// For each contact and channel.
    pub limits: &'a Limits,
    /// The limit of an address at which mail arrives: how many alerts notify by themselves.
    pub recipient: &'a dyn Fn(&str) -> Option<Window>,
    /// Whether what a call says is fetched when it is answered: until then, others may join it.
    pub webhooks: bool,
}

/// What one notification tells of.
#[derive(Debug, Clone)]
pub struct Told {
    /// Which notification.
    pub teller: NotificationId,
    /// Its token.
    pub token: Token,
    /// What it is about.
    pub alert: Alert,
    /// What it tells of besides, in the order in which it does; without their notifications.
    pub besides: Vec<Alert>,
    /// The place of the last of these, which stays the same whatever joins later; 0: none.
    pub last: i64,
}

/// A change of an alert that was committed.
#[derive(Debug, Clone)]
pub struct Updated {
    /// The alert afterwards.
    pub alert: Alert,
    /// What the outside is to do.
    pub commands: Vec<Command>,
}

/// The store. Every method that changes something is one transaction, on disk when it returns.
///
/// Times are kept in whole milliseconds, rounded down. An alert or notification that a method returns, or hands to a
/// closure, has been cut so already: it equals what is read back later, and nothing becomes due later than it says.
pub trait Store: Outbox + Retention + KeptMails + Counts + Figured + Signing + Send {
    /// Finds or opens the alert that `arrival` belongs to, in one transaction:
    /// 1. an alert that has had this very mail (`arrival.mail`): adds recipients that it has not named and digests that
    ///    it has not had, and a line that tells of it to the history (up to [`TOLD_AGAIN`]), nothing else;
    /// 2. the newest alert of one of its digests that is open, or acknowledged and [takes in](Alert::takes_in_until) mails yet:
    ///    remembers the mail and commits what `change(alert, true)` makes of it (counting it in `mails` and naming its recipients included);
    /// 3. none: makes one in state open (id and unused code given, no notifications, `mails` 1) and commits what
    ///    `change(alert, false)` makes of it.
    ///
    /// In 2 and 3, `parcel` is put into the outbox, if it [goes on](Parcel::goes_on), and once for each address; and what
    /// the mail `says` is asked for, and kept.
    ///
    /// The alert has all digests of the mail from then on. In 2 and 3, the window of alerts of `arrival.over` ends.
    #[allow(clippy::type_complexity)] // an alias would hide what the closure is given
    fn receive(
        &mut self,
        arrival: &Arrival,
        parcel: Option<&Parcel>,
        says: Option<Reading<'_>>,
        now: Timestamp,
        random: &mut dyn FnMut() -> u128,
        change: &mut dyn FnMut(Alert, bool, &mut dyn FnMut() -> u128) -> Change,
    ) -> Result<Receipt>;

    /// Ends or takes the alerts that are not resolved and have one of the digests, in one transaction: commits what
    /// `change(alert, newest)` makes of each, where `newest` says that none of its digest is newer, and remembers the mail. `None` leaves an alert as
    /// it is; so is one that has had a mail written after this one. The same mail again changes nothing. What the mail
    /// `says` is kept with each alert that it changed, and not asked for if there is none.
    fn close(
        &mut self,
        arrival: &Arrival,
        says: Option<Reading<'_>>,
        now: Timestamp,
        change: &mut dyn FnMut(Alert, bool) -> Option<Change>,
    ) -> Result<Closing>;

    /// Counts a mail: how many of its counter there were within its time, this one included, at most
    /// [`enough`](Tally::enough). The same mail again gets the answer that it got the first time, and enough once it has
    /// opened or joined an alert.
    fn count(&mut self, tally: &Tally, now: Timestamp) -> Result<u32>;

    /// What [`count`](Self::count) would say of a mail now. Changes nothing: the mail is not counted.
    fn would_count(&mut self, tally: &Tally, now: Timestamp) -> Result<u32>;

    /// Commits what `change` makes of the alert. A change that names another alert, or notifications of another, is
    /// refused whole.
    fn update(&mut self, id: AlertId, change: &mut dyn FnMut(Alert) -> Change) -> Result<Updated>;

    /// The same for several alerts, in one transaction: all of it is on disk, or nothing.
    fn update_each(&mut self, ids: &[AlertId], change: &mut dyn FnMut(Alert) -> Change) -> Result<Vec<Updated>>;

    /// Adds lines to an alert's history.
    fn record(&mut self, id: AlertId, entries: &[Entry]) -> Result<()>;

    /// The alert.
    fn alert(&mut self, id: AlertId) -> Result<Alert>;

    /// Alerts, the newest first.
    fn alerts(&mut self, filter: &Filter) -> Result<Vec<Alert>>;

    /// The same, but a search by text looks through no more than about `most` bytes ([`LOOKED_THROUGH`] for a page), and says
    /// where it stopped.
    fn search(&mut self, filter: &Filter, most: u64) -> Result<Found>;

    /// The alert that a mail opened or joined, by the mail's digest.
    fn alert_of_mail(&mut self, mail: Digest) -> Result<Option<AlertId>>;

    /// The newest alert of this digest that is open or acknowledged.
    fn active(&mut self, digest: Digest) -> Result<Option<AlertId>>;

    /// The newest alert that had this code (upper case), if it was opened at or after `since`.
    fn by_code(&mut self, code: &Code, since: Timestamp) -> Result<Option<AlertId>>;

    /// The alerts about which this number may have been notified by something created at or after `since`, the newest
    /// first: what was only planned, or refused by the provider, does not count.
    fn notified(&mut self, number: &Phone, since: Timestamp) -> Result<Vec<AlertId>>;

    /// The notification that a URL names.
    fn by_token(&mut self, token: &Token) -> Result<Option<NotificationId>>;

    /// The history of an alert, the oldest first.
    fn history(&mut self, id: AlertId) -> Result<Vec<Entry>>;

    /// Open and acknowledged alerts whose `next_at` has come, the longest overdue first.
    fn due_alerts(&mut self, now: Timestamp, limit: usize) -> Result<Vec<AlertId>>;

    /// Alerts that wait for their time or have a notification that does, whenever that is.
    fn waiting_alerts(&mut self) -> Result<Vec<AlertId>>;

    /// Claims notifications that are due, or whose claim has expired (those are unsure since they were claimed), the
    /// longest overdue first, for `owner` until `until`. With `only`, of these alerts alone. Adds 1 to their `tries`.
    /// A page of an alert that is not open is never claimed, whatever else went wrong.
    ///
    /// What the limits of `throttle` do not let go is held back, and its alert wants a tick at once; or, when another
    /// notification to the same contact is claimed or ringing, it is told by that one from then on: it is claimed,
    /// accepted and ended together with it, by [`update_told`](Self::update_told).
    #[allow(clippy::too_many_arguments)] // what, by whom, until when, how many, of which, how often
    fn claim(
        &mut self,
        now: Timestamp,
        owner: &str,
        until: Timestamp,
        limit: usize,
        only: Option<&[AlertId]>,
        throttle: &Throttle<'_>,
    ) -> Result<Vec<Notification>>;

    /// Whether the limits would let the first notification of a new alert, which arrived at `recipients`, go to a contact
    /// now. Changes nothing.
    fn would_go(
        &mut self,
        to: (&ContactId, Channel),
        recipients: &[String],
        now: Timestamp,
        throttle: &Throttle<'_>,
    ) -> Result<Verdict>;

    /// A call was answered: what waits for its contact is told in it, too. Returns all that it is to tell of; from now
    /// on, nothing else joins it until it is asked for its words again.
    fn board(&mut self, call: NotificationId, now: Timestamp) -> Result<Told>;

    /// What a notification told of when it had come to `last`.
    fn told(&mut self, teller: NotificationId, last: i64) -> Result<Told>;

    /// Commits, in one transaction, what `change` makes of the alert of a notification, and of each that it tells of (up
    /// to the `last`-th; `None`: of all, also what it has not told yet). `None` leaves an alert as it is.
    fn update_told(
        &mut self,
        teller: NotificationId,
        last: Option<i64>,
        change: &mut dyn FnMut(Alert, NotificationId) -> Option<Change>,
    ) -> Result<Vec<Updated>> {
        self.update_told_each(&[(teller, last)], &mut |_, alert, id| change(alert, id))
    }

    /// The same for several notifications, one after the other, in one transaction: all of it is on disk, or nothing.
    /// `change` is told for which of them it is asked.
    fn update_told_each(
        &mut self,
        tellers: &[(NotificationId, Option<i64>)],
        change: &mut dyn FnMut(usize, Alert, NotificationId) -> Option<Change>,
    ) -> Result<Vec<Updated>>;

    /// The notification that tells what this one was to tell: another one, or itself.
    fn teller(&mut self, id: NotificationId) -> Result<NotificationId>;

    /// Whether somebody still has to hear of an alert that this notification tells of by the call of this id.
    fn is_needed(&mut self, teller: NotificationId, provider_id: &str) -> Result<bool>;

    /// Notifications that a provider has accepted at or after `since` and that have not ended, the first accepted first; not
    /// those that another one tells of.
    fn under_way(&mut self, since: Timestamp) -> Result<Vec<Notification>>;

    /// When the oldest open alert was opened that was opened at or after `since` and of which somebody is or was to be told.
    fn oldest_told(&mut self, since: Timestamp) -> Result<Option<Timestamp>>;

    /// The earliest time at which something becomes due: an alert's `next_at`, a notification that may be claimed
    /// then, an expiring claim, a mail that goes on.
    fn next_due(&mut self) -> Result<Option<Timestamp>>;

    /// The provider's ids of everything sent to `to` that was created at or after `since`.
    fn provider_ids(&mut self, to: &Address, since: Timestamp) -> Result<Vec<String>>;

    /// Remembers the id of something that came from outside (a text's `MessageSid`). False: it was known already.
    fn first_time(&mut self, id: &str, now: Timestamp) -> Result<bool>;

    /// Forgets such an id again: what it stands for could not be acted upon.
    fn forget(&mut self, id: &str) -> Result<()>;

    /// Overrides that hold now or later, and fixed ones, in the order in which they were made. A fixed one that
    /// another fixed one of its group has replaced ends when that one begins.
    fn overrides(&mut self, now: Timestamp) -> Result<Vec<Override>>;

    /// The overrides that held at some time from `since` to before `until`, in the order in which they were made: what
    /// has been, as far as it is remembered.
    fn overrides_between(&mut self, since: Timestamp, until: Timestamp) -> Result<Vec<Override>>;

    /// Adds an override.
    fn add_override(&mut self, new: &Override) -> Result<()>;

    /// Ends every override of a group that holds at `now` or later; those that were to begin never do. Returns how many.
    fn end_overrides(&mut self, group: &GroupId, now: Timestamp) -> Result<usize>;

    /// The alerts that are not resolved and have this digest, the newest first.
    fn unresolved(&mut self, digest: Digest) -> Result<Vec<AlertId>>;

    /// What is known of these mails that must come, in the same order.
    fn heartbeats(&mut self, awaited: &[Awaited]) -> Result<Vec<Sighting>>;

    /// Waits for these from `now` on, where nobody does already. Times that are still to come, which a clock noted that
    /// has been set back since, become `now`.
    fn expect_heartbeats(&mut self, awaited: &[Awaited], now: Timestamp) -> Result<()>;

    /// A mail that must come has come, under these names. The same again, or one sent earlier than the last, changes
    /// nothing.
    fn heartbeats_came(&mut self, names: &[&str], beat: &Beat, now: Timestamp) -> Result<()>;

    /// Remembers the alert which tells that a mail has not come, and the mail on whose way that was noticed.
    fn heartbeat_told(&mut self, name: &str, alert: AlertId, carrier: Option<Digest>) -> Result<()>;

    /// Makes a self-test outstanding, by the digest of its mark. Returns its number.
    fn begin_self_test(&mut self, mark: Digest, now: Timestamp, until: Timestamp) -> Result<i64>;

    /// The self-test of this mark; `None`: we have not made it, or long ago.
    fn self_test(&mut self, mark: Digest) -> Result<Option<SelfTestRecord>>;

    /// The mail of a self-test has come, and opened an alert if it did. Only the first time counts.
    fn self_test_came(&mut self, mark: Digest, alert: Option<AlertId>, now: Timestamp) -> Result<()>;

    /// A self-test is over. Only the first time counts.
    fn end_self_test(&mut self, id: i64, passed: bool, now: Timestamp) -> Result<()>;

    /// The self-tests that should have been over before this time, and are not.
    fn abandoned_self_tests(&mut self, before: Timestamp) -> Result<Vec<SelfTestRecord>>;

    /// The names and alerts of all that is late, or was when it was last told of: alerts that are open or acknowledged.
    fn heartbeat_alerts(&mut self) -> Result<Vec<(String, AlertId)>>;

    /// The engine says that it is alive. `now` is the system's time, never a moved clock's: it is about a process.
    fn beat(&mut self, owner: &str, now: Timestamp) -> Result<()>;

    /// The engine has stopped on purpose.
    fn stop_beating(&mut self, owner: &str) -> Result<()>;

    /// Remembers since when the provider has not reached our public address; `None`: it reaches it.
    fn set_unreachable(&mut self, since: Option<Timestamp>) -> Result<()>;

    /// Since when the provider has not reached our public address, as far as is known.
    fn unreachable(&mut self) -> Result<Option<Timestamp>>;

    /// When an engine last said that it is alive, in the system's time.
    fn last_beat(&mut self) -> Result<Option<Timestamp>>;
}
