//! `thialfi sandbox`: a telephone network in a box.

use std::time::Duration;

use anstream::println;
use clap::Args;

use super::setup::complain;
use super::terminal;
use crate::clock;
use crate::exit::Exit;
use crate::provider::sandbox::{Line, Options as Network, Sandbox, What};

/// What `sandbox` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Where to listen, on loopback
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8086")]
    pub listen: String,
    /// The account that may call
    #[arg(long, value_name = "SID", default_value = "ACsandbox000000000000000000000000000")]
    pub account_sid: String,
    /// Its token; it also signs the webhooks
    #[arg(
        long,
        value_name = "TOKEN",
        default_value = "sandbox",
        env = "THIALFI_SANDBOX_TOKEN",
        hide_env_values = true
    )]
    pub auth_token: String,
    /// Milliseconds between the events of a call
    #[arg(long, value_name = "MS", default_value_t = 500)]
    pub pace: u64,
}

/// Runs until it is interrupted, printing what every phone hears.
pub fn run(options: &Options) -> Exit {
    let network = Network {
        listen: options.listen.clone(),
        clock: clock::from_environment(),
        account_sid: options.account_sid.clone(),
        auth_token: options.auth_token.clone(),
        pace: Duration::from_millis(options.pace),
        ..Network::default()
    };
    let sandbox = match Sandbox::start(network) {
        Ok(sandbox) => sandbox,
        Err(error) => {
            complain(&format!("cannot listen on {}: {error}", options.listen));
            return Exit::No;
        }
    };
    println!("A telephone network is at {url}. In the rule file:\n", url = sandbox.url());
    println!(
        "[twilio]\naccount_sid = \"{}\"\nauth_token = \"…\"  # --auth-token; the default is \"sandbox\"",
        options.account_sid
    );
    println!("from = \"+15005550006\"\napi_url = \"{}\"\n", sandbox.url());
    for line in sandbox.subscribe() {
        println!("{}  {}  {}", line.at.strftime("%H:%M:%S"), line.number, terminal::one_line(&sentence(&line)));
    }
    Exit::Success
}

/// A line of the transcript in words.
pub fn sentence(line: &Line) -> String {
    let text = line.text.trim();
    match line.what {
        What::Refused => format!("refused: {text}"),
        What::Rings => "rings".to_owned(),
        What::Answered => "answers".to_owned(),
        What::Heard => format!("hears \u{201c}{text}\u{201d}"),
        What::Pressed => format!("presses {text}"),
        What::Ended => format!("the call is over: {text}"),
        What::Text => format!("gets the text \u{201c}{text}\u{201d}"),
        What::NotDelivered => format!("does not get the text: {text}"),
        What::Wrote => format!("writes \u{201c}{text}\u{201d}"),
        What::ApplicationError => format!("application error: {text}"),
    }
}
