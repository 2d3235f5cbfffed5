//! Contacts, groups and overrides together: whom a step notifies at a moment.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::schedule::MemberRef;
use super::{Contact, ContactId, Duty, Group, GroupId, Layer, Member, OnCall, Secondary, Stretch, Turns, Why};

/// An exception to a group's rotation or fixed contact. The contact need not be a member of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The group whose duty changes.
    pub group: GroupId,
    /// Who is on call instead.
    pub contact: ContactId,
    /// First moment at which it holds.
    pub from: Timestamp,
    /// First moment at which it holds no more; `None`: until another override replaces it.
    pub until: Option<Timestamp>,
    /// Who made it, for the history (`cli:root`, `web:david`).
    pub made_by: String,
}

impl Override {
    /// Whether it holds at `t`.
    pub fn holds(&self, t: Timestamp) -> bool {
        self.from <= t && self.until.is_none_or(|until| t < until)
    }
}

/// Everybody who can be notified. Built from the rule file and the overrides in the store.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// By the key in the rule file.
    pub contacts: BTreeMap<ContactId, Contact>,
    /// By the key in the rule file.
    pub groups: BTreeMap<GroupId, Group>,
    /// In the order in which they were made: where two hold at once, the later one counts.
    pub overrides: Vec<Override>,
}

/// Groups are on call for groups at most so deep. The rule file has no circles; this is for whoever builds one.
const DEPTH: u32 = 8;

/// Who is on call at one moment, and what says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watch<'a> {
    pub contact: Option<&'a ContactId>,
    pub because: Because<'a>,
}

/// What says who is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because<'a> {
    /// Nothing: nobody is.
    Nothing,
    /// `oncall = "…"`.
    Fixed,
    /// A layer of a schedule, by its name.
    Layer(Option<&'a str>, Kind),
    /// An override, by who made it.
    Override(&'a str),
}

/// What kind of layer says who is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Always,
    Rotation,
    Calendar,
}

/// Of those whose turn it is and comes next, who is meant.
#[derive(Debug, Clone, Copy)]
enum Wanted<'a> {
    /// Whose turn it is.
    First,
    /// Who comes so many turns later, or the first after that who is somebody else.
    After(u32, Option<&'a ContactId>),
}

impl Roster {
    /// Who is on call for `group` at `t`: of the overrides that hold, the one made last; else whom the rule file
    /// names. When an override ends, one made before it that still holds counts again.
    ///
    /// An override, or an event of a calendar, for a contact that the rule file no longer has is passed over, so that removing a person cannot
    /// leave a group with nobody to call. `None`: the group is unknown, or nobody is on call at `t`; then
    /// [`called`](Self::called) says who is called all the same.
    ///
    /// It says, too, until when: it follows hand-offs and overrides one by one. Whoever only wants to know who asks
    /// [`on_call`](Self::on_call).
    pub fn duty(&self, group: &GroupId, t: Timestamp) -> Option<Duty> {
        let group = self.groups.get(group)?;
        let now = self.watch(group, t, DEPTH);
        let contact = now.what.contact?.clone();
        let why = Why::of(now.what.because);
        let (until, next) = match self.change_after(group, now) {
            Some((until, next)) => (Some(until), next),
            None => (None, None),
        };
        Some(Duty { contact, until, next, why })
    }

    /// Who is on call for `group` at `t`, and nothing else: a few steps, whatever the time.
    pub fn on_call(&self, group: &GroupId, t: Timestamp) -> Option<&ContactId> {
        self.watch(self.groups.get(group)?, t, DEPTH).what.contact
    }

    /// Whom to call as `oncall`: who is on call; where nobody is, everybody in the group: at an hour that nobody covers
    /// an alert wakes too many rather than none.
    pub fn called(&self, group: &GroupId, t: Timestamp) -> Vec<ContactId> {
        match self.on_call(group, t) {
            Some(contact) => vec![contact.clone()],
            None => self.everybody(group),
        }
    }

    /// Whom to call as `secondary`: who is second and not on call anyway; where the schedule names nobody such,
    /// everybody in the group but who is on call. Nobody in a group that has no secondary.
    pub fn called_second(&self, group: &GroupId, t: Timestamp) -> Vec<ContactId> {
        let Some(second) = self.groups.get(group).and_then(|group| self.second(group, t)) else { return Vec::new() };
        if let Some(contact) = second.what {
            return vec![contact.clone()];
        }
        let first = self.on_call(group, t);
        self.everybody(group).into_iter().filter(|id| Some(id) != first).collect()
    }

    /// Who is second in `group` at `t`, and not on call anyway; `None` when nobody is.
    pub fn secondary(&self, group: &GroupId, t: Timestamp) -> Option<&ContactId> {
        self.second(self.groups.get(group)?, t)?.what
    }

    /// The members of a group; of one without members, everybody who can be on call for it.
    pub fn everybody(&self, group: &GroupId) -> Vec<ContactId> {
        match self.groups.get(group) {
            Some(group) if !group.members.is_empty() => group.members.clone(),
            Some(_) | None => self.candidates(group),
        }
    }

    /// Everybody who can be on call for a group by the rule file, whoever's turn it is; each once.
    pub fn candidates(&self, group: &GroupId) -> Vec<ContactId> {
        let mut found = Vec::new();
        self.gather(group, DEPTH, false, &mut found);
        found
    }

    /// Everybody who can be second in a group; none in a group that has no secondary.
    pub fn second_candidates(&self, group: &GroupId) -> Vec<ContactId> {
        let mut found = Vec::new();
        self.gather(group, DEPTH, true, &mut found);
        found
    }

    fn gather(&self, group: &GroupId, depth: u32, second: bool, found: &mut Vec<ContactId>) {
        let Some(group) = self.groups.get(group).filter(|_| depth > 0) else { return };
        let members: Vec<Member> = match (&group.on_call, second) {
            (OnCall::Fixed(_), true) => Vec::new(),
            (OnCall::Fixed(contact), false) => vec![Member::Contact(contact.clone())],
            (OnCall::Schedule(schedule), false) => schedule.layers.iter().flat_map(Layer::members).collect(),
            (OnCall::Schedule(schedule), true) => match &schedule.secondary {
                None => Vec::new(),
                Some(Secondary::Next(_)) => schedule.layers.iter().flat_map(Layer::members).collect(),
                Some(Secondary::Own(layers)) => layers.iter().flat_map(Layer::members).collect(),
            },
        };
        for member in members {
            match member {
                Member::Contact(id) if found.contains(&id) => {}
                Member::Contact(id) => found.push(id),
                Member::Group(other) => self.gather(&other, depth - 1, false, found),
            }
        }
    }

    /// Who is on call at `t`, and how long nothing can change that.
    pub(super) fn watch<'a>(&'a self, group: &'a Group, t: Timestamp, depth: u32) -> Stretch<Watch<'a>> {
        let mut exceptions = Stretch::always(None);
        for one in self.exceptions(group) {
            exceptions.cut(t, std::iter::once(one.from).chain(one.until));
            if one.holds(t) {
                exceptions.what = Some(one);
            }
        }
        if let Some(one) = exceptions.what {
            return exceptions.with(Watch { contact: Some(&one.contact), because: Because::Override(&one.made_by) });
        }
        match &group.on_call {
            OnCall::Fixed(contact) => {
                exceptions.with(Watch { contact: Some(contact), because: Because::Fixed })
            }
            OnCall::Schedule(schedule) => {
                self.scheduled(&schedule.layers, t, Wanted::First, depth).within(&exceptions)
            }
        }
    }

    pub(super) fn watch_now<'a>(&'a self, group: &'a Group, t: Timestamp) -> Stretch<Watch<'a>> {
        self.watch(group, t, DEPTH)
    }

    /// Who is second at `t`; `None` in a group that has no secondary.
    fn second<'a>(&'a self, group: &'a Group, t: Timestamp) -> Option<Stretch<Option<&'a ContactId>>> {
        let OnCall::Schedule(schedule) = &group.on_call else { return None };
        let first = self.watch(group, t, DEPTH);
        let found = match schedule.secondary.as_ref()? {
            Secondary::Next(places) => {
                self.scheduled(&schedule.layers, t, Wanted::After(*places, first.what.contact), DEPTH)
            }
            Secondary::Own(layers) => self.scheduled(layers, t, Wanted::First, DEPTH),
        };
        let contact = found.what.contact.filter(|contact| Some(*contact) != first.what.contact);
        Some(found.with(contact).within(&first))
    }

    /// Whom the layers name at `t`: the last that counts and has somebody.
    fn scheduled<'a>(
        &'a self,
        layers: &'a [Layer],
        t: Timestamp,
        wanted: Wanted<'a>,
        depth: u32,
    ) -> Stretch<Watch<'a>> {
        let mut found = Stretch::always(Watch { contact: None, because: Because::Nothing });
        for layer in layers.iter().rev() {
            let counts = layer.counts(t);
            found = found.within(&counts);
            if !counts.what {
                continue;
            }
            let turns = layer.turns.at(t);
            found = found.within(&turns);
            let (skip, but) = match wanted {
                Wanted::First => (0, None),
                Wanted::After(places, but) => (usize::try_from(places).unwrap_or(0), but),
            };
            let length = turns.what.len().max(1);
            let from_there = turns.what.iter().cycle().skip(skip % length).take(turns.what.len());
            for member in from_there {
                let contact = match *member {
                    MemberRef::Contact(contact) => Some(contact).filter(|id| self.contacts.contains_key(*id)),
                    MemberRef::Group(other) => {
                        let inner = self
                            .groups
                            .get(other)
                            .filter(|_| depth > 0)
                            .map(|other| self.watch(other, t, depth.saturating_sub(1)));
                        inner.and_then(|inner| {
                            found = found.within(&inner);
                            inner.what.contact
                        })
                    }
                };
                let fits = match wanted {
                    Wanted::First => true,
                    Wanted::After(..) => contact.is_some() && contact != but,
                };
                if fits {
                    found.what.contact = contact;
                    break;
                }
            }
            if found.what.contact.is_some() {
                let kind = match layer.turns {
                    Turns::Always(_) => Kind::Always,
                    Turns::Rotation(..) => Kind::Rotation,
                    Turns::Calendar(_) => Kind::Calendar,
                };
                found.what.because = Because::Layer(layer.name.as_deref(), kind);
                break;
            }
        }
        found
    }

    /// The overrides of a group that name somebody.
    fn exceptions<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Override> {
        self.overrides.iter().filter(move |o| o.group == group.id && self.contacts.contains_key(&o.contact))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::{Weekday, date, time};
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::oncall::rotation::Turn;
    use crate::oncall::{HandOff, HourSpan, Hours, Rotation, Schedule};

    fn id(name: &str) -> ContactId {
        ContactId::new(name)
    }

    fn dba() -> GroupId {
        GroupId::new("dba")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn roster(members: &[&str], on_call: OnCall) -> Roster {
        let mut roster = Roster::default();
        for name in ["david", "darren", "simon", "guest"] {
            let contact = Contact { id: id(name), name: name.to_owned(), phone: None, sms: None, email: None };
            roster.contacts.insert(id(name), contact);
        }
        let group = Group {
            id: dba(),
            name: "DBA".to_owned(),
            members: members.iter().map(|name| id(name)).collect(),
            on_call,
            backup: Vec::new(),
            policy: None,
        };
        roster.groups.insert(dba(), group);
        roster
    }

    fn rotation() -> Rotation {
        Rotation {
            every: Turn::Weeks(1),
            hand_offs: vec![HandOff { weekday: Some(Weekday::Monday), time: time(9, 0, 0, 0) }],
            time_zone: TimeZone::UTC,
            start: date(2026, 11, 2),
        }
    }

    fn people(names: &[&str]) -> Vec<Member> {
        names.iter().map(|name| Member::Contact(id(name))).collect()
    }

    fn layer(name: &str, turns: Turns, only: Option<Hours>) -> Layer {
        Layer { name: Some(name.to_owned()), turns, only }
    }

    fn always(name: &str) -> Turns {
        Turns::Always(Member::Contact(id(name)))
    }

    fn weekly(members: &[&str]) -> OnCall {
        let turns = Turns::Rotation(people(members), rotation());
        OnCall::Schedule(Schedule { layers: vec![Layer { name: None, turns, only: None }], secondary: None })
    }

    /// From Monday to Friday, in UTC.
    fn weekdays(from: i8, until: i8) -> Hours {
        let days = vec![Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
        let between = Some((time(from, 0, 0, 0), time(until, 0, 0, 0)));
        Hours { spans: vec![HourSpan { days, between, time_zone: TimeZone::UTC }] }
    }

    fn schedule(layers: Vec<Layer>, secondary: Option<Secondary>) -> OnCall {
        OnCall::Schedule(Schedule { layers, secondary })
    }

    fn names(ids: &[ContactId]) -> Vec<&str> {
        ids.iter().map(ContactId::as_str).collect()
    }

    fn except(contact: &str, from: &str, until: Option<&str>) -> Override {
        Override {
            group: dba(),
            contact: id(contact),
            from: at(from),
            until: until.map(at),
            made_by: "test".to_owned(),
        }
    }

    fn duty(contact: &str, until: Option<(&str, Option<&str>)>, why: Why) -> Duty {
        Duty {
            contact: id(contact),
            until: until.map(|(until, _)| at(until)),
            next: until.and_then(|(_, next)| next).map(id),
            why,
        }
    }

    fn overridden() -> Why {
        Why::Override("test".to_owned())
    }

    #[test]
    fn a_fixed_contact_is_on_call_for_ever() {
        let roster = roster(&["david", "darren"], OnCall::Fixed(id("david")));
        assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(duty("david", None, Why::Fixed)));
        assert_eq!(roster.duty(&GroupId::new("other"), at("2026-11-04T00:00:00Z")), None);
    }

    #[test]
    fn members_take_turns_also_before_the_start() {
        let roster = roster(&["david", "darren", "simon"], weekly(&["david", "darren", "simon"]));
        let expected = duty("david", Some(("2026-11-09T09:00:00Z", Some("darren"))), Why::Rotation);
        assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(expected));
        let expected = duty("simon", Some(("2026-11-02T09:00:00Z", Some("david"))), Why::Rotation);
        assert_eq!(roster.duty(&dba(), at("2026-11-01T00:00:00Z")), Some(expected));
    }

    #[test]
    fn nobody_is_on_call_where_there_are_no_members() {
        assert_eq!(roster(&[], weekly(&[])).duty(&dba(), at("2026-11-04T00:00:00Z")), None);
    }

    #[test]
    fn a_rotation_of_one_never_changes() {
        let roster = roster(&["david"], weekly(&["david"]));
        assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(duty("david", None, Why::Rotation)));
    }

    #[test]
    fn an_override_counts_while_it_holds_and_may_name_a_guest() {
        let mut roster = roster(&["david", "darren"], weekly(&["david", "darren"]));
        roster.overrides.push(except("guest", "2026-11-04T00:00:00Z", Some("2026-11-05T00:00:00Z")));
        let before = duty("david", Some(("2026-11-04T00:00:00Z", Some("guest"))), Why::Rotation);
        let during = duty("guest", Some(("2026-11-05T00:00:00Z", Some("david"))), overridden());
        let after = duty("david", Some(("2026-11-09T09:00:00Z", Some("darren"))), Why::Rotation);
        assert_eq!(roster.duty(&dba(), at("2026-11-03T23:59:59Z")), Some(before));
        assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(during));
        assert_eq!(roster.duty(&dba(), at("2026-11-05T00:00:00Z")), Some(after));
    }

    #[test]
    fn the_override_made_last_counts_and_the_one_before_it_returns() {
        let mut roster = roster(&["david", "darren"], OnCall::Fixed(id("david")));
        roster.overrides.push(except("darren", "2026-11-01T00:00:00Z", None));
        roster.overrides.push(except("simon", "2026-11-04T00:00:00Z", Some("2026-11-05T00:00:00Z")));
        let expected = duty("simon", Some(("2026-11-05T00:00:00Z", Some("darren"))), overridden());
        assert_eq!(roster.duty(&dba(), at("2026-11-04T12:00:00Z")), Some(expected));
        assert_eq!(roster.duty(&dba(), at("2026-11-06T00:00:00Z")), Some(duty("darren", None, overridden())));
    }

    #[test]
    fn a_hand_off_under_an_override_is_not_a_change() {
        let mut roster = roster(&["david", "darren"], weekly(&["david", "darren"]));
        roster.overrides.push(except("david", "2026-11-04T00:00:00Z", Some("2026-11-17T00:00:00Z")));
        // David by turn, by override past the hand-off to Darren, by turn again from the 16th: until the 23rd.
        let expected = duty("david", Some(("2026-11-23T09:00:00Z", Some("darren"))), Why::Rotation);
        assert_eq!(roster.duty(&dba(), at("2026-11-03T00:00:00Z")), Some(expected));
    }

    #[test]
    fn an_override_for_somebody_who_is_gone_is_passed_over() {
        let mut roster = roster(&["david"], OnCall::Fixed(id("david")));
        roster.overrides.push(except("nobody", "2026-11-01T00:00:00Z", None));
        assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(duty("david", None, Why::Fixed)));
    }

    #[test]
    fn a_later_layer_counts_before_an_earlier_one_in_its_hours() {
        let layers = vec![
            layer("night", Turns::Rotation(people(&["david", "darren"]), rotation()), None),
            layer("day", always("simon"), Some(weekdays(8, 18))),
        ];
        let roster = roster(&["david", "darren", "simon"], schedule(layers, None));
        let day = duty("simon", Some(("2026-11-03T18:00:00Z", Some("david"))), Why::Layer("day".to_owned()));
        let night = duty("david", Some(("2026-11-04T08:00:00Z", Some("simon"))), Why::Layer("night".to_owned()));
        assert_eq!(roster.duty(&dba(), at("2026-11-03T08:00:00Z")), Some(day));
        assert_eq!(roster.duty(&dba(), at("2026-11-03T18:00:00Z")), Some(night));
        // On Monday the day layer hides the hand-off of the night.
        let weekend = duty("david", Some(("2026-11-09T08:00:00Z", Some("simon"))), Why::Layer("night".to_owned()));
        assert_eq!(roster.duty(&dba(), at("2026-11-07T12:00:00Z")), Some(weekend));
    }

    #[test]
    fn where_no_layer_counts_nobody_is_on_call_and_everybody_is_called() {
        let layers = vec![layer("day", always("simon"), Some(weekdays(8, 18)))];
        let mut roster = roster(&["david", "simon"], schedule(layers, None));
        let night = at("2026-11-03T20:00:00Z");
        assert_eq!(roster.duty(&dba(), night), None);
        assert_eq!(names(&roster.called(&dba(), night)), ["david", "simon"]);
        let by_day = duty("simon", Some(("2026-11-03T18:00:00Z", None)), Why::Layer("day".to_owned()));
        assert_eq!(roster.duty(&dba(), at("2026-11-03T12:00:00Z")), Some(by_day));
        // A group without members has those who can be on call.
        roster.groups.get_mut(&dba()).unwrap().members.clear();
        assert_eq!(names(&roster.called(&dba(), night)), ["simon"]);
    }

    #[test]
    fn a_layer_of_groups_follows_the_sun_and_the_overrides_of_those_groups() {
        let mut roster = roster(&["david"], OnCall::Fixed(id("david")));
        let sun = |group: &str, from, until| {
            layer(group, Turns::Always(Member::Group(GroupId::new(group))), Some(weekdays(from, until)))
        };
        let layers = vec![sun("dba", 0, 12), sun("emea", 12, 0)];
        let emea = Group { id: GroupId::new("emea"), ..roster.groups[&dba()].clone() };
        let world = Group {
            id: GroupId::new("world"),
            members: Vec::new(),
            on_call: schedule(layers, None),
            ..emea.clone()
        };
        let emea = Group { on_call: OnCall::Fixed(id("darren")), ..emea };
        roster.groups.extend([(emea.id.clone(), emea), (world.id.clone(), world)]);
        let world = GroupId::new("world");
        roster.overrides.push(except("guest", "2026-11-03T13:00:00Z", Some("2026-11-03T14:00:00Z")));
        roster.overrides.push(Override { group: GroupId::new("emea"), ..roster.overrides[0].clone() });
        let dba_hours = duty("david", Some(("2026-11-03T12:00:00Z", Some("darren"))), Why::Layer("dba".to_owned()));
        assert_eq!(roster.duty(&world, at("2026-11-03T01:00:00Z")), Some(dba_hours));
        let emea_hours = duty("darren", Some(("2026-11-03T13:00:00Z", Some("guest"))), Why::Layer("emea".to_owned()));
        assert_eq!(roster.duty(&world, at("2026-11-03T12:00:00Z")), Some(emea_hours));
        assert_eq!(roster.on_call(&world, at("2026-11-03T13:00:00Z")), Some(&id("guest")));
        assert_eq!(names(&roster.everybody(&world)), ["david", "darren"]);
    }

    #[test]
    fn groups_in_a_circle_are_on_call_for_nobody() {
        let own = vec![layer("own", Turns::Always(Member::Group(dba())), None)];
        let roster = roster(&["david"], schedule(own, None));
        assert_eq!(names(&roster.called(&dba(), at("2026-11-03T01:00:00Z"))), ["david"]);
    }

    #[test]
    fn the_second_is_the_next_who_is_not_on_call() {
        let turns = || Turns::Rotation(people(&["david", "darren", "simon"]), rotation());
        let next = schedule(vec![layer("all", turns(), None)], Some(Secondary::Next(1)));
        let mut roster = roster(&["david", "darren", "simon"], next);
        let t = at("2026-11-03T00:00:00Z");
        assert_eq!(roster.secondary(&dba(), t), Some(&id("darren")));
        // Darren stands in for David: the one after him is second.
        roster.overrides.push(except("darren", "2026-11-03T00:00:00Z", Some("2026-11-04T00:00:00Z")));
        assert_eq!(roster.on_call(&dba(), t), Some(&id("darren")));
        assert_eq!(roster.secondary(&dba(), t), Some(&id("simon")));
        assert_eq!(names(&roster.called_second(&dba(), t)), ["simon"]);
        roster.overrides.clear();
        roster.groups.get_mut(&dba()).unwrap().on_call =
            schedule(vec![layer("all", turns(), None)], Some(Secondary::Next(2)));
        assert_eq!(roster.secondary(&dba(), t), Some(&id("simon")));
    }

    #[test]
    fn where_nobody_is_second_all_others_are_called() {
        let own = vec![layer("own", always("simon"), Some(weekdays(8, 18)))];
        let first = vec![layer("first", always("david"), None)];
        let mut roster =
            roster(&["david", "darren", "simon"], schedule(first, Some(Secondary::Own(own))));
        let day = at("2026-11-03T12:00:00Z");
        assert_eq!(names(&roster.called_second(&dba(), day)), ["simon"]);
        assert_eq!(names(&roster.called_second(&dba(), at("2026-11-03T20:00:00Z"))), ["darren", "simon"]);
        // Who is second is on call by an override.
        roster.overrides.push(except("simon", "2026-11-03T00:00:00Z", None));
        assert_eq!(names(&roster.called_second(&dba(), day)), ["david", "darren"]);
        let fixed = super::tests::roster(&["david"], OnCall::Fixed(id("david")));
        assert_eq!(names(&fixed.called_second(&dba(), day)), [] as [&str; 0], "it has no secondary");
    }

    #[test]
    fn a_contact_that_is_gone_is_on_call_for_nobody() {
        let layers = vec![layer("all", always("simon"), None), layer("gone", always("nobody"), None)];
        let roster = roster(&["david"], schedule(layers, None));
        assert_eq!(roster.on_call(&dba(), at("2026-11-03T12:00:00Z")), Some(&id("simon")));
    }

    proptest! {
        #[test]
        fn duty_says_truly_when_it_changes_and_to_whom(
            members in proptest::collection::vec(proptest::sample::select(vec!["david", "darren", "simon"]), 1..4),
            exceptions in proptest::collection::vec((0_i64..2000, proptest::option::of(0_i64..500), 0_usize..3), 0..5),
            hour in -500_i64..2000,
        ) {
            let mut roster = roster(&members, weekly(&members));
            let start = at("2026-10-20T00:00:00Z");
            let later = |hours: i64| start + SignedDuration::from_hours(hours);
            for (from, length, who) in exceptions {
                roster.overrides.push(Override {
                    group: dba(),
                    contact: id(["david", "simon", "guest"][who]),
                    from: later(from),
                    until: length.map(|length| later(from + length)),
                    made_by: String::new(),
                });
            }
            let now = later(hour);
            let found = roster.duty(&dba(), now).unwrap();
            // Within the next 90 days, look hour by hour.
            let looked = (1..24 * 90).map(|hours| now + SignedDuration::from_hours(hours)).find_map(|t| {
                let then = roster.duty(&dba(), t).unwrap();
                (then.contact != found.contact).then_some((t, then.contact))
            });
            if let Some((t, contact)) = looked {
                prop_assert_eq!(found.until, Some(t));
                prop_assert_eq!(found.next, Some(contact));
            } else {
                prop_assert!(found.until.is_none_or(|until| until >= now + SignedDuration::from_hours(24 * 90)));
            }
        }
    }
}
