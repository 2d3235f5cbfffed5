//! The page behind a link in a text: one alert, for the one who got the text, for a day. Looking changes nothing: whatever
//! previews links in a telephone looks, too.

use jiff::Timestamp;
use serde::Serialize;

use super::alerts::{Can, Card, card};
use super::time::Times;
use super::{Answer, act, frame};
use crate::alert::{Alert, State};
use crate::config::Role;
use crate::server::Routes;
use crate::server::http::{Method, Request, Response};
use crate::server::session::{Link, Visitor};
use crate::store::KeptMail;

#[derive(Serialize)]
struct Page {
    alert: Card,
    /// What it says.
    text: String,
    mail: Option<String>,
    /// The link itself, which its forms lead to.
    address: String,
    name: String,
}

/// Answers what a link leads to, and what its buttons ask for.
pub(super) fn answer(routes: &Routes, request: &Request, rest: &str) -> Answer {
    let now = routes.desk.now();
    let (link, what) = rest.split_once('/').unwrap_or((rest, ""));
    let Some((notification, contact)) =
        routes.with_store(|store| Link::verify(store, link, &routes.desk.config, now))?
    else {
        let why = "The link is wrong, or older than a day. Sign in to see the alert.";
        return Ok(frame::message(404, "This link leads nowhere", why));
    };
    let config = &routes.desk.config;
    let visitor = Visitor::by_link(&contact, config);
    match request.method {
        Method::Post => {
            let Some(event) = act::event(what, act::actor(&visitor, config)) else {
                return Ok(frame::message(404, "There is nothing here", "Nothing was changed."));
            };
            if !is_from_our_page(request) {
                return Ok(frame::message(403, "Another site asked for that", "Nothing was changed."));
            }
            let done = routes.with_store(|store| {
                let can = can(&store.alert(notification.alert)?, &visitor);
                // What the page has no button for is not done for who asks without one.
                let may = can.allows(what);
                if may {
                    act::apply(routes, store, notification.alert, &event)?;
                }
                Ok(may)
            })?;
            if done {
                tracing::info!(alert = %notification.alert, what, by = visitor.name, "done by the link in a text");
            }
            Ok(Response::see_other(&format!("/a/{link}")))
        }
        Method::Get | Method::Head if what.is_empty() => {
            let (alert, mails) =
                routes.with_store(|store| Ok((store.alert(notification.alert)?, store.mails(notification.alert)?)))?;
            Ok(page(routes, &visitor, link, (&alert, mails), now))
        }
        Method::Get | Method::Head => Ok(frame::message(404, "There is nothing here", "Use the buttons of the page.")),
    }
}

/// A link lets one see and take the alert, and pass it on; it is no way to end it for all, unless one has it.
fn can(alert: &Alert, visitor: &Visitor) -> Can {
    let can = Can::of(alert, visitor);
    Can { resolve: can.resolve && alert.state == State::Acknowledged && !can.take_over, ..can }
}

fn page(
    routes: &Routes,
    visitor: &Visitor,
    link: &str,
    (alert, mails): (&Alert, Vec<KeptMail>),
    now: Timestamp,
) -> Response {
    let config = &routes.desk.config;
    let times = Times { zone: &config.defaults.time_zone, now };
    let mut shown = card(alert, config, times, visitor);
    shown.can = can(alert, visitor);
    let page = Page {
        alert: shown,
        text: alert.text.clone(),
        mail: mails.into_iter().next_back().map(|mail| mail.text.new_text.trim_end().to_owned()),
        address: format!("/a/{link}"),
        name: visitor.name.clone(),
    };
    debug_assert!(visitor.role <= Role::Act, "a link gives no more than its alert");
    frame::outside(200, "link.html", page)
}

/// A page of another site can make a browser send a form here, if it knows the link. It does not, but it costs nothing to ask.
fn is_from_our_page(request: &Request) -> bool {
    request.header("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"))
}
