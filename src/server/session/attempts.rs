//! How often somebody may be wrong. What is remembered is bounded: where there is no room, the oldest is forgotten.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use crate::alert::Digest;

/// So long a failure counts.
pub const WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// An address may be wrong so often within that time.
pub const PER_ADDRESS: usize = 10;
/// A user's name may be given with a wrong password so often within that time, by addresses that have not signed in as that
/// user before.
pub const PER_NAME: usize = 20;
/// So long an address is known for a user's.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Room for addresses, for names, for who signed in where, and for addresses of wrong tokens: 10,000 in all.
const ADDRESSES: usize = 3000;
const NAMES: usize = 2500;
const KNOWN: usize = 2000;
const TOKENS: usize = 2500;

/// Who was wrong, and who was right, as far as it is remembered.
pub(super) struct Attempts {
    addresses: Ledger<Option<IpAddr>>,
    /// By digest: names are of any length.
    names: Ledger<Digest>,
    known: Ledger<(Option<IpAddr>, Digest)>,
    tokens: Ledger<Option<IpAddr>>,
}

/// An attempt that is counted as wrong until it is known to be right.
pub(super) struct Attempt {
    from: Option<IpAddr>,
    name: Digest,
    /// Whether the name's limit counts it.
    of_name: bool,
}

impl Attempts {
    pub fn new() -> Self {
        Self {
            addresses: Ledger::new(ADDRESSES),
            names: Ledger::new(NAMES),
            known: Ledger::new(KNOWN),
            tokens: Ledger::new(TOKENS),
        }
    }

    /// Begins an attempt. It counts as wrong from here on, so that many at once are no way around the limit.
    ///
    /// # Errors
    /// Where there were too many: after how long there may be another. That is not counted.
    pub fn begin(&mut self, from: Option<IpAddr>, name: &str, now: Timestamp) -> Result<Attempt, SignedDuration> {
        let name = Digest::of([name]);
        let of_name = self.known.count(&(from, name), now, KNOWN_FOR) == 0;
        let mut wait = self.addresses.wait(&from, now, WITHIN, PER_ADDRESS);
        if of_name {
            wait = wait.max(self.names.wait(&name, now, WITHIN, PER_NAME));
        }
        if let Some(wait) = wait {
            return Err(wait);
        }
        self.addresses.add(from, now, WITHIN, PER_ADDRESS);
        if of_name {
            self.names.add(name, now, WITHIN, PER_NAME);
        }
        Ok(Attempt { from, name, of_name })
    }

    /// It was none. What was wrong before still counts: who has a password of their own must not buy guesses at others' with it.
    pub fn take_back(&mut self, attempt: &Attempt) {
        self.addresses.take_back(&attempt.from);
        if attempt.of_name {
            self.names.take_back(&attempt.name);
        }
    }

    /// It was right.
    pub fn right(&mut self, attempt: &Attempt, now: Timestamp) {
        self.take_back(attempt);
        self.known.add((attempt.from, attempt.name), now, KNOWN_FOR, 1);
    }

    /// Counts a wrong token.
    ///
    /// # Errors
    /// Where there were too many: after how long one may be wrong again.
    pub fn wrong_token(&mut self, from: Option<IpAddr>, now: Timestamp) -> Result<(), SignedDuration> {
        if let Some(wait) = self.tokens.wait(&from, now, WITHIN, PER_ADDRESS) {
            return Err(wait);
        }
        self.tokens.add(from, now, WITHIN, PER_ADDRESS);
        Ok(())
    }

    /// How many entries there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        let (addresses, names) = (self.addresses.entries.len(), self.names.entries.len());
        addresses + names + self.known.entries.len() + self.tokens.entries.len()
    }
}

/// When something last happened, by key.
struct Ledger<K> {
    room: usize,
    entries: HashMap<K, VecDeque<Timestamp>>,
}

impl<K: Eq + Hash + Clone> Ledger<K> {
    fn new(room: usize) -> Self {
        Self { room, entries: HashMap::new() }
    }

    /// How often it happened lately.
    fn count(&self, key: &K, now: Timestamp, within: SignedDuration) -> usize {
        self.entries.get(key).map_or(0, |times| times.iter().filter(|at| is_recent(**at, now, within)).count())
    }

    /// How long it is until it may happen again, if it may not now.
    fn wait(&self, key: &K, now: Timestamp, within: SignedDuration, most: usize) -> Option<SignedDuration> {
        if self.count(key, now, within) < most {
            return None;
        }
        let oldest = self.entries.get(key)?.iter().copied().filter(|at| is_recent(*at, now, within)).min()?;
        Some((within - now.duration_since(oldest)).clamp(SignedDuration::from_secs(1), within))
    }

    /// It happened. Of each key no more times are kept than count.
    fn add(&mut self, key: K, now: Timestamp, within: SignedDuration, most: usize) {
        if !self.entries.contains_key(&key) && self.entries.len() >= self.room {
            self.make_room(now, within);
        }
        let times = self.entries.entry(key).or_default();
        times.retain(|at| is_recent(*at, now, within));
        times.push_back(now);
        while times.len() > most {
            times.pop_front();
        }
    }

    /// The last one did not happen.
    fn take_back(&mut self, key: &K) {
        if let Some(times) = self.entries.get_mut(key) {
            times.pop_back();
            if times.is_empty() {
                self.entries.remove(key);
            }
        }
    }

    /// Forgets what counts no more, and where that is nothing, what is oldest.
    fn make_room(&mut self, now: Timestamp, within: SignedDuration) {
        self.entries.retain(|_, times| times.back().is_some_and(|last| is_recent(*last, now, within)));
        if self.entries.len() >= self.room {
            let oldest = self.entries.iter().min_by_key(|(_, times)| times.back().copied());
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.entries.remove(&key);
            }
        }
    }
}

/// A clock that was set back must not lock anybody out for a year.
fn is_recent(at: Timestamp, now: Timestamp, within: SignedDuration) -> bool {
    now.duration_since(at).abs() < within
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn an_address_may_be_wrong_ten_times_in_a_quarter_of_an_hour() {
        let mut attempts = Attempts::new();
        for second in 0..10 {
            assert!(attempts.begin(Some(address(1)), &format!("user{second}"), at(second)).is_ok());
        }
        assert_eq!(attempts.begin(Some(address(1)), "david", at(10)).err(), Some(SignedDuration::from_secs(890)));
        assert!(attempts.begin(Some(address(2)), "david", at(10)).is_ok(), "another address is not concerned");
        // What was refused does not count: the first of the ten is forgotten, then one may be wrong again.
        assert!(attempts.begin(Some(address(1)), "david", at(899)).is_err());
        assert!(attempts.begin(Some(address(1)), "david", at(900)).is_ok());
        assert!(attempts.begin(Some(address(1)), "david", at(900)).is_err());
    }

    #[test]
    fn a_name_may_be_guessed_at_twenty_times_from_anywhere() {
        let mut attempts = Attempts::new();
        let first = attempts.begin(Some(address(99)), "david", at(0)).unwrap();
        attempts.right(&first, at(0));
        for number in 0..20 {
            assert!(attempts.begin(Some(address(number)), "david", at(1)).is_ok(), "{number}");
        }
        assert!(attempts.begin(Some(address(20)), "david", at(2)).is_err());
        assert!(attempts.begin(Some(address(20)), "darren", at(2)).is_ok(), "another name is not concerned");
        // Who has signed in from there before is not kept out by others.
        assert!(attempts.begin(Some(address(99)), "david", at(2)).is_ok());
        // But that is no way in for others from there, nor does it let strangers guess on.
        assert!(attempts.begin(Some(address(99)), "darren", at(2)).is_ok());
        assert!(attempts.begin(Some(address(21)), "david", at(2)).is_err());
        let known = attempts.begin(Some(address(99)), "david", at(3)).unwrap();
        attempts.right(&known, at(3));
        assert!(attempts.begin(Some(address(21)), "david", at(3)).is_err());
    }

    #[test]
    fn a_right_password_forgives_nothing_else() {
        let mut attempts = Attempts::new();
        for _ in 0..9 {
            attempts.begin(Some(address(1)), "victim", at(0)).unwrap();
        }
        let own = attempts.begin(Some(address(1)), "mallory", at(1)).unwrap();
        attempts.right(&own, at(1));
        attempts.begin(Some(address(1)), "victim", at(2)).unwrap();
        assert!(attempts.begin(Some(address(1)), "victim", at(3)).is_err());
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes() {
        let mut attempts = Attempts::new();
        for number in 0..20_000 {
            let now = at(i64::from(number) / 100);
            if let Ok(attempt) = attempts.begin(Some(address(number)), &number.to_string(), now)
                && number % 2 == 0
            {
                attempts.right(&attempt, now);
            }
            let _ = attempts.wrong_token(Some(address(number)), now);
            assert!(attempts.len() <= 10_000);
        }
        assert!(attempts.addresses.entries.contains_key(&Some(address(19_999))));
        assert!(!attempts.addresses.entries.contains_key(&Some(address(1))));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let mut attempts = Attempts::new();
        for _ in 0..10 {
            attempts.begin(Some(address(1)), "david", at(1_000_000)).unwrap();
        }
        assert!(attempts.begin(Some(address(1)), "david", at(1_000_000)).is_err());
        assert!(attempts.begin(Some(address(1)), "david", at(0)).is_ok());
    }
}
