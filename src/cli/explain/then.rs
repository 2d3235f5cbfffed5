//! What becomes of a mail: whose alert it is, who is called when, and the words of call and text.

use std::fmt::Write as _;

use anstyle::Style;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::page::{fact, heading};
use crate::alert::plan::Planned;
use crate::alert::{Alert, Channel, Delivery, Purpose, State};
use crate::cli::layout::{BAD, FAINT, GOOD, HEADING, NOTE, PLAIN, Room, Styled, hang};
use crate::cli::terminal;
use crate::config::{BUILT_IN_VARIABLES, Links};
use crate::engine::send::TEXT_SEGMENTS;
use crate::explain::memory::Meeting;
use crate::explain::words::text_of;
use crate::explain::{Explanation, Held, forward};
use crate::intake::Wish;
use crate::notify::{sms, speech};
use crate::rules::Action;

/// So many attempts are listed.
const ATTEMPTS: usize = 24;

/// What happens, in a line, and why.
pub struct Headline {
    /// A word that is found at a glance.
    pub badge: String,
    /// Its colour.
    pub style: Style,
    /// What happens.
    pub words: String,
    /// Why, and what goes with it.
    pub because: Vec<String>,
}

/// The headline of a wish.
pub fn headline(explanation: &Explanation<'_>, wish: &Wish<'_>, meeting: &Meeting) -> Headline {
    let rule = match wish.rule {
        Some(rule) => format!("because of the rule `{}`", terminal::one_line(&rule.name)),
        None => "because no rule matches, and mail to this address then pages its group".to_owned(),
    };
    if !wish.notifies() {
        return ending(explanation, wish, meeting, rule);
    }
    if let Some(alert) = meeting.alert() {
        let joined = match meeting {
            Meeting::SameMail(_) => "this very mail was delivered before: it is part of",
            Meeting::None | Meeting::Joins(_) => "joins",
        };
        let words = format!("{joined} {}, no call", named(explanation, alert));
        let mut because = vec![rule];
        if let (State::Open, Some(next)) = (alert.state, next(alert)) {
            because.push(format!("its next attempt is due {}", full_time(explanation, next)));
        }
        return Headline { badge: " JOINS ".to_owned(), style: NOTE, words, because };
    }
    let plan = explanation.plan(wish);
    let group = explanation.roster.groups.get(&wish.arrival.group);
    let group = terminal::one_line(group.map_or(wish.arrival.group.as_str(), |group| group.name.as_str()));
    let Some(first) = plan.first() else {
        let words = format!("nobody: the policy `{}` reaches nobody in {group}", wish.policy.name);
        return Headline { badge: " NOBODY ".to_owned(), style: BAD, words, because: vec![rule] };
    };
    let together = |row: &&Planned| row.after == first.after && row.contact == first.contact;
    let channels: Vec<Channel> = plan.iter().filter(together).map(|row| row.channel).collect();
    let (badge, main) = [(" CALL ", Channel::Call), (" TEXT ", Channel::Text), (" MAIL ", Channel::Email)]
        .into_iter()
        .find(|(_, channel)| channels.contains(channel))
        .unwrap_or((" NOBODY ", first.channel));
    let mut words = format!("{} at once", name_of(explanation, first));
    let besides: Vec<&str> = channels.iter().filter(|channel| **channel != main).map(|one| one.noun()).collect();
    if !besides.is_empty() {
        let _ = write!(words, ", with a {} besides", besides.join(" and a "));
    }
    // The next person, or the first call after a text: what comes next that is something else.
    let other = |row: &&Planned| !together(row) && (row.contact != first.contact || !channels.contains(&row.channel));
    if let Some(next) = plan.iter().find(other) {
        let name = name_of(explanation, next);
        if next.after.is_zero() {
            let _ = write!(words, ", and {name}");
        } else {
            let at = clock_time(explanation, next.after);
            let _ = write!(words, "; if nobody acknowledges, {} {name} at {at}", does(next.channel));
        }
    }
    let because = vec![format!("{rule}; the group is {group}")];
    Headline { badge: badge.to_owned(), style: GOOD, words, because }
}

/// When something is tried next for an alert: a page that has not gone out yet, or the next attempt of the policy.
fn next(alert: &Alert) -> Option<Timestamp> {
    let unsent = alert.notifications.iter().filter(|one| one.purpose == Purpose::Page);
    let due = unsent.filter_map(|one| match &one.delivery {
        Delivery::Due { at, .. } | Delivery::Held { until: at, .. } => Some(*at),
        Delivery::Claimed { .. } | Delivery::Accepted { .. } | Delivery::Ended { .. } => None,
    });
    due.chain(alert.next_at).min()
}

/// The headline of what acknowledges or resolves.
fn ending(explanation: &Explanation<'_>, wish: &Wish<'_>, meeting: &Meeting, rule: String) -> Headline {
    let (badge, does) = match wish.action {
        Action::Acknowledge => (" ACK ", "acknowledges"),
        Action::Resolve | Action::Ignore | Action::Call | Action::Sms | Action::Page => (" RESOLVE ", "resolves"),
    };
    let words = if let Some(alert) = meeting.alert() {
        format!("Nobody would be called: it {does} {}", named(explanation, alert))
    } else {
        let key = terminal::short(&wish.arrival.key, 60);
        format!("Nobody would be called: it {does} the alert with the key `{key}`, if there is one")
    };
    Headline { badge: badge.to_owned(), style: NOTE, words, because: vec![rule] }
}

/// `alert 12 (7K), open since Mon 2026-11-02 14:02 NZDT`.
fn named(explanation: &Explanation<'_>, alert: &Alert) -> String {
    let mut words = format!("alert {} ({}), ", alert.id, terminal::one_line(&alert.code.0));
    let (state, since) = match alert.state {
        State::Open => ("open", Some(alert.opened_at)),
        State::Acknowledged => ("acknowledged", alert.acknowledged_at),
        State::Resolved => ("resolved", alert.ended_at),
        State::Expired => ("expired", alert.ended_at),
    };
    words.push_str(state);
    if let (State::Acknowledged, Some(who)) = (alert.state, &alert.acknowledged_by) {
        let _ = write!(words, " by {}", terminal::one_line(who));
    }
    if let Some(since) = since {
        let _ = write!(words, " since {}", full_time(explanation, since));
    }
    if alert.mails > 1 {
        let _ = write!(words, ", {} mails so far", alert.mails);
    }
    words
}

/// Adds everything about a wish.
pub fn wish(
    page: &mut String,
    explanation: &Explanation<'_>,
    wish: &Wish<'_>,
    (meeting, held): (&Meeting, &[Held]),
    width: usize,
) {
    let rule = wish.rule.map_or("no rule matches a known recipient", |rule| rule.name.as_str());
    let action = match wish.action {
        Action::Call => "call",
        Action::Sms => "text",
        Action::Page => "page",
        Action::Resolve => "resolve",
        Action::Acknowledge => "acknowledge",
        Action::Ignore => "ignore",
    };
    heading(page, &format!("Then: {action}"), &terminal::one_line(rule));
    fact(page, "group", wish.arrival.group.as_str(), width);
    fact(page, "key", &wish.arrival.key, width);
    fact(page, "digest", &wish.arrival.digest.to_string(), width);
    if let Some(alert) = meeting.alert() {
        fact(page, "alert", &named(explanation, alert), width);
    }
    variables(page, wish, width);
    for note in &wish.notes {
        let lead = format!("{BAD}note{BAD:#}{}", " ".repeat(super::page::COLUMN - 4));
        let note = terminal::one_line(note);
        let note = Styled { text: &note, style: BAD, mark: None };
        hang(page, 2, &lead, super::page::COLUMN, &note, Room { width, most: 4 });
    }
    if !wish.notifies() {
        return;
    }
    fact(page, "window", &format!("{:#}: so long, more mails of this key join it", wish.arrival.window), width);
    fact(page, "on call", &on_call(explanation, wish), width);
    if let Some(words) = forward::words(explanation, wish, meeting) {
        fact(page, "forwarded", &words, width);
    }
    attempts(page, explanation, wish, meeting);
    for held in held {
        let name = explanation.roster.contacts.get(&held.contact).map_or(held.contact.as_str(), |known| &known.name);
        let line = format!(
            "a limit ({}) holds the {} to {} back: it is told in the next one there, or sent at {}",
            held.full,
            does(held.channel),
            terminal::one_line(name),
            full_time(explanation, held.until),
        );
        let line = Styled { text: &line, style: BAD, mark: None };
        hang(page, 4, "", 0, &line, Room { width, most: 3 });
    }
    for (language, who) in explanation.languages(wish) {
        let aside = format!("in {} to {}", terminal::one_line(&language), terminal::one_line(&who));
        let _ = writeln!(page, "\n  {HEADING}Spoken{HEADING:#}  {FAINT}{aside}{FAINT:#}");
        words(page, &speech::spoken(&wish.arrival.say, &language), width);
    }
    let text = text_of(explanation, wish, meeting);
    let length = sms::length(&text);
    let encoding = match length.encoding {
        sms::Encoding::Gsm7 => "GSM-7",
        sms::Encoding::Ucs2 => "UCS-2",
    };
    let segments = if length.segments == 1 { "1 segment".to_owned() } else { format!("{} segments", length.segments) };
    let server = &explanation.judged.config.server;
    let example = match (meeting.alert(), server.public_url.as_ref().map_or(Links::No, |_| server.link)) {
        (Some(_), Links::No | Links::Page) => "",
        (Some(_), Links::Token) => "; the end of the link is an example",
        (None, Links::No) => "; the code is an example",
        (None, Links::Page) => "; the code and the number in the link are examples",
        (None, Links::Token) => "; the code and the end of the link are examples",
    };
    let _ = writeln!(
        page,
        "\n  {HEADING}Texted{HEADING:#}  {FAINT}{encoding}, {} {}, {segments} of at most {TEXT_SEGMENTS}{example}{FAINT:#}",
        length.units,
        match length.encoding {
            sms::Encoding::Gsm7 => "characters",
            sms::Encoding::Ucs2 => "units",
        },
    );
    words(page, &text, width);
}

/// What the rule captured and set; the rest is the mail's own, and stands above or in `--json`.
fn variables(page: &mut String, wish: &Wish<'_>, width: usize) {
    let mut name_shown = "variables";
    for (name, value) in &wish.variables.values {
        if BUILT_IN_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        fact(page, name_shown, &format!("{name} = {}", terminal::short(value, 200)), width);
        name_shown = "";
    }
}

fn words(page: &mut String, words: &str, width: usize) {
    let words = terminal::one_line(words);
    let bar = format!("{FAINT}│{FAINT:#} ");
    let styled = Styled { text: &words, style: PLAIN, mark: None };
    // Every line has its bar: wrapped here, so that each is hung on its own.
    for line in crate::cli::layout::wrap(styled.text, width.saturating_sub(4).max(20)) {
        let _ = writeln!(page, "  {bar}{line}");
    }
}

fn on_call(explanation: &Explanation<'_>, wish: &Wish<'_>) -> String {
    let Some(duty) = explanation.roster.duty(&wish.arrival.group, explanation.now()) else {
        return "nobody at this hour: everybody in the group is called".to_owned();
    };
    let name = |id| explanation.roster.contacts.get(id).map_or_else(|| ToString::to_string(id), |c| c.name.clone());
    let mut words = name(&duty.contact);
    if duty.overridden() {
        let by = explanation.roster.overrides.iter().rev().find(|made| {
            made.group == wish.arrival.group && made.contact == duty.contact && made.holds(explanation.now())
        });
        let by = by.map(|made| format!(" of {}", made.made_by)).unwrap_or_default();
        let _ = write!(words, ", by an override{by},");
    }
    match (duty.until, &duty.next) {
        (Some(until), Some(next)) => {
            let _ = write!(words, " until {}, then {}", full_time(explanation, until), name(next));
        }
        (Some(until), None) => {
            let _ = write!(words, " until {}", full_time(explanation, until));
        }
        (None, _) => words.push_str(" until further notice"),
    }
    words
}

/// The table of attempts: when, how long after the mail, how, whom, at which number.
fn attempts(page: &mut String, explanation: &Explanation<'_>, wish: &Wish<'_>, meeting: &Meeting) {
    let plan = explanation.plan(wish);
    let heading = if meeting.alert().is_some() {
        "Who, if it were a new alert and nobody acknowledged"
    } else {
        "Who, if nobody acknowledges"
    };
    let _ = writeln!(page, "\n  {HEADING}{heading}{HEADING:#}  {FAINT}policy {}{FAINT:#}", wish.policy.name);
    let first_round: Vec<&Planned> = plan.iter().filter(|row| row.round == 0).take(ATTEMPTS).collect();
    let longest = |cells: &mut dyn Iterator<Item = String>| cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
    let times = longest(&mut first_round.iter().map(|row| clock_time(explanation, row.after)));
    let spans = longest(&mut first_round.iter().map(|row| elapsed(row.after)));
    let names = longest(&mut first_round.iter().map(|row| name_of(explanation, row)));
    let mut before: Option<SignedDuration> = None;
    for row in &first_round {
        // What is done at the same moment stands under the same time.
        let same = before.replace(row.after) == Some(row.after);
        let (time, span) = if same {
            (String::new(), String::new())
        } else {
            (clock_time(explanation, row.after), elapsed(row.after))
        };
        let how = does(row.channel);
        let contact = explanation.roster.contacts.get(&row.contact);
        let number = contact.and_then(|contact| row.channel.address(contact)).map_or_else(
            || format!("{BAD}has no {}: passed over{BAD:#}", row.channel.lacking()),
            |to| format!("{FAINT}{to}{FAINT:#}"),
        );
        let (this, all) = row.attempt;
        let which = if all > 1 { format!("  {FAINT}{} of {all}{FAINT:#}", this + 1) } else { String::new() };
        let name = name_of(explanation, row);
        let _ = writeln!(
            page,
            "    {time:<times$}  {FAINT}{span:<spans$}{FAINT:#}  {how} {HEADING}{name:<names$}{HEADING:#}  {number}{which}"
        );
    }
    let rounds = plan.last().map_or(0, |row| row.round);
    if let (Some(last), 1..) = (plan.last(), rounds) {
        let again = if rounds == 1 { "once more".to_owned() } else { format!("{rounds} times more") };
        let until = clock_time(explanation, last.after);
        let _ = writeln!(page, "    {FAINT}and all of it {again}, the last attempt at {until}{FAINT:#}");
    }
    if plan.is_empty() {
        let _ = writeln!(page, "    {BAD}nobody{BAD:#}");
    }
    remarks(page, wish);
}

/// What the table of attempts does not show: hours, redials, and that it is asked again.
fn remarks(page: &mut String, wish: &Wish<'_>) {
    for (number, step) in (1..).zip(&wish.policy.steps) {
        if let Some(hours) = &step.only {
            let _ = writeln!(
                page,
                "    {FAINT}step {number} ({}) counts only {hours}; where no step counts, all do{FAINT:#}",
                step.notify
            );
        }
        if step.attempts > 1 && !step.redial.is_zero() {
            let redial = step.redial;
            let _ = writeln!(
                page,
                "    {FAINT}step {number} ({}): {redial:#} after busy, no answer or a mailbox it is called again{FAINT:#}",
                step.notify
            );
        }
    }
    if let Some(remind) = wish.policy.remind {
        let _ = writeln!(
            page,
            "    {FAINT}{remind:#} after somebody took it, unless it is resolved: they are asked again, by text and call; \
             if they do not react, all of it anew{FAINT:#}"
        );
    }
}

fn does(channel: Channel) -> &'static str {
    match channel {
        Channel::Call => "call",
        Channel::Text => "text",
        Channel::Email => "mail",
    }
}

fn name_of(explanation: &Explanation<'_>, row: &Planned) -> String {
    let contact = explanation.roster.contacts.get(&row.contact);
    terminal::one_line(contact.map_or(row.contact.as_str(), |contact| contact.name.as_str()))
}

fn zoned(explanation: &Explanation<'_>, moment: Timestamp) -> Zoned {
    moment.to_zoned(explanation.judged.config.defaults.time_zone.clone())
}

/// `Mon 2026-11-02 15:00 NZDT`, in the rule file's time zone.
pub fn full_time(explanation: &Explanation<'_>, moment: Timestamp) -> String {
    zoned(explanation, moment).strftime("%a %Y-%m-%d %H:%M %Z").to_string()
}

/// `15:05`, with the day where it is another one.
fn clock_time(explanation: &Explanation<'_>, after: SignedDuration) -> String {
    let start = zoned(explanation, explanation.now());
    let moment = explanation.now().checked_add(after).unwrap_or(Timestamp::MAX);
    let then = zoned(explanation, moment);
    if then.date() == start.date() { then.strftime("%H:%M").to_string() } else { then.strftime("%a %H:%M").to_string() }
}

fn elapsed(after: SignedDuration) -> String {
    if after.is_zero() { "at once".to_owned() } else { format!("+{after:#}") }
}
