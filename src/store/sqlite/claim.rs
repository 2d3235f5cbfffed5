//! Claims: what is due is sent by one process, at most as often as the limits let it, and what cannot be sent by itself
//! is told in another notification to the same contact. All of it in the claim's transaction, so that several processes
//! count together.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};

use super::fault::{Answer, Fault};
use super::row::{self, cut, milliseconds};
use super::work::{add_lines, all, claimable, execute, one, readable, save_notification};
use super::{Told, query};
use crate::alert::limit::{Sent, Verdict, Wanted, Window, judge};
use crate::alert::{
    Alert, AlertId, Channel, Delivery, Entry, EntryKind, Notification, NotificationId, Policy, Purpose,
};
use crate::oncall::ContactId;
use crate::store::Throttle;

/// So many that are held back or told elsewhere are looked at in one claim besides those that it takes: one transaction
/// holds the others up.
const BESIDES: usize = 500;

/// At least so many that are due are read at once.
const FEW: usize = 16;

/// So long after it was sent a call that nobody has answered still takes others along.
const RINGS: SignedDuration = SignedDuration::from_mins(2);

/// Who claims, and when.
pub struct Claimant<'a> {
    pub now: Timestamp,
    pub owner: &'a str,
    pub until: Timestamp,
    pub throttle: &'a Throttle<'a>,
}

/// Claims at most `limit` notifications.
pub fn claim(
    connection: &Connection,
    claimant: &Claimant<'_>,
    limit: usize,
    only: Option<&[AlertId]>,
) -> Answer<Vec<Notification>> {
    let (mut claimed, mut done, mut left) = (Vec::new(), HashSet::new(), 0);
    // A few at a time: when one hand is free, one is sent, and what else is due is not even read.
    while claimed.len() < limit && done.len() < limit.saturating_add(BESIDES) {
        let wanted = limit.saturating_sub(claimed.len()).max(FEW).saturating_add(left);
        let mut pages = claimable(connection, claimant.now, wanted, only)?;
        // Those that were looked at and are due still go with another one.
        left = pages.iter().filter(|page| done.contains(&page.id)).count();
        pages.retain(|page| !done.contains(&page.id));
        if pages.is_empty() {
            break;
        }
        claim_of(connection, claimant, limit, pages, (&mut claimed, &mut done))?;
    }
    Ok(claimed)
}

/// Claims of these, until there are `limit`.
fn claim_of(
    connection: &Connection,
    claimant: &Claimant<'_>,
    limit: usize,
    pages: Vec<Notification>,
    (claimed, done): (&mut Vec<Notification>, &mut HashSet<NotificationId>),
) -> Answer<()> {
    for page in pages {
        if claimed.len() >= limit {
            break;
        }
        if !done.insert(page.id) {
            continue;
        }
        if is_of_self_test(connection, page.id.alert)? {
            claimed.push(claimant.take(connection, page)?);
            continue;
        }
        if is_unsure(&page) {
            if let Some(page) = claimant.again(connection, page, done)? {
                claimed.push(page);
            }
            continue;
        }
        if let Some(call) = claimant.call_to_board(connection, &page)? {
            claimant.attach(connection, page, &call)?;
            continue;
        }
        match claimant.verdict(connection, &page)? {
            Verdict::Go { room } => claimed.push(claimant.send(connection, page, room, done)?),
            Verdict::Hold { until, full } => claimant.hold(connection, page, until, full)?,
        }
    }
    Ok(())
}

/// Whether it is a self-test's: that goes alone, whatever the limits say, and counts for none. A test that is folded into
/// another call tests nothing, and an alert that is folded into a test would be taken for one.
fn is_of_self_test(connection: &Connection, alert: AlertId) -> Answer<bool> {
    Ok(one(connection, query::IS_OF_GROUP, params![alert.0, Policy::SELF_TEST], |row| Ok(row.get(0)?))?
        .unwrap_or(false))
}

/// Whether an earlier try may have reached the provider.
fn is_unsure(page: &Notification) -> bool {
    match &page.delivery {
        Delivery::Due { unsure_since, .. } => unsure_since.is_some(),
        Delivery::Claimed { .. } => true,
        Delivery::Held { .. } | Delivery::Accepted { .. } | Delivery::Ended { .. } => false,
    }
}

impl Claimant<'_> {
    /// Claims a notification that is unsure, with what it told of: it counts as sent already. `None`: it goes with
    /// the one that tells of it. Where that one is over, since nobody needs it any more, this one tells of the others in
    /// its place.
    fn again(
        &self,
        connection: &Connection,
        mut page: Notification,
        done: &mut HashSet<NotificationId>,
    ) -> Answer<Option<Notification>> {
        let mut of = page.id;
        if let Some(teller) = page.told_by.map(|id| notification(connection, id)).transpose()?.flatten() {
            if matches!(teller.delivery, Delivery::Due { .. } | Delivery::Claimed { .. }) {
                return Ok(None);
            }
            of = teller.id;
            page.told_by = None;
        }
        let page = self.take(connection, page)?;
        if of != page.id {
            let sent = params![page.id.alert.0, page.id.number, milliseconds(self.now), self.boards(&page)];
            execute(connection, query::MARK_SENT, sent)?;
        }
        for mut told in told_in(connection, of)? {
            if matches!(told.delivery, Delivery::Due { .. } | Delivery::Claimed { .. }) {
                done.insert(told.id);
                told.told_by = Some(page.id);
                self.take(connection, told)?;
            }
        }
        Ok(Some(page))
    }

    /// Whether others may still join it once it has been sent: a call that asks for its words.
    fn boards(&self, page: &Notification) -> bool {
        self.throttle.webhooks && page.channel == Channel::Call
    }

    /// Claims a notification; when it is to be sent by itself and what waits for the same contact cannot be, that is
    /// told in it.
    fn send(
        &self,
        connection: &Connection,
        page: Notification,
        room: usize,
        done: &mut HashSet<NotificationId>,
    ) -> Answer<Notification> {
        let boards = self.boards(&page);
        let wakes = page.purpose == Purpose::Page && page.channel != Channel::Email;
        let is_first = wakes && !was_told(connection, page.id.alert)?;
        let riders = self.riders(connection, &page, boards, room)?;
        let page = self.take(connection, page)?;
        let sent = params![page.id.alert.0, page.id.number, milliseconds(self.now), boards];
        execute(connection, query::MARK_SENT, sent)?;
        if is_first {
            for recipient in recipients(connection, page.id.alert)? {
                if (self.throttle.recipient)(&recipient).is_some() {
                    let told = params![recipient, milliseconds(self.now), page.id.alert.0];
                    execute(connection, query::ADD_RECIPIENT_ALERT, told)?;
                }
            }
        }
        for rider in riders {
            done.insert(rider.id);
            self.attach(connection, rider, &page)?;
        }
        if !boards {
            number_told(connection, page.id)?;
        }
        Ok(page)
    }

    /// What is told in a notification that is sent now, besides what it is about: all that waits for the contact, when
    /// there is not room for each by itself; else what was held back.
    fn riders(
        &self,
        connection: &Connection,
        page: &Notification,
        boards: bool,
        room: usize,
    ) -> Answer<Vec<Notification>> {
        // Where no limit counts there is room for all, however many wait: they are not even counted.
        let is_crowded = boards || room < usize::MAX && self.is_crowded(connection, page, room)?;
        waiting_for(connection, page, if is_crowded { query::WAITING } else { query::HELD })
    }

    /// Whether more waits for the contact than there is room for.
    fn is_crowded(&self, connection: &Connection, page: &Notification, room: usize) -> Answer<bool> {
        let (contact, channel) = (page.contact.as_str(), row::channel_word(page.channel));
        let crowd = i64::try_from(room.saturating_add(1)).unwrap_or(i64::MAX);
        let count = params![contact, channel, row::purpose_word(page.purpose), milliseconds(self.now), crowd];
        let waiting: i64 = one(connection, query::COUNT_WAITING, count, |row| Ok(row.get(0)?))?.unwrap_or(0);
        Ok(usize::try_from(waiting).is_ok_and(|waiting| waiting > room))
    }

    /// Claims it, and nothing else.
    fn take(&self, connection: &Connection, mut page: Notification) -> Answer<Notification> {
        let unsure_since = match &page.delivery {
            Delivery::Due { unsure_since, .. } => *unsure_since,
            // The one that had it may have sent it at any time since it took it, or since it was unsure.
            Delivery::Claimed { since, unsure_since, .. } => {
                Some(unsure_since.map_or(*since, |unsure| unsure.min(*since)))
            }
            Delivery::Held { .. } | Delivery::Accepted { .. } | Delivery::Ended { .. } => None,
        };
        page.delivery =
            Delivery::Claimed { by: self.owner.to_owned(), since: cut(self.now), until: cut(self.until), unsure_since };
        page.tries = page.tries.saturating_add(1);
        save_notification(connection, &page)?;
        Ok(page)
    }

    /// The call to the same telephone that is ringing, when its words are not fixed yet.
    fn call_to_board(&self, connection: &Connection, page: &Notification) -> Answer<Option<Notification>> {
        if page.channel != Channel::Call || page.purpose != Purpose::Page {
            return Ok(None);
        }
        let since = milliseconds(self.now.checked_sub(RINGS).unwrap_or(Timestamp::MIN));
        let asked = params![page.to.as_str(), since, page.contact.as_str()];
        Ok(one(connection, query::BOARDING, asked, row::notification)?.filter(|call| call.id != page.id))
    }

    fn attach(&self, connection: &Connection, page: Notification, teller: &Notification) -> Answer<()> {
        attach(connection, page, teller, self.now)
    }

    fn verdict(&self, connection: &Connection, page: &Notification) -> Answer<Verdict> {
        let wanted = Wanted {
            alert: page.id.alert,
            untold: !was_told(connection, page.id.alert)?,
            news: page.purpose == Purpose::News,
            held_since: page.held_since,
        };
        let recipients = if wanted.untold { recipients(connection, page.id.alert)? } else { Vec::new() };
        verdict(connection, self.throttle, (&page.contact, page.channel), &recipients, &wanted, self.now)
    }

    fn hold(&self, connection: &Connection, mut page: Notification, until: Timestamp, full: Window) -> Answer<()> {
        let (now, until) = (cut(self.now), cut(until));
        let news = page.held_since.is_none();
        page.held_since = page.held_since.or(Some(now));
        page.delivery = Delivery::Held { since: now, until, limit: full.to_string() };
        save_notification(connection, &page)?;
        if news {
            let what = page.channel.noun();
            let text = format!(
                "the {what} to {} ({}) is held back by the limit of {full}: it is told in the next {what} there, or sent \
                 later",
                page.contact, page.to
            );
            add_lines(connection, page.id.alert, &[Entry::new(now, EntryKind::Step, text)])?;
        }
        if page.purpose == Purpose::Page {
            // It has not reached anybody: the escalation is to go on at once.
            execute(connection, query::LOOK_NOW, params![page.id.alert.0, milliseconds(now)])?;
        }
        Ok(())
    }
}

/// Lets `page` be told by `teller`: from now on it is where that is.
fn attach(connection: &Connection, mut page: Notification, teller: &Notification, now: Timestamp) -> Answer<()> {
    page.delivery = teller.delivery.clone();
    if let Delivery::Accepted { at, .. } = &mut page.delivery {
        *at = cut(now);
    }
    page.told_by = Some(teller.id);
    page.tries = page.tries.saturating_add(1);
    save_notification(connection, &page)?;
    let what = page.channel.noun();
    let text =
        format!("the {what} to {} ({}) about alert {} tells of this, too", page.contact, page.to, teller.id.alert);
    add_lines(connection, page.id.alert, &[Entry::new(cut(now), EntryKind::Sent, text)])
}

/// A call was answered: everything that waits for the contact comes aboard, and what it tells is fixed for the moment.
pub fn board(connection: &Connection, id: NotificationId, now: Timestamp) -> Answer<Told> {
    let mut call = notification(connection, id)?;
    if let Some(teller) = call.as_ref().and_then(|call| call.told_by) {
        call = notification(connection, teller)?;
    }
    let Some(call) = call else { return Err(Fault::NoAlert(id.alert)) };
    if matches!(call.delivery, Delivery::Claimed { .. } | Delivery::Accepted { .. }) && call.purpose == Purpose::Page {
        for page in waiting_for(connection, &call, query::WAITING)? {
            attach(connection, page, &call, now)?;
        }
    }
    number_told(connection, call.id)?;
    execute(connection, query::FIX, params![call.id.alert.0, call.id.number])?;
    told(connection, call.id, i64::MAX)
}

/// What a notification told of, up to the `last`-th besides what it is about.
pub fn told(connection: &Connection, id: NotificationId, last: i64) -> Answer<Told> {
    let mut besides = all(connection, query::TOLD_ALERTS, params![id.alert.0, id.number, last], row::alert)?;
    let mut known = HashSet::from([id.alert]);
    besides.retain(|alert| known.insert(alert.id));
    let end: i64 =
        one(connection, query::LAST_TOLD, params![id.alert.0, id.number], |row| Ok(row.get(0)?))?.unwrap_or(0);
    let Some(teller) = notification(connection, id)? else { return Err(Fault::NoAlert(id.alert)) };
    let alert = super::load(connection, id.alert)?;
    Ok(Told { teller: id, token: teller.token, alert, besides, last: end.min(last) })
}

/// The notifications that another one tells of.
pub fn told_in(connection: &Connection, id: NotificationId) -> Answer<Vec<Notification>> {
    all(connection, query::TOLD_IN, params![id.alert.0, id.number], row::notification)
}

/// A notification and those that it tells of: up to the `last`-th, or all, also those that it has not told of yet.
pub fn teller_and_told(
    connection: &Connection,
    teller: NotificationId,
    last: Option<i64>,
) -> Answer<Vec<NotificationId>> {
    let mut of = vec![teller];
    match last {
        None => of.extend(told_in(connection, teller)?.iter().map(|notification| notification.id)),
        Some(last) => {
            let parameters = params![teller.alert.0, teller.number, last];
            of.extend(all(connection, query::TOLD_UP_TO, parameters, |row| {
                Ok(NotificationId { alert: AlertId(row.get(0)?), number: row.get(1)? })
            })?);
        }
    }
    Ok(of)
}

/// The notification.
pub fn notification(connection: &Connection, id: NotificationId) -> Answer<Option<Notification>> {
    one(connection, query::NOTIFICATION, params![id.alert.0, id.number], row::notification)
}

fn number_told(connection: &Connection, id: NotificationId) -> Answer<usize> {
    execute(connection, query::NUMBER_TOLD, params![id.alert.0, id.number])
}

/// What waits to be sent to the contact of `page`, or is held back, as `query` says, besides it: one for each alert.
fn waiting_for(connection: &Connection, page: &Notification, query: &str) -> Answer<Vec<Notification>> {
    let asked = params![
        page.contact.as_str(),
        row::channel_word(page.channel),
        row::purpose_word(page.purpose),
        page.to.as_str()
    ];
    let mut waiting = readable(connection, query, asked, usize::MAX, row::notification)?;
    waiting.retain(|other| other.id != page.id);
    let mut riders = Vec::with_capacity(waiting.len());
    for rider in waiting {
        if !is_of_self_test(connection, rider.id.alert)? {
            riders.push(rider);
        }
    }
    Ok(riders)
}

fn was_told(connection: &Connection, alert: AlertId) -> Answer<bool> {
    Ok(one(connection, query::TOLD, [alert.0], |row| Ok(row.get(0)?))?.unwrap_or(false))
}

/// Whether the limits let something go to a contact by a channel now.
pub fn verdict(
    connection: &Connection,
    throttle: &Throttle<'_>,
    (contact, channel): (&ContactId, Channel),
    recipients: &[String],
    wanted: &Wanted,
    now: Timestamp,
) -> Answer<Verdict> {
    let since = |span: SignedDuration| milliseconds(now.checked_sub(span).unwrap_or(Timestamp::MIN));
    let windows = throttle.limits.of(contact, channel);
    let mut verdict = match windows.iter().map(|window| window.within).max() {
        Some(longest) => {
            let asked = params![contact.as_str(), row::channel_word(channel), since(longest)];
            judge(windows, &all(connection, query::SENT, asked, sent)?, wanted, now)
        }
        None => Verdict::Go { room: usize::MAX },
    };
    if wanted.untold && !wanted.news {
        for recipient in recipients {
            let Some(window) = (throttle.recipient)(recipient) else { continue };
            let told = all(connection, query::RECIPIENT_ALERTS, params![recipient, since(window.within)], sent)?;
            verdict = verdict.stricter(judge(&[window], &told, wanted, now));
        }
    }
    Ok(verdict)
}

fn recipients(connection: &Connection, alert: AlertId) -> Answer<Vec<String>> {
    let alert: Option<Alert> = one(connection, query::ALERT, [alert.0], row::alert)?;
    Ok(alert.map(|alert| alert.recipients).unwrap_or_default())
}

fn sent(row: &rusqlite::Row<'_>) -> Answer<Sent> {
    let at = Timestamp::from_millisecond(row.get(0)?).unwrap_or(Timestamp::MIN);
    Ok(Sent { at, alert: AlertId(row.get(1)?), woke: row.get(2)? })
}
