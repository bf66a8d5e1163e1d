//! Admission after the first factor: a session, or a pending sign-in.

use std::time::Duration;

use super::code_message::{CodeMessage, CodePurpose};
use super::establish::{Clearance, Prepared, Remember};
use super::groups::SecondFactorFlows;
use super::holder::Holder;
use super::{FlowError, RememberChange};
use crate::config::CodeMethod;
use crate::context::Context;
use crate::model::User;
use crate::second_factor::{Entry, Needed, Pending, PendingStage, method_of, needed};
use crate::security::Security;
use crate::session::Session;
use crate::token::DeviceToken;

/// State of a sign-in that waits for a second factor.
#[derive(Debug)]
#[non_exhaustive]
pub struct Challenge {
    /// Step that the sign-in waits for.
    pub stage: PendingStage,
    /// Method whose code is required. `None` if a second factor must be set up first.
    pub method: Option<CodeMethod>,
    /// Whether the code was sent. If not, the user can start over or choose another method.
    pub sent: bool,
    /// Maximum time until a code can be sent again, if the rate limit of messages was reached. The
    /// sign-in stays pending: an earlier code may still work, and so does a recovery code.
    pub wait: Option<Duration>,
    /// Error that prevented sending the code, for the log.
    pub error: Option<FlowError>,
}

impl Challenge {
    /// Creates the challenge that would be required, without starting a pending sign-in.
    pub(super) fn told(needed: Needed) -> Self {
        match needed {
            Needed::Code(method) => Self {
                stage: PendingStage::Code,
                method: Some(method),
                sent: true,
                wait: None,
                error: None,
            },
            Needed::Nothing | Needed::SetUp | Needed::Another => Self {
                stage: PendingStage::SetUp,
                method: None,
                sent: true,
                wait: None,
                error: None,
            },
        }
    }
}

impl SecondFactorFlows<'_> {
    /// Sends the code of the user's second factor, by its own method or another one
    /// (Flask-Security's `tf_send_security_token`). Returns whether the code was sent. Sends
    /// nothing to a user without a second factor.
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
    /// # use fs_core::{Context, Security, flow::FlowError, model::User};
    /// # async fn example(
    /// #     security: Security, ctx: Context, user: User,
    /// # ) -> Result<(), FlowError> {
    /// if let Some(method) = security.second_factors().method_of(&user) {
    ///     let sent = security.second_factors().send_code(&ctx, &user, method).await?;
    ///     println!("{}", if sent { "sent" } else { "could not be sent" });
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_code(
        self,
        ctx: &Context,
        user: &User,
        by: CodeMethod,
    ) -> Result<bool, FlowError> {
        let Some(sealed) = &user.second_factor.totp_secret else {
            return Ok(false);
        };
        let Some(secret) = self.core.open_totp(ctx, user, sealed).await? else {
            return Ok(false);
        };
        self.core
            .send_code(
                ctx,
                CodeMessage {
                    user,
                    method: by,
                    secret: &secret,
                    phone: user.second_factor.phone.as_deref(),
                    purpose: CodePurpose::SecondFactor,
                    link: false,
                    new_secret: None,
                },
            )
            .await
    }

    /// Returns the method of the user's second factor, or `None` if the user has none.
    pub fn method_of(self, user: &User) -> Option<CodeMethod> {
        method_of(user)
    }
}

impl Security {
    /// Decides whether a first factor suffices for a session, and what is still needed if it does
    /// not.
    pub(super) fn judge(
        &self,
        ctx: &Context,
        user: &User,
        entry: Entry,
        device: Option<&str>,
    ) -> Result<Clearance, Needed> {
        let rules = self.config().two_factor.as_ref();
        let known = device.is_some_and(|token| self.is_known_device(ctx, user, token));
        match needed(rules, self.config().unified.as_ref(), user, entry, known) {
            Needed::Nothing => Ok(Clearance::by_first_factor(entry, user)),
            other => Err(other),
        }
    }

    /// Prepares the session that a decision allows. Returns what is still needed if it allows none.
    pub(super) fn prepare_judged(
        &self,
        ctx: &Context,
        session: &Session,
        holder: Holder<'_>,
        remember: Remember,
        judged: Result<Clearance, Needed>,
    ) -> Result<Result<Prepared, Needed>, FlowError> {
        match judged {
            Ok(clearance) => {
                self.prepare_session(ctx, session, holder, remember, clearance).map(Ok)
            }
            Err(needed) => Ok(Err(needed)),
        }
    }

    /// Decides about a link that does not have to sign in. Returns `None` if `signs_in` is false,
    /// or if the second factor is of the same kind as the first.
    pub(super) fn judge_if(
        &self,
        ctx: &Context,
        signs_in: bool,
        user: &User,
        entry: Entry,
    ) -> Option<Result<Clearance, Needed>> {
        let judged = signs_in.then(|| self.judge(ctx, user, entry, None));
        judged.filter(|judged| !matches!(judged, Err(Needed::Another)))
    }

    /// Signs in after the commit, or starts a pending sign-in.
    pub(super) async fn settle_judged(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        remember: Remember,
        entry: Entry,
        prepared: Option<Result<Prepared, Needed>>,
    ) -> Result<(Option<RememberChange>, Option<Challenge>), FlowError> {
        Ok(match prepared {
            Some(Ok(prepared)) => (Some(prepared.settle(self, ctx, session, user).await?), None),
            Some(Err(needed)) => {
                (None, Some(self.challenge(ctx, session, user, remember, entry, needed).await?))
            }
            None => (None, None),
        })
    }

    fn is_known_device(&self, ctx: &Context, user: &User, token: &str) -> bool {
        let rules = self.config().two_factor.as_ref();
        let Some(max_age) = rules.and_then(|rules| rules.device) else {
            return false;
        };
        let token = DeviceToken::verify(self.tokens(), token, ctx.now, max_age);
        token.is_ok_and(|token| token.is_for(user))
    }

    /// Starts a pending sign-in, which replaces any other, and sends the code.
    pub(super) async fn challenge(
        &self,
        ctx: &Context,
        session: &mut Session,
        user: &User,
        remember: Remember,
        entry: Entry,
        needed: Needed,
    ) -> Result<Challenge, FlowError> {
        let id: [u8; 16] = self.random()?;
        let stage = match needed {
            Needed::Code(_) => PendingStage::Code,
            // Callers have refused `Another` before.
            Needed::Nothing | Needed::SetUp | Needed::Another => PendingStage::SetUp,
        };
        session.set_enrolment(None);
        session.set_pending(Some(Pending {
            id: data_encoding::HEXLOWER.encode(&id),
            uniquifier: user.uniquifier.as_str().to_owned(),
            remember: remember == Remember::Yes,
            since: ctx.now,
            stage,
            kind: entry.kind(),
            session: None,
        }));
        let Needed::Code(method) = needed else {
            return Ok(Challenge { stage, method: None, sent: true, wait: None, error: None });
        };
        // If the code cannot be sent now, an older code or a recovery code still works.
        let (sent, wait, error) = match self.second_factors().send_code(ctx, user, method).await {
            // An app generates its codes itself. If its secret cannot be decrypted, a recovery code
            // still works.
            Ok(sent) => (sent || !method.is_sent(), None, None),
            Err(FlowError::TooMany(wait)) => (false, Some(wait), None),
            // The first factor is committed, and with it perhaps a new password.
            Err(error) => (!method.is_sent(), None, Some(error)),
        };
        Ok(Challenge { stage, method: Some(method), sent, wait, error })
    }
}
