//! tiny_http behind the gate: a Unix socket in a directory of our own, a few connections to it that are made when the
//! gate opens and kept, and the worker threads.
//!
//! Kept, because tiny_http aborts the process when it accepts a connection while no descriptor is left for its second
//! half, and its accepting thread ends for ever at the first error: after the start it accepts nothing more.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};
use std::{env, fs};

use super::stream::Stream;
use super::{GateOptions, Handler, MAX_BODY};
use crate::server::http::{Method, Request, Response};

/// In which header field tiny_http is told who connected.
const REMOTE: &str = "X-Gate-Remote";
/// The path of the request that each new connection is tried with. No request from outside has a path without `/`.
const TRIAL: &str = "trial";
/// How long the trial may take.
const TRIAL_TIME: Duration = Duration::from_secs(10);
/// The longest header of an answer, in bytes.
const MAX_ANSWER_HEAD: usize = 256 * 1024;

/// One connection to tiny_http.
#[derive(Debug)]
pub(super) struct Channel {
    stream: Arc<Stream>,
    /// The answer that is under way has no body.
    bodiless: bool,
    /// What has come of it.
    received: Vec<u8>,
}

/// Why the handler's answer is not there.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The handler is not done: the channel whose answer is out.
    Late(Channel),
    /// No worker became free.
    Busy,
    /// tiny_http gave no answer that can be read.
    Broken(io::Error),
}

pub(super) struct Inner {
    server: Arc<tiny_http::Server>,
    /// All channels, to end them.
    streams: Vec<Arc<Stream>>,
    free: Mutex<Vec<Channel>>,
    freed: Condvar,
    stopping: Arc<AtomicBool>,
    workers: Vec<thread::JoinHandle<()>>,
    directory: Directory,
}

impl Inner {
    pub(super) fn start(options: &GateOptions, handler: &Handler) -> io::Result<Self> {
        let directory = Directory::make(options.directory.as_deref())?;
        let path = directory.0.join("http");
        let server = Arc::new(tiny_http::Server::http_unix(&path).map_err(io::Error::other)?);
        let stopping = Arc::new(AtomicBool::new(false));
        let count = options.workers.max(1);
        let mut inner = Self {
            server,
            streams: Vec::with_capacity(count),
            free: Mutex::new(Vec::with_capacity(count)),
            freed: Condvar::new(),
            stopping,
            workers: Vec::with_capacity(count),
            directory,
        };
        for _ in 0..count {
            let (server, stopping, handler) =
                (Arc::clone(&inner.server), Arc::clone(&inner.stopping), Arc::clone(handler));
            let worker = Builder::new().name("http".to_owned()).spawn(move || work(&server, &stopping, &handler))?;
            inner.workers.push(worker);
        }
        // A channel that has answered once has been accepted, with all the descriptors and threads that it needs.
        for _ in 0..count {
            let stream = Arc::new(Stream::Unix(UnixStream::connect(&path)?));
            inner.streams.push(Arc::clone(&stream));
            let mut channel = Channel { stream, bodiless: false, received: Vec::new() };
            let request = format!("GET {TRIAL} HTTP/1.1\r\n\r\n");
            let deadline = Instant::now() + TRIAL_TIME;
            channel.stream.write_before(request.as_bytes(), deadline)?;
            channel.receive(deadline)?;
            inner.give_back(channel);
        }
        Ok(inner)
    }

    /// The handler's answer to this request, whole, ready to be sent to the client.
    pub(super) fn ask(&self, request: &Request, deadline: Instant) -> Result<Vec<u8>, Unanswered> {
        let Some(mut channel) = self.take(deadline) else { return Err(Unanswered::Busy) };
        channel.bodiless = request.method == Method::Head;
        channel.stream.write_before(&written(request), deadline).map_err(Unanswered::Broken)?;
        match channel.receive(deadline) {
            Ok(answer) => {
                self.give_back(channel);
                Ok(answer)
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Unanswered::Late(channel)),
            Err(error) => Err(Unanswered::Broken(error)),
        }
    }

    /// Waits, for as long as it takes, for an answer that nobody wants any more; only then can its channel be used
    /// again.
    pub(super) fn wait_for(&self, mut channel: Channel) {
        loop {
            match channel.receive(Instant::now() + Duration::from_mins(1)) {
                Ok(_) => return self.give_back(channel),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(_) => return,
            }
        }
    }

    fn take(&self, deadline: Instant) -> Option<Channel> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(channel) = free.pop() {
                return Some(channel);
            }
            let patience = deadline.saturating_duration_since(Instant::now());
            if patience.is_zero() || self.stopping.load(Ordering::SeqCst) {
                return None;
            }
            free = self.freed.wait_timeout(free, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give_back(&self, channel: Channel) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
        self.freed.notify_one();
    }

    /// Ends channels and workers. A worker whose handler has not come back by the deadline is left to itself.
    pub(super) fn stop(&self, deadline: Instant) {
        self.stopping.store(true, Ordering::SeqCst);
        self.freed.notify_all();
        for stream in &self.streams {
            stream.shut();
        }
        for _ in &self.workers {
            self.server.unblock();
        }
        // A worker ends within microseconds unless its handler hangs, and a thread can only be asked whether it has.
        while !self.workers.iter().all(thread::JoinHandle::is_finished) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        self.directory.remove();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.stopping.load(Ordering::SeqCst) {
            self.stop(Instant::now() + Duration::from_secs(1));
        }
    }
}

impl Channel {
    /// Reads the answer before the deadline. What has come when it passes is kept, for the next call.
    fn receive(&mut self, deadline: Instant) -> io::Result<Vec<u8>> {
        let mut buffer = [0; 8192];
        loop {
            if let Some((answer, length)) = rewritten(&self.received, self.bodiless)? {
                self.received.drain(..length);
                return Ok(answer);
            }
            match self.stream.read_before(&mut buffer, deadline)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.received.extend(buffer.iter().take(count)),
            }
        }
    }
}

/// The request as tiny_http reads it: made of what was understood, not of what was sent.
fn written(request: &Request) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method.name(), request.target());
    for (name, value) in &request.headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    if let Some(remote) = request.remote {
        text.extend([REMOTE, ": ", &remote.to_string(), "\r\n"]);
    }
    text.extend(["Content-Length: ", &request.body.len().to_string(), "\r\n\r\n"]);
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&request.body);
    bytes
}

/// tiny_http's answer at the start of `bytes` as the client gets it, and its length; `None` when it is not all there.
fn rewritten(bytes: &[u8], bodiless: bool) -> io::Result<Option<(Vec<u8>, usize)>> {
    let broken = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let head = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < MAX_ANSWER_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(broken("the header of the answer is too long")),
        Err(error) => return Err(broken(&error.to_string())),
    };
    let status = response.code.unwrap_or(500);
    let reason = response.reason.unwrap_or_default();
    let mut length = 0;
    let mut answer = format!("HTTP/1.1 {status} {reason}\r\n").into_bytes();
    for field in response.headers.iter() {
        if field.name.eq_ignore_ascii_case("content-length") {
            let digits = std::str::from_utf8(field.value).unwrap_or_default();
            length = digits.parse().map_err(|_| broken("the answer has no length"))?;
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(broken("the answer comes in chunks"));
        } else if field.name.eq_ignore_ascii_case("connection") || field.name.eq_ignore_ascii_case("server") {
            continue;
        }
        // RFC 9110, 8.6: no Content-Length with 204.
        if status != 204 || !field.name.eq_ignore_ascii_case("content-length") {
            answer.extend_from_slice(field.name.as_bytes());
            answer.extend_from_slice(b": ");
            answer.extend_from_slice(field.value);
            answer.extend_from_slice(b"\r\n");
        }
    }
    answer.extend_from_slice(b"Connection: close\r\n\r\n");
    let body = if bodiless { 0 } else { length };
    let Some(body) = bytes.get(head..head.saturating_add(body)) else { return Ok(None) };
    answer.extend_from_slice(body);
    Ok(Some((answer, head + body.len())))
}

fn work(server: &tiny_http::Server, stopping: &AtomicBool, handler: &Handler) {
    loop {
        match server.recv() {
            Ok(request) => answer(request, handler),
            Err(_) if stopping.load(Ordering::SeqCst) => return,
            // tiny_http's accepting thread has ended. It has nothing more to accept.
            Err(error) => tracing::debug!(%error, "tiny_http"),
        }
    }
}

fn answer(mut request: tiny_http::Request, handler: &Handler) {
    let response = if request.url() == TRIAL { Response::empty() } else { handler(understood(&mut request)) };
    if let Err(error) = request.respond(spoken(response)) {
        tracing::debug!(%error, "the answer could not be handed to the gate");
    }
}

fn understood(request: &mut tiny_http::Request) -> Request {
    let mut body = Vec::new();
    // The gate has sent as many bytes as it said; the bound only keeps that promise visible.
    let _ = request.as_reader().take(MAX_BODY as u64).read_to_end(&mut body);
    let mut remote = None;
    let mut headers = Vec::with_capacity(request.headers().len());
    for field in request.headers() {
        let (name, value) = (field.field.as_str().as_str(), field.value.as_str());
        if name == REMOTE {
            remote = value.parse().ok();
        } else if !name.eq_ignore_ascii_case("content-length") {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let method = Method::parse(request.method().as_str()).unwrap_or(Method::Get);
    Request { method, path: path.to_owned(), query: query.to_owned(), headers, body, remote }
}

fn spoken(response: Response) -> tiny_http::Response<io::Cursor<Vec<u8>>> {
    let status = if (200..600).contains(&response.status) { response.status } else { 500 };
    let body = if matches!(status, 204 | 304) { Vec::new() } else { response.body };
    let length = body.len();
    let content_type = (!response.content_type.is_empty()).then(|| ("Content-Type".to_owned(), response.content_type));
    let headers = response
        .headers
        .into_iter()
        .chain(content_type)
        .take(32)
        .filter(|(name, value)| {
            let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !name.is_empty()
                && name.bytes().all(token)
                && value.len() <= 4096
                && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        })
        .filter_map(|(name, value)| tiny_http::Header::from_bytes(name, value).ok())
        .collect();
    tiny_http::Response::new(tiny_http::StatusCode(status), headers, io::Cursor::new(body), Some(length), None)
        .with_chunked_threshold(usize::MAX)
}

/// A directory that only we can enter, gone when it is dropped.
#[derive(Debug)]
struct Directory(PathBuf);

impl Directory {
    fn make(parent: Option<&Path>) -> io::Result<Self> {
        let parent = parent.map_or_else(standard_directory, Path::to_owned);
        loop {
            // Any name that is not taken will do: the directory is made by us or not at all.
            let path = parent.join(format!("thialfi-{:016x}", RandomState::new().hash_one(std::process::id())));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))),
            }
        }
    }

    fn remove(&self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.remove();
    }
}

/// systemd names several directories with colons between them.
fn standard_directory() -> PathBuf {
    let named = env::var_os("RUNTIME_DIRECTORY")
        .and_then(|list| env::split_paths(&list).next())
        .filter(|path| path.is_absolute() && path.is_dir());
    named.unwrap_or_else(env::temp_dir)
}
