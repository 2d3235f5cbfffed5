//! The life of a call: dialled, rung, answered, spoken to, pressed at, over.

use super::behaviour::Behaviour;
use super::network::{CallRecord, Network, What};
use super::twiml::{self, Gather, Verb};
use super::webhook::{ApplicationError, Callbacks, Parameters, parameters, resolved};

/// A document that goes round in circles is left after so many verbs.
const VERB_LIMIT: usize = 100;

/// Why a call does not go on.
enum Over {
    /// The document said so, or was at its end.
    Hangup,
    /// The API was asked to, or the sandbox stops.
    Asked,
    /// Twilio cannot go on: "an application error has occurred".
    Error(ApplicationError),
}

impl From<ApplicationError> for Over {
    fn from(error: ApplicationError) -> Self {
        Self::Error(error)
    }
}

/// Lives the call `sid` with a phone that does `behaviour`.
pub(super) fn live(network: &Network, sid: &str, behaviour: &Behaviour) {
    let Some(record) = network.change(|state| state.call(sid).cloned()) else { return };
    let wanted: Vec<&str> =
        record.parameters.iter().filter(|(n, _)| n == "StatusCallbackEvent").map(|(_, v)| &**v).collect();
    let mut life = Life {
        network,
        sid,
        wanted: if wanted.is_empty() { vec!["completed"] } else { wanted },
        callbacks: Callbacks::new(network, record.parameter("StatusCallback"), &record.to, sid),
        sequence: 0,
        keys: match behaviour {
            Behaviour::Press(keys) => keys.clone(),
            _ => Vec::new(),
        }
        .into_iter(),
        stays: *behaviour == Behaviour::Stay,
        verbs_left: VERB_LIMIT,
        record: &record,
    };
    let status = life.dial(behaviour);
    if !network.is_stopping() {
        life.end(status);
    }
}

struct Life<'a> {
    network: &'a Network,
    sid: &'a str,
    /// As it was when it was placed.
    record: &'a CallRecord,
    /// The events that the application wants to be told of.
    wanted: Vec<&'a str>,
    callbacks: Callbacks<'a>,
    sequence: u32,
    keys: std::vec::IntoIter<String>,
    stays: bool,
    verbs_left: usize,
}

impl Life<'_> {
    /// Returns the final status.
    fn dial(&mut self, behaviour: &Behaviour) -> &'static str {
        if !self.pause() {
            return "canceled";
        }
        self.report("initiated", "initiated", &[]);
        if *behaviour == Behaviour::Failed {
            return "failed";
        }
        if *behaviour == Behaviour::Busy {
            self.tell(What::Rings, "busy tone");
            return "busy";
        }
        if !self.pause() {
            return "canceled";
        }
        self.network.change(|state| state.call(self.sid).map(|call| call.status = "ringing"));
        self.tell(What::Rings, &format!("{} is calling", self.record.from));
        self.report("ringing", "ringing", &[]);
        let rings_on = match behaviour {
            Behaviour::Ring => self.network.pause_call(self.sid, None),
            _ => self.pause() && self.pause(),
        };
        if !rings_on {
            return "canceled";
        }
        if *behaviour == Behaviour::NoAnswer {
            return "no-answer";
        }
        self.answer(behaviour)
    }

    fn answer(&mut self, behaviour: &Behaviour) -> &'static str {
        let is_machine = *behaviour == Behaviour::Mailbox;
        let detected = self.record.parameter("MachineDetection").is_some_and(|value| value != "None");
        let answered_by = detected.then_some(if is_machine { "machine_start" } else { "human" });
        let now = self.network.now();
        // A request to cancel that comes from here on finds the call in progress: asked and answered under one lock.
        let answered = self.network.change(|state| {
            let call = state.call(self.sid).filter(|call| call.asked_to_end.is_none())?;
            (call.status, call.answered_by, call.answered_at) = ("in-progress", answered_by, Some(now));
            Some(())
        });
        if answered.is_none() {
            return "canceled";
        }
        self.tell(What::Answered, if is_machine { "a voice mailbox" } else { "somebody" });
        self.report("answered", "in-progress", &[]);

        let over = if *behaviour == Behaviour::HangUp {
            // Twilio asks for the document all the same, but nobody hears it.
            self.first_document().map_or_else(Over::Error, |_| Over::Hangup)
        } else {
            self.documents().err().unwrap_or(Over::Hangup)
        };
        match over {
            Over::Error(error) => {
                self.tell(What::ApplicationError, &error.to_string());
                self.hear("We are sorry, an application error has occurred. Goodbye.");
            }
            Over::Hangup if self.stays => drop(self.network.pause_call(self.sid, None)),
            Over::Hangup | Over::Asked => {}
        }
        "completed"
    }

    fn end(&mut self, status: &'static str) {
        let now = self.network.now();
        let seconds = self.network.change(|state| {
            let call = state.call(self.sid)?;
            (call.status, call.ended_at) = (status, Some(now));
            Some(now.duration_since(call.answered_at?).as_secs().max(0))
        });
        self.tell(What::Ended, status);
        let sip = match status {
            "busy" => "486",
            "no-answer" | "canceled" => "487",
            "failed" => "404",
            _ => "200",
        };
        let seconds = seconds.unwrap_or(0).to_string();
        self.report("completed", status, &[("CallDuration", &seconds), ("SipResponseCode", sip)]);
    }

    fn first_document(&self) -> Result<(Vec<Verb>, Option<String>), ApplicationError> {
        match (self.record.parameter("Url"), self.record.parameter("Twiml")) {
            (Some(url), _) => {
                let by_get = self.record.parameter("Method").is_some_and(|method| method.eq_ignore_ascii_case("get"));
                Ok((self.fetch(url, by_get, &[])?, Some(url.to_owned())))
            }
            (None, Some(document)) => Ok((twiml::parse(document)?, None)),
            (None, None) => Err(ApplicationError::new(21205, "no Url")),
        }
    }

    fn documents(&mut self) -> Result<(), Over> {
        let (mut document, mut url) = self.first_document()?;
        loop {
            let Some((next_url, next)) = self.run(&document, url.as_deref())? else { return Ok(()) };
            (document, url) = (next, Some(next_url));
        }
    }

    /// Executes a document. Returns the one that the call goes on with, and its URL.
    fn run(&mut self, document: &[Verb], url: Option<&str>) -> Result<Option<(String, Vec<Verb>)>, Over> {
        for verb in document {
            self.count()?;
            match verb {
                Verb::Gather(gather) => {
                    self.speak(&gather.prompt)?;
                    if let Some((keys, finished_on)) = self.press(gather)? {
                        let action = resolved(url, gather.action.as_deref().unwrap_or_default())?;
                        let digits = [("Digits", keys.as_str()), ("FinishedOnKey", finished_on), ("msg", "Gather End")];
                        let next = self.fetch(&action, gather.by_get, &digits)?;
                        return Ok(Some((action, next)));
                    }
                }
                Verb::Redirect { url: reference, by_get } => {
                    let target = resolved(url, reference)?;
                    let next = self.fetch(&target, *by_get, &[])?;
                    return Ok(Some((target, next)));
                }
                Verb::Hangup => return Err(Over::Hangup),
                Verb::Say { .. } | Verb::Play { .. } | Verb::Pause | Verb::Invalid(_) => {
                    self.speak(std::slice::from_ref(verb))?;
                }
            }
        }
        Ok(None)
    }

    fn speak(&mut self, verbs: &[Verb]) -> Result<(), Over> {
        for verb in verbs {
            match verb {
                Verb::Say { text, times } => {
                    let times = if *times == 0 { usize::MAX } else { usize::try_from(*times).unwrap_or(usize::MAX) };
                    for _ in 0..times {
                        self.count()?;
                        self.hear(text);
                        self.wait()?;
                    }
                }
                Verb::Play { url } => {
                    self.hear(&format!("♪ {url}"));
                    self.wait()?;
                }
                Verb::Pause => self.wait()?,
                Verb::Invalid(reason) => self.tell(What::ApplicationError, reason),
                // Not in a prompt: `twiml::parse` sees to it.
                Verb::Gather(_) | Verb::Redirect { .. } | Verb::Hangup => {}
            }
        }
        Ok(())
    }

    /// What is sent to the gather's action, and the key that ended it; `None`: nothing was pressed.
    fn press(&mut self, gather: &Gather) -> Result<Option<(String, &'static str)>, Over> {
        self.wait()?;
        if self.stays {
            self.network.pause_call(self.sid, None);
            return Err(Over::Asked);
        }
        let keys = self.keys.next().unwrap_or_default();
        let taken = gather.taken(&keys);
        if !keys.is_empty() {
            self.network.change(|state| state.call(self.sid).map(|call| call.pressed.push(keys.clone())));
            self.tell(What::Pressed, &keys);
        }
        let finished_on = if keys.contains('#') && gather.finish_on == Some('#') { "#" } else { "" };
        Ok((!taken.is_empty() || gather.on_empty).then_some((taken, finished_on)))
    }

    fn fetch(&self, url: &str, by_get: bool, more: &[(&str, &str)]) -> Result<Vec<Verb>, ApplicationError> {
        let document = self.network.ask(url, by_get, &self.parameters("in-progress", more))?;
        let kind = document.media_type.as_str();
        if !kind.ends_with("/xml") && !kind.ends_with("+xml") && kind != "text/html" {
            return Err(ApplicationError::new(12300, format!("the document's type is `{kind}`, not text/xml")));
        }
        twiml::parse(&document.text)
    }

    /// Tells the application, when it wants to know of `event`.
    fn report(&mut self, event: &str, status: &str, more: &[(&str, &str)]) {
        let mut parameters = self.parameters(status, more);
        parameters.push(("SequenceNumber".into(), self.sequence.to_string()));
        parameters.push(("Timestamp".into(), super::rest::rfc2822(self.network.now())));
        parameters.push(("CallbackSource".into(), "call-progress-events".into()));
        if self.wanted.contains(&event) {
            self.sequence += 1;
            self.callbacks.send(parameters, event == "completed");
        }
    }

    fn parameters(&self, status: &str, more: &[(&str, &str)]) -> Parameters {
        let record = self.record;
        let mut all = parameters([
            ("CallSid", self.sid),
            ("AccountSid", &self.network.options.account_sid),
            ("From", &record.from),
            ("To", &record.to),
            ("Caller", &record.from),
            ("Called", &record.to),
            ("CallStatus", status),
            ("Direction", "outbound-api"),
            ("ApiVersion", "2010-04-01"),
        ]);
        let answered_by = self.network.state().call(self.sid).and_then(|call| call.answered_by);
        all.extend(answered_by.map(|word| ("AnsweredBy".to_owned(), word.to_owned())));
        all.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        all
    }

    fn hear(&self, text: &str) {
        self.network.change(|state| state.call(self.sid).map(|call| call.heard.push(text.to_owned())));
        self.tell(What::Heard, text);
    }

    fn tell(&self, what: What, text: &str) {
        self.network.tell(&self.record.to, self.sid, what, text);
    }

    fn pause(&self) -> bool {
        self.network.pause_call(self.sid, Some(self.network.options.pace))
    }

    fn wait(&self) -> Result<(), Over> {
        if self.pause() { Ok(()) } else { Err(Over::Asked) }
    }

    fn count(&mut self) -> Result<(), Over> {
        match self.verbs_left.checked_sub(1) {
            Some(left) => {
                self.verbs_left = left;
                Ok(())
            }
            None => Err(ApplicationError::new(11215, format!("more than {VERB_LIMIT} verbs in one call")).into()),
        }
    }
}
