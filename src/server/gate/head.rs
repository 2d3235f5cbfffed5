//! The header of a request, read strictly (RFC 9112): what two readers could understand differently is refused, because a
//! reverse proxy has read it before us.

use std::fmt;

use super::{MAX_BODY, MAX_FIELDS};
use crate::server::http::Method;

/// The header fields that routes may see. Everything else stays outside.
const LET_THROUGH: &[&str] = &[
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "cookie",
    "host",
    "i-twilio-idempotency-token",
    "if-none-match",
    "origin",
    "referer",
    "sec-fetch-site",
    "user-agent",
    "x-csrf-token",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-twilio-signature",
];

/// The methods that pass.
pub(super) const METHODS: &str = "GET, HEAD, POST";

/// A header that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    /// How many bytes of body follow.
    pub(super) length: usize,
    /// The client waits to be told that it may send the body.
    pub(super) expects_continue: bool,
}

/// Why there is no request, or no answer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not HTTP, or HTTP that can be read in two ways.
    Bad(&'static str),
    /// A known method, but none of ours; with those that are.
    Method(&'static str),
    /// The deadline has passed.
    TimedOut,
    /// A body of unknown length.
    LengthRequired,
    /// The body is longer than we take.
    BodyTooLarge,
    /// An `Expect` other than `100-continue`.
    Expectation,
    /// The header is longer than we take, or has too many fields.
    HeadTooLarge,
    /// A method that nobody knows.
    UnknownMethod,
    /// Another HTTP than 1.0 and 1.1.
    Version,
    /// No room, or no answer in time.
    Overloaded,
    /// The fault is ours.
    Broken,
    /// The client has left: there is nobody to answer.
    Gone,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bad(why) => why,
            Self::Method(allowed) => return write!(f, "only {allowed} is answered here"),
            Self::TimedOut => "the request took too long",
            Self::LengthRequired => "a body needs a Content-Length",
            Self::BodyTooLarge => "the body is too large",
            Self::Expectation => "no such expectation can be met",
            Self::HeadTooLarge => "the header is too large",
            Self::UnknownMethod => "no such method",
            Self::Version => "only HTTP/1.0 and HTTP/1.1 are spoken",
            Self::Overloaded => "too busy",
            Self::Broken => "internal error",
            Self::Gone => "the client is gone",
        })
    }
}

impl Refusal {
    /// The answer, whole. `as_problem`: for a program, which is told in JSON (RFC 9457).
    pub(super) fn answer(self, as_problem: bool) -> Vec<u8> {
        let allow;
        let (status, more) = match self {
            Self::Bad(_) | Self::Gone => ("400 Bad Request", ""),
            Self::Method(allowed) => {
                allow = format!("Allow: {allowed}\r\n");
                ("405 Method Not Allowed", allow.as_str())
            }
            Self::TimedOut => ("408 Request Timeout", ""),
            Self::LengthRequired => ("411 Length Required", ""),
            Self::BodyTooLarge => ("413 Content Too Large", ""),
            Self::Expectation => ("417 Expectation Failed", ""),
            Self::HeadTooLarge => ("431 Request Header Fields Too Large", ""),
            Self::Broken => ("500 Internal Server Error", ""),
            Self::UnknownMethod => ("501 Not Implemented", ""),
            Self::Overloaded => ("503 Service Unavailable", "Retry-After: 1\r\n"),
            Self::Version => ("505 HTTP Version Not Supported", ""),
        };
        let (kind, body) = if as_problem {
            let (number, title) = status.split_once(' ').unwrap_or((status, ""));
            let number = number.parse::<u16>().unwrap_or_default();
            let problem = serde_json::json!({ "title": title, "status": number, "detail": self.to_string() });
            ("application/problem+json", problem.to_string())
        } else {
            ("text/plain; charset=utf-8", format!("{self}\n"))
        };
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\n{more}Content-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n\
             {body}"
        )
        .into_bytes()
    }
}

/// The header at the start of `bytes` and its length; `None` when its end has not come yet. `besides`: one more field that
/// routes may see.
pub(super) fn parse(bytes: &[u8], besides: Option<&str>) -> Result<Option<(Head, usize)>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete(length)) => length,
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
        Err(httparse::Error::Version) => return Err(Refusal::Version),
        Err(_) => return Err(Refusal::Bad("the header cannot be read")),
    };
    // httparse takes a bare line feed for the end of a line; a proxy before us may not.
    let mut before = b' ';
    for &byte in bytes.iter().take(length) {
        if byte == b'\n' && before != b'\r' {
            return Err(Refusal::Bad("a line ends without a carriage return"));
        }
        before = byte;
    }
    let is_1_1 = request.version == Some(1);
    let method = method(request.method.unwrap_or_default())?;
    let (path, query) = target(request.path.unwrap_or_default())?;
    let fields = Fields(request.headers);
    fields.check_host(is_1_1)?;
    let head = Head {
        method,
        path,
        query,
        length: fields.body_length(is_1_1)?,
        expects_continue: is_1_1 && fields.expects_continue()?,
        headers: fields.let_through(besides),
    };
    Ok(Some((head, length)))
}

fn method(name: &str) -> Result<Method, Refusal> {
    Method::parse(name).ok_or(match name {
        "PUT" | "DELETE" | "PATCH" | "OPTIONS" | "TRACE" | "CONNECT" | "QUERY" => Refusal::Method(METHODS),
        _ => Refusal::UnknownMethod,
    })
}

/// The path of a request line, whatever its method.
pub(super) fn path(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|&byte| byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    target(line.split(' ').nth(1)?).ok().map(|(path, _)| path)
}

/// Path and query of `/path?query`, and of `http://host/path?query`, which a server must understand (RFC 9112, 3.2.2).
fn target(target: &str) -> Result<(String, String), Refusal> {
    if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(Refusal::Bad("the address has characters that no address has"));
    }
    let lower = target.get(..8).unwrap_or(target).to_ascii_lowercase();
    let scheme =
        ["http://", "https://"].iter().find(|scheme| lower.starts_with(**scheme)).map_or(0, |scheme| scheme.len());
    let origin = match target.get(scheme..) {
        Some(rest) if scheme > 0 => rest.get(rest.find(['/', '?']).unwrap_or(rest.len())..).unwrap_or_default(),
        _ => target,
    };
    let (path, query) = origin.split_once('?').unwrap_or((origin, ""));
    match path {
        "" if scheme > 0 => Ok(("/".to_owned(), query.to_owned())),
        path if path.starts_with('/') => Ok((path.to_owned(), query.to_owned())),
        _ => Err(Refusal::Bad("the address has no path")),
    }
}

struct Fields<'head>(&'head [httparse::Header<'head>]);

impl Fields<'_> {
    fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// RFC 9112, 3.2: one `Host`, and only HTTP/1.0 may have none.
    fn check_host(&self, is_1_1: bool) -> Result<(), Refusal> {
        let mut hosts = self.all("host");
        match (hosts.next(), hosts.next()) {
            (None, _) if is_1_1 => Err(Refusal::Bad("no Host")),
            (Some(_), Some(_)) => Err(Refusal::Bad("more than one Host")),
            (Some(host), None) if !host.iter().all(|byte| byte.is_ascii_graphic() && !b"/?#@,\\".contains(byte)) => {
                Err(Refusal::Bad("the Host is none"))
            }
            _ => Ok(()),
        }
    }

    /// RFC 9112, 6.3, without the ways of it that have smuggled requests.
    fn body_length(&self, is_1_1: bool) -> Result<usize, Refusal> {
        let mut lengths = self.all("content-length");
        let first = lengths.next();
        if self.all("transfer-encoding").next().is_some() {
            return Err(if first.is_some() || !is_1_1 {
                Refusal::Bad("the length of the body is told in two ways")
            } else {
                Refusal::LengthRequired
            });
        }
        let Some(first) = first else { return Ok(0) };
        if lengths.any(|other| other != first) {
            return Err(Refusal::Bad("more than one Content-Length"));
        }
        if first.is_empty() || !first.iter().all(u8::is_ascii_digit) {
            return Err(Refusal::Bad("the Content-Length is no number"));
        }
        // Digits that no number holds are simply too many.
        let length = std::str::from_utf8(first).ok().and_then(|digits| digits.parse().ok()).unwrap_or(usize::MAX);
        if length > MAX_BODY { Err(Refusal::BodyTooLarge) } else { Ok(length) }
    }

    fn expects_continue(&self) -> Result<bool, Refusal> {
        match self.all("expect").next() {
            None => Ok(false),
            Some(value) if value.eq_ignore_ascii_case(b"100-continue") => Ok(true),
            Some(_) => Err(Refusal::Expectation),
        }
    }

    /// A field whose value is not printable ASCII is left out: none of those that we need has such.
    fn let_through(&self, besides: Option<&str>) -> Vec<(String, String)> {
        self.0
            .iter()
            .filter(|field| {
                LET_THROUGH.iter().copied().chain(besides).any(|name| field.name.eq_ignore_ascii_case(name))
            })
            .filter(|field| field.value.iter().all(|&byte| byte == b' ' || byte.is_ascii_graphic()))
            .filter_map(|field| Some((field.name.to_owned(), std::str::from_utf8(field.value).ok()?.trim().to_owned())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(text: &str) -> Head {
        let (head, length) = parse(text.as_bytes(), None).unwrap().unwrap();
        assert_eq!(length, text.len());
        head
    }

    fn refusal(text: &str) -> Refusal {
        parse(text.as_bytes(), None).expect_err(text)
    }

    fn status(text: &str) -> u16 {
        let answer = String::from_utf8(refusal(text).answer(false)).unwrap();
        answer[9..12].parse().unwrap()
    }

    #[test]
    fn a_webhook_passes_with_the_fields_that_routes_need() {
        let head = head(
            "POST /twilio/sms?a=b%20c HTTP/1.1\r\nHost: pager.example.com\r\nX-Twilio-Signature: abc=\r\n\
             Connection: keep-alive\r\nTE: trailers\r\nX-Gate-Remote: 1.2.3.4\r\nContent-Length: 12\r\n\r\n",
        );
        assert_eq!((head.method, head.length, head.expects_continue), (Method::Post, 12, false));
        assert_eq!((head.path.as_str(), head.query.as_str()), ("/twilio/sms", "a=b%20c"));
        let names: Vec<&str> = head.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Host", "X-Twilio-Signature"]);
    }

    #[test]
    fn the_field_of_the_proxy_passes_where_there_is_one() {
        let text = "GET / HTTP/1.1\r\nHost: a\r\nREMOTE-User: david\r\nRemote_User: eve\r\nRemote-User: eve\r\n\r\n";
        let names = |besides: Option<&str>| {
            let (head, _) = parse(text.as_bytes(), besides).unwrap().unwrap();
            head.headers.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(names(None), ["Host=a"]);
        assert_eq!(names(Some("remote-user")), ["Host=a", "REMOTE-User=david", "Remote-User=eve"]);
    }

    #[test]
    fn the_header_is_awaited_to_its_end() {
        let whole = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for length in 0..whole.len() {
            assert_eq!(parse(&whole.as_bytes()[..length], None), Ok(None), "{length}");
        }
        head(whole);
    }

    #[test]
    fn a_full_address_is_read_as_its_path() {
        for (address, path, query) in [
            ("http://a.example/x/y?z=1", "/x/y", "z=1"),
            ("HTTPS://a.example", "/", ""),
            ("http://a.example?z", "/", "z"),
            ("/http://x", "/http://x", ""),
        ] {
            let head = head(&format!("GET {address} HTTP/1.1\r\nHost: a.example\r\n\r\n"));
            assert_eq!((head.path.as_str(), head.query.as_str()), (path, query), "{address}");
        }
        for address in ["*", "x/y", "a.example:443", "/a#b", "/é", "ftp://a/b", "?x", ""] {
            assert_eq!(status(&format!("GET {address} HTTP/1.1\r\nHost: a\r\n\r\n")), 400, "{address}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for fields in [
            "",
            "Host: a\r\nHost: b\r\n",
            "Host: a/b\r\n",
            "Host: a b\r\n",
            "Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            "Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
            "Host: a\r\nContent-Length: 1, 1\r\n",
            "Host: a\r\nContent-Length: +1\r\n",
            "Host: a\r\nContent-Length: -1\r\n",
            "Host: a\r\nContent-Length: 0x1\r\n",
            "Host: a\r\nContent-Length: \r\n",
            "Host: a\r\nX: folded\r\n over\r\n",
            "Host: a\r\nX : space\r\n",
            "Host: a\r\nX: nul\0\r\n",
            "Host: a\r\nno colon\r\n",
            "Host: a\nX: y\r\n",
            "Host: a\r\nX: y\rZ: z\r\n",
        ] {
            assert_eq!(status(&format!("POST / HTTP/1.1\r\n{fields}\r\n")), 400, "{fields:?}");
        }
        assert_eq!(status("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
        assert_eq!(status("GET / HTTP/1.1\nHost: a\n\n"), 400);
        assert_eq!(status("\x16\x03\x01\x02\0\x01\0\x01\n\r\n\r\n"), 400);
    }

    #[test]
    fn lengths_are_bounded_and_wanted() {
        let post = |fields: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        assert_eq!(status(&post("Content-Length: 9223372036854775807\r\n")), 413);
        assert_eq!(status(&post("Content-Length: 99999999999999999999999999\r\n")), 413);
        assert_eq!(status(&post(&format!("Content-Length: {}\r\n", MAX_BODY + 1))), 413);
        assert_eq!(head(&post(&format!("Content-Length: {MAX_BODY}\r\n"))).length, MAX_BODY);
        assert_eq!(head(&post("Content-Length: 5\r\nContent-Length: 5\r\n")).length, 5);
        assert_eq!(head(&post("")).length, 0);
        assert_eq!(status(&post("Transfer-Encoding: chunked\r\n")), 411);
        assert_eq!(status(&post("Transfer-Encoding: identity\r\n")), 411);
    }

    #[test]
    fn the_path_of_a_line_is_found_whatever_its_method() {
        let of = |line: &str| path(line.as_bytes());
        assert_eq!(of("DELETE /a/b?c HTTP/1.1\r\nHost: a\r\n\r\n").as_deref(), Some("/a/b"));
        assert_eq!(of("OPTIONS * HTTP/1.1\r\n\r\n"), None);
        assert_eq!(of("DELETE"), None);
    }

    #[test]
    fn methods_and_versions_that_are_not_ours_are_named() {
        for (line, expected) in [
            ("get / HTTP/1.1", 501),
            ("BREW / HTTP/1.1", 501),
            ("DELETE / HTTP/1.1", 405),
            ("OPTIONS * HTTP/1.1", 405),
            ("QUERY / HTTP/1.1", 405),
            ("CONNECT a:443 HTTP/1.1", 405),
            ("PRI * HTTP/2.0", 505),
            ("GET / HTTP/1.2", 505),
            ("GET  / HTTP/1.1", 400),
            ("GET /", 400),
        ] {
            assert_eq!(status(&format!("{line}\r\nHost: a\r\n\r\n")), expected, "{line}");
        }
        head("GET / HTTP/1.0\r\n\r\n");
    }

    #[test]
    fn a_hundred_fields_pass_and_more_do_not() {
        let fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-Field: y\r\n".repeat(count));
        head(&fields(99));
        assert_eq!(status(&fields(100)), 431);
    }

    #[test]
    fn expectations_are_met_or_refused() {
        let post = |version: &str, value: &str| {
            format!("POST / HTTP/{version}\r\nHost: a\r\nExpect: {value}\r\nContent-Length: 1\r\n\r\n")
        };
        assert!(head(&post("1.1", "100-Continue")).expects_continue);
        assert!(!head(&post("1.0", "100-continue")).expects_continue);
        assert_eq!(status(&post("1.1", "a miracle")), 417);
    }

    #[test]
    fn a_value_that_is_not_printable_is_left_out() {
        let head = head("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: caf\u{e9}\r\nCookie: a\tb\r\nReferer: /x\r\n\r\n");
        assert_eq!(head.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Host", "Referer"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), prefix in 0..3usize) {
            let start = ["", "GET / HTTP/1.1\r\n", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1"][prefix];
            bytes.splice(0..0, start.bytes());
            if let Ok(Some((head, length))) = parse(&bytes, None) {
                prop_assert!(length <= bytes.len());
                prop_assert!(head.path.starts_with('/'));
                prop_assert!(head.length <= MAX_BODY);
                let plain = |text: &str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
                prop_assert!(plain(&head.path) && !head.path.contains(' ') && plain(&head.query));
                prop_assert!(head.headers.iter().all(|(name, value)| plain(name) && plain(value)));
            }
        }
    }
}
