//! A server over a store in a directory of its own, without a network, for the tests of what people and programs ask.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;

use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

use super::Routes;
use super::http::{Method, Request, Response};
use crate::alert::{
    Actor, AlertId, Channel, Context, Digest, Event, MailFact, Policy, State, Step, Through, escalation,
};
use crate::clock::{Clock, ManualClock};
use crate::config::Config;
use crate::engine::Desk;
use crate::engine::follow::Pulse;
use crate::oncall::GroupId;
use crate::store::{Arrival, MailText, Sqlite, Store};

/// A token that may act.
pub const TOKEN: &str = "thialfi_robot";
/// One that may look.
pub const WATCHER: &str = "thialfi_watcher";
/// One that may see the rules in full.
pub const CHIEF: &str = "thialfi_chief";

const RULES: &str = r#"
[twilio]
account_sid = "AC00000000000000000000000000000001"
auth_token  = "secret"
from        = "+6498123450"
[server]
public_url = "https://pager.example.com"
proxy = { addresses = ["127.0.0.1"], user_header = "Remote-User" }
[users]
david = { role = "act" }
[contacts]
david  = { name = "David",  phone = "+64211110001" }
darren = { name = "Darren", phone = "+64211110002" }
mute   = { name = "Mute", email = "mute@example.com" }
[groups.systems]
name    = "Systems"
members = ["david", "darren"]
oncall  = "david"
[groups.night]
members = ["darren", "david"]
rotation = { every = "1 week", handoff = "Mon 09:00", start = "2026-11-02" }
[recipients]
"ops@example.com" = { group = "systems" }
[defaults]
time_zone = "Pacific/Auckland"
[[rules]]
name   = "down"
when   = [{ text = '(?<host>\w+) is DOWN' }]
action = "call"
group  = "systems"
key    = "{{ host }}"
[[rules]]
name   = "news"
when   = [{ subject = "newsletter" }]
action = "ignore"
[[heartbeats]]
name  = "backup"
when  = [{ subject = "backup finished" }]
every = "1 day"
grace = "1h"
group = "systems"
"#;

/// The server, and what it stands on.
pub struct Stage {
    pub routes: Routes,
    pub store: Sqlite,
    pub clock: ManualClock,
    pub pulse: Pulse,
    pub path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Stage {
    /// With tokens, and more in its rule file.
    pub fn new(more: &str) -> Self {
        let token = |name: &str, token: &str, role: &str| {
            let digest: String = Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{name} = {{ sha256 = \"{digest}\", role = \"{role}\" }}\n")
        };
        let tokens = [token("robot", TOKEN, "act"), token("watcher", WATCHER, "view"), token("chief", CHIEF, "admin")];
        Self::of(&format!("{RULES}\n[tokens]\n{}\n{more}", tokens.concat()))
    }

    /// With this rule file, to which the store is added.
    pub fn of(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (rules, path) = (directory.path().join("rules.toml"), directory.path().join("thialfi.db"));
        std::fs::write(&rules, format!("{text}\n[store]\npath = \"{}\"\n", path.display())).unwrap();
        let config = Config::load(&rules).unwrap_or_else(|wrong| panic!("{wrong}"));
        let clock = ManualClock::new("2026-11-02T02:00:00Z".parse().unwrap());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let (open_at, pulse) = (path.clone(), Pulse::default());
        let open = move || Sqlite::open(&open_at).map(|store| Box::new(store) as Box<dyn Store>);
        let store = Sqlite::open(&path).unwrap();
        let desk = Arc::new(Desk::new(Arc::new(config), shared));
        let routes = Routes::new(desk, channel().0, pulse.clone(), Box::new(open));
        Self { routes, store, clock, pulse, path, _directory: directory }
    }

    /// Asks from this address.
    pub fn asked(
        &self,
        remote: Option<IpAddr>,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.routes.answer(&Request {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
            remote,
        })
    }

    /// Asks from this machine.
    pub fn ask(&self, method: Method, target: &str, headers: &[(&str, &str)], body: &str) -> Response {
        self.asked(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), method, target, headers, body)
    }

    pub fn get(&self, target: &str, headers: &[(&str, &str)]) -> Response {
        self.ask(Method::Get, target, headers, "")
    }

    pub fn get_from(&self, remote: Option<IpAddr>, target: &str, headers: &[(&str, &str)]) -> Response {
        self.asked(remote, Method::Get, target, headers, "")
    }

    /// An alert of the rule `down`, opened now.
    pub fn alert(&mut self, key: &str, subject: &str, body: &str) -> AlertId {
        let step = Step { by: vec![Channel::Call], ..Step::default() };
        let arrival = Arrival {
            mail: Digest::of([subject, key]),
            digest: Digest::of([key]),
            other_digests: Vec::new(),
            over: Vec::new(),
            sent_at: None,
            key: key.to_owned(),
            window: SignedDuration::from_hours(1),
            group: GroupId::new("systems"),
            rule: "down".to_owned(),
            recipients: vec!["ops@example.com".to_owned()],
            subject: subject.to_owned(),
            say: format!("{key} is down."),
            text: format!("{key} is down"),
            policy: Policy { name: "call".to_owned(), steps: vec![step], ..Policy::default() },
            told: Some(Box::new(MailFact {
                rule: Some("down".to_owned()),
                action: "call".to_owned(),
                ..MailFact::default()
            })),
        };
        let desk = Arc::clone(&self.routes.desk);
        let text = MailText {
            from: "Monitoring <mon@example.com>".to_owned(),
            subject: subject.to_owned(),
            new_text: body.to_owned(),
            quoted: "> what was said before".to_owned(),
            ..MailText::default()
        };
        let now = desk.now();
        let roster = desk.roster(&mut self.store).unwrap();
        let mut open = |alert, _, random: &mut dyn FnMut() -> u128| {
            escalation::escalate(alert, Event::Opened, &mut Context { now, roster: &roster, random })
        };
        let receipt =
            self.store.receive(&arrival, None, Some(&|| text.clone()), now, &mut || desk.draw(), &mut open).unwrap();
        receipt.alert().id
    }

    /// Lets somebody do something.
    pub fn apply(&mut self, id: AlertId, event: impl FnOnce(Actor) -> Event) {
        let by = Actor { contact: None, name: "David".to_owned(), through: Through::Command };
        let desk = Arc::clone(&self.routes.desk);
        desk.apply(&mut self.store, id, &event(by)).unwrap();
    }

    pub fn state(&mut self, id: AlertId) -> State {
        self.store.alert(id).unwrap().state
    }

    pub fn history(&mut self, id: AlertId) -> String {
        self.store.history(id).unwrap().into_iter().map(|line| line.text + "\n").collect()
    }
}

/// The body of an answer.
pub fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

/// The first header field of this name.
pub fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}
