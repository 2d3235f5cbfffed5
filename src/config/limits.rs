//! `[limits]`: how often a contact may be notified. Each contact may have limits of their own, in the same form.

use super::Scope;
use super::scalar;
use super::value::{Table, Value};
use crate::alert::limit::{Limits, Window, Windows};
use crate::oncall::ContactId;

const KEYS: &[&str] = &["call", "sms"];

/// Reads `[limits]`, and `limits` of each contact. What is left out counts as everywhere.
pub(super) fn read(scope: &Scope<'_>) -> Limits {
    let reader = scope.reader;
    let mut limits = Limits::usual();
    if let Some(table) = reader.section("limits") {
        let written = windows(scope, table);
        limits.everybody.call = written.call.or(limits.everybody.call);
        limits.everybody.text = written.text.or(limits.everybody.text);
    }
    for (name, entry) in &scope.names.contacts.entries {
        if !entry.value.is_table() {
            continue; // That is complained of already.
        }
        let own = reader.table(entry.value).and_then(|table| table.get("limits"));
        if let Some(table) = own.and_then(|value| reader.table(value)) {
            limits.contacts.insert(ContactId::new(*name), windows(scope, table));
        }
    }
    limits
}

fn windows(scope: &Scope<'_>, table: Table<'_>) -> Windows {
    scope.reader.only(table, KEYS);
    let list = |key| table.get(key).map(|value| list(scope, value));
    Windows { call: list("call"), text: list("sms") }
}

/// One limit, or several; an empty list: none.
fn list(scope: &Scope<'_>, value: Value<'_>) -> Vec<Window> {
    let reader = scope.reader;
    let items = reader.one_or_list(value).into_iter().filter_map(|item| reader.parsed(item, scalar::limit));
    items.collect()
}
