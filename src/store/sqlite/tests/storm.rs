//! Storms: whatever comes and whatever the telephone network does, every alert is told to a human or is visible as held,
//! and nobody takes what they were not told of.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::alert::limit::Limits;
use crate::alert::{
    Actor, CallStatus, Channel, Context, Delivery, Event, Outcome, Policy, Refusal, State, Step, Target, Through,
    escalation::escalate,
};
use crate::oncall::{Contact, ContactId, Group, OnCall, Roster};
use crate::store::suite::build::{arrival, at, chance};
use crate::store::{Throttle, Told};

fn roster() -> Roster {
    let ids = ["david", "darren"].map(ContactId::new);
    let mut roster = Roster::default();
    for (id, phone) in ids.iter().zip(["+64211110001", "+64211110002"]) {
        let contact = Contact {
            id: id.clone(),
            name: id.to_string(),
            phone: Some(phone.parse().unwrap()),
            sms: None,
            email: None,
            language: None,
            voice: None,
        };
        roster.contacts.insert(id.clone(), contact);
    }
    let id = GroupId::new("dba");
    let on_call = OnCall::Fixed(ids[0].clone());
    let group = Group {
        id: id.clone(),
        name: "DBA".into(),
        members: ids.to_vec(),
        on_call,
        backup: vec![ids[1].clone()],
        policy: None,
    };
    roster.groups.insert(id, group);
    roster
}

fn policy() -> Policy {
    let step = |notify, attempts| Step {
        notify,
        by: vec![Channel::Call],
        attempts,
        wait: SignedDuration::from_mins(5),
        redial: SignedDuration::ZERO,
        only: None,
    };
    let steps = vec![step(Target::OnCall, 2), step(Target::Backup, 1)];
    Policy { name: "page".into(), steps, repeat: 0, remind: None, last_resort: None }
}

/// A night with a store, whose escalation is the real one.
struct Night {
    store: Sqlite,
    now: Timestamp,
    roster: Roster,
    alerts: Vec<AlertId>,
    webhooks: bool,
    /// So many times the dice were taken up: no token comes twice.
    throws: u128,
}

impl Night {
    fn dice(&mut self) -> impl FnMut() -> u128 + use<> {
        self.throws += 1;
        chance(self.throws << 64 | 1)
    }

    fn open(&mut self, number: usize) {
        let key = format!("host{number}");
        let arrival = Arrival { policy: policy(), ..arrival(&key, &key) };
        let mut dice = self.dice();
        let (now, roster) = (self.now, &self.roster);
        let receipt = self.store.receive(&arrival, None, None, now, &mut dice, &mut |alert, _, random| {
            escalate(alert, Event::Opened, &mut Context { now, roster, random })
        });
        self.alerts.push(receipt.unwrap().alert().id);
    }

    fn tell(&mut self, id: NotificationId, last: Option<i64>, event: &Event) -> Vec<AlertId> {
        let mut dice = self.dice();
        let (now, roster) = (self.now, &self.roster);
        let updated = self.store.update_told(id, last, &mut |alert, of| {
            Some(escalate(alert, event.about(of), &mut Context { now, roster, random: &mut dice }))
        });
        updated.unwrap().into_iter().map(|one| one.alert.id).collect()
    }

    fn tick(&mut self) {
        for id in self.store.due_alerts(self.now, 1000).unwrap() {
            let mut dice = self.dice();
            let (now, roster) = (self.now, &self.roster);
            let mut change = |alert| escalate(alert, Event::Tick, &mut Context { now, roster, random: &mut dice });
            self.store.update(id, &mut change).unwrap();
        }
    }

    /// One turn of an engine; `fate` says what becomes of each call.
    fn turn(&mut self, fate: &mut impl FnMut() -> u8) -> usize {
        self.tick();
        let limits = Limits::usual();
        let throttle = Throttle { limits: &limits, recipient: &|_| None, webhooks: self.webhooks };
        let until = self.now + SignedDuration::from_mins(1);
        let claimed = self.store.claim(self.now, "me", until, 8, None, &throttle).unwrap();
        for call in &claimed {
            let id = call.id;
            let fate = fate();
            if fate < 20 {
                let refusal = Refusal::Temporary { reason: "429".into(), retry_after: None };
                self.tell(id, None, &Event::NotAccepted { notification: id, provider: "twilio".into(), refusal });
                continue;
            }
            let provider_id = format!("CA{id}-{}", call.tries);
            self.tell(id, None, &Event::Accepted { notification: id, provider: "twilio".into(), provider_id });
            let over = |status| Event::CallStatus {
                notification: id,
                sequence: None,
                status,
                human: None,
                detail: String::new(),
            };
            if fate < 90 {
                self.tell(id, None, &over(CallStatus::NoAnswer));
                continue;
            }
            let told = self.store.board(id, self.now).unwrap();
            if fate >= 120 {
                self.acknowledge(&told);
            }
            self.tell(id, None, &over(CallStatus::Completed));
        }
        claimed.len()
    }

    fn acknowledge(&mut self, told: &Told) {
        let by = Actor { contact: Some(ContactId::new("david")), name: "David".into(), through: Through::Key };
        let event = Event::Acknowledge { by, within: Some(told.teller) };
        let heard: Vec<AlertId> = std::iter::once(&told.alert).chain(&told.besides).map(|alert| alert.id).collect();
        for taken in self.tell(told.teller, Some(told.last), &event) {
            assert!(heard.contains(&taken), "alert {taken} was taken and had not been told");
        }
    }

    fn check(&mut self) {
        for id in self.alerts.clone() {
            let alert = self.store.alert(id).unwrap();
            // Withdrawn before it was sent is not told; nor is what nobody ever took up.
            let told = alert.notifications.iter().any(|page| {
                page.tries > 0 && !matches!(page.delivery, Delivery::Ended { outcome: Outcome::Withdrawn, .. })
            });
            let waits = alert.notifications.iter().any(Notification::is_unsent);
            assert!(told || waits || alert.next_at.is_some(), "{alert:#?}");
            assert!(alert.state != State::Expired || told, "nobody was told: {alert:#?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_alert_is_told_or_visible_as_held(
        storm in proptest::collection::vec((0_usize..12, 0_i64..240), 1..12),
        fates in proptest::collection::vec(any::<u8>(), 8..40),
        webhooks in any::<bool>(),
    ) {
        let store = Sqlite::in_memory().unwrap();
        let mut night = Night { store, now: at(0), roster: roster(), alerts: Vec::new(), webhooks, throws: 0 };
        let mut next = fates.iter().copied().cycle();
        let mut fate = || next.next().unwrap_or(0);
        let mut sent = 0;
        for (count, seconds) in storm {
            for _ in 0..count {
                night.open(night.alerts.len());
            }
            sent += night.turn(&mut fate);
            night.check();
            night.now += SignedDuration::from_secs(seconds);
        }
        // However many there were, the telephones ring as often as the limits let them, and a few times more.
        prop_assert!(sent <= 400, "{sent} calls");
        // An hour later each has been told, or taken with others.
        for _ in 0..240 {
            night.turn(&mut fate);
            night.now += SignedDuration::from_secs(15);
        }
        night.check();
        for id in night.alerts.clone() {
            let alert = night.store.alert(id).unwrap();
            let told = alert.notifications.iter().any(|page| page.tries > 0);
            prop_assert!(told, "{alert:#?}");
        }
    }
}
