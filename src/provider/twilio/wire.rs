//! One exchange with the REST API over HTTP: authentication, time-outs, sizes, and what is known when it fails.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use secrecy::{ExposeSecret, SecretString};
use ureq::http::{HeaderValue, Uri};

use super::Account;

const RESOLVE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(5);
const SEND: Duration = Duration::from_secs(5);
const RESPOND: Duration = Duration::from_secs(15);
const TOTAL: Duration = Duration::from_secs(20);

/// Idle connections are reused no longer than this: one that the other side has closed makes a call ambiguous.
const IDLE: Duration = Duration::from_secs(10);

/// A page of 50 texts of 1600 characters, each escaped as `\uXXXX`, is half a megabyte.
const LIST_LIMIT: u64 = 2 * 1024 * 1024;
const RECORD_LIMIT: u64 = 256 * 1024;

/// A connection to one account.
pub(super) struct Wire {
    agent: ureq::Agent,
    api_url: String,
    account_path: String,
    user: String,
    password: SecretString,
    /// Host and port to resolve before anything is sent; `None` for an address, or when a proxy does it.
    resolve: Option<(String, u16)>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    date: Option<String>,
    pub body: Vec<u8>,
}

/// No answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The request certainly did not get there.
    NotSent(String),
    /// The request may have got there.
    MaybeSent(String),
}

impl Wire {
    pub fn new(account: &Account) -> Self {
        let uri: Option<Uri> = account.api_url.parse().ok();
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
            .timeout_global(Some(TOTAL));
        // A proxy from the environment is for the world outside; a sandbox on this machine is not behind it.
        if uri.as_ref().is_some_and(is_loopback) {
            config = config.proxy(None);
        }
        let config = config.build();
        let proxied = |uri: &Uri| config.proxy().is_some_and(|proxy| !proxy.is_no_proxy(uri));
        let resolve = uri.as_ref().filter(|uri| !proxied(uri)).and_then(host_to_resolve);
        Self {
            agent: ureq::Agent::new_with_config(config),
            api_url: account.api_url.trim_end_matches('/').to_owned(),
            account_path: format!("/2010-04-01/Accounts/{}", super::plain(&account.account_sid)),
            user: account.user.clone(),
            password: account.password.clone(),
            resolve,
        }
    }

    #[cfg(test)]
    pub fn give_up_after(&mut self, patience: Duration) {
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        self.agent = config.timeout_recv_response(Some(patience)).build().into();
    }

    /// Posts a form to a path below the account.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Answer, Failure> {
        self.resolve()?;
        let url = format!("{}{}{path}", self.api_url, self.account_path);
        let request = self.agent.post(url).header("Authorization", self.authorization()?);
        received(request.send_form(form.iter().copied()), RECORD_LIMIT)
    }

    /// Gets a path below the account.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Failure> {
        self.resolve()?;
        let url = format!("{}{}{path}", self.api_url, self.account_path);
        let request = self.agent.get(url).header("Authorization", self.authorization()?);
        received(request.query_pairs(query.iter().copied()).call(), LIST_LIMIT)
    }

    /// Gets a path with its query, as a list names its next page.
    pub fn get_uri(&self, uri: &str) -> Result<Answer, Failure> {
        self.resolve()?;
        let request = self.agent.get(format!("{}{uri}", self.api_url)).header("Authorization", self.authorization()?);
        received(request.call(), LIST_LIMIT)
    }

    /// RFC 7617. Marked as sensitive, so that nothing that shows headers shows it.
    fn authorization(&self) -> Result<HeaderValue, Failure> {
        let plain = format!("{}:{}", self.user, self.password.expose_secret());
        let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(plain)))
            .map_err(|_| Failure::NotSent("the credentials do not fit into a header".into()))?;
        value.set_sensitive(true);
        Ok(value)
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

impl Answer {
    #[cfg(test)]
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
