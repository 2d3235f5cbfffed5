//! Too many at once: connections that say their request a byte at a time.

use std::io::{ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thialfi::server::signature::sign;

use super::{get, served, signed_in};
use crate::support::{TOKEN, Test};

const SLOW: usize = 2000;
/// What is promised.
const BOUND: Duration = Duration::from_millis(100);
/// Where other tests have the cores, a round of requests may say nothing of us: so many are tried.
const ROUNDS: usize = 5;

/// Whoever sends a byte of a header every second, on so many connections, and comes again when sent away.
struct Crowd {
    over: Arc<AtomicBool>,
    open: Arc<AtomicUsize>,
    thread: Option<std::thread::JoinHandle<usize>>,
}

impl Crowd {
    fn gather(address: SocketAddr) -> Self {
        let (over, open) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (is_over, count) = (Arc::clone(&over), Arc::clone(&open));
        let thread = std::thread::spawn(move || crowd(address, &is_over, &count));
        Self { over, open, thread: Some(thread) }
    }

    /// How many times they came, in all.
    fn leave(mut self) -> usize {
        self.over.store(true, Ordering::SeqCst);
        self.thread.take().map(|thread| thread.join().unwrap()).unwrap_or_default()
    }
}

/// Each in turn, so that each has its turn once a second.
fn crowd(address: SocketAddr, over: &AtomicBool, open: &AtomicUsize) -> usize {
    let header =
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let mut connections: Vec<Option<(TcpStream, usize)>> = (0..SLOW).map(|_| None).collect();
    let mut came = 0;
    while !over.load(Ordering::SeqCst) {
        let began = Instant::now();
        for (place, connection) in connections.iter_mut().enumerate() {
            let alive = match connection {
                Some((stream, sent)) => {
                    let byte = [header[*sent % header.len()]];
                    *sent += 1;
                    match stream.write_all(&byte) {
                        Ok(()) => true,
                        Err(error) => error.kind() == ErrorKind::WouldBlock,
                    }
                }
                None => false,
            };
            if !alive {
                *connection = TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok().map(|stream| {
                    let _ = stream.set_nonblocking(true);
                    came += 1;
                    (stream, 0)
                });
            }
            let due = Duration::from_secs(1) * u32::try_from(place).unwrap() / u32::try_from(SLOW).unwrap();
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            if over.load(Ordering::SeqCst) {
                break;
            }
        }
        open.store(connections.iter().flatten().count(), Ordering::SeqCst);
    }
    came
}

/// How long the signed request for what a call says takes; nothing where it is not answered.
fn webhook(test: &Test, token: &str) -> Option<Duration> {
    let path = format!("/twiml/{token}");
    let form = [("CallSid".to_owned(), "CA1".to_owned())];
    let signature = sign(TOKEN, &format!("{}{path}", test.url()), &form);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Twilio-Signature: {signature}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\nConnection: close\r\n\r\nCallSid=CA1"
    );
    let began = Instant::now();
    let (status, answer) = test.exchange(&request);
    (status == 200 && answer.contains("<Response>")).then(|| began.elapsed())
}

#[test]
fn two_thousand_slow_connections_keep_nobody_else_waiting() {
    // As many descriptors as the system lets us have.
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    if limit.maximum.is_some_and(|most| most < SLOW as u64 + 500) {
        eprintln!("not enough file descriptors for {SLOW} connections: skipped");
        return;
    }
    let test = served();
    test.wait_until(|test| test.calls().first().is_some_and(|call| !call.heard.is_empty()), "no call");
    let url = test.calls()[0].parameter("Url").unwrap().to_owned();
    let token = url.rsplit('/').next().unwrap().to_owned();
    let (cookie, _) = signed_in(&test, "david");
    let crowd = Crowd::gather(test.listens_at().parse().unwrap());
    crate::support::wait(|| crowd.open.load(Ordering::SeqCst) >= SLOW * 9 / 10, "the crowd does not gather");

    // Over some seconds, so that those who were sent away come again meanwhile.
    let mut times: Vec<Duration> = Vec::new();
    let mut lost = 0;
    for _ in 0..ROUNDS {
        times.clear();
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(200));
            match webhook(&test, &token) {
                Some(took) => times.push(took),
                None => lost += 1,
            }
        }
        times.sort();
        if times.get(times.len() * 9 / 10).is_some_and(|slow| *slow < BOUND) {
            break;
        }
    }
    let page = (0..3).map(|_| get(&test, "/", &cookie)).find(|page| page.status != 0).expect("no page is served");
    let gathered = crowd.open.load(Ordering::SeqCst);
    let came = crowd.leave();
    // Two thousand a second who come anew push the oldest of 256 out after an eighth of a second; what has been read by then is
    // answered.
    assert_eq!(lost, 0, "were not answered");
    assert!(times[times.len() * 9 / 10] < BOUND, "{times:?}");
    assert!(page.status == 200 && page.body.contains("db1"), "{page:?}");
    eprintln!(
        "with {gathered} slow connections ({came} made): median {:?}, slowest {:?}, {lost} lost",
        times[times.len() / 2],
        times.last()
    );
    assert_eq!(test.get("/healthz"), 200);
}
