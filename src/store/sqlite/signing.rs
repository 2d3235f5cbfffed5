//! The key by which this installation signs.

use rusqlite::{Connection, params};

use super::fault::Answer;
use super::work::{execute, one};
use super::{Sqlite, query};
use crate::store::Result;
use crate::store::signing::{Signing, SigningKey};

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
}

fn key(connection: &Connection) -> Answer<Option<SigningKey>> {
    one(connection, query::KEY, [], |row| Ok(SigningKey(row.get(0)?)))
}
