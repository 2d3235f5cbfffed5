//! The JSON API: what the pages show and do, for programs. Which addresses there are, and what one must be to ask them, stands in
//! one table; `docs/openapi.json` says it to the world, and a test holds the two together.

mod alerts;
mod body;
mod oncall;
mod problem;
mod query;
mod rules;
mod statistics;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::Value;

use super::Routes;
use super::http::{Method, Request, Response};
use super::session::{Proof, Visitor};
use crate::config::Role;

use problem::Problem;
use query::Query;

/// The description of all of it; whoever has none of our tokens may read it, too.
const DESCRIPTION: &str = include_str!("../../../docs/openapi.json");
/// Where it is.
const DESCRIBED_AT: &str = "/api/openapi.json";
/// The field in which a signed-in browser sends what only our pages know.
const CSRF: &str = "x-csrf-token";

/// What is answered, or why not.
type Answer = Result<Response, Problem>;

/// What was asked.
struct Call<'a> {
    request: &'a Request,
    visitor: &'a Visitor,
    query: Query,
    /// What stands in the address where the table has a name in braces.
    place: Vec<String>,
    now: Timestamp,
}

impl Call<'_> {
    /// What stands at the so-manieth name of the address.
    fn named(&self, index: usize) -> &str {
        self.place.get(index).map_or("", String::as_str)
    }
}

/// One of the addresses.
struct Endpoint {
    method: Method,
    /// `{…}` stands for one part.
    path: &'static str,
    /// Who may ask.
    role: Role,
    /// The parameters of its query, as [`Query::of`] wants them.
    parameters: &'static [&'static str],
    answer: fn(&Routes, &Call<'_>) -> Answer,
}

const fn get(
    path: &'static str,
    parameters: &'static [&'static str],
    answer: fn(&Routes, &Call<'_>) -> Answer,
) -> Endpoint {
    Endpoint { method: Method::Get, path, role: Role::View, parameters, answer }
}

const fn act(path: &'static str, answer: fn(&Routes, &Call<'_>) -> Answer) -> Endpoint {
    Endpoint { method: Method::Post, path, role: Role::Act, parameters: &[], answer }
}

/// All addresses but that of the description.
static ENDPOINTS: [Endpoint; 11] = [
    get("/api/alerts", &["state", "group", "recipient", "text", "since", "until", "before", "limit"], alerts::list),
    get("/api/alerts/{id}", &[], alerts::one),
    act("/api/alerts/{id}/{action}", alerts::act),
    get("/api/oncall", &["at"], oncall::all),
    get("/api/oncall/{group}", &["from", "until"], oncall::shifts),
    act("/api/oncall/{group}", oncall::hand_over),
    act("/api/oncall/{group}/end", oncall::end),
    get("/api/groups", &[], rules::groups),
    get("/api/rules", &[], rules::rules),
    Endpoint {
        method: Method::Post,
        path: "/api/explain",
        // It changes nothing.
        role: Role::View,
        parameters: &["recipient*", "sender"],
        answer: rules::explain,
    },
    get("/api/statistics", &["since", "until"], statistics::statistics),
];

impl Routes {
    /// Answers a program, or the script of a page.
    pub(super) fn api(&self, request: &Request) -> Response {
        let answer = self.api_answer(request).unwrap_or_else(Problem::response);
        super::headers::secure(answer, self.desk.config.server.is_https())
    }

    fn api_answer(&self, request: &Request) -> Answer {
        // HEAD is GET whose body the gate leaves out.
        let method = if request.method == Method::Head { Method::Get } else { request.method };
        if request.path == DESCRIBED_AT {
            if method != Method::Get {
                return Err(not_so("GET, HEAD"));
            }
            Query::of(request, &[])?;
            return Ok(Response::new(200, "application/json", DESCRIPTION));
        }
        let Some(visitor) = self.sessions().visitor(request, &self.desk.config)? else {
            let detail = "send a token of the rule file's `[tokens]`: `Authorization: Bearer thialfi_…`";
            return Err(Problem::new(401, detail).with("WWW-Authenticate", "Bearer"));
        };
        let answer = self.api_for(request, method, &visitor)?;
        Ok(match &visitor.renewal {
            Some(cookie) => answer.with_header("Set-Cookie", cookie),
            None => answer,
        })
    }

    fn api_for(&self, request: &Request, method: Method, visitor: &Visitor) -> Answer {
        let (endpoint, place) = found(&request.path, method)?;
        if visitor.role < endpoint.role {
            let detail =
                format!("that takes the role `{}`; this one has `{}`", endpoint.role.word(), visitor.role.word());
            return Err(Problem::new(403, detail));
        }
        if method == Method::Post {
            let csrf = request.header(CSRF).map(|value| ("csrf".to_owned(), value.to_owned()));
            self.sessions().check_form(request, &self.desk.config, visitor, csrf.as_slice())?;
        }
        let query = Query::of(request, endpoint.parameters)?;
        (endpoint.answer)(self, &Call { request, visitor, query, place, now: self.desk.now() })
    }
}

/// The address that is meant, and what stands at its names.
fn found(path: &str, method: Method) -> Result<(&'static Endpoint, Vec<String>), Problem> {
    let fitting = || ENDPOINTS.iter().filter_map(|endpoint| Some((endpoint, fits(endpoint.path, path)?)));
    if let Some(found) = fitting().find(|(endpoint, _)| endpoint.method == method) {
        return Ok(found);
    }
    Err(methods(path).map_or_else(|| Problem::nothing("there is nothing at this address"), not_so))
}

/// Whether an address is one of the API's, or would be.
pub(super) fn is_below(path: &str) -> bool {
    path.starts_with("/api/")
}

/// The methods that an address of the API takes; `None`: it is none.
pub(super) fn methods(path: &str) -> Option<&'static str> {
    let has =
        |method| ENDPOINTS.iter().any(|endpoint| endpoint.method == method && fits(endpoint.path, path).is_some());
    match (path == DESCRIBED_AT || has(Method::Get), has(Method::Post)) {
        (true, true) => Some("GET, HEAD, POST"),
        (true, false) => Some("GET, HEAD"),
        (false, true) => Some("POST"),
        (false, false) => None,
    }
}

fn not_so(allowed: &str) -> Problem {
    Problem::new(405, format!("here one can {allowed}")).with("Allow", allowed)
}

/// What stands at the names of a template, where a path is one of it.
fn fits(template: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut names = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(names),
            (Some(part), Some(text)) if part.starts_with('{') => {
                names.push(Some(decoded(text)).filter(|text| !text.is_empty())?);
            }
            (Some(part), Some(text)) if part == text => {}
            (Some(_) | None, Some(_)) | (Some(_), None) => return None,
        }
    }
}

/// A part of a path without its percent-encoding. Unlike in a query, `+` is a plus.
fn decoded(part: &str) -> String {
    let kept = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(kept.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// An object.
fn object(status: u16, value: &Value) -> Response {
    Response::new(status, "application/json", value.to_string())
}

/// Who it is to be that made a change, in what is remembered of it: `api:grafana`, `web:david`.
fn author(visitor: &Visitor) -> String {
    match visitor.proof {
        Proof::Token => format!("api:{}", visitor.name),
        Proof::Password | Proof::Proxy | Proof::Link => format!("web:{}", visitor.name),
    }
}
