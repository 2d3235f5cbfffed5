//! A network that may be away: what comes to an address of ours goes on to another one, or nobody answers.

use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::free_port;

/// An address behind which somebody is, or nobody.
pub struct Relay {
    port: u16,
    target: String,
    open: Arc<AtomicBool>,
}

impl Relay {
    /// An address that leads nowhere yet. `target`: where it is to lead, without a scheme.
    pub fn closed(target: &str) -> Self {
        let target = target.trim_start_matches("http://").to_owned();
        Self { port: free_port(), target, open: Arc::default() }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on somebody answers.
    pub fn open(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).unwrap();
        let (target, open) = (self.target.clone(), Arc::clone(&self.open));
        open.store(true, Ordering::SeqCst);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if !open.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&target)) else { continue };
                let pairs = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
                for (from, to) in pairs {
                    let (Ok(mut from), Ok(mut to)) = (from, to) else { continue };
                    std::thread::spawn(move || {
                        let _ = copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.open.store(false, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}
