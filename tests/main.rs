//! One file per feature, over the real binary and the telephone network in a box.
#![allow(missing_docs)]
// A test that fails says so: unwrap, expect and indexing are how.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stderr)]
#![allow(clippy::similar_names, clippy::unused_self, clippy::must_use_unit, clippy::cast_possible_truncation)]

mod adversity;
mod api_fuzz;
mod architecture;
mod backtest;
mod check;
mod commands;
mod conditions;
mod documentation;
mod escalation;
mod explain;
mod fifteen_shapes;
mod forwarding;
mod fresh;
mod full_disk;
mod gateways;
mod hearing;
mod heartbeats;
mod hostile_visitors;
mod instructions;
mod kill_sweep;
mod licences;
mod limits;
mod mail_replies;
mod mail_servers;
mod mails;
mod odd_mail;
mod oncall;
mod outage;
mod packs;
mod pages;
mod pairs;
mod passwd;
mod people;
mod power_loss;
mod programs;
mod providers;
mod quoted_history;
mod reaching;
mod redelivery;
mod regressions;
mod replies;
mod retention;
mod same_mail;
mod self_test;
mod story;
mod support;
mod turns;
mod webhooks;
mod words;
