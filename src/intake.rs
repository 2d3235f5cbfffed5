//! What a mail asks for: the rules' judgement of it, turned into alerts to open, acknowledge or resolve. Pure: `deliver`
//! carries it out, `explain` shows it, `backtest` counts it.

mod answers;
mod heartbeats;
pub mod memory;
pub mod reply_address;

use jiff::Timestamp;

use crate::alert::{Digest, MailFact, Phase, Policy, fact, key};
use crate::config::{BUILT_IN_VARIABLES, Config, Heartbeat, Unmatched};
use crate::mail::{Envelope, Message, RecipientSource};
use crate::notify::template::{self, TemplateError, Variables};
use crate::oncall::GroupId;
use crate::rules::ruleset::View;
use crate::rules::{Action, Count, Judgement, Rule, RuleError, RuleVerdict, Sight};
use crate::store::{Arrival, Beat};
use answers::Answers;
pub use memory::{Forgetful, Memory, Played};

/// Recipients that are known only from the headers are judged one by one up to this number: nobody configured them to
/// come to us, and a mail with 10,000 addresses in `To` must not take a minute.
const HEADER_RECIPIENTS: usize = 256;

/// What one mail asks for, for one group.
#[derive(Debug, Clone)]
pub struct Wish<'c> {
    /// What to do.
    pub action: Action,
    /// The rule that says so; `None` when no rule matched a mail to a known recipient.
    pub rule: Option<&'c Rule>,
    /// The named captures of the rule.
    pub captures: Vec<(String, String)>,
    /// Everything that templates could use.
    pub variables: Variables,
    /// The policy to play.
    pub policy: &'c Policy,
    /// What the store is asked for.
    pub arrival: Arrival,
    /// What went wrong with templates, and what was said instead.
    pub notes: Vec<String>,
}

impl Wish<'_> {
    /// Whether somebody is to be called or texted for it.
    pub fn notifies(&self) -> bool {
        self.action.notifies()
    }
}

/// Something that stands between a mail and a call. The mail stays with the mail server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A rule wants somebody called, but nothing says whom.
    #[error(
        "rule `{rule}` matched, but `{recipient}` belongs to no group: give the rule a `group`, or name the address under [recipients]"
    )]
    NoGroup {
        /// Which rule.
        rule: String,
        /// For which recipient.
        recipient: String,
    },
    /// An address that the mail server hands to us is not under `[recipients]`, and no rule wanted the mail.
    #[error("unknown recipient `{0}`: add it under [recipients], or use --reject-unknown")]
    UnknownRecipient(String),
}

/// What a mail asks for.
#[derive(Debug, Default)]
pub struct Intake<'c> {
    /// One for each rule that matched and each group that it concerns, in the order of the rules.
    pub wishes: Vec<Wish<'c>>,
    /// What keeps the mail from being dealt with.
    pub problems: Vec<Problem>,
    /// The recipients that are not under `[recipients]`.
    pub unknown: Vec<String>,
    /// The recipients that are.
    pub known: Vec<String>,
    /// The heartbeats whose mail this is, in the order of the rule file.
    pub heartbeats: Vec<&'c Heartbeat>,
    /// The mail as a heartbeat.
    pub beat: Option<Beat>,
    /// What was counted, in words: "rule `load`: mail 3 of 5 in 10m".
    pub counted: Vec<String>,
}

/// What `message` asks for. `memory` is asked only by rules that count, once all their conditions hold.
///
/// # Errors
/// When a pattern of the rule file turns out to be too large to compile.
pub fn intake<'c>(
    config: &'c Config,
    message: &Message,
    envelope: &Envelope,
    now: Timestamp,
    memory: &mut dyn Memory,
) -> Result<Intake<'c>, RuleError> {
    let mut intake = Intake::default();
    for address in &envelope.recipients {
        let list = if config.recipient(address).is_some() { &mut intake.known } else { &mut intake.unknown };
        list.push(address.clone());
    }
    let identity = identity(message);
    let answers = Answers::new(config, message, envelope, identity, memory);
    let recipients = judged(&intake, envelope.source);
    let view = |recipient| View { message, sender: envelope.sender.as_deref(), recipient, now };
    let mut sight = Sight::new(&view(""), &config.rules);
    let depends_on_recipient = config.rules.depends_on_recipient();
    let mut judgement: Option<Judgement<'_>> = None;
    let mut beats = heartbeats::Beats::new(&config.heartbeats, &view(""));
    intake.beat = Some(Beat { mail: identity, sent_at: heartbeats::sent_at(message, now) });
    for recipient in &recipients {
        let view = view(recipient);
        if judgement.is_none() || depends_on_recipient {
            sight.turn_to(recipient);
            judgement = Some(config.rules.judge_seen(&sight, &answers)?);
        }
        let mail = Mail { config, message, envelope, recipient, identity };
        let mut matched = false;
        for verdict in judgement.iter().flat_map(Judgement::matched) {
            matched = true;
            match mail.wish(Some(verdict)) {
                Ok(Some(wish)) => merge(&mut intake.wishes, wish),
                Ok(None) => {}
                Err(problem) => intake.problems.push(problem),
            }
        }
        // A mail that is waited for is wanted.
        let awaited = beats.of(recipient)?;
        let is_awaited = !awaited.is_empty();
        intake.heartbeats.extend(awaited);
        if matched || is_awaited || view.is_automatic() {
            continue;
        }
        let known = config.recipient(recipient).is_some();
        if known && config.defaults.unmatched == Unmatched::Page {
            match mail.wish(None) {
                Ok(Some(wish)) => merge(&mut intake.wishes, wish),
                Ok(None) => {}
                Err(problem) => intake.problems.push(problem),
            }
        } else if !known && !config.recipients.is_empty() && envelope.source == RecipientSource::Arguments {
            intake.problems.push(Problem::UnknownRecipient(recipient.clone()));
        }
    }
    intake.problems.dedup();
    intake.heartbeats.sort_by_key(|one| config.heartbeats.entries.iter().position(|other| other.name == one.name));
    intake.heartbeats.dedup_by_key(|one| &one.name);
    let unknown = answers.unknown.into_inner();
    for wish in intake.wishes.iter_mut().filter(|wish| unknown.contains(&wish.arrival.rule)) {
        let count = wish.rule.and_then(|rule| rule.count);
        wish.notes.extend(count.map(|Count { times, within }| {
            format!("only when it is at least mail {times} of its key in {within:#}, which is not known here")
        }));
    }
    intake.counted = answers.counted.into_inner();
    Ok(intake)
}

/// How the rules judge `message` for one recipient, with a report of every rule and condition. What `memory` does not
/// know is taken to be so, and said not to be known.
///
/// # Errors
/// When a pattern of the rule file turns out to be too large to compile.
pub fn explain<'c>(
    config: &'c Config,
    message: &Message,
    envelope: &Envelope,
    recipient: &str,
    now: Timestamp,
    memory: &mut dyn Memory,
) -> Result<Judgement<'c>, RuleError> {
    let answers = Answers::new(config, message, envelope, identity(message), memory);
    config.rules.explain(&View { message, sender: envelope.sender.as_deref(), recipient, now }, &answers)
}

/// The same, of the rules alone that decide: without a report, and as fast as a delivery.
///
/// # Errors
/// When a pattern that is needed turns out to be too large to compile.
pub fn judge<'c>(
    config: &'c Config,
    message: &Message,
    envelope: &Envelope,
    recipient: &str,
    now: Timestamp,
    memory: &mut dyn Memory,
) -> Result<Judgement<'c>, RuleError> {
    let answers = Answers::new(config, message, envelope, identity(message), memory);
    config.rules.judge(&View { message, sender: envelope.sender.as_deref(), recipient, now }, &answers)
}

/// Which recipients the rules judge the mail for. Those of the headers count only where none is known: a colleague in
/// `Cc` is not a reason to look for a group.
fn judged(intake: &Intake<'_>, source: RecipientSource) -> Vec<String> {
    let all: Vec<String> = match source {
        RecipientSource::Arguments => intake.known.iter().chain(&intake.unknown).cloned().collect(),
        RecipientSource::Environment | RecipientSource::Headers | RecipientSource::Nowhere => {
            if intake.known.is_empty() {
                intake.unknown.iter().take(HEADER_RECIPIENTS).cloned().collect()
            } else {
                intake.known.clone()
            }
        }
    };
    // A mail without any recipient is judged once all the same: a rule may name its group.
    if all.is_empty() { vec![String::new()] } else { all }
}

/// Which mail this is: the same delivered again has the same. Message-ID alone would trust a UPS that gives every mail
/// the same one, so date and subject count, too; a mail without one is known by its text.
pub fn identity(message: &Message) -> Digest {
    let field = |name| message.header(name).unwrap_or_default();
    let id = field("Message-ID").trim();
    if id.is_empty() {
        let size = message.size.to_string();
        Digest::of(["text", field("From"), field("Date"), message.subject(), message.body(), &size])
    } else {
        Digest::of(["id", id, field("Date"), message.subject()])
    }
}

/// When the mail says that it was written.
fn sent_at(message: &Message) -> Option<Timestamp> {
    let date = message.header("Date")?;
    // A comment may follow: `(NZDT)`.
    let date = date.split_once('(').map_or(date, |(date, _)| date).trim();
    jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp())
}

/// One mail to several recipients of one group opens one alert that names them all.
fn merge<'c>(wishes: &mut Vec<Wish<'c>>, wish: Wish<'c>) {
    let same = wishes.iter_mut().find(|other| {
        other.action == wish.action
            && other.arrival.group == wish.arrival.group
            && other.arrival.rule == wish.arrival.rule
    });
    match same {
        Some(other) => {
            for recipient in wish.arrival.recipients {
                if !other.arrival.recipients.contains(&recipient) {
                    other.arrival.recipients.push(recipient);
                }
            }
            other.arrival.other_digests.push(wish.arrival.digest);
            other.arrival.over.extend(wish.arrival.over);
        }
        None => wishes.push(wish),
    }
}

/// A mail on its way to one recipient.
struct Mail<'c, 'm> {
    config: &'c Config,
    message: &'m Message,
    envelope: &'m Envelope,
    recipient: &'m str,
    identity: Digest,
}

impl<'c> Mail<'c, '_> {
    /// What a verdict asks for; `None` for `ignore`. Without a verdict: what a mail to a known recipient asks for that
    /// no rule wanted.
    fn wish(&self, verdict: Option<&RuleVerdict<'c>>) -> Result<Option<Wish<'c>>, Problem> {
        let rule = verdict.map(|verdict| verdict.rule);
        let action = rule.map_or(Action::Page, |rule| rule.action);
        if action == Action::Ignore {
            return Ok(None);
        }
        let rule_name = rule.map(|rule| rule.name.clone()).unwrap_or_default();
        let Some(group) = self.group(rule) else {
            return Err(Problem::NoGroup { rule: rule_name, recipient: self.recipient.to_owned() });
        };
        let Some(policy) = self.policy(action, rule, &group) else {
            return Err(Problem::NoGroup { rule: rule_name, recipient: self.recipient.to_owned() });
        };
        let captures = verdict.map(|verdict| verdict.captures.clone()).unwrap_or_default();
        let mut notes = Vec::new();
        let variables = self.variables(rule, &group, &captures, &mut notes);
        let fallback = self.fallback();
        let words = |source: Option<&str>, what: &str, default: &str, notes: &mut Vec<String>| match template::render(
            source.unwrap_or(default),
            &variables,
        ) {
            Ok(words) if !words.trim().is_empty() => words,
            Ok(_) => fallback.clone(),
            Err(error) => {
                notes.push(format!("template `{what}` failed ({error}); the subject is used instead"));
                fallback.clone()
            }
        };
        let say = words(rule.and_then(|rule| rule.say.as_deref()), "say", DEFAULT_SAY, &mut notes);
        let text = words(rule.and_then(|rule| rule.sms.as_deref()), "sms", DEFAULT_SMS, &mut notes);
        let phase = Phase::of(self.message.subject());
        let key = self.key(rule, &captures, &variables, phase).unwrap_or_else(|error| {
            // A key that cannot be made must not make two events one: this mail stands for itself.
            notes.push(format!("template `key` failed ({error}); this mail is an alert of its own"));
            format!("mail {}", self.identity)
        });
        let over = self.over(action, rule, &captures, &variables, phase);
        let over = over.iter().map(|key| Digest::of([group.as_str(), key.as_str()])).collect();
        let window = rule.and_then(|rule| rule.window).unwrap_or(self.config.defaults.window);
        let told = Some(Box::new(self.told(action, &captures, &notes)));
        Ok(Some(Wish {
            action,
            rule,
            captures,
            variables,
            policy,
            arrival: Arrival {
                mail: self.mail(&group, &rule_name),
                digest: Digest::of([group.as_str(), key.as_str()]),
                other_digests: Vec::new(),
                over,
                sent_at: sent_at(self.message),
                key,
                window,
                group,
                rule: rule_name,
                recipients: if self.recipient.is_empty() { Vec::new() } else { vec![self.recipient.to_owned()] },
                subject: fallback,
                say,
                text,
                policy: policy.clone(),
                told,
            },
            notes,
        }))
    }

    /// What the history tells of the mail, but for what the arrival knows.
    fn told(&self, action: Action, captures: &[(String, String)], notes: &[String]) -> MailFact {
        let field = |name| self.message.header(name).map(str::trim).filter(|value| !value.is_empty()).map(fact::short);
        MailFact {
            from: field("From").unwrap_or_default(),
            subject: fact::short(self.message.subject()),
            message_id: field("Message-ID"),
            action: action.word().to_owned(),
            captures: captures.iter().map(|(name, value)| (name.clone(), fact::short(value))).collect(),
            notes: notes.iter().map(|note| fact::short(note)).collect(),
            ..MailFact::default()
        }
    }

    /// Which mail this is for a group and rule.
    fn mail(&self, group: &GroupId, rule: &str) -> Digest {
        Digest::of([self.identity.to_string().as_str(), group.as_str(), rule])
    }

    /// The key, as the rule gives it, or derived.
    fn key(
        &self,
        rule: Option<&Rule>,
        captures: &[(String, String)],
        variables: &Variables,
        phase: Phase,
    ) -> Result<String, TemplateError> {
        if let Some(source) = rule.and_then(|rule| rule.key.as_deref()) {
            return template::render(source, variables);
        }
        let rule = rule.map_or("", |rule| rule.name.as_str());
        Ok(key::derive(self.recipient, rule, captures, &self.fallback(), phase))
    }

    /// The key whose event this mail says is over, when it says so and yet wants somebody called: its own, where the
    /// rule gives it, else the one that the mail of the beginning has.
    fn over(
        &self,
        action: Action,
        rule: Option<&Rule>,
        captures: &[(String, String)],
        variables: &Variables,
        phase: Phase,
    ) -> Option<String> {
        if phase == Phase::Begun || !action.notifies() {
            return None;
        }
        self.key(rule, captures, variables, Phase::Begun).ok()
    }

    fn group(&self, rule: Option<&Rule>) -> Option<GroupId> {
        rule.and_then(|rule| rule.group.as_deref().map(GroupId::new))
            .or_else(|| self.config.recipient(self.recipient).map(|recipient| recipient.group.clone()))
            .or_else(|| self.config.defaults.group.clone())
    }

    fn policy(&self, action: Action, rule: Option<&Rule>, group: &GroupId) -> Option<&'c Policy> {
        let name = match action {
            Action::Call => "call",
            Action::Sms => "sms",
            Action::Page | Action::Resolve | Action::Acknowledge | Action::Ignore => rule
                .and_then(|rule| rule.policy.as_deref())
                .or_else(|| self.config.recipient(self.recipient).and_then(|recipient| recipient.policy.as_deref()))
                .or_else(|| self.config.roster.groups.get(group).and_then(|group| group.policy.as_deref()))
                .unwrap_or("page"),
        };
        self.config.policies.get(name)
    }

    /// What stands in for words that cannot be made: the subject, else the first line, else the sender.
    fn fallback(&self) -> String {
        let first_line = self.message.new_text().lines().map(str::trim).find(|line| !line.is_empty());
        match (self.message.subject().trim(), first_line) {
            ("", Some(line)) => line.chars().take(200).collect(),
            ("", None) => format!("mail without subject from {}", self.message.header("From").unwrap_or("nobody")),
            (subject, _) => subject.to_owned(),
        }
    }

    fn variables(
        &self,
        rule: Option<&Rule>,
        group: &GroupId,
        captures: &[(String, String)],
        notes: &mut Vec<String>,
    ) -> Variables {
        let field = |name| self.message.header(name).unwrap_or_default().to_owned();
        let group_name = self.config.roster.groups.get(group).map_or(group.as_str(), |group| group.name.as_str());
        let built_in = [
            ("subject", self.message.subject().to_owned()),
            ("from", field("From")),
            ("to", field("To")),
            ("date", field("Date")),
            ("message_id", field("Message-ID")),
            ("sender", self.envelope.sender.clone().unwrap_or_default()),
            ("recipient", self.recipient.to_owned()),
            ("group", group.to_string()),
            ("group_name", group_name.to_owned()),
            ("rule", rule.map(|rule| rule.name.clone()).unwrap_or_default()),
            ("text", self.message.new_text().to_owned()),
            ("new_text", self.message.new_text().to_owned()),
            ("body", self.message.body().to_owned()),
        ];
        debug_assert!(BUILT_IN_VARIABLES.iter().all(|name| built_in.iter().any(|(filled, _)| filled == name)));
        let mut variables = Variables {
            values: built_in.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            headers: self.message.headers.clone(),
            seed: self.identity.0.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte)),
        };
        variables.values.extend(captures.iter().cloned());
        for (name, source) in rule.into_iter().flat_map(|rule| &rule.set) {
            match template::render(source, &variables) {
                Ok(value) => variables.values.push((name.clone(), value)),
                Err(error) => notes.push(format!("template of `{name}` failed ({error}); nothing stands for it")),
            }
        }
        variables
    }
}

/// What is spoken when the rule has no `say`.
const DEFAULT_SAY: &str = "Alert for {{ group_name }}. {{ subject }}.";
/// What is texted when the rule has no `sms`.
const DEFAULT_SMS: &str = "{{ group_name }}: {{ subject }}{% if text %}. {{ text | truncate(300) }}{% endif %}";

#[cfg(test)]
mod tests;
