//! Conditions in words: what they ask for, what they saw, and why they did not hold.

use std::fmt;

use jiff::Zoned;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::authentication::Results;
use super::excerpt;
use super::nearest::{Nearest, nearest};
use super::pattern::one_line;
use super::ruleset::View;
use super::sight::Sight;
use super::{Comparison, Condition, ConditionReport, Count, Haystack, Pattern, Place, Quantity, Recall, Relation};

/// So much of what does not follow in a text is shown of a pattern, in characters.
const REST: usize = 40;

/// The condition on one line, in the words of the rule file.
pub(crate) fn describe(condition: &Condition) -> String {
    match condition {
        Condition::Matches { place, pattern } => format!("{place} matches `{pattern}`"),
        Condition::Automatic(true) => "is an automatic answer or a bounce".to_owned(),
        Condition::Automatic(false) => "is neither an automatic answer nor a bounce".to_owned(),
        Condition::Size { min: Some(min), max: Some(max) } => format!("size {} and {}", at_least(*min), at_most(*max)),
        Condition::Size { min: Some(min), max: None } => format!("size {}", at_least(*min)),
        Condition::Size { min: None, max: Some(max) } => format!("size {}", at_most(*max)),
        Condition::Size { min: None, max: None } => "any size".to_owned(),
        Condition::Authenticated { method, result } => format!("authenticated: {method}={result}"),
        Condition::Between { from, until, time_zone } => {
            let (from, until) = (from.strftime("%H:%M"), until.strftime("%H:%M"));
            format!("between {from} and {until} {}", zone_name(time_zone))
        }
        Condition::On { days, time_zone } => {
            let days: Vec<_> = days.iter().map(|day| day_name(*day)).collect();
            format!("on {} {}", days.join(", "), zone_name(time_zone))
        }
        Condition::Number { variable, bounds } => {
            let bounds: Vec<_> = bounds.iter().map(bound).collect();
            format!("{variable} is {}", bounds.join(" and "))
        }
        Condition::All(conditions) => format!("all of {} conditions", conditions.len()),
        Condition::Any(conditions) => format!("any of {} conditions", conditions.len()),
        Condition::Not(condition) => format!("not: {}", describe(condition)),
    }
}

/// `above 20`.
pub(crate) fn bound(comparison: &Comparison) -> String {
    format!("{} {}", relation(comparison.relation), comparison.bound)
}

/// As the rule file most likely says it: the smallest size above 10 MB is no size that anybody would write.
fn at_least(least: u64) -> String {
    match (in_units(least), in_units(least.saturating_sub(1))) {
        (None, Some(under)) => format!("over {under}"),
        (Some(least), _) => format!("at least {least}"),
        (None, None) => format!("at least {least} bytes"),
    }
}

fn at_most(most: u64) -> String {
    match (in_units(most), in_units(most.saturating_add(1))) {
        (None, Some(over)) => format!("under {over}"),
        (Some(most), _) => format!("at most {most}"),
        (None, None) => format!("at most {most} bytes"),
    }
}

/// A whole number of the largest unit that makes it one; none smaller than a kilobyte.
fn in_units(bytes: u64) -> Option<String> {
    const UNITS: [(&str, u64); 6] =
        [("GB", 1_000_000_000), ("GiB", 1 << 30), ("MB", 1_000_000), ("MiB", 1 << 20), ("kB", 1000), ("KiB", 1 << 10)];
    let (unit, size) = UNITS.iter().find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size))?;
    Some(format!("{} {unit}", bytes / size))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Subject => f.write_str("subject"),
            Self::From => f.write_str("from"),
            Self::To => f.write_str("to"),
            Self::Header(name) => write!(f, "header {name}"),
            Self::Sender => f.write_str("sender"),
            Self::Recipient => f.write_str("recipient"),
            Self::Body => f.write_str("body"),
            Self::Quoted => f.write_str("quoted"),
            Self::Attachment => f.write_str("attachment"),
            Self::Undecoded => f.write_str("undecoded mail"),
        }
    }
}

/// Why the pattern was not found there: nothing is there, or what comes nearest.
pub(crate) fn why_not(place: &Place, pattern: &Pattern, sight: &Sight<'_>) -> String {
    let texts: Vec<&Haystack<'_>> = sight.texts(place).collect();
    if texts.is_empty() {
        return match place {
            Place::From => "there is no From".to_owned(),
            Place::To => "there is neither To nor Cc".to_owned(),
            Place::Header(name) => format!("there is no header {name}"),
            Place::Sender => "no sender was named".to_owned(),
            Place::Attachment => "there is no attachment".to_owned(),
            Place::Text | Place::Subject | Place::Recipient | Place::Body | Place::Quoted | Place::Undecoded => {
                "it is missing".to_owned()
            }
        };
    }
    if texts.iter().all(|haystack| haystack.text().trim().is_empty()) {
        return "it is empty".to_owned();
    }
    let near = texts.iter().filter_map(|haystack| Some((haystack, nearest(pattern, haystack.text())?)));
    let near = near.max_by_key(|(_, found)| found.range.len());
    if let [only] = texts.as_slice()
        && !only.text().trim().contains('\n')
    {
        return match near {
            Some((_, found)) => as_far_as("no match in", only, &found),
            None => format!("no match in: {}", excerpt::short(only.text())),
        };
    }
    if let Some((haystack, found)) = near {
        return as_far_as("no line matches; nearest", haystack, &found);
    }
    match texts.iter().find_map(|haystack| haystack.nearest_line(pattern.required())) {
        Some(line) => format!("no line matches; nearest: {}", excerpt::short(line)),
        None if texts.len() > 1 => format!("none of {} matches", texts.len()),
        None => "no line matches".to_owned(),
    }
}

/// What is found of a pattern, and what does not follow.
fn as_far_as(what: &str, haystack: &Haystack<'_>, found: &Nearest<'_>) -> String {
    let rest: String = one_line(found.rest);
    let cut = if rest.chars().count() > REST { "…" } else { "" };
    let rest: String = rest.chars().take(REST).collect();
    format!("{what}: {}, not followed by `{rest}{cut}`", excerpt::around(haystack.text(), &found.range))
}

/// What makes a mail an automatic answer, if anything does.
pub(crate) fn automatic(view: &View<'_>) -> String {
    match (view.message.automatic, view.sender) {
        (true, _) => "its headers are those of an automatic answer or a bounce",
        (false, Some("")) => "it comes from the null sender",
        (false, Some(_) | None) => "nothing says that it is an automatic answer",
    }
    .to_owned()
}

/// What the topmost `Authentication-Results` says.
pub(crate) fn authentication(results: Option<&Results>) -> String {
    let Some(results) = results else { return "there is no Authentication-Results".to_owned() };
    let server = results.authserv_id.as_deref().unwrap_or("the topmost field");
    let told: Vec<_> = results.results.iter().map(|(method, result)| format!("{method}={result}")).collect();
    let told = if told.is_empty() { "nothing".to_owned() } else { told.join(", ") };
    excerpt::short(&format!("{server} says {told}"))
}

/// "it is Sat 23:14 Pacific/Auckland"
pub(crate) fn local_time(now: &Zoned) -> String {
    format!("it is {} {} {}", day_name(now.weekday()), now.strftime("%H:%M"), zone_name(now.time_zone()))
}

/// "load is «23,5 %», which is 23.5%"; or why it cannot be compared.
pub(crate) fn number(variable: &str, value: Option<&str>, bounds: &[Comparison]) -> String {
    let Some(value) = value else { return format!("nothing has filled {variable}") };
    let seen = format!("{variable} is «{}»", excerpt::short(value));
    let Some(number) = Quantity::parse(value) else { return format!("{seen}, which is not a number") };
    match bounds.iter().find(|one| one.holds(&number).is_none()) {
        Some(one) => format!("{seen}, which cannot be compared with {}", one.bound),
        None if number.to_string() == value => seen,
        None => format!("{seen}, which is {number}"),
    }
}

/// "at least 5 mails of its key in 10m"
pub(crate) fn count(count: &Count) -> String {
    format!("at least {} mails of its key in {:#}", count.times, count.within)
}

/// What came of asking.
pub(crate) fn recalled(recall: Recall) -> String {
    match recall {
        Recall::Times(1) => "it is the first".to_owned(),
        Recall::Times(times) => format!("there are {times}, this one included"),
        Recall::Unknown => "not known here: a mail alone does not tell; taken to be reached".to_owned(),
        Recall::Failed => "the store fails: somebody is woken rather than not".to_owned(),
    }
}

fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Above => "above",
        Relation::Below => "below",
        Relation::AtLeast => "at least",
        Relation::AtMost => "at most",
        Relation::Equals => "equal to",
    }
}

/// "2 of 3 hold"
pub(crate) fn how_many_hold(within: &[ConditionReport]) -> String {
    format!("{} of {} hold", within.iter().filter(|report| report.matched).count(), within.len())
}

fn zone_name(time_zone: &TimeZone) -> String {
    match (time_zone.iana_name(), time_zone.to_fixed_offset()) {
        (Some(name), _) => name.to_owned(),
        (None, Ok(offset)) => offset.to_string(),
        (None, Err(_)) => "local time".to_owned(),
    }
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    }
}
