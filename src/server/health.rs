//! Whether we are well: `/healthz` for whoever watches us, and `/livez` for systemd's watchdog, which can do nothing but start
//! us again.

use super::http::{Method, Request, Response};
use super::{ILL_AFTER, Routes};

impl Routes {
    /// 200 when the engine turns and can write; whatever else is wrong is said.
    pub(super) fn health(&self, request: &Request) -> Response {
        if request.method == Method::Post {
            return only_get();
        }
        if let Some(ill) = self.stands_still() {
            return Response::text(503, &ill);
        }
        if let Some((age, _)) = self.pulse().store_fails().filter(|(age, _)| *age > ILL_AFTER) {
            // Why is for the log: here anybody may ask, and the words have paths in them.
            let line =
                format!("the store has failed for {} s and cannot be relied upon; the log says why", age.as_secs());
            return Response::text(503, &line);
        }
        // Still 200: calls go on by another provider, or with their words in them.
        match self.alarms() {
            alarms if alarms.is_empty() => Response::text(200, "ok"),
            alarms => Response::text(200, &format!("ok, but {}", alarms.join("; "))),
        }
    }

    /// 200 when the engine turns, in whatever state it is: a new start mends nothing else.
    pub(super) fn live(&self, request: &Request) -> Response {
        if request.method == Method::Post {
            return only_get();
        }
        self.stands_still().map_or_else(|| Response::text(200, "alive"), |ill| Response::text(503, &ill))
    }

    /// Why the engine is taken for dead.
    fn stands_still(&self) -> Option<String> {
        match self.pulse().age() {
            Some(age) if age <= ILL_AFTER => None,
            Some(age) => Some(format!("the engine last turned {} s ago", age.as_secs())),
            None => Some("the engine has not turned yet".to_owned()),
        }
    }

    /// What is wrong with thialfi itself, in words.
    pub(super) fn alarms(&self) -> Vec<String> {
        let mut alarms = self.desk.providers.alarms();
        if let (Some(address), Some(since)) = (&self.desk.config.server.public_url, self.pulse().unreachable()) {
            let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
            alarms.push(format!("the provider has not reached {address} since {since}"));
        }
        alarms
    }
}

/// 405 for what is only to be read.
pub(super) fn only_get() -> Response {
    Response::text(405, "this is only to be read").with_header("Allow", "GET, HEAD")
}
