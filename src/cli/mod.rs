//! What the user types: one file per subcommand, each a short story told with the rooms below.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::exit::Exit;

pub mod alerts;
pub mod backtest;
pub mod check;
mod counts;
pub mod deliver;
mod demo;
pub mod explain;
mod follow_up;
pub mod heartbeats;
pub mod layout;
mod nearest;
pub mod newtext;
pub mod oncall;
pub mod passwd;
mod plain;
pub mod prune;
pub mod reload;
mod replies;
pub mod sandbox;
pub mod self_test;
pub mod serve;
pub mod setup;
pub mod stateless;
pub mod surroundings;
pub mod syslog;
pub mod table;
mod take_self_test;
pub mod terminal;
pub mod test;
mod watch;

/// Turns a mail into a telephone that rings.
///
/// A mail arrives on standard input; the rule file decides whether it is worth waking somebody; whoever is on call is
/// called or texted until a human says "I have it". Without a command it delivers: `thialfi < mail` is
/// `thialfi deliver < mail`.
#[derive(Debug, Parser)]
#[command(name = "thialfi", version, subcommand_required = true, max_term_width = 100)]
#[command(
    override_usage = "thialfi [OPTIONS] [deliver] [-f SENDER] [RECIPIENT]... < mail\n       thialfi [OPTIONS] COMMAND"
)]
pub struct Cli {
    /// The rule file [default: $THIALFI_CONFIG, $XDG_CONFIG_HOME/thialfi/rules.toml, /etc/thialfi/rules.toml]
    #[arg(long, short, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say more on standard error; twice: even more
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
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
    /// Check the rule file, and play the tests that it carries
    Check(check::Options),
    /// Print the JSON schema of the rule file, for editors
    Schema,
    /// Play a history of mail against the rules: who would have been called, when, and why
    Backtest(backtest::Options),
    /// Show who is on call, or change it
    Oncall(oncall::Options),
    /// List alerts, tell the story of one, acknowledge or resolve it
    Alerts(alerts::Options),
    /// List the mails that must come: when each last did, and when it is due
    Heartbeats(heartbeats::Options),
    /// Remove alerts that were over long ago, with all about them
    Prune(prune::Options),
    /// Ask for a password, and print what the rule file has of it; or make a program's token
    Passwd(passwd::Options),
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

/// Runs what the arguments say.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some((config, options)) = plain::read(&arguments) {
        setup::log(0, false);
        return deliver::run(config.as_deref(), &options);
    }
    let word = first_word(&arguments);
    if word == Word::Nothing && arguments.len() <= 1 && std::io::stdin().is_terminal() {
        // Nobody is going to type a mail.
        let _ = Cli::command().print_help();
        return Exit::Usage;
    }
    if matches!(word, Word::Nothing | Word::Recipient) {
        arguments.insert(1.min(arguments.len()), "deliver".into());
    }
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(word, &error),
    };
    setup::log(cli.verbose, matches!(cli.command, Command::ServeTwiml(_)));
    let config = cli.config.as_deref();
    match cli.command {
        Command::Deliver(options) => deliver::run(config, &options),
        Command::ServeTwiml(options) => serve::run(config, &options),
        Command::Explain(options) => explain::run(config, &options),
        Command::Newtext => newtext::run(),
        Command::Check(options) => check::run(config, &options),
        Command::Schema => {
            anstream::print!("{}", crate::config::schema::SCHEMA);
            Exit::Success
        }
        Command::Backtest(options) => backtest::run(config, &options),
        Command::Oncall(options) => oncall::run(config, &options),
        Command::Alerts(options) => alerts::run(config, &options),
        Command::Heartbeats(options) => heartbeats::run(config, &options),
        Command::Prune(options) => prune::run(config, &options),
        Command::Passwd(options) => passwd::run(&options),
        Command::Test(options) => test::run(config, &options),
        Command::Sandbox(options) => sandbox::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "thialfi", &mut std::io::stdout());
            Exit::Success
        }
        Command::Man => match clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout()) {
            Ok(()) => Exit::Success,
            Err(_) => Exit::No,
        },
    }
}

/// What the first word of a command line is that is neither an option nor an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// There is none: a mail on standard input.
    Nothing,
    /// No subcommand: a recipient.
    Recipient,
    /// `deliver`.
    Deliver,
    /// Another subcommand, or a question (`--help`, `--version`).
    Other,
}

fn first_word(arguments: &[OsString]) -> Word {
    let mut words = arguments.iter().skip(1).map(|argument| argument.to_str().unwrap_or("\u{fffd}"));
    while let Some(word) = words.next() {
        match word {
            "-c" | "--config" | "-f" | "--from" => {
                words.next();
            }
            "-h" | "--help" | "-V" | "--version" | "help" => return Word::Other,
            "--" => return Word::Recipient,
            option if option.starts_with('-') => {}
            "deliver" => return Word::Deliver,
            name if Cli::command().get_subcommands().any(|command| command.get_name() == name) => return Word::Other,
            _ => return Word::Recipient,
        }
    }
    Word::Nothing
}

/// A command line that cannot be read. Where a mail may be waiting on standard input it is read to its end, and the
/// mail server keeps the mail: a typing error in `.forward` must not bounce anything.
fn refuse(word: Word, error: &clap::Error) -> Exit {
    let help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if help || word == Word::Other {
        let _ = error.print();
        return if help { Exit::Success } else { Exit::Usage };
    }
    deliver::refuse(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_command_is_a_recipient() {
        let word = |line: &str| first_word(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(word("thialfi"), Word::Nothing);
        assert_eq!(word("thialfi --config rules.toml -v"), Word::Nothing);
        assert_eq!(word("thialfi -f a@example.com b@example.com"), Word::Recipient);
        assert_eq!(word("thialfi -f check b@example.com"), Word::Recipient);
        assert_eq!(word("thialfi -- check"), Word::Recipient);
        assert_eq!(word("thialfi --config rules.toml deliver x"), Word::Deliver);
        assert_eq!(word("thialfi --config check check"), Word::Other);
        assert_eq!(word("thialfi --help"), Word::Other);
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
