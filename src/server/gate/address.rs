//! Where the gate listens, as others can reach it; and a small client for the watchdog, which asks through the gate
//! what anybody could ask.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::stream::Stream;

/// The address of an open gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Host and port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Address {
    /// A connection to it; loopback where it listens everywhere.
    pub(super) fn connect(&self, patience: Duration) -> io::Result<Stream> {
        match self {
            Self::Tcp(address) => {
                let ip = match address.ip() {
                    IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
                    IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
                    ip => ip,
                };
                TcpStream::connect_timeout(&SocketAddr::new(ip, address.port()), patience).map(Stream::Tcp)
            }
            Self::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
        }
    }

    /// `GET path` through the gate: the status of the answer. This is how the watchdog learns that all of it works.
    ///
    /// # Errors
    /// When there is no connection, or no answer in time.
    pub fn get(&self, path: &str, patience: Duration) -> io::Result<u16> {
        let deadline = Instant::now() + patience;
        let stream = self.connect(patience)?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_before(request.as_bytes(), deadline)?;
        let mut answer = Vec::new();
        let mut buffer = [0; 512];
        // `HTTP/1.1 200` is all that is wanted.
        while answer.len() < 12 {
            match stream.read_before(&mut buffer, deadline)? {
                0 => break,
                count => answer.extend(buffer.iter().take(count)),
            }
        }
        let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        status
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed without an answer"))
    }
}
