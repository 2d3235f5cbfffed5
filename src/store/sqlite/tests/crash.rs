//! Processes that are killed in the middle of their work.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::*;
use crate::alert::Change;
use crate::store::KeptMails as _;

const FILE: &str = "THIALFI_TEST_STORE";

/// Not a test: what the killed process does. It opens an alert with a notification and a line of history, again and
/// again, and says each time when it is done.
#[test]
#[ignore = "the other test starts it as a process of its own"]
fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let mut store = Sqlite::open(Path::new(&path)).unwrap();
    for n in 0.. {
        let key = format!("{}-{n}", std::process::id());
        let arrival = build::arrival(&key, &key);
        let says = || crate::store::MailText { new_text: "disk full".repeat(500), ..Default::default() };
        let receipt = store
            .receive(&arrival, None, Some(&says), build::at(0), &mut build::chance(n), &mut |mut alert, _, _| {
                alert.notifications.push(build::notification(alert.id, 1, build::at(1)));
                Change { alert, commands: Vec::new(), history: vec![build::line("opened")] }
            })
            .unwrap();
        println!("committed {}", receipt.alert().id);
    }
}

#[test]
fn what_was_committed_outlives_a_kill_and_what_was_not_leaves_no_trace() {
    let file = OneFile::new();
    let mut committed = Vec::new();
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::sqlite::tests::crash::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(FILE, file.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut ids = lines
            .map_while(std::result::Result::ok)
            .filter_map(|line| line.rsplit_once("committed ").map(|(_, id)| AlertId(id.parse().unwrap())));
        committed.extend(ids.by_ref().take(5 + round));
        // It goes on while we kill it: at whatever point it is.
        child.kill().unwrap();
        child.wait().unwrap();
        committed.extend(ids);
    }
    assert!(committed.len() >= 40);
    let mut store = file.open();
    for id in committed {
        assert_eq!(store.alert(id).unwrap().notifications.len(), 1);
    }
    for alert in store.alerts(&Filter::default()).unwrap() {
        assert_eq!(alert.notifications.len(), 1, "{}", alert.id);
        assert_eq!(store.history(alert.id).unwrap().len(), 1, "{}", alert.id);
        assert_eq!(store.mails(alert.id).unwrap().len(), 1, "{}", alert.id);
        assert_eq!(store.by_token(&build::token(alert.id, 1)).unwrap().map(|id| id.alert), Some(alert.id));
        assert_eq!(store.active(alert.digest).unwrap(), Some(alert.id));
    }
    let check: String = store.connection.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}
