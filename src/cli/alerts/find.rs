//! The alert that somebody names on the command line, by its number or by its code.

use jiff::SignedDuration;

use super::fail;
use crate::alert::{AlertId, Code};
use crate::cli::setup::complain;
use crate::exit::Exit;
use crate::store::{Error, Filter, Sqlite, Store as _};

/// For so long a code means its alert.
const CODES_HOLD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The alert that a number (`12`, `#12`) or a code (`7K`) names.
pub fn alert(store: &mut Sqlite, text: &str) -> Result<AlertId, Exit> {
    let text = text.trim().trim_start_matches('#');
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return by_number(store, text);
    }
    let since = crate::clock::from_environment().now() - CODES_HOLD;
    if let Some(id) = store.by_code(&Code(text.to_uppercase()), since).map_err(|error| fail(&error))? {
        return Ok(id);
    }
    let filter = Filter { since: Some(since), ..Filter::default() };
    let recent = store.alerts(&filter).map_err(|error| fail(&error))?;
    let near = recent.iter().find(|alert| strsim::damerau_levenshtein(&alert.code.0, &text.to_uppercase()) == 1);
    let hint = match near {
        Some(alert) => format!("; did you mean `{}` ({})?", alert.code, alert.subject),
        None => "; `thialfi alerts` lists them".to_owned(),
    };
    complain(&format!("no alert of the last 30 days has the code `{text}`{hint}"));
    Err(Exit::No)
}

fn by_number(store: &mut Sqlite, text: &str) -> Result<AlertId, Exit> {
    let newest = store.alerts(&Filter { limit: Some(1), ..Filter::default() }).map_err(|error| fail(&error))?;
    if let Ok(number) = text.parse() {
        match store.alert(AlertId(number)) {
            Ok(_) => return Ok(AlertId(number)),
            Err(Error::NoAlert(_)) => {}
            Err(error) => return Err(fail(&error)),
        }
    }
    let hint = match newest.first() {
        Some(alert) => format!("; the newest is {} ({})", alert.id, alert.code),
        None => "; there are none yet".to_owned(),
    };
    complain(&format!("there is no alert {text}{hint}"));
    Err(Exit::No)
}
