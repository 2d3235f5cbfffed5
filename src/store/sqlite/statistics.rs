//! Reading what statistics are made of: each alert of some days once, and what was sent about them by one walk along an
//! index.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::fault::Answer;
use super::row::milliseconds;
use super::{Sqlite, query};
use crate::oncall::GroupId;
use crate::store::Result;
use crate::store::statistics::{Cell, Figured, Figures, Statistics};

impl Figured for Sqlite {
    fn statistics(&mut self, edges: &[Timestamp]) -> Result<Statistics> {
        let edges: Vec<i64> = edges.iter().map(|edge| milliseconds(*edge)).collect();
        let cells = self.read(|transaction| cells(transaction, &edges))?;
        Ok(Statistics { cells })
    }
}

/// What a day, group and rule has, while it is being found.
#[derive(Default)]
struct Found {
    /// By day, group and rule: where its figures are.
    places: BTreeMap<(usize, String, String), usize>,
    figures: Vec<Figures>,
}

impl Found {
    fn place(&mut self, day: usize, group: &str, rule: &str) -> usize {
        let next = self.figures.len();
        let place = *self.places.entry((day, group.to_owned(), rule.to_owned())).or_insert(next);
        if place == next {
            self.figures.push(Figures::default());
        }
        place
    }
}

fn cells(connection: &Connection, edges: &[i64]) -> Answer<Vec<Cell>> {
    let (Some(since), Some(until)) = (edges.first(), edges.last()) else { return Ok(Vec::new()) };
    let mut found = Found::default();
    // Of which figures each alert is; and between which numbers they are.
    let mut of_alert: HashMap<i64, usize> = HashMap::new();
    let mut numbers: Option<(i64, i64)> = None;
    let mut statement = connection.prepare_cached(query::OPENED_BETWEEN)?;
    let mut rows = statement.query(params![since, until])?;
    // They come in the order in which they were opened, so most are of the cell of one before.
    let mut recent: Vec<(usize, String, String, usize)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, opened_at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (group, rule) = (row.get_ref(2)?, row.get_ref(3)?);
        let (group, rule) = (group.as_str().unwrap_or_default(), rule.as_str().unwrap_or_default());
        // The last edge is no day's beginning.
        let day = edges.partition_point(|edge| *edge <= opened_at).saturating_sub(1);
        if recent.first().is_some_and(|(of, ..)| *of != day) {
            recent.clear();
        }
        let known = recent.iter().find(|(_, of, by, _)| of == group && by == rule).map(|(.., place)| *place);
        let place = known.unwrap_or_else(|| {
            let place = found.place(day, group, rule);
            recent.push((day, group.to_owned(), rule.to_owned(), place));
            place
        });
        of_alert.insert(id, place);
        numbers = Some(numbers.map_or((id, id), |(least, most)| (least.min(id), most.max(id))));
        let Some(figures) = found.figures.get_mut(place) else { continue };
        figures.opened += 1;
        figures.expired += u64::from(row.get_ref(4)?.as_str().is_ok_and(|state| state == "expired"));
        if let Some(at) = row.get::<_, Option<i64>>(5)? {
            figures.acknowledged += 1;
            figures.took.push((at - opened_at).max(0));
        }
    }
    let Some((least, most)) = numbers else { return Ok(Vec::new()) };
    let mut statement = connection.prepare_cached(query::MADE)?;
    let mut rows = statement.query([least, most])?;
    while let Some(row) = rows.next()? {
        let Some(figures) = of_alert.get(&row.get(0)?).and_then(|place| found.figures.get_mut(*place)) else {
            continue;
        };
        let made = u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
        match row.get_ref(1)?.as_str() {
            Ok("call") => figures.calls += made,
            Ok("sms") => figures.texts += made,
            Ok(_) | Err(_) => {}
        }
    }
    let Found { places, mut figures } = found;
    let cell = |((day, group, rule), place): ((usize, String, String), usize)| {
        let figures = figures.get_mut(place).map(std::mem::take).unwrap_or_default();
        Cell { day, group: GroupId::new(group), rule, figures }
    };
    Ok(places.into_iter().map(cell).collect())
}
