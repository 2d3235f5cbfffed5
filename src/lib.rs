//! thialfi turns e-mail into a telephone that rings.
//!
//! A mail arrives on standard input. Rules look at its *new* text and decide whether it is worth waking somebody. The
//! alert that it opens is on disk before the mail server is told that all is well; whoever is on call is called or
//! texted until a human says "I have it".
//!
//! # The way of a mail
//!
//! ```text
//! bytes, envelope → mail → rules → alert → escalation → notification → provider
//!                                    ↕          ↕             ↑
//!                                  store      on call       twiml, sms
//! ```
//!
//! [`mail`] decodes, [`rules`] judge, [`intake`] says what the judgement asks for (all pure). [`store`] keeps it,
//! [`alert::escalation`] decides what happens next (pure, too), [`engine`] carries that out through a [`provider`], with
//! the words of [`notify`]. [`server`] turns Twilio's webhooks into events. [`cli`] is what the user types.
//!
//! # Invariants
//!
//! - A mail is drained, and what it asks for committed, before exit status 0; everything unexpected ends with 75
//!   ([`exit`]).
//! - [`alert::escalation::escalate`] is the only thing that changes an alert. It reads no clock and does no I/O.
//! - A notification is claimed, sent, recorded: three commits. A claim that expired is never sent again before the
//!   provider was asked.
//! - Each module uses only those below it: `cli`, `server`, `explain`, `engine`, `report`, `intake`, `config`, `store`, `provider`, `notify`,
//!   `alert`, `heartbeat`, `oncall`, `rules`, `archive`, `mail`, `clock`, `exit`. A test keeps it so.
//! - Nothing from a mail is trusted; it is escaped where it leaves: XML, GSM-7, terminal.

pub mod alert;
pub mod archive;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod exit;
pub mod explain;
pub mod heartbeat;
pub mod intake;
pub mod mail;
pub mod notify;
pub mod oncall;
pub mod provider;
pub mod report;
pub mod rules;
pub mod server;
pub mod store;
