//! A mail server that takes mails from us, over SMTP (RFC 5321), by lettre's connection: one for each mail, stage by
//! stage, because what is to be done about a failure depends on how far the exchange had come.
//!
//! | failed | means |
//! |---|---|
//! | looking up, connecting, greeting, TLS, 4xx at any stage | not sent; later, or by another server |
//! | 5xx before the recipient was named | not sent: it is about us, not about them |
//! | 5xx for the recipient or the mail | this mailbox will not take it |
//! | login refused, no login offered, 530 | our credentials |
//! | no answer after the last byte was written | may have been sent |
//!
//! What may have been sent cannot be asked about. Sent again it has the same Message-ID, by which many mailboxes keep but
//! one. TLS is never given up where it is asked for: a server, or somebody on the way, that does not offer it gets nothing.

use std::cell::Cell;
use std::error::Error as _;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender as Tell, channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::{ExposeSecret, SecretString};

use super::exchange::one_line;
use super::{Mails, Provider, Refusal};
use crate::clock::Clock;
use crate::notify::letter::{Letter, Sender};
use crate::oncall::MailAddress;

/// The answer to `QUIT` is of no use to anybody.
const FAREWELL: Duration = Duration::from_secs(1);

/// What the rule file says of a mail server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is kept secret.
    pub security: Security,
    /// Who we are there.
    pub login: Option<(String, SecretString)>,
    /// Who our mails are from.
    pub sender: Sender,
    /// What we call ourselves; `None`: the machine's name, or the domain of `sender`.
    pub hello: Option<String>,
    /// Certificates (PEM) of those whose word we take for who the server is, besides those that everybody knows.
    pub authority: Option<Vec<u8>>,
    /// How long one mail may take.
    pub timeout: Duration,
}

/// How the way to a mail server is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// By TLS from the first byte on.
    Implicit,
    /// By TLS that is asked for (RFC 3207), or not at all.
    StartTls,
    /// Not at all: for a server on this machine.
    None,
}

impl Settings {
    /// What is wrong with `authority`, if anything.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn check_authority(pem: &[u8]) -> Result<(), String> {
        let empty = !String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----");
        if empty {
            return Err("there is no certificate in it".to_owned());
        }
        let certificate = Certificate::from_pem(pem).map_err(|error| error.to_string())?;
        TlsParameters::builder("localhost".to_owned())
            .add_root_certificate(certificate)
            .build()
            .map(drop)
            .map_err(|error| error.to_string())
    }

    /// Whether a host is this machine.
    pub fn is_here(host: &str) -> bool {
        host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    fn hello(&self) -> ClientId {
        let fit = |name: &str| {
            name.contains('.') && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        let system = rustix::system::uname();
        let machine = system.nodename().to_str().unwrap_or_default();
        ClientId::Domain(match &self.hello {
            Some(name) => name.clone(),
            None if fit(machine) => machine.to_owned(),
            None => self.sender.address.domain().to_owned(),
        })
    }
}

/// A mail server that takes mails from us.
pub struct Smtp {
    name: String,
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
}

impl Smtp {
    /// The mail server of a `[providers.NAME]`.
    pub fn new(name: &str, settings: Arc<Settings>, clock: Arc<dyn Clock>) -> Self {
        Self { name: name.to_owned(), settings, clock }
    }
}

impl Provider for Smtp {
    fn name(&self) -> &str {
        &self.name
    }

    fn mails(&self) -> Option<&dyn Mails> {
        Some(self)
    }
}

impl Mails for Smtp {
    fn sender(&self) -> &Sender {
        &self.settings.sender
    }

    /// On a thread: no part of the exchange, the look-up of the name included, can hold us up for longer than
    /// `timeout`. What goes on there sends nothing any more once we have given up.
    fn mail(&self, letter: &Letter) -> Result<String, Refusal> {
        let since = self.clock.now();
        let stage = Arc::new(AtomicU8::new(OPEN));
        let talk = Talk {
            settings: Arc::clone(&self.settings),
            letter: letter.clone(),
            stage: Arc::clone(&stage),
            deadline: Instant::now() + self.settings.timeout,
        };
        let (tell, hear) = channel();
        let started = std::thread::Builder::new().name("smtp".into()).spawn(move || talk.run(&tell));
        if let Err(error) = started {
            return Err(Failure::NotSent(format!("cannot start a thread: {error}")).refusal(since));
        }
        let heard = hear.recv_timeout(self.settings.timeout).unwrap_or_else(|error| {
            let reason = match error {
                RecvTimeoutError::Timeout => format!("no answer within {} s", self.settings.timeout.as_secs_f32()),
                RecvTimeoutError::Disconnected => "the exchange broke off".to_owned(),
            };
            let given_up = stage.compare_exchange(OPEN, GIVEN_UP, Ordering::SeqCst, Ordering::SeqCst).is_ok();
            Err(if given_up { Failure::NotSent(reason) } else { Failure::MaybeSent(reason) })
        });
        heard.map_err(|failure| failure.refusal(since))
    }
}

/// Nothing of the mail itself was sent, and we wait.
const OPEN: u8 = 0;
/// Nobody waits any more: nothing of the mail is to be sent.
const GIVEN_UP: u8 = 1;
/// The mail is being sent.
const SENDING: u8 = 2;

/// What went wrong, by what it means.
enum Failure {
    NotSent(String),
    MaybeSent(String),
    Refused(String),
    Credentials(String),
}

impl Failure {
    fn refusal(self, since: Timestamp) -> Refusal {
        match self {
            Self::NotSent(reason) => Refusal::Temporary { reason: one_line(&reason), retry_after: None },
            Self::MaybeSent(reason) => Refusal::Ambiguous { reason: one_line(&reason), since },
            Self::Refused(reason) => Refusal::Permanent { reason: one_line(&reason) },
            Self::Credentials(reason) => Refusal::Credentials { reason: one_line(&reason) },
        }
    }
}

type Error = lettre::transport::smtp::Error;

/// One exchange.
struct Talk {
    settings: Arc<Settings>,
    letter: Letter,
    stage: Arc<AtomicU8>,
    deadline: Instant,
}

impl Talk {
    fn run(&self, tell: &Tell<Result<String, Failure>>) {
        let connected = self.connect();
        let (outcome, connection) = match connected {
            Ok(mut connection) => (self.send(&mut connection), Some(connection)),
            Err(failure) => (Err(failure), None),
        };
        let _ = tell.send(outcome);
        // Nobody waits for this.
        if let Some(mut connection) = connection.filter(|connection| !connection.has_broken()) {
            let _ = connection.set_timeout(Some(FAREWELL));
            let _ = connection.quit();
        }
    }

    /// Up to where a mail may be sent.
    fn connect(&self) -> Result<SmtpConnection, Failure> {
        let Settings { host, port, security, login, .. } = self.settings.as_ref();
        let tls = match security {
            Security::None => None,
            Security::Implicit | Security::StartTls => Some(self.tls().map_err(about_us)?),
        };
        let at_once = tls.as_ref().filter(|_| *security == Security::Implicit);
        let hello = self.settings.hello();
        let mut connection = SmtpConnection::connect((host.as_str(), *port), Some(self.left()), &hello, at_once, None)
            .map_err(about_us)?;
        if let (Security::StartTls, Some(tls)) = (security, &tls) {
            if !connection.can_starttls() {
                let reason = "it offers no STARTTLS: nothing is sent in the clear (`tls` says how it is to be reached)";
                return Err(Failure::NotSent(reason.to_owned()));
            }
            self.next(&mut connection)?;
            connection.starttls(tls, &hello).map_err(about_us)?;
        }
        if let Some((user, password)) = login {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            self.next(&mut connection)?;
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).map_err(|error| {
                if error.is_client() {
                    let offers = "it offers no login that we know (PLAIN or LOGIN) on this port, with this `tls`";
                    Failure::Credentials(offers.to_owned())
                } else if error.is_permanent() {
                    Failure::Credentials(words(&error))
                } else {
                    Failure::NotSent(words(&error))
                }
            })?;
        }
        Ok(connection)
    }

    fn tls(&self) -> Result<TlsParameters, Error> {
        let mut builder = TlsParameters::builder(self.settings.host.clone());
        if let Some(pem) = &self.settings.authority {
            builder = builder.add_root_certificate(Certificate::from_pem(pem)?);
        }
        builder.build()
    }

    fn send(&self, connection: &mut SmtpConnection) -> Result<String, Failure> {
        let eight_bit = connection.server_info().supports_feature(Extension::EightBitMime);
        let (bytes, parameters) = match &self.letter.seven_bit {
            Some(_) if eight_bit => (&self.letter.bytes, vec![MailParameter::Body(MailBodyParameter::EightBitMime)]),
            Some(seven_bit) => (seven_bit, Vec::new()),
            None => (&self.letter.bytes, Vec::new()),
        };
        self.next(connection)?;
        let sender = lettre_address(&self.settings.sender.address);
        connection.command(Mail::new(Some(sender), parameters)).map_err(about_us)?;
        self.next(connection)?;
        connection.command(Rcpt::new(lettre_address(&self.letter.to), Vec::new())).map_err(about_them)?;
        self.next(connection)?;
        connection.command(Data).map_err(about_them)?;
        self.next(connection)?;
        if self.stage.compare_exchange(OPEN, SENDING, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            connection.abort();
            return Err(Failure::NotSent("it answered too late".to_owned()));
        }
        // lettre ends the mail by `CRLF . CRLF`, and writes that when there is no further piece.
        let body = crlf(bytes);
        let body = body.strip_suffix(b"\r\n").unwrap_or(&body);
        let whole = Cell::new(false);
        let ended = std::iter::from_fn(|| {
            whole.set(true);
            None
        });
        match connection.message_iter(std::iter::once(body).chain(ended)) {
            Ok(response) => Ok(one_line(response.first_line().unwrap_or_default())),
            Err(error) if error.status().is_none() && whole.get() => Err(Failure::MaybeSent(words(&error))),
            Err(error) => Err(about_them(error)),
        }
    }

    /// Before the next command: it may take as long as is left, but there must be something left.
    fn next(&self, connection: &mut SmtpConnection) -> Result<(), Failure> {
        connection.set_timeout(Some(self.left())).map_err(|error| Failure::NotSent(error.to_string()))
    }

    /// How long it may still take. Never zero, which would be no limit.
    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(10))
    }
}

/// A failure before the recipient was named.
#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn about_us(error: Error) -> Failure {
    let words = words(&error);
    if wants_login(&error) { Failure::Credentials(words) } else { Failure::NotSent(words) }
}

/// A failure once the recipient was named. Whatever was not answered then was not sent.
#[allow(clippy::needless_pass_by_value)] // for `map_err`
fn about_them(error: Error) -> Failure {
    let words = words(&error);
    match (wants_login(&error), error.is_permanent()) {
        (true, _) => Failure::Credentials(words),
        (false, true) => Failure::Refused(words),
        (false, false) => Failure::NotSent(words),
    }
}

/// RFC 4954, 6: 530, authentication required; Exchange says 550 5.7.57 or 5.7.60 instead.
fn wants_login(error: &Error) -> bool {
    let code = error.status().map(u16::from);
    code == Some(530) || error.is_permanent() && words(error).contains("not authenticated")
}

/// `550 5.1.1 no such user`, or what the system said.
fn words(error: &Error) -> String {
    let mut why = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(kind, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)) {
            return "no answer in time".to_owned();
        }
        let cause_words = cause.to_string();
        if !why.contains(&cause_words) {
            why.push(cause_words);
        }
        source = cause.source();
    }
    match error.status() {
        Some(code) => format!("{code} {}", why.join(": ")),
        None if why.is_empty() => error.to_string(),
        None => why.join(": "),
    }
}

/// Ours is stricter than lettre's, which knows no `thialfi@localhost`.
fn lettre_address(address: &MailAddress) -> lettre::Address {
    lettre::Address::new_dangerous(address.local(), address.domain())
}

/// With CRLF at the ends of all lines: a lone CR or LF ends a line for some servers and not for others, and what follows
/// such a one has been taken for commands.
fn crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                out.extend_from_slice(b"\r\n");
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests;
