//! The web pages: what is open, who is on call, what became of each alert, and acting on it. They are made here, whole, and
//! do without a script; the one there is only asks for the same page again, so that it is up to date.
//!
//! A page is a function from what was asked to an answer. What a visitor may do is decided in one place, [`Routes::page`],
//! before any of them is asked.

pub(super) mod act;
mod alert;
mod alerts;
mod calendar;
mod chart;
mod frame;
pub(super) mod group;
mod link;
mod list;
mod now;
pub(super) mod rules;
mod sign_in;
mod statics;
mod statistics;
#[cfg(test)]
mod tests;
mod time;
pub(super) mod trial;

use jiff::Timestamp;

use super::Routes;
use super::http::{Method, Request, Response};
use super::session::{Refused, Visitor};
use crate::config::Role;
use crate::store;

use frame::Frame;

/// What was asked, and by whom.
pub(super) struct Asked<'a> {
    request: &'a Request,
    visitor: Visitor,
    now: Timestamp,
}

impl Asked<'_> {
    /// The first parameter of the query with this name that is not empty.
    fn query(&self, name: &str) -> Option<String> {
        let mut pairs = self.request.query_pairs().into_iter();
        pairs.find(|(key, value)| key == name && !value.trim().is_empty()).map(|(_, value)| value.trim().to_owned())
    }
}

/// What an answer to a visitor is made of.
type Answer = store::Result<Response>;

impl Routes {
    /// Answers a person: with a page, or with the way to sign in.
    pub(super) fn page(&self, request: &Request) -> Response {
        let https = self.desk.config.server.is_https();
        super::headers::secure(self.page_or_refusal(request), https)
    }

    fn page_or_refusal(&self, request: &Request) -> Response {
        let path = request.path.as_str();
        if let Some(name) = path.strip_prefix("/static/") {
            return statics::answer(request, name);
        }
        if let Some(rest) = path.strip_prefix("/a/") {
            return or_trouble(link::answer(self, request, rest));
        }
        if !self.desk.config.has_visitors() {
            return frame::nobody(404);
        }
        if path == "/sign-in" {
            return sign_in::answer(self, request);
        }
        let visitor = match self.sessions().visitor(request, &self.desk.config) {
            Ok(Some(visitor)) => visitor,
            Ok(None) if request.method == Method::Post => {
                return frame::message(401, "You are not signed in", "Sign in, and do it again. Nothing was changed.");
            }
            Ok(None) => return sign_in::show_the_way(request),
            Err(refused) => return refusal(&refused),
        };
        let asked = Asked { request, visitor, now: self.desk.now() };
        let answer = match request.method {
            Method::Get | Method::Head => self.show(&asked),
            Method::Post => self.act(&asked),
        };
        let answer = or_trouble(answer);
        match asked.visitor.renewal {
            // Who signs out is not to be signed in again by the same answer.
            Some(cookie) if !answer.headers.iter().any(|(name, _)| name == "Set-Cookie") => {
                answer.with_header("Set-Cookie", &cookie)
            }
            Some(_) | None => answer,
        }
    }

    /// The page at this address.
    fn show(&self, asked: &Asked<'_>) -> Answer {
        let path = asked.request.path.as_str();
        let mut parts = path.split('/').skip(1);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(""), None, None) => now::page(self, asked),
            (Some("alerts"), None, None) => list::page(self, asked),
            (Some("alerts"), Some(id), None) => alert::page(self, asked, id),
            (Some("groups"), Some(id), None) => group::page(self, asked, id),
            (Some("rules"), None, None) => rules::page(self, asked),
            (Some("try"), None, None) => Ok(trial::page(self, asked)),
            (Some("statistics"), None, None) => statistics::page(self, asked),
            (Some("report.csv"), None, None) => list::report(self, asked),
            _ => Ok(self.frame(asked, "").message(404, "There is nothing here", "The address leads nowhere.")),
        }
    }

    /// What a form asks for, where the visitor may, and where the form is ours.
    fn act(&self, asked: &Asked<'_>) -> Answer {
        let form = asked.request.form();
        if let Err(refused) = self.sessions().check_form(asked.request, &self.desk.config, &asked.visitor, &form) {
            return Ok(refusal(&refused));
        }
        let mut parts = asked.request.path.split('/').skip(1);
        let asked_for = (parts.next(), parts.next(), parts.next(), parts.next());
        // Everybody may sign out, and may try a mail: that changes nothing.
        match asked_for {
            (Some("sign-out"), None, None, None) => return Ok(sign_in::out(self, asked.request)),
            (Some("try"), None, None, None) => return Ok(trial::tried(self, asked, &form)),
            _ => {}
        }
        if asked.visitor.role < Role::Act {
            let why = "Your role is to look on (`role = \"view\"`). Nothing was changed.";
            return Ok(self.frame(asked, "").message(403, "You may not do that", why));
        }
        match asked_for {
            (Some("alerts"), Some("acknowledge"), None, None) => act::take_all(self, asked, &form),
            (Some("alerts"), Some(id), Some(what), None) => act::on_alert(self, asked, id, what, &form),
            (Some("groups"), Some(id), Some("override"), None) => group::override_duty(self, asked, id, &form),
            (Some("groups"), Some(id), Some("end"), None) => group::end_overrides(self, asked, id, &form),
            _ => Ok(self.frame(asked, "").message(404, "There is nothing here", "Nothing was changed.")),
        }
    }

    /// The frame around a page for this visitor. `place`: which entry of the navigation it belongs to.
    fn frame<'a>(&'a self, asked: &'a Asked<'_>, place: &'static str) -> Frame<'a> {
        Frame::new(self, &asked.visitor, place, asked.now)
    }
}

fn or_trouble(answer: Answer) -> Response {
    answer.unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be made");
        let why = "The store could not be read or written. Calls and texts go on as far as they can; look at the log.";
        frame::message(503, "The store fails", why)
    })
}

/// What somebody is told who is not let in.
fn refusal(refused: &Refused) -> Response {
    let page = frame::message(refused.status(), refused.title(), &refused.to_string());
    refused.retry_after().map_or(page.clone(), |after| page.with_header("Retry-After", &after.to_string()))
}

/// The first value of a field that is not empty, without white space at its ends.
fn field<'f>(form: &'f [(String, String)], name: &str) -> Option<&'f str> {
    let mut fields = form.iter().filter(|(key, _)| key == name).map(|(_, value)| value.trim());
    fields.find(|value| !value.is_empty())
}
