//! From what came back, or did not, to what it means for a page ([`Refusal`]).

use jiff::Timestamp;
use serde::Deserialize;

use super::wire::{Answer, Failure};
use crate::provider::Refusal;
use crate::provider::exchange::{one_line, retry_after};

/// What was attempted: that decides what a lost answer means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attempt {
    /// To make something, asked for at this time: when the answer is lost it may have been made.
    Create {
        /// When, by our clock.
        since: Timestamp,
    },
    /// To read something, or to change it into what it may be already: it can simply be done again.
    Read,
}

impl Attempt {
    /// There was no answer.
    pub fn failure(self, failure: Failure) -> Refusal {
        match failure {
            Failure::NotSent(reason) => Refusal::Temporary { reason: one_line(&reason), retry_after: None },
            Failure::MaybeSent(reason) => self.unreadable(&reason),
        }
    }

    /// There was an answer that says nothing, or that it went wrong over there.
    pub fn unreadable(self, reason: &str) -> Refusal {
        let reason = one_line(reason);
        match self {
            Self::Create { since } => Refusal::Ambiguous { reason, since },
            Self::Read => Refusal::Temporary { reason, retry_after: None },
        }
    }

    /// The answer, if it is one of success; what it means, if not.
    ///
    /// A refusal is final only in Twilio's own words, JSON with a code: what a proxy, a captive portal or a wrong
    /// `api_url` answers must not silence a page, so that is temporary. Codes that speak of our account rather than
    /// of the number (21210, 21212, 21606, 20404, …) are final as well: they will not go away while somebody sleeps,
    /// and the contact's other channel may work.
    pub fn accepted(self, answer: Answer) -> Result<Answer, Refusal> {
        let error: TwilioError = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = error.code.as_ref().and_then(super::answer::code);
        let reason = match (code, &error.message) {
            (Some(code), Some(message)) => one_line(&format!("{code} {message}")),
            (Some(code), None) => code.to_string(),
            (None, _) => format!("answered {} without a reason of Twilio's", answer.status),
        };
        Err(match (answer.status, code) {
            (200..=299, _) => return Ok(answer),
            (429, _) | (_, Some(20429)) => Refusal::Temporary { reason, retry_after: retry_after(&answer) },
            (500..=599, _) => self.unreadable(&format!("answered {}: {reason}", answer.status)),
            // 403: not permitted, account suspended or closed, access denied, test credentials.
            (401, _) | (403, Some(20003 | 20005 | 20006 | 20008 | 10001)) => Refusal::Credentials { reason },
            // The queue of our number is full; 408 and 425 were not processed.
            (_, Some(21611)) | (408 | 425, _) => Refusal::Temporary { reason, retry_after: retry_after(&answer) },
            (400..=499, Some(_)) => Refusal::Permanent { reason },
            _ => Refusal::Temporary { reason, retry_after: retry_after(&answer) },
        })
    }
}

/// <https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions>
#[derive(Debug, Default, Deserialize)]
struct TwilioError {
    code: Option<serde_json::Value>,
    message: Option<String>,
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn since() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn create(status: u16, body: &str) -> Refusal {
        Attempt::Create { since: since() }.accepted(Answer::new(status, body)).unwrap_err()
    }

    fn twilio(code: u32) -> String {
        format!(r#"{{"code":{code},"message":"The words.","more_info":"https://www.twilio.com/docs/errors/{code}"}}"#)
    }

    #[test]
    fn twilios_own_refusals_are_final_and_say_the_code() {
        for (status, code) in [(400, 21211), (400, 21210), (404, 20404), (403, 21408), (410, 20410)] {
            assert_eq!(create(status, &twilio(code)), Refusal::Permanent { reason: format!("{code} The words.") });
        }
    }

    #[test]
    fn a_refusal_that_is_not_twilios_is_temporary() {
        for status in [400, 403, 404, 405, 407, 413, 451, 301, 302, 307] {
            for body in ["", "<h1>Not found</h1>", r#"{"message":"Forbidden"}"#, r#"{"code":null}"#] {
                let refusal = create(status, body);
                assert!(matches!(refusal, Refusal::Temporary { .. }), "{status} {body}: {refusal:?}");
            }
        }
    }

    #[test]
    fn too_many_requests_wait_as_long_as_asked_but_not_for_hours() {
        for (asked, wait) in [("7", Some(7)), ("86400", Some(900)), ("soon", None), ("-1", None)] {
            let mut answer = Answer::new(429, &twilio(20429));
            answer.retry_after = Some(asked.into());
            let refusal = Attempt::Create { since: since() }.accepted(answer).unwrap_err();
            let retry_after = wait.map(SignedDuration::from_secs);
            assert_eq!(refusal, Refusal::Temporary { reason: "20429 The words.".into(), retry_after });
        }
        assert!(matches!(create(400, &twilio(20429)), Refusal::Temporary { .. }));
        assert!(matches!(create(400, &twilio(21611)), Refusal::Temporary { .. }));
        assert!(matches!(create(408, ""), Refusal::Temporary { .. }));
    }

    #[test]
    fn refused_credentials_are_told_apart_with_and_without_twilios_words() {
        assert!(matches!(create(401, ""), Refusal::Credentials { .. }));
        assert!(matches!(create(401, &twilio(20003)), Refusal::Credentials { .. }));
        assert!(matches!(create(403, &twilio(20003)), Refusal::Credentials { .. }));
        assert!(matches!(create(403, r#"{"code":"20003"}"#), Refusal::Credentials { .. }));
    }

    #[test]
    fn trouble_over_there_is_ambiguous_for_what_is_made_and_temporary_for_what_is_read() {
        for status in [500, 502, 503, 504, 599] {
            assert!(matches!(create(status, "oops"), Refusal::Ambiguous { .. }), "{status}");
            let read = Attempt::Read.accepted(Answer::new(status, &twilio(20500))).unwrap_err();
            assert!(matches!(read, Refusal::Temporary { .. }), "{status}");
        }
        let lost = Failure::MaybeSent("Peer disconnected".into());
        assert_eq!(
            Attempt::Create { since: since() }.failure(lost),
            Refusal::Ambiguous { reason: "Peer disconnected".into(), since: since() }
        );
    }
}
