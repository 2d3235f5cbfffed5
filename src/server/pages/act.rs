//! What a visitor does to alerts: acknowledge, take over, pass on, resolve. Each is in the alert's history, with who did it.

use super::{Answer, Asked, field};
use crate::alert::{Actor, AlertId, Event, State, Through};
use crate::server::Routes;
use crate::server::http::Response;
use crate::server::session::Visitor;
use crate::store::{self, Store};

/// Of a storm, so many are taken with one click: as many as a page shows.
const AT_ONCE: usize = 200;

/// What an address says where nobody follows whom an alert could be passed on to.
pub(super) const NOBODY_FURTHER: &str = "nobody-further";

/// The actor that a visitor is.
pub(in crate::server) fn actor(visitor: &Visitor, config: &crate::config::Config) -> Actor {
    let contact = visitor.contact.as_ref().and_then(|id| config.roster.contacts.get(id));
    let name = contact.map_or_else(|| visitor.name.clone(), |contact| contact.name.clone());
    Actor { contact: contact.map(|contact| contact.id.clone()), name, through: Through::Click }
}

/// What the words of a form, or of the API, ask for.
pub(in crate::server) fn event(what: &str, by: Actor) -> Option<Event> {
    Some(match what {
        "acknowledge" => Event::Acknowledge { by, within: None },
        "take-over" => Event::TakeOver { by },
        "pass-on" => Event::Escalate { by, within: None },
        "resolve" => Event::Resolve { by, within: None },
        _ => return None,
    })
}

/// One alert.
pub(super) fn on_alert(routes: &Routes, asked: &Asked<'_>, id: &str, what: &str, form: &[(String, String)]) -> Answer {
    let nothing = || Ok(routes.frame(asked, "").message(404, "There is no such alert", "Nothing was changed."));
    let Some(id) = number(id) else { return nothing() };
    let Some(event) = event(what, actor(&asked.visitor, &routes.desk.config)) else { return nothing() };
    let done = routes.with_store(|store| {
        let before = store.alert(id)?;
        apply(routes, store, id, &event)?;
        Ok((before, store.alert(id)?))
    });
    let (before, after) = match done {
        Ok(both) => both,
        Err(store::Error::NoAlert(_)) => return nothing(),
        Err(error) => return Err(error),
    };
    tracing::info!(alert = %id, what, by = asked.visitor.name, "done on the web page");
    // Who asked for somebody else must know that there is nobody: the list would look as if nothing had been pressed.
    let open = before.state == State::Open && after.state == State::Open;
    if matches!(event, Event::Escalate { .. }) && open && before.progress == after.progress {
        return Ok(Response::see_other(&format!("/alerts/{id}?said={NOBODY_FURTHER}")));
    }
    Ok(Response::see_other(&back(field(form, "back"), id)))
}

/// All that a page showed as open: those, and no other, were looked at.
pub(super) fn take_all(routes: &Routes, asked: &Asked<'_>, form: &[(String, String)]) -> Answer {
    let ids: Vec<AlertId> =
        form.iter().filter(|(key, _)| key == "id").filter_map(|(_, id)| number(id)).take(AT_ONCE).collect();
    let event = Event::Acknowledge { by: actor(&asked.visitor, &routes.desk.config), within: None };
    routes.with_store(|store| {
        // Somebody else may have been faster with some of them: those stay theirs.
        let open = ids.iter().copied().filter(|id| store.alert(*id).is_ok_and(|alert| alert.state == State::Open));
        let open: Vec<AlertId> = open.collect();
        routes.desk.apply_each(store, &open, &event)
    })?;
    routes.wake();
    tracing::info!(alerts = ids.len(), by = asked.visitor.name, "acknowledged together on the web page");
    Ok(Response::see_other("/"))
}

/// Lets it happen. The engine tells the others, and hangs up.
pub(in crate::server) fn apply(
    routes: &Routes,
    store: &mut dyn Store,
    id: AlertId,
    event: &Event,
) -> store::Result<()> {
    routes.desk.apply(store, id, event)?;
    routes.wake();
    Ok(())
}

/// The number of an alert, as it stands in an address.
pub(in crate::server) fn number(text: &str) -> Option<AlertId> {
    let digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok().map(AlertId)).flatten()
}

/// Where to go on: the page on which the button was, if that is one of two; never somewhere else.
fn back(asked: Option<&str>, id: AlertId) -> String {
    match asked {
        Some("now") => "/".to_owned(),
        Some(_) | None => format!("/alerts/{id}"),
    }
}
