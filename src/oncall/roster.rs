//! Contacts, groups and overrides together: whom a step notifies at a moment.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Contact, ContactId, Group, GroupId, OnCall};

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

/// Who is on call for a group, and until when that is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Who is called first.
    pub contact: ContactId,
    /// When that changes; `None`: not foreseen.
    pub until: Option<Timestamp>,
    /// Who follows at `until`; `None` when not foreseen.
    pub next: Option<ContactId>,
    /// True when an override, not the rule file, says so.
    pub overridden: bool,
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

/// Who is on call at one moment, and how long nothing but an override can change that.
struct Watch<'a> {
    contact: Option<&'a ContactId>,
    overridden: bool,
    /// When the rule file hands over; `None`: never, or not while the override holds.
    hand_off: Option<Timestamp>,
}

impl Roster {
    /// Who is on call for `group` at `t`: of the overrides that hold, the one made last; else whom the rule file
    /// names. When an override ends, one made before it that still holds counts again.
    ///
    /// An override for a contact that the rule file no longer has is passed over, so that removing a person cannot
    /// leave a group with nobody to call. `None`: the group is unknown, or has nobody.
    pub fn duty(&self, group: &GroupId, t: Timestamp) -> Option<Duty> {
        let group = self.groups.get(group)?;
        let now = self.watch(group, t);
        let contact = now.contact?.clone();
        let overridden = now.overridden;
        let (until, next) = match self.change_after(group, t, now) {
            Some((until, next)) => (Some(until), next),
            None => (None, None),
        };
        Some(Duty { contact, until, next, overridden })
    }

    /// When somebody else than at `t` comes on call, and who: follows hand-offs and overrides one by one.
    ///
    /// It ends, because time goes forward and only two things are met: ends and starts of overrides, which are
    /// finite, and hand-offs between them, of which as many as there are members lead to somebody else.
    fn change_after<'a>(
        &'a self,
        group: &'a Group,
        t: Timestamp,
        mut now: Watch<'a>,
    ) -> Option<(Timestamp, Option<ContactId>)> {
        let contact = now.contact;
        let mut at = t;
        loop {
            let exception = self.exceptions(group).flat_map(|o| [Some(o.from), o.until]).flatten();
            let next = exception.chain(now.hand_off).filter(|&moment| moment > at).min()?;
            now = self.watch(group, next);
            if now.contact != contact {
                return Some((next, now.contact.cloned()));
            }
            at = next;
        }
    }

    fn watch<'a>(&'a self, group: &'a Group, t: Timestamp) -> Watch<'a> {
        if let Some(exception) = self.exceptions(group).filter(|o| o.holds(t)).last() {
            return Watch { contact: Some(&exception.contact), overridden: true, hand_off: None };
        }
        let (contact, hand_off) = match &group.on_call {
            OnCall::Fixed(contact) => (Some(contact), None),
            OnCall::Rotation(rotation) => {
                let (turn, end) = rotation.turn_at(t);
                let place = i64::try_from(group.members.len())
                    .ok()
                    .and_then(|members| turn.checked_rem_euclid(members))
                    .and_then(|place| usize::try_from(place).ok());
                let contact = place.and_then(|place| group.members.get(place));
                // Turns among equals change nothing: without this the search for a change would not end.
                let change = group.members.iter().any(|member| Some(member) != contact);
                (contact, change.then_some(end))
            }
        };
        Watch { contact, overridden: false, hand_off }
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
    use crate::oncall::Rotation;
    use crate::oncall::rotation::Turn;

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

    fn weekly() -> OnCall {
        OnCall::Rotation(Rotation {
            every: Turn::Weeks(1),
            weekday: Some(Weekday::Monday),
            time: time(9, 0, 0, 0),
            time_zone: TimeZone::UTC,
            start: date(2026, 11, 2),
        })
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

    fn duty(contact: &str, until: Option<(&str, Option<&str>)>, overridden: bool) -> Duty {
        Duty {
            contact: id(contact),
            until: until.map(|(until, _)| at(until)),
            next: until.and_then(|(_, next)| next).map(id),
            overridden,
        }
    }

    #[test]
    fn a_fixed_contact_is_on_call_for_ever() {
        let roster = roster(&["david", "darren"], OnCall::Fixed(id("david")));
        assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(duty("david", None, false)));
        assert_eq!(roster.duty(&GroupId::new("other"), at("2026-11-04T00:00:00Z")), None);
    }

    #[test]
    fn members_take_turns_also_before_the_start() {
        let roster = roster(&["david", "darren", "simon"], weekly());
        let expected = duty("david", Some(("2026-11-09T09:00:00Z", Some("darren"))), false);
        assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(expected));
        let expected = duty("simon", Some(("2026-11-02T09:00:00Z", Some("david"))), false);
        assert_eq!(roster.duty(&dba(), at("2026-11-01T00:00:00Z")), Some(expected));
    }

    #[test]
    fn nobody_is_on_call_where_there_are_no_members() {
        assert_eq!(roster(&[], weekly()).duty(&dba(), at("2026-11-04T00:00:00Z")), None);
    }

    #[test]
    fn a_rotation_of_one_never_changes() {
        let roster = roster(&["david"], weekly());
        assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(duty("david", None, false)));
    }

    #[test]
    fn an_override_counts_while_it_holds_and_may_name_a_guest() {
        let mut roster = roster(&["david", "darren"], weekly());
        roster.overrides.push(except("guest", "2026-11-04T00:00:00Z", Some("2026-11-05T00:00:00Z")));
        let before = duty("david", Some(("2026-11-04T00:00:00Z", Some("guest"))), false);
        let during = duty("guest", Some(("2026-11-05T00:00:00Z", Some("david"))), true);
        let after = duty("david", Some(("2026-11-09T09:00:00Z", Some("darren"))), false);
        assert_eq!(roster.duty(&dba(), at("2026-11-03T23:59:59Z")), Some(before));
        assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(during));
        assert_eq!(roster.duty(&dba(), at("2026-11-05T00:00:00Z")), Some(after));
    }

    #[test]
    fn the_override_made_last_counts_and_the_one_before_it_returns() {
        let mut roster = roster(&["david", "darren"], OnCall::Fixed(id("david")));
        roster.overrides.push(except("darren", "2026-11-01T00:00:00Z", None));
        roster.overrides.push(except("simon", "2026-11-04T00:00:00Z", Some("2026-11-05T00:00:00Z")));
        let expected = duty("simon", Some(("2026-11-05T00:00:00Z", Some("darren"))), true);
        assert_eq!(roster.duty(&dba(), at("2026-11-04T12:00:00Z")), Some(expected));
        assert_eq!(roster.duty(&dba(), at("2026-11-06T00:00:00Z")), Some(duty("darren", None, true)));
    }

    #[test]
    fn a_hand_off_under_an_override_is_not_a_change() {
        let mut roster = roster(&["david", "darren"], weekly());
        roster.overrides.push(except("david", "2026-11-04T00:00:00Z", Some("2026-11-17T00:00:00Z")));
        // David by turn, by override past the hand-off to Darren, by turn again from the 16th: until the 23rd.
        let expected = duty("david", Some(("2026-11-23T09:00:00Z", Some("darren"))), false);
        assert_eq!(roster.duty(&dba(), at("2026-11-03T00:00:00Z")), Some(expected));
    }

    #[test]
    fn an_override_for_somebody_who_is_gone_is_passed_over() {
        let mut roster = roster(&["david"], OnCall::Fixed(id("david")));
        roster.overrides.push(except("nobody", "2026-11-01T00:00:00Z", None));
        assert_eq!(roster.duty(&dba(), at("2026-11-04T00:00:00Z")), Some(duty("david", None, false)));
    }

    proptest! {
        #[test]
        fn duty_says_truly_when_it_changes_and_to_whom(
            members in proptest::collection::vec(proptest::sample::select(vec!["david", "darren", "simon"]), 1..4),
            exceptions in proptest::collection::vec((0_i64..2000, proptest::option::of(0_i64..500), 0_usize..3), 0..5),
            hour in -500_i64..2000,
        ) {
            let mut roster = roster(&members, weekly());
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
