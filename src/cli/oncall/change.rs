//! Changing who is on call: an override, or the end of all of them.

use jiff::Timestamp;

use super::super::setup::{self, complain};
use super::{Options, moment, refuse};
use crate::cli::nearest::nearest;
use crate::config::Config;
use crate::exit::Exit;
use crate::oncall::{ContactId, GroupId, Override};
use crate::store::{self, Sqlite, Store as _};

/// Makes an override, or ends them all, as the options say.
pub fn apply(
    config: &Config,
    store: &mut Sqlite,
    group: &GroupId,
    options: &Options,
    now: Timestamp,
) -> Result<(), Exit> {
    let failed = |error: store::Error| {
        complain(&error.to_string());
        Exit::No
    };
    if options.clear {
        return store.end_overrides(group, now).map(drop).map_err(failed);
    }
    let Some(contact) = &options.contact else { return Ok(()) };
    let id = ContactId::new(contact.as_str());
    if !config.roster.contacts.contains_key(&id) {
        let names = config.roster.contacts.keys().map(ContactId::as_str);
        complain(&format!("there is no contact `{contact}`{}", nearest(contact, names)));
        return Err(Exit::No);
    }
    let (from, until) = span(config, options, now)?;
    let made_by = format!("cli:{}", setup::user());
    store.add_override(&Override { group: group.clone(), contact: id, from, until, made_by }).map_err(failed)
}

/// `--from` and `--until`.
fn span(config: &Config, options: &Options, now: Timestamp) -> Result<(Timestamp, Option<Timestamp>), Exit> {
    let zone = &config.defaults.time_zone;
    let read = |text: &str, after: Timestamp| moment(text, after, zone).map_err(|why| refuse(&why));
    let from = options.from.as_deref().map(|text| read(text, now)).transpose()?.unwrap_or(now);
    let until = options.until.as_deref().map(|text| read(text, from)).transpose()?;
    let wrong = match until {
        _ if from < now => Some("--from lies in the past"),
        Some(until) if until <= now => Some("--until lies in the past"),
        Some(until) if until <= from => Some("--until is not after --from"),
        Some(_) | None => None,
    };
    match wrong {
        Some(why) => {
            complain(&format!("{why}: nothing was changed"));
            Err(Exit::Usage)
        }
        None => Ok((from, until)),
    }
}
