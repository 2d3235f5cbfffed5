//! The body of a request: a JSON object whose fields are all known, or a mail.

use serde_json::{Map, Value};

use super::problem::Problem;
use super::query::shown;
use crate::server::http::Request;

/// No text is longer, in characters.
const LONGEST: usize = 200;

/// An object that was sent.
#[derive(Debug)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// That of a request; one without a body has sent an empty object. `known`: the names of its fields.
    pub fn of(request: &Request, known: &[&str]) -> Result<Self, Problem> {
        if request.body.is_empty() {
            return Ok(Self(Map::new()));
        }
        media_type(request, &["application/json"])?;
        let fields = match serde_json::from_slice(&request.body) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err(Problem::bad("the body is no JSON object")),
            Err(error) => return Err(Problem::bad(format!("the body is no JSON: {error}"))),
        };
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Problem::bad(format!("there is no field `{}` here", shown(name)))),
            None => Ok(Self(fields)),
        }
    }

    /// A text of this name; `null` is as good as none.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Problem> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => {
                Err(Problem::bad(format!("`{name}` is empty: leave it out")))
            }
            Some(Value::String(text)) if text.chars().count() > LONGEST => {
                Err(Problem::bad(format!("`{name}` is longer than {LONGEST} characters")))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::bad(format!("`{name}` is no text"))),
        }
    }
}

/// Refuses a body of another type than these.
pub(super) fn media_type(request: &Request, known: &[&str]) -> Result<(), Problem> {
    let given = request.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if known.iter().any(|one| one.eq_ignore_ascii_case(given)) {
        return Ok(());
    }
    Err(Problem::new(415, format!("the body must be {}, and say so in Content-Type", known.join(" or "))))
}
