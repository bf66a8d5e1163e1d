//! Mails of the application's own.

use super::FlowError;
use crate::port::{Batch, Change, OutboxEntry, OutgoingMail};
use crate::security::{Context, Security};

impl Security {
    /// Puts a mail of the application's own into the outbox (Flask-Security's `send_mail`), from
    /// where it goes the way of all mails: sent as soon as possible, tried again when the mail
    /// server does not answer, not lost when the process dies.
    ///
    /// # Errors
    ///
    /// The mail is not in the outbox, and will not be sent.
    pub async fn send_mail(&self, ctx: &Context, mail: OutgoingMail) -> Result<(), FlowError> {
        let entry = OutboxEntry { id: self.new_outbox_id()?, mail, at: ctx.now };
        self.store().commit(Batch::from(Change::EnqueueMail(Box::new(entry)))).await?;
        self.mail_waits();
        Ok(())
    }
}
