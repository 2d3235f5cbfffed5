//! Watches for mails that must come: opens an alert when one is late, and ends it when one has come. What it finds in the
//! store it sets right, whoever left it so: an engine, or a delivery that died halfway.

use jiff::{SignedDuration, Timestamp};

use super::Desk;
use crate::alert::{Actor, Alert, AlertId, Delivery, Digest, Event, NEWER_ALERT, Policy, State, Through};
use crate::config::heartbeats::Kind;
use crate::config::{Config, Heartbeat};
use crate::heartbeat::{Missing, Standing, State as Beat, Times};
use crate::store::{self, Arrival, Awaited, Error, Sighting, Store};

/// How long the engine is content with what it saw: other processes change the store without a word.
pub const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// A heartbeat, and where it stands.
pub struct Seen<'c> {
    /// Its entry.
    pub heartbeat: &'c Heartbeat,
    /// What the store knows of it.
    pub sighting: Sighting,
    /// Where it stands; `None` while nobody waits for it.
    pub standing: Option<Standing>,
}

/// What came of watching.
#[derive(Debug, Default)]
pub struct Watched {
    /// The alerts that somebody must follow: open, or with news that was not sent yet.
    pub alerts: Vec<Followed>,
    /// What happened, for the log.
    pub lines: Vec<String>,
    /// When to look again at the latest.
    pub next: Option<Timestamp>,
}

/// An alert that tells of a heartbeat.
#[derive(Debug, Clone)]
pub struct Followed {
    /// Which.
    pub alert: AlertId,
    /// The heartbeat's name.
    pub heartbeat: String,
    /// The mail on whose way it was noticed, where no engine did.
    pub carrier: Option<Digest>,
}

/// Where every heartbeat of the rule file stands.
pub fn stand<'c>(config: &'c Config, store: &mut dyn Store, now: Timestamp) -> store::Result<Vec<Seen<'c>>> {
    let entries = &config.heartbeats.entries;
    let sightings = store.heartbeats(&awaited(config))?;
    let seen = entries.iter().zip(sightings).map(|(heartbeat, sighting)| {
        let standing = sighting.since.map(|since| {
            let times = Times { since, last: sighting.sent_at };
            Standing::at(&heartbeat.rhythm, heartbeat.grace, times, now)
        });
        Seen { heartbeat, sighting, standing }
    });
    Ok(seen.collect())
}

fn awaited(config: &Config) -> Vec<Awaited> {
    let entries = config.heartbeats.entries.iter();
    entries.map(|entry| Awaited { name: entry.name.clone(), form: entry.form() }).collect()
}

impl Seen<'_> {
    /// Whether the store must be told of it: nobody waits for it yet, or a clock that was set back noted its times.
    fn is_to_be_noted(&self, now: Timestamp) -> bool {
        let Sighting { since, sent_at, arrived_at, .. } = self.sighting;
        since.is_none() || [since, sent_at, arrived_at].into_iter().flatten().any(|at| at > now)
    }

    /// Whether its last mail came after its alert was opened.
    fn has_come_since(&self, alert: &Alert) -> bool {
        self.sighting.arrived_at.is_some_and(|at| at >= alert.opened_at)
    }
}

/// Whether watching would do something: for whoever may not write yet.
pub fn wants_a_look(config: &Config, store: &mut dyn Store, now: Timestamp) -> store::Result<bool> {
    for seen in stand(config, store, now)? {
        if seen.is_to_be_noted(now) || seen.standing.is_some_and(|standing| standing.state == Beat::Late) {
            return Ok(true);
        }
        if let Some(alert) = alert_of(store, &seen)?
            && (must_be_followed(&alert) || alert.state != State::Resolved && seen.has_come_since(&alert))
        {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Desk {
    /// Looks at every heartbeat. `carrier`: the mail on whose way that is done, where no engine does it.
    pub fn watch(&self, store: &mut dyn Store, carrier: Option<Digest>) -> store::Result<Watched> {
        let now = self.now();
        let mut watched = Watched::default();
        let mut all = stand(&self.config, store, now)?;
        if all.iter().any(|seen| seen.is_to_be_noted(now)) {
            store.expect_heartbeats(&awaited(&self.config), now)?;
            all = stand(&self.config, store, now)?;
        }
        for seen in &all {
            self.set_right(store, seen, carrier, &mut watched)?;
        }
        Ok(watched)
    }

    /// Does what is to be done about one.
    fn set_right(
        &self,
        store: &mut dyn Store,
        seen: &Seen<'_>,
        carrier: Option<Digest>,
        watched: &mut Watched,
    ) -> store::Result<()> {
        let Some(standing) = &seen.standing else { return Ok(()) };
        watched.next = Some(watched.next.map_or(standing.next, |next| next.min(standing.next)));
        let (alert, carrier) = match standing.state {
            Beat::Late => {
                let (alert, carrier) = self.tell_late(store, seen, standing, carrier, &mut watched.lines)?;
                // Whoever took that mail in a moment ago looked for this alert before it was there.
                if alert.state != State::Resolved && self.has_come_meanwhile(store, seen)? {
                    (self.end(store, seen, &alert, &mut watched.lines)?, carrier)
                } else {
                    (alert, carrier)
                }
            }
            Beat::Waiting | Beat::OnTime | Beat::Due => match alert_of(store, seen)? {
                Some(alert) if alert.state != State::Resolved && seen.has_come_since(&alert) => {
                    (self.end(store, seen, &alert, &mut watched.lines)?, seen.sighting.carrier)
                }
                Some(alert) => (alert, seen.sighting.carrier),
                None => return Ok(()),
            },
        };
        if must_be_followed(&alert) {
            watched.alerts.push(Followed { alert: alert.id, heartbeat: seen.heartbeat.name.clone(), carrier });
        }
        Ok(())
    }

    /// Whether a mail has come since it was looked at, and is one that is not late.
    fn has_come_meanwhile(&self, store: &mut dyn Store, seen: &Seen<'_>) -> store::Result<bool> {
        let all = stand(&self.config, store, self.now())?;
        Ok(all.iter().any(|again| {
            again.heartbeat.name == seen.heartbeat.name
                && again.sighting.arrived_at > seen.sighting.arrived_at
                && again.standing.is_some_and(|standing| standing.state != Beat::Late)
        }))
    }

    /// Ends the alerts of heartbeats that the rule file has no more: nobody waits for them, so nothing else ever would. For
    /// the engine alone, when it begins and when the rule file was read again: a delivery may go by another rule file.
    pub fn forget_heartbeats(&self, store: &mut dyn Store) -> store::Result<()> {
        for (name, alert) in store.heartbeat_alerts()? {
            if self.config.heartbeats.entries.iter().any(|entry| entry.name == name) {
                continue;
            }
            tracing::warn!(heartbeat = name, %alert, "its entry was taken out of the rule file: its alert ends");
            let by = Actor { contact: None, name: format!("heartbeat {name}"), through: Through::RuleFile };
            self.apply(store, alert, &Event::Resolve { by, within: None })?;
        }
        Ok(())
    }

    /// Opens the alert of a mail that is late, unless that was done.
    fn tell_late(
        &self,
        store: &mut dyn Store,
        seen: &Seen<'_>,
        standing: &Standing,
        carrier: Option<Digest>,
        lines: &mut Vec<String>,
    ) -> store::Result<(Alert, Option<Digest>)> {
        let heartbeat = seen.heartbeat;
        let due = standing.due.as_millisecond().to_string();
        let told = Digest::of(["heartbeat", &heartbeat.name, &due, &standing.told.to_string()]);
        let alert = if let Some(id) = store.alert_of_mail(told)? {
            store.alert(id)?
        } else {
            let arrival = self.lateness(seen, standing, told);
            let receipt = self.receive_arrival(store, &arrival, None)?;
            let alert = receipt.alert().clone();
            lines.push(format!(
                "heartbeat {}: {}: alert {} ({})",
                heartbeat.name, arrival.subject, alert.id, alert.code
            ));
            alert
        };
        if seen.sighting.alert == Some(alert.id) {
            return Ok((alert, seen.sighting.carrier));
        }
        store.heartbeat_told(&heartbeat.name, alert.id, carrier)?;
        Ok((alert, carrier))
    }

    /// Ends the alert of a mail that was late and has come.
    fn end(
        &self,
        store: &mut dyn Store,
        seen: &Seen<'_>,
        alert: &Alert,
        lines: &mut Vec<String>,
    ) -> store::Result<Alert> {
        let name = format!("heartbeat {}", seen.heartbeat.name);
        let by = Actor { contact: None, name: name.clone(), through: Through::Mail };
        let ended = self.apply(store, alert.id, &Event::Resolve { by: by.clone(), within: None })?;
        for older in store.unresolved(alert.digest)? {
            self.apply(store, older, &Event::ResolveQuietly { by: by.clone(), why: NEWER_ALERT.to_owned() })?;
        }
        lines.push(format!("{name} has come: alert {} ({}) is {}", ended.id, ended.code, ended.state.word()));
        Ok(ended)
    }

    /// What is told of a mail that is late, as a mail would ask for it.
    fn lateness(&self, seen: &Seen<'_>, standing: &Standing, told: Digest) -> Arrival {
        let Seen { heartbeat, sighting, .. } = seen;
        let now = self.now();
        let missing = Missing {
            name: (heartbeat.kind == Kind::Mail).then_some(heartbeat.name.as_str()),
            due: standing.due,
            last: sighting.sent_at,
            since: sighting.since.unwrap_or(now),
            zone: &heartbeat.time_zone,
            now,
        };
        let key = format!("heartbeat {}", heartbeat.name);
        let policies = &self.config.policies;
        let policy = policies.get(&heartbeat.policy_name(&self.config.roster)).or_else(|| policies.get("page"));
        Arrival {
            mail: told,
            digest: Digest::of([heartbeat.group.as_str(), key.as_str()]),
            other_digests: Vec::new(),
            over: Vec::new(),
            sent_at: None,
            rule: key.clone(),
            key,
            window: self.config.defaults.window,
            group: heartbeat.group.clone(),
            recipients: Vec::new(),
            subject: missing.line(),
            say: missing.spoken(),
            text: missing.line(),
            told: None,
            // `page` is always there: it is built in.
            policy: policy.cloned().unwrap_or_else(|| Policy { name: "none".into(), ..Policy::default() }),
        }
    }
}

/// The alert that last told of it, unless it was deleted.
fn alert_of(store: &mut dyn Store, seen: &Seen<'_>) -> store::Result<Option<Alert>> {
    let Some(id) = seen.sighting.alert else { return Ok(None) };
    match store.alert(id) {
        Ok(alert) => Ok(Some(alert)),
        Err(Error::NoAlert(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether something may still have to be sent about it.
fn must_be_followed(alert: &Alert) -> bool {
    let unsent = |delivery: &Delivery| matches!(delivery, Delivery::Due { .. } | Delivery::Claimed { .. });
    alert.state == State::Open || alert.notifications.iter().any(|one| unsent(&one.delivery))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{Clock as _, ManualClock};
    use crate::store::{Beat as Arrived, Sqlite};

    const RULES: &str = r#"
[contacts]
david = { phone = "+64211110001" }
[groups.systems]
members = ["david"]
oncall = "david"
[[heartbeats]]
name  = "backup"
when  = [{ subject = '^backup$' }]
every = "1 day"
grace = "1h"
group = "systems"
"#;

    #[test]
    fn a_mail_that_comes_while_its_lateness_is_being_noticed_ends_that_alert_before_anybody_is_called() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("rules.toml"), RULES).unwrap();
        let config = Arc::new(Config::load(&directory.path().join("rules.toml")).unwrap());
        let clock = ManualClock::new("2026-11-02T02:00:00Z".parse().unwrap());
        let desk = Desk::new(Arc::clone(&config), Arc::new(clock.clone()));
        let mut store = Sqlite::open(&directory.path().join("thialfi.db")).unwrap();
        assert!(desk.watch(&mut store, None).unwrap().alerts.is_empty());
        clock.advance(SignedDuration::from_hours(26));
        // The engine looks; the mail is taken in, by a process that finds no alert to end; then the engine goes on.
        let all = stand(&config, &mut store, desk.now()).unwrap();
        let mail = Arrived { mail: Digest::of(["mail"]), sent_at: clock.now() };
        store.heartbeats_came(&["backup"], &mail, clock.now()).unwrap();
        clock.advance(SignedDuration::from_secs(1));
        let mut watched = Watched::default();
        desk.set_right(&mut store, all.first().unwrap(), None, &mut watched).unwrap();
        let alert = store.alert(AlertId(1)).unwrap();
        assert_eq!(alert.state, State::Resolved);
        assert!(alert.notifications.iter().all(|one| !one.may_have_been_sent()), "{:?}", alert.notifications);
        assert!(watched.alerts.is_empty(), "{watched:?}");
    }
}
