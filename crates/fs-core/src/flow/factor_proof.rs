//! Giving the second factor again before a change to the factor, the recovery codes or the sign-in
//! methods.
//!
//! A session may have been started without the second factor, from a remembered browser or with a
//! stolen cookie. The password that makes the session fresh does not suffice to remove the factor.

use std::sync::Arc;

use super::code_message::CodePurpose;
use super::groups::SecondFactorFlows;
use super::second_factor::wrong_code;
use super::verify::Renewal;
use super::{FlowError, ValidateOutcome};
use crate::context::Context;
use crate::event::{Event, Subject};
use crate::freshness::{self, Freshness, FreshnessFacts, FreshnessRule};
use crate::limit::CodeUse;
use crate::model::User;
use crate::port::MailKind;
use crate::second_factor::method_of;
use crate::security::Security;
use crate::session::Session;

impl SecondFactorFlows<'_> {
    /// Checks whether `user` must give the second factor or a recovery code before changing the
    /// factor, the recovery codes or a sign-in method. That is so if the user has a second factor
    /// and did not give it in this session within
    /// [`Freshness::within`](crate::config::Freshness::within).
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::Store`] if the database fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User,
    /// # ) -> Result<(), FlowError> {
    /// if security.second_factors().needs_proof(&ctx, &session, &user).await? {
    ///     security.second_factors().send_proof(&ctx, &user).await?;
    ///     println!("ask for the code");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn needs_proof(
        self,
        ctx: &Context,
        session: &Session,
        user: &User,
    ) -> Result<bool, FlowError> {
        let strict = self.core.config().two_factor.as_ref().is_some_and(|rules| rules.strict);
        if !strict || method_of(user).is_none() {
            return Ok(false);
        }
        let sign_in = session.sign_in().filter(|sign_in| sign_in.user == user.id);
        let Some(given_at) = sign_in.and_then(|sign_in| sign_in.factor_at) else {
            return Ok(true);
        };
        let (within, grace) = (self.core.config().freshness.within, std::time::Duration::ZERO);
        let rule = FreshnessRule { within, grace, limit: None };
        let facts = FreshnessFacts { authenticated_at: Some(given_at), ..Default::default() };
        if freshness::check(ctx.now, &facts, &rule).0 == Freshness::Stale {
            return Ok(true);
        }
        Ok(!self.core.is_session_of(ctx, session, user).await?)
    }

    /// Sends the code of the second factor to the signed-in `user`, who must give it again. Returns
    /// whether a code was sent; codes from an app are not sent.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a rate limit of messages is reached,
    /// [`FlowError::NoWallet`] if no key is configured, and an [error of a
    /// port](FlowError#errors-of-ports) if one fails. No code was sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, model::User, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, user: User, code: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::ValidateOutcome;
    ///
    /// security.second_factors().send_proof(&ctx, &user).await?;
    /// // Later, with the code that the user typed:
    /// match security.second_factors().validate(&ctx, &mut session, Some(&user), code, None).await? {
    ///     ValidateOutcome::Proven { .. } => println!("the factor may be changed now"),
    ///     other => println!("{other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_proof(self, ctx: &Context, user: &User) -> Result<bool, FlowError> {
        match method_of(user).filter(|method| method.is_sent()) {
            Some(method) => self.send_code(ctx, user, method).await,
            None => Ok(false),
        }
    }
}

impl Security {
    /// Checks whether the browser has a valid session of the user.
    pub(super) async fn is_session_of(
        &self,
        ctx: &Context,
        session: &Session,
        user: &User,
    ) -> Result<bool, FlowError> {
        let owner = self.sessions().user_of(ctx, session).await?;
        Ok(owner.user().is_some_and(|owner| owner.id == user.id))
    }

    /// Accepts a code of the second factor, or a recovery code, from the signed-in `user`. The
    /// session continues under a new id and does not become fresh.
    pub(super) async fn prove_factor(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        typed: &str,
    ) -> Result<ValidateOutcome, FlowError> {
        let strict = self.config().two_factor.as_ref().is_some_and(|rules| rules.strict);
        let Some(method) = method_of(user).filter(|_| strict) else {
            self.second_factors().abandon(session);
            return Ok(ValidateOutcome::NotPending);
        };
        if !self.is_session_of(ctx, session, user).await? {
            return Ok(ValidateOutcome::NotPending);
        }
        let recovery = self.accept_recovery_code(user, typed);
        let recovery = recovery.filter(|_| self.second_factors().offers_recovery_codes());
        let mut with = self.code_quota(ctx, user, CodeUse::SecondFactor, None).success();
        let mut user = user.clone();
        if let Some(accepted) = recovery {
            // Recovery codes count as attempts at codes, as they do at sign-in.
            self.count_attempt(ctx, &user, CodeUse::SecondFactor, None).await?;
            let left = accepted.left();
            with.push(accepted.spend(&user));
            with.push(self.mail(ctx, &user, MailKind::RecoveryCodeUsed { left: left.len() })?);
            user.recovery_codes = left;
        } else {
            let (factor, purpose) = (user.second_factor.clone(), CodePurpose::SecondFactor);
            let Some(accepted) = self.try_code(ctx, &user, &factor, typed, purpose, None).await?
            else {
                return Ok(wrong_code());
            };
            with.push(accepted.spend());
        }
        let renewal = Renewal::SecondFactor;
        if !self.renew_session(ctx, session, &user, renewal, Vec::new(), with).await? {
            return Ok(wrong_code());
        }
        self.mail_waits();
        self.emit(
            ctx,
            Event::SecondFactorConfirmed { user: Subject::of(&user), method: method.name() },
        );
        Ok(ValidateOutcome::Proven { user: Arc::new(user) })
    }
}
