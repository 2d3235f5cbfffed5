//! How fast the store takes mails in: one process after the other on one connection, and 50 processes at once, as a
//! mail server starts them. `cargo bench --bench store`
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use thialfi::alert::{
    Alert, Change, Channel, Delivery, Digest, Entry, EntryKind, Notification, NotificationId, Policy, Purpose, Step,
    Target, Token,
};
use thialfi::oncall::{Address, ContactId, GroupId};
use thialfi::store::{Arrival, Receipt, Sqlite, Store};

const PROCESSES: usize = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, path] = arguments.as_slice()
        && word == "deliver"
    {
        deliver(&mut Sqlite::open(Path::new(path)).unwrap(), &std::process::id().to_string());
        return;
    }
    let directory = std::env::temp_dir().join(format!("thialfi-bench-{}", std::process::id()));
    std::fs::create_dir(&directory).unwrap();
    one_connection(&directory.join("one.db"));
    println!("{PROCESSES} processes at once, each: open, receive, claim, record, close");
    at_once("in turns, no engine      ", &directory.join("turns.db"), true, false);
    at_once("in turns, with an engine ", &directory.join("engine.db"), true, true);
    at_once("without turns, no engine ", &directory.join("jostle.db"), false, false);
    at_once("without turns, an engine ", &directory.join("both.db"), false, true);
    std::fs::remove_dir_all(&directory).unwrap();
}

fn one_connection(path: &Path) {
    let mut store = Sqlite::open(path).unwrap();
    let began = Instant::now();
    let mut count = 0_u32;
    while began.elapsed() < Duration::from_secs(2) {
        receive(&mut store, &count.to_string());
        count += 1;
    }
    println!("one connection: {:.0} mails received per second", f64::from(count) / began.elapsed().as_secs_f64());
}

/// Five rounds of processes; how long the fastest, the middle and the slowest of all of them took, the time to start
/// them included; and how long an engine's own transactions took meanwhile, one every 5 ms.
fn at_once(name: &str, path: &Path, turns: bool, engine: bool) {
    if !turns {
        // A lock file that cannot be opened: everybody does without.
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        std::fs::create_dir(PathBuf::from(lock)).unwrap();
    }
    let over = AtomicBool::new(false);
    let (times, beats) = std::thread::scope(|scope| {
        let engine = engine.then(|| scope.spawn(|| beat_until(&over, &mut Sqlite::open(path).unwrap())));
        let times: Vec<Duration> = (0..5).flat_map(|_| round(path)).collect();
        over.store(true, Ordering::SeqCst);
        (times, engine.map(|engine| engine.join().unwrap()))
    });
    println!("  {name} {}", spread(times));
    if let Some(beats) = beats {
        println!("  {:24} {}", "  the engine's own", spread(beats));
    }
}

fn round(path: &Path) -> Vec<Duration> {
    let began = Instant::now();
    let start = |_| {
        let program = std::env::current_exe().unwrap();
        Command::new(program).arg("deliver").arg(path).stdin(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = (0..PROCESSES).map(start).collect();
    let wait = |mut child: Child| {
        std::thread::spawn(move || {
            assert!(child.wait().unwrap().success());
            began.elapsed()
        })
    };
    let waiting: Vec<_> = children.into_iter().map(wait).collect();
    waiting.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn beat_until(over: &AtomicBool, store: &mut dyn Store) -> Vec<Duration> {
    let mut times = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let began = Instant::now();
        store.beat("engine", Timestamp::now()).unwrap();
        times.push(began.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    times
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |part: usize| times.get((times.len() - 1) * part / 100).unwrap().as_secs_f64();
    format!("fastest {:.3} s, median {:.3} s, 95 % {:.3} s, slowest {:.3} s", at(0), at(50), at(95), at(100))
}

/// What a delivery does with the store.
fn deliver(store: &mut dyn Store, mail: &str) {
    let id = receive(store, mail).alert().id;
    let now = Timestamp::now();
    let until = now + SignedDuration::from_mins(1);
    // Without limits: what is measured is the store.
    let limits = thialfi::alert::limit::Limits::default();
    let throttle = thialfi::store::Throttle { limits: &limits, recipient: &|_| None, webhooks: false };
    let claimed = store.claim(now, mail, until, 1, Some(&[id]), &throttle).unwrap();
    assert_eq!(claimed.len(), 1);
    store
        .update(id, &mut |mut alert| {
            for notification in &mut alert.notifications {
                notification.delivery = Delivery::Accepted {
                    at: now,
                    provider: "twilio".into(),
                    provider_id: "CA0123456789abcdef".into(),
                    status: "queued".into(),
                };
            }
            change(alert, "The call was placed.")
        })
        .unwrap();
}

fn receive(store: &mut dyn Store, mail: &str) -> Receipt {
    let now = Timestamp::now();
    let arrival = Arrival {
        told: None,
        mail: Digest::of([mail, &now.to_string()]),
        digest: Digest::of(["dba", mail, &now.to_string()]),
        other_digests: Vec::new(),
        over: Vec::new(),
        sent_at: None,
        key: mail.into(),
        window: SignedDuration::from_hours(1),
        group: GroupId::new("dba"),
        rule: "redmine".into(),
        recipients: vec!["cust1-dba@sms.example.com".into()],
        subject: "tablespace USERS is full".into(),
        say: "Issue number 8 6 5 8 1 has just been escalated to Emergency by David.".repeat(4),
        text: "#86581 tablespace USERS is full".into(),
        policy: Policy {
            name: "page".into(),
            steps: vec![Step {
                notify: Target::OnCall,
                by: vec![Channel::Call],
                attempts: 3,
                wait: SignedDuration::from_mins(5),
                ..Step::default()
            }],
            repeat: 1,
            ..Policy::default()
        },
    };
    let mut random = || u128::from(getrandom::u64().unwrap()) << 64 | u128::from(getrandom::u64().unwrap());
    let mut opened = |mut alert: Alert, _, random: &mut dyn FnMut() -> u128| {
        alert.next_at = Some(now + SignedDuration::from_mins(5));
        alert.notifications.push(Notification {
            id: NotificationId { alert: alert.id, number: 1 },
            purpose: Purpose::Page,
            round: 0,
            step: 0,
            attempt: 0,
            contact: ContactId::new("david"),
            channel: Channel::Call,
            to: Address::Phone("+64211110001".parse().unwrap()),
            news: None,
            token: Token::from_bits(random()),
            created_at: now,
            delivery: Delivery::Due { at: now, unsure_since: None },
            perhaps_with: Vec::new(),
            tries: 0,
            sequence: -1,
            reached: false,
            told_by: None,
            held_since: None,
        });
        change(alert, "Opened by a mail.")
    };
    store.receive(&arrival, None, None, now, &mut random, &mut opened).unwrap()
}

fn change(alert: Alert, text: &str) -> Change {
    let line = Entry::new(Timestamp::now(), EntryKind::Status, text);
    Change { alert, commands: Vec::new(), history: vec![line] }
}
