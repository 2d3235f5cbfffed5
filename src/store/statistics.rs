//! How many alerts there were, by day, group and rule, and how long people took. The store reads, the sums are made here.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Result;
use crate::oncall::GroupId;

/// The alerts that were opened on one day, of one group and rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Which of the days, from 0.
    pub day: usize,
    /// Whose alerts.
    pub group: GroupId,
    /// Of which rule; empty when none matched.
    pub rule: String,
    /// How they went until now.
    pub figures: Figures,
}

/// How some alerts went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// How many were opened.
    pub opened: u64,
    /// How many of them somebody has taken.
    pub acknowledged: u64,
    /// How many of them have expired.
    pub expired: u64,
    /// How many calls were made about them.
    pub calls: u64,
    /// How many texts were sent about them.
    pub texts: u64,
    /// How long each took until it was acknowledged, in milliseconds, in no order.
    pub(super) took: Vec<i64>,
}

impl Figures {
    /// Adds those of other alerts.
    pub fn add(&mut self, more: &Self) {
        self.opened += more.opened;
        self.acknowledged += more.acknowledged;
        self.expired += more.expired;
        self.calls += more.calls;
        self.texts += more.texts;
        self.took.extend_from_slice(&more.took);
    }

    /// Half of those that were acknowledged were so within this time; `None`: none was.
    pub fn median(&self) -> Option<SignedDuration> {
        self.percentile(50)
    }

    /// So many in a hundred of those that were acknowledged were so within this time (by the nearest rank).
    pub fn percentile(&self, percent: usize) -> Option<SignedDuration> {
        let mut took = self.took.clone();
        let rank = (took.len() * percent.min(100)).div_ceil(100).max(1) - 1;
        if rank >= took.len() {
            return None;
        }
        let (_, there, _) = took.select_nth_unstable(rank);
        Some(SignedDuration::from_millis(*there))
    }
}

/// Statistics of some days.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Every day, group and rule of which there was an alert, in this order.
    pub cells: Vec<Cell>,
}

impl Statistics {
    /// Of everything together.
    pub fn total(&self) -> Figures {
        self.by(|_| ()).into_values().next().unwrap_or_default()
    }

    /// By whatever a cell has: `by(|cell| cell.day)`, `by(|cell| (&cell.group, &cell.rule))`.
    pub fn by<'s, K: Ord>(&'s self, key: impl Fn(&'s Cell) -> K) -> BTreeMap<K, Figures> {
        let mut sums: BTreeMap<K, Figures> = BTreeMap::new();
        for cell in &self.cells {
            sums.entry(key(cell)).or_default().add(&cell.figures);
        }
        sums
    }
}

/// Reading statistics.
pub trait Figured {
    /// The statistics of these days: the first begins at the first of the edges, and each ends where the next one begins,
    /// the last one at the last edge. An alert belongs to the day on which it was opened, with all that came of it.
    fn statistics(&mut self, edges: &[Timestamp]) -> Result<Statistics>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(took: &[i64]) -> Figures {
        Figures { took: took.to_vec(), ..Figures::default() }
    }

    #[test]
    fn percentiles_are_by_the_nearest_rank() {
        let seconds = |figures: &Figures, percent| figures.percentile(percent).map(|took| took.as_millis());
        assert_eq!(of(&[]).median(), None);
        assert_eq!(seconds(&of(&[7]), 50), Some(7));
        assert_eq!(seconds(&of(&[7]), 90), Some(7));
        let ten = of(&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!((seconds(&ten, 50), seconds(&ten, 90), seconds(&ten, 100)), (Some(5), Some(9), Some(10)));
        assert_eq!(seconds(&ten, 0), Some(1));
        assert_eq!(seconds(&of(&[3, 1, 2]), 50), Some(2));
    }

    #[test]
    fn cells_are_summed_by_what_one_asks_for() {
        let cell = |day, group: &str, took: &[i64]| Cell {
            day,
            group: GroupId::new(group),
            rule: "r".into(),
            figures: Figures { opened: 1, calls: 2, ..of(took) },
        };
        let statistics = Statistics { cells: vec![cell(0, "a", &[1]), cell(0, "b", &[2]), cell(1, "a", &[30])] };
        let days = statistics.by(|cell| cell.day);
        assert_eq!(days.keys().collect::<Vec<_>>(), [&0, &1]);
        assert_eq!((days[&0].opened, days[&0].calls, days[&1].opened), (2, 4, 1));
        let groups = statistics.by(|cell| cell.group.as_str());
        assert_eq!(groups["a"].percentile(90), Some(SignedDuration::from_millis(30)));
        assert_eq!(statistics.total().opened, 3);
        assert_eq!(Statistics::default().total(), Figures::default());
    }
}
