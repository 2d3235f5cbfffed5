//! From the text of an iCalendar file (RFC 5545) to a calendar of who is on call. calcard reads the syntax and knows the
//! names that other programs give to time zones; what an event means for a rota is decided here.

use std::collections::BTreeMap;

use calcard::common::PartialDateTime;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarFrequency, ICalendarProperty,
    ICalendarRecurrenceRule, ICalendarStatus, ICalendarValue, ICalendarWeekday,
};
use calcard::{Entry, Parser};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::named::named;
use super::when::{When, Zones, day_of, short, time_of};
use super::{Calendar, Length, Recurring, Rule, Single};
use crate::oncall::hours::moment;
use crate::oncall::{Contact, ContactId};

/// The longest calendar that is read, in bytes: ten years of daily turns take less.
pub const LONGEST: usize = 1024 * 1024;
/// At most so many events that are repeated: each is looked at for each question.
const REPEATED: usize = 500;

/// What a calendar says, and what in it was not understood.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Of all events that were understood.
    pub calendar: Calendar,
    /// What is wrong with the others: an event that names nobody, a rule that cannot be followed.
    pub faults: Vec<String>,
}

/// Reads a calendar. Who is on call is said by the summary of an event, when that is the key, the name or the mail
/// address of a contact; else by its attendees; else by a summary in which just one contact is named. `zone` is the time
/// zone of days and of times without one.
///
/// # Errors
/// When this is no calendar, or not all of one: in words.
pub fn read(text: &str, zone: &TimeZone, contacts: &BTreeMap<ContactId, Contact>) -> Result<Reading, String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {} KiB", LONGEST / 1024));
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    let ends = text.lines().next_back().is_some_and(|line| line.trim_end().eq_ignore_ascii_case("END:VCALENDAR"));
    let begins = text.lines().next().is_some_and(|line| line.trim_end().eq_ignore_ascii_case("BEGIN:VCALENDAR"));
    match (begins, ends) {
        (false, _) => return Err("it does not begin with `BEGIN:VCALENDAR`".to_owned()),
        // A file that was cut off while it was copied must not take people off duty.
        (true, false) => return Err("it does not end with `END:VCALENDAR`: it is cut off".to_owned()),
        (true, true) => {}
    }
    let mut events = Events::default();
    let mut parser = Parser::new(text);
    loop {
        match parser.entry() {
            Entry::ICalendar(calendar) => events.take(&calendar, zone, contacts),
            Entry::Eof => break,
            Entry::InvalidLine(line) => events.faults.push(format!("`{}` is no line of a calendar", short(&line))),
            _ => return Err("its parts do not end where they should".to_owned()),
        }
    }
    Ok(events.reading())
}

/// What the events of a file say.
#[derive(Default)]
struct Events {
    singles: Vec<(Single, usize)>,
    recurring: Vec<(Recurring, usize)>,
    /// How many were seen.
    number: usize,
    faults: Vec<String>,
}

impl Events {
    fn take(&mut self, calendar: &ICalendar, zone: &TimeZone, contacts: &BTreeMap<ContactId, Contact>) {
        let zones = Zones { resolver: calendar.build_tz_resolver(), default: zone };
        let events = || calendar.components.iter().filter(|one| one.component_type == ICalendarComponentType::VEvent);
        // An occurrence that was moved or called off stands for itself: its place in the series is free.
        let mut moved: BTreeMap<&str, Vec<When>> = BTreeMap::new();
        for event in events() {
            if let (Some(uid), Some(entry)) = (event.uid(), event.property(&ICalendarProperty::RecurrenceId))
                && let Ok(when) = zones.when(entry)
            {
                moved.entry(uid).or_default().push(when);
            }
        }
        for event in events() {
            self.number += 1;
            let replaced = match event.property(&ICalendarProperty::RecurrenceId) {
                Some(_) => &[],
                None => event.uid().and_then(|uid| moved.get(uid)).map_or(&[][..], Vec::as_slice),
            };
            if let Err(fault) = self.event(event, replaced, &zones, contacts) {
                self.faults.push(format!("the event {} {fault}", title(event)));
            }
        }
    }

    fn event(
        &mut self,
        event: &ICalendarComponent,
        replaced: &[When],
        zones: &Zones<'_>,
        contacts: &BTreeMap<ContactId, Contact>,
    ) -> Result<(), String> {
        if event.status() == Some(&ICalendarStatus::Cancelled) {
            return Ok(());
        }
        if let Some(entry) = event.property(&ICalendarProperty::RecurrenceId) {
            zones.when(entry)?;
        }
        let contact = named(event, contacts)?;
        let start = event.property(&ICalendarProperty::Dtstart).ok_or("has no `DTSTART`")?;
        let start = zones.when(start)?;
        let length = length(event, &start, zones)?;
        let place = self.number;
        let mut add = |start: &When| -> Result<(), String> {
            let (from, until) = length.of(start, zones).ok_or("lies beyond the year 9999")?;
            if from >= until {
                return Err("ends when it begins, or earlier".to_owned());
            }
            self.singles.push((Single { from, until, contact: contact.clone() }, place));
            Ok(())
        };
        let mut dates = Dates::default();
        for entry in &event.entries {
            match entry.name {
                ICalendarProperty::Exdate => dates.except.extend(zones.all(entry)?),
                ICalendarProperty::Rdate => dates.besides.extend(zones.all(entry)?),
                _ => {}
            }
        }
        dates.except.extend(replaced.iter().cloned());
        for extra in dates.besides.iter().filter(|extra| !dates.leave_out(extra, zones)) {
            add(extra)?;
        }
        let mut rules = event.properties(&ICalendarProperty::Rrule);
        let Some(rule) = rules.next() else {
            return if dates.leave_out(&start, zones) { Ok(()) } else { add(&start) };
        };
        if rules.next().is_some() {
            return Err("has more than one `RRULE`".to_owned());
        }
        if self.recurring.len() >= REPEATED {
            return Err(format!("is one too many: at most {REPEATED} events may be repeated"));
        }
        let Some(ICalendarValue::RecurrenceRule(rule)) = rule.values.first() else {
            return Err("has an `RRULE` that cannot be read".to_owned());
        };
        let (time_zone, begin) = start.place(zones.default);
        let until = rule.until.as_ref().map(|until| last(until, &time_zone)).transpose()?;
        self.recurring.push((
            Recurring {
                first: begin.date(),
                time: begin.time(),
                length,
                rule: days(rule, begin.date())?,
                count: rule.count,
                until,
                except: dates.except_moments(zones),
                except_days: dates.except_days(),
                time_zone,
                contact,
            },
            place,
        ));
        Ok(())
    }

    fn reading(self) -> Reading {
        Reading { calendar: Calendar::new(&self.singles, self.recurring), faults: self.faults }
    }
}

/// What an event says of single dates.
#[derive(Default)]
struct Dates {
    except: Vec<When>,
    besides: Vec<When>,
}

impl Dates {
    fn leave_out(&self, when: &When, zones: &Zones<'_>) -> bool {
        self.except.iter().any(|except| match (except, when) {
            (When::Day(day), _) => *day == when.place(zones.default).1.date(),
            (When::Local(..), _) => except.moment(zones.default) == when.moment(zones.default),
        })
    }

    fn except_moments(&self, zones: &Zones<'_>) -> Vec<Timestamp> {
        let exact = self.except.iter().filter(|when| matches!(when, When::Local(..)));
        let mut moments: Vec<_> = exact.filter_map(|when| when.moment(zones.default)).collect();
        moments.sort_unstable();
        moments
    }

    fn except_days(&self) -> Vec<Date> {
        let mut days: Vec<_> = self
            .except
            .iter()
            .filter_map(|when| match when {
                When::Day(day) => Some(*day),
                When::Local(..) => None,
            })
            .collect();
        days.sort_unstable();
        days
    }
}

/// How long an event lasts: to its `DTEND`, or its `DURATION`; else a day without a time its day, any other no time.
fn length(event: &ICalendarComponent, start: &When, zones: &Zones<'_>) -> Result<Length, String> {
    if let Some(entry) = event.property(&ICalendarProperty::Dtend) {
        let end = zones.when(entry)?;
        let ((zone, from), (end_zone, until)) = (start.place(zones.default), end.place(zones.default));
        if zone == end_zone {
            let days = until.date().duration_since(from.date()).as_hours().div_euclid(24);
            return Ok(Length::Until(days, until.time()));
        }
        let both = start.moment(zones.default).zip(end.moment(zones.default));
        let (from, until) = both.ok_or("lies beyond the year 9999")?;
        return Ok(Length::For(0, until.duration_since(from)));
    }
    if let Some(entry) = event.property(&ICalendarProperty::Duration) {
        let Some(ICalendarValue::Duration(value)) = entry.values.first() else {
            return Err("has a `DURATION` that cannot be read".to_owned());
        };
        let days = i64::from(value.weeks) * 7 + i64::from(value.days);
        let (hours, minutes) = (i64::from(value.hours), i64::from(value.minutes));
        let rest = SignedDuration::from_secs(hours * 3600 + minutes * 60 + i64::from(value.seconds));
        return if value.neg { Err("has a negative `DURATION`".to_owned()) } else { Ok(Length::For(days, rest)) };
    }
    match start {
        When::Day(_) => Ok(Length::For(1, SignedDuration::ZERO)),
        When::Local(..) => Err("has no end: neither `DTEND` nor `DURATION`".to_owned()),
    }
}

impl Length {
    fn of(self, start: &When, zones: &Zones<'_>) -> Option<(Timestamp, Timestamp)> {
        let (zone, local) = start.place(zones.default);
        Some((start.moment(zones.default)?, self.end(&zone, local.date(), local.time())?))
    }
}

/// The last moment at which an occurrence may begin.
fn last(until: &PartialDateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let fault = || "has an `UNTIL` that is no date".to_owned();
    let day = day_of(until).ok_or_else(fault)?;
    let found = match (time_of(until), until.tz_hour) {
        // The whole day counts.
        (None, _) => moment(zone, day, Time::constant(23, 59, 59, 999_999_999)),
        (Some(time), None) => moment(zone, day, time),
        (Some(time), Some(_)) => moment(&TimeZone::UTC, day, time),
    };
    found.ok_or_else(fault)
}

/// On which days a rule lets an event take place.
fn days(rule: &ICalendarRecurrenceRule, first: Date) -> Result<Rule, String> {
    let others = !rule.bysecond.is_empty()
        || !rule.byminute.is_empty()
        || !rule.byhour.is_empty()
        || !rule.bymonthday.is_empty()
        || !rule.byyearday.is_empty()
        || !rule.byweekno.is_empty()
        || !rule.bymonth.is_empty()
        || !rule.bysetpos.is_empty()
        || rule.rscale.is_some()
        || rule.byday.iter().any(|day| day.ordwk.is_some());
    let every = u32::from(rule.interval.unwrap_or(1).max(1));
    let week = rule.wkst.map_or(Weekday::Monday, weekday);
    let offset = |day: Weekday| week.until(day);
    let mut days: Vec<i8> = rule.byday.iter().map(|day| offset(weekday(day.weekday))).collect();
    days.sort_unstable();
    days.dedup();
    match rule.freq {
        _ if others => {}
        ICalendarFrequency::Weekly if days.is_empty() => {
            return Ok(Rule::Weeks { every, days: vec![offset(first.weekday())], first: week });
        }
        ICalendarFrequency::Weekly => return Ok(Rule::Weeks { every, days, first: week }),
        ICalendarFrequency::Daily if days.is_empty() => return Ok(Rule::Days(every)),
        // Every day, of these days: that is weekly.
        ICalendarFrequency::Daily if every == 1 => return Ok(Rule::Weeks { every, days, first: week }),
        ICalendarFrequency::Daily
        | ICalendarFrequency::Yearly
        | ICalendarFrequency::Monthly
        | ICalendarFrequency::Hourly
        | ICalendarFrequency::Minutely
        | ICalendarFrequency::Secondly => {}
    }
    Err(format!("is repeated by a rule that is not followed (`{rule}`): only FREQ=DAILY and FREQ=WEEKLY are"))
}

fn weekday(day: ICalendarWeekday) -> Weekday {
    match day {
        ICalendarWeekday::Monday => Weekday::Monday,
        ICalendarWeekday::Tuesday => Weekday::Tuesday,
        ICalendarWeekday::Wednesday => Weekday::Wednesday,
        ICalendarWeekday::Thursday => Weekday::Thursday,
        ICalendarWeekday::Friday => Weekday::Friday,
        ICalendarWeekday::Saturday => Weekday::Saturday,
        ICalendarWeekday::Sunday => Weekday::Sunday,
    }
}

/// An event as a person knows it: its summary and day.
fn title(event: &ICalendarComponent) -> String {
    let text = |name| event.property(name).and_then(|entry| entry.values.first());
    let summary = text(&ICalendarProperty::Summary).and_then(ICalendarValue::as_text).unwrap_or("without a summary");
    match text(&ICalendarProperty::Dtstart).and_then(ICalendarValue::as_partial_date_time).and_then(day_of) {
        Some(day) => format!("`{}` of {day}", short(summary)),
        None => format!("`{}`", short(summary)),
    }
}
