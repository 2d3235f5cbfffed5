//! Trying a mail: what `explain` says of one that is pasted here. Nothing is kept of it, and nobody is called.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::alerts::group_name;
use super::{Asked, field};
use crate::config::{Config, Role};
use crate::explain::memory::Memory;
use crate::explain::{Explanation, Judged, Mail, json};
use crate::intake::reply_address;
use crate::mail::message;
use crate::server::Routes;
use crate::server::http::Response;

#[derive(Serialize, Default)]
struct Page {
    mail: String,
    recipient: String,
    sender: String,
    trouble: Option<String>,
    /// As `explain --json` prints it.
    explained: Option<Value>,
    /// What contacts and groups are called, by their keys.
    names: Names,
    /// It is for an address that holds a token of ours.
    is_reply: bool,
}

/// Machines get keys, people names.
#[derive(Serialize, Default)]
struct Names {
    contacts: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
}

impl Names {
    fn of(config: &Config) -> Self {
        let contacts = config.roster.contacts.values().map(|contact| (contact.id.to_string(), contact.name.clone()));
        let groups = config.roster.groups.keys().map(|group| (group.to_string(), group_name(config, group)));
        Self { contacts: contacts.collect(), groups: groups.collect() }
    }
}

/// The form.
pub(super) fn page(routes: &Routes, asked: &Asked<'_>) -> Response {
    routes.frame(asked, "try").page(200, "try.html", Page::default())
}

/// The form, and what would become of the mail in it.
pub(super) fn tried(routes: &Routes, asked: &Asked<'_>, form: &[(String, String)]) -> Response {
    let typed = |name| field(form, name).unwrap_or_default().to_owned();
    // White space at the beginning of a mail would end its header before it begins.
    let text = form.iter().find(|(key, _)| key == "mail").map(|(_, text)| text.trim_start()).unwrap_or_default();
    let mut page =
        Page { mail: text.to_owned(), recipient: typed("recipient"), sender: typed("sender"), ..Page::default() };
    match explained(routes, asked, &page) {
        Ok((explained, is_reply)) => {
            (page.explained, page.is_reply) = (Some(explained), is_reply);
            page.names = Names::of(&routes.desk.config);
        }
        Err(trouble) => page.trouble = Some(trouble),
    }
    let status = if page.trouble.is_some() { 400 } else { 200 };
    routes.frame(asked, "try").page(status, "try.html", page)
}

fn explained(routes: &Routes, asked: &Asked<'_>, page: &Page) -> Result<(Value, bool), String> {
    if page.mail.is_empty() {
        return Err("Paste a mail first, with its header.".to_owned());
    }
    let recipients: Vec<String> =
        page.recipient.split([',', ' ']).filter(|one| !one.is_empty()).map(str::to_owned).collect();
    let sender = Some(page.sender.as_str()).filter(|sender| !sender.is_empty());
    explain(&routes.desk.config, page.mail.as_bytes(), sender, &recipients, (asked.now, asked.visitor.role))
}

/// What would become of a mail, as `explain --json` prints it, and whether it is for an address that holds a token of ours. What rules
/// look for is for administrators here, too.
///
/// # Errors
/// Why it cannot be judged.
pub(in crate::server) fn explain(
    config: &Config,
    mut mail: &[u8],
    sender: Option<&str>,
    recipients: &[String],
    (now, role): (Timestamp, Role),
) -> Result<(Value, bool), String> {
    let raw = message::read(&mut mail).map_err(|error| error.to_string())?;
    let mut mail = Mail::new(&raw, sender, recipients);
    let is_reply = !reply_address::take_out(config, &mut mail.envelope).is_empty();
    let mut memory = Memory::of(config);
    let judged = Judged::new(config, &mail, now, &mut memory).map_err(|error| error.to_string())?;
    let mut explained = json::object(&Explanation::new(&judged, &mut memory));
    if role < Role::Admin {
        leave_out_conditions(&mut explained);
    }
    Ok((explained, is_reply))
}

/// Of all rules, for whichever recipients they were asked.
fn leave_out_conditions(explained: &mut Value) {
    let Value::Object(fields) = explained else { return };
    let mut lists: Vec<&mut Value> = Vec::new();
    for (name, field) in fields {
        match name.as_str() {
            "rules" => lists.push(field),
            "rules_by_recipient" => lists.extend(field.as_object_mut().into_iter().flat_map(|by| by.values_mut())),
            _ => {}
        }
    }
    for rule in lists.into_iter().filter_map(Value::as_array_mut).flatten() {
        if let Some(Value::Array(conditions)) = rule.get_mut("conditions") {
            conditions.clear();
        }
    }
}
