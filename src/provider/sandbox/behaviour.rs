//! What a phone, or Twilio itself, does the next time: the scripts of tests, demo and staging.

use serde::{Deserialize, Serialize};

use crate::alert::Channel;

/// What happens to a call or text. In JSON a word or an object of one word: `"no-answer"`, `{"press": ["1"]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Call: answered; one entry is pressed at each `Gather`, after its text was heard (`""`: nothing at that one).
    /// After the last, silence.
    Press(Vec<String>),
    /// Call: answered and listened to until the caller hangs up. Nothing is pressed.
    Listen,
    /// Call: answered, and kept at the first `Gather` or at the end, until the caller ends it by the API.
    Stay,
    /// Call: answered and hung up before a word is heard.
    HangUp,
    /// Call: rings in vain.
    NoAnswer,
    /// Call: rings until the caller ends it by the API.
    Ring,
    /// Call: the line is busy.
    Busy,
    /// Call: answered by a voice mailbox (`AnsweredBy` says so when detection was asked for), which hears everything
    /// and presses nothing.
    Mailbox,

    /// Text: sent, then delivered.
    Deliver,
    /// Text: sent, then undelivered with this error code (30003: the handset is off).
    Undelivered(u32),
    /// Text: sent, and nothing more is heard of it.
    Sent,
    /// Text: delivered, then answered with this text.
    Reply(String),

    /// Call or text: taken by the API, then failed.
    Failed,
    /// API: 401, code 20003.
    Unauthorized,
    /// API: 429, code 20429, with this `Retry-After` in seconds.
    RateLimited(u32),
    /// API: refused with this code of Twilio's (21211: no valid number, …).
    Refuse(u32),
    /// API: 500, and nothing was made.
    ServerError,
    /// API: 500, although the call was placed or the text sent.
    ServerErrorPlaced,
    /// API: placed or sent, but the connection closes without an answer.
    AcceptedThenDropped,
    /// API: the connection closes without an answer; nothing was made.
    Dropped,
    /// API: placed or sent, but the answer comes only after this many seconds, of real time.
    Slow(u32),
    /// API: placed or sent, but the answer is a page of HTML with status 200.
    Unreadable,
}

impl Behaviour {
    /// Answers and presses these keys in turn, one entry for each `Gather`.
    pub fn press<const N: usize>(keys: [&str; N]) -> Self {
        Self::Press(keys.map(str::to_owned).to_vec())
    }

    /// Whether it can happen to a call (to a text).
    pub(super) fn suits(&self, channel: Channel) -> bool {
        match self {
            Self::Press(_)
            | Self::Listen
            | Self::Stay
            | Self::HangUp
            | Self::NoAnswer
            | Self::Ring
            | Self::Busy
            | Self::Mailbox => channel == Channel::Call,
            Self::Deliver | Self::Undelivered(_) | Self::Sent | Self::Reply(_) => channel == Channel::Text,
            Self::Failed => true,
            _ => self.is_of_the_api(),
        }
    }

    /// Whether it is Twilio's doing rather than the phone's.
    pub(super) fn is_of_the_api(&self) -> bool {
        match self {
            Self::Unauthorized
            | Self::RateLimited(_)
            | Self::Refuse(_)
            | Self::ServerError
            | Self::ServerErrorPlaced
            | Self::AcceptedThenDropped
            | Self::Dropped
            | Self::Slow(_)
            | Self::Unreadable => true,
            Self::Press(_)
            | Self::Listen
            | Self::Stay
            | Self::HangUp
            | Self::NoAnswer
            | Self::Ring
            | Self::Busy
            | Self::Mailbox
            | Self::Deliver
            | Self::Undelivered(_)
            | Self::Sent
            | Self::Reply(_)
            | Self::Failed => false,
        }
    }

    /// What a phone that nobody scripted does.
    pub(super) fn usual(channel: Channel) -> Self {
        match channel {
            Channel::Call => Self::Listen,
            Channel::Text | Channel::Email => Self::Deliver,
        }
    }
}

/// A queue of behaviours: each call or text takes the first that suits it, and the last that suits stays for ever.
#[derive(Debug, Clone, Default)]
pub(super) struct Script(Vec<Behaviour>);

impl Script {
    pub fn new(behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        Self(behaviours.into_iter().collect())
    }

    /// What the API does with the next request; `None`: it takes it.
    pub fn next_of_the_api(&mut self, channel: Channel) -> Option<Behaviour> {
        let next = self.0.iter().position(|behaviour| behaviour.suits(channel))?;
        self.0.get(next).filter(|behaviour| behaviour.is_of_the_api())?;
        self.take(next, channel)
    }

    /// What the phone does with a call or text that the API took.
    pub fn next_of_the_phone(&mut self, channel: Channel) -> Option<Behaviour> {
        let next = self.0.iter().position(|behaviour| behaviour.suits(channel) && !behaviour.is_of_the_api())?;
        self.take(next, channel)
    }

    fn take(&mut self, position: usize, channel: Channel) -> Option<Behaviour> {
        let is_last = self.0.iter().skip(position + 1).all(|behaviour| !behaviour.suits(channel));
        if is_last { self.0.get(position).cloned() } else { Some(self.0.remove(position)) }
    }
}

/// What the network does to everything at once. In JSON: `{"lose_callbacks": true}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // four independent switches
pub struct Conditions {
    /// Each status callback comes twice.
    pub duplicate_callbacks: bool,
    /// Each status callback but the last comes after the one that follows it.
    pub reorder_callbacks: bool,
    /// No status callback comes.
    pub lose_callbacks: bool,
    /// Questions (status, lists) are answered with 500.
    pub fail_reads: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaviours_are_written_as_words() {
        let json = r#"["no-answer",{"press":["1"]},{"undelivered":30003},{"reply":"7K"},"accepted-then-dropped"]"#;
        let read: Vec<Behaviour> = serde_json::from_str(json).unwrap();
        assert_eq!(
            read,
            [
                Behaviour::NoAnswer,
                Behaviour::press(["1"]),
                Behaviour::Undelivered(30003),
                Behaviour::Reply("7K".into()),
                Behaviour::AcceptedThenDropped
            ]
        );
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }

    #[test]
    fn a_script_is_taken_in_order_by_channel_and_its_last_entry_stays() {
        let mut script = Script::new([Behaviour::NoAnswer, Behaviour::Sent, Behaviour::Busy]);
        assert_eq!(script.next_of_the_phone(Channel::Text), Some(Behaviour::Sent));
        assert_eq!(script.next_of_the_phone(Channel::Call), Some(Behaviour::NoAnswer));
        assert_eq!(script.next_of_the_phone(Channel::Call), Some(Behaviour::Busy));
        assert_eq!(script.next_of_the_phone(Channel::Call), Some(Behaviour::Busy));
        assert_eq!(script.next_of_the_phone(Channel::Text), Some(Behaviour::Sent));
    }

    #[test]
    fn what_the_api_does_comes_in_its_turn() {
        let mut script = Script::new([Behaviour::ServerError, Behaviour::Listen, Behaviour::Dropped, Behaviour::Busy]);
        assert_eq!(script.next_of_the_api(Channel::Call), Some(Behaviour::ServerError));
        assert_eq!(script.next_of_the_api(Channel::Call), None);
        assert_eq!(script.next_of_the_phone(Channel::Call), Some(Behaviour::Listen));
        assert_eq!(script.next_of_the_api(Channel::Call), Some(Behaviour::Dropped));
        assert_eq!(script.next_of_the_api(Channel::Call), None);
    }
}
