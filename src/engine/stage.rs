//! For tests of the engine: a rule file, a store, and alerts in it.

use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;

use super::Desk;
use crate::alert::{AlertId, Digest, Policy, Step};
use crate::clock::Clock;
use crate::config::Config;
use crate::oncall::GroupId;
use crate::store::{Arrival, Sqlite};

const RULES: &str = "[contacts]\ndavid = { name = \"David\", phone = \"+64211110001\" }\n\
                     [groups.dba]\nname = \"DBA\"\nmembers = [\"david\"]\noncall = \"david\"\n";

/// A desk for a rule file with one group.
pub fn desk(directory: &Path, clock: Arc<dyn Clock>) -> Arc<Desk> {
    let path = directory.join("rules.toml");
    std::fs::write(&path, RULES).unwrap();
    Arc::new(Desk::new(Arc::new(Config::load(&path).unwrap()), clock))
}

/// The store beside it; as often as it is asked for.
pub fn store(directory: &Path) -> Sqlite {
    Sqlite::open(&directory.join("thialfi.db")).unwrap()
}

/// An alert of this key, which calls again and again.
pub fn opened(desk: &Desk, store: &mut Sqlite, key: &str) -> AlertId {
    let arrival = Arrival {
        mail: Digest::of(["mail", key]),
        digest: Digest::of(["key", key]),
        other_digests: Vec::new(),
        over: Vec::new(),
        sent_at: None,
        told: None,
        key: key.to_owned(),
        window: SignedDuration::from_hours(1),
        group: GroupId::new("dba"),
        rule: "rule".to_owned(),
        recipients: Vec::new(),
        subject: "subject".to_owned(),
        say: "say".to_owned(),
        text: "text".to_owned(),
        policy: Policy { steps: vec![Step::default()], repeat: 20, ..Policy::default() },
    };
    desk.receive_arrival(store, &arrival, None).unwrap().alert().id
}
