//! Calendars that say who is on call (`ics = "path"`): the files, and what of an earlier reading is kept when one cannot
//! be read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::source::reason;
use super::value::At;
use super::{Config, Scope, beside};
use crate::oncall::calendar::{self, LONGEST};
use crate::oncall::{Calendar, Contact, ContactId, GroupId, OnCall, Turns};

/// So many events that are not understood are told of one by one.
const TOLD: usize = 5;

/// A calendar file that a schedule names.
#[derive(Debug, Clone)]
pub struct CalendarFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whose schedule names it.
    pub group: GroupId,
    /// What it says; `None`: it could not be read. Then nobody is on call by it, and the whole group is called.
    pub calendar: Option<Arc<Calendar>>,
}

/// Reads a calendar. One that cannot be read stops nothing: `check` complains, and the whole group is called.
pub(super) fn read(
    scope: &Scope<'_>,
    (path, at): (&str, At),
    group: GroupId,
    zone: &TimeZone,
    contacts: &BTreeMap<ContactId, Contact>,
) -> CalendarFile {
    let reader = scope.reader;
    let path = beside(reader, at, Path::new(path));
    let reading = text(&path).and_then(|text| calendar::read(&text, zone, contacts));
    let reading = match reading {
        Ok(reading) => reading,
        Err(why) => {
            let message = format!("the calendar `{}` cannot be read: {why}", path.display());
            let hint = format!("as long as that is so, all members of the group `{group}` are called");
            reader.danger(at, message, hint);
            return CalendarFile { path, group, calendar: None };
        }
    };
    for fault in reading.faults.iter().take(TOLD) {
        reader.warn(at, fault.as_str(), "it counts for nothing: nobody is on call by it");
    }
    if let Some(more) = reading.faults.len().checked_sub(TOLD).filter(|more| *more > 0) {
        reader.warn(at, format!("{more} more events of the calendar are not understood"), "they count for nothing");
    }
    if reading.calendar.is_empty() {
        reader.warn(at, "the calendar has no event that says who is on call", "all members of the group are called");
    }
    CalendarFile { path, group, calendar: Some(Arc::new(reading.calendar)) }
}

fn text(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| reason(&error);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    // A pipe or a device could be waited for through the night.
    if !metadata.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > LONGEST {
        return Err(format!("it is longer than {} KiB", LONGEST / 1024));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Config {
    /// Keeps what `earlier` knew of the calendars that could not be read this time: who was on call by last hour's file
    /// is more likely to be it than everybody.
    pub fn keep_calendars_of(&mut self, earlier: &Self) {
        let Self { calendars, roster, .. } = self;
        for group in roster.groups.values_mut() {
            let OnCall::Schedule(schedule) = &mut group.on_call else { continue };
            let layers = schedule.all_layers_mut().filter_map(|layer| match &mut layer.turns {
                Turns::Calendar(calendar) => Some(calendar),
                Turns::Always(_) | Turns::Rotation(..) => None,
            });
            // In the order in which they were read.
            let files = calendars.iter_mut().filter(|file| file.group == group.id);
            for (file, calendar) in files.zip(layers).filter(|(file, _)| file.calendar.is_none()) {
                let known = earlier.calendars.iter().find(|known| known.path == file.path);
                if let Some(known) = known.and_then(|known| known.calendar.clone()) {
                    *calendar = Arc::clone(&known);
                    file.calendar = Some(known);
                }
            }
        }
    }
}
