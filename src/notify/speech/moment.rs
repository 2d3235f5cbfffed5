//! Dates and times of day as they are said.

use super::tongue::Tongue;
use super::word::{Around, is_figures, starts_with_figure};

/// The word as a date, a time, or a name out of the calendar; empty words where others have said it already.
pub(super) fn say(core: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    // `03:15 Uhr` is `3 Uhr 15`; and nobody needs the offset of `03:15:22 +1300`.
    let is_said = core == "Uhr" || core.len() == 5 && core.starts_with(['+', '-']) && is_figures(core.get(1..)?);
    let before = around.before.rsplit(['-', '–']).next().unwrap_or_default();
    if is_said && before.contains(':') && clock(before, "", tongue).is_some() {
        return Some(String::new());
    }
    calendar_name(core, around, tongue).or_else(|| moment(core, around, tongue))
}

/// `Nov` and `Thu` beside a number.
fn calendar_name(core: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    // `06 Nov`: a day has no zero before it, and in German a dot after it.
    let is_month = month_named(around.after).is_some() || tongue.months.contains(&around.after);
    if is_month && core.len() <= 2 && is_figures(core) {
        return Some(format!("{}{}", core.trim_start_matches('0'), if tongue.german { "." } else { "" }));
    }
    let find = |names: &[&str], word: &str| names.iter().position(|name| *name == word);
    let by_number = starts_with_figure(around.before) || starts_with_figure(around.after);
    if by_number && let Some(month) = month_named(core) {
        return tongue.months.get(month).map(|name| (*name).to_owned());
    }
    let day = find(&DAYS, core).filter(|_| by_number || month_named(around.after).is_some())?;
    tongue.days.get(day).map(|name| (*name).to_owned())
}

/// `2026-11-26`, `26.11.2026`, `03:15:22`, and both with a `T` between them. Seconds are for machines.
fn moment(core: &str, around: Around<'_>, tongue: &Tongue) -> Option<String> {
    if let Some((day, time)) = core.split_once('T')
        && let (Some(day), Some(time)) = (date(day, tongue), clock(time, "", tongue))
    {
        return Some(format!("{day}, {time}"));
    }
    if let Some((start, end)) = core.split_once(['-', '–'])
        && let (Some(start), Some(end)) = (clock(start, "", tongue), clock(end, around.after, tongue))
    {
        return Some(format!("{start} {} {end}", tongue.to));
    }
    date(core, tongue).or_else(|| clock(core, around.after, tongue))
}

/// Which month an English abbreviation names, from 0.
fn month_named(word: &str) -> Option<usize> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS.iter().position(|name| *name == word)
}

/// `26-Nov`, `26/Nov/2026`.
fn date_by_name(text: &str, tongue: &Tongue) -> Option<String> {
    let mut parts = text.split(['-', '/']);
    let day = parts.next().filter(|day| is_figures(day))?.parse::<u8>().ok().filter(|day| (1..=31).contains(day))?;
    let month = tongue.months.get(month_named(parts.next()?)?)?;
    let year = parts.next().unwrap_or_default();
    if !year.is_empty() && !is_figures(year) || parts.next().is_some() {
        return None;
    }
    let dot = if tongue.german { "." } else { "" };
    Some(format!("{day}{dot} {month} {year}"))
}

/// A year of four figures comes first or last. Where day and month cannot be told apart, nothing is guessed.
pub(super) fn date(text: &str, tongue: &Tongue) -> Option<String> {
    if let Some(date) = date_by_name(text, tongue) {
        return Some(date);
    }
    let sign = text.chars().find(|c| !c.is_ascii_digit()).filter(|sign| matches!(sign, '-' | '.' | '/'))?;
    let parts: Vec<&str> = text.split(sign).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    if !parts.iter().all(|part| is_figures(part)) || second.len() > 2 {
        return None;
    }
    let number = |part: &str| part.parse::<usize>().ok();
    let (year, month, day) = match (first.len(), third.len()) {
        (4, 1..=2) => (first, number(second)?, number(third)?),
        (1..=2, 4) if sign == '/' && number(second)? > 12 => (third, number(first)?, number(second)?),
        (1..=2, 4) if sign == '/' && number(first)? <= 12 => return None,
        (1..=2, 4) => (third, number(second)?, number(first)?),
        _ => return None,
    };
    let name = tongue.months.get(month.checked_sub(1)?)?;
    let dot = if tongue.german { "." } else { "" };
    (1..=31).contains(&day).then(|| format!("{day}{dot} {name} {year}"))
}

/// `03:15`, `03:15:22`, `03:15:22.123+13:00`; `after` is the next word.
fn clock(text: &str, after: &str, tongue: &Tongue) -> Option<String> {
    let text = text.split(['+', ',']).next().unwrap_or(text).trim_end_matches('Z');
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
    let has_half = ["am", "pm", "a.m", "p.m"].contains(&after.to_lowercase().as_str());
    Some(match (tongue.german, hour, minute) {
        (true, _, 0) => format!("{hour} Uhr"),
        (true, _, _) => format!("{hour} Uhr {minute}"),
        (false, 0, 0) => tongue.midnight.to_owned(),
        (false, 1..=12, 0) if has_half => hour.to_string(),
        (false, 1..=12, 0) => format!("{hour} o'clock"),
        (false, _, _) => format!("{hour}:{minute:02}"),
    })
}
