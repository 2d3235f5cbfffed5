//! The page that `--html` writes: one file with its charts and style in it, no script, nothing from a network. Whatever
//! comes from a mail or the rule file is escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::{Date, date};

use super::Setting;
use super::calendar::WEEKDAYS;
use super::play::{Alert, Played};
use super::report::{self, NO_RULE, number, plural};
use super::summary::{Count, Summary, is_night, shade};

const STYLE: &str = include_str!("html/page.css");

/// So many alerts are listed; `--json` has them all.
const LISTED: usize = 2000;

/// So many years are drawn, the latest.
const YEARS: usize = 10;

/// Side of a day's square and its distance to the next, in pixels.
const DAY: usize = 13;
const PITCH: usize = 16;

/// The whole page.
pub fn page(setting: &Setting<'_>, played: &Played<'_>, summary: &Summary<'_>) -> String {
    let mut page = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    // Nothing is loaded and nothing runs, whatever a mail says.
    page.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    let _ = write!(page, "<title>What would have rung</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n");
    let _ = writeln!(page, "<h1>What would have rung</h1>\n<p class=\"faint\">{}</p>", escape(&span(setting)));
    cards(&mut page, setting, played, summary);
    if summary.silent > 0 {
        let alerts = plural(summary.silent, "alert");
        let _ = writeln!(
            page,
            "<p class=\"warn\">Of {alerts} nobody would have been told: their groups had nobody to call.</p>"
        );
    }
    if summary.folded > 0 {
        let folded = plural(summary.folded, "notification");
        let _ = writeln!(page, "<p class=\"faint\">{folded} told in another call or text, by the limits.</p>");
    }
    if summary.total.all() > 0 {
        page.push_str("<h2>Calls and texts by day</h2>\n<div class=\"scroll chart\">\n");
        years(&mut page, &summary.days, known_days(setting));
        page.push_str("</div>\n<h2>Calls and texts by hour of the week</h2>\n<div class=\"scroll chart\">\n");
        week(&mut page, summary);
        page.push_str("</div>\n");
    }
    rules(&mut page, summary);
    contacts(&mut page, summary);
    alerts(&mut page, setting, played);
    let patience = match setting.patience {
        Some(after) => format!("that somebody acknowledges each alert {after:#} after its first call"),
        None => "that nobody ever acknowledges".to_owned(),
    };
    let zone = setting.zone.iana_name().unwrap_or("local time");
    let _ = writeln!(
        page,
        "<footer>thialfi backtest {} · assumed: {} · times: {} · night: 22:00 to 07:00</footer>\n</main>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION"),
        escape(&patience),
        escape(zone)
    );
    page
}

fn span(setting: &Setting<'_>) -> String {
    match setting.span {
        Some((first, last)) => {
            format!("{}, {} to {}", plural(setting.judged, "mail"), setting.local(first), setting.local(last))
        }
        None => plural(setting.judged, "mail"),
    }
}

fn cards(page: &mut String, setting: &Setting<'_>, played: &Played<'_>, summary: &Summary<'_>) {
    page.push_str("<ul class=\"cards\">\n");
    for (count, name) in [
        (setting.judged, "mails"),
        (played.wanted_mails, "asked for a call"),
        (played.alerts.len() as u64, "alerts"),
        (summary.total.calls, "calls"),
        (summary.total.texts, "texts"),
        (summary.total.night, "of these at night"),
    ] {
        let _ = writeln!(page, "<li><b>{}</b><span>{name}</span></li>", number(count));
    }
    page.push_str("</ul>\n");
}

/// A chart a year: a column a week, a row a weekday.
fn years(page: &mut String, days: &BTreeMap<Date, Count>, known: Option<(Date, Date)>) {
    let most = days.values().map(|count| count.all()).max().unwrap_or(0);
    let mut years: Vec<i16> = days.keys().map(|day| day.year()).collect();
    years.dedup();
    for year in years.iter().rev().take(YEARS).rev() {
        let total: u64 = days.iter().filter(|(day, _)| day.year() == *year).map(|(_, count)| count.all()).sum();
        let _ = writeln!(page, "<h3>{year}</h3>");
        self::year(page, *year, days, known, (most, total));
    }
}

/// The days of which the archive tells: those before and after it are drawn as unknown, not as quiet.
fn known_days(setting: &Setting<'_>) -> Option<(Date, Date)> {
    let day = |at: jiff::Timestamp| at.to_zoned(setting.zone.clone()).date();
    setting.span.map(|(first, last)| (day(first), day(last)))
}

fn year(
    page: &mut String,
    year: i16,
    days: &BTreeMap<Date, Count>,
    known: Option<(Date, Date)>,
    (most, total): (u64, u64),
) {
    let (left, top) = (36, 18);
    let height = top + 7 * PITCH;
    let width = left + 54 * PITCH;
    let label = format!("{year}: {} on a calendar", plural(total, "call or text"));
    let _ = writeln!(page, "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">", escape(&label));
    for (row, name) in WEEKDAYS.iter().enumerate().step_by(2) {
        let _ = write!(page, "<text x=\"0\" y=\"{}\">{name}</text>", top + row * PITCH + 10);
    }
    let first = date(year, 1, 1);
    let offset = usize::from(first.weekday().to_monday_zero_offset().unsigned_abs());
    let whole_year = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take_while(|day| day.year() == year);
    for (index, day) in whole_year.enumerate() {
        let (column, row) = ((index + offset) / 7, (index + offset) % 7);
        let (x, y) = (left + column * PITCH, top + row * PITCH);
        if day.day() == 1 {
            let _ = write!(page, "<text x=\"{x}\" y=\"11\">{}</text>", day.strftime("%b"));
        }
        let count = days.get(&day).copied().unwrap_or_default();
        let level = shade(count.all(), most);
        let unknown = count.all() == 0 && known.is_some_and(|(first, last)| day < first || day > last);
        let class = if unknown { "un".to_owned() } else { format!("l{level}") };
        let _ = write!(page, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{DAY}\" height=\"{DAY}\" rx=\"2\"");
        if count.all() == 0 {
            page.push_str("/>");
        } else {
            let _ = write!(page, "><title>{}: {}</title></rect>", day.strftime("%a %Y-%m-%d"), report::total(count));
        }
    }
    page.push_str("\n</svg>\n");
}

/// A row a weekday, a column an hour, the count in each cell.
fn week(page: &mut String, summary: &Summary<'_>) {
    let most = summary.week.iter().flatten().copied().max().unwrap_or(0);
    let (left, top, wide, high) = (40, 20, 34, 26);
    let width = left + 24 * wide + 44;
    let height = top + 7 * high + 4;
    let _ = writeln!(
        page,
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"calls and texts by weekday and hour\">"
    );
    for hour in 0..24_u8 {
        let x = left + usize::from(hour) * wide;
        if is_night(hour.try_into().unwrap_or(0)) {
            let _ =
                write!(page, "<rect class=\"night\" x=\"{x}\" y=\"{top}\" width=\"{wide}\" height=\"{}\"/>", 7 * high);
        }
        let _ = write!(page, "<text x=\"{}\" y=\"13\">{hour:02}</text>", x + 10);
    }
    for (row, (name, hours)) in WEEKDAYS.iter().zip(&summary.week).enumerate() {
        let y = top + row * high;
        let _ = write!(page, "\n<text x=\"0\" y=\"{}\">{name}</text>", y + 17);
        for (hour, count) in hours.iter().enumerate() {
            let x = left + hour * wide;
            let level = shade(*count, most);
            let _ = write!(
                page,
                "<rect class=\"l{level}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"3\"/>",
                x + 2,
                y + 2,
                wide - 4,
                high - 4
            );
            if *count > 0 {
                let class = if level >= 3 { "count dark" } else { "count" };
                let _ = write!(
                    page,
                    "<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
                    x + wide / 2,
                    y + 17,
                    number(*count)
                );
            }
        }
        let total: u64 = hours.iter().sum();
        let _ = write!(page, "<text class=\"right\" x=\"{width}\" y=\"{}\">{}</text>", y + 17, number(total));
    }
    page.push_str("\n</svg>\n");
}

fn rules(page: &mut String, summary: &Summary<'_>) {
    if summary.rules.is_empty() {
        return;
    }
    let most = summary.rules.values().map(|rule| rule.count.all()).max().unwrap_or(0).max(1);
    page.push_str("<h2>Rules</h2>\n<div class=\"scroll\"><table>\n<tr><th>Rule</th><th class=\"n\">Mails</th>");
    page.push_str("<th class=\"n\">Alerts</th><th class=\"n\">Calls</th><th class=\"n\">Texts</th><th class=\"n\">At night</th><th></th></tr>\n");
    for (name, rule) in summary.rules_by_noise() {
        let name = if name.is_empty() { NO_RULE } else { name };
        let _ = write!(page, "<tr><td class=\"w\">{}</td>", escape(name));
        for count in [rule.mails, rule.alerts, rule.count.calls, rule.count.texts, rule.count.night] {
            let _ = write!(page, "<td class=\"n\">{}</td>", number(count));
        }
        let width = (rule.count.all() * 160).div_ceil(most);
        let _ = writeln!(page, "<td><span class=\"bar\" style=\"width:{width}px\"></span></td></tr>");
    }
    page.push_str("</table></div>\n");
}

fn contacts(page: &mut String, summary: &Summary<'_>) {
    if summary.contacts.is_empty() {
        return;
    }
    page.push_str("<h2>People</h2>\n<div class=\"scroll\"><table>\n<tr><th>Contact</th><th class=\"n\">Calls</th>");
    page.push_str("<th class=\"n\">Texts</th><th class=\"n\">At night</th></tr>\n");
    for (name, Count { calls, texts, night }) in summary.contacts_by_noise() {
        let _ = write!(page, "<tr><td class=\"w\">{}</td>", escape(name));
        for count in [calls, texts, night] {
            let _ = write!(page, "<td class=\"n\">{}</td>", number(count));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table></div>\n");
}

fn alerts(page: &mut String, setting: &Setting<'_>, played: &Played<'_>) {
    if played.alerts.is_empty() {
        page.push_str("<h2>Alerts</h2>\n<p>Nobody would have been called.</p>\n");
        return;
    }
    page.push_str("<h2>Alerts</h2>\n<div class=\"scroll\"><table>\n<tr><th>When</th><th>Who</th><th>Rule</th>");
    page.push_str("<th>Subject</th><th>Key</th><th class=\"n\">Mails</th><th>End</th><th>File</th></tr>\n");
    for alert in played.alerts.iter().take(LISTED) {
        row(page, setting, alert);
    }
    page.push_str("</table></div>\n");
    let more = played.alerts.len().saturating_sub(LISTED);
    if more > 0 {
        let _ =
            writeln!(page, "<p class=\"faint\">And {}; --json lists them all.</p>", plural(more as u64, "more alert"));
    }
}

fn row(page: &mut String, setting: &Setting<'_>, alert: &Alert<'_>) {
    let who = alert.contact().map_or("nobody", |contact| contact.as_str());
    let more = match (alert.notifications.len() + alert.folded.len()).saturating_sub(1) {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    let _ = writeln!(
        page,
        "<tr><td class=\"t\">{}</td><td>{}{more}</td><td>{}</td><td class=\"w\">{}</td><td class=\"w\">{}</td>\
         <td class=\"n\">{}</td><td>{}</td><td class=\"w\">{}</td></tr>",
        setting.local(alert.at),
        escape(who),
        escape(alert.rule.unwrap_or(NO_RULE)),
        escape(&alert.subject),
        escape(&alert.key),
        number(u64::from(alert.mails)),
        alert.final_state().word(),
        escape(&setting.place(alert.file, alert.number)),
    );
}

/// Text for HTML, in elements and attributes; what a terminal would obey is made visible here, too.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in crate::cli::terminal::one_line(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_mail_is_markup() {
        assert_eq!(escape("<b a=\"1\">&'\x1b"), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;\\u{1b}");
    }

    #[test]
    fn a_year_is_drawn_with_all_its_days() {
        let mut page = String::new();
        let count = Count { calls: 2, texts: 0, night: 1 };
        let days = BTreeMap::from([(date(2024, 2, 29), count), (date(2026, 11, 2), count)]);
        years(&mut page, &days, Some((date(2024, 2, 1), date(2026, 12, 31))));
        assert_eq!(page.matches("class=\"un\"").count(), 31);
        assert_eq!(page.matches("<rect").count(), 366 + 365);
        assert!(page.contains("<title>Thu 2024-02-29: 2 calls, 0 texts; 1 at night (22–7)</title>"));
    }
}
