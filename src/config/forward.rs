//! `[groups.NAME] forward`: where the mails of a group go on to by e-mail, and in which form.

use super::providers::Service;
use super::reader::Reader;
use super::scalar::{self, Fault};
use super::value::{At, Value};
use super::{Config, Scope};
use crate::alert::Channel;
use crate::notify::forward::Form;
use crate::oncall::{ContactId, MailAddress};

const KEYS: &[&str] = &["to", "as"];
const FORMS: &[(&str, Form)] = &[("attachment", Form::Attachment), ("redirect", Form::Redirect)];

/// Where a group's mails go on to by e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// To whom.
    pub to: ForwardTo,
    /// In which form.
    pub form: Form,
}

/// To whom mails go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForwardTo {
    /// `"oncall"`: to who is on call.
    OnCall,
    /// `"members"`: to everybody in the group.
    Members,
    /// To these addresses.
    Addresses(Vec<MailAddress>),
}

/// Reads `"oncall"`, `"members"`, addresses, or a table that says besides in which form.
pub(super) fn read(reader: &Reader<'_>, value: Value<'_>) -> Option<Forward> {
    if !value.is_table() {
        return Some(Forward { to: to(reader, value)?, form: Form::Attachment });
    }
    let table = reader.table(value)?;
    reader.only(table, KEYS);
    let to = reader.need(table, "to", "\"oncall\"").and_then(|value| self::to(reader, value));
    let form = table.get("as").map_or(Some(Form::Attachment), |value| reader.choice(value, FORMS));
    Some(Forward { to: to?, form: form? })
}

fn to(reader: &Reader<'_>, value: Value<'_>) -> Option<ForwardTo> {
    match value.as_text() {
        Some("oncall") => Some(ForwardTo::OnCall),
        Some("members") => Some(ForwardTo::Members),
        Some(text) => reader.parsed(value, |_| {
            scalar::mail_address(text)
                .map(|address| ForwardTo::Addresses(vec![address]))
                .map_err(|_| Fault::new(format!("`{text}` is neither `oncall` nor `members` nor a mail address")))
        }),
        None => {
            let mut addresses: Vec<MailAddress> = Vec::new();
            let items = reader.list(value)?;
            let wanted = items.len();
            for item in items {
                let Some(address) = reader.parsed(item, scalar::mail_address) else { continue };
                if addresses.iter().any(|known| known.is(address.as_str())) {
                    reader.error(item.at, format!("`{address}` is listed twice"));
                } else {
                    addresses.push(address);
                }
            }
            if wanted == 0 {
                reader.error_hint(value.at, "this forwards to nobody", "leave `forward` out, or name an address");
            }
            (wanted > 0).then_some(ForwardTo::Addresses(addresses))
        }
    }
}

/// Complains of what would not be forwarded, or for ever. At night none of it stops a call.
pub(super) fn check(scope: &Scope<'_>, config: &Config) {
    let reader = scope.reader;
    let can = config.services().any(|(_, service)| matches!(service, Service::Smtp(_)));
    // Where a secret is missing nothing is known.
    let all_known = config.providers.iter().all(|entry| entry.service.is_some());
    for (id, forward) in &config.forwards {
        let Some(entry) = scope.names.groups.entries.get(id.as_str()) else { continue };
        let Some(value) = reader.table(entry.value).and_then(|table| table.get("forward")) else { continue };
        let ordered = config.delivery.providers(Channel::Email).is_none_or(|names| !names.is_empty());
        if all_known && !(can && ordered) {
            let message = format!("nothing can forward the mails of `{id}`: there is no provider for mails");
            reader.danger(value.at, message, "add `[providers.NAME]` with `kind = \"smtp\"`");
        }
        let group = config.roster.groups.get(id);
        let people: Vec<ContactId> = match (&forward.to, group) {
            (ForwardTo::OnCall, Some(_)) => config.roster.candidates(id),
            (ForwardTo::Members, Some(group)) => group.members.clone(),
            (ForwardTo::Addresses(_), _) | (_, None) => Vec::new(),
        };
        let people = people.iter().filter_map(|id| config.roster.contacts.get(id));
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for contact in people {
            match &contact.email {
                Some(address) => with.push(address.clone()),
                None => without.push(contact.id.as_str()),
            }
        }
        if !without.is_empty() {
            let message = format!("the mails of `{id}` cannot be forwarded to {}: no mail address", without.join(", "));
            let hint = "add `email = \"…\"` to their contacts";
            if with.is_empty() { reader.danger(value.at, message, hint) } else { reader.warn(value.at, message, hint) }
        }
        if let ForwardTo::Addresses(addresses) = &forward.to {
            with.clone_from(addresses);
        }
        for address in with.iter().filter(|address| config.recipient(address.as_str()).is_some()) {
            let message = format!("`{address}` is an address under [recipients]: what is forwarded there comes back");
            reader.danger(place_of(reader, value, address), message, "name another address");
        }
    }
}

/// Where an address is written, else where the forwarding is.
fn place_of(reader: &Reader<'_>, value: Value<'_>, address: &MailAddress) -> At {
    let list =
        if value.is_table() { reader.table(value).and_then(|table| table.get("to")).unwrap_or(value) } else { value };
    let items = reader.one_or_list(list);
    items.into_iter().find(|item| item.as_text() == Some(address.as_str())).map_or(value.at, |item| item.at)
}
