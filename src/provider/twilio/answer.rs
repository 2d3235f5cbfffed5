//! What Twilio's records say, in our words. Fields and statuses that are not known are no news, never an error:
//! Twilio adds some without notice.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::{Deserialize, de::DeserializeOwned};

use crate::alert::{CallStatus, TextStatus};
use crate::provider::{Found, Inbound};

/// What was made.
#[derive(Debug, Deserialize)]
pub(super) struct Created {
    pub sid: String,
}

/// <https://www.twilio.com/docs/voice/api/call-resource>
#[derive(Debug, Deserialize)]
pub(super) struct CallResource {
    sid: String,
    status: Option<String>,
    answered_by: Option<String>,
    date_created: Option<String>,
}

impl CallResource {
    pub fn status(&self) -> CallStatus {
        match self.status.as_deref() {
            Some("initiated") => CallStatus::Initiated,
            Some("ringing") => CallStatus::Ringing,
            Some("in-progress") => CallStatus::InProgress,
            Some("completed") => CallStatus::Completed,
            Some("busy") => CallStatus::Busy,
            Some("failed") => CallStatus::Failed,
            Some("no-answer") => CallStatus::NoAnswer,
            Some("canceled") => CallStatus::Canceled,
            _ => CallStatus::Queued,
        }
    }

    /// What machine detection said; `None` when it was not asked or does not know.
    pub fn human(&self) -> Option<bool> {
        match self.answered_by.as_deref() {
            Some("human") => Some(true),
            Some(word) if word.starts_with("machine") || word == "fax" => Some(false),
            _ => None,
        }
    }

    pub fn into_found(self, otherwise: Timestamp) -> Found {
        let created_at = timestamp(self.date_created.as_deref()).unwrap_or(otherwise);
        Found { id: self.sid, created_at, body: String::new() }
    }
}

/// <https://www.twilio.com/docs/messaging/api/message-resource>
#[derive(Debug, Deserialize)]
pub(super) struct MessageResource {
    sid: String,
    status: Option<String>,
    direction: Option<String>,
    from: Option<String>,
    body: Option<String>,
    error_code: Option<serde_json::Value>,
    error_message: Option<String>,
    date_created: Option<String>,
}

impl MessageResource {
    pub fn status(&self) -> TextStatus {
        match self.status.as_deref() {
            Some("sent" | "partially_delivered") => TextStatus::Sent,
            Some("delivered" | "read") => TextStatus::Delivered,
            Some("undelivered") => TextStatus::Undelivered,
            Some("failed") => TextStatus::Failed,
            Some("canceled") => TextStatus::Canceled,
            _ => TextStatus::Queued,
        }
    }

    /// Error code and reason, empty when there is none.
    pub fn detail(&self) -> String {
        let code = self.error_code.as_ref().and_then(code).map(|code| code.to_string());
        let words: Vec<String> = code.into_iter().chain(self.error_message.clone()).collect();
        words.join(" ")
    }

    pub fn is_inbound(&self) -> bool {
        self.direction.as_deref() == Some("inbound")
    }

    pub fn into_found(self, otherwise: Timestamp) -> Found {
        let created_at = timestamp(self.date_created.as_deref()).unwrap_or(otherwise);
        Found { id: self.sid, created_at, body: self.body.unwrap_or_default() }
    }

    pub fn into_inbound(self, otherwise: Timestamp) -> Inbound {
        Inbound {
            id: self.sid,
            from: self.from.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            at: timestamp(self.date_created.as_deref()).unwrap_or(otherwise),
        }
    }
}

/// One page of a list.
pub(super) trait List: DeserializeOwned {
    type Record;
    /// Below the account.
    const PATH: &'static str;
    /// The records, and the path of the next page.
    fn into_parts(self) -> (Vec<Self::Record>, Option<String>);
    fn created_at(record: &Self::Record) -> Option<Timestamp>;
}

#[derive(Debug, Deserialize)]
pub(super) struct CallList {
    calls: Vec<CallResource>,
    next_page_uri: Option<String>,
}

impl List for CallList {
    type Record = CallResource;
    const PATH: &'static str = "/Calls.json";

    fn into_parts(self) -> (Vec<CallResource>, Option<String>) {
        (self.calls, self.next_page_uri)
    }

    fn created_at(record: &CallResource) -> Option<Timestamp> {
        timestamp(record.date_created.as_deref())
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct MessageList {
    messages: Vec<MessageResource>,
    next_page_uri: Option<String>,
}

impl List for MessageList {
    type Record = MessageResource;
    const PATH: &'static str = "/Messages.json";

    fn into_parts(self) -> (Vec<MessageResource>, Option<String>) {
        (self.messages, self.next_page_uri)
    }

    fn created_at(record: &MessageResource) -> Option<Timestamp> {
        timestamp(record.date_created.as_deref())
    }
}

/// A code of Twilio's, whether it is written as a number or as a text.
pub(super) fn code(value: &serde_json::Value) -> Option<u32> {
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    u32::try_from(number).ok()
}

/// Twilio's dates are RFC 2822; the weekday is not checked.
fn timestamp(text: Option<&str>) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(json: &str) -> CallResource {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_status_of_a_call_is_read_and_an_unknown_one_is_no_news() {
        let words = [
            ("queued", CallStatus::Queued),
            ("initiated", CallStatus::Initiated),
            ("ringing", CallStatus::Ringing),
            ("in-progress", CallStatus::InProgress),
            ("completed", CallStatus::Completed),
            ("busy", CallStatus::Busy),
            ("failed", CallStatus::Failed),
            ("no-answer", CallStatus::NoAnswer),
            ("canceled", CallStatus::Canceled),
            ("on-the-moon", CallStatus::Queued),
        ];
        for (word, status) in words {
            assert_eq!(call(&format!(r#"{{"sid":"CA1","status":"{word}","new":[1]}}"#)).status(), status, "{word}");
        }
        assert_eq!(call(r#"{"sid":"CA1","status":null}"#).status(), CallStatus::Queued);
    }

    #[test]
    fn machine_detection_tells_humans_machines_and_doubt_apart() {
        let human = |word: &str| call(&format!(r#"{{"sid":"CA1","answered_by":{word}}}"#)).human();
        assert_eq!(human(r#""human""#), Some(true));
        for word in [r#""machine_start""#, r#""machine_end_beep""#, r#""machine_end_silence""#, r#""fax""#] {
            assert_eq!(human(word), Some(false), "{word}");
        }
        assert_eq!(human(r#""unknown""#), None);
        assert_eq!(human("null"), None);
    }

    #[test]
    fn every_status_of_a_text_is_read() {
        let words = [
            ("accepted", TextStatus::Queued),
            ("scheduled", TextStatus::Queued),
            ("queued", TextStatus::Queued),
            ("sending", TextStatus::Queued),
            ("sent", TextStatus::Sent),
            ("delivered", TextStatus::Delivered),
            ("read", TextStatus::Delivered),
            ("undelivered", TextStatus::Undelivered),
            ("failed", TextStatus::Failed),
            ("canceled", TextStatus::Canceled),
            ("received", TextStatus::Queued),
        ];
        for (word, status) in words {
            let text: MessageResource = serde_json::from_str(&format!(r#"{{"sid":"SM1","status":"{word}"}}"#)).unwrap();
            assert_eq!(text.status(), status, "{word}");
        }
        let text = r#"{"sid":"SM1","status":"undelivered","error_code":30003,"error_message":"Unreachable handset"}"#;
        let text: MessageResource = serde_json::from_str(text).unwrap();
        assert_eq!(text.detail(), "30003 Unreachable handset");
        let text: MessageResource = serde_json::from_str(r#"{"sid":"SM1","error_code":"30003"}"#).unwrap();
        assert_eq!(text.detail(), "30003");
    }

    #[test]
    fn dates_are_read_as_twilio_writes_them() {
        let at = timestamp(Some("Tue, 31 Aug 2010 20:36:28 +0000")).unwrap();
        assert_eq!(at.to_string(), "2010-08-31T20:36:28Z");
        assert_eq!(timestamp(Some("yesterday")), None);
        assert_eq!(timestamp(None), None);
    }
}
