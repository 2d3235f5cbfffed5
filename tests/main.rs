//! One file per feature, over the real binary and the telephone network in a box.
#![allow(missing_docs)]

mod adversity;
mod architecture;
mod backtest;
mod commands;
mod documentation;
mod mail_servers;
mod people;
mod quoted_history;
mod reaching;
mod redelivery;
mod replies;
mod support;
mod webhooks;
