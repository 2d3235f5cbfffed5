//! Addresses on the web and of mail: nobody can listen to the first, and the second are spelt out.

use super::tongue::Tongue;
use super::word::{self, Around};
use super::{LONG_WORD, bare, is_bracket};
use crate::notify::clean::{one_line, start_of};

/// A label of no more words than this, one of them [`CLICKED`], is there for the link after it.
const LABEL: usize = 3;
/// What stands before a link that is there to be clicked.
const CLICKED: &str = "url link links runbook dashboard dashboards details source graph graphs ticket view see here page logs \
                       console panel silence permalink http https web website more mehr siehe ansehen";
/// What a label says of the address after it: there the host matters.
const STATES: &str = "down up failed failure failing unreachable offline error critical expired expires slow timeout problem \
                      unavailable dead ausgefallen gestört fehler abgelaufen langsam";
/// Words after which it is enough that there is a link.
const LEADS: &str = "see at visit view open click here also read url siehe unter auf bei";

/// An address on the web.
pub(super) struct Link<'a> {
    /// What stands before it in the same word: the text of a link in Markdown, a key.
    before: &'a str,
    /// The host, with its port.
    host: &'a str,
    /// Whether it is nothing but a host.
    is_site: bool,
}

/// The address on the web in this word, which has no brackets around it.
pub(super) fn find(word: &str) -> Option<Link<'_>> {
    if let Some((before, after)) = word.split_once("://") {
        let scheme = before.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |index| index + 1);
        // The character before the scheme may take several bytes.
        let before = before.get(..before.ceil_char_boundary(scheme)).unwrap_or_default();
        return Some(Link::of(before, after));
    }
    let lower = start_of(word, 7).to_ascii_lowercase();
    if lower.starts_with("mailto:") || lower.starts_with("tel:") {
        return Some(Link { before: "", host: "", is_site: false });
    }
    // A name of a host alone is no link.
    let has_path = word.find(['/', '?']).is_some_and(|at| at + 1 < word.len());
    (lower.starts_with("www.") && has_path).then(|| Link::of("", word))
}

/// Whether this word is the address of a page, and not only of a host.
pub(super) fn is_page(word: &str) -> bool {
    find(word.trim_matches(is_bracket)).is_some_and(|link| link.is_whole() && !link.is_site())
}

/// The words of a line without the links at its end that are there to be clicked, and whether a label, which then stands
/// there without a link, is left; no words when the line is only there for its links.
pub(super) fn without_last<'w, 't>(words: &'w [&'t str]) -> (&'w [&'t str], bool) {
    let rest = words.len() - words.iter().rev().take_while(|word| is_page(word)).count();
    let Some(label) = words.get(..rest).filter(|label| label.len() < words.len()) else { return (words, false) };
    let Some(last) = label.last() else { return (&[], false) };
    let names_state = || label.iter().any(|word| is_in(STATES, bare(word)));
    if !last.trim_end_matches(is_bracket).ends_with(':') || names_state() {
        return (words, false);
    }
    let is_for_link = label.len() <= LABEL && label.iter().any(|word| is_in(CLICKED, bare(word)));
    if is_for_link { (&[], false) } else { (label, true) }
}

fn is_in(list: &str, word: &str) -> bool {
    list.split(' ').any(|one| one.eq_ignore_ascii_case(word))
}

impl<'a> Link<'a> {
    fn of(before: &'a str, after: &'a str) -> Self {
        let end = after.find(['/', '?', '#', ')', ']', '>']).unwrap_or(after.len());
        let (host, path) = after.split_at_checked(end).unwrap_or((after, ""));
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        Self { before, host, is_site: !host.is_empty() && matches!(path, "" | "/") }
    }

    /// Whether it is nothing but a host, which may be what the alert is about.
    pub(super) fn is_site(&self) -> bool {
        self.is_site
    }

    fn is_whole(&self) -> bool {
        self.before.trim_matches(is_bracket).is_empty()
    }

    /// In words: that it is a link, and where that may matter, of which host.
    pub(super) fn say(&self, around: Around<'_>, tongue: &Tongue) -> String {
        let text = self.before.trim_matches(is_bracket);
        if self.before.ends_with("](") && !text.is_empty() {
            return word::say(text, around, tongue);
        }
        let is_led = is_in(LEADS, around.before) || around.before.is_empty();
        let is_host = !self.host.is_empty() && self.host.len() <= LONG_WORD;
        let host = || word::say(self.host, around, tongue);
        let link = match (self.is_site && is_host, is_led || !is_host) {
            (true, _) => host(),
            (false, true) => tongue.link.to_owned(),
            (false, false) => format!("{} {}", tongue.link_to, host()),
        };
        if text.is_empty() { link } else { format!("{} {link}", word::say(text, around, tongue)) }
    }
}

/// An address of mail.
pub(super) fn mail_address(word: &str, tongue: &Tongue) -> Option<String> {
    let (local, domain) = word.split_once('@')?;
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-=".contains(&byte))
    };
    if !is_name(local) || !is_name(domain) || !domain.contains('.') {
        return None;
    }
    if word.len() > LONG_WORD {
        return Some(tongue.mail_address.to_owned());
    }
    let spell = |part: &str| part.replace('.', &format!(" {} ", tongue.dot)).replace(['_', '='], " ");
    Some(one_line(&format!("{} {} {}", spell(local), tongue.at, spell(domain))))
}
