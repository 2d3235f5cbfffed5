//! Twilio's REST API: calls, texts, status, lists. `docs/architecture.md` says why this client is ours.
//!
//! What it owns is the difference between *certainly not sent*, *refused for good* and *perhaps sent*
//! ([`Refusal`]): a page that is sent again although it rang is as bad as one that is not sent again although it
//! did not.

mod answer;
mod refusal;
mod wire;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use self::answer::{CallResource, List, MessageResource};
use self::refusal::Attempt;
use self::wire::{Answer, Wire};
use super::exchange::{Exchange, Way};
use super::{Call, Calls, Found, HangsUp, Inbound, Provider, Records, Refusal, Reports, Script, Status, Text, Texts};
use crate::alert::{CallStatus, Channel};
use crate::clock::Clock;
use crate::oncall::Phone;

/// So many seconds a phone rings before the call counts as not answered (Twilio's default is 60, most mailboxes
/// answer after 20 to 30).
const RING_SECONDS: u32 = 30;

/// No call lasts longer, in seconds: a mailbox or a phone left off the hook must not listen for hours.
const CALL_SECONDS: u32 = 240;

/// A text that could not be handed to the carrier within so many seconds is not sent any more: by then others have
/// been notified, and a page that arrives in the morning misleads.
const TEXT_SECONDS: u32 = 3600;

/// Twilio refuses longer texts (21617). Cutting one is better than not sending it.
const TEXT_LIMIT: usize = 1600;

/// Records asked for on one page of a list, and how many pages are read at most.
const PAGE_SIZE: &str = "50";
const PAGES: usize = 10;

/// Records that seem to be older than they must be by no more than this are taken all the same: Twilio's times have no
/// fraction, its answer takes a moment, and our clock may be a little ahead. No longer than that: what was made for another
/// alert a few seconds before is not to be taken for this one, which would then ring nowhere.
const SKEW_TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// Above this the answer's date is not believed.
const SKEW_LIMIT: SignedDuration = SignedDuration::from_hours(1);

/// What the client needs to know of the account (the rule file's `[twilio]`).
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name in the rule file: `twilio`, or that of a `[providers.NAME]`.
    pub name: String,
    /// `AC…`.
    pub account_sid: String,
    /// User and password of Basic authentication: the account SID and token, or the API key and secret.
    pub user: String,
    /// See `user`.
    pub password: secrecy::SecretString,
    /// The number that calls and texts come from.
    pub from: Option<Phone>,
    /// `MG…`, for texts.
    pub messaging_service: Option<String>,
    /// Without a slash at the end.
    pub api_url: String,
    /// Whether calls may ask for machine detection.
    pub machine_detection: bool,
}

/// A client for one account.
pub struct Twilio {
    name: String,
    wire: Wire,
    from: Option<Phone>,
    messaging_service: Option<String>,
    machine_detection: bool,
    clock: Arc<dyn Clock>,
}

impl Twilio {
    /// A client for the account that the rule file names. Opens no connection and reads no certificates: that waits
    /// for the first request.
    pub fn new(account: &Account, clock: Arc<dyn Clock>) -> Self {
        Self::over(account, clock, Box::new(Exchange::with(&account.api_url)))
    }

    /// The same by another way than the network.
    pub fn over(account: &Account, clock: Arc<dyn Clock>, way: Box<dyn Way>) -> Self {
        Self {
            name: account.name.clone(),
            wire: Wire::over(account, way),
            from: account.from.clone(),
            messaging_service: account.messaging_service.clone(),
            machine_detection: account.machine_detection,
            clock,
        }
    }

    /// Asks for something to be made. What comes of a time-out or a 5xx answer is [`Refusal::Ambiguous`]: Twilio has
    /// no idempotency key.
    fn create(&self, path: &str, form: &[(&str, &str)]) -> Result<String, Refusal> {
        let attempt = Attempt::Create { since: self.clock.now() };
        let answer = self.wire.post(path, form).map_err(|failure| attempt.failure(failure))?;
        let answer = attempt.accepted(answer)?;
        let created: answer::Created = answer.json().map_err(|reason| attempt.unreadable(&reason))?;
        Ok(created.sid)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        self.ask(path, &[])?.json().map_err(|reason| Attempt::Read.unreadable(&reason))
    }

    fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Refusal> {
        let answer = self.wire.get(path, query).map_err(|failure| Attempt::Read.failure(failure))?;
        Attempt::Read.accepted(answer)
    }

    /// The records of a list (Twilio puts the newest first) that were made at or after `since`.
    ///
    /// Twilio's own time filters are not used for calls, because a call that still waits in its queue has no start
    /// time. `since` is by our clock and the records are by Twilio's: when the `Date` of its answer shows that our
    /// clock is ahead, records are accepted from as much earlier. A page rings twice when it is overlooked.
    fn list<T: List>(&self, query: &[(&str, &str)], since: Timestamp) -> Result<Vec<T::Record>, Refusal> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..PAGES {
            let asked_at = self.clock.now();
            let answer = match &next {
                None => self.ask(T::PATH, query)?,
                Some(uri) => {
                    let answer = self.wire.get_uri(uri).map_err(|failure| Attempt::Read.failure(failure))?;
                    Attempt::Read.accepted(answer)?
                }
            };
            let ahead = answer.date().map_or(SignedDuration::ZERO, |date| asked_at.duration_since(date));
            // The date has no fraction either: up to a second of the difference is none.
            let ahead = if ahead < SKEW_LIMIT { ahead - SignedDuration::from_secs(1) } else { SignedDuration::ZERO };
            let ahead = SKEW_TOLERANCE + ahead.max(SignedDuration::ZERO);
            let earliest = whole_second(since.checked_sub(ahead).unwrap_or(Timestamp::MIN));

            let page: T = answer.json().map_err(|reason| Attempt::Read.unreadable(&reason))?;
            let (records, following) = page.into_parts();
            let mut all_recent = !records.is_empty();
            for record in records {
                // A record without a readable date is kept: overlooking a call is worse than finding one too many.
                if T::created_at(&record).is_none_or(|at| at >= earliest) {
                    found.push(record);
                } else {
                    all_recent = false;
                }
            }
            // Twilio gives the path alone; anything else is not followed, for our password would travel with it.
            next = following.filter(|uri| uri.starts_with('/') && !uri.starts_with("//"));
            if !all_recent || next.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn end(&self, path: &str, how: &str) -> Result<CallStatus, Refusal> {
        let answer = self.wire.post(path, &[("Status", how)]).map_err(|failure| Attempt::Read.failure(failure))?;
        let answer = Attempt::Read.accepted(answer)?;
        let call: CallResource = answer.json().map_err(|reason| Attempt::Read.unreadable(&reason))?;
        Ok(call.status())
    }
}

impl Provider for Twilio {
    fn name(&self) -> &str {
        &self.name
    }

    /// Without a number of ours there is nothing to call from.
    fn calls(&self) -> Option<&dyn Calls> {
        self.from.as_ref().map(|_| self as &dyn Calls)
    }

    fn texts(&self) -> Option<&dyn Texts> {
        Some(self)
    }

    fn reports(&self) -> Option<&dyn Reports> {
        Some(self)
    }

    fn records(&self) -> Option<&dyn Records> {
        Some(self)
    }

    fn hangs_up(&self) -> Option<&dyn HangsUp> {
        Some(self)
    }

    fn calls_back(&self) -> bool {
        true
    }
}

impl Calls for Twilio {
    fn call(&self, call: &Call) -> Result<String, Refusal> {
        let Some(from) = &self.from else {
            return Err(Refusal::Permanent { reason: "no `from` number to call from".into() });
        };
        let (ring, limit) = (RING_SECONDS.to_string(), CALL_SECONDS.to_string());
        let mut form =
            vec![("To", call.to.as_str()), ("From", from.as_str()), ("Timeout", &ring), ("TimeLimit", &limit)];
        match &call.script {
            Script::Url(url) => form.extend([("Url", url.as_str()), ("Method", "POST")]),
            Script::Inline(twiml) => form.push(("Twiml", twiml)),
        }
        if let Some(url) = &call.status_url {
            form.extend([("StatusCallback", url.as_str()), ("StatusCallbackMethod", "POST")]);
            // Repeated, not joined with commas: Twilio answers 21626 to those.
            form.extend(["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event)));
        }
        if call.machine_detection && self.machine_detection {
            form.push(("MachineDetection", "Enable"));
        }
        self.create("/Calls.json", &form)
    }
}

impl Texts for Twilio {
    fn text(&self, text: &Text) -> Result<String, Refusal> {
        let sender = match (&self.messaging_service, &self.from) {
            (Some(service), _) => ("MessagingServiceSid", service.as_str()),
            (None, Some(from)) => ("From", from.as_str()),
            (None, None) => {
                return Err(Refusal::Permanent { reason: "no `from` number and no `messaging_service`".into() });
            }
        };
        let body: String = text.body.chars().take(TEXT_LIMIT).collect();
        let validity = TEXT_SECONDS.to_string();
        let mut form = vec![("To", text.to.as_str()), sender, ("Body", &body), ("ValidityPeriod", &validity)];
        if let Some(url) = &text.status_url {
            form.push(("StatusCallback", url));
        }
        self.create("/Messages.json", &form)
    }
}

impl Reports for Twilio {
    fn status(&self, channel: Channel, id: &str) -> Result<Status, Refusal> {
        match channel {
            Channel::Call => {
                let call: CallResource = self.read(&format!("/Calls/{}.json", plain(id)))?;
                Ok(Status::Call { status: call.status(), human: call.human() })
            }
            Channel::Text => {
                let message: MessageResource = self.read(&format!("/Messages/{}.json", plain(id)))?;
                Ok(Status::Text { status: message.status(), detail: message.detail() })
            }
            Channel::Email => Err(Refusal::Permanent { reason: format!("{} carries no mails", self.name) }),
        }
    }
}

impl Records for Twilio {
    fn find(&self, channel: Channel, to: &Phone, since: Timestamp) -> Result<Vec<Found>, Refusal> {
        let query = [("To", to.as_str()), ("PageSize", PAGE_SIZE)];
        let mut found: Vec<Found> = match channel {
            Channel::Call => {
                let calls = self.list::<answer::CallList>(&query, since)?;
                calls.into_iter().map(|call| call.into_found(since)).collect()
            }
            Channel::Text => {
                let messages = self.list::<answer::MessageList>(&query, since)?;
                messages.into_iter().filter(|m| !m.is_inbound()).map(|message| message.into_found(since)).collect()
            }
            Channel::Email => Vec::new(),
        };
        found.sort_by_key(|found| std::cmp::Reverse(found.created_at));
        Ok(found)
    }

    fn inbound(&self, since: Timestamp) -> Result<Vec<Inbound>, Refusal> {
        // One day early, because Twilio's filter works by days and our clock may be ahead of Twilio's.
        let day = whole_second(since).checked_sub(SignedDuration::from_hours(24)).unwrap_or(since);
        let day = day.to_zoned(TimeZone::UTC).date().to_string();
        let mut query = vec![("DateSent>", day.as_str()), ("PageSize", PAGE_SIZE)];
        // The numbers of a messaging service are not known here: then every text that came in is looked at.
        if let (None, Some(from)) = (&self.messaging_service, &self.from) {
            query.push(("To", from.as_str()));
        }
        let messages = self.list::<answer::MessageList>(&query, since)?;
        let mut inbound: Vec<Inbound> =
            messages.into_iter().filter(MessageResource::is_inbound).map(|m| m.into_inbound(since)).collect();
        inbound.sort_by_key(|text| text.at);
        Ok(inbound)
    }
}

impl HangsUp for Twilio {
    fn hang_up(&self, id: &str) -> Result<(), Refusal> {
        let path = format!("/Calls/{}.json", plain(id));
        // `canceled` leaves a call alone that has just been answered, `completed` ends that as well; asked for first
        // so that a call nobody took is not told of as completed.
        match self.end(&path, "canceled") {
            Ok(status) if is_over(status) => Ok(()),
            Ok(_) | Err(Refusal::Permanent { .. }) => match self.end(&path, "completed") {
                Ok(_) => Ok(()),
                // Refused because it is over already? Then that is what was wanted.
                Err(refusal) => match self.status(Channel::Call, id) {
                    Ok(Status::Call { status, .. }) if is_over(status) => Ok(()),
                    _ => Err(refusal),
                },
            },
            Err(unreached) => Err(unreached),
        }
    }
}

fn is_over(status: CallStatus) -> bool {
    match status {
        CallStatus::Queued | CallStatus::Initiated | CallStatus::Ringing | CallStatus::InProgress => false,
        CallStatus::Completed | CallStatus::Busy | CallStatus::Failed | CallStatus::NoAnswer | CallStatus::Canceled => {
            true
        }
    }
}

/// Twilio's times have no fraction.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// A SID is letters and digits. Nothing else may get into a path.
fn plain(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

#[cfg(test)]
mod tests;
