//! TCP and Unix sockets alike, with deadlines for the whole of what is read or written rather than for each call: a byte
//! every few seconds keeps no connection alive.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Address;

/// How long and for how many bytes we listen to a client after our answer, so that closing does not take it away again:
/// a socket closed with unread input sends a reset, which overtakes the answer.
const PARTING_TIME: Duration = Duration::from_millis(500);
const PARTING_BYTES: usize = 256 * 1024;

/// A connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Reads what there is, waiting until the deadline for something.
    pub(super) fn read_before(&self, buffer: &mut [u8], deadline: Instant) -> io::Result<usize> {
        loop {
            let patience = remaining(deadline)?;
            let result = match self {
                Self::Tcp(stream) => stream.set_read_timeout(Some(patience)).and_then(|()| (&*stream).read(buffer)),
                Self::Unix(stream) => stream.set_read_timeout(Some(patience)).and_then(|()| (&*stream).read(buffer)),
            };
            match result {
                Err(error) if again(&error) => {}
                result => return result,
            }
        }
    }

    /// Writes all of it before the deadline.
    pub(super) fn write_before(&self, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            let patience = remaining(deadline)?;
            let result = match self {
                Self::Tcp(stream) => stream.set_write_timeout(Some(patience)).and_then(|()| (&*stream).write(bytes)),
                Self::Unix(stream) => stream.set_write_timeout(Some(patience)).and_then(|()| (&*stream).write(bytes)),
            };
            match result {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if again(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes what the socket takes without waiting, and no more.
    pub(super) fn say_at_once(&self, bytes: &[u8]) {
        let mut input = [0; 4096];
        let _ = match self {
            Self::Tcp(stream) => stream
                .set_nonblocking(true)
                .and_then(|()| (&*stream).write(bytes))
                .and_then(|_| stream.shutdown(Shutdown::Write))
                .and_then(|()| (&*stream).read(&mut input)),
            Self::Unix(stream) => stream
                .set_nonblocking(true)
                .and_then(|()| (&*stream).write(bytes))
                .and_then(|_| stream.shutdown(Shutdown::Write))
                .and_then(|()| (&*stream).read(&mut input)),
        };
    }

    /// Ends our side, and listens for a moment until the client has ended its own.
    pub(super) fn part(&self) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
        let deadline = Instant::now() + PARTING_TIME;
        let mut buffer = [0; 4096];
        let mut left = PARTING_BYTES;
        while let Ok(count) = self.read_before(&mut buffer, deadline) {
            left = left.saturating_sub(count);
            if count == 0 || left == 0 {
                return;
            }
        }
    }

    /// Ends it, and wakes whoever reads, writes or accepts on it.
    pub(super) fn shut(&self) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    /// Who is at the other end; nobody known on a Unix socket.
    pub(super) fn remote(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok().map(|address| address.ip().to_canonical()),
            Self::Unix(_) => None,
        }
    }
}

/// A time-out of 0 would mean for ever.
fn remaining(deadline: Instant) -> io::Result<Duration> {
    let patience = deadline.saturating_duration_since(Instant::now());
    if patience.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(patience.max(Duration::from_millis(1))) }
}

/// The deadline tells when it is over: the system's `WouldBlock` may come a tick early.
fn again(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Where connections come in. A Unix socket is taken away when this is dropped.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// `unix:PATH`, or host and port.
    pub(super) fn bind(listen: &str) -> io::Result<Self> {
        match listen.strip_prefix("unix:") {
            None => TcpListener::bind(listen).map(Self::Tcp),
            Some(path) => {
                let path = PathBuf::from(path);
                remove_abandoned(&path)?;
                UnixListener::bind(&path).map(|listener| Self::Unix(listener, path))
            }
        }
    }

    pub(super) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(Address::Tcp),
            Self::Unix(_, path) => Ok(Address::Unix(path.clone())),
        }
    }

    pub(super) fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => listener.accept().map(|(stream, _)| {
                // Answers are written in one piece; nothing is gained by waiting for more.
                let _ = stream.set_nodelay(true);
                Stream::Tcp(stream)
            }),
            Self::Unix(listener, _) => listener.accept().map(|(stream, _)| Stream::Unix(stream)),
        }
    }

    /// The same socket under the type that can be shut down, which is how `accept` is woken.
    pub(super) fn waker(&self) -> io::Result<Stream> {
        Ok(match self {
            Self::Tcp(listener) => Stream::Tcp(TcpStream::from(OwnedFd::from(listener.try_clone()?))),
            Self::Unix(listener, _) => Stream::Unix(UnixStream::from(OwnedFd::from(listener.try_clone()?))),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes a socket at which nobody listens any more, and nothing else.
fn remove_abandoned(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if is_socket && UnixStream::connect(path).is_err_and(refused) { fs::remove_file(path) } else { Ok(()) }
}
