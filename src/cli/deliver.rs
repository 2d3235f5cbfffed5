//! `thialfi deliver`: a mail on standard input, and somebody called. Ends with 0 or 75, and with one line for the mail
//! log; everything is read from standard input whatever happens.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::counts::Counts;
use super::replies;
use super::stateless;
use super::surroundings::Surroundings;
use super::syslog::{self, Severity};
use super::{follow_up, setup, take_self_test, terminal, watch};
use crate::alert::AlertId;
use crate::config::Config;
use crate::engine::Desk;
use crate::engine::outbox::Incoming;
use crate::exit::Exit;
use crate::intake::{Intake, Problem, Wish, intake, reply_address};
use crate::mail::automatic::is_automatic;
use crate::mail::{Envelope, Message, Raw, message};
use crate::store::{self, Closing, Receipt, Store};
use clap::Args;

/// The mail server's patience ends at 1000 s with a bounce (Postfix), so ours ends long before.
const WATCHDOG: Duration = Duration::from_mins(1);

/// A mail of up to so many bytes is forwarded whole: less than most mail servers take (Postfix: 10,240,000), with room for
/// what base64 adds where it must be a file.
const FORWARDED_WHOLE: usize = 7 * 1024 * 1024;

/// What `deliver` takes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The envelope sender, as the mail server names it
    #[arg(short = 'f', long = "from", value_name = "SENDER", allow_hyphen_values = true)]
    pub sender: Option<String>,
    /// The envelope recipients [default: what the mail server's environment, else the headers say]
    #[arg(value_name = "RECIPIENT")]
    pub recipients: Vec<String>,
    /// Stay until a human acknowledges or the policy ends, and show each attempt
    #[arg(long)]
    pub wait: bool,
    /// End with 67, so that the mail server bounces, when every recipient is unknown
    #[arg(long)]
    pub reject_unknown: bool,
}

/// Reads standard input to its end. A pipe that is not read to its end breaks procmail.
fn drain() {
    if !std::io::stdin().is_terminal() {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    }
}

/// Delivers the mail on standard input.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    if !options.wait {
        watch();
    }
    let (line, exit) = how(deliver(config, options));
    end(&line, exit)
}

fn how(outcome: Result<String, Failure>) -> (String, Exit) {
    match outcome {
        Ok(line) => (line, Exit::Success),
        Err(Failure { line, exit }) => (line, exit),
    }
}

/// A command line that cannot be read: the mail is read to its end, and kept by the mail server.
pub fn refuse(error: &clap::Error) -> Exit {
    watch();
    drain();
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let Failure { line, exit } = Failure::try_again(format!("usage: {first}"));
    end(&line, exit)
}

/// Says how it ended, to the mail server and to the system's log.
fn end(line: &str, exit: Exit) -> Exit {
    say(line);
    let severity = if exit == Exit::Success { Severity::Info } else { Severity::Warning };
    syslog::write(severity, &terminal::one_line(line));
    exit
}

/// The one line for the mail log. Postfix puts what a command prints into its log and its bounces; a pipe that nobody
/// reads is no reason to fail.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "thialfi: {}", terminal::one_line(line));
}

/// Ends the process in time whatever hangs: a disk, a resolver, a provider.
fn watch() {
    std::thread::spawn(|| {
        std::thread::sleep(WATCHDOG);
        let line = "no end after 60 s; giving up: the mail server keeps the mail and will try again";
        say(line);
        syslog::write(Severity::Warning, line);
        std::process::exit(i32::from(Exit::TryAgain.status()));
    });
}

/// Why the mail is not dealt with.
struct Failure {
    line: String,
    exit: Exit,
}

impl Failure {
    fn try_again(line: impl Into<String>) -> Self {
        Self {
            line: format!("{}; the mail server keeps the mail and will try again", line.into()),
            exit: Exit::TryAgain,
        }
    }
}

fn deliver(config: Option<&Path>, options: &Options) -> Result<String, Failure> {
    // Read before the mail: only a mail that may be forwarded is kept whole.
    let config = setup::load(config).map(Arc::new);
    let forwards = config.as_ref().is_ok_and(|config| !config.forwards.is_empty());
    let keep = if forwards { FORWARDED_WHOLE } else { message::PARSE_LIMIT };
    let raw = message::read_and_keep(&mut std::io::stdin().lock(), keep)
        .map_err(|error| Failure::try_again(format!("the mail could not be read: {error}")))?;
    if let Some(error) = &raw.error {
        // What is missing may be what asks for a call; the mail server has all of it.
        return Err(Failure::try_again(format!("the mail could not be read to its end: {error}")));
    }
    if raw.size == 0 {
        return Err(Failure::try_again("there is no mail on standard input"));
    }
    let config = config.map_err(|error| Failure::try_again(format!("the rule file cannot be used: {error}")))?;
    // The process ends with this mail: what a thousand rules take need not be given back piece by piece.
    std::mem::forget(Arc::clone(&config));
    let warned =
        |line: String| config.warnings.iter().fold(line, |line, warning| format!("{line}; {}", warning.one_line()));
    let Raw { bytes, rest, size, .. } = raw;
    let message = Message::of(bytes, size);
    let whole = if rest.is_empty() {
        Vec::new()
    } else {
        Raw { bytes: message.bytes().to_vec(), rest, size, error: None }.into_bytes()
    };
    let bytes = if whole.is_empty() { message.bytes() } else { &whole };
    let outcome = take(&config, options, (&message, bytes), &Surroundings::default());
    outcome.map(warned).map_err(|failure| Failure { line: warned(failure.line), ..failure })
}

/// Delivers a mail in these surroundings: the line for the mail log, and the exit status.
pub fn deliver_in(
    surroundings: &Surroundings,
    config: &Arc<Config>,
    options: &Options,
    message: &Message,
) -> (String, Exit) {
    how(take(config, options, (message, message.bytes()), surroundings))
}

/// Deals with the mail: a self-test's has its own way, every other is judged.
fn take(
    config: &Arc<Config>,
    options: &Options,
    (message, bytes): (&Message, &[u8]),
    surroundings: &Surroundings,
) -> Result<String, Failure> {
    match take_self_test::take(config, message, surroundings) {
        Ok(Some(line)) => Ok(line),
        Ok(None) => judge(config, options, (message, bytes), surroundings),
        Err(error) => Err(Failure::try_again(format!("the self-test could not be recorded: {error}"))),
    }
}

/// Acts upon a mail that answers one of ours, for the addresses with a token; for the others it is a mail as any.
fn judge(
    config: &Arc<Config>,
    options: &Options,
    (message, bytes): (&Message, &[u8]),
    surroundings: &Surroundings,
) -> Result<String, Failure> {
    let (sender, recipients) = (options.sender.as_deref(), &options.recipients);
    let mut envelope = Envelope::resolve(sender, recipients, &surroundings.environment, message);
    let tokens = reply_address::take_out(config, &mut envelope);
    if tokens.is_empty() {
        return judge_by_rules(config, options, (message, bytes), &envelope, surroundings);
    }
    let acted = replies::act(config, surroundings, message, envelope.sender.as_deref(), &tokens)
        .map(|lines| lines.join("; "))
        .map_err(|error| Failure::try_again(format!("a reply by e-mail could not be acted upon: {error}")));
    if envelope.recipients.is_empty() {
        return acted;
    }
    // One that fails does not keep the other from what it asks for.
    match (acted, judge_by_rules(config, options, (message, bytes), &envelope, surroundings)) {
        (Ok(one), Ok(other)) => Ok(format!("{one}; {other}")),
        (Ok(one), Err(failure)) => Err(Failure { line: format!("{one}; {}", failure.line), ..failure }),
        (Err(failure), Ok(other)) => Err(Failure { line: format!("{other}; {}", failure.line), ..failure }),
        (Err(one), Err(other)) => Err(Failure { line: format!("{}; {}", one.line, other.line), exit: one.exit }),
    }
}

/// Judges the mail by the rules, and carries out what they want.
fn judge_by_rules(
    config: &Arc<Config>,
    options: &Options,
    (message, bytes): (&Message, &[u8]),
    envelope: &Envelope,
    surroundings: &Surroundings,
) -> Result<String, Failure> {
    let mut counts = Counts::new(config, surroundings);
    let now = surroundings.clock.now();
    let intake = intake(config, message, envelope, now, &mut counts)
        .map_err(|error| Failure::try_again(format!("the rule file cannot be used: {error}")))?;
    // A rule that matched wants somebody called, whatever keeps it from that: such a mail is not sent back.
    let unwanted_only = intake.problems.iter().all(|problem| matches!(problem, Problem::UnknownRecipient(_)));
    if options.reject_unknown
        && intake.known.is_empty()
        && !intake.unknown.is_empty()
        && intake.wishes.is_empty()
        && intake.heartbeats.is_empty()
        && unwanted_only
        && counts.failure.is_none()
    {
        let line = format!("unknown recipient {}: rejected", intake.unknown.join(", "));
        return Err(Failure { line, exit: Exit::UnknownRecipient });
    }
    if intake.wishes.is_empty() && intake.problems.is_empty() && intake.heartbeats.is_empty() {
        let line = unwanted(config, message, &intake);
        if let Some(error) = counts.failure {
            return Err(Failure::try_again(format!("{line}; mails could not be counted: {error}")));
        }
        if surroundings.remembers {
            // For the metrics alone: what fails there is no trouble of the mail.
            let _ = store::unwanted::count(&config.store);
        }
        return if watch::must_look(config, now) { in_passing(config, surroundings, &intake, line) } else { Ok(line) };
    }
    let automatic = message.own || is_automatic(message, envelope.sender.as_deref());
    let mail = Incoming { bytes, message, size: message.size, automatic };
    carry_out(config, surroundings, (message, mail), &intake, counts, options.wait)
}

fn unwanted(config: &Config, message: &Message, intake: &Intake<'_>) -> String {
    let id = message.header("Message-ID").unwrap_or("a mail without Message-ID");
    match intake.unknown.as_slice() {
        [one] if intake.known.is_empty() && !config.recipients.is_empty() => {
            format!("{}: no rule wants it (`{one}` is not under [recipients])", terminal::short(id, 120))
        }
        _ => {
            let mut line = format!("{}: no rule wants it", terminal::short(id, 120));
            for counted in &intake.counted {
                let _ = write!(line, "; {counted}");
            }
            line
        }
    }
}

/// A mail that nobody wants passes by where no engine watches for heartbeats: looks whether one is missing. What goes
/// wrong with that is the mail's trouble only when its redelivery is what follows up.
fn in_passing(
    config: &Arc<Config>,
    surroundings: &Surroundings,
    intake: &Intake<'_>,
    line: String,
) -> Result<String, Failure> {
    let desk = surroundings.desk(config);
    let looked = surroundings.store(config).and_then(|mut store| {
        let duty = watch::look(&desk, store.as_mut(), intake)?;
        let mut lines = duty.lines;
        let mut over = true;
        if !duty.own.is_empty() {
            let (told, all_over) = follow_up::follow(surroundings, &desk, store, &duty.own, false)?;
            lines.extend(told);
            over = all_over;
        }
        lines.extend(watch::follow_others(surroundings, &desk, &duty.others));
        Ok((lines, over))
    });
    match looked {
        Ok((lines, over)) => {
            let line = lines.iter().fold(line, |line, part| format!("{line}; {part}"));
            if over { Ok(line) } else { Err(Failure::try_again(line)) }
        }
        Err(error) => Ok(format!("{line}; heartbeats could not be looked at: {error}")),
    }
}

/// Puts on disk what the mail asks for, sends what is due, and finds out who follows up.
fn carry_out(
    config: &Arc<Config>,
    surroundings: &Surroundings,
    (message, mail): (&Message, Incoming<'_>),
    intake: &Intake<'_>,
    counts: Counts<'_>,
    wait: bool,
) -> Result<String, Failure> {
    let mut lines: Vec<String> = intake.problems.iter().map(ToString::to_string).collect();
    lines.extend(intake.counted.iter().cloned());
    let mut alerts: Vec<AlertId> = Vec::new();
    let mut failed = !intake.problems.is_empty() || counts.failure.is_some();
    let mut following = None;
    let mut others = Vec::new();
    if !intake.wishes.is_empty() || !intake.heartbeats.is_empty() {
        let desk = surroundings.desk(config);
        lines.extend(desk.trouble.clone());
        match counts.store.map_or_else(|| surroundings.store(config), Ok) {
            Ok(mut store) => {
                lines.extend(counts.failure.map(|error| format!("mails could not be counted: {error}")));
                match watch::record(store.as_mut(), intake, desk.now()) {
                    Ok(line) => lines.extend(line),
                    Err(error) => {
                        failed = true;
                        lines.push(format!("the heartbeat could not be recorded: {error}"));
                    }
                }
                for wish in &intake.wishes {
                    match take_in(surroundings, &desk, store.as_mut(), wish, mail) {
                        Ok((line, of_wish)) => {
                            lines.push(line);
                            alerts.extend(of_wish);
                        }
                        Err(error) => {
                            failed = true;
                            lines.push(without_store(surroundings, &desk, wish, &error));
                        }
                    }
                }
                match watch::look(&desk, store.as_mut(), intake) {
                    Ok(duty) => {
                        lines.extend(duty.lines);
                        alerts.extend(duty.own);
                        others = duty.others;
                    }
                    Err(error) => lines.push(format!("heartbeats could not be looked at: {error}")),
                }
                following = Some((desk, store));
            }
            Err(error) => {
                failed = true;
                if intake.wishes.is_empty() {
                    lines.push(format!("the heartbeat could not be recorded: {error}"));
                }
                lines.extend(intake.wishes.iter().map(|wish| without_store(surroundings, &desk, wish, &error)));
            }
        }
    }
    for note in intake.wishes.iter().flat_map(|wish| &wish.notes) {
        lines.push(note.clone());
    }
    if let Some((desk, store)) = following {
        if !alerts.is_empty() {
            match follow_up::follow(surroundings, &desk, store, &alerts, wait) {
                Ok((line, over)) => {
                    lines.extend(line);
                    failed |= !over;
                }
                Err(error) => {
                    failed = true;
                    lines.push(error.to_string());
                }
            }
        }
        lines.extend(watch::follow_others(surroundings, &desk, &others));
    }
    let id = message.header("Message-ID").map(|id| terminal::short(id, 120));
    let line = lines.iter().fold(id.unwrap_or_default(), |mut line, part| {
        let _ = write!(line, "{}{part}", if line.is_empty() { "" } else { "; " });
        line
    });
    if failed { Err(Failure::try_again(line)) } else { Ok(line) }
}

/// Commits what one wish asks for. Returns what to log, and the alerts to follow.
fn take_in(
    surroundings: &Surroundings,
    desk: &Desk,
    store: &mut dyn Store,
    wish: &Wish<'_>,
    mail: Incoming<'_>,
) -> store::Result<(String, Vec<AlertId>)> {
    let arrival = &wish.arrival;
    let by =
        if arrival.rule.is_empty() { "no rule, known recipient".to_owned() } else { format!("rule {}", arrival.rule) };
    if !wish.notifies() {
        return close(desk, store, wish, mail).map(|(line, alerts)| (format!("{by}: {line}"), alerts));
    }
    let receipt = desk.receive(store, wish, mail)?;
    let alert = receipt.alert();
    // It is a line of the history. The alert itself is on disk.
    let failed = stateless::hand_over(surroundings, desk, store, wish, alert).err();
    let trouble = failed.map(|error| format!("; who was called without a store could not be recorded: {error}"));
    let what = match &receipt {
        Receipt::Opened(_) => "opened",
        Receipt::SameMail(_) => "the same mail again for",
        Receipt::Joined(_) => "joined",
    };
    let trouble = trouble.unwrap_or_default();
    let line = format!("{by}: {what} alert {} ({}) of {}{trouble}", alert.id, alert.code, alert.group);
    Ok((line, vec![alert.id]))
}

/// `resolve` and `acknowledge`: by the key, once a mail.
fn close(
    desk: &Desk,
    store: &mut dyn Store,
    wish: &Wish<'_>,
    mail: Incoming<'_>,
) -> store::Result<(String, Vec<AlertId>)> {
    let (changed, newer) = match desk.close(store, wish, mail)? {
        Closing::Done { changed, newer } => (changed, newer),
        Closing::SameMail(alerts) => return Ok(("the same mail again".to_owned(), alerts)),
    };
    desk.hang_up();
    let mut told: Vec<String> = Vec::new();
    for alert in &changed {
        told.push(format!("alert {} ({}) is {}", alert.id, alert.code, alert.state.word()));
    }
    told.extend(newer.iter().map(|id| format!("alert {id} stays as it is: it has had a mail that was written later")));
    if told.is_empty() {
        told.push(format!("no open alert has the key `{}`", terminal::short(&wish.arrival.key, 80)));
    }
    Ok((told.join(", "), changed.iter().map(|alert| alert.id).collect()))
}

/// The store fails: when in doubt, wake someone. The first person, or at a further attempt the next one, is called without
/// state, and the mail stays with the mail server.
fn without_store(surroundings: &Surroundings, desk: &Desk, wish: &Wish<'_>, error: &store::Error) -> String {
    if !wish.notifies() {
        return error.to_string();
    }
    let outcome = match stateless::notify(surroundings, desk, wish) {
        Ok(done) => done,
        Err(why) => format!("and nobody could be called: {why}"),
    };
    format!("{error}; {outcome}")
}
