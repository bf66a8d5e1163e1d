//! Codes that were sent: one by mail or text message is good because it went out.
//!
//! Secrets of such methods are kept, so there is a code of every moment, sent or not. What went out
//! is noted in the batch before the message, as a record beside the sessions, under a name that the
//! secret and the step make. So it ends by itself when the code is too old, and with the account's
//! trust; that it is used once is for the mark of the step.

use super::FlowError;
use super::codes::CodeMessage;
use crate::model::{SessionKey, SessionKind, SessionRecord, Uniquifier, User};
use crate::port::{Batch, Change};
use crate::security::{Context, Security};
use crate::totp::{self, Step, TotpSecret};

impl Security {
    /// Notes that a code goes out now.
    pub(super) fn note_sent(&self, ctx: &Context, batch: &mut Batch, message: &CodeMessage<'_>) {
        if !self.config().totp.strict || !message.method.is_sent() {
            return;
        }
        let step = self.totp_rules().step_at(ctx.now);
        let key = note_of(message.user, message.secret, step);
        // The same code may go out twice.
        self.note(ctx, batch, key, message.user.uniquifier.clone(), step);
    }

    /// Does the work of a note where nothing goes out: a record that belongs to nobody.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Entropy`] if there was no randomness.
    pub(super) fn note_nothing(
        &self,
        ctx: &Context,
        batch: &mut Batch,
        secret: &TotpSecret,
    ) -> Result<(), FlowError> {
        if self.config().totp.strict {
            let step = self.totp_rules().step_at(ctx.now);
            self.note(ctx, batch, totp::sent("", secret, step), Self::nobody(), step);
        }
        Ok(())
    }

    fn note(
        &self,
        ctx: &Context,
        batch: &mut Batch,
        key: SessionKey,
        uniquifier: Uniquifier,
        step: Step,
    ) {
        batch.push(Change::EndSession(key.clone()));
        batch.push(Change::InsertSession(SessionRecord {
            key,
            kind: SessionKind::SentCode,
            uniquifier,
            created_at: ctx.now,
            authenticated_at: None,
            expires_at: self.closed_at(step),
            user_agent: None,
            client_ip: None,
            parent: None,
        }));
    }

    /// Whether the code of a step went out to a user.
    pub(super) async fn was_sent(
        &self,
        ctx: &Context,
        user: &User,
        secret: &TotpSecret,
        step: Step,
    ) -> Result<bool, FlowError> {
        let found = self.store().session(&note_of(user, secret, step), ctx.now).await?;
        let noted = |(record, of): (SessionRecord, User)| {
            record.kind == SessionKind::SentCode && of.id == user.id
        };
        Ok(found.is_some_and(noted))
    }
}

fn note_of(user: &User, secret: &TotpSecret, step: Step) -> SessionKey {
    totp::sent(user.id.as_str(), secret, step)
}
