//! Signing in, and knowing again who has: by password and cookie, by the proxy before us, by a program's token, or by the link
//! in a text. It decides who somebody is, never what they see.

mod address;
mod attempts;
mod cookie;
mod form;
mod key;
mod link;
#[cfg(test)]
mod tests;
mod token;
mod turnstile;
mod visitor;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

pub use address::client;
pub use link::Link;
pub use token::PREFIX as TOKEN_PREFIX;
pub use visitor::{Proof, Visitor};

use attempts::Attempts;
use cookie::Session;
use form::From as Source;
use key::Key;
use turnstile::Turnstile;

use crate::clock::Clock;
use crate::config::{Config, PasswordHash};
use crate::server::http::Request;
use crate::store::Nonce;

/// Longer passwords are wrong without a look, in bytes.
pub const LONGEST_PASSWORD: usize = 1000;

/// Everything that knows who is signed in. It keeps in memory how often somebody was wrong, who has signed out, and nothing
/// else.
pub struct Sessions {
    key: Key,
    clock: Arc<dyn Clock>,
    attempts: Mutex<Attempts>,
    turnstile: Turnstile,
    /// Sessions that were ended before their time, and when it would have been.
    ended: Mutex<HashMap<Nonce, Timestamp>>,
}

/// Why somebody is not let in, or why what they ask for is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A token that is not in the rule file.
    #[error("The token is none of `[tokens]`.")]
    WrongToken,
    /// Wrong too often.
    #[error("Too many wrong tokens came from your address. Try again later.")]
    TooMany {
        /// In seconds.
        retry_after: u64,
    },
    /// The proxy names somebody whom the rule file does not let in.
    #[error("You are signed in at the proxy, but under a name that is not in `[users]`.")]
    UnknownUser,
    /// The proxy's header field is there twice: then one of them may be anybody's.
    #[error("The proxy passes on what names the user more than once. It must take away what comes from outside.")]
    TwoNames,
    /// The form was sent from a page of another site, or from nowhere.
    #[error("This was not sent from a page of ours. Nothing was changed.")]
    OtherSite,
    /// The form does not carry what only our pages know, most likely because it is older than the session.
    #[error("The page was too old. Go back, load it again, and do it again. Nothing was changed.")]
    StaleForm,
}

impl Refused {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::WrongToken => 401,
            Self::TooMany { .. } => 429,
            Self::UnknownUser | Self::TwoNames | Self::OtherSite | Self::StaleForm => 403,
        }
    }

    /// A title for a page that says so.
    pub fn title(&self) -> &'static str {
        match self {
            Self::WrongToken => "The token is wrong",
            Self::TooMany { .. } => "Too many attempts",
            Self::UnknownUser => "You may not see these pages",
            Self::TwoNames => "The proxy is not set up right",
            Self::OtherSite => "Another site asked for that",
            Self::StaleForm => "Not done",
        }
    }

    /// After how many seconds it may be tried again, where that is why.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after } => Some(*retry_after),
            Self::WrongToken | Self::UnknownUser | Self::TwoNames | Self::OtherSite | Self::StaleForm => None,
        }
    }
}

/// What becomes of signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// They are who they say.
    Accepted {
        /// `Set-Cookie`.
        cookie: String,
    },
    /// The name or the password is wrong; which, nobody is told.
    Wrong,
    /// Wrong too often; whether this one was right was not looked at.
    TooMany {
        /// In seconds.
        retry_after: u64,
    },
    /// Too many sign in at once.
    Busy,
    /// The form was sent from another site.
    OtherSite,
}

/// What signing out asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedOut {
    /// `Set-Cookie` that takes the cookie away.
    pub cookie: String,
    /// The session that was ended, and when it would have been over: to be kept, so that a new start does not begin it again.
    pub ended: Option<(Nonce, Timestamp)>,
}

impl Sessions {
    /// `key`: 32 random bytes, the same whenever the server starts; without that a new start ends all sessions.
    pub fn new(key: [u8; 32], clock: Arc<dyn Clock>) -> Self {
        let (attempts, ended) = (Mutex::new(Attempts::new()), Mutex::new(HashMap::new()));
        Self { key: Key(key), clock, attempts, turnstile: Turnstile::new(), ended }
    }

    /// With sessions that were ended before this start, and when they would have been over.
    #[must_use]
    pub fn with_ended(self, ended: impl IntoIterator<Item = (Nonce, Timestamp)>) -> Self {
        self.ended().extend(ended);
        self
    }

    fn ended(&self) -> MutexGuard<'_, HashMap<Nonce, Timestamp>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who asks; `None`: nobody whom we know. A token counts before what the proxy says, and that before a cookie.
    ///
    /// # Errors
    /// When they say who they are, and are not let in.
    pub fn visitor(&self, request: &Request, config: &Config) -> Result<Option<Visitor>, Refused> {
        if let Some(given) = token::of(request) {
            return self.by_token(given, request, config).map(Some);
        }
        if let Some(name) = named_by_proxy(request, config)? {
            return self.by_proxy(name, config).map(Some);
        }
        Ok(self.by_cookie(request, config))
    }

    /// A right token is always let in: others at the same address, behind whose wrong ones it would have to wait, are no reason
    /// to blind whoever watches, and nobody guesses 256 bits.
    fn by_token(&self, given: &str, request: &Request, config: &Config) -> Result<Visitor, Refused> {
        if let Some(known) = token::find(given, &config.tokens) {
            let (name, role) = (known.name.clone(), known.role);
            return Ok(Visitor { name, role, contact: None, proof: Proof::Token, csrf: String::new(), renewal: None });
        }
        let address = client(request, &config.server.proxy);
        match self.attempts().wrong_token(address::network(address), self.clock.now()) {
            Ok(()) => {
                tracing::warn!(address = shown(address), "wrong token");
                Err(Refused::WrongToken)
            }
            // Not in the log, which would grow by it.
            Err(wait) => Err(Refused::TooMany { retry_after: seconds(wait) }),
        }
    }

    fn by_proxy(&self, name: &str, config: &Config) -> Result<Visitor, Refused> {
        let csrf = form::token(&self.key, name, b"");
        match (config.users.get(name), config.server.proxy.role) {
            (Some(user), _) => Ok(Visitor::user(user, Proof::Proxy, csrf, None)),
            (None, Some(role)) => {
                let name = name.to_owned();
                Ok(Visitor { name, role, contact: None, proof: Proof::Proxy, csrf, renewal: None })
            }
            (None, None) => Err(Refused::UnknownUser),
        }
    }

    /// The session of a cookie, whatever became of it.
    fn session(&self, request: &Request, config: &Config) -> Option<Session> {
        let password_of = |name: &str| config.users.get(name).and_then(|user| user.password.as_ref());
        Session::of(request, &self.key, config.server.is_https(), self.clock.now(), password_of)
    }

    fn by_cookie(&self, request: &Request, config: &Config) -> Option<Visitor> {
        let (https, now) = (config.server.is_https(), self.clock.now());
        let session = self.session(request, config).filter(|session| !self.ended().contains_key(&session.nonce))?;
        let user = config.users.get(&session.user)?;
        let csrf = form::token(&self.key, &session.user, &session.nonce);
        let is_old = now.duration_since(session.issued) >= cookie::RENEWED_AFTER;
        // The same nonce: forms that are open in other windows stay good.
        let renewed = Session { issued: now, ..session };
        let renewal = user.password.as_ref().filter(|_| is_old).map(|hash| renewed.set_cookie(&self.key, hash, https));
        Some(Visitor::user(user, Proof::Password, csrf, renewal))
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs somebody in.
    pub fn sign_in(&self, request: &Request, config: &Config, name: &str, password: &str) -> SignIn {
        // Another site must not sign somebody in under a name of its own.
        if form::from(request, config) == Source::Elsewhere {
            return SignIn::OtherSite;
        }
        let address = client(request, &config.server.proxy);
        let (from, now) = (address::network(address), self.clock.now());
        let user = config.users.get(name);
        // What is no name of ours may be a password in the wrong field: it is not for the log.
        let who = user.map_or("(unknown)", |user| user.name.as_str());
        let attempt = match self.attempts().begin(from, name, now) {
            Ok(attempt) => attempt,
            Err(wait) => {
                tracing::warn!(user = who, address = shown(address), "sign-in refused: too many attempts");
                return SignIn::TooMany { retry_after: seconds(wait) };
            }
        };
        // For a user that there is not as much is done as for one that there is.
        let known = user.and_then(|user| user.password.as_ref());
        let right = if password.len() > LONGEST_PASSWORD {
            Some(false)
        } else {
            self.turnstile.pass(|| known.unwrap_or(&stand_in(config)).verify(password) && known.is_some())
        };
        match (right, known) {
            (Some(true), Some(hash)) => {
                self.attempts().right(&attempt, now);
                tracing::info!(user = who, address = shown(address), "signed in");
                let mut nonce = [0; 16];
                if let Err(error) = getrandom::fill(&mut nonce) {
                    tracing::error!(%error, "no random numbers");
                    return SignIn::Busy;
                }
                let session = Session { user: name.to_owned(), issued: now, nonce };
                SignIn::Accepted { cookie: session.set_cookie(&self.key, hash, config.server.is_https()) }
            }
            (Some(_), _) => {
                tracing::warn!(user = who, address = shown(address), "sign-in failed");
                SignIn::Wrong
            }
            (None, _) => {
                self.attempts().take_back(&attempt);
                SignIn::Busy
            }
        }
    }

    /// Ends the session, for this browser and for whoever has a copy of its cookie.
    pub fn sign_out(&self, request: &Request, config: &Config) -> SignedOut {
        let cookie = cookie::removal(config.server.is_https());
        let now = self.clock.now();
        let ended = self.session(request, config).map(|session| (session.nonce, now + cookie::LIFETIME));
        let mut all = self.ended();
        all.retain(|_, until| *until > now);
        all.extend(ended);
        SignedOut { cookie, ended }
    }

    /// Whether a form of this visitor's was sent from a page of ours.
    ///
    /// # Errors
    /// When it was not, or when that cannot be told.
    pub fn check_form(
        &self,
        request: &Request,
        config: &Config,
        visitor: &Visitor,
        form: &[(String, String)],
    ) -> Result<(), Refused> {
        match visitor.proof {
            // No browser adds these by itself.
            Proof::Token => return Ok(()),
            Proof::Password | Proof::Proxy | Proof::Link => {}
        }
        match form::from(request, config) {
            Source::Ours => {}
            Source::Elsewhere | Source::Unsaid => return Err(Refused::OtherSite),
        }
        if form::carries(form, &visitor.csrf) { Ok(()) } else { Err(Refused::StaleForm) }
    }
}

/// Whom the proxy says to be signed in, where it is one that is believed.
fn named_by_proxy<'r>(request: &'r Request, config: &Config) -> Result<Option<&'r str>, Refused> {
    let proxy = &config.server.proxy;
    let Some(field) = proxy.user_header.as_deref().filter(|_| proxy.is_from(request.remote)) else { return Ok(None) };
    let mut named = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(field));
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => Err(Refused::TwoNames),
        (Some((_, name)), None) => Ok(Some(name.trim()).filter(|name| !name.is_empty())),
        (None, _) => Ok(None),
    }
}

/// What is verified in place of the password of a user who has none: one that costs as much as those that there are.
fn stand_in(config: &Config) -> PasswordHash {
    config.users.values().find_map(|user| user.password.clone()).unwrap_or_else(PasswordHash::of_nobody)
}

fn seconds(wait: SignedDuration) -> u64 {
    // Rounded up: half a second before the time is too early.
    u64::try_from(wait.as_secs()).unwrap_or_default() + u64::from(wait.subsec_nanos() > 0)
}

fn shown(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unix".to_owned(), |address| address.to_string())
}
