//! Words for the ear: what is spoken at three in the morning, cleaned of what cannot be.

/// At most so many characters of an alert are spoken (Twilio: a basic voice takes 4096, Polly 3000).
pub const SPOKEN_LIMIT: usize = 800;

/// `text` as it is to be spoken: one paragraph, no control characters, at most [`SPOKEN_LIMIT`] characters, cut at a
/// word.
pub fn spoken(text: &str) -> String {
    let _ = text;
    todo!()
}
