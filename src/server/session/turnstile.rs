//! So many at once, a few who wait for a little, and no more: hashing a password takes memory and a core, and those who wait
//! take threads that webhooks need.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many passwords are hashed at once.
const AT_ONCE: usize = 2;
/// So many wait for that: with those that are hashed they leave half of the server's workers to the webhooks.
const WAITING: usize = 2;
/// So long they wait.
const PATIENCE: Duration = Duration::from_secs(3);

/// Lets so many through at once.
pub(super) struct Turnstile {
    crowd: Mutex<Crowd>,
    freed: Condvar,
    patience: Duration,
}

#[derive(Default)]
struct Crowd {
    within: usize,
    waiting: usize,
}

impl Turnstile {
    pub fn new() -> Self {
        Self { crowd: Mutex::default(), freed: Condvar::new(), patience: PATIENCE }
    }

    /// Does it when it is one's turn; `None`: there was no room in time.
    pub fn pass<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        self.enter()?;
        let result = work();
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner).within -= 1;
        self.freed.notify_one();
        Some(result)
    }

    fn enter(&self) -> Option<()> {
        let mut crowd = self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        if crowd.within >= AT_ONCE {
            if crowd.waiting >= WAITING {
                return None;
            }
            crowd.waiting += 1;
            let deadline = Instant::now() + self.patience;
            while crowd.within >= AT_ONCE {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    crowd.waiting -= 1;
                    return None;
                }
                crowd = self.freed.wait_timeout(crowd, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            crowd.waiting -= 1;
        }
        crowd.within += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn two_pass_two_wait_and_the_fifth_is_sent_away() {
        let turnstile = Turnstile { patience: Duration::from_mins(1), ..Turnstile::new() };
        std::thread::scope(|scope| {
            let (entered, has_entered) = mpsc::channel();
            let mut open = Vec::new();
            for _ in 0..4 {
                let (release, released) = mpsc::channel::<()>();
                open.push(release);
                let (turnstile, entered) = (&turnstile, entered.clone());
                scope.spawn(move || {
                    turnstile.pass(|| {
                        entered.send(()).unwrap();
                        let _ = released.recv();
                    })
                });
            }
            has_entered.recv().unwrap();
            has_entered.recv().unwrap();
            while turnstile.crowd.lock().unwrap().waiting < 2 {
                std::thread::yield_now();
            }
            assert!(has_entered.try_recv().is_err(), "a third one is within");
            assert_eq!(turnstile.pass(|| ()), None);
            // Dropping the senders lets everybody end.
            drop(open);
            has_entered.recv().unwrap();
            has_entered.recv().unwrap();
        });
        assert_eq!(turnstile.pass(|| 1), Some(1));
    }

    #[test]
    fn nobody_waits_for_ever() {
        let turnstile = Turnstile { patience: Duration::from_millis(5), ..Turnstile::new() };
        let within = turnstile.pass(|| turnstile.pass(|| turnstile.pass(|| ())));
        assert_eq!(within, Some(Some(None)));
    }
}
