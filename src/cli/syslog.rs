//! The system's log, for a delivery: one line a mail. Standard output goes where the mail server thinks fit, and of a
//! mail that was dealt with often nowhere. Never waited for, never a reason to fail; where nobody listens, nothing.

use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// Where the system's logger listens (journald, rsyslog, syslog-ng, BusyBox, BSD).
const LOGGERS: [&str; 2] = ["/dev/log", "/var/run/log"];

/// The facility `mail` (RFC 5424, table 1).
const MAIL: u8 = 2;

/// So many bytes every logger takes (RFC 3164 promises 1024, rsyslog and journald take more).
const LONGEST: usize = 1000;

/// How much a line matters (RFC 5424, table 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The mail stays with the mail server, or goes back.
    Warning = 4,
    /// The mail is dealt with.
    Info = 6,
}

/// Writes one line.
pub fn write(severity: Severity, line: &str) {
    for path in LOGGERS {
        if send(Path::new(path), severity, line).is_ok() {
            return;
        }
    }
}

/// Without a time: the logger knows it, and its zone, better (RFC 3164, 4.3.2).
fn send(path: &Path, severity: Severity, line: &str) -> std::io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // A logger that hangs costs a line, and nothing else.
    socket.set_nonblocking(true)?;
    let priority = MAIL * 8 + severity as u8;
    let mut message = format!("<{priority}>thialfi[{}]: {line}", std::process::id());
    message.truncate(message.floor_char_boundary(LONGEST));
    socket.send_to(message.as_bytes(), path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logger_hears_one_bounded_datagram_and_a_deaf_one_costs_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        assert!(send(&path, Severity::Info, "nobody is there").is_err());
        let logger = UnixDatagram::bind(&path).unwrap();
        send(&path, Severity::Warning, &"é".repeat(2000)).unwrap();
        let mut heard = [0; 4000];
        let length = logger.recv(&mut heard).unwrap();
        let heard = std::str::from_utf8(heard.get(..length).unwrap()).unwrap();
        assert!(heard.starts_with(&format!("<20>thialfi[{}]: é", std::process::id())), "{heard}");
        assert!(heard.len() <= LONGEST);
        // Nobody reads: the queue of the socket fills, and we go on.
        let refused = (0..100_000).any(|_| send(&path, Severity::Info, "x").is_err());
        assert!(refused);
    }
}
