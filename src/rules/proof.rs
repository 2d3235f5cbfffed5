//! What can be proved of conditions without a mail: that they never hold together, that one implies another, which
//! captures are certain. For `check` alone. What is not understood proves nothing: a warning must be true.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jiff::civil::Time;
use regex_syntax::ast::{Ast, GroupKind, RepetitionKind, RepetitionRange};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::fold::fold;
use super::{Condition, Pattern, Place, Rule, words};

/// `any` within `any` is followed so deep.
const DEPTH: usize = 4;

/// Proves, and remembers what it learned of each pattern.
#[derive(Default)]
pub struct Prover<'c> {
    patterns: RefCell<HashMap<&'c str, Rc<Facts>>>,
}

/// What is known of a pattern.
struct Facts {
    /// Why nothing can match it.
    never: Option<String>,
    /// It matches every text.
    always: bool,
    /// It matches exactly the texts that contain one of these (folded).
    texts: Option<Vec<String>>,
}

impl<'c> Prover<'c> {
    /// Why these conditions cannot all hold, if that is certain.
    pub fn impossible(&self, conditions: &'c [Condition]) -> Option<String> {
        let known = flat(conditions);
        for (index, condition) in known.iter().enumerate() {
            if let Some(why) = self.never(condition) {
                return Some(why);
            }
            for other in known.iter().take(index) {
                if self.exclude(other, condition) {
                    return Some(format!("`{}` and `{}` exclude each other", other.describe(), condition.describe()));
                }
            }
            let others: Vec<&Condition> =
                known.iter().filter(|other| !std::ptr::eq(**other, *condition)).copied().collect();
            if let Condition::Not(inner) = condition
                && self.imply(&others, inner, DEPTH)
            {
                return Some(format!("`{}` contradicts the other conditions", condition.describe()));
            }
            if let Condition::Any(branches) = condition
                && branches.iter().all(|branch| {
                    self.never(branch).is_some() || others.iter().any(|other| self.exclude(other, branch))
                })
            {
                return Some(format!("of `{}` none can hold", condition.describe()));
            }
        }
        None
    }

    /// Whether every mail that the later rule matches is decided by the earlier one.
    pub fn covers(&self, earlier: &'c Rule, later: &'c Rule) -> bool {
        const NO_ANSWER: &Condition = &Condition::Automatic(false);
        if earlier.goes_on || earlier.count.is_some() || (later.asks_for_automatic() && !earlier.asks_for_automatic()) {
            return false;
        }
        let mut known = flat(&later.when);
        if !later.asks_for_automatic() {
            // Automatic answers are kept from it.
            known.push(NO_ANSWER);
        }
        earlier.when.iter().all(|wanted| self.imply(&known, wanted, DEPTH))
    }

    /// Why this condition never holds.
    fn never(&self, condition: &'c Condition) -> Option<String> {
        if let Condition::Matches { place, pattern, .. } = condition {
            return self.facts(pattern).never.as_ref().map(|why| format!("nothing matches {place} `{pattern}`: {why}"));
        }
        if let Condition::Size { min: Some(min), max: Some(max) } = condition
            && min > max
        {
            return Some(format!("no mail has at least {min} and at most {max} bytes"));
        }
        if let Condition::Number { variable, bounds } = condition
            && let Some((one, other)) = pairs(bounds).find(|(one, other)| one.excludes(other))
        {
            return Some(format!("`{variable}` is not {} and {}", words::bound(one), words::bound(other)));
        }
        if let Condition::All(conditions) = condition {
            return self.impossible(conditions);
        }
        if let Condition::Any(branches) = condition
            && branches.iter().all(|branch| self.never(branch).is_some())
        {
            return Some(match branches.as_slice() {
                [] => "`any = []` never holds".to_owned(),
                _ => format!("of `{}` none can hold", condition.describe()),
            });
        }
        if let Condition::Not(inner) = condition
            && self.imply(&[], inner, DEPTH)
        {
            return Some(format!("`{}` holds for every mail, and is negated", inner.describe()));
        }
        None
    }

    /// Whether all of `known` together imply `wanted`.
    fn imply(&self, known: &[&'c Condition], wanted: &'c Condition, depth: usize) -> bool {
        let Some(deeper) = depth.checked_sub(1) else { return false };
        if self.holds_always(wanted) || known.iter().any(|one| self.implies(one, wanted)) {
            return true;
        }
        if let Condition::All(all) = wanted {
            return all.iter().all(|one| self.imply(known, one, depth));
        }
        if let Condition::Any(any) = wanted
            && any.iter().any(|one| self.imply(known, one, deeper))
        {
            return true;
        }
        if let Condition::Not(inner) = wanted
            && known.iter().any(|one| self.exclude(one, inner))
        {
            return true;
        }
        known.iter().any(|one| {
            let Condition::Any(branches) = one else { return false };
            !branches.is_empty()
                && branches.iter().all(|branch| self.imply(&flat(std::slice::from_ref(branch)), wanted, deeper))
        })
    }

    /// Whether one condition implies another by itself.
    fn implies(&self, known: &'c Condition, wanted: &'c Condition) -> bool {
        if let (
            Condition::Matches { place: here, pattern: narrow, .. },
            Condition::Matches { place: there, pattern: wide, .. },
        ) = (known, wanted)
        {
            return same_place(here, there) && self.within(narrow, wide);
        }
        if let (Condition::Automatic(one), Condition::Automatic(other)) = (known, wanted) {
            return one == other;
        }
        if let (Condition::Size { min, max }, Condition::Size { min: least, max: most }) = (known, wanted) {
            return least.is_none_or(|least| min.is_some_and(|min| min >= least))
                && most.is_none_or(|most| max.is_some_and(|max| max <= most));
        }
        if let (Condition::Authenticated { method, result }, Condition::Authenticated { method: m, result: r }) =
            (known, wanted)
        {
            return method == m && result == r;
        }
        if let (
            Condition::Between { from, until, time_zone },
            Condition::Between { from: first, until: last, time_zone: zone },
        ) = (known, wanted)
        {
            return time_zone == zone && minutes().all(|t| !lies(*from, *until, t) || lies(*first, *last, t));
        }
        if let (Condition::On { days, time_zone }, Condition::On { days: all, time_zone: zone }) = (known, wanted) {
            return time_zone == zone && days.iter().all(|day| all.contains(day));
        }
        if let (Condition::Not(narrow), Condition::Not(wide)) = (known, wanted) {
            return self.imply(&flat(std::slice::from_ref(&**wide)), narrow, DEPTH - 1);
        }
        false
    }

    fn holds_always(&self, condition: &'c Condition) -> bool {
        if let Condition::Matches { place, pattern, .. } = condition {
            // The other places may hold no text at all.
            let there = matches!(place, Place::Text | Place::Subject | Place::Body | Place::Quoted | Place::Recipient);
            return there && self.facts(pattern).always;
        }
        if let Condition::Size { min, max } = condition {
            return min.is_none_or(|min| min == 0) && max.is_none();
        }
        if let Condition::Between { from, until, .. } = condition {
            return from == until;
        }
        if let Condition::On { days, .. } = condition {
            return (0..7).all(|ahead| days.contains(&jiff::civil::Weekday::Monday.wrapping_add(ahead)));
        }
        false
    }

    /// Whether two conditions never hold together.
    fn exclude(&self, one: &'c Condition, other: &'c Condition) -> bool {
        if let (Condition::Automatic(one), Condition::Automatic(other)) = (one, other) {
            return one != other;
        }
        if let (Condition::Size { min, max }, Condition::Size { min: least, max: most }) = (one, other) {
            let apart = |max: Option<u64>, min: Option<u64>| max.zip(min).is_some_and(|(max, min)| max < min);
            return apart(*max, *least) || apart(*most, *min);
        }
        if let (
            Condition::Between { from, until, time_zone },
            Condition::Between { from: first, until: last, time_zone: zone },
        ) = (one, other)
        {
            return time_zone == zone && minutes().all(|t| !lies(*from, *until, t) || !lies(*first, *last, t));
        }
        if let (Condition::On { days, time_zone }, Condition::On { days: all, time_zone: zone }) = (one, other) {
            return time_zone == zone && !days.iter().any(|day| all.contains(day));
        }
        let negated = |negated: &'c Condition, known: &'c Condition| {
            let Condition::Not(inner) = negated else { return false };
            self.imply(&flat(std::slice::from_ref(known)), inner, DEPTH - 1)
        };
        negated(one, other) || negated(other, one)
    }

    /// Whether every text that `narrow` matches is matched by `wide`.
    fn within(&self, narrow: &'c Pattern, wide: &'c Pattern) -> bool {
        if narrow.source == wide.source {
            return true;
        }
        let facts = self.facts(wide);
        let required = narrow.required();
        facts.always
            || facts.texts.as_ref().is_some_and(|texts| {
                !required.is_empty() && required.iter().all(|one| texts.iter().any(|text| one.contains(text.as_str())))
            })
    }

    fn facts(&self, pattern: &'c Pattern) -> Rc<Facts> {
        let mut known = self.patterns.borrow_mut();
        Rc::clone(known.entry(&pattern.source).or_insert_with(|| Rc::new(Facts::of(&pattern.source))))
    }
}

impl Facts {
    fn of(source: &str) -> Self {
        let mut facts = Self { never: None, always: false, texts: None };
        // As patterns are compiled.
        let mut parser = regex_syntax::ParserBuilder::new();
        if let Ok(hir) = parser.case_insensitive(true).multi_line(true).build().parse(source) {
            facts.never = dead(&hir);
            let properties = hir.properties();
            facts.always = (properties.minimum_len() == Some(0) && properties.look_set().is_empty())
                || matches!(source, "^" | "$" | "^.*" | ".*$" | "^.*$");
        }
        if let Ok(ast) = regex_syntax::ast::parse::Parser::new().parse(source) {
            facts.texts = plain_texts(&ast).filter(|texts| texts.iter().all(|text| !text.is_empty()));
        }
        facts
    }
}

/// The captures that are filled whenever all of these conditions hold.
pub fn certain_captures(conditions: &[Condition]) -> Vec<String> {
    let mut names = Vec::new();
    for condition in conditions {
        if let Condition::Matches { pattern, .. } = condition {
            if let Ok(ast) = regex_syntax::ast::parse::Parser::new().parse(&pattern.source) {
                names.extend(certain_groups(&ast));
            }
        } else if let Condition::All(all) = condition {
            names.extend(certain_captures(all));
        } else if let Condition::Any(any) = condition {
            names.extend(in_all(any.iter().map(|one| certain_captures(std::slice::from_ref(one)))));
        }
    }
    names
}

/// The named groups that take part in every match.
fn certain_groups(ast: &Ast) -> Vec<String> {
    match ast {
        Ast::Group(group) => {
            let mut names = certain_groups(&group.ast);
            if let GroupKind::CaptureName { name, .. } = &group.kind {
                names.push(name.name.clone());
            }
            names
        }
        Ast::Concat(concat) => concat.asts.iter().flat_map(certain_groups).collect(),
        Ast::Alternation(alternation) => in_all(alternation.asts.iter().map(certain_groups)),
        Ast::Repetition(repetition) => {
            let least = match &repetition.op.kind {
                RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => 0,
                RepetitionKind::OneOrMore => 1,
                RepetitionKind::Range(
                    RepetitionRange::Exactly(least)
                    | RepetitionRange::AtLeast(least)
                    | RepetitionRange::Bounded(least, _),
                ) => *least,
            };
            if least == 0 { Vec::new() } else { certain_groups(&repetition.ast) }
        }
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Literal(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_) => Vec::new(),
    }
}

fn in_all(mut lists: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let first = lists.next().unwrap_or_default();
    lists.fold(first, |common, list| common.into_iter().filter(|name| list.contains(name)).collect())
}

/// The texts of a pattern that is nothing but texts, folded.
fn plain_texts(ast: &Ast) -> Option<Vec<String>> {
    match ast {
        Ast::Literal(literal) => Some(vec![fold(&literal.c.to_string())]),
        Ast::Concat(concat) => {
            let mut text = String::new();
            for part in &concat.asts {
                let Ast::Literal(literal) = part else { return None };
                text.push(literal.c);
            }
            Some(vec![fold(&text)])
        }
        Ast::Alternation(alternation) => {
            let lists: Option<Vec<Vec<String>>> = alternation.asts.iter().map(plain_texts).collect();
            Some(lists?.into_iter().flatten().collect())
        }
        Ast::Group(group) => match &group.kind {
            GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } => plain_texts(&group.ast),
            GroupKind::NonCapturing(flags) if flags.items.is_empty() => plain_texts(&group.ast),
            GroupKind::NonCapturing(_) => None,
        },
        Ast::Empty(_)
        | Ast::Flags(_)
        | Ast::Dot(_)
        | Ast::Assertion(_)
        | Ast::ClassUnicode(_)
        | Ast::ClassPerl(_)
        | Ast::ClassBracketed(_)
        | Ast::Repetition(_) => None,
    }
}

/// Why nothing matches it: it is empty, or an anchor stands where no line begins or ends, as in `$100`.
fn dead(hir: &Hir) -> Option<String> {
    if hir.properties().minimum_len().is_none() {
        return Some("it accepts no character".to_owned());
    }
    match hir.kind() {
        HirKind::Concat(parts) => {
            let anchors = parts.iter().zip(parts.iter().skip(1)).find_map(|(left, right)| {
                let (ends, begins) = (right.properties().minimum_len(), left.properties().minimum_len());
                if (is_look(left, Look::EndLF) && goes_on_in_line(right))
                    || (is_look(left, Look::End) && ends.is_some_and(|least| least > 0))
                {
                    return Some("`$` is the end of a line; write `\\$` for the sign".to_owned());
                }
                if (is_look(right, Look::StartLF) && stays_in_line(left))
                    || (is_look(right, Look::Start) && begins.is_some_and(|least| least > 0))
                {
                    return Some("`^` is the start of a line; write `\\^` for the sign".to_owned());
                }
                None
            });
            anchors.or_else(|| parts.iter().find_map(dead))
        }
        HirKind::Capture(capture) => dead(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => dead(&repetition.sub),
        HirKind::Alternation(branches) => {
            let mut reasons = branches.iter().map(dead);
            let first = reasons.next()??;
            reasons.all(|reason| reason.is_some()).then_some(first)
        }
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
    }
}

fn is_look(hir: &Hir, look: Look) -> bool {
    matches!(hir.kind(), HirKind::Look(found) if *found == look)
}

/// Whether a match certainly begins with a character that is no line feed.
fn goes_on_in_line(hir: &Hir) -> bool {
    edge(hir, &|bytes| bytes.first().copied(), &|parts| parts.first())
}

/// Whether a match certainly ends with a character that is no line feed.
fn stays_in_line(hir: &Hir) -> bool {
    edge(hir, &|bytes| bytes.last().copied(), &|parts| parts.last())
}

fn edge(hir: &Hir, byte: &dyn Fn(&[u8]) -> Option<u8>, part: &dyn Fn(&[Hir]) -> Option<&Hir>) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => byte(&literal.0).is_some_and(|byte| byte != b'\n'),
        HirKind::Class(Class::Unicode(class)) => {
            !class.ranges().is_empty() && !class.ranges().iter().any(|r| r.start() <= '\n' && '\n' <= r.end())
        }
        HirKind::Class(Class::Bytes(class)) => {
            !class.ranges().is_empty() && !class.ranges().iter().any(|r| r.start() <= b'\n' && b'\n' <= r.end())
        }
        HirKind::Capture(capture) => edge(&capture.sub, byte, part),
        HirKind::Repetition(repetition) => repetition.min > 0 && edge(&repetition.sub, byte, part),
        HirKind::Concat(parts) => part(parts).is_some_and(|hir| edge(hir, byte, part)),
        HirKind::Alternation(branches) => branches.iter().all(|branch| edge(branch, byte, part)),
        HirKind::Empty | HirKind::Look(_) => false,
    }
}

/// Each of them with each that stands before it.
fn pairs<T>(all: &[T]) -> impl Iterator<Item = (&T, &T)> {
    all.iter().enumerate().flat_map(|(index, one)| all.iter().take(index).map(move |earlier| (earlier, one)))
}

/// The conditions, those within `all` beside the others.
fn flat(conditions: &[Condition]) -> Vec<&Condition> {
    let mut all = Vec::with_capacity(conditions.len());
    for condition in conditions {
        if let Condition::All(within) = condition {
            all.extend(flat(within));
        } else {
            all.push(condition);
        }
    }
    all
}

fn same_place(one: &Place, other: &Place) -> bool {
    if let (Place::Header(one), Place::Header(other)) = (one, other) {
        return one.eq_ignore_ascii_case(other);
    }
    one == other
}

/// The hours of the rule file are counted in minutes.
fn minutes() -> impl Iterator<Item = Time> {
    (0..24).flat_map(|hour| (0..60).filter_map(move |minute| Time::new(hour, minute, 0, 0).ok()))
}

fn lies(from: Time, until: Time, time: Time) -> bool {
    if from < until { from <= time && time < until } else { from <= time || time < until }
}

#[cfg(test)]
mod tests;
