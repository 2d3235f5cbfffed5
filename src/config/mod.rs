//! The rule file: from TOML to checked rules, groups and policies. Every complaint names file, line, column and key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use secrecy::SecretString;

use crate::alert::limit::Limits;
use crate::alert::{NotificationId, Policy, Target, Token};
use crate::notify::link;
use crate::notify::replies::Replies;
use crate::oncall::{Contact, ContactId, GroupId, Phone, Roster};
use crate::rules::RuleSet;

mod calendar;
mod conditions;
mod coverage;
mod defaults;
mod delivery;
pub mod diagnostic;
mod document;
mod forward;
mod gateway;
pub mod heartbeats;
mod hours;
mod include;
mod languages;
mod limits;
mod load;
pub mod locate;
mod mask;
pub mod moment;
mod names;
mod pairs;
pub mod password;
mod people;
mod policies;
mod providers;
mod proxy;
mod reader;
mod recipients;
mod recoveries;
mod rotation;
mod rule_entries;
mod samples;
mod scalar;
pub mod schema;
mod secret;
mod self_test;
mod services;
mod smtp;
mod source;
mod suggest;
mod templates;
mod test_entries;
mod text_offset;
mod time;
mod users;
mod value;
mod variables;
mod warnings;

#[cfg(test)]
mod tests;

pub use calendar::CalendarFile;
pub use delivery::DeliveryOrder;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use forward::{Forward, ForwardTo};
pub use heartbeats::{Heartbeat, Heartbeats};
pub use moment::{Moment, MomentError};
pub use password::PasswordHash;
pub use providers::{ProviderEntry, ProviderKind, Service};
pub use proxy::Proxy;
pub use recipients::Recipient;
pub use self_test::SelfTest;
pub use services::keep_time;
pub use test_entries::{Expected, TestEntry};
pub use users::{ApiToken, Role, User};
pub use variables::BUILT_IN_VARIABLES;

use reader::{Purpose, Reader};
use value::At;

/// The keys at the top of the rule file.
const TOP_LEVEL: &[&str] = &[
    "include",
    "twiml",
    "twilio",
    "server",
    "store",
    "contacts",
    "groups",
    "policies",
    "defaults",
    "recipients",
    "rules",
    "voice",
    "heartbeats",
    "self_test",
    "providers",
    "delivery",
    "limits",
    "tests",
    "mail_dir",
    "users",
    "tokens",
];

/// Those that an included file may have, too.
const INCLUDABLE: &[&str] =
    &["contacts", "groups", "policies", "recipients", "rules", "heartbeats", "tests", "mail_dir", "users", "tokens"];

/// The checked rule file.
#[derive(Debug)]
pub struct Config {
    /// The file that was loaded (not the included ones).
    pub path: PathBuf,
    /// Every file that was read: the main one, then the included ones.
    pub files: Vec<PathBuf>,
    /// `[twilio]`, the short form of a provider of that name: always a [`Service::Twilio`].
    pub twilio: Option<Service>,
    /// `[server]`.
    pub server: Server,
    /// `[store] path`.
    pub store: PathBuf,
    /// `[store] keep`: how long an alert that is over is kept; `None`: for ever.
    pub keep: Option<SignedDuration>,
    /// `[store] keep_text`: whether what mails say is kept with their alerts.
    pub keep_text: bool,
    /// `[contacts]` and `[groups]`; no overrides.
    pub roster: Roster,
    /// `[policies]`, and the built-in ones that no entry replaces: `call`, `sms`, `page`.
    pub policies: BTreeMap<String, Policy>,
    /// `[recipients]`, in the order of the rule file.
    pub recipients: Vec<Recipient>,
    /// `[[rules]]`.
    pub rules: RuleSet,
    /// `[defaults]`.
    pub defaults: Defaults,
    /// `[limits]`, and those of the contacts.
    pub limits: Limits,
    /// `[voice]`.
    pub voice: Voice,
    /// The directory `twiml = "…"` whose files replace the built-in templates; checked to be readable.
    pub twiml: Option<PathBuf>,
    /// `[groups.NAME] forward`.
    pub forwards: BTreeMap<GroupId, Forward>,
    /// The calendars that say who is on call, in the order in which they were read.
    pub calendars: Vec<CalendarFile>,
    /// `[[heartbeats]]`.
    pub heartbeats: Heartbeats,
    /// `[self_test]`.
    pub self_test: Option<SelfTest>,
    /// `[providers]`, in the order of the rule file.
    pub providers: Vec<ProviderEntry>,
    /// `[delivery]`.
    pub delivery: DeliveryOrder,
    /// `[users]`, by name.
    pub users: BTreeMap<String, User>,
    /// `[tokens]`.
    pub tokens: Vec<ApiToken>,
    /// `[[tests]]`; empty unless the file was read by [`Config::check`].
    pub tests: Vec<TestEntry>,
    /// What `check` warns of; loading for other commands keeps only what endangers (a secret that others can read).
    pub warnings: Vec<Diagnostic>,
}

/// `[twilio]`, or a provider that speaks the same API.
#[derive(Debug, Clone)]
pub struct Twilio {
    /// `AC…`.
    pub account_sid: String,
    /// Signs webhooks; also authenticates REST calls when there is no API key.
    pub auth_token: SecretString,
    /// The token before a rotation: webhooks signed with it are accepted, too.
    pub previous_auth_token: Option<SecretString>,
    /// `SK…` and its secret, for REST calls.
    pub api_key: Option<(String, SecretString)>,
    /// The number that calls and texts come from.
    pub from: Option<Phone>,
    /// `MG…`, for texts.
    pub messaging_service: Option<String>,
    /// Without a slash at the end.
    pub api_url: String,
    /// Detect answering machines; false when left out: the provider charges for it, and keys tell humans apart.
    pub machine_detection: bool,
    /// At most so many calls a second; `None`: no limit of ours.
    pub calls_per_second: Option<u32>,
}

/// `[server]`.
#[derive(Debug, Clone)]
pub struct Server {
    /// `ADDRESS:PORT`, or `unix:PATH`.
    pub listen: String,
    /// How the provider reaches the server; without a slash at the end. `None`: work without webhooks.
    pub public_url: Option<String>,
    /// Whether an alert's text ends with a link.
    pub link: Links,
    /// What is believed of a reverse proxy.
    pub proxy: Proxy,
}

/// The links of alerts in texts and mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// None.
    No,
    /// To the alert's page, which asks who one is.
    Page,
    /// To a page for the one who was notified, for a day.
    Token,
}

impl Server {
    /// The address of an alert's page, where texts are to have links.
    pub fn link_of(&self, alert: &impl std::fmt::Display) -> Option<String> {
        let public = self.public_url.as_ref()?;
        match self.link {
            Links::No => None,
            Links::Page | Links::Token => Some(format!("{public}/alerts/{alert}")),
        }
    }

    /// The link in what notifies one contact: with `link = "token"` it knows them.
    pub fn link_for(&self, id: NotificationId, token: &Token) -> Option<String> {
        match self.link {
            Links::No | Links::Page => self.link_of(&id.alert),
            Links::Token => Some(format!("{}/a/{}", self.public_url.as_ref()?, link::path(id, token))),
        }
    }

    /// Whether people reach us by https, as far as we know.
    pub fn is_https(&self) -> bool {
        let public = self.public_url.as_deref().unwrap_or_default();
        public.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
    }

    /// Whether it listens at all addresses of the machine, so that it may have no proxy before it.
    fn listens_to_all(&self) -> bool {
        let host = self.listen.rsplit_once(':').map_or("", |(host, _)| host);
        matches!(host, "0.0.0.0" | "[::]")
    }
}

/// What becomes of a mail to a known recipient that no rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmatched {
    /// It pages the recipient's group.
    Page,
    /// Nothing.
    Ignore,
}

/// `[defaults]`.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// `unmatched`; `Page` when left out.
    pub unmatched: Unmatched,
    /// `group`: for rules without one when the recipient is unknown. When left out and there is but one group: that.
    pub group: Option<GroupId>,
    /// `window`; one hour when left out.
    pub window: SignedDuration,
    /// `time_zone`: for conditions and rotations that name none; the system's when left out.
    pub time_zone: jiff::tz::TimeZone,
    /// `escalation`: whom steps with `notify = "escalation"` notify. Steps hold it already.
    pub escalation: Option<Target>,
    /// `replies`: the addresses at which our mails are answered.
    pub replies: Option<Replies>,
}

/// `[voice]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// BCP 47: `en-NZ`.
    pub language: String,
    /// Twilio's name of the voice: `Polly.Aria`; `None`: Twilio's default.
    pub voice: Option<String>,
}

/// What `check` found: everything there is to say, and the rule file as far as it is right.
#[derive(Debug)]
pub struct Report {
    /// `None` when the file, or one that it includes, cannot be read or parsed. Where there are errors, the entries
    /// that they are about are missing.
    pub config: Option<Config>,
    /// Errors, then warnings, each in the order of the files.
    pub diagnostics: Diagnostics,
    /// Where `public_url` stands, as a warning without words: whoever tries whether it can be reached fills them in.
    pub public_url: Option<Diagnostic>,
}

impl Config {
    /// Loads and checks the rule file and everything it includes, to notify people by it. Templates are not looked
    /// at: one that cannot be rendered must not stop a call.
    ///
    /// # Errors
    /// All errors found, at once.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        Self::load_with(path, &process_environment)
    }

    /// Like [`load`](Self::load), with another environment than the process's for `{ env = … }`.
    ///
    /// # Errors
    /// All errors found, at once.
    pub fn load_with(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Diagnostics> {
        load::read(path, environment, Purpose::Send).into_result()
    }

    /// Like [`load`](Self::load), for commands that notify nobody: a secret that cannot be had is only warned of, and
    /// `twilio` is then `None`.
    ///
    /// # Errors
    /// All other errors found, at once.
    pub fn load_to_look(path: &Path) -> Result<Self, Diagnostics> {
        load::read(path, &process_environment, Purpose::Look).into_result()
    }

    /// Everything that is wrong with or odd in the rule file: besides what [`load`](Self::load) finds, its templates,
    /// the size of its patterns, and all warnings. `environment` is where `{ env = … }` looks.
    pub fn check(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Report {
        load::read(path, environment, Purpose::Check)
    }

    /// How a contact is spoken and written to: as the contact wants it, else as `[voice]` says. A contact with a language
    /// of their own and no voice has the provider's voice for it: that of `[voice]` speaks another.
    pub fn voice_of(&self, contact: &ContactId) -> Voice {
        let contact = self.roster.contacts.get(contact);
        let of_contact = |field: fn(&Contact) -> &Option<String>| contact.and_then(|contact| field(contact).clone());
        let language = of_contact(|contact| &contact.language);
        let voice = of_contact(|contact| &contact.voice);
        let voice = match &language {
            Some(language) if !same_language(language, &self.voice.language) => voice,
            Some(_) | None => voice.or_else(|| self.voice.voice.clone()),
        };
        Voice { language: language.unwrap_or_else(|| self.voice.language.clone()), voice }
    }

    /// The recipient entry for an address: an exact one first, also without the address extension (`david+db@` →
    /// `david@`); else the first pattern that fits.
    pub fn recipient(&self, address: &str) -> Option<&Recipient> {
        recipients::find(&self.recipients, address)
    }
}

/// Whether two tags name the same language, wherever it is spoken: `en-NZ` and `en-GB`.
fn same_language(one: &str, other: &str) -> bool {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    primary(one) == primary(other)
}

/// The environment of this process, for [`Config::check`].
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Report {
    fn into_result(self) -> Result<Config, Diagnostics> {
        match self.config {
            Some(config) if self.diagnostics.errors() == 0 => Ok(config),
            Some(_) | None => Err(self.diagnostics),
        }
    }
}

/// What entries are read with: the reader, and what they may refer to.
struct Scope<'a> {
    reader: &'a Reader<'a>,
    names: names::Names<'a>,
    time_zone: jiff::tz::TimeZone,
}

/// A path as it is meant: a relative one is beside the rule file that names it.
fn beside(reader: &Reader<'_>, at: At, path: &Path) -> PathBuf {
    let directory = reader.documents.get(at.file).and_then(|document| document.file.path.parent());
    directory.map_or_else(|| path.to_owned(), |directory| directory.join(path))
}
