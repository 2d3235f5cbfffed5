//! To whom the mail itself would go on by e-mail, and in which form.

use serde_json::{Value, json};

use super::Explanation;
use super::memory::Meeting;
use crate::engine::outbox::{Destination, destination};
use crate::intake::Wish;
use crate::notify::forward::Form;
use crate::store::outbox::FORWARDED;

/// `to david@example.com (David), attached to a mail about the alert`; `None`: the rule file forwards none of these mails.
pub fn words(explanation: &Explanation<'_>, wish: &Wish<'_>, meeting: &Meeting) -> Option<String> {
    let (destination, form) = found(explanation, wish)?;
    if let Some(why) = obstacle(explanation, meeting) {
        return Some(format!("no: {why}"));
    }
    let called = |id: &crate::oncall::ContactId| {
        let contact = explanation.roster.contacts.get(id);
        contact.map(|contact| format!(" ({})", contact.name)).unwrap_or_default()
    };
    let to: Vec<String> = destination
        .to
        .iter()
        .map(|to| format!("{}{}", to.address, to.contact.as_ref().map(called).unwrap_or_default()))
        .collect();
    let missing = match destination.missing.as_slice() {
        [] => String::new(),
        names => format!("; {}: no mail address", names.join(", ")),
    };
    if to.is_empty() {
        return Some(format!("to nobody{missing}"));
    }
    let how = match form {
        Form::Attachment => "attached to a mail about the alert",
        Form::Redirect => "as it is",
    };
    Some(format!("to {}, {how}{missing}", to.join(", ")))
}

/// The same for machines.
pub fn object(explanation: &Explanation<'_>, wish: &Wish<'_>, meeting: &Meeting) -> Value {
    let Some((destination, form)) = found(explanation, wish) else { return Value::Null };
    let to: Vec<Value> =
        destination.to.iter().map(|to| json!({ "address": to.address, "contact": to.contact })).collect();
    json!({ "to": to, "as": form, "not": obstacle(explanation, meeting) })
}

fn found(explanation: &Explanation<'_>, wish: &Wish<'_>) -> Option<(Destination, Form)> {
    let group = &wish.arrival.group;
    let forward = explanation.judged.config.forwards.get(group).filter(|_| wish.notifies())?;
    Some((destination(&forward.to, group, &explanation.roster, explanation.now())?, forward.form))
}

/// Why this mail would not go on.
fn obstacle(explanation: &Explanation<'_>, meeting: &Meeting) -> Option<String> {
    if explanation.judged.mail.is_automatic() {
        return Some("it is an automatic answer, or a mail of ours that came back".to_owned());
    }
    match meeting {
        Meeting::SameMail(_) => Some("this very mail was delivered before".to_owned()),
        Meeting::Joins(alert) if alert.mails >= FORWARDED => {
            Some(format!("{FORWARDED} mails of its alert were, and a mailbox must not be flooded"))
        }
        Meeting::Joins(_) | Meeting::None => None,
    }
}
