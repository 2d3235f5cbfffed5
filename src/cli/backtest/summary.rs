//! What a backtest came to, counted: by rule, by contact, by day, by hour of the week.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::play::Played;
use crate::alert::{Channel, State};

/// Calls and texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Calls.
    pub calls: u64,
    /// Texts.
    pub texts: u64,
    /// Either, between 22:00 and 07:00.
    pub night: u64,
}

impl Count {
    /// Calls and texts together.
    pub fn all(self) -> u64 {
        self.calls + self.texts
    }

    fn add(&mut self, channel: Channel, night: bool) {
        match channel {
            Channel::Call => self.calls += 1,
            Channel::Text => self.texts += 1,
            // It wakes nobody.
            Channel::Email => return,
        }
        self.night += u64::from(night);
    }
}

/// One rule.
#[derive(Debug, Default)]
pub struct RuleCount {
    /// Mails that it wanted somebody called for.
    pub mails: u64,
    /// Alerts that these opened.
    pub alerts: u64,
    /// Calls and texts about them.
    pub count: Count,
}

/// Everything counted.
#[derive(Debug, Default)]
pub struct Summary<'c> {
    /// Alerts by how they ended: acknowledged, resolved, expired, and without anybody to tell.
    pub acknowledged: u64,
    /// See above.
    pub resolved: u64,
    /// See above.
    pub expired: u64,
    /// Alerts that nobody would have been told of.
    pub silent: u64,
    /// Notifications that a limit held back, and that were told in another one.
    pub folded: u64,
    /// All calls and texts.
    pub total: Count,
    /// By rule; the empty one is "no rule, known recipient".
    pub rules: BTreeMap<&'c str, RuleCount>,
    /// By contact.
    pub contacts: BTreeMap<String, Count>,
    /// By local date.
    pub days: BTreeMap<Date, Count>,
    /// By weekday from Monday, and local hour.
    pub week: [[u64; 24]; 7],
}

/// Whether an hour of the day is night: when a call wakes somebody.
pub fn is_night(hour: i8) -> bool {
    !(7..22).contains(&hour)
}

impl<'c> Summary<'c> {
    /// Counts, by the clocks of `zone`.
    pub fn of(played: &Played<'c>, zone: &TimeZone) -> Self {
        let mut summary = Self::default();
        for (rule, mails) in &played.wanted {
            summary.rules.entry(rule).or_default().mails = *mails;
        }
        for alert in &played.alerts {
            match alert.final_state() {
                State::Acknowledged => summary.acknowledged += 1,
                State::Resolved => summary.resolved += 1,
                State::Expired | State::Open => summary.expired += 1,
            }
            summary.silent += u64::from(alert.contact().is_none());
            summary.folded += alert.folded.len() as u64;
            let rule = summary.rules.entry(alert.rule.unwrap_or_default()).or_default();
            rule.alerts += 1;
            for one in &alert.notifications {
                let local = alert.at.saturating_add(one.after).map_or(alert.at, |at| at).to_zoned(zone.clone());
                let night = is_night(local.hour());
                rule.count.add(one.channel, night);
                summary.total.add(one.channel, night);
                summary.days.entry(local.date()).or_default().add(one.channel, night);
                summary.contacts.entry(one.contact.to_string()).or_default().add(one.channel, night);
                let weekday = usize::from(local.weekday().to_monday_zero_offset().unsigned_abs());
                let hour = usize::from(local.hour().unsigned_abs());
                if let Some(cell) = summary.week.get_mut(weekday).and_then(|day| day.get_mut(hour)) {
                    *cell += 1;
                }
            }
        }
        summary
    }

    /// The rules, those that ring most first.
    pub fn rules_by_noise(&self) -> Vec<(&'c str, &RuleCount)> {
        let mut rules: Vec<_> = self.rules.iter().map(|(name, count)| (*name, count)).collect();
        rules.sort_by_key(|(name, rule)| (std::cmp::Reverse(rule.count.all()), *name));
        rules
    }

    /// The contacts, those called most first.
    pub fn contacts_by_noise(&self) -> Vec<(&str, Count)> {
        let mut contacts: Vec<_> = self.contacts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        contacts.sort_by_key(|(name, count)| (std::cmp::Reverse(count.all()), *name));
        contacts
    }
}

/// From 0 (none) to 4: how dark a cell with `count` is where the fullest has `most`.
pub fn shade(count: u64, most: u64) -> usize {
    if count == 0 {
        return 0;
    }
    // A quarter each; the fullest is darkest unless all there is is one call here and there.
    match count.saturating_mul(4).div_ceil(most.max(4)) {
        0 | 1 => 1,
        2 => 2,
        3 => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn night_begins_at_ten_and_ends_at_seven() {
        let night: Vec<i8> = (0..24).filter(|hour| is_night(*hour)).collect();
        assert_eq!(night, [0, 1, 2, 3, 4, 5, 6, 22, 23]);
    }

    #[test]
    fn shades_are_quarters_of_the_most() {
        assert_eq!([0, 1, 25, 26, 75, 76, 100].map(|count| shade(count, 100)), [0, 1, 1, 2, 3, 4, 4]);
        // One call is no more than that.
        assert_eq!([shade(1, 1), shade(2, 2)], [1, 2]);
    }
}
