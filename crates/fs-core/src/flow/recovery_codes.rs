//! Recovery codes: making them, and using one in place of a second factor.

use super::establish::{Clearance, Holder, Remember};
use super::second_factor::still_so;
use super::{FlowError, Problem, ValidateOutcome};
use crate::event::{Event, Subject};
use crate::limit::CodeUse;
use crate::message::MessageKey;
use crate::model::{User, UserField};
use crate::port::{Batch, Change, CommitError, Guard, MailKind};
use crate::recovery_code::{RecoveryCode, RecoveryCodeHash};
use crate::second_factor::{PendingStage, method_of};
use crate::security::{Context, Security};
use crate::session::Session;

/// What came of making recovery codes.
#[derive(Debug)]
#[must_use]
pub enum MakeRecoveryCodesOutcome {
    /// Here they are, for this once: only their digests are kept.
    Made(Vec<RecoveryCode>),
    /// There is no second factor that they could stand in for.
    NoSecondFactor,
    /// The second factor must be given first.
    ProofNeeded,
}

/// A recovery code that was right. Only [`Security::accept_recovery_code`] makes one.
#[must_use]
pub(super) struct AcceptedRecoveryCode {
    left: Vec<RecoveryCodeHash>,
}

impl Security {
    /// Whether accounts can have recovery codes.
    pub fn offers_recovery_codes(&self) -> bool {
        self.recovery_code_count().is_some()
    }

    fn recovery_code_count(&self) -> Option<usize> {
        self.config().two_factor.as_ref()?.recovery_codes
    }

    /// Makes recovery codes for `user`, in place of all before. Whoever calls it asks for a fresh
    /// sign-in first: the codes let their holder in without the second factor.
    ///
    /// # Errors
    ///
    /// Nothing was changed.
    pub async fn make_recovery_codes(
        &self,
        ctx: &Context,
        session: &Session,
        user: &User,
    ) -> Result<MakeRecoveryCodesOutcome, FlowError> {
        let count = self.recovery_code_count().filter(|_| method_of(user).is_some());
        let Some(count) = count else {
            return Ok(MakeRecoveryCodesOutcome::NoSecondFactor);
        };
        if self.needs_factor_proof(ctx, session, user).await? {
            return Ok(MakeRecoveryCodesOutcome::ProofNeeded);
        }
        let codes = (0..count).map(|_| self.random().map(RecoveryCode::from_random));
        let codes: Vec<_> = codes.collect::<Result<_, _>>()?;
        let hashes = codes.iter().map(|code| self.recovery_code_hasher().hash(code)).collect();
        let set = vec![UserField::RecoveryCodes(hashes)];
        self.store().commit(still_so(user, set).into()).await?;
        self.emit(Event::RecoveryCodesMade { user: Subject::of(user), count });
        Ok(MakeRecoveryCodesOutcome::Made(codes))
    }

    /// Completes a pending sign-in with a recovery code, which is used up by that. The owner is
    /// told by mail. What is left is with the user of the outcome.
    ///
    /// # Errors
    ///
    /// Nothing was decided.
    pub async fn use_recovery_code(
        &self,
        ctx: &Context,
        session: &mut Session,
        typed: &str,
    ) -> Result<ValidateOutcome, FlowError> {
        let found = self.pending(ctx, session).await?;
        if found.is_none() {
            self.abandon_second_factor(session);
        }
        let waits = found.filter(|(pending, _)| pending.stage == PendingStage::Code);
        let Some((pending, mut user)) = waits.filter(|_| self.offers_recovery_codes()) else {
            return Ok(ValidateOutcome::NotPending);
        };
        self.count_attempt(ctx, &user, CodeUse::SecondFactor, Some(&pending.id)).await?;
        let Some(accepted) = self.accept_recovery_code(&user, typed) else {
            self.code_failed(&user, "wrong_recovery_code");
            return Ok(wrong_code());
        };
        let clearance = Clearance::by_recovery_code(&accepted);
        let remember = if pending.remember { Remember::Yes } else { Remember::No };
        let prepared =
            self.prepare_session(ctx, session, Holder::of(&user), remember, clearance)?;
        let left = accepted.left.len();
        let mut batch = Batch::from(accepted.spend(&user))
            .and(still_so(&user, self.tracked(ctx, &user).into_iter().collect()));
        batch.push(self.spend_pending(&pending));
        self.forget_attempts(&mut batch, &user, CodeUse::SecondFactor, Some(&pending.id));
        prepared.changes().into_iter().for_each(|change| batch.push(change));
        batch.push(self.mail(ctx, &user, MailKind::RecoveryCodeUsed { left })?);
        match self.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(Guard::Secret | Guard::User(_))) => return Ok(wrong_code()),
            Err(error) => return Err(error.into()),
        }
        self.mail_waits();
        user.recovery_codes = accepted.left;
        self.emit(Event::RecoveryCodeUsed { user: Subject::of(&user), left });
        Ok(self.signed_in(ctx, session, prepared, &pending, user))
    }

    /// Looks for a code among those of the account. Count the attempt first.
    pub(super) fn accept_recovery_code(
        &self,
        user: &User,
        typed: &str,
    ) -> Option<AcceptedRecoveryCode> {
        let at = self.recovery_code_hasher().find(&user.recovery_codes, typed)?;
        let mut left = user.recovery_codes.clone();
        left.remove(at);
        Some(AcceptedRecoveryCode { left })
    }
}

impl AcceptedRecoveryCode {
    /// The codes that are left.
    pub(super) fn left(&self) -> Vec<RecoveryCodeHash> {
        self.left.clone()
    }

    /// The change that uses the code up, if all codes still are what they were.
    pub(super) fn spend(&self, user: &User) -> Change {
        Change::UpdateUser {
            user: user.id.clone(),
            expect: vec![UserField::RecoveryCodes(user.recovery_codes.clone())],
            set: vec![UserField::RecoveryCodes(self.left.clone())],
        }
    }
}

fn wrong_code() -> ValidateOutcome {
    ValidateOutcome::Refused(Problem::new("code", MessageKey::InvalidRecoveryCode))
}
