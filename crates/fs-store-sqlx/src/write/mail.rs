//! Changes of the outbox.

use fs_core::Timestamp;
use fs_core::port::{
    OutboxEntry, OutboxId, OutboxMessage, OutgoingMail, OutgoingMessage, OutgoingSms,
};

use super::{Outcome, Work};
use crate::driver::Pool;
use crate::error::Error;
use crate::value::{Row, Value};

/// Maximum length of the server's answer that is kept.
const REASON: usize = 500;

/// Value of the column `template` for a text message.
const TEXT_MESSAGE: &str = "text message";

/// Values of a message's columns.
struct Columns<'a> {
    template: &'a str,
    recipient: &'a str,
    sender: &'a str,
    subject: &'a str,
    text: Option<&'a str>,
    html: Option<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(message: &'a OutgoingMessage) -> Self {
        match message {
            OutgoingMessage::Mail(mail) => Self {
                template: &mail.template,
                recipient: &mail.to,
                sender: &mail.from,
                subject: &mail.subject,
                text: mail.text.as_deref(),
                html: mail.html.as_deref(),
            },
            OutgoingMessage::Sms(sms) => Self {
                template: TEXT_MESSAGE,
                recipient: &sms.to,
                sender: "",
                subject: "",
                text: Some(sms.text.expose()),
                html: None,
            },
        }
    }
}

impl Work<'_> {
    pub(super) async fn enqueue(&mut self, entry: &OutboxEntry) -> Outcome {
        let columns = Columns::of(&entry.message);
        self.tx
            .execute(
                "INSERT INTO fs_outbox (id, template, recipient, sender, subject, text_body, \
                 html_body, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
                 ON CONFLICT (id) DO NOTHING",
                vec![
                    entry.id.0.as_str().into(),
                    columns.template.into(),
                    columns.recipient.into(),
                    columns.sender.into(),
                    columns.subject.into(),
                    columns.text.into(),
                    columns.html.into(),
                    Value::micros(entry.at),
                    Value::micros(entry.at),
                ],
            )
            .await?;
        Ok(())
    }

    pub(super) async fn delivered(&mut self, message: &OutboxId) -> Outcome {
        let delete = "DELETE FROM fs_outbox WHERE id = ?";
        self.tx.execute(delete, vec![message.0.as_str().into()]).await?;
        Ok(())
    }

    pub(super) async fn failed(
        &mut self,
        message: &OutboxId,
        due: Timestamp,
        reason: &str,
    ) -> Outcome {
        // The server's answer is untrusted text.
        let reason: String = reason.chars().filter(|c| *c != '\0').take(REASON).collect();
        let wiped = match due == Timestamp::MAX {
            true => ", text_body = NULL, html_body = NULL",
            false => "",
        };
        let update = &format!(
            "UPDATE fs_outbox SET attempts = attempts + 1, due_at = ?, last_failure = ?{wiped} \
             WHERE id = ?"
        );
        let values = vec![Value::micros(due), reason.into(), message.0.as_str().into()];
        self.tx.execute(update, values).await?;
        Ok(())
    }
}

/// Claims messages that are due. See [`fs_core::port::UserStore::claim_messages`].
pub(crate) async fn claim(
    pool: &Pool,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<OutboxMessage>, Error> {
    loop {
        let (claimed, found) = claim_once(pool, now, until, limit).await?;
        // Messages that cannot be read do not hold up the others.
        if !claimed.is_empty() || found < usize::try_from(limit).unwrap_or(usize::MAX).max(1) {
            return Ok(claimed);
        }
    }
}

/// Claims messages, and returns the number of those that were found as well.
async fn claim_once(
    pool: &Pool,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<(Vec<OutboxMessage>, usize), Error> {
    let mut tx = pool.begin().await?;
    let query = format!(
        "SELECT seq, id, template, recipient, sender, subject, text_body, html_body, attempts \
         FROM fs_outbox WHERE due_at <= ? ORDER BY due_at, seq LIMIT ? {}",
        tx.dialect.lock_free_rows
    );
    let rows = tx.rows(&query, vec![Value::micros(now), i64::from(limit).into()]).await?;
    let found = rows.len();
    let mut claimed = Vec::with_capacity(found);
    for mut row in rows {
        let seq = row.required_int("seq")?;
        match read(&mut row) {
            Ok(message) => claimed.push(message),
            // The other messages are delivered; this one is claimed again later.
            Err(Error::Unreadable { column }) => {
                tracing::error!(table = "fs_outbox", key = seq, column, "a message cannot be read");
            }
            Err(error) => return Err(error),
        }
        let update = "UPDATE fs_outbox SET due_at = ? WHERE seq = ?";
        tx.execute(update, vec![Value::micros(until), seq.into()]).await?;
    }
    tx.commit().await?;
    Ok((claimed, found))
}

fn read(row: &mut Row) -> Result<OutboxMessage, Error> {
    // Columns are read in their order.
    let id = OutboxId(row.required_text("id")?);
    let mail = OutgoingMail {
        template: row.required_text("template")?,
        to: row.required_text("recipient")?,
        from: row.required_text("sender")?,
        subject: row.required_text("subject")?,
        text: row.text("text_body")?,
        html: row.text("html_body")?,
    };
    // An application may have a mail of that name: its recipient is an address.
    let message = match mail.template == TEXT_MESSAGE && !mail.to.contains('@') {
        true => {
            let text = mail.text.unwrap_or_default().into();
            OutgoingMessage::Sms(OutgoingSms { to: mail.to, text })
        }
        false => OutgoingMessage::Mail(mail),
    };
    Ok(OutboxMessage {
        id,
        message,
        attempts: u32::try_from(row.required_int("attempts")?).unwrap_or(u32::MAX),
    })
}
