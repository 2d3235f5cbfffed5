//! The envelope: the sender and recipients that the mail server named, or the best that the headers tell.

use std::collections::HashSet;

use super::message::Message;

/// More recipients than these are not kept: what is more is no envelope but an attack.
pub const MAX_RECIPIENTS: usize = 10_000;

/// The longest address there is (RFC 5321, 4.5.3.1: 64 for the local part, `@`, 255 for the domain). In bytes.
pub const MAX_ADDRESS: usize = 320;

/// Where the recipients were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientSource {
    /// Arguments on the command line: somebody configured this address to come to us.
    Arguments,
    /// The mail server's environment (Postfix's `ORIGINAL_RECIPIENT`, `RECIPIENT`; procmail's `LOGNAME`, …).
    Environment,
    /// `Delivered-To`, `X-Original-To`, `To`, `Cc`.
    Headers,
    /// Nowhere.
    Nowhere,
}

/// Who sent the mail to whom, as far as the mail server told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The envelope sender; `Some("")` for the null sender `<>`, `None` when nobody named one.
    pub sender: Option<String>,
    /// The recipients, each once, in order, domain in lower case.
    pub recipients: Vec<String>,
    /// Where they were found.
    pub source: RecipientSource,
}

impl Envelope {
    /// The envelope by the first of these that names anybody: arguments; the environment of Postfix's local(8), Exim,
    /// qmail, maildrop or procmail (Postfix's pipe(8) sets none); the header fields that the last mail server added;
    /// `To` and `Cc`. Sender: argument, `$SENDER`, Return-Path, the `From_` line.
    pub fn resolve(
        sender_argument: Option<&str>,
        recipient_arguments: &[String],
        environment: &dyn Fn(&str) -> Option<String>,
        message: &Message,
    ) -> Envelope {
        let sender = sender_argument
            .map(str::to_owned)
            .or_else(|| sender_variable(environment))
            .or_else(|| message.header("Return-Path").map(str::to_owned))
            .or_else(|| message.envelope_line.clone())
            .map(|text| sender(&text));
        let mut recipients = Recipients::default();
        for argument in recipient_arguments {
            recipients.add(argument);
        }
        if !recipients.list.is_empty() {
            return Envelope { sender, recipients: recipients.list, source: RecipientSource::Arguments };
        }
        if let Some(address) = from_environment(environment) {
            recipients.add(&address);
            return Envelope { sender, recipients: recipients.list, source: RecipientSource::Environment };
        }
        from_headers(message, &mut recipients);
        let source = if recipients.list.is_empty() { RecipientSource::Nowhere } else { RecipientSource::Headers };
        Envelope { sender, recipients: recipients.list, source }
    }
}

/// The sender as we keep it: bare, empty for the null sender in any of its spellings.
fn sender(text: &str) -> String {
    let text = text.trim();
    let local = text.trim_start_matches('<').split(['@', '>']).next().unwrap_or_default();
    if local.is_empty() || local.eq_ignore_ascii_case("mailer-daemon") {
        String::new()
    } else {
        address(text).unwrap_or_default()
    }
}

/// `$SENDER` as a mail server sets it; a program of that name may mean anything by it. Only beside a recipient is an
/// empty one the null sender: to take an alert for a bounce would lose it.
fn sender_variable(environment: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let value = environment("SENDER")?;
    let bare = value.trim();
    let by_server = || environment("RECIPIENT").is_some() || environment("LOCAL_PART").is_some();
    let null = bare.is_empty() || bare == "<>" || bare.eq_ignore_ascii_case("mailer-daemon");
    (bare.contains('@') || null && by_server()).then_some(value)
}

/// The recipient that the mail server put into the environment.
fn from_environment(environment: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let whole = |name: &str| environment(name).filter(|value| value.contains('@')).and_then(|value| address(&value));
    // Postfix's local(8): the address before and after alias expansion; Exim and qmail set RECIPIENT, too.
    if let Some(found) = whole("ORIGINAL_RECIPIENT").or_else(|| whole("RECIPIENT")) {
        return Some(found);
    }
    // Exim's pipe transport: the parts of the address.
    if let (Some(local), Some(domain)) = (environment("LOCAL_PART"), environment("DOMAIN"))
        && !local.is_empty()
        && !domain.is_empty()
    {
        let before = environment("LOCAL_PART_PREFIX").unwrap_or_default();
        let after = environment("LOCAL_PART_SUFFIX").unwrap_or_default();
        return address(&format!("{before}{local}{after}@{domain}"));
    }
    // Postfix, qmail and maildrop name the parts, too; a login name alone says too little, and every shell has one.
    let local = environment("LOCAL").filter(|local| !local.is_empty());
    let local = local.or_else(|| {
        let extension = environment("EXTENSION").filter(|extension| !extension.is_empty())?;
        Some(format!("{}+{extension}", environment("LOGNAME")?))
    })?;
    address(&format!("{local}@{}", environment("DOMAIN").or_else(|| environment("HOST"))?))
}

/// The recipients by header: the first field that names anybody, those that a mail server adds first.
fn from_headers(message: &Message, recipients: &mut Recipients) {
    for name in ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To"] {
        // The first is the last hop's, ours.
        if let Some(value) = message.header_values(name).find(|value| value.contains('@')) {
            each_address(value, &mut |found| recipients.add(found));
        }
        if !recipients.list.is_empty() {
            return;
        }
    }
    for name in ["To", "Cc", "Apparently-To", "Resent-To"] {
        for value in message.header_values(name) {
            each_address(value, &mut |found| recipients.add(found));
        }
    }
}

#[derive(Default)]
struct Recipients {
    list: Vec<String>,
    seen: HashSet<String>,
}

impl Recipients {
    fn add(&mut self, text: &str) {
        if self.list.len() >= MAX_RECIPIENTS {
            return;
        }
        if let Some(address) = address(text)
            && self.seen.insert(address.to_ascii_lowercase())
        {
            self.list.push(address);
        }
    }
}

/// One address as we keep it: without `<>` and `mailto:`, domain in lower case; nothing when it is empty, too long or
/// holds white space or control characters.
fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let text = match (text.rfind('<'), text.rfind('>')) {
        (Some(start), Some(end)) if start < end => text.get(start + 1..end).unwrap_or_default(),
        _ => text.trim_start_matches('<').trim_end_matches('>'),
    };
    let text = text.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    if text.is_empty() || text.len() > MAX_ADDRESS || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    Some(match text.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.trim_end_matches('.').to_lowercase()),
        None => text.to_owned(),
    })
}

/// Calls `found` with each address of an address list (RFC 5322, 3.4): display names, comments and groups are skipped.
/// Linear.
pub fn each_address(list: &str, found: &mut dyn FnMut(&str)) {
    let mut piece = String::new();
    let (mut quoted, mut escaped, mut comments, mut in_angle) = (false, false, 0_usize, false);
    let mut give = |piece: &mut String| {
        let bare = piece.trim();
        let bare = match (bare.rfind('<'), bare.rfind('>')) {
            (Some(start), Some(end)) if start < end => bare.get(start + 1..end).unwrap_or_default(),
            _ => bare.split_whitespace().rfind(|word| word.contains('@')).unwrap_or_default(),
        };
        if bare.contains('@') {
            found(bare);
        }
        piece.clear();
    };
    for char in list.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted || comments > 0 => escaped = true,
            '"' if comments == 0 => {
                quoted = !quoted;
                if in_angle {
                    piece.push(char);
                }
            }
            _ if quoted && !in_angle => {}
            '(' if !quoted => comments += 1,
            ')' if !quoted && comments > 0 => comments -= 1,
            _ if comments > 0 => {}
            ',' | ';' if !quoted => {
                in_angle = false;
                give(&mut piece);
            }
            ':' if !quoted && !in_angle && !piece.contains("mailto") => piece.clear(),
            _ => {
                in_angle = match char {
                    '<' => true,
                    '>' => false,
                    _ => in_angle,
                };
                piece.push(char);
            }
        }
    }
    give(&mut piece);
}

#[cfg(test)]
mod tests {
    use super::super::message::Raw;
    use super::*;

    fn resolve(sender: Option<&str>, arguments: &[&str], environment: &[(&str, &str)], header: &str) -> Envelope {
        let message = Message::parse(&Raw::from(format!("{header}\n\ntext\n").as_bytes()));
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let value =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Envelope::resolve(sender, &arguments, &value, &message)
    }

    #[test]
    fn arguments_win_then_environment_then_headers() {
        let header = "Delivered-To: <c@H.Example>\nDelivered-To: d@h.example\nTo: e@h.example";
        let environment = [("ORIGINAL_RECIPIENT", "b@H.example"), ("RECIPIENT", "x@h.example")];
        let envelope = resolve(None, &["A@H.Example", "<a@h.example>"], &environment, header);
        assert_eq!(
            (envelope.recipients, envelope.source),
            (vec!["A@h.example".to_owned()], RecipientSource::Arguments)
        );
        let envelope = resolve(None, &[], &environment, header);
        assert_eq!(
            (envelope.recipients, envelope.source),
            (vec!["b@h.example".to_owned()], RecipientSource::Environment)
        );
        let envelope = resolve(None, &[], &[], header);
        assert_eq!((envelope.recipients, envelope.source), (vec!["c@h.example".to_owned()], RecipientSource::Headers));
        let envelope = resolve(None, &[], &[], "Subject: x");
        assert_eq!((envelope.recipients, envelope.source), (vec![], RecipientSource::Nowhere));
    }

    #[test]
    fn exim_names_the_parts_of_the_address() {
        let envelope = resolve(None, &[], &[("LOCAL_PART", "cust1"), ("DOMAIN", "SMS.example")], "To: x@y.example");
        assert_eq!(envelope.recipients, ["cust1@sms.example"]);
    }

    #[test]
    fn the_parts_that_local_programs_get_make_an_address_and_a_login_name_does_not() {
        let environment = [("LOGNAME", "ops"), ("EXTENSION", "cust1"), ("DOMAIN", "h.example")];
        assert_eq!(resolve(None, &[], &environment, "To: x@y.example").recipients, ["ops+cust1@h.example"]);
        let environment = [("LOGNAME", "ops"), ("USER", "ops"), ("HOST", "h.example")];
        assert_eq!(resolve(None, &[], &environment, "To: x@y.example").recipients, ["x@y.example"]);
    }

    #[test]
    fn to_and_cc_with_names_groups_and_comments() {
        let header = "To: \"Doe, \\\"J\\\" <no@x>\" <j@a.example>, ops: k@a.example, l@a.example;\nCc: (c, d@x) m@a.example, J@A.example";
        assert_eq!(
            resolve(None, &[], &[], header).recipients,
            ["j@a.example", "k@a.example", "l@a.example", "m@a.example"]
        );
    }

    #[test]
    fn the_null_sender_is_empty_and_none_is_none() {
        assert_eq!(resolve(Some("<>"), &[], &[], "To: a@b").sender.as_deref(), Some(""));
        let server = [("SENDER", "MAILER-DAEMON"), ("RECIPIENT", "a@b")];
        assert_eq!(resolve(None, &[], &server, "To: a@b").sender.as_deref(), Some(""));
        assert_eq!(resolve(None, &[], &[("SENDER", "")], "To: a@b").sender, None);
        assert_eq!(resolve(None, &[], &[], "Return-Path: <x@Y.Example>").sender.as_deref(), Some("x@y.example"));
        assert_eq!(
            resolve(None, &[], &[], "From z@Y.example Mon Jun  2 10:00:00 2025\nTo: a@b").sender.as_deref(),
            Some("z@y.example")
        );
        assert_eq!(resolve(None, &[], &[], "To: a@b").sender, None);
        assert_eq!(resolve(Some(""), &[], &[], "To: a@b").sender.as_deref(), Some(""));
    }

    #[test]
    fn ten_thousand_recipients_are_kept_and_no_more() {
        let list: Vec<String> = (0..30_000).map(|number| format!("u{}@example.com", number % 20_000)).collect();
        let start = std::time::Instant::now();
        let envelope = resolve(None, &[], &[], &format!("To: {}", list.join(", ")));
        assert_eq!(envelope.recipients.len(), MAX_RECIPIENTS);
        assert!(start.elapsed().as_secs() < 30);
    }

    #[test]
    fn monstrous_addresses_are_left_out() {
        assert_eq!(resolve(None, &[&format!("{}@x.example", "a".repeat(400))], &[], "To: b@c").recipients, ["b@c"]);
    }
}
