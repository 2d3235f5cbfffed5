//! `thialfi newtext`: the new text of the mail on standard input.

use std::io::Write as _;

use super::setup::complain;
use crate::exit::Exit;
use crate::mail::{Message, message};

/// Prints the new text.
pub fn run() -> Exit {
    let raw = match message::read(&mut std::io::stdin().lock()) {
        Ok(raw) => raw,
        Err(error) => {
            complain(&format!("the mail could not be read: {error}"));
            return Exit::No;
        }
    };
    let message = Message::parse(&raw);
    let mut text = message.new_text().to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::Success,
        Err(_) => Exit::No,
    }
}
