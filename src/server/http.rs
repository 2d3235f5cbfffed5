//! Requests and answers as plain values: what the gate lets through, and what a route gives back. A route is a function
//! from one to the other; it knows no socket.

use std::net::IpAddr;

/// The methods that pass the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`: answered like `GET`; the gate leaves the body out.
    Head,
    /// `POST`
    Post,
}

impl Method {
    /// The method of this name. Names are case-sensitive (RFC 9110, 9.1).
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "GET" => Some(Self::Get),
            "HEAD" => Some(Self::Head),
            "POST" => Some(Self::Post),
            _ => None,
        }
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
        }
    }
}

/// A complete request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// The path as it was sent, percent-encoding and all; it begins with `/`.
    pub path: String,
    /// What follows the `?`; empty when nothing does.
    pub query: String,
    /// The header fields that the gate lets through, in order, with values of printable ASCII.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_BODY`](super::gate::MAX_BODY) bytes.
    pub body: Vec<u8>,
    /// Who connected: the reverse proxy, where there is one. `None` on a Unix socket.
    pub remote: Option<IpAddr>,
}

impl Request {
    /// The first header field of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The path and the query as they were sent.
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// The parameters of the query.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        pairs(self.query.as_bytes())
    }

    /// The parameters of a form in the body; none when the body is no form.
    pub fn form(&self) -> Vec<(String, String)> {
        let kind = self.header("content-type").and_then(|value| value.split(';').next()).unwrap_or_default();
        if kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            pairs(&self.body)
        } else {
            Vec::new()
        }
    }
}

/// An answer. The gate adds `Content-Length`, `Date` and `Connection: close`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// The media type of the body; empty: none is named.
    pub content_type: String,
    /// More header fields. Fields that could break the answer apart are left out when it is sent.
    pub headers: Vec<(String, String)>,
    /// The body; not sent with 204, 304 or to `HEAD`.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer of this status, media type and body.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: content_type.to_owned(), headers: Vec::new(), body: body.into() }
    }

    /// One line for a person or a machine that reads text.
    pub fn text(status: u16, line: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{line}\n"))
    }

    /// TwiML, which Twilio wants as `text/xml`.
    pub fn xml(document: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "text/xml; charset=utf-8", document)
    }

    /// A page.
    pub fn html(status: u16, page: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "text/html; charset=utf-8", page)
    }

    /// 204: heard, nothing to say.
    pub fn empty() -> Self {
        Self::new(204, "", Vec::new())
    }

    /// 303: see there, after a form was sent.
    pub fn see_other(location: &str) -> Self {
        Self::new(303, "", Vec::new()).with_header("Location", location)
    }

    /// The same with one more header field.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The pairs of `application/x-www-form-urlencoded` text, decoded as the WHATWG URL standard has it: `+` is a space, a
/// broken escape stands for itself, invalid UTF-8 becomes U+FFFD. Nothing is trimmed: Twilio signs values as they are.
pub fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn post(content_type: &str, body: &str) -> Request {
        Request {
            method: Method::Post,
            path: "/twilio/sms".into(),
            query: "a=1&b".into(),
            headers: owned(&[("Content-Type", content_type)]),
            body: body.into(),
            remote: None,
        }
    }

    #[test]
    fn a_form_is_decoded_and_nothing_is_trimmed() {
        let request =
            post("application/x-www-form-urlencoded; charset=UTF-8", "From=%2B64211&Body=+7K%20done%0A&Empty=");
        assert_eq!(request.form(), owned(&[("From", "+64211"), ("Body", " 7K done\n"), ("Empty", "")]));
        assert_eq!(request.query_pairs(), owned(&[("a", "1"), ("b", "")]));
        assert_eq!(request.target(), "/twilio/sms?a=1&b");
    }

    #[test]
    fn a_body_of_another_type_is_no_form() {
        assert!(post("application/json", "a=1").form().is_empty());
    }

    #[test]
    fn broken_escapes_stand_for_themselves() {
        assert_eq!(
            pairs(b"a=%&b=%4&c=%zz&d=%C3%A9&e=%ff&&=x"),
            owned(&[("a", "%"), ("b", "%4"), ("c", "%zz"), ("d", "é"), ("e", "\u{fffd}"), ("", "x"),])
        );
    }

    #[test]
    fn header_names_ignore_case_and_method_names_do_not() {
        assert_eq!(post("text/plain", "").header("CONTENT-TYPE"), Some("text/plain"));
        assert_eq!(Method::parse("POST"), Some(Method::Post));
        assert_eq!(Method::parse("post"), None);
    }
}
