//! What the user types: one file per subcommand, each a short story told with the rooms below.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::exit::Exit;

pub mod alerts;
pub mod check;
pub mod deliver;
pub mod demo;
pub mod explain;
pub mod newtext;
pub mod oncall;
pub mod sandbox;
pub mod serve;
pub mod setup;
pub mod table;
pub mod terminal;
pub mod test;

/// Turns a mail into a telephone that rings.
///
/// A mail arrives on standard input; the rule file decides whether it is worth waking somebody; whoever is on call is
/// called or texted until a human says "I have it".
#[derive(Debug, Parser)]
#[command(name = "thialfi", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub struct Cli {
    /// The rule file [default: $THIALFI_CONFIG, $XDG_CONFIG_HOME/thialfi/rules.toml, /etc/thialfi/rules.toml]
    #[arg(long, short, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say more on standard error; twice: even more
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Without a subcommand: deliver.
    #[command(flatten)]
    pub deliver: deliver::Options,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take a mail on standard input and call whom it concerns (the same as no subcommand)
    Deliver(deliver::Options),
    /// Serve TwiML, webhooks and pages, and follow up on every alert
    ServeTwiml(serve::Options),
    /// Show what `deliver` would do with the mail on standard input, and why
    Explain(explain::Options),
    /// Print the new text of the mail on standard input: no quoted history, no signature
    Newtext,
    /// Check the rule file
    Check(CheckOptions),
    /// Show who is on call, or change it
    Oncall(oncall::Options),
    /// List alerts, tell the story of one, acknowledge or resolve it
    Alerts(alerts::Options),
    /// Call or text a contact, saying that it is a test
    Test(test::Options),
    /// Run a telephone network in a box: Twilio's API on loopback
    Sandbox(sandbox::Options),
    /// Play the whole story in ten seconds: no account, no configuration
    Demo(demo::Options),
    /// Print the completions for a shell
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `thialfi check`.
#[derive(Debug, Args)]
pub struct CheckOptions {
    /// Print one JSON array
    #[arg(long)]
    pub json: bool,
}

/// Runs what the arguments say.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&arguments, &error),
    };
    setup::log(cli.verbose, matches!(cli.command, Some(Command::ServeTwiml(_))));
    let config = cli.config.as_deref();
    match cli.command {
        None if deliver::nothing_to_deliver(&cli.deliver) => {
            let _ = Cli::command().print_help();
            Exit::Usage
        }
        None => deliver::run(config, &cli.deliver),
        Some(Command::Deliver(options)) => deliver::run(config, &options),
        Some(Command::ServeTwiml(options)) => serve::run(config, &options),
        Some(Command::Explain(options)) => explain::run(config, &options),
        Some(Command::Newtext) => newtext::run(),
        Some(Command::Check(options)) => setup::check(config, options.json),
        Some(Command::Oncall(options)) => oncall::run(config, &options),
        Some(Command::Alerts(options)) => alerts::run(config, &options),
        Some(Command::Test(options)) => test::run(config, &options),
        Some(Command::Sandbox(options)) => sandbox::run(&options),
        Some(Command::Demo(options)) => demo::run(&options),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "thialfi", &mut std::io::stdout());
            Exit::Success
        }
        Some(Command::Man) => match clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout()) {
            Ok(()) => Exit::Success,
            Err(_) => Exit::No,
        },
    }
}

/// A command line that cannot be read. Where a mail may be waiting on standard input it is read to its end, and the
/// mail server keeps the mail: a typing error in `.forward` must not bounce anything.
fn refuse(arguments: &[OsString], error: &clap::Error) -> Exit {
    let _ = error.print();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Exit::Success;
    }
    if is_other_command(arguments) {
        return Exit::Usage;
    }
    deliver::drain();
    Exit::TryAgain
}

/// Whether the first word that is no option names a subcommand other than `deliver`.
fn is_other_command(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().skip(1).filter_map(|argument| argument.to_str());
    while let Some(word) = words.next() {
        match word {
            "--config" | "-c" => {
                words.next();
            }
            option if option.starts_with('-') => {}
            "deliver" => return false,
            "help" => return true,
            name => return Cli::command().get_subcommands().any(|command| command.get_name() == name),
        }
    }
    false
}
