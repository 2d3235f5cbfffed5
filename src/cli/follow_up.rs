//! What a delivery itself does about its alerts once they are on disk: it sends what is due, and finds out whether an
//! engine follows up. With `--wait` it is the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::deliver::say;
use super::surroundings::Surroundings;
use crate::alert::{AlertId, Delivery, Entry, EntryKind, Notification, State};
use crate::engine::{Desk, liveness};
use crate::store::{self, Fate, Store};

/// Without an engine, a delivery itself repeats what failed for a moment, for so long.
pub(super) const PERSIST: Duration = Duration::from_secs(25);
/// How often `--wait` looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Sends what is due. Returns what to log, and whether the mail server may forget the mail.
pub fn follow(
    surroundings: &Surroundings,
    desk: &Arc<Desk>,
    mut store: Box<dyn Store>,
    alerts: &[AlertId],
    wait: bool,
) -> store::Result<(Vec<String>, bool)> {
    let alive = liveness::is_alive(store.as_mut())?;
    let webhooks = alive && desk.config.server.public_url.is_some();
    let moved = desk.clock.is_moved_by_hand();
    let mut engine = surroundings.engine(desk, store, webhooks).only(alerts.to_vec());
    if alive && !wait {
        // A mail server may take its time, and an engine has that.
        engine = engine.without_posts();
    }
    if !alive {
        engine.ask_everything();
        engine.ask()?;
        engine.settle(PERSIST);
    }
    let began = Instant::now();
    let mut told = vec![0; alerts.len()];
    loop {
        engine.turn()?;
        let settled = engine.settle(PERSIST);
        desk.hang_up();
        if wait {
            tell_news(engine.store(), alerts, &mut told)?;
            if everything_is_over(engine.store(), alerts)? {
                break;
            }
            if !engine.listen(if moved { Duration::from_millis(5) } else { LOOK_EVERY }) {
                break;
            }
            continue;
        }
        let now = desk.now();
        // Where a limit holds something back, the escalation goes on at once.
        let unsent = something_unsent(engine.store(), alerts)? || wants_a_tick(engine.store(), alerts, now)?;
        if !settled || !unsent || alive || began.elapsed() >= PERSIST {
            break;
        }
        // What failed for a moment is due again in seconds; a clock that a test moves does not pass by waiting.
        if moved && !something_due(engine.store(), alerts, now)? && !wants_a_tick(engine.store(), alerts, now)? {
            break;
        }
        engine.listen(if moved { Duration::from_millis(1) } else { LOOK_EVERY });
    }
    // Asked again at the end: an engine that has stopped meanwhile follows up on nothing.
    let alive = alive && liveness::is_alive(engine.store())?;
    let mut lines = Vec::new();
    let mut over = true;
    for id in alerts {
        let alert = engine.store().alert(*id)?;
        // Who reads the log wants to know how it stands: that a mail or a callback came again does not say so.
        let says = |line: &Entry| !matches!(line.kind, EntryKind::Duplicate | EntryKind::Callback | EntryKind::Duty);
        if let Some(last) = engine.store().history(*id)?.into_iter().rfind(says) {
            lines.push(last.text);
        }
        if alert.state == State::Open {
            over &= alive;
            if !alive {
                lines.push(format!("alert {} is open and no engine follows up", alert.id));
            }
        } else if !alive && unforwarded(engine.store(), *id)? {
            // On disk, but nobody would send it: the redelivery does.
            over = false;
            lines.push(format!("a mail of alert {} has not been forwarded yet, and no engine follows up", alert.id));
        } else if !alive && alert.notifications.iter().any(Notification::is_unsent) {
            // News that nobody would send, or that a limit holds back: the redelivery tries again, until it was sent or
            // given up.
            over = false;
            lines.push(format!("not everybody has been told of alert {}, and no engine follows up", alert.id));
        }
    }
    Ok((lines, over))
}

fn everything_is_over(store: &mut dyn Store, alerts: &[AlertId]) -> store::Result<bool> {
    for id in alerts {
        if store.alert(*id)?.state == State::Open {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether something of these alerts waits to be sent, now or soon.
fn something_unsent(store: &mut dyn Store, alerts: &[AlertId]) -> store::Result<bool> {
    for id in alerts {
        let alert = store.alert(*id)?;
        if alert.notifications.iter().any(|notification| matches!(notification.delivery, Delivery::Due { .. })) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn wants_a_tick(store: &mut dyn Store, alerts: &[AlertId], now: jiff::Timestamp) -> store::Result<bool> {
    for id in alerts {
        let alert = store.alert(*id)?;
        if alert.next_at.is_some_and(|at| at <= now) && alert.notifications.iter().any(Notification::is_held) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a mail of this alert is still to be forwarded.
fn unforwarded(store: &mut dyn Store, alert: AlertId) -> store::Result<bool> {
    Ok(store.posts(alert)?.iter().any(|post| matches!(post.fate, Fate::Due(_))))
}

fn something_due(store: &mut dyn Store, alerts: &[AlertId], now: jiff::Timestamp) -> store::Result<bool> {
    for id in alerts {
        let alert = store.alert(*id)?;
        let due = alert.notifications.iter().any(|one| matches!(one.delivery, Delivery::Due { at, .. } if at <= now));
        if due {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `--wait`: the history of the alerts, as it is made.
fn tell_news(store: &mut dyn Store, alerts: &[AlertId], told: &mut [usize]) -> store::Result<()> {
    for (id, told) in alerts.iter().zip(told) {
        let history = store.history(*id)?;
        for entry in history.iter().skip(*told) {
            let time = entry.at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S");
            say(&format!("{time} alert {id}: {}", entry.text));
        }
        *told = history.len();
    }
    Ok(())
}
