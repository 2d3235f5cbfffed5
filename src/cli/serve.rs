//! `thialfi serve-twiml`: the server and the engine, until somebody stops them.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;

use super::reload::RuleFile;
use super::setup::{self, complain};
use crate::engine::Engine;
use crate::engine::follow::Message;
use crate::exit::Exit;
use crate::server::{self, Server};
use crate::store::Sqlite;

/// How often the rule file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

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
    if config.services().next().is_none() {
        complain("the rule file has neither [twilio] nor [providers]: nobody can be called or texted");
        return Exit::No;
    }
    let listen = options.listen.clone().unwrap_or_else(|| config.server.listen.clone());
    let (path, public_url) = (config.store.clone(), config.server.public_url.clone());
    let desk = setup::desk(config);
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
    tracing::info!(listen = %server.address(), public_url = public_url.as_deref().unwrap_or("none"), "serving");
    if public_url.is_none() {
        tracing::warn!(
            "`[server] public_url` is missing: calls take no keys; people acknowledge by text, which is asked for every 10 s"
        );
    }
    // A test or a script that asked for port 0 reads here which one it got.
    let _ = writeln!(std::io::stdout(), "thialfi: serving on {}", server.address());
    let watchdog = server::watchdog::start(&server, engine.pulse());
    let server = Arc::new(server);
    if let Err(error) = hear(&engine, &server, RuleFile::of(desk)) {
        complain(&format!("cannot wait for signals: {error}"));
        return Exit::No;
    }
    engine.run();
    drop(watchdog);
    tracing::info!("stopping");
    // The thread that reads the rule file holds it for a moment at most; then its end stops it.
    if let Some(server) = Arc::into_inner(server) {
        server.stop();
    }
    Exit::Success
}

/// SIGTERM and SIGINT stop the engine, in the course of a turn; SIGHUP, and an edited rule file, make it read the rule file again.
fn hear(engine: &Engine, server: &Arc<Server>, mut rules: RuleFile) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let again = Arc::new(AtomicBool::new(false));
    let (tell, brake, asked) = (engine.sender(), engine.brake(), Arc::clone(&again));
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if signal == SIGHUP {
                asked.store(true, Ordering::Relaxed);
            } else {
                brake.pull();
                let _ = tell.send(Message::Stop);
            }
        }
    });
    let (tell, server) = (engine.sender(), Arc::downgrade(server));
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(LOOK_EVERY);
            if (again.swap(false, Ordering::Relaxed) || rules.has_changed())
                && let Some(desk) = rules.read_again()
            {
                let Some(server) = server.upgrade() else { return };
                server.renew(Arc::clone(&desk));
                let _ = tell.send(Message::Desk(desk));
            }
        }
    });
    Ok(())
}
