//! The self-test: a mail that thialfi sends to itself, known by a mark that nobody else can make, and the alert that it
//! opens. The mark holds a random number of which the store keeps the digest: a mail whose number is not outstanding is
//! a mail like any other, and one whose number was used, or came too late, is nothing at all. No rule is asked about it.

use jiff::{SignedDuration, Timestamp};

use super::Desk;
use super::desk::draw;
use crate::alert::{Actor, Alert, Digest, Event, MailFact, Policy, State, Step, Target, Through};
use crate::config::SelfTest;
use crate::mail::{Message, message::LOOP_HEADER};
use crate::notify::phrase::{About, Phrase};
use crate::oncall::{ContactId, GroupId};
use crate::store::{self, Arrival, Beat, Store};

/// The header that carries the mark.
pub const HEADER: &str = "X-Thialfi-Self-Test";

/// So long after its time a test that nobody ended is ended by whoever looks.
const ABANDONED_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// A test that has begun.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Its number.
    pub id: i64,
    /// The digest of its mark.
    pub mark: Digest,
    /// The `Message-ID` of its mail, for whoever looks into mail logs.
    pub message_id: String,
    /// Its mail, with LF at the ends of lines, as programs on this side of a mail server take it.
    pub mail: String,
}

/// What became of a mail that carries a mark of ours.
#[derive(Debug)]
pub enum Taken {
    /// Its test waits for it: this is its alert.
    Opened(i64, Box<Alert>),
    /// Its test waits for it, and nobody is notified of it.
    Noted(i64),
    /// It has come before.
    Again(i64),
    /// Its test is over.
    Late(i64),
}

impl Desk {
    /// Begins a test: its number is outstanding when this returns.
    pub fn begin_self_test(&self, store: &mut dyn Store, test: &SelfTest) -> store::Result<Begun> {
        let now = self.now();
        self.tidy_self_tests(store)?;
        let number = format!("{:032x}", draw());
        let mark = mark(&number);
        let until = now.checked_add(test.within).unwrap_or(Timestamp::MAX);
        let id = store.begin_self_test(mark, now, until)?;
        let domain = test.from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        // Not made of the number: it is written into logs.
        let message_id = format!("<self-test.{id}.{:016x}@{domain}>", draw() & u128::from(u64::MAX));
        let mail = compose(test, id, &number, &message_id, now);
        Ok(Begun { id, mark, message_id, mail })
    }

    /// Takes a mail that carries a mark of ours; `None`: it carries none, or one that we have not made.
    pub fn take_self_test(
        &self,
        store: &mut dyn Store,
        message: &Message,
        test: &SelfTest,
    ) -> store::Result<Option<Taken>> {
        let Some(mark) = mark_of(message) else { return Ok(None) };
        let Some(known) = store.self_test(mark)? else { return Ok(None) };
        if known.received_at.is_some() {
            return Ok(Some(Taken::Again(known.id)));
        }
        let now = self.now();
        if known.ended_at.is_some() || now > known.until {
            store.self_test_came(mark, None, now)?;
            return Ok(Some(Taken::Late(known.id)));
        }
        let Some(contact) = &test.contact else {
            store.self_test_came(mark, None, now)?;
            return Ok(Some(Taken::Noted(known.id)));
        };
        // Twice at once, it is the same mail to the store.
        let arrival = self.arrival(message, mark, (known.id, contact), test);
        let receipt = self.receive_arrival(store, &arrival, None)?;
        store.self_test_came(mark, Some(receipt.alert().id), now)?;
        Ok(Some(Taken::Opened(known.id, Box::new(receipt.alert().clone()))))
    }

    /// Ends a test, and the alert that it opened: nobody is told. One that was passed is a heartbeat that has come.
    pub fn end_self_test(&self, store: &mut dyn Store, mark: Digest, passed: bool) -> store::Result<()> {
        let Some(test) = store.self_test(mark)? else { return Ok(()) };
        if let Some(alert) = test.alert {
            let why = if passed { "as it was passed" } else { "as it was not passed" };
            self.resolve_self_test(store, alert, why)?;
        }
        let now = self.now();
        store.end_self_test(test.id, passed, now)?;
        if passed {
            store.heartbeats_came(&[Policy::SELF_TEST], &Beat { mail: mark, sent_at: now }, now)?;
        }
        Ok(())
    }

    /// Ends tests whose command has died, so that no alert of theirs stays open.
    pub(super) fn tidy_self_tests(&self, store: &mut dyn Store) -> store::Result<()> {
        let now = self.now();
        for test in store.abandoned_self_tests(now.checked_sub(ABANDONED_AFTER).unwrap_or(Timestamp::MIN))? {
            if let Some(alert) = test.alert {
                self.resolve_self_test(store, alert, "as nobody waited for it to its end")?;
            }
            store.end_self_test(test.id, false, now)?;
        }
        Ok(())
    }

    fn resolve_self_test(&self, store: &mut dyn Store, id: crate::alert::AlertId, why: &str) -> store::Result<()> {
        if store.alert(id)?.state == State::Resolved {
            return Ok(());
        }
        let by = Actor { contact: None, name: Policy::SELF_TEST.to_owned(), through: Through::Command };
        self.apply(store, id, &Event::ResolveQuietly { by, why: why.to_owned() })?;
        Ok(())
    }

    fn arrival(&self, message: &Message, mark: Digest, (id, contact): (i64, &ContactId), test: &SelfTest) -> Arrival {
        let key = format!("{} {id}", Policy::SELF_TEST);
        let words = self.text(contact, Phrase::Test, &About::default());
        let field = |name| message.header(name).map(str::to_owned);
        let step = Step {
            notify: Target::Contact(contact.to_string()),
            by: vec![test.by],
            attempts: 1,
            wait: test.within,
            ..Step::default()
        };
        Arrival {
            mail: Digest::of(["self-test's mail", &mark.to_string()]),
            digest: Digest::of([Policy::SELF_TEST, &key]),
            other_digests: Vec::new(),
            over: Vec::new(),
            sent_at: None,
            rule: key.clone(),
            key,
            window: SignedDuration::ZERO,
            group: GroupId::new(Policy::SELF_TEST),
            recipients: Vec::new(),
            subject: message.subject().to_owned(),
            say: words.clone(),
            text: words,
            policy: Policy { name: Policy::SELF_TEST.to_owned(), steps: vec![step], ..Policy::default() },
            told: Some(Box::new(MailFact {
                from: field("From").unwrap_or_default(),
                subject: message.subject().to_owned(),
                message_id: field("Message-ID"),
                action: Policy::SELF_TEST.to_owned(),
                ..MailFact::default()
            })),
        }
    }
}

/// The digest of the mark that a mail carries, when it has the form of one.
pub fn mark_of(message: &Message) -> Option<Digest> {
    let number = message.header(HEADER)?.trim();
    let is_one = number.len() == 32 && number.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_one.then(|| mark(number))
}

fn mark(number: &str) -> Digest {
    Digest::of(["self-test", number])
}

fn compose(test: &SelfTest, id: i64, number: &str, message_id: &str, now: Timestamp) -> String {
    // Years beyond 9999 have no such date.
    let date = jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default();
    format!(
        "From: thialfi <{from}>\nTo: <{to}>\nSubject: thialfi self-test {id}\nDate: {date}\nMessage-ID: {message_id}\n\
         Auto-Submitted: auto-generated\n{LOOP_HEADER}: self-test\n{HEADER}: {number}\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=us-ascii\n\n\
         This mail tests the way from the mail server to the telephone. It is thialfi's own, by the mark in its\n\
         header; no rule looks at it.\n",
        from = test.from,
        to = test.to,
    )
}
