//! Rules that belong together by their keys: what one opens, another ends. Warns where they cannot meet.

use super::value::At;
use super::{Config, Scope};
use crate::rules::{Action, Rule};

/// Warns of rules that end or take what no rule opens, and of rules that count what never comes twice.
pub(super) fn warn(scope: &Scope<'_>, config: &Config, places: &[At]) {
    let rules = &config.rules.rules;
    for (rule, at) in rules.iter().zip(places) {
        if let Some(key) = closing_key(rule)
            && !rules.iter().any(|opening| may_share(opening, rule, key))
        {
            let message =
                format!("the rule `{}` finds no alert: no rule that notifies has such a key in its group", rule.name);
            scope.reader.warn(*at, message, "give it the `key` and `group` of the rule that opens the alert");
        }
        if rule.count.is_some() && rule.key.is_none() && !rule.capture_names().is_empty() {
            let message =
                format!("the rule `{}` counts each set of captures for itself, for it has no `key`", rule.name);
            scope.reader.warn(*at, message, "give it a `key` of what stays the same: `key = \"load {{ host }}\"`");
        }
    }
}

fn closing_key(rule: &Rule) -> Option<&str> {
    match rule.action {
        Action::Resolve | Action::Acknowledge => rule.key.as_deref(),
        Action::Call | Action::Sms | Action::Page | Action::Ignore => None,
    }
}

/// Whether an alert of `opening` may be one that `closing` is about.
fn may_share(opening: &Rule, closing: &Rule, key: &str) -> bool {
    let groups_differ = opening.group.is_some() && closing.group.is_some() && opening.group != closing.group;
    opening.action.notifies() && !groups_differ && opening.key.as_deref().is_some_and(|other| may_be_equal(key, other))
}

/// Whether two templates may say the same: their fixed words are, whatever stands between braces. Where a template has
/// statements, or nothing fixed, nobody can tell: then they may.
fn may_be_equal(one: &str, other: &str) -> bool {
    let unknown = |source: &str| source.contains("{%") || fixed(source).replace(HOLE, "").trim().is_empty();
    unknown(one) || unknown(other) || fixed(one) == fixed(other)
}

/// Stands for what is between braces: no template holds it.
const HOLE: char = '\0';

/// The template with every expression as a hole, and spaces folded.
fn fixed(source: &str) -> String {
    let mut text = String::new();
    let mut rest = source;
    while let Some((before, inside)) = rest.split_once("{{") {
        text.push_str(before);
        text.push(HOLE);
        rest = inside.split_once("}}").map_or("", |(_, behind)| behind);
    }
    text.push_str(rest);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::may_be_equal;

    #[test]
    fn templates_with_the_same_words_may_say_the_same() {
        assert!(may_be_equal("host {{ host }}", "host  {{ name | lower }}"));
        assert!(may_be_equal("host {{ host }}", "{{ key }}"));
        assert!(may_be_equal("host {{ host }}", "{% if host %}{{ host }}{% endif %}"));
        assert!(!may_be_equal("host {{ host }}", "hosts {{ host }}"));
        assert!(!may_be_equal("host {{ host }}", "host {{ host }} {{ service }}"));
        assert!(!may_be_equal("fixed", "host {{ host }}"));
    }
}
