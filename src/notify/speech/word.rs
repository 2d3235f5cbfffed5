//! A word as a voice should say it: numbers, names of hosts, addresses, paths, codes, units. What is spelt has its
//! characters apart, capitals and figures, so that every voice reads them one by one.

use super::tongue::Tongue;
use super::{moment, name, quantity};

/// So many figures or letters of an id that nobody can remember are told.
const TAIL: usize = 4;
/// So many parts of a path are told, the last ones.
const PATH_PARTS: usize = 3;
/// An IPv6 address of so many groups is told in whole.
const GROUPS: usize = 4;

/// What stands around a word.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub before: &'a str,
    pub after: &'a str,
}

/// The word, without the punctuation around it, in words.
pub(super) fn say(core: &str, around: Around<'_>, tongue: &Tongue) -> String {
    let said = quantity::unit_alone(core, around, tongue)
        .or_else(|| moment::say(core, around, tongue))
        .or_else(|| network_address(core, tongue))
        .or_else(|| atom(core, around, tongue))
        .or_else(|| ticket(core, around, tongue))
        .or_else(|| path(core, tongue))
        .unwrap_or_else(|| name::compound(core, tongue));
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is one thing however short the piece of a word is in which it stands.
pub(super) fn atom(core: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    moment::date(core, tongue)
        .or_else(|| identifier(core, tongue))
        .or_else(|| code(core, tongue))
        .or_else(|| quantity::say(core, around, tongue))
}

/// Character by character.
pub(super) fn spell(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).map(String::from).collect::<Vec<_>>().join(" ")
}

pub(super) fn is_figures(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn starts_with_figure(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether so much is said of something much longer.
pub(super) fn is_beginning_or_ending(said: &str, tongue: &Tongue) -> bool {
    [tongue.id_beginning, tongue.id_ending, tongue.address_ending].iter().any(|words| said.starts_with(words))
}

/// `severity=critical`: programs write one after the other, with nothing between.
pub(super) fn is_pair(core: &str) -> bool {
    core.split_once('=').is_some_and(|(key, value)| {
        let is_key = key.starts_with(char::is_alphabetic)
            && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        is_key && value.starts_with(|c: char| c.is_alphanumeric() || c == '"')
    })
}

/// `10.20.0.1`, with a port or a mask; of IPv6 and hardware addresses that are long the end.
fn network_address(core: &str, tongue: &Tongue) -> Option<String> {
    let (address, rest) =
        core.find([':', '/']).map_or((core, ""), |at| core.split_at_checked(at).unwrap_or((core, "")));
    let parts: Vec<&str> = address.split('.').collect();
    if parts.len() == 4 && parts.iter().all(|part| part.len() <= 3 && is_figures(part)) {
        let address = parts.join(&format!(" {} ", tongue.dot));
        return match rest.split_at_checked(1) {
            Some((":", port)) if is_figures(port) => Some(format!("{address}, {} {}", tongue.port, spell(port))),
            Some(("/", mask)) if is_figures(mask) => Some(format!("{address} {} {mask}", tongue.slash)),
            None => Some(address),
            Some(_) => None,
        };
    }
    let is_hex = core.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    let is_address = core.matches(':').count() >= 3 || core.contains("::") && core.len() > 2;
    if !is_hex || !is_address {
        return None;
    }
    let groups: Vec<&str> = core.split(':').collect();
    let colon = format!(" {} ", tongue.colon);
    let spelt = |groups: &[&str]| groups.iter().map(|group| spell(group)).collect::<Vec<_>>().join(&colon);
    if groups.len() <= GROUPS {
        return Some(spelt(&groups));
    }
    Some(format!("{} {}", tongue.address_ending, spelt(groups.get(groups.len() - 2..)?)))
}

/// UUIDs, hashes, and numbers that are too long to be one. A hash is known by its first characters, a number that counts
/// up by its last ones.
fn identifier(core: &str, tongue: &Tongue) -> Option<String> {
    let plain = core.strip_prefix("0x").unwrap_or(core);
    let all: Vec<char> = plain.chars().filter(|c| *c != '-').collect();
    let is_hex = all.iter().all(char::is_ascii_hexdigit) && all.iter().any(char::is_ascii_digit);
    if !is_hex {
        return None;
    }
    if all.len() < 12 || plain.contains("--") {
        return (core.len() > plain.len()).then(|| format!("{} {}", tongue.hex, spell(plain)));
    }
    let has_letter = all.iter().any(char::is_ascii_alphabetic);
    let (words, told) = if has_letter {
        (tongue.id_beginning, all.get(..TAIL))
    } else {
        (tongue.id_ending, all.get(all.len() - TAIL..))
    };
    let told: String = told?.iter().collect();
    Some(format!("{words} {}", spell(&told)))
}

/// `V6G0EXMP` and `b006a4c`: letters and figures turn and turn about are no words.
fn code(core: &str, tongue: &Tongue) -> Option<String> {
    let is_hex = core.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    if !is_hex && !core.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) {
        return None;
    }
    let turns =
        core.bytes().zip(core.bytes().skip(1)).filter(|(this, next)| this.is_ascii_digit() != next.is_ascii_digit());
    if core.len() < 6 || turns.take(3).count() < 3 {
        return None;
    }
    let told = if core.len() < 12 { core } else { core.get(..TAIL)? };
    let lead = if core.len() < 12 { "" } else { tongue.id_beginning };
    Some(format!("{lead} {}", spell(told)))
}

/// `#8658`.
fn ticket(core: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    let figures = core.strip_prefix('#').filter(|rest| is_figures(rest))?;
    let lead = if around.before.eq_ignore_ascii_case(tongue.number) { "" } else { tongue.number };
    Some(format!("{lead} {}", if figures.len() < 3 { figures.to_owned() } else { spell(figures) }))
}

/// `/var/log`, `C:\Users`; of a long one its end.
fn path(core: &str, tongue: &Tongue) -> Option<String> {
    let separator = if core.contains('\\') { '\\' } else { '/' };
    let word = if separator == '/' { tongue.slash } else { tongue.backslash };
    if core == "/" {
        return Some(word.to_owned());
    }
    let is_path = separator == '\\' || core.starts_with('/') || core.matches('/').count() >= 2;
    if !is_path {
        return None;
    }
    let parts: Vec<&str> = core.split(separator).filter(|part| !part.is_empty()).collect();
    let is_long = parts.len() > PATH_PARTS + 1;
    let skipped = if is_long { parts.len() - PATH_PARTS } else { 0 };
    let mut said = if is_long { format!("{} ", tongue.path_ending) } else { String::new() };
    for (index, part) in parts.iter().enumerate().skip(skipped) {
        if index > 0 || core.starts_with(separator) {
            said.push_str(word);
            said.push(' ');
        }
        said.push_str(&name::compound(part.trim_end_matches(':'), tongue));
        said.push(' ');
    }
    Some(said)
}
