//! What surrounds every page: templates, navigation, who is signed in, what is wrong with thialfi itself.

use std::sync::LazyLock;

use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Output, State, Value, context};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::statics;
use super::time::Times;
use crate::config::Role;
use crate::notify::clean::is_hidden;
use crate::server::Routes;
use crate::server::http::{Request, Response};
use crate::server::session::Visitor;

/// The templates, by name.
const TEMPLATES: &[(&str, &str)] = &[
    ("frame.html", include_str!("templates/frame.html")),
    ("parts.html", include_str!("templates/parts.html")),
    ("now.html", include_str!("templates/now.html")),
    ("alerts.html", include_str!("templates/alerts.html")),
    ("alert.html", include_str!("templates/alert.html")),
    ("group.html", include_str!("templates/group.html")),
    ("rules.html", include_str!("templates/rules.html")),
    ("try.html", include_str!("templates/try.html")),
    ("statistics.html", include_str!("templates/statistics.html")),
    ("sign_in.html", include_str!("templates/sign_in.html")),
    ("link.html", include_str!("templates/link.html")),
    ("message.html", include_str!("templates/message.html")),
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_formatter(write);
    environment.add_filter("plural", plural);
    environment.add_filter("segment", |text: String| segment(&text));
    for (name, source) in TEMPLATES {
        // Tests render every template: one that cannot be parsed does not get as far as a user.
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(%error, name, "a template of the pages is broken");
        }
    }
    environment.add_global("style", statics::path_of("style.css"));
    environment.add_global("script", statics::path_of("live.js"));
    environment.add_global("icon", statics::path_of("icon.svg"));
    environment.add_global("version", env!("CARGO_PKG_VERSION"));
    environment
});

/// The one place where text leaves for a page: what nobody can see is left out, the rest is escaped.
fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() && text.chars().any(is_invisible) => {
            let clean: String = text.chars().filter(|c| !is_invisible(*c)).collect();
            minijinja::escape_formatter(out, state, &Value::from(clean))
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

/// Lines and tabs stay: a mail is shown as it was written.
fn is_invisible(c: char) -> bool {
    is_hidden(c) || c.is_control() && !matches!(c, '\n' | '\t')
}

/// `1 mail`, `2 mails`.
fn plural(count: u64, one: &str) -> String {
    if count == 1 { format!("{count} {one}") } else { format!("{count} {one}s") }
}

/// A key of the rule file as a part of an address.
pub(super) fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Renders one of the templates.
fn render(name: &str, with: Value) -> String {
    let rendered = ENVIRONMENT.get_template(name).and_then(|template| template.render(with));
    rendered.unwrap_or_else(|error| {
        tracing::error!(error = format!("{error:#}"), name, "a page could not be rendered");
        "<!DOCTYPE html>\n<title>thialfi</title>\n<p>This page could not be made; the log says why.</p>\n".to_owned()
    })
}

/// The frame around the pages of a visitor.
pub(super) struct Frame<'a> {
    routes: &'a Routes,
    visitor: &'a Visitor,
    place: &'static str,
    /// How times are told.
    pub times: Times<'a>,
}

impl<'a> Frame<'a> {
    /// A frame.
    pub fn new(routes: &'a Routes, visitor: &'a Visitor, place: &'static str, now: Timestamp) -> Self {
        Self { routes, visitor, place, times: Times { zone: &routes.desk.config.defaults.time_zone, now } }
    }

    /// The page of this template, filled with this.
    pub fn page(&self, status: u16, name: &str, with: impl Serialize) -> Response {
        Response::html(status, render(name, context! { page => Value::from(Serde(with)), ..self.common() }))
    }

    /// The same, with a tag: who has this very page already gets 304, and nothing more.
    pub fn page_for(&self, request: &Request, name: &str, with: impl Serialize) -> Response {
        tagged(self.page(200, name, with), request)
    }

    /// A page that says one thing.
    pub fn message(&self, status: u16, title: &str, words: &str) -> Response {
        Response::html(status, render("message.html", context! { title, words, ..self.common() }))
    }

    fn common(&self) -> Value {
        let desk = &self.routes.desk;
        context! {
            visitor => context! { name => self.visitor.name.as_str(), role => self.visitor.role.word() },
            may_act => self.visitor.role >= Role::Act,
            csrf => self.visitor.csrf.as_str(),
            place => self.place,
            zone => desk.config.defaults.time_zone.iana_name().unwrap_or("local time"),
            alarms => self.routes.alarms(),
        }
    }
}

/// Adds the tag of a page, and answers 304 to who has it.
fn tagged(page: Response, request: &Request) -> Response {
    let digest = Sha256::digest(&page.body);
    let tag = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect::<String>();
    let tag = format!("\"{tag}\"");
    if request.header("if-none-match").is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return Response::new(304, "", Vec::new()).with_header("ETag", &tag);
    }
    page.with_header("ETag", &tag)
}

/// A page for somebody who is not signed in.
pub(super) fn outside(status: u16, name: &str, with: impl Serialize) -> Response {
    Response::html(status, render(name, context! { page => Value::from(Serde(with)) }))
}

/// The same, that says one thing.
pub(super) fn message(status: u16, title: &str, words: &str) -> Response {
    Response::html(status, render("message.html", context! { title, words }))
}

/// What is here while the rule file names nobody who may look.
pub(super) fn nobody(status: u16) -> Response {
    let words =
        "The rule file names nobody who may see these pages. `thialfi passwd NAME` makes an entry for `[users]`.";
    message(status, "The pages are off", words)
}
