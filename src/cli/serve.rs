//! `thialfi serve-twiml`: the server and the engine, until somebody stops them.

use std::path::Path;
use std::sync::Arc;

use clap::Args;

use super::setup::{self, complain};
use crate::engine::Engine;
use crate::engine::follow::Message;
use crate::exit::Exit;
use crate::server::{self, Server};
use crate::store::Sqlite;

/// What `serve-twiml` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Where to listen, instead of what the rule file says: ADDRESS:PORT, or unix:PATH
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
}

/// Serves until SIGTERM or SIGINT.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    let config = match setup::load_or_complain(config) {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    if config.twilio.is_none() {
        complain("the rule file has no [twilio]: without its auth_token nobody can tell a webhook from a forgery");
        return Exit::No;
    }
    let listen = options.listen.clone().unwrap_or_else(|| config.server.listen.clone());
    let (path, public_url) = (config.store.clone(), config.server.public_url.clone());
    let desk = match setup::desk(config) {
        Ok(desk) => desk,
        Err(exit) => return exit,
    };
    let store = match Sqlite::open(&path) {
        Ok(store) => store,
        Err(error) => {
            complain(&error.to_string());
            return Exit::No;
        }
    };
    let mut engine = Engine::new(Arc::clone(&desk), Box::new(store), public_url.is_some());
    let server = match Server::start(&listen, Arc::clone(&desk), engine.sender(), engine.pulse()) {
        Ok(server) => server,
        Err(error) => {
            complain(&format!("cannot listen on {listen}: {error}"));
            return Exit::No;
        }
    };
    tracing::info!(listen = %server.address(), public_url = public_url.as_deref().unwrap_or("none: no webhooks"), "serving");
    // A test or a script that asked for port 0 reads here which one it got.
    let _ = anstream::AutoStream::auto(std::io::stdout());
    anstream::println!("thialfi: serving on {}", server.address());
    if let Err(error) = stop_on_signal(&engine) {
        complain(&format!("cannot wait for signals: {error}"));
        return Exit::No;
    }
    let watchdog = server::watchdog::start(&server, engine.pulse());
    engine.run();
    drop(watchdog);
    tracing::info!("stopping");
    server.stop();
    Exit::Success
}

/// SIGTERM and SIGINT stop the engine after its turn.
fn stop_on_signal(engine: &Engine) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
    let engine = engine.sender();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            let _ = engine.send(Message::Stop);
        }
    });
    Ok(())
}
