//! HTTP: the gate, Twilio's webhooks, pages.

pub mod gate;
pub mod http;
pub mod signature;
