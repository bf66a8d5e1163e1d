//! Codes that were sent: one by mail or text message is good because it went out.
//!
//! Secrets of such methods are kept, so there is a code of every moment, sent or not. What went out
//! is noted in the batch before the message, as a record beside the sessions, under a name that the
//! secret and the step make. So it ends by itself when the code is too old, and with the account's
//! trust; that it is used once is for the mark of the step.
//!
//! No code is sent twice: whoever asks again within a step gets the code of the next one, because the
//! first may have been used, or ended with the account's trust. A mark beside the note says so, which
//! outlasts that trust. It is a guard, so of two senders at the same moment one goes on to the next step.

use super::FlowError;
use super::codes::CodeMessage;
use super::uniquifier::is_session_of;
use crate::config::CodeMethod;
use crate::model::{SessionKey, SessionKind, SessionRecord, Uniquifier, User};
use crate::port::{Change, CommitError, Guard, SpentSecret};
use crate::security::{Context, Security};
use crate::totp::{self, Step, TotpSecret, Window};

/// How many codes of one secret are sent within a step, and so how far ahead of its time one may be.
pub(super) const MOST_A_STEP: u64 = 20;

impl Security {
    /// The steps whose codes can be sent now, the present one first.
    pub(super) fn steps_to_send(&self, ctx: &Context) -> impl Iterator<Item = Step> {
        let present = self.totp_rules().step_at(ctx.now).0;
        (present..=present.saturating_add(MOST_A_STEP)).map(Step)
    }

    /// The changes that note that the code of a step goes out now. They are stale
    /// ([`Guard::Secret`]) if one went out before.
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

    /// What stands in a batch for such notes where nothing goes out. For the same identity, they
    /// are stale as often.
    pub(super) fn note_nothing(
        &self,
        ctx: &Context,
        identity: &str,
        method: CodeMethod,
        step: Step,
    ) -> [Change; 2] {
        let parts = [method.name(), &self.one_spelling(identity), &step.0.to_string()];
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

    /// Whether the code of a step went out to a user, and not too long ago for that window.
    pub(super) async fn was_sent(
        &self,
        ctx: &Context,
        user: &User,
        secret: &TotpSecret,
        step: Step,
        window: Window,
    ) -> Result<bool, FlowError> {
        let found = self.store().session(&note_of(user, secret, step), ctx.now).await?;
        let noted = |(record, of): (SessionRecord, User)| {
            let rules = self.totp_rules();
            let sent = rules.step_at(record.created_at);
            // The clocks of two nodes may differ by a few seconds, and so by a step.
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

/// Whether a batch was not written because the code of that step went out before.
pub(super) fn is_noted<T>(written: &Result<T, FlowError>) -> bool {
    matches!(written, Err(FlowError::Contended(CommitError::Stale(Guard::Secret))))
}

fn note_of(user: &User, secret: &TotpSecret, step: Step) -> SessionKey {
    totp::sent(user.id.as_str(), secret, step)
}
