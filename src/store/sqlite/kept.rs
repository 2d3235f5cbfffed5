//! What mails say, beside their alerts.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::fault::{Answer, Fault};
use super::row::milliseconds;
use super::work::{all, execute, exists, json, one};
use super::{Sqlite, query};
use crate::alert::AlertId;
use crate::store::kept::{FIRST_KEPT, KeptMail, KeptMails, MailText, NEWEST_KEPT};
use crate::store::{Arrival, Result};

/// Keeps what a mail says with its alert, and drops what is neither among the first nor among the newest any more.
pub fn keep(connection: &Connection, id: AlertId, arrival: &Arrival, text: &MailText, now: Timestamp) -> Answer<()> {
    let number: u32 = one(connection, query::NEXT_TEXT, [id.0], |row| Ok(row.get(0)?))?.unwrap_or(1);
    let parameters = params![
        id.0,
        number,
        milliseconds(now),
        text.from,
        text.subject,
        text.message_id,
        json(&arrival.recipients)?,
        i64::try_from(text.size).unwrap_or(i64::MAX),
        text.new_text,
        text.quoted,
        text.cut,
    ];
    execute(connection, query::KEEP_TEXT, parameters)?;
    if number > FIRST_KEPT {
        let dropped = number.saturating_sub(NEWEST_KEPT);
        execute(connection, query::DROP_TEXTS, params![id.0, FIRST_KEPT, dropped])?;
    }
    Ok(())
}

impl KeptMails for Sqlite {
    fn mails(&mut self, id: AlertId) -> Result<Vec<KeptMail>> {
        self.read(|transaction| {
            exists(transaction, id)?;
            all(transaction, query::TEXTS, [id.0], |row| mail(row, id))
        })
    }
}

fn mail(row: &Row<'_>, id: AlertId) -> Answer<KeptMail> {
    let damaged = |why: String| Fault::Damaged { what: format!("a kept mail of alert {id}"), why };
    let recipients: String = row.get("recipients")?;
    Ok(KeptMail {
        number: row.get("number")?,
        received_at: super::row::time(row, "received_at").map_err(damaged)?,
        recipients: serde_json::from_str(&recipients).map_err(|error| damaged(error.to_string()))?,
        text: MailText {
            from: row.get("sender")?,
            subject: row.get("subject")?,
            message_id: row.get("message_id")?,
            size: row.get::<_, i64>("size")?.unsigned_abs(),
            new_text: row.get("new_text")?,
            quoted: row.get("quoted")?,
            cut: row.get("cut")?,
        },
    })
}
