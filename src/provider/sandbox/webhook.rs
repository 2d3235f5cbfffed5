//! The requests that Twilio makes of the application: signed, and told about in order or, when asked for, not.

use std::fmt::Write;

use super::network::{Network, What};
use super::sign::sign;

/// Twilio takes no longer document (11750).
const DOCUMENT_LIMIT: u64 = 64 * 1024;

/// Names and values, in the order in which they are sent.
pub(super) type Parameters = Vec<(String, String)>;

/// Parameters from literals and borrowed values.
pub(super) fn parameters<const N: usize>(pairs: [(&str, &str); N]) -> Parameters {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// What an application answered with a status of success.
pub(super) struct Document {
    pub media_type: String,
    pub text: String,
}

/// Twilio's code and words for what went wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ApplicationError {
    pub code: u32,
    pub reason: String,
}

impl ApplicationError {
    pub fn new(code: u32, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

impl std::fmt::Display for ApplicationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.reason)
    }
}

impl Network {
    /// Asks the application, by POST or GET.
    pub fn ask(&self, url: &str, by_get: bool, parameters: &Parameters) -> Result<Document, ApplicationError> {
        let url = url.split('#').next().unwrap_or(url);
        let result = if by_get {
            let url = with_query(url, parameters);
            let signature = sign(&self.options.auth_token, &url, &[]);
            self.agent.get(url).header("X-Twilio-Signature", signature).call()
        } else {
            let signature = sign(&self.options.auth_token, url, parameters);
            let request = self.agent.post(url).header("X-Twilio-Signature", signature);
            request.send_form(parameters.iter().map(|(name, value)| (name, value)))
        };
        let mut response = result.map_err(|error| {
            let code = if matches!(error, ureq::Error::Timeout(_) | ureq::Error::Io(_)) { 11205 } else { 11200 };
            ApplicationError::new(code, format!("no answer from the application: {error}"))
        })?;
        let status = response.status();
        if !status.is_success() {
            return Err(ApplicationError::new(11200, format!("the application answered {}", status.as_u16())));
        }
        let media_type = response.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let body = response.body_mut().with_config().limit(DOCUMENT_LIMIT).lossy_utf8(true).read_to_string();
        let text = body.map_err(|error| ApplicationError::new(11750, format!("unreadable answer: {error}")))?;
        Ok(Document { media_type, text })
    }
}

/// Status callbacks of one call or text, in order, or as the network's conditions have it.
pub(super) struct Callbacks<'a> {
    network: &'a Network,
    url: Option<String>,
    number: String,
    sid: String,
    held_back: Option<Parameters>,
}

impl<'a> Callbacks<'a> {
    /// Callbacks to `url`, if there is one, about the call or text `sid` of `number`.
    pub fn new(network: &'a Network, url: Option<&str>, number: &str, sid: &str) -> Self {
        let url = url.filter(|url| !url.is_empty()).map(str::to_owned);
        Self { network, url, number: number.into(), sid: sid.into(), held_back: None }
    }

    /// Sends one, or holds it back until the next.
    pub fn send(&mut self, parameters: Parameters, is_last: bool) {
        let conditions = self.network.state().conditions;
        if conditions.lose_callbacks {
            return;
        }
        if conditions.reorder_callbacks && !is_last && self.held_back.is_none() {
            self.held_back = Some(parameters);
            return;
        }
        self.deliver(&parameters, conditions.duplicate_callbacks);
        if let Some(earlier) = self.held_back.take() {
            self.deliver(&earlier, conditions.duplicate_callbacks);
        }
    }

    fn deliver(&self, parameters: &Parameters, twice: bool) {
        let Some(url) = &self.url else { return };
        for _ in 0..=usize::from(twice) {
            // A callback that fails changes nothing for the call; Twilio notes it in the debugger.
            if let Err(error) = self.network.ask(url, false, parameters) {
                let text = format!("status callback: {error}");
                self.network.tell(&self.number, &self.sid, What::ApplicationError, text);
            }
        }
    }
}

/// `url` with the parameters added to its query.
fn with_query(url: &str, parameters: &Parameters) -> String {
    let mut url = url.to_owned();
    for (name, value) in parameters {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.extend([encoded(name), "=".into(), encoded(value)]);
    }
    url
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// `reference` as seen from `base` (RFC 3986, 5.2, without dot segments). An empty one is the base itself.
pub(super) fn resolved(base: Option<&str>, reference: &str) -> Result<String, ApplicationError> {
    let reference = reference.trim();
    if reference.starts_with("http://") || reference.starts_with("https://") {
        return Ok(reference.to_owned());
    }
    let invalid = || ApplicationError::new(11100, format!("`{reference}` is no URL that can be followed from here"));
    if reference.contains("://") {
        return Err(invalid());
    }
    let base = base.ok_or_else(invalid)?;
    let base = base.split('#').next().unwrap_or(base);
    let (scheme, rest) = base.split_once("://").ok_or_else(invalid)?;
    let (rest, _) = if reference.is_empty() { return Ok(base.to_owned()) } else { split_at_first(rest, '?') };
    let (host, path) = split_at_first(rest, '/');
    Ok(if let Some(other_host) = reference.strip_prefix("//") {
        format!("{scheme}://{other_host}")
    } else if reference.starts_with('/') {
        format!("{scheme}://{host}{reference}")
    } else if reference.starts_with('?') {
        format!("{scheme}://{host}{path}{reference}")
    } else {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{host}{folder}/{reference}")
    })
}

/// What is before `separator`, and the rest with it.
fn split_at_first(text: &str, separator: char) -> (&str, &str) {
    text.find(separator).map_or((text, ""), |position| text.split_at(position))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_followed_as_in_a_browser() {
        let base = Some("https://pager.example.com:8443/twiml/abc?x=1#rc=2");
        for (reference, url) in [
            ("https://other.example/x", "https://other.example/x"),
            ("//other.example/x", "https://other.example/x"),
            ("/digits?y=2", "https://pager.example.com:8443/digits?y=2"),
            ("abc/digits", "https://pager.example.com:8443/twiml/abc/digits"),
            ("?y=2", "https://pager.example.com:8443/twiml/abc?y=2"),
            ("", "https://pager.example.com:8443/twiml/abc?x=1"),
        ] {
            assert_eq!(resolved(base, reference).unwrap(), url, "{reference}");
        }
        assert_eq!(resolved(Some("http://a.example"), "x").unwrap(), "http://a.example/x");
        assert_eq!(resolved(None, "/digits").unwrap_err().code, 11100);
        assert_eq!(resolved(base, "javascript://x").unwrap_err().code, 11100);
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in "\\PC{0,40}|[%+& =0-9A-F]{0,40}") {
            let pair = format!("{}={}", encoded(&text), encoded(&text));
            proptest::prop_assert_eq!(super::super::form::pairs(&pair), vec![(text.clone(), text)]);
        }

        #[test]
        fn any_reference_is_followed_or_refused(reference in "[a-z/:?#.]{0,20}|\\PC{0,20}") {
            drop(resolved(Some("https://a.example/b/c?d"), &reference));
            drop(resolved(None, &reference));
        }
    }

    #[test]
    fn parameters_of_a_get_are_encoded_into_the_query() {
        let parameters = parameters([("Digits", "1#"), ("To", "+64 ü")]);
        assert_eq!(
            with_query("http://a.example/x?y=1", &parameters),
            "http://a.example/x?y=1&Digits=1%23&To=%2B64%20%C3%BC"
        );
    }
}
