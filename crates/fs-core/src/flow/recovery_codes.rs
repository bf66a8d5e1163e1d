//! Recovery codes: generating them, and using one instead of a second factor.

use std::sync::Arc;

use super::establish::{Clearance, Remember};
use super::groups::SecondFactorFlows;
use super::holder::Holder;
use super::second_factor::still_so;
use super::{FlowError, Problem, ValidateOutcome};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::limit::CodeUse;
use crate::message::MessageKey;
use crate::model::{User, UserField};
use crate::port::{Batch, Change, CommitError, Guard, MailKind};
use crate::recovery_code::RecoveryCode;
use crate::second_factor::{PendingStage, method_of};
use crate::security::Security;
use crate::session::Session;

/// Outcome of generating recovery codes.
#[derive(Debug)]
#[must_use]
pub enum MakeRecoveryCodesOutcome {
    /// New recovery codes. Show them now: only their digests are stored.
    Made(Vec<RecoveryCode>),
    /// The user has no second factor, or recovery codes are not configured.
    NoSecondFactor,
    /// The second factor must be given first.
    ProofNeeded,
}

impl SecondFactorFlows<'_> {
    /// Checks whether accounts can have recovery codes.
    pub fn offers_recovery_codes(self) -> bool {
        self.core.recovery_code_count().is_some()
    }

    /// Generates recovery codes for `user`, which replace all previous ones. Require a fresh
    /// sign-in before: a recovery code stands in for the second factor. The owner is notified by
    /// mail, with a link that undoes the change.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Entropy`] if the source of randomness fails, [`FlowError::Contended`]
    /// if the account changed at the same time, and [`FlowError::Store`] if the database fails. The
    /// previous codes still work.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::MakeRecoveryCodesOutcome;
    ///
    /// match security.second_factors().make_recovery_codes(&ctx, &session, &user).await? {
    ///     MakeRecoveryCodesOutcome::Made(codes) => println!("print these {} codes", codes.len()),
    ///     MakeRecoveryCodesOutcome::NoSecondFactor => println!("set up a second factor first"),
    ///     MakeRecoveryCodesOutcome::ProofNeeded => println!("ask for the second factor"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn make_recovery_codes(
        self,
        ctx: &Context,
        session: &Session,
        user: &User,
    ) -> Result<MakeRecoveryCodesOutcome, FlowError> {
        let count = self.core.recovery_code_count().filter(|_| method_of(user).is_some());
        let Some(count) = count else {
            return Ok(MakeRecoveryCodesOutcome::NoSecondFactor);
        };
        if self.needs_proof(ctx, session, user).await? {
            return Ok(MakeRecoveryCodesOutcome::ProofNeeded);
        }
        let codes = (0..count).map(|_| self.core.random().map(RecoveryCode::from_random));
        let codes: Vec<_> = codes.collect::<Result<_, _>>()?;
        let hashes = codes.iter().map(|code| self.core.recovery_code_hasher().hash(code)).collect();
        let set = vec![UserField::RecoveryCodes(hashes)];
        // Of two requests, one makes codes: those of the other would be worth nothing.
        let expect = vec![UserField::RecoveryCodes(user.recovery_codes.clone())];
        let unchanged = Change::UpdateUser { user: user.id.clone(), expect, set: Vec::new() };
        let mut batch = Batch::from(unchanged).and(still_so(user, set));
        self.core.notify_of_recovery_codes(ctx, &mut batch, user).await?;
        self.core.commit_change(ctx, batch, user).await?;
        self.core.mail_waits();
        self.core.emit(ctx, Event::RecoveryCodesMade { user: Subject::of(user), count });
        Ok(MakeRecoveryCodesOutcome::Made(codes))
    }

    /// Completes a pending sign-in with a recovery code, which is single-use. The owner is notified
    /// by mail. The user of the outcome has the remaining codes.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if too many wrong codes were typed, and an [error of a
    /// port](FlowError#errors-of-ports) if one fails. The code still works, and nobody was signed
    /// in.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, typed: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::ValidateOutcome;
    ///
    /// match security.second_factors().use_recovery_code(&ctx, &mut session, typed).await? {
    ///     ValidateOutcome::SignedIn { user, .. } => {
    ///         println!("{} codes left", user.recovery_codes.len());
    ///     }
    ///     ValidateOutcome::Refused(problem) => println!("{problem:?}"),
    ///     _ => println!("please sign in again"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn use_recovery_code(
        self,
        ctx: &Context,
        session: &mut Session,
        typed: &str,
    ) -> Result<ValidateOutcome, FlowError> {
        let found = self.pending(ctx, session).await?;
        if found.is_none() {
            self.abandon(session);
        }
        let waits = found.filter(|(pending, _)| pending.stage == PendingStage::Code);
        let Some((pending, mut user)) = waits.filter(|_| self.offers_recovery_codes()) else {
            return Ok(ValidateOutcome::NotPending);
        };
        self.core.count_attempt(ctx, &user, CodeUse::SecondFactor, Some(&pending.id)).await?;
        let Some(accepted) = self.core.accept_recovery_code(&user, typed) else {
            self.core.code_failed(ctx, &user, "wrong_recovery_code");
            return Ok(wrong_code());
        };
        let clearance = Clearance::by_recovery_code(&pending, &accepted);
        let remember = if pending.remember { Remember::Yes } else { Remember::No };
        let prepared =
            self.core.prepare_session(ctx, session, Holder::of(&user), remember, clearance)?;
        let left = accepted.left().len();
        let mut batch = Batch::from(accepted.spend(&user))
            .and(still_so(&user, self.core.tracked(ctx, &user).into_iter().collect()));
        batch.push(self.core.spend_pending(&pending));
        self.core.forget_attempts(ctx, &mut batch, &user, CodeUse::SecondFactor, Some(&pending.id));
        prepared.changes().into_iter().for_each(|change| batch.push(change));
        batch.push(self.core.mail(ctx, &user, MailKind::RecoveryCodeUsed { left })?);
        match self.core.store().commit(batch).await {
            Ok(_) => {}
            Err(CommitError::Stale(Guard::Secret | Guard::User(_))) => return Ok(wrong_code()),
            Err(error) => return Err(error.into()),
        }
        self.core.mail_waits();
        Arc::make_mut(&mut user).recovery_codes = accepted.left();
        self.core.emit(ctx, Event::RecoveryCodeUsed { user: Subject::of(&user), left });
        self.core.signed_in(ctx, session, prepared, &pending, user).await
    }
}

impl Security {
    /// Records the state before new recovery codes in the batch that writes them, and adds the
    /// notice, if notices are enabled.
    async fn notify_of_recovery_codes(
        &self,
        ctx: &Context,
        batch: &mut Batch,
        user: &User,
    ) -> Result<(), FlowError> {
        let send = self.config().two_factor.as_ref().is_some_and(|rules| rules.send_notice);
        self.notify_of_change(ctx, batch, user, send, |undo| MailKind::RecoveryCodesMade { undo })
            .await
    }

    fn recovery_code_count(&self) -> Option<usize> {
        self.config().two_factor.as_ref()?.recovery_codes
    }
}

fn wrong_code() -> ValidateOutcome {
    ValidateOutcome::Refused(Problem::new("code", MessageKey::InvalidRecoveryCode))
}
