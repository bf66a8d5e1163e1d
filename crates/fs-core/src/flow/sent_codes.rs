//! Records of codes that were sent. A code by mail or text message is valid only if it was sent.
//!
//! The secrets of these methods are stored, so a code exists for every time step, sent or not. When
//! a code is sent, a record is committed before the message, in the table of sessions, under a key
//! derived from the secret and the time step. So the record expires when the code does, and is
//! revoked with the sessions of the account. A separate mark makes the code single-use.
//!
//! No code is sent twice. A second request within a time step gets the code of the next step,
//! because the first code may have been used or revoked. A second mark, which outlasts the
//! sessions, records that the code was sent. It is a guard: of two concurrent requests, one
//! continues with the next step.

use std::sync::Arc;

use super::FlowError;
use super::code_message::CodeMessage;
use super::uniquifier::is_session_of;
use crate::config::CodeMethod;
use crate::context::Context;
use crate::model::{SessionKey, SessionKind, SessionRecord, Uniquifier, User};
use crate::port::{Change, CommitError, Guard, SpentSecret};
use crate::security::Security;
use crate::totp::{self, Step, TotpSecret, Window};

/// Maximum number of codes of one secret that are sent within a time step, and so the maximum
/// number of steps that a code is ahead of its time.
pub(super) const MOST_A_STEP: u64 = 20;

impl Security {
    /// Returns the time steps whose codes can be sent now, the present one first.
    pub(super) fn steps_to_send(&self, ctx: &Context) -> impl Iterator<Item = Step> {
        let present = self.totp_rules().step_at(ctx.now).0;
        (present..=present.saturating_add(MOST_A_STEP)).map(Step)
    }

    /// Returns the changes that record that the code of a time step is sent now. They fail with
    /// [`Guard::Secret`] if it was sent before.
    pub(super) fn note_sent(
        &self,
        ctx: &Context,
        message: &CodeMessage<'_>,
        step: Step,
    ) -> [Change; 2] {
        let (user, secret) = (message.user, message.secret);
        let once = totp::sent_once(user.id.as_str(), secret, step);
        self.note(ctx, once, note_of(user, secret, step), user.uniquifier.clone(), step)
    }

    /// Returns the changes that stand in for such records if no code is sent. For the same `whom`,
    /// they fail as often.
    pub(super) fn note_nothing(
        &self,
        ctx: &Context,
        whom: &str,
        method: CodeMethod,
        step: Step,
    ) -> [Change; 2] {
        let parts = [method.name(), whom, &step.0.to_string()];
        let name = self.counters().digest("fs no code v1", &parts);
        let nobody = TotpSecret::from_random([0; 20]);
        let once = totp::sent_once(&name, &nobody, step);
        self.note(ctx, once, SessionKey::new(name.clone()), Uniquifier::new(name), step)
    }

    fn note(
        &self,
        ctx: &Context,
        once: SpentSecret,
        key: SessionKey,
        of: Uniquifier,
        step: Step,
    ) -> [Change; 2] {
        let until = self.closed_at(step);
        let note = Change::InsertSession(SessionRecord {
            key,
            kind: SessionKind::SentCode,
            uniquifier: of,
            created_at: ctx.now,
            authenticated_at: None,
            expires_at: until,
            user_agent: None,
            client_ip: None,
            parent: None,
        });
        [Change::Spend { secret: once, until }, note]
    }

    /// Checks whether the code of a time step was sent to a user, recently enough for the window.
    pub(super) async fn was_sent(
        &self,
        ctx: &Context,
        user: &User,
        secret: &TotpSecret,
        step: Step,
        window: Window,
    ) -> Result<bool, FlowError> {
        let found = self.store().session(&note_of(user, secret, step), ctx.now).await?;
        let noted = |(record, of): (Arc<SessionRecord>, Arc<User>)| {
            let rules = self.totp_rules();
            let sent = rules.step_at(record.created_at);
            // The clocks of two nodes may differ by a few seconds, and so by a time step.
            let timely = ctx.now < rules.closed_at(sent, window)
                && sent.0 <= rules.step_at(ctx.now).0.saturating_add(1);
            record.kind == SessionKind::SentCode
                && of.id == user.id
                && is_session_of(&record, &of)
                && timely
        };
        Ok(found.is_some_and(noted))
    }
}

/// Checks whether a commit failed because the code of the time step was sent before.
pub(super) fn is_noted<T>(written: &Result<T, FlowError>) -> bool {
    matches!(written, Err(FlowError::Contended(CommitError::Stale(Guard::Secret))))
}

fn note_of(user: &User, secret: &TotpSecret, step: Step) -> SessionKey {
    totp::sent(user.id.as_str(), secret, step)
}
