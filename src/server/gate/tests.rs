//! What the gate does for those who mean well; `attacks` has the others.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc;

mod attacks;

use super::*;
use crate::server::http::Method;

const NORMAL: &str = "GET /twiml/x?y=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn options() -> GateOptions {
    GateOptions {
        max_connections: 8,
        workers: 2,
        header_deadline: Duration::from_mins(1),
        body_deadline: Duration::from_mins(1),
        handler_deadline: Duration::from_mins(1),
        write_deadline: Duration::from_mins(1),
        ..GateOptions::new("127.0.0.1:0")
    }
}

/// Says what it was asked.
fn echo(request: Request) -> Response {
    let Request { method, path, query, headers, body, remote } = request;
    let text = format!("{} {path} {query} {headers:?} {remote:?} {}", method.name(), String::from_utf8_lossy(&body));
    Response::text(200, &text).with_header("X-Route", "echo")
}

fn open(options: GateOptions) -> Gate {
    Gate::start(options, Arc::new(echo)).unwrap()
}

fn tcp(gate: &Gate) -> SocketAddr {
    match gate.address() {
        Address::Tcp(address) => *address,
        Address::Unix(path) => panic!("{path:?}"),
    }
}

fn connect(gate: &Gate) -> TcpStream {
    let stream = TcpStream::connect(tcp(gate)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// All that comes back, up to the end or the reset.
fn rest(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(bytes).unwrap()
}

fn ask(gate: &Gate, request: impl AsRef<[u8]>) -> String {
    let mut stream = connect(gate);
    stream.write_all(request.as_ref()).unwrap();
    rest(stream)
}

fn status(answer: &str) -> u16 {
    answer.get(9..12).unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap()
}

#[track_caller]
fn assert_normal(gate: &Gate) {
    let answer = ask(gate, NORMAL);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
}

#[test]
fn a_request_comes_through_and_its_answer_back() {
    let gate = open(options());
    let answer = ask(
        &gate,
        "POST /twilio/sms?a=b HTTP/1.1\r\nHost: pager\r\nX-Twilio-Signature: abc=\r\nX-Gate-Remote: 6.6.6.6\r\n\
         Content-Length: 7\r\n\r\nBody=7KGET / HTTP/1.1\r\n\r\n",
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        body,
        "POST /twilio/sms a=b [(\"Host\", \"pager\"), (\"X-Twilio-Signature\", \"abc=\")] Some(127.0.0.1) Body=7K\n"
    );
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for field in ["X-Route: echo", "Connection: close", "Content-Type: text/plain; charset=utf-8"] {
        assert!(head.lines().any(|line| line == field), "{head}");
    }
    assert!(head.lines().any(|line| line == format!("Content-Length: {}", body.len())), "{head}");
    assert!(!head.contains("tiny"), "{head}");
}

#[test]
fn the_largest_body_comes_through_in_pieces() {
    let gate =
        Gate::start(options(), Arc::new(|request: Request| Response::text(200, &request.body.len().to_string())));
    let gate = gate.unwrap();
    let mut stream = connect(&gate);
    write!(stream, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MAX_BODY}\r\n\r\n").unwrap();
    for piece in vec![b'x'; MAX_BODY].chunks(5000) {
        stream.write_all(piece).unwrap();
        stream.flush().unwrap();
    }
    assert!(rest(stream).ends_with("\r\n\r\n65536\n"));
}

#[test]
fn head_has_no_body_and_no_content_has_no_length() {
    let handler =
        |request: Request| if request.path == "/none" { Response::empty() } else { Response::text(200, "ok") };
    let gate = Gate::start(options(), Arc::new(handler)).unwrap();
    // More often than there are workers: nothing of an answer stays behind for the next.
    for _ in 0..4 {
        let answer = ask(&gate, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(answer.contains("Content-Length: 3\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
        let answer = ask(&gate, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 204 No Content\r\n") && !answer.contains("Content-Length"), "{answer}");
        assert!(ask(&gate, "GET / HTTP/1.0\r\n\r\n").ends_with("\r\n\r\nok\n"));
    }
}

#[test]
fn an_answer_cannot_be_split_by_what_a_route_puts_into_it() {
    let handler = |_: Request| {
        Response::text(999, "x")
            .with_header("Location", "/\r\nSet-Cookie: a=b")
            .with_header("A b", "c")
            .with_header("D", "é")
    };
    let gate = Gate::start(options(), Arc::new(handler)).unwrap();
    let answer = ask(&gate, NORMAL);
    assert_eq!(status(&answer), 500);
    assert!(!answer.contains("Set-Cookie") && !answer.contains("A b") && !answer.contains("D:"), "{answer}");
}

#[test]
fn a_client_that_waits_to_be_told_is_told() {
    let gate = open(options());
    let mut stream = connect(&gate);
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n").unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").unwrap();
    assert!(rest(stream).ends_with(" hello\n"));
    let refused = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n";
    assert_eq!(status(&ask(&gate, refused)), 413);
}

#[test]
fn many_clients_at_once_are_all_answered() {
    let gate = open(GateOptions { max_connections: 64, workers: 4, ..options() });
    std::thread::scope(|scope| {
        for client in 0..8 {
            let gate = &gate;
            scope.spawn(move || {
                for count in 0..50 {
                    let answer = ask(gate, format!("GET /{client}/{count} HTTP/1.1\r\nHost: a\r\n\r\n"));
                    assert!(answer.contains(&format!("\r\n\r\nGET /{client}/{count} ")), "{answer}");
                }
            });
        }
    });
}

#[test]
fn stopping_lets_the_request_under_way_end_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let (entered, inside) = mpsc::channel();
    let (release, wait) = mpsc::channel::<()>();
    let (entered, wait) = (Mutex::new(entered), Mutex::new(wait));
    let handler = move |_: Request| {
        entered.lock().unwrap().send(()).unwrap();
        let _ = wait.lock().unwrap().recv();
        Response::text(200, "done")
    };
    let options = GateOptions { directory: Some(directory.path().to_owned()), ..options() };
    let gate = Gate::start(options, Arc::new(handler)).unwrap();
    let inner: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(inner.len(), 1);
    assert_eq!(inner[0].metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let address = tcp(&gate);
    let silent = connect(&gate);
    let mut under_way = connect(&gate);
    under_way.write_all(NORMAL.as_bytes()).unwrap();
    inside.recv().unwrap();
    let stopping = std::thread::spawn(move || gate.stop());
    assert_eq!(rest(silent), "");
    assert!(TcpStream::connect(address).is_err() || rest(TcpStream::connect(address).unwrap()).is_empty());
    drop(release);
    assert_eq!(status(&rest(under_way)), 200);
    stopping.join().unwrap();
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_handler_that_hangs_does_not_keep_the_gate_from_stopping() {
    let (entered, inside) = mpsc::channel();
    let (_never, wait) = mpsc::channel::<()>();
    let (entered, wait) = (Mutex::new(entered), Mutex::new(wait));
    let handler = move |_: Request| {
        entered.lock().unwrap().send(()).unwrap();
        let _ = wait.lock().unwrap().recv();
        Response::empty()
    };
    let options = GateOptions { stop_deadline: Duration::from_millis(200), ..options() };
    let gate = Gate::start(options, Arc::new(handler)).unwrap();
    let mut stream = connect(&gate);
    stream.write_all(NORMAL.as_bytes()).unwrap();
    inside.recv().unwrap();
    let began = Instant::now();
    gate.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn a_unix_socket_serves_and_goes_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("http.sock");
    let listen = format!("unix:{}", path.display());
    // One that a killed process has left behind.
    drop(UnixListener::bind(&path).unwrap());
    let gate = open(GateOptions { listen: listen.clone(), ..options() });
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(NORMAL.as_bytes()).unwrap();
    let answer = rest(stream);
    assert!(answer.contains(" None \n"), "{answer}");
    assert_eq!(gate.address().get("/x", Duration::from_secs(5)).unwrap(), 200);
    let error = Gate::start(GateOptions { listen: listen.clone(), ..options() }, Arc::new(echo)).unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot listen on `{listen}`: ")), "{error}");
    drop(gate);
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let listen = format!("unix:{}", file.path().display());
    assert!(Gate::start(GateOptions { listen, ..options() }, Arc::new(echo)).is_err());
    assert!(file.path().exists());
}

#[test]
fn the_watchdog_asks_through_the_gate() {
    let gate = Gate::start(
        GateOptions { listen: "0.0.0.0:0".into(), ..options() },
        Arc::new(|request: Request| {
            assert_eq!(request.method, Method::Get);
            Response::text(if request.path == "/healthz" { 200 } else { 404 }, "")
        }),
    )
    .unwrap();
    let address = gate.address().clone();
    assert_eq!(address.get("/healthz", Duration::from_secs(5)).unwrap(), 200);
    assert_eq!(address.get("/x", Duration::from_secs(5)).unwrap(), 404);
    gate.stop();
    assert!(address.get("/healthz", Duration::from_secs(5)).is_err());
}

#[test]
fn the_field_of_the_proxy_reaches_routes_from_when_it_is_named() {
    let gate = open(options());
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nRemote-User: david\r\n\r\n";
    let asked = |gate: &Gate| {
        let mut stream = connect(gate);
        stream.write_all(request.as_bytes()).unwrap();
        rest(stream)
    };
    assert!(!asked(&gate).contains("david"));
    gate.let_through(Some("remote-user"));
    assert!(asked(&gate).contains(r#"("Remote-User", "david")"#));
    gate.let_through(None);
    assert!(!asked(&gate).contains("david"));
    let named = open(GateOptions { user_header: Some("remote-user".into()), ..options() });
    assert!(asked(&named).contains(r#"("Remote-User", "david")"#));
}
