//! Mails that say that it is over. A rule that calls somebody for one was meant for its opposite.

use jiff::Timestamp;

use super::Config;
use crate::mail::{Message, Text};
use crate::rules::ruleset::View;
use crate::rules::{Condition, Nobody, Place, Rule};

/// Subject and text of what common monitoring sends when all is well again, in its form, in our words.
const RECOVERIES: &[(&str, &str)] = &[
    (
        "** RECOVERY Service Alert: web1/HTTP is OK **",
        "Notification Type: RECOVERY\n\nService: HTTP\nHost: web1\nAddress: 192.0.2.1\nState: OK\n",
    ),
    (
        "** RECOVERY Host Alert: web1 is UP **",
        "Notification Type: RECOVERY\nHost: web1\nState: UP\nAddress: 192.0.2.1\n",
    ),
    ("[RECOVERY] HTTP on web1 is OK!", "HTTP on web1 is OK!\n\nWhen: 2026-11-02 02:00:00 +0000\nHost: web1\n"),
    ("Resolved: High CPU load on web1", "Problem has been resolved at 02:00:00 on 2026.11.02\nHost: web1\n"),
    ("[RESOLVED] HighLoad (web1)", "1 alert for alertname=HighLoad\n\n[1] Resolved\n"),
    ("[OK] HTTP on web1", "Everything is back to normal.\n"),
    ("UPS web1 is on line power again", "Power has been restored: the UPS is on line.\n"),
];

/// The subject of a recovery that this rule would notify somebody of, when the rules before it let it through. A rule
/// that does not look at what mails say is meant for all of them.
pub(super) fn called_for(config: &Config, rule: &Rule) -> Option<&'static str> {
    let looks = |place: &Place| rule.when.iter().any(|condition: &Condition| condition.looks_at(place));
    if !rule.action.notifies() || !(looks(&Place::Subject) || looks(&Place::Text)) {
        return None;
    }
    RECOVERIES.iter().find(|(subject, text)| decides(config, rule, subject, text)).map(|(subject, _)| *subject)
}

fn decides(config: &Config, rule: &Rule, subject: &str, text: &str) -> bool {
    let message = Message {
        headers: vec![("Subject".to_owned(), subject.to_owned())],
        text: Text::new(text, ""),
        size: 1000,
        ..Message::default()
    };
    let view = View { message: &message, sender: None, recipient: "", now: Timestamp::UNIX_EPOCH };
    let judgement = config.rules.judge(&view, &Nobody);
    judgement.is_ok_and(|judgement| judgement.matched().any(|verdict| std::ptr::eq(verdict.rule, rule)))
}
