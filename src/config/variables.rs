//! The variables that every template can use, whatever the rule captures.

/// Their names. Whoever renders a rule's templates fills all of them; `check` accepts these, the captures of the rule
/// and what it `set`s.
pub const BUILT_IN_VARIABLES: &[&str] = &[
    // The `Date` field as it stands in the mail.
    "date",
    // The `From` field, decoded.
    "from",
    // The key of the group in the rule file, and its name for a person.
    "group",
    "group_name",
    // The `Message-ID` field, with its angle brackets.
    "message_id",
    // What the author of the mail wrote: two names for one thing.
    "new_text",
    "text",
    // All text of the mail, quotes included.
    "body",
    // The envelope: to whom the mail came, and from whom.
    "recipient",
    "sender",
    // The name of the rule.
    "rule",
    // The `Subject` field, decoded.
    "subject",
    // The `To` field, decoded.
    "to",
];
