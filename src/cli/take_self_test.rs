//! The mail of `thialfi test --loop`, as a delivery meets it: no rule looks at it. Who waits for it follows up, so the mail
//! is dealt with as soon as its alert is on disk.

use std::sync::Arc;

use super::follow_up;
use super::surroundings::Surroundings;
use crate::config::Config;
use crate::engine::self_test::{self, Taken};
use crate::mail::Message;
use crate::store;

/// Takes the mail, and says what to log; `None`: it is another mail.
pub fn take(config: &Arc<Config>, message: &Message, surroundings: &Surroundings) -> store::Result<Option<String>> {
    let Some(test) = config.self_test.as_ref().filter(|_| self_test::mark_of(message).is_some()) else {
        return Ok(None);
    };
    let desk = surroundings.desk(config);
    let mut store = surroundings.store(config)?;
    Ok(Some(match desk.take_self_test(store.as_mut(), message, test)? {
        None => return Ok(None),
        Some(Taken::Again(id)) => format!("self-test {id}: its mail came again"),
        Some(Taken::Late(id)) => format!("self-test {id}: its mail came too late"),
        Some(Taken::Noted(id)) => format!("self-test {id}: its mail has come; nobody is notified"),
        Some(Taken::Opened(id, alert)) => {
            let (lines, _) = follow_up::follow(surroundings, &desk, store, &[alert.id], false)?;
            let line = format!("self-test {id}: opened alert {} ({})", alert.id, alert.code);
            lines.first().map_or(line.clone(), |last| format!("{line}; {last}"))
        }
    }))
}
