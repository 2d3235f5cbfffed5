//! A word as a voice should say it: numbers, names of hosts, addresses, paths, codes, units. What is spelt has its
//! characters apart, capitals and figures, so that every voice reads them one by one.

use super::tongue::Tongue;

/// Longer numbers are not read as a number.
const LONGEST_NUMBER: usize = 6;
/// So many figures or letters of an id that nobody can remember are told, the last ones.
const TAIL: usize = 4;
/// So many parts of a path are told, the last ones.
const PATH_PARTS: usize = 3;

/// What stands around a word.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub before: &'a str,
    pub after: &'a str,
}

/// The word, without the punctuation around it, in words.
pub(super) fn say(core: &str, around: Around<'_>, tongue: &Tongue) -> String {
    let said = unit_alone(core, around, tongue)
        .or_else(|| calendar_name(core, around, tongue))
        .or_else(|| moment(core, tongue))
        .or_else(|| network_address(core, tongue))
        .or_else(|| identifier(core, tongue))
        .or_else(|| quantity(core, around, tongue))
        .or_else(|| ticket(core, around, tongue))
        .or_else(|| path(core, tongue))
        .unwrap_or_else(|| compound(core, tongue));
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Character by character.
pub(super) fn spell(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).map(String::from).collect::<Vec<_>>().join(" ")
}

fn is_figures(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn starts_with_figure(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// `MB` after `512`.
fn unit_alone(core: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    let before = around.before;
    let is_number =
        starts_with_figure(before) && before.bytes().all(|byte| byte.is_ascii_digit() || b".,".contains(&byte));
    let is_letter = core.len() == 1 && core.bytes().all(|byte| byte.is_ascii_alphabetic() && byte != b'V');
    if !is_number || is_letter {
        return None;
    }
    tongue.unit(core, before == "1").map(str::to_owned)
}

/// `Nov` and `Thu` beside a number.
fn calendar_name(core: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let find = |names: &[&str], word: &str| names.iter().position(|name| *name == word);
    let by_number = starts_with_figure(around.before) || starts_with_figure(around.after);
    if by_number && let Some(month) = find(&MONTHS, core) {
        return tongue.months.get(month).map(|name| (*name).to_owned());
    }
    let day = find(&DAYS, core).filter(|_| by_number || find(&MONTHS, around.after).is_some())?;
    tongue.days.get(day).map(|name| (*name).to_owned())
}

/// Dates and times: `2026-11-26`, `26.11.2026`, `03:15:22`, and both with a `T` between them. Seconds are for machines.
fn moment(core: &str, tongue: &Tongue) -> Option<String> {
    if let Some((date, time)) = core.split_once('T')
        && let (Some(date), Some(time)) = (self::date(date, tongue), clock(time.trim_end_matches('Z'), tongue))
    {
        return Some(format!("{date}, {time}"));
    }
    date(core, tongue).or_else(|| clock(core, tongue))
}

fn date(text: &str, tongue: &Tongue) -> Option<String> {
    let parts: Vec<&str> = text.split(['-', '.']).collect();
    let [first, month, last] = parts.as_slice() else { return None };
    if !(is_figures(first) && is_figures(month) && is_figures(last)) || month.len() > 2 {
        return None;
    }
    let (year, day) = match (first.len(), last.len()) {
        (4, 1..=2) if text.contains('-') => (first, last),
        (1..=2, 4) => (last, first),
        _ => return None,
    };
    let month = month.parse::<usize>().ok().and_then(|month| tongue.months.get(month.checked_sub(1)?))?;
    let day = day.parse::<u8>().ok().filter(|day| (1..=31).contains(day))?;
    Some(if tongue.german { format!("{day}. {month} {year}") } else { format!("{day} {month} {year}") })
}

/// `03:15`, `03:15:22`, `03:15:22.123+13:00`.
fn clock(text: &str, tongue: &Tongue) -> Option<String> {
    let text = text.split(['+', ',']).next().unwrap_or(text);
    let text = text.split_once('.').map_or(text, |(whole, _)| whole);
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute) = match parts.as_slice() {
        [hour, minute] => (hour, minute),
        [hour, minute, second] if is_figures(second) && second.len() == 2 => (hour, minute),
        _ => return None,
    };
    if !(is_figures(hour) && hour.len() <= 2 && is_figures(minute) && minute.len() == 2) {
        return None;
    }
    let (hour, minute) = (hour.parse::<u8>().ok()?, minute.parse::<u8>().ok()?);
    if hour > 23 || minute > 59 {
        return None;
    }
    Some(match (tongue.german, minute) {
        (true, 0) => format!("{hour} Uhr"),
        (true, minute) => format!("{hour} Uhr {minute}"),
        (false, 0) if (1..=12).contains(&hour) => format!("{hour} o'clock"),
        (false, minute) => format!("{hour}:{minute:02}"),
    })
}

/// `10.20.0.1`, with a port or a mask; IPv6 and hardware addresses by their ends.
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
    (is_hex && core.matches(':').count() >= 3 || is_hex && core.contains("::")).then(|| ending(core, tongue))
}

/// UUIDs, hashes, and numbers that are too long to be one.
fn identifier(core: &str, tongue: &Tongue) -> Option<String> {
    let plain = core.strip_prefix("0x").unwrap_or(core);
    let hex: String = plain.chars().filter(|c| *c != '-').collect();
    let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit()) && hex.bytes().any(|byte| byte.is_ascii_digit());
    if is_hex && hex.len() >= 12 && !plain.contains("--") {
        return Some(ending(plain, tongue));
    }
    (core.len() > plain.len() && is_hex).then(|| spell(plain))
}

fn ending(text: &str, tongue: &Tongue) -> String {
    let all: Vec<char> = text.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let tail: String = all.iter().skip(all.len().saturating_sub(TAIL)).collect();
    format!("{} {}", tongue.id_ending, spell(&tail))
}

/// A number, with a unit or without.
fn quantity(core: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    let unsigned = core.trim_start_matches(['+', '-']);
    let length = unsigned.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(unsigned.len());
    let (digits, sign) = unsigned.split_at_checked(length)?;
    if !starts_with_figure(digits) || !digits.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number = number(digits, around, tongue)?;
    let minus = if core.starts_with('-') { "minus " } else { "" };
    if sign.is_empty() {
        return Some(format!("{minus}{number}"));
    }
    tongue.unit(sign, digits == "1").map(|unit| format!("{minus}{number} {unit}"))
}

/// As the language writes it; not more than two decimals; what is no quantity figure by figure.
fn number(text: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    if is_figures(text) {
        let is_name = text.len() > 1 && text.starts_with('0') || text.len() >= 3 && is_naming(around.before);
        return Some(if is_name || text.len() > LONGEST_NUMBER { spell(text) } else { text.to_owned() });
    }
    let parts: Vec<&str> = text.split(['.', ',']).collect();
    if !parts.iter().all(|part| is_figures(part)) {
        return None;
    }
    let has_thousands =
        parts.iter().skip(1).all(|part| part.len() == 3) && parts.first().is_some_and(|part| part.len() <= 3);
    if has_thousands && (parts.len() > 2 || text.contains(',')) {
        return Some(parts.concat());
    }
    let [whole, decimals] = parts.as_slice() else { return None };
    let decimals = decimals.get(..decimals.len().min(2))?.trim_end_matches('0');
    let point = if tongue.german { ',' } else { '.' };
    Some(if decimals.is_empty() { (*whole).to_owned() } else { format!("{whole}{point}{decimals}") })
}

/// Whether the number after this word is a name and not a quantity.
fn is_naming(word: &str) -> bool {
    const NAMING: [&str; 20] = [
        "issue", "ticket", "bug", "case", "incident", "request", "change", "order", "job", "pid", "id", "number", "no",
        "port", "error", "code", "vorgang", "nummer", "fehler", "auftrag",
    ];
    NAMING.contains(&word.trim_end_matches([':', '.']).to_lowercase().as_str())
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
        said.push_str(&compound(part.trim_end_matches(':'), tongue));
        said.push(' ');
    }
    Some(said)
}

/// What is made of several words: `db1.example.com`, `ORA-01653`, `disk_full`, `KubeNodeDown`, `load=5`.
fn compound(core: &str, tongue: &Tongue) -> String {
    if let Some((left, right)) = core.split_once('/')
        && is_figures(left)
        && is_figures(right)
    {
        return format!("{left} {} {right}", tongue.of);
    }
    let dots = is_dotted(core);
    let apart = core.contains(|c: char| c.is_ascii_digit()) || core.contains('.') || has_capital_part(core);
    let mut said = String::with_capacity(core.len() * 2);
    let mut word = String::new();
    for (index, c) in core.char_indices() {
        let next = core.get(index + c.len_utf8()..).and_then(|rest| rest.chars().next());
        let between = match c {
            '.' if dots => Some(format!(" {} ", tongue.dot)),
            // A sentence that begins without a space.
            '.' | ',' | ';' | '!' | '?' if next.is_some_and(char::is_uppercase) => Some(format!("{c} ")),
            '@' => Some(format!(" {} ", tongue.at)),
            '&' => Some(format!(" {} ", tongue.and)),
            '%' => Some(format!(" {} ", tongue.percent)),
            '+' if next.is_none() => Some(format!(" {}", tongue.plus)),
            '°' => Some(format!(" {} ", tongue.degrees)),
            '_' | '=' | '/' | ':' | '#' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '|' | '*' | '~' | '`'
            | '^' | '"' => Some(" ".to_owned()),
            '-' if apart => Some(" ".to_owned()),
            _ => None,
        };
        match between {
            Some(between) => {
                said.push_str(&simple(&word, tongue));
                word.clear();
                said.push_str(&between);
            }
            None => word.push(c),
        }
    }
    said.push_str(&simple(&word, tongue));
    said
}

/// Names of hosts and files, and versions: not `e.g`, and not a sentence that begins without a space.
fn is_dotted(core: &str) -> bool {
    let labels: Vec<&str> = core.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '/'))
    };
    let has_word = labels.iter().any(|label| label.chars().count() > 1);
    let is_sentence = labels.len() == 2
        && labels.last().is_some_and(|last| last.starts_with(char::is_uppercase) && last.contains(char::is_lowercase));
    labels.len() > 1
        && labels.iter().all(is_label)
        && (has_word || core.contains(|c: char| c.is_ascii_digit()))
        && !is_sentence
}

fn has_capital_part(core: &str) -> bool {
    core.split('-').any(|part| part.len() > 1 && part.chars().all(char::is_uppercase))
}

/// Letters and figures without a sign between them.
fn simple(word: &str, tongue: &Tongue) -> String {
    let figures_first = starts_with_figure(word);
    let ordinal = ["st", "nd", "rd", "th"].iter().any(|end| word.strip_suffix(end).is_some_and(is_figures));
    if word.is_empty() || figures_first && ordinal {
        return word.to_owned();
    }
    let mut runs: Vec<String> = Vec::new();
    for c in word.chars() {
        let joins = runs.last().and_then(|run| run.chars().next_back()).is_some_and(|last| {
            last.is_ascii_digit() == c.is_ascii_digit() && !(last.is_lowercase() && c.is_uppercase())
        });
        match runs.last_mut() {
            Some(run) if joins => run.push(c),
            Some(_) | None => runs.push(c.to_string()),
        }
    }
    let mixed = runs.len() > 1;
    let said = runs.iter().map(|run| if is_figures(run) { figures(run, mixed) } else { letters(run, tongue) });
    said.collect::<Vec<_>>().join(" ")
}

fn figures(run: &str, mixed: bool) -> String {
    let one_by_one = run.len() > 1 && run.starts_with('0') || run.len() >= if mixed { 3 } else { LONGEST_NUMBER + 1 };
    // A figure that stands for a part of a code (`ORA-01653`, `OPS-1234`) is heard apart as well.
    if one_by_one || !mixed && run.len() >= 4 { spell(run) } else { run.to_owned() }
}

/// Capitals are letters or shouted words; a word that nobody can pronounce is spelt.
fn letters(run: &str, tongue: &Tongue) -> String {
    const SPELT: [&str; 10] = ["LDAP", "IMAP", "IPMI", "UUID", "ACPI", "IOPS", "ISCSI", "EDAC", "SASL", "OLAP"];
    let count = run.chars().count();
    let has_vowel = run.chars().any(|c| "aeiouyäöüAEIOUYÄÖÜ".contains(c));
    if !run.chars().all(char::is_alphabetic) || count < 2 {
        return run.to_owned();
    }
    if run.chars().all(char::is_uppercase) {
        return match run {
            "OK" => run.to_owned(),
            "CRIT" if !tongue.german => "critical".to_owned(),
            "WARN" if !tongue.german => "warning".to_owned(),
            _ if tongue.short_words.contains(&run) => run.to_lowercase(),
            _ if count <= 3 || !has_vowel || SPELT.contains(&run) => spell(run),
            _ => run.to_lowercase(),
        };
    }
    let is_device = count == 3 && run.starts_with("sd");
    let is_spoken = ["vs", "mr", "dr", "st", "pst", "hmm", "nr", "bzw", "tps"].contains(&run);
    if run.is_ascii() && run.chars().all(char::is_lowercase) && count <= 4 && (!has_vowel || is_device) && !is_spoken {
        return spell(run);
    }
    run.to_owned()
}
