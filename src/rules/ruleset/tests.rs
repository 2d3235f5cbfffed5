use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::mail::{Message, Text};
use crate::rules::{Nobody, Recall};

fn matches(place: Place, pattern: &str) -> Condition {
    Condition::Matches { place, pattern: Pattern::new(pattern).unwrap() }
}

pub fn rule(name: &str, when: Vec<Condition>) -> Rule {
    Rule {
        name: name.to_owned(),
        when,
        count: None,
        set: Vec::new(),
        action: Action::Call,
        group: None,
        policy: None,
        key: None,
        window: None,
        say: None,
        sms: None,
        goes_on: false,
    }
}

fn mail(headers: &[(&str, &str)], new_text: &str, quoted: &str) -> Message {
    Message {
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        text: Text::new(new_text, quoted),
        ..Message::default()
    }
}

fn view(message: &Message) -> View<'_> {
    View { message, sender: Some("redmine@example.com"), recipient: "oncall@example.com", now: Timestamp::UNIX_EPOCH }
}

/// The rules that decide, each with its captures, by `judge`; `explain` must agree.
fn decided(rules: &RuleSet, message: &Message) -> Vec<(String, Vec<(String, String)>)> {
    let list = |judgement: &Judgement<'_>| {
        judgement.matched().map(|verdict| (verdict.rule.name.clone(), verdict.captures.clone())).collect::<Vec<_>>()
    };
    let judged = list(&rules.judge(&view(message), &Nobody).unwrap());
    assert_eq!(list(&rules.explain(&view(message), &Nobody).unwrap()), judged);
    judged
}

/// The two recipes of procmail-twilio, as rules.
fn redmine() -> RuleSet {
    let escalated = rule(
        "redmine-escalated",
        vec![
            matches(Place::Header("X-Redmine-Project".to_owned()), r"\S"),
            matches(Place::Text, r"^Priority changed from \w+ to Emergency \(Critical\)$"),
            matches(Place::Text, r"Issue #(?<issue>\d+) has been (updated|reported) by (?<who>[^.\n]+)\."),
        ],
    );
    let new = rule(
        "redmine-new",
        vec![
            matches(Place::Header("X-Redmine-Project".to_owned()), r"\S"),
            matches(Place::Subject, r"\(New\)"),
            matches(Place::Text, r"^\* Priority: Emergency \(Critical\)$"),
            matches(Place::Text, r"Issue #(?<issue>\d+) has been reported by (?<who>[^.\n]+)\."),
        ],
    );
    RuleSet::new(vec![escalated, new])
}

/// What it is; the mail; the rule that matches, the issue, and who.
type Case = (&'static str, Message, Option<(&'static str, &'static str, &'static str)>);

#[test]
fn the_two_recipes_of_procmail_twilio_match_what_they_should() {
    let updated = "Issue #8658 has been updated by Ann Smith.\n\nPriority changed from High to Emergency (Critical)\n";
    let reported = "Issue #8659 has been reported by Bob.\n\n* Author: Bob\n* Priority: Emergency (Critical)\n";
    let project = ("X-Redmine-Project", "systems");
    let cases: &[Case] = &[
        (
            "priority raised",
            mail(&[project, ("Subject", "[Systems - Bug #8658] (In Progress) Disk")], updated, ""),
            Some(("redmine-escalated", "8658", "Ann Smith")),
        ),
        (
            "new emergency",
            mail(&[project, ("Subject", "[Systems - Bug #8659] (New) Down")], reported, ""),
            Some(("redmine-new", "8659", "Bob")),
        ),
        (
            "a reply that quotes the escalation",
            mail(&[project, ("Subject", "Re: [Systems - Bug #8658] (In Progress) Disk")], "I am on it.", updated),
            None,
        ),
        ("not from Redmine", mail(&[("Subject", "(New)")], updated, ""), None),
        (
            "priority lowered",
            mail(&[project], &updated.replace("High to Emergency (Critical)", "Emergency (Critical) to High"), ""),
            None,
        ),
        ("an emergency that is not new", mail(&[project, ("Subject", "(Resolved)")], reported, ""), None),
        (
            "the line within another line",
            mail(&[project], &updated.replace("Priority changed", "He wrote: Priority changed"), ""),
            None,
        ),
    ];
    for (what, message, expected) in cases {
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, issue, who)| {
                let captures = [("issue", issue), ("who", who)];
                ((*name).to_owned(), captures.iter().map(|(n, v)| ((*n).to_owned(), (**v).to_owned())).collect())
            })
            .collect::<Vec<_>>();
        assert_eq!(decided(&redmine(), message), expected, "{what}");
    }
}

#[test]
fn the_first_match_decides_unless_it_goes_on() {
    let rules = RuleSet::new(vec![
        rule("no", vec![matches(Place::Text, "absent")]),
        Rule { goes_on: true, ..rule("first", vec![matches(Place::Text, "(?<word>disk)")]) },
        rule("second", Vec::new()),
        rule("third", Vec::new()),
    ]);
    let message = mail(&[], "disk full", "");
    let word = vec![("word".to_owned(), "disk".to_owned())];
    assert_eq!(decided(&rules, &message), [("first".to_owned(), word), ("second".to_owned(), Vec::new())]);

    let judged = rules.judge(&view(&message), &Nobody).unwrap();
    assert!(judged.verdicts.iter().all(|verdict| verdict.conditions.is_empty()) && judged.verdicts.len() == 2);
    let explained = rules.explain(&view(&message), &Nobody).unwrap();
    let told: Vec<_> = explained
        .verdicts
        .iter()
        .map(|v| (v.rule.name.as_str(), v.matched, v.considered, v.conditions.len()))
        .collect();
    assert_eq!(
        told,
        [("no", false, true, 1), ("first", true, true, 1), ("second", true, true, 0), ("third", true, false, 0)]
    );
}

#[test]
fn the_first_condition_to_fill_a_name_counts() {
    let rules = RuleSet::new(vec![rule(
        "r",
        vec![
            matches(Place::Subject, r"#(?<issue>\d+)?"),
            matches(Place::Text, r"#(?<issue>\d+)"),
            matches(Place::Text, r"(?<issue>\w+)$"),
        ],
    )]);
    let issue = |value: &str| [("r".to_owned(), vec![("issue".to_owned(), value.to_owned())])];
    assert_eq!(decided(&rules, &mail(&[("Subject", "#1")], "#2", "")), issue("1"));
    assert_eq!(decided(&rules, &mail(&[("Subject", "# one")], "#2", "")), issue("2"));
}

#[test]
fn a_pattern_that_cannot_be_compiled_is_an_error_when_it_is_needed() {
    let rules = RuleSet::new(vec![
        rule("early", vec![matches(Place::Text, "all well")]),
        rule("huge", vec![matches(Place::Text, r"big (\w{200}){200}")]),
    ]);
    assert!(rules.judge(&view(&mail(&[], "all well, big", "")), &Nobody).is_ok());
    assert!(rules.judge(&view(&mail(&[], "small", "")), &Nobody).is_ok());
    let error = rules.judge(&view(&mail(&[], "a big one", "")), &Nobody).unwrap_err();
    assert_eq!(error.to_string(), r"rule `huge`: pattern `big (\w{200}){200}`: needs more than 10 MiB when compiled");
    assert_eq!(rules.compile(), [error]);
}

/// Answers always the same, and writes down for whom it was asked.
struct Says(Recall, std::cell::RefCell<Vec<(String, usize)>>);

impl Says {
    fn always(recall: Recall) -> Self {
        Self(recall, std::cell::RefCell::default())
    }
}

impl Outside for Says {
    fn recall(&self, rule: &Rule, _: &Count, _: &View<'_>, captures: &[(String, String)]) -> Recall {
        self.1.borrow_mut().push((rule.name.clone(), captures.len()));
        self.0
    }

    fn variable(&self, _: &Rule, _: &View<'_>, _: &[(String, String)], _: &str) -> Option<String> {
        None
    }
}

fn counting(action: Action) -> RuleSet {
    let count = Some(Count { times: 5, within: SignedDuration::from_mins(10) });
    RuleSet::new(vec![
        Rule { count, action, ..rule("many", vec![matches(Place::Text, "(?<word>disk)")]) },
        rule("one", vec![matches(Place::Text, "disk")]),
        Rule { count, ..rule("late", vec![matches(Place::Text, "disk")]) },
    ])
}

#[test]
fn a_rule_that_counts_matches_from_its_number_on() {
    let mail = mail(&[], "disk full", "");
    for (action, recall, expected) in [
        (Action::Call, Recall::Times(1), "one"),
        (Action::Call, Recall::Times(4), "one"),
        (Action::Call, Recall::Times(5), "many"),
        (Action::Call, Recall::Times(6), "many"),
        (Action::Call, Recall::Unknown, "many"),
        (Action::Resolve, Recall::Unknown, "many"),
        (Action::Page, Recall::Failed, "many"),
        // In doubt somebody is woken: what wakes nobody is taken not to match.
        (Action::Ignore, Recall::Failed, "one"),
        (Action::Resolve, Recall::Failed, "one"),
    ] {
        let rules = counting(action);
        let outside = Says::always(recall);
        let judged = rules.judge(&view(&mail), &outside).unwrap();
        assert_eq!(judged.verdicts[0].rule.name, expected, "{action:?} {recall:?}");
        assert_eq!(outside.1.take(), [("many".to_owned(), 1)], "asked once, with the captures");
        let explained = rules.explain(&view(&mail), &outside).unwrap();
        assert_eq!(explained.matched().next().unwrap().rule.name, expected, "{action:?} {recall:?}");
        assert_eq!(outside.1.take(), [("many".to_owned(), 1)], "what is not considered is not counted");
    }
}

#[test]
fn only_a_mail_that_all_other_conditions_hold_for_is_counted() {
    let outside = Says::always(Recall::Times(9));
    let other = mail(&[], "tape full", "");
    let rules = counting(Action::Call);
    assert!(rules.judge(&view(&other), &outside).unwrap().verdicts.is_empty());
    let explained = rules.explain(&view(&other), &outside).unwrap();
    assert_eq!(outside.1.take(), []);
    let count = explained.verdicts[0].conditions.last().unwrap();
    assert_eq!(count.describes, "at least 5 mails of its key in 10m");
    assert_eq!(count.saw, "not counted: only mails that all other conditions hold for are");
    let explained = rules.explain(&view(&mail(&[], "disk full", "")), &Nobody);
    let explained = explained.unwrap();
    let saw: Vec<&str> = explained.verdicts.iter().map(|v| v.conditions.last().unwrap().saw.as_str()).collect();
    assert!(saw[0].starts_with("not known here") && saw[2] == "not counted: the rule is not considered", "{saw:?}");
}

#[test]
fn a_mail_that_was_seen_is_judged_for_another_recipient() {
    let rules = RuleSet::new(vec![
        rule("both", vec![matches(Place::Text, "disk"), matches(Place::Recipient, "^(?<who>ann|bob)@")]),
        rule("rest", vec![matches(Place::Text, "disk")]),
    ]);
    let message = mail(&[], "disk full", "");
    let mut sight = Sight::new(&view(&message), &rules);
    let mut seen = Vec::new();
    for recipient in ["ann@example.com", "eve@example.com", "bob@example.com"] {
        sight.turn_to(recipient);
        let judged = rules.judge_seen(&sight, &Nobody).unwrap();
        let fresh = rules.judge(&View { recipient, ..view(&message) }, &Nobody).unwrap();
        assert_eq!(judged.verdicts[0].captures, fresh.verdicts[0].captures);
        seen.push((judged.verdicts[0].rule.name.as_str(), judged.verdicts[0].captures.len()));
    }
    assert_eq!(seen, [("both", 1), ("rest", 0), ("both", 1)]);
}

#[test]
fn a_rule_may_look_at_the_recipient_deep_inside() {
    let looks = |condition| RuleSet::new(vec![rule("r", vec![condition])]).depends_on_recipient();
    let inside = Condition::Any(vec![Condition::Not(Box::new(matches(Place::Recipient, "a")))]);
    assert!(looks(Condition::All(vec![inside])));
    assert!(!looks(Condition::Any(vec![matches(Place::To, "a")])));
    assert!(counting(Action::Call).depends_on_recipient() && counting(Action::Call).counts());
}

fn patterns() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "a",
        "ab",
        "b+",
        "^c",
        "c$",
        "[ab]{3}",
        "abc",
        "(?<x>a)b",
        "(?<x>b)|(?<y>c)",
        "(?<y>c*)$",
        "",
        r"\bk",
        "ſ",
        "(?-i)A",
    ])
    .prop_map(str::to_owned)
}

fn conditions() -> impl Strategy<Value = Condition> {
    let place = proptest::sample::select(vec![
        Place::Text,
        Place::Subject,
        Place::Header("X".to_owned()),
        Place::Body,
        Place::Attachment,
        Place::Sender,
    ]);
    let leaf = prop_oneof![
        8 => (place, patterns()).prop_map(|(place, pattern)| matches(place, &pattern)),
        1 => any::<bool>().prop_map(Condition::Automatic),
        1 => (0_u64..4).prop_map(|min| Condition::Size { min: Some(min), max: Some(min + 1) }),
        1 => Just(()).prop_map(|()| Condition::On { days: vec![jiff::civil::Weekday::Thursday], time_zone: TimeZone::UTC }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Condition::All),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|condition| Condition::Not(Box::new(condition))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn judge_and_explain_agree(
        rules in proptest::collection::vec((proptest::collection::vec(conditions(), 0..3), any::<bool>()), 0..6),
        new_text in "[abckKſ\n]{0,12}",
        many in any::<bool>(),
        subject in "[abc]{0,4}",
        x in proptest::collection::vec("[abc]{0,3}", 0..3),
        attachments in proptest::collection::vec("[abc]{1,3}", 0..2),
        (automatic, size) in (any::<bool>(), 0_u64..5),
    ) {
        let rules = rules.into_iter().enumerate()
            .map(|(n, (when, goes_on))| Rule { goes_on, ..rule(&n.to_string(), when) });
        let mut headers = vec![("Subject", subject.as_str())];
        headers.extend(x.iter().map(|value| ("x", value.as_str())));
        // Many patterns are sought in a long text in another way than few, or in a short one.
        let message = mail(&headers, &format!("{new_text}{}", "- ".repeat(if many { 400 } else { 0 })), "ab\nc");
        let others = (0..if many { FEW } else { 0 }).map(|n| rule("other", vec![matches(Place::Text, &format!("other {n}"))]));
        let rules: Vec<Rule> = rules.chain(others).collect();
        let message = Message { attachments, size, automatic, ..message };
        let rules = RuleSet::new(rules);
        let matched = decided(&rules, &message);
        prop_assert!(matched.iter().rev().skip(1).all(|(name, _)| rules.rules[name.parse::<usize>().unwrap()].goes_on));
    }
}
