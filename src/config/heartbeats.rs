//! `[[heartbeats]]`: mails that must come, when, and who is told when they do not.

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::policies::DEFAULT_POLICY;
use super::reader::Purpose;
use super::scalar::Fault;
use super::suggest::listed;
use super::value::{At, Table};
use super::{Defaults, Scope, conditions, time};
use crate::alert::{Digest, Policy};
use crate::heartbeat::{Cron, Rhythm, Slot};
use crate::oncall::{GroupId, Roster};
use crate::rules::proof::Prover;
use crate::rules::{Action, Nobody, Rule, RuleError, RuleSet, Sight};

const KEYS: &[&str] = &["name", "when", "every", "at", "cron", "time_zone", "grace", "group", "action", "policy"];

const ACTIONS: &[(&str, Action)] = &[("call", Action::Call), ("sms", Action::Sms), ("page", Action::Page)];

/// At most so many times a week in one entry.
const SLOTS: usize = 100;

/// What must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A mail.
    Mail,
    /// A self-test that is passed.
    SelfTest,
}

/// A `[[heartbeats]]` entry: a mail that must come. Or that of `[self_test]`.
#[derive(Debug)]
pub struct Heartbeat {
    /// Unique among heartbeats.
    pub name: String,
    /// What must come.
    pub kind: Kind,
    /// When it must come.
    pub rhythm: Rhythm,
    /// The same as it is written: `1 day`, `Mon-Fri 06:00`, `0 6 * * 1-5`.
    pub written: String,
    /// How late it may be; nothing when left out.
    pub grace: SignedDuration,
    /// In which its times are told.
    pub time_zone: TimeZone,
    /// Who is told when it does not come.
    pub group: GroupId,
    /// How: `call`, `sms` or `page`.
    pub action: Action,
    /// The policy for `page`, when not the group's.
    pub policy: Option<String>,
}

impl Heartbeat {
    /// Changes when the rhythm is edited: what was due by another is no lateness.
    pub fn form(&self) -> Digest {
        match &self.rhythm {
            Rhythm::Every(every) => Digest::of(["every", &every.as_secs().to_string()]),
            Rhythm::At { zone, .. } => Digest::of(["at", zone.iana_name().unwrap_or_default(), &self.written]),
            Rhythm::Cron { zone, .. } => Digest::of(["cron", zone.iana_name().unwrap_or_default(), &self.written]),
        }
    }

    /// How often it comes, in words: `every 1 day`, `Mon-Fri 06:00`, `cron 0 6 * * 1-5`.
    pub fn comes(&self) -> String {
        match self.rhythm {
            Rhythm::Every(_) => format!("every {}", self.written),
            Rhythm::At { .. } => self.written.clone(),
            Rhythm::Cron { .. } => format!("cron {}", self.written),
        }
    }

    /// The policy that is played when it is late.
    pub fn policy_name(&self, roster: &Roster) -> String {
        match self.action {
            Action::Call => "call".to_owned(),
            Action::Sms => "sms".to_owned(),
            Action::Page | Action::Resolve | Action::Acknowledge | Action::Ignore => self
                .policy
                .clone()
                .or_else(|| roster.groups.get(&self.group).and_then(|group| group.policy.clone()))
                .unwrap_or_else(|| DEFAULT_POLICY.to_owned()),
        }
    }
}

/// All of them, and how they know their mails.
#[derive(Debug, Default)]
pub struct Heartbeats {
    /// In the order of the rule file.
    pub entries: Vec<Heartbeat>,
    /// One for each that is a mail, of its name, that matches its mails and asks for nothing.
    rules: RuleSet,
}

impl Heartbeats {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What looks at a mail for them.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Those whose mail this is. A mail may be several; an automatic answer is one only for conditions that ask for it.
    ///
    /// # Errors
    /// When a pattern turns out to be too large to compile.
    pub fn of(&self, sight: &Sight<'_>) -> Result<Vec<&Heartbeat>, RuleError> {
        let judgement = self.rules.judge_seen(sight, &Nobody)?;
        let names: Vec<&str> = judgement.matched().map(|verdict| verdict.rule.name.as_str()).collect();
        Ok(self.entries.iter().filter(|entry| names.contains(&entry.name.as_str())).collect())
    }
}

/// Reads `[[heartbeats]]` of all files. `besides`: one that stands elsewhere.
pub(super) fn read(scope: &Scope<'_>, defaults: &Defaults, besides: Option<Heartbeat>) -> Heartbeats {
    let (mut entries, mut rules): (Vec<Heartbeat>, Vec<Rule>) = (Vec::new(), Vec::new());
    for table in scope.reader.tables("heartbeats") {
        let Some((heartbeat, rule)) = heartbeat(scope, defaults, table) else { continue };
        if heartbeat.name == Policy::SELF_TEST {
            let message = format!("a heartbeat cannot be called `{}`", heartbeat.name);
            scope.reader.error_hint(table.at, message, "that is the one of `[self_test]`: give it another name");
        }
        if entries.iter().any(|earlier| earlier.name == heartbeat.name) {
            scope.reader.error(table.at, format!("there are two heartbeats `{}`", heartbeat.name));
        }
        if scope.reader.purpose == Purpose::Check {
            warn(scope, table.at, &heartbeat, &rule);
        }
        entries.push(heartbeat);
        rules.push(rule);
    }
    entries.extend(besides);
    Heartbeats { entries, rules: RuleSet::new(rules) }
}

fn heartbeat(scope: &Scope<'_>, defaults: &Defaults, table: Table<'_>) -> Option<(Heartbeat, Rule)> {
    let reader = scope.reader;
    reader.only(table, KEYS);
    let name = reader.need(table, "name", "\"backup\"").and_then(|value| reader.words(value));
    let when = reader.need(table, "when", "[ { subject = 'backup finished' } ]");
    let mut found = conditions::Found::default();
    let when = when.and_then(|value| conditions::read(scope, value, &mut found));
    if found.count.is_some() {
        let hint = "leave out `count`: `every` or `at` says how often it must come";
        reader.error_hint(table.at, "a heartbeat cannot count", hint);
    }
    let zone =
        table.get("time_zone").map_or(Some(scope.time_zone.clone()), |value| reader.parsed(value, time::time_zone));
    let rhythm = rhythm(scope, table, zone.clone());
    let grace = table.get("grace").map_or(Some(SignedDuration::ZERO), |value| reader.parsed(value, time::duration));
    let group = match table.get("group") {
        Some(value) => reader.parsed(value, |text| scope.names.groups.find(text)).map(GroupId::new),
        None => defaults.group.clone().or_else(|| {
            let hint = "add `group = \"…\"`, or `group` under `[defaults]`";
            reader.error_hint(table.at, "this heartbeat has no group, and nothing else says whom to notify", hint);
            None
        }),
    };
    let action = table.get("action").map_or(Some(Action::Page), |value| reader.choice(value, ACTIONS));
    let policy = table.get("policy").and_then(|value| reader.parsed(value, |text| scope.names.policies.find(text)));
    let (rhythm, written) = rhythm?;
    let name = name?.trim().to_owned();
    let rule = Rule {
        name: name.clone(),
        when: when?,
        count: None,
        set: Vec::new(),
        action: Action::Ignore,
        group: None,
        policy: None,
        key: None,
        window: None,
        say: None,
        sms: None,
        goes_on: true,
    };
    let heartbeat = Heartbeat {
        name,
        kind: Kind::Mail,
        rhythm,
        written,
        grace: grace?,
        time_zone: zone?,
        group: group?,
        action: action?,
        policy: policy.map(str::to_owned),
    };
    Some((heartbeat, rule))
}

/// `every`, `at` or `cron`, as it is meant and as it is written.
fn rhythm(scope: &Scope<'_>, table: Table<'_>, zone: Option<TimeZone>) -> Option<(Rhythm, String)> {
    let reader = scope.reader;
    match (table.get("every"), table.get("at"), table.get("cron")) {
        (None, None, Some(value)) => {
            let cron = reader.parsed(value, |text| {
                let hint = "write minute, hour, day, month and weekday as crontab does: `30 2 * * 1-5`";
                text.parse::<Cron>().map_err(|error| Fault::new(error.to_string()).hint(hint))
            })?;
            let written: Vec<&str> = value.as_text().unwrap_or_default().split_whitespace().collect();
            if cron.fills_hours() && reader.purpose == Purpose::Check {
                let message = "the mail must come each minute of those hours".to_owned();
                reader.warn(value.at, message, "write `0` for the first star, if once in an hour is meant");
            }
            Some((Rhythm::Cron { cron, zone: zone? }, written.join(" ")))
        }
        (Some(every), None, None) => {
            let (least, most) = (SignedDuration::from_mins(1), SignedDuration::from_hours(366 * 24));
            let span = reader.parsed(every, |text| time::duration_within(text, least, most))?;
            Some((Rhythm::Every(span), time::friendly(span)))
        }
        (None, Some(at), None) => {
            let values = reader.one_or_list(at);
            if values.is_empty() || values.len() > SLOTS {
                reader.error(at.at, format!("there must be from 1 to {SLOTS} times in this list"));
                return None;
            }
            let written: Vec<&str> = values.iter().filter_map(|value| value.as_text()).map(str::trim).collect();
            let written = written.join("; ");
            let slots: Vec<Option<Slot>> = values.into_iter().map(|value| reader.parsed(value, time::slot)).collect();
            let slots: Option<Vec<Slot>> = slots.into_iter().collect();
            Some((Rhythm::At { slots: slots?, zone: zone? }, written))
        }
        (None, None, None) => {
            let hint = "write for example `every = \"1 day\"`, `at = \"Mon-Fri 06:00\"` or `cron = \"0 6 * * 1-5\"`";
            reader.error_hint(table.at, "`every` is missing, or `at`, or `cron`", hint);
            None
        }
        (every, at, cron) => {
            let given: Vec<_> = [("every", every), ("at", at), ("cron", cron)]
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)))
                .collect();
            let place = given.last().map_or(table.at, |(_, value)| value.at);
            let message = format!("{} stand side by side", listed(given.iter().map(|(key, _)| *key)));
            reader.error_hint(place, message, "leave but one of them");
            None
        }
    }
}

fn warn(scope: &Scope<'_>, at: At, heartbeat: &Heartbeat, rule: &Rule) {
    let reader = scope.reader;
    let name = &heartbeat.name;
    if let Some(why) = Prover::default().impossible(&rule.when) {
        reader.warn(at, format!("no mail is ever the heartbeat `{name}`: {why}"), "change its `when`");
    }
    if rule.when.is_empty() {
        reader.warn(at, format!("every mail is the heartbeat `{name}`"), "say under `when` which mail it is");
    }
    if let Rhythm::Every(every) = heartbeat.rhythm {
        if heartbeat.grace.is_zero() {
            let message = format!("the heartbeat `{name}` is late when it comes a second later than the one before");
            reader.warn(at, message, "add for example `grace = \"1h\"`");
        } else if heartbeat.grace >= every {
            let message = format!("the heartbeat `{name}` is missed only when it is due a second time");
            reader.warn(at, message, "make `grace` shorter than `every`");
        }
    }
    if heartbeat.policy.is_some() && heartbeat.action != Action::Page {
        let message = format!("the heartbeat `{name}` names a policy that it does not use");
        reader.warn(at, message, "a policy counts with `action = \"page\"`");
    }
}
