//! Who does beside the engine what takes time. Threads; or a simulation, which decides when what happens.

use std::sync::mpsc::Sender;

use super::follow::Message;

/// What takes time: sending, asking, hanging up. It ends with what to tell the engine.
pub type Work = Box<dyn FnOnce() -> Option<Message> + Send>;

/// Who does it.
pub trait Hands: Send {
    /// Does the work, some time, and tells the engine what came of it.
    fn take(&self, work: Work, tell: Sender<Message>);
}

/// A thread for each work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Threads;

impl Hands for Threads {
    fn take(&self, work: Work, tell: Sender<Message>) {
        std::thread::spawn(move || {
            if let Some(message) = work() {
                // The engine outlives its requests; when it is gone, the claim expires and the next one asks.
                let _ = tell.send(message);
            }
        });
    }
}
