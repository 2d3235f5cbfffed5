//! Texts from people. The input is what somebody answers, in lines: one text each, the first ten.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use thialfi::alert::State;
use thialfi::clock::ManualClock;
use thialfi::engine::Desk;
use thialfi::engine::outbox::Incoming;
use thialfi::engine::reply::grammar::{Wish, wish, words};
use thialfi::engine::reply::{self, Reply};
use thialfi::intake::{Forgetful, intake};
use thialfi::mail::{Envelope, Message, Raw};
use thialfi::store::{Filter, Sqlite, Store};
use thialfi_fuzz::{NOW, assert_twiml, rules};

static DESK: LazyLock<Desk> =
    LazyLock::new(|| Desk::new(Arc::new(rules("only-first.toml")), Arc::new(ManualClock::new(*NOW))));

fuzz_target!(|input: &[u8]| {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let mut store = Sqlite::in_memory().unwrap();
    for host in ["db1", "db2"] {
        open(&mut store, host);
    }
    let states = |store: &mut Sqlite| -> Vec<State> {
        store.alerts(&Filter::default()).unwrap().iter().map(|alert| alert.state).collect()
    };
    let first = store.alerts(&Filter::default()).unwrap().last().unwrap().code.to_string();
    // `@` stands for the code of the first alert, which is drawn by lot.
    for (number, text) in input.replace('@', &first).lines().take(10).enumerate() {
        let before = states(&mut store);
        let stranger = tell(&mut store, &format!("SM-{number}"), "+64219999999", text);
        assert_eq!(stranger, None, "a stranger was answered");
        assert_eq!(states(&mut store), before, "a stranger's text counts");
        let answer = tell(&mut store, &format!("SM{number}"), "+64211110001", text);
        assert_twiml(&DESK.templates.message(answer.as_deref()));
        let after = states(&mut store);
        // "no", "pass": who has it gives it back.
        let passes = wish(&words(text)) == Wish::Escalate;
        for (before, after) in before.iter().zip(&after) {
            // Who has it keeps it else, and what is over stays over.
            let is_passed_on = passes && *before == State::Acknowledged && *after == State::Open;
            let goes_on = *before == State::Open || *after == State::Resolved || is_passed_on;
            assert!(before == after || goes_on, "{before:?} {after:?} by {text:?}");
            assert!(*before != State::Resolved || *after == State::Resolved);
        }
        // A change is never silent; a text with neither letter nor digit says nothing.
        assert!(before == after || answer.is_some(), "{text:?} was not answered");
        assert!(before == after || text.contains(char::is_alphanumeric), "{text:?}");
        let word = text.trim().to_uppercase();
        assert!(before == after || !["STOP", "END", "QUIT", "CANCEL", "UNSUBSCRIBE"].contains(&word.as_str()));
        // The same text told again changes nothing more.
        let again = tell(&mut store, &format!("SM{number}"), "+64211110001", text);
        assert_eq!(again, None, "answered twice");
    }
});

fn tell(store: &mut Sqlite, id: &str, from: &str, body: &str) -> Option<String> {
    reply::receive(&DESK, store, Reply { id, from, body, at: *NOW }).unwrap()
}

fn open(store: &mut Sqlite, host: &str) {
    let mail = format!("From: a@b.example\nSubject: x\nMessage-ID: <{host}>\n\n{host} is DOWN\n");
    let message = Message::parse(&Raw::from(mail.as_bytes()));
    let envelope = Envelope::resolve(None, &[], &|_| None, &message);
    let wanted = intake(&DESK.config, &message, &envelope, *NOW, &mut Forgetful).unwrap();
    let wish = wanted.wishes.iter().find(|wish| wish.rule.is_some_and(|rule| rule.name == "down")).unwrap();
    let mail = Incoming { bytes: mail.as_bytes(), message: &message, size: mail.len() as u64, automatic: false };
    DESK.receive(store, wish, mail).unwrap();
}
