//! A gateway as the rule file describes it: from templates and secrets to what can be rendered at night without fail.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use minijinja::{Environment, UndefinedBehavior, Value, context};
use regex::Regex;
use secrecy::{ExposeSecret as _, SecretString};
use ureq::http::{HeaderName, Method, Uri};

use super::answer::{Finder, Polling};

/// How much work a template may do.
const FUEL: u64 = 20_000;

/// What the rule file says; templates are not parsed yet.
#[derive(Debug, Clone)]
pub struct Parts {
    /// `GET`, `POST` or `PUT`.
    pub method: Method,
    /// A template.
    pub url: String,
    /// Names, and templates that may hold secrets.
    pub headers: Vec<(String, SecretString)>,
    /// A template; empty: no body.
    pub body: String,
    /// Who we are there.
    pub login: Option<Login>,
    /// What templates can use as `secrets.NAME`.
    pub secrets: BTreeMap<String, SecretString>,
    /// What templates can use as `from`.
    pub from: String,
    /// What must be found in the answer besides a status of success.
    pub success: Option<Finder>,
    /// Where the id of the text stands.
    pub id: Option<Finder>,
    /// Where the reason of a refusal stands.
    pub reason: Option<Finder>,
    /// An answer that it matches speaks of this number, for good.
    pub permanent: Option<Regex>,
    /// An answer that it matches speaks of our account.
    pub credentials: Option<Regex>,
    /// The template of the URL at which the status of a text is asked for, and what its answer means.
    pub polling: Option<(String, Polling)>,
    /// How long a request may take in all.
    pub timeout: Duration,
}

/// Who we are there.
#[derive(Debug, Clone)]
pub enum Login {
    /// RFC 7617.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// The draft of OAuth 2's MAC tokens, as SMSGlobal uses it, with HMAC-SHA-256.
    Mac {
        /// The id of the key.
        key: String,
        /// The key.
        secret: SecretString,
    },
}

/// What is wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key of the rule file: `url`, `headers`, `body`, `status_url`.
    pub part: &'static str,
    /// Lower case, one line, without the template: it may hold a secret.
    pub why: String,
}

/// A gateway whose templates can be rendered.
pub struct Gateway {
    pub(super) method: Method,
    /// Where its URL leads, for connecting.
    pub(super) host: String,
    pub(super) headers: Vec<HeaderName>,
    pub(super) login: Option<Login>,
    pub(super) secrets: BTreeMap<String, SecretString>,
    pub(super) from: String,
    pub(super) success: Option<Finder>,
    pub(super) id: Option<Finder>,
    pub(super) reason: Option<Finder>,
    pub(super) permanent: Option<Regex>,
    pub(super) credentials: Option<Regex>,
    pub(super) polling: Option<Polling>,
    pub(super) timeout: Duration,
    templates: Environment<'static>,
    /// Texts of headers, which may be secrets as a whole.
    header_texts: Vec<SecretString>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("method", &self.method).finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway of these parts, every template of which has been rendered once.
    ///
    /// # Errors
    /// The first part that cannot be used.
    pub fn of(parts: Parts) -> Result<Self, Fault> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        templates.set_fuel(Some(FUEL));
        templates.add_filter("urlencode", |text: String| url_encode(&text));
        templates.add_filter("json", |value: Value| serde_json::to_string(&value).unwrap_or_default());
        let (status_url, polling) = parts.polling.unzip();
        let mut named = vec![("url", "url".to_owned(), parts.url), ("body", "body".to_owned(), parts.body)];
        named.extend(status_url.map(|url| ("status_url", "status_url".to_owned(), url)));
        let mut headers = Vec::new();
        let mut header_texts = Vec::new();
        for (index, (name, value)) in parts.headers.into_iter().enumerate() {
            let fault = |_| Fault { part: "headers", why: format!("`{name}` is not the name of a header") };
            headers.push(HeaderName::from_bytes(name.as_bytes()).map_err(fault)?);
            named.push(("headers", header(index), value.expose_secret().to_owned()));
            header_texts.push(value);
        }
        let sample: BTreeMap<&str, &str> = parts.secrets.keys().map(|name| (name.as_str(), "x")).collect();
        let sample = context! {
            to => "+64211110001", to_digits => "64211110001", text => "text", from => &parts.from, id => "1",
            secrets => sample,
        };
        let mut host = String::new();
        for (part, name, source) in named {
            // The error of minijinja shows its source, which may hold a secret: kind and detail alone.
            let fault = |error: minijinja::Error| {
                let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
                Fault { part, why: format!("the template cannot be used: {}{detail}", error.kind()) }
            };
            templates.add_template_owned(name.clone(), source).map_err(fault)?;
            let rendered = templates.get_template(&name).and_then(|it| it.render(&sample)).map_err(fault)?;
            if matches!(part, "url" | "status_url") {
                let uri: Option<Uri> = rendered.parse().ok();
                let fine = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
                let Some(uri) = fine else {
                    return Err(Fault { part, why: "this is not an http or https URL".to_owned() });
                };
                if part == "url" {
                    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
                    host = format!("{}://{authority}", uri.scheme_str().unwrap_or_default());
                }
            }
        }
        Ok(Self {
            method: parts.method,
            host,
            headers,
            login: parts.login,
            secrets: parts.secrets,
            from: parts.from,
            success: parts.success,
            id: parts.id,
            reason: parts.reason,
            permanent: parts.permanent,
            credentials: parts.credentials,
            polling,
            timeout: parts.timeout,
            templates,
            header_texts,
        })
    }

    pub(super) fn render(&self, name: &str, values: &Value) -> Result<String, String> {
        let rendered = self.templates.get_template(name).and_then(|template| template.render(values));
        rendered.map_err(|error| format!("the template of `{name}` cannot be used: {}", error.kind()))
    }

    pub(super) fn all_secrets(&self) -> impl Iterator<Item = &SecretString> {
        let login = self.login.iter().map(|login| match login {
            Login::Basic { password, .. } => password,
            Login::Mac { secret, .. } => secret,
        });
        self.secrets.values().chain(&self.header_texts).chain(login)
    }

    /// Whether anything is sent unencrypted to another machine.
    pub fn is_in_the_clear(&self) -> bool {
        let host = self.host.strip_prefix("http://");
        host.is_some_and(|host| !["127.", "localhost", "[::1]"].iter().any(|loopback| host.starts_with(loopback)))
    }
}

/// The name of the template of a header.
pub(super) fn header(index: usize) -> String {
    format!("headers.{index}")
}

/// Everything but the unreserved characters of RFC 3986.
fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// 128 random bits.
pub(super) fn nonce() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("no random bits: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The value of the `Authorization` header: <https://www.smsglobal.com/rest-api/>, after
/// draft-ietf-oauth-v2-http-mac-01. Each line ends with LF; the last, for extra data, is empty.
pub(super) fn mac(
    key: &str,
    secret: &SecretString,
    (seconds, nonce): (i64, &str),
    (method, url): (&str, &str),
) -> Result<String, String> {
    let uri: Uri = url.parse().map_err(|error| format!("no URL: {error}"))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    let plain = format!("{seconds}\n{nonce}\n{method}\n{path}\n{host}\n{port}\n\n");
    let mut hash = Hmac::<sha2::Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .map_err(|error| format!("the secret cannot be used: {error}"))?;
    hash.update(plain.as_bytes());
    let hash = STANDARD.encode(hash.finalize().into_bytes());
    Ok(format!("MAC id=\"{key}\", ts=\"{seconds}\", nonce=\"{nonce}\", mac=\"{hash}\""))
}
