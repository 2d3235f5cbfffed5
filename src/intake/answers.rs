//! Answers what rules ask beyond the mail: the key that they count by, and what their `set` makes, take templates, which
//! rules know nothing of.

use std::cell::RefCell;

use super::{Mail, Memory};
use crate::alert::{Digest, Phase};
use crate::config::Config;
use crate::mail::{Envelope, Message};
use crate::oncall::GroupId;
use crate::rules::ruleset::View;
use crate::rules::{Count, Outside, Recall, Rule};
use crate::store::Tally;

/// Answers for one mail.
pub(super) struct Answers<'x, 'm> {
    pub config: &'x Config,
    pub message: &'x Message,
    pub envelope: &'x Envelope,
    pub identity: Digest,
    pub memory: RefCell<&'m mut dyn Memory>,
    /// What was counted, in words.
    pub counted: RefCell<Vec<String>>,
    /// The rules whose counts nobody knows.
    pub unknown: RefCell<Vec<String>>,
}

impl<'x, 'm> Answers<'x, 'm> {
    pub(super) fn new(
        config: &'x Config,
        message: &'x Message,
        envelope: &'x Envelope,
        identity: Digest,
        memory: &'m mut dyn Memory,
    ) -> Self {
        let (counted, unknown) = (RefCell::default(), RefCell::default());
        Self { config, message, envelope, identity, memory: RefCell::new(memory), counted, unknown }
    }

    fn mail<'s>(&'s self, recipient: &'s str) -> Mail<'s, 's> {
        let Self { config, message, envelope, identity, .. } = *self;
        Mail { config, message, envelope, recipient, identity }
    }

    fn tally(&self, rule: &Rule, count: &Count, recipient: &str, captures: &[(String, String)]) -> Tally {
        let mail = self.mail(recipient);
        let group = mail.group(Some(rule)).unwrap_or_else(|| GroupId::new(""));
        let variables = mail.variables(Some(rule), &group, captures, &mut Vec::new());
        let phase = Phase::of(self.message.subject());
        // Where the key cannot be made, all such mails of the rule count together: too early rather than never.
        let key = mail.key(Some(rule), captures, &variables, phase).unwrap_or_default();
        Tally {
            counter: Digest::of(["count", group.as_str(), &rule.name, &key]),
            mail: self.identity,
            arrival: mail.mail(&group, &rule.name),
            within: count.within,
            enough: count.times,
        }
    }
}

impl Outside for Answers<'_, '_> {
    fn recall(&self, rule: &Rule, count: &Count, view: &View<'_>, captures: &[(String, String)]) -> Recall {
        let tally = self.tally(rule, count, view.recipient, captures);
        let recall = self.memory.borrow_mut().count(&tally, view.now);
        let (list, line) = match recall {
            Recall::Times(times) => {
                let line = format!("rule `{}`: mail {times} of {} in {:#}", rule.name, count.times, count.within);
                (&self.counted, line)
            }
            Recall::Unknown => (&self.unknown, rule.name.clone()),
            Recall::Failed => return recall,
        };
        let mut list = list.borrow_mut();
        if !list.contains(&line) {
            list.push(line);
        }
        recall
    }

    fn variable(&self, rule: &Rule, view: &View<'_>, captures: &[(String, String)], name: &str) -> Option<String> {
        let mail = self.mail(view.recipient);
        let group = mail.group(Some(rule)).unwrap_or_else(|| GroupId::new(""));
        let variables = mail.variables(Some(rule), &group, captures, &mut Vec::new());
        // A later one of the same name replaces the earlier, as in templates.
        variables.values.into_iter().rev().find(|(made, _)| made == name).map(|(_, value)| value)
    }
}
