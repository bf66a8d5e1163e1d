//! Signing in by the link in the mail that contains a code.

use std::sync::Arc;

use super::FlowError;
use super::codes::WRONG_CODE;
use super::establish::Remember;
use super::groups::SignInFlows;
use super::sign_in::{SignInOutcome, SignInRefusal};
use super::unified::{Manner, ProvenPasscode};
use crate::config::{CodeMethod, SignInMethod};
use crate::context::Context;
use crate::event::Event;
use crate::model::User;
use crate::second_factor::Entry;
use crate::session::Session;

/// Outcome of following the link in the mail that contains a code.
#[derive(Debug)]
#[must_use]
pub enum CodeLinkOutcome {
    /// The code was right. The inner outcome is a session, a pending sign-in, or a refusal.
    Judged(SignInOutcome),
    /// The account does not exist. Do not reveal this with [`Disclosure::Generic`].
    ///
    /// [`Disclosure::Generic`]: crate::config::Disclosure::Generic
    UnknownUser,
    /// The account is deactivated.
    Inactive,
    /// The code is wrong, was used before, or has expired.
    InvalidCode(Arc<User>),
}

impl SignInFlows<'_> {
    /// Signs in with the address and code of a link. `begin` is whether to start a pending sign-in
    /// if a second factor is required.
    ///
    /// # Errors
    ///
    /// Returns [`FlowError::TooMany`] if a rate limit is reached, [`FlowError::NoWallet`] if no key
    /// is configured, and an [error of a port](FlowError#errors-of-ports) if one fails. Nobody was
    /// signed in.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fs_core::{Context, Security, flow::FlowError, session::Session};
    /// # async fn example(
    /// #     security: Security, ctx: Context, mut session: Session, email: &str, code: &str,
    /// # ) -> Result<(), FlowError> {
    /// use fs_core::flow::{CodeLinkOutcome, SignInOutcome};
    ///
    /// match security.sign_in().follow_code_link(&ctx, &mut session, email, code, true).await? {
    ///     CodeLinkOutcome::Judged(SignInOutcome::Done { user, .. }) => {
    ///         println!("signed in as {}", user.email);
    ///     }
    ///     CodeLinkOutcome::Judged(outcome) => println!("{outcome:?}"),
    ///     _ => println!("not a valid link"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn follow_code_link(
        self,
        ctx: &Context,
        session: &mut Session,
        email: &str,
        code: &str,
        begin: bool,
    ) -> Result<CodeLinkOutcome, FlowError> {
        let attempt = self.core.sign_in_quota(ctx, email).without_password();
        let mut counted = self.core.count_sign_in(ctx, attempt, None).await?;
        let user = self.core.email_of_stranger(email).await?;
        counted.found(ctx, user.as_deref());
        let method = CodeMethod::Email;
        let rules = self.core.config().unified.clone();
        let rules = rules.filter(|rules| rules.methods.contains(&SignInMethod::Code(method)));
        let methods = rules.iter().map(|_| method).collect();
        let active = user.as_deref().filter(|user| user.active);
        let lane = self.core.lane_of_typed(ctx, email);
        let secrets = self.core.sign_in_secrets(ctx, lane, active, methods).await;
        let secret = self.core.or_uncount(&counted.all(), secrets).await?.pop();
        let accepted = match (&rules, &secret) {
            (Some(rules), Some(secret)) => {
                let window = rules.window(method);
                self.core.accept_passcode(ctx, active, secret, code, window).await?
            }
            _ => None,
        };
        let Some(user) = user else {
            counted.judge(false)?;
            let reason = SignInRefusal::UnknownIdentity.reason();
            self.core.emit(ctx, Event::AuthenticationFailed { user: None, reason });
            return Ok(CodeLinkOutcome::UnknownUser);
        };
        if !user.active {
            counted.judge(false)?;
            self.core.code_failed(ctx, &user, SignInRefusal::Inactive.reason());
            return Ok(CodeLinkOutcome::Inactive);
        }
        counted.judge(accepted.is_some())?;
        if accepted.is_none() {
            self.core.code_failed(ctx, &user, WRONG_CODE);
            return Ok(CodeLinkOutcome::InvalidCode(user));
        }
        if let Some(refusal) = self.core.may_not_act(&user) {
            return Ok(CodeLinkOutcome::Judged(self.core.refuse(ctx, Some(&user), refusal)));
        }
        let method = SignInMethod::Code(method);
        let uncounted = counted.by_code();
        let proven = ProvenPasscode { method, accepted, rehashed: None, uncounted };
        let remember: Remember = self.core.remember_by_default();
        let manner = Manner { entry: Entry::CodeLink, remember, device: None, begin };
        let outcome =
            self.core.finish_passcode(ctx, session, Arc::clone(&user), proven, manner).await?;
        Ok(match outcome {
            SignInOutcome::Refused(SignInRefusal::WrongPassword) => {
                CodeLinkOutcome::InvalidCode(user)
            }
            other => CodeLinkOutcome::Judged(other),
        })
    }
}
