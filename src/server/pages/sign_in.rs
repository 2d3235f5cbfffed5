//! Signing in and out.

use serde::Serialize;

use super::{field, frame};
use crate::server::Routes;
use crate::server::http::{Method, Request, Response};
use crate::server::session::{SignIn, SignedOut};

#[derive(Serialize, Default)]
struct Page {
    name: String,
    /// Where to go on afterwards.
    to: String,
    trouble: Option<String>,
}

/// The form, and what it is answered with.
pub(super) fn answer(routes: &Routes, request: &Request) -> Response {
    let of_query = || request.query_pairs().into_iter().find(|(name, _)| name == "to").map(|(_, to)| to);
    if request.method != Method::Post {
        let to = of_query().unwrap_or_default();
        return frame::outside(200, "sign_in.html", Page { to: inside(&to).to_owned(), ..Page::default() });
    }
    let form = request.form();
    let (name, to) = (field(&form, "name").unwrap_or_default(), inside(field(&form, "to").unwrap_or_default()));
    // A password may end with a space.
    let password = form.iter().find(|(key, _)| key == "password").map(|(_, value)| value.as_str()).unwrap_or_default();
    let again = |status, trouble: &str| {
        let page = Page { name: name.to_owned(), to: to.to_owned(), trouble: Some(trouble.to_owned()) };
        frame::outside(status, "sign_in.html", page)
    };
    match routes.sessions().sign_in(request, &routes.desk.config, name, password) {
        SignIn::Accepted { cookie } => Response::see_other(to).with_header("Set-Cookie", &cookie),
        SignIn::Wrong => again(403, "The name or the password is wrong."),
        SignIn::TooMany { retry_after } => {
            let minutes = retry_after.div_ceil(60);
            again(429, &format!("Too many attempts. Try again in {minutes} min."))
                .with_header("Retry-After", &retry_after.to_string())
        }
        SignIn::OtherSite => again(403, "Another site asked for that. Sign in here."),
        SignIn::Busy => again(503, "Too many people sign in at once. Try again.").with_header("Retry-After", "2"),
    }
}

/// Ends the session.
pub(super) fn out(routes: &Routes, request: &Request) -> Response {
    let SignedOut { cookie, ended } = routes.sessions().sign_out(request, &routes.desk.config);
    if let Some((session, until)) = ended {
        let kept = routes.with_store(|store| store.end_session(&session, until, routes.desk.now()));
        if let Err(error) = kept {
            tracing::warn!(%error, "somebody has signed out; a copy of their cookie would be good again after a new start");
        }
    }
    Response::see_other("/sign-in").with_header("Set-Cookie", &cookie)
}

/// To the form, and from there back to what was asked for.
pub(super) fn show_the_way(request: &Request) -> Response {
    let target = request.target();
    let to = inside(&target);
    if to == "/" {
        return Response::see_other("/sign-in");
    }
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
    Response::see_other(&format!("/sign-in?{query}"))
}

/// A path of ours; anything else becomes `/`: nobody is to be sent to another site from here.
fn inside(to: &str) -> &str {
    let is_path = to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\");
    let is_plain = to.len() <= 2000 && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let leads_back = to.starts_with("/sign-");
    if is_path && is_plain && !leads_back { to } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for to in
            ["//evil.example", "/\\evil.example", "https://evil.example/", "evil", "", "/a\r\nb", "/a b", "/sign-out"]
        {
            assert_eq!(inside(to), "/", "{to:?}");
        }
        assert_eq!(inside("/alerts/12?x=%2F"), "/alerts/12?x=%2F");
    }
}
