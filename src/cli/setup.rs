//! What most subcommands begin with: the rule file, the store, the log, a message on standard error.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstream::eprintln;
use anyhow::anyhow;
use tracing_subscriber::EnvFilter;

use super::terminal;
use crate::config::{Config, Diagnostics, locate};
use crate::engine::Desk;
use crate::exit::Exit;
use crate::store::Sqlite;

/// Sends the log to standard error: for a server what an administrator reads, else only what `-v` asks for.
pub fn log(verbose: u8, server: bool) {
    let level = match (verbose, server) {
        (0, false) => "off",
        (0, true) => "thialfi=info,warn",
        (1, _) => "thialfi=debug,info",
        (2.., _) => "trace",
    };
    let filter = EnvFilter::try_from_env("THIALFI_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    // The journal stamps its lines itself.
    let _ = if journal { log.without_time().try_init() } else { log.try_init() };
}

/// Says what went wrong, on one line.
pub fn complain(what: &str) {
    eprintln!("thialfi: {}", terminal::one_line(what));
}

/// Finds the rule file.
///
/// # Errors
/// When there is none, in words that name every place looked at.
pub fn find(config: Option<&Path>) -> anyhow::Result<PathBuf> {
    Ok(locate::find(config, &|name| std::env::var_os(name))?)
}

/// Loads the rule file. What endangers it is in its `warnings`.
///
/// # Errors
/// When it has errors: the first, in one line, and how many more there are.
pub fn load(config: Option<&Path>) -> anyhow::Result<Config> {
    let path = find(config)?;
    Config::load(&path).map_err(|diagnostics| anyhow!(diagnostics.one_line()))
}

/// Loads the rule file for a command that a person typed; complains in full when that fails.
///
/// # Errors
/// With what the command is to end with.
pub fn load_or_complain(config: Option<&Path>) -> Result<Config, Exit> {
    load_with(config, Config::load)
}

/// The same for a command that notifies nobody: a secret that cannot be had is no reason to fail.
///
/// # Errors
/// With what the command is to end with.
pub fn look_or_complain(config: Option<&Path>) -> Result<Config, Exit> {
    load_with(config, Config::load_to_look)
}

fn load_with(config: Option<&Path>, load: fn(&Path) -> Result<Config, Diagnostics>) -> Result<Config, Exit> {
    let path = find(config).map_err(|error| {
        complain(&error.to_string());
        Exit::No
    })?;
    let config = load(&path).map_err(|diagnostics| {
        for diagnostic in &diagnostics.0 {
            eprintln!("{}", diagnostic.coloured());
        }
        Exit::No
    })?;
    for warning in &config.warnings {
        complain(&warning.one_line());
    }
    Ok(config)
}

/// Opens the store of the rule file for a command that a person typed.
///
/// # Errors
/// With what the command is to end with.
pub fn open_store(config: &Config) -> Result<Sqlite, Exit> {
    Sqlite::open(&config.store).map_err(|error| {
        complain(&error.to_string());
        Exit::No
    })
}

/// Whether there is a store to look into: a command that lists or tidies makes none.
///
/// # Errors
/// With what the command is to end with, when there is none.
pub fn store_or_complain(config: &Config) -> Result<(), Exit> {
    if config.store.exists() {
        return Ok(());
    }
    complain(&format!("there are no alerts yet: the store {} does not exist", config.store.display()));
    Err(Exit::No)
}

/// Makes a desk of the rule file, and says what is wrong with its templates.
pub fn desk(config: Config) -> Arc<Desk> {
    let desk = Desk::new(Arc::new(config), crate::clock::from_environment());
    if let Some(trouble) = &desk.trouble {
        complain(trouble);
    }
    Arc::new(desk)
}

/// Who sits at the keyboard, for the history.
pub fn user() -> String {
    let name = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).or_else(|_| std::env::var("LOGNAME"));
    name.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "somebody".to_owned())
}
