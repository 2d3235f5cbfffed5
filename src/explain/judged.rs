//! A mail that was read and judged but not delivered: what `explain` shows, and what `check --mail` compares.

use std::path::Path;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::config::Config;
use crate::intake::{self, Intake, Memory, intake};
use crate::mail::message::{self, Raw};
use crate::mail::{Envelope, Message, automatic};
use crate::rules::{Judgement, RuleError};

/// How the rules judge a mail for one recipient.
type Judge<'a> =
    dyn Fn(&'a Config, &Message, &Envelope, &str, Timestamp, &mut dyn Memory) -> Result<Judgement<'a>, RuleError>;

/// So many recipients are judged on their own where the rules look at the recipient.
const RECIPIENTS: usize = 8;

/// A mail and its envelope.
pub struct Mail {
    /// The mail, decoded.
    pub message: Message,
    /// Who sent it to whom, as far as is known.
    pub envelope: Envelope,
}

/// What the rules make of a mail.
pub struct Judged<'a> {
    /// The rule file.
    pub config: &'a Config,
    /// The mail.
    pub mail: &'a Mail,
    /// When it comes.
    pub now: Timestamp,
    /// What it asks for.
    pub intake: Intake<'a>,
    /// Every rule and condition (or the rules that decide), for each recipient for whom they may differ; never empty.
    pub judgements: Vec<(String, Judgement<'a>)>,
}

impl Mail {
    /// Decodes a mail. Without recipients, those of the headers count.
    pub fn new(raw: &Raw, sender: Option<&str>, recipients: &[String]) -> Self {
        let message = Message::parse(raw);
        let envelope = Envelope::resolve(sender, recipients, &|_| None, &message);
        Self { message, envelope }
    }

    /// Reads a mail from a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path, sender: Option<&str>, recipients: &[String]) -> std::io::Result<Self> {
        let mut file = std::fs::File::open(path)?;
        let raw = message::read(&mut file)?;
        raw.error.as_ref().map_or(Ok(()), |error| Err(std::io::Error::new(error.kind(), error.to_string())))?;
        Ok(Self::new(&raw, sender, recipients))
    }

    /// When it was written, by its `Date` field.
    pub fn date(&self) -> Option<Timestamp> {
        let text = self.message.header("Date")?;
        let zoned = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_zoned(text.trim()).ok()?;
        Some(zoned.timestamp())
    }

    /// Whether it is an automatic answer or a bounce, or our own.
    pub fn is_automatic(&self) -> bool {
        automatic::is_automatic(&self.message, self.envelope.sender.as_deref())
    }
}

impl<'a> Judged<'a> {
    /// Judges a mail as if it came at `now`, to one who remembers what `memory` does.
    ///
    /// # Errors
    /// When a pattern cannot be compiled.
    pub fn new(config: &'a Config, mail: &'a Mail, now: Timestamp, memory: &mut dyn Memory) -> Result<Self, RuleError> {
        Self::by(&intake::explain, config, mail, now, memory)
    }

    /// The same with the rules that decide alone, and without the reports of their conditions, which take far longer than
    /// the judgement.
    ///
    /// # Errors
    /// When a pattern that is needed cannot be compiled.
    pub fn briefly(
        config: &'a Config,
        mail: &'a Mail,
        now: Timestamp,
        memory: &mut dyn Memory,
    ) -> Result<Self, RuleError> {
        Self::by(&intake::judge, config, mail, now, memory)
    }

    fn by(
        judge: &Judge<'a>,
        config: &'a Config,
        mail: &'a Mail,
        now: Timestamp,
        memory: &mut dyn Memory,
    ) -> Result<Self, RuleError> {
        let intake = intake(config, &mail.message, &mail.envelope, now, memory)?;
        let mut recipients: Vec<String> = intake.known.iter().chain(&intake.unknown).cloned().collect();
        if recipients.is_empty() {
            recipients.push(String::new());
        }
        let apart = config.rules.depends_on_recipient();
        recipients.truncate(if apart { RECIPIENTS } else { 1 });
        let mut judgements = Vec::new();
        for recipient in recipients {
            let judgement = judge(config, &mail.message, &mail.envelope, &recipient, now, memory)?;
            judgements.push((recipient, judgement));
        }
        Ok(Self { config, mail, now, intake, judgements })
    }

    /// The names of the rules that decide, in order, each once.
    pub fn deciding(&self) -> Vec<&'a str> {
        let mut names = Vec::new();
        for (_, judgement) in &self.judgements {
            for verdict in judgement.matched() {
                if !names.contains(&verdict.rule.name.as_str()) {
                    names.push(verdict.rule.name.as_str());
                }
            }
        }
        names
    }
}
