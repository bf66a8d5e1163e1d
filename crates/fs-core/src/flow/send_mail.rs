//! Mails of the application itself.

use super::FlowError;
use crate::context::Context;
use crate::port::{Batch, Change, OutboxEntry, OutgoingMail, OutgoingMessage};
use crate::security::Security;

impl Security {
    /// Puts a mail of the application into the outbox (Flask-Security's `send_mail`). Like every
    /// mail, it is sent as soon as possible, retried if the mail server does not answer, and not
    /// lost if the process dies.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails, and [`FlowError::Entropy`] if the source
    /// of randomness fails. The mail is not in the outbox and will not be sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, port::OutgoingMail};
    /// # async fn example(
    /// #     security: Security, ctx: Context, invoice: OutgoingMail,
    /// # ) -> Result<(), FlowError> {
    /// security.send_mail(&ctx, invoice).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_mail(&self, ctx: &Context, mail: OutgoingMail) -> Result<(), FlowError> {
        let message = OutgoingMessage::Mail(mail);
        let entry = OutboxEntry { id: self.new_outbox_id()?, message, at: ctx.now };
        self.store().commit(Batch::from(Change::Enqueue(Box::new(entry)))).await?;
        self.mail_waits();
        Ok(())
    }
}
