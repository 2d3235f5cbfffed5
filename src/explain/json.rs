//! An explanation for machines.

use serde_json::{Map, Value, json};

use super::memory::Meeting;
use super::words::text_of;
use super::{Explanation, Held};
use crate::intake::Wish;
use crate::notify::{sms, speech};
use crate::rules::Judgement;

/// One object: what the first wish asks for, then what is true of the mail as a whole. What there is not is null.
pub fn object(explanation: &Explanation<'_>) -> Value {
    let judged = explanation.judged;
    let mut wishes = explanation.wishes().map(|(wish, meeting, held)| asked(explanation, wish, meeting, held));
    let mut object = wishes.next().unwrap_or_else(|| {
        json!({
            "action": null, "rule": null, "group": null, "key": null, "digest": null, "contact": null,
            "say": null, "sms": null, "segments": null, "encoding": null, "variables": {}, "policy": null,
            "remind": null,
            "attempts": [], "held": [], "on_call": null, "forward": null, "joins": null, "notes": [],
        })
    });
    let also: Vec<Value> = wishes.collect();
    if let Value::Object(fields) = &mut object {
        let problems: Vec<String> = judged.intake.problems.iter().map(ToString::to_string).collect();
        let whole = json!({
            "at": explanation.now(),
            "new_text": judged.mail.message.new_text(),
            "rules": judged.judgements.first().map(|(_, judgement)| rules(judgement)),
            "recipients": judged.mail.envelope.recipients,
            "unknown_recipients": judged.intake.unknown,
            "automatic": judged.mail.is_automatic(),
            "heartbeats": judged.intake.heartbeats.iter().map(|one| &one.name).collect::<Vec<_>>(),
            "problems": problems,
            "store": explanation.trouble,
            "also": also,
        });
        if let Value::Object(whole) = whole {
            fields.extend(whole);
        }
        if judged.judgements.len() > 1 {
            let by_recipient: Map<String, Value> =
                judged.judgements.iter().map(|(recipient, judgement)| (recipient.clone(), rules(judgement))).collect();
            fields.insert("rules_by_recipient".to_owned(), Value::Object(by_recipient));
        }
    }
    object
}

fn rules(judgement: &Judgement<'_>) -> Value {
    let verdicts = judgement.verdicts.iter().map(|verdict| {
        let captures: Map<String, Value> =
            verdict.captures.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "name": verdict.rule.name,
            "action": verdict.rule.action,
            "matched": verdict.matched,
            "considered": verdict.considered,
            "conditions": verdict.conditions,
            "captures": captures,
        })
    });
    verdicts.collect()
}

fn asked(explanation: &Explanation<'_>, wish: &Wish<'_>, meeting: &Meeting, held: &[Held]) -> Value {
    let now = explanation.now();
    let plan = explanation.plan(wish);
    let text = text_of(explanation, wish, meeting);
    let length = sms::length(&text);
    let attempts: Vec<Value> = plan
        .iter()
        .map(|row| {
            let contact = explanation.roster.contacts.get(&row.contact);
            json!({
                "at": now.checked_add(row.after).ok(),
                "after": row.after.to_string(),
                "contact": row.contact,
                "by": row.channel,
                "number": contact.and_then(|contact| row.channel.address(contact)),
                "round": row.round + 1,
                "step": row.step + 1,
                "attempt": row.attempt.0 + 1,
                "attempts": row.attempt.1,
            })
        })
        .collect();
    let duty = explanation.roster.duty(&wish.arrival.group, now);
    let on_call = duty.map(|duty| {
        json!({ "contact": duty.contact, "until": duty.until, "next": duty.next, "overridden": duty.overridden() })
    });
    // A later variable of a name counts, as it does in templates.
    let variables: Map<String, Value> =
        wish.variables.values.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let held: Vec<Value> = held
        .iter()
        .map(|held| {
            let Held { contact, channel, until, full } = held;
            json!({ "contact": contact, "by": channel, "until": until, "limit": full.to_string() })
        })
        .collect();
    json!({
        "action": wish.action,
        "rule": wish.rule.map(|rule| rule.name.as_str()),
        "group": wish.arrival.group,
        "key": wish.arrival.key,
        "digest": wish.arrival.digest.to_string(),
        "contact": plan.first().map(|row| &row.contact),
        "say": speech::spoken(&wish.arrival.say, explanation.languages(wish).first().map_or("en", |(tag, _)| tag)),
        "sms": text,
        "segments": length.segments,
        "encoding": length.encoding,
        "variables": variables,
        "policy": wish.policy.name,
        "remind": wish.policy.remind.map(|remind| remind.to_string()),
        "window": wish.arrival.window.to_string(),
        "attempts": attempts,
        "held": held,
        "on_call": on_call,
        "forward": super::forward::object(explanation, wish, meeting),
        "joins": meeting.json(),
        "notes": wish.notes,
    })
}
