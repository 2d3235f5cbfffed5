//! Takes one request from a connection, under a deadline for its header and one for its body.

use std::io;
use std::time::Instant;

use super::connections::Connection;
use super::head::{self, Head, Refusal};
use super::{GateOptions, MAX_HEAD};
use crate::server::http::Request;

/// How patient to be, and what to let through.
pub(super) struct Bounds<'a> {
    pub(super) options: &'a GateOptions,
    pub(super) user_header: Option<&'a str>,
}

/// Why there is no request, and whether it was a program that asked.
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) is_for_programs: bool,
}

/// The request of this connection. `on_first_byte` is called when its first byte has come, and says whether to go on. What comes after the request is not
/// looked at: each connection is for one.
pub(super) fn request(
    connection: &Connection,
    bounds: &Bounds<'_>,
    on_first_byte: impl FnOnce() -> bool,
) -> Result<Request, Refused> {
    let asked_for = |path: Option<&str>| path.is_some_and(bounds.options.is_for_programs);
    let mut bytes = Vec::with_capacity(2048);
    let (head, length) = read_head(connection, bounds, &mut bytes, on_first_byte).map_err(|refusal| {
        let is_for_programs = asked_for(head::path(&bytes).as_deref());
        Refused { refusal, is_for_programs }
    })?;
    let body = read_body(connection, bounds, &head, bytes.split_off(length))
        .map_err(|refusal| Refused { refusal, is_for_programs: asked_for(Some(&head.path)) })?;
    Ok(Request {
        method: head.method,
        path: head.path,
        query: head.query,
        headers: head.headers,
        body,
        remote: connection.remote,
    })
}

/// The body, of which `body` has come with the header.
fn read_body(connection: &Connection, bounds: &Bounds<'_>, head: &Head, mut body: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    let deadline = Instant::now() + bounds.options.body_deadline;
    if head.expects_continue && body.len() < head.length {
        connection.stream.write_before(b"HTTP/1.1 100 Continue\r\n\r\n", deadline).map_err(|_| Refusal::Gone)?;
    }
    body.reserve(head.length.saturating_sub(body.len()));
    while body.len() < head.length {
        read_more(connection, &mut body, deadline)?;
    }
    body.truncate(head.length);
    Ok(body)
}

/// The header and its length; `bytes` becomes it, and what has come of the body with it.
fn read_head(
    connection: &Connection,
    bounds: &Bounds<'_>,
    bytes: &mut Vec<u8>,
    on_first_byte: impl FnOnce() -> bool,
) -> Result<(Head, usize), Refusal> {
    let deadline = connection.accepted + bounds.options.header_deadline;
    let mut on_first_byte = Some(on_first_byte);
    loop {
        let before = bytes.len();
        read_more(connection, bytes, deadline).map_err(|refusal| match refusal {
            // A browser's spare connection, or a scanner: nothing was asked, so nothing is answered.
            Refusal::TimedOut if bytes.is_empty() => Refusal::Gone,
            refusal => refusal,
        })?;
        if let Some(tell) = on_first_byte.take()
            && !tell()
        {
            return Err(Refusal::Gone);
        }
        // A header ends where a line ends. Looking only then keeps a byte at a time from costing a look at each.
        if bytes.iter().skip(before).any(|&byte| byte == b'\n')
            && let Some((head, length)) = head::parse(bytes.get(..MAX_HEAD).unwrap_or(bytes), bounds.user_header)
                .map_err(|refusal| with_methods(refusal, bytes, bounds.options.methods))?
        {
            return Ok((head, length));
        }
        if bytes.len() >= MAX_HEAD {
            return Err(Refusal::HeadTooLarge);
        }
    }
}

/// A refusal of a method names those that this address takes.
fn with_methods(refusal: Refusal, bytes: &[u8], methods: fn(&str) -> Option<&'static str>) -> Refusal {
    match refusal {
        Refusal::Method(all) => {
            let here = head::path(bytes).and_then(|path| methods(&path));
            Refusal::Method(here.unwrap_or(all))
        }
        refusal => refusal,
    }
}

fn read_more(connection: &Connection, bytes: &mut Vec<u8>, deadline: Instant) -> Result<(), Refusal> {
    let mut buffer = [0; 4096];
    match connection.stream.read_before(&mut buffer, deadline) {
        Ok(0) => Err(Refusal::Gone),
        Ok(count) => {
            bytes.extend(buffer.iter().take(count));
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Refusal::TimedOut),
        Err(_) => Err(Refusal::Gone),
    }
}

/// The request that `bytes` begin with, as far as its body is there; `None` when there is none, or it is refused. The
/// same reading as that of a connection, without one.
pub(super) fn whole(bytes: &[u8]) -> Option<Request> {
    let (head, length) = head::parse(bytes.get(..MAX_HEAD).unwrap_or(bytes), None).ok().flatten()?;
    Some(Request {
        method: head.method,
        path: head.path,
        query: head.query,
        headers: head.headers,
        body: bytes.iter().skip(length).take(head.length).copied().collect(),
        remote: None,
    })
}
