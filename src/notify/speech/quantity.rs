//! Numbers as they are said: with their units, in millions, with no more decimals than one can remember; and those that
//! are names, figure by figure.

use super::tongue::Tongue;
use super::word::{Around, is_figures, spell, starts_with_figure};

/// Longer numbers are not read as a number.
pub(super) const LONGEST: usize = 6;

/// `MB` after `512`.
pub(super) fn unit_alone(core: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    let before = around.before;
    let is_number =
        starts_with_figure(before) && before.bytes().all(|byte| byte.is_ascii_digit() || b".,".contains(&byte));
    // `5 A` is no unit, nor is `2 B`, nor the first letter of `s d a`.
    let is_spelt = around.after.chars().count() == 1;
    let is_letter =
        core.len() == 1 && core.bytes().all(|byte| byte.is_ascii_alphabetic() && (is_spelt || !b"Vsh".contains(&byte)));
    if !is_number || is_letter {
        return None;
    }
    tongue.unit(core, before == "1").map(str::to_owned)
}

/// A number, with a unit or without.
pub(super) fn say(core: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    if let Some(currency) = core.chars().next().filter(|first| matches!(first, '$' | '€' | '£')) {
        let figures = core.trim_start_matches(currency);
        let unit = tongue.unit(currency.encode_utf8(&mut [0; 4]), figures == "1")?;
        return number(figures, around, tongue)
            .filter(|_| starts_with_figure(figures))
            .map(|number| format!("{number} {unit}"));
    }
    let unsigned = core.trim_start_matches(['+', '-']);
    let length = unsigned.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(unsigned.len());
    let (digits, sign) = unsigned.split_at_checked(length)?;
    if !starts_with_figure(digits) || !digits.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let minus = if core.starts_with('-') { "minus " } else { "" };
    if sign.is_empty() {
        return Some(format!("{minus}{}", number(digits, around, tongue)?));
    }
    if sign.contains(|c: char| c.is_ascii_digit()) {
        return span(unsigned, tongue);
    }
    let unit = tongue.unit(sign, digits == "1")?;
    let number = if is_figures(digits) { amount(digits, tongue) } else { number(digits, around, tongue)? };
    Some(format!("{minus}{number} {unit}"))
}

/// `1h30m`, `2d4h`.
fn span(text: &str, tongue: &Tongue) -> Option<String> {
    let mut said = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let figures = rest.find(|c: char| !c.is_ascii_digit()).filter(|figures| (1..=3).contains(figures))?;
        let (number, after) = rest.split_at_checked(figures)?;
        let length = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(length)?;
        if !["w", "d", "h", "m", "min", "s", "ms"].contains(&unit) {
            return None;
        }
        let number = number.trim_start_matches('0');
        let number = if number.is_empty() { "0" } else { number };
        said.push(format!("{number} {}", tongue.unit(unit, number == "1")?));
        rest = after;
    }
    (said.len() > 1).then(|| said.join(" "))
}

/// As the language writes it; what is no quantity figure by figure.
fn number(text: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    if is_figures(text) {
        let is_name = text.len() > 1 && text.starts_with('0') || text.len() >= 3 && is_naming(around.before);
        if is_name || text.len() > LONGEST && !is_counted(around.after, tongue) {
            return Some(spell(text));
        }
        return Some(amount(text, tongue));
    }
    let parts: Vec<&str> = text.split(['.', ',']).collect();
    if !parts.iter().all(|part| is_figures(part)) {
        return None;
    }
    let has_thousands = parts.iter().skip(1).all(|part| part.len() == 3)
        && parts.first().is_some_and(|part| part.len() <= 3 && !part.starts_with('0'));
    if has_thousands && (parts.len() > 2 || text.contains(',') && !tongue.german) {
        return Some(amount(&parts.concat(), tongue));
    }
    if let Some((thousands, decimals)) = text.rsplit_once(['.', ','])
        && text.contains('.')
        && text.contains(',')
    {
        // `1,234.56` and `1.234,56`.
        return Some(with_decimals(&thousands.replace(['.', ','], ""), decimals, tongue));
    }
    let [whole, decimals] = parts.as_slice() else { return None };
    if has_thousands && tongue.german && text.contains('.') && is_counted(around.after, tongue) {
        return Some(amount(&parts.concat(), tongue));
    }
    if has_thousands && tongue.german {
        // `1.200` of a German program is more than a thousand times that of an English one: it is read as it stands.
        let sign = if text.contains(',') { tongue.comma } else { tongue.dot };
        return Some(format!("{whole} {sign} {}", spell(decimals)));
    }
    Some(with_decimals(whole, decimals, tongue))
}

/// With two decimals, or as many as tell two figures of what is less than one.
fn with_decimals(whole: &str, decimals: &str, tongue: &Tongue) -> String {
    let zeros = decimals.len() - decimals.trim_start_matches('0').len();
    let kept = if whole.trim_start_matches('0').is_empty() { zeros + 2 } else { 2 };
    let decimals = decimals.get(..decimals.len().min(kept)).unwrap_or_default().trim_end_matches('0');
    let point = if tongue.german { ',' } else { '.' };
    if decimals.is_empty() { whole.to_owned() } else { format!("{whole}{point}{decimals}") }
}

/// How many there are: from a million on with one decimal, which is as much as one can remember.
fn amount(figures: &str, tongue: &Tongue) -> String {
    let Ok(count) = figures.parse::<u64>() else { return spell(figures) };
    let (each, names) = match count {
        0..1_000_000 => return count.to_string(),
        1_000_000..999_950_000 => (1_000_000, tongue.million),
        _ => (1_000_000_000, tongue.billion),
    };
    let tenths = count.saturating_add(each / 20) / (each / 10);
    let number = with_decimals(&(tenths / 10).to_string(), &(tenths % 10).to_string(), tongue);
    let [one, several] = names;
    format!("{number} {}", if tenths == 10 { one } else { several })
}

/// Whether the number after this word is a name and not a quantity.
fn is_naming(word: &str) -> bool {
    const NAMING: [&str; 28] = [
        "issue", "ticket", "bug", "case", "incident", "request", "change", "order", "job", "pid", "id", "number", "no",
        "port", "error", "code", "process", "event", "task", "session", "build", "vorgang", "nummer", "fehler",
        "auftrag", "prozess", "störung", "nr",
    ];
    let word = word.trim_end_matches([':', '.', '=']);
    let is_id = word.len() > 2 && ["Id", "ID", "_id"].iter().any(|end| word.ends_with(end));
    is_id || word == "AS" || NAMING.contains(&word.to_lowercase().as_str())
}

/// Whether the word after a number plainly says of what there are so many: `messages`, `Zeilen`.
fn is_counted(word: &str, tongue: &Tongue) -> bool {
    if word.len() > 1 && tongue.unit(word, false).is_some() {
        return true;
    }
    let is_word = word.len() > 4 && word.chars().all(char::is_alphabetic);
    let is_plural = tongue.german && word.ends_with("en") && word.starts_with(char::is_uppercase);
    is_word && (is_plural || word.ends_with('s') && !word.ends_with("ss") && word.starts_with(char::is_lowercase))
}
