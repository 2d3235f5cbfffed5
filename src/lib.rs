//! thialfi turns e-mail into a telephone that rings.

pub mod alert;
pub mod cli;
pub mod clock;
pub mod config;
pub mod mail;
pub mod notify;
pub mod oncall;
pub mod provider;
pub mod rules;
pub mod server;
pub mod store;
