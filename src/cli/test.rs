//! `thialfi test CONTACT`: a real call, text or mail that says that it is a test.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anstream::println;
use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;

use super::setup::{self, complain};
use crate::alert::{CallStatus, Channel, Digest, Refusal, TextStatus};
use crate::config::Config;
use crate::engine::Desk;
use crate::engine::providers::{Entry, place_call, send_mail, send_text};
use crate::exit::Exit;
use crate::notify::letter::{self, Head};
use crate::notify::phrase::{About, Phrase};
use crate::notify::{sms, twiml};
use crate::oncall::{Address, Contact, ContactId, MailAddress, Phone};
use crate::provider::{Call, Reports, Script, Status, Text};

/// How long the outcome is waited for.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often it is asked for.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// What `test` takes.
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Whom, by the name in the rule file
    #[arg(required_unless_present_any = ["round", "to"], conflicts_with = "round")]
    pub contact: Option<String>,
    /// Test the whole way: send a marked mail as `[self_test]` says, and wait until it has come out as a notification
    #[arg(long = "loop", id = "round", conflicts_with_all = ["call", "sms", "email", "to", "provider"])]
    pub round: bool,
    /// Print JSON (with --loop)
    #[arg(long, requires = "round")]
    pub json: bool,
    /// Call (what is done without an option, too)
    #[arg(long, conflicts_with_all = ["sms", "email"])]
    pub call: bool,
    /// Text
    #[arg(long, conflicts_with = "email")]
    pub sms: bool,
    /// Mail
    #[arg(long)]
    pub email: bool,
    /// Mail to this address, whosever it is
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["contact", "call", "sms"])]
    pub to: Option<MailAddress>,
    /// By this provider of the rule file alone, instead of all in their order
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
}

/// Sends it, and tells what becomes of it.
pub fn run(config: Option<&Path>, options: &Options) -> Exit {
    if options.round {
        return super::self_test::run(config, options.json);
    }
    match story(config, options) {
        Ok(()) => Exit::Success,
        Err(exit) => exit,
    }
}

fn story(config: Option<&Path>, options: &Options) -> Result<(), Exit> {
    let config = setup::load_or_complain(config)?;
    let channel = match options {
        Options { sms: true, .. } => Channel::Text,
        Options { email: true, .. } | Options { to: Some(_), .. } => Channel::Email,
        _ => Channel::Call,
    };
    let refuse = |why: anyhow::Error| {
        complain(&why.to_string());
        Exit::No
    };
    let (who, to) = whom(&config, options, channel).map_err(refuse)?;
    let desk = setup::desk(config);
    let order = choose(&desk, options.provider.as_deref(), channel).map_err(refuse)?;
    for entry in order {
        let provider = entry.provider();
        let sent = match (channel, &to) {
            (Channel::Call, Address::Phone(number)) => place_call(provider, &call(&desk, &who, number)),
            (Channel::Text, Address::Phone(number)) => send_text(provider, &text(&desk, &who, number)),
            (_, Address::Mail(address)) => send_mail(provider, &|from| {
                let words = desk.text(&who.id, Phrase::MailTest, &About::default());
                mail(&desk, from, (&who.name, address), &words)
            }),
            (Channel::Email, Address::Phone(_)) => continue,
        };
        match sent {
            Ok(id) => {
                let noun = channel.noun();
                println!("The {noun} to {} was accepted by {}: {id}", shown(&who.name, &to), provider.name());
                if let Some(reports) = provider.reports() {
                    return follow(reports, channel, &id);
                }
                println!("  {} does not say whether it arrives", provider.name());
                return Ok(());
            }
            Err(refusal) => {
                let (done, who) = (channel.done(), shown(&who.name, &to));
                complain(&format!("{who} was not {done} by {}: {}", provider.name(), reason(&refusal)));
                // In a test a doubt is not worth a second call.
                if matches!(refusal, Refusal::Permanent { .. } | Refusal::Ambiguous { .. }) {
                    break;
                }
            }
        }
    }
    Err(Exit::No)
}

/// The provider that was named, or all in their order.
fn choose(desk: &Desk, name: Option<&str>, channel: Channel) -> anyhow::Result<Vec<Arc<Entry>>> {
    let what = format!("{}s", channel.noun());
    let Some(name) = name else {
        let order = desk.providers.order(channel).to_vec();
        ensure!(!order.is_empty(), "the rule file has no provider for {what}");
        return Ok(order);
    };
    let entry = desk.providers.named(name).with_context(|| {
        let known = desk.providers.names();
        format!("there is no provider `{name}`; there are: {}", known.join(", "))
    })?;
    ensure!(entry.provider().carries(channel), "`{name}` carries no {what}");
    Ok(vec![entry])
}

/// `David (+64211110001)`.
fn shown(name: &str, to: &Address) -> String {
    if name.is_empty() { to.to_string() } else { format!("{name} ({to})") }
}

/// Whom, and where: a contact, or whoever has a mail address.
fn whom(config: &Config, options: &Options, channel: Channel) -> anyhow::Result<(Contact, Address)> {
    let contacts = &config.roster.contacts;
    let name = match (&options.contact, &options.to) {
        (_, Some(address)) => {
            let id = ContactId::new(address.as_str());
            let (name, language, voice) = (String::new(), None, None);
            let somebody = Contact { id, name, phone: None, sms: None, email: None, language, voice };
            return Ok((somebody, Address::Mail(address.clone())));
        }
        (Some(name), None) => name,
        (None, None) => bail!("whom? name a contact of the rule file"),
    };
    let contact = contacts.get(&ContactId::new(name)).ok_or_else(|| {
        let known: Vec<&str> = contacts.keys().map(ContactId::as_str).collect();
        anyhow!("there is no contact `{name}`; there are: {}", known.join(", "))
    })?;
    let to = channel.address(contact).with_context(|| format!("`{name}` has no {}", channel.lacking()))?;
    Ok((contact.clone(), to))
}

fn call(desk: &Desk, contact: &Contact, to: &Phone) -> Call {
    Call {
        to: to.clone(),
        script: Script::Inline(desk.templates.render(twiml::Page::Test, &words(desk, contact))),
        words: text(desk, contact, to).body,
        status_url: None,
        machine_detection: false,
    }
}

fn text(desk: &Desk, contact: &Contact, to: &Phone) -> Text {
    let body = sms::compose("", &desk.text(&contact.id, Phrase::Test, &About::default()), 1);
    Text { to: to.clone(), body, status_url: None }
}

fn mail(desk: &Desk, from: &letter::Sender, to: (&str, &MailAddress), words: &str) -> letter::Letter {
    let at = desk.now();
    let identity = Digest::of(["test", to.1.as_str(), &at.to_string(), &std::process::id().to_string()]);
    let head = Head { from, to, reply_to: None, subject: words, identity, thread: None, at, list: None, answers: None };
    letter::plain(&head, &format!("{words}\n"))
}

fn words(desk: &Desk, contact: &Contact) -> twiml::Script {
    let voice = desk.config.voice_of(&contact.id);
    twiml::Script {
        language: voice.language,
        voice: voice.voice.unwrap_or_default(),
        contact: contact.name.clone(),
        ..twiml::Script::default()
    }
}

/// Asks until it is known how it ended.
fn follow(reports: &dyn Reports, channel: Channel, id: &str) -> Result<(), Exit> {
    let began = Instant::now();
    let mut last = String::new();
    while began.elapsed() < PATIENCE {
        let (word, end) = match reports.status(channel, id) {
            Ok(status) => describe(&status),
            Err(refusal) => (format!("no answer about it: {}", reason(&refusal)), None),
        };
        if word != last {
            println!("  {word}");
            last = word;
        }
        match end {
            Some(true) => return Ok(()),
            Some(false) => return Err(Exit::No),
            None => std::thread::sleep(ASK_EVERY.min(PATIENCE.saturating_sub(began.elapsed()))),
        }
    }
    complain("how it ended is not known yet");
    Err(Exit::No)
}

/// In words, and whether it arrived once that is known.
fn describe(status: &Status) -> (String, Option<bool>) {
    match status {
        Status::Call { status, .. } => match status {
            CallStatus::Queued => ("queued".to_owned(), None),
            CallStatus::Initiated => ("dialling".to_owned(), None),
            CallStatus::Ringing => ("ringing".to_owned(), None),
            CallStatus::InProgress => ("answered".to_owned(), None),
            CallStatus::Completed => ("answered, and over (by a human or a mailbox)".to_owned(), Some(true)),
            CallStatus::Busy => ("busy".to_owned(), Some(false)),
            CallStatus::NoAnswer => ("nobody answered".to_owned(), Some(false)),
            CallStatus::Failed => ("not connected".to_owned(), Some(false)),
            CallStatus::Canceled => ("cancelled".to_owned(), Some(false)),
        },
        Status::Text { status, detail } => match status {
            TextStatus::Queued => ("queued".to_owned(), None),
            TextStatus::Sent => ("sent; waiting for the handset".to_owned(), None),
            TextStatus::Delivered => ("delivered".to_owned(), Some(true)),
            TextStatus::Undelivered => (format!("not delivered {detail}"), Some(false)),
            TextStatus::Failed => (format!("not sent {detail}"), Some(false)),
            TextStatus::Canceled => ("cancelled".to_owned(), Some(false)),
        },
    }
}

/// A refusal in words.
pub fn reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Permanent { reason } | Refusal::Temporary { reason, .. } => reason.clone(),
        Refusal::Ambiguous { reason, .. } => format!("{reason} (it may have been placed all the same)"),
        Refusal::Credentials { reason } => format!("the credentials were refused: {reason}"),
    }
}
