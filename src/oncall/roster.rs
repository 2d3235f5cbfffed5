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
            OnCall::Fixed(contact) => exceptions.with(Watch { contact: Some(contact), because: Because::Fixed }),
            OnCall::Schedule(schedule) => self.scheduled(&schedule.layers, t, Wanted::First, depth).within(&exceptions),
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
mod tests;
