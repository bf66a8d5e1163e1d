//! Changes of the outbox.

use fs_core::Timestamp;
use fs_core::port::{OutboxEntry, OutboxId, OutboxMail, OutgoingMail};

use super::{Outcome, Work};
use crate::driver::Pool;
use crate::error::Error;
use crate::value::{Row, Value};

/// Maximum length of the mail server's answer that is kept.
const REASON: usize = 500;

impl Work<'_> {
    pub(super) async fn enqueue(&mut self, entry: &OutboxEntry) -> Outcome {
        let mail = &entry.mail;
        self.tx
            .execute(
                "INSERT INTO fs_outbox (id, template, recipient, sender, subject, text_body, \
                 html_body, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
                 ON CONFLICT (id) DO NOTHING",
                vec![
                    entry.id.0.as_str().into(),
                    mail.template.as_str().into(),
                    mail.to.as_str().into(),
                    mail.from.as_str().into(),
                    mail.subject.as_str().into(),
                    mail.text.as_deref().into(),
                    mail.html.as_deref().into(),
                    Value::micros(entry.at),
                    Value::micros(entry.at),
                ],
            )
            .await?;
        Ok(())
    }

    pub(super) async fn delivered(&mut self, mail: &OutboxId) -> Outcome {
        let delete = "DELETE FROM fs_outbox WHERE id = ?";
        self.tx.execute(delete, vec![mail.0.as_str().into()]).await?;
        Ok(())
    }

    pub(super) async fn failed(
        &mut self,
        mail: &OutboxId,
        due: Timestamp,
        reason: &str,
    ) -> Outcome {
        // The mail server's answer is untrusted text.
        let reason: String = reason.chars().filter(|c| *c != '\0').take(REASON).collect();
        let wiped = match due == Timestamp::MAX {
            true => ", text_body = NULL, html_body = NULL",
            false => "",
        };
        let update = &format!(
            "UPDATE fs_outbox SET attempts = attempts + 1, due_at = ?, last_failure = ?{wiped} \
             WHERE id = ?"
        );
        let values = vec![Value::micros(due), reason.into(), mail.0.as_str().into()];
        self.tx.execute(update, values).await?;
        Ok(())
    }
}

/// Claims mails that are due. See [`fs_core::port::UserStore::claim_mails`].
pub(crate) async fn claim(
    pool: &Pool,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<OutboxMail>, Error> {
    let mut tx = pool.begin().await?;
    let query = format!(
        "SELECT seq, id, template, recipient, sender, subject, text_body, html_body, attempts \
         FROM fs_outbox WHERE due_at <= ? ORDER BY due_at, seq LIMIT ? {}",
        tx.dialect.lock_free_rows
    );
    let rows = tx.rows(&query, vec![Value::micros(now), i64::from(limit).into()]).await?;
    let mut claimed = Vec::with_capacity(rows.len());
    for mut row in rows {
        let seq = row.required_int("seq")?;
        match read_mail(&mut row) {
            Ok(mail) => claimed.push(mail),
            // The other mails are delivered; this one is claimed again later.
            Err(Error::Unreadable { column }) => {
                tracing::error!(table = "fs_outbox", key = seq, column, "a mail cannot be read");
            }
            Err(error) => return Err(error),
        }
        let update = "UPDATE fs_outbox SET due_at = ? WHERE seq = ?";
        tx.execute(update, vec![Value::micros(until), seq.into()]).await?;
    }
    tx.commit().await?;
    Ok(claimed)
}

fn read_mail(row: &mut Row) -> Result<OutboxMail, Error> {
    Ok(OutboxMail {
        id: OutboxId(row.required_text("id")?),
        mail: OutgoingMail {
            template: row.required_text("template")?,
            to: row.required_text("recipient")?,
            from: row.required_text("sender")?,
            subject: row.required_text("subject")?,
            text: row.text("text_body")?,
            html: row.text("html_body")?,
        },
        attempts: u32::try_from(row.required_int("attempts")?).unwrap_or(u32::MAX),
    })
}
