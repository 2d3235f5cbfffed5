//! Several alerts in one notification: how many there are, at which addresses they arrived, and their codes. The words
//! around that are phrases.

use super::clean::{one_line, start_of};
use super::phrase::{About, Place};
use super::speech;
use crate::alert::Alert;

/// So many addresses are named; what is at others is counted together.
const PLACES: usize = 3;
/// So much of the first alert's words stands in a text that tells of more.
const FIRST: usize = 100;
/// So many alerts are listed in a text at most: what does not fit is cut, with `...`.
const LISTED: usize = 60;

/// At which addresses alerts arrived, the most first, and how many at further ones.
pub fn places(alerts: &[&Alert]) -> About {
    let mut counted: Vec<Place> = Vec::new();
    for alert in alerts {
        let name = place(alert);
        match counted.iter_mut().find(|known| known.name == name) {
            Some(known) => known.count += 1,
            None => counted.push(Place { count: 1, name }),
        }
    }
    counted.sort_by_key(|place| std::cmp::Reverse(place.count));
    let others = counted.iter().skip(PLACES).map(|place| place.count).sum();
    counted.truncate(PLACES);
    About { count: alerts.len(), places: counted, others, ..About::default() }
}

/// The first words of a text that tells of more.
pub fn first(words: &str) -> String {
    speech::cut(one_line(start_of(words, 4 * FIRST)), FIRST)
}

/// `8L db2 is down, 9M db3 is down`.
pub fn list(alerts: &[&Alert]) -> String {
    let brief = |alert: &&Alert| {
        let words = one_line(start_of(&alert.text, 120));
        format!("{} {}", alert.code, speech::cut(words, 30).trim_end_matches('.'))
    };
    alerts.iter().take(LISTED).map(brief).collect::<Vec<_>>().join(", ")
}

/// Those of many alerts that a text has room for.
pub fn listed<T>(alerts: &[T]) -> &[T] {
    alerts.get(..LISTED).unwrap_or(alerts)
}

/// The address at which an alert arrived, without its domain; else whose it is.
fn place(alert: &Alert) -> String {
    let address = alert.recipients.first().map(|address| address.split('@').next().unwrap_or_default());
    let place = address.filter(|local| !local.is_empty()).unwrap_or(alert.group.as_str());
    one_line(start_of(place, 60))
}
