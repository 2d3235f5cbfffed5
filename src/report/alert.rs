//! Alerts as JSON, for listings and for whoever asks over HTTP. What is not known yet is null; a name that is printed once is never changed.

use serde_json::{Map, Value, json};

use crate::alert::fact::Answer;
use crate::alert::{Alert, Delivery, Entry, Fact, Notification};
use crate::store::KeptMail;

/// What listings print.
pub fn summary(alert: &Alert) -> Value {
    json!({
        "id": alert.id,
        "code": alert.code,
        "state": alert.state,
        "rule": alert.rule,
        "group": alert.group,
        "recipient": alert.recipients.first(),
        "recipients": alert.recipients,
        "key": alert.key,
        "subject": alert.subject,
        "mails": alert.mails,
        "opened_at": alert.opened_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged_by": alert.acknowledged_by,
        "ended_at": alert.ended_at,
        "held": held(alert),
    })
}

/// How many of its notifications a limit holds back.
pub fn held(alert: &Alert) -> usize {
    alert.notifications.iter().filter(|one| one.is_held()).count()
}

/// Everything about one: with its history, and what its mails say as far as that was kept.
pub fn whole(alert: &Alert, history: &[Entry], mails: &[KeptMail]) -> Value {
    let mut whole = summary(alert);
    if let Value::Object(fields) = &mut whole {
        fields.insert("say".to_owned(), json!(alert.say));
        fields.insert("sms".to_owned(), json!(alert.text));
        fields.insert("policy".to_owned(), json!(alert.policy.name));
        fields.insert("window_until".to_owned(), json!(alert.takes_in_until()));
        fields.insert("next_at".to_owned(), json!(alert.next_at));
        let notifications = alert.notifications.iter().map(|one| notification(one, history)).collect();
        fields.insert("notifications".to_owned(), Value::Array(notifications));
        fields.insert("history".to_owned(), Value::Array(history.iter().map(line).collect()));
        fields.insert("texts".to_owned(), Value::Array(mails.iter().map(mail).collect()));
    }
    whole
}

fn mail(mail: &KeptMail) -> Value {
    let text = &mail.text;
    json!({
        "number": mail.number,
        "received_at": mail.received_at,
        "from": text.from,
        "subject": text.subject,
        "message_id": text.message_id,
        "recipients": mail.recipients,
        "size": text.size,
        "new_text": text.new_text,
        "quoted": text.quoted,
        "cut": text.cut,
    })
}

fn line(line: &Entry) -> Value {
    let mut fields = Map::new();
    fields.insert("at".to_owned(), json!(line.at));
    fields.insert("kind".to_owned(), json!(line.kind));
    fields.insert("text".to_owned(), json!(line.text));
    // One further field, of the name of what it holds: `mail`, `answer`, `status`, …
    if let Ok(Value::Object(fact)) = serde_json::to_value(&line.fact) {
        fields.extend(fact);
    }
    Value::Object(fields)
}

fn notification(notification: &Notification, history: &[Entry]) -> Value {
    let (state, at, status, outcome, detail) = match &notification.delivery {
        Delivery::Due { at, .. } => ("due", at, None, None, None),
        Delivery::Held { since, .. } => ("held", since, None, None, None),
        Delivery::Claimed { since, .. } => ("claimed", since, None, None, None),
        Delivery::Accepted { at, status, .. } => ("accepted", at, Some(status), None, Some(status)),
        Delivery::Ended { at, outcome, detail, .. } => ("ended", at, None, Some(*outcome), Some(detail)),
    };
    let carrier = carrier(notification, history);
    let known = match &notification.delivery {
        Delivery::Accepted { provider_id, .. } => Some(provider_id),
        Delivery::Ended { provider_id, .. } => provider_id.as_ref(),
        Delivery::Due { .. } | Delivery::Held { .. } | Delivery::Claimed { .. } => None,
    };
    let (held_until, limit) = match &notification.delivery {
        Delivery::Held { until, limit, .. } => (Some(until), Some(limit)),
        Delivery::Due { .. } | Delivery::Claimed { .. } | Delivery::Accepted { .. } | Delivery::Ended { .. } => {
            (None, None)
        }
    };
    json!({
        "number": notification.id.number,
        "purpose": notification.purpose,
        "contact": notification.contact,
        "by": notification.channel,
        "to": notification.to,
        "round": notification.round + 1,
        "step": notification.step + 1,
        "attempt": notification.attempt + 1,
        "created_at": notification.created_at,
        "state": state,
        "at": at,
        "status": status,
        "outcome": outcome,
        "detail": detail,
        "provider": carrier.map(|answer| &answer.provider),
        "provider_id": known,
        "tries": notification.tries,
        "reached": notification.reached,
        "held_until": held_until,
        "limit": limit,
        "told_in": notification.told_by.map(|by| json!({ "alert": by.alert, "number": by.number })),
    })
}

/// The provider's answer by which it took a notification.
pub fn carrier<'h>(notification: &Notification, history: &'h [Entry]) -> Option<&'h Answer> {
    history.iter().rev().find_map(|line| match &line.fact {
        Some(Fact::Answer(answer)) if answer.notification == notification.id.number => {
            answer.provider_id.is_some().then_some(answer)
        }
        _ => None,
    })
}
