//! `[recipients]`: addresses and patterns of addresses, each tied to a group.

use std::collections::HashMap;

use super::Scope;
use super::scalar;
use super::value::{At, Entry};
use crate::alert::limit::Window;
use crate::oncall::GroupId;

const KEYS: &[&str] = &["group", "policy", "limit"];

/// `[recipients]` entry: an address, or a pattern with `*`, tied to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// In lower case; `*` stands for any characters but `@`.
    pub pattern: String,
    /// Whose alerts its mails are.
    pub group: GroupId,
    /// The policy for `page`, when not the group's.
    pub policy: Option<String>,
    /// At most so many alerts in so long notify by themselves; what is more is told together.
    pub limit: Option<Window>,
}

impl Recipient {
    /// Whether it is one address rather than a pattern.
    pub fn is_exact(&self) -> bool {
        !self.pattern.contains('*')
    }

    /// Whether an address in lower case fits the pattern.
    pub fn fits(&self, address: &str) -> bool {
        fits(&self.pattern, address)
    }
}

/// The entry for an address: an exact one first, also without the address extension (`david+db@` → `david@`), as
/// mail servers look it up; else the first pattern that fits the address, or the address without its extension.
pub(super) fn find<'r>(recipients: &'r [Recipient], address: &str) -> Option<&'r Recipient> {
    let address = address.trim().to_lowercase();
    let plain = without_extension(&address);
    let exact = |wanted: &str| recipients.iter().find(|entry| entry.is_exact() && entry.pattern == wanted);
    exact(&address).or_else(|| plain.as_deref().and_then(exact)).or_else(|| {
        let fits = |entry: &Recipient| entry.fits(&address) || plain.as_deref().is_some_and(|plain| entry.fits(plain));
        recipients.iter().filter(|entry| !entry.is_exact()).find(|entry| fits(entry))
    })
}

/// `david@example.com` for `david+db@example.com`.
fn without_extension(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let (user, _) = local.split_once('+')?;
    (!user.is_empty()).then(|| format!("{user}@{domain}"))
}

/// Whether `text` fits a pattern whose `*` stands for any characters but `@`. As no `*` takes an `@`, each part
/// between them is matched on its own, in linear steps back to the last `*` alone.
fn fits(pattern: &str, text: &str) -> bool {
    pattern.matches('@').count() == text.matches('@').count()
        && pattern.split('@').zip(text.split('@')).all(|(pattern, text)| part_fits(pattern, text))
}

fn part_fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        // The earliest place leaves the most room for the pieces that follow.
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// Reads `[recipients]` of all files, in order, with the place of each.
pub(super) fn read(scope: &Scope<'_>) -> (Vec<Recipient>, Vec<At>) {
    let reader = scope.reader;
    let (mut recipients, mut places): (Vec<Recipient>, Vec<At>) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, At> = HashMap::new();
    for root in reader.roots() {
        let Some(table) = root.get("recipients").and_then(|value| reader.table(value)) else { continue };
        for entry in table.entries() {
            let Some(recipient) = recipient(scope, entry) else { continue };
            if let Some(first) = seen.insert(recipient.pattern.clone(), entry.key_at) {
                let message = format!("there are two entries for the recipient `{}`", recipient.pattern);
                reader.error_hint(entry.key_at, message, format!("the other is at {}", reader.place(first)));
            }
            recipients.push(recipient);
            places.push(entry.key_at);
        }
    }
    warn_of_shadows(scope, &recipients, &places);
    (recipients, places)
}

fn recipient(scope: &Scope<'_>, entry: Entry<'_>) -> Option<Recipient> {
    let reader = scope.reader;
    let pattern = entry.key.to_lowercase();
    if pattern.is_empty()
        || pattern.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ','))
    {
        let message = format!("`{}` is not an address, nor a pattern of addresses", entry.key);
        reader.error_hint(entry.key_at, message, "write for example `dba@sms.example.com` or `*-dba@sms.example.com`");
        return None;
    }
    if entry.value.as_text().is_some() {
        // The short form: the group alone.
        let group = reader.parsed(entry.value, |text| scope.names.groups.find(text))?;
        return Some(Recipient { pattern, group: GroupId::new(group), policy: None, limit: None });
    }
    let table = reader.table(entry.value)?;
    reader.only(table, KEYS);
    let group = reader.need(table, "group", "\"oracle-dba\"");
    let group = group.and_then(|value| reader.parsed(value, |text| scope.names.groups.find(text)));
    let policy = table.get("policy").and_then(|value| reader.parsed(value, |text| scope.names.policies.find(text)));
    let limit = table.get("limit").and_then(|value| reader.parsed(value, scalar::limit));
    Some(Recipient { pattern, group: GroupId::new(group?), policy: policy.map(str::to_owned), limit })
}

/// Warns of a pattern that an earlier one covers: what fits the earlier pattern when the `*` of the later one are
/// taken as characters fits it whatever they stand for.
fn warn_of_shadows(scope: &Scope<'_>, recipients: &[Recipient], places: &[At]) {
    if scope.reader.purpose != super::reader::Purpose::Check {
        return;
    }
    let patterns = || recipients.iter().zip(places).filter(|(entry, _)| !entry.is_exact());
    for (index, (later, at)) in patterns().enumerate() {
        if let Some((earlier, place)) = patterns().take(index).find(|(earlier, _)| earlier.fits(&later.pattern)) {
            let message =
                format!("`{}` is never used: `{}` comes first and fits as well", later.pattern, earlier.pattern);
            scope.reader.warn(*at, message, format!("move it above {}", scope.reader.place(*place)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipients(patterns: &[&str]) -> Vec<Recipient> {
        let entry = |pattern: &&str| Recipient {
            pattern: (*pattern).to_owned(),
            group: GroupId::new("g"),
            policy: None,
            limit: None,
        };
        patterns.iter().map(entry).collect()
    }

    fn found<'r>(recipients: &'r [Recipient], address: &str) -> Option<&'r str> {
        find(recipients, address).map(|entry| entry.pattern.as_str())
    }

    #[test]
    fn an_exact_address_goes_before_every_pattern() {
        let all = recipients(&["*@x.example", "cust*-dba@x.example", "cust1-dba@x.example"]);
        assert_eq!(found(&all, "cust1-dba@x.example"), Some("cust1-dba@x.example"));
        assert_eq!(found(&all, "CUST1-DBA@X.Example"), Some("cust1-dba@x.example"));
        assert_eq!(found(&all, "cust2-dba@x.example"), Some("*@x.example"), "patterns count in the order of the file");
        assert_eq!(found(&all, "cust1-dba@y.example"), None);
    }

    #[test]
    fn a_star_takes_no_at_sign() {
        let all = recipients(&["*a@*.example"]);
        assert_eq!(found(&all, "dba@x.example"), Some("*a@*.example"));
        assert_eq!(found(&all, "a@x.y.example"), Some("*a@*.example"));
        assert_eq!(found(&all, "b@a@x.example"), None);
        assert_eq!(found(&recipients(&["*"]), "a@b"), None);
    }

    #[test]
    fn an_extension_does_not_hide_the_address() {
        let all = recipients(&["*@x.example", "david@x.example", "david+urgent@x.example"]);
        assert_eq!(found(&all, "david+db@x.example"), Some("david@x.example"));
        assert_eq!(found(&all, "david+urgent@x.example"), Some("david+urgent@x.example"));
        assert_eq!(found(&recipients(&["cust*-dba@x.example"]), "cust1-dba+a@x.example"), Some("cust*-dba@x.example"));
        assert_eq!(found(&all, "+x@y.example"), None);
    }

    proptest::proptest! {
        /// Against the plain definition, tried out in all ways.
        #[test]
        fn fits_as_defined(pattern in "[ab*@]{0,8}", text in "[ab@]{0,8}") {
            fn plainly(pattern: &[u8], text: &[u8]) -> bool {
                match pattern.split_first() {
                    None => text.is_empty(),
                    Some((b'*', rest)) => (0..=text.len())
                        .take_while(|length| !text[..*length].contains(&b'@'))
                        .any(|length| plainly(rest, &text[length..])),
                    Some((first, rest)) => text.first() == Some(first) && plainly(rest, &text[1..]),
                }
            }
            proptest::prop_assert_eq!(fits(&pattern, &text), plainly(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
