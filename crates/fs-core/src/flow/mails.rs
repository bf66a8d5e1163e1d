//! The outbox: mails enter it in the batch of the change that they report, and are delivered later.

use std::time::Duration;

use super::FlowError;
use crate::Timestamp;
use crate::context::Context;
use crate::model::{Uniquifier, User};
use crate::port::{
    Batch, Change, CommitError, MailDraft, MailError, MailKind, OutboxEntry, OutboxId,
    OutboxMessage, OutgoingMessage, OutgoingSms, SmsError,
};
use crate::security::Security;

/// Result of a round of delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// Number of mails that were delivered.
    pub sent: u32,
    /// Number of mails that will be tried again.
    pub postponed: u32,
    /// Number of mails that were given up.
    pub given_up: u32,
}

/// Period for which a mail is reserved for the node that sends it. A node reserves one mail at a
/// time: of several, the last could wait behind a slow mail server until its reservation ends, and
/// another node would send it as well.
const LEASE: Duration = Duration::from_secs(120);
/// Maximum number of attempts for a mail, spread over about two days.
const ATTEMPTS: u32 = 16;
/// Maximum number of attempts for a text message, whose code soon expires.
const TEXT_ATTEMPTS: u32 = 3;
const FIRST_DELAY: Duration = Duration::from_secs(15);
const LONGEST_DELAY: Duration = Duration::from_secs(6 * 3_600);

impl Security {
    /// Returns the change that puts a mail to a user into the outbox.
    pub(crate) fn mail(
        &self,
        ctx: &Context,
        to: &User,
        kind: MailKind<'_>,
    ) -> Result<Change, FlowError> {
        let username = self.accounts().identity_of(to).unwrap_or(&to.email);
        self.mail_to(ctx, &to.email, username, kind)
    }

    /// Returns the change that puts a mail to an address without an account into the outbox.
    pub(crate) fn mail_to(
        &self,
        ctx: &Context,
        to: &str,
        username: &str,
        kind: MailKind<'_>,
    ) -> Result<Change, FlowError> {
        let (base_url, language) = (&ctx.base_url, &ctx.language);
        let draft = MailDraft { kind, to, username, base_url, language };
        let message = OutgoingMessage::Mail(self.composer().compose(&draft)?);
        self.enqueued(ctx, message)
    }

    /// Returns the change that stands in for a mail to an address without an account. It puts a
    /// decoy of the same size into the outbox, and delivery discards it. So neither the time of
    /// this request nor that of the next one reveals whether the account exists. Wake the worker
    /// after the commit.
    pub(crate) fn no_mail(
        &self,
        ctx: &Context,
        to: &str,
        kind: MailKind<'_>,
    ) -> Result<Change, FlowError> {
        Ok(decoy(self.mail_to(ctx, to, to, kind)?))
    }

    /// Returns the change that stands in for a text message to an identity without an account.
    pub(crate) fn no_text(&self, ctx: &Context, sms: &OutgoingSms) -> Result<Change, FlowError> {
        Ok(decoy(self.text(ctx, sms)?))
    }

    /// Returns a uniquifier of no user, as long as any other, so that tokens for it have the usual
    /// length.
    pub(super) fn nobody() -> Uniquifier {
        Uniquifier::from_random([0; 16])
    }

    /// Returns the change that puts a text message into the outbox.
    pub(crate) fn text(&self, ctx: &Context, sms: &OutgoingSms) -> Result<Change, FlowError> {
        self.enqueued(ctx, OutgoingMessage::Sms(sms.clone()))
    }

    fn enqueued(&self, ctx: &Context, message: OutgoingMessage) -> Result<Change, FlowError> {
        let id = self.new_outbox_id()?;
        Ok(Change::Enqueue(Box::new(OutboxEntry { id, message, at: ctx.now })))
    }

    /// Wakes the worker that delivers mails.
    pub(crate) fn mail_waits(&self) {
        if let Some(waker) = &self.ports().outbox_waker {
            waker.wake();
        }
    }

    /// Waits for a random time of up to eight milliseconds if answers must not reveal whether an
    /// account exists. A worker calls this when it is woken, before [`deliver_mails`]: otherwise
    /// its work, which is longer for a real message, would change the time of the next request.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Entropy`] if the source of randomness fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::FlowError};
    /// # async fn example(security: Security) -> Result<(), FlowError> {
    /// // The outbox waker was called.
    /// security.wait_before_delivery().await?;
    /// let delivered = security.deliver_mails().await?;
    /// # let _ = delivered;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`deliver_mails`]: Self::deliver_mails
    pub async fn wait_before_delivery(&self) -> Result<(), FlowError> {
        self.blur_time().await
    }

    /// Delivers all due mails and text messages of the outbox. A message that cannot be sent now is
    /// retried with exponential back-off. A message that is refused or was tried too often stays in
    /// the outbox and is not retried.
    ///
    /// Before that, this writes the recorded uses of auth tokens
    /// ([`write_token_uses`](Self::write_token_uses)).
    ///
    /// Several nodes may call this at the same time: each message is reserved for one node. If a
    /// node dies while sending, other nodes take over its message after two minutes.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails. Messages that are still in the outbox
    /// are delivered by a later call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Security, flow::FlowError};
    /// # async fn example(security: Security) -> Result<(), FlowError> {
    /// let delivered = security.deliver_mails().await?;
    /// println!("{} sent, {} postponed", delivered.sent, delivered.postponed);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn deliver_mails(&self) -> Result<Delivered, FlowError> {
        self.write_token_uses().await?;
        let mut done = Delivered::default();
        loop {
            let now = self.now();
            let claimed = self.store().claim_messages(now, now.plus(LEASE), 1).await?.pop();
            let Some(claimed) = claimed else {
                return Ok(done);
            };
            let (decoy, times) = (claimed.message.is_decoy(), self.delivery_times());
            let started = self.now();
            let outcome = match &claimed.message {
                message if decoy => {
                    self.wait(Some(times.of_decoy(message))).await;
                    Ok(())
                }
                OutgoingMessage::Sms(sms) => self.send_text(&claimed.id, sms).await,
                OutgoingMessage::Mail(mail) => self.ports().mailer.send(&claimed.id, mail).await,
            };
            if !decoy && outcome.is_ok() {
                times.note(&claimed.message, self.now().since(started));
            }
            let change = settled(self.now(), &claimed, outcome);
            match &change {
                Change::Delivered(_) if decoy => {}
                Change::Delivered(_) => done.sent += 1,
                Change::DeliveryFailed { due, .. } if *due == Timestamp::MAX => done.given_up += 1,
                _ => done.postponed += 1,
            }
            match self.store().commit(Batch::from(change)).await {
                Ok(_) | Err(CommitError::Stale(_) | CommitError::Conflict(_)) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
    }

    async fn send_text(&self, id: &OutboxId, sms: &OutgoingSms) -> Result<(), MailError> {
        let Some(sender) = &self.ports().sms else {
            return Err(MailError::Permanent("nobody sends text messages".to_owned()));
        };
        sender.send(id, sms).await.map_err(|error| match error {
            SmsError::Temporary(reason) => MailError::Temporary(reason),
            SmsError::Permanent(reason) => MailError::Permanent(reason),
        })
    }
}

fn decoy(change: Change) -> Change {
    match change {
        Change::Enqueue(entry) => {
            let OutboxEntry { id, message, at } = *entry;
            Change::Enqueue(Box::new(OutboxEntry { id, message: message.into_decoy(), at }))
        }
        other => other,
    }
}

/// Returns the changes of a batch with a decoy in place of every message.
pub(super) fn decoys(batch: &Batch) -> Batch {
    let mut nothing = Batch::new();
    nothing.extend(batch.changes().iter().cloned().map(decoy));
    nothing
}

/// Returns the change to the outbox after an attempt to send a message.
fn settled(now: Timestamp, sent: &OutboxMessage, outcome: Result<(), MailError>) -> Change {
    let id = sent.id.clone();
    let failed = |due, reason: &str| Change::DeliveryFailed {
        message: id.clone(),
        due,
        reason: reason.chars().take(500).collect(),
    };
    let attempts = match sent.message {
        OutgoingMessage::Sms(_) => TEXT_ATTEMPTS,
        OutgoingMessage::Mail(_) => ATTEMPTS,
    };
    match outcome {
        Ok(()) => Change::Delivered(id),
        Err(MailError::Permanent(reason)) => failed(Timestamp::MAX, &reason),
        Err(MailError::Temporary(reason)) if sent.attempts + 1 >= attempts => {
            failed(Timestamp::MAX, &reason)
        }
        Err(MailError::Temporary(reason)) => failed(now.plus(delay(sent.attempts)), &reason),
    }
}

fn delay(attempts: u32) -> Duration {
    FIRST_DELAY.saturating_mul(2_u32.saturating_pow(attempts)).min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_each_time_but_never_without_end() {
        let delays: Vec<_> = (0..ATTEMPTS).map(delay).collect();
        assert!(delays.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(delays.last(), Some(&LONGEST_DELAY));
        assert_eq!(delay(u32::MAX), LONGEST_DELAY);
    }
}
