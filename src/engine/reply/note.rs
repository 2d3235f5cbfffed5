//! What the history of an alert tells of a text that came in.

use super::Reply;
use crate::alert::{AlertId, EntryKind, Fact, ReplyFact, fact};
use crate::engine::Desk;
use crate::oncall::{ContactId, Phone};
use crate::store::{self, Store};

/// Notes in the history of an alert what somebody texted.
pub fn texted(
    desk: &Desk,
    store: &mut dyn Store,
    id: AlertId,
    (number, contact): (&Phone, &ContactId),
    reply: Reply<'_>,
    because: &str,
) -> store::Result<()> {
    let said = fact::short(reply.body);
    let text = format!("{} ({number}) texted “{}”{because}", desk.name_of(contact), said.trim());
    let reply = ReplyFact {
        from: number.to_string(),
        contact: contact.to_string(),
        text: said,
        provider_id: reply.id.to_owned(),
        sent_at: reply.at,
    };
    desk.note(store, id, EntryKind::Human, text, Some(Fact::Reply(reply)))
}
