//! Who gets in, and each way in which one does not. The clock is moved by hand, and no test waits.

mod addresses;
mod by_password;
mod by_proxy;
mod by_token;
mod cookies;
mod forms;
mod links;

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::clock::ManualClock;
use crate::config::Role;
use crate::oncall::ContactId;
use crate::server::http::Method;
use crate::store::Sqlite;
use crate::store::suite::build;

const PASSWORD: &str = "correct horse battery";
const TOKEN: &str = "thialfi_0123456789abcdefghijklmnopqrstuvwxyz0123456";

/// Cheap to verify, so that a test may fail to sign in often.
static HASH: LazyLock<String> = LazyLock::new(|| cheap(PASSWORD));

fn cheap(password: &str) -> String {
    use argon2::password_hash::{CustomizedPasswordHasher, phc};
    let parameters = argon2::Params::new(8, 1, 1, None).unwrap();
    let hash: phc::PasswordHash =
        argon2::Argon2::default().hash_password_with_params(password.as_bytes(), &[7; 16], parameters).unwrap();
    hash.to_string()
}

/// A rule file, and a server's sessions over it.
struct Scene {
    config: Config,
    clock: ManualClock,
    sessions: Sessions,
}

const PUBLIC: &str = "public_url = \"https://pager.example.com\"";

fn scene() -> Scene {
    with_server(PUBLIC)
}

/// With these lines under `[server]`.
fn with_server(server: &str) -> Scene {
    let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap());
    let sessions = Sessions::new([7; 32], Arc::new(clock.clone()));
    Scene { config: config(server, &HASH), clock, sessions }
}

fn config(server: &str, hash: &str) -> Config {
    let digest: String = {
        use sha2::Digest as _;
        sha2::Sha256::digest(TOKEN).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let text = format!(
        "[contacts]\ndavid = {{ name = \"David\", phone = \"+64211110001\" }}\n[server]\n{server}\n\
         [users]\ndavid = {{ password = \"{hash}\" }}\ndarren = {{ password = \"{hash}\", role = \"admin\" }}\n\
         proxied = {{ role = \"view\" }}\n\
         [tokens]\nother = {{ sha256 = \"{}\" }}\ngrafana = {{ sha256 = \"{digest}\" }}\n",
        "00".repeat(32)
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rules.toml");
    std::fs::write(&path, text).unwrap();
    Config::load_with(&path, &|_| None).unwrap()
}

fn request(headers: &[(&str, &str)]) -> Request {
    Request {
        method: Method::Get,
        path: "/".into(),
        query: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: Vec::new(),
        remote: Some("192.0.2.1".parse().unwrap()),
    }
}

fn from(remote: &str, headers: &[(&str, &str)]) -> Request {
    Request { remote: Some(remote.parse().unwrap()), ..request(headers) }
}

impl Scene {
    fn sign_in(&self, request: &Request, name: &str, password: &str) -> SignIn {
        self.sessions.sign_in(request, &self.config, name, password)
    }

    /// Signs in; the pair that a browser sends from then on.
    fn cookie(&self, name: &str) -> String {
        match self.sign_in(&request(&[]), name, PASSWORD) {
            SignIn::Accepted { cookie } => cookie.split(';').next().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn visitor(&self, request: &Request) -> Result<Option<Visitor>, Refused> {
        self.sessions.visitor(request, &self.config)
    }

    fn with_cookie(&self, cookie: &str) -> Option<Visitor> {
        self.visitor(&request(&[("Cookie", cookie)])).unwrap()
    }

    fn wait(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }
}

const DAY: i64 = 24 * 3600;
