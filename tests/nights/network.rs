//! Twilio from the other side: what the REST API says, and the lives of calls and texts. It has a clock of its own, which
//! nobody sets, and fails as the night wants it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use thialfi::alert::{Channel, Notification};
use thialfi::provider::exchange::{Answer, Failure};

use crate::setting::{FROM, Fault, SECOND, SID};
use crate::world::{Happening, State};

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    pub sid: String,
    pub to: String,
    pub url: Option<String>,
    pub status_url: Option<String>,
    pub detected: bool,
    pub created: i64,
    pub status: &'static str,
    pub answered_by: Option<&'static str>,
    pub sequence: u64,
    /// What it is about, as far as the sender knew.
    pub job: Option<Notification>,
    /// Keys that were pressed in it.
    pub pressed: bool,
}

impl Call {
    pub fn is_over(&self) -> bool {
        !matches!(self.status, "queued" | "ringing" | "in-progress")
    }
}

/// A text, in either direction.
#[derive(Debug, Clone)]
pub struct Text {
    pub sid: String,
    pub to: String,
    pub from: String,
    pub body: String,
    pub inbound: bool,
    pub status_url: Option<String>,
    pub created: i64,
    pub status: &'static str,
    pub job: Option<Notification>,
}

/// Everything that was made.
#[derive(Debug, Default)]
pub struct Network {
    pub calls: Vec<Call>,
    pub texts: Vec<Text>,
}

/// What happens in a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    Ring,
    Answer,
    Press(String, char, u32),
    End(&'static str),
}

/// A request as it reaches the API.
pub struct Asked {
    pub post: bool,
    /// Below the account.
    pub path: String,
    pub form: BTreeMap<String, String>,
}

impl State {
    /// Answers a request at `now`, by the provider's clock. Returns how long the answer takes, too.
    pub fn answer(&mut self, now: i64, asked: &Asked) -> (Result<Answer, Failure>, i64) {
        let makes = asked.post && matches!(asked.path.as_str(), "/Calls.json" | "/Messages.json");
        let quick = self.dice.between(30, 400);
        let fault = self.fault(now);
        if let Some(fault) = fault {
            self.counts.add(&format!("provider: {}", words(fault)));
            self.last_trouble = now;
        }
        let closed = || Err(Failure::MaybeSent("connection closed".to_owned()));
        let hung = || Err(Failure::MaybeSent("timed out".to_owned()));
        let slow = self.dice.between(15, 20) * SECOND;
        if !makes {
            return match fault {
                None | Some(Fault::Unreadable) => (Ok(self.read(now, asked)), quick),
                Some(Fault::Refused) => (Err(Failure::NotSent("connection refused".to_owned())), quick),
                Some(Fault::TooMany) => (Ok(error(429, 20429)), quick),
                Some(Fault::Error | Fault::ErrorMade) => (Ok(error(500, 20500)), quick),
                Some(Fault::DroppedBefore | Fault::DroppedAfter) => (closed(), quick),
                Some(Fault::Hangs | Fault::HangsMade) => (hung(), slow),
                Some(Fault::Credentials) => (Ok(error(401, 20003)), quick),
            };
        }
        let to = asked.form.get("To").cloned().unwrap_or_default();
        match fault {
            Some(Fault::Refused) => (Err(Failure::NotSent("connection refused".to_owned())), quick),
            Some(Fault::TooMany) => {
                let retry_after = self.dice.chance(500).then(|| self.dice.between(1, 90).to_string());
                (Ok(Answer { retry_after, ..error(429, 20429) }), quick)
            }
            Some(Fault::Error) => (Ok(error(500, 20500)), quick),
            Some(Fault::DroppedBefore) => (closed(), quick),
            Some(Fault::Hangs) => (hung(), slow),
            Some(Fault::Credentials) => (Ok(error(401, 20003)), quick),
            _ if self.refuses(&to) => {
                self.counts.add("provider: number refused");
                (Ok(error(400, 21211)), quick)
            }
            Some(Fault::ErrorMade) => {
                self.make(now, asked);
                (Ok(error(500, 20500)), quick)
            }
            Some(Fault::DroppedAfter) => {
                self.make(now, asked);
                (closed(), quick)
            }
            Some(Fault::HangsMade) => {
                self.make(now, asked);
                (hung(), slow)
            }
            Some(Fault::Unreadable) => {
                self.make(now, asked);
                (Ok(Answer::new(200, "<h1>Welcome</h1>")), quick)
            }
            None => {
                let made = self.make(now, asked);
                (Ok(Answer::new(201, &made.to_string())), quick)
            }
        }
    }

    /// Whether the provider refuses this number all night.
    pub fn refuses(&self, number: &str) -> bool {
        self.setting.refused.is_some_and(|index| crate::rules::owner(number) == Some(index))
    }

    fn fault(&mut self, now: i64) -> Option<Fault> {
        if now >= self.setting.quiet_at {
            return None;
        }
        let outage = self.setting.outages.iter().find(|(from, until, _)| (*from..*until).contains(&now));
        if let Some((_, _, fault)) = outage {
            return Some(*fault);
        }
        self.dice.chance(self.setting.flaky).then(|| *self.dice.pick(&crate::setting::FAULTS))
    }

    fn make(&mut self, now: i64, asked: &Asked) -> Value {
        let get = |name: &str| asked.form.get(name).cloned();
        let to = get("To").unwrap_or_default();
        let job = self.job.clone();
        self.made += 1;
        if asked.path == "/Calls.json" {
            let call = Call {
                sid: format!("CA{:032x}", self.made),
                to,
                url: get("Url"),
                status_url: get("StatusCallback"),
                detected: get("MachineDetection").is_some(),
                created: now,
                status: "queued",
                answered_by: None,
                sequence: 0,
                job,
                pressed: false,
            };
            self.counts.add("calls");
            let ring = now + self.dice.between(200, 4000);
            self.plan(ring, Happening::Call(self.network.calls.len(), Stage::Ring));
            self.network.calls.push(call);
            call_json(self.network.calls.last().unwrap())
        } else {
            let text = Text {
                sid: format!("SM{:032x}", self.made),
                to,
                from: FROM.to_owned(),
                body: get("Body").unwrap_or_default(),
                inbound: false,
                status_url: get("StatusCallback"),
                created: now,
                status: "queued",
                job,
            };
            self.counts.add("texts");
            let sent = now + self.dice.between(200, 4000);
            self.plan(sent, Happening::Text(self.network.texts.len(), "sent"));
            self.network.texts.push(text);
            text_json(self.network.texts.last().unwrap())
        }
    }

    /// What does not make anything: lists, records, and the end of a call.
    fn read(&mut self, now: i64, asked: &Asked) -> Answer {
        let path = asked.path.as_str();
        if let Some(sid) = path.strip_prefix("/Calls/").and_then(|rest| rest.strip_suffix(".json")) {
            let Some(index) = self.network.calls.iter().position(|call| call.sid == sid) else {
                return error(404, 20404);
            };
            if asked.post {
                return self.end_call(now, index, asked.form.get("Status").map_or("", String::as_str));
            }
            return ok(&call_json(&self.network.calls[index]));
        }
        if let Some(sid) = path.strip_prefix("/Messages/").and_then(|rest| rest.strip_suffix(".json")) {
            let found = self.network.texts.iter().find(|text| text.sid == sid);
            return found.map_or_else(|| error(404, 20404), |text| ok(&text_json(text)));
        }
        let to = asked.form.get("To");
        if path == "/Calls.json" {
            let calls = self.network.calls.iter().rev().filter(|call| to.is_none_or(|to| *to == call.to));
            return ok(&json!({ "calls": calls.map(call_json).collect::<Vec<_>>(), "next_page_uri": null }));
        }
        let texts = self.network.texts.iter().rev().filter(|text| to.is_none_or(|to| *to == text.to));
        ok(&json!({ "messages": texts.map(text_json).collect::<Vec<_>>(), "next_page_uri": null }))
    }

    fn end_call(&mut self, now: i64, index: usize, wanted: &str) -> Answer {
        let call = &self.network.calls[index];
        let how = match (call.status, wanted) {
            ("queued" | "ringing", _) => "canceled",
            ("in-progress", "completed") => "completed",
            ("in-progress", _) => return ok(&call_json(call)),
            _ => return error(400, 21220),
        };
        self.counts.add("calls hung up");
        self.network.calls[index].status = how;
        self.report(now, index);
        ok(&call_json(&self.network.calls[index]))
    }

    /// A status callback of a call, as the network is today: lost, twice, late.
    pub fn report(&mut self, now: i64, index: usize) {
        let call = &mut self.network.calls[index];
        call.sequence += 1;
        let Some(url) = call.status_url.clone() else { return };
        let mut parameters = vec![
            ("CallSid".to_owned(), call.sid.clone()),
            ("CallStatus".to_owned(), call.status.to_owned()),
            ("SequenceNumber".to_owned(), (call.sequence - 1).to_string()),
        ];
        parameters.extend(call.answered_by.map(|who| ("AnsweredBy".to_owned(), who.to_owned())));
        self.call_back(now, &url, &parameters);
    }

    /// Likewise of a text.
    pub fn report_text(&mut self, now: i64, index: usize) {
        let text = &self.network.texts[index];
        let Some(url) = text.status_url.clone() else { return };
        let mut parameters =
            vec![("MessageSid".to_owned(), text.sid.clone()), ("MessageStatus".to_owned(), text.status.to_owned())];
        if text.status == "undelivered" {
            parameters.push(("ErrorCode".to_owned(), "30003".to_owned()));
        }
        self.call_back(now, &url, &parameters);
    }

    fn call_back(&mut self, now: i64, url: &str, parameters: &[(String, String)]) {
        let trouble = now < self.setting.quiet_at;
        self.counts.add("callbacks");
        if trouble && self.dice.chance(self.setting.callbacks_lost) {
            self.counts.add("callback lost");
            self.last_trouble = now;
            return;
        }
        let mut copies = 1;
        if trouble && self.dice.chance(self.setting.callbacks_twice) {
            self.counts.add("callback twice");
            copies = 2;
        }
        for _ in 0..copies {
            let mut delay = self.dice.between(20, 300);
            if trouble && self.dice.chance(self.setting.callbacks_late) {
                self.counts.add("callback late, out of order");
                delay += self.dice.between(SECOND, 90 * SECOND);
                self.last_trouble = now + delay;
            }
            self.plan(now + delay, Happening::Callback(url.to_owned(), parameters.to_vec()));
        }
    }
}

/// The path below the account, and everything in query and body.
pub fn asked(request: &ureq::http::Request<Vec<u8>>) -> Asked {
    let path = request.uri().path();
    let below = path.strip_prefix(&format!("/2010-04-01/Accounts/{SID}")).unwrap_or(path).to_owned();
    let query = request.uri().query().unwrap_or_default();
    let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(request.body()));
    let mut form = BTreeMap::new();
    for (name, value) in pairs {
        form.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    Asked { post: request.method() == "POST", path: below, form }
}

/// Whether the request makes something, and by which channel.
pub fn makes(asked: &Asked) -> Option<Channel> {
    match asked.path.as_str() {
        "/Calls.json" if asked.post => Some(Channel::Call),
        "/Messages.json" if asked.post => Some(Channel::Text),
        _ => None,
    }
}

pub fn date(at: i64) -> String {
    Timestamp::from_millisecond(at).unwrap().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn call_json(call: &Call) -> Value {
    json!({
        "sid": call.sid, "to": call.to, "from": FROM, "status": call.status, "answered_by": call.answered_by,
        "date_created": date(call.created),
    })
}

fn text_json(text: &Text) -> Value {
    json!({
        "sid": text.sid, "to": text.to, "from": text.from, "body": text.body, "status": text.status,
        "direction": if text.inbound { "inbound" } else { "outbound-api" },
        "error_code": (text.status == "undelivered").then_some(30003), "date_created": date(text.created),
    })
}

fn ok(value: &Value) -> Answer {
    Answer::new(200, &value.to_string())
}

fn error(status: u16, code: u32) -> Answer {
    Answer::new(status, &json!({ "code": code, "message": "no", "status": status }).to_string())
}

fn words(fault: Fault) -> &'static str {
    match fault {
        Fault::Refused => "connection refused",
        Fault::TooMany => "429",
        Fault::Error => "500, not made",
        Fault::ErrorMade => "500, made all the same",
        Fault::DroppedBefore => "dropped before",
        Fault::DroppedAfter => "dropped after",
        Fault::Hangs => "hangs, not made",
        Fault::HangsMade => "hangs, made all the same",
        Fault::Unreadable => "unreadable answer",
        Fault::Credentials => "401",
    }
}
