//! Who is on call, as a table or as JSON.

use anstream::{print, println};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::super::table::{self, Table};
use crate::oncall::{ContactId, Duty, GroupId, Roster, Shift};
use crate::report::duty::{self, Now};

/// What stands for a contact where nobody is on call.
const NOBODY: &str = "nobody: all are called";

/// What is shown.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub roster: &'a Roster,
    pub groups: &'a [&'a GroupId],
    /// The moment, or the first one.
    pub at: Timestamp,
    /// In whose local time.
    pub zone: &'a TimeZone,
}

impl<'a> Shown<'a> {
    /// One row a group.
    pub fn duties(&self) {
        if self.groups.is_empty() {
            println!("The rule file has no groups.");
            return;
        }
        let rows: Vec<Now<'a>> = self.groups.iter().map(|group| Now::of(self.roster, group, self.at)).collect();
        let with_second = rows.iter().any(|row| row.second.is_some());
        let mut headings = vec!["GROUP", "ON CALL", "PHONE", "UNTIL", "NEXT"];
        if with_second {
            headings.push("SECOND");
        }
        let mut table = Table::new(&headings);
        for row in rows {
            let contact = row.duty.as_ref().map(|duty| &duty.contact);
            let name = contact.map_or_else(|| NOBODY.to_owned(), |id| self.name(id));
            let overridden = row.duty.as_ref().is_some_and(Duty::overridden);
            let mut cells = vec![
                row.group.to_string(),
                if overridden { format!("{name} (override)") } else { name },
                contact.and_then(|id| self.phone(id)).unwrap_or_else(|| "-".to_owned()),
                self.time(row.until),
                row.next.as_ref().map_or_else(|| "-".to_owned(), |id| self.name(id)),
            ];
            if with_second {
                cells.push(row.second.map_or_else(|| "-".to_owned(), |id| self.name(id)));
            }
            table.row(cells);
        }
        print!("{}", table.render(table::terminal_width()));
    }

    /// One object a group.
    pub fn duties_as_json(&self) {
        let rows = self.groups.iter().map(|group| duty::now(self.roster, group, self.at));
        println!("{}", Value::Array(rows.collect()));
    }

    /// One row a change, of one group after the other.
    pub fn shifts(&self, end: Timestamp) {
        let several = self.groups.len() != 1;
        let mut table = Table::new(if several {
            &["GROUP", "FROM", "UNTIL", "ON CALL", "WHY"]
        } else {
            &["FROM", "UNTIL", "ON CALL", "WHY"]
        });
        for (group, shift) in self.all_shifts(end) {
            let who = shift.contact.as_ref().map_or_else(|| NOBODY.to_owned(), |id| self.name(id));
            let cells = [self.time(shift.from), self.time(shift.until), who, shift.why.to_string()];
            table.row(several.then(|| group.to_string()).into_iter().chain(cells));
        }
        print!("{}", table.render(table::terminal_width()));
    }

    /// One object a change.
    pub fn shifts_as_json(&self, end: Timestamp) {
        let rows = self.all_shifts(end).map(|(group, shift)| duty::shift(self.roster, group, &shift));
        println!("{}", Value::Array(rows.collect()));
    }

    fn all_shifts(&self, end: Timestamp) -> impl Iterator<Item = (&'a GroupId, Shift)> {
        let Self { roster, groups, at, .. } = *self;
        groups.iter().flat_map(move |group| roster.shifts(group, at, end).into_iter().map(move |shift| (*group, shift)))
    }

    fn name(&self, id: &ContactId) -> String {
        self.roster.contacts.get(id).map_or_else(|| id.to_string(), |contact| contact.name.clone())
    }

    fn phone(&self, id: &ContactId) -> Option<String> {
        self.roster.contacts.get(id)?.phone.as_ref().map(ToString::to_string)
    }

    fn time(&self, t: Option<Timestamp>) -> String {
        t.map_or_else(|| "-".to_owned(), |t| time(t, self.zone))
    }
}

/// A moment as `oncall` writes it.
pub fn time(t: Timestamp, zone: &TimeZone) -> String {
    t.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}
