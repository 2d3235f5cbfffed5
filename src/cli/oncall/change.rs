//! Changing who is on call: an override, or the end of all of them.

use jiff::Timestamp;

use super::super::setup::{self, complain};
use super::{Options, refuse, show};
use crate::cli::nearest::nearest;
use crate::config::Config;
use crate::exit::Exit;
use crate::oncall::moment::moment;
use crate::oncall::{ContactId, GroupId, Override};
use crate::store::{self, Sqlite, Store as _};

/// Makes an override, or ends them all, as the options say. Returns what was done: one that begins later is not seen in
/// who is on call now.
pub fn apply(
    config: &Config,
    store: &mut Sqlite,
    group: &GroupId,
    options: &Options,
    now: Timestamp,
) -> Result<Option<String>, Exit> {
    let failed = |error: store::Error| {
        complain(&error.to_string());
        Exit::No
    };
    if options.clear {
        store.end_overrides(group, now).map_err(failed)?;
        return Ok(Some(format!("The rule file says again who is on call for {group}.")));
    }
    let Some(contact) = &options.contact else { return Ok(None) };
    let id = ContactId::new(contact.as_str());
    let Some(name) = config.roster.contacts.get(&id).map(|contact| &contact.name) else {
        let names = config.roster.contacts.keys().map(ContactId::as_str);
        complain(&format!("there is no contact `{contact}`{}", nearest(contact, names)));
        return Err(Exit::No);
    };
    let (from, until) = span(config, options, now)?;
    let made_by = format!("cli:{}", setup::user());
    store.add_override(&Override { group: group.clone(), contact: id, from, until, made_by }).map_err(failed)?;
    let time = |t| show::time(t, &config.defaults.time_zone);
    let span = match (from > now, until) {
        (true, Some(until)) => format!("from {} until {}", time(from), time(until)),
        (true, None) => format!("from {} on", time(from)),
        (false, Some(until)) => format!("until {}", time(until)),
        (false, None) => "from now on".to_owned(),
    };
    Ok(Some(format!("{name} is on call for {group} {span}.")))
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
