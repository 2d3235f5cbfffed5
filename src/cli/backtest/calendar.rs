//! The calendar of calls and texts, drawn with characters: a heat map of the week's hours, and bars by day, week or
//! month. Legible without colours, too.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{Ansi256Color, Color, Style};
use jiff::Span;
use jiff::civil::Date;

use super::summary::{Count, Summary, shade};

const FAINT: Style = Style::new().dimmed();
const NIGHT: Style = colour(68);
const DAY: Style = colour(173);

/// From seldom to often; each is told by its character alone, too.
const HEAT: [(&str, Style); 5] =
    [("· ", FAINT), ("░░", colour(107)), ("▒▒", colour(178)), ("▓▓", colour(173)), ("██", colour(160))];

/// The names of the days, Monday first.
pub const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The longest bar, in characters.
const BAR: u64 = 40;

/// So many bars at most: what is longer is drawn by a coarser unit.
const BARS: usize = 31;

const fn colour(number: u8) -> Style {
    Style::new().fg_color(Some(Color::Ansi256(Ansi256Color(number))))
}

/// The heat map: a row for each weekday, a column for each hour.
pub fn week(summary: &Summary<'_>) -> String {
    let most = summary.week.iter().flatten().copied().max().unwrap_or(0);
    let mut text = String::from("      ");
    for hour in (0..24).step_by(3) {
        let _ = write!(text, "{FAINT}{hour:<6}{FAINT:#}");
    }
    text.push('\n');
    for (name, hours) in WEEKDAYS.iter().zip(&summary.week) {
        let _ = write!(text, "  {FAINT}{name}{FAINT:#} ");
        for count in hours {
            let (cell, style) = HEAT.get(shade(*count, most)).copied().unwrap_or(("??", FAINT));
            let _ = write!(text, "{style}{cell}{style:#}");
        }
        let total: u64 = hours.iter().sum();
        let _ = if total == 0 { writeln!(text, " {FAINT}-{FAINT:#}") } else { writeln!(text, " {total}") };
    }
    let _ = write!(text, "      {FAINT}an hour, of all weeks:{FAINT:#} ");
    let mut least = 1;
    for level in 1..HEAT.len() {
        // What each shade stands for, as far as it occurs: see `shade`.
        let end = (most.max(4).saturating_mul(level as u64) / 4).min(most);
        if let Some((cell, style)) = HEAT.get(level).filter(|_| least <= end) {
            let words = if least == end { end.to_string() } else { format!("{least}-{end}") };
            let _ = write!(text, "{style}{cell}{style:#} {words}  ");
            least = end + 1;
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// What a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    /// The day by which the bar is known on which `date` lies.
    fn start(self, date: Date) -> Date {
        let back = i64::from(date.weekday().to_monday_zero_offset());
        match self {
            Self::Day => date,
            Self::Week => date.checked_sub(Span::new().days(back)).unwrap_or(date),
            Self::Month => date.first_of_month(),
            Self::Year => date.first_of_year(),
        }
    }

    fn next(self, start: Date) -> Option<Date> {
        let span = match self {
            Self::Day => Span::new().days(1),
            Self::Week => Span::new().weeks(1),
            Self::Month => Span::new().months(1),
            Self::Year => Span::new().years(1),
        };
        start.checked_add(span).ok()
    }

    fn name(self, start: Date) -> String {
        match self {
            Self::Day => start.strftime("%a %Y-%m-%d").to_string(),
            Self::Week => start.strftime("week %G-%V ").to_string(),
            Self::Month => start.strftime("%b %Y").to_string(),
            Self::Year => start.strftime("%Y").to_string(),
        }
    }
}

/// A bar for each day, week, month or year, from the first to the last that has any; those of the night first.
pub fn bars(summary: &Summary<'_>) -> String {
    let Some((first, last)) = summary.days.keys().next().zip(summary.days.keys().next_back()) else {
        return String::new();
    };
    let unit = [Unit::Day, Unit::Week, Unit::Month].into_iter().find(|unit| rows(*unit, *first, *last).len() <= BARS);
    let unit = unit.unwrap_or(Unit::Year);
    let mut counts: BTreeMap<Date, Count> = BTreeMap::new();
    for (date, count) in &summary.days {
        let sum = counts.entry(unit.start(*date)).or_default();
        sum.calls += count.calls;
        sum.texts += count.texts;
        sum.night += count.night;
    }
    let most = counts.values().map(|count| count.all()).max().unwrap_or(0).max(1);
    let mut text = String::new();
    for start in rows(unit, *first, *last) {
        let count = counts.get(&start).copied().unwrap_or_default();
        let length = |part: u64| usize::try_from((part * BAR.min(most)).div_ceil(most)).unwrap_or(0);
        let whole = length(count.all());
        let night = length(count.night).min(whole);
        let _ = write!(text, "  {FAINT}{}{FAINT:#}  ", unit.name(start));
        let _ = write!(text, "{NIGHT}{}{NIGHT:#}{DAY}{}{DAY:#}", "▓".repeat(night), "█".repeat(whole - night));
        let _ = match (count.all(), count.night) {
            (0, _) => writeln!(text, "{FAINT}·{FAINT:#}"),
            (all, 0) => writeln!(text, " {all}"),
            (all, night) => writeln!(text, " {all} {FAINT}({night} at night){FAINT:#}"),
        };
    }
    text
}

/// The starts of all bars, up to one more than are drawn, but for years.
fn rows(unit: Unit, first: Date, last: Date) -> Vec<Date> {
    let starts = std::iter::successors(Some(unit.start(first)), |start| unit.next(*start));
    let limit = if unit == Unit::Year { 200 } else { BARS + 1 };
    starts.take_while(|start| *start <= last).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn days(counts: &[(Date, u64, u64)]) -> Summary<'static> {
        let days = counts.iter().map(|(date, calls, night)| (*date, Count { calls: *calls, texts: 0, night: *night }));
        Summary { days: days.collect(), ..Summary::default() }
    }

    #[test]
    fn the_week_is_a_row_a_day_and_tells_its_shades() {
        let mut summary = Summary::default();
        summary.week[0][3] = 8;
        summary.week[6][23] = 1;
        let text = plain(&week(&summary));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 9);
        assert!(lines[0].starts_with("      0     3     6"));
        assert!(lines[1].starts_with("  Mon · · · ██· ") && lines[1].ends_with(" 8"), "{text}");
        assert!(lines[7].ends_with("░░ 1"), "{text}");
        assert!(lines[8].ends_with("░░ 1-2  ▒▒ 3-4  ▓▓ 5-6  ██ 7-8"), "{text}");
    }

    #[test]
    fn bars_show_days_without_calls_too() {
        let text = plain(&bars(&days(&[(date(2026, 11, 2), 2, 1), (date(2026, 11, 4), 4, 0)])));
        assert_eq!(text, "  Mon 2026-11-02  ▓█ 2 (1 at night)\n  Tue 2026-11-03  ·\n  Wed 2026-11-04  ████ 4\n");
    }

    #[test]
    fn a_long_time_is_drawn_by_weeks_months_or_years() {
        let lines = |last: Date| {
            let text = plain(&bars(&days(&[(date(2026, 1, 1), 1, 0), (last, 100, 0)])));
            (text.lines().count(), text.lines().next().unwrap_or_default().trim().to_owned())
        };
        assert_eq!(lines(date(2026, 1, 31)), (31, "Thu 2026-01-01  █ 1".to_owned()));
        assert_eq!(lines(date(2026, 3, 1)), (9, "week 2026-01   █ 1".to_owned()));
        assert_eq!(lines(date(2028, 1, 1)), (25, "Jan 2026  █ 1".to_owned()));
        assert_eq!(lines(date(2036, 1, 1)), (11, "2026  █ 1".to_owned()));
    }

    #[test]
    fn no_calls_draw_nothing() {
        assert_eq!(bars(&Summary::default()), "");
    }
}
