//! systemd's watchdog: the server proves that it is alive by answering a true request that came through the gate.
//! Only that: a disk that is full stays full whoever starts us again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sd_notify::NotifyState;

use super::Server;
use crate::engine::follow::Pulse;

/// Ends the watchdog when dropped.
pub struct Watchdog(Arc<AtomicBool>);

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
    }
}

/// Tells systemd that we are ready, and, where it asks for it, that we live.
pub fn start(server: &Server, pulse: Pulse) -> Watchdog {
    let stop = Arc::new(AtomicBool::new(false));
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    if let Some(limit) = sd_notify::watchdog_enabled() {
        let (stop, address) = (Arc::clone(&stop), server.address().clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                if pulse.age().is_some_and(|age| age <= super::ILL_AFTER)
                    && address.get("/livez", limit / 3).is_ok_and(|status| status == 200)
                {
                    let _ = sd_notify::notify(&[NotifyState::Watchdog]);
                }
                std::thread::sleep(limit / 3);
            }
        });
    }
    Watchdog(stop)
}
