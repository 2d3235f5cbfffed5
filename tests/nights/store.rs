//! The real store, seen by a process of the night: it may be interrupted before each transaction, die before or after each
//! write, or find the disk full. What it commits is watched.

use std::sync::{Arc, MutexGuard, PoisonError};

use jiff::Timestamp;
use thialfi::alert::limit::Verdict;
use thialfi::alert::{Alert, AlertId, Change, Channel, Code, Digest, Entry, Notification, NotificationId, Token};
use thialfi::oncall::{Address, ContactId, GroupId, Override, Phone};
use thialfi::store::{
    Arrival, Awaited, Beat, Closing, Counter, Counts, Error, Fate, Figured, Filter, Forgotten, Found, Gauges, KeptMail,
    KeptMails, Nonce, Outbox, Parcel, Post, PostId, Reading, Receipt, Result, Retention, RuleUse, SelfTestRecord,
    Sighting, Signing, SigningKey, Size, Sqlite, Statistics, Store, Tally, Throttle, Told, Updated,
};

use crate::state::RosterRead;
use crate::world::{Process, World};

/// A connection of one process.
pub struct Handle {
    pub world: Arc<World>,
    pub process: Process,
    pub roster: Option<RosterRead>,
}

impl Handle {
    fn store(&self) -> MutexGuard<'_, Sqlite> {
        self.world.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before a transaction that reads.
    fn begin(&self) -> Result<()> {
        self.world.interrupt(self.process);
        if self.world.store_fails() { Err(full()) } else { Ok(()) }
    }

    /// Before a transaction that writes.
    fn begin_to(&self, what: &'static str) -> Result<()> {
        self.world.interrupt(self.process);
        if self.world.before_write(self.process, what) || self.world.store_fails() { Err(full()) } else { Ok(()) }
    }

    /// After it.
    fn end(&self, what: &'static str) {
        self.world.after_write(self.process, what);
    }
}

pub fn full() -> Error {
    Error::Full { path: "thialfi.db".to_owned() }
}

macro_rules! reads {
    ($($name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(fn $name(&mut self, $($argument: $type),*) -> Result<$out> {
            self.begin()?;
            self.store().$name($($argument),*)
        })*
    };
}

macro_rules! writes {
    ($($name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(fn $name(&mut self, $($argument: $type),*) -> Result<$out> {
            self.begin_to(stringify!($name))?;
            let result = self.store().$name($($argument),*);
            self.end(stringify!($name));
            result
        })*
    };
}

impl Outbox for Handle {
    reads! {
        mail_of(post: PostId) -> Vec<u8>;
        posts(alert: AlertId) -> Vec<Post>;
        post_of(token: &Token) -> Option<Post>;
    }

    writes! {
        claim_posts(now: Timestamp, until: Timestamp, limit: usize, only: Option<&[AlertId]>) -> Vec<Post>;
        settle_post(post: PostId, fate: Fate, doubt: bool, lines: &[Entry]) -> ();
    }
}

impl Retention for Handle {
    reads! {
        prunable(before: Timestamp) -> Forgotten;
        size() -> Size;
    }

    writes! {
        prune(before: Timestamp, limit: usize) -> Forgotten;
        compact() -> ();
    }
}

impl KeptMails for Handle {
    reads! { mails(id: AlertId) -> Vec<KeptMail>; }
}

impl Counts for Handle {
    reads! {
        counters() -> Vec<Counter>;
        rule_uses() -> Vec<RuleUse>;
        gauges(now: Timestamp) -> Gauges;
    }
}

impl Figured for Handle {
    reads! { statistics(edges: &[Timestamp]) -> Statistics; }
}

impl Signing for Handle {
    reads! { ended_sessions(now: Timestamp) -> Vec<(Nonce, Timestamp)>; }

    writes! {
        signing_key(draw: &mut dyn FnMut() -> u128) -> SigningKey;
        end_session(session: &Nonce, until: Timestamp, now: Timestamp) -> ();
    }
}

impl Store for Handle {
    fn receive(
        &mut self,
        arrival: &Arrival,
        parcel: Option<&Parcel>,
        says: Option<Reading<'_>>,
        now: Timestamp,
        random: &mut dyn FnMut() -> u128,
        change: &mut dyn FnMut(Alert, bool, &mut dyn FnMut() -> u128) -> Change,
    ) -> Result<Receipt> {
        self.begin_to("receive")?;
        let mut noted = None;
        let result = self.store().receive(arrival, parcel, says, now, random, &mut |alert, joined, random| {
            let before = alert.clone();
            let made = change(alert, joined, random);
            noted = Some((before, made.clone()));
            made
        });
        if let Ok(receipt) = &result {
            if let Some((before, made)) = &noted {
                self.world.watch(self.process, self.roster, before, made);
            }
            self.world.watch_receipt(self.process, receipt, &mut self.store());
        }
        self.end("receive");
        result
    }

    fn close(
        &mut self,
        arrival: &Arrival,
        says: Option<Reading<'_>>,
        now: Timestamp,
        change: &mut dyn FnMut(Alert, bool) -> Option<Change>,
    ) -> Result<Closing> {
        self.begin_to("close")?;
        let mut noted = Vec::new();
        let result = self.store().close(arrival, says, now, &mut |alert, newest| {
            let before = alert.clone();
            let made = change(alert, newest);
            noted.extend(made.clone().map(|made| (before, made)));
            made
        });
        if let Ok(closing) = &result {
            for (before, made) in &noted {
                self.world.watch(self.process, self.roster, before, made);
            }
            self.world.watch_closing(self.process, closing, &mut self.store());
        }
        self.end("close");
        result
    }

    fn update(&mut self, id: AlertId, change: &mut dyn FnMut(Alert) -> Change) -> Result<Updated> {
        self.begin_to("update")?;
        let mut noted = None;
        let result = self.store().update(id, &mut |alert| {
            let before = alert.clone();
            let made = change(alert);
            noted = Some((before, made.clone()));
            made
        });
        if let (Ok(_), Some((before, made))) = (&result, &noted) {
            self.world.watch(self.process, self.roster, before, made);
        }
        self.end("update");
        result
    }

    fn update_each(&mut self, ids: &[AlertId], change: &mut dyn FnMut(Alert) -> Change) -> Result<Vec<Updated>> {
        self.begin_to("update_each")?;
        let mut noted = Vec::new();
        let result = self.store().update_each(ids, &mut |alert| {
            let before = alert.clone();
            let made = change(alert);
            noted.push((before, made.clone()));
            made
        });
        if result.is_ok() {
            for (before, made) in &noted {
                self.world.watch(self.process, self.roster, before, made);
            }
        }
        self.end("update_each");
        result
    }

    fn claim(
        &mut self,
        now: Timestamp,
        owner: &str,
        until: Timestamp,
        limit: usize,
        only: Option<&[AlertId]>,
        throttle: &Throttle<'_>,
    ) -> Result<Vec<Notification>> {
        self.begin_to("claim")?;
        let result = self.store().claim(now, owner, until, limit, only, throttle);
        if let Ok(claimed) = &result {
            self.world.watch_claim(self.process, claimed, &mut self.store());
        }
        self.end("claim");
        result
    }

    fn update_told_each(
        &mut self,
        tellers: &[(NotificationId, Option<i64>)],
        change: &mut dyn FnMut(usize, Alert, NotificationId) -> Option<Change>,
    ) -> Result<Vec<Updated>> {
        self.begin_to("update_told_each")?;
        let mut noted = Vec::new();
        let result = self.store().update_told_each(tellers, &mut |place, alert, id| {
            let before = alert.clone();
            let made = change(place, alert, id);
            noted.extend(made.clone().map(|made| (before, made)));
            made
        });
        if result.is_ok() {
            for (before, made) in &noted {
                self.world.watch(self.process, self.roster, before, made);
            }
        }
        self.end("update_told_each");
        result
    }

    fn would_go(
        &mut self,
        to: (&ContactId, Channel),
        recipients: &[String],
        now: Timestamp,
        throttle: &Throttle<'_>,
    ) -> Result<Verdict> {
        self.begin()?;
        self.store().would_go(to, recipients, now, throttle)
    }

    fn add_override(&mut self, new: &Override) -> Result<()> {
        self.begin_to("add_override")?;
        let result = self.store().add_override(new);
        if result.is_ok() {
            self.world.stands_in(new);
        }
        self.end("add_override");
        result
    }

    fn told(&mut self, teller: NotificationId, last: i64) -> Result<Told> {
        self.begin()?;
        let told = self.store().told(teller, last)?;
        self.world.is_next(self.process, teller);
        Ok(told)
    }

    fn overrides(&mut self, now: Timestamp) -> Result<Vec<Override>> {
        self.begin()?;
        let held = self.store().overrides(now)?;
        self.roster = Some(self.world.roster_read());
        Ok(held)
    }

    fn last_beat(&mut self) -> Result<Option<Timestamp>> {
        self.begin()?;
        // Liveness is about processes and the system's time: here, about those of the night.
        Ok(self.world.engine_seems_alive().then(Timestamp::now))
    }

    reads! {
        would_count(tally: &Tally, now: Timestamp) -> u32;
        alert(id: AlertId) -> Alert;
        alerts(filter: &Filter) -> Vec<Alert>;
        search(filter: &Filter, most: u64) -> Found;
        alert_of_mail(mail: Digest) -> Option<AlertId>;
        active(digest: Digest) -> Option<AlertId>;
        by_code(code: &Code, since: Timestamp) -> Option<AlertId>;
        notified(number: &Phone, since: Timestamp) -> Vec<AlertId>;
        by_token(token: &Token) -> Option<NotificationId>;
        history(id: AlertId) -> Vec<Entry>;
        due_alerts(now: Timestamp, limit: usize) -> Vec<AlertId>;
        waiting_alerts() -> Vec<AlertId>;
        under_way(since: Timestamp) -> Vec<Notification>;
        oldest_told(since: Timestamp) -> Option<Timestamp>;
        unreachable() -> Option<Timestamp>;
        next_due() -> Option<Timestamp>;
        provider_ids(to: &Address, since: Timestamp) -> Vec<String>;
        overrides_between(since: Timestamp, until: Timestamp) -> Vec<Override>;
        unresolved(digest: Digest) -> Vec<AlertId>;
        teller(id: NotificationId) -> NotificationId;
        is_needed(teller: NotificationId, provider_id: &str) -> bool;
        heartbeats(awaited: &[Awaited]) -> Vec<Sighting>;
        heartbeat_alerts() -> Vec<(String, AlertId)>;
        self_test(mark: Digest) -> Option<SelfTestRecord>;
        abandoned_self_tests(before: Timestamp) -> Vec<SelfTestRecord>;
    }

    writes! {
        count(tally: &Tally, now: Timestamp) -> u32;
        board(call: NotificationId, now: Timestamp) -> Told;
        record(id: AlertId, entries: &[Entry]) -> ();
        first_time(id: &str, now: Timestamp) -> bool;
        forget(id: &str) -> ();
        set_unreachable(since: Option<Timestamp>) -> ();
        end_overrides(group: &GroupId, now: Timestamp) -> usize;
        expect_heartbeats(awaited: &[Awaited], now: Timestamp) -> ();
        heartbeats_came(names: &[&str], beat: &Beat, now: Timestamp) -> ();
        heartbeat_told(name: &str, alert: AlertId, carrier: Option<Digest>) -> ();
        beat(owner: &str, now: Timestamp) -> ();
        stop_beating(owner: &str) -> ();
        begin_self_test(mark: Digest, now: Timestamp, until: Timestamp) -> i64;
        self_test_came(mark: Digest, alert: Option<AlertId>, now: Timestamp) -> ();
        end_self_test(id: i64, passed: bool, now: Timestamp) -> ();
    }
}
