//! A small HTTP server for loopback, ours because the sandbox must be able to do what no server library lets it: to
//! close a connection without an answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::form;

const HEADER_LIMIT: usize = 16 * 1024;
const BODY_LIMIT: usize = 256 * 1024;
const CONNECTION_LIMIT: usize = 128;
const PATIENCE: Duration = Duration::from_secs(5);

/// A request that has arrived completely.
#[derive(Debug)]
pub(super) struct Request {
    pub method: String,
    /// Without the query, not decoded.
    pub path: String,
    pub query: String,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    /// The header called `name` (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as a form.
    pub fn form(&self) -> Vec<(String, String)> {
        form::pairs(&self.body)
    }
}

/// What is answered, and what happens once it is.
pub(super) struct Answer {
    /// `None`: the connection is closed without a word.
    reply: Option<Reply>,
    after: Option<Box<dyn FnOnce() + Send>>,
}

struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub fn html(status: u16, body: String) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    #[cfg(test)]
    pub fn xml(status: u16, body: String) -> Self {
        Self::new(status, "text/xml", body)
    }

    pub fn plain(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{body}\n"))
    }

    pub fn dropped() -> Self {
        Self { reply: None, after: None }
    }

    fn new(status: u16, media_type: &str, body: String) -> Self {
        let headers = vec![("Content-Type", media_type.to_owned())];
        Self { reply: Some(Reply { status, headers, body }), after: None }
    }

    pub fn with(mut self, name: &'static str, value: String) -> Self {
        if let Some(reply) = &mut self.reply {
            reply.headers.push((name, value));
        }
        self
    }

    /// With something that happens when the answer has been sent, or the connection been closed.
    pub fn then(mut self, after: impl FnOnce() + Send + 'static) -> Self {
        self.after = Some(Box::new(after));
        self
    }

    /// Another answer, and what happens after this one.
    pub fn instead(self, other: Self) -> Self {
        Self { reply: other.reply, after: self.after }
    }

    /// Lets happen now what would happen after it.
    pub fn run(self) {
        if let Some(after) = self.after {
            after();
        }
    }
}

/// A listener with its threads.
pub(super) struct Server {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `address`, which must be on loopback, and answers with `respond`, a thread for each connection.
    pub fn start(address: &str, respond: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        let address: SocketAddr = address.parse().map_err(|_| {
            io::Error::other(format!("`{address}` is not an address and a port, as in `127.0.0.1:8086`"))
        })?;
        if !address.ip().is_loopback() {
            let reason = format!("the sandbox listens on loopback only, and `{address}` is not");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        }
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let accepting = {
            let stopping = Arc::clone(&stopping);
            std::thread::Builder::new()
                .name("sandbox".into())
                .spawn(move || accept(&listener, &Arc::new(respond), &stopping))?
        };
        Ok(Self { address, stopping, accepting: Some(accepting) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect_timeout(&self.address, PATIENCE));
        if let Some(thread) = self.accepting.take() {
            drop(thread.join());
        }
    }
}

fn accept<F>(listener: &TcpListener, respond: &Arc<F>, stopping: &AtomicBool)
where
    F: Fn(&Request) -> Answer + Send + Sync + 'static,
{
    let open = Arc::new(AtomicUsize::new(0));
    let mut connections: Vec<JoinHandle<()>> = Vec::new();
    while !stopping.load(Ordering::SeqCst) {
        let Ok((stream, _)) = listener.accept() else {
            // Out of descriptors, most likely: not a reason to spin.
            std::thread::sleep(Duration::from_millis(20));
            continue;
        };
        connections.retain(|thread| !thread.is_finished());
        if stopping.load(Ordering::SeqCst) || open.load(Ordering::SeqCst) >= CONNECTION_LIMIT {
            continue;
        }
        open.fetch_add(1, Ordering::SeqCst);
        let (respond, counted) = (Arc::clone(respond), Arc::clone(&open));
        let thread = std::thread::Builder::new().name("sandbox request".into()).spawn(move || {
            // A client that goes away in the middle is its own affair.
            drop(serve(stream, respond.as_ref()));
            counted.fetch_sub(1, Ordering::SeqCst);
        });
        match thread {
            Ok(thread) => connections.push(thread),
            Err(_) => drop(open.fetch_sub(1, Ordering::SeqCst)),
        }
    }
    for thread in connections {
        drop(thread.join());
    }
}

fn serve(mut stream: TcpStream, respond: &impl Fn(&Request) -> Answer) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut answer = match receive(&mut stream) {
        Ok(request) => respond(&request),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Answer::plain(400, &error.to_string()),
        Err(error) => return Err(error),
    };
    let sent = answer.reply.take().map_or(Ok(()), |reply| reply.send(&mut stream));
    drop(stream);
    answer.run();
    sent
}

impl Reply {
    fn send(&self, stream: &mut TcpStream) -> io::Result<()> {
        let (status, length) = (self.status, self.body.len());
        let mut head =
            format!("HTTP/1.1 {status} {}\r\nConnection: close\r\nContent-Length: {length}\r\n", word(status));
        for (name, value) in &self.headers {
            head.extend([name, ": "]);
            head.extend(value.chars().filter(|c| !c.is_control()));
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        stream.write_all(&[head.as_bytes(), self.body.as_bytes()].concat())
    }
}

fn receive(stream: &mut TcpStream) -> io::Result<Request> {
    let invalid = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
    let mut bytes = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let parsed = head.parse(&bytes).map_err(|error| invalid(&error.to_string()))?;
        if let httparse::Status::Complete(length) = parsed {
            let headers: Vec<(String, String)> = head
                .headers
                .iter()
                .map(|h| (h.name.to_ascii_lowercase(), String::from_utf8_lossy(h.value).into_owned()))
                .collect();
            let target = head.path.unwrap_or_default();
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let mut request = Request {
                method: head.method.unwrap_or_default().to_owned(),
                path: path.to_owned(),
                query: query.to_owned(),
                headers,
                body: String::new(),
            };
            let wanted: usize = match request.header("content-length") {
                None if request.header("transfer-encoding").is_some() => return Err(invalid("no Content-Length")),
                None => 0,
                Some(text) => text.trim().parse().map_err(|_| invalid("bad Content-Length"))?,
            };
            if wanted > BODY_LIMIT {
                return Err(invalid("the body is too long"));
            }
            let mut body = bytes.split_off(length);
            while body.len() < wanted {
                body.extend(read(stream, &mut chunk)?);
            }
            body.truncate(wanted);
            request.body = String::from_utf8_lossy(&body).into_owned();
            return Ok(request);
        }
        if bytes.len() > HEADER_LIMIT {
            return Err(invalid("the header is too long"));
        }
        bytes.extend(read(stream, &mut chunk)?);
    }
}

fn read<'a>(stream: &mut TcpStream, chunk: &'a mut [u8]) -> io::Result<&'a [u8]> {
    match stream.read(chunk)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        n => Ok(chunk.get(..n).unwrap_or_default()),
    }
}

fn word(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        _ => "Answer",
    }
}
