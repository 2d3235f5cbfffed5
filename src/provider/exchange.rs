//! One exchange over HTTP: time-outs, sizes, and what is known when it fails. Every provider behind HTTP uses this one,
//! because all of them need the same answer: was it certainly not sent, or may it have been?

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use ureq::http::{HeaderValue, Request, Uri};

const RESOLVE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(5);
const SEND: Duration = Duration::from_secs(5);
const RESPOND: Duration = Duration::from_secs(15);

/// How long an exchange may take in all.
pub const TOTAL: Duration = Duration::from_secs(20);

/// Idle connections are reused no longer than this: one that the other side has closed makes a call ambiguous.
const IDLE: Duration = Duration::from_secs(10);

/// Nobody is made to wait longer than this, whatever `Retry-After` says: a page is a matter of minutes.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);

/// Reasons are one line of a history: at most so many characters.
const REASON_LIMIT: usize = 200;

/// A way to one service: the network, or a test that answers in its place.
pub trait Way: Send + Sync {
    /// Sends a request; the answer, of which at most `limit` bytes are read.
    ///
    /// # Errors
    /// [`Failure`], which says whether the request may have got there.
    fn send(&self, request: Request<Vec<u8>>, limit: u64) -> Result<Answer, Failure>;
}

/// The way over the network.
pub(super) struct Exchange {
    agent: ureq::Agent,
    /// Host and port to resolve before anything is sent; `None` for an address, or when a proxy does it.
    resolve: Option<(String, u16)>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The field `Retry-After`.
    pub retry_after: Option<String>,
    /// The field `Date`.
    pub date: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The request certainly did not get there.
    NotSent(String),
    /// The request may have got there.
    MaybeSent(String),
}

impl Exchange {
    /// A way to the service at this URL. Opens no connection and reads no certificates yet.
    pub fn with(url: &str) -> Self {
        Self::within(url, TOTAL)
    }

    /// The same for a service that may take no longer than this, nor than [`TOTAL`].
    pub fn within(url: &str, total: Duration) -> Self {
        let uri: Option<Uri> = url.parse().ok();
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("thialfi/", env!("CARGO_PKG_VERSION")))
            .max_idle_age(IDLE)
            .timeout_resolve(Some(RESOLVE))
            .timeout_connect(Some(CONNECT))
            .timeout_send_request(Some(SEND))
            .timeout_send_body(Some(SEND))
            .timeout_recv_response(Some(RESPOND))
            .timeout_recv_body(Some(RESPOND))
            .timeout_global(Some(total.min(TOTAL)));
        // A proxy from the environment is for the world outside; a sandbox on this machine is not behind it.
        if uri.as_ref().is_some_and(is_loopback) {
            config = config.proxy(None);
        }
        let config = config.build();
        let proxied = |uri: &Uri| config.proxy().is_some_and(|proxy| !proxy.is_no_proxy(uri));
        let resolve = uri.as_ref().filter(|uri| !proxied(uri)).and_then(host_to_resolve);
        Self { agent: ureq::Agent::new_with_config(config), resolve }
    }

    #[cfg(test)]
    pub fn give_up_after(&mut self, patience: Duration) {
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        self.agent = config.timeout_recv_response(Some(patience)).build().into();
    }

    /// ureq tells a failed look-up as an I/O error like any other. Looked up here first, it is certain that nothing
    /// was sent. On a thread, because the system's resolver has no time-out of its own.
    fn resolve(&self) -> Result<(), Failure> {
        let Some((host, port)) = self.resolve.clone() else { return Ok(()) };
        let (sender, receiver) = mpsc::channel();
        let name = host.clone();
        std::thread::Builder::new()
            .name("resolve".into())
            .spawn(move || sender.send((name.as_str(), port).to_socket_addrs().map(|mut found| found.next().is_some())))
            .map_err(|error| Failure::NotSent(format!("cannot start a thread: {error}")))?;
        match receiver.recv_timeout(RESOLVE) {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Failure::NotSent(format!("`{host}` has no address"))),
            Ok(Err(error)) => Err(Failure::NotSent(format!("cannot resolve `{host}`: {error}"))),
            Err(_) => Err(Failure::NotSent(format!("cannot resolve `{host}` within {} s", RESOLVE.as_secs()))),
        }
    }
}

impl Way for Exchange {
    fn send(&self, request: Request<Vec<u8>>, limit: u64) -> Result<Answer, Failure> {
        self.resolve()?;
        // A body of no bytes would be announced as one on methods that have none.
        let (head, body) = request.into_parts();
        let result = if body.is_empty() && head.method == ureq::http::Method::GET {
            self.agent.run(Request::from_parts(head, ()))
        } else {
            self.agent.run(Request::from_parts(head, body))
        };
        received(result, limit)
    }
}

impl Answer {
    /// An answer of this status and body.
    pub fn new(status: u16, body: &str) -> Self {
        Self { status, retry_after: None, date: None, body: body.into() }
    }

    /// The body as JSON, or in words what is wrong with it.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("answered {} unreadably: {error}", self.status))
    }

    /// The time at which the other side answered, by its clock.
    pub fn date(&self) -> Option<Timestamp> {
        rfc2822::DateTimeParser::new().parse_timestamp(self.date.as_deref()?).ok()
    }
}

fn received(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>, limit: u64) -> Result<Answer, Failure> {
    let mut response = result.map_err(|error| failure(&error))?;
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (retry_after, date) = (header("retry-after"), header("date"));
    let status = response.status().as_u16();
    match response.body_mut().with_config().limit(limit).read_to_vec() {
        Ok(body) => Ok(Answer { status, retry_after, date, body }),
        // The status says already that it was refused; the reason is lost, that is all.
        Err(_) if !(200..300).contains(&status) => Ok(Answer { status, retry_after, date, body: Vec::new() }),
        Err(error) => Err(Failure::MaybeSent(format!("answered {status}, but the answer broke off: {error}"))),
    }
}

/// Only what can happen before the first byte of the request is written counts as not sent.
fn failure(error: &ureq::Error) -> Failure {
    use ureq::Error as E;
    let not_sent = match error {
        E::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect)
        | E::HostNotFound
        | E::ConnectionFailed
        | E::BadUri(_)
        | E::Http(_)
        | E::InvalidProxyUrl
        | E::ConnectProxyFailed(_)
        | E::TlsRequired => true,
        // These kinds come from connecting: a connection that stands reports them only minutes later than `TOTAL`.
        E::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::AddrNotAvailable => true,
            // rustls's words, in the handshake.
            _ => error.to_string().starts_with("invalid peer certificate"),
        },
        _ => false,
    };
    if not_sent { Failure::NotSent(error.to_string()) } else { Failure::MaybeSent(error.to_string()) }
}

fn bare_host(uri: &Uri) -> Option<&str> {
    Some(uri.host()?.trim_start_matches('[').trim_end_matches(']'))
}

fn is_loopback(uri: &Uri) -> bool {
    bare_host(uri).is_some_and(|host| host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()))
}

fn host_to_resolve(uri: &Uri) -> Option<(String, u16)> {
    let host = bare_host(uri)?;
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    host.parse::<IpAddr>().is_err().then(|| (host.to_owned(), port))
}

/// RFC 7617. Marked as sensitive, so that nothing that shows headers shows it.
pub(super) fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, Failure> {
    let plain = format!("{user}:{}", password.expose_secret());
    sensitive(&format!("Basic {}", STANDARD.encode(plain)))
}

/// A header value that nothing that shows headers shows.
pub(super) fn sensitive(text: &str) -> Result<HeaderValue, Failure> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| Failure::NotSent("the credentials do not fit into a header".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// RFC 9110, 10.2.3: seconds, or a date. The date is not read: gateways give seconds.
pub(super) fn retry_after(answer: &Answer) -> Option<SignedDuration> {
    let seconds: u32 = answer.retry_after.as_deref()?.trim().parse().ok()?;
    Some(SignedDuration::from_secs(i64::from(seconds)).min(LONGEST_WAIT))
}

/// One bounded line. URLs are left out: services repeat ours in their messages, and they hold the token of a page.
pub(super) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.map(|word| if word.contains("://") { "(URL)" } else { word }).collect();
    words.join(" ").chars().take(REASON_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_one_bounded_line_without_urls() {
        let reason = one_line("Url is not valid:\n\u{1b}[31m https://pager.example.com/twiml/0123456789abcdef");
        assert_eq!(reason, "Url is not valid: [31m (URL)");
        assert_eq!(one_line(&"ä".repeat(500)).chars().count(), REASON_LIMIT);
    }
}
