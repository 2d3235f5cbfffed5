use jiff::SignedDuration;

use super::*;
use crate::mail::Raw;
use crate::rules::Recall;
use crate::store::Tally;

const PEOPLE: &str = r#"
[contacts]
david = { name = "David", phone = "+64211110001" }
[groups.dba]
members = ["david"]
[recipients]
"*@db.example.com" = { group = "dba" }
[defaults]
unmatched = "ignore"
"#;

fn config(rules: &str) -> Config {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rules.toml");
    std::fs::write(&path, format!("{PEOPLE}{rules}")).unwrap();
    Config::load(&path).unwrap()
}

fn mail(id: &str, subject: &str, text: &str) -> Message {
    let date = "Mon, 2 Nov 2026 02:00:00 +0000 (UTC)";
    let raw =
        format!("From: a@example.com\nSubject: {subject}\nDate: {date}\nMessage-ID: <{id}@x>\nX-Load: 7\n\n{text}\n");
    Message::parse(&Raw::from(raw.as_bytes()))
}

fn envelope(recipients: &[&str]) -> Envelope {
    let recipients = recipients.iter().map(|recipient| (*recipient).to_owned()).collect();
    Envelope { sender: None, recipients, source: RecipientSource::Arguments }
}

fn take<'c>(config: &'c Config, message: &Message, recipients: &[&str], memory: &mut dyn Memory) -> Intake<'c> {
    intake(config, message, &envelope(recipients), Timestamp::UNIX_EPOCH, memory).unwrap()
}

/// Writes down what is counted.
#[derive(Default)]
struct Witness(Vec<Tally>, Played);

impl Memory for Witness {
    fn count(&mut self, tally: &Tally, now: Timestamp) -> Recall {
        self.0.push(tally.clone());
        self.1.count(tally, now)
    }
}

const LOAD: &str = r#"
[[rules]]
name = "load"
when = [{ text = 'load of (?<host>\w+) is (?<load>\S+)' }, { var = "load", above = 20 }, { count = "2 in 10m" }]
action = "call"
key = "load {{ host }}"
"#;

#[test]
fn mails_are_counted_by_key_once_all_else_holds() {
    let config = config(LOAD);
    let mut witness = Witness::default();
    let mut matched = |id: &str, text: &str| {
        let intake = take(&config, &mail(id, "x", text), &["a@db.example.com", "b@db.example.com"], &mut witness);
        (intake.wishes.len(), intake.counted)
    };
    assert_eq!(matched("1", "load of db1 is 7"), (0, Vec::new()));
    assert_eq!(matched("2", "load of db1 is 23,5"), (0, vec!["rule `load`: mail 1 of 2 in 10m".to_owned()]));
    assert_eq!(matched("3", "load of db2 is 24").0, 0, "another key");
    assert_eq!(matched("2", "load of db1 is 23,5").0, 0, "the same mail again");
    assert_eq!(matched("4", "load of db1 is 99"), (1, vec!["rule `load`: mail 2 of 2 in 10m".to_owned()]));
    assert_eq!(matched("5", "nothing of the kind"), (0, Vec::new()));
    assert_eq!(witness.0.len(), 8, "four mails for two recipients each");
    assert_eq!(witness.0[0], witness.0[1], "which count as one: the key is the group's");
    assert_eq!(witness.0[0].within, SignedDuration::from_mins(10));
}

#[test]
fn mails_are_counted_by_the_derived_key_and_together_when_none_can_be_made() {
    let derived = config(&LOAD.replace("key = \"load {{ host }}\"", ""));
    let mut witness = Witness::default();
    take(&derived, &mail("1", "x", "load of db1 is 30"), &["a@db.example.com", "b@db.example.com"], &mut witness);
    take(&derived, &mail("2", "x", "load of db1 is 31"), &["a@db.example.com"], &mut witness);
    let counters: Vec<Digest> = witness.0.iter().map(|tally| tally.counter).collect();
    assert!(counters[0] != counters[1] && counters[0] != counters[2], "recipient and captures make it");

    let broken = config(&LOAD.replace("{{ host }}", "{{ header('X-None') }}"));
    let mut witness = Witness::default();
    take(&broken, &mail("1", "x", "load of db1 is 30"), &["a@db.example.com"], &mut witness);
    let second = take(&broken, &mail("2", "x", "load of db2 is 30"), &["a@db.example.com"], &mut witness);
    assert_eq!(witness.0[0].counter, witness.0[1].counter);
    assert_eq!(second.wishes[0].arrival.key, format!("mail {}", identity(&mail("2", "x", "load of db2 is 30"))));
}

#[test]
fn what_set_makes_is_compared() {
    let rules = r#"
[[rules]]
name = "load"
when = [{ subject = 'load' }, { var = "load", at_least = 7 }, { var = "twice", below = 100 }]
set = { load = "{{ header('X-Load') }}", twice = "{{ load }}{{ load }}", bad = "{{ none }}" }
action = "call"
"#;
    let loaded = config(rules);
    assert_eq!(take(&loaded, &mail("1", "load", ""), &["a@db.example.com"], &mut Forgetful).wishes.len(), 1);
    let higher = config(&rules.replace("at_least = 7", "above = 7"));
    assert!(take(&higher, &mail("1", "load", ""), &["a@db.example.com"], &mut Forgetful).wishes.is_empty());
    let missing = config(&rules.replace("X-Load", "X-None"));
    let message = mail("1", "load", "");
    assert!(take(&missing, &message, &["a@db.example.com"], &mut Forgetful).wishes.is_empty());
    let (to, now) = ("a@db.example.com", Timestamp::UNIX_EPOCH);
    let told = explain(&missing, &message, &envelope(&[]), to, now, &mut Forgetful).unwrap();
    assert_eq!(told.verdicts[0].conditions[1].saw, "nothing has filled load");
}

#[test]
fn who_asks_nobody_is_told_that_it_is_not_known() {
    let config = config(LOAD);
    let message = mail("1", "x", "load of db1 is 30");
    let intake = take(&config, &message, &["a@db.example.com"], &mut Forgetful);
    assert_eq!(intake.wishes.len(), 1);
    assert!(
        intake.wishes[0].notes.iter().any(|note| note.starts_with("only when it is at least mail 2 of its key in 10m"))
    );
    let (to, now) = ("a@db.example.com", Timestamp::UNIX_EPOCH);
    let told = explain(&config, &message, &envelope(&[]), to, now, &mut Forgetful).unwrap();
    let count = told.verdicts[0].conditions.last().unwrap();
    assert!(count.matched && count.saw.starts_with("not known here"), "{count:?}");
}

#[test]
fn a_mail_for_two_recipients_of_a_group_has_both_keys() {
    let config = config("[[rules]]\nname = \"r\"\nwhen = [{ subject = 'disk' }]\naction = \"call\"\n");
    let wish = |id, recipients: &[&str]| {
        let intake = take(&config, &mail(id, "disk full", ""), recipients, &mut Forgetful);
        assert_eq!(intake.wishes.len(), 1);
        intake.wishes[0].arrival.clone()
    };
    let both = wish("1", &["a@db.example.com", "b@db.example.com"]);
    assert_eq!(both.digests(), [wish("2", &["a@db.example.com"]).digest, wish("3", &["b@db.example.com"]).digest]);
    assert_eq!(both.recipients.len(), 2);
}

#[test]
fn a_mail_of_the_end_has_a_key_of_its_own_and_ends_the_window() {
    let derived = "[[rules]]\nname = \"r\"\nwhen = [{ subject = 'CPU' }]\naction = \"call\"\n";
    let arrival = |rules: &str, subject: &str| {
        let config = config(rules);
        let intake = take(&config, &mail("1", subject, ""), &["a@db.example.com"], &mut Forgetful);
        intake.wishes[0].arrival.clone()
    };
    let (begun, over) = (arrival(derived, "Problem: high CPU"), arrival(derived, "Resolved in 5m: high CPU"));
    assert_ne!(begun.digest, over.digest);
    assert_eq!((begun.over, over.over), (Vec::new(), vec![begun.digest]));
    let given = format!("{derived}key = \"cpu\"\n");
    let (begun, over) = (arrival(&given, "Problem: high CPU"), arrival(&given, "Resolved in 5m: high CPU"));
    assert_eq!(begun.digest, over.digest);
    assert_eq!(over.over, [begun.digest]);
    let closes = arrival(&given.replace("call", "resolve"), "Resolved in 5m: high CPU");
    assert!(closes.over.is_empty(), "what it ends needs no window");
}

#[test]
fn the_date_of_a_mail_is_known_when_it_says_one() {
    let written = |date: &str| {
        let raw = format!("From: a@example.com\nSubject: x\n{date}\nTo: b@example.com\n\nx\n");
        sent_at(&Message::parse(&Raw::from(raw.as_bytes()))).map(|at| at.to_string())
    };
    let two = Some("2026-11-02T02:00:00Z".to_owned());
    assert_eq!(written("Date: Mon, 2 Nov 2026 02:00:00 +0000"), two);
    assert_eq!(written("Date: Mon, 02 Nov 2026 15:00:00 +1300 (NZDT)"), two);
    assert_eq!(written("Date: 2 Nov 2026 02:00:00 GMT"), two);
    for none in ["Date: yesterday", "Date:", "X-Date: Mon, 2 Nov 2026 02:00:00 +0000"] {
        assert_eq!(written(none), None, "{none}");
    }
}
