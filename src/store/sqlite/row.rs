//! Rows and what they mean. Times are cut to whole milliseconds here and nowhere else; words are stored as they stand
//! in the tables below, and never change.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Row;
use rusqlite::types::FromSql;

use super::fault::Fault;
use crate::alert::{
    Alert, AlertId, Channel, Code, Delivery, Digest, Entry, EntryKind, News, Notification, NotificationId, Outcome,
    Policy, Progress, Purpose, Resumed, State, Token,
};
use crate::oncall::{Address, ContactId, GroupId, MailAddressError, Override, PhoneError};

/// The words for an enum: a `match` in one direction, so that a new variant does not compile without its word, and
/// the same list read the other way.
macro_rules! words {
    ($to:ident, $from:ident, $type:ty: $($variant:ident = $word:literal),+ $(,)?) => {
        /// The stored word.
        pub fn $to(value: $type) -> &'static str {
            match value { $(<$type>::$variant => $word),+ }
        }

        /// What a stored word means.
        pub fn $from(word: &str) -> Result<$type, String> {
            match word {
                $($word => Ok(<$type>::$variant),)+
                _ => Err(format!("unknown word `{word}`")),
            }
        }
    };
}

words!(state_word, state, State:
    Open = "open", Acknowledged = "acknowledged", Resolved = "resolved", Expired = "expired");
words!(purpose_word, purpose, Purpose: Page = "page", News = "news");
words!(channel_word, channel, Channel: Call = "call", Text = "sms", Email = "email");
words!(outcome_word, outcome, Outcome:
    Completed = "completed", Machine = "machine", NoAnswer = "no-answer", Busy = "busy", Failed = "failed",
    Canceled = "canceled", Delivered = "delivered", Undelivered = "undelivered", Refused = "refused",
    GaveUp = "gave-up", Withdrawn = "withdrawn");
words!(kind_word, kind, EntryKind:
    Opened = "opened", Joined = "joined", Step = "step", Sent = "sent", Status = "status", Human = "human",
    Acknowledged = "acknowledged", Resolved = "resolved", Expired = "expired", Trouble = "trouble",
    Duplicate = "duplicate", Callback = "callback", Duty = "duty", Reopened = "reopened");

/// Milliseconds since 1970, rounded down.
pub fn milliseconds(time: Timestamp) -> i64 {
    let milliseconds = time.as_nanosecond().div_euclid(1_000_000);
    // A timestamp is within the years -9999 to 9999: 10¹⁵ milliseconds at most.
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}

/// The time that the store keeps of this one.
pub fn cut(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(milliseconds(time)).unwrap_or(time)
}

/// The span that the store keeps of this one.
pub fn cut_span(span: SignedDuration) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
}

/// Cuts every time in the alert to what the store keeps, so that an alert is the same before and after it was stored.
pub fn cut_alert(alert: &mut Alert) {
    let cut_in = |time: &mut Timestamp| *time = cut(*time);
    cut_in(&mut alert.opened_at);
    alert.window = cut_span(alert.window);
    alert.acknowledged_at.as_mut().map(cut_in);
    alert.ended_at.as_mut().map(cut_in);
    alert.next_at.as_mut().map(cut_in);
    if let Some(progress) = &mut alert.progress {
        cut_in(&mut progress.began_at);
    }
    if let Some(resumed) = &mut alert.resumed {
        cut_in(&mut resumed.at);
    }
    for notification in &mut alert.notifications {
        cut_in(&mut notification.created_at);
        notification.held_since.as_mut().map(cut_in);
        match &mut notification.delivery {
            Delivery::Due { at, unsure_since } => {
                cut_in(at);
                unsure_since.as_mut().map(cut_in);
            }
            Delivery::Held { since, until, limit: _ } => {
                cut_in(since);
                cut_in(until);
            }
            Delivery::Claimed { by: _, since, until, unsure_since } => {
                cut_in(since);
                cut_in(until);
                unsure_since.as_mut().map(cut_in);
            }
            Delivery::Accepted { at, provider: _, provider_id: _, status: _ }
            | Delivery::Ended { at, outcome: _, detail: _, provider: _, provider_id: _ } => cut_in(at),
        }
    }
}

/// A delivery as it lies in the columns of its notification.
#[derive(Default)]
pub struct DeliveryColumns<'a> {
    pub delivery: &'static str,
    pub at: i64,
    pub wake_at: Option<i64>,
    pub unsure_since: Option<i64>,
    pub claimed_by: Option<&'a str>,
    pub provider: Option<&'a str>,
    pub provider_id: Option<&'a str>,
    pub status: Option<&'a str>,
    pub outcome: Option<&'static str>,
    pub detail: Option<&'a str>,
}

impl<'a> From<&'a Delivery> for DeliveryColumns<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        match delivery {
            Delivery::Due { at, unsure_since } => Self {
                delivery: "due",
                at: milliseconds(*at),
                wake_at: Some(milliseconds(*at)),
                unsure_since: unsure_since.map(milliseconds),
                ..Self::default()
            },
            Delivery::Held { since, until, limit } => Self {
                delivery: "held",
                at: milliseconds(*since),
                wake_at: Some(milliseconds(*until)),
                detail: Some(limit),
                ..Self::default()
            },
            Delivery::Claimed { by, since, until, unsure_since } => Self {
                delivery: "claimed",
                at: milliseconds(*since),
                wake_at: Some(milliseconds(*until)),
                unsure_since: unsure_since.map(milliseconds),
                claimed_by: Some(by),
                ..Self::default()
            },
            Delivery::Accepted { at, provider, provider_id, status } => Self {
                delivery: "accepted",
                at: milliseconds(*at),
                provider: Some(provider),
                provider_id: Some(provider_id),
                status: Some(status),
                ..Self::default()
            },
            Delivery::Ended { at, outcome, detail, provider, provider_id } => Self {
                delivery: "ended",
                at: milliseconds(*at),
                outcome: Some(outcome_word(*outcome)),
                detail: Some(detail),
                provider: provider.as_deref(),
                provider_id: provider_id.as_deref(),
                ..Self::default()
            },
        }
    }
}

/// The alert of a row of `alerts`, without its notifications.
pub fn alert(row: &Row<'_>) -> Result<Alert, Fault> {
    let id = AlertId(row.get("id")?);
    read_alert(row, id).map_err(|why| Fault::Damaged { what: format!("alert {id}"), why })
}

fn read_alert(row: &Row<'_>, id: AlertId) -> Result<Alert, String> {
    let progress = match get::<Option<i64>>(row, "began_at")? {
        None => None,
        Some(_) => Some(Progress {
            round: get(row, "round")?,
            step: get(row, "step")?,
            attempt: get(row, "attempt")?,
            began_at: time(row, "began_at")?,
        }),
    };
    let resumed = match get::<Option<u32>>(row, "resumed_round")? {
        Some(round) => Some(Resumed { round, at: time(row, "resumed_at")? }),
        None => None,
    };
    Ok(Alert {
        id,
        code: Code(get(row, "code")?),
        state: state(&get::<String>(row, "state")?)?,
        digest: Digest(get(row, "digest")?),
        key: get(row, "key")?,
        group: GroupId::new(get::<String>(row, "grp")?),
        rule: get(row, "rule")?,
        recipients: json(row, "recipients")?,
        subject: get(row, "subject")?,
        say: get(row, "say")?,
        text: get(row, "text")?,
        policy: json::<Policy>(row, "policy")?,
        opened_at: time(row, "opened_at")?,
        window: time(row, "window_until")?.duration_since(time(row, "opened_at")?),
        mails: get(row, "mails")?,
        acknowledged_at: optional_time(row, "acknowledged_at")?,
        acknowledged_by: get(row, "acknowledged_by")?,
        taken_by: get::<Option<String>>(row, "taken_by")?.map(ContactId::new),
        resumed,
        ended_at: optional_time(row, "ended_at")?,
        progress,
        next_at: optional_time(row, "next_at")?,
        notifications: Vec::new(),
    })
}

/// The notification of a row of `notifications`.
pub fn notification(row: &Row<'_>) -> Result<Notification, Fault> {
    let id = NotificationId { alert: AlertId(row.get("alert")?), number: row.get("number")? };
    read_notification(row, id).map_err(|why| Fault::Damaged { what: format!("notification {id}"), why })
}

fn read_notification(row: &Row<'_>, id: NotificationId) -> Result<Notification, String> {
    let token: String = get(row, "token")?;
    Ok(Notification {
        id,
        purpose: purpose(&get::<String>(row, "purpose")?)?,
        round: get(row, "round")?,
        step: get(row, "step")?,
        attempt: get(row, "attempt")?,
        contact: ContactId::new(get::<String>(row, "contact")?),
        channel: channel(&get::<String>(row, "channel")?)?,
        to: address(&get::<String>(row, "phone")?)?,
        news: get::<Option<String>>(row, "words")?.map(news),
        token: Token::parse(&token).ok_or("the token has not the form of one")?,
        created_at: time(row, "created_at")?,
        delivery: delivery(row)?,
        perhaps_with: json(row, "perhaps_with")?,
        tries: get(row, "tries")?,
        sequence: get(row, "sequence")?,
        reached: get(row, "reached")?,
        told_by: told_by(row)?,
        held_since: optional_time(row, "held_since")?,
    })
}

/// What the column `phone` holds: a number, or a mail address.
fn address(stored: &str) -> Result<Address, String> {
    if stored.contains('@') {
        stored.parse().map(Address::Mail).map_err(|error: MailAddressError| error.to_string())
    } else {
        stored.parse().map(Address::Phone).map_err(|error: PhoneError| error.to_string())
    }
}

/// What the column `words` holds: JSON; a store of an earlier version has the words themselves.
fn news(stored: String) -> News {
    serde_json::from_str(&stored).unwrap_or(News::Words(stored))
}

fn told_by(row: &Row<'_>) -> Result<Option<NotificationId>, String> {
    match (get::<Option<i64>>(row, "told_by_alert")?, get::<Option<u32>>(row, "told_by_number")?) {
        (Some(alert), Some(number)) => Ok(Some(NotificationId { alert: AlertId(alert), number })),
        (None, _) | (_, None) => Ok(None),
    }
}

fn delivery(row: &Row<'_>) -> Result<Delivery, String> {
    let at = time(row, "at")?;
    Ok(match get::<String>(row, "delivery")?.as_str() {
        "due" => Delivery::Due { at, unsure_since: optional_time(row, "unsure_since")? },
        "held" => Delivery::Held { since: at, until: time(row, "wake_at")?, limit: get(row, "detail")? },
        "claimed" => Delivery::Claimed {
            by: get(row, "claimed_by")?,
            since: at,
            until: time(row, "wake_at")?,
            unsure_since: optional_time(row, "unsure_since")?,
        },
        "accepted" => Delivery::Accepted {
            at,
            provider: get(row, "provider")?,
            provider_id: get(row, "provider_id")?,
            status: get(row, "status")?,
        },
        "ended" => Delivery::Ended {
            at,
            outcome: outcome(&get::<String>(row, "outcome")?)?,
            detail: get(row, "detail")?,
            provider: get(row, "provider")?,
            provider_id: get(row, "provider_id")?,
        },
        word => return Err(format!("unknown word `{word}`")),
    })
}

/// The alerts that a mail ended or took.
pub fn alert_ids(row: &Row<'_>) -> Result<Vec<AlertId>, Fault> {
    json(row, "alerts").map_err(|why| Fault::Damaged { what: "what a mail has closed".into(), why })
}

/// The line of a row of `history`.
pub fn entry(row: &Row<'_>) -> Result<Entry, Fault> {
    let read = || {
        Ok(Entry {
            at: time(row, "at")?,
            kind: kind(&get::<String>(row, "kind")?)?,
            text: get(row, "text")?,
            // What a line stands on is an extra: one that cannot be read must not hide the line.
            fact: get::<Option<String>>(row, "fact")?.and_then(|fact| serde_json::from_str(&fact).ok()),
        })
    };
    let what = || Ok::<_, rusqlite::Error>(format!("the history of alert {}", row.get::<_, i64>("alert")?));
    read().or_else(|why| Err(Fault::Damaged { what: what()?, why }))
}

/// What stands in `overrides.until` for [`Override::until`] `None`.
pub const FOR_EVER: i64 = i64::MAX;

/// The override of a row of `overrides`.
pub fn duty_override(row: &Row<'_>) -> Result<Override, Fault> {
    let read = || {
        Ok(Override {
            group: GroupId::new(get::<String>(row, "grp")?),
            contact: ContactId::new(get::<String>(row, "contact")?),
            from: time(row, "since")?,
            until: if get::<i64>(row, "until")? == FOR_EVER { None } else { Some(time(row, "until")?) },
            made_by: get(row, "made_by")?,
        })
    };
    let what = || Ok::<_, rusqlite::Error>(format!("override {}", row.get::<_, i64>("id")?));
    read().or_else(|why| Err(Fault::Damaged { what: what()?, why }))
}

thread_local! {
    /// Where columns stood when they were last looked for, by [`slot`] of their names.
    static PLACES: [Cell<usize>; 128] = const { [const { Cell::new(0) }; 128] };
}

/// Where a column stands. To look through all names for each value of each row took four fifths of the time in which an
/// alert is read.
fn place(row: &Row<'_>, column: &str) -> rusqlite::Result<usize> {
    PLACES.with(|places| {
        let Some(known) = places.get(slot(column)) else { return row.as_ref().column_index(column) };
        let place = known.get();
        if row.as_ref().column_name(place).is_ok_and(|name| name == column) {
            return Ok(place);
        }
        known.set(row.as_ref().column_index(column)?);
        Ok(known.get())
    })
}

/// A number below 128 that names seldom share.
fn slot(column: &str) -> usize {
    column.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte))) % 128
}

fn get<T: FromSql>(row: &Row<'_>, column: &str) -> Result<T, String> {
    let value = place(row, column).and_then(|place| row.get(place));
    value.map_err(|error| format!("`{column}`: {error}"))
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T, String> {
    serde_json::from_str(&get::<String>(row, column)?).map_err(|error| format!("`{column}`: {error}"))
}

pub fn time(row: &Row<'_>, column: &str) -> Result<Timestamp, String> {
    Timestamp::from_millisecond(get(row, column)?).map_err(|error| format!("`{column}`: {error}"))
}

fn optional_time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, String> {
    match get::<Option<i64>>(row, column)? {
        None => Ok(None),
        Some(_) => time(row, column).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_wherever_it_stands() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for sql in ["SELECT 1 AS a, 2 AS b", "SELECT 2 AS b, 1 AS a", "SELECT 3 AS c, 2 AS b, 1 AS a", "SELECT 2 AS b"]
        {
            let found = connection.query_row(sql, [], |row| Ok((get::<i64>(row, "a"), get::<i64>(row, "b")))).unwrap();
            assert_eq!(found.1, Ok(2), "{sql}");
            assert_eq!(found.0.ok(), sql.contains("AS a").then_some(1), "{sql}");
        }
    }

    #[test]
    fn times_are_rounded_down_on_both_sides_of_1970() {
        let time = |nanoseconds| Timestamp::from_nanosecond(nanoseconds).unwrap();
        assert_eq!(milliseconds(time(1_999_999)), 1);
        assert_eq!(milliseconds(time(-1)), -1);
        assert_eq!(cut(time(1_999_999)), time(1_000_000));
        assert_eq!(cut(Timestamp::MAX).as_millisecond(), milliseconds(Timestamp::MAX));
        assert!(cut(Timestamp::MIN) >= Timestamp::MIN);
    }

    #[test]
    fn stored_words_are_those_of_the_rest_of_the_program() {
        for value in [State::Open, State::Acknowledged, State::Resolved, State::Expired] {
            assert_eq!(state_word(value), value.word());
        }
        for value in [Channel::Call, Channel::Text, Channel::Email] {
            assert_eq!(channel_word(value), value.word());
        }
        assert!(kind("sentt").is_err());
    }
}
