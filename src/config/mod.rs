//! The rule file: from TOML to checked rules, groups and policies. Every complaint names file, line, column and key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use secrecy::SecretString;

use crate::alert::Policy;
use crate::oncall::{GroupId, Phone, Roster};
use crate::rules::RuleSet;

pub mod diagnostic;
pub mod locate;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};

/// The checked rule file.
#[derive(Debug)]
pub struct Config {
    /// The file that was loaded (not the included ones).
    pub path: PathBuf,
    /// `[twilio]`; `None`: nobody can be called.
    pub twilio: Option<Twilio>,
    /// `[server]`.
    pub server: Server,
    /// `[store] path`.
    pub store: PathBuf,
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
    /// `[voice]`.
    pub voice: Voice,
    /// The directory `twiml = "…"` whose files replace the built-in templates; checked to be readable.
    pub twiml: Option<PathBuf>,
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
    /// Detect answering machines.
    pub machine_detection: bool,
}

/// `[server]`.
#[derive(Debug, Clone)]
pub struct Server {
    /// `ADDRESS:PORT`, or `unix:PATH`.
    pub listen: String,
    /// How the provider reaches the server; without a slash at the end. `None`: work without webhooks.
    pub public_url: Option<String>,
}

/// `[recipients]` entry: an address, or a pattern with `*`, tied to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// In lower case; `*` stands for any characters but `@`.
    pub pattern: String,
    /// Whose alerts its mails are.
    pub group: GroupId,
    /// The policy for `page`, when not the group's.
    pub policy: Option<String>,
    /// At most so many notifications in so long: `(5, 15 min)`.
    pub limit: Option<(u32, SignedDuration)>,
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
}

/// `[voice]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// BCP 47: `en-NZ`.
    pub language: String,
    /// Twilio's name of the voice: `Polly.Aria`; `None`: Twilio's default.
    pub voice: Option<String>,
}

impl Config {
    /// Loads and checks the rule file and everything it includes.
    ///
    /// # Errors
    /// All errors found, at once.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        let _ = path;
        todo!()
    }

    /// The recipient entry for an address: an exact one first, else the first pattern that fits.
    pub fn recipient(&self, address: &str) -> Option<&Recipient> {
        let _ = address;
        todo!()
    }
}
