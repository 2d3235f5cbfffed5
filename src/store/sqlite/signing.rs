//! The key by which this installation signs, and the sessions that were ended.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::fault::Answer;
use super::row::milliseconds;
use super::work::{all, execute, one};
use super::{Sqlite, query};
use crate::store::Result;
use crate::store::signing::{Nonce, Signing, SigningKey};

impl Signing for Sqlite {
    fn signing_key(&mut self, draw: &mut dyn FnMut() -> u128) -> Result<SigningKey> {
        if let Some(key) = self.read(|transaction| key(transaction))? {
            return Ok(key);
        }
        self.write(|transaction| {
            // Whoever else asked meanwhile has made it.
            if let Some(key) = key(transaction)? {
                return Ok(key);
            }
            let mut bytes = [0_u8; 32];
            for (place, random) in bytes.chunks_exact_mut(16).zip([draw(), draw()]) {
                place.copy_from_slice(&random.to_le_bytes());
            }
            execute(transaction, query::MAKE_KEY, params![bytes])?;
            Ok(SigningKey(bytes))
        })
    }

    fn end_session(&mut self, session: &Nonce, until: Timestamp, now: Timestamp) -> Result<()> {
        self.write(|transaction| {
            execute(transaction, query::FORGET_SESSIONS, params![milliseconds(now)])?;
            execute(transaction, query::END_SESSION, params![session, milliseconds(until)]).map(drop)
        })
    }

    fn ended_sessions(&mut self, now: Timestamp) -> Result<Vec<(Nonce, Timestamp)>> {
        self.read(|transaction| {
            all(transaction, query::ENDED_SESSIONS, params![milliseconds(now)], |row| {
                // A time that cannot be one: ended is ended.
                Ok((row.get(0)?, Timestamp::from_millisecond(row.get(1)?).unwrap_or(Timestamp::MAX)))
            })
        })
    }
}

fn key(connection: &Connection) -> Answer<Option<SigningKey>> {
    one(connection, query::KEY, [], |row| Ok(SigningKey(row.get(0)?)))
}
