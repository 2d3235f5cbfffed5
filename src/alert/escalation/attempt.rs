//! Playing the policy: attempts begin, are over, and lead to the next one, the next round, or the end.

use jiff::{SignedDuration, Timestamp};

use super::EntryKind;
use super::play::{CALL_LIFETIME, LONGEST_PAUSE, Place, Play, later};
use crate::alert::{Channel, Delivery, News, Notification, Outcome, Progress, Purpose, State, Step, Target};
use crate::oncall::{Address, Contact, ContactId};

/// How long after opening further rounds are played while nothing at all can be sent.
pub const OUTAGE: SignedDuration = SignedDuration::from_hours(24);

/// How many rounds more than the policy has are played in that time at most, whatever the clock does meanwhile.
pub const OUTAGE_ROUNDS: u32 = 64;

/// How soon an alert whose last page a limit holds back is looked at again at the earliest.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// How long a page may wait for its first try although the time of its attempt is up.
const FIRST_TRY: SignedDuration = SignedDuration::from_mins(1);

/// One notification that an attempt would send.
struct Planned<'r> {
    contact: &'r Contact,
    channel: Channel,
    to: Address,
    /// The channel that the step names, when the contact cannot be reached by that.
    instead_of: Option<Channel>,
}

impl<'r> Play<'r> {
    /// The alert has just been opened.
    pub fn opened(&mut self) {
        let without_rule = self.alert.opens_without_rule();
        let text = match (self.alert.rule.as_str(), self.alert.subject.as_str()) {
            ("", subject) => format!("opened by a mail that no rule matched: {subject}"),
            (what, subject) if without_rule => format!("opened by {what}: {subject}"),
            (rule, subject) => format!("opened by rule {rule}: {subject}"),
        };
        self.say(EntryKind::Opened, text);
        self.settle();
    }

    /// Time has passed.
    pub fn tick(&mut self) {
        if self.alert.next_at.is_none_or(|next| next <= self.now) {
            self.time_out();
            self.settle();
        }
    }

    /// Finds out whether the attempt under way is over, goes on if it is, and sets when to look again.
    ///
    /// An attempt is over at once when nobody can be woken by it any more; else when its time is up and no call of it is
    /// live.
    pub fn settle(&mut self) {
        if self.alert.state != State::Open {
            return;
        }
        let Some(progress) = self.alert.progress else { return self.begin(Place::FIRST) };
        let place = Place::of_progress(&progress);
        if self.pages_at(place).next().is_none() {
            if progress.began_at <= self.now {
                self.begin(place);
            } else {
                self.alert.next_at = Some(progress.began_at);
            }
            return;
        }
        if self.has_failed(place) {
            return self.advance(place, true);
        }
        let deadline = later(progress.began_at, self.wait(place));
        if self.now < deadline {
            self.alert.next_at = Some(deadline);
        } else if let Some(until) =
            self.held_until(place, progress.began_at, deadline).filter(|&until| until > self.now)
        {
            self.alert.next_at = Some(until);
        } else if self.was_never_tried(place, progress.began_at) {
            self.wait_again(progress);
        } else {
            self.say(EntryKind::Step, format!("nobody acknowledged within {:#}", self.wait(place)));
            self.give_up(place);
            self.advance(place, false);
        }
    }

    /// Begins the attempt at `place`, or where that has nobody to notify, the first step after it that has.
    pub fn begin(&mut self, mut place: Place) {
        let said = self.lines();
        // As many steps skipped in a row as there are: all of them now have nobody, and so have further rounds.
        let reminder = if self.is_reminder(place) { self.reminder().len() } else { 0 };
        for _ in 0..self.alert.policy.steps.len().saturating_add(reminder) {
            if self.start(place) {
                return;
            }
            match self.step_after(place) {
                Some(next) => place = next,
                None => break,
            }
        }
        if self.held_back_until().is_some() {
            // It is asked again and again until the limit lets it: that the steps are passed over is not told each time.
            self.unsay(said);
        }
        self.end_of_policy(place.round);
    }

    /// The first attempt of the step after `place`, in the next round if need be; `None`: the policy ends.
    pub fn step_after(&self, place: Place) -> Option<Place> {
        let next = Place { step: place.step.saturating_add(1), attempt: 0, ..place };
        if self.step(next).is_some() {
            Some(next)
        } else if self.is_reminder(place) || self.repetitions(place.round) < self.alert.policy.repeat {
            Some(Place { round: place.round.saturating_add(1), ..Place::FIRST })
        } else {
            None
        }
    }

    /// Whom the step at `place` would notify now.
    pub fn whom(&self, place: Place) -> Vec<ContactId> {
        let step = self.step(place).filter(|step| self.counts(step));
        let plan = step.map(|step| self.plan(&step, place)).unwrap_or_default();
        plan.into_iter().map(|planned| planned.contact.id.clone()).collect()
    }

    /// `2 (backup)`: the step as a person counts it.
    pub fn step_name(&self, place: Place) -> String {
        let target = self.step(place).map(|step| format!(" ({})", step.notify)).unwrap_or_default();
        let of = if self.is_reminder(place) { " of the reminder" } else { "" };
        format!("{}{of}{target}", place.step.saturating_add(1))
    }

    /// Whether the hours of a step are now, or there is nobody else to wake at this hour.
    pub fn counts(&self, step: &Step) -> bool {
        self.alert.policy.counts(step, &self.alert.group, self.roster, self.now)
    }

    /// What an attempt at `step` sends now: to nobody, and to no telephone or mailbox, twice by the same channel. Who is
    /// called again within the time of a text or a mail of this step is not texted or mailed again.
    fn plan(&self, step: &Step, place: Place) -> Vec<Planned<'r>> {
        let roster = self.roster;
        let mut plan: Vec<Planned<'r>> = Vec::new();
        for id in step.notify.contacts(&self.alert.group, roster, self.now) {
            let Some(contact) = roster.contacts.get(&id) else { continue };
            for &wanted in &step.by {
                let ways = [(wanted, None), (wanted.instead(), Some(wanted))];
                let way = ways.into_iter().find_map(|(way, instead_of)| Some((way, way.address(contact)?, instead_of)));
                let Some((channel, to, instead_of)) = way else { continue };
                let same = |planned: &Planned<'_>| planned.contact.id == id || planned.to == to;
                if !plan.iter().any(|planned| planned.channel == channel && same(planned)) {
                    plan.push(Planned { contact, channel, to, instead_of });
                }
            }
        }
        let calls = plan.iter().filter(|one| one.channel == Channel::Call);
        let called: Vec<ContactId> = calls.map(|one| one.contact.id.clone()).collect();
        let again = |one: &Planned<'_>| called.contains(&one.contact.id) && self.may_be_reading(place, step, one);
        plan.retain(|one| one.channel == Channel::Call || !again(one));
        plan
    }

    /// Whether an earlier attempt of this step has sent the same to somebody who may be reading it yet.
    fn may_be_reading(&self, place: Place, step: &Step, planned: &Planned<'_>) -> bool {
        self.pages().any(|page| {
            let at = Place::of_notification(page);
            (at.round, at.step) == (place.round, place.step)
                && at.attempt < place.attempt
                && page.channel == planned.channel
                && page.contact == planned.contact.id
                && page.may_have_been_sent()
                && !page.has_failed()
                && later(page.created_at, step.wait) > self.now
        })
    }

    /// Whether nobody can be woken by the attempt at `place` any more: everything of it has failed. Of who was called and
    /// texted or mailed at once, the call counts: a text alone wakes nobody, but one that is on its way is waited for.
    fn has_failed(&self, place: Place) -> bool {
        let rang_in_vain = |contact: &ContactId| {
            self.pages_at(place).any(|page| {
                let refused = matches!(page.delivery, Delivery::Ended { outcome: Outcome::Refused, .. });
                page.channel == Channel::Call && page.contact == *contact && page.has_failed() && !refused
            })
        };
        self.pages_at(place).all(|page| {
            let beside = || {
                page.channel != Channel::Call
                    && !matches!(page.delivery, Delivery::Claimed { .. })
                    && rang_in_vain(&page.contact)
            };
            page.has_failed() || beside()
        })
    }

    /// Begins the attempt at `place` and says so; false: there is nobody to notify.
    fn start(&mut self, place: Place) -> bool {
        let Some(step) = self.step(place) else { return false };
        // An attempt belongs to its step: only a step that has not begun is left out.
        if place.attempt == 0 && !self.is_now(&step, place) {
            return false;
        }
        let attempts = step.attempts.max(1);
        let nobody = step.notify.contacts(&self.alert.group, self.roster, self.now).is_empty();
        let plan = self.plan(&step, place);
        if plan.is_empty() {
            let why = match step.by.as_slice() {
                _ if nobody => "it names nobody",
                [Channel::Email] => "nobody in it has a mail address or a number",
                _ => "nobody in it has a number",
            };
            self.say(EntryKind::Step, format!("step {} skipped: {why}", self.step_name(place)));
            return false;
        }
        if let Some(why) = self.uncovered(&step.notify).filter(|_| place.attempt == 0) {
            self.say(EntryKind::Step, why);
        }
        let (waiting, plan): (Vec<_>, Vec<_>) = plan.into_iter().partition(|planned| self.waits_for_limit(planned));
        if plan.is_empty() {
            let names: Vec<&str> = waiting.iter().map(|planned| planned.contact.name.as_str()).collect();
            let why = format!("a limit holds back what {} is to be told", names.join(" and "));
            self.say(EntryKind::Step, format!("step {} passed over: {why}", self.step_name(place)));
            return false;
        }
        for planned in plan {
            let name = &planned.contact.name;
            let doing = planned.channel.doing();
            if let Some(wanted) = planned.instead_of {
                self.say(EntryKind::Step, format!("{name} has no {}: {doing} instead", wanted.lacking()));
            }
            let steps = if self.is_reminder(place) { 1 } else { self.alert.policy.steps.len() };
            let mut parts = vec![format!("{doing} {name} ({})", planned.to)];
            if attempts > 1 {
                parts.push(format!("attempt {} of {attempts}", place.attempt.saturating_add(1)));
            }
            if steps > 1 {
                parts.push(format!("step {} of {steps}", place.step.saturating_add(1)));
            }
            let repetitions = self.repetitions(place.round);
            if self.is_reminder(place) {
                parts.push("to ask again".to_owned());
            } else if repetitions > 0 {
                parts.push(format!("round {}", repetitions.saturating_add(1)));
            }
            self.say(EntryKind::Step, parts.join(", "));
            let news = self.is_reminder(place).then_some(News::StillYours);
            self.notify(Purpose::Page, place, &planned.contact.id, (planned.channel, planned.to), news);
        }
        let Place { round, step, attempt } = place;
        self.alert.progress = Some(Progress { round, step, attempt, began_at: self.now });
        self.alert.next_at = self.deadline();
        true
    }

    /// Whether a step counts now; says so where it does not, or does for want of others.
    fn is_now(&mut self, step: &Step, place: Place) -> bool {
        let Some(hours) = step.only.as_ref().filter(|_| !step.holds(self.now)) else { return true };
        let name = self.step_name(place);
        if self.counts(step) {
            self.say(
                EntryKind::Step,
                format!("step {name} counts only {hours}, but no step that counts now has anybody"),
            );
            return true;
        }
        self.say(EntryKind::Step, format!("step {name} skipped: it counts only {hours}"));
        false
    }

    /// Whether a page like this one is held back by a limit: another would wait beside it.
    fn waits_for_limit(&self, planned: &Planned<'_>) -> bool {
        self.pages().any(|page| page.is_held() && page.contact == planned.contact.id && page.channel == planned.channel)
    }

    /// Why a step notifies many in place of one: nobody covers this hour.
    fn uncovered(&self, target: &Target) -> Option<String> {
        let group = &self.alert.group;
        match target {
            Target::OnCall if self.roster.on_call(group, self.now).is_none() => {
                Some(format!("nobody is on call in {group} at this hour: everybody in the group is notified"))
            }
            Target::Secondary if self.roster.secondary(group, self.now).is_none() => {
                Some(format!("nobody is second in {group} at this hour: everybody else in the group is notified"))
            }
            Target::OnCall
            | Target::Secondary
            | Target::Backup
            | Target::Group
            | Target::OtherGroup(_)
            | Target::Contact(_)
            | Target::Escalation(_) => None,
        }
    }

    /// The attempt at `place` is over: the next; at once, or when it has failed, after the step's `redial`.
    fn advance(&mut self, place: Place, failed: bool) {
        // What the next attempt sends anew: a text whose call has failed. What a limit holds back is still to be told.
        self.withdraw_pages("the next attempt follows", |page| {
            Place::of_notification(page) == place && !page.is_held()
        });
        let step = self.step(place);
        let (attempts, redial) = step.map_or((1, SignedDuration::ZERO), |step| (step.attempts, step.redial));
        let attempt = place.attempt.saturating_add(1);
        let began_at = later(self.now, redial.min(LONGEST_PAUSE));
        if attempt < attempts && failed && began_at > self.now {
            self.say(EntryKind::Step, format!("once more in {redial:#}"));
            self.alert.progress = Some(Progress { round: place.round, step: place.step, attempt, began_at });
            self.alert.next_at = Some(began_at);
        } else if attempt < attempts {
            self.begin(Place { attempt, ..place });
        } else if let Some(next) = self.step_after(place) {
            self.begin(next);
        } else {
            self.end_of_policy(place.round);
        }
    }

    /// Until when an attempt whose time is up is waited for: a call of it is live, or a page is being sent or has not
    /// been tried yet, as with `wait = "0s"`.
    fn held_until(&self, place: Place, began_at: Timestamp, deadline: Timestamp) -> Option<Timestamp> {
        let holds = self.pages_at(place).filter_map(|page| match (&page.delivery, page.channel) {
            (Delivery::Accepted { at, .. }, Channel::Call) => Some(later(*at, CALL_LIFETIME)),
            // A sender that lives renews its claim; that must not go on for ever.
            (Delivery::Claimed { until, .. }, Channel::Call | Channel::Text | Channel::Email) => {
                Some((*until).min(later(deadline, CALL_LIFETIME)))
            }
            (Delivery::Due { at, .. }, Channel::Call | Channel::Text | Channel::Email) if page.tries == 0 => {
                Some(later(began_at.max(*at), FIRST_TRY))
            }
            (Delivery::Accepted { .. }, Channel::Text | Channel::Email)
            | (
                Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Ended { .. },
                Channel::Call | Channel::Text | Channel::Email,
            ) => None,
        });
        holds.max()
    }

    /// Whether a page of an attempt that has had its time once was not even tried: nobody was there to send it.
    fn was_never_tried(&self, place: Place, began_at: Timestamp) -> bool {
        self.pages_at(place)
            .any(|page| page.tries == 0 && page.created_at == began_at && matches!(page.delivery, Delivery::Due { .. }))
    }

    /// Gives an attempt that was never tried its time once more. Once: `began_at` then differs from the time at
    /// which its pages were made.
    fn wait_again(&mut self, progress: Progress) {
        self.say(EntryKind::Trouble, "nobody has sent it (was thialfi not running?): the wait begins again".to_owned());
        self.alert.progress = Some(Progress { began_at: self.now, ..progress });
        self.alert.next_at = self.deadline();
    }

    /// Ends what an attempt could not send in its time.
    fn give_up(&mut self, place: Place) {
        // What a limit holds back is still to be told.
        let unsent: Vec<_> = self.pages_at(place).filter(|page| page.is_unsent() && !page.is_held()).cloned().collect();
        for page in unsent {
            let detail = match (page.may_have_been_sent(), page.tries) {
                (true, _) => "may have been sent; the attempt's time was up",
                (false, 0) => "nobody sent it in the attempt's time",
                (false, _) => "the provider did not take it in the attempt's time",
            };
            self.end_notification(page.id, Outcome::GaveUp, detail.to_owned());
            let text = format!("gave up {}: {detail}", self.the_notification(&page));
            self.say(EntryKind::Trouble, text);
        }
    }

    /// All steps of `round` have been played, and it was the last; the alert has expired, unless nobody can have
    /// heard of it for a reason that may pass: then rounds go on, with pauses, for a day.
    ///
    /// Nor is it over while a limit holds something back, or what was held back is under way; and a round that a limit
    /// has cut short is played again. A throttle must not be what lets everybody sleep.
    fn end_of_policy(&mut self, round: u32) {
        if let Some(until) = self.held_back_until() {
            // Not sooner than in a moment: who sends it may be late.
            self.alert.next_at = Some(until.max(later(self.now, LOOK_AGAIN)));
            return;
        }
        let cut_short = self.pages().any(|page| page.round == round && page.held_since.is_some());
        let (first, since) =
            self.alert.resumed.map_or((0, self.alert.opened_at), |resumed| (resumed.round, resumed.at));
        let pages: Vec<&Notification> = self.pages().filter(|page| page.round >= first).collect();
        let nobody = pages.is_empty();
        // What is still to be sent, is in doubt, or was withdrawn for the next attempt has told nobody for sure.
        let untaken = |page: &&Notification| match &page.delivery {
            Delivery::Due { .. } | Delivery::Claimed { .. } => true,
            Delivery::Ended { outcome, .. } => matches!(outcome, Outcome::GaveUp | Outcome::Withdrawn),
            Delivery::Held { .. } | Delivery::Accepted { .. } => false,
        };
        let outage = nobody || !pages.iter().any(|page| page.was_accepted()) && pages.iter().any(untaken);
        let over = self.repetitions(round).saturating_sub(self.alert.policy.repeat);
        let may_go_on = self.now < later(since, OUTAGE) && over < OUTAGE_ROUNDS;
        if outage && may_go_on {
            let why = if nobody { "the policy names nobody with a number" } else { "no provider has taken anything" };
            self.pause(round, over, why);
        } else if cut_short && may_go_on {
            self.pause(round, over, "limits have held back some of this round");
        } else {
            self.expire(outage);
        }
    }

    /// When a page that a limit has held back is to be looked at again: it waits, it is being sent, or somebody may yet
    /// answer it. `None`: no such page.
    fn held_back_until(&self) -> Option<Timestamp> {
        let late = self.pages().filter(|page| page.held_since.is_some());
        let untils = late.filter_map(|page| {
            let wait = self.wait(Place::of_notification(page));
            let until = match (&page.delivery, page.channel) {
                (Delivery::Held { until, .. }, _) => return Some(*until),
                (Delivery::Due { at, .. }, _) => later(*at, FIRST_TRY),
                (Delivery::Claimed { since, .. }, _) => later(*since, CALL_LIFETIME),
                (Delivery::Accepted { at, .. }, Channel::Call) => later(*at, CALL_LIFETIME),
                (Delivery::Accepted { at, .. }, Channel::Text | Channel::Email) => later(*at, wait),
                (Delivery::Ended { at, .. }, _) if !page.has_failed() => later(*at, wait),
                (Delivery::Ended { .. }, _) => return None,
            };
            Some(until).filter(|until| *until > self.now)
        });
        untils.min()
    }

    /// Plays another round after a pause of 1, 2, 4 … 30 minutes.
    fn pause(&mut self, round: u32, over: u32, why: &str) {
        let pause = pause_after(over);
        self.say(
            EntryKind::Trouble,
            format!("{why}: all steps again in {pause:#}, and so on for 24 hours after the alert was opened"),
        );
        let began_at = later(self.now, pause);
        self.alert.progress = Some(Progress { round: round.saturating_add(1), step: 0, attempt: 0, began_at });
        self.alert.next_at = Some(began_at);
    }

    fn expire(&mut self, outage: bool) {
        self.withdraw_pages("the policy has ended", |_| true);
        self.alert.state = State::Expired;
        self.alert.ended_at = Some(self.now);
        self.alert.progress = None;
        self.alert.next_at = None;
        let policy = &self.alert.policy.name;
        let text = if outage {
            format!("expired: policy {policy} could notify nobody for 24 hours")
        } else {
            format!("expired: policy {policy} was played to its end and nobody acknowledged")
        };
        self.say(EntryKind::Expired, text);
        self.tell_of_the_end();
    }
}

/// How long to wait before one more round than the policy has, after so many of these.
pub fn pause_after(over: u32) -> SignedDuration {
    SignedDuration::from_mins(1_i64 << over.min(5)).min(LONGEST_PAUSE)
}
