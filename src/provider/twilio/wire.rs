//! One exchange with the REST API: where it goes, and who we are there.

use secrecy::SecretString;
use ureq::http::Request;

use super::Account;
pub(super) use crate::provider::exchange::{Answer, Failure};
use crate::provider::exchange::{Way, basic};

/// A page of 50 texts of 1600 characters, each escaped as `\uXXXX`, is half a megabyte.
const LIST_LIMIT: u64 = 2 * 1024 * 1024;
const RECORD_LIMIT: u64 = 256 * 1024;

/// A connection to one account.
pub(super) struct Wire {
    way: Box<dyn Way>,
    api_url: String,
    account_path: String,
    user: String,
    password: SecretString,
}

impl Wire {
    pub fn over(account: &Account, way: Box<dyn Way>) -> Self {
        Self {
            way,
            api_url: account.api_url.trim_end_matches('/').to_owned(),
            account_path: format!("/2010-04-01/Accounts/{}", super::plain(&account.account_sid)),
            user: account.user.clone(),
            password: account.password.clone(),
        }
    }

    #[cfg(test)]
    pub fn give_up_after(&mut self, patience: std::time::Duration) {
        let mut exchange = crate::provider::exchange::Exchange::with(&self.api_url);
        exchange.give_up_after(patience);
        self.way = Box::new(exchange);
    }

    /// Posts a form to a path below the account.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Answer, Failure> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let url = format!("{}{}{path}", self.api_url, self.account_path);
        let request = Request::post(url).header("Content-Type", "application/x-www-form-urlencoded");
        self.way.send(self.ours(request, body.into_bytes())?, RECORD_LIMIT)
    }

    /// Gets a path below the account.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Failure> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{path}{mark}{query}", self.api_url, self.account_path);
        self.way.send(self.ours(Request::get(url), Vec::new())?, LIST_LIMIT)
    }

    /// Gets a path with its query, as a list names its next page.
    pub fn get_uri(&self, uri: &str) -> Result<Answer, Failure> {
        let url = format!("{}{uri}", self.api_url);
        self.way.send(self.ours(Request::get(url), Vec::new())?, LIST_LIMIT)
    }

    fn ours(&self, request: ureq::http::request::Builder, body: Vec<u8>) -> Result<Request<Vec<u8>>, Failure> {
        let request = request.header("Authorization", basic(&self.user, &self.password)?).body(body);
        request.map_err(|error| Failure::NotSent(format!("no request can be made: {error}")))
    }
}
