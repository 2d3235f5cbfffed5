//! What the rules ask for, mail by mail: the part of a backtest that every core works at. What is kept of a mail is small,
//! and only of those that somebody wanted.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;

use crate::alert::{Digest, Policy};
use crate::archive::{Mail, when};
use crate::config::Config;
use crate::intake::{Memory, Played, intake};
use crate::mail::{Envelope, Message};
use crate::oncall::GroupId;
use crate::rules::{Action, Recall};
use crate::store::Tally;

/// Texts from mails are kept up to this many characters: enough to know them again.
const KEPT: usize = 200;

/// What one mail asks for, for one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask<'c> {
    /// What to do.
    pub action: Action,
    /// The rule; `None`: no rule wanted it, but its recipient is known.
    pub rule: Option<&'c str>,
    /// Whose.
    pub group: GroupId,
    /// The policy that would be played.
    pub policy: &'c Policy,
    /// The beginning of the key.
    pub key: String,
    /// Which alert.
    pub digest: Digest,
    /// Which ones as well, of a mail to several recipients.
    pub other_digests: Vec<Digest>,
    /// Of which the next mail is news again: this one says that it is over.
    pub over: Vec<Digest>,
    /// Which mail, for this group and rule.
    pub mail: Digest,
    /// When the mail says that it was written.
    pub sent_at: Option<Timestamp>,
    /// How long an acknowledged alert takes in mails of this digest.
    pub window: jiff::SignedDuration,
    /// The addresses at which it arrived.
    pub recipients: Vec<String>,
    /// Stands for what is spoken and texted; only where two rule files are compared.
    pub words: Option<Digest>,
}

/// What a rule file makes of a mail: what it asks for, and what stood in the way.
pub type Outcome<'c> = (Vec<Ask<'c>>, Vec<String>);

/// What a rule file makes of a mail, as far as the mail tells: rules that count ask about the mails before it, which are
/// known only when all are in the order of their time.
#[derive(Debug)]
pub enum Verdict<'c> {
    /// This.
    Known(Outcome<'c>),
    /// That depends.
    Counted {
        /// The mail, to be counted.
        tally: Tally,
        /// When its count is reached.
        reached: Box<Verdict<'c>>,
        /// When it is not.
        missed: Box<Verdict<'c>>,
    },
}

impl<'c> Verdict<'c> {
    /// What it comes to with what has been played before.
    pub fn settle(self, played: &mut Played, at: Timestamp) -> Outcome<'c> {
        match self {
            Self::Known(outcome) => outcome,
            Self::Counted { tally, reached, missed } => {
                let recall = played.count(&tally, at);
                let is_reached = matches!(recall, Recall::Times(times) if times >= tally.enough);
                (if is_reached { reached } else { missed }).settle(played, at)
            }
        }
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Known((asks, problems)) if asks.is_empty() && problems.is_empty())
    }
}

/// Answers as it is told, and writes down what it was asked.
struct Scripted<'s> {
    answers: &'s [bool],
    /// The answer to what is asked beyond those.
    beyond: bool,
    /// Each once.
    asked: Vec<Tally>,
}

impl Memory for Scripted<'_> {
    fn count(&mut self, tally: &Tally, _: Timestamp) -> Recall {
        let place = self.asked.iter().position(|asked| asked == tally).unwrap_or_else(|| {
            self.asked.push(tally.clone());
            self.asked.len() - 1
        });
        let reached = self.answers.get(place).copied().unwrap_or(self.beyond);
        Recall::Times(if reached { tally.enough } else { 0 })
    }
}

/// So many counts of one mail are told apart; further ones are taken to be reached.
const COUNTS: usize = 5;

/// A mail whose verdict depends on those before it, too.
#[derive(Debug)]
pub struct Pending<'c> {
    /// What is known of it.
    mail: Judged<'c>,
    verdict: Verdict<'c>,
    other: Verdict<'c>,
}

/// Puts mails in the order of their time, and settles what depends on it.
pub fn settle(mut pending: Vec<Pending<'_>>) -> Vec<Judged<'_>> {
    pending.sort_by_key(|one| (one.mail.at, one.mail.file, one.mail.number));
    let (mut played, mut other_played) = (Played::default(), Played::default());
    let settled = pending.into_iter().map(|one| {
        let mut mail = one.mail;
        (mail.asks, mail.problems) = one.verdict.settle(&mut played, mail.at);
        (mail.other, mail.other_problems) = one.other.settle(&mut other_played, mail.at);
        mail
    });
    settled.filter(Judged::is_wanted).collect()
}

/// A mail that somebody wanted, or that the two rule files judge differently.
#[derive(Debug)]
pub struct Judged<'c> {
    /// When it came.
    pub at: Timestamp,
    /// Which file of the archive.
    pub file: usize,
    /// Which mail of an mbox, from 1; 0 when the file is the mail.
    pub number: u64,
    /// The beginning of its subject.
    pub subject: String,
    /// What the rules ask for.
    pub asks: Vec<Ask<'c>>,
    /// What stood in the way, for which the mail server would have kept it.
    pub problems: Vec<String>,
    /// What the other rule file's rules ask for.
    pub other: Vec<Ask<'c>>,
    /// What stood in the way with the other rule file.
    pub other_problems: Vec<String>,
}

impl Judged<'_> {
    /// Whether anybody asks for anything.
    fn is_wanted(&self) -> bool {
        let nothing = self.asks.is_empty() && self.problems.is_empty();
        !(nothing && self.other.is_empty() && self.other_problems.is_empty())
    }

    /// Whether the two rule files differ about it: in what is asked for, of whom, by which rule, under which key or in
    /// which words.
    pub fn differs(&self) -> bool {
        let mut other: Vec<&Ask<'_>> = self.other.iter().collect();
        let same = self.asks.len() == other.len()
            && self.asks.iter().all(|ask| {
                let place = other.iter().position(|other| ask.is_like(other));
                place.map(|place| other.swap_remove(place)).is_some()
            });
        !same || self.problems != self.other_problems
    }
}

impl Ask<'_> {
    fn is_like(&self, other: &Ask<'_>) -> bool {
        self.action == other.action
            && self.rule == other.rule
            && self.digest == other.digest
            && self.policy == other.policy
            && self.window == other.window
            && self.words == other.words
    }
}

/// The judge: rule files, envelope, and which mails count. Shared by all threads.
pub struct Judge<'c> {
    /// The rule file.
    pub config: &'c Config,
    /// The one to compare with.
    pub other: Option<&'c Config>,
    /// The envelope sender, when the headers are not to say.
    pub sender: Option<String>,
    /// The envelope recipients, when the headers are not to say.
    pub recipients: Vec<String>,
    /// Only mails that came at or after.
    pub since: Option<Timestamp>,
    /// Only mails that came before.
    pub until: Option<Timestamp>,
    /// When a mail came that does not tell and has no file.
    pub now: Timestamp,
    /// What was counted on the way.
    pub counts: Counts,
    /// The first pattern that could not be compiled: the rule file is broken.
    pub broken: OnceLock<String>,
}

/// What is counted of all mails.
#[derive(Debug)]
pub struct Counts {
    /// Mails judged.
    pub judged: AtomicU64,
    /// Mails before `since` or after `until`.
    pub outside: AtomicU64,
    /// Mails whose time is the file's, because they have none of their own.
    pub undated: AtomicU64,
    /// Mails without any header field.
    pub headless: AtomicU64,
    first: AtomicI64,
    last: AtomicI64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            judged: AtomicU64::new(0),
            outside: AtomicU64::new(0),
            undated: AtomicU64::new(0),
            headless: AtomicU64::new(0),
            first: AtomicI64::new(i64::MAX),
            last: AtomicI64::new(i64::MIN),
        }
    }
}

impl Counts {
    /// When the first and the last mail came; `None` without mails.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let at = |second: &AtomicI64| Timestamp::from_second(second.load(Ordering::Relaxed)).ok();
        Some((at(&self.first)?, at(&self.last)?))
    }

    fn came(&self, at: Timestamp) {
        self.judged.fetch_add(1, Ordering::Relaxed);
        self.first.fetch_min(at.as_second(), Ordering::Relaxed);
        self.last.fetch_max(at.as_second(), Ordering::Relaxed);
    }
}

impl<'c> Judge<'c> {
    /// Judges a mail. `None` when nobody wants it.
    pub fn judge(&self, mail: Mail) -> Option<Pending<'c>> {
        let message = Message::parse(&mail.raw);
        drop(mail.raw);
        if message.headers.is_empty() {
            self.counts.headless.fetch_add(1, Ordering::Relaxed);
        }
        let own_time = when(&message);
        if own_time.is_none() {
            self.counts.undated.fetch_add(1, Ordering::Relaxed);
        }
        let at = own_time.or(mail.fallback_time).unwrap_or(self.now);
        if self.since.is_some_and(|since| at < since) || self.until.is_some_and(|until| at >= until) {
            self.counts.outside.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        self.counts.came(at);
        let envelope = Envelope::resolve(self.sender.as_deref(), &self.recipients, &|_| None, &message);
        let verdict = self.verdict(self.config, &message, &envelope, at, &mut Vec::new())?;
        let other = match self.other {
            Some(other) => self.verdict(other, &message, &envelope, at, &mut Vec::new())?,
            None => Verdict::Known(Outcome::default()),
        };
        if verdict.is_nothing() && other.is_nothing() {
            return None;
        }
        let mail = Judged {
            at,
            file: mail.file,
            number: mail.number,
            subject: message.subject().chars().take(KEPT).collect(),
            asks: Vec::new(),
            problems: Vec::new(),
            other: Vec::new(),
            other_problems: Vec::new(),
        };
        Some(Pending { mail, verdict, other })
    }

    /// What a rule file makes of a mail, given the answers to the first counts: for each further one, both ways.
    fn verdict(
        &self,
        config: &'c Config,
        message: &Message,
        envelope: &Envelope,
        at: Timestamp,
        answers: &mut Vec<bool>,
    ) -> Option<Verdict<'c>> {
        let enough = answers.len() == COUNTS;
        let mut memory = Scripted { answers, beyond: enough, asked: Vec::new() };
        let outcome = self.ask(config, message, envelope, at, &mut memory)?;
        let mut asked = memory.asked;
        if enough || asked.len() <= answers.len() {
            return Some(Verdict::Known(outcome));
        }
        let tally = asked.swap_remove(answers.len());
        let mut with = |answer| {
            answers.push(answer);
            let verdict = self.verdict(config, message, envelope, at, answers);
            answers.pop();
            verdict.map(Box::new)
        };
        Some(Verdict::Counted { tally, reached: with(true)?, missed: with(false)? })
    }

    /// What a rule file asks for: the one place where a backtest judges.
    fn ask(
        &self,
        config: &'c Config,
        message: &Message,
        envelope: &Envelope,
        at: Timestamp,
        memory: &mut dyn Memory,
    ) -> Option<Outcome<'c>> {
        let intake = match intake(config, message, envelope, at, memory) {
            Ok(intake) => intake,
            Err(error) => {
                let _ = self.broken.set(error.to_string());
                return None;
            }
        };
        let asks = intake.wishes.into_iter().map(|wish| Ask {
            action: wish.action,
            rule: wish.rule.map(|rule| rule.name.as_str()),
            policy: wish.policy,
            words: self.other.map(|_| Digest::of([wish.arrival.say.as_str(), wish.arrival.text.as_str()])),
            group: wish.arrival.group,
            key: wish.arrival.key.chars().take(KEPT).collect(),
            digest: wish.arrival.digest,
            other_digests: wish.arrival.other_digests,
            over: wish.arrival.over,
            mail: wish.arrival.mail,
            sent_at: wish.arrival.sent_at,
            window: wish.arrival.window,
            recipients: wish.arrival.recipients,
        });
        let asks = asks.collect();
        Some((asks, intake.problems.iter().map(ToString::to_string).collect()))
    }
}
