//! How the engine and the store bear with what has piled up. `cargo bench --bench engine` takes some minutes;
//! `cargo bench --bench engine -- quick` is a tenth of it, `-- open`, `-- crowd` and `-- year` are its parts.
//!
//! - Open alerts: a turn with nothing due, a thousand due each second, and somebody who acknowledges meanwhile, among
//!   1,000 and among 100,000 open alerts.
//! - A crowd: so many alerts for one person, told in one call, and taken with one key.
//! - A year of 1,000 mails a day: how large the store is, how long the last mails take, and what pruning costs.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_wrap, clippy::cast_precision_loss)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use thialfi::alert::{Actor, Alert, AlertId, Digest, Event, Notification, Policy, Step, Through};
use thialfi::clock::{Clock, ManualClock};
use thialfi::config::Config;
use thialfi::engine::providers::Providers;
use thialfi::engine::{Desk, Engine};
use thialfi::notify::twiml::Templates;
use thialfi::oncall::{ContactId, GroupId};
use thialfi::provider::exchange::{Answer, Failure, Way};
use thialfi::provider::twilio::{Account, Twilio};
use thialfi::store::{Arrival, Filter, Retention as _, Sqlite, Store};

const SID: &str = "AC00000000000000000000000000000000";
const GROUPS: usize = 100;
/// So many become due in a second.
const RATE: usize = 1000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_asked = |word: &str| arguments.iter().any(|argument| argument == word);
    let quick = is_asked("quick");
    let directory = tempfile::tempdir().unwrap();
    let all = !["open", "crowd", "year"].into_iter().any(is_asked);
    if all || is_asked("open") {
        for open in [1_000, if quick { 10_000 } else { 100_000 }] {
            open_alerts(&directory.path().join(format!("{open}.db")), open);
        }
    }
    if all || is_asked("crowd") {
        for alerts in [1_000, 10_000] {
            crowd(&directory.path().join(format!("crowd-{alerts}.db")), alerts);
        }
    }
    if all || is_asked("year") {
        year(&directory.path().join("year.db"), if quick { 36 } else { 365 });
    }
}

/// A provider that takes everything at once, and knows nothing more of it.
#[derive(Default)]
struct Willing(AtomicU64);

struct Line(Arc<Willing>);

impl Way for Line {
    fn send(&self, request: ureq::http::Request<Vec<u8>>, _: u64) -> Result<Answer, Failure> {
        let number = self.0.0.fetch_add(1, Ordering::Relaxed);
        let kind = if request.uri().path().contains("/Messages") { "SM" } else { "CA" };
        Ok(Answer::new(201, &format!(r#"{{"sid":"{kind}{number:032x}","status":"queued"}}"#)))
    }
}

/// A hundred groups of one each, no limits, and a policy that goes on for days.
fn rules(path: &Path) -> String {
    let mut text = format!(
        "[twilio]\naccount_sid = \"{SID}\"\nauth_token = \"x\"\nfrom = \"+6498123450\"\n\
         [server]\npublic_url = \"https://pager.example.com\"\n[store]\npath = \"{}\"\n[limits]\ncall = []\nsms = []\n\
         [policies.page]\nrepeat = 20\nsteps = [{{ notify = \"oncall\", by = \"sms\", wait = \"1h\" }}]\n[contacts]\n",
        path.display()
    );
    for number in 0..GROUPS {
        text += &format!("c{number} = {{ name = \"C{number}\", phone = \"+6421111{number:04}\" }}\n");
    }
    for number in 0..GROUPS {
        text += &format!("[groups.g{number}]\nmembers = [\"c{number}\"]\n");
    }
    text
}

struct Bench {
    desk: Arc<Desk>,
    clock: ManualClock,
    made: Arc<Willing>,
    policy: Policy,
}

fn bench(path: &Path) -> Bench {
    let file = path.with_extension("toml");
    std::fs::write(&file, rules(path)).unwrap();
    let config = Arc::new(Config::load(&file).unwrap());
    let policy = config.policies["page"].clone();
    let clock = ManualClock::new(Timestamp::now());
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let account = Account {
        name: "twilio".to_owned(),
        account_sid: SID.to_owned(),
        user: SID.to_owned(),
        password: "x".to_owned().into(),
        from: "+6498123450".parse().ok(),
        messaging_service: None,
        api_url: "https://api.twilio.example".to_owned(),
        machine_detection: false,
    };
    let made = Arc::new(Willing::default());
    let twilio = Twilio::over(&account, Arc::clone(&shared), Box::new(Line(Arc::clone(&made))));
    let templates = Arc::new(Templates::load(None).unwrap());
    let chance = Arc::new(|| {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).unwrap();
        u128::from_ne_bytes(bits)
    });
    let desk = Desk::with(config, shared, templates, Providers::new(vec![Box::new(twilio)]), chance);
    Bench { desk: Arc::new(desk), clock, made, policy }
}

fn arrival(policy: &Policy, key: &str, number: usize) -> Arrival {
    Arrival {
        mail: Digest::of([number.to_string().as_str()]),
        digest: Digest::of([key]),
        other_digests: Vec::new(),
        over: Vec::new(),
        sent_at: None,
        key: key.to_owned(),
        window: SignedDuration::from_hours(1),
        group: GroupId::new(format!("g{}", number % GROUPS)),
        rule: "down".to_owned(),
        recipients: vec!["ops@example.com".to_owned()],
        subject: format!("PROBLEM: {key} is DOWN"),
        say: format!("{key} is down."),
        text: format!("{key} is down"),
        policy: policy.clone(),
        told: None,
    }
}

fn open_alerts(path: &Path, open: usize) {
    let Bench { desk, clock, made, policy } = bench(path);
    let mut store = Sqlite::open(path).unwrap();
    println!("{open} open alerts");
    let mut engine = Engine::new(Arc::clone(&desk), Box::new(Sqlite::open(path).unwrap()), true);
    let first = desk.now();
    let (mut received, mut texted) = (Duration::ZERO, Duration::ZERO);
    // A second after the other, so that as many are due in each second of an hour later.
    for second in 0..open / RATE {
        received += timed(|| {
            for number in second * RATE..(second + 1) * RATE {
                let arrival = arrival(&policy, &format!("host {number}"), number);
                let _ = desk.receive_arrival(&mut store, &arrival, None).unwrap();
            }
        });
        texted += timed(|| turn_until(&mut engine, &made, (second + 1) * RATE));
        clock.advance(SignedDuration::from_secs(1));
    }
    rate("received", open, received);
    rate("texted for the first time", open, texted);

    // Nothing is due for a while; what has been texted is asked about, and the provider says nothing new.
    for _ in 0..100 {
        clock.advance(SignedDuration::from_millis(250));
        engine.turn().unwrap();
        engine.settle(Duration::from_secs(1));
    }
    let times = (0..200).map(|_| timed(|| engine.turn().unwrap())).collect();
    println!("  a turn with nothing due: {}", spread(times));

    // An hour after the first was opened, a thousand more are due each second.
    let then = first + SignedDuration::from_mins(60);
    clock.advance(then.duration_since(desk.now()));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let acknowledging = scope.spawn(|| acknowledge_until(&over, &desk, path, open));
        let (mut times, mut called) = (Vec::new(), open);
        for _ in 0..(open / RATE).min(10) {
            called += RATE;
            times.push(timed(|| turn_until(&mut engine, &made, called - 20)));
            clock.advance(SignedDuration::from_secs(1));
        }
        over.store(true, Ordering::SeqCst);
        println!("  a second's {RATE} due, all texted: {}", spread(times));
        println!("  an acknowledgement meanwhile: {}", spread(acknowledging.join().unwrap()));
    });
    let size = store.size().unwrap();
    println!("  the store: {:.1} MB", size.bytes as f64 / 1e6);
}

/// Somebody acknowledges ten a second, of those that were opened last.
fn acknowledge_until(over: &AtomicBool, desk: &Desk, path: &Path, open: usize) -> Vec<Duration> {
    let mut store = Sqlite::open(path).unwrap();
    let mut times = Vec::new();
    let mut id = i64::try_from(open).unwrap();
    while !over.load(Ordering::SeqCst) && id > 0 {
        let by = Actor { contact: None, name: "somebody".to_owned(), through: Through::Command };
        let event = Event::Acknowledge { by, within: None };
        times.push(timed(|| drop(desk.apply(&mut store, AlertId(id), &event).unwrap())));
        id -= 1;
        std::thread::sleep(Duration::from_millis(100));
    }
    times
}

fn turn_until(engine: &mut Engine, made: &Willing, calls: usize) {
    while made.0.load(Ordering::Relaxed) < calls as u64 {
        engine.turn().unwrap();
        engine.listen(Duration::from_millis(1));
    }
    engine.settle(Duration::from_secs(10));
}

/// One person, one call, and many alerts: what the webhooks of that call have to do.
fn crowd(path: &Path, alerts: usize) {
    let Bench { desk, clock, made, mut policy } = bench(path);
    policy.steps = vec![Step { wait: SignedDuration::from_mins(30), ..Step::default() }];
    let mut store = Sqlite::open(path).unwrap();
    println!("{alerts} alerts for one person, who is called");
    for number in 0..alerts {
        let mut arrival = arrival(&policy, &format!("host {number}"), number);
        arrival.group = GroupId::new("g0");
        let _ = desk.receive_arrival(&mut store, &arrival, None).unwrap();
    }
    let mut engine = Engine::new(Arc::clone(&desk), Box::new(Sqlite::open(path).unwrap()), true);
    let began = Instant::now();
    turn_until(&mut engine, &made, 1);
    let aboard = |store: &mut Sqlite| {
        let waiting = |alert: &Alert| alert.notifications.iter().any(Notification::is_unsent);
        !store.alerts(&Filter::default()).unwrap().iter().any(waiting)
    };
    while !aboard(&mut store) {
        engine.turn().unwrap();
        engine.settle(Duration::from_secs(1));
    }
    rate("told in one call", alerts, began.elapsed());
    assert_eq!(made.0.load(Ordering::Relaxed), 1, "one telephone, one call");

    clock.advance(SignedDuration::from_secs(10));
    let alert = store.alert(AlertId(1)).unwrap();
    let call = alert.notifications.iter().find_map(|one| one.told_by.or(Some(one.id))).unwrap();
    let mut told = None;
    let time = timed(|| told = Some(store.board(call, desk.now()).unwrap()));
    let told = told.unwrap();
    println!("  what it says is asked for: {} besides in {time:.1?}", told.besides.len());
    let by = Actor { contact: Some(ContactId::new("c0")), name: "C0".to_owned(), through: Through::Key };
    let event = Event::Acknowledge { by, within: Some(call) };
    let time = timed(|| {
        desk.apply_to_told(&mut store, told.teller, Some(told.last), &mut |_, _| Some(event.clone())).unwrap();
    });
    println!("  key 1 takes them all in {time:.1?}");
}

/// A thousand mails a day that rules want: each event is told three times and over after an hour.
fn year(path: &Path, days: usize) {
    let Bench { desk, clock, policy, .. } = bench(path);
    let mut store = Sqlite::open(path).unwrap();
    println!("{days} days of 1,000 mails");
    let (mut first, mut last) = (Vec::new(), Vec::new());
    let began = Instant::now();
    for day in 0..days {
        for event in 0..333 {
            let number = day * 1000 + event * 3;
            let mut id = AlertId(0);
            for mail in 0..3 {
                let mut arrival = arrival(&policy, &format!("host {event}"), number + mail);
                arrival.group = GroupId::new(format!("g{}", event % GROUPS));
                let time = timed(|| id = desk.receive_arrival(&mut store, &arrival, None).unwrap().alert().id);
                if day == 0 {
                    first.push(time);
                } else if day + 1 == days {
                    last.push(time);
                }
            }
            let by = Actor { contact: None, name: "David".to_owned(), through: Through::Key };
            desk.apply(&mut store, id, &Event::Acknowledge { by: by.clone(), within: None }).unwrap();
            desk.apply(&mut store, id, &Event::ResolveQuietly { by, why: "by a mail".to_owned() }).unwrap();
            clock.advance(SignedDuration::from_secs(86_400 / 333));
        }
    }
    rate("mails", days * 999, began.elapsed());
    println!("  a mail on the first day: {}", spread(first));
    println!("  a mail on the last day:  {}", spread(last));
    let size = store.size().unwrap();
    println!("  the store: {:.1} MB, {} alerts", size.bytes as f64 / 1e6, size.alerts);
    let listing = timed(|| {
        let since = Some(desk.now() - SignedDuration::from_hours(24));
        drop(store.alerts(&thialfi::store::Filter { since, ..Default::default() }).unwrap());
    });
    println!("  the alerts of a day, listed: {listing:.1?}");

    let before = desk.now() - SignedDuration::from_hours(24 * 30);
    let began = Instant::now();
    let mut times = Vec::new();
    let mut forgotten = 0;
    loop {
        let mut some = 0;
        times.push(timed(|| some = store.prune(before, 100).unwrap().alerts));
        forgotten += some;
        if some < 100 {
            break;
        }
    }
    println!(
        "  pruned to the last 30 days: {forgotten} alerts in {:.1} s, 100 at once: {}",
        began.elapsed().as_secs_f64(),
        spread(times)
    );
    let compacted = timed(|| store.compact().unwrap());
    println!("  compacted in {compacted:.1?} to {:.1} MB", store.size().unwrap().bytes as f64 / 1e6);
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn rate(what: &str, count: usize, took: Duration) {
    let seconds = took.as_secs_f64();
    println!("  {what}: {count} in {seconds:.1} s, {:.0} a second", count as f64 / seconds);
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |part: usize| times.get(times.len().saturating_sub(1) * part / 100).copied().unwrap_or_default();
    format!("median {:.1?}, 95 % {:.1?}, slowest {:.1?}", at(50), at(95), at(100))
}
