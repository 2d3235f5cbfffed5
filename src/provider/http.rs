//! An SMS gateway over HTTP that the rule file describes: request by templates, answer by regex or JSON pointer.
//!
//! The status of the answer decides first. Success is 2xx, and what `success` finds in the answer where it is given.
//! 401, 402, 403 and 407 speak of our account: every text is in danger. 408, 425, 429 and a redirection were not
//! processed; nor was what a gateway refuses with another 4xx, but only 400 and 422 are believed to be about this number,
//! since a wrong URL and a proxy have 4xx of their own. 5xx may have been sent. A 2xx that is no success was not sent:
//! for good where `permanent` matches, else another provider may do better.
//!
//! What gateways differ in too much is left out: none is asked for incoming texts, or whether a text that got no answer
//! was sent.

mod answer;
mod gateway;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use minijinja::context;
use secrecy::{ExposeSecret as _, SecretString};
use ureq::http::Request;

pub use self::answer::{Finder, Polling};
pub use self::gateway::{Fault, Gateway, Login, Parts};
use super::exchange::{self, Answer, Exchange, Failure, Way as _, basic, one_line, retry_after, sensitive};
use super::{Provider, Refusal, Reports, Status, Text, Texts};
use crate::alert::Channel;
use crate::clock::Clock;

/// An answer is read no further: what is looked for stands at its beginning.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// No text is longer, in characters: ten segments of GSM-7.
const TEXT_LIMIT: usize = 1600;

/// An id is at most so long.
const ID_LIMIT: usize = 200;

/// A gateway over HTTP.
pub struct Http {
    name: String,
    gateway: Arc<Gateway>,
    exchange: Exchange,
    clock: Arc<dyn Clock>,
}

impl Http {
    /// The gateway of a `[providers.NAME]`.
    pub fn new(name: &str, gateway: Arc<Gateway>, clock: Arc<dyn Clock>) -> Self {
        let exchange = Exchange::within(&gateway.host, gateway.timeout);
        Self { name: name.to_owned(), gateway, exchange, clock }
    }

    /// Makes a request; `Err` when there is no such request to be made.
    fn request(
        &self,
        (method, url, body): (&ureq::http::Method, String, Vec<u8>),
        values: &minijinja::Value,
    ) -> Result<Request<Vec<u8>>, Failure> {
        let not_sent = |why: String| Failure::NotSent(why);
        let mut request = Request::builder().method(method).uri(url.as_str());
        for (index, name) in self.gateway.headers.iter().enumerate() {
            let value = self.gateway.render(&gateway::header(index), values).map_err(not_sent)?;
            request = request.header(name, sensitive(&value)?);
        }
        match &self.gateway.login {
            Some(Login::Basic { user, password }) => {
                request = request.header("Authorization", basic(user, password)?);
            }
            Some(Login::Mac { key, secret }) => {
                let now = self.clock.now().as_second();
                let nonce = gateway::nonce().map_err(not_sent)?;
                let mac = gateway::mac(key, secret, (now, &nonce), (method.as_str(), &url)).map_err(not_sent)?;
                request = request.header("Authorization", sensitive(&mac)?);
            }
            None => {}
        }
        request.body(body).map_err(|error| not_sent(format!("no request can be made: {error}")))
    }

    fn secrets(&self) -> BTreeMap<String, String> {
        let exposed = |(name, secret): (&String, &SecretString)| (name.clone(), secret.expose_secret().to_owned());
        self.gateway.secrets.iter().map(exposed).collect()
    }

    fn values(&self, text: &Text) -> minijinja::Value {
        let body: String = text.body.chars().take(TEXT_LIMIT).collect();
        context! {
            to => text.to.as_str(),
            to_digits => text.to.as_str().trim_start_matches('+'),
            text => body,
            from => &self.gateway.from,
            secrets => self.secrets(),
            id => "",
        }
    }

    fn send(&self, text: &Text, since: Timestamp) -> Result<String, Refusal> {
        let temporary =
            |reason: String| Refusal::Temporary { reason: self.without_secrets(&reason), retry_after: None };
        let ambiguous = |reason: String| Refusal::Ambiguous { reason: self.without_secrets(&reason), since };
        let values = self.values(text);
        let url = self.gateway.render("url", &values).map_err(temporary)?;
        let body = self.gateway.render("body", &values).map_err(temporary)?;
        let failure = |failure| match failure {
            Failure::NotSent(reason) => temporary(reason),
            Failure::MaybeSent(reason) => ambiguous(reason),
        };
        let request = self.request((&self.gateway.method, url, body.into_bytes()), &values).map_err(failure)?;
        let answer = self.exchange.send(request, ANSWER_LIMIT).map_err(failure)?;
        self.taken(&answer, since)
    }

    /// The id of what was taken, or what its refusal means.
    fn taken(&self, answer: &Answer, since: Timestamp) -> Result<String, Refusal> {
        let content = answer::Content::of(&answer.body);
        let said =
            self.gateway.reason.as_ref().and_then(|finder| content.find(finder)).unwrap_or_else(|| content.text());
        let reason = self.without_secrets(&format!("answered {}: {said}", answer.status));
        let matches = |pattern: &Option<regex::Regex>| pattern.as_ref().is_some_and(|p| p.is_match(&content.text()));
        match answer.status {
            200..=299 if self.gateway.success.as_ref().is_none_or(|finder| content.holds(finder)) => {
                let id = self.gateway.id.as_ref().and_then(|finder| content.find(finder)).unwrap_or_default();
                let id: String = id.chars().filter(|c| !c.is_control()).take(ID_LIMIT).collect();
                Ok(if id.is_empty() { format!("{}-{}", self.name, since.as_millisecond()) } else { id })
            }
            _ if matches(&self.gateway.credentials) => Err(Refusal::Credentials { reason }),
            200..=299 if matches(&self.gateway.permanent) => Err(Refusal::Permanent { reason }),
            401 | 402 | 403 | 407 => Err(Refusal::Credentials { reason }),
            400 | 422 => Err(Refusal::Permanent { reason }),
            500..=599 => Err(Refusal::Ambiguous { reason, since }),
            _ => Err(Refusal::Temporary { reason, retry_after: retry_after(answer) }),
        }
    }

    /// One line for the history. A gateway that repeats what it was sent must not bring our secrets there.
    fn without_secrets(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.gateway.all_secrets() {
            let secret = secret.expose_secret();
            if secret.len() >= 4 {
                text = text.replace(secret, "(secret)");
            }
        }
        one_line(&text)
    }

    fn ask(&self, polling: &Polling, id: &str) -> Result<Status, Refusal> {
        let temporary =
            |reason: String| Refusal::Temporary { reason: self.without_secrets(&reason), retry_after: None };
        let (from, secrets) = (&self.gateway.from, self.secrets());
        let values = context! { id, from, secrets, to => "", to_digits => "", text => "" };
        let url = self.gateway.render("status_url", &values).map_err(temporary)?;
        let failure = |failure| match failure {
            Failure::NotSent(reason) | Failure::MaybeSent(reason) => temporary(reason),
        };
        let request = self.request((&ureq::http::Method::GET, url, Vec::new()), &values).map_err(failure)?;
        let answer = self.exchange.send(request, ANSWER_LIMIT).map_err(failure)?;
        let content = answer::Content::of(&answer.body);
        match answer.status {
            200..=299 => {
                let word = content.find(&polling.finder).unwrap_or_default();
                let (status, detail) = polling.meaning(&word);
                Ok(Status::Text { status, detail: if detail { one_line(&word) } else { String::new() } })
            }
            401 | 402 | 403 | 407 => {
                Err(Refusal::Credentials { reason: self.without_secrets(&format!("answered {}", answer.status)) })
            }
            status => Err(Refusal::Temporary {
                reason: self.without_secrets(&format!("answered {status}: {}", content.text())),
                retry_after: exchange::retry_after(&answer),
            }),
        }
    }
}

impl Provider for Http {
    fn name(&self) -> &str {
        &self.name
    }

    fn texts(&self) -> Option<&dyn Texts> {
        Some(self)
    }

    fn reports(&self) -> Option<&dyn Reports> {
        self.gateway.polling.as_ref().map(|_| self as &dyn Reports)
    }
}

impl Texts for Http {
    fn text(&self, text: &Text) -> Result<String, Refusal> {
        self.send(text, self.clock.now())
    }
}

impl Reports for Http {
    fn status(&self, channel: Channel, id: &str) -> Result<Status, Refusal> {
        match (&self.gateway.polling, channel) {
            (Some(polling), Channel::Text) => self.ask(polling, id),
            (None, _) | (_, Channel::Call | Channel::Email) => {
                Err(Refusal::Permanent { reason: format!("{} does not report on it", self.name) })
            }
        }
    }
}

#[cfg(test)]
mod tests;
