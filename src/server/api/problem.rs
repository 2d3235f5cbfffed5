//! What a program is told that does not get what it asked for (RFC 9457).

use serde_json::json;

use crate::server::http::Response;
use crate::server::session::Refused;
use crate::store;

/// Why something was not done.
#[derive(Debug)]
pub(super) struct Problem {
    status: u16,
    detail: String,
    headers: Vec<(&'static str, String)>,
}

impl Problem {
    /// A problem of this status, and what to know about it.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), headers: Vec::new() }
    }

    /// What was sent cannot be understood.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(400, detail)
    }

    /// What was sent is understood, and cannot be.
    pub fn impossible(detail: impl Into<String>) -> Self {
        Self::new(422, detail)
    }

    /// There is nothing here.
    pub fn nothing(detail: impl Into<String>) -> Self {
        Self::new(404, detail)
    }

    /// With a header field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer that says so.
    pub fn response(self) -> Response {
        let body = json!({ "title": title(self.status), "status": self.status, "detail": self.detail });
        let response = Response::new(self.status, "application/problem+json", body.to_string());
        self.headers.into_iter().fold(response, |response, (name, value)| response.with_header(name, &value))
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NoAlert(id) => Self::nothing(format!("there is no alert {id}")),
            error => {
                // What it says has paths in it, which are nobody's business.
                tracing::error!(%error, "the API could not answer");
                Self::new(503, "the store could not be read or written; the log says why").with("Retry-After", "5")
            }
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let problem = Self::new(refused.status(), refused.to_string());
        let problem = match refused.status() {
            401 => problem.with("WWW-Authenticate", "Bearer error=\"invalid_token\""),
            _ => problem,
        };
        match refused.retry_after() {
            Some(after) => problem.with("Retry-After", after.to_string()),
            None => problem,
        }
    }
}

/// Without a type of its own, a problem is titled as its status (RFC 9457, 4.2.1).
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Error",
    }
}
