//! Twilio's REST API: calls, texts, status, lists. `docs/architecture.md` says why this client is ours.

use super::{Call, Found, Inbound, Provider, Refusal, Status, Text};
use crate::alert::Channel;
use crate::oncall::Phone;

/// A client for one account.
pub struct Twilio {}

impl Twilio {
    /// A client for the account that the rule file names.
    pub fn new(account: Account) -> Self {
        let _ = account;
        todo!()
    }
}

/// What the client needs to know of the account (the rule file's `[twilio]`).
#[derive(Debug, Clone)]
pub struct Account {
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
}

impl Provider for Twilio {
    fn name(&self) -> &str {
        "twilio"
    }
    fn call(&self, call: &Call) -> Result<String, Refusal> {
        let _ = call;
        todo!()
    }
    fn text(&self, text: &Text) -> Result<String, Refusal> {
        let _ = text;
        todo!()
    }
    fn status(&self, channel: Channel, id: &str) -> Result<Status, Refusal> {
        let _ = (channel, id);
        todo!()
    }
    fn find(&self, channel: Channel, to: &Phone, since: jiff::Timestamp) -> Result<Vec<Found>, Refusal> {
        let _ = (channel, to, since);
        todo!()
    }
    fn inbound(&self, since: jiff::Timestamp) -> Result<Vec<Inbound>, Refusal> {
        let _ = since;
        todo!()
    }
    fn hang_up(&self, id: &str) -> Result<(), Refusal> {
        let _ = id;
        todo!()
    }
}
