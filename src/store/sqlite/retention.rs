//! Forgetting what is over. A deleted alert takes its rows in the other tables with it.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::fault::Answer;
use super::row::milliseconds;
use super::work::{all, execute, one};
use super::{Sqlite, query};
use crate::store::{Forgotten, Result, Retention, Size};

impl Retention for Sqlite {
    fn prune(&mut self, before: Timestamp, limit: usize) -> Result<Forgotten> {
        let (before, limit) = (milliseconds(before), i64::try_from(limit).unwrap_or(i64::MAX));
        // Looked for without a turn first: an engine that finds nothing to forget holds nobody up.
        let found = self.read(|transaction| {
            let over = one(transaction, query::OVERRIDES_OVER, [before], |row| Ok(row.get(0)?))?.unwrap_or(false);
            Ok(over || !prunable(transaction, before, 1)?.is_empty())
        })?;
        if !found {
            return Ok(Forgotten::default());
        }
        self.write(|transaction| {
            execute(transaction, query::FORGET_OVERRIDES, [before])?;
            let mut forgotten = Forgotten::default();
            for id in prunable(transaction, before, limit)? {
                let (notifications, lines) =
                    one(transaction, query::BELONGINGS, [id], |row| Ok((number(row, 0)?, number(row, 1)?)))?
                        .unwrap_or_default();
                execute(transaction, query::FORGET_ALERT, [id])?;
                forgotten += Forgotten { alerts: 1, notifications, lines };
            }
            execute(transaction, query::DROP_MAILS, [])?;
            Ok(forgotten)
        })
    }

    fn prunable(&mut self, before: Timestamp) -> Result<Forgotten> {
        self.read(|transaction| {
            let counted = one(transaction, query::COUNT_PRUNABLE, params![milliseconds(before)], |row| {
                Ok(Forgotten { alerts: number(row, 0)?, notifications: number(row, 1)?, lines: number(row, 2)? })
            })?;
            Ok(counted.unwrap_or_default())
        })
    }

    fn size(&mut self) -> Result<Size> {
        self.read(|transaction| {
            let pragma = |name| -> Answer<u64> {
                Ok(transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0))?.unsigned_abs())
            };
            let page = pragma("page_size")?;
            let alerts = one(transaction, query::COUNT_ALERTS, [], |row| number(row, 0))?.unwrap_or_default();
            Ok(Size { alerts, bytes: page * pragma("page_count")?, free: page * pragma("freelist_count")? })
        })
    }

    fn compact(&mut self) -> Result<()> {
        let _turn = self.queue.wait();
        let compact = || -> Answer<()> {
            self.connection.execute_batch("VACUUM")?;
            // What was written is in the log beside the file until somebody carries it over.
            self.connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))?;
            Ok(())
        };
        compact().map_err(|fault| fault.at(&self.path))
    }
}

fn prunable(connection: &Connection, before: i64, limit: i64) -> Answer<Vec<i64>> {
    all(connection, query::PRUNABLE, [before, limit], |row| Ok(row.get(0)?))
}

/// A count, which is never negative.
fn number(row: &Row<'_>, column: usize) -> Answer<u64> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}
