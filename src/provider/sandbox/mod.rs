//! Twilio's telephone network in a box, on loopback: what tests, `demo` and anybody's staging use.
//!
//! It answers the same REST paths, fetches and executes TwiML, signs its webhooks, reports statuses, and lets phones
//! do what they are scripted to. The production code cannot tell it from Twilio: only `api_url` differs. What it
//! leaves out: Twilio's waiting times (`pace` stands for all of them), prices, recordings, speech recognition.

mod behaviour;
mod call;
mod check;
mod control;
mod form;
mod http;
mod network;
mod rest;
mod sign;
mod text;
mod twiml;
mod webhook;

use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

pub use self::behaviour::{Behaviour, Conditions};
use self::http::Server;
use self::network::Network;
pub use self::network::{CallRecord, Line, TextRecord, What};
use crate::clock::{Clock, SystemClock};

/// How the sandbox is set up.
#[derive(Clone)]
pub struct Options {
    /// Address and port on loopback; port 0: any that is free.
    pub listen: String,
    /// What time records bear.
    pub clock: Arc<dyn Clock>,
    /// The one account.
    pub account_sid: String,
    /// Its token: for Basic authentication, and for the signatures of webhooks.
    pub auth_token: String,
    /// An API key and its secret, accepted as well.
    pub api_key: Option<(String, String)>,
    /// Real time between two things that happen in a call or to a text; zero for tests.
    pub pace: Duration,
}

impl Default for Options {
    /// Any free port, the system's clock, an account of zeros, no waiting.
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            clock: Arc::new(SystemClock),
            account_sid: format!("AC{:032}", 0),
            auth_token: "sandbox".into(),
            api_key: None,
            pace: Duration::ZERO,
        }
    }
}

/// A running telephone network. Dropping it hangs up, without further callbacks, and waits for its threads.
pub struct Sandbox {
    network: Arc<Network>,
    server: Server,
}

impl Sandbox {
    /// Starts it.
    ///
    /// # Errors
    /// An address that is not on loopback, or that is taken.
    pub fn start(options: Options) -> io::Result<Self> {
        let listen = options.listen.clone();
        let network = Network::new(options);
        let server = {
            let network = Arc::clone(&network);
            Server::start(&listen, move |request| {
                rest::respond(&network, request).unwrap_or_else(|| control::respond(&network, request))
            })?
        };
        Ok(Self { network, server })
    }

    /// The `api_url` of this network: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// What the phone `number` (or `*`: every phone without a script) does: each call or text takes the first
    /// behaviour that suits it, and the last stays. Replaces what was scripted before.
    pub fn phone(&self, number: &str, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.network.script(number, behaviour::Script::new(behaviours));
    }

    /// What happens to callbacks and questions from now on.
    pub fn conditions(&self, conditions: Conditions) {
        self.network.change(|state| state.conditions = conditions);
    }

    /// Where texts that come in are announced (Twilio: the number's messaging webhook), as `https://…/twilio/sms`;
    /// empty: nowhere.
    pub fn inbound_url(&self, url: &str) {
        self.network.change(|state| state.inbound_url = Some(url.to_owned()).filter(|url| !url.is_empty()));
    }

    /// The person at `from` texts us. Returns when the text is listed; the webhook follows on its own.
    pub fn send_text(&self, from: &str, body: &str) {
        text::arrive(&self.network, from, None, body);
    }

    /// Everything that happened, the oldest first.
    pub fn transcript(&self) -> Vec<Line> {
        self.network.state().transcript.clone()
    }

    /// The calls, the oldest first.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.network.state().calls.clone()
    }

    /// The calls to `number`.
    pub fn calls_to(&self, number: &str) -> Vec<CallRecord> {
        self.calls().into_iter().filter(|call| call.to == number).collect()
    }

    /// The texts in both directions, the oldest first.
    pub fn texts(&self) -> Vec<TextRecord> {
        self.network.state().texts.clone()
    }

    /// The texts to `number`.
    pub fn texts_to(&self, number: &str) -> Vec<TextRecord> {
        self.texts().into_iter().filter(|text| text.to == number).collect()
    }

    /// Receives each line of the transcript as it is written.
    pub fn subscribe(&self) -> mpsc::Receiver<Line> {
        self.network.subscribe()
    }

    /// Waits until `done`, which is asked at once and after everything that happens. False when `patience` (real
    /// time) is over first.
    pub fn wait_until(&self, done: impl Fn(&Self) -> bool, patience: Duration) -> bool {
        self.network.wait_until(patience, || done(self))
    }

    /// Waits until every call and text is over. False when `patience` (real time) is over first.
    pub fn wait_idle(&self, patience: Duration) -> bool {
        self.network.wait_until(patience, || self.network.is_idle())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.network.stop();
    }
}

#[cfg(test)]
mod tests;
