//! Mails that go on by e-mail. Their bytes lie apart, once for each mail, and are deleted with the last post that needs them.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::fault::{Answer, Fault};
use super::row::milliseconds;
use super::work::{add_lines, all, execute, one};
use super::{Sqlite, query};
use crate::alert::{Alert, AlertId, Digest, Entry, Token};
use crate::notify::forward::Form;
use crate::oncall::{ContactId, MailAddress};
use crate::store::Result;
use crate::store::outbox::{Addressee, Fate, Outbox, Parcel, Post, PostId};

/// Puts a mail that an alert has just had into the outbox, unless the alert has had too many.
pub fn post(
    connection: &Connection,
    alert: &Alert,
    mail: Digest,
    parcel: &Parcel,
    now: Timestamp,
    random: &mut dyn FnMut() -> u128,
) -> Answer<()> {
    if !parcel.goes_on(alert) {
        return Ok(());
    }
    let content = Digest::of_bytes(&parcel.bytes);
    let size = i64::try_from(parcel.size).unwrap_or(i64::MAX);
    execute(connection, query::KEEP_MAIL, params![content.0, parcel.bytes])?;
    for to in &parcel.to {
        let token = Token::from_bits(random());
        let parameters = params![
            alert.id.0,
            mail.0,
            alert.mails,
            content.0,
            size,
            form_word(parcel.form),
            to.contact.as_ref().map(ContactId::as_str),
            to.address.as_str(),
            token.as_str(),
            milliseconds(now),
        ];
        execute(connection, query::POST, parameters)?;
    }
    Ok(())
}

impl Outbox for Sqlite {
    fn claim_posts(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
        only: Option<&[AlertId]>,
    ) -> Result<Vec<Post>> {
        // Looked for without a turn first, as for notifications.
        if self.read(|transaction| claimable(transaction, now, limit, only))?.is_empty() {
            return Ok(Vec::new());
        }
        self.write(|transaction| {
            let mut claimed = claimable(transaction, now, limit, only)?;
            for post in &mut claimed {
                execute(transaction, query::CLAIM_POST, params![post.id.0, milliseconds(until)])?;
                post.tries = post.tries.saturating_add(1);
            }
            Ok(claimed)
        })
    }

    fn mail_of(&mut self, post: PostId) -> Result<Vec<u8>> {
        self.read(|transaction| {
            Ok(one(transaction, query::MAIL_OF, [post.0], |row| Ok(row.get(0)?))?.unwrap_or_default())
        })
    }

    fn settle_post(&mut self, post: PostId, fate: Fate, doubt: bool, lines: &[Entry]) -> Result<()> {
        self.write(|transaction| {
            let (word, at) = match fate {
                Fate::Due(at) => ("due", at),
                Fate::Sent(at) => ("sent", at),
                Fate::Failed(at) => ("failed", at),
            };
            let parameters = params![post.0, word, milliseconds(at), doubt];
            let Some(alert) = one(transaction, query::SETTLE_POST, parameters, |row| Ok(AlertId(row.get(0)?)))? else {
                return Ok(());
            };
            execute(transaction, query::DROP_MAILS, [])?;
            add_lines(transaction, alert, lines)
        })
    }

    fn posts(&mut self, alert: AlertId) -> Result<Vec<Post>> {
        self.read(|transaction| all(transaction, query::POSTS, [alert.0], row))
    }

    fn post_of(&mut self, token: &Token) -> Result<Option<Post>> {
        self.read(|transaction| one(transaction, query::POST_OF, [token.as_str()], row))
    }
}

fn claimable(connection: &Connection, now: Timestamp, limit: usize, only: Option<&[AlertId]>) -> Answer<Vec<Post>> {
    let now = milliseconds(now);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let Some(only) = only else { return all(connection, query::CLAIMABLE_POSTS, params![now, limit], row) };
    let mut found = Vec::new();
    for id in only {
        found.extend(all(connection, query::CLAIMABLE_POSTS_OF, params![now, limit, id.0], row)?);
    }
    found.sort_by_key(|post| post.id);
    found.dedup_by_key(|post| post.id);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

fn row(row: &Row<'_>) -> Answer<Post> {
    let id = PostId(row.get("id")?);
    let damaged = |why: String| Fault::Damaged { what: format!("forwarded mail {}", id.0), why };
    let time = |column: &str| -> Answer<Timestamp> {
        Timestamp::from_millisecond(row.get(column)?).map_err(|error| damaged(error.to_string()))
    };
    let address: String = row.get("address")?;
    let address: MailAddress =
        address.parse().map_err(|error: crate::oncall::MailAddressError| damaged(error.to_string()))?;
    let token: String = row.get("token")?;
    let fate = match row.get::<_, String>("fate")?.as_str() {
        "due" => Fate::Due(time("at")?),
        "sent" => Fate::Sent(time("at")?),
        "failed" => Fate::Failed(time("at")?),
        word => return Err(damaged(format!("unknown word `{word}`"))),
    };
    Ok(Post {
        id,
        alert: AlertId(row.get("alert")?),
        mail: row.get("number")?,
        size: u64::try_from(row.get::<_, i64>("size")?).unwrap_or_default(),
        form: match row.get::<_, String>("form")?.as_str() {
            "attachment" => Form::Attachment,
            "redirect" => Form::Redirect,
            word => return Err(damaged(format!("unknown word `{word}`"))),
        },
        to: Addressee { contact: row.get::<_, Option<String>>("contact")?.map(ContactId::new), address },
        token: Token::parse(&token).ok_or_else(|| damaged("the token has not the form of one".to_owned()))?,
        created_at: time("created_at")?,
        tries: row.get("tries")?,
        doubts: row.get("doubts")?,
        fate,
    })
}

fn form_word(form: Form) -> &'static str {
    match form {
        Form::Attachment => "attachment",
        Form::Redirect => "redirect",
    }
}
