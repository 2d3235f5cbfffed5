//! Every attack that has ended or stopped a bare tiny_http, and a normal request during each.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

#[test]
fn oddities_are_refused_and_nothing_breaks() {
    let gate = open(options());
    for (request, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n", 400),
        ("\0\0\0\0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    ] {
        assert_eq!(status(&ask(&gate, request)), expected, "{request:?}");
    }
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(99));
    assert_eq!(status(&ask(&gate, &many)), 200);
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(MAX_HEAD));
    assert_eq!(status(&ask(&gate, &long)), 431);
    assert_normal(&gate);
}

#[test]
fn an_impossible_content_length_is_refused() {
    let gate = open(options());
    for length in ["9223372036854775807", "18446744073709551615", "99999999999999999999999"] {
        let answer = ask(&gate, format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
        assert_eq!(status(&answer), 413);
    }
    assert_normal(&gate);
}

#[test]
fn promised_bodies_that_never_come_hold_nobody_up() {
    let gate = open(GateOptions { body_deadline: Duration::from_millis(300), ..options() });
    let mut hostile: Vec<TcpStream> = (0..20).map(|_| connect(&gate)).collect();
    for stream in &mut hostile {
        let _ = stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nx");
    }
    assert_normal(&gate);
    let last = rest(hostile.pop().unwrap());
    assert_eq!(status(&last), 408);
}

#[test]
fn slow_headers_give_way_to_a_client_that_speaks() {
    let gate = open(GateOptions { max_connections: 64, ..options() });
    // As many as the system lets us: 2,000 where it can be.
    let mut hostile = Vec::new();
    for count in 0..2000 {
        if count % 64 == 0 {
            // Faster, and the kernel's queue of 128 is full, which makes the attacker wait for a second each time.
            std::thread::sleep(Duration::from_millis(10));
        }
        let Ok(mut stream) = TcpStream::connect(tcp(&gate)) else { break };
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: ");
        hostile.push(stream);
    }
    assert!(hostile.len() > 500, "{}", hostile.len());
    for _ in 0..20 {
        assert_normal(&gate);
    }
    let threads = gate.shared.threads.lock().unwrap().len();
    assert!(threads <= 64, "{threads}");
}

#[test]
fn a_byte_at_a_time_does_not_move_the_deadline() {
    let gate = open(GateOptions { header_deadline: Duration::from_millis(300), ..options() });
    let began = Instant::now();
    let mut slow = connect(&gate);
    let mut writer = slow.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        for byte in b"GET / HTTP/1.1\r\n".iter().chain(std::iter::repeat(&b'x')) {
            if writer.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(slow);
    dripping.join().unwrap();
}

#[test]
fn a_client_that_says_nothing_is_dropped_without_a_word() {
    let gate = open(GateOptions { header_deadline: Duration::from_millis(100), ..options() });
    assert_eq!(rest(connect(&gate)), "");
}

#[test]
fn a_pipelining_client_that_never_reads_gets_one_answer_and_costs_no_more() {
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    let handler = move |request: Request| {
        if request.path == "/big" {
            *counted.lock().unwrap() += 1;
            return Response::new(200, "text/plain", vec![b'x'; 32 << 20]);
        }
        echo(request)
    };
    let options = GateOptions { write_deadline: Duration::from_millis(300), max_connections: 4, ..options() };
    let gate = Gate::start(options, Arc::new(handler)).unwrap();
    let mut hostile: Vec<TcpStream> = (0..4).map(|_| connect(&gate)).collect();
    for stream in &mut hostile {
        stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
        let _ = stream.write_all("GET /big HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200).as_bytes());
    }
    // Each has its answer waiting, without having taken it.
    for stream in &hostile {
        assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    }
    assert_normal(&gate);
    // They are cut off in the middle of their answers, after which nothing of them is left.
    let taken: usize = hostile.into_iter().map(|stream| rest(stream).len()).sum();
    assert!(taken < 4 * (32 << 20), "{taken}");
    assert!(*asked.lock().unwrap() <= 4);
    assert_normal(&gate);
}

#[test]
fn a_handler_that_takes_too_long_costs_its_own_request_only() {
    let (release, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let handler = move |request: Request| {
        if request.path == "/slow" {
            let _ = wait.lock().unwrap().recv();
        }
        Response::text(200, &request.path)
    };
    let options = GateOptions { handler_deadline: Duration::from_millis(300), ..options() };
    let gate = Gate::start(options, Arc::new(handler)).unwrap();
    assert_eq!(status(&ask(&gate, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")), 503);
    assert_normal(&gate);
    release.send(()).unwrap();
    // Both workers and both channels are whole again: no answer is one request late.
    for path in ["/a", "/b", "/c", "/d", "/e", "/f"] {
        assert!(ask(&gate, format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).ends_with(&format!("\r\n\r\n{path}\n")));
    }
}

#[test]
fn when_all_are_being_answered_the_next_is_told_so() {
    let (entered, inside) = mpsc::channel();
    let (release, wait) = mpsc::channel::<()>();
    let (entered, wait) = (Mutex::new(entered), Mutex::new(wait));
    let handler = move |_: Request| {
        entered.lock().unwrap().send(()).unwrap();
        let _ = wait.lock().unwrap().recv();
        Response::text(200, "done")
    };
    let gate = Gate::start(GateOptions { max_connections: 2, ..options() }, Arc::new(handler)).unwrap();
    let mut waiting = [connect(&gate), connect(&gate)];
    for stream in &mut waiting {
        stream.write_all(NORMAL.as_bytes()).unwrap();
        inside.recv().unwrap();
    }
    let answer = rest(connect(&gate));
    assert_eq!(status(&answer), 503);
    drop(release);
    for stream in waiting {
        assert_eq!(status(&rest(stream)), 200);
    }
}

/// The child of the next test: it opens the gate, then takes every descriptor that is left, until it is told to let
/// them go.
#[test]
#[ignore = "run by `running_out_of_descriptors_is_survived`, in a process of its own"]
fn child_without_descriptors() {
    let held = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::clone(&held);
    let handler = move |request: Request| {
        let mut held = inside.lock().unwrap();
        match request.path.as_str() {
            "/take" => {
                while let Ok(file) = File::open("/dev/null") {
                    held.push(file);
                }
            }
            "/free" => held.clear(),
            _ => {}
        }
        Response::text(200, &held.len().to_string())
    };
    let gate = Gate::start(options(), Arc::new(handler)).unwrap();
    println!("\nlistening {}", gate.address());
    // Until the parent closes its end.
    let _ = std::io::stdin().read(&mut [0]);
    gate.stop();
    println!("\nstopped");
}

/// Processor time that the process has used, in clock ticks (a hundredth of a second).
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn running_out_of_descriptors_is_survived() {
    if !Path::new("/proc/self/stat").exists() {
        return println!("skipped: no /proc");
    }
    let name = "server::gate::tests::attacks::child_without_descriptors";
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args([name, "--exact", "--ignored", "--nocapture", "--test-threads", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.find_map(|line| line.strip_prefix("listening ").map(str::to_owned)).unwrap();
    let address = Address::Tcp(address.parse().unwrap());
    let get = |path: &str| address.get(path, Duration::from_secs(10)).unwrap();
    assert_eq!(get("/take"), 200);
    // One after the other they are served with the descriptors that the gate keeps.
    for _ in 0..10 {
        assert_eq!(get("/x"), 200);
    }
    // More at once than there are descriptors: they say nothing, and give way.
    let Address::Tcp(tcp) = &address else { unreachable!() };
    let hostile: Vec<TcpStream> = (0..30).map(|_| TcpStream::connect(tcp).unwrap()).collect();
    let before = ticks(child.id());
    assert_eq!(get("/x"), 200);
    std::thread::sleep(Duration::from_millis(500));
    assert!(ticks(child.id()) - before < 20, "it spins");
    drop(hostile);
    assert_eq!(get("/free"), 200);
    assert_eq!(get("/x"), 200);
    drop(child.stdin.take());
    assert!(lines.any(|line| line == "stopped"));
    assert!(child.wait().unwrap().success());
}
