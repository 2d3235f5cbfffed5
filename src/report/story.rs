//! What an alert's history leaves out, for those who tell its story: who was on call meanwhile, and the gaps between lines.

use jiff::{SignedDuration, Timestamp};

use crate::alert::{Alert, Entry, EntryKind, State, Target};
use crate::oncall::{ContactId, GroupId, Override, Roster};

/// When the story ends, as far as it is known.
pub fn end(alert: &Alert, history: &[Entry], now: Timestamp) -> Timestamp {
    match alert.state {
        State::Open => now,
        State::Acknowledged | State::Resolved | State::Expired => {
            history.iter().map(|line| line.at).max().unwrap_or(alert.opened_at)
        }
    }
}

/// Adds to the history which overrides of the groups concerned held, began or ended meanwhile.
pub fn add_duties(history: &mut Vec<Entry>, alert: &Alert, overrides: &[Override], roster: &Roster, end: Timestamp) {
    let name = |contact: &ContactId| roster.contacts.get(contact).map_or(contact.as_str(), |one| &one.name).to_owned();
    for one in overrides.iter().filter(|one| concerns(alert, &one.group)) {
        let (who, group, by) = (name(&one.contact), &one.group, &one.made_by);
        let (at, text) = if one.from <= alert.opened_at {
            (alert.opened_at, format!("{who} was on call for {group} by an override ({by})"))
        } else {
            (one.from, format!("{who} is on call for {group} from now on, by an override ({by})"))
        };
        let mut lines = vec![Entry::new(at, EntryKind::Duty, text)];
        if let Some(until) = one.until.filter(|until| *until <= end) {
            let text = format!("the override of {group} by which {who} was on call is over");
            lines.push(Entry::new(until, EntryKind::Duty, text));
        }
        for line in lines {
            // What happened at the same time was said after the duty had changed, but the opening comes first.
            let after = |other: &Entry| other.at > line.at || other.at == line.at && other.kind != EntryKind::Opened;
            let place = history.iter().position(after).unwrap_or(history.len());
            history.insert(place, line);
        }
    }
}

fn concerns(alert: &Alert, group: &GroupId) -> bool {
    let names = |target: &Target| match target {
        Target::OtherGroup(other) => other == group.as_str(),
        Target::Escalation(inner) => matches!(&**inner, Target::OtherGroup(other) if other == group.as_str()),
        Target::OnCall | Target::Secondary | Target::Backup | Target::Group | Target::Contact(_) => false,
    };
    alert.group == *group || alert.policy.steps.iter().any(|step| names(&step.notify))
}

/// `2m10s`: the two largest units say enough.
pub fn gap(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in units {
        let whole = rest / size;
        rest %= size;
        if whole > 0 {
            parts.push(format!("{whole}{name}"));
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "0s".to_owned() } else { parts.concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_readable() {
        let of = |seconds| gap(SignedDuration::from_secs(seconds));
        assert_eq!((of(0).as_str(), of(59).as_str(), of(60).as_str()), ("0s", "59s", "1m"));
        assert_eq!((of(130).as_str(), of(3600).as_str(), of(3725).as_str()), ("2m10s", "1h", "1h2m"));
        assert_eq!((of(90_000).as_str(), of(-5).as_str()), ("1d1h", "0s"));
    }
}
