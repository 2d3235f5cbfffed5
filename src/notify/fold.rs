//! Several alerts in one notification: how many there are, at which addresses they arrived, and their codes.

use super::clean::{one_line, start_of};
use super::speech;
use crate::alert::Alert;

/// So many addresses are named; what is at others is counted together.
const PLACES: usize = 3;
/// So much of the first alert's words stands in a text that tells of more.
const FIRST: usize = 100;
/// So many codes are listed in a text at most: what does not fit is cut, with `...`.
const CODES: usize = 60;

/// `3 for cust1-dba, 2 for systems and 4 for others`: at which addresses alerts arrived, the most first.
pub fn places(alerts: &[&Alert]) -> String {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for alert in alerts {
        let place = place(alert);
        match counted.iter_mut().find(|(known, _)| *known == place) {
            Some((_, count)) => *count += 1,
            None => counted.push((place, 1)),
        }
    }
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let others: usize = counted.iter().skip(PLACES).map(|(_, count)| count).sum();
    let mut parts: Vec<String> =
        counted.iter().take(PLACES).map(|(place, count)| format!("{count} for {place}")).collect();
    if others > 0 {
        parts.push(format!("{others} for others"));
    }
    match parts.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => parts.join(""),
    }
}

/// What `places` says, when it is all at one address: only that.
fn for_places(alerts: &[&Alert]) -> String {
    let places = places(alerts);
    let all = format!("{} for ", alerts.len());
    match places.strip_prefix(&all) {
        Some(place) if !place.contains(" for ") => format!("for {place}"),
        _ => format!("({places})"),
    }
}

/// The words of a text about an alert that tells of others besides, without its code, which goes before.
pub fn page(alert: &Alert, besides: &[Alert]) -> String {
    if besides.is_empty() {
        return alert.text.clone();
    }
    let first = speech::cut(one_line(start_of(&alert.text, 4 * FIRST)), FIRST);
    let others: Vec<&Alert> = besides.iter().collect();
    let (count, all) = (others.len(), others.len() + 1);
    format!(
        "{first}; and {count} more {}. Reply {} to take all {all}. {}",
        for_places(&others),
        alert.code,
        list(&others)
    )
}

/// The words of news that tells of the same of other alerts besides.
pub fn news(words: &str, besides: &[Alert]) -> String {
    if besides.is_empty() {
        return words.to_owned();
    }
    let first = speech::cut(one_line(start_of(words, 4 * FIRST)), FIRST);
    let others: Vec<String> = besides.iter().take(CODES).map(standing).collect();
    format!("{first}; and news of {} more: {}", besides.len(), others.join(", "))
}

/// What the person who took several alerts in a call is told by text: which ones they are.
pub fn taken(alerts: &[&Alert]) -> String {
    format!("{} alerts are yours: {}", alerts.len(), list(alerts))
}

/// `8L db2 is down, 9M db3 is down`.
fn list(alerts: &[&Alert]) -> String {
    let brief = |alert: &&Alert| {
        let words = one_line(start_of(&alert.text, 120));
        format!("{} {}", alert.code, speech::cut(words, 30).trim_end_matches('.'))
    };
    alerts.iter().take(CODES).map(brief).collect::<Vec<_>>().join(", ")
}

/// `8L David has it`.
fn standing(alert: &Alert) -> String {
    use crate::alert::State;
    match (alert.state, &alert.acknowledged_by) {
        (State::Acknowledged, Some(who)) => format!("{} {} has it", alert.code, one_line(who)),
        (State::Resolved, _) => format!("{} over", alert.code),
        (State::Open | State::Acknowledged | State::Expired, _) => format!("{} {}", alert.code, alert.state.word()),
    }
}

/// The address at which an alert arrived, without its domain; else whose it is.
fn place(alert: &Alert) -> String {
    let address = alert.recipients.first().map(|address| address.split('@').next().unwrap_or_default());
    let place = address.filter(|local| !local.is_empty()).unwrap_or(alert.group.as_str());
    one_line(start_of(place, 60))
}
