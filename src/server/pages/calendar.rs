//! The next four weeks of a group, drawn: a row a week, a bar a shift.

use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp, ToSpan as _, Zoned};
use serde::Serialize;

use super::time::{At, Times};
use crate::oncall::{ContactId, Group, Roster, Shift};

/// So many weeks.
const WEEKS: i64 = 4;
/// A day's width and a week's height, in the drawing's own units.
const DAY: f64 = 50.0;
const WEEK: f64 = 46.0;
/// Where the bars of a week begin, and how high they are.
const BAR_TOP: f64 = 17.0;
const BAR: f64 = 23.0;
/// Room for a letter.
const LETTER: f64 = 6.2;
/// So many colours there are.
const COLOURS: usize = 8;

/// The drawing, and the same as rows of a table.
#[derive(Debug, Serialize)]
pub(super) struct Drawing {
    width: f64,
    height: f64,
    days: Vec<Mark>,
    bars: Vec<Bar>,
    /// The present moment.
    now: Mark,
    rows: Vec<Row>,
    shown_rows: usize,
}

/// A place in the drawing with words.
#[derive(Debug, Serialize)]
struct Mark {
    x: f64,
    y: f64,
    text: String,
    today: bool,
}

/// A shift, or the part of it that is in one week.
#[derive(Debug, Serialize)]
struct Bar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    /// `c0` to `c7`; `nobody`.
    class: String,
    label: String,
    title: String,
}

/// A shift.
#[derive(Debug, Serialize)]
struct Row {
    who: Option<String>,
    class: String,
    from: Option<At>,
    until: Option<At>,
    why: String,
}

/// Draws it.
pub(super) fn draw(roster: &Roster, group: &Group, times: Times<'_>) -> Drawing {
    let today = times.now.to_zoned(times.zone.clone());
    let back = i64::from(today.weekday().since(Weekday::Monday));
    let monday = today.start_of_day().and_then(|day| day.checked_sub(back.days())).unwrap_or_else(|_| today.clone());
    let weeks: Vec<(Zoned, Zoned)> = (0..WEEKS)
        .filter_map(|week| {
            let begin = monday.checked_add((week * 7).days()).ok()?;
            let end = begin.checked_add(7.days()).ok()?;
            Some((begin, end))
        })
        .collect();
    let end = weeks.last().map_or(times.now, |(_, end)| end.timestamp());
    let shifts = roster.shifts(&group.id, monday.timestamp(), end);
    let colours = Colours::of(roster, group);
    let mut drawing = Drawing {
        width: DAY * 7.0,
        height: WEEK * f64::from(u32::try_from(weeks.len()).unwrap_or_default()),
        days: Vec::new(),
        bars: Vec::new(),
        now: place(&weeks, times.now),
        rows: Vec::new(),
        shown_rows: 12,
    };
    for (number, (begin, _)) in weeks.iter().enumerate() {
        for day in 0..7_i32 {
            let Ok(date) = begin.date().checked_add(i64::from(day).days()) else { continue };
            let form = if date.day() == 1 || number == 0 && day == 0 { "%-d %b" } else { "%-d" };
            let (x, y) = (DAY * f64::from(day), row_top(number));
            drawing.days.push(Mark { x, y, text: date.strftime(form).to_string(), today: date == today.date() });
        }
    }
    for shift in &shifts {
        let who = shift.contact.as_ref().map(|id| name(roster, id));
        let class = shift.contact.as_ref().map_or_else(|| "nobody".to_owned(), |id| colours.of_contact(id));
        bars(&mut drawing.bars, shift, &weeks, (who.as_deref(), &class), times);
        // What is over is drawn, but not told again.
        if shift.until.is_none_or(|until| until > times.now) {
            let [from, until] = [shift.from, shift.until].map(|edge| edge.map(|edge| times.at(edge)));
            drawing.rows.push(Row { who, class, from, until, why: shift.why.to_string() });
        }
    }
    drawing
}

/// Adds the parts of a shift, one for each week that it is in.
fn bars(
    all: &mut Vec<Bar>,
    shift: &Shift,
    weeks: &[(Zoned, Zoned)],
    (who, class): (Option<&str>, &str),
    times: Times<'_>,
) {
    for (number, (begin, end)) in weeks.iter().enumerate() {
        let from = shift.from.unwrap_or(Timestamp::MIN).max(begin.timestamp());
        let until = shift.until.unwrap_or(Timestamp::MAX).min(end.timestamp());
        if from >= until {
            continue;
        }
        let (left, right) = (across(begin, end, from), across(begin, end, until));
        let width = (right - left - 1.0).max(1.0);
        let words = who.unwrap_or("nobody");
        // As many characters as the bar holds; none rather than one that says nothing.
        let room = ((width - 6.0) / LETTER).floor();
        let fits = words
            .chars()
            .enumerate()
            .take_while(|(place, _)| f64::from(u32::try_from(*place).unwrap_or(u32::MAX)) < room);
        let label: String = fits.map(|(_, letter)| letter).collect();
        let [since, then] =
            [shift.from, shift.until].map(|edge| edge.map_or("…".to_owned(), |edge| times.at(edge).full));
        all.push(Bar {
            x: rounded(left + 0.5),
            y: row_top(number) + BAR_TOP,
            width: rounded(width),
            height: BAR,
            class: class.to_owned(),
            label,
            title: format!("{words}: {since} – {then} ({})", shift.why),
        });
    }
}

fn place(weeks: &[(Zoned, Zoned)], now: Timestamp) -> Mark {
    let week = weeks.iter().position(|(begin, end)| begin.timestamp() <= now && now < end.timestamp());
    let number = week.unwrap_or_default();
    let x = weeks.get(number).map_or(0.0, |(begin, end)| across(begin, end, now));
    Mark { x: rounded(x), y: row_top(number) + BAR_TOP - 2.0, text: String::new(), today: true }
}

/// How far across a week a moment is. A day is as wide as any other, also where the clocks change.
fn across(begin: &Zoned, end: &Zoned, moment: Timestamp) -> f64 {
    if moment >= end.timestamp() {
        return DAY * 7.0;
    }
    let local = moment.to_zoned(begin.time_zone().clone());
    let days = (local.date() - begin.date()).get_days();
    let since_midnight = local.start_of_day().map_or(SignedDuration::ZERO, |midnight| local.duration_since(&midnight));
    DAY * (f64::from(days) + since_midnight.as_secs_f64() / 86_400.0)
}

fn row_top(week: usize) -> f64 {
    WEEK * f64::from(u32::try_from(week).unwrap_or_default())
}

fn rounded(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}

fn name(roster: &Roster, id: &ContactId) -> String {
    roster.contacts.get(id).map_or_else(|| id.to_string(), |contact| contact.name.clone())
}

/// A colour for each who can be on call, the same on every page of the group.
struct Colours(Vec<ContactId>);

impl Colours {
    fn of(roster: &Roster, group: &Group) -> Self {
        let mut known = roster.candidates(&group.id);
        known.extend(group.members.iter().chain(&group.backup).cloned());
        known.extend(roster.overrides.iter().filter(|one| one.group == group.id).map(|one| one.contact.clone()));
        let mut each = Vec::new();
        for id in known {
            if !each.contains(&id) {
                each.push(id);
            }
        }
        Self(each)
    }

    fn of_contact(&self, id: &ContactId) -> String {
        let place = self.0.iter().position(|known| known == id).unwrap_or_default();
        format!("c{}", place % COLOURS)
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // whole units and halves are exact
mod tests {
    use super::*;
    use crate::oncall::{Contact, OnCall, Override};

    fn group(roster: &mut Roster) -> Group {
        for id in ["anna", "bert"] {
            let contact = Contact {
                id: ContactId::new(id),
                name: id.to_uppercase(),
                phone: None,
                sms: None,
                email: None,
                language: None,
                voice: None,
            };
            roster.contacts.insert(contact.id.clone(), contact);
        }
        let group = Group {
            id: crate::oncall::GroupId::new("g"),
            name: "G".to_owned(),
            members: vec![ContactId::new("anna"), ContactId::new("bert")],
            on_call: OnCall::Fixed(ContactId::new("anna")),
            backup: Vec::new(),
            policy: None,
        };
        roster.groups.insert(group.id.clone(), group.clone());
        group
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_shift_is_drawn_in_each_week_that_it_is_in_and_told_once() {
        let mut roster = Roster::default();
        let group = group(&mut roster);
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        // From Thursday noon to the Tuesday after.
        roster.overrides.push(Override {
            group: group.id.clone(),
            contact: ContactId::new("bert"),
            from: at("2026-11-05T11:00:00Z"),
            until: Some(at("2026-11-09T23:00:00Z")),
            made_by: "web:x".to_owned(),
        });
        let drawing = draw(&roster, &group, Times { zone: &zone, now: at("2026-11-04T10:00:00Z") });
        assert_eq!((drawing.days.len(), drawing.width, drawing.height), (28, 350.0, 184.0));
        assert_eq!((drawing.days[0].text.as_str(), drawing.days[1].text.as_str()), ("2 Nov", "3"));
        let bars: Vec<(&str, f64, f64)> = drawing.bars.iter().map(|bar| (bar.class.as_str(), bar.x, bar.y)).collect();
        // Bert from the middle of the fourth day, and in the next week for a day.
        assert_eq!(bars[..3], [("c0", 0.5, 17.0), ("c1", 175.5, 17.0), ("c1", 0.5, 63.0)]);
        assert_eq!(drawing.bars[2].width, 49.0);
        assert_eq!(drawing.rows.iter().filter(|row| row.class == "c1").count(), 1);
    }

    #[test]
    fn a_day_is_as_wide_as_any_other_when_the_clocks_change() {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        // The week in which the 29th of March has 23 hours.
        let monday = at("2026-03-23T11:00:00Z").to_zoned(zone.clone()).start_of_day().unwrap();
        let end = monday.checked_add(7.days()).unwrap();
        let sunday = at("2026-03-28T23:00:00Z");
        assert_eq!(across(&monday, &end, sunday), 300.0);
        assert_eq!(across(&monday, &end, end.timestamp()), 350.0);
        let noon = "2026-03-29T12:00[Europe/Berlin]".parse::<Zoned>().unwrap().timestamp();
        assert!((across(&monday, &end, noon) - 322.9).abs() < 0.1, "{}", across(&monday, &end, noon));
    }
}
