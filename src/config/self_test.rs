//! `[self_test]`: the mail that thialfi sends to itself, the way it takes, and who is notified of it. With `every`, a
//! test that was not passed for so long is a heartbeat that is late.

use jiff::SignedDuration;

use super::heartbeats::{Heartbeat, Kind};
use super::reader::Purpose;
use super::scalar::Fault;
use super::value::{Table, Value};
use super::{Defaults, Scope, scalar, time};
use crate::alert::{Channel, Policy};
use crate::heartbeat::Rhythm;
use crate::oncall::{Contact, ContactId, GroupId};
use crate::rules::Action;

const KEYS: &[&str] = &["to", "from", "via", "contact", "by", "within", "every", "grace", "group", "action", "policy"];
const CHANNELS: &[(&str, Channel)] = &[("sms", Channel::Text), ("call", Channel::Call)];
const ACTIONS: &[(&str, Action)] = &[("call", Action::Call), ("sms", Action::Sms), ("page", Action::Page)];

/// How most mail servers take a mail from a program.
const VIA: [&str; 4] = ["/usr/sbin/sendmail", "-i", "--", "{{ to }}"];

/// How long the whole way may take.
const WITHIN: SignedDuration = SignedDuration::from_mins(5);
const SHORTEST: SignedDuration = SignedDuration::from_secs(1);
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// How much later than `every` a test may be passed.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

/// `[self_test]`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    /// Where the mail goes: an address that leads to `deliver`.
    pub to: String,
    /// Whom it is from.
    pub from: String,
    /// The program that takes it on standard input, and its arguments, as written.
    pub via: Vec<String>,
    /// Who is notified; `None`: nobody, the way ends with the mail.
    pub contact: Option<ContactId>,
    /// How.
    pub by: Channel,
    /// How long the whole way may take.
    pub within: SignedDuration,
}

impl SelfTest {
    /// The program and its arguments.
    pub fn argv(&self) -> Vec<String> {
        let fill = |part: &String| part.replace("{{ to }}", &self.to).replace("{{ from }}", &self.from);
        self.via.iter().map(fill).collect()
    }
}

/// Reads `[self_test]`, and what is late when it is not passed.
pub(super) fn read(
    scope: &Scope<'_>,
    defaults: &Defaults,
    contacts: &Contacts,
) -> (Option<SelfTest>, Option<Heartbeat>) {
    let reader = scope.reader;
    for (kind, entries) in [("policy", &scope.names.policies.entries), ("group", &scope.names.groups.entries)] {
        if let Some(entry) = entries.get(Policy::SELF_TEST) {
            let message = format!("a {kind} cannot be called `{}`", Policy::SELF_TEST);
            reader.error_hint(entry.key_at, message, "that is the one of self-tests: give it another name");
        }
    }
    let Some(table) = reader.section("self_test") else { return (None, None) };
    reader.only(table, KEYS);
    let to = reader.need(table, "to", "\"selftest@sms.example.com\"");
    let to = to.and_then(|value| reader.parsed(value, scalar::mail_address));
    let from = table.get("from").map_or(Some(to.clone()), |value| reader.parsed(value, scalar::mail_address).map(Some));
    let via = via(scope, table);
    let contact = table.get("contact").map(|value| reader.parsed(value, |text| scope.names.contacts.find(text)));
    let by = table.get("by").map_or(Some(Channel::Text), |value| reader.choice(value, CHANNELS));
    let bound = |text| time::duration_within(text, SHORTEST, LONGEST);
    let within = table.get("within").map_or(Some(WITHIN), |value| reader.parsed(value, bound));
    let heartbeat = heartbeat(scope, table, defaults);
    if let (Some(value), Some(Some(name)), Some(by)) = (table.get("contact"), contact, by) {
        check_number(scope, value, contacts.get(&ContactId::new(name)), by);
    }
    let contact = match contact {
        Some(named) => named.map(|name| Some(ContactId::new(name))),
        None => Some(None),
    };
    let whole = || {
        let to = to?;
        let from = from?.unwrap_or_else(|| to.clone());
        let (to, from) = (to.to_string(), from.to_string());
        Some(SelfTest { to, from, via: via?, contact: contact?, by: by?, within: within? })
    };
    (whole(), heartbeat)
}

type Contacts = std::collections::BTreeMap<ContactId, Contact>;

fn check_number(scope: &Scope<'_>, value: Value<'_>, contact: Option<&Contact>, by: Channel) {
    let Some(contact) = contact else { return };
    if by.address(contact).is_none() {
        let message = format!("`{}` has no {}, so no self-test can be passed", contact.id, by.lacking());
        scope.reader.error_hint(value.at, message, "give the contact a `phone`, or name another one");
    }
}

fn via(scope: &Scope<'_>, table: Table<'_>) -> Option<Vec<String>> {
    let reader = scope.reader;
    let Some(value) = table.get("via") else { return Some(VIA.map(str::to_owned).to_vec()) };
    let values = reader.one_or_list(value);
    let wanted = values.len();
    let argument = |text: &str| {
        let plain = text.replace("{{ to }}", "").replace("{{ from }}", "");
        if plain.contains("{{") || plain.contains("{%") {
            let fault = Fault::new(format!("`{text}` has a place for something that is not known"));
            return Err(fault.hint("known are `{{ to }}` and `{{ from }}`, written just so"));
        }
        Ok(text.to_owned())
    };
    let argv: Vec<String> = values.into_iter().filter_map(|value| reader.parsed(value, argument)).collect();
    if wanted == 0 || argv.first().is_some_and(|program| program.trim().is_empty()) {
        reader.error(value.at, "this names no program");
        return None;
    }
    (argv.len() == wanted).then_some(argv)
}

/// What is late when no test was passed for `every`.
fn heartbeat(scope: &Scope<'_>, table: Table<'_>, defaults: &Defaults) -> Option<Heartbeat> {
    let reader = scope.reader;
    let grace = table.get("grace").map_or(Some(GRACE), |value| reader.parsed(value, time::duration));
    let action = table.get("action").map_or(Some(Action::Page), |value| reader.choice(value, ACTIONS));
    let policy = table.get("policy").and_then(|value| reader.parsed(value, |text| scope.names.policies.find(text)));
    let group = table.get("group").map(|value| reader.parsed(value, |text| scope.names.groups.find(text)));
    let Some(every) = table.get("every") else {
        for key in ["grace", "group", "action", "policy"] {
            if let Some(value) = table.get(key) {
                let message = format!("`{key}` is for when a test is late, and without `every` none ever is");
                reader.warn(value.at, message, "add for example `every = \"1 day\"`");
            }
        }
        return None;
    };
    let (least, most) = (SignedDuration::from_mins(1), SignedDuration::from_hours(366 * 24));
    let every = reader.parsed(every, |text| time::duration_within(text, least, most));
    let group = match group {
        Some(named) => named.map(GroupId::new),
        None => defaults.group.clone().or_else(|| {
            let hint = "add `group = \"…\"`, or `group` under `[defaults]`";
            reader.error_hint(table.at, "nothing says whom to notify when no self-test was passed", hint);
            None
        }),
    };
    let every = every?;
    Some(Heartbeat {
        name: Policy::SELF_TEST.to_owned(),
        kind: Kind::SelfTest,
        rhythm: Rhythm::Every(every),
        written: time::friendly(every),
        grace: grace?,
        time_zone: scope.time_zone.clone(),
        group: group?,
        action: action?,
        policy: policy.map(str::to_owned),
    })
}

/// What is odd about it.
pub(super) fn warn(scope: &Scope<'_>, test: &SelfTest) {
    let reader = scope.reader;
    let Some(table) = reader.section("self_test").filter(|_| reader.purpose == Purpose::Check) else { return };
    if test.contact.is_none() {
        let message =
            "`[self_test]` names no contact: it is passed when the mail has come in, and tells nothing of providers";
        reader.warn(table.at, message, "add `contact = \"…\"`, who then gets a text");
    }
    let program = test.via.first().map(std::path::Path::new).filter(|program| program.is_absolute());
    if let Some(program) = program.filter(|program| !program.exists()) {
        let at = table.get("via").map_or(table.at, |value| value.at);
        let message = format!("`{}`, which is to take the mail of a self-test, is not there", program.display());
        reader.warn(at, message, "install a mail server, or say under `via` what takes mails here");
    }
    if !test.via.iter().any(|part| part.contains("{{ to }}") || part.contains(&test.to) || part == "-t") {
        let at = table.get("via").map_or(table.at, |value| value.at);
        let message = format!("`via` does not say that the mail goes to {}", test.to);
        reader.warn(at, message, "add \"{{ to }}\", or `-t` where the program reads the mail's own `To`");
    }
}
